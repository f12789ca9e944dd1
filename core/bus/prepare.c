/* SPDX-License-Identifier: MIT */
/*
 * The first half of a change of the module set. Whatever goes wrong is complained of, as much
 * of it at once as can be; then everything new is dropped and nothing has changed. First all
 * that only looks (tables, options, order), then what acts: migrations, start(), adopt().
 */
#include "core/bus/internal.h"

enum { START_DEADLINE_MS = 30000, DISCARD_GRACE_MS = 10000 };

static struct xyi_bus *prepared; /* not committed yet; logic thread, like those below */
static bool preparing, stopping, cleaned; /* cleaned: the private directory, once per process */
static struct xy_instance *starting;      /* the one whose start() runs */

static bool
is_fine(const struct xyi_preparation *p)
{
    return xyi_errors(p->to) == p->errors;
}

bool
xyi_bus_may_commit(void)
{
    return !stopping;
}

void
xyi_bus_committed(void)
{
    prepared = NULL;
}

/* ---- instances -------------------------------------------------------------------------- */

static void
make_instance(const struct xyi_preparation *p, struct xyi_want *want)
{
    const struct xy_module *module = &want->library->module;
    struct xy_instance *fresh = xyi_instance_new(want->library, want->host);
    void *state = xyi_instance_state(fresh);
    want->fresh = want->chosen = fresh;
    xyi_diagnostics_aim(p->to, want->map ? want->map : want->at);
    xyi_options_read(xyi_module_options(module), want->map, NULL, p->wish->base,
                     fresh->options_arena, state, p->to);
    xyi_service_name(fresh);
    if (module->check) {
        xyi_forbid_wait("a module's check");
        module->check(state, p->to);
        xyi_allow_wait();
    }
    xyi_diagnostics_aim(p->to, NULL);
}

/* ---- looking ---------------------------------------------------------------------------- */

static struct xyi_bus *
new_bus(const struct xyi_bus_wish *wish)
{
    struct xyi_arena *arena = xyi_arena_new(16384);
    struct xyi_bus *bus = xyi_arena_alloc(arena, sizeof(*bus));
    bus->arena = arena;
    bus->holds = 1;
    bus->hosts_count = wish->hosts_count;
    bus->hosts = xyi_arena_alloc(arena, (wish->hosts_count + 1) * sizeof(*bus->hosts));
    bus->views = xyi_arena_alloc(arena, (wish->hosts_count + 1) * sizeof(*bus->views));
    for (size_t i = 0; i < wish->hosts_count; i++)
        bus->hosts[i] = xyi_host_get(wish->hosts[i]);
    xyi_hosts_hash(bus);
    return bus;
}

static void
look(const struct xyi_preparation *p)
{
    struct xyi_bus *bus = p->bus;
    bus->wants = xyi_wants_read(p->wish, bus->hosts, bus->arena, p->to);
    bus->order = xyi_arena_alloc(bus->arena, (bus->wants.count + 1) * sizeof(*bus->order));
    xyi_wants_order(&bus->wants, bus->order, p->to);
    xyi_hooks_check(&bus->wants, p->to);
    for (size_t i = 0; i < bus->wants.count; i++) {
        make_instance(p, &bus->wants.at[i]);
        xyi_classify(p, &bus->wants.at[i]);
        bus->wants.at[i].chosen->snapshots++;
    }
    xyi_list_removed(p);
    bus->server = xyi_view_new(bus, NULL, p->to);
    for (size_t i = 0; i < bus->hosts_count; i++)
        bus->views[i] = xyi_view_new(bus, bus->hosts[i], p->to);
    xyi_commands_list(bus, p->to);
    xyi_services_list(bus, p->to);
    xyi_wants_drop(&bus->wants);
}

/* ---- acting ----------------------------------------------------------------------------- */

/* Its first want, and the library is new: once per library, not per host or reload. */
static bool
is_new_code(const struct xyi_wants *wants, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (wants->at[i].library == wants->at[at].library)
            return false;
    for (size_t i = 0; xyi_bus_live && i < xyi_bus_live->wants.count; i++)
        if (xyi_bus_live->wants.at[i].chosen->library == wants->at[at].library)
            return false;
    return true;
}

static void
lay_tables(const struct xyi_preparation *p, const struct xyi_want *want)
{
    const struct xy_module *module = &want->library->module;
    struct xy_str error = XY_NO_STR;
    if (module->schema_count > 0 && xyi_store_migrate(xy_str_from(module->name), module->schema,
                                                      module->schema_count, &error) != XY_OK)
        xyi_complain_at(p->to, want->at, "module %s: its schema: " XY_FMT, module->name,
                        XY_ARG(error));
    else if (module->statements_count > 0 &&
             xyi_store_check(module->statements, module->statements_count, &error) != XY_OK)
        xyi_complain_at(p->to, want->at, "module %s: its statements: " XY_FMT, module->name,
                        XY_ARG(error));
}

static void
start_takes_too_long(struct xyi_timer *timer)
{
    (void)timer;
    xyi_cancel_instance(starting);
}

static void
start(const struct xyi_preparation *p, struct xyi_want *want)
{
    struct xy_instance *instance = want->fresh;
    struct xyi_timer deadline = {0};
    xy_status status = XY_OK;
    starting = instance;
    instance->touched = true;
    xyi_timer_set(&deadline, START_DEADLINE_MS, start_takes_too_long);
    struct xy_instance *former = xyi_instance_enter(instance);
    if (instance->module->start)
        status = instance->module->start(xyi_instance_state(instance));
    xyi_instance_leave(instance, former);
    xyi_timer_clear(&deadline);
    starting = NULL;
    instance->started = status == XY_OK;
    if (status != XY_OK)
        xyi_complain_at(p->to, want->at, "module " XY_FMT " does not start: %s",
                        XY_ARG(xyi_label(instance->module->name, instance->host)),
                        xy_status_name(status));
}

static void
act(const struct xyi_preparation *p)
{
    const struct xyi_bus *bus = p->bus;
    for (size_t i = 0; i < bus->wants.count; i++)
        if (is_new_code(&bus->wants, i))
            lay_tables(p, &bus->wants.at[i]);
    for (size_t i = 0; i < bus->wants.count && is_fine(p); i++)
        if (bus->order[i]->chosen == bus->order[i]->fresh && !stopping)
            start(p, bus->order[i]);
    if (stopping)
        xyi_complain_at(p->to, NULL, "the server is stopping");
    for (size_t i = 0; i < bus->wants.count && is_fine(p); i++)
        if (bus->wants.at[i].change == XYI_REPLACED)
            xyi_handover(bus->wants.at[i].old, bus->wants.at[i].fresh);
}

/* ---- both ------------------------------------------------------------------------------- */

/* What start() began may still run (an offloaded job), so what was started leaves like any
 * other. */
void
xyi_bus_discard(struct xyi_bus *bus)
{
    prepared = NULL;
    for (size_t i = bus->wants.count; i-- > 0;) {
        struct xyi_want *want = bus->order[i];
        if (!want->fresh || want->fresh->touched) {
            if (want->fresh)
                xyi_drain(want->fresh, DISCARD_GRACE_MS);
            continue;
        }
        if (want->chosen == want->fresh) {
            want->fresh->snapshots--;
            want->chosen = NULL;
        }
        xyi_instance_free(want->fresh);
    }
    xyi_bus_release(bus);
}

static bool
may_prepare(struct xy_diagnostics *to)
{
    if (preparing || prepared)
        xyi_complain_at(to, NULL, "another change of the module set is under way");
    else if (stopping)
        xyi_complain_at(to, NULL, "the server is stopping");
    else
        return true;
    return false;
}

struct xyi_bus *
xyi_bus_prepare(const struct xyi_bus_wish *wish, struct xy_diagnostics *to,
                struct xyi_bus_report *report)
{
    struct xyi_bus_report unread = {0};
    if (!may_prepare(to))
        return NULL;
    preparing = true;
    if (!wish->tables_only && !cleaned)
        xyi_libraries_clean(wish->private_path);
    cleaned = cleaned || !wish->tables_only;
    xyi_bus_init();
    struct xyi_preparation p = {wish, new_bus(wish), to, report ? report : &unread,
                                xyi_errors(to)};
    look(&p);
    if (is_fine(&p) && !wish->tables_only)
        act(&p);
    preparing = false;
    if (is_fine(&p))
        return prepared = p.bus;
    xyi_bus_discard(p.bus);
    return NULL;
}

/* For the end of the server: gives a preparation that waits the time to notice. */
void
xyi_bus_stop_preparing(int64_t grace_ms)
{
    stopping = true;
    if (starting)
        xyi_cancel_instance(starting);
    for (int64_t waited = 0; (preparing || prepared) && waited < grace_ms; waited += 10)
        if (xy_sleep(10) != XY_OK)
            break;
}

void
xyi_bus_stopped(void)
{
    stopping = preparing || prepared;
}

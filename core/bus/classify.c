/* SPDX-License-Identifier: MIT */
/*
 * What becomes of each module in a change of the set: kept as it is, retuned in place (only
 * live options differ), replaced (its code or an option of class replace), added, removed. An
 * option of class restart refuses the whole change.
 */
#include "core/bus/internal.h"

struct xyi_option_table
xyi_module_options(const struct xy_module *module)
{
    return (struct xyi_option_table){module->options, module->options_count};
}

static struct xy_instance *
find_live(const char *name, const struct xy_host *host)
{
    for (size_t i = 0; xyi_bus_live && i < xyi_bus_live->wants.count; i++) {
        struct xy_instance *instance = xyi_bus_live->wants.at[i].chosen;
        if (instance->host == host && strcmp(instance->module->name, name) == 0)
            return instance;
    }
    return NULL;
}

static void
tell(struct xy_buffer *list, const struct xyi_want *want, struct xy_str reason)
{
    xy_buffer_add(list, xyi_label(want->library->module.name, want->host));
    if (reason.len > 0)
        xy_buffer_printf(list, ": " XY_FMT, XY_ARG(reason));
    xy_buffer_add(list, XY_STR("\n"));
}

static bool
differs(const struct xy_option *row, const void *a, const void *b)
{
    enum xy_effect effect;
    return xyi_options_differ((struct xyi_option_table){row, 1}, a, b, &effect);
}

/* Names of the options that differ, and the strongest effect among them. */
static struct xy_str
differences(const struct xyi_want *want, enum xy_effect *strongest)
{
    const void *old = xyi_instance_state(want->old), *fresh = xyi_instance_state(want->fresh);
    const struct xy_module *module = &want->library->module;
    struct xy_buffer names = {0};
    if (!xyi_options_differ(xyi_module_options(module), old, fresh, strongest))
        return XY_NO_STR;
    for (size_t i = 0; i < module->options_count; i++)
        if (differs(&module->options[i], old, fresh))
            xy_buffer_printf(&names, "%s%s", names.len ? ", " : "", module->options[i].name);
    return xy_buffer_str(&names);
}

/* An option of class restart has another value in the new code; rows are matched by name, since
 * the state may be laid out anew. */
static const char *
restart_option(const struct xyi_want *want)
{
    const struct xy_module *module = &want->library->module, *was = want->old->module;
    for (size_t i = 0; i < module->options_count; i++)
        for (size_t k = 0; k < was->options_count; k++) {
            const struct xy_option *row = &module->options[i], *old = &was->options[k];
            if (row->effect == XY_RESTART && row->type == old->type &&
                strcmp(row->name, old->name) == 0 &&
                !xy_str_equal(xyi_option_text(row, xyi_instance_state(want->fresh)),
                              xyi_option_text(old, xyi_instance_state(want->old))))
                return row->name;
        }
    return NULL;
}

static void
refuse(const struct xyi_preparation *p, const struct xyi_want *want, const char *option)
{
    const struct xyi_yaml *at =
        want->map ? xyi_option_at(want->map, xy_str_from(option)) : NULL;
    tell(&p->report->refused, want, xy_temp_printf("%s takes a restart", option));
    xyi_complain_at(p->to, at ? at : want->at, "module %s: a change of %s takes a restart",
                    want->library->module.name, option);
}

static void
keep(struct xyi_want *want)
{
    xyi_instance_free(want->fresh);
    want->fresh = NULL;
    want->chosen = want->old;
    want->change = XYI_KEPT;
}

static void
classify_same_code(const struct xyi_preparation *p, struct xyi_want *want)
{
    enum xy_effect effect = XY_LIVE;
    struct xy_str changed = differences(want, &effect);
    if (changed.len == 0) {
        keep(want);
        tell(&p->report->kept, want, XY_NO_STR);
    } else if (effect == XY_REPLACE) {
        want->change = XYI_REPLACED;
        tell(&p->report->replaced, want, changed);
    } else {
        want->chosen = want->old;
        want->change = XYI_RETUNED;
        tell(&p->report->retuned, want, changed);
    }
}

void
xyi_classify(const struct xyi_preparation *p, struct xyi_want *want)
{
    want->old = find_live(want->library->module.name, want->host);
    const char *restart = want->old ? restart_option(want) : NULL;
    if (!want->old) {
        want->change = XYI_ADDED;
        tell(&p->report->added, want, XY_NO_STR);
    } else if (restart) {
        want->change = XYI_REPLACED;
        refuse(p, want, restart);
    } else if (want->old->library != want->library) {
        want->change = XYI_REPLACED;
        tell(&p->report->replaced, want, XY_STR("its code changed"));
    } else {
        classify_same_code(p, want);
    }
}

static bool
is_wanted(const struct xyi_bus *bus, const struct xy_instance *instance)
{
    for (size_t i = 0; i < bus->wants.count; i++)
        if (bus->wants.at[i].host == instance->host &&
            strcmp(bus->wants.at[i].library->module.name, instance->module->name) == 0)
            return true;
    return false;
}

void
xyi_list_removed(const struct xyi_preparation *p)
{
    for (size_t i = 0; xyi_bus_live && i < xyi_bus_live->wants.count; i++) {
        const struct xy_instance *instance = xyi_bus_live->wants.at[i].chosen;
        if (!is_wanted(p->bus, instance)) {
            xy_buffer_add(&p->report->removed,
                          xyi_label(instance->module->name, instance->host));
            xy_buffer_add(&p->report->removed, XY_STR("\n"));
        }
    }
}

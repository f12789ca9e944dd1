/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the bus share: a module path of their own with variants of test modules in
 * it, changes of the module set as a server makes them, and a loop that turns when told to. The
 * clock stands still; each change runs on a fiber of its own, the test itself outside of
 * fibers.
 */
#ifndef TEST_BUS_H
#define TEST_BUS_H

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/bus/internal.h"
#include "core/xml/xml.h"
#include "tests/unit/harness.h"

#define XY_HOOKS_HERE
#include "tests/unit/modules/probe.h"

enum { GRACE_MS = 1000 };

static char place[64], built[PATH_MAX]; /* the test's folder; where the variants are */
static const char *hosts_wanted = "example.org";
static char complaints[4096];
static struct xyi_bus_report report;

static __attribute__((unused)) void
turns(int count)
{
    for (int i = 0; i < count; i++) {
        xyi_clock_turn();
        xyi_inbox_open_all(&xyi_logic_inbox);
        xyi_timers_run();
        xyi_sched_run();
    }
}

static __attribute__((unused)) void
pass_time(int64_t ms)
{
    for (int64_t step = 10; ms > 0; ms -= step) {
        xyi_clock_advance(ms < step ? ms : step);
        turns(2);
    }
}

static void
begin(void)
{
    ssize_t len = readlink("/proc/self/exe", built, sizeof(built) - 1);
    CHECK(len > 0);
    built[len] = 0;
    strcpy(strrchr(built, '/'), "/modules");
    strcpy(place, "/tmp/xylem-bus-XXXXXX");
    CHECK(mkdtemp(place));
    CHECK(mkdir(xy_str_from(place).at, 0700) != 0);
    CHECK(setenv("TMPDIR", place, 1) == 0);
    xyi_temp_set(xyi_arena_new(4096));
    CHECK(mkdir(xy_temp_cstr(xy_temp_printf("%s/modules", place)), 0700) == 0);
    xyi_clock_freeze(1000000);
    xyi_inbox_init(&xyi_logic_inbox);
    xyi_jids_init();
    xyi_fibers_init((struct xyi_fiber_limits){0});
}

static __attribute__((unused)) const char *
path_of(const char *name)
{
    return xy_temp_cstr(xy_temp_printf("%s/modules/%s", place, name));
}

static void
shell(const char *command)
{
    CHECK_EQ(system(command), 0);
}

/* Whether what is closed is unmapped and its copy removed; not where reports need its symbols.
 */
static __attribute__((unused)) bool
unmaps(void)
{
#ifdef XYI_SANITIZED
    return false;
#else
    const char *preload = getenv("LD_PRELOAD");
    return !preload || !strstr(preload, "vgpreload");
#endif
}

static __attribute__((unused)) unsigned
copies(void)
{
    DIR *directory = opendir(xy_temp_cstr(xy_temp_printf("%s/private", place)));
    unsigned count = 0;
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        count += xy_str_ends(xy_str_from(entry->d_name), XY_STR(".so"));
    if (directory)
        closedir(directory);
    return count;
}

/* The variant "plain-1" becomes plain.so in the module path, as a new file. */
static __attribute__((unused)) void
put(const char *variant)
{
    struct xy_str rest = xy_str_from(variant), name = xy_str_cut(&rest, '-');
    shell(xy_temp_cstr(xy_temp_printf("cp '%s/%s.so' '%s/modules/new' && mv '%s/modules/new' "
                                      "'%s/modules/" XY_FMT ".so'",
                                      built, variant, place, place, place, XY_ARG(name))));
}

/* ---- changes ---------------------------------------------------------------------------- */

struct change {
    const char *yaml; /* the modules map; a second document's worth of hosts after "hosts:" */
    bool tables_only, hold;
    struct xyi_bus *bus;
    bool done;
};

static void
note_complaints(struct xy_diagnostics *to)
{
    struct xy_str text = xyi_diagnostics_text(to);
    snprintf(complaints, sizeof(complaints), XY_FMT, XY_ARG(text));
}

static struct xy_buffer
keep_list(struct xy_buffer list)
{
    return (struct xy_buffer){(char *)(uintptr_t)xyi_str_copy(xy_buffer_str(&list)).at,
                              list.len, list.len};
}

static void
free_report(void)
{
    struct xy_buffer *lists[] = {&report.kept,  &report.retuned, &report.replaced,
                                 &report.added, &report.removed, &report.refused};
    for (size_t i = 0; i < 6; i++)
        xyi_free(lists[i]->text);
    report = (struct xyi_bus_report){0};
}

static void
keep_report(const struct xyi_bus_report *from)
{
    free_report();
    report = (struct xyi_bus_report){keep_list(from->kept),     keep_list(from->retuned),
                                     keep_list(from->replaced), keep_list(from->added),
                                     keep_list(from->removed),  keep_list(from->refused)};
}

static void
make_change(void *argument)
{
    struct change *change = argument;
    struct xyi_arena *arena = xyi_arena_new(1024);
    struct xy_diagnostics *to = xyi_diagnostics_new(arena);
    struct xyi_yaml *tree =
        xyi_yaml_parse(arena, XY_STR("test.yaml"), xy_str_from(change->yaml), to);
    CHECK(tree && xyi_errors(to) == 0);
    const struct xy_jid *hosts[8];
    const struct xyi_yaml *own[8];
    size_t count = 0;
    for (struct xy_str rest = xy_str_from(hosts_wanted); rest.len > 0; count++) {
        hosts[count] = xy_jid_parse(xy_str_cut(&rest, ' '));
        own[count] = xyi_yaml_get(tree, xy_jid_text(hosts[count]));
    }
    struct xyi_bus_wish wish = {
        .module_path = xy_temp_printf("%s/none:%s/modules", place, place),
        .private_path = xy_temp_printf("%s/private", place),
        .modules = xyi_yaml_get(tree, XY_STR("modules")),
        .hosts = hosts,
        .host_modules = own,
        .hosts_count = count,
        .base = XY_STR("/base"),
        .tables_only = change->tables_only,
    };
    struct xyi_bus_report now = {0};
    change->bus = xyi_bus_prepare(&wish, to, &now);
    note_complaints(to);
    keep_report(&now);
    CHECK((change->bus != NULL) == (xyi_errors(to) == 0));
    if (change->bus && !change->hold)
        xyi_bus_commit(change->bus, GRACE_MS);
    change->done = true;
    xyi_arena_free(arena);
}

/* To the end; true: committed. */
static __attribute__((unused)) bool
change(const char *yaml)
{
    struct change wanted = {.yaml = yaml};
    xyi_run_on_fiber(make_change, &wanted, NULL);
    if (!wanted.bus && getenv("VERBOSE"))
        fputs(complaints, stderr);
    return wanted.bus != NULL;
}

static __attribute__((unused)) bool
complained(const char *what)
{
    if (strstr(complaints, what))
        return true;
    fprintf(stderr, "no \"%s\" in:\n%s", what, complaints);
    return false;
}

static __attribute__((unused)) bool
is_listed(struct xy_buffer list, const char *line)
{
    if (list.text && strstr(list.text, line))
        return true;
    fprintf(stderr, "no \"%s\" in: %s\n", line, list.text ? list.text : "");
    return false;
}

static void
end_bus(void *nothing)
{
    (void)nothing;
    xyi_bus_end(GRACE_MS);
}

static __attribute__((unused)) void
finish(void)
{
    xyi_run_on_fiber(end_bus, NULL, NULL);
    turns(3);
    CHECK_EQ(xyi_bus_draining(), 0);
    free_report();
    shell(xy_temp_cstr(xy_temp_printf("rm -rf '%s'", place)));
    xyi_fibers_end();
    xyi_inbox_close(&xyi_logic_inbox);
    struct xyi_arena *arena = xyi_temp();
    xyi_temp_set(NULL);
    xyi_arena_free(arena);
}

/* ---- firing ----------------------------------------------------------------------------- */

static struct xy_host *
host(const char *name)
{
    return xy_host_find(xy_jid_parse(xy_str_from(name)));
}

struct shot {
    struct probe probe;
    const char *host;
    int what;
    xy_status status;
    xy_verdict verdict;
    bool done;
    struct xyi_job job;
    struct xyi_wait go[4];
    unsigned waits, flags;
};
enum { EVENT, FILTER, SERVICE, WAIT };

static xy_status
wait_for_go(struct probe *probe)
{
    struct shot *shot = XYI_LIST_OF(probe, struct shot, probe);
    CHECK(shot->waits < 4);
    return xyi_wait(&shot->go[shot->waits++], XY_NONE, shot->flags);
}

static void
fire(void *argument)
{
    struct shot *shot = argument;
    struct xy_host *at = shot->host ? host(shot->host) : NULL;
    if (shot->what == EVENT)
        xy_run_probe_event(at, &shot->probe);
    else if (shot->what == FILTER)
        shot->verdict = xy_run_probe_filter(at, &shot->probe);
    else if (shot->what == SERVICE)
        shot->status = xy_run_probe_service(at, &shot->probe);
    else
        xy_run_probe_wait(at, &shot->probe);
    shot->done = true;
}

static void
fire_job(struct xyi_job *job)
{
    fire(XYI_LIST_OF(job, struct shot, job));
}

/* Begins; goes on when released. */
static __attribute__((unused)) void
launch(struct shot *shot)
{
    shot->host = "example.org";
    shot->probe.wait = wait_for_go;
    shot->job.run = fire_job;
    xyi_spawn(&shot->job);
    turns(2);
}

static __attribute__((unused)) void
go_on(struct shot *shot)
{
    xyi_wake(&shot->go[shot->waits - 1], XY_OK);
    turns(3);
}

/* What the handlers of an event on `name` said. */
static __attribute__((unused)) const char *
said(const char *name)
{
    static struct shot shot;
    shot = (struct shot){.host = name, .what = EVENT};
    xyi_run_on_fiber(fire, &shot, NULL);
    return shot.probe.text;
}

static __attribute__((unused)) bool
says(const char *name, const char *text)
{
    const char *found = said(name);
    if (strcmp(found, text) == 0)
        return true;
    fprintf(stderr, "said \"%s\", not \"%s\"\n", found, text);
    return false;
}

#endif

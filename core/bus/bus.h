/* SPDX-License-Identifier: MIT */
/*
 * Modules at work: loading through the gates, instances per host, resolved hooks and iq routes in
 * immutable snapshots, two-phase change of the whole set.
 */
#ifndef XYI_BUS_H
#define XYI_BUS_H

#include <xylem/xylem.h>
#include "core/conf/conf.h"
#include "core/fiber/fiber_internal.h"
#include "core/store/store.h"

struct xyi_bus;

/* Precedes the module's state in memory: xyi_instance_of(self). Its life: prepared (start() ran,
 * nothing of it is live), live, leaving (replaced or removed: drains), gone. It is drained when no
 * handler, timer, task, command or offloaded job of it runs or is queued (`running`), and no
 * snapshot lists it (`snapshots`): a firing that began with it may still come to it. */
struct xy_instance {
    uint32_t magic;
    bool touched;                /* start() was called */
    bool started;                /* start() said XY_OK: stop() is due */
    bool live;                   /* committed: timers run, tasks are queued */
    bool leaving, abandoned;
    enum { XYI_AT_WORK, XYI_DRAINED, XYI_STOPPING, XYI_HOLLOW } stage;
    const struct xy_module *module;
    struct xyi_library *library; /* the open .so; several instances share it */
    struct xy_host *host;        /* NULL: XY_SERVER */
    const struct xy_jid *service; /* the domain it serves; kept; NULL: none */
    struct xyi_arena *options_arena; /* what option values point into */
    struct xyi_link_node blocks; /* xy_keep_* memory */
    struct xyi_link_node timers, strands, maps;
    unsigned running;            /* handlers, timers, tasks and commands in flight or queued */
    unsigned snapshots;
    uint64_t calls;              /* handler calls, for module info */
    struct xyi_bus *latest;      /* the last generation committed with it */
    struct xyi_link_node leaver; /* in drain.c's list while it leaves */
    struct xyi_timer grace;
    int64_t grace_ms;
    unsigned cancelled;          /* times its waits were */
    struct xyi_job farewell;
};
struct xy_instance *xyi_instance_of(const void *self); /* asserts */
void *xyi_instance_state(const struct xy_instance *instance);
/* Counts a call into the instance and makes it the fiber's current one; returns the former. */
struct xy_instance *xyi_instance_enter(struct xy_instance *instance);
void xyi_instance_leave(struct xy_instance *instance, struct xy_instance *former);

/* ---- what a configuration wants --------------------------------------------------------- */
struct xyi_bus_wish {
    struct xy_str module_path;  /* directory of the .so files (colon-separated list) */
    struct xy_str private_path; /* where copies go: data_dir/modules; absent: from memory, for tables_only */
    const struct xyi_yaml *modules; /* top-level `modules` map, may be NULL */
    const struct xy_jid *const *hosts;
    const struct xyi_yaml *const *host_modules; /* per host: host_config.HOST.modules or NULL */
    size_t hosts_count;
    struct xy_str base; /* for relative paths in options */
    bool tables_only;   /* --check: read tables, never start; no store */
};
struct xyi_bus_report { /* a line for each: "module" or "module@host", then maybe ": reason"; in xyi_temp() */
    struct xy_buffer kept, retuned, replaced, added, removed, refused;
};
/* struct xyi_bus is a whole generation: hosts with their instances, hooks, iq routes, features. */
/* Prepare: loads, checks gates and options, migrates, starts new instances, adopts. On any error the
 * diagnostics have them all, everything new is dropped, nothing has changed: NULL. A second one
 * before the first is committed or discarded is refused. Migrations are applied here, also for a
 * dry run: they only expand. */
XY_SUSPENDS struct xyi_bus *xyi_bus_prepare(const struct xyi_bus_wish *wish, struct xy_diagnostics *to, struct xyi_bus_report *report);
/* Commit: pointer stores, second adopt, timers armed; cannot fail. Old instances drain in the
 * background for up to `grace_ms`, then their waits are cancelled; one that will not drain is
 * abandoned and counted. */
void xyi_bus_commit(struct xyi_bus *bus, int64_t grace_ms);
void xyi_bus_discard(struct xyi_bus *bus); /* --dry-run: what was started is stopped, in the background */
/* Server stop: stops all instances, once their handlers are done; those that are not within
 * `grace_ms` are cancelled, and after as long again abandoned. */
XY_SUSPENDS void xyi_bus_end(int64_t grace_ms);
unsigned xyi_bus_draining(void), xyi_bus_abandoned(void);

/* The module tables of a .so without starting it (gates 1-5), for --check, --defaults, man pages. */
const struct xy_module *xyi_module_peek(struct xy_str module_path, struct xy_str name, struct xy_diagnostics *to);
/* Every module found in the path. */
size_t xyi_modules_available(struct xy_str module_path, struct xy_str **names);

/* ---- the live generation ---------------------------------------------------------------- */
struct xyi_bound_iq {
    const struct xy_iq_route *route;
    struct xy_instance *instance;
};
/* The routes of ns + element on a host (several places may have several); NULL: none. A reference
 * on the snapshot is held between begin and end. */
struct xyi_iq_lookup {
    const struct xyi_bound_iq *at;
    size_t count;
    void *snapshot;
};
void xyi_iq_begin(struct xy_host *host, struct xy_str ns, struct xy_str element, struct xyi_iq_lookup *lookup);
void xyi_iq_end(struct xyi_iq_lookup *lookup);
/* The instance that serves the domain of `jid`; NULL: none. */
struct xy_instance *xyi_service_instance(const struct xy_jid *jid);
/* Gives the stanza to it. false: nobody serves that domain. */
XY_SUSPENDS bool xyi_service_handle(const struct xy_stanza *stanza);
/* Lists for commands; each callback gets borrowed data and must not suspend. Hooks come in the core's
 * order, then by name; each hook's rows in the order they run. */
void xyi_bus_each_instance(void (*each)(void *argument, struct xy_instance *instance), void *argument);
void xyi_bus_each_hook(struct xy_host *host, void (*each)(void *argument, const char *hook, const struct xy_instance *instance, const struct xy_hook *row), void *argument);
/* Whether anybody in the live generation fires it; a listener of a module that is off has none. */
bool xyi_hook_is_bound(const char *hook);
/* The command of that name (longest noun-verb match), its instance; NULL: none. A module has one
 * instance per host: that of `host`, or the first (also when `host` is NULL). */
const struct xy_command_row *xyi_bus_command(struct xy_str name, struct xy_instance **instance);
const struct xy_command_row *xyi_bus_command_at(struct xy_str name, const struct xy_host *host, struct xy_instance **instance);
/* Every command row, once each; must not suspend. */
void xyi_bus_each_command(void (*each)(void *argument, const struct xy_module *module, const struct xy_command_row *row), void *argument);
struct xy_str xyi_library_path(const struct xy_instance *instance); /* as configured, not the private copy */
struct xy_str xyi_library_hash(const struct xy_instance *instance); /* hex of the file's SHA-256 */

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Between the files of the bus. A generation (struct xyi_bus) is what one configuration came
 * to: instances, and per host a view with everything resolved. It is built by prepare, never
 * changed once committed, and freed when the last firing that holds it ends. Logic thread only.
 */
#ifndef XYI_BUS_INTERNAL_H
#define XYI_BUS_INTERNAL_H

#include "core/bus/bus.h"

/* ---- libraries: library.c, gates.c, elf.c, image.c -------------------------------------- */
struct xyi_library { /* one per content of a file; lists live in library.c */
    struct xyi_library *next;
    struct xy_str name, path, copy, hash; /* path as found, copy as opened; hash in hex */
    void *opened;
    int image; /* of a peeked library: the memfd, held so that its number is not reused */
    unsigned holds;
    struct xy_module module; /* as large as ours: what an older module lacks is zero */
};
/* Gates 1 to 5 (anchors: "gates, in order"). The library of that file's content, opened now or
 * before; a hold is taken. NULL: complained. `private_path` absent: from memory, for a peek. */
struct xyi_library *xyi_library_open(struct xy_str module_path, struct xy_str private_path,
                                     struct xy_str name, const struct xyi_yaml *at,
                                     struct xy_diagnostics *to);
void xyi_library_hold(struct xyi_library *library);
void xyi_library_drop(struct xyi_library *library);   /* the last one unmaps and unlinks */
void xyi_libraries_clean(struct xy_str private_path); /* of copies that a former process left */

struct xyi_image { /* a module's file as read, once: what is hashed is what is opened */
    struct xy_str path, bytes;
    char hash[65];
};
/* Gate 1. False with a sentence in *why (xyi_temp()). Close it in any case. */
bool xyi_image_read(struct xyi_image *image, struct xy_str path, struct xy_str *why);
void xyi_image_close(struct xyi_image *image);
bool xyi_image_copy(const struct xyi_image *image, struct xy_str path, struct xy_str *why);
int xyi_image_in_memory(const struct xyi_image *image);
/* Whole, of this machine, and asks nothing of libxylem that this one does not give to modules.
 */
bool xyi_elf_check(const struct xyi_image *image, struct xy_str *why);
/* Gate 2: has no SQL text that reads or changes messages past the store's readers (requirement N11). */
bool xyi_image_keeps_off(const struct xyi_image *image, struct xy_str *why);
/* Breaches of the rules that scripts/check-module proves, those that are cheap to see; or absent. */
struct xy_str xyi_elf_faults(const struct xyi_image *image);
/* Gates 3 to 5: fills `ours` from `theirs`, which may be shorter or longer; its symbol has
 * `room`. */
bool xyi_gates_check(const struct xy_module *theirs, size_t room, struct xy_str name,
                     struct xy_module *ours, struct xy_str *why);

/* ---- wishes: wish.c --------------------------------------------------------------------- */
struct xyi_want {                /* a module switched on somewhere */
    struct xyi_library *library; /* held by the want until there are instances */
    struct xy_host *host;        /* NULL: XY_SERVER */
    const struct xyi_yaml *at;   /* where it is switched on */
    const struct xyi_yaml
        *map;                /* its options, the host's over the server's; NULL: all defaults */
    struct xy_instance *old; /* the live one of the same name and host */
    struct xy_instance *fresh;  /* options are read; not kept for what stays as it is */
    struct xy_instance *chosen; /* fresh or old */
    enum { XYI_KEPT, XYI_RETUNED, XYI_REPLACED, XYI_ADDED } change;
    bool seen;
};
struct xyi_wants {
    struct xyi_want *at; /* in order of configuration */
    size_t count;
};
/* Reads the module maps, opens libraries. Wants are of `arena`; what is wrong is complained of.
 */
struct xyi_wants xyi_wants_read(const struct xyi_bus_wish *wish, struct xy_host *const *hosts,
                                struct xyi_arena *arena, struct xy_diagnostics *to);
void xyi_wants_drop(const struct xyi_wants *wants); /* their holds */
/* Needs that are not met, and circles. Puts wants into order of starting in `order`. */
void xyi_wants_order(const struct xyi_wants *wants, struct xyi_want **order,
                     struct xy_diagnostics *to);
struct xy_str xyi_label(const char *module,
                        const struct xy_host *host); /* "roster@example.org" */

/* ---- instances: instance.c, tasks.c ----------------------------------------------------- */
struct xy_instance *xyi_instance_new(struct xyi_library *library, struct xy_host *host);
void xyi_instance_free(struct xy_instance *instance); /* with all it owns; runs nothing of it */
void xyi_instance_hollow(struct xy_instance *instance); /* all it owns, not itself */
void xyi_instance_hold(struct xy_instance *instance);   /* counts as running */
void xyi_instance_release(struct xy_instance *instance);
void
xyi_tasks_arm(struct xy_instance *instance); /* at commit: timers, tasks posted by start() */
void
xyi_tasks_disarm(struct xy_instance *instance); /* leaving: what has not fired never will */
void xyi_tasks_free(struct xy_instance *instance);
void xyi_maps_free(struct xy_instance *instance);

/* ---- leaving: drain.c ------------------------------------------------------------------- */
void xyi_drain(struct xy_instance *instance, int64_t grace_ms);
void xyi_drain_look(struct xy_instance *instance); /* something it counts became zero */
XY_SUSPENDS void
xyi_drain_all(void); /* waits for the leaving ones and ends them here and now */

/* ---- generations ------------------------------------------------------------------------ */
struct xyi_handlers {
    const struct xy_bound *at;
    const struct xy_hook *const *rows; /* parallel */
    size_t count;
};
struct xyi_module_hook { /* one that a module defines, or that only listeners know */
    const char *name, *signature;
    bool defined;
    struct xyi_handlers handlers;
};
struct xyi_iq_entry {
    struct xy_str ns, element;
    struct xyi_bound_iq *at;
    size_t count;
};
struct xyi_seen_feature {
    const char *var;
    unsigned where;
};
struct xyi_view { /* what is at work on one host */
    struct xyi_bus *bus;
    struct xy_host *host;          /* NULL: only the server-wide instances */
    struct xyi_handlers *core;     /* by slot */
    struct xyi_module_hook *hooks; /* sorted by name */
    size_t hooks_count;
    const struct xy_hook_def **keys; /* hash: definition -> index in hooks */
    size_t *places, keys_mask;
    struct xyi_iq_entry *iqs; /* hash of ns and element; an empty slot has no count */
    size_t iqs_mask;
    struct xyi_seen_feature *features; /* sorted, unique */
    size_t features_count;
};
struct xyi_bus_command {
    const struct xy_command_row *row;
    struct xy_instance *instance;
};
struct xyi_bus {
    struct xyi_arena *arena;
    unsigned holds; /* being live is one */
    struct xyi_wants wants;
    struct xyi_want **order;
    struct xy_host **hosts;      /* in order of configuration */
    struct xy_host **hosts_hash; /* by JID; at most half full */
    size_t hosts_count, hosts_mask;
    struct xyi_view **views, *server;
    struct xy_instance **services; /* that serve a domain of their own */
    size_t services_count;
    struct xyi_bus_command *commands;
    size_t commands_count;
};
extern struct xyi_bus *xyi_bus_live;
void xyi_bus_hold(struct xyi_bus *bus);
void xyi_bus_release(struct xyi_bus *bus); /* the last one frees it */
void xyi_bus_free(struct xyi_bus *bus); /* nobody holds it; its instances may be drained now */

/* ---- a change under way: prepare.c, classify.c, commit.c -------------------------------- */
struct xyi_preparation {
    const struct xyi_bus_wish *wish;
    struct xyi_bus *bus;
    struct xy_diagnostics *to;
    struct xyi_bus_report *report;
    size_t errors; /* that somebody else had found before */
};
void xyi_classify(const struct xyi_preparation *p, struct xyi_want *want);
void xyi_list_removed(const struct xyi_preparation *p);
struct xyi_option_table xyi_module_options(const struct xy_module *module);
/* Between prepare and commit. */
bool xyi_bus_may_commit(void); /* false: the server is stopping */
void xyi_bus_committed(void);
XY_SUSPENDS void xyi_bus_stop_preparing(int64_t grace_ms);
void xyi_bus_stopped(void);
void xyi_bus_init(void); /* tells the layers below how to count and name instances */

/* A handler on its way into a view. */
struct xyi_row {
    const struct xy_hook *row;
    const struct xyi_want *want;
};
/* Sorts the rows of one hook: band, before and after, as they came. False: a circle, complained
 * of. */
bool xyi_rows_order(struct xyi_row *rows, size_t count, const char *hook,
                    struct xy_diagnostics *to);
struct xyi_view *xyi_view_new(struct xyi_bus *bus, struct xy_host *host,
                              struct xy_diagnostics *to);
void xyi_view_iqs(struct xyi_view *view, struct xy_diagnostics *to);
void xyi_view_features(struct xyi_view *view);
bool xyi_want_is_at(const struct xyi_want *want, const struct xy_host *host);
/* Gate 6: hooks by name and signature, over all that is wanted. */
void xyi_hooks_check(const struct xyi_wants *wants, struct xy_diagnostics *to);
void xyi_service_name(struct xy_instance *instance); /* its options are read */
void xyi_services_list(struct xyi_bus *bus, struct xy_diagnostics *to);
void xyi_commands_list(struct xyi_bus *bus, struct xy_diagnostics *to);
/* The core's hooks, by slot. */
const struct xy_hook_def *const *xyi_core_hooks(size_t *count);
const struct xy_hook_def *xyi_core_hook(const char *name); /* NULL: none */

/* ---- hosts: host.c ---------------------------------------------------------------------- */
/* Never freed: streams keep them longer than any snapshot, and one that comes back is the same.
 */
struct xy_host {
    const struct xy_jid *jid;
    struct xyi_view *view; /* of a host no longer served: the server-wide instances */
    struct xy_host *next;
    bool served;
    size_t place; /* in bus->hosts */
};
struct xy_host *xyi_host_get(const struct xy_jid *jid);
void xyi_hosts_hash(struct xyi_bus *bus);
void xyi_hosts_switch(struct xyi_bus *bus); /* NULL: none is served any more */

/* ---- state handed over: handover.c ------------------------------------------------------ */
void xyi_handover(struct xy_instance *old, struct xy_instance *fresh);

#endif

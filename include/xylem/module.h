/* SPDX-License-Identifier: MIT */
/*
 * What a module is: one constant that says everything. The core lists, documents, orders, loads
 * and unloads it from these tables without running it.
 *
 *     XY_MODULE(ping,
 *         .about = "Answers pings (XEP-0199).",
 *         XY_TABLE(iqs, iqs),
 *     );
 *
 * Rules, checked by scripts/check-module: no writable globals, no thread-local data, no threads,
 * no constructors, no atexit: its state is its instance, of which there is one per host.
 */
#ifndef XYLEM_MODULE_H
#define XYLEM_MODULE_H

#include <xylem/command.h>
#include <xylem/hook.h>
#include <xylem/metric.h>
#include <xylem/option.h>
#include <xylem/route.h>
#include <xylem/sql.h>

#define XY_ABI_MAJOR 1u
#define XY_ABI_MINOR 0u
#define XY_MAGIC     0x6d6c7978u /* "xylm" */

XY_API const char *xy_version(void); /* of the running core: "0.1.0" */

/* Where the server keeps its own files, absolute. A module's begin with its name. */
XY_API struct xy_str xy_data_dir(void);

enum xy_scope { XY_PER_HOST = 0, XY_SERVER = 1 };

/* Named, versioned records that the old instance leaves for the new one at a reload. */
struct xy_handover;
XY_API void xy_handover_put(struct xy_handover *handover, const char *name, unsigned version,
                            struct xy_str bytes);
/* The record of that name and version, or XY_ABSENT. */
XY_API XY_CHECK xy_status xy_handover_get(struct xy_handover *handover, const char *name,
                                          unsigned version, struct xy_str *bytes);

enum xy_metric_type { XY_METRIC_COUNTER, XY_METRIC_HISTOGRAM, XY_METRIC_GAUGE };
struct xy_metric {
    const char *name, *unit, *doc;
    enum xy_metric_type type;
    size_t offset;
    int64_t (*read)(void *self); /* of a gauge; must not suspend */
};
#define XY_METRIC_(state, field, ...)                                                              \
    {                                                                                              \
        .name = #field,                                                                            \
        .type = _Generic(((struct state *)0)->field, xy_counter: XY_METRIC_COUNTER,                \
                         xy_histogram: XY_METRIC_HISTOGRAM),                                       \
        .offset = offsetof(struct state, field) __VA_OPT__(, ) __VA_ARGS__                         \
    }
#define XY_METRIC_IN(state, field, ...) XY_METRIC_(state, field, __VA_ARGS__)
#define XY_METRIC(field, ...)           XY_METRIC_IN(XY_STATE, field, __VA_ARGS__)
/* What is counted when somebody asks: XY_GAUGE("occupants", count_occupants, .unit = …). */
typedef int64_t xy_gauge_fn(XY_SELF);
#define XY_GAUGE(words, function, ...)                                                             \
    {                                                                                              \
        .name = (words), .type = XY_METRIC_GAUGE,                                                  \
        .read = (int64_t(*)(void *))_Generic((function), xy_gauge_fn *: (function))                \
            __VA_OPT__(, ) __VA_ARGS__                                                             \
    }

/* A row of the `services` table: a domain of its own that the module serves for its host, such as
 * conference.example.org. The core answers or dispatches iq requests to the domain and to bare JIDs
 * of it (route.h: XY_IQ_SERVICE, XY_IQ_ROOM); everything else goes to `handler`, frozen, from the
 * fiber of whoever sent it. A module has at most one row. */
struct xy_service_row {
    const char *option; /* a JID option of the module; absent value: `prefix` before the host */
    const char *prefix; /* "conference." */
    size_t offset;      /* of that option in the state */
    xy_any_fn *handler;
};
typedef void xy_service_fn(XY_SELF, const struct xy_stanza *stanza);
#define XY_SERVES_(state, field, before, function)                                                 \
    {                                                                                              \
        .option = #field, .prefix = (before), .offset = offsetof(struct state, field),             \
        .handler = _Generic((function), xy_service_fn *: (xy_any_fn *)(function))                  \
    }
#define XY_SERVES_IN(state, field, before, function) XY_SERVES_(state, field, before, function)
#define XY_SERVES(field, before, function)           XY_SERVES_IN(XY_STATE, field, before, function)

struct xy_module {
    uint32_t magic, size; /* of this struct as compiled: missing fields are zero */
    uint32_t abi_major, abi_minor;
    const char *name, *about;
    const char *version; /* the module's own, optional */
    enum xy_scope scope;
    size_t state_size;
    const char *needs;         /* modules that must be on, space-separated */
    const char *before, *after; /* default order for all its hooks */

    /* All run on a fiber; `self` is the zeroed state with its options filled. */
    xy_status (*start)(void *self); /* may read and write its tables; nothing is live yet */
    void (*stop)(void *self);       /* nothing of it is reachable any more; timers are gone */
    /* Reload: the running instance writes records without changing itself; the new one reads them,
     * once while preparing and again at the switch. Neither may suspend. */
    void (*hand_over)(void *self, struct xy_handover *to);
    void (*adopt)(void *self, struct xy_handover *from);
    void (*check)(const void *self, struct xy_diagnostics *to); /* cross-field rules; no side effects, no self memory */

    const struct xy_option *options;
    size_t options_count;
    const struct xy_hook *hooks;
    size_t hooks_count;
    const struct xy_iq_route *iqs;
    size_t iqs_count;
    const struct xy_command_row *commands;
    size_t commands_count;
    const struct xy_feature *features;
    size_t features_count;
    const struct xy_metric *metrics;
    size_t metrics_count;
    const struct xy_migration *schema; /* its own tables; names begin with the module's name */
    size_t schema_count;
    const struct xy_statement *const *statements; /* prepared at load: a wrong one refuses the module */
    size_t statements_count;
    const struct xy_hook_def *const *defines, *const *defines_end; /* its own hooks: XY_MODULE fills it */
    const struct xy_service_row *services;
    size_t services_count;
};

/* The linker's names for the bounds of the section that XY_HOOKS_HERE fills; NULL without one. */
extern const struct xy_hook_def *const __start_xy_hooks[] __attribute__((weak, visibility("hidden")));
extern const struct xy_hook_def *const __stop_xy_hooks[] __attribute__((weak, visibility("hidden")));

#define XY_TABLE(table, rows) .table = (rows), .table##_count = sizeof(rows) / sizeof((rows)[0])

/* Life-cycle functions take XY_SELF; these check the type as XY_ON does. */
#define XY_START(function)     .start = (xy_status(*)(void *))_Generic((function), xy_status(*)(XY_SELF): (function))
#define XY_STOP(function)      .stop = (void (*)(void *))_Generic((function), void (*)(XY_SELF): (function))
#define XY_HAND_OVER(function) .hand_over = (void (*)(void *, struct xy_handover *))_Generic((function), void (*)(XY_SELF, struct xy_handover *): (function))
#define XY_ADOPT(function)     .adopt = (void (*)(void *, struct xy_handover *))_Generic((function), void (*)(XY_SELF, struct xy_handover *): (function))
#define XY_CHECKER(function)   .check = (void (*)(const void *, struct xy_diagnostics *))_Generic((function), void (*)(const struct XY_STATE *, struct xy_diagnostics *): (function))
#define XY_STATE_SIZE          .state_size = sizeof(struct XY_STATE)

#define XY_MODULE(module, ...)                                                                     \
    XY_API extern const struct xy_module xy_module;                                                \
    const struct xy_module xy_module = {                                                           \
        .magic = XY_MAGIC,                                                                         \
        .size = sizeof(struct xy_module),                                                          \
        .abi_major = XY_ABI_MAJOR,                                                                 \
        .abi_minor = XY_ABI_MINOR,                                                                 \
        .name = #module,                                                                           \
        .defines = __start_xy_hooks,                                                               \
        .defines_end = __stop_xy_hooks,                                                            \
        __VA_ARGS__                                                                                \
    }

#endif

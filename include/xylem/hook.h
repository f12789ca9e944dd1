/* SPDX-License-Identifier: MIT */
/*
 * Hooks. Three kinds, each declared in one line in the header of whoever fires it:
 *
 *     XY_EVENT(session_opened, (struct xy_session *session), (session))       all handlers run
 *     XY_FILTER(stanza_in, (struct xy_user *to, …), (to, …))                  until one says XY_DONE
 *     XY_SERVICE(roster_item, (struct xy_user *user, …), (user, …))           exactly one provider
 *
 * which yields the handler type xy_NAME_fn, the typed runner xy_run_NAME(host, …) and the
 * parameter list as text, compared when a module is loaded. A handler joins in a table:
 *
 *     XY_ON(stanza_in, refuse, .order = XY_EARLY, .after = "blocking")
 *
 * A module may declare and fire hooks of its own in the same way: it writes the line into a header
 * that others include, and one of its source files says #define XY_HOOKS_HERE before including
 * that header (and after <xylem/xylem.h>).
 *
 * Handlers run on the caller's fiber and may suspend. The module set and order a firing began with
 * hold until it ends, also across waits and reloads.
 */
#ifndef XYLEM_HOOK_H
#define XYLEM_HOOK_H

#include <xylem/str.h>

/* The state of the module being compiled: #define XY_STATE greeter before including xylem.h. */
#ifndef XY_STATE
#define XY_STATE xy_nothing
#endif
struct XY_STATE;
#define XY_SELF struct XY_STATE *self __attribute__((unused))

struct xy_host;     /* a served domain: session.h */
struct xy_instance; /* a module at work on a host */

enum xy_hook_kind { XY_HOOK_EVENT, XY_HOOK_FILTER, XY_HOOK_SERVICE };

typedef enum xy_verdict {
    XY_PASS, /* not mine, or noted: the next handler may look */
    XY_DONE, /* dealt with: nobody else looks, the core does nothing more */
} xy_verdict;

/* Bands; within one, .before/.after (module names, space-separated; absent ones are ignored), then
 * the order of the configuration. A circle is a load error that prints it. */
enum xy_order { XY_NORMAL = 0, XY_EARLY = -1, XY_LATE = 1 };

typedef void xy_any_fn(void);

struct xy_hook_def {
    const char *name;
    enum xy_hook_kind kind;
    const char *signature; /* kind and parameter list as written: "FILTER (struct …)" */
    int *slot;             /* the core's own hooks: their index; NULL for a module's */
};

/* A row of a module's `hooks` table. */
struct xy_hook {
    const char *name;
    const char *signature;
    xy_any_fn *handler;
    const char *handler_name;
    enum xy_order order;
    const char *before, *after;
};

/* One resolved handler in a snapshot. */
struct xy_bound {
    xy_any_fn *handler;
    void *self;
    struct xy_instance *instance;
};

/* A firing in progress; fields are the core's. */
struct xy_firing {
    const struct xy_bound *at, *end;
    void *snapshot;
    struct xy_instance **current, *outer;
};
XY_API const struct xy_bound *xy_fire_first(struct xy_firing *firing, struct xy_host *host,
                                            const struct xy_hook_def *hook);
XY_API const struct xy_bound *xy_fire_next(struct xy_firing *firing);
XY_API void xy_fire_end(struct xy_firing *firing); /* only when leaving the loop early */

/* The field access makes a handler of the wrong type a hard error in every compiler. */
#define XY_ON(hook, function, ...)                                                                 \
    {                                                                                              \
        .name = #hook, .signature = xy_hook_signature_##hook,                                      \
        .handler = _Generic((function), xy_##hook##_fn *: (xy_any_fn *)(function)),                \
        .handler_name = #function __VA_OPT__(, ) __VA_ARGS__                                       \
    }

#define XY_UNPAREN_(...) __VA_ARGS__
#define XY_UNPAREN(list) XY_UNPAREN_ list

/* Whether XY_HOOKS_HERE is defined counts where the line stands, not where this header was first
 * included. The text is taken before anything in it can expand (`bool` would). */
#define XY_EVENT(NAME, PARAMS, ARGS)                                                               \
    XY_HOOK_PICK_(XY_EVENT_AT_, XY_HOOKS_HERE)(NAME, "EVENT " #PARAMS, PARAMS, ARGS)
#define XY_FILTER(NAME, PARAMS, ARGS)                                                              \
    XY_HOOK_PICK_(XY_FILTER_AT_, XY_HOOKS_HERE)(NAME, "FILTER " #PARAMS, PARAMS, ARGS)
#define XY_SERVICE(NAME, PARAMS, ARGS) /* XY_UNSUPPORTED when nobody provides it */                \
    XY_HOOK_PICK_(XY_SERVICE_AT_, XY_HOOKS_HERE)(NAME, "SERVICE " #PARAMS, PARAMS, ARGS)
#define XY_HOOK_PICK_(face, here)  XY_HOOK_PASTE_(face, here)
#define XY_HOOK_PASTE_(face, here) face##here

#define XY_HOOK_FACE_(RESULT, NAME, TEXT, PARAMS)                                                  \
    typedef RESULT xy_##NAME##_fn(XY_SELF, XY_UNPAREN(PARAMS));                                    \
    static const char xy_hook_signature_##NAME[] __attribute__((unused)) = TEXT;                   \
    XY_API RESULT xy_run_##NAME(struct xy_host *host, XY_UNPAREN(PARAMS));                         \
    XY_API extern const struct xy_hook_def xy_hook_##NAME;
#define XY_EVENT_AT_XY_HOOKS_HERE(NAME, TEXT, PARAMS, ARGS) XY_HOOK_FACE_(void, NAME, TEXT, PARAMS)
#define XY_FILTER_AT_XY_HOOKS_HERE(NAME, TEXT, PARAMS, ARGS)                                       \
    XY_HOOK_FACE_(xy_verdict, NAME, TEXT, PARAMS)
#define XY_SERVICE_AT_XY_HOOKS_HERE(NAME, TEXT, PARAMS, ARGS)                                      \
    XY_HOOK_FACE_(xy_status, NAME, TEXT, PARAMS)

#ifndef XY_HOOK_SLOT_ /* the core sets this to give its hooks an index */
#define XY_HOOK_SLOT_(NAME)
#define XY_HOOK_SLOT_AT_(NAME) NULL
#endif
/* The section tells the loader which hooks a library fires (.defines in module.h). */
#define XY_HOOK_BODY_(KIND, NAME)                                                                  \
    XY_HOOK_SLOT_(NAME)                                                                            \
    const struct xy_hook_def xy_hook_##NAME = {#NAME, XY_HOOK_##KIND, xy_hook_signature_##NAME,    \
                                               XY_HOOK_SLOT_AT_(NAME)};                            \
    static const struct xy_hook_def *const xy_hook_defined_##NAME                                  \
        __attribute__((used, section("xy_hooks"))) = &xy_hook_##NAME;

#define XY_EVENT_AT_(NAME, TEXT, PARAMS, ARGS)                                                     \
    XY_HOOK_FACE_(void, NAME, TEXT, PARAMS)                                                        \
    XY_HOOK_BODY_(EVENT, NAME)                                                                     \
    void xy_run_##NAME(struct xy_host *host, XY_UNPAREN(PARAMS))                                   \
    {                                                                                              \
        struct xy_firing firing_;                                                                  \
        for (const struct xy_bound *b_ = xy_fire_first(&firing_, host, &xy_hook_##NAME); b_;       \
             b_ = xy_fire_next(&firing_))                                                          \
            ((xy_##NAME##_fn *)b_->handler)(b_->self, XY_UNPAREN(ARGS));                           \
    }
#define XY_FILTER_AT_(NAME, TEXT, PARAMS, ARGS)                                                    \
    XY_HOOK_FACE_(xy_verdict, NAME, TEXT, PARAMS)                                                  \
    XY_HOOK_BODY_(FILTER, NAME)                                                                    \
    xy_verdict xy_run_##NAME(struct xy_host *host, XY_UNPAREN(PARAMS))                             \
    {                                                                                              \
        struct xy_firing firing_;                                                                  \
        for (const struct xy_bound *b_ = xy_fire_first(&firing_, host, &xy_hook_##NAME); b_;       \
             b_ = xy_fire_next(&firing_))                                                          \
            if (((xy_##NAME##_fn *)b_->handler)(b_->self, XY_UNPAREN(ARGS)) == XY_DONE) {          \
                xy_fire_end(&firing_);                                                             \
                return XY_DONE;                                                                    \
            }                                                                                      \
        return XY_PASS;                                                                            \
    }
#define XY_SERVICE_AT_(NAME, TEXT, PARAMS, ARGS)                                                   \
    XY_HOOK_FACE_(xy_status, NAME, TEXT, PARAMS)                                                   \
    XY_HOOK_BODY_(SERVICE, NAME)                                                                   \
    xy_status xy_run_##NAME(struct xy_host *host, XY_UNPAREN(PARAMS))                              \
    {                                                                                              \
        struct xy_firing firing_;                                                                  \
        const struct xy_bound *b_ = xy_fire_first(&firing_, host, &xy_hook_##NAME);                \
        if (!b_)                                                                                   \
            return XY_UNSUPPORTED;                                                                 \
        xy_status status_ = ((xy_##NAME##_fn *)b_->handler)(b_->self, XY_UNPAREN(ARGS));           \
        xy_fire_end(&firing_);                                                                     \
        return status_;                                                                            \
    }

#endif

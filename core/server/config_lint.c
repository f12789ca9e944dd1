/* SPDX-License-Identifier: MIT */
/*
 * Configurations that are valid and can lose a message (requirement S2-15): each such
 * combination is named, with what it costs, when a configuration is checked, started with or
 * reloaded.
 */
#include "core/server/server.h"

struct view { /* of one host */
    const struct xyi_item *items;
    struct xy_str host;
};

static const struct xyi_item *
named(const struct view *view, struct xy_str name)
{
    for (const struct xyi_item *at = view->items; at; at = at->next)
        if (xy_str_equal(at->name, name))
            return at;
    return NULL;
}

/* "modules.offline.quota" as the host has it; absent: the module is off or has no such option.
 */
static struct xy_str
value(const struct view *view, const char *name)
{
    struct xy_str own = xy_temp_printf("host_config." XY_FMT ".%s", XY_ARG(view->host), name);
    const struct xyi_item *item = named(view, own);
    if (!item)
        item = named(view, xy_str_from(name));
    return item ? item->value : XY_NO_STR;
}

static bool
is_on(const struct view *view, const char *module)
{
    return xy_str_is(value(view, xy_temp_printf("modules.%s", module).at), "on");
}

/* XY_NONE for `none` and for what is absent. */
static int64_t
duration(const struct view *view, const char *name)
{
    int64_t ms;
    struct xy_str error, text = value(view, name);
    return text.len && xy_duration_parse(text, &ms, &error) == XY_OK ? ms : XY_NONE;
}

static bool
archives(const struct view *view)
{
    return is_on(view, "mam") && !xy_str_is(value(view, "modules.mam.default"), "never");
}

static bool
nothing_kept(const struct view *view)
{
    return !is_on(view, "offline") && !archives(view);
}

static bool
archive_only(const struct view *view)
{
    return !is_on(view, "offline") && archives(view);
}

static bool
discards(const struct view *view)
{
    return is_on(view, "bind2") && xy_str_is(value(view, "modules.offline.clear"), "discard");
}

static bool
resumes_longer_than_kept(const struct view *view)
{
    int64_t kept = duration(view, "modules.offline.keep_for");
    return kept != XY_NONE && duration(view, "modules.sm.resume_for") > kept;
}

static bool
resumes_into_nothing(const struct view *view)
{
    return is_on(view, "sm") && !is_on(view, "offline");
}

static bool
forgets_devices_early(const struct view *view)
{
    int64_t device = duration(view, "modules.offline.device_for");
    int64_t kept = duration(view, "modules.offline.keep_for");
    return device != XY_NONE && (kept == XY_NONE || device < kept) && !archives(view);
}

static bool
acknowledges_nothing(const struct view *view)
{
    return is_on(view, "offline") && !is_on(view, "sm");
}

static bool
no_grace(const struct view *view)
{
    return is_on(view, "offline") && duration(view, "limits.grace") == 0;
}

static bool
relaxed(const struct view *view)
{
    return xy_str_is(value(view, "storage.durability"), "relaxed");
}

static const struct rule {
    bool (*applies)(const struct view *view);
    const char *text;
} rules[] = {
    {nothing_kept, "offline and mam keep nothing: a message to somebody absent is returned to "
                   "its sender"},
    {archive_only, "mam without offline: who does not read the archive never gets what came "
                   "while absent, and what the archive does not keep is returned"},
    {discards, "offline.clear: discard with bind2: what waits for a client is dropped unsent "
               "when it logs in by Bind 2"},
    {resumes_longer_than_kept, "sm.resume_for is longer than offline.keep_for: messages of a "
                               "session that may still be resumed expire"},
    {resumes_into_nothing, "sm without offline: what a client has not acknowledged when its "
                           "session expires is not kept for it"},
    {forgets_devices_early,
     "offline.device_for is shorter than offline.keep_for, and there is no "
     "archive: a device that stays away longer misses what others got"},
    {acknowledges_nothing, "offline without sm: what reached a client's machine counts as "
                           "received after limits.grace, whether or not the client has it"},
    {no_grace, "limits.grace is 0: what reached the machine of a client without stream "
               "management counts as received at once"},
    {relaxed, "storage.durability: relaxed: what was acknowledged in the last moments before a "
              "power failure can be gone"},
};

void
xyi_config_lint(const struct xyi_config *config, struct xy_diagnostics *to)
{
    struct view view = {.items = xyi_config_items(config, true)};
    const struct xyi_yaml *at = xyi_yaml_get(config->tree, XY_STR("modules"));
    for (size_t i = 0; i < config->hosts_count; i++) {
        view.host = xy_jid_text(config->hosts[i]);
        for (size_t j = 0; j < sizeof(rules) / sizeof(rules[0]); j++)
            if (rules[j].applies(&view))
                xyi_caution_at(to, at ? at : config->tree, XY_FMT ": %s", XY_ARG(view.host),
                               rules[j].text);
    }
}

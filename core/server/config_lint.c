/* SPDX-License-Identifier: MIT */
/*
 * Configurations that are valid and can lose a message (requirement S2-15), or keep what their
 * operator believes destroyed: each such combination is named, with what it costs, when a
 * configuration is checked, started with or reloaded.
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

/* ---- what is taken back --------------------------------------------------------------------
 */

static const char *const takes_back[] = {"retract", "retract_muc", "retract_admin"};
enum { TAKES_BACK = sizeof(takes_back) / sizeof(takes_back[0]) };

/* Whether a module that is on has a purge_after of its own, and uses it as said. */
static bool
has_purge_after(const struct view *view, bool by_preset)
{
    for (size_t i = 0; i < TAKES_BACK; i++) {
        const char *preset = xy_temp_printf("modules.%s.purge_by_preset", takes_back[i]).at;
        const char *after = xy_temp_printf("modules.%s.purge_after", takes_back[i]).at;
        if (is_on(view, takes_back[i]) && duration(view, after) != XY_NONE &&
            xy_str_is(value(view, preset), "on") == by_preset)
            return true;
    }
    return false;
}

static bool
purges(struct xy_str governance)
{
    return xy_str_is(governance, "hygienic") || xy_str_is(governance, "minimal");
}

static bool
preset_without_retention(const struct view *view)
{
    static const char *const classes[] = {"user", "notice", "news", "service", "integration"};
    bool any = purges(value(view, "governance"));
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        any |= purges(value(view, xy_temp_printf("governance_by_class.%s", classes[i]).at));
    return any && !is_on(view, "retention");
}

static bool
purge_after_without_retention(const struct view *view)
{
    return has_purge_after(view, false) && !is_on(view, "retention");
}

static bool
purge_after_unused(const struct view *view)
{
    return has_purge_after(view, true);
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
    {preset_without_retention, "governance: hygienic or minimal without retention: nothing "
                               "destroys the content of what is taken back; it stays sealed"},
    {purge_after_without_retention, "purge_after without retention: nothing destroys the "
                                    "content of what is taken back; it stays sealed"},
    {purge_after_unused, "purge_after without purge_by_preset: off has no effect: governance "
                         "says when the content of what is taken back is destroyed"},
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

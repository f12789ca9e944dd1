/* SPDX-License-Identifier: MIT */
/* Preferences on the wire (XEP-0441): a set replaces all, the answer shows what holds now. */
#include "mam.h"

enum { JIDS_MOST = 1000 };

static void
add_list(struct xy_node *prefs, const char *name, struct xy_str list)
{
    struct xy_node *jids = xy_node_add(prefs, XY_NO_STR, xy_str_from(name));
    while (list.len)
        xy_node_add_text(xy_node_add(jids, XY_NO_STR, XY_STR("jid")), xy_str_cut(&list, '\n'));
}

static xy_status
show(XY_SELF, struct xy_iq *iq, const struct preferences *preferences)
{
    struct xy_stanza *result = xy_iq_result(iq);
    struct xy_node *prefs =
        xy_node_add(xy_stanza_top(result), XY_STR(XY_NS_MAM), XY_STR("prefs"));
    xy_node_set(prefs, "default",
                xy_str_from(mam_fallback_name(mam_fallback(self, preferences))));
    add_list(prefs, "always", preferences->always);
    add_list(prefs, "never", preferences->never);
    return xy_iq_reply(iq, result);
}

xy_status
mam_preferences_get(XY_SELF, struct xy_iq *iq)
{
    struct preferences preferences;
    if (!xy_iq_is_own(iq))
        return XY_DENIED;
    xy_status status = mam_preferences_read(xy_iq_user(iq), &preferences);
    return status == XY_OK ? show(self, iq, &preferences) : status;
}

/* Prepared, each once, without those in `except`. */
static xy_condition
read_list(const struct xy_node *prefs, const char *name, struct xy_str except,
          struct xy_buffer *list)
{
    const struct xy_node *jids = xy_node_child(prefs, XY_STR(XY_NS_MAM), xy_str_from(name));
    const struct xy_node *at = jids ? xy_node_first(jids) : NULL;
    for (size_t count = 0; at; at = xy_node_next(at)) {
        if (!xy_node_is(at, XY_STR(XY_NS_MAM), XY_STR("jid")))
            continue;
        const struct xy_jid *jid = xy_jid_parse(xy_str_trim(xy_node_text(at)));
        if (!jid)
            return XY_JID_MALFORMED;
        if (mam_lists(xy_buffer_str(list), jid) || mam_lists(except, jid))
            continue;
        if (++count > JIDS_MOST)
            return XY_RESOURCE_CONSTRAINT;
        xy_buffer_add(list, xy_jid_text(jid));
        xy_buffer_add(list, XY_STR("\n"));
    }
    return XY_CONDITIONS;
}

static xy_condition
read_wanted(const struct xy_node *prefs, struct preferences *wanted)
{
    struct xy_buffer always = {0}, never = {0};
    if (!mam_fallback_parse(xy_node_attr(prefs, "default"), &wanted->fallback))
        return XY_BAD_REQUEST;
    xy_condition wrong = read_list(prefs, "never", XY_NO_STR, &never);
    if (wrong == XY_CONDITIONS)
        wrong = read_list(prefs, "always", xy_buffer_str(&never), &always);
    wanted->always = xy_buffer_str(&always);
    wanted->never = xy_buffer_str(&never);
    return wrong;
}

xy_status
mam_preferences_set(XY_SELF, struct xy_iq *iq)
{
    struct preferences wanted = {0};
    if (!xy_iq_is_own(iq))
        return XY_DENIED;
    xy_condition wrong = read_wanted(xy_iq_payload(iq), &wanted);
    if (wrong != XY_CONDITIONS)
        return xy_iq_error(iq, wrong, XY_NO_STR);
    xy_status status = mam_preferences_set_all(xy_iq_user(iq), &wanted);
    if (status != XY_OK)
        return status;
    xy_count(&self->changed);
    return show(self, iq, &wanted);
}

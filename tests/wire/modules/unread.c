/* SPDX-License-Identifier: MIT */
/* Shows an observer, in order, which members hear of something unread in a room (muc_unread).
 */
#define XY_STATE unread
#include <xylem/xylem.h>
#include <xylem/muc.h>

struct unread {
    const struct xy_str observer; /* a bare JID */
};

static void
show(XY_SELF, struct xy_user *member, const struct xy_jid *room,
     const struct xy_stanza *message, bool mentioned)
{
    struct xy_stanza *told = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    xy_stanza_set_type(told, XY_STR("headline"));
    xy_stanza_set_id(told, xy_stanza_id(message));
    xy_stanza_set_from(told, room);
    xy_stanza_set_to(told, xy_jid_parse(self->observer));
    struct xy_node *node =
        xy_node_add(xy_stanza_top(told), XY_STR("urn:xylem:test:unread"), XY_STR("unread"));
    xy_node_set(node, "member", xy_jid_text(xy_user_jid(member)));
    xy_node_set(node, "mentioned", mentioned ? XY_STR("yes") : XY_STR("no"));
    xy_route(told);
}

static const struct xy_option options[] = {
    XY_OPTION(observer, .doc = "Bare JID of the account that watches."),
};
static const struct xy_hook hooks[] = {XY_ON(muc_unread, show)};

XY_MODULE(unread, .about = "Shows who hears of unread messages in tests.", XY_STATE_SIZE,
          XY_TABLE(options, options), XY_TABLE(hooks, hooks));

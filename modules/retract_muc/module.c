/* SPDX-License-Identifier: MIT */
/*
 * Taking back what was said in rooms (XEP-0424, XEP-0425). Off by default, and both ways are
 * off when it is on: each has its own switch and window. It is no promise: who has read it has
 * read it.
 */
#define XY_STATE retract_muc
#include "modules/removals/removals.h"
#define XY_HOOKS_HERE
#include "modules/retract_muc/retract_muc.h"

#define WARNING "retraction in rooms is on: " REMOVALS_WARNING

static const struct xy_option options[] = {
    XY_OPTION(authors, .initial = "off",
              .doc = "Authors may take back what they said in a room (XEP-0424)."),
    XY_OPTION(moderators, .initial = "off",
              .doc = "Moderators of a room may take back what anybody said there (XEP-0425)."),
    XY_OPTION(window, .initial = "60 s", .min = 1000, .none = true,
              .doc =
                  "How long after the room received it an author may take a message back. More "
                  "than 60 s, or none, weakens messages as evidence."),
    XY_OPTION(moderators_window, .initial = "none", .min = 1000, .none = true,
              .doc = "The same for moderators."),
    XY_OPTION(count, .initial = "10", .min = 1, .none = true,
              .doc = "How many messages one account may take back in the time `per`."),
    XY_OPTION(per, .initial = "1 h", .min = 1000, .doc = "The period of `count`."),
    XY_OPTION(classes, .initial = "user",
              .doc = "Classes of messages that may be taken back: user, service, integration."),
    XY_OPTION(purge_by_preset, .initial = "on",
              .doc = "The content of what was taken back is destroyed when the top-level "
                     "`governance` says; off: after `purge_after`."),
    XY_OPTION(purge_after, .initial = "none", .min = 0, .none = true,
              .doc =
                  "When the content of what was taken back is destroyed, with purge_by_preset "
                  "off. none: never, it stays sealed."),
};

REMOVALS_TABLE("retract_muc_act");

static void
check(const struct retract_muc *self, struct xy_diagnostics *to)
{
    if (self->authors)
        removals_check_window("window", self->window.ms, to);
    if (self->moderators)
        removals_check_window("moderators_window", self->moderators_window.ms, to);
    removals_check_classes(&self->classes, to);
    if (self->authors || self->moderators)
        xy_caution(to, NULL, "%s", WARNING);
}

static xy_status
start(XY_SELF)
{
    removals_start(&self->removals, self, &rows, &self->accepted, &self->refused);
    if (self->authors || self->moderators)
        xy_warn("retract_muc.on", WARNING,
                XY_F_STR_AS("host", xy_jid_text(xy_host_jid(xy_host_of(self)))));
    return XY_OK;
}

static void
stop(XY_SELF)
{
    removals_stop(&self->removals);
}

/* ---- on its way
 * ------------------------------------------------------------------------------ */

/* Of a retraction that was approved: the notice of a moderator, or the author's own. */
static struct approval *
approval_of(const struct retract_muc *self, const struct xy_stanza *message)
{
    const struct xy_node *node =
        xy_stanza_child(message, XY_STR(NS_RETRACT), XY_STR("retract"));
    struct approval *approval =
        node ? removals_find(&self->removals, xy_node_attr(node, "id")) : NULL;
    bool is_it = approval && xy_str_equal(xy_stanza_id(message), approval->notice_id);
    return is_it ? approval : NULL;
}

static void
keep(XY_SELF, struct xy_room *room, const struct xy_stanza *message, unsigned *keep)
{
    (void)room;
    if (approval_of(self, message))
        *keep |= XY_KEEP_ARCHIVED;
}

static void
commit(XY_SELF, const struct xy_stanza *message, xy_message_id id, struct xy_txn *txn)
{
    (void)id;
    struct approval *approval =
        xy_str_is(xy_stanza_type(message), "groupchat") ? approval_of(self, message) : NULL;
    if (approval)
        removals_commit(
            &self->removals, approval,
            xy_purge_at(approval->class, self->purge_by_preset, self->purge_after.ms), txn);
}

/* ---- discovery (S0-31)
 * ----------------------------------------------------------------------- */

static void
offer(struct xy_node *query, const char *var)
{
    xy_node_set(xy_node_add(query, XY_NO_STR, XY_STR("feature")), "var", xy_str_from(var));
}

static void
describe(XY_SELF, struct xy_room *room, struct xy_node *query)
{
    (void)room;
    if (self->authors || self->moderators) {
        offer(query, NS_RETRACT);
        offer(query, NS_RETRACT "#tombstone");
    }
    if (self->moderators)
        offer(query, NS_MODERATE);
    if (!self->authors || self->window.ms == XY_NONE)
        return;
    struct xy_node *form = xy_node_add(query, XY_STR(XY_NS_DATA), XY_STR("x"));
    xy_node_set(form, "type", XY_STR("result"));
    const char *const fields[][2] = {
        {"FORM_TYPE", NS_RETRACT},
        {"max-age", xy_temp_printf("%lld", (long long)(self->window.ms / 1000)).at}};
    for (size_t i = 0; i < 2; i++) {
        struct xy_node *field = xy_node_add(form, XY_NO_STR, XY_STR("field"));
        xy_node_set(field, "var", xy_str_from(fields[i][0]));
        if (i == 0)
            xy_node_set(field, "type", XY_STR("hidden"));
        xy_node_add_text(xy_node_add(field, XY_NO_STR, XY_STR("value")),
                         xy_str_from(fields[i][1]));
    }
}

static void
forget_account(XY_SELF, const struct xy_jid *bare, xy_owner owner)
{
    (void)bare;
    removals_drop_account(&self->removals, owner);
}

/* ---- for operators ----------------------------------------------------------------------- */

static struct xy_str
window_text(bool on, int64_t ms)
{
    return !on ? XY_STR("off") : ms == XY_NONE ? XY_STR("none") : xy_duration_text(ms);
}

static xy_status
show_policy(XY_SELF, struct xy_command *command)
{
    xy_put_str(command, "host", xy_jid_text(xy_host_jid(xy_host_of(self))));
    xy_put_str(command, "authors", window_text(self->authors, self->window.ms));
    xy_put_str(command, "moderators",
               window_text(self->moderators, self->moderators_window.ms));
    xy_put_int(command, "count", self->count);
    xy_put_str(command, "per", xy_duration_text(self->per.ms));
    xy_put_str(command, "classes", xy_temp_join(self->classes.at, self->classes.count, ", "));
    if (self->authors || self->moderators)
        xy_say(command, "%s.", WARNING);
    return XY_OK;
}

static const struct xy_hook hooks[] = {
    XY_ON(retraction_asked, retract_muc_asked), XY_ON(room_keeping, keep, .order = XY_LATE),
    XY_ON(message_committing, commit),          XY_ON(muc_describing, describe),
    XY_ON(account_deleted, forget_account),
};
static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_SET, NS_MODERATE, "moderate", retract_muc_moderate, .where = XY_IQ_ROOM,
                .quiet = true),
};
static const struct xy_command_row commands[] = {
    XY_COMMAND("retract room-policy", show_policy, .arguments = "[--host HOST]",
               .about = "The windows in which authors and moderators may take back what was "
                        "said in rooms, and the warning that goes with it."),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(accepted, .unit = "retractions", .doc = "Messages taken back in rooms."),
    XY_METRIC(refused, .unit = "retractions", .doc = "Attempts that were refused."),
};

XY_MODULE(
    retract_muc,
    .about = "Authors and moderators take back what was said in rooms (XEP-0424, XEP-0425).",
    XY_STATE_SIZE, .needs = "audit muc", XY_TABLE(options, options), XY_TABLE(hooks, hooks),
    XY_TABLE(iqs, iqs), XY_TABLE(commands, commands), XY_TABLE(metrics, metrics),
    XY_TABLE(schema, schema), XY_TABLE(statements, statements), XY_START(start), XY_STOP(stop),
    XY_CHECKER(check), );

/* SPDX-License-Identifier: MIT */
/*
 * Rosters and presence subscriptions (RFC 6121 sections 2 and 3), the normal-band handler of
 * roster_out_subscription and roster_in_subscription (contract in xylem/roster.h).
 */
#include "roster.h"

static xy_status
provide_list(XY_SELF, struct xy_user *user, struct xy_roster_item **items, size_t *count)
{
    struct xy_rows *rows;
    xy_status status = roster_load_all(user, 0, &rows);
    if (status != XY_OK)
        return status;
    *items = xy_temp_alloc((xy_rows_count(rows) + 1) * sizeof(**items));
    *count = 0;
    while (xy_rows_next(rows)) {
        const struct xy_jid *contact;
        struct item item = roster_row_item(rows, &contact);
        if (contact && item.listed != REMOVED)
            (*items)[(*count)++] = roster_public_item(&item, contact);
    }
    return XY_OK;
}

static xy_status
provide_item(XY_SELF, struct xy_user *user, const struct xy_jid *contact,
             struct xy_roster_item *item)
{
    struct side side = {.user = user, .contact = xy_jid_bare(contact)};
    xy_status status = roster_load(&side);
    *item = roster_public_item(&side.item, side.contact);
    if (status == XY_OK && side.item.listed != LISTED && side.item.state == 0)
        status = XY_ABSENT;
    return status;
}

static void
offer(XY_SELF, struct xy_stream *stream, struct xy_node *features)
{
    if (xy_stream_stage(stream) == XY_STREAM_OPEN)
        return;
    xy_node_add(features, XY_STR(XY_NS_ROSTERVER), XY_STR("ver"));
    xy_node_add(features, XY_STR(XY_NS_PREAPPROVAL), XY_STR("sub"));
}

/* S3-21: the contacts' side is cleaned by the same cancellations a client would send. */
static void
say_goodbye(XY_SELF, struct xy_user *user)
{
    struct xy_roster_item *items;
    size_t count = 0;
    xy_status status = provide_list(self, user, &items, &count);
    for (size_t i = 0; i < count && status == XY_OK; i++)
        status = roster_remove(self, user, items[i].contact);
    if (status != XY_OK)
        xy_warn("roster.goodbye", "not all contacts were told that the account goes",
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

static void
forget(XY_SELF, const struct xy_jid *bare, xy_owner owner)
{
    xy_status status = roster_forget(owner);
    if (status != XY_OK)
        xy_error("roster.not_forgotten", "rows of a deleted account remain",
                 XY_F_STR_AS("account", xy_jid_text(bare)),
                 XY_F_CSTR_AS("status", xy_status_name(status)));
}

static xy_status
start(XY_SELF)
{
    self->changes = xy_map_new(self);
    return XY_OK;
}

static const struct xy_option options[] = {
    XY_OPTION(items, .initial = "2000", .min = 1, .max = 100000, .none = true,
              .doc = "Most contacts of one account."),
    XY_OPTION(name_size, .initial = "1 KiB", .min = 16, .max = 65536,
              .doc = "Longest name of a contact or a group."),
};
static const struct xy_hook hooks[] = {
    XY_ON(roster_out_subscription, roster_out),
    XY_ON(roster_in_subscription, roster_in),
    XY_ON(roster_list, provide_list),
    XY_ON(roster_item, provide_item),
    XY_ON(stream_features, offer),
    XY_ON(session_presence, roster_welcome, .after = "presence"),
    XY_ON(account_deleting, say_goodbye),
    XY_ON(account_deleted, forget),
};
static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_GET, XY_NS_ROSTER, "query", roster_get_iq, .where = XY_IQ_OWN),
    XY_IQ_ROUTE(XY_SET, XY_NS_ROSTER, "query", roster_set_iq, .where = XY_IQ_OWN),
};
static const struct xy_command_row commands[] = {
    XY_COMMAND("roster show", roster_show_command, .arguments = "JID",
               .about = "Show an account's contacts."),
    XY_COMMAND(
        "roster add", roster_add_command,
        .arguments = "JID CONTACT [--subscription SUB] [--name NAME] [--group GROUP]",
        .about =
            "Set a contact, on both sides when it is local: none, to, from or both (default)."),
    XY_COMMAND("roster remove", roster_remove_command, .arguments = "JID CONTACT",
               .about = "Remove a contact with its cancellations."),
    XY_COMMAND("roster provision", roster_provision_command, .input = true,
               .about = "Set many pairs at once: lines JID<TAB>CONTACT[<TAB>SUBSCRIPTION] on "
                        "standard input."),
    XY_COMMAND("roster doctor", roster_doctor_command, .arguments = "[--repair]",
               .about =
                   "Find local pairs whose sides disagree; --repair keeps what both agree on."),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(pushes, .unit = "changes", .doc = "Roster changes pushed to clients."),
    XY_METRIC(conflicts, .unit = "transactions",
              .doc = "Changes tried again because another was faster."),
};

XY_MODULE(roster, .about = "Contacts and presence subscriptions (RFC 6121).", XY_STATE_SIZE,
          XY_START(start), .schema = roster_schema, .schema_count = ROSTER_MIGRATIONS,
          .statements = roster_statements, .statements_count = ROSTER_STATEMENTS,
          XY_TABLE(options, options), XY_TABLE(hooks, hooks), XY_TABLE(iqs, iqs),
          XY_TABLE(commands, commands), XY_TABLE(metrics, metrics));

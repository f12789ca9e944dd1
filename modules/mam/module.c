/* SPDX-License-Identifier: MIT */
/*
 * Message archives (XEP-0313 1.1.3 with #extended, XEP-0441, XEP-0059). The core writes and
 * stamps what message_keeping answers and keeps one row for archive and queue; this module says
 * what is kept, for how long, and answers queries.
 */
#include "mam.h"

static xy_status
start(XY_SELF)
{
    mam_retention_begin(self);
    return XY_OK;
}

/* The archive itself is the core's to erase. */
static void
forget(XY_SELF, const struct xy_jid *bare, xy_owner owner)
{
    struct xy_txn *txn = xy_txn_begin();
    xy_txn_add(txn, &mam_preferences_drop, XY_INT(owner));
    xy_txn_add(txn, &mam_policy_drop, XY_INT(owner));
    xy_status status = xy_txn_commit(txn);
    if (status != XY_OK)
        xy_error("mam.not_forgotten", "rows of a deleted account remain",
                 XY_F_STR_AS("account", xy_jid_text(bare)),
                 XY_F_CSTR_AS("status", xy_status_name(status)));
}

static void
hand_over(XY_SELF, struct xy_handover *to)
{
    retention_hand_over(&self->retention, to);
}

static void
adopt(XY_SELF, struct xy_handover *from)
{
    retention_adopt(self, &self->retention, from);
}

static const struct xy_option options[] = {
    {.name = "default", /* no name for a field of C */
     .type = XY_OPTION_TYPE_(((struct mam *)0)->fallback),
     .offset = offsetof(struct mam, fallback),
     .initial = "always",
     .choices = "always|never|roster",
     .doc = "Whose messages are archived unless the account's own preferences say otherwise: "
            "everybody's, nobody's, or those of contacts in the roster."},
    XY_OPTION(keep_for, .initial = "none", .min = 60 * 1000, .max = INT64_MAX, .none = true,
              .doc = "How long an archive keeps a message; none: for ever."),
    XY_OPTION(keep_messages, .initial = "none", .min = 1, .max = INT64_MAX, .none = true,
              .doc = "How many messages an archive keeps, the newest; none: all."),
};
static const struct xy_hook hooks[] = {
    XY_ON(message_keeping, mam_keep),
    XY_ON(roster_changed, mam_roster_changed),
    XY_ON(bind2_bound, mam_bound),
    XY_ON(account_deleted, forget),
    XY_ON(lifecycle_asked, mam_show_lifecycle),
};
enum { OWN_OR_FORBIDDEN = XY_IQ_OWN | XY_IQ_ACCOUNT };
static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_SET, XY_NS_MAM, "query", mam_query, .where = OWN_OR_FORBIDDEN),
    XY_IQ_ROUTE(XY_GET, XY_NS_MAM, "query", mam_form, .where = OWN_OR_FORBIDDEN),
    XY_IQ_ROUTE(XY_GET, XY_NS_MAM, "metadata", mam_metadata, .where = OWN_OR_FORBIDDEN),
    XY_IQ_ROUTE(XY_GET, XY_NS_MAM, "prefs", mam_preferences_get, .where = OWN_OR_FORBIDDEN),
    XY_IQ_ROUTE(XY_SET, XY_NS_MAM, "prefs", mam_preferences_set, .where = OWN_OR_FORBIDDEN),
};
/* The archive is the account's; the host says that it strips forged stanza-ids. */
static const struct xy_feature features[] = {
    {XY_NS_MAM_EXTENDED, XY_IQ_ACCOUNT},
    {XY_NS_MAM "#groupchat-field", XY_IQ_ACCOUNT},
    {XY_NS_SID, XY_IQ_HOST | XY_IQ_ACCOUNT},
};
static const struct xy_command_row commands[] = {
    XY_COMMAND("mam preferences", mam_preferences_command,
               .arguments = "JID [--default WHICH] [--reset]",
               .about =
                   "Show whose messages an account archives; set the default (always, never "
                   "or roster), or forget all the account said."),
    XY_COMMAND("mam policy", mam_policy_command,
               .arguments = "JID [--keep-for DURATION] [--keep-messages N] [--reset]",
               .about =
                   "Show or set how long an account's archive keeps messages: a value, none, "
                   "or host for what the host says."),
    XY_COMMAND("mam count", mam_count_command, .arguments = "JID",
               .about = "Say how many messages an archive has, up to 10000, and since when."),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(archived, .unit = "messages", .doc = "Messages archives were to keep, per side."),
    XY_METRIC(left_out, .unit = "messages",
              .doc = "Messages left out because of preferences, per side."),
    XY_METRIC(queries, .unit = "queries", .doc = "Archive queries."),
    XY_METRIC(results, .unit = "messages", .doc = "Archived messages sent to clients."),
    XY_METRIC(not_found, .unit = "queries",
              .doc = "Queries with an id the archive does not have."),
    XY_METRIC(changed, .unit = "changes", .doc = "Changes of archiving preferences."),
    XY_METRIC(trimmed, .unit = "messages",
              .doc =
                  "Messages taken out of archives because their time was up or there were too "
                  "many."),
};
static const struct xy_migration schema[] = {
    {.number = 1,
     .sql = "create table mam_preferences (owner bigint primary key,"
            " fallback smallint not null, always text not null, never text not null);"
            "create table mam_policy (owner bigint primary key, keep_for bigint not null,"
            " keep_messages bigint not null)"},
};
static const struct xy_statement *const statements[] = {
    &mam_preferences_find, &mam_preferences_replace, &mam_preferences_default,
    &mam_preferences_drop, &mam_policy_find,         &mam_policy_save,
    &mam_policy_drop,      &mam_policy_one,
};

XY_MODULE(mam, .about = "Message archives (XEP-0313).", XY_STATE_SIZE, XY_START(start),
          XY_HAND_OVER(hand_over), XY_ADOPT(adopt), XY_TABLE(options, options),
          XY_TABLE(hooks, hooks), XY_TABLE(iqs, iqs), XY_TABLE(features, features),
          XY_TABLE(commands, commands), XY_TABLE(metrics, metrics), XY_TABLE(schema, schema),
          XY_TABLE(statements, statements));

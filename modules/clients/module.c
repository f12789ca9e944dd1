/* SPDX-License-Identifier: MIT */
/*
 * Client access management (XEP-0494 0.1.0): an account's owner sees which clients have access,
 * since when and by what, and takes it away. What is known of a client is kept no longer than
 * the operator says.
 */
#include "modules/clients/clients.h"

static xy_verdict
note_login(XY_SELF, struct xy_stream *stream, const struct xy_node *authenticate,
           struct xy_node *success)
{
    return seen_note_login(self, stream, authenticate, success);
}

static void
finish_login(XY_SELF, struct xy_stream *stream)
{
    seen_finish_login(self, stream);
}

static void
open_session(XY_SELF, struct xy_session *session)
{
    seen_open(self, session);
}

static void
leave(XY_SELF, struct xy_session *session)
{
    seen_leave(self, session);
}

static void
forget(XY_SELF, const struct xy_jid *bare, xy_owner owner)
{
    (void)bare;
    if (clients_drop(owner) != XY_OK)
        xy_warn("clients.not_dropped", "the clients of a deleted account stay stored",
                XY_F_INT(owner));
}

static xy_status
start(XY_SELF)
{
    (void)xy_every(self, INT64_C(3600) * 1000, seen_expire, NULL);
    return XY_OK;
}

static const struct xy_option options[] = {
    XY_OPTION(keep_for, .initial = "90 days", .min = INT64_C(24) * 3600 * 1000,
              .max = INT64_C(3660) * 24 * 3600 * 1000, .none = true,
              .doc = "How long a client that does not come back is remembered. What is "
                     "forgotten needs the password again."),
    XY_OPTION(user_agents, .initial = "on",
              .doc = "Whether the names that clients give their software and device are "
                     "stored. Without them the list shows times only."),
    XY_OPTION(per_account, .initial = "100", .min = 1, .max = 10000,
              .doc = "How many clients of an account are remembered; those not seen for "
                     "longest are forgotten."),
};
static const struct xy_hook hooks[] = {
    XY_ON(sasl2_resume, note_login, .order = XY_EARLY),
    XY_ON(sasl2_finished, finish_login),
    XY_ON(session_opened, open_session, .order = XY_EARLY),
    XY_ON(session_detached, leave),
    XY_ON(session_closed, leave),
    XY_ON(account_deleted, forget),
};
static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_GET, XY_NS_CLIENTS, "list", protocol_list, .where = XY_IQ_OWN),
    XY_IQ_ROUTE(XY_SET, XY_NS_CLIENTS, "revoke", protocol_revoke, .where = XY_IQ_OWN),
};
static const struct xy_feature features[] = {{XY_NS_CLIENTS, XY_IQ_HOST | XY_IQ_ACCOUNT}};
static const struct xy_command_row commands[] = {
    XY_COMMAND("client list", admin_list, .arguments = "JID",
               .about = "Lists the clients of an account and how they get in."),
    XY_COMMAND("client revoke", admin_revoke, .arguments = "JID ID",
               .about = "Voids the tokens of a client and ends its sessions."),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(revoked, .unit = "clients", .doc = "Clients whose access was revoked."),
    XY_METRIC(forgotten, .unit = "clients",
              .doc = "Clients forgotten because they did not come back."),
};

XY_MODULE(clients, .about = "Lists the clients of an account, revokes access (XEP-0494).",
          XY_STATE_SIZE, XY_START(start), XY_TABLE(options, options), XY_TABLE(hooks, hooks),
          XY_TABLE(iqs, iqs), XY_TABLE(features, features), XY_TABLE(commands, commands),
          XY_TABLE(metrics, metrics), XY_TABLE(schema, client_schema),
          XY_TABLE(statements, client_statements));

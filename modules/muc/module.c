/* SPDX-License-Identifier: MIT */
/*
 * Multi-user chat (XEP-0045 1.35): what the module is made of, and who gets which stanza. What
 * an iq to a room or to the service means is the core's dispatch by the table below; an iq that
 * comes here is for an occupant.
 */
#define XY_STATE muc
#include <xylem/xylem.h>
#define XY_HOOKS_HERE
#include "modules/muc/muc.h"
#include "modules/muc/door.h"
#include "modules/muc/rows.h"
#include "modules/muc/commands.h"

static xy_status
start(XY_SELF)
{
    muc_rooms_start(self);
    return xy_store_secret("muc.occupant", self->secret, sizeof(self->secret));
}

static void
stop(XY_SELF)
{
    door_stop(self);
    muc_talk_stop(self);
}

static void
on_stanza(XY_SELF, const struct xy_stanza *stanza)
{
    switch (xy_stanza_kind(stanza)) {
    case XY_PRESENCE:
        if (xy_stanza_is_error(stanza))
            (void)muc_bounced(self, stanza);
        else if (xy_jid_local(xy_stanza_to(stanza)).len)
            muc_presence(self, stanza);
        else
            muc_watch(self, stanza);
        return;
    case XY_MESSAGE:
        muc_message(self, stanza);
        return;
    case XY_IQ:
        muc_relay(self, stanza);
        return;
    case XY_NONZA:
        return;
    }
}

static const struct xy_service_row services[] = {XY_SERVES(host, "conference.", on_stanza)};
static const struct xy_hook hooks[] = {
    XY_ON(muc_access, muc_on_access),         XY_ON(muc_affiliates, muc_on_affiliates),
    XY_ON(muc_archived, muc_on_archived),     XY_ON(occupant_lost, muc_on_lost),
    XY_ON(server_stopping, muc_on_stopping),  XY_ON(session_closed, muc_unwatch),
    XY_ON(disco_items, muc_list_service),     XY_ON(account_deleted, muc_on_account_deleted),
    XY_ON(message_removing, muc_on_removing), XY_ON(message_removed, muc_on_removed),
};
enum { ROOM_OR_SERVICE = XY_IQ_ROOM | XY_IQ_SERVICE };
static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_GET | XY_SET, NS_MUC_ADMIN, "query", muc_on_admin, .where = XY_IQ_ROOM,
                .quiet = true),
    XY_IQ_ROUTE(XY_GET | XY_SET, NS_MUC_OWNER, "query", muc_on_owner, .where = XY_IQ_ROOM,
                .quiet = true),
    XY_IQ_ROUTE(XY_GET | XY_SET, XY_NS_REGISTER, "query", muc_on_register, .where = XY_IQ_ROOM,
                .quiet = true),
    XY_IQ_ROUTE(XY_GET | XY_SET, XY_NS_VCARD, "vCard", muc_on_vcard, .where = XY_IQ_ROOM),
    XY_IQ_ROUTE(XY_GET, XY_NS_DISCO_INFO, "query", muc_on_disco_info, .where = ROOM_OR_SERVICE),
    XY_IQ_ROUTE(XY_GET, XY_NS_DISCO_ITEMS, "query", muc_on_disco_items,
                .where = ROOM_OR_SERVICE),
    XY_IQ_ROUTE(XY_GET, "urn:xmpp:channel-search:0:search", "search", muc_on_search,
                .where = XY_IQ_SERVICE),
    XY_IQ_ROUTE(XY_SET, NS_COMMANDS, "command", muc_on_command, .where = XY_IQ_ROOM),
};
static const struct xy_feature features[] = {
    {NS_MUC, XY_IQ_SERVICE | XY_IQ_ROOM},
    {NS_MUC "#stable_id", XY_IQ_SERVICE | XY_IQ_ROOM},
    {NS_MUC "#self-ping-optimization", XY_IQ_ROOM},
    {NS_OCCUPANT_ID, XY_IQ_SERVICE | XY_IQ_ROOM},
    {XY_NS_SID, XY_IQ_ROOM},
    {NS_HATS, XY_IQ_ROOM},
    {"urn:xmpp:muc:affiliations:1", XY_IQ_ROOM},
    {XY_NS_VCARD, XY_IQ_SERVICE},
    {XY_NS_RSM, XY_IQ_SERVICE},
    {"urn:xmpp:rai:0", XY_IQ_SERVICE},
};
static const struct xy_statement *const statements[] = {
    &muc_sql_affiliation,
    &muc_sql_affiliations,
    &muc_sql_affiliations_since,
    &muc_sql_nick_owner,
    &muc_sql_count_affiliations,
    &muc_sql_save_affiliation,
    &muc_sql_delete_affiliation,
    &muc_sql_room_version,
    &muc_sql_rooms_of,
    &muc_sql_affiliates,
    &muc_sql_forget_affiliations,
    &muc_sql_room,
    &muc_sql_insert_room,
    &muc_sql_insert_owner,
    &muc_sql_update_room,
    &muc_sql_delete_room,
    &muc_sql_delete_affiliations,
    &muc_sql_delete_hats,
    &muc_sql_delete_worn,
    &muc_sql_delete_avatar,
    &muc_sql_count_rooms,
    &muc_sql_count_owned,
    &muc_sql_temporary,
    &muc_sql_hats_any,
    &muc_sql_hats_of,
    &muc_sql_members,
    &muc_sql_mark,
    &muc_sql_unmark,
    &muc_sql_behind,
    &muc_sql_delete_behind,
    &muc_sql_delete_subject,
    &muc_sql_subject,
    &muc_sql_set_subject,
    &muc_sql_adopt_subject,
    &muc_sql_move_subject,
    &muc_sql_drop_subject,
    &muc_listing_sql[0],
    &muc_listing_sql[1],
    &muc_listing_sql[2],
    &muc_listing_sql[3],
    &muc_listing_sql[4],
    &muc_listing_sql[5],
    &muc_listing_sql[6],
    &muc_listing_sql[7],
    &muc_hat_sql[0],
    &muc_hat_sql[1],
    &muc_hat_sql[2],
    &muc_hat_sql[3],
    &muc_hat_sql[4],
    &muc_hat_sql[5],
    &muc_hat_sql[6],
    &muc_hat_sql[7],
    &muc_avatar_sql[0],
    &muc_avatar_sql[1],
};
static const struct xy_metric metrics[] = {
    XY_METRIC(joined, .unit = "occupants", .doc = "Sessions that entered a room."),
    XY_METRIC(left, .unit = "occupants", .doc = "Sessions that left a room by themselves."),
    XY_METRIC(kicked, .unit = "occupants",
              .doc =
                  "Sessions put out of a room: kicked, banned, no longer a member, or gone."),
    XY_METRIC(messages_accepted, .unit = "messages", .doc = "Messages to all of a room."),
    XY_METRIC(refused, .unit = "stanzas", .doc = "Stanzas to rooms answered with an error."),
    XY_METRIC(created, .unit = "rooms", .doc = "Rooms created."),
    XY_GAUGE("rooms", muc_gauge_rooms, .unit = "rooms", .doc = "Rooms in memory."),
    XY_GAUGE("occupants", muc_gauge_occupants, .unit = "occupants",
             .doc = "Occupants of all rooms; several clients of one nick count once."),
    XY_GAUGE("clients", muc_gauge_clients, .unit = "clients",
             .doc = "Clients in rooms, once for each room."),
    XY_METRIC(destroyed, .unit = "rooms", .doc = "Rooms destroyed, or left empty."),
};

XY_MODULE(muc, .about = "Multi-user chat (XEP-0045).", XY_STATE_SIZE, XY_START(start),
          XY_STOP(stop), XY_HAND_OVER(muc_hand_over), XY_ADOPT(muc_adopt),
          XY_CHECKER(muc_check_options), XY_TABLE(services, services), .options = muc_options,
          .options_count = MUC_OPTIONS, .schema = muc_schema, .schema_count = MUC_MIGRATIONS,
          XY_TABLE(hooks, hooks), XY_TABLE(iqs, iqs), XY_TABLE(features, features),
          .commands = muc_commands, .commands_count = MUC_COMMANDS, XY_TABLE(metrics, metrics),
          XY_TABLE(statements, statements));

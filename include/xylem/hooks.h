/* SPDX-License-Identifier: MIT */
/*
 * The core's hooks, in the order a stanza meets them. Handlers may suspend unless it says otherwise.
 * Stanza parameters are borrowed and frozen. `xylemctl hooks` shows who listens.
 */
#ifndef XYLEM_HOOKS_H
#define XYLEM_HOOKS_H

#include <xylem/approval.h>
#include <xylem/audit.h>
#include <xylem/clients.h>
#include <xylem/command.h>
#include <xylem/delivery.h>
#include <xylem/hook.h>
#include <xylem/removal.h>
#include <xylem/room.h>
#include <xylem/roster.h>
#include <xylem/sasl2.h>
#include <xylem/session.h>
#include <xylem/sql.h>

/* ---- streams --------------------------------------------------------------------------------- */
/* Add what `stream` may do next to <stream:features/>. Look at xy_stream_stage() and
 * xy_stream_is_secure(). */
XY_EVENT(stream_features, (struct xy_stream *stream, struct xy_node *features), (stream, features))
/* A top-level element that is no stanza (SASL, stream management …), or any stanza before bind.
 * Nobody answers XY_DONE: stream error unsupported-stanza-type, before login not-authorized. */
XY_FILTER(stream_element, (struct xy_stream *stream, const struct xy_stanza *element), (stream, element))
/* The stream has ended; notes are still there. Fires for every stream, after session_closed. */
XY_EVENT(stream_closed, (struct xy_stream *stream), (stream))

/* ---- sessions -------------------------------------------------------------------------------- */
/* It is registered just now: whoever must see every message from xy_session_since() on begins here,
 * with what a Bind 2 asks for (`request`, else NULL). Before session_opened. Must not suspend. */
XY_EVENT(session_binding, (struct xy_session *session, const struct xy_node *request), (session, request))
XY_EVENT(session_opened, (struct xy_session *session), (session))
/* It broadcast a presence: `presence` has its full from; type absent or 'unavailable'. Also fired
 * with a made-up unavailable presence when an available session ends. `first`: it was not
 * available before. */
XY_EVENT(session_presence, (struct xy_session *session, const struct xy_stanza *presence, bool first),
         (session, presence, first))
/* It can take messages to the bare JID now and could not before (available, priority >= 0).
 * Fires after session_presence. */
XY_EVENT(session_available, (struct xy_session *session), (session))
/* The connection of a retained session broke without </stream:stream>. XY_DONE: the session stays,
 * shown as available, until it is resumed or closed by whoever said so. Else it ends. */
XY_FILTER(session_lost, (struct xy_session *session), (session))
/* It stayed without a connection; and it has one again (after xy_session_release()). */
XY_EVENT(session_detached, (struct xy_session *session), (session))
XY_EVENT(session_resumed, (struct xy_session *session), (session))
/* Something waits for a session without a connection. `message` 0: nothing stores it. Must not
 * suspend. */
XY_EVENT(session_queued, (struct xy_session *session, const struct xy_stanza *stanza, xy_message_id message),
         (session, stanza, message))
/* See xy_session_when_handled(). Must not suspend. */
XY_EVENT(session_handled, (struct xy_session *session), (session))
/* It ends: what it has not acknowledged is still in its queue, and goes its way next. Must not
 * suspend. */
XY_EVENT(session_ending, (struct xy_session *session), (session))
/* It has ended (after its unavailable presence, if it was available). */
XY_EVENT(session_closed, (struct xy_session *session), (session))
/* An administrator ended it: what lets its client in again without the password is void. It is
 * still open. */
XY_EVENT(session_kicked, (struct xy_session *session), (session))
/* Does its client say that nobody looks at it (XEP-0352)? XY_DONE: nobody does. Must not suspend. */
XY_FILTER(session_inactive, (struct xy_session *session), (session))
/* A stanza for a session that is watched (xy_session_watch_output) is due to be sent. XY_DONE: hold
 * it back; XY_PASS: send it now, behind everything held back before. Must not suspend. */
XY_FILTER(session_output, (struct xy_session *session, const struct xy_stanza *stanza), (session, stanza))

/* ---- stanzas --------------------------------------------------------------------------------- */
/* A client's presence without type, broadcast or directed, before anybody else sees it. It is still
 * mutable: add what the server vouches for (XEP-0153's hash). */
XY_EVENT(presence_outgoing, (struct xy_session *session, struct xy_stanza *presence), (session, presence))
/* Are `user` and `whom` to know nothing of each other, whatever their subscriptions? Asked by whoever
 * shows presence by itself (broadcasts, approvals), or tells of what `whom` said. XY_DONE: hide it. */
XY_FILTER(presence_hidden, (struct xy_user *user, const struct xy_jid *whom), (user, whom))
/* A client sent it; `from` is set and right, forged stanza-ids and delays are gone. XY_DONE: the
 * handler has answered or dropped it. */
XY_FILTER(stanza_out, (struct xy_session *session, const struct xy_stanza *stanza), (session, stanza))
/* A presence without type or of type unavailable or probe that a client sent to `to`. */
XY_FILTER(presence_directed, (struct xy_session *session, const struct xy_stanza *presence),
          (session, presence))
/* It arrived for an account of ours, from anybody. XY_DONE: the handler has answered or dropped it. */
XY_FILTER(stanza_in, (struct xy_user *to, const struct xy_stanza *stanza), (to, stanza))
/* A presence of any type but the four of subscriptions arrived for an account (after stanza_in).
 * XY_PASS: the core delivers it to the available sessions; a probe is dropped. */
XY_FILTER(presence_in, (struct xy_user *to, const struct xy_stanza *presence), (to, presence))
/* How is `message` (type normal or chat) kept for `owner`, who sent it (`outgoing`) or is to get it?
 * Set bits of enum xy_keep in *keep. Asked once per message and side. */
XY_EVENT(message_keeping, (struct xy_user *owner, const struct xy_stanza *message, bool outgoing,
                           unsigned *keep),
         (owner, message, outgoing, keep))
/* Nobody can take `message` just now, so it would wait for `to`. XY_DONE: too many do, the handler has
 * answered; XY_PASS: let it wait. */
XY_FILTER(message_waiting, (struct xy_user *to, const struct xy_stanza *message), (to, message))
/* A message is on its way to the sessions of a user, or left one of a user's: copy it, take notice.
 * Fires for every message accepted from or for an account of ours, once per side, in the order of
 * acceptance; if it is stored, before its commit. Once more if it has to be delivered again
 * (xy_delivery_is_again()). Must not suspend. */
XY_EVENT(message_delivering, (struct xy_delivery *delivery), (delivery))
/* A message from a retained session is about to be stored: statements added to `txn` commit with
 * it. xy_session_handled() will be `handled` then. Must not suspend. */
XY_EVENT(message_storing, (struct xy_session *from, uint32_t handled, struct xy_txn *txn),
         (from, handled, txn))
/* `message` is about to be stored as `id`: statements added to `txn` commit with it, or with them it
 * fails. For accounts and rooms alike. Must not suspend. */
XY_EVENT(message_committing, (const struct xy_stanza *message, xy_message_id id, struct xy_txn *txn),
         (message, id, txn))
/* A client asks to take back a message. Say in *verdict whether it may; when it may, its effect belongs
 * into message_committing. */
XY_EVENT(retraction_asked, (struct xy_session *session, const struct xy_stanza *message,
                            enum xy_retraction *verdict),
         (session, message, verdict))
/* It is about to be taken back: statements added to `txn` commit with that, or with them it fails. Fired
 * for every host. Must not suspend. */
XY_EVENT(message_removing, (xy_message_id id, struct xy_txn *txn), (id, txn))
/* It was retracted, moderated, removed, or its time was up (removal.h), and that is durable: forget what
 * you hold of its content. `removed` has what is needed to find it: between whom (author, addressee, which
 * may be a room), its stanza-id in either archive, the client's id, who did it (actor), in which role
 * (state), when and why (reason), operation, `id` of the notice. Where the database does not answer, or
 * has no row of it any more, only `id` is set and author is NULL. Fired for every host, because anybody may
 * have a copy: whoever passes it on does so where xy_message_host() is his own. Must not suspend: keep what
 * you need for a task. */
XY_EVENT(message_removed, (const struct xy_message_record *removed), (removed))
/* A message of type normal or chat found no session that may take it, and nothing keeps it.
 * XY_PASS: it bounces. */
XY_FILTER(message_undeliverable, (struct xy_user *to, const struct xy_stanza *message), (to, message))
/* How is a message of type groupchat kept in the archive of `room`? Set XY_KEEP_ARCHIVED in *keep.
 * Asked once per message, inside the room. */
XY_EVENT(room_keeping, (struct xy_room *room, const struct xy_stanza *message, unsigned *keep),
         (room, message, keep))
/* A message is on its way to the occupants (`id` 0: nothing stores it). In the order of acceptance,
 * if it is stored before its commit. Must not suspend. */
XY_EVENT(room_delivering, (struct xy_room *room, const struct xy_stanza *message, xy_message_id id),
         (room, message, id))
/* A room sends `stanza` to an occupant whose session screens rooms (room.h). XY_DONE: he does not get it.
 * Must not suspend. */
XY_FILTER(room_hearing, (const struct xy_occupant *occupant, const struct xy_stanza *stanza),
          (occupant, stanza))
/* The session of that occupant has ended; it is still listed, and gets nothing any more. Outside the
 * room. */
XY_EVENT(occupant_lost, (const struct xy_jid *room, const struct xy_jid *real), (room, real))
/* A stanza for a domain that is not ours: federation and clustering plug in here. The provider
 * takes over the stanza's fate. Nobody: remote-server-not-found. */
XY_SERVICE(route_elsewhere, (const struct xy_stanza *stanza), (stanza))

/* ---- the server ------------------------------------------------------------------------------ */
/* It starts (`by` is "server"; no listener is open yet) or followed a reload: these values are in force,
 * secrets shown as "(set)". Only modules of scope XY_SERVER hear it. */
struct xy_setting {
    struct xy_str name, value; /* "limits.depth", "30"; "modules.offline", "on" */
    struct xy_str mark;        /* of a secret: changes when it does, and says nothing else about it */
};
XY_EVENT(config_applied, (struct xy_str by, const struct xy_setting *settings, size_t count),
         (by, settings, count))
/* Messages have been let go from a legal hold: what waited for that can be done. Only modules of scope
 * XY_SERVER hear it. */
XY_EVENT(hold_released, (int64_t hold), (hold))
/* An administrator asks what ends the messages of `of` (bare: an account, a room), and only those between
 * it and `with` if that is not NULL: put a row for each rule of yours: class, keep_for, rule,
 * next_expiry (command.h). For the hosts of both. */
XY_EVENT(lifecycle_asked, (struct xy_command *command, const struct xy_jid *of,
                           const struct xy_jid *with),
         (command, of, with))
/* It is about to stop, in order: sessions are still there, and get what is sent to them now. Fired for
 * every host. */
XY_EVENT(server_stopping, (const char *reason), (reason))

/* ---- accounts -------------------------------------------------------------------------------- */
XY_EVENT(account_created, (struct xy_user *user), (user))
/* Still whole: send cancellations now. Its sessions are still there. */
XY_EVENT(account_deleting, (struct xy_user *user), (user))
/* Gone; drop rows of `owner`. */
XY_EVENT(account_deleted, (const struct xy_jid *bare, xy_owner owner), (bare, owner))
XY_EVENT(password_changed, (struct xy_user *user), (user))
XY_EVENT(account_disabled, (struct xy_user *user), (user)) /* its sessions are still there */

/* ---- disco (XEP-0030) ------------------------------------------------------------------------ */
/* Somebody allowed to asks a host (user NULL) or an account for disco#info or #items at `node`
 * (may be absent). Fill `query` and answer XY_DONE for a node you own; add to the root node and
 * answer XY_PASS. Nobody: item-not-found for a node. */
XY_FILTER(disco_info, (struct xy_host *at, struct xy_user *user, const struct xy_jid *asker,
                       struct xy_str node, struct xy_node *query),
          (at, user, asker, node, query))
XY_FILTER(disco_items, (struct xy_host *at, struct xy_user *user, const struct xy_jid *asker,
                        struct xy_str node, struct xy_node *query),
          (at, user, asker, node, query))

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The roster module's rooms: states.c knows the tables of RFC 6121 appendix A, rows.c the
 * database, change.c carries a change out, push.c tells the clients, protocol.c answers
 * jabber:iq:roster, admin.c the administrator.
 */
#ifndef MODULE_ROSTER_H
#define MODULE_ROSTER_H

#define XY_STATE roster
#include <xylem/xylem.h>

struct roster {
    const int64_t items;     /* most items of one account */
    const xy_size name_size; /* longest name or group */
    struct xy_map *changes;  /* presence stanza of a change under way -> struct change */
    xy_counter pushes, conflicts;
};

/* One account's view of one contact, as stored. */
struct item {
    unsigned state; /* bits below */
    bool by_user;   /* the user made the item, so it stays when all subscriptions end */
    enum {
        NEVER_LISTED = 0,
        LISTED = 1,
        REMOVED = 2
    } listed;                   /* REMOVED: a tombstone for versioning */
    struct xy_str name, groups; /* groups: each followed by NUL */
    struct xy_str request;      /* the latest subscribe stanza while IN */
    int64_t version;
};
enum { TO = 1, FROM = 2, OUT = 4, IN = 8, APPROVED = 16 };

/* ---- states.c ---- */
struct transition {
    unsigned state;
    bool forward;    /* outbound: route it; inbound: deliver it to the user */
    bool auto_reply; /* inbound subscribe that is answered with subscribed */
};
struct transition roster_outbound(unsigned state, enum xy_subscription_kind kind);
struct transition roster_inbound(unsigned state, enum xy_subscription_kind kind);
bool roster_state_is_legal(unsigned state);
const char *roster_subscription_name(unsigned state);

/* ---- rows.c ---- */
struct side { /* of a change: an account and one of its items */
    struct xy_user *user;
    const struct xy_jid *contact;
    int64_t account_version;
    struct item before, item;
};
XY_SUSPENDS XY_CHECK xy_status roster_load(struct side *side);
XY_SUSPENDS XY_CHECK xy_status roster_load_all(struct xy_user *user, int64_t after_version,
                                               struct xy_rows **rows);
XY_SUSPENDS XY_CHECK xy_status roster_version(struct xy_user *user, int64_t *version);
XY_SUSPENDS XY_CHECK xy_status roster_has_room(XY_SELF, struct xy_user *user); /* XY_FULL: no */
/* The item in the present row of roster_load_all(). */
struct item roster_row_item(const struct xy_rows *rows, const struct xy_jid **contact);
void roster_save(struct xy_txn *txn, struct side *side); /* a no-op when nothing changed */
bool roster_side_changed(const struct side *side);
bool roster_side_visible(const struct side *side); /* the change shows in the roster */
enum { ROSTER_STATEMENTS = 15, ROSTER_MIGRATIONS = 1 };
extern const struct xy_statement *const roster_statements[ROSTER_STATEMENTS];
extern const struct xy_migration roster_schema[ROSTER_MIGRATIONS];
XY_SUSPENDS XY_CHECK xy_status roster_forget(xy_owner owner);
XY_SUSPENDS XY_CHECK xy_status roster_asymmetric(struct xy_str host, struct xy_rows **rows);
XY_SUSPENDS XY_CHECK xy_status roster_notice_add(struct xy_user *user,
                                                 const struct xy_stanza *presence,
                                                 enum xy_subscription_kind kind);
XY_SUSPENDS XY_CHECK xy_status
roster_notices(struct xy_user *user, struct xy_rows **rows); /* contact, kind, stanza */
XY_SUSPENDS XY_CHECK xy_status roster_notices_clear(struct xy_user *user);
struct xy_roster_item roster_public_item(const struct item *item, const struct xy_jid *contact);

/* ---- change.c ---- */
xy_verdict roster_out(XY_SELF, struct xy_user *user, const struct xy_jid *contact,
                      enum xy_subscription_kind kind, const struct xy_stanza *presence);
xy_verdict roster_in(XY_SELF, struct xy_user *user, const struct xy_jid *contact,
                     enum xy_subscription_kind kind, const struct xy_stanza *presence);
/* Name and groups; makes the item. */
XY_SUSPENDS XY_CHECK xy_status roster_set(XY_SELF, struct xy_user *user,
                                          const struct xy_jid *contact, struct xy_str name,
                                          struct xy_str groups);
/* Removes the item with its cancellations. XY_ABSENT: no such item. */
XY_SUSPENDS XY_CHECK xy_status roster_remove(XY_SELF, struct xy_user *user,
                                             const struct xy_jid *contact);
void roster_list_item(struct side *side);
/* Brings the rest of an item in line with its state: an item that only a subscription made goes
 * with it (S3-13). */
void roster_settle_item(struct side *side);

/* ---- provision.c ---- */
struct roster_pair {
    struct xy_user *user;
    const struct xy_jid *contact;
    struct xy_str name, groups;
    unsigned state; /* TO, FROM */
};
/* Sets many items as an administrator wants them, all or none; then pushes. */
XY_SUSPENDS XY_CHECK xy_status roster_provision(XY_SELF, const struct roster_pair *pairs,
                                                size_t count);

/* ---- push.c ---- */
extern const struct xy_note roster_interested;
void roster_push(XY_SELF, const struct side *side);
void roster_add_item(struct xy_node *query, const struct item *item,
                     const struct xy_jid *contact);
/* To the sessions that are available and know their roster; how many took it. */
unsigned roster_deliver(struct xy_user *user, const struct xy_stanza *presence);
/* The presence of all the user's resources, or that they are gone. */
void roster_show_presence(struct xy_user *user, const struct xy_jid *contact, bool available);
void roster_welcome(XY_SELF, struct xy_session *session, const struct xy_stanza *presence,
                    bool first);

/* ---- protocol.c ---- */
xy_status roster_get_iq(XY_SELF, struct xy_iq *iq);
xy_status roster_set_iq(XY_SELF, struct xy_iq *iq);

/* ---- admin.c ---- */
xy_status roster_show_command(XY_SELF, struct xy_command *command);
xy_status roster_add_command(XY_SELF, struct xy_command *command);
xy_status roster_remove_command(XY_SELF, struct xy_command *command);
xy_status roster_provision_command(XY_SELF, struct xy_command *command);
xy_status roster_doctor_command(XY_SELF, struct xy_command *command);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the files of the module muc (XEP-0045) share. A room is the core's (xylem/room.h); what it is
 * set to and who is who in it are rows of ours, read when somebody comes and noted with the room and
 * its occupants as plain bytes, so that new code finds them as the old code left them.
 *
 * Rules for every function here: "inside" means between muc_enter() and xy_room_leave(). What is
 * changed is committed first and told to the occupants then. Stanzas to accounts (invitations) are
 * collected inside and routed after leaving.
 */
#ifndef MUC_H
#define MUC_H

#define XY_STATE muc
#include <xylem/xylem.h>
#include <xylem/muc.h>

#define NS_MUC       "http://jabber.org/protocol/muc"
#define NS_MUC_USER  "http://jabber.org/protocol/muc#user"
#define NS_MUC_ADMIN "http://jabber.org/protocol/muc#admin"
#define NS_MUC_OWNER "http://jabber.org/protocol/muc#owner"
#define NS_OCCUPANT_ID "urn:xmpp:occupant-id:0"

#define MUC_SERVICE_NAME "Chat rooms"

/* ---- settings of a room ------------------------------------------------------------------------ */
enum whois { WHOIS_MODERATORS, WHOIS_ANYONE }; /* semi-anonymous, non-anonymous */
enum pm { PM_ANYONE, PM_PARTICIPANTS, PM_MODERATORS, PM_NONE };
enum who { WHO_ANYONE, WHO_PARTICIPANTS, WHO_MODERATORS }; /* roles */

/* Note "muc.settings": all but the texts. Every field is an option of muc#roomconfig, of
 * `default_config` and of `xylemctl room config` by the name settings.c gives it. */
struct settings {
    bool persistent, public_room, members_only, moderated, archived;
    bool change_subject; /* participants may change the subject */
    bool change_nick;    /* occupants may change their nick */
    bool allow_invites;  /* members (else only admins) may invite; in an open room anybody may */
    bool allow_voice_requests;
    bool allow_registration;
    bool public_list;       /* disco#items shows occupants */
    bool allow_visitor_status, allow_visitor_nick_change;
    bool allow_query_users; /* iq between occupants */
    bool members_by_default; /* participants: an unaffiliated newcomer has voice in a moderated room */
    uint8_t whois, allow_pm, present; /* enum whois, enum pm; bits 1 << enum xy_role whose presence is shown */
    uint8_t members_list;    /* who may get the member list: enum who */
    int32_t max_users;       /* 0: as many as the service allows */
    int32_t history;         /* messages shown to newcomers */
    int32_t voice_request_s; /* between two requests of one occupant */
    int32_t slow_mode_s;     /* XEP-0500; 0: off */
};
enum text { /* of a room, each may be empty */
    TEXT_NAME,
    TEXT_DESCRIPTION,
    TEXT_LANGUAGE,
    TEXT_PASSWORD, /* empty: none is needed */
    TEXT_CONTACTS, /* JIDs, each followed by LF (muc#roominfo_contactjid) */
    TEXT_LOGS,     /* muc#roominfo_logs */
    TEXT_PUBSUB,   /* muc#roominfo_pubsub */
    TEXT_SUBJECT,
    TEXT_SUBJECT_BY,  /* room/nick that set it */
    TEXT_SUBJECT_AT,  /* XEP-0082 time */
    TEXT_SUBJECT_ID,  /* occupant-id of who set it */
    TEXT_AVATAR_HASH, /* XEP-0486: SHA-1 of the photo, hex */
    TEXTS,
};

/* Note "muc.room". */
struct state {
    int64_t number;     /* of its row in table muc_room; 0: it has none */
    int64_t created_ms;
    int64_t version;    /* XEP-0463: rises with every change of an affiliation */
    int64_t removed;    /* the version of the last change that took one away */
    bool locked;        /* reserved, its owner has not configured it yet: nobody else enters (10.1) */
    bool destroyed;
    int64_t told;       /* the version just reached, while its change is being told; 0: none is */
    xy_message_id subject; /* subject.c: the message that set it; 0: nothing stores that; XY_NONE: unsure */
    bool subject_stale;    /* its row may say something else by now */
};

#include "modules/muc/settings.h" /* struct defaults */

struct muc {
    /* options: see options.c */
    const struct xy_jid *const host;
    const xy_choice create; /* anyone | local | admins */
    const xy_list admins;   /* JIDs that are owner of every room and may create any */
    const int64_t max_rooms, max_users, rooms_per_user, rooms_per_session, max_history, max_subject, max_affiliations;
    const xy_rate messages, presences, queries; /* of one occupant in one room */
    const xy_size max_presence;        /* of what a client says of itself, kept with the occupant */
    const xy_size max_avatar;          /* XEP-0486: of the vCard */
    const xy_duration keep_empty;      /* a temporary room nobody is in, after a restart */
    struct defaults default_config;    /* of new rooms: muc_default_settings() */
    unsigned char secret[32];          /* occupant ids: xy_store_secret("muc.occupant") */
    xy_counter joined, left, kicked, messages_accepted, refused, created, destroyed;
    /* private to the file that is named in the comment */
    struct xy_map *throttles;  /* talk: rate.c */
    bool closing;              /* presence.c: the server stops */
    struct xy_map *unread;     /* unread.c */
    struct xy_map *watchers;   /* activity.c (XEP-0437) */
    struct xy_strand *errands; /* unread.c */
    struct errand *telling;    /* unread.c: the one that runs */
    struct xy_str adopted;     /* handover.c */
    int searches;              /* search.c: that run now */
    bool looks_at_subjects;    /* subject.c: it will */
};

/* ---- rooms: rooms.c ------------------------------------------------------------------------------ */
/* Inside, loaded. XY_ABSENT (outside again): there is no such room. */
XY_SUSPENDS XY_CHECK xy_status muc_enter(struct muc *self, const struct xy_jid *jid, struct xy_room **room);
/* The same, but a room that does not exist is entered too, with muc_state(room)->created_ms 0. */
XY_SUSPENDS XY_CHECK xy_status muc_enter_any(struct muc *self, const struct xy_jid *jid, struct xy_room **room);
struct state *muc_state(struct xy_room *room);
struct settings *muc_settings(struct xy_room *room); /* mutable: muc_save() makes it last */
struct xy_str muc_text(struct xy_room *room, enum text which); /* valid until muc_set_text() */
void muc_set_text(struct xy_room *room, enum text which, struct xy_str text);
/* Every room has rows from its creation on, so that members find it after a restart; one that is
 * not persistent loses them when its last occupant leaves. */
XY_SUSPENDS XY_CHECK xy_status muc_create(struct muc *self, struct xy_room *room, const struct xy_jid *owner, bool locked);
XY_SUSPENDS XY_CHECK xy_status muc_save(struct xy_room *room); /* settings and texts */
/* Throws everybody out with <destroy/> (10.9), removes rows and archive, fires muc_destroyed. */
XY_SUSPENDS XY_CHECK xy_status muc_destroy(struct muc *self, struct xy_room *room, const struct xy_jid *alternate,
                                           struct xy_str password, struct xy_str reason);
/* May `who` create rooms (option create, limits)? Else the condition to answer with. */
XY_SUSPENDS bool muc_may_create(struct muc *self, const struct xy_jid *who, xy_condition *why_not);
bool muc_is_service_admin(const struct muc *self, const struct xy_jid *who);
/* From start(): temporary rooms that nobody came back to are removed after `keep_empty`. */
void muc_rooms_start(struct muc *self);

/* ---- affiliations: affiliations.c ------------------------------------------------------------------ */
struct affiliated {
    const struct xy_jid *jid; /* bare; the fiber's */
    enum xy_affiliation affiliation;
    struct xy_str nick;   /* registered (7.10) or reserved; may be absent */
    struct xy_str reason;
};
/* Of the bare JID of `who`: its row, else that of its banned domain, else XY_UNAFFILIATED; a service
 * admin is XY_OWNER. */
XY_SUSPENDS XY_CHECK xy_status muc_affiliation(struct muc *self, struct xy_room *room, const struct xy_jid *who,
                                               struct affiliated *found);
XY_SUSPENDS XY_CHECK xy_status muc_affiliated(struct xy_room *room, enum xy_affiliation which,
                                              struct affiliated **list, size_t *count);
/* Whose nick it is, by registration. XY_ABSENT: nobody's. */
XY_SUSPENDS XY_CHECK xy_status muc_nick_owner(struct xy_room *room, struct xy_str nick, const struct xy_jid **bare);
/* Writes the rows in one transaction, then changes the occupants concerned in all their sessions and
 * tells everybody (muc_changed(), muc_eject(), muc_look_whether_empty()). An absent nick leaves the one
 * registered as it is, an empty one takes it away; XY_UNAFFILIATED and XY_OUTCAST take it away anyway.
 * Permission is the caller's. XY_CONFLICT: another's nick; XY_FULL: option max_affiliations. */
XY_SUSPENDS XY_CHECK xy_status muc_set_affiliations(struct muc *self, struct xy_room *room,
                                                    const struct affiliated *changes, size_t count,
                                                    const struct xy_occupant *actor);

const char *muc_affiliation_name(enum xy_affiliation affiliation); /* "none", as in stanzas */
const char *muc_role_name(enum xy_role role);
XY_CHECK xy_status muc_affiliation_parse(struct xy_str name, enum xy_affiliation *affiliation);
XY_CHECK xy_status muc_role_parse(struct xy_str name, enum xy_role *role);

/* ---- affiliation versions, XEP-0463: versions.c ------------------------------------------------------------ */
/* Before any presence goes to a newcomer whose <x xmlns='…muc'/> was `x` (may be NULL). */
XY_SUSPENDS void muc_show_affiliations(struct muc *self, struct xy_occupant *newcomer, const struct xy_node *x);
/* Adds what belongs into the <x xmlns='…muc#user'/> of a newcomer's own presence (110). */
void muc_add_version(struct xy_occupant *newcomer, struct xy_node *x);
/* Adds what belongs into the <x/> of what tells of a changed affiliation: muc_changed(), muc_eject(). It
 * does nothing unless muc_set_affiliations() is telling. */
void muc_add_change(struct xy_room *room, struct xy_node *x);
/* Tells those who may know it of the affiliation of somebody who is not there (10.3 and others). */
void muc_tell_affiliation(struct xy_room *room, enum xy_affiliation from, const struct affiliated *is);

/* ---- who is there: occupants.c ---------------------------------------------------------------------- */
struct person { /* note "muc.person" of an occupant */
    enum xy_affiliation affiliation;
    enum xy_role role;
    int64_t joined_ms, spoke_ms; /* wall clock */
    int64_t number;              /* rises with every presence: which of a nick's sessions is the newest */
    bool silent;                 /* its presence is shown to nobody: role not in settings.present */
    bool shown;                  /* of the sessions of a nick, the one whose presence others see */
    bool sees;                   /* real JIDs, as its presence list was made */
};
struct person *muc_person(struct xy_occupant *occupant);
struct xy_str muc_occupant_id(const struct muc *self, const struct xy_room *room, const struct xy_jid *who); /* XEP-0421 */
struct xy_str muc_occupant_id_at(const struct muc *self, const struct xy_jid *room, const struct xy_jid *who);
bool muc_sees_jids(struct xy_room *room, const struct xy_occupant *viewer); /* of other occupants */
enum xy_role muc_default_role(struct xy_room *room, enum xy_affiliation affiliation);
/* Role or affiliation in muc_person() of every occupant of that nick has changed: tells everybody
 * (8.4, 8.5, 9.x). `actor` and reason may be absent. */
void muc_changed(struct muc *self, struct xy_occupant *occupant, const struct xy_occupant *actor, struct xy_str reason);
/* The settings have changed: whose presence is shown, and who sees real JIDs. Tells those concerned;
 * throwing out is the caller's, and roles stay as they are. */
void muc_review(struct muc *self, struct xy_room *room);
/* The hats of that bare JID have changed (table muc_hat, XEP-0317). Inside. hats.c */
XY_SUSPENDS void muc_hats_changed(struct muc *self, struct xy_room *room, const struct xy_jid *who);
/* Out, with the status codes given (0-terminated: 307 kick, 301 ban, 321, 322, 332, 333 …). All of that
 * nick go. `destroy` non-NULL is put into <x/>. The handle is void afterwards. */
void muc_eject(struct muc *self, struct xy_occupant *occupant, const int *codes, const struct xy_occupant *actor,
               struct xy_str reason, const struct xy_node *destroy);
/* Last one out: a room that is not persistent is destroyed. At the end of everything that removes
 * occupants, inside. */
XY_SUSPENDS void muc_look_whether_empty(struct muc *self, struct xy_room *room);

/* ---- the door: join.c, presence.c (7.1, 7.2, 7.6, 7.7, 7.14) ------------------------------------------ */
XY_SUSPENDS void muc_presence(struct muc *self, const struct xy_stanza *presence);
/* An error came back from an occupant's real JID: true if it meant that the occupant is gone, who is put out
 * (333). ghosts.c; of messages asked by muc_take_error(). */
XY_SUSPENDS bool muc_bounced(struct muc *self, const struct xy_stanza *error);
/* ---- the subject: subject.c ---------------------------------------------------------------------------- */
/* As its row has it. Inside. */
XY_SUSPENDS XY_CHECK xy_status muc_read_subject(struct xy_room *room);
/* The same; if it is gone, those who are there are told. */
XY_SUSPENDS XY_CHECK xy_status muc_refresh_subject(struct xy_room *room);
/* From the texts, where a former release has it, to a row of its own. Inside. */
XY_SUSPENDS XY_CHECK xy_status muc_adopt_subject(struct xy_room *room);
/* Rooms whose subject may be gone look, in a moment. */
void muc_look_at_subjects(struct muc *self);
/* ---- talking: message.c and others (7.4, 7.5, 7.8, 7.9, 7.13, 8.1) ------------------------------------- */
XY_SUSPENDS void muc_message(struct muc *self, const struct xy_stanza *message);
/* ---- iq to an occupant: relay.c -------------------------------------------------------------------------- */
XY_SUSPENDS void muc_relay(struct muc *self, const struct xy_stanza *iq);
/* A presence to the service itself (XEP-0437): activity.c. */
XY_SUSPENDS void muc_watch(struct muc *self, const struct xy_stanza *presence);
extern const struct xy_statement muc_sql_members, muc_sql_mark, muc_sql_unmark, muc_sql_behind; /* members.c */
/* Sends what a newcomer is shown: history (as asked for in its <x/>, `wanted` may be NULL), then the
 * subject, always. Inside, after the occupant's own presence. */
XY_SUSPENDS void muc_show_past(struct muc *self, struct xy_occupant *newcomer, const struct xy_node *wanted);
/* A message from the room itself (status codes 104, 170–173 …, to all; 0-terminated). Not archived. */
void muc_tell_config_changed(struct muc *self, struct xy_room *room, const int *codes);
/* May that occupant send now (options messages, presences, queries, slow mode)? Else it has been answered, if
 * that can be. */
bool muc_may_send(struct muc *self, struct xy_occupant *occupant, const struct xy_stanza *stanza);

/* ---- iq to rooms and the service: each in its file ------------------------------------------------------- */
xy_status muc_on_admin(XY_SELF, struct xy_iq *iq);      /* admin.c, get and set */
xy_status muc_on_owner(XY_SELF, struct xy_iq *iq);      /* owner.c, get and set */
xy_status muc_on_register(XY_SELF, struct xy_iq *iq);   /* register.c */
xy_status muc_on_disco_info(XY_SELF, struct xy_iq *iq); /* disco.c; room and service */
xy_status muc_on_disco_items(XY_SELF, struct xy_iq *iq);
xy_status muc_on_vcard(XY_SELF, struct xy_iq *iq);      /* avatar.c, get and set */
xy_status muc_on_search(XY_SELF, struct xy_iq *iq);     /* search.c (XEP-0433) */
xy_status muc_on_command(XY_SELF, struct xy_iq *iq);    /* adhoc.c (XEP-0050), of a room */
/* The muc#roominfo form (15.3) as `asker` may see it, for disco#info. */
XY_SUSPENDS XY_CHECK xy_status muc_add_room_info(struct muc *self, struct xy_room *room,
                                                 const struct xy_jid *asker, struct xy_node *query);

/* ---- avatar.c (XEP-0486) --------------------------------------------------------------------------------- */
/* The room's own presence, if it has an avatar: to a newcomer, before his own. */
void muc_show_avatar(struct xy_occupant *newcomer);

/* ---- settings by name: settings.c -------------------------------------------------------------------------- */
/* For forms, storage, default_config and commands; made from settings.h. */
struct setting {
    const char *var;    /* "muc#roomconfig_persistentroom" */
    const char *also;   /* other form variables with that meaning, space-separated; NULL: none */
    const char *option; /* "persistent": in default_config, in xylemctl and in the database */
    const char *label;
    enum { SETTING_BOOL, SETTING_INT, SETTING_SECONDS, SETTING_CHOICE, SETTING_ROLES, SETTING_TEXT } kind;
    size_t offset;         /* in struct settings; of SETTING_TEXT: enum text */
    size_t default_offset; /* in struct defaults */
    const char *choices;   /* "moderators|anyone" in the order of the enum */
    int64_t min, max;      /* of a text: bytes */
};
extern const struct setting muc_settings_table[];
extern const size_t muc_settings_count;
/* By the name in .option; NULL: there is none. */
const struct setting *muc_setting(struct xy_str option);
void muc_default_settings(const struct muc *self, struct settings *settings);
/* One value as text ("on", "25", "moderators", "moderator participant"), and back: on XY_INVALID *error is
 * a sentence in the fiber's memory. Not for SETTING_TEXT. */
struct xy_str muc_setting_text(const struct setting *setting, const struct settings *settings);
XY_CHECK xy_status muc_setting_parse(const struct setting *setting, struct xy_str text, struct settings *settings,
                                     struct xy_str *error);
/* Takes settings and texts into use in a room, as a submitted form or a command does: checked against the
 * service's limits, stored, told to the occupants, enforced on them. XY_INVALID: *error as above. */
struct configuration {
    struct settings settings;
    struct xy_str texts[TEXTS];
};
void muc_configuration(struct xy_room *room, struct configuration *now); /* as it stands */
XY_SUSPENDS XY_CHECK xy_status muc_configure(struct muc *self, struct xy_room *room, const struct configuration *wanted,
                                             const struct xy_occupant *actor, struct xy_str *error);

/* ---- tables: options.c defines them without a size, so the compiler compares the counts ---------------------- */
#define MUC_ONE(...) +1
enum { MUC_OPTIONS = 17 MUC_SETTINGS(MUC_NO_FIELD, MUC_ONE, MUC_ONE, MUC_ONE, MUC_ONE, MUC_ONE), MUC_MIGRATIONS = 3 };
extern const struct xy_option muc_options[MUC_OPTIONS];
void muc_check_options(const struct muc *self, struct xy_diagnostics *to);
extern const struct xy_migration muc_schema[MUC_MIGRATIONS];
/* Statements, metrics, features, commands and hooks are rows of module.c: each adds its own, and declares
 * here what they name. */

/* ---- handlers of hooks, each in its file ------------------------------------------------------------------- */
xy_status muc_on_access(XY_SELF, const struct xy_jid *room, const struct xy_jid *who,
                        struct xy_muc_access *access); /* affiliations.c */
xy_status muc_on_affiliates(XY_SELF, const struct xy_jid *room, struct xy_rows **rows); /* affiliations.c */
xy_status muc_on_archived(XY_SELF, struct xy_room *room, bool *archived); /* archived.c */
void muc_on_removing(XY_SELF, xy_message_id id, struct xy_txn *txn); /* subject.c */
void muc_on_removed(XY_SELF, const struct xy_message_record *removed);    /* subject.c */
void muc_on_stopping(XY_SELF, const char *reason); /* leave.c */
void muc_unwatch(XY_SELF, struct xy_session *session); /* activity.c */
void muc_hand_over(XY_SELF, struct xy_handover *to);   /* handover.c */
void muc_adopt(XY_SELF, struct xy_handover *from);
void muc_talk_stop(XY_SELF);
xy_verdict muc_list_service(XY_SELF, struct xy_host *at, struct xy_user *user, const struct xy_jid *asker,
                            struct xy_str node, struct xy_node *query); /* disco.c */
void muc_on_account_deleted(XY_SELF, const struct xy_jid *bare, xy_owner owner); /* affiliations.c */
void muc_on_lost(XY_SELF, const struct xy_jid *room, const struct xy_jid *real); /* ghosts.c */

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Taking back what was said (requirements S0, S1). Six words, used everywhere: *retract* (its
 * author), *moderate* (a group's moderator), *remove* (an administrator), *expire* (retention),
 * *purge* (content destroyed), *erase* (a person's data).
 *
 * The state is on the message's row and every reader applies it, so what is removed once is removed
 * from every archive, queue and history. Its content is sealed, for privileged reads only, until it is
 * purged; evidence (evidence.h) stays. A message under a legal hold keeps its content and looks as if
 * it had none.
 */
#ifndef XYLEM_REMOVAL_H
#define XYLEM_REMOVAL_H

#include <xylem/message.h>
#include <xylem/sql.h>

enum xy_message_state { XY_MESSAGE_LIVE, XY_MESSAGE_RETRACTED, XY_MESSAGE_MODERATED, XY_MESSAGE_REMOVED, XY_MESSAGE_EXPIRED };
/* By the path a message took in (S0-23, S0-24); nobody can set it. */
enum xy_message_class {
    XY_USER_MESSAGE,    /* a session of a person */
    XY_ADMIN_NOTICE,    /* the administrator, to everybody */
    XY_NEWS,
    XY_SERVICE_MESSAGE, /* a session of a bot */
    XY_INTEGRATION_MESSAGE,
};
XY_API struct xy_str xy_message_class_name(enum xy_message_class class);
XY_API struct xy_str xy_message_state_name(enum xy_message_state state);
enum xy_session_class { XY_INTERACTIVE, XY_BOT, XY_INTEGRATION, XY_COMPONENT, XY_API_CALL };
/* Decided from authenticated facts: what its account is (S0-25). */
XY_API enum xy_session_class xy_session_class(const struct xy_session *session);

/* ---- asking to take something back (XEP-0424) ---------------------------------------------------- */
#define XY_NS_REMOVAL "urn:xylem:removal:0" /* conditions of refusals */
enum xy_retraction {     /* hook retraction_asked */
    XY_RETRACTION_OFF,   /* nobody has said that it may: refused */
    XY_RETRACTION_ALLOWED,
    XY_RETRACTION_REFUSED, /* and the sender has been told why */
};
/* Answers with an error and the condition `why` of XY_NS_REMOVAL. */
XY_API void xy_retraction_refuse(const struct xy_stanza *message, xy_condition condition,
                                 const char *why, struct xy_str text);

/* What becomes of removed content of a class where no option says it (top-level keys `governance`,
 * `governance_by_class`). */
enum xy_governance {
    XY_EVIDENTIAL, /* sealed for ever */
    XY_HYGIENIC,   /* purged after seven days */
    XY_MINIMAL,    /* purged at once */
};
XY_API enum xy_governance xy_governance(enum xy_message_class class);
XY_API int64_t xy_governance_purge_ms(enum xy_message_class class); /* its delay; XY_NONE: never */
/* When the content of what is removed now is due to go, by the wall clock: as the preset says, or after
 * `delay_ms`. XY_NONE: never. */
XY_API int64_t xy_purge_at(enum xy_message_class class, bool by_preset, int64_t delay_ms);

/* ---- looking ----------------------------------------------------------------------------------- */
struct xy_message_record { /* all but its content */
    xy_message_id id;
    int64_t at_ms;                   /* received, by the server's clock */
    const struct xy_jid *author;     /* bare, the real one */
    const struct xy_jid *addressee;  /* bare: an account or a room */
    const struct xy_jid *from;       /* as readers see it: a full JID, or room/nick */
    enum xy_message_class class;
    enum xy_message_state state;
    struct xy_str type, client_id;   /* of the stanza */
    struct xy_str occupant_id;       /* XEP-0421, of a room's */
    bool is_subject;                 /* it sets the subject of a room, which the room tells on */
    bool is_notice;                  /* it takes another one back: those who are away must get it */
    bool in_senders_archive, in_recipients_archive; /* a room is a recipient */
    struct xy_str senders_stanza_id, recipients_stanza_id; /* XEP-0359, in the archives that have it */
    /* of one that is not live (XY_MESSAGE_EXPIRED: see xy_message_expire()) */
    struct xy_str operation, by, reason, notice_id;
    struct xy_str actor; /* who really did it: bare JID, or an administrator's name; not for
                            readers. Absent: a former release's, or he was erased */
    int64_t removed_ms, purge_ms;    /* purge_ms XY_NONE: never */
    bool purged, held;
    bool only_held;                  /* no archive, no queue has it: for users it is not there */
};
/* XY_ABSENT: there is no such row (any more). */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_message_look(xy_message_id id, struct xy_message_record *record);
/* Many at once: those of `ids` that are there, each once, in any order. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_messages_look(const xy_message_id *ids, size_t count,
                                                       struct xy_message_record **records,
                                                       size_t *found);
/* The messages by `author` to `addressee` (both bare) that bear that `id` attribute, of those accepted
 * since `since_ms`, in no order: clients give an id again when they send again. XY_ABSENT: none. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_message_find(const struct xy_jid *author,
                                                      const struct xy_jid *addressee,
                                                      struct xy_str client_id, int64_t since_ms,
                                                      xy_message_id **ids, size_t *count);
/* What a message corrects (XEP-0308), reacts to (XEP-0444): what it goes with when that is taken back.
 * Absent also where it says something of its own beside a reaction, and for a notice, which stays:
 * devices that were away learn of a removal by it. */
XY_API struct xy_str xy_stanza_corrects(const struct xy_stanza *message);
XY_API struct xy_str xy_stanza_reacts_to(const struct xy_stanza *message);
XY_API bool xy_stanza_is_notice(const struct xy_stanza *message); /* XEP-0424, any version */
/* Whose message it is: the host of its addressee or his room, else of its author. NULL: of none here. */
XY_API struct xy_host *xy_message_host(const struct xy_message_record *record);
/* What goes with it: corrections by its author, reactions to it by anybody, archived or waiting. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_message_followers(const struct xy_message_record *record,
                                                           xy_message_id **ids, size_t *count);

/* An account's devices. Columns: device, last_seen (ms), waits (1: the message waits for it). A device 0
 * never seen: it waits for whoever comes first. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_message_devices(xy_message_id id, xy_owner owner,
                                                         struct xy_rows **rows);

/* ---- acting -------------------------------------------------------------------------------------- */
struct xy_removal {
    xy_message_id message;
    enum xy_message_state state; /* not XY_MESSAGE_LIVE */
    struct xy_str operation;
    struct xy_str actor;     /* who does it, as in struct xy_message_record */
    struct xy_str by;        /* whom readers are told: room/nick of a moderator …; may be absent */
    struct xy_str reason;    /* for readers; may be absent */
    struct xy_str notice_id; /* `id` of the stanza that tells of it */
    int64_t purge_ms;        /* wall clock; XY_NONE: never */
};
/* Adds it to a transaction, which answers XY_CONFLICT and does nothing if the message is not live. Fires
 * message_removing. */
XY_API void xy_removal_add(struct xy_txn *txn, const struct xy_removal *removal);
/* After the commit: what waits to be sent of them is not sent any more. Fires message_removed for each,
 * on every host, with what the store says of them then. */
XY_API XY_SUSPENDS void xy_removal_apply(const xy_message_id *ids, size_t count);
/* The same where the caller knows it. */
XY_API void xy_removal_tell(const struct xy_message_record *records, size_t count);
/* Lately, so what was read of it before must not be shown: read again. */
XY_API bool xy_message_was_removed(xy_message_id id);
/* Begins to destroy the content of what is due and not held, at most `most`: a transaction to which the
 * caller adds its record and which it commits. XY_CONFLICT then: one of them is held by now, nothing
 * is done. *txn NULL: nothing is due. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_purge_prepare(int64_t now_ms, int64_t most,
                                                       struct xy_txn **txn, xy_message_id **ids,
                                                       size_t *count);

/* What must not be (S1-19), a former fault's or somebody's who changed rows by hand. */
enum xy_removal_flaw {
    XY_FLAW_UNMARKED,   /* known to be removed, shown as live */
    XY_FLAW_WAITING,    /* removed, waits for a device */
    XY_FLAW_UNPURGED,   /* purged, has content */
    XY_FLAW_OVERDUE,    /* due to be purged and not held: xy_purge_prepare() */
    XY_FLAW_UNRECORDED, /* marked, nobody knows why: xy_scope_read, then look: no operation */
};
/* Those behind *after, at most `most` are looked at; *after 0: that was all. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_removal_flaws(enum xy_removal_flaw flaw, xy_message_id *after,
                                                       int64_t most, xy_message_id **ids, size_t *count);
/* `operation` and `purge_ms`: of one that is unrecorded. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_removal_mend(struct xy_txn *txn, enum xy_removal_flaw flaw,
                                                      xy_message_id id, struct xy_str operation,
                                                      int64_t purge_ms);

/* When what `person` wrote or got (bare; NULL: anybody), from or to `other`, is purged next, and how many
 * wait for that; *next_ms XY_NONE: nothing does. Without what is held. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_purge_next(const struct xy_jid *person,
                                                    const struct xy_jid *other, int64_t *next_ms,
                                                    int64_t *count);
/* After what was destroyed has been committed: its bytes leave the files of an embedded database.
 * XY_TIMEOUT: somebody reads there; try again. On PostgreSQL nothing happens: docs/retraction.md. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_store_scrub(void);

/* ---- walking through all of them ------------------------------------------------------------------ */
struct xy_message_scope { /* what is NULL, 0 or absent is anything */
    const struct xy_jid *person; /* bare: who really wrote it, or got it himself */
    const struct xy_jid *with;   /* bare: the other one */
    const struct xy_jid *room;   /* bare: said there, or through it to one alone */
    xy_message_id after, before; /* exclusive */
    struct xy_str keyword;       /* in its body, whatever the case */
};
struct xy_message_found {
    xy_message_id id;
    struct xy_str author, addressee; /* bare JIDs; the fiber's */
    enum xy_message_class class;
    enum xy_message_state state;
    bool archived, waits; /* some archive, some queue has it */
    bool held, purged;
    int64_t holds;        /* how many hold it */
    int64_t purge_ms;     /* XY_NONE: never */
};
/* Looks at the next `most` messages of any state and finds those in scope, by id. *through: go on behind
 * it; 0: these were the last. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_scope_read(const struct xy_message_scope *scope,
                                                      int64_t most, struct xy_message_found **at,
                                                      size_t *count, xy_message_id *through);
/* Adds to `txn` that they leave all archives and queues, and that their content goes unless it is held.
 * No row says so afterwards, so *records has what there is to say of them, of state XY_MESSAGE_EXPIRED:
 * fill in operation, actor and reason, commit, then xy_removal_tell(). */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_message_expire(struct xy_txn *txn,
                                                        const struct xy_message_found *at,
                                                        size_t count,
                                                        struct xy_message_record **records,
                                                        size_t *found);

/* ---- what archives no longer show (S1-15) ---------------------------------------------------------- */
/* Each archive has a list of what was retracted, moderated, removed or expired of what it showed, in the
 * order of commits, numbered upwards over all archives; a message may be there more than once. What an
 * archive's own limits take from its old end is not in it. */
struct xy_withdrawn {
    int64_t seq; /* 1 … */
    xy_message_id id;
    enum xy_message_state state;
    int64_t at_ms;
    struct xy_str notice_id; /* of the stanza that told of it; may be absent */
};
struct xy_withdrawn_page {
    struct xy_withdrawn *at;
    size_t count;
    bool more;
    int64_t first, last; /* over all archives: the oldest number that is still there; the newest, or one
                            newer than which nothing is missing here. Both 0: there never was any */
};
/* Those behind `after`, oldest first, at most `limit`. Nothing is missing between two pages, the second
 * of which begins where the first ended: at its last row if there are more, at `last` else. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_withdrawn_read(xy_owner owner, int64_t after, int64_t limit,
                                                        struct xy_withdrawn_page *page);
/* Forgets what is older, of all archives, at most `most`, but never the newest. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_withdrawn_trim(int64_t before_ms, int64_t most,
                                                        int64_t *trimmed);
/* Adds that the salts of evidence of what `author` wrote are destroyed, of the next `most` messages
 * between two ids, exclusive, with his name, that of whom others wrote to, that of who took something
 * back, and the logins of that time; what is under a hold stays, and is counted. *through
 * as above. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_evidence_forget(struct xy_txn *txn,
                                                         const struct xy_jid *author,
                                                         xy_message_id after, xy_message_id before,
                                                         int64_t most, xy_message_id *through,
                                                         int64_t *forgotten,
                                                         int64_t *held);

/* ---- holds ------------------------------------------------------------------------------------------ */
/* A held message keeps its row and its content, whatever else becomes of it; any number of holds. */
XY_API void xy_hold_add(struct xy_txn *txn, const struct xy_message_found *at, size_t count,
                        int64_t hold);
/* From message_committing: adds it if it is in scope. Does not suspend. */
XY_API void xy_hold_consider(struct xy_txn *txn, int64_t hold, const struct xy_message_scope *scope,
                             const struct xy_stanza *message, xy_message_id id);
/* The messages of a hold behind `after`, by id, at most `limit`. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_hold_read(int64_t hold, xy_message_id after, int64_t limit,
                                                   struct xy_message_found **at, size_t *count);
/* Lets go those behind `after` up to `through` that something else keeps and that are not purged before
 * `purge_ms`: destroys nothing. */
XY_API void xy_hold_thin(struct xy_txn *txn, int64_t hold, xy_message_id after,
                         xy_message_id through, int64_t purge_ms);
/* Lets go all of them; what only this hold kept is destroyed. */
XY_API void xy_hold_drop(struct xy_txn *txn, int64_t hold, xy_message_id after,
                         xy_message_id through);

/* ---- reading what is sealed --------------------------------------------------------------------------- */
/* The stanza as it came, whatever its state. The caller has recorded who reads it and why (audit.h).
 * XY_GONE: purged; XY_ABSENT. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_privileged_read(xy_message_id id, struct xy_str purpose,
                                                         struct xy_stanza **stanza);

#endif

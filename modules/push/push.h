/* SPDX-License-Identifier: MIT */
/*
 * What the files of the module push share. A registration is a row; a target is what is known of
 * one while something is to be told to its service; an account holds those of one user and lives
 * only as long as one of them waits or has been told lately.
 */
#ifndef PUSH_H
#define PUSH_H

#define XY_STATE push
#include <xylem/xylem.h>
#include <xylem/muc.h>

#define NS_RETRACT "urn:xmpp:message-retract:1"

enum content { CONTENT_NONE, CONTENT_COUNT, CONTENT_SENDER, CONTENT_BODY };

struct push {
    const xy_choice content;
    const xy_duration interval, patience, give_up;
    const int64_t registrations;
    xy_counter sent, accepted, failed, deregistered;
    struct xy_map *accounts; /* owner -> struct account */
    bool ticking;
    struct xy_str adopted; /* accounts whose services had to be told, each followed by LF */
    bool waking;
};

/* A client lost its connection. */
struct departure {
    struct departure *next;
    int64_t device;
    struct xy_str resource;
    bool owed, call; /* it has not acknowledged what is worth it; a call */
};

struct account {
    xy_owner owner;
    struct xy_str jid;
    struct target *first;
    struct xy_strand *strand; /* attend() */
    unsigned users;           /* tasks and handlers that have it in hand */
    unsigned stale;           /* grows with every change of its rows */
    int64_t used_ms;          /* monotonic */
    bool loaded, gone;
    bool posted;              /* attend() is queued */
    bool fresh, urgent;       /* a message came; a call */
    bool late;                /* it came, or came again, when a client had left */
    bool mentioned;           /* it is from a room and speaks of its user */
    struct departure *left;   /* since services were last considered */
    struct xy_str sender, body; /* of the newest message, as far as `content` wants them */
    xy_message_id said;         /* that message; 0: one of a room */
};

struct target {
    struct target *next;
    struct account *account;
    struct xy_strand *strand; /* notify() */
    struct xy_str service, node, options, resource;
    int64_t device, enabled_ms, failing_ms; /* wall clock; 0: it does not fail */
    /* monotonic; XY_NONE: never */
    int64_t sent_ms, called_ms, not_before_ms, look_ms;
    int64_t backoff_ms;
    bool due, urgent; /* its service is to be told; of a call */
    bool busy, gone;  /* notify() has it in hand; the registration is no more */
};

/* ---- account.c ------------------------------------------------------------------------------- */
/* NULL: known to have no registrations. Else it is the caller's until push_release(). */
struct account *push_hold(struct push *self, struct xy_user *user);
void push_release(struct push *self, struct account *account);
XY_SUSPENDS XY_CHECK xy_status push_load(struct push *self, struct account *account,
                                         struct xy_user *user);
/* The rows of `user` have changed. */
void push_changed(struct push *self, struct xy_user *user);
void push_forget(struct push *self, xy_owner owner);
void push_note_departure(struct push *self, struct account *account,
                         const struct xy_session *session, bool owed, bool call);
void push_forget_departures(struct push *self, struct account *account);
void push_free_target(struct push *self, struct target *target);
/* `id` 0: said in a room. */
void push_note_words(struct push *self, struct account *account, xy_message_id id,
                     const struct xy_stanza *message);
/* It was taken back: no notification repeats its words. */
void push_removed(XY_SELF, const struct xy_message_record *removed);

/* ---- weigh.c: what a client is woken for ----------------------------------------------------- */
enum weight { UNIMPORTANT, IMPORTANT, CALL };
enum weight push_weigh(const struct xy_stanza *message);
struct unacknowledged {
    unsigned count;
    bool call;
    int64_t oldest_ms; /* wall clock */
};
/* Adds what is worth it of what `session` was sent and is stored. */
void push_count_unacknowledged(const struct xy_session *session, struct unacknowledged *found);

/* ---- attend.c: whether and when a service is told -------------------------------------------- */
void push_attend(struct push *self, struct account *account);
void push_tick(struct push *self);
void push_delivering(XY_SELF, struct xy_delivery *delivery);
void push_unread(XY_SELF, struct xy_user *member, const struct xy_jid *room,
                 const struct xy_stanza *message, bool mentioned);
void push_left(XY_SELF, struct xy_session *session);
void push_ending(XY_SELF, struct xy_session *session);

/* ---- notify.c: telling it -------------------------------------------------------------------- */
void push_notify(void *instance, void *target);

/* ---- rows.c: registrations ------------------------------------------------------------------- */
extern const struct xy_migration push_schema[1];
extern const struct xy_statement *const push_statements[];
enum { PUSH_STATEMENTS = 5 };
struct registration {
    struct xy_str service, node, options, resource;
    int64_t device, enabled_ms, failing_ms;
};
XY_SUSPENDS XY_CHECK xy_status push_read(xy_owner owner, struct registration **all,
                                         size_t *count); /* the one enabled last comes first */
/* Adds or replaces it; the oldest beyond the limit go. */
XY_SUSPENDS XY_CHECK xy_status push_add(struct push *self, struct xy_user *user,
                                        const struct registration *added);
/* `node` NULL: all of that service. */
XY_SUSPENDS XY_CHECK xy_status push_remove(struct push *self, struct xy_user *user,
                                           struct xy_str service, const struct xy_str *node,
                                           const char *reason, int64_t *removed);
XY_SUSPENDS XY_CHECK xy_status push_set_failing(xy_owner owner, const struct target *target);
XY_SUSPENDS XY_CHECK xy_status push_remove_all(xy_owner owner);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What is on its way to a session, and what came from it and is not yet accounted for. Logic
 * thread only.
 *
 * Invariants: items leave in the order they were put; an item of a stored message leaves after
 * its commit; an item whose loss matters stays in `sent` until it is acknowledged.
 */
#ifndef XYI_OUTBOX_H
#define XYI_OUTBOX_H

#include "core/route/route_internal.h"

/* A stored message between its submission and the moment everybody has been told. */
struct parcel {
    struct parcel *next_done, *next_from;
    struct parcel *next_together; /* committed with it */
    const struct xy_stanza *message; /* as it came, for an error */
    struct xy_user *user;            /* the recipient; NULL: a room */
    struct xy_room *room;
    struct xy_user *sender;  /* a user of ours, or NULL */
    struct xy_session *from; /* whose stanza it was, while that session is open */
    xy_message_id id;
    struct xyi_login *login; /* whose row is written with it, or NULL */
    uint32_t number;         /* of the stanza among those from that session */
    unsigned refs;
    xy_status status;
    bool durable, failed, handled;
    bool silent; /* nobody is told of its failure */
};
struct parcel *xyi_parcel_keep(struct parcel *parcel);
void xyi_parcel_drop(struct parcel *parcel);

enum item_kind {
    ITEM_PLAIN,   /* matters to its session only */
    ITEM_MESSAGE, /* must reach somebody */
    ITEM_COPY,    /* of a message that others got; `queued`: and its device waits for, which it
                     need not any more when it has acknowledged the copy */
    ITEM_PASSES,  /* not a stanza: when everything before is acknowledged, `ids` are received */
};

/* Of a message nobody keeps that several sessions were given: the last of them to end without
 * having acknowledged it passes it on, unless one has. */
struct share {
    unsigned refs;
    bool received;
};

struct item {
    struct item *next;
    const struct xy_stanza *stanza; /* NULL: only its id is in memory */
    struct parcel *parcel;          /* NULL: nothing to wait for */
    xy_message_id message;          /* 0: not stored */
    struct share *share;            /* NULL: its only one, or kept */
    struct xyi_login *login;        /* it came from, if that has no row and nothing stores it */
    xy_message_id *ids;             /* ITEM_PASSES */
    unsigned count;
    enum item_kind kind;
    xy_message_id content; /* the stored message whose words it bears; 0: none's */
    xy_owner room;  /* whose archive shows it; 0: no room's */
    bool addressed; /* it is for many: `to` is the session's when it is written */
    bool alone;     /* it was given to this session and no other */
    bool queued;    /* it waits for the session's device until acknowledged */
    bool archived;  /* some archive shows it */
    bool stamped;   /* the archive of the session's account does: it bears a stanza-id */
};

/* Somebody waits for its acknowledgement. */
static inline bool
xyi_item_matters(const struct item *item)
{
    return item->kind == ITEM_MESSAGE || item->kind == ITEM_PASSES || item->queued;
}

/* Its recipient finds it in the store, whatever becomes of the session: not one that only its
 * sender's archive shows. */
static inline bool
xyi_item_is_kept(const struct item *item)
{
    return item->message && (item->queued || item->stamped || item->room);
}

struct items {
    struct item *first, **last;
    size_t count;
};

struct outbox {
    struct items waiting;   /* not sent yet */
    struct items held;      /* due, but held back (client state) */
    struct items sent;      /* sent and unacknowledged */
    struct xyi_timer grace; /* of a session that acknowledges: the next request */
    const struct xy_stanza
        *request;           /* asks for an acknowledgement; NULL: nobody acknowledges */
    struct item *spilled;   /* the last of `sent` whose stanza was let go, or NULL */
    size_t in_memory, most; /* stanzas in `sent` */
    uint64_t put, marked, confirmed,
        ripe;                    /* counts of items ever put into `sent`: outbox_marks.c */
    struct xyi_wait *confirming; /* a fiber waits until `confirmed` reaches `put` as it was */
    uint64_t confirming_put;
    uint32_t out, acknowledged; /* XEP-0198's counters */
    uint32_t asked_out;         /* `out` at the last request */
    int64_t ask_again_ms;       /* doubles while the client acknowledges nothing new */
    unsigned blocked;           /* messages wait: what waited before is handed over first */
    unsigned marks;             /* on their way */
    size_t window; /* bytes sent since the peer's kernel was last known to keep up */
    bool retained, asked, watched, binding, resumed;
    bool full;     /* the window is: nothing is sent before `confirmed` reaches window_put */
    bool lossy;    /* there was no room for something it would miss: it cannot be resumed */
    bool overflow; /* stored messages were left in the store */
    bool wanted;   /* somebody resumes it while its stream still logs in */
    bool reading;  /* a fiber goes through `sent` and `waiting`: items stay where they are */
    bool leaves;   /* xyi_outbox_leave() meanwhile */
    uint64_t window_put;
    uint64_t uncounted; /* of `put`: sent before the client began to count */
};

struct inbox {
    struct parcel *first, **last; /* of this session's stanzas, in order, not yet handled */
    uint32_t count;               /* stanzas whose handler has returned */
    const struct xy_stanza *handling; /* the one whose handler runs, by address; NULL: none */
    uint32_t wanted;              /* xy_session_when_handled() asked for this many */
    struct settling *settling;    /* fibers in xy_session_settle() */
    bool asked;
};

void xyi_outbox_init(struct xy_session *session);
/* Takes references on the stanza and the parcel. false: there is no room for what is of no
 * consequence. Where there is none for a stored message, it is read from the store later. */
bool xyi_outbox_put(struct xy_session *session, const struct item *item);
/* Past what waits: for the queue's messages, which are older than what waits. */
void xyi_outbox_pass(struct xy_session *session, const struct item *item);
void xyi_outbox_pump(struct xy_session *session); /* sends what may be sent */
/* What waits for the session's device stays in the store until all before it is sent. */
void xyi_outbox_leave(struct xy_session *session);
void xyi_outbox_block(struct xy_session *session);
void xyi_outbox_unblock(struct xy_session *session);
/* The peer's kernel has all up to that number. */
void xyi_outbox_confirmed(struct xy_session *session, uint64_t number);
/* The client said goodbye: what its kernel has, it has. */
void xyi_outbox_goodbye(struct xy_session *session);
void xyi_outbox_detached(struct xy_session *session);
/* The session has ended: everything left goes its way. */
XY_SUSPENDS void xyi_outbox_end(struct xy_session *session);
/* Sorted ids of stored messages on their way to sessions of that device; the fiber's memory. */
size_t xyi_outbox_in_flight(const struct xy_user *user, int64_t device, xy_message_id **ids);
bool xyi_in_flight(const xy_message_id *ids, size_t count, xy_message_id id);
extern int64_t xyi_grace_ms;

/* Nothing of that message is sent any more. */
void xyi_outbox_forget(struct xy_session *session, xy_message_id id);
/* Returns when the peer's kernel has all that was sent, or there is no connection any more. */
XY_SUSPENDS void xyi_outbox_drained(struct xy_session *session);
void xyi_outbox_cut_off(struct xy_session *session); /* its connection has gone */

/* ---- inside the outbox ---- */
void xyi_items_init(struct items *items);
void xyi_items_append(struct items *items, struct item *item);
void xyi_items_append_all(struct items *to, struct items *from); /* `from` is empty then */
struct item *xyi_items_take(struct items *items);                /* the first, or NULL */
struct item *xyi_item_copy(const struct item *of); /* with references of its own */
void xyi_item_free(struct item *item);
/* As the session's client gets it; the fiber's. */
const struct xy_stanza *xyi_item_stanza(const struct xy_session *session,
                                        const struct item *item);
void xyi_share_drop(struct share *share);
void xyi_outbox_mark(struct xy_session *session);
void xyi_outbox_ask(struct xy_session *session);
void xyi_outbox_ask_later(struct xy_session *session, bool progress);
/* The first `stanzas` stanzas of `sent`, and what only waited for them, have been received. */
void xyi_outbox_receive(struct xy_session *session, uint64_t stanzas);
void xyi_outbox_receive_through(struct xy_session *session, uint64_t put);

/* ---- inbound.c ---- */
void xyi_inbox_handled(struct xy_session *session); /* a handler has returned */
void xyi_inbox_submitted(struct xy_session *session, struct parcel *parcel);
void xyi_inbox_settled(struct parcel *parcel);
void xyi_inbox_end(struct xy_session *session);

#endif

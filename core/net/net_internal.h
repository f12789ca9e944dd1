/* SPDX-License-Identifier: MIT */
/*
 * Inside the network layer. A connection is one block with two halves: the I/O side's `struct
 * conn` and what the logic thread keeps. Neither reads the other's half; they exchange mails.
 * With io_threads 0 there is one `struct io` on the logic thread's loop and mails wait in local
 * lists instead of inboxes; nothing else differs.
 */
#ifndef XYI_NET_INTERNAL_H
#define XYI_NET_INTERNAL_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <xylem/option.h>
#include "core/fiber/fiber_internal.h"
#include "core/net/parts.h"

struct sockaddr;
struct io;
struct conn;

/* ---- a connection ----------------------------------------------------------------------- */
enum stage {
    STAGE_NEW, /* the I/O side has not seen it yet */
    STAGE_HANDSHAKE,
    STAGE_OPEN,
    STAGE_CLOSING, /* output drains, input is thrown away */
    STAGE_DEAD,    /* no socket; waits for DO_FREE */
};
/* Why input is not parsed just now. */
enum hold {
    HOLD_LOGIC = 1, /* one element at a time: the logic thread has the word */
    HOLD_QUEUE = 2, /* too many unhandled stanzas */
    HOLD_RATE = 4,  /* over a rate; until resume_ms */
    HOLD_OVER = 8,  /* stream error or </stream:stream>: the logic thread closes */
};
struct conn { /* the I/O side's */
    struct event event;
    struct xyi_timer timer; /* the earliest of its deadlines, or earlier */
    struct io *io;
    struct xyi_parser *parser;
    gnutls_session_t tls;
    struct xyi_tls *certificates; /* of the session; kept until DO_FREE for the facts */
    const struct certificate *certificate;
    char *wanted; /* `to` of the header before STARTTLS, for clients without SNI */
    struct xyi_link_node in_io, in_work, in_touched, in_marked, in_linger;
    struct post pending; /* output not yet serialised: DO_SEND, DO_WRITE, DO_MARK, DO_CLOSE */
    struct post marks;
    struct xyi_out held;    /* received, not yet parsed; bounded by one recv() */
    struct xyi_out backlog; /* for the socket, which takes no more */
    uint64_t written;       /* bytes the socket took */
    uint64_t parsed;        /* stanzas handed over; see xyi_link.handled */
    struct bucket stanzas, octets;
    int64_t heard_ms, stalled_ms, handshake_ms, resume_ms, linger_us;
    int fd;
    unsigned idles; /* how often this silence was reported */
    unsigned char stage, hold;
    bool readable, writable; /* edge-triggered: what the socket last said */
    bool hung_up;            /* the peer closed its side: read on to the end */
    bool doubtful;           /* it may have: read on until nothing is there */
    bool eof;                /* and this is the end */
    bool authenticated, finishing, shut, reset;
    bool greeted; /* the first byte of TLS has come */
};

struct xyi_link {
    /* set at accept */
    struct io *io;
    struct in6_addr address;
    int tag;
    enum xyi_listen_tls listen_tls;
    char peer[INET6_ADDRSTRLEN];
    /* both sides */
    _Atomic uint64_t handled;   /* stanzas the logic thread dealt with */
    _Atomic uint64_t resume_at; /* not 0: reading is paused until `handled` is there */
    /* the logic thread's */
    void *owner;
    struct facts *facts;
    struct xyi_link_node in_all;
    bool closing;
    /* the I/O side's */
    struct conn conn;
};
static inline struct xyi_link *
xyi_link_of(struct conn *conn)
{
    return XYI_LIST_OF(conn, struct xyi_link, conn);
}

/* conn.c */
void xyi_conn_open_mail(struct xyi_mail *mail); /* DO_… */
void xyi_conn_tell(struct conn *conn, enum mail_what what);
void xyi_conn_tell_mail(struct conn *conn, struct mail *mail);
void xyi_conn_dispose(struct mail *mail); /* with what it owns */
void xyi_conn_work(struct conn *conn);    /* puts it on the list of the turn, if it can go on */
void xyi_conn_touch(struct conn *conn);   /* it has output to flush at the end of the turn */
void xyi_conn_unhold(struct conn *conn, enum hold hold);
void xyi_conn_end(struct conn *conn);    /* closes the socket, tells `ended` */
void xyi_conn_linger(struct conn *conn); /* STAGE_CLOSING: at most 2 s more */
/* deadline.c */
void xyi_conn_alarm(struct conn *conn); /* sets the timer by what is due */
void xyi_io_linger_init(struct io *io);
void xyi_io_linger_end(struct io *io);
void xyi_io_linger(struct conn *conn);
/* read.c */
void xyi_conn_parser(struct conn *conn);
void xyi_conn_limit_parser(struct conn *conn);
void xyi_conn_turn(struct conn *conn); /* one recv(), or what is held */
void xyi_conn_clear_input(struct conn *conn, const char *at, size_t len);
/* write.c */
void xyi_conn_queue(struct conn *conn, struct mail *mail);
void xyi_conn_flush(struct conn *conn);
void xyi_conn_transmit(struct conn *conn); /* io->wire to the socket or the backlog */
void xyi_conn_too_slow(struct conn *conn);
/* marks.c */
void xyi_conn_confirm(struct conn *conn); /* tells of marks that are reached by now */
void xyi_conn_mark(struct conn *conn, struct mail *mail);
void xyi_io_marks_init(struct io *io);
void xyi_io_marks_end(struct io *io);
/* secure.c */
void xyi_conn_starttls(struct conn *conn);
void xyi_conn_secure_input(struct conn *conn, const char *at, size_t len);
bool xyi_conn_encrypt(struct conn *conn, const char *at, size_t len); /* into io->wire */
void xyi_conn_bye(struct conn *conn);
void xyi_conn_not_secured(struct conn *conn, const char *why); /* counts, logs, closes */
/* link.c */
void xyi_link_open_mail(struct xyi_mail *mail); /* TELL_… */
struct xyi_link *xyi_link_new(int fd, const struct sockaddr *peer,
                              const struct xyi_listen *listen);
void xyi_links_start(const struct xyi_link_events *events);
size_t xyi_links_count(void);
void xyi_links_cut_all(void);

/* ---- I/O threads (io.c) ----------------------------------------------------------------- */
enum {
    READ_BYTES = 32 * 1024,
    READ_BYTES_BEFORE_LOGIN = 4 * 1024,
    RECORD_BYTES = 16 * 1024, /* the largest TLS record */
    SEND_BYTES = 64 * 1024,   /* gathered before a send() within a turn */
    STANZA_UNITS = 1000,      /* stanza_rate_milli counts thousandths */
    HANDSHAKE_MS = 10000,
};
struct io_counts { /* written by one thread, read by the logic thread */
    _Atomic uint64_t bytes_in, bytes_out, stanzas_in, stanzas_out, tls_failures;
};
static inline void
xyi_count_by(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by,
                          memory_order_relaxed);
}
struct io {
    struct event_base *base;
    struct xyi_inbox inbox;
    struct event *bell, *alarm;
    struct event *linger_alarm, *marks_alarm;
    struct post to_logic;
    struct post to_io; /* the logic thread's */
    struct xyi_link_node conns, work, touched, marked, lingering;
    int marks_wait_ms;
    struct {
        const char *at;
        size_t len;
    } cipher;             /* what GnuTLS pulls from: the rest of this turn's recv() */
    struct xyi_out wire;  /* for the socket at hand; empty between connections */
    struct xyi_out plain; /* the same before encryption */
    char *input, *clear;  /* READ_BYTES, RECORD_BYTES */
    struct xyi_net_limits limits;
    struct xyi_tls *tls;
    struct io_counts counts;
    pthread_t thread;
    bool threaded, stopping;
};
struct io *xyi_io_next(void); /* for a new connection */
/* Of the logic thread's loop. */
bool xyi_net_busy(void);       /* before it sleeps: local work waits; others get their mails */
void xyi_net_work(void);       /* local: reads */
size_t xyi_net_dispatch(void); /* sends mails off; local: opens them, returns how many */
void xyi_net_flush(void);      /* local: writes */

/* ---- loop.c ----------------------------------------------------------------------------- */
struct event_base *xyi_loop_base(void);
/* Waits for events of `base`, at most until the thread's next timer; `busy`: not at all. */
void xyi_loop_wait(struct event_base *base, struct event *alarm, struct xyi_inbox *inbox,
                   bool busy);
/* A turn without timers and fibers: mails and sockets only. Callable on a fiber. */
void xyi_loop_deliver(void);
struct event *xyi_loop_bell(struct event_base *base, struct xyi_inbox *inbox);
struct event *xyi_loop_alarm(struct event_base *base);

/* ---- admit.c: connections per address; logic thread ------------------------------------- */
void xyi_admit_init(void);
void xyi_admit_end(void);
void xyi_admit_limits(const struct xyi_net_limits *limits);
bool xyi_admit(const struct in6_addr *address, const char *peer);
void xyi_admit_leave(const struct in6_addr *address);
/* IPv4 as a mapped address. */
void xyi_address_of(const struct sockaddr *peer, struct in6_addr *address,
                    char text[INET6_ADDRSTRLEN]);
extern uint64_t xyi_accepted, xyi_refused;

/* ---- source.c ---------------------------------------------------------------------------- */
enum xy_source xyi_source_of(const struct in6_addr *address);

#endif

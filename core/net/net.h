/* SPDX-License-Identifier: MIT */
/*
 * Connections. An I/O thread turns bytes into frozen stanzas and back, enforces limits, speaks TLS;
 * the logic thread decides. Everything below is called on the logic thread; every callback runs
 * there too, outside any fiber. With io_threads 0 both sides share one loop, by the same path.
 */
#ifndef XYI_NET_H
#define XYI_NET_H

#include <xylem/session.h>
#include "core/xml/xml.h"

/* ---- the logic thread's loop (libevent) ---------------------------------------------------------------- */
void xyi_loop_init(void);
void xyi_loop_run(void);  /* until xyi_loop_stop(); each turn: inbox, timers, fibers, flush */
void xyi_loop_turn(void); /* one turn that may wait for events; for start-up and tests */
void xyi_loop_stop(void);
void xyi_loop_end(void);
struct xyi_watch; /* a descriptor or signal of the logic thread */
struct xyi_watch *xyi_watch_fd(int fd, bool write, void (*ready)(void *argument), void *argument);
struct xyi_watch *xyi_watch_signal(int signal, void (*ready)(void *argument), void *argument);
void xyi_watch_end(struct xyi_watch *watch);

/* ---- limits: XY_NONE switches one off ---------------------------------------------------------------------- */
struct xyi_net_limits {
    int64_t stanza_bytes_before, stanza_bytes; /* before and after login */
    int64_t depth, attributes, children;
    int64_t connections_per_address; /* IPv6: per /64 */
    int64_t connections;             /* in all */
    int64_t output_bytes;            /* queued for a slow reader, then policy-violation */
    int64_t output_stalled_ms;       /* no byte taken for so long */
    /* Per connection and second, in thousandths of a stanza; bursts in stanzas and bytes, absent: one
     * second's worth. What runs into debt is still handed over, then reading pauses. */
    int64_t stanza_rate_milli, stanza_burst;
    int64_t byte_rate, byte_burst;
    int64_t idle_ms;                 /* silence before `idle` fires, and again each time; silent_ms
                                        is a multiple of it. A connection nobody reads is not silent. */
    unsigned queued;                 /* unhandled stanzas before reading pauses, e.g. 64 */
};

/* ---- TLS: an immutable set of certificates, swapped whole -------------------------------------------------- */
/* TLS 1.2 and 1.3 with forward secrecy and AEAD only; SNI (without it the `to` before STARTTLS); ALPN
 * xmpp-client. No session tickets, 0-RTT, renegotiation. A handshake has ten seconds. */
struct xyi_tls;
struct xyi_tls_certificate {
    struct xy_str host; /* served by SNI for this prepared domain; absent: the default */
    struct xy_str certificate, key; /* paths, PEM; chain in the certificate file */
};
/* NULL on failure, with a sentence in *error (xyi_temp()) that names the file. */
struct xyi_tls *xyi_tls_new(const struct xyi_tls_certificate *certificates, size_t count, struct xy_str *error);
void xyi_tls_drop(struct xyi_tls *tls); /* reference-counted: sessions in use hold it */

/* ---- starting and changing ----------------------------------------------------------------------------------- */
struct xyi_link; /* a connection as the logic thread sees it */
struct xyi_link_events {
    void (*opened)(struct xyi_link *link);  /* accepted; set its owner here */
    void (*header)(struct xyi_link *link, const struct xyi_stream_header *header);
    void (*stanza)(struct xyi_link *link, struct xy_stanza *stanza); /* gets the one reference; answer each with xyi_link_handled() */
    void (*secured)(struct xyi_link *link); /* TLS handshake done; next comes a header */
    void (*closing)(struct xyi_link *link); /* the peer sent </stream:stream>; close in turn */
    void (*failed)(struct xyi_link *link, const char *condition, struct xy_str text); /* send this stream error and close */
    void (*idle)(struct xyi_link *link, int64_t silent_ms);
    void (*confirmed)(struct xyi_link *link, uint64_t mark); /* see xyi_link_mark() */
    void (*ended)(struct xyi_link *link);   /* the socket is gone; the last call for this link */
};
void xyi_net_start(unsigned io_threads, const struct xyi_link_events *events);
/* Takes a reference on tls (NULL: no TLS): handshakes from now on see it. Limits reach all connections. */
void xyi_net_configure(const struct xyi_net_limits *limits, struct xyi_tls *tls);
const struct xyi_net_limits *xyi_net_limits(void); /* the configured ones */
void xyi_net_stop(void); /* cuts what is left (`ended` for each), joins the threads; on a fiber or not */

enum xyi_listen_tls { XYI_TLS_NONE, XYI_TLS_STARTTLS, XYI_TLS_DIRECT };
struct xyi_listen {
    struct xy_str address; /* numeric IPv4 or IPv6; "::" takes IPv4 too */
    uint16_t port;         /* 0: any free one, see xyi_listener_port() */
    enum xyi_listen_tls tls;
    int tag;               /* the server's: which service it is for */
};
struct xyi_listener;
/* Two phases for reload: open binds and listens but accepts nothing yet. */
struct xyi_listener *xyi_listener_open(const struct xyi_listen *listen, struct xy_str *error);
void xyi_listener_accept(struct xyi_listener *listener);
/* For connections accepted from now on: an address need not be closed to serve another way. */
void xyi_listener_change(struct xyi_listener *listener, enum xyi_listen_tls tls, int tag);
void xyi_listener_close(struct xyi_listener *listener); /* established connections stay */
uint16_t xyi_listener_port(const struct xyi_listener *listener);

/* ---- one connection -------------------------------------------------------------------------------------------- */
/* Until xyi_link_authenticated() the I/O side hands over one header or element at a time and parses
 * on only after xyi_link_continue(), xyi_link_starttls() or xyi_link_restart(): nothing pipelined
 * can slip through a change of state. Anything but white space left over at starttls closes the
 * connection. */
void xyi_link_set_owner(struct xyi_link *link, void *owner);
void *xyi_link_owner(const struct xyi_link *link);
struct xy_str xyi_link_peer(const struct xyi_link *link); /* "192.0.2.1" */
bool xyi_link_is_loopback(const struct xyi_link *link);
enum xy_source xyi_link_source(const struct xyi_link *link);
int xyi_link_tag(const struct xyi_link *link);
enum xyi_listen_tls xyi_link_listen_tls(const struct xyi_link *link);
bool xyi_link_is_secure(const struct xyi_link *link);
struct xy_str xyi_link_tls_name(const struct xyi_link *link);
struct xy_str xyi_link_sni(const struct xyi_link *link);
struct xy_str xyi_link_channel_binding(const struct xyi_link *link, struct xy_str type); /* bytes */

void xyi_link_continue(struct xyi_link *link);
void xyi_link_handled(struct xyi_link *link); /* one stanza dealt with: back-pressure */
void xyi_link_starttls(struct xyi_link *link);
void xyi_link_restart(struct xyi_link *link); /* next is a stream header */
void xyi_link_authenticated(struct xyi_link *link); /* the larger limits; streaming */
void xyi_link_write(struct xyi_link *link, struct xy_str bytes); /* copied */
void xyi_link_send(struct xyi_link *link, const struct xy_stanza *stanza, const struct xy_jid *to); /* takes a reference; `to` as in xyi_stanza_write() or NULL */
/* `confirmed` fires with `mark` (rising per link) once everything written before has been
 * acknowledged by the peer's kernel (SIOCOUTQ is 0), never if the connection dies first. */
void xyi_link_mark(struct xyi_link *link, uint64_t mark);
/* Flushes, sends TLS close_notify, closes the socket (after `bytes`, which may be absent). `ended`
 * follows in any case within a few seconds; until then stanzas that were on their way still come,
 * and what is sent is dropped. */
void xyi_link_close(struct xyi_link *link, struct xy_str bytes);

struct xyi_net_counts {
    uint64_t accepted, refused, open, bytes_in, bytes_out, stanzas_in, stanzas_out, tls_failures;
};
void xyi_net_counts(struct xyi_net_counts *counts); /* sum over the threads, approximate */

#endif

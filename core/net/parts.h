/* SPDX-License-Identifier: MIT */
/*
 * What connections are put together from: bytes that wait, token buckets, mails between the
 * logic thread and the I/O side, certificates. None of it knows a connection.
 */
#ifndef XYI_NET_PARTS_H
#define XYI_NET_PARTS_H

#include <gnutls/gnutls.h>
#include "core/net/net.h"

/* Moves all of `from` to `to`, which need not be initialised. */
static inline void
xyi_list_take(struct xyi_link_node *from, struct xyi_link_node *to)
{
    xyi_list_init(to);
    if (xyi_list_empty(from))
        return;
    *to = *from;
    to->next->prev = to->prev->next = to;
    xyi_list_init(from);
}

/* ---- bytes: a string that grows and is eaten from the front (bytes.c) ------------------- */
struct xyi_out {
    char *at;
    size_t from, len, size; /* at[from … len) */
};
void xyi_out_add(struct xyi_out *out, const char *at, size_t len);
void xyi_out_eat(struct xyi_out *out, size_t len); /* frees the memory with the last byte */
void xyi_out_free(struct xyi_out *out);
static inline size_t
xyi_out_left(const struct xyi_out *out)
{
    return out->len - out->from;
}

/* ---- token bucket (bucket.c) ------------------------------------------------------------ */
struct bucket {
    int64_t tokens; /* thousandths of a unit; below zero: in debt */
    int64_t at_ms;
};
/* Takes `amount` at `rate` units per second; returns for how many ms to take nothing more. */
int64_t xyi_bucket_take(struct bucket *bucket, int64_t amount, int64_t rate, int64_t burst,
                        int64_t now_ms);

/* ---- mails (mail.c) --------------------------------------------------------------------- */
enum mail_what {
    /* logic thread to I/O side */
    DO_START,
    DO_CONTINUE,
    DO_RESUME, /* reading had paused for unhandled stanzas */
    DO_STARTTLS,
    DO_RESTART,
    DO_AUTHENTICATED,
    DO_WRITE,
    DO_SEND,
    DO_MARK,
    DO_CLOSE,
    DO_CUT,
    DO_FREE, /* answers TELL_ENDED: nothing refers to the connection any more */
    /* I/O side to logic thread */
    TELL_HEADER,
    TELL_STANZA,
    TELL_SECURED,
    TELL_CLOSING,
    TELL_FAILED,
    TELL_IDLE,
    TELL_CONFIRMED,
    TELL_ENDED,
};
struct mail {
    struct xyi_mail mail;
    struct xyi_link *link;
    enum mail_what what;
    union {
        struct {
            const struct xy_stanza *stanza;
            const struct xy_jid *to;
        };
        struct {
            char *text; /* owned */
            union {
                size_t len;
                const char *condition;
            };
        };
        struct xy_stanza *element;        /* TELL_STANZA: the one reference */
        struct xyi_stream_header *header; /* owned, one block */
        struct facts *facts;              /* owned */
        int64_t silent_ms;
        struct {
            uint64_t mark, position;
        };
    };
};
struct mail *xyi_mail_new(struct xyi_link *link, enum mail_what what); /* per-thread cache */
void xyi_mail_free(struct mail *mail);
void xyi_mail_cache_drain(void); /* of the calling thread */

struct post { /* mails of one thread for another: sent at the end of a turn or when there are
                 many */
    struct xyi_mail *first, *last;
    unsigned count;
    struct xyi_inbox *to; /* NULL: the same thread */
};
void xyi_post_add(struct post *post, struct xyi_mail *mail);
struct mail *xyi_post_pop(struct post *post); /* for a post that is merely a queue */
void xyi_post_send(struct post *post);
size_t xyi_post_open(struct post *post); /* of the same thread: opens what is there */

/* ---- certificates (tls.c) --------------------------------------------------------------- */
struct certificate {
    gnutls_certificate_credentials_t credentials;
    char *host;                  /* A-label, lower case; NULL: the default */
    unsigned char end_point[64]; /* RFC 5929 */
    size_t end_point_len;        /* 0: its signature names no hash */
};
struct xyi_tls {
    atomic_uint references;
    gnutls_priority_t priorities;
    size_t count;
    struct certificate certificates[];
};
struct xyi_tls *xyi_tls_keep(struct xyi_tls *tls); /* NULL is fine; any thread */
/* The one for that name, or the default, or the first. */
const struct certificate *xyi_tls_choose(const struct xyi_tls *tls, struct xy_str name);

/* What the logic thread learns of a finished handshake. */
struct facts {
    const struct certificate *certificate;
    char name[32]; /* "TLS1.3 AES-256-GCM" */
    bool has_exporter;
    unsigned char exporter[32];
    size_t sni_len;
    char sni[];
};

#endif

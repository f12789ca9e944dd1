/* SPDX-License-Identifier: MIT */
/*
 * Routing (RFC 6120 section 10, RFC 6121 section 8) and iq dispatch.
 */
#ifndef XYLEM_ROUTE_H
#define XYLEM_ROUTE_H

#include <xylem/hook.h>
#include <xylem/session.h>

/* Routes by `to`, exactly as if a local entity `from` had sent it; both must be set. Freezes it.
 * Errors go back to `from` as stanzas. */
XY_API XY_SUSPENDS void xy_route(struct xy_stanza *stanza);
/* A message, normal or chat, to several clients of one account of ours: it is one message, whose `to` is
 * the first of them, kept once; each client gets it under its own full JID. */
XY_API XY_SUSPENDS void xy_route_to_clients(struct xy_stanza *message, const struct xy_jid *const *clients,
                                            size_t count);
/* Messages (normal or chat) from the server itself, each to an account of ours, at least one: they are
 * stored, wait for every device and, where message_keeping says so, are archived in one transaction,
 * to which `add` adds what must not happen without them, without waiting. Delivered after the commit, whose
 * answer this is: XY_CONFLICT: nothing has happened. XY_ABSENT: an account has gone. Freezes them. */
struct xy_txn;
typedef void xy_notices_fn(void *argument, struct xy_txn *txn);
XY_API XY_SUSPENDS XY_CHECK xy_status xy_notices_send(struct xy_stanza **messages, size_t count,
                                                      xy_notices_fn *add, void *argument);
/* Sends the error reply to whoever sent `stanza`, if one may be sent. `text` may be absent. */
XY_API XY_SUSPENDS void xy_bounce(const struct xy_stanza *stanza, xy_condition condition,
                                  struct xy_str text);
/* Sends an iq get or set from one of our own JIDs and waits for the answer. XY_OK: `reply` is the
 * result or the error stanza (the fiber's); XY_TIMEOUT, XY_GONE. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_iq_request(struct xy_stanza *iq, int64_t timeout_ms,
                                                    const struct xy_stanza **reply);

/* An iq get or set that is being answered. Exactly one of reply, error or a failing return value
 * must happen; a second answer is a programming error. */
struct xy_iq;
XY_API const struct xy_stanza *xy_iq_stanza(const struct xy_iq *iq);
XY_API const struct xy_node *xy_iq_payload(const struct xy_iq *iq);
XY_API const struct xy_jid *xy_iq_from(const struct xy_iq *iq); /* full JID of the asker */
/* The asker's own session, or NULL when the asker is not a local client. */
XY_API struct xy_session *xy_iq_session(const struct xy_iq *iq);
XY_API struct xy_host *xy_iq_host(const struct xy_iq *iq); /* the host asked */
/* The account asked (an iq without `to` asks the sender's own account); NULL when the host was. */
XY_API struct xy_user *xy_iq_user(const struct xy_iq *iq);
/* The bare JID asked at a service (module.h), or its domain; NULL: none of these was asked. */
XY_API const struct xy_jid *xy_iq_place(const struct xy_iq *iq);
XY_API bool xy_iq_is_own(const struct xy_iq *iq); /* the asker asks its own account */
/* A result to fill: xy_stanza_top() is the <iq/>. Send it with xy_iq_reply(). */
XY_API struct xy_stanza *xy_iq_result(const struct xy_iq *iq);
/* NULL sends an empty result. Returns XY_OK so that handlers can end with it. */
XY_API xy_status xy_iq_reply(struct xy_iq *iq, struct xy_stanza *result);
XY_API xy_status xy_iq_error(struct xy_iq *iq, xy_condition condition, struct xy_str text);

enum xy_iq_type { XY_IQ_GET = 1, XY_IQ_SET = 2 };
enum xy_iq_where {
    XY_IQ_HOST = 1,    /* to='example.org' */
    XY_IQ_ACCOUNT = 2, /* to='romeo@example.org' from anybody */
    XY_IQ_OWN = 4,     /* no to, or the asker's own bare JID */
    XY_IQ_SERVICE = 8, /* to='conference.example.org', if this module serves it */
    XY_IQ_ROOM = 16,   /* to='room@conference.example.org', whatever module serves it */
    XY_IQ_SERVICES = 32, /* to the domain of any service of the host */
};
typedef xy_status xy_iq_fn(XY_SELF, struct xy_iq *iq);

/* A row of a module's `iqs` table. The namespace becomes a disco feature of every place it is
 * answered at, unless .quiet. Right element, wrong type or place: the dispatcher answers. A status
 * other than XY_OK becomes the error of xy_status_condition(). */
struct xy_iq_route {
    unsigned types; /* of enum xy_iq_type */
    const char *ns, *element;
    xy_any_fn *handler;
    unsigned where; /* of enum xy_iq_where; 0: XY_IQ_HOST | XY_IQ_OWN */
    bool quiet;
};
#define XY_GET 1
#define XY_SET 2
#define XY_IQ_ROUTE(type, namespace, name, function, ...)                                          \
    {                                                                                              \
        .types = (type), .ns = (namespace), .element = (name),                                     \
        .handler = _Generic((function), xy_iq_fn *: (xy_any_fn *)(function))                       \
            __VA_OPT__(, ) __VA_ARGS__                                                             \
    }

/* A row of a module's `features` table: a disco feature that no iq route implies. */
struct xy_feature {
    const char *var;
    unsigned where; /* of enum xy_iq_where: XY_IQ_HOST (0 means that), XY_IQ_ACCOUNT, both */
};

/* Calls `each` for every feature of a host (where = XY_IQ_HOST) or of its accounts. */
XY_API void xy_features_each(struct xy_host *host, unsigned where,
                             void (*each)(void *argument, const char *var), void *argument);

#endif

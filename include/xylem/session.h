/* SPDX-License-Identifier: MIT */
/*
 * Hosts, streams, sessions, users.
 *
 *   host     a domain we serve
 *   stream   one XML stream of a client, before and after it has authenticated
 *   session  a bound resource on a stream (RFC 6120 section 7)
 *   user     an account somebody uses or writes to just now; has zero or more sessions
 *
 * All handles stay valid until the fiber that got them ends, and answer XY_GONE (or an absent
 * value) once the thing itself has ended.
 */
#ifndef XYLEM_SESSION_H
#define XYLEM_SESSION_H

#include <xylem/account.h>
#include <xylem/jid.h>
#include <xylem/stanza.h>

struct xy_host;
struct xy_stream;
struct xy_session;
struct xy_user;

/* A note: a small record a module attaches to a stream, session or user. The core owns it, so it
 * outlives a replacement of the module's code: change `version` whenever the layout changes, and
 * the new code starts without the old note. Plain bytes only, no pointers. */
struct xy_note {
    const char *name; /* "module.what" */
    unsigned version;
    size_t size; /* of a new note, which is zeroed */
};

/* ---- hosts ----------------------------------------------------------------------------------- */
XY_API struct xy_host *xy_host_find(const struct xy_jid *jid); /* by domain; NULL: not ours */
XY_API const struct xy_jid *xy_host_jid(const struct xy_host *host);
XY_API struct xy_host *xy_host_of(void *self); /* an instance's; NULL for .scope = XY_SERVER */
XY_API struct xy_host *xy_host_first(void);    /* all of them, in the order of the configuration */
XY_API struct xy_host *xy_host_next(const struct xy_host *host);

/* ---- streams --------------------------------------------------------------------------------- */
enum xy_stream_stage {
    XY_STREAM_OPEN,          /* header exchanged */
    XY_STREAM_AUTHENTICATED, /* SASL done (and the stream restarted) */
    XY_STREAM_BOUND,         /* has a session */
    XY_STREAM_CLOSED,
};
XY_API enum xy_stream_stage xy_stream_stage(const struct xy_stream *stream);
XY_API struct xy_host *xy_stream_host(const struct xy_stream *stream);
XY_API struct xy_session *xy_stream_session(const struct xy_stream *stream); /* NULL before bind */
XY_API const struct xy_jid *xy_stream_account(const struct xy_stream *stream); /* bare JID after SASL, or NULL */
XY_API struct xy_str xy_stream_id(const struct xy_stream *stream);
XY_API struct xy_str xy_stream_lang(const struct xy_stream *stream);
XY_API struct xy_str xy_stream_peer(const struct xy_stream *stream); /* the peer's address, no port */
XY_API bool xy_stream_is_secure(const struct xy_stream *stream);     /* TLS */
XY_API bool xy_stream_is_loopback(const struct xy_stream *stream);
/* What kind of address the peer has: what is kept of it (requirement S0-2). */
enum xy_source {
    XY_SOURCE_UNKNOWN, /* none, or of no kind below: reserved, for documentation … */
    XY_SOURCE_LOOPBACK,
    XY_SOURCE_PRIVATE,    /* RFC 1918, RFC 4193 */
    XY_SOURCE_LINK_LOCAL, /* RFC 3927, RFC 4291 */
    XY_SOURCE_SHARED,     /* behind a carrier's NAT: RFC 6598 */
    XY_SOURCE_PUBLIC,
    XY_SOURCE_UNIX, /* a socket of this machine */
};
XY_API enum xy_source xy_stream_source(const struct xy_stream *stream);
XY_API struct xy_str xy_source_name(enum xy_source source); /* "link-local" */
XY_API struct xy_str xy_stream_tls(const struct xy_stream *stream);  /* "TLS1.3 AES-256-GCM", absent without */
/* RFC 5929, RFC 9266: "tls-exporter" or "tls-server-end-point"; absent when this stream has none. */
XY_API struct xy_str xy_stream_channel_binding(const struct xy_stream *stream, struct xy_str type);
/* What the client may send on it just now: bytes of one element; ms of silence after which we see
 * whether it is still there or, before login, end the stream. XY_NONE: any. */
XY_API void xy_stream_limits(const struct xy_stream *stream, int64_t *bytes, int64_t *silent_ms);
/* XY_GONE when closed. Works at every stage. */
XY_API xy_status xy_stream_send(struct xy_stream *stream, struct xy_stanza *stanza);
/* SASL failed with a wrong password: counts it. */
XY_API void xy_stream_login_failed(struct xy_stream *stream);
/* limits.auth_failures: failed logins one address may have on one account in the period of the
 * module that counts them; XY_NONE: any number. */
XY_API int64_t xy_login_failures_allowed(void);
/* SASL succeeded: the next thing the client sends is a new stream header. `account` is bare. */
XY_API void xy_stream_authenticated(struct xy_stream *stream, const struct xy_jid *account);
/* The same without a restart (XEP-0388): what is allowed after login is allowed from now on. Send the
 * features, if they are due, with xy_stream_offer(). */
XY_API void xy_stream_authenticated_inline(struct xy_stream *stream, const struct xy_jid *account);
XY_API XY_SUSPENDS void xy_stream_offer(struct xy_stream *stream); /* <stream:features/> */
/* It was proved with a token of an earlier login (XEP-0484); before either of the above. */
XY_API void xy_stream_uses_token(struct xy_stream *stream);
/* The stream header's `from`, which proves nothing before login; NULL: none, or no JID. */
XY_API const struct xy_jid *xy_stream_from(const struct xy_stream *stream);
/* Binds a resource; absent: the server makes one up. A session of that full JID that exists is
 * closed with <conflict/>. XY_INVALID: the resource is malformed; XY_CONFLICT: bound already;
 * XY_FULL: sessions per account. Fires session_opened. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_stream_bind(struct xy_stream *stream, struct xy_str resource,
                                                     struct xy_session **session);
/* RFC 6120 4.9: sends the stream error ("policy-violation" …; text may be absent) and closes. */
XY_API void xy_stream_error(struct xy_stream *stream, const char *condition, struct xy_str text);
/* The same with an application-specific condition (4.9.4), which is copied. */
XY_API void xy_stream_error_with(struct xy_stream *stream, const char *condition,
                                 struct xy_str text, const struct xy_node *detail);
XY_API void xy_stream_close(struct xy_stream *stream); /* </stream:stream> without an error */
XY_API void *xy_stream_note(struct xy_stream *stream, const struct xy_note *kind);      /* made if absent */
XY_API void *xy_stream_note_find(struct xy_stream *stream, const struct xy_note *kind); /* or NULL */
XY_API void *xy_stream_note_resize(struct xy_stream *stream, const struct xy_note *kind, size_t size);
XY_API size_t xy_stream_note_size(struct xy_stream *stream, const struct xy_note *kind);
XY_API void xy_stream_note_drop(struct xy_stream *stream, const struct xy_note *kind);

/* ---- sessions -------------------------------------------------------------------------------- */
XY_API const struct xy_jid *xy_session_jid(const struct xy_session *session); /* full */
XY_API struct xy_user *xy_session_user(const struct xy_session *session);
XY_API struct xy_host *xy_session_host(const struct xy_session *session);
XY_API struct xy_stream *xy_session_stream(const struct xy_session *session);
/* Its number, taken like a message id when it was bound: what evidence names it by. A resumed one
 * keeps it, also over a restart, unless it comes from another kind of address. */
XY_API int64_t xy_session_login(const struct xy_session *session);
/* How it came to be. */
enum xy_login_path {
    XY_LOGIN_UNKNOWN,
    XY_LOGIN_SASL,        /* RFC 6120: SASL, a new stream, bind */
    XY_LOGIN_SASL2,       /* XEP-0388, then bind */
    XY_LOGIN_SASL2_BIND2, /* with XEP-0386 */
    XY_LOGIN_FAST,        /* by a token (XEP-0484), then bind */
    XY_LOGIN_FAST_BIND2,
    XY_LOGIN_RESUMED, /* XEP-0198: from another kind of address, or of an earlier run that did not
                         write it down */
};
XY_API struct xy_str xy_login_path_name(enum xy_login_path path); /* "sasl2+bind2" */
XY_API bool xy_session_is_open(const struct xy_session *session);
XY_API bool xy_session_is_available(const struct xy_session *session);
XY_API int xy_session_priority(const struct xy_session *session); /* of the last presence; 0 without one */
XY_API int64_t xy_session_opened_ms(const struct xy_session *session);
/* The last available presence it broadcast, with its full from; NULL when not available. */
XY_API const struct xy_stanza *xy_session_presence(const struct xy_session *session);
/* Sends to this session and no other, as it is; delivery keeps its place behind earlier stanzas
 * that still wait for their commit. Freezes it. XY_GONE. */
XY_API xy_status xy_session_send(struct xy_session *session, const struct xy_stanza *stanza);
/* The same for one that bears the words of a stored message, a page of an archive say: it is not sent,
 * nor sent again, once that is taken back. */
XY_API xy_status xy_session_send_of(struct xy_session *session, const struct xy_stanza *stanza,
                                    int64_t message);
XY_API void xy_session_close(struct xy_session *session, const char *condition, struct xy_str text);
XY_API void *xy_session_note(struct xy_session *session, const struct xy_note *kind);
XY_API void *xy_session_note_find(struct xy_session *session, const struct xy_note *kind);
XY_API void *xy_session_note_resize(struct xy_session *session, const struct xy_note *kind, size_t size);
XY_API size_t xy_session_note_size(struct xy_session *session, const struct xy_note *kind);
XY_API void xy_session_note_drop(struct xy_session *session, const struct xy_note *kind);
XY_API struct xy_session *xy_session_find(const struct xy_jid *full); /* NULL: none */
/* As if its client had broadcast `presence`, which is available and without `to`. Freezes it. */
XY_API XY_SUSPENDS void xy_session_set_presence(struct xy_session *session, struct xy_stanza *presence);
/* All open sessions of a host; `each` must not suspend. */
XY_API void xy_sessions_each(const struct xy_host *host,
                             void (*each)(void *argument, struct xy_session *session), void *argument);

/* ---- users ----------------------------------------------------------------------------------- */
/* XY_ABSENT: no such account (or not one of ours). May read the database. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_user_get(const struct xy_jid *jid, struct xy_user **user);
XY_API const struct xy_jid *xy_user_jid(const struct xy_user *user); /* bare */
XY_API struct xy_host *xy_user_host(const struct xy_user *user);
XY_API xy_owner xy_user_owner(const struct xy_user *user);
/* for (s = xy_user_first(u); s; s = xy_session_next(s)): all sessions. Not across a wait. */
XY_API struct xy_session *xy_user_first(const struct xy_user *user);
XY_API struct xy_session *xy_session_next(const struct xy_session *session);
XY_API bool xy_user_is_available(const struct xy_user *user); /* some session is */
XY_API void *xy_user_note(struct xy_user *user, const struct xy_note *kind);
XY_API void *xy_user_note_find(struct xy_user *user, const struct xy_note *kind);
XY_API void *xy_user_note_resize(struct xy_user *user, const struct xy_note *kind, size_t size);
XY_API size_t xy_user_note_size(struct xy_user *user, const struct xy_note *kind);
XY_API void xy_user_note_drop(struct xy_user *user, const struct xy_note *kind);

#endif

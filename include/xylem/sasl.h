/* SPDX-License-Identifier: MIT */
/*
 * Proving who a client is, without saying how that travels: SASL (RFC 6120 section 6) and SASL2
 * (XEP-0388) ask the same mechanisms. The hooks are fired by whoever speaks a profile (sasl,
 * sasl2); mechanisms live in sasl (SCRAM, PLAIN) and wherever else a module adds one (fast).
 */
#ifndef XYLEM_SASL_H
#define XYLEM_SASL_H

#include <xylem/hook.h>
#include <xylem/session.h>
#include <xylem/stanza.h>

enum xy_sasl_profile { XY_SASL1, XY_SASL2 };

struct xy_sasl_outcome {
    const char *failure; /* a condition of RFC 6120 6.5, a constant; the rest is then void but `account` */
    bool guessed;        /* a wrong password, not just a wrong request: counts against limits */
    bool success;        /* else `text` is a challenge */
    bool by_token;       /* not by a password: xy_stream_uses_token() */
    struct xy_str text;  /* bytes, not base64: challenge, or additional data of a success */
    const struct xy_jid *account; /* bare; the fiber's */
};

/* What a stream may use just now: adds a child <mechanism/> for each to `list`, whose namespace is
 * the profile's; and, beside `list`, the channel binding types (XEP-0440) unless they are there. A
 * stream that claims to be from an account is offered what that account has keys for, and one
 * from an unknown name what some account might have. May read the database. */
XY_SERVICE(sasl_mechanisms, (struct xy_stream *stream, enum xy_sasl_profile profile, struct xy_node *list),
           (stream, profile, list))
XY_SERVICE(sasl_bindings, (struct xy_stream *stream, struct xy_node *features), (stream, features))
/* `list` is what the features say now, <mechanism/> elements of other modules included: the only
 * ones SASL2 may begin with, and what SCRAM signs (XEP-0474). */
XY_SERVICE(sasl_announced, (struct xy_stream *stream, enum xy_sasl_profile profile,
                            const struct xy_node *list),
           (stream, profile, list))
/* The client begins with `mechanism`; `message` is absent (at NULL) if it sent none. XY_OK: `outcome` is filled. */
XY_SERVICE(sasl_begin, (struct xy_stream *stream, enum xy_sasl_profile profile, struct xy_str mechanism,
                        struct xy_str message, struct xy_sasl_outcome *outcome),
           (stream, profile, mechanism, message, outcome))
/* The client's next message of the exchange under way. */
XY_SERVICE(sasl_continue, (struct xy_stream *stream, struct xy_str message, struct xy_sasl_outcome *outcome),
           (stream, message, outcome))
/* Forgets an exchange under way. */
XY_SERVICE(sasl_abort, (struct xy_stream *stream), (stream))
/* One failure has been answered: counted, logged; too many end the stream. Forgets the exchange. */
XY_SERVICE(sasl_failed, (struct xy_stream *stream, const struct xy_sasl_outcome *outcome), (stream, outcome))
/* The client is in: counted, logged; what is kept for failures is forgotten. `profile`: how. */
XY_SERVICE(sasl_succeeded, (struct xy_stream *stream, enum xy_sasl_profile profile,
                            const struct xy_sasl_outcome *outcome),
           (stream, profile, outcome))

#endif

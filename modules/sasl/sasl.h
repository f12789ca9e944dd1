/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the sasl module share: a mechanism takes the client's messages one by one
 * and answers each with an outcome; module.c does the talking, the counting and the limits.
 */
#ifndef SASL_H
#define SASL_H

#define XY_STATE sasl
#include <xylem/xylem.h>

struct sasl {
    const bool plain;
    const xy_duration failure_period;
    struct xy_map *taken; /* failures per address, and per address and account */
    xy_counter logins, failures, throttled;
};

struct mechanism {
    const char *name;
    bool is_plain, binds; /* binds: -PLUS */
    enum xy_hash hash;
};

struct outcome {
    const char *failure; /* a condition of RFC 6120 6.5; the rest is then void but `account` */
    bool guessed;        /* a wrong password, not just a wrong request */
    bool success;        /* else `text` is a challenge */
    struct xy_str text;
    const struct xy_jid *account;
};

static inline struct outcome
failed(const char *condition)
{
    return (struct outcome){.failure = condition};
}

/* limits.c: allowances for wrong passwords, per address and account. Ask at the moment of the
 * verdict; charge for a wrong one. */
bool limits_allow(const struct sasl *self, const struct xy_stream *stream,
                  const struct xy_jid *account);
void limits_charge(struct sasl *self, const struct xy_stream *stream,
                   const struct xy_jid *account);

/* mechanisms.c: what this stream may use. */
extern const struct mechanism mechanisms[];
extern const size_t mechanisms_count;
extern const char *const binding_types[];
extern const size_t binding_types_count;
bool stream_binds(const struct xy_stream *stream);
/* NULL: it may be used; else the failure. */
const char *mechanism_refusal(const struct sasl *self, const struct xy_stream *stream,
                              const struct mechanism *mechanism);
/* The account of a SASL user name and the authorisation identity asked for with it, which must
 * be absent or the account itself. NULL with a failure. */
const struct xy_jid *account_named(const struct xy_stream *stream, struct xy_str name,
                                   struct xy_str authzid, struct outcome *failure);

struct outcome plain_login(struct sasl *self, struct xy_stream *stream, struct xy_str message);

/* scram.c: the exchange stands in a note of the stream between its two messages. */
struct outcome scram_first(struct xy_stream *stream, const struct mechanism *mechanism,
                           struct xy_str message);
struct outcome scram_final(struct sasl *self, struct xy_stream *stream, struct xy_str message);
bool scram_is_under_way(struct xy_stream *stream);
void scram_forget(struct xy_stream *stream);

/* proof.c */
struct scram_keys_view {
    enum xy_hash hash;
    size_t size;
    const unsigned char *stored_key, *server_key;
};
/* Whether `proof` is what the holder of the password makes of `message`; constant time. */
bool proof_is_right(const struct scram_keys_view *keys, struct xy_str message,
                    struct xy_str proof);
/* The server's own proof, in the fiber's memory. */
struct xy_str server_signature(const struct scram_keys_view *keys, struct xy_str message);

#endif

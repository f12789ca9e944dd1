/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the sasl module share: a mechanism takes the client's messages one by one
 * and answers each with an outcome; exchange.c leads through them and counts, for whoever speaks
 * a profile (xylem/sasl.h); legacy.c speaks that of RFC 6120.
 */
#ifndef SASL_H
#define SASL_H

#define XY_STATE sasl
#include <xylem/xylem.h>

struct sasl {
    const bool plain, legacy, downgrade_protection, tls_downgrade_protection;
    const xy_duration failure_period;
    struct xy_map *taken; /* failures per address, and per address and account */
    xy_counter logins, failures, throttled;
};

struct mechanism {
    const char *name;
    bool is_plain, binds; /* binds: -PLUS */
    enum xy_hash hash;
};

static inline struct xy_sasl_outcome
failed(const char *condition)
{
    return (struct xy_sasl_outcome){.failure = condition};
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
const struct mechanism *mechanism_called(struct xy_str name); /* NULL: none */
/* The account of a SASL user name and the authorisation identity asked for with it, which must
 * be absent or the account itself. NULL with a failure. */
const struct xy_jid *account_named(const struct xy_stream *stream, struct xy_str name,
                                   struct xy_str authzid, struct xy_sasl_outcome *failure);

struct xy_sasl_outcome plain_login(struct sasl *self, struct xy_stream *stream,
                                   struct xy_str message);

/* offer.c: what was offered is remembered, for it is what the client may use and what SCRAM
 * signs. */
xy_status offer_mechanisms(struct sasl *self, struct xy_stream *stream,
                           enum xy_sasl_profile profile, struct xy_node *list);
xy_status offer_bindings(struct sasl *self, struct xy_stream *stream, struct xy_node *features);
xy_status offer_announced(struct sasl *self, struct xy_stream *stream,
                          enum xy_sasl_profile profile, const struct xy_node *list);
bool offer_had(struct xy_stream *stream, enum xy_sasl_profile profile, struct xy_str mechanism);
void offer_forget(struct xy_stream *stream);
/* The optional attributes of SCRAM's first answer, each with its comma. */
struct xy_str offer_attributes(const struct sasl *self, struct xy_stream *stream,
                               enum xy_sasl_profile profile, enum xy_hash hash);

/* exchange.c: the services of xylem/sasl.h. */
xy_status exchange_begin(struct sasl *self, struct xy_stream *stream,
                         enum xy_sasl_profile profile, struct xy_str mechanism,
                         struct xy_str message, struct xy_sasl_outcome *outcome);
xy_status exchange_continue(struct sasl *self, struct xy_stream *stream, struct xy_str message,
                            struct xy_sasl_outcome *outcome);
xy_status exchange_abort(struct sasl *self, struct xy_stream *stream);
xy_status exchange_failed(struct sasl *self, struct xy_stream *stream,
                          const struct xy_sasl_outcome *outcome);
xy_status exchange_succeeded(struct sasl *self, struct xy_stream *stream,
                             enum xy_sasl_profile profile,
                             const struct xy_sasl_outcome *outcome);

/* legacy.c */
void legacy_offer(struct sasl *self, struct xy_stream *stream, struct xy_node *features);
xy_verdict legacy_take(struct sasl *self, struct xy_stream *stream,
                       const struct xy_stanza *element);

/* scram.c: the exchange stands in a note of the stream between its two messages. */
struct xy_sasl_outcome scram_first(struct sasl *self, struct xy_stream *stream,
                                   enum xy_sasl_profile profile,
                                   const struct mechanism *mechanism, struct xy_str message);
struct xy_sasl_outcome scram_final(struct sasl *self, struct xy_stream *stream,
                                   struct xy_str message);
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

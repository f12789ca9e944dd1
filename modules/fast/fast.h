/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the fast module share. mechanisms.c knows the HT mechanisms, tokens.c the
 * rows, login.c looks at proofs, issue.c gives out tokens.
 */
#ifndef FAST_H
#define FAST_H

#define XY_STATE fast
#include <xylem/xylem.h>

struct fast {
    const xy_duration token_for, renew_after;
    struct xy_map *taken; /* wrong tokens per address and account */
    xy_counter issued, logins, refused, voided;
};

/* ---- mechanisms.c -------------------------------------------------------------------------- */
struct ht {
    const char *name;
    const char *binding; /* NULL: none */
};
extern const struct ht mechanisms[]; /* the strongest first */
extern const size_t mechanisms_count;
/* NULL: there is no such mechanism, or this stream cannot use it. */
const struct ht *mechanism_for(const struct xy_stream *stream, struct xy_str name);
bool mechanism_fits(const struct xy_stream *stream, const struct ht *ht);
#define TOKEN_KEY_SIZE 32
/* HMAC(token, who || channel binding); `who` is "Initiator" or "Responder". */
void mechanism_proof(const struct xy_stream *stream, const struct ht *ht, struct xy_str key,
                     struct xy_str who, unsigned char *out);

/* ---- tokens.c ------------------------------------------------------------------------------- */
/* A client has at most two: the one it uses, and one it has been given and not used yet. */
enum slot { CURRENT, NEW };
/* The epoch of no account: the token was good once and lets nobody in any more. */
enum { VOID = -1 };
struct token {
    enum slot slot;
    struct xy_str mechanism, key;
    int64_t counter, issued_ms, expires_ms, epoch;
};
/* At most two, the new one first. */
XY_CHECK xy_status tokens_read(xy_owner owner, int64_t client, struct token tokens[2],
                               size_t *count);
/* `token` has been used, with `counter` (0: none was given): it becomes the client's current one
 * and the one before it goes; `last`: it lets nobody in again, nor does the other. XY_CONFLICT:
 * somebody used or voided it meanwhile; read again. */
XY_CHECK xy_status token_use(xy_owner owner, int64_t client, const struct token *token,
                             int64_t counter, bool last);
XY_CHECK xy_status token_save(xy_owner owner, int64_t client, const struct token *token);
XY_CHECK xy_status tokens_void(xy_owner owner, int64_t client);
XY_CHECK xy_status tokens_drop(xy_owner owner);
/* Those that expired before. */
XY_CHECK xy_status tokens_drop_expired(int64_t before_ms);
XY_CHECK xy_status tokens_clients(xy_owner owner, int64_t epoch, struct xy_rows **rows);
extern const struct xy_statement *const token_statements[9];
extern const struct xy_migration token_schema[1];

/* ---- login.c, issue.c ------------------------------------------------------------------------ */
/* Between the proof and <success/>: whom a token would be for, and what it was decided by. */
struct login {
    xy_owner owner;
    int64_t client, epoch, renew_ms; /* when the token used is due for renewal */
    bool by_token, last;             /* last: the client gave its token back */
    unsigned char mechanism;         /* position of that used */
};
extern const struct xy_note login_kind;
/* Whom the stream claims to be from, and which client; NULL: it does not say one or the other. */
const struct xy_jid *claimed_account(struct xy_stream *stream, int64_t *client);
struct xy_sasl_outcome login_check(struct fast *self, struct xy_stream *stream,
                                   const struct xy_node *authenticate, struct xy_str mechanism,
                                   struct xy_str message);
/* The client logs in in another way and asks for a token. */
void issue_prepare(struct xy_stream *stream, const struct xy_node *authenticate);
void issue_token(struct fast *self, struct xy_stream *stream,
                 const struct xy_node *authenticate, struct xy_node *success);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Accounts. An owner is one incarnation of an account: a number never used again, also when the
 * JID is registered anew, so nothing stored for the former person reaches the next. Passwords are
 * kept as SCRAM keys only (RFC 5802): one set each for SHA-1, SHA-256 and SHA-512.
 */
#ifndef XYLEM_ACCOUNT_H
#define XYLEM_ACCOUNT_H

#include <xylem/hash.h>
#include <xylem/jid.h>
#include <xylem/str.h>

typedef int64_t xy_owner;

/* Whose account it is: decides the class of its sessions and messages (removal.h). */
enum xy_account_kind { XY_ACCOUNT_PERSON, XY_ACCOUNT_BOT, XY_ACCOUNT_INTEGRATION };
enum xy_account_state { XY_ACCOUNT_ACTIVE = 0, XY_ACCOUNT_DISABLED = 1 };

struct xy_account {
    xy_owner owner;
    const struct xy_jid *jid; /* bare; the fiber's */
    enum xy_account_state state;
    enum xy_account_kind kind;
    int64_t created_ms;
    int64_t last_login_ms; /* 0: never */
    int64_t passwords;     /* rises with each new password */
    int64_t epoch;         /* rises with each new password and each time the account is disabled: what
                              was given out in an earlier one lets nobody in */
    unsigned hashes;       /* it has keys for: bit 1 << enum xy_hash; imported ones may lack some */
};

/* XY_ABSENT: no such account. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_account_find(const struct xy_jid *bare,
                                                      struct xy_account *account);
/* XY_INVALID: not a bare JID of a served host, or the password fails saslprep or is empty;
 * XY_CONFLICT: exists. Fires account_created. Hashing runs on helper threads. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_account_create(const struct xy_jid *bare,
                                                        struct xy_str password);
XY_API XY_SUSPENDS XY_CHECK xy_status xy_account_set_password(const struct xy_jid *bare,
                                                              struct xy_str password);
XY_API XY_SUSPENDS XY_CHECK xy_status xy_account_set_state(const struct xy_jid *bare,
                                                           enum xy_account_state state);
XY_API XY_SUSPENDS XY_CHECK xy_status xy_account_set_kind(const struct xy_jid *bare,
                                                          enum xy_account_kind kind);
/* Fires account_deleting (modules send cancellations), ends the sessions, removes the account and
 * what the core keeps for it, fires account_deleted (modules drop their rows). */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_account_delete(const struct xy_jid *bare);

/* Accounts of a host behind the bare JID text `after` (absent: from the first), in order, at most
 * `limit`. Columns: jid, owner. */
struct xy_host;
struct xy_rows;
XY_API XY_SUSPENDS XY_CHECK xy_status xy_account_list(const struct xy_host *host, struct xy_str after,
                                                      int64_t limit, struct xy_rows **rows);

struct xy_scram_keys {
    struct xy_str salt; /* the fiber's memory */
    int64_t iterations;
    size_t size; /* of the two keys */
    unsigned char stored_key[XY_HASH_MAX], server_key[XY_HASH_MAX];
    bool real; /* false: made up for an account that does not exist. It is the same for the same
                  name at every call, and no password matches it. */
    enum xy_account_state state; /* of a real one: a disabled account is told so, and turned away,
                                    only after a correct proof */
};
/* Answers for every well-formed name in the same time, so that neither the exchange nor its
 * timing shows whether an account exists. XY_BROKEN when the database does not answer. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_account_scram(const struct xy_jid *bare, enum xy_hash hash,
                                                       struct xy_scram_keys *keys);
/* The hashes a name has keys for, bits as in struct xy_account. An unknown name is answered as some
 * account would be, and always alike; NULL: those that every account has. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_account_hashes(const struct xy_jid *bare, unsigned *hashes);
/* What a client needs to make keys for a hash that its account lacks (RFC 5802), and their adding.
 * `salted` is SCRAM's SaltedPassword; it is not kept. XY_CONFLICT: the account has such keys by now;
 * XY_ABSENT: it has gone; XY_INVALID: `salted` is not as long as the hash. */
XY_API int64_t xy_account_iterations(void);
XY_API XY_SUSPENDS XY_CHECK xy_status xy_account_add_keys(xy_owner owner, enum xy_hash hash,
                                                          struct xy_str salt, int64_t iterations,
                                                          struct xy_str salted);
/* PLAIN and the like; adds the keys that an imported account lacks. XY_DENIED: wrong password or no such account, in the same time; XY_GONE: the
 * right one, but the account is disabled. */
XY_API XY_SUSPENDS XY_CHECK xy_status xy_account_check_password(const struct xy_jid *bare,
                                                                struct xy_str password);

#endif

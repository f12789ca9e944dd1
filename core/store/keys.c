/* SPDX-License-Identifier: MIT */
/*
 * Passwords on helper threads. The password travels in a block of its own, so that a fiber that
 * gives up leaves nothing dangling; it is wiped when the work is done.
 */
#include "core/store/hash.h"
#include "core/store/keys.h"
#include <nettle/memops.h>

int64_t xyi_account_iterations = 4096; /* logic thread */

enum { PATIENCE_MS = 30000 };

struct hashing {
    struct xy_str password; /* prepared */
    struct xyi_keys keys;
    bool all; /* one set per hash; else the first only, with `salt` */
    enum xy_hash hash;
    struct xy_str salt;
    struct xyi_wait *wait; /* NULL: given up */
    bool finished;
};

static void
work(void *argument)
{
    struct hashing *hashing = argument;
    struct xyi_keys *keys = &hashing->keys;
    for (unsigned hash = 0; hash < XY_HASHES; hash++) {
        if (!hashing->all && hash != hashing->hash)
            continue;
        struct xy_str salt =
            hashing->all ? xy_str_of((const char *)keys->salt[hash], sizeof(keys->salt[hash]))
                         : hashing->salt;
        xyi_scram_derive((enum xy_hash)hash, hashing->password, salt, keys->iterations,
                         keys->stored_key[hash], keys->server_key[hash]);
    }
}

static void
release(struct hashing *hashing)
{
    xyi_password_free(hashing->password);
    xyi_free(hashing->salt.at);
    explicit_bzero(hashing, sizeof(*hashing));
    xyi_free(hashing);
}

static void
done(void *argument)
{
    struct hashing *hashing = argument;
    hashing->finished = true;
    if (hashing->wait)
        xyi_wake(hashing->wait, XY_OK);
    else
        release(hashing);
}

/* Takes `hashing` unless it answers XY_OK. */
static xy_status
hash_elsewhere(struct hashing *hashing)
{
    struct xyi_wait wait = {0};
    hashing->wait = &wait;
    xyi_offload(work, done, hashing);
    xy_status status = xyi_wait(&wait, PATIENCE_MS, 0);
    if (hashing->finished)
        return XY_OK;
    hashing->wait = NULL;
    return status;
}

xy_status
xyi_keys_make(struct xy_str password, int64_t iterations, struct xyi_keys *keys)
{
    struct xy_str prepared;
    if (iterations < 1 || iterations > INT32_MAX ||
        xyi_password_prepare(password, true, &prepared) != XY_OK)
        return XY_INVALID;
    struct hashing *hashing = xyi_alloc(sizeof(*hashing));
    hashing->password = prepared;
    hashing->all = true;
    hashing->keys.iterations = iterations;
    xyi_random(hashing->keys.salt, sizeof(hashing->keys.salt));
    xy_status status = hash_elsewhere(hashing);
    if (status != XY_OK)
        return status;
    *keys = hashing->keys;
    release(hashing);
    return XY_OK;
}

xy_status
xyi_keys_match(struct xy_str password, enum xy_hash hash, const struct xy_scram_keys *keys)
{
    struct xy_str prepared;
    if (xyi_password_prepare(password, false, &prepared) != XY_OK)
        return XY_DENIED;
    struct hashing *hashing = xyi_alloc(sizeof(*hashing));
    hashing->password = prepared;
    hashing->hash = hash;
    hashing->salt = xyi_str_copy(keys->salt);
    hashing->keys.iterations = keys->iterations;
    xy_status status = hash_elsewhere(hashing);
    if (status != XY_OK)
        return status;
    bool same = memeql_sec(hashing->keys.stored_key[hash], keys->stored_key, keys->size);
    release(hashing);
    return same && keys->real ? XY_OK : XY_DENIED;
}

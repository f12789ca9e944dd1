/* SPDX-License-Identifier: MIT */
/* Merkle trees (RFC 6962 section 2.1). */
#include <nettle/sha2.h>
#include <xylem/status.h>

#include "tree.h"

struct hash
tree_leaf(const void *bytes, size_t len)
{
    struct hash hash;
    struct sha256_ctx sha;
    sha256_init(&sha);
    sha256_update(&sha, 1, (const uint8_t *)"\0");
    sha256_update(&sha, len, bytes);
    sha256_digest(&sha, HASH, hash.at);
    return hash;
}

static struct hash
join(const struct hash *left, const struct hash *right)
{
    struct hash hash;
    struct sha256_ctx sha;
    sha256_init(&sha);
    sha256_update(&sha, 1, (const uint8_t *)"\1");
    sha256_update(&sha, HASH, left->at);
    sha256_update(&sha, HASH, right->at);
    sha256_digest(&sha, HASH, hash.at);
    return hash;
}

unsigned
tree_peaks(int64_t size)
{
    return (unsigned)__builtin_popcountll((unsigned long long)size);
}

/* As a binary counter: each 1 that the addition clears is a peak that becomes part of a larger
 * one. */
void
tree_add(struct tree *tree, const struct hash *leaf)
{
    unsigned top = tree_peaks(tree->size);
    struct hash hash = *leaf;
    for (int64_t bits = tree->size; bits & 1; bits >>= 1)
        hash = join(&tree->peak[--top], &hash);
    xy_assert(top < TREE_PEAKS);
    tree->peak[top] = hash;
    tree->size++;
}

struct hash
tree_root(const struct tree *tree)
{
    struct hash hash;
    unsigned top = tree_peaks(tree->size);
    if (!top) {
        struct sha256_ctx sha;
        sha256_init(&sha);
        sha256_digest(&sha, HASH, hash.at);
        return hash;
    }
    hash = tree->peak[--top];
    while (top)
        hash = join(&tree->peak[--top], &hash);
    return hash;
}

/* ---- proofs ------------------------------------------------------------------------------ */

/* The largest power of two below `count`, which is at least 2. */
static int64_t
split(int64_t count)
{
    return INT64_C(1) << (63 - __builtin_clzll((unsigned long long)(count - 1)));
}

static void
note(struct tree_proof *proof, int64_t low, int64_t high)
{
    xy_assert(proof->count < TREE_PROOF);
    proof->range[proof->count++] = (struct tree_range){low, high};
}

/* They are found from the root down and listed from the leaf up. */
static void
reverse(struct tree_proof *proof)
{
    for (unsigned i = 0; i < proof->count / 2; i++) {
        struct tree_range range = proof->range[i];
        proof->range[i] = proof->range[proof->count - 1 - i];
        proof->range[proof->count - 1 - i] = range;
    }
}

void
tree_inclusion(int64_t at, int64_t size, struct tree_proof *proof)
{
    xy_assert(at >= 0 && at < size);
    int64_t low = 0, high = size;
    proof->count = 0;
    while (high - low > 1) {
        int64_t middle = low + split(high - low);
        if (at < middle) {
            note(proof, middle, high);
            high = middle;
        } else {
            note(proof, low, middle);
            low = middle;
        }
    }
    reverse(proof);
}

struct hash
tree_climb(const struct tree_proof *proof, const struct hash *roots, int64_t at,
           const struct hash *leaf)
{
    struct hash hash = *leaf;
    for (unsigned i = 0; i < proof->count; i++)
        hash = proof->range[i].low > at ? join(&hash, &roots[i]) : join(&roots[i], &hash);
    return hash;
}

void
tree_consistency(int64_t before, int64_t size, struct tree_proof *proof)
{
    xy_assert(before > 0 && before <= size);
    int64_t low = 0, high = size;
    proof->count = 0;
    while (high > before) {
        int64_t middle = low + split(high - low);
        if (before <= middle) {
            note(proof, middle, high);
            high = middle;
        } else {
            note(proof, low, middle);
            low = middle;
        }
    }
    if (low > 0) /* else it is the old root, which the reader has */
        note(proof, low, high);
    reverse(proof);
}

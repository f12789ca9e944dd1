/* SPDX-License-Identifier: MIT */
/*
 * Merkle trees as in RFC 6962 section 2.1, SHA-256: a leaf is hashed behind a byte 0, two
 * subtrees behind a byte 1. Growing one takes memory for its peaks only; a proof is a list of
 * ranges of leaves, whose roots the caller computes in one walk over them.
 */
#ifndef AUDIT_TREE_H
#define AUDIT_TREE_H

#include <stdint.h>

enum { HASH = 32, TREE_PEAKS = 63, TREE_PROOF = 64 };

struct hash {
    unsigned char at[HASH];
};

/* The roots of the perfect trees that make up `size` leaves, the largest first: as many as `size`
 * has bits that are set. */
struct tree {
    int64_t size;
    struct hash peak[TREE_PEAKS];
};
unsigned tree_peaks(int64_t size);
struct hash tree_leaf(const void *bytes, size_t len);
void tree_add(struct tree *tree, const struct hash *leaf);
struct hash tree_root(const struct tree *tree); /* of nothing: the hash of nothing */

/* Leaves from `low` up to and without `high`. */
struct tree_range {
    int64_t low, high;
};
struct tree_proof {
    unsigned count;
    struct tree_range range[TREE_PROOF]; /* in the order of the proof */
};
/* That leaf `at` is in the tree of `size` leaves. */
void tree_inclusion(int64_t at, int64_t size, struct tree_proof *proof);
/* The root that the roots of the ranges of such a proof lead to from that leaf. */
struct hash tree_climb(const struct tree_proof *proof, const struct hash *roots, int64_t at,
                       const struct hash *leaf);
/* That the tree of `size` leaves has that of `before` (1 to size) as its beginning. */
void tree_consistency(int64_t before, int64_t size, struct tree_proof *proof);

#endif

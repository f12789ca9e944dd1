/* SPDX-License-Identifier: MIT */
/*
 * The Merkle tree of the audit log (RFC 6962 section 2.1): known roots, then every proof of
 * every small tree against the definitions of the RFC, written out the slow way, and checked by
 * the algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2, which share no line with the code.
 */
#include <nettle/sha2.h>
#include "tests/unit/harness.h"

#include "modules/audit/tree.c" /* a module exports nothing else */

enum { MOST = 70 };
static struct hash leaves[MOST];

static bool
same(const struct hash *a, const struct hash *b)
{
    return memcmp(a->at, b->at, HASH) == 0;
}

static bool
is_hex(const struct hash *hash, const char *hex)
{
    char text[2 * HASH + 1];
    for (int i = 0; i < HASH; i++)
        snprintf(text + 2 * i, 3, "%02x", hash->at[i]);
    return strcmp(text, hex) == 0;
}

/* MTH(D[low:high]) by its recursive definition. */
static struct hash
slow_root(int64_t low, int64_t high)
{
    if (high - low == 1)
        return leaves[low];
    int64_t k = 1;
    while (k * 2 < high - low)
        k *= 2;
    struct hash left = slow_root(low, low + k), right = slow_root(low + k, high);
    return join(&left, &right);
}

static struct tree
grown(int64_t size)
{
    struct tree tree = {0};
    for (int64_t i = 0; i < size; i++)
        tree_add(&tree, &leaves[i]);
    return tree;
}

static void
plant(void)
{
    for (int i = 0; i < MOST; i++)
        leaves[i] = tree_leaf(&(unsigned char){(unsigned char)i}, 1);
}

/* The vectors of the reference implementation of RFC 6962 (certificate-transparency): leaves
 * "", 00, 10, 2021, 3031, 40414243, 5051…57, 6061…6f. */
TEST(known_roots)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *root;
    } known[] = {
        {"", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
        {"\0", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
        {"\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
        {"\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
        {"\x30\x31", 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
        {"\x40\x41\x42\x43", 4,
         "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
        {"\x50\x51\x52\x53\x54\x55\x56\x57", 8,
         "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
        {"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
    };
    struct tree tree = {0};
    struct hash root = tree_root(&tree);
    CHECK(is_hex(&root, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct hash leaf = tree_leaf(known[i].bytes, known[i].len);
        tree_add(&tree, &leaf);
        root = tree_root(&tree);
        CHECK(is_hex(&root, known[i].root));
    }
    CHECK_EQ(tree.size, 8);
    CHECK_EQ(tree_peaks(8), 1);
}

TEST(every_size_has_the_root_of_its_definition)
{
    plant();
    for (int64_t size = 1; size <= MOST; size++) {
        struct tree tree = grown(size);
        struct hash fast = tree_root(&tree), slow = slow_root(0, size);
        CHECK(same(&fast, &slow));
    }
}

/* RFC 9162 2.1.3.2 */
static bool
included(int64_t at, int64_t size, const struct tree_proof *proof)
{
    int64_t fn = at, sn = size - 1;
    struct hash r = leaves[at], root = slow_root(0, size);
    for (unsigned i = 0; i < proof->count; i++) {
        struct hash p = slow_root(proof->range[i].low, proof->range[i].high);
        if (sn == 0)
            return false;
        if ((fn & 1) || fn == sn) {
            r = join(&p, &r);
            while (!(fn & 1) && fn)
                fn >>= 1, sn >>= 1;
        } else {
            r = join(&r, &p);
        }
        fn >>= 1, sn >>= 1;
    }
    return sn == 0 && same(&r, &root);
}

TEST(every_leaf_of_every_size_is_included)
{
    struct tree_proof proof;
    plant();
    for (int64_t size = 1; size <= MOST; size++)
        for (int64_t at = 0; at < size; at++) {
            tree_inclusion(at, size, &proof);
            CHECK(included(at, size, &proof));
            if (size > 1)
                CHECK(!included((at + 1) % size, size, &proof));
        }
}

/* RFC 9162 2.1.4.2 */
static bool
consistent(int64_t first, int64_t second, const struct tree_proof *proof)
{
    struct hash old_root = slow_root(0, first), new_root = slow_root(0, second);
    if (first == second)
        return proof->count == 0;
    struct hash path[TREE_PROOF + 1];
    unsigned count = 0;
    if ((first & (first - 1)) == 0)
        path[count++] = old_root;
    for (unsigned i = 0; i < proof->count; i++)
        path[count++] = slow_root(proof->range[i].low, proof->range[i].high);
    int64_t fn = first - 1, sn = second - 1;
    while (fn & 1)
        fn >>= 1, sn >>= 1;
    struct hash fr = path[0], sr = path[0];
    for (unsigned i = 1; i < count; i++) {
        if (sn == 0)
            return false;
        if ((fn & 1) || fn == sn) {
            fr = join(&path[i], &fr);
            sr = join(&path[i], &sr);
            while (!(fn & 1) && fn)
                fn >>= 1, sn >>= 1;
        } else {
            sr = join(&sr, &path[i]);
        }
        fn >>= 1, sn >>= 1;
    }
    return sn == 0 && same(&fr, &old_root) && same(&sr, &new_root);
}

TEST(every_tree_grows_out_of_every_smaller_one)
{
    struct tree_proof proof;
    plant();
    for (int64_t size = 1; size <= MOST; size++)
        for (int64_t before = 1; before <= size; before++) {
            tree_consistency(before, size, &proof);
            CHECK(consistent(before, size, &proof));
        }
    tree_consistency(5, 9, &proof);
    proof.range[0].high++;
    CHECK(!consistent(5, 9, &proof));
}

TEST(proofs_stay_short)
{
    struct tree_proof proof;
    int64_t size = INT64_C(1) << 40;
    tree_inclusion(12345, size + 1, &proof);
    CHECK_EQ(proof.count, 41);
    tree_inclusion(size, size + 1, &proof);
    CHECK_EQ(proof.count, 1);
    tree_consistency(12345, size, &proof);
    CHECK(proof.count <= 41);
}

END_TESTS

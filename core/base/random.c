/* SPDX-License-Identifier: MIT */
/*
 * Randomness from the kernel, and the keyed hash of maps: SipHash-1-3 (Aumasson and Bernstein,
 * "SipHash: a fast short-input PRF", 2012) under a key drawn at start, so that nobody outside
 * can choose keys that collide.
 */
#include "core/base/base.h"

#include <endian.h>
#include <errno.h>
#include <sys/random.h>

static uint64_t hash_key[2]; /* written before main, read by any thread */

void
xyi_random(void *out, size_t size)
{
    for (char *at = out; size;) {
        ssize_t got = getrandom(at, size, 0);
        xy_assert(got > 0 || errno == EINTR);
        if (got > 0) {
            at += got;
            size -= (size_t)got;
        }
    }
}

__attribute__((constructor)) static void
draw_hash_key(void)
{
    xyi_random(hash_key, sizeof(hash_key));
}

static inline uint64_t
turn_left(uint64_t value, unsigned by)
{
    return value << by | value >> (64 - by);
}

static inline void
sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = turn_left(v[1], 13) ^ v[0];
    v[3] = turn_left(v[3], 16) ^ v[2];
    v[0] = turn_left(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = turn_left(v[1], 17) ^ v[2];
    v[3] = turn_left(v[3], 21) ^ v[0];
    v[2] = turn_left(v[2], 32);
}

static inline uint64_t
read_word(const char *at, size_t len) /* little-endian, at most 8 bytes */
{
    uint64_t word = 0;
    memcpy(&word, at, len);
    return le64toh(word);
}

uint64_t
xyi_siphash13(const uint64_t key[2], struct xy_str s)
{
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                     key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
    size_t at = 0;
    for (; s.len - at >= 8; at += 8) {
        uint64_t word = read_word(s.at + at, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)s.len << 56;
    if (s.len > at)
        last |= read_word(s.at + at, s.len - at);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t
xyi_hash(struct xy_str s)
{
    return xyi_siphash13(hash_key, s);
}

/* SPDX-License-Identifier: MIT */
/*
 * Memory of one stanza: bump allocation from chunks of 1 KiB that are kept in a cache per
 * thread, so that a stanza costs no malloc on the steady path; what does not fit two of them
 * goes to the heap in growing chunks. A stanza may be freed on another thread than the one that
 * made it: its chunks then enrich that thread's cache. Under AddressSanitizer nothing is cached
 * and all that is not handed out is poisoned.
 */
#include "core/base/sanitize.h"
#include "core/xml/tree.h"

enum { CHUNK = 1024, LARGEST = 16 * 1024, MOST_CACHED = 256, ALIGN = 8 };

struct xyi_chunk {
    struct xyi_chunk *older;
    size_t size; /* with this header */
    char bytes[];
};

static _Thread_local struct {
    struct xyi_chunk *first;
    unsigned count;
} cache __attribute__((tls_model("initial-exec")));

static struct xyi_chunk *
take_chunk(size_t size)
{
    if (size == CHUNK && cache.first) {
        struct xyi_chunk *chunk = cache.first;
        cache.first = chunk->older;
        cache.count--;
        return chunk;
    }
    struct xyi_chunk *chunk = xyi_resize(NULL, size);
    chunk->size = size;
    return chunk;
}

static void
give_chunk(struct xyi_chunk *chunk)
{
    XYI_UNPOISON(chunk->bytes, chunk->size - sizeof(*chunk));
#ifndef XYI_ASAN
    if (chunk->size == CHUNK && cache.count < MOST_CACHED) {
        chunk->older = cache.first;
        cache.first = chunk;
        cache.count++;
        return;
    }
#endif
    xyi_free(chunk);
}

void
xyi_block_cache_drain(void)
{
    for (struct xyi_chunk *chunk = cache.first, *older; chunk; chunk = older) {
        older = chunk->older;
        xyi_free(chunk);
    }
    cache.first = NULL;
    cache.count = 0;
}

static void
add_chunk(struct xyi_block *block, size_t size)
{
    struct xyi_chunk *chunk = take_chunk(size);
    XYI_POISON(chunk->bytes, size - sizeof(*chunk));
    chunk->older = block->chunks;
    block->chunks = chunk;
    block->at = chunk->bytes;
    block->end = (char *)chunk + size;
}

void
xyi_block_open(struct xyi_block *block)
{
    *block = (struct xyi_block){.next_size = CHUNK};
    add_chunk(block, CHUNK);
}

void
xyi_block_open_for(struct xyi_block *block, size_t size)
{
    *block = (struct xyi_block){.next_size = CHUNK};
    add_chunk(block, size + sizeof(struct xyi_chunk));
}

size_t
xyi_block_used(const struct xyi_block *block)
{
    size_t size = 0;
    for (const struct xyi_chunk *chunk = block->chunks; chunk; chunk = chunk->older)
        size += chunk->size - sizeof(*chunk);
    return size - (size_t)(block->end - block->at);
}

void
xyi_block_close(struct xyi_block *block)
{
    for (struct xyi_chunk *chunk = block->chunks, *older; chunk; chunk = older) {
        older = chunk->older;
        give_chunk(chunk);
    }
}

/* Room for `size` bytes at block->at, whatever it takes. */
static void
grow(struct xyi_block *block, size_t size)
{
    size_t needed = size + sizeof(struct xyi_chunk);
    xy_assert(size < SIZE_MAX / 4);
    add_chunk(block, needed > block->next_size ? needed : block->next_size);
    if (block->next_size < LARGEST)
        block->next_size *= 2;
}

static inline bool
fits(const struct xyi_block *block, const char *at, size_t size)
{
    return at <= block->end && size <= (size_t)(block->end - at);
}

void *
xyi_block_take(struct xyi_block *block, size_t size)
{
    const uintptr_t ones = ALIGN - 1;
    char *at = block->at + (-(uintptr_t)block->at & ones);
    if (__builtin_expect(!fits(block, at, size + XYI_RED_ZONE), 0)) {
        grow(block, size + XYI_RED_ZONE);
        at = block->at;
    }
    block->at = at + size + XYI_RED_ZONE;
    XYI_UNPOISON(at, size);
    return at;
}

struct xy_str
xyi_block_str(struct xyi_block *block, struct xy_str s)
{
    if (!s.at)
        return XY_NO_STR;
    if (!fits(block, block->at, s.len + XYI_RED_ZONE))
        grow(block, s.len + XYI_RED_ZONE);
    char *copy = block->at;
    block->at += s.len + XYI_RED_ZONE;
    XYI_UNPOISON(copy, s.len);
    memcpy(copy, s.at, s.len);
    return xy_str_of(copy, s.len);
}

struct xy_str
xyi_block_extend(struct xyi_block *block, struct xy_str s, struct xy_str more)
{
    size_t len = s.len + more.len, size = len + XYI_RED_ZONE;
    bool last = s.at && s.at + s.len + XYI_RED_ZONE == block->at;
    char *text = block->at;
    if (last && fits(block, block->at, more.len)) {
        text -= s.len + XYI_RED_ZONE;
    } else if (last || !fits(block, text, size)) {
        /* Twice the room, so that a long text in many pieces is copied but a few times. */
        grow(block, last ? 2 * size : size);
        text = block->at;
    }
    block->at = text + size;
    XYI_UNPOISON(text, len);
    if (s.len && text != s.at)
        memcpy(text, s.at, s.len);
    if (more.len)
        memcpy(text + s.len, more.at, more.len);
    return xy_str_of(text, len);
}

/* SPDX-License-Identifier: MIT */
/*
 * Arenas: bump allocation, freed at once. Invariants: the arena lives in its own first chunk,
 * so that an arena that fits costs one allocation; blocks are 16-aligned and zeroed; under
 * AddressSanitizer everything not handed out is poisoned, with a gap behind each block.
 */
#include "core/base/base.h"
#include "core/base/sanitize.h"

#include <stdio.h>

enum { ALIGN = 16, LARGEST_CHUNK = 16 * 1024, SMALLEST_CHUNK = 64 };

struct chunk {
    struct chunk *older;
    size_t size; /* of the bytes */
    _Alignas(ALIGN) char bytes[];
};

struct deferred { /* in the arena itself */
    struct deferred *earlier;
    void (*release)(void *object);
    void *object;
};

struct xyi_arena {
    char *at, *end;            /* the room left in the newest shared chunk */
    struct deferred *deferred; /* newest first */
    struct chunk *chunks;      /* newest first, all but the first one */
    size_t next_size, first_size;
    _Alignas(ALIGN) char first[];
};

struct xyi_arena *
xyi_arena_new(size_t first)
{
    size_t size = first < SMALLEST_CHUNK ? SMALLEST_CHUNK : first & ~(size_t)(ALIGN - 1);
    struct xyi_arena *arena = xyi_resize(NULL, sizeof(*arena) + size);
    *arena = (struct xyi_arena){.first_size = size};
    xyi_arena_reset(arena);
    return arena;
}

static void
free_chunks(struct xyi_arena *arena)
{
    for (struct chunk *chunk = arena->chunks, *older; chunk; chunk = older) {
        older = chunk->older;
        XYI_UNPOISON(chunk->bytes, chunk->size);
        xyi_free(chunk);
    }
    arena->chunks = NULL;
}

static void
release_deferred(struct xyi_arena *arena)
{
    struct deferred *deferred;
    while ((deferred = arena->deferred)) {
        arena->deferred = deferred->earlier;
        deferred->release(deferred->object);
    }
}

void
xyi_arena_defer(struct xyi_arena *arena, void (*release)(void *object), void *object)
{
    struct deferred *deferred = xyi_arena_alloc(arena, sizeof(*deferred));
    *deferred = (struct deferred){arena->deferred, release, object};
    arena->deferred = deferred;
}

void
xyi_arena_reset(struct xyi_arena *arena)
{
    if (arena->deferred)
        release_deferred(arena);
    if (arena->chunks)
        free_chunks(arena);
    arena->at = arena->first;
    arena->end = arena->first + arena->first_size;
    arena->next_size = arena->first_size * 2;
    XYI_POISON(arena->first, arena->first_size);
}

void
xyi_arena_free(struct xyi_arena *arena)
{
    if (!arena)
        return;
    release_deferred(arena);
    free_chunks(arena);
    XYI_UNPOISON(arena->first, arena->first_size);
    xyi_free(arena);
}

/* A block too large for the usual chunk gets one of its own and leaves the present room usable.
 */
static void *
take_elsewhere(struct xyi_arena *arena, size_t size, size_t rounded)
{
    size_t usual = arena->next_size < LARGEST_CHUNK ? arena->next_size : LARGEST_CHUNK;
    bool own = rounded > usual / 2;
    struct chunk *chunk = xyi_resize(NULL, sizeof(*chunk) + (own ? rounded : usual));
    chunk->size = own ? rounded : usual;
    chunk->older = arena->chunks;
    arena->chunks = chunk;
    XYI_POISON(chunk->bytes, chunk->size);
    XYI_UNPOISON(chunk->bytes, size);
    if (own)
        return chunk->bytes;
    arena->next_size = usual * 2;
    arena->at = chunk->bytes + rounded;
    arena->end = chunk->bytes + usual;
    return chunk->bytes;
}

void *
xyi_arena_take(struct xyi_arena *arena, size_t size)
{
    xy_assert(size < SIZE_MAX / 2);
    size_t rounded = (size + (size == 0) + XYI_RED_ZONE + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (__builtin_expect(rounded > (size_t)(arena->end - arena->at), 0))
        return take_elsewhere(arena, size, rounded);
    char *block = arena->at;
    arena->at += rounded;
    XYI_UNPOISON(block, size);
    return block;
}

void *
xyi_arena_alloc(struct xyi_arena *arena, size_t size)
{
    return memset(xyi_arena_take(arena, size), 0, size);
}

struct xy_str
xyi_arena_str(struct xyi_arena *arena, struct xy_str s)
{
    if (!s.at)
        return XY_NO_STR;
    char *copy = xyi_arena_take(arena, s.len + 1);
    memcpy(copy, s.at, s.len);
    copy[s.len] = '\0';
    return xy_str_of(copy, s.len);
}

struct xy_str
xyi_arena_vprintf(struct xyi_arena *arena, const char *format, va_list arguments)
{
    char guess[256];
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(guess, sizeof(guess), format, arguments);
    xy_assert(len >= 0);
    char *text = xyi_arena_take(arena, (size_t)len + 1);
    if ((size_t)len < sizeof(guess))
        memcpy(text, guess, (size_t)len + 1);
    else
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return xy_str_of(text, (size_t)len);
}

struct xy_str
xyi_arena_printf(struct xyi_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct xy_str text = xyi_arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return text;
}

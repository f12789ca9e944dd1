/* SPDX-License-Identifier: MIT */
/*
 * Memory of the running fiber: xy_temp_* and growing buffers, all in the thread's present
 * arena. The scheduler exchanges the arena when it switches fibers; a fiber never changes
 * threads.
 */
#include "core/base/base.h"

#include <stdio.h>

static _Thread_local struct xyi_arena *present XYI_TLS;

struct xyi_arena *
xyi_temp(void)
{
    return present;
}

void
xyi_temp_set(struct xyi_arena *arena)
{
    present = arena;
}

static struct xyi_arena *
arena_here(void)
{
    xy_assert(present != NULL); /* temporary memory outside any fiber */
    return present;
}

void *
xy_temp_alloc(size_t size)
{
    return xyi_arena_alloc(arena_here(), size);
}

struct xy_str
xy_temp_str(struct xy_str s)
{
    return xyi_arena_str(arena_here(), s);
}

static const char *
escape_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '\'':
        return "&apos;";
    case '"':
        return "&quot;";
    default:
        return NULL;
    }
}

struct xy_str
xy_temp_xml(struct xy_str s)
{
    struct xy_buffer out = {0};
    size_t from = 0;
    for (size_t i = 0; i < s.len; i++) {
        const char *escape = escape_of(s.at[i]);
        if (!escape)
            continue;
        xy_buffer_add(&out, xy_str_of(s.at + from, i - from));
        xy_buffer_add(&out, xy_str_from(escape));
        from = i + 1;
    }
    xy_buffer_add(&out, s.len > from ? xy_str_of(s.at + from, s.len - from) : XY_NO_STR);
    return xy_buffer_str(&out);
}

const char *
xy_temp_cstr(struct xy_str s)
{
    return s.at ? xyi_arena_str(arena_here(), s).at : "";
}

struct xy_str
xy_temp_printf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct xy_str text = xyi_arena_vprintf(arena_here(), format, arguments);
    va_end(arguments);
    return text;
}

static char *
append(char *to, struct xy_str s)
{
    if (s.len)
        memcpy(to, s.at, s.len);
    return to + s.len;
}

struct xy_str
xy_temp_join(const struct xy_str *parts, size_t count, const char *between)
{
    struct xy_str gap = xy_str_from(between);
    size_t len = count > 1 ? gap.len * (count - 1) : 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    char *text = xyi_arena_take(arena_here(), len + 1), *end = text;
    for (size_t i = 0; i < count; i++) {
        if (i)
            end = append(end, gap);
        end = append(end, parts[i]);
    }
    *end = '\0';
    return xy_str_of(text, len);
}

/* Room for `more` bytes and a NUL; the former text stays behind in the arena. */
static void
make_room(struct xy_buffer *buffer, size_t more)
{
    if (buffer->size - buffer->len > more)
        return;
    size_t size = buffer->size ? buffer->size * 2 : 64;
    while (size - buffer->len <= more)
        size *= 2;
    char *text = xyi_arena_take(arena_here(), size);
    if (buffer->len)
        memcpy(text, buffer->text, buffer->len);
    text[buffer->len] = '\0';
    buffer->text = text;
    buffer->size = size;
}

void
xy_buffer_add(struct xy_buffer *buffer, struct xy_str s)
{
    make_room(buffer, s.len);
    *append(buffer->text + buffer->len, s) = '\0';
    buffer->len += s.len;
}

void
xy_buffer_printf(struct xy_buffer *buffer, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    make_room(buffer, 0);
    size_t room = buffer->size - buffer->len;
    int len = vsnprintf(buffer->text + buffer->len, room, format, arguments);
    xy_assert(len >= 0);
    if ((size_t)len >= room) {
        make_room(buffer, (size_t)len);
        vsnprintf(buffer->text + buffer->len, (size_t)len + 1, format, again);
    }
    buffer->len += (size_t)len;
    va_end(again);
    va_end(arguments);
}

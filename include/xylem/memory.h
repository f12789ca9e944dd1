/* SPDX-License-Identifier: MIT */
/*
 * Memory has three owners and none of them is you: the stanza (stanza.h), the running fiber
 * (xy_temp_*, gone when the handler returns) and the module instance (xy_keep_*, gone when the
 * module leaves). Out of memory ends the process with size and owner; nothing here returns NULL.
 */
#ifndef XYLEM_MEMORY_H
#define XYLEM_MEMORY_H

#include <stdarg.h>
#include <xylem/str.h>

/* --- the running fiber's: valid until the handler, timer or command returns, across waits --- */
XY_API void *xy_temp_alloc(size_t size);                    /* zeroed, aligned for anything */
XY_API struct xy_str xy_temp_str(struct xy_str s);           /* a copy, NUL behind it */
XY_API const char *xy_temp_cstr(struct xy_str s);            /* the same as a C string */
XY_API struct xy_str xy_temp_printf(const char *format, ...) XY_PRINTF(1, 2);
XY_API struct xy_str xy_temp_join(const struct xy_str *parts, size_t count, const char *between);
XY_API struct xy_str xy_temp_xml(struct xy_str s);           /* & < > ' " escaped */
XY_API struct xy_str xy_temp_base64(struct xy_str bytes);    /* RFC 4648, padded */
XY_API struct xy_str xy_temp_hex(struct xy_str bytes);       /* lower case */
/* XY_INVALID unless the whole text is padded base64 without white space. */
XY_API XY_CHECK xy_status xy_temp_unbase64(struct xy_str text, struct xy_str *out);

/* For work in many steps: what is allocated between the two, also by what is called, goes with the
 * second. They nest; who opens one closes it before it returns. A buffer that was begun outside must
 * not grow inside. */
XY_API void xy_temp_open(void);
XY_API void xy_temp_close(void);

/* --- the module instance's: `self` is the handler's own state pointer ----------------------- */
XY_API void *xy_keep_alloc(void *self, size_t size);         /* zeroed */
XY_API void *xy_keep_resize(void *self, void *block, size_t size); /* NULL block: a new one; new bytes not zeroed */
XY_API struct xy_str xy_keep_str(void *self, struct xy_str s);
XY_API void xy_keep_free(void *self, const void *block);     /* NULL is fine */

/* A byte string that grows. Lives in the fiber; `text` is NUL-terminated at all times. */
struct xy_buffer {
    char *text;
    size_t len, size;
};
XY_API void xy_buffer_add(struct xy_buffer *buffer, struct xy_str s);
XY_API void xy_buffer_printf(struct xy_buffer *buffer, const char *format, ...) XY_PRINTF(2, 3);
static inline struct xy_str
xy_buffer_str(const struct xy_buffer *buffer)
{
    return xy_str_of(buffer->text, buffer->len);
}

/* A map from byte strings to pointers, owned by the instance that made it. Keys are copied; the
 * values are yours. Order of iteration is unspecified; removing the entry just visited is safe. */
struct xy_map;
XY_API struct xy_map *xy_map_new(void *self);
XY_API void xy_map_free(struct xy_map *map);
XY_API void *xy_map_get(const struct xy_map *map, struct xy_str key);          /* NULL: absent */
XY_API void *xy_map_put(struct xy_map *map, struct xy_str key, void *value);   /* the former value or NULL */
XY_API void *xy_map_remove(struct xy_map *map, struct xy_str key);             /* the value or NULL */
XY_API size_t xy_map_count(const struct xy_map *map);
/* size_t at = 0; while (xy_map_next(map, &at, &key, &value)) … */
XY_API bool xy_map_next(const struct xy_map *map, size_t *at, struct xy_str *key, void **value);

/* Key helper for maps keyed by an integer or a pointer: the bytes of *value. */
#define XY_KEY(value) xy_str_of((const char *)&(value), sizeof(value))

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Maps from byte strings to pointers: entries in one dense array in order of arrival, and an
 * open-addressed table of their positions. Invariants: removal never moves an entry (so a
 * visitor may remove what it visits); a table position is in use exactly for entries below
 * `used`, dead or alive, so at most half the table is taken and every probe ends. The hash is
 * keyed.
 */
#include "core/base/base.h"

enum { LEAST = 8, INLINE = 16, FREE = 0 /* table value; else position + 1 */ };

struct entry {
    uint32_t hash, len;
    union {
        char bytes[INLINE];
        const char *at;
    };
    void *value; /* NULL: removed */
};

struct xy_map {
    struct xyi_link_node owner;
    struct entry *entries;
    uint32_t *table;
    size_t live, used, room; /* the table has 2 * room positions, a power of two */
};

struct xy_map *
xyi_map_new(void)
{
    struct xy_map *map = xyi_alloc(sizeof(*map));
    xyi_list_init(&map->owner);
    return map;
}

struct xyi_link_node *
xyi_map_owner_node(struct xy_map *map)
{
    return &map->owner;
}

struct xy_map *
xyi_map_of_owner_node(struct xyi_link_node *node)
{
    return XYI_LIST_OF(node, struct xy_map, owner);
}

static struct xy_str
key_of(const struct entry *entry)
{
    return xy_str_of(entry->len <= INLINE ? entry->bytes : entry->at, entry->len);
}

static void
free_key(struct entry *entry)
{
    if (entry->len > INLINE)
        xyi_free(entry->at);
}

void
xy_map_free(struct xy_map *map)
{
    if (!map)
        return;
    for (size_t i = 0; i < map->used; i++) {
        if (map->entries[i].value)
            free_key(&map->entries[i]);
    }
    xyi_list_remove(&map->owner);
    xyi_free(map->entries);
    xyi_free(map->table);
    xyi_free(map);
}

static struct entry *
find(const struct xy_map *map, struct xy_str key, uint32_t hash)
{
    size_t mask = map->room * 2 - 1;
    for (size_t at = hash & mask; map->room && map->table[at] != FREE; at = (at + 1) & mask) {
        struct entry *entry = &map->entries[map->table[at] - 1];
        if (entry->value && entry->hash == hash && xy_str_equal(key_of(entry), key))
            return entry;
    }
    return NULL;
}

static void
enter(struct xy_map *map, size_t position)
{
    size_t mask = map->room * 2 - 1, at = map->entries[position].hash & mask;
    while (map->table[at] != FREE)
        at = (at + 1) & mask;
    map->table[at] = (uint32_t)position + 1;
}

/* Drops the dead and leaves as much room again as is taken: constant cost per put, amortised.
 */
static void
rebuild(struct xy_map *map)
{
    size_t room = LEAST;
    while (room < map->live * 2)
        room *= 2;
    xy_assert(room <= UINT32_MAX / 2);
    struct entry *entries = xyi_resize(NULL, room * sizeof(*entries));
    size_t used = 0;
    for (size_t i = 0; i < map->used; i++) {
        if (map->entries[i].value)
            entries[used++] = map->entries[i];
    }
    xyi_free(map->entries);
    xyi_free(map->table);
    map->entries = entries;
    map->used = used;
    map->room = room;
    map->table = xyi_alloc(room * 2 * sizeof(*map->table));
    for (size_t i = 0; i < used; i++)
        enter(map, i);
}

void *
xy_map_get(const struct xy_map *map, struct xy_str key)
{
    if (map->live == 0)
        return NULL;
    struct entry *entry = find(map, key, (uint32_t)xyi_hash(key));
    return entry ? entry->value : NULL;
}

void *
xy_map_put(struct xy_map *map, struct xy_str key, void *value)
{
    xy_assert(value != NULL && key.len < UINT32_MAX);
    uint32_t hash = (uint32_t)xyi_hash(key);
    struct entry *entry = find(map, key, hash);
    if (entry) {
        void *former = entry->value;
        entry->value = value;
        return former;
    }
    if (map->used == map->room)
        rebuild(map);
    entry = &map->entries[map->used];
    *entry = (struct entry){.hash = hash, .len = (uint32_t)key.len, .value = value};
    if (key.len > INLINE)
        entry->at = xyi_str_copy(key).at;
    else if (key.len)
        memcpy(entry->bytes, key.at, key.len);
    enter(map, map->used++);
    map->live++;
    return NULL;
}

void *
xy_map_remove(struct xy_map *map, struct xy_str key)
{
    struct entry *entry = map->live ? find(map, key, (uint32_t)xyi_hash(key)) : NULL;
    if (!entry)
        return NULL;
    void *value = entry->value;
    free_key(entry);
    entry->value = NULL;
    map->live--;
    return value;
}

size_t
xy_map_count(const struct xy_map *map)
{
    return map->live;
}

bool
xy_map_next(const struct xy_map *map, size_t *at, struct xy_str *key, void **value)
{
    while (*at < map->used && !map->entries[*at].value)
        ++*at;
    if (*at >= map->used)
        return false;
    const struct entry *entry = &map->entries[(*at)++];
    if (key)
        *key = key_of(entry);
    if (value)
        *value = entry->value;
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * Instances and what they own: state, kept memory, maps. The core reclaims by owner, so a
 * module has nothing to free when it leaves. Timers and strands: tasks.c.
 */
#include "core/bus/internal.h"

#define MAGIC 0x6978796eu /* "nyxi" */

static const size_t header = (sizeof(struct xy_instance) + 15) & ~(size_t)15;

struct xy_instance *
xyi_instance_of(const void *self)
{
    xy_assert(self);
    struct xy_instance *instance = (struct xy_instance *)((uintptr_t)self - header);
    xy_assert(instance->magic == MAGIC);
    return instance;
}

void *
xyi_instance_state(const struct xy_instance *instance)
{
    return (void *)((uintptr_t)instance + header);
}

struct xy_instance *
xyi_instance_new(struct xyi_library *library, struct xy_host *host)
{
    struct xy_instance *instance = xyi_alloc(header + library->module.state_size + 1);
    instance->magic = MAGIC;
    instance->library = library;
    instance->module = &library->module;
    instance->host = host;
    instance->options_arena = xyi_arena_new(256);
    xyi_library_hold(library);
    xyi_list_init(&instance->blocks);
    xyi_list_init(&instance->timers);
    xyi_list_init(&instance->strands);
    xyi_list_init(&instance->maps);
    xyi_list_init(&instance->leaver);
    return instance;
}

void
xyi_instance_hollow(struct xy_instance *instance)
{
    xy_assert(instance->running == 0 && instance->snapshots == 0);
    xyi_forget_instance(instance);
    xyi_tasks_free(instance);
    xyi_maps_free(instance);
    while (!xyi_list_empty(&instance->blocks)) {
        struct xyi_link_node *block = instance->blocks.next;
        xyi_list_remove(block);
        xyi_free(block);
    }
    xyi_options_release(
        (struct xyi_option_table){instance->module->options, instance->module->options_count},
        xyi_instance_state(instance));
    xyi_arena_free(instance->options_arena);
    xy_jid_drop(instance->service);
    xyi_library_drop(instance->library);
    instance->magic = 0;
}

void
xyi_instance_free(struct xy_instance *instance)
{
    xyi_instance_hollow(instance);
    xyi_free(instance);
}

/* ---- counting --------------------------------------------------------------------------- */

void
xyi_instance_hold(struct xy_instance *instance)
{
    instance->running++;
}

void
xyi_instance_release(struct xy_instance *instance)
{
    if (--instance->running == 0 && instance->leaving)
        xyi_drain_look(instance);
}

struct xy_instance *
xyi_instance_enter(struct xy_instance *instance)
{
    struct xy_instance **current = xyi_fiber_instance_place(), *former = *current;
    *current = instance;
    instance->calls++;
    xyi_instance_hold(instance);
    return former;
}

void
xyi_instance_leave(struct xy_instance *instance, struct xy_instance *former)
{
    *xyi_fiber_instance_place() = former;
    xyi_instance_release(instance);
}

static void
count(struct xy_instance *instance, int by)
{
    if (instance && by > 0)
        xyi_instance_hold(instance);
    else if (instance)
        xyi_instance_release(instance);
}

static struct xy_str
name_current(void)
{
    const struct xy_instance *instance = *xyi_fiber_instance_place();
    return instance ? xy_str_from(instance->module->name) : XY_NO_STR;
}

void
xyi_bus_init(void)
{
    xyi_instance_count = count;
    xyi_log_module = name_current;
}

/* ---- kept memory ------------------------------------------------------------------------ */

struct block {
    struct xyi_link_node link; /* first: see xyi_instance_hollow() */
    _Alignas(16) unsigned char bytes[];
};

static struct block *
block_of(const void *bytes)
{
    return (struct block *)((uintptr_t)bytes - offsetof(struct block, bytes));
}

void *
xy_keep_alloc(void *self, size_t size)
{
    struct block *block = xyi_alloc(sizeof(*block) + size);
    xyi_list_append(&xyi_instance_of(self)->blocks, &block->link);
    return block->bytes;
}

void *
xy_keep_resize(void *self, void *bytes, size_t size)
{
    if (!bytes)
        return xy_keep_alloc(self, size);
    struct block *block = block_of(bytes);
    xyi_list_remove(&block->link);
    block = xyi_resize(block, sizeof(*block) + size);
    xyi_list_append(&xyi_instance_of(self)->blocks, &block->link);
    return block->bytes;
}

struct xy_str
xy_keep_str(void *self, struct xy_str s)
{
    char *copy = xy_keep_alloc(self, s.len + 1);
    if (s.len > 0)
        memcpy(copy, s.at, s.len);
    return xy_str_of(copy, s.len);
}

void
xy_keep_free(void *self, const void *bytes)
{
    (void)xyi_instance_of(self);
    if (!bytes)
        return;
    struct block *block = block_of(bytes);
    xyi_list_remove(&block->link);
    xyi_free(block);
}

/* ---- maps: they carry their owner's list node ------------------------------------------- */

struct xy_map *
xy_map_new(void *self)
{
    struct xy_map *map = xyi_map_new();
    xyi_list_append(&xyi_instance_of(self)->maps, xyi_map_owner_node(map));
    return map;
}

void
xyi_maps_free(struct xy_instance *instance)
{
    while (!xyi_list_empty(&instance->maps))
        xy_map_free(xyi_map_of_owner_node(instance->maps.next));
}

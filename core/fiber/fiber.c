/* SPDX-License-Identifier: MIT */
/*
 * Fibers: their stacks, their pool and the change from one to the other. Invariants: control
 * goes between the loop's own stack and one fiber, never from fiber to fiber; the thread's
 * arena and log scope always belong to what runs. The pool shrinks to what was in use lately.
 */
#include "core/fiber/fiber.h"
#include "core/base/sanitize.h"

#ifdef XYI_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef XYI_TSAN
#include <sanitizer/tsan_interface.h>
#endif

enum { FIRST_ARENA = 4096, KEPT_IDLE = 16, TRIM_MS = 5000 };

struct xyi_link_node xyi_fibers_all = {&xyi_fibers_all, &xyi_fibers_all};

static _Thread_local struct xyi_fiber *current XYI_TLS;

static struct {
    struct xyi_fiber_limits limits;
    struct xyi_link_node idle;              /* the most recently used first */
    unsigned count, idle_count, idle_least; /* least: since the last trim */
    struct xyi_timer trim;
} pool = {{XYI_STACK_BYTES, XYI_FIBERS_MOST}, .idle = {&pool.idle, &pool.idle}};

static struct { /* the loop's own stack, while a fiber runs */
    struct xyi_switch_point point;
    struct xyi_arena *arena;
    struct xyi_log_scope scope;
    struct xy_instance *instance;
    const void *stack_bytes;
    size_t stack_size;
    void *asan_fake_stack, *tsan_fiber;
} loop;

struct xyi_fiber *
xyi_fiber_current(void)
{
    return current;
}

bool
xyi_on_fiber(void)
{
    return current != NULL;
}

void *
xyi_fiber_self(void)
{
    return current;
}

unsigned
xyi_fibers_live(void)
{
    return pool.count - pool.idle_count;
}

unsigned
xyi_fibers_idle(void)
{
    return pool.idle_count;
}

struct xy_instance **
xyi_fiber_instance_place(void)
{
    return current ? &current->instance : &loop.instance;
}

struct xy_instance *
xyi_fiber_instance(void)
{
    return *xyi_fiber_instance_place();
}

void
xyi_fiber_set_instance(struct xy_instance *instance)
{
    *xyi_fiber_instance_place() = instance;
}

/* ---- the switch, with what the sanitizers must know
 * ------------------------------------------- */

static void
arrive_on_fiber(struct xyi_fiber *self)
{
#ifdef XYI_ASAN
    __sanitizer_finish_switch_fiber(self->asan_fake_stack, &loop.stack_bytes, &loop.stack_size);
#endif
    current = self;
    xyi_temp_set(xyi_fiber_arena(self));
    xyi_log_scope = self->scope;
}

static void
leave_fiber(struct xyi_fiber *self)
{
    self->scope = xyi_log_scope;
#ifdef XYI_ASAN /* without a place to keep it, the fake stack is freed */
    __sanitizer_start_switch_fiber(self->ending ? NULL : &self->asan_fake_stack,
                                   loop.stack_bytes, loop.stack_size);
#endif
#ifdef XYI_TSAN
    __tsan_switch_to_fiber(loop.tsan_fiber, 0);
#endif
    xyi_switch(&self->point, &loop.point);
}

void
xyi_fiber_park(struct xyi_fiber *self)
{
    leave_fiber(self);
    arrive_on_fiber(self);
}

void
xyi_fiber_resume(struct xyi_fiber *fiber)
{
    xy_assert(!current);
    fiber->state = XYI_FIBER_RUNNING;
    loop.arena = xyi_temp();
    loop.scope = xyi_log_scope;
#ifdef XYI_ASAN
    __sanitizer_start_switch_fiber(&loop.asan_fake_stack, fiber->stack.bytes,
                                   fiber->stack.size);
#endif
#ifdef XYI_TSAN
    loop.tsan_fiber = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber->tsan_fiber, 0);
#endif
    xyi_switch(&loop.point, &fiber->point);
#ifdef XYI_ASAN
    __sanitizer_finish_switch_fiber(loop.asan_fake_stack, NULL, NULL);
#endif
    current = NULL;
    xyi_temp_set(loop.arena);
    xyi_log_scope = loop.scope;
}

/* ---- a fiber's life
 * ----------------------------------------------------------------------------- */

static void
run_job(struct xyi_fiber *self, struct xyi_job *job)
{
    self->epoch = xyi_epoch_enter();
    job->run(job);
    xy_assert(current == self && !self->scopes);
    xyi_arena_reset(self->arena);
    xyi_log_scope = (struct xyi_log_scope){0};
    self->instance = NULL;
    self->cancelled = false;
    self->cancelled_in = NULL;
    xyi_epoch_leave(self->epoch);
}

static void
destroy(struct xyi_fiber *fiber)
{
    xyi_list_remove(&fiber->idle);
    xyi_list_remove(&fiber->all);
    pool.idle_count--;
    pool.count--;
    fiber->ending = true;
    xyi_fiber_resume(fiber);
#ifdef XYI_TSAN
    __tsan_destroy_fiber(fiber->tsan_fiber);
#endif
    xyi_stack_unmap(&fiber->stack);
    xyi_arena_free(fiber->arena);
    xyi_free(fiber);
}

/* On the loop: lets go those that nobody needed since the last time. */
static void
trim(struct xyi_timer *timer)
{
    unsigned unneeded = pool.idle_least < pool.idle_count - KEPT_IDLE
                            ? pool.idle_least
                            : pool.idle_count - KEPT_IDLE;
    for (; unneeded; unneeded--)
        destroy(XYI_LIST_OF(pool.idle.prev, struct xyi_fiber, idle));
    pool.idle_least = pool.idle_count;
    if (pool.idle_count > KEPT_IDLE)
        xyi_timer_set(timer, TRIM_MS, trim);
}

static void
go_idle(struct xyi_fiber *self)
{
    self->state = XYI_FIBER_IDLE;
    xyi_list_append(pool.idle.next, &self->idle); /* in front */
    if (++pool.idle_count > KEPT_IDLE && !pool.trim.at) {
        pool.idle_least = pool.idle_count;
        xyi_timer_set(&pool.trim, TRIM_MS, trim);
    }
    xyi_fiber_park(self);
}

static void
live(void *argument)
{
    struct xyi_fiber *self = argument;
    arrive_on_fiber(self);
    while (!self->ending) {
        for (struct xyi_job *job; (job = xyi_sched_next_job()) != NULL;)
            run_job(self, job);
        go_idle(self);
    }
    leave_fiber(self);
    __builtin_unreachable();
}

static struct xyi_fiber *
fiber_new(void)
{
    struct xyi_stack stack;
    if (!xyi_stack_map(&stack, pool.limits.stack_bytes)) {
        xy_assert(xyi_fibers_live() > 0); /* no memory for the first stack */
        xy_error("fiber.no_stack", "no memory or mappings for another fiber",
                 XY_F_INT_AS("fibers", pool.count));
        return NULL;
    }
    struct xyi_fiber *fiber = xyi_alloc(sizeof(*fiber));
    fiber->stack = stack;
    fiber->arena = xyi_arena_new(FIRST_ARENA);
    xyi_switch_prepare(&fiber->point, stack.bytes, stack.size, live, fiber);
#ifdef XYI_TSAN
    fiber->tsan_fiber = __tsan_create_fiber(0);
#endif
    xyi_list_init(&fiber->idle);
    xyi_list_append(&xyi_fibers_all, &fiber->all);
    pool.count++;
    return fiber;
}

bool
xyi_fiber_available(void)
{
    return xyi_fibers_live() < pool.limits.most;
}

struct xyi_fiber *
xyi_fiber_take(void)
{
    if (!xyi_fiber_available())
        return NULL;
    if (xyi_list_empty(&pool.idle))
        return fiber_new();
    struct xyi_fiber *fiber = XYI_LIST_OF(pool.idle.next, struct xyi_fiber, idle);
    xyi_list_remove(&fiber->idle);
    if (--pool.idle_count < pool.idle_least)
        pool.idle_least = pool.idle_count;
    return fiber;
}

void
xyi_fibers_init(struct xyi_fiber_limits limits)
{
    xy_assert(pool.count == 0);
    pool.limits.stack_bytes = limits.stack_bytes ? limits.stack_bytes : XYI_STACK_BYTES;
    xyi_fibers_set_most(limits.most);
}

void
xyi_fibers_set_most(unsigned most)
{
    pool.limits.most = most ? most : XYI_FIBERS_MOST;
}

void
xyi_fibers_end(void)
{
    xy_assert(!current && xyi_fibers_live() == 0 && !xyi_sched_ready());
    xyi_timer_clear(&pool.trim);
    while (!xyi_list_empty(&pool.idle))
        destroy(XYI_LIST_OF(pool.idle.next, struct xyi_fiber, idle));
    xyi_epoch_end();
    xyi_timers_end();
}

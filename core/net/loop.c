/* SPDX-License-Identifier: MIT */
/*
 * The loop of the logic thread, on libevent. A turn waits for events, then opens mails, runs
 * timers and fibers until nothing is left to do (but not for ever: sockets want their share),
 * and writes once per connection that was written to. Invariant: a turn sleeps only when no
 * fiber is ready, no mail waits and no connection has more to read.
 */
#include "core/net/net_internal.h"

enum {
    ROUNDS = 16,   /* of mails, timers and fibers before events are looked at again */
    FROZEN_MS = 10 /* how often a test's clock is looked at: it moves without an event */
};

static struct { /* logic thread */
    struct event_base *base;
    struct event *bell, *alarm;
    struct xyi_link_node ready; /* watches: they run after the clock has moved */
    bool stop;
} loop;

struct xyi_watch {
    struct event *event;
    struct xyi_link_node in_ready;
    void (*ready)(void *argument);
    void *argument;
};

static void
nothing(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what, (void)argument; /* to be awake is all it is for */
}

struct event *
xyi_loop_bell(struct event_base *base, struct xyi_inbox *inbox)
{
    struct event *bell =
        event_new(base, inbox->fd, EV_READ | EV_ET | EV_PERSIST, nothing, NULL);
    xy_assert(bell && event_add(bell, NULL) == 0);
    return bell;
}

struct event *
xyi_loop_alarm(struct event_base *base)
{
    struct event *alarm = evtimer_new(base, nothing, NULL);
    xy_assert(alarm != NULL);
    return alarm;
}

static int64_t
sleep_ms(bool busy)
{
    if (busy)
        return 0;
    int64_t ms = xyi_timers_next_ms();
    bool may_jump = xyi_clock_is_frozen() && (ms == XY_NONE || ms > FROZEN_MS);
    return may_jump ? FROZEN_MS : ms;
}

void
xyi_loop_wait(struct event_base *base, struct event *alarm, struct xyi_inbox *inbox, bool busy)
{
    int64_t ms = sleep_ms(busy);
    if (ms == 0 || !xyi_inbox_may_sleep(inbox)) {
        event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        return;
    }
    if (ms != XY_NONE) {
        struct timeval until = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        event_add(alarm, &until);
    }
    event_base_loop(base, EVLOOP_ONCE);
    xyi_inbox_awake(inbox);
    if (ms != XY_NONE)
        event_del(alarm);
}

void
xyi_loop_init(void)
{
    struct event_config *config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    loop.base = event_base_new_with_config(config);
    event_config_free(config);
    xy_assert(loop.base != NULL);
    xyi_inbox_init(&xyi_logic_inbox);
    loop.bell = xyi_loop_bell(loop.base, &xyi_logic_inbox);
    loop.alarm = xyi_loop_alarm(loop.base);
    loop.stop = false;
    xyi_list_init(&loop.ready);
    xyi_clock_turn();
}

void
xyi_loop_end(void)
{
    event_free(loop.bell);
    event_free(loop.alarm);
    event_base_free(loop.base);
    xyi_inbox_close(&xyi_logic_inbox);
    loop.base = NULL;
}

struct event_base *
xyi_loop_base(void)
{
    return loop.base;
}

static void
run_watches(void)
{
    struct xyi_link_node turn; /* what becomes ready meanwhile is for the next */
    xyi_list_take(&loop.ready, &turn);
    while (!xyi_list_empty(&turn)) {
        struct xyi_watch *watch = XYI_LIST_OF(turn.next, struct xyi_watch, in_ready);
        xyi_list_remove(&watch->in_ready);
        watch->ready(watch->argument); /* may end any watch */
    }
}

static bool
work_once(void)
{
    bool more = xyi_inbox_open_all(&xyi_logic_inbox) > 0;
    xyi_timers_run();
    more |= xyi_net_dispatch() > 0;
    if (xyi_sched_ready()) {
        xyi_sched_run();
        more = true;
    }
    more |= xyi_net_dispatch() > 0;
    return more;
}

void
xyi_loop_turn(void)
{
    xyi_loop_wait(loop.base, loop.alarm, &xyi_logic_inbox, xyi_sched_ready() || xyi_net_busy());
    xyi_clock_turn();
    run_watches();
    xyi_net_work();
    for (unsigned round = 0; round < ROUNDS && work_once(); round++)
        ;
    xyi_net_flush();
    xyi_epoch_sweep();
}

void
xyi_loop_deliver(void)
{
    xyi_loop_wait(loop.base, loop.alarm, &xyi_logic_inbox, xyi_net_busy());
    xyi_net_work();
    (void)xyi_inbox_open_all(&xyi_logic_inbox);
    (void)xyi_net_dispatch();
    xyi_net_flush();
}

void
xyi_loop_run(void)
{
    loop.stop = false;
    while (!loop.stop)
        xyi_loop_turn();
}

void
xyi_loop_stop(void)
{
    loop.stop = true;
}

/* ---- watches ---------------------------------------------------------------------------- */

static void
fire(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    struct xyi_watch *watch = argument;
    xyi_list_remove(&watch->in_ready);
    xyi_list_append(&loop.ready, &watch->in_ready);
}

static struct xyi_watch *
watch_new(int fd, short what, void (*ready)(void *argument), void *argument)
{
    struct xyi_watch *watch = xyi_alloc(sizeof(*watch));
    watch->ready = ready;
    watch->argument = argument;
    xyi_list_init(&watch->in_ready);
    watch->event = event_new(loop.base, fd, what | EV_PERSIST, fire, watch);
    xy_assert(watch->event && event_add(watch->event, NULL) == 0);
    return watch;
}

struct xyi_watch *
xyi_watch_fd(int fd, bool write, void (*ready)(void *argument), void *argument)
{
    return watch_new(fd, write ? EV_WRITE : EV_READ, ready, argument);
}

struct xyi_watch *
xyi_watch_signal(int signal, void (*ready)(void *argument), void *argument)
{
    return watch_new(signal, EV_SIGNAL, ready, argument);
}

void
xyi_watch_end(struct xyi_watch *watch)
{
    xyi_list_remove(&watch->in_ready);
    event_free(watch->event);
    xyi_free(watch);
}

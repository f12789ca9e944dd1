/* SPDX-License-Identifier: MIT */
/*
 * The I/O side: n threads, each with a loop of its own, or none and one I/O side on the logic
 * thread's loop. Invariant: an I/O side's memory is touched by its thread only, but for
 * `to_io`, which is the logic thread's.
 */
#include "core/net/net_internal.h"

#include <pthread.h>
#include <signal.h>

enum { KEEP_BYTES = 256 * 1024 }; /* of output memory between turns */

static struct { /* logic thread */
    struct io *all;
    unsigned count, next;
    bool local; /* io_threads 0: one, here */
} net;

struct order { /* to an I/O side as a whole */
    struct xyi_mail mail;
    struct io *io;
    struct xyi_net_limits limits;
    struct xyi_tls *tls;
};

/* ---- a turn ----------------------------------------------------------------------------- */

static void
read_all(struct io *io)
{
    struct xyi_link_node turn; /* what they add is for the next */
    xyi_list_take(&io->work, &turn);
    while (!xyi_list_empty(&turn)) {
        struct conn *conn = XYI_LIST_OF(turn.next, struct conn, in_work);
        xyi_list_remove(&conn->in_work);
        xyi_conn_turn(conn);
    }
}

static void
flush_all(struct io *io)
{
    while (!xyi_list_empty(&io->touched)) {
        struct conn *conn = XYI_LIST_OF(io->touched.next, struct conn, in_touched);
        xyi_list_remove(&conn->in_touched);
        xyi_conn_flush(conn);
    }
    if (io->wire.size > KEEP_BYTES)
        xyi_out_free(&io->wire);
    if (io->plain.size > KEEP_BYTES)
        xyi_out_free(&io->plain);
}

static void *
run(void *argument)
{
    struct io *io = argument;
    while (!io->stopping) {
        xyi_loop_wait(io->base, io->alarm, &io->inbox, !xyi_list_empty(&io->work));
        xyi_clock_turn();
        xyi_inbox_open_all(&io->inbox);
        xyi_timers_run();
        read_all(io);
        flush_all(io);
        xyi_post_send(&io->to_logic);
    }
    xyi_parser_pool_drain();
    xyi_mail_cache_drain();
    xyi_timers_end();
    return NULL;
}

/* ---- orders ----------------------------------------------------------------------------- */

static void
configure(struct xyi_mail *mail)
{
    struct order *order = (struct order *)(void *)mail;
    struct io *io = order->io;
    if (io->tls)
        xyi_tls_drop(io->tls);
    io->tls = order->tls;
    io->limits = order->limits;
    for (struct xyi_link_node *at = io->conns.next; at != &io->conns; at = at->next) {
        struct conn *conn = XYI_LIST_OF(at, struct conn, in_io);
        xyi_conn_limit_parser(conn);
        xyi_conn_alarm(conn);
    }
    xyi_free(order);
}

static void
stop(struct xyi_mail *mail)
{
    struct order *order = (struct order *)(void *)mail;
    order->io->stopping = true;
    xyi_free(order);
}

static struct order *
order_new(struct io *io, void (*open)(struct xyi_mail *))
{
    struct order *order = xyi_alloc(sizeof(*order));
    order->mail.open = open;
    order->io = io;
    return order;
}

static struct xyi_net_limits configured; /* logic thread */

const struct xyi_net_limits *
xyi_net_limits(void)
{
    return &configured;
}

void
xyi_net_configure(const struct xyi_net_limits *limits, struct xyi_tls *tls)
{
    configured = *limits;
    xyi_admit_limits(limits);
    for (unsigned i = 0; i < net.count; i++) {
        struct order *order = order_new(&net.all[i], configure);
        order->limits = *limits;
        order->tls = xyi_tls_keep(tls);
        xyi_post_add(&net.all[i].to_io, &order->mail);
    }
}

/* ---- start and stop --------------------------------------------------------------------- */

static void
make(struct io *io)
{
    xyi_list_init(&io->conns);
    xyi_list_init(&io->work);
    xyi_list_init(&io->touched);
    io->input = xyi_alloc(READ_BYTES);
    io->clear = xyi_alloc(RECORD_BYTES);
    io->limits.idle_ms = XY_NONE;
    io->base = xyi_loop_base();
    if (io->threaded) {
        struct event_config *config = event_config_new();
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
        io->base = event_base_new_with_config(config);
        event_config_free(config);
        xy_assert(io->base != NULL);
        xyi_inbox_init(&io->inbox);
        io->to_io.to = &io->inbox;
        io->to_logic.to = &xyi_logic_inbox;
        io->bell = xyi_loop_bell(io->base, &io->inbox);
        io->alarm = xyi_loop_alarm(io->base);
    }
    xyi_io_linger_init(io);
    xyi_io_marks_init(io);
}

static void
start_thread(struct io *io)
{
    sigset_t every, before; /* signals are the logic thread's */
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    int failed = pthread_create(&io->thread, NULL, run, io);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    xy_assert(!failed);
    (void)pthread_setname_np(io->thread, "xylem-io");
}

void
xyi_net_start(unsigned io_threads, const struct xyi_link_events *events)
{
    net.local = io_threads == 0;
    net.count = net.local ? 1 : io_threads;
    net.next = 0;
    net.all = xyi_alloc(net.count * sizeof(*net.all));
    xyi_links_start(events);
    xyi_admit_init();
    for (unsigned i = 0; i < net.count; i++) {
        net.all[i].threaded = !net.local;
        make(&net.all[i]);
        if (!net.local)
            start_thread(&net.all[i]);
    }
}

static void
unmake(struct io *io)
{
    if (io->threaded) {
        struct order *order = order_new(io, stop);
        xyi_post_add(&io->to_io, &order->mail);
        xyi_post_send(&io->to_io);
        pthread_join(io->thread, NULL);
    }
    xyi_io_linger_end(io);
    xyi_io_marks_end(io);
    if (io->threaded) {
        event_free(io->bell);
        event_free(io->alarm);
        event_base_free(io->base);
        xyi_inbox_close(&io->inbox);
    }
    if (io->tls)
        xyi_tls_drop(io->tls);
    xyi_out_free(&io->wire);
    xyi_out_free(&io->plain);
    xyi_free(io->input);
    xyi_free(io->clear);
}

void
xyi_net_stop(void)
{
    xyi_links_cut_all();
    while (xyi_links_count())
        xyi_loop_deliver();
    (void)xyi_net_dispatch(); /* the last DO_FREE */
    for (unsigned i = 0; i < net.count; i++)
        unmake(&net.all[i]);
    xyi_free(net.all);
    net.all = NULL;
    net.count = 0;
    xyi_admit_end();
    xyi_parser_pool_drain();
    xyi_mail_cache_drain();
}

struct io *
xyi_io_next(void)
{
    return &net.all[net.next++ % net.count];
}

/* ---- the logic thread's loop calls ------------------------------------------------------ */

bool
xyi_net_busy(void)
{
    if (!net.count || !net.local) {
        (void)xyi_net_dispatch(); /* what was said outside of a turn */
        return false;
    }
    const struct io *io = net.all;
    return io->to_io.first || io->to_logic.first || !xyi_list_empty(&io->work) ||
           !xyi_list_empty(&io->touched);
}

void
xyi_net_work(void)
{
    if (net.count && net.local)
        read_all(net.all);
}

size_t
xyi_net_dispatch(void)
{
    if (net.count && net.local)
        return xyi_post_open(&net.all->to_logic) + xyi_post_open(&net.all->to_io);
    for (unsigned i = 0; i < net.count; i++)
        xyi_post_send(&net.all[i].to_io);
    return 0;
}

void
xyi_net_flush(void)
{
    if (net.count && net.local)
        flush_all(net.all);
}

void
xyi_net_counts(struct xyi_net_counts *counts)
{
    *counts = (struct xyi_net_counts){
        .accepted = xyi_accepted, .refused = xyi_refused, .open = xyi_links_count()};
    for (unsigned i = 0; i < net.count; i++) {
        const struct io_counts *of = &net.all[i].counts;
        counts->bytes_in += atomic_load_explicit(&of->bytes_in, memory_order_relaxed);
        counts->bytes_out += atomic_load_explicit(&of->bytes_out, memory_order_relaxed);
        counts->stanzas_in += atomic_load_explicit(&of->stanzas_in, memory_order_relaxed);
        counts->stanzas_out += atomic_load_explicit(&of->stanzas_out, memory_order_relaxed);
        counts->tls_failures += atomic_load_explicit(&of->tls_failures, memory_order_relaxed);
    }
}

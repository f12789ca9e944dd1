/* SPDX-License-Identifier: MIT */
/*
 * The storage threads: one writer and n readers, each with a connection of its own, each fed by
 * a queue. Only the logic thread submits.
 */
#ifndef XYI_STORE_THREAD_H
#define XYI_STORE_THREAD_H

#include <pthread.h>

#include "core/store/driver.h"

struct xyi_queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct xyi_mail *first, **last; /* of struct xyi_request */
    size_t length;
    bool closed;
};
void xyi_queue_init(struct xyi_queue *queue);
void xyi_queue_end(struct xyi_queue *queue);
void xyi_queue_push(struct xyi_queue *queue, struct xyi_request *request);
void xyi_queue_close(struct xyi_queue *queue);
size_t xyi_queue_length(struct xyi_queue *queue);
/* Waits for requests. Takes the first, and if it is a transaction those that follow it
 * directly, at most `most` (whose bytes stay in bounds). 0: closed and empty. */
size_t xyi_queue_take(struct xyi_queue *queue, struct xyi_request **taken, size_t most);

struct xyi_store_thread {
    pthread_t thread;
    struct xyi_queue *queue;
    const struct xyi_driver *driver;
    struct xyi_driver_options options;
    struct xyi_connection *connection; /* NULL: not connected */
    bool reported;                     /* that it is not connected */
};
/* Connects if need be, trying until the deadline, at least once. */
xy_status xyi_store_connect(struct xyi_store_thread *thread, int64_t deadline_us,
                            struct xyi_fault *fault);
void xyi_store_pause(int64_t *ms); /* sleeps *ms (0: the least) and doubles it, within bounds */
void xyi_fault_log(const struct xyi_fault *fault, xy_status status);
void *xyi_writer_main(void *thread);
void *xyi_reader_main(void *thread);
/* Runs a request that is no transaction, again while the connection is lost and time remains.
 */
void xyi_request_run(struct xyi_request *request, struct xyi_store_thread *thread);

/* The open store: logic thread. */
bool xyi_store_is_open(void);
int64_t xyi_store_timeout_ms(void);
void xyi_store_submit(struct xyi_request *request, bool to_writer);
struct xyi_queue *xyi_store_queue(bool of_writer);
extern struct xyi_store_counts xyi_store_counters;

/* A function on a storage thread, for migrations and checks; waits for it without a time limit,
 * since the thread answers in bounded time. `wait_ms` limits the wait for a connection. */
typedef xy_status xyi_store_fn(struct xyi_store_thread *thread, void *argument,
                               struct xyi_fault *fault);
XY_SUSPENDS XY_CHECK xy_status xyi_store_call(bool on_writer, int64_t wait_ms, xyi_store_fn *fn,
                                              void *argument, struct xyi_fault *fault);

#endif

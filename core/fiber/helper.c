/* SPDX-License-Identifier: MIT */
/*
 * Helper threads for what blocks or computes long: one queue, any thread takes the next.
 * Invariant: a helper touches nothing but the work's argument; everything else happens on the
 * logic thread, when it opens the mail. Helpers take no signals.
 */
#include "core/fiber/fiber_internal.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

struct work {
    struct xyi_mail mail;
    struct work *next;
    void (*run)(void *argument);
    void (*done)(void *argument);
    void *argument;
};

static struct { /* under the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    struct work *first, *last;
    bool stopping;
} queue = {.mutex = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};

static pthread_t *helpers; /* of the thread that starts and stops them */
static unsigned helpers_count;

static void
report(struct xyi_mail *mail)
{
    struct work *work = XYI_LIST_OF(mail, struct work, mail);
    work->done(work->argument);
    xyi_free(work);
}

static struct work *
take(void) /* NULL: none is left and none will come */
{
    pthread_mutex_lock(&queue.mutex);
    while (!queue.first && !queue.stopping)
        pthread_cond_wait(&queue.filled, &queue.mutex);
    struct work *work = queue.first;
    if (work)
        queue.first = work->next;
    pthread_mutex_unlock(&queue.mutex);
    return work;
}

static void *
help(void *unused)
{
    (void)unused;
    for (struct work *work; (work = take()) != NULL;) {
        work->run(work->argument);
        if (work->done)
            xyi_inbox_post(&xyi_logic_inbox, &work->mail);
        else
            xyi_free(work);
    }
    return NULL;
}

void
xyi_helpers_start(unsigned threads)
{
    xy_assert(helpers_count == 0);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    helpers_count = threads ? threads : cores > 0 ? (unsigned)cores : 1;
    helpers = xyi_alloc(helpers_count * sizeof(*helpers));
    queue.stopping = false;
    sigset_t all, former;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    for (unsigned i = 0; i < helpers_count; i++) {
        int failed = pthread_create(&helpers[i], NULL, help, NULL);
        xy_assert(!failed);
        pthread_setname_np(helpers[i], "xylem-helper");
    }
    pthread_sigmask(SIG_SETMASK, &former, NULL);
}

void
xyi_helpers_stop(void)
{
    pthread_mutex_lock(&queue.mutex);
    queue.stopping = true;
    pthread_cond_broadcast(&queue.filled);
    pthread_mutex_unlock(&queue.mutex);
    for (unsigned i = 0; i < helpers_count; i++)
        pthread_join(helpers[i], NULL);
    xyi_free(helpers);
    helpers = NULL;
    helpers_count = 0;
}

void
xyi_offload(void (*run)(void *argument), void (*done)(void *argument), void *argument)
{
    struct work *work = xyi_alloc(sizeof(*work));
    *work = (struct work){{NULL, report}, NULL, run, done, argument};
    pthread_mutex_lock(&queue.mutex);
    if (queue.first)
        queue.last->next = work;
    else
        queue.first = work;
    queue.last = work;
    pthread_cond_signal(&queue.filled);
    pthread_mutex_unlock(&queue.mutex);
}

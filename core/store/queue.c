/* SPDX-License-Identifier: MIT */
/*
 * The queues in front of the storage threads. First in, first out: that is what makes commits
 * happen in the order of submission.
 */
#include "core/store/thread.h"

enum { BATCH_BYTES = 4 << 20 };

void
xyi_queue_init(struct xyi_queue *queue)
{
    *queue = (struct xyi_queue){.last = NULL};
    queue->last = &queue->first;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->filled, NULL);
}

void
xyi_queue_end(struct xyi_queue *queue)
{
    xy_assert(!queue->first);
    pthread_mutex_destroy(&queue->lock);
    pthread_cond_destroy(&queue->filled);
}

void
xyi_queue_push(struct xyi_queue *queue, struct xyi_request *request)
{
    request->mail.next = NULL;
    pthread_mutex_lock(&queue->lock);
    xy_assert(!queue->closed);
    *queue->last = &request->mail;
    queue->last = &request->mail.next;
    queue->length++;
    pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}

void
xyi_queue_close(struct xyi_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_broadcast(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}

size_t
xyi_queue_length(struct xyi_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t length = queue->length;
    pthread_mutex_unlock(&queue->lock);
    return length;
}

static struct xyi_request *
request_of(struct xyi_mail *mail)
{
    return (struct xyi_request *)(void *)mail;
}

static struct xyi_request *
take_first(struct xyi_queue *queue)
{
    struct xyi_mail *mail = queue->first;
    queue->first = mail->next;
    if (!queue->first)
        queue->last = &queue->first;
    queue->length--;
    mail->next = NULL;
    return request_of(mail);
}

static bool
txn_is_next(const struct xyi_queue *queue)
{
    return queue->first && !request_of(queue->first)->run;
}

static size_t
bytes_of(const struct xyi_request *request)
{
    return ((const struct xy_txn *)(const void *)request)->bytes;
}

size_t
xyi_queue_take(struct xyi_queue *queue, struct xyi_request **taken, size_t most)
{
    size_t count = 0, bytes = 0;
    pthread_mutex_lock(&queue->lock);
    while (!queue->first && !queue->closed)
        pthread_cond_wait(&queue->filled, &queue->lock);
    if (queue->first && !txn_is_next(queue))
        taken[count++] = take_first(queue);
    else
        for (; txn_is_next(queue) && count < most && bytes < BATCH_BYTES; count++) {
            taken[count] = take_first(queue);
            bytes += bytes_of(taken[count]);
        }
    pthread_mutex_unlock(&queue->lock);
    return count;
}

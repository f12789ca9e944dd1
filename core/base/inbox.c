/* SPDX-License-Identifier: MIT */
/*
 * How threads talk: many producers push, one consumer takes all. Invariant: a consumer that
 * sleeps is woken by the first mail and by no other. It sets `asleep` and then looks at `top`;
 * a producer changes `top` and then looks at `asleep`; all four are sequentially consistent, so
 * one of the two sees the other. The eventfd is edge-triggered and never read.
 */
#include "core/base/base.h"

#include <sys/eventfd.h>
#include <unistd.h>

struct xyi_inbox xyi_logic_inbox = {.fd = -1};

void
xyi_inbox_init(struct xyi_inbox *inbox)
{
    atomic_init(&inbox->top, NULL);
    atomic_init(&inbox->asleep, false);
    inbox->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    xy_assert(inbox->fd >= 0);
}

void
xyi_inbox_close(struct xyi_inbox *inbox)
{
    if (inbox->fd >= 0)
        close(inbox->fd);
    inbox->fd = -1;
}

static void
ring(struct xyi_inbox *inbox)
{
    if (!atomic_load(&inbox->asleep) || !atomic_exchange(&inbox->asleep, false))
        return;
    const uint64_t one = 1;
    ssize_t wrote = write(inbox->fd, &one, sizeof(one));
    xy_assert(wrote == (ssize_t)sizeof(one));
}

void
xyi_inbox_post(struct xyi_inbox *inbox, struct xyi_mail *mail)
{
    xyi_inbox_post_chain(inbox, mail, mail);
}

void
xyi_inbox_post_chain(struct xyi_inbox *inbox, struct xyi_mail *first, struct xyi_mail *last)
{
    /* The stack holds the newest on top, so the chain goes in turned round. */
    struct xyi_mail *turned = NULL, *mail = first, *next;
    last->next = NULL;
    for (; mail; mail = next) {
        next = mail->next;
        mail->next = turned;
        turned = mail;
    }
    first->next = atomic_load_explicit(&inbox->top, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&inbox->top, &first->next, last))
        ;
    ring(inbox);
}

size_t
xyi_inbox_open_all(struct xyi_inbox *inbox)
{
    if (!atomic_load_explicit(&inbox->top, memory_order_relaxed))
        return 0;
    struct xyi_mail *stack = atomic_exchange(&inbox->top, NULL), *in_order = NULL, *next;
    for (; stack; stack = next) {
        next = stack->next;
        stack->next = in_order;
        in_order = stack;
    }
    size_t opened = 0;
    for (; in_order; in_order = next, opened++) {
        next = in_order->next;
        in_order->open(in_order);
    }
    return opened;
}

bool
xyi_inbox_may_sleep(struct xyi_inbox *inbox)
{
    atomic_store(&inbox->asleep, true);
    if (!atomic_load(&inbox->top))
        return true;
    atomic_store(&inbox->asleep, false);
    return false;
}

void
xyi_inbox_awake(struct xyi_inbox *inbox)
{
    atomic_store(&inbox->asleep, false);
}

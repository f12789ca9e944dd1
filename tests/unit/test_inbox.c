/* SPDX-License-Identifier: MIT */
/* Inboxes: order per producer, nothing lost, and a sleeping consumer always woken. */
#include "tests/unit/harness.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include "core/base/base.h"

enum { PRODUCERS = 4, LETTERS = 5000, CHAIN = 8 };

struct letter {
    struct xyi_mail mail;
    int producer, number;
};

static struct xyi_inbox inbox;
static int next_number[PRODUCERS], opened;

static void
open_letter(struct xyi_mail *mail)
{
    struct letter *letter = XYI_LIST_OF(mail, struct letter, mail);
    CHECK_EQ(letter->number, next_number[letter->producer]);
    next_number[letter->producer]++;
    opened++;
    xyi_free(letter);
}

static struct letter *
write_letter(int producer, int number)
{
    struct letter *letter = xyi_alloc(sizeof(*letter));
    *letter = (struct letter){{NULL, open_letter}, producer, number};
    return letter;
}

static void *
post_single(void *argument)
{
    int producer = *(int *)argument;
    for (int i = 0; i < LETTERS; i++)
        xyi_inbox_post(&inbox, &write_letter(producer, i)->mail);
    return NULL;
}

static void *
post_chains(void *argument)
{
    int producer = *(int *)argument;
    for (int i = 0; i < LETTERS;) {
        struct xyi_mail *first = &write_letter(producer, i++)->mail, *last = first;
        for (int n = 1; n < CHAIN && i < LETTERS; n++)
            last = last->next = &write_letter(producer, i++)->mail;
        xyi_inbox_post_chain(&inbox, first, last);
    }
    return NULL;
}

/* Sleeps on epoll, edge-triggered, whenever the inbox allows it: a lost ring would hang. */
static void
consume(int expected)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    CHECK_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, inbox.fd, &event), 0);
    while (opened < expected) {
        xyi_inbox_open_all(&inbox);
        if (opened < expected && xyi_inbox_may_sleep(&inbox)) {
            CHECK(epoll_wait(epoll, &event, 1, 20000) == 1);
            xyi_inbox_awake(&inbox);
        }
    }
    close(epoll);
}

TEST(threads_post_in_order_and_nothing_is_lost)
{
    xyi_inbox_init(&inbox);
    pthread_t threads[PRODUCERS];
    int numbers[PRODUCERS];
    for (int i = 0; i < PRODUCERS; i++) {
        numbers[i] = i;
        next_number[i] = 0;
        CHECK(
            !pthread_create(&threads[i], NULL, i % 2 ? post_chains : post_single, &numbers[i]));
    }
    opened = 0;
    consume(PRODUCERS * LETTERS);
    for (int i = 0; i < PRODUCERS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(next_number[i], LETTERS);
    }
    CHECK_EQ(xyi_inbox_open_all(&inbox), 0);
    xyi_inbox_close(&inbox);
}

static bool
rings(void)
{
    struct pollfd bell = {.fd = inbox.fd, .events = POLLIN};
    uint64_t count;
    return poll(&bell, 1, 0) == 1 && read(inbox.fd, &count, sizeof(count)) == sizeof(count);
}

TEST(only_a_sleeper_is_woken_and_only_once)
{
    xyi_inbox_init(&inbox);
    next_number[0] = opened = 0;
    xyi_inbox_post(&inbox, &write_letter(0, 0)->mail);
    CHECK(!rings());
    CHECK(!xyi_inbox_may_sleep(&inbox)); /* there is mail */
    CHECK_EQ(xyi_inbox_open_all(&inbox), 1);
    CHECK(xyi_inbox_may_sleep(&inbox));
    xyi_inbox_post(&inbox, &write_letter(0, 1)->mail);
    CHECK(rings());
    xyi_inbox_post(&inbox, &write_letter(0, 2)->mail);
    CHECK(!rings());
    xyi_inbox_awake(&inbox);
    CHECK_EQ(xyi_inbox_open_all(&inbox), 2);
    CHECK(xyi_inbox_may_sleep(&inbox));
    xyi_inbox_awake(&inbox); /* woken by something else */
    xyi_inbox_post(&inbox, &write_letter(0, 3)->mail);
    CHECK(!rings());
    CHECK_EQ(xyi_inbox_open_all(&inbox), 1);
    xyi_inbox_close(&inbox);
}

static void
answer(struct xyi_mail *mail) /* opening one may post another */
{
    open_letter(mail);
    if (opened < 3)
        xyi_inbox_post(&inbox, &write_letter(0, opened)->mail);
}

TEST(mail_posted_while_opening_comes_next_time)
{
    xyi_inbox_init(&inbox);
    next_number[0] = opened = 0;
    struct letter *first = write_letter(0, 0);
    first->mail.open = answer;
    xyi_inbox_post(&inbox, &first->mail);
    CHECK_EQ(xyi_inbox_open_all(&inbox), 1);
    CHECK(!xyi_inbox_may_sleep(&inbox));
    CHECK_EQ(xyi_inbox_open_all(&inbox), 1);
    CHECK_EQ(xyi_inbox_open_all(&inbox), 0);
    xyi_inbox_close(&inbox);
}

END_TESTS

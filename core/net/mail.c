/* SPDX-License-Identifier: MIT */
/*
 * Mails between the logic thread and the I/O side. One size for all, cached by the thread that
 * opened them, so that a stanza in and one out cost no malloc(). Invariant: mails of one thread
 * to another arrive in the order of posting.
 */
#include "core/net/net_internal.h"

enum {
    CHAIN = 64,   /* a chain goes out at the end of a turn, or when it is this long */
    CACHED = 1024 /* mails a thread keeps */
};

static _Thread_local struct { /* mails this thread opened and may use again */
    struct xyi_mail *first;
    unsigned count;
} cache __attribute__((tls_model("initial-exec")));

struct mail *
xyi_mail_new(struct xyi_link *link, enum mail_what what)
{
    struct mail *mail = (struct mail *)(void *)cache.first;
    if (mail) {
        cache.first = mail->mail.next;
        cache.count--;
    } else {
        mail = xyi_alloc(sizeof(*mail));
    }
    mail->link = link;
    mail->what = what;
    mail->mail.open = what < TELL_HEADER ? xyi_conn_open_mail : xyi_link_open_mail;
    return mail;
}

void
xyi_mail_free(struct mail *mail)
{
    if (cache.count >= CACHED) {
        xyi_free(mail);
        return;
    }
    mail->mail.next = cache.first;
    cache.first = &mail->mail;
    cache.count++;
}

void
xyi_mail_cache_drain(void)
{
    while (cache.first) {
        struct xyi_mail *mail = cache.first;
        cache.first = mail->next;
        xyi_free(mail);
    }
    cache.count = 0;
}

void
xyi_post_add(struct post *post, struct xyi_mail *mail)
{
    mail->next = NULL;
    if (post->last)
        post->last->next = mail;
    else
        post->first = mail;
    post->last = mail;
    if (++post->count >= CHAIN && post->to)
        xyi_post_send(post);
}

struct mail *
xyi_post_pop(struct post *post)
{
    struct xyi_mail *mail = post->first;
    if (!mail)
        return NULL;
    post->first = mail->next;
    if (!post->first)
        post->last = NULL;
    post->count--;
    return (struct mail *)(void *)mail;
}

static struct xyi_mail *
take_all(struct post *post)
{
    struct xyi_mail *first = post->first;
    post->first = post->last = NULL;
    post->count = 0;
    return first;
}

void
xyi_post_send(struct post *post)
{
    struct xyi_mail *last = post->last;
    if (last)
        xyi_inbox_post_chain(post->to, take_all(post), last);
}

size_t
xyi_post_open(struct post *post)
{
    size_t opened = 0;
    for (struct xyi_mail *mail = take_all(post), *next; mail; mail = next, opened++) {
        next = mail->next;
        mail->open(mail);
    }
    return opened;
}

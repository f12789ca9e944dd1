/* SPDX-License-Identifier: MIT */
/*
 * Marks: which output the peer's kernel has acknowledged. A mark stands at a byte position of
 * the connection; what SIOCOUTQ does not count as waiting is acknowledged. TCP tells nobody
 * when that happens, so connections with marks are asked on a coarse timer, which runs only
 * while there are some, and whenever the peer says something: what it has read must be known
 * before it leaves. Real time: the peer's kernel knows no test clock.
 */
#include "core/net/net_internal.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

enum { FIRST_MS = 20, MOST_MS = 200 };

static void
wait(struct io *io, int ms)
{
    io->marks_wait_ms = ms;
    struct timeval until = {.tv_usec = ms * 1000};
    event_add(io->marks_alarm, &until);
}

static bool
confirm(struct conn *conn)
{
    int waiting;
    if (ioctl(conn->fd, SIOCOUTQ, &waiting) != 0)
        return false;
    uint64_t there = conn->written - (uint64_t)waiting;
    bool any = false;
    while (conn->marks.first && ((struct mail *)(void *)conn->marks.first)->position <= there) {
        struct mail *mail = xyi_post_pop(&conn->marks);
        mail->what = TELL_CONFIRMED;
        mail->mail.open = xyi_link_open_mail;
        xyi_conn_tell_mail(conn, mail);
        any = true;
    }
    if (!conn->marks.first)
        xyi_list_remove(&conn->in_marked);
    return any;
}

static void
ask_all(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    struct io *io = argument;
    bool any = false;
    for (struct xyi_link_node *at = io->marked.next, *next; at != &io->marked; at = next) {
        next = at->next;
        any |= confirm(XYI_LIST_OF(at, struct conn, in_marked));
    }
    if (xyi_list_empty(&io->marked))
        return;
    int ms = any ? FIRST_MS : io->marks_wait_ms * 2;
    wait(io, ms < MOST_MS ? ms : MOST_MS);
}

void
xyi_conn_confirm(struct conn *conn)
{
    if (conn->marks.first)
        (void)confirm(conn);
}

void
xyi_conn_mark(struct conn *conn, struct mail *mail)
{
    struct io *io = conn->io;
    xyi_post_add(&conn->marks, &mail->mail);
    if (!xyi_list_empty(&conn->in_marked))
        return;
    bool alone = xyi_list_empty(&io->marked);
    xyi_list_append(&io->marked, &conn->in_marked);
    if (alone || io->marks_wait_ms > FIRST_MS)
        wait(io, FIRST_MS);
}

void
xyi_io_marks_init(struct io *io)
{
    xyi_list_init(&io->marked);
    io->marks_alarm = evtimer_new(io->base, ask_all, io);
    xy_assert(io->marks_alarm != NULL);
}

void
xyi_io_marks_end(struct io *io)
{
    event_free(io->marks_alarm);
}

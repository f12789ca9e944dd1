/* SPDX-License-Identifier: MIT */
/*
 * Deadlines of a connection. Limits run on the injectable clock and share one timer, which may
 * fire early: it looks what is due and sets itself again, so that reading a byte costs no
 * timer. The two seconds that a closing connection gets are real ones: the peer lives outside
 * of a test.
 */
#include "core/net/net_internal.h"

enum { LINGER_US = 2000000 };

static bool
is_over(int64_t since_ms, int64_t limit_ms)
{
    return limit_ms > 0 && xy_monotonic_ms() - since_ms >= limit_ms;
}

static bool
is_blocked(const struct conn *conn)
{
    return xyi_out_left(&conn->backlog) > 0;
}

static void
sooner(int64_t *due_ms, int64_t since_ms, int64_t in_ms)
{
    if (in_ms > 0 && (*due_ms == XY_NONE || since_ms + in_ms < *due_ms))
        *due_ms = since_ms + in_ms;
}

static int64_t
next_due(const struct conn *conn)
{
    const struct xyi_net_limits *limits = &conn->io->limits;
    int64_t due_ms = XY_NONE;
    if (conn->stage == STAGE_HANDSHAKE)
        sooner(&due_ms, conn->handshake_ms, HANDSHAKE_MS);
    if (is_blocked(conn))
        sooner(&due_ms, conn->stalled_ms, limits->output_stalled_ms);
    if (conn->hold & HOLD_RATE)
        sooner(&due_ms, conn->resume_ms - 1, 1);
    if (conn->stage == STAGE_OPEN && limits->idle_ms > 0)
        sooner(&due_ms, conn->heard_ms, limits->idle_ms * (conn->idles + 1));
    return due_ms;
}

static void fire(struct xyi_timer *timer);

void
xyi_conn_alarm(struct conn *conn)
{
    int64_t due_ms = next_due(conn);
    if (due_ms == XY_NONE || (conn->timer.at && conn->timer.due_ms <= due_ms))
        return;
    int64_t in_ms = due_ms - xy_monotonic_ms();
    xyi_timer_set(&conn->timer, in_ms > 0 ? in_ms : 0, fire);
}

/* Reports whole periods, so that two silences of a client compare equal. */
static void
watch_silence(struct conn *conn)
{
    int64_t idle_ms = conn->io->limits.idle_ms;
    if (conn->stage != STAGE_OPEN || idle_ms <= 0)
        return;
    int64_t now_ms = xy_monotonic_ms();
    if (conn->hold) { /* it may have said a lot: nobody listens */
        conn->heard_ms = now_ms;
        conn->idles = 0;
        return;
    }
    int64_t periods = (now_ms - conn->heard_ms) / idle_ms;
    if (periods <= conn->idles)
        return;
    conn->idles = (unsigned)periods;
    struct mail *mail = xyi_mail_new(xyi_link_of(conn), TELL_IDLE);
    mail->silent_ms = periods * idle_ms;
    xyi_conn_tell_mail(conn, mail);
}

static void
fire(struct xyi_timer *timer)
{
    struct conn *conn = XYI_LIST_OF(timer, struct conn, timer);
    if (conn->stage == STAGE_HANDSHAKE && is_over(conn->handshake_ms, HANDSHAKE_MS))
        xyi_conn_not_secured(conn, "timeout");
    if (is_blocked(conn) && is_over(conn->stalled_ms, conn->io->limits.output_stalled_ms))
        xyi_conn_too_slow(conn);
    if (conn->stage == STAGE_DEAD)
        return;
    if ((conn->hold & HOLD_RATE) && xy_monotonic_ms() >= conn->resume_ms)
        xyi_conn_unhold(conn, HOLD_RATE);
    watch_silence(conn);
    xyi_conn_alarm(conn);
}

/* ---- closing connections, in the order of their deadlines ------------------------------- */

static void
wait_for_first(struct io *io)
{
    if (xyi_list_empty(&io->lingering))
        return;
    struct conn *first = XYI_LIST_OF(io->lingering.next, struct conn, in_linger);
    int64_t us = first->linger_us - xyi_clock_real_us();
    if (us < 1000)
        us = 1000;
    struct timeval until = {.tv_sec = us / 1000000, .tv_usec = us % 1000000};
    event_add(io->linger_alarm, &until);
}

static void
expire(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    struct io *io = argument;
    int64_t now_us = xyi_clock_real_us();
    while (!xyi_list_empty(&io->lingering)) {
        struct conn *conn = XYI_LIST_OF(io->lingering.next, struct conn, in_linger);
        if (conn->linger_us > now_us)
            break;
        conn->reset =
            xyi_out_left(&conn->backlog) > 0; /* else the kernel brings it to an end */
        xyi_conn_end(conn);
    }
    wait_for_first(io);
}

void
xyi_io_linger(struct conn *conn)
{
    bool is_first = xyi_list_empty(&conn->io->lingering);
    conn->linger_us = xyi_clock_real_us() + LINGER_US;
    xyi_list_append(&conn->io->lingering, &conn->in_linger);
    if (is_first)
        wait_for_first(conn->io);
}

void
xyi_io_linger_init(struct io *io)
{
    xyi_list_init(&io->lingering);
    io->linger_alarm = evtimer_new(io->base, expire, io);
    xy_assert(io->linger_alarm != NULL);
}

void
xyi_io_linger_end(struct io *io)
{
    event_free(io->linger_alarm);
}

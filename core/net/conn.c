/* SPDX-License-Identifier: MIT */
/*
 * The I/O side of a connection: its life from DO_START to DO_FREE. Invariants: TELL_ENDED is
 * told exactly once and last, when the socket is closed; nothing here ends a connection from
 * inside its parser or its TLS session.
 */
#include "core/net/net_internal.h"

#include <sys/socket.h>
#include <unistd.h>

void
xyi_conn_tell_mail(struct conn *conn, struct mail *mail)
{
    xyi_post_add(&conn->io->to_logic, &mail->mail);
}

void
xyi_conn_tell(struct conn *conn, enum mail_what what)
{
    xyi_conn_tell_mail(conn, xyi_mail_new(xyi_link_of(conn), what));
}

void
xyi_conn_work(struct conn *conn)
{
    bool may = conn->stage == STAGE_CLOSING || !conn->hold;
    bool has = conn->readable || xyi_out_left(&conn->held);
    if (may && has && xyi_list_empty(&conn->in_work))
        xyi_list_append(&conn->io->work, &conn->in_work);
}

void
xyi_conn_touch(struct conn *conn)
{
    if (xyi_list_empty(&conn->in_touched))
        xyi_list_append(&conn->io->touched, &conn->in_touched);
}

void
xyi_conn_unhold(struct conn *conn, enum hold hold)
{
    conn->hold &= (unsigned char)~hold;
    xyi_conn_work(conn);
}

static void
ready(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    struct conn *conn = argument;
    if (what & EV_CLOSED)
        conn->hung_up = true;
    /* libevent tells an error as both, without EV_CLOSED: data may lie before it */
    conn->doubtful = (what & EV_READ) && (what & EV_WRITE);
    if (what & (EV_READ | EV_CLOSED)) {
        conn->readable = true;
        xyi_conn_work(conn);
    }
    if (what & EV_WRITE) {
        conn->writable = true;
        if (xyi_out_left(&conn->backlog))
            xyi_conn_touch(conn);
    }
}

static void
start(struct conn *conn)
{
    struct io *io = conn->io;
    xyi_list_append(&io->conns, &conn->in_io);
    xyi_list_init(&conn->in_work);
    xyi_list_init(&conn->in_touched);
    xyi_list_init(&conn->in_marked);
    xyi_list_init(&conn->in_linger);
    conn->stage = STAGE_OPEN;
    conn->writable = true;
    conn->heard_ms = xy_monotonic_ms();
    event_assign(&conn->event, io->base, conn->fd,
                 EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST, ready, conn);
    if (event_add(&conn->event, NULL) != 0) {
        xyi_conn_end(conn);
        return;
    }
    xyi_conn_parser(conn);
    if (xyi_link_of(conn)->listen_tls == XYI_TLS_DIRECT)
        xyi_conn_starttls(conn);
    xyi_conn_alarm(conn);
}

static void
restart(struct conn *conn)
{
    xyi_parser_restart(conn->parser);
    xyi_conn_unhold(conn, HOLD_LOGIC);
}

static void
authenticated(struct conn *conn)
{
    conn->authenticated = true;
    xyi_conn_limit_parser(conn);
}

void
xyi_conn_linger(struct conn *conn)
{
    conn->stage = STAGE_CLOSING;
    conn->hold = 0;
    xyi_parser_free(conn->parser);
    conn->parser = NULL;
    xyi_out_free(&conn->held);
    xyi_io_linger(conn);
    xyi_conn_touch(conn);
    xyi_conn_work(conn);
}

static void
close_socket(struct conn *conn)
{
    if (event_initialized(&conn->event))
        event_del(&conn->event);
    if (conn->reset) { /* gives the kernel's copy of the output up too */
        struct linger none = {.l_onoff = 1};
        (void)setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    }
    close(conn->fd);
    conn->fd = -1;
}

void
xyi_conn_end(struct conn *conn)
{
    if (conn->stage == STAGE_DEAD)
        return;
    conn->stage = STAGE_DEAD;
    close_socket(conn);
    xyi_timer_clear(&conn->timer);
    xyi_list_remove(&conn->in_io);
    xyi_list_remove(&conn->in_work);
    xyi_list_remove(&conn->in_touched);
    xyi_list_remove(&conn->in_marked);
    xyi_list_remove(&conn->in_linger);
    xyi_parser_free(conn->parser);
    if (conn->tls)
        gnutls_deinit(conn->tls);
    xyi_free(conn->wanted);
    xyi_out_free(&conn->held);
    xyi_out_free(&conn->backlog);
    struct mail *mail;
    while ((mail = xyi_post_pop(&conn->pending)))
        xyi_conn_dispose(mail);
    while ((mail = xyi_post_pop(&conn->marks)))
        xyi_conn_dispose(mail);
    xyi_conn_tell(conn, TELL_ENDED);
}

static void
set_free(struct mail *mail)
{
    struct xyi_link *link = mail->link;
    xy_assert(link->conn.stage == STAGE_DEAD);
    if (link->conn.certificates)
        xyi_tls_drop(link->conn.certificates);
    xyi_free(link->facts);
    xyi_free(link);
    xyi_mail_free(mail);
}

/* What needs a live socket. */
static void
obey(struct conn *conn, enum mail_what what)
{
    switch (what) {
    case DO_CONTINUE:
        xyi_conn_unhold(conn, HOLD_LOGIC);
        break;
    case DO_RESUME:
        xyi_conn_unhold(conn, HOLD_QUEUE);
        break;
    case DO_STARTTLS:
        xyi_conn_flush(conn); /* <proceed/> goes out as it is */
        xyi_conn_starttls(conn);
        break;
    case DO_RESTART:
        restart(conn);
        break;
    case DO_AUTHENTICATED:
        authenticated(conn);
        break;
    case DO_CUT:
        xyi_conn_end(conn);
        break;
    case DO_START:
    case DO_WRITE ... DO_CLOSE:
    case DO_FREE ... TELL_ENDED:
        break;
    }
}

void
xyi_conn_open_mail(struct xyi_mail *opened)
{
    struct mail *mail = (struct mail *)(void *)opened;
    struct conn *conn = &mail->link->conn;
    enum mail_what what = mail->what;
    if (what == DO_FREE) {
        set_free(mail);
        return;
    }
    bool is_output = what >= DO_WRITE && what <= DO_CLOSE;
    if (is_output && conn->stage != STAGE_DEAD) {
        xyi_conn_queue(conn, mail);
        return;
    }
    if (what == DO_START)
        start(conn);
    else if (conn->stage == STAGE_OPEN || what == DO_CUT)
        obey(conn, what);
    xyi_conn_dispose(mail);
}

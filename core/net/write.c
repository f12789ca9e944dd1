/* SPDX-License-Identifier: MIT */
/*
 * Output: stanzas queue as references and are serialised, encrypted and sent once per turn,
 * through the thread's buffers. Only what the socket does not take is kept with the connection.
 * Invariant: io->wire and io->plain are empty between two connections.
 */
#include "core/net/net_internal.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

void
xyi_conn_dispose(struct mail *mail)
{
    if (mail->what == DO_SEND) {
        xy_stanza_drop(mail->stanza);
        xy_jid_drop(mail->to);
    } else if (mail->what == DO_WRITE || mail->what == DO_CLOSE) {
        xyi_free(mail->text);
    }
    xyi_mail_free(mail);
}

void
xyi_conn_queue(struct conn *conn, struct mail *mail)
{
    bool to_nobody = conn->stage == STAGE_HANDSHAKE && mail->what == DO_CLOSE;
    if (conn->stage == STAGE_CLOSING || conn->finishing || to_nobody) {
        xyi_conn_dispose(mail);
        if (to_nobody)
            xyi_conn_end(conn);
        return;
    }
    conn->finishing = mail->what == DO_CLOSE;
    xyi_post_add(&conn->pending, &mail->mail);
    xyi_conn_touch(conn);
}

/* ---- to the socket ---------------------------------------------------------------------- */

/* Nothing goes out any more; what came in is still read to its end. */
static void
broken(struct conn *conn)
{
    conn->writable = false;
    conn->shut = true;
    conn->hung_up = conn->readable = true;
    xyi_out_free(&conn->backlog);
    xyi_conn_work(conn);
}

static size_t
push(struct conn *conn, const char *at, size_t len)
{
    if (!conn->writable || !len)
        return 0;
    ssize_t sent = TEMP_FAILURE_RETRY(send(conn->fd, at, len, MSG_NOSIGNAL));
    if (sent < 0) {
        conn->writable = false;
        if (errno != EAGAIN)
            broken(conn);
        return 0;
    }
    conn->writable = (size_t)sent == len;
    conn->written += (uint64_t)sent;
    conn->stalled_ms = xy_monotonic_ms();
    xyi_count_by(&conn->io->counts.bytes_out, (uint64_t)sent);
    return (size_t)sent;
}

void
xyi_conn_too_slow(struct conn *conn)
{
    xy_info("net.slow", "slow reader cut off", XY_F_CSTR_AS("peer", xyi_link_of(conn)->peer),
            XY_F_INT_AS("queued", xyi_out_left(&conn->backlog)));
    if (conn->stage == STAGE_OPEN) {
        struct mail *mail = xyi_mail_new(xyi_link_of(conn), TELL_FAILED);
        mail->condition = "policy-violation";
        mail->text = (char *)(uintptr_t)xyi_str_copy(XY_STR("You read too slowly")).at;
        xyi_conn_tell_mail(conn, mail);
    }
    conn->reset = true;
    xyi_conn_end(conn);
}

static void
drain_backlog(struct conn *conn)
{
    size_t sent =
        push(conn, conn->backlog.at + conn->backlog.from, xyi_out_left(&conn->backlog));
    if (sent)
        xyi_out_eat(&conn->backlog, sent);
}

void
xyi_conn_transmit(struct conn *conn)
{
    struct xyi_out *wire = &conn->io->wire;
    if (xyi_out_left(&conn->backlog))
        drain_backlog(conn);
    size_t sent = xyi_out_left(&conn->backlog) ? 0 : push(conn, wire->at, wire->len);
    if (sent < wire->len && !conn->shut) {
        if (!xyi_out_left(&conn->backlog))
            conn->stalled_ms = xy_monotonic_ms();
        xyi_out_add(&conn->backlog, wire->at + sent, wire->len - sent);
        xyi_conn_alarm(conn);
    }
    wire->len = 0;
}

/* ---- serialising ------------------------------------------------------------------------ */

static void
seal(struct conn *conn)
{
    struct xyi_out *plain = &conn->io->plain;
    if (plain->len && !conn->shut && !xyi_conn_encrypt(conn, plain->at, plain->len))
        broken(conn);
    plain->len = 0;
}

/* Where the peer will be once it has everything up to here. */
static uint64_t
position(const struct conn *conn)
{
    return conn->written + xyi_out_left(&conn->backlog) + conn->io->wire.len;
}

static void
mark(struct conn *conn, struct mail *mail)
{
    seal(conn);
    mail->position = position(conn);
    xyi_conn_mark(conn, mail);
}

static void
put(struct conn *conn, struct mail *mail, struct xyi_out *out)
{
    if (mail->what == DO_MARK) {
        mark(conn, mail);
        return;
    }
    if (mail->what == DO_SEND) {
        xyi_stanza_write(mail->stanza, XY_STR(XY_NS_CLIENT), mail->to, xyi_out_add, out);
        xyi_count_by(&conn->io->counts.stanzas_out, 1);
    } else {
        xyi_out_add(out, mail->text, mail->len);
    }
    xyi_conn_dispose(mail);
}

static void
put_all(struct conn *conn)
{
    struct io *io = conn->io;
    struct xyi_out *out = conn->tls ? &io->plain : &io->wire;
    for (struct mail *mail; (mail = xyi_post_pop(&conn->pending));) {
        put(conn, mail, out);
        if (io->plain.len >= RECORD_BYTES)
            seal(conn);
        if (io->wire.len >= SEND_BYTES)
            xyi_conn_transmit(conn);
    }
    seal(conn);
}

static void
finish(struct conn *conn)
{
    conn->finishing = false;
    if (conn->tls && !conn->shut)
        xyi_conn_bye(conn);
    xyi_conn_transmit(conn);
    xyi_conn_linger(conn);
}

static void
shut_down(struct conn *conn)
{
    if (!conn->shut)
        (void)shutdown(conn->fd, SHUT_WR);
    conn->shut = true;
    if (conn->eof)
        xyi_conn_end(conn);
}

void
xyi_conn_flush(struct conn *conn)
{
    if (conn->stage == STAGE_DEAD)
        return;
    if (conn->stage == STAGE_OPEN)
        put_all(conn);
    if (conn->finishing)
        finish(conn);
    else
        xyi_conn_transmit(conn);
    int64_t most = conn->io->limits.output_bytes;
    if (most > 0 && (int64_t)xyi_out_left(&conn->backlog) > most)
        xyi_conn_too_slow(conn);
    else if (conn->stage == STAGE_CLOSING && !xyi_out_left(&conn->backlog))
        shut_down(conn);
}

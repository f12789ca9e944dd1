/* SPDX-License-Identifier: MIT */
/*
 * TLS of one connection: GnuTLS between two memory windows, so that records are pulled from
 * what one recv() brought and pushed into what one send() takes. TLS 1.2 and 1.3 (RFC 7590). No
 * session tickets: every session has fresh keys, no ticket key is worth stealing, and the
 * channel bindings always belong to the certificate that was served. No 0-RTT, no
 * renegotiation.
 */
#include "core/net/net_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <errno.h>

enum { HANDSHAKE_BYTES = 16 * 1024 }; /* the largest message a client may send */

static ssize_t
pull(gnutls_transport_ptr_t pointer, void *into, size_t len)
{
    struct conn *conn = pointer;
    struct io *io = conn->io;
    if (!io->cipher.len) {
        gnutls_transport_set_errno(conn->tls, EAGAIN);
        return -1;
    }
    if (len > io->cipher.len)
        len = io->cipher.len;
    memcpy(into, io->cipher.at, len);
    io->cipher.at += len;
    io->cipher.len -= len;
    return (ssize_t)len;
}

static ssize_t
push(gnutls_transport_ptr_t pointer, const void *at, size_t len)
{
    struct conn *conn = pointer;
    xyi_out_add(&conn->io->wire, at, len);
    return (ssize_t)len;
}

static size_t
server_name(gnutls_session_t session, char *name, size_t size)
{
    unsigned type;
    size_t len = size;
    if (gnutls_server_name_get(session, name, &len, &type, 0) != 0 || type != GNUTLS_NAME_DNS)
        return 0;
    len = strnlen(name, len);
    for (size_t i = 0; i < len; i++)
        name[i] = (char)tolower((unsigned char)name[i]);
    return len;
}

/* After the ClientHello: which certificate. */
static int
choose(gnutls_session_t session)
{
    struct conn *conn = gnutls_session_get_ptr(session);
    char name[256];
    size_t len = server_name(session, name, sizeof(name));
    struct xy_str wanted = len ? xy_str_of(name, len) : xy_str_from(conn->wanted);
    conn->certificate = xyi_tls_choose(conn->certificates, wanted);
    return gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
                                  conn->certificate->credentials);
}

static bool
session_new(struct conn *conn)
{
    static unsigned char xmpp_client[] = "xmpp-client"; /* XEP-0368 */
    const gnutls_datum_t alpn = {xmpp_client, sizeof(xmpp_client) - 1};
    const struct xyi_tls *tls = conn->certificates;
    if (gnutls_init(&conn->tls, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS |
                                    GNUTLS_NO_SIGNAL) != 0)
        return false;
    gnutls_session_set_ptr(conn->tls, conn);
    gnutls_transport_set_ptr(conn->tls, conn);
    gnutls_transport_set_pull_function(conn->tls, pull);
    gnutls_transport_set_push_function(conn->tls, push);
    gnutls_handshake_set_max_packet_length(conn->tls, HANDSHAKE_BYTES);
    gnutls_handshake_set_post_client_hello_function(conn->tls, choose);
    return gnutls_priority_set(conn->tls, tls->priorities) == 0 &&
           gnutls_credentials_set(conn->tls, GNUTLS_CRD_CERTIFICATE,
                                  tls->certificates[0].credentials) == 0 &&
           gnutls_alpn_set_protocols(conn->tls, &alpn, 1, GNUTLS_ALPN_MANDATORY) == 0;
}

void
xyi_conn_not_secured(struct conn *conn, const char *why)
{
    xyi_count_by(&conn->io->counts.tls_failures, 1);
    xy_info("tls.failed", "TLS handshake failed", XY_F_CSTR_AS("peer", xyi_link_of(conn)->peer),
            XY_F_CSTR_AS("why", why));
    xyi_conn_linger(conn);
}

/* White space means nothing between elements, and some clients end each with a line feed. */
static size_t
white_space(const char *at, size_t len)
{
    size_t skipped = 0;
    while (skipped < len && memchr(" \t\r\n", at[skipped], 4))
        skipped++;
    return skipped;
}

void
xyi_conn_starttls(struct conn *conn)
{
    const struct xyi_out *held = &conn->held;
    size_t len = xyi_out_left(held);
    if (len && white_space(held->at + held->from, len) < len) {
        /* sent in the clear before TLS: perhaps by somebody else */
        xyi_conn_not_secured(conn, "bytes after starttls");
        return;
    }
    xyi_out_free(&conn->held);
    xy_assert(!conn->tls);
    conn->certificates = xyi_tls_keep(conn->io->tls);
    if (!conn->certificates || !session_new(conn)) {
        xyi_conn_not_secured(conn, "no certificate");
        return;
    }
    xyi_parser_restart(conn->parser);
    conn->stage = STAGE_HANDSHAKE;
    conn->handshake_ms = xy_monotonic_ms();
    xyi_conn_unhold(conn, HOLD_LOGIC);
    xyi_conn_alarm(conn);
}

/* ---- what was agreed on ----------------------------------------------------------------- */

static void
set_exporter(struct facts *facts, gnutls_session_t session)
{
    /* RFC 9266 2: on TLS 1.2 only with the extended master secret. */
    bool unique = gnutls_protocol_get_version(session) >= GNUTLS_TLS1_3 ||
                  gnutls_session_ext_master_secret_status(session);
    gnutls_datum_t binding = {NULL, 0};
    if (!unique ||
        gnutls_session_channel_binding(session, GNUTLS_CB_TLS_EXPORTER, &binding) != 0)
        return;
    if (binding.size == sizeof(facts->exporter)) {
        memcpy(facts->exporter, binding.data, binding.size);
        facts->has_exporter = true;
    }
    gnutls_free(binding.data);
}

static void
secured(struct conn *conn)
{
    char sni[256];
    size_t sni_len = server_name(conn->tls, sni, sizeof(sni));
    struct facts *facts = xyi_alloc(sizeof(*facts) + sni_len);
    facts->certificate = conn->certificate;
    facts->sni_len = sni_len;
    memcpy(facts->sni, sni, sni_len);
    snprintf(facts->name, sizeof(facts->name), "%s %s",
             gnutls_protocol_get_name(gnutls_protocol_get_version(conn->tls)),
             gnutls_cipher_get_name(gnutls_cipher_get(conn->tls)));
    set_exporter(facts, conn->tls);
    xyi_free(conn->wanted);
    conn->wanted = NULL;
    conn->stage = STAGE_OPEN;
    struct mail *mail = xyi_mail_new(xyi_link_of(conn), TELL_SECURED);
    mail->facts = facts;
    xyi_conn_tell_mail(conn, mail);
    xyi_conn_touch(conn);
}

static void
shake(struct conn *conn)
{
    int result;
    do
        result = gnutls_handshake(conn->tls);
    while (result < 0 && result != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(result));
    if (result == GNUTLS_E_SUCCESS) {
        secured(conn);
        return;
    }
    if (result == GNUTLS_E_AGAIN)
        return;
    (void)gnutls_alert_send_appropriate(conn->tls, result);
    xyi_conn_not_secured(conn, gnutls_strerror(result));
}

/* GNUTLS_E_AGAIN also follows a key update, which is no reason to stop. */
static bool
is_dry(const struct io *io, ssize_t got, size_t before)
{
    return got == GNUTLS_E_AGAIN && (!io->cipher.len || io->cipher.len == before);
}

static void
decrypt(struct conn *conn)
{
    struct io *io = conn->io;
    while (!(conn->hold & HOLD_OVER)) {
        size_t before = io->cipher.len;
        ssize_t got = gnutls_record_recv(conn->tls, io->clear, RECORD_BYTES);
        if (is_dry(io, got, before))
            return;
        if (got > 0) {
            xyi_conn_clear_input(conn, io->clear, (size_t)got);
        } else if (got == 0 || got == GNUTLS_E_REHANDSHAKE || gnutls_error_is_fatal((int)got)) {
            conn->eof = true; /* close_notify, or nothing more can be understood */
            conn->readable = false;
            return;
        }
    }
}

void
xyi_conn_secure_input(struct conn *conn, const char *at, size_t len)
{
    struct io *io = conn->io;
    size_t skipped = conn->greeted ? 0 : white_space(at, len);
    io->cipher.at = at + skipped;
    io->cipher.len = len - skipped;
    conn->greeted |= skipped < len;
    if (conn->stage == STAGE_HANDSHAKE)
        shake(conn);
    if (conn->stage == STAGE_OPEN)
        decrypt(conn);
    io->cipher.len = 0;
    if (io->wire.len) /* handshake messages, alerts, key updates */
        xyi_conn_transmit(conn);
}

bool
xyi_conn_encrypt(struct conn *conn, const char *at, size_t len)
{
    while (len) {
        ssize_t sent = gnutls_record_send(conn->tls, at, len);
        if (sent <= 0)
            return false;
        at += sent;
        len -= (size_t)sent;
    }
    return true;
}

void
xyi_conn_bye(struct conn *conn)
{
    (void)gnutls_bye(conn->tls, GNUTLS_SHUT_WR);
}

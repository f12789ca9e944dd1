/* SPDX-License-Identifier: MIT */
/* The load generator's client: connecting, TLS, SASL (PLAIN, SCRAM-SHA-1), bind. See client.h.
 */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <netinet/tcp.h>
#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <nettle/pbkdf2.h>
#include <nettle/sha1.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct settings settings = {
    .address = "127.0.0.1",
    .domain = "localhost",
    .prefix = "user",
    .password = "password",
    .mechanism = "SCRAM-SHA-1",
    .port = 5222,
    .tls = CLIENT_STARTTLS,
    .presence = true,
};
static int client_epoll;
static gnutls_certificate_credentials_t credentials;
static gnutls_priority_t priority;
/* What one recv brought, for the connection whose event is handled; GnuTLS alone asks three
 * times for each record. */
static char wire[65536];
static size_t wire_at, wire_len;
static bool wire_dry;

int64_t
now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

bool
client_option(int letter, const char *value)
{
    switch (letter) {
    case 'a':
        settings.address = value;
        return true;
    case 'p':
        settings.port = atoi(value);
        return true;
    case 'd':
        settings.domain = value;
        return true;
    case 'x':
        settings.prefix = value;
        return true;
    case 'w':
        settings.password = value;
        return true;
    case 'c':
        settings.mechanism = value;
        return true;
    case 't':
        settings.tls = strcmp(value, "none") == 0     ? CLIENT_PLAIN
                       : strcmp(value, "direct") == 0 ? CLIENT_DIRECT
                                                      : CLIENT_STARTTLS;
        return true;
    default:
        return false;
    }
}

bool
clients_init(int count)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < (rlim_t)count + 64) {
        fprintf(stderr, "ulimit -n is %llu, %d users need more\n",
                (unsigned long long)files.rlim_cur, count);
        return false;
    }
    client_epoll = epoll_create1(0);
    gnutls_certificate_allocate_credentials(&credentials);
    gnutls_priority_init(&priority, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", NULL);
    return true;
}

static void
watch(struct client *client, int operation)
{
    struct epoll_event event = {
        .events = EPOLLIN | (client->wants_write ? EPOLLOUT : 0u),
        .data.ptr = client,
    };
    epoll_ctl(client_epoll, operation, client->fd, &event);
}

static void
want_write(struct client *client, bool want)
{
    if (client->wants_write == want)
        return;
    client->wants_write = want;
    watch(client, EPOLL_CTL_MOD);
}

void
client_close(struct client *client)
{
    if (client->stage == CLIENT_DEAD && client->fd < 0)
        return;
    if (client->tls)
        gnutls_deinit(client->tls);
    if (client->fd >= 0)
        close(client->fd);
    free(client->in);
    free(client->out);
    free(client->first_bare);
    client->tls = NULL;
    client->in = client->out = client->first_bare = NULL;
    client->in_len = client->in_size = client->out_len = client->out_size = client->out_at = 0;
    client->fd = -1;
    client->stage = CLIENT_DEAD;
}

static void
lose(struct client *client, const char *why)
{
    client_lost(client, why);
    client_close(client);
}

static ssize_t
pull(gnutls_transport_ptr_t fd, void *to, size_t size)
{
    if (wire_at == wire_len) {
        ssize_t n = wire_dry ? 0 : recv((int)(intptr_t)fd, wire, sizeof(wire), 0);
        if (wire_dry)
            errno = EAGAIN;
        if (wire_dry || n <= 0)
            return wire_dry ? -1 : n;
        wire_at = 0;
        wire_len = (size_t)n;
        wire_dry = wire_len < sizeof(wire);
    }
    size_t n = size < wire_len - wire_at ? size : wire_len - wire_at;
    memcpy(to, wire + wire_at, n);
    wire_at += n;
    return (ssize_t)n;
}

static void
start_tls(struct client *client)
{
    gnutls_init(&client->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK);
    gnutls_priority_set(client->tls, priority);
    gnutls_credentials_set(client->tls, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_server_name_set(client->tls, GNUTLS_NAME_DNS, settings.domain,
                           strlen(settings.domain));
    gnutls_transport_set_int(client->tls, client->fd);
    gnutls_transport_set_pull_function(client->tls, pull);
    client->stage = CLIENT_HANDSHAKE;
}

void
client_open(struct client *client, int number)
{
    *client =
        (struct client){.number = number, .started_us = now_us(), .stage = CLIENT_CONNECTING};
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    /* spread the sources: one loopback address has 28,000 ports, and servers count per address
     */
    struct sockaddr_in from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(0x7f000002u + (uint32_t)(number % 250));
    if (bind(client->fd, (struct sockaddr *)&from, sizeof(from)) != 0)
        perror("bind");
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)settings.port)};
    inet_pton(AF_INET, settings.address, &to.sin_addr);
    if (connect(client->fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS) {
        lose(client, strerror(errno));
        return;
    }
    client->wants_write = true;
    watch(client, EPOLL_CTL_ADD);
}

void
client_send(struct client *client, const char *bytes, size_t len)
{
    if (client->out_len + len > client->out_size) {
        client->out_size = (client->out_len + len) * 2;
        client->out = realloc(client->out, client->out_size);
    }
    memcpy(client->out + client->out_len, bytes, len);
    client->out_len += len;
}

void
client_printf(struct client *client, const char *format, ...)
{
    char text[4096];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    client_send(client, text, (size_t)len);
}

static ssize_t
send_some(struct client *client, const char *at, size_t len)
{
    if (!client->tls)
        return send(client->fd, at, len, MSG_NOSIGNAL);
    ssize_t n = gnutls_record_send(client->tls, at, len);
    if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED) {
        errno = EAGAIN;
        return -1;
    }
    return n;
}

void
client_flush(struct client *client)
{
    if (client->fd < 0 || client->stage == CLIENT_HANDSHAKE ||
        client->stage == CLIENT_CONNECTING)
        return;
    while (client->out_at < client->out_len) {
        ssize_t n =
            send_some(client, client->out + client->out_at, client->out_len - client->out_at);
        if (n < 0 && errno == EAGAIN) {
            want_write(client, true);
            return;
        }
        if (n <= 0) {
            lose(client, "send failed");
            return;
        }
        client->out_at += (size_t)n;
    }
    client->out_at = client->out_len = 0;
    want_write(client, false);
}

static void
send_header(struct client *client)
{
    client_printf(
        client,
        "<?xml version='1.0'?><stream:stream to='%s' version='1.0' xmlns='jabber:client' "
        "xmlns:stream='http://etherx.jabber.org/streams'>",
        settings.domain);
}

static void
base64(char *to, const void *from, size_t len)
{
    size_t n = BASE64_ENCODE_RAW_LENGTH(len);
    base64_encode_raw(to, len, from);
    to[n] = '\0';
}

static void
send_auth(struct client *client)
{
    char raw[256], text[400];
    if (strcmp(settings.mechanism, "PLAIN") == 0) {
        int n = snprintf(raw, sizeof(raw), "%c%s%d%c%s", 0, settings.prefix, client->number, 0,
                         settings.password);
        base64(text, raw, (size_t)n);
        client_printf(
            client,
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>", text);
        client->stage = CLIENT_SUCCESS;
        return;
    }
    unsigned char noise[12];
    gnutls_rnd(GNUTLS_RND_NONCE, noise, sizeof(noise));
    base64(client->nonce, noise, sizeof(noise));
    snprintf(raw, sizeof(raw), "n=%s%d,r=%s", settings.prefix, client->number, client->nonce);
    client->first_bare = strdup(raw);
    char with_header[300];
    int n = snprintf(with_header, sizeof(with_header), "n,,%s", raw);
    base64(text, with_header, (size_t)n);
    client_printf(
        client,
        "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>%s</auth>",
        text);
    client->stage = CLIENT_CHALLENGE;
}

static void
hmac(const void *key, size_t key_len, const char *text, unsigned char out[20])
{
    struct hmac_sha1_ctx state;
    hmac_sha1_set_key(&state, key_len, key);
    hmac_sha1_update(&state, strlen(text), (const uint8_t *)text);
    hmac_sha1_digest(&state, 20, out);
}

static bool
answer_challenge(struct client *client, const char *encoded, size_t len)
{
    char challenge[512], salt[64];
    struct base64_decode_ctx decoder;
    base64_decode_init(&decoder);
    size_t n = sizeof(challenge) - 1;
    if (len > 600 || !base64_decode_update(&decoder, &n, (uint8_t *)challenge, len, encoded))
        return false;
    challenge[n] = '\0';
    char nonce[128], salt64[64];
    int iterations;
    if (sscanf(challenge, "r=%127[^,],s=%63[^,],i=%d", nonce, salt64, &iterations) != 3)
        return false;
    base64_decode_init(&decoder);
    size_t salt_len = sizeof(salt);
    if (!base64_decode_update(&decoder, &salt_len, (uint8_t *)salt, strlen(salt64), salt64))
        return false;
    unsigned char salted[20], client_key[20], stored[20], signature[20], proof[20];
    pbkdf2_hmac_sha1(strlen(settings.password), (const uint8_t *)settings.password,
                     (unsigned)iterations, salt_len, (const uint8_t *)salt, 20, salted);
    hmac(salted, 20, "Client Key", client_key);
    struct sha1_ctx sha;
    sha1_init(&sha);
    sha1_update(&sha, 20, client_key);
    sha1_digest(&sha, 20, stored);
    char message[1200], last[400], out[600], proof64[64];
    snprintf(message, sizeof(message), "%s,%s,c=biws,r=%s", client->first_bare, challenge,
             nonce);
    hmac(stored, 20, message, signature);
    for (int i = 0; i < 20; i++)
        proof[i] = client_key[i] ^ signature[i];
    base64(proof64, proof, 20);
    int size = snprintf(last, sizeof(last), "c=biws,r=%s,p=%s", nonce, proof64);
    base64(out, last, (size_t)size);
    client_printf(client, "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%s</response>",
                  out);
    client->stage = CLIENT_SUCCESS;
    return true;
}

/* Uses up the input through the end of `marker`; NULL when it is not there yet. */
static char *
past(struct client *client, const char *marker)
{
    char *at = memmem(client->in, client->in_len, marker, strlen(marker));
    return at ? at + strlen(marker) : NULL;
}

static void
use(struct client *client, const char *end)
{
    size_t used = (size_t)(end - client->in);
    memmove(client->in, end, client->in_len - used);
    client->in_len -= used;
}

static void
bound(struct client *client)
{
    client->stage = CLIENT_READY;
    if (settings.presence)
        client_send(client, "<presence/>", 11);
    client_ready(client);
}

/* One step of the login; false when more input is needed. */
static bool
step(struct client *client)
{
    char *end;
    switch (client->stage) {
    case CLIENT_HEADER:
        if (!(end = past(client, "</stream:features>")))
            return false;
        use(client, end);
        client_printf(client, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
        client->stage = CLIENT_PROCEED;
        return true;
    case CLIENT_PROCEED:
        if (!(end = past(client, "<proceed")) || !(end = memchr(end, '>', client->in_len)))
            return false;
        client->in_len = 0;
        start_tls(client);
        return false;
    case CLIENT_AUTH_HEADER:
        if (!(end = past(client, "</stream:features>")))
            return false;
        use(client, end);
        send_auth(client);
        return true;
    case CLIENT_CHALLENGE: {
        char *at = past(client, "<challenge");
        end = past(client, "</challenge>");
        if (!at || !end)
            return false;
        at = (char *)memchr(at, '>', (size_t)(end - at)) + 1;
        if (!answer_challenge(client, at, (size_t)(end - 12 - at))) {
            lose(client, "bad challenge");
            return false;
        }
        use(client, end);
        return true;
    }
    case CLIENT_SUCCESS:
        if (past(client, "<failure")) {
            lose(client, "login refused");
            return false;
        }
        if (!past(client, "<success") || client->in[client->in_len - 1] != '>')
            return false;
        client->in_len = 0;
        send_header(client);
        client->stage = CLIENT_BIND_HEADER;
        return true;
    case CLIENT_BIND_HEADER:
        if (!(end = past(client, "</stream:features>")))
            return false;
        use(client, end);
        client_printf(client,
                      "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                      "<resource>load</resource></bind></iq>");
        client->stage = CLIENT_BINDING;
        return true;
    case CLIENT_BINDING:
        if (!(end = past(client, "</iq>")))
            return false;
        use(client, end);
        bound(client);
        return true;
    case CLIENT_READY: {
        size_t used = client_bytes(client, client->in, client->in_len);
        if (client->stage == CLIENT_READY && used)
            use(client, client->in + used);
        return false;
    }
    case CLIENT_CONNECTING:
    case CLIENT_HANDSHAKE:
    case CLIENT_DEAD:
        break;
    }
    return false;
}

static void
begin(struct client *client)
{
    if (settings.tls == CLIENT_DIRECT) {
        start_tls(client);
        return;
    }
    client->stage = settings.tls == CLIENT_STARTTLS ? CLIENT_HEADER : CLIENT_AUTH_HEADER;
    send_header(client);
}

static void
handshake(struct client *client)
{
    int result = gnutls_handshake(client->tls);
    if (result == GNUTLS_E_SUCCESS) {
        client->stage = CLIENT_AUTH_HEADER;
        send_header(client);
        want_write(client, false);
    } else if (gnutls_error_is_fatal(result)) {
        lose(client, gnutls_strerror(result));
    } else {
        want_write(client, gnutls_record_get_direction(client->tls) == 1);
    }
}

static bool
receive(struct client *client)
{
    if (client->in_len + 16384 > client->in_size) {
        client->in_size = client->in_size * 2 + 16384;
        client->in = realloc(client->in, client->in_size);
    }
    char *to = client->in + client->in_len;
    ssize_t n = client->tls ? gnutls_record_recv(client->tls, to, 16384)
                            : recv(client->fd, to, 16384, 0);
    if (client->tls && (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED))
        return wire_at < wire_len; /* a session ticket came before */
    if (!client->tls && n < 0 && errno == EAGAIN)
        return false;
    if (n <= 0) {
        lose(client, n == 0        ? "closed by the server"
                     : client->tls ? gnutls_strerror((int)n)
                                   : strerror(errno));
        return false;
    }
    client->in_len += (size_t)n;
    return true;
}

static void
client_event(struct client *client, uint32_t events)
{
    if (client->stage == CLIENT_DEAD)
        return;
    wire_at = wire_len = 0;
    wire_dry = false;
    if (client->stage == CLIENT_CONNECTING && (events & (EPOLLOUT | EPOLLERR)))
        begin(client);
    if (client->stage == CLIENT_HANDSHAKE)
        handshake(client);
    if (client->stage > CLIENT_HANDSHAKE || client->stage == CLIENT_HEADER ||
        client->stage == CLIENT_PROCEED)
        while (client->stage != CLIENT_DEAD && client->stage != CLIENT_HANDSHAKE &&
               ((events & EPOLLIN) || wire_len) && receive(client))
            while (step(client))
                ;
    if (client->stage == CLIENT_HANDSHAKE)
        handshake(client);
    if (client->in_len == 0 && client->stage == CLIENT_READY && client->in_size > 16384) {
        free(client->in);
        client->in = NULL;
        client->in_size = 0;
    }
    client_flush(client);
}

void
clients_poll(int wait_ms)
{
    static struct epoll_event events[512];
    int count = epoll_wait(client_epoll, events, 512, wait_ms);
    for (int i = 0; i < count; i++)
        client_event(events[i].data.ptr, events[i].events);
}

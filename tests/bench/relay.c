/* SPDX-License-Identifier: MIT */
/*
 * The floor: a bare relay of epoll, expat and GnuTLS in one loop. It accepts any PLAIN login,
 * binds it, and copies <message/> from one connection to another with a new start tag. No
 * stanza objects, no routing table but an array, no limits. What a server costs above this is
 * the server.
 *
 *     relay PORT DOMAIN PREFIX CERTIFICATE KEY
 */
#include <arpa/inet.h>
#include <errno.h>
#include <expat.h>
#include <gnutls/gnutls.h>
#include <netinet/tcp.h>
#include <nettle/base64.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 20000, CHUNK = 16384 };

struct link {
    int fd, number, depth;
    gnutls_session_t tls;
    bool secure, handshaking, restart, dirty, wants_write, bound;
    XML_Parser parser;
    char *out, *inner;
    size_t out_len, out_size, inner_len, inner_size;
    char name[32], to[128], id[64], text[512];
    size_t text_len;
    XML_Index inner_from; /* byte after the start tag, in the parser's stream */
    XML_Index fed;        /* bytes given to the parser before this chunk */
    const char *chunk;
};

static struct link *by_number[MOST];
static struct link *dirty[MOST];
static int dirty_count, epoll_fd;
static const char *domain, *prefix;
static gnutls_certificate_credentials_t credentials;
static gnutls_priority_t priority;

static void
put(struct link *link, const char *at, size_t len)
{
    if (link->out_len + len > link->out_size) {
        link->out_size = (link->out_len + len) * 2;
        link->out = realloc(link->out, link->out_size);
    }
    memcpy(link->out + link->out_len, at, len);
    link->out_len += len;
    if (!link->dirty && dirty_count < MOST) {
        link->dirty = true;
        dirty[dirty_count++] = link;
    }
}

__attribute__((format(printf, 2, 3))) static void
putf(struct link *link, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    put(link, text, (size_t)len);
}

static void
put_header(struct link *link)
{
    putf(link,
         "<?xml version='1.0'?><stream:stream xmlns='jabber:client' from='%s' id='x' "
         "version='1.0' "
         "xmlns:stream='http://etherx.jabber.org/streams'><stream:features>",
         domain);
    if (!link->secure)
        putf(link, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    else if (link->number < 0)
        putf(link, "<mechanisms "
                   "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></"
                   "mechanisms>");
    else
        putf(link, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>");
    putf(link, "</stream:features>");
}

static const char *
value(const char **attributes, const char *name)
{
    for (; *attributes; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    return "";
}

static void XMLCALL
on_start(void *argument, const char *name, const char **attributes)
{
    struct link *link = argument;
    if (link->depth++ == 0) {
        put_header(link);
    } else if (link->depth == 2) {
        snprintf(link->name, sizeof(link->name), "%s", name);
        snprintf(link->to, sizeof(link->to), "%s", value(attributes, "to"));
        snprintf(link->id, sizeof(link->id), "%s", value(attributes, "id"));
        link->text_len = link->inner_len = 0;
        link->inner_from =
            XML_GetCurrentByteIndex(link->parser) + XML_GetCurrentByteCount(link->parser);
    }
}

static void
keep_inner(struct link *link, XML_Index until)
{
    XML_Index from = link->inner_from > link->fed ? link->inner_from : link->fed;
    if (until <= from)
        return;
    size_t len = (size_t)(until - from);
    if (link->inner_len + len > link->inner_size) {
        link->inner_size = (link->inner_len + len) * 2;
        link->inner = realloc(link->inner, link->inner_size);
    }
    memcpy(link->inner + link->inner_len, link->chunk + (from - link->fed), len);
    link->inner_len += len;
}

static void
forward(struct link *link)
{
    int number = atoi(link->to + strlen(prefix));
    struct link *to = number >= 0 && number < MOST ? by_number[number] : NULL;
    if (!to)
        return;
    putf(to, "<message from='%s%d@%s/load' to='%s' type='chat' id='%s'>", prefix, link->number,
         domain, link->to, link->id);
    put(to, link->inner, link->inner_len);
    put(to, "</message>", 10);
}

static void
log_in(struct link *link)
{
    char raw[256];
    struct base64_decode_ctx decoder;
    base64_decode_init(&decoder);
    size_t n = sizeof(raw) - 1;
    if (!base64_decode_update(&decoder, &n, (uint8_t *)raw, link->text_len, link->text))
        n = 0;
    raw[n] = '\0';
    link->number = n > 1 ? atoi(raw + 1 + strlen(prefix)) : 0;
    putf(link, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    link->restart = true;
}

static void XMLCALL
on_end(void *argument, const char *name)
{
    struct link *link = argument;
    (void)name;
    if (--link->depth != 1)
        return;
    if (strcmp(link->name, "message") == 0) {
        keep_inner(link, XML_GetCurrentByteIndex(link->parser));
        forward(link);
    } else if (strcmp(link->name, "starttls") == 0) {
        putf(link, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
        link->handshaking = link->restart = true;
    } else if (strcmp(link->name, "auth") == 0) {
        log_in(link);
    } else if (strcmp(link->name, "iq") == 0 && !link->bound) {
        link->bound = true;
        by_number[link->number] = link;
        putf(link,
             "<iq type='result' id='%s'><bind "
             "xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>%s%d@%s/load"
             "</jid></bind></iq>",
             link->id, prefix, link->number, domain);
    }
    if (link->restart)
        XML_StopParser(link->parser, XML_FALSE);
}

static void XMLCALL
on_text(void *argument, const char *at, int len)
{
    struct link *link = argument;
    if (link->depth == 2 && link->text_len + (size_t)len < sizeof(link->text)) {
        memcpy(link->text + link->text_len, at, (size_t)len);
        link->text_len += (size_t)len;
    }
}

static void
parser_reset(struct link *link)
{
    XML_ParserReset(link->parser, NULL);
    XML_SetUserData(link->parser, link);
    XML_SetElementHandler(link->parser, on_start, on_end);
    XML_SetCharacterDataHandler(link->parser, on_text);
    link->depth = 0;
    link->fed = link->inner_from = 0;
    link->restart = false;
}

static void
drop(struct link *link)
{
    if (link->number >= 0 && link->number < MOST && by_number[link->number] == link)
        by_number[link->number] = NULL;
    if (link->tls)
        gnutls_deinit(link->tls);
    XML_ParserFree(link->parser);
    close(link->fd);
    link->fd = -1; /* leaked on purpose: it may be on the dirty list */
}

static void
flush(struct link *link)
{
    size_t at = 0;
    while (link->fd >= 0 && at < link->out_len) {
        ssize_t n = link->secure
                        ? gnutls_record_send(link->tls, link->out + at, link->out_len - at)
                        : send(link->fd, link->out + at, link->out_len - at, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    memmove(link->out, link->out + at, link->out_len - at);
    link->out_len -= at;
}

static void
feed(struct link *link, const char *at, size_t len)
{
    link->chunk = at;
    if (XML_Parse(link->parser, at, (int)len, 0) != XML_STATUS_OK && !link->restart) {
        drop(link);
        return;
    }
    if (link->depth >= 2)
        keep_inner(link, link->fed + (XML_Index)len);
    link->fed += (XML_Index)len;
    if (!link->restart)
        return;
    parser_reset(link);
    if (link->handshaking) {
        flush(link);
        gnutls_init(&link->tls, GNUTLS_SERVER | GNUTLS_NONBLOCK);
        gnutls_priority_set(link->tls, priority);
        gnutls_credentials_set(link->tls, GNUTLS_CRD_CERTIFICATE, credentials);
        gnutls_transport_set_int(link->tls, link->fd);
    }
}

static void
receive(struct link *link)
{
    static char chunk[CHUNK];
    for (;;) {
        if (link->handshaking) {
            int result = gnutls_handshake(link->tls);
            if (result < 0 && gnutls_error_is_fatal(result))
                drop(link);
            if (result < 0)
                return;
            link->handshaking = false;
            link->secure = true;
        }
        ssize_t n = link->secure ? gnutls_record_recv(link->tls, chunk, CHUNK)
                                 : recv(link->fd, chunk, CHUNK, 0);
        if (n == GNUTLS_E_AGAIN || (n < 0 && !link->secure && errno == EAGAIN))
            return;
        if (n <= 0) {
            drop(link);
            return;
        }
        feed(link, chunk, (size_t)n);
        if (link->fd < 0)
            return;
    }
}

static void
accept_all(int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        struct link *link = calloc(1, sizeof(*link));
        link->fd = fd;
        link->number = -1;
        link->parser = XML_ParserCreate(NULL);
        parser_reset(link);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = link};
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    }
}

int
main(int count, char **words)
{
    if (count != 6) {
        fprintf(stderr, "usage: relay PORT DOMAIN PREFIX CERTIFICATE KEY\n");
        return 2;
    }
    domain = words[2];
    prefix = words[3];
    gnutls_certificate_allocate_credentials(&credentials);
    if (gnutls_certificate_set_x509_key_file(credentials, words[4], words[5],
                                             GNUTLS_X509_FMT_PEM) < 0) {
        fprintf(stderr, "cannot read the certificate\n");
        return 1;
    }
    gnutls_priority_init(&priority, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", NULL);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(words[1]))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&to, sizeof(to)) != 0 ||
        listen(listener, 1024) != 0) {
        perror("listen");
        return 1;
    }
    epoll_fd = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event events[256];
        int n = epoll_wait(epoll_fd, events, 256, -1);
        for (int i = 0; i < n; i++) {
            struct link *link = events[i].data.ptr;
            if (!link)
                accept_all(listener);
            else if (link->fd >= 0)
                receive(link);
        }
        for (int i = 0; i < dirty_count; i++) {
            dirty[i]->dirty = false;
            flush(dirty[i]);
        }
        dirty_count = 0;
    }
}

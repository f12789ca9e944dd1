/* SPDX-License-Identifier: MIT */
/*
 * Listeners: open in two phases, so that a reload finds every address it needs before anything
 * changes. Connections are accepted on the logic thread, a bounded number per turn, and spread
 * over the I/O threads. Invariant: a process without free descriptors neither spins nor fills
 * the log: it stops accepting for a while and says so once.
 */
#include "core/net/net_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,
    ACCEPTS = 64, /* per turn */
    REST_MS = 500
};

struct xyi_listener {
    struct xyi_listen listen; /* address: owned */
    struct xyi_watch *watch;  /* NULL: not accepting, or resting */
    struct xyi_timer rest;
    int fd;
    uint16_t port;
    bool starved; /* said already */
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t
parse(const struct xyi_listen *listen, union address *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (listen->address.len >= sizeof(text))
        return 0;
    memcpy(text, listen->address.at, listen->address.len);
    *address = (union address){0};
    if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(listen->port);
        return sizeof(address->v4);
    }
    if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(listen->port);
        return sizeof(address->v6);
    }
    return 0;
}

static int
bind_and_listen(const union address *address, socklen_t len)
{
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    const int yes = 1, no = 0;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (address->any.sa_family == AF_INET6) /* "::" is every address, of IPv4 too */
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
    if (bind(fd, &address->any, len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int cause = errno;
    close(fd);
    errno = cause;
    return -1;
}

static uint16_t
bound_port(int fd)
{
    union address address;
    socklen_t len = sizeof(address);
    int failed = getsockname(fd, &address.any, &len);
    xy_assert(!failed);
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port
                                                   : address.v4.sin_port);
}

struct xyi_listener *
xyi_listener_open(const struct xyi_listen *listen, struct xy_str *error)
{
    union address address;
    socklen_t len = parse(listen, &address);
    int fd = len ? bind_and_listen(&address, len) : -1;
    if (fd < 0) {
        *error =
            xy_temp_printf("cannot listen on " XY_FMT " port %u: %s", XY_ARG(listen->address),
                           listen->port, len ? strerror(errno) : "not a numeric address");
        return NULL;
    }
    struct xyi_listener *listener = xyi_alloc(sizeof(*listener));
    listener->listen = *listen;
    listener->listen.address = xyi_str_copy(listen->address);
    listener->fd = fd;
    listener->port = bound_port(fd);
    return listener;
}

static void
rested(struct xyi_timer *timer)
{
    xyi_listener_accept(XYI_LIST_OF(timer, struct xyi_listener, rest));
}

static void
rest(struct xyi_listener *listener)
{
    if (!listener->starved)
        xy_error("net.accept", "cannot accept connections; trying again",
                 XY_F_CSTR_AS("cause", strerror(errno)), XY_F_INT_AS("port", listener->port));
    listener->starved = true;
    xyi_watch_end(listener->watch);
    listener->watch = NULL;
    xyi_timer_set(&listener->rest, REST_MS, rested);
}

static void
welcome(struct xyi_listener *listener, int fd, const struct sockaddr *peer)
{
    struct in6_addr address;
    char text[INET6_ADDRSTRLEN];
    xyi_address_of(peer, &address, text);
    if (!xyi_admit(&address, text)) {
        close(fd);
        return;
    }
    const int yes = 1; /* a turn's output goes out by one send() */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    (void)xyi_link_new(fd, peer, &listener->listen);
}

static void
accept_some(void *argument)
{
    struct xyi_listener *listener = argument;
    for (unsigned i = 0; i < ACCEPTS; i++) {
        union address peer;
        socklen_t len = sizeof(peer);
        int fd = accept4(listener->fd, &peer.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            listener->starved = false;
            welcome(listener, fd, &peer.any);
            continue;
        }
        bool full = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        if (full)
            rest(listener);
        if (full || errno == EAGAIN)
            return;
    }
}

void
xyi_listener_accept(struct xyi_listener *listener)
{
    xyi_timer_clear(&listener->rest);
    if (!listener->watch)
        listener->watch = xyi_watch_fd(listener->fd, false, accept_some, listener);
}

void
xyi_listener_change(struct xyi_listener *listener, enum xyi_listen_tls tls, int tag)
{
    listener->listen.tls = tls;
    listener->listen.tag = tag;
}

void
xyi_listener_close(struct xyi_listener *listener)
{
    xyi_timer_clear(&listener->rest);
    if (listener->watch)
        xyi_watch_end(listener->watch);
    close(listener->fd);
    xyi_free(listener->listen.address.at);
    xyi_free(listener);
}

uint16_t
xyi_listener_port(const struct xyi_listener *listener)
{
    return listener->port;
}

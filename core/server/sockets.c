/* SPDX-License-Identifier: MIT */
/*
 * The set of open listeners. A reload opens what is new before anything changes, so that an
 * address somebody else has is an error of the reload; what stays is never closed in between.
 */
#include "core/server/server.h"

struct xy_str
xyi_socket_text(const struct xyi_open_socket *socket)
{
    static const char *const tls[] = {"none", "starttls", "direct"};
    unsigned port =
        socket->listener ? xyi_listener_port(socket->listener) : socket->listen.port;
    return xy_temp_printf(XY_FMT " " XY_FMT " port %u %s",
                          XY_ARG(xyi_config_service_name(socket->listen.tag)),
                          XY_ARG(socket->listen.address), port, tls[socket->listen.tls]);
}

static void
add_line(struct xy_buffer *to, const struct xyi_open_socket *socket)
{
    xy_buffer_add(to, xyi_socket_text(socket));
    xy_buffer_add(to, XY_STR("\n"));
}

static struct xyi_open_socket *
find_open(const struct xyi_listen *listen)
{
    for (struct xyi_open_socket *at = xyi_server.sockets; at; at = at->next)
        if (at->listen.port == listen->port &&
            xy_str_equal(at->listen.address, listen->address))
            return at;
    return NULL;
}

static bool
is_changed(const struct xyi_open_socket *socket)
{
    const struct xyi_listen *was = &socket->former->listen;
    return was->tls != socket->listen.tls || was->tag != socket->listen.tag;
}

static struct xyi_open_socket *
make_socket(const struct xyi_socket *wanted, struct xy_diagnostics *to)
{
    struct xyi_open_socket *socket = xyi_alloc(sizeof(*socket));
    struct xy_str error = XY_NO_STR;
    socket->listen = wanted->listen;
    socket->listen.address = xyi_str_copy(wanted->listen.address);
    socket->former = find_open(&socket->listen);
    socket->listener =
        socket->former ? socket->former->listener : xyi_listener_open(&socket->listen, &error);
    if (!socket->listener)
        xyi_complain_at(to, wanted->at, XY_FMT, XY_ARG(error));
    return socket;
}

static void
free_socket(struct xyi_open_socket *socket)
{
    xyi_free(socket->listen.address.at);
    xyi_free(socket);
}

static bool
is_taken_over(const struct xyi_open_socket *old, const struct xyi_open_socket *next)
{
    for (; next; next = next->next)
        if (next->former == old)
            return true;
    return false;
}

void
xyi_sockets_prepare(const struct xyi_config *config, struct xyi_socket_change *change,
                    struct xy_diagnostics *to)
{
    struct xyi_open_socket **end = &change->next;
    *change = (struct xyi_socket_change){0};
    for (size_t i = 0; i < config->sockets_count; i++) {
        *end = make_socket(&config->sockets[i], to);
        bool same = (*end)->former && !is_changed(*end);
        if ((*end)->listener)
            add_line(same ? &change->kept : &change->opened, *end);
        end = &(*end)->next;
    }
    for (const struct xyi_open_socket *old = xyi_server.sockets; old; old = old->next)
        if (!is_taken_over(old, change->next))
            add_line(&change->closed, old);
}

void
xyi_sockets_discard(struct xyi_socket_change *change)
{
    struct xyi_open_socket *next;
    for (struct xyi_open_socket *at = change->next; at; at = next) {
        next = at->next;
        if (at->listener && !at->former)
            xyi_listener_close(at->listener);
        free_socket(at);
    }
    change->next = NULL;
}

void
xyi_sockets_commit(struct xyi_socket_change *change)
{
    struct xyi_open_socket *old = xyi_server.sockets, *next;
    for (; old; old = next) {
        next = old->next;
        if (!is_taken_over(old, change->next))
            xyi_listener_close(old->listener);
    }
    for (struct xyi_open_socket *at = change->next; at; at = at->next) {
        if (at->former && is_changed(at))
            xyi_listener_change(at->listener, at->listen.tls, at->listen.tag);
        else if (!at->former)
            xyi_listener_accept(at->listener);
    }
    for (old = xyi_server.sockets; old; old = next) {
        next = old->next;
        free_socket(old);
    }
    xyi_server.sockets = change->next;
    for (struct xyi_open_socket *at = change->next; at; at = at->next)
        at->former = NULL;
    change->next = NULL;
}

void
xyi_sockets_close(void)
{
    struct xyi_open_socket *next;
    for (struct xyi_open_socket *at = xyi_server.sockets; at; at = next) {
        next = at->next;
        xyi_listener_close(at->listener);
        free_socket(at);
    }
    xyi_server.sockets = NULL;
}

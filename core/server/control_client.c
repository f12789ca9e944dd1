/* SPDX-License-Identifier: MIT */
/*
 * Clients of the control socket: a line of JSON in, a line of JSON out. Each has one request at
 * work at a time, on a fiber of its own; while it is at work, or its answer is not taken,
 * nothing more is read from it. One that sends or reads slowly keeps nobody else.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/server/control.h"

#define REQUEST_BYTES (64u << 20) /* an import of a million accounts */

static void read_some(void *argument);
static void write_some(void *argument);
static void start_request(struct xyi_client *client);

/* ---- clients
 * -------------------------------------------------------------------------------------------
 */

static void
watch_for(struct xyi_client *client, bool write)
{
    if (client->watch)
        xyi_watch_end(client->watch);
    client->watch = xyi_watch_fd(client->fd, write, write ? write_some : read_some, client);
}

void
xyi_client_unwatch(struct xyi_client *client)
{
    if (client->watch)
        xyi_watch_end(client->watch);
    client->watch = NULL;
}

/* Secrets pass through here. */
static void
free_buffer(char *buffer, size_t len)
{
    if (buffer)
        explicit_bzero(buffer, len);
    xyi_free(buffer);
}

void
xyi_client_free(struct xyi_client *client)
{
    xyi_client_unwatch(client);
    free_buffer(client->in, client->in_len);
    xyi_free(client->out);
    xyi_list_remove(&client->in_all);
    xyi_control.count--;
    xyi_free(client);
}

static void
drop_client(struct xyi_client *client)
{
    client->hung_up = true;
    xyi_client_unwatch(client);
    if (client->busy)
        return; /* its fiber comes back */
    close(client->fd);
    xyi_client_free(client);
}

/* For its next request, which may have come together with the one before. */
static void
listen_again(struct xyi_client *client)
{
    if (xyi_control.closing)
        xyi_client_unwatch(client);
    else if (client->in_len && memchr(client->in, '\n', client->in_len))
        start_request(client);
    else
        watch_for(client, false);
}

/* ---- answers
 * -------------------------------------------------------------------------------------------
 */

static void
write_some(void *argument)
{
    struct xyi_client *client = argument;
    while (client->out_at < client->out_len) {
        ssize_t sent = send(client->fd, client->out + client->out_at,
                            client->out_len - client->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN) {
            watch_for(client, true);
            return;
        }
        if (sent < 0) {
            drop_client(client);
            return;
        }
        client->out_at += (size_t)sent;
    }
    xyi_free(client->out);
    client->out = NULL;
    client->out_at = client->out_len = 0;
    listen_again(client);
}

/* Takes a reference. */
static void
answer(struct xyi_client *client, json_t *document)
{
    size_t len = json_dumpb(document, NULL, 0, JSON_COMPACT);
    xyi_free(client->out);
    client->out = xyi_alloc(len + 1);
    client->out_len = len + 1;
    client->out_at = 0;
    (void)json_dumpb(document, client->out, len, JSON_COMPACT);
    client->out[len] = '\n';
    json_decref(document);
    write_some(client);
}

static void
refuse(struct xyi_client *client, const char *why)
{
    answer(client, json_pack("{s:s, s:i, s:s}", "status", "invalid", "exit", 2, "error", why));
}

/* ---- requests
 * ------------------------------------------------------------------------------------------ */

static json_t *
take_request(struct xyi_client *client, json_error_t *problem)
{
    char *end = memchr(client->in, '\n', client->in_len);
    size_t len = (size_t)(end - client->in), used = len + 1;
    json_t *request = json_loadb(client->in, len, 0, problem);
    explicit_bzero(client->in, used);
    memmove(client->in, client->in + used, client->in_len - used);
    client->in_len -= used;
    return request;
}

static void
set_busy(struct xyi_client *client, bool busy)
{
    client->busy = busy;
    xyi_control.busy += busy ? 1 : -1u;
    if (xyi_control.closing && xyi_control.busy == 0)
        xyi_wake(&xyi_control.idle, XY_OK);
}

static struct xy_str
user_of(const struct xyi_client *client)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    if (getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return XY_STR("unix:unknown");
    return xy_temp_printf("unix:%u", (unsigned)peer.uid);
}

static void
run_request(struct xyi_job *job)
{
    struct xyi_client *client = XYI_LIST_OF(job, struct xyi_client, job);
    json_error_t problem;
    client->fiber = xyi_fiber_self();
    json_t *request = take_request(client, &problem);
    json_t *document =
        request && !xyi_control.closing ? xyi_request(request, user_of(client), false) : NULL;
    bool is_json = request != NULL;
    json_decref(request);
    client->fiber = NULL;
    set_busy(client, false);
    if (client->hung_up) {
        json_decref(document);
        drop_client(client);
    } else if (document) {
        answer(client, document);
    } else if (is_json) {
        refuse(client, "the server is stopping");
    } else {
        refuse(client, xy_temp_printf("not JSON: %s", problem.text).at);
    }
}

static void
start_request(struct xyi_client *client)
{
    set_busy(client, true);
    xyi_client_unwatch(client);
    client->job.run = run_request;
    xyi_spawn(&client->job);
}

static void
make_room(struct xyi_client *client)
{
    if (client->in_len < client->in_size)
        return;
    size_t size = client->in_size ? client->in_size * 2 : 4096;
    char *larger = xyi_alloc(size);
    if (client->in_len)
        memcpy(larger, client->in, client->in_len);
    free_buffer(client->in, client->in_len);
    client->in = larger;
    client->in_size = size;
}

static void
read_some(void *argument)
{
    struct xyi_client *client = argument;
    make_room(client);
    ssize_t got = recv(client->fd, client->in + client->in_len,
                       client->in_size - client->in_len, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        drop_client(client);
        return;
    }
    bool whole = memchr(client->in + client->in_len, '\n', (size_t)got);
    client->in_len += (size_t)got;
    if (whole)
        start_request(client);
    else if (client->in_len > REQUEST_BYTES) {
        free_buffer(client->in, client->in_len);
        client->in = NULL;
        client->in_len = client->in_size = 0;
        refuse(client, "the request is too long");
    }
}

void
xyi_client_new(int fd)
{
    struct xyi_client *client = xyi_alloc(sizeof(*client));
    client->fd = fd;
    xyi_list_append(&xyi_control.clients, &client->in_all);
    xyi_control.count++;
    watch_for(client, false);
}

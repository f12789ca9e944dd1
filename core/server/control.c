/* SPDX-License-Identifier: MIT */
/*
 * The control socket: a line of JSON in, a line of JSON out, on a unix socket that only the
 * server's user and root can open. Each client has one request at work at a time, on a fiber of
 * its own; several clients are served at once, and one that sends or reads slowly keeps nobody
 * else.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/server/server.h"

#define REQUEST_BYTES (64u << 20) /* an import of a million accounts */
#define CLIENTS       64

struct client {
    struct xyi_link_node in_all;
    struct xyi_job job;
    struct xyi_watch *watch;
    int fd;
    bool busy, hung_up;
    void *fiber; /* that carries out its request */
    char *in;
    size_t in_len, in_size;
    char *out;
    size_t out_at, out_len;
};

static struct { /* logic thread */
    int fd;
    struct xyi_watch *watch;
    struct xy_str path;
    struct xyi_link_node clients;
    unsigned count, busy;
    bool closing;
    struct xyi_wait idle; /* closing: nobody is busy any more */
} control = {.fd = -1};

static void read_some(void *argument);
static void write_some(void *argument);
static void start_request(struct client *client);

/* ---- clients
 * -------------------------------------------------------------------------------------------
 */

static void
watch_for(struct client *client, bool write)
{
    if (client->watch)
        xyi_watch_end(client->watch);
    client->watch = xyi_watch_fd(client->fd, write, write ? write_some : read_some, client);
}

static void
unwatch(struct client *client)
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

static void
free_client(struct client *client)
{
    unwatch(client);
    free_buffer(client->in, client->in_len);
    xyi_free(client->out);
    xyi_list_remove(&client->in_all);
    control.count--;
    xyi_free(client);
}

static void
drop_client(struct client *client)
{
    client->hung_up = true;
    unwatch(client);
    if (client->busy)
        return; /* its fiber comes back */
    close(client->fd);
    free_client(client);
}

/* For its next request, which may have come together with the one before. */
static void
listen_again(struct client *client)
{
    if (control.closing)
        unwatch(client);
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
    struct client *client = argument;
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
answer(struct client *client, json_t *document)
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
refuse(struct client *client, const char *why)
{
    answer(client, json_pack("{s:s, s:i, s:s}", "status", "invalid", "exit", 2, "error", why));
}

/* ---- requests
 * ------------------------------------------------------------------------------------------ */

static json_t *
take_request(struct client *client, json_error_t *problem)
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
set_busy(struct client *client, bool busy)
{
    client->busy = busy;
    control.busy += busy ? 1 : -1u;
    if (control.closing && control.busy == 0)
        xyi_wake(&control.idle, XY_OK);
}

static void
run_request(struct xyi_job *job)
{
    struct client *client = XYI_LIST_OF(job, struct client, job);
    json_error_t problem;
    client->fiber = xyi_fiber_self();
    json_t *request = take_request(client, &problem);
    json_t *document = request && !control.closing ? xyi_request(request, false) : NULL;
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
start_request(struct client *client)
{
    set_busy(client, true);
    unwatch(client);
    client->job.run = run_request;
    xyi_spawn(&client->job);
}

static void
make_room(struct client *client)
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
    struct client *client = argument;
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

static void
welcome(void *argument)
{
    (void)argument;
    int fd = accept4(control.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (control.count >= CLIENTS) {
        close(fd);
        return;
    }
    struct client *client = xyi_alloc(sizeof(*client));
    client->fd = fd;
    xyi_list_append(&control.clients, &client->in_all);
    control.count++;
    watch_for(client, false);
}

/* ---- the socket
 * ---------------------------------------------------------------------------------------- */

/* One that nobody listens on is left over from a server that was killed. */
static bool
is_stale(const struct sockaddr_un *address)
{
    struct stat about;
    if (lstat(address->sun_path, &about) != 0 || !S_ISSOCK(about.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool refused = fd >= 0 &&
                   connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
                   errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return refused;
}

static int
bind_private(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (is_stale(address))
        unlink(address->sun_path);
    mode_t former = umask(0177);
    bool bound = fd >= 0 && bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
    umask(former);
    if (bound && listen(fd, 64) == 0)
        return fd;
    int problem = errno;
    if (fd >= 0)
        close(fd);
    errno = problem;
    return -1;
}

xy_status
xyi_control_open(struct xy_str path, struct xy_str *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path.len >= sizeof(address.sun_path)) {
        *error =
            xy_temp_printf("control socket " XY_FMT ": the path is %zu bytes long, a socket's "
                           "may have %zu",
                           XY_ARG(path), path.len, sizeof(address.sun_path) - 1);
        return XY_INVALID;
    }
    memcpy(address.sun_path, path.at, path.len);
    control.fd = bind_private(&address);
    if (control.fd < 0) {
        *error =
            xy_temp_printf("control socket " XY_FMT ": %s", XY_ARG(path),
                           errno == EADDRINUSE ? "another server listens there, or it is not "
                                                 "a socket"
                                               : strerror(errno));
        return XY_BROKEN;
    }
    control.path = xyi_str_copy(path);
    xyi_list_init(&control.clients);
    control.watch = xyi_watch_fd(control.fd, false, welcome, NULL);
    return XY_OK;
}

void
xyi_control_close(void)
{
    control.closing = true;
    xyi_watch_end(control.watch);
    for (struct xyi_link_node *at = control.clients.next; at != &control.clients;
         at = at->next) {
        struct client *client = XYI_LIST_OF(at, struct client, in_all);
        if (!client->out_len)
            unwatch(client);
        if (client->fiber)
            xyi_cancel_fiber(client->fiber);
    }
    if (control.busy)
        (void)!xyi_wait(&control.idle, XY_NONE, XYI_UNCANCELLABLE);
}

void
xyi_control_end(void)
{
    /* Their descriptors stay open: a client that waits for our end hears it from the kernel. */
    while (!xyi_list_empty(&control.clients))
        free_client(XYI_LIST_OF(control.clients.next, struct client, in_all));
    unlink(control.path.at);
    xyi_free(control.path.at);
    close(control.fd);
    control.fd = -1;
}

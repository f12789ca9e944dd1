/* SPDX-License-Identifier: MIT */
/*
 * The control socket, which only the server's user, root and one group can open. One that
 * nobody listens on is left over from a server that was killed and is replaced; anything else
 * at its path stays.
 */
#include <errno.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/server/control.h"

#define CLIENTS 64

struct xyi_control xyi_control = {.fd = -1};

static void
welcome(void *argument)
{
    (void)argument;
    int fd = accept4(xyi_control.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (xyi_control.count >= CLIENTS) {
        close(fd);
        return;
    }
    xyi_client_new(fd);
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
    if (bound)
        return fd;
    int problem = errno;
    if (fd >= 0)
        close(fd);
    errno = problem;
    return -1;
}

static bool
share(struct xy_str path, struct xy_str group, struct xy_str *error)
{
    const struct group *found = getgrnam(xy_temp_cstr(group));
    if (!found)
        *error = xy_temp_printf("control_group: there is no group `" XY_FMT "`", XY_ARG(group));
    else if (chown(xy_temp_cstr(path), (uid_t)-1, found->gr_gid) != 0 ||
             chmod(xy_temp_cstr(path), 0660) != 0)
        *error = xy_temp_printf("control_group: giving " XY_FMT " to the group `" XY_FMT
                                "`: %s; is the server's user in it?",
                                XY_ARG(path), XY_ARG(group), strerror(errno));
    else
        return true;
    return false;
}

static xy_status
give_up(struct xy_str path, xy_status status)
{
    close(xyi_control.fd);
    xyi_control.fd = -1;
    unlink(xy_temp_cstr(path));
    return status;
}

xy_status
xyi_control_open(struct xy_str path, struct xy_str group, struct xy_str *error)
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
    xyi_control.fd = bind_private(&address);
    if (xyi_control.fd < 0) {
        *error =
            xy_temp_printf("control socket " XY_FMT ": %s", XY_ARG(path),
                           errno == EADDRINUSE ? "another server listens there, or it is not "
                                                 "a socket"
                                               : strerror(errno));
        return XY_BROKEN;
    }
    if (group.len && !share(path, group, error))
        return give_up(path, XY_INVALID);
    if (listen(xyi_control.fd, 64) != 0) {
        *error = xy_temp_printf("control socket " XY_FMT ": %s", XY_ARG(path), strerror(errno));
        return give_up(path, XY_BROKEN);
    }
    xyi_control.path = xyi_str_copy(path);
    xyi_list_init(&xyi_control.clients);
    xyi_control.watch = xyi_watch_fd(xyi_control.fd, false, welcome, NULL);
    return XY_OK;
}

void
xyi_control_close(void)
{
    xyi_control.closing = true;
    xyi_watch_end(xyi_control.watch);
    for (struct xyi_link_node *at = xyi_control.clients.next; at != &xyi_control.clients;
         at = at->next) {
        struct xyi_client *client = XYI_LIST_OF(at, struct xyi_client, in_all);
        if (!client->out_len)
            xyi_client_unwatch(client);
        if (client->fiber)
            xyi_cancel_fiber(client->fiber);
    }
    if (xyi_control.busy)
        (void)!xyi_wait(&xyi_control.idle, XY_NONE, XYI_UNCANCELLABLE);
}

void
xyi_control_end(void)
{
    /* Their descriptors stay open: a client that waits for our end hears it from the kernel. */
    while (!xyi_list_empty(&xyi_control.clients))
        xyi_client_free(XYI_LIST_OF(xyi_control.clients.next, struct xyi_client, in_all));
    unlink(xyi_control.path.at);
    xyi_free(xyi_control.path.at);
    close(xyi_control.fd);
    xyi_control.fd = -1;
}

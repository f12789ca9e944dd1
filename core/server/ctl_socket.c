/* SPDX-License-Identifier: MIT */
/* xylemctl's end of the control socket. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/server/ctl.h"

xy_status
xyi_ctl_connect(struct xyi_ctl *ctl, struct xy_str path, struct xy_str *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path.len >= sizeof(address.sun_path))
        return XY_ABSENT; /* a server refuses to start with it */
    memcpy(address.sun_path, path.at, path.len);
    ctl->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (ctl->socket >= 0 &&
        connect(ctl->socket, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return XY_OK;
    int problem = errno;
    if (ctl->socket >= 0)
        close(ctl->socket);
    ctl->socket = -1;
    if (problem == ENOENT || problem == ECONNREFUSED)
        return XY_ABSENT;
    *error = xy_temp_printf("control socket " XY_FMT ": %s%s", XY_ARG(path), strerror(problem),
                            problem == EACCES ? "; be root or the server's user" : "");
    return problem == EACCES ? XY_DENIED : XY_BROKEN;
}

static bool
send_all(int fd, const char *at, size_t len)
{
    while (len) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        at += sent;
        len -= (size_t)sent;
    }
    return true;
}

static json_t *
receive(int fd)
{
    struct xy_buffer line = {0};
    char bytes[16384];
    for (;;) {
        ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return NULL;
        xy_buffer_add(&line, xy_str_of(bytes, (size_t)got));
        if (bytes[got - 1] == '\n')
            return json_loadb(line.text, line.len, 0, NULL);
    }
}

json_t *
xyi_ctl_ask(const struct xyi_ctl *ctl, const json_t *request)
{
    size_t len = json_dumpb(request, NULL, 0, JSON_COMPACT);
    xy_assert(len > 0 && len < SIZE_MAX / 2);
    char *line = xyi_alloc(len + 1);
    (void)json_dumpb(request, line, len, JSON_COMPACT);
    line[len] = '\n';
    bool sent = send_all(ctl->socket, line, len + 1);
    explicit_bzero(line, len);
    xyi_free(line);
    return sent ? receive(ctl->socket) : NULL;
}

/* The kernel closes the server's end when its process has ended. */
void
xyi_ctl_await_end(const struct xyi_ctl *ctl)
{
    char byte;
    while (recv(ctl->socket, &byte, 1, 0) > 0 || errno == EINTR)
        errno = 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The server's place on the machine: the lock that keeps a second one out of data_dir, open
 * files, the service manager (sd_notify(3)), the pid file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/server/server.h"

#define OWN_FILES 128 /* databases, logs, threads, the control socket, reloads */

/* How many connections they allow, raised as far as they may be. */
static int64_t
raise_open_files(void)
{
    struct rlimit limit;
    int failed = getrlimit(RLIMIT_NOFILE, &limit);
    xy_assert(!failed);
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = {limit.rlim_max, limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            limit = raised;
    }
    if (limit.rlim_cur == RLIM_INFINITY)
        return INT64_MAX;
    return limit.rlim_cur > OWN_FILES ? (int64_t)limit.rlim_cur - OWN_FILES : 1;
}

void
xyi_fit_open_files(struct xyi_config *config, struct xy_diagnostics *to)
{
    int64_t wanted = config->limits.connections, room = raise_open_files();
    config->connections = wanted;
    if (wanted == XY_NONE || wanted <= room)
        return;
    if (!xyi_config_has(config, "limits", "connections")) {
        config->connections = room; /* nobody asked for more */
        return;
    }
    xyi_diagnostics_aim(to, xyi_yaml_get(config->tree, XY_STR("limits")));
    xy_complain(to, "connections",
                "%lld connections need %lld open files and this process may have %lld: raise "
                "`ulimit -n` (systemd: LimitNOFILE) or lower this",
                (long long)wanted, (long long)wanted + OWN_FILES, (long long)room + OWN_FILES);
    xyi_diagnostics_aim(to, NULL);
}

/* The pid the holder wrote, for the message. */
static struct xy_str
read_holder(int fd)
{
    char pid[32] = "";
    ssize_t got = pread(fd, pid, sizeof(pid) - 1, 0);
    return xy_temp_str(xy_str_trim(xy_str_of(pid, got > 0 ? (size_t)got : 0)));
}

static xy_status
write_number(int fd)
{
    struct xy_str text = xy_temp_printf("%d\n", (int)getpid());
    bool whole = ftruncate(fd, 0) == 0 && pwrite(fd, text.at, text.len, 0) == (ssize_t)text.len;
    return whole ? XY_OK : XY_BROKEN;
}

xy_status
xyi_lock_data(struct xy_str data_dir, int *fd, struct xy_str *error)
{
    const char *folder = xy_temp_cstr(data_dir);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        *error = xy_temp_printf("data_dir %s cannot be created: %s", folder, strerror(errno));
        return XY_BROKEN;
    }
    struct xy_str path = xy_temp_printf("%s/lock", folder);
    *fd = open(path.at, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0) {
        *error = xy_temp_printf("%s cannot be opened: %s", path.at, strerror(errno));
        return XY_BROKEN;
    }
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        *error = xy_temp_printf("another xylem works on data_dir %s (process " XY_FMT ")",
                                folder, XY_ARG(read_holder(*fd)));
        close(*fd);
        *fd = -1;
        return XY_CONFLICT;
    }
    mkdir(xy_temp_printf("%s/modules", folder).at, 0700);
    if (write_number(*fd) == XY_OK)
        return XY_OK;
    *error = xy_temp_printf("%s cannot be written: %s", path.at, strerror(errno));
    close(*fd);
    *fd = -1;
    return XY_BROKEN;
}

xy_status
xyi_write_pid(struct xy_str path, struct xy_str *error)
{
    int fd = open(xy_temp_cstr(path), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    xy_status status = fd < 0 ? XY_BROKEN : write_number(fd);
    if (status != XY_OK)
        *error = xy_temp_printf("pid file " XY_FMT " cannot be written: %s", XY_ARG(path),
                                strerror(errno));
    if (fd >= 0)
        close(fd);
    return status;
}

void
xyi_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(address.sun_path))
        return;
    strcpy(address.sun_path, path);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = 0; /* the abstract name space */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, len) < 0)
        xy_warn("server.notify", "the service manager cannot be told",
                XY_F_CSTR_AS("reason", strerror(errno)));
    close(fd);
}

int64_t
xyi_resident_bytes(void)
{
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%ld %ld", &pages, &resident) != 2)
        resident = 0;
    fclose(file);
    return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

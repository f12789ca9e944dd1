/* SPDX-License-Identifier: MIT */
/*
 * A mark for a secret of the configuration, by which the audit log sees that it has changed.
 * Invariant: who has the log, or the database, cannot try guesses against a mark: it is keyed
 * with settings.key in data_dir, which neither has.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "core/server/server.h"

enum { KEY = 32, MARK = 16 };
static unsigned char key[KEY]; /* logic thread */
static bool known;

/* Whoever reads it holds the lock on data_dir. */
static bool
read_or_make(int fd)
{
    if (pread(fd, key, KEY, 0) == KEY)
        return true;
    xy_random(key, KEY);
    return ftruncate(fd, 0) == 0 && pwrite(fd, key, KEY, 0) == KEY && fsync(fd) == 0;
}

static bool
find_key(void)
{
    struct xy_str path = xy_temp_printf(XY_FMT "/settings.key", XY_ARG(xy_data_dir()));
    int fd = known ? -1 : open(path.at, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd >= 0) {
        known = read_or_make(fd);
        close(fd);
    }
    if (!known)
        xy_warn("config.unmarked", "changes of secrets will not be noticed",
                XY_F_STR_AS("file", path), XY_F_CSTR_AS("problem", strerror(errno)));
    return known;
}

struct xy_str
xyi_secret_mark(struct xy_str name, struct xy_str value)
{
    unsigned char mac[XY_HASH_MAX];
    if (!find_key())
        return XY_NO_STR;
    struct xy_str bytes = xy_temp_printf(XY_FMT "\n" XY_FMT, XY_ARG(name), XY_ARG(value));
    xy_hash_hmac(XY_SHA256, xy_str_of((const char *)key, KEY), bytes, mac);
    return xy_temp_hex(xy_str_of((const char *)mac, MARK));
}

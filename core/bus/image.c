/* SPDX-License-Identifier: MIT */
/*
 * A module's file, read once: what was checked and hashed is what is written to the private
 * copy and opened. Gate 1: a regular file that nobody but root and the server's user can
 * change.
 */
#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/bus/internal.h"

static bool
is_ours(const struct stat *file, struct xy_str path, struct xy_str *why)
{
    if (!S_ISREG(file->st_mode))
        *why = xy_temp_printf(XY_FMT " is not a regular file", XY_ARG(path));
    else if (file->st_uid != 0 && file->st_uid != geteuid())
        *why = xy_temp_printf(XY_FMT
                              " belongs to uid %u; wanted: root or the server's user (uid %u)",
                              XY_ARG(path), (unsigned)file->st_uid, (unsigned)geteuid());
    else if ((file->st_mode & S_IWOTH) ||
             ((file->st_mode & S_IWGRP) && file->st_gid != getegid()))
        *why = xy_temp_printf(
            XY_FMT " can be changed by others: its mode is %04o; wanted: %04o", XY_ARG(path),
            (unsigned)file->st_mode & 07777, (unsigned)file->st_mode & 07755);
    else
        return true;
    return false;
}

static bool
read_all(int fd, size_t size, struct xyi_image *image, struct xy_str *why)
{
    char *bytes = xyi_alloc(size + 1);
    size_t done = 0;
    ssize_t got = 1;
    while (done < size && (got = read(fd, bytes + done, size - done)) > 0)
        done += (size_t)got;
    image->bytes = xy_str_of(bytes, done);
    if (got < 0 || done < size)
        *why = xy_temp_printf(XY_FMT ": %s", XY_ARG(image->path),
                              got < 0 ? strerror(errno) : "became shorter while it was read");
    return got > 0 && done == size;
}

static void
hash(struct xyi_image *image)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[SHA256_DIGEST_SIZE];
    struct sha256_ctx sha256;
    sha256_init(&sha256);
    sha256_update(&sha256, image->bytes.len, (const uint8_t *)image->bytes.at);
    sha256_digest(&sha256, sizeof(digest), digest);
    for (size_t i = 0; i < sizeof(digest); i++) {
        image->hash[2 * i] = digits[digest[i] >> 4];
        image->hash[2 * i + 1] = digits[digest[i] & 15];
    }
}

bool
xyi_image_read(struct xyi_image *image, struct xy_str path, struct xy_str *why)
{
    *image = (struct xyi_image){.path = path};
    /* Not blocking: a pipe in the module path must be refused, not waited for. */
    int fd = open(xy_temp_cstr(path), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat file;
    if (fd < 0 || fstat(fd, &file) != 0) {
        *why = xy_temp_printf(XY_FMT ": %s", XY_ARG(path), strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    bool fine = is_ours(&file, path, why) && read_all(fd, (size_t)file.st_size, image, why);
    close(fd);
    if (fine)
        hash(image);
    return fine;
}

void
xyi_image_close(struct xyi_image *image)
{
    xyi_free(image->bytes.at);
    *image = (struct xyi_image){0};
}

static bool
write_all(int fd, struct xy_str bytes)
{
    while (bytes.len > 0) {
        ssize_t wrote = write(fd, bytes.at, bytes.len);
        if (wrote < 0 && errno != EINTR)
            return false;
        if (wrote > 0)
            bytes = xy_str_of(bytes.at + wrote, bytes.len - (size_t)wrote);
    }
    return true;
}

bool
xyi_image_copy(const struct xyi_image *image, struct xy_str path, struct xy_str *why)
{
    const char *name = xy_temp_cstr(path);
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
    bool fine = fd >= 0 && write_all(fd, image->bytes);
    int error = errno;
    if (fd >= 0 && close(fd) != 0 && fine) {
        error = errno;
        fine = false;
    }
    if (!fine) {
        *why = xy_temp_printf(XY_FMT " cannot be copied to %s: %s", XY_ARG(image->path), name,
                              strerror(error));
        if (fd >= 0)
            unlink(name);
    }
    return fine;
}

int
xyi_image_in_memory(const struct xyi_image *image)
{
    int fd = memfd_create("xylem-module", MFD_CLOEXEC);
    if (fd >= 0 && !write_all(fd, image->bytes)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* ---- what it would read ----------------------------------------------------------------- */

static bool
is_text(char byte)
{
    return (byte >= ' ' && byte <= '~') || byte == '\n' || byte == '\t';
}

/* All strings of the file, whether they are in its table of statements or not. */
bool
xyi_image_keeps_off(const struct xyi_image *image, struct xy_str *why)
{
    const char *at = image->bytes.at, *end = at + image->bytes.len;
    while (at < end) {
        const char *from = at;
        while (at < end && is_text(*at))
            at++;
        struct xy_str text = xy_str_of(from, (size_t)(at - from));
        struct xy_str table = text.len ? xyi_sql_own_table(text) : XY_NO_STR;
        if (table.len) {
            *why = xy_temp_printf(XY_FMT " reaches into the table `" XY_FMT "` of the store, "
                                         "where what was taken back still is (\"" XY_FMT
                                         "\"); messages are read through xylem/archive.h",
                                  XY_ARG(image->path), XY_ARG(table), XY_ARG(text));
            return false;
        }
        at += at == from;
    }
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * The log: where lines go and which. Invariants: a line is one write(2); lines of different
 * threads never mix; a destination that cannot be opened leaves the former one in use; whatever
 * is suppressed is accounted for by a line that says how much.
 */
#include "core/base/log_internal.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

_Thread_local struct xyi_log_scope xyi_log_scope;
_Thread_local struct xy_str (*xyi_log_module)(void);

static _Atomic int threshold = XY_LEVEL_INFO;
static atomic_bool owing; /* lines were suppressed and are not yet accounted for */

static struct { /* under the mutex */
    pthread_mutex_t mutex;
    enum xyi_log_format format;
    int fd;
} output = {PTHREAD_MUTEX_INITIALIZER, XYI_LOG_TEXT, STDERR_FILENO};

bool
xy_log_wants(enum xy_level level)
{
    return (int)level >= atomic_load_explicit(&threshold, memory_order_relaxed);
}

static void
write_line(const struct xyi_log_entry *entry)
{
    struct xyi_log_line line;
    xyi_log_compose(&line, output.format, entry);
    ssize_t wrote = write(output.fd, line.text, line.len);
    (void)wrote; /* a log that cannot be written has nobody to tell */
}

/* The mutex is held. */
static void
account_suppressed(bool all)
{
    if (!atomic_load_explicit(&owing, memory_order_relaxed))
        return;
    char event[64];
    int64_t lines;
    struct xyi_log_scope scope = xyi_log_scope;
    struct xy_str (*module)(void) = xyi_log_module;
    xyi_log_scope = (struct xyi_log_scope){0}; /* they were of many */
    xyi_log_module = NULL;
    while (xyi_log_next_suppressed(xy_monotonic_ms(), all, event, &lines)) {
        const struct xy_field fields[] = {XY_F_CSTR_AS("of", event), XY_F_INT(lines)};
        write_line(&(struct xyi_log_entry){XY_LEVEL_NOTICE, "log.suppressed",
                                           "lines of one event left out", fields, 2});
    }
    xyi_log_scope = scope;
    xyi_log_module = module;
    atomic_store_explicit(&owing, xyi_log_owes(), memory_order_relaxed);
}

void
xy_log_fields(enum xy_level level, const char *event, const char *words,
              const struct xy_field *fields, size_t count)
{
    if (!xy_log_wants(level))
        return;
    pthread_mutex_lock(&output.mutex);
    account_suppressed(false);
    if (level >= XY_LEVEL_ERROR || xyi_log_admit(event, xy_monotonic_ms()))
        write_line(&(struct xyi_log_entry){level, event, words, fields, count});
    else
        atomic_store_explicit(&owing, true, memory_order_relaxed);
    pthread_mutex_unlock(&output.mutex);
}

void
xyi_log_tick(void)
{
    if (!atomic_load_explicit(&owing, memory_order_relaxed))
        return;
    pthread_mutex_lock(&output.mutex);
    account_suppressed(false);
    pthread_mutex_unlock(&output.mutex);
}

xy_status
xyi_log_configure(enum xy_level level, enum xyi_log_format format, struct xy_str file)
{
    int fd = STDERR_FILENO;
    if (file.len) {
        struct xy_str path = xyi_str_copy(file);
        fd = open(path.at, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
        xyi_free(path.at);
        if (fd < 0)
            return XY_BROKEN;
    }
    pthread_mutex_lock(&output.mutex);
    account_suppressed(true);
    if (output.fd != STDERR_FILENO)
        close(output.fd);
    output.fd = fd;
    output.format = format;
    pthread_mutex_unlock(&output.mutex);
    atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
    return XY_OK;
}

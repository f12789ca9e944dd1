/* SPDX-License-Identifier: MIT */
/*
 * How a function says what became of a request. Everything that can fail returns an xy_status,
 * and the compiler warns when it is dropped. A result travels in an out parameter, or is a
 * pointer that may be NULL only where absence is an ordinary answer.
 */
#ifndef XYLEM_STATUS_H
#define XYLEM_STATUS_H

typedef enum xy_status {
    XY_OK = 0,
    XY_ABSENT,      /* the thing asked for does not exist */
    XY_FULL,        /* a quota or limit is reached */
    XY_GONE,        /* it existed when you took the handle, and has ended since */
    XY_DENIED,      /* the asker may not */
    XY_INVALID,     /* the request makes no sense as it stands */
    XY_CONFLICT,    /* somebody else changed it first; read again and retry */
    XY_CANCELLED,   /* the wait was given up: session closed, module leaving, server stopping */
    XY_TIMEOUT,     /* the wait took too long; what was asked may still happen */
    XY_BROKEN,      /* database, disk or peer failed; nothing was done */
    XY_UNKNOWN,     /* the connection was lost during a commit: it may or may not be durable */
    XY_UNSUPPORTED, /* not implemented, or switched off */
} xy_status;

/* Its name in lower case ("absent"), a constant string. */
#define XY_API   __attribute__((visibility("default")))
#define XY_CHECK __attribute__((warn_unused_result))

XY_API const char *xy_status_name(xy_status status);

/* Documents that a function may suspend the calling fiber. After it returns the world has
 * changed: handles stay valid but may answer XY_GONE, so re-read what you branch on. */
#define XY_SUSPENDS

#define XY_PRINTF(format_at, first) __attribute__((format(printf, format_at, first)))

/* Programming errors end the process with file, line and the broken condition, in release too. */
XY_API void xy_assert_failed(const char *file, int line, const char *condition)
    __attribute__((noreturn, cold));
#define xy_assert(condition)                                                                       \
    (__builtin_expect(!!(condition), 1) ? (void)0                                                  \
                                        : xy_assert_failed(__FILE__, __LINE__, #condition))

#endif

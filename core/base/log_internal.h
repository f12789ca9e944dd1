/* SPDX-License-Identifier: MIT */
/* Between the files of the log: a line being composed, its two formats, the limit on
 * repetition. */
#ifndef XYI_LOG_INTERNAL_H
#define XYI_LOG_INTERNAL_H

#include "core/base/base.h"

/* At most a page, so that one write(2) of it to a pipe is atomic too. */
enum { XYI_LOG_LINE = 4096 };

struct xyi_log_line {
    size_t len;
    bool cut; /* something did not fit and was left out */
    char text[XYI_LOG_LINE];
};

struct xyi_log_entry {
    enum xy_level level;
    const char *event, *words;
    const struct xy_field *fields;
    size_t count;
};

/* The whole line with its newline. */
void xyi_log_compose(struct xyi_log_line *line, enum xyi_log_format format,
                     const struct xyi_log_entry *entry);

/* Under the log's mutex. Whether this line may go out: XYI_LOG_BURST a second of each event. */
enum { XYI_LOG_BURST = 20 };
bool xyi_log_admit(const char *event, int64_t now_ms);
/* The next event of which lines were left out in a second that is over (or in any, with `all`):
 * its name and how many. False: none. */
bool xyi_log_next_suppressed(int64_t now_ms, bool all, char event[64], int64_t *lines);
bool xyi_log_owes(void); /* some lines are left out and not yet told */

#endif

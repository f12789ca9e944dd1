/* SPDX-License-Identifier: MIT */
/*
 * What an engine said, for logs: one line, no parameters.
 */
#include "core/store/driver.h"

void
xyi_fault_say(struct xyi_fault *fault, const char *sql, const char *text)
{
    size_t len = strcspn(text, "\n");
    if (len >= sizeof(fault->text))
        len = sizeof(fault->text) - 1;
    memcpy(fault->text, text, len);
    fault->text[len] = '\0';
    fault->sql = sql;
}

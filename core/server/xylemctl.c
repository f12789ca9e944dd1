/* SPDX-License-Identifier: MIT */
/* The administrator's command, see ctl.c. */
#include "core/server/ctl.h"

int
main(int count, char **words)
{
    return xyi_ctl_main(count, words);
}

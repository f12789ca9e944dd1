/* SPDX-License-Identifier: MIT */
/* Settings by name. */
#include "modules/muc/muc.h"

const struct setting muc_settings_table[] = {{.var = NULL}};
const size_t muc_settings_count = 0;

/* SPDX-License-Identifier: MIT */
/* The configuration form, between config_form.c and owner.c. */
#ifndef MUC_CONFIG_FORM_H
#define MUC_CONFIG_FORM_H

#include "modules/muc/admin.h"

struct submitted {
    struct configuration configuration;
    struct roster roster;
};

/* The form as the room is now, into <query/>. */
XY_SUSPENDS XY_CHECK xy_status config_form_write(const struct asker *asker, struct xy_node *query);
/* What `form` makes of the room as it is now. */
struct refusal config_form_read(const struct asker *asker, const struct xy_node *form,
                                struct submitted *out);

#endif

/* SPDX-License-Identifier: MIT */
/* What ends the messages of an archive, and when next (requirement S1-14). */
#include "modules/archives/archives.h"

static xy_status
find_oldest(xy_owner owner, const struct xy_jid *with, xy_message_id *oldest)
{
    struct xy_archive_page page;
    const struct xy_archive_query query = {.owner = owner, .with = with, .limit = 1};
    *oldest = 0;
    xy_status status = xy_archive_read(&query, &page);
    if (status == XY_OK && page.count)
        *oldest = page.at[0].id;
    return status;
}

static struct xy_str
next_expiry(const struct policy *policy, xy_message_id oldest)
{
    if (!oldest || policy->keep_for == XY_NONE)
        return XY_STR("never");
    return xy_time_format(xy_message_id_ms(oldest) + policy->keep_for);
}

static void
put(struct xy_command *command, const struct xy_jid *whose, const struct policy *policy,
    struct xy_str next)
{
    xy_row(command);
    xy_put_str(command, "class", XY_STR("all"));
    xy_put_str(command, "keep_for",
               policy->keep_for == XY_NONE ? XY_STR("none")
                                           : xy_duration_text(policy->keep_for));
    xy_put_str(command, "rule",
               xy_temp_printf("the archive of " XY_FMT, XY_ARG(xy_jid_text(whose))));
    xy_put_str(command, "next_expiry", next);
    if (policy->keep_messages != XY_NONE)
        xy_put_int(command, "keep_messages", policy->keep_messages);
}

void
archive_lifecycle(void *self, const struct retention *retention, struct xy_command *command,
                  const struct xy_jid *whose, const struct xy_jid *with)
{
    xy_owner owner;
    xy_message_id oldest = 0;
    struct policy policy;
    xy_status status = xy_archive_owner(whose, &owner);
    if (status == XY_ABSENT)
        return;
    if (status == XY_OK)
        status = retention->policy_of(self, owner, &policy);
    if (status == XY_OK)
        status = find_oldest(owner, with, &oldest);
    if (status == XY_OK)
        put(command, whose, &policy, next_expiry(&policy, oldest));
    else
        xy_say(command, "The archive of " XY_FMT " cannot be read: %s.",
               XY_ARG(xy_jid_text(whose)), xy_status_name(status));
}

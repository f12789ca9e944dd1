/* SPDX-License-Identifier: MIT */
/* What a webhook would send of a removal, in the log, for tests: as docs/modules.md shows it.
 */
#define XY_STATE informer
#include <xylem/xylem.h>

static void
on_removed(XY_SELF, const struct xy_message_record *removed)
{
    static const char *const roles[] = {[XY_MESSAGE_LIVE] = "unknown",
                                        [XY_MESSAGE_RETRACTED] = "author",
                                        [XY_MESSAGE_MODERATED] = "moderator",
                                        [XY_MESSAGE_REMOVED] = "administrator",
                                        [XY_MESSAGE_EXPIRED] = "retention"};
    if (xy_message_host(removed) != xy_host_of(self))
        return; /* another host's, or the store could not say */
    xy_notice("informer.removed", "a message was removed", XY_F_INT_AS("message", removed->id),
              XY_F_STR_AS("author", xy_jid_text(removed->author)),
              XY_F_STR_AS("addressee", xy_jid_text(removed->addressee)),
              XY_F_STR_AS("senders", removed->senders_stanza_id),
              XY_F_STR_AS("recipients", removed->recipients_stanza_id),
              XY_F_STR_AS("client_id", removed->client_id),
              XY_F_CSTR_AS("role", roles[removed->state]), XY_F_STR_AS("actor", removed->actor),
              XY_F_STR_AS("reason", removed->reason),
              XY_F_STR_AS("operation", removed->operation),
              XY_F_STR_AS("notice", removed->notice_id),
              XY_F_STR_AS("at", xy_time_format(removed->removed_ms)));
}

static const struct xy_hook hooks[] = {XY_ON(message_removed, on_removed)};

XY_MODULE(informer, .about = "Says what was removed, in tests.", XY_TABLE(hooks, hooks));

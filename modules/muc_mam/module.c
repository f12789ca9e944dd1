/* SPDX-License-Identifier: MIT */
/*
 * Room archives (XEP-0313 1.1.3 in MUC, with #extended). The core writes one row for a message
 * however many members its room has, and stamps what room_keeping answers; this module says
 * what is kept, for how long, shows it to newcomers and answers queries.
 */
#define XY_STATE muc_mam
#include <xylem/xylem.h>
#define XY_HOOKS_HERE
#include "modules/muc_mam/muc_mam.h"

/* ---- retention -------------------------------------------------------------------------- */

static xy_status
is_due(void *instance, bool *due)
{
    const struct muc_mam *self = instance;
    *due = self->keep_for.ms != XY_NONE || self->keep_messages != XY_NONE;
    return XY_OK;
}

static xy_status
list(void *self, struct xy_str after, int64_t limit, struct xy_rows **rows)
{
    return xy_room_list(xy_host_of(self), after, limit, rows);
}

static xy_status
policy_of(void *instance, xy_owner owner, struct policy *policy)
{
    const struct muc_mam *self = instance;
    (void)owner;
    *policy = (struct policy){self->keep_for.ms, self->keep_messages};
    return XY_OK;
}

static xy_status
start(XY_SELF)
{
    self->retention.trimmed = &self->trimmed;
    self->retention.event = "muc_mam.not_trimmed";
    self->retention.is_due = is_due;
    self->retention.list = list;
    self->retention.policy_of = policy_of;
    retention_begin(self, &self->retention);
    return XY_OK;
}

static void
hand_over(XY_SELF, struct xy_handover *to)
{
    retention_hand_over(&self->retention, to);
}

static void
adopt(XY_SELF, struct xy_handover *from)
{
    retention_adopt(self, &self->retention, from);
}

static void
show_lifecycle(XY_SELF, struct xy_command *command, const struct xy_jid *of,
               const struct xy_jid *with)
{
    if (xy_service_host(of) == xy_host_of(self))
        archive_lifecycle(self, &self->retention, command, of, NULL);
    if (with && xy_service_host(with) == xy_host_of(self))
        archive_lifecycle(self, &self->retention, command, with, NULL);
}

/* ---- what it says of itself ------------------------------------------------------------- */

static const char *const features[] = {XY_NS_MAM, XY_NS_MAM_EXTENDED};

static void
describe(XY_SELF, struct xy_room *room, struct xy_node *query)
{
    bool archived = false;
    if (xy_run_muc_archived(xy_room_host(room), room, &archived) != XY_OK || !archived)
        return;
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
        xy_node_set(xy_node_add(query, XY_NO_STR, XY_STR("feature")), "var",
                    xy_str_from(features[i]));
}

static const struct xy_option options[] = {
    XY_OPTION(keep_for, .initial = "none", .min = 60 * 1000, .max = INT64_MAX, .none = true,
              .doc = "How long a room's archive keeps a message; none: for ever."),
    XY_OPTION(keep_messages, .initial = "none", .min = 1, .max = INT64_MAX, .none = true,
              .doc = "How many messages a room's archive keeps, the newest; none: all."),
};
static const struct xy_hook hooks[] = {
    XY_ON(room_keeping, muc_mam_keep),
    XY_ON(muc_history, muc_mam_history),
    XY_ON(muc_describing, describe),
    XY_ON(lifecycle_asked, show_lifecycle),
};
/* Quiet: a room that keeps no archive has none of it among its features. */
static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_SET, XY_NS_MAM, "query", muc_mam_query, .where = XY_IQ_ROOM, .quiet = true),
    XY_IQ_ROUTE(XY_GET, XY_NS_MAM, "query", muc_mam_form, .where = XY_IQ_ROOM, .quiet = true),
    XY_IQ_ROUTE(XY_GET, XY_NS_MAM, "metadata", muc_mam_metadata, .where = XY_IQ_ROOM,
                .quiet = true),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(archived, .unit = "messages", .doc = "Messages room archives were to keep."),
    XY_METRIC(left_out, .unit = "messages",
              .doc = "Messages left out because their room wants no archive."),
    XY_METRIC(queries, .unit = "queries", .doc = "Queries of room archives."),
    XY_METRIC(results, .unit = "messages", .doc = "Archived messages sent to clients."),
    XY_METRIC(not_found, .unit = "queries",
              .doc = "Queries with an id the archive does not have."),
    XY_METRIC(refused, .unit = "queries",
              .doc = "Queries by who may not enter, or of a room without archive."),
    XY_METRIC(shown, .unit = "messages", .doc = "Messages shown to newcomers."),
    XY_METRIC(trimmed, .unit = "messages",
              .doc = "Messages taken out of room archives because their time was up or there "
                     "were too many."),
};

XY_MODULE(muc_mam, .about = "Room archives (XEP-0313).", .needs = "muc", XY_STATE_SIZE,
          XY_START(start), XY_HAND_OVER(hand_over), XY_ADOPT(adopt), XY_TABLE(options, options),
          XY_TABLE(hooks, hooks), XY_TABLE(iqs, iqs), XY_TABLE(metrics, metrics));

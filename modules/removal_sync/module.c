/* SPDX-License-Identifier: MIT */
/*
 * Clients that keep messages of their own ask what was removed since they last did (requirement
 * S1-15). The core writes the list with each removal, whichever module does it; here it is
 * given out and cut off at its old end.
 */
#define XY_STATE removal_sync
#include <xylem/xylem.h>
#define XY_HOOKS_HERE
#include <xylem/muc.h>
#include "modules/removal_sync/removal_sync.h"

enum { TRIM_MS = 60 * 60 * 1000, LOT = 1000 };

static void
trim(void *instance, void *argument)
{
    struct removal_sync *self = instance;
    int64_t trimmed = LOT;
    xy_status status = XY_OK;
    (void)argument;
    if (self->keep_for.ms == XY_NONE)
        return;
    while (status == XY_OK && trimmed == LOT) {
        xy_temp_open();
        status = xy_withdrawn_trim(xy_now_ms() - self->keep_for.ms, LOT, &trimmed);
        xy_temp_close();
        xy_count_by(&self->trimmed, (uint64_t)trimmed);
    }
    if (status != XY_OK)
        xy_warn("removal_sync.not_trimmed", "the list of removals keeps what is too old",
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

static xy_status
start(XY_SELF)
{
    (void)xy_every(self, TRIM_MS, trim, NULL);
    return XY_OK;
}

static void
describe(XY_SELF, struct xy_room *room, struct xy_node *query)
{
    bool archived = false;
    (void)self;
    if (xy_run_muc_archived(xy_room_host(room), room, &archived) == XY_OK && archived)
        xy_node_set(xy_node_add(query, XY_NO_STR, XY_STR("feature")), "var", XY_STR(NS_SINCE));
}

static const struct xy_option options[] = {
    XY_OPTION(keep_for, .initial = "90 days", .min = 60 * 1000, .max = INT64_MAX, .none = true,
              .doc = "How long clients can ask for what was removed; who was away longer reads "
                     "the archive again. none: for ever. One list for all hosts: the shortest "
                     "of theirs counts."),
};
static const struct xy_hook hooks[] = {XY_ON(muc_describing, describe)};
static const struct xy_iq_route iqs[] = {
    XY_IQ_ROUTE(XY_GET, XY_NS_REMOVAL, "removals", removal_sync_answer,
                .where = XY_IQ_OWN | XY_IQ_ROOM, .quiet = true),
};
static const struct xy_feature features[] = {{NS_SINCE, XY_IQ_ACCOUNT}};
static const struct xy_metric metrics[] = {
    XY_METRIC(queries, .unit = "queries", .doc = "Questions what was removed."),
    XY_METRIC(given, .unit = "messages", .doc = "Removed messages that clients were told of."),
    XY_METRIC(refused, .unit = "queries",
              .doc = "Questions refused: whose archive, or which token."),
    XY_METRIC(trimmed, .unit = "rows", .doc = "Entries of the list that became too old."),
};

XY_MODULE(removal_sync, .about = "Tells clients which messages were removed since they asked.",
          XY_STATE_SIZE, XY_START(start), XY_TABLE(options, options), XY_TABLE(hooks, hooks),
          XY_TABLE(iqs, iqs), XY_TABLE(features, features), XY_TABLE(metrics, metrics));

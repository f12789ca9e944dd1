/* SPDX-License-Identifier: MIT */
/*
 * Removals since a token (requirements S1-15, N8; docs/retraction.md, "For client authors"):
 * request.c reads what is asked, answer.c answers it from the list of what an archive no longer
 * shows, module.c forgets what is old.
 */
#ifndef MODULE_REMOVAL_SYNC_H
#define MODULE_REMOVAL_SYNC_H

#define XY_STATE removal_sync
#include <xylem/xylem.h>

#define NS_SINCE XY_NS_REMOVAL "#since" /* the feature */

struct removal_sync {
    const xy_duration keep_for;
    xy_counter queries, given, refused, trimmed;
};

enum { PAGE_MOST = 100 };
struct request {
    xy_owner owner;    /* whose archive */
    bool asks_changes; /* else only where it stands */
    int64_t since;     /* the number of its token */
    int64_t most;
    /* with XY_INVALID */
    xy_condition refusal;
    const char *element; /* NULL: none */
    struct xy_str why;
};
/* XY_INVALID: answer the refusal. */
XY_SUSPENDS XY_CHECK xy_status request_read(const struct xy_iq *iq, struct request *request);
XY_CHECK xy_status request_refuse(struct request *request, xy_condition condition,
                                  const char *element, const char *why);

/* A place in the list of what all archives no longer show, good for one archive. */
struct xy_str token_make(xy_owner owner, int64_t seq);

XY_SUSPENDS xy_status removal_sync_answer(XY_SELF, struct xy_iq *iq);

#endif

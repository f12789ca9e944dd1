/* SPDX-License-Identifier: MIT */
/*
 * Room archives, file by file: keeping.c decides what an archive shows, access.c who may read it,
 * query.c answers who asks for it (XEP-0313 4) with the parts in modules/archives, history.c gives a
 * newcomer the newest of it (XEP-0045 7.2.14), dress.c makes an entry look as its reader may see it.
 */
#ifndef MODULE_MUC_MAM_H
#define MODULE_MUC_MAM_H

#define XY_STATE muc_mam
#include "modules/archives/archives.h"
#include <xylem/muc.h>

#define NS_MUC_USER    "http://jabber.org/protocol/muc#user"

struct muc_mam {
    const xy_duration keep_for;
    const int64_t keep_messages;
    struct retention retention;
    xy_counter archived, left_out, queries, results, not_found, refused, shown, trimmed;
};

/* ---- keeping.c ---- */
void muc_mam_keep(XY_SELF, struct xy_room *room, const struct xy_stanza *message,
                  unsigned *keep);

/* ---- access.c ---- */
/* May who asks read the archive of the room asked? XY_INVALID: answer `refusal` of the request,
 * which is filled otherwise, up to date with what was accepted so far. */
XY_SUSPENDS XY_CHECK xy_status muc_mam_admit(XY_SELF, const struct xy_iq *iq,
                                             struct request *request);

/* ---- dress.c ---- */
/* As the room said it, whatever its author wrote into it; with his address if `real` is not
 * NULL. */
void muc_mam_dress(struct xy_stanza *message, const struct xy_jid *real);

/* ---- query.c ---- */
xy_status muc_mam_query(XY_SELF, struct xy_iq *iq);
xy_status muc_mam_form(XY_SELF, struct xy_iq *iq);
xy_status muc_mam_metadata(XY_SELF, struct xy_iq *iq);

/* ---- history.c ---- */
xy_status muc_mam_history(XY_SELF, struct xy_room *room, struct xy_muc_history *history);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Serving an archive (XEP-0313, XEP-0059), whoever's it is: an account's (module mam) or a room's
 * (muc_mam). No module of its own: the Makefile links this folder into those. Who may ask, and what
 * an archive keeps, is theirs to say.
 *
 *     request.c    a query as the client wrote it
 *     page.c       the entries it asks for
 *     answer.c     results and fin, the form, metadata
 *     retention.c  takes out what is due
 *     lifecycle.c  says when that is
 */
#ifndef MODULES_ARCHIVES_H
#define MODULES_ARCHIVES_H

#include <xylem/xylem.h>

/* ---- request.c ---- */
enum { PAGE = 50, PAGE_MOST = 250, PAGE_BYTES = 256 * 1024 };
struct request {
    xy_owner owner;               /* of the archive; 0: it has nothing yet */
    const struct xy_jid *address; /* its bare JID */
    bool of_room;
    bool authors; /* of a room: find out who really wrote what */

    /* filled by request_read() */
    xy_message_id after, before; /* exclusive */
    const struct xy_jid *with;
    const xy_message_id *ids; /* those only, each once; NULL: any */
    size_t id_count;
    int64_t most;   /* results of the page */
    bool backwards; /* the page at the far end of the bounds */
    bool flip;      /* sent newest first */
    xy_condition refusal;
    struct xy_str why;
};
/* XY_INVALID from any of these: answer request_refused(). */
XY_SUSPENDS XY_CHECK xy_status request_read(const struct xy_node *query,
                                            struct request *request);
XY_CHECK xy_status request_refuse(struct request *request, xy_condition condition,
                                  struct xy_str why);

/* ---- page.c ---- */
/* A page bounded in messages and in bytes. */
XY_SUSPENDS XY_CHECK xy_status page_read(struct request *request, struct xy_archive_page *page);

/* ---- answer.c ---- */
/* The results as messages to the asker alone, before the answer. XY_GONE: it has left. */
XY_SUSPENDS XY_CHECK xy_status answer_results(const struct xy_iq *iq,
                                              const struct request *request,
                                              const struct xy_archive_page *page);
xy_status answer_end(struct xy_iq *iq, const struct xy_archive_page *page); /* the answer */
/* The form of a query; `groupchat`: with include-groupchat. */
xy_status answer_form(struct xy_iq *iq, bool groupchat);
/* Where the archive begins and ends; both 0: it is empty. */
void answer_add_metadata(struct xy_node *to, xy_owner owner, xy_message_id oldest,
                         xy_message_id newest);

/* ---- retention.c ---- */
struct policy {
    int64_t keep_for, keep_messages; /* XY_NONE: for ever, all */
};
/* One archive after the other, by name, in lots; a replaced module goes on where the former was. */
struct retention {
    struct xy_str cursor; /* goes on behind this one */
    xy_counter *trimmed;
    const char *event; /* of the log, for a failure */
    /* Whether any archive has a limit, so that a round is worth it. */
    xy_status (*is_due)(void *self, bool *due);
    /* Archives behind `after`, in order, at most `limit`. Columns: name, owner. */
    xy_status (*list)(void *self, struct xy_str after, int64_t limit, struct xy_rows **rows);
    xy_status (*policy_of)(void *self, xy_owner owner, struct policy *policy);
};
/* lifecycle.c: a row of the answer to lifecycle_asked. */
XY_SUSPENDS void archive_lifecycle(void *self, const struct retention *retention,
                                   struct xy_command *command, const struct xy_jid *whose,
                                   const struct xy_jid *with);
void retention_begin(void *self, struct retention *retention);
void retention_hand_over(const struct retention *retention, struct xy_handover *to);
void retention_adopt(void *self, struct retention *retention, struct xy_handover *from);

#endif

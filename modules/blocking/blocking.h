/* SPDX-License-Identifier: MIT */
/* What the files of the module blocking share: the list of a user, and what it means to rooms. */
#ifndef BLOCKING_H
#define BLOCKING_H

#define XY_STATE blocking
#include <xylem/xylem.h>

struct blocking {
    const int64_t items;
    xy_counter refused;
};

/* ---- list.c ----------------------------------------------------------------------------------- */
extern const struct xy_statement blocking_get_all;
/* JIDs, each followed by NUL; nothing, if it has not been read. */
struct xy_str blocking_list(struct xy_user *user);
XY_SUSPENDS XY_CHECK xy_status blocking_read(struct xy_user *user, struct xy_str *list);
/* `anew`: whatever is in memory. */
XY_SUSPENDS XY_CHECK xy_status blocking_load(struct xy_user *user, bool anew);
void blocking_forget(struct xy_user *user); /* it is read again when next needed */
bool blocking_covers(struct xy_str list, const struct xy_jid *jid);
XY_SUSPENDS bool is_blocked(struct xy_user *user, const struct xy_jid *jid);

/* ---- rooms.c ---------------------------------------------------------------------------------- */
void blocking_consider_entry(struct xy_session *session, const struct xy_jid *to);
xy_verdict blocking_screen(XY_SELF, const struct xy_occupant *occupant,
                           const struct xy_stanza *stanza);
XY_SUSPENDS void blocking_leave_rooms(struct xy_user *user);

#endif

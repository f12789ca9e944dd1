/* SPDX-License-Identifier: MIT */
/*
 * The archive module's rooms: keeping.c decides what an archive shows, preferences.c holds what
 * its owner wants (XEP-0441) and rules.c speaks it, query.c answers who asks for it (XEP-0313 4)
 * with the parts in modules/archives, which also take out what is due by the policy of policy.c;
 * admin.c answers the administrator.
 */
#ifndef MODULE_MAM_H
#define MODULE_MAM_H

#define XY_STATE mam
#include "modules/archives/archives.h"

/* By position: the choices of the option `default`, and `fallback` in the database. */
enum { MAM_ALWAYS, MAM_NEVER, MAM_ROSTER, MAM_CHOICES, MAM_HOST = -1 /* what the host says */ };

struct mam {
    const xy_choice fallback; /* option `default` */
    const xy_duration keep_for;
    const int64_t keep_messages;
    struct retention retention;
    xy_counter archived, left_out, queries, results, not_found, changed, trimmed;
};

/* ---- keeping.c ---- */
void mam_keep(XY_SELF, struct xy_user *owner, const struct xy_stanza *message, bool outgoing,
              unsigned *keep);
void mam_roster_changed(XY_SELF, struct xy_user *user, const struct xy_roster_item *item);

/* ---- preferences.c ---- */
struct preferences {
    int fallback;                /* for JIDs in neither list */
    struct xy_str always, never; /* JIDs, each followed by a line feed */
};
/* The lists lie in the user's note: not across a wait. */
XY_SUSPENDS XY_CHECK xy_status mam_preferences_read(struct xy_user *user,
                                                    struct preferences *preferences);
XY_SUSPENDS XY_CHECK xy_status mam_preferences_set_all(struct xy_user *user,
                                                       const struct preferences *preferences);
XY_SUSPENDS XY_CHECK xy_status mam_preferences_set_default(struct xy_user *user, int fallback);
bool mam_lists(struct xy_str list, const struct xy_jid *jid);
size_t mam_list_count(struct xy_str list);
int mam_fallback(const struct mam *self, const struct preferences *preferences);
const char *mam_fallback_name(int fallback);
bool mam_fallback_parse(struct xy_str name, int *fallback);

/* ---- rules.c ---- */
xy_status mam_preferences_get(XY_SELF, struct xy_iq *iq);
xy_status mam_preferences_set(XY_SELF, struct xy_iq *iq);

/* ---- query.c ---- */
xy_status mam_query(XY_SELF, struct xy_iq *iq);
xy_status mam_form(XY_SELF, struct xy_iq *iq);
xy_status mam_metadata(XY_SELF, struct xy_iq *iq);
void mam_bound(XY_SELF, struct xy_session *session, const struct xy_node *bind,
               struct xy_node *bound);

/* ---- policy.c ---- */
enum { MAM_UNSET = -2 }; /* beside XY_NONE: the host's */
XY_SUSPENDS XY_CHECK xy_status mam_policy_read(xy_owner owner, struct policy *own);
XY_SUSPENDS XY_CHECK xy_status mam_policy_write(xy_owner owner, const struct policy *own);
struct policy mam_policy_effective(const struct mam *self, const struct policy *own);
void mam_retention_begin(XY_SELF);
void mam_show_lifecycle(XY_SELF, struct xy_command *command, const struct xy_jid *of,
                        const struct xy_jid *with);

/* ---- statements, for the table of the module ---- */
extern const struct xy_statement mam_preferences_find, mam_preferences_replace,
    mam_preferences_default, mam_preferences_drop;
extern const struct xy_statement mam_policy_find, mam_policy_save, mam_policy_drop,
    mam_policy_one;

/* ---- admin.c ---- */
xy_status mam_preferences_command(XY_SELF, struct xy_command *command);
xy_status mam_policy_command(XY_SELF, struct xy_command *command);
xy_status mam_count_command(XY_SELF, struct xy_command *command);

#endif

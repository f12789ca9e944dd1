/* SPDX-License-Identifier: MIT */
/*
 * The archive module's rooms: keeping.c decides what an archive shows, preferences.c holds what
 * its owner wants (XEP-0441) and rules.c speaks it, request.c reads a query (XEP-0313 4, XEP-0059),
 * results.c answers it, about.c says what the archive is (form, metadata, Bind 2), retention.c
 * takes out what is due by the policy of policy.c, admin.c answers the administrator.
 */
#ifndef MODULE_MAM_H
#define MODULE_MAM_H

#define XY_STATE mam
#include <xylem/xylem.h>

/* By position: the choices of the option `default`, and `fallback` in the database. */
enum { MAM_ALWAYS, MAM_NEVER, MAM_ROSTER, MAM_CHOICES, MAM_HOST = -1 /* what the host says */ };

struct mam {
    const xy_choice fallback; /* option `default` */
    const xy_duration keep_for;
    const int64_t keep_messages;
    struct xy_str cursor;  /* retention goes on behind this account */
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

/* ---- request.c ---- */
enum { MAM_PAGE = 50, MAM_PAGE_MOST = 250, MAM_PAGE_BYTES = 256 * 1024 };
struct request {
    struct xy_user *user;
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
/* XY_INVALID: answer `refusal`. */
XY_SUSPENDS XY_CHECK xy_status mam_request_read(const struct xy_node *query,
                                                struct request *request);

/* ---- results.c ---- */
xy_status mam_query(XY_SELF, struct xy_iq *iq);

/* ---- about.c ---- */
xy_status mam_form(XY_SELF, struct xy_iq *iq);
xy_status mam_metadata(XY_SELF, struct xy_iq *iq);
void mam_bound(XY_SELF, struct xy_session *session, const struct xy_node *bind,
               struct xy_node *bound);

/* ---- policy.c ---- */
enum { MAM_UNSET = -2 }; /* beside XY_NONE: the host's */
struct policy {
    int64_t keep_for, keep_messages;
};
XY_SUSPENDS XY_CHECK xy_status mam_policy_read(xy_owner owner, struct policy *own);
XY_SUSPENDS XY_CHECK xy_status mam_policy_write(xy_owner owner, const struct policy *own);
XY_SUSPENDS XY_CHECK xy_status mam_policy_any(bool *any); /* some account has its own */
struct policy mam_policy_effective(const struct mam *self, const struct policy *own);

/* ---- retention.c ---- */
void mam_retention_begin(XY_SELF);

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

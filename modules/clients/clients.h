/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the clients module share. rows.c knows the table, seen.c writes down who logs
 * in, access.c looks at and takes away access, protocol.c and admin.c show it.
 */
#ifndef CLIENTS_H
#define CLIENTS_H

#define XY_STATE clients
#include <xylem/xylem.h>

struct clients {
    const xy_duration keep_for;
    const bool user_agents;
    const int64_t per_account;
    xy_counter revoked, forgotten;
};

/* ---- rows.c ---------------------------------------------------------------------------------- */
enum { NEVER = -1 };
struct client {
    int64_t number;           /* xy_client_number() */
    struct xy_str id;         /* what people call it: random, ours */
    struct xy_str software, device;
    int64_t first_ms, last_ms;
    int64_t password; /* xy_account.passwords when it last showed the password, or NEVER */
    bool session;     /* it had one */
};
/* Of an account, the one seen last first. */
XY_CHECK xy_status clients_read(xy_owner owner, struct client **all, size_t *count);
/* XY_ABSENT */
XY_CHECK xy_status client_read(xy_owner owner, int64_t number, struct client *client);
/* What it had shown before stays shown. */
XY_CHECK xy_status client_save(xy_owner owner, const struct xy_host *host,
                               const struct client *client);
XY_CHECK xy_status client_touch(xy_owner owner, int64_t number, int64_t now_ms);
XY_CHECK xy_status client_drop(xy_owner owner, int64_t number);
XY_CHECK xy_status clients_drop(xy_owner owner);
/* Of a host, not seen since. Columns: owner, client. */
XY_CHECK xy_status clients_older(const struct xy_host *host, int64_t before_ms, int64_t limit,
                                 struct xy_rows **rows);
enum { CLIENT_STATEMENTS = 7 };
extern const struct xy_statement *const client_statements[CLIENT_STATEMENTS];
extern const struct xy_migration client_schema[1];

/* ---- seen.c ------------------------------------------------------------------------------------ */
xy_verdict seen_note_login(struct clients *self, struct xy_stream *stream,
                           const struct xy_node *authenticate, struct xy_node *success);
void seen_finish_login(struct clients *self, struct xy_stream *stream);
void seen_open(struct clients *self, struct xy_session *session);
void seen_leave(struct clients *self, struct xy_session *session);
/* Which client a session is: as noted when it opened; and for sessions from before the module was
 * on, which are noted and written down now. */
int64_t seen_number(struct xy_session *session);
int64_t seen_client_of(struct clients *self, struct xy_session *session);
void seen_expire(void *instance, void *argument);

/* ---- access.c ------------------------------------------------------------------------------------ */
struct access {
    struct xy_account account;
    struct client *all;
    bool *has_token, *connected; /* one each */
    size_t count;
};
XY_CHECK xy_status access_read(struct clients *self, struct xy_user *user,
                               struct access *access);
static inline bool
access_by_password(const struct access *access, size_t at)
{
    return access->all[at].password == access->account.passwords;
}
bool access_is_connected(const struct xy_user *user, int64_t number);
/* Takes away what can be taken. XY_ABSENT: no such id; XY_DENIED: done, but it knows the password.
 * Then end its sessions: access_end_sessions(). `number` is the client's. */
XY_CHECK xy_status access_revoke(struct clients *self, struct xy_user *user, struct xy_str id,
                                 struct xy_str by, int64_t *number);
void access_end_sessions(struct xy_user *user, int64_t number);
/* Nothing is known of it any more, and nothing lets it in but the password. */
XY_CHECK xy_status access_forget(struct clients *self, xy_owner owner, int64_t number);

/* ---- protocol.c, admin.c --------------------------------------------------------------------- */
xy_status protocol_list(struct clients *self, struct xy_iq *iq);
xy_status protocol_revoke(struct clients *self, struct xy_iq *iq);
xy_status admin_list(struct clients *self, struct xy_command *command);
xy_status admin_revoke(struct clients *self, struct xy_command *command);

#endif

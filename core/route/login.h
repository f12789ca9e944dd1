/* SPDX-License-Identifier: MIT */
/*
 * The session messages come from, as evidence names it (requirement S0-2). Every stanza of a
 * session bears its number, and so does what modules make of it. Invariant: the row of a login
 * is written with each message that names it, until one of them is committed.
 */
#ifndef XYI_LOGIN_H
#define XYI_LOGIN_H

#include "core/route/route_internal.h"

struct xyi_login;

/* Of a session that binds on `stream`. */
struct xyi_login *xyi_login_new(const struct xy_stream *stream, const struct xy_jid *full,
                                enum xy_login_path path);
struct xyi_login *xyi_login_keep(struct xyi_login *login); /* NULL is none */
void xyi_login_drop(struct xyi_login *login);
int64_t xyi_login_number(const struct xyi_login *login);
/* The one of that number, which still needs its row; NULL: it has one, or there is no such
 * login. The caller's reference. */
struct xyi_login *xyi_login_to_write(int64_t number);
/* Before its row is written: finds the number of its account. NULL is none. */
XY_SUSPENDS XY_CHECK xy_status xyi_login_identify(struct xyi_login *login);
void xyi_login_write(const struct xyi_login *login, struct xy_txn *txn); /* NULL is none */
void
xyi_login_written(struct xyi_login *login); /* such a transaction is committed; NULL is none */

/* `session` goes on on another stream: with the same number, unless that comes from another
 * kind of address. */
void xyi_login_resumed(struct xy_session *session);
void xyi_login_log(const struct xy_session *session, const char *event, const char *text);
/* As bytes that a later run understands, and back. */
struct xyi_login_record {
    int64_t number;
    uint8_t path, source, written, unused[5];
};
struct xyi_login_record xyi_login_save(const struct xyi_login *login);
void xyi_login_restore(struct xy_session *session, const struct xyi_login_record *record);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The clients of an account (XEP-0494): what the module that lists them and those that let them in
 * have to say to one another. A client that gives a user-agent id when it logs in (XEP-0388) is one;
 * all others of an account are together client 0.
 */
#ifndef XYLEM_CLIENTS_H
#define XYLEM_CLIENTS_H

#include <xylem/account.h>
#include <xylem/hook.h>
#include <xylem/sql.h>

/* The number of the client with that user-agent id, 0 if it is absent: xy_session_device() of a
 * session that said it when it bound (Bind 2). It counts within one account. */
XY_API int64_t xy_client_number(struct xy_str user_agent_id);

/* What lets this client of `owner` in without the password is void. Fired by whoever lists clients,
 * when access is revoked or the client forgotten; its sessions end behind it. */
XY_EVENT(client_revoked, (xy_owner owner, int64_t client), (owner, client))
/* Which clients of the account a token lets in now. Column: the client's number. Provided by fast. */
XY_SERVICE(client_tokens, (const struct xy_account *account, struct xy_rows **rows), (account, rows))

#endif

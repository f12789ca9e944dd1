/* SPDX-License-Identifier: MIT */
/* What is remembered of a session for the evidence of what it writes: see login.h. */
#include "core/route/login.h"
#include "core/route/objects.h"

struct xyi_login {
    xy_message_id number;
    const struct xy_jid *jid; /* full */
    int64_t account;          /* its number in table jid; 0: not asked for yet */
    unsigned refs;
    uint8_t path, source;
    bool written;
};

static struct xy_map *all; /* by number; logic thread */

static struct xyi_login *
make(xy_message_id number, const struct xy_jid *full, uint8_t path, uint8_t source)
{
    struct xyi_login *login = xyi_alloc(sizeof(*login));
    *login = (struct xyi_login){
        .number = number, .jid = xy_jid_keep(full), .refs = 1, .path = path, .source = source};
    if (!all)
        all = xyi_map_new();
    (void)xy_map_put(all, XY_KEY(login->number), login);
    return login;
}

struct xyi_login *
xyi_login_new(const struct xy_stream *stream, const struct xy_jid *full,
              enum xy_login_path path)
{
    return make(xyi_message_next_id(), full, (uint8_t)path, (uint8_t)xy_stream_source(stream));
}

struct xyi_login *
xyi_login_keep(struct xyi_login *login)
{
    if (login)
        login->refs++;
    return login;
}

void
xyi_login_drop(struct xyi_login *login)
{
    if (!login || --login->refs)
        return;
    (void)xy_map_remove(all, XY_KEY(login->number));
    xy_jid_drop(login->jid);
    xyi_free(login);
}

int64_t
xyi_login_number(const struct xyi_login *login)
{
    return login->number;
}

struct xyi_login *
xyi_login_to_write(int64_t number)
{
    struct xyi_login *login = number && all ? xy_map_get(all, XY_KEY(number)) : NULL;
    return login && !login->written ? xyi_login_keep(login) : NULL;
}

xy_status
xyi_login_identify(struct xyi_login *login)
{
    return login && !login->account ? xyi_jid_id(xy_jid_bare(login->jid), &login->account)
                                    : XY_OK;
}

void
xyi_login_write(const struct xyi_login *login, struct xy_txn *txn)
{
    if (!login || login->written)
        return;
    xy_assert(login->account);
    xyi_login_add(txn, &(struct xyi_login_row){.id = login->number,
                                               .jid = login->account,
                                               .resource = xy_jid_resource(login->jid),
                                               .path = (enum xy_login_path)login->path,
                                               .source = (enum xy_source)login->source});
}

void
xyi_login_written(struct xyi_login *login)
{
    if (login)
        login->written = true;
}

/* ---- resumption -------------------------------------------------------------------------- */

/* What the session was is still so, what was not written included. */
static void
replace(struct xy_session *session, struct xyi_login *login)
{
    xyi_login_drop(session->login);
    session->login = login;
}

void
xyi_login_resumed(struct xy_session *session)
{
    enum xy_source source = xy_stream_source(session->stream);
    if (session->login->source != source)
        replace(session, xyi_login_new(session->stream, session->jid, XY_LOGIN_RESUMED));
    xyi_login_log(session, "session.resumed", "a session goes on");
}

void
xyi_login_log(const struct xy_session *session, const char *event, const char *text)
{
    const struct xyi_login *login = session->login;
    xy_info(event, text, XY_F_INT_AS("login", login->number),
            XY_F_STR_AS("session", xy_jid_text(session->jid)),
            XY_F_STR_AS("by", xy_login_path_name((enum xy_login_path)login->path)),
            XY_F_STR_AS("source", xy_source_name((enum xy_source)login->source)),
            XY_F_STR_AS("peer", xy_stream_peer(session->stream)));
}

struct xyi_login_record
xyi_login_save(const struct xyi_login *login)
{
    return (struct xyi_login_record){.number = login->number,
                                     .path = login->path,
                                     .source = login->source,
                                     .written = login->written};
}

void
xyi_login_restore(struct xy_session *session, const struct xyi_login_record *record)
{
    struct xyi_login *login = all ? xy_map_get(all, XY_KEY(record->number)) : NULL;
    if (login) { /* something of an ended session bears it */
        replace(session, xyi_login_keep(login));
        return;
    }
    login = make(record->number, session->jid, record->path, record->source);
    login->written = record->written;
    replace(session, login);
}

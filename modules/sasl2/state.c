/* SPDX-License-Identifier: MIT */
/*
 * A login that is under way. It is kept with the stream, so that it goes on when the module's
 * code is replaced between two elements; what the client asked for is kept as text.
 */
#include "modules/sasl2/sasl2.h"

static const struct xy_note kind = {"sasl2.login", 1, sizeof(struct login)};

struct login *
login_find(struct xy_stream *stream)
{
    return xy_stream_note_find(stream, &kind);
}

struct login *
login_keep(struct xy_stream *stream, enum stage stage, const struct xy_jid *account,
           const struct xy_node *authenticate)
{
    struct xy_str parts[] = {account ? xy_jid_text(account) : XY_NO_STR,
                             xy_node_xml(authenticate)};
    size_t size = sizeof(struct login) + parts[0].len + parts[1].len;
    struct login *login = xy_stream_note_resize(stream, &kind, size);
    login->stage = (unsigned char)stage;
    login->account = (unsigned)parts[0].len;
    login->element = (unsigned)parts[1].len;
    if (account)
        memcpy(login->text, parts[0].at, parts[0].len);
    memcpy(login->text + parts[0].len, parts[1].at, parts[1].len);
    return login;
}

void
login_end(struct xy_stream *stream)
{
    struct login *login = login_find(stream);
    if (!login)
        return;
    bool continued = login->continued;
    explicit_bzero(login, xy_stream_note_size(stream, &kind));
    if (!continued) {
        xy_stream_note_drop(stream, &kind);
        return;
    }
    login = xy_stream_note_resize(stream, &kind, kind.size);
    login->continued = true;
}

const struct xy_jid *
login_account(const struct login *login)
{
    return login->account ? xy_jid_parse(xy_str_of(login->text, login->account)) : NULL;
}

const struct xy_node *
login_element(const struct login *login)
{
    struct xy_stanza *around = xy_stanza_new(XY_STR(XY_NS_SASL2), XY_STR("login"));
    return xy_node_add_xml(xy_stanza_top(around),
                           xy_str_of(login->text + login->account, login->element));
}

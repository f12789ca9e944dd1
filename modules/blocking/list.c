/* SPDX-License-Identifier: MIT */
/* The list of a user: read once, and kept in a note. */
#include "modules/blocking/blocking.h"

/* One byte that says it was read, then the JIDs, each followed by NUL. */
static const struct xy_note blocked = {"blocking.list", 1, 1};

const struct xy_statement blocking_get_all =
    XY_SQL("select jid from blocking where owner = ? order by jid");

struct xy_str
blocking_list(struct xy_user *user)
{
    const char *note = xy_user_note_find(user, &blocked);
    return note ? xy_str_of(note + 1, xy_user_note_size(user, &blocked) - 1) : XY_NO_STR;
}

xy_status
blocking_load(struct xy_user *user, bool anew)
{
    struct xy_rows *rows;
    struct xy_buffer read = {0};
    xy_status status = xy_sql_read(&blocking_get_all, &rows, XY_INT(xy_user_owner(user)));
    if (status != XY_OK || (!anew && xy_user_note_find(user, &blocked)))
        return status; /* somebody knows better by now */
    xy_buffer_add(&read, XY_STR("+"));
    while (xy_rows_next(rows)) {
        xy_buffer_add(&read, xy_rows_text(rows, 0));
        xy_buffer_add(&read, xy_str_of("", 1));
    }
    memcpy(xy_user_note_resize(user, &blocked, read.len), read.text, read.len);
    return XY_OK;
}

xy_status
blocking_read(struct xy_user *user, struct xy_str *list)
{
    xy_status status = xy_user_note_find(user, &blocked) ? XY_OK : blocking_load(user, false);
    *list = blocking_list(user);
    return status;
}

static bool
has(struct xy_str list, struct xy_str jid)
{
    while (list.len)
        if (xy_str_equal(xy_str_cut(&list, '\0'), jid))
            return true;
    return false;
}

/* XEP-0191 section 5: full JID, bare JID, domain/resource, domain. One's own are never blocked.
 */
bool
blocking_covers(struct xy_str list, const struct xy_jid *jid)
{
    struct xy_str resource = xy_jid_resource(jid), domain = xy_jid_domain(jid);
    if (has(list, xy_jid_text(jid)) || has(list, xy_jid_text(xy_jid_bare(jid))) ||
        has(list, domain))
        return true;
    return resource.len &&
           has(list, xy_temp_printf(XY_FMT "/" XY_FMT, XY_ARG(domain), XY_ARG(resource)));
}

bool
is_blocked(struct xy_user *user, const struct xy_jid *jid)
{
    struct xy_str list;
    if (!jid || xy_jid_bare(jid) == xy_user_jid(user))
        return false;
    return blocking_read(user, &list) == XY_OK && list.len > 0 && blocking_covers(list, jid);
}

void
blocking_forget(struct xy_user *user)
{
    xy_user_note_drop(user, &blocked);
}

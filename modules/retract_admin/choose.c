/* SPDX-License-Identifier: MIT */
/* Which messages an administrator means: one, or all of a person, a pair, a room, a time. */
#include "modules/retract_admin/retract_admin.h"

enum { NEWEST = 1000, PAGE = 100 };

/* ---- one -----------------------------------------------------------------------------------
 */

static xy_status
find_client_id(struct xy_command *command, struct xy_str text, xy_message_id *id)
{
    xy_owner owner;
    const struct xy_jid *jid = xy_jid_parse(xy_arg(command, "account"));
    if (!jid || xy_archive_owner(xy_jid_bare(jid), &owner) != XY_OK)
        return xy_fail(command, XY_ABSENT,
                       "there is no such account, nor a room with an archive");
    struct xy_archive_query query = {.owner = owner, .limit = PAGE, .newest = true};
    struct xy_archive_page page = {.more = true};
    for (size_t seen = 0; seen < NEWEST && page.more; seen += PAGE) {
        xy_status status = xy_archive_read(&query, &page);
        if (status != XY_OK)
            return status;
        for (size_t i = page.count; i-- > 0;)
            if (xy_str_equal(xy_stanza_id(page.at[i].stanza), text)) {
                *id = page.at[i].id;
                return XY_OK;
            }
        query.before = page.count ? page.at[0].id : 1;
    }
    return xy_fail(command, XY_ABSENT,
                   "none of the newest messages of that archive has that id");
}

xy_status
choose_one(struct xy_command *command, struct xy_str text, xy_message_id *id)
{
    xy_owner owner;
    if (xy_str_to_int(text, 1, INT64_MAX, id) == XY_OK ||
        xy_stanza_id_open(text, &owner, id) == XY_OK)
        return XY_OK;
    if (xy_arg(command, "account").len)
        return find_client_id(command, text, id);
    return xy_fail(command, XY_INVALID,
                   "neither a message number nor a stanza-id; for a client's id give --account "
                   "JID");
}

/* ---- many ----------------------------------------------------------------------------------
 */

static xy_status
read_jid(struct xy_command *command, const char *name, const struct xy_jid **jid)
{
    struct xy_str text = xy_arg(command, name);
    *jid = text.len ? xy_jid_parse(text) : NULL;
    if (text.at && !*jid)
        return xy_fail(command, XY_INVALID, "--%s: `" XY_FMT "` is not a JID", name,
                       XY_ARG(text));
    *jid = *jid ? xy_jid_bare(*jid) : NULL;
    return XY_OK;
}

static xy_status
read_time(struct xy_command *command, const char *name, xy_message_id *id)
{
    int64_t ms;
    struct xy_str text = xy_arg(command, name);
    if (!text.at)
        return XY_OK;
    if (xy_time_parse(text, &ms) != XY_OK)
        return xy_fail(command, XY_INVALID, "--%s must be a time like 2026-11-21T08:00:00Z",
                       name);
    *id = xy_message_id_at(ms);
    return XY_OK;
}

static xy_status
read_people(struct xy_command *command, struct choice *choice)
{
    const struct {
        const char *name;
        const struct xy_jid **to;
    } all[] = {{"from", &choice->from},
               {"to", &choice->to},
               {"room", &choice->room},
               {"between", &choice->a},
               {"and", &choice->b}};
    xy_status status = XY_OK;
    for (size_t i = 0; status == XY_OK && i < sizeof(all) / sizeof(all[0]); i++)
        status = read_jid(command, all[i].name, all[i].to);
    if (status == XY_OK && !choice->a != !choice->b)
        status = xy_fail(command, XY_INVALID, "--between A takes --and B");
    return status;
}

xy_status
choose(struct xy_command *command, struct choice *choice)
{
    struct xy_str one = xy_arg(command, "ID");
    *choice = (struct choice){.one = 0};
    xy_status status = read_people(command, choice);
    if (status == XY_OK)
        status = read_time(command, "since", &choice->after);
    if (status == XY_OK)
        status = read_time(command, "until", &choice->before);
    if (status != XY_OK)
        return status;
    choice->after -= choice->after > 0; /* from that time on */
    if (one.len)
        return choose_one(command, one, &choice->one);
    if (!choice->from && !choice->to && !choice->room && !choice->a)
        return xy_fail(
            command, XY_INVALID,
            "say which: ID, --from JID, --to JID, --room JID or --between A --and B");
    return XY_OK;
}

bool
chosen(const struct choice *choice, xy_message_id id, const struct xy_jid *author,
       const struct xy_jid *addressee)
{
    if (choice->one)
        return id == choice->one;
    if (id <= choice->after || (choice->before && id >= choice->before))
        return false;
    if ((choice->from && choice->from != author) || (choice->to && choice->to != addressee) ||
        (choice->room && choice->room != addressee))
        return false;
    return !choice->a || (choice->a == author && choice->b == addressee) ||
           (choice->b == author && choice->a == addressee);
}

/* SPDX-License-Identifier: MIT */
/*
 * Admin commands about messages, without their content: the life of one (requirements S2-16,
 * N19) and the books of all (N13).
 */
#include "core/route/objects.h"
#include "core/server/server.h"

enum { NEWEST = 1000, PAGE = 100 };

/* ---- which one ----------------------------------------------------------------------------
 */

/* A client's own id, among the newest of the account's archive. */
static xy_status
find_client_id(xy_owner owner, struct xy_str text, xy_message_id *id)
{
    struct xy_archive_query query = {.owner = owner, .limit = PAGE, .newest = true};
    for (size_t seen = 0; seen < NEWEST; seen += PAGE) {
        struct xy_archive_page page;
        xy_status status = xy_archive_read(&query, &page);
        if (status != XY_OK)
            return status;
        for (size_t i = page.count; i-- > 0;)
            if (xy_str_equal(xy_stanza_id(page.at[i].stanza), text)) {
                *id = page.at[i].id;
                return XY_OK;
            }
        if (!page.more)
            break;
        query.before = page.at[0].id;
    }
    return XY_ABSENT;
}

static xy_status
find_for_account(struct xy_command *command, struct xy_str account, struct xy_str text,
                 xy_message_id *id)
{
    const struct xy_jid *jid = xy_jid_parse(account);
    xy_owner owner;
    if (!jid)
        return xy_fail(command, XY_INVALID, "`" XY_FMT "` is not a JID", XY_ARG(account));
    xy_status status = xy_archive_owner(xy_jid_bare(jid), &owner);
    if (status == XY_ABSENT)
        return xy_fail(command, status, "there is no such account, nor a room with an archive");
    if (status != XY_OK || xy_stanza_id_parse(owner, text, id) == XY_OK)
        return status;
    status = find_client_id(owner, text, id);
    return status == XY_ABSENT ? xy_fail(command, status,
                                         "neither a stanza-id of this archive nor the id of "
                                         "one of its newest messages")
                               : status;
}

static xy_status
find(struct xy_command *command, xy_message_id *id)
{
    struct xy_str text = xy_arg(command, "ID"), account = xy_arg(command, "account");
    if (account.len)
        return find_for_account(command, account, text, id);
    if (xy_str_to_int(text, 1, INT64_MAX, id) == XY_OK)
        return XY_OK;
    return xy_fail(command, XY_INVALID,
                   "not a message number; for a stanza-id or a client's id give --account JID, "
                   "a room's as well");
}

/* ---- its life -----------------------------------------------------------------------------
 */

static void
put_step(struct xy_command *command, int64_t at_ms, const char *step, struct xy_str account,
         const char *device)
{
    xy_row(command);
    xy_put_str(command, "at", at_ms ? xy_time_format(at_ms) : XY_STR("now"));
    xy_put_str(command, "step", xy_str_from(step));
    xy_put_str(command, "account", account);
    xy_put_str(command, "device", xy_str_from(device));
}

static const char *
device_name(int64_t device)
{
    return device ? xy_temp_printf("%016llx", (unsigned long long)device).at : "unnamed";
}

static struct xy_str
account_name(xy_owner owner)
{
    const struct xy_user *user = xyi_user_of_owner(owner);
    return user ? xy_jid_text(xy_user_jid(user))
                : xy_temp_printf("owner %lld", (long long)owner);
}

static void
put_remembered(void *argument, const struct xyi_trace_entry *entry)
{
    bool of_device = entry->step == XYI_TRACE_SENT || entry->step == XYI_TRACE_WITHHELD ||
                     entry->step == XYI_TRACE_ACKNOWLEDGED;
    put_step(argument, entry->at_ms, xyi_trace_step_name(entry->step),
             account_name(entry->owner), of_device ? device_name(entry->device) : "");
}

static void
put_facts(struct xy_command *command, struct xyi_message_facts *facts)
{
    if (!xy_rows_next(facts->message)) {
        xy_put_str(command, "content", XY_STR("gone"));
        return;
    }
    int64_t archived = xy_rows_int(facts->message, 4);
    xy_put_str(command, "from", xy_rows_text(facts->message, 0));
    xy_put_str(command, "to", xy_rows_text(facts->message, 1));
    xy_put_str(command, "content",
               xy_rows_int(facts->message, 3) ? XY_STR("removed") : XY_STR("stored"));
    xy_put_bool(command, "in_archive_of_sender", archived & 1);
    xy_put_bool(command, "in_archive_of_recipient", archived & 2);
}

/* Who looks at what became of a message is on record before anything is shown. */
static xy_status
begin(struct xy_command *command, xy_message_id id)
{
    const struct xy_act act = {.kind = XY_ACT_PRIVILEGED_READ,
                               .facts = xy_temp_printf("message=%lld\n", (long long)id)};
    struct xy_audit_record record = {
        .message = id, .reason = XY_STR("trace"), .words = xy_arg(command, "purpose")};
    return xy_privileged(command, &act, &record);
}

static xy_status
trace(XY_SELF, struct xy_command *command)
{
    xy_message_id id;
    struct xyi_message_facts facts = {0};
    xy_status status = find(command, &id);
    if (status == XY_OK)
        status = xyi_message_facts(id, &facts);
    if (status != XY_OK)
        return status;
    if (!facts.accepted)
        return xy_fail(command, XY_ABSENT, "no message of that number was ever stored");
    status = begin(command, id);
    if (status != XY_OK)
        return status;
    xy_put_int(command, "message", id);
    xy_put_str(command, "accepted", xy_time_format(xy_message_id_ms(id)));
    put_facts(command, &facts);
    xyi_trace_each(id, put_remembered, command);
    while (xy_rows_next(facts.waiting))
        put_step(command, 0, "waits", xy_rows_text(facts.waiting, 0),
                 device_name(xy_rows_int(facts.waiting, 1)));
    return XY_OK;
}

/* ---- the books ----------------------------------------------------------------------------
 */

static xy_status
show_invariant(XY_SELF, struct xy_command *command)
{
    static const char *const names[] = {"forgotten", "received",   "expired",
                                        "cleared",   "taken_back", "moved"};
    struct xyi_balance balance;
    xy_status status = xyi_balance(&balance);
    if (status != XY_OK)
        return xy_fail(command, status, "the database does not answer");
    xy_put_bool(command, "holds", balance.holds);
    xy_put_int(command, "accepted", balance.accepted);
    xy_put_int(command, "pending", balance.waiting);
    for (unsigned i = 0; i < XYI_REMOVALS; i++)
        xy_put_int(command, names[i], balance.removed[i]);
    xy_put_int(command, "missing", balance.missing);
    xy_put_int(command, "waiting_for_nothing", balance.found.waiting_for_nothing);
    xy_put_int(command, "content_without_use", balance.found.useless);
    xy_put_int(command, "content_without_evidence", balance.found.unproved);
    xy_put_int(command, "commits_unknown", balance.unknown);
    return balance.holds ? XY_OK : xy_fail(command, XY_BROKEN, "the books do not balance");
}

const struct xy_command_row xyi_message_commands[] = {
    XY_COMMAND("message trace", trace, .arguments = "ID [--account JID] [--purpose TEXT]",
               .about = "Shows what became of a message, without its content."),
    XY_COMMAND("server invariant", show_invariant,
               .about =
                   "Balances the books: accepted = received + pending + expired + removed."),
};
const size_t xyi_message_commands_count =
    sizeof(xyi_message_commands) / sizeof(xyi_message_commands[0]);

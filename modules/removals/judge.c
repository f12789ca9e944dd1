/* SPDX-License-Identifier: MIT */
/*
 * The rules that hold for everybody who takes something back: what the server knows decides,
 * its class, its state and when it was received; never what a client says of time.
 */
#include "modules/removals/removals.h"

enum { WINDOW_MS = 60 * 1000, REFUSALS = 20, REFUSALS_PER_MS = 60 * 60 * 1000 };

void
removals_deny(struct verdict *verdict, xy_condition condition, const char *why,
              const char *text)
{
    *verdict = (struct verdict){condition, why, text};
}

/* Of other types nothing is stored that devices which are away could learn of it from. */
static bool
is_kept(struct xy_str type, bool in_room)
{
    bool in_group = xy_str_is(type, "groupchat");
    return in_room ? in_group : !in_group && !xy_str_is(type, "headline");
}

void
removals_judge_form(const struct xy_stanza *message, bool in_room, struct xy_str *id,
                    struct verdict *verdict)
{
    const struct xy_node *node =
        xy_stanza_child(message, XY_STR(NS_RETRACT), XY_STR("retract"));
    *id = node ? xy_node_attr(node, "id") : XY_NO_STR;
    if (!node)
        removals_deny(verdict, XY_FEATURE_NOT_IMPLEMENTED, "version",
                      "Only " NS_RETRACT " is understood here");
    else if (!is_kept(xy_stanza_type(message), in_room))
        removals_deny(verdict, XY_BAD_REQUEST, "type",
                      in_room ? "In a room a message of type groupchat takes one back"
                              : "A message of type chat or normal takes one back");
    else if (!id->len)
        removals_deny(verdict, XY_BAD_REQUEST, "no-id", "Which message is meant?");
}

bool
removals_class_allowed(const xy_list *classes, enum xy_message_class class)
{
    return xy_list_has(classes, xy_message_class_name(class));
}

void
removals_check_window(const char *option, int64_t ms, struct xy_diagnostics *to)
{
    if (ms == XY_NONE || ms > WINDOW_MS)
        xy_caution(to, option, "messages can be taken back later than 60 s after they came");
}

/* Administrators' notices and news stay (S0-23). */
void
removals_check_classes(const xy_list *classes, struct xy_diagnostics *to)
{
    for (size_t i = 0; i < classes->count; i++)
        if (!xy_str_is(classes->at[i], "user") && !xy_str_is(classes->at[i], "service") &&
            !xy_str_is(classes->at[i], "integration"))
            xy_complain(to, "classes",
                        "`" XY_FMT "` is no class that may be taken back: user, service, "
                        "integration",
                        XY_ARG(classes->at[i]));
}

void
removals_judge(const struct xy_message_record *original, const xy_list *classes,
               int64_t window_ms, struct verdict *verdict)
{
    if (original->state != XY_MESSAGE_LIVE)
        removals_deny(verdict, XY_ERROR_CONFLICT, "already", "It was taken back already");
    else if (original->is_notice)
        removals_deny(verdict, XY_FORBIDDEN, "protected-class",
                      "What takes a message back stays");
    else if (!removals_class_allowed(classes, original->class))
        removals_deny(verdict, XY_FORBIDDEN, "protected-class", "Messages of this kind stay");
    else if (window_ms != XY_NONE && xy_now_ms() - original->at_ms > window_ms)
        removals_deny(verdict, XY_NOT_ACCEPTABLE, "too-late",
                      "It is too late to take that back");
}

xy_status
removals_judge_author(const struct xy_message_record *original, struct xy_session *who,
                      struct verdict *verdict)
{
    struct xy_account account;
    xy_status status = xy_account_find(xy_jid_bare(xy_session_jid(who)), &account);
    if (status == XY_OK && account.created_ms > original->at_ms)
        removals_deny(verdict, XY_FORBIDDEN, "not-author", "Somebody else wrote that");
    return status;
}

/* The transaction counts once more: this is for a better answer. */
xy_status
removals_judge_count(const struct removals *removals, xy_owner owner, struct quota quota,
                     size_t wanted, struct verdict *verdict)
{
    struct xy_rows *rows;
    if (quota.most == XY_NONE)
        return XY_OK;
    xy_status status = xy_sql_read(removals->rows->count, &rows, XY_INT(owner),
                                   XY_INT(xy_now_ms() - quota.per_ms));
    if (status == XY_OK && xy_rows_next(rows) &&
        xy_rows_int(rows, 0) + (int64_t)wanted > quota.most)
        removals_deny(verdict, XY_POLICY_VIOLATION, "too-many",
                      "You have taken back as much as you may");
    return status;
}

void
removals_record_refusal(struct removals *removals, struct xy_session *who,
                        xy_message_id message, const char *why)
{
    xy_count(removals->refused);
    struct xy_str account = xy_jid_text(xy_jid_bare(xy_session_jid(who)));
    if (!xy_throttle_take(removals->refusals, account, REFUSALS, REFUSALS_PER_MS))
        return;
    struct xy_audit_record record = {.actor = xy_jid_text(xy_session_jid(who)),
                                     .kind = XY_STR("refuse"),
                                     .message = message,
                                     .reason = xy_str_from(why)};
    if (xy_run_audit_write(NULL, &record) != XY_OK)
        xy_warn("retract.unrecorded", "a refusal could not be recorded");
}

void
removals_drop_account(const struct removals *removals, xy_owner owner)
{
    if (xy_sql_write(removals->rows->drop, XY_INT(owner)) != XY_OK)
        xy_warn("retract.left", "counts of a deleted account were left",
                XY_F_INT_AS("owner", owner));
}

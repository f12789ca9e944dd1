/* SPDX-License-Identifier: MIT */
/*
 * What commands do before they use a privilege (requirements N3, S1-10): consent of a second
 * person where it takes one, and the record. Invariant: what cannot be recorded is not shown.
 */
#include "core/server/server.h"

xy_status
xy_approved(struct xy_command *command, const struct xy_act *act, struct xy_txn *txn,
            struct xy_approval *approval)
{
    *approval = (struct xy_approval){.request = 0};
    xy_status status = xy_run_approval_take(NULL, command, act, txn, approval);
    if (!approval->operation.len)
        approval->operation = xy_audit_operation();
    return status == XY_UNSUPPORTED ? XY_OK : status; /* the module approvals is off */
}

void
xy_approval_put(struct xy_buffer *details, const struct xy_approval *approval)
{
    if (!approval->approver.len)
        return;
    xy_buffer_printf(details, "approval=%lld\n", (long long)approval->request);
    xy_audit_detail(details, "approver", approval->approver);
}

xy_status
xy_privileged(struct xy_command *command, const struct xy_act *act,
              struct xy_audit_record *record)
{
    struct xy_approval approval;
    struct xy_buffer details = {0};
    struct xy_txn *txn = xy_txn_begin();
    xy_status status = xy_approved(command, act, txn, &approval);
    if (status != XY_OK)
        return status;
    xy_buffer_add(&details, record->details);
    xy_approval_put(&details, &approval);
    record->operation = approval.operation;
    record->actor = xy_command_actor(command);
    record->kind = XY_STR("privileged_read");
    record->details = xy_buffer_str(&details);
    status = xy_run_audit_add(NULL, txn, record);
    if (status == XY_UNSUPPORTED)
        return XY_OK; /* the module audit is off */
    if (status == XY_OK)
        status = xy_txn_commit(txn);
    return status == XY_OK
               ? status
               : xy_fail(command, status, "it cannot be recorded, so it is not shown: %s",
                         xy_status_name(status));
}

void
xy_mark_sealed(struct xy_command *command, struct xy_str purpose)
{
    xy_put_str(command, "privileged",
               xy_temp_printf("sealed content, purpose " XY_FMT, XY_ARG(purpose)));
}

/* ---- the command as one text ------------------------------------------------------------- */

static bool
is_plain(struct xy_str text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "@._/:+,=%-";
    for (size_t i = 0; i < text.len; i++)
        if (!text.at[i] || !strchr(plain, text.at[i]))
            return false;
    return text.len > 0;
}

/* Different texts look different, and none does anything to a terminal. */
static void
put_quoted(struct xy_buffer *to, struct xy_str text)
{
    if (is_plain(text)) {
        xy_buffer_add(to, text);
        return;
    }
    xy_buffer_add(to, XY_STR("'"));
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c < 0x20 || c == 0x7f || c == '\'' || c == '\\')
            xy_buffer_printf(to, "\\x%02x", c);
        else
            xy_buffer_add(to, xy_str_of(text.at + i, 1));
    }
    xy_buffer_add(to, XY_STR("'"));
}

static bool
is_option(const struct xyi_argument *argument)
{
    return !(argument->name.at[0] >= 'A' && argument->name.at[0] <= 'Z');
}

/* Words in their order, then options by name. */
static int
compare_arguments(const void *a, const void *b)
{
    const struct xyi_argument *const *left = a, *const *right = b;
    if (!is_option(*left) || !is_option(*right))
        return is_option(*left) != is_option(*right) ? is_option(*left) - is_option(*right)
               : *left < *right                      ? -1
                                                     : *left > *right;
    int order = xy_str_compare((*left)->name, (*right)->name);
    return order ? order : *left < *right ? -1 : *left > *right;
}

struct xy_str
xy_command_text(const struct xy_command *command, const char *unsaid)
{
    struct xy_buffer text = {0};
    size_t count = command->arguments_count;
    const struct xyi_argument **sorted =
        xy_temp_alloc((count + 1) * sizeof(struct xyi_argument *));
    for (size_t i = 0; i < count; i++)
        sorted[i] = &command->arguments[i];
    qsort(sorted, count, sizeof(struct xyi_argument *), compare_arguments);
    xy_buffer_add(&text, command->words);
    for (size_t i = 0; i < count; i++) {
        const struct xyi_argument *at = sorted[i];
        xy_buffer_add(&text, XY_STR(" "));
        if (is_option(at))
            xy_buffer_printf(&text, "--" XY_FMT "%s", XY_ARG(at->name), at->flag ? "" : " ");
        if (unsaid && xy_str_equal(at->name, xy_str_from(unsaid)))
            xy_buffer_add(&text, XY_STR("…"));
        else if (!at->flag)
            put_quoted(&text, at->value);
    }
    return xy_buffer_str(&text);
}

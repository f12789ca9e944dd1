/* SPDX-License-Identifier: MIT */
/* xylemctl audit search|verify|export|seal|key. */
#include "audit.h"

enum {
    SEARCH_LIMIT = 1000,
    EXPORT_LIMIT = 100000,
    EXPORT_PAGE = 100,
    EXPORT_BYTES = 2 << 20,
};

static xy_status
settled(XY_SELF, struct xy_command *command)
{
    int64_t size;
    xy_status status = audit_settle(self, &size);
    if (status == XY_OK)
        return status;
    return xy_fail(command, status,
                   "the log cannot be brought up to date: %s; see audit.broken in the server's "
                   "log",
                   xy_status_name(status));
}

/* A log that is broken is shown as well: above all to whoever looks into it. */
static xy_status
shown(XY_SELF, struct xy_command *command, const char *note)
{
    int64_t size;
    xy_status status = audit_settle(self, &size);
    if (status == XY_BROKEN)
        xy_say(command, "%s", note);
    return status == XY_OK || status == XY_BROKEN
               ? XY_OK
               : xy_fail(command, status, "the database does not answer");
}

static xy_status
number(struct xy_command *command, const char *name, int64_t min, int64_t max, int64_t *out)
{
    struct xy_str text = xy_arg(command, name);
    if (!text.at || xy_str_to_int(text, min, max, out) == XY_OK)
        return XY_OK;
    return xy_fail(command, XY_INVALID, "--%s must be a number from %lld to %lld", name,
                   (long long)min, (long long)max);
}

static xy_status
moment(struct xy_command *command, const char *name, int64_t *out)
{
    struct xy_str text = xy_arg(command, name);
    if (!text.at || xy_time_parse(text, out) == XY_OK)
        return XY_OK;
    return xy_fail(command, XY_INVALID, "--%s must be a time like 2026-11-21T08:00:00Z", name);
}

/* ---- search ------------------------------------------------------------------------------ */

static void
put_record(struct xy_command *command, const struct record *record)
{
    const struct xy_audit_record *said = &record->said;
    xy_row(command);
    xy_put_int(command, "record", record->seq);
    xy_put_str(command, "at", xy_time_format(record->at));
    xy_put_str(command, "kind", said->kind);
    xy_put_str(command, "actor", said->actor);
    xy_put_int(command, "message", said->message);
    xy_put_str(command, "account", said->account);
    xy_put_str(command, "room", said->room);
    xy_put_str(command, "reason", said->reason);
    xy_put_str(command, "words", said->words);
    xy_put_str(command, "operation", said->operation);
    struct xy_buffer line = {0};
    struct xy_str details = said->details;
    while (details.len) {
        if (line.len)
            xy_buffer_add(&line, XY_STR("; "));
        xy_buffer_add(&line, xy_str_cut(&details, '\n'));
    }
    xy_put_str(command, "details", xy_buffer_str(&line));
}

static xy_status
read_query(struct xy_command *command, struct audit_query *query)
{
    *query = (struct audit_query){
        .operation = xy_arg(command, "operation"),
        .kind = xy_arg(command, "kind"),
        .actor = xy_arg(command, "actor"),
        .account = xy_arg(command, "account"),
        .room = xy_arg(command, "room"),
        .until = INT64_MAX,
        .before = INT64_MAX,
        .limit = 50,
    };
    xy_status status = number(command, "message", 1, INT64_MAX, &query->message);
    if (status == XY_OK)
        status = number(command, "before", 1, INT64_MAX, &query->before);
    if (status == XY_OK)
        status = number(command, "limit", 1, SEARCH_LIMIT, &query->limit);
    if (status == XY_OK)
        status = moment(command, "since", &query->since);
    return status == XY_OK ? moment(command, "until", &query->until) : status;
}

xy_status
audit_command_search(XY_SELF, struct xy_command *command)
{
    struct audit_query query;
    struct record *records;
    size_t count;
    xy_status status = read_query(command, &query);
    if (status == XY_OK)
        status = shown(self, command, "the log is broken and records wait: see audit verify");
    if (status == XY_OK)
        status = audit_search(&query, &records, &count);
    if (status != XY_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        put_record(command, &records[i]);
    if (count == (size_t)query.limit)
        xy_say(command, "older ones: --before %lld", (long long)records[count - 1].seq);
    return XY_OK;
}

/* ---- verify ------------------------------------------------------------------------------ */

xy_status
audit_command_verify(XY_SELF, struct xy_command *command)
{
    struct verdict verdict;
    xy_status status = audit_verify(self, xy_flag(command, "evidence"), &verdict);
    if (status != XY_OK)
        return xy_fail(command, status, "the database does not answer");
    xy_put_bool(command, "intact", !verdict.bad);
    xy_put_int(command, "records", verdict.records);
    xy_put_int(command, "heads", verdict.heads);
    if (verdict.bad) {
        xy_put_int(command, "bad_record", verdict.bad);
        xy_put_str(command, "problem", xy_str_from(verdict.text));
        return xy_fail(command, XY_BROKEN, "record %lld: %s", (long long)verdict.bad,
                       verdict.text);
    }
    xy_put_str(command, "root", hash_hex(&verdict.root));
    if (verdict.settled != XY_OK)
        return xy_fail(command, verdict.settled, "new records wait and cannot be chained: %s",
                       xy_status_name(verdict.settled));
    return XY_OK;
}

/* ---- export ------------------------------------------------------------------------------ */

static void
put_line(struct xy_buffer *to, const struct record *record, const struct head *head)
{
    xy_buffer_add(to, record ? XY_STR("{\"record\": ") : XY_STR("{\"head\": "));
    if (record)
        audit_json_record(to, record);
    else
        audit_json_head(to, head);
    xy_buffer_add(to, XY_STR("}\n"));
}

/* `*after` moves to the last one. */
static xy_status
export_page(int64_t limit, struct xy_buffer *to, int64_t *after)
{
    struct record *records;
    struct head *heads;
    size_t count, heads_count, next_head = 0;
    xy_status status = audit_read_records(*after, limit, &records, &count);
    if (status != XY_OK || !count)
        return status;
    int64_t last = records[count - 1].seq;
    status = audit_read_heads(*after, last, &heads, &heads_count);
    for (size_t i = 0; status == XY_OK && i < count; i++) {
        put_line(to, &records[i], NULL);
        for (; next_head < heads_count && heads[next_head].tree.size <= records[i].seq;
             next_head++)
            put_line(to, NULL, &heads[next_head]);
    }
    *after = last;
    return status;
}

/* So much text at once that it does not matter how long the records are. */
static xy_status
export_all(int64_t limit, struct xy_buffer *to, int64_t *last, bool *more)
{
    xy_status status = XY_OK;
    int64_t left = limit, before = -1;
    while (status == XY_OK && left > 0 && to->len < EXPORT_BYTES && *last != before) {
        before = *last;
        status = export_page(left < EXPORT_PAGE ? left : EXPORT_PAGE, to, last);
        left -= *last - before;
    }
    *more = *last != before;
    return status;
}

xy_status
audit_command_export(XY_SELF, struct xy_command *command)
{
    int64_t after = 0, limit = 10000;
    bool more = false;
    struct xy_buffer lines = {0};
    xy_status status = number(command, "after", 0, INT64_MAX, &after);
    if (status == XY_OK)
        status = number(command, "limit", 1, EXPORT_LIMIT, &limit);
    if (status == XY_OK)
        status = shown(self, command, "{\"broken\": \"records wait: see audit verify\"}");
    if (status != XY_OK)
        return status;
    xy_buffer_printf(&lines, "{\"xylem-audit-export\": 1, \"after\": %lld}\n",
                     (long long)after);
    status = export_all(limit, &lines, &after, &more);
    if (status != XY_OK)
        return xy_fail(command, status, "the database does not answer");
    xy_put_str(command, "export", xy_buffer_str(&lines));
    if (more)
        xy_say(command, "{\"more\": \"--after %lld\"}", (long long)after);
    return XY_OK;
}

/* ---- seal, key --------------------------------------------------------------------------- */

xy_status
audit_command_seal(XY_SELF, struct xy_command *command)
{
    int64_t roots;
    struct head head;
    struct xy_buffer line = {0};
    xy_status status = audit_seal(self, &roots);
    if (status == XY_OK)
        status = settled(self, command);
    if (status == XY_OK)
        status = audit_read_head(&head);
    if (status != XY_OK)
        return status;
    if (xy_flag(command, "head")) {
        xy_buffer_add(&line, XY_STR("{\"head\": "));
        audit_json_head(&line, &head);
        xy_buffer_add(&line, XY_STR("}\n"));
        xy_put_str(command, "document", xy_buffer_str(&line));
        return XY_OK;
    }
    xy_put_int(command, "evidence_roots", roots);
    xy_put_int(command, "records", head.tree.size);
    xy_put_str(command, "signed", head.at ? xy_time_format(head.at) : XY_STR("never"));
    xy_put_str(command, "root", hash_hex(&head.root));
    xy_put_str(command, "key", xy_temp_hex(key_str(head.key)));
    return XY_OK;
}

xy_status
audit_command_key(XY_SELF, struct xy_command *command)
{
    if (xy_flag(command, "change")) {
        xy_status status = audit_change_key(self, xy_command_actor(command));
        if (status == XY_CONFLICT)
            return xy_fail(command, status, "another change of the key is under way");
        if (status != XY_OK)
            return xy_fail(command, status, "the key was not changed: %s",
                           xy_status_name(status));
    }
    xy_put_str(command, "key", xy_temp_hex(key_str(self->signer.public)));
    xy_put_str(command, "document", audit_key_pem(self->signer.public));
    return XY_OK;
}

/* SPDX-License-Identifier: MIT */
/* xylemctl audit search|verify|export|seal|key. */
#include "audit.h"

enum { SEARCH_LIMIT = 1000, EXPORT_LIMIT = 100000 };

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
        status = settled(self, command);
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
    int64_t size;
    xy_status settling =
        audit_settle(self, &size); /* a log that is broken is verified as well */
    xy_status status = audit_verify(self, &verdict);
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
    if (settling != XY_OK)
        return xy_fail(command, settling, "new records wait and cannot be chained: %s",
                       xy_status_name(settling));
    return XY_OK;
}

/* ---- export ------------------------------------------------------------------------------ */

static xy_status
export_page(int64_t after, int64_t limit, struct xy_buffer *to, int64_t *last)
{
    struct record *records;
    struct head *heads;
    size_t count, heads_count, next_head = 0;
    xy_status status = audit_read_records(after, limit, &records, &count);
    *last = status == XY_OK && count ? records[count - 1].seq : after;
    if (status == XY_OK)
        status = audit_read_heads(after, *last, &heads, &heads_count);
    if (status != XY_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        xy_buffer_add(to, XY_STR("{\"record\": "));
        audit_json_record(to, &records[i]);
        xy_buffer_add(to, XY_STR("}\n"));
        for (; next_head < heads_count && heads[next_head].tree.size <= records[i].seq;
             next_head++) {
            xy_buffer_add(to, XY_STR("{\"head\": "));
            audit_json_head(to, &heads[next_head]);
            xy_buffer_add(to, XY_STR("}\n"));
        }
    }
    return XY_OK;
}

xy_status
audit_command_export(XY_SELF, struct xy_command *command)
{
    int64_t after = 0, limit = 10000, last;
    struct xy_buffer lines = {0};
    xy_status status = number(command, "after", 0, INT64_MAX, &after);
    if (status == XY_OK)
        status = number(command, "limit", 1, EXPORT_LIMIT, &limit);
    if (status == XY_OK)
        status = settled(self, command);
    if (status != XY_OK)
        return status;
    xy_buffer_printf(&lines, "{\"xylem-audit-export\": 1, \"after\": %lld}\n",
                     (long long)after);
    status = export_page(after, limit, &lines, &last);
    if (status != XY_OK)
        return xy_fail(command, status, "the database does not answer");
    xy_put_str(command, "export", xy_buffer_str(&lines));
    if (last - after == limit)
        xy_say(command, "{\"more\": \"--after %lld\"}", (long long)last);
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

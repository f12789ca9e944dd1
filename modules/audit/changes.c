/* SPDX-License-Identifier: MIT */
/*
 * What the log learns by listening: the server's starts and ends, every value of the
 * configuration that changed. The configuration last seen is kept, so that what was changed
 * while the server stood still, or while the log was off, is found when it comes back.
 */
#include "audit.h"

static const char last_seen[] = "configuration";

/* ---- the configuration: lines name=value ------------------------------------------------- */

struct change {
    struct xy_str name, from, to; /* absent: it was not there, it is not any more */
};

/* "modules.mam", "host_config.example.org.modules.mam": a module goes on or off. */
static bool
is_toggle(struct xy_str name)
{
    static const char word[] = "modules.";
    for (size_t i = name.len; i-- > 0;)
        if (name.at[i] == '.')
            return i + 1 >= strlen(word) &&
                   memcmp(name.at + i + 1 - strlen(word), word, strlen(word)) == 0 &&
                   (i + 1 == strlen(word) || name.at[i - strlen(word)] == '.');
    return false;
}

/* Of a secret there is a mark, by which two of them differ; no record has it. */
static const char secret[] = "(set) ";

static struct xy_str
list_of(const struct xy_setting *settings, size_t count, bool marks)
{
    struct xy_buffer lines = {0};
    for (size_t i = 0; i < count; i++) {
        bool marked = marks && settings[i].mark.len;
        struct xy_str value =
            marked ? xy_temp_printf("%s" XY_FMT, secret, XY_ARG(settings[i].mark))
                   : settings[i].value;
        xy_audit_detail(&lines, xy_temp_cstr(settings[i].name), value);
    }
    return xy_buffer_str(&lines);
}

static bool
is_secret(struct xy_str value)
{
    return xy_str_starts(value, xy_str_from(secret));
}

/* Takes line by line what one list has and the other has otherwise or not at all. */
static size_t
compare(struct xy_str of, struct xy_str with, bool forward, struct change *changes)
{
    size_t count = 0;
    while (of.len) {
        struct xy_str value = xy_str_cut(&of, '\n'), name = xy_str_cut(&value, '=');
        struct xy_str other = audit_detail(with, xy_temp_cstr(name));
        bool same = other.at && xy_str_equal(value, other);
        if (same || (!forward && other.at))
            continue;
        changes[count++] = forward ? (struct change){name, other, value}
                                   : (struct change){name, value, XY_NO_STR};
    }
    return count;
}

static size_t
lines_in(struct xy_str text)
{
    size_t count = 0;
    while (text.len) {
        (void)xy_str_cut(&text, '\n');
        count++;
    }
    return count;
}

static bool
is_below(struct xy_str name, struct xy_str toggle)
{
    return name.len > toggle.len && xy_str_starts(name, toggle) && name.at[toggle.len] == '.';
}

/* The options of a module that comes or goes are told with it. */
static bool
goes_with_another(const struct change *changes, size_t count, const struct change *change)
{
    for (size_t i = 0; i < count; i++)
        if (is_toggle(changes[i].name) && is_below(change->name, changes[i].name))
            return true;
    return false;
}

/* Values come from lists of lines, so they are escaped already. */
static void
put_line(struct xy_buffer *details, struct xy_str name, struct xy_str value)
{
    struct xy_str shown = !value.at          ? XY_STR("absent")
                          : is_secret(value) ? XY_STR("secret")
                                             : value;
    xy_buffer_printf(details, XY_FMT "=" XY_FMT "\n", XY_ARG(name), XY_ARG(shown));
}

/* A configuration may be larger than what a record takes: then the record has its hash. */
static struct xy_str
bounded(struct xy_str details)
{
    struct hash hash;
    struct xy_buffer short_form = {0};
    if (details.len <= 65536)
        return details;
    xy_hash_digest(XY_SHA256, details, hash.at);
    xy_audit_detail(&short_form, "sha256", hash_hex(&hash));
    return xy_buffer_str(&short_form);
}

static struct xy_str
describe(const struct change *changes, size_t count, const struct change *change)
{
    struct xy_buffer details = {0};
    put_line(&details, XY_STR("name"), change->name);
    put_line(&details, XY_STR("from"), change->from);
    bool another = is_secret(change->from) && is_secret(change->to);
    put_line(&details, XY_STR("to"), another ? XY_STR("another secret") : change->to);
    for (size_t i = 0; i < count && is_toggle(change->name); i++)
        if (is_below(changes[i].name, change->name))
            put_line(&details, changes[i].name, changes[i].to);
    return bounded(xy_buffer_str(&details));
}

/* ---- what is recorded of it -------------------------------------------------------------- */

struct apply {
    struct xy_txn *txn;
    struct xy_audit_record record; /* what all of them have in common */
    xy_status status;
};

static void
add(XY_SELF, struct apply *apply, const char *kind, struct xy_str details)
{
    apply->record.kind = xy_str_from(kind);
    apply->record.details = details;
    if (apply->status == XY_OK)
        apply->status = audit_add(self, apply->txn, &apply->record);
}

static void
add_changes(XY_SELF, struct apply *apply, struct xy_str before, struct xy_str now)
{
    size_t most = lines_in(before) + lines_in(now);
    struct change *changes = xy_temp_alloc((most + 1) * sizeof(*changes));
    size_t count = compare(now, before, true, changes);
    count += compare(before, now, false, changes + count);
    for (size_t i = 0; i < count; i++) {
        if (is_toggle(changes[i].name))
            add(self, apply, "switch", describe(changes, count, &changes[i]));
        else if (!goes_with_another(changes, count, &changes[i]))
            add(self, apply, "policy", describe(changes, count, &changes[i]));
    }
}

static struct xy_str
about_us(void)
{
    struct xy_buffer details = {0};
    xy_audit_detail(&details, "version", xy_str_from(xy_version()));
    for (const struct xy_host *host = xy_host_first(); host; host = xy_host_next(host))
        xy_audit_detail(&details, "host", xy_jid_text(xy_host_jid(host)));
    return xy_buffer_str(&details);
}

static xy_status
commit(XY_SELF, struct apply *apply, struct xy_str before, struct xy_str now)
{
    if (!before.at || !xy_str_equal(before, now))
        audit_set_note(apply->txn, last_seen, now);
    xy_status status = apply->status == XY_OK ? xy_txn_commit(apply->txn) : apply->status;
    if (status == XY_OK)
        audit_look_soon(self);
    return status;
}

void
audit_note_config(XY_SELF, struct xy_str by, const struct xy_setting *settings, size_t count)
{
    bool start = xy_str_is(by, "server");
    struct xy_str before = XY_NO_STR, now = list_of(settings, count, true);
    struct apply apply = {
        .txn = xy_txn_begin(),
        .record = {.operation = xy_audit_operation(),
                   .actor = by,
                   .reason = start ? XY_STR("start") : XY_STR("reload")},
    };
    bool appears = !self->live && !start; /* its end may have been recorded or not */
    self->live = true;
    xy_status status = audit_read_note(last_seen, &before);
    if (status == XY_OK || status == XY_ABSENT) {
        if (start)
            add(self, &apply, "start", about_us());
        if (appears)
            add(self, &apply, "switch", XY_STR("name=modules.audit\nfrom=off\nto=on\n"));
        if (before.at)
            add_changes(self, &apply, before, now);
        else
            add(self, &apply, "policy", bounded(list_of(settings, count, false)));
        status = commit(self, &apply, before, now);
    }
    if (status == XY_OK)
        return;
    xy_count(&self->failures);
    xy_error("audit.config", "a change of the configuration was not recorded",
             XY_F_CSTR_AS("status", xy_status_name(status)));
}

/* ---- others ------------------------------------------------------------------------------ */

/* Nothing serves any host when the server ends. Else this log was switched off, or goes on in
 * the instance that replaces this one. */
void
audit_note_end(XY_SELF)
{
    int64_t size;
    bool ends = !xy_host_first();
    if (!self->live || (!ends && xy_run_audit_settle(NULL, &size) != XY_UNSUPPORTED))
        return;
    struct xy_buffer details = {0};
    if (!ends) {
        xy_audit_detail(&details, "name", XY_STR("modules.audit"));
        xy_audit_detail(&details, "to", XY_STR("off"));
    }
    struct xy_txn *txn = xy_txn_begin();
    xy_status status = audit_add(self, txn,
                                 &(struct xy_audit_record){
                                     .actor = XY_STR("server"),
                                     .kind = ends ? XY_STR("stop") : XY_STR("switch"),
                                     .details = xy_buffer_str(&details),
                                 });
    if (status == XY_OK)
        status = xy_txn_commit(txn);
    if (status == XY_OK)
        status = audit_settle(self, &size);
    if (status != XY_OK)
        xy_error("audit.end", "the end of the audit log was not recorded",
                 XY_F_CSTR_AS("status", xy_status_name(status)));
}

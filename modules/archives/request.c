/* SPDX-License-Identifier: MIT */
/*
 * A query as the client wrote it (XEP-0313 section 4): filters from the form, the page from
 * XEP-0059. Every bound becomes a bound on ids; an id given must be in the archive.
 */
#include "modules/archives/archives.h"

xy_status
request_refuse(struct request *request, xy_condition condition, struct xy_str why)
{
    request->refusal = condition;
    request->why = why;
    return XY_INVALID;
}

static void
start_behind(struct request *request, xy_message_id id)
{
    if (request->after < id)
        request->after = id;
}

static void
end_before(struct request *request, xy_message_id id)
{
    if (request->before > id)
        request->before = id;
}

/* ---- ids ---- */

static xy_status
find(struct request *request, struct xy_str text, xy_message_id *id)
{
    xy_status status = xy_stanza_id_parse(request->owner, text, id);
    if (status == XY_OK)
        status = xy_archive_has(request->owner, *id);
    if (status == XY_ABSENT)
        return request_refuse(request, XY_ITEM_NOT_FOUND,
                              xy_temp_printf("the archive has no " XY_FMT, XY_ARG(text)));
    return status;
}

enum end { AFTER, BEFORE };

static xy_status
read_bound(struct request *request, enum end end, struct xy_str text)
{
    xy_message_id id;
    xy_status status = find(request, text, &id);
    if (status == XY_OK && end == AFTER)
        start_behind(request, id);
    else if (status == XY_OK)
        end_before(request, id);
    return status;
}

static bool
has_id(const xy_message_id *ids, size_t count, xy_message_id id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* Whether the archive has them shows when they are read. */
static xy_status
read_ids(struct request *request, const struct xy_str *texts, size_t count)
{
    if (count > PAGE_MOST)
        return request_refuse(request, XY_POLICY_VIOLATION,
                              xy_temp_printf("at most %d ids at a time", PAGE_MOST));
    xy_message_id *ids = xy_temp_alloc((count + 1) * sizeof(*ids)), id;
    size_t unique = 0;
    for (size_t i = 0; i < count; i++) {
        if (xy_stanza_id_parse(request->owner, texts[i], &id) != XY_OK)
            return request_refuse(
                request, XY_ITEM_NOT_FOUND,
                xy_temp_printf("the archive has no " XY_FMT, XY_ARG(texts[i])));
        if (!has_id(ids, unique, id))
            ids[unique++] = id;
    }
    request->ids = ids;
    request->id_count = unique;
    return XY_OK;
}

/* ---- the form ---- */

enum field { FORM_TYPE, WITH, START, END, BEFORE_ID, AFTER_ID, IDS, INCLUDE_GROUPCHAT, FIELDS };
static const char *const names[FIELDS] = {
    "FORM_TYPE", "with", "start", "end", "before-id", "after-id", "ids", "include-groupchat"};
struct values {
    const struct xy_str *at;
    size_t count;
    bool given;
};

/* Values that are not empty. */
static struct values
values_of(const struct xy_node *field)
{
    size_t most = 0;
    struct values values = {.given = true};
    for (const struct xy_node *at = xy_node_first(field); at; at = xy_node_next(at))
        most++;
    struct xy_str *texts = xy_temp_alloc((most + 1) * sizeof(*texts));
    for (const struct xy_node *at = xy_node_first(field); at; at = xy_node_next(at)) {
        struct xy_str text = xy_node_text(at);
        if (xy_node_is(at, XY_STR(XY_NS_DATA), XY_STR("value")) && text.len)
            texts[values.count++] = text;
    }
    values.at = texts;
    return values;
}

static xy_status
read_field(struct request *request, const struct xy_node *field, struct values fields[FIELDS])
{
    struct xy_str var = xy_node_attr(field, "var");
    for (unsigned i = 0; i < FIELDS; i++) {
        if (!xy_str_equal(var, xy_str_from(names[i])))
            continue;
        struct values values = values_of(field);
        if (fields[i].given || (i != IDS && values.count > 1))
            return request_refuse(request, XY_BAD_REQUEST,
                                  xy_temp_printf("%s is given more than once", names[i]));
        fields[i] = values;
        return XY_OK;
    }
    return request_refuse(request, XY_FEATURE_NOT_IMPLEMENTED,
                          xy_temp_printf("there is no field " XY_FMT, XY_ARG(var)));
}

static xy_status
read_with(struct request *request, struct xy_str text)
{
    request->with = xy_jid_parse(text);
    return request->with ? XY_OK
                         : request_refuse(request, XY_BAD_REQUEST, XY_STR("with is no JID"));
}

/* Both ends included: a stamp stands for its whole millisecond. */
static xy_status
read_time(struct request *request, enum field field, struct xy_str text)
{
    int64_t ms;
    if (xy_time_parse(text, &ms) != XY_OK)
        return request_refuse(
            request, XY_BAD_REQUEST,
            xy_temp_printf("%s is no date and time of XEP-0082", names[field]));
    if (field == START)
        start_behind(request, xy_message_id_at(ms) - 1);
    else
        end_before(request, xy_message_id_at(ms + 1));
    return XY_OK;
}

/* An account's archive has none, a room's nothing else: either answer leaves out nothing
 * (#groupchat-field). */
static xy_status
read_groupchat(struct request *request, struct xy_str text)
{
    bool known = xy_str_is(text, "true") || xy_str_is(text, "false") || xy_str_is(text, "1") ||
                 xy_str_is(text, "0");
    return known ? XY_OK
                 : request_refuse(request, XY_BAD_REQUEST,
                                  XY_STR("include-groupchat is true or false"));
}

static xy_status
read_value(struct request *request, enum field field, const struct values *values)
{
    struct xy_str text = values->at[0];
    switch (field) {
    case WITH:
        return read_with(request, text);
    case START:
    case END:
        return read_time(request, field, text);
    case BEFORE_ID:
        return read_bound(request, BEFORE, text);
    case AFTER_ID:
        return read_bound(request, AFTER, text);
    case IDS:
        return read_ids(request, values->at, values->count);
    case INCLUDE_GROUPCHAT:
        return read_groupchat(request, text);
    case FORM_TYPE:
    case FIELDS:
        break;
    }
    return XY_OK;
}

static xy_status
read_form(struct request *request, const struct xy_node *form)
{
    struct values fields[FIELDS] = {0};
    xy_status status = XY_OK;
    if (!xy_str_is(xy_node_attr(form, "type"), "submit"))
        return request_refuse(request, XY_BAD_REQUEST, XY_STR("the form is not submitted"));
    for (const struct xy_node *at = xy_node_first(form); at && status == XY_OK;
         at = xy_node_next(at))
        if (xy_node_is(at, XY_STR(XY_NS_DATA), XY_STR("field")))
            status = read_field(request, at, fields);
    if (status != XY_OK)
        return status;
    if (!fields[FORM_TYPE].count || !xy_str_is(fields[FORM_TYPE].at[0], XY_NS_MAM))
        return request_refuse(request, XY_BAD_REQUEST, XY_STR("FORM_TYPE is not " XY_NS_MAM));
    for (unsigned i = 0; i < FIELDS && status == XY_OK; i++)
        if (fields[i].count)
            status = read_value(request, (enum field)i, &fields[i]);
    return status;
}

/* ---- the page (XEP-0059) ---- */

static bool
is_number(struct xy_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return text.len > 0;
}

static xy_status
read_max(struct request *request, struct xy_str text)
{
    if (!is_number(text))
        return request_refuse(request, XY_BAD_REQUEST, XY_STR("max is no number"));
    if (xy_str_to_int(text, 0, PAGE_MOST, &request->most) != XY_OK)
        request->most = PAGE_MOST;
    return XY_OK;
}

/* With both, `before` says from which end. */
static xy_status
read_page(struct request *request, const struct xy_node *set)
{
    const struct xy_str ns = XY_STR(XY_NS_RSM);
    const struct xy_node *max = xy_node_child(set, ns, XY_STR("max")),
                         *after = xy_node_child(set, ns, XY_STR("after")),
                         *before = xy_node_child(set, ns, XY_STR("before"));
    if (xy_node_child(set, ns, XY_STR("index")))
        return request_refuse(request, XY_FEATURE_NOT_IMPLEMENTED, XY_STR("no pages by index"));
    xy_status status = max ? read_max(request, xy_str_trim(xy_node_text(max))) : XY_OK;
    if (status == XY_OK && after && xy_node_text(after).len)
        status = read_bound(request, AFTER, xy_node_text(after));
    if (status == XY_OK && before && xy_node_text(before).len)
        status = read_bound(request, BEFORE, xy_node_text(before));
    request->backwards = before;
    return status;
}

xy_status
request_read(const struct xy_node *query, struct request *request)
{
    const struct xy_node *form = xy_node_child(query, XY_STR(XY_NS_DATA), XY_STR("x")),
                         *set = xy_node_child(query, XY_STR(XY_NS_RSM), XY_STR("set"));
    request->before = INT64_MAX;
    request->most = PAGE;
    request->flip = xy_node_child(query, XY_STR(XY_NS_MAM), XY_STR("flip-page"));
    if (xy_node_attr(query, "node").len)
        return request_refuse(request, XY_ITEM_NOT_FOUND, XY_STR("this archive has no nodes"));
    xy_status status = form ? read_form(request, form) : XY_OK;
    return status == XY_OK && set ? read_page(request, set) : status;
}

/* SPDX-License-Identifier: MIT */
/*
 * Search among the public rooms (XEP-0433): the form, what a request means, the answer. Few run
 * at once, so that nobody waits for them.
 */
#include "modules/muc/search.h"

#define NS_BASE    "urn:xmpp:channel-search:0"
#define NS_SEARCH  NS_BASE ":search"
#define BY_USERS   "{" NS_BASE ":order}nusers"
#define BY_ADDRESS "{" NS_BASE ":order}address"
enum { QUERY_MOST = 256, AT_ONCE = 4, RETRY_S = 2 };

struct refusal {
    xy_condition condition;
    const char *type, *name; /* the application's condition */
    const char *text;
};
static const struct refusal no_words = {XY_BAD_REQUEST, "modify", "invalid-search-terms",
                                        "At most 8 search terms in 256 bytes"},
                            no_search = {XY_BAD_REQUEST, "modify", "no-search-conditions",
                                         "Neither search terms nor all are given"},
                            conflict = {XY_BAD_REQUEST, "modify", "conflicting-fields",
                                        "Search terms and all cannot be asked for together"},
                            no_key = {XY_FEATURE_NOT_IMPLEMENTED, "modify", "invalid-sort-key",
                                      "Rooms are sorted by users or by address"},
                            no_page = {XY_FEATURE_NOT_IMPLEMENTED, "cancel", NULL,
                                       "No pages by index, nor backwards by number of users"},
                            no_mark = {XY_ITEM_NOT_FOUND, "cancel", NULL,
                                       "No page of this list ended there"},
                            bad = {XY_BAD_REQUEST, "modify", NULL, NULL},
                            busy = {XY_RESOURCE_CONSTRAINT, "wait", "rate-limit",
                                    "Too many searches at once"};

static xy_status
refuse(struct xy_iq *iq, const struct refusal *why)
{
    struct xy_stanza *answer =
        xy_stanza_error(xy_iq_stanza(iq), why->condition, xy_str_from(why->text));
    const struct xy_node *found = xy_stanza_child(answer, XY_NO_STR, XY_STR("error"));
    struct xy_node *error = xy_node_mutable(answer, found);
    xy_node_set(error, "type", xy_str_from(why->type));
    if (why->name) {
        struct xy_node *own =
            xy_node_add(error, XY_STR(NS_BASE ":error"), xy_str_from(why->name));
        if (why == &busy)
            xy_node_set(own, "retry-after", xy_temp_printf("%d", RETRY_S));
    }
    return xy_iq_reply(iq, answer);
}

/* ---- the form ---- */

static struct xy_node *
add_option(struct xy_node *field, const char *label, const char *value)
{
    struct xy_node *option = xy_node_add(field, XY_NO_STR, XY_STR("option"));
    xy_node_set(option, "label", xy_str_from(label));
    form_value(option, xy_str_from(value));
    return option;
}

static xy_status
show_form(struct xy_iq *iq)
{
    struct xy_stanza *result = xy_iq_result(iq);
    struct xy_node *search =
        xy_node_add(xy_stanza_top(result), XY_STR(NS_SEARCH), XY_STR("search"));
    struct xy_node *form = form_begin(search, "form", NS_BASE ":search-params");
    form_field(form, "text-single", "q", "Search for");
    form_field(form, "boolean", "all", "Return all entries (ignore search terms)");
    form_say(form, "boolean", "sinname", "Search in name", XY_STR("true"));
    form_say(form, "boolean", "sindescription", "Search in description", XY_STR("true"));
    form_say(form, "boolean", "sinaddress", "Search in address", XY_STR("true"));
    form_say(form, "text-single", "min_users", "Minimum number of users", XY_STR("0"));
    struct xy_node *types = form_field(form, "list-multi", "types", "Service types");
    form_value(types, XY_STR("xep-0045"));
    add_option(types, "Multi-User Chat (XEP-0045)", "xep-0045");
    struct xy_node *key = form_field(form, "list-single", "key", "Sort results by");
    form_value(key, XY_STR(BY_USERS));
    add_option(key, "Number of users", BY_USERS);
    add_option(key, "Address", BY_ADDRESS);
    return xy_iq_reply(iq, result);
}

/* ---- the request ---- */

static bool
read_bool(const struct xy_node *form, const char *var, bool otherwise)
{
    struct xy_str text = form_read(form, var);
    return text.len ? xy_str_is(text, "true") || xy_str_is(text, "1") : otherwise;
}

static bool
read_words(struct search *search, struct xy_str query)
{
    if (query.len > QUERY_MOST)
        return false;
    query = xy_temp_fold(query);
    while (query.len) {
        struct xy_str word = xy_str_trim(xy_str_cut(&query, ' '));
        if (word.len && search->word_count == SEARCH_WORDS)
            return false;
        if (word.len)
            search->words[search->word_count++] = word;
    }
    return search->word_count > 0;
}

/* A type that is not ours finds nothing. */
static bool
wants_rooms(const struct xy_node *form)
{
    const struct xy_str ns = XY_STR(XY_NS_DATA);
    for (const struct xy_node *at = xy_node_first(form); at; at = xy_node_next(at)) {
        if (!xy_str_is(xy_node_attr(at, "var"), "types"))
            continue;
        bool any = false, ours = false;
        for (const struct xy_node *v = xy_node_first(at); v; v = xy_node_next(v))
            if (xy_node_is(v, ns, XY_STR("value"))) {
                any = true;
                ours = ours || xy_str_is(xy_str_trim(xy_node_text(v)), "xep-0045");
            }
        return ours || !any;
    }
    return true;
}

static const struct refusal *
read_form(struct search *search, const struct xy_node *form)
{
    struct xy_str query = form_read(form, "q"), key = form_read(form, "key"),
                  users = form_read(form, "min_users");
    bool all = read_bool(form, "all", false);
    if (!xy_str_is(xy_node_attr(form, "type"), "submit") ||
        !xy_str_is(form_read(form, "FORM_TYPE"), NS_BASE ":search-params"))
        return &bad;
    if (!all && !query.len)
        return &no_search;
    if (all && query.len)
        return &conflict;
    if (query.len && !read_words(search, query))
        return &no_words;
    if (key.len && !xy_str_is(key, BY_USERS) && !xy_str_is(key, BY_ADDRESS))
        return &no_key;
    if (users.len && xy_str_to_int(users, 0, INT32_MAX, &search->min_users) != XY_OK)
        return &bad;
    search->by_users = !xy_str_is(key, BY_ADDRESS);
    search->in_name = read_bool(form, "sinname", true);
    search->in_description = read_bool(form, "sindescription", true);
    search->in_address = read_bool(form, "sinaddress", read_bool(form, "sinaddr", true));
    return NULL;
}

/* By users a mark is "3 room@service": it need not have so many any more. */
static bool
read_mark(struct search *search, struct xy_str text, const struct xy_jid **mark)
{
    if (!text.len)
        return true;
    struct xy_str users = search->by_users ? xy_str_cut(&text, ' ') : XY_NO_STR;
    if (search->by_users && xy_str_to_int(users, 0, INT32_MAX, &search->after_users) != XY_OK)
        return false;
    *mark = xy_jid_parse(text);
    return *mark && xy_jid_host(*mark) == xy_service_jid(search->self);
}

static const struct refusal *
read_page(struct search *search, const struct xy_node *payload)
{
    struct page page;
    if (!page_read(payload, SEARCH_PAGE_MOST, &page))
        return &bad;
    if (page.index != XY_NONE || (page.backwards && search->by_users))
        return &no_page;
    if (!read_mark(search, page.after, &search->after) ||
        !read_mark(search, page.before, &search->before))
        return &no_mark;
    search->backwards = page.backwards;
    search->most = page.asked ? page.most : SEARCH_PAGE;
    return NULL;
}

/* ---- the answer ---- */

static void
say(struct xy_node *item, const char *name, struct xy_str text)
{
    if (text.len)
        xy_node_add_text(xy_node_add(item, XY_NO_STR, xy_str_from(name)), text);
}

static void
add_room(struct xy_node *result, const struct listed *room)
{
    const struct settings *set = &room->settings;
    struct xy_node *item = xy_node_add(result, XY_NO_STR, XY_STR("item"));
    xy_node_set(item, "address", xy_jid_text(room->jid));
    say(item, "name", room->name);
    say(item, "description", room->description);
    say(item, "language", room->language);
    say(item, "nusers", xy_temp_printf("%lld", (long long)room->occupants));
    say(item, "service-type", XY_STR("xep-0045"));
    say(item, "is-open",
        set->members_only || room->has_password ? XY_STR("false") : XY_STR("true"));
    say(item, "anonymity-mode",
        set->whois == WHOIS_ANYONE ? XY_STR("{" NS_BASE ":anonymity}none")
                                   : XY_STR("muc_semianonymous"));
}

static struct xy_str
mark_of(const struct search *search, const struct xy_jid *jid, int64_t users)
{
    return search->by_users
               ? xy_temp_printf("%lld " XY_FMT, (long long)users, XY_ARG(xy_jid_text(jid)))
               : xy_jid_text(jid);
}

static void
add_marks(struct xy_node *result, const struct search *search)
{
    const struct listed *found = search->found;
    size_t count = search->count;
    if (!count) {
        struct xy_str mark = search->last ? mark_of(search, search->last, 0) : XY_NO_STR;
        page_add(result, mark, mark, XY_NONE, XY_NONE);
        return;
    }
    const struct listed *end = search->backwards ? &found[0] : &found[count - 1];
    struct xy_str far = mark_of(search, search->last,
                                search->last == end->jid ? end->occupants : 0),
                  near = search->backwards ? mark_of(search, found[count - 1].jid, 0)
                                           : mark_of(search, found[0].jid, found[0].occupants);
    page_add(result, search->backwards ? far : near, search->backwards ? near : far, XY_NONE,
             XY_NONE);
}

static xy_status
answer(struct xy_iq *iq, struct search *search, bool any)
{
    struct muc *self = search->self;
    struct xy_stanza *stanza = xy_iq_result(iq);
    struct xy_node *result =
        xy_node_add(xy_stanza_top(stanza), XY_STR(NS_SEARCH), XY_STR("result"));
    self->searches++;
    xy_status status = any ? search_run(search) : XY_OK;
    self->searches--;
    if (status != XY_OK)
        return status;
    for (size_t i = 0; i < search->count; i++)
        add_room(result, &search->found[i]);
    add_marks(result, search);
    return xy_iq_reply(iq, stanza);
}

xy_status
muc_on_search(XY_SELF, struct xy_iq *iq)
{
    const struct xy_node *payload = xy_iq_payload(iq),
                         *form = xy_node_child(payload, XY_STR(XY_NS_DATA), XY_STR("x"));
    struct search search = {.self = self};
    if (!form)
        return show_form(iq);
    if (self->searches >= AT_ONCE)
        return refuse(iq, &busy);
    const struct refusal *why = read_form(&search, form);
    if (!why)
        why = read_page(&search, payload);
    return why ? refuse(iq, why) : answer(iq, &search, wants_rooms(form));
}

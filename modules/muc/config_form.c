/* SPDX-License-Identifier: MIT */
/*
 * The form muc#roomconfig (XEP-0045 10.1.3, 10.2, 16.5.3) from the table of settings, and back.
 * What a form does not mention stays as it is; fields that nobody knows are ignored.
 */
#include "modules/muc/config_form.h"
#include "modules/muc/show.h"

#define NS_MUC_CONFIG "http://jabber.org/protocol/muc#roomconfig"
#define PREFIX        "muc#roomconfig_"

/* ---- writing ------------------------------------------------------------------------- */

static void
add_option(struct xy_node *field, struct xy_str value)
{
    struct xy_node *option = xy_node_add(field, XY_NO_STR, XY_STR("option"));
    xy_node_set(option, "label", value);
    form_value(option, value);
}

static void
add_choices(struct xy_node *field, const char *choices)
{
    struct xy_str rest = xy_str_from(choices);
    while (rest.len)
        add_option(field, xy_str_cut(&rest, '|'));
}

static void
add_words(struct xy_node *field, struct xy_str words)
{
    while (words.len)
        form_value(field, xy_str_cut(&words, ' '));
}

/* XEP-0045 has a list of roles for it. */
static void
add_members_list(struct xy_node *form, const struct setting *setting, enum who who)
{
    static const char *const roles[] = {
        [WHO_ANYONE] = "moderator participant visitor",
        [WHO_PARTICIPANTS] = "moderator participant",
        [WHO_MODERATORS] = "moderator",
    };
    struct xy_node *field = form_field(form, "list-multi", setting->var, setting->label);
    add_words(field, xy_str_from(roles[who]));
    add_choices(field, "moderator|participant|visitor");
}

static void
add_max_users(struct xy_node *form, const struct setting *setting, int32_t now, int64_t most)
{
    static const int32_t usual[] = {10, 20, 30, 50, 100, 200, 500, 1000};
    struct xy_node *field = form_field(form, "list-single", setting->var, setting->label);
    bool listed = now == 0;
    form_value(field, now ? xy_temp_printf("%d", now) : XY_STR("none"));
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]) && usual[i] <= most; i++) {
        add_option(field, xy_temp_printf("%d", usual[i]));
        listed = listed || usual[i] == now;
    }
    if (!listed)
        add_option(field, xy_temp_printf("%d", now));
    add_option(field, XY_STR("none"));
}

static void
add_text(struct xy_node *form, const struct setting *setting, struct xy_str text)
{
    struct xy_node *field;
    if (setting->offset == TEXT_PASSWORD) {
        field = form_field(form, "boolean", PREFIX "passwordprotectedroom",
                           "A password is needed to enter");
        form_value(field, text.len ? XY_STR("1") : XY_STR("0"));
        field = form_field(form, "text-private", setting->var, setting->label);
        form_value(field, text);
        return;
    }
    bool jids = setting->offset == TEXT_CONTACTS;
    field = form_field(form, jids ? "jid-multi" : "text-single", setting->var, setting->label);
    while (jids && text.len)
        form_value(field, xy_str_cut(&text, '\n'));
    if (!jids)
        form_value(field, text);
}

static void
add_setting(struct xy_node *form, const struct setting *setting,
            const struct configuration *now, const struct muc *self)
{
    struct xy_str value = muc_setting_text(setting, &now->settings);
    struct xy_node *field;
    if (setting->offset == offsetof(struct settings, members_list)) {
        add_members_list(form, setting, (enum who)now->settings.members_list);
    } else if (setting->offset == offsetof(struct settings, max_users)) {
        add_max_users(form, setting, now->settings.max_users, self->max_users);
    } else if (setting->kind == SETTING_BOOL) {
        field = form_field(form, "boolean", setting->var, setting->label);
        form_value(field, xy_str_is(value, "on") ? XY_STR("1") : XY_STR("0"));
    } else if (setting->kind == SETTING_CHOICE) {
        field = form_field(form, "list-single", setting->var, setting->label);
        form_value(field, value);
        add_choices(field, setting->choices);
    } else if (setting->kind == SETTING_ROLES) {
        field = form_field(form, "list-multi", setting->var, setting->label);
        add_words(field, value);
        add_choices(field, setting->choices);
    } else {
        form_value(form_field(form, "text-single", setting->var, setting->label), value);
    }
}

static void
add_jids(struct xy_node *form, const char *var, const char *label,
         const struct affiliated *list, size_t count)
{
    struct xy_node *field = form_field(form, "jid-multi", var, label);
    for (size_t i = 0; i < count; i++)
        form_value(field, xy_jid_text(list[i].jid));
}

xy_status
config_form_write(const struct asker *asker, struct xy_node *query)
{
    struct affiliated *owners, *admins;
    size_t owners_count, admins_count;
    struct configuration now;
    xy_status status = muc_affiliated(asker->room, XY_OWNER, &owners, &owners_count);
    if (status == XY_OK)
        status = muc_affiliated(asker->room, XY_ADMIN, &admins, &admins_count);
    if (status != XY_OK)
        return status;
    muc_configuration(asker->room, &now);
    struct xy_node *form = form_begin(query, "form", NS_MUC_CONFIG);
    xy_node_add_text(xy_node_add(form, XY_NO_STR, XY_STR("title")),
                     xy_temp_printf("Configuration of " XY_FMT,
                                    XY_ARG(xy_jid_text(xy_room_jid(asker->room)))));
    for (size_t i = 0; i < muc_settings_count; i++) {
        const struct setting *setting = &muc_settings_table[i];
        if (setting->kind == SETTING_TEXT)
            add_text(form, setting, now.texts[setting->offset]);
        else
            add_setting(form, setting, &now, asker->self);
    }
    add_jids(form, PREFIX "roomadmins", "All admins", admins, admins_count);
    add_jids(form, PREFIX "roomowners", "All owners", owners, owners_count);
    return XY_OK;
}

/* ---- reading ------------------------------------------------------------------------- */

static struct refusal
blame(const char *label, struct xy_str error)
{
    return muc_refusal(XY_NOT_ACCEPTABLE,
                       xy_temp_printf("%s: " XY_FMT, label, XY_ARG(error)).at);
}

/* All values, put together by `between`. */
static struct xy_str
values(const struct xy_node *field, const char *between)
{
    struct xy_buffer text = {0};
    unsigned count = 0;
    for (const struct xy_node *at = xy_node_first(field); at; at = xy_node_next(at)) {
        if (!xy_node_is(at, XY_STR(XY_NS_DATA), XY_STR("value")))
            continue;
        xy_buffer_printf(&text, "%s" XY_FMT, count++ ? between : "",
                         XY_ARG(xy_str_trim(xy_node_text(at))));
    }
    return text.text ? xy_buffer_str(&text) : XY_STR("");
}

static bool
is_among(struct xy_str name, const char *names)
{
    struct xy_str rest = xy_str_from(names);
    while (rest.len)
        if (xy_str_equal(name, xy_str_cut(&rest, ' ')))
            return true;
    return false;
}

static const struct setting *
find_setting(struct xy_str var, bool by_other_names)
{
    for (size_t i = 0; i < muc_settings_count; i++) {
        const struct setting *setting = &muc_settings_table[i];
        if (by_other_names ? is_among(var, setting->also)
                           : xy_str_equal(var, xy_str_from(setting->var)))
            return setting;
    }
    return NULL;
}

/* Where a boolean alone was the choice: all or none. */
static struct refusal
read_members_list(struct xy_str roles, struct settings *settings)
{
    enum who who = is_among(XY_STR("visitor"), roles.at)       ? WHO_ANYONE
                   : is_among(XY_STR("participant"), roles.at) ? WHO_PARTICIPANTS
                                                               : WHO_MODERATORS;
    struct xy_str rest = roles;
    while (rest.len) {
        struct xy_str role = xy_str_cut(&rest, ' ');
        if (!is_among(role, "visitor participant moderator none"))
            return blame("Who may see the list of members",
                         xy_temp_printf("`" XY_FMT "` is no role", XY_ARG(role)));
    }
    settings->members_list = (uint8_t)who;
    return (struct refusal){0};
}

static struct refusal
read_setting(const struct setting *setting, const struct xy_node *field,
             struct configuration *wanted)
{
    struct xy_str error, text = values(field, " ");
    if (setting->kind == SETTING_TEXT && setting->offset == TEXT_CONTACTS) {
        wanted->texts[TEXT_CONTACTS] = values(field, "\n");
        return (struct refusal){0};
    }
    if (setting->kind == SETTING_TEXT) {
        wanted->texts[setting->offset] = values(field, "\n");
        return (struct refusal){0};
    }
    if (setting->offset == offsetof(struct settings, members_list))
        return read_members_list(text, &wanted->settings);
    if (muc_setting_parse(setting, text, &wanted->settings, &error) == XY_OK)
        return (struct refusal){0};
    return blame(setting->label, error);
}

static struct refusal
read_jids(const struct xy_node *field, const struct xy_jid ***list, size_t *count)
{
    size_t most = 0;
    for (const struct xy_node *at = xy_node_first(field); at; at = xy_node_next(at))
        most++;
    *list = xy_temp_alloc((most + 1) * sizeof(**list));
    *count = 0;
    for (const struct xy_node *at = xy_node_first(field); at; at = xy_node_next(at)) {
        struct xy_str text = xy_str_trim(xy_node_text(at));
        if (!xy_node_is(at, XY_STR(XY_NS_DATA), XY_STR("value")) || !text.len)
            continue;
        const struct xy_jid *jid = xy_jid_parse(text);
        if (!jid || !xy_jid_local(jid).len)
            return blame("Owners and admins",
                         xy_temp_printf("`" XY_FMT "` is no account's JID", XY_ARG(text)));
        (*list)[(*count)++] = xy_jid_bare(jid);
    }
    return (struct refusal){0};
}

enum protection { NOT_SAID, OPEN, PROTECTED };

static struct refusal
read_field(const struct xy_node *field, struct submitted *out, enum protection *protection)
{
    struct xy_str var = xy_node_attr(field, "var");
    const struct setting *setting = find_setting(var, false);
    if (setting)
        return read_setting(setting, field, &out->configuration);
    if (xy_str_is(var, PREFIX "roomowners"))
        return read_jids(field, &out->roster.owners, &out->roster.owners_count);
    if (xy_str_is(var, PREFIX "roomadmins"))
        return read_jids(field, &out->roster.admins, &out->roster.admins_count);
    if (xy_str_is(var, PREFIX "passwordprotectedroom")) {
        struct xy_str value = values(field, " ");
        bool on = xy_str_is(value, "1") || xy_str_is(value, "true");
        *protection = on ? PROTECTED : OPEN;
    }
    return (struct refusal){0};
}

/* Clients that know several servers send a setting by all the names it has: ours counts. */
static struct refusal
read_other_names(const struct xy_node *form, struct configuration *wanted)
{
    struct refusal why = {0};
    for (const struct xy_node *at = xy_node_first(form); at && !why.text;
         at = xy_node_next(at)) {
        const struct setting *setting = find_setting(xy_node_attr(at, "var"), true);
        if (setting && xy_node_is(at, XY_STR(XY_NS_DATA), XY_STR("field")))
            why = read_setting(setting, at, wanted);
    }
    return why;
}

struct refusal
config_form_read(const struct asker *asker, const struct xy_node *form, struct submitted *out)
{
    enum protection protection = NOT_SAID;
    struct xy_str type = form_read(form, "FORM_TYPE");
    *out = (struct submitted){0};
    muc_configuration(asker->room, &out->configuration);
    if (type.len && !xy_str_is(type, NS_MUC_CONFIG))
        return muc_refusal(XY_BAD_REQUEST, "That is another form");
    struct refusal why = read_other_names(form, &out->configuration);
    for (const struct xy_node *at = xy_node_first(form); at && !why.text; at = xy_node_next(at))
        if (xy_node_is(at, XY_STR(XY_NS_DATA), XY_STR("field")))
            why = read_field(at, out, &protection);
    if (why.text)
        return why;
    if (protection == OPEN)
        out->configuration.texts[TEXT_PASSWORD] = XY_NO_STR;
    if (protection == PROTECTED && !out->configuration.texts[TEXT_PASSWORD].len)
        return muc_refusal(XY_NOT_ACCEPTABLE, "Password: must not be empty");
    return (struct refusal){0};
}

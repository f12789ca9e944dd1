/* SPDX-License-Identifier: MIT */
/*
 * The commands of a room about hats (XEP-0317 over XEP-0050). Each asks for at most one form,
 * and its submission says everything, so no session is kept: a form may come without having
 * been asked for. Who may: owners, but for the lists.
 */
#include "modules/muc/show.h"

#define NODE "urn:xmpp:hats:commands"

struct step { /* of a command */
    struct muc *self;
    struct xy_room *room;
    const struct xy_node *submitted; /* NULL: the form is asked for */
    struct xy_node *command;         /* of the answer */
    bool completed;
    struct xy_str why;
};

static const struct xy_jid *
read_jid(const struct step *step)
{
    struct xy_str text = form_read(step->submitted, "hats#jid");
    const struct xy_jid *jid = text.len ? xy_jid_parse(text) : NULL;
    return jid && xy_jid_local(jid).len ? xy_jid_bare(jid) : NULL;
}

/* "hat" is what an example of the XEP calls it. */
static struct xy_str
read_uri(const struct step *step)
{
    struct xy_str uri = form_read(step->submitted, "hats#uri");
    return uri.len ? uri : form_read(step->submitted, "hat");
}

static void
require(struct xy_node *field)
{
    xy_node_add(field, XY_NO_STR, XY_STR("required"));
}

static struct xy_node *
begin_form(struct step *step, const char *title, const char *instructions)
{
    struct xy_node *form = xy_node_add(step->command, XY_STR(XY_NS_DATA), XY_STR("x"));
    xy_node_set(form, "type", XY_STR("form"));
    xy_node_add_text(xy_node_add(form, XY_NO_STR, XY_STR("title")), xy_str_from(title));
    xy_node_add_text(xy_node_add(form, XY_NO_STR, XY_STR("instructions")),
                     xy_str_from(instructions));
    form_say(form, "hidden", "FORM_TYPE", NULL, XY_STR(NODE));
    return form;
}

static xy_status
add_choice(struct step *step, struct xy_node *form)
{
    struct hat *list;
    size_t count;
    xy_status status = hats_list(step->room, &list, &count);
    if (status != XY_OK)
        return status;
    struct xy_node *field = form_field(form, "list-single", "hats#uri", "Hat");
    require(field);
    for (size_t i = 0; i < count; i++) {
        struct xy_node *option = xy_node_add(field, XY_NO_STR, XY_STR("option"));
        xy_node_set(option, "label", list[i].title);
        form_value(option, list[i].uri);
    }
    return XY_OK;
}

/* ---- the commands ---- */

static xy_status
create(struct step *step)
{
    struct hat hat = {
        .uri = form_read(step->submitted, "hats#uri"),
        .title = form_read(step->submitted, "hats#title"),
        .hue = form_read(step->submitted, "hats#hue"),
    };
    if (step->submitted) {
        xy_status status = hat_define(step->self, step->room, &hat);
        if (status == XY_INVALID)
            step->why = XY_STR("A hat has a URI, a title, and a hue from 0 to 360 or none");
        return status;
    }
    struct xy_node *form =
        begin_form(step, "Create a hat", "The URI of a hat that exists changes it.");
    require(form_field(form, "text-single", "hats#title", "Title"));
    require(form_field(form, "text-single", "hats#uri", "URI"));
    form_field(form, "text-single", "hats#hue", "Hue, from 0 to 360");
    return XY_OK;
}

static xy_status
destroy(struct step *step)
{
    if (step->submitted)
        return hat_destroy(step->self, step->room, read_uri(step));
    return add_choice(step, begin_form(step, "Destroy a hat", "Nobody wears it then."));
}

static xy_status
ask_whom(struct step *step, const char *title)
{
    struct xy_node *form = begin_form(step, title, "Choose a person and a hat.");
    require(form_field(form, "jid-single", "hats#jid", "Address of the person"));
    return add_choice(step, form);
}

static xy_status
assign(struct step *step)
{
    const struct xy_jid *who = read_jid(step);
    if (!step->submitted)
        return ask_whom(step, "Assign a hat");
    return who ? hat_assign(step->self, step->room, who, read_uri(step)) : XY_INVALID;
}

static xy_status
unassign(struct step *step)
{
    const struct xy_jid *who = read_jid(step);
    if (!step->submitted)
        return ask_whom(step, "Take a hat away");
    return who ? hat_take(step->self, step->room, who, read_uri(step)) : XY_INVALID;
}

static struct xy_node *
begin_table(struct step *step, const char *title, const char *const *vars, size_t count)
{
    struct xy_node *form = xy_node_add(step->command, XY_STR(XY_NS_DATA), XY_STR("x"));
    xy_node_set(form, "type", XY_STR("result"));
    xy_node_add_text(xy_node_add(form, XY_NO_STR, XY_STR("title")), xy_str_from(title));
    struct xy_node *reported = xy_node_add(form, XY_NO_STR, XY_STR("reported"));
    for (size_t i = 0; i < count; i++)
        form_field(reported, NULL, vars[i], NULL);
    return form;
}

static void
add_hat(struct xy_node *form, const struct hat *hat)
{
    struct xy_node *item = xy_node_add(form, XY_NO_STR, XY_STR("item"));
    form_say(item, NULL, "hats#jid", NULL, hat->jid);
    form_say(item, NULL, "hats#uri", NULL, hat->uri);
    form_say(item, NULL, "hats#title", NULL, hat->title);
    form_say(item, NULL, "hats#hue", NULL, hat->hue);
}

static const char *const vars[] = {"hats#jid", "hats#uri", "hats#title", "hats#hue"};

static xy_status
list(struct step *step)
{
    struct hat *hats;
    size_t count = 0;
    xy_status status = hats_list(step->room, &hats, &count);
    struct xy_node *form = begin_table(step, "Hats", vars + 1, 3);
    step->completed = true;
    for (size_t i = 0; i < count; i++)
        add_hat(form, &hats[i]);
    return status;
}

static xy_status
list_assigned(struct step *step)
{
    struct hat *hats;
    size_t count = 0;
    xy_status status = hats_worn(step->room, &hats, &count);
    struct xy_node *form = begin_table(step, "Who wears which", vars, 4);
    step->completed = true;
    for (size_t i = 0; i < count; i++)
        add_hat(form, &hats[i]);
    return status;
}

static const struct command {
    const char *node, *name;
    xy_status (*run)(struct step *step);
    bool anybody; /* whoever would be let in */
} commands[] = {
    {NODE ":create", "Create or change a hat", create, false},
    {NODE ":destroy", "Destroy a hat", destroy, false},
    {NODE ":list", "List the hats", list, true},
    {NODE ":assign", "Assign a hat", assign, false},
    {NODE ":unassign", "Take a hat away", unassign, false},
    {NODE ":list-assigned", "List who wears which hat", list_assigned, false},
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static const struct command *
find(struct xy_str node)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (xy_str_equal(node, xy_str_from(commands[i].node)))
            return &commands[i];
    return NULL;
}

/* ---- discovery ---- */

void
adhoc_list(struct xy_room *room, struct xy_node *query)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        struct xy_node *item = xy_node_add(query, XY_NO_STR, XY_STR("item"));
        xy_node_set(item, "jid", xy_jid_text(xy_room_jid(room)));
        xy_node_set(item, "node", xy_str_from(commands[i].node));
        xy_node_set(item, "name", xy_str_from(commands[i].name));
    }
}

bool
adhoc_describe(struct xy_str node, struct xy_node *query)
{
    const struct command *command = find(node);
    if (!command)
        return false;
    struct xy_node *identity = xy_node_add(query, XY_NO_STR, XY_STR("identity"));
    xy_node_set(identity, "category", XY_STR("automation"));
    xy_node_set(identity, "type", XY_STR("command-node"));
    xy_node_set(identity, "name", xy_str_from(command->name));
    static const char *const features[] = {NS_COMMANDS, XY_NS_DATA};
    for (size_t i = 0; i < 2; i++)
        xy_node_set(xy_node_add(query, XY_NO_STR, XY_STR("feature")), "var",
                    xy_str_from(features[i]));
    return true;
}

/* ---- carrying out ---- */

/* XEP-0050 4.4: the specific condition beside <bad-request/>. */
static xy_status
refuse(struct xy_iq *iq, const char *condition)
{
    struct xy_stanza *error = xy_stanza_error(xy_iq_stanza(iq), XY_BAD_REQUEST, XY_NO_STR);
    xy_stanza_error_add(error, XY_STR(NS_COMMANDS), xy_str_from(condition));
    return xy_iq_reply(iq, error);
}

static xy_status
may(struct muc *self, struct xy_room *room, const struct command *command,
    const struct xy_jid *who)
{
    struct affiliated found;
    bool insider = false;
    xy_status status = muc_affiliation(self, room, who, &found);
    if (status != XY_OK)
        return status;
    if (found.affiliation == XY_OWNER)
        return XY_OK;
    if (muc_state(room)->locked)
        return XY_ABSENT;
    if (command->anybody)
        status = is_insider(self, room, who, &insider);
    return status != XY_OK ? status : insider ? XY_OK : XY_DENIED;
}

static xy_status
run(struct step *step, struct xy_iq *iq, const struct command *command)
{
    xy_status status = muc_enter(step->self, xy_iq_place(iq), &step->room);
    if (status != XY_OK)
        return status;
    status = may(step->self, step->room, command, xy_iq_from(iq));
    if (status == XY_OK)
        status = command->run(step);
    xy_room_leave(step->room);
    return status;
}

static void
begin_answer(struct step *step, struct xy_stanza *result, const struct xy_node *asked)
{
    struct xy_str session = xy_node_attr(asked, "sessionid");
    step->command = xy_node_add(xy_stanza_top(result), XY_STR(NS_COMMANDS), XY_STR("command"));
    xy_node_set(step->command, "node", xy_node_attr(asked, "node"));
    xy_node_set(step->command, "sessionid", session.len ? session : XY_STR("1"));
}

static const struct xy_node *
submitted(const struct xy_node *asked)
{
    const struct xy_node *form = xy_node_child(asked, XY_STR(XY_NS_DATA), XY_STR("x"));
    return form && xy_str_is(xy_node_attr(form, "type"), "submit") ? form : NULL;
}

static void
end_answer(struct step *step)
{
    bool completed = step->completed || step->submitted;
    xy_node_set(step->command, "status", completed ? XY_STR("completed") : XY_STR("executing"));
    if (!completed) {
        struct xy_node *actions = xy_node_add(step->command, XY_NO_STR, XY_STR("actions"));
        xy_node_set(actions, "execute", XY_STR("complete"));
        xy_node_add(actions, XY_NO_STR, XY_STR("complete"));
    }
}

xy_status
muc_on_command(XY_SELF, struct xy_iq *iq)
{
    const struct xy_node *asked = xy_iq_payload(iq);
    const struct command *command = find(xy_node_attr(asked, "node"));
    struct xy_str action = xy_node_attr(asked, "action");
    struct xy_stanza *result = xy_iq_result(iq);
    struct step step = {.self = self, .submitted = submitted(asked)};
    if (!command)
        return XY_ABSENT;
    begin_answer(&step, result, asked);
    if (xy_str_is(action, "cancel")) {
        xy_node_set(step.command, "status", XY_STR("canceled"));
        return xy_iq_reply(iq, result);
    }
    if (xy_str_is(action, "prev"))
        return refuse(iq, "bad-action");
    if (action.len && !xy_str_is(action, "execute") && !xy_str_is(action, "next") &&
        !xy_str_is(action, "complete"))
        return refuse(iq, "malformed-action");
    xy_status status = run(&step, iq, command);
    if (status == XY_INVALID)
        return xy_iq_error(iq, XY_BAD_REQUEST, step.why);
    if (status != XY_OK)
        return status;
    end_answer(&step);
    return xy_iq_reply(iq, result);
}

/* SPDX-License-Identifier: MIT */
/*
 * Notices of the administrator: to everybody online, or as a message of the day that every
 * account gets once, when it is next there. A message of the day is marked as seen after it was
 * sent, so a crash repeats it rather than losing it.
 */
#define XY_STATE announce
#include <xylem/xylem.h>

struct announce {
    const xy_choice type;
    struct xy_map *motds; /* host -> struct motd */
    xy_counter sent, shown;
};

struct motd {
    int64_t version; /* the time it was set; grows */
    struct xy_str text;
};

static const struct xy_statement read_all =
    XY_SQL("select host, version, text from announce_motd");
static const struct xy_statement save = XY_SQL(
    "insert into announce_motd (host, version, text) values (?, ?, ?) on conflict (host) "
    "do update set version = excluded.version, text = excluded.text");
static const struct xy_statement clear = XY_SQL("delete from announce_motd where host = ?");
static const struct xy_statement find_seen =
    XY_SQL("select version from announce_seen where owner = ?");
static const struct xy_statement save_seen =
    XY_SQL("insert into announce_seen (owner, version) values (?, ?) on conflict (owner) "
           "do update set version = excluded.version");
static const struct xy_statement drop_seen =
    XY_SQL("delete from announce_seen where owner = ?");
static const struct xy_statement *const statements[] = {&read_all,  &save,      &clear,
                                                        &find_seen, &save_seen, &drop_seen};

/* The version an account has seen, so that its next session costs no look-up. */
static const struct xy_note seen_kind = {"announce.seen", 1, sizeof(int64_t)};

static const char *const type_names[] = {"headline", "normal"};

/* ---- messages
 * -------------------------------------------------------------------------------- */

static xy_status
send_notice(const struct announce *self, struct xy_session *session, const char *subject,
            struct xy_str text)
{
    struct xy_stanza *message = xy_stanza_new(XY_NO_STR, XY_STR("message"));
    xy_stanza_set_type(message, xy_str_from(type_names[self->type.index]));
    xy_stanza_set_from(message, xy_host_jid(xy_session_host(session)));
    xy_stanza_set_to(message, xy_session_jid(session));
    struct xy_node *top = xy_stanza_top(message);
    if (subject)
        xy_node_add_text(xy_node_add(top, XY_NO_STR, XY_STR("subject")), xy_str_from(subject));
    xy_node_add_text(xy_node_add(top, XY_NO_STR, XY_STR("body")), text);
    return xy_session_send(session, message);
}

struct round {
    struct announce *self;
    struct xy_str text;
    int64_t count;
};

static void
send_to_available(void *argument, struct xy_session *session)
{
    struct round *round = argument;
    if (!xy_session_is_available(session))
        return;
    if (send_notice(round->self, session, NULL, round->text) != XY_OK)
        return;
    xy_count(&round->self->sent);
    round->count++;
}

/* ---- message of the day
 * ---------------------------------------------------------------------- */

static struct motd *
motd_of(const struct announce *self, const struct xy_host *host)
{
    return xy_map_get(self->motds, xy_jid_text(xy_host_jid(host)));
}

static void
keep_motd(struct announce *self, struct xy_str host, int64_t version, struct xy_str text)
{
    struct motd *motd = xy_keep_alloc(self, sizeof(*motd));
    *motd = (struct motd){version, xy_keep_str(self, text)};
    struct motd *former = xy_map_put(self->motds, host, motd);
    if (former)
        xy_keep_free(self, former->text.at);
    xy_keep_free(self, former);
}

static void
drop_motd(struct announce *self, struct xy_str host)
{
    struct motd *former = xy_map_remove(self->motds, host);
    if (former)
        xy_keep_free(self, former->text.at);
    xy_keep_free(self, former);
}

static xy_status
seen_by(struct xy_user *user, int64_t *version)
{
    int64_t *note = xy_user_note(user, &seen_kind);
    *version = *note;
    if (*version)
        return XY_OK;
    struct xy_rows *rows;
    xy_status status = xy_sql_read(&find_seen, &rows, XY_INT(xy_user_owner(user)));
    if (status == XY_OK && xy_rows_next(rows))
        *version = xy_rows_int(rows, 0);
    return status;
}

static void
show_motd(XY_SELF, struct xy_session *session)
{
    struct xy_user *user = xy_session_user(session);
    struct xy_host *host = xy_session_host(session);
    int64_t seen;
    if (!motd_of(self, host))
        return;
    xy_status status = seen_by(user, &seen);
    const struct motd *motd = motd_of(self, host);
    if (status == XY_OK && motd && seen < motd->version) {
        int64_t version = motd->version;
        if (send_notice(self, session, "Message of the day", motd->text) != XY_OK)
            return; /* it has ended; the next one gets it */
        xy_count(&self->shown);
        *(int64_t *)xy_user_note(user, &seen_kind) = version;
        status = xy_sql_write(&save_seen, XY_INT(xy_user_owner(user)), XY_INT(version));
    }
    if (status != XY_OK)
        xy_warn("announce.motd", "the message of the day may be missed or repeated",
                XY_F_STR_AS("account", xy_jid_text(xy_user_jid(user))),
                XY_F_CSTR_AS("status", xy_status_name(status)));
}

static void
forget(XY_SELF, const struct xy_jid *bare, xy_owner owner)
{
    (void)bare;
    if (xy_sql_write(&drop_seen, XY_INT(owner)) != XY_OK)
        xy_warn("announce.not_dropped", "a row of a deleted account stays", XY_F_INT(owner));
}

static xy_status
start(XY_SELF)
{
    struct xy_rows *rows;
    self->motds = xy_map_new(self);
    xy_status status = xy_sql_read(&read_all, &rows);
    while (status == XY_OK && xy_rows_next(rows))
        keep_motd(self, xy_rows_text(rows, 0), xy_rows_int(rows, 1), xy_rows_text(rows, 2));
    return status;
}

/* ---- commands: on one host or on all
 * --------------------------------------------------------- */

static xy_status
read_text(struct xy_command *command, struct xy_str *text)
{
    *text = xy_arg(command, "TEXT");
    if (!text->len)
        *text = xy_str_trim(xy_command_input(command));
    return text->len ? XY_OK
                     : xy_fail(command, XY_INVALID,
                               "there is no text: give it, or --input and pipe it in");
}

static xy_status
check_host(struct xy_command *command)
{
    struct xy_str name = xy_arg(command, "host");
    const struct xy_jid *jid = name.len ? xy_jid_parse(name) : NULL;
    if (!name.len || (jid && xy_host_find(jid)))
        return XY_OK;
    return xy_fail(command, XY_ABSENT, "no such host: " XY_FMT, XY_ARG(name));
}

/* NULL behind the last. */
static struct xy_host *
next_host(const struct xy_command *command, const struct xy_host *after)
{
    struct xy_str name = xy_arg(command, "host");
    if (name.len)
        return after ? NULL : xy_host_find(xy_jid_parse(name));
    return after ? xy_host_next(after) : xy_host_first();
}

static xy_status
send_to_all(XY_SELF, struct xy_command *command)
{
    struct round round = {.self = self};
    xy_status status = check_host(command);
    if (status == XY_OK)
        status = read_text(command, &round.text);
    if (status != XY_OK)
        return status;
    for (struct xy_host *host = next_host(command, NULL); host; host = next_host(command, host))
        xy_sessions_each(host, send_to_available, &round);
    xy_put_int(command, "sent", round.count);
    return XY_OK;
}

static xy_status
set_motd(XY_SELF, struct xy_command *command)
{
    struct xy_str text;
    xy_status status = check_host(command);
    if (status == XY_OK)
        status = read_text(command, &text);
    struct xy_host *host = status == XY_OK ? next_host(command, NULL) : NULL;
    for (; host && status == XY_OK; host = next_host(command, host)) {
        struct xy_str name = xy_jid_text(xy_host_jid(host));
        const struct motd *former = motd_of(self, host);
        int64_t now = xy_now_ms();
        int64_t version = former && former->version >= now ? former->version + 1 : now;
        status = xy_sql_write(&save, XY_TEXT(name), XY_INT(version), XY_TEXT(text));
        if (status == XY_OK)
            keep_motd(self, name, version, text);
    }
    return status;
}

static xy_status
clear_motd(XY_SELF, struct xy_command *command)
{
    xy_status status = check_host(command);
    struct xy_host *host = status == XY_OK ? next_host(command, NULL) : NULL;
    for (; host && status == XY_OK; host = next_host(command, host)) {
        struct xy_str name = xy_jid_text(xy_host_jid(host));
        status = xy_sql_write(&clear, XY_TEXT(name));
        if (status == XY_OK)
            drop_motd(self, name);
    }
    return status;
}

static xy_status
show(XY_SELF, struct xy_command *command)
{
    xy_status status = check_host(command);
    struct xy_host *host = status == XY_OK ? next_host(command, NULL) : NULL;
    for (; host; host = next_host(command, host)) {
        const struct motd *motd = motd_of(self, host);
        if (!motd)
            continue;
        xy_row(command);
        xy_put_str(command, "host", xy_jid_text(xy_host_jid(host)));
        xy_put_str(command, "since", xy_time_format(motd->version));
        xy_put_str(command, "text", motd->text);
    }
    return status;
}

static const struct xy_option options[] = {
    XY_OPTION(type, .initial = "headline", .choices = "headline|normal",
              .doc =
                  "The type of the messages. Clients show a headline and forget it; a normal "
                  "message they keep."),
};
static const struct xy_hook hooks[] = {
    XY_ON(session_available, show_motd, .order = XY_LATE),
    XY_ON(account_deleted, forget),
};
static const struct xy_command_row commands[] = {
    XY_COMMAND("announce send", send_to_all, .arguments = "[TEXT] [--host HOST] [--input]",
               .input = true, .about = "Send a notice to everybody online."),
    XY_COMMAND("announce motd set", set_motd, .arguments = "[TEXT] [--host HOST] [--input]",
               .input = true,
               .about = "Set the message of the day, which every account gets once."),
    XY_COMMAND("announce motd clear", clear_motd, .arguments = "[--host HOST]",
               .about = "Show no message of the day any more."),
    XY_COMMAND("announce motd show", show, .arguments = "[--host HOST]",
               .about = "Show the message of the day."),
};
static const struct xy_metric metrics[] = {
    XY_METRIC(sent, .unit = "messages", .doc = "Notices sent to sessions."),
    XY_METRIC(shown, .unit = "messages", .doc = "Messages of the day sent to sessions."),
};
static const struct xy_migration schema[] = {
    {1,
     "create table announce_motd (host text primary key, version bigint not null, "
     "text text not null); "
     "create table announce_seen (owner bigint primary key, version bigint not null)",
     NULL},
};

XY_MODULE(announce, .about = "Sends notices of the administrator, messages of the day.",
          .scope = XY_SERVER, XY_STATE_SIZE, XY_START(start), XY_TABLE(options, options),
          XY_TABLE(hooks, hooks), XY_TABLE(commands, commands), XY_TABLE(metrics, metrics),
          XY_TABLE(schema, schema), XY_TABLE(statements, statements));

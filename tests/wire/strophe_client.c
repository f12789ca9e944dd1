/* SPDX-License-Identifier: MIT */
/*
 * A small chat client on libstrophe for the wire tests, driven by lines: commands on standard
 * input, what happens on standard output. The same language as clients/slixmpp_client.py:
 *
 *   in:   subscribe JID · approve JID · message JID TEXT · quit
 *   out:  online JID · request JID · approved JID · presence JID available|unavailable ·
 *         message JID TEXT · roster JID SUBSCRIPTION · offline
 *
 * strophe_client JID PASSWORD HOST PORT starttls|direct
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <strophe.h>

struct client {
    xmpp_ctx_t *strophe;
    xmpp_conn_t *conn;
    char input[4096];
    size_t filled;
    int running;
};

static void
say(const char *event, const char *jid, const char *rest)
{
    printf("%s %s%s%s\n", event, jid ? jid : "-", rest ? " " : "", rest ? rest : "");
    fflush(stdout);
}

static void
send_presence(struct client *me, const char *type, const char *to)
{
    xmpp_stanza_t *presence = xmpp_presence_new(me->strophe);
    if (type)
        xmpp_stanza_set_type(presence, type);
    if (to)
        xmpp_stanza_set_to(presence, to);
    xmpp_send(me->conn, presence);
    xmpp_stanza_release(presence);
}

static void
send_message(struct client *me, const char *to, const char *text)
{
    char *id = xmpp_uuid_gen(me->strophe);
    xmpp_stanza_t *message = xmpp_message_new(me->strophe, "chat", to, id);
    xmpp_message_set_body(message, text);
    xmpp_send(me->conn, message);
    xmpp_stanza_release(message);
    xmpp_free(me->strophe, id);
}

static int
hear_message(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *argument)
{
    struct client *me = argument;
    char *body = xmpp_message_get_body(stanza);
    (void)conn;
    if (body)
        say("message", xmpp_stanza_get_from(stanza), body);
    xmpp_free(me->strophe, body);
    return 1;
}

static int
hear_presence(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *argument)
{
    const char *type = xmpp_stanza_get_type(stanza), *from = xmpp_stanza_get_from(stanza);
    (void)conn;
    (void)argument;
    if (!type)
        say("presence", from, "available");
    else if (strcmp(type, "unavailable") == 0)
        say("presence", from, "unavailable");
    else if (strcmp(type, "subscribe") == 0)
        say("request", from, NULL);
    else if (strcmp(type, "subscribed") == 0)
        say("approved", from, NULL);
    return 1;
}

/* A roster push or the answer to our roster get: both carry <query/> with items. */
static int
hear_roster(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *argument)
{
    struct client *me = argument;
    xmpp_stanza_t *query = xmpp_stanza_get_child_by_ns(stanza, XMPP_NS_ROSTER);
    xmpp_stanza_t *item = query ? xmpp_stanza_get_children(query) : NULL;
    for (; item; item = xmpp_stanza_get_next(item))
        say("roster", xmpp_stanza_get_attribute(item, "jid"),
            xmpp_stanza_get_attribute(item, "subscription"));
    if (xmpp_stanza_get_type(stanza) && strcmp(xmpp_stanza_get_type(stanza), "set") == 0) {
        xmpp_stanza_t *result = xmpp_iq_new(me->strophe, "result", xmpp_stanza_get_id(stanza));
        xmpp_send(conn, result);
        xmpp_stanza_release(result);
    }
    return 1;
}

static void
get_roster(struct client *me)
{
    xmpp_stanza_t *iq = xmpp_iq_new(me->strophe, "get", "roster1");
    xmpp_stanza_t *query = xmpp_stanza_new(me->strophe);
    xmpp_stanza_set_name(query, "query");
    xmpp_stanza_set_ns(query, XMPP_NS_ROSTER);
    xmpp_stanza_add_child(iq, query);
    xmpp_send(me->conn, iq);
    xmpp_stanza_release(query);
    xmpp_stanza_release(iq);
}

static void
connection_changed(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
                   xmpp_stream_error_t *stream_error, void *argument)
{
    struct client *me = argument;
    (void)error;
    if (event == XMPP_CONN_CONNECT) {
        xmpp_handler_add(conn, hear_message, NULL, "message", NULL, me);
        xmpp_handler_add(conn, hear_presence, NULL, "presence", NULL, me);
        xmpp_handler_add(conn, hear_roster, XMPP_NS_ROSTER, "iq", NULL, me);
        say("online", xmpp_conn_get_bound_jid(conn),
            xmpp_conn_is_secured(conn) ? "secured" : "plain");
        get_roster(me);
        send_presence(me, NULL, NULL);
        return;
    }
    say("offline", stream_error && stream_error->text ? stream_error->text : NULL, NULL);
    me->running = 0;
}

static void
obey(struct client *me, char *line)
{
    char *verb = strtok(line, " "), *jid = strtok(NULL, " "), *text = strtok(NULL, "");
    if (!verb)
        return;
    if (strcmp(verb, "subscribe") == 0 && jid)
        send_presence(me, "subscribe", jid);
    else if (strcmp(verb, "approve") == 0 && jid)
        send_presence(me, "subscribed", jid);
    else if (strcmp(verb, "message") == 0 && jid && text)
        send_message(me, jid, text);
    else if (strcmp(verb, "quit") == 0)
        xmpp_disconnect(me->conn);
    else
        say("unknown", verb, NULL);
}

/* Takes what standard input has, line by line; its end is a quit. */
static void
read_commands(struct client *me)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    char quit[] = "quit";
    if (poll(&in, 1, 0) <= 0)
        return;
    ssize_t got = read(in.fd, me->input + me->filled, sizeof(me->input) - me->filled - 1);
    if (got <= 0) {
        obey(me, quit);
        return;
    }
    me->filled += (size_t)got;
    me->input[me->filled] = '\0';
    char *line = me->input;
    for (char *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        obey(me, line);
    }
    me->filled -= (size_t)(line - me->input);
    memmove(me->input, line, me->filled + 1);
}

int
main(int count, char **arguments)
{
    if (count != 6) {
        fprintf(stderr, "usage: strophe_client JID PASSWORD HOST PORT starttls|direct\n");
        return 2;
    }
    struct client me = {.running = 1};
    xmpp_initialize();
    me.strophe = xmpp_ctx_new(NULL, xmpp_get_default_logger(XMPP_LEVEL_WARN));
    me.conn = xmpp_conn_new(me.strophe);
    long direct = strcmp(arguments[5], "direct") == 0 ? XMPP_CONN_FLAG_LEGACY_SSL
                                                      : XMPP_CONN_FLAG_MANDATORY_TLS;
    xmpp_conn_set_flags(me.conn, direct | XMPP_CONN_FLAG_TRUST_TLS);
    xmpp_conn_set_jid(me.conn, arguments[1]);
    xmpp_conn_set_pass(me.conn, arguments[2]);
    if (xmpp_connect_client(me.conn, arguments[3], (unsigned short)atoi(arguments[4]),
                            connection_changed, &me) != XMPP_EOK)
        return 1;
    while (me.running) {
        xmpp_run_once(me.strophe, 20);
        read_commands(&me);
    }
    xmpp_conn_release(me.conn);
    xmpp_ctx_free(me.strophe);
    xmpp_shutdown();
    return 0;
}

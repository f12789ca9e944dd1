/* SPDX-License-Identifier: MIT */
/*
 * Connections without TLS: one element at a time before login, streaming after; order, odd
 * splits, back-pressure, marks, and every way a connection can end.
 */
#include "tests/unit/net_world.h"

#define MESSAGE(text) "<message to='b@a.example'><body>" text "</body></message>"

/* ---- the usual ----------------------------------------------------------------------------
 */

static void
chat(void)
{
    struct client *client = client_session();
    client_send(client, MESSAGE("Wherefore"));
    client_expect(client, MESSAGE("Wherefore"));
    client_send(client, "  \n" MESSAGE("art thou"));
    client_expect(client, MESSAGE("art thou"));
    client_send(client, FOOTER);
    client_expect(client, FOOTER);
    client_expect_end(client);
    CHECK_EQ(client->len, 0);
    client_close(client);
    until_heard("opened header stanza header stanza stanza closing ended");
}

NET_TEST(a_stream_logs_in_chats_and_closes)
{
    world_run(io_threads, XYI_TLS_STARTTLS, chat);
    CHECK_EQ(world.opened, 1);
}

static void
look_at_facts(void *argument)
{
    (void)argument;
    struct xyi_link *link = world.visitors[0].link;
    CHECK_STR(xyi_link_peer(link), "127.0.0.1");
    CHECK(xyi_link_is_loopback(link));
    CHECK_EQ(xyi_link_tag(link), 7);
    CHECK_EQ(xyi_link_listen_tls(link), XYI_TLS_NONE);
    CHECK(!xyi_link_is_secure(link));
    CHECK(!xyi_link_tls_name(link).at && !xyi_link_sni(link).at);
    CHECK(!xyi_link_channel_binding(link, XY_STR("tls-exporter")).at);
    struct xyi_net_counts counts;
    xyi_net_counts(&counts);
    CHECK_EQ(counts.accepted, 1);
    CHECK_EQ(counts.open, 1);
    CHECK_EQ(counts.stanzas_in, 2);
    CHECK_EQ(counts.stanzas_out, 1);
    CHECK_EQ(counts.bytes_in,
             2 * strlen(HEADER) + strlen("<auth xmlns='urn:test'/>") + strlen(MESSAGE("x")));
}

/* The client may see the bytes before the I/O thread has counted them. */
static bool
is_output_counted(void *argument)
{
    struct xyi_net_counts counts;
    xyi_net_counts(&counts);
    return counts.bytes_out == 2 * strlen(ANSWER) + strlen("<success/>") +
                                   strlen(MESSAGE("x")) + (argument != NULL);
}

static void
ask_for_facts(void)
{
    struct client *client = client_session();
    client_send(client, MESSAGE("x"));
    client_expect(client, MESSAGE("x"));
    until(is_output_counted, NULL);
    on_logic(look_at_facts, NULL);
    client_close(client);
    until_ended(1);
}

NET_TEST(a_link_knows_its_peer_and_is_counted)
{
    world_run(io_threads, XYI_TLS_NONE, ask_for_facts);
}

/* ---- before login: one at a time -----------------------------------------------------------
 */

static void
go_on(void *argument)
{
    (void)argument;
    xyi_link_continue(world.visitors[0].link);
}

static void
pipeline(void)
{
    struct client *client = client_connect();
    client_send(client, HEADER "<one xmlns='urn:test'/><two xmlns='urn:test'/>"
                               "<three xmlns='urn:test'/>" FOOTER);
    client_expect(client, ANSWER);
    until_heard("opened header");
    poll(NULL, 0, 20); /* a wrong server had time to go on */
    until_heard("opened header");
    on_logic(go_on, NULL);
    client_expect(client, "<one");
    until_heard("opened header stanza");
    poll(NULL, 0, 20);
    until_heard("opened header stanza");
    on_logic(go_on, NULL);
    client_expect(client, "<two");
    until_heard("opened header stanza stanza");
    on_logic(go_on, NULL);
    client_expect(client, "<three");
    on_logic(go_on, NULL);
    client_expect(client, FOOTER);
    client_expect_end(client);
    client_close(client);
    until_heard("opened header stanza stanza stanza closing ended");
}

NET_TEST(nothing_pipelined_slips_through_before_login)
{
    world.keep_waiting = true;
    world_run(io_threads, XYI_TLS_STARTTLS, pipeline);
}

/* What stands behind <auth/> belongs to the new stream, and only when it is a header. */
static void
pipeline_over_restart(void)
{
    struct client *client = client_connect();
    client_send(client, HEADER "<auth xmlns='urn:test'/>" HEADER MESSAGE("eager"));
    client_expect(client, "<success/>" ANSWER MESSAGE("eager"));
    client_close(client);
    client = client_connect();
    client_send(client, HEADER "<auth xmlns='urn:test'/>" MESSAGE("eager"));
    client_expect(client, "<success/><stream:error/>" FOOTER);
    client_expect_end(client);
    client_close(client);
    until_ended(2);
}

NET_TEST(a_restart_expects_a_header)
{
    world_run(io_threads, XYI_TLS_STARTTLS, pipeline_over_restart);
}

/* ---- bytes ----------------------------------------------------------------------------------
 */

static char long_message[10200];

static void
go_round(void *argument)
{
    (void)argument;
}

static void
make_long_message(void)
{
    char *at = long_message;
    at += sprintf(at, "<message to='b@a.example'><body>");
    while (at < long_message + 10000)
        at += sprintf(at, "%d, ", (int)(at - long_message));
    sprintf(at, "</body></message>");
}

static void
split(void)
{
    make_long_message();
    struct client *client = client_session();
    const char *at = long_message;
    static const size_t sizes[] = {1, 2, 3, 5, 7, 11, 1, 1, 130, 997, 13, 1400};
    for (size_t i = 0; *at; i++) {
        size_t len = strnlen(at, sizes[i % (sizeof(sizes) / sizeof(sizes[0]))]);
        client_send_bytes(client, at, len);
        at += len;
        if (i % 4 == 0)
            on_logic(go_round, NULL); /* a turn between two segments */
    }
    client_expect(client, long_message);
    client_close(client);
    until_ended(1);
}

NET_TEST(ten_thousand_bytes_split_at_odd_places)
{
    world_run(io_threads, XYI_TLS_STARTTLS, split);
}

static void *
send_many(void *argument)
{
    for (int i = 0; i < 300; i++)
        client_send(argument, long_message);
    return NULL;
}

static void
stream_a_lot(void)
{
    make_long_message();
    struct client *client = client_session();
    pthread_t sender;
    CHECK(pthread_create(&sender, NULL, send_many, client) == 0);
    for (int i = 0; i < 300; i++)
        client_expect(client, long_message);
    pthread_join(sender, NULL);
    CHECK_EQ(client->len, 0);
    client_close(client);
    until_ended(1);
}

NET_TEST(three_megabytes_come_back_as_they_were)
{
    world_run(io_threads, XYI_TLS_STARTTLS, stream_a_lot);
}

/* ---- back-pressure --------------------------------------------------------------------------
 */

static bool
has_stanzas(void *argument)
{
    return world.visitors[0].stanzas == *(unsigned *)argument;
}

static void
handle(void *argument)
{
    struct visitor *visitor = &world.visitors[0];
    for (unsigned i = *(unsigned *)argument; i > 0; i--) {
        CHECK(visitor->unhandled > 0);
        visitor->unhandled--;
        xyi_link_handled(visitor->link);
    }
}

static void
handle_all(void *argument)
{
    (void)argument;
    struct visitor *visitor = &world.visitors[0];
    unsigned all = visitor->unhandled;
    handle(&all);
}

static bool
has_handled_until(void *argument)
{
    if (world.visitors[0].link)
        handle_all(argument);
    return has_stanzas(argument);
}

static void
be_hasty(void)
{
    struct client *client = client_session(); /* <auth/> is not handled either */
    for (int i = 0; i < 50; i++)
        client_send(client, MESSAGE("hasty"));
    unsigned seen = 4, two = 2;
    until(has_stanzas, &seen);
    poll(NULL, 0, 20); /* a wrong server had time to go on */
    until(has_stanzas, &seen);
    on_logic(handle, &two);
    seen = 6;
    until(has_stanzas, &seen);
    poll(NULL, 0, 20);
    until(has_stanzas, &seen);
    seen = 51;
    until(has_handled_until, &seen);
    for (int i = 0; i < 50; i++)
        client_expect(client, MESSAGE("hasty"));
    client_close(client);
    until_ended(1);
}

NET_TEST(reading_pauses_for_unhandled_stanzas)
{
    world.limits = no_limits;
    world.limits.queued = 4;
    world.keep_handling = true;
    world_run(io_threads, XYI_TLS_STARTTLS, be_hasty);
    CHECK_EQ(world.visitors[0].most_unhandled, 4);
}

/* ---- ends
 * ------------------------------------------------------------------------------------ */

static void
vanish(void)
{
    struct client *client = client_session();
    for (int i = 0; i < 20; i++)
        client_send(client, MESSAGE("last words"));
    client_send(client, "<message><bo");       /* never to be completed */
    CHECK(shutdown(client->fd, SHUT_WR) == 0); /* close() could reset, and lose some */
    until_ended(1);
    CHECK_EQ(world.visitors[0].stanzas, 21);
    client_close(client);
}

NET_TEST(what_was_received_is_told_before_the_end)
{
    world_run(io_threads, XYI_TLS_STARTTLS, vanish);
    const char *heard = world.visitors[0].heard;
    CHECK(strcmp(heard + strlen(heard) - strlen(" stanza ended"), " stanza ended") == 0);
    CHECK(!strstr(heard, "closing") && !strstr(heard, "failed"));
}

/* The last ones wait behind some that are not handled; the end waits with them. */
static void
vanish_while_paused(void)
{
    struct client *client = client_session();
    for (int i = 0; i < 20; i++)
        client_send(client, MESSAGE("last words"));
    CHECK(shutdown(client->fd, SHUT_WR) == 0);
    unsigned seen = 2, all = 21;
    until(has_stanzas, &seen);
    poll(NULL, 0, 20);
    until_heard("opened header stanza header stanza");
    until(has_handled_until, &all);
    until_ended(1);
    client_close(client);
}

NET_TEST(the_end_waits_for_what_is_held_back)
{
    world.limits = no_limits;
    world.limits.queued = 2;
    world.keep_handling = true;
    world_run(io_threads, XYI_TLS_STARTTLS, vanish_while_paused);
}

static void
half_close(void)
{
    struct client *client = client_session();
    client_send(client, MESSAGE("and now") FOOTER);
    CHECK(shutdown(client->fd, SHUT_WR) == 0);
    client_expect(client, MESSAGE("and now"));
    client_expect(client, FOOTER);
    client_expect_end(client);
    client_close(client);
    until_heard("opened header stanza header stanza closing ended");
}

NET_TEST(a_half_closed_stream_gets_its_answers)
{
    world_run(io_threads, XYI_TLS_STARTTLS, half_close);
}

static void
half_close_rudely(void)
{
    struct client *client = client_session();
    CHECK(shutdown(client->fd, SHUT_WR) == 0); /* no </stream:stream> */
    client_expect_end(client);
    client_close(client);
    until_heard("opened header stanza header ended");
}

NET_TEST(an_end_without_stream_end_ends_the_link)
{
    world_run(io_threads, XYI_TLS_STARTTLS, half_close_rudely);
}

static void
reset(void)
{
    struct client *client = client_session();
    struct linger none = {.l_onoff = 1};
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    client_close(client);
    until_heard("opened header stanza header ended");
}

NET_TEST(a_reset_ends_the_link)
{
    world_run(io_threads, XYI_TLS_STARTTLS, reset);
}

static void
say_nonsense(void)
{
    struct client *client = client_session();
    client_send(client, MESSAGE("well") "<message></massage>" MESSAGE("ignored"));
    client_expect(client, MESSAGE("well"));
    client_expect(client, "<stream:error/>" FOOTER);
    client_expect_end(client);
    client_close(client);
    until_heard("opened header stanza header stanza failed ended");
    CHECK(strcmp(world.visitors[0].condition, "not-well-formed") == 0);
}

NET_TEST(malformed_xml_fails_the_stream)
{
    world_run(io_threads, XYI_TLS_STARTTLS, say_nonsense);
}

static void
stay(void)
{
    struct client *client = client_session();
    client_send(client, FOOTER);
    client_expect(client, FOOTER);
    int64_t from_us = xyi_clock_real_us();
    until_ended(1); /* although this side never closes */
    int64_t took_us = xyi_clock_real_us() - from_us;
    CHECK(took_us > 1500000 && took_us < 6000000);
    client_close(client);
}

NET_TEST(a_peer_that_does_not_close_is_left_behind)
{
    world_run(io_threads, XYI_TLS_STARTTLS, stay);
}

static void
close_with_much_unsent(void *argument)
{
    (void)argument;
    struct xyi_link *link = world.visitors[0].link;
    static char block[100000];
    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 100; i++)
        xyi_link_write(link, xy_str_of(block, sizeof(block)));
    xyi_link_close(link, XY_STR(FOOTER));
    xyi_link_write(link, XY_STR("too late"));
    xyi_link_close(link, XY_STR("too late"));
}

static void
read_to_the_end(void)
{
    struct client *client = client_session();
    on_logic(close_with_much_unsent, NULL);
    size_t total = 0, got;
    char tail[16] = "";
    while ((got = client_read(client))) {
        total += got;
        if (client->len >= 16)
            memcpy(tail, client->got + client->len - 16, 16);
        client->len = 0;
    }
    CHECK_EQ(total, 100 * 100000 + strlen(FOOTER));
    CHECK(memcmp(tail, FOOTER, 16) == 0);
    client_close(client);
    until_ended(1);
}

NET_TEST(a_close_comes_after_all_output)
{
    world_run(io_threads, XYI_TLS_STARTTLS, read_to_the_end);
}

static struct client *stayed[6];

static void
leave_open(void)
{
    for (int i = 0; i < 5; i++)
        stayed[i] = client_session();
    stayed[5] = client_connect();
}

NET_TEST(stopping_ends_every_link)
{
    world_run(io_threads, XYI_TLS_STARTTLS, leave_open);
    CHECK_EQ(world.ended, 6);
    for (int i = 0; i < 6; i++)
        client_close(stayed[i]);
}

/* ---- marks
 * ------------------------------------------------------------------------------------ */

static void
write_and_mark(void *argument)
{
    struct xyi_link *link = world.visitors[0].link;
    xyi_link_write(link, XY_STR("one"));
    xyi_link_mark(link, 1);
    xyi_link_write(link, XY_STR("two"));
    xyi_link_mark(link, 2);
    xyi_link_mark(link, 3);
    (void)argument;
}

static bool
is_confirmed(void *argument)
{
    return world.visitors[0].confirmed >= *(uint64_t *)argument;
}

static void
write_too_much_and_mark(void *argument)
{
    static char block[16 << 20]; /* more than two sockets hold */
    struct xyi_link *link = world.visitors[0].link;
    uint64_t mark = *(uint64_t *)argument;
    xyi_link_mark(link, mark);
    xyi_link_write(link, xy_str_of(block, sizeof(block)));
    xyi_link_mark(link, mark + 1);
}

static void
confirm(void)
{
    struct client *client = client_session();
    on_logic(write_and_mark, NULL);
    uint64_t mark = 3;
    until(is_confirmed, &mark); /* the kernel has it, though nobody read it */
    client_expect(client, "onetwo");
    mark = 4;
    on_logic(write_too_much_and_mark, &mark);
    until(is_confirmed, &mark);
    poll(NULL, 0, 100);
    CHECK_EQ(world.visitors[0].confirmed, 4);
    for (size_t left = 16 << 20; left; client->len = 0)
        left -= client_read(client);
    mark = 5;
    until(is_confirmed, &mark);
    mark = 6;
    on_logic(write_too_much_and_mark, &mark);
    client_close(client);
    until_ended(1);
}

NET_TEST(marks_are_confirmed_when_the_peer_has_it)
{
    xyi_clock_freeze(1000000); /* they wait for a network, not for the clock */
    world_run(io_threads, XYI_TLS_STARTTLS, confirm);
    CHECK(world.visitors[0].confirmed < 7);
}

/* ---- many
 * ------------------------------------------------------------------------------------- */

static void
send_to_all(void *argument)
{
    struct xy_stanza *stanza = xy_stanza_new(XY_NO_STR, XY_STR("presence"));
    xy_stanza_set_id(stanza, XY_STR("to-all"));
    const struct xy_stanza *kept = xy_stanza_keep(stanza);
    for (unsigned i = 0; i < world.opened; i++) {
        if (!world.visitors[i].link)
            continue;
        const struct xy_jid *to = argument ? NULL : xy_jid_parse(XY_STR("x@a.example/there"));
        xyi_link_send(world.visitors[i].link, kept, to);
    }
    xy_stanza_drop(kept);
}

static void
fan_out(void)
{
    struct client *clients[40];
    for (int i = 0; i < 40; i++)
        clients[i] = client_session();
    on_logic(send_to_all, NULL);
    for (int i = 0; i < 40; i++) {
        client_expect(clients[i], "to-all");
        client_close(clients[i]);
    }
    until_ended(40);
}

NET_TEST(one_stanza_goes_to_many)
{
    world_run(io_threads, XYI_TLS_STARTTLS, fan_out);
}

static void
come_and_go(void)
{
    struct linger none = {.l_onoff = 1};
    bool plain = true;
    for (int i = 0; i < 300; i++) {
        struct client *client = client_connect();
        client_send(client, HEADER "<auth xmlns='urn:test'/>" HEADER MESSAGE("a") MESSAGE("b"));
        if (i % 3 == 0)
            client_expect(client, MESSAGE("b"));
        if (i % 2)
            setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
        on_logic(send_to_all, &plain);
        client_close(client);
    }
    until_ended(300);
}

NET_TEST(links_may_die_while_they_are_written_to)
{
    world_run(io_threads, XYI_TLS_STARTTLS, come_and_go);
}

END_TESTS

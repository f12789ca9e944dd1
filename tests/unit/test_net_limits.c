/* SPDX-License-Identifier: MIT */
/*
 * Limits of connections: how many, how fast, how large, how slow a reader, how long silent; and
 * listeners, which open in two phases and survive a lack of descriptors. The clock is the
 * test's.
 */
#include "tests/unit/net_world.h"

#include <sys/resource.h>
#include <time.h>
#include "core/net/net_internal.h"

#define MESSAGE(text) "<message><body>" text "</body></message>"

/* ---- token bucket --------------------------------------------------------------------------
 */

TEST(a_bucket_keeps_to_its_rate)
{
    struct bucket bucket = {0};
    int64_t now_ms = 5000;
    for (int i = 0; i < 10; i++) /* the burst */
        CHECK_EQ(xyi_bucket_take(&bucket, 100, 200, 1000, now_ms), 0);
    CHECK_EQ(xyi_bucket_take(&bucket, 100, 200, 1000, now_ms), 500);
    CHECK_EQ(xyi_bucket_take(&bucket, 0, 200, 1000, now_ms + 499), 1);
    CHECK_EQ(xyi_bucket_take(&bucket, 0, 200, 1000, now_ms + 500), 0);
    CHECK_EQ(xyi_bucket_take(&bucket, 5000, 200, 1000, now_ms + 500), 25000);
    now_ms += 1000LL * 3600 * 24 * 365 * 1000; /* full again, no more, no overflow */
    CHECK_EQ(xyi_bucket_take(&bucket, 1000, 200, 1000, now_ms), 0);
    CHECK_EQ(xyi_bucket_take(&bucket, 1, 200, 1000, now_ms), 5);
    int64_t total = 0, waited_ms = 0;
    for (int64_t size = 1; total < 1000000; size = size * 7 % 1013, total += size)
        waited_ms += xyi_bucket_take(&bucket, size, 200, 1000, now_ms + waited_ms);
    CHECK(waited_ms > total * 5 - 20000 && waited_ms < total * 5 + 20000);
}

TEST(a_bucket_without_rate_never_waits)
{
    struct bucket bucket = {0};
    CHECK_EQ(xyi_bucket_take(&bucket, 1 << 30, XY_NONE, XY_NONE, 1), 0);
    CHECK_EQ(xyi_bucket_take(&bucket, 1 << 30, 0, 0, 1), 0);
}

TEST(bytes_are_eaten_in_order_and_leave_no_memory)
{
    struct xyi_out out = {0};
    char next = 0, expected = 0;
    for (int round = 0; round < 1000; round++) {
        for (int i = 0; i < round % 97; i++, next++)
            xyi_out_add(&out, &next, 1);
        size_t some = (size_t)(round * 31 % 89);
        if (some > xyi_out_left(&out))
            some = xyi_out_left(&out);
        for (size_t i = 0; i < some; i++)
            CHECK_EQ(out.at[out.from + i], expected++);
        xyi_out_eat(&out, some);
    }
    xyi_out_eat(&out, xyi_out_left(&out));
    CHECK(!out.at && !out.size);
}

/* ---- how many -------------------------------------------------------------------------------
 */

static void
check_refused(void *argument)
{
    struct xyi_net_counts counts;
    xyi_net_counts(&counts);
    CHECK_EQ(counts.refused, *(uint64_t *)argument);
}

static void
come_three_times(void)
{
    struct client *one = client_session(), *two = client_session(), *three = client_connect();
    client_expect_end(three);
    client_close(three);
    uint64_t refused = 1;
    on_logic(check_refused, &refused);
    client_send(one, MESSAGE("still here"));
    client_expect(one, MESSAGE("still here"));
    client_close(two);
    until_ended(1);
    two = client_session();
    client_close(two);
    client_close(one);
    until_ended(3);
}

NET_TEST(connections_per_address_are_limited)
{
    world.limits = no_limits;
    world.limits.connections_per_address = 2;
    world_run(io_threads, XYI_TLS_STARTTLS, come_three_times);
}

NET_TEST(connections_in_all_are_limited)
{
    world.limits = no_limits;
    world.limits.connections = 2;
    world_run(io_threads, XYI_TLS_STARTTLS, come_three_times);
}

static struct in6_addr
address_from(const char *text, char printed[INET6_ADDRSTRLEN])
{
    struct in6_addr address;
    if (strchr(text, ':')) {
        struct sockaddr_in6 peer = {.sin6_family = AF_INET6};
        CHECK(inet_pton(AF_INET6, text, &peer.sin6_addr) == 1);
        xyi_address_of((struct sockaddr *)&peer, &address, printed);
    } else {
        struct sockaddr_in peer = {.sin_family = AF_INET};
        CHECK(inet_pton(AF_INET, text, &peer.sin_addr) == 1);
        xyi_address_of((struct sockaddr *)&peer, &address, printed);
    }
    return address;
}

static bool
admit(const char *text, const char *printed)
{
    char peer[INET6_ADDRSTRLEN];
    struct in6_addr address = address_from(text, peer);
    CHECK_STR(xy_str_from(peer), printed);
    return xyi_admit(&address, peer);
}

TEST(ipv6_addresses_count_by_their_prefix)
{
    struct xyi_net_limits limits = no_limits;
    limits.connections_per_address = 2;
    xyi_admit_init();
    xyi_admit_limits(&limits);
    CHECK(admit("2001:db8:1:2::1", "2001:db8:1:2::1"));
    CHECK(admit("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"));
    CHECK(!admit("2001:db8:1:2:ffff::", "2001:db8:1:2:ffff::"));
    CHECK(admit("2001:db8:1:3::1", "2001:db8:1:3::1"));
    CHECK(admit("192.0.2.1", "192.0.2.1"));
    CHECK(admit("::ffff:192.0.2.1", "192.0.2.1")); /* the same, through an IPv6 socket */
    CHECK(!admit("192.0.2.1", "192.0.2.1"));
    CHECK(admit("192.0.2.2", "192.0.2.2"));
    CHECK_EQ(xyi_refused, 2);
    char peer[INET6_ADDRSTRLEN];
    struct in6_addr address = address_from("2001:db8:1:2:ffff::", peer);
    xyi_admit_leave(&address);
    CHECK(admit("2001:db8:1:2:ffff::", "2001:db8:1:2:ffff::"));
    xyi_admit_end();
}

/* ---- how fast -------------------------------------------------------------------------------
 */

static bool
has_stanzas(void *argument)
{
    return world.visitors[0].stanzas == *(unsigned *)argument;
}

static void
hurry(void)
{
    struct client *client = client_session(); /* <auth/> was the first */
    for (int i = 0; i < 9; i++)
        client_send(client, MESSAGE("quick"));
    /* A burst of 5, and the one that goes into debt. */
    for (unsigned seen = 6; seen <= 10; seen++) {
        until(has_stanzas, &seen);
        xyi_clock_advance(499);
        poll(NULL, 0, 30); /* several turns */
        until(has_stanzas, &seen);
        xyi_clock_advance(1);
    }
    for (int i = 0; i < 9; i++)
        client_expect(client, MESSAGE("quick"));
    client_close(client);
    until_ended(1);
}

NET_TEST(stanza_rate_pauses_reading)
{
    xyi_clock_freeze(1000000);
    world.limits = no_limits;
    world.limits.stanza_rate_milli = 2000;
    world.limits.stanza_burst = 5;
    world_run(io_threads, XYI_TLS_STARTTLS, hurry);
}

static void
send_long(void)
{
    struct client *client = client_session(); /* some 330 bytes */
    char message[1900];
    snprintf(message, sizeof(message), "<message><body>%1800d</body></message>", 1);
    client_send(client, message); /* into debt by about 1,150 */
    client_expect(client, "</message>");
    client_send(client, MESSAGE("more"));
    unsigned seen = 2;
    poll(NULL, 0, 30);
    until(has_stanzas, &seen);
    xyi_clock_advance(900);
    poll(NULL, 0, 30);
    until(has_stanzas, &seen);
    xyi_clock_advance(600);
    client_expect(client, MESSAGE("more"));
    client_close(client);
    until_ended(1);
}

NET_TEST(byte_rate_pauses_reading)
{
    xyi_clock_freeze(1000000);
    world.limits = no_limits;
    world.limits.byte_rate = 1000;
    world.limits.byte_burst = 1000;
    world_run(io_threads, XYI_TLS_STARTTLS, send_long);
}

/* ---- how large ------------------------------------------------------------------------------
 */

static void
send_large(void)
{
    static char body[3000];
    memset(body, 'x', sizeof(body) - 1);
    struct client *client = client_session();
    client_send(client, "<message><body>");
    client_send(client, body);
    client_send(client, "</body></message>");
    client_expect(client, "</message>");
    client_close(client);
    client = client_connect();
    client_send(client, HEADER "<auth>");
    client_send(client, body);
    client_send(client, "</auth>");
    client_expect(client, "<stream:error/>" FOOTER);
    client_expect_end(client);
    client_close(client);
    until_ended(2);
    CHECK(strcmp(world.visitors[1].condition, "policy-violation") == 0);
    CHECK(strcmp(world.visitors[1].heard, "opened header failed ended") == 0);
}

NET_TEST(stanzas_may_be_larger_after_login)
{
    world.limits = no_limits;
    world.limits.stanza_bytes_before = 2000;
    world_run(io_threads, XYI_TLS_STARTTLS, send_large);
}

/* ---- slow readers
 * ---------------------------------------------------------------------------- */

static void
write_much(void *argument)
{
    static char block[1 << 20];
    for (int i = 0; i < *(int *)argument; i++)
        xyi_link_write(world.visitors[0].link, xy_str_of(block, sizeof(block)));
}

static void
read_nothing(void)
{
    struct client *client = client_session();
    int megabytes = 32;
    on_logic(write_much, &megabytes);
    until_heard("opened header stanza header failed ended");
    CHECK(strcmp(world.visitors[0].condition, "policy-violation") == 0);
    client_close(client);
}

NET_TEST(a_slow_reader_is_cut_off)
{
    world.limits = no_limits;
    world.limits.output_bytes = 500000;
    world_run(io_threads, XYI_TLS_STARTTLS, read_nothing);
}

static void
stop_reading(void)
{
    struct client *client = client_session();
    int megabytes = 16;
    on_logic(write_much, &megabytes);
    for (int left = 12 << 20; left > 0; client->len = 0) /* some progress */
        left -= (int)client_read(client);
    xyi_clock_advance(59000);
    poll(NULL, 0, 30);
    until_heard("opened header stanza header");
    for (int left = 1 << 20; left > 0; client->len = 0)
        left -= (int)client_read(client);
    poll(NULL, 0, 30);
    xyi_clock_advance(59000);
    poll(NULL, 0, 30);
    until_heard("opened header stanza header");
    int more = 16;
    on_logic(write_much, &more);
    poll(NULL, 0, 30);
    xyi_clock_advance(61000);
    until_heard("opened header stanza header failed ended");
    client_close(client);
}

NET_TEST(a_reader_that_stops_is_cut_off)
{
    xyi_clock_freeze(1000000);
    world.limits = no_limits;
    world.limits.output_stalled_ms = 60000;
    world_run(io_threads, XYI_TLS_STARTTLS, stop_reading);
}

/* ---- silence
 * --------------------------------------------------------------------------------- */

static bool
is_silent_for(void *argument)
{
    return world.visitors[0].silent_ms == *(int64_t *)argument;
}

static void
be_silent(void)
{
    struct client *client = client_session();
    xyi_clock_advance(59999);
    poll(NULL, 0, 30);
    until_heard("opened header stanza header");
    int64_t silent_ms = 60000;
    xyi_clock_advance(1);
    until(is_silent_for, &silent_ms);
    silent_ms = 120000;
    xyi_clock_advance(60007);
    until(is_silent_for, &silent_ms);
    until_heard("opened header stanza header idle idle");
    client_send(client, " ");
    poll(NULL, 0, 30);
    silent_ms = 60000;
    xyi_clock_advance(60009);
    until(is_silent_for, &silent_ms);
    until_heard("opened header stanza header idle idle idle");
    client_close(client);
    until_ended(1);
}

NET_TEST(silence_is_reported_in_whole_periods)
{
    xyi_clock_freeze(1000000);
    world.limits = no_limits;
    world.limits.idle_ms = 60000;
    world_run(io_threads, XYI_TLS_STARTTLS, be_silent);
}

static void
shorten_idle(void *argument)
{
    world.limits.idle_ms = 1000;
    xyi_net_configure(&world.limits, NULL);
    (void)argument;
}

static void
see_new_limits(void)
{
    struct client *client = client_session();
    on_logic(shorten_idle, NULL);
    poll(NULL, 0, 30);
    xyi_clock_advance(1000);
    int64_t silent_ms = 1000;
    until(is_silent_for, &silent_ms);
    client_close(client);
    until_ended(1);
}

NET_TEST(new_limits_reach_old_connections)
{
    xyi_clock_freeze(1000000);
    world_run(io_threads, XYI_TLS_STARTTLS, see_new_limits);
}

/* ---- listeners
 * ------------------------------------------------------------------------------- */

static struct xyi_listener *second;

static void
open_second(void *argument)
{
    struct xyi_listen listen = {
        .address = XY_STR("127.0.0.1"), .tls = XYI_TLS_STARTTLS, .tag = 8};
    struct xy_str error;
    second = xyi_listener_open(&listen, &error);
    CHECK(second != NULL);
    *(uint16_t *)argument = xyi_listener_port(second);
}

static void
accept_second(void *argument)
{
    CHECK_EQ(world.opened, 1);
    xyi_listener_accept(second);
    (void)argument;
}

static void
change_second(void *argument)
{
    xyi_listener_change(second, XYI_TLS_NONE, 9);
    (void)argument;
}

static void
close_second(void *argument)
{
    CHECK_EQ(xyi_link_tag(world.visitors[1].link), 8);
    CHECK_EQ(xyi_link_listen_tls(world.visitors[1].link), XYI_TLS_STARTTLS);
    CHECK_EQ(xyi_link_tag(world.visitors[2].link), 9);
    CHECK_EQ(xyi_link_listen_tls(world.visitors[2].link), XYI_TLS_NONE);
    xyi_listener_close(second);
    (void)argument;
}

static void
use_second(void)
{
    struct client *first = client_session();
    on_logic(open_second, &world.port);
    struct client *client = client_connect();
    client_send(client, HEADER);
    poll(NULL, 0, 30);
    on_logic(accept_second, NULL);
    client_expect(client, ANSWER);
    on_logic(change_second, NULL);
    struct client *third = client_session();
    on_logic(close_second, NULL);
    client_close(third);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(world.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0);
    close(fd);
    client_send(client, MESSAGE("goes on"));
    client_expect(client, MESSAGE("goes on"));
    client_close(client);
    client_close(first);
    until_ended(3);
}

NET_TEST(a_listener_opens_in_two_phases)
{
    world_run(io_threads, XYI_TLS_STARTTLS, use_second);
}

static void
check_refusal(const char *address, uint16_t port, const char *expected)
{
    struct xyi_listen listen = {.address = xy_str_from(address), .port = port};
    struct xy_str error = XY_NO_STR;
    CHECK(!xyi_listener_open(&listen, &error));
    CHECK_STR(error, expected);
}

TEST(a_listener_that_cannot_open_says_why)
{
    world_start(0, XYI_TLS_NONE);
    char expected[100];
    snprintf(expected, sizeof(expected),
             "cannot listen on 127.0.0.1 port %u: Address already in use", world.port);
    check_refusal("127.0.0.1", world.port, expected);
    check_refusal("192.0.2.1", 5222,
                  "cannot listen on 192.0.2.1 port 5222: Cannot assign requested address");
    check_refusal("localhost", 5222,
                  "cannot listen on localhost port 5222: not a numeric address");
    check_refusal("", 5222, "cannot listen on  port 5222: not a numeric address");
    world_stop();
}

TEST(both_families_reach_the_wildcard)
{
    world_start(0, XYI_TLS_NONE);
    xyi_listener_close(world.listener);
    world_open("::", XYI_TLS_NONE);
    xyi_listener_accept(world.listener);
    struct client *client = client_connect(); /* IPv4 */
    while (!world.opened)
        xyi_loop_turn();
    CHECK_STR(xyi_link_peer(world.visitors[0].link), "127.0.0.1");
    client_close(client);
    world_stop();
}

/* ---- no descriptors left
 * ---------------------------------------------------------------------- */

static void
allow_descriptors(rlim_t count)
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = count;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static unsigned
lines_with(const char *path, const char *word)
{
    FILE *file = fopen(path, "r");
    char line[1000];
    unsigned lines = 0;
    CHECK(file != NULL);
    while (fgets(line, sizeof(line), file))
        lines += strstr(line, word) != NULL;
    fclose(file);
    return lines;
}

static double
cpu_seconds(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static bool rung;

static void
ring(struct xyi_timer *timer)
{
    rung = timer != NULL;
}

TEST(without_descriptors_accepting_rests)
{
    char path[] = "/tmp/xylem-net-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    CHECK_EQ(xyi_log_configure(XY_LEVEL_INFO, XYI_LOG_TEXT, xy_str_from(path)), XY_OK);
    world_start(0, XYI_TLS_NONE);
    struct client *client = client_connect();
    int next = dup(0);
    close(next);
    allow_descriptors((rlim_t)next);
    double before = cpu_seconds();
    struct xyi_timer enough = {0};
    xyi_timer_set(&enough, 1200, ring); /* two and a bit rests */
    while (!rung) {
        xyi_loop_turn();
        CHECK_EQ(world.opened, 0);
    }
    CHECK(cpu_seconds() - before < 0.5);
    allow_descriptors((rlim_t)next + 100);
    struct client *later =
        client_connect(); /* valgrind's accept4() takes and drops the first */
    while (!world.opened)
        xyi_loop_turn();
    client_close(client);
    client_close(later);
    while (world.ended < world.opened)
        xyi_loop_turn();
    CHECK_EQ(lines_with(path, "net.accept"), 1);
    unlink(path);
    world_stop();
}

/* ---- what kind of address it is ---------------------------------------------------------- */

TEST(an_address_has_a_kind)
{
    static const struct {
        const char *text;
        enum xy_source source;
    } all[] = {
        {"127.0.0.1", XY_SOURCE_LOOPBACK},
        {"127.255.255.254", XY_SOURCE_LOOPBACK},
        {"::1", XY_SOURCE_LOOPBACK},
        {"::ffff:127.0.0.1", XY_SOURCE_LOOPBACK},
        {"::2", XY_SOURCE_UNKNOWN},
        {"::", XY_SOURCE_UNKNOWN},
        {"0.0.0.0", XY_SOURCE_UNKNOWN},
        {"10.0.0.1", XY_SOURCE_PRIVATE},
        {"11.0.0.1", XY_SOURCE_PUBLIC},
        {"9.255.255.255", XY_SOURCE_PUBLIC},
        {"172.15.255.255", XY_SOURCE_PUBLIC},
        {"172.16.0.0", XY_SOURCE_PRIVATE},
        {"172.31.255.255", XY_SOURCE_PRIVATE},
        {"172.32.0.0", XY_SOURCE_PUBLIC},
        {"192.168.1.1", XY_SOURCE_PRIVATE},
        {"192.169.1.1", XY_SOURCE_PUBLIC},
        {"fc00::1", XY_SOURCE_PRIVATE},
        {"fdff:ffff::1", XY_SOURCE_PRIVATE},
        {"fec0::1", XY_SOURCE_PRIVATE},
        {"fe00::1", XY_SOURCE_UNKNOWN},
        {"169.254.9.9", XY_SOURCE_LINK_LOCAL},
        {"169.253.9.9", XY_SOURCE_PUBLIC},
        {"fe80::1", XY_SOURCE_LINK_LOCAL},
        {"febf::1", XY_SOURCE_LINK_LOCAL},
        {"100.63.255.255", XY_SOURCE_PUBLIC},
        {"100.64.0.1", XY_SOURCE_SHARED},
        {"100.127.255.255", XY_SOURCE_SHARED},
        {"100.128.0.0", XY_SOURCE_PUBLIC},
        {"::ffff:100.64.0.1", XY_SOURCE_SHARED},
        {"192.0.2.1", XY_SOURCE_UNKNOWN},
        {"198.51.100.1", XY_SOURCE_UNKNOWN},
        {"203.0.113.1", XY_SOURCE_UNKNOWN},
        {"203.0.114.1", XY_SOURCE_PUBLIC},
        {"198.19.255.255", XY_SOURCE_UNKNOWN},
        {"224.0.0.1", XY_SOURCE_UNKNOWN},
        {"255.255.255.255", XY_SOURCE_UNKNOWN},
        {"223.255.255.255", XY_SOURCE_PUBLIC},
        {"2001:db8::1", XY_SOURCE_UNKNOWN},
        {"2001:db9::1", XY_SOURCE_PUBLIC},
        {"3fff::1", XY_SOURCE_UNKNOWN},
        {"3fff:1000::1", XY_SOURCE_PUBLIC},
        {"2a00:1450::1", XY_SOURCE_PUBLIC},
        {"64:ff9b::7f00:1", XY_SOURCE_PUBLIC}, /* somewhere else, whatever it says */
        {"64:ff9b:1::1", XY_SOURCE_UNKNOWN},
        {"ff02::1", XY_SOURCE_UNKNOWN},
        {"4000::1", XY_SOURCE_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        char printed[INET6_ADDRSTRLEN];
        struct in6_addr address = address_from(all[i].text, printed);
        if (xyi_source_of(&address) != all[i].source)
            fprintf(stderr, "%s\n", all[i].text);
        CHECK_EQ(xyi_source_of(&address), all[i].source);
    }
}

END_TESTS

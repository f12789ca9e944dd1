/* SPDX-License-Identifier: MIT */
/*
 * Load generator: drives any XMPP server and checks that nothing is lost, doubled or reordered.
 *
 *   chat     users in pairs, `--window` messages in flight per pair, each receipt answered
 *   login    connect, STARTTLS, SASL, bind, close, as fast as `--window` connections can
 *   idle     logs everybody in with presence and reports the server's memory per session
 *   offline  every even user writes to accounts that are away; a ping paces each lot
 *
 * Prints one JSON object. Server CPU is read from /proc for --pid (several: repeat it; the
 * server itself comes first, its database after it).
 */
#include "client.h"
#include "meter.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOT = 50 };
static const char *mode = "chat";
static int users = 200, window = 1, seconds = 5, body_bytes = 100;
static struct client *clients;
static int ready, lost, opened;
static bool measuring, stopping;
static uint64_t messages, logins, wrong_order;
static bool goodbye; /* connections end now */
static int64_t first_us, end_us;
static double cpu_before, first_before;

static void
say(struct client *client)
{
    char padding[4096];
    int pad = body_bytes - 34 > 0 ? body_bytes - 34 : 0;
    memset(padding, 'x', (size_t)pad);
    padding[pad] = '\0';
    client_printf(client,
                  "<message to='%s%d@%s/load' type='chat' id='%llu'><body>%016llx %016llx "
                  "%s</body></message>",
                  settings.prefix, client->number ^ 1, settings.domain,
                  (unsigned long long)client->sent, (unsigned long long)client->sent,
                  (unsigned long long)now_us(), padding);
    client->sent++;
}

static void
start_measuring(void)
{
    measuring = true;
    first_us = now_us();
    end_us = first_us + seconds * 1000000LL;
    cpu_before = meter_cpu();
    first_before = meter_first_cpu();
    messages = logins = 0;
    delays_clear();
}

static void
send_lot(struct client *client)
{
    for (int i = 0; i < LOT; i++) {
        client_printf(
            client, "<message to='%s%d@%s' type='chat' id='o%llu'><body>%0*d</body></message>",
            settings.prefix, users + (int)(client->sent % 50), settings.domain,
            (unsigned long long)client->sent, body_bytes, 0);
        client->sent++;
    }
    client_printf(client, "<iq type='get' id='p' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>",
                  settings.domain);
}

void
client_ready(struct client *client)
{
    ready++;
    if (strcmp(mode, "login") == 0) {
        logins += measuring;
        ready--;
        client_close(client);
        client->touched = true; /* the main loop opens it again */
        return;
    }
    client_flush(client);
    if (ready < users || measuring || strcmp(mode, "idle") == 0)
        return;
    start_measuring();
    for (int i = 0; i < users; i++) {
        if (strcmp(mode, "offline") == 0)
            send_lot(&clients[i]);
        else if (i % 2 == 0)
            for (int j = 0; j < window; j++)
                say(&clients[i]);
        client_flush(&clients[i]);
    }
}

static void
heard(struct client *client, const char *body)
{
    uint64_t number = strtoull(body, NULL, 16), at = strtoull(body + 17, NULL, 16);
    if (number != client->received)
        wrong_order++;
    client->received = number + 1;
    if (measuring && now_us() < end_us) {
        messages++;
        delays_add(now_us() - (int64_t)at);
    }
    if (!stopping)
        say(client);
}

size_t
client_bytes(struct client *client, char *at, size_t len)
{
    char *start = at, *end;
    const char *marker = strcmp(mode, "offline") == 0 ? "</iq>" : "</body>";
    size_t marker_len = strlen(marker);
    if (strcmp(mode, "idle") == 0)
        return len;
    if (strcmp(mode, "offline") == 0) { /* some servers answer with <iq …/> */
        while (len && (end = memmem(at, len, "<iq", 3)) &&
               (end = memchr(end, '>', len - (size_t)(end - at)))) {
            bool result = memmem(at, (size_t)(end - at), "id='p'", 6) ||
                          memmem(at, (size_t)(end - at), "id=\"p\"", 6);
            len -= (size_t)(end + 1 - at);
            at = end + 1;
            if (!result)
                continue;
            if (measuring && now_us() < end_us) {
                messages += LOT;
                send_lot(client);
            }
        }
        return (size_t)(at - start);
    }
    while ((end = memmem(at, len, marker, marker_len))) {
        char *body = memmem(at, (size_t)(end - at), "<body>", 6);
        if (body)
            heard(client, body + 6);
        len -= (size_t)(end + (ptrdiff_t)marker_len - at);
        at = end + marker_len;
    }
    return (size_t)(at - start);
}

void
client_lost(struct client *client, const char *why)
{
    if (!goodbye && lost++ < 5)
        fprintf(stderr, "user %d at stage %d: %s\n", client->number, (int)client->stage, why);
    if (client->stage == CLIENT_READY)
        ready--;
}

static void
drain_chat(void) /* nothing sent may be missing: wait until all that is in flight has come */
{
    stopping = true;
    int64_t until = now_us() + 5000000;
    for (;;) {
        bool all = true;
        for (int i = 0; i < users; i++)
            all = all && clients[i].received == clients[i ^ 1].sent;
        if (all || now_us() > until)
            return;
        clients_poll(50);
    }
}

static uint64_t
missing(void)
{
    uint64_t count = 0;
    for (int i = 0; i < users; i++)
        count += clients[i ^ 1].sent - clients[i].received;
    return count;
}

static void
report(double cpu, double first, double elapsed)
{
    bool chat = strcmp(mode, "chat") == 0;
    uint64_t done = strcmp(mode, "login") == 0 ? logins : messages;
    if (chat)
        drain_chat();
    printf("{\"mode\":\"%s\",\"users\":%d,\"window\":%d,\"count\":%llu,\"seconds\":%.3f,\"per_"
           "second\":%.0f,"
           "\"server_cpu\":%.2f,\"per_cpu_second\":%.0f,\"per_first_cpu_second\":%.0f,\"p50_"
           "ms\":%.3f,\"p99_ms\":%.3f,"
           "\"missing\":%llu,"
           "\"wrong_order\":%llu,\"lost_connections\":%d}\n",
           mode, users, window, (unsigned long long)done, elapsed, (double)done / elapsed, cpu,
           cpu > 0 ? (double)done / cpu : 0, first > 0 ? (double)done / first : 0,
           delays_ms(0.5), delays_ms(0.99), (unsigned long long)(chat ? missing() : 0),
           (unsigned long long)wrong_order, lost);
}

static int
run_idle(void)
{
    long before = meter_rss_kb();
    int64_t until = now_us() + 300 * 1000000LL, settled = 0;
    while (now_us() < until && !lost) {
        while (opened < users && opened - ready < 64) {
            client_open(&clients[opened], opened);
            opened++;
        }
        clients_poll(20);
        if (ready == users && !settled)
            settled = now_us() + seconds * 1000000LL;
        if (settled && now_us() > settled)
            break;
    }
    long after = meter_rss_kb();
    printf("{\"mode\":\"idle\",\"users\":%d,\"ready\":%d,\"rss_before_kb\":%ld,\"rss_after_"
           "kb\":%ld,"
           "\"kb_per_session\":%.2f,\"lost_connections\":%d}\n",
           users, ready, before, after, (double)(after - before) / users, lost);
    fflush(stdout);
    while (getenv("BENCH_HOLD") && !lost) /* until killed, or a connection is lost */
        clients_poll(100);
    return ready == users && !lost ? 0 : 1;
}

static int
run_login(void)
{
    for (int i = 0; i < window; i++)
        client_open(&clients[i], i);
    start_measuring();
    opened = window;
    while (now_us() < end_us) {
        clients_poll(20);
        for (int i = 0; i < window; i++)
            if (clients[i].stage == CLIENT_DEAD)
                client_open(&clients[i], opened++ % users);
    }
    double elapsed = (double)(now_us() - first_us) / 1e6;
    report(meter_cpu() - cpu_before, meter_first_cpu() - first_before, elapsed);
    return lost ? 1 : 0;
}

/* Who just hangs up has received nothing for certain, and gets it again at the next login. */
static void
say_goodbye(void)
{
    int64_t until = now_us() + 5 * 1000000LL;
    goodbye = true;
    for (int i = 0; i < users; i++)
        if (clients[i].stage == CLIENT_READY) {
            client_printf(&clients[i], "</stream:stream>");
            client_flush(&clients[i]);
        }
    while (ready > 0 && now_us() < until)
        clients_poll(20);
}

static int
run(void)
{
    int64_t patience = now_us() + 120 * 1000000LL;
    while (!measuring || now_us() < end_us) {
        while (opened < users && opened - ready < 64) {
            client_open(&clients[opened], opened);
            opened++;
        }
        clients_poll(20);
        if (lost || (!measuring && now_us() > patience))
            break;
    }
    double elapsed = (double)(now_us() - first_us) / 1e6;
    report(meter_cpu() - cpu_before, meter_first_cpu() - first_before, elapsed);
    bool failed = lost || wrong_order || (strcmp(mode, "chat") == 0 && missing());
    if (strcmp(mode, "chat") == 0)
        say_goodbye();
    return failed ? 1 : 0;
}

static void
read_options(int count, char **words)
{
    static const struct option options[] = {
        CLIENT_OPTIONS,           {"mode", 1, NULL, 'm'},    {"users", 1, NULL, 'u'},
        {"window", 1, NULL, 'n'}, {"seconds", 1, NULL, 's'}, {"bytes", 1, NULL, 'b'},
        {"pid", 1, NULL, 'i'},    {NULL, 0, NULL, 0}};
    for (int o; (o = getopt_long(count, words, "", options, NULL)) != -1;)
        switch (o) {
        case 'm':
            mode = optarg;
            break;
        case 'u':
            users = atoi(optarg);
            break;
        case 'n':
            window = atoi(optarg);
            break;
        case 's':
            seconds = atoi(optarg);
            break;
        case 'b':
            body_bytes = atoi(optarg);
            break;
        case 'i':
            meter_watch(atoi(optarg));
            break;
        default:
            if (!client_option(o, optarg))
                exit(2);
        }
}

int
main(int count, char **words)
{
    read_options(count, words);
    if (!clients_init(users > window ? users : window))
        return 2;
    clients = calloc((size_t)(users > window ? users : window) + 1, sizeof(*clients));
    if (strcmp(mode, "idle") == 0)
        return run_idle();
    return strcmp(mode, "login") == 0 ? run_login() : run();
}

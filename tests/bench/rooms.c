/* SPDX-License-Identifier: MIT */
/*
 * Load on rooms of any server, and that every occupant got every presence and message exactly
 * once and in order (crowd.h). It logs everybody in and goes through the steps it was told, in
 * order:
 *
 *   enter     the first occupant makes each room, then the others come, `--joining` at a time
 *   talk:S,W  S senders, W messages in flight each, for `--seconds` and until all has arrived
 *   leave     everybody leaves every room, `--joining` at a time
 *   rest      some seconds of silence, then the server's resident memory
 *
 * Prints one JSON list, one object for each step; fails when something was lost, doubled,
 * reordered or from somebody else, as it must with --mishear lost|doubled|other.
 */
#include "crowd.h"
#include "meter.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_S = 60, REST_S = 3, LOGINS = 64 };
static struct client *clients;
static int joining = 100, seconds = 5, opened, ready;
static bool talking;

/* Operations under way: `next` begins one more and tells whether there was one. */
static uint64_t under_way, done;
static bool (*next)(void);
static int next_room, next_slot;

/* Until `now` is `wanted`, or nothing came for too long, or something was wrong. */
static bool
reaches(const uint64_t *now, uint64_t wanted, const char *what)
{
    uint64_t last = *now;
    int64_t until = now_us() + PATIENCE_S * 1000000LL;
    while (*now < wanted && !crowd.faults) {
        clients_poll(20);
        if (*now != last)
            until = now_us() + PATIENCE_S * 1000000LL;
        else if (now_us() > until)
            crowd_fault("only %llu of %llu %s have come", (unsigned long long)*now,
                        (unsigned long long)wanted, what);
        last = *now;
    }
    if (*now > wanted)
        crowd_fault("%llu %s, but there were only %llu", (unsigned long long)*now, what,
                    (unsigned long long)wanted);
    return !crowd.faults;
}

static void
fill(void)
{
    while (under_way < (uint64_t)joining && next && next())
        under_way++;
}

static void
completed(void)
{
    done++;
    under_way--;
    fill();
}

static bool
all_of(bool (*step)(void), int first_slot, uint64_t count, const char *what)
{
    next = step;
    next_room = 0;
    next_slot = first_slot;
    done = 0;
    fill();
    bool good = reaches(&done, count, what);
    next = NULL;
    return good;
}

/* Slot by slot, so that the rooms fill evenly; NULL at the end. */
static struct client *
next_member(int *room)
{
    if (next_room == crowd.rooms) {
        next_room = 0;
        next_slot++;
    }
    *room = next_room;
    return next_slot < crowd.occupants ? &clients[crowd_member(next_room++, next_slot)] : NULL;
}

static bool
enter_next(void)
{
    int room;
    struct client *client = next_member(&room);
    if (client) {
        crowd_enter(client, room);
        client_flush(client);
    }
    return client;
}

static bool
create_next(void)
{
    return next_slot == 0 && next_room < crowd.rooms && enter_next();
}

static bool
leave_next(void)
{
    int room;
    struct client *client = next_member(&room);
    if (client) {
        crowd_leave(client, room);
        client_flush(client);
    }
    return client;
}

/* ---- what happens
 * ---------------------------------------------------------------------------- */

void
client_ready(struct client *client)
{
    (void)client;
    ready++;
}

void
client_lost(struct client *client, const char *why)
{
    crowd_fault("user %d at stage %d: %s", client->number, (int)client->stage, why);
}

void
crowd_has_entered(struct client *client, int room)
{
    if (next == create_next)
        crowd_configure(client, room);
}

void
crowd_has_subject(struct client *client, int room)
{
    (void)client, (void)room;
    if (next == enter_next)
        completed();
}

void
crowd_has_configured(struct client *client)
{
    (void)client;
    completed();
}

void
crowd_has_left(struct client *client, int room)
{
    (void)client, (void)room;
    completed();
}

void
crowd_has_reflected(struct client *client)
{
    if (talking)
        crowd_speak(client);
}

/* ---- steps
 * ------------------------------------------------------------------------------------- */

static bool
log_in(void)
{
    int64_t until = now_us() + PATIENCE_S * 1000000LL;
    while (ready < crowd.sessions && !crowd.faults) {
        while (opened < crowd.sessions && opened - ready < LOGINS) {
            client_open(&clients[opened], opened);
            opened++;
        }
        clients_poll(20);
        if (now_us() > until)
            crowd_fault("only %d logged in", ready);
    }
    return !crowd.faults;
}

static bool
enter(void)
{
    uint64_t rooms = (uint64_t)crowd.rooms, others = rooms * (uint64_t)(crowd.occupants - 1);
    uint64_t members = rooms + others, presences = members * (uint64_t)crowd.occupants;
    presences += crowd.presences;
    uint64_t subjects = crowd.subjects + members, before = crowd.presences + rooms;
    if (!all_of(create_next, 0, rooms, "rooms") ||
        !reaches(&crowd.subjects, subjects - others, "subjects of new rooms"))
        return false;
    int64_t began = now_us();
    double cpu = meter_cpu();
    if (others && (!all_of(enter_next, 1, others, "joins") ||
                   !reaches(&crowd.presences, presences, "presences") ||
                   !reaches(&crowd.subjects, subjects, "subjects")))
        return false;
    double elapsed = (double)(now_us() - began) / 1e6;
    printf("{\"step\":\"enter\",\"joins\":%llu,\"presences\":%llu,\"seconds\":%.3f,"
           "\"server_cpu\":%.2f}",
           (unsigned long long)others, (unsigned long long)(presences - before), elapsed,
           meter_cpu() - cpu);
    return true;
}

static bool
leave(void)
{
    uint64_t members = (uint64_t)crowd.rooms * (uint64_t)crowd.occupants;
    crowd.leaving = true;
    int64_t began = now_us();
    double cpu = meter_cpu();
    if (!all_of(leave_next, 0, members, "farewells"))
        return false;
    printf("{\"step\":\"leave\",\"leaves\":%llu,\"seconds\":%.3f,\"server_cpu\":%.2f}",
           (unsigned long long)members, (double)(now_us() - began) / 1e6, meter_cpu() - cpu);
    crowd.leaving = false;
    return true;
}

/* The server's CPU time is read when nothing is under way, before and after: it is that of
 * exactly the deliveries counted. */
static bool
talk(int senders, int window)
{
    uint64_t before = crowd.deliveries, sent = crowd.sent;
    double cpu = meter_cpu(), first = meter_first_cpu();
    int64_t began = now_us();
    delays_clear();
    talking = true;
    for (int i = 0; i < senders; i++) {
        struct client *client = &clients[(int64_t)i * crowd.sessions / senders];
        for (int j = 0; j < window; j++)
            crowd_speak(client);
        client_flush(client);
    }
    while (now_us() < began + seconds * 1000000LL && !crowd.faults)
        clients_poll(20);
    talking = false;
    uint64_t all = before + (crowd.sent - sent) * (uint64_t)crowd.occupants;
    if (!reaches(&crowd.deliveries, all, "deliveries"))
        return false;
    double elapsed = (double)(now_us() - began) / 1e6, count = (double)(all - before);
    cpu = meter_cpu() - cpu;
    first = meter_first_cpu() - first;
    printf("{\"step\":\"talk\",\"senders\":%d,\"window\":%d,\"count\":%.0f,\"seconds\":%.3f,"
           "\"per_second\":%.0f,\"server_cpu\":%.2f,\"per_cpu_second\":%.0f,"
           "\"per_first_cpu_second\":%.0f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}",
           senders, window, count, elapsed, count / elapsed, cpu, cpu > 0 ? count / cpu : 0,
           first > 0 ? count / first : 0, delays_ms(0.5), delays_ms(0.99));
    return true;
}

static bool
rest(void)
{
    int64_t until = now_us() + REST_S * 1000000LL;
    while (now_us() < until && !crowd.faults)
        clients_poll(20);
    printf("{\"step\":\"rest\",\"rss_kb\":%ld}", meter_rss_kb());
    return !crowd.faults;
}

static bool
take_step(const char *word)
{
    int senders, window;
    if (sscanf(word, "talk:%d,%d", &senders, &window) == 2 && senders > 0 &&
        senders <= crowd.sessions)
        return talk(senders, window);
    if (strcmp(word, "enter") == 0)
        return enter();
    if (strcmp(word, "leave") == 0)
        return leave();
    if (strcmp(word, "rest") == 0)
        return rest();
    crowd_fault("no step %s", word);
    return false;
}

static void
read_options(int count, char **words)
{
    static const struct option options[] = {CLIENT_OPTIONS,
                                            {"service", 1, NULL, 'v'},
                                            {"tag", 1, NULL, 'g'},
                                            {"sessions", 1, NULL, 'u'},
                                            {"rooms", 1, NULL, 'r'},
                                            {"each", 1, NULL, 'e'},
                                            {"joining", 1, NULL, 'j'},
                                            {"seconds", 1, NULL, 's'},
                                            {"bytes", 1, NULL, 'b'},
                                            {"pid", 1, NULL, 'i'},
                                            {"mishear", 1, NULL, 'l'},
                                            {NULL, 0, NULL, 0}};
    crowd = (struct crowd){.sessions = 100, .rooms = 1, .rooms_each = 1, .body_bytes = 100};
    crowd.service = "conference.localhost";
    crowd.tag = "r";
    for (int o; (o = getopt_long(count, words, "", options, NULL)) != -1;)
        switch (o) {
        case 'l':
            crowd.mishear = optarg;
            break;
        case 'v':
            crowd.service = optarg;
            break;
        case 'g':
            crowd.tag = optarg;
            break;
        case 'u':
            crowd.sessions = atoi(optarg);
            break;
        case 'r':
            crowd.rooms = atoi(optarg);
            break;
        case 'e':
            crowd.rooms_each = atoi(optarg);
            break;
        case 'b':
            crowd.body_bytes = atoi(optarg);
            break;
        case 'j':
            joining = atoi(optarg);
            break;
        case 's':
            seconds = atoi(optarg);
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
    if (!crowd_init() || !clients_init(crowd.sessions))
        return 2;
    clients = calloc((size_t)crowd.sessions, sizeof(*clients));
    bool good = log_in();
    printf("[");
    for (int i = optind; i < count && good; i++) {
        printf(i > optind ? ",\n" : "");
        good = take_step(words[i]);
    }
    printf("]\n");
    return good && !crowd.faults ? 0 : 1;
}

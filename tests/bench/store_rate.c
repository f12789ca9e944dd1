/* SPDX-License-Identifier: MIT */
/*
 * How fast the store takes messages: store_rate DRIVER PLACE [SECONDS]. For several numbers of
 * messages in flight it reports messages per second, per CPU-second of this process (storage
 * threads included) and how many shared a commit. Each message is a transaction of its own, as
 * from the router. What PostgreSQL's own processes use is not in the figure; watch them by
 * pidstat.
 */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include "core/store/store.h"

enum { OWNERS = 1000, STANZA = 447 };

static struct {
    struct xyi_store_config config;
    int64_t seconds;
    unsigned in_flight, wanted;
    uint64_t stored, failed;
    int64_t until_us;
    char stanza[STANZA + 1];
    struct xyi_wait *idle;
} bench;

static void submit(void);

static void
stored(void *argument, xy_status status, const struct xy_txn *txn)
{
    (void)argument;
    (void)txn;
    bench.in_flight--;
    bench.stored += status == XY_OK;
    bench.failed += status != XY_OK;
    if (xyi_clock_real_us() < bench.until_us)
        submit();
    else if (bench.in_flight == 0)
        xyi_wake(bench.idle, XY_OK);
}

static void
submit(void)
{
    static uint64_t turn;
    turn = turn * 6364136223846793005u + 1442695040888963407u;
    static const int64_t anybody = 0;
    struct xyi_message_row row = {
        .id = xyi_message_next_id(),
        .sender = (int64_t)(turn >> 33) % OWNERS + 1,
        .recipient = (int64_t)(turn >> 43) % OWNERS + 1,
        .waits_for = (int64_t)(turn >> 43) % OWNERS + 1,
        .devices = &anybody,
        .device_count = 1,
        .origin_id = XY_STR("0f3a5c7e-9b1d-4e2f-8a6c-5d4b3c2a1f0e"),
        .stanza = xy_str_of(bench.stanza, STANZA),
    };
    struct xy_txn *txn = xyi_txn_detached();
    xyi_message_add(txn, &row);
    bench.in_flight++;
    xyi_txn_submit(txn, stored, NULL);
}

static double
cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void
run_with(unsigned wanted)
{
    struct xyi_store_counts before, after;
    struct xyi_wait idle = {0};
    bench.idle = &idle;
    bench.stored = bench.failed = 0;
    xyi_store_counts(&before);
    double cpu = cpu_seconds();
    int64_t start = xyi_clock_real_us();
    bench.until_us = start + bench.seconds * 1000000;
    for (unsigned i = 0; i < wanted; i++)
        submit();
    if (xyi_wait(&idle, 600000, XYI_UNCANCELLABLE) != XY_OK)
        abort();
    double wall = (double)(xyi_clock_real_us() - start) / 1e6;
    cpu = cpu_seconds() - cpu;
    xyi_store_counts(&after);
    printf("%6u in flight: %8.0f/s %8.0f per CPU s  %6.1f a commit  %6.2f ms  %llu failed\n",
           wanted, (double)bench.stored / wall, (double)bench.stored / cpu,
           (double)(after.transactions - before.transactions) /
               (double)(after.commits - before.commits),
           (double)(after.commit_us.sum - before.commit_us.sum) /
               (double)(after.commit_us.count - before.commit_us.count) / 1e3,
           (unsigned long long)bench.failed);
}

static void
run(void *argument)
{
    (void)argument;
    struct xy_str error;
    if (xyi_store_open(&bench.config, &error) != XY_OK) {
        fprintf(stderr, XY_FMT "\n", XY_ARG(error));
        exit(1);
    }
    static const unsigned steps[] = {1, 16, 64, 256, 1024, 2048};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        run_with(steps[i]);
    xyi_store_close();
}

int
main(int count, char **words)
{
    if (count < 3) {
        fprintf(stderr, "usage: store_rate DRIVER PLACE [SECONDS]\n");
        return 2;
    }
    char own[512], drivers[600];
    ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);
    own[len < 0 ? 0 : len] = '\0';
    snprintf(drivers, sizeof(drivers), "%s/drivers", dirname(dirname(own)));
    memset(bench.stanza, 'x', STANZA);
    bench.seconds = count > 3 ? atoi(words[3]) : 3;
    bench.config = (struct xyi_store_config){.driver = xy_str_from(words[1]),
                                             .driver_path = xy_str_from(drivers),
                                             .durable = true,
                                             .readers = 2,
                                             .timeout_ms = 20000};
    bench.config.path = bench.config.url = xy_str_from(words[2]);
    xyi_inbox_init(&xyi_logic_inbox);
    xyi_fibers_init((struct xyi_fiber_limits){0});
    xyi_run_on_fiber(run, NULL, NULL);
    return 0;
}

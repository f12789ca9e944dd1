/* SPDX-License-Identifier: MIT */
/*
 * How fast the store is, durable, on a store of a given size:
 *
 *     store_rate DRIVER PLACE fill MESSAGES     up to that many, spread over the last year
 *     store_rate DRIVER PLACE write [SECONDS]   messages between two accounts, archived by
 * both, waiting for one or two devices, acknowledged store_rate DRIVER PLACE queue [SECONDS]
 * messages that only wait store_rate DRIVER PLACE read [SECONDS]    pages of 50; "again": the
 * same hundred, warm
 *
 * DRIVER is sqlite or pgsql, PLACE a path or a URL. Each message and each acknowledgement is a
 * transaction of its own, as from the router. For several numbers of messages in flight `write`
 * reports messages per second, per CPU-second of this process (storage threads included), how
 * many transactions shared a commit and what this process wrote. What PostgreSQL's own
 * processes use is not in the figure.
 *
 * 5,000 accounts with 40 contacts each; how much an account sends follows Zipf's law (s = 1).
 */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <xylem/archive.h>
#include "core/store/store.h"
#include "core/xml/xml.h"

enum { OWNERS = 5000, CONTACTS = 40, STANZA = 447, LOT = 1000, KEYS = 100 };
#define YEAR_MS INT64_C(31536000000)

static struct {
    struct xyi_store_config config;
    const char *command;
    int64_t amount; /* messages, or seconds */
    bool archived;
    unsigned in_flight, wanted; /* 0: several */
    uint64_t stored, failed;
    int64_t until_us;
    struct xyi_wait *idle;
    double share[OWNERS]; /* of the first n accounts in what is sent */
} bench;

/* ---- who writes to whom ------------------------------------------------------------------ */

static uint32_t
draw(uint32_t below)
{
    static uint64_t turn = 1;
    turn = turn * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((turn >> 32) * below >> 32);
}

static void
share_out(void)
{
    double sum = 0;
    for (int i = 0; i < OWNERS; i++)
        bench.share[i] = sum += 1.0 / (i + 1);
    for (int i = 0; i < OWNERS; i++)
        bench.share[i] /= sum;
}

static xy_owner
somebody(void)
{
    double at = draw(UINT32_MAX) / (double)UINT32_MAX;
    int low = 0, high = OWNERS - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (bench.share[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low + 1;
}

/* Contacts are mutual, and spread over all accounts. */
static xy_owner
contact_of(xy_owner owner)
{
    int64_t step = (int64_t)(draw(CONTACTS / 2) + 1) * 121;
    return (owner - 1 + (draw(2) ? step : OWNERS - step)) % OWNERS + 1;
}

static struct xyi_message_row
next_row(void)
{
    static const int64_t devices[] = {0, 1};
    static char stanza[STANZA + 1];
    xy_owner from = somebody(), to = contact_of(from);
    int len = snprintf(stanza, sizeof(stanza),
                       "<message from='user%lld@example.org/phone' to='user%lld@example.org'"
                       " type='chat' id='0f3a5c7e-9b1d-4e2f-8a6c-5d4b3c2a1f0e'><body>",
                       (long long)from, (long long)to);
    static const char tail[] = "</body></message>";
    memset(stanza + len, 'x', STANZA - (size_t)len - (sizeof(tail) - 1));
    memcpy(stanza + STANZA - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
    return (struct xyi_message_row){
        .id = xyi_message_next_id(),
        .sender = from,
        .recipient = to,
        .sent_by = bench.archived ? from : 0,
        .sent_to = bench.archived ? to : 0,
        .waits_for = to,
        .devices = devices,
        .device_count = 1 + draw(2),
        .origin_id = XY_STR("0f3a5c7e-9b1d-4e2f-8a6c-5d4b3c2a1f0e"),
        .stanza = xy_str_of(stanza, STANZA),
        .login = xy_message_id_at(0) + from,
    };
}

/* ---- writing ----------------------------------------------------------------------------- */

struct sent {
    xy_owner to;
    xy_message_id id;
    size_t devices;
};

static void submit(void);

static void
settled(xy_status status)
{
    bench.failed += status != XY_OK;
    if (--bench.in_flight == 0 && xyi_clock_real_us() >= bench.until_us)
        xyi_wake(bench.idle, XY_OK);
}

static void
acknowledged(void *argument, xy_status status, const struct xy_txn *txn)
{
    (void)argument;
    (void)txn;
    settled(status);
}

static void
stored(void *argument, xy_status status, const struct xy_txn *txn)
{
    (void)txn;
    struct sent *sent = argument;
    bench.stored += status == XY_OK;
    if (bench.archived) {
        struct xy_txn *receipt = xyi_txn_detached();
        for (size_t i = 0; i < sent->devices; i++)
            xyi_pending_receive(receipt, sent->to, (int64_t)i, sent->id, true);
        bench.in_flight++;
        xyi_txn_submit(receipt, acknowledged, NULL);
    }
    xyi_free(sent);
    if (xyi_clock_real_us() < bench.until_us)
        submit();
    settled(status);
}

static void
submit(void)
{
    struct xyi_message_row row = next_row();
    struct sent *sent = xyi_alloc(sizeof(*sent));
    *sent = (struct sent){row.waits_for, row.id, row.device_count};
    struct xy_txn *txn = xyi_txn_detached();
    xyi_message_add(txn, &row);
    bench.in_flight++;
    xyi_txn_submit(txn, stored, sent);
}

static double
cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double
written_kb(void)
{
    char line[64];
    double bytes = 0;
    FILE *io = fopen("/proc/self/io", "re");
    while (io && fgets(line, sizeof(line), io))
        if (strncmp(line, "wchar: ", 7) == 0)
            bytes = atof(line + 7);
    if (io)
        fclose(io);
    return bytes / 1024;
}

static void
write_with(unsigned wanted)
{
    struct xyi_store_counts before, after;
    struct xyi_wait idle = {0};
    bench.idle = &idle;
    bench.stored = bench.failed = 0;
    xyi_store_counts(&before);
    double cpu = cpu_seconds(), kb = written_kb();
    int64_t start = xyi_clock_real_us();
    bench.until_us = start + bench.amount * 1000000;
    for (unsigned i = 0; i < wanted; i++)
        submit();
    if (xyi_wait(&idle, XY_NONE, XYI_UNCANCELLABLE) != XY_OK)
        abort();
    double wall = (double)(xyi_clock_real_us() - start) / 1e6;
    cpu = cpu_seconds() - cpu;
    kb = written_kb() - kb;
    xyi_store_counts(&after);
    printf("%6u in flight: %8.0f/s %8.0f per CPU s  %6.1f a commit  %6.2f ms  %5.1f KB each  "
           "%llu failed\n",
           wanted, (double)bench.stored / wall, (double)bench.stored / cpu,
           (double)(after.transactions - before.transactions) /
               (double)(after.commits - before.commits),
           (double)(after.commit_us.sum - before.commit_us.sum) /
               (double)(after.commit_us.count - before.commit_us.count) / 1e3,
           kb / (double)bench.stored, (unsigned long long)bench.failed);
    fflush(stdout);
}

static void
write_all(void)
{
    static const unsigned steps[] = {1, 16, 64, 256, 1024};
    if (bench.wanted)
        write_with(bench.wanted);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !bench.wanted; i++)
        write_with(steps[i]);
}

/* ---- filling ----------------------------------------------------------------------------- */

static int64_t
number_of(const struct xy_statement *query)
{
    struct xy_rows *rows;
    if (xy_sql_read(query, &rows) != XY_OK || !xy_rows_next(rows))
        abort();
    return xy_rows_int(rows, 0);
}

static void
lot_stored(void *argument, xy_status status, const struct xy_txn *txn)
{
    (void)txn;
    if (status != XY_OK)
        abort();
    if (--bench.in_flight == 0)
        xyi_wake(argument, XY_OK);
}

/* Two lots on their way: one is written while the next is made. */
static void
fill(void)
{
    static const struct xy_statement count = XY_SQL("select count(*) from evidence");
    int64_t there = number_of(&count), step_ms = LOT * (YEAR_MS / bench.amount);
    for (; there < bench.amount; there += 2 * LOT) {
        struct xyi_wait wait = {0};
        for (int half = 0; half < 2; half++) {
            struct xy_txn *txn = xyi_txn_detached();
            for (int i = 0; i < LOT; i++) {
                struct xyi_message_row row = next_row();
                row.waits_for = 0;
                xyi_message_add(txn, &row);
            }
            bench.in_flight++;
            xyi_txn_submit(txn, lot_stored, &wait);
            xyi_clock_advance(step_ms);
        }
        (void)xyi_wait(&wait, XY_NONE, XYI_UNCANCELLABLE);
    }
    printf("%lld messages\n", (long long)there);
}

/* ---- reading ----------------------------------------------------------------------------- */

struct page_of {
    const char *name;
    bool peer, newest, middle; /* from somewhere in the archive */
};
static const struct page_of pages[] = {{"last page", false, true, false},
                                       {"page before an id", false, true, true},
                                       {"page after an id", false, false, true},
                                       {"last page with a peer", true, true, false},
                                       {"page after an id with a peer", true, false, true}};

struct reading {
    struct xyi_job job;
    const struct page_of *page;
    struct xy_archive_query query;
    int64_t us;
    size_t entries;
    struct xyi_wait *done;
};

/* On a fiber of its own, so that its memory ends with it. */
static void
read_one(struct xyi_job *job)
{
    struct reading *reading = (struct reading *)(void *)job;
    struct xy_archive_page page;
    char text[64];
    xy_owner owner = reading->query.owner;
    snprintf(text, sizeof(text), "user%lld@example.org", (long long)(owner + 120) % OWNERS + 1);
    if (reading->page->peer)
        reading->query.with = xy_jid_parse(xy_str_from(text));
    int64_t start = xyi_clock_real_us();
    if (xy_archive_read(&reading->query, &page) != XY_OK)
        abort();
    reading->us = xyi_clock_real_us() - start;
    reading->entries = page.count;
    xyi_wake(reading->done, XY_OK);
}

static int
compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static struct reading
some_page(const struct page_of *page, xy_message_id oldest, xy_message_id newest)
{
    struct reading reading = {.page = page, .query = {.limit = 50, .newest = page->newest}};
    reading.query.owner = draw(2) ? somebody() : draw(OWNERS) + 1;
    xy_message_id middle = oldest + (newest - oldest) / 1000 * draw(1000);
    if (page->middle)
        *(page->newest ? &reading.query.before : &reading.query.after) = middle;
    return reading;
}

static void
read_pages(const struct page_of *page, bool again, xy_message_id oldest, xy_message_id newest)
{
    enum { MOST = 2000 };
    static int64_t took[MOST];
    static struct reading keys[KEYS];
    size_t count = 0, entries = 0;
    int64_t until = xyi_clock_real_us() + bench.amount * 1000000;
    if (!again)
        for (size_t i = 0; i < KEYS; i++)
            keys[i] = some_page(page, oldest, newest);
    while (count < MOST && xyi_clock_real_us() < until) {
        struct xyi_wait done = {0};
        struct reading reading = again          ? keys[count % KEYS]
                                 : count < KEYS ? keys[count]
                                                : some_page(page, oldest, newest);
        reading.done = &done;
        reading.job = (struct xyi_job){.run = read_one};
        xyi_spawn(&reading.job);
        (void)xyi_wait(&done, XY_NONE, XYI_UNCANCELLABLE);
        took[count++] = reading.us;
        entries += reading.entries;
    }
    qsort(took, count, sizeof(took[0]), compare);
    printf("%-30s %-6s %6.0f us half  %7.0f us 99 of 100  %5.1f entries  %zu pages\n",
           page->name, again ? "again" : "", (double)took[count / 2],
           (double)took[count * 99 / 100], (double)entries / (double)count, count);
    fflush(stdout);
}

static void
read_all(void)
{
    static const struct xy_statement first = XY_SQL("select min(id) from message"),
                                     last = XY_SQL("select max(id) from message");
    for (int i = 1; i <= OWNERS; i++) { /* so that user N has the number N */
        char text[64];
        int64_t id;
        snprintf(text, sizeof(text), "user%d@example.org", i);
        if (xyi_jid_id(xy_jid_parse(xy_str_from(text)), &id) != XY_OK || id != i)
            abort();
    }
    xy_message_id oldest = number_of(&first), newest = number_of(&last);
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        read_pages(&pages[i], false, oldest, newest);
        read_pages(&pages[i], true, oldest, newest);
    }
}

/* ---- the program ------------------------------------------------------------------------- */

static void
run(void *argument)
{
    (void)argument;
    struct xy_str error;
    if (xyi_store_open(&bench.config, &error) != XY_OK) {
        fprintf(stderr, XY_FMT "\n", XY_ARG(error));
        exit(1);
    }
    bench.archived = strcmp(bench.command, "queue") != 0;
    if (strcmp(bench.command, "fill") == 0)
        fill();
    else if (strcmp(bench.command, "read") == 0)
        read_all();
    else
        write_all();
    xyi_store_close();
}

static bool
take_words(int count, char **words)
{
    if (count < 4)
        return false;
    bench.command = words[3];
    bool fills = strcmp(bench.command, "fill") == 0;
    bench.amount = count > 4 ? atoll(words[4]) : fills ? 0 : 3;
    bench.wanted = count > 5 ? (unsigned)atoi(words[5]) : 0;
    bench.config = (struct xyi_store_config){
        .driver = xy_str_from(words[1]), .durable = !fills, .readers = 2, .timeout_ms = 600000};
    bench.config.path = bench.config.url = xy_str_from(words[2]);
    if (fills)
        xyi_clock_freeze(xy_now_ms() - YEAR_MS);
    return bench.amount > 0 &&
           (fills || strcmp(bench.command, "write") == 0 ||
            strcmp(bench.command, "queue") == 0 || strcmp(bench.command, "read") == 0);
}

int
main(int count, char **words)
{
    if (!take_words(count, words)) {
        fprintf(stderr, "usage: store_rate DRIVER PLACE fill MESSAGES\n"
                        "       store_rate DRIVER PLACE write|queue [SECONDS [IN_FLIGHT]]\n"
                        "       store_rate DRIVER PLACE read [SECONDS]\n");
        return 2;
    }
    char own[512], drivers[600];
    ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);
    own[len < 0 ? 0 : len] = '\0';
    snprintf(drivers, sizeof(drivers), "%s/drivers", dirname(dirname(own)));
    bench.config.driver_path = xy_str_from(drivers);
    share_out();
    xyi_inbox_init(&xyi_logic_inbox);
    xyi_fibers_init((struct xyi_fiber_limits){0});
    xyi_jids_init();
    xyi_run_on_fiber(run, NULL, NULL);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * A store to test: BOTH(name) { … } runs its body on a fiber with an open store, once on SQLite
 * and once on PostgreSQL, each time on an empty database. The server is XY_TEST_PGSQL (a URL
 * whose role may create databases), or one started for this program by tests/lib/postgres.
 */
#ifndef XY_STORE_FIXTURE_H
#define XY_STORE_FIXTURE_H

#include <dlfcn.h>
#include <libgen.h>
#include "core/store/parts.h"
#include "core/store/thread.h"
#include "core/xml/xml.h"
#include "tests/unit/harness.h"

static struct {
    char build[256]; /* the directory of the test's build */
    char dir[64];    /* of this case */
    char url[256];
    char server[64]; /* the PostgreSQL of this program, if it has its own */
    char second[80]; /* one that a case may start and kill; removed at the end */
    struct xyi_store_config config;
    void (*body)(void);
} fixture;

#define CHECK_OK(expression) CHECK_EQ(expression, XY_OK)

static inline bool
on_pgsql(void)
{
    return xy_str_is(fixture.config.driver, "pgsql");
}

/* ---- the store --------------------------------------------------------------------------- */

static inline void
open_store(void)
{
    struct xy_str error = XY_NO_STR;
    xy_status status = xyi_store_open(&fixture.config, &error);
    if (status != XY_OK)
        fprintf(stderr, "open: " XY_FMT "\n", XY_ARG(error));
    CHECK_OK(status);
}

static inline void
reopen_store(void)
{
    xyi_store_close();
    open_store();
}

/* ---- engines beside the store: another client of the same database ----------------------- */

static inline const struct xyi_driver *
load_driver(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/drivers/%s.so", fixture.build, name);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library)
        fprintf(stderr, "%s\n", dlerror());
    CHECK(library);
    const struct xyi_driver *driver = dlsym(library, "xyi_driver");
    CHECK(driver);
    return driver;
}

struct visitor {
    const struct xyi_driver *driver;
    struct xyi_connection *connection;
};

static inline struct visitor
visit(const char *driver, const char *place)
{
    struct visitor visitor = {.driver = load_driver(driver)};
    struct xyi_driver_options options = {.place = place, .writer = true, .timeout_ms = 20000};
    struct xyi_fault fault = {.at = XYI_NOBODY};
    visitor.connection = visitor.driver->open(&options, &fault);
    if (!visitor.connection)
        fprintf(stderr, "%s\n", fault.text);
    CHECK(visitor.connection);
    return visitor;
}

static inline void
say(struct visitor *visitor, const char *sql)
{
    struct xyi_fault fault = {.at = XYI_NOBODY};
    if (visitor->driver->script(visitor->connection, sql, &fault) != XY_OK) {
        fprintf(stderr, "%s: %s\n", sql, fault.text);
        CHECK(!"the visitor's statement works");
    }
}

static inline void
leave(struct visitor *visitor)
{
    visitor->driver->close(visitor->connection);
}

static inline struct visitor
visit_same(void)
{
    return on_pgsql() ? visit("pgsql", fixture.config.url.at)
                      : visit("sqlite", fixture.config.path.at);
}

/* ---- PostgreSQL servers ------------------------------------------------------------------ */

/* tests/lib/postgres COMMAND DIR; false: there is no PostgreSQL here. */
static inline bool
postgres(const char *command, const char *dir, char *url, size_t size)
{
    char line[512];
    snprintf(line, sizeof(line), "tests/lib/postgres %s %s", command, dir);
    FILE *output = popen(line, "re");
    CHECK(output);
    if (url && fgets(url, (int)size, output))
        url[strcspn(url, "\n")] = '\0';
    int status = pclose(output);
    if (WIFEXITED(status) && WEXITSTATUS(status) == HARNESS_SKIPPED)
        return false;
    CHECK_EQ(status, 0);
    return true;
}

static inline void
create_database(const char *server)
{
    char sql[128], name[64];
    snprintf(name, sizeof(name), "t%d_%lld", (int)getpid(), (long long)xyi_clock_real_us());
    snprintf(sql, sizeof(sql), "create database %s", name);
    struct visitor admin = visit("pgsql", server);
    say(&admin, sql);
    leave(&admin);
    const char *rest = strstr(server, "/postgres?");
    CHECK(rest);
    snprintf(fixture.url, sizeof(fixture.url), "%.*s/%s%s", (int)(rest - server), server, name,
             rest + strlen("/postgres"));
}

/* ---- running a case ---------------------------------------------------------------------- */

static inline void
find_build(void)
{
    ssize_t len = readlink("/proc/self/exe", fixture.build, sizeof(fixture.build) - 1);
    CHECK(len > 0);
    fixture.build[len] = '\0';
    dirname(dirname(fixture.build));
}

static inline void
prepare_case(const char *driver)
{
    find_build();
    snprintf(fixture.dir, sizeof(fixture.dir), "/tmp/xylem-store-XXXXXX");
    CHECK(mkdtemp(fixture.dir));
    static char path[96], drivers[300];
    snprintf(path, sizeof(path), "%s/x.db", fixture.dir);
    snprintf(drivers, sizeof(drivers), "%s/drivers", fixture.build);
    fixture.config = (struct xyi_store_config){
        .driver = xy_str_from(driver),
        .driver_path = xy_str_from(drivers),
        .durable = true,
        .readers = 2,
        .timeout_ms = 20000,
    };
    if (strcmp(driver, "sqlite") == 0) {
        fixture.config.path = xy_str_from(path);
        return;
    }
    const char *server = getenv("XY_TEST_PGSQL");
    if (!server)
        SKIP("there is no PostgreSQL");
    create_database(server);
    fixture.config.url = xy_str_from(fixture.url);
}

static inline void
run_body(void *argument)
{
    (void)argument;
    open_store();
    fixture.body();
    xyi_store_close();
}

static inline void
run_on_threads(void)
{
    xyi_inbox_init(&xyi_logic_inbox);
    xyi_fibers_init((struct xyi_fiber_limits){0});
    xyi_helpers_start(2);
    xyi_jids_init();
    xyi_run_on_fiber(run_body, NULL, NULL);
    xyi_helpers_stop();
    xyi_fibers_end();
    xyi_epoch_end();
    xyi_jids_end();
    xyi_inbox_close(&xyi_logic_inbox);
}

static inline void
with_store(const char *driver, void (*body)(void))
{
    prepare_case(driver);
    fixture.body = body;
    run_on_threads();
    char remove[96];
    snprintf(remove, sizeof(remove), "rm -rf %s", fixture.dir);
    CHECK_EQ(system(remove), 0);
}

#define ON_SQLITE(name)             \
    static void name(void);         \
    TEST(name##_sqlite)             \
    {                               \
        with_store("sqlite", name); \
    }                               \
    static void name(void)
#define ON_PGSQL(name)             \
    static void name(void);        \
    TEST(name##_pgsql)             \
    {                              \
        with_store("pgsql", name); \
    }                              \
    static void name(void)
#define BOTH(name)                  \
    static void name(void);         \
    TEST(name##_sqlite)             \
    {                               \
        with_store("sqlite", name); \
    }                               \
    TEST(name##_pgsql)              \
    {                               \
        with_store("pgsql", name);  \
    }                               \
    static void name(void)

static inline int
run_with_server(int count, char **names)
{
    char url[256] = "";
    bool started = false;
    snprintf(fixture.server, sizeof(fixture.server), "/tmp/xylem-pg-%d", (int)getpid());
    snprintf(fixture.second, sizeof(fixture.second), "%s-second", fixture.server);
    if (!getenv("XY_TEST_PGSQL"))
        started = postgres("start", fixture.server, url, sizeof(url));
    if (started)
        setenv("XY_TEST_PGSQL", url, 1);
    int failed = harness_run(count, names);
    if (started)
        postgres("remove", fixture.server, NULL, 0);
    if (access(fixture.second, F_OK) == 0)
        postgres("remove", fixture.second, NULL, 0);
    return failed;
}
#define END_STORE_TESTS                       \
    int main(int count, char **names)         \
    {                                         \
        return run_with_server(count, names); \
    }

/* ---- many fibers ------------------------------------------------------------------------- */

struct hand {
    struct xyi_job job;
    void (*work)(unsigned at);
    unsigned at;
    unsigned *left;
    struct xyi_wait *wait;
};

static inline void
run_hand(struct xyi_job *job)
{
    struct hand *hand = (struct hand *)(void *)job;
    hand->work(hand->at);
    if (--*hand->left == 0)
        xyi_wake(hand->wait, XY_OK);
    xyi_free(hand);
}

/* work(0) … work(count - 1), each on a fiber of its own; returns when all are done. */
static inline void
in_parallel(unsigned count, void (*work)(unsigned at))
{
    unsigned left = count;
    struct xyi_wait wait = {0};
    for (unsigned i = 0; i < count; i++) {
        struct hand *hand = xyi_alloc(sizeof(*hand));
        *hand = (struct hand){
            .job.run = run_hand, .work = work, .at = i, .left = &left, .wait = &wait};
        xyi_spawn(&hand->job);
    }
    CHECK_OK(xyi_wait(&wait, 60000, XYI_UNCANCELLABLE));
}

/* The one number a query gives. */
static inline int64_t
number_of(const struct xy_statement *query, struct xy_values values)
{
    struct xy_rows *rows;
    CHECK_OK(xy_sql_read_values(query, &rows, values));
    CHECK(xy_rows_next(rows));
    return xy_rows_int(rows, 0);
}
#define NUMBER(text, ...) \
    number_of(&(const struct xy_statement)XY_SQL(text), XY_VALUES(__VA_ARGS__))
#define WRITE(text, ...) \
    xy_sql_write_values(&(const struct xy_statement)XY_SQL(text), XY_VALUES(__VA_ARGS__))

static inline void
migrate(const char *sqlite, const char *pgsql)
{
    struct xy_str error;
    const struct xy_migration rows[] = {{1, sqlite, pgsql}};
    CHECK_OK(xyi_store_migrate(XY_STR("test"), rows, 1, &error));
}

#endif

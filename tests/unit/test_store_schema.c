/* SPDX-License-Identifier: MIT */
/* Migrations, opening and closing, and SQL as text. */
#include <sys/stat.h>
#include "tests/unit/store_fixture.h"

static const struct xy_migration two[] = {
    {1, "create table note (id integer primary key, text text); create table other (x integer)",
     "create table note (id bigint primary key, text text); create table other (x integer)"},
    {2, "insert into note values (1, 'semi;colon'); alter table note add column more text",
     NULL},
};
static const struct xy_migration three[] = {
    {1, "wrong", NULL}, /* what is applied is never looked at again */
    {2, "wrong", NULL},
    {5, "insert into note values (5, 'five', 'x'); insert into other values (5)", NULL},
};

static xy_status
apply(const char *module, const struct xy_migration *rows, size_t count, struct xy_str *error)
{
    *error = XY_NO_STR;
    return xyi_store_migrate(xy_str_from(module), rows, count, error);
}

BOTH(migrations_apply_once_and_in_order)
{
    struct xy_str error;
    CHECK_OK(apply("notes", two, 2, &error));
    CHECK_OK(apply("notes", two, 2, &error));
    CHECK_EQ(NUMBER("select count(*) from note where text = 'semi;colon'"), 1);
    reopen_store();
    CHECK_OK(apply("notes", three, 3, &error));
    CHECK_EQ(NUMBER("select count(*) from note"), 2);
    CHECK_EQ(NUMBER("select x from other"), 5);
    CHECK_EQ(
        NUMBER("select count(*) from xylem_schema where module = 'notes' and applied_ms > 0"),
        3);
    /* an older release meets the schema of a newer one */
    CHECK_OK(apply("notes", two, 2, &error));
    CHECK_OK(WRITE(
        "insert into xylem_schema (module, number, applied_ms) values ('xylem', 999, 1)"));
    reopen_store();
}

BOTH(a_failed_migration_leaves_nothing)
{
    static const struct xy_migration bad[] = {
        {1, "create table a (x integer)", NULL},
        {2, "create table b (x integer); insert into nowhere values (1)", NULL},
        {3, "create table c (x integer)", NULL},
    };
    static const struct xy_migration good[] = {
        {1, "create table a (x integer)", NULL},
        {2, "create table b (x integer)", NULL},
        {3, "create table c (x integer)", NULL},
    };
    struct xy_str error;
    CHECK_EQ(apply("m", bad, 3, &error), XY_BROKEN);
    CHECK(strstr(error.at, "migration 2 of m failed: ") && strstr(error.at, "nowhere"));
    CHECK_EQ(NUMBER("select count(*) from xylem_schema where module = 'm'"), 1);
    CHECK_OK(apply("m", good, 3, &error));
    CHECK_OK(WRITE("insert into b values (1)"));
    CHECK_OK(WRITE("insert into c values (1)"));
}

/* Statements prepared before a migration go on working behind it. */
BOTH(prepared_statements_survive_a_migration)
{
    static const struct xy_migration later[] = {
        {1, "", NULL}, {2, "", NULL}, {3, "alter table note add column n bigint", NULL}};
    static const struct xy_statement all = XY_SQL("select * from note");
    struct xy_str error;
    struct xy_rows *rows;
    CHECK_OK(apply("notes", two, 2, &error));
    for (int i = 0; i < 4; i++) /* on every reader */
        CHECK_OK(xy_sql_read(&all, &rows));
    CHECK_OK(WRITE("update note set more = 'x' where id = 1"));
    CHECK_OK(apply("notes", later, 3, &error));
    CHECK_OK(WRITE("update note set more = 'x' where id = 1"));
    for (int i = 0; i < 4; i++) {
        CHECK_OK(xy_sql_read(&all, &rows));
        CHECK(xy_rows_next(rows));
        CHECK(xy_rows_is_null(rows, 3));
    }
}

/* ---- several servers at once ------------------------------------------------------------- */

static void
migrate_and_close(void)
{
    struct xy_str error;
    xy_status status = apply("notes", two, 2, &error);
    if (status != XY_OK)
        fprintf(stderr, XY_FMT "\n", XY_ARG(error));
    CHECK_OK(status);
}

static void
check_once(void)
{
    CHECK_EQ(NUMBER("select count(*) from note"), 1);
    CHECK_EQ(NUMBER("select count(*) from scram where owner = 0"), 3);
}

static void
start_together(const char *driver)
{
    prepare_case(driver);
    fixture.body = migrate_and_close;
    pid_t children[5];
    for (int i = 0; i < 5; i++) {
        children[i] = fork();
        CHECK(children[i] >= 0);
        if (children[i] == 0) {
            run_on_threads();
            exit(0);
        }
    }
    for (int i = 0; i < 5; i++) {
        int status;
        CHECK_EQ(waitpid(children[i], &status, 0), children[i]);
        CHECK_EQ(status, 0);
    }
    fixture.body = check_once;
    run_on_threads();
    char remove[96];
    snprintf(remove, sizeof(remove), "rm -rf %s", fixture.dir);
    CHECK_EQ(system(remove), 0);
}

TEST(servers_that_start_together_take_turns_sqlite)
{
    start_together("sqlite");
}

TEST(servers_that_start_together_take_turns_pgsql)
{
    start_together("pgsql");
}

/* ---- opening ----------------------------------------------------------------------------- */

static struct xy_str
refusal(struct xyi_store_config config)
{
    struct xy_str error = XY_NO_STR;
    CHECK(xyi_store_open(&config, &error) != XY_OK);
    CHECK(error.len > 0);
    CHECK_STR(xy_str_from(xyi_store_driver()), "none");
    return error;
}

BOTH(what_cannot_be_opened_is_said)
{
    xyi_store_close();
    struct xyi_store_config config = fixture.config;
    config.driver = XY_STR("oracle");
    CHECK(strstr(refusal(config).at, "oracle"));
    config.driver = XY_STR("../sqlite");
    CHECK(strstr(refusal(config).at, "no storage driver"));
    config = fixture.config;
    config.path = XY_STR("/nonexistent/x.db");
    config.url = XY_STR("postgresql:///x?host=/nonexistent");
    if (!on_pgsql())
        config.url = XY_NO_STR;
    CHECK(strstr(refusal(config).at, "/nonexistent"));
    open_store();
    CHECK_STR(xy_str_from(xyi_store_driver()), on_pgsql() ? "pgsql" : "sqlite");
}

ON_SQLITE(a_file_that_is_no_database_is_said)
{
    xyi_store_close();
    static char path[128];
    snprintf(path, sizeof(path), "%s/not.db", fixture.dir);
    FILE *file = fopen(path, "w");
    CHECK(file && fprintf(file, "%01000d", 7) == 1000 && fclose(file) == 0);
    struct xyi_store_config config = fixture.config;
    config.path = xy_str_from(path);
    CHECK(strstr(refusal(config).at, "not a database"));
    open_store();
}

ON_SQLITE(the_file_is_private)
{
    struct stat facts;
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (int i = 0; i < 3; i++) {
        struct xy_str path = xy_temp_printf(XY_FMT "%s", XY_ARG(fixture.config.path), ends[i]);
        CHECK_EQ(stat(path.at, &facts), 0);
        CHECK_EQ(facts.st_mode & 0777, 0600);
    }
}

/* ---- text -------------------------------------------------------------------------------- */

static void
numbers(const char *sql, const char *expected)
{
    struct xyi_arena *arena = xyi_arena_new(256);
    struct xy_str text = xyi_sql_numbered(arena, sql);
    CHECK_STR(text, expected);
    CHECK_EQ(strlen(text.at), text.len);
    xyi_arena_free(arena);
}

TEST(parameters_are_numbered)
{
    numbers("", "");
    numbers("select 1", "select 1");
    numbers("?", "$1");
    numbers("a = ? and b in (?, ?)", "a = $1 and b in ($2, $3)");
    numbers("?,?,?,?,?,?,?,?,?,?,?", "$1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11");
    numbers("'?' = ? or '''?' = ?", "'?' = $1 or '''?' = $2");
    numbers("\"odd?name\" = ?", "\"odd?name\" = $1");
    numbers("? -- why?\n, ?", "$1 -- why?\n, $2");
    numbers("? -- to the end?", "$1 -- to the end?");
    numbers("a /* ? */ - ? / ?", "a /* ? */ - $1 / $2");
    numbers("$$ ? $$ ? $x$ ? $$ $x$ ?", "$$ ? $$ $1 $x$ ? $$ $x$ $2");
    numbers("$1 + ?", "$1 + $1"); /* no dollar quote */
    numbers("'open ?", "'open ?");
    numbers("/* open ?", "/* open ?");
    numbers("$$ open ?", "$$ open ?");
    numbers("?::bigint", "$1::bigint");
}

END_STORE_TESTS

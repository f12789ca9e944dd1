/* SPDX-License-Identifier: MIT */
/*
 * Plans: every statement the store uses for messages, archives, devices and accounts runs along
 * an index, in an empty store, in a grown one, with statistics of either and without any. A
 * plan that looks harmless here costs half a second at a million messages.
 */
#include "tests/unit/store_fixture.h"

static xy_status
explain_in(struct visitor *visitor, const char *sql, size_t parameters, struct xy_rows **rows)
{
    static struct xy_value values[8];
    struct xy_statement statement = {.sql = sql};
    struct xyi_fault fault = {.at = XYI_NOBODY};
    for (size_t i = 0; i < parameters; i++)
        values[i] = XY_TEXT(XY_STR("[1]"));
    xy_status status = visitor->driver->run(visitor->connection, &statement,
                                            (struct xy_values){values, parameters}, INT64_MAX,
                                            xyi_temp(), rows, &fault);
    if (status != XY_OK)
        fprintf(stderr, "%s: %s\n", sql, fault.text);
    return status;
}

static const char *
parameter_type(char letter)
{
    return letter == 'i' ? "bigint" : letter == 'I' ? "bigint[]" : "text";
}

/* The plan as it is when parameters are not known, one line each. */
static struct xy_rows *
plan(struct visitor *visitor, const struct xyi_planned *planned)
{
    struct xy_rows *rows;
    size_t parameters = strlen(planned->parameters);
    if (!on_pgsql()) {
        struct xy_str sql = xy_temp_printf("explain query plan %s", planned->statement->sql);
        CHECK_OK(explain_in(visitor, sql.at, parameters, &rows));
        return rows;
    }
    const char *text =
        planned->statement->pgsql ? planned->statement->pgsql : planned->statement->sql;
    struct xy_buffer types = {0}, values = {0};
    for (size_t i = 0; i < parameters; i++) {
        xy_buffer_printf(&types, "%s%s", i ? ", " : "(",
                         parameter_type(planned->parameters[i]));
        xy_buffer_printf(&values, "%s'%s'", i ? ", " : "(",
                         planned->parameters[i] == 'I'   ? "{1}"
                         : planned->parameters[i] == 't' ? "[1]"
                                                         : "1");
    }
    if (parameters) {
        xy_buffer_add(&types, XY_STR(")"));
        xy_buffer_add(&values, XY_STR(")"));
    }
    static int number;
    say(visitor,
        xy_temp_printf("prepare p%d %s as " XY_FMT, ++number, types.text ? types.text : "",
                       XY_ARG(xyi_sql_numbered(xyi_temp(), text)))
            .at);
    struct xy_str sql =
        xy_temp_printf("explain execute p%d %s", number, values.text ? values.text : "");
    CHECK_OK(explain_in(visitor, sql.at, 0, &rows));
    return rows;
}

static void
check_plan(struct visitor *visitor, const struct xyi_planned *planned)
{
    static const char *const bad_sqlite[] = {"SCAN", "TEMP B-TREE", "AUTOMATIC"};
    static const char *const bad_pgsql[] = {"Seq Scan", "Sort  (", "Bitmap", "Materialize",
                                            "Hash"};
    const char *const *bad = on_pgsql() ? bad_pgsql : bad_sqlite;
    const char *wanted = on_pgsql() ? planned->pgsql : planned->sqlite;
    bool found = !wanted;
    size_t count = on_pgsql() ? 5 : 3;
    struct xy_rows *rows = plan(visitor, planned);
    CHECK(xy_rows_count(rows) > 0);
    bool show = getenv("XY_SHOW_PLANS") != NULL;
    if (show)
        fprintf(stderr, "%s\n",
                planned->statement->pgsql ? planned->statement->pgsql
                                          : planned->statement->sql);
    while (xy_rows_next(rows)) {
        const char *line = xy_rows_text(rows, on_pgsql() ? 0 : 3).at;
        if (show)
            fprintf(stderr, "    %s\n", line);
        found |= wanted && strstr(line, wanted);
        if (strcmp(line, "SCAN r VIRTUAL TABLE INDEX 1:") == 0 || /* a list of ours */
            strcmp(line, "SCAN CONSTANT ROW") == 0)
            continue;
        for (size_t i = 0; i < count; i++)
            if (strstr(line, bad[i])) {
                fprintf(stderr, "%s\n  %s\n", planned->statement->sql, line);
                CHECK(!"the plan runs along indexes");
            }
    }
    if (!found)
        fprintf(stderr, "%s\n  not: %s\n", planned->statement->sql, wanted);
    CHECK(found);
}

static void
check_plans(void)
{
    struct visitor visitor = visit_same();
    static const struct xyi_planned *const all[] = {
        xyi_message_planned,  xyi_pending_planned, xyi_device_planned,
        xyi_account_planned,  xyi_archive_planned, xyi_retention_planned,
        xyi_erase_planned,    xyi_facts_planned,   xyi_evidence_planned,
        xyi_room_planned,     xyi_removal_planned, xyi_tombstone_planned,
        xyi_record_planned,   xyi_hold_planned,    xyi_scan_planned,
        xyi_expire_planned,   xyi_forget_planned,  xyi_origin_planned,
        xyi_withdrawn_planned};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        for (const struct xyi_planned *p = all[i]; p->statement; p++)
            check_plan(&visitor, p);
    for (const struct xyi_planned *p = xyi_staging_planned; p->statement && !on_pgsql(); p++)
        check_plan(&visitor, p);
    leave(&visitor);
}

/* ---- a store of some size ---------------------------------------------------------------- */

enum { MESSAGES = 60000 };

/* Owners 1 to 300, a few of them with most of the messages; two entries each, some wait. */
#define SERIES_SQLITE \
    "with recursive s (n) as (select 1 union all select n + 1 from s where n < 60000) "
#define SERIES_PGSQL "with s (n) as (select generate_series(1, 60000)::bigint) "
#define FILL(series)                                                                         \
    series "insert into message (id, sender, rcpt, class, archived, origin, stanza)"         \
           " select n * 4096, n * n % 300 + 1, n * 7 % 300 + 1, 0, 3, n, 'x' from s;" series \
           "insert into entry (owner, message, peer, flags)"                                 \
           " select n * n % 300 + 1, n * 4096, n * 7 % 300 + 1, 3 from s;" series            \
           "insert into entry (owner, message, peer, flags)"                                 \
           " select n * 7 % 300 + 1, n * 4096, n * n % 300 + 1, 1 from s"                    \
           " where n * n % 300 <> n * 7 % 300;" series                                       \
           "insert into pending (owner, device, message)"                                    \
           " select n * 7 % 300 + 1, n % 3, n * 4096 from s where n % 50 = 0;" series        \
           "insert into evidence (message, commitment) select n * 4096, 'x' from s;" series  \
           "insert into device (owner, id, last_seen, cursor)"                               \
           " select n / 2 + 1, n % 2, n, 0 from s where n < 500;"

static void
grow(void)
{
    struct visitor visitor = visit_same();
    say(&visitor, on_pgsql() ? FILL(SERIES_PGSQL) : FILL(SERIES_SQLITE));
    leave(&visitor);
    CHECK_EQ(NUMBER("select count(*) from message"), MESSAGES);
}

static void
analyze(void)
{
    struct visitor visitor = visit_same();
    say(&visitor, "analyze");
    leave(&visitor);
}

BOTH(plans_of_an_empty_store)
{
    check_plans();
    analyze();
    check_plans();
}

BOTH(plans_of_a_grown_store_without_statistics)
{
    grow();
    check_plans();
}

BOTH(plans_of_a_grown_store_with_statistics)
{
    grow();
    analyze();
    check_plans();
}

/* Statistics of the time when there was nothing are what a young store has. */
BOTH(plans_of_a_grown_store_with_old_statistics)
{
    analyze();
    grow();
    reopen_store();
    check_plans();
}

/* What was pending at the time of the statistics has gone, or the other way round. */
BOTH(plans_of_a_queue_that_was_full)
{
    grow();
    analyze();
    CHECK_OK(WRITE("delete from pending"));
    check_plans();
}

/* The test itself must see a bad plan. */
BOTH(a_scan_would_be_noticed)
{
    static const struct xy_statement scan =
        XY_SQL("select id from message where class = ? order by sender");
    static const struct xyi_planned planned = XYI_PLANNED(scan, "i");
    struct visitor visitor = visit_same();
    struct xy_rows *rows = plan(&visitor, &planned);
    bool seen = false;
    while (xy_rows_next(rows)) {
        const char *line = xy_rows_text(rows, on_pgsql() ? 0 : 3).at;
        seen |= strstr(line, on_pgsql() ? "Seq Scan" : "SCAN") != NULL;
    }
    CHECK(seen);
    leave(&visitor);
}

END_STORE_TESTS

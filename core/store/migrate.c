/* SPDX-License-Identifier: MIT */
/*
 * Migrations. Each is applied once, in a transaction of its own together with its row in
 * xylem_schema, on the writer thread; on PostgreSQL under an advisory lock, so that servers
 * that start together take turns. Numbers the database has and we do not are a newer release's,
 * and since migrations only expand, they are no obstacle.
 */
#include "core/store/parts.h"
#include "core/store/thread.h"

static const struct xy_statement is_applied =
    XY_SQL("select 1 from xylem_schema where module = ? and number = ?");
static const struct xy_statement note_applied =
    XY_SQL("insert into xylem_schema (module, number, applied_ms) values (?, ?, ?)");
static const char table[] =
    "create table if not exists xylem_schema ("
    "module text not null, number integer not null, applied_ms bigint not null, "
    "primary key (module, number))";

struct migration {
    struct xy_str module;
    const struct xy_migration *rows;
    size_t count;
    unsigned failed; /* the number */
    int64_t now_ms;
    struct xyi_arena *arena;
};

static xy_status
run(struct xyi_store_thread *thread, struct migration *migration,
    const struct xy_statement *statement, struct xy_values values, struct xy_rows **rows,
    struct xyi_fault *fault)
{
    return thread->driver->run(thread->connection, statement, values, INT64_MAX,
                               migration->arena, rows, fault);
}

static xy_status
apply_one(struct xyi_store_thread *thread, struct migration *migration,
          const struct xy_migration *row, struct xyi_fault *fault)
{
    struct xy_rows *rows;
    xy_status status =
        run(thread, migration, &is_applied,
            XY_VALUES(XY_TEXT(migration->module), XY_INT(row->number)), &rows, fault);
    if (status != XY_OK || xy_rows_count(rows))
        return status;
    bool pgsql = strcmp(thread->driver->name, "pgsql") == 0;
    status = thread->driver->script(thread->connection,
                                    pgsql && row->pgsql ? row->pgsql : row->sql, fault);
    if (status != XY_OK)
        return status;
    return run(
        thread, migration, &note_applied,
        XY_VALUES(XY_TEXT(migration->module), XY_INT(row->number), XY_INT(migration->now_ms)),
        &rows, fault);
}

static xy_status
in_transaction(struct xyi_store_thread *thread, struct migration *migration,
               const struct xy_migration *row, struct xyi_fault *fault)
{
    const struct xyi_driver *driver = thread->driver;
    xy_status status = driver->script(thread->connection, driver->begin_migration, fault);
    if (status != XY_OK)
        return status;
    status = row ? apply_one(thread, migration, row, fault)
                 : driver->script(thread->connection, table, fault);
    if (status == XY_OK)
        status = driver->script(thread->connection, "commit", fault);
    struct xyi_fault second;
    if (status != XY_OK && driver->script(thread->connection, "rollback", &second) != XY_OK) {
        driver->close(thread->connection);
        thread->connection = NULL;
    }
    return status;
}

static xy_status
migrate(struct xyi_store_thread *thread, void *argument, struct xyi_fault *fault)
{
    struct migration *migration = argument;
    xy_status status = in_transaction(thread, migration, NULL, fault);
    for (size_t i = 0; i < migration->count && status == XY_OK; i++) {
        migration->failed = migration->rows[i].number;
        status = in_transaction(thread, migration, &migration->rows[i], fault);
    }
    return status;
}

xy_status
xyi_store_migrate(struct xy_str module, const struct xy_migration *rows, size_t count,
                  struct xy_str *error)
{
    for (size_t i = 1; i < count; i++)
        xy_assert(rows[i].number > rows[i - 1].number);
    struct migration migration = {.module = module,
                                  .rows = rows,
                                  .count = count,
                                  .now_ms = xy_now_ms(),
                                  .arena = xyi_arena_new(1024)};
    struct xyi_fault fault = {.at = XYI_NOBODY};
    xy_status status =
        xyi_store_call(true, xyi_store_timeout_ms(), migrate, &migration, &fault);
    if (status != XY_OK)
        *error = xy_temp_printf("migration %u of " XY_FMT " failed: %s", migration.failed,
                                XY_ARG(module), fault.text);
    xyi_arena_free(migration.arena);
    return status;
}

/* ---- checking statements ----------------------------------------------------------------- */

struct check {
    const struct xy_statement *const *statements;
    size_t count, failed;
};

static xy_status
check(struct xyi_store_thread *thread, void *argument, struct xyi_fault *fault)
{
    struct check *of = argument;
    for (of->failed = 0; of->failed < of->count; of->failed++) {
        xy_status status =
            thread->driver->prepare(thread->connection, of->statements[of->failed], fault);
        if (status != XY_OK)
            return status;
    }
    return XY_OK;
}

xy_status
xyi_store_check(const struct xy_statement *const *statements, size_t count,
                struct xy_str *error)
{
    struct check of = {.statements = statements, .count = count, .failed = count};
    struct xyi_fault fault = {.at = XYI_NOBODY};
    xy_status status = xyi_store_call(false, xyi_store_timeout_ms(), check, &of, &fault);
    if (status != XY_OK && of.failed < count)
        *error = xy_temp_printf("%s: %s", statements[of.failed]->sql, fault.text);
    else if (status != XY_OK)
        *error = xy_temp_printf("%s", fault.text);
    return status;
}

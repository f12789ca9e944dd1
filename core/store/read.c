/* SPDX-License-Identifier: MIT */
/*
 * Reads. A read lives in an arena of its own that nobody shares at one time: the logic thread
 * fills it, a reader thread adds the result, and the mail back gives it to the fiber, or frees
 * it when the fiber has given up. So a late answer meets no dangling wait, and no text of a
 * module that has left: statement and parameters are copies.
 */
#include "core/store/parts.h"
#include "core/store/thread.h"

struct read {
    struct xyi_request request;
    struct xyi_arena *arena;
    struct xy_statement statement;
    struct xy_values values;
    struct xy_rows *rows;
    struct xyi_wait *wait; /* NULL: given up */
    bool answered;
};

static xy_status
run(struct xyi_request *request, struct xyi_store_thread *thread, struct xyi_fault *fault)
{
    struct read *read = (struct read *)(void *)request;
    return thread->driver->run(thread->connection, &read->statement, read->values,
                               request->deadline_us, read->arena, &read->rows, fault);
}

static void
answered(struct xyi_mail *mail)
{
    struct read *read = (struct read *)(void *)mail;
    xyi_store_counters.failures += read->request.status != XY_OK;
    if (!read->wait) {
        xyi_arena_free(read->arena);
        return;
    }
    read->answered = true;
    xyi_wake(read->wait, read->request.status);
}

static const char *
copy_text(struct xyi_arena *arena, const char *text)
{
    return text ? xyi_arena_str(arena, xy_str_from(text)).at : NULL;
}

static struct read *
make(const struct xy_statement *statement, struct xy_values values)
{
    struct xyi_arena *arena = xyi_arena_new(2048);
    struct read *read = xyi_arena_alloc(arena, sizeof(*read));
    struct xy_value *copies = xyi_arena_alloc(arena, values.count * sizeof(*copies));
    for (size_t i = 0; i < values.count; i++) {
        copies[i] = values.at[i];
        if (copies[i].type == XY_VALUE_TEXT || copies[i].type == XY_VALUE_BYTES)
            copies[i].text = xyi_arena_str(arena, copies[i].text);
    }
    read->request.mail.open = answered;
    read->request.run = run;
    read->arena = arena;
    read->statement.sql = copy_text(arena, statement->sql);
    read->statement.pgsql = copy_text(arena, statement->pgsql);
    read->values = (struct xy_values){copies, values.count};
    return read;
}

static void
release(void *arena)
{
    xyi_arena_free(arena);
}

xy_status
xyi_sql_read_into(struct xyi_arena *arena, const struct xy_statement *statement,
                  struct xy_rows **rows, struct xy_values values)
{
    struct read *read = make(statement, values);
    struct xyi_wait wait = {0};
    read->wait = &wait;
    xyi_store_counters.reads++;
    xyi_store_submit(&read->request, false);
    xy_status status = xyi_wait(&wait, xyi_store_timeout_ms(), 0);
    if (!read->answered) {
        read->wait = NULL;
        return status;
    }
    status = read->request.status;
    if (status == XY_OK) {
        *rows = read->rows;
        xyi_arena_defer(arena, release, read->arena);
    } else {
        xyi_arena_free(read->arena);
    }
    return status;
}

xy_status
xy_sql_read_values(const struct xy_statement *statement, struct xy_rows **rows,
                   struct xy_values values)
{
    return xyi_sql_read_into(xyi_temp(), statement, rows, values);
}

/* SPDX-License-Identifier: MIT */
/*
 * Does things worth a record, for tests of the audit log: `actor act COUNT` puts a row and
 * COUNT records into one transaction; with --fail the transaction is refused by the database,
 * with --loop it begins again until the server is killed. What was done is in table actor_act.
 * It has a secret, too, for tests of what is said of those.
 */
#define XY_STATE actor
#include <xylem/xylem.h>

struct actor {
    const xy_secret password;
};
static const struct xy_option options[] = {
    XY_OPTION(password, .initial = "", .doc = "A secret."),
};

static const struct xy_migration schema[] = {
    {1, "create table actor_act (operation text primary key not null, records bigint not null)",
     NULL},
};
static const struct xy_statement add_act =
    XY_SQL("insert into actor_act (operation, records) values (?, ?)");
static const struct xy_statement refused =
    XY_SQL("delete from actor_act where operation = 'nobody did that'");
static const struct xy_statement *const statements[] = {&add_act, &refused};

static xy_status
act(struct xy_command *command, int64_t count)
{
    struct xy_str operation = xy_audit_operation();
    struct xy_txn *txn = xy_txn_begin();
    struct xy_audit_record record = {
        .operation = operation,
        .actor = xy_command_actor(command),
        .kind = XY_STR("remove"),
        .account = XY_STR("romeo@xylem.test"),
        .reason = XY_STR("test"),
        .words = xy_arg(command, "words"),
    };
    xy_status status = XY_OK;
    for (int64_t i = 0; i < count && status == XY_OK; i++) {
        record.message = i + 1;
        status = xy_run_audit_add(NULL, txn, &record);
    }
    if (status != XY_OK)
        return status;
    xy_txn_add(txn, &add_act, XY_TEXT(operation), XY_INT(count));
    if (xy_flag(command, "fail")) {
        xy_txn_add(txn, &refused);
        xy_txn_expect(txn, 1);
    }
    xy_put_str(command, "operation", operation);
    return xy_txn_commit(txn);
}

static xy_status
act_command(XY_SELF, struct xy_command *command)
{
    int64_t count;
    if (xy_str_to_int(xy_arg(command, "COUNT"), 0, 100000, &count) != XY_OK)
        return xy_fail(command, XY_INVALID, "how many records?");
    xy_status status = act(command, count);
    while (status == XY_OK && xy_flag(command, "loop")) {
        xy_temp_open();
        status = act(command, count);
        xy_temp_close();
    }
    return status;
}

static const struct xy_command_row commands[] = {
    XY_COMMAND("actor act", act_command, .arguments = "COUNT [--words TEXT] [--fail] [--loop]",
               .about = "Adds a row and so many records in one transaction."),
};

XY_MODULE(actor, .about = "Does things worth a record, in tests.", .scope = XY_SERVER,
          XY_STATE_SIZE, .needs = "audit", XY_TABLE(options, options),
          XY_TABLE(commands, commands), XY_TABLE(schema, schema),
          XY_TABLE(statements, statements));

/* SPDX-License-Identifier: MIT */
/* Reads messages past the readers of the store, by a statement that it does not list. */
#define XY_STATE prying
#include <xylem/xylem.h>

struct prying {
    char unused;
};

static const struct xy_statement read_it =
    XY_SQL("select m.id, m.stanza from message m where m.id = ?");

static xy_status
look(XY_SELF, struct xy_command *command)
{
    struct xy_rows *rows;
    int64_t id;
    xy_status status = xy_arg_int(command, "id", 1, INT64_MAX, 1, &id);
    if (status == XY_OK)
        status = xy_sql_read(&read_it, &rows, XY_INT(id));
    if (status == XY_OK && xy_rows_next(rows))
        xy_put_str(command, "stanza", xy_rows_text(rows, 1));
    return status;
}

static const struct xy_command_row commands[] = {
    XY_COMMAND("prying look", look, .arguments = "[--id ID]", .about = "Shows a message."),
};

XY_MODULE(prying, .about = "Looks where it should not.", XY_STATE_SIZE,
          XY_TABLE(commands, commands));

/* SPDX-License-Identifier: MIT */
/*
 * The ways to removed content that no client has, for the canary test: `sealed read ID` reads
 * by privilege, `sealed purge` destroys what is due.
 */
#define XY_STATE sealed
#include <xylem/xylem.h>

static xy_status
read_one(XY_SELF, struct xy_command *command)
{
    xy_message_id id;
    struct xy_stanza *stanza;
    if (xy_str_to_int(xy_arg(command, "ID"), 1, INT64_MAX, &id) != XY_OK)
        return xy_fail(command, XY_INVALID, "which message?");
    xy_status status = xy_privileged_read(id, xy_arg(command, "purpose"), &stanza);
    if (status != XY_OK)
        return xy_fail(command, status, "%s", xy_status_name(status));
    xy_put_str(command, "stanza", xy_stanza_text(stanza));
    return XY_OK;
}

static xy_status
purge(XY_SELF, struct xy_command *command)
{
    struct xy_txn *txn;
    xy_message_id *ids;
    size_t count;
    xy_status status = xy_purge_prepare(xy_now_ms(), 100, &txn, &ids, &count);
    if (status == XY_OK && txn)
        status = xy_txn_commit(txn);
    xy_put_int(command, "purged", (int64_t)count);
    return status;
}

static const struct xy_command_row commands[] = {
    XY_COMMAND("sealed read", read_one, .arguments = "ID [--purpose TEXT]",
               .about = "Reads what is sealed."),
    XY_COMMAND("sealed purge", purge, .about = "Destroys what is due."),
};

XY_MODULE(sealed, .about = "Reads and destroys what is sealed, in tests.", .scope = XY_SERVER,
          .state_size = 1, XY_TABLE(commands, commands));

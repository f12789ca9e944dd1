/* SPDX-License-Identifier: MIT */
/*
 * The core's own tables (module name "xylem").
 *
 *   jid       interned bare JIDs; a number never changes its meaning
 *   account   one row per account; `owner` is never used again (autoincrement, identity);
 *             passwords, disablings: how often it was given a new one, and disabled;
 *             hashes: bit 1 << enum xy_hash for each it has keys for
 *   scram     its keys, one row per hash; owner 0 is nobody: an unknown name's
 *   message   one row per message; `id` is time-ordered; `archived`: bit 0 the sender's archive
 *             has it, bit 1 the recipient's
 *   entry     (owner, message): the archive of that owner shows it; flags: bit 0 archived,
 *             bit 1 outgoing. Rows without bit 0 are a former release's and show nothing.
 *             SQLite: entry_new holds the newest of them (staging.c)
 *   archive   a view: all of them, for those who look by hand
 *   pending   (owner, device, message): that device has not certainly received it; device 0:
 *             the clients that do not say who they are, or nobody yet
 *   device    when an account's devices were last seen
 *   evidence  the commitments to a message; outlives the message (evidence.c). author,
 * addressee: in table jid; login: the session it came from, NULL: none of an account's. NULL
 *             also in rows of a former release, and when who they name was erased (forget.c)
 *   login     the full address of a session that wrote something, how it came to be and from
 *             what kind of address (origin.c)
 *   removal   what was taken back, by whom and which operation, and when its content goes
 *   withdrawn what each archive no longer shows of its messages, in the order of commits
 *             (withdrawn.c)
 *   held      (message, hold): keeps the content whatever else becomes of it
 *   room      rooms that have an archive; its owner is 2^47 + id (room.c)
 *
 * SQLite needs `integer primary key` for a clustered id and `without rowid` for clustered
 * pairs. PostgreSQL partitions the two large tables by month of the id (partition.c), because
 * vacuum lets new rows fill the holes of old pages, which costs a factor of ten.
 */
#include "core/store/parts.h"

static const char sqlite_tables[] =
    "create table xylem_meta (name text primary key not null, value blob not null) without "
    "rowid;"
    "create table jid (id integer primary key, text text not null unique);"
    "create table account (owner integer primary key autoincrement,"
    " jid text not null unique, host text not null, state integer not null,"
    " created integer not null, last_login integer not null);"
    "create index account_host on account (host, jid);"
    "create table scram (owner integer not null, hash integer not null, salt blob not null,"
    " iterations integer not null, stored_key blob not null, server_key blob not null,"
    " primary key (owner, hash)) without rowid;"
    "insert into scram values"
    " (0, 0, x'', 1, x'', x''), (0, 1, x'', 1, x'', x''), (0, 2, x'', 1, x'', x'');"
    "create table message (id integer primary key, sender integer not null,"
    " rcpt integer not null, class integer not null, state integer not null default 0,"
    " archived integer not null default 0, op integer, origin integer not null,"
    " stanza blob not null);"
    "create table entry (owner integer not null, message integer not null,"
    " peer integer not null, flags integer not null, resource text,"
    " primary key (owner, message)) without rowid;"
    "create table pending (owner integer not null, device integer not null,"
    " message integer not null, archived integer not null default 0,"
    " primary key (owner, device, message)) without rowid;"
    "create index pending_message on pending (message, owner, device);"
    "create table device (owner integer not null, id integer not null,"
    " last_seen integer not null, cursor integer not null, primary key (owner, id))"
    " without rowid;"
    "create table evidence (message integer primary key, commitment blob not null, salt blob)";

static const char pgsql_tables[] =
    "create table xylem_meta (name text primary key, value bytea not null);"
    "create table xylem_commit (node integer primary key, ticket bigint not null);"
    "create table jid (id integer generated always as identity primary key,"
    " text text not null unique);"
    "create table account (owner bigint generated always as identity primary key,"
    " jid text collate \"C\" not null unique, host text collate \"C\" not null,"
    " state smallint not null, created bigint not null, last_login bigint not null);"
    "create index account_host on account (host, jid);"
    "create table scram (owner bigint not null, hash smallint not null, salt bytea not null,"
    " iterations integer not null, stored_key bytea not null, server_key bytea not null,"
    " primary key (owner, hash));"
    "insert into scram values"
    " (0, 0, '', 1, '', ''), (0, 1, '', 1, '', ''), (0, 2, '', 1, '', '');"
    "create table message (id bigint primary key, sender integer not null,"
    " rcpt integer not null, class smallint not null, state smallint not null default 0,"
    " archived smallint not null default 0, op bigint, origin bigint not null,"
    " stanza bytea not null) partition by range (id);"
    "create table message_rest partition of message default;"
    "create table entry (owner bigint not null, message bigint not null,"
    " peer integer not null, flags smallint not null, resource text,"
    " primary key (owner, message)) partition by range (message);"
    "create table entry_rest partition of entry default;"
    "create table pending (owner bigint not null, device bigint not null,"
    " message bigint not null, archived smallint not null default 0,"
    " primary key (owner, device, message))"
    " with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);"
    "create index pending_message on pending (message, owner, device);"
    "create table device (owner bigint not null, id bigint not null,"
    " last_seen bigint not null, cursor bigint not null, primary key (owner, id));"
    "create table evidence (message bigint primary key, commitment bytea not null, salt bytea)";

/* What waited had an entry as well; now an entry is what an archive shows. On PostgreSQL the
 * peer stands first in the index, so that the planner cannot prefer it to the primary key for a
 * range of an owner's whole archive, or for one entry in a partition that was empty when it
 * looked. A message between two accounts has an entry for either, so this order is as local as
 * the other. On SQLite statements name their index, and the staged entries (staging.c) go in by
 * owner. */
static const char sqlite_archives[] =
    "delete from entry where flags & 1 = 0;"
    "create index entry_peer on entry (owner, peer, message);"
    "create index device_seen on device (last_seen);"
    "create table entry_new (owner integer not null, message integer not null,"
    " peer integer not null, flags integer not null, resource text,"
    " primary key (owner, message)) without rowid;"
    "create view archive as select owner, message, peer, flags from entry"
    " union all select owner, message, peer, flags from entry_new";
static const char pgsql_archives[] =
    "delete from entry where flags & 1 = 0;"
    "create index entry_peer on entry (peer, owner, message);"
    "create index device_seen on device (last_seen);"
    "create view archive as select owner, message, peer, flags from entry";

static const char epochs[] =
    "alter table account add column passwords bigint not null default 0;"
    "alter table account add column disablings bigint not null default 0";

static const char key_sets[] =
    "alter table account add column hashes smallint not null default 7;"
    "create index account_hashes on account (hashes) where hashes <> 7";

static const char sqlite_rooms[] =
    "create table room (id integer primary key autoincrement, jid text not null unique,"
    " host text not null);"
    "create index room_host on room (host, jid)";
static const char pgsql_rooms[] =
    "create table room (id bigint generated always as identity primary key,"
    " jid text collate \"C\" not null unique, host text collate \"C\" not null);"
    "create index room_host on room (host, jid)";

/* No content: what was said stays in table message, or nowhere. */
static const char removals[] =
    "create table removal (message bigint primary key, state smallint not null,"
    " operation text not null, at bigint not null, by_jid text, reason text,"
    " notice_id text, purge_at bigint, purged smallint not null);"
    "create index removal_due on removal (purge_at) where purged = 0;"
    "create index removal_operation on removal (operation);"
    "create table held (message bigint not null, hold bigint not null,"
    " primary key (message, hold));"
    "create index held_hold on held (hold);"
    "alter table account add column kind smallint not null default 0";

/* Whose salts go when a person is erased; a hold's messages in order. */
static const char keeping[] = "alter table evidence add column author bigint;"
                              "create index held_in_order on held (hold, message)";

/* A login's number is taken as message ids are; that of a withdrawal is never used again,
 * whatever is deleted. */
#define ORIGINS                                          \
    "alter table removal add column actor text;"         \
    "alter table evidence add column addressee integer;" \
    "alter table evidence add column class smallint;"    \
    "alter table evidence add column login bigint;"
#define LOGIN_COLUMNS                                                         \
    "jid integer not null, path smallint not null, source smallint not null," \
    " resource text not null"
static const char sqlite_origins[] =
    ORIGINS "create table login (id integer primary key, " LOGIN_COLUMNS ");"
            "create table withdrawn (seq integer primary key autoincrement,"
            " owner integer not null, message integer not null, state integer not null,"
            " at integer not null);"
            "create index withdrawn_owner on withdrawn (owner, seq)";
static const char pgsql_origins[] =
    ORIGINS "create table login (id bigint primary key, " LOGIN_COLUMNS ");"
            "create table withdrawn (seq bigint generated always as identity primary key,"
            " owner bigint not null, message bigint not null, state smallint not null,"
            " at bigint not null);"
            "create index withdrawn_owner on withdrawn (owner, seq)";

static const struct xy_migration migrations[] = {
    {1, sqlite_tables, pgsql_tables},
    {2, sqlite_archives, pgsql_archives},
    {3, epochs, NULL},
    {4, key_sets, NULL},
    {5, sqlite_rooms, pgsql_rooms},
    {6, removals, NULL},
    {7, keeping, NULL},
    {8, sqlite_origins, pgsql_origins},
};

xy_status
xyi_schema_apply(struct xy_str *error)
{
    xy_status status = xyi_store_migrate(XY_STR("xylem"), migrations,
                                         sizeof(migrations) / sizeof(migrations[0]), error);
    if (status != XY_OK)
        return status;
    return xyi_partitions_make(xy_now_ms(), error);
}

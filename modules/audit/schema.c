/* SPDX-License-Identifier: MIT */
/*
 * The tables of the log. The database itself refuses to change or delete a record or a head:
 * not against who owns it, but so that no mistake of ours or a script's does it quietly.
 */
#include "audit.h"

#define RECORD_COLUMNS                                                                      \
    "at bigint not null, operation text not null, actor text not null, kind text not null," \
    " message bigint not null, account text not null, room text not null, reason text not " \
    "null,"                                                                                 \
    " words text not null, details text not null"
#define REST                                                                             \
    "create index audit_record_operation on audit_record (operation);"                   \
    "create index audit_record_kind on audit_record (kind, seq);"                        \
    "create index audit_record_actor on audit_record (actor, seq);"                      \
    "create index audit_record_message on audit_record (message, seq);"                  \
    "create index audit_record_account on audit_record (account, seq);"                  \
    "create index audit_record_room on audit_record (room, seq);"                        \
    "create table audit_batch (after bigint primary key not null, last bigint not null," \
    " count bigint not null, root bytea not null, operation text not null);"             \
    "create table audit_note (name text primary key not null, value text not null);"
#define SQLITE_STAYS(table)                                             \
    "create trigger " table "_unchanged before update on " table        \
    " begin select raise(abort, 'what the audit log says stays'); end;" \
    "create trigger " table "_undeleted before delete on " table        \
    " begin select raise(abort, 'what the audit log says stays'); end;"
#define PGSQL_STAYS(table)                                                         \
    "create trigger " table "_stays before update or delete or truncate on " table \
    " for each statement execute function audit_refuse();"

static const char sqlite_tables[] =
    "create table audit_waiting (id integer primary key autoincrement, " RECORD_COLUMNS ");"
    "create table audit_record (seq integer primary key, " RECORD_COLUMNS ","
    " previous blob not null, hash blob not null);"
    "create table audit_head (size integer primary key, at bigint not null, root blob not null,"
    " chain blob not null, peaks blob not null, key blob not null, next blob not null,"
    " signature blob not null);" REST SQLITE_STAYS("audit_record") SQLITE_STAYS("audit_head");

static const char pgsql_tables[] =
    "create table audit_waiting (id bigint generated always as identity primary key,"
    " " RECORD_COLUMNS ");"
    "create table audit_record (seq bigint primary key, " RECORD_COLUMNS ","
    " previous bytea not null, hash bytea not null);"
    "create table audit_head (size bigint primary key, at bigint not null, root bytea not null,"
    " chain bytea not null, peaks bytea not null, key bytea not null, next bytea not null,"
    " signature bytea not null);" REST
    "create function audit_refuse() returns trigger language plpgsql as"
    " $$ begin raise exception 'what the audit log says stays'; end $$;" PGSQL_STAYS(
        "audit_record") PGSQL_STAYS("audit_head");

const struct xy_migration audit_schema[] = {{1, sqlite_tables, pgsql_tables}};

# SPDX-License-Identifier: MIT
"""The database of a server, past the server: what lies there, and what somebody else changed in it."""
import contextlib
import sqlite3


def query(server, request, statement):
    """The rows, tuples; of text on PostgreSQL."""
    if server.database is not None:
        text = request.getfixturevalue("postgres").psql(server.database, statement)
        return [tuple(line.split("|")) for line in text.splitlines() if line]
    with sqlite3.connect(f"file:{server.directory}/data/xylem.db?mode=ro", uri=True) as database:
        return [tuple(r) for r in database.execute(statement).fetchall()]


def number(server, request, statement):
    return int(query(server, request, statement)[0][0])


@contextlib.contextmanager
def deaf(server, request):
    """The audit log takes no record meanwhile."""
    if server.database is not None:
        before = ["create function deaf() returns trigger language plpgsql as $$ begin raise exception 'deaf'; end $$",
                  "create trigger deaf before insert on audit_waiting for each row execute function deaf()"]
        after = ["drop trigger deaf on audit_waiting", "drop function deaf()"]
    else:
        before = ["create trigger deaf before insert on audit_waiting begin select raise(abort, 'deaf'); end"]
        after = ["drop trigger deaf"]
    for statement in before:
        change(server, request, statement)
    try:
        yield
    finally:
        for statement in after:
            change(server, request, statement)


def change(server, request, statement):
    if server.database is not None:
        request.getfixturevalue("postgres").psql(server.database, statement)
        return
    with sqlite3.connect(server.directory / "data" / "xylem.db", timeout=30) as database:
        database.execute(statement)

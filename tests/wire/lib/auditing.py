# SPDX-License-Identifier: MIT
"""What tests of the audit log share: its commands, the offline verifier, and somebody behind its back."""
import json
import re
import subprocess
import sys

import pytest

from conftest import TOP
import lib.database
from lib import process

VERIFY = TOP / "scripts" / "xylem-verify"


def load_verifier():
    from importlib.machinery import SourceFileLoader
    from importlib.util import module_from_spec, spec_from_loader
    sys.dont_write_bytecode = True
    loader = SourceFileLoader("xylem_verify", str(VERIFY))
    module = module_from_spec(spec_from_loader("xylem_verify", loader))
    loader.exec_module(module)
    return module


def fields(server, *words):
    return server.json("audit", *words)["fields"]


def found(server, *words):
    """Records, the oldest first."""
    return list(reversed(server.json("audit", "search", *words)["rows"]))


def detail(record, name):
    return dict(line.split("=", 1) for line in record["details"].split("; "))[name]


def verified(server):
    """(0, None) or (the first bad record, what is wrong)."""
    status, text, _ = server.ctl("audit", "verify", "--json", check=False)
    said = json.loads(text)["fields"]
    assert (status == 0) == said["intact"], text
    return (0, None) if said["intact"] else (said["bad_record"], said["problem"])


def offline(*words):
    """(status, text) of the offline verifier, isolated: it may use nothing but Python's own library."""
    done = subprocess.run([sys.executable, "-I", "-S", str(VERIFY), *map(str, words)], capture_output=True, text=True)
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def bad_record(text):
    return int(re.search(r"NOT VERIFIED: record (\d+):", text)[1])


def saved(server, name, *words):
    path = server.directory / name
    path.write_text(server.ctl("audit", *words))
    return path


def key_of(server):
    return fields(server, "key")["key"]


class Database:
    """What somebody with access to the database could do, the server being none the wiser."""

    def __init__(self, server, request):
        self.server, self.request, self.postgres = server, request, server.database is not None

    def does(self, *statements):
        for statement in statements:
            lib.database.change(self.server, self.request, statement)

    def asks(self, query):
        [[value]] = lib.database.query(self.server, self.request, query)
        return str(value)

    def messages(self, count):
        """The numbers of all messages that were stored, the oldest first, when there are so many."""
        def stored():
            rows = lib.database.query(self.server, self.request, "select message from evidence order by message")
            return [int(number) for [number] in rows]

        process.wait_until(lambda: len(stored()) >= count, f"{count} messages")
        return stored()

    def unlock(self):
        """Takes away what keeps honest people from changing the log."""
        for table in ("audit_record", "audit_head"):
            if self.postgres:
                self.does(f"drop trigger {table}_stays on {table}")
            else:
                self.does(f"drop trigger {table}_unchanged", f"drop trigger {table}_undeleted")

    def bytes(self, hex):
        return f"'\\x{hex}'" if self.postgres else f"x'{hex}'"


@pytest.fixture
def database(request):
    return lambda server: Database(server, request)


@pytest.fixture
def audited(make_server):
    """A server with a log of 20 records and more, in lots of different sizes."""

    def make(**changes):
        server = make_server(modules={"audit": {"evidence_every": "1 h"}, "actor": True, **changes.pop("modules", {})},
                             **changes)
        for count in (1, 5, 2, 9):
            server.ctl("actor", "act", count, "--words", f"words {count}")
            fields(server, "seal")
        return server

    return make

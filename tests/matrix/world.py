# SPDX-License-Identifier: MIT
"""Where the cells happen: one server with an injected clock, its accounts, its database."""
import asyncio
import re
import sqlite3
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from connection import PATIENCE
from lib import process
from lib.postgres import Postgres
from lib.server import HOSTS, Server

TOP = Path(__file__).resolve().parent.parent.parent
MODULES = ("sasl", "bind", "presence", "roster", "offline", "disco", "ping", "mam", "sm", "carbons", "csi", "sasl2",
           "bind2", "fast")
# Steps of the clock stay below limits.idle, so that whoever is alive is asked and answers in time.
STEP, RESUME_FOR, IDLE, ACK_TIMEOUT = "50 s", "2 min", "60 s", "60 s"
NOTICED, EXPIRED = 4, 4


class World:
    def __init__(self, build, engine, directory, clear="archived"):
        self.directory = Path(tempfile.mkdtemp(prefix="matrix-", dir=directory))
        self.directory.chmod(0o755)
        self.engine = engine
        storage, _, threads = engine.partition(":")
        self.postgres = None
        store = {"driver": "sqlite", "path": "data/xylem.db"}
        if storage == "pgsql":
            self.postgres = Postgres(self.directory / "pg")
            self.database = self.postgres.new_database()
            store = {"driver": "pgsql", "url": self.postgres.url(self.database)}
        certificate = process.make_certificate(self.directory, *HOSTS)
        changes = {
            "io_threads": int(threads or 0),
            "log": {"level": "info"},
            "limits": {"idle": IDLE, "connections": None, "sessions": None, "auth_timeout": None},
        }
        self.server = Server(TOP / build, self.directory / "s", store, certificate, changes, test_clock=True)
        self.server.config["modules"] = {
            **{name: True for name in MODULES}, "mam": {"default": "always"}, "offline": {"clear": clear},
            "sm": {"resume_for": RESUME_FOR, "ack_timeout": ACK_TIMEOUT}}
        self.server.write_config()
        self.domain = self.server.domain
        self.port = self.server.port("direct")

    def start(self):
        self.server.start()

    def stop(self):
        """What was wrong with the server's end, or None."""
        try:
            self.server.stop()
        except AssertionError as error:
            return str(error)
        finally:
            self.server.kill()
            if self.postgres:
                self.postgres.end()
        return None

    # ---- accounts and clock -----------------------------------------------------------------------

    def names(self, number):
        return f"s{number}@{self.domain}", f"r{number}@{self.domain}"

    def populate(self, numbers):
        self.server.import_accounts([jid for number in numbers for jid in self.names(number)])

    async def prefers(self, jid, default):
        """The administrator's way: lists are empty after it."""
        await asyncio.to_thread(self.server.ctl, "mam", "preferences", jid, "--reset")
        await asyncio.to_thread(self.server.ctl, "mam", "preferences", jid, "--default", default)

    async def jump(self, journeys):
        """Idle connections are asked whether they live, the dead are noticed, sessions expire; who is
        alive stays."""
        await self.steps(journeys, NOTICED)
        dead = {jid for journey in journeys for jid in journey.dead_sessions()}
        await self.until_gone(journeys, lambda connected, detached: dead & connected)
        await self.steps(journeys, EXPIRED)
        await self.until_gone(journeys, lambda connected, detached: detached)

    async def until_gone(self, journeys, wrong):
        """Closing connections and ending sessions takes real time, and more of the clock's."""
        deadline = time.monotonic() + PATIENCE
        while left := wrong(*await asyncio.to_thread(self.sessions)):
            assert time.monotonic() < deadline, f"these sessions should have ended: {left}"
            await asyncio.sleep(0.1)
            await self.steps(journeys, 1)

    async def steps(self, journeys, count):
        for _ in range(count):
            await asyncio.to_thread(self.server.advance, STEP)
            await asyncio.gather(*(j.is_alive() for j in journeys))

    def sessions(self):
        """Full JIDs of the sessions with a connection, and of those without."""
        found = set(), set()
        for row in self.server.json("session", "list")["rows"]:
            found[row["address"] == "detached"].add(row["jid"])
        return found

    # ---- the database, as an operator reads it ----------------------------------------------------

    def rows(self, statement):
        if self.postgres:
            text = self.postgres.psql(self.database, statement)
            return [tuple(line.split("|")) for line in text.splitlines()]
        with sqlite3.connect(f"file:{self.directory}/s/data/xylem.db?mode=ro", uri=True) as database:
            return database.execute(statement).fetchall()

    def stored(self):
        """Client's message id -> {"archived": bits, "entries": owners, "waiting": {(owner, device)}}."""
        text = "encode(stanza, 'escape')" if self.postgres else "cast(stanza as text)"
        owners = {int(owner): jid for owner, jid in self.rows("select owner, jid from account")}
        by_row, found = {}, {}
        for row, archived, stanza in self.rows(f"select id, archived, {text} from message"):
            match = re.search(r"\bid=['\"](m\d+-\d+)['\"]", stanza)
            if match:
                by_row[int(row)] = found[match[1]] = {"archived": int(archived), "entries": set(), "waiting": set()}
        for owner, row in self.rows("select owner, message from archive"):
            if int(row) in by_row:
                by_row[int(row)]["entries"].add(owners.get(int(owner)))
        for owner, device, row in self.rows("select owner, device, message from pending"):
            if int(row) in by_row:
                by_row[int(row)]["waiting"].add((owners.get(int(owner)), int(device)))
        return defaultdict(lambda: {"archived": 0, "entries": set(), "waiting": set(), "absent": True}, found)

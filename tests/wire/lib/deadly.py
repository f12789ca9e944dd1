# SPDX-License-Identifier: MIT
"""A server that is killed at its n-th write, for each n (requirement S1-4):

    stage = Stage(server, actors, request)
    sweep(stage, Act)

An act is made anew for each write: Act(stage) prepares it among people nobody used yet, does() does it, with the
server's writes counted and the server killed at one of them, found(told) looks at what is left when the server has
started again, before anybody says anything, and completes(told) brings it to its end and checks that.

Writes are those to the files of the database, or what is sent to it. Just after one of them the disk is as just before
the next, so the moments take turns: before, in the midst, after; all three for each with XYLEM_ALL_WRITES=1."""
import os
import subprocess
import sys
import time
from pathlib import Path

from . import database, process
from .server import CommandFailed
from .stream import Ended

sys.path.append(str(Path(__file__).resolve().parent.parent.parent / "crash"))
from faults import AFTER, BEFORE, INSIDE, Faults  # noqa: E402

MOMENTS = {BEFORE: "before", INSIDE: "inside", AFTER: "after"}
ALL = bool(os.environ.get("XYLEM_ALL_WRITES"))
BROKEN = (Ended, OSError, CommandFailed)  # what its clients see of a killed server

LOG = " union all ".join(f"select kind, message, account, reason, details from {table}"
                         for table in ("audit_record", "audit_waiting"))


def listed(ids):
    return ", ".join(map(str, ids))


class Psql:
    """One psql for many questions."""

    def __init__(self, postgres, name):
        command = [str(postgres.bin / "psql"), "-X", "-A", "-t", "-q", "-h", str(postgres.directory), "-U", "xylem", name]
        self.process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def asks(self, statement):
        self.process.stdin.write(f"{statement};\n\\echo .\n")
        self.process.stdin.flush()
        return [tuple(line.split("|")) for line in iter(lambda: self.process.stdout.readline().rstrip("\n"), ".")]

    def ends(self):
        self.process.stdin.close()
        self.process.wait()


class Stage:
    """A server under faults.so and whoever is at it; its clock goes on over its restarts."""

    def __init__(self, server, actors, request):
        self.server, self.request, self.actors = server, request, actors
        postgres = request.getfixturevalue("postgres") if server.database else None
        self.psql = Psql(postgres, server.database) if postgres else None
        self.faults = Faults(request.getfixturevalue("build") / "crash" / "faults.so", server.directory / "faults",
                             server.directory / "data", logs=False, socket=postgres and postgres.directory)
        server.faults, server.test_clock = self.faults, int(time.time() * 1000)
        server.start()
        self.opens()

    def opens(self):
        self.cast = self.actors(self.server)
        self.cast.defaults = {"tls": "none"}

    def closes(self):
        self.cast.close()
        if self.psql:
            self.psql.ends()

    # ---- its database, past it -------------------------------------------------------------------

    def query(self, statement):
        """Rows of numbers, as far as they are some."""
        rows = self.psql.asks(statement) if self.psql else database.query(self.server, self.request, statement)
        return [tuple(int(v) if str(v).lstrip("-").isdigit() else v for v in row) for row in rows]

    def number(self, statement):
        return self.query(statement)[0][0]

    # ---- its life --------------------------------------------------------------------------------

    def lives(self):
        return self.server.process.poll() is None

    def advances(self, seconds):
        self.server.advance(f"{seconds} s")
        self.server.test_clock += seconds * 1000

    def rests(self):
        """The log of audit has numbered what there is."""
        self.advances(2)
        self.until(lambda: self.number("select count(*) from audit_waiting") == 0, "the records' numbers")

    def until(self, test, what):
        """Raises Ended if the server dies instead."""
        process.wait_until(lambda: not self.lives() or test(), what, 60)
        if not self.lives():
            raise Ended(what)

    def restarts(self):
        """With everybody's connection broken, and the database done with what it had been sent."""
        self.cast.close()
        self.server.kill()
        if self.psql:
            others = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            process.wait_until(lambda: self.number(others) == 0, "the end of the server's connections", 60)
        self.server.start()
        self.opens()

    def holds(self):
        """What is true at any time."""
        books = self.server.json("server", "invariant")["fields"]
        assert books["holds"] is True, books
        self.server.ctl("audit", "verify")

    def records(self, column, where):
        """That of each audit record, numbered or not: in one look, for they are numbered meanwhile."""
        return [r[0] for r in self.query(f"select {column} from ({LOG}) l where {where}")]

    def facts(self, ids, kind):
        """Of each message, in one look: its state, how often it is known to be removed, its records, for whom it waits."""
        return self.query(f"select m.state, (select count(*) from removal x where x.message = m.id),"
                          f" (select count(*) from ({LOG}) l where l.message = m.id and l.kind = '{kind}'),"
                          f" (select count(*) from pending q where q.message = m.id) from message m"
                          f" where m.id in ({listed(ids)}) order by m.id")


def is_told(act):
    """Whether those who did it know that it is done; whatever comes, they hear of it, or of the end."""
    try:
        return bool(act.does())
    except BROKEN:
        return False


def thinned(numbers, most):
    """At most so many of them, two at least, from end to end."""
    most = max(most, 2)
    if len(numbers) <= most:
        return numbers
    return sorted({numbers[round(i * (len(numbers) - 1) / (most - 1))] for i in range(most)})


def points(kinds, most):
    """Numbers of writes: all of them; or, to come to `most`, both ends, those around each flush and truncation, between
    which the database writes pages that count for nothing until the last of them is there, and some of the rest."""
    numbers = list(range(1, len(kinds) + 1))
    if ALL or len(kinds) <= most:
        return numbers
    edges = {1, len(kinds)}
    for at, kind in enumerate(kinds, 1):
        if kind in "ft":
            edges |= {at - 1, at, at + 1} & set(numbers)
    rest = [n for n in numbers if n not in edges]
    chosen = thinned(sorted(edges), most * 3 // 4)
    return sorted({*chosen, *thinned(rest, most - len(chosen))})


def dry_run(stage, make):
    """The kinds of its writes."""
    act = make(stage)
    stage.faults.arms()
    assert is_told(act), "nobody was told that it is done"
    writes, kinds = stage.faults.disarms()
    assert writes == len(kinds) > 2, "its writes are not seen"
    assert act.found(True)
    act.completes(True)
    return kinds


def killed_at(stage, make, number, moment):
    """True: it was. The act may have fewer writes today."""
    act = make(stage)
    stage.faults.arms(number, moment)
    told = is_told(act)
    try:
        if told and stage.faults.disarms()[0] < number:
            return False
        process.wait_until(lambda: not stage.lives(), "its death")
        stage.faults.disarms()
        stage.restarts()
        happened = act.found(told)
        assert happened or not told, "who did it was told that it is done, and it is not"
        act.completes(happened)
        stage.holds()
    except Exception as error:
        raise AssertionError(f"killed {MOMENTS[moment]} write {number}: {error!r}") from error
    return True


def sweep(stage, make, most=16):
    kinds = dry_run(stage, make)
    stage.holds()
    kills = 0
    for turn, number in enumerate(points(kinds, most)):
        for moment in MOMENTS if ALL else [turn % 3]:
            kills += killed_at(stage, make, number, moment)
    print(f"{make.__name__}: {len(kinds)} writes {kinds}, {kills} kills")
    assert kills >= min(len(kinds), most) / 2, "it is not killed where it was to be"

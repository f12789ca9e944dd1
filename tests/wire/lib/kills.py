# SPDX-License-Identifier: MIT
"""Random kills among retractions (S0-4, S1-4). CRASH_SEED chooses another course (what the machine does in between is
not repeatable), CRASH_KILLS a longer one."""
import contextlib
import os
import threading

from . import process
from .database import query
from .deadly import LOG
from .server import CommandFailed

KILLS, STEPS = int(os.environ.get("CRASH_KILLS", "12")), 40
SEED = int(os.environ.get("CRASH_SEED", "5"))
GRANT = {"grant": [f"unix:{os.getuid()}"]}
NAMES = ("romeo", "juliet", "nurse")


class Office:
    """Administrators: what they took back for certain, and what they began while the server died."""

    def __init__(self, server):
        self.server, self.certain, self.maybe = server, set(), set()

    def removes(self, target, *words):
        try:
            plan = self.server.json("retract", "plan", *words)["fields"]["plan"]
            asked = self.server.json("retract", "request", plan, "--reason-code", "legal", "--reason", "a test")["fields"]
            self.maybe.add(target)
            if self.server.json("retract", "apply", asked["request"])["fields"]["state"] == "done":
                self.certain.add(target)
        except CommandFailed:
            pass  # there is no such message yet, or no server

    def comes_to_rest(self):
        """Jobs go on by themselves."""
        process.wait_until(lambda: all(r["state"] != "applying" for r in self.server.json("retract", "status")["rows"]),
                           "the jobs' end", 60)


def agrees(server, request):
    """As it is found, whoever is at work: all three links of each, or none."""
    [row] = query(server, request, f"select (select count(*) from removal), (select count(*) from message where state > 0),"
                                   f" (select count(distinct message) from ({LOG}) l where kind in ('retract', 'moderate',"
                                   f" 'remove')), (select count(*) from ({LOG}) l where kind in ('retract', 'moderate',"
                                   " 'remove'))")
    assert len(set(map(int, row))) == 1, row
    server.ctl("audit", "verify")
    books = server.json("server", "invariant")["fields"]
    assert books["holds"] is True, books


def killed_in_the_middle(server, dice, step):
    killer = threading.Timer(dice.uniform(0.005, 0.12), server.kill)
    killer.start()
    for _ in range(STEPS):
        with contextlib.suppress(OSError):
            step()
    killer.join()
    server.start()

# SPDX-License-Identifier: MIT
"""Retention at its edges (S1-6, S1-14, N22): times without end, long messages, kills between a purge and its scrub."""
import pytest

from lib import process
from lib.archive import texts
from lib.database import number
from lib.removal import retracts, says
from test_retention import found_in_files, keeping, records, removed, runs  # noqa: F401

pytestmark = pytest.mark.xylem
FOREVER = "365000 days"


def test_n22_the_longest_period_is_for_ever(keeping):
    server, cast = keeping(retention={"keep_for": {"user": FOREVER}})
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "kept")
    romeo.settles()
    server.ctl("retention", "set", romeo.jid, "--keep-for", FOREVER, "--reason", "x")
    assert server.ctl("retention", "set", romeo.jid, "--keep-for", "9223372036854775807 ms", "--reason", "x",
                      check=False)[0] == 2
    assert server.json("retention", "preview")["fields"]["due"] == 0
    runs(server)
    server.json("retention", "show", romeo.jid)
    assert texts(romeo) == texts(juliet) == ["kept"] and not records(server, "expire")


def test_s1_6_long_messages_leave_the_files_too(keeping, request):
    """One that fills many pages, some on the way into the archive, some there."""
    server, cast = keeping(governance="minimal")
    romeo, juliet = cast.online("romeo", "juliet")
    for i in range(4):
        says(romeo, juliet, f"m{i}", "".join(f"canary-{i}-{n} " for n in range(3000)))
    romeo.settles()
    for i in range(4):
        retracts(romeo, juliet, f"m{i}", id=f"r{i}")
    romeo.settles()
    removed(server, request, 4)
    process.wait_until(lambda: number(server, request, "select count(*) from removal where purged = 1") == 4, "the purge", 60)
    if server.database is None:
        process.wait_until(lambda: not found_in_files(server, "canary-"), "the scrub", 60)


def test_s1_6_killed_between_a_purge_and_its_scrub(keeping, request):
    """The next start scrubs, without being asked and without waiting for the next purge."""
    server, cast = keeping(governance="minimal")
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "canary-of-the-scrub")
    romeo.settles()
    retracts(romeo, juliet, "m1")
    process.wait_until(lambda: number(server, request, "select count(*) from removal where purged = 1") == 1, "the purge", 60)
    server.kill()
    server.start()
    if server.database is None:
        process.wait_until(lambda: not found_in_files(server, "canary-of-the-scrub"), "the scrub", 30)

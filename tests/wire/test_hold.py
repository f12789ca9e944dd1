# SPDX-License-Identifier: MIT
"""Legal holds (N4): every destroyer meets success and destroys nothing; the report lists it; release
restores ageing and destroys nothing by itself."""
import json

import pytest

from lib import hall, process
from lib.archive import ask, texts
from lib.database import number
from lib.room import hush
from lib.removal import retracts, says, tombstones

pytestmark = pytest.mark.xylem
MODULES = {"mam": True, "audit": True, "retract": {"count": None}, "retention": True, "hold": True}


@pytest.fixture
def holding(make_server, actors):
    def make(**changes):
        modules = {**MODULES, **changes.pop("modules", {})}
        server = make_server(test_clock=True, limits={"idle": None}, modules=modules, **changes)
        return server, actors(server)
    return make


def holds(server, *words):
    number = server.json("hold", "add", "--name", "case", "--reason", "court order 7", *words)["fields"]["hold"]
    process.wait_until(lambda: shown(server, number)["state"] == "complete", "the hold's messages", 30)
    return number


def shown(server, hold):
    return server.json("hold", "show", hold)["fields"]


def fates(server, hold):
    return [r["for_users"] for r in server.json("hold", "show", hold)["rows"]]


def package(server, hold, *words):
    lines = server.json("hold", "export", hold, "--reason", "for the court", *words)["fields"]["export"]
    return [json.loads(line) for line in lines.splitlines()]


def exported(server, hold):
    return "".join(line.get("stanza", "") for line in package(server, hold))


def runs(server):
    """The job may be at work."""
    process.wait_until(lambda: server.ctl("retention", "run", check=False)[0] == 0, "a run", 30)


def until(server, test):
    def look():
        server.advance("1 min")
        return test()
    process.wait_until(look, "the job", 30)


def test_n4_retraction_and_purge_under_hold(holding, request):
    """Purge at once by policy: users see it gone, the sealed copy is there, before and after a restart."""
    server, cast = holding(governance="minimal")
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "before the hold")
    romeo.settles()
    hold = holds(server, "--person", romeo.jid)
    says(juliet, romeo, "m2", "after the hold")
    juliet.settles()
    assert shown(server, hold)["messages"] == 2 and shown(server, hold)["destroyed_for_users"] == 0
    retracts(romeo, juliet, "m1")
    retracts(juliet, romeo, "m2", id="r2")
    romeo.settles()
    juliet.settles()
    until(server, lambda: len(tombstones(ask(romeo))) == 2)
    runs(server)
    assert number(server, request, "select count(*) from removal where purged = 1") == 0
    assert len([f for f in fates(server, hold) if f.startswith("retracted")]) == 2
    text = exported(server, hold)
    assert "before the hold" in text and "after the hold" in text
    kinds = [r["kind"] for r in server.json("audit", "search")["rows"]]
    assert "hold" in kinds and "privileged_read" in kinds


def test_n4_retention_under_hold(holding):
    server, cast = holding(modules={"retention": {"keep_for": {"user": "1 day"}}})
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "evidence")
    romeo.settles()
    hold = holds(server, "--person", romeo.jid, "--with", juliet.jid)
    server.advance("2 days")
    until(server, lambda: texts(romeo) == [] and texts(juliet) == [])
    assert fates(server, hold) == ["in no archive any more"]
    assert "evidence" in exported(server, hold)


def test_n4_archive_retention_under_hold(holding):
    server, cast = holding(modules={"mam": {"keep_for": "1 day"}})
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "evidence")
    romeo.settles()
    hold = holds(server, "--keyword", "EVIDENCE")
    server.advance("2 days")
    until(server, lambda: texts(romeo) == [] and texts(juliet) == [])
    assert "evidence" in exported(server, hold)


def test_n4_offline_expiry_under_hold(holding):
    server, cast = holding(modules={"mam": False, "offline": {"keep_for": "1 day"}})
    romeo, juliet = cast.online("romeo", "juliet")
    juliet.sends("<presence type='unavailable'/>")
    juliet.settles()
    hold = holds(server, "--person", juliet.jid)
    says(romeo, juliet, "m1", "never fetched")
    process.wait_until(lambda: shown(server, hold)["messages"] == 1, "the message under the hold", 30)
    server.advance("2 days")
    until(server, lambda: fates(server, hold) == ["in no archive any more"])
    assert "never fetched" in exported(server, hold)


def test_n4_account_deletion_under_hold(holding):
    server, cast = holding()
    romeo, juliet = cast.online("romeo", "juliet")
    bare = romeo.jid
    says(romeo, romeo, "m1", "a note to myself")
    romeo.settles()
    hold = holds(server, "--person", bare)
    server.ctl("user", "delete", bare)
    until(server, lambda: fates(server, hold) == ["in no archive any more"])
    assert "a note to myself" in exported(server, hold)
    server.restart()
    assert "a note to myself" in exported(server, hold)


def test_n4_room_destruction_under_hold(holding):
    """By the room, and by the person who really wrote there."""
    server, cast = holding(modules={k: v for k, v in hall.MODULES.items() if k != "lenient"})
    place, romeo, juliet = hall.gathers(cast, "romeo", "juliet")
    hall.says(place, romeo, "before")
    hush(romeo, juliet)
    by_room, by_romeo = holds(server, "--room", str(place)), holds(server, "--person", romeo.jid)
    hall.says(place, romeo, "after")
    hush(romeo, juliet)
    hall.says(place, juliet, "other")
    assert shown(server, by_room)["messages"] == 3 and shown(server, by_romeo)["messages"] == 2
    server.ctl("room", "destroy", str(place))
    until(server, lambda: fates(server, by_room) == ["in no archive any more"] * 3)
    text = exported(server, by_romeo)
    assert "before" in text and "after" in text and "other" not in text


def test_n4_by_keyword_and_time(holding):
    server, cast = holding()
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "about the DAGGER")
    says(romeo, juliet, "m2", "about nothing")
    romeo.settles()
    word = holds(server, "--keyword", "dagger")
    later = holds(server, "--since", "2100-01-01T00:00:00Z")
    says(romeo, juliet, "m3", "Dagger again")
    says(romeo, juliet, "m4", "nothing again")
    romeo.settles()
    assert shown(server, word)["messages"] == 2 and shown(server, later)["messages"] == 0
    assert "nothing" not in exported(server, word)


def test_n4_release_destroys_nothing_by_itself(holding, request):
    """What an archive has ages again; what only the hold kept stays for its time, then goes with a record."""
    server, cast = holding(modules={"retention": {"keep_for": {"user": "1 day"}}, "hold": {"keep_released": "5 days"}})
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "expired under hold")
    romeo.settles()
    hold = holds(server, "--person", romeo.jid)
    server.advance("2 days")
    until(server, lambda: texts(romeo) == [])
    says(romeo, juliet, "m2", "still there")
    romeo.settles()
    server.ctl("hold", "release", hold, "--reason", "settled")
    process.wait_until(lambda: shown(server, hold)["state"] == "released", "the release", 30)
    assert "expired under hold" in exported(server, hold) and texts(juliet) == ["still there"]
    assert number(server, request, "select count(*) from message") == 2
    says(romeo, juliet, "m3", "after the release")
    romeo.settles()
    assert shown(server, hold)["messages"] == 1
    server.advance("6 days")
    until(server, lambda: shown(server, hold)["state"] == "ended")
    until(server, lambda: number(server, request, "select count(*) from message") == 0)
    [record] = [r for r in server.json("audit", "search", "--kind", "purge")["rows"] if r["reason"] == "hold_released"]
    assert "count=1" in record["details"]
    assert server.json("audit", "search", "--kind", "release")["rows"][0]["words"] == "settled"


def test_n4_two_holds(holding, request):
    server, cast = holding(modules={"hold": {"keep_released": "1 day"}}, governance="minimal")
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "wanted twice")
    romeo.settles()
    one, two = holds(server, "--person", romeo.jid), holds(server, "--person", juliet.jid)
    retracts(romeo, juliet, "m1")
    romeo.settles()
    server.ctl("hold", "release", one, "--reason", "settled")
    server.advance("2 days")
    until(server, lambda: shown(server, one)["state"] == "ended")
    runs(server)
    assert "wanted twice" in exported(server, two)
    server.ctl("hold", "release", two, "--reason", "settled")
    server.advance("2 days")
    until(server, lambda: shown(server, two)["state"] == "ended")
    until(server, lambda: number(server, request, "select count(*) from removal where purged = 1") == 1)


def test_n4_gathering_survives_a_kill(holding, request):
    server, cast = holding()
    romeo, juliet = cast.online("romeo", "juliet")
    for i in range(1200):
        says(romeo, juliet, f"m{i}", f"t{i}")
    romeo.settles()
    hold = server.json("hold", "add", "--name", "x", "--reason", "y", "--person", romeo.jid)["fields"]["hold"]
    server.kill()
    server.start()
    process.wait_until(lambda: shown(server, hold)["state"] == "complete", "the hold's messages", 60)
    assert shown(server, hold)["messages"] == 1200
    assert number(server, request, "select count(*) from held") == 1200


def test_the_package_stands_by_itself(holding):
    import hashlib
    server, cast = holding()
    romeo, juliet = cast.online("romeo", "juliet")
    for i in range(3):
        says(romeo, juliet, f"m{i}", f"text \"{i}\" \\")
    romeo.settles()
    hold = holds(server, "--person", romeo.jid)
    text = server.json("hold", "export", hold, "--reason", "for the court")["fields"]["export"]
    body, last = text.rstrip("\n").rsplit("\n", 1)
    assert json.loads(last)["sha256"] == hashlib.sha256((body + "\n").encode()).hexdigest()
    lines = package(server, hold, "--limit", "2")
    assert lines[-1]["count"] == 2 and lines[-1]["more"] == f"--after {lines[2]['message']}"
    for line in lines[1:-1]:
        assert hashlib.sha256(line["stanza"].encode()).hexdigest() == line["stanza_sha256"]
        assert len(line["commitment"]) == 128 and len(line["salt"]) == 32
    assert server.ctl("hold", "export", hold, check=False)[0] == 2


@pytest.mark.parametrize("words", [(), ("--with", "a@b"), ("--person", "a@b/c"), ("--since", "yesterday"),
                                   ("--since", "2026-01-02T00:00:00Z", "--until", "2026-01-01T00:00:00Z")])
def test_wrong_holds_are_refused(holding, words):
    server, _ = holding()
    assert server.ctl("hold", "add", "--name", "x", "--reason", "y", *words, check=False)[0] == 2
    assert server.json("hold", "list")["rows"] == []

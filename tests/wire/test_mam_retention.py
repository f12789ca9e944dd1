# SPDX-License-Identifier: MIT
"""What leaves an archive, when, and what that does to the rest: the oldest first, never an id twice,
nobody else's copy, nothing that still waits for a device."""
import pytest

from lib import dom, process
from lib.archive import ask, everything, metadata, prefers, shared_server, texts, trims, write
from lib.database import query

pytestmark = pytest.mark.xylem
assert shared_server
LOT = 64  # what retention takes out at a time


@pytest.fixture
def archiving(make_server, actors):
    """archiving(keep_for="1 day"): a server on injected time, and its cast."""
    def make(**options):
        server = make_server(test_clock=True, modules={"mam": options or True}, limits={"idle": None})
        return server, actors(server)
    return make


def trimmed(server):
    return sum(r["value"] for r in server.json("metrics")["rows"] if r["metric"].startswith("mam.trimmed"))


def test_old_messages_leave_and_their_ids_are_gone(archiving):
    server, cast = archiving(keep_for="1 day")
    romeo, juliet = cast.online("romeo", "juliet")
    write(romeo, juliet, 1, 2, 3)
    server.advance("12 h")
    write(romeo, juliet, 4, 5)
    juliet.settles()
    juliet.events.clear()
    before = everything(juliet)
    server.advance("11 h")
    server.advance("11 min")
    assert len(ask(juliet).results) == 5  # 23 hours old
    server.advance("1 h")
    trims(server, lambda: len(ask(juliet).results) + len(ask(romeo).results) == 4)
    assert texts(juliet) == texts(romeo) == ["4", "5"]
    for gone in before[:3]:
        for wrong in (dict(after=gone.id), dict(before=gone.id), dict(fields={"after-id": gone.id}),
                      dict(fields={"before-id": gone.id}), dict(fields={"ids": [before[4].id, gone.id]})):
            assert ask(juliet, **wrong).error == ("item-not-found", "cancel")
    assert ask(juliet, after=before[3].id).texts == ["5"]
    assert metadata(juliet)[0] == (before[3].id, before[3].stamp)
    write(romeo, juliet, 6)
    juliet.events.clear()
    assert everything(juliet)[-1].id not in {r.id for r in before}
    assert trimmed(server) == 6
    server.advance("2 days")
    trims(server, lambda: not ask(juliet).results)
    assert metadata(juliet) == []


def test_the_newest_are_kept_by_number(archiving):
    server, cast = archiving(keep_messages=10)
    romeo = cast.online("romeo")
    write(romeo, romeo, *range(3 * LOT + 20))
    romeo.events.clear()
    trims(server, lambda: server.json("mam", "count", romeo.jid)["fields"]["messages"] == 10)
    assert [int(t) for t in texts(romeo)] == list(range(3 * LOT + 10, 3 * LOT + 20))
    for _ in range(3):
        server.advance("11 min")
    assert len(everything(romeo)) == 10
    assert server.json("mam", "count", romeo.jid)["fields"]["messages"] == 10


def test_whatever_comes_first_counts(archiving):
    server, cast = archiving(keep_messages=5, keep_for="1 day")
    romeo = cast.online("romeo")
    write(romeo, romeo, *range(8))
    romeo.events.clear()
    trims(server, lambda: len(everything(romeo)) == 5)
    server.advance("25 h")
    trims(server, lambda: not everything(romeo))


def test_for_ever_unless_told_otherwise(archiving):
    server, cast = archiving()
    romeo = cast.online("romeo")
    write(romeo, romeo, "kept")
    romeo.events.clear()
    server.advance("5000 days")
    server.advance("11 min")
    server.advance("1 s")
    assert texts(romeo) == ["kept"]


def test_an_accounts_own_policy(archiving):
    server, cast = archiving(keep_for="1 day")
    romeo, juliet, nurse = cast.online("romeo", "juliet", "nurse")
    assert server.json("mam", "policy", juliet.jid)["fields"] == {
        "keep_for": "1 day", "keep_for_said_by": "host", "keep_messages": "none", "keep_messages_said_by": "host"}
    server.ctl("mam", "policy", juliet.jid, "--keep-for", "none")
    server.ctl("mam", "policy", nurse.jid, "--keep-for", "10 days", "--keep-messages", 2)
    fields = server.json("mam", "policy", nurse.jid)["fields"]
    assert fields == {"keep_for": "10 days", "keep_for_said_by": "account", "keep_messages": "2",
                      "keep_messages_said_by": "account"}
    for who in (juliet, nurse):
        write(romeo, who, 1, 2, 3)
    for who in (juliet, nurse):
        who.events.clear()
    server.advance("2 days")
    trims(server, lambda: not everything(romeo))
    trims(server, lambda: len(everything(nurse)) == 2)
    assert len(everything(juliet)) == 3
    server.ctl("mam", "policy", nurse.jid, "--reset")
    server.ctl("mam", "policy", juliet.jid, "--keep-for", "host")
    trims(server, lambda: not everything(nurse) and not everything(juliet))


def test_an_accounts_own_policy_where_the_host_has_none(archiving):
    server, cast = archiving()
    romeo, juliet = cast.online("romeo", "juliet")
    write(romeo, juliet, 1, 2, 3)
    juliet.events.clear()
    server.ctl("mam", "policy", juliet.jid, "--keep-messages", 1)
    trims(server, lambda: len(everything(juliet)) == 1)
    assert texts(juliet) == ["3"] and len(texts(romeo)) == 3


@pytest.mark.parametrize("arguments", [
    ["--keep-for", "30"], ["--keep-for", "soon"], ["--keep-for", "1 s"], ["--keep-messages", "0"],
    ["--keep-messages", "-1"], ["--keep-messages", "many"]])
def test_wrong_policies(archiving, arguments):
    server, cast = archiving()
    jid = cast.account("romeo")
    assert server.ctl("mam", "policy", jid, *arguments, check=False)[0] == 2
    assert server.json("mam", "policy", jid)["fields"]["keep_for_said_by"] == "host"


def test_what_still_waits_is_delivered_although_its_time_in_the_archive_is_up(archiving):
    """Requirement S2-6."""
    server, cast = archiving(keep_for="1 h")
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    write(romeo, jid, "late")
    server.advance("2 h")
    trims(server, lambda: trimmed(server) == 2)
    juliet = cast.client("juliet", jid=jid).logs_in()
    assert metadata(juliet) == []
    juliet.sends("<presence/>")
    juliet.hears("<presence/>")
    assert dom.find(juliet.next_element(), "client:body").text == "late"


def test_a_peers_copy_stays(archiving):
    server, cast = archiving()
    romeo, juliet = cast.online("romeo", "juliet")
    server.ctl("mam", "policy", romeo.jid, "--keep-for", "1 h")
    write(romeo, juliet, "stays")
    juliet.events.clear()
    server.advance("2 h")
    trims(server, lambda: not everything(romeo))
    assert texts(juliet) == ["stays"]


def test_the_archive_of_a_deleted_account_goes(archiving, request):
    server, cast = archiving()
    romeo = cast.online("romeo")
    prefers(romeo, "always", ["a@b.example"])
    server.ctl("mam", "policy", romeo.jid, "--keep-for", "none")
    write(romeo, romeo, *range(2 * LOT + 5))
    assert query(server, request, "select count(*) from archive") != query(server, request, "select 0")
    server.ctl("user", "delete", romeo.jid)
    for table in ("mam_preferences", "mam_policy", "archive", "message"):
        process.wait_until(lambda: query(server, request, f"select * from {table}") == [], f"an empty {table}")


def test_count(archiving):
    server, cast = archiving()
    romeo = cast.online("romeo")
    assert server.json("mam", "count", romeo.jid)["fields"] == {"messages": 0, "more": False}
    for total in (1, 2, 7):
        already = server.json("mam", "count", romeo.jid)["fields"]["messages"]
        write(romeo, romeo, *range(already, total))
        fields = server.json("mam", "count", romeo.jid)["fields"]
        assert fields["messages"] == total and not fields["more"]
    romeo.events.clear()
    results = everything(romeo)
    shown = [r.stamp.strftime("%Y-%m-%dT%H:%M:%S") for r in (results[0], results[-1])]
    assert [fields["oldest"][:19], fields["newest"][:19]] == shown
    assert server.ctl("mam", "count", "nobody@xylem.test", check=False)[0] == 3

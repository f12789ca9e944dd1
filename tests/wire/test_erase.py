# SPDX-License-Identifier: MIT
"""Erasing a person (N2): the account goes, and what could prove or refute what he wrote; what others have
stays theirs unless governance is minimal; holds win."""
import pytest

from lib import process
from lib.archive import texts
from lib.database import number
from lib.removal import says

pytestmark = pytest.mark.xylem
SALTED = "select count(*) from evidence where salt is not null"


@pytest.fixture
def erasing(make_server, actors):
    def make(**changes):
        modules = {"mam": True, "audit": True, "retention": True, "hold": True}
        server = make_server(test_clock=True, limits={"idle": None}, modules=modules, **changes)
        return server, actors(server)
    return make


def erase(server, bare):
    return server.json("user", "erase", bare, "--reason", "asked for it", "--yes")["fields"]


def test_n2_the_salts_go_and_the_peer_keeps_his_copy(erasing, request):
    server, cast = erasing()
    romeo, juliet = cast.online("romeo", "juliet")
    bare = romeo.jid
    says(romeo, juliet, "m1", "by romeo")
    says(juliet, romeo, "m2", "by juliet")
    says(romeo, romeo, "m3", "to himself")
    for client in (romeo, juliet):
        client.settles()
    assert number(server, request, SALTED) == 3
    assert erase(server, bare)["salts"] == 2
    assert number(server, request, SALTED) == 1
    assert sorted(texts(juliet)) == ["by juliet", "by romeo"]
    process.wait_until(lambda: number(server, request, "select count(*) from message") == 2, "his archive", 30)
    assert server.ctl("user", "show", bare, check=False)[0] == 3
    done, asked = server.json("audit", "search", "--kind", "erase")["rows"]
    assert asked["words"] == "asked for it" and done["operation"] == asked["operation"]
    assert "salts=2" in done["details"]
    assert erase(server, bare)["salts"] == 0  # nothing is left


def test_n2_minimal_takes_it_from_the_peer_too(erasing, request):
    server, cast = erasing(governance="minimal")
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "by romeo")
    says(juliet, romeo, "m2", "by juliet")
    for client in (romeo, juliet):
        client.settles()
    assert erase(server, romeo.jid)["messages"] == 1
    assert texts(juliet) == ["by juliet"]


def test_n2_holds_win(erasing, request):
    server, cast = erasing(governance="minimal")
    romeo, juliet = cast.online("romeo", "juliet")
    bare = romeo.jid
    says(romeo, juliet, "m1", "held")
    romeo.settles()
    hold = server.json("hold", "add", "--name", "x", "--reason", "y", "--person", bare)["fields"]["hold"]
    process.wait_until(lambda: server.json("hold", "show", hold)["fields"]["state"] == "complete", "the hold", 30)
    fields = erase(server, bare)
    assert fields["salts"] == 0 and fields["held"] == 1
    assert number(server, request, SALTED) == 1 and texts(juliet) == []
    assert "held" in server.json("hold", "export", hold, "--reason", "court")["fields"]["export"]


def holds(server, *words):
    hold = server.json("hold", "add", "--name", "x", "--reason", "y", *words)["fields"]["hold"]
    process.wait_until(lambda: server.json("hold", "show", hold)["fields"]["state"] == "complete", "the hold", 30)
    return hold


def erasures(server):
    return server.json("audit", "search", "--kind", "erase")["rows"]


def test_n4_what_was_held_is_erased_when_it_is_released(erasing, request):
    """Without another command, recorded, and only what no other hold keeps."""
    server, cast = erasing()
    romeo, juliet = cast.online("romeo", "juliet")
    bare = romeo.jid
    for number_of, text in enumerate(("free", "held once", "held twice")):
        says(romeo, juliet, f"m{number_of}", text)
        juliet.hears("<message type='*'>...</message>")
    once, twice = holds(server, "--keyword", "held"), holds(server, "--keyword", "twice")
    fields = erase(server, bare)
    assert (fields["salts"], fields["held"]) == (1, 2)
    server.ctl("hold", "release", once, "--reason", "settled")
    process.wait_until(lambda: number(server, request, SALTED) == 1, "what was held once", 30)
    server.restart()
    server.advance("10 min")
    assert number(server, request, SALTED) == 1  # the other hold keeps it
    # what came while nobody looked is gathered first
    process.wait_until(lambda: server.ctl("hold", "release", twice, "--reason", "settled", check=False)[0] == 0, "the release", 30)
    process.wait_until(lambda: number(server, request, SALTED) == 0, "what was held twice", 30)
    process.wait_until(lambda: len(erasures(server)) == 4, "the record of the last", 30)  # it follows the salts
    newest, second, done, asked = erasures(server)
    assert {r["operation"] for r in (newest, second, done)} == {asked["operation"]}
    assert [(r["reason"], r["details"]) for r in (done, second, newest)] == [
        ("done", "salts=1; held=2; messages=0"), ("released", "salts=1; held=1; messages=0"),
        ("released", "salts=1; held=0; messages=0")]


def test_n4_what_only_the_hold_kept_is_erased_when_it_goes(erasing, request):
    """Also when nobody was there to hear of the release: retention was off meanwhile."""
    server, cast = erasing(governance="minimal")
    romeo, juliet = cast.online("romeo", "juliet")
    bare = romeo.jid
    says(romeo, juliet, "m1", "held")
    juliet.hears("<message type='*'>...</message>")
    hold = holds(server, "--person", bare)
    assert erase(server, bare)["held"] == 1
    server.reload(modules={"retention": False})
    server.ctl("hold", "release", hold, "--reason", "settled")
    server.advance("31 days")
    process.wait_until(lambda: number(server, request, "select count(*) from message") == 0, "the end of the hold", 30)
    assert number(server, request, SALTED) == 1
    server.reload(modules={"retention": True})

    def erased():
        server.advance("1 min")
        return number(server, request, SALTED) == 0
    process.wait_until(erased, "the rest of the erasure", 30)
    process.wait_until(lambda: "held=0" in erasures(server)[0]["details"], "its record", 30)


def test_who_comes_after_is_somebody_else(erasing, request):
    server, cast = erasing()
    romeo, juliet = cast.online("romeo", "juliet")
    bare = romeo.jid
    erase(server, bare)
    server.advance("1 s")
    server.ctl("user", "create", bare, "--password-stdin", input="another password\n")
    server.advance("5 min")
    assert server.ctl("user", "show", bare, check=False)[0] == 0


@pytest.mark.parametrize("words", [("romeo@xylem.test", "--yes"), ("romeo@xylem.test", "--reason", "x"),
                                   ("xylem.test", "--reason", "x", "--yes"),
                                   ("romeo@elsewhere.test", "--reason", "x", "--yes")])
def test_it_takes_a_reason_and_a_yes(erasing, words):
    server, _ = erasing()
    assert server.ctl("user", "erase", *words, check=False)[0] == 2

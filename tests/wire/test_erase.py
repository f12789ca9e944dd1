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

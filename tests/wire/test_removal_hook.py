# SPDX-License-Identifier: MIT
"""What a module or webhook is told of a removal is enough to find the message (S1-13): tests/wire/modules/
informer.c writes it to the log, and nothing here reads the database to understand it."""
import os
import shlex

import pytest

from lib import dom, process
from lib.archive import ask
from lib.removal import RETRACT, modules, retracts, says
from lib.room import Room, hush

pytestmark = pytest.mark.xylem
MODERATE = "urn:xmpp:message-moderate:1"
ME = f"unix:{os.getuid()}"
ON = {"retract": {"count": None}, "retract_muc": {"authors": True, "moderators": True, "count": None}, "muc": True,
      "muc_mam": True, "informer": True, "retract_admin": {"grant": [ME]}}


def told(server):
    """What the listener wrote, oldest first."""
    lines = [line for line in server.output(1 << 24).splitlines() if "informer.removed" in line]
    return [dict(word.split("=", 1) for word in shlex.split(line) if "=" in word) for line in lines]


def hears_of(server, count):
    process.wait_until(lambda: len(told(server)) >= count, f"{count} removals told", 30)
    assert len(told(server)) == count
    return told(server)


def recorded(server, kind):
    return server.json("audit", "search", "--kind", kind)["rows"]


def test_s1_13_of_an_author(make_server, actors):
    server = make_server(test_clock=True, modules=modules(**ON))
    romeo, juliet = actors(server).online("romeo", "juliet")
    says(romeo, juliet, "m1")
    romeo.settles()
    [mine], [hers] = ask(romeo).ids, ask(juliet).ids
    retracts(romeo, juliet, "m1", id="r1")
    [event] = hears_of(server, 1)
    assert event["author"] == romeo.jid == event["actor"] and event["addressee"] == juliet.jid
    assert (event["senders"], event["recipients"]) == (mine, hers) and event["client_id"] == "m1"
    assert event["role"] == "author" and event["notice"] == "r1" and event["at"].endswith("Z")
    [record] = recorded(server, "retract")
    assert event["operation"] == record["operation"] and event["message"] == str(record["message"])
    [row] = server.json("message", "find", event["senders"])["rows"]  # by what it was told
    assert row["state"] == "retracted" and row["actor"] == romeo.jid


def test_s1_13_of_a_moderator(make_server, actors):
    server = make_server(test_clock=True, modules=modules(**ON))
    romeo, juliet = actors(server).online("romeo", "juliet")
    room = Room(server)
    room.opens(romeo, "Romeo", persistentroom=True)
    room.enters(juliet, "Juliet")
    hush(romeo, juliet)
    juliet.sends(f"<message to='{room.jid}' type='groupchat' id='m1'><body>said</body></message>")
    target = dom.find(juliet.hears("<message type='groupchat' id='m1'>...</message>"), "sid:stanza-id").get("id")
    answer = romeo.asks("set", f"<moderate xmlns='{MODERATE}' id='{target}'><retract xmlns='{RETRACT}'/>"
                               "<reason>rude words</reason></moderate>", to=room.jid)
    assert answer.get("type") == "result", dom.show(answer)
    [event] = hears_of(server, 1)
    assert event["author"] == juliet.jid and event["addressee"] == room.jid and event["actor"] == romeo.jid
    assert event["recipients"] == target and not event.get("senders") and event["client_id"] == "m1"
    assert event["role"] == "moderator" and event["reason"] == "rude words" and event["operation"]
    [tombstone] = [r.message for r in ask(juliet, to=room.jid).results if dom.find(r.message, "retract:retracted") is not None]
    assert dom.find(tombstone, "retract:retracted").get("id") == event["notice"]


def test_s1_13_of_an_administrator_in_bulk(make_server, actors):
    """Each message of the lot, with what went with it."""
    server = make_server(test_clock=True, modules=modules(**{**ON, "retract": False}))
    romeo, juliet = actors(server).online("romeo", "juliet")
    for i in range(8):
        says(romeo, juliet, f"m{i}")
    romeo.settles()
    mine, hers = ask(romeo, max=100).ids, ask(juliet, max=100).ids
    made = server.json("retract", "plan", "--from", romeo.jid)["fields"]["plan"]
    asked = server.json("retract", "request", made, "--reason-code", "legal", "--reason", "court order")["fields"]["request"]
    server.json("retract", "apply", asked)
    events = hears_of(server, 8)
    assert [e["senders"] for e in events] == mine and [e["recipients"] for e in events] == hers
    assert {(e["role"], e["actor"], e["reason"]) for e in events} == {("administrator", ME, "legal")}
    assert len({e["operation"] for e in events}) == 1 and len({e["notice"] for e in events}) == 8


def test_s1_13_of_what_expires(make_server, actors):
    """No row is left that could be looked up: the listener gets it all the same."""
    server = make_server(test_clock=True, limits={"idle": None},
                         modules=modules(**{**ON, "retention": {"keep_for": {"user": "10 days"}}}))
    romeo, juliet = actors(server).online("romeo", "juliet")
    for i in range(3):
        says(romeo, juliet, f"m{i}")
    romeo.settles()
    mine, hers = ask(romeo).ids, ask(juliet).ids
    server.advance("11 days")
    process.wait_until(lambda: server.ctl("retention", "run", check=False)[0] == 0, "a run", 60)
    events = sorted(hears_of(server, 3), key=lambda e: e["client_id"])
    assert [e["client_id"] for e in events] == ["m0", "m1", "m2"]
    assert [e["senders"] for e in events] == mine and [e["recipients"] for e in events] == hers
    assert {e["role"] for e in events} == {"retention"} and {e["actor"] for e in events} <= {"server", ME}
    assert {e["operation"] for e in events} == {r["operation"] for r in recorded(server, "expire")}

# SPDX-License-Identifier: MIT
"""What a client hides by itself is never counted as taken back (S1-18): the reports know what this server no
longer shows and whom it told; a device that has the message is one that has it, whatever it says."""
import os

import pytest

from lib import dom
from lib.archive import ask
from lib.database import number
from lib.removal import RETRACT, modules, says, tombstones
from lib.room import hush
from lib.since import since
from lib.sm import managed

pytestmark = pytest.mark.xylem
ME = f"unix:{os.getuid()}"
STAMP = "2026-01-01T00:00:00Z"
# What clients write when they have shown, got or hidden something.
CLAIMS = {
    "displayed": "<displayed xmlns='urn:xmpp:chat-markers:0' id='m1'/>",
    "received": "<received xmlns='urn:xmpp:receipts' id='m1'/>",
    "acknowledged": "<acknowledged xmlns='urn:xmpp:chat-markers:0' id='m1'/>",
    "retracted": f"<retracted xmlns='{RETRACT}' id='r1' stamp='{STAMP}'/>",
    "retracted of it": f"<retracted xmlns='{RETRACT}' id='m1' stamp='{STAMP}'/><body/>",
    "hint": "<no-permanent-store xmlns='urn:xmpp:hints'/><no-store xmlns='urn:xmpp:hints'/>"
            "<no-copy xmlns='urn:xmpp:hints'/><retracted-locally xmlns='urn:example:hiding' id='m1'/>",
}


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, modules=modules(retract=False, removal_sync=True, retract_admin={"grant": [ME]})).start()
    yield server
    server.stop()


def claims(client, to):
    """Everything a client can say of it; what the server answers is heard and forgotten."""
    for number_, payload in enumerate(CLAIMS.values()):
        for kind in ("chat", "normal"):
            client.sends(f"<message to='{to}' type='{kind}' id='c{number_}{kind}'>{payload}</message>")
    hush(client)


def devices(server, message, whose):
    rows = server.json("message", "who-can-read", str(message))["rows"]
    return [row["what"] for row in rows if row["whose"] == whose.jid and row.get("device")]


def facts(server, message):
    rows = server.json("message", "who-can-read", str(message))
    for row in rows["rows"]:
        row.pop("last_seen", None)
    return rows["fields"], [row for row in rows["rows"] if row["what"] not in ("reply", "possible copy")]


def the_message(server, author):
    rows = server.json("message", "find", "--from", author.jid)["rows"]
    return next(row for row in rows if row["client_id"] == "m1")


def test_s1_18_a_device_that_was_told_has_the_message_all_the_same(cast, server):
    romeo = cast.online("romeo")
    juliet = managed(cast, "juliet").logs_in().enables()
    juliet.sends("<presence/>")
    hush(juliet)
    says(romeo, juliet, "m1")
    juliet.hears("<message type='chat' id='m1'>...</message>")
    juliet.acknowledges()
    juliet.settles()
    message = the_message(server, romeo)["message"]
    before = devices(server, message, juliet)
    assert before == ["device has it"]
    made = server.json("retract", "plan", str(message))["fields"]["plan"]
    asked = server.json("retract", "request", made, "--reason-code", "legal", "--reason", "court order")["fields"]["request"]
    server.json("retract", "apply", asked)
    juliet.hears(f"<message type='chat' id='*'>...<retract xmlns='{RETRACT}' id='m1'>...</retract>...</message>")
    report, told = server.json("retract", "report", asked), facts(server, message)
    juliet.acknowledges()
    juliet.settles()
    claims(juliet, romeo)
    assert devices(server, message, juliet) == ["device has it"]  # and not: removed
    assert facts(server, message) == told
    later = server.json("retract", "report", asked)
    assert later == report
    outcomes = {row["party"]: row["outcome"] for row in later["rows"] if row.get("party")}
    assert outcomes == {romeo.jid: "removed, told", juliet.jid: "removed, told"}  # people: what is here; no device
    assert not [row for row in later["rows"] if row.get("device")]


@pytest.mark.parametrize("claim", list(CLAIMS))
def test_s1_18_what_a_client_says_takes_nothing_back(cast, server, request, claim):
    romeo, juliet = cast.online("romeo", "juliet")
    starts = since(romeo).token, since(juliet).token
    says(romeo, juliet, "m1")
    romeo.settles()
    juliet.settles()
    before, removals = the_message(server, romeo), number(server, request, "select count(*) from removal")
    for client, to in ((juliet, romeo), (romeo, juliet), (juliet, juliet)):
        for kind in ("chat", "normal", "headline"):
            client.sends(f"<message to='{to}' type='{kind}' id='c-{kind}'>{CLAIMS[claim]}</message>")
    juliet.settles()
    romeo.settles()
    assert the_message(server, romeo) == before and before["state"] == "live"
    assert number(server, request, "select count(*) from removal") == removals
    for client, token in ((romeo, starts[0]), (juliet, starts[1])):
        page = ask(client, max=100)
        assert tombstones(page) == [] or claim.startswith("retracted")
        [original] = [r for r in page.results if r.message.get("id") == "m1"]
        assert original.text == "secret" and dom.find(original.message, "retract:retracted") is None
        assert since(client, token).items == []

# SPDX-License-Identifier: MIT
"""Encrypted messages (S1-16): a retraction needs their id and no plain text; key material goes, too."""
import secrets

import pytest

from lib import dom, process
from lib.archive import ask
from lib.canary import overheard, retracts
from lib.removal import RETRACT, modules, tombstones
from lib.room import Room, hush

pytestmark = pytest.mark.xylem
OMEMO = {
    "eu.siacs.conversations.axolotl": "<header sid='1'><key rid='2' prekey='true'>{key}</key><iv>{iv}</iv></header>",
    "urn:xmpp:omemo:2": "<header sid='1'><keys jid='j@xylem.test'><key rid='2' kex='true'>{key}</key></keys></header>",
}


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, test_clock=True, modules=modules(
        muc=True, muc_mam=True, retract={"count": None}, retract_muc={"authors": True, "count": None})).start()
    yield server
    server.stop()


def encrypted(namespace, parts, fallback):
    said = "<body>I sent you an OMEMO encrypted message</body>" if fallback else ""
    return (f"<encrypted xmlns='{namespace}'>{OMEMO[namespace].format(**parts)}<payload>{parts['payload']}</payload></encrypted>"
            f"<encryption xmlns='urn:xmpp:eme:0' namespace='{namespace}'/>{said}<store xmlns='urn:xmpp:hints'/>")


@pytest.mark.parametrize("namespace", list(OMEMO))
@pytest.mark.parametrize("fallback", [True, False], ids=["fallback", "bare"])
def test_s1_16_to_a_person(cast, server, namespace, fallback):
    romeo, juliet = cast.online("romeo", "juliet")
    away = cast.account("nurse")
    parts = {name: secrets.token_hex(20) for name in ("key", "iv", "payload")}
    for to in (juliet, away):
        romeo.sends(f"<message to='{to}' type='chat' id='m1'>{encrypted(namespace, parts, fallback)}</message>")
    juliet.hears("<message id='m1' type='*'>...</message>")
    assert parts["payload"] in overheard(juliet)
    for n, to in enumerate((juliet, away)):
        retracts(romeo, to, f"r{n}", "m1")
    juliet.hears(f"<message id='r0' type='*'>...<retract xmlns='{RETRACT}' id='m1'/>...</message>")
    process.wait_until(lambda: len(tombstones(ask(romeo))) == 2, "both retractions")
    nurse = cast.client("nurse", jid=away).logs_in()
    nurse.sends("<presence/>")
    hush(romeo, juliet, nurse)
    for client, count in ((romeo, 2), (juliet, 1), (nurse, 1)):
        page = ask(client)
        shown = "".join(dom.show(r.wrapper) for r in page.results)
        assert len(tombstones(page)) == count
        assert not any(part in shown for part in parts.values()) and "encrypted" not in shown
    assert not any(part in overheard(nurse) for part in parts.values())


@pytest.mark.parametrize("namespace", list(OMEMO))
def test_s1_16_in_a_room(cast, server, namespace):
    romeo, juliet = cast.online("romeo", "juliet")
    room = Room(server)
    room.opens(juliet, "Juliet")
    room.enters(romeo, "Romeo")
    hush(romeo, juliet)
    parts = {name: secrets.token_hex(20) for name in ("key", "iv", "payload")}
    romeo.sends(f"<message to='{room}' type='groupchat' id='m1'>{encrypted(namespace, parts, True)}</message>")
    heard = juliet.hears("<message type='groupchat' id='m1'>...</message>")
    hush(romeo, juliet)
    retracts(romeo, room, "r1", dom.find(heard, "sid:stanza-id").get("id"), "groupchat")
    hush(romeo, juliet)
    newcomer = cast.online("nurse")
    room.enters(newcomer, "Nurse")
    page = ask(juliet, to=room.jid)
    assert len(tombstones(page)) == 1
    for text in ("".join(dom.show(r.wrapper) for r in page.results), overheard(newcomer)):
        assert not any(part in text for part in parts.values())

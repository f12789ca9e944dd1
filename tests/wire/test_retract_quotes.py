# SPDX-License-Identifier: MIT
"""Words of a message that stand elsewhere (S1-17): what the server itself quotes goes with the message. It
does so in what it pushes, in a room's history, and in no other place: there is no inbox and no link preview.
What people typed themselves is listed by the plan of a removal (test_retract_admin.py) and stays."""
import pytest

from lib import dom, process
from lib.archive import ask
from lib.canary import MODERATE, overheard
from lib.removal import RETRACT, modules, retracts, says, tombstones
from lib.room import Room, hush
from test_push import Service, asleep, enable

pytestmark = pytest.mark.xylem
WORD, LATER = "canary-quoted-words", "31 s"
BOTH = {"authors": True, "moderators": True, "count": None}


@pytest.fixture
def stage(make_server, actors):
    server = make_server(test_clock=True, limits={"idle": None}, modules=modules(
        push={"content": "body"}, muc=True, muc_mam=True, retract={"count": None}, retract_muc=BOTH))
    cast = actors(server)
    return server, cast, Service(cast)


def said(service):
    return {f.get("var"): f[0].text for f in service.hears()[0]}


def test_s1_17_what_is_pushed_of_a_conversation(stage):
    """The second notification waits for its time; meanwhile its message is taken back."""
    server, cast, service = stage
    romeo, jid = cast.online("romeo"), asleep(cast, service)
    says(romeo, jid, "m0", "the first")
    assert said(service)["last-message-body"] == "the first"
    says(romeo, jid, "m1", WORD)
    romeo.round_trip()
    retracts(romeo, jid, "m1")
    process.wait_until(lambda: tombstones(ask(romeo)), "the retraction")
    romeo.settles()
    server.advance(LATER)
    assert "last-message-body" not in said(service)
    service.nothing()
    assert WORD not in overheard(service.client)


@pytest.mark.parametrize("how", ["author", "moderator"])
def test_s1_17_what_is_pushed_of_a_room(stage, how):
    """To a member who is not there."""
    server, cast, service = stage
    romeo, juliet = cast.online("romeo", "juliet")
    room = Room(server)
    room.opens(romeo, "Romeo", membersonly=True, persistentroom=True)
    room.allows(romeo, jid=juliet.jid, affiliation="member")
    hush(romeo, juliet)
    enable(juliet, service.full).ends()
    says(romeo, room, "m0", "the first", "groupchat")
    assert said(service)["last-message-body"] == "the first"
    hush(romeo)
    says(romeo, room, "m1", WORD, "groupchat")
    target = dom.find(romeo.hears("<message id='m1' type='groupchat'>...</message>"), "sid:stanza-id").get("id")
    if how == "author":
        retracts(romeo, room, target, kind="groupchat")
    else:
        answer = romeo.asks("set", f"<moderate xmlns='{MODERATE}' id='{target}'><retract xmlns='{RETRACT}'/></moderate>", to=room)
        assert answer.get("type") == "result", dom.show(answer)
    process.wait_until(lambda: len(tombstones(ask(romeo, to=room))) == 1, "the retraction")
    hush(romeo)
    service.client.hears_nothing()
    server.advance(LATER)
    assert "last-message-body" not in said(service)
    service.nothing()
    assert WORD not in overheard(service.client)


def test_s1_17_a_rooms_history(stage):
    """What it shows newcomers of a quotation is what its author typed; the original is a tombstone."""
    server, cast, _ = stage
    romeo, juliet, nurse = cast.online("romeo", "juliet", "nurse")
    room = Room(server)
    room.opens(romeo, "Romeo")
    room.enters(juliet, "Juliet")
    hush(romeo, juliet)
    says(romeo, room, "m1", WORD, "groupchat")
    target = dom.find(romeo.hears("<message id='m1' type='groupchat'>...</message>"), "sid:stanza-id").get("id")
    juliet.sends(f"<message to='{room}' type='groupchat' id='m2'><body>&gt; {WORD}\nwhy?</body>"
                 f"<reply xmlns='urn:xmpp:reply:0' to='{room.of('Romeo')}' id='{target}'/></message>")
    retracts(romeo, room, target, kind="groupchat")
    process.wait_until(lambda: len(tombstones(ask(romeo, to=room))) == 1, "the retraction")
    shown = room.enters(nurse, "Nurse").history
    assert [m.get("id") for m in shown if WORD in dom.show(m)] == ["m2"]

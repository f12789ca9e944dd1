# SPDX-License-Identifier: MIT
"""What kind of message it is and who asks (S0-23, S0-24, S0-25, N9): stamped from what the server knows, a matrix
of both, one refusal for each reason; nobody can claim a class, and nothing refused changes anything."""
import itertools

import pytest

from lib import dom
from lib.archive import ask
from lib.canary import MODERATE
from lib.database import query
from lib.removal import REMOVAL, RETRACT, is_refused, modules, retracts, says, tombstones
from lib.room import Room, hush
from lib.server import CommandFailed

pytestmark = pytest.mark.xylem
KINDS = ["person", "bot", "integration"]
CLASSES = {"person": 0, "bot": 3, "integration": 4}  # XY_USER_MESSAGE, XY_SERVICE_MESSAGE, XY_INTEGRATION_MESSAGE
WINDOW = {"count": None}
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, test_clock=True, modules=modules(
        muc=True, muc_mam=True, retract=WINDOW, retract_muc={"authors": True, "moderators": True, **WINDOW})).start()
    yield server
    server.stop()


def of_kind(cast, server, kind, name="romeo"):
    client = cast.client(name)
    server.ctl("user", "kind", client.jid, kind)
    return client.comes_online()


def class_of(server, request, reader, room=None):
    """Of the newest message; the archive of somebody who got it answers when it is durable."""
    ask(reader, to=room)
    return int(query(server, request, "select class from message order by id desc limit 1")[0][0])


def reason(error):
    [condition] = [c for c in dom.find(error, "client:error") if dom.name(c)[0] == REMOVAL]
    return dom.name(condition)[1]


# ---- category by requester ---------------------------------------------------------------------------


@pytest.mark.parametrize("was", KINDS)
@pytest.mark.parametrize("asks", KINDS)
def test_s0_23_one_to_one(cast, server, request, was, asks):
    """What it was when it wrote decides about the message, what it is now about who asks."""
    romeo, juliet = of_kind(cast, server, was), cast.online("juliet")
    says(romeo, juliet, "m1")
    juliet.hears("<message id='m1' type='*'>...</message>")
    assert class_of(server, request, juliet) == CLASSES[was]
    romeo.ends()
    server.ctl("user", "kind", romeo.jid, asks)
    romeo = cast.client("romeo", jid=romeo.jid).comes_online()
    retracts(romeo, juliet, "m1")
    if asks != "person":
        is_refused(romeo, "not-interactive", "forbidden")
    elif was != "person":
        is_refused(romeo, "protected-class", "forbidden")
    else:
        juliet.hears(f"<message id='r1' type='*'>...<retract xmlns='{RETRACT}' id='m1'/>...</message>")
    romeo.settles()
    for client in (romeo, juliet):
        assert len(tombstones(ask(client))) == (was == asks == "person")


@pytest.fixture
def hall(cast, server):
    """hall(kind): a room of Juliet's where somebody of that kind has said something."""

    def make(kind):
        juliet, romeo = cast.online("juliet"), of_kind(cast, server, kind)
        room = Room(server)
        room.opens(juliet, "Juliet")
        room.enters(romeo, "Romeo")
        hush(juliet, romeo)
        says(romeo, room, "m1", kind="groupchat")
        heard = juliet.hears("<message type='groupchat' id='m1'>...</message>")
        hush(juliet, romeo)
        return room, juliet, romeo, dom.find(heard, "sid:stanza-id").get("id")
    return make


def moderates(client, room, target):
    return client.asks("set", f"<moderate xmlns='{MODERATE}' id='{target}'><retract xmlns='{RETRACT}'/></moderate>", to=room)


@pytest.mark.parametrize("was", KINDS)
@pytest.mark.parametrize("asks", ["author", "moderator"])
def test_s0_23_in_rooms(hall, server, request, was, asks):
    room, juliet, romeo, target = hall(was)
    assert class_of(server, request, juliet, room.jid) == CLASSES[was]
    if asks == "author":
        retracts(romeo, room, target, kind="groupchat")
        hush(juliet)
        expected = None if was == "person" else "not-interactive"
        if expected:
            is_refused(romeo, expected)
    else:
        answer = moderates(juliet, room, target)
        expected = None if was == "person" else "protected-class"
        assert (answer.get("type") == "result") == (expected is None), dom.show(answer)
        if expected:
            assert reason(answer) == expected
    hush(juliet, romeo)
    assert len(tombstones(ask(juliet, to=room.jid))) == (expected is None)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_s0_25_a_moderator_that_is_a_program(cast, server, hall, kind):
    room, juliet, romeo, target = hall("person")
    program = of_kind(cast, server, kind, "nurse")
    room.enters(program, "Program")
    hush(juliet, romeo, program)
    room.allows(juliet, jid=program.jid, affiliation="admin")
    hush(juliet, romeo, program)
    answer = moderates(program, room, target)
    assert answer.get("type") == "error" and reason(answer) == "not-interactive", dom.show(answer)
    hush(juliet)
    assert not tombstones(ask(juliet, to=room.jid))


def test_operators_may_open_classes_but_not_those_of_administrators(make_server, actors):
    """`classes` lets service messages go; notices and news are no choice."""
    server = make_server(test_clock=True, modules=modules(retract={"count": None, "classes": ["user", "service"]}))
    cast = actors(server)
    romeo, juliet = of_kind(cast, server, "bot"), cast.online("juliet")
    says(romeo, juliet, "m1")
    romeo.round_trip()
    romeo.ends()
    server.ctl("user", "kind", romeo.jid, "person")
    romeo = cast.client("romeo", jid=romeo.jid).comes_online()
    retracts(romeo, juliet, "m1")
    romeo.settles()
    assert len(tombstones(ask(juliet))) == 1
    for name in ("notice", "news"):
        with pytest.raises(CommandFailed):
            server.reload(modules={"retract": {"classes": ["user", name]}})


# ---- notices of the administrator -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["headline", "normal"])
def test_s0_23_a_notice_of_the_administrator(make_server, actors, kind):
    """Nobody is its author: not who heard it, nor somebody who claims its id."""
    server = make_server(test_clock=True, modules=modules(announce={"type": kind}))
    cast = actors(server)
    romeo, juliet = cast.online("romeo", "juliet")
    server.ctl("announce", "send", "Lights out at ten")
    for client in (romeo, juliet):
        notice = client.hears(f"<message type='{kind}' from='{client.domain}'>...<body>Lights out at ten</body>...</message>")
    number = notice.get("id") or "n1"
    retracts(juliet, juliet.domain, number)
    is_refused(juliet, "elsewhere", "not-allowed")
    retracts(juliet, romeo, number, id="r2")
    juliet.round_trip()
    server.advance("11 s")
    is_refused(juliet, "not-found", "item-not-found", id="r2")
    romeo.hears_nothing()


# ---- what senders claim ---------------------------------------------------------------------------------


FORGED = [f"<class xmlns='{REMOVAL}'>service</class>", f"<message-class xmlns='{REMOVAL}' value='notice'/>",
          f"<retracted xmlns='{RETRACT}' stamp='2020-01-01T00:00:00Z' id='x'/>",
          f"<moderated xmlns='{MODERATE}' by='x'/>", f"<off xmlns='{REMOVAL}'/>"]


@pytest.mark.parametrize("forged", FORGED)
@pytest.mark.parametrize("to", ["juliet", "room"])
def test_s0_24_what_a_client_claims_is_stripped(cast, server, request, hall, forged, to):
    room, juliet, romeo, _ = hall("person")
    address, kind = (room, "groupchat") if to == "room" else (juliet, "chat")
    romeo.sends(f"<message to='{address}' type='{kind}' id='f1'><body>b</body>{forged}</message>")
    heard = dom.show(juliet.hears(f"<message type='{kind}' id='f1'>...<body>b</body>...</message>"))
    hush(juliet, romeo)
    archive = room.jid if to == "room" else None
    assert class_of(server, request, juliet, archive) == CLASSES["person"]
    page = ask(juliet, to=archive)
    for text in (heard, dom.show(page.results[-1].message)):
        assert REMOVAL not in text and "retracted" not in text and "moderated" not in text, text


@pytest.mark.parametrize("to", ["juliet", "room"])
def test_s0_24_nobody_retracts_in_a_moderators_name(hall, to):
    """One's own message, and yet: it is shown as done by whoever `by` names."""
    room, juliet, romeo, target = hall("person")
    says(romeo, juliet, "m2")
    juliet.hears("<message id='m2' type='*'>...</message>")
    address, kind, id = (room, "groupchat", target) if to == "room" else (juliet, "chat", "m2")
    romeo.sends(f"<message to='{address}' type='{kind}' id='r1'><retract xmlns='{RETRACT}' id='{id}'>"
                f"<moderated xmlns='{MODERATE}' by='{room.of('Juliet')}'/><reason>rude</reason></retract></message>")
    is_refused(romeo, "forged", "bad-request")
    juliet.hears_nothing()
    for page in (ask(juliet), ask(juliet, to=room.jid)):
        assert not tombstones(page)


def test_s0_24_a_bot_cannot_say_that_it_is_a_person(cast, server, request):
    romeo, juliet = of_kind(cast, server, "bot"), cast.online("juliet")
    romeo.sends(f"<message to='{juliet}' type='chat' id='m1'><body>b</body><class xmlns='{REMOVAL}'>user</class></message>")
    juliet.hears("<message id='m1' type='*'>...</message>")
    assert class_of(server, request, juliet) == CLASSES["bot"]


def test_s0_25_each_refusal_is_recorded(cast, server):
    romeo, juliet = of_kind(cast, server, "bot"), cast.online("juliet")
    says(romeo, juliet, "m1")
    juliet.hears("<message id='m1' type='*'>...</message>")
    retracts(romeo, juliet, "m1")
    is_refused(romeo, "not-interactive")
    assert "not-interactive" in server.ctl("audit", "search", "--kind", "refuse", "--actor", romeo.full)

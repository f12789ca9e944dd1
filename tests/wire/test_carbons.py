# SPDX-License-Identifier: MIT
"""Message carbons (XEP-0280 1.0.1) and their exact set (urn:xmpp:carbons:rules:0)."""
import itertools
import signal

import pytest

from lib import dom, edition, process, sasl2
from lib.dom import NS
from lib.sm import managed
from test_roster import condition

pytestmark = pytest.mark.xylem
CARBONS = "urn:xmpp:carbons:2"
ELSEWHERE = "urn:xylem:test:elsewhere"
NO_COPY = "<no-copy xmlns='urn:xmpp:hints'/>"
PRIVATE = f"<private xmlns='{CARBONS}'/>"
STATE = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
MUC_USER = "http://jabber.org/protocol/muc#user"
MEDIATED = f"<x xmlns='{MUC_USER}'><invite from='crone1@shakespeare.lit/desktop'/></x>"
DIRECT = "<x xmlns='jabber:x:conference' jid='darkcave@macbeth.shakespeare.lit'/>"
OCCUPANT = f"<x xmlns='{MUC_USER}'/>"
ROOM = "coven@chat.elsewhere.test"


def enable(*clients):
    for client in clients:
        answer = client.asks("set", f"<enable xmlns='{CARBONS}'/>")
        assert answer.get("type") == "result" and len(answer) == 0, dom.show(answer)
    return clients[0]


def disable(client):
    assert client.asks("set", f"<disable xmlns='{CARBONS}'/>").get("type") == "result"


def standing_alone(text):
    return text.replace("<message", "<message xmlns='jabber:client'", 1)


def carbon(direction, owner, copy):
    """What a copy must be: `copy` is the message as delivered, with all its attributes."""
    inner = dom.parse(copy)
    kind = f" type='{inner.get('type')}'" if inner.get("type") else ""
    return (f"<message from='{owner.jid}' to='{owner.full}'{kind}><{direction} xmlns='{CARBONS}'>"
            f"<forwarded xmlns='urn:xmpp:forward:0'>{standing_alone(copy)}</forwarded></{direction}></message>")


def message(from_, to, payload, kind="chat", id=None):
    of = f" from='{from_}'" if from_ else ""
    return (f"<message{of} to='{to}'" + (f" type='{kind}'" if kind else "") + (f" id='{id}'" if id else "")
            + f">{payload}</message>")


class Household:
    """romeo with three clients, juliet with three; the second of each has asked for copies, the third
    has not. No presence from romeo's second: copies do not depend on it."""

    def __init__(self, cast):
        self.cast = cast
        self.romeo, self.juliet = cast("romeo", "juliet")
        self.romeo2 = enable(cast.another(self.romeo, online=False))
        self.juliet2 = enable(cast.another(self.juliet))
        self.romeo3, self.juliet3 = cast.another(self.romeo), cast.another(self.juliet)
        self.everybody = [self.romeo, self.romeo2, self.romeo3, self.juliet, self.juliet2, self.juliet3]
        for client in self.everybody:
            client.settles()
            client.events.clear()

    def nothing_else(self, *more):
        for client in [*self.everybody, *more]:
            client.hears_nothing()


@pytest.fixture
def house(cast):
    return Household(cast)


# ---- asking for copies ---------------------------------------------------------------------------------


def test_enable_and_disable_as_often_as_one_likes(house):
    romeo, juliet, juliet2 = house.romeo, house.juliet, house.juliet2
    for switch, copies in ((disable, 0), (disable, 0), (enable, 1), (enable, 1), (disable, 0), (enable, 1)):
        switch(juliet2)
        romeo.sends(message("", juliet.full, "<body>b</body>"))
        juliet.hears(message(romeo.full, juliet.full, "<body>b</body>"))
        house.romeo2.hears("<message type='chat'>...</message>")
        if copies:
            juliet2.hears(carbon("received", juliet2, message(romeo.full, juliet.full, "<body>b</body>")))
        house.nothing_else()


def test_it_is_announced(cast, server):
    features = [f.get("var") for f in cast.online("a").asks(
        "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=server.domain)[0]]
    assert CARBONS in features and "urn:xmpp:carbons:rules:0" in features


@pytest.mark.parametrize("verb", ["enable", "disable"])
def test_only_for_oneself(cast, verb):
    a, b = cast("a", "b")
    assert condition(a.asks("set", f"<{verb} xmlns='{CARBONS}'/>", to=b.jid)) == "not-allowed"
    assert a.asks("set", f"<{verb} xmlns='{CARBONS}'/>", to=a.jid).get("type") == "result"
    assert condition(a.asks("get", f"<{verb} xmlns='{CARBONS}'/>")) == "not-allowed"


# ---- who gets one --------------------------------------------------------------------------------------


def test_a_message_to_a_full_jid(house):
    """Both sides, whether or not the clients that sent and got it have asked for copies themselves."""
    text = "<body>What man art thou</body><thread>0e31</thread>"
    wanted = message(house.romeo.full, house.juliet.full, text, id="m1")
    house.romeo.sends(message("", house.juliet.full, text, id="m1"))
    house.juliet.hears(wanted)
    house.juliet2.hears(carbon("received", house.juliet2, wanted))
    house.romeo2.hears(carbon("sent", house.romeo2, wanted))
    house.nothing_else()


def test_the_sender_gets_no_copy_of_his_own(house):
    enable(house.romeo, house.juliet)
    house.romeo.sends(message("", house.juliet.full, "<body>b</body>"))
    house.juliet.hears(message("*", "*", "<body>b</body>"))
    house.juliet2.hears("<message type='chat'>...</message>")
    house.romeo2.hears("<message type='chat'>...</message>")
    house.nothing_else()


def test_a_message_to_the_bare_jid(house, cast):
    """Whoever takes the original gets no copy: all that are available do. Negative priority and no
    presence at all: they get a copy."""
    low = enable(cast.another(house.juliet, online=False).comes_online("<presence><priority>-1</priority></presence>"))
    absent = enable(cast.another(house.juliet, online=False))
    for client in house.everybody:
        client.settles()
        client.events.clear()
    wanted = message(house.romeo.full, house.juliet.jid, "<body>b</body>")
    house.romeo.sends(message("", house.juliet.jid, "<body>b</body>"))
    for client in (house.juliet, house.juliet2, house.juliet3):
        client.hears(wanted)
    for client in (low, absent):
        client.hears(carbon("received", client, wanted))
    house.romeo2.hears(carbon("sent", house.romeo2, wanted))
    house.nothing_else(low, absent)


def test_to_an_absent_resource(house, cast):
    """The full JID is gone: the message goes as one to the bare JID would (RFC 6121 8.5.3.2)."""
    gone = cast.another(house.juliet)
    full = gone.full
    gone.ends()
    for client in house.everybody:
        client.settles()
        client.events.clear()
    house.romeo.sends(message("", full, "<body>b</body>"))
    for client in (house.juliet, house.juliet2, house.juliet3):
        client.hears(message(house.romeo.full, full, "<body>b</body>"))
    house.romeo2.hears(carbon("sent", house.romeo2, message(house.romeo.full, full, "<body>b</body>")))
    house.nothing_else()


def test_a_copy_that_was_received_need_not_come_again(make_server, actors):
    """No session is available: the message waits for the client that has had its copy, until it has
    acknowledged that (here: its kernel, and a grace period)."""
    server = make_server(test_clock=True)
    cast = actors(server)
    romeo, jid = cast.online("romeo"), cast.account("nurse")
    nurse = enable(cast.client("nurse", jid=jid).logs_in())
    waiting = lambda: server.json("offline", "count", jid)["fields"]["waiting"]
    for text in ("1", "2"):
        wanted = message(romeo.full, jid, f"<body>{text}</body>")
        romeo.sends(message("", jid, f"<body>{text}</body>"))
        nurse.hears(carbon("received", nurse, wanted))
        assert waiting() == 1
        if text == "1":
            process.wait_until(lambda: server.advance("6 s") or waiting() == 0, "the end of the grace period")
    nurse.sends("<presence/>")
    nurse.hears("<presence/>")
    nurse.hears_nothing()


def test_a_copy_that_may_be_lost_is_made_up_for(make_server, actors):
    """The connection ends before the client can be taken to have read its copy: the original comes."""
    server = make_server(test_clock=True)
    cast = actors(server)
    romeo, jid = cast.online("romeo"), cast.account("nurse")
    nurse = enable(cast.client("nurse", jid=jid).logs_in())
    romeo.sends(message("", jid, "<body>b</body>"))
    nurse.hears("<message type='chat'>...</message>")
    nurse.resets()
    again = cast.client("nurse", jid=jid).logs_in()
    again.sends("<presence/>")
    again.hears("<presence/>", message("*", jid, "<body>b</body><delay xmlns='urn:xmpp:delay' from='*' stamp='*'/>"))


def test_to_oneself_each_client_gets_it_once(house):
    romeo, romeo2, romeo3 = house.romeo, house.romeo2, house.romeo3
    enable(romeo, romeo3)
    wanted = message(romeo.full, romeo3.full, "<body>note</body>")
    romeo.sends(message("", romeo3.full, "<body>note</body>"))
    romeo3.hears(wanted)
    romeo2.hears(carbon("received", romeo2, wanted))
    house.nothing_else()
    romeo.sends(message("", romeo.jid, "<body>note</body>"))
    wanted = message(romeo.full, romeo.jid, "<body>note</body>")
    romeo.hears(wanted)
    romeo3.hears(wanted)
    romeo2.hears(carbon("received", romeo2, wanted))
    house.nothing_else()


def test_the_id_the_archive_gave_is_inside(make_server, actors):
    """Each side's own (XEP-0359), in the original and in the copies alike."""
    server = make_server(modules={"mam": {"default": "always"}})
    cast = actors(server)
    romeo, juliet = cast("romeo", "juliet")
    romeo2, juliet2 = enable(cast.another(romeo, online=False)), enable(cast.another(juliet, online=False))
    romeo.sends(message("", juliet.full, "<body>b</body>"))
    given = lambda m: {i.get("by"): i.get("id") for i in m.iter("{urn:xmpp:sid:0}stanza-id")}
    original = given(juliet.hears("<message type='chat'>...</message>"))
    received = given(juliet2.hears("<message type='chat'>...</message>"))
    sent = given(romeo2.hears("<message type='chat'>...</message>"))
    assert set(original) == {juliet.jid} and received == original
    assert set(sent) == {romeo.jid} and sent[romeo.jid] != original[juliet.jid]


# ---- which messages (section 6.1) ----------------------------------------------------------------------

COPIED = {
    "chat": ("chat", "<body>b</body>"),
    "chat without anything": ("chat", ""),
    "chat with something unknown": ("chat", "<x xmlns='urn:unknown'/>"),
    "chat, encrypted": ("chat", "<encrypted xmlns='eu.siacs.conversations.axolotl'/><store xmlns='urn:xmpp:hints'/>"),
    "chat, not to be stored": ("chat", "<body>b</body><no-store xmlns='urn:xmpp:hints'/>"),
    "normal": ("normal", "<body>b</body>"),
    "no type": ("", "<body>b</body>"),
    "no type and an empty body": ("", "<body/>"),
    "receipt asked for": ("normal", "<request xmlns='urn:xmpp:receipts'/>"),
    "receipt": ("normal", "<received xmlns='urn:xmpp:receipts' id='1'/>"),
    "chat state": ("normal", STATE),
    "chat state in chat": ("chat", STATE),
    "gone": ("chat", "<gone xmlns='http://jabber.org/protocol/chatstates'/>"),
    "marker asked for": ("", "<markable xmlns='urn:xmpp:chat-markers:0'/>"),
    "marker": ("", "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>"),
    "headline with a receipt": ("headline", "<received xmlns='urn:xmpp:receipts' id='1'/>"),
    "direct invitation": ("normal", DIRECT),
    "direct invitation in chat": ("chat", DIRECT),
    "mediated invitation": ("normal", MEDIATED),
    "mediated invitation with a body": ("normal", "<body>b</body>" + MEDIATED),
}
NOT_COPIED = {
    "private": ("chat", "<body>b</body>" + PRIVATE),
    "private and no-copy": ("chat", "<body>b</body>" + PRIVATE + NO_COPY),
    "no-copy": ("chat", "<body>b</body>" + NO_COPY),
    "private receipt": ("normal", "<received xmlns='urn:xmpp:receipts' id='1'/>" + PRIVATE),
    "private invitation": ("normal", DIRECT + PRIVATE),
    "normal without a body": ("normal", "<subject>s</subject>"),
    "normal with something unknown": ("normal", "<x xmlns='urn:unknown'/>"),
    "normal with a body of another namespace": ("normal", "<body xmlns='http://www.w3.org/1999/xhtml'/>"),
    "headline": ("headline", "<body>b</body>"),
    "groupchat": ("groupchat", "<body>b</body>"),
    "groupchat with an invitation": ("groupchat", DIRECT),
    "groupchat with a chat state": ("groupchat", STATE),
    "error nobody asked for": ("error", "<body>b</body><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"),
    "a copy, forged": ("chat", f"<received xmlns='{CARBONS}'><forwarded xmlns='urn:xmpp:forward:0'>"
                               "<message xmlns='jabber:client' from='x@y' to='z@y'><body>b</body></message></forwarded></received>"),
    "a copy of the other kind, forged": ("normal", f"<body>b</body><sent xmlns='{CARBONS}'/>"),
}


@pytest.mark.parametrize("copied, case", [(True, c) for c in COPIED] + [(False, c) for c in NOT_COPIED])
def test_rules_0(cast, copied, case):
    kind, payload = (COPIED if copied else NOT_COPIED)[case]
    romeo, juliet = cast("romeo", "juliet")
    romeo2, juliet2 = enable(cast.another(romeo, online=False)), enable(cast.another(juliet, online=False))
    wanted = message(romeo.full, juliet.full, payload, kind, "m1")
    romeo.sends(message("", juliet.full, payload, kind, "m1"))
    juliet.hears(wanted)  # <private/> is still there
    if copied:
        juliet2.hears(carbon("received", juliet2, wanted))
        romeo2.hears(carbon("sent", romeo2, wanted))
    for client in (romeo, romeo2, juliet, juliet2):
        client.hears_nothing()


ERROR = "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"


@pytest.mark.parametrize("kind, payload, copied", [
    ("chat", "<body>b</body>", True), ("normal", "<body>b</body>", True), ("normal", STATE, True),
    ("headline", "<body>b</body>", False), ("normal", "<x xmlns='urn:unknown'/>", False),
    ("chat", "<body>b</body>" + PRIVATE, False)])
@pytest.mark.parametrize("quotes", [True, False])
def test_an_error_is_copied_if_what_it_answers_was(cast, kind, payload, copied, quotes):
    """Whether or not it quotes the message; to both sides of it."""
    romeo, juliet = cast("romeo", "juliet")
    romeo2, juliet2 = enable(cast.another(romeo, online=False)), enable(cast.another(juliet, online=False))
    romeo.sends(message("", juliet.full, payload, kind, "m1"))
    juliet.hears("<message id='m1'>...</message>" if not kind else f"<message id='m1' type='{kind}'>...</message>")
    for client in (romeo2, juliet2):
        client.settles()
        client.events.clear()
    answer = (payload if quotes and PRIVATE not in payload else "") + ERROR
    wanted = message(juliet.full, romeo.full, answer, "error", "m1")
    juliet.sends(message("", romeo.full, answer, "error", "m1"))
    romeo.hears(wanted)
    if copied:
        romeo2.hears(carbon("received", romeo2, wanted))
        juliet2.hears(carbon("sent", juliet2, wanted))
    for client in (romeo, romeo2, juliet, juliet2):
        client.hears_nothing()


def test_what_is_refused_is_not_copied_and_its_error_neither(cast):
    romeo = cast.online("romeo")
    romeo2 = enable(cast.another(romeo, online=False))
    for to in (f"nobody-here@{romeo.domain}", "somebody@unreachable.test", romeo.domain):
        romeo.sends(message("", to, "<body>b</body>", id="m1"))
        romeo.hears("<message type='error' id='m1'>...</message>")
    romeo2.hears_nothing()


def test_an_error_comes_from_whichever_client_took_the_message(cast):
    """What was sent to a bare JID is answered by a full one. Others cannot answer for it."""
    romeo, juliet = cast("romeo", "juliet")
    romeo2 = enable(cast.another(romeo, online=False))
    romeo.sends(message("", juliet.jid, "<body>b</body>", id="m2"))
    juliet.hears("<message type='chat' id='m2'>...</message>")
    juliet.sends(message("", romeo.full, ERROR, "error", "m2"))
    romeo.hears_error("service-unavailable", id="m2")
    romeo2.hears("<message type='chat'>...</message>", "<message type='error'>...</message>")
    tybalt = cast.online("tybalt")
    for sender, id in ((tybalt, "m2"), (juliet, "m3")):
        sender.sends(message("", romeo.full, ERROR, "error", id))
        romeo.hears("<message type='error'>...</message>")
    romeo2.hears_nothing()


def test_an_error_for_a_client_that_has_gone_is_copied_to_the_others(cast):
    romeo, juliet = cast("romeo", "juliet")
    romeo2 = enable(cast.another(romeo, online=False))
    romeo.sends(message("", juliet.full, "<body>b</body>", id="m1"))
    juliet.hears("<message type='chat' id='m1'>...</message>")
    romeo.ends()
    romeo2.hears("<message type='chat'>...</message>")
    wanted = message(juliet.full, romeo.full, ERROR, "error", "m1")
    juliet.sends(message("", romeo.full, ERROR, "error", "m1"))
    romeo2.hears(carbon("received", romeo2, wanted))
    romeo2.hears_nothing()


def test_an_error_is_known_among_many_messages(cast):
    romeo, juliet = cast("romeo", "juliet")
    romeo2 = enable(cast.another(romeo, online=False))
    romeo.sends(*(message("", juliet.full, "<body>b</body>", id=f"m{i}") for i in range(50)))
    for _ in range(50):
        juliet.hears("<message type='chat'>...</message>")
        romeo2.hears("<message type='chat'>...</message>")
    juliet.sends(*(message("", romeo.full, ERROR, "error", f"m{i}") for i in (0, 49, 50)))
    for i in (0, 49):
        romeo2.hears(carbon("received", romeo2, message(juliet.full, romeo.full, ERROR, "error", f"m{i}")))
    romeo2.hears_nothing()


# ---- rooms ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def world_server(engine, new_server):
    server = new_server(engine, modules={"elsewhere": {"observer": "observer@xylem.test"}}).start()
    server.create("observer")
    yield server
    server.stop()


@pytest.fixture
def world(world_server, actors, request):
    """A cast with a way for stanzas to come in from a foreign domain: world.injects(text)."""
    request.node.servers = [world_server]
    cast = actors(world_server)
    door = cast.online("door")

    def injects(text):
        answer = door.asks("set", f"<inject xmlns='{ELSEWHERE}'>{standing_alone(text)}</inject>",
                           to=world_server.domain)
        assert answer.get("type") == "result", dom.show(answer)

    cast.injects = injects
    return cast


def joins(client, nick, room=ROOM):
    client.sends(f"<presence to='{room}/{nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
    client.round_trip()


def test_invitations_from_a_room(world):
    """Its bare JID sends them: no private message of an occupant, although it looks alike."""
    romeo = world.online("romeo")
    romeo2 = enable(world.another(romeo, online=False))
    for payload in (MEDIATED, DIRECT):
        wanted = message(ROOM, romeo.full, payload, "normal")
        world.injects(wanted)
        romeo.hears(wanted)
        romeo2.hears(carbon("received", romeo2, wanted))
    wanted = message(ROOM, romeo.full, "<body>b</body>", "groupchat")
    world.injects(wanted)
    romeo.hears(wanted)
    romeo2.hears_nothing()


def test_private_messages_from_occupants_are_the_rooms_to_multiply(world):
    romeo = world.online("romeo")
    romeo2 = enable(world.another(romeo, online=False))
    for payload in ("<body>b</body>" + OCCUPANT, "<body>b</body>" + OCCUPANT + DIRECT):
        world.injects(message(f"{ROOM}/thirdwitch", romeo.full, payload))
        romeo.hears(message(f"{ROOM}/thirdwitch", romeo.full, payload))
    romeo2.hears_nothing()
    # rooms that do not mark them: known by who is there
    plain = message(f"{ROOM}/thirdwitch", romeo.full, "<body>b</body>")
    world.injects(plain)
    romeo2.hears(carbon("received", romeo2, plain))
    joins(romeo, "firstwitch")
    world.injects(plain)
    romeo2.hears_nothing()
    other = message("friend@chat.elsewhere.test/thirdwitch", romeo.full, "<body>b</body>")
    world.injects(other)
    romeo2.hears(carbon("received", romeo2, other))
    romeo.sends(f"<presence to='{ROOM}/firstwitch' type='unavailable'/>")
    romeo.round_trip()
    world.injects(plain)
    romeo2.hears(carbon("received", romeo2, plain))


def test_private_messages_to_occupants_go_to_those_who_share_the_nick(world):
    romeo = world.online("romeo")
    same, other, outside = (enable(world.another(romeo, online=False)) for _ in range(3))
    occupant = f"{ROOM}/thirdwitch"
    for payload in ("<body>b</body>", "<body>b</body>" + OCCUPANT):
        wanted = message(romeo.full, occupant, payload)
        romeo.sends(message("", occupant, payload))
        for client in (same, other, outside):  # nobody is known to be in the room
            client.hears(carbon("sent", client, wanted))
    joins(romeo, "firstwitch")
    joins(same, "firstwitch")
    joins(other, "secondwitch")
    for kind, payload in (("chat", "<body>b</body>" + OCCUPANT), ("chat", "<body>b</body>"), ("normal", OCCUPANT)):
        romeo.sends(message("", occupant, payload, kind))
        same.hears(carbon("sent", same, message(romeo.full, occupant, payload, kind)))
        for client in (other, outside):
            client.hears_nothing()
    romeo.sends(f"<presence to='{ROOM}/secondwitch'/>")  # a new nick
    romeo.sends(message("", occupant, "<body>b</body>"))
    other.hears(carbon("sent", other, message(romeo.full, occupant, "<body>b</body>")))
    same.hears_nothing()
    world.injects(message(occupant, romeo.full, ERROR, "error"))
    other.hears_nothing()
    romeo.sends(message("", occupant, "<body>b</body>", id="pm"))
    other.hears("<message type='chat'>...</message>")
    error = message(occupant, romeo.full, ERROR, "error", "pm")
    world.injects(error)
    other.hears(carbon("received", other, error))
    for client in (same, outside):
        client.hears_nothing()


def test_whoever_becomes_unavailable_has_left_his_rooms(world):
    romeo = world.online("romeo")
    romeo2 = enable(world.another(romeo, online=False))
    joins(romeo, "firstwitch")
    romeo.sends("<presence type='unavailable'/><presence/>")
    romeo.round_trip()
    wanted = message(romeo.full, f"{ROOM}/thirdwitch", "<body>b</body>")
    romeo.sends(message("", f"{ROOM}/thirdwitch", "<body>b</body>"))
    romeo2.hears(carbon("sent", romeo2, wanted))


def test_mediated_invitations_to_a_room_are_copied(world):
    romeo = world.online("romeo")
    romeo2 = enable(world.another(romeo, online=False))
    invitation = f"<x xmlns='{MUC_USER}'><invite to='hecate@shakespeare.lit'/></x>"
    romeo.sends(message("", ROOM, invitation, "normal"))
    romeo2.hears(carbon("sent", romeo2, message(romeo.full, ROOM, invitation, "normal")))


# ---- order, and what becomes of copies -----------------------------------------------------------------


def numbers(client, count):
    """ids of the next messages, of the original inside a copy."""
    heard = []
    while len(heard) < count:
        element = client.next_element()
        if dom.name(element)[1] == "message":
            inner = element.find(f"*/{{urn:xmpp:forward:0}}forwarded/{{{NS['client']}}}message")
            heard.append((element if inner is None else inner).get("id"))
    return heard


def test_copies_keep_the_order_of_the_originals(cast):
    """Stored messages, which wait for their commit, and others, which do not, in one stream."""
    romeo = cast.online("romeo")
    juliet = managed(cast, "juliet").logs_in().enables()
    juliet.sends("<presence/>")
    juliet.settles()
    romeo2, juliet2 = enable(cast.another(romeo)), enable(cast.another(juliet))
    for client in (juliet, romeo2, juliet2):
        client.settles()
        client.events.clear()
    ids = [f"m{i}" for i in range(300)]
    romeo.sends(*(message("", juliet.full, STATE if i % 3 == 1 else "<body>b</body>" + "x" * (i % 7), id=id)
                  for i, id in enumerate(ids)))
    for client in (juliet, juliet2, romeo2):
        assert numbers(client, 300) == ids
        client.hears_nothing()


def test_an_answer_does_not_overtake_what_it_answers(cast):
    """Two clients of one user see a conversation in the same order as the two that have it."""
    romeo, juliet = cast("romeo", "juliet")
    romeo2, juliet2 = enable(cast.another(romeo, online=False)), enable(cast.another(juliet, online=False))
    ids = [f"m{i}" for i in range(60)]
    for speaker, id in zip(itertools.cycle((romeo, juliet)), ids):
        other = juliet if speaker is romeo else romeo
        speaker.sends(message("", other.full, "<body>b</body>", id=id))
        other.hears(f"<message type='chat' id='{id}'>...</message>")
    assert numbers(romeo2, 60) == numbers(juliet2, 60) == ids


def test_copies_are_not_kept_for_anybody(cast, server):
    """A client that dies with copies unread loses them: the original has been delivered."""
    romeo, juliet = cast("romeo", "juliet")
    dying = enable(cast.another(juliet, online=False, receive_buffer=4096))
    for i in range(100):
        romeo.sends(message("", juliet.full, "<body>" + "x" * 4000 + "</body>", id=f"m{i}"))
    assert numbers(juliet, 100) == [f"m{i}" for i in range(100)]
    juliet.round_trip()
    dying.breaks()
    process.wait_until(lambda: len(server.json("session", "list", juliet.jid)["rows"]) == 1, "the session's end")
    romeo.hears_nothing()
    juliet.hears_nothing()
    juliet.ends()
    again = cast.client("juliet", jid=juliet.jid).logs_in()
    again.sends("<presence/>")
    again.hears("<presence/>")
    again.hears_nothing()


def test_an_error_that_answers_a_copy_goes_nowhere(house):
    house.romeo.sends(message("", house.juliet.full, "<body>b</body>", id="m1"))
    house.juliet.hears("<message type='chat' id='m1'>...</message>")
    house.juliet2.hears("<message type='chat'>...</message>")
    house.romeo2.hears("<message type='chat'>...</message>")
    for to in (house.juliet.jid, house.juliet2.full):
        house.juliet2.sends(message("", to, ERROR, "error", "m1"))
    house.juliet2.round_trip()
    house.juliet2.events.clear()
    house.nothing_else()


# ---- logins and reloads --------------------------------------------------------------------------------


def test_asked_for_while_binding(cast):
    """XEP-0386: copies from the first message on, before any presence."""
    romeo, juliet = cast("romeo", "juliet")
    made = sasl2.secures(cast.client("juliet", jid=juliet.jid))
    assert CARBONS in sasl2.bind_features(made)
    success = sasl2.logs_in(made, inline=sasl2.bind("Phone", f"<enable xmlns='{CARBONS}'/>"))
    assert success.bound is not None
    without = sasl2.secures(cast.client("juliet", jid=juliet.jid))
    sasl2.logs_in(without, inline=sasl2.bind("Desk"))
    romeo.sends(message("", juliet.full, "<body>b</body>"))
    made.hears(carbon("received", made, message(romeo.full, juliet.full, "<body>b</body>")))
    without.hears_nothing()


def test_a_resumed_session_gets_copies_as_before(cast):
    romeo, juliet = cast("romeo", "juliet")
    moving = managed(cast, "juliet", jid=juliet.jid).logs_in().enables()
    enable(moving)
    moving.resets()
    romeo.sends(message("", juliet.full, "<body>while away</body>"))
    juliet.hears("<message type='chat'>...</message>")
    back = moving.reconnects().resumes()
    romeo.sends(message("", juliet.full, "<body>back</body>"))
    back.hears(carbon("received", back, message(romeo.full, juliet.full, "<body>while away</body>")),
               carbon("received", back, message(romeo.full, juliet.full, "<body>back</body>")))


def test_a_session_that_outlives_the_server_gets_copies_as_before(make_server, actors):
    server = make_server()
    cast = actors(server)
    moving = enable(managed(cast, "juliet").logs_in().enables())
    plain = managed(cast, "juliet", jid=moving.jid).logs_in().enables()
    for client in (moving, plain):
        client.resets()
    server.restart()
    back, other = moving.reconnects().resumes(), plain.reconnects().resumes()
    romeo, juliet = cast.online("romeo"), cast.client("juliet", jid=moving.jid).comes_online()
    romeo.sends(message("", juliet.full, "<body>b</body>"))
    back.hears(carbon("received", back, message(romeo.full, juliet.full, "<body>b</body>")))
    other.hears_nothing()


def test_a_client_that_stays_away_does_not_fill_the_memory_with_copies(make_server, actors):
    server = make_server(modules={"sm": {"queue": 10}})
    cast = actors(server)
    romeo, juliet = cast("romeo", "juliet")
    away = enable(managed(cast, "juliet", jid=juliet.jid).logs_in().enables())
    away.resets()
    process.wait_until(lambda: [r["address"] for r in server.json("session", "list", away.full)["rows"]] == ["detached"],
                       "the session without a connection")
    ids = [f"m{i}" for i in range(200)]
    romeo.sends(*(message("", juliet.full, "<body>b</body>", id=id) for id in ids))
    assert numbers(juliet, 200) == ids
    back = away.reconnects().resumes()
    back.round_trip()
    heard = len(back.events)
    assert 10 <= heard < 100 and numbers(back, heard) == ids[:heard]


def test_switched_off_and_on_again(make_server, actors):
    server = make_server()
    cast = actors(server)
    romeo, juliet = cast("romeo", "juliet")
    juliet2 = enable(cast.another(juliet, online=False))
    server.reload(modules={"carbons": False})
    assert condition(juliet2.asks("set", f"<enable xmlns='{CARBONS}'/>")) == "service-unavailable"
    romeo.sends(message("", juliet.full, "<body>off</body>"))
    juliet.hears("<message type='chat'>...</message>")
    juliet2.hears_nothing()
    server.reload(modules={"carbons": True})
    romeo.sends(message("", juliet.full, "<body>on</body>"))
    juliet2.hears(carbon("received", juliet2, message(romeo.full, juliet.full, "<body>on</body>")))


def test_replaced_under_load(make_server, actors):
    """Every message is copied once and in order, whichever edition of the module does it."""
    server = make_server(start=False)
    renew = edition.of(server, "carbons")
    server.start()
    cast = actors(server)
    romeo, juliet = cast("romeo", "juliet")
    romeo2, juliet2 = enable(cast.another(romeo, online=False)), enable(cast.another(juliet, online=False))
    ids = [f"m{i}" for i in range(300)]
    for i, id in enumerate(ids):
        romeo.sends(message("", juliet.full, "<body>b</body>", id=id))
        if i % 60 == 30:
            renew()
            server.process.send_signal(signal.SIGHUP)
    for client in (juliet, juliet2, romeo2):
        assert numbers(client, 300) == ids
    process.wait_until(lambda: server.json("status")["fields"]["reloads"] >= 1, "a reload")
    renew()
    rows = server.json("reload")["rows"]
    assert [r["change"] for r in rows if r["name"].startswith("carbons@xylem.test")] == ["replaced"]
    romeo.sends(message("", juliet.full, "<body>b</body>", id="last"))
    for client in (juliet, juliet2, romeo2):
        assert numbers(client, 1) == ["last"]
    for client in (romeo, juliet, romeo2, juliet2):
        client.hears_nothing()

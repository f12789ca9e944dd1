# SPDX-License-Identifier: MIT
"""Talking in rooms (XEP-0045 7.4): who may, what everybody sees, what never comes from an occupant."""
import pytest

from lib import dom
from lib.room import OCCUPANT_ID, USER, Room, codes, hush, made_with_rooms, occupant_id

pytestmark = pytest.mark.xylem
MODERATE = "urn:xmpp:message-moderate:1"


@pytest.fixture
def stage(make_server, actors):
    """stage("Romeo", "Juliet", moderatedroom=True): a room, its people inside, nothing left to hear."""

    def make(*nicks, muc=True, modules=None, server=None, **fields):
        server = server or made_with_rooms(make_server, muc=muc, modules=modules or {})
        cast = actors(server)
        room = Room(server)
        people = [cast.online(nick.lower()) for nick in nicks]
        room.opens(people[0], nicks[0], **fields)
        for client, nick in zip(people[1:], nicks[1:]):
            room.enters(client, nick)
        hush(*people)
        return [cast, room, *people]

    return make


def groupchat(room, payload, id=None):
    mark = f" id='{id}'" if id else ""
    return f"<message to='{room}' type='groupchat'{mark}>{payload}</message>"


def said(room, nick, payload, id="*"):
    """As everybody sees it."""
    return (f"<message from='{room.of(nick)}' type='groupchat' id='{id}'>{payload}"
            f"<occupant-id xmlns='{OCCUPANT_ID}' id='*'/></message>")


def hears_refusal(client, room, condition, kind="*", id="*", of="message", at=None):
    """An error by the room, from it or, `at` a nick, from the occupant asked, with words for people."""
    return client.hears(
        f"<{of} from='{room.of(at) if at else room}' to='{client.full}' id='{id}' type='error'>"
        f"<error type='{kind}' by='{room}'><{condition} xmlns='{dom.NS['stanzas']}'/>"
        f"<text xmlns='{dom.NS['stanzas']}'>*</text></error></{of}>")


# ---- 7.4 ------------------------------------------------------------------------------------------


def test_7_4_all_hear_it_the_sender_too_with_the_id_it_gave(stage):
    _, room, romeo, juliet, nurse = stage("Romeo", "Juliet", "Nurse")
    juliet.sends(groupchat(room, "<body>Ay me</body>", "hysf1v37"))
    for client in (romeo, juliet, nurse):
        got = client.hears(said(room, "Juliet", "<body>Ay me</body>", "hysf1v37"))
        assert got.get("to") == client.full
    for client in (romeo, juliet, nurse):
        client.hears_nothing()


def test_7_4_everybody_hears_all_in_one_order(stage):
    _, room, romeo, juliet, nurse = stage("Romeo", "Juliet", "Nurse", muc={"messages": None})
    for i in range(60):
        (romeo, juliet, nurse)[i % 3].sends(groupchat(room, f"<body>{i}</body>"))
    heard = [[c.hears("<message type='groupchat'>...<body>*</body></message>").findtext("{jabber:client}body")
              for _ in range(60)] for c in (romeo, juliet, nurse)]
    assert heard[0] == heard[1] == heard[2]
    for first in range(3):  # and each one's own in the order it sent them
        own = [int(t) for t in heard[0] if int(t) % 3 == first]
        assert own == sorted(own)


def test_7_4_every_session_of_a_nick_hears_it(stage):
    cast, room, romeo, juliet = stage("Romeo", "Juliet")
    second = cast.another(juliet)
    room.enters(second, "Juliet")
    hush(romeo, juliet, second)
    second.sends(groupchat(room, "<body>twice here</body>", "m"))
    for client in (romeo, juliet, second):
        client.hears(said(room, "Juliet", "<body>twice here</body>", "m"))


def test_7_4_who_is_not_in_the_room_is_not_heard(stage):
    cast, room, romeo = stage("Romeo")
    tybalt = cast.online("tybalt")
    tybalt.sends(groupchat(room, "<body>villain</body>", "t1"))
    hears_refusal(tybalt, room, "not-acceptable", id="t1")
    romeo.hears_nothing()


def test_7_4_another_session_of_an_occupants_account_is_not_in_the_room(stage):
    cast, room, romeo = stage("Romeo")
    other = cast.another(romeo)
    other.sends(groupchat(room, "<body>b</body>", "o1"))
    hears_refusal(other, room, "not-acceptable", id="o1")


def test_18_2_a_room_that_does_not_exist(stage):
    cast, room, romeo = stage("Romeo")
    romeo.sends(groupchat(f"no{room}", "<body>b</body>", "n1"))
    hears_refusal(romeo, f"no{room}", "item-not-found", id="n1")


def test_18_2_a_locked_room_does_not_exist_for_others(make_server, actors):
    server = made_with_rooms(make_server)
    cast = actors(server)
    romeo, juliet = cast.online("romeo", "juliet")
    room = Room(server)
    room.enters(romeo, "Romeo")
    juliet.sends(groupchat(room, "<body>b</body>", "l1"))
    hears_refusal(juliet, room, "item-not-found", id="l1")


def test_7_4_a_visitor_has_no_voice_in_a_moderated_room(stage):
    _, room, romeo, juliet = stage("Romeo", "Juliet", moderatedroom=True)
    room.allows(romeo, nick="Juliet", role="visitor")
    hush(romeo, juliet)
    juliet.sends(groupchat(room, "<body>b</body>", "v1"))
    hears_refusal(juliet, room, "forbidden", "auth", id="v1")
    juliet.sends(groupchat(room, "<active xmlns='http://jabber.org/protocol/chatstates'/>", "v2"))
    hears_refusal(juliet, room, "forbidden", "auth", id="v2")
    romeo.hears_nothing()
    room.allows(romeo, nick="Juliet", role="participant")
    hush(romeo, juliet)
    juliet.sends(groupchat(room, "<body>now</body>", "v3"))
    romeo.hears(said(room, "Juliet", "<body>now</body>", "v3"))


@pytest.mark.parametrize("payload", [
    "<composing xmlns='http://jabber.org/protocol/chatstates'/>",
    "<displayed xmlns='urn:xmpp:chat-markers:0' id='m'/>",
    "<reactions xmlns='urn:xmpp:reactions:0' id='m'><reaction>x</reaction></reactions>",
    "<body>b</body><replace xmlns='urn:xmpp:message-correct:0' id='m'/>",
    "<subject>s</subject><body>b</body>",
    "<body xml:lang='en'>b</body><body xml:lang='it'>c</body>",
    "<body>b</body><stanza-id xmlns='urn:xmpp:sid:0' id='x' by='elsewhere.example'/>",
])
def test_18_2_what_a_client_adds_passes_unchanged(stage, payload):
    _, room, romeo, juliet = stage("Romeo", "Juliet")
    juliet.sends(groupchat(room, payload, "p1"))
    romeo.hears(said(room, "Juliet", payload, "p1"))


@pytest.mark.parametrize("forged", [
    "<delay xmlns='urn:xmpp:delay' stamp='2002-10-13T23:58:37Z'/>",
    "<delay xmlns='urn:xmpp:delay' from='{room}' stamp='2002-10-13T23:58:37Z'/>",
    "<x xmlns='jabber:x:delay' stamp='20021013T23:58:37'/>",
    f"<x xmlns='{USER}'><item affiliation='owner'/><status code='110'/></x>",
    f"<x xmlns='{USER}'/><x xmlns='{USER}'/>",
    "<addresses xmlns='http://jabber.org/protocol/address'><address type='ofrom' jid='a@b.example'/></addresses>",
    "<stanza-id xmlns='urn:xmpp:sid:0' id='x' by='{room}'/>",
    "<stanza-id xmlns='urn:xmpp:sid:0' id='x' by='{room}'/><stanza-id xmlns='urn:xmpp:sid:0' id='y' by='{upper}'/>",
    f"<note xmlns='urn:example'><moderated xmlns='{MODERATE}' by='{{room}}/Romeo'/></note>",
    f"<moderated xmlns='{MODERATE}' by='{{room}}/Romeo'/>",
])
def test_what_only_the_room_may_say_never_comes_from_an_occupant(stage, forged):
    _, room, romeo, juliet = stage("Romeo", "Juliet")
    user, _, domain = str(room).partition("@")
    payload = forged.format(room=room, upper=f"{user.upper()}@{domain.upper()}")
    juliet.sends(groupchat(room, f"<body>b</body>{payload}", "f1"))
    romeo.hears(said(room, "Juliet", "<body>b</body>", "f1"))


def test_a_moderation_of_old_is_a_retraction_and_refused(stage):
    """XEP-0425 0.2: its payload was XEP-0422's."""
    _, room, romeo, juliet = stage("Romeo", "Juliet")
    payload = "<apply-to xmlns='urn:xmpp:fasten:0' id='m'><moderated xmlns='urn:xmpp:message-moderate:0'/></apply-to>"
    juliet.sends(groupchat(room, f"<body>b</body>{payload}", "f1"))
    juliet.hears(f"<message from='{room}' type='error' id='f1'>...</message>")
    romeo.hears_nothing()


def test_xep_0421_there_is_one_occupant_id_and_it_is_the_rooms(stage):
    cast, room, romeo, juliet = stage("Romeo", "Juliet")
    own = {}
    for client, nick in ((romeo, "Romeo"), (juliet, "Juliet")):
        client.sends(groupchat(room, "<body>b</body>"))
        own[nick] = occupant_id(romeo.hears(f"<message from='{room.of(nick)}' type='groupchat'>...</message>"))
    assert own["Romeo"] != own["Juliet"]
    forged = f"<occupant-id xmlns='{OCCUPANT_ID}' id='{own['Romeo']}'/>"
    hush(romeo, juliet)
    juliet.sends(groupchat(room, f"<body>b</body>{forged}{forged}"))
    assert occupant_id(romeo.hears("<message type='groupchat'>...</message>")) == own["Juliet"]


def test_xep_0421_it_is_that_of_the_presence_and_outlives_nick_and_restart(stage, make_server, actors):
    cast, room, romeo, juliet = stage("Romeo", "Juliet", persistentroom=True)
    juliet.sends(groupchat(room, "<body>b</body>"))
    before = occupant_id(romeo.hears("<message type='groupchat'>...</message>"))
    romeo.server.restart()
    cast = actors(romeo.server)
    again = cast.client("juliet", jid=juliet.jid).comes_online()
    seen = room.enters(again, "Capulet")
    assert occupant_id(seen.own) == before
    again.sends(groupchat(room, "<body>c</body>"))
    assert occupant_id(again.hears("<message type='groupchat'>...</message>")) == before


@pytest.mark.parametrize("kind", ["normal", "chat", "headline"])
def test_18_2_a_message_to_the_room_that_is_not_for_all(stage, kind):
    _, room, romeo, juliet = stage("Romeo", "Juliet")
    juliet.sends(f"<message to='{room}' type='{kind}' id='k1'><body>b</body></message>")
    hears_refusal(juliet, room, "bad-request", id="k1")
    romeo.hears_nothing()


def test_a_message_to_the_service_itself(stage):
    _, room, romeo = stage("Romeo")
    romeo.sends(f"<message to='{str(room).partition('@')[2]}' id='s1'><body>b</body></message>")
    romeo.hears_error("service-unavailable", id="s1")


# ---- 10.2.1 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields, code", [
    ({"enablearchiving": False}, 171), ({"whois": "anyone"}, 172), ({"roomname": "Verona"}, 104),
])
def test_10_2_1_all_are_told_of_a_change_of_the_configuration(stage, fields, code):
    _, room, romeo, juliet = stage("Romeo", "Juliet")
    room.is_configured(romeo, **fields)
    got = juliet.hears(f"<message from='{room}' type='groupchat' id='*'><x xmlns='{USER}'>...</x></message>")
    assert code in codes(got)

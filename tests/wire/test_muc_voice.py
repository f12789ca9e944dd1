# SPDX-License-Identifier: MIT
"""Requests for voice (XEP-0045 7.13, 8.6)."""
import pytest

from lib.room import Room, hush, made_with_rooms
from test_muc_talk import groupchat, hears_refusal, stage  # noqa: F401

pytestmark = pytest.mark.xylem
REQUEST = "http://jabber.org/protocol/muc#request"
DATA = "jabber:x:data"


def form(room, kind="submit", id="yd53c486", **fields):
    body = "".join(f"<field var='{v if v == 'FORM_TYPE' else 'muc#' + v}'><value>{t}</value></field>"
                   for v, t in {"FORM_TYPE": REQUEST, **fields}.items())
    return f"<message to='{room}' id='{id}'><x xmlns='{DATA}' type='{kind}'>{body}</x></message>"


def request(room, role="participant", id="yd53c486"):
    return form(room, role=role, id=id)


def approval(room, visitor, nick, allow="true", **more):
    return form(room, **{"role": "participant", "jid": visitor.full, "roomnick": nick, "request_allow": allow, **more})


def values(message):
    return {f.get("var"): f.findtext(f"{{{DATA}}}value") for f in message.iter(f"{{{DATA}}}field")}


@pytest.fixture
def moderated(stage):
    """moderated("Romeo", "Juliet"): Romeo moderates, all others are visitors."""

    def make(*nicks, **fields):
        cast, room, *people = stage(*nicks, moderatedroom=True, **fields)
        for nick in nicks[1:]:
            room.allows(people[0], nick=nick, role="visitor")
        hush(*people)
        return [cast, room, *people]

    return make


def test_7_13_each_moderator_gets_the_form_and_nobody_else(moderated):
    cast, room, romeo, juliet, nurse = moderated("Romeo", "Juliet", "Nurse")
    mercutio = cast.online("mercutio")
    room.enters(mercutio, "Mercutio")
    room.allows(romeo, nick="Mercutio", role="moderator")
    hush(romeo, juliet, nurse, mercutio)
    juliet.sends(request(room))
    for client in (romeo, mercutio):
        got = client.hears(f"<message from='{room}' id='*'><x xmlns='{DATA}' type='form'>...</x></message>")
        assert values(got) == {"FORM_TYPE": REQUEST, "muc#role": "participant", "muc#jid": juliet.full,
                               "muc#roomnick": "Juliet", "muc#request_allow": "false"}
    nurse.hears_nothing()
    juliet.hears_nothing()


@pytest.mark.parametrize("allow", ["true", "1"])
def test_8_6_what_a_moderator_submits_gives_voice(moderated, allow):
    _, room, romeo, juliet, nurse = moderated("Romeo", "Juliet", "Nurse")
    juliet.sends(request(room))
    romeo.hears("<message>...</message>")
    romeo.sends(approval(room, juliet, "Juliet", allow))
    for client in (romeo, juliet, nurse):
        room.shows(client, "Juliet", role="participant", affiliation="none")
    juliet.sends(groupchat(room, "<body>at last</body>"))
    room.tells(nurse, "Juliet", "at last")


def test_8_6_all_sessions_of_the_nick_have_it(moderated):
    cast, room, romeo, juliet = moderated("Romeo", "Juliet")
    second = cast.another(juliet)
    room.enters(second, "Juliet")
    hush(romeo, juliet, second)
    romeo.sends(approval(room, juliet, "Juliet"))
    hush(romeo, juliet, second)
    for client in (juliet, second):
        client.sends(groupchat(room, "<body>b</body>"))
        room.tells(romeo, "Juliet", "b")


@pytest.mark.parametrize("allow", ["false", "0"])
def test_8_6_a_moderator_may_say_no(moderated, allow):
    _, room, romeo, juliet = moderated("Romeo", "Juliet")
    romeo.sends(approval(room, juliet, "Juliet", allow))
    romeo.sends(form(room, kind="cancel"))
    romeo.hears_nothing()
    juliet.hears_nothing()


def test_8_6_nobody_but_a_moderator_gives_it(moderated):
    _, room, romeo, juliet, nurse = moderated("Romeo", "Juliet", "Nurse")
    for client in (juliet, nurse):
        client.sends(approval(room, juliet, "Juliet"))
        hears_refusal(client, room, "forbidden", "auth", "yd53c486")
    romeo.hears_nothing()


def test_8_6_it_is_given_to_whom_the_form_spoke_of(moderated):
    """Somebody else may have the nick by now."""
    cast, room, romeo, juliet = moderated("Romeo", "Juliet")
    room.leaves(juliet, "Juliet")
    tybalt = cast.online("tybalt")
    room.enters(tybalt, "Juliet")
    room.allows(romeo, nick="Juliet", role="visitor")
    hush(romeo, juliet, tybalt)
    romeo.sends(approval(room, juliet, "Juliet"))
    hears_refusal(romeo, room, "item-not-found", id="yd53c486")
    tybalt.hears_nothing()


def test_8_6_who_has_left_gets_nothing(moderated):
    _, room, romeo, juliet = moderated("Romeo", "Juliet")
    room.leaves(juliet, "Juliet")
    hush(romeo)
    romeo.sends(approval(room, juliet, "Juliet"))
    hears_refusal(romeo, room, "item-not-found", id="yd53c486")


def test_8_6_who_has_a_voice_keeps_his_role(moderated):
    _, room, romeo, juliet = moderated("Romeo", "Juliet")
    romeo.sends(approval(room, romeo, "Romeo"))
    romeo.hears_nothing()


@pytest.mark.parametrize("role", ["moderator", "visitor", ""])
def test_7_13_only_the_role_participant_can_be_asked_for(moderated, role):
    _, room, romeo, juliet = moderated("Romeo", "Juliet")
    juliet.sends(request(room, role))
    hears_refusal(juliet, room, "bad-request", "modify", "yd53c486")
    romeo.hears_nothing()


def test_7_13_who_has_a_voice_asks_for_none(stage):
    _, room, romeo, juliet = stage("Romeo", "Juliet", moderatedroom=True)
    room.allows(romeo, nick="Juliet", role="participant")
    hush(romeo, juliet)
    juliet.sends(request(room))
    hears_refusal(juliet, room, "bad-request", "modify", "yd53c486")
    romeo.hears_nothing()


def test_7_13_in_a_room_that_is_not_moderated(stage):
    _, room, romeo, juliet = stage("Romeo", "Juliet")
    room.allows(romeo, nick="Juliet", role="visitor")
    hush(romeo, juliet)
    juliet.sends(request(room))
    hears_refusal(juliet, room, "bad-request", "modify", "yd53c486")


def test_who_is_not_in_the_room(moderated):
    cast, room, romeo = moderated("Romeo")
    tybalt = cast.online("tybalt")
    tybalt.sends(request(room))
    hears_refusal(tybalt, room, "not-acceptable", id="yd53c486")
    tybalt.sends(approval(room, tybalt, "Romeo"))
    hears_refusal(tybalt, room, "not-acceptable", id="yd53c486")
    romeo.hears_nothing()


def test_a_room_may_take_no_requests(moderated):
    _, room, romeo, juliet = moderated("Romeo", "Juliet", allowvoicerequests=False)
    juliet.sends(request(room))
    hears_refusal(juliet, room, "forbidden", "auth", "yd53c486")
    romeo.hears_nothing()


def test_not_too_often_also_under_another_nick_and_from_another_session(make_server, actors):
    server = made_with_rooms(make_server, test_clock=True, limits={"idle": None})
    cast = actors(server)
    room = Room(server)
    romeo, juliet = cast.online("romeo", "juliet")
    room.opens(romeo, "Romeo", moderatedroom=True, voicerequestmininterval=60)
    room.enters(juliet, "Juliet")
    room.allows(romeo, nick="Juliet", role="visitor")
    hush(romeo, juliet)
    juliet.sends(request(room))
    romeo.hears(f"<message from='{room}'><x xmlns='{DATA}' type='form'>...</x></message>")
    juliet.sends(request(room, id="again"))
    hears_refusal(juliet, room, "policy-violation", "wait", "again")
    second = cast.another(juliet)
    room.enters(second, "Capulet")
    room.allows(romeo, nick="Capulet", role="visitor")
    hush(romeo, juliet, second)
    second.sends(request(room, id="other"))
    hears_refusal(second, room, "policy-violation", "wait", "other")
    server.advance("61 s")
    juliet.sends(request(room))
    romeo.hears(f"<message from='{room}'><x xmlns='{DATA}' type='form'>...</x></message>")

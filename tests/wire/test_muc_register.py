# SPDX-License-Identifier: MIT
"""Registering a nick with a room (XEP-0045 7.10, 7.12, 9.9), by oneself where the room is open, by an admin's leave
where it is not."""
import pytest

from lib import dom
from lib.council import (DATA, asks_list, condition, fields, gathers, jids, kind, listed, room, shared_server, stands, submits)
from lib.room import Room, hush, is_message

pytestmark = pytest.mark.xylem
assert room and shared_server

REGISTER = "jabber:iq:register"
FORM = "http://jabber.org/protocol/muc#register"
DISCO = "http://jabber.org/protocol/disco#info"


def asks(room, client):
    return client.asks("get", f"<query xmlns='{REGISTER}'/>", to=room)


def registers(room, client, nick, **more):
    return submits(room, client, form_type=FORM, ns=REGISTER, **{"muc#register_roomnick": nick}, **more)


def unregisters(room, client):
    return client.asks("set", f"<query xmlns='{REGISTER}'><remove/></query>", to=room)


def registered(room, client):
    """The nick, or None."""
    answer = asks(room, client)
    assert answer.get("type") == "result", dom.show(answer)
    query = dom.find(answer, "register:query")
    assert (query.find(f"{{{REGISTER}}}registered") is None) == (query.find(f"{{{DATA}}}x") is not None)
    return query.findtext(f"{{{REGISTER}}}username")


def reserved(room, client):
    """7.12: the nick by disco, or None."""
    answer = client.asks("get", f"<query xmlns='{DISCO}' node='x-roomuser-item'/>", to=room)
    query = answer.find(f"{{{DISCO}}}query")
    assert query.get("node") == "x-roomuser-item" and len(query) <= 1
    if not len(query):
        return None
    assert (query[0].get("category"), query[0].get("type")) == ("conference", "text")
    return query[0].get("name")


def test_form(cast, room):
    romeo, juliet = gathers(cast, room, "romeo", "juliet")
    form = dom.find(asks(room, juliet), "register:query/data:x")
    found = fields(form)
    assert found["FORM_TYPE"].value == FORM and found["muc#register_roomnick"].type == "text-single"
    assert found["muc#register_roomnick"].value == "Juliet"  # the nick one has


def test_register(cast, room):
    """A member with a nick of one's own; everybody there is told, and the nick is nobody else's."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    assert registered(room, juliet) is None and reserved(room, juliet) is None
    assert condition(registers(room, juliet, "Thirdwitch")) is None
    for who in (juliet, nurse, romeo):
        room.shows(who, "Juliet", affiliation="member", role="participant")
    assert registered(room, juliet) == reserved(room, juliet) == "Thirdwitch"
    assert listed(room, romeo, affiliation="member") == [{"affiliation": "member", "jid": str(juliet), "nick": "Thirdwitch"}]
    tybalt = cast("tybalt")
    room.is_refused(tybalt, "Thirdwitch", "conflict", "cancel")
    room.enters(cast.another(juliet), "Thirdwitch")


def test_register_without_being_there(cast, room):
    romeo, juliet = gathers(cast, room, "romeo")[0], cast("juliet")
    assert condition(registers(room, juliet, "Thirdwitch")) is None
    assert reserved(room, juliet) == "Thirdwitch" and jids(room, romeo, "member") == [str(juliet)]


def test_another_nick(cast, room):
    romeo, juliet = gathers(cast, room, "romeo", "juliet")
    for name in ("One", "Two"):
        assert condition(registers(room, juliet, name)) is None
        assert reserved(room, juliet) == name
    room.enters(cast("tybalt"), "One")


def test_nick_of_another(cast, room):
    """conflict: registered, or borne by somebody there."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    assert condition(registers(room, juliet, "Thirdwitch")) is None
    for name in ("Thirdwitch", "Juliet", "Romeo"):
        answer = registers(room, nurse, name)
        assert (condition(answer), kind(answer)) == ("conflict", "cancel")
    assert condition(registers(room, nurse, "Nurse")) is None
    assert condition(registers(room, romeo, "Romeo")) is None
    assert [i.get("nick") for i in listed(room, romeo, affiliation="owner")] == ["Romeo"]


def test_what_is_no_registration(cast, room):
    romeo, juliet = gathers(cast, room, "romeo", "juliet")
    assert condition(juliet.asks("set", f"<query xmlns='{REGISTER}'/>", to=room)) == "bad-request"
    assert condition(juliet.asks("set", f"<query xmlns='{REGISTER}'><x xmlns='{DATA}' type='cancel'/></query>",
                                 to=room)) == "bad-request"
    assert condition(registers(room, juliet, " ")) == "not-acceptable"
    assert condition(asks(Room(cast.server), juliet)) == "item-not-found"
    assert condition(registers(Room(cast.server), juliet, "x")) == "item-not-found"
    assert condition(unregisters(room, juliet)) == "registration-required"


def test_not_allowed(cast, room):
    """muc#roomconfig_allowregistration; the banned never; members still choose a nick."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse", allowregistration=False)
    assert condition(asks(room, juliet)) == condition(registers(room, juliet, "X")) == "not-allowed"
    stands(room, romeo, juliet, "member")
    assert condition(registers(room, juliet, "X")) is None
    stands(room, romeo, nurse, "outcast")
    assert condition(asks(room, nurse)) == condition(registers(room, nurse, "Y")) == "forbidden"


def test_unregister(cast, room):
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    assert condition(registers(room, juliet, "Thirdwitch")) is None
    hush(juliet, nurse, romeo)
    assert condition(unregisters(room, juliet)) is None
    room.shows(nurse, "Juliet", affiliation="none", role="participant")
    assert registered(room, juliet) is None and jids(room, romeo, "member") == []
    room.enters(cast("tybalt"), "Thirdwitch")


def test_unregister_keeps_what_was_not_had_by_it(cast, room):
    """Admins stay such, and members of a room for members."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    stands(room, romeo, juliet, "admin")
    stands(room, romeo, nurse, "member")
    assert condition(submits(room, romeo, membersonly=True)) is None
    for who, affiliation in ((juliet, "admin"), (nurse, "member")):
        assert condition(registers(room, who, f"X{who.label}")) is None
        assert condition(unregisters(room, who)) is None
        assert reserved(room, who) is None and jids(room, romeo, affiliation) == [str(who)]


# ---- 9.9: by an admin's leave ---------------------------------------------------------------------------


def request_heard(client, room):
    """The form an admin gets."""
    got = client.next_element()
    assert is_message(got) and got.get("from") == str(room) and got.get("type") is None, dom.show(got)
    assert dom.find(got, "client:body").text
    return fields(dom.find(got, "data:x"))


def answers(room, client, form, allow):
    told = "".join(Room._field(var, allow if var == "muc#register_allow" else f.value) for var, f in form.items())
    client.sends(f"<message to='{room}'><x xmlns='{DATA}' type='submit'>{told}</x></message>")


@pytest.mark.parametrize("closed", [{"membersonly": True}, {"moderatedroom": True}])
def test_approval(cast, room, closed):
    """All admins and owners are asked, wherever they are; the first to allow it makes a member."""
    romeo = gathers(cast, room, "romeo", **closed)[0]
    nurse, juliet = cast("nurse", "juliet")
    stands(room, romeo, nurse, "admin")
    assert condition(registers(room, juliet, "Thirdwitch")) is None
    assert reserved(room, juliet) is None
    form = request_heard(romeo, room)
    assert form["FORM_TYPE"].value == FORM and form["muc#register_roomnick"].value == "Thirdwitch"
    assert form["muc#jid"].value == str(juliet) and form["muc#register_allow"].value == "0"
    assert request_heard(nurse, room)["muc#jid"].value == str(juliet)
    answers(room, nurse, form, "1")
    nurse.hears_nothing()
    assert reserved(room, juliet) == "Thirdwitch" and jids(room, romeo, "member") == [str(juliet)]
    room.enters(juliet, "Thirdwitch")


def test_refusal_and_strangers(cast, room):
    """Nothing comes of a form that does not allow, or is not from an admin."""
    romeo = gathers(cast, room, "romeo", membersonly=True)[0]
    nurse, juliet = cast("nurse", "juliet")
    stands(room, romeo, nurse, "member")
    hush(nurse)
    assert condition(registers(room, juliet, "Thirdwitch")) is None
    form = request_heard(romeo, room)
    answers(room, romeo, form, "0")
    romeo.hears_nothing()
    for who in (nurse, juliet):
        answers(room, who, form, "1")
        assert condition(who.next_element()) == "forbidden"
    assert jids(room, romeo, "member") == [str(nurse)]
    assert condition(registers(room, juliet, "Thirdwitch")) == "policy-violation"  # asked already
    romeo.hears_nothing()


def test_late_approval_changes_nothing(cast, room):
    """Who was banned or made an admin meanwhile stays that."""
    romeo, juliet = gathers(cast, room, "romeo", membersonly=True)[0], cast("juliet")
    assert condition(registers(room, juliet, "Thirdwitch")) is None
    form = request_heard(romeo, room)
    stands(room, romeo, juliet, "outcast")
    answers(room, romeo, form, "1")
    romeo.hears_nothing()
    assert jids(room, romeo, "outcast") == [str(juliet)] and jids(room, romeo, "member") == []
    assert condition(asks_list(room, juliet, affiliation="member")) == "forbidden"

# SPDX-License-Identifier: MIT
"""Owners (XEP-0045 10.1 to 10.9): rooms made, the lists of owners and admins, the end of a room; who may make one."""
import pytest

from lib.council import (asks_list, change, changes, condition, config, destroys, gathers, item, jids, kind, room, shared_server,
                         stands, submits)
from lib.room import OWNER, USER, Room, codes, hush, made_with_rooms, occupant_id

pytestmark = pytest.mark.xylem
assert room and shared_server


# ---- 10.1 creation --------------------------------------------------------------------------------------


def test_instant_room(cast, room):
    """10.1.2: an empty form unlocks it as it is, without a word to anybody."""
    romeo, juliet = cast("romeo", "juliet")
    room.enters(romeo, "Romeo")
    assert condition(submits(room, romeo, form_type=None)) is None
    romeo.hears_nothing()
    room.enters(juliet, "Juliet")


def test_reserved_room_stays_locked_while_its_form_is_wrong(cast, room):
    romeo, juliet = cast("romeo", "juliet")
    room.enters(romeo, "Romeo")
    assert condition(submits(room, romeo, maxusers="many")) == "not-acceptable"
    room.is_refused(juliet, "Juliet", "item-not-found", "cancel")
    assert condition(submits(room, romeo, roomname="Verona")) is None
    room.enters(juliet, "Juliet")


def test_cancel_of_the_first_form_destroys(cast, room):
    """10.1.3."""
    romeo, juliet = cast("romeo", "juliet")
    room.enters(romeo, "Romeo")
    assert condition(submits(room, romeo, kind="cancel")) is None
    gone = room.loses(romeo, "Romeo", codes={110}, affiliation="none")
    assert gone.find(f"{{{USER}}}x/{{{USER}}}destroy") is not None
    assert 201 in room.enters(juliet, "Juliet").codes


def test_locked_room_is_its_owners_alone(cast, room):
    romeo, juliet = cast("romeo", "juliet")
    room.enters(romeo, "Romeo")
    assert condition(juliet.asks("get", f"<query xmlns='{OWNER}'/>", to=room)) == "item-not-found"
    assert condition(submits(room, juliet, form_type=None)) == "item-not-found"
    room.is_refused(juliet, "Juliet", "item-not-found", "cancel")


def test_no_room(cast):
    romeo, nowhere = cast("romeo"), Room(cast.server)
    assert condition(romeo.asks("get", f"<query xmlns='{OWNER}'/>", to=nowhere)) == "item-not-found"
    assert condition(submits(nowhere, romeo, form_type=None)) == "item-not-found"
    assert condition(destroys(nowhere, romeo)) == "item-not-found"


# ---- who may make rooms ------------------------------------------------------------------------------------


@pytest.mark.parametrize("create, answer", [("local", None), ("anyone", None), ("admins", "not-allowed")])
def test_create(make_server, actors, create, answer):
    server = made_with_rooms(make_server, muc={"create": create})
    romeo, hall = actors(server)("romeo"), Room(server)
    if answer:
        hall.is_refused(romeo, "Romeo", answer, "cancel")
    else:
        hall.opens(romeo, "Romeo")


def test_rooms_per_user(make_server, actors):
    """resource-constraint for one's own third room; being made an owner counts, others may go on."""
    server = made_with_rooms(make_server, muc={"rooms_per_user": 2})
    cast = actors(server)
    romeo, juliet = cast("romeo", "juliet")
    first, second, third = Room(server), Room(server), Room(server)
    first.opens(romeo, "Romeo")
    second.opens(juliet, "Juliet")
    second.allows(juliet, jid=romeo, affiliation="owner")
    hush(juliet)
    third.is_refused(romeo, "Romeo", "resource-constraint", "wait")
    third.opens(juliet, "Juliet")
    first.leaves(romeo, "Romeo")  # temporary: gone
    Room(server).opens(romeo, "Romeo")


def test_max_rooms(make_server, actors):
    server = made_with_rooms(make_server, muc={"max_rooms": 2})
    cast = actors(server)
    romeo, juliet = cast("romeo", "juliet")
    first, second, third = Room(server), Room(server), Room(server)
    first.opens(romeo, "Romeo")
    second.opens(romeo, "Romeo")
    third.is_refused(juliet, "Juliet", "resource-constraint", "wait")
    assert condition(destroys(first, romeo)) is None
    third.opens(juliet, "Juliet")


# ---- 10.3 to 10.8 lists ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("affiliation", ["owner", "admin"])
def test_grant_and_revoke(cast, room, affiliation):
    """10.3, 10.4, 10.6, 10.7: with the role that goes with it, told to all."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    room.allows(romeo, jid=juliet.full, affiliation=affiliation, reason="A worthy witch indeed!")
    for who in (nurse, romeo):
        room.shows(who, "Juliet", affiliation=affiliation, role="moderator", reason="A worthy witch indeed!", actor="Romeo")
    hush(juliet)
    assert str(juliet) in jids(room, romeo, affiliation)
    room.allows(romeo, jid=juliet, affiliation="none")
    for who in (juliet, nurse, romeo):
        room.shows(who, "Juliet", affiliation="none", role="participant")
    assert str(juliet) not in jids(room, romeo, affiliation)


def test_owner_not_in_the_room_is_told_of(cast, room):
    """10.3: a message from the room to those who may know; 5.2.1: in a semi-anonymous room the owners."""
    romeo, juliet = gathers(cast, room, "romeo", "juliet")
    room.allows(romeo, jid="friar@elsewhere.test", affiliation="owner")
    got = romeo.hears(f"<message from='{room}'><x xmlns='{USER}'><mav xmlns='urn:xmpp:muc:affiliations:1' since='*' until='*'/>"
                      "<item affiliation='owner' jid='friar@elsewhere.test' role='none'/></x></message>")
    assert got.get("to") == romeo.full
    juliet.hears_nothing()


@pytest.mark.parametrize("affiliation, wanted, answer", [
    ("admin", "owner", "forbidden"), ("admin", "admin", "forbidden"), ("member", "owner", "forbidden"),
    ("member", "admin", "forbidden"), ("member", "member", "forbidden"), (None, "owner", "forbidden"), ("owner", "owner", None),
])
def test_lists_are_the_owners(cast, room, affiliation, wanted, answer):
    """10.3 to 10.8."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    stands(room, romeo, juliet, affiliation)
    assert condition(change(room, juliet, jid=nurse, affiliation=wanted)) == answer


@pytest.mark.parametrize("target", ["owner", "admin"])
def test_admin_does_not_demote(cast, room, target):
    """10.5, 10.8: forbidden."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    stands(room, romeo, juliet, "admin")
    stands(room, romeo, nurse, target)
    for wanted in ("none", "member"):
        assert condition(change(room, juliet, jid=nurse, affiliation=wanted)) == "forbidden"


@pytest.mark.parametrize("wanted", ["admin", "member", "none"])
def test_last_owner_stays(cast, room, wanted):
    """10.4: conflict; with another owner one may resign."""
    romeo, juliet = gathers(cast, room, "romeo", "juliet")
    answer = change(room, romeo, jid=romeo, affiliation=wanted)
    assert (condition(answer), kind(answer)) == ("conflict", "cancel")
    stands(room, romeo, juliet, "owner")
    assert condition(changes(room, romeo, item(jid=romeo, affiliation=wanted), item(jid=juliet, affiliation=wanted))) == "conflict"
    assert jids(room, romeo, "owner") == sorted([str(romeo), str(juliet)])
    room.allows(romeo, jid=romeo, affiliation=wanted)
    assert jids(room, juliet, "owner") == [str(juliet)]


def test_owner_hands_the_room_over_at_once(cast, room):
    romeo, juliet = gathers(cast, room, "romeo", "juliet")
    assert condition(changes(room, romeo, item(jid=romeo, affiliation="none"), item(jid=juliet, affiliation="owner"))) is None
    assert jids(room, juliet, "owner") == [str(juliet)]


@pytest.mark.parametrize("whois, admin, stranger", [("moderators", "forbidden", "forbidden"), ("anyone", None, None)])
@pytest.mark.parametrize("which", ["owner", "admin"])
def test_who_reads_the_lists(cast, room, which, whois, admin, stranger):
    """10.5, 10.8: in a semi-anonymous room owners, else all."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse", whois=whois)
    stands(room, romeo, juliet, "admin")
    assert condition(asks_list(room, romeo, affiliation=which)) is None
    assert condition(asks_list(room, juliet, affiliation=which)) == admin
    for who in (nurse, cast("tybalt")):
        assert condition(asks_list(room, who, affiliation=which)) == stranger


def test_lists_of_a_room_for_members_are_no_strangers(cast, room):
    romeo = gathers(cast, room, "romeo", whois="anyone", membersonly=True)[0]
    assert condition(asks_list(room, cast("tybalt"), affiliation="owner")) == "forbidden"


def test_lists_in_the_form(cast, room):
    """10.2: roomowners and roomadmins are full lists."""
    romeo, juliet, nurse, tybalt = gathers(cast, room, "romeo", "juliet", "nurse", "tybalt")
    assert condition(submits(room, romeo, roomowners=[romeo, juliet], roomadmins=[nurse])) is None
    for who in (romeo, juliet, nurse, tybalt):
        hush(who)
    assert jids(room, romeo, "owner") == sorted([str(romeo), str(juliet)]) and jids(room, romeo, "admin") == [str(nurse)]
    assert condition(submits(room, romeo, roomadmins=[tybalt])) is None
    room.shows(tybalt, "Tybalt", affiliation="admin", role="moderator")
    room.shows(nurse, "Tybalt", affiliation="admin", role="moderator")
    room.shows(nurse, "Nurse", affiliation="none", role="participant")
    assert jids(room, romeo, "owner") == sorted([str(romeo), str(juliet)]) and jids(room, romeo, "admin") == [str(tybalt)]
    assert condition(submits(room, romeo, roomowners=[])) == "conflict"
    assert condition(submits(room, romeo, roomowners=[tybalt], roomname="x")) is None
    assert jids(room, tybalt, "owner") == [str(tybalt)] and jids(room, tybalt, "admin") == []
    assert config(room, tybalt)["roomname"] == "x"


def test_lists_in_the_form_of_a_room_for_members(cast, room):
    """Who is taken off stays a member."""
    romeo, juliet = gathers(cast, room, "romeo", membersonly=True)[0], cast("juliet")
    assert condition(submits(room, romeo, roomowners=[romeo, juliet])) is None
    assert condition(submits(room, romeo, roomowners=[romeo])) is None
    assert jids(room, romeo, "member") == [str(juliet)]


# ---- 10.9 the end ----------------------------------------------------------------------------------------------


def test_destroy(cast, room):
    """One presence for each, about himself, with venue, password and reason; then there is no such room."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse", persistentroom=True)
    assert condition(destroys(room, romeo, "coven@chat.test", "Macbeth doth come.", "sesame")) is None
    for who, name in ((romeo, "Romeo"), (juliet, "Juliet"), (nurse, "Nurse")):
        gone = room.loses(who, name, codes={110}, affiliation="none", role="none")
        told = gone.find(f"{{{USER}}}x/{{{USER}}}destroy")
        assert told.get("jid") == "coven@chat.test"
        assert told.findtext(f"{{{USER}}}reason") == "Macbeth doth come." and told.findtext(f"{{{USER}}}password") == "sesame"
        assert occupant_id(gone)
        who.hears_nothing()
    assert condition(asks_list(room, romeo, affiliation="owner")) == "item-not-found"
    seen = room.enters(juliet, "Juliet")
    assert 201 in seen.codes and seen.history == []


def test_destroy_without_a_word(cast, room):
    romeo, juliet = gathers(cast, room, "romeo", "juliet")
    assert condition(destroys(room, romeo)) is None
    told = room.loses(juliet, "Juliet", codes={110}).find(f"{{{USER}}}x/{{{USER}}}destroy")
    assert told is not None and dict(told.attrib) == {} and len(told) == 0


def test_destroy_is_for_owners(cast, room):
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    stands(room, romeo, juliet, "admin")
    for who in (juliet, nurse, cast("tybalt")):
        assert condition(destroys(room, who)) == "forbidden"
    assert condition(destroys(room, romeo, "a@b@c")) == "jid-malformed"
    nurse.settles()
    room.says(nurse, "still here")
    assert jids(room, romeo, "owner") == [str(romeo)]


def test_nothing_of_a_destroyed_room_reaches_the_next_of_its_name(cast, room):
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse", persistentroom=True, roomname="Verona")
    assert condition(submits(room, romeo, roomsecret="sesame")) is None
    stands(room, romeo, nurse, "outcast")
    stands(room, romeo, juliet, "admin")
    assert condition(destroys(room, romeo)) is None
    hush(romeo, juliet, nurse)
    seen = room.opens(juliet, "Juliet")
    assert seen.history == [] and seen.subject.findtext("{jabber:client}subject") in (None, "")
    assert config(room, juliet)["roomname"] == "" and config(room, juliet)["roomsecret"] == ""
    assert jids(room, juliet, "owner") == [str(juliet)] and jids(room, juliet, "outcast") == []
    assert codes(room.enters(nurse, "Nurse").own) == {110}

# SPDX-License-Identifier: MIT
"""Avatars of rooms (XEP-0486): who sets them, who gets them, and how they are told."""
import base64
import hashlib

import pytest

from lib import dom
from lib.house import *  # noqa: F403
from lib.room import codes, hush

pytestmark = pytest.mark.xylem
INFO, DATA = "http://jabber.org/protocol/disco#info", "jabber:x:data"
ASK = "<vCard xmlns='vcard-temp'/>"
IMAGE, OTHER = bytes(range(256)), b"another image"


def photo(image):
    text = base64.b64encode(image).decode()
    lines = "\n".join(text[i:i + 72] for i in range(0, len(text), 72))
    return f"<PHOTO><TYPE>image/png</TYPE><BINVAL>\n{lines}\n</BINVAL></PHOTO>"


def card(*images):
    return "<vCard xmlns='vcard-temp'>" + "".join(map(photo, images)) + "</vCard>"


def sha1(image):
    return hashlib.sha1(image).hexdigest()


def told(client, room):
    """muc#roominfo_avatarhash: a list, empty when there is no such field."""
    answer = client.asks("get", f"<query xmlns='{INFO}'/>", to=room)
    fields = {f.get("var"): [v.text for v in f] for f in answer.iter(f"{{{DATA}}}field")}
    return fields.get("muc#roominfo_avatarhash", [])


def sets(client, room, vcard):
    answer = client.asks("set", vcard, to=room)
    assert answer.get("type") == "result" and answer.get("from") == str(room), dom.show(answer)


def gets(client, room):
    answer = client.asks("get", ASK, to=room)
    assert answer.get("type") == "result", dom.show(answer)
    return answer[0]


def rooms_own(room, photo):
    """The presence of the room itself."""
    inner = f"<photo>{photo}</photo>" if photo else "<photo/>"
    return f"<presence from='{room}'><x xmlns='vcard-temp:x:update'>{inner}</x></presence>"


def hears_change(client, room):
    got = client.next_element()
    assert got.get("from") == str(room) and got.get("type") == "groupchat" and codes(got) == {104}, dom.show(got)
    return got


def test_an_owner_sets_it_and_everybody_gets_it(house):
    romeo, juliet = house.cast.connected("romeo", "juliet")
    room = house.room(owner=romeo)
    assert told(juliet, room) == [] and dom.match(dom.parse(ASK), gets(juliet, room)) is None
    sets(romeo, room, card(IMAGE))
    for who in (romeo, juliet):
        assert dom.match(dom.parse(card(IMAGE)), gets(who, room)) is None
        assert told(who, room) == [sha1(IMAGE)]


def test_several_formats_of_one_image(house):
    """Section 5.1: all of them are told."""
    romeo = house.cast.connected("romeo")
    room = house.room(owner=romeo)
    sets(romeo, room, card(IMAGE, OTHER))
    assert told(romeo, room) == [sha1(IMAGE), sha1(OTHER)]


def test_an_empty_card_removes_it(house):
    romeo = house.cast.connected("romeo")
    room = house.room(owner=romeo)
    sets(romeo, room, card(IMAGE))
    sets(romeo, room, ASK)
    assert told(romeo, room) == [] and dom.match(dom.parse(ASK), gets(romeo, room)) is None


@pytest.mark.parametrize("affiliation", ["none", "member", "admin", "outcast"])
def test_nobody_else_sets_it(house, affiliation):
    romeo, juliet = house.cast.connected("romeo", "juliet")
    room = house.room(owner=romeo)
    house.ctl("room", "affiliation", room, juliet, affiliation)
    is_error(juliet.asks("set", card(IMAGE), to=room), "forbidden", "auth")
    assert told(romeo, room) == []
    assert juliet.asks("get", ASK, to=room).get("type") == ("error" if affiliation == "outcast" else "result")


def test_no_such_room(house):
    romeo = house.cast.connected("romeo")
    for kind in ("get", "set"):
        is_error(romeo.asks(kind, ASK, to=f"nowhere@{house.service}"), "item-not-found")


def test_the_size_is_limited(own_house):
    house = own_house({"max_avatar": "2 KiB"})
    romeo = house.cast.connected("romeo")
    room = house.room(owner=romeo)
    is_error(romeo.asks("set", card(b"x" * 3000), to=room), "policy-violation")
    sets(romeo, room, card(b"x" * 1000))


def test_a_photo_that_cannot_be_read_has_no_hash(house):
    romeo = house.cast.connected("romeo")
    room = house.room(owner=romeo)
    sets(romeo, room, "<vCard xmlns='vcard-temp'><PHOTO><BINVAL>%%%</BINVAL></PHOTO></vCard>")
    assert told(romeo, room) == []


def test_those_inside_are_told(house):
    romeo, juliet = house.cast("romeo", "juliet")
    room = house.room(owner=romeo)
    room.enters(romeo, "Romeo")
    room.enters(juliet, "Juliet")
    hush(romeo, juliet)
    sets(romeo, room, card(IMAGE))
    for who in (romeo, juliet):
        hears_change(who, room)
        who.hears(rooms_own(room, sha1(IMAGE)))
    sets(romeo, room, card(IMAGE))  # the same: nothing to tell
    juliet.hears_nothing()
    sets(romeo, room, ASK)
    for who in (romeo, juliet):
        hears_change(who, room)
        who.hears(rooms_own(room, ""))


def test_a_newcomer_is_shown_the_hash_first(house):
    romeo, juliet = house.cast("romeo", "juliet")
    room = house.room(owner=romeo)
    sets(romeo, room, card(IMAGE))
    room.asks_in(juliet, "Juliet")
    juliet.hears(rooms_own(room, sha1(IMAGE)))
    assert 110 in room.hears_entry(juliet, "Juliet").codes


def test_a_room_without_avatar_says_nothing_of_it(house):
    juliet = house.cast("juliet")
    assert 110 in house.room().enters(juliet, "Juliet").codes  # its order is checked: nothing came before
    juliet.hears_nothing()


def test_it_outlives_a_restart_and_goes_with_the_room(own_house, actors):
    house = own_house()
    romeo = house.cast.connected("romeo")
    room = house.room(owner=romeo)
    sets(romeo, room, card(IMAGE))
    house.server.restart()
    again = actors(house.server)
    romeo = again.client("romeo", jid=romeo.jid).logs_in()
    assert told(romeo, room) == [sha1(IMAGE)]
    assert dom.match(dom.parse(card(IMAGE)), gets(romeo, room)) is None
    house.server.ctl("room", "destroy", str(room))
    house.server.ctl("room", "create", str(room), "--owner", romeo.jid)
    assert told(romeo, room) == [] and dom.match(dom.parse(ASK), gets(romeo, room)) is None

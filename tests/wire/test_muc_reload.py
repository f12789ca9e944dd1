# SPDX-License-Identifier: MIT
"""Rooms while the code under them changes, and when it goes: a new edition of the module keeps everybody
where they are, a service that is switched off and a server that stops say good-bye (XEP-0045 12.2)."""
import threading

import pytest

from lib import dom, edition
from lib.room import Room, codes, hush, item, made_with_rooms, occupant_id

pytestmark = pytest.mark.xylem


@pytest.fixture
def server(make_server):
    """Not started."""
    return made_with_rooms(make_server, start=False, muc={"presences": None, "messages": None})


def together(cast, room, **config):
    romeo, juliet = cast("romeo", "juliet")
    room.opens(romeo, "Romeo", **config)
    room.enters(juliet, "Juliet", presence="<show>away</show>")
    hush(romeo, juliet)
    return romeo, juliet


def test_new_edition_keeps_all(server, actors):
    """Nobody hears of it; roles, presences, JIDs and ids are what they were; all one can do goes on."""
    renew = edition.of(server, "muc")
    cast = actors(server.start())
    room = Room(server)
    romeo, juliet = together(cast, room)
    room.allows(romeo, nick="Juliet", role="visitor")
    hush(romeo, juliet)
    before = occupant_id(room.enters(romeo, "Romeo").own)
    hush(romeo, juliet)
    renew()
    assert "replaced" in server.reload()
    romeo.hears_nothing()
    juliet.hears_nothing()
    seen = room.enters(cast("nurse"), "Nurse")
    assert set(seen.others) == {"Romeo", "Juliet"}
    assert item(seen.others["Juliet"]).get("role") == "visitor"
    assert seen.others["Juliet"].findtext("{jabber:client}show") == "away"
    assert occupant_id(seen.others["Romeo"]) == before
    hush(romeo, juliet)
    juliet.sends(f"<presence to='{room.of('Capulet')}'/>")
    room.loses(romeo, "Juliet", new_nick="Capulet", jid=juliet.full)
    room.shows(romeo, "Capulet")
    hush(juliet)
    room.leaves(juliet, "Capulet")
    room.loses(romeo, "Capulet")


def test_new_editions_under_a_running_room(server, actors):
    """One changes presence and nick all the time while the code is replaced again and again: the other
    hears every single change, in order."""
    renew = edition.of(server, "muc")
    cast = actors(server.start())
    room = Room(server)
    romeo, juliet = together(cast, room)
    stop, sent = threading.Event(), []

    def acts():
        while not stop.is_set() or len(sent) < 50:
            sent.append(len(sent))
            juliet.sends(f"<presence to='{room.of('Juliet')}'><status>{sent[-1]}</status></presence>")
            while not dom.name(juliet.next_element())[1] == "presence":
                pass

    actor = threading.Thread(target=acts)
    actor.start()
    try:
        for _ in range(5):
            renew()
            assert "replaced" in server.reload()
    finally:
        stop.set()
        actor.join()
    for number in sent:
        room.shows(romeo, "Juliet", status=str(number))
    romeo.hears_nothing()


def test_switched_off_at_a_reload(server, actors):
    """12.2: everybody is told, for himself alone, and again let in when the service is back."""
    cast = actors(server.start())
    room = Room(server)
    romeo, juliet = together(cast, room, persistentroom=True)
    server.reload(modules={"muc": False})
    room.loses(romeo, "Romeo", codes={110, 332})
    room.loses(juliet, "Juliet", codes={110, 332})
    romeo.hears_nothing()
    juliet.hears_nothing()
    server.reload(modules={"muc": True})
    seen = room.enters(juliet, "Juliet")
    assert seen.codes == {110} and not seen.others
    assert item(room.enters(romeo, "Romeo").own).get("affiliation") == "owner"


def test_another_domain_at_a_reload(make_server, actors):
    """12.2: those of the former domain are told; rooms of the new one are others."""
    server = made_with_rooms(make_server, start=False, hosts=["xylem.test"])
    cast = actors(server.start())
    room = Room(server)
    romeo, juliet = together(cast, room)
    server.reload(modules={"muc": {"host": "rooms.xylem.test"}})
    room.loses(romeo, "Romeo", codes={110, 332})
    room.loses(juliet, "Juliet", codes={110, 332})
    other = Room(server)
    other.jid = "balcony@rooms.xylem.test"
    assert 201 in other.enters(romeo, "Romeo").codes


def test_server_stops(server, actors):
    """12.2: 332 before the stream ends; after the start the room and its members are there again, also
    of a temporary room."""
    cast = actors(server.start())
    rooms = [(Room(server), persistent) for persistent in (True, False)]
    romeo, juliet = cast("romeo", "juliet")
    for room, persistent in rooms:
        room.opens(romeo, "Romeo", persistentroom=persistent, roomname="Verona", membersonly=True)
        room.allows(romeo, jid=juliet, affiliation="member")
        hush(romeo, juliet)
    for room, _ in rooms:
        room.enters(juliet, "Juliet")
    hush(romeo)
    server.stop()
    gone = {romeo.next_element().get("from") for _ in rooms}
    assert gone == {room.of("Romeo") for room, _ in rooms}
    for room, _ in rooms:
        got = juliet.next_element()
        assert got.get("type") == "unavailable" and {110, 332} == codes(got)
    romeo.hears_stream_error("system-shutdown")
    server.start()
    nurse, again = cast("nurse"), cast.another(juliet, online=False)
    for room, _ in rooms:
        room.is_refused(nurse, "Nurse", "registration-required")
        seen = room.enters(again, "Juliet")
        assert not seen.others and item(seen.own).get("affiliation") == "member" and 201 not in seen.codes


def test_a_dawdler_does_not_keep_the_server(make_server, actors):
    """A module that waits at the good-bye is waited for no longer than reload.grace; the stop is in order."""
    server = made_with_rooms(make_server, start=False, reload={"grace": "1 s"}, modules={"slow": True})
    cast = actors(server.start())
    cast.client("romeo", resource="dawdler").logs_in()
    juliet = cast("juliet")
    server.stop(patience=30)
    juliet.hears_stream_error("system-shutdown")
    assert "server.farewell_cut" in server.output()

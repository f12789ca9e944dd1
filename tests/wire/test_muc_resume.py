# SPDX-License-Identifier: MIT
"""What changes in a room while the session of an occupant is being resumed (XEP-0198)."""
import pytest

from lib import dom
from lib.postgres import Locked
from lib.room import Room, hush, made_with_rooms
from lib.sm import managed
from test_sm_resume import waits

pytestmark = pytest.mark.xylem


def detached(server, cast):
    """Romeo says things in a room that Juliet is in, who has lost her connection."""
    room = Room(server)
    romeo = cast.online("romeo")
    room.opens(romeo, "Romeo")
    juliet = managed(cast, "juliet").logs_in().enables().comes_online()
    room.enters(juliet, "Juliet")
    hush(romeo, juliet)
    juliet.acknowledges().settles()
    juliet.breaks()
    waits(server, juliet)
    return room, romeo, juliet


def says(room, romeo, count):
    for i in range(count):
        romeo.sends(f"<message to='{room}' type='groupchat' id='m{i}'><body>{i}</body></message>")


def hears(juliet, count):
    """What was said; the show of the presence behind it."""
    heard = [juliet.next_element() for _ in range(count + 1)]
    assert [dom.find(m, "client:body").text for m in heard[:count]] == [str(i) for i in range(count)]
    return dom.find(heard[count], "client:show").text


def test_presence_that_comes_while_the_queue_is_read_again(make_server, actors, engine, request):
    """Of an occupant whose former presence waits behind more messages than are read at once."""
    if engine.partition(":")[0] != "pgsql":
        pytest.skip("nothing can be kept waiting")
    server = made_with_rooms(make_server, modules={"muc": {"messages": "none"}, "muc_mam": True})
    room, romeo, juliet = detached(server, actors(server))
    says(room, romeo, 200)
    romeo.sends(f"<presence to='{room}/Romeo'><show>away</show></presence>")
    hush(romeo)
    again = juliet.reconnects()
    with Locked(request.getfixturevalue("postgres"), server.database, "message") as locked:
        again.sends(again.resume_text())
        locked.awaited()
        romeo.sends(f"<presence to='{room}/Romeo'><show>dnd</show></presence>")
        hush(romeo)
    again.took_resumed(again.next_element())
    assert hears(again, 200) in ("away", "dnd")


def test_presence_behind_more_than_the_queue_holds(make_server, actors):
    """Messages of which only the id is kept, then presences of one occupant, of which the last counts."""
    server = made_with_rooms(make_server, modules={"muc": {"messages": "none"}, "muc_mam": True, "sm": {"queue": 5}})
    room, romeo, juliet = detached(server, actors(server))
    says(room, romeo, 10)
    for show in ("away", "dnd"):
        romeo.sends(f"<presence to='{room}/Romeo'><show>{show}</show></presence>")
    hush(romeo)
    again = juliet.reconnects().resumes()
    assert hears(again, 10) == "dnd"

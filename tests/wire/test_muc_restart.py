# SPDX-License-Identifier: MIT
"""Rooms after the server was stopped or killed: what was acknowledged is there, and temporary rooms wait for their
occupants for a while."""
import pytest

from lib import dom, process
from lib.archive import ask
from lib.council import asks_list, condition, config, gathers, item, changes, jids, listed, submits
from lib.database import change
from lib.room import Room, hush, made_with_rooms

pytestmark = pytest.mark.xylem


def ends(server, how):
    if how == "SIGTERM":
        server.stop()
    else:
        server.kill()
    server.start()


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_rooms_and_affiliations_survive(make_server, actors, how):
    server = made_with_rooms(make_server)
    cast, hall = actors(server), Room(server)
    romeo, juliet, nurse = gathers(cast, hall, "romeo", "juliet", "nurse", persistentroom=True, whois="anyone",
                                   roomname="Verona", roomdesc="two\nlines \\n", contactjid=["a@b.test", "c@d.test"])
    assert condition(changes(hall, romeo, item(jid=juliet, affiliation="admin"),
                             item(jid=nurse, affiliation="member", nick="Angelica"),
                             item(jid="tybalt@elsewhere.test", affiliation="outcast", reason="Brawl"))) is None
    lists = {a: listed(hall, romeo, affiliation=a) for a in ("owner", "admin", "member", "outcast")}
    settings = config(hall, romeo)
    assert settings["roomdesc"] == "two\nlines \\n"
    ends(server, how)
    romeo, nurse, tybalt = cast.another(romeo), cast.another(nurse), cast("mercutio")
    assert {a: listed(hall, romeo, affiliation=a) for a in lists} == lists
    assert config(hall, romeo) == settings
    seen = hall.enters(romeo, "Romeo")
    assert seen.codes == {100, 110} and not seen.others
    hall.is_refused(tybalt, "Angelica", "conflict", "cancel")
    hall.enters(nurse, "Angelica")


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_a_room_that_was_not_configured_yet(make_server, actors, how):
    """Still its creator's alone."""
    server = made_with_rooms(make_server)
    cast, hall = actors(server), Room(server)
    romeo, juliet = cast("romeo", "juliet")
    hall.enters(romeo, "Romeo")
    ends(server, how)
    romeo, juliet = cast.another(romeo), cast.another(juliet)
    hall.is_refused(juliet, "Juliet", "item-not-found", "cancel")
    hall.enters(romeo, "Romeo")
    assert condition(submits(hall, romeo, form_type=None)) is None
    hall.enters(juliet, "Juliet")


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_temporary_room_waits(make_server, actors, how):
    """Whoever comes back in time finds it as it was; it goes with the last one, as before."""
    server = made_with_rooms(make_server)
    cast, hall = actors(server), Room(server)
    romeo, juliet = gathers(cast, hall, "romeo", "juliet", roomname="Verona")
    ends(server, how)
    romeo, juliet = cast.another(romeo), cast.another(juliet)
    assert hall.enters(juliet, "Juliet").codes == {110}
    assert jids(hall, romeo, "owner") == [str(romeo)] and config(hall, romeo)["roomname"] == "Verona"
    hall.leaves(juliet, "Juliet")
    assert condition(asks_list(hall, romeo, affiliation="owner")) == "item-not-found"


def test_temporary_room_nobody_comes_back_to(engine, new_server, actors):
    """keep_empty: then it is gone; one with somebody in it and a persistent one are not."""
    server = new_server(engine, test_clock=True, modules={"muc": {"keep_empty": "1 min"}})
    with server:
        cast = actors(server)
        left, used, kept = Room(server), Room(server), Room(server)
        romeo = cast("romeo")
        left.opens(romeo, "Romeo")
        used.opens(romeo, "Romeo")
        kept.opens(romeo, "Romeo", persistentroom=True)
        server.restart()
        romeo = cast.another(romeo)
        used.enters(romeo, "Romeo")
        server.advance("50 s")
        assert jids(left, romeo, "owner") == [str(romeo)]
        server.advance("100 s")
        process.wait_until(lambda: condition(asks_list(left, romeo, affiliation="owner")) == "item-not-found",
                           "the end of the room nobody came back to")
        for room in (used, kept):
            assert jids(room, romeo, "owner") == [str(romeo)]
        hush(romeo)
        used.leaves(romeo, "Romeo")
        assert condition(asks_list(used, romeo, affiliation="owner")) == "item-not-found"


def test_nothing_of_a_change_that_was_not_acknowledged_is_half_there(make_server, actors):
    """Killed while requests of many items are on their way: each is there wholly or not at all."""
    server = made_with_rooms(make_server)
    cast, hall = actors(server), Room(server)
    romeo = gathers(cast, hall, "romeo", persistentroom=True)[0]
    for round_ in range(20):
        told = "".join(item(jid=f"p{round_}-{n}@elsewhere.test", affiliation="member") for n in range(10))
        romeo.sends(f"<iq type='set' id='r{round_}' to='{hall}'><query xmlns='http://jabber.org/protocol/muc#admin'>{told}"
                    "</query></iq>")
    romeo._awaits(lambda e: e.get("id") == "r3")
    server.kill()
    server.start()
    romeo = cast.another(romeo)
    found = [jid.split("-")[0] for jid in jids(hall, romeo, "member")]
    assert {f"p{n}" for n in range(4)} <= set(found)
    assert all(found.count(one) == 10 for one in set(found))


def test_what_is_left_of_a_destroyed_rooms_archive(make_server, actors, request):
    """Killed between the end of a room and that of its archive: the next room of that name has none of it."""
    server = made_with_rooms(make_server, modules={"muc_mam": True})
    cast, hall = actors(server), Room(server)
    romeo = gathers(cast, hall, "romeo", persistentroom=True)[0]
    romeo.sends(f"<message to='{hall}' type='groupchat' id='m'><body>a secret</body></message>")
    hush(romeo)
    server.kill()
    change(server, request, f"delete from muc_room where jid = '{hall}'")
    server.start()
    nurse = cast.online("nurse")
    assert not hall.opens(nurse, "Nurse").history
    assert not ask(nurse, to=hall.jid).results
    nurse.sends(f"<message to='{hall}' type='groupchat' id='m'><body>hello</body></message>")
    hush(nurse)
    [heard] = ask(nurse, to=hall.jid).results
    assert "hello" in dom.show(heard.wrapper)

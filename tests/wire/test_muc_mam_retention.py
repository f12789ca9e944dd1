# SPDX-License-Identifier: MIT
"""What leaves a room's archive, when, and what that does to the rest."""
import pytest

from lib import process
from lib.archive import ask, everything, metadata, texts, trims
from lib.database import number
from lib.hall import MODULES, gathers, ids, nick, refusal, says
from lib.room import Room, hush

pytestmark = pytest.mark.xylem
LOT = 64  # what retention takes out at a time


@pytest.fixture
def archiving(make_server, actors):
    """archiving(keep_for="1 day"): a server on injected time, and its cast."""
    def make(**options):
        server = make_server(test_clock=True, modules={**MODULES, "muc_mam": options or True}, limits={"idle": None})
        return server, actors(server)
    return make


def trimmed(server, module="muc_mam"):
    return sum(r["value"] for r in server.json("metrics")["rows"] if r["metric"].startswith(f"{module}.trimmed"))


def test_old_messages_leave_and_their_ids_are_gone(archiving, request):
    server, cast = archiving(keep_for="1 day")
    hall, romeo = gathers(cast, "romeo")
    before = ids(hall, *says(hall, romeo, 1, 2, 3))
    server.advance("12 h")
    before += ids(hall, *says(hall, romeo, 4, 5))
    server.advance("11 h")
    server.advance("11 min")
    assert len(ask(romeo, to=hall).results) == 5  # 23 hours old
    server.advance("1 h")
    trims(server, lambda: len(ask(romeo, to=hall).results) == 2)
    assert texts(romeo, to=hall) == ["4", "5"]
    for gone in before[:3]:
        for wrong in (dict(after=gone), dict(before=gone), dict(fields={"ids": [before[4], gone]})):
            assert refusal(romeo, hall, **wrong) == ("item-not-found", "cancel")
    assert metadata(romeo, hall)[0][0] == before[3]
    assert number(server, request, "select count(*) from message") == 2
    assert ids(hall, *says(hall, romeo, 6))[0] not in before
    assert trimmed(server) == 3
    guest = cast.online("nurse")
    assert len(hall.enters(guest, "Nurse").history) == 3
    server.advance("2 days")
    hush(romeo, guest)
    trims(server, lambda: not ask(romeo, to=hall).results)
    assert metadata(romeo, hall) == []


def test_the_newest_are_kept_by_number_in_each_room(archiving, request):
    server, cast = archiving(keep_messages=10)
    hall, romeo = gathers(cast, "romeo")
    yard = Room(server)
    yard.opens(romeo, nick(romeo))
    hush(romeo)
    says(hall, romeo, *range(2 * LOT + 20))
    says(yard, romeo, *range(12))
    trims(server, lambda: number(server, request, "select count(*) from archive") == 20)
    assert [int(t) for t in texts(romeo, to=hall)] == list(range(2 * LOT + 10, 2 * LOT + 20))
    assert [int(t) for t in texts(romeo, to=yard)] == list(range(2, 12))
    for _ in range(3):
        server.advance("11 min")
    assert len(everything(romeo, to=hall)) == 10


def test_rooms_nobody_is_in_are_trimmed_as_well(archiving):
    server, cast = archiving(keep_for="1 h")
    hall, romeo = gathers(cast, "romeo", persistentroom=True)
    says(hall, romeo, *range(5))
    hall.leaves(romeo, "Romeo")
    server.advance("2 h")
    trims(server, lambda: trimmed(server) == 5)
    assert everything(romeo, to=hall) == []


def test_for_ever_unless_told_otherwise(archiving):
    server, cast = archiving()
    hall, romeo = gathers(cast, "romeo")
    says(hall, romeo, "kept")
    server.advance("5000 days")
    server.advance("11 min")
    server.advance("1 s")
    assert texts(romeo, to=hall) == ["kept"]


def test_accounts_archives_follow_their_own_rule(make_server, actors):
    server = make_server(test_clock=True, limits={"idle": None},
                         modules={**MODULES, "muc_mam": {"keep_for": "1 h"}, "mam": {"keep_for": "90 days"}})
    cast = actors(server)
    hall, romeo = gathers(cast, "romeo")
    says(hall, romeo, "in the room")
    romeo.sends(f"<message to='{romeo}' type='chat'><body>to myself</body></message>")
    hush(romeo)
    server.advance("2 h")
    trims(server, lambda: not ask(romeo, to=hall).results)
    assert texts(romeo) == ["to myself"] and trimmed(server, "mam") == 0


def test_a_shorter_time_counts_after_a_reload(archiving):
    server, cast = archiving(keep_for="90 days")
    hall, romeo = gathers(cast, "romeo")
    says(hall, romeo, 1)
    server.advance("2 days")
    says(hall, romeo, 2)
    server.reload(modules={"muc_mam": {"keep_for": "1 day"}})
    trims(server, lambda: len(ask(romeo, to=hall).results) == 1)
    assert texts(romeo, to=hall) == ["2"]


def destroys(hall, client):
    answer = client.asks("set", "<query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query>", to=hall)
    assert answer.get("type") == "result"


def test_destroying_a_room_erases_its_archive_and_no_other(make_server, actors, request):
    server = make_server(modules=MODULES)
    hall, romeo = gathers(actors(server), "romeo")
    yard = Room(server)
    yard.opens(romeo, nick(romeo))
    hush(romeo)
    says(hall, romeo, *range(2 * LOT + 5))
    says(yard, romeo, 1, 2)
    destroys(hall, romeo)
    hush(romeo)
    for table, rest in (("archive", 2), ("message", 2), ("room", 1)):
        process.wait_until(lambda: number(server, request, f"select count(*) from {table}") == rest, table)
    assert texts(romeo, to=yard) == ["1", "2"]


def test_a_temporary_room_takes_its_archive_with_it(make_server, actors, request):
    server = make_server(modules=MODULES)
    hall, romeo = gathers(actors(server), "romeo", persistentroom=False)
    says(hall, romeo, 1, 2)
    hall.leaves(romeo, "Romeo")
    process.wait_until(lambda: number(server, request, "select count(*) from message") == 0, "an empty store")
    assert refusal(romeo, hall) == ("item-not-found", "cancel")
    hall.opens(romeo, "Romeo")
    hush(romeo)
    assert ask(romeo, to=hall).results == []


def test_the_archive_stays_while_the_module_is_off(make_server, actors, request):
    server = make_server(modules=MODULES)
    hall, romeo = gathers(actors(server), "romeo", persistentroom=True)
    says(hall, romeo, 1)
    server.reload(modules={"muc_mam": False})
    hall.leaves(romeo, "Romeo")
    assert number(server, request, "select count(*) from message") == 1
    server.reload(modules={"muc_mam": True})
    assert texts(romeo, to=hall) == ["1"]


def test_destroyed_while_the_module_is_off_it_is_gone(make_server, actors, request):
    server = make_server(modules=MODULES)
    hall, romeo = gathers(actors(server), "romeo", persistentroom=True)
    says(hall, romeo, 1)
    server.reload(modules={"muc_mam": False})
    destroys(hall, romeo)
    process.wait_until(lambda: number(server, request, "select count(*) from message") == 0, "an empty store")

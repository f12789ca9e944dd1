# SPDX-License-Identifier: MIT
"""What is on its way to a session when something goes wrong half way: each message still reaches somebody,
once and in order, or its sender is told."""
import itertools

import pytest

from lib import dom, process
from lib.archive import prefers
from lib.postgres import Locked, Postgres, binaries
from lib.server import DROP
from lib.sm import managed

pytestmark = pytest.mark.xylem
LARGE, MANY = "x" * 40000, 60
numbers = itertools.count(1)


def body(to, text, attributes="type='chat'"):
    return f"<message to='{to}' {attributes}><body>{text}</body></message>"


def texts(client, count):
    """The bodies of the next messages without their padding; a presence in between is passed over."""
    heard = []
    while len(heard) < count:
        element = client.next_element()
        if element.tag.endswith("}message"):
            heard.append(dom.find(element, "client:body").text.rstrip("x"))
    return heard


def waiting(server, jid):
    return server.json("offline", "count", jid)["fields"]["waiting"]


def detached(server, client):
    process.wait_until(lambda: [r["address"] for r in server.json("session", "list", client.full)["rows"]]
                       == ["detached"], "the session without a connection")


@pytest.fixture
def clocked(make_server):
    """Nobody is pinged, and no grace period passes."""
    return make_server(test_clock=True, limits={"idle": None})


def fill(romeo, jid):
    """More waits than a client that does not read can be handed."""
    for i in range(MANY):
        romeo.sends(body(jid, f"{i} {LARGE}"))
        romeo.round_trip()


# ---- nobody keeps it for the recipient ---------------------------------------------------------------


def test_the_senders_archive_is_not_the_recipients(make_server, actors):
    """Only the sender's archive has it: a session that ends without having acknowledged it passes it on."""
    server = make_server(test_clock=True, limits={"idle": None},
                         modules={"offline": False, "mam": {"default": "always"}})
    cast = actors(server)
    romeo, juliet = cast("romeo"), cast.client("juliet").comes_online()
    prefers(juliet, "never")
    romeo.sends(body(juliet.full, "read?", "type='chat' id='m1'"))
    assert texts(juliet, 1) == ["read?"]
    juliet.resets()
    romeo.hears_error("service-unavailable", id="m1")
    romeo.hears_nothing()


# ---- stream management, switched on late -------------------------------------------------------------


def test_what_went_before_is_not_what_is_acknowledged(clocked, actors):
    """The client's counter does not know what was sent before it began: an h is not about that."""
    cast = actors(clocked)
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    romeo.sends(body(jid, "a"), body(jid, "b"))
    romeo.round_trip()
    juliet = managed(cast, "juliet", jid=jid).logs_in()
    juliet.answers = False
    juliet.sends("<presence/>" + juliet.enable_text(resume=False))
    assert texts(juliet, 2) == ["a", "b"]
    while juliet.received is None:
        juliet.next_element()
    romeo.sends(body(jid, "c"), body(jid, "d"))
    assert texts(juliet, 2) == ["c", "d"]
    juliet.acknowledges().round_trip()
    process.wait_until(lambda: waiting(clocked, jid) == 0, "nothing that waits")
    juliet.ends()
    cast.client("juliet", jid=jid).comes_online("<presence/>").hears_nothing()


# ---- handing over, interrupted -----------------------------------------------------------------------


def test_a_resumed_session_is_handed_the_rest(clocked, actors):
    cast = actors(clocked)
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    fill(romeo, jid)
    juliet = managed(cast, "juliet", jid=jid).logs_in().enables()
    juliet.sends("<presence/>")
    process.wait_until(juliet.has_input, "the first of them")
    romeo.sends(body(jid, "live"))
    romeo.round_trip()
    juliet.breaks()
    detached(clocked, juliet)
    again = juliet.reconnects().resumes()
    assert texts(again, MANY + 1) == [f"{i} " for i in range(MANY)] + ["live"]
    again.acknowledges().hears_nothing()
    process.wait_until(lambda: waiting(clocked, jid) == 0, "nothing that waits")


def test_what_was_on_its_way_to_another_session_is_handed_over_too(clocked, actors):
    """That one ends while this one is being handed what waits."""
    cast = actors(clocked)
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    fill(romeo, jid)
    phone = managed(cast, "juliet", jid=jid).logs_in().enables()
    phone.answers = False
    romeo.sends(body(phone.full, "for the phone"))
    romeo.round_trip()
    assert texts(phone, 1) == ["for the phone"]
    phone.breaks()
    detached(clocked, phone)
    desk = cast.client("juliet", jid=jid).logs_in()
    desk.sends("<presence/>")
    process.wait_until(desk.has_input, "the first of them")
    clocked.ctl("session", "kick", phone.full)
    assert texts(desk, MANY + 1) == [f"{i} " for i in range(MANY)] + ["for the phone"]
    desk.hears_nothing()


def test_who_is_connected_is_handed_what_another_left(clocked, actors):
    """Not a session without a connection, which nobody may ever resume."""
    cast = actors(clocked)
    romeo, gone = cast.online("romeo"), managed(cast, "juliet").logs_in().enables().comes_online()
    gone.breaks()
    detached(clocked, gone)
    phone = managed(cast, "juliet", jid=gone.jid).logs_in().enables().comes_online()
    desk = cast.client("juliet", jid=gone.jid).comes_online()
    phone.answers = False
    desk.settles()
    desk.events.clear()
    romeo.sends(body(phone.full, "unread"))
    assert texts(phone, 1) == ["unread"]
    phone.ends()
    assert texts(desk, 1) == ["unread"]


# ---- the database at the wrong moment ----------------------------------------------------------------


@pytest.fixture
def database(place):
    if binaries() is None:
        pytest.skip("no PostgreSQL")
    made = Postgres(place / f"pg-hand{next(numbers)}")
    yield made
    made.end()


@pytest.fixture
def on_postgres(database, make_server):
    name = database.new_database()
    server = make_server(test_clock=True, limits={"idle": None}, modules={"mam": {"default": "always"}},
                         storage={"driver": "pgsql", "url": database.url(name), "path": DROP, "timeout": "2 s"})
    server.database, server.name = database, name
    return server


@pytest.mark.once
def test_a_session_that_ends_while_it_is_resumed(on_postgres, actors):
    cast = actors(on_postgres)
    romeo, juliet = cast.online("romeo"), managed(cast, "juliet").logs_in().enables().comes_online()
    juliet.acknowledges().hears_nothing()
    juliet.answers = False
    received = juliet.received
    for i in range(3):
        romeo.sends(body(juliet.full, i))
    assert texts(juliet, 3) == ["0", "1", "2"]
    juliet.breaks()
    detached(on_postgres, juliet)
    juliet.received = received
    again = juliet.reconnects()
    with Locked(on_postgres.database, on_postgres.name, "message") as lock:
        again.sends(again.resume_text())
        lock.awaited()
        on_postgres.ctl("session", "kick", juliet.full)
    again.took_failed(again.next_element())
    again.binds()
    again.sends("<presence/>")
    assert texts(again, 3) == ["0", "1", "2"]
    again.hears_nothing()


@pytest.mark.once
def test_what_could_not_be_read_is_handed_over_later(on_postgres, actors):
    cast = actors(on_postgres)
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    romeo.sends(body(jid, "a"), body(jid, "b"))
    romeo.round_trip()
    juliet = cast.client("juliet", jid=jid).logs_in()
    assert waiting(on_postgres, jid) == 2  # and so nothing of it is under way
    with Locked(on_postgres.database, on_postgres.name, "pending"):
        juliet.sends("<presence/>")
        process.wait_until(lambda: "offline.not_read" in on_postgres.output(), "the failure")
    juliet.round_trip()
    on_postgres.advance("6 s")
    assert texts(juliet, 2) == ["a", "b"]
    juliet.hears_nothing()


@pytest.mark.once
def test_an_ended_session_did_not_handle_what_was_refused(on_postgres, actors):
    """Its commit was under way at the end and failed: the client learns that it has to send it again."""
    cast = actors(on_postgres)
    romeo, juliet = cast("romeo"), managed(cast, "juliet").logs_in().enables().comes_online()
    handled = juliet.requests()
    with Locked(on_postgres.database, on_postgres.name, "message") as lock:
        juliet.sends(body(romeo.full, "lost"))
        lock.awaited()
        on_postgres.ctl("session", "kick", juliet.full)
        process.wait_until(lambda: "message.not_stored" in on_postgres.output(), "the failure")
    again = juliet.connects_again()
    again.secures().authenticates()
    assert again.fails_to_resume() == handled
    romeo.hears_nothing()

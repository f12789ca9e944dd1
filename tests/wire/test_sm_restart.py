# SPDX-License-Identifier: MIT
"""Resumption that survives the server: after SIGTERM and after kill -9, of sessions that waited and of
sessions that were connected. A client resumes, or is told what was handled and gets every message."""
import signal
import sqlite3

import pytest

from lib import dom, friends, process
from lib.dom import NS
from lib.server import DROP
from lib.sm import managed

pytestmark = pytest.mark.xylem


def body(to, text, attributes="type='chat'"):
    return f"<message to='{to}' {attributes}><body>{text}</body></message>"


def texts(client, count):
    heard = []
    while len(heard) < count:
        element = client.next_element()
        if element.tag.endswith("}message"):
            heard.append(dom.find(element, "client:body").text)
    return heard


def waits(server, client):
    process.wait_until(lambda: [r["address"] for r in server.json("session", "list", client.full)["rows"]]
                       == ["detached"], "the session without a connection")
    server.ctl("session", "list")


def sql(server, request, statement):
    """On the database of a server, whichever it is."""
    if server.database:
        return request.getfixturevalue("postgres").psql(server.database, statement)
    with sqlite3.connect(server.directory / "data" / "xylem.db", timeout=30) as database:
        rows = database.execute(statement).fetchall()
    return "\n".join("|".join(str(c) for c in row) for row in rows)


def is_saved(server, request):
    """A row of a session that waits is complete and durable."""
    process.wait_until(lambda: sql(server, request, "select count(*) from sm_session where state = 1") == "1",
                       "the row of the session")


@pytest.fixture
def server(make_server):
    return make_server()


@pytest.fixture
def people(server, actors):
    cast = actors(server)
    return [managed(cast, name).logs_in().enables().comes_online() for name in ("romeo", "juliet")]


def confirmed(client):
    """Until the server has taken all it sent."""
    while client.unacknowledged:
        client.requests()


def stops(server, how):
    {"kill": server.kill, "stop": server.stop}[how]()


def back(server, actors, client):
    """The same person on the server that runs now."""
    cast = actors(server)
    return cast.client(client.label, jid=client.jid).comes_online()


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_session_that_waited(people, server, actors, request, how):
    """Unacknowledged ones, those that came while it waited, and those that came while nobody had it."""
    romeo, juliet = people
    juliet.acknowledges().hears_nothing()
    juliet.answers = False
    for i in range(4):
        romeo.sends(body(juliet.full, f"sent {i}"))
    assert texts(juliet, 4) == [f"sent {i}" for i in range(4)]
    juliet.received -= 3
    for i in range(3):
        juliet.sends(body(romeo.full, f"out {i}"))
    romeo.hears(*(body(romeo.full, f"out {i}") for i in range(3)))
    juliet.breaks()
    waits(server, juliet)
    is_saved(server, request)
    romeo.sends(body(juliet.full, "waiting 0"), body(juliet, "waiting 1"))
    confirmed(romeo)
    stops(server, how)
    server.start()
    romeo = back(server, actors, romeo)
    romeo.sends(body(juliet, "late"))
    romeo.round_trip()
    again = juliet.reconnects().resumes()
    assert again.resent == 0
    assert texts(again, 6) == ["sent 1", "sent 2", "sent 3", "waiting 0", "waiting 1", "late"]
    again.sends(body(romeo.full, "out 3"))
    romeo.hears(body(romeo.full, "out 3"))
    romeo.sends(body(juliet.full, "live"))
    assert texts(again, 1) == ["live"]
    again.acknowledges().hears_nothing()
    romeo.hears_nothing()
    again.ends()
    actors(server).client("juliet", jid=juliet.jid).comes_online().hears_nothing()


def answers_the_end(server, client):
    server.process.send_signal(signal.SIGTERM)
    error = client.next_element()
    assert dom.find(error, "streams:system-shutdown") is not None
    client.sends("</stream:stream>")
    assert server.process.wait(60) == 0
    server.start()


@pytest.mark.parametrize("polite", [False, True])
def test_sigterm_while_it_is_connected(people, server, actors, polite):
    """A client that answers the end of the stream with its own has not said goodbye."""
    romeo, juliet = people
    juliet.acknowledges().hears_nothing()
    juliet.answers = False
    romeo.sends(body(juliet.full, "unread"))
    assert texts(juliet, 1) == ["unread"]
    juliet.received -= 1
    juliet.sends(body(romeo.full, "out"))
    romeo.hears(body(romeo.full, "out"))
    if polite:
        answers_the_end(server, juliet)
    else:
        server.restart()
        juliet.hears_stream_error("system-shutdown")
    again = juliet.reconnects().resumes()
    assert again.resent == 0
    assert texts(again, 1) == ["unread"]
    again.hears(f"<presence from='{juliet.full}'/>")
    again.hears_nothing()


def test_kill_while_it_is_connected(people, server, actors):
    """No resumption, but the exact number: what is sent again is what was not kept."""
    romeo, juliet = people
    absent = actors(server).account("nurse")
    juliet.acknowledges().hears_nothing()
    juliet.answers = False
    confirmed(juliet)
    before = juliet.acknowledged
    for i in range(3):
        juliet.sends(body(absent, f"out {i}"))
    confirmed(juliet)
    romeo.sends(body(juliet.full, "in 0"))
    assert texts(juliet, 1) == ["in 0"]
    server.kill()
    juliet.unacknowledged.append(dom.show(dom.parse(body(absent, "never sent"))))
    server.start()
    again = juliet.reconnects()
    assert again.fails_to_resume() == before + 3
    again.binds().enables()
    again.sends("<presence/>", body(absent, "never sent"))
    assert texts(again, 1) == ["in 0"]
    again.round_trip()
    nurse = actors(server).client("nurse", jid=absent).logs_in()
    nurse.sends("<presence/>")
    assert texts(nurse, 4) == ["out 0", "out 1", "out 2", "never sent"]
    nurse.hears_nothing()


def test_a_session_that_came_back_before_the_kill(people, server, request):
    """Its row is that of a live one again."""
    romeo, juliet = people
    juliet.breaks()
    waits(server, juliet)
    is_saved(server, request)
    again = juliet.reconnects().resumes()
    process.wait_until(lambda: sql(server, request, "select count(*) from sm_session where state = 0") == "2",
                       "the rows of two live sessions")
    server.kill()
    server.start()
    assert isinstance(again.reconnects().fails_to_resume(), int)


def test_what_only_memory_knew(make_server, actors, request):
    """A message nobody stores waits: after a kill nobody may believe that all is there."""
    server = make_server(modules={"offline": False})
    cast = actors(server)
    romeo, juliet = cast("romeo"), managed(cast, "juliet").logs_in().enables().comes_online()
    juliet.acknowledges().hears_nothing()
    juliet.breaks()
    waits(server, juliet)
    is_saved(server, request)
    romeo.sends(body(juliet.full, "in memory"))
    process.wait_until(lambda: sql(server, request, "select count(*) from sm_session where state = 2") == "1",
                       "the row to say so")
    server.kill()
    server.start()
    assert isinstance(juliet.reconnects().fails_to_resume(), int)


def test_the_presence_it_had(people, server, actors, request):
    """After a restart contacts see it again when it resumes, and it sees them."""
    romeo, juliet = people
    juliet.asks("get", f"<query xmlns='{NS['roster']}'/>")
    friends.befriend(romeo, juliet)
    juliet.sends("<presence><show>away</show><priority>3</priority></presence>")
    juliet.settles()
    juliet.events.clear()
    juliet.breaks()
    waits(server, juliet)
    is_saved(server, request)
    server.stop()
    server.start()
    romeo = back(server, actors, romeo)
    romeo.hears_nothing()
    again = juliet.reconnects().resumes()
    romeo.hears(f"<presence from='{juliet.full}'><show>away</show><priority>3</priority></presence>")
    again.hears(f"<presence from='{romeo}' type='unavailable'/>",
                f"<presence from='{juliet.full}'><show>away</show><priority>3</priority></presence>",
                f"<presence from='{romeo.full}'/>")
    again.hears_nothing()


def test_contacts_that_left_meanwhile(people, server, request):
    romeo, juliet = people
    juliet.asks("get", f"<query xmlns='{NS['roster']}'/>")
    friends.befriend(romeo, juliet)
    juliet.breaks()
    waits(server, juliet)
    is_saved(server, request)
    server.stop()
    server.start()
    again = juliet.reconnects().resumes()
    again.hears(f"<presence from='{romeo}' type='unavailable'/>", f"<presence from='{juliet.full}'/>")
    again.hears_nothing()


def test_what_modules_know_of_a_session(people, server, request):
    """Roster pushes go to sessions that asked for the roster: this one did, in an earlier run."""
    romeo, juliet = people
    juliet.asks("get", f"<query xmlns='{NS['roster']}'/>")
    juliet.events.clear()
    juliet.breaks()
    waits(server, juliet)
    is_saved(server, request)
    server.stop()
    server.start()
    again = juliet.reconnects().resumes()
    again.settles()
    again.events.clear()
    again.sends(f"<iq type='set' id='r'><query xmlns='{NS['roster']}'><item jid='nurse@xylem.test'/></query></iq>")
    again.hears_in_any_order(
        f"<iq type='set' id='*'><query xmlns='{NS['roster']}' ver='*'><item jid='nurse@xylem.test' "
        "subscription='none'/></query></iq>", "<iq type='result' id='r'/>")


def test_it_may_be_too_late_after_a_restart(make_server, actors, request):
    server = make_server(modules={"sm": {"resume_for": "1 s"}})
    cast = actors(server)
    romeo, juliet = cast("romeo"), managed(cast, "juliet").logs_in().enables().comes_online()
    juliet.acknowledges().hears_nothing()
    handled = juliet.requests()
    juliet.breaks()
    server.stop()
    sql(server, request, "update sm_session set expires = expires - 2000")
    server.start()
    again = juliet.reconnects()
    assert again.fails_to_resume() == handled
    again.binds().round_trip()


@pytest.mark.once
def test_nobody_can_look_it_up(make_server, actors, request):
    """The database is locked when the client comes: it may bind, and the row is as it was."""
    server = make_server(storage={"driver": "sqlite", "path": "data/xylem.db", "url": DROP, "timeout": "2 s"})
    juliet = managed(actors(server), "juliet").logs_in().enables().comes_online()
    server.restart()
    early, late = juliet.reconnects(), juliet.reconnects()
    other = sqlite3.connect(server.directory / "data" / "xylem.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    early.sends(early.resume_text())
    refused = early.next_element()
    assert dom.name(refused) == (NS["sm"], "failed") and refused.get("h") is None, dom.show(refused)
    other.execute("ROLLBACK")
    other.close()
    late.resumes()


def test_only_the_same_account_after_a_restart(people, server, actors):
    romeo, juliet = people
    server.restart()
    thief = managed(actors(server), "tybalt").secures().authenticates()
    thief.sm_id, thief.former = juliet.sm_id, []
    assert thief.fails_to_resume(h=0) is None
    juliet.reconnects().resumes()


def test_an_h_beyond_what_was_sent_after_a_restart(people, server):
    _, juliet = people
    juliet.hears_nothing()
    handled = juliet.requests()
    server.restart()
    again = juliet.reconnects()
    assert again.fails_to_resume("bad-request", h=juliet.received + 1) == handled


def test_restarts_one_after_another(people, server, actors):
    romeo, juliet = people
    for turn in range(3):
        romeo.sends(body(juliet.full, turn))
        romeo.round_trip()  # SIGTERM, unlike kill, lets commits end
        server.restart()
        romeo = back(server, actors, romeo)
        juliet = juliet.reconnects().resumes()
        juliet.sends(body(romeo.full, f"back {turn}"))
        romeo.hears(body(romeo.full, f"back {turn}"))
        heard = texts(juliet, 1)
        assert heard == [str(turn)]
        romeo.hears_nothing()


def test_counters_wrap_at_two_to_the_32(people, server, actors, request):
    """Both directions begin shortly before 2^32, and 0 follows 4294967295."""
    romeo, juliet = people
    juliet.acknowledges().hears_nothing()
    juliet.acknowledges()
    juliet.requests()
    server.stop()
    top = (1 << 32) - 2
    sql(server, request, f"update sm_session set handled = {top}, sent = {top}, acknowledged = {top}")
    server.start()
    juliet.received, juliet.acknowledged = top, top
    romeo = back(server, actors, romeo)
    again = juliet.reconnects().resumes()
    for i in range(6):
        romeo.sends(body(again.full, i))
        assert texts(again, 1) == [str(i)]
        again.sends(body(romeo.full, i))
        romeo.hears(body(romeo.full, i))
    confirmed(again)
    assert again.acknowledged == 4 and again.received < 20
    again.acknowledges().hears_nothing()
    absent = actors(server).account("nurse")
    again.sends(body(absent, "kept"))
    confirmed(again)
    handled = again.acknowledged
    again.breaks()
    waits(server, again)
    again = again.reconnects().resumes()
    assert again.resent == 0
    again.sends(body(absent, "kept"))
    confirmed(again)  # behind it the row is that of a live session
    assert again.acknowledged == handled + 1
    server.kill()
    server.start()
    assert again.reconnects().fails_to_resume() == handled + 1

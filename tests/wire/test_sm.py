# SPDX-License-Identifier: MIT
"""Stream management (XEP-0198) on one connection: negotiation, counting, acknowledging."""
import sqlite3

import pytest

from lib import dom
from lib.client import Client
from lib.dom import NS
from lib.server import DROP
from lib.sm import SM, Managed, managed

pytestmark = pytest.mark.xylem


def body(to, text, attributes="type='chat'"):
    return f"<message to='{to}' {attributes}><body>{text}</body></message>"


def offers(client):
    return dom.find(client.features, "sm:sm") is not None


@pytest.fixture
def people(cast):
    """romeo without, juliet with stream management, both online."""
    return cast("romeo"), managed(cast, "juliet").logs_in().enables().comes_online()


# ---- negotiation -----------------------------------------------------------------------------------


def test_it_is_offered_after_the_login(cast):
    romeo = managed(cast, "romeo").secures()
    assert not offers(romeo)
    romeo.authenticates()
    assert offers(romeo)


def test_the_order_is_enforced(cast):
    """Before login, and before the resource is bound; neither ends the stream."""
    romeo = managed(cast, "romeo").secures()
    romeo.sends(romeo.enable_text())
    romeo.took_failed(romeo.next_element(), "unexpected-request")
    romeo.authenticates()
    romeo.sends(romeo.enable_text())
    romeo.took_failed(romeo.next_element(), "unexpected-request")
    romeo.binds().enables()
    assert romeo.requests() == 0


def test_what_is_granted(cast):
    ids = set()
    for wish, granted in (({}, "300"), ({"max": "10"}, "10"), ({"max": "86400"}, "300"), ({"max": "0"}, "300"),
                          ({"max": "soon"}, "300"), ({"max": "99999999999999999999"}, "300")):
        romeo = managed(cast, "romeo").logs_in().enables(**wish)
        assert dict(romeo.enabled.attrib) == {"id": romeo.sm_id, "resume": "true", "max": granted}, wish
        ids.add(romeo.sm_id)
    assert len(ids) == 6 and all(len(i) >= 24 for i in ids), ids


@pytest.mark.parametrize("resume", [None, "false", "0", "maybe"])
def test_without_resumption(cast, resume):
    attributes = {} if resume is None else {"resume_": resume}
    romeo = managed(cast, "romeo").logs_in().enables(resume=False, **attributes)
    assert romeo.enabled.attrib == {}
    assert romeo.requests() == 0


def test_resume_is_a_boolean_of_two_spellings(cast):
    romeo = managed(cast, "romeo").logs_in().enables(resume=False, resume_="1")
    assert romeo.enabled.get("resume") == "true" and romeo.sm_id


@pytest.mark.once
def test_resumption_switched_off(make_server, actors):
    cast = actors(make_server(modules={"sm": {"resume_for": None}}))
    romeo = managed(cast, "romeo").logs_in().enables()
    assert romeo.enabled.attrib == {}
    other = managed(cast, "romeo", jid=romeo.jid).secures()
    assert dom.find(other.features, "sasl2:authentication/sasl2:inline/sm:sm") is None
    other.authenticates()
    other.sm_id, other.former = "nothing", []
    assert other.fails_to_resume("feature-not-implemented", h=0) is None


def test_once_per_stream(people):
    _, juliet = people
    juliet.sends(juliet.enable_text())
    juliet.hears_stream_error("policy-violation")


def test_acknowledgements_before_it_is_on(cast):
    for element in (f"<r {SM}/>", f"<a {SM} h='0'/>"):
        romeo = cast.connected("romeo")
        romeo.sends(element)
        romeo.hears_stream_error("unsupported-stanza-type")


# ---- what the server has handled -------------------------------------------------------------------


def test_every_stanza_counts_and_nothing_else(people):
    romeo, juliet = people
    start = juliet.requests()
    juliet.sends(body(romeo, "1"), "<presence><status>2</status></presence>",
                 f"<iq type='get' id='3'><ping xmlns='{NS['ping']}'/></iq>")
    assert juliet.requests() == start + 3
    for _ in range(3):
        assert juliet.requests() == start + 3, "<r/> and <a/> do not count"
    juliet.sends(" \n ", body("nobody@unknown.invalid", "bounces"), "<iq type='get' id='x'><no xmlns='no'/></iq>")
    assert juliet.requests() == start + 5


def test_what_was_sent_before_does_not_count(cast):
    romeo = managed(cast, "romeo").logs_in()
    romeo.comes_online()
    romeo.enables()
    assert romeo.requests() == 0


def test_it_counts_from_enable_on(cast):
    """A client need not wait for <enabled/>."""
    romeo = managed(cast, "romeo").logs_in()
    romeo.sends(romeo.enable_text(), "<presence/>", f"<r {SM}/>")
    romeo.took_enabled(romeo.next_element())
    romeo.comes_online()
    assert romeo.acks == [1] and romeo.requests() == 3


@pytest.mark.once
def test_h_counts_after_the_commit_only(make_server, actors):
    """The database is locked: what it must keep is not acknowledged, and what came behind it neither."""
    server = make_server(storage={"driver": "sqlite", "path": "data/xylem.db", "url": DROP, "timeout": "30 s"})
    cast = actors(server)
    juliet, absent = managed(cast, "juliet").logs_in().enables(), cast.account("nurse")
    juliet.sends(body(absent, "before"))
    while juliet.unacknowledged:
        juliet.requests()
    before = juliet.acknowledged
    assert before == 1
    other = sqlite3.connect(server.directory / "data" / "xylem.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    juliet.sends(body(absent, "while locked"), f"<iq type='get' id='p'><ping xmlns='{NS['ping']}'/></iq>")
    assert juliet.requests() == before, "a promise nobody could keep"
    juliet.sends(f"<r {SM}/>")
    other.execute("ROLLBACK")
    other.close()
    while juliet.hears_ack() < before + 2:
        juliet.sends(f"<r {SM}/>")
    nurse = cast.client("nurse", jid=absent).logs_in()
    nurse.sends("<presence/>")
    nurse.hears("<presence/>")
    heard = [dom.find(nurse.next_element(), "client:body").text for _ in range(2)]
    assert heard == ["before", "while locked"]


@pytest.fixture
def locked(make_server, actors):
    """A server whose database is soon locked; what waits for it is refused after two seconds."""
    server = make_server(storage={"driver": "sqlite", "path": "data/xylem.db", "url": DROP, "timeout": "2 s"})
    other = sqlite3.connect(server.directory / "data" / "xylem.db", isolation_level=None)
    yield actors(server), lambda: other.execute("BEGIN IMMEDIATE"), lambda: other.execute("ROLLBACK")
    other.close()


@pytest.mark.once
def test_what_is_refused_is_handled(locked):
    """Its sender is told: nobody waits for it any more, and it must not come again by itself."""
    cast, lock, unlock = locked
    juliet, absent = managed(cast, "juliet").logs_in().enables(), cast.account("nurse")
    lock()
    juliet.sends(body(absent, "refused", "type='chat' id='m'"))
    juliet.hears("<message type='error' id='m'>...<error type='*'>...</error></message>")
    while juliet.unacknowledged:
        juliet.requests()
    unlock()


@pytest.mark.once
def test_without_a_database_there_are_acknowledgements_only(locked):
    cast, lock, unlock = locked
    juliet = managed(cast, "juliet").logs_in()
    lock()
    juliet.enables()
    unlock()
    assert juliet.enabled.attrib == {}
    assert juliet.requests() == 0


# ---- what the client has handled -------------------------------------------------------------------


def test_the_server_asks_and_has_one_question_at_a_time(people):
    romeo, juliet = people
    juliet.settles()
    juliet.requests()  # behind it no question is on its way
    asked, juliet.answers = juliet.asked, False
    for i in range(5):
        romeo.sends(body(juliet.full, i))
    juliet.hears(*(body(juliet.full, i) for i in range(5)))
    juliet.hears_nothing()
    assert juliet.asked == asked + 1
    juliet.acknowledges(juliet.received - 3)
    juliet.hears_request()
    juliet.acknowledges()
    juliet.hears_nothing()


def test_unasked_and_repeated_acknowledgements_are_fine(people):
    romeo, juliet = people
    for _ in range(3):
        juliet.acknowledges()
    romeo.sends(body(juliet.full, "still there?"))
    juliet.hears(body(juliet.full, "still there?"))
    juliet.hears_nothing()


def test_more_than_was_sent(people):
    _, juliet = people
    juliet.hears_nothing()
    sent, claimed = juliet.received, juliet.received + 7
    juliet.acknowledges(claimed)
    error = juliet.hears_stream_error("undefined-condition")
    detail = dom.find(error, "sm:handled-count-too-high")
    assert dict(detail.attrib) == {"h": str(claimed), "send-count": str(sent)}


def test_less_than_was_acknowledged(people):
    """Modulo 2^32 that is far too much."""
    _, juliet = people
    juliet.hears_nothing()
    juliet.acknowledges()
    juliet.acknowledges(juliet.received - 1)
    juliet.hears_stream_error("undefined-condition")


@pytest.mark.parametrize("attribute", ["", " h=''", " h='many'", " h='-1'", " h='4294967296'", " h='1 '"])
def test_no_number(people, attribute):
    _, juliet = people
    juliet.sends(f"<a {SM}{attribute}/>")
    juliet.hears_stream_error("bad-format")


@pytest.mark.once
def test_a_client_that_never_acknowledges_is_taken_for_dead(make_server, actors):
    server = make_server(test_clock=True)
    cast = actors(server)
    romeo, juliet = cast("romeo"), managed(cast, "juliet").logs_in().enables().comes_online()
    juliet.acknowledges().hears_nothing()
    before, juliet.answers = juliet.received, False
    romeo.sends(body(juliet, "hello?"))
    juliet.hears(body(juliet, "hello?"))
    for _ in range(4):
        server.advance("14 s")
    juliet.acknowledges(before)  # slow, but alive
    juliet.requests()
    for _ in range(4):
        server.advance("14 s")
    juliet.requests()
    for _ in range(2):
        server.advance("14 s")
    juliet.hears_stream_error("connection-timeout")
    again = juliet.reconnects().resumes(h=before)
    again.hears(f"<message to='{juliet}' type='chat'>...<body>hello?</body></message>")


@pytest.mark.once
def test_the_servers_own_pings_count(make_server, actors):
    server = make_server(test_clock=True, limits={"idle": "60 s"})
    juliet = managed(actors(server), "juliet").logs_in().enables().comes_online()
    juliet.hears_nothing()
    juliet.sock.setblocking(True)
    server.advance("70 s")
    ping = juliet.hears("<iq type='get' id='*' from='xylem.test'><ping xmlns='urn:xmpp:ping'/></iq>")
    juliet.sends(f"<iq type='result' id='{ping.get('id')}' to='xylem.test'/>")
    juliet.acknowledges()
    juliet.hears_nothing()


def test_a_client_that_says_nothing_of_it_is_left_alone(cast):
    assert isinstance(cast("romeo"), Client) and not isinstance(cast("romeo"), Managed)
    romeo, juliet = cast("romeo", "juliet")
    romeo.sends(body(juliet.full, "hi"))
    juliet.hears(body(juliet.full, "hi"))
    juliet.hears_nothing()

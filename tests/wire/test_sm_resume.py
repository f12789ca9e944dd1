# SPDX-License-Identifier: MIT
"""Resumption (XEP-0198 section 5) while the server runs: nothing lost, nothing twice, in order; and what
becomes of a session nobody resumes."""
import shutil

import pytest

from lib import dom, friends, process
from lib.dom import NS
from lib.sm import managed

pytestmark = pytest.mark.xylem


def body(to, text, attributes="type='chat'"):
    return f"<message to='{to}' {attributes}><body>{text}</body></message>"


def forget(*clients):
    """What they have heard so far is of no interest."""
    for client in clients:
        client.settles()
        client.events.clear()


def texts(client, count):
    """The bodies of the next messages; a presence in between is passed over."""
    heard = []
    while len(heard) < count:
        element = client.next_element()
        if element.tag.endswith("}message"):
            heard.append(dom.find(element, "client:body").text)
    return heard


def waits(server, client):
    """Until the server has seen that the connection is gone."""
    process.wait_until(lambda: [r["address"] for r in server.json("session", "list", client.full)["rows"]]
                       == ["detached"], "the session without a connection")


def ended(server, client):
    """Until the session is no more."""
    process.wait_until(lambda: not server.json("session", "list", client.full)["rows"], "the end of the session")


@pytest.fixture
def people(cast):
    return cast("romeo"), managed(cast, "juliet").logs_in().enables().comes_online()


def test_nothing_lost_and_nothing_twice_in_both_directions(people, server):
    romeo, juliet = people
    juliet.acknowledges().hears_nothing()
    juliet.answers = False
    for i in range(5):
        romeo.sends(body(juliet.full, f"in {i}"))
    assert texts(juliet, 5) == [f"in {i}" for i in range(5)]
    juliet.received -= 3  # it never saw the last three
    for i in range(3):
        juliet.sends(body(romeo.full, f"out {i}"))
    romeo.hears(*(body(romeo.full, f"out {i}") for i in range(3)))
    juliet.breaks()
    waits(server, juliet)
    romeo.sends(body(juliet.full, "in 5"), body(juliet, "in 6"))
    romeo.round_trip()
    again = juliet.reconnects().resumes()
    assert again.resent == 0, "h told that everything had been handled"
    assert texts(again, 5) == ["in 2", "in 3", "in 4", "in 5", "in 6"]
    again.sends(body(romeo.full, "out 3"))
    romeo.hears(body(romeo.full, "out 3"))
    again.hears_nothing()
    romeo.hears_nothing()


def test_what_the_server_never_got_is_sent_again_once(people):
    romeo, juliet = people
    juliet.requests()
    juliet.unacknowledged += [dom.show(dom.parse(body(romeo.full, f"lost {i}"))) for i in range(2)]  # never sent
    juliet.breaks()
    again = juliet.reconnects().resumes()
    assert again.resent == 2
    romeo.hears(body(romeo.full, "lost 0"), body(romeo.full, "lost 1"))
    romeo.hears_nothing()


def test_the_session_goes_on_where_it_was(people, cast, server):
    """No presence, no roster, no features anew; contacts notice nothing."""
    romeo, juliet = people
    friends.befriend(romeo, juliet)
    juliet.sends("<presence><show>dnd</show></presence>")
    forget(romeo, juliet)
    juliet.breaks()
    waits(server, juliet)
    romeo.hears_nothing()
    again = juliet.reconnects().resumes()
    assert again.full == juliet.full
    again.hears_nothing()
    romeo.hears_nothing()
    row = server.json("session", "list", again.full)["rows"]
    assert [(r["available"], r["address"]) for r in row] == [(True, "127.0.0.1")]


def test_while_the_old_connection_still_looks_alive(people):
    romeo, juliet = people
    again = juliet.reconnects().resumes()
    juliet.hears_stream_error("conflict")
    romeo.sends(body(juliet.full, "which one?"))
    assert texts(again, 1) == ["which one?"]
    again.hears_nothing()


def test_again_and_again(people):
    romeo, juliet = people
    for turn in range(10):
        romeo.sends(body(juliet.full, f"a{turn}"))
        if turn % 3 == 0:
            assert texts(juliet, 1) == [f"a{turn}"]
            juliet.acknowledges()
        juliet.breaks() if turn % 2 else None
        juliet = juliet.reconnects().resumes()
        if turn % 3:
            assert texts(juliet, 1) == [f"a{turn}"]
        juliet.sends(body(romeo.full, f"b{turn}"))
        romeo.hears(body(romeo.full, f"b{turn}"))
    juliet.hears_nothing()


def test_many_messages_keep_their_order_through_interruptions(people):
    romeo, juliet = people
    heard, sent = [], 0
    for turn in range(6):
        for _ in range(50):
            romeo.sends(body(juliet if sent % 2 else juliet.full, sent))
            sent += 1
        heard += texts(juliet, 20 + turn)
        heard += taken(juliet)
        juliet.breaks() if turn % 2 else None
        juliet = juliet.reconnects().resumes()
    heard += texts(juliet, sent - len(heard))
    assert heard == [str(i) for i in range(sent)]
    juliet.hears_nothing()


def taken(client):
    """What it has received, and thus counted, already."""
    count = sum(1 for kind, e in client.events if kind == "element" and e.tag.endswith("}message"))
    return texts(client, count)


def test_two_sessions_of_one_account_are_two(cast):
    romeo = cast("romeo")
    phone = managed(cast, "juliet").logs_in().enables().comes_online()
    desk = managed(cast, "juliet", jid=phone.jid).logs_in().enables().comes_online()
    forget(phone)
    assert phone.sm_id != desk.sm_id
    phone.breaks()
    desk.breaks()
    romeo.sends(body(phone.full, "to the phone"), body(desk.full, "to the desk"))
    romeo.round_trip()
    desk, phone = desk.reconnects().resumes(), phone.reconnects().resumes()
    assert texts(phone, 1) == ["to the phone"] and texts(desk, 1) == ["to the desk"]
    phone.hears_nothing()
    desk.hears_nothing()


@pytest.mark.parametrize("claim, condition", [
    ({"previd": "no such session"}, "item-not-found"), ({"previd": ""}, "bad-request"), ({"h": ""}, "bad-request"),
    ({"h": "x"}, "bad-request"), ({"h": "-1"}, "bad-request"), ({"h": "4294967296"}, "bad-request")])
def test_what_cannot_be_resumed_can_be_bound(people, claim, condition):
    romeo, juliet = people
    again = juliet.reconnects()
    assert again.fails_to_resume(condition, **claim) is None
    again.binds().enables().comes_online()
    romeo.sends(body(again.full, "hi"))
    assert texts(again, 1) == ["hi"]


def test_an_h_beyond_what_was_sent(people, server):
    """It is refused with what was handled, and changes nothing."""
    romeo, juliet = people
    handled = juliet.requests()
    again = juliet.reconnects()
    assert again.fails_to_resume("bad-request", h=juliet.received + 1) == handled
    juliet.hears_nothing()
    again.breaks()
    assert juliet.reconnects().resumes().full == juliet.full


def test_after_binding_it_is_too_late(people):
    _, juliet = people
    again = juliet.reconnects().binds()
    again.fails_to_resume("unexpected-request")
    again.round_trip()


def test_before_the_login_it_is_too_early(people):
    _, juliet = people
    again = juliet.connects_again().secures()
    again.fails_to_resume("unexpected-request")
    again.sm_id = None
    juliet.hears_nothing()


def test_only_the_same_account(people, cast):
    romeo, juliet = people
    thief = managed(cast, "tybalt").secures().authenticates()
    thief.sm_id, thief.former = juliet.sm_id, []
    assert thief.fails_to_resume(h=0) is None, "not even h is told"
    juliet.hears_nothing()
    romeo.sends(body(juliet.full, "safe?"))
    assert texts(juliet, 1) == ["safe?"]


def test_two_connections_want_it_at_once(people):
    """Each is answered, and one has it in the end; the other may go on without."""
    romeo, juliet = people
    juliet.breaks()
    both = [juliet.reconnects(), juliet.reconnects()]
    for client in both:
        client.sends(client.resume_text())
    winners = []
    for client in both:
        answer = client.next_element()
        if dom.name(answer)[1] == "resumed":
            winners.append(client.took_resumed(answer))
        else:
            client.took_failed(answer)
            client.binds()
    assert winners
    if len(winners) == 2:
        process.wait_until(lambda: any(c.has_input() for c in winners), "the older one's end")
        loser = next(c for c in winners if c.has_input())
        loser.hears_stream_error("conflict")
        winners.remove(loser)
    romeo.sends(body(juliet.full, "once"))
    assert texts(winners[0], 1) == ["once"]
    winners[0].hears_nothing()


def test_a_clean_end_is_the_end(people, server):
    romeo, juliet = people
    friends.befriend(romeo, juliet)
    forget(romeo)
    handled = juliet.requests()
    juliet.acknowledges()
    juliet.ends()
    romeo.hears(f"<presence from='{juliet.full}' type='unavailable'/>")
    again = juliet.reconnects()
    assert again.fails_to_resume() == handled


def test_unacknowledged_at_a_clean_end_is_delivered_to_the_next(people, cast):
    romeo, juliet = people
    juliet.acknowledges().hears_nothing()
    juliet.answers = False
    romeo.sends(body(juliet.full, "unread"))
    assert texts(juliet, 1) == ["unread"]
    juliet.ends()
    again = cast.client("juliet", jid=juliet.jid).logs_in()
    again.sends("<presence/>")
    assert texts(again, 1) == ["unread"]
    again.hears_nothing()


def test_more_than_the_memory_keeps(make_server, actors):
    """Beyond `queue` stored messages are read again: all come, in order, and so do the few that are not stored."""
    cast = actors(make_server(modules={"sm": {"queue": 5}}))
    romeo, juliet = cast("romeo"), managed(cast, "juliet").logs_in().enables().comes_online()
    juliet.acknowledges().hears_nothing()
    juliet.answers = False
    received = juliet.received
    for i in range(60):
        romeo.sends(body(juliet.full, i))
        if i % 20 == 10:
            romeo.sends(f"<presence to='{juliet.full}'><status>{i}</status></presence>")
    assert texts(juliet, 60) == [str(i) for i in range(60)]
    juliet.breaks()
    juliet.received = received
    again = juliet.reconnects()
    again.sends(again.resume_text())
    again.took_resumed(again.next_element())
    heard = [again.next_element() for _ in range(63)]
    shown = [(e.find("{jabber:client}body"), e.find("{jabber:client}status")) for e in heard]
    assert [b.text for b, _ in shown if b is not None] == [str(i) for i in range(60)]
    assert [s.text for b, s in shown if b is None] == ["10", "30", "50"]
    again.acknowledges().hears_nothing()


# ---- nobody resumes --------------------------------------------------------------------------------


@pytest.fixture
def clocked(make_server):
    def make(**changes):  # nobody is pinged while the clock jumps
        return make_server(test_clock=True, limits={"idle": None}, **changes)
    return make


def expires(server, client):
    waits(server, client)
    for _ in range(4):
        server.advance("80 s")
    ended(server, client)


def test_it_waits_as_long_as_granted_and_is_shown_available(clocked, actors):
    server = clocked()
    cast = actors(server)
    romeo, juliet = cast("romeo"), managed(cast, "juliet").logs_in().enables(max="100").comes_online()
    friends.befriend(romeo, juliet)
    forget(romeo, juliet)
    handled = juliet.requests()
    juliet.breaks()
    waits(server, juliet)
    server.advance("90 s")
    romeo.hears_nothing()
    server.advance("20 s")
    romeo.hears(f"<presence from='{juliet.full}' type='unavailable'/>")
    again = juliet.reconnects()
    assert again.fails_to_resume() == handled
    for _ in range(49):
        server.advance("1 h")
    server.advance("1 h")
    late_one = juliet.reconnects()
    assert late_one.fails_to_resume() is None, "forgotten after two days"


def test_expired_messages_go_to_another_resource_once(clocked, actors):
    server = clocked()
    cast = actors(server)
    romeo = cast("romeo")
    phone = managed(cast, "juliet").logs_in().enables().comes_online()
    desk = cast.client("juliet", jid=phone.jid).comes_online()
    forget(phone)
    phone.breaks()
    waits(server, phone)
    romeo.sends(body(phone.full, "for the phone"), body(phone, "for both"))
    assert texts(desk, 1) == ["for both"]
    expires(server, phone)
    assert texts(desk, 1) == ["for the phone"]
    desk.hears_nothing()
    romeo.hears_nothing()


def test_expired_messages_wait_once(clocked, actors):
    server = clocked()
    cast = actors(server)
    romeo, juliet = cast("romeo"), managed(cast, "juliet").logs_in().enables().comes_online()
    juliet.acknowledges().hears_nothing()
    juliet.answers = False
    romeo.sends(body(juliet.full, "sent"))
    assert texts(juliet, 1) == ["sent"]
    juliet.breaks()
    waits(server, juliet)
    romeo.sends(body(juliet, "queued"))
    romeo.round_trip()
    expires(server, juliet)
    again = cast.client("juliet", jid=juliet.jid).logs_in()
    again.sends("<presence/>")
    assert texts(again, 2) == ["sent", "queued"]
    again.hears_nothing()
    again.ends()
    cast.client("juliet", jid=juliet.jid).comes_online().hears_nothing()
    romeo.hears_nothing()


def test_expired_messages_that_nobody_keeps_come_back_once(clocked, actors):
    server = clocked(modules={"offline": False})
    cast = actors(server)
    romeo, juliet = cast("romeo"), managed(cast, "juliet").logs_in().enables().comes_online()
    juliet.acknowledges().hears_nothing()
    juliet.answers = False
    romeo.sends(body(juliet.full, "sent", "type='chat' id='m1'"))
    assert texts(juliet, 1) == ["sent"]
    juliet.breaks()
    waits(server, juliet)
    romeo.sends(body(juliet.full, "waiting", "type='chat' id='m2'"),
                f"<iq type='get' to='{juliet.full}' id='q'><ping xmlns='{NS['ping']}'/></iq>")
    romeo.hears_nothing()
    expires(server, juliet)
    romeo.hears_error("service-unavailable", id="m1")
    romeo.hears_error("service-unavailable", id="m2")
    romeo.hears_error("service-unavailable", of="iq", id="q")
    romeo.hears_nothing()


def test_expired_messages_are_archived_once(clocked, actors):
    """What waits anew is the same message: one entry for each side, before and after."""
    server = clocked(modules={"mam": {"default": "always"}})
    cast = actors(server)
    romeo, juliet = cast("romeo"), managed(cast, "juliet").logs_in().enables().comes_online()
    juliet.acknowledges().hears_nothing()
    juliet.answers = False
    romeo.sends(body(juliet.full, "sent"))
    assert texts(juliet, 1) == ["sent"]
    juliet.breaks()
    waits(server, juliet)
    romeo.sends(body(juliet.full, "waiting"))
    romeo.round_trip()
    expires(server, juliet)
    again = cast.client("juliet", jid=juliet.jid).logs_in()
    again.sends("<presence/>")
    assert texts(again, 2) == ["sent", "waiting"]
    again.hears_nothing()
    for client in (romeo, again):
        assert archived(client) == ["sent", "waiting"]


def archived(client):
    client.asks("set", "<query xmlns='urn:xmpp:mam:2'/>")
    found = [e.find(".//{jabber:client}body") for kind, e in client.events if kind == "element"]
    client.events.clear()
    return [b.text for b in found if b is not None]


def test_the_administrator_ends_one_that_waits(people, server):
    romeo, juliet = people
    juliet.breaks()
    waits(server, juliet)
    assert server.json("session", "kick", juliet.full)["fields"]["ended"] == 1
    ended(server, juliet)
    assert isinstance(juliet.reconnects().fails_to_resume(), int)


def test_a_newer_session_of_that_resource_takes_its_place(people, cast, server):
    romeo, juliet = people
    juliet.breaks()
    waits(server, juliet)
    romeo.sends(body(juliet.full, "for whoever is there"))
    romeo.round_trip()
    newer = managed(cast, "juliet", jid=juliet.jid, resource=juliet.resource).logs_in().enables()
    newer.sends("<presence/>")
    assert texts(newer, 1) == ["for whoever is there"]
    assert isinstance(juliet.reconnects().fails_to_resume(), int)
    newer.hears_nothing()


def test_a_deleted_account_leaves_nothing(people, server):
    _, juliet = people
    juliet.breaks()
    waits(server, juliet)
    server.ctl("user", "delete", juliet.jid)
    ended(server, juliet)


def test_what_is_counted(clocked, actors):
    server = clocked()
    cast = actors(server)
    people = [managed(cast, name).logs_in().enables().comes_online() for name in ("romeo", "juliet")]
    people[0].breaks()
    again = people[0].reconnects().resumes()
    again.breaks()
    people[1].reconnects().fails_to_resume(previd="nothing")
    expires(server, again)
    rows = server.json("metrics")["rows"]
    names = {n: sum(r["value"] for r in rows if r["metric"].startswith(f"sm.{n}"))
             for n in ("enabled", "resumed", "restored", "failed", "expired", "acks")}
    assert names.pop("acks") > 0
    assert names == {"enabled": 2, "resumed": 1, "restored": 0, "failed": 1, "expired": 1}


# ---- reload ----------------------------------------------------------------------------------------


@pytest.fixture
def replaceable(make_server, tmp_path, build):
    """A server whose module sm can be replaced, and a function that does it."""
    shutil.copy(build / "modules" / "sm.so", tmp_path / "sm.so")
    server = make_server(start=False, test_clock=True)
    inherited = server.environment
    server.environment = lambda: {**inherited(), "XYLEM_MODULES": str(tmp_path)}
    server.start()

    def replace():
        (tmp_path / "new.so").write_bytes((tmp_path / "sm.so").read_bytes() + b"\0")
        (tmp_path / "new.so").rename(tmp_path / "sm.so")
        rows = server.json("reload")["rows"]
        assert [r["change"] for r in rows if r["name"].startswith("sm")] == ["replaced"] * 2, rows

    return server, replace


@pytest.mark.once
def test_new_code_for_sessions_that_are_there_and_that_wait(replaceable, actors):
    server, replace = replaceable
    cast = actors(server)
    romeo = cast("romeo")
    here, gone, lost = (managed(cast, n).logs_in().enables().comes_online() for n in ("juliet", "nurse", "tybalt"))
    for client in (gone, lost):
        client.breaks()
        waits(server, client)
    replace()
    romeo.sends(body(here.full, "1"), body(gone.full, "2"))
    assert texts(here, 1) == ["1"]
    assert here.requests() > 0
    assert texts(gone.reconnects().resumes(), 1) == ["2"]
    here.breaks()
    waits(server, here)
    here = here.reconnects().resumes()
    for _ in range(5):
        server.advance("80 s")
    ended(server, lost)
    here.round_trip()


@pytest.mark.once
def test_switched_off_while_sessions_are_connected(make_server, actors):
    """Their next acknowledgement ends them; what it was for waits for their next login."""
    server = make_server()
    cast = actors(server)
    romeo, juliet = cast("romeo"), managed(cast, "juliet").logs_in().enables().comes_online()
    juliet.answers = False
    server.reload(modules={"sm": False})
    romeo.sends(body(juliet, "not lost"))
    assert texts(juliet, 1) == ["not lost"]
    juliet.acknowledges(0)
    juliet.hears_stream_error("unsupported-stanza-type")
    again = cast.client("juliet", jid=juliet.jid).logs_in()
    again.sends("<presence/>")
    assert texts(again, 1) == ["not lost"]


@pytest.mark.once
def test_switched_off_while_sessions_wait(make_server, actors):
    """Those that wait end, and what they had not acknowledged waits for their next login."""
    server = make_server()
    cast = actors(server)
    romeo, juliet = cast("romeo"), managed(cast, "juliet").logs_in().enables().comes_online()
    juliet.breaks()
    waits(server, juliet)
    romeo.sends(body(juliet, "not lost"))
    romeo.round_trip()
    server.reload(modules={"sm": False})
    ended(server, juliet)
    again = cast.client("juliet", jid=juliet.jid).logs_in()
    assert dom.find(again.features, "sm:sm") is None
    again.sends("<presence/>")
    assert texts(again, 1) == ["not lost"]


@pytest.mark.once
def test_a_host_that_goes_while_a_session_waits(make_server, actors):
    server = make_server()
    juliet = managed(actors(server), "juliet", domain="verona.test").logs_in().enables().comes_online()
    juliet.breaks()
    waits(server, juliet)
    server.reload(hosts=["xylem.test"])
    process.wait_until(lambda: not server.json("session", "list")["rows"], "the end of the session")
    server.reload(hosts=["xylem.test", "verona.test"])
    assert isinstance(juliet.reconnects().fails_to_resume(), int)

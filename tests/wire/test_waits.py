# SPDX-License-Identifier: MIT
"""After a wait the world has changed: sessions that end, come up and replace each other while hooks
of others wait. Nothing is lost, doubled or shown afterwards, and the server goes on."""
import time

import pytest

from lib import dom, process
from lib.friends import befriend, watch

pytestmark = pytest.mark.xylem
SLOW = "urn:xylem:test:slow"


@pytest.fixture
def slow(make_server, actors):
    return actors(make_server(modules={"slow": {}}))


def slow_presence(ms, at="meanwhile"):
    return f"<presence><slow xmlns='{SLOW}' ms='{ms}' at='{at}'/></presence>"


def chat(to, text):
    return f"<message to='{to}' type='chat'><body>{text}</body></message>"


def bodies(client, count):
    heard = []
    while len(heard) < count:
        element = client.next_element()
        if dom.name(element)[1] == "message":
            heard.append(dom.find(element, "client:body").text)
    return heard


def waiting(server, jid):
    return server.json("offline", "count", jid)["fields"]["waiting"]


def test_a_message_for_a_stream_that_ends_in_error_waits(cast, server):
    """Its session is available until the socket has gone, and takes nothing any more."""
    romeo, juliet = cast("romeo", "juliet")
    juliet.sends("<message><body></message>" + "x" * 100)
    juliet.hears_stream_error("not-well-formed")
    romeo.sends(*(chat(juliet, i) for i in range(20)))
    romeo.round_trip()
    assert waiting(server, juliet.jid) == 20


def test_what_came_for_a_session_that_died_coming_up_waits_in_order(slow):
    romeo, juliet = slow.online("romeo"), slow.connected("juliet")
    juliet.sends(slow_presence(800))
    romeo.round_trip()
    romeo.sends(chat(juliet, "first"), chat(juliet, "second"))
    romeo.round_trip()
    juliet.resets()
    process.wait_until(lambda: waiting(slow.server, juliet.jid) == 2, "the messages in the store")
    again = slow.client("juliet", jid=juliet.jid).logs_in()
    again.sends("<presence/>")
    assert bodies(again, 2) == ["first", "second"]


def test_live_messages_wait_for_the_session_that_comes_up_only(slow):
    """Each session has its own place in the order; one that is up waits for nobody."""
    romeo, quick = slow.online("romeo"), slow.connected("juliet")
    late = slow.another(quick, online=False)
    quick.sends(slow_presence(100))
    late.sends(slow_presence(2500))
    quick.round_trip()  # it is up
    romeo.sends(chat(quick, "live"))
    romeo.round_trip()
    assert bodies(quick, 1) == ["live"]
    assert bodies(late, 1) == ["live"]
    late.hears_nothing()


def test_a_change_of_priority_hands_nothing_over_again(cast):
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    romeo.sends(chat(jid, "once"))
    romeo.round_trip()
    juliet = cast.client("juliet", jid=jid).logs_in()
    juliet.sends("<presence/><presence><priority>-1</priority></presence><presence/>"
                 "<presence type='unavailable'/><presence/>" + chat(jid, "end"))
    assert bodies(juliet, 2) == ["once", "end"]


def test_of_two_binds_at_once_one_remains(slow):
    """The session both replace takes its time to end."""
    older = slow.online("juliet", resource="slow")
    first = slow.client("juliet", jid=older.jid).secures().authenticates()
    second = slow.client("juliet", jid=older.jid).secures().authenticates()
    for i, client in enumerate((first, second)):
        client.sends(f"<iq type='set' id='b{i}'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                     "<resource>slow</resource></bind></iq>")
        time.sleep(0.1)
    process.wait_until(lambda: len(slow.server.json("session", "list", older.jid)["rows"]) == 1, "one session")
    time.sleep(1.5)
    assert len(slow.server.json("session", "list", older.jid)["rows"]) == 1


def test_a_session_that_ended_while_its_presence_waited_shows_nothing(slow):
    romeo, juliet = slow("romeo", "juliet")
    befriend(romeo, juliet)
    ghost = slow.another(juliet, resource="ghost", online=False)
    ghost.sends(slow_presence(600, at="outgoing"))
    time.sleep(0.2)
    slow.server.ctl("session", "kick", ghost.full)
    time.sleep(0.8)
    romeo.hears_nothing()
    juliet.hears_nothing()


def test_a_full_roster_still_declines(make_server, actors):
    cast = actors(make_server(modules={"roster": {"items": 1}}))
    romeo, juliet = cast("romeo", "juliet")
    juliet.asks("set", "<query xmlns='jabber:iq:roster'><item jid='nurse@example.org'/></query>")
    romeo.sends(f"<presence to='{juliet}' type='subscribe'/>")
    romeo.round_trip()
    juliet.sends(f"<presence to='{romeo}' type='unsubscribed'/>")
    juliet.round_trip()
    again = cast.another(juliet, online=False)
    again.sends("<presence/>")
    again.round_trip()
    assert not [s for _, s in again.events if s is not None and s.get("type") == "subscribe"]


def test_who_is_blocked_by_another_entry_stays_blocked(cast):
    romeo, juliet = cast("romeo", "juliet")
    watch(romeo, juliet)
    block = "<{0} xmlns='urn:xmpp:blocking'><item jid='{1}'/></{0}>"
    juliet.asks("set", block.format("block", romeo.jid))
    juliet.asks("set", block.format("block", romeo.full))
    romeo.settles()
    romeo.events.clear()
    juliet.asks("set", block.format("unblock", romeo.full))
    romeo.hears_nothing()

# SPDX-License-Identifier: MIT
"""Archive and queue are views on the same messages: what a page brought no longer waits for the device
that asked, once it certainly has it; what no page brought goes on waiting (requirement S2-7)."""
import pytest

from lib import dom
from lib.archive import MAM, ask, body, everything, prefers, stanza_ids, write

pytestmark = pytest.mark.xylem
COUNT = 7


@pytest.fixture
def scene(make_server, actors):
    """A server on injected time, its cast, romeo online, and an account with COUNT messages waiting."""
    server = make_server(test_clock=True, modules={"mam": True}, limits={"idle": None, "grace": "10 s"})
    cast = actors(server)
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    write(romeo, jid, *range(COUNT))
    assert waiting(server, jid) == COUNT
    return server, cast, romeo, jid


def waiting(server, jid):
    return server.json("offline", "count", jid)["fields"]["waiting"]


def passes(server, client):
    """What was sent to `client` has been in its machine for longer than the grace period."""
    for _ in range(4):
        client.round_trip()
        server.advance("11 s")


def goes_online(client):
    client.sends("<presence/>")
    client.hears("<presence/>")


def test_a_whole_archive_read_empties_the_queue(scene):
    server, cast, _, jid = scene
    juliet = cast.client("juliet", jid=jid).logs_in()
    assert len(ask(juliet).results) == COUNT
    assert waiting(server, jid) == COUNT  # nobody knows yet whether it arrived
    passes(server, juliet)
    assert waiting(server, jid) == 0
    goes_online(juliet)
    juliet.hears_nothing()


@pytest.mark.parametrize("query, left", [
    (dict(max=3), [3, 4, 5, 6]), (dict(max=2, before=""), [0, 1, 2, 3, 4]), (dict(max=0), list(range(COUNT))),
    (dict(fields={"with": "nobody@xylem.test"}), list(range(COUNT)))], ids=str)
def test_only_what_a_page_brought_counts(scene, query, left):
    server, cast, romeo, jid = scene
    juliet = cast.client("juliet", jid=jid).logs_in()
    ask(juliet, **query)
    passes(server, juliet)
    assert waiting(server, jid) == len(left)
    goes_online(juliet)
    heard = [juliet.next_element() for _ in left]
    assert [int(dom.find(m, "client:body").text) for m in heard] == left
    juliet.hears_nothing()
    results = {r.text: r.id for r in everything(juliet)}
    for message in heard:  # the same message under the same id
        assert stanza_ids(message, jid) == [results[dom.find(message, "client:body").text]]


def test_asking_behind_an_id_says_nothing_of_what_came_before_it(scene):
    """A client may know an id from another device: only results are proof."""
    server, cast, _, jid = scene
    juliet = cast.client("juliet", jid=jid).logs_in()
    fourth = ask(juliet, max=1, before="").first
    passes(server, juliet)
    assert waiting(server, jid) == COUNT - 1
    assert ask(juliet, after=fourth).complete
    assert ask(juliet, {"after-id": fourth}).complete
    passes(server, juliet)
    assert waiting(server, jid) == COUNT - 1


def test_a_connection_that_breaks_before_it_has_all_loses_nothing(scene):
    server, cast, romeo, jid = scene
    for i in range(60):
        romeo.sends(body(f"{COUNT + i} " + "x" * 50000, jid))
    romeo.round_trip()
    total = waiting(server, jid)
    assert total == COUNT + 60
    juliet = cast.client("juliet", jid=jid, receive_buffer=4096).logs_in()
    for _ in range(10):
        juliet.sends(f"<iq type='set' id='q'><query xmlns='{MAM}'><set xmlns='http://jabber.org/protocol/rsm'>"
                     "<max>100</max><before/></set></query></iq>")
    romeo.round_trip()
    juliet.breaks()
    server.advance("1 min")
    left = waiting(server, jid)
    assert left > 0
    again = cast.client("juliet", jid=jid).logs_in()
    goes_online(again)
    heard = [int(dom.find(again.next_element(), "client:body").text.split()[0]) for _ in range(left)]
    assert heard == sorted(heard) and len(set(heard)) == left
    assert len(everything(again)) == total


def test_what_no_archive_has_waits_whatever_is_read(scene):
    server, cast, romeo, jid = scene
    juliet = cast.client("juliet", jid=jid).logs_in()
    prefers(juliet, "never")
    write(romeo, jid, "not archived")
    ask(juliet)
    passes(server, juliet)
    assert waiting(server, jid) == 1
    goes_online(juliet)
    assert dom.find(juliet.next_element(), "client:body").text == "not archived"


def test_reading_ones_own_messages_takes_nothing_from_others(scene):
    server, cast, romeo, jid = scene
    assert len(ask(romeo).results) == COUNT
    passes(server, romeo)
    assert waiting(server, jid) == COUNT

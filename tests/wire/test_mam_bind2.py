# SPDX-License-Identifier: MIT
"""The archive at a Bind 2 (XEP-0386): <bound/> says where the archive begins and ends at that very moment.
What the client reads up to `end` and what comes live afterwards is everything, and nothing twice."""
import pytest

from lib import dom, sasl, sasl2
from lib.archive import ask, body, everything, prefers, stanza_ids, time, write

pytestmark = pytest.mark.xylem


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, modules={"mam": True, "sasl2": True, "bind2": True, "offline": {"quota": None}}).start()
    yield server
    server.stop()


def binds(cast, jid, tag="Phone"):
    """A client bound by Bind 2, not available; and its metadata, [] for an empty archive."""
    client = sasl2.secures(cast.client(jid.split("@")[0], jid=jid))
    success = sasl2.logs_in(client, inline=sasl2.bind(tag), agent=sasl2.user_agent(sasl2.new_id()))
    found = dom.find(success.bound, "mam:metadata")
    return client, [(e.get("id"), time(e.get("timestamp"))) for e in found]


def test_an_empty_archive_has_empty_metadata(cast):
    client, found = binds(cast, cast.account("juliet"))
    assert found == []
    client.hears_nothing()


def test_metadata_says_where_the_archive_begins_and_ends(cast):
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    write(romeo, jid, *range(5))
    juliet, found = binds(cast, jid)
    results = everything(juliet)
    assert found == [(r.id, r.stamp) for r in (results[0], results[-1])]
    assert [r.text for r in results] == ["0", "1", "2", "3", "4"]


def test_what_comes_later_is_not_in_it(cast):
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    write(romeo, jid, "before")
    juliet, found = binds(cast, jid)
    juliet.sends("<presence/>")
    juliet.round_trip()
    juliet.events.clear()
    write(romeo, jid, "after")
    live = juliet.next_element()
    assert dom.find(live, "client:body").text == "after"
    assert ask(juliet, {"before-id": stanza_ids(live, juliet)[0]}).ids == [found[1][0]]


def test_metadata_of_what_was_archived_before_never(cast):
    romeo, juliet = cast.online("romeo", "juliet")
    write(romeo, juliet, "kept")
    juliet.events.clear()
    prefers(juliet, "never")
    write(romeo, juliet, "not kept")
    kept = ask(juliet).ids
    again, found = binds(cast, juliet.jid)
    assert [i for i, _ in found] == kept * 2


def binds_amid(client, meanwhile):
    """As binds(), `meanwhile` being sent just before the last step of the login."""
    scram = sasl.Scram(client.mechanism, client.local, client.password, client.sock, client.binding)
    sasl2.sends_authenticate(client, client.mechanism, scram.first(), sasl2.user_agent(sasl2.new_id()),
                             sasl2.bind("Phone"))
    proof = scram.final(sasl2.hears(client, "challenge"))
    meanwhile()
    sasl2.sends_response(client, proof)
    success = sasl2.settles_in(client, sasl2.hears(client, "success"))
    return [e.get("id") for e in dom.find(success.bound, "mam:metadata")]


def test_the_cut_is_clean_while_messages_come(cast):
    """Messages by number, on their way while sessions bind: up to `end` from the archive, the rest live."""
    jid, sent, seen = cast.account("juliet"), 0, []
    romeo = cast.online("romeo")
    for _ in range(6):
        client = sasl2.secures(cast.client("juliet", jid=jid))
        romeo.round_trip()
        burst = "".join(body(i, jid) for i in range(sent, sent + 200))
        seen.append((client, binds_amid(client, lambda: romeo.sends(burst))))
        client.sends("<presence/>")
        romeo.sends("".join(body(i, jid) for i in range(sent + 200, sent + 220)))
        sent += 220
    romeo.round_trip()
    cuts = []
    for client, ends in seen:
        client.round_trip()
        live = sorted(int(dom.find(e, "client:body").text) for kind, e in client.events
                      if kind == "element" and dom.name(e)[1] == "message")
        client.events.clear()
        archived = everything(client)
        assert [int(r.text) for r in archived] == list(range(sent))
        cuts.append([r.id for r in archived].index(ends[1]) + 1 if ends else 0)
        assert live == list(range(cuts[-1], sent))
    assert cuts == sorted(cuts) and 0 < cuts[-1] < sent

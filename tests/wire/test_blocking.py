# SPDX-License-Identifier: MIT
"""Blocking (XEP-0191)."""
import pytest

from lib import dom
from test_roster import condition
from test_subscription import befriend, roster_of

NS = "urn:xmpp:blocking"


def blocks(client, *jids):
    items = "".join(f"<item jid='{j}'/>" for j in jids)
    return client.asks("set", f"<block xmlns='{NS}'>{items}</block>")


def unblocks(client, *jids):
    items = "".join(f"<item jid='{j}'/>" for j in jids)
    return client.asks("set", f"<unblock xmlns='{NS}'>{items}</unblock>")


def blocklist(client):
    return sorted(i.get("jid") for i in client.asks("get", f"<blocklist xmlns='{NS}'/>")[0])


def test_the_list_and_its_pushes(cast):
    a = cast.online("a")
    other, deaf = cast.another(a), cast.another(a)
    for client in (a, other, deaf):
        client.settles()
        client.events.clear()
    assert blocklist(a) == [] and blocklist(other) == []
    assert blocks(a, "x@example.net", "example.org").get("type") == "result"
    for client in (a, other):
        client.hears(f"<iq type='set' id='*'><block xmlns='{NS}'><item jid='x@example.net'/>"
                     "<item jid='example.org'/></block></iq>")
    deaf.hears_nothing()
    assert blocklist(a) == ["example.org", "x@example.net"]
    unblocks(a, "x@example.net")
    assert blocklist(other) == ["example.org"]
    unblocks(a)
    assert blocklist(a) == []


def test_errors(cast):
    a, b = cast.online("a", "b")
    assert condition(blocks(a)) == "bad-request"
    assert condition(blocks(a, "@")) == "jid-malformed"
    answer = b.asks("get", f"<blocklist xmlns='{NS}'/>", to=str(a))
    assert condition(answer) in ("service-unavailable", "forbidden")


@pytest.mark.parametrize("what", ["bare", "full", "domain", "domain/resource"])
def test_nothing_comes_through(cast, server, what):
    a, b = cast.online("a", "b")
    other = cast.online("c")
    jid = {"bare": b.jid, "full": b.full, "domain": server.domain,
           "domain/resource": f"{server.domain}/{b.resource}"}[what]
    blocks(a, jid)
    b.sends(f"<message to='{a}' type='chat' id='m'><body>hi</body></message>")
    b.hears_error("service-unavailable", id="m")
    b.sends(f"<presence to='{a}'/>")
    b.sends(f"<iq type='get' id='i' to='{a.full}'><ping xmlns='urn:xmpp:ping'/></iq>")
    b.hears_error("service-unavailable", of="iq", id="i")
    a.hears_nothing()
    if what in ("bare", "full"):
        other.sends(f"<message to='{a}' type='chat'><body>fine</body></message>")
        a.hears(f"<message from='{other.full}' type='chat'><body>fine</body></message>")


def test_what_we_send_to_the_blocked_is_refused(cast):
    a, b = cast.online("a", "b")
    blocks(a, b.jid)
    a.sends(f"<message to='{b}' type='chat' id='m'><body>hi</body></message>")
    a.hears("<message type='error' id='m'>...<error type='cancel'><not-acceptable "
            "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><blocked xmlns='urn:xmpp:blocking:errors'/></error></message>")
    b.hears_nothing()


def test_a_contact_sees_us_go_and_come_back(cast):
    a, b = cast.connected("a", "b")
    for person in (a, b):
        roster_of(person)
        person.comes_online()
    befriend(a, b)
    blocks(a, b.jid)
    b.hears(f"<presence from='{a.full}' to='{b}' type='unavailable'/>")
    a.sends("<presence><status>unseen</status></presence>")
    b.hears_nothing()
    assert roster_of(a)[str(b)] == ("both", None), "the subscription stays"
    a.events.clear()
    unblocks(a, b.jid)
    b.hears(f"<presence from='{a.full}' to='{b}'><status>unseen</status></presence>")


def test_a_blocked_request_is_never_seen(cast):
    a, b = cast.connected("a", "b")
    for person in (a, b):
        roster_of(person)
        person.comes_online()
    blocks(a, b.jid)
    b.sends(f"<presence to='{a}' type='subscribe'/>")
    b.settles()
    assert roster_of(b) == {str(a): ("none", "subscribe")}
    a.hears_nothing()


def test_offline_storage_keeps_nothing_of_the_blocked(cast, server):
    a, b = cast.online("a", "b")
    blocks(a, b.jid)
    jid = a.jid
    a.sends("</stream:stream>")
    b.settles()
    b.sends(f"<message to='{jid}' type='chat' id='m'><body>hi</body></message>")
    b.hears_error("service-unavailable", id="m")
    assert server.json("offline", "count", jid)["fields"]["waiting"] == 0


def test_own_resources_are_never_blocked(cast):
    a = cast.online("a")
    second = cast.another(a)
    a.settles()
    a.events.clear()
    blocks(a, a.jid)
    second.sends(f"<message to='{a.full}' type='chat'><body>self</body></message>")
    a.hears(f"<message from='{second.full}' type='chat'><body>self</body></message>")


def test_limit(make_server, actors):
    server = make_server(modules={"blocking": {"items": 2}})
    a = actors(server).online("a")
    assert blocks(a, "x@example.net", "y@example.net").get("type") == "result"
    assert condition(blocks(a, "z@example.net")) == "resource-constraint"
    assert blocklist(a) == ["x@example.net", "y@example.net"]

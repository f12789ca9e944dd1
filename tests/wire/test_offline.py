# SPDX-License-Identifier: MIT
"""Offline messages (XEP-0160, 0203, 0334): kept, in order, stamped, never lost, bounded."""
from datetime import datetime, timedelta

import pytest

from lib import dom, process, sasl2

HINTS = "urn:xmpp:hints"


def body(text, to, kind="chat", extra="", attributes=""):
    return f"<message to='{to}' type='{kind}'{attributes}><body>{text}</body>{extra}</message>"


def delayed(text, sender, to, domain, kind="chat"):
    return (f"<message from='{sender.full}' to='{to}' type='{kind}'><body>{text}</body>"
            f"<delay xmlns='urn:xmpp:delay' from='{domain}' stamp='*'/></message>")


def waiting(server, jid):
    return server.json("offline", "count", jid)["fields"]["waiting"]


def test_messages_wait_in_order_and_leave_once_received(cast, server):
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    for i in range(250):
        romeo.sends(body(i, jid))
    romeo.round_trip()
    juliet = cast.client("juliet", jid=jid).logs_in()
    juliet.sends("<presence/>")
    juliet.hears("<presence/>")
    juliet.hears(*(delayed(i, romeo, jid, server.domain) for i in range(250)))
    romeo.sends(body("live", jid))
    juliet.hears(body("live", jid))
    juliet.hears_nothing()
    juliet.sends("</stream:stream>")
    again = cast.client("juliet", jid=jid).comes_online()
    again.hears_nothing()
    assert waiting(server, jid) == 0


def test_the_stamp_is_the_time_of_receipt(make_server, actors):
    server = make_server(test_clock=True)
    cast = actors(server)
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    stamps = []
    for text in ("first", "second"):
        romeo.sends(body(text, jid))
        romeo.round_trip()
        server.advance("2 h")
    juliet = cast.client("juliet", jid=jid).logs_in()
    juliet.sends("<presence/>")
    juliet.hears("<presence/>")
    for text in ("first", "second"):
        stamp = dom.find(juliet.hears(delayed(text, romeo, jid, server.domain)), "delay:delay").get("stamp")
        assert stamp.endswith("Z")
        stamps.append(datetime.fromisoformat(stamp[:-1]))
    assert stamps[1] - stamps[0] == timedelta(hours=2)


@pytest.mark.parametrize("message, kept", [
    ("<body>b</body>", True),
    ("<subject>s</subject>", True),
    ("<active xmlns='http://jabber.org/protocol/chatstates'/>", False),
    ("<body>b</body><active xmlns='http://jabber.org/protocol/chatstates'/>", True),
    ("<received xmlns='urn:xmpp:receipts' id='x'/>", True),
    ("<x xmlns='jabber:x:conference' jid='room@conference.example.org'/>", True),
    ("<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl'/>", True),
    (f"<body>b</body><no-store xmlns='{HINTS}'/>", False),
    (f"<body>b</body><no-permanent-store xmlns='{HINTS}'/>", True),
    (f"<store xmlns='{HINTS}'/>", True),
])
@pytest.mark.parametrize("kind", ["chat", "normal"])
def test_what_is_worth_keeping(cast, server, message, kept, kind):
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    romeo.sends(f"<message to='{jid}' type='{kind}' id='m1'>{message}</message>")
    romeo.round_trip()
    assert waiting(server, jid) == kept


@pytest.mark.parametrize("kind", ["groupchat", "headline", "error"])
def test_types_that_never_wait(cast, server, kind):
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    romeo.sends(body("b", jid, kind))
    romeo.round_trip()
    assert waiting(server, jid) == 0


def test_s2_13_a_full_queue_tells_the_sender(make_server, actors):
    server = make_server(modules={"offline": {"quota": 2}})
    cast = actors(server)
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    romeo.sends(body(1, jid), body(2, jid), body(3, jid, attributes=" id='third'"))
    romeo.hears_error("service-unavailable", id="third")
    assert waiting(server, jid) == 2


def test_s2_18_negative_priority_and_no_presence_leave_the_queue_alone(cast, server):
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    romeo.sends(body("hi", jid))
    romeo.round_trip()
    quiet = cast.client("juliet", jid=jid).logs_in()
    quiet.hears_nothing()
    quiet.sends("<presence><priority>-1</priority></presence>")
    quiet.hears("<presence><priority>-1</priority></presence>")
    quiet.hears_nothing()
    assert waiting(server, jid) == 1
    quiet.sends("<presence><priority>0</priority></presence>")
    quiet.hears("<presence><priority>0</priority></presence>", delayed("hi", romeo, jid, server.domain))


def test_messages_survive_a_restart_and_a_kill(make_server, actors):
    server = make_server()
    cast = actors(server)
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    for i in range(20):
        romeo.sends(body(i, jid))
    romeo.round_trip()
    server.json("offline", "count", jid)
    server.restart()
    romeo = cast.client("romeo", jid=romeo.jid).comes_online()
    for i in range(20, 40):
        romeo.sends(body(i, jid))
    romeo.round_trip()
    assert waiting(server, jid) == 40  # the count is read behind the commits: all are durable now
    server.kill()
    server.start()
    juliet = cast.client("juliet", jid=jid).logs_in()
    juliet.sends("<presence/>")
    juliet.hears("<presence/>")
    got = [juliet.hears("<message type='chat'>...</message>") for _ in range(40)]
    assert [dom.find(m, "client:body").text for m in got] == [str(i) for i in range(40)]


def test_s2_7_a_connection_that_dies_unread_loses_nothing(cast, server):
    """What the client's machine never acknowledged comes again: first and second login together
    show every message, and in order."""
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    for i in range(400):
        romeo.sends(body(f"{i} " + "x" * 2000, jid))
    romeo.round_trip()
    juliet = cast.client("juliet", jid=jid, receive_buffer=4096).logs_in()
    juliet.sends("<presence/>")  # and never reads again
    romeo.round_trip()
    juliet.breaks()
    process.wait_until(lambda: not server.json("session", "list", jid)["rows"], "the session's end")
    left = waiting(server, jid)
    assert left > 0, "the whole queue cannot have fitted into two socket buffers"
    again = cast.client("juliet", jid=jid).logs_in()
    again.sends("<presence/>")
    again.hears("<presence/>")
    numbers = [int(dom.find(again.hears("<message type='chat'>...</message>"), "client:body").text.split()[0])
               for _ in range(left)]
    assert numbers == list(range(400 - left, 400))


def test_a_device_that_says_who_it_is_by_sasl2_and_binds_in_the_old_way(cast, server):
    """It is a device of its own: what another one got waits for it none the less."""
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    agents = [sasl2.user_agent(sasl2.new_id()) for _ in range(2)]

    def comes(agent, *others):
        client = sasl2.secures(cast.client("juliet", jid=jid))
        sasl2.logs_in(client, agent=agent)
        client.binds().sends("<presence/>")
        client.hears_in_any_order("<presence/>", *others)
        return client
    phone, desk = comes(agents[0]), comes(agents[1], "<presence/>")
    for client in (phone, desk):
        client.settles()
    phone.ends()
    desk.hears("<presence type='unavailable'/>")
    romeo.sends(body("both", jid))
    desk.hears(body("both", jid))
    desk.settles()
    phone = comes(agents[0], "<presence/>", delayed("both", romeo, jid, server.domain))
    phone.hears_nothing()


def test_expiry_is_counted_and_logged(make_server, actors):
    server = make_server(test_clock=True, modules={"offline": {"keep_for": "1 day"}})
    cast = actors(server)
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    romeo.sends(body("old", jid))
    romeo.round_trip()
    server.advance("23 h")
    assert waiting(server, jid) == 1
    server.advance("2 h")
    server.advance("11 min")
    for _ in range(100):
        if waiting(server, jid) == 0:
            break
    assert waiting(server, jid) == 0
    assert "message.expired" in server.output(10**6)


def test_s2_18_messages_to_the_full_jid_of_a_resource_that_left_wait_too(cast, server):
    romeo, juliet = cast.online("romeo", "juliet")
    full, jid = juliet.full, juliet.jid
    juliet.sends("</stream:stream>")
    romeo.settles()
    romeo.sends(f"<message to='{full}' type='chat'><body>hi</body></message>")
    romeo.round_trip()
    assert waiting(server, jid) == 1


def test_without_the_module_the_sender_is_told(make_server, actors):
    server = make_server(modules={"offline": False})
    cast = actors(server)
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    romeo.sends(body("hi", jid))
    romeo.hears_error("service-unavailable")


def test_a_new_owner_of_a_name_gets_nothing_of_the_former(cast, server):
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    romeo.sends(body("secret", jid))
    romeo.round_trip()
    server.ctl("user", "delete", jid)
    server.create(jid.split("@")[0])
    juliet = cast.client("juliet", jid=jid).comes_online()
    juliet.hears_nothing()

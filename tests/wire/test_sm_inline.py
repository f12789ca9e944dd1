# SPDX-License-Identifier: MIT
"""Stream management inside of SASL2 and Bind 2 (XEP-0198 section 9): resumed at the login, else bound,
enabled with the resource, and a device that stays the same through it all."""
import pytest

from lib import dom, process, sasl2
from lib.dom import NS
from lib.sm import SM, Managed

pytestmark = pytest.mark.xylem
ENABLE = f"<enable {SM} resume='true'/>"


def body(to, text):
    return f"<message to='{to}' type='chat'><body>{text}</body></message>"


def texts(client, count):
    heard = []
    while len(heard) < count:
        element = client.next_element()
        if element.tag.endswith("}message"):
            heard.append(dom.find(element, "client:body").text)
    return heard


def binds(cast, name, features=ENABLE, **options):
    """A first login, with a resource and stream management in one step."""
    client = sasl2.secures(cast.client(name, kind=Managed, **options))
    client.device = sasl2.user_agent(sasl2.new_id())
    success = sasl2.logs_in(client, agent=client.device, inline=sasl2.bind("Phone", features))
    return client.took_success(success)


def again(client, features=ENABLE, condition="item-not-found", **claimed):
    """The next login of that client: it wants to resume, else to be bound."""
    made = sasl2.secures(client.connects_again())
    made.device = client.device
    inline = made.resume_text(**claimed) + sasl2.bind("Phone", features)
    return made.took_success(sasl2.logs_in(made, agent=made.device, inline=inline), condition)


def waits(server, client):
    process.wait_until(lambda: [r["address"] for r in server.json("session", "list", client.full)["rows"]]
                       == ["detached"], "the session without a connection")


def confirmed(client):
    while client.unacknowledged:
        client.requests()


def test_the_offer(cast):
    romeo = sasl2.secures(cast.client("romeo"))
    assert (NS["sm"], "sm") in sasl2.inline(romeo)
    assert NS["sm"] in sasl2.bind_features(romeo)


def test_enabled_with_the_resource(cast):
    romeo, juliet = cast("romeo"), binds(cast, "juliet")
    assert juliet.enabled.get("max") == "300" and juliet.sm_id
    assert dom.find(juliet.features, "sm:sm") is None, "it is on"
    juliet.sends("<presence/>")
    confirmed(juliet)
    assert juliet.acknowledged == 1
    juliet.hears(f"<presence from='{juliet.full}'/>")
    romeo.sends(body(juliet.full, "hi"))
    assert texts(juliet, 1) == ["hi"]
    juliet.sends(juliet.enable_text())
    juliet.hears_stream_error("policy-violation")


def test_enabled_later(cast):
    juliet = binds(cast, "juliet", features="")
    assert dom.find(juliet.features, "sm:sm") is not None
    juliet.enables().comes_online()
    confirmed(juliet)


def test_resumed_at_the_login(cast, server):
    """No features, no resource, no new presence; what was not acknowledged follows at once."""
    romeo, juliet = cast("romeo"), binds(cast, "juliet").comes_online()
    full = juliet.full
    juliet.breaks()
    waits(server, juliet)
    romeo.sends(body(full, "1"), body(full, "2"))
    romeo.round_trip()
    juliet = again(juliet)
    assert juliet.full == full
    assert texts(juliet, 2) == ["1", "2"]
    juliet.sends(body(romeo.full, "3"))
    romeo.hears(body(romeo.full, "3"))
    juliet.hears_nothing()
    assert len(server.json("session", "list", juliet.jid)["rows"]) == 1, "the <bind/> was not looked at"


def test_resumed_while_the_old_connection_looks_alive(cast):
    romeo, first = cast("romeo"), binds(cast, "juliet").comes_online()
    second = again(first)
    first.hears_stream_error("conflict")
    romeo.sends(body(second.full, "hi"))
    assert texts(second, 1) == ["hi"]


@pytest.mark.parametrize("claim, condition, told", [
    ({"previd": "nothing"}, "item-not-found", False), ({"h": "x"}, "bad-request", False),
    ({"h": "4000"}, "bad-request", True)])
def test_not_resumed_and_bound_all_the_same(cast, server, claim, condition, told):
    romeo, juliet = cast("romeo"), binds(cast, "juliet").comes_online()
    confirmed(juliet)
    juliet.breaks()
    waits(server, juliet)
    romeo.sends(body(juliet, "not lost"))
    romeo.round_trip()
    newer = again(juliet, condition=condition, **claim)
    assert newer.told == (juliet.acknowledged if told else None)
    assert newer.full != juliet.full or newer.sm_id != juliet.sm_id
    newer.sends("<presence/>")
    assert texts(newer, 1) == ["not lost"]
    newer.hears_nothing()


def test_only_a_resumption(cast):
    """Without a <bind/>: refused, and the client may bind in the old way."""
    juliet = binds(cast, "juliet").comes_online()
    made = sasl2.secures(juliet.connects_again())
    success = sasl2.logs_in(made, inline=made.resume_text(previd="nothing"))
    made.took_success(success)
    assert success.bound is None and made.told is None
    made.binds().enables().comes_online()


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_after_a_restart(make_server, actors, how):
    """Its device is that of the first login: what it acknowledged does not come again to the next one."""
    server = make_server()
    cast = actors(server)
    romeo, juliet = binds(cast, "romeo").comes_online(), binds(cast, "juliet").comes_online()
    juliet.answers = False
    juliet.breaks()
    waits(server, juliet)
    romeo.sends(body(juliet.full, "1"), body(juliet, "2"))
    confirmed(romeo)
    {"kill": server.kill, "stop": server.stop}[how]()
    server.start()
    juliet.answers = True
    juliet = again(juliet)
    assert texts(juliet, 2) == ["1", "2"]
    juliet.acknowledges().settles()
    juliet.ends()
    other = binds(actors(server), "juliet", jid=juliet.jid).comes_online()
    other.ends()
    last = sasl2.secures(juliet.connects_again())
    sasl2.logs_in(last, agent=juliet.device, inline=sasl2.bind("Phone"))
    last.received = None
    last.sends("<presence/>")
    last.hears(f"<presence from='{last.full}'/>")
    last.hears_nothing()


def test_killed_while_connected(make_server, actors):
    """The exact number, a new session, and every message."""
    server = make_server()
    cast = actors(server)
    romeo, juliet = binds(cast, "romeo").comes_online(), binds(cast, "juliet").comes_online()
    absent = cast.account("nurse")
    confirmed(juliet)
    juliet.sends(body(absent, "kept"))
    confirmed(juliet)
    juliet.answers = False
    romeo.sends(body(juliet.full, "unread"))
    confirmed(romeo)
    assert texts(juliet, 1) == ["unread"]
    server.kill()
    server.start()
    newer = again(juliet)
    assert newer.told == juliet.acknowledged
    newer.answers = True
    newer.sends("<presence/>")
    assert texts(newer, 1) == ["unread"]
    newer.hears_nothing()


def test_carbons_go_on_after_a_restart(make_server, actors):
    """What was switched on for a session is on when it comes back, though nobody asks again."""
    server = make_server()
    cast = actors(server)
    phone = binds(cast, "juliet", features=ENABLE + f"<enable xmlns='{NS['carbons']}'/>").comes_online()
    phone.breaks()
    waits(server, phone)
    server.restart()
    phone = again(phone)
    cast = actors(server)
    desk, romeo = cast.client("juliet", jid=phone.jid).comes_online(), cast("romeo")
    phone.settles()
    phone.events.clear()
    romeo.sends(body(desk.full, "for the desk"))
    assert texts(desk, 1) == ["for the desk"]
    copy = phone.next_element()
    assert copy.find(f"{{{NS['carbons']}}}received") is not None, dom.show(copy)

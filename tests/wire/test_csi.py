# SPDX-License-Identifier: MIT
"""Client state indication (XEP-0352): what waits while nobody looks, and that nothing overtakes."""
import random
import signal

import pytest

from lib import dom, edition, process, sasl2
from lib.friends import befriend
from lib.sm import managed

pytestmark = pytest.mark.xylem
CSI = "urn:xmpp:csi:0"
STATES = "http://jabber.org/protocol/chatstates"
CARBONS = "urn:xmpp:carbons:2"
COMPOSING, PAUSED = f"<composing xmlns='{STATES}'/>", f"<paused xmlns='{STATES}'/>"


def inactive(client):
    client.sends(f"<inactive xmlns='{CSI}'/>")
    client.round_trip()  # its answer leaves behind what was held
    return client


def active(client):
    client.sends(f"<active xmlns='{CSI}'/>")


def presence(text, to=None, attributes=""):
    return f"<presence{attributes}" + (f" to='{to}'" if to else "") + f"><status>{text}</status></presence>"


def chat(to, payload, kind="chat"):
    return f"<message to='{to}' type='{kind}'>{payload}</message>"


def hears_nothing_yet(client, *others):
    """Nothing is on its way; its own round trip would bring out what is held."""
    for other in others:
        other.round_trip()
        other.round_trip()
    assert not client.has_input(), dom.show(client.events[0][1])


@pytest.fixture
def pair(cast):
    """romeo is inactive; presence between them is directed, so that it is theirs alone."""
    romeo, juliet = cast("romeo", "juliet")
    inactive(romeo)
    return romeo, juliet


def test_offered_after_login_only(cast):
    client = cast.client("romeo").secures()
    assert client.features.find(f"{{{CSI}}}csi") is None
    assert client.authenticates().features.find(f"{{{CSI}}}csi") is not None


def test_before_bind_it_means_nothing(cast):
    client = cast.client("romeo").secures().authenticates()
    client.sends(f"<inactive xmlns='{CSI}'/>")
    client.hears_stream_error("unsupported-stanza-type")


def test_an_unknown_element_is_refused(cast):
    client = cast.online("romeo")
    client.sends(f"<sleeping xmlns='{CSI}'/>")
    client.hears_stream_error("unsupported-stanza-type")


def test_active_flushes_before_the_next_request_is_answered(pair):
    """Section 4.1: <active/>, then a ping: what was held, then the pong."""
    romeo, juliet = pair
    juliet.sends(presence("1", romeo.full))
    hears_nothing_yet(romeo, juliet)
    romeo.sends(f"<active xmlns='{CSI}'/>", "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
    romeo.hears(presence("1"), "<iq type='result' id='p'/>")
    juliet.sends(presence("2", romeo.full))
    romeo.hears(presence("2"))


def test_the_newest_presence_of_each_full_jid_stays(pair, cast):
    romeo, juliet = pair
    other, nurse = cast.another(juliet), cast.online("nurse")
    for text in ("1", "2", "3"):
        for client in (juliet, other, nurse):
            client.sends(presence(text, romeo.full))
    nurse.sends(f"<presence to='{romeo.full}' type='unavailable'/>")
    hears_nothing_yet(romeo, juliet, other, nurse)
    active(romeo)
    romeo.hears_in_any_order(f"<presence from='{juliet.full}'><status>3</status></presence>",
                             f"<presence from='{other.full}'><status>3</status></presence>",
                             f"<presence from='{nurse.full}' type='unavailable'/>")
    romeo.hears_nothing()


def test_broadcast_presence_waits_too(cast):
    romeo, juliet = cast("romeo", "juliet")
    befriend(romeo, juliet)
    for client in (romeo, juliet):
        client.settles()
        client.events.clear()
    inactive(romeo)
    for text in ("1", "2"):
        juliet.sends(presence(text))
    juliet.round_trip()
    hears_nothing_yet(romeo, juliet)
    active(romeo)
    romeo.hears(f"<presence from='{juliet.full}'><status>2</status></presence>")


def test_the_newest_chat_state_of_each_conversation_stays(pair, cast):
    romeo, juliet = pair
    nurse = cast.online("nurse")
    for state in (COMPOSING, PAUSED, COMPOSING + "<thread>t</thread>", PAUSED + "<no-store xmlns='urn:xmpp:hints'/>"):
        for client in (juliet, nurse):
            client.sends(chat(romeo.full, state))
    hears_nothing_yet(romeo, juliet, nurse)
    active(romeo)
    romeo.hears_in_any_order(*(f"<message from='{c.full}' type='chat'>{PAUSED}<no-store xmlns='urn:xmpp:hints'/></message>"
                               for c in (juliet, nurse)))
    romeo.hears_nothing()


def test_copies_of_chat_states_wait_too(cast):
    romeo, juliet = cast("romeo", "juliet")
    watcher = cast.another(romeo)
    assert watcher.asks("set", f"<enable xmlns='{CARBONS}'/>").get("type") == "result"
    for client in (romeo, juliet, watcher):
        client.settles()
        client.events.clear()
    inactive(watcher)
    juliet.sends(chat(romeo.full, COMPOSING), chat(romeo.full, PAUSED))
    for state in (COMPOSING, PAUSED):
        romeo.sends(chat(juliet.full, state))
    hears_nothing_yet(watcher, juliet, romeo)
    active(watcher)
    heard = [dom.show(watcher.next_element()) for _ in range(2)]
    assert sorted(("sent" if "<sent" in h else "received", "paused" in h, "composing" in h) for h in heard) == [
        ("received", True, False), ("sent", True, False)]
    watcher.hears_nothing()
    inactive(watcher)
    juliet.sends(chat(romeo.full, COMPOSING))
    juliet.sends(chat(romeo.full, COMPOSING + "<body>b</body>"))
    heard = [dom.show(watcher.next_element()) for _ in range(2)]
    assert "<body>" not in heard[0] and "<body>" in heard[1], "a copied message is important"


IMPORTANT = {
    "body": chat("{to}", "<body>b</body>"),
    "body and chat state": chat("{to}", "<body>b</body>" + COMPOSING),
    "encrypted": chat("{to}", "<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl'/>"),
    "encrypted and chat state": chat("{to}", "<encrypted xmlns='eu.siacs.conversations.axolotl'/>" + COMPOSING),
    "direct invitation": chat("{to}", "<x xmlns='jabber:x:conference' jid='a@b'/>", "normal"),
    "mediated invitation": chat("{to}", "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='a@b'/></x>", "normal"),
    "call": chat("{to}", "<propose xmlns='urn:xmpp:jingle-message:0' id='c'/>"),
    "receipt": chat("{to}", "<received xmlns='urn:xmpp:receipts' id='m'/>"),
    "marker": chat("{to}", "<displayed xmlns='urn:xmpp:chat-markers:0' id='m'/>"),
    "unknown": chat("{to}", "<x xmlns='urn:unknown'/>"),
    "nothing": chat("{to}", ""),
    "subject": chat("{to}", "<subject>s</subject>", "normal"),
    "chat state and unknown": chat("{to}", COMPOSING + "<x xmlns='urn:unknown'/>"),
    "error": chat("{to}", COMPOSING + "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>", "error"),
    "room subject": chat("{to}", "<subject>s</subject>", "groupchat"),
    "iq": "<iq to='{to}' type='get' id='i'><query xmlns='urn:x'/></iq>",
    "presence error": "<presence to='{to}' type='error' id='p'><error type='cancel'>"
                      "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>",
    "own presence in a room": "<presence to='{to}'><x xmlns='http://jabber.org/protocol/muc#user'>"
                              "<status code='100'/><status code='110'/></x></presence>",
}


@pytest.mark.parametrize("case", IMPORTANT)
def test_what_is_important_leaves_at_once_behind_what_was_held(pair, case):
    romeo, juliet = pair
    stanza = IMPORTANT[case].format(to=romeo.full)
    juliet.sends(presence("1", romeo.full), chat(romeo.full, COMPOSING), stanza, presence("2", romeo.full))
    romeo.hears(presence("1"), chat("*", COMPOSING), stanza)
    hears_nothing_yet(romeo, juliet)
    active(romeo)
    romeo.hears(presence("2"))


def test_subscription_requests_are_important(cast):
    romeo, juliet = cast("romeo", "juliet")
    romeo.asks("get", "<query xmlns='jabber:iq:roster'/>")
    inactive(romeo)
    juliet.sends(presence("1", romeo.full), f"<presence to='{romeo.jid}' type='subscribe'/>")
    romeo.hears(presence("1"), f"<presence from='{juliet.jid}' type='subscribe'/>")


def test_messages_on_their_way_to_the_disk_keep_the_order(cast):
    """With stream management messages are stored and wait for their commit; presence does not."""
    juliet = cast.online("juliet")
    romeo = managed(cast, "romeo").logs_in().enables()
    romeo.sends("<presence/>")
    romeo.settles()
    romeo.events.clear()
    inactive(romeo)
    for i in range(100):
        juliet.sends(presence(i, romeo.full), chat(romeo.full, f"<body>{i}</body>"))
    for i in range(100):
        romeo.hears(presence(i), chat("*", f"<body>{i}</body>"))


def test_order_under_a_flood(cast):
    """Of what is heard nothing is older than what was heard before from the same sender; every
    important stanza comes, and of the others the last."""
    dice = random.Random(352)
    romeo = inactive(cast.online("romeo"))
    senders = [cast.online("juliet") for _ in range(4)]
    counts, important, last = {}, {}, {}
    for _ in range(1500):
        sender = dice.choice(senders)
        n = counts[sender.full] = counts.get(sender.full, 0) + 1
        kind = dice.choices(("presence", "state", "message", "switch"), (50, 40, 5, 1))[0]
        if kind == "presence":
            sender.sends(f"<presence to='{romeo.full}' id='{n}'/>")
        elif kind == "state":
            sender.sends(f"<message to='{romeo.full}' id='{n}' type='chat'>{COMPOSING}</message>")
        elif kind == "message":
            sender.sends(f"<message to='{romeo.full}' id='{n}' type='chat'><body>b</body></message>")
            important.setdefault(sender.full, []).append(n)
        else:
            dice.choice((active, inactive))(romeo)
            continue
        if kind != "message":
            last[sender.full, kind] = n
    active(romeo)
    romeo.settles()
    heard, bodies, newest = {}, {}, {}
    for _, element in romeo.events:
        if dom.name(element)[1] == "iq":
            continue
        n, sender = int(element.get("id")), element.get("from")
        assert n > heard.get(sender, 0), "overtaken"
        heard[sender] = n
        kind = "presence" if dom.name(element)[1] == "presence" else "state"
        if dom.find(element, "client:body") is not None:
            bodies.setdefault(sender, []).append(n)
        else:
            newest[sender, kind] = n
    assert bodies == important
    assert newest == last


def test_too_much_leaves(make_server, actors):
    server = make_server(modules={"csi": {"most": 3}})
    cast = actors(server)
    romeo = inactive(cast.online("romeo"))
    others = [cast.online("juliet") for _ in range(5)]
    for other in others[:3]:
        other.sends(presence("1", romeo.full))
        other.round_trip()
    others[0].sends(presence("2", romeo.full))
    hears_nothing_yet(romeo, *others)
    others[3].sends(presence("1", romeo.full))
    romeo.hears(*(f"<presence from='{o.full}'><status>{t}</status></presence>"
                  for o, t in ((others[1], 1), (others[2], 1), (others[0], 2), (others[3], 1))))
    others[4].sends(presence("1", romeo.full))
    hears_nothing_yet(romeo, *others)


def test_nobody_else_learns_of_it(cast):
    romeo, juliet = cast("romeo", "juliet")
    befriend(romeo, juliet)
    other = cast.another(romeo)
    for client in (romeo, juliet, other):
        client.settles()
        client.events.clear()
    inactive(romeo)
    active(romeo)
    inactive(romeo)
    juliet.hears_nothing()
    other.hears_nothing()


def test_the_state_is_not_that_of_the_presence(pair):
    romeo, juliet = pair
    romeo.sends("<presence><show>chat</show></presence>")
    romeo.round_trip()
    romeo.events.clear()
    juliet.sends(presence("1", romeo.full))
    hears_nothing_yet(romeo, juliet)
    active(romeo)
    romeo.hears(presence("1"))


def test_held_is_not_sent(cast):
    """Stream management counts a stanza when it leaves; a resumed session is active (section 5.2)."""
    juliet = cast.online("juliet")
    romeo = managed(cast, "romeo").logs_in().enables()
    romeo.sends("<presence/>")
    romeo.settles()
    romeo.events.clear()
    inactive(romeo)
    romeo.requests()
    count = romeo.received
    juliet.sends(presence("1", romeo.full))
    juliet.round_trip()
    assert not romeo.has_input() and romeo.received == count
    romeo.resets()
    back = romeo.reconnects().resumes()
    back.hears(presence("1"))
    juliet.sends(presence("2", romeo.full))
    back.hears(presence("2"))
    back.requests()
    back.acknowledges()
    back.hears_nothing()


def test_inactive_from_the_bind_on(cast):
    """XEP-0386"""
    juliet = cast.online("juliet")
    romeo = sasl2.secures(cast.client("romeo"))
    assert CSI in sasl2.bind_features(romeo)
    sasl2.logs_in(romeo, inline=sasl2.bind("Phone", f"<inactive xmlns='{CSI}'/>"))
    juliet.sends(presence("1", romeo.full))
    hears_nothing_yet(romeo, juliet)
    active(romeo)
    romeo.hears(presence("1"))


# ---- reloads -------------------------------------------------------------------------------------------


def test_switched_off_everything_leaves(make_server, actors):
    server = make_server()
    cast = actors(server)
    romeo, juliet = cast("romeo", "juliet")
    inactive(romeo)
    juliet.sends(presence("1", romeo.full))
    hears_nothing_yet(romeo, juliet)
    server.reload(modules={"csi": False})
    romeo.hears(presence("1"))
    juliet.sends(presence("2", romeo.full))
    romeo.hears(presence("2"))
    server.reload(modules={"csi": True})
    juliet.sends(presence("3", romeo.full))
    romeo.hears(presence("3"))  # what it said to the former module is forgotten
    inactive(romeo)
    juliet.sends(presence("4", romeo.full))
    hears_nothing_yet(romeo, juliet)


def test_replaced_it_goes_on_holding(make_server, actors):
    server = make_server(start=False)
    renew = edition.of(server, "csi")
    server.start()
    cast = actors(server)
    romeo, juliet = cast("romeo", "juliet")
    inactive(romeo)
    juliet.sends(presence("1", romeo.full))
    hears_nothing_yet(romeo, juliet)
    renew()
    rows = server.json("reload")["rows"]
    assert [r["change"] for r in rows if r["name"].startswith("csi@xylem.test")] == ["replaced"]
    romeo.hears(presence("1"))
    juliet.sends(presence("2", romeo.full))
    hears_nothing_yet(romeo, juliet)
    active(romeo)
    romeo.hears(presence("2"))


def test_replaced_under_load_nothing_important_is_lost_or_overtaken(make_server, actors):
    server = make_server(start=False)
    renew = edition.of(server, "csi")
    server.start()
    cast = actors(server)
    romeo, juliet = cast("romeo", "juliet")
    inactive(romeo)
    for i in range(300):
        juliet.sends(f"<presence to='{romeo.full}' id='{i}'/>" if i % 3 else
                     f"<message to='{romeo.full}' type='chat' id='{i}'><body>b</body></message>")
        if i % 60 == 30:
            renew()
            server.process.send_signal(signal.SIGHUP)
    juliet.round_trip()
    process.wait_until(lambda: server.json("status")["fields"]["reloads"] >= 1, "a reload")
    active(romeo)
    romeo.settles()
    heard = [(dom.name(e)[1], int(e.get("id"))) for _, e in romeo.events]
    assert [n for _, n in heard] == sorted({n for _, n in heard})
    assert [n for kind, n in heard if kind == "message"] == list(range(0, 300, 3))
    assert heard[-1] == ("presence", 299)

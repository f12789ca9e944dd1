# SPDX-License-Identifier: MIT
"""A retraction reaches every device of everybody concerned (S1-2): those that are there, by whatever way
messages come to them, those that come back, those that never were there, and those that sleep."""
import pytest

from lib import dom, process, sasl2
from lib.archive import ask, preferences_text
from lib.removal import modules, retracts, says, tombstones
from lib.room import Room, hush
from lib.sm import managed
from test_push import Service, enable

pytestmark = pytest.mark.xylem
CARBONS, CSI = "urn:xmpp:carbons:2", "urn:xmpp:csi:0"
WORD = "a word too much"


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, test_clock=True, limits={"idle": None}, modules=modules(
        retract={"count": None}, muc=True, muc_mam=True, retract_muc={"authors": True, "count": None},
        push={"content": "body"})).start()
    yield server
    server.stop()


def message(client, id, payload):
    """What is between does not matter. As itself, or as the copy of what another device sent."""
    while True:
        got = client.next_element()
        for inner in got.iter(f"{{{dom.NS['client']}}}message"):
            if inner.get("id") == id:
                assert [c for c in inner if dom.name(c)[1] == payload], dom.show(got)
                return inner


class Device:
    """One of Romeo's, who wrote it, or of Juliet's, who got it. has() it, then it hears of the retraction."""

    def __init__(self, cast, romeo, jid):
        self.cast, self.romeo, self.jid = cast, romeo, jid
        self.comes()

    def logs_in(self):
        return self.cast.client("device", jid=self.jid).logs_in()

    def comes(self):
        self.client = self.logs_in()
        self.client.asks("set", f"<enable xmlns='{CARBONS}'/>")
        self.client.sends("<presence/>")
        hush(self.client)

    def has(self):
        message(self.client, "m1", "body")

    def hears(self):
        """Exactly once."""
        retraction = message(self.client, "r1", "retract")
        assert dom.find(retraction, "retract:retract").get("id") == "m1"
        self.client.round_trip()
        assert not [e for _, e in self.client.events if e is not None and "retract" in dom.show(e)]


class There(Device):
    """Online, with carbons."""


class Inactive(Device):
    """Nobody looks at it: what may wait waits, this comes."""

    def has(self):
        super().has()
        self.client.sends(f"<inactive xmlns='{CSI}'/>")
        self.client.round_trip()

    def hears(self):
        self.client.sends(f"<active xmlns='{CSI}'/>")
        super().hears()


class Resumed(Device):
    """Without a connection meanwhile."""

    def logs_in(self):
        return managed(self.cast, "device", jid=self.jid).logs_in().enables()

    def has(self):
        super().has()
        self.client.acknowledges().round_trip()
        self.client.resets()

    def hears(self):
        self.client = self.client.reconnects().resumes()
        super().hears()


class Away(Device):
    """Logged out meanwhile; it says which device it is, so what it misses waits for it or is in its archive."""

    def logs_in(self):
        self.agent = getattr(self, "agent", None) or sasl2.user_agent(sasl2.new_id())
        client = sasl2.secures(self.cast.client("device", jid=self.jid))
        sasl2.logs_in(client, agent=self.agent, inline=sasl2.bind("Phone"))
        return client

    def has(self):
        super().has()
        self.client.round_trip()
        self.client.ends()

    def hears(self):
        """By Bind 2 what the archive has is read there: behind what it has already, nothing else is new."""
        self.client = self.logs_in()
        self.client.sends("<presence/>")
        page = ask(self.client)
        assert len(tombstones(page)) == 1 and WORD not in "".join(dom.show(r.wrapper) for r in page.results)
        assert [r.message.get("id") for r in page.results][1:] == ["r1"]


class AwayUnarchived(Away):
    """It waits in the queue."""

    def comes(self):
        super().comes()
        answer = self.client.asks("set", preferences_text("never"))
        assert answer.get("type") == "result", dom.show(answer)

    def hears(self):
        self.client = self.logs_in()
        self.client.sends("<presence/>")
        Device.hears(self)


class New(Device):
    """Comes for the first time when all is over, and reads the archive."""

    def comes(self):
        pass

    def has(self):
        pass

    def hears(self):
        client = self.logs_in()
        page = ask(client)
        assert len(tombstones(page)) == 1 and WORD not in "".join(dom.show(r.wrapper) for r in page.results)
        assert [r.message.get("id") for r in page.results if dom.find(r.message, "retract:retract") is not None] == ["r1"]


# What one sent does not wait for one's own devices: they read the archive.
DEVICES = [("juliet", d) for d in (There, Inactive, Resumed, Away, AwayUnarchived, New)] + [("romeo", d) for d in (There, Inactive, Away, New)]


@pytest.mark.parametrize("whose, kind", DEVICES)
def test_s1_2_every_device_of_both(cast, whose, kind):
    romeo, juliet = cast.online("romeo", "juliet")
    device = kind(cast, romeo, {"romeo": romeo, "juliet": juliet}[whose].jid)
    says(romeo, juliet.jid, "m1", WORD)
    message(juliet, "m1", "body")
    device.has()
    retracts(romeo, juliet.jid, "m1")
    message(juliet, "r1", "retract")
    device.hears()


def test_s1_2_every_occupant_of_a_room(cast, server):
    """All clients of all who are there; who was away, by its history; who never was, by its archive."""
    room = Room(server)
    romeo, juliet, nurse, tybalt = cast.online("romeo", "juliet", "nurse", "tybalt")
    phone = cast.another(juliet)
    hush(juliet, phone)
    room.opens(romeo, "Romeo", persistentroom=True)
    for client, nick in ((juliet, "Juliet"), (phone, "Juliet"), (nurse, "Nurse")):
        room.enters(client, nick)
    hush(romeo, juliet, phone, nurse)
    says(romeo, room, "m1", WORD, "groupchat")
    for client in (romeo, juliet, phone, nurse):
        target = dom.find(message(client, "m1", "body"), "sid:stanza-id").get("id")
    room.leaves(nurse, "Nurse")
    hush(romeo, juliet, phone)
    retracts(romeo, room, target, kind="groupchat")
    for client in (romeo, juliet, phone):
        assert dom.find(message(client, "r1", "retract"), "retract:retract").get("id") == target
    history = room.enters(nurse, "Nurse").history
    assert WORD not in "".join(map(dom.show, history))
    assert [m.get("id") for m in history if dom.find(m, "retract:retract") is not None] == ["r1"]
    assert len(tombstones(ask(tybalt, to=room))) == 1


def test_s1_2_a_phone_that_sleeps_is_woken(make_server, actors):
    """It may still show the words: it is told that there is something, and not what."""
    server = make_server(test_clock=True, limits={"idle": None}, modules=modules(push={"content": "body"}))
    cast = actors(server)
    service, romeo = Service(cast), cast.online("romeo")
    juliet = enable(cast.client("juliet").logs_in(), service.full)
    juliet.ends()
    said = lambda: {f.get("var"): f[0].text for f in service.hears()[0]}
    says(romeo, juliet.jid, "m1", WORD)
    assert said()["last-message-body"] == WORD
    retracts(romeo, juliet.jid, "m1", extra="<body>/me took a message back</body><store xmlns='urn:xmpp:hints'/>")
    process.wait_until(lambda: tombstones(ask(romeo)), "the retraction")
    romeo.round_trip()
    server.advance("31 s")
    assert "last-message-body" not in said()
    service.nothing()

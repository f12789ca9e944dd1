# SPDX-License-Identifier: MIT
"""A discussion that goes on while the server stops, is killed and comes back: what was acknowledged is in
the room's archive, in one order; members find back, and whoever believes to be in can find out that it is
not (XEP-0045 9.x 332, XEP-0198, XEP-0313, XEP-0410)."""
import signal

import pytest

from lib import archive, dom, process
from lib.dom import NS
from lib.room import Room, codes, hush, is_message, is_presence, made_with_rooms
from lib.sm import Managed
from lib.stream import Ended

pytestmark = pytest.mark.xylem
ROOMS = {"messages": None, "presences": None}


@pytest.fixture
def server(make_server):
    return made_with_rooms(make_server, muc=ROOMS, modules={"mam": True, "muc_mam": True})


def body_of(element):
    found = dom.find(element, "client:body")
    return None if found is None else found.text


def archived(client, room):
    """Bodies of the whole archive, page by page."""
    return archive.texts(client, to=room)


class Talker:
    """One person over several connections. `confirmed`: the texts of which it knows that the server has them:
    counted in an <a/> and not refused (a room that closes says so), or reflected."""

    def __init__(self, cast, room, name, managed, jid=None):
        self.cast, self.room, self.name, self.managed = cast, room, name, managed
        self.confirmed, self.heard, self.said, self.since = [], [], 0, 0
        self.refused = set()
        self.client = cast.client(name, jid=jid, kind=Managed) if managed else cast.client(name, jid=jid)
        self.client.logs_in()
        if managed:
            self.client.enables()

    def __str__(self):
        return self.client.jid

    def enters(self):
        self.room.enters(self.client, self.name)
        return self

    def says(self, count=1):
        texts = [f"{self.name} {self.said + i}" for i in range(count)]
        self.said += count
        self.client.sends("".join(f"<message to='{self.room}' type='groupchat' id='{t}'><body>{t}</body></message>"
                                  for t in texts), *(["<r xmlns='urn:xmpp:sm:3'/>"] if self.managed else []))

    def takes(self, element):
        if is_message(element) and element.get("type") == "error":
            self.refused.add(element.get("id"))
        if not is_message(element) or element.get("type") != "groupchat" or body_of(element) is None:
            return
        self.heard.append(body_of(element))
        if element.get("from") == self.room.of(self.name):
            self.confirmed.append(body_of(element))

    def listens(self):
        """What is there already."""
        while self.client.has_input():
            kind, item = self.client.next_event()
            if kind in ("eof", "close"):
                return
            if kind == "element":
                self.takes(item)

    def hears_the_end(self):
        """Everything up to the end of the connection. Nobody listens any more to what it would answer."""
        self.client.answers = False
        try:
            while True:
                kind, item = self.client.next_event()
                if kind == "eof":
                    break
                if kind == "element":
                    self.takes(item)
        except (Ended, ConnectionError):
            pass
        if self.managed:  # what is no longer unacknowledged is the server's
            open_ = {dom.parse(t).get("id") for t in self.client.unacknowledged}
            self.confirmed += [t for i in range(self.since, self.said) if (t := f"{self.name} {i}") not in open_ | self.refused]

    def returns(self):
        """A new connection, and in again."""
        mine = Talker(self.cast, self.room, self.name, self.managed, jid=self.client.jid)
        mine.confirmed, mine.heard, mine.said, mine.since = self.confirmed, self.heard, self.said, self.said
        return mine.enters()


def is_ordered_part(part, whole):
    """`part` is `whole` with some left out."""
    rest = iter(whole)
    return all(text in rest for text in part)


def ends_well(server):
    """It has been told to stop."""
    assert server.process.wait(60) == 0
    server.stop()


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_what_was_acknowledged_is_in_the_archive(server, actors, how):
    """Four people, two with stream management; three times the server goes in the middle of it."""
    cast, room = actors(server), Room(server)
    owner = cast.online("nurse")
    room.opens(owner, "nurse", persistentroom=True)
    owner.ends()
    people = [Talker(cast, room, name, managed).enters() for name, managed in
              (("romeo", True), ("juliet", False), ("mercutio", True), ("benvolio", False))]
    for turn in range(3):
        for _ in range(6):
            for person in people:
                person.says(3)
        process.wait_until(lambda: people[turn].listens() or len(people[turn].heard) >= (turn + 1) * 20,
                           "the middle of the discussion")
        if how == "kill":
            server.kill()
        else:
            server.process.send_signal(signal.SIGTERM)
        for person in people:
            person.hears_the_end()
        if how == "stop":
            ends_well(server)
        server.start()
        people = [person.returns() for person in people]
    kept = archived(people[0].client, room)
    assert len(kept) == len(set(kept)), "something is archived twice"
    for person in people:
        missing = [t for t in person.confirmed if t not in kept]
        assert not missing, f"acknowledged to {person.name} and lost: {missing}"
        assert is_ordered_part([t for t in kept if t.startswith(person.name + " ")],
                               [f"{person.name} {i}" for i in range(person.said)]), f"{person.name}'s order"
        heard = list(dict.fromkeys(person.heard))
        assert is_ordered_part(heard, kept), f"{person.name} heard another order than the archive has"
    assert archived(people[1].client, room) == kept


def test_everybody_is_told_of_a_shutdown(server, actors):
    """9.? Service shut down: 332, and 110 since it is one's own."""
    cast, room = actors(server), Room(server)
    romeo, juliet = cast("romeo", "juliet")
    room.opens(romeo, "romeo", persistentroom=True)
    room.enters(juliet, "juliet")
    romeo.settles()
    romeo.events.clear()
    server.process.send_signal(signal.SIGTERM)
    for client, nick in ((romeo, "romeo"), (juliet, "juliet")):
        heard = []
        while True:
            kind, item = client.next_event()
            if kind == "eof":
                break
            if kind == "element" and is_presence(item) and item.get("type") == "unavailable":
                heard.append(item)
        assert [h.get("from") for h in heard] == [room.of(nick)], list(map(dom.show, heard))
        assert codes(heard[0]) == {110, 332}
    ends_well(server)
    server.start()
    again = actors(server).client("romeo", jid=romeo.jid).comes_online()
    seen = room.enters(again, "romeo")
    assert seen.others == {} and 201 not in seen.codes


def self_ping(client, room, nick):
    """True: in; False: XEP-0410 says join again."""
    answer = client.asks("get", f"<ping xmlns='{NS['ping']}'/>", to=room.of(nick))
    if answer.get("type") == "result":
        return True
    assert dom.find(answer, "client:error/stanzas:not-acceptable") is not None, dom.show(answer)
    return False


@pytest.mark.parametrize("connected", [True, False])
def test_a_session_resumed_after_a_restart_knows_whether_it_is_in(server, actors, connected):
    """XEP-0198 says the stream is the same, XEP-0410 whether the room is."""
    cast, room = actors(server), Room(server)
    nurse = cast.online("nurse")
    room.opens(nurse, "nurse", persistentroom=True)
    romeo = cast.client("romeo", kind=Managed).logs_in().enables()
    room.enters(romeo, "romeo")
    romeo.acknowledges().hears_nothing()
    if not connected:
        romeo.breaks()
        process.wait_until(lambda: [r["address"] for r in server.json("session", "list", romeo.full)["rows"]]
                           == ["detached"], "the session without a connection")
    server.stop()
    server.start()
    again = romeo.reconnects().resumes()
    others = actors(server)
    nurse = others.client("nurse", jid=nurse.jid).comes_online()
    room.enters(nurse, "nurse") if not self_ping(again, room, "romeo") else room.asks_in(nurse, "nurse")
    nurse.settles()
    nurse.events.clear()
    again.round_trip()
    told = [e for k, e in again.events if k == "element" and e.get("from") == room.of("romeo")
            and e.get("type") == "unavailable"]
    again.events.clear()
    if self_ping(again, room, "romeo"):
        assert not told
    else:
        assert [codes(t) for t in told] in ([], [{110, 332}]), list(map(dom.show, told))
        room.enters(again, "romeo")
    nurse.settles()
    nurse.events.clear()
    nurse.sends(f"<message to='{room}' type='groupchat'><body>still here?</body></message>")
    again.hears(f"<message from='{room.of('nurse')}' type='groupchat'><body>still here?</body>...</message>")


def test_a_temporary_room_waits_for_its_people(make_server, actors):
    """keep_empty: who returns in time finds owner, configuration, subject and archive as they were."""
    server = made_with_rooms(make_server, muc={**ROOMS, "keep_empty": "5 min"}, test_clock=True,
                             modules={"mam": True, "muc_mam": True}, limits={"idle": None})
    cast, room, forgotten = actors(server), Room(server), Room(server)
    romeo, juliet = cast("romeo", "juliet")
    room.opens(romeo, "romeo", moderatedroom=True)
    room.enters(juliet, "juliet")
    hush(romeo)
    forgotten.opens(romeo, "romeo")
    romeo.sends(f"<message to='{room}' type='groupchat'><subject>Mantua</subject></message>"
                f"<message to='{room}' type='groupchat'><body>I am fled</body></message>")
    romeo.settles()
    server.stop()
    server.start()
    server.advance("4 min")
    cast = actors(server)
    juliet = cast.client("juliet", jid=juliet.jid).comes_online()
    seen = room.enters(juliet, "juliet")
    assert 201 not in seen.codes and seen.subject.find(f"{{{NS['client']}}}subject").text == "Mantua"
    assert [body_of(h) for h in seen.history] == ["I am fled"]
    room.shows(juliet, "juliet") if juliet.has_input() else None
    server.advance("2 min")
    romeo = cast.client("romeo", jid=romeo.jid).comes_online()
    seen = room.enters(romeo, "romeo")
    assert 201 not in seen.codes and set(seen.others) == {"juliet"}
    answer = romeo.asks("get", "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='owner'/></query>",
                        to=room)
    assert answer.get("type") == "result", dom.show(answer)
    assert 201 in forgotten.enters(romeo, "romeo").codes

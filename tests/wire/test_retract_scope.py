# SPDX-License-Identifier: MIT
"""What can be taken back and what cannot, by the kind of stanza (S0-22): only what one wrote to another and
what was said in a room; anything else is refused with its reason, or means nothing."""
import pytest

from lib import dom, process
from lib.archive import ask
from lib.hall import gathers
from lib.removal import REMOVAL, RETRACT, modules, retract, retracts, tombstones
from lib.room import hush

pytestmark = pytest.mark.xylem
ANY = {"authors": True, "moderators": True, "count": None}


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, test_clock=True, modules=modules(
        muc={"messages": None, "presences": None}, muc_mam=True, retract={"count": None}, retract_muc=ANY)).start()
    yield server
    server.stop()


class Stage:
    def __init__(self, cast, server):
        self.server = server
        self.hall, self.romeo, self.juliet = gathers(cast, "romeo", "juliet")
        self.nurse = cast.online("nurse")
        self.domain = server.domain

    def says(self, to, kind="chat", id="m1", payload="<body>words</body>", by=None):
        (by or self.romeo).sends(f"<message to='{to}' type='{kind}' id='{id}'>{payload}</message>")

    def asks(self, to, kind="chat", target="m1", by=None):
        retracts(by or self.romeo, to, target, kind=kind)

    def id_in_room(self, id="m1"):
        """As the room knows it."""
        heard = self.juliet.hears(f"<message type='groupchat' id='{id}'>...</message>")
        return dom.find(heard, "sid:stanza-id").get("id")

    def in_room(self, payload="<body>words</body>", id="m1", by=None):
        self.says(self.hall, "groupchat", id, payload, by)
        return self.id_in_room(id)

    def tombstones(self):
        hush(self.romeo, self.juliet)
        return sum(len(tombstones(page)) for page in (ask(self.romeo), ask(self.juliet), ask(self.juliet, to=self.hall)))


def between_people(kind):
    def act(s):
        s.says(s.juliet, kind)
        s.asks(s.juliet, kind)
    return act


def to_oneself(s):
    s.says(s.romeo.jid)
    s.asks(s.romeo.jid)


def in_a_room(s):
    s.asks(s.hall, "groupchat", s.in_room())


def a_headline(s):
    s.says(s.juliet, "headline")
    s.asks(s.juliet)


def by_a_headline(s):
    s.says(s.juliet)
    s.asks(s.juliet, "headline")


def by_a_groupchat_to_a_person(s):
    s.says(s.juliet)
    s.asks(s.juliet, "groupchat")


def by_a_chat_to_a_room(s):
    s.asks(s.hall, "chat", s.in_room())


def to_a_domain(s):
    s.says(s.domain)
    s.asks(s.domain)


def to_another_server(s):
    s.says("juliet@elsewhere.example")
    s.romeo.hears("<message type='error' id='m1'>...</message>")
    s.asks("juliet@elsewhere.example")


def a_chat_state(s):
    s.says(s.juliet, payload="<composing xmlns='http://jabber.org/protocol/chatstates'/>")
    s.asks(s.juliet)


def without_storing(s):
    s.says(s.juliet, payload="<body>words</body><no-store xmlns='urn:xmpp:hints'/>")
    s.asks(s.juliet)


def a_subject(s):
    s.asks(s.hall, "groupchat", s.in_room("<subject>words</subject>"))


def private_in_a_room(s):
    s.says(s.hall.of("Juliet"))
    s.asks(s.hall.of("Juliet"))


def an_invitation(s):
    s.says(s.hall, "normal", payload=f"<x xmlns='http://jabber.org/protocol/muc#user'><invite to='{s.nurse.jid}'/></x>")
    s.asks(s.nurse)


def from_outside_the_room(s):
    s.asks(s.hall, "groupchat", s.in_room(), s.nurse)


def a_retraction(s):
    between_people("chat")(s)
    retracts(s.romeo, s.juliet, "r1", "r2")


def a_retraction_in_a_room(s):
    in_a_room(s)
    retracts(s.romeo, s.hall, s.id_in_room("r1"), "r2", kind="groupchat")


ALLOWED = {"chat": (between_people("chat"), 2), "normal": (between_people("normal"), 2), "to oneself": (to_oneself, 1),
           "in a room": (in_a_room, 1)}
REFUSED = {  # what was done, the reason, how many are taken back all the same
    "a headline": (a_headline, "not-found", 0),
    "by a headline": (by_a_headline, "type", 0),
    "by a groupchat to a person": (by_a_groupchat_to_a_person, "type", 0),
    "by a chat to a room": (by_a_chat_to_a_room, "type", 0),
    "to a domain": (to_a_domain, "elsewhere", 0),
    "to another server": (to_another_server, "elsewhere", 0),
    "a chat state": (a_chat_state, "not-found", 0),
    "without storing": (without_storing, "not-found", 0),
    "a subject": (a_subject, "protected-class", 0),
    "private in a room": (private_in_a_room, "off", 0),
    "an invitation": (an_invitation, "not-found", 0),
    "from outside the room": (from_outside_the_room, "not-there", 0),
    "a retraction": (a_retraction, "protected-class", 2),
    "a retraction in a room": (a_retraction_in_a_room, "protected-class", 1),
}


@pytest.mark.parametrize("what", ALLOWED)
def test_s0_22_one_to_one_and_groups(cast, server, what):
    act, count = ALLOWED[what]
    stage = Stage(cast, server)
    act(stage)
    process.wait_until(lambda: stage.tombstones() == count, "the retraction")



@pytest.mark.parametrize("what", REFUSED)
def test_s0_22_nothing_else(cast, server, what):
    act, why, count = REFUSED[what]
    stage = Stage(cast, server)
    act(stage)
    client = stage.nurse if what.startswith("from outside") else stage.romeo
    client.round_trip()
    server.advance("11 s")  # what may have been early is looked for that long
    while (got := client.next_element()).get("type") != "error" or got.get("id") == "m1":
        pass
    reasons = [dom.name(c)[1] for c in dom.find(got, "client:error") if dom.name(c)[0] == REMOVAL]
    assert reasons == [why], dom.show(got)
    assert stage.tombstones() == count


@pytest.mark.parametrize("stanza", [
    "<presence to='{to}'>{retract}</presence>", "<presence>{retract}</presence>",
    "<iq type='set' to='{to}' id='q1'>{retract}</iq>", "<iq type='set' id='q1'>{retract}</iq>",
    "<message type='error' to='{to}' id='r1'>{retract}<error type='cancel'><undefined-condition "
    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
])
def test_s0_22_no_other_stanza_means_anything(cast, server, stanza):
    stage = Stage(cast, server)
    stage.says(stage.juliet)
    stage.juliet.hears("<message id='m1' type='chat'>...</message>")
    for to in (stage.juliet.jid, stage.juliet.full, stage.romeo.jid):
        stage.romeo.sends(stanza.format(to=to, retract=retract("m1")))
    hush(stage.romeo, stage.juliet)
    assert stage.tombstones() == 0
    assert ask(stage.juliet).texts == ["words"]

# SPDX-License-Identifier: MIT
"""Taking back what was said in rooms: authors (XEP-0424) and moderators (XEP-0425)."""
import pytest

from lib import dom, process
from lib.archive import ask
from lib.database import number
from lib.removal import REMOVAL, RETRACT, tombstones
from lib.room import Room, hush, made_with_rooms, occupant_id

pytestmark = pytest.mark.xylem
MODERATE = "urn:xmpp:message-moderate:1"
ON = {"authors": True, "moderators": True, "count": None}


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, test_clock=True,
                        modules={"muc": True, "muc_mam": True, "mam": True, "audit": True, "retract_muc": ON}).start()
    yield server
    server.stop()


@pytest.fixture
def hall(cast, server):
    """Romeo owns it, Juliet and the nurse are in it."""
    romeo, juliet, nurse = cast.online("romeo", "juliet", "nurse")
    room = Room(server)
    room.enters(romeo, "Romeo")
    room.is_configured(romeo)
    for client, nick in ((juliet, "Juliet"), (nurse, "Nurse")):
        room.enters(client, nick)
    hush(romeo, juliet, nurse)
    room.people = romeo, juliet, nurse
    return room


def says(room, client, text, number="m1"):
    """What everybody heard of it; the room's stanza-id."""
    client.sends(f"<message to='{room.jid}' type='groupchat' id='{number}'><body>{text}</body></message>")
    for other in room.people:
        message = other.hears(f"<message type='groupchat' id='{number}'>...<body>{text}</body>...</message>")
    return dom.find(message, "sid:stanza-id").get("id")


def retracts(room, client, target, number="r1"):
    client.sends(f"<message to='{room.jid}' type='groupchat' id='{number}'><retract xmlns='{RETRACT}' id='{target}'/>"
                 "<store xmlns='urn:xmpp:hints'/></message>")


def moderates(room, client, target, reason="rude"):
    return client.asks("set", f"<moderate xmlns='{MODERATE}' id='{target}'><retract xmlns='{RETRACT}'/>"
                              f"<reason>{reason}</reason></moderate>", to=room.jid)


def why(error):
    [condition] = [c for c in dom.find(error, "client:error") if dom.name(c)[0] == REMOVAL]
    return dom.name(condition)[1]


def taken_back(server):
    return sum(r["value"] for r in server.json("metrics")["rows"] if r["metric"].startswith("retract_muc.accepted"))


def is_refused(client, reason):
    assert why(client.hears("<message type='error' id='r1'>...</message>")) == reason


def retraction(client, target):
    return client.hears(f"<message type='groupchat'>...<retract xmlns='{RETRACT}' id='{target}'>...</retract>...</message>")


# ---- authors -------------------------------------------------------------------------------------


def test_an_author(hall, cast, server, request):
    """XEP-0424 6.2: everybody is told; archive and history have a tombstone with his occupant-id."""
    romeo, juliet, nurse = hall.people
    target = says(hall, juliet, "a word too much")
    retracts(hall, juliet, target)
    for client in hall.people:
        retraction(client, target)
    hush(*hall.people)
    page = ask(romeo, to=hall.jid)
    [tombstone] = tombstones(page)
    assert "a word too much" not in "".join(dom.show(r.wrapper) for r in page.results)
    assert occupant_id(tombstone) and dom.find(tombstone, "retract:retracted").get("id") == "r1"
    assert dom.find(page.results[-1].message, "retract:retract").get("id") == target
    seen = hall.enters(cast.online("tybalt"), "Tybalt")
    assert "a word too much" not in "".join(dom.show(m) for m in seen.history)


def test_only_the_author_whatever_the_nick(hall):
    """Who he is says his account, as the occupant-id does; a nick says nothing."""
    romeo, juliet, nurse = hall.people
    target = says(hall, juliet, "hi")
    juliet.sends("<presence type='unavailable' to='%s/Juliet'/>" % hall.jid)
    hush(*hall.people)
    nurse.sends(f"<presence to='{hall.jid}/Juliet'/>")
    hush(*hall.people)
    retracts(hall, nurse, target)
    is_refused(nurse, "not-author")
    retracts(hall, juliet, target)
    is_refused(juliet, "not-there")
    hush(romeo)
    assert not tombstones(ask(romeo, to=hall.jid))


@pytest.mark.parametrize("after, allowed", [("59900 ms", True), ("60100 ms", False)])
def test_s0_26_the_rooms_clock(hall, server, after, allowed):
    romeo, juliet, nurse = hall.people
    target = says(hall, juliet, "hi")
    server.advance(after)
    retracts(hall, juliet, target)
    if allowed:
        retraction(juliet, target)
    else:
        is_refused(juliet, "too-late")
        romeo.hears_nothing()


@pytest.mark.parametrize("target", ["nonsense", "m1", None])
def test_what_is_not_there(hall, target):
    romeo, juliet, nurse = hall.people
    says(hall, juliet, "hi")
    retracts(hall, juliet, target or ask(juliet).last or "x")
    is_refused(juliet, "not-found")


@pytest.mark.parametrize("kind, asks, reason", [
    ("groupchat", "<retract xmlns='urn:xmpp:message-retract:0' id='{}'/>", "version"),
    ("groupchat", "<apply-to xmlns='urn:xmpp:fasten:0' id='{}'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>", "version"),
    ("chat", "<retract xmlns='urn:xmpp:message-retract:1' id='{}'/>", "type"),
    ("groupchat", "<retract xmlns='urn:xmpp:message-retract:1'/>", "no-id"),
])
def test_s0_22_what_a_client_asks_in_another_form(hall, kind, asks, reason):
    romeo, juliet, nurse = hall.people
    target = says(hall, juliet, "hi")
    juliet.sends(f"<message to='{hall.jid}' type='{kind}' id='r1'>{asks.format(target)}</message>")
    is_refused(juliet, reason)
    romeo.hears_nothing()
    assert not tombstones(ask(juliet, to=hall.jid))


def test_s1_11_twice(hall):
    romeo, juliet, nurse = hall.people
    target = says(hall, juliet, "hi")
    retracts(hall, juliet, target, "r0")
    retraction(juliet, target)
    retracts(hall, juliet, target)
    is_refused(juliet, "already")


def test_a_subject_is_changed_not_taken_back(hall):
    """The room goes on telling it to newcomers, so a tombstone would be a lie."""
    romeo, juliet, nurse = hall.people
    romeo.sends(f"<message to='{hall.jid}' type='groupchat' id='s1'><subject>secret</subject></message>")
    heard = romeo.hears("<message type='groupchat' id='s1'>...</message>")
    target = dom.find(heard, "sid:stanza-id").get("id")
    retracts(hall, romeo, target)
    is_refused(romeo, "protected-class")
    assert why(moderates(hall, romeo, target)) == "protected-class"


def test_a_reaction_goes_with_it(hall):
    romeo, juliet, nurse = hall.people
    target = says(hall, juliet, "hi")
    nurse.sends(f"<message to='{hall.jid}' type='groupchat' id='x1'><reactions xmlns='urn:xmpp:reactions:0' "
                f"id='{target}'><reaction>x</reaction></reactions><store xmlns='urn:xmpp:hints'/></message>")
    hush(*hall.people)
    retracts(hall, juliet, target)
    retraction(juliet, target)
    hush(*hall.people)
    assert len(tombstones(ask(romeo, to=hall.jid))) == 2


# ---- moderators -------------------------------------------------------------------------------------


def test_a_moderator(hall):
    """XEP-0425: durable before the answer; from the room, by whom, why; a tombstone that says so."""
    romeo, juliet, nurse = hall.people
    target = says(hall, juliet, "a rude word")
    answer = moderates(hall, romeo, target)
    assert answer.get("type") == "result", dom.show(answer)
    for client in hall.people:
        notice = retraction(client, target)
        moderated = dom.find(notice, f"{{{RETRACT}}}retract/{{{MODERATE}}}moderated")
        assert notice.get("from") == hall.jid and moderated.get("by") == f"{hall.jid}/Romeo"
        assert dom.find(notice, f"{{{RETRACT}}}retract/{{{RETRACT}}}reason").text == "rude"
    page = ask(nurse, to=hall.jid)
    [tombstone] = tombstones(page)
    retracted = dom.find(tombstone, "retract:retracted")
    assert dom.find(retracted, f"{{{MODERATE}}}moderated").get("by") == f"{hall.jid}/Romeo"
    assert dom.find(retracted, "retract:reason").text == "rude" and "a rude word" not in dom.show(tombstone)


@pytest.mark.parametrize("who, reason", [("juliet", "not-moderator"), ("tybalt", "not-there")])
def test_only_moderators(hall, cast, who, reason):
    romeo, juliet, nurse = hall.people
    target = says(hall, juliet, "hi")
    client = juliet if who == "juliet" else cast.online("tybalt")
    answer = moderates(hall, client, target)
    assert answer.get("type") == "error" and why(answer) == reason
    romeo.hears_nothing()


def test_moderating_twice_and_nothing(hall):
    romeo, juliet, nurse = hall.people
    target = says(hall, juliet, "hi")
    assert moderates(hall, romeo, target).get("type") == "result"
    assert why(moderates(hall, romeo, target)) == "already"
    assert why(moderates(hall, romeo, "nothing")) == "not-found"


def test_an_occupants_moderated_element_is_dropped(hall):
    romeo, juliet, nurse = hall.people
    juliet.sends(f"<message to='{hall.jid}' type='groupchat' id='m1'><body>b</body><moderated xmlns='{MODERATE}' "
                 f"by='{hall.jid}/Romeo'/><retracted xmlns='{RETRACT}' stamp='x'/></message>")
    message = nurse.hears("<message type='groupchat'>...</message>")
    assert "moderated" not in dom.show(message) and "retracted" not in dom.show(message)


# ---- switches ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("obstacle", ["not-there", "no voice"])
def test_what_came_to_nothing_keeps_nobody_from_moderating(hall, cast, obstacle):
    """An author whose own request the room does not take cannot shield his words by it."""
    romeo, juliet, nurse = hall.people
    target = says(hall, juliet, "a word too much")
    if obstacle == "no voice":
        hall.is_configured(romeo, moderatedroom=True)
        hall.allows(romeo, nick="Juliet", role="visitor")
        hush(*hall.people)
    sender = juliet if obstacle == "no voice" else cast.another(juliet)
    retracts(hall, sender, target)
    sender.hears("<message type='error' id='r1'>...</message>")
    hush(*hall.people)
    assert moderates(hall, romeo, target).get("type") == "result"
    hush(*hall.people)
    assert tombstones(ask(romeo, to=hall.jid))


def test_its_end_is_waited_for(hall, server):
    """Counted when it is durable: then it leaves the queues in memory, too."""
    romeo, juliet, nurse = hall.people
    before = taken_back(server)
    for i in range(3):
        target = says(hall, juliet, f"word {i}", f"m{i}")
        retracts(hall, juliet, target, f"r{i}")
        for client in hall.people:
            retraction(client, target)
    assert moderates(hall, romeo, says(hall, juliet, "and another", "m3")).get("type") == "result"
    process.wait_until(lambda: taken_back(server) == before + 4, "the end of all four")


@pytest.mark.parametrize("authors, moderators", [(False, False), (True, False), (False, True)])
def test_s0_29_each_its_own_switch(make_server, actors, authors, moderators):
    server = made_with_rooms(make_server, modules={"muc_mam": True, "audit": True, "retract_muc": {
        "authors": authors, "moderators": moderators}})
    romeo, juliet = actors(server).online("romeo", "juliet")
    room = Room(server)
    room.enters(romeo, "Romeo")
    room.is_configured(romeo)
    room.enters(juliet, "Juliet")
    hush(romeo, juliet)
    room.people = romeo, juliet
    answer = romeo.asks("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=room.jid)
    offered = {f.get("var") for f in dom.findall(answer, "disco:query/disco:feature")}
    assert (RETRACT in offered, MODERATE in offered) == (authors or moderators, moderators)
    target = says(room, juliet, "hi")
    retracts(room, juliet, target)
    if authors:
        retraction(juliet, target)
    else:
        is_refused(juliet, "off")
    hush(romeo, juliet)
    target = says(room, juliet, "ho", "m2")
    assert (moderates(room, romeo, target).get("type") == "result") == moderators


def test_s1_4_author_and_moderator_at_once(hall):
    """Whoever comes first has done it; of the other nothing is told to anybody, and he hears why."""
    romeo, juliet, _ = hall.people
    targets = [says(hall, juliet, f"text {i}", f"m{i}") for i in range(30)]
    for i, target in enumerate(targets):
        retracts(hall, juliet, target, f"r{i}")
        romeo.sends(f"<iq type='set' id='q{i}' to='{hall.jid}'><moderate xmlns='{MODERATE}' id='{target}'>"
                    f"<retract xmlns='{RETRACT}'/></moderate></iq>")
    hush(*hall.people)
    told = [dom.find(r.message, "retract:retract") for r in ask(romeo, to=hall.jid, max=100).results]
    assert sorted(t.get("id") for t in told if t is not None) == sorted(targets)
    assert len(tombstones(ask(romeo, to=hall.jid, max=100))) == len(targets)

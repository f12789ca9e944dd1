# SPDX-License-Identifier: MIT
"""What somebody may try who means to take back what is not his, or to take back less than he says: forged and
colliding ids, an account of the same name, a notice of a removal, several clients at once (S0-16, S1-1, S1-2)."""
import pytest

from lib import dom, process
from lib.archive import ask, preferences_text, texts
from lib.removal import RETRACT, is_refused, modules, retract, retracts, says, tombstones
from lib.room import Room, hush
from lib.sm import managed

pytestmark = pytest.mark.xylem
REACTIONS = "urn:xmpp:reactions:0"
STORE = "<store xmlns='urn:xmpp:hints'/>"


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, test_clock=True, limits={"idle": None}, modules=modules(
        muc=True, muc_mam=True, retract={"count": None},
        retract_muc={"authors": True, "moderators": True, "count": None})).start()
    yield server
    server.stop()


@pytest.fixture
def hall(cast, server):
    """Juliet owns it; Romeo and the nurse are in it."""
    romeo, juliet, nurse = cast.online("romeo", "juliet", "nurse")
    room = Room(server)
    room.opens(juliet, "Juliet", persistentroom=True)
    for client, nick in ((romeo, "Romeo"), (nurse, "Nurse")):
        room.enters(client, nick)
    room.people = romeo, juliet, nurse
    hush(*room.people)
    return room


def publishes(room, client, inner, number):
    """What a room tells all of it; its stanza-id."""
    client.sends(f"<message to='{room}' type='groupchat' id='{number}'>{inner}</message>")
    for other in room.people:
        message = other.hears(f"<message type='groupchat' id='{number}'>...</message>")
    return dom.find(message, "sid:stanza-id").get("id")


def heard(client, number):
    return client.hears(f"<message id='{number}' type='*'>...<retract xmlns='{RETRACT}' id='*'/>...</message>")


def errors(*clients):
    """They have heard so far; they stay to be heard."""
    for client in clients:
        client.round_trip()
    return [e for c in clients for _, e in c.events if e is not None and e.get("type") == "error"]


# ---- a retraction is not taken back ----------------------------------------------------------------


def test_s1_2_a_retraction_is_not_taken_back(cast):
    """Else a device that has the message and was away never learns that it was taken back."""
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1")
    juliet.hears("<message id='m1' type='*'>...</message>")
    juliet.sends("<presence type='unavailable'/>")
    juliet.settles()
    juliet.events.clear()
    retracts(romeo, juliet, "m1")
    retracts(romeo, juliet, "r1", id="r2")
    is_refused(romeo, "protected-class", "forbidden", id="r2")
    juliet.sends("<presence/>")
    juliet.hears("<presence/>")
    heard(juliet, "r1")
    assert len(tombstones(ask(juliet))) == 1


def test_s1_2_a_retraction_does_not_go_with_something_else(cast):
    """One that calls itself a correction, or a reaction, of what is taken back next."""
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1")
    says(romeo, juliet, "m2")
    juliet.hears("<message id='m1' type='*'>...</message>", "<message id='m2' type='*'>...</message>")
    retracts(romeo, juliet, "m1", extra=f"<replace xmlns='urn:xmpp:message-correct:0' id='m2'/>{STORE}")
    retracts(romeo, juliet, "m2", id="r2", extra=f"<reactions xmlns='{REACTIONS}' id='m2'/>{STORE}")
    juliet.hears("<message id='r1' type='*'>...</message>", "<message id='r2' type='*'>...</message>")
    romeo.settles()
    page = ask(juliet)
    assert len(tombstones(page)) == 2
    assert [dom.find(r.message, "retract:retract").get("id") for r in page.results[2:]] == ["m1", "m2"]


@pytest.mark.parametrize("who", ["author", "moderator"])
def test_s1_2_a_rooms_notice_is_not_taken_back(hall, who):
    romeo, juliet, nurse = hall.people
    target = publishes(hall, romeo, "<body>secret</body>", "m1")
    notice = publishes(hall, romeo, retract(target) + STORE, "r1")
    if who == "author":
        romeo.sends(f"<message to='{hall}' type='groupchat' id='r2'>{retract(notice)}{STORE}</message>")
        is_refused(romeo, "protected-class", "forbidden", id="r2")
    else:
        answer = juliet.asks("set", f"<moderate xmlns='urn:xmpp:message-moderate:1' id='{notice}'>"
                                    f"<retract xmlns='{RETRACT}'/></moderate>", to=hall)
        assert answer.get("type") == "error" and "protected-class" in dom.show(answer)
    page = ask(nurse, to=hall)
    assert len(tombstones(page)) == 1 and dom.find(page.results[-1].message, "retract:retract") is not None


# ---- what cannot be stored ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["headline", "groupchat"])
@pytest.mark.parametrize("full", [False, True], ids=["bare", "full"])
def test_s1_4_no_notice_without_the_act(cast, kind, full):
    """A message of a type that nobody stores would reach clients and change nothing."""
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1")
    juliet.hears("<message id='m1' type='*'>...</message>")
    retracts(romeo, juliet.full if full else juliet, "m1", kind=kind)
    error = romeo.hears("<message type='error' id='r1'>...</message>")
    assert dom.find(error, "client:error") is not None
    juliet.hears_nothing()
    assert texts(juliet) == ["secret"]


@pytest.mark.parametrize("payload", [
    "<apply-to xmlns='urn:xmpp:fasten:0' id='m1'><moderated xmlns='urn:xmpp:message-moderate:0' by='x@y/z'>"
    "<retract xmlns='urn:xmpp:message-retract:0'/></moderated></apply-to>",
    "<apply-to xmlns='urn:xmpp:fasten:0' id='m1'><moderated xmlns='urn:xmpp:message-moderate:0'/></apply-to>",
])
def test_s0_24_moderation_as_it_was_first_written(cast, payload):
    """XEP-0425 0.2: <moderated/> within a fastening."""
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1")
    juliet.hears("<message id='m1' type='*'>...</message>")
    romeo.sends(f"<message to='{juliet}' type='chat' id='r1'>{payload}<body>gone</body></message>")
    romeo.hears("<message type='error' id='r1'>...</message>")
    juliet.hears_nothing()


# ---- what is somebody else's ---------------------------------------------------------------------------


def test_reactions_to_what_somebody_else_said_stay(hall):
    """A client chooses the ids of its messages: also one that the room gave to another's."""
    romeo, juliet, nurse = hall.people
    target = publishes(hall, juliet, "<body>a speech</body>", "m1")
    mine = publishes(hall, romeo, "<body>bait</body>", target)
    publishes(hall, nurse, f"<reactions xmlns='{REACTIONS}' id='{target}'><reaction>x</reaction></reactions>{STORE}", "l1")
    publishes(hall, romeo, retract(mine) + STORE, "r1")
    page = ask(juliet, to=hall)
    assert len(tombstones(page)) == 1
    assert [r for r in page.results if dom.find(r.message, f"{{{REACTIONS}}}reactions") is not None]


def test_what_somebody_says_beside_a_reaction_stays(cast):
    """A reaction goes with what it is about; words of somebody else do not."""
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1")
    juliet.hears("<message id='m1' type='*'>...</message>")
    juliet.sends(f"<message to='{romeo}' type='chat' id='m2'><reactions xmlns='{REACTIONS}' id='m1'/>"
                 "<body>I disagree, and here is why</body></message>")
    juliet.sends(f"<message to='{romeo}' type='chat' id='m3'><reactions xmlns='{REACTIONS}' id='m1'/><body>+1</body>"
                 f"<fallback xmlns='urn:xmpp:fallback:0' for='{REACTIONS}'/></message>")
    romeo.hears("<message id='m2' type='*'>...</message>", "<message id='m3' type='*'>...</message>")
    retracts(romeo, juliet, "m1")
    heard(juliet, "r1")
    romeo.settles()
    page = ask(juliet)
    assert len(tombstones(page)) == 2 and page.results[1].text == "I disagree, and here is why"


def test_who_registers_a_name_again_is_somebody_else(make_server, actors):
    """The account that wrote it has been deleted; its name was given to another."""
    server = make_server(modules=modules(retract={"window": None}, muc=True, muc_mam=True,
                                         retract_muc={"authors": True, "window": None}))
    cast = actors(server)
    romeo, juliet = cast.online("romeo", "juliet")
    room = Room(server)
    room.opens(juliet, "Juliet", persistentroom=True)
    room.enters(romeo, "Romeo")
    hush(romeo, juliet)
    room.people = romeo, juliet
    target = publishes(room, romeo, "<body>words</body>", "m2")
    says(romeo, juliet, "m1")
    juliet.hears("<message id='m1' type='*'>...</message>")
    server.ctl("user", "delete", romeo.jid)
    server.import_accounts([romeo.jid])
    hush(juliet)
    another = cast.client("romeo", jid=romeo.jid).comes_online()
    retracts(another, juliet, "m1")
    is_refused(another, "not-author", "forbidden")
    room.enters(another, "Romeo")
    hush(another, juliet)
    another.sends(f"<message to='{room}' type='groupchat' id='r2'>{retract(target)}{STORE}</message>")
    is_refused(another, "not-author", "forbidden", id="r2")
    assert not tombstones(ask(juliet)) and not tombstones(ask(juliet, to=room))


# ---- less than he says ---------------------------------------------------------------------------------


def test_all_that_bear_the_id_are_meant(cast, server):
    """A client that lost its connection sends a message again, under the same id."""
    romeo, juliet = cast.online("romeo", "juliet")
    for _ in range(2):
        says(romeo, juliet, "m1", "said twice")
        juliet.hears("<message id='m1' type='*'>...</message>")
    retracts(romeo, juliet, "m1")
    heard(juliet, "r1")
    romeo.settles()
    assert len(tombstones(ask(juliet))) == len(tombstones(ask(romeo))) == 2


def test_s0_26_a_new_message_makes_an_old_one_no_younger(cast, server):
    """Clients would hide the old one: both bear the id."""
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "a promise")
    juliet.hears("<message id='m1' type='*'>...</message>")
    server.advance("10 min")
    says(romeo, juliet, "m1", "bait")
    juliet.hears("<message id='m1' type='*'>...</message>")
    retracts(romeo, juliet, "m1")
    is_refused(romeo, "too-late", "not-acceptable")
    juliet.hears_nothing()


def test_corrections_go_with_it_that_only_a_queue_has(make_server, actors):
    """Without an archive they wait for the other's client, as the message does."""
    cast = actors(make_server(modules={"audit": True, "retract": True, "offline": True}))
    romeo, juliet = cast.online("romeo", "juliet")
    juliet.sends("<presence type='unavailable'/>")
    juliet.settles()
    juliet.events.clear()
    says(romeo, juliet, "m1", "canary-first")
    romeo.sends(f"<message to='{juliet}' type='chat' id='m2'><body>canary-second</body>"
                "<replace xmlns='urn:xmpp:message-correct:0' id='m1'/></message>")
    retracts(romeo, juliet, "m1")
    romeo.round_trip()
    romeo.settles()
    juliet.sends("<presence/>")
    juliet.hears("<presence/>")
    heard(juliet, "r1")
    juliet.hears_nothing()


# ---- several at once -------------------------------------------------------------------------------------


def test_s0_35_many_clients_have_one_number(make_server, actors):
    """The number holds for an account, however many of its clients ask at the same moment."""
    server = make_server(modules=modules(retract={"count": 3}))
    cast = actors(server)
    romeo, juliet = cast.online("romeo", "juliet")
    all_of_him = [romeo] + [cast.another(romeo, online=False) for _ in range(7)]
    hush(romeo)
    for i, client in enumerate(all_of_him):
        says(client, juliet, f"m{i}")
    for client in all_of_him:
        client.round_trip()
    for i, client in enumerate(all_of_him):
        retracts(client, juliet, f"m{i}", id=f"r{i}")
    process.wait_until(lambda: len(tombstones(ask(juliet)) + errors(*all_of_him)) == 8, "all answers")
    assert len(tombstones(ask(juliet))) == 3


def test_two_clients_take_back_the_same(cast):
    """One of them does it; the other is told that it has been done."""
    romeo, juliet = cast.online("romeo", "juliet")
    other = cast.another(romeo)
    hush(romeo, other)
    for i in range(10):
        says(romeo, juliet, f"m{i}")
    romeo.round_trip()
    hush(romeo, other, juliet)
    for i in range(10):
        retracts(romeo, juliet, f"m{i}", id=f"r{i}")
        retracts(other, juliet, f"m{i}", id=f"s{i}")
    process.wait_until(lambda: len(tombstones(ask(juliet)) + errors(romeo, other)) == 20, "all answers")
    page = ask(juliet)
    assert len(tombstones(page)) == 10
    assert len([r for r in page.results if dom.find(r.message, "retract:retract") is not None]) == 10
    assert all("conflict" in dom.show(e) for e in errors(romeo, other))


def test_s1_12_nobody_takes_the_room_of_all(cast, server):
    """Retractions that wait for their message: a few of each."""
    tybalt, romeo, juliet = cast.online("tybalt", "romeo", "juliet")
    for i in range(300):
        retracts(tybalt, juliet, f"x{i}", id=f"x{i}")
    tybalt.round_trip()
    retracts(romeo, juliet, "m1")
    romeo.round_trip()
    says(romeo, juliet, "m1", "late")
    juliet.hears("<message id='m1' type='*'>...</message>")
    heard(juliet, "r1")
    server.advance("11 s")


# ---- two domains of one server ---------------------------------------------------------------------------


def test_between_two_domains(cast, server):
    """Both are this server's: the act, its notice and its end are as between two of one domain."""
    romeo, juliet = cast.online("romeo"), cast.online("juliet", domain="verona.test")
    assert juliet.domain == "verona.test"
    says(romeo, juliet, "m1")
    juliet.hears("<message id='m1' type='*'>...</message>")
    retracts(romeo, juliet, "m1")
    heard(juliet, "r1")
    romeo.settles()
    assert len(tombstones(ask(juliet))) == len(tombstones(ask(romeo))) == 1


# ---- what was asked for and not yet acknowledged -----------------------------------------------------------


def test_s1_3_a_page_is_not_sent_again(cast):
    """A page of the archive that a client had not acknowledged when its connection broke."""
    romeo = cast.online("romeo")
    juliet = managed(cast, "juliet").logs_in().enables().comes_online()
    says(romeo, juliet, "m1", "canary-page")
    juliet.hears("<message id='m1' type='*'>...</message>")
    juliet.acknowledges().round_trip()
    juliet.answers = False
    got = juliet.received
    assert texts(juliet) == ["canary-page"]
    juliet.received = got
    juliet.resets()
    retracts(romeo, juliet.jid, "m1")
    process.wait_until(lambda: tombstones(ask(romeo)), "the commit")
    again = juliet.reconnects().resumes()
    again.round_trip()
    text = "".join(text for way, text in again.log if way == "←")
    assert "canary-page" not in text and "<retract " in text, again.dialogue()


def test_s1_3_a_carbon_that_was_not_acknowledged(make_server, actors):
    """Its client loses its connection after the message was taken back: the carbon is not sent again, and what
    the server keeps of the session says only that it counted."""
    cast = actors(make_server(modules=modules(carbons=True, sm=True)))
    romeo, juliet = cast.online("romeo", "juliet")
    other = managed(cast, "juliet", jid=juliet.jid).logs_in().enables()
    other.asks("set", "<enable xmlns='urn:xmpp:carbons:2'/>")
    other.sends("<presence><priority>-1</priority></presence>")
    hush(romeo, juliet, other)
    other.acknowledges().round_trip()
    other.answers = False
    got = other.received
    says(romeo, juliet.full, "m1", "canary-carbon")
    other.hears("<message type='*'>...<received xmlns='urn:xmpp:carbons:2'>...</received>...</message>")
    retracts(romeo, juliet.full, "m1")
    other.hears("<message type='*'>...<received xmlns='urn:xmpp:carbons:2'>...</received>...</message>")
    romeo.round_trip()
    romeo.settles()
    other.received = got
    other.resets()
    again = other.reconnects().resumes()
    again.round_trip()
    text = "".join(text for way, text in again.log if way == "←")
    assert "canary-carbon" not in text and "<retract " in text, again.dialogue()

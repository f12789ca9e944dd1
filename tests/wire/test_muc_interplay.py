# SPDX-License-Identifier: MIT
"""Rooms and what else a session is: carbons of private messages, client state, stream management in the
middle of a discussion, blocking, and accounts and sessions that end."""
import pytest

from lib import archive, dom, process
from lib.dom import NS
from lib.room import Room, codes, hush, is_message, is_presence, made_with_rooms
from lib.sm import Managed

pytestmark = pytest.mark.xylem
MUC_USER = "http://jabber.org/protocol/muc#user"
CARBONS, CSI = "urn:xmpp:carbons:2", "urn:xmpp:csi:0"
STATES = "http://jabber.org/protocol/chatstates"
ROOMS = {"messages": None, "presences": None}


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, modules={"mam": True, "muc_mam": True, "muc": ROOMS})
    yield server.start()
    server.stop()


def says(client, room, text, extra=""):
    client.sends(f"<message to='{room}' type='groupchat'><body>{text}</body>{extra}</message>")


def bodies(elements):
    return [b.text for e in elements if is_message(e) and (b := dom.find(e, "client:body")) is not None]


def there(client):
    """All it has heard by now."""
    client.settles()
    heard = [e for kind, e in client.events if kind == "element"]
    client.events.clear()
    return heard


def detached(server, client):
    process.wait_until(lambda: [r["address"] for r in server.json("session", "list", client.full)["rows"]]
                       == ["detached"], "the session without a connection")


def is_in(client, room, nick):
    """XEP-0410"""
    return client.asks("get", f"<ping xmlns='{NS['ping']}'/>", to=room.of(nick)).get("type") == "result"


@pytest.fixture
def meeting(cast, server):
    """romeo with stream management and nurse, in a room; nothing unheard."""
    def make(on=None, **fields):
        people, room = on or cast, Room(server)
        nurse = people.online("nurse")
        room.opens(nurse, "nurse", **fields)
        romeo = people.client("romeo", kind=Managed).logs_in().enables()
        room.enters(romeo, "romeo")
        hush(nurse, romeo)
        romeo.acknowledges()
        return room, nurse, romeo
    return make


# ---- carbons (XEP-0280 6, 7) ---------------------------------------------------------------------------


def test_private_messages_and_carbons(cast, server):
    """6.1: what one client writes is shown to those that share its nick there; what is written to the nick goes to
    each of them by itself; none of it is the business of a client outside."""
    room = Room(server)
    romeo, juliet = cast("romeo", "juliet")
    phone, outside = cast.another(romeo, "phone"), cast.another(romeo, "outside")
    hush(romeo, phone)
    room.opens(romeo, "romeo")
    room.enters(phone, "romeo")
    room.enters(juliet, "juliet")
    for client in (romeo, phone, outside):
        client.asks("set", f"<enable xmlns='{CARBONS}'/>")
    hush(romeo, phone, outside, juliet)
    romeo.sends(f"<message to='{room.of('juliet')}' type='chat' id='out'><body>psst</body><x xmlns='{MUC_USER}'/></message>")
    juliet.hears(f"<message from='{room.of('romeo')}' type='chat' id='out'><body>psst</body>...</message>")
    copy = phone.next_element()
    inner = dom.find(copy, f"{{{CARBONS}}}sent/{{urn:xmpp:forward:0}}forwarded/{{jabber:client}}message")
    assert inner.get("to") == room.of("juliet") and bodies([inner]) == ["psst"], dom.show(copy)
    juliet.sends(f"<message to='{room.of('romeo')}' type='chat' id='in'><body>yes?</body></message>")
    for client in (romeo, phone):
        client.hears(f"<message from='{room.of('juliet')}' type='chat' id='in'><body>yes?</body>...</message>")
    says(romeo, room, "aloud")
    assert bodies(there(romeo)) == bodies(there(phone)) == ["aloud"]
    outside.hears_nothing()


# ---- client state (XEP-0352) -----------------------------------------------------------------------------


def test_an_inactive_client_gets_what_is_said_and_not_what_goes_on(cast, server):
    """Presence and chat states wait; a message brings them along, in order; what is about itself does not wait."""
    room = Room(server)
    romeo, juliet = cast("romeo", "juliet")
    room.opens(romeo, "romeo")
    room.enters(juliet, "juliet")
    hush(romeo, juliet)
    romeo.sends(f"<inactive xmlns='{CSI}'/>")
    romeo.round_trip()
    for show in ("away", "dnd", "xa"):
        juliet.sends(f"<presence to='{room.of('juliet')}'><show>{show}</show></presence>")
    juliet.sends(f"<message to='{room}' type='groupchat'><composing xmlns='{STATES}'/></message>")
    juliet.round_trip()
    juliet.round_trip()
    assert not romeo.has_input(), dom.show(romeo.events[0][1])
    says(juliet, room, "romeo: wherefore")
    heard = [romeo.next_element()]
    while not bodies(heard):
        heard.append(romeo.next_element())
    shown = [dom.find(e, "client:show").text for e in heard if is_presence(e)]
    assert shown == ["xa"] and bodies(heard) == ["romeo: wherefore"], [dom.show(e) for e in heard]
    juliet.sends(f"<presence to='{room.of('juliet')}'><show>away</show></presence>")
    juliet.round_trip()
    juliet.round_trip()
    assert not romeo.has_input()
    romeo.sends(f"<presence to='{room.of('montague')}'/>")
    heard = [romeo.next_element() for _ in range(3)]
    assert [(e.get("from"), e.get("type")) for e in heard] == [
        (room.of("juliet"), None), (room.of("romeo"), "unavailable"), (room.of("montague"), None)]


# ---- stream management (XEP-0198) -------------------------------------------------------------------------


def misses_sixty(make_server, actors, queue):
    """romeo has seen four of ten messages when his connection breaks; fifty more are said."""
    server = made_with_rooms(make_server, muc=ROOMS, modules={"mam": True, "muc_mam": True, "sm": {"queue": queue}})
    cast, room = actors(server), Room(server)
    nurse = cast.online("nurse")
    room.opens(nurse, "nurse")
    romeo = cast.client("romeo", kind=Managed).logs_in().enables()
    room.enters(romeo, "romeo")
    hush(nurse, romeo)
    romeo.acknowledges().answers = False
    romeo.round_trip()
    received, heard = romeo.received, []
    for i in range(10):
        says(nurse, room, i)
    while len(bodies(heard)) < 10:
        heard.append(romeo.next_element())
    romeo.received = received + 4
    romeo.breaks()
    detached(server, romeo)
    for i in range(10, 60):
        says(nurse, room, i)
        if i % 20 == 10:
            nurse.sends(f"<presence to='{room.of('nurse')}'><status>{i}</status></presence>")
    nurse.settles()
    return room, nurse, romeo


def test_resumption_in_the_middle_of_a_discussion(make_server, actors):
    """Everything once and in order; still in the room."""
    room, nurse, romeo = misses_sixty(make_server, actors, 500)
    again = romeo.reconnects().resumes()
    found = []
    while len(bodies(found)) < 56:
        found.append(again.next_element())
    assert bodies(found) == [str(i) for i in range(4, 60)]
    shown = [dom.find(e, "client:status").text for e in found if is_presence(e)]
    assert shown[-1] == "50" and shown == sorted(shown)  # what is superseded may be left out
    ids = [archive.stanza_ids(e, room) for e in found if is_message(e)]
    assert all(len(i) == 1 for i in ids) and len({i[0] for i in ids}) == 56
    assert is_in(again, room, "romeo")
    says(again, room, "back")
    assert bodies(there(again)) == ["back"]


@pytest.mark.parametrize("queue", [5, 15, 30])
def test_no_silent_gap_when_more_was_said_than_is_kept(make_server, actors, queue):
    """All of it, or no resumption: then the archive has what came after the last that was seen."""
    room, nurse, romeo = misses_sixty(make_server, actors, queue)
    again = romeo.reconnects()
    again.sends(again.resume_text())
    answer = again.next_element()
    if dom.name(answer)[1] == "resumed":
        again.took_resumed(answer)
        found = []
        while len(bodies(found)) < 56:
            found.append(again.next_element())
        found = bodies(found)
    else:
        again.took_failed(answer)
        again.binds()
        room.enters(again, "romeo", x="<history maxchars='0'/>")
        found = archive.texts(again, to=room)[4:]
    assert found == [str(i) for i in range(4, 60)]
    assert is_in(again, room, "romeo")


def test_who_does_not_resume_in_time_is_gone_and_catches_up(make_server, actors):
    """The room shows it; resumption fails; the archive has everything after what was seen."""
    server = made_with_rooms(make_server, muc=ROOMS, modules={"mam": True, "muc_mam": True}, test_clock=True,
                             limits={"idle": None})
    cast, room = actors(server), Room(server)
    nurse = cast.online("nurse")
    room.opens(nurse, "nurse")
    romeo = cast.client("romeo", kind=Managed).logs_in().enables()
    room.enters(romeo, "romeo")
    hush(nurse, romeo)
    says(nurse, room, "seen")
    seen = archive.stanza_ids(romeo.next_element(), room)[0]
    romeo.acknowledges().round_trip()
    romeo.breaks()
    detached(server, romeo)
    for i in range(3):
        says(nurse, room, f"missed {i}")
    hush(nurse)
    server.advance(f"{int(romeo.sm_max) + 1} s")
    nurse.hears(f"<presence from='{room.of('romeo')}' type='unavailable'>...</presence>")
    again = romeo.reconnects()
    again.fails_to_resume()
    again.binds().enables()
    assert not is_in(again, room, "romeo")
    room.enters(again, "romeo", x="<history maxchars='0'/>")
    assert archive.ask(again, to=room, after=seen).texts == ["missed 0", "missed 1", "missed 2"]


def test_thrown_out_while_nobody_looks(meeting, server):
    """A session that waits for its client is told at the resumption what has become of it."""
    room, nurse, romeo = meeting()
    romeo.breaks()
    detached(server, romeo)
    says(nurse, room, "before")
    nurse.asks("set", "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='romeo' role='none'/></query>", to=room)
    says(nurse, room, "after")
    nurse.settles()
    again = romeo.reconnects().resumes()
    heard = there(again)
    assert bodies(heard) == ["before"]
    assert [codes(e) for e in heard if is_presence(e)] == [{110, 307}]
    assert not is_in(again, room, "romeo")


def test_what_was_not_counted_is_said_again_and_archived_once(make_server, actors):
    """After a kill the number in <failed/> says what is in the archive, so that resending repeats nothing."""
    server = made_with_rooms(make_server, muc=ROOMS, modules={"mam": True, "muc_mam": True})
    cast, room = actors(server), Room(server)
    nurse = cast.online("nurse")
    room.opens(nurse, "nurse", persistentroom=True)
    nurse.ends()
    romeo = cast.client("romeo", kind=Managed).logs_in().enables()
    room.enters(romeo, "romeo")
    for i in range(60):
        says(romeo, room, i)
    while bodies([romeo.next_element()]) != ["20"]:
        pass
    server.kill()
    sent = list(romeo.unacknowledged)
    server.start()
    again = romeo.reconnects()
    handled = again.fails_to_resume() - romeo.acknowledged
    again.binds().enables()
    room.enters(again, "romeo", x="<history maxchars='0'/>")
    again.sends(*sent[handled:])
    again.settles()
    assert archive.texts(again, to=room) == [str(i) for i in range(60)]


# ---- blocking (XEP-0191) ---------------------------------------------------------------------------------


def test_blocking_a_room_leaves_it(cast, server):
    """3.3: the blocked sees one go; nothing comes through, and no ghost stays."""
    room = Room(server)
    romeo, juliet = cast("romeo", "juliet")
    room.opens(juliet, "juliet")
    room.enters(romeo, "romeo")
    hush(romeo, juliet)
    romeo.asks("set", f"<block xmlns='urn:xmpp:blocking'><item jid='{room}'/></block>")
    juliet.hears(f"<presence from='{room.of('romeo')}' type='unavailable'>...</presence>")
    hush(romeo)
    says(juliet, room, "is he gone?")
    romeo.hears_nothing()
    romeo.asks("set", f"<unblock xmlns='urn:xmpp:blocking'><item jid='{room}'/></unblock>")
    hush(romeo, juliet)
    says(juliet, room, "and now?")
    romeo.hears_nothing()
    hush(juliet)
    assert bodies(room.enters(romeo, "romeo").history) == ["is he gone?", "and now?"]


def test_blocking_one_occupant(cast, server):
    """3.3 and XEP-0045: room@service/nick is an address like any other: his words do not come through, others' do."""
    room = Room(server)
    romeo, juliet, tybalt = cast("romeo", "juliet", "tybalt")
    room.opens(juliet, "juliet")
    room.enters(romeo, "romeo")
    room.enters(tybalt, "tybalt")
    hush(romeo, juliet, tybalt)
    romeo.asks("set", f"<block xmlns='urn:xmpp:blocking'><item jid='{room.of('tybalt')}'/></block>")
    hush(romeo)
    tybalt.sends(f"<message to='{room.of('romeo')}' type='chat'><body>villain</body></message>")
    says(tybalt, room, "thou art a villain")
    says(juliet, room, "peace")
    juliet.settles()
    assert bodies(there(romeo)) == ["peace"]
    assert is_in(romeo, room, "romeo")


def block(client, *jids, unblock=False):
    what = "unblock" if unblock else "block"
    items = "".join(f"<item jid='{jid}'/>" for jid in jids)
    assert client.asks("set", f"<{what} xmlns='urn:xmpp:blocking'>{items}</{what}>").get("type") == "result"


def three(cast, room):
    """romeo, juliet and tybalt; juliet owns the room, everybody may set its subject."""
    romeo, juliet, tybalt = cast("romeo", "juliet", "tybalt")
    room.opens(juliet, "juliet", changesubject=True, persistentroom=True)
    room.enters(romeo, "romeo")
    room.enters(tybalt, "tybalt")
    hush(romeo, juliet, tybalt)
    return romeo, juliet, tybalt


def test_of_a_blocked_occupant_only_the_words_are_kept_away(cast, server):
    """What he is to the room is still shown: his presence, and the subject, which is the room's."""
    room = Room(server)
    romeo, juliet, tybalt = three(cast, room)
    block(romeo, room.of("tybalt"))
    hush(romeo)
    tybalt.sends(f"<presence to='{room.of('tybalt')}'><show>away</show></presence>")
    room.shows(romeo, "tybalt")
    tybalt.sends(f"<message to='{room}' type='groupchat'><subject>Capulets only</subject></message>")
    romeo.hears(f"<message from='{room.of('tybalt')}' type='groupchat'><subject>Capulets only</subject>...</message>")
    says(tybalt, room, "thou villain")
    tybalt.settles()
    says(romeo, room, "peace")
    juliet.settles()
    assert bodies(there(romeo)) == ["peace"]
    assert bodies(there(juliet)) == bodies(there(tybalt)) == ["thou villain", "peace"]
    tybalt.sends(f"<presence to='{room.of('prince of cats')}'/>")
    room.loses(romeo, "tybalt", new_nick="prince of cats")
    room.shows(romeo, "prince of cats")


def test_a_private_message_of_a_blocked_occupant_comes_back(cast, server):
    room = Room(server)
    romeo, _, tybalt = three(cast, room)
    block(romeo, room.of("tybalt"))
    hush(romeo)
    tybalt.sends(f"<message to='{room.of('romeo')}' type='chat' id='p1'><body>villain</body></message>")
    tybalt.hears(f"<message from='{room.of('romeo')}' type='error' id='p1'>...</message>")
    romeo.hears_nothing()


def test_who_blocks_an_occupant_comes_in_later(cast, server):
    """Neither history nor what is said from then on; the archive has all of it, for him too."""
    room = Room(server)
    romeo, juliet, tybalt = three(cast, room)
    room.leaves(romeo, "romeo")
    block(romeo, room.of("tybalt"))
    says(tybalt, room, "villain")
    says(juliet, room, "he is away")
    hush(juliet, tybalt)
    assert bodies(room.enters(romeo, "romeo").history) == ["he is away"]
    says(tybalt, room, "now he is not")
    juliet.settles()
    romeo.hears_nothing()
    assert bodies([r.message for r in archive.ask(romeo, to=str(room)).results]) == ["villain", "he is away", "now he is not"]
    block(romeo, room.of("tybalt"), unblock=True)
    hush(romeo)
    says(tybalt, room, "once more")
    juliet.settles()
    assert bodies(there(romeo)) == ["once more"]


@pytest.mark.parametrize("whole", ["room", "service"])
def test_all_clients_leave_a_blocked_room(cast, server, whole):
    """Of the rooms of a blocked service all, of one blocked room only that."""
    room, other = Room(server), Room(server)
    romeo, juliet = cast("romeo", "juliet")
    phone = cast.another(romeo, "phone")
    hush(romeo, phone)
    room.opens(juliet, "juliet")
    other.opens(juliet, "juliet")
    room.enters(romeo, "romeo")
    room.enters(phone, "romeo")
    other.enters(phone, "romeo")
    hush(romeo, phone, juliet)
    block(romeo, room if whole == "room" else str(room).split("@")[1])
    left = [e for e in there(romeo) + there(phone) if is_presence(e) and e.get("type") == "unavailable"]
    expected = [room.of("romeo")] * 2 + ([other.of("romeo")] if whole == "service" else [])
    assert sorted(e.get("from") for e in left if 110 in codes(e)) == sorted(expected)
    hush(juliet)
    assert [r["nick"] for r in server.json("room", "show", room)["rows"]] == ["juliet"]
    assert len(server.json("room", "show", other)["rows"]) == (1 if whole == "service" else 2)
    romeo.sends(f"<presence to='{room.of('romeo')}'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
    romeo.hears(f"<presence from='{room.of('romeo')}' type='error'>...</presence>")


# ---- accounts and sessions end ----------------------------------------------------------------------------


@pytest.mark.parametrize("how", [("user", "delete"), ("user", "disable"), ("session", "kick")])
def test_no_ghost_stays_of_who_was_made_to_go(meeting, server, how):
    room, nurse, romeo = meeting()
    server.ctl(*how, romeo.full if how[0] == "session" else romeo.jid)
    nurse.hears(f"<presence from='{room.of('romeo')}' type='unavailable'>...</presence>")
    says(nurse, room, "alone")
    assert bodies(there(nurse)) == ["alone"]
    rows = server.json("room", "show", room)["rows"]
    assert [r["nick"] for r in rows] == ["nurse"]


def test_a_detached_session_of_a_deleted_account_is_no_ghost(meeting, server):
    room, nurse, romeo = meeting()
    romeo.breaks()
    detached(server, romeo)
    assert not there(nurse)
    server.ctl("user", "delete", romeo.jid)
    nurse.hears(f"<presence from='{room.of('romeo')}' type='unavailable'>...</presence>")


def test_a_deleted_owner_made_again_owns_nothing(cast, server):
    """Affiliations are by bare JID: a new account of the same name must not inherit them."""
    room = Room(server)
    romeo, juliet = cast("romeo", "juliet")
    room.opens(romeo, "romeo", persistentroom=True)
    room.enters(juliet, "juliet")
    server.ctl("user", "delete", romeo.jid)
    local, domain = romeo.jid.split("@")
    server.create(local, domain=domain)
    again = cast.client("romeo", jid=romeo.jid).comes_online()
    seen = room.enters(again, "romeo2")
    own = dom.find(seen.own, f"{{{MUC_USER}}}x/{{{MUC_USER}}}item")
    assert own.get("affiliation") == "none", dom.show(seen.own)

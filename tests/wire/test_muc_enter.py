# SPDX-License-Identifier: MIT
"""Entering a room (XEP-0045 7.1, 7.2, 10.1; XEP-0421): who may, in what order a newcomer is told what,
and what a room lets nobody say but itself."""
import pytest

from lib import dom
from lib.room import HATS, JOIN, MUC, OCCUPANT_ID, USER, Room, codes, hats, hush, item, made_with_rooms, occupant_id

pytestmark = pytest.mark.xylem


@pytest.fixture
def cast(rooms, actors):
    return actors(rooms)


def affiliates(room, owner, client, affiliation):
    room.allows(owner, jid=client, affiliation=affiliation)
    hush(client)  # of a room for members that is an invitation


# ---- creation ------------------------------------------------------------------------------------


def test_first_creates_and_owns(cast, room):
    """10.1.1: 201, owner, moderator."""
    romeo = cast("romeo")
    seen = room.enters(romeo, "Romeo")
    assert seen.codes == {110, 201} and not seen.others
    assert item(seen.own).attrib == {"affiliation": "owner", "role": "moderator", "jid": romeo.full}


def test_new_room_is_locked_until_configured(cast, room):
    """10.1.1, 7.2.11: nobody else enters before the owner has configured it; then they do."""
    romeo, juliet = cast("romeo", "juliet")
    room.enters(romeo, "Romeo")
    room.is_refused(juliet, "Juliet", "item-not-found", "cancel")
    room.is_configured(romeo)
    assert room.enters(juliet, "Juliet").codes == {110}
    room.shows(romeo, "Juliet", affiliation="none", role="participant")


def test_owner_enters_locked_room_again(cast, room):
    """10.1.1: the lock keeps out others, not another client of the owner."""
    romeo = cast("romeo")
    room.enters(romeo, "Romeo")
    seen = room.enters(cast.another(romeo, online=False), "Balcony")
    assert set(seen.others) == {"Romeo"} and 201 not in seen.codes


def test_room_left_before_it_was_configured_is_gone(cast, room):
    """10.1.1: nothing remains of it; the next one creates it."""
    romeo, juliet = cast("romeo", "juliet")
    room.enters(romeo, "Romeo")
    room.leaves(romeo, "Romeo")
    assert 201 in room.enters(juliet, "Juliet").codes


def test_temporary_room_goes_with_its_last_occupant(cast, room):
    """7.14: and with it who owned it."""
    romeo, juliet = cast("romeo", "juliet")
    room.opens(romeo, "Romeo", persistentroom=False)
    room.enters(juliet, "Juliet")
    room.leaves(juliet, "Juliet")
    hush(romeo)
    room.leaves(romeo, "Romeo")
    assert 201 in room.enters(juliet, "Juliet").codes


def test_persistent_room_stays(cast, room):
    """7.14, 4.2."""
    romeo, juliet = cast("romeo", "juliet")
    room.opens(romeo, "Romeo", persistentroom=True)
    room.leaves(romeo, "Romeo")
    seen = room.enters(juliet, "Juliet")
    assert seen.codes == {110} and item(seen.own).get("affiliation") == "none"


def test_creation_restricted(make_server, actors):
    """10.1.1: not-allowed; option create."""
    server = made_with_rooms(make_server, start=False)
    juliet_jid = f"boss@{server.domain}"
    server.write_config(modules={"muc": {"create": "admins", "admins": [juliet_jid]}})
    server.start()
    server.create("boss")
    cast = actors(server)
    romeo, juliet = cast("romeo"), cast.client("juliet", jid=juliet_jid).comes_online()
    room = Room(server)
    room.is_refused(romeo, "Romeo", "not-allowed", "cancel")
    room.opens(juliet, "Juliet", persistentroom=True)
    assert 201 not in room.enters(romeo, "Romeo").codes


# ---- the sequence ----------------------------------------------------------------------------------


def test_sequence(cast, room):
    """7.1, 7.2.2: all others once, then oneself with 110, then the subject; the order is checked by
    enters() itself."""
    romeo, juliet, nurse = cast("romeo", "juliet", "nurse")
    room.opens(romeo, "Romeo")
    room.enters(juliet, "Juliet")
    seen = room.enters(nurse, "Nurse")
    assert list(seen.others) == ["Romeo", "Juliet"]
    assert seen.subject is not None
    nurse.hears_nothing()


def test_presence_goes_to_all_without_what_is_for_one(cast, room):
    """7.2.2: the others hear of a newcomer; 110 and the join's id are for the newcomer alone."""
    romeo, juliet = cast("romeo", "juliet")
    room.opens(romeo, "Romeo")
    seen = room.enters(juliet, "Juliet", id="n13mt3l", presence="<show>away</show><status>hm</status>")
    assert seen.own.get("id") == "n13mt3l" and seen.codes == {110}
    room.shows(romeo, "Juliet", affiliation="none", role="participant", show="away", status="hm", id=None, codes=set())


def test_semi_anonymous(cast, room):
    """7.2.4: full JIDs for moderators only; everybody sees their own."""
    romeo, juliet, nurse = cast("romeo", "juliet", "nurse")
    room.opens(romeo, "Romeo", whois="moderators")
    room.enters(juliet, "Juliet")
    room.shows(romeo, "Juliet", jid=juliet.full)
    seen = room.enters(nurse, "Nurse")
    assert [item(p).get("jid") for p in seen.others.values()] == [None, None]
    assert item(seen.own).get("jid") == nurse.full and 100 not in seen.codes
    room.shows(juliet, "Nurse", jid=None)
    room.shows(romeo, "Nurse", jid=nurse.full)


def test_non_anonymous(cast, room):
    """7.2.3: full JIDs for all, and 100 for whoever enters."""
    romeo, juliet, nurse = cast("romeo", "juliet", "nurse")
    room.opens(romeo, "Romeo", whois="anyone")
    room.enters(juliet, "Juliet")
    seen = room.enters(nurse, "Nurse")
    assert seen.codes == {100, 110}
    assert {n: item(p).get("jid") for n, p in seen.others.items()} == {"Romeo": romeo.full, "Juliet": juliet.full}
    room.shows(romeo, "Juliet", jid=juliet.full)
    room.shows(juliet, "Nurse", jid=nurse.full)


@pytest.mark.parametrize("config, roles", [
    ({"moderatedroom": False}, {"none": "participant", "member": "participant", "admin": "moderator", "owner": "moderator"}),
    ({"moderatedroom": True, "members_by_default": False},
     {"none": "visitor", "member": "participant", "admin": "moderator", "owner": "moderator"}),
    ({"membersonly": True}, {"member": "participant", "admin": "moderator", "owner": "moderator"}),
])
def test_default_roles(cast, room, config, roles):
    """5.1.2: by affiliation and kind of room."""
    romeo = cast("romeo")
    room.opens(romeo, "Romeo", **config)
    for affiliation, role in roles.items():
        guest = cast("nurse")
        if affiliation != "none":
            affiliates(room, romeo, guest, affiliation)
            hush(guest)  # an invitation comes with membership
        own = item(room.enters(guest, affiliation).own)
        assert (own.get("affiliation"), own.get("role")) == (affiliation, role)
        hush(romeo)


def test_170_for_a_logged_room(make_server, actors):
    """7.2.12: where messages are archived, whoever enters is told."""
    server = made_with_rooms(make_server, modules={"mam": True, "muc_mam": True})
    cast = actors(server)
    romeo, juliet = cast("romeo", "juliet")
    logged, not_logged = Room(server), Room(server)
    logged.opens(romeo, "Romeo", enablearchiving=True)
    assert 170 in logged.enters(juliet, "Juliet").codes
    hush(romeo, juliet)
    not_logged.opens(romeo, "Romeo", enablearchiving=False)
    assert 170 not in not_logged.enters(juliet, "Juliet").codes


# ---- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("nick", [None, " ", "&#160; "])
def test_no_nick(cast, room, nick):
    """7.2.1: jid-malformed; 17.1: neither is one of spaces."""
    romeo = cast("romeo")
    room.asks_in(romeo, nick)
    got = romeo.next_element()
    assert got.get("type") == "error" and dom.find(got, "client:error/stanzas:jid-malformed") is not None, dom.show(got)
    assert dom.find(got, "client:error").get("type") == "modify"
    assert 201 in room.enters(romeo, "Romeo").codes


def test_password(cast, room):
    """7.2.5: none, a wrong one, one that only begins right; then the right one. Owners too."""
    romeo, juliet = cast("romeo", "juliet")
    room.opens(romeo, "Romeo", passwordprotectedroom=True, roomsecret="cauldronburn")
    for password in (None, "", "cauldron", "cauldronburnt", "Cauldronburn"):
        room.is_refused(juliet, "Juliet", "not-authorized", "auth", password=password)
    room.is_refused(cast.another(romeo, online=False), "Elsewhere", "not-authorized", "auth")
    romeo.hears_nothing()
    room.enters(juliet, "Juliet", password="cauldronburn")


def test_members_only(cast, room):
    """7.2.6."""
    romeo, juliet = cast("romeo", "juliet")
    room.opens(romeo, "Romeo", membersonly=True)
    room.is_refused(juliet, "Juliet", "registration-required", "auth")
    affiliates(room, romeo, juliet, "member")
    hush(romeo, juliet)
    assert item(room.enters(juliet, "Juliet").own).get("affiliation") == "member"


def test_banned(cast, room):
    """7.2.7: with any client and any nick, and whatever else would be wrong."""
    romeo, juliet = cast("romeo", "juliet")
    room.opens(romeo, "Romeo", membersonly=True, passwordprotectedroom=True, roomsecret="x")
    affiliates(room, romeo, juliet, "outcast")
    hush(romeo, juliet)
    room.is_refused(juliet, "Juliet", "forbidden", "auth")
    room.is_refused(cast.another(juliet, online=False), "Romeo", "forbidden", "auth", password="x")


def test_nick_in_use(cast, room):
    """7.2.8: conflict, also when it is only the same once prepared (17.1)."""
    romeo, juliet = cast("romeo", "juliet")
    room.opens(romeo, "Romeo")
    room.is_refused(juliet, "Romeo", "conflict", "cancel")
    room.asks_in(juliet, "\uff32omeo")  # a full-width R
    room.hears_refusal(juliet, "Romeo", "conflict", "cancel")
    romeo.hears_nothing()
    room.enters(juliet, "romeo")


def test_nick_reserved(cast, room):
    """7.2.8: a nick somebody has registered is theirs, there or not."""
    romeo, juliet, nurse = cast("romeo", "juliet", "nurse")
    room.opens(romeo, "Romeo")
    room.allows(romeo, jid=juliet, affiliation="member", nick="Juliet")
    hush(romeo, juliet)
    room.is_refused(nurse, "Juliet", "conflict", "cancel")
    room.enters(juliet, "Juliet")


def test_nicks_locked_down(cast, room):
    """7.2.2: whoever has a nick gets that one, and 210 says so."""
    romeo, juliet, nurse = cast("romeo", "juliet", "nurse")
    room.opens(romeo, "Romeo", changenick=False)
    room.allows(romeo, jid=juliet, affiliation="member", nick="Juliet")
    hush(romeo, juliet)
    room.asks_in(juliet, "Capulet")
    assert room.hears_entry(juliet, "Juliet").codes == {110, 210}
    room.shows(romeo, "Juliet", codes=set())
    assert room.enters(nurse, "Nurse").codes == {110}


def test_room_full(cast, room):
    """7.2.10: service-unavailable, wait; admins and owners are let in, and so is another client of
    somebody who is there."""
    romeo, juliet, nurse, tybalt = cast("romeo", "juliet", "nurse", "tybalt")
    room.opens(romeo, "Romeo", maxusers=2)
    affiliates(room, romeo, tybalt, "admin")
    hush(romeo, tybalt)
    room.enters(juliet, "Juliet")
    room.is_refused(nurse, "Nurse", "service-unavailable", "wait")
    room.enters(cast.another(juliet, online=False), "Juliet")
    room.enters(tybalt, "Tybalt")
    room.enters(cast.another(romeo, online=False), "Balcony")
    hush(tybalt)
    room.leaves(tybalt, "Tybalt")
    room.is_refused(nurse, "Nurse", "service-unavailable", "wait")


def test_an_occupant_is_a_nick(cast, room):
    """7.2.10 speaks of occupants: clients that share a nick take one place, a second nick of one person another."""
    romeo, juliet, nurse, tybalt = cast("romeo", "juliet", "nurse", "tybalt")
    room.opens(romeo, "Romeo", maxusers=3)
    room.enters(juliet, "Juliet")
    for _ in range(2):
        room.enters(cast.another(juliet, online=False), "Juliet")
    room.enters(nurse, "Nurse")
    room.is_refused(tybalt, "Tybalt", "service-unavailable", "wait")
    hush(nurse)
    room.leaves(nurse, "Nurse")
    room.enters(cast.another(juliet, online=False), "Capulet")
    room.is_refused(tybalt, "Tybalt", "service-unavailable", "wait")


def test_service_is_full(make_server, actors):
    """7.2.10: the service's own limit holds whatever the room is set to; so does that of one session."""
    server = made_with_rooms(make_server, muc={"max_users": 2, "rooms_per_session": 2})
    cast = actors(server)
    romeo, juliet, nurse = cast("romeo", "juliet", "nurse")
    room, other, third = Room(server), Room(server), Room(server)
    room.opens(romeo, "Romeo")
    room.enters(juliet, "Juliet")
    room.is_refused(nurse, "Nurse", "service-unavailable", "wait")
    hush(romeo)
    other.opens(romeo, "Romeo")
    third.is_refused(romeo, "Romeo", "resource-constraint", "wait")
    other.leaves(romeo, "Romeo")
    third.opens(romeo, "Romeo")


@pytest.mark.parametrize("kind", ["probe", "subscribe", "subscribed", "unsubscribe", "unsubscribed"])
def test_only_available_presence_enters_and_only_unavailable_leaves(cast, room, kind):
    """18.3."""
    romeo, juliet = cast("romeo", "juliet")
    room.opens(romeo, "Romeo")
    juliet.sends(f"<presence to='{room.of('Juliet')}' type='{kind}'>{JOIN}</presence>")
    romeo.sends(f"<presence to='{room.of('Romeo')}' type='{kind}'/>")
    romeo.hears_nothing()
    assert set(room.enters(juliet, "Juliet").others) == {"Romeo"}


# ---- again, and without <x/> ----------------------------------------------------------------------


def test_join_again(cast, room):
    """7.2.1, 18.3: a client that lost its state gets everything again; nobody else sees a join."""
    romeo, juliet = cast("romeo", "juliet")
    room.opens(romeo, "Romeo")
    room.enters(juliet, "Juliet")
    room.shows(romeo, "Juliet")
    seen = room.enters(juliet, "Juliet", id="again")
    assert set(seen.others) == {"Romeo"} and seen.codes == {110} and seen.own.get("id") == "again"
    romeo.hears_nothing()


def test_join_again_with_another_presence(cast, room):
    """18.3: what is new in it is shown to the others."""
    romeo, juliet = cast("romeo", "juliet")
    room.opens(romeo, "Romeo")
    room.enters(juliet, "Juliet")
    room.shows(romeo, "Juliet")
    room.enters(juliet, "Juliet", presence="<show>dnd</show>")
    room.shows(romeo, "Juliet", show="dnd")
    romeo.hears_nothing()


def test_join_again_under_another_nick(cast, room):
    """7.2.1, 7.6: the nick is changed for the others, the one who asks gets the whole sequence."""
    romeo, juliet = cast("romeo", "juliet")
    room.opens(romeo, "Romeo")
    room.enters(juliet, "Juliet")
    room.shows(romeo, "Juliet")
    room.asks_in(juliet, "Capulet")
    room.loses(juliet, "Juliet", new_nick="Capulet", codes={110, 303})
    room.shows(juliet, "Capulet", codes={110})
    assert set(room.hears_entry(juliet, "Capulet").others) == {"Romeo"}
    room.loses(romeo, "Juliet", new_nick="Capulet")
    room.shows(romeo, "Capulet")
    romeo.hears_nothing()


def test_joining_again_needs_no_password(cast, room):
    """7.2.1: who is in is in, whatever the room asks of others since."""
    romeo, juliet = cast("romeo", "juliet")
    room.opens(romeo, "Romeo")
    room.enters(juliet, "Juliet")
    room.is_configured(romeo, passwordprotectedroom=True, roomsecret="x")
    hush(romeo, juliet)
    assert set(room.enters(juliet, "Juliet").others) == {"Romeo"}


@pytest.mark.parametrize("exists", [True, False])
def test_presence_without_x_is_no_join(cast, room, exists):
    """7.2.17: the client is told that it is out, with 110, 307 and 333, so that it joins; no room comes
    of it."""
    romeo, juliet = cast("romeo", "juliet")
    if exists:
        room.opens(romeo, "Romeo")
    juliet.sends(f"<presence to='{room.of('Juliet')}' id='p1'><show>away</show></presence>")
    room.loses(juliet, "Juliet", codes={110, 307, 333}, affiliation="none", id="p1")
    assert (201 in room.enters(juliet, "Juliet").codes) is not exists


# ---- what only the room says ----------------------------------------------------------------------


def test_payload(cast, room):
    """18.3, XEP-0421, XEP-0317: what a client says of roles, hats and occupant ids is not reflected;
    the rest is, caps and avatar hashes with it."""
    romeo, juliet = cast("romeo", "juliet")
    room.opens(romeo, "Romeo")
    caps = "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/>"
    photo = "<x xmlns='vcard-temp:x:update'><photo>abc</photo></x>"
    forged = (f"<x xmlns='{USER}'><item affiliation='owner' role='moderator' jid='a@b/c'/><status code='201'/></x>"
              f"<x xmlns='{USER}'/><x xmlns='{MUC}#admin'/><hats xmlns='{HATS}'><hat title='King' uri='urn:k'/></hats>"
              f"<occupant-id xmlns='{OCCUPANT_ID}' id='forged'/><occupant-id xmlns='{OCCUPANT_ID}' id='twice'/>")
    room.enters(juliet, "Juliet", presence=forged + caps + photo + "<priority>7</priority><status xml:lang='it'>eh</status>")
    got = room.shows(romeo, "Juliet", affiliation="none", role="participant", codes=set())
    names = sorted(dom.name(child)[1] for child in got)
    assert names == ["c", "occupant-id", "priority", "status", "x", "x"], dom.show(got)
    assert hats(got) == {} and occupant_id(got) not in ("forged", "twice")
    assert got.find("{vcard-temp:x:update}x") is not None


def test_occupant_ids(cast, rooms, room):
    """XEP-0421: the same for a person in a room, whatever client and nick; another in another room, and
    for another person; nothing of the JID in it."""
    romeo, juliet = cast("romeo", "juliet")
    seen = room.opens(romeo, "Romeo")
    first = occupant_id(seen.own)
    again = occupant_id(room.enters(cast.another(romeo, online=False), "Montague").own)
    hush(romeo)
    elsewhere = occupant_id(Room(rooms).enters(romeo, "Romeo").own)
    seen = room.enters(juliet, "Juliet")
    assert first == again == occupant_id(seen.others["Romeo"]) == occupant_id(seen.others["Montague"])
    assert len({first, elsewhere, occupant_id(seen.own)}) == 3
    hush(romeo, juliet)
    room.leaves(juliet, "Juliet")
    gone = room.loses(romeo, "Juliet")
    assert occupant_id(gone) == occupant_id(seen.own)


def test_occupant_ids_survive_a_restart(make_server, actors):
    """XEP-0421: stable."""
    server = made_with_rooms(make_server)
    cast = actors(server)
    romeo = cast("romeo")
    room = Room(server)
    before = occupant_id(room.opens(romeo, "Romeo", persistentroom=True).own)
    server.restart()
    after = occupant_id(room.enters(cast.another(romeo, online=False), "Balcony").own)
    assert before == after


def test_presence_to_the_service_itself(cast, rooms, room):
    """Nobody enters the service."""
    romeo = cast("romeo")
    romeo.sends(f"<presence to='{room.jid.split('@')[1]}/nick'>{JOIN}</presence>")
    romeo.hears_nothing()

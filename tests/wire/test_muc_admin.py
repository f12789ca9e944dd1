# SPDX-License-Identifier: MIT
"""Moderators and admins at work (XEP-0045 8.2 to 8.5, 9.1 to 9.8): who may do what to whom, what everybody
hears of it, all or nothing. The rules themselves are tested cell by cell in tests/unit/test_muc_rules.c."""
import pytest

from lib import dom
from lib.council import (asks_list, change, changes, condition, config, gathers, item, jids, kind, listed, nick, room,
                         shared_server, stands)
from lib.room import ADMIN, USER, Room, hush

pytestmark = pytest.mark.xylem
assert room and shared_server


# ---- 8.2 kicks --------------------------------------------------------------------------------------


def test_kick(cast, room):
    """307 to the kicked with 110, and to everybody else; the reason and who did it with it."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    room.allows(romeo, nick="Juliet", role="none", reason="Avaunt, you cullion!")
    room.loses(juliet, "Juliet", codes={110, 307}, reason="Avaunt, you cullion!", actor="Romeo", affiliation="none")
    room.loses(nurse, "Juliet", codes={307}, reason="Avaunt, you cullion!", actor="Romeo", jid=None)
    room.loses(romeo, "Juliet", codes={307}, reason="Avaunt, you cullion!", actor="Romeo", jid=juliet.full)
    room.enters(juliet, "Juliet")  # no ban


def test_kick_puts_out_all_sessions_of_the_nick(cast, room):
    romeo, juliet = gathers(cast, room, "romeo", "juliet")
    phone = cast.another(juliet)
    room.enters(phone, "Juliet")
    hush(romeo, juliet, phone)
    room.allows(romeo, nick="Juliet", role="none")
    room.loses(juliet, "Juliet", codes={110, 307})
    room.loses(phone, "Juliet", codes={110, 307})
    room.loses(romeo, "Juliet", codes={307})
    romeo.hears_nothing()


def test_unknown_nick(cast, room):
    romeo = gathers(cast, room, "romeo")[0]
    for wrong in ({"nick": "Nobody", "role": "none"}, {"nick": "Nobody", "affiliation": "member"},
                  {"jid": "nobody@xylem.test/x", "role": "visitor"}):
        assert condition(change(room, romeo, **wrong)) == "item-not-found"


@pytest.mark.parametrize("role", ["participant", "visitor"])
def test_only_moderators_kick(cast, room, role):
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    stands(room, romeo, juliet, role=role)
    hush(nurse)
    for wanted in ("none", "visitor", "participant", "moderator"):
        assert condition(change(room, juliet, nick="Nurse", role=wanted)) == "forbidden"
    outsider = cast("tybalt")
    assert condition(change(room, outsider, nick="Nurse", role="none")) == "forbidden"
    nurse.hears_nothing()


@pytest.mark.parametrize("actor, target, answer", [
    ("none", "none", None), ("none", "member", "not-allowed"), ("none", "admin", "not-allowed"),
    ("none", "owner", "not-allowed"),
    ("member", "none", None), ("member", "member", None), ("member", "admin", "not-allowed"),
    ("member", "owner", "not-allowed"),
    ("admin", "member", None), ("admin", "admin", None), ("admin", "owner", "not-allowed"),
    ("owner", "admin", None), ("owner", "owner", None),
])
def test_nobody_kicks_a_higher_affiliation(cast, room, actor, target, answer):
    """8.2, over the wire."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    stands(room, romeo, juliet, actor if actor != "none" else None, "moderator")
    stands(room, romeo, nurse, target if target != "none" else None)
    hush(juliet, nurse)
    assert condition(change(room, juliet, nick="Nurse", role="none")) == answer
    if answer:
        nurse.hears_nothing()
    else:
        room.loses(nurse, "Nurse", codes={110, 307}, actor="Juliet")


def test_kick_by_real_jid(cast, room):
    """5.1: roles are of a nick or a full JID."""
    romeo, juliet = gathers(cast, room, "romeo", "juliet")
    room.allows(romeo, jid=juliet.full, role="none")
    room.loses(juliet, "Juliet", codes={110, 307})


# ---- 8.3, 8.4, 8.5 voice ------------------------------------------------------------------------------


def test_grant_and_revoke_voice(cast, room):
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse", moderatedroom=True)
    assert [i["nick"] for i in listed(room, romeo, role="visitor")] == ["Juliet", "Nurse"]
    room.allows(romeo, nick="Juliet", role="participant", reason="A worthy witch indeed!")
    for who in (juliet, nurse, romeo):
        room.shows(who, "Juliet", role="participant", affiliation="none", reason="A worthy witch indeed!", actor="Romeo",
                   codes={110} if who is juliet else set())
    room.says(juliet, "at last")
    room.tells(nurse, "Juliet", "at last")
    hush(romeo, juliet)
    room.allows(romeo, nick="Juliet", role="visitor")
    for who in (juliet, nurse, romeo):
        room.shows(who, "Juliet", role="visitor", affiliation="none")
    room.says(juliet, "not so worthy")
    assert condition(juliet.next_element()) == "forbidden"
    nurse.hears_nothing()


@pytest.mark.parametrize("actor, target, answer", [
    ("none", "none", None), ("none", "member", "not-allowed"), ("member", "none", None), ("member", "member", "not-allowed"),
    ("member", "admin", "not-allowed"), ("admin", "member", None), ("admin", "admin", "not-allowed"),
    ("owner", "member", None), ("owner", "admin", "not-allowed"), ("owner", "owner", "not-allowed"),
])
def test_voice_of_equals_and_betters(cast, room, actor, target, answer):
    """8.4: nobody takes the voice of somebody at or above the own level, nobody an admin's or owner's."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    stands(room, romeo, juliet, actor if actor != "none" else None, "moderator")
    stands(room, romeo, nurse, target if target != "none" else None)
    hush(juliet, nurse)
    assert condition(change(room, juliet, nick="Nurse", role="visitor")) == answer
    if answer:
        nurse.hears_nothing()


def test_voice_list(cast, room):
    """8.5: for moderators; each item with nick, role, affiliation and JID."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    stands(room, romeo, juliet, role="moderator")
    hush(nurse)
    assert listed(room, juliet, role="participant") == [
        {"nick": "Nurse", "role": "participant", "affiliation": "none", "jid": nurse.full}]
    assert condition(asks_list(room, nurse, role="participant")) == "forbidden"
    assert condition(asks_list(room, cast("tybalt"), role="participant")) == "forbidden"


# ---- 9.6, 9.7, 9.8 moderators -------------------------------------------------------------------------


def test_moderators_are_made_by_admins(cast, room):
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    assert condition(change(room, juliet, nick="Nurse", role="moderator")) == "forbidden"
    stands(room, romeo, juliet, role="moderator")
    hush(nurse)
    assert condition(change(room, juliet, nick="Nurse", role="moderator")) == "forbidden"
    assert condition(change(room, juliet, nick="Juliet", role="participant")) == "forbidden"
    stands(room, romeo, juliet, "admin")
    hush(nurse)
    room.allows(juliet, nick="Nurse", role="moderator")
    room.shows(nurse, "Nurse", role="moderator", affiliation="none", actor="Juliet")


def test_new_moderator_learns_the_real_jids(cast, room):
    """7.2.4: where they are for moderators, who becomes one is shown everybody anew."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    room.allows(romeo, nick="Nurse", role="moderator")
    room.shows(nurse, "Nurse", role="moderator", jid=nurse.full)
    seen = {}
    for _ in range(2):
        got = nurse.next_element()
        seen[got.get("from")] = got.find(f"{{{USER}}}x/{{{USER}}}item").get("jid")
    assert seen == {room.of("Romeo"): romeo.full, room.of("Juliet"): juliet.full}


def test_moderators_of_rank_stay_moderators(cast, room):
    """9.7: not-allowed for the status of admins and owners, whoever asks."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    stands(room, romeo, juliet, "admin")
    stands(room, romeo, nurse, "admin")
    for who, whom in ((juliet, "Romeo"), (juliet, "Nurse"), (romeo, "Nurse")):
        assert condition(change(room, who, nick=whom, role="participant")) == "not-allowed"


def test_moderator_list(cast, room):
    """9.8: for admins."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    stands(room, romeo, juliet, role="moderator")
    stands(room, romeo, nurse, "admin")
    expected = [{"nick": "Juliet", "role": "moderator", "affiliation": "none", "jid": juliet.full},
                {"nick": "Nurse", "role": "moderator", "affiliation": "admin", "jid": nurse.full},
                {"nick": "Romeo", "role": "moderator", "affiliation": "owner", "jid": romeo.full}]
    assert listed(room, nurse, role="moderator") == sorted(expected, key=lambda i: i["jid"])
    assert condition(asks_list(room, juliet, role="moderator")) == "forbidden"


# ---- 9.1, 9.2 bans -------------------------------------------------------------------------------------


def test_ban(cast, room):
    """301, out for good, on the list with its reason; in all sessions, whatever their nicks."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    phone = cast.another(juliet)
    room.enters(phone, "Julia")
    hush(romeo, juliet, nurse, phone)
    room.allows(romeo, jid=str(juliet), affiliation="outcast", reason="Treason")
    room.loses(juliet, "Juliet", codes={110, 301}, affiliation="outcast", reason="Treason", actor="Romeo")
    room.loses(nurse, "Juliet", codes={301}, affiliation="outcast", reason="Treason", actor="Romeo")
    room.loses(nurse, "Julia", codes={301}, affiliation="outcast", reason="Treason", actor="Romeo")
    hush(phone)
    for who in (juliet, phone):
        room.is_refused(who, "Juliet", "forbidden", "auth")
    assert listed(room, romeo, affiliation="outcast") == [{"affiliation": "outcast", "jid": str(juliet)}]
    answer = asks_list(room, romeo, affiliation="outcast")
    assert dom.find(answer, "admin:query/admin:item/admin:reason").text == "Treason"
    room.allows(romeo, jid=str(juliet), affiliation="none")
    room.enters(juliet, "Juliet")


def test_ban_by_nick_and_of_one_not_there(cast, room):
    romeo, juliet = gathers(cast, room, "romeo", "juliet")
    room.allows(romeo, nick="Juliet", affiliation="outcast")
    room.loses(juliet, "Juliet", codes={110, 301})
    room.allows(romeo, jid="paris@elsewhere.test/phone", affiliation="outcast")
    assert jids(room, romeo, "outcast") == sorted([str(juliet), "paris@elsewhere.test"])


def test_ban_of_a_domain(cast, room):
    """9.2: matches everybody of that domain without an affiliation of his own."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    stands(room, romeo, nurse, "member")
    hush(juliet)
    room.allows(romeo, jid=romeo.domain, affiliation="outcast")
    room.loses(juliet, "Juliet", codes={110, 301}, affiliation="outcast")
    room.is_refused(juliet, "Juliet", "forbidden", "auth")
    room.says(nurse, "still here")
    room.loses(nurse, "Juliet", codes={301})
    room.tells(nurse, "Nurse", "still here")
    assert condition(change(room, romeo, jid=romeo.domain, affiliation="member")) == "not-acceptable"
    room.allows(romeo, jid=romeo.domain, affiliation="none")
    room.enters(juliet, "Juliet")


@pytest.mark.parametrize("actor, target, answer", [
    ("none", "none", "forbidden"), ("member", "none", "forbidden"), ("admin", "none", None), ("admin", "member", None),
    ("admin", "admin", "not-allowed"), ("admin", "owner", "not-allowed"), ("owner", "admin", None), ("owner", "owner", None),
])
def test_who_bans_whom(cast, room, actor, target, answer):
    """9.1, 5.2.2."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    stands(room, romeo, juliet, actor if actor != "none" else None, "moderator")
    stands(room, romeo, nurse, target if target != "none" else None)
    assert condition(change(room, juliet, jid=nurse, affiliation="outcast")) == answer


def test_nobody_bans_himself(cast, room):
    """9.1: conflict."""
    romeo, juliet = gathers(cast, room, "romeo", "juliet")
    stands(room, romeo, juliet, "admin")
    for who in (romeo, juliet):
        answer = change(room, who, jid=who, affiliation="outcast")
        assert (condition(answer), kind(answer)) == ("conflict", "cancel")


def test_ban_list_is_for_admins(cast, room):
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse", whois="anyone")
    stands(room, romeo, juliet, "member", "moderator")
    stands(room, romeo, nurse, "admin")
    room.allows(romeo, jid="paris@elsewhere.test", affiliation="outcast")
    assert condition(asks_list(room, juliet, affiliation="outcast")) == "forbidden"
    assert jids(room, nurse, "outcast") == ["paris@elsewhere.test"]


# ---- 9.3, 9.4, 9.5 members ---------------------------------------------------------------------------


def test_membership(cast, room):
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    room.allows(romeo, jid=juliet.full, affiliation="member", reason="A worthy witch indeed!")
    for who in (juliet, nurse, romeo):
        room.shows(who, "Juliet", affiliation="member", role="participant", reason="A worthy witch indeed!", actor="Romeo")
    assert listed(room, romeo, affiliation="member") == [{"affiliation": "member", "jid": str(juliet)}]
    room.allows(romeo, jid=juliet, affiliation="none")
    for who in (juliet, nurse, romeo):
        room.shows(who, "Juliet", affiliation="none", role="participant", actor="Romeo")
    assert jids(room, romeo, "member") == []


def test_member_gets_voice(cast, room):
    """5.1.3: in a moderated room."""
    romeo, juliet = gathers(cast, room, "romeo", "juliet", moderatedroom=True)
    room.allows(romeo, jid=juliet, affiliation="member")
    room.shows(juliet, "Juliet", affiliation="member", role="participant")


def test_member_changes_in_all_sessions(cast, room):
    romeo, juliet = gathers(cast, room, "romeo", "juliet")
    phone = cast.another(juliet)
    room.enters(phone, "Julia")
    hush(romeo, juliet, phone)
    room.allows(romeo, jid=juliet, affiliation="member")
    room.shows(romeo, "Juliet", affiliation="member")
    room.shows(romeo, "Julia", affiliation="member")
    romeo.hears_nothing()


def test_revoked_membership_in_a_room_for_members(cast, room):
    """9.4: 321 and out, no de-affiliation presence before it."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", whois="anyone", membersonly=True) + [cast("juliet"), cast("nurse")]
    for who in (juliet, nurse):
        stands(room, romeo, who, "member")
        room.enters(who, nick(who))
    hush(romeo, juliet, nurse)
    room.allows(romeo, jid=juliet, affiliation="none", reason="Not so worthy after all!")
    room.loses(juliet, "Juliet", codes={110, 321}, affiliation="none", reason="Not so worthy after all!", actor="Romeo")
    room.loses(nurse, "Juliet", codes={321}, affiliation="none", reason="Not so worthy after all!", actor="Romeo")
    room.is_refused(juliet, "Juliet", "registration-required", "auth")


def test_new_member_of_a_room_for_members_is_invited(cast, room):
    """9.5: once, and not somebody who was affiliated or is there; with the password."""
    romeo = gathers(cast, room, "romeo", membersonly=True, passwordprotectedroom=True, roomsecret="cauldronburn")[0]
    juliet = cast("juliet")
    room.allows(romeo, jid=juliet, affiliation="member", reason="come")
    juliet.hears(f"<message from='{room}' to='{juliet}'><x xmlns='{USER}'><invite from='{romeo}'><reason>come</reason></invite>"
                 "<password>cauldronburn</password></x></message>")
    room.allows(romeo, jid=juliet, affiliation="admin")
    room.allows(romeo, jid=juliet, affiliation="member")
    juliet.hears_nothing()
    hush(romeo)
    open_room = Room(cast.server)
    open_room.opens(romeo, "Romeo")
    open_room.allows(romeo, jid=juliet, affiliation="member")
    juliet.hears_nothing()


@pytest.mark.parametrize("whois, readers", [("anyone", {"romeo", "juliet", "nurse"}), ("moderators", {"romeo", "juliet"})])
def test_member_list(cast, room, whois, readers):
    """5.2.1, 9.5: admins; members where JIDs are known to all; never a stranger."""
    romeo, juliet, nurse, tybalt = gathers(cast, room, "romeo", "juliet", "nurse", "tybalt", whois=whois)
    stands(room, romeo, juliet, "admin")
    stands(room, romeo, nurse, "member")
    absent = cast("mercutio")
    stands(room, romeo, absent, "member")
    for who in (romeo, juliet, nurse, tybalt):
        answer = asks_list(room, who, affiliation="member")
        assert condition(answer) == (None if who.label in readers else "forbidden")
        if who.label in readers:
            assert jids(room, who, "member") == sorted([str(nurse), str(absent)])
    assert condition(asks_list(room, absent, affiliation="member")) == (None if whois == "anyone" else "forbidden")


def test_getmemberlist(cast, room):
    """muc#roomconfig_getmemberlist narrows it."""
    romeo, juliet = gathers(cast, room, "romeo", "juliet", whois="anyone", getmemberlist=["moderator"])
    stands(room, romeo, juliet, "member")
    assert condition(asks_list(room, juliet, affiliation="member")) == "forbidden"
    stands(room, romeo, juliet, role="moderator")
    assert jids(room, juliet, "member") == [str(juliet)]


def test_member_with_a_reserved_nick(cast, room):
    """9.3, 9.5: the nick given becomes the member's, and nobody else's; an empty one takes it away."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    tybalt = cast("tybalt")
    room.allows(romeo, jid=tybalt, affiliation="member", nick="Prince")
    assert listed(room, romeo, affiliation="member") == [{"affiliation": "member", "jid": str(tybalt), "nick": "Prince"}]
    room.is_refused(cast("mercutio"), "Prince", "conflict", "cancel")
    assert condition(change(room, romeo, jid=nurse, affiliation="member", nick="Prince")) == "conflict"
    assert jids(room, romeo, "member") == [str(tybalt)]
    room.allows(romeo, jid=tybalt, affiliation="member")
    assert listed(room, romeo, affiliation="member")[0]["nick"] == "Prince"
    room.allows(romeo, jid=tybalt, affiliation="member", nick="")
    assert "nick" not in listed(room, romeo, affiliation="member")[0]
    room.enters(cast("mercutio"), "Prince")


def test_ban_takes_the_reserved_nick(cast, room):
    """9.1."""
    romeo, juliet = gathers(cast, room, "romeo", "juliet")
    tybalt = cast("tybalt")
    room.allows(romeo, jid=tybalt, affiliation="member", nick="Prince")
    room.allows(romeo, jid=tybalt, affiliation="outcast")
    room.enters(cast("mercutio"), "Prince")


# ---- requests as a whole ----------------------------------------------------------------------------


def test_many_items_at_once(cast, room):
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    answer = changes(room, romeo, item(jid=juliet, affiliation="member"), item(jid=nurse, affiliation="admin"),
                     item(jid="paris@elsewhere.test", affiliation="outcast"), item(nick="Juliet", role="visitor"))
    assert condition(answer) is None
    room.shows(juliet, "Juliet", affiliation="member", role="participant")
    room.shows(juliet, "Nurse", affiliation="admin", role="moderator")
    room.shows(juliet, "Juliet", affiliation="member", role="visitor")
    assert jids(room, romeo, "member") == [str(juliet)] and jids(room, romeo, "outcast") == ["paris@elsewhere.test"]


@pytest.mark.parametrize("bad, answer", [
    ({"nick": "Nobody", "role": "visitor"}, "item-not-found"),
    ({"jid": "romeo", "affiliation": "outcast"}, "conflict"),
    ({"jid": "romeo", "affiliation": "none"}, "conflict"),
    ({"nick": "Romeo", "role": "visitor"}, "not-allowed"),
    ({"jid": "a@b@c", "affiliation": "member"}, "jid-malformed"),
    ({"jid": "paris@elsewhere.test", "affiliation": "king"}, "bad-request"),
    ({"nick": "Juliet", "role": "king"}, "bad-request"),
    ({"nick": "Juliet"}, "bad-request"),
    ({"affiliation": "member"}, "bad-request"),
    ({"role": "visitor"}, "bad-request"),
    ({"nick": "Juliet", "role": "visitor", "affiliation": "member"}, "bad-request"),
    ({"jid": "juliet", "affiliation": "admin"}, "bad-request"),
])
def test_all_or_nothing(cast, room, bad, answer):
    """9.2: of a request with one bad item nothing is done."""
    romeo, juliet = gathers(cast, room, "romeo", "juliet")
    people = {"romeo": romeo, "juliet": juliet}
    bad = {key: people.get(value, value) for key, value in bad.items()}
    got = changes(room, romeo, item(jid=juliet, affiliation="member"), item(**bad))
    assert condition(got) == answer
    juliet.hears_nothing()
    assert jids(room, romeo, "member") == [] and jids(room, romeo, "owner") == [str(romeo)]


def test_requests_without_sense(cast, room):
    romeo = gathers(cast, room, "romeo")[0]
    for kind_, inside in (("set", ""), ("get", ""), ("set", "<item xmlns='other' jid='a@b' affiliation='member'/>"),
                          ("get", "<item/>"), ("get", "<item role='none'/>"), ("get", "<item affiliation='none'/>"),
                          ("get", "<item role='visitor' affiliation='member'/>"), ("get", "<item role='king'/>")):
        assert condition(romeo.asks(kind_, f"<query xmlns='{ADMIN}'>{inside}</query>", to=room)) == "bad-request"
    nowhere = Room(cast.server)
    assert condition(change(nowhere, romeo, nick="Juliet", role="none")) == "item-not-found"
    assert condition(asks_list(nowhere, romeo, affiliation="member")) == "item-not-found"


def test_room_not_yet_configured_is_hidden(cast, room):
    """10.1.1: nobody else learns that it is there."""
    romeo, juliet = cast("romeo", "juliet")
    room.enters(romeo, "Romeo")
    assert condition(asks_list(room, juliet, affiliation="owner")) == "item-not-found"
    assert condition(change(room, juliet, nick="Romeo", role="none")) == "item-not-found"
    assert jids(room, romeo, "owner") == [str(romeo)]


def test_admin_who_is_not_there(cast, room):
    """Affiliations are of JIDs: one need not be in the room to use one's rights."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    room.leaves(romeo, "Romeo")
    hush(juliet, nurse)
    room.allows(romeo, jid=juliet, affiliation="member")
    room.shows(juliet, "Juliet", affiliation="member", actor=None)
    hush(nurse)
    room.allows(romeo, nick="Nurse", role="none")
    room.loses(nurse, "Nurse", codes={110, 307}, actor=None)


def test_kicking_the_last_one_ends_a_temporary_room(cast, room):
    romeo = gathers(cast, room, "romeo", persistentroom=False)[0]
    juliet = cast("juliet")
    room.enters(juliet, "Juliet")
    hush(romeo)
    room.leaves(romeo, "Romeo")
    hush(romeo, juliet)
    room.allows(romeo, nick="Juliet", role="none")
    room.loses(juliet, "Juliet", codes={110, 307})
    assert condition(asks_list(room, romeo, affiliation="owner")) == "item-not-found"


def test_service_admin_owns_every_room(make_server, actors):
    """Option admins: may do what an owner may, and nobody may change that."""
    server = make_server(start=False)
    admin = f"prince@{server.domain}"
    server.write_config(modules={"muc": {"admins": [admin], "create": "admins"}})
    server.start()
    server.create("prince")
    cast = actors(server)
    prince, romeo = cast.online("prince", jid=admin), cast("romeo")
    hall = Room(server)
    hall.is_refused(romeo, "Romeo", "not-allowed", "cancel")
    hall.opens(prince, "Prince", persistentroom=True)
    hall.allows(prince, jid=romeo, affiliation="owner")
    hall.enters(romeo, "Romeo")
    hush(prince, romeo)
    for affiliation in ("outcast", "none", "member"):
        assert condition(change(hall, romeo, jid=prince, affiliation=affiliation)) == "not-allowed"
    assert jids(hall, romeo, "owner") == sorted([admin, str(romeo)])
    assert config(hall, prince)["persistentroom"] == "1"

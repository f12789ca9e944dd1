# SPDX-License-Identifier: MIT
"""Invitations (XEP-0045 7.8, 7.9, 9.3): through the room, with all that belongs to them, and back."""
import pytest

from lib.dom import NS
from lib.room import USER, hush
from test_muc_talk import hears_refusal, stage  # noqa: F401

pytestmark = pytest.mark.xylem
REASON = "<reason>Hey Hecate, this is the place for all good witches!</reason>"


def invite(room, *to, inner=REASON, id="nzd143v8", kind=""):
    invites = "".join(f"<invite to='{jid}'>{inner}</invite>" for jid in to)
    return f"<message to='{room}' id='{id}'{kind}><x xmlns='{USER}'>{invites}</x></message>"


def invited(room, by, inner=REASON, password="", id="nzd143v8"):
    more = f"<password>{password}</password>" if password else ""
    return (f"<message from='{room}' id='{id}'><x xmlns='{USER}'><invite from='{by}'>{inner}</invite>{more}</x>"
            "</message>")


def decline(room, to, inner="<reason>Sorry</reason>", id="jk2vs61v"):
    return f"<message to='{room}' id='{id}'><x xmlns='{USER}'><decline to='{to}'>{inner}</decline></x></message>"


def affiliation(room, owner, jid):
    for name in ("member", "owner", "admin", "outcast"):
        items = owner.asks("get", f"<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='{name}'/></query>",
                           to=str(room))
        if any(i.get("jid") == str(jid) for i in items.iter("{http://jabber.org/protocol/muc#admin}item")):
            return name
    return "none"


# ---- 7.8.2 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["", " type='normal'"])
def test_7_8_2_the_room_says_who_invites_and_why(stage, kind):
    cast, room, romeo, juliet = stage("Romeo", "Juliet")
    hecate = cast.online("nurse")
    juliet.sends(invite(room, hecate, kind=kind))
    got = hecate.hears(invited(room, juliet))
    assert got.get("to") == str(hecate)
    juliet.hears_nothing()
    romeo.hears_nothing()
    room.enters(hecate, "Hecate")


def test_7_8_2_the_password_is_added(stage):
    cast, room, romeo = stage("Romeo", passwordprotectedroom=True, roomsecret="cauldronburn")
    hecate = cast.online("nurse")
    romeo.sends(invite(room, hecate))
    hecate.hears(invited(room, romeo, password="cauldronburn"))
    room.enters(hecate, "Hecate", password="cauldronburn")


def test_7_8_2_what_else_the_client_wrote_is_not_the_rooms(stage):
    cast, room, romeo = stage("Romeo")
    hecate = cast.online("nurse")
    romeo.sends(f"<message to='{room}' id='nzd143v8'><body>b</body><x xmlns='{USER}'>"
                f"<invite to='{hecate}' from='somebody@else.example'>{REASON}<status code='110'/></invite>"
                f"<password>false</password><item affiliation='owner'/></x></message>")
    hecate.hears(invited(room, romeo))


def test_7_9_continue_is_kept(stage):
    cast, room, romeo = stage("Romeo")
    hecate = cast.online("nurse")
    inner = REASON + "<continue thread='e0ffe42b28561960c6b12b944a092794b9683a38'/>"
    romeo.sends(invite(room, hecate, inner=inner))
    hecate.hears(invited(room, romeo, inner=inner))


def test_7_8_2_several_at_once(stage):
    cast, room, romeo = stage("Romeo")
    hecate, tybalt = cast.online("nurse", "tybalt")
    romeo.sends(invite(room, hecate, tybalt))
    for client in (hecate, tybalt):
        client.hears(invited(room, romeo))
        client.hears_nothing()


def test_7_8_2_it_waits_for_who_is_not_online(stage):
    cast, room, romeo = stage("Romeo")
    jid = cast.account("nurse")
    romeo.sends(invite(room, jid))
    romeo.round_trip()
    hecate = cast.client("nurse", jid=jid).logs_in()
    hecate.sends("<presence/>")
    hecate.hears("<presence/>")
    got = hecate.hears("<message>...</message>")
    assert got.find(f"{{{USER}}}x/{{{USER}}}invite").get("from") == str(romeo)


def test_7_8_2_an_account_that_does_not_exist(stage):
    cast, room, romeo = stage("Romeo")
    romeo.sends(invite(room, f"nobody-at-all@{romeo.domain}"))
    hears_refusal(romeo, room, "item-not-found", "cancel", "nzd143v8")


@pytest.mark.parametrize("to, condition", [("@", "jid-malformed"), ("", "bad-request")])
def test_7_8_2_no_address(stage, to, condition):
    _, room, romeo = stage("Romeo")
    romeo.sends(invite(room, to))
    hears_refusal(romeo, room, condition, "modify", "nzd143v8")


def test_7_8_2_one_that_cannot_be_sent_sends_none(stage):
    cast, room, romeo = stage("Romeo", membersonly=True)
    hecate = cast.online("nurse")
    romeo.sends(invite(room, hecate, f"nobody-at-all@{romeo.domain}"))
    hears_refusal(romeo, room, "item-not-found", id="nzd143v8")
    hecate.hears_nothing()
    assert affiliation(room, romeo, hecate) == "none"


def test_who_has_nothing_to_do_with_the_room_invites_nobody(stage):
    cast, room, romeo = stage("Romeo")
    tybalt, hecate = cast.online("tybalt", "nurse")
    tybalt.sends(invite(room, hecate))
    hears_refusal(tybalt, room, "not-acceptable", id="nzd143v8")
    hecate.hears_nothing()


def test_a_member_invites_from_outside_too(stage):
    """Another of his devices may be in the room."""
    cast, room, romeo = stage("Romeo")
    tybalt, hecate = cast.online("tybalt", "nurse")
    room.allows(romeo, jid=str(tybalt), affiliation="member")
    hush(tybalt)
    tybalt.sends(invite(room, hecate))
    hecate.hears(invited(room, tybalt))


def test_a_room_that_is_not_there(stage):
    cast, room, romeo = stage("Romeo")
    romeo.sends(invite(f"no{room}", cast.online("nurse")))
    hears_refusal(romeo, f"no{room}", "item-not-found", id="nzd143v8")


# ---- 9.3 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inviter, allowed, may", [
    ("owner", False, True), ("admin", False, True), ("member", False, False), ("member", True, True),
])
def test_9_3_into_a_members_only_room_as_a_member(stage, inviter, allowed, may):
    cast, room, romeo = stage("Romeo", membersonly=True, allowinvites=allowed)
    hecate = cast.online("nurse")
    by = romeo
    if inviter != "owner":
        by = cast.online("juliet")
        room.allows(romeo, jid=str(by), affiliation=inviter)
        hush(by)
        room.enters(by, "Juliet")
    hush(romeo, by)
    by.sends(invite(room, hecate))
    if not may:
        hears_refusal(by, room, "forbidden", "auth", "nzd143v8")
        hecate.hears_nothing()
        assert affiliation(room, romeo, hecate) == "none"
        return
    hecate.hears(invited(room, by))
    assert affiliation(room, romeo, hecate) == "member"
    assert "Romeo" in room.enters(hecate, "Hecate").others


def test_9_3_who_is_one_already_stays_what_he_is(stage):
    cast, room, romeo = stage("Romeo", membersonly=True)
    hecate = cast.online("nurse")
    room.allows(romeo, jid=str(hecate), affiliation="admin")
    hush(romeo, hecate)
    romeo.sends(invite(room, hecate))
    hecate.hears(invited(room, romeo))
    assert affiliation(room, romeo, hecate) == "admin"


def test_9_3_an_open_room_makes_nobody_a_member(stage):
    cast, room, romeo = stage("Romeo")
    hecate = cast.online("nurse")
    romeo.sends(invite(room, hecate))
    hecate.hears(invited(room, romeo))
    assert affiliation(room, romeo, hecate) == "none"


@pytest.mark.parametrize("members_only", [False, True])
def test_9_1_who_is_banned_is_not_invited(stage, members_only):
    cast, room, romeo = stage("Romeo", membersonly=members_only)
    hecate = cast.online("nurse")
    room.allows(romeo, jid=str(hecate), affiliation="outcast")
    hush(romeo, hecate)
    romeo.sends(invite(room, hecate))
    hears_refusal(romeo, room, "forbidden", id="nzd143v8")
    hecate.hears_nothing()
    assert affiliation(room, romeo, hecate) == "outcast"


def test_7_8_1_a_direct_invitation_into_a_members_only_room(stage):
    """As clients do it: make him a member, then write to him (XEP-0249)."""
    cast, room, romeo = stage("Romeo", membersonly=True)
    hecate = cast.online("nurse")
    room.allows(romeo, jid=str(hecate), affiliation="member")
    hush(romeo, hecate)
    romeo.sends(f"<message to='{hecate}'><x xmlns='jabber:x:conference' jid='{room}'/></message>")
    hecate.hears(f"<message from='{romeo.full}'><x xmlns='jabber:x:conference' jid='{room}'/></message>")
    room.enters(hecate, "Hecate")


# ---- no ---------------------------------------------------------------------------------------------


def test_7_8_2_who_declines_says_so_to_who_invited(stage):
    cast, room, romeo = stage("Romeo")
    hecate = cast.online("nurse")
    romeo.sends(invite(room, hecate))
    by = hecate.hears(invited(room, romeo)).find(f"{{{USER}}}x/{{{USER}}}invite").get("from")
    hecate.sends(decline(room, by))
    got = romeo.hears(f"<message from='{room}' id='jk2vs61v'><x xmlns='{USER}'><decline from='{hecate}'>"
                      f"<reason>Sorry</reason></decline></x></message>")
    assert got.get("to") == str(romeo)
    hecate.hears_nothing()


def test_7_8_2_who_invited_under_a_nick_is_found_by_it(stage):
    cast, room, romeo = stage("Romeo")
    hecate = cast.online("nurse")
    hecate.sends(decline(room, room.of("Romeo")))
    romeo.hears(f"<message from='{room}'><x xmlns='{USER}'><decline from='{hecate}'>...</decline></x></message>")


def test_a_decline_is_no_way_to_reach_strangers_nor_to_find_out_who_is_there(stage):
    cast, room, romeo = stage("Romeo")
    hecate, tybalt = cast.online("nurse", "tybalt")
    for to in (tybalt, "stranger@elsewhere.example", room.of("Nobody")):
        hecate.sends(decline(room, to))
    hecate.hears_nothing()
    tybalt.hears_nothing()


@pytest.mark.parametrize("to, condition", [("@", "jid-malformed"), ("", "bad-request")])
def test_a_decline_without_an_address(stage, to, condition):
    _, room, romeo = stage("Romeo")
    romeo.sends(decline(room, to))
    hears_refusal(romeo, room, condition, "modify", "jk2vs61v")


def test_declines_are_bounded(stage):
    cast, room, romeo = stage("Romeo")
    hecate = cast.online("nurse")
    hecate.sends(*(decline(room, romeo, id=f"d{i}") for i in range(12)))
    for i in range(10):
        romeo.hears(f"<message from='{room}' id='d{i}'>...</message>")
    for i in (10, 11):
        hears_refusal(hecate, room, "policy-violation", "wait", f"d{i}")
    romeo.hears_nothing()


def test_an_invitation_that_bounces_is_nobodys_message(stage):
    """The invitee's error goes to the room, which keeps it to itself."""
    cast, room, romeo = stage("Romeo")
    hecate = cast.online("nurse")
    romeo.sends(invite(room, hecate))
    hecate.hears(invited(room, romeo))
    hecate.sends(f"<message to='{room}' type='error' id='nzd143v8'><error type='cancel'>"
                 f"<service-unavailable xmlns='{NS['stanzas']}'/></error></message>")
    hecate.hears_nothing()
    romeo.hears_nothing()

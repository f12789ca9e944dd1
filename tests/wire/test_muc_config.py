# SPDX-License-Identifier: MIT
"""The configuration form (XEP-0045 10.1, 10.2, 16.5.3): what it asks, what it takes, what everybody hears of a
change and what it means for those who are there."""
import pytest

from lib import dom
from lib.council import (DATA, condition, config, config_form, gathers, kind, room, shared_server, stands,
                         submits, words)
from lib.room import CONFIG, OWNER, Room, codes, hush, is_message, made_with_rooms

pytestmark = pytest.mark.xylem
assert room and shared_server

DEFAULTS = {  # as docs/rooms.md says
    "roomname": "", "roomdesc": "", "lang": "", "persistentroom": "0", "publicroom": "1", "membersonly": "0",
    "moderatedroom": "0", "members_by_default": "0", "whois": "moderators", "allowpm": "anyone",
    "presencebroadcast": ["moderator", "participant", "visitor"],
    "getmemberlist": ["moderator", "participant", "visitor"], "maxusers": "none", "changesubject": "0", "changenick": "1",
    "allowvisitornickchange": "1", "allowvisitorstatus": "1", "allowinvites": "0", "allowvoicerequests": "1",
    "voicerequestmininterval": "60", "slow_mode_duration": "0", "allowregistration": "1", "allowqueryusers": "1",
    "public_list": "1", "historylength": "25", "enablearchiving": "1", "passwordprotectedroom": "0", "roomsecret": "",
    "contactjid": [], "logs": "", "pubsub": "", "roomadmins": [],
}
OTHERS = {  # another value for each
    "roomname": "A Dark Cave", "roomdesc": "The place & all <that>", "lang": "en", "persistentroom": "1", "publicroom": "0",
    "membersonly": "1", "moderatedroom": "1", "members_by_default": "1", "whois": "anyone", "allowpm": "participants",
    "presencebroadcast": ["moderator", "participant"], "getmemberlist": ["moderator"], "maxusers": "20",
    "changesubject": "1", "changenick": "0", "allowvisitornickchange": "0", "allowvisitorstatus": "0", "allowinvites": "1",
    "allowvoicerequests": "0", "voicerequestmininterval": "5", "slow_mode_duration": "30", "allowregistration": "0",
    "allowqueryusers": "0", "public_list": "0", "historylength": "3", "enablearchiving": "0", "passwordprotectedroom": "1",
    "roomsecret": "cauldronburn", "contactjid": ["nurse@verona.test", "friar@verona.test"],
    "logs": "https://logs.example/cave", "pubsub": "xmpp:pubsub.example?;node=cave",
    "roomadmins": ["nurse@verona.test"],
}


def escaped(value):
    values = value if isinstance(value, list) else [value]
    texts = [v.replace("&", "&amp;").replace("<", "&lt;") for v in values]
    return texts if isinstance(value, list) else texts[0]


# ---- the form ---------------------------------------------------------------------------------------


def test_form_of_a_new_room(cast, room):
    """10.1.3: every field has a type and a label; lists have their options; values are the service's defaults."""
    romeo = cast("romeo")
    room.enters(romeo, "Romeo")
    form = config_form(room, romeo)
    assert config(room, romeo) == {**DEFAULTS, "roomowners": [str(romeo)]}
    for field in form.values():
        assert field.label, field.var
    types = {name: f.type for name, f in form.items()}
    assert types["roomsecret"] == "text-private" and types["roomowners"] == types["roomadmins"] == "jid-multi"
    assert {n for n, t in types.items() if t == "boolean"} == {n for n, v in DEFAULTS.items() if v in ("0", "1")} - {
        "slow_mode_duration"}
    assert form["whois"].type == "list-single" and form["whois"].options == ["moderators", "anyone"]
    assert form["allowpm"].options == ["anyone", "participants", "moderators", "none"]
    assert form["presencebroadcast"].type == "list-multi"
    assert set(form["presencebroadcast"].options) == {"moderator", "participant", "visitor"}
    assert form["maxusers"].type == "list-single" and {"none", "10", "1000"} <= set(form["maxusers"].options)


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_every_setting_is_taken(cast, room, name):
    """Set in a reserved room's first form, and there again; all others are as they were."""
    romeo = cast("romeo")
    room.enters(romeo, "Romeo")
    wanted = {name: OTHERS[name]}
    if name == "passwordprotectedroom":
        wanted["roomsecret"] = "cauldronburn"
    assert condition(submits(room, romeo, **{n: escaped(v) for n, v in wanted.items()})) is None
    if name == "roomsecret":
        wanted["passwordprotectedroom"] = "1"
    assert config(room, romeo) == {**DEFAULTS, "roomowners": [str(romeo)], **wanted}


def test_all_settings_survive_a_restart(make_server, actors):
    server = made_with_rooms(make_server)
    cast = actors(server)
    romeo, hall = cast("romeo"), Room(server)
    hall.opens(romeo, "Romeo")
    assert condition(submits(hall, romeo, **{n: escaped(v) for n, v in OTHERS.items()})) is None
    before = config(hall, romeo)
    assert before == {**OTHERS, "roomowners": [str(romeo)]}
    server.restart()
    romeo = cast.another(romeo)
    assert config(hall, romeo) == before


@pytest.mark.parametrize("var, name, value", [
    ("{http://prosody.im/protocol/muc}roomconfig_allowmemberinvites", "allowinvites", "1"),
    ("allow_visitor_nickchange", "allowvisitornickchange", "0"), ("allow_visitor_status", "allowvisitorstatus", "0"),
    ("allow_voice_requests", "allowvoicerequests", "0"), ("voice_request_min_interval", "voicerequestmininterval", "9"),
    ("muc#roomconfig_enablelogging", "enablearchiving", "0"), ("muc#roomconfig_mam", "enablearchiving", "0"),
    ("mam", "enablearchiving", "0"), ("allow_query_users", "allowqueryusers", "0"), ("public_list", "public_list", "0"),
    ("members_by_default", "members_by_default", "1"), ("allow_user_invites", "allowinvites", "1"),
])
def test_names_of_other_servers(cast, room, var, name, value):
    """Clients that know ejabberd or Prosody mean the same by them."""
    romeo = gathers(cast, room, "romeo")[0]
    told = Room._field("FORM_TYPE", CONFIG) + Room._field(var, value)
    answer = romeo.asks("set", f"<query xmlns='{OWNER}'><x xmlns='{DATA}' type='submit'>{told}</x></query>", to=room)
    assert condition(answer) is None
    assert config(room, romeo)[name] == value


def test_our_own_name_counts(cast, room):
    """A client that sends a setting by all names it knows means the archive by `enablearchiving`."""
    romeo = gathers(cast, room, "romeo")[0]
    for one, other in ((True, False), (False, True)):
        assert condition(submits(room, romeo, enablearchiving=one, enablelogging=other, mam=other)) is None
        assert config(room, romeo)["enablearchiving"] == ("1" if one else "0")


def test_unknown_fields_are_ignored(cast, room):
    romeo = gathers(cast, room, "romeo")[0]
    assert condition(submits(room, romeo, nonsense="x", roomname="Verona")) is None
    assert config(room, romeo)["roomname"] == "Verona"


@pytest.mark.parametrize("values, named", [
    ({"maxusers": "many"}, "Occupants"), ({"maxusers": "-1"}, "Occupants"), ({"maxusers": "1001"}, "Occupants"),
    ({"persistentroom": "perhaps"}, "Keep the room"), ({"whois": "nobody"}, "real JIDs"), ({"allowpm": "kings"}, "private"),
    ({"presencebroadcast": ["king"]}, "presence"), ({"getmemberlist": ["king"]}, "list of members"),
    ({"historylength": "101"}, "newcomer"), ({"slow_mode_duration": "86401"}, "Time between"),
    ({"passwordprotectedroom": True, "roomsecret": ""}, "Password"), ({"passwordprotectedroom": True}, "Password"),
    ({"roomname": "x" * 1001}, "Name"), ({"lang": "en_GB!"}, "Language"), ({"contactjid": ["a@b@c"]}, "answer for"),
    ({"roomadmins": ["a@b@c"]}, "Owners and admins"), ({"roomowners": ["verona.test"]}, "Owners and admins"),
])
def test_not_acceptable(cast, room, values, named):
    """10.1.3: the text names what is wrong, and nothing of the form is taken."""
    romeo, juliet = gathers(cast, room, "romeo", "juliet")
    before = config(room, romeo)
    answer = submits(room, romeo, changesubject=True, **values)
    assert (condition(answer), kind(answer)) == ("not-acceptable", "modify")
    assert named in words(answer)
    assert config(room, romeo) == before
    juliet.hears_nothing()


def test_what_is_no_form(cast, room):
    romeo = gathers(cast, room, "romeo")[0]
    for inside in ("", "<x xmlns='jabber:x:data'/>", "<x xmlns='jabber:x:data' type='form'/>", "<other xmlns='x'/>",
                   "<x xmlns='jabber:x:data' type='submit'/><destroy/>"):
        assert condition(romeo.asks("set", f"<query xmlns='{OWNER}'>{inside}</query>", to=room)) == "bad-request"
    assert condition(submits(room, romeo, form_type="urn:other", roomname="x")) == "bad-request"


def test_form_is_for_owners(cast, room):
    """10.2: forbidden, also for admins."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    stands(room, romeo, juliet, "admin")
    for who in (juliet, nurse, cast("tybalt")):
        assert condition(who.asks("get", f"<query xmlns='{OWNER}'/>", to=room)) == "forbidden"
        assert condition(submits(room, who, roomname="mine")) == "forbidden"
        assert condition(submits(room, who, kind="cancel")) == "forbidden"
    assert config(room, romeo)["roomname"] == ""


def test_cancel_leaves_everything(cast, room):
    romeo, juliet = gathers(cast, room, "romeo", "juliet", roomname="Verona")
    assert condition(submits(room, romeo, kind="cancel", roomname="Mantua")) is None
    assert config(room, romeo)["roomname"] == "Verona"
    juliet.hears_nothing()


def test_default_config_of_the_service(make_server, actors):
    """Option default_config: what a new room is set to, and an instant room stays."""
    server = made_with_rooms(make_server, muc={"default_config": {
        "persistent": True, "whois": "anyone", "history": 5, "slow_mode": "10 s", "presence_broadcast": ["moderator"]}})
    romeo, hall = actors(server)("romeo"), Room(server)
    hall.opens(romeo, "Romeo")
    assert config(hall, romeo) == {
        **DEFAULTS, "persistentroom": "1", "whois": "anyone", "historylength": "5", "slow_mode_duration": "10",
        "presencebroadcast": ["moderator"], "roomowners": [str(romeo)]}
    server.reload(modules={"muc": {"default_config": {"whois": "moderators"}}})
    assert config(hall, romeo)["whois"] == "anyone"  # rooms stay as they are
    other = Room(server)
    other.opens(romeo, "Romeo")
    assert config(other, romeo)["whois"] == "moderators" and config(other, romeo)["historylength"] == "5"


def test_configuration_errors(make_server):
    """In the file: the member is named, with what was meant."""
    for options, words_ in (({"default_config": {"persistant": True}}, "did you mean `persistent`"),
                            ({"default_config": {"whois": "nobody"}}, "default_config.whois: must be one of"),
                            ({"default_config": {"history": 10001}}, "default_config.history: must be between 0 and 10000"),
                            ({"default_config": {"presence_broadcast": ["king"]}}, "default_config.presence_broadcast: must be of"),
                            ({"default_config": True}, "default_config: must be a map"),
                            ({"admins": ["a@b@c"]}, "admins: `a@b@c` is not a JID")):
        server = made_with_rooms(make_server, start=False, muc=options)
        server.start(ready=False)
        assert server.process.wait(60) != 0
        assert words_ in server.output()
        server.process = None


# ---- what everybody hears ------------------------------------------------------------------------------


def hears_codes(client, room):
    got = client.next_element()
    assert is_message(got) and got.get("type") == "groupchat" and got.get("from") == str(room), dom.show(got)
    assert dom.find(got, "client:body") is None
    return codes(got)


@pytest.mark.parametrize("change, numbers", [
    ({"roomname": "Verona"}, {104}), ({"whois": "anyone"}, {172}), ({"enablearchiving": False}, {171}),
    ({"whois": "anyone", "enablearchiving": False}, {171, 172}), ({"whois": "anyone", "roomname": "Verona"}, {104, 172}),
    ({"roomsecret": "sesame"}, {104}), ({"publicroom": False}, {104}),
])
def test_notice_of_a_change(cast, room, change, numbers):
    """10.2.1: 104, 170 to 173."""
    romeo, juliet = gathers(cast, room, "romeo", "juliet")
    assert condition(submits(room, romeo, **change)) is None
    assert hears_codes(juliet, room) == hears_codes(romeo, room) == numbers
    if "whois" not in change:  # test_whois_shows_the_jids
        juliet.hears_nothing()


@pytest.mark.parametrize("first, then, number", [
    ({"whois": "anyone"}, {"whois": "moderators"}, 173), ({"enablearchiving": False}, {"enablearchiving": True}, 170),
])
def test_notice_of_the_way_back(cast, room, first, then, number):
    romeo, juliet = gathers(cast, room, "romeo", "juliet", **first)
    assert condition(submits(room, romeo, **then)) is None
    assert hears_codes(juliet, room) == {number}


def test_no_notice_without_a_change(cast, room):
    """The same form again, and an empty one."""
    romeo, juliet = gathers(cast, room, "romeo", "juliet", roomname="Verona")
    assert condition(submits(room, romeo, **config(room, romeo))) is None
    assert condition(submits(room, romeo, form_type=None)) is None
    romeo.hears_nothing()
    juliet.hears_nothing()


# ---- what it means --------------------------------------------------------------------------------------


def test_strangers_leave_a_room_for_members(cast, room):
    """10.2: 322 for whoever is no member."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    stands(room, romeo, juliet, "member")
    hush(nurse)
    assert condition(submits(room, romeo, membersonly=True)) is None
    assert hears_codes(nurse, room) == {104}
    room.loses(nurse, "Nurse", codes={110, 322}, affiliation="none")
    assert hears_codes(juliet, room) == {104}
    room.loses(juliet, "Nurse", codes={322}, affiliation="none")
    room.is_refused(nurse, "Nurse", "registration-required", "auth")


def test_roles_follow_moderation(cast, room):
    """Those without an affiliation lose their voice when the room becomes moderated, and have it again."""
    romeo, juliet, nurse, tybalt = gathers(cast, room, "romeo", "juliet", "nurse", "tybalt")
    stands(room, romeo, nurse, "member")
    stands(room, romeo, tybalt, role="moderator")
    hush(juliet, nurse)
    assert condition(submits(room, romeo, moderatedroom=True)) is None
    assert hears_codes(juliet, room) == {104}
    room.shows(juliet, "Juliet", role="visitor", affiliation="none", codes={110})
    hush(romeo)
    nurse.settles()
    assert hears_codes(nurse, room) == {104}
    room.shows(nurse, "Juliet", role="visitor")
    nurse.hears_nothing()  # a member and a moderator keep what they have
    assert condition(submits(room, romeo, moderatedroom=False)) is None
    hears_codes(juliet, room)
    room.shows(juliet, "Juliet", role="participant", affiliation="none", codes={110})


def test_whois_shows_the_jids(cast, room):
    """172: whoever is there is shown everybody anew, with real JIDs."""
    romeo, juliet = gathers(cast, room, "romeo", "juliet")
    assert condition(submits(room, romeo, whois="anyone")) is None
    assert hears_codes(juliet, room) == {172}
    room.shows(juliet, "Romeo", jid=romeo.full)


def test_presence_broadcast(cast, room):
    """Roles that are not shown leave the eyes of the others, and come back."""
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse", moderatedroom=True)
    assert condition(submits(room, romeo, presencebroadcast=["moderator", "participant"])) is None
    hears_codes(juliet, room)
    room.loses(juliet, "Nurse")
    juliet.hears_nothing()
    assert condition(submits(room, romeo, presencebroadcast=["moderator", "participant", "visitor"])) is None
    hears_codes(juliet, room)
    room.shows(juliet, "Nurse", role="visitor")


def test_lower_max_users_puts_nobody_out(cast, room):
    romeo, juliet, nurse = gathers(cast, room, "romeo", "juliet", "nurse")
    assert condition(submits(room, romeo, maxusers="2")) is None
    hush(romeo, juliet, nurse)
    room.says(nurse, "still here")
    room.tells(juliet, "Nurse", "still here")
    room.is_refused(cast("tybalt"), "Tybalt", "service-unavailable", "wait")
    room.leaves(juliet, "Juliet")
    room.is_refused(juliet, "Juliet", "service-unavailable", "wait")


def test_password(cast, room):
    """Set, changed, taken away."""
    romeo, juliet = gathers(cast, room, "romeo")[0], cast("juliet")
    assert condition(submits(room, romeo, passwordprotectedroom=True, roomsecret="one")) is None
    room.is_refused(juliet, "Juliet", "not-authorized", "auth")
    assert condition(submits(room, romeo, roomsecret="two")) is None
    room.is_refused(juliet, "Juliet", "not-authorized", "auth", password="one")
    room.enters(juliet, "Juliet", password="two")
    room.leaves(juliet, "Juliet")
    assert condition(submits(room, romeo, passwordprotectedroom=False, roomsecret="two")) is None
    room.enters(juliet, "Juliet")


def test_limit_of_the_service_that_came_later(make_server, actors):
    """What a room has had stays, and does not stand in the way of other changes; nothing beyond is new."""
    server = made_with_rooms(make_server)
    romeo, hall = actors(server)("romeo"), Room(server)
    hall.opens(romeo, "Romeo", maxusers="50", historylength="20")
    server.reload(modules={"muc": {"max_users": 20, "max_history": 10}})
    assert condition(submits(hall, romeo, **{**config(hall, romeo), "roomname": "Verona"})) is None
    assert config(hall, romeo)["roomname"] == "Verona" and config(hall, romeo)["maxusers"] == "50"
    assert condition(submits(hall, romeo, maxusers="30")) == "not-acceptable"
    assert condition(submits(hall, romeo, maxusers="20", historylength="10")) is None

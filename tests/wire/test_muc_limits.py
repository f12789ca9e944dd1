# SPDX-License-Identifier: MIT
"""How often one may speak: options `messages` and `presences`, slow mode (XEP-0500)."""
import pytest

from lib import dom, edition
from lib.room import Room, hush, made_with_rooms
from test_muc_talk import groupchat, hears_refusal, stage  # noqa: F401

pytestmark = pytest.mark.xylem


@pytest.fixture
def timed(make_server, stage):
    """timed("Romeo", …, muc={…}): as stage(); the server's clock is in our hands."""

    def make(*nicks, muc=True, **fields):
        return stage(*nicks, server=made_with_rooms(make_server, muc=muc, test_clock=True, limits={"idle": None}), **fields)

    return make


def hears_slow(client, room, id):
    got = hears_refusal(client, room, "policy-violation", "wait", id)
    assert "slow mode" in dom.show(got)


# ---- options ------------------------------------------------------------------------------------------


def test_messages_beyond_the_rate_are_refused_and_not_delivered(timed):
    _, room, romeo, juliet = timed("Romeo", "Juliet", muc={"messages": "1/s burst 3"})
    for i in range(5):
        juliet.sends(groupchat(room, f"<body>{i}</body>", f"m{i}"))
    for i in range(3):
        room.tells(romeo, "Juliet", str(i))
        room.tells(juliet, "Juliet", str(i))
    for i in (3, 4):
        hears_refusal(juliet, room, "policy-violation", "wait", f"m{i}")
    romeo.hears_nothing()


def test_what_was_used_comes_back_with_time(timed):
    _, room, romeo, juliet = timed("Romeo", "Juliet", muc={"messages": "1/s burst 2"})
    juliet.sends(*(groupchat(room, f"<body>{i}</body>", f"m{i}") for i in range(3)))
    hush(juliet)
    romeo.server.advance("1 s")
    hush(romeo)
    juliet.sends(groupchat(room, "<body>3</body>", "m3"), groupchat(room, "<body>4</body>", "m4"))
    room.tells(romeo, "Juliet", "3")
    room.tells(juliet, "Juliet", "3")
    hears_refusal(juliet, room, "policy-violation", "wait", "m4")


def test_a_rate_beyond_ten_a_second_is_kept_too(timed):
    _, room, romeo, juliet = timed("Romeo", "Juliet", muc={"messages": "50/s burst 50"})
    juliet.sends(*(groupchat(room, f"<body>{i}</body>", f"m{i}") for i in range(51)))
    for i in range(50):
        room.tells(romeo, "Juliet", str(i))
        room.tells(juliet, "Juliet", str(i))
    hears_refusal(juliet, room, "policy-violation", "wait", "m50")


def test_each_occupant_has_his_own_and_each_room(timed):
    cast, room, romeo, juliet = timed("Romeo", "Juliet", muc={"messages": "1/s burst 1"})
    other = Room(romeo.server)
    other.opens(juliet, "Juliet")
    hush(romeo, juliet)
    for client, place, nick in ((juliet, room, "Juliet"), (romeo, room, "Romeo"), (juliet, other, "Juliet")):
        client.sends(groupchat(place, "<body>b</body>"))
        place.tells(client, nick, "b")
        hush(romeo, juliet)


def test_private_messages_count_as_messages(timed):
    _, room, romeo, juliet = timed("Romeo", "Juliet", muc={"messages": "1/s burst 2"})
    for i in range(3):
        juliet.sends(f"<message to='{room.of('Romeo')}' type='chat' id='p{i}'><body>b</body></message>")
    romeo.hears("<message type='chat'>...</message>", "<message type='chat'>...</message>")
    hears_refusal(juliet, room, "policy-violation", "wait", "p2", at="Romeo")
    romeo.hears_nothing()


def test_none_is_no_bound(timed):
    _, room, romeo, juliet = timed("Romeo", "Juliet", muc={"messages": None})
    juliet.sends(*(groupchat(room, f"<body>{i}</body>") for i in range(200)))
    for i in range(200):
        room.tells(romeo, "Juliet", str(i))


def test_presences_beyond_the_rate(timed):
    _, room, romeo, juliet = timed("Romeo", "Juliet", muc={"presences": "1/s burst 2"})
    for i in range(3):
        juliet.sends(f"<presence to='{room.of('Juliet')}' id='s{i}'><status>{i}</status></presence>")
    for i in range(2):
        room.shows(romeo, "Juliet", status=str(i))
        room.shows(juliet, "Juliet", status=str(i))
    hears_refusal(juliet, room, "policy-violation", "wait", "s2", "presence", "Juliet")
    romeo.hears_nothing()


def test_a_reload_gives_nobody_a_new_allowance(make_server, stage):
    server = made_with_rooms(make_server, start=False, muc={"messages": "1/s burst 2"}, test_clock=True,
                             limits={"idle": None})
    renew = edition.of(server, "muc")
    _, room, romeo, juliet = stage("Romeo", "Juliet", server=server.start(), slow_mode_duration=30)
    romeo.sends(groupchat(room, "<body>1</body>"), groupchat(room, "<body>2</body>"))
    juliet.sends(groupchat(room, "<body>1</body>"))
    hush(romeo, juliet)
    renew()
    assert "replaced" in server.reload()
    romeo.sends(groupchat(room, "<body>3</body>", "m3"))
    hears_refusal(romeo, room, "policy-violation", "wait", "m3")
    juliet.sends(groupchat(room, "<body>2</body>", "m2"))
    hears_slow(juliet, room, "m2")


# ---- XEP-0500 -------------------------------------------------------------------------------------------


def test_0500_5_one_message_in_the_time_set(timed):
    _, room, romeo, juliet = timed("Romeo", "Juliet", slow_mode_duration=20)
    juliet.sends(groupchat(room, "<body>one</body>", "m1"), groupchat(room, "<body>two</body>", "m2"))
    room.tells(romeo, "Juliet", "one")
    room.tells(juliet, "Juliet", "one")
    hears_slow(juliet, room, "m2")
    romeo.hears_nothing()
    romeo.server.advance("21 s")
    juliet.sends(groupchat(room, "<body>three</body>", "m3"))
    room.tells(romeo, "Juliet", "three")


def test_0500_5_only_texts_count(timed):
    _, room, romeo, juliet = timed("Romeo", "Juliet", slow_mode_duration=20)
    state = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
    juliet.sends(groupchat(room, state), groupchat(room, "<body>one</body>"), groupchat(room, state))
    romeo.hears("<message type='groupchat'>...<composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
    room.tells(romeo, "Juliet", "one")
    romeo.hears("<message type='groupchat'>...<composing xmlns='http://jabber.org/protocol/chatstates'/></message>")


def test_0500_5_moderators_admins_and_owners_are_free(timed):
    _, room, romeo, juliet = timed("Romeo", "Juliet", slow_mode_duration=20)
    room.allows(romeo, nick="Juliet", role="moderator")
    hush(romeo, juliet)
    for client, nick in ((romeo, "Romeo"), (juliet, "Juliet")):
        for text in ("one", "two"):
            client.sends(groupchat(room, f"<body>{text}</body>"))
            room.tells(romeo, nick, text)


def test_0500_8_another_session_or_nick_or_a_new_join_is_no_way_round(timed):
    cast, room, romeo, juliet = timed("Romeo", "Juliet", slow_mode_duration=60)
    juliet.sends(groupchat(room, "<body>one</body>"))
    second = cast.another(juliet)
    room.enters(second, "Capulet")
    hush(romeo, juliet, second)
    second.sends(groupchat(room, "<body>two</body>", "m2"))
    hears_slow(second, room, "m2")
    room.leaves(juliet, "Juliet")
    room.enters(juliet, "Montague")
    hush(romeo, juliet, second)
    juliet.sends(groupchat(room, "<body>three</body>", "m3"))
    hears_slow(juliet, room, "m3")
    romeo.hears_nothing()


def test_0500_5_what_was_refused_for_another_reason_costs_nothing(timed):
    _, room, romeo, juliet = timed("Romeo", "Juliet", slow_mode_duration=60, moderatedroom=True)
    room.allows(romeo, nick="Juliet", role="visitor")
    hush(romeo, juliet)
    juliet.sends(groupchat(room, "<body>no voice</body>", "m1"))
    hears_refusal(juliet, room, "forbidden", "auth", "m1")
    room.allows(romeo, nick="Juliet", role="participant")
    hush(romeo, juliet)
    juliet.sends(groupchat(room, "<body>voice</body>"))
    room.tells(romeo, "Juliet", "voice")


# ---- requests, and those who are outside ------------------------------------------------------------------

PING = "<ping xmlns='urn:xmpp:ping'/>"


def asks(room, nick, id):
    return f"<iq type='get' to='{room.of(nick)}' id='{id}'>{PING}</iq>"


def test_requests_beyond_the_rate_are_refused(timed):
    """Option queries; pinging oneself is not passed on, and counts for nothing (XEP-0410)."""
    _, room, romeo, juliet = timed("Romeo", "Juliet", muc={"queries": "1/s burst 2"})
    for i in range(4):
        juliet.sends(asks(room, "Romeo", f"q{i}"))
    asked = [romeo.hears(f"<iq from='{room.of('Juliet')}' type='get' id='*'>...</iq>") for _ in range(2)]
    for i in (2, 3):
        hears_refusal(juliet, room, "policy-violation", "wait", f"q{i}", of="iq", at="Romeo")
    romeo.hears_nothing()
    for i in range(5):
        juliet.sends(asks(room, "Juliet", f"s{i}"))
        juliet.hears(f"<iq from='{room.of('Juliet')}' type='result' id='s{i}'/>")
    romeo.sends(f"<iq type='result' to='{room.of('Juliet')}' id='{asked[0].get('id')}'/>")
    juliet.hears(f"<iq from='{room.of('Romeo')}' type='result' id='q0'/>")
    romeo.server.advance("1 s")
    hush(romeo, juliet)
    juliet.sends(asks(room, "Romeo", "q4"))
    romeo.hears(f"<iq from='{room.of('Juliet')}' type='get' id='*'>...</iq>")


def test_answers_have_a_rate_too(timed):
    """Ten times that of requests: one may be asked by all, and yet not pour out what nobody waits for."""
    _, room, romeo, juliet = timed("Romeo", "Juliet", muc={"queries": "1/s burst 1"})
    juliet.sends(asks(room, "Romeo", "q0"))
    asked = romeo.hears(f"<iq from='{room.of('Juliet')}' type='get' id='*'>...</iq>")
    for _ in range(15):
        romeo.sends(f"<iq type='result' to='{room.of('Juliet')}' id='{asked.get('id')}'/>")
    romeo.settles()
    juliet.settles()
    heard = [e for kind, e in juliet.events if kind == "element" and e.get("id") == "q0"]
    assert len(heard) == 10


def invitation(room, *whom, id="i"):
    invites = "".join(f"<invite to='{jid}'/>" for jid in whom)
    return f"<message to='{room}' id='{id}'><x xmlns='http://jabber.org/protocol/muc#user'>{invites}</x></message>"


def test_a_member_who_is_outside_invites_so_many_a_minute(timed):
    cast, room, romeo, _ = timed("Romeo", "Juliet")
    nurse, tybalt = cast.online("nurse", "tybalt")
    room.allows(romeo, jid=nurse.jid, affiliation="member")
    hush(romeo, nurse, tybalt)
    for i in range(21):
        nurse.sends(invitation(room, tybalt.jid, id=f"i{i}"))
    hears_refusal(nurse, room, "policy-violation", "wait", "i20")
    nurse.hears_nothing()
    tybalt.settles()
    assert len([e for kind, e in tybalt.events if kind == "element"]) == 20


def test_whom_somebody_invites_is_counted(timed):
    """A hundred a minute, in one message or in many, from inside or outside."""
    cast, room, romeo = timed("Romeo", muc={"messages": None})
    tybalt = cast.online("tybalt")
    hush(tybalt)
    romeo.sends(invitation(room, *[tybalt.jid] * 60, id="i0"), invitation(room, *[tybalt.jid] * 60, id="i1"))
    hears_refusal(romeo, room, "policy-violation", "wait", "i1")
    romeo.hears_nothing()
    tybalt.settles()
    assert len([e for kind, e in tybalt.events if kind == "element"]) == 60

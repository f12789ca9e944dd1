# SPDX-License-Identifier: MIT
"""Members who are not there: their phones are woken (muc_unread, XEP-0357, XEP-0372), their clients are
told where something was said (XEP-0437)."""
import pytest

from lib import dom, edition
from lib.room import Room, hush, made_with_rooms
from test_muc_talk import groupchat, stage  # noqa: F401
from test_push import Service, enable

pytestmark = pytest.mark.xylem
RAI = "urn:xmpp:rai:0"
REFERENCE = "urn:xmpp:reference:0"


class House:
    """A members-only room of Romeo's, a push service, and a clock in our hands."""

    def __init__(self, make_server, actors, push=True, start=True, **fields):
        self.server = made_with_rooms(make_server, test_clock=True, limits={"idle": None}, start=False,
                                      modules={"mam": True, "muc_mam": True, "push": push})
        self.renew = edition.of(self.server, "muc")
        self.server.start()
        self.cast = actors(self.server)
        self.room = Room(self.server)
        self.romeo = self.cast.online("romeo")
        self.room.opens(self.romeo, "Romeo", **{"membersonly": True, "persistentroom": True, **fields})
        self.service = Service(self.cast)
        hush(self.romeo)

    def member(self, name, nick=None, affiliation="member"):
        """Has heard of the invitation, registered for push, and gone."""
        client = self.cast.client(name).comes_online()
        named = {"nick": nick} if nick else {}
        self.room.allows(self.romeo, jid=client.jid, affiliation=affiliation, **named)
        hush(self.romeo, client)
        enable(client, self.service.full, name).ends()
        return client.jid

    def says(self, text, extra=""):
        self.romeo.sends(groupchat(self.room, f"<body>{text}</body>{extra}"))
        hush(self.romeo)

    def woken(self):
        """Whose phone is told next."""
        iq = self.service.takes()
        self.service.answers(iq)
        return iq.find("{*}pubsub/{*}publish").get("node")


@pytest.fixture
def house(make_server, actors):
    return lambda **options: House(make_server, actors, **options)


# ---- phones -----------------------------------------------------------------------------------------


def test_a_member_who_is_away_is_woken(house):
    house = house()
    house.member("juliet")
    house.says("hello")
    assert house.woken() == "juliet"
    house.service.nothing()


@pytest.mark.parametrize("affiliation", ["member", "admin", "owner"])
def test_so_are_admins_and_owners(house, affiliation):
    house = house()
    house.member("juliet", affiliation=affiliation)
    house.says("hello")
    assert house.woken() == "juliet"


def test_not_for_what_has_no_body(house):
    house = house()
    house.member("juliet")
    house.romeo.sends(groupchat(house.room, "<composing xmlns='http://jabber.org/protocol/chatstates'/>"),
                      groupchat(house.room, "<subject>s</subject>"))
    hush(house.romeo)
    house.service.nothing()


def test_not_in_an_open_room(house):
    house = house(membersonly=False)
    house.member("juliet")
    house.says("hello")
    house.service.nothing()


def test_not_who_is_in_the_room_nor_who_is_no_member(house):
    house = house()
    jid = house.member("juliet")
    house.member("tybalt", affiliation="none")
    juliet = house.cast.client("juliet", jid=jid).comes_online()
    house.room.enters(juliet, "Juliet")
    hush(house.romeo, juliet)
    house.says("hello")
    house.room.tells(juliet, "Romeo", "hello")
    house.service.nothing()
    house.room.leaves(juliet, "Juliet")
    juliet.ends()
    house.says("and again")
    assert house.woken() == "juliet"


# ---- the hook itself -----------------------------------------------------------------------------------


class Observed:
    """A members-only room of Romeo's, and an observer who is shown whom muc_unread fires for."""

    def __init__(self, make_server, actors):
        self.server = made_with_rooms(make_server, test_clock=True, limits={"idle": None}, start=False)
        observer = f"observer@{self.server.domain}"
        self.server.write_config(modules={"unread": {"observer": observer}})
        self.renew = edition.of(self.server, "muc")
        self.server.start()
        self.cast = actors(self.server)
        self.server.create("observer")
        self.observer = self.cast.client("observer", jid=observer).comes_online()
        self.room = Room(self.server)
        self.romeo = self.cast.online("romeo")
        self.room.opens(self.romeo, "Romeo", membersonly=True, persistentroom=True)

    def member(self, name, nick=None):
        jid = self.cast.account(name)
        named = {"nick": nick} if nick else {}
        self.room.allows(self.romeo, jid=jid, affiliation="member", **named)
        hush(self.romeo)
        return jid

    def says(self, text, extra=""):
        self.romeo.sends(groupchat(self.room, f"<body>{text}</body>{extra}"))
        hush(self.romeo)

    def told(self, count):
        """[(member, mentioned) …], in order: of `count` of them, and there are no more."""
        shown = [self.observer.hears("<message type='headline'>...</message>").find("{urn:xylem:test:unread}unread")
                 for _ in range(count)]
        self.observer.hears_nothing()
        return [(s.get("member"), s.get("mentioned") == "yes") for s in shown]


@pytest.fixture
def observed(make_server, actors):
    return Observed(make_server, actors)


def test_those_mentioned_come_first(observed):
    jids = [observed.member(name, name.capitalize()) for name in ("benvolio", "mercutio", "juliet", "nurse")]
    observed.says("Juliet, o Juliet!")
    told = observed.told(4)
    assert told[0] == (jids[2], True)
    assert sorted(told[1:]) == sorted((jid, False) for jid in jids if jid != jids[2])


MENTIONS = [
    ("Juliet is the sun", "", True), ("is it juliet?", "", True), ("(JULIET)", "", True), ("julietta is not", "", False),
    ("ajuliet", "", False), ("nobody", "", False),
    ("nobody", "<reference xmlns='{ns}' type='mention' uri='xmpp:{jid}'/>", True),
    ("nobody", "<reference xmlns='{ns}' type='mention' uri='xmpp:{jid}?message'/>", True),
    ("nobody", "<reference xmlns='{ns}' type='mention' uri='xmpp:{room}/Juliet'/>", True),
    ("nobody", "<reference xmlns='{ns}' type='data' uri='xmpp:{jid}'/>", False),
    ("nobody", "<reference xmlns='{ns}' type='mention' uri='https://{jid}'/>", False),
    ("nobody", "<reference xmlns='{ns}' type='mention' uri='xmpp:other@example.org'/>", False),
]


@pytest.mark.parametrize("text, extra, mentioned", MENTIONS)
def test_what_is_a_mention(observed, text, extra, mentioned):
    jid = observed.member("juliet", "Juliet")
    observed.says(text, extra.format(ns=REFERENCE, jid=jid, room=observed.room))
    assert observed.told(1) == [(jid, mentioned)]


def test_the_last_nick_stands_for_one_that_is_not_registered(observed):
    jid = observed.member("juliet")
    juliet = observed.cast.client("juliet", jid=jid).comes_online()
    observed.room.enters(juliet, "Capulet")
    observed.says("hello")
    hush(juliet)
    observed.room.leaves(juliet, "Capulet")
    juliet.ends()
    observed.says("capulet?")
    assert observed.told(1) == [(jid, True)]


def test_in_quick_succession_those_mentioned_hear_at_once_all_others_once(observed):
    juliet, nurse = observed.member("juliet", "Juliet"), observed.member("nurse", "Nurse")
    observed.says("one")
    assert sorted(observed.told(2)) == sorted([(juliet, False), (nurse, False)])
    for text in ("two", "three, Juliet", "four", "five, Nurse"):
        observed.says(text)
    assert observed.told(2) == [(juliet, True), (nurse, True)]
    observed.server.advance("6 s")
    assert observed.told(1) == [(juliet, False)]  # of five; Nurse has heard of that
    observed.server.advance("6 s")
    assert observed.told(0) == []
    observed.says("six")
    assert sorted(observed.told(2)) == sorted([(juliet, False), (nurse, False)])


def test_of_many_messages_the_last_is_told_of_too(house):
    """Whatever was held back is made up for: nobody sleeps on an unread message."""
    house = house()
    house.member("juliet")
    house.says("one")
    assert house.woken() == "juliet"
    for text in ("two", "three"):
        house.says(text)
    house.server.advance("6 s")
    house.server.advance("11 s")
    assert house.woken() == "juliet"
    house.service.nothing()


def test_what_was_held_back_outlives_a_reload(house):
    house = house()
    house.member("juliet")
    house.says("one")
    assert house.woken() == "juliet"
    house.says("two")
    house.renew()
    assert "replaced" in house.server.reload()
    house.server.advance("6 s")
    house.server.advance("11 s")
    assert house.woken() == "juliet"


def test_whom_it_mentioned_hears_of_it_once_across_a_reload(observed):
    """Told at once; what is made up for is for the others."""
    juliet, nurse = observed.member("juliet", "Juliet"), observed.member("nurse", "Nurse")
    observed.says("one")
    observed.told(2)
    observed.says("two, Nurse")
    assert observed.told(1) == [(nurse, True)]
    observed.renew()
    assert "replaced" in observed.server.reload()
    observed.server.advance("6 s")
    assert observed.told(1) == [(juliet, False)]


@pytest.mark.parametrize("content, told", [
    ("none", None), ("count", {"message-count": "1"}),
    ("body", {"message-count": "1", "last-message-body": "hello", "last-message-sender": "room/Romeo"}),
])
def test_a_notification_says_what_the_operator_allows(house, content, told):
    house = house(push={"content": content})
    house.member("juliet")
    house.says("hello")
    notification = house.service.hears("juliet")
    form = notification.find("{jabber:x:data}x")
    if told is None:
        assert form is None
        return
    said = {f.get("var"): f.findtext("{jabber:x:data}value") for f in form}
    said.pop("FORM_TYPE")
    if "last-message-sender" in told:
        told = {**told, "last-message-sender": house.room.of("Romeo")}
    assert said == told


def test_a_thousand_members_who_are_away_hold_nobody_up(make_server, stage):
    """What is said is heard long before all of them have been told."""
    server = made_with_rooms(make_server, modules={"push": True}, muc={"messages": None})
    cast, room, romeo = stage("Romeo", server=server, membersonly=True, persistentroom=True)
    jids = [f"member{i}@{server.domain}" for i in range(1000)]
    server.import_accounts(jids)
    for first in range(0, 1000, 100):
        items = "".join(f"<item affiliation='member' jid='{jid}'/>" for jid in jids[first:first + 100])
        answer = romeo.asks("set", f"<query xmlns='http://jabber.org/protocol/muc#admin'>{items}</query>", to=str(room))
        assert answer.get("type") == "result", dom.show(answer)
    hush(romeo)
    for i in range(50):
        room.says(romeo, i)
    for i in range(50):
        room.tells(romeo, "Romeo", str(i))


# ---- XEP-0437 -----------------------------------------------------------------------------------------


def watches(client, server):
    client.sends(f"<presence to='conference.{server.domain}'><rai xmlns='{RAI}'/></presence>")
    client.round_trip()


def activity(*rooms):
    inner = "".join(f"<activity>{room}</activity>" for room in rooms)
    return f"<message from='{str(rooms[0]).partition('@')[2]}'><rai xmlns='{RAI}'>{inner}</rai></message>"


@pytest.fixture
def watched(stage, make_server):
    """(cast, room, romeo, juliet): Juliet is a member and is not in the room."""

    def make(server=None, **fields):
        server = server or made_with_rooms(make_server)
        cast, room, romeo = stage("Romeo", server=server, persistentroom=True, **fields)
        juliet = cast.online("juliet")
        room.allows(romeo, jid=str(juliet), affiliation="member")
        hush(romeo, juliet)
        return cast, room, romeo, juliet

    return make


def test_0437_3_1_who_watches_is_told_once_for_each_room(watched):
    cast, room, romeo, juliet = watched()
    watches(juliet, romeo.server)
    juliet.hears_nothing()
    for text in ("one", "two"):
        room.says(romeo, text)
        hush(romeo)
    assert juliet.hears(activity(room)).get("to") == juliet.full
    juliet.hears_nothing()


def test_0437_4_what_was_said_before_comes_in_one_notice(watched):
    cast, room, romeo, juliet = watched()
    other = Room(romeo.server)
    other.opens(romeo, "Romeo")
    quiet = Room(romeo.server)
    quiet.opens(romeo, "Romeo")
    for place in (other, quiet):
        place.allows(romeo, jid=str(juliet), affiliation="member")
    hush(romeo, juliet)
    for place in (room, other):
        place.says(romeo, "missed")
        hush(romeo)
    watches(juliet, romeo.server)
    juliet.hears(activity(*sorted((room, other), key=str)))
    juliet.hears_nothing()


def test_0437_4_what_it_saw_itself_is_not_told(watched):
    cast, room, romeo, juliet = watched()
    room.says(romeo, "missed")
    hush(romeo)
    room.enters(juliet, "Juliet")
    room.says(romeo, "seen")
    hush(romeo, juliet)
    room.leaves(juliet, "Juliet")
    watches(juliet, romeo.server)
    juliet.hears_nothing()
    room.says(romeo, "missed again")
    juliet.hears(activity(room))


def test_0437_3_1_not_while_it_is_in_the_room_and_again_when_it_has_left(watched):
    cast, room, romeo, juliet = watched()
    watches(juliet, romeo.server)
    room.says(romeo, "one")
    juliet.hears(activity(room))
    room.enters(juliet, "Juliet")
    room.says(romeo, "two")
    room.tells(juliet, "Romeo", "two")
    juliet.hears_nothing()
    room.leaves(juliet, "Juliet")
    room.says(romeo, "three")
    juliet.hears(activity(room))


def test_0437_3_1_a_session_that_is_not_in_while_another_is(watched):
    cast, room, romeo, juliet = watched()
    second = cast.another(juliet)
    room.enters(second, "Juliet")
    hush(romeo, juliet, second)
    watches(juliet, romeo.server)
    room.says(romeo, "one")
    juliet.hears(activity(room))
    room.tells(second, "Romeo", "one")
    second.hears_nothing()


@pytest.mark.parametrize("how", ["presence", "end"])
def test_0437_3_2_who_does_not_watch_any_more(watched, how):
    cast, room, romeo, juliet = watched()
    watches(juliet, romeo.server)
    if how == "presence":
        juliet.sends(f"<presence to='conference.{romeo.server.domain}' type='unavailable'/>")
        juliet.round_trip()
    else:
        juliet.ends()
        juliet = cast.client("juliet", jid=juliet.jid).comes_online()
    room.says(romeo, "one")
    hush(romeo)
    juliet.hears_nothing()


def test_0437_4_nobody_hears_of_rooms_he_has_nothing_to_do_with(watched):
    cast, room, romeo, juliet = watched()
    tybalt = cast.online("tybalt")
    watches(tybalt, romeo.server)
    watches(juliet, romeo.server)
    room.allows(romeo, jid=str(juliet), affiliation="outcast")
    hush(romeo, juliet)
    room.says(romeo, "one")
    hush(romeo)
    tybalt.hears_nothing()
    juliet.hears_nothing()


def test_0437_what_was_missed_is_known_after_a_restart(watched, actors):
    cast, room, romeo, juliet = watched()
    room.says(romeo, "missed")
    hush(romeo)
    server = romeo.server
    server.restart()
    again = actors(server).client("juliet", jid=juliet.jid).comes_online()
    watches(again, server)
    again.hears(activity(room))


def test_0437_watchers_outlive_a_reload(watched, make_server):
    server = made_with_rooms(make_server, start=False)
    renew = edition.of(server, "muc")
    cast, room, romeo, juliet = watched(server=server.start())
    watches(juliet, server)
    juliet.hears_nothing()
    renew()
    assert "replaced" in server.reload()
    room.says(romeo, "one")
    hush(romeo)
    juliet.hears(activity(room))


def test_0437_a_destroyed_room_is_forgotten(watched):
    cast, room, romeo, juliet = watched()
    room.says(romeo, "missed")
    hush(romeo)
    answer = romeo.asks("set", "<query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query>", to=str(room))
    assert answer.get("type") == "result", dom.show(answer)
    watches(juliet, romeo.server)
    juliet.hears_nothing()

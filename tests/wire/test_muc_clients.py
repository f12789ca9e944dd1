# SPDX-License-Identifier: MIT
"""The clients people use, in rooms: slixmpp, gajim's library, xmpp.js and profanity join, talk, moderate
and page the archive, each with raw clients as the others; and rooms as OMEMO wants them."""
import re
from pathlib import Path

import pytest

from lib import archive, dom
from lib.people import LineClient, Profanity, XmppJs
from lib.room import ADMIN, USER, Room, codes, is_message, is_presence, item

pytestmark = [pytest.mark.xylem, pytest.mark.once]
HERE = Path(__file__).resolve().parent
OMEMO = "urn:xmpp:omemo:2"
PACKAGES = Path("/usr/lib/python3/dist-packages")


class Slixmpp(LineClient):
    def program(self):
        return ["/usr/bin/python3", str(HERE / "clients" / "slixmpp_rooms.py")]

    @staticmethod
    def missing():
        return None if (PACKAGES / "slixmpp").exists() else "slixmpp is not installed"


class Nbxmpp(LineClient):
    def program(self):
        return ["/usr/bin/python3", str(HERE / "clients" / "nbxmpp_rooms.py")]

    @staticmethod
    def missing():
        found = (PACKAGES / "nbxmpp").exists() and (PACKAGES / "gi").exists()
        return None if found else "python3-nbxmpp is not installed"


class XmppJsRooms(XmppJs):
    def program(self):
        return ["node", str(HERE / "clients" / "xmppjs" / "rooms.js")]


KINDS = {"slixmpp": Slixmpp, "nbxmpp": Nbxmpp, "xmppjs": XmppJsRooms}


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, modules={"mam": True, "muc_mam": True,
                                          "muc": {"default_config": {"members_by_default": False}}})
    yield server.start()
    server.stop()


@pytest.fixture
def person(server, cast, build, place):
    """person(kind, name): online."""
    made = []

    def make(kind, name):
        if kind.missing():
            pytest.skip(kind.missing())
        one = kind(cast.account(name), "secret", server, place, build)
        made.append(one)
        one.comes_online()
        return one
    yield make
    for one in made:
        one.cleans_up()


def obeys(person, line):
    """A command, and that it was done."""
    person.does(line)
    person.hears(rf"done {line.split()[0]}")


def next_presence(client, sender, kind=None):
    """Passes over what others do meanwhile."""
    while True:
        element = client.next_element()
        if is_presence(element) and element.get("from") == sender and element.get("type") == kind:
            return element


def next_message(client, path):
    while True:
        element = client.next_element()
        if is_message(element) and dom.find(element, path) is not None:
            return element


def text(client):
    return dom.find(next_message(client, "client:body"), "client:body").text


@pytest.mark.parametrize("kind", KINDS)
def test_it_founds_a_room_talks_and_moderates(person, cast, server, kind):
    """Creation and configuration, voice, topic, kick and ban, a direct invitation, the archive."""
    romeo, room = person(KINDS[kind], "romeo"), Room(server)
    juliet, nurse = cast("juliet", "nurse")
    obeys(romeo, f"join {room} Romeo")
    romeo.hears(rf"occupant {room}/Romeo owner moderator {romeo}/\S+")
    obeys(romeo, f"configure {room} persistentroom=1 moderatedroom=1")
    assert room.enters(juliet, "Juliet").codes == {110, 170}
    romeo.hears(rf"occupant {room}/Juliet none visitor {juliet.full}")
    juliet.sends(f"<message to='{room}' type='groupchat'><body>no voice</body></message>")
    assert dom.find(next_message(juliet, "client:error"), "client:error/stanzas:forbidden") is not None
    obeys(romeo, f"role {room} Juliet participant")
    assert item(next_presence(juliet, room.of("Juliet"))).get("role") == "participant"
    juliet.sends(f"<message to='{room}' type='groupchat'><body>Good pilgrim</body></message>")
    romeo.hears(f"said {room}/Juliet Good pilgrim")
    obeys(romeo, f"say {room} Have not saints lips")
    romeo.hears(f"said {room}/Romeo Have not saints lips")
    assert [text(juliet), text(juliet)] == ["Good pilgrim", "Have not saints lips"]
    obeys(romeo, f"topic {room} A feast")
    romeo.hears(f"topic {room} A feast")
    assert dom.find(next_message(juliet, "client:subject"), "client:subject").text == "A feast"
    obeys(romeo, f"role {room} Juliet none")
    romeo.hears(f"gone {room}/Juliet 307")
    assert codes(next_presence(juliet, room.of("Juliet"), "unavailable")) == {110, 307}
    room.enters(juliet, "Juliet", x="<history maxchars='0'/>")
    obeys(romeo, f"affiliate {room} {juliet} outcast")
    romeo.hears(f"gone {room}/Juliet 301")
    assert codes(next_presence(juliet, room.of("Juliet"), "unavailable")) == {110, 301}
    room.is_refused(juliet, "Juliet", "forbidden")
    obeys(romeo, f"invite {room} {nurse}")
    assert next_message(nurse, "{jabber:x:conference}x").find("{jabber:x:conference}x").get("jid") == str(room)
    obeys(romeo, f"archive {room}")
    romeo.hears("archive complete")
    romeo.has_said(f"archived {room}/Juliet Good pilgrim", f"archived {room}/Romeo Have not saints lips",
                   "archive complete")
    obeys(romeo, f"part {room}")
    romeo.goes_away()


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_a_guest(person, cast, server, kind):
    """Into a room with people, a history and a subject; sees them leave, is kicked, is refused."""
    room, tybalt = Room(server), cast("tybalt")
    room.opens(tybalt, "Tybalt")
    tybalt.sends(f"<message to='{room}' type='groupchat'><subject>Peace?</subject></message>")
    romeo = person(KINDS[kind], "romeo")
    obeys(romeo, f"join {room} Romeo")
    romeo.hears(rf"occupant {room}/Tybalt owner moderator -")
    romeo.hears(f"topic {room} Peace\\?")
    next_presence(tybalt, room.of("Romeo"))
    tybalt.sends(f"<presence to='{room.of('Prince')}'/>")
    romeo.hears(f"gone {room}/Tybalt 303")
    romeo.hears(rf"occupant {room}/Prince owner moderator -")
    tybalt.sends(f"<iq type='set' id='k' to='{room}'><query xmlns='{ADMIN}'><item nick='Romeo' role='none'/></query></iq>")
    romeo.hears(f"gone {room}/Romeo 110,307")
    tybalt.sends(f"<iq type='set' id='b' to='{room}'><query xmlns='{ADMIN}'>"
                 f"<item jid='{romeo}' affiliation='outcast'/></query></iq>")
    tybalt.settles()
    romeo.does(f"join {room} Romeo")
    romeo.hears("failed join forbidden")
    romeo.goes_away()


@pytest.mark.parametrize("kind", KINDS)
def test_a_room_as_omemo_wants_it(person, cast, server, kind):
    """XEP-0384 5.8: members-only and non-anonymous; members know all members, offline too, and everybody's real
    JID; what is encrypted passes and is archived as it is."""
    room, (tybalt, nurse) = Room(server), cast("tybalt", "nurse")
    romeo = person(KINDS[kind], "romeo")
    obeys(romeo, f"join {room} Romeo")
    obeys(romeo, f"configure {room} persistentroom=1 membersonly=1 whois=anyone")
    room.is_refused(tybalt, "Tybalt", "registration-required")
    obeys(romeo, f"affiliate {room} {tybalt} member")
    obeys(romeo, f"affiliate {room} {nurse} member")
    tybalt.settles()
    tybalt.events.clear()
    seen = room.enters(tybalt, "Tybalt")
    assert seen.codes == {100, 110, 170}
    assert item(seen.others["Romeo"]).get("jid", "").startswith(f"{romeo}/")
    romeo.hears(f"occupant {room}/Tybalt member participant {tybalt.full}")
    answer = tybalt.asks("get", f"<query xmlns='{ADMIN}'><item affiliation='member'/></query>", to=room)
    assert {i.get("jid") for i in answer[0]} == {str(tybalt), str(nurse)}, dom.show(answer)
    for which, members in (("member", [tybalt, nurse]), ("owner", [romeo])):
        obeys(romeo, f"affiliations {room} {which}")
        for jid in members:
            romeo.hears(f"affiliated {jid}")
    obeys(romeo, f"encrypt {room} Q0lQSEVS")
    heard = next_message(tybalt, f"{{{OMEMO}}}encrypted").find(f"{{{OMEMO}}}encrypted")
    sent = dom.parse(f"<encrypted xmlns='{OMEMO}'><header sid='27183'/><payload>Q0lQSEVS</payload></encrypted>")
    assert dom.match(sent, heard, top=False) is None, dom.show(heard)
    tybalt.sends(f"<message to='{room}' type='groupchat'><body>OMEMO</body><encrypted xmlns='{OMEMO}'><header sid='31415'/>"
                 f"<payload>TU9SRQ==</payload></encrypted></message>")
    romeo.hears(f"encrypted {room}/Tybalt TU9SRQ==")
    kept = archive.everything(tybalt, to=room)
    assert [dom.find(r.message, f"{{{OMEMO}}}encrypted/{{{OMEMO}}}payload").text for r in kept] == ["Q0lQSEVS", "TU9SRQ=="]
    assert dom.match(sent, kept[0].message.find(f"{{{OMEMO}}}encrypted"), top=False) is None
    assert dom.find(kept[0].message, f"{{{USER}}}x/{{{USER}}}item").get("jid", "").startswith(str(romeo))
    obeys(romeo, f"archive {room}")
    romeo.hears("archive complete")
    romeo.has_said(f"archived {room}/Romeo Q0lQSEVS", f"archived {room}/Tybalt TU9SRQ==")
    romeo.goes_away()


class TestProfanity:
    """In a terminal, by its own commands."""

    @pytest.fixture
    def romeo(self, person):
        return person(Profanity, "romeo")

    def test_joins_talks_and_moderates(self, romeo, cast, server):
        room, juliet = Room(server), cast("juliet")
        romeo.types(f"/join {room} nick Romeo")
        romeo.screen_shows(r"locked|requires configuration|room config accept")
        romeo.types("/room accept")
        romeo.screen_shows(r"unlocked")
        room.enters(juliet, "Juliet")
        romeo.screen_shows(r"Juliet")
        juliet.sends(f"<message to='{room}' type='groupchat'><body>Good pilgrim</body></message>")
        romeo.screen_shows(r"Juliet: Good pilgrim")
        romeo.types("Have not saints lips")
        assert [text(juliet), text(juliet)] == ["Good pilgrim", "Have not saints lips"]
        romeo.types("/subject set \"A feast\"")
        assert dom.find(next_message(juliet, "client:subject"), "client:subject").text == "A feast"
        romeo.screen_shows(r"A feast")
        romeo.types("/kick Juliet \"too bold\"")
        gone = next_presence(juliet, room.of("Juliet"), "unavailable")
        assert codes(gone) == {110, 307}
        romeo.screen_shows(r"Juliet has been kicked")
        room.enters(juliet, "Juliet", x="<history maxchars='0'/>")
        romeo.types(f"/affiliation set outcast {juliet}")
        assert codes(next_presence(juliet, room.of("Juliet"), "unavailable")) == {110, 301}
        room.is_refused(juliet, "Juliet", "forbidden")
        romeo.goes_away()

    def test_configures_a_room(self, romeo, cast, server):
        room, juliet = Room(server), cast("juliet")
        romeo.types(f"/join {room} nick Romeo")
        romeo.screen_shows(r"locked|requires configuration")
        romeo.types("/room config")
        romeo.screen_shows(r"muc#roomconfig_|Form Type|Configuration")
        shown = romeo.screen()
        tag = re.search(r"\[(field\d+)\][^\n]*Let only those speak", shown)
        assert tag, shown
        romeo.types(f"/{tag.group(1)} on")
        romeo.types("/form submit")
        romeo.screen_shows(r"(?i)configuration (successful|submitted|accepted)|unlocked|configuration changed")
        seen = room.enters(juliet, "Juliet")
        assert item(seen.own).get("role") == "visitor"
        romeo.goes_away()

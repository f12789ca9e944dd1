# SPDX-License-Identifier: MIT
"""Affiliations over time: versions of the lists (XEP-0463), what happens when an account goes, how many there may be."""
import pytest

from lib import dom
from lib.council import (asks_list, change, condition, destroys, gathers, item, changes, jids, room, shared_server, stands,
                         submits)
from lib.room import USER, Room, hush, is_message, is_presence, made_with_rooms

pytestmark = pytest.mark.xylem
assert room and shared_server

MAV = "urn:xmpp:muc:affiliations:1"


def asked(since=None):
    return f"<mav xmlns='{MAV}'" + (f" since='{since}'" if since else "") + "/>"


def mav(element):
    found = element.find(f"{{{USER}}}x").findall(f"{{{MAV}}}mav")
    assert len(found) <= 1, dom.show(element)
    return found[0] if found else None


def enters(room, client, nick, since=None):
    """Joins asking for the lists: ([message of them …], what follows it as Entered)."""
    room.asks_in(client, nick, x=asked(since))
    told = []
    while True:
        got = client.next_element()
        if is_presence(got):
            client.events.insert(0, ("element", got))
            return told, room.hears_entry(client, nick)
        assert is_message(got) and got.get("from") == str(room), dom.show(got)
        told.append(got)


def items(message):
    return {i.get("jid"): i.get("affiliation") for i in message.find(f"{{{USER}}}x").findall(f"{{{USER}}}item")}


def version(seen):
    """Of the self-presence."""
    found = mav(seen.own)
    assert found is not None and found.get("since") is None
    return found.get("until")


@pytest.fixture
def known(cast, room):
    """A non-anonymous room with an admin, a member and somebody banned: (romeo, juliet a member)."""
    romeo, juliet = gathers(cast, room, "romeo", "juliet", whois="anyone")
    stands(room, romeo, juliet, "member")
    room.allows(romeo, jid="nurse@elsewhere.test", affiliation="admin")
    room.allows(romeo, jid="paris@elsewhere.test", affiliation="outcast")
    hush(romeo, juliet)
    return romeo, juliet


def test_feature(cast, room):
    romeo = gathers(cast, room, "romeo")[0]
    info = romeo.asks("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=room)
    assert MAV in [f.get("var") for f in info.iter("{http://jabber.org/protocol/disco#info}feature")]


def test_everything_at_first(cast, room, known):
    """Before any presence; what one may read, and the version it is of. Nobody else hears of the request."""
    romeo, juliet = known
    phone = cast.another(juliet)
    told, seen = enters(room, phone, "Julia")
    assert [items(m) for m in told] == [{str(romeo): "owner", str(juliet): "member", "nurse@elsewhere.test": "admin"}]
    assert mav(told[0]).get("since") is None and mav(told[0]).get("until") == version(seen)
    assert mav(room.shows(romeo, "Julia")) is None
    desk = cast.another(romeo)
    told, seen = enters(room, desk, "Desk")
    assert items(told[0])["paris@elsewhere.test"] == "outcast"


def test_nothing_new(cast, room, known):
    """No message for the current version."""
    romeo, juliet = known
    phone = cast.another(juliet)
    until = version(enters(room, phone, "Julia")[1])
    room.leaves(phone, "Julia")
    told, seen = enters(room, phone, "Julia", since=until)
    assert told == [] and version(seen) == until


def test_what_changed(cast, room, known):
    romeo, juliet = known
    phone = cast.another(juliet)
    before = version(enters(room, phone, "Julia")[1])
    room.leaves(phone, "Julia")
    room.allows(romeo, jid="friar@elsewhere.test", affiliation="member")
    room.allows(romeo, jid="nurse@elsewhere.test", affiliation="owner")
    told, seen = enters(room, phone, "Julia", since=before)
    assert [items(m) for m in told] == [{"friar@elsewhere.test": "member", "nurse@elsewhere.test": "owner"}]
    assert mav(told[0]).get("since") == before and mav(told[0]).get("until") == version(seen) != before


def test_nobody_who_left_the_lists_is_named(cast, room, known):
    """XEP-0463 4: past states are not disclosed; the whole is sent."""
    romeo, juliet = known
    phone = cast.another(juliet)
    before = version(enters(room, phone, "Julia")[1])
    room.leaves(phone, "Julia")
    room.allows(romeo, jid="friar@elsewhere.test", affiliation="member")
    room.allows(romeo, jid="friar@elsewhere.test", affiliation="none")
    told, seen = enters(room, phone, "Julia", since=before)
    assert [items(m) for m in told] == [{str(romeo): "owner", str(juliet): "member", "nurse@elsewhere.test": "admin"}]
    assert mav(told[0]).get("since") is None


def test_member_banned_meanwhile(cast, room, known):
    """Bans are not for members to read."""
    romeo, juliet = known
    phone = cast.another(juliet)
    before = version(enters(room, phone, "Julia")[1])
    room.leaves(phone, "Julia")
    room.allows(romeo, jid="nurse@elsewhere.test", affiliation="outcast")
    room.allows(romeo, jid="tybalt@elsewhere.test", affiliation="outcast")
    told, seen = enters(room, phone, "Julia", since=before)
    assert [items(m) for m in told] == [{str(romeo): "owner", str(juliet): "member"}]


@pytest.mark.parametrize("since", ["nonsense", "0-0", "1-ffffffffffffffffffff", "-", "x" * 3000])
def test_unknown_version(cast, room, known, since):
    romeo, juliet = known
    told, seen = enters(room, cast.another(juliet), "Julia", since=since)
    assert len(told) == 1 and mav(told[0]).get("since") is None and len(items(told[0])) == 3


def test_version_of_a_former_room(cast, room, known):
    """A room of the same name is another room."""
    romeo, juliet = known
    before = version(enters(room, cast.another(romeo), "Desk")[1])
    assert condition(destroys(room, romeo)) is None
    hush(romeo, juliet)
    room.opens(romeo, "Romeo", whois="anyone")
    told, seen = enters(room, cast.another(romeo), "Desk", since=before)
    assert [items(m) for m in told] == [{str(romeo): "owner"}]


@pytest.mark.parametrize("config", [{"whois": "moderators"}, {"whois": "anyone", "getmemberlist": ["moderator"]}])
def test_who_may_not_read_the_lists(cast, room, config):
    """forbidden, and no version; one enters nevertheless."""
    romeo, juliet = gathers(cast, room, "romeo", **config)[0], cast("juliet")
    stands(room, romeo, juliet, "member")
    told, seen = enters(room, juliet, "Juliet")
    error = dom.find(told[0], "client:error")
    assert len(told) == 1 and told[0].get("type") == "error" and error.get("type") == "auth"
    assert dom.find(error, "stanzas:forbidden") is not None and mav(seen.own) is None


def test_changes_say_versions(cast, room, known):
    """Each broadcast leads from one version to the next, the next newcomer has the last."""
    romeo, juliet = known
    phone = cast.another(juliet)
    at = version(enters(room, phone, "Julia")[1])
    room.allows(romeo, jid=juliet, affiliation="admin")
    for name in ("Juliet", "Julia"):
        told = mav(room.shows(phone, name, affiliation="admin"))
        assert told.get("since") == at
    at = told.get("until")
    room.allows(romeo, jid="friar@elsewhere.test", affiliation="member")
    got = phone.next_element()
    assert is_message(got) and items(got) == {"friar@elsewhere.test": "member"} and mav(got).get("since") == at
    at = mav(got).get("until")
    room.allows(romeo, jid=juliet, affiliation="outcast")
    gone = room.loses(phone, "Juliet", codes={301}, affiliation="outcast")
    assert mav(gone).get("since") == at
    assert version(enters(room, cast.another(romeo), "Desk")[1]) == mav(gone).get("until")


def test_a_role_is_no_version(cast, room, known):
    romeo, juliet = known
    room.allows(romeo, nick="Juliet", role="moderator")
    assert mav(room.shows(juliet, "Juliet", role="moderator")) is None


def test_newcomers_see_no_old_changes(cast, room, known):
    """What is kept of a presence has no version in it."""
    romeo, juliet = known
    room.allows(romeo, jid=juliet, affiliation="admin")
    seen = room.enters(cast("nurse"), "Nurse")
    assert mav(seen.others["Juliet"]) is None and mav(seen.others["Romeo"]) is None


def test_long_lists_come_in_parts(cast, room):
    """Each part goes on from the version of the one before."""
    romeo = gathers(cast, room, "romeo", whois="anyone")[0]
    people = [f"member{n}@elsewhere.test" for n in range(250)]
    for at in range(0, len(people), 50):
        assert condition(changes(room, romeo, *(item(jid=p, affiliation="member") for p in people[at:at + 50]))) is None
    told, seen = enters(room, cast.another(romeo), "Desk")
    assert len(told) > 2
    found = {}
    for message in told:
        found.update(items(message))
    assert found == {str(romeo): "owner", **{p: "member" for p in people}}
    versions = [(mav(m).get("since"), mav(m).get("until")) for m in told]
    assert versions[0][0] is None and versions[-1][1] == version(seen)
    assert [since for since, _ in versions[1:]] == [until for _, until in versions[:-1]]
    rest, _ = enters(room, cast.another(romeo), "Sofa", since=versions[0][1])
    assert [items(m) for m in rest] == [items(m) for m in told[1:]]


# ---- limits and accounts -------------------------------------------------------------------------------


def test_max_affiliations(make_server, actors):
    """resource-constraint beyond; changing or removing is always possible."""
    server = made_with_rooms(make_server, muc={"max_affiliations": 3})
    romeo, hall = actors(server)("romeo"), Room(server)
    hall.opens(romeo, "Romeo")
    for n in range(2):
        hall.allows(romeo, jid=f"p{n}@elsewhere.test", affiliation="member")
    assert condition(change(hall, romeo, jid="p2@elsewhere.test", affiliation="outcast")) == "resource-constraint"
    assert condition(submits(hall, romeo, roomadmins=["p2@elsewhere.test"])) == "resource-constraint"
    hall.allows(romeo, jid="p1@elsewhere.test", affiliation="admin")
    hall.allows(romeo, jid="p0@elsewhere.test", affiliation="none")
    hall.allows(romeo, jid="p2@elsewhere.test", affiliation="outcast")


def test_deleted_account_is_nothing_to_any_room(make_server, actors):
    """Neither owner nor member nor bearer of a nick, and whoever comes by that name is not either."""
    server = made_with_rooms(make_server)
    cast = actors(server)
    romeo, juliet = cast("romeo", "juliet")
    owned, joined = Room(server), Room(server)
    owned.opens(juliet, "Juliet", persistentroom=True)
    joined.opens(romeo, "Romeo", whois="anyone")
    joined.allows(romeo, jid=juliet, affiliation="member", nick="Capulet")
    joined.enters(juliet, "Capulet")
    hush(romeo)
    server.ctl("user", "delete", str(juliet))
    joined.loses(romeo, "Capulet", affiliation="member")
    got = romeo.next_element()  # not there any more when the affiliation goes
    assert is_message(got) and items(got) == {str(juliet): "none"}
    assert jids(joined, romeo, "member") == []
    server.create(juliet.local)
    again = cast.online("juliet", jid=str(juliet))
    assert condition(asks_list(owned, again, affiliation="outcast")) == "forbidden"
    assert owned.enters(again, "Juliet").own.find(f"{{{USER}}}x/{{{USER}}}item").get("affiliation") == "none"

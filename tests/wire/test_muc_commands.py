# SPDX-License-Identifier: MIT
"""xylemctl room …: what an operator does with rooms, what people in them see of it, what it costs."""
import json
import re

import pytest

from lib import dom
from lib.house import *  # noqa: F403
from lib.room import Room, codes, hats, hush, reason

pytestmark = pytest.mark.xylem


def fails(house, status, text, *words):
    """Exit code and a sentence that says why."""
    answer = house.asks("room", *words)
    assert answer["exit"] == status and re.search(text, answer.get("error", "")), answer


def settings(house, room):
    return {row["setting"]: row["value"] for row in house.ctl("room", "config", room)["rows"]}


def listed(house, *filters):
    return [row["room"].split("@")[0] for row in house.ctl("room", "list", *filters)["rows"]]


def config_changed(client, room, *also):
    got = client.next_element()
    assert got.get("from") == str(room) and got.get("type") == "groupchat", dom.show(got)
    assert 104 in codes(got) and set(also) <= codes(got), dom.show(got)


# ---- create, destroy ----------------------------------------------------------------------------------


def test_a_room_is_made_and_there_to_enter(house):
    romeo, juliet = house.cast("romeo", "juliet")
    room = Room(house.server)
    assert house.ctl("room", "create", room, "name=The Balcony", "members_only=on", "--owner", romeo)["fields"] == {
        "room": str(room)}
    assert 201 not in room.enters(romeo, "Romeo").codes  # it was there, and is not locked
    room.is_refused(juliet, "Juliet", "registration-required")
    shown = house.ctl("room", "show", room)["fields"]
    assert (shown["name"], shown["members_only"], shown["persistent"], shown["owners"]) == ("The Balcony", True, True, 1)


def test_it_outlives_those_in_it_unless_told_otherwise(house):
    romeo = house.cast("romeo")
    lasting, passing = house.room(), house.room("persistent=off")
    for room in (lasting, passing):
        room.enters(romeo, "Romeo")
        hush(romeo)
        room.leaves(romeo, "Romeo")
    house.ctl("room", "show", lasting)
    fails(house, 3, "there is no room", "show", passing)


def test_the_local_part_is_enough(house):
    house.ctl("room", "create", "Cellar")
    assert house.ctl("room", "show", f"cellar@{house.service}")["fields"]["room"] == f"cellar@{house.service}"
    fails(house, 4, "there is a room .* already", "create", "cellar")


@pytest.mark.parametrize("name,why", [
    ("a@elsewhere.test", "is not a room of conference.xylem.test"), ("@", "is not the address of a room"),
    ("a b", "is not the address of a room"), ("", "is not the address of a room")])
def test_addresses_that_are_none(house, name, why):
    for command in ("create", "show", "config", "destroy", "affiliations", "hats"):
        fails(house, 2, why, command, name)
    fails(house, 2, why, "history", name, "--reason", "it")


def test_nothing_remains_of_a_creation_that_failed(house):
    room = Room(house.server)
    fails(house, 2, "there is no setting `colour`; there are: name, ", "create", room, "colour=red")
    fails(house, 2, "whois: .*`nobody`", "create", room, "whois=nobody")
    fails(house, 2, "of the form NAME=VALUE", "create", room, "red")
    fails(house, 2, "is not a JID", "create", room, "--owner", "@")
    fails(house, 3, "there is no room", "show", room)
    assert str(room) not in [row["room"] for row in house.ctl("room", "list")["rows"]]


def test_a_room_is_destroyed(house):
    romeo, juliet = house.cast("romeo", "juliet")
    room, other = house.room(owner=romeo), house.room()
    room.enters(romeo, "Romeo")
    room.enters(juliet, "Juliet")
    hush(romeo, juliet)
    answer = house.ctl("room", "destroy", room, "--alternate", other, "--reason", "We moved")
    assert answer["fields"] == {"destroyed": str(room), "occupants": 2}
    for who, nick in ((romeo, "Romeo"), (juliet, "Juliet")):
        got = room.loses(who, nick, codes={110}, affiliation="none")
        destroy = got.find("*/{http://jabber.org/protocol/muc#user}destroy")
        assert destroy.get("jid") == str(other) and destroy[0].text == "We moved", dom.show(got)
    fails(house, 3, "there is no room", "destroy", room)
    assert 201 in room.enters(juliet, "Juliet").codes


# ---- list, show, stats -----------------------------------------------------------------------------------


def test_lists(own_house):
    house = own_house()
    romeo, juliet = house.cast("romeo", "juliet")
    rooms = [house.room("public=off", name=f"list{n}") for n in range(5)]
    rooms[1].enters(romeo, "Romeo")
    rooms[3].enters(romeo, "Romeo")
    rooms[3].enters(juliet, "Juliet")
    names = [f"list{n}" for n in range(5)]
    assert listed(house) == names
    assert listed(house, "--empty") == ["list0", "list2", "list4"]
    assert listed(house, "--larger-than", "0") == ["list1", "list3"]
    assert listed(house, "--larger-than", "1") == ["list3"]
    assert listed(house, "--larger-than", "2") == []
    one = house.ctl("room", "list", "--limit", "2")
    assert [r["room"] for r in one["rows"]] == [str(r) for r in rooms[:2]] and "more" in one["notes"][0]
    last = house.ctl("room", "list", "--limit", "3", "--after", one["rows"][-1]["room"])
    assert [r["room"] for r in last["rows"]] == [str(r) for r in rooms[2:]] and not last["notes"]
    assert listed(house, "--after", "list1", "--larger-than", "0") == ["list3"]
    assert listed(house, "--empty", "--limit", "1", "--after", "list0") == ["list2"]
    row = house.ctl("room", "list", "--after", "list2", "--limit", "1")["rows"][0]
    assert row.pop("created").endswith("Z")
    assert row == {"room": str(rooms[3]), "name": "list3", "occupants": 2, "persistent": True, "public": False,
                   "members_only": False, "password": False}


def test_list_arguments_that_make_no_sense(house):
    fails(house, 2, "--limit must be a number", "list", "--limit", "0")
    fails(house, 2, "--larger-than must be a number", "list", "--larger-than", "x")
    fails(house, 2, "--after", "list", "--after", "@")


def test_what_a_room_is_and_who_is_in_it(house):
    romeo, juliet, again = house.cast("romeo", "juliet", "nurse")
    room = house.room("description=Of tears", "password=secret", "whois=anyone", "moderated=on", owner=romeo)
    room.enters(romeo, "Romeo", password="secret")
    other = house.cast.another(romeo)
    room.enters(other, "Romeo", password="secret")
    room.enters(juliet, "Juliet", password="secret")
    house.ctl("room", "affiliation", room, again, "outcast")
    answer = house.ctl("room", "show", room)
    shown = answer["fields"]
    assert {k: shown[k] for k in ("room", "description", "password", "real_jids_seen_by", "moderated", "occupants",
                                  "clients", "owners", "admins", "members", "outcasts", "waits_for_its_owner")} == {
        "room": str(room), "description": "Of tears", "password": True, "real_jids_seen_by": "anyone",
        "moderated": True, "occupants": 2, "clients": 3, "owners": 1, "admins": 0, "members": 0, "outcasts": 1,
        "waits_for_its_owner": False}
    assert [(r["nick"], r["jid"], r["role"], r["affiliation"]) for r in answer["rows"]] == [
        ("Romeo", romeo.full, "moderator", "owner"), ("Romeo", other.full, "moderator", "owner"),
        ("Juliet", juliet.full, "visitor", "none")]
    assert "secret" not in json.dumps(answer) + json.dumps(house.ctl("room", "config", room))


def test_a_room_its_owner_has_not_configured(house):
    romeo = house.cast("romeo")
    room = Room(house.server)
    assert 201 in room.enters(romeo, "Romeo").codes
    assert house.ctl("room", "show", room)["fields"]["waits_for_its_owner"] is True


def test_stats_and_gauges(own_house):
    house = own_house()
    romeo, juliet = house.cast("romeo", "juliet")
    rooms = [house.room("public=off" if n else "public=on") for n in range(3)]
    rooms[0].enters(romeo, "Romeo")
    rooms[0].enters(juliet, "Juliet")
    rooms[1].enters(juliet, "Juliet")
    rooms[1].enters(house.cast.another(juliet), "Juliet")
    assert house.ctl("room", "stats")["fields"] == {
        "service": house.service, "rooms": 3, "public": 1, "in_memory": 2, "with_occupants": 2, "occupants": 3,
        "clients": 4, "most_occupants": 2}
    counted = {r["metric"].split("@")[0]: r["value"] for r in house.ctl("metrics", "muc")["rows"] if
               "@verona" not in r["metric"]}
    assert (counted["muc.rooms"], counted["muc.occupants"], counted["muc.clients"]) == (2, 3, 4)
    assert (counted["muc.created"], counted["muc.joined"]) == (3, 4)
    house.ctl("room", "kick", rooms[0], "Romeo")
    counted = {r["metric"].split("@")[0]: r["value"] for r in house.ctl("metrics", "muc")["rows"] if
               "@verona" not in r["metric"]}
    assert (counted["muc.occupants"], counted["muc.kicked"]) == (2, 1)


def test_every_host_has_rooms_of_its_own(house):
    house.ctl("room", "create", "twin@conference.xylem.test")
    house.ctl("room", "create", "twin@conference.verona.test", "name=The other")
    assert house.ctl("room", "show", "twin@conference.verona.test")["fields"]["name"] == "The other"
    assert house.ctl("room", "show", "twin@conference.xylem.test")["fields"]["name"] == "twin"
    assert "twin@conference.verona.test" in [
        row["room"] for row in house.ctl("room", "list", "--host", "verona.test")["rows"]]
    assert house.ctl("room", "stats", "--host", "verona.test")["fields"]["service"] == "conference.verona.test"


# ---- config -----------------------------------------------------------------------------------------------


def test_settings_are_shown_and_changed(house):
    romeo = house.cast("romeo")
    room = house.room()
    room.enters(romeo, "Romeo")
    hush(romeo)
    before = settings(house, room)
    assert (before["name"], before["members_only"], before["whois"], before["history"]) == ("", "off", "moderators", "25")
    after = {r["setting"]: r["value"] for r in house.ctl(
        "room", "config", room, "name=A Room With", "A View", "whois=anyone", "history=3", "description=x")["rows"]}
    assert after == settings(house, room) == {
        **before, "name": "A Room With A View", "whois": "anyone", "history": "3", "description": "x"}
    config_changed(romeo, room, 172)
    house.ctl("room", "config", room, "description=", "name=")
    assert settings(house, room) == {**before, "whois": "anyone", "history": "3"}


def test_settings_that_make_no_sense_change_nothing(house):
    room = house.room("name=Before")
    before = settings(house, room)
    fails(house, 2, "there is no setting `nam`", "config", room, "name=After", "nam=x")
    fails(house, 2, "history", "config", room, "name=After", "history=-1")
    fails(house, 2, "persistent", "config", room, "name=After", "persistent=perhaps")
    fails(house, 2, "name has at most", "config", room, "name=" + "x" * 1001)
    fails(house, 3, "there is no room", "config", f"nowhere@{house.service}", "name=x")
    assert settings(house, room) == before


def test_members_only_puts_others_out(house):
    romeo, juliet = house.cast("romeo", "juliet")
    room = house.room(owner=romeo)
    room.enters(juliet, "Juliet")
    hush(juliet)
    house.ctl("room", "config", room, "members_only=on")
    juliet.settles()
    left = [e for _, e in juliet.events if e.get("type") == "unavailable"]
    assert len(left) == 1 and 322 in codes(left[0]), juliet.dialogue()


def test_contacts_are_a_list(house):
    room = house.room("contacts=a@xylem.test, b@xylem.test")
    assert settings(house, room)["contacts"].split() == ["a@xylem.test", "b@xylem.test"]


# ---- people --------------------------------------------------------------------------------------------------


def test_affiliations(house):
    romeo, juliet, nurse = house.cast("romeo", "juliet", "nurse")
    room = house.room(owner=romeo)
    room.enters(juliet, "Juliet")
    hush(juliet)
    answer = house.ctl("room", "affiliation", room, juliet.full, "admin", "--reason", "Trusted")
    assert answer["fields"] == {"jid": juliet.jid, "affiliation": "admin", "nick": "", "reason": "Trusted"}
    got = room.shows(juliet, "Juliet", affiliation="admin", role="moderator")
    assert reason(got) == "Trusted"
    house.ctl("room", "affiliation", room, nurse, "outcast")
    rows = lambda *which: [(r["jid"], r["affiliation"]) for r in house.ctl("room", "affiliations", room, *which)["rows"]]
    assert rows() == [(romeo.jid, "owner"), (juliet.jid, "admin"), (nurse.jid, "outcast")]
    assert rows("--affiliation", "admin") == [(juliet.jid, "admin")]
    assert rows("--affiliation", "member") == []
    assert house.ctl("room", "affiliation", room, nurse)["fields"]["affiliation"] == "outcast"
    house.ctl("room", "affiliation", room, nurse, "none")
    assert rows() == [(romeo.jid, "owner"), (juliet.jid, "admin")]
    assert house.ctl("room", "affiliation", room, nurse)["fields"]["affiliation"] == "none"


def test_an_outcast_is_put_out(house):
    juliet = house.cast("juliet")
    room = house.room()
    room.enters(juliet, "Juliet")
    hush(juliet)
    house.ctl("room", "affiliation", room, juliet, "outcast", "--reason", "Rude")
    assert reason(room.loses(juliet, "Juliet", codes={110, 301}, affiliation="outcast")) == "Rude"
    room.is_refused(juliet, "Juliet", "forbidden")


def test_a_room_without_owner_is_remarked(house):
    romeo = house.cast.connected("romeo")
    room = house.room(owner=romeo)
    assert "no owner" in house.ctl("room", "affiliation", room, romeo, "none")["notes"][0]
    assert not house.ctl("room", "affiliation", room, romeo, "owner")["notes"]


def test_affiliations_that_make_no_sense(house):
    room = house.room()
    fails(house, 2, "none of owner, admin, member, none and outcast", "affiliation", room, "a@b.test", "king")
    fails(house, 2, "none of owner", "affiliations", room, "--affiliation", "king")
    fails(house, 2, "has no name before the @", "affiliation", room, "b.test", "member")
    fails(house, 2, "is not a JID", "affiliation", room, "@", "member")
    fails(house, 3, "there is no room", "affiliation", f"nowhere@{house.service}", "a@b.test", "member")


def test_somebody_is_put_out_and_may_come_back(house):
    romeo, juliet = house.cast("romeo", "juliet")
    room = house.room()
    room.enters(romeo, "Romeo")
    room.enters(juliet, "Juliet the second")
    hush(romeo, juliet)
    answer = house.ctl("room", "kick", room, "Juliet", "the", "second", "--reason", "Time")
    assert answer["fields"] == {"kicked": "Juliet the second", "jid": juliet.full}
    assert reason(room.loses(juliet, "Juliet the second", codes={110, 307})) == "Time"
    room.loses(romeo, "Juliet the second", codes={307})
    room.enters(juliet, "Juliet")
    fails(house, 3, "nobody in .* is called `Nurse`", "kick", room, "Nurse")


def test_the_last_one_kicked_takes_a_temporary_room_along(house):
    juliet = house.cast("juliet")
    room = house.room("persistent=off")
    room.enters(juliet, "Juliet")
    house.ctl("room", "kick", room, "Juliet")
    fails(house, 3, "there is no room", "show", room)


# ---- history -----------------------------------------------------------------------------------------------------


def test_history_is_read_in_pages_and_recorded(house):
    romeo = house.cast("romeo")
    room = house.room()
    room.enters(romeo, "Romeo")
    for n in range(5):
        room.says(romeo, f"line {n}")
        room.tells(romeo, "Romeo", f"line {n}")
    one = house.ctl("room", "history", room, "--limit", "2", "--reason", "a complaint")
    assert [(r["nick"], r["author"], r["text"]) for r in one["rows"]] == [
        ("Romeo", romeo.jid, "line 3"), ("Romeo", romeo.jid, "line 4")]
    assert "older" in one["notes"][0]
    two = house.ctl("room", "history", room, "--before", one["rows"][0]["id"], "--reason", "it")
    assert [r["text"] for r in two["rows"]] == ["line 0", "line 1", "line 2"] and not two["notes"]
    log = house.server.output()
    assert re.search(r"notice muc\.administered .*room=\"?" + re.escape(str(room))
                     + ".*what=room_history.*why=\"a complaint\"", log), log[-2000:]
    assert "line 3" not in log


def test_what_administrators_do_is_in_the_audit_log(own_house):
    house = own_house(modules={"audit": True})
    romeo = house.cast("romeo")
    room = house.room()
    room.enters(romeo, "Romeo")
    room.says(romeo, "a secret")
    room.tells(romeo, "Romeo", "a secret")
    house.ctl("room", "history", room, "--reason", "a complaint")
    fails(house, 3, "the archive has no message", "history", room, "--before", "nonsense", "--reason", "it")
    house.ctl("room", "destroy", room)
    records = [r for r in reversed(house.server.json("audit", "search")["rows"]) if r.get("room") == str(room)]
    assert [(r["kind"], r["reason"], r["words"]) for r in records] == [
        ("privileged_read", "room_history", "a complaint"), ("purge", "room_destroyed", "")], records
    assert all(r["actor"].startswith("unix:") for r in records) and "a secret" not in json.dumps(records)


def test_rooms_without_archive_have_no_history(house):
    romeo = house.cast("romeo")
    room = house.room("archived=off")
    room.enters(romeo, "Romeo")
    room.says(romeo, "forgotten")
    room.tells(romeo, "Romeo", "forgotten")
    fails(house, 3, "the room has no archive", "history", room, "--reason", "it")
    fails(house, 3, "there is no room", "history", f"nowhere@{house.service}", "--reason", "it")
    fails(house, 2, "--reason", "history", room)


def test_history_marks_that_are_none(house):
    romeo = house.cast("romeo")
    room = house.room()
    room.enters(romeo, "Romeo")
    room.says(romeo, "x")
    room.tells(romeo, "Romeo", "x")
    fails(house, 3, "the archive has no message", "history", room, "--before", "nonsense", "--reason", "it")


# ---- hats ------------------------------------------------------------------------------------------------------------


def test_hats(house):
    romeo = house.cast("romeo")
    room = house.room()
    room.enters(romeo, "Romeo")
    house.ctl("room", "hat", "create", room, "urn:hat:host", "The", "Host", "--hue", "120")
    house.ctl("room", "hat", "create", room, "urn:hat:poet", "Poet")
    house.ctl("room", "hat", "assign", room, romeo, "urn:hat:host")
    hush(romeo)
    assert house.ctl("room", "hats", room)["rows"] == [
        {"uri": "urn:hat:host", "title": "The Host", "hue": "120", "worn_by": romeo.jid},
        {"uri": "urn:hat:poet", "title": "Poet", "hue": "", "worn_by": ""}]
    house.ctl("room", "hat", "take", room, romeo, "urn:hat:host")
    assert hats(room.shows(romeo, "Romeo")) == {}
    house.ctl("room", "hat", "destroy", room, "urn:hat:host")
    assert [r["uri"] for r in house.ctl("room", "hats", room)["rows"]] == ["urn:hat:poet"]
    fails(house, 3, "there is no hat `urn:hat:host`", "hat", "assign", room, romeo, "urn:hat:host")
    fails(house, 3, "there is no hat", "hat", "destroy", room, "urn:hat:host")
    fails(house, 2, "hue from 0 to 360", "hat", "create", room, "urn:hat:x", "X", "--hue", "red")


# ---- the program ---------------------------------------------------------------------------------------------------------


def test_the_program_prints_tables_and_exit_codes(house):
    room = house.room("name=Seen")
    text = house.server.ctl("room", "show", str(room))
    assert str(room) in text and "Seen" in text
    assert str(room) in house.server.ctl("room", "list")
    status, out, error = house.server.ctl("room", "show", "nowhere", check=False)
    assert status == 3 and not out and error.startswith("xylemctl: there is no room")
    status, _, error = house.server.ctl("room", "creat", "x", check=False)
    assert status == 2 and "did you mean `room create`" in error
    help_text = house.server.ctl("help")
    for words in ("room create", "room history", "room hat assign"):
        assert words in help_text

# SPDX-License-Identifier: MIT
"""What a newcomer is shown (XEP-0045 7.2.13 to 7.2.16): as much as it asks for and the room gives, then
the subject. From the archive (muc_mam) or, where nothing is archived, from memory."""
from datetime import datetime

import pytest

from lib import dom, edition
from lib.room import hush, made_with_rooms, occupant_id
from test_muc_talk import groupchat, stage  # noqa: F401

pytestmark = pytest.mark.xylem
ADDRESS = "http://jabber.org/protocol/address"


@pytest.fixture(params=["archive", "memory"])
def past(request, stage, make_server):
    """past("Romeo", …): as stage(); the server's clock is in our hands."""

    def make(*nicks, muc=True, **fields):
        modules = {"mam": True, "muc_mam": True} if request.param == "archive" else {}
        server = made_with_rooms(make_server, muc=muc, modules=modules, test_clock=True, limits={"idle": None})
        return stage(*nicks, server=server, **fields)

    make.archived = request.param == "archive"
    return make


def bodies(seen):
    return [m.findtext("{jabber:client}body") for m in seen.history]


def speaks(room, client, *texts):
    for text in texts:
        room.says(client, text, id=f"id-{text}")
        room.tells(client, client.label.capitalize(), text)


def visits(cast, room, history="", name="nurse"):
    return room.enters(cast.online(name), name.capitalize(), x=history)


def test_7_2_13_history_comes_before_the_subject_and_is_stamped(past):
    cast, room, romeo = past("Romeo")
    speaks(room, romeo, "one", "two")
    seen = visits(cast, room)
    assert bodies(seen) == ["one", "two"]
    for message, text in zip(seen.history, ("one", "two")):
        assert message.get("from") == room.of("Romeo") and message.get("type") == "groupchat"
        assert message.get("id") == f"id-{text}"
        delays = dom.findall(message, "delay:delay")
        assert len(delays) == 1 and delays[0].get("from") == str(room) and delays[0].get("stamp").endswith("Z")
        assert occupant_id(message) == occupant_id(seen.others["Romeo"])


def test_7_2_13_the_stamp_is_the_time_it_was_said(past):
    cast, room, romeo = past("Romeo")
    speaks(room, romeo, "one")
    romeo.server.advance("2 h")
    speaks(room, romeo, "two")
    stamps = [datetime.fromisoformat(dom.find(m, "delay:delay").get("stamp")[:-1]) for m in visits(cast, room).history]
    assert 7199 <= (stamps[1] - stamps[0]).total_seconds() <= 7205


def test_7_2_13_the_room_sets_how_many(past):
    cast, room, romeo = past("Romeo", historylength=3)
    speaks(room, romeo, *"abcdef")
    assert bodies(visits(cast, room)) == ["d", "e", "f"]


def test_7_2_13_none_if_the_room_says_so(past):
    cast, room, romeo = past("Romeo", historylength=0)
    speaks(room, romeo, *"ab")
    assert bodies(visits(cast, room, "<history maxstanzas='5'/>")) == []


def test_max_history_is_the_services_bound(past):
    cast, room, romeo = past("Romeo", muc={"max_history": 2, "default_config": {"history": 2}})
    speaks(room, romeo, *"abcd")
    assert bodies(visits(cast, room)) == ["c", "d"]


@pytest.mark.parametrize("asked, shown", [
    ("maxstanzas='2'", "ef"), ("maxstanzas='0'", ""), ("maxstanzas='999999999999'", "abcdef"),
    ("maxchars='0'", ""), ("maxchars='1'", ""), ("maxchars='1000000'", "abcdef"),
    ("since='1970-01-01T00:00:00Z'", "abcdef"), ("since='2999-01-01T00:00:00Z'", ""),
    ("seconds='1000000000'", "abcdef"), ("seconds='99999999999999'", "abcdef"),
    ("maxstanzas='4' maxchars='1000000' since='1970-01-01T00:00:00Z' seconds='100000'", "cdef"),
    ("maxstanzas='x' since='yesterday'", "abcdef"), ("", "abcdef"),
])
def test_7_2_14_as_asked_for(past, asked, shown):
    cast, room, romeo = past("Romeo")
    speaks(room, romeo, *"abcdef")
    assert bodies(visits(cast, room, f"<history {asked}/>")) == list(shown)


@pytest.mark.parametrize("asked, shown", [
    ("seconds='90'", "c"), ("seconds='30'", ""), ("seconds='150'", "bc"), ("seconds='150' maxstanzas='1'", "c"),
])
def test_7_2_14_seconds(past, asked, shown):
    cast, room, romeo = past("Romeo")
    for text in "abc":
        speaks(room, romeo, text)
        romeo.server.advance("60 s")
    assert bodies(visits(cast, room, f"<history {asked}/>")) == list(shown)


def test_7_2_14_since_is_combined_with_the_others(past):
    cast, room, romeo = past("Romeo")
    for text in "abcd":
        speaks(room, romeo, text)
        romeo.server.advance("60 s")
    second = dom.find(visits(cast, room).history[1], "delay:delay").get("stamp")
    assert bodies(visits(cast, room, f"<history since='{second}'/>", "tybalt")) == list("bcd")
    assert bodies(visits(cast, room, f"<history since='{second}' seconds='100'/>", "benvolio")) == list("d")


def test_7_2_14_maxchars_counts_whole_stanzas(past):
    """The largest number of whole ones that fit, from the newest."""
    cast, room, romeo = past("Romeo")
    speaks(room, romeo, "short", "x" * 3000, "tail")
    assert bodies(visits(cast, room, "<history maxchars='1500'/>")) == ["tail"]
    assert len(bodies(visits(cast, room, "<history maxchars='10000'/>", "tybalt"))) == 3


def test_7_2_13_what_is_no_history(past):
    cast, room, romeo = past("Romeo")
    romeo.sends(groupchat(room, "<composing xmlns='http://jabber.org/protocol/chatstates'/>"))
    romeo.sends(groupchat(room, "<subject>s</subject>"))
    romeo.sends(groupchat(room, "<body>off</body><no-store xmlns='urn:xmpp:hints'/>"))
    speaks_from = [romeo.hears("<message type='groupchat'>...</message>") for _ in range(3)]
    assert len(speaks_from) == 3
    speaks(room, romeo, "on")
    seen = visits(cast, room)
    assert bodies(seen) == ["on"]
    assert dom.find(seen.subject, "client:subject").text == "s"


def test_7_2_16_live_messages_come_behind_the_subject(past):
    """Nothing said while somebody enters is lost, doubled, or out of order."""
    cast, room, romeo = past("Romeo", historylength=50, muc={"messages": None, "max_history": 50})
    nurse = cast.online("nurse")
    for i in range(20):
        room.says(romeo, i)
        if i == 10:
            room.asks_in(nurse, "Nurse")
    seen = room.hears_entry(nurse, "Nurse")
    heard = [int(t) for t in bodies(seen)]
    while heard[-1:] != [19]:
        got = nurse.hears("<message type='groupchat'>...<body>*</body></message>")
        assert dom.find(got, "delay:delay") is None
        heard.append(int(got.findtext("{jabber:client}body")))
    assert heard == list(range(20))


@pytest.mark.parametrize("whois, moderator, named", [("moderators", False, False), ("anyone", False, True),
                                                     ("moderators", True, True)])
def test_7_2_13_real_jids_only_where_they_are_seen_anyway(past, whois, moderator, named):
    cast, room, romeo = past("Romeo", whois=whois)
    speaks(room, romeo, "one")
    nurse = cast.online("nurse")
    if moderator:
        room.allows(romeo, jid=str(nurse), affiliation="admin")
        hush(romeo)
    message = room.enters(nurse, "Nurse").history[0]
    assert (str(romeo) in dom.show(message)) <= named


@pytest.mark.parametrize("modules", [{}, {"mam": True, "muc_mam": True}], ids=["memory", "archive"])
def test_7_2_13_who_may_see_now_sees_who_spoke_then(stage, make_server, modules):
    """One rule, also of queries: the rights of who asks, at that moment; a person, not his client."""
    server = made_with_rooms(make_server, modules=modules)
    cast, room, romeo = stage("Romeo", server=server, whois="moderators")
    speaks(room, romeo, "hidden")
    before, = visits(cast, room).history
    assert before.find(f"{{{ADDRESS}}}addresses") is None and str(romeo) not in dom.show(before)
    room.is_configured(romeo, whois="anyone")
    hush(romeo)
    speaks(room, romeo, "open")
    for message in visits(cast, room, name="juliet").history:
        assert message.find(f"{{{ADDRESS}}}addresses/{{{ADDRESS}}}address").get("jid") == romeo.jid
    room.is_configured(romeo, whois="moderators")
    hush(romeo)
    for message in visits(cast, room, name="tybalt").history:
        assert message.find(f"{{{ADDRESS}}}addresses") is None and str(romeo) not in dom.show(message)


def test_what_a_client_said_about_the_past_is_not_believed(past):
    cast, room, romeo = past("Romeo")
    romeo.sends(groupchat(room, "<body>b</body><delay xmlns='urn:xmpp:delay' stamp='2002-10-13T23:58:37Z'/>"))
    hush(romeo)
    delays = dom.findall(visits(cast, room).history[0], "delay:delay")
    assert len(delays) == 1 and not delays[0].get("stamp").startswith("2002")


def test_an_archive_shows_it_after_a_restart(stage, make_server, actors):
    server = made_with_rooms(make_server, modules={"mam": True, "muc_mam": True})
    cast, room, romeo = stage("Romeo", server=server, persistentroom=True)
    speaks(room, romeo, "one", "two")
    server.kill()
    server.start()
    cast = actors(server)
    assert bodies(room.enters(cast.client("romeo", jid=romeo.jid).comes_online(), "Romeo")) == ["one", "two"]


def test_memory_survives_a_reload_of_the_module(stage, make_server):
    """Code is replaced, notes stay: the history with them."""
    server = made_with_rooms(make_server, start=False)
    renew = edition.of(server, "muc")
    cast, room, romeo = stage("Romeo", server=server.start())
    speaks(room, romeo, "one")
    renew()
    assert "replaced" in server.reload()
    speaks(room, romeo, "two")
    assert bodies(visits(cast, room)) == ["one", "two"]


def test_memory_is_the_rooms_and_goes_with_it(stage, make_server):
    server = made_with_rooms(make_server)
    cast, room, romeo = stage("Romeo", server=server, persistentroom=True)
    speaks(room, romeo, "one")
    room.leaves(romeo, "Romeo")
    assert bodies(room.enters(romeo, "Romeo")) == []

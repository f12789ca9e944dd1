# SPDX-License-Identifier: MIT
"""What was removed since a token (S1-15, N8): a client that was away cleans up without reading its archive
again; it misses nothing, and learns nothing that its archive would not show."""
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from lib import dom, process
from lib.archive import ask
from lib.database import change, number
from lib.removal import REMOVAL, RETRACT, modules, retracts, says, tombstones
from lib.room import Room, hush
from lib.since import all_since, is_refused, since

pytestmark = pytest.mark.xylem
MODERATE = "urn:xmpp:message-moderate:1"
HERE = Path(__file__).resolve().parent
ON = {"retract": {"count": None}, "retract_muc": {"authors": True, "moderators": True, "count": None},
      "muc": True, "muc_mam": True, "removal_sync": True, "retention": True}


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, test_clock=True, limits={"idle": None}, modules=modules(**ON)).start()
    yield server
    server.stop()


def takes_back(author, reader, *ids):
    for id in ids:
        says(author, reader, id)
        retracts(author, reader, id, id=f"r-{id}")
    author.settles()


def runs(server):
    """The job may be at work."""
    process.wait_until(lambda: server.ctl("retention", "run", check=False)[0] == 0, "a run", 60)


@pytest.fixture
def hall(cast, server):
    """Romeo owns it, Juliet is in it."""
    romeo, juliet = cast.online("romeo", "juliet")
    room = Room(server)
    room.opens(romeo, "Romeo", persistentroom=True)
    room.enters(juliet, "Juliet")
    hush(romeo, juliet)
    room.people = romeo, juliet
    return room


def says_there(room, client, id):
    client.sends(f"<message to='{room.jid}' type='groupchat' id='{id}'><body>said</body></message>")
    heard = [p.hears(f"<message type='groupchat' id='{id}'>...</message>") for p in room.people]
    return dom.find(heard[0], "sid:stanza-id").get("id")


def retracts_there(room, client, target, id):
    client.sends(f"<message to='{room.jid}' type='groupchat' id='{id}'><retract xmlns='{RETRACT}' id='{target}'/>"
                 "<store xmlns='urn:xmpp:hints'/></message>")
    for person in room.people:
        person.hears(f"<message type='groupchat' id='{id}'>...</message>")


# ---- accounts ------------------------------------------------------------------------------------------


def test_s1_15_who_was_away_learns_what_was_removed(cast, server):
    romeo, juliet = cast.online("romeo", "juliet")
    start = since(juliet)
    assert start.complete and start.items == []
    assert since(juliet, start.token).items == []
    for id in ("m1", "m2", "m3"):
        says(romeo, juliet, id)
    romeo.settles()
    kept = {r.message.get("id"): r.id for r in ask(juliet).results}
    juliet.ends()
    retracts(romeo, juliet, "m3", id="r3")
    retracts(romeo, juliet, "m1", id="r1")
    romeo.settles()
    juliet = cast.another(juliet)
    page = since(juliet, start.token)
    assert page.complete and page.ids == [kept["m3"], kept["m1"]]  # as they were committed
    assert page.states == ["retracted"] * 2
    assert [i["notice"] for i in page.items] == ["r3", "r1"] and [i["client-id"] for i in page.items] == ["m3", "m1"]
    assert all(i["stamp"].endswith("Z") for i in page.items)
    assert since(juliet, page.token).items == []
    assert sorted(page.ids) == sorted(r.id for r in ask(juliet).results if r.message.get("id") in ("m1", "m3"))
    mine = since(romeo, since(romeo).token)
    assert mine.items == []


def test_s1_15_what_goes_with_it_is_listed_too(cast, server):
    romeo, juliet = cast.online("romeo", "juliet")
    start = since(juliet).token
    says(romeo, juliet, "m1")
    romeo.sends(f"<message to='{juliet}' type='chat' id='c1'><body>better</body>"
                "<replace xmlns='urn:xmpp:message-correct:0' id='m1'/></message>")
    romeo.settles()
    retracts(romeo, juliet, "m1")
    romeo.settles()
    assert [i["client-id"] for i in since(juliet, start).items] == ["m1", "c1"]


def test_s1_15_both_sides_and_oneself(cast, server):
    romeo, juliet = cast.online("romeo", "juliet")
    starts = since(romeo).token, since(juliet).token
    takes_back(romeo, juliet, "m1")
    takes_back(romeo, romeo, "m2")
    mine, hers = since(romeo, starts[0]), since(juliet, starts[1])
    assert [i["client-id"] for i in mine.items] == ["m1", "m2"]  # once each
    assert [i["client-id"] for i in hers.items] == ["m1"]
    assert mine.ids[0] != hers.ids[0]  # of the asked archive


def test_s1_15_pages(cast, server):
    romeo, juliet = cast.online("romeo", "juliet")
    start = since(juliet).token
    ids = [f"m{i}" for i in range(11)]
    takes_back(romeo, juliet, *ids)
    page = since(juliet, start, max=4)
    assert not page.complete and [i["client-id"] for i in page.items] == ids[:4]
    assert [i["client-id"] for i in all_since(juliet, start, 4)[1]] == ids
    assert [i["client-id"] for i in all_since(juliet, start, 1)[1]] == ids
    whole = since(juliet, start, max=11)
    assert whole.complete and len(whole.items) == 11
    assert len(since(juliet, start, max=100000).items) == 11
    assert since(juliet, page.token, max=7).complete  # the rest


def test_s1_15_no_more_than_a_hundred_at_a_time(cast, server):
    romeo, juliet = cast.online("romeo", "juliet")
    start = since(juliet).token
    ids = [f"m{i}" for i in range(120)]
    takes_back(romeo, juliet, *ids)
    page = since(juliet, start, max=120)
    assert len(page.items) == 100 and not page.complete
    assert [i["client-id"] for i in all_since(juliet, start)[1]] == ids


def test_s1_15_other_peoples_are_not_shown(cast, server):
    romeo, juliet, tybalt = cast.online("romeo", "juliet", "tybalt")
    start = since(tybalt).token
    hers = since(juliet).token
    takes_back(romeo, juliet, "m1", "m2")
    page = since(tybalt, start)
    assert page.complete and page.items == []
    is_refused(tybalt, "item-not-found", "token-unknown", hers)  # nor is another's token any good
    for token in (None, hers, start):
        answer = tybalt.asks("get", f"<removals xmlns='{REMOVAL}'" + (f" since='{token}'" if token else "") + "/>",
                             to=juliet.jid)
        assert answer.get("type") == "error", dom.show(answer)
        assert dom.find(answer, "removal:removals") is None or not list(dom.find(answer, "removal:removals"))


@pytest.mark.parametrize("token", ["", "x", "a" * 23, "a" * 100000, "<&'\"", "☃", "aAAAAAAAAAAAAAAAAAAAAAA"])
def test_s1_15_a_wrong_token_is_an_error(cast, token):
    juliet = cast.online("juliet")
    is_refused(juliet, "item-not-found", "token-unknown", token)
    assert since(juliet).complete  # all is well


def test_s1_15_a_stanza_id_is_no_token(cast, server):
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1")
    romeo.settles()
    is_refused(juliet, "item-not-found", "token-unknown", ask(juliet).ids[0])


@pytest.mark.parametrize("most", ["0", "-1", "x", "", "1.5", "99999999999999999999"])
def test_s1_15_a_wrong_max_is_an_error(cast, most):
    juliet = cast.online("juliet")
    is_refused(juliet, "bad-request", None, since(juliet).token, most)


def test_s1_15_it_is_advertised(cast, server, hall):
    for client, to in ((hall.people[0], hall.people[0].jid), (hall.people[1], hall.jid)):
        answer = client.asks("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=to)
        assert f"'{REMOVAL}#since'" in dom.show(answer).replace('"', "'"), dom.show(answer)
    answer = hall.people[0].asks("set", f"<removals xmlns='{REMOVAL}'/>")
    assert answer.get("type") == "error"


# ---- by whomever ---------------------------------------------------------------------------------------


def test_s1_15_expired_messages_are_listed(make_server, actors):
    server = make_server(test_clock=True, limits={"idle": None},
                         modules=modules(**{**ON, "retention": {"keep_for": {"user": "10 days"}}}))
    romeo, juliet = actors(server).online("romeo", "juliet")
    start = since(juliet).token
    says(romeo, juliet, "m1")
    says(romeo, juliet, "m2")
    retracts(romeo, juliet, "m2", id="r2")
    romeo.settles()
    kept = {r.message.get("id"): r.id for r in ask(juliet).results}
    page = since(juliet, start)
    assert page.states == ["retracted"]
    server.advance("11 days")
    runs(server)
    assert ask(juliet).results == []
    later = since(juliet, page.token)
    assert later.complete and set(later.states) == {"expired"}
    assert sorted(later.ids) == sorted(kept.values())  # the tombstone and the notice too
    assert all("client-id" not in i and "notice" not in i for i in later.items)
    everything = since(juliet, start)
    assert everything.states[0] == "retracted" and everything.ids[0] == kept["m2"]
    assert all("notice" not in i for i in everything.items if i["state"] == "expired")


def test_s1_15_removed_by_an_administrator(make_server, actors):
    server = make_server(test_clock=True, modules=modules(
        **{**ON, "retract": False, "retract_admin": {"grant": [f"unix:{os.getuid()}"]}}))
    romeo, juliet = actors(server).online("romeo", "juliet")
    starts = since(romeo).token, since(juliet).token
    says(romeo, juliet, "m1")
    romeo.settles()
    made = server.json("retract", "plan", "--from", romeo.jid)["fields"]["plan"]
    asked = server.json("retract", "request", made, "--reason-code", "legal", "--reason", "court")["fields"]["request"]
    server.json("retract", "apply", asked)
    for client, token in zip((romeo, juliet), starts):
        [item] = since(client, token).items
        assert item["state"] == "removed" and item["client-id"] == "m1" and item["notice"]
        [tombstone] = tombstones(ask(client))
        assert dom.find(tombstone, "retract:retracted").get("id") == item["notice"]
    [row] = server.json("message", "find", "--from", romeo.jid)["rows"]
    assert row["state"] == "removed" and row["actor"] == f"unix:{os.getuid()}" and row["reason"] == "legal"


# ---- rooms ---------------------------------------------------------------------------------------------


def test_s1_15_in_a_room(cast, hall, server):
    romeo, juliet = hall.people
    start = since(juliet, to=hall.jid)
    assert start.items == []
    ids = [says_there(hall, juliet, f"m{i}") for i in range(3)]
    retracts_there(hall, juliet, ids[2], "r2")
    answer = romeo.asks("set", f"<moderate xmlns='{MODERATE}' id='{ids[0]}'><retract xmlns='{RETRACT}'/>"
                               "<reason>rude</reason></moderate>", to=hall.jid)
    assert answer.get("type") == "result", dom.show(answer)
    hush(romeo, juliet)
    page = since(juliet, start.token, to=hall.jid)
    assert page.ids == [ids[2], ids[0]] and page.states == ["retracted", "moderated"]
    assert [i["client-id"] for i in page.items] == ["m2", "m0"]
    assert all_since(romeo, start.token, 1, to=hall.jid)[1] == page.items  # one archive, one list
    assert since(juliet).items == []
    is_refused(juliet, "item-not-found", "token-unknown", start.token)  # not of her own archive


def test_s1_15_a_room_nothing_was_said_in(cast, hall):
    start = since(hall.people[1], to=hall.jid)
    assert start.complete and since(hall.people[1], start.token, to=hall.jid).items == []
    id = says_there(hall, hall.people[1], "m1")
    retracts_there(hall, hall.people[1], id, "r1")
    assert since(hall.people[1], start.token, to=hall.jid).ids == [id]


def test_s1_15_a_room_one_may_not_enter(cast, server):
    romeo, juliet, tybalt = cast.online("romeo", "juliet", "tybalt")
    room = Room(server)
    room.opens(romeo, "Romeo", persistentroom=True)
    start = since(tybalt, to=room.jid).token
    answer = romeo.asks("set", "<query xmlns='http://jabber.org/protocol/muc#admin'>"
                               f"<item affiliation='outcast' jid='{tybalt.jid.split('/')[0]}'/></query>", to=room.jid)
    assert answer.get("type") == "result", dom.show(answer)
    is_refused(tybalt, "forbidden", None, start, to=room.jid)
    is_refused(tybalt, "forbidden", None, to=room.jid)
    is_refused(juliet, "item-not-found", None, to=f"nowhere@{room.jid.split('@')[1]}")
    hush(romeo)
    members = Room(server)
    members.opens(romeo, "Romeo", membersonly=True)
    is_refused(juliet, "forbidden", None, to=members.jid)
    hush(romeo)
    silent = Room(server)
    silent.opens(romeo, "Romeo", enablearchiving=False)
    is_refused(romeo, "service-unavailable", None, to=silent.jid)


# ---- what is kept --------------------------------------------------------------------------------------


def test_s1_15_a_token_from_before_what_is_kept(make_server, actors, request):
    server = make_server(test_clock=True, limits={"idle": None},
                         modules=modules(**{**ON, "removal_sync": {"keep_for": "10 days"}}))
    romeo, juliet = actors(server).online("romeo", "juliet")
    old = since(juliet).token
    takes_back(romeo, juliet, "m1", "m2")
    middle = since(juliet, old).token
    server.advance("9 days")
    takes_back(romeo, juliet, "m3")
    young = since(juliet, middle)
    assert [i["client-id"] for i in young.items] == ["m3"]
    server.advance("2 days")
    rows = "select count(*) from withdrawn"
    process.wait_until(lambda: server.advance("1 h") or number(server, request, rows) == 2, "the cut", 60)
    is_refused(juliet, "item-not-found", "token-expired", old)
    assert [i["client-id"] for i in since(juliet, middle).items] == ["m3"]  # nothing behind it is gone
    assert since(juliet, young.token).items == []
    server.advance("20 days")
    process.wait_until(lambda: server.advance("1 h") or number(server, request, rows) == 1, "the cut", 60)
    assert since(juliet, young.token).items == []  # the newest row is still there
    takes_back(romeo, juliet, "m4")
    assert [i["client-id"] for i in since(juliet, young.token).items] == ["m4"]
    is_refused(juliet, "item-not-found", "token-expired", old)


def test_s1_15_a_token_of_a_history_that_was_put_back(make_server, actors, request):
    server = make_server(modules=modules(**ON))
    romeo, juliet = actors(server).online("romeo", "juliet")
    takes_back(romeo, juliet, "m1")
    token = since(juliet).token
    change(server, request, "delete from withdrawn")
    is_refused(juliet, "item-not-found", "token-unknown", token)
    assert since(juliet).items == []


def test_s1_15_it_survives_a_crash(make_server, actors):
    server = make_server(modules=modules(**ON))
    cast = actors(server)
    romeo, juliet = cast.online("romeo", "juliet")
    start = since(juliet).token
    takes_back(romeo, juliet, "m1")
    middle = since(juliet, start)
    server.kill()
    server.start()
    romeo, juliet = cast.another(romeo), cast.another(juliet)
    assert since(juliet, middle.token).items == [] and since(juliet, start).items == middle.items
    takes_back(romeo, juliet, "m2")
    assert [i["client-id"] for i in since(juliet, start).items] == ["m1", "m2"]


def erase(server, who):
    return server.json("user", "erase", who.jid, "--reason", "asked for it", "--yes")["fields"]


def test_s1_1_an_erased_person_is_not_named_as_actor(make_server, actors, request):
    """Neither for what he took back himself, nor for what he moderated; what is held keeps him."""
    server = make_server(modules=modules(**ON, hold=True))
    romeo, juliet, tybalt = actors(server).online("romeo", "juliet", "tybalt")
    room = Room(server)
    room.opens(tybalt, "Tybalt", persistentroom=True)  # who never says a word
    room.enters(juliet, "Juliet")
    hush(tybalt, juliet)
    room.people = juliet, tybalt
    id = says_there(room, juliet, "m1")
    answer = tybalt.asks("set", f"<moderate xmlns='{MODERATE}' id='{id}'><retract xmlns='{RETRACT}'/></moderate>", to=room.jid)
    assert answer.get("type") == "result", dom.show(answer)
    takes_back(romeo, juliet, "m2")
    server.json("hold", "add", "--name", "x", "--reason", "y", "--person", juliet.jid, "--with", romeo.jid)
    takes_back(romeo, tybalt, "m3")
    named = "select count(*) from removal where actor = '%s'"
    process.wait_until(lambda: number(server, request, named % romeo.jid) == 2, "his two", 30)
    assert number(server, request, named % tybalt.jid) == 1
    held = "select count(*) from held h, removal x where x.message = h.message"
    process.wait_until(lambda: number(server, request, held) == 1, "the hold", 30)
    assert erase(server, tybalt)["held"] == 0
    erase(server, romeo)
    assert number(server, request, named % tybalt.jid) == 0
    assert number(server, request, named % romeo.jid) == 1


def test_s1_1_a_moderator_is_named_until_the_hold_ends(make_server, actors, request):
    server = make_server(modules=modules(**ON, hold=True))
    juliet, tybalt = actors(server).online("juliet", "tybalt")
    room = Room(server)
    room.opens(tybalt, "Tybalt", persistentroom=True)
    room.enters(juliet, "Juliet")
    hush(tybalt, juliet)
    room.people = juliet, tybalt
    id = says_there(room, juliet, "m1")
    answer = tybalt.asks("set", f"<moderate xmlns='{MODERATE}' id='{id}'><retract xmlns='{RETRACT}'/></moderate>", to=room.jid)
    assert answer.get("type") == "result", dom.show(answer)
    hold = server.json("hold", "add", "--name", "x", "--reason", "y", "--person", juliet.jid)["fields"]["hold"]
    held, named = "select count(*) from held", f"select count(*) from removal where actor = '{tybalt.jid}'"
    process.wait_until(lambda: number(server, request, held) == 1, "the hold", 30)
    assert erase(server, tybalt)["held"] == 1 and number(server, request, named) == 1
    server.json("hold", "release", hold, "--reason", "settled")
    process.wait_until(lambda: number(server, request, named) == 0, "his name", 60)


def test_s1_15_what_goes_with_a_person_is_listed(make_server, actors):
    server = make_server(modules=modules(**ON), governance="minimal")
    romeo, juliet = actors(server).online("romeo", "juliet")
    start = since(juliet).token
    says(romeo, juliet, "m1")
    says(juliet, romeo, "m2")
    for client in (romeo, juliet):
        client.settles()
    [gone] = [r.id for r in ask(juliet).results if r.message.get("id") == "m1"]
    erase(server, romeo)
    [item] = since(juliet, start).items
    assert item["id"] == gone and item["state"] == "expired"


# ---- at the same time ----------------------------------------------------------------------------------


def test_s1_15_nothing_is_missed_between_two_tokens(cast, server):
    """Four people take back what they wrote to Juliet, and some of what Tybalt got, without waiting for an
    answer, while two of her clients ask again and again with the token they got last, in pages of any size.
    Each gets everything, once, in one order."""
    dice = random.Random(15)
    juliet, tybalt, *authors = cast.online("juliet", "tybalt", "romeo", "mercutio", "nurse", "paris")
    readers = [juliet, cast.another(juliet)]
    start = since(juliet).token
    tokens, got, wanted = [start, start], [[], []], set()

    def asks(which):
        page = since(readers[which], tokens[which], max=dice.randint(1, 7))
        got[which] += page.items
        tokens[which] = page.token

    for i in range(25):
        for n, author in enumerate(authors):
            to = tybalt if dice.random() < 0.3 else juliet
            says(author, to, f"{n}-{i}")
            retracts(author, to, f"{n}-{i}", id=f"r-{n}-{i}")
            wanted |= {f"{n}-{i}"} if to is juliet else set()
        for which in (0, 1):
            if dice.random() < 0.7:
                asks(which)
    for which in (0, 1):  # while the rest comes in
        process.wait_until(lambda: asks(which) or len(got[which]) >= len(wanted), "all of them", 60)
    for author in authors:
        author.settles()
    for which in (0, 1):
        assert since(readers[which], tokens[which]).items == []
    whole = all_since(juliet, start)[1]
    assert got[0] == whole and got[1] == whole
    named = [i["client-id"] for i in whole]
    assert len(named) == len(set(named)) and set(named) == wanted and len(wanted) > 50
    for n, _ in enumerate(authors):  # each author's, in his order
        mine = [int(x.split("-")[1]) for x in named if x.startswith(f"{n}-")]
        assert mine == sorted(mine)
    assert {t.get("id") for t in tombstone_messages(juliet)} == wanted


def tombstone_messages(client):
    found, after = [], None
    while True:
        page = ask(client, max=100, **({"after": after} if after else {}))
        found += tombstones(page)
        if page.complete:
            return found
        after = page.last


# ---- a client people use -------------------------------------------------------------------------------


def test_s1_15_slixmpp_cleans_its_cache(cast, server):
    pytest.importorskip("slixmpp")
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "stays")
    says(romeo, juliet, "m2", "goes")
    romeo.settles()
    juliet.ends()
    program = subprocess.Popen([sys.executable, str(HERE / "clients" / "slixmpp_since.py"), juliet.jid, "secret",
                                "127.0.0.1", str(server.port("starttls"))],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert program.stdout.readline() == "cached goes, stays\n"
        retracts(romeo, juliet, "m2")
        romeo.settles()
        assert program.communicate("go on\n", timeout=60)[0] == "cached stays\n"
    finally:
        program.kill()
        program.wait()
    assert program.returncode == 0

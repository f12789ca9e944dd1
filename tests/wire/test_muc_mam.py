# SPDX-License-Identifier: MIT
"""XEP-0313 in rooms: what an archive has, how results look, ids, what a room says of its archive, what a
newcomer sees of it, reloads, restarts."""
import sqlite3
import threading
from datetime import datetime, timedelta, timezone

import pytest

from lib import dom, process
from lib.archive import MAM, SID, ask, everything, form, metadata, stanza_ids, texts
from lib.database import change, number
from lib.hall import (MODULES, features, gathers, hears_back, ids, nick, reads, real_jid, refusal, says, sends,
                      shared_server)
from lib.room import Room, hush, occupant_id, service
from lib.sm import managed

pytestmark = pytest.mark.xylem
HINTS = "urn:xmpp:hints"
RETRACT = "<retract xmlns='urn:xmpp:message-retract:1' id='x'/>"
assert shared_server


# ---- what is in it -------------------------------------------------------------------------------


def test_one_row_for_one_message_however_many_hear_it(make_server, actors, request):
    server = make_server(modules=MODULES)
    hall, romeo, juliet, nurse = gathers(actors(server), "romeo", "juliet", "nurse")
    says(hall, romeo, 1, 2)
    hush(juliet)
    says(hall, juliet, 3)
    hush(romeo, juliet, nurse)
    assert number(server, request, "select count(*) from message") == 3
    assert number(server, request, "select count(*) from archive") == 3
    assert number(server, request, "select count(*) from pending") == 0
    for who in (romeo, juliet, nurse):
        assert texts(who, to=hall) == ["1", "2", "3"]
        assert not everything(who), "a room's messages are in no account's archive"


CHAT_STATE = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
MARKER = "<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>"


@pytest.mark.parametrize("payload, archived", [
    ("<body>b</body>", True),
    ("<subject>s</subject>", True),
    ("<subject/>", True),
    ("<body>b</body><subject>s</subject>", True),
    ("<reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>+</reaction></reactions>", True),
    ("<replace xmlns='urn:xmpp:message-correct:0' id='x'/>", True),
    ("<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl'/>", True),
    (f"<store xmlns='{HINTS}'/>", True),
    (CHAT_STATE, False),
    (MARKER, False),
    (CHAT_STATE + f"<store xmlns='{HINTS}'/>", True),
    ("<received xmlns='urn:xmpp:receipts' id='x'/>", False),
    (f"<body>b</body><no-store xmlns='{HINTS}'/>", False),
    (f"<body>b</body><no-permanent-store xmlns='{HINTS}'/>", False),
    (f"<body>b</body><no-permanent-storage xmlns='{HINTS}'/>", False),
    (f"<body>b</body><store xmlns='{HINTS}'/><no-store xmlns='{HINTS}'/>", False),
])
def test_what_is_worth_archiving(cast, payload, archived):
    hall, romeo, juliet = gathers(cast, "romeo", "juliet")
    sends(hall, romeo, payload)
    heard = hears_back(hall, romeo)
    assert len(stanza_ids(heard, hall)) == archived, "what is archived bears its id, nothing else does"
    assert stanza_ids(juliet.next_element(), hall) == stanza_ids(heard, hall)
    assert ask(juliet, to=hall).ids == stanza_ids(heard, hall)


def test_private_messages_are_never_there(cast):
    hall, romeo, juliet = gathers(cast, "romeo", "juliet")
    romeo.sends(f"<message to='{hall.of('Juliet')}' type='chat' id='pm'><body>secret</body></message>")
    assert dom.find(juliet.next_element(), "client:body").text == "secret"
    says(hall, romeo, "public")
    hush(romeo, juliet)
    for who in (romeo, juliet):
        assert texts(who, to=hall) == ["public"]


def test_what_the_room_refused_is_not_there(cast):
    hall, romeo, juliet = gathers(cast, "romeo", "juliet", moderatedroom=True)
    hall.allows(romeo, nick="Juliet", role="visitor")
    hush(romeo, juliet)
    sends(hall, juliet, "<body>may I?</body>")
    assert juliet.next_element().get("type") == "error"
    stranger = cast.online("nurse")
    sends(hall, stranger, "<body>hello?</body>")
    assert stranger.next_element().get("type") == "error"
    says(hall, romeo, "no")
    hush(romeo, juliet)
    assert texts(romeo, to=hall) == ["no"]


def test_a_room_without_archive(cast):
    hall, romeo, juliet = gathers(cast, "romeo", "juliet", enablearchiving=False)
    assert stanza_ids(*says(hall, romeo, "gone")) == []
    assert MAM not in features(romeo, hall)
    for who in (romeo, juliet):
        hush(who)
        assert refusal(who, hall) == ("service-unavailable", "cancel")
        for payload in (f"<query xmlns='{MAM}'/>", f"<metadata xmlns='{MAM}'/>"):
            assert dom.find(who.asks("get", payload, to=hall), "client:error/stanzas:service-unavailable") is not None


def test_switching_a_rooms_archive_off_and_on(cast):
    hall, romeo = gathers(cast, "romeo")
    says(hall, romeo, 1)
    hall.is_configured(romeo, enablearchiving=False)
    hush(romeo)
    says(hall, romeo, 2)
    assert refusal(romeo, hall) == ("service-unavailable", "cancel")
    hall.is_configured(romeo, enablearchiving=True)
    hush(romeo)
    says(hall, romeo, 3)
    assert texts(romeo, to=hall) == ["1", "3"]


# ---- how a result looks --------------------------------------------------------------------------


def test_a_result_has_all_the_xep_asks_for(cast):
    hall, romeo, juliet = gathers(cast, "romeo", "juliet")
    before = datetime.now(timezone.utc)
    sends(hall, romeo, "<body>b</body><x xmlns='urn:test:x' a='1'>t</x>", id="m7", extra=" xml:lang='en'")
    heard = hears_back(hall, romeo)
    hush(juliet)
    page = ask(juliet, to=hall, queryid="q&amp;1")
    result = page.results[0]
    assert ids(hall, heard) == [result.id] == [page.first] == [page.last] and page.complete
    reason = dom.match(dom.parse(
        f"<message from='{hall}' to='{juliet.full}'><result xmlns='{MAM}' queryid='q&amp;1' id='*'>"
        "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='*'/>"
        f"<message xmlns='jabber:client' from='{hall.of('Romeo')}' type='groupchat' id='m7'>"
        "<body>b</body><x xmlns='urn:test:x' a='1'>t</x>"
        f"<occupant-id xmlns='urn:xmpp:occupant-id:0' id='{occupant_id(heard)}'/>"
        "</message></forwarded></result></message>"), result.wrapper)
    assert reason is None, f"{reason}: {dom.show(result.wrapper)}"
    slack = timedelta(seconds=2)
    assert before - slack <= result.stamp <= datetime.now(timezone.utc) + slack
    for other in (romeo, juliet):
        other.hears_nothing()


@pytest.mark.parametrize("whois, everyone", [("moderators", False), ("anyone", True)])
def test_real_addresses_for_those_who_see_them(cast, whois, everyone):
    hall, romeo, juliet, nurse = gathers(cast, "romeo", "juliet", "nurse", whois=whois)
    says(hall, juliet, "hi")
    hush(romeo)
    says(hall, romeo, "ho")
    hush(romeo, juliet, nurse)
    for who, sees in ((romeo, True), (juliet, everyone), (nurse, everyone)):
        assert [real_jid(r.message) for r in ask(who, to=hall).results] == (
            [str(juliet), str(romeo)] if sees else [None, None])
    hall.allows(romeo, nick="Nurse", role="moderator")
    hush(romeo, juliet, nurse)
    assert [real_jid(r.message) for r in ask(nurse, to=hall).results] == [str(juliet), str(romeo)]
    hall.allows(romeo, nick="Nurse", role="participant")
    hush(romeo, juliet, nurse)
    assert [real_jid(r.message) for r in ask(nurse, to=hall).results] == (
        [str(juliet), str(romeo)] if everyone else [None, None])


@pytest.mark.parametrize("hint", ["", f"<no-store xmlns='{HINTS}'/>"])
def test_nothing_forged_is_stored_or_passed_on(cast, hint):
    hall, romeo, juliet = gathers(cast, "romeo", "juliet")
    forged = (f"<x xmlns='http://jabber.org/protocol/muc#user'><item jid='forged@x.test' role='moderator'/></x>" * 2
              + "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/>" * 2
              + f"<stanza-id xmlns='{SID}' by='{hall}' id='forged'/>"
              + f"<stanza-id xmlns='{SID}' by='{str(hall).upper()}' id='forged'/>"
              + f"<delay xmlns='urn:xmpp:delay' from='{hall}' stamp='2001-01-01T00:00:00Z'>forged</delay>")
    true = f"<stanza-id xmlns='{SID}' by='other@room.example' id='theirs'/><origin-id xmlns='{SID}' id='o1'/>"
    sends(hall, romeo, "<body>b</body>" + forged + true + hint)
    live = [juliet.next_element(), hears_back(hall, romeo)]
    hush(romeo, juliet)
    archived = [ask(who, to=hall).results for who in (romeo, juliet)]
    assert [len(a) for a in archived] == ([0, 0] if hint else [1, 1])
    for message in live + [r.message for results in archived for r in results]:
        assert "forged" not in dom.show(message)
        assert occupant_id(message) == occupant_id(live[0])
        assert stanza_ids(message, "other@room.example") == ["theirs"]
        assert dom.find(message, "sid:origin-id").get("id") == "o1"
    assert [real_jid(r.message) for r in archived[0] + archived[1]] == ([] if hint else [str(romeo), None])


def test_ids_belong_to_one_archive(cast):
    hall, romeo = gathers(cast, "romeo")
    yard = Room(cast.server)
    yard.opens(romeo, nick(romeo))
    hush(romeo)
    in_hall, in_yard = ids(hall, *says(hall, romeo, *range(5))), ids(yard, *says(yard, romeo, *range(5)))
    assert ask(romeo, to=hall).ids == in_hall and ask(romeo, to=yard).ids == in_yard
    assert len(set(in_hall + in_yard)) == 10
    for wrong in (dict(after=in_yard[0]), dict(before=in_yard[0]), dict(fields={"ids": [in_hall[0], in_yard[0]]})):
        assert refusal(romeo, hall, **wrong) == ("item-not-found", "cancel")
    assert ask(romeo, after=in_hall[0]).error == ("item-not-found", "cancel"), "nor to an account's"


def test_what_is_asked_behind_a_message_finds_it(cast):
    hall, romeo = gathers(cast, "romeo")
    for i in range(20):
        sends(hall, romeo, f"<body>{i}</body>")
        assert ask(romeo, to=hall, before="", max=1).texts == [str(i)]


def test_a_person_who_never_was_there_reads_an_open_rooms_archive(cast):
    hall, romeo = gathers(cast, "romeo")
    says(hall, romeo, *range(3))
    stranger = cast.connected("nurse")
    assert reads(stranger, hall) == ["0", "1", "2"]
    assert [real_jid(r.message) for r in ask(stranger, to=hall).results] == [None] * 3
    stranger.hears_nothing()


# ---- what it says of itself ----------------------------------------------------------------------


def test_features(cast):
    hall, romeo = gathers(cast, "romeo")
    found = features(romeo, hall)
    assert {MAM, MAM + "#extended", SID} <= set(found)
    assert len(found) == len(set(found)), "each once"
    assert MAM not in features(romeo, service(cast.server))


def test_the_form(cast):
    hall, romeo = gathers(cast, "romeo")
    romeo.sends(f"<iq type='get' id='f' to='{hall}'><query xmlns='{MAM}'/></iq>")
    romeo.hears(f"<iq type='result' id='f' from='{hall}'><query xmlns='{MAM}'><x xmlns='jabber:x:data' type='form'>"
                f"<field type='hidden' var='FORM_TYPE'><value>{MAM}</value></field>"
                "<field type='jid-single' var='with'/><field type='text-single' var='start'/>"
                "<field type='text-single' var='end'/><field type='text-single' var='before-id'/>"
                "<field type='text-single' var='after-id'/><field type='list-multi' var='ids'>"
                "<validate xmlns='http://jabber.org/protocol/xdata-validate' datatype='xs:string'><open/></validate>"
                "</field></x></query></iq>")


def test_metadata(cast):
    hall, romeo, juliet = gathers(cast, "romeo", "juliet")
    assert metadata(juliet, hall) == []
    says(hall, romeo, *range(3))
    hush(juliet)
    results = ask(juliet, to=hall).results
    assert metadata(juliet, hall) == [(r.id, r.stamp) for r in (results[0], results[-1])]


@pytest.mark.parametrize("kind, payload", [
    ("get", f"<prefs xmlns='{MAM}'/>"), ("set", f"<prefs xmlns='{MAM}' default='never'/>"),
    ("set", f"<metadata xmlns='{MAM}'/>")])
def test_rooms_have_no_preferences(cast, kind, payload):
    hall, romeo = gathers(cast, "romeo")
    assert romeo.asks(kind, payload, to=hall).get("type") == "error"


@pytest.mark.parametrize("where", ["service", "occupant", "nowhere"])
def test_places_without_archive(cast, where):
    hall, romeo = gathers(cast, "romeo")
    says(hall, romeo, 1)
    to, condition = {"service": (service(cast.server), "service-unavailable"),
                     "nowhere": (f"nobody@{service(cast.server)}", "item-not-found"),
                     "occupant": (hall.of("Nobody"), "item-not-found")}[where]
    assert refusal(romeo, to)[0] == condition


@pytest.mark.parametrize("wrong, error", [
    (dict(fields={"with": "@"}), ("bad-request", "modify")),
    (dict(fields={"start": "yesterday"}), ("bad-request", "modify")),
    (dict(fields={"subject": "x"}), ("feature-not-implemented", "cancel")),
    (dict(fields={"after-id": "nothing"}), ("item-not-found", "cancel")),
    (dict(fields={"ids": ["nothing"]}), ("item-not-found", "cancel")),
    (dict(fields={"ids": ["x"] * 251}), ("policy-violation", "modify")),
    (dict(after="nothing"), ("item-not-found", "cancel")),
    (dict(max="-1"), ("bad-request", "modify")),
    (dict(max=1, index=3), ("feature-not-implemented", "cancel")),
    (dict(node="urn:test:node"), ("item-not-found", "cancel")),
    (dict(inner=form({"with": "a@b"}, form_type=None)), ("bad-request", "modify")),
], ids=str)
@pytest.mark.parametrize("empty", [False, True])
def test_wrong_queries(cast, wrong, error, empty):
    hall, romeo = gathers(cast, "romeo")
    if not empty:
        says(hall, romeo, "hi")
    assert refusal(romeo, hall, **wrong) == error


def test_an_empty_archive_gives_an_empty_page(cast):
    hall, romeo = gathers(cast, "romeo")
    page = ask(romeo, to=hall)
    assert page.complete and page.set == {} and not page.results


# ---- what a newcomer sees ------------------------------------------------------------------------


def test_history_is_the_newest_of_the_archive(cast):
    hall, romeo, juliet = gathers(cast, "romeo", "juliet")
    said = says(hall, romeo, *range(30))
    seen = hall.enters(cast.online("nurse"), "Nurse", x="<history maxstanzas='5'/>")
    hush(romeo)
    results = ask(romeo, to=hall, before="", max=5).results
    assert [dom.find(m, "client:body").text for m in seen.history] == [str(i) for i in range(25, 30)]
    assert ids(hall, *seen.history) == ids(hall, *said[25:]) == [r.id for r in results]
    for shown, live, result in zip(seen.history, said[25:], results):
        delays = dom.findall(shown, "delay:delay")
        assert [d.get("from") for d in delays] == [str(hall)]
        assert datetime.fromisoformat(delays[0].get("stamp").replace("Z", "+00:00")) == result.stamp
        assert shown.get("from") == hall.of("Romeo") and shown.get("id") == live.get("id")
        assert occupant_id(shown) == occupant_id(live)
        assert dom.find(shown, "address:addresses") is None and real_jid(shown) is None


def test_history_says_who_is_who_where_everybody_may_know(cast):
    hall, romeo = gathers(cast, "romeo", whois="anyone")
    says(hall, romeo, 1)
    seen = hall.enters(cast.online("nurse"), "Nurse")
    address = dom.find(seen.history[0], "address:addresses/address:address")
    assert (address.get("type"), address.get("jid")) == ("ofrom", str(romeo))


def test_what_has_no_body_is_no_history(cast):
    hall, romeo = gathers(cast, "romeo")
    says(hall, romeo, 1, 2)
    for i in range(120):
        sends(hall, romeo, f"<reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>{i}</reaction></reactions>")
        if i % 3 == 0:
            sends(hall, romeo, MARKER + f"<store xmlns='{HINTS}'/>")
    sends(hall, romeo, "<subject>Verona</subject>")
    romeo.round_trip()
    hush(romeo)
    says(hall, romeo, 3)
    seen = hall.enters(cast.online("nurse"), "Nurse", x="<history maxstanzas='10'/>")
    assert [dom.find(m, "client:body").text for m in seen.history] == ["1", "2", "3"]
    assert dom.find(seen.subject, "client:subject").text == "Verona"


@pytest.mark.parametrize("bounds, count", [
    ("maxchars='0'", 0), ("maxstanzas='0'", 0), ("seconds='0'", 0), ("since='2001-01-01T00:00:00Z'", 9),
    ("since='2101-01-01T00:00:00Z'", 0), ("maxstanzas='3'", 3), ("maxstanzas='7' maxchars='1000000'", 7)])
def test_bounds_of_history(cast, bounds, count):
    hall, romeo = gathers(cast, "romeo")
    says(hall, romeo, *range(9))
    seen = hall.enters(cast.online("nurse"), "Nurse", x=f"<history {bounds}/>")
    if bounds == "seconds='0'":
        assert len(seen.history) <= 9
        return
    assert [dom.find(m, "client:body").text for m in seen.history] == [str(i) for i in range(9 - count, 9)]


def test_history_is_bounded_in_characters_not_bytes(cast):
    hall, romeo = gathers(cast, "romeo")
    for letter in "éßx":
        sends(hall, romeo, f"<body>{letter * 1000}</body>")
        hears_back(hall, romeo)
    for most, count in ((900, 0), (1900, 1), (3000, 2), (4500, 3)):
        guest = cast.online("nurse")
        seen = hall.enters(guest, "Nurse", x=f"<history maxchars='{most}'/>")
        assert len(seen.history) == count, most
        hall.leaves(guest, "Nurse")
        hush(romeo)


def test_history_after_the_archive_is_off_is_no_longer_read_from_it(cast):
    hall, romeo = gathers(cast, "romeo")
    said = ids(hall, *says(hall, romeo, "old"))
    hall.is_configured(romeo, enablearchiving=False)
    hush(romeo)
    seen = hall.enters(cast.online("nurse"), "Nurse")
    assert said[0] not in [i for m in seen.history for i in stanza_ids(m, hall)]


# ---- what has been removed -----------------------------------------------------------------------


@pytest.mark.parametrize("state", [1, 2, 3, 4])
def test_a_removed_message_is_a_tombstone_everywhere(make_server, actors, request, state):
    """Whatever took it back: its author's retraction, and then another state on the row."""
    server = make_server(modules={**MODULES, "lenient": False, "audit": True, "retract_muc": {"authors": True}})
    hall, romeo, juliet = gathers(actors(server), "romeo", "juliet")
    sends(hall, romeo, "<body>secret</body><x xmlns='urn:test:x'>secret</x>", id="s1")
    secret = hears_back(hall, romeo)
    notice = RETRACT.replace("'x'", f"'{ids(hall, secret)[0]}'")
    sends(hall, romeo, notice, id="r1")
    retraction = hears_back(hall, romeo)
    says(hall, romeo, "last")
    hush(romeo, juliet)
    row = number(server, request, "select min(id) from message")
    change(server, request, f"update message set state = {state} where id = {row}")
    tombstone = (f"<message from='{hall.of('Romeo')}' type='groupchat' id='s1'>"
                 f"...<occupant-id xmlns='urn:xmpp:occupant-id:0' id='{occupant_id(secret)}'/>...</message>")
    for filters in ({}, {"with": hall.of("Romeo")}, {"ids": ids(hall, secret, retraction)}):
        page = ask(juliet, filters, to=hall)
        assert page.ids[:2] == ids(hall, secret, retraction)
        shown = page.results[0].message
        assert dom.match(dom.parse(tombstone), shown) is None and "secret" not in dom.show(shown), dom.show(shown)
        assert page.results[0].message.get("to") is None
        assert dom.find(page.results[1].message, "{urn:xmpp:message-retract:1}retract") is not None
    assert real_jid(ask(romeo, {"with": str(romeo)}, to=hall).results[0].message) == str(romeo)
    for paged in (dict(after=ids(hall, secret)[0]), dict(before=ids(hall, retraction)[0])):
        assert len(ask(juliet, to=hall, **paged).results) in (1, 2), "its id is still a bound"
    seen = hall.enters(actors(server).online("nurse"), "Nurse")
    assert len(seen.history) == 3
    shown = seen.history[0]
    assert dom.match(dom.parse(tombstone), shown) is None and "secret" not in dom.show(shown), dom.show(shown)
    assert dom.find(shown, "delay:delay") is not None and stanza_ids(shown, hall) == ids(hall, secret)
    assert dom.find(seen.history[1], "{urn:xmpp:message-retract:1}retract") is not None
    assert dom.find(seen.history[2], "client:body").text == "last"


# ---- reload, restart, power cut ------------------------------------------------------------------


def test_off_and_on_again(make_server, actors, request):
    server = make_server(modules=MODULES)
    hall, romeo = gathers(actors(server), "romeo")
    says(hall, romeo, 1)
    server.reload(modules={"muc_mam": False})
    assert stanza_ids(*says(hall, romeo, 2), hall) == []
    assert refusal(romeo, hall) == ("service-unavailable", "cancel")
    assert MAM not in features(romeo, hall)
    server.reload(modules={"muc_mam": {"keep_for": "90 days"}})
    ids(hall, *says(hall, romeo, 3))
    assert texts(romeo, to=hall) == ["1", "3"]
    assert MAM in features(romeo, hall)


def test_replaced_while_people_talk_and_read(make_server, actors):
    """Nothing that came back with an id is missing, nothing is there twice, in whatever state the module
    was."""
    server = make_server(modules=MODULES)
    cast = actors(server)
    hall, romeo, juliet = gathers(cast, "romeo", "juliet")
    hush(romeo, juliet)
    done = threading.Event()

    def reloads():
        for turn in range(6):
            server.write_config(modules={"muc_mam": {"keep_messages": 10000 + turn} if turn % 3 else turn == 0 or False})
            server.ctl("reload")
        server.write_config(modules={"muc_mam": True})
        server.ctl("reload")
        done.set()

    worker = threading.Thread(target=reloads)
    worker.start()
    heard, count = [], 0
    while not done.is_set() or count < 200:
        heard += says(hall, romeo, count)
        count += 1
        if count % 20 == 0:
            page = ask(romeo, to=hall, before="", max=5)
            assert page.answer.get("type") == "result" or page.error[0] == "service-unavailable"
    worker.join()
    stamped = [(stanza_ids(m, hall)[0], dom.find(m, "client:body").text) for m in heard if stanza_ids(m, hall)]
    assert [(r.id, r.text) for r in everything(romeo, to=hall)] == stamped
    assert [dom.find(m, "client:body").text for m in heard] == [str(i) for i in range(count)]


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_nothing_acknowledged_is_missing_after_the_end(make_server, actors, how):
    server = make_server(modules=MODULES)
    hall, romeo, juliet = gathers(actors(server), "romeo", "juliet", persistentroom=True)
    expected = ids(hall, *says(hall, romeo, *range(50)))
    {"stop": server.stop, "kill": server.kill}[how]()
    server.start()
    cast = actors(server)
    again = cast.client("romeo", jid=romeo.jid).comes_online()
    assert [r.id for r in everything(again, to=hall)] == expected
    seen = hall.enters(again, "Romeo", x="<history maxstanzas='5'/>")
    assert ids(hall, *seen.history) == expected[-5:]
    assert ids(hall, *says(hall, again, "on"))[0] not in expected
    assert len(everything(again, to=hall)) == 51


def test_what_was_counted_as_handled_is_there_after_a_power_cut(make_server, actors):
    """XEP-0198: h covers a message only when it is durable; a client sends again what h does not cover."""
    server = make_server(modules={**MODULES, "muc": {"messages": None}})
    cast = actors(server)
    romeo = managed(cast, "romeo").logs_in().enables().comes_online()
    hall = Room(server)
    hall.opens(romeo, "Romeo", persistentroom=True)
    for i in range(300):
        sends(hall, romeo, f"<body>{i}</body>")
    while romeo.acknowledged < 100:
        romeo.requests()
    server.kill()
    pending = [dom.parse(t) for t in romeo.unacknowledged]
    bodies = {dom.find(m, "client:body").text for m in pending if dom.find(m, "client:body") is not None}
    handled = [str(i) for i in range(300) if str(i) not in bodies]
    server.start()
    again = actors(server).client("romeo", jid=romeo.jid).comes_online()
    kept = [r.text for r in everything(again, to=hall)]
    assert kept[:len(handled)] == handled and kept == [str(i) for i in range(len(kept))]


@pytest.mark.parametrize("payload", ["<body>heavy</body>", "<subject>heavy</subject>"])
def test_what_is_not_stored_yet_is_not_counted(make_server, actors, engine, payload):
    """XEP-0198: while the database is locked nobody hears it, and no h comes that would cover it."""
    if not engine.startswith("sqlite"):
        pytest.skip("locks the file")
    server = make_server(modules=MODULES, storage={"driver": "sqlite", "path": "data/xylem.db", "timeout": "20 s"})
    cast = actors(server)
    romeo, (juliet, nurse) = managed(cast, "romeo").logs_in().enables().comes_online(), cast.online("juliet", "nurse")
    hall = Room(server)
    hall.opens(romeo, "Romeo", persistentroom=True)
    hall.enters(juliet, "Juliet")
    sends(hall, romeo, "<body>light</body>")  # all that is stored once for a room is
    hush(romeo, juliet)
    romeo.requests()
    before = romeo.acknowledged
    assert not romeo.unacknowledged
    other = sqlite3.connect(server.directory / "data" / "xylem.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    sends(hall, romeo, payload)
    romeo.sends("<r xmlns='urn:xmpp:sm:3'/>")
    for _ in range(3):
        nurse.round_trip()
    for client in (romeo, juliet):
        while client._receive(0):
            pass
        assert not any("heavy" in dom.show(e) for _, e in client.events)
    assert romeo.acknowledged == before
    other.execute("ROLLBACK")
    other.close()
    juliet.hears(f"<message type='groupchat'>...{payload}...</message>")
    assert romeo.hears_ack() == before + 1


def test_without_muc_it_says_what_it_needs(make_server):
    server = make_server(start=False, modules={"muc_mam": True})
    server.start(ready=False)
    process.wait_until(lambda: server.process.poll() is not None, "the end of a server that cannot start")
    assert "needs muc, which is off" in server.output()
    server.process = None


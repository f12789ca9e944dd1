# SPDX-License-Identifier: MIT
"""XEP-0313: what an archive has, how results look, ids, who may ask, what the archive says of itself."""
from datetime import datetime, timedelta, timezone

import pytest

from lib import dom
from lib.archive import MAM, SID, ask, body, form, metadata, shared_server, stanza_ids, texts, write

pytestmark = pytest.mark.xylem
HINTS = "urn:xmpp:hints"
assert shared_server


# ---- what is in it -------------------------------------------------------------------------------


def test_both_sides_have_it_once_and_in_order(cast):
    romeo, juliet = cast.online("romeo", "juliet")
    write(romeo, juliet, 1, 2, 3)
    write(juliet, romeo.full, 4)
    write(romeo, juliet.full, 5)
    for who in (romeo, juliet):
        who.settles()
        who.events.clear()
        assert texts(who) == ["1", "2", "3", "4", "5"]


def test_a_message_several_resources_got_is_there_once(cast):
    romeo, juliet = cast.online("romeo", "juliet")
    other = cast.another(juliet)
    juliet.events.clear()
    write(romeo, juliet, "hi")
    for resource in (juliet, other):
        assert len(ask(resource).results) == 1


def test_a_message_to_oneself_is_there_once(cast):
    romeo = cast.online("romeo")
    write(romeo, romeo, "note")
    write(romeo, romeo.full, "own resource")
    romeo.sends("<message type='chat'><body>no address</body></message>")
    romeo.round_trip()
    romeo.events.clear()
    assert texts(romeo) == ["note", "own resource", "no address"]


def test_an_absent_account_has_it(cast):
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    write(romeo, jid, "are you there?")
    juliet = cast.client("juliet", jid=jid).logs_in()
    assert texts(juliet) == ["are you there?"]


@pytest.mark.parametrize("payload, archived", [
    ("<body>b</body>", True),
    ("<received xmlns='urn:xmpp:receipts' id='x'/>", True),
    (f"<store xmlns='{HINTS}'/>", True),
    ("<composing xmlns='http://jabber.org/protocol/chatstates'/>", False),
    (f"<body>b</body><no-store xmlns='{HINTS}'/>", False),
    (f"<body>b</body><no-permanent-store xmlns='{HINTS}'/>", False),
])
@pytest.mark.parametrize("kind", ["chat", "normal"])
def test_what_is_worth_archiving(cast, payload, archived, kind):
    romeo, juliet = cast.online("romeo", "juliet")
    romeo.sends(f"<message to='{juliet}' type='{kind}' id='m1'>{payload}</message>")
    heard = juliet.hears(f"<message type='{kind}'>...</message>")
    for who in (romeo, juliet):
        assert len(ask(who).results) == archived
    assert len(stanza_ids(heard)) == archived


@pytest.mark.parametrize("kind", ["headline", "groupchat", "error"])
def test_types_that_are_never_archived(cast, kind):
    romeo, juliet = cast.online("romeo", "juliet")
    extra = "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
    romeo.sends(body("b", juliet.full, kind, extra if kind == "error" else ""))
    romeo.settles()
    assert not ask(juliet).results and not ask(romeo).results


def test_what_a_block_list_stopped_is_not_in_the_archive_it_was_kept_from(cast):
    romeo, juliet = cast.online("romeo", "juliet")
    juliet.asks("set", f"<block xmlns='urn:xmpp:blocking'><item jid='{romeo}'/></block>")
    juliet.events.clear()
    romeo.sends(body("hello?", juliet))
    romeo.hears_error("service-unavailable")
    assert not ask(juliet).results


# ---- how a result looks --------------------------------------------------------------------------


def test_a_result_has_all_the_xep_asks_for(cast):
    romeo, juliet = cast.online("romeo", "juliet")
    before = datetime.now(timezone.utc)
    romeo.sends(f"<message to='{juliet}' type='chat' id='m7' xml:lang='en'><body>b</body>"
                "<x xmlns='urn:test:x' a='1'>t</x></message>")
    heard = juliet.next_element()
    page = ask(juliet, queryid="q&amp;1")
    result = page.results[0]
    assert [result.id] == stanza_ids(heard, juliet) == [page.first] == [page.last]
    reason = dom.match(dom.parse(
        f"<message from='{juliet}' to='{juliet.full}'><result xmlns='{MAM}' queryid='q&amp;1' id='*'>"
        "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='*'/>"
        f"<message xmlns='jabber:client' from='{romeo.full}' to='{juliet}' type='chat' id='m7'>"
        "<body>b</body><x xmlns='urn:test:x' a='1'>t</x></message></forwarded></result></message>"),
        result.wrapper)
    assert reason is None, f"{reason}: {dom.show(result.wrapper)}"
    slack = timedelta(seconds=2)
    assert before - slack <= result.stamp <= datetime.now(timezone.utc) + slack
    assert dom.match(dom.parse(
        f"<iq type='result'><fin xmlns='{MAM}' complete='true'><set xmlns='http://jabber.org/protocol/rsm'>"
        f"<first>{result.id}</first><last>{result.id}</last></set></fin></iq>"), page.answer) is None


def test_without_a_queryid_there_is_none_and_only_the_asker_hears(cast):
    romeo, juliet = cast.online("romeo", "juliet")
    other = cast.another(juliet)
    write(romeo, juliet, "hi")
    other.events.clear()
    page = ask(juliet)
    assert dom.find(page.results[0].wrapper, "mam:result").get("queryid") is None
    other.hears_nothing()


def test_an_empty_archive_gives_an_empty_page(cast):
    page = ask(cast.connected("romeo"))
    assert page.complete and page.set == {} and not page.results


def test_a_session_without_presence_may_ask_and_hears_results(cast):
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    write(romeo, jid, "hi")
    quiet = cast.client("juliet", jid=jid).logs_in()
    assert ask(quiet, to=jid).texts == ["hi"]
    quiet.hears_nothing()


def test_what_is_asked_behind_a_message_finds_it(cast):
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    for i in range(20):
        romeo.sends(body(i, jid))
        assert ask(romeo, before="", max=1).texts == [str(i)]


def test_results_are_never_archived_stored_or_bounced(cast, server):
    romeo, juliet = cast.online("romeo", "juliet")
    write(romeo, juliet, *range(5))
    assert len(ask(romeo).results) == 5
    assert len(ask(romeo).results) == 5
    romeo.sends(f"<iq type='set' id='gone'><query xmlns='{MAM}'/></iq></stream:stream>")
    again = cast.client("romeo", jid=romeo.jid).comes_online()
    again.hears_nothing()
    assert server.json("offline", "count", romeo.jid)["fields"]["waiting"] == 0


# ---- ids -----------------------------------------------------------------------------------------


def test_ids_of_the_two_archives_have_nothing_in_common(cast):
    romeo, juliet = cast.online("romeo", "juliet")
    write(romeo, juliet, *range(10))
    juliet.events.clear()
    of_romeo, of_juliet = ask(romeo).ids, ask(juliet).ids
    assert len(set(of_romeo + of_juliet)) == 20
    for who, foreign in ((romeo, of_juliet), (juliet, of_romeo)):
        for i in (foreign[0], foreign[0].upper(), foreign[0][:-1], foreign[0] + "0"):
            assert ask(who, after=i).error == ("item-not-found", "cancel")
    assert len({i[:6] for i in of_romeo}) == 10  # neither counter nor clock


def test_the_recipients_stanza_id_is_the_archives_and_the_senders_is_not_shown(cast):
    romeo, juliet = cast.online("romeo", "juliet")
    write(romeo, juliet, "hi")
    heard = juliet.next_element()
    assert [s.get("by") for s in dom.findall(heard, "sid:stanza-id")] == [str(juliet)]
    assert stanza_ids(heard) == ask(juliet).ids
    assert stanza_ids(ask(romeo).results[0].message) == []


@pytest.mark.parametrize("hint", ["", f"<no-store xmlns='{HINTS}'/>"])
def test_forged_stanza_ids_are_gone_archived_or_not(cast, hint):
    romeo, juliet = cast.online("romeo", "juliet")
    forged = "".join(f"<stanza-id xmlns='{SID}' by='{by}' id='forged'/>"
                     for by in (juliet.jid, juliet.jid.upper().replace("XYLEM.TEST", "XYLEM.test")))
    foreign = f"<stanza-id xmlns='{SID}' by='room@muc.example' id='theirs'/><origin-id xmlns='{SID}' id='o1'/>"
    romeo.sends(body("hi", juliet, extra=forged + foreign + hint))
    heard = juliet.next_element()
    assert "forged" not in stanza_ids(heard)
    assert stanza_ids(heard, "room@muc.example") == ["theirs"]
    assert dom.find(heard, "sid:origin-id").get("id") == "o1"
    for who in (romeo, juliet):
        for result in ask(who).results:
            assert stanza_ids(result.message) == ["theirs"], dom.show(result.message)


# ---- who may ask ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind, payload", [
    ("set", f"<query xmlns='{MAM}'/>"), ("get", f"<query xmlns='{MAM}'/>"), ("get", f"<metadata xmlns='{MAM}'/>"),
    ("get", f"<prefs xmlns='{MAM}'/>"), ("set", f"<prefs xmlns='{MAM}' default='never'/>")])
def test_nobody_elses_archive(cast, kind, payload):
    romeo, juliet = cast.online("romeo", "juliet")
    write(juliet, romeo, "secret")
    romeo.events.clear()
    romeo.sends(f"<iq type='{kind}' id='f' to='{juliet}'>{payload}</iq>")
    romeo.hears_error("forbidden", of="iq", id="f", from_=juliet)
    romeo.hears_nothing()


def test_the_host_has_no_archive(cast, server):
    romeo = cast.connected("romeo")
    romeo.sends(f"<iq type='set' id='h' to='{server.domain}'><query xmlns='{MAM}'/></iq>")
    romeo.hears_error("service-unavailable", of="iq", id="h")


# ---- what it says of itself ----------------------------------------------------------------------


def features(client, to):
    answer = client.asks("get", f"<query xmlns='{dom.NS['disco']}'/>", to=to)
    return {f.get("var") for f in dom.findall(answer, "disco:query/disco:feature")}


def test_features(cast, server):
    romeo = cast.online("romeo")
    assert {MAM, MAM + "#extended", MAM + "#groupchat-field", SID} <= features(romeo, romeo)
    host = features(romeo, server.domain)
    assert SID in host and MAM not in host


def test_the_form(cast):
    romeo = cast.connected("romeo")
    romeo.sends(f"<iq type='get' id='f'><query xmlns='{MAM}'/></iq>")
    romeo.hears(f"<iq type='result' id='f'><query xmlns='{MAM}'><x xmlns='jabber:x:data' type='form'>"
                f"<field type='hidden' var='FORM_TYPE'><value>{MAM}</value></field>"
                "<field type='jid-single' var='with'/><field type='text-single' var='start'/>"
                "<field type='text-single' var='end'/><field type='text-single' var='before-id'/>"
                "<field type='text-single' var='after-id'/><field type='boolean' var='include-groupchat'/>"
                "<field type='list-multi' var='ids'>"
                "<validate xmlns='http://jabber.org/protocol/xdata-validate' datatype='xs:string'><open/></validate>"
                "</field></x></query></iq>")


def test_metadata(cast):
    romeo, juliet = cast.online("romeo", "juliet")
    assert metadata(romeo) == []
    write(romeo, juliet, *range(3))
    for who in (romeo, juliet):
        who.events.clear()
        results = ask(who).results
        assert metadata(who) == [(r.id, r.stamp) for r in (results[0], results[-1])]


# ---- wrong queries -------------------------------------------------------------------------------


@pytest.mark.parametrize("query, error", [
    (dict(fields={"with": "@"}), ("bad-request", "modify")),
    (dict(fields={"with": ["a@b", "c@d"]}), ("bad-request", "modify")),
    (dict(fields={"start": "yesterday"}), ("bad-request", "modify")),
    (dict(fields={"end": "2026-02-30T00:00:00Z"}), ("bad-request", "modify")),
    (dict(fields={"include-groupchat": "maybe"}), ("bad-request", "modify")),
    (dict(fields={"subject": "x"}), ("feature-not-implemented", "cancel")),
    (dict(fields={"{urn:test}text": "x"}), ("feature-not-implemented", "cancel")),
    (dict(fields={"after-id": "nothing"}), ("item-not-found", "cancel")),
    (dict(fields={"before-id": "nothing"}), ("item-not-found", "cancel")),
    (dict(fields={"ids": ["nothing"]}), ("item-not-found", "cancel")),
    (dict(fields={"ids": ["x"] * 251}), ("policy-violation", "modify")),
    (dict(after="nothing"), ("item-not-found", "cancel")),
    (dict(before="nothing"), ("item-not-found", "cancel")),
    (dict(max="many"), ("bad-request", "modify")),
    (dict(max="-1"), ("bad-request", "modify")),
    (dict(max=""), ("bad-request", "modify")),
    (dict(max=1, index=3), ("feature-not-implemented", "cancel")),
    (dict(node="urn:test:node"), ("item-not-found", "cancel")),
    (dict(inner=form({"with": "a@b"}, form_type=None)), ("bad-request", "modify")),
    (dict(inner=form({"with": "a@b"}, form_type="urn:xmpp:mam:1")), ("bad-request", "modify")),
    (dict(inner=form({"with": "a@b"}, kind="form")), ("bad-request", "modify")),
    (dict(inner=form({"with": "a@b"}).replace("</x>", "<field var='with'><value>c@d</value></field></x>")),
     ("bad-request", "modify")),
], ids=str)
def test_wrong_queries(cast, query, error):
    romeo = cast.online("romeo")
    write(romeo, romeo, "hi")
    romeo.events.clear()
    page = ask(romeo, **query)
    assert page.error == error and not page.results


@pytest.mark.parametrize("query", [
    dict(inner=form({})), dict(fields={"with": []}), dict(fields={"start": ""}), dict(fields={"after-id": []}),
    dict(fields={"include-groupchat": "true"}), dict(fields={"include-groupchat": "0"}), dict(after=""),
    dict(max="99999999999999999999999"), dict(max=" 7\n"),
], ids=str)
def test_queries_that_say_nothing_match_all(cast, query):
    romeo = cast.online("romeo")
    write(romeo, romeo, "hi")
    romeo.events.clear()
    assert ask(romeo, **query).texts == ["hi"]


def test_nothing_remains_of_a_deleted_account(cast, server):
    romeo, juliet = cast.online("romeo", "juliet")
    write(juliet, romeo, "secret")
    server.ctl("user", "delete", romeo.jid)
    server.create(romeo.local)
    again = cast.client("romeo", jid=romeo.jid).logs_in()
    assert not ask(again).results and metadata(again) == []
    assert ask(juliet).texts == ["secret"]

# SPDX-License-Identifier: MIT
"""Removal by administrators (S0-16 to S0-21, S1): who may, what a plan says, what applying does, that it
survives a crash, and that what does not hold is found."""
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib import dom, process
from lib.archive import ask
from lib.consent import ME, OTHER, SHARED, Other, needs_root
from lib.database import change, number
from lib.removal import RETRACT, modules, says, tombstones
from lib.room import Room, hush
from lib.server import CommandFailed
from lib.sm import managed

pytestmark = pytest.mark.xylem
MODERATE = "urn:xmpp:message-moderate:1"
GRANT = {"grant": [ME]}
STORE = "<store xmlns='urn:xmpp:hints'/>"
REASON = ("--reason-code", "legal", "--reason", "court order 12")


def with_admin(**options):
    return modules(retract=False, retract_admin={**GRANT, **options}, muc=True, muc_mam=True)


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, test_clock=True, modules=with_admin()).start()
    yield server
    server.stop()


def plan(server, *words):
    return server.json("retract", "plan", *words)


def request(server, *words, reason=REASON):
    made = plan(server, *words)["fields"]["plan"]
    return server.json("retract", "request", made, *reason)["fields"]["request"]


def remove(server, *words, flags=()):
    asked = request(server, *words)
    return server.json("retract", "apply", asked, *flags)["fields"]


def finished(server, asked):
    """A job that goes on by itself has come to its end."""
    states = ("done", "partial")
    process.wait_until(lambda: server.json("retract", "status", asked)["fields"]["state"] in states, "the job's end", 120)
    return server.json("retract", "report", asked)


def refusal(server, *words):
    """(exit code, what it says)."""
    with pytest.raises(CommandFailed) as failed:
        server.ctl(*words)
    return failed.value.status, failed.value.error


def notice(client, original, by, kind="chat"):
    """The removal, as the very next thing the client hears."""
    told = client.hears(f"<message type='{kind}' id='*'>...<retract xmlns='{RETRACT}' id='{original}'>"
                        f"<moderated xmlns='{MODERATE}' by='{by}'/><reason>legal</reason></retract>...</message>")
    return told


def whats(answer, message=None):
    return sorted({(r["what"], r["whose"]) for r in answer["rows"] if message in (None, r["message"])})


# ---- who may -------------------------------------------------------------------------------------------


def test_s0_17_an_administrator_without_the_grant_is_refused_and_that_is_audited(make_server, actors):
    server = make_server(modules=modules(retract=False, retract_admin=True))
    romeo, juliet = actors(server).online("romeo", "juliet")
    says(romeo, juliet, "m1")
    juliet.hears("<message type='*'>...</message>")
    for words in (("plan", "--from", romeo.jid), ("request", "x", *REASON), ("apply", "x"), ("repair",)):
        status, text = refusal(server, "retract", *words)
        assert status == 5 and "grant" in text
    assert refusal(server, "retract", "approve", "x")[0] == 5
    records = server.json("audit", "search", "--kind", "refuse")["rows"]
    assert [r["reason"] for r in records] == ["no-approver"] + ["no-grant"] * 4
    assert {r["actor"] for r in records} == {ME}
    assert ask(juliet).texts == ["secret"]


def test_s0_16_no_stanza_of_a_client_does_it(cast, server):
    """Whoever sends it: what the back office would tell, sent by a client, is refused or changes nothing."""
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1")
    juliet.hears("<message type='*'>...</message>")
    moderated = (f"<retract xmlns='{RETRACT}' id='m1'><moderated xmlns='{MODERATE}' by='{server.domain}'/></retract>")
    for payload in (moderated, f"<retract xmlns='{RETRACT}' id='m1'/>"):
        romeo.sends(f"<message to='{juliet}' type='chat' id='r1'>{payload}</message>")
        romeo.hears("<message type='error' id='r1'>...<error type='*'>...</error></message>")
    answer = romeo.asks("set", f"<moderate xmlns='{MODERATE}' id='m1'><retract xmlns='{RETRACT}'/></moderate>",
                        to=server.domain)
    assert answer.get("type") == "error"
    juliet.hears_nothing()
    assert ask(juliet).texts == ["secret"]
    assert remove(server, "--from", romeo.jid)["state"] == "done"
    notice(juliet, "m1", server.domain)


def test_s0_21_a_reason_is_mandatory(cast, server):
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1")
    romeo.settles()
    made = plan(server, "--from", romeo.jid)["fields"]["plan"]
    for reason in ((), ("--reason-code", "legal"), ("--reason", "because"),
                   ("--reason-code", "", "--reason", "because"), ("--reason-code", "legal", "--reason", "  "),
                   ("--reason-code", "No Code", "--reason", "because")):
        assert refusal(server, "retract", "request", made, *reason)[0] == 2
    assert refusal(server, "retract", "request", "no-such-plan", *REASON)[0] == 3


# ---- what it does --------------------------------------------------------------------------------------


def test_s1_1_to_s1_3_state_notice_access(cast, server, request):
    """Both are told by their server, every device, and every reader gets a tombstone."""
    romeo, juliet = cast.online("romeo", "juliet")
    other = cast.another(juliet)
    hush(juliet, other)
    says(romeo, juliet, "m1", "a word too much")
    for client in (juliet, other):
        client.hears("<message type='*'>...<body>a word too much</body>...</message>")
    asked = _number(server, request, romeo)
    done = remove(server, asked)
    assert done["state"] == "done" and done["requester"] == ME
    for client in (romeo, juliet, other):
        told = notice(client, "m1", server.domain)
        assert told.get("from") == server.domain
    for client in (romeo, juliet):
        page = ask(client)
        assert "a word too much" not in "".join(dom.show(r.wrapper) for r in page.results)
        [tombstone] = tombstones(page)
        assert dom.find(tombstone, "retract:retracted").find(f"{{{MODERATE}}}moderated").get("by") == server.domain
        assert len(page.results) == 2
    assert number(server, request, f"select state from message where id = {asked}") == 3
    [record] = server.json("audit", "search", "--kind", "remove", "--message", asked)["rows"]
    assert record["operation"] == done["operation"] and record["words"] == "court order 12"
    assert "a word too much" not in server.ctl("audit", "search")


def test_s0_19_who_was_away_learns_of_it_before_newer_content(cast, server):
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "gone")
    juliet.hears("<message id='m1' type='*'>...</message>")
    juliet.sends("<presence type='unavailable'/>")
    juliet.settles()
    juliet.events.clear()
    says(romeo, juliet, "m2", "never seen")
    romeo.settles()
    remove(server, "--from", romeo.jid)
    says(romeo, juliet, "m3", "news")
    romeo.round_trip()
    juliet.sends("<presence/>")
    juliet.hears("<presence/>")
    for original in ("m1", "m2"):
        notice(juliet, original, server.domain)
    juliet.hears("<message id='m3' type='*'>...<body>news</body>...</message>")


def test_s1_11_a_repeat_changes_nothing(cast, server, request):
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1")
    asked = _number(server, request, romeo)
    other = request_of(server, asked)
    remove(server, asked)
    assert server.json("retract", "apply", other)["fields"]["state"] == "done"
    assert server.json("retract", "status", other)["fields"]["messages_already"] == 1
    assert number(server, request, f"select count(*) from removal where message = {asked}") == 1
    assert refusal(server, "retract", "apply", other)[0] == 4
    assert refusal(server, "retract", "plan", asked)[0] == 4


request_of = request


def test_s1_17_what_goes_with_it_and_what_quotes_it(cast, server, request):
    """Corrections and reactions go; replies and typed quotes are listed and stay."""
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "first words")
    first = _number(server, request, romeo)
    romeo.sends(f"<message to='{juliet}' type='chat' id='m2'><body>second words</body>"
                "<replace xmlns='urn:xmpp:message-correct:0' id='m1'/></message>")
    juliet.sends(f"<message to='{romeo}' type='chat' id='m3'><reactions xmlns='urn:xmpp:reactions:0' id='m1'>"
                 "<reaction>x</reaction></reactions><store xmlns='urn:xmpp:hints'/></message>")
    juliet.sends(f"<message to='{romeo}' type='chat' id='m4'><body>why?</body>"
                 f"<reply xmlns='urn:xmpp:reply:0' to='{romeo}' id='m1'/></message>")
    juliet.sends(f"<message to='{romeo}' type='chat' id='m5'><body>&gt; first words\nreally?</body></message>")
    hush(romeo, juliet)
    answer = plan(server, first)
    fields = answer["fields"]
    assert [fields[k] for k in ("messages", "go_with_them", "replies", "possible_copies")] == [1, 2, 1, 1]
    assert "first words" not in str(answer) and "really" not in str(answer)
    [read] = server.json("audit", "search", "--operation", fields["plan"])["rows"]
    assert read["kind"] == "privileged_read" and read["actor"] == ME
    asked = server.json("retract", "request", fields["plan"], *REASON)["fields"]["request"]
    server.ctl("retract", "apply", asked)
    page = ask(romeo)
    assert len(tombstones(page)) == 3
    assert [r.text for r in page.results if dom.find(r.message, "client:body") is not None] == \
        ["why?", "> first words\nreally?"]
    report = server.json("retract", "report", asked)
    assert report["fields"]["messages_removed"] == 1 and report["fields"]["go_with_them_removed"] == 2
    assert {(r["party"], r["outcome"]) for r in report["rows"]} == {
        (romeo.jid, "removed, told"), (juliet.jid, "removed, told")}


def _number(server, request, client):
    """Of the newest message of somebody new, once it is stored."""
    statement = f"select coalesce(max(m.id), 0) from message m join jid j on j.id = m.sender where j.text = '{client.jid}'"
    process.wait_until(lambda: number(server, request, statement), "a stored message")
    return number(server, request, statement)


def test_a_reaction_that_came_after_the_plan_goes_too(cast, server, request):
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1")
    asked = request_of(server, _number(server, request, romeo))
    juliet.sends(f"<message to='{romeo}' type='chat' id='m3'><reactions xmlns='urn:xmpp:reactions:0' id='m1'>"
                 "<reaction>x</reaction></reactions><store xmlns='urn:xmpp:hints'/></message>")
    juliet.settles()
    server.ctl("retract", "apply", asked)
    page = ask(romeo)
    assert len(tombstones(page)) == 2


def test_s0_20_the_plan_names_devices_with_last_seen(cast, server, request):
    romeo, juliet = cast.online("romeo", "juliet")
    juliet.sends("<presence type='unavailable'/>")
    juliet.settles()
    says(romeo, juliet, "m1")
    asked = _number(server, request, romeo)
    waits = plan(server, asked)
    assert ("waits", juliet.jid) in whats(waits) and ("device has it", romeo.jid) in whats(waits)
    assert {("archive", romeo.jid), ("archive", juliet.jid)} <= set(whats(waits))
    juliet.sends("<presence/>")
    juliet.settles()

    def has_it():
        juliet.round_trip()
        server.advance("1 min")
        return ("device has it", juliet.jid) in whats(plan(server, asked))

    process.wait_until(has_it, "the device has it")
    rows = [r for r in plan(server, asked)["rows"] if r["what"] == "device has it"]
    assert all(r["last_seen"].startswith("20") for r in rows)


def test_n27_who_can_read_equals_the_plan(cast, server, request):
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1")
    asked = _number(server, request, romeo)
    assert whats(plan(server, asked)) == whats(server.json("message", "who-can-read", asked))


# ---- foreign parties ------------------------------------------------------------------------------------


def test_s0_18_a_foreign_party_is_named_and_refused(cast, server, request):
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1")
    asked = _number(server, request, romeo)
    change(server, request, "insert into jid (text) values ('hamlet@elsinore.test') on conflict do nothing")
    change(server, request, "update message set rcpt = (select id from jid where text = 'hamlet@elsinore.test') "
                            f"where id = {asked}")
    answer = plan(server, asked)
    assert answer["fields"]["foreign_parties"] == 1 and ("foreign", "hamlet@elsinore.test") in whats(answer)
    waiting = request_of(server, asked)
    status, text = refusal(server, "retract", "apply", waiting)
    assert status == 5 and "hamlet@elsinore.test" in text
    assert number(server, request, f"select state from message where id = {asked}") == 0
    assert server.json("retract", "apply", waiting, "--despite-foreign")["fields"]["state"] == "partial"
    outcomes = {r["party"]: r["outcome"] for r in server.json("retract", "report", waiting)["rows"]}
    assert outcomes["hamlet@elsinore.test"] == "foreign: may keep it"
    assert number(server, request, f"select state from message where id = {asked}") == 3


def test_s0_18_a_group_with_one_foreign_member(cast, server):
    romeo, juliet = cast.online("romeo", "juliet")
    room = _room(server, romeo, juliet)
    server.ctl("room", "affiliation", room.jid, "hamlet@elsinore.test", "member")
    romeo.sends(f"<message to='{room.jid}' type='groupchat' id='m1'><body>secret</body></message>")
    hush(romeo, juliet)
    answer = plan(server, "--room", room.jid)
    assert ("foreign", "hamlet@elsinore.test") in whats(answer)
    waiting = request_of(server, "--room", room.jid)
    assert "hamlet@elsinore.test" in refusal(server, "retract", "apply", waiting)[1]
    assert server.json("retract", "apply", waiting, "--despite-foreign")["fields"]["state"] == "partial"


def _room(server, owner, *others):
    room = Room(server)
    room.enters(owner, "Owner")
    room.is_configured(owner)
    for i, client in enumerate(others):
        room.enters(client, f"Guest{i}")
    hush(owner, *others)
    return room


def test_a_room_is_told_by_the_room(cast, server, request):
    romeo, juliet = cast.online("romeo", "juliet")
    room = _room(server, romeo, juliet)
    romeo.sends(f"<message to='{room.jid}' type='groupchat' id='m1'><body>secret</body></message>")
    said = juliet.hears("<message type='groupchat' id='m1'>...<body>secret</body>...</message>")
    hush(romeo)
    stanza_id = dom.find(said, "sid:stanza-id").get("id")
    assert remove(server, stanza_id)["state"] == "done"
    for client in (romeo, juliet):
        told = notice(client, stanza_id, room.jid.split("@")[1], kind="groupchat")
        assert told.get("from") == room.jid
    page = ask(juliet, to=room.jid)
    assert "secret" not in "".join(dom.show(r.wrapper) for r in page.results)
    assert len(tombstones(page)) == 1


def test_s1_2_notices_of_removals_stay(cast, server, request):
    """A device that was away learns by them what is gone: no plan has them, whatever it chooses."""
    romeo, juliet = cast.online("romeo", "juliet")
    room = _room(server, romeo, juliet)
    targets = []
    for i in range(2):
        romeo.sends(f"<message to='{room.jid}' type='groupchat' id='m{i}'><body>secret</body></message>")
        said = juliet.hears(f"<message type='groupchat' id='m{i}'>...<body>secret</body>...</message>")
        targets.append(dom.find(said, "sid:stanza-id").get("id"))
    hush(romeo)
    assert remove(server, targets[0])["state"] == "done"
    told = juliet.hears("<message type='groupchat'>...</message>")
    assert plan(server, "--room", room.jid)["fields"]["messages"] == 1
    assert remove(server, "--room", room.jid)["state"] == "done"
    page = ask(juliet, to=room.jid)
    assert len(tombstones(page)) == 2
    noticed = [n.get("id") for n in (dom.find(r.message, "retract:retract") for r in page.results) if n is not None]
    assert noticed == targets
    _, error = refusal(server, "retract", "plan", dom.find(told, "sid:stanza-id").get("id"))
    assert "stays" in error


def test_a_plan_does_not_take_what_is_somebody_elses(cast, server):
    """Clients choose the ids of their messages: also one that the room gave to another's."""
    romeo, juliet, nurse = cast.online("romeo", "juliet", "nurse")
    room = _room(server, romeo, juliet, nurse)

    def publishes(client, inner, number):
        client.sends(f"<message to='{room.jid}' type='groupchat' id='{number}'>{inner}</message>")
        said = [c.hears(f"<message type='groupchat' id='{number}'>...</message>") for c in (romeo, juliet, nurse)]
        return dom.find(said[0], "sid:stanza-id").get("id")

    speech = publishes(romeo, "<body>a speech</body>", "m1")
    bait = publishes(juliet, "<body>bait</body>", speech)
    publishes(nurse, f"<reactions xmlns='urn:xmpp:reactions:0' id='{speech}'/>{STORE}", "l1")
    publishes(romeo, "<body>a better speech</body><replace xmlns='urn:xmpp:message-correct:0' id='m1'/>", "m2")
    publishes(juliet, "<body>another's id</body><replace xmlns='urn:xmpp:message-correct:0' id='m1'/>", "m3")
    fields = plan(server, bait)["fields"]
    assert (fields["messages"], fields["go_with_them"]) == (1, 0)
    fields = plan(server, speech)["fields"]
    assert (fields["messages"], fields["go_with_them"]) == (1, 2)


def test_s1_3_a_removed_subject_is_told_to_nobody(cast, server):
    romeo, juliet, nurse = cast.online("romeo", "juliet", "nurse")
    room = _room(server, romeo, juliet)
    romeo.sends(f"<message to='{room.jid}' type='groupchat' id='m1'><subject>canary-subject</subject></message>")
    said = juliet.hears("<message type='groupchat' id='m1'>...<subject>canary-subject</subject>...</message>")
    hush(romeo)
    assert remove(server, dom.find(said, "sid:stanza-id").get("id"))["state"] == "done"
    hush(romeo, juliet)
    since = len(nurse.log)
    room.enters(nurse, "Nurse")
    hush(nurse)
    assert "canary-subject" not in "".join(text for way, text in nurse.log[since:] if way == "←")


# ---- two people --------------------------------------------------------------------------------------------


def test_n3_four_eyes_and_expiry(make_server, actors):
    """The one who asks cannot approve; without approval nothing happens; requests expire."""
    server = make_server(test_clock=True, modules=with_admin(approvals=2, approvers=[ME], approval_for="1 h"))
    romeo, juliet = actors(server).online("romeo", "juliet")
    says(romeo, juliet, "m1")
    juliet.hears("<message type='*'>...</message>")
    asked = request(server, "--from", romeo.jid)
    assert "approve" in refusal(server, "retract", "apply", asked)[1]
    assert "somebody else" in refusal(server, "retract", "approve", asked)[1]
    server.advance("61 min")
    assert "expired" in refusal(server, "retract", "apply", asked)[1]
    assert server.json("retract", "status", asked)["fields"]["state"] == "expired"
    reasons = [r["reason"] for r in server.json("audit", "search", "--kind", "refuse")["rows"]]
    assert reasons == ["expired", "own-request", "not-approved"]
    assert ask(juliet).texts == ["secret"]


def test_n3_both_names_are_on_record(make_server, actors, request):
    """Another one asked (as its row says): I approve, and the records name both."""
    server = make_server(modules=with_admin(approvals=2, approvers=[ME]))
    romeo, juliet = actors(server).online("romeo", "juliet")
    says(romeo, juliet, "m1")
    juliet.hears("<message type='*'>...</message>")
    asked = request_of(server, "--from", romeo.jid)
    change(server, request, f"update retract_admin_request set requester = 'unix:7' where id = '{asked}'")
    assert server.json("retract", "approve", asked)["fields"]["state"] == "approved"
    assert refusal(server, "retract", "approve", asked)[0] == 4
    assert server.json("retract", "apply", asked)["fields"]["state"] == "done"
    [record] = server.json("audit", "search", "--kind", "remove")["rows"]
    assert record["actor"] == "unix:7" and f"approver={ME}" in record["details"]


@needs_root
def test_s1_8_two_people_at_two_terminals(make_server, actors):
    """Each is known by his own user of the machine; who is in no group that shares the socket is nobody."""
    server = make_server(modules=with_admin(approvals=2, approvers=[OTHER]), **SHARED)
    romeo, juliet = actors(server).online("romeo", "juliet")
    says(romeo, juliet, "m1")
    juliet.hears("<message type='*'>...</message>")
    asked = request_of(server, "--from", romeo.jid)
    other = Other(server)
    assert other.ctl("retract", "plan", "1")[0] == 5, "who may approve may not remove"
    assert "approvers" in refusal(server, "retract", "approve", asked)[1]
    status, answer = other.ctl("retract", "approve", asked)
    assert status == 0 and (answer["fields"]["requester"], answer["fields"]["approver"]) == (ME, OTHER)
    assert server.json("retract", "apply", asked)["fields"]["state"] == "done"
    [record] = server.json("audit", "search", "--kind", "remove")["rows"]
    assert record["actor"] == ME and f"approver={OTHER}" in record["details"]
    server.write_config(control_group="")
    server.stop()
    server.start()
    assert Other(server).ctl("status")[0] == 5


# ---- many ------------------------------------------------------------------------------------------------


def _many(server, romeo, juliet, count):
    for i in range(count):
        says(romeo, juliet, f"m{i}", f"canary {i}")
    romeo.settles()
    juliet.settles()
    juliet.events.clear()
    romeo.events.clear()


def test_s1_4_a_bulk_removal_survives_kill_9(make_server, actors, request):
    """At any point: each message has state, record and both notices, or none of them; the next start goes on."""
    server = make_server(modules=with_admin())
    cast = actors(server)
    romeo, juliet = cast.online("romeo", "juliet")
    count = 2000
    _many(server, romeo, juliet, count)
    asked = request_of(server, "--from", romeo.jid)
    assert server.json("retract", "apply", asked)["fields"]["state"] == "applying"
    server.kill()
    for i in range(3):
        removed = number(server, request, "select count(*) from removal")
        assert number(server, request, "select count(*) from message where state = 3") == removed
        domain = f"(select id from jid where text = '{server.domain}')"
        assert number(server, request, f"select count(*) from message where sender = {domain}") == 2 * removed
        records = "select count(*) from (select message from audit_record where kind = 'remove' union all " \
                  "select message from audit_waiting where kind = 'remove') r"
        assert number(server, request, records) == removed
        if i < 2:
            assert 0 < removed < count
            server.start()
            process.wait_until(lambda: number(server, request, "select count(*) from removal") > removed, "more")
            server.kill()
    server.start()
    report = finished(server, asked)
    assert report["fields"]["messages_removed"] == count and len(report["rows"]) == 2 * count
    assert number(server, request, "select count(*) from message where state = 3") == count
    assert number(server, request, f"select count(*) from message where sender = {domain}") == 2 * count
    assert server.json("retract", "verify")["fields"]["flaws"] == 0


def test_many_by_pair_time_and_person(cast, server, request):
    """Only what was meant, and nothing of others."""
    romeo, juliet, nurse = cast.online("romeo", "juliet", "nurse")
    says(romeo, juliet, "a1", "to juliet")
    says(juliet, romeo, "a2", "to romeo")
    says(romeo, nurse, "a3", "to the nurse")
    hush(romeo, juliet, nurse)
    assert plan(server, "--from", romeo.jid)["fields"]["messages"] == 2
    assert plan(server, "--between", romeo.jid, "--and", juliet.jid)["fields"]["messages"] == 2
    assert plan(server, "--from", romeo.jid, "--to", nurse.jid)["fields"]["messages"] == 1
    assert refusal(server, "retract", "plan", "--from", romeo.jid, "--until", "2021-01-01T00:00:00Z")[0] == 3
    remove(server, "--between", romeo.jid, "--and", juliet.jid)
    assert len(tombstones(ask(romeo))) == 2
    assert "to the nurse" in [r.text for r in ask(nurse).results]


# ---- finding ---------------------------------------------------------------------------------------------


def test_s1_10_text_takes_a_purpose_which_is_recorded(cast, server, request):
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "hidden-words")
    asked = _number(server, request, romeo)
    found = server.json("message", "find", "--from", romeo.jid)
    assert [r["message"] for r in found["rows"]] == [asked] and "hidden-words" not in str(found)
    assert refusal(server, "message", "find", asked, "--purpose", " ")[0] == 2
    remove(server, asked)
    [row] = server.json("message", "find", asked, "--purpose", "appeal 3")["rows"]
    assert row["text"] == "hidden-words" and row["read_for"] == "appeal 3" and row["state"] == "removed"
    [record] = [r for r in server.json("audit", "search", "--message", asked)["rows"] if r["reason"] == "message-find"]
    assert record["words"] == "appeal 3" and record["actor"] == ME


def test_by_stanza_id_of_any_archive(cast, server, request):
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1")
    asked = _number(server, request, romeo)
    for client in (romeo, juliet):
        [row] = server.json("message", "find", ask(client).ids[0])["rows"]
        assert row["message"] == asked
    [row] = server.json("message", "find", "m1", "--account", juliet.jid)["rows"]
    assert row["message"] == asked


# ---- what does not hold ----------------------------------------------------------------------------------


FLAWS = {
    "shown as live": "update message set state = 0 where id = {id}",
    "no record of its removal": "delete from removal where message = {id}",
    "purged but has content": "update removal set purged = 1 where message = {id}",
    "due to be purged": "update removal set purge_at = 5 where message = {id}",
    "waits for a device": "insert into pending (owner, device, message) select owner, 77, {id} from account where "
                          "jid = '{jid}'",
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_s1_19_verify_finds_and_repair_mends(make_server, actors, request, flaw):
    server = make_server(modules=with_admin())
    romeo, juliet = actors(server).online("romeo", "juliet")
    says(romeo, juliet, "m1", "leaking words")
    asked = _number(server, request, romeo)
    remove(server, asked)
    assert server.json("retract", "verify")["fields"]["flaws"] == 0
    change(server, request, FLAWS[flaw].format(id=asked, jid=juliet.jid))
    status, text, _ = server.ctl("retract", "verify", "--json", check=False)
    assert status != 0 and flaw in text and str(asked) in text
    assert server.json("retract", "repair")["fields"]["mended"] >= 1
    assert server.json("retract", "verify")["fields"]["flaws"] == 0
    assert "leaking words" not in "".join(dom.show(r.wrapper) for r in ask(juliet).results)
    assert server.json("audit", "search", "--kind", "repair", "--message", asked)["rows"]


def test_n21_a_live_correction_of_a_removed_message_is_found(make_server, actors, request):
    server = make_server(modules=with_admin())
    romeo, juliet = actors(server).online("romeo", "juliet")
    says(romeo, juliet, "m1", "first words")
    first = _number(server, request, romeo)
    remove(server, first)
    romeo.sends(f"<message to='{juliet}' type='chat' id='m2'><body>second words</body>"
                "<replace xmlns='urn:xmpp:message-correct:0' id='m1'/></message>")
    romeo.settles()
    assert "what goes with it is live" in server.ctl("retract", "verify", "--json", check=False)[1]
    server.ctl("retract", "repair")
    assert "second words" not in "".join(dom.show(r.wrapper) for r in ask(juliet).results)


# ---- a large store -----------------------------------------------------------------------------------------


def _reads(server):
    return sum(r["value"] for r in server.json("metrics")["rows"] if r["metric"] == "store.reads")


def test_a_large_store(make_server, actors, request):
    """One message is found in its conversation, whatever else there is; a walk through all keeps nobody waiting."""
    server = make_server(modules=with_admin())
    cast = actors(server)
    romeo, juliet, nurse, tybalt = cast.online("romeo", "juliet", "nurse", "tybalt")
    says(romeo, juliet, "m1", "first words")
    old = _number(server, request, romeo)
    says(nurse, tybalt, "n1", "something else")
    other = _number(server, request, nurse)
    server.stop()
    columns = "sender, rcpt, class, state, archived, origin, stanza"
    change(server, request, f"with recursive n(i) as (select 1 union all select i + 1 from n where i < 200000) insert into "
                            f"message (id, {columns}) select id + i, {columns} from message cross join n where id = {other}")
    server.start()
    romeo, juliet, tybalt = (cast.client(c.label, jid=c.jid).comes_online() for c in (romeo, juliet, tybalt))
    juliet.sends(f"<message to='{romeo}' type='chat' id='m2'><reactions xmlns='urn:xmpp:reactions:0' id='m1'/>{STORE}</message>"
                 f"<message to='{romeo}' type='chat' id='m3'><body>&gt; first words\nreally?</body></message>")
    juliet.settles()
    before = _reads(server)
    fields = plan(server, old)["fields"]
    assert [fields[k] for k in ("messages", "go_with_them", "possible_copies")] == [1, 1, 1]
    assert ("possible copy", juliet.jid) in whats(server.json("message", "who-can-read", old))
    assert _reads(server) - before < 200
    with ThreadPoolExecutor() as pool:
        walk = pool.submit(plan, server, "--from", romeo.jid)
        talked = 0
        while not walk.done():
            says(romeo, tybalt, f"t{talked}", "hello")
            tybalt.hears(f"<message id='t{talked}' type='*'>...</message>")
            talked += 1
    assert walk.result()["fields"]["messages"] >= 1 and talked > 1


# ---- a plan is what happens ------------------------------------------------------------------------------


def test_n5_the_plan_equals_the_effect(make_server, actors, request):
    """Messages, corrections, reactions, replies at random; what the plan says goes is what has gone, no more."""
    server = make_server(modules=with_admin())
    romeo, juliet, nurse = people = actors(server).online("romeo", "juliet", "nurse")
    dice, sent = random.Random(424242), []
    for i in range(120):
        sender, to = dice.sample(people, 2)
        earlier = [s for s in sent if {s[0], s[1]} == {sender, to}]
        about = dice.choice(earlier) if earlier and dice.random() < 0.5 else None
        extra, body = "", f"<body>words {i}</body>"
        if about and about[0] is sender and dice.random() < 0.5:
            extra = f"<replace xmlns='urn:xmpp:message-correct:0' id='{about[2]}'/>"
        elif about and dice.random() < 0.5:
            extra = f"<reactions xmlns='urn:xmpp:reactions:0' id='{about[2]}'><reaction>x</reaction></reactions>" + STORE
            body = ""
        elif about:
            extra = f"<reply xmlns='urn:xmpp:reply:0' id='{about[2]}'/>"
        sender.sends(f"<message to='{to}' type='chat' id='m{i}'>{body}{extra}</message>")
        to.hears(f"<message id='m{i}' type='*'>...</message>")
        if body and not extra:
            sent.append((sender, to, f"m{i}"))
    words = ("--from", romeo.jid, "--to", juliet.jid)
    answer = plan(server, *words)["fields"]
    asked = server.json("retract", "request", answer["plan"], *REASON)["fields"]["request"]
    before = number(server, request, "select count(*) from message where state = 0")
    server.json("retract", "apply", asked)
    report = finished(server, asked)["fields"]
    assert report["messages_removed"] == answer["messages"]
    gone = number(server, request, "select count(*) from message where state = 3")
    own = ("select count(*) from retract_admin_item where role <= 1 and message not in "
           f"(select message from retract_admin_item where role = 0) and plan_id = '{answer['plan']}'")
    assert gone == answer["messages"] + number(server, request, own)
    notices = number(server, request, "select count(*) from message m join jid j on j.id = m.sender where j.text = "
                                      f"'{server.domain}'")
    assert number(server, request, "select count(*) from message where state = 0") == before - gone + notices
    assert not tombstones(ask(nurse))



# ---- S0-19: the ways back ------------------------------------------------------------------------------------


def _removed_meanwhile(cast, server, juliet):
    """Juliet has m1; m2 is sent to her broken connection; both are removed, m3 is new."""
    romeo = cast("romeo")
    says(romeo, juliet, "m1", "had")
    juliet.hears("<message id='m1' type='*'>...</message>")
    juliet.round_trip()
    juliet.breaks()
    says(romeo, juliet, "m2", "under way")
    romeo.round_trip()
    hush(romeo)
    remove(server, "--from", romeo.jid)
    says(romeo, juliet, "m3", "news")
    romeo.round_trip()


def test_s0_19_a_resumed_stream_hears_it_first(cast, server):
    juliet = managed(cast, "juliet").logs_in().enables().comes_online()
    _removed_meanwhile(cast, server, juliet)
    juliet = juliet.reconnects().resumes()
    for original in ("m1", "m2"):
        notice(juliet, original, server.domain)
    juliet.hears("<message id='m3' type='*'>...<body>news</body>...</message>")


def test_s0_19_a_fresh_session_hears_it_first(cast, server):
    juliet = cast("juliet")
    _removed_meanwhile(cast, server, juliet)
    again = cast.another(juliet, online=False)
    again.sends("<presence/>")
    again.hears("<presence/>")
    for original in ("m1", "m2"):
        notice(again, original, server.domain)
    again.hears("<message id='m3' type='*'>...<body>news</body>...</message>")


def test_n4_a_held_message_looks_removed_and_keeps_its_content(make_server, actors, request):
    """Everybody sees success; the plan says it is held; a preset that purges at once does not reach it."""
    server = make_server(governance="minimal", modules={**with_admin(), "hold": True, "retention": True})
    romeo, juliet = actors(server).online("romeo", "juliet")
    server.ctl("hold", "add", "--name", "case-7", "--reason", "subpoena", "--person", romeo.jid)
    says(romeo, juliet, "m1", "held words")
    juliet.hears("<message id='m1' type='*'>...</message>")
    asked = _number(server, request, romeo)
    assert plan(server, asked)["fields"]["held"] == 1
    assert remove(server, asked)["state"] == "done"
    notice(juliet, "m1", server.domain)
    assert "held words" not in "".join(dom.show(r.wrapper) for r in ask(juliet).results)
    [row] = server.json("message", "find", asked, "--purpose", "case 7")["rows"]
    assert row["text"] == "held words" and row["held"]
    assert server.json("retract", "verify")["fields"]["flaws"] == 0

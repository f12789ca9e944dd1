# SPDX-License-Identifier: MIT
"""XEP-0424 between two people: what it takes, what it does, and that nobody gets around it (S0, S1)."""
import pytest

from lib import dom, process
from lib.archive import ask, texts
from lib.database import number
from lib.removal import (RETRACT, is_refused, modules, retract, retracts, says, shared_server, tombstones)

pytestmark = pytest.mark.xylem
assert shared_server


def heard(client, number="r1"):
    return client.hears(f"<message id='{number}' type='*'>...<retract xmlns='{RETRACT}' id='*'/>...</message>")


# ---- off -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [
    retract("m1"), "<retract xmlns='urn:xmpp:message-retract:0' id='m1'/>",
    "<apply-to xmlns='urn:xmpp:fasten:0' id='m1'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>",
])
def test_s0_1_a_fresh_installation_refuses(make_server, actors, payload):
    """S0-1: the sender gets an error, nobody sees the retraction, the archive is unchanged."""
    cast = actors(make_server(modules={"mam": True}))
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1")
    juliet.hears("<message type='*'>...<body>secret</body>...</message>")
    romeo.sends(f"<message to='{juliet}' type='chat' id='r1'>{payload}<body>gone</body></message>")
    is_refused(romeo, "off", "not-allowed")
    juliet.hears_nothing()
    assert texts(romeo) == texts(juliet) == ["secret"]


def test_switching_is_live(make_server, actors):
    """S0-30, S0-31: at run time, nobody is dropped; discovery follows."""
    server = make_server(modules=modules(retract=False))
    romeo, juliet = actors(server).online("romeo", "juliet")

    def feature():
        answer = romeo.asks("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=romeo.jid)
        form = [f for f in dom.findall(answer, "disco:query/data:x/data:field") if f.get("var") == "max-age"]
        return (RETRACT in [f.get("var") for f in dom.findall(answer, "disco:query/disco:feature")],
                [dom.find(f, "data:value").text for f in form])

    assert feature() == (False, [])
    says(romeo, juliet, "m1")
    juliet.hears("<message type='*'>...</message>")
    retracts(romeo, juliet, "m1")
    is_refused(romeo, "off")
    server.reload(modules=modules())
    assert feature() == (True, ["60"])
    retracts(romeo, juliet, "m1", id="r2")
    heard(juliet, "r2")
    server.reload(modules=modules(retract=False))
    assert feature() == (False, [])
    assert "switch" in server.ctl("audit", "search", "--kind", "switch")


# ---- what it does ----------------------------------------------------------------------------------


def test_s1_1_to_s1_3_state_notice_access(cast, server, request):
    """The state is on the row, every device learns of it, every reader gets a tombstone."""
    romeo, juliet = cast.online("romeo", "juliet")
    other = cast.another(juliet)
    juliet.events.clear()
    before = number(server, request, "select count(*) from removal")
    says(romeo, juliet, "m1", "a word too much")
    for client in (juliet, other):
        client.hears("<message type='*'>...<body>a word too much</body>...</message>")
    retracts(romeo, juliet, "m1")
    for client in (juliet, other):
        heard(client)
    romeo.settles()
    for client in (romeo, juliet):
        page = ask(client)
        assert "a word too much" not in "".join(dom.show(r.wrapper) for r in page.results)
        [tombstone] = tombstones(page)
        assert dom.find(tombstone, "retract:retracted").get("id") == "r1"
        assert dom.find(page.results[1].message, "retract:retract").get("id") == "m1"
    assert number(server, request, "select count(*) from removal") == before + 1
    assert number(server, request, "select count(*) from message where state = 1") >= 1


def test_s1_4_between_two_hosts_of_the_server(cast, server, request):
    """What the author's host has approved is done where the peer's host stores it."""
    romeo, juliet = cast.online("romeo"), cast.online("juliet", domain=server.config["hosts"][1])
    before = number(server, request, "select count(*) from removal")
    says(romeo, juliet, "m1", "a word too much")
    juliet.hears("<message type='*'>...<body>a word too much</body>...</message>")
    juliet.sends("<presence type='unavailable'/>")
    juliet.settles()
    retracts(romeo, juliet, "m1", extra="<no-store xmlns='urn:xmpp:hints'/>")
    process.wait_until(lambda: number(server, request, "select count(*) from removal") == before + 1, "the removal")
    for client in (romeo, juliet):
        assert len(tombstones(ask(client))) == 1
    juliet.sends("<presence/>")
    juliet.hears("<presence/>")
    heard(juliet)


@pytest.mark.parametrize("who", ["juliet", "romeo"])
def test_who_is_away_gets_the_retraction_and_not_the_message(cast, server, who):
    """S0-19, N8: what was not delivered yet never is; the retraction comes before newer content."""
    romeo, juliet = cast.online("romeo", "juliet")
    juliet.sends("<presence type='unavailable'/>")
    juliet.settles()
    juliet.events.clear()
    says(romeo, juliet, "m1")
    retracts(romeo, juliet, "m1")
    says(romeo, juliet, "m2", "news")
    romeo.round_trip()
    juliet.sends("<presence/>")
    juliet.hears("<presence/>")
    heard(juliet)
    juliet.hears("<message id='m2' type='*'>...<body>news</body>...</message>")


def test_corrections_and_reactions_go_with_it(cast):
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "first")
    romeo.sends(f"<message to='{juliet}' type='chat' id='m2'><body>corrected</body>"
                "<replace xmlns='urn:xmpp:message-correct:0' id='m1'/></message>")
    juliet.hears("<message type='*'>...</message>", "<message type='*'>...</message>")
    juliet.sends(f"<message to='{romeo}' type='chat' id='m3'><reactions xmlns='urn:xmpp:reactions:0' id='m1'>"
                 "<reaction>x</reaction></reactions><store xmlns='urn:xmpp:hints'/></message>")
    romeo.hears("<message type='*'>...</message>")
    retracts(romeo, juliet, "m1")
    heard(juliet)
    romeo.settles()
    for client in (romeo, juliet):
        page = ask(client)
        assert len(page.results) == 4 and len(tombstones(page)) == 3
        assert not dom.findall(page.results[2].message, "{urn:xmpp:reactions:0}reactions")


def test_what_is_pipelined_is_found(cast):
    """The message is being committed when its retraction comes."""
    romeo, juliet = cast.online("romeo", "juliet")
    for i in range(20):
        says(romeo, juliet, f"m{i}", f"t{i}")
        retracts(romeo, juliet, f"m{i}", id=f"r{i}")
    romeo.round_trip()
    romeo.settles()
    assert not [e for _, e in romeo.events if e is not None and e.get("type") == "error"]
    assert len(tombstones(ask(romeo))) == 20


def test_s1_12_a_retraction_that_comes_first_waits(cast):
    romeo, juliet = cast.online("romeo", "juliet")
    retracts(romeo, juliet, "m1")
    romeo.round_trip()
    says(romeo, juliet, "m1", "late")
    juliet.hears("<message id='m1' type='*'>...</message>")
    heard(juliet)
    romeo.settles()
    assert len(tombstones(ask(juliet))) == 1


def test_s1_12_what_never_comes_is_not_found(cast, server):
    romeo, juliet = cast.online("romeo", "juliet")
    retracts(romeo, juliet, "m1")
    romeo.round_trip()
    server.advance("11 s")
    is_refused(romeo, "not-found", "item-not-found")
    juliet.hears_nothing()


# ---- what it takes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("after, allowed", [("59900 ms", True), ("60100 ms", False)])
def test_s0_26_the_window_is_the_servers(make_server, actors, after, allowed):
    """59.9 s are in time, 60.1 s are not, and a client's own stamp changes nothing."""
    server = make_server(test_clock=True, modules=modules())
    romeo, juliet = actors(server).online("romeo", "juliet")
    romeo.sends(f"<message to='{juliet}' type='chat' id='m1'><body>secret</body>"
                "<delay xmlns='urn:xmpp:delay' stamp='2030-01-01T00:00:00Z'/></message>")
    juliet.hears("<message type='*'>...</message>")
    server.advance(after)
    retracts(romeo, juliet, "m1")
    if allowed:
        heard(juliet)
    else:
        is_refused(romeo, "too-late", "not-acceptable")
        juliet.hears_nothing()


def test_only_the_author(cast):
    """The direction is checked: nobody takes back what the other wrote (ejabberd lets him)."""
    romeo, juliet, nurse = cast.online("romeo", "juliet", "nurse")
    says(romeo, juliet, "m1")
    juliet.hears("<message type='*'>...</message>")
    retracts(juliet, romeo, "m1")
    is_refused(juliet, "not-author", "forbidden")
    retracts(nurse, juliet, "m1")
    nurse.round_trip()
    nurse.settles()
    assert texts(romeo) == texts(juliet) == ["secret"]


def test_s1_11_a_second_one_changes_nothing(cast):
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1")
    retracts(romeo, juliet, "m1")
    romeo.round_trip()
    retracts(romeo, juliet, "m1", id="r2")
    is_refused(romeo, "already", "conflict", id="r2")
    juliet.hears("<message id='m1' type='*'>...</message>")
    heard(juliet)
    juliet.hears_nothing()


def test_s0_35_a_number_per_period(make_server, actors):
    server = make_server(test_clock=True, modules=modules(retract={"count": 2, "per": "1 h"}))
    romeo, juliet = actors(server).online("romeo", "juliet")
    for i in range(3):
        says(romeo, juliet, f"m{i}")
        retracts(romeo, juliet, f"m{i}", id=f"r{i}")
    is_refused(romeo, "too-many", "policy-violation", id="r2")
    romeo.settles()
    assert len(tombstones(ask(juliet))) == 2
    server.advance("61 min")
    says(romeo, juliet, "m9")
    retracts(romeo, juliet, "m9", id="r9")
    romeo.settles()
    assert len(tombstones(ask(romeo))) == 3


def test_s0_24_a_clients_tombstone_is_dropped(cast):
    romeo, juliet = cast.online("romeo", "juliet")
    romeo.sends(f"<message to='{juliet}' type='chat' id='m1'><body>b</body><retracted xmlns='{RETRACT}' id='x'/>"
                "<moderated xmlns='urn:xmpp:message-moderate:1' by='x'/></message>")
    message = juliet.hears("<message type='*'>...</message>")
    assert "retracted" not in dom.show(message) and "moderated" not in dom.show(message)


def test_the_record(cast, server):
    """Who, which message, which operation; never what it said."""
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "confidential-words")
    juliet.hears("<message type='*'>...</message>")
    retracts(romeo, juliet, "m1")
    heard(juliet)
    said = server.ctl("audit", "search", "--kind", "retract", "--actor", romeo.full)
    assert romeo.full in said and "confidential-words" not in said


def test_evidence_stays_and_content_is_sealed(cast, server, request):
    """S0-3: evidence of it is there; governance `evidential` (the default) keeps the content sealed."""
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "sealed-words")
    juliet.hears("<message type='*'>...</message>")
    retracts(romeo, juliet, "m1")
    heard(juliet)
    romeo.settles()
    message = number(server, request, "select max(message) from removal")
    assert number(server, request, f"select count(*) from evidence where message = {message}") == 1
    assert number(server, request, f"select count(*) from removal where message = {message} and purge_at is null") == 1

# SPDX-License-Identifier: MIT
"""One command prints what ends the messages of a conversation, and when next (S1-14): what it says comes true."""
import time
from datetime import datetime

import pytest

from lib import dom, hall, process
from lib.archive import ask
from lib.removal import modules, retracts, says, tombstones
from lib.room import hush

pytestmark = pytest.mark.xylem
DAY = 24 * 3600
TIMER = "<ephemeral xmlns='urn:xmpp:ephemeral:0' timer='{}'/>"


@pytest.fixture
def keeping(make_server, actors):
    def make(**changes):
        server = make_server(test_clock=True, limits={"idle": None}, governance="hygienic", modules=modules(
            retention={"keep_for": {"user": "90 days", "service": "10 days"}}, mam={"keep_for": "60 days"},
            muc=True, muc_mam={"keep_for": "40 days", "keep_messages": 500}, ephemeral=True, **changes))
        return server, actors(server)
    return make


def show(server, *whom):
    answer = server.json("retention", "show", *whom)
    return answer["fields"], {(r["rule"], r["class"]): r for r in answer["rows"]}


def days_from_now(stamp):
    """By a clock that stands still at the server's start."""
    return round((datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp() - time.time()) / DAY, 1)


def test_s1_14_rules_and_dates_of_a_conversation(keeping):
    server, cast = keeping()
    romeo, juliet, nurse = cast.online("romeo", "juliet", "nurse")
    says(romeo, juliet, "m1", "words")
    says(romeo, juliet, "m2", "taken back")
    romeo.sends(f"<message to='{juliet}' type='chat' id='m3'><body>burns</body>{TIMER.format(5 * DAY)}</message>")
    romeo.sends(f"<message to='{nurse}' type='chat' id='m4'><body>burns</body>{TIMER.format(DAY)}</message>")
    retracts(romeo, juliet, "m2")
    process.wait_until(lambda: len(tombstones(ask(juliet))) == 1 and
                       server.json("ephemeral", "show")["fields"]["waiting"] == 2, "all that was sent")
    fields, rows = show(server, romeo.jid, juliet.jid)
    assert fields["to_be_purged"] == 1 and days_from_now(fields["next_purge"]) == 7
    user, service = rows["option keep_for.user", "user"], rows["option keep_for.service", "service"]
    assert (user["keep_for"], days_from_now(user["next_expiry"]), user["governance"]) == ("90 days", 90, "hygienic")
    assert (service["keep_for"], days_from_now(service["next_expiry"])) == ("10 days", 10)
    for client in (romeo, juliet):
        archive = rows[f"the archive of {client.jid}", "all"]
        assert (archive["keep_for"], days_from_now(archive["next_expiry"])) == ("60 days", 60)
    timers = rows["messages that bear a timer", "all"]
    assert (timers["waiting"], days_from_now(timers["next_expiry"])) == (1, 5)
    _, rows = show(server, romeo.jid)
    assert rows["messages that bear a timer", "all"]["waiting"] == 2
    assert days_from_now(rows["messages that bear a timer", "all"]["next_expiry"]) == 1


def test_s1_14_what_it_says_comes_true(keeping):
    """Of each date: nothing a moment before, and behind it what was said."""
    server, cast = keeping()
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "words")
    romeo.sends(f"<message to='{juliet}' type='chat' id='m2'><body>burns</body>{TIMER.format(5 * DAY)}</message>")
    process.wait_until(lambda: len(ask(juliet).results) == 2, "both")
    dates = sorted({r["next_expiry"] for r in show(server, romeo.jid, juliet.jid)[1].values()} - {"never"})
    assert [days_from_now(d) for d in dates] == [5, 10, 60, 90]
    left = lambda: [r.text for r in ask(juliet).results]

    def runs():
        server.advance("11 min")
        server.ctl("retention", "run", check=False)
        return left()

    server.advance(f"{5 * DAY - 3600} s")
    assert runs() == ["words", "burns"]
    server.advance("1 h")
    process.wait_until(lambda: runs() == ["words"], "the end of the timer", 30)
    server.advance("54 days")
    assert runs() == ["words"]  # no service wrote it
    server.advance("2 days")
    process.wait_until(lambda: runs() == [], "the end of what the archive keeps", 30)


def test_s1_14_of_a_room(keeping):
    server, cast = keeping()
    place, romeo = hall.gathers(cast, "romeo")
    says(romeo, place, "m1", "words", "groupchat")
    romeo.sends(f"<message to='{place}' type='groupchat' id='m2'><body>burns</body>{TIMER.format(DAY)}</message>")
    hush(romeo)
    _, rows = show(server, place)
    archive, timers = rows[f"the archive of {place}", "all"], rows["messages that bear a timer", "all"]
    assert (archive["keep_for"], archive["keep_messages"], days_from_now(archive["next_expiry"])) == ("40 days", 500, 40)
    assert (timers["waiting"], days_from_now(timers["next_expiry"])) == (1, 1)
    assert days_from_now(rows["option keep_for.user", "user"]["next_expiry"]) == 90


def test_s1_14_a_rule_of_its_own_comes_first(keeping):
    server, cast = keeping()
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "words")
    process.wait_until(lambda: ask(juliet).results, "the message")
    server.ctl("retention", "set", romeo.jid, juliet.jid, "--keep-for", "30 days", "--reason", "why not")
    _, rows = show(server, juliet.jid, romeo.jid)
    assert {days_from_now(r["next_expiry"]) for (rule, _), r in rows.items() if romeo.jid in rule and juliet.jid in rule} == {30}
    assert not [rule for rule, _ in rows if rule.startswith("option")]

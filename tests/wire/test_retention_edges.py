# SPDX-License-Identifier: MIT
"""Retention at its edges (S1-6, S1-14, N22): times without end, long messages, kills between a purge and its scrub."""
import random

import pytest

from lib import process
from lib.archive import texts
from lib.database import number
from lib.removal import retracts, says
from test_retention import found_in_files, keeping, records, removed, runs  # noqa: F401

pytestmark = pytest.mark.xylem
FOREVER = "365000 days"


def test_n22_the_longest_period_is_for_ever(keeping):
    server, cast = keeping(retention={"keep_for": {"user": FOREVER}})
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "kept")
    romeo.settles()
    server.ctl("retention", "set", romeo.jid, "--keep-for", FOREVER, "--reason", "x")
    assert server.ctl("retention", "set", romeo.jid, "--keep-for", "9223372036854775807 ms", "--reason", "x",
                      check=False)[0] == 2
    assert server.json("retention", "preview")["fields"]["due"] == 0
    runs(server)
    server.json("retention", "show", romeo.jid)
    assert texts(romeo) == texts(juliet) == ["kept"] and not records(server, "expire")


def test_s1_6_long_messages_leave_the_files_too(keeping, request):
    """One that fills many pages, some on the way into the archive, some there."""
    server, cast = keeping(governance="minimal")
    romeo, juliet = cast.online("romeo", "juliet")
    for i in range(4):
        says(romeo, juliet, f"m{i}", "".join(f"canary-{i}-{n} " for n in range(3000)))
    romeo.settles()
    for i in range(4):
        retracts(romeo, juliet, f"m{i}", id=f"r{i}")
    romeo.settles()
    removed(server, request, 4)
    process.wait_until(lambda: number(server, request, "select count(*) from removal where purged = 1") == 4, "the purge", 60)
    if server.database is None:
        process.wait_until(lambda: not found_in_files(server, "canary-"), "the scrub", 60)


def test_s1_6_killed_between_a_purge_and_its_scrub(keeping, request):
    """The next start scrubs, without being asked and without waiting for the next purge."""
    server, cast = keeping(governance="minimal")
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "canary-of-the-scrub")
    romeo.settles()
    retracts(romeo, juliet, "m1")
    process.wait_until(lambda: number(server, request, "select count(*) from removal where purged = 1") == 1, "the purge", 60)
    server.kill()
    server.start()
    if server.database is None:
        process.wait_until(lambda: not found_in_files(server, "canary-of-the-scrub"), "the scrub", 30)


def closest(rules, author, addressee):
    """How long, by the documents; None: for ever."""
    pair = tuple(sorted((author, addressee)))
    if pair in rules:
        return rules[pair]
    of_either = [rules[(who,)] for who in {author, addressee} if (who,) in rules]
    if of_either:
        return None if None in of_either else max(of_either)
    return rules.get((addressee.split("@")[1],), rules["option"])


@pytest.mark.parametrize("seed", [1, 2])
def test_n22_a_preview_is_what_a_run_does(keeping, request, seed):
    """Random rules, messages of random ages, some held, some taken back: the preview counts what the run takes out, and
    what is left is what the documents say."""
    dice = random.Random(seed)
    server, cast = keeping(hold=True)
    people = cast.online("romeo", "juliet", "nurse")
    said, rules = [], {"option": None}
    for day in range(8):
        for i in range(6):
            author, addressee = dice.choice(people), dice.choice(people)
            said.append((day, author.jid, addressee.jid, f"{day}-{i}"))
            says(author, addressee, f"m{day}-{i}", said[-1][3])
        for person in people:
            person.settles()
        server.advance("1 day")
    runs(server)  # the job is not at it any more, and has no rule
    for subject in [(p.jid,) for p in people[:2]] + [tuple(sorted((people[1].jid, people[2].jid))), ("xylem.test",)]:
        days = dice.choice([2, 3, 4, 6] + [None] * (len(subject) == 1 and subject != ("xylem.test",)))
        rules[subject] = days
        server.ctl("retention", "set", *subject, "--keep-for", f"{days} days" if days else "none", "--reason", "x")
    held = server.json("hold", "add", "--name", "x", "--reason", "y", "--keyword", "-3")["fields"]["hold"]
    process.wait_until(lambda: server.json("hold", "show", held)["fields"]["state"] == "complete", "the hold", 30)
    left = {text for day, author, addressee, text in said
            if closest(rules, author, addressee) is None or day + closest(rules, author, addressee) > 8}
    before = number(server, request, "select count(*) from message")
    preview = server.json("retention", "preview")
    taken = server.json("retention", "run")
    assert preview["fields"]["due"] == taken["fields"]["expired"]
    assert [{k: r[k] for k in ("rule", "due", "held")} for r in preview["rows"]] == [
        {k: r[k] for k in ("rule", "due", "held")} for r in taken["rows"]]
    assert server.json("retention", "preview")["fields"]["due"] == 0
    for person in people:
        expected = {text for _, author, addressee, text in said if text in left and person.jid in (author, addressee)}
        assert set(texts(person)) == expected
    gone = [text for _, _, _, text in said if text not in left]
    assert before and number(server, request, "select count(*) from message") == len(left) + sum("-3" in t for t in gone)
    assert server.ctl("audit", "verify", "--evidence")

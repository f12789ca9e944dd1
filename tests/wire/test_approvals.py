# SPDX-License-Identifier: MIT
"""Four eyes (N3): what one administrator alone cannot do, that consent is for one act and ends, and that
both names are in the log."""
import concurrent.futures
import json

import pytest

from conftest import TOP
from lib import hall, process
from lib.consent import ME, OTHER, SHARED, Consent, Other, approvals, needs_root
from lib.database import deaf, number
from lib.removal import says

pytestmark = pytest.mark.xylem
MODULES = {"mam": True, "audit": {"evidence_every": "1 h", "auditors": [ME]}, "hold": True, "retention": True, "retract_admin": True}


@pytest.fixture
def guarded(make_server, actors, request):
    def make(acts=None, modules=None, **options):
        server = make_server(test_clock=True, limits={"idle": None}, **SHARED,
                             modules={**MODULES, **(modules or {}), "approvals": approvals(acts, **options)})
        return server, actors(server), Consent(server, request)
    return make


def talk(cast, text="soft"):
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", text)
    juliet.hears("<message type='*'>...</message>")
    return romeo, juliet


def held(server, *words):
    hold = server.json("hold", "add", "--name", "case", "--reason", "court order 7", *words)["fields"]["hold"]
    process.wait_until(lambda: state(server, hold) == "complete", "the hold's messages", 30)
    return hold


def state(server, hold):
    return server.json("hold", "show", hold)["fields"]["state"]


def records(server, *words):
    """The oldest first, without those of refusals unless asked for."""
    return list(reversed(server.json("audit", "search", *words)["rows"]))


def detail(record, name):
    return dict(line.split("=", 1) for line in record["details"].split("; ")).get(name)


# ---- one alone cannot complete it --------------------------------------------------------------------


def test_n3_release_of_a_hold(guarded):
    server, cast, consent = guarded()
    romeo, _ = talk(cast)
    hold = held(server, "--person", romeo.jid)
    release = ("hold", "release", hold, "--reason", "settled")
    asked = consent.refused(*release)
    assert consent.refused(*release) == asked and state(server, hold) == "complete"
    assert "somebody else" in consent.denied("approval", "approve", asked)
    shown = consent.shown(asked)
    assert (shown["act"], shown["asker"], shown["state"]) == ("hold_release", ME, "asked")
    assert shown["command"] == f"hold release {hold} --reason settled" and f"person={romeo.jid}" in shown["facts"]
    consent.given(asked)
    assert state(server, hold) == "complete"  # consent alone does nothing
    assert server.json(*release)["fields"]["released"] == hold
    assert server.ctl(*release, check=False)[0] == 4
    *before, approve, release = records(server, "--operation", shown["operation"])
    assert [(r["kind"], r["reason"]) for r in before] == [
        ("request", "hold_release"), ("refuse", "not-approved"), ("refuse", "own-request")]
    assert approve["kind"] == "approve" and detail(approve, "command") == shown["command"]
    assert (release["kind"], release["actor"], detail(release, "approver")) == ("release", ME, OTHER)


@needs_root
def test_n3_both_names_are_in_the_chain(guarded):
    """Two processes of two users: each is recorded with his own act."""
    server, cast, consent = guarded()
    romeo, _ = talk(cast)
    hold = held(server, "--person", romeo.jid)
    asked = consent.refused("hold", "release", hold, "--reason", "settled")
    status, answer = Other(server).ctl("hold", "release", hold, "--reason", "settled")
    assert status == 5 and answer["fields"]["approval"] != asked  # his own request
    consent.given(asked)
    server.ctl("hold", "release", hold, "--reason", "settled")
    names = {(r["kind"], r["actor"]) for r in records(server, "--operation", consent.shown(asked)["operation"])}
    assert names == {("request", ME), ("approve", OTHER), ("release", ME)}
    assert server.json("audit", "verify")["fields"]["intact"]


RULES = [("example.org", "--keep-for", "100 days"), ("romeo@example.org", "--keep-for", "50 days"),
         ("juliet@example.org", "--keep-for", "200 days"), ("nurse@example.org", "--keep-for", "20 days", "--class", "user")]
CHANGES = {  # what is asked for: does it take two?
    ("set", "example.org", "--keep-for", "99 days"): True,
    ("set", "example.org", "--keep-for", "101 days"): False,
    ("set", "example.org", "--keep-for", "none"): False,
    ("set", "elsewhere.test", "--keep-for", "100 days"): True,      # until now for ever, by the options
    ("set", "elsewhere.test", "--keep-for", "none"): False,
    ("set", "tybalt@example.org", "--keep-for", "99 days"): True,   # until now as the host
    ("set", "tybalt@example.org", "--keep-for", "none"): False,
    ("set", "romeo@example.org", "--keep-for", "30 days", "--class", "service"): True,
    ("set", "nurse@example.org", "--keep-for", "21 days", "--class", "user"): False,
    ("set", "romeo@example.org", "juliet@example.org", "--keep-for", "199 days"): True,  # the longer of both counts
    ("set", "romeo@example.org", "juliet@example.org", "--keep-for", "none"): False,
    ("clear", "romeo@example.org"): True,   # with the nurse, then, her 20 days
    ("clear", "nurse@example.org", "--class", "user"): False,
    ("clear", "juliet@example.org"): True,
}


@pytest.fixture
def ruled(guarded):
    """A server with RULES, which nobody guarded when they were made."""
    server, _, consent = guarded(acts=["privileged_read"])
    for rule in RULES:
        server.ctl("retention", "set", *rule, "--reason", "x")
    server.reload(modules={"approvals": {"acts": ["retention_shorten"]}})
    return server, consent


@pytest.mark.parametrize("takes_two", [True, False])
def test_n3_shortening_of_retention(ruled, takes_two):
    server, consent = ruled
    for change in (c for c, two in CHANGES.items() if two == takes_two):
        words = ("retention", *change, "--reason", "x")
        if takes_two:
            assert consent.shown(consent.refused(*words))["act"] == "retention_shorten"
            continue
        assert server.ctl(*words, check=False)[0] == 0, change
        server.reload(modules={"approvals": {"acts": ["privileged_read"]}})
        undo(server, change)
        server.reload(modules={"approvals": {"acts": ["retention_shorten"]}})


def undo(server, change):
    whom = [word for word in change[1:3] if "." in word]
    known = next((rule for rule in RULES if rule[0] in whom and len(whom) == 1), None)
    if known:
        server.ctl("retention", "set", *known, "--reason", "x")
    else:
        server.ctl("retention", "clear", *whom, "--reason", "x")


def test_n3_the_record_of_a_shortening_names_both(ruled):
    server, consent = ruled
    consent.does("retention", "set", "example.org", "--keep-for", "99 days", "--reason", "the law has changed")
    [record] = [r for r in records(server, "--kind", "policy") if detail(r, "approver")]
    assert (detail(record, "from"), detail(record, "to"), record["words"]) == ("100 days", "99 days", "the law has changed")


def test_n3_privileged_reads(guarded, request):
    """Everything that writes such a record, each with what may not be seen before."""
    server, cast, consent = guarded(acts=["privileged_read"])
    romeo, juliet = talk(cast)
    message = number(server, request, "select min(id) from message")
    hold = held(server, "--person", romeo.jid)
    for words, secret in [
        (("message", "find", message, "--purpose", "appeal 3"), "soft"),
        (("message", "find", "--from", romeo.jid, "--purpose", "appeal 3"), "soft"),
        (("message", "who-can-read", message), "archive"),
        (("message", "trace", message), "accepted"),
        (("hold", "export", hold, "--reason", "for the court"), "soft"),
        (("audit", "prove", message, "--from", romeo.jid, "--to", juliet.jid, "--text", "soft"), "confirmed"),
        (("audit", "prove", message, "--document"), "commitment"),
        (("audit", "message", message), "received"),
    ]:
        known = len(records(server, "--kind", "privileged_read"))
        assert secret in json.dumps(consent.does(*words)), words
        consent.refused(*words)
        added = records(server, "--kind", "privileged_read")[known:]
        assert added and all(detail(r, "approver") == OTHER for r in added), (words, added)
    assert server.json("message", "find", message)["rows"]  # no text: nobody is asked
    assert "soft" not in str(server.json("approval", "list", "--all")) + server.ctl("audit", "export")


# Files that write a record of a privileged read, and why somebody is asked for consent there or not.
READERS = {
    "core/server/commands_message.c": "message trace",
    "core/server/privilege.c": "whoever uses it",
    "modules/audit/message.c": "audit message",
    "modules/audit/prove.c": "audit prove",
    "modules/hold/package.c": "hold export",
    "modules/muc/commands_history.c": "room history",
    "modules/retract_admin/find.c": "message find, who-can-read",
    "modules/retract_admin/plan.c": "not asked: shows no content; its request is approved",
    "modules/retract_admin/verify.c": "not asked: shows no content",
}


def test_n3_whatever_reads_by_privilege_is_known_here():
    """Who adds such a command tries it in test_n3_privileged_reads, or says why nobody is asked."""
    marks = 'XY_STR("privileged_read")', "xy_privileged("
    found = {str(path.relative_to(TOP)) for folder in ("core", "modules") for path in (TOP / folder).rglob("*.c")
             if any(mark in path.read_text() for mark in marks)}
    assert found == set(READERS)


def test_n3_reading_a_room(guarded):
    server, cast, consent = guarded(acts=["privileged_read"], modules=hall.MODULES)
    place, mercutio = hall.gathers(cast, "mercutio")
    hall.says(place, mercutio, "said")
    words = ("room", "history", str(place), "--reason", "a complaint")
    answer = consent.does(*words)
    assert [r["text"] for r in answer["rows"]][-1] == "said" and answer["fields"]["privileged"].endswith("a complaint")
    consent.refused(*words)


def test_n3_erasing(guarded, request):
    """The consent is for that account, not for the next one of the same name."""
    server, cast, consent = guarded()
    romeo, juliet = talk(cast)
    bare = romeo.jid
    words = ("user", "erase", bare, "--reason", "asked for it", "--yes")
    consent.given(consent.refused(*words))
    server.ctl("user", "delete", bare)
    server.ctl("user", "create", bare, "--password-stdin", input="another password\n")
    asked = consent.refused(*words)
    assert server.ctl("user", "show", bare, check=False)[0] == 0
    consent.given(asked)
    assert server.json(*words)["fields"]["erased"] == bare
    assert server.ctl("user", "show", bare, check=False)[0] == 3
    kinds = [(r["kind"], r["reason"]) for r in records(server, "--operation", consent.shown(asked)["operation"])]
    assert kinds == [("request", "erase"), ("approve", "erase"), ("erase", "requested"), ("erase", "done")]


# ---- what consent is for ---------------------------------------------------------------------------------


def test_n3_consent_is_for_one_very_act(guarded):
    server, _, consent = guarded()
    words = ("retention", "set", "example.org", "--keep-for", "9 days", "--reason", "less")
    consent.given(consent.refused(*words))
    consent.refused("retention", "set", "example.org", "--keep-for", "8 days", "--reason", "less")
    consent.refused("retention", "set", "example.org", "--keep-for", "9 days", "--reason", "more")
    server.ctl("retention", "set", "--reason", "less", "example.org", "--keep-for=9 days")  # the same words
    server.ctl("retention", "clear", "example.org", "--reason", "more")
    consent.refused(*words)  # it is used up
    states = [(r["state"], r["act"]) for r in server.json("approval", "list", "--all")["rows"]]
    assert [s for s, _ in reversed(states)] == ["used", "asked", "asked", "asked"]
    assert len(server.json("approval", "list")["rows"]) == 3


def test_n3_one_consent_is_one_act_also_for_many_at_once(guarded, request):
    server, cast, consent = guarded()
    talk(cast)
    words = ("message", "trace", number(server, request, "select min(id) from message"))
    consent.given(consent.refused(*words))
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(lambda _: server.ctl(*words, check=False)[0], range(6)))
    assert statuses.count(0) == 1 and set(statuses) <= {0, 4, 5}, statuses
    assert len(records(server, "--kind", "privileged_read")) == 1


def test_n3_the_approver_sees_the_very_command(guarded):
    """In one line, each text told from every other, nothing that a terminal acts upon."""
    server, _, consent = guarded()
    asked = consent.refused("retention", "set", "--reason", "it's\n\x1b[2J\\x0a “so”", "example.org", "--keep-for", "9 days")
    assert consent.shown(asked)["command"] == (
        "retention set example.org --keep-for '9 days' --reason 'it\\x27s\\x0a\\x1b[2J\\x5cx0a “so”'")
    assert consent.shown(asked)["facts"] == "name=retention rule example.org; from=absent; to=9 days"


def test_n3_it_expires(guarded):
    server, _, consent = guarded(valid_for="1 h")
    words = ("retention", "set", "example.org", "--keep-for", "9 days", "--reason", "less")
    asked = consent.refused(*words)
    consent.given(asked)
    server.advance("61 min")
    assert consent.shown(asked)["state"] == "expired"
    assert consent.refused(*words) != asked


@needs_root
def test_n3_what_has_expired_cannot_be_approved(guarded):
    server, _, consent = guarded(valid_for="1 h")
    asked = consent.refused("retention", "set", "example.org", "--keep-for", "9 days", "--reason", "less")
    server.advance("61 min")
    status, answer = Other(server).ctl("approval", "approve", asked)
    assert status == 5 and "expired" in answer["error"]
    assert server.json("approval", "list")["rows"] == []
    assert [r["reason"] for r in records(server, "--kind", "refuse")] == ["expired"]


def test_n3_refused_and_taken_back(guarded):
    server, _, consent = guarded()
    words = ("retention", "set", "example.org", "--keep-for", "9 days", "--reason", "less")
    asked = consent.refused(*words)
    assert server.ctl("approval", "refuse", asked, check=False)[0] == 2  # why?
    server.ctl("approval", "refuse", asked, "--reason", "a slip of the pen")
    assert consent.shown(asked)["state"] == "refused"
    assert consent.refused(*words) != asked
    assert server.ctl("approval", "refuse", asked, "--reason", "again", check=False)[0] == 4
    [record] = [r for r in records(server, "--kind", "refuse") if r["words"] == "a slip of the pen"]
    assert record["actor"] == ME and record["reason"] == "retention_shorten"
    assert server.ctl("approval", "show", "99", check=False)[0] == 3
    assert server.ctl("approval", "show", "x", check=False)[0] == 2


@needs_root
def test_n3_who_is_no_approver_cannot_approve(guarded):
    server, _, consent = guarded(approvers=["unix:4711"])
    asked = consent.refused("retention", "set", "example.org", "--keep-for", "9 days", "--reason", "less")
    for verb in ("approve", "refuse"):
        status, answer = Other(server).ctl("approval", verb, asked, "--reason", "x")
        assert status == 5 and "approvers" in answer["error"]
    assert [(r["actor"], r["reason"]) for r in records(server, "--kind", "refuse")] == [(OTHER, "no-approver")] * 2


# ---- closed when in doubt ----------------------------------------------------------------------------------


def test_n3_an_act_that_is_none_is_an_error(make_server):
    server = make_server(modules={**MODULES, "approvals": approvals()})
    before = server.json("config", "show", "modules.approvals")["rows"]
    with pytest.raises(AssertionError, match="hold_relase"):
        server.reload(modules={"approvals": {"acts": ["hold_relase"]}})
    assert server.json("config", "show", "modules.approvals")["rows"] == before


def test_n3_without_approvers_nothing_guarded_is_done(guarded, request):
    server, _, consent = guarded(approvers=[])
    process.wait_until(lambda: "nobody can approve" in server.output(), "the caution in the log", 30)
    consent.refused("retention", "set", "example.org", "--keep-for", "9 days", "--reason", "less")
    assert number(server, request, "select count(*) from retention_rule") == 0


def test_n3_what_cannot_be_recorded_is_not_done(guarded, request):
    """Neither the request, nor the act of one that was approved."""
    server, cast, consent = guarded()
    talk(cast)
    words = ("retention", "set", "example.org", "--keep-for", "9 days", "--reason", "less")
    consent.given(consent.refused(*words))
    with deaf(server, request):
        status, _, error = server.ctl(*words, check=False)
        assert status not in (0, 5) and "nothing was changed" in error
        status, _, error = server.ctl("retention", "set", "example.org", "--keep-for", "8 days", "--reason", "x", check=False)
        assert status not in (0, 5) and "recorded" in error
    assert number(server, request, "select count(*) from retention_rule") == 0
    server.ctl(*words)  # the consent was not used up by what did not happen


def test_n3_switching_it_off_is_on_record(guarded):
    server, _, consent = guarded()
    words = ("retention", "set", "example.org", "--keep-for", "9 days", "--reason", "less")
    consent.refused(*words)
    server.reload(modules={"approvals": {"acts": ["erase"]}})
    server.reload(modules={"approvals": False})
    server.ctl(*words)  # one person is enough
    policy, switch = records(server, "--kind", "policy")[-2], records(server, "--kind", "switch")[-1]
    assert (policy["actor"], detail(policy, "name")) == (ME, "modules.approvals.acts")
    assert "hold_release" in detail(policy, "from") and detail(policy, "to") == "[erase]"
    assert (switch["actor"], detail(switch, "name"), detail(switch, "from"), detail(switch, "to")) == (
        ME, "modules.approvals", "on", "off")
    assert switch["reason"] == "reload"

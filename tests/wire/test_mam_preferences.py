# SPDX-License-Identifier: MIT
"""XEP-0441: whose messages an account archives. What the archive leaves out is delivered all the same."""
import itertools

import pytest

from lib import dom
from lib.archive import (ask, metadata, preferences, preferences_text, prefers, shared_server,
                         stanza_ids, texts, write)
from lib.friends import befriend

pytestmark = pytest.mark.xylem
assert shared_server


# ---- the protocol --------------------------------------------------------------------------------


def test_at_first_the_host_decides(cast):
    assert preferences(cast.connected("romeo")) == ("always", [], [])


def test_what_is_set_is_answered_and_kept_whole(cast):
    romeo = cast.connected("romeo")
    wanted = ("roster", ["a@b.example", "c@d.example/phone", "e.example"], ["f@g.example"])
    assert prefers(romeo, *wanted) == wanted
    assert preferences(romeo) == wanted
    assert preferences(cast.another(romeo, online=False)) == wanted
    assert prefers(romeo, "never") == ("never", [], []) == preferences(romeo)  # a set replaces all


def test_preferences_outlive_the_server(make_server, actors):
    server = make_server(modules={"mam": True})
    romeo = actors(server).connected("romeo")
    prefers(romeo, "never", ["a@b.example"], ["c@d.example"])
    server.restart()
    again = actors(server).client("romeo", jid=romeo.jid).logs_in()
    assert preferences(again) == ("never", ["a@b.example"], ["c@d.example"])


def test_jids_are_prepared_and_there_once_and_never_wins(cast):
    romeo = cast.connected("romeo")
    assert prefers(romeo, "always", ["A@B.Example", "a@b.example", "c@d.example", " e@f.example\n"],
                   ["C@d.example", "c@d.example/Phone"]) == (
        "always", ["a@b.example", "e@f.example"], ["c@d.example", "c@d.example/Phone"])


def test_missing_lists_are_empty_ones(cast):
    romeo = cast.connected("romeo")
    prefers(romeo, "never", ["a@b.example"], ["c@d.example"])
    assert prefers(romeo, "roster", None, None) == ("roster", [], [])


@pytest.mark.parametrize("payload, condition", [
    (preferences_text(None), "bad-request"), (preferences_text("sometimes"), "bad-request"),
    (preferences_text("always", ["@"]), "jid-malformed"), (preferences_text("always", [], ["a@b@c"]), "jid-malformed"),
    (preferences_text("always", [], [""]), "jid-malformed"),
    (preferences_text("always", [f"u{i}@b" for i in range(1001)]), "resource-constraint"),
], ids=lambda v: v[:40])
def test_wrong_preferences_change_nothing(cast, payload, condition):
    romeo = cast.connected("romeo")
    prefers(romeo, "never", ["a@b.example"])
    romeo.sends(f"<iq type='set' id='p'>{payload}</iq>")
    romeo.hears_error(condition, of="iq", id="p")
    assert preferences(romeo) == ("never", ["a@b.example"], [])


def test_two_sessions_at_once_lose_no_change(cast):
    """Whichever is last holds, for both and for the messages that follow."""
    romeo = cast.connected("romeo")
    other = cast.another(romeo, online=False)
    for round_ in range(5):
        for who in (romeo, other):
            for i in range(10):
                who.sends(f"<iq type='set' id='p{i}'>"
                          + preferences_text("always", [f"{who.resource}-{round_}-{i}@b.example"]) + "</iq>")
        answers = {}
        for who in (romeo, other):
            for i in range(10):
                answers[who, i] = who.next_element()
                assert answers[who, i].get("type") == "result" and answers[who, i].get("id") == f"p{i}"
        held = preferences(romeo)
        assert held == preferences(other)
        assert held[1][0].split("-")[-1].split("@")[0] == "9", held  # of each session the last came last


# ---- what follows --------------------------------------------------------------------------------


@pytest.mark.parametrize("of_romeo, of_juliet", itertools.product(["always", "never"], repeat=2))
def test_each_side_decides_for_itself(cast, of_romeo, of_juliet):
    romeo, juliet = cast.online("romeo", "juliet")
    prefers(romeo, of_romeo)
    prefers(juliet, of_juliet)
    write(romeo, juliet, "to online", "to full")
    heard = [juliet.next_element(), juliet.next_element()]
    write(juliet, romeo, "back")
    juliet.settles()
    romeo.events.clear()
    assert len(texts(romeo)) == (3 if of_romeo == "always" else 0)
    assert len(texts(juliet)) == (3 if of_juliet == "always" else 0)
    for message in heard:
        assert len(stanza_ids(message)) == (of_juliet == "always")


def test_what_is_not_archived_waits_for_an_absent_account(cast, server):
    romeo, juliet = cast.online("romeo", "juliet")
    prefers(juliet, "never")
    juliet.sends("</stream:stream>")
    romeo.settles()
    write(romeo, juliet, "waits")
    again = cast.client("juliet", jid=juliet.jid).logs_in()
    assert metadata(again) == []
    again.sends("<presence/>")
    again.hears("<presence/>")
    message = again.next_element()
    assert dom.find(message, "client:body").text == "waits" and stanza_ids(message) == []
    assert metadata(again) == []


PHONE, BARE, ELSE = "romeo-phone", "romeo", "somebody@else.example"


@pytest.mark.parametrize("default, always, never, archived", [
    ("always", [], [BARE], []),
    ("always", [], [PHONE], ["other"]),
    ("never", [BARE], [], ["phone", "other"]),
    ("never", [PHONE], [], ["phone"]),
    ("never", [PHONE], [BARE], ["phone"]),
    ("always", [BARE], [PHONE], ["other"]),
    ("roster", [BARE], [], ["phone", "other"]),
    ("roster", [], [], []),
    ("always", [ELSE], [ELSE + "/x"], ["phone", "other"]),
    ("never", [ELSE], [], []),
    ("always", [], ["xylem.test"], ["phone", "other"]),  # a domain is a JID of its own
])
def test_lists_come_before_the_default_and_the_closer_match_first(cast, default, always, never, archived):
    juliet, other = cast.online("juliet", "romeo")
    phone = cast.another(other, resource="phone")
    jids = {PHONE: phone.full, BARE: str(phone)}
    prefers(juliet, default, [jids.get(j, j) for j in always], [jids.get(j, j) for j in never])
    write(phone, juliet, "phone")
    write(other, juliet, "other")
    juliet.events.clear()
    assert texts(juliet) == archived
    write(juliet, phone.full, "to phone")
    write(juliet, other.full, "to other")
    assert texts(juliet) == archived + [f"to {a}" for a in archived]


def test_roster_is_whom_the_roster_shows(cast):
    juliet, romeo, nurse, mercutio = cast.online("juliet", "romeo", "nurse", "mercutio")
    prefers(juliet, "roster")
    write(romeo, juliet, "stranger")
    befriend(romeo, juliet)
    write(romeo, juliet, "friend")
    nurse.sends(f"<presence to='{juliet}' type='subscribe'/>")  # asking makes nobody a contact
    write(nurse, juliet, "asks")
    juliet.asks("set", f"<query xmlns='jabber:iq:roster'><item jid='{mercutio}'/></query>")
    write(mercutio, juliet, "listed")
    write(juliet, juliet, "myself")
    write(juliet, "somebody@xylem.test", "to nobody")
    for _ in range(2):  # what is remembered is the same
        juliet.settles()
        juliet.events.clear()
        assert texts(juliet) == ["friend", "listed", "myself"]
    juliet.asks("set", f"<query xmlns='jabber:iq:roster'><item jid='{mercutio}' subscription='remove'/></query>")
    write(mercutio, juliet, "removed")
    juliet.asks("set", f"<query xmlns='jabber:iq:roster'><item jid='{nurse}'/></query>")
    write(nurse, juliet, "listed now")
    juliet.settles()
    juliet.events.clear()
    assert texts(juliet) == ["friend", "listed", "myself", "listed now"]


def test_a_change_holds_for_what_comes_after_it(cast):
    romeo, juliet = cast.online("romeo", "juliet")
    expected = []
    for i in range(20):
        default = ("always", "never")[i % 2]
        prefers(juliet, default)
        write(romeo, juliet, i)
        if default == "always":
            expected.append(str(i))
    juliet.settles()
    juliet.events.clear()
    assert texts(juliet) == expected


def test_a_preference_that_changes_takes_nothing_out(cast):
    romeo, juliet = cast.online("romeo", "juliet")
    write(romeo, juliet, "before")
    juliet.events.clear()
    prefers(juliet, "never", [], [str(romeo)])
    assert texts(juliet) == ["before"]


# ---- the operator --------------------------------------------------------------------------------


@pytest.mark.parametrize("default", ["always", "never", "roster"])
def test_the_hosts_default(make_server, actors, default):
    server = make_server(modules={"mam": {"default": default}})
    cast = actors(server)
    juliet, romeo, nurse = cast.online("juliet", "romeo", "nurse")
    befriend(romeo, juliet)
    write(romeo, juliet, "friend")
    write(nurse, juliet, "stranger")
    juliet.settles()
    juliet.events.clear()
    assert texts(juliet) == {"always": ["friend", "stranger"], "never": [], "roster": ["friend"]}[default]
    assert preferences(juliet)[0] == default
    other = {"always": "never", "never": "roster", "roster": "always"}[default]
    server.reload(modules={"mam": {"default": other}})
    assert preferences(juliet)[0] == other
    prefers(nurse, default)
    assert preferences(nurse)[0] == default


def test_the_administrator_sees_and_sets_the_default(cast, server):
    romeo = cast.connected("romeo")
    answer = server.json("mam", "preferences", romeo.jid)
    assert answer["fields"] == {"default": "always", "said_by": "host"} and answer["rows"] == []
    prefers(romeo, "roster", ["a@b.example"], ["c@d.example"])
    answer = server.json("mam", "preferences", romeo.jid)
    assert answer["fields"] == {"default": "roster", "said_by": "account"}
    assert answer["rows"] == [{"jid": "a@b.example", "archived": "always"}, {"jid": "c@d.example", "archived": "never"}]
    server.ctl("mam", "preferences", romeo.jid, "--default", "never")
    assert preferences(romeo) == ("never", ["a@b.example"], ["c@d.example"])
    server.ctl("mam", "preferences", romeo.jid, "--reset")
    assert preferences(romeo) == ("always", [], [])
    assert server.json("mam", "preferences", romeo.jid)["fields"]["said_by"] == "host"
    assert server.ctl("mam", "preferences", "nobody@xylem.test", check=False)[0] == 3
    assert server.ctl("mam", "preferences", romeo.jid, "--default", "sometimes", check=False)[0] == 2


def test_preferences_go_with_the_account(cast, server):
    romeo = cast.connected("romeo")
    prefers(romeo, "never", ["a@b.example"])
    server.ctl("user", "delete", romeo.jid)
    server.create(romeo.local)
    assert preferences(cast.client("romeo", jid=romeo.jid).logs_in()) == ("always", [], [])


def test_a_query_shows_what_was_archived_before_never(cast):
    romeo = cast.online("romeo")
    write(romeo, romeo, "kept")
    prefers(romeo, "never")
    write(romeo, romeo, "not kept")
    romeo.events.clear()
    assert ask(romeo).texts == ["kept"]

# SPDX-License-Identifier: MIT
"""XEP-0012 section 4: last activity of accounts, for those who may see their presence (S3-1)."""
import pytest

from lib import dom
from lib.friends import watch

ASK = "<query xmlns='jabber:iq:last'/>"
pytestmark = pytest.mark.xylem


@pytest.fixture
def clocked(make_server, actors):
    server = make_server(test_clock=True)
    return server, actors(server)


def last(client, of):
    answer = client.asks("get", ASK, to=of)
    assert answer.get("type") == "result", dom.show(answer)
    query = answer.find("{jabber:iq:last}query")
    return int(query.get("seconds")), query.text or ""


def leaves(client, presence=None):
    if presence:
        client.sends(presence)
    client.ends()


@pytest.mark.once
def test_when_a_contact_left_and_what_it_said(clocked):
    server, cast = clocked
    romeo, juliet = cast("romeo", "juliet")
    watch(romeo, juliet)
    assert last(romeo, juliet) == (0, ""), "online"
    leaves(juliet, "<presence type='unavailable'><status>Good night, good night!</status></presence>")
    romeo.settles()
    romeo.events.clear()
    server.advance("2 min")
    assert last(romeo, juliet) == (120, "Good night, good night!")


@pytest.mark.once
def test_a_lost_connection_counts_and_says_nothing(clocked):
    server, cast = clocked
    romeo, juliet = cast("romeo", "juliet")
    watch(romeo, juliet)
    juliet.sends("<presence><status>parting is such sweet sorrow</status></presence>")
    juliet.settles()
    juliet.breaks()
    while romeo.next_element().get("type") != "unavailable":
        pass
    server.advance("5 s")
    assert last(romeo, juliet) == (5, "")


@pytest.mark.once
def test_only_the_last_session_counts(clocked):
    server, cast = clocked
    romeo, juliet = cast("romeo", "juliet")
    watch(romeo, juliet)
    other = cast.another(juliet)
    leaves(juliet)
    server.advance("60 s")
    assert last(romeo, str(other))[0] == 0
    leaves(other)
    romeo.settles()
    server.advance("30 s")
    assert last(romeo, str(other))[0] == 30

def test_it_survives_a_restart(clocked, actors):
    server, cast = clocked
    romeo, juliet = cast("romeo", "juliet")
    watch(romeo, juliet)
    leaves(juliet, "<presence type='unavailable'><status>later</status></presence>")
    romeo.settles()
    leaves(romeo)
    server.restart()
    romeo = actors(server).client("romeo", jid=romeo.jid).comes_online()
    seconds, status = last(romeo, juliet)
    assert status == "later" and 0 <= seconds < 3600


def test_the_servers_stop_ends_sessions_too(clocked, actors):
    server, cast = clocked
    romeo, juliet = cast("romeo", "juliet")
    watch(romeo, juliet)
    server.restart()
    romeo = actors(server).client("romeo", jid=romeo.jid).comes_online()
    assert last(romeo, juliet)[0] < 3600


def test_strangers_are_not_told(cast):
    romeo, juliet = cast("romeo", "juliet")
    romeo.sends(f"<iq type='get' id='l' to='{juliet}'>{ASK}</iq>")
    romeo.hears_error("forbidden", of="iq", id="l", from_=juliet)
    watch(juliet, romeo)  # she sees him; that does not show her to him
    romeo.sends(f"<iq type='get' id='l' to='{juliet}'>{ASK}</iq>")
    romeo.hears_error("forbidden", of="iq", id="l", from_=juliet)


def test_a_contact_that_was_never_there(cast, server):
    romeo, juliet = cast("romeo", "juliet")
    fresh = cast.account("nurse")
    server.ctl("roster", "add", fresh, str(romeo), "--subscription", "from")
    romeo.sends(f"<iq type='get' id='l' to='{fresh}'>{ASK}</iq>")
    romeo.hears_error("item-not-found", of="iq", id="l", from_=fresh)


def test_ones_own(cast):
    romeo = cast("romeo")
    assert last(romeo, str(romeo))[0] == 0


def test_nothing_remains_of_a_deleted_account(clocked):
    server, cast = clocked
    juliet = cast("juliet")
    leaves(juliet, "<presence type='unavailable'><status>secret</status></presence>")
    server.ctl("user", "delete", juliet.jid)
    server.create(juliet.local)
    romeo = cast("romeo")
    juliet = cast.client("juliet", jid=juliet.jid).logs_in()
    juliet.sends(f"<iq type='get' id='l'>{ASK}</iq>")
    juliet.hears_error("item-not-found", of="iq", id="l")

# SPDX-License-Identifier: MIT
"""Clients people use lose their connections and resume by themselves: nothing lost, nothing twice."""
import pytest

from lib.people import Slixmpp, XmppJs

pytestmark = pytest.mark.xylem


@pytest.fixture
def people(make_server, place, build):
    server = make_server()
    made = []

    def make(kind, name):
        if kind.missing():
            pytest.skip(kind.missing())
        made.append(kind(server.fresh(name), "secret", server, place, build))
        made[-1].comes_online()
        return made[-1]

    yield server, make
    for person in made:
        person.cleans_up()


@pytest.mark.parametrize("kind", [Slixmpp, XmppJs], ids=["slixmpp", "xmppjs"])
def test_a_client_loses_its_connection_again_and_again(people, kind):
    server, make = people
    romeo, juliet = make(kind, "romeo"), make(Slixmpp, "juliet")
    for turn in range(3):
        romeo.does("break")
        juliet.writes(romeo, f"to {turn}")
        romeo.hears("resumed")
        romeo.reads(juliet, f"to {turn}")
        romeo.writes(juliet, f"from {turn}")
        juliet.reads(romeo, f"from {turn}")
    for person in (romeo, juliet):
        person.writes(person, "the end")
        person.reads(person, "the end")
        assert not [line for line in person.seen if line.startswith("message ")], person.seen
    assert len(server.json("session", "list", romeo.jid)["rows"]) == 1

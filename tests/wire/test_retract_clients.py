# SPDX-License-Identifier: MIT
"""Retraction as users of slixmpp and xmpp.js see it: told at once, told when they come back, a tombstone in the
archive, and never again what was said."""
import pytest

from lib.people import Slixmpp, XmppJs
from lib.removal import modules

pytestmark = pytest.mark.xylem
KINDS = {"slixmpp": Slixmpp, "xmppjs": XmppJs}


@pytest.fixture
def people(make_server, place, build):
    server = make_server(modules=modules(retract={"count": None}))
    made = []

    def make(kind, name):
        if kind.missing():
            pytest.skip(kind.missing())
        made.append(kind(server.fresh(name), "secret", server, place, build))
        made[-1].comes_online()
        return made[-1]

    yield make
    for person in made:
        person.cleans_up()


@pytest.mark.parametrize("author, reader", [("slixmpp", "xmppjs"), ("xmppjs", "slixmpp"), ("slixmpp", "slixmpp")])
def test_they_see_it(people, author, reader):
    romeo, juliet = people(KINDS[author], "romeo"), people(KINDS[reader], "juliet")
    romeo.does(f"message-with-id {juliet} m1 a word too much")
    juliet.reads(romeo, "a word too much")
    romeo.does(f"retract {juliet} m1")
    juliet.hears(rf"retracts {romeo}/\S+ m1")
    juliet.goes_away()
    romeo.does(f"message-with-id {juliet} m2 another one")
    romeo.does(f"retract {juliet} m2")
    romeo.writes(juliet, "good night")
    juliet.comes_online()
    if reader == "slixmpp":  # it has no Bind 2: what waited comes by itself
        juliet.hears(rf"retracts {romeo}/\S+ m2")
        juliet.reads(romeo, "good night")
    for person in (romeo, juliet):
        person.does("archive")
        person.hears("archive complete")
        person.has_said(rf"tombstone {romeo}/\S+ m1", rf"tombstone {romeo}/\S+ m2", rf"archived {romeo}/\S+ good night",
                        "archive complete")
    assert not [line for line in (*juliet.said, *romeo.said) if "another one" in line]

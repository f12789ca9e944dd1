# SPDX-License-Identifier: MIT
"""The clients people use on the way a message may take: live, from the queue, by resumption, from the
archive, as a copy. xmpp.js with SASL2, Bind 2, FAST and stream management; slixmpp with SASL, stream
management, the archive and carbons."""
import re

import pytest

from lib.people import Slixmpp, XmppJs

TOKEN = "uses HT-SHA-256-NONE sasl2"


MODULES = ("sm", "mam", "carbons", "sasl2", "bind2", "fast")


@pytest.fixture
def server(make_server):
    return make_server(modules={name: True for name in MODULES})


@pytest.fixture
def people(server, place, build):
    made = []

    def make(kind, name, like=None):
        if kind.missing():
            pytest.skip(kind.missing())
        made.append(kind(like.jid if like else server.fresh(name), "secret", server, place, build, "direct"))
        return made[-1]

    yield make
    for person in made:
        person.cleans_up()


BOTH = pytest.mark.parametrize("kind", [XmppJs, Slixmpp], ids=["xmppjs", "slixmpp"])


def test_xmppjs_logs_in_with_sasl2_and_later_with_its_token(people, server):
    romeo = people(XmppJs, "romeo")
    romeo.comes_online()
    romeo.has_said(r"uses SCRAM-SHA-\S+ sasl2")
    romeo.hears("token")
    romeo.goes_away()
    romeo.comes_online()
    romeo.has_said(TOKEN)
    romeo.goes_away()
    server.ctl("user", "password", romeo.jid, "--password-stdin", input="secret\n")
    romeo.comes_online()  # the password has been set anew: the token is void, the password serves
    romeo.has_said(TOKEN, r"uses SCRAM-SHA-\S+ sasl2")
    romeo.hears("token")


@BOTH
def test_a_broken_connection_is_resumed_and_nothing_comes_twice(people, kind):
    romeo, juliet = people(kind, "romeo"), people(kind, "juliet")
    romeo.comes_online()
    juliet.comes_online()
    romeo.writes(juliet, "one")
    juliet.reads(romeo, "one")
    juliet.does("break")
    romeo.writes(juliet, "two")
    juliet.hears("resumed")
    juliet.reads(romeo, "two")
    romeo.does("break")
    romeo.hears("resumed")
    romeo.writes(juliet, "three")
    juliet.reads(romeo, "three")
    heard = [line.split()[-1] for line in juliet.said if line.startswith("message")]
    assert heard == ["one", "two", "three"]


@BOTH
def test_what_was_written_while_it_was_away_is_there_once(people, kind):
    """Bind 2 promises to a client that it finds it in the archive; who logs in without gets the queue."""
    romeo, juliet = people(kind, "romeo"), people(kind, "juliet")
    romeo.comes_online()
    juliet.comes_online()
    juliet.goes_away()
    romeo.writes(juliet, "away")
    romeo.writes(romeo, "it-is-kept")
    romeo.reads(romeo, "it-is-kept")
    juliet.comes_online()
    juliet.sees(juliet, "available")
    juliet.does("archive")
    juliet.hears("archive complete")
    romeo.writes(juliet, "back")
    juliet.reads(romeo, "back")
    heard = [line.split()[0] for line in juliet.said if line.endswith(" away")]
    assert sorted(heard) == (["archived"] if kind is XmppJs else ["archived", "message"])


@BOTH
def test_the_archive_has_it_all_in_order(people, kind):
    romeo, juliet = people(kind, "romeo"), people(kind, "juliet")
    romeo.comes_online()
    juliet.comes_online()
    words = ["But", "soft,", "what", "light"]
    for word in words:
        romeo.writes(juliet, word)
    juliet.reads(romeo, words[-1])
    for person in (romeo, juliet):
        person.does("archive")
        for word in words:
            person.hears(rf"archived {romeo}/\S+ {re.escape(word)}")
        person.hears("archive complete")


@BOTH
def test_the_other_device_gets_copies(people, kind):
    romeo, juliet = people(kind, "romeo"), people(kind, "juliet")
    phone = people(Slixmpp, "juliet", like=juliet)
    for person in (romeo, juliet, phone):
        person.comes_online()
    phone.does("carbons")
    phone.does("archive")  # answered in order: they are on
    phone.hears("archive complete")
    juliet.writes(romeo, "It is not yet near day")
    romeo.reads(juliet, "It is not yet near day")
    phone.hears(rf"copied {juliet}/\S+ It is not yet near day")

# SPDX-License-Identifier: MIT
"""The clients people use, from Debian's packages, against a default configuration with a
self-signed certificate: they log in over TLS, become contacts through request and approval, see
each other come and go, chat, and read what was written while they were away."""
import pytest

from lib.people import PEOPLE, GoSendxmpp, Slixmpp


@pytest.fixture
def people(server, place, build):
    made = []

    def make(kind, name, tls="starttls"):
        if kind.missing():
            pytest.skip(kind.missing())
        made.append(kind(server.fresh(name), "secret", server, place, build, tls))
        return made[-1]

    yield make
    for person in made:
        person.cleans_up()


PAIRS = [("slixmpp", "slixmpp"), ("slixmpp", "profanity"), ("profanity", "strophe"), ("strophe", "slixmpp"),
         ("xmppjs", "slixmpp"), ("profanity", "xmppjs")]


@pytest.mark.parametrize("first,second", PAIRS, ids=["-".join(p) for p in PAIRS])
def test_two_people_become_contacts_and_chat(people, first, second):
    romeo, juliet = people(PEOPLE[first], "romeo"), people(PEOPLE[second], "juliet")
    romeo.comes_online()
    juliet.comes_online()

    for asking, asked in ((romeo, juliet), (juliet, romeo)):
        asking.asks_for(asked)
        asked.hears_request_of(asking)
        asked.approves(asking)
        asking.is_contact_of(asked)
        asking.sees(asked, "available")

    romeo.writes(juliet, "Wherefore art thou here?")
    juliet.reads(romeo, "Wherefore art thou here?")
    juliet.writes(romeo, "For I am wont to be.")
    romeo.reads(juliet, "For I am wont to be.")

    juliet.goes_away()
    romeo.sees(juliet, "unavailable")
    romeo.writes(juliet, "Good night, good night!")
    romeo.writes(juliet, "Parting is such sweet sorrow.")
    juliet.comes_online()
    juliet.reads(romeo, "Good night, good night!")
    juliet.reads(romeo, "Parting is such sweet sorrow.")
    romeo.sees(juliet, "available")

    romeo.goes_away()
    juliet.sees(romeo, "unavailable")
    juliet.goes_away()


@pytest.mark.parametrize("who", list(PEOPLE))
def test_direct_tls(people, who):
    person = people(PEOPLE[who], "romeo", "direct")
    person.comes_online()
    person.goes_away()


@pytest.mark.parametrize("tls", ["starttls", "direct"])
def test_go_sendxmpp_sends_and_listens(people, tls):
    romeo, juliet = people(GoSendxmpp, "romeo", tls), people(Slixmpp, "juliet")
    juliet.comes_online()
    romeo.writes(juliet, "O, speak again, bright angel")
    juliet.reads(romeo, "O, speak again, bright angel")
    juliet.writes(romeo, "My ears have not yet drunk a hundred words")
    juliet.goes_away()
    romeo.comes_online()
    romeo.reads(juliet, "My ears have not yet drunk a hundred words")
    romeo.goes_away()

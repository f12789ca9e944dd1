# SPDX-License-Identifier: MIT
"""Rooms with an archive (module muc_mam), people in them, and what they say:

    hall, romeo, juliet = gathers(cast, "romeo", "juliet", whois="anyone")
    says(hall, romeo, 1, 2, 3)
    assert texts(juliet, to=hall) == ["1", "2", "3"]

A test module imports `shared_server` from here and its `cast` is there. Nicks are the names, capitalised."""
import pytest

from . import dom
from .archive import ask, stanza_ids
from .room import USER, Room, hush

MODULES = {"mam": True, "muc": {"messages": None, "presences": None}, "muc_mam": True, "lenient": True}
dom.NS.update({"muc-user": USER, "occupant": "urn:xmpp:occupant-id:0", "address": "http://jabber.org/protocol/address"})


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, modules=MODULES).start()
    yield server
    server.stop()


def nick(client):
    return client.label.capitalize()


def gathers(cast, owner, *others, **config):
    """A room of `owner`, configured, with all of them in it: (room, owner, others …), nothing left to hear."""
    people = [cast.online(name) for name in (owner, *others)]
    hall = Room(cast.server)
    hall.opens(people[0], nick(people[0]), **config)
    for person in people[1:]:
        hall.enters(person, nick(person))
    hush(*people)
    return (hall, *people)


def sends(hall, client, payload, id="m", extra=""):
    client.sends(f"<message to='{hall}' type='groupchat' id='{id}'{extra}>{payload}</message>")


def hears_back(hall, client):
    """The next stanza, a message of its own come back."""
    heard = client.next_element()
    assert heard.get("from") == hall.of(nick(client)) and heard.get("type") == "groupchat", dom.show(heard)
    return heard


def says(hall, client, *texts):
    """Each said and come back before the next: accepted and durable."""
    heard = []
    for text in texts:
        sends(hall, client, f"<body>{text}</body>", id=f"t{text}")
        heard.append(hears_back(hall, client))
    return heard


def ids(hall, *messages):
    """The stanza-ids of the room, one each."""
    found = [stanza_ids(m, hall) for m in messages]
    assert all(len(f) == 1 for f in found), "\n".join(map(dom.show, messages))
    return [f[0] for f in found]


def features(client, to):
    answer = client.asks("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=to)
    return [f.get("var") for f in dom.findall(answer, "disco:query/disco:feature")]


def real_jid(message):
    """Of <x><item jid=/></x>, or None; there is one <x/> at most."""
    found = dom.findall(message, "muc-user:x")
    assert len(found) <= 1, dom.show(message)
    return dom.find(found[0], "muc-user:item").get("jid") if found else None


def refusal(client, hall, **query):
    """(condition, type) of a query that must fail, without a single result."""
    page = ask(client, to=hall, **query)
    assert not page.results
    return page.error


def reads(client, hall, **query):
    return ask(client, to=hall, **query).texts




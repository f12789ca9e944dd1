# SPDX-License-Identifier: MIT
"""Those who run a room: lists and changes of muc#admin, the configuration form of muc#owner.

    hall = council(cast, "romeo", "juliet", membersonly=True)      # who is there, nothing left to hear
    hall.people["juliet"], hall.room
    assert condition(change(hall.room, juliet, nick="Romeo", role="none")) == "not-allowed"

A test module imports `shared_server` from here and its `cast` is there. Nicks are the names, capitalised."""
import pytest

from . import dom
from .room import ADMIN, CONFIG, OWNER, Room, hush

DATA = "jabber:x:data"
dom.NS.update({"admin": ADMIN, "owner": OWNER, "data": DATA, "register": "jabber:iq:register"})
UNLIMITED = {"muc": {"presences": None, "messages": None}}


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    """A server with rooms for all tests of a file that need no options of their own."""
    server = new_server(engine, modules=UNLIMITED)
    with server:
        yield server


@pytest.fixture
def room(server):
    return Room(server)


def nick(client):
    return client.label.capitalize()


def gathers(cast, room, owner, *others, **config):
    """`owner` opens the room, the others come; nothing is left to hear. The clients, in that order."""
    people = [cast(name) for name in (owner, *others)]
    room.opens(people[0], nick(people[0]), **config)
    for person in people[1:]:
        room.enters(person, nick(person))
    hush(*people)
    return people


def stands(room, owner, client, affiliation=None, role=None):
    """Gives somebody an affiliation, and a role by nick; nothing is left to hear."""
    if affiliation:
        room.allows(owner, jid=client, affiliation=affiliation)
    if role:
        room.allows(owner, nick=nick(client), role=role)
    hush(owner, client)


# ---- answers ---------------------------------------------------------------------------------------


def condition(answer):
    """The condition of an error, or None of a result."""
    if answer.get("type") == "result":
        return None
    found = [dom.name(e)[1] for e in dom.find(answer, "client:error") if dom.name(e)[0] == dom.NS["stanzas"]]
    return next(c for c in found if c != "text")


def words(answer):
    """What the error says to people."""
    return dom.find(answer, "client:error").findtext(f"{{{dom.NS['stanzas']}}}text")


def kind(answer):
    return dom.find(answer, "client:error").get("type")


# ---- muc#admin -------------------------------------------------------------------------------------


def item(reason=None, **attributes):
    told = "".join(f" {k}='{v}'" for k, v in attributes.items())
    return f"<item{told}>" + (f"<reason>{reason}</reason>" if reason else "") + "</item>"


def changes(room, client, *items):
    return client.asks("set", f"<query xmlns='{ADMIN}'>{''.join(items)}</query>", to=room)


def change(room, client, **one):
    return changes(room, client, item(**one))


def asks_list(room, client, **which):
    return client.asks("get", f"<query xmlns='{ADMIN}'>{item(**which)}</query>", to=room)


def listed(room, client, **which):
    """[(what, attributes)]: the items of a list as dicts, in the order of the JIDs."""
    answer = asks_list(room, client, **which)
    assert answer.get("type") == "result", dom.show(answer)
    items = dom.findall(answer, "admin:query/admin:item")
    return sorted((dict(i.attrib) for i in items), key=lambda i: i["jid"])


def jids(room, client, affiliation):
    return [i["jid"] for i in listed(room, client, affiliation=affiliation)]


# ---- forms ------------------------------------------------------------------------------------------


class Field:
    def __init__(self, element):
        self.var, self.type, self.label = (element.get(k) for k in ("var", "type", "label"))
        self.values = [v.text or "" for v in element.findall(f"{{{DATA}}}value")]
        self.options = [o.findtext(f"{{{DATA}}}value") for o in element.findall(f"{{{DATA}}}option")]

    @property
    def value(self):
        assert len(self.values) == 1, f"{self.var} has {self.values}"
        return self.values[0]


def fields(form):
    found = [Field(f) for f in form.findall(f"{{{DATA}}}field")]
    assert len({f.var for f in found}) == len(found), "a field twice"
    return {f.var: f for f in found}


def config_form(room, client):
    """{name without muc#roomconfig_: Field} of the form as it is now."""
    answer = client.asks("get", f"<query xmlns='{OWNER}'/>", to=room)
    assert answer.get("type") == "result", dom.show(answer)
    form = dom.find(answer, "owner:query/data:x")
    assert form.get("type") == "form"
    found = fields(form)
    assert found.pop("FORM_TYPE").value == CONFIG
    return {var.removeprefix("muc#roomconfig_"): field for var, field in found.items()}


def config(room, client):
    """{name: value, or a list of a list}"""
    return {name: f.values if f.type.endswith("-multi") else f.value for name, f in config_form(room, client).items()}


def submits(room, client, form_type=CONFIG, kind="submit", ns=OWNER, **values):
    """A form sent back; names without muc#roomconfig_ unless they have a #. The answer."""
    told = Room._field("FORM_TYPE", form_type) if form_type else ""
    for name, value in values.items():
        told += Room._field(name if "#" in name else f"muc#roomconfig_{name}", value)
    return client.asks("set", f"<query xmlns='{ns}'><x xmlns='{DATA}' type='{kind}'>{told}</x></query>", to=room)


def destroys(room, client, jid=None, reason=None, password=None):
    told = (f"<password>{password}</password>" if password else "") + (f"<reason>{reason}</reason>" if reason else "")
    where = f" jid='{jid}'" if jid else ""
    return client.asks("set", f"<query xmlns='{OWNER}'><destroy{where}>{told}</destroy></query>", to=room)

# SPDX-License-Identifier: MIT
"""XEP-0030 for hosts and accounts, XEP-0115 of the server, XEP-0157."""
import base64
import hashlib

import pytest

from lib import dom
from lib.dom import NS
from lib.friends import watch

pytestmark = pytest.mark.xylem
INFO, ITEMS = "http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items"
DATA = "jabber:x:data"


def info(client, to, node=None):
    attribute = f" node='{node}'" if node else ""
    answer = client.asks("get", f"<query xmlns='{INFO}'{attribute}/>", to=to)
    assert answer.get("type") == "result", dom.show(answer)
    query = answer.find(f"{{{INFO}}}query")
    assert query.get("node") == node
    return query


def features(query):
    return [f.get("var") for f in query.findall(f"{{{INFO}}}feature")]


def identities(query):
    return [(i.get("category"), i.get("type")) for i in query.findall(f"{{{INFO}}}identity")]


def verification(query):
    """XEP-0115 5.1, written down independently of the server's code."""
    parts = sorted("/".join(i.get(k, "") for k in ("category", "type", dom.XML_LANG, "name"))
                   for i in query.findall(f"{{{INFO}}}identity"))
    parts += sorted(features(query))
    for form in query.findall(f"{{{DATA}}}x"):
        fields = {f.get("var"): sorted(v.text or "" for v in f) for f in form}
        parts += fields.pop("FORM_TYPE")
        for var in sorted(fields):
            parts += [var, *fields[var]]
    return base64.b64encode(hashlib.sha1("".join(p + "<" for p in parts).encode()).digest()).decode()


def caps(client):
    c = client.features.find("{http://jabber.org/protocol/caps}c")
    assert c is not None and c.get("hash") == "sha-1", dom.show(client.features)
    return c.get("node"), c.get("ver")


def test_the_server(cast):
    query = info(cast.connected("romeo"), "xylem.test")
    assert identities(query) == [("server", "im")]
    found = features(query)
    assert found == sorted(set(found))
    assert {INFO, ITEMS, NS["ping"], "jabber:iq:version", "urn:xmpp:time", "jabber:iq:last", "vcard-temp",
            "jabber:iq:register", "msgoffline"} <= set(found)


@pytest.mark.once
def test_features_are_those_of_the_modules_that_are_on(make_server, actors):
    server = make_server(modules={"ping": False, "vcard": False, "time": False})
    found = features(info(actors(server).connected("romeo"), "xylem.test"))
    assert not {NS["ping"], "vcard-temp", "urn:xmpp:time"} & set(found)
    assert "jabber:iq:version" in found


def test_ones_own_account(cast):
    romeo = cast.connected("romeo")
    for to in (None, str(romeo)):
        query = info(romeo, to)
        assert identities(query) == [("account", "registered")]
        assert {INFO, ITEMS, "vcard-temp"} <= set(features(query))


@pytest.mark.parametrize("ns", [INFO, ITEMS])
def test_to_strangers_an_account_is_as_none(cast, ns):
    romeo, juliet = cast("romeo", "juliet")
    answers = []
    for to in (str(juliet), "nobody@xylem.test"):
        romeo.sends(f"<iq type='get' id='d' to='{to}'><query xmlns='{ns}'/></iq>")
        romeo.hears_error("service-unavailable", kind="cancel", of="iq", id="d", from_=to)
    watch(juliet, romeo)
    romeo.sends(f"<iq type='get' id='d' to='{juliet}'><query xmlns='{ns}'/></iq>")
    romeo.hears_error("service-unavailable", of="iq", id="d", from_=juliet)


def test_to_those_who_see_its_presence_it_answers(cast):
    romeo, juliet = cast("romeo", "juliet")
    watch(romeo, juliet)
    assert identities(info(romeo, str(juliet))) == [("account", "registered")]
    assert romeo.asks("get", f"<query xmlns='{ITEMS}'/>", to=str(juliet)).get("type") == "result"


def test_items(cast):
    romeo = cast.connected("romeo")
    for to in ("xylem.test", str(romeo)):
        romeo.sends(f"<iq type='get' id='i' to='{to}'><query xmlns='{ITEMS}'/></iq>")
        romeo.hears(f"<iq type='result' id='i' from='{to}'><query xmlns='{ITEMS}'/></iq>")


@pytest.mark.parametrize("ns", [INFO, ITEMS])
@pytest.mark.parametrize("to", ["xylem.test", None])
def test_unknown_node(cast, ns, to):
    romeo = cast.connected("romeo")
    address = f" to='{to}'" if to else ""
    romeo.sends(f"<iq type='get' id='n'{address}><query xmlns='{ns}' node='urn:test:none'/></iq>")
    romeo.hears_error("item-not-found", of="iq", id="n")


def test_it_cannot_be_set(cast):
    romeo = cast.connected("romeo")
    romeo.sends(f"<iq type='set' id='s' to='xylem.test'><query xmlns='{INFO}'/></iq>")
    romeo.hears_error("not-allowed", of="iq", id="s")


def test_the_servers_caps_are_verifiable(cast):
    """XEP-0115 5.4: what the node answers hashes to what the stream features said."""
    romeo = cast.connected("romeo")
    node, ver = caps(romeo)
    query = info(romeo, "xylem.test", f"{node}#{ver}")
    assert verification(query) == ver
    assert features(query) == features(info(romeo, "xylem.test"))


def test_a_stale_hash_is_unknown(cast):
    romeo = cast.connected("romeo")
    node, ver = caps(romeo)
    romeo.sends(f"<iq type='get' id='n' to='xylem.test'><query xmlns='{INFO}' node='{node}#x{ver}'/></iq>")
    romeo.hears_error("item-not-found", of="iq", id="n")


@pytest.mark.once
def test_the_hash_follows_the_modules(make_server, actors):
    server = make_server()
    cast = actors(server)
    before = caps(cast.connected("romeo"))
    server.reload(modules={"time": False})
    romeo = cast.connected("romeo")
    node, ver = caps(romeo)
    assert ver != before[1]
    assert verification(info(romeo, "xylem.test", f"{node}#{ver}")) == ver


@pytest.mark.once
def test_contact_addresses(make_server, actors):
    server = make_server(modules={"disco": {"contacts": [
        "abuse mailto:abuse@xylem.test", "admin xmpp:admin@xylem.test", "abuse xmpp:abuse@xylem.test"]}})
    romeo = actors(server).connected("romeo")
    node, ver = caps(romeo)
    query = info(romeo, "xylem.test", f"{node}#{ver}")
    assert verification(query) == ver
    form = query.find(f"{{{DATA}}}x")
    found = {f.get("var"): [v.text for v in f] for f in form}
    assert form.get("type") == "result"
    assert found == {"FORM_TYPE": ["http://jabber.org/network/serverinfo"],
                     "abuse-addresses": ["mailto:abuse@xylem.test", "xmpp:abuse@xylem.test"],
                     "admin-addresses": ["xmpp:admin@xylem.test"]}


@pytest.mark.once
@pytest.mark.parametrize("entry", ["boss mailto:a@b", "abuse", "abuse nobody"])
def test_wrong_contact_addresses_are_refused(make_server, entry):
    server = make_server(start=False, modules={"disco": {"contacts": [entry]}})
    server.start(ready=False)
    assert server.process.wait(20) != 0
    server.process = None
    assert entry in server.output() and "contacts" in server.output()

# SPDX-License-Identifier: MIT
"""XEP-0077: registering, changing the password, leaving (S3-21)."""
import itertools

import pytest

from lib import dom
from lib.client import SaslFailure
from lib.friends import befriend

pytestmark = pytest.mark.xylem
FEATURE = "{http://jabber.org/features/iq-register}register"
_numbers = itertools.count(1)


def query(inner=""):
    return f"<query xmlns='jabber:iq:register'>{inner}</query>"


def account(username, password="correct horse"):
    return query(f"<username>{username}</username><password>{password}</password>")


@pytest.fixture
def open_server(make_server):
    return make_server(test_clock=True, modules={"register": {"open": True, "per_address": 3, "period": "1 h"}})


def stranger(cast, name="stranger"):
    """Connected and not logged in."""
    jid = f"{name}{next(_numbers)}@xylem.test"
    return cast.client(name, jid=jid, password="correct horse").secures()


def asks(client, kind, payload):
    client.sends(f"<iq type='{kind}' id='r' to='xylem.test'>{payload}</iq>")
    return client.next_element()


def refused(client, payload, condition, kind="set"):
    client.sends(f"<iq type='{kind}' id='r' to='xylem.test'>{payload}</iq>")
    client.hears_error(condition, of="iq", id="r")


# ---- before login ------------------------------------------------------------------------------


def test_closed_by_default(cast):
    romeo = stranger(cast)
    assert romeo.features.find(FEATURE) is None
    refused(romeo, query(), "not-allowed", "get")
    refused(romeo, account(romeo.local), "not-allowed")
    with pytest.raises(SaslFailure):
        romeo.authenticates()


def test_a_new_account(open_server, actors):
    romeo = stranger(actors(open_server))
    assert romeo.features.find(FEATURE) is not None
    romeo.sends(f"<iq type='get' id='r' to='xylem.test'>{query()}</iq>")
    romeo.hears(f"<iq type='result' id='r'>{query('<instructions>*</instructions><username/><password/>')}</iq>")
    romeo.sends(f"<iq type='set' id='r' to='xylem.test'>{account(romeo.local)}</iq>")
    romeo.hears("<iq type='result' id='r'/>")
    romeo.authenticates().binds()  # on the same stream
    assert romeo.features.find(FEATURE) is None


@pytest.mark.once
def test_without_tls_nothing_is_registered(open_server, actors):
    romeo = actors(open_server).client("romeo", jid="early@xylem.test")
    assert romeo.opens("xylem.test").find(FEATURE) is None
    romeo.sends(f"<iq type='set' id='r'>{account('early')}</iq>")
    romeo.hears_stream_error("policy-violation")


def test_a_name_that_is_taken(open_server, actors):
    cast = actors(open_server)
    taken = cast.account("romeo").split("@")[0]
    refused(stranger(cast), account(taken.upper()), "conflict")
    cast.client("romeo", jid=f"{taken}@xylem.test").logs_in()  # with the old password


@pytest.mark.once
@pytest.mark.parametrize("inner,condition", [
    ("", "not-acceptable"), ("<username>someone</username>", "not-acceptable"),
    ("<password>correct horse</password>", "not-acceptable"),
    ("<username/><password>correct horse</password>", "not-acceptable"),
    ("<username>a b@c</username><password>correct horse</password>", "not-acceptable"),
    ("<username>someone</username><password/>", "not-acceptable"),
    ("<username>someone</username><password>short</password>", "not-acceptable"),
    ("<username>someone</username><password>üüüü</password>", "not-acceptable"),
    ("<username>someoneelse</username><password>someoneelse</password>", "not-acceptable"),
    ("<remove/>", "unexpected-request")])
def test_what_is_no_registration(open_server, actors, inner, condition):
    client = stranger(actors(open_server))
    refused(client, query(inner), condition)
    with pytest.raises(SaslFailure):
        client.authenticates("someone", "correct horse")


def test_an_address_may_register_so_many(open_server, actors):
    cast = actors(open_server)
    first = stranger(cast)
    for i in range(3):
        assert asks(first, "set", account(f"{first.local}-{i}")).get("type") == "result"
    refused(first, account(f"{first.local}-4"), "resource-constraint")
    refused(stranger(cast), account("another-stream"), "resource-constraint")
    open_server.advance("21 min")  # a third of the period: one comes back
    later = stranger(cast)
    assert asks(later, "set", account(f"{later.local}-a")).get("type") == "result"
    refused(later, account(f"{later.local}-b"), "resource-constraint")


# ---- after login -------------------------------------------------------------------------------


def test_what_one_is_registered_as(cast):
    romeo = cast.connected("romeo")
    romeo.sends(f"<iq type='get' id='r' to='xylem.test'>{query()}</iq>")
    romeo.hears(f"<iq type='result' id='r'>{query(f'<registered/><username>{romeo.local}</username><password/>')}</iq>")


@pytest.mark.parametrize("to", [" to='xylem.test'", ""])
def test_a_new_password(cast, to):
    romeo = cast.connected("romeo")
    romeo.sends(f"<iq type='set' id='r'{to}>{account(romeo.local, 'new passwörd')}</iq>")
    romeo.hears("<iq type='result' id='r'/>")
    with pytest.raises(SaslFailure):
        cast.client("romeo", jid=romeo.jid).logs_in()
    for mechanism in ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"):
        cast.client("romeo", jid=romeo.jid, password="new passwörd", mechanism=mechanism).logs_in()


@pytest.mark.parametrize("username,password,condition", [
    ("{own}", "short", "not-acceptable"), ("{own}", "", "bad-request"), ("", "new password", "bad-request"),
    ("{own}", "{own}", "not-acceptable"), ("{own}", "control \u0085 char", "not-acceptable"),
    ("juliet", "new password", "not-allowed")])
def test_passwords_that_are_refused(cast, username, password, condition):
    romeo = cast.connected("romeo")
    own = romeo.local
    refused(romeo, account(username.format(own=own), password.format(own=own)), condition)
    cast.client("romeo", jid=romeo.jid).logs_in()  # the old one holds


def test_nobody_elses(cast):
    romeo, juliet = cast.connected("romeo", "juliet")
    romeo.sends(f"<iq type='set' id='r' to='{juliet}'>{account(juliet.local, 'new password')}</iq>")
    romeo.hears_error("service-unavailable", of="iq", id="r")
    romeo.sends(f"<iq type='set' id='r' to='{juliet}'>{query('<remove/>')}</iq>")
    romeo.hears_error("service-unavailable", of="iq", id="r")
    cast.client("juliet", jid=juliet.jid).logs_in()


def test_leaving(cast):
    """S3-21: contacts are told, both rosters are clean, the account is gone."""
    romeo, juliet = cast("romeo", "juliet")
    befriend(romeo, juliet)
    juliet.asks("get", "<query xmlns='jabber:iq:roster'/>")
    romeo.sends(f"<iq type='set' id='r' to='xylem.test'>{query('<remove/>')}</iq>")
    heard = []
    while not any(dom.name(e)[1] == "error" for e in heard):
        heard.append(romeo.next_element())
    assert any(e.get("id") == "r" and e.get("type") == "result" for e in heard), [dom.show(e) for e in heard]
    juliet.settles()
    types = [e.get("type") for kind, e in juliet.events if kind == "element" and dom.name(e)[1] == "presence"]
    assert {"unavailable", "unsubscribed", "unsubscribe"} <= set(types), types
    juliet.events.clear()
    with pytest.raises(SaslFailure):
        cast.client("romeo", jid=romeo.jid).logs_in()
    roster = juliet.asks("get", "<query xmlns='jabber:iq:roster'/>")
    for item in dom.findall(roster, "roster:query/roster:item"):
        assert item.get("jid") != str(romeo) or item.get("subscription") == "none", dom.show(item)


def test_remove_stands_alone(cast):
    romeo = cast.connected("romeo")
    refused(romeo, query("<remove/><username>x</username>"), "bad-request")
    cast.client("romeo", jid=romeo.jid).logs_in()


@pytest.mark.once
def test_the_operator_may_keep_both_to_himself(make_server, actors):
    server = make_server(modules={"register": {"password_change": False, "removal": False}})
    romeo = actors(server).connected("romeo")
    refused(romeo, account(romeo.local, "new password"), "not-allowed")
    refused(romeo, query("<remove/>"), "not-allowed")

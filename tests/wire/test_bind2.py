# SPDX-License-Identifier: MIT
"""Bind 2 (XEP-0386 1.1.0) as such: the resource, who is replaced, what is announced, what fails. What the
features it switches on do is tested with them."""
import re

import pytest

from lib import dom, sasl, sasl2
from lib.dom import NS

pytestmark = pytest.mark.xylem

PART = r"[0-9a-f]{16}"


@pytest.fixture
def binds(cast):
    """binds("romeo", "Tag", id=…): logged in and bound in one step; another stream of that account by jid=."""

    def make(name="romeo", tag=None, features="", id=None, server=None, **options):
        client = sasl2.secures(cast.client(name, server=server, **options))
        client.success = sasl2.logs_in(client, agent=sasl2.user_agent(id) if id else "", inline=sasl2.bind(tag, features))
        return client

    return make


def test_the_offer(cast):
    """4.1: within <inline/> of SASL2 only, with what it can switch on."""
    romeo = sasl2.secures(cast.client("romeo"))
    assert (NS["bind2"], "bind") in sasl2.inline(romeo)
    assert dom.find(romeo.features, "bind2:bind") is None
    assert {NS["carbons"], NS["csi"], NS["sm"]} <= set(sasl2.bind_features(romeo))
    plain = cast.client("juliet", tls="none").secures()
    assert sasl2.offer(plain) is None


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS"])
def test_binding(binds, mechanism):
    """4.2: full JID, <bound/>, features without another bind; the session is there."""
    romeo = binds(tag="AwesomeXMPP", mechanism=mechanism)
    assert re.fullmatch(re.escape(romeo.jid) + "/AwesomeXMPP/" + PART, romeo.success.jid)
    assert romeo.success.bound is not None
    assert dom.find(romeo.features, "bind:bind") is None
    assert dom.find(romeo.features, "{urn:xmpp:features:rosterver}ver") is not None
    romeo.comes_online()
    romeo.sends(f"<message to='{romeo.full}' type='chat'><body>to myself</body></message>")
    romeo.hears(f"<message from='{romeo.full}' type='chat'><body>to myself</body>...</message>")


def test_success_comes_first(binds, cast):
    """Nothing that is sent to the session comes before <success/> and the features."""
    juliet = cast("juliet")
    romeo = sasl2.secures(cast.client("romeo"))
    sasl2.sends_authenticate(romeo, "PLAIN", sasl.plain(romeo.local, "secret"), inline=sasl2.bind("x"))
    success = sasl2.hears(romeo, "success")
    juliet.sends(f"<iq type='get' id='early' to='{success.jid}'><ping xmlns='{NS['ping']}'/></iq>")
    juliet.round_trip()
    sasl2.settles_in(romeo, success)
    romeo.hears(f"<iq type='get' from='{juliet.full}' id='*'><ping xmlns='{NS['ping']}'/></iq>")


def test_without_a_tag(binds):
    romeo = binds()
    assert re.fullmatch(PART, romeo.resource)


@pytest.mark.parametrize("tag", ["", "   ", "é☃", "a/b", "<&>'\"", "x" * 900])
def test_tags_of_all_kinds(binds, tag):
    romeo = binds(tag=tag)
    if tag.strip():
        assert romeo.resource.rsplit("/", 1)[0] == tag or romeo.resource.startswith(tag + "/")
    else:
        assert re.fullmatch(PART, romeo.resource)
    romeo.round_trip()


@pytest.mark.parametrize("tag", ["x" * 1020, "\u00ad\u200b", "a\u0080b"])
def test_tags_that_are_no_resource(binds, tag):
    """4.2.1: subject to validation: what does not pass is left out or prepared away."""
    romeo = binds(tag=tag)
    assert re.fullmatch(f"/?{PART}", romeo.resource)
    romeo.round_trip()


# ---- stable resources and devices ------------------------------------------------------------------


def test_the_same_client_gets_the_same_resource(binds):
    """4.2.1, per tag and user-agent id; the id does not show."""
    id = sasl2.new_id()
    romeo = binds(tag="Phone", id=id)
    first = romeo.full
    romeo.ends()
    assert binds(jid=romeo.jid, tag="Phone", id=id.upper()).full == first
    assert id not in first and id.replace("-", "") not in first
    others = [binds(jid=romeo.jid, tag="Laptop", id=id).full, binds(jid=romeo.jid, tag="Phone", id=sasl2.new_id()).full]
    assert len({first, *others}) == 3


def test_the_same_client_of_two_accounts(binds):
    """Nobody learns from the resource that two accounts are on one device."""
    id = sasl2.new_id()
    assert binds("romeo", tag="Phone", id=id).resource != binds("juliet", tag="Phone", id=id).resource


def test_without_an_id_no_two_resources_are_alike(binds):
    romeo = binds(tag="Phone")
    again = binds(jid=romeo.jid, tag="Phone")
    nonsense = [binds(jid=romeo.jid, tag="Phone", id="not-a-uuid") for _ in range(2)]
    assert len({c.full for c in (romeo, again, *nonsense)}) == 4
    for client in (romeo, again, *nonsense):
        client.round_trip()


def test_resources_outlive_a_restart(make_server, actors, binds):
    server = make_server()
    id = sasl2.new_id()
    romeo = binds(jid=server.create("romeo"), server=server, tag="Phone", id=id)
    server.stop()
    server.start()
    assert binds(jid=romeo.jid, server=server, tag="Phone", id=id).full == romeo.full


def test_older_sessions_of_the_client_end(binds):
    """4.2: also those of another tag, and nobody else's."""
    id = sasl2.new_id()
    older, other = binds(tag="Phone", id=id), binds("juliet", tag="Phone", id=id)
    beside = binds(jid=older.jid, tag="Phone", id=sasl2.new_id())
    nameless = binds(jid=older.jid, tag="Phone")
    binds(jid=older.jid, tag="Phone 2", id=id).round_trip()
    older.hears_stream_error("conflict")
    for client in (other, beside, nameless):
        client.round_trip()


# ---- with stream management -----------------------------------------------------------------------

ENABLE = f"<enable xmlns='{NS['sm']}' resume='true'/>"


def resumes(client, id, h=0):
    return f"<resume xmlns='{NS['sm']}' previd='{id}' h='{h}'/>" + sasl2.bind("Phone", ENABLE)


def test_a_resumption_comes_first(binds, cast):
    """4.2: then the bind request is ignored entirely, and features do not follow."""
    romeo = binds(tag="Phone", features=ENABLE)
    id = dom.find(romeo.success.bound, "sm:enabled").get("id")
    romeo.breaks()
    again = sasl2.secures(cast.client("romeo", jid=romeo.jid))
    success = sasl2.logs_in(again, inline=resumes(again, id))
    assert success.resumed.get("previd") == id and success.bound is None
    assert again.full == romeo.full
    again.round_trip()
    assert not [e for kind, e in again.events if kind == "element" and dom.name(e)[1] == "features"]


def test_a_resumption_that_fails_binds(binds, cast):
    """4.2: the failure is told, and a new session is there."""
    romeo = sasl2.secures(cast.client("romeo"))
    success = sasl2.logs_in(romeo, inline=resumes(romeo, "unheard-of"))
    assert success.find("sm:failed") is not None
    assert dom.find(success.bound, "sm:enabled") is not None
    assert "/Phone/" in romeo.full
    romeo.round_trip()


def test_a_resumption_of_another_account(binds, cast):
    romeo = binds(tag="Phone", features=ENABLE)
    id = dom.find(romeo.success.bound, "sm:enabled").get("id")
    juliet = sasl2.secures(cast.client("juliet"))
    success = sasl2.logs_in(juliet, inline=resumes(juliet, id))
    assert success.find("sm:failed") is not None and juliet.full.startswith(juliet.jid + "/Phone/")
    romeo.round_trip()


# ---- what goes wrong -------------------------------------------------------------------------------


def test_nothing_is_bound_by_a_failed_login(binds, server, cast):
    romeo = sasl2.secures(cast.client("romeo"))
    with pytest.raises(sasl2.Refused):
        sasl2.logs_in(romeo, password="wrong", inline=sasl2.bind("x"))
    assert sasl2.logs_in(romeo).jid == romeo.jid
    romeo.binds("by hand").round_trip()


def test_no_bind_no_resource(cast):
    romeo = sasl2.secures(cast.client("romeo"))
    success = sasl2.logs_in(romeo, agent=sasl2.user_agent())
    assert success.jid == romeo.jid and success.bound is None
    romeo.binds("by hand").round_trip()


def test_too_many_sessions(make_server, binds):
    """Then there is no <bound/>; who asks again in the ordinary way learns why."""
    server = make_server(limits={"sessions": 1})
    romeo = binds(jid=server.create("romeo"), server=server, tag="one")
    second = binds(jid=romeo.jid, server=server, tag="two")
    assert second.success.jid == romeo.jid and second.success.bound is None
    second.sends(f"<iq type='set' id='b'><bind xmlns='{NS['bind']}'/></iq>")
    second.hears_error("resource-constraint", of="iq", id="b")
    romeo.round_trip()


def test_a_second_bind(binds):
    """RFC 6120 7.1: one resource to a stream."""
    romeo = binds(tag="x")
    romeo.sends(f"<iq type='set' id='b'><bind xmlns='{NS['bind']}'/></iq>")
    romeo.hears_error("not-allowed", of="iq", id="b")
    romeo.round_trip()


def test_unknown_features_are_ignored(binds):
    romeo = binds(tag="x", features="<enable xmlns='urn:example:telepathy'/>")
    assert not list(romeo.success.bound) or all("telepathy" not in e.tag for e in romeo.success.bound)
    romeo.round_trip()


@pytest.mark.once
def test_switched_off_and_on_at_run_time(make_server, actors, binds):
    """Requirement S2-19"""
    server = make_server()
    romeo = binds(jid=server.create("romeo"), server=server, tag="x").comes_online()
    server.reload(modules={"bind2": False})
    without = binds(jid=romeo.jid, server=server, tag="x")
    assert (NS["bind2"], "bind") not in sasl2.inline(sasl2.secures(actors(server).client("romeo", jid=romeo.jid)))
    assert without.success.jid == romeo.jid and without.success.bound is None
    without.binds().round_trip()
    server.reload(modules={"bind2": True})
    assert binds(jid=romeo.jid, server=server, tag="x").success.bound is not None
    romeo.round_trip()

# SPDX-License-Identifier: MIT
"""XEP-0049: a client's own XML."""
import pytest

from lib import dom

pytestmark = pytest.mark.xylem
NOTES = "<notes xmlns='urn:test:notes'><n when='1'>Wherefore &amp; why</n>tail</notes>"
MARKS = "<storage xmlns='storage:bookmarks'><conference jid='a@b' name='x &lt; y'/></storage>"


def query(inner=""):
    return f"<query xmlns='jabber:iq:private'>{inner}</query>"


def keeps(client, *elements):
    answer = client.asks("set", query("".join(elements)))
    assert answer.get("type") == "result", dom.show(answer)


def kept(client, element, expected):
    client.sends(f"<iq type='get' id='k'>{query(element)}</iq>")
    client.hears(f"<iq type='result' id='k'>{query(expected)}</iq>")


def test_what_was_kept_comes_back_whole(cast):
    romeo = cast.connected("romeo")
    keeps(romeo, NOTES)
    kept(romeo, "<notes xmlns='urn:test:notes'/>", NOTES)
    other = cast.another(romeo, online=False)
    kept(other, "<notes xmlns='urn:test:notes'/>", NOTES)


def test_what_is_not_there_comes_back_empty(cast):
    kept(cast.connected("romeo"), "<x xmlns='urn:test:nothing'/>", "<x xmlns='urn:test:nothing'/>")


def test_several_at_once_and_apart_by_namespace_and_name(cast):
    romeo = cast.connected("romeo")
    keeps(romeo, NOTES, MARKS, "<notes xmlns='urn:test:other'>o</notes>", "<more xmlns='urn:test:notes'>m</more>")
    kept(romeo, "<storage xmlns='storage:bookmarks'/>", MARKS)
    kept(romeo, "<notes xmlns='urn:test:notes'/><notes xmlns='urn:test:other'/><more xmlns='urn:test:notes'/>",
         NOTES + "<notes xmlns='urn:test:other'>o</notes><more xmlns='urn:test:notes'>m</more>")


def test_a_later_one_replaces(cast):
    romeo = cast.connected("romeo")
    keeps(romeo, NOTES)
    keeps(romeo, "<notes xmlns='urn:test:notes'/>")
    kept(romeo, "<notes xmlns='urn:test:notes'/>", "<notes xmlns='urn:test:notes'/>")


@pytest.mark.parametrize("kind", ["get", "set"])
@pytest.mark.parametrize("inner,condition", [("", "bad-request"), ("<x xmlns='jabber:client'/>", "not-acceptable"),
                                             ("<x xmlns='jabber:iq:private'/>", "not-acceptable")])
def test_bad_requests(cast, kind, inner, condition):
    romeo = cast.connected("romeo")
    romeo.sends(f"<iq type='{kind}' id='b'>{query(inner)}</iq>")
    romeo.hears_error(condition, of="iq", id="b")


@pytest.mark.parametrize("kind", ["get", "set"])
def test_nobody_elses(cast, kind):
    romeo, juliet = cast.connected("romeo", "juliet")
    keeps(juliet, NOTES)
    romeo.sends(f"<iq type='{kind}' id='b' to='{juliet}'>{query(NOTES)}</iq>")
    romeo.hears_error("service-unavailable", of="iq", id="b", from_=juliet)


@pytest.mark.once
def test_size_is_limited_over_all(make_server, actors):
    romeo = actors(make_server(modules={"private": {"size": "2 KiB"}})).connected("romeo")
    keeps(romeo, f"<a xmlns='urn:test:a'>{'x' * 1200}</a>")
    romeo.sends(f"<iq type='set' id='b'>{query('<b xmlns=%r>%s</b>' % ('urn:test:b', 'ü' * 500))}</iq>")
    romeo.hears_error("resource-constraint", of="iq", id="b")
    keeps(romeo, f"<a xmlns='urn:test:a'>{'y' * 1900}</a>")  # it takes the place of the former
    kept(romeo, "<b xmlns='urn:test:b'/>", "<b xmlns='urn:test:b'/>")


def test_nothing_remains_of_a_deleted_account(cast, server):
    romeo = cast.connected("romeo")
    keeps(romeo, NOTES)
    server.ctl("user", "delete", romeo.jid)
    server.create(romeo.local)
    romeo = cast.client("romeo", jid=romeo.jid).logs_in()
    kept(romeo, "<notes xmlns='urn:test:notes'/>", "<notes xmlns='urn:test:notes'/>")

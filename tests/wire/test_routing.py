# SPDX-License-Identifier: MIT
"""The table of RFC 6121 section 8.5, cell by cell: every kind and type of stanza, to the bare and
the full JID, against every state the recipient can be in. And the iq rules of RFC 6120 8.2.3.

A cell says who hears the stanza and what the sender hears back. Recipients:
  a      available, priority 1       b    available, priority 0
  neg    available, priority -1      no   connected, has sent no presence
"""
import pytest

from lib import dom
from lib.dom import NS

STATES = {
    "several": ["a", "b", "neg", "no"],  # 8.5.2.1: one or more that take messages
    "negative": ["neg", "no"],           # 8.5.2.2: available ones, but only negative
    "connected": ["no"],                 # connected, none available
    "away": [],                          # nobody connected
    "unknown": None,                     # 8.5.1: no such account
}
PRESENCE = {"a": "<presence><priority>1</priority></presence>", "b": "<presence/>",
            "neg": "<presence><priority>-1</priority></presence>"}
UNAVAILABLE = "service-unavailable"
STORED = "stored"

MESSAGES = ["normal", "absent", "chat", "groupchat", "headline", "error", "unheard-of"]


def message_cell(kind, target, state):
    """(who hears it, condition that comes back or STORED or None)"""
    present = STATES[state]
    storable = kind in ("normal", "absent", "chat", "unheard-of")
    if present is None:
        return [], None if kind in ("headline", "error") else UNAVAILABLE
    if target != "bare" and target in present:
        return [target], None
    takers = [r for r in present if r in ("a", "b")]
    if storable:
        return (takers, None) if takers else ([], STORED)
    if kind == "groupchat":
        return [], UNAVAILABLE
    if kind == "headline" and target == "bare":
        return takers, None
    return [], None


CELLS = [(kind, target, state) for state, present in STATES.items() for kind in MESSAGES
         for target in ["bare", "gone", *(present or [])]]


class Stage:
    """A recipient in one of the STATES, and a sender. Built once per state and server: a cell
    leaves nothing behind but what it hears."""

    def __init__(self, cast, state):
        self.cast, self.resources = cast, {}
        self.sender = cast("benvolio")
        if STATES[state] is None:
            self.jid = "nobody-of-that-name@" + self.sender.domain
            return
        self.jid = cast.account("juliet")
        for name in STATES[state]:
            client = cast.client(name, jid=self.jid, resource=name).logs_in()
            if name in PRESENCE:
                client.sends(PRESENCE[name])
            self.resources[name] = client
        for client in self.resources.values():
            client.settles()
            client.events.clear()

    def to(self, target):
        return self.jid if target == "bare" else f"{self.jid}/{target}"

    def check(self, hearers, back, stanza, heard, error):
        self.sender.sends(stanza)
        for name, client in self.resources.items():
            if name in hearers:
                client.hears(heard)
            client.hears_nothing()
        if back:
            self.sender.hears(error)
        self.sender.hears_nothing()


@pytest.fixture
def stage(cast):
    return lambda state: Stage(cast, state)


def error_stanza(kind, jid, condition):
    return (f"<{kind} type='error' from='{jid}' id='x'>...<error type='*'>"
            f"<{condition} xmlns='{NS['stanzas']}'/>...</error></{kind}>")


@pytest.mark.parametrize("kind,target,state", CELLS, ids=["-".join(c) for c in CELLS])
def test_message(stage, cast, kind, target, state):
    here = stage(state)
    hearers, back = message_cell(kind, target, state)
    to = here.to(target)
    attribute = "" if kind == "absent" else f" type='{kind}'"
    inner = "<body>hi</body>"
    if kind == "error":
        inner += f"<error type='cancel'><gone xmlns='{NS['stanzas']}'/></error>"
    heard_as = "*" if kind == "unheard-of" else kind
    heard_attribute = "" if kind == "absent" else f" type='{heard_as}'"
    heard = f"<message from='{here.sender.full}' to='{to}' id='x'{heard_attribute}>{inner}</message>"
    here.check(hearers, back if back != STORED else None, f"<message to='{to}' id='x'{attribute}>{inner}</message>",
               heard, error_stanza("message", to, back))
    if back == STORED:
        later = cast.client("later", jid=here.jid, resource="later").logs_in()
        later.sends("<presence/>")
        later.settles()
        messages = [e for k, e in later.events if k == "element" and dom.name(e)[1] == "message"]
        assert len(messages) == 1, later.dialogue()
        assert dom.match(dom.parse(heard.replace("<body>", "...<body>")), messages[0]) is None, dom.show(messages[0])


IQS = ["get", "set", "result", "error"]
IQ_CELLS = [(kind, target, state) for state, present in STATES.items() for kind in IQS
            for target in ["bare", "gone", *(present or [])]]


def iq_cell(kind, target, state):
    present = STATES[state]
    if target != "bare" and present and target in present:
        return [target], None
    return [], UNAVAILABLE if kind in ("get", "set") else None


@pytest.mark.parametrize("kind,target,state", IQ_CELLS, ids=["-".join(c) for c in IQ_CELLS])
def test_iq(stage, kind, target, state):
    """8.5.2.1.3, 8.5.3: to the full JID the client answers; for the bare one the server does."""
    here = stage(state)
    hearers, back = iq_cell(kind, target, state)
    to = here.to(target)
    inner = "<query xmlns='urn:unheard-of'/>"
    if kind == "error":
        inner += f"<error type='cancel'><gone xmlns='{NS['stanzas']}'/></error>"
    text = f"<iq to='{to}' id='x' type='{kind}'>{inner}</iq>"
    here.check(hearers, back, text, text.replace("<iq ", f"<iq from='{here.sender.full}' "), error_stanza("iq", to, back))


PRESENCES = ["absent", "unavailable", "error", "probe"]
PRESENCE_CELLS = [(kind, target, state) for state, present in STATES.items() for kind in PRESENCES
                  for target in ["bare", "gone", *(present or [])]]


def presence_cell(kind, target, state):
    """8.5.2.1.2, 8.5.3.1: to every available resource, or to the one meant. A stranger's probe is
    the server's own business and answered in test_presence.py."""
    present = STATES[state] or []
    if kind == "probe":
        return []
    if target == "bare":
        return [r for r in present if r != "no"]
    return [target] if target in present else []


@pytest.mark.parametrize("kind,target,state", PRESENCE_CELLS, ids=["-".join(c) for c in PRESENCE_CELLS])
def test_directed_presence(stage, kind, target, state):
    here = stage(state)
    to = here.to(target)
    attribute = "" if kind == "absent" else f" type='{kind}'"
    inner = f"<error type='cancel'><gone xmlns='{NS['stanzas']}'/></error>" if kind == "error" else ""
    heard = f"<presence from='{here.sender.full}' to='{to}'{attribute}>{inner}</presence>"
    here.sender.sends(f"<presence to='{to}'{attribute}>{inner}</presence>")
    for name, client in here.resources.items():
        if name in presence_cell(kind, target, state):
            client.hears(heard)
        client.hears_nothing()
    if kind != "probe":
        here.sender.hears_nothing()


# ---- the server itself and strangers ------------------------------------------------------------


def test_message_without_to_is_for_oneself(cast):
    """8.1.1.1: as if addressed to the sender's own bare JID."""
    romeo = cast("romeo")
    other = cast.another(romeo)
    romeo.settles(), romeo.events.clear()
    romeo.sends("<message id='x'><body>note</body></message>")
    for client in romeo, other:
        client.hears(f"<message from='{romeo.full}' id='x'><body>note</body></message>")


def test_remote_domain(cast):
    """10.4: what nobody can reach comes back."""
    romeo = cast("romeo")
    romeo.sends("<message to='friar@mantua.example' id='x'><body>hi</body></message>")
    kind, item = romeo.next_event()
    condition = dom.name(dom.find(item, "client:error")[0])[1]
    assert condition in ("remote-server-not-found", "service-unavailable"), dom.show(item)
    romeo.sends("<message to='friar@mantua.example' type='error'><body>hi</body></message>")
    romeo.hears_nothing()


@pytest.mark.parametrize("kind", ["message", "iq", "presence"])
@pytest.mark.parametrize("address", ["@xylem.test", "a@b@c", "romeo@", "ro meo@xylem.test", "a@xylem.test/", "-@..", "&#x110000;"[:0] + "\u00ad@xylem.test"])
@pytest.mark.xylem
def test_malformed_address(cast, kind, address):
    """8.3.3.8: jid-malformed."""
    romeo = cast("romeo")
    inner = f"<ping xmlns='{NS['ping']}'/>" if kind == "iq" else ""
    attribute = " type='get'" if kind == "iq" else ""
    romeo.sends(f"<{kind} to='{address}' id='x'{attribute}>{inner}</{kind}>")
    romeo.hears(f"<{kind} type='error' id='x'>...<error type='modify'><jid-malformed xmlns='{NS['stanzas']}'/>...</error></{kind}>")
    romeo.hears_nothing()


@pytest.mark.parametrize("kind", ["message", "iq"])
@pytest.mark.xylem
def test_errors_are_never_answered(cast, kind):
    """8.3.1: an error about an error would never end."""
    romeo = cast("romeo")
    error = f"<error type='cancel'><gone xmlns='{NS['stanzas']}'/></error>"
    for to in ("nobody@xylem.test", "xylem.test", "@xylem.test", "friar@mantua.example", "xylem.test/x"):
        romeo.sends(f"<{kind} to='{to}' id='x' type='error'>{error}</{kind}>")
    romeo.hears_nothing()


def test_error_carries_id_and_addresses(cast):
    """8.3.1: back to the sender, from where it was sent to, same id."""
    romeo = cast("romeo")
    romeo.sends("<iq to='nobody@xylem.test/x' type='get' id='r&amp;j'><query xmlns='urn:q'/></iq>")
    romeo.hears(f"<iq from='nobody@xylem.test/x' to='{romeo.full}' type='error' id='r&amp;j'>...<error type='cancel'>"
                f"<service-unavailable xmlns='{NS['stanzas']}'/>...</error></iq>")


# ---- iq (8.2.3) ----------------------------------------------------------------------------------


@pytest.mark.parametrize("to", ["", " to='{own}'", " to='xylem.test'"], ids=["none", "own", "host"])
def test_iq_nobody_knows(cast, to):
    romeo = cast("romeo")
    romeo.sends(f"<iq type='get' id='x'{to.format(own=romeo)}><query xmlns='urn:unheard-of'/></iq>")
    romeo.hears(f"<iq type='error' id='x'>...<error type='cancel'><service-unavailable xmlns='{NS['stanzas']}'/>...</error></iq>")


BAD = {
    "no-id": "<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>",
    "no-type": "<iq id='x'><ping xmlns='urn:xmpp:ping'/></iq>",
    "unknown-type": "<iq id='x' type='ask'><ping xmlns='urn:xmpp:ping'/></iq>",
    "no-child": "<iq id='x' type='get'/>",
    "two-children": "<iq id='x' type='get'><ping xmlns='urn:xmpp:ping'/><ping xmlns='urn:xmpp:ping'/></iq>",
}


@pytest.mark.xylem
@pytest.mark.parametrize("what", list(BAD))
@pytest.mark.parametrize("to", ["host", "account", "client"])
def test_bad_iq(cast, what, to):
    """8.2.3: bad-request, and nobody else is bothered with it."""
    romeo, juliet = cast("romeo", "juliet")
    address = {"host": "xylem.test", "account": romeo.jid, "client": juliet.full}[to]
    romeo.sends(BAD[what].replace("<iq ", f"<iq to='{address}' "))
    romeo.hears(f"<iq type='error'>...<error type='modify'><bad-request xmlns='{NS['stanzas']}'/>...</error></iq>")
    juliet.hears_nothing()


def test_iq_between_clients(cast):
    romeo, juliet = cast("romeo", "juliet")
    romeo.sends(f"<iq to='{juliet.full}' type='get' id='x'><ping xmlns='{NS['ping']}'/></iq>")
    juliet.hears(f"<iq from='{romeo.full}' to='{juliet.full}' type='get' id='x'><ping xmlns='{NS['ping']}'/></iq>")
    juliet.sends(f"<iq to='{romeo.full}' type='result' id='x'/>")
    romeo.hears(f"<iq from='{juliet.full}' to='{romeo.full}' type='result' id='x'/>")


@pytest.mark.parametrize("kind", ["result", "error"])
def test_answer_to_no_question(cast, kind):
    romeo = cast("romeo")
    inner = "" if kind == "result" else f"<error type='cancel'><gone xmlns='{NS['stanzas']}'/></error>"
    for to in ("", f" to='{romeo}'", " to='xylem.test'"):
        romeo.sends(f"<iq type='{kind}' id='x'{to}>{inner}</iq>")
    romeo.hears_nothing()


# ---- what travels -----------------------------------------------------------------------------------


def test_everything_of_a_message_travels(cast):
    """Namespaced children, attributes, language, mixed text, empty elements: as they came."""
    romeo, juliet = cast("romeo", "juliet")
    text = (f"<message from='{romeo.full}' to='{juliet.full}' type='chat' id='x' xml:lang='it'>"
            "<subject>uno</subject><subject xml:lang='en'>one</subject><body>a &lt;b&gt; &amp;amp; \u00e9\U0001F339</body>"
            "<thread parent='p'>t</thread><x xmlns='urn:x' a='1' b=' &quot;2&apos; '><y/>mixed<z xmlns=''/>text</x></message>")
    romeo.sends(text)
    got = juliet.hears(text)
    assert got.get(dom.XML_LANG) == "it"
    assert "mixed" in dom.show(got) and "text</x>" in dom.show(got)


def test_whitespace_in_a_body_travels(cast):
    romeo, juliet = cast("romeo", "juliet")
    body = "  two\n\tlines&#13;\n "
    romeo.sends(f"<message to='{juliet.full}'><body>{body}</body></message>")
    assert dom.find(juliet.next_element(), "client:body").text == "  two\n\tlines\r\n "


@pytest.mark.xylem
def test_forged_delay_and_stanza_id_are_taken_off(cast):
    """XEP-0203, XEP-0359: only the server speaks for the server; others' stay."""
    romeo, juliet = cast("romeo", "juliet")
    other = "<stanza-id xmlns='urn:xmpp:sid:0' by='friar@mantua.example' id='1'/>" \
            "<delay xmlns='urn:xmpp:delay' from='mantua.example' stamp='2020-01-01T00:00:00Z'/>"
    romeo.sends(f"<message to='{juliet.full}'><body>hi</body>{other}"
                f"<stanza-id xmlns='urn:xmpp:sid:0' by='{juliet}' id='2'/>"
                f"<stanza-id xmlns='urn:xmpp:sid:0' by='XYLEM.test' id='3'/>"
                "<delay xmlns='urn:xmpp:delay' from='xylem.test' stamp='2020-01-01T00:00:00Z'/></message>")
    juliet.hears(f"<message from='{romeo.full}'><body>hi</body>{other}</message>")

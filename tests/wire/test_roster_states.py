# SPDX-License-Identifier: MIT
"""Every cell of the subscription tables (RFC 6121 appendix A; requirements S3-11, S3-12): nine states
by four kinds by two directions, and pre-approval, against the running server. The tables below are
written out as the RFC has them; the module computes them by rules."""
import itertools

import pytest

from lib import dom

NS = "urn:xylem:test:elsewhere"
KINDS = ("subscribe", "unsubscribe", "subscribed", "unsubscribed")
_numbers = itertools.count(1)

# state -> (routed, new state) for subscribe, unsubscribe, subscribed, unsubscribed; None: no change
OUTBOUND = {
    "None":        ((1, "None+Out"), (1, None), (0, "None+A"), (0, None)),
    "None+Out":    ((1, None), (1, "None"), (0, "None+Out+A"), (0, None)),
    "None+In":     ((1, "None+Out+In"), (1, None), (1, "From"), (1, "None")),
    "None+Out+In": ((1, None), (1, "None+In"), (1, "From+Out"), (1, "None+Out")),
    "To":          ((1, None), (1, "None"), (0, "To+A"), (0, None)),
    "To+In":       ((1, None), (1, "None+In"), (1, "Both"), (1, "To")),
    "From":        ((1, "From+Out"), (1, None), (0, None), (1, "None")),
    "From+Out":    ((1, None), (1, "From"), (0, None), (1, "None+Out")),
    "Both":        ((1, None), (1, "From"), (0, None), (1, "To")),
    # pre-approval (3.4): set again, used up by nothing we send, cancelled by unsubscribed
    "None+A":      ((1, "None+Out+A"), (1, None), (0, None), (0, "None")),
    "None+Out+A":  ((1, None), (1, "None+A"), (0, None), (0, "None+Out")),
    "To+A":        ((1, None), (1, "None+A"), (0, None), (0, "To")),
}
# state -> (delivered, new state, auto-reply)
INBOUND = {
    "None":        ((1, "None+In", 0), (0, None, 0), (0, None, 0), (0, None, 0)),
    "None+Out":    ((1, "None+Out+In", 0), (0, None, 0), (1, "To", 0), (1, "None", 0)),
    "None+In":     ((0, None, 0), (1, "None", 0), (0, None, 0), (0, None, 0)),
    "None+Out+In": ((0, None, 0), (1, "None+Out", 0), (1, "To+In", 0), (1, "None+In", 0)),
    "To":          ((1, "To+In", 0), (0, None, 0), (0, None, 0), (1, "None", 0)),
    "To+In":       ((0, None, 0), (1, "To", 0), (0, None, 0), (1, "None+In", 0)),
    "From":        ((0, None, 1), (1, "None", 0), (0, None, 0), (0, None, 0)),
    "From+Out":    ((0, None, 1), (1, "None+Out", 0), (1, "Both", 0), (1, "From", 0)),
    "Both":        ((0, None, 1), (1, "To", 0), (0, None, 0), (1, "From", 0)),
    "None+A":      ((0, "From", 1), (0, None, 0), (0, None, 0), (0, None, 0)),
    "None+Out+A":  ((0, "From+Out", 1), (0, None, 0), (1, "To+A", 0), (1, "None+A", 0)),
    "To+A":        ((0, "Both", 1), (0, None, 0), (0, None, 0), (1, "None+A", 0)),
}
# how to get there: > sent by the user, < arrives from the contact
PATHS = {
    "None": "", "None+Out": ">subscribe", "None+In": "<subscribe", "None+Out+In": ">subscribe <subscribe",
    "To": ">subscribe <subscribed", "To+In": ">subscribe <subscribed <subscribe",
    "From": "<subscribe >subscribed", "From+Out": "<subscribe >subscribed >subscribe",
    "Both": "<subscribe >subscribed >subscribe <subscribed",
    "None+A": ">subscribed", "None+Out+A": ">subscribed >subscribe",
    "To+A": ">subscribed >subscribe <subscribed",
}


class World:
    """The user, a contact on a foreign domain, and the observer who sees what goes there."""

    def __init__(self, server, cast):
        self.server = server
        self.observer = cast.client("observer", jid="observer@" + server.domain).comes_online()
        self.user = cast.connected("romeo")
        self.user.asks("get", "<query xmlns='jabber:iq:roster'/>")
        self.user.comes_online()
        self.contact = None

    def meets(self):
        """A contact nobody has heard of, who has an item the user made (so that it stays)."""
        self.contact = f"juliet{next(_numbers)}@elsewhere.test"
        item = f"<query xmlns='jabber:iq:roster'><item jid='{self.contact}'/></query>"
        assert self.user.asks("set", item).get("type") == "result"
        self.quiet()

    def quiet(self):
        self.user.settles()
        self.observer.settles()
        self.user.events.clear()
        self.observer.events.clear()

    def does(self, step):
        kind = step[1:]
        if step[0] == ">":
            self.user.sends(f"<presence to='{self.contact}' type='{kind}'/>")
            self.user.round_trip()
        else:
            presence = (f"<presence xmlns='jabber:client' from='{self.contact}' to='{self.user}' type='{kind}'/>")
            answer = self.observer.asks("set", f"<inject xmlns='{NS}'>{presence}</inject>", to=self.server.domain)
            assert answer.get("type") == "result", dom.show(answer)

    def arrives_at(self, state):
        self.meets()
        for step in PATHS[state].split():
            self.does(step)
        self.quiet()
        assert self.state() == state

    def state(self):
        rows = self.server.json("roster", "show", self.user)["rows"]
        row = next((r for r in rows if r["contact"] == self.contact), None)
        if row is None:
            return "None"
        name = row["subscription"].capitalize()
        return name + "+Out" * row["asked"] + "+In" * row["asks"] + "+A" * row["approved"]

    def routed(self):
        """Types of the presences that left for the contact, of the four kinds."""
        self.observer.settles()
        seen = [e[0][0] for kind, e in self.observer.events
                if kind == "element" and len(e) and e[0].tag == f"{{{NS}}}routed"]
        self.observer.events.clear()
        return [p.get("type") for p in seen if p.get("to") == self.contact], seen

    def heard(self):
        """What the user's client got: (types of presences from the contact, number of pushes)."""
        self.user.settles()
        stanzas = [e for kind, e in self.user.events if kind == "element"]
        self.user.events.clear()
        kinds = [s.get("type") for s in stanzas
                 if s.tag.endswith("}presence") and s.get("from") == self.contact]
        pushes = [s for s in stanzas if s.tag.endswith("}iq") and s.get("type") == "set"]
        return kinds, pushes


@pytest.fixture(scope="session")
def stage(engine, new_server):
    from conftest import Cast

    server = new_server(engine, modules={"elsewhere": {"observer": "observer@xylem.test"}})
    server.start()
    server.create("observer")
    cast = Cast(server)
    yield World(server, cast)
    cast.close()
    server.stop()


def visible(state):
    """What of a state shows in the roster: pending-in does not."""
    return state.replace("+In", "")


@pytest.mark.parametrize("which", range(4), ids=KINDS)
@pytest.mark.parametrize("state", OUTBOUND)
def test_s3_11_outbound(stage, state, which):
    kind = KINDS[which]
    routed, new = OUTBOUND[state][which]
    stage.arrives_at(state)
    stage.does(">" + kind)
    kinds, stanzas = stage.routed()
    assert kinds.count(kind) == routed
    for presence in stanzas:
        if presence.get("type") in KINDS:
            assert presence.get("from") == str(stage.user), "RFC 6121 3.1.2: stamped with the bare JID"
    assert stage.state() == (new or state)
    _, pushes = stage.heard()
    assert len(pushes) == (visible(new or state) != visible(state)), "S3-15: once per change"
    gave, gives = "From" in state or "Both" in state, "From" in (new or state) or "Both" in (new or state)
    assert (None in kinds) == (gives and not gave), "approval shows the presence, and nothing else does (S3-1)"
    assert ("unavailable" in kinds) == (gave and not gives)


@pytest.mark.parametrize("which", range(4), ids=KINDS)
@pytest.mark.parametrize("state", INBOUND)
def test_s3_11_inbound(stage, state, which):
    kind = KINDS[which]
    delivered, new, replies = INBOUND[state][which]
    stage.arrives_at(state)
    stage.does("<" + kind)
    heard, pushes = stage.heard()
    assert heard.count(kind) == delivered
    kinds, _ = stage.routed()
    assert kinds.count("subscribed") == replies
    assert stage.state() == (new or state)
    assert len(pushes) == (visible(new or state) != visible(state))
    gave, gives = "From" in state or "Both" in state, "From" in (new or state) or "Both" in (new or state)
    assert (None in kinds) == (gives and not gave)
    assert ("unavailable" in kinds) == (gave and not gives)


@pytest.mark.parametrize("state", sorted(PATHS))
def test_s3_20_replay_changes_nothing(stage, state):
    stage.arrives_at(state)
    for step in PATHS[state].split()[-1:]:
        stage.does(step)
        assert stage.state() == state


@pytest.mark.parametrize("state", sorted(PATHS))
def test_s3_12_removal_cancels_what_there_was(stage, state):
    """RFC 6121 2.5.2: unsubscribe for what we had or asked, unsubscribed for what we gave or were asked."""
    stage.arrives_at(state)
    item = f"<item jid='{stage.contact}' subscription='remove'/>"
    answer = stage.user.asks("set", f"<query xmlns='jabber:iq:roster'>{item}</query>")
    assert answer.get("type") == "result"
    kinds, _ = stage.routed()
    had = any(word in state for word in ("To", "Both", "Out"))
    gave = any(word in state for word in ("From", "Both", "In"))
    assert kinds.count("unsubscribe") == had
    assert kinds.count("unsubscribed") == gave
    assert stage.state() == "None"
    _, pushes = stage.heard()
    assert [p[0][0].get("subscription") for p in pushes] == ["remove"]

# SPDX-License-Identifier: MIT
"""What a stanza from a room says (a fact), what a model wants it to say, and comparing the two.

A fact is a dict with every field of BLANK. A want names the fields that differ from BLANK; whatever it
does not name must be blank, so nothing a room adds goes unseen. Values may be matchers (callables).
What is wanted of one step is a list of groups for each session: groups come in order, the wants of one
group in any order, optional ones may be missing.
"""
from . import dom

MUC, USER = "http://jabber.org/protocol/muc", "http://jabber.org/protocol/muc#user"
ADMIN, OWNER = "http://jabber.org/protocol/muc#admin", "http://jabber.org/protocol/muc#owner"
DATA = "jabber:x:data"
dom.NS.update({"muc": MUC, "muc-user": USER, "muc-admin": ADMIN, "muc-owner": OWNER, "x-data": DATA,
               "occupant-id": "urn:xmpp:occupant-id:0"})

BLANK = {"kind": None, "nick": "", "type": None, "id": None, "condition": None,
         "affiliation": None, "role": None, "jids": frozenset(), "new_nick": None, "codes": frozenset(),
         "reason": None, "actor": None, "destroy": None, "show": None, "status": None,
         "body": None, "subject": None, "delayed": False, "mark": False, "items": None, "twice": False}
ROOM_STATUS = frozenset({"104", "170", "171", "172", "173"})


# ---- matchers -------------------------------------------------------------------------------------


def matcher(text):
    def named(check):
        check.text = text
        return check
    return named


@matcher("anything")
def anything(_):
    return True


def one_of(*values):
    @matcher(" or ".join(map(repr, values)))
    def check(value):
        return value in values
    return check


def jids(known, visible):
    """Real JIDs of those that share a nick: at least one where they are visible, none where not
    (None: may be shown), and never anybody else's."""
    @matcher(f"{'' if visible else 'no ' if visible is False else 'perhaps '}JID of {sorted(known)}")
    def check(value):
        if not value:
            return not visible
        return visible is not False and value <= known
    return check


def codes(needed, allowed=()):
    @matcher(f"codes {sorted(needed)}" + (f", perhaps {sorted(allowed)}" if allowed else ""))
    def check(value):
        return set(needed) <= value <= set(needed) | set(allowed)
    return check


class Want:
    def __init__(self, kind, optional=False, **fields):
        self.fields = {**BLANK, "kind": kind, "id": anything, **fields}
        self.optional = optional

    def differs(self, fact):
        """None, or the first field that is not as wanted."""
        for key, want in self.fields.items():
            got = fact[key]
            if not (want(got) if callable(want) else want == got):
                return f"{key} is {_plain(got)}, wanted {_plain(want)}"
        return None

    def __repr__(self):
        named = {k: v for k, v in self.fields.items() if v != BLANK[k] and k != "kind" and v is not anything}
        inner = " ".join(f"{k}={_plain(v)}" for k, v in named.items())
        return f"{'perhaps ' if self.optional else ''}<{self.fields['kind']} {inner}>"


def _plain(value):
    if callable(value):
        return value.text
    return sorted(value) if isinstance(value, frozenset) else repr(value)


def compare(groups, facts):
    """None when these facts are what was wanted, else a sentence."""
    groups = [list(g) for g in groups]
    for fact in facts:
        reasons = []
        while groups:
            found = next((w for w in groups[0] if not w.optional and w.differs(fact) is None), None) or \
                next((w for w in groups[0] if w.differs(fact) is None), None)
            if found is not None:
                groups[0].remove(found)
                break
            reasons += [w.differs(fact) for w in groups[0] if w.fields["kind"] == fact["kind"]]
            if any(not w.optional for w in groups[0]):
                return f"heard {show(fact)}\n      instead of {groups[0]}\n      ({'; '.join(map(str, reasons))})"
            groups.pop(0)
        else:
            return f"heard too much: {show(fact)} ({'; '.join(map(str, reasons))})"
    missing = [w for g in groups for w in g if not w.optional]
    return f"did not hear {missing}" if missing else None


def mandatory(groups):
    return sum(not w.optional for g in groups for w in g)


# ---- reading --------------------------------------------------------------------------------------


def show(fact):
    inner = " ".join(f"{k}={_plain(v)}" for k, v in fact.items() if v != BLANK[k] and k != "kind")
    return f"<{fact['kind']} {inner}>"


def fact_of(element, room):
    """The fact in a stanza from that room; None: it is from elsewhere."""
    bare, _, nick = (element.get("from") or "").partition("/")
    if bare != room:
        return None
    kind = dom.name(element)[1]
    fact = {**BLANK, "kind": kind, "nick": nick, "type": element.get("type"), "id": element.get("id")}
    error = dom.find(element, "client:error")
    if error is not None:
        fact["condition"] = dom.name(error[0])[1]
        return fact
    for field in ("show", "status", "body", "subject"):
        child = dom.find(element, f"client:{field}")
        if child is not None:
            fact[field] = child.text or ""
    fact["delayed"] = dom.find(element, "delay:delay") is not None
    found = dom.findall(element, "muc-user:x")
    fact["twice"] = len(found) > 1
    for x in found[:1]:
        _read_user(fact, x)
    if kind == "iq":
        _read_items(fact, element)
    return fact


def _read_user(fact, x):
    fact["mark"] = True
    fact["codes"] = frozenset(s.get("code") for s in dom.findall(x, "muc-user:status"))
    items = dom.findall(x, "muc-user:item")
    fact["jids"] = frozenset(i.get("jid") for i in items if i.get("jid"))
    for attribute, field in (("affiliation", "affiliation"), ("role", "role"), ("nick", "new_nick")):
        values = {i.get(attribute) for i in items}
        if values:
            fact[field] = values.pop() if len(values) == 1 else frozenset(map(str, values))
    for item in items[:1]:
        reason, actor = dom.find(item, "muc-user:reason"), dom.find(item, "muc-user:actor")
        fact["reason"] = None if reason is None else reason.text
        fact["actor"] = None if actor is None else (actor.get("nick"), actor.get("jid"))
    destroy = dom.find(x, "muc-user:destroy")
    if destroy is not None:
        reason = dom.find(destroy, "muc-user:reason")
        fact["destroy"] = (destroy.get("jid"), None if reason is None else reason.text)
    for kind in ("invite", "decline"):
        if dom.find(x, f"muc-user:{kind}") is not None:
            fact["kind"] = kind


def _read_items(fact, element):
    query = dom.find(element, "muc-admin:query")
    if query is not None:
        fact["items"] = frozenset(
            tuple(item.get(key) for key in ("affiliation", "role", "jid", "nick"))
            for item in dom.findall(query, "muc-admin:item"))

# SPDX-License-Identifier: MIT
"""Archive queries (XEP-0313) as tests write them:

    page = ask(juliet, fields={"with": romeo}, max=5, before="")
    page.texts, page.ids, page.complete, page.first, page.last

and servers that archive: a test module imports `shared_server` from here and its `cast` is there.
"""
import itertools
from dataclasses import dataclass, field
from datetime import datetime, timezone

import pytest

from . import dom

MAM, RSM, DATA, SID = "urn:xmpp:mam:2", "http://jabber.org/protocol/rsm", "jabber:x:data", "urn:xmpp:sid:0"
dom.NS.update({"mam": MAM, "rsm": RSM, "data": DATA, "sid": SID, "forward": "urn:xmpp:forward:0",
               "disco": "http://jabber.org/protocol/disco#info"})
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, modules={"mam": True}).start()
    yield server
    server.stop()


@dataclass
class Result:
    id: str
    stamp: datetime
    message: object  # the forwarded stanza; None: its content has been removed
    wrapper: object

    @property
    def text(self):
        return dom.find(self.message, "client:body").text


@dataclass
class Page:
    answer: object
    results: list = field(default_factory=list)
    others: list = field(default_factory=list)  # other stanzas heard before the answer

    @property
    def ids(self):
        return [r.id for r in self.results]

    @property
    def texts(self):
        return [r.text for r in self.results]

    @property
    def fin(self):
        assert self.answer.get("type") == "result", dom.show(self.answer)
        return dom.find(self.answer, "mam:fin")

    @property
    def complete(self):
        return self.fin.get("complete") == "true"

    @property
    def set(self):
        """What is in <set/>: {"first": id, "last": id}."""
        return {dom.name(c)[1]: c.text for c in dom.find(self.fin, "rsm:set")}

    first = property(lambda self: self.set.get("first"))
    last = property(lambda self: self.set.get("last"))

    @property
    def error(self):
        """(condition, type)"""
        assert self.answer.get("type") == "error", dom.show(self.answer)
        error = dom.find(self.answer, "client:error")
        return dom.name(error[0])[1], error.get("type")


def time(stamp):
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).astimezone(timezone.utc)


def form(fields, form_type=MAM, kind="submit"):
    def values(value):
        many = value if isinstance(value, (list, tuple)) else [value]
        return "".join(f"<value>{v}</value>" for v in many)
    hidden = f"<field var='FORM_TYPE' type='hidden'>{values(form_type)}</field>" if form_type else ""
    return (f"<x xmlns='{DATA}' type='{kind}'>{hidden}"
            + "".join(f"<field var='{var}'>{values(value)}</field>" for var, value in fields.items()) + "</x>")


def rsm(**page):
    return f"<set xmlns='{RSM}'>" + "".join(f"<{k}>{v}</{k}>" for k, v in page.items()) + "</set>"


def query_text(fields=None, flip=False, queryid=None, inner="", node=None, **page):
    attributes = "".join(f" {k}='{v}'" for k, v in (("queryid", queryid), ("node", node)) if v)
    return (f"<query xmlns='{MAM}'{attributes}>" + (form(fields) if fields else "") + inner
            + (rsm(**page) if page else "") + ("<flip-page/>" if flip else "") + "</query>")


def result_of(element):
    """The Result in a message, or None."""
    result = dom.find(element, "mam:result")
    if result is None:
        return None
    stamp = dom.find(result, "forward:forwarded/delay:delay").get("stamp")
    return Result(result.get("id"), time(stamp), dom.find(result, "forward:forwarded/client:message"), element)


def ask(client, fields=None, to=None, kind="set", **query):
    """One query and what came of it, in the order in which it came."""
    number = f"mam{next(_numbers)}"
    address = f" to='{to}'" if to else ""
    client.sends(f"<iq type='{kind}' id='{number}'{address}>{query_text(fields, **query)}</iq>")
    page = Page(None)
    while page.answer is None:
        element = client.next_element()
        if element.tag == "{jabber:client}iq" and element.get("id") == number:
            page.answer = element
            break
        result = result_of(element)
        (page.others if result is None else page.results).append(result or element)
    return page


def everything(client, fields=None, **query):
    """All results, page by page forwards."""
    found, after = [], {}
    while True:
        page = ask(client, fields, **after, **query)
        found += page.results
        if page.complete:
            return found
        after = {"after": page.last}


def forwards(client, size, flip=False, **query):
    """Page by page to the end, `size` at a time."""
    pages = [ask(client, flip=flip, max=size, **query)]
    while not pages[-1].complete:
        pages.append(ask(client, flip=flip, max=size, after=pages[-1].last, **query))
    return pages


def backwards(client, size, flip=False, **query):
    pages = [ask(client, flip=flip, max=size, before="", **query)]
    while not pages[-1].complete:
        pages.append(ask(client, flip=flip, max=size, before=pages[-1].first, **query))
    return pages


def shows_each_once(client, expected, flip=False, **query):
    """In pages of any size, from either end."""
    for size in range(1, 8):
        for page_of in (forwards, backwards):
            pages = page_of(client, size, flip, **query)
            assert all(len(p.results) == size for p in pages[:-1]) and 1 <= len(pages[-1].results) <= size
            assert [p.complete for p in pages] == [False] * (len(pages) - 1) + [True]
            seen = []
            for page in pages:
                order = page.ids[::-1] if flip else page.ids
                assert (page.first, page.last) == (order[0], order[-1])
                seen = seen + order if page_of is forwards else order + seen
            assert seen == expected, (size, page_of)


def texts(client, fields=None, **query):
    return [r.text for r in everything(client, fields, **query)]


def stanza_ids(message, by=None):
    return [s.get("id") for s in dom.findall(message, "sid:stanza-id") if by is None or s.get("by") == str(by)]


def body(text, to, kind="chat", extra="", attributes=""):
    return f"<message to='{to}' type='{kind}'{attributes}><body>{text}</body>{extra}</message>"


def write(sender, to, *texts, **options):
    """Sent, and heard by whom it reached."""
    for text in texts:
        sender.sends(body(text, to, **options))
    sender.round_trip()
    sender.settles()


def metadata(client, to=None):
    """[(id, time) of start, (id, time) of end], [] for an empty archive."""
    answer = client.asks("get", f"<metadata xmlns='{MAM}'/>", to=to)
    assert answer.get("type") == "result", dom.show(answer)
    return [(e.get("id"), time(e.get("timestamp"))) for e in dom.find(answer, "mam:metadata")]


def trims(server, reached):
    """Retention at work until `reached`. A jump of the clock can cost it a look at the database, which
    it repeats a minute later."""
    for _ in range(6):
        server.advance("11 min")
        for _ in range(40):
            if reached():
                return
            server.advance("1 s")
    raise AssertionError("retention did not do it")


def preferences_text(default=None, always=(), never=()):
    def jids(name, listed):
        return f"<{name}>" + "".join(f"<jid>{jid}</jid>" for jid in listed) + f"</{name}>" if listed is not None else ""
    attribute = f" default='{default}'" if default else ""
    return f"<prefs xmlns='{MAM}'{attribute}>{jids('always', always)}{jids('never', never)}</prefs>"


def read_preferences(answer):
    """(default, always, never) of an answer."""
    assert answer.get("type") == "result", dom.show(answer)
    prefs = dom.find(answer, "mam:prefs")
    lists = [[j.text for j in dom.findall(prefs, f"mam:{name}/mam:jid")] for name in ("always", "never")]
    assert [dom.name(c)[1] for c in prefs] == ["always", "never"]
    return prefs.get("default"), *lists


def prefers(client, default, always=(), never=()):
    """Sets preferences; what the server says holds now."""
    return read_preferences(client.asks("set", preferences_text(default, always, never)))


def preferences(client):
    return read_preferences(client.asks("get", f"<prefs xmlns='{MAM}'/>"))

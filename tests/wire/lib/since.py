# SPDX-License-Identifier: MIT
"""Asking an archive what was removed since a token (docs/retraction.md, "For client authors"):

    start = since(juliet)                      # only where it stands
    page = since(juliet, start.token, max=5)
    page.items[0]["state"], page.ids, page.complete, page.token
"""
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from . import dom
from .removal import REMOVAL


@dataclass
class Since:
    token: str
    complete: bool
    items: list

    @property
    def ids(self):
        return [item["id"] for item in self.items]

    @property
    def states(self):
        return [item["state"] for item in self.items]


def question(token=None, max=None):
    return (f"<removals xmlns='{REMOVAL}'" + (f" since={quoteattr(token)}" if token is not None else "")
            + (f" max='{max}'" if max is not None else "") + "/>")


def since(client, token=None, max=None, to=None):
    answer = client.asks("get", question(token, max), to=to)
    assert answer.get("type") == "result", dom.show(answer)
    [removals] = list(answer)
    assert dom.name(removals) == (REMOVAL, "removals"), dom.show(answer)
    items = [dict(item.attrib) for item in removals]
    assert all(dom.name(item) == (REMOVAL, "removed") for item in removals)
    assert removals.get("complete") in ("true", "false")
    return Since(removals.get("token"), removals.get("complete") == "true", items)


def all_since(client, token, max=None, to=None):
    """Page by page, to the end: (token, items)."""
    items = []
    while True:
        page = since(client, token, max, to)
        items += page.items
        token = page.token
        if page.complete:
            return token, items
        assert page.items


def is_refused(client, condition, element=None, token=None, max=None, to=None):
    answer = client.asks("get", question(token, max), to=to)
    error = dom.find(answer, "client:error")
    assert answer.get("type") == "error" and error is not None, dom.show(answer)
    stated = [dom.name(child)[1] for child in error]
    assert stated[0] == condition, dom.show(answer)
    assert [dom.name(c)[1] for c in error if dom.name(c)[0] == REMOVAL] == ([element] if element else [])

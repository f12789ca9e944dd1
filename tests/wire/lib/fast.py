# SPDX-License-Identifier: MIT
"""A client's side of FAST (XEP-0484) with the mechanisms HT-SHA-256-*, as deployed clients speak them.

    romeo = sasl2.secures(cast.client("romeo"))
    token = fast.token_of(sasl2.logs_in(romeo, agent=AGENT, inline=fast.request("HT-SHA-256-NONE")))
    success = fast.logs_in(sasl2.secures(cast.client("romeo", jid=romeo.jid)), token, agent=AGENT)
"""
import hashlib
import hmac

import pytest

from . import dom, sasl, sasl2
from .dom import NS
from .exporter import ExporterSocket

PHONE = sasl2.user_agent("d4565fa7-4d72-4749-b3d3-740edbf87770", "AwesomeXMPP", "Phone")
LAPTOP = sasl2.user_agent("5f9e1c04-93a4-4f0a-8c5d-2f7b6b1a8e11", "GaudyXMPP", "Laptop")
EXPR, ENDP, NONE = "HT-SHA-256-EXPR", "HT-SHA-256-ENDP", "HT-SHA-256-NONE"
BINDINGS = {EXPR: "tls-exporter", ENDP: "tls-server-end-point"}


class Token:
    def __init__(self, element, mechanism):
        self.text, self.expiry, self.mechanism = element.get("token"), element.get("expiry"), mechanism

    def proof(self, who, binding=b""):
        return hmac.new(self.text.encode(), who + binding, hashlib.sha256).digest()


def by_exporter(client, highest=0, options=0):
    """This client's TLS can export keying material (tls-exporter)."""
    def handshakes(name=None, context=None):
        client.sock = ExporterSocket(client.sock, name, highest, options)
    client.handshakes = handshakes
    return client


def binding(client, mechanism):
    kind = BINDINGS.get(mechanism)
    return sasl.channel_binding(client.sock, kind) if kind else b""


def request(mechanism):
    return f"<request-token xmlns='{NS['fast']}' mechanism='{mechanism}'/>"


def element(count=None, invalidate=None):
    attributes = {"count": count, "invalidate": invalidate}
    return f"<fast xmlns='{NS['fast']}'" + "".join(f" {k}='{v}'" for k, v in attributes.items() if v is not None) + "/>"


def offered(client):
    """Names of the mechanisms, or None without <fast/>."""
    found = sasl2.inline(client).get((NS["fast"], "fast"))
    return None if found is None else [m.text for m in dom.findall(found, "fast:mechanism")]


def token_of(success, mechanism):
    """The token that came, or None."""
    found = success.find("fast:token")
    return None if found is None else Token(found, mechanism)


def sends(client, token, agent, inline="", mechanism=None, user=None, fast=None, count=None, invalidate=None,
          initial=None):
    mechanism = mechanism or token.mechanism
    proof = token.proof(b"Initiator", binding(client, mechanism))
    initial = (user or client.local).encode() + b"\0" + proof if initial is None else initial
    inline = (element(count, invalidate) if fast is None else fast) + inline
    sasl2.sends_authenticate(client, mechanism, initial, agent, inline)


def logs_in(client, token, agent, mechanism=None, **options):
    """Sasl2's Success, which proves that the server knows the token too; Refused is raised."""
    mechanism = mechanism or token.mechanism
    sends(client, token, agent, mechanism=mechanism, **options)
    success = sasl2.hears(client, "success")
    assert success.additional == token.proof(b"Responder", binding(client, mechanism)), "the server's proof"
    return sasl2.settles_in(client, success)


class Person:
    """One account and the connections of its clients, one after the other."""

    def __init__(self, cast, name="romeo", agent=PHONE, jid=None, server=None, **options):
        self.cast, self.agent, self.options = cast, agent, options
        self.server = server
        self.jid = jid or cast.account(name, server)
        self.domain = self.jid.split("@")[1]

    def with_agent(self, agent):
        return Person(self.cast, agent=agent, jid=self.jid, **self.options)

    def connects(self, from_=True, exporter=False, **options):
        client = self.cast.client("romeo", jid=self.jid, **{**self.options, **options})
        return sasl2.secures(by_exporter(client) if exporter else client, from_)

    def gets_token(self, mechanism=NONE, agent=None, client=None, **options):
        client = client or self.connects(exporter=mechanism == EXPR, **options)
        success = sasl2.logs_in(client, agent=self.agent if agent is None else agent,
                                inline=request(mechanism))
        client.ends()
        return token_of(success, mechanism)

    def logs_in(self, token, client=None, **options):
        """What comes with <success/>: a new token or None."""
        client = client or self.connects(exporter=token.mechanism == EXPR)
        success = logs_in(client, token, options.pop("agent", self.agent), **options)
        client.ends()
        return token_of(success, token.mechanism)

    def fails(self, token, client=None, **options):
        """The condition."""
        with pytest.raises(sasl2.Refused) as refused:
            self.logs_in(token, client, **options)
        return refused.value.condition

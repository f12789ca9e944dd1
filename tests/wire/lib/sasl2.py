# SPDX-License-Identifier: MIT
"""A client's side of SASL2 (XEP-0388) and Bind 2 (XEP-0386).

    romeo = sasl2.secures(cast.client("romeo"))             # TLS, header with from
    success = sasl2.logs_in(romeo, inline=sasl2.bind("Phone", "<enable xmlns='urn:xmpp:carbons:2'/>"),
                            agent=sasl2.user_agent(PHONE, "Conversations"))
    success.bound, success.resumed, success.find("fast:token"), romeo.full, romeo.features
"""
import hashlib
import uuid
from xml.sax.saxutils import escape

from . import dom, sasl
from .dom import NS

AGENT = "d4565fa7-4d72-4749-b3d3-740edbf87770"


def new_id():
    return str(uuid.uuid4())


def user_agent(id=AGENT, software=None, device=None):
    named = f" id='{id}'" if id is not None else ""
    inner = "".join(f"<{n}>{escape(v)}</{n}>" for n, v in (("software", software), ("device", device)) if v is not None)
    return f"<user-agent{named}>{inner}</user-agent>"


def bind(tag=None, features=""):
    """The <bind/> of Bind 2; `features` are its children besides."""
    inner = f"<tag>{escape(tag)}</tag>" if tag is not None else ""
    return f"<bind xmlns='{NS['bind2']}'>{inner}{features}</bind>"


class Refused(AssertionError):
    """<failure/>"""

    def __init__(self, element):
        super().__init__(f"SASL2 failure: {dom.show(element)}")
        self.element = element
        self.condition = next(n for ns, n in map(dom.name, element) if ns == NS["sasl"])


class Success:
    """<success/>. `jid` is the authorization-identifier, `additional` the octets of the mechanism."""

    def __init__(self, element):
        self.element = element
        self.jid = self.find("sasl2:authorization-identifier").text
        additional = self.find("sasl2:additional-data")
        self.additional = None if additional is None else sasl.unb64(additional.text)

    def find(self, path):
        return dom.find(self.element, path)

    @property
    def bound(self):
        return self.find("bind2:bound")

    @property
    def resumed(self):
        return self.find("sm:resumed")


class Continue:
    """<continue/>: the names of its tasks."""

    def __init__(self, element):
        self.element = element
        self.tasks = [t.text for t in dom.findall(element, "sasl2:tasks/sasl2:task")]
        additional = dom.find(element, "sasl2:additional-data")
        self.additional = None if additional is None else sasl.unb64(additional.text)


# ---- what the server offers ----------------------------------------------------------------------


def secures(client, from_=True):
    """TLS as the client was made for, and the header that names the account, unless it should not:
    `from_` may be another address, or None."""
    attributes = {"from_": client.jid if from_ is True else from_}
    if client.tls == "direct":
        client.handshakes(client.domain, client.context)
    elif client.tls == "starttls":
        client.opens(client.domain)
        client.starts_tls(client.domain, client.context)
    client.opens(client.domain, **attributes)
    return client


def offer(client):
    """<authentication/> of the features heard last, or None."""
    return dom.find(client.features, "sasl2:authentication")


def mechanisms(client):
    return [m.text for m in dom.findall(client.features, "sasl2:authentication/sasl2:mechanism")]


def upgrades(client):
    return [u.text for u in dom.findall(client.features, "sasl2:authentication/upgrade:upgrade")]


def bindings(client):
    return [b.get("type") for b in dom.findall(client.features, "sasl-cb:sasl-channel-binding/sasl-cb:channel-binding")]


def inline(client):
    """{(namespace, name): element} of what may stand in <authenticate/>."""
    found = dom.find(client.features, "sasl2:authentication/sasl2:inline")
    return {} if found is None else {dom.name(e): e for e in found}


def bind_features(client):
    """The vars in <inline/> of Bind 2's <bind/>."""
    found = inline(client)[(NS["bind2"], "bind")]
    return [f.get("var") for f in dom.findall(found, "bind2:inline/bind2:feature")]


def downgrade_hash(hash_name, names, types):
    """XEP-0474 5.1, base64."""
    text = "\x1e".join(sorted(names))
    if types:
        text += "\x1f" + "\x1e".join(sorted(types))
    return sasl.b64(hashlib.new(hash_name, text.encode()).digest())


# ---- what the client says ------------------------------------------------------------------------


def sends_authenticate(client, mechanism, initial=None, agent="", inline=""):
    """`initial` None: no <initial-response/>."""
    first = "" if initial is None else f"<initial-response>{sasl.b64(initial)}</initial-response>"
    client.sends(f"<authenticate xmlns='{NS['sasl2']}' mechanism='{mechanism}'>{first}{agent}{inline}</authenticate>")


def sends_response(client, octets):
    client.sends(f"<response xmlns='{NS['sasl2']}'>{sasl.b64(octets)}</response>")


def hears(client, *wanted):
    """The next element of SASL2: octets of a challenge, Success, Continue; Refused is raised.
    `wanted` are the names that will do (all, if none is given)."""
    element = client.next_element()
    ns, name = dom.name(element)
    assert ns == NS["sasl2"], f"expected SASL2, got {dom.show(element)}\n{client.dialogue()}"
    if name == "failure" and "failure" not in wanted:
        raise Refused(element)
    assert not wanted or name in wanted, f"expected {wanted}, got {dom.show(element)}\n{client.dialogue()}"
    if name == "challenge":
        return sasl.unb64(element.text)
    return {"success": Success, "continue": Continue, "failure": Refused}.get(name, lambda e: e)(element)


def logs_in(client, mechanism=None, agent="", inline="", user=None, password=None, features=None):
    """The whole exchange with the client's mechanism. Sets client.full and client.resource if a resource
    was bound or resumed; reads the features into client.features, unless it was resumed (or `features`
    says otherwise). Answers the Success, or the Continue if a task is due."""
    mechanism = mechanism or client.mechanism
    user, password = user or client.local, client.password if password is None else password
    if mechanism == "PLAIN":
        sends_authenticate(client, mechanism, sasl.plain(user, password), agent, inline)
        done = hears(client, "success", "continue")
    else:
        scram = client.scram = sasl.Scram(mechanism, user, password, client.sock, client.binding)
        sends_authenticate(client, mechanism, scram.first(), agent, inline)
        sends_response(client, scram.final(hears(client, "challenge")))
        done = hears(client, "success", "continue")
        scram.verify(done.additional)
    if isinstance(done, Success):
        settles_in(client, done, features)
    return done


def settles_in(client, success, features=None):
    """What a client does with <success/>: notes who it is, reads the features."""
    if "/" in success.jid:
        client.full = success.jid
        client.resource = success.jid.split("/", 1)[1]
    if (success.resumed is None) if features is None else features:
        client.features = client.hears_features()
    return success


def upgrades_keys(client, task, password=None):
    """One task of XEP-0480, as far as its answer: Success, Continue or Refused."""
    client.sends(f"<next xmlns='{NS['sasl2']}' task='{task}'/>")
    salt = dom.find(hears(client, "task-data"), "scramup:salt")
    salted = hashlib.pbkdf2_hmac(sasl.HASHES[task.removeprefix("UPGR-")],
                                 (client.password if password is None else password).encode(),
                                 sasl.unb64(salt.text), int(salt.get("iterations")))
    client.sends(f"<task-data xmlns='{NS['sasl2']}'><hash xmlns='{NS['scramup']}'>{sasl.b64(salted)}</hash></task-data>")
    return hears(client, "success", "continue")

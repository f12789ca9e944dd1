# SPDX-License-Identifier: MIT
"""XML for tests: an incremental stream parser, and comparing what came with what the text says.

`match(expected, actual)` compares trees modulo attribute order and prefixes:
  * attribute value "*": any value, but present; "-": absent
  * text "*": any non-empty text
  * "..." as text among children: further children may stand there
  * on the stanza itself from, to, id and xml:lang count only when the expectation names them;
    every other attribute counts (a missing type means there is none)
Children match in any order.
"""
import xml.etree.ElementTree as ET

NS = {
    "client": "jabber:client",
    "stream": "http://etherx.jabber.org/streams",
    "streams": "urn:ietf:params:xml:ns:xmpp-streams",
    "stanzas": "urn:ietf:params:xml:ns:xmpp-stanzas",
    "tls": "urn:ietf:params:xml:ns:xmpp-tls",
    "sasl": "urn:ietf:params:xml:ns:xmpp-sasl",
    "sasl-cb": "urn:xmpp:sasl-cb:0",
    "sasl2": "urn:xmpp:sasl:2",
    "bind2": "urn:xmpp:bind:0",
    "upgrade": "urn:xmpp:sasl:upgrade:0",
    "scramup": "urn:xmpp:scram-upgrade:0",
    "sm": "urn:xmpp:sm:3",
    "fast": "urn:xmpp:fast:0",
    "carbons": "urn:xmpp:carbons:2",
    "csi": "urn:xmpp:csi:0",
    "mam": "urn:xmpp:mam:2",
    "bind": "urn:ietf:params:xml:ns:xmpp-bind",
    "session": "urn:ietf:params:xml:ns:xmpp-session",
    "ping": "urn:xmpp:ping",
    "roster": "jabber:iq:roster",
    "delay": "urn:xmpp:delay",
}
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
OPTIONAL = ("from", "to", "id", XML_LANG)


def parse(text):
    """A stanza from text, in jabber:client unless it says otherwise, `stream:` bound."""
    wrapped = f"<w xmlns='jabber:client' xmlns:stream='{NS['stream']}'>{text}</w>"
    try:
        children = list(ET.fromstring(wrapped))
    except ET.ParseError as error:
        raise AssertionError(f"the test's own XML is broken ({error}): {text}") from None
    assert len(children) == 1, f"one element expected: {text}"
    return children[0]


def name(element):
    """("namespace", "name")"""
    if element.tag[0] != "{":
        return "", element.tag
    ns, local = element.tag[1:].split("}", 1)
    return ns, local


def find(element, path):
    """find(x, "{ns}a/{ns}b"), a prefix of NS in place of a namespace: find(x, "roster:query")."""
    return element.find(_expand(path))


def findall(element, path):
    return element.findall(_expand(path))


def _expand(path):
    if "{" in path:
        return path
    steps = []
    for step in path.split("/"):
        prefix, _, local = step.rpartition(":")
        steps.append(f"{{{NS[prefix or 'client']}}}{local}")
    return "/".join(steps)


def show(element):
    """Readable text of an element, the usual namespaces without prefixes."""
    return _show(element, "jabber:client")


def _escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&apos;")


def _show(element, default):
    ns, local = name(element)
    out = [f"<{local}"]
    if ns == NS["stream"]:
        out = [f"<stream:{local}"]
    elif ns != default:
        out.append(f" xmlns='{ns}'")
        default = ns
    for key, value in element.attrib.items():
        key = "xml:lang" if key == XML_LANG else key
        out.append(f" {key}='{_escape(value)}'")
    inner = _escape(element.text or "")
    for child in element:
        inner += _show(child, default) + _escape(child.tail or "")
    tag = out[0][1:]
    out.append(f">{inner}</{tag}>" if inner else "/>")
    return "".join(out)


def match(expected, actual, top=True):
    """None when they match, else a sentence that says where they differ."""
    if expected.tag != actual.tag:
        return f"expected <{expected.tag}>, got <{actual.tag}>"
    for key in {**expected.attrib, **actual.attrib}:
        want, got = expected.get(key), actual.get(key)
        if want is None and (top and key in OPTIONAL or key == XML_LANG):
            continue
        if want == "-" and got is None or want == "*" and got is not None:
            continue
        if want != got:
            return f"<{name(actual)[1]}> has {key}={got!r}, expected {want!r}"
    return _match_children(expected, actual)


def _match_children(expected, actual):
    texts = [expected.text or ""] + [c.tail or "" for c in expected]
    more = any("..." in t for t in texts)
    if not more and not (len(expected) and not "".join(texts).strip()):
        want, got = (expected.text or "").strip(), (actual.text or "").strip()
        if not (want == "*" and got) and want != got:
            return f"<{name(actual)[1]}> has text {got!r}, expected {want!r}"
    rest = list(actual)
    for child in expected:
        reasons = []
        for candidate in rest:
            reason = match(child, candidate, top=False)
            if reason is None:
                rest.remove(candidate)
                break
            reasons.append(reason)
        else:
            return reasons[0] if len(reasons) == 1 else f"no child like {show(child)}"
    if rest and not more:
        return f"<{name(actual)[1]}> has an unexpected child {show(rest[0])}"
    return None


class StreamParser:
    """Feeds on bytes; gives the header, then each top-level element, then the end."""

    def __init__(self):
        self.restart()

    def restart(self):
        self.pull = ET.XMLPullParser(("start", "end", "start-ns"))
        self.depth = 0
        self.root = None
        self.namespaces = {}

    def feed(self, octets):
        """Yields ("open", header), ("element", e), ("close", None)."""
        self.pull.feed(octets)
        for event, item in self.pull.read_events():
            if event == "start-ns":
                if self.depth == 0:
                    self.namespaces[item[0]] = item[1]
            elif event == "start":
                self.depth += 1
                if self.depth == 1:
                    self.root = item
                    yield "open", item
            else:
                self.depth -= 1
                if self.depth == 1:
                    yield "element", item
                    self.root.remove(item)
                elif self.depth == 0:
                    yield "close", None

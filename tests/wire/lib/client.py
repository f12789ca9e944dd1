# SPDX-License-Identifier: MIT
"""A client that logs in, and verbs that let a test read like the dialogues of the RFCs:

    romeo.sends(f"<presence to='{juliet}' type='subscribe'/>")
    juliet.hears(f"<presence from='{romeo}' type='subscribe'/>")
    juliet.hears_nothing()
"""
import itertools

from . import dom, sasl
from .dom import NS
from .stream import Ended, Stream

_numbers = itertools.count(1)


class SaslFailure(AssertionError):
    def __init__(self, condition, element):
        super().__init__(f"SASL failure: {dom.show(element)}")
        self.condition = condition


class Client(Stream):
    """str() is the bare JID, .full the full one. `tls`: starttls, direct or none."""

    def __init__(self, server, jid, password, resource=None, tls="starttls", mechanism="SCRAM-SHA-256",
                 binding=None, context=None, cast=None, label=None, receive_buffer=None, source=None):
        super().__init__(server.port(tls), label=label or jid.split("@")[0], receive_buffer=receive_buffer,
                         source=source)
        self.server, self.jid, self.password, self.resource = server, jid, password, resource
        self.local, self.domain = jid.split("@")
        self.tls, self.mechanism, self.binding, self.context = tls, mechanism, binding, context
        self.full = None
        self.cast = cast if cast is not None else []
        self.cast.append(self)

    def __str__(self):
        return self.jid

    # ---- login -------------------------------------------------------------------------------

    def secures(self):
        """As far as the features of a secured stream."""
        if self.tls == "direct":
            self.handshakes(self.domain, self.context)
        self.opens(self.domain)
        if self.tls == "starttls":
            self.starts_tls(self.domain, self.context)
            self.opens(self.domain)
        return self

    def mechanisms(self):
        return [m.text for m in dom.findall(self.features, "sasl:mechanisms/sasl:mechanism")]

    def authenticates(self, user=None, password=None):
        """SASL with self.mechanism, then the new stream's features."""
        user, password = user or self.local, self.password if password is None else password
        if self.mechanism == "PLAIN":
            self.sends_auth("PLAIN", sasl.plain(user, password))
            self.hears_success()
        else:
            scram = sasl.Scram(self.mechanism, user, password, self.sock, self.binding)
            self.sends_auth(self.mechanism, scram.first())
            self.sends_response(scram.final(self.hears_challenge()))
            scram.verify(self.hears_success())
        self.opens(self.domain)
        return self

    def sends_auth(self, mechanism, initial=None):
        text = "" if initial is None else sasl.b64(initial) or "="
        self.sends(f"<auth xmlns='{NS['sasl']}' mechanism='{mechanism}'>{text}</auth>")

    def sends_response(self, octets):
        self.sends(f"<response xmlns='{NS['sasl']}'>{sasl.b64(octets)}</response>")

    def hears_challenge(self):
        return self._hears_sasl("challenge")

    def hears_success(self):
        return self._hears_sasl("success")

    def _hears_sasl(self, wanted):
        element = self.next_element()
        ns, local = dom.name(element)
        assert ns == NS["sasl"], f"expected SASL {wanted}, got {dom.show(element)}"
        if local == "failure":
            raise SaslFailure(dom.name(element[0])[1], element)
        assert local == wanted, f"expected SASL {wanted}, got {dom.show(element)}"
        return sasl.unb64(element.text) if element.text != "=" else b""

    def binds(self, resource=None):
        resource = resource or self.resource
        inner = f"<resource>{resource}</resource>" if resource else ""
        result = self.asks("set", f"<bind xmlns='{NS['bind']}'>{inner}</bind>")
        assert result.get("type") == "result", dom.show(result)
        self.full = dom.find(result, "bind:bind/bind:jid").text
        self.resource = self.full.split("/", 1)[1]
        return self

    def logs_in(self):
        return self.secures().authenticates().binds()

    def comes_online(self, presence="<presence/>"):
        """Logs in and sends initial presence; what comes of that itself is heard and gone."""
        if self.full is None:
            self.logs_in()
        self.sends(presence)
        self.settles()
        self.events.clear()
        return self

    # ---- stanzas ------------------------------------------------------------------------------

    def asks(self, kind, payload, to=None):
        """An iq and its answer. What comes in between stays to be heard."""
        number = f"q{next(_numbers)}"
        address = f" to='{to}'" if to else ""
        self.sends(f"<iq type='{kind}' id='{number}'{address}>{payload}</iq>")
        return self._awaits(lambda e: e.tag == f"{{{NS['client']}}}iq" and e.get("id") == number)

    def _awaits(self, wanted):
        before = []
        try:
            while True:
                kind, item = self.next_event()
                if kind == "element" and wanted(item):
                    return item
                before.append((kind, item))
                if kind in ("close", "eof"):
                    raise Ended(f"{self.label}: the stream ended instead\n{self.dialogue()}")
        finally:
            self.events[:0] = [e for e in before if e not in self.events]

    def hears(self, *expected):
        """The next stanzas, in this order. Returns the last."""
        for text in expected:
            want = dom.parse(text)
            got = self.next_element()
            reason = dom.match(want, got)
            assert reason is None, self._difference(reason, text, got)
        return got

    def hears_in_any_order(self, *expected):
        """The next len(expected) stanzas are these."""
        heard = []
        rest = list(expected)
        while rest:
            got = self.next_element()
            heard.append(got)
            for text in rest:
                if dom.match(dom.parse(text), got) is None:
                    rest.remove(text)
                    break
            else:
                raise AssertionError(self._difference("none of these", "\n              ".join(rest), got))
        return heard

    def hears_error(self, condition, kind="*", of="message", **attributes):
        """An error stanza; attributes as in from_=, id=."""
        named = "".join(f" {k.rstrip('_')}='{v}'" for k, v in attributes.items())
        return self.hears(f"<{of} type='error'{named}>...<error type='{kind}'>"
                          f"<{condition} xmlns='{NS['stanzas']}'/>...</error></{of}>")

    def hears_nothing(self):
        """Nothing is there or on its way: whatever the others caused has arrived by now."""
        self.settles()
        assert not self.events, (
            f"{self.label} heard what it should not: "
            + ", ".join(dom.show(e) if e is not None else k for k, e in self.events) + "\n" + self.dialogue())

    def settles(self):
        """A round trip of everybody in the cast, twice (a reaction to a reaction), then our own."""
        for _ in range(2):
            for other in self.cast:
                if other is not self and other.full and not other.eof:
                    other._round_trip_if_alive()
        self.round_trip()

    def _round_trip_if_alive(self):
        try:
            self.round_trip()
        except (Ended, OSError):
            pass  # its end stays to be heard by the test

    def round_trip(self):
        """Everything sent before has been handled when this returns; what came stays to be heard.
        Any answer will do, so the ping module may be off."""
        self.asks("get", f"<ping xmlns='{NS['ping']}'/>", to=self.domain)

    def _difference(self, reason, expected, got):
        return f"{self.label}: {reason}\n    expected: {expected}\n    heard:    {dom.show(got)}\n{self.dialogue()}"

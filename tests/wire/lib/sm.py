# SPDX-License-Identifier: MIT
"""A client with stream management (XEP-0198): counts both directions, answers requests, resumes.

    romeo = managed(cast, "romeo").logs_in().enables()
    romeo.breaks()
    again = romeo.reconnects().resumes()        # the counters and what is unacknowledged go with it

<r/> and <a/> are taken out of what a test hears: `asked` counts requests, `acks` lists every h that
came. `answers = False`: requests stay unanswered (acknowledges() answers by hand)."""
from . import dom
from .client import Client
from .dom import NS
from .stream import PATIENCE, Ended

NS["sm"] = "urn:xmpp:sm:3"
SM = f"xmlns='{NS['sm']}'"
MODULUS = 1 << 32
STANZAS = tuple(f"{{{NS['client']}}}{kind}" for kind in ("message", "presence", "iq"))


class Managed(Client):
    sm_id = None           # of what can be resumed
    sm_max = None          # seconds, as the server said
    received = None        # stanzas from the server, modulo 2^32; None: not counting yet
    answers = True
    asked = 0

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.unacknowledged = None  # texts of stanzas sent, oldest first; None: not counting yet
        self.acknowledged = 0
        self.acks = []

    # ---- counting ------------------------------------------------------------------------------

    def sends(self, *texts):
        for element in self._elements("".join(texts)):
            if element.tag == f"{{{NS['sm']}}}enable" and self.unacknowledged is None:
                self.unacknowledged = []  # what comes behind it counts
            elif element.tag in STANZAS and self.unacknowledged is not None:
                self.unacknowledged.append(dom.show(element))
        super().sends(*texts)

    @staticmethod
    def _elements(text):
        if "stream:stream" in text:
            return []
        return dom.ET.fromstring(f"<w xmlns='jabber:client' xmlns:stream='{NS['stream']}'>{text}</w>")

    def _receive(self, patience):
        before = len(self.events)
        heard = super()._receive(patience)
        arrived, self.events[before:] = self.events[before:], []
        for event in arrived:
            if event[0] != "element" or not self._counts(event[1]):
                self.events.append(event)
        return heard

    def _counts(self, element):
        """True: it was stream management's and is dealt with."""
        if element.tag in STANZAS and self.received is not None:
            self.received = (self.received + 1) % MODULUS
        if next(element.iter(f"{{{NS['sm']}}}enabled"), None) is not None:
            self.received = 0  # also inside <success/>; what comes in one piece with it counts
        if element.tag == f"{{{NS['sm']}}}r":
            self.asked += 1
            if self.answers and not self.eof:
                self.acknowledges()
            return True
        if element.tag == f"{{{NS['sm']}}}a":
            self.acks.append(int(element.get("h")))
            self._takes_ack(self.acks[-1])
            return True
        return False

    def _takes_ack(self, h):
        confirmed = (h - self.acknowledged) % MODULUS
        assert confirmed <= len(self.unacknowledged), (
            f"{self.label}: the server says h={h} after {self.acknowledged}, but only "
            f"{len(self.unacknowledged)} are unacknowledged\n{self.dialogue()}")
        del self.unacknowledged[:confirmed]
        self.acknowledged = h

    # ---- verbs ---------------------------------------------------------------------------------

    def enable_text(self, resume=True, **attributes):
        if resume:
            attributes["resume"] = "true"
        text = "".join(f" {k.rstrip('_')}='{v}'" for k, v in attributes.items())
        return f"<enable {SM}{text}/>"

    def enables(self, resume=True, **attributes):
        self.sends(self.enable_text(resume, **attributes))
        return self.took_enabled(self.next_element())

    def took_enabled(self, enabled):
        """<enabled/>, wherever it came in (Bind 2 has it inside <bound/>)."""
        assert enabled.tag == f"{{{NS['sm']}}}enabled", dom.show(enabled) + "\n" + self.dialogue()
        if self.unacknowledged is None:  # <enable/> was inside of something
            self.unacknowledged = []
        if self.received is None:
            self.received = 0
        if enabled.get("resume") in ("true", "1"):
            self.sm_id, self.sm_max = enabled.get("id"), enabled.get("max")
            assert self.sm_id
        self.enabled = enabled
        return self

    def acknowledges(self, h=None):
        self.sends(f"<a {SM} h='{self.received if h is None else h}'/>")
        return self

    def requests(self):
        """Asks for an acknowledgement and returns the h that comes."""
        self.sends(f"<r {SM}/>")
        return self.hears_ack()

    def hears_ack(self):
        """The next <a/>; what else comes stays to be heard."""
        seen = len(self.acks)
        before = []
        try:
            while len(self.acks) == seen:
                self._hears_more(before)
        finally:
            self.events[:0] = before
        return self.acks[seen]

    def hears_request(self):
        """The next <r/>; what else comes stays to be heard."""
        seen, before = self.asked, []
        try:
            while self.asked == seen:
                self._hears_more(before)
        finally:
            self.events[:0] = before

    def _hears_more(self, before):
        before.extend(self.events)
        self.events.clear()
        if self.eof:
            raise Ended(f"{self.label}: the stream ended instead\n{self.dialogue()}")
        if not self._receive(PATIENCE):
            raise TimeoutError(f"{self.label} heard nothing\n{self.dialogue()}")

    def reconnects(self, **options):
        """A new connection of the same client, logged in and not bound, ready for resumes()."""
        made = self.connects_again(**options)
        made.secures().authenticates()
        return made

    def connects_again(self, **options):
        """The same, nothing sent yet."""
        chosen = {"tls": self.tls, "mechanism": self.mechanism, "label": self.label, "cast": self.cast, **options}
        made = type(self)(self.server, self.jid, self.password, self.resource, **chosen)
        made.sm_id, made.sm_max, made.received = self.sm_id, self.sm_max, self.received
        made.acknowledged, made.full = self.acknowledged, None
        made.former = list(self.unacknowledged or [])
        made.former_full, made.answers = self.full, self.answers
        return made

    def resume_text(self, previd=None, h=None):
        previd = self.sm_id if previd is None else previd
        h = self.received if h is None else h
        return f"<resume {SM} previd='{previd}' h='{h}'/>"

    def resumes(self, **claimed):
        """Resumes and sends again what the server had not handled."""
        self.sends(self.resume_text(**claimed))
        return self.took_resumed(self.next_element())

    def took_resumed(self, resumed):
        assert resumed.tag == f"{{{NS['sm']}}}resumed", dom.show(resumed) + "\n" + self.dialogue()
        assert resumed.get("previd") == self.sm_id
        self.unacknowledged = self.former
        self._takes_ack(int(resumed.get("h")))
        self.full = self.former_full
        again, self.unacknowledged = self.unacknowledged, []
        for text in again:
            self.sends(text)
        self.resent = len(again)
        return self

    def fails_to_resume(self, condition="item-not-found", **claimed):
        """The h in <failed/>, None without one. The stream can be bound afterwards."""
        self.sends(self.resume_text(**claimed))
        return self.took_failed(self.next_element(), condition)

    def comes_back(self):
        """As a client does whose server has died: what is still in the socket is read, then it resumes, or logs in anew
        and sends again what was not handled. `doubtful` of the new one: ids of that; of some the server knows already."""
        self.answers = False
        while not self.eof and self._receive(PATIENCE):
            pass
        made = self.reconnects()
        made.answers = True
        made.doubtful = {e.get("id") for text in made.former for e in made._elements(text)}
        made.sends(made.resume_text())
        answer = made.next_element()
        if answer.tag == f"{{{NS['sm']}}}resumed":
            return made.took_resumed(answer)
        known = answer.get("h")
        done = 0 if known is None else (int(known) - made.acknowledged) % MODULUS
        done = done if done <= len(made.former) else 0  # saved before the last acknowledgement
        made.took_failed(answer)
        made.binds().enables().sends("<presence/>")
        for text in made.former[done:]:
            made.sends(text)
        return made

    def took_failed(self, failed, condition="item-not-found"):
        assert failed.tag == f"{{{NS['sm']}}}failed", dom.show(failed) + "\n" + self.dialogue()
        assert [dom.name(c) for c in failed] == [(NS["stanzas"], condition)], dom.show(failed)
        self.received, self.unacknowledged, self.acknowledged = None, None, 0
        return None if failed.get("h") is None else int(failed.get("h"))


    def took_success(self, success, condition="item-not-found"):
        """<success/> of a SASL2 login with the elements of stream management that are in it. The h of
        a refused resumption is in `told`."""
        failed, bound = success.find("sm:failed"), success.bound
        enabled = None if bound is None else dom.find(bound, "sm:enabled")
        counted = self.received
        if failed is not None:
            self.told = self.took_failed(failed, condition)
        if success.resumed is not None:
            assert bound is None and failed is None, dom.show(success.element)
            self.took_resumed(success.resumed)
        elif enabled is not None:
            self.received = counted
            self.took_enabled(enabled)
        return self


def managed(cast, name, **options):
    """A client of `cast` with stream management, connected and not logged in."""
    return cast.client(name, kind=Managed, **options)

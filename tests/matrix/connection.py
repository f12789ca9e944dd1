# SPDX-License-Identifier: MIT
"""One client connection over TLS, for thousands at a time: elements in and out, stream management's
counters (XEP-0198), iq requests, and the trace of it all. Knows nothing of logins."""
import asyncio
import itertools
import os
import socket
import ssl
import struct
import time
from xml.sax.saxutils import escape

from lib import dom

PATIENCE = float(os.environ.get("MATRIX_PATIENCE", "60"))
CLIENT, SM, STREAM = "jabber:client", "urn:xmpp:sm:3", "http://etherx.jabber.org/streams"
STANZAS = {f"{{{CLIENT}}}{kind}" for kind in ("message", "presence", "iq")}
_numbers = itertools.count(1)
_start = time.monotonic()


def tls_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


TLS = tls_context()


class Broken(Exception):
    """The stream or the connection ended, or nothing came in time."""


class Connection(asyncio.Protocol):
    """`heard` gets each message and presence, `notices` everything that is no stanza, both in the order
    of the stream, before what follows is looked at. Answers <r/> and the server's pings by itself."""

    def __init__(self, label, trace, heard, notices):
        self.label, self.trace, self.heard, self.notices = label, trace, heard, notices
        self.parser = dom.StreamParser()
        self.transport = None
        self.awaited = []  # (predicate, future), the oldest first
        self.ended = None  # why
        self.early = []  # nonzas and stream events nobody awaited yet
        self.counting = False  # stream management is on
        self.received = self.sent = self.covered = 0
        self.unacknowledged = []
        self.deaf = False  # takes and counts nothing more but answers to its own questions

    @classmethod
    async def open(cls, port, *arguments):
        loop = asyncio.get_running_loop()
        made = cls(*arguments)
        await asyncio.wait_for(loop.create_connection(lambda: made, "127.0.0.1", port, ssl=TLS,
                                                      server_hostname="xylem.test"), PATIENCE)
        return made

    def note(self, direction, text):
        self.trace.append(f"{time.monotonic() - _start:8.3f} {self.label} {direction} {text}")

    # ---- the protocol's callbacks -----------------------------------------------------------------

    def connection_made(self, transport):
        self.transport = transport
        self.sock = transport.get_extra_info("socket")
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, octets):
        for kind, item in self.parser.feed(octets):
            if kind == "element":
                self.note("←", dom.show(item))
                self._take(item)
            elif kind == "close":
                self.note("←", "</stream:stream>")
                self._end("the server closed the stream")

    def connection_lost(self, error):
        self.note("·", f"connection over{f': {error!r}' if error else ''}")
        self._end("the connection is over")

    def _end(self, why):
        self.ended = self.ended or why
        for _, future in self.awaited:
            if not future.done():
                future.set_exception(Broken(f"{self.label}: {why}"))
        self.awaited.clear()

    def _take(self, element):
        if element.tag in STANZAS:
            self.received += self.counting and not self.deaf
            if self.deaf and not element.tag.endswith("}iq"):
                return None
            if not element.tag.endswith("}iq"):
                return self.heard(self, element)
            if element.get("type") in ("get", "set"):
                return self._answer(element)
        elif element.tag == f"{{{SM}}}r":
            return self.acknowledge()
        elif element.tag == f"{{{SM}}}a":
            self.cover(int(element.get("h")))
        else:
            self.notices(self, element)
        for at, (wanted, future) in enumerate(self.awaited):
            if not future.done() and wanted(element):
                del self.awaited[at]
                return future.set_result(element)
        if element.tag not in STANZAS:
            self.early.append(element)

    def _answer(self, request):
        sender = f" to='{request.get('from')}'" if request.get("from") else ""
        if request.get("type") == "get" and dom.name(request[0])[1] == "ping" or request.get("type") == "set":
            return self.send(f"<iq type='result' id='{request.get('id')}'{sender}/>")
        self.send(f"<iq type='error' id='{request.get('id')}'{sender}><error type='cancel'><service-unavailable "
                  "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")

    # ---- what a client does -----------------------------------------------------------------------

    def send(self, text):
        """A stanza: counted and kept until acknowledged."""
        if self.counting:
            self.sent += 1
            self.unacknowledged.append(text)
        self.write(text)

    def write(self, text):
        self.note("→", text)
        if not self.transport.is_closing():
            self.transport.write(text.encode())

    async def expect(self, wanted, what):
        for at, element in enumerate(self.early):
            if wanted(element):
                return self.early.pop(at)
        if self.ended:
            raise Broken(f"{self.label}: awaiting {what}: {self.ended}")
        future = asyncio.get_running_loop().create_future()
        self.awaited.append((wanted, future))
        try:
            return await asyncio.wait_for(future, PATIENCE)
        except asyncio.TimeoutError:
            raise Broken(f"{self.label}: no {what} within {PATIENCE:g} s") from None

    async def expect_tag(self, *tags):
        element = await self.expect(lambda e: e.tag in tags, " or ".join(tags))
        return element

    async def ask(self, kind, payload, to=None, prefix="q"):
        number = f"{prefix}{next(_numbers)}"
        address = f" to='{escape(to)}'" if to else ""
        self.send(f"<iq type='{kind}' id='{number}'{address}>{payload}</iq>")
        return await self.expect(lambda e: e.tag == f"{{{CLIENT}}}iq" and e.get("id") == number, f"answer to {payload}")

    async def round_trip(self, domain):
        """The server has handled what was sent before, and what it sent has been heard."""
        await self.ask("get", "<ping xmlns='urn:xmpp:ping'/>", domain, "ping")

    def open_stream(self, domain, user=None):
        sender = f" from='{user}'" if user else ""
        self.parser.restart()
        self.write(f"<?xml version='1.0'?><stream:stream xmlns='{CLIENT}' xmlns:stream='{STREAM}' "
                   f"to='{domain}'{sender} version='1.0'>")

    async def features(self):
        return await self.expect_tag(f"{{{STREAM}}}features")

    # ---- stream management ------------------------------------------------------------------------

    def start_counting(self):
        self.counting = True
        self.received = self.sent = self.covered = 0
        self.unacknowledged = []

    def acknowledge(self):
        self.write(f"<a xmlns='{SM}' h='{self.received}'/>")

    def cover(self, h):
        """The server has taken responsibility for `h` of our stanzas."""
        assert self.covered <= h <= self.sent, f"{self.label}: h={h} after {self.covered}, of {self.sent} sent"
        del self.unacknowledged[: h - self.covered]
        self.covered = h

    async def accepted(self):
        """Until everything sent is covered."""
        while self.covered < self.sent:
            self.write(f"<r xmlns='{SM}'/>")
            await self.expect_tag(f"{{{SM}}}a")

    # ---- ends -------------------------------------------------------------------------------------

    async def close(self):
        """The polite way."""
        self.write("</stream:stream>")
        deadline = time.monotonic() + PATIENCE
        while not self.ended:
            if time.monotonic() > deadline:
                raise Broken(f"{self.label}: the server does not close the stream")
            await asyncio.sleep(0.002)
        self.transport.abort()

    def dies(self):
        """Reads and answers no more; the socket stays open."""
        self.note("·", "stops reading")
        self.deaf = True
        self.transport.pause_reading()

    def reset(self):
        """RST, what is unread is lost."""
        self.note("·", "resets the connection")
        self.deaf = True
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

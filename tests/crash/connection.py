# SPDX-License-Identifier: MIT
"""One connection of one client, on asyncio: bytes, TLS, elements, logins old and new.

It reads to the very end: what the server's kernel took before the server died counts as said, so an error of writing
never hides what is still to be read."""
import asyncio
import itertools
import socket
import ssl
from xml.etree.ElementTree import ParseError

from lib import dom, sasl
from lib.dom import NS
from lib.stream import tls_context

NS.setdefault("sm", "urn:xmpp:sm:3")
NS.setdefault("sasl2", "urn:xmpp:sasl:2")
NS.setdefault("bind2", "urn:xmpp:bind:0")
_numbers = itertools.count(1)
_context = tls_context()
PATIENCE = 30


class Lost(Exception):
    """The connection has gone, or the server said it will."""


class Connection:
    """`hears` is called with each element once it is set; until then they queue for next()."""

    def __init__(self, domain):
        self.domain = domain
        self.parser = dom.StreamParser()
        self.elements = asyncio.Queue()
        self.hears = None
        self.out = bytearray()
        self.answers = {}  # id: future
        self.ended = asyncio.get_running_loop().create_future()
        self.loop = asyncio.get_running_loop()
        self.sock = None

    # ---- bytes -----------------------------------------------------------------------------------

    async def connects(self, port, tls):
        self.sock = socket.socket()
        self.sock.setblocking(False)
        try:
            await self.loop.sock_connect(self.sock, ("127.0.0.1", port))
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls:
                await asyncio.wait_for(self._handshakes(), PATIENCE)
        except (OSError, asyncio.TimeoutError) as error:
            self.breaks()
            raise Lost(repr(error)) from None
        self.loop.add_reader(self.sock, self._readable)

    async def _handshakes(self):
        self.sock = _context.wrap_socket(self.sock, server_hostname=self.domain, do_handshake_on_connect=False)
        while True:
            try:
                return self.sock.do_handshake()
            except ssl.SSLWantReadError:
                await self._ready(self.loop.add_reader, self.loop.remove_reader)
            except ssl.SSLWantWriteError:
                await self._ready(self.loop.add_writer, self.loop.remove_writer)

    async def _ready(self, add, remove):
        ready = self.loop.create_future()
        add(self.sock, lambda: ready.done() or ready.set_result(None))
        try:
            await ready
        finally:
            remove(self.sock)

    def _readable(self):
        try:
            while True:
                octets = self.sock.recv(65536)
                if not octets:
                    return self._ends()
                for kind, item in self.parser.feed(octets):
                    if kind == "element":
                        self._takes(item)
                if self.sock.fileno() < 0:
                    return None
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        except (OSError, ParseError):  # an error of the old stream where a new one was to begin
            return self._ends()

    def sends(self, text):
        if self.ended.done():
            return
        waiting = bool(self.out)
        self.out += text.encode()
        if not waiting:
            self._writable()

    def _writable(self):
        try:
            while self.out:
                del self.out[:self.sock.send(self.out)]
        except (BlockingIOError, ssl.SSLWantWriteError):
            self.loop.add_writer(self.sock, self._writable)
            return
        except OSError:
            self.out.clear()  # the reader finds the end behind the last word
        self.loop.remove_writer(self.sock)

    def _ends(self):
        if self.sock is not None and self.sock.fileno() >= 0:
            self.loop.remove_reader(self.sock)
            self.loop.remove_writer(self.sock)
            self.sock.close()
        if not self.ended.done():
            self.ended.set_result(None)
            for answer in self.answers.values():
                if not answer.done():
                    answer.set_exception(Lost("no answer"))
                    answer.exception()  # somebody may have stopped waiting
            self.elements.put_nowait(None)

    def breaks(self):
        """As a dead battery would, but with FIN: what is unread stays unread."""
        self._ends()

    @property
    def is_open(self):
        return not self.ended.done()

    # ---- elements --------------------------------------------------------------------------------

    def _takes(self, element):
        ns, name = dom.name(element)
        if name == "iq" and element.get("type") in ("result", "error"):
            answer = self.answers.pop(element.get("id"), None)
            if self.hears:
                self.hears(element)  # counts
            if answer and not answer.done():
                answer.set_result(element)
        elif self.hears:
            self.hears(element)
        else:
            self.elements.put_nowait(element)

    async def next(self):
        element = await asyncio.wait_for(self.elements.get(), PATIENCE)
        if element is None or dom.name(element) == (NS["stream"], "error"):
            raise Lost("ended" if element is None else dom.show(element))
        return element

    def listens(self, hears):
        """From now on elements go to `hears`, beginning with those that are there."""
        self.hears = hears
        while not self.elements.empty():
            element = self.elements.get_nowait()
            if element is not None:
                hears(element)

    async def asks(self, kind, payload, to=None):
        """An iq and its answer."""
        number = f"q{next(_numbers)}"
        address = f" to='{to}'" if to else ""
        if self.ended.done():
            raise Lost("it is gone")
        answer = self.answers[number] = self.loop.create_future()
        self.sends_stanza(f"<iq type='{kind}' id='{number}'{address}>{payload}</iq>")
        try:
            return await asyncio.wait_for(answer, PATIENCE)
        except asyncio.TimeoutError:
            raise TimeoutError(f"no answer within {PATIENCE} s: {payload}") from None

    def sends_stanza(self, text):
        self.sends(text)

    # ---- logins ----------------------------------------------------------------------------------

    async def opens(self, jid=None):
        self.parser.restart()
        sender = f" from='{jid}'" if jid else ""
        self.sends(f"<stream:stream xmlns='jabber:client' xmlns:stream='{NS['stream']}' to='{self.domain}'{sender} "
                   "version='1.0'>")
        return await self.next()

    async def authenticates(self, jid, password):
        """SASL, then the new stream's features."""
        await self.opens()
        scram = sasl.Scram("SCRAM-SHA-256", jid.split("@")[0], password)
        self.sends(f"<auth xmlns='{NS['sasl']}' mechanism='SCRAM-SHA-256'>{sasl.b64(scram.first())}</auth>")
        answer = scram.final(sasl.unb64(await self._hears_sasl("challenge")))
        self.sends(f"<response xmlns='{NS['sasl']}'>{sasl.b64(answer)}</response>")
        scram.verify(sasl.unb64(await self._hears_sasl("success")))
        return await self.opens()

    async def _hears_sasl(self, wanted):
        element = await self.next()
        if dom.name(element)[1] == "failure" and "not-authorized" in dom.show(element):
            raise AssertionError("an account that was there is gone")
        if dom.name(element)[1] != wanted:
            raise Lost(f"refused: {dom.show(element)}")  # temporary-auth-failure: the database is away
        return element.text

    async def binds(self, resource):
        answer = await self.asks("set", f"<bind xmlns='{NS['bind']}'><resource>{resource}</resource></bind>")
        if answer.get("type") != "result":
            raise Lost(dom.show(answer))
        return dom.find(answer, "bind:bind/bind:jid").text

    async def authenticates2(self, jid, password, agent, inline):
        """SASL2 with what joins in; <success/>."""
        await self.opens(jid)
        scram = sasl.Scram("SCRAM-SHA-256", jid.split("@")[0], password)
        self.sends(f"<authenticate xmlns='{NS['sasl2']}' mechanism='SCRAM-SHA-256'><initial-response>"
                   f"{sasl.b64(scram.first())}</initial-response><user-agent id='{agent}'><software>crash</software>"
                   f"</user-agent>{inline}</authenticate>")
        answer = scram.final(sasl.unb64(await self._hears_sasl("challenge")))
        self.sends(f"<response xmlns='{NS['sasl2']}'>{sasl.b64(answer)}</response>")
        element = await self.next()
        if dom.name(element) != (NS["sasl2"], "success"):
            raise Lost(f"refused: {dom.show(element)}")
        scram.verify(sasl.unb64(element.find(f"{{{NS['sasl2']}}}additional-data").text))
        return element

    async def features2(self):
        """Those behind <success/>; stanzas may come before them."""
        before = []
        while True:
            element = await self.next()
            if dom.name(element) == (NS["stream"], "features"):
                break
            before.append(element)
        later = [self.elements.get_nowait() for _ in range(self.elements.qsize())]
        for element in before + later:
            self.elements.put_nowait(element)

# SPDX-License-Identifier: MIT
"""A client that outlives its connections: logs in the old way or by SASL2 and Bind 2, counts and
acknowledges by stream management where it has it, and resumes when it can.

What it has sent stays queued until the server's `h` covers it. A resumption, or the `h` of a refused one, says which of
it to send again; without either nobody knows, and `unknown` is told."""
import asyncio
import traceback
import uuid
from collections import deque

from connection import Connection, Lost
from lib import dom
from lib.dom import NS

MODULUS = 1 << 32
STANZAS = {f"{{{NS['client']}}}{kind}" for kind in ("message", "presence", "iq")}
SM, SM_R, SM_A = f"xmlns='{NS['sm']}'", f"{{{NS['sm']}}}r", f"{{{NS['sm']}}}a"


class Client:
    def __init__(self, world, jid, resource, sm=False, sasl2=False):
        self.world, self.jid, self.resource = world, jid, resource
        self.wants_sm, self.sasl2 = sm, sasl2
        self.agent = str(uuid.UUID(int=world.dice.getrandbits(128), version=4))
        self.connection = None
        self.sm_id = None
        self.received = None        # counted from the server; None: not counting
        self.queue = None           # (text, tag), sent and not covered by the server's h; None: not counting
        self.again = []             # the same, of a session that has ended, to be sent in the next
        self.acknowledged = 0       # the server's last h
        self.logins = self.resumptions = self.failed_resumptions = 0
        self.last_trouble = self.asking = None
        self.is_bound = False
        self.alive = True           # life() goes on
        self.may_connect = asyncio.Event()

    def situation(self):
        """For people."""
        how = "no connection" if not self.connection else "connected" if self.connection.is_open else "closing"
        return (f"{self.jid}/{self.resource}: {how}, {self.logins} logins, sm {self.sm_id}, "
                f"{'-' if self.queue is None else len(self.queue)} unacknowledged, {len(self.again)} to send again, "
                f"h {self.acknowledged}/{self.received}, last trouble {self.last_trouble}")

    # ---- what subclasses do -------------------------------------------------------------------------

    def prepares(self, resumed, bound):
        """Logged in; nothing the server said since has been looked at."""

    async def came(self, resumed, bound):
        """Logged in. `bound`: Bind 2's answer or None."""

    def hears_stanza(self, element):
        """In the order of the stream."""

    def confirmed(self, tag):
        """The server has taken over a stanza sent with `tag`."""

    def still_wants(self, tag):
        """To send it again: it has not been refused meanwhile."""
        return True

    def unknown(self, tags):
        """Nobody can say whether the server has these."""

    def ready(self):
        """Logged in, and what had to be sent again is on its way."""

    def gone(self):
        """The connection has ended."""

    # ---- life ----------------------------------------------------------------------------------------

    async def life(self):
        while self.alive:
            await self.may_connect.wait()
            try:
                await self._one_connection()
            except (Lost, OSError, asyncio.TimeoutError) as error:
                self.last_trouble = repr(error)
                if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
                    self.world.timeout(self, error)
            except Exception as error:
                where = traceback.extract_tb(error.__traceback__)[-1]
                self.world.ledger.violation(f"{self.situation()}: {error!r} in {where.name}, line {where.lineno}")
            finally:
                if self.connection:
                    self.connection.breaks()
                    self.connection = None
                    if self.is_bound:
                        self.is_bound = False
                        self.gone()
            await asyncio.sleep(self.world.dice.uniform(0.005, 0.06))

    async def _one_connection(self):
        await self._logs_in()
        await self.connection.ended

    async def _logs_in(self):
        connection = Connection(self.world.domain)
        await connection.connects(self.world.port("direct" if self.sasl2 else "none"), self.sasl2)
        self.connection = connection
        resumed, bound = await (self._by_sasl2 if self.sasl2 else self._the_old_way)(connection)
        self.logins += 1
        connection.sends_stanza = self.sends_stanza
        self.is_bound = True
        self.prepares(resumed, bound)
        connection.listens(self._hears)
        if resumed:
            self.resumptions += 1
            connection.sends("".join(text for text, _ in self.queue))
        await self.came(resumed, bound)
        again, self.again = self.again, []
        for text, tag in again:
            if self.still_wants(tag):
                self.sends_stanza(text, tag)
        self._asks_again()
        self.ready()

    async def _the_old_way(self, connection):
        await connection.authenticates(self.jid, self.world.password)
        if self.sm_id:
            connection.sends(self._resume())
            if self._took(await connection.next()):
                return True, None
        self._starts_anew()
        await connection.binds(self.resource)
        if self.wants_sm:
            connection.sends(f"<enable {SM} resume='true'/>")
            self._enabled(await connection.next())
        return False, None

    async def _by_sasl2(self, connection):
        inline = self._resume() if self.sm_id else ""
        enable = f"<enable {SM} resume='true'/>" if self.wants_sm else ""
        inline += f"<bind xmlns='{NS['bind2']}'><tag>{self.resource}</tag>{self.bind_features()}{enable}</bind>"
        success = await connection.authenticates2(self.jid, self.world.password, self.agent, inline)
        answer = next((success.find(f"{{{NS['sm']}}}{n}") for n in ("resumed", "failed")
                       if success.find(f"{{{NS['sm']}}}{n}") is not None), None)
        if answer is not None and self._took(answer):
            return True, None
        self._starts_anew()
        bound = success.find(f"{{{NS['bind2']}}}bound")
        if bound is None:
            raise AssertionError(f"neither resumed nor bound: {dom.show(success)}")
        if self.wants_sm:
            self._enabled(bound.find(f"{{{NS['sm']}}}enabled"))
        await connection.features2()
        return False, bound

    def bind_features(self):
        return ""

    # ---- stream management ----------------------------------------------------------------------------

    def _resume(self):
        return f"<resume {SM} previd='{self.sm_id}' h='{self.received}'/>"

    def _took(self, answer):
        """Whether it was resumed."""
        h, refused = answer.get("h"), dom.name(answer)[1] == "failed"
        # A server that comes back knows of what it stored; we were told more if the rest was stored by nobody.
        behind = h is not None and (int(h) - self.acknowledged) % MODULUS > MODULUS // 2
        if h is not None and not (refused and behind):
            self._acknowledged(int(h))
        if not refused:
            return True
        self.failed_resumptions += 1
        self._starts_anew(h is not None)
        return False

    def _starts_anew(self, told=False):
        """A new session. `told`: by an h what of the former one is to be sent again."""
        tagged = [(text, tag) for text, tag in self.queue or [] if tag is not None]
        if told:
            self.again = tagged + self.again
        elif tagged:
            self.unknown([tag for _, tag in tagged])
        self.queue = self.sm_id = self.received = None

    def _enabled(self, element):
        if element is None or dom.name(element)[1] != "enabled":
            raise AssertionError(f"stream management refused: {element is not None and dom.show(element)}")
        self.sm_id, self.received = element.get("id"), 0
        self.queue, self.acknowledged = deque(), 0

    def _hears(self, element):
        if element.tag in STANZAS:
            if self.received is not None:
                self.received = (self.received + 1) % MODULUS
            self.hears_stanza(element)
        elif element.tag == SM_R:
            self.acknowledges()
        elif element.tag == SM_A:
            self._acknowledged(int(element.get("h")))
            if self.queue and not self.asking:
                self.asking = asyncio.get_running_loop().call_later(0.2, self._asks_again)

    def acknowledges(self):
        if self.received is not None and self.connection:
            self.connection.sends(f"<a {SM} h='{self.received}'/>")

    def _asks_again(self):
        self.asking = None
        if self.queue and self.connection and self.received is not None:
            self.connection.sends(f"<r {SM}/>")

    def _acknowledged(self, h):
        confirmed = (h - self.acknowledged) % MODULUS
        if confirmed > len(self.queue):
            raise AssertionError(f"{self.jid}/{self.resource}: the server says h={h} after {self.acknowledged}, "
                                 f"{len(self.queue)} are unacknowledged")
        self.acknowledged = h
        for _ in range(confirmed):
            _, tag = self.queue.popleft()
            if tag is not None:
                self.confirmed(tag)

    def sends_stanza(self, text, tag=None):
        if self.queue is not None:
            self.queue.append((text, tag))
        if self.connection:
            self.connection.sends(text)

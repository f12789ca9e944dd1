# SPDX-License-Identifier: MIT
"""A client as a person has it on one device: what it remembers from login to login (stream management's
id, token, last archive id), and a list of all it was given. It drops no duplicates: those are counted."""
import uuid
from dataclasses import dataclass
from xml.sax.saxutils import escape

import login
from connection import CLIENT, SM, Broken, Connection

MAM, SID, FORWARD = "urn:xmpp:mam:2", "urn:xmpp:sid:0", "urn:xmpp:forward:0"
DELAY, RSM = "urn:xmpp:delay", "http://jabber.org/protocol/rsm"


@dataclass
class Receipt:
    """A message as it came: `way` is live, queue (stamped with a delay), carbon, archive or error."""

    way: str
    id: str
    sender: str
    stanza_id: str
    life: int  # the device's which login
    excused: bool = False  # see Device.sync and Device.leaves

    def __str__(self):
        return f"{self.id} by {self.way} in login {self.life}" + (" (excused)" if self.excused else "")


class Device:
    def __init__(self, world, jid, model, label, trace):
        self.world, self.jid, self.model, self.label, self.trace = world, jid, model, label, trace
        self.local, self.domain = jid.split("@")
        self.password = "secret"
        self.agent = str(uuid.uuid4())
        self.full = self.token = self.previd = None
        self.latest = None  # archive id up to which it has everything
        self.connection = self.before = None  # this one, and the one to resume
        self.life = 0
        self.receipts = []
        self.pages = 0
        self.is_dead = self.goodbye = False
        self.dead = set()

    # ---- life -------------------------------------------------------------------------------------

    async def connects(self, resume=False, first=False):
        """As far as logged in. What was its connection before is forgotten, not closed."""
        self.life += 1
        self.live = False  # nothing newer than its archive has come yet
        self.is_dead = self.goodbye = False
        if resume or self.model.sasl2:  # its older session goes on, or ends
            self.dead.clear()
        async with self.world.logins:
            self.connection = await Connection.open(self.world.port, f"{self.label}{self.life}", self.trace, self.hear,
                                                    self.notice)
            if not self.model.sasl2:
                return await login.legacy(self.connection, self, resume)
            token = self.token if self.model.login == "fast" and not first else None
            if self.model.login == "fast" and not first and token is None:
                raise Broken(f"{self.label}: never got a token")
            return await login.modern(self.connection, self, resume, token)

    async def comes_online(self, resume=False, priority=0, first=False):
        """Logs in, reads the archive as its model does, is available. After a resumption it is as before."""
        since = self.latest
        done = await self.connects(resume, first)
        if done.resumed:
            if priority is not None:
                self.presence(priority)
            await self.settles()
            return done
        if self.model.sync == "early":
            await self.sync(since, done.cut)
            if self.model.sm:
                self.connection.acknowledge()
        if self.model.carbons and not self.model.sasl2:
            await self.connection.ask("set", f"<enable xmlns='{login.CARBONS}'/>")
        self.presence(priority or 0)
        if self.model.sync == "late":
            await self.sync(since, done.cut, excused=done.cut is None)
        await self.settles()
        return done

    def presence(self, priority):
        self.connection.send(f"<presence><priority>{priority}</priority></presence>")

    async def settles(self):
        """Has heard what was sent before, and the server knows that it has."""
        await self.connection.round_trip(self.domain)
        if self.connection.counting:
            self.connection.acknowledge()
            await self.connection.round_trip(self.domain)

    async def has_enough(self):
        """Takes nothing more, and the server knows how much it has got."""
        if self.connection.counting:
            self.connection.deaf = True
            self.connection.acknowledge()
            await self.connection.round_trip(self.domain)

    async def leaves(self):
        """Logs off. Who cannot say how much he has got takes what crosses his goodbye, and may get it again."""
        await self.has_enough()
        self.goodbye = True
        await self.connection.close()

    # ---- stream management ------------------------------------------------------------------------

    def notice(self, connection, element):
        """The counters begin, or go on, before the next stanza is counted."""
        if element.tag.endswith("}success"):
            for child in element.iter():
                if child.tag in (f"{{{SM}}}enabled", f"{{{SM}}}resumed"):
                    element = child
        if element.tag == f"{{{SM}}}enabled":
            self.previd = element.get("id")
            connection.start_counting()
        elif element.tag == f"{{{SM}}}resumed":
            self.resumes(connection, int(element.get("h")))

    def resumption(self):
        previd = self.previd
        if self.model.resume == "forgotten":
            previd = "no-such-" + uuid.uuid4().hex
        return f"<resume xmlns='{SM}' previd='{escape(previd)}' h='{self.before.received}'/>"

    def resumes(self, connection, h):
        """The counters go on; what the server had not got is sent again."""
        connection.counting = True
        connection.received, connection.sent = self.before.received, self.before.sent
        connection.covered, connection.unacknowledged = self.before.covered, self.before.unacknowledged
        connection.cover(h)
        again, connection.unacknowledged = connection.unacknowledged, []
        connection.sent = connection.covered
        for text in again:
            connection.send(text)

    def parts_with(self, how):
        """Its connection ends without </stream:stream>: `reset`, or `dies` (the socket stays open)."""
        self.before = self.connection
        self.is_dead = how == "dies"
        if self.is_dead:
            self.dead.add(self.full)
        getattr(self.connection, how)()

    def is_connected(self):
        return self.connection is not None and not self.connection.ended

    # ---- what it is given -------------------------------------------------------------------------

    def hear(self, connection, stanza):
        if stanza.tag != f"{{{CLIENT}}}message":
            return
        if stanza.get("type") == "error":
            return self._receive("error", stanza)
        result = stanza.find(f"{{{MAM}}}result")
        if result is not None:
            return self.page.append(result)
        for kind in ("received", "sent"):
            inner = stanza.find(f"{{urn:xmpp:carbons:2}}{kind}/{{{FORWARD}}}forwarded/{{{CLIENT}}}message")
            if inner is not None:
                return self._receive("carbon", inner)
        self._receive("queue" if stanza.find(f"{{{DELAY}}}delay") is not None else "live", stanza)

    def _receive(self, way, message, stanza_id=None, excused=False):
        for element in message.findall(f"{{{SID}}}stanza-id"):
            if element.get("by") == self.jid:
                stanza_id = element.get("id")
        if stanza_id and way != "archive":
            self.latest = stanza_id
            self.live = True
        sender = (message.get("from") or self.jid).split("/")[0]
        self.receipts.append(Receipt(way, message.get("id"), sender, stanza_id, self.life,
                                     excused or self.goodbye))

    # ---- the archive ------------------------------------------------------------------------------

    async def query(self, after=None, most=50, extra=""):
        """One page of one's own archive: (results, complete)."""
        self.page = []
        self.pages += 1
        position = f"<after>{escape(after)}</after>" if after else ""
        answer = await self.connection.ask(
            "set", f"<query xmlns='{MAM}' queryid='p{self.pages}'>{extra}<set xmlns='{RSM}'><max>{most}</max>{position}"
            "</set></query>")
        if answer.get("type") != "result":
            raise Broken(f"{self.label}: archive query refused: after {after}")
        return self.page, answer.find(f"{{{MAM}}}fin").get("complete") == "true"

    async def sync(self, since, cut, excused=False):
        """Reads what is new in the archive, page by page. With Bind 2's metadata it stops there: what is
        newer comes live. A client that got the queue before it could say that it reads the archive
        (`excused`) may get a message both ways: it knows it by its stanza-id."""
        if cut is not None and cut in ("", since):
            return
        complete = False
        while not complete:
            results, complete = await self.query(since, most=1 + self.life % 2)
            for result in results:
                since = result.get("id")
                inner = result.find(f"{{{FORWARD}}}forwarded/{{{CLIENT}}}message")
                if inner.get("from", "").split("/")[0] != self.jid:
                    self._receive("archive", inner, since, excused)
                complete = complete or since == cut
                if complete:
                    break
        if since and not self.live:
            self.latest = since

    async def archive_ids(self):
        """The client's ids of everything in one's archive, in order."""
        found, after, complete = [], None, False
        while not complete:
            results, complete = await self.query(after, most=50)
            found += [r.find(f"{{{FORWARD}}}forwarded/{{{CLIENT}}}message").get("id") for r in results]
            after = results[-1].get("id") if results else after
        return found

# SPDX-License-Identifier: MIT
"""Who writes and who reads in the campaign."""
import asyncio
import time
from collections import defaultdict

from client import Client
from connection import Lost
from ledger import ACCEPTED, REFUSED, Arrivals
from lib import dom
from lib.dom import NS

WINDOW = 8  # messages a sender has under way
NS.setdefault("mam", "urn:xmpp:mam:2")
NS.setdefault("sid", "urn:xmpp:sid:0")
NS.setdefault("rsm", "http://jabber.org/protocol/rsm")
NS.setdefault("forward", "urn:xmpp:forward:0")
NS.setdefault("carbons", "urn:xmpp:carbons:2")
MESSAGE, IQ = f"{{{NS['client']}}}message", f"{{{NS['client']}}}iq"
BODY, ERROR, DELAY = (f"{{{NS['client']}}}body", f"{{{NS['client']}}}error", f"{{{NS['delay']}}}delay")
SID, RESULT = f"{{{NS['sid']}}}stanza-id", f"{{{NS['mam']}}}result"
FORWARDED = f"{{{NS['forward']}}}forwarded"
RETRACT, REMOVAL = "urn:xmpp:message-retract:1", "urn:xylem:removal:0"
SYMBOLS = "nothing but words "


def is_tombstone(message):
    return message.find(f"{{{RETRACT}}}retracted") is not None


class Sender(Client):
    """Accepted is, with stream management: covered by the server's h, no error having come before. Without: a write
    behind it (XEP-0049) was answered, for the store commits in the order of submission; not while the database or its disk
    are in trouble, when the refusal of what came before may be the later answer."""

    def __init__(self, world, jid, kind, **options):
        super().__init__(world, jid, "writer", **options)
        self.kind, self.pair, self.marking = kind, None, None
        self.producing = False

    def __str__(self):
        return self.jid

    def ready(self):
        self.is_ready = True
        self.pump()

    is_ready = False

    def gone(self):
        self.is_ready = False
        if not self.wants_sm:
            for message in self.pair.unsettled():
                self.world.ledger.unknown(self.pair, message.number)

    def pump(self):
        if not (self.producing and self.is_ready and self.connection and self.connection.is_open):
            return
        under_way = len(self.pair.unsettled())
        if under_way > WINDOW / 2 or self.marking:
            return
        numbers = [self._writes() for _ in range(WINDOW - under_way)]
        if self.wants_sm:
            self.connection.sends(f"<r xmlns='{NS['sm']}'/>")
        else:
            self.marking = asyncio.ensure_future(self._marks(numbers))

    def _takes_back(self):
        """One of the latest that are accepted; of those that are archived, so it is there. None: nothing is."""
        known = [m.number for m in list(self.pair.messages.values())[-3 * WINDOW:]
                 if m.state == ACCEPTED and m.taken_back is m.target is None]
        if not (self.world.may_retract and self.pair.is_archived and known and self.world.dice.random() < 0.1):
            return None
        target = self.world.dice.choice(known)
        number = self.world.ledger.send(self.pair, target)
        self.sends_stanza(f"<message to='{self.pair.recipient}' type='chat' id='{self.pair.number}.{number}'>"
                          f"<retract xmlns='{RETRACT}' id='{self.pair.number}.{target}'/></message>", tag=number)
        return number

    def _writes(self):
        number = self._takes_back()
        if number is not None:
            return number
        number = self.world.ledger.send(self.pair)
        padding = SYMBOLS * self.world.dice.randrange(1, 24)
        self.sends_stanza(f"<message to='{self.pair.recipient}' type='chat' id='{self.pair.number}.{number}'>"
                          f"<body>{padding}</body></message>", tag=number)
        return number

    async def _marks(self, numbers):
        """A write of ours that is answered: all before it is durable."""
        began = time.monotonic()
        try:
            answer = await self.connection.asks(
                "set", f"<query xmlns='jabber:iq:private'><last xmlns='urn:crash'>{numbers[-1]}</last></query>")
            certain = answer.get("type") == "result" and not self.world.ledger.trouble_since(began)
            for number in numbers:
                if certain:
                    self.world.ledger.accept(self.pair, number)
                else:
                    self.world.ledger.unknown(self.pair, number)
        except (Lost, AttributeError):
            pass
        finally:
            self.marking = None
        self.pump()

    def confirmed(self, tag):
        self.world.ledger.accept(self.pair, tag)
        self.pump()

    def still_wants(self, tag):
        return self.pair.messages[tag].state != REFUSED

    def unknown(self, tags):
        for tag in tags:
            self.world.ledger.unknown(self.pair, tag)

    def hears_stanza(self, element):
        if element.tag == MESSAGE and element.get("type") == "error" and element.get("id"):
            pair, number = element.get("id").split(".")
            if any(element.find(ERROR).find(f"{{{REMOVAL}}}{why}") is not None for why in ("already", "meanwhile")):
                return  # sent again after a crash, and known
            if int(pair) == self.pair.number:
                condition = dom.name(element.find(ERROR)[0])[1]
                self.world.ledger.counts[f"refused: {condition}"] += 1
                self.world.ledger.refuse(self.pair, int(number))
                self.pump()


class Device(Client):
    """`archive`: reads it after each login (Bind 2). `steady`: its connection is not broken by itself. `present`
    False: comes only when called."""

    def __init__(self, world, jid, kind, archive=False, steady=False, present=True, carbons=False, **options):
        super().__init__(world, jid, kind, **options)
        self.kind, self.archive, self.steady, self.carbons = kind, archive, steady, carbons
        self.arrivals = defaultdict(Arrivals)
        self.pairs = {}
        self.syncing, self.held, self.synced = False, [], set()
        self.last_id = None  # of the archive
        self.present = present
        self.keeps_order, self.is_restored = True, False
        self.latest_sync = "no sync"
        if not present:
            self.may_connect.clear()

    def __str__(self):
        return f"{self.jid}/{self.resource}"

    def situation(self):
        return f"{super().situation()}, {self.latest_sync}"

    def bind_features(self):
        return f"<enable xmlns='{NS['carbons']}'/>" if self.carbons else ""

    def prepares(self, resumed, bound):
        self.world.ledger.session(self, "resume" if resumed else "bind2" if bound is not None else "bind")
        self.syncing = self.archive and not resumed
        if not resumed:
            self.synced = set()

    async def came(self, resumed, bound):
        if resumed:
            return
        if self.carbons and bound is None:
            await self.connection.asks("set", f"<enable xmlns='{NS['carbons']}'/>")
        if self.syncing:
            await self._syncs(bound)
        self.sends_stanza("<presence/>")

    def gone(self):
        self.world.ledger.session(self, "lost")
        self.held.clear()
        self.syncing = False

    def ready(self):
        if not self.steady:
            self.world.soon(self._breaks, self.connection)

    def _breaks(self, connection):
        """The network fails, or the person leaves; now or then both are noticed late."""
        if connection is not self.connection or not connection.is_open:
            return
        if self.world.dice.random() < 0.5:
            connection.breaks()
        else:
            connection.sends("</stream:stream>")
            self.sm_id = None  # said goodbye: nothing to resume

    # ---- messages ------------------------------------------------------------------------------------

    def hears_stanza(self, element):
        if element.tag != MESSAGE:
            return
        result = element.find(RESULT)
        if result is not None:
            self.results.append((result.get("id"), result.find(FORWARDED).find(MESSAGE)))
            return
        if element.get("type") == "error":
            return
        how = "live"
        for kind in ("received", "sent"):
            carbon = element.find(f"{{{NS['carbons']}}}{kind}")
            if carbon is not None:
                element, how = carbon.find(FORWARDED).find(MESSAGE), "copy"
        if element.find(DELAY) is not None:
            how = "queue"
        stanza_id = next((s.get("id") for s in element.findall(SID) if s.get("by") == self.jid), None)
        if self.syncing:
            self.held.append((element, how, stanza_id))
        else:
            self._gets(element, how, stanza_id)

    def _gets(self, element, how, stanza_id):
        pair, number = map(int, element.get("id").split("."))
        if how == "archive":
            self.synced.add(stanza_id)
            if is_tombstone(element):
                self.world.ledger.tombstone(self, self.pairs[pair], number)
                self.last_id = stanza_id
                return
        elif stanza_id in self.synced:  # accepted behind the bind, and the last page had it
            self.world.ledger.counts["known from the archive"] += 1
            return
        self.world.ledger.receive(self, self.pairs[pair], number, how, stanza_id)
        if stanza_id and self.archive:
            self.last_id = stanza_id

    # ---- the archive -----------------------------------------------------------------------------------

    async def _syncs(self, bound):
        """From what we have as far as Bind 2 said the archive goes; what comes live waits meanwhile."""
        metadata = bound.find(f"{{{NS['mam']}}}metadata")
        if metadata is None:
            raise AssertionError(f"no metadata in {dom.show(bound)}")
        end = metadata.find(f"{{{NS['mam']}}}end")
        after, until = self.last_id, None if end is None else end.get("id")
        found = await self.reads_archive(after, until) if until not in (None, after) else []
        self.latest_sync = (f"after {after} until {until}: {len(found)}; "
                            f"held meanwhile: {' '.join(m.get('id') for m, _, _ in self.held)}")
        for stanza_id, message in found:
            self._gets(message, "archive", stanza_id)
        held, self.held, self.syncing = self.held, [], False
        for item in held:
            self._gets(*item)

    async def reads_archive(self, after, until=None):
        """[(stanza-id, message)], pages of 50."""
        if not self.is_bound:
            raise Lost("not logged in")
        found = []
        while until is None or after != until:
            self.results = []
            mark = f"<after>{after}</after>" if after else ""
            answer = await self.connection.asks(
                "set", f"<query xmlns='{NS['mam']}'><set xmlns='{NS['rsm']}'><max>50</max>{mark}</set></query>")
            if answer.get("type") != "result":
                raise Lost(dom.show(answer))  # the database is away
            page = self.results
            found += page  # also what came behind `until`: the server counts it as received here
            after = page[-1][0] if page else after
            if until in (i for i, _ in page) or answer.find(f"{{{NS['mam']}}}fin").get("complete") == "true":
                break
        return found

# SPDX-License-Identifier: MIT
"""What was sent, what the server took over, what came where: the promise, checked as it happens.

  * A message the sender was told is the server's (an <a/> that covers it, an answered write behind it) reaches each
    device of its recipient: live, from the queue or from the archive.
  * Between one sender and one device messages arrive for the first time in the order they were sent. So a
    gap shows a loss at once, not only at the end.
  * Within one session nothing comes twice. It may come again in the next one, with the same stanza-id.
  * What was refused (an error came back) arrives nowhere. What was never sent neither.
  * A retraction is a message like others. Once it is accepted, what it takes back comes in no session that begins
    later, and is a tombstone in the archive; what nobody took back is never one."""
import time
from collections import Counter, defaultdict, deque

LONG_AGO = 6  # seconds: the store's time limit is over, and all is answered
TROUBLES = {"disk full", "disk broken", "disk unflushed", "disk slow_us", "database killed", "backend killed"}
SENT, ACCEPTED, REFUSED, UNKNOWN = "sent", "accepted", "refused", "unknown"


class Message:
    __slots__ = ("number", "state", "stanza_id", "events", "sends", "target", "taken_back")

    def __init__(self, number):
        self.number, self.state, self.stanza_id, self.events, self.sends = number, SENT, None, [], 1
        self.target = None      # the message it takes back
        self.taken_back = None  # the one that takes it back

    def may_be_gone(self):
        return self.taken_back is not None and self.taken_back.state != REFUSED

    def is_gone(self):
        """For certain: when that was known. None: not."""
        by = self.taken_back
        if by is None or by.state != ACCEPTED:
            return None
        return next(n for n, what, _ in by.events if what == "accepted")


class Pair:
    """A sender and the account it writes to. `first`: older messages are settled and forgotten."""

    def __init__(self, number, sender, recipient):
        self.number, self.sender, self.recipient = number, sender, recipient
        self.messages, self.first, self.next = {}, 0, 0
        self.devices = []
        self.is_archived = False
        self.is_stored = True  # never in memory alone
        self.archive_end = None

    def unsettled(self):
        return [m for m in self.messages.values() if m.state == SENT]


class Arrivals:
    """What one device has of one pair."""

    def __init__(self):
        self.got, self.top, self.in_session, self.last = Counter(), -1, set(), -1
        self.latest = deque(maxlen=40)


class Ledger:
    def __init__(self, clock):
        self.pairs, self.violations, self.counts = [], [], Counter()
        self.clock = clock  # numbers events
        self.storms = []    # (event number, what): kills and faults, since the last settlement
        self.sessions = defaultdict(list)  # device: (event number, what)
        self.last_trouble, self.in_trouble = 0, False
        self.unheard, self.unheard_before = set(), 0

    def violation(self, text, pair=None, message=None):
        self.counts["violations"] += 1
        story = self.story(pair, message) if message else ""
        self.violations.append(text + story)

    def storm(self, what):
        self.storms.append((self.clock(), what))
        if self.in_trouble or what in TROUBLES:
            self.last_trouble = time.monotonic()
        self.in_trouble = what in TROUBLES

    def trouble_since(self, moment):
        return self.in_trouble or self.last_trouble > moment - LONG_AGO

    def session(self, device, what):
        self.sessions[device].append((self.clock(), what))
        restored = what == "resume" and self._crashed_since_bind(device)
        device.is_restored = restored
        if what in ("bind", "bind2") or restored:
            for arrivals in device.arrivals.values():
                arrivals.in_session, arrivals.last = set(), -1

    def _crashed_since_bind(self, device):
        """A session that the server took up again from its store may repeat what waited when it was bound."""
        bound = max((n for n, what in self.sessions[device] if what in ("bind", "bind2")), default=0)
        return not bound or any(n > bound and what == "crash" for n, what in self.storms)

    # ---- the sender's side ---------------------------------------------------------------------------

    def send(self, pair, target=None):
        """`target`: the number of one that it takes back."""
        message = pair.messages[pair.next] = Message(pair.next)
        pair.next += 1
        if target is not None:
            message.target, pair.messages[target].taken_back = pair.messages[target], message
            self.counts["retractions"] += 1
        self.note(message, "send")
        self.counts["sent"] += 1
        return message.number

    def note(self, message, what, device=None):
        message.events.append((self.clock(), what, device))

    def accept(self, pair, number):
        message = pair.messages.get(number)
        if message is None:
            return self.violation(f"pair {pair.number}: {number} is accepted again, long after")
        if message.state == REFUSED:
            return None
        message.state = ACCEPTED
        self.note(message, "accepted")
        self.counts["accepted"] += 1
        for device in pair.devices:
            arrivals = device.arrivals[pair]
            if device.keeps_order and arrivals.top > number and not arrivals.got[number] and \
                    not self.is_excused(pair, device, message):
                self.violation(f"pair {pair.number}: {device} got {arrivals.top}, not {number}, which was accepted",
                               pair, message)
        return None

    def refuse(self, pair, number):
        message = pair.messages.get(number)
        if message is None:
            return
        self.note(message, "refused")
        self.counts["refused"] += message.state != REFUSED
        # What nobody stored and a session died with unconfirmed may be there, and refused when it was to wait.
        if pair.is_stored and any(d.arrivals[pair].got[number] for d in pair.devices):
            self.violation(f"pair {pair.number}: {number} was refused and has arrived", pair, message)
        message.state = REFUSED

    def unknown(self, pair, number):
        message = pair.messages.get(number)
        if message is not None and message.state == SENT:
            message.state = UNKNOWN
            self.note(message, "unknown")
            self.counts["unknown"] += 1

    # ---- the recipient's side --------------------------------------------------------------------------

    def receive(self, device, pair, number, how, stanza_id):
        arrivals = device.arrivals[pair]
        message = pair.messages.get(number)
        if message is None:
            if number >= pair.next:
                return self.violation(f"pair {pair.number}: {device} got {number}, which nobody sent")
            self.counts["very late repetitions"] += 1
            return None
        self.note(message, how, device)
        if number in arrivals.in_session:
            self.violation(f"pair {pair.number}: {device} got {number} twice in one session", pair, message)
        strict = device.keeps_order and pair.is_stored and not device.is_restored
        if strict and number < arrivals.last:
            self.violation(f"pair {pair.number}: {device} got {number} after {arrivals.last} in one session", pair, message)
        if message.state == REFUSED and pair.is_stored and not self._half_written():
            self.violation(f"pair {pair.number}: {device} got {number}, which was refused", pair, message)
        self._same_id(device, pair, message, stanza_id)
        began = max((n for n, what in self.sessions[device] if what != "lost"), default=0)
        if message.is_gone() is not None and message.is_gone() < began:
            self.violation(f"pair {pair.number}: {device} got {number}, which was taken back before", pair, message)
        arrivals.in_session.add(number)
        arrivals.last = max(arrivals.last, number)
        arrivals.got[number] += 1
        arrivals.latest.append(number)
        if arrivals.got[number] > 1:
            self.counts["repeated"] += 1
        elif device.keeps_order:
            self._in_order(device, pair, arrivals, message)
        self.counts[how] += 1
        return None

    def tombstone(self, device, pair, number):
        """In place of it."""
        message = pair.messages.get(number)
        if message is not None and not message.may_be_gone():
            self.violation(f"pair {pair.number}: {device} got a tombstone of {number}, which nobody took back", pair, message)
        self.counts["tombstones"] += 1

    def _half_written(self):
        """A flush failed, so the sender was told no; then a crash, and recovery found the whole commit in the log.
        Nothing is lost by that, and no database can promise better."""
        flush = next((n for n, what in self.storms if what == "disk unflushed"), None)
        half = flush is not None and any(n > flush and what == "crash" for n, what in self.storms)
        self.counts["refused for a failed flush, yet there"] += half
        return half

    def _same_id(self, device, pair, message, stanza_id):
        if stanza_id is None:
            return
        if message.stanza_id not in (None, stanza_id):
            self.violation(f"pair {pair.number}: {device} got {message.number} as {stanza_id}, "
                           f"it was {message.stanza_id}", pair, message)
        message.stanza_id = stanza_id

    def _in_order(self, device, pair, arrivals, message):
        number = message.number
        if number < arrivals.top:
            self.violation(f"pair {pair.number}: {device} got {number} for the first time after {arrivals.top}",
                           pair, message)
            return
        for between in range(max(arrivals.top + 1, pair.first), number):
            missed = pair.messages[between]
            if missed.state == ACCEPTED and not arrivals.got[between] and not self.is_excused(pair, device, missed):
                self.violation(f"pair {pair.number}: {device} got {number}, not {between}, which was accepted",
                               pair, missed)
        arrivals.top = number

    # ---- settling ----------------------------------------------------------------------------------------

    def missing(self):
        """(pair, device, message) of all that was accepted and has not come yet."""
        return [(pair, device, message) for pair in self.pairs for message in pair.messages.values()
                if message.state == ACCEPTED for device in pair.devices if not device.arrivals[pair].got[message.number]
                and not self.is_excused(pair, device, message)]

    def is_excused(self, pair, device, message):
        """Taken back, or known limits, see docs/reliability.md."""
        if message.may_be_gone():
            return True
        storms = [(n, what) for n, what in self.storms if n > message.events[0][0]]
        return self._was_unstored(pair, device, message, storms) or self._was_refused_unheard(message, storms)

    def _was_unstored(self, pair, device, message, storms):
        """What nobody stores is accepted once it is written to the recipient's socket: it is gone if that connection
        breaks and the server dies, or cannot store it then. In calm weather it has to arrive."""
        lost = any(n > message.events[0][0] and what == "lost" for n, what in self.sessions[device])
        return not pair.is_stored and lost and any(what == "crash" or what in TROUBLES for _, what in storms)

    def _was_refused_unheard(self, message, storms):
        """While commits failed it was refused; the error died with the server, and the h of a refused resumption,
        which counts it as dealt with, is all that the sender heard."""
        told = next((n for n, what, _ in reversed(message.events) if what == "accepted"), None)
        crash = next((n for n, what in storms if what == "crash" and told is not None and n < told), None)
        began = max((n for n, what in self.storms if crash and what == "crash" and n < crash), default=0)
        trouble = crash is not None and any(began < n < crash and what in TROUBLES for n, what in self.storms)
        if trouble or self._was_in_trouble_at_the_end(told):
            trouble = True
            self.unheard.add(id(message))
            self.counts["refusals unheard"] = self.unheard_before + len(self.unheard)
        return trouble

    def _was_in_trouble_at_the_end(self, told):
        """So it was when an <a/> counted it: the error had not left yet when the server died."""
        before = [what for n, what in self.storms if told is not None and n < told]
        after = [what for n, what in self.storms if told is not None and n > told]
        return bool(before and after) and before[-1] in TROUBLES and after[0] == "crash"

    def check_archive(self, pair, found):
        """`found`: (number, stanza_id, whether it is a tombstone) of what the recipient's archive shows since it was last
        looked at."""
        numbers = [n for n, _, _ in found]
        if sorted(set(numbers)) != numbers:
            self.violation(f"pair {pair.number}: the archive has {numbers[:40]}: not in order, or twice")
        for number, stanza_id, is_tombstone in found:
            message = pair.messages.get(number)
            if is_tombstone:
                self.tombstone("the archive", pair, number)
            elif message is not None and message.is_gone() is not None:
                self.violation(f"pair {pair.number}: the archive shows {number}, which was taken back", pair, message)
            if message is None or (message.state == REFUSED and not self._half_written()):
                self.violation(f"pair {pair.number}: the archive has {number}, which was never sent, or refused")
            else:
                self._same_id("the archive", pair, message, stanza_id)
        for message in pair.messages.values():
            if message.state == ACCEPTED and message.number not in set(numbers) and \
                    (message.may_be_gone() or not self.is_excused(pair, pair.devices[0], message)):
                self.violation(f"pair {pair.number}: the archive has not {message.number}", pair, message)
        self.counts["checked in archives"] += len(numbers)

    def forget(self):
        """All is settled."""
        self.unheard_before += len(self.unheard)
        self.unheard.clear()
        for pair in self.pairs:
            pair.messages.clear()
            pair.first = pair.next
            for device in pair.devices:
                arrivals = device.arrivals[pair]
                arrivals.got.clear()
                arrivals.in_session.clear()
        self.storms.clear()
        for log in self.sessions.values():
            log.clear()

    # ---- stories -------------------------------------------------------------------------------------------

    def events(self, pair, message):
        """[(number, what, index of the device or None)], all that concerns it, in order."""
        first = message.events[0][0]
        log = [(n, w, None if d is None else pair.devices.index(d)) for n, w, d in message.events]
        log += [(n, w, None) for n, w in self.storms if n > first] + [s + (None,) for s in self.storms if s[0] < first][-3:]
        for index, device in enumerate(pair.devices):
            log += [(n, w, index) for n, w in self.sessions[device] if n > first]
        return sorted(log, key=lambda event: event[0])

    def story(self, pair, message):
        """For people: what happened to it, and what before."""
        latest = [f"      came last to {d}: {' '.join(map(str, d.arrivals[pair].latest))}" for d in pair.devices]
        lines = latest + [f"      {n} {w}{'' if d is None else f' {pair.devices[d]}'}" for n, w, d in self.events(pair, message)]
        return "\n" + "\n".join([f"    pair {pair.number} ({pair.sender.kind} to {pair.devices[0].kind}), "
                                 f"message {message.number}:",
                                 *(f"      {c.situation()}" for c in [pair.sender, *pair.devices]), *lines[:40]])

# SPDX-License-Identifier: MIT
"""What the specifications and the project's promises demand of a cell. Independent of the server: it is
written from RFC 6121 (8.5), XEP-0160, 0198, 0280, 0313, 0334, 0386 and requirements S2-1 to S2-18.

 * Who takes a message to the bare JID: every available resource with priority >= 0, also one whose death
   nobody has noticed or that is to be resumed. To a full JID: that one; if it is gone, as to the bare JID.
 * Copies (XEP-0280) go to the other resources that asked for them, whatever their priority; of what comes
   back to the sender there are none.
 * no-store: nobody keeps it. Whoever takes it alive has it; if nobody can, it comes back to the sender.
 * Everything else waits for each device that has not got it, until that device acknowledges. What reaches
   the full JID it was sent to is that device's: others find it in the archive, or get a copy.
 * A Bind 2 login gets what is in its archive from there, all else from the queue.
 * Which archive shows it depends on the owner's preferences at acceptance, never on later ones.
"""
from dataclasses import dataclass, field

from cells import RUSH

ANY = ("live", "queue", "archive", "carbon")


@dataclass
class Promise:
    """For one device."""

    times: tuple = (1, 1)  # least, most
    ways: tuple = ()
    excused: int = 0  # further copies from the archive, known by their stanza-id


@dataclass
class Expectation:
    devices: list = field(default_factory=list)
    bounces: tuple = (0, 0)
    either: bool = False  # unstored: it arrives or comes back, exactly one of them
    together: bool = False  # the devices do not say who they are: at least one has it
    sender_archive: bool = False
    recipient_archive: bool = False
    queued: bool = None  # waits for somebody after acceptance; None: may or may not


def is_storable(cell):
    return cell.hint != "no-store"


def is_archived(cell):
    """By the recipient: preferences, and hints that forbid it."""
    return cell.archive == "always" and cell.hint in ("none", "store")


def has_session(part):
    """In the server's eyes, when the message is accepted."""
    return part.state != "offline" or part.model.resume == "works"


def is_taker(cell, index):
    part = cell.parts[index]
    takes = has_session(part) and part.state != "negative"
    if cell.address == "bare" or not has_session(cell.parts[0]):
        return takes
    return index == 0


def hears_live(cell, index):
    """Gets it while the message is sent: (way) or None."""
    part = cell.parts[index]
    if part.state in ("dead", "offline"):
        return None
    if is_taker(cell, index):
        return "live"
    return "carbon" if part.model.carbons and not comes_back(cell) else None


def comes_back(cell):
    return not is_storable(cell) and not any(is_taker(cell, i) for i in range(len(cell.parts)))


def expectation(cell):
    expected = Expectation(
        sender_archive=cell.hint in ("none", "store"),
        recipient_archive=is_archived(cell),
        together=all(not p.model.sasl2 for p in cell.parts) and len(cell.parts) > 1,
    )
    if cell.parts[0].state == RUSH:
        return in_a_rush(cell, expected)
    live = [hears_live(cell, i) for i in range(len(cell.parts))]
    expected.devices = [promise(cell, i, live) for i in range(len(cell.parts))]
    if expected.together:
        for i, one in enumerate(expected.devices):
            if not live[i] and not (is_taker(cell, i) and cell.parts[i].model.resume == "works"):
                one.times, one.ways = (0, one.times[1]), ANY
    nobody = not any(is_taker(cell, i) for i in range(len(cell.parts)))
    if is_storable(cell):
        expected.queued = True if nobody and not all(live) else None
    else:
        expected.queued = False
        expected.bounces, expected.either = returns(cell, live, nobody)
    return expected


def in_a_rush(cell, expected):
    """It comes and goes all the time: every message by some way, none by two; what nobody may keep may
    come back instead."""
    model = cell.parts[0].model
    excused = not model.sm or not model.sasl2 and model.sync == "late"
    expected.devices = [Promise(times=(int(is_storable(cell)), 1), ways=ANY, excused=int(excused))]
    if not is_storable(cell):
        expected.bounces, expected.either, expected.queued = (0, 1), True, False
    return expected


def returns(cell, live, nobody):
    """How often a message that nobody may keep comes back; whether instead it may arrive."""
    if "live" in live:
        return (0, 0), False
    if nobody:
        return (1, 1), False  # copies to others do not count
    resumes = [i for i, p in enumerate(cell.parts) if is_taker(cell, i) and p.model.resume == "works"]
    if resumes:
        return (0, 0), False
    return (0, 1), True  # taken by the dead: to another resource, if there is one, or back


def dead_taker(cell):
    """Whether the only ones who took it were dead: then unstored messages are on their way again."""
    return any(is_taker(cell, i) and p.state == "dead" for i, p in enumerate(cell.parts))


def promise(cell, index, live):
    part, model = cell.parts[index], cell.parts[index].model
    if live[index]:
        return Promise(ways=(live[index],))
    if comes_back(cell):
        return Promise(times=(0, 0))
    if has_session(part) and model.resume == "works" and (is_taker(cell, index) or model.carbons):
        return resumed(cell, index)
    if cell.address == "full" and index > 0:
        return of_others(cell, model)
    if not is_storable(cell):
        stray = dead_taker(cell) and (part.state == "dead" or "live" not in live)
        return Promise(times=(0, int(stray)), ways=("live", "queue", "carbon"))
    if is_archived(cell) and model.resume != "works":
        if model.sasl2 or model.sync == "early":
            return Promise(ways=("archive",))
        if model.sync == "late":
            return Promise(ways=("queue", "live", "archive"), excused=1)
    return Promise(ways=("queue", "live") if part.state == "negative" else ("queue",))


def resumed(cell, index):
    """What was on its way when the connection broke comes when it is back."""
    return Promise(ways=("live", "queue") if is_taker(cell, index) else ("carbon",))


def of_others(cell, model):
    """A message to another device's full JID, which has it."""
    if is_archived(cell) and model.sync:
        return Promise(ways=("archive",), excused=int(not model.sasl2 and model.sync == "late"))
    return Promise(times=(0, 0))

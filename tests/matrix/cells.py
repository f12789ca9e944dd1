# SPDX-License-Identifier: MIT
"""The matrix: every way a message can meet a recipient (requirements S2-1 to S2-9).

A cell is one sender, one recipient with one or two devices, and one story told by its name:

    roster/no-store/before/sasl2-conversations.dead/bare

 archive  what the recipient's preferences say of this sender when the message is accepted
 hint     XEP-0334
 when     `after`: archiving was the other way earlier; `before`: it is switched the other way after
          the message was accepted and before the recipient logs in again
 devices  LOGIN-MODEL.STATE, joined by "+": how it logs in (again), what kind of client it is, what it
          does while the message is sent
 address  of the message: the bare JID, or the first device's full one
"""
import random
from dataclasses import dataclass
from itertools import product

ARCHIVES = ("off", "always", "roster", "never")
HINTS = ("none", "no-store", "no-permanent-store", "store")
WHEN = ("before", "after")
STATES = ("online", "offline", "dead", "negative", "csi")
RUSH = "rush"  # logs off and on while messages come


@dataclass(frozen=True)
class Model:
    """A kind of client. `sync`: when it reads the archive at a login: before or after its presence."""

    login: str
    name: str
    sm: bool = True
    carbons: bool = True
    sync: str = ""
    resume: str = ""  # what it does first: "" nothing, "works", "expired", "forgotten"

    @property
    def sasl2(self):
        return self.login in ("sasl2", "fast", "failed") or self.name == "inline"

    def __str__(self):
        return f"{self.login}-{self.name}"


MODELS = {str(m): m for m in (
    # No extension at all; stream management; and archive synchronisation on top, like Gajim or Dino.
    Model("legacy", "plain", sm=False, carbons=False),
    Model("legacy", "stream", carbons=False),
    Model("legacy", "early", sync="early"),
    Model("legacy", "late", sync="late"),
    # Bind 2 means that a client reads the archive.
    Model("sasl2", "conversations", sync="late"),
    Model("sasl2", "bare", sm=False, carbons=False, sync="early"),
    Model("fast", "conversations", sync="late"),
    Model("fast", "bare", sm=False, carbons=False, sync="early"),
    Model("resume", "classic", sync="early", resume="works"),
    Model("resume", "inline", sync="late", resume="works"),
    # Its session's time is up, or it asks for one that never was (its notes are from a backup).
    Model("failed", "expired", sync="late", resume="expired"),
    Model("failed", "forgotten", sync="early", resume="forgotten"),
)}


@dataclass(frozen=True)
class Part:
    """One device in a cell."""

    model: Model
    state: str

    def __str__(self):
        return f"{self.model}.{self.state}"


@dataclass(frozen=True)
class Cell:
    archive: str
    hint: str
    when: str
    parts: tuple
    address: str = "bare"

    def __str__(self):
        devices = "+".join(map(str, self.parts))
        return f"{self.archive}/{self.hint}/{self.when}/{devices}/{self.address}"

    @property
    def late(self):
        """Its sessions must expire first: it collects behind a jump of the clock."""
        return any(part.model.resume == "expired" for part in self.parts)


def parse(name):
    archive, hint, when, devices, address = name.split("/")
    parts = tuple(Part(MODELS[d.split(".")[0]], d.split(".")[1]) for d in devices.split("+"))
    return Cell(archive, hint, when, parts, address)


def singles():
    for archive, hint, when, model, state in product(ARCHIVES, HINTS, WHEN, MODELS.values(), STATES):
        yield Cell(archive, hint, when, (Part(model, state),))


PAIRS = (
    ("legacy-plain", "sasl2-conversations"), ("legacy-stream", "fast-conversations"), ("legacy-early", "resume-inline"),
    ("legacy-late", "failed-expired"), ("sasl2-conversations", "fast-conversations"),
    ("sasl2-conversations", "resume-inline"), ("sasl2-bare", "failed-forgotten"), ("fast-bare", "resume-classic"),
    ("fast-conversations", "failed-expired"), ("resume-inline", "failed-forgotten"),
    ("sasl2-conversations", "sasl2-conversations"),
    ("legacy-early", "resume-classic"),  # do not say who they are: one device to the server
)
PAIR_STATES = (("online", "offline"), ("offline", "online"), ("offline", "offline"), ("dead", "online"),
               ("online", "dead"), ("negative", "online"), ("csi", "negative"), ("online", "csi"))


def pairs():
    """Two devices of one account on different login paths."""
    for archive, hint, models, states in product(("off", "always"), HINTS[:3], PAIRS, PAIR_STATES):
        parts = tuple(Part(MODELS[m], s) for m, s in zip(models, states))
        address = "full" if parts[0].state == "online" else "bare"
        yield Cell(archive, hint, "after", parts, address)
        if address == "full":
            yield Cell(archive, hint, "after", parts)


def rushes():
    for archive, hint, model in product(ARCHIVES, HINTS, MODELS.values()):
        if model.resume != "expired":
            yield Cell(archive, hint, "after", (Part(model, RUSH),))


def everything():
    return [*singles(), *pairs(), *rushes()]


def sample(count, seed):
    """`count` cells in which every value of every dimension is there: each login path and state in turn,
    the rest by chance. No rushes: what they meet depends on the machine's load, not on the seed."""
    chance = random.Random(seed)
    cells = [*singles(), *pairs()]
    chance.shuffle(cells)
    groups = {}
    for cell in cells:
        groups.setdefault((len(cell.parts), cell.parts[0].model.login, cell.parts[0].state), []).append(cell)
    turns = [list(group) for group in groups.values()]
    chosen = []
    while turns and len(chosen) < count:
        turns = [turn for turn in turns if turn]
        chosen += [turn.pop() for turn in turns][: count - len(chosen)]
    return chosen

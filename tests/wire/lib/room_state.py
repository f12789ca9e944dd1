# SPDX-License-Identifier: MIT
"""Who is in a room and what it is, as the reference model has it (room_model), and what each session must hear
when somebody's presence is shown, changes or ends."""
from dataclasses import dataclass, field

from . import room_rules as rules_of
from .room_facts import Want, anything, codes, jids, one_of
from .room_rules import rank


@dataclass
class Occupant:
    nick: str
    bare: str
    role: str
    sessions: dict = field(default_factory=dict)  # label: (show, status)
    thinned: bool = False  # there were more


@dataclass
class Room:
    settings: rules_of.Settings
    affiliations: dict = field(default_factory=dict)
    occupants: dict = field(default_factory=dict)  # by nick
    subject: str = ""
    history: list = field(default_factory=list)    # (nick, body, JIDs of who said it)
    locked: bool = True


class State:
    """`sessions`: label → (bare JID, full JID)."""

    def __init__(self, rules, sessions):
        self.rules, self.sessions, self.room = rules, sessions, None
        self.heard = None

    # ---- looking ------------------------------------------------------------------------------

    def bare(self, label):
        return self.sessions[label][0]

    def affiliation(self, bare):
        return self.room.affiliations.get(bare, "none") if self.room else "none"

    def occupant(self, label):
        """Whose nick that session has; None: it is not in the room."""
        return next((o for o in self.room.occupants.values() if label in o.sessions), None) if self.room else None

    def inside(self):
        return [label for o in self.room.occupants.values() for label in o.sessions] if self.room else []

    def shown(self, occupant):
        return occupant.role in self.room.settings.present

    def sees_jids(self, label):
        occupant = self.occupant(label)
        return self.room.settings.whois == "anyone" or occupant is not None and occupant.role == "moderator"

    def known(self, occupant, left=()):
        return {self.sessions[label][1] for label in [*occupant.sessions, *left]}

    def sight(self, label, occupant):
        """Whether that session is shown the JIDs of an occupant; None: perhaps."""
        if self.bare(label) == occupant.bare:
            return None
        chief = self.rules.admins_see_jids and rank(self.affiliation(self.bare(label))) >= rank("admin")
        return self.sees_jids(label) or (None if chief else False)

    def roster(self, label):
        """What a client in the room holds for its occupant list; a further nick of the same person may be in it
        whether it is shown to others or not."""
        return {o.nick: (self.affiliation(o.bare), o.role) for o in self.room.occupants.values()
                if self.shown(o) or label in o.sessions} if self.occupant(label) else {}

    # ---- saying -------------------------------------------------------------------------------

    def tell(self, label, want):
        self.heard[label][-1].append(want)

    def then(self, *labels):
        for label in labels:
            self.heard[label].append([])

    def refuse(self, label, kind, conditions, nick=""):
        self.tell(label, Want(kind, type="error", nick=nick, condition=one_of(*sorted(conditions))))

    def answer(self, label, **fields):
        self.tell(label, Want("iq", type="result", **fields))

    def presence_of(self, viewer, occupant, extra=(), allowed=(), **fields):
        """Available presence of an occupant as that session must see it (7.1)."""
        own = viewer in occupant.sessions
        if own and self.room.settings.whois == "anyone":
            allowed = {*allowed, "100"}
        values = {
            "affiliation": self.affiliation(occupant.bare), "role": occupant.role,
            "jids": jids(self.known(occupant), self.sight(viewer, occupant)), "mark": True,
            "codes": codes({"110"} | set(extra) if own else set(extra), allowed),
            "show": one_of(*{s for s, _ in occupant.sessions.values()}),
            "status": one_of(*{t for _, t in occupant.sessions.values()}),
            "new_nick": one_of(None, occupant.nick)}
        return Want("presence", nick=occupant.nick, **{**values, **fields})

    def absence_of(self, viewer, occupant, sees, extra=(), roles=("none",), **fields):
        """Unavailable presence of one that was an occupant."""
        own = viewer in occupant.sessions
        values = {
            "affiliation": self.affiliation(occupant.bare), "role": one_of(*roles),
            "jids": jids(self.known(occupant), sees),
            "mark": True, "codes": codes({"110"} | set(extra) if own else set(extra)), "status": anything,
            "new_nick": one_of(None, occupant.nick)}
        return Want("presence", nick=occupant.nick, type="unavailable", **{**values, **fields})

    def by(self, viewer_sees, actor, reason):
        """The fields <actor/> and <reason/> of a stanza may have."""
        occupant = self.occupant(actor)
        nicks = {None, occupant.nick if occupant else None}
        real = {None} | (set(self.sessions[actor]) if viewer_sees else set())

        def check(value):
            return value is None or value[0] in nicks and value[1] in real
        check.text = f"actor {nicks} {real}"
        return {"actor": check, "reason": reason if self.rules.reasons else one_of(None, reason)}

    def broadcast(self, occupant, before=None, optional=False, actor=None, reason=None, left=()):
        """Its presence to everybody in the room, its role having been `before`."""
        was_shown = before is None or before in self.room.settings.present
        for viewer in self.inside():
            extra = self.by(self.sees_jids(viewer), actor, reason) if actor else {}
            if left:
                extra = {"jids": jids(self.known(occupant, left), self.sight(viewer, occupant))}
            if viewer in occupant.sessions or self.shown(occupant):
                want = self.presence_of(viewer, occupant, **extra)
            elif was_shown and before is not None:
                want = self.absence_of(viewer, occupant, self.sight(viewer, occupant), roles=rules_of.ROLES,
                                       show=anything, **{**extra, "reason": one_of(None, reason)})
            else:
                continue
            want.optional = optional
            self.tell(viewer, want)

    def remove(self, occupant, extra=(), actor=None, reason=None, silent=(), loose=(), status=anything):
        """Out with all its sessions: everybody is told, those leaving too (but for `silent`)."""
        viewers = [(v, self.sight(v, occupant)) for v in self.inside()]
        shown = self.shown(occupant)
        for viewer, sees in viewers:
            if viewer in silent or viewer not in occupant.sessions and not shown:
                continue
            fields = self.by(sees, actor, reason) if actor else {}
            want = self.absence_of(viewer, occupant, sees, extra, status=status, **fields)
            want.optional = viewer in loose
            self.tell(viewer, want)
        del self.room.occupants[occupant.nick]

    def look_whether_empty(self):
        if self.room and not self.room.occupants and not self.room.settings.persistent:
            self.room = None

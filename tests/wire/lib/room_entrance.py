# SPDX-License-Identifier: MIT
"""Coming and going in the reference model of a room: XEP-0045 7.1, 7.2, 7.6, 7.7, 7.14."""
from dataclasses import replace

from . import room_rules as rules_of
from .room_facts import Want, anything, jids, one_of
from .room_rules import rank
from .room_state import Occupant, Room, State


class Entrance(State):
    def refusals(self, label, nick, password):
        """Every condition an entrance could be refused with; which one comes first is not said."""
        room, bare = self.room, self.bare(label)
        affiliation, holder = self.affiliation(bare), room.occupants.get(nick)
        full = {"nicks": len(room.occupants), "sessions": len(self.inside())}[self.rules.full_counts]
        return {condition for condition, holds in {
            "item-not-found": room.locked,
            "forbidden": affiliation == "outcast",
            "registration-required": room.settings.members_only and rank(affiliation) < rank("member"),
            "not-authorized": room.settings.password and password != room.settings.password,
            "conflict": holder is not None and holder.bare != bare,
            "service-unavailable": room.settings.max_users and full >= room.settings.max_users
            and rank(affiliation) < rank("admin") and holder is None,
        }.items() if holds}

    def on_join(self, label, nick, password=None, history=None, show=None, status=None):
        mine = self.occupant(label)
        if self.room is None:
            self.room = Room(replace(self.rules.defaults), {self.bare(label): "owner"})
            if self.rules.first_password_counts:
                self.room.settings.password = password or ""
            return self.enters(label, nick, (show, status), history, created=True)
        if mine is not None and (mine.nick != nick or self.room.locked):
            return "open"
        if self.room.locked and self.affiliation(self.bare(label)) == "owner":
            return "open"  # another session of who founds it
        if mine is not None:
            return self.synchronises(label, mine, (show, status), history)
        if not self.rules.second_nick and any(o.bare == self.bare(label) and o.nick != nick
                                              for o in self.room.occupants.values()):
            return "open"
        conditions = self.refusals(label, nick, password)
        if conditions:
            return self.refuse(label, "presence", conditions, nick)
        return self.enters(label, nick, (show, status), history)

    def enters(self, label, nick, presence, history, created=False):
        room = self.room
        occupant = room.occupants.get(nick)
        if occupant is None:
            role = rules_of.default_role(room.settings, self.affiliation(self.bare(label)))
            occupant = room.occupants[nick] = Occupant(nick, self.bare(label), role)
        occupant.sessions[label] = presence
        self.shows_room(label, occupant, {"201"} if created else (), history)
        for viewer in self.inside():
            if viewer != label and (self.shown(occupant) or viewer in occupant.sessions):
                self.tell(viewer, self.presence_of(viewer, occupant))

    def synchronises(self, label, mine, presence, history):
        changed = mine.sessions[label] != presence
        mine.sessions[label] = presence
        self.shows_room(label, mine, (), history, again=True)
        for viewer in self.inside():
            if viewer != label and (self.shown(mine) or viewer in mine.sessions):
                want = self.presence_of(viewer, mine)
                want.optional = not changed
                self.tell(viewer, want)

    def shows_room(self, label, occupant, extra, history, again=False):
        """7.1: the others, oneself, the past, the subject, in this order."""
        room = self.room
        for other in room.occupants.values():
            if other is not occupant and (self.shown(other) or other.bare == occupant.bare):
                want = self.presence_of(label, other)
                want.optional = not self.shown(other)
                self.tell(label, want)
        self.then(label)
        warned = ({"100"} if room.settings.whois == "anyone" else set()) | ({"170"} if self.rules.logged else set())
        loose = again and not self.rules.resync_is_join
        self.tell(label, self.presence_of(label, occupant, set(extra) | (set() if loose else warned),
                                          warned if loose else ()))
        limit = self.rules.history_limit if history is None else min(history, self.rules.history_limit)
        for nick, body, real in room.history[-limit:] if limit else []:
            self.then(label)
            self.tell(label, Want(
                "message", type="groupchat", nick=nick, body=body, delayed=True, mark=anything, affiliation=anything,
                role=anything, jids=jids(real, None if self.sees_jids(label) else False)))
        self.then(label)
        self.tell(label, Want("message", type="groupchat", nick=anything, subject=room.subject, delayed=anything))
        self.then(label)

    def on_leave(self, label, status=None):
        self.leaves(label, status=status)

    def on_offline(self, label):
        """General unavailable presence: its server passes it on."""
        self.leaves(label, loose=(label,))

    def on_quit(self, label):
        self.leaves(label, silent=(label,))

    on_lose = on_quit

    def leaves(self, label, silent=(), loose=(), status=None):
        occupant = self.occupant(label)
        if occupant is None:
            return
        if len(occupant.sessions) == 1:
            self.remove(occupant, silent=silent, loose=loose, status=anything if silent or loose else status)
            return self.look_whether_empty()
        if label not in silent:
            gone = replace(occupant, sessions={label: None})
            want = self.absence_of(label, gone, None, roles=self.rules.leaving_session_role)
            want.fields["jids"] = jids(self.known(occupant), None)
            want.optional = label in loose
            self.tell(label, want)
        del occupant.sessions[label]
        occupant.thinned = True
        self.broadcast(occupant, optional=True, left={label} if self.rules.shows_left_session else set())

    def on_nick(self, label, nick):
        occupant = self.occupant(label)
        if occupant is None:
            return self.stranger(label, nick)
        if occupant.nick == nick:
            return self.on_presence(label)
        holder = self.room.occupants.get(nick)
        if holder is not None and holder.bare != occupant.bare:
            return self.refuse(label, "presence", {"conflict"}, nick)
        if holder is not None or len(occupant.sessions) > 1 or occupant.thinned and self.rules.confused_by_left_sessions:
            return "open"
        if self.rules.loses_lone_renamer and len(self.room.occupants) == 1:
            return "open"
        viewers = [v for v in self.inside() if v in occupant.sessions or self.shown(occupant)]
        for viewer in viewers:
            self.tell(viewer, self.absence_of(viewer, occupant, self.sight(viewer, occupant), {"303"},
                                              roles=("none", occupant.role), new_nick=nick))
        self.then(*viewers)
        del self.room.occupants[occupant.nick]
        occupant.nick = nick
        occupant.sessions[label] = (None, None)
        self.room.occupants[nick] = occupant
        for viewer in viewers:
            self.tell(viewer, self.presence_of(viewer, occupant))
        self.then(*viewers)

    def on_presence(self, label, show=None, status=None):
        occupant = self.occupant(label)
        if occupant is None:
            return self.stranger(label, "anybody")
        occupant.sessions[label] = (show, status)
        return self.broadcast(occupant)

    def stranger(self, label, nick):
        """7.1.15: a kick is recommended; an error makes a client join again too. Never a silent join."""
        if self.room is None:
            return "open"
        return self.tell(label, Want(
            "presence", type=one_of("error", "unavailable"), nick=nick, condition=anything, mark=anything,
            affiliation=anything, role=one_of(None, "none"), reason=anything, jids=jids(set(self.sessions[label]), None),
            status=anything, codes=one_of(frozenset(), frozenset({"110", "307", "333"}))))

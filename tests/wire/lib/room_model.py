# SPDX-License-Identifier: MIT
"""A room as XEP-0045 1.35 describes it, in the simplest terms: who is in it under which nick with which
sessions, who is what, how it is set. apply(step) says what each session must hear of it (room_facts),
or None for a step the XEP does not decide. Written from the XEP; knows nothing of any server but Rules.
"""
from collections import defaultdict

from . import room_rules as rules_of
from .room_authority import Authority
from .room_entrance import Entrance
from .room_facts import Want, one_of


class Model(Entrance, Authority):
    """Model(rules, sessions), `sessions`: label → (bare JID, full JID)."""

    def apply(self, step):
        verb, label, arguments = step
        if self.room and self.room.locked and verb in ("role", "affiliation", "list", "nick", "subject",
                                                         "private", "presence"):
            return None
        self.heard = defaultdict(lambda: [[]])
        if getattr(self, "on_" + verb)(label, **arguments) == "open":
            return None
        return dict(self.heard)

    # ---- talking (7.4, 7.5, 8.1) -----------------------------------------------------------------

    def may_speak(self, label):
        """None, or the conditions to refuse with."""
        occupant = self.occupant(label)
        if self.room is None:
            return {"item-not-found"}
        if occupant is None:
            return self.rules.locked_message if self.room.locked else {"not-acceptable", "forbidden"}
        if occupant.role == "visitor" and not (self.rules.unmoderated_visitor_speaks
                                               and not self.room.settings.moderated):
            return {"forbidden"}
        return None

    def on_say(self, label, body, id):
        conditions = self.may_speak(label)
        if conditions:
            return self.refuse(label, "message", conditions)
        nick = self.occupant(label).nick
        self.room.history.append((nick, body, set(self.sessions[label])))
        for viewer in self.inside():
            self.tell(viewer, Want("message", type="groupchat", nick=nick, body=body, id=id))
        return None

    def on_subject(self, label, subject):
        occupant = self.occupant(label)
        if occupant is None:
            return self.refuse(label, "message", self.may_speak(label))
        if self.may_speak(label) or occupant.role != "moderator" and not self.room.settings.change_subject:
            return self.refuse(label, "message", {"forbidden"})
        same, self.room.subject = self.room.subject == subject, subject
        for viewer in self.inside():
            self.tell(viewer, Want("message", optional=same, type="groupchat", nick=one_of("", occupant.nick),
                                   subject=subject))
        return None

    def on_private(self, label, nick, body, id, type="chat"):
        if self.room is None:
            return self.refuse(label, "message", {"item-not-found"} | ({"bad-request"} if type == "groupchat" else set()), nick)
        sender, target = self.occupant(label), self.room.occupants.get(nick)
        conditions = set()
        if sender is None:
            conditions |= {"not-acceptable", "forbidden"}
        elif not rules_of.may_private(self.room.settings, sender.role):
            conditions |= {"forbidden", "not-allowed", "not-acceptable", "service-unavailable", "policy-violation"}
        if type == "groupchat":
            conditions.add("bad-request")
        if target is None:
            conditions.add("item-not-found")
        if conditions:
            return self.refuse(label, "message", conditions, nick)
        for viewer in target.sessions:
            self.tell(viewer, Want("message", type=type, nick=sender.nick, body=body, id=id, mark=True))
        return None

    def on_ping(self, label, nick):
        """XEP-0410: am I still in?"""
        occupant = self.occupant(label)
        if occupant is not None and occupant.nick != nick:
            return "open"
        if occupant is not None:
            return self.answer(label, nick=nick)
        return self.refuse(label, "iq", {"not-acceptable"} if self.room else
                           {"not-acceptable", "item-not-found", "service-unavailable"}, nick)

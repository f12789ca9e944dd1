# SPDX-License-Identifier: MIT
"""Roles, affiliations, configuration and the end of the reference model of a room: XEP-0045 8, 9, 10."""
from dataclasses import replace

from . import room_rules as rules_of
from .room_facts import ROOM_STATUS, Want, anything, codes, jids, one_of
from .room_state import State


class Authority(State):
    # ---- roles and affiliations (8, 9, 10) ------------------------------------------------------

    def on_role(self, label, nick, role, reason=None):
        if self.room is None:
            return self.refuse(label, "iq", {"item-not-found"})
        actor, target = self.occupant(label), self.room.occupants.get(nick)
        mine = (self.affiliation(self.bare(label)), actor.role if actor else "none")
        may = rules_of.moderates(self.rules, *mine)
        if actor is None and not may and any(o.bare == self.bare(label) for o in self.room.occupants.values()):
            return "open"  # 8: "the user@host of the from address": another session of a moderator
        if target is None:
            conditions = {"item-not-found"} | (set() if may else self.rules.not_moderator)
            return self.refuse(label, "iq", conditions)
        theirs = (self.affiliation(target.bare), target.role)
        conditions = rules_of.may_set_role(self.rules, mine, theirs, role, actor is target)
        if conditions is None:
            return "open"
        if conditions:
            return self.refuse(label, "iq", conditions)
        self.answer(label)
        return self.sets_role(label, target, role, reason)

    def sets_role(self, label, target, role, reason):
        if role == "none":
            self.remove(target, {"307"}, label, reason)
            return self.look_whether_empty()
        before, target.role = target.role, role
        self.broadcast(target, before, before == role, label, reason)
        return self.refreshes(target, before)

    def refreshes(self, occupant, before):
        """Who begins or ceases to see JIDs may be shown everybody again."""
        if (before == "moderator") != (occupant.role == "moderator") and self.room.settings.whois != "anyone":
            for viewer in occupant.sessions:
                for other in self.room.occupants.values():
                    if other is not occupant and (self.shown(other) or other.bare == occupant.bare):
                        want = self.presence_of(viewer, other)
                        want.optional = True
                        self.tell(viewer, want)

    def on_affiliation(self, label, bare, affiliation, reason=None):
        if self.room is None:
            return self.refuse(label, "iq", {"item-not-found"})
        owners = [jid for jid, a in self.room.affiliations.items() if a == "owner" and jid != self.bare(label)]
        conditions = rules_of.may_set_affiliation(
            self.rules, self.affiliation(self.bare(label)), self.affiliation(bare), affiliation,
            bare == self.bare(label), bool(owners))
        theirs = [o for o in self.room.occupants.values() if o.bare == bare]
        if conditions is None or len(theirs) > 1 and not conditions and affiliation != "outcast":
            return "open"  # in which order a person's nicks change is not said
        if conditions:
            return self.refuse(label, "iq", conditions)
        self.answer(label)
        return self.sets_affiliation(label, bare, affiliation, reason)

    def sets_affiliation(self, label, bare, affiliation, reason):
        room, before = self.room, self.affiliation(bare)
        room.affiliations[bare] = affiliation
        if affiliation == "none":
            del room.affiliations[bare]
        theirs = [o for o in room.occupants.values() if o.bare == bare]
        stay = affiliation != "outcast" and not (affiliation == "none" and room.settings.members_only)
        roles = [o.role for o in theirs]
        for occupant in theirs if stay else []:
            occupant.role = rules_of.role_after(self.rules, room.settings, occupant.role, before, affiliation)
        if not stay:
            self.throws_out(theirs, {"301" if affiliation == "outcast" else "321"}, label, reason)
        for occupant, role in zip(theirs, roles) if stay else []:
            self.broadcast(occupant, role, before == affiliation and role == occupant.role, label, reason)
            self.refreshes(occupant, role)
        if not theirs:
            self.notes_absent(bare, affiliation)
        self.look_whether_empty()

    def notes_absent(self, bare, affiliation):
        """10.3 and others: the room MAY say it to those present, if they may know who that is."""
        for viewer in self.inside():
            self.tell(viewer, Want(
                "message", optional=True, type=anything, mark=True, affiliation=affiliation,
                role=one_of(None, "none"), jids=jids({bare}, None if self.sees_jids(viewer) else False),
                codes=codes((), {"101", "301", "321"}), reason=anything, body=anything))

    def on_list(self, label, affiliation=None, role=None):
        if self.room is None:
            return self.refuse(label, "iq", {"item-not-found"})
        actor, mine = self.occupant(label), self.affiliation(self.bare(label))
        if affiliation:
            allowed = rules_of.may_list_affiliation(self.rules, self.room.settings, mine, actor is not None, affiliation)
            wanted = {(affiliation, jid) for jid, a in self.room.affiliations.items() if a == affiliation}

            def check(items):
                return items is not None and {(a, jid) for a, _, jid, _ in items} == wanted \
                    and all(r is None for _, r, _, _ in items)
        else:
            allowed = rules_of.may_list_role(mine, actor.role if actor else "none", role)
            wanted = {(self.affiliation(o.bare), o.role, real, o.nick) for o in self.room.occupants.values()
                      if o.role == role for real in self.known(o)}

            def check(items):
                return items is not None and items <= wanted and {i[3] for i in items} == {w[3] for w in wanted}
        check.text = f"the items {wanted}"
        if allowed is False:
            return self.refuse(label, "iq", {"forbidden"})
        if allowed:
            return self.answer(label, items=check)

        def either(items):
            return items is None or check(items)
        either.text = "a refusal or " + check.text
        return self.tell(label, Want("iq", type=one_of("result", "error"), condition=one_of(None, "forbidden"),
                                     items=either))

    # ---- the room itself (10) ------------------------------------------------------------------

    def owner_only(self, label):
        """Refused: True."""
        if self.room is None:
            self.refuse(label, "iq", {"item-not-found"})
        elif self.affiliation(self.bare(label)) != "owner":
            self.refuse(label, "iq", {"forbidden"} | ({"item-not-found"} if self.room.locked else set()))
        else:
            return False
        return True

    def on_config(self, label, **changes):
        if self.owner_only(label):
            return None
        strangers = any(self.affiliation(o.bare) == "none" for o in self.room.occupants.values())
        if self.rules.says_nothing_of_322 and changes.get("members_only") and strangers:
            return "open"
        if len({"present", "moderated", "whois", "members_only"} & set(changes)) > 1:
            return "open"  # whose presence is shown how often in between is not said
        if changes.get("persistent") is False and not self.room.occupants and self.rules.keeps_empty:
            return "open"
        self.answer(label)
        settings = self.room.settings
        changed = {k for k, v in changes.items() if getattr(settings, k) != v}
        before = [(o, self.shown(o)) for o in self.room.occupants.values()]
        was_locked, self.room.locked = self.room.locked, False
        viewers = self.inside()
        self.room.settings = replace(settings, **changes)
        if "members_only" in changed and changes["members_only"]:
            strangers = [o for o, _ in before if self.affiliation(o.bare) == "none"]
            self.throws_out(strangers, {"322"}, label)
        if "present" in changed:
            self.appear([(o, shown) for o, shown in before if o.nick in self.room.occupants])
        if "moderated" in changed and self.rules.moderation_adapts_roles:
            self.adapts_roles()
        self.tells_config(viewers, changed, was_locked)
        return self.look_whether_empty()

    def throws_out(self, occupants, codes, actor, reason=None):
        """Whether one of them still sees another go is chance."""
        for occupant in occupants:
            others = [v for o in occupants if o is not occupant for v in o.sessions]
            for viewer in others if self.shown(occupant) else []:
                self.tell(viewer, self.absence_of(
                    viewer, occupant, self.sight(viewer, occupant) if self.occupant(viewer) else None, codes,
                    **self.by(False, actor, reason)))
                self.heard[viewer][-1][-1].optional = True
            self.remove(occupant, codes, actor, reason, silent=others)

    def adapts_roles(self):
        """Those without an affiliation have the voice a newcomer has."""
        usual = rules_of.default_role(self.room.settings, "none")
        for occupant in self.room.occupants.values():
            if self.affiliation(occupant.bare) == "none" and occupant.role not in ("moderator", usual):
                before, occupant.role = occupant.role, usual
                self.broadcast(occupant, before)

    def appear(self, before):
        for occupant, shown in before:
            for viewer in self.inside():
                want = None
                if viewer in occupant.sessions or self.shown(occupant) and not shown:
                    want = self.presence_of(viewer, occupant)
                    want.optional = viewer in occupant.sessions
                elif shown and not self.shown(occupant):
                    want = self.absence_of(viewer, occupant, self.sight(viewer, occupant), roles=rules_of.ROLES,
                                           show=anything)
                if want:
                    self.tell(viewer, want)

    def tells_config(self, viewers, changed, was_locked):
        """10.2.1"""
        needed = {"172" if self.room.settings.whois == "anyone" else "173"} if "whois" in changed else set()
        if changed and not needed:
            needed = {"104"}
        for viewer in viewers:
            stays = self.occupant(viewer) is not None
            self.tell(viewer, Want(
                "message", optional=was_locked or not changed or not stays, type="groupchat", mark=True,
                codes=codes(needed, ROOM_STATUS if was_locked else {"104"})))
            if stays and "whois" in changed:
                for other in self.room.occupants.values():
                    if self.shown(other) or viewer in other.sessions:
                        want = self.presence_of(viewer, other, allowed={"100"})
                        want.optional = True
                        self.tell(viewer, want)

    def on_unlock(self, label):
        """An empty form: an instant room (10.1.2); nothing changes in one that is open."""
        if not self.owner_only(label):
            self.answer(label)
            self.tells_config(self.inside(), set(), True)
            self.room.locked = False

    def on_cancel(self, label):
        if self.owner_only(label):
            return
        self.answer(label)
        if self.room.locked and self.rules.cancel_destroys:
            for viewer in self.inside():
                self.tell(viewer, self.absence_of(
                    viewer, self.occupant(viewer), None, affiliation=anything, destroy=anything,
                    codes=codes((), {"110"})))
            self.room = None

    def on_destroy(self, label, reason=None, alternate=None):
        if self.owner_only(label):
            return
        self.answer(label)
        for viewer in self.inside():
            occupant = self.occupant(viewer)
            self.tell(viewer, self.absence_of(
                viewer, occupant, None, destroy=(alternate, reason), codes=codes((), {"110"}),
                affiliation=one_of("none", self.affiliation(occupant.bare))))
        self.room = None

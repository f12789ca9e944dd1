# SPDX-License-Identifier: MIT
"""Random steps for a room, most of them sensible where the model stands, some forbidden or absurd. A step
is (verb, session, arguments) and can be taken in any state, so that a list of them can be shrunk."""
from .room_rules import AFFILIATIONS, ROLES

NICKS = ["fox", "owl", "hare", "Wolf", "zoë", "mole"]
SHOWS = [None, None, "away", "dnd"]


class Steps:
    def __init__(self, dice, model, accounts):
        self.dice, self.model, self.accounts = dice, model, accounts
        self.labels = sorted(model.sessions)
        self.number = 0
        self.weights = {
            "join": 22, "leave": 5, "lose": 3, "quit": 2, "offline": 2, "nick": 7, "presence": 6, "role": 14,
            "affiliation": 14, "list": 6, "config": 8, "unlock": 0.5, "cancel": 0.5, "say": 12, "subject": 4,
            "private": 7, "destroy": 0.7, "ping": 4}

    def next(self):
        room = self.model.room
        if room is None and self.dice.random() < 0.85:
            return self.join(self.label())
        if room is not None and room.locked and self.dice.random() < 0.6:
            owner = next(iter(self.model.inside()))
            return (self.dice.choice(["unlock", "config", "config", "cancel"]), owner, {}) if self.dice.random() < 0.5 \
                else self.config(owner)
        verb = self.dice.choices(list(self.weights), self.weights.values())[0]
        return getattr(self, verb, lambda label: (verb, label, {}))(self.label(verb))

    # ---- choosing -----------------------------------------------------------------------------

    def label(self, verb=None):
        inside = self.model.inside()
        if not inside or self.dice.random() < 0.1:
            return self.dice.choice(self.labels)
        if verb == "join":
            outside = [label for label in self.labels if label not in inside]
            return self.dice.choice(outside if outside and self.dice.random() < 0.9 else self.labels)
        if verb in ("role", "affiliation", "list", "config", "destroy") and self.dice.random() < 0.75:
            chiefs = [label for label in inside if self.model.affiliation(self.model.bare(label)) in ("owner", "admin")
                      or self.model.occupant(label).role == "moderator"]
            return self.dice.choice(chiefs or inside)
        return self.dice.choice(inside)

    def a_nick(self):
        taken = list(self.model.room.occupants) if self.model.room else []
        return self.dice.choice(taken if taken and self.dice.random() < 0.85 else NICKS)

    def maybe(self, value, chance=0.4):
        return value if self.dice.random() < chance else None

    def text(self):
        self.number += 1
        return f"<{self.number}> & so on"

    # ---- steps --------------------------------------------------------------------------------

    def join(self, label):
        room, bare = self.model.room, self.model.bare(label)
        mine = self.model.occupant(label)
        own = [o.nick for o in room.occupants.values() if o.bare == bare] if room else []
        nick = self.dice.choice(NICKS)
        if mine is not None:
            nick = mine.nick
        elif own and self.dice.random() < 0.7:
            nick = self.dice.choice(own)
        password = room.settings.password if room else None
        if self.dice.random() < 0.15:
            password = self.dice.choice([None, "wrong"])
        return ("join", label, {"nick": nick, "password": password or None, "history": self.dice.choice([0, 1, 3, 5]),
                                "show": self.dice.choice(SHOWS), "status": self.maybe("here")})

    def leave(self, label):
        return ("leave", label, {"status": self.maybe("so long")})

    def nick(self, label):
        return ("nick", label, {"nick": self.dice.choice(NICKS)})

    def presence(self, label):
        return ("presence", label, {"show": self.dice.choice(SHOWS), "status": self.maybe("hm")})

    def role(self, label):
        return ("role", label, {"nick": self.a_nick(), "role": self.dice.choices(ROLES, [1.2, 3, 3, 2])[0],
                                "reason": self.maybe("because")})

    def affiliation(self, label):
        bare = self.dice.choice(self.accounts)
        return ("affiliation", label, {"bare": bare, "reason": self.maybe("for good"), "affiliation":
                                       self.dice.choices(AFFILIATIONS, [1.5, 3, 3, 2, 1])[0]})

    def list(self, label):
        if self.dice.random() < 0.7:
            return ("list", label, {"affiliation": self.dice.choice(["outcast", "member", "admin", "owner"])})
        return ("list", label, {"role": self.dice.choice(["participant", "moderator", "visitor"])})

    def config(self, label):
        values = {
            "moderated": [True, False, True], "members_only": [True, False, False, False], "whois": ["anyone", "moderators"],
            "password": ["", "", "cauldronburn"], "max_users": [0, 0, 2, 3], "change_subject": [True, False],
            "persistent": [True, False], "allow_pm": ["anyone", "anyone", "participants", "moderators", "none"],
            "present": [frozenset(p) for p in (("moderator", "participant", "visitor"), ("moderator", "participant", "visitor"),
                                               ("moderator", "participant"), ("moderator",))]}
        options = self.dice.sample(self.model.rules.options, self.dice.choice([1, 1, 2, 3]))
        return ("config", label, {o: self.dice.choice(values[o]) for o in sorted(options)})

    def say(self, label):
        return ("say", label, {"body": self.text(), "id": f"say{self.number}"})

    def subject(self, label):
        return ("subject", label, {"subject": self.dice.choice(["", "Fire burn", "& bubble"])})

    def private(self, label):
        return ("private", label, {"nick": self.a_nick(), "body": self.text(), "id": f"pm{self.number}",
                                   "type": self.dice.choice(["chat", "chat", "chat", "groupchat"])})

    def destroy(self, label):
        return ("destroy", label, {"reason": self.maybe("Macbeth doth come."), "alternate": None})

    def ping(self, label):
        mine = self.model.occupant(label)
        return ("ping", label, {"nick": mine.nick if mine else self.a_nick()})

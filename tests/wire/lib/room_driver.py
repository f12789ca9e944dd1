# SPDX-License-Identifier: MIT
"""Takes steps in a real room with raw clients, from one thread, and compares what every session hears with
what the model says.

    world = World(server, service, rules)       # accounts and connections, used for many rooms
    run(world, seed, 500)                       # raises Mismatch, with the steps in it
    shrink(world, mismatch)                     # a shorter list that still fails
"""
import json
import random
import re
import time
from collections import Counter
from xml.sax.saxutils import quoteattr

from . import process
from .client import Client
from .dom import NS
from .room_facts import compare, fact_of, mandatory, show
from .room_model import Model
from .room_steps import Steps
from .room_words import Words, number
from .stream import Ended



class Mismatch(AssertionError):
    def __init__(self, reason, steps, seed=None):
        self.reason, self.steps, self.seed = reason, steps, seed
        self.kind = re.sub(r"'[^']*'|\d+", "", reason.split("\n      heard:")[0])
        listing = "\n".join(f"    {s!r}," for s in steps[-60:])
        super().__init__(f"{reason}\n  seed {seed}, after {len(steps)} steps, the last:\n{listing}")


class World:
    """Four accounts with two sessions each and one onlooker. Sessions "x1" send initial presence, "x2" do not."""

    def __init__(self, server, service, rules, model=Model):
        self.server, self.service, self.rules, self.model = server, service, rules, model
        self.accounts = {name: server.fresh(name) for name in ("ann", "bob", "cat", "dan")}
        self.sessions = {f"{name}{i}": (jid, f"{jid}/{name}{i}") for name, jid in self.accounts.items() for i in (1, 2)}
        self.clients = {}
        self.onlooker = self.client(server.fresh("eve"), "eve").logs_in()

    def client(self, jid, resource):
        tls = "none" if "none" in getattr(self.server, "ports", {}) else "starttls"
        return Client(self.server, jid, "secret", resource, tls=tls, label=resource, **self.server.client_defaults)

    def connected(self, label):
        client = self.clients.get(label)
        if client is None or client.eof:
            bare, full = self.sessions[label]
            client = self.clients[label] = self.client(bare, full.split("/")[1]).logs_in()
            assert client.full == full
            if label.endswith("1"):
                client.sends("<presence/>")
            client.round_trip()
            client.round_trip()
            client.events.clear()
        return client

    def close(self):
        for client in [*self.clients.values(), self.onlooker]:
            client.breaks()


class Play(Words):
    """One room, from nothing on."""

    def __init__(self, world):
        self.world = world
        self.jid = f"play{number()}@{world.service}"
        self.model = world.model(world.rules, world.sessions)
        self.steps, self.rosters = [], {}
        self.invited = set()
        self.tally = Counter()  # (verb, granted or refused)
        self.late = []      # (label, want) of a loss, whenever it is noticed
        self.private, self.unread = {}, {}  # label or bare JID: bodies

    # ---- sending ------------------------------------------------------------------------------

    def take(self, step):
        """One step, and what came of it."""
        verb, label, arguments = step
        client = self.world.connected(label)
        occupant = self.model.occupant(label)
        expected = self.model.apply(step)
        if expected is None:
            return
        self.steps.append(step)
        self.invited = {arguments["bare"]} if verb == "affiliation" else set()
        text = getattr(self, "text_of_" + verb)(label, occupant, **arguments)
        if text:
            client.sends(text)
        elif verb == "lose":
            client.resets()
        elif verb == "quit":
            client.ends()
        if verb in ("lose", "quit"):
            self.awaits_end_of(label)
            self.unread.setdefault(self.model.bare(label), set()).update(self.private.pop(label, ()))
            self.late = [(of, want) for of, groups in expected.items() for g in groups for want in g if want.optional]
        heard = self.collect(client, expected)
        if verb == "offline" and label.endswith("1"):
            client.sends("<presence/>")
        self.judge(expected, heard)
        refused = any(w.fields["type"] == "error" for g in expected.get(label, []) for w in g)
        self.tally[verb, "refused" if refused else "granted"] += 1

    # ---- hearing ------------------------------------------------------------------------------

    def awaits_end_of(self, label):
        """Until the server knows that the session is over: nobody else may be there to hear of it."""
        self.world.clients.pop(label).breaks()
        self.rosters.pop(label, None)
        full, onlooker = self.world.sessions[label][1], self.world.onlooker
        asked = []

        def is_gone():
            asked.append(f"gone{number()}")
            onlooker.sends(f"<iq type='get' id='{asked[-1]}' to={quoteattr(full)}><ping xmlns='{NS['ping']}'/></iq>")
            onlooker.round_trip()
            answers = [e for k, e in onlooker.events if k == "element" and e.get("id") in asked]
            onlooker.events.clear()
            return bool(answers)
        process.wait_until(is_gone, f"the end of {full}")
        if hasattr(self.world.server, "ctl"):  # Prosody does both in one step
            process.wait_until(lambda: self.is_out(full), f"the end of {full} in {self.jid}")

    def is_out(self, full):
        """Nobody hears of it when one of several sessions of a nick ends, or the last of all."""
        status, shown, _ = self.world.server.ctl("room", "show", self.jid, "--json", check=False)
        return status != 0 or all(row["jid"] != full for row in json.loads(shown)["rows"])

    def collect(self, actor, expected):
        """What everybody hears until everything this step causes must have come."""
        if not actor.eof:
            actor.round_trip()
        for label, groups in expected.items():  # of a loss nobody knows when it has been noticed
            client = self.world.clients.get(label)
            if client is not None and actor.eof:
                self.waits_for(client, mandatory(groups))
        marks = {}
        for label, client in self.world.clients.items():
            marks[label] = f"mark{number()}"
            client.sends(f"<iq type='get' id='{marks[label]}' to='{client.domain}'><ping xmlns='{NS['ping']}'/></iq>")
        return {label: self.hears_until(self.world.clients[label], mark) for label, mark in marks.items()}

    def waits_for(self, client, count):
        """Until so many stanzas of the room are there; fewer is for judge() to tell."""
        before = []
        try:
            while sum(e.get("from", "").startswith(self.jid) for e in before) < count:
                before.append(client.next_element(patience=5))
        except (TimeoutError, Ended):
            pass
        client.events[:0] = [("element", e) for e in before]

    def hears_until(self, client, mark):
        heard = []
        while True:
            element = client.next_element()
            if element.get("id") == mark:
                return heard
            heard.append(element)

    # ---- judging ------------------------------------------------------------------------------

    def judge(self, expected, heard):
        for label, elements in heard.items():
            facts = [f for f in (fact_of(e, self.jid) for e in elements) if f is not None]
            facts = [f for f in facts if not self.is_courtesy(label, f)]
            self.private.setdefault(label, set()).update(f["body"] for f in facts if f["type"] == "chat")
            reason = compare(expected.get(label, []), facts)
            if reason is not None and any(self.is_late(label, f) for f in facts):
                facts = [f for f in facts if not self.is_late(label, f)]
                reason = compare(expected.get(label, []), facts)
            if reason is None:
                reason = self.keeps_roster(label, facts)
            if reason is not None:
                actor = self.steps[-1][1]
                raise Mismatch(f"{label}: {reason}\n      heard: " + "\n             ".join(map(show, facts))
                               + f"\n      wanted for {actor}: {expected.get(actor)}", self.steps)
        for label in expected:
            if label not in heard and mandatory(expected[label]):
                raise Mismatch(f"{label} is not connected, but should hear {expected[label]}", self.steps)

    def is_courtesy(self, label, fact):
        """An invitation or a word on a changed affiliation to the account, who need not be in the room; or what a
        lost session of the same account may not have read."""
        if self.world.rules.answers_unavailable and (fact["kind"], fact["condition"]) == ("presence", "item-not-found") \
                and self.steps[-1][0] in ("offline", "leave"):
            return True
        if fact["type"] == "chat" and fact["delayed"]:
            return fact["body"] in self.unread.get(self.model.bare(label), ())
        if fact["kind"] not in ("invite", "message") or fact["type"] in ("groupchat", "chat", "error"):
            return False
        about_it = fact["kind"] == "invite" or "101" in fact["codes"]
        return about_it and fact["nick"] == "" and self.model.bare(label) in self.invited

    def is_late(self, label, fact):
        return any(label == of and want.differs(fact) is None for of, want in self.late)

    def keeps_roster(self, label, facts):
        """What a client makes of the presence it got is what the model has."""
        roster = self.rosters.setdefault(label, {})
        for fact in facts:
            if fact["kind"] != "presence" or fact["type"] == "error":
                continue
            if fact["type"] == "unavailable":
                roster.pop(fact["nick"], None)
            else:
                roster[fact["nick"]] = (fact["affiliation"], fact["role"])
        if self.model.occupant(label) is None:
            roster.clear()
        wanted, bare = self.model.roster(label), self.model.bare(label)
        for nick, occupant in self.model.room.occupants.items() if wanted else ():
            if nick in roster and nick not in wanted and occupant.bare == bare:
                wanted[nick] = roster[nick]
        if roster != wanted:
            return f"its occupant list is {roster}, the model's {wanted}"
        return None

    def tidies_up(self):
        """Nobody stays, so that the next room begins among strangers."""
        for label in [v for v in self.model.inside()]:
            self.take(("leave", label, {}))


def run(world, seed, count):
    """`count` steps of that seed."""
    dice, play = random.Random(seed), Play(world)
    steps = Steps(dice, play.model, list(world.accounts.values()))
    try:
        for _ in range(count):
            play.take(steps.next())
        play.tidies_up()
    except Mismatch as failure:
        raise Mismatch(failure.reason, failure.steps, seed) from None
    return play


def replay(world, steps):
    """The Mismatch these steps end with, or None."""
    play = Play(world)
    try:
        for step in steps:
            play.take(step)
    except Mismatch as failure:
        return failure
    finally:
        for label in play.model.inside():
            world.connected(label).ends()
            play.awaits_end_of(label)
        for client in world.clients.values():
            client.round_trip()
            client.events.clear()
    return None


def shrink(world, failure, seconds=45):
    """Leaves out what is not needed to fail like that (ddmin, bounded)."""
    kind, steps = failure.kind, failure.steps
    end = time.monotonic() + seconds
    steps, size = list(steps), max(1, len(steps) // 2)
    while size and time.monotonic() < end:
        at = 0
        while at < len(steps) and time.monotonic() < end:
            shorter = steps[:at] + steps[at + size:]
            failure = replay(world, shorter)
            if failure is not None and failure.kind == kind:
                steps = failure.steps
            else:
                at += size
        size //= 2
    return steps

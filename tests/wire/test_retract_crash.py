# SPDX-License-Identifier: MIT
"""A random mix of messages, retractions, kill -9 and reconnections (S0-4, S1-4): nothing else is lost, and of each
retraction there is all or nothing: the state, the notice and the record. Proved after each of the kills."""
import contextlib
import itertools
import os
import random
import threading

import pytest

from lib import dom
from lib.archive import everything
from lib.canary import retracts, says
from lib.database import number
from lib.removal import REMOVAL, modules
from lib.sm import MODULUS, managed
from lib.stream import PATIENCE

pytestmark = pytest.mark.xylem
KILLS, STEPS = 16, 40
NAMES = ("romeo", "juliet", "nurse")


class Person:
    def __init__(self, cast, name):
        self.name, self.client = name, managed(cast, name).logs_in().enables().comes_online()
        self.heard, self.refused = set(), {}
        self.numbers = itertools.count(1)

    def harvest(self):
        """What has come since, however it came."""
        for kind, element in self.client.events:
            if kind != "element" or not element.tag.endswith("}message"):
                continue
            error, body = dom.find(element, "client:error"), dom.find(element, "client:body")
            if error is not None:
                why = [dom.name(e)[1] for e in error if dom.name(e)[0] == REMOVAL]
                if why != ["already"]:  # it was sent again
                    self.refused[element.get("id")] = dom.show(element)
            elif body is not None:
                self.heard.add(body.text)
        self.client.events.clear()

    def comes_back(self):
        """As a client with stream management does: resumes, or sends again what was not handled. Ids of that."""
        self.client.answers = False
        while not self.client.eof and self.client._receive(PATIENCE):
            pass
        self.harvest()
        made = self.client.reconnects()
        made.answers = True
        doubtful = {e.get("id") for text in made.former for e in made._elements(text)}
        made.sends(made.resume_text())
        answer = made.next_element()
        if answer.tag.endswith("}resumed"):
            made.took_resumed(answer)
        else:
            known = answer.get("h")
            done = 0 if known is None else (int(known) - made.acknowledged) % MODULUS
            done = done if done <= len(made.former) else 0  # saved before the last acknowledgement
            made.took_failed(answer)
            made.binds().enables().sends("<presence/>")
            for text in made.former[done:]:
                made.sends(text)
        self.client = made
        return doubtful

    def settles(self):
        while self.client.unacknowledged:
            self.client.requests()
        self.client.round_trip()
        self.harvest()


class Story:
    """What was said and taken back, as those who did it know."""

    def __init__(self, cast, dice):
        self.people = {name: Person(cast, name) for name in NAMES}
        self.dice, self.said, self.asked, self.doubtful = dice, {}, {}, set()

    def step(self):
        person = self.dice.choice(list(self.people.values()))
        mine = [id for id, (who, _) in self.said.items() if who == person.name and id not in self.asked.values()]
        if mine and self.dice.random() < 0.35:
            target = self.dice.choice(mine[-8:])
            self.asked[f"r-{target}"] = target
            retracts(person.client, self.people[self.said[target][1]].client.jid, f"r-{target}", target)
        else:
            id, to = f"{person.name}-{next(person.numbers)}", self.dice.choice([n for n in NAMES if n != person.name])
            self.said[id] = (person.name, to)
            says(person.client, self.people[to].client.jid, id, id)

    def comes_back(self):
        for person in self.people.values():
            self.doubtful |= person.comes_back()
        for _ in range(2):
            for person in self.people.values():
                person.settles()

    def taken_back(self):
        refused = {id for person in self.people.values() for id in person.refused}
        assert not refused, [person.refused for person in self.people.values()]
        return set(self.asked.values())

    def holds(self):
        """Each archive and each client has all that was not taken back, and nothing of the rest."""
        gone = self.taken_back()
        certain = gone - self.doubtful  # what was sent twice is there twice; one of them is taken back
        for name, person in self.people.items():
            mine = {id for id, parties in self.said.items() if name in parties}
            live, dead, notices = set(), set(), set()
            for result in everything(person.client, max=100):
                message = result.message
                target, body = dom.find(message, "retract:retract"), dom.find(message, "client:body")
                if dom.find(message, "retract:retracted") is not None:
                    assert body is None
                    dead.add(message.get("id"))
                elif target is not None:
                    notices.add(target.get("id"))
                else:
                    live.add(body.text)
            assert live - self.doubtful == mine - gone - self.doubtful, name
            assert live >= mine - gone and dead <= gone, name
            assert dead == notices == gone & mine and dead >= certain & mine, name
            assert person.heard >= {id for id in mine - gone if self.said[id][1] == name}, name


@pytest.mark.parametrize("seed", [int(os.environ.get("CRASH_SEED", "5"))])
def test_s0_4_a_random_mix_with_kills(make_server, actors, request, seed):
    server = make_server(test_clock=True, limits={"idle": None},
                         modules=modules(retract={"count": None}, offline={"quota": None}))
    dice = random.Random(seed)
    story = Story(actors(server), dice)
    for _ in range(KILLS):
        killer = threading.Timer(dice.uniform(0.005, 0.12), server.kill)
        killer.start()
        for _ in range(STEPS):
            with contextlib.suppress(OSError):
                story.step()
        killer.join()
        server.start()
        # As it is found, before anybody says anything again: all three links of each, or none.
        removed = number(server, request, "select count(*) from removal")
        assert removed == number(server, request, "select count(*) from message where state = 1")
        recorded = {row["operation"] for row in server.json("audit", "search", "--kind", "retract", "--limit", "1000")["rows"]}
        assert len(recorded) == number(server, request, "select count(distinct operation) from removal")
        server.ctl("audit", "verify")
        story.comes_back()
        story.holds()
    assert len(story.asked) > KILLS and len(story.said) > 10 * KILLS

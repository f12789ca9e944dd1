# SPDX-License-Identifier: MIT
"""A random mix of messages, retractions, removals by administrators, kill -9 and reconnections between people (S0-4,
S1-4): nothing else is lost, changed or put in another order, and of each retraction there is all or nothing: the
state, the notice and the record. Proved after each of the kills (lib/kills.py says how to choose another course)."""
import itertools
import random

import pytest

from lib import dom
from lib.archive import everything
from lib.canary import retracts, says
from lib.kills import GRANT, KILLS, NAMES, SEED, Office, agrees, killed_in_the_middle
from lib.removal import REMOVAL, modules
from lib.sm import managed

pytestmark = pytest.mark.xylem


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
                if why not in (["already"], ["meanwhile"]):  # it was sent again, or an administrator was faster
                    self.refused[element.get("id")] = dom.show(element)
            elif body is not None:
                self.heard.add(body.text)
        self.client.events.clear()

    def comes_back(self):
        """Ids of what it sent again that may have been known."""
        former, self.client = self.client, self.client.comes_back()
        self.client.events[:0] = [e for e in former.events if e[0] == "element"]
        return self.client.doubtful

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
        self.office = Office(cast.server)

    def step(self):
        if self.said and self.dice.random() < 0.01:
            target = self.dice.choice(list(self.said)[-20:])
            self.office.removes(target, target, "--account", self.people[self.said[target][0]].client.jid)
            return
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
        """Each archive and each client has all that was not taken back, in order, and nothing of the rest."""
        asked = self.taken_back()
        for name, person in self.people.items():
            mine = {id for id, parties in self.said.items() if name in parties}
            live, dead, notices = [], set(), set()
            for result in everything(person.client, max=100):
                message = result.message
                target, body = dom.find(message, "retract:retract"), dom.find(message, "client:body")
                if dom.find(message, "retract:retracted") is not None:
                    assert body is None
                    dead.add(message.get("id"))
                elif target is not None:
                    notices.add(target.get("id"))
                else:
                    live.append(body.text)
            certain = (asked | self.office.certain) & mine
            assert dead == notices and certain <= dead <= certain | self.office.maybe, name
            # what was sent twice is there twice; one of them is taken back
            assert set(live) - self.doubtful == mine - dead - self.doubtful and set(live) >= mine - dead, name
            assert person.heard >= {id for id in mine - dead if self.said[id][1] == name}, name
            for peer in NAMES:
                once = [int(t.rpartition("-")[2]) for t in live if t.startswith(peer) and t not in self.doubtful]
                assert once == sorted(set(once)), f"what {peer} wrote, at {name}"


def test_s0_4_a_random_mix_with_kills(make_server, actors, request):
    print(f"CRASH_SEED={SEED}")
    server = make_server(test_clock=True, limits={"idle": None},
                         modules=modules(retract={"count": None}, offline={"quota": None}, retract_admin=GRANT))
    dice = random.Random(SEED)
    story = Story(actors(server), dice)
    for _ in range(KILLS):
        killed_in_the_middle(server, dice, story.step)
        agrees(server, request)
        story.office.comes_to_rest()
        story.comes_back()
        story.holds()
    assert len(story.asked) > KILLS and len(story.said) > 10 * KILLS

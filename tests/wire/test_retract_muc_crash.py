# SPDX-License-Identifier: MIT
"""The same in a room (test_retract_crash.py): what was said is taken back by authors, moderators and administrators while
the server is killed at random moments. Everybody comes back; somebody who was never there reads the archive."""
import itertools
import random

import pytest

from lib import dom
from lib.archive import everything
from lib.canary import MODERATE, retracts, says
from lib.kills import GRANT, KILLS, NAMES, SEED, Office, agrees, killed_in_the_middle
from lib.removal import REMOVAL, RETRACT, modules
from lib.room import Room
from lib.sm import SM, managed

pytestmark = pytest.mark.xylem
CALM = 15
WORDS = "nothing but words, all of them to be there again "


class Occupant:
    """One who is there whenever the server is. What is not acknowledged when it dies is in doubt and not sent again."""

    def __init__(self, cast, room, name):
        self.cast, self.room, self.name = cast, room, name
        self.jid, self.client = cast.account(name), None
        self.numbers, self.answers = itertools.count(1), {}
        self.heard, self.refused = [], set()

    def logs_in(self):
        self.client = managed(self.cast, self.name, jid=self.jid).logs_in().enables().comes_online()

    def harvest(self):
        while self.client.has_input() and self.client.events[0][0] == "element":
            _, element = self.client.events.pop(0)
            kind, body = dom.name(element)[1], dom.find(element, "client:body")
            if kind == "iq":
                self.answers[element.get("id")] = element.get("type")
            elif kind == "message" and element.get("type") == "error":
                why = [dom.name(e)[1] for e in dom.find(element, "client:error") if dom.name(e)[0] == REMOVAL]
                assert why in (["already"], ["meanwhile"], ["failed"]), dom.show(element)  # somebody else was faster
                self.refused.add(element.get("id"))
            elif kind == "message" and body is not None:
                self.heard.append((element.get("id"), dom.find(element, "sid:stanza-id").get("id"), body.text))

    def dies(self):
        """Ids of what it does not know to have been handled."""
        self.client.answers = False
        while not self.client.eof:
            self.client._receive(20)
        self.harvest()
        return {dom.ET.fromstring(text).get("id") for text in self.client.unacknowledged}


class Hall:
    """Who said what in a room, and who took it back. Targets are known by what was heard."""

    def __init__(self, cast, dice):
        self.cast, self.dice, self.office = cast, dice, Office(cast.server)
        self.room = Room(cast.server)
        self.people = [Occupant(cast, self.room, name) for name in NAMES]
        self.away = cast.account("tybalt")
        self.texts, self.asked, self.doubtful, self.moderated = {}, {}, set(), {}
        self.enters(first=True)

    def enters(self, first=False):
        for person in self.people:
            person.logs_in()
            if first and person is self.people[0]:
                self.room.opens(person.client, person.name, persistentroom=True, membersonly=False)
            else:
                self.room.enters(person.client, person.name)

    def step(self):
        person, chance = self.dice.choice(self.people), self.dice.random()
        person.harvest()
        targets = [(id, stanza_id) for id, stanza_id, _ in person.heard[-12:]]
        if chance < 0.01 and targets:
            id, stanza_id = self.dice.choice(targets)
            self.office.removes(id, stanza_id)
        elif chance < 0.12 and targets:
            self.moderates(*self.dice.choice(targets))
        elif chance < 0.35 and any(id.startswith(person.name) for id, _ in targets):
            id, stanza_id = self.dice.choice([t for t in targets if t[0].startswith(person.name)])
            number = f"r-{next(person.numbers)}-{id}"
            self.asked[number] = id
            retracts(person.client, self.room, number, stanza_id, "groupchat")
            person.client.sends(f"<r {SM}/>")
        else:
            id = f"{person.name}-{next(person.numbers)}"
            self.texts[id] = f"{id} {WORDS * self.dice.randrange(1, 20)}"
            says(person.client, self.room, id, self.texts[id], "groupchat")
            person.client.sends(f"<r {SM}/>")

    def moderates(self, id, stanza_id):
        number = f"q-{len(self.moderated)}-{id}"
        self.moderated[number] = id
        self.people[0].client.sends(f"<iq type='set' id='{number}' to='{self.room}'><moderate xmlns='{MODERATE}' id='{stanza_id}'>"
                                    f"<retract xmlns='{RETRACT}'/></moderate></iq>")

    def goes_on(self):
        """Without a kill: something is certain then, however slow the machine is."""
        for _ in range(CALM):
            self.step()
        for person in self.people:
            while person.client.unacknowledged:
                person.client.requests()
            person.client.settles()
        for person in self.people:
            person.harvest()

    def comes_back(self):
        for person in self.people:
            self.doubtful |= person.dies()
        self.enters()

    def certain(self):
        """Taken back, and somebody was told so."""
        refused = {id for person in self.people for id in person.refused}
        answered = {id for id in self.moderated if self.people[0].answers.get(id) == "result"}
        mine = {target for number, target in self.asked.items() if number not in self.doubtful | refused}
        return mine | {self.moderated[id] for id in answered} | self.office.certain

    def asked_for(self):
        return set(self.asked.values()) | set(self.moderated.values()) | self.office.maybe

    def holds(self, client):
        """The archive has each message that was accepted and not taken back, as it was said, once, in the order in which
        they were heard; tombstones and notices for those taken back, and for nothing else."""
        live, dead, notices, order = {}, set(), [], []
        by_stanza_id = {stanza_id: id for person in self.people for id, stanza_id, _ in person.heard}
        for result in everything(client, to=self.room, max=100):
            message = result.message
            target, body = dom.find(message, "retract:retract"), dom.find(message, "client:body")
            if target is not None and body is None and dom.find(message, "retract:retracted") is None:
                notices.append(by_stanza_id[target.get("id")])
                continue
            if dom.find(message, "client:subject") is not None:
                continue
            id = message.get("id")
            order.append(id)
            if body is None:
                dead.add(id)
            else:
                live[id] = body.text
        assert len(order) == len(set(order)), "something is there twice"
        accepted = set(self.texts) - self.doubtful
        assert sorted(notices) == sorted(dead), set(notices) ^ dead or "one was told twice"
        assert self.certain() <= dead <= self.asked_for()
        assert accepted <= set(order) <= set(self.texts) and set(live) == set(order) - dead
        assert all(live[id] == self.texts[id] for id in live), "somebody changed what was said"
        place = {id: at for at, id in enumerate(order)}
        for person in self.people:
            first = list(dict.fromkeys(id for id, _, _ in person.heard if id in place))
            assert first == sorted(first, key=place.get), f"{person.name} heard it in another order"
            assert all(text == self.texts[id] for id, _, text in person.heard)


def test_s0_4_a_random_discussion_with_kills(make_server, actors, request):
    print(f"CRASH_SEED={SEED}")
    both = {"authors": True, "moderators": True, "count": None}
    server = make_server(test_clock=True, limits={"idle": None}, modules=modules(
        muc={"messages": None, "presences": None}, muc_mam=True, retract_muc=both, retract_admin=GRANT))
    dice, cast = random.Random(SEED), actors(server)
    hall = Hall(cast, dice)
    for _ in range(KILLS):
        killed_in_the_middle(server, dice, hall.step)
        agrees(server, request)
        hall.office.comes_to_rest()
        hall.comes_back()
        reader = cast.client("tybalt", jid=hall.away).comes_online()
        hall.room.enters(reader, "Tybalt")
        for client in (hall.people[0].client, reader):
            hall.holds(client)
        hall.room.leaves(reader, "Tybalt")
        reader.ends()
        hall.goes_on()
    assert len(hall.asked) > KILLS and len(hall.texts) > 8 * KILLS and len(hall.certain()) > KILLS, (
        len(hall.asked), len(hall.texts), len(hall.certain()))

# SPDX-License-Identifier: MIT
"""Rooms against a reference model (lib/room_model.py): random steps, and after each what every session
heard of it is what XEP-0045 says.

    MUC_SEED=4711 MUC_STEPS=500 pytest test_muc_model.py -k random     # replays one seed

A failure is shrunk to the steps it takes; replay(world, [those steps]) takes them again."""
import os
import random

import pytest

from lib.prosody import Prosody
from lib.room_driver import Mismatch, World, replay, run, shrink
from lib.room_model import Model
from lib.room_rules import PROSODY, XYLEM

SEEDS = [1, 2, 3]
STEPS = int(os.environ.get("MUC_STEPS", "500"))


@pytest.fixture(scope="module")
def shared_server(engine, new_server, place, certificate):
    if engine == "prosody":
        server = Prosody(place / "prosody-rooms", certificate)
    else:
        server = new_server(engine, modules={"mam": True, "muc_mam": True, "muc": {
            "messages": None, "presences": None, "rooms_per_user": 10**6, "default_config": {"members_by_default": False}}})
    yield server.start()
    server.stop()


@pytest.fixture
def world(server, engine):
    made = World(server, f"conference.{server.domain}", PROSODY if engine == "prosody" else XYLEM)
    yield made
    made.close()


def plays(world, seed, count=STEPS):
    try:
        return run(world, seed, count)
    except Mismatch as failure:
        found = failure
    shorter = shrink(world, found)
    again = replay(world, shorter)
    pytest.fail(f"seed {seed}, step {len(found.steps)}: {found.reason}\n  In short:\n"
                + "\n".join(f"    {s!r}," for s in shorter)
                + f"\n  {again.reason if again else 'which did not fail a second time'}", pytrace=False)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_room_does_what_the_model_says(world, seed):
    tally = plays(world, seed).tally
    if STEPS >= 500:
        usual = ("join", "leave", "nick", "presence", "role", "affiliation", "list", "config", "say", "subject", "private")
        never = [(v, "granted") for v in usual if not tally[v, "granted"]] + [
            (v, "refused") for v in ("join", "role", "affiliation", "list", "private") if not tally[v, "refused"]]
        assert not never, f"these steps proved nothing: {never}"


def test_a_room_does_what_the_model_says_random(world):
    seed = int(os.environ.get("MUC_SEED", random.SystemRandom().randrange(10**6)))
    print(f"MUC_SEED={seed}")
    plays(world, seed)


# ---- the model can be wrong, and that is noticed -------------------------------------------------------


class KicksNobody(Model):
    def sets_role(self, label, target, role, reason):
        return None if role == "none" else super().sets_role(label, target, role, reason)


class ShowsJids(Model):
    def sees_jids(self, label):
        return True


class LetsEverybodyIn(Model):
    def refusals(self, label, nick, password):
        return super().refusals(label, nick, password) - {"registration-required", "forbidden", "not-authorized"}


class SharesNicks(Model):
    def refusals(self, label, nick, password):
        return super().refusals(label, nick, password) - {"conflict"}


class ForgetsCodes(Model):
    def remove(self, occupant, extra=(), *arguments, **options):
        return super().remove(occupant, (), *arguments, **options)


class LetsEverybodySpeak(Model):
    def may_speak(self, label):
        occupant = self.occupant(label)
        return super().may_speak(label) if occupant is None or occupant.role != "visitor" else None


class AnybodyConfigures(Model):
    def owner_only(self, label):
        return super().owner_only(label) if self.room is None or self.affiliation(self.bare(label)) == "outcast" else False


class KeepsLostSessions(Model):
    def on_lose(self, label):
        return None


class ForgetsHistory(Model):
    def on_say(self, label, body, id):
        super().on_say(label, body, id)
        if self.room:
            self.room.history.clear()


class WhispersToAll(Model):
    def on_private(self, label, nick, body, id, type="chat"):
        super().on_private(label, nick, body, id, type)
        for viewer in self.inside():
            if self.occupant(viewer).nick != nick:
                self.heard[viewer] = [list(g) for groups in list(self.heard.values())[:1] for g in groups]


@pytest.mark.parametrize("wrong", [KicksNobody, ShowsJids, LetsEverybodyIn, SharesNicks, ForgetsCodes, LetsEverybodySpeak,
                                   AnybodyConfigures, KeepsLostSessions, ForgetsHistory, WhispersToAll])
def test_a_wrong_model_is_found_out(world, wrong):
    world.model = wrong
    with pytest.raises(Mismatch):
        for seed in range(20):
            run(world, seed, 200)

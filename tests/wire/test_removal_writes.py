# SPDX-License-Identifier: MIT
"""SIGKILL at the writes of everything that takes a message away (S1-4, S0-4): after the restart there is nothing of it
and nobody was told otherwise, or all three links of it: the state, the notice and its record, and that nobody can read
it any more, at once or completed by the server itself. Nothing else is touched.

Short acts are killed at each write. Of longer ones both ends, all around the flushes, and some in between: what a
database writes before the last page of a transaction counts for nothing, and the whole of it, each write before, in
the middle of and after it, is run with XYLEM_ALL_WRITES=1."""
import os

import pytest

from lib import acts, office_acts
from lib.deadly import Stage, sweep
from lib.server import HOSTS

pytestmark = pytest.mark.xylem
BOTH = {"authors": True, "moderators": True, "count": None}
MODULES = {"mam": True, "audit": True, "retract": {"count": None}, "muc": {"messages": None, "presences": None},
           "muc_mam": True, "retract_muc": BOTH, "retract_admin": {"grant": [f"unix:{os.getuid()}"]}, "hold": True,
           "retention": True}
AT_ONCE = {HOSTS[1]: {"modules": {"retract": {"count": None, "purge_by_preset": False, "purge_after": "0 s"}}}}


@pytest.fixture
def stage(make_server, actors, request):
    made = Stage(make_server(start=False, limits={"idle": None}, log={"level": "notice"}, modules=MODULES,
                             host_config=AT_ONCE), actors, request)
    yield made
    made.closes()


def test_s1_4_an_author_takes_back(stage):
    sweep(stage, acts.Conversation, most=60)


def test_s1_4_what_was_taken_back_is_purged(stage):
    sweep(stage, acts.Purged)


def test_s1_4_an_author_takes_back_in_a_room(stage):
    sweep(stage, acts.Discussion)


def test_s1_4_a_moderator_takes_back(stage):
    sweep(stage, acts.Moderation)


def test_s1_4_an_administrator_removes(stage):
    sweep(stage, office_acts.Removal)


def test_s1_4_a_long_removal_goes_on(stage):
    sweep(stage, office_acts.Job, most=8)


def test_s1_4_what_is_too_old_expires(stage):
    sweep(stage, office_acts.Expiry)


def test_s1_4_a_hold_gathers(stage):
    sweep(stage, office_acts.Hold)


def test_s1_4_a_hold_is_released(stage):
    sweep(stage, office_acts.Release)


def test_s1_4_a_person_is_erased(stage):
    sweep(stage, office_acts.Erasure)

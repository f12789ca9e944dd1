# SPDX-License-Identifier: MIT
"""The subject of a room (XEP-0045 7.2.15, 7.3, 8.1)."""
import pytest

from lib import dom
from lib.room import OCCUPANT_ID, hush, occupant_id
from test_muc_talk import groupchat, hears_refusal, stage  # noqa: F401

pytestmark = pytest.mark.xylem
SUBJECT = "<subject>Fire Burn and Cauldron Bubble!</subject>"


def text_of(message):
    return dom.find(message, "client:subject").text or ""


def test_8_1_a_moderator_changes_it_and_all_are_told(stage):
    _, room, romeo, juliet = stage("Romeo", "Juliet")
    romeo.sends(groupchat(room, SUBJECT, "lh2bs617"))
    for client in (romeo, juliet):
        client.hears(f"<message from='{room.of('Romeo')}' type='groupchat' id='lh2bs617'>{SUBJECT}"
                     f"<occupant-id xmlns='{OCCUPANT_ID}' id='*'/></message>")
        client.hears_nothing()


def test_7_2_15_a_newcomer_is_shown_it_with_who_and_when(stage):
    cast, room, romeo = stage("Romeo")
    romeo.sends(groupchat(room, SUBJECT))
    told = occupant_id(romeo.hears("<message type='groupchat'>...</message>"))
    seen = room.enters(cast.online("juliet"), "Juliet").subject
    assert text_of(seen) == "Fire Burn and Cauldron Bubble!" and seen.get("from") == room.of("Romeo")
    delay = dom.find(seen, "delay:delay")
    assert delay.get("from") == str(room) and delay.get("stamp").endswith("Z")
    assert occupant_id(seen) == told  # XEP-0421: of every message that an occupant sent


def test_7_2_15_without_a_subject_it_is_empty_and_without_a_delay(stage):
    cast, room, _ = stage("Romeo")
    seen = room.enters(cast.online("juliet"), "Juliet").subject
    assert text_of(seen) == "" and seen.get("from") == str(room)
    assert dom.find(seen, "delay:delay") is None


@pytest.mark.parametrize("empty", ["<subject/>", "<subject></subject>"])
def test_8_1_an_empty_one_clears_it(stage, empty):
    cast, room, romeo = stage("Romeo")
    romeo.sends(groupchat(room, SUBJECT), groupchat(room, empty))
    hush(romeo)
    seen = room.enters(cast.online("juliet"), "Juliet").subject
    assert text_of(seen) == ""
    assert dom.find(seen, "delay:delay") is not None  # it was cleared, and when


@pytest.mark.parametrize("role, setting, may", [
    ("moderator", False, True), ("participant", False, False), ("visitor", False, False),
    ("moderator", True, True), ("participant", True, True), ("visitor", True, False),
])
def test_8_1_who_may_change_it(stage, role, setting, may):
    _, room, romeo, juliet = stage("Romeo", "Juliet", changesubject=setting, moderatedroom=True)
    room.allows(romeo, nick="Juliet", role=role)
    hush(romeo, juliet)
    juliet.sends(groupchat(room, SUBJECT, "w1"))
    if may:
        romeo.hears(f"<message from='{room.of('Juliet')}' type='groupchat' id='w1'>{SUBJECT}...</message>")
    else:
        hears_refusal(juliet, room, "forbidden", "auth", id="w1")
        romeo.hears_nothing()


@pytest.mark.parametrize("payload", [SUBJECT + "<body>b</body>", SUBJECT + "<thread>t</thread>"])
def test_8_1_with_a_body_or_a_thread_it_changes_nothing(stage, payload):
    cast, room, romeo, juliet = stage("Romeo", "Juliet")
    juliet.sends(groupchat(room, payload, "b1"))  # no moderator, and may say it
    romeo.hears(f"<message from='{room.of('Juliet')}' type='groupchat' id='b1'>{payload}...</message>")
    assert text_of(room.enters(cast.online("nurse"), "Nurse").subject) == ""


def test_who_is_not_in_the_room_does_not_change_it(stage):
    cast, room, romeo = stage("Romeo")
    other = cast.another(romeo)
    other.sends(groupchat(room, SUBJECT, "o1"))
    hears_refusal(other, room, "not-acceptable", id="o1")
    assert text_of(room.enters(cast.online("nurse"), "Nurse").subject) == ""


def test_it_outlives_a_restart_and_a_kill(stage, actors):
    cast, room, romeo = stage("Romeo", persistentroom=True)
    server = romeo.server
    for end, text in ((server.restart, "one"), (lambda: (server.kill(), server.start()), "two")):
        romeo.sends(groupchat(room, f"<subject>{text}</subject>"))
        romeo.hears(f"<message type='groupchat'>...<subject>{text}</subject></message>")  # told: saved
        end()
        cast = actors(server)
        romeo = cast.client("romeo", jid=romeo.jid).comes_online()
        seen = room.enters(romeo, "Romeo").subject
        assert text_of(seen) == text and seen.get("from") == room.of("Romeo")


def test_max_subject(stage):
    _, room, romeo, juliet = stage("Romeo", "Juliet", muc={"max_subject": 10})
    romeo.sends(groupchat(room, "<subject>0123456789</subject>", "s1"))
    juliet.hears(f"<message from='{room.of('Romeo')}' type='groupchat' id='s1'><subject>0123456789</subject>...</message>")
    hush(romeo)
    romeo.sends(groupchat(room, "<subject>0123456789a</subject>", "s2"))
    hears_refusal(romeo, room, "policy-violation", "modify", id="s2")
    juliet.hears_nothing()

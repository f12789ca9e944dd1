# SPDX-License-Identifier: MIT
"""Legal holds at their edges (N4): words written to be missed, private messages, messages that are gone for
everybody, holds that overlap, times without end."""
import concurrent.futures

import pytest

from lib import hall, process
from lib.archive import ask, texts
from lib.database import number, query
from lib.removal import RETRACT, REMOVAL, retracts, says
from lib.room import hush
from test_hold import MODULES, exported, fates, holding, holds, runs, shown, until  # noqa: F401

pytestmark = pytest.mark.xylem
ROOMS = {**{k: v for k, v in hall.MODULES.items() if k != "lenient"},
         "retract_muc": {"window": "1 h", "authors": True, "moderators": True}}
FOREVER = "365000 days"


@pytest.mark.parametrize("word, text", [
    ("Überweisung", "die ÜBERWEISUNG an ihn"),
    ("überweisung", "die ÜBER\u00adWEISUNG an ihn"),            # a soft hyphen
    ("überweisung", "die ÜBERWEISUNG\u200e an ihn"),            # a direction mark, which names may not have
    ("überweisung", "ÜBERWEISUNG \ue000"),                      # private use
    ("überweisung", "שלום ÜBERWEISUNG"),                        # two directions in one text
    ("überweisung", "U\u0308BERWEISUNG"),                       # decomposed
    ("überweisung", "ÜBERWEISUNG " + "\ufdfa" * 40),            # one character that becomes eighteen
    ("転送", "その件は転送した"),
    ("ａｂｃ", "ABC"),                                          # width
    ("istanbul", "İSTANBUL"), ("İstanbul", "istanbul"),         # Turkish
    ("kışlık", "KIŞLIK"),
    ("straße", "STRASSE"),
])
def test_n4_words_are_found_however_they_are_written(holding, word, text):
    """Before the hold and after it began: an evidence hold errs on the side of holding."""
    server, cast = holding()
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", text)
    says(romeo, juliet, "m2", "something else")
    romeo.settles()
    hold = holds(server, "--keyword", word)
    says(romeo, juliet, "m3", text)
    says(romeo, juliet, "m4", "something else")
    romeo.settles()
    assert shown(server, hold)["messages"] == 2


def test_n4_private_messages_of_rooms(holding):
    """Who whispers in a room wrote it, whatever name the room gives him."""
    server, cast = holding(modules=ROOMS)
    place, romeo, juliet = hall.gathers(cast, "romeo", "juliet")
    before = holds(server, "--person", romeo.jid)
    romeo.sends(f"<message to='{place.of('Juliet')}' type='chat' id='pm'><body>whispered</body></message>")
    hush(romeo, juliet)
    after = holds(server, "--person", romeo.jid)
    room = holds(server, "--room", str(place))
    pair = holds(server, "--person", juliet.jid)
    romeo.sends(f"<message to='{place.of('Juliet')}' type='chat' id='pm2'><body>hissed</body></message>")
    hush(romeo, juliet)
    assert ["hissed" in exported(server, hold) for hold in (before, after, room, pair)] == [True] * 4
    assert ["whispered" in exported(server, hold) for hold in (before, after, room, pair)] == [True] * 4


def test_n4_what_only_a_hold_keeps_is_not_there_for_users(holding):
    """A message that has expired in a room: whoever asks to take it back hears what he would without a hold."""
    server, cast = holding(modules={**ROOMS, "retention": {"keep_for": {"user": "1 min"}}})
    place, romeo, juliet = hall.gathers(cast, "romeo", "juliet")
    [held] = hall.ids(place, *hall.says(place, romeo, "held words"))
    hush(romeo, juliet)
    holds(server, "--keyword", "held words")
    [free] = hall.ids(place, *hall.says(place, romeo, "free words"))
    hush(romeo, juliet)
    until(server, lambda: texts(romeo, to=place) == [])
    for target in (held, free):
        romeo.sends(f"<message to='{place}' type='groupchat' id='r1'><retract xmlns='{RETRACT}' id='{target}'/></message>")
        romeo.hears(f"<message type='error' id='r1'>...<error type='*'>...<not-found xmlns='{REMOVAL}'/></error></message>")
        answer = romeo.asks("set", f"<moderate xmlns='urn:xmpp:message-moderate:1' id='{target}'><retract xmlns='{RETRACT}'/>"
                            "</moderate>", to=place)
        assert answer.get("type") == "error" and "not-found" in hall.dom.show(answer)


def test_n4_times_without_end(holding, request):
    """As long as a number can say is for ever, not at once."""
    server, cast = holding(modules={"hold": {"keep_released": FOREVER}, "retention": {"keep_for": {"user": "1 day"}}})
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "held words")
    romeo.settles()
    hold = holds(server, "--person", romeo.jid)
    server.advance("2 days")
    until(server, lambda: texts(romeo) == [])
    server.ctl("hold", "release", hold, "--reason", "settled")
    process.wait_until(lambda: shown(server, hold)["state"] == "released", "the release", 30)
    server.advance("400 days")
    for _ in range(3):
        server.advance("1 min")
    assert shown(server, hold)["state"] == "released" and "held words" in exported(server, hold)


def test_n4_a_release_says_what_it_destroyed(holding, request):
    """Not what another hold, which came later, still keeps."""
    server, cast = holding(modules={"retention": {"keep_for": {"user": "1 day"}}, "hold": {"keep_released": "5 days"}})
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "wanted later")
    says(romeo, romeo, "m2", "wanted by nobody")
    romeo.settles()
    first = holds(server, "--person", romeo.jid)
    server.advance("2 days")
    until(server, lambda: texts(romeo) == [] and texts(juliet) == [])
    server.ctl("hold", "release", first, "--reason", "settled")
    process.wait_until(lambda: shown(server, first)["state"] == "released", "the release", 30)
    second = holds(server, "--keyword", "later")
    server.advance("6 days")
    until(server, lambda: shown(server, first)["state"] == "ended")
    assert "wanted later" in exported(server, second)
    assert number(server, request, "select count(*) from message") == 1
    [record] = [r for r in server.json("audit", "search", "--kind", "purge")["rows"] if r["reason"] == "hold_released"]
    assert "count=1" in record["details"]


def test_n4_while_the_module_was_off(holding):
    """What came meanwhile and is still there comes under the hold when it is on again; also what is just on its way."""
    server, cast = holding()
    romeo, juliet = cast.online("romeo", "juliet")
    hold = holds(server, "--person", romeo.jid)
    says(romeo, juliet, "m1", "while on")
    romeo.settles()
    for round in range(3):
        server.reload(modules={"hold": False})
        for i in range(40):
            says(romeo, juliet, f"m{round}-{i}", f"while off {i}")
        romeo.round_trip()
        server.reload(modules={"hold": True})
    process.wait_until(lambda: shown(server, hold)["messages"] == 121, "what came meanwhile", 30)
    assert "while off" in exported(server, hold)


def test_n4_a_hold_while_content_is_being_destroyed(holding, request):
    """Retractions, purges and erasures under way while holds begin: what is not destroyed by then is whole and held,
    and stays so."""
    server, cast = holding(governance="minimal", modules={"retract": {"count": None}})
    romeo, juliet, nurse = cast.online("romeo", "juliet", "nurse")
    for i in range(150):
        says(romeo, juliet, f"m{i}", f"words-{i}-")
        says(nurse, juliet, f"n{i}", f"words-{i}-")
    for client in (romeo, nurse):
        client.settles()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        def takes_back():
            for i in range(150):
                retracts(romeo, juliet, f"m{i}", id=f"r{i}")
            romeo.settles()

        work = [pool.submit(takes_back)]
        work += [pool.submit(server.ctl, "user", "erase", nurse.jid, "--reason", "x", "--yes", check=False)]
        work += [pool.submit(holds, server, *words) for words in (("--person", romeo.jid), ("--keyword", "words"))]
        for job in work:
            job.result(60)
    quiet = "select count(*) from removal where purged = 1"
    for _ in range(3):
        runs(server)
    destroyed = number(server, request, quiet)
    server.advance("2 days")
    runs(server)
    assert number(server, request, quiet) == destroyed
    for message, stanza, purged, held in content(server, request):
        assert ("words-" in stanza) != bool(purged), (message, stanza)
        assert held or purged, (message, stanza)


def content(server, request):
    """Of each message by the two that said words: number, stanza, whether purged, how often held."""
    stanza = "encode(m.stanza, 'hex')" if server.database else "hex(m.stanza)"
    rows = query(server, request, f"select m.id, {stanza}, coalesce(x.purged, 0), (select count(*) from held h"
                 " where h.message = m.id) from message m left join removal x on x.message = m.id")
    known = [(int(i), bytes.fromhex(s).decode(), int(p), int(h)) for i, s, p, h in rows]
    return [row for row in known if "words-" in row[1] or row[2]]

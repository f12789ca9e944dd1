# SPDX-License-Identifier: MIT
"""Ephemeral messages (XEP-0466, S0-5): what bears a timer is destroyed when that is over, everywhere, on
record; it is no mode of retraction, and neither switches the other."""
import re
import subprocess
import time

import pytest

from lib import dom, hall, process
from lib.archive import ask, texts
from lib.canary import CLOSED, OPEN, Scene, found
from lib.database import number
from lib.postgres import binaries
from lib.removal import RETRACT, is_refused, retracts, tombstones
from lib.room import Room, hush
from lib.sm import managed

pytestmark = pytest.mark.xylem
EPHEMERAL, REFUSAL = "urn:xmpp:ephemeral:0", "urn:xylem:ephemeral:0"
MODULES = {"mam": True, "audit": True, "ephemeral": True}
STORE = "<store xmlns='urn:xmpp:hints'/>"


@pytest.fixture
def burning(make_server, actors):
    def make(**changes):
        modules = {**MODULES, **changes.pop("modules", {})}
        server = make_server(test_clock=True, limits={"idle": None}, modules=modules, **changes)
        return server, actors(server)
    return make


def timer(seconds):
    return f"<ephemeral xmlns='{EPHEMERAL}' timer='{seconds}'/>"


def says(client, to, id, text, seconds=None, kind="chat", extra=""):
    body = f"<body>{text}</body>" if text is not None else ""
    mark = timer(seconds) if seconds is not None else ""
    client.sends(f"<message to='{to}' type='{kind}' id='{id}'>{body}{mark}{extra}</message>")


def records(server):
    return [r for r in server.json("audit", "search", "--kind", "expire")["rows"] if r["reason"] == "ephemeral"]


def shown(server):
    return server.json("ephemeral", "show")["fields"]


def until(what, test):
    process.wait_until(test, what, 30)


def wait(server, count):
    """So many are stored and wait for their time."""
    until("what waits for its time", lambda: shown(server)["waiting"] == count)


def burns(server, left=0):
    """What is due has gone, others wait."""
    wait(server, left)


def features(client, to):
    answer = client.asks("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=to)
    return [f.get("var") for f in dom.findall(answer, "disco:query/disco:feature")]


def rows(server, request):
    return number(server, request, "select count(*) from message")


# ---- a feature of its own ------------------------------------------------------------------------


def test_s0_5_on_while_retraction_is_off(burning):
    server, cast = burning()
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "burns", 60)
    says(romeo, juliet, "m2", "stays")
    retracts(romeo, juliet, "m2")
    is_refused(romeo, "off", "not-allowed")
    assert EPHEMERAL in features(romeo, romeo.jid) and RETRACT not in features(romeo, romeo.jid)
    wait(server, 1)
    server.advance("61 s")
    burns(server)
    assert texts(romeo) == texts(juliet) == ["stays"]


def test_s0_5_off_while_retraction_is_on(burning):
    """Then the timer is a matter of clients: it goes through as it is."""
    server, cast = burning(modules={"ephemeral": False, "retract": {"count": None, "window": None}})
    romeo, juliet = cast.online("romeo", "juliet")
    assert EPHEMERAL not in features(romeo, romeo.jid) and RETRACT in features(romeo, romeo.jid)
    says(romeo, juliet, "m1", "stays", 60)
    says(romeo, juliet, "m2", "taken back", "soon")
    juliet.hears(f"<message id='m1' type='chat'>...<ephemeral xmlns='{EPHEMERAL}' timer='60'/>...</message>")
    server.advance("1 h")
    retracts(romeo, juliet, "m2")
    until("the retraction", lambda: len(tombstones(ask(romeo))) == 1)
    assert ask(romeo).results[0].text == "stays"
    assert records(server) == []


def test_s0_5_one_switch_does_not_turn_the_other(burning):
    """At run time; each change is on record by its own name."""
    server, cast = burning(modules={"ephemeral": False, "retract": False})
    romeo, juliet = cast.online("romeo", "juliet")
    here = lambda: (EPHEMERAL in features(romeo, romeo.jid), RETRACT in features(romeo, romeo.jid))
    changed = lambda: [re.search("name=([^;\n]*)", r["details"])[1]
                       for r in server.json("audit", "search", "--kind", "switch")["rows"]]
    before = len(changed())
    assert here() == (False, False)
    for ephemeral, retract, expected in ((True, False, "modules.ephemeral"), (True, True, "modules.retract"),
                                         (False, True, "modules.ephemeral"), (False, False, "modules.retract")):
        server.reload(modules={"ephemeral": ephemeral, "retract": retract})
        assert here() == (ephemeral, retract)
        before += 1
        assert len(changed()) == before and expected in changed()
    juliet.round_trip()


def test_s0_5_a_category_of_its_own_in_the_audit_log(burning):
    """What burned and what was taken back are told apart; nobody retracted what burned."""
    server, cast = burning(modules={"retract": True})
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "secret-words", 60)
    says(romeo, juliet, "m2", "taken back")
    retracts(romeo, juliet, "m2")
    wait(server, 1)
    until("the retraction", lambda: len(tombstones(ask(juliet))) == 1)
    server.advance("61 s")
    burns(server)
    [record] = records(server)
    assert record["actor"] == "server" and record["message"]
    [retracted] = [r for r in server.json("audit", "search", "--kind", "retract")["rows"]]
    assert retracted["message"] != record["message"]
    assert "secret-words" not in server.ctl("audit", "export")
    assert server.json("audit", "verify")["fields"]["intact"] is True


# ---- what it does --------------------------------------------------------------------------------


def test_it_leaves_all_archives_when_its_time_is_over(burning, request):
    """From both archives, by the server's clock, to the second; evidence stays; the books balance."""
    server, cast = burning()
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "a minute", 60)
    says(romeo, juliet, "m2", "an hour", 3600)
    says(romeo, juliet, "m3", "for ever")
    juliet.hears(f"<message id='m1' type='chat'>...<ephemeral xmlns='{EPHEMERAL}' timer='60'/>...</message>")
    wait(server, 2)
    server.advance("59 s")
    romeo.round_trip()
    assert texts(romeo) == texts(juliet) == ["a minute", "an hour", "for ever"]
    assert shown(server)["waiting"] == 2
    server.advance("1 s")
    burns(server, 1)
    assert texts(romeo) == texts(juliet) == ["an hour", "for ever"]
    assert rows(server, request) == 2 and number(server, request, "select count(*) from evidence") == 3
    server.advance("1 h")
    burns(server)
    assert texts(romeo) == texts(juliet) == ["for ever"]
    assert server.json("server", "invariant")["fields"]["holds"] is True
    assert len(records(server)) == 2


def test_the_bytes_are_gone(burning, request):
    """From every file of the embedded database, from a dump of the other."""
    server, cast = burning()
    romeo, juliet = cast.online("romeo", "juliet")
    canary = "canary-58c1d2" * 40
    says(romeo, juliet, "m1", canary, 60)
    wait(server, 1)

    def found():
        if server.database is None:
            return [p.name for p in (server.directory / "data").rglob("*") if p.is_file() and canary.encode() in p.read_bytes()]
        place = str(request.getfixturevalue("postgres").directory)
        dump = subprocess.run([str(binaries() / "pg_dump"), "-h", place, "-U", "xylem", server.database],
                              capture_output=True, text=True, check=True).stdout
        return canary in dump or canary.encode().hex() in dump

    assert found()
    server.advance("61 s")
    burns(server)

    def gone():
        server.advance("1 min")  # somebody may have been reading: it is tried again
        return not found()

    until("the bytes", gone)


def test_nobody_finds_it(burning, request):
    """The canary of test_canary.py: every answer of every interface, for everybody."""
    server, cast = burning(modules={"muc": True, "muc_mam": True, "push": True})
    scene = Scene(server, cast, request)
    says(scene.romeo, scene.juliet, "m1", scene.word, 600)
    says(scene.romeo, scene.room, "m2", scene.word, 600, "groupchat")
    wait(server, 2)
    hush(*scene.everybody)
    missing = set(OPEN) - set(found(scene, OPEN))
    assert not missing, "a look that never finds it proves nothing"
    server.advance("601 s")
    burns(server)
    nowhere = {name: look for name, look in (OPEN | CLOSED).items() if name != "message trace"}  # it finds no message
    assert not found(scene, nowhere)


def test_who_is_away_too_long_does_not_get_it(burning):
    """It waits, its time is over: it is accounted for as expired. Its sender is not told."""
    server, cast = burning()
    romeo = cast.online("romeo")
    juliet = cast.account("juliet")
    says(romeo, juliet, "m1", "burns", 60)
    says(romeo, juliet, "m2", "stays", 3600)
    wait(server, 2)
    before = server.json("server", "invariant")["fields"]
    server.advance("61 s")
    burns(server, 1)
    now = server.json("server", "invariant")["fields"]
    assert now["holds"] is True and now["pending"] == before["pending"] - 1
    romeo.hears_nothing()
    client = cast.client("juliet", jid=juliet).logs_in()
    client.sends("<presence/>")
    client.hears("<presence/>")
    client.hears("<message id='m2' type='chat'>...<body>stays</body>...</message>")
    client.hears_nothing()


def test_a_stream_that_is_resumed_does_not_get_it_again(burning):
    server, cast = burning()
    romeo = cast.online("romeo")
    juliet = managed(cast, "juliet").logs_in().enables().comes_online()
    juliet.answers = False
    juliet.acknowledges().round_trip()
    got = juliet.received
    says(romeo, juliet, "m1", "burns", 60)
    says(romeo, juliet, "m2", "stays")
    juliet.hears("<message id='m1' type='*'>...</message>", "<message id='m2' type='*'>...</message>")
    juliet.received = got
    juliet.resets()
    wait(server, 1)
    server.advance("61 s")
    burns(server)
    again = juliet.reconnects().resumes()
    again.hears("<message id='m2' type='*'>...<body>stays</body>...</message>")
    again.hears_nothing()


def test_rooms(burning):
    """Archive and history on joining; who comes later sees what is left."""
    server, cast = burning(modules={"muc": True, "muc_mam": True})
    place, romeo, juliet = hall.gathers(cast, "romeo", "juliet")
    assert EPHEMERAL in features(romeo, place)
    says(romeo, place, "m1", "burns", 60, "groupchat")
    says(romeo, place, "m2", "stays", kind="groupchat")
    hush(romeo, juliet)
    wait(server, 1)
    assert texts(juliet, to=place) == ["burns", "stays"]
    server.advance("61 s")
    burns(server)
    assert texts(juliet, to=place) == ["stays"]
    seen = place.enters(cast.online("nurse"), "Nurse")
    assert [m.findtext("{jabber:client}body") for m in seen.history] == ["stays"]


def test_rooms_without_an_archive_remember_none(burning):
    server, cast = burning(modules={"muc": True, "muc_mam": False})
    place, romeo = hall.gathers(cast, "romeo")
    says(romeo, place, "m1", "burns", 60, "groupchat")
    says(romeo, place, "m2", "stays", kind="groupchat")
    hush(romeo)
    seen = place.enters(cast.online("nurse"), "Nurse")
    assert [m.findtext("{jabber:client}body") for m in seen.history] == ["stays"]


def test_a_room_keeps_its_subject(burning):
    _, cast = burning(modules={"muc": True, "muc_mam": True})
    place, romeo = hall.gathers(cast, "romeo")
    romeo.sends(f"<message to='{place}' type='groupchat' id='m1'><subject>burns</subject>{timer(60)}</message>")
    refused(romeo, "subject", "not-acceptable")


def test_what_was_taken_back_before_goes_as_well(burning, request):
    """Its tombstone, and what was sealed of it."""
    server, cast = burning(modules={"retract": True})
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "burns", 60)
    retracts(romeo, juliet, "m1")
    until("the retraction", lambda: len(tombstones(ask(juliet))) == 1)
    wait(server, 1)
    server.advance("61 s")
    burns(server)
    assert len(tombstones(ask(juliet))) == 0
    assert number(server, request, "select count(*) from message m join removal x on x.message = m.id") == 0


def test_a_retraction_is_not_ephemeral(burning):
    """Devices that come later than any timer must learn of it."""
    server, cast = burning(modules={"retract": True})
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "taken back")
    retracts(romeo, juliet, "m1", extra=timer(60) + STORE)
    until("the retraction", lambda: len(tombstones(ask(juliet))) == 1)
    assert shown(server)["waiting"] == 0


def test_a_hold_keeps_the_content(burning):
    """N4: users see it gone."""
    server, cast = burning(modules={"hold": True})
    romeo, juliet = cast.online("romeo", "juliet")
    held = server.json("hold", "add", "--name", "case", "--reason", "court", "--person", romeo.jid)["fields"]["hold"]
    says(romeo, juliet, "m1", "evidence", 60)
    wait(server, 1)
    server.advance("61 s")
    burns(server)
    assert texts(romeo) == texts(juliet) == []
    assert "held=1" in records(server)[0]["details"]
    assert "evidence" in server.ctl("hold", "export", held, "--reason", "court")
    server.ctl("hold", "release", held, "--reason", "settled")
    server.advance("31 days")

    def gone():
        server.advance("1 min")
        return "evidence" not in server.ctl("hold", "export", held, "--reason", "court", check=False)[1]

    until("the end of what only the hold kept", gone)


def test_who_deletes_the_account_leaves_nothing_to_do(burning):
    server, cast = burning()
    romeo = cast.online("romeo")
    says(romeo, romeo, "m1", "note to self", 60)
    wait(server, 1)
    server.ctl("user", "delete", romeo.jid)
    server.advance("61 s")
    burns(server)
    assert records(server) == []


# ---- crashes, reloads ----------------------------------------------------------------------------


def after(server, seconds):
    """The server is killed and comes back so much later."""
    server.kill()
    server.test_clock = int(time.time() * 1000) + seconds * 1000
    server.start()


def test_what_became_due_while_the_server_was_down_goes_at_the_start(burning, request):
    server, cast = burning()
    romeo, juliet = cast.online("romeo", "juliet")
    for i in range(3):
        says(romeo, juliet, f"m{i}", f"burns {i}", 3600)
    says(romeo, juliet, "m9", "burns later", 10 * 3600)
    until("all of them", lambda: rows(server, request) == 4)
    after(server, 2 * 3600)
    burns(server, 1)
    assert rows(server, request) == 1
    assert len(records(server)) == 3


def test_a_kill_in_the_midst_of_it(burning, request):
    """Each message is destroyed once and on record once, whenever the server died."""
    server, cast = burning()
    romeo, juliet = cast.online("romeo", "juliet")
    count = 200
    for i in range(count):
        says(romeo, juliet, f"m{i}", f"burns {i}", 3600)
    until("all of them", lambda: rows(server, request) == count)
    server.advance("1 h")
    after(server, 2 * 3600)
    burns(server)
    assert rows(server, request) == 0
    assert server.json("server", "invariant")["fields"]["holds"] is True
    found = [r["message"] for r in server.json("audit", "search", "--kind", "expire", "--limit", "1000")["rows"]]
    assert len(found) == len(set(found)) == count
    assert server.json("audit", "verify")["fields"]["intact"] is True


def test_switched_off_it_waits(burning):
    """What was promised is done when it is on again."""
    server, cast = burning()
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "burns", 60)
    wait(server, 1)
    server.reload(modules={"ephemeral": False})
    server.advance("1 h")
    assert texts(juliet) == ["burns"]
    server.reload(modules={"ephemeral": True})
    burns(server)
    assert texts(juliet) == []


# ---- bounds, negotiation -------------------------------------------------------------------------


def refused(client, why, condition, id="m1"):
    error = client.hears(f"<message type='error' id='{id}'>...<error type='*'>...<{why} xmlns='{REFUSAL}'/></error></message>")
    assert dom.name(dom.find(error, "client:error")[0])[1] == condition, dom.show(error)


@pytest.mark.parametrize("seconds, why", [(59, "too-short"), (60, None), (3600, None), (3601, "too-long"), (0, "too-short"),
                                          (4294967295, "too-long")])
@pytest.mark.parametrize("text", ["burns", None])
def test_bounds(burning, seconds, why, text):
    """A timer that is not kept as it stands is refused, also when it is only proposed."""
    server, cast = burning(modules={"ephemeral": {"least": "1 min", "most": "1 h"}})
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", text, seconds, extra=STORE)
    if why:
        refused(romeo, why, "not-acceptable")
        juliet.hears_nothing()
        assert ask(romeo).results == []
    else:
        juliet.hears(f"<message id='m1' type='chat'>...<ephemeral xmlns='{EPHEMERAL}' timer='{seconds}'/>...</message>")


@pytest.mark.parametrize("mark", ["<ephemeral xmlns='urn:xmpp:ephemeral:0'/>", timer("soon"), timer(-1), timer(4294967296),
                                  timer("1.5"), timer(60) + timer(70)])
def test_no_timer_at_all(burning, mark):
    _, cast = burning()
    romeo, juliet = cast.online("romeo", "juliet")
    romeo.sends(f"<message to='{juliet}' type='chat' id='m1'><body>burns</body>{mark}</message>")
    refused(romeo, "timer", "bad-request")
    juliet.hears_nothing()


def test_a_timer_is_agreed_upon(burning):
    """Without content it is a setting: who is away long gets it too, and it stays (3.4)."""
    server, cast = burning()
    romeo = cast.online("romeo")
    juliet = cast.account("juliet")
    says(romeo, juliet, "m1", None, 60, extra=STORE)
    until("the message", lambda: len(ask(romeo).results) == 1)
    assert shown(server)["waiting"] == 0
    server.advance("1 h")
    client = cast.client("juliet", jid=juliet).logs_in()
    client.sends("<presence/>")
    client.hears("<presence/>")
    client.hears(f"<message id='m1' type='chat'>...<ephemeral xmlns='{EPHEMERAL}' timer='60'/>...</message>")
    assert len(ask(romeo).results) == 1


@pytest.mark.parametrize("payload", ["<encrypted xmlns='eu.siacs.conversations.axolotl'><payload>c2VjcmV0</payload></encrypted>",
                                     "<reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>x</reaction></reactions>"])
def test_what_has_no_body_and_says_something_burns(burning, payload):
    server, cast = burning()
    romeo, juliet = cast.online("romeo", "juliet")
    romeo.sends(f"<message to='{juliet}' type='chat' id='m1'>{payload}{timer(60)}{STORE}</message>")
    wait(server, 1)
    assert len(ask(juliet).results) == 1
    server.advance("61 s")
    burns(server)
    assert ask(juliet).results == []


def test_bounds_that_contradict_each_other(make_server):
    server = make_server(start=False, modules={**MODULES, "ephemeral": {"least": "1 h", "most": "1 min"}})
    done = subprocess.run([str(server.build / "xylemd"), "-c", str(server.config_file), "--check"],
                          capture_output=True, text=True, env=server.environment())
    assert done.returncode == 1 and "shorter than the shortest" in done.stderr + done.stdout

# SPDX-License-Identifier: MIT
"""Reading by privilege (S1-10): explicit, marked in the answer, recorded before anything is shown; and what
else an administrator does to the rules that must be on record."""
import json

import pytest

from lib import hall, process
from lib.archive import ask, stanza_ids
from lib.consent import ME
from lib.database import change, deaf, number, query
from lib.removal import says
from lib.server import CommandFailed

pytestmark = pytest.mark.xylem
MODULES = {**hall.MODULES, "audit": {"evidence_every": "1 h"}, "hold": True,
           "retention": True, "retract_admin": True}


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, modules=MODULES).start()
    yield server
    server.stop()


def talk(cast, text):
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", text)
    juliet.hears("<message type='*'>...</message>")
    return romeo, juliet


def reads(server, message):
    return [r for r in server.json("audit", "search", "--message", message)["rows"] if r["kind"] == "privileged_read"]


def held(server, person):
    hold = server.json("hold", "add", "--name", "case", "--reason", "order 7", "--person", person)["fields"]["hold"]
    process.wait_until(lambda: server.json("hold", "show", hold)["fields"]["state"] == "complete", "the hold", 30)
    return hold


def newest(server, request):
    return number(server, request, "select max(message) from evidence")


# ---- without a purpose ---------------------------------------------------------------------------------


def test_s1_10_a_read_without_a_purpose_is_refused(cast, server, request):
    romeo, _ = talk(cast, "sealed-words")
    message, hold = newest(server, request), held(server, romeo.jid)
    place, _ = hall.gathers(cast, "mercutio")
    before = number(server, request, "select count(*) from audit_record where kind = 'privileged_read'")
    for words in (("message", "find", message, "--purpose", " "), ("hold", "export", hold),
                  ("hold", "export", hold, "--reason", ""), ("room", "history", place), ("room", "history", place, "--reason", " ")):
        status, said, error = server.ctl(*words, check=False)
        assert status == 2 and "sealed-words" not in said + error, words
    assert "sealed-words" not in server.ctl("message", "find", message)  # not asked for, not shown
    assert number(server, request, "select count(*) from audit_record where kind = 'privileged_read'") == before


def test_s1_10_with_a_purpose_it_is_marked_and_leaves_a_record(cast, server, request):
    """Text and JSON say that this is sealed content and why it is shown; who, which, what for, when."""
    romeo, juliet = talk(cast, "sealed-words")
    message, hold = newest(server, request), held(server, romeo.jid)
    mark = "sealed content, purpose appeal 3"
    find = ("message", "find", message, "--purpose", "appeal 3")
    assert server.json(*find)["fields"]["privileged"] == mark
    text = server.ctl(*find)
    assert mark in text and "sealed-words" in text
    package = server.ctl("hold", "export", hold, "--reason", "appeal 3")
    assert json.loads(package.splitlines()[0])["privileged"] == mark and "sealed-words" in package
    prove = server.json("audit", "prove", message, "--from", romeo.jid, "--to", juliet.jid, "--text", "sealed-words",
                        "--purpose", "appeal 3")["fields"]
    assert prove["text"] == "confirmed" and prove["privileged"].endswith("purpose appeal 3")
    found = reads(server, message)
    assert [r["reason"] for r in found] == ["prove", "message-find", "message-find"]
    assert {(r["actor"], r["words"], r["message"]) for r in found} == {(ME, "appeal 3", message)}
    [export] = [r for r in server.json("audit", "search", "--kind", "privileged_read")["rows"]
                if r["reason"] == "hold_export" and f"hold={hold}" in r["details"]]
    assert export["words"] == "appeal 3" and f"first={message}" in export["details"]
    assert "sealed-words" not in server.ctl("audit", "export")


def test_s1_10_the_reader_cannot_delete_the_record(make_server, actors, request):
    """No command does, no end of the module, no reach for the table."""
    server = make_server(modules={**MODULES, "muc": True})
    talk(actors(server), "sealed-words")
    message = newest(server, request)
    server.ctl("message", "find", message, "--purpose", "curiosity")
    [before] = reads(server, message)
    server.ctl("user", "erase", "nobody@xylem.test", "--reason", "x", "--yes")
    for table in ("audit_record", "audit_head"):
        with pytest.raises(Exception, match="stays"):
            change(server, request, f"delete from {table}")
    server.reload(modules={"audit": False, "hold": False, "retention": False, "retract_admin": False})
    server.reload(modules={"audit": {"evidence_every": "1 h"}})
    assert reads(server, message) == [before]
    assert server.json("audit", "verify")["fields"]["intact"]


# ---- what cannot be recorded is not shown -----------------------------------------------------------------


def test_s1_10_what_cannot_be_recorded_is_not_shown(cast, server, request):
    romeo, juliet = talk(cast, "sealed-words")
    message, hold = newest(server, request), held(server, romeo.jid)
    place, mercutio = hall.gathers(cast, "mercutio")
    hall.says(place, mercutio, "in public")
    all_of_them = [("message", "trace", message), ("message", "find", message, "--purpose", "x"),
                   ("message", "who-can-read", message), ("hold", "export", hold, "--reason", "x"),
                   ("room", "history", place, "--reason", "x"),
                   ("audit", "prove", message, "--from", romeo.jid, "--to", juliet.jid, "--text", "sealed-words")]
    server.json("audit", "prove", message)  # its root is there
    with deaf(server, request):
        for words in all_of_them:
            status, text, _ = server.ctl(*words, "--json", check=False)
            answer = json.loads(text)
            assert status != 0 and "recorded" in answer["error"], (words, text)
            shown = str(answer["fields"]) + str(answer["rows"])
            assert not any(secret in shown for secret in ("sealed-words", "accepted", "archive", "confirmed", "in public")), words
    for words in all_of_them:
        assert server.ctl(*words, check=False)[0] == 0, words


def test_s1_10_tracing_without_the_log(make_server, actors, request):
    """No content is shown by it: with the module audit off it stays what it is."""
    server = make_server(modules={"mam": True})
    talk(actors(server), "sealed-words")
    message = number(server, request, "select max(id) from message")
    assert "accepted" in server.json("message", "trace", message)["fields"]


# ---- rooms -----------------------------------------------------------------------------------------------------


def test_a_message_by_the_id_it_has_in_a_rooms_archive(cast, server, request):
    """audit prove, message trace and message find take the room for whose archive the id is of."""
    place, romeo, juliet = hall.gathers(cast, "romeo", "juliet")
    hall.sends(place, romeo, "<body>in the room</body>", id="client-1")
    [said] = stanza_ids(hall.hears_back(place, romeo), by=place)
    other, _ = hall.gathers(cast, "mercutio")
    message = newest(server, request)
    for words in (("message", "trace", said), ("message", "find", said), ("audit", "prove", said)):
        answer = server.json(*words, "--account", place)
        assert message in (answer["fields"].get("message"), *(r.get("message") for r in answer["rows"])), words
    for words in (("message", "trace", "client-1"), ("message", "find", "client-1")):
        answer = server.json(*words, "--account", place)
        assert message in (answer["fields"].get("message"), *(r.get("message") for r in answer["rows"])), words
    proof = ("audit", "prove", said, "--from", romeo.jid, "--to", place, "--account", place, "--text")
    assert server.json(*proof, "in the room")["fields"]["text"] == "confirmed"
    assert server.ctl(*proof, "elsewhere", check=False)[0] == 5
    for wrong in (other, f"nowhere@{place.server.domain}", romeo.jid):
        assert server.ctl("audit", "prove", said, "--account", wrong, check=False)[0] == 3, wrong
        assert server.ctl("message", "trace", said, "--account", wrong, check=False)[0] == 3, wrong


# ---- secrets of the configuration --------------------------------------------------------------------------------


def test_that_a_secret_changed_is_on_record_and_not_what_it_is(make_server, request):
    """By a reload and while the server stood still; neither the log nor the database helps who guesses."""
    server = make_server(modules={"audit": True, "actor": {"password": "first-secret"}})
    server.reload(modules={"actor": {"password": "second-secret"}})
    server.reload()
    server.restart()
    server.stop()
    server.write_config(modules={"actor": {"password": "third-secret"}})
    server.start()
    changes = [r for r in reversed(server.json("audit", "search", "--kind", "policy")["rows"]) if "actor.password" in r["details"]]
    first, reloaded, restarted = changes  # the first has the whole configuration
    assert first["details"].endswith("modules.actor.password=(set)")
    assert reloaded["details"] == restarted["details"] == "name=modules.actor.password; from=secret; to=another secret"
    assert [(r["actor"], r["reason"]) for r in (reloaded, restarted)] == [(ME, "reload"), ("server", "start")]
    server.reload(modules={"actor": {"password": ""}})
    [gone, *_] = server.json("audit", "search", "--kind", "policy")["rows"]
    assert gone["details"] == 'name=modules.actor.password; from=secret; to=""'
    key = server.directory / "data" / "settings.key"
    assert key.stat().st_mode & 0o777 == 0o600 and len(key.read_bytes()) == 32
    note = query(server, request, "select value from audit_note where name = 'configuration'")
    known = server.ctl("audit", "export") + str(note)
    for part in ("first-secret", "second-secret", "third-secret", key.read_bytes().hex()):
        assert part not in known


def test_a_lost_key_of_settings_is_made_anew(make_server):
    """Then a secret counts as changed: nobody can tell."""
    server = make_server(modules={"audit": True, "actor": {"password": "first-secret"}})
    server.stop()
    (server.directory / "data" / "settings.key").write_bytes(b"short")
    server.start()
    details = [r["details"] for r in server.json("audit", "search", "--kind", "policy")["rows"]]
    assert details[0] == "name=modules.actor.password; from=secret; to=another secret"
    server.restart()
    assert [r["details"] for r in server.json("audit", "search", "--kind", "policy")["rows"]] == details

# SPDX-License-Identifier: MIT
"""The books of the message queue (N13) and the life of one message (S2-16, N19), without content."""
import itertools

import pytest

from lib import process

pytestmark = pytest.mark.xylem
numbers = itertools.count(1)


def chat(to, text, id=None):
    return f"<message to='{to}' type='chat' id='{id or next(numbers)}'><body>{text}</body></message>"


def body(reader):
    return reader.next_element().find("{jabber:client}body").text


def books(server):
    return server.json("server", "invariant")["fields"]


def test_the_books_balance_under_load(make_server, actors):
    """N13: asked while messages are accepted, handed over and received, they never differ."""
    server = make_server()
    cast = actors(server)
    senders = [cast.online(f"sender{i}") for i in range(4)]
    away = [cast.account(f"away{i}") for i in range(4)]
    before = books(server)
    for turn in range(30):
        for sender in senders:
            sender.sends("".join(chat(jid, f"turn {turn}") for jid in away))
        if turn % 5 == 0:
            assert books(server)["holds"] is True
    for sender in senders:
        sender.round_trip()
    now = books(server)
    assert now["accepted"] - before["accepted"] == 480 and now["pending"] - before["pending"] == 480
    readers = [cast.client(f"away{i}", jid=jid).logs_in() for i, jid in enumerate(away)]
    for reader in readers:
        reader.sends("<presence/>")
        reader.hears(f"<presence from='{reader.full}'/>")
    assert books(server)["missing"] == 0
    for reader in readers:
        for _ in range(120):
            assert body(reader).startswith("turn")
        reader.round_trip()
        reader.ends()
    process.wait_until(lambda: books(server)["received"] >= 480, "the end of the queue")
    assert books(server)["holds"] is True


def test_the_books_go_on_after_a_kill(make_server, actors):
    server = make_server()
    cast = actors(server)
    romeo, juliet = cast.online("romeo"), cast.account("juliet")
    romeo.sends(chat(juliet, "one") + chat(juliet, "two"))
    romeo.round_trip()
    assert books(server)["pending"] == 2  # the writer counts behind what was submitted
    server.kill()
    server.start()
    now = books(server)
    assert now["holds"] and now["accepted"] == now["pending"] == 2 and now["received"] == 0


def test_cleared_messages_are_accounted_for(make_server, actors):
    server = make_server()
    cast = actors(server)
    romeo, juliet = cast.online("romeo"), cast.account("juliet")
    romeo.sends(chat(juliet, "one"))
    romeo.round_trip()
    server.ctl("offline", "clear", juliet)
    now = books(server)
    assert now["holds"] and now["cleared"] == 1 and now["pending"] == 0




def steps(server, number):
    return [(r["step"], r["account"], r["device"]) for r in server.json("message", "trace", str(number))["rows"]]


def test_the_life_of_a_message(make_server, actors):
    server = make_server(modules={"mam": "on"})
    cast = actors(server)
    romeo, juliet = cast.online("romeo"), cast.account("juliet")
    romeo.sends(chat(juliet, "secret words", id="probe"))
    romeo.round_trip()
    books(server)
    shown = server.json("message", "trace", "probe", "--account", romeo.jid)
    number = shown["fields"]["message"]
    assert shown["fields"]["from"] == romeo.jid and shown["fields"]["to"] == juliet
    assert shown["fields"]["in_archive_of_sender"] and shown["fields"]["in_archive_of_recipient"]
    names = [r["step"] for r in shown["rows"]]
    assert names == ["queued", "committed", "waits"]
    reader = cast.client("juliet", jid=juliet).logs_in()
    reader.sends("<presence/>")
    reader.hears(f"<presence from='{reader.full}'/>")
    assert body(reader) == "secret words"
    reader.round_trip()
    reader.ends()
    process.wait_until(lambda: "acknowledged" in [s[0] for s in steps(server, number)], "the acknowledgement")
    life = steps(server, number)
    assert [s[0] for s in life] == ["queued", "committed", "sent", "acknowledged"]
    assert life[2] == ("sent", juliet, "unnamed")
    assert "secret" not in str(server.json("message", "trace", str(number)))
    assert server.ctl("message", "trace", "1", check=False)[0] == 3
    assert server.ctl("message", "trace", "nonsense", check=False)[0] == 2
    assert server.ctl("message", "trace", "nonsense", "--account", juliet, check=False)[0] == 3

# SPDX-License-Identifier: MIT
"""Where a message came from (S0-2): who wrote it, with the full address, in which session, how that logged in
and from what kind of address; complete whatever became of the message, and seen by auditors alone."""
import hashlib
import hmac
import os
import random
import re
import struct
from datetime import datetime, timezone

import pytest

from lib import dom, fast, process, sasl2
from lib.archive import everything
from lib.database import number, query
from lib.removal import modules, retracts
from lib.room import Room, hush
from lib.server import CommandFailed
from lib.sm import managed
from test_audit import offline
from test_sm_restart import is_saved, waits

pytestmark = pytest.mark.xylem
ME = f"unix:{os.getuid()}"
START = 1_800_000_000_000
DAY = 24 * 60 * 60 * 1000
PHONE, LAPTOP = (sasl2.user_agent(sasl2.new_id()) for _ in range(2))


def with_auditor(**changes):
    return modules(**{"audit": {"auditors": [ME]}, "retract": {"count": None}, "retention": True, **changes})


@pytest.fixture
def audited(make_server, actors):
    def make(test_clock=START, auditors=(ME,), **changes):
        server = make_server(test_clock=test_clock, limits={"idle": None},
                             modules=with_auditor(audit={"auditors": list(auditors)}, **changes))
        return server, actors(server)
    return make


def told(server, message):
    return server.json("audit", "message", message)["fields"]


def opened(server, client):
    """The number of its session, as the log has it."""
    lines = re.findall(r"session\.opened .*?login=(\d+) session=(\S+) by=(\S+) source=(\S+)", server.output(10**7))
    return [(int(login), by, source) for login, session, by, source in lines if session == client.full][-1]


def newest(server, request, count=1):
    """The numbers of the messages stored last, the oldest first."""
    rows = query(server, request, f"select message from evidence order by message desc limit {count}")
    return [int(m) for m, in reversed(rows)]


def stored(server, request, count):
    process.wait_until(lambda: number(server, request, "select count(*) from evidence") == count, f"{count} messages", 60)
    return newest(server, request, count)


# ---- one hundred messages ---------------------------------------------------------------------------------


class Written:
    """What the test knows of one message."""

    def __init__(self, id, sender, to, text, at):
        self.id, self.sender, self.to, self.text, self.at = id, sender, to, text, at
        self.author, self.full, self.path = str(sender), sender.full, sender.path
        self.archive_id, self.content, self.state = None, "kept", "live"


class Story:
    """People with many devices, what they write, and what becomes of it."""

    def __init__(self, server, cast, seed):
        self.server, self.cast, self.random, self.now = server, cast, random.Random(seed), START
        self.written, self.sessions, self.logins = [], [], {}
        self.romeo, self.juliet, self.mercutio, self.tybalt = map(cast.account, ("romeo", "juliet", "mercutio", "tybalt"))
        self.room = Room(server)

    def takes_part(self, client, path):
        client.path = path
        client.asks("set", "<enable xmlns='urn:xmpp:carbons:2'/>")
        client.comes_online()
        self.sessions.append(client)
        return client

    def by_sasl2(self, jid, agent, inline=""):
        client = sasl2.secures(self.cast.client("romeo", jid=jid))
        sasl2.logs_in(client, agent=agent, inline=inline)
        return client

    def by_token(self, jid, agent, inline=""):
        person = fast.Person(self.cast, agent=agent, jid=jid, server=self.server)
        token = person.gets_token()
        client = person.connects()
        fast.logs_in(client, token, agent, inline=inline)
        return client

    def everybody_comes(self):
        self.sessions.clear()
        takes = self.takes_part
        takes(self.cast.client("romeo", jid=self.romeo, resource="balcony").logs_in(), "sasl")
        takes(self.by_sasl2(self.romeo, PHONE).binds("orchard"), "sasl2")
        takes(self.by_sasl2(self.romeo, LAPTOP, sasl2.bind("Laptop")), "sasl2+bind2")
        takes(self.by_token(self.juliet, PHONE).binds("chamber"), "fast")
        takes(self.by_token(self.juliet, LAPTOP, sasl2.bind("Laptop")), "fast+bind2")
        hush(*self.sessions)
        self.room_people = {}
        for nick, client in zip(("Romeo", "Juliet"), (self.sessions[0], self.sessions[3])):
            self.room_people[client] = nick
            if self.written:
                self.room.enters(client, nick)
            else:
                self.room.opens(client, nick, persistentroom=True) if nick == "Romeo" else self.room.enters(client, nick)
        hush(*self.sessions)

    def advances(self, days):
        self.server.advance(f"{days} days")
        self.now += days * DAY

    def writes(self, sender, to, kind="chat"):
        message = Written(f"m{len(self.written)}", sender, str(to), f"said {self.random.random()}", self.now)
        sender.sends(f"<message to='{to}' type='{kind}' id='{message.id}'><body>{message.text}</body></message>")
        self.written.append(message)
        return message

    def writes_something(self):
        sender = self.random.choice(self.sessions)
        if sender in self.room_people and self.random.random() < .3:
            return self.writes(sender, self.room, "groupchat")
        return self.writes(sender, self.random.choice([self.romeo, self.juliet, self.mercutio, self.tybalt, str(sender)]))

    def write_some(self, count):
        made = [self.writes_something() for _ in range(count)]
        hush(*self.sessions)
        return made

    def finds_archive_ids(self):
        """As clients know them."""
        for jid in (self.romeo, self.juliet, self.mercutio):
            mine = next(s for s in self.sessions if str(s) == jid)
            self.archive_ids({r.message.get("id"): r.id for r in everything(mine)}, jid)
        self.archive_ids({r.message.get("id"): r.id for r in everything(self.sessions[0], to=str(self.room))}, str(self.room))

    def archive_ids(self, found, whose):
        for message in self.written:
            if whose in (message.author, message.to) and message.id in found:
                message.archive_id = message.archive_id or found[message.id]

    def retract(self, messages):
        for message in messages:
            retracts(message.sender, message.to, message.id, id=f"r-{message.id}")
            message.content, message.state = "sealed", "retracted"
        hush(*self.sessions)

    def complete(self, message):
        """The record says all, and all of it is so."""
        said = told(self.server, message.archive_id)
        assert (said["from"], said["sender"], said["to"]) == (message.author, message.full, message.to), said
        assert (said["class"], said["login_by"], said["source"]) == ("user", message.path, "loopback"), said
        at = datetime.fromisoformat(said["received"].replace("Z", "+00:00")).astimezone(timezone.utc).timestamp() * 1000
        assert 0 <= at - message.at < 5000, said  # ids of one millisecond overflow into the next
        assert said["content"] == message.content and said.get("state") == message.state, said
        assert said["login"] < said["message"] and said["salt"] is True
        assert self.logins.setdefault(message.full, said["login"]) == said["login"], said
        return said


def text_commitment(said, salt, text):
    """As docs/audit.md says it is made."""
    def sized(words):
        return struct.pack(">I", len(words)) + words.encode()
    form = b"\xff" + struct.pack(">q", said["message"]) + sized(said["from"]) + sized(said["to"]) + text.encode()
    return hmac.new(salt, form, hashlib.sha256).hexdigest()


def salt_of(server, request, message):
    [[value]] = query(server, request, f"select {'encode(salt, $$hex$$)' if server.database else 'hex(salt)'} "
                                       f"from evidence where message = {message}")
    return bytes.fromhex(value)


def test_s0_2_one_hundred_messages_and_the_record_of_each_is_complete(audited, request):
    """Of several people and devices, in every way of logging in and a resumed session, to one another, to
    themselves, to a room, to who is away; retracted, purged, expired. What the record says is what the test
    knows."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    server, cast = audited(retention={"keep_for": {"user": "30 days"}}, muc=True, muc_mam=True,
                           retract={"count": None, "purge_by_preset": False, "purge_after": "7 days"})
    story = Story(server, cast, seed)
    mercutio = managed(cast, "mercutio", jid=story.mercutio).logs_in().enables()
    story.everybody_comes()
    story.takes_part(mercutio, "sasl")
    expired = story.write_some(36) + [story.writes(mercutio, story.tybalt)]
    story.finds_archive_ids()
    by_log = {s.full: opened(server, s) for s in story.sessions}

    mercutio.acknowledges().round_trip()
    mercutio.breaks()  # and goes on with the next run of the server
    waits(server, mercutio)
    is_saved(server, request)
    server.stop()
    server.test_clock = story.now
    server.start()
    again = mercutio.reconnects().resumes()
    story.advances(40)
    story.everybody_comes()
    again.path = "sasl"
    story.sessions.append(again)
    purged = story.write_some(30) + [story.writes(again, story.juliet)]
    hush(*story.sessions)
    taken_back = [m for m in purged if "conference" not in m.to][:10]
    story.finds_archive_ids()
    story.retract(taken_back)
    story.advances(8)
    process.wait_until(lambda: number(server, request, "select count(*) from removal where purged = 1") == 10, "purges", 60)
    for message in taken_back:
        message.content = "purged"

    sealed = story.write_some(33)
    story.finds_archive_ids()
    story.retract([m for m in sealed if "conference" not in m.to][:10])
    first_run = {m.full: told(server, m.archive_id)["login"] for m in expired}
    process.wait_until(lambda: number(server, request, "select count(*) from message where id in "
                                      f"({', '.join(str(told(server, m.archive_id)['message']) for m in expired)})") == 0,
                       "expiry", 60)
    for message in expired:
        message.content, message.state = "gone", None

    assert len(story.written) == 101 and all(m.archive_id for m in story.written)
    story.logins = dict(first_run)
    records = [story.complete(m) for m in expired]
    assert {f: (n, p) for f, n, p in ((r["sender"], r["login"], r["login_by"]) for r in records)} == {
        r["sender"]: by_log[r["sender"]][:2] for r in records}
    story.logins = {mercutio.full: first_run[mercutio.full]}  # the same session, over the restart
    records += [story.complete(m) for m in story.written[37:]]
    assert len(set(story.logins.values())) == len(story.logins)
    assert len({r["message"] for r in records}) == 101
    assert len({r["commitment"] for r in records}) == 101
    for message, said in zip(story.written, records):
        salt = salt_of(server, request, said["message"])
        assert said["text_commitment"] == text_commitment(said, salt, message.text)
    for message in (expired[0], taken_back[0], sealed[0], sealed[-1]):
        claim = ("--from", message.author, "--to", message.to, "--text")
        archive_id = told(server, message.archive_id)["message"]
        assert server.json("audit", "prove", archive_id, *claim, message.text)["fields"]["text"] == "confirmed"
        assert server.ctl("audit", "prove", archive_id, *claim, message.text + ".", check=False)[0] == 5
    assert server.json("audit", "verify")["fields"]["intact"] is True


# ---- who wrote it, where that is not plain to see -------------------------------------------------------------


def test_s0_2_a_session_that_was_resumed_stays_the_same(audited, request):
    server, cast = audited()
    romeo = managed(cast, "romeo").logs_in().enables().comes_online()
    juliet = cast.account("juliet")
    romeo.sends(f"<message to='{juliet}' type='chat' id='a'><body>one</body></message>")
    [first] = stored(server, request, 1)
    romeo.breaks()
    waits(server, romeo)
    again = romeo.reconnects().resumes()
    again.sends(f"<message to='{juliet}' type='chat' id='b'><body>two</body></message>")
    second = stored(server, request, 2)[-1]
    records = [told(server, m) for m in (first, second)]
    assert {(r["sender"], r["login"], r["login_by"]) for r in records} == {(romeo.full, opened(server, romeo)[0], "sasl")}
    assert "session.resumed a session goes on module=sm" in server.output(10**7)
    assert number(server, request, "select count(*) from login") == 1


def test_s0_2_who_writes_nothing_leaves_nothing(audited, request):
    server, cast = audited()
    romeo, juliet = cast.online("romeo", "juliet")
    romeo.sends(f"<message to='{juliet}' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
    juliet.hears("<message type='chat'>...</message>")
    assert number(server, request, "select count(*) from login") == 0
    romeo.sends(f"<message to='{juliet}' type='chat'><body>hi</body></message>" * 20)
    stored(server, request, 20)
    assert number(server, request, "select count(*) from login") == 1


def test_s0_2_what_was_stored_late_came_from_who_wrote_it(audited, request):
    """Nobody stored it when it was sent; its reader never acknowledged it. By then the session it came from has
    ended, and another one has its address."""
    server, cast = audited(mam=False, sm=False)
    jid = cast.account("juliet")
    juliet = cast.client("juliet", jid=jid, receive_buffer=4096).logs_in()
    juliet.sends("<presence/>")  # and never reads again
    romeo = cast.client("romeo", resource="balcony").comes_online()
    first = opened(server, romeo)[0]
    for i in range(300):
        romeo.sends(f"<message to='{jid}' type='chat' id='m{i}'><body>{i} {'x' * 4000}</body></message>")
    romeo.round_trip()
    romeo.ends()
    again = cast.another(romeo, "balcony")
    assert number(server, request, "select count(*) from evidence") == 0
    juliet.breaks()
    process.wait_until(lambda: not server.json("session", "list", jid)["rows"], "the session's end")
    process.wait_until(lambda: number(server, request, "select count(*) from evidence") > 0, "what was not read")
    again.sends(f"<message to='{jid}' type='chat' id='later'><body>later</body></message>")
    process.wait_until(lambda: told(server, newest(server, request)[0]).get("client_id") == "later", "the last one")
    late, last = newest(server, request, 2)
    said, later = told(server, late), told(server, last)
    assert (said["client_id"], said["sender"], said["login"], said["login_by"]) == ("m299", romeo.full, first, "sasl")
    assert (later["sender"], later["login"]) == (again.full, opened(server, again)[0]) and later["login"] != first


def test_s0_2_private_messages_and_invitations_of_a_room(audited, request):
    """Their reader sees the room; the auditor sees who it was."""
    server, cast = audited(muc=True)
    romeo, nurse = (managed(cast, name).logs_in().enables().comes_online() for name in ("romeo", "nurse"))
    juliet = cast.online("juliet")  # what is for the others is stored until they have acknowledged it
    room = Room(server)
    room.opens(romeo, "Romeo")
    room.enters(juliet, "Juliet")
    hush(romeo, juliet, nurse)
    before = number(server, request, "select count(*) from evidence")
    juliet.sends(f"<message to='{room.of('Romeo')}' type='chat' id='pm'><body>a whisper</body></message>")
    romeo.hears(f"<message type='chat' id='pm' from='{room.of('Juliet')}'>...<body>a whisper</body>...</message>")
    left, came = stored(server, request, before + 2)[-2:]  # hers, and his
    assert [(told(server, left)[name]) for name in ("from", "sender", "to")] == [juliet.jid, juliet.full, room.jid]
    whisper = told(server, came)
    assert (whisper["from"], whisper["sender"], whisper["to"]) == (room.jid, juliet.full, romeo.jid)
    assert whisper["login"] == told(server, left)["login"] == opened(server, juliet)[0]
    romeo.sends(f"<message to='{room}'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='{nurse}'>"
                "<reason>a song</reason></invite></x></message>")
    nurse.hears(f"<message from='{room}'>...</message>")
    invitation = told(server, stored(server, request, before + 4)[-1])
    assert (invitation["from"], invitation["sender"], invitation["to"]) == (room.jid, romeo.full, nurse.jid)


def test_s0_2_a_moderators_act_came_from_his_session_and_a_notice_from_none(audited, request):
    server, cast = audited(muc=True, muc_mam=True, retract_muc={"moderators": True}, retract_admin={"grant": [ME]})
    romeo, juliet = cast.online("romeo", "juliet")
    room = Room(server)
    room.opens(romeo, "Romeo")
    room.enters(juliet, "Juliet")
    hush(romeo, juliet)
    room.says(juliet, "a word too much", id="w")
    said = romeo.hears("<message type='groupchat' id='w'>...</message>")
    target = dom.find(said, "sid:stanza-id").get("id")
    hush(romeo, juliet)
    answer = romeo.asks("set", f"<moderate xmlns='urn:xmpp:message-moderate:1' id='{target}'>"
                               "<retract xmlns='urn:xmpp:message-retract:1'/></moderate>", to=str(room))
    assert answer.get("type") == "result", dom.show(answer)
    word, act = stored(server, request, 2)
    said = told(server, target)
    assert (said["message"], said["sender"], said["state"], said["content"]) == (word, juliet.full, "moderated", "sealed")
    assert (told(server, act)["sender"], told(server, act)["to"]) == (romeo.full, room.jid)
    romeo.sends(f"<message to='{juliet}' type='chat' id='d'><body>to be removed</body></message>")
    victim = stored(server, request, 3)[-1]
    plan = server.json("retract", "plan", victim)["fields"]["plan"]
    asked = server.json("retract", "request", plan, "--reason-code", "legal", "--reason", "order 12")["fields"]["request"]
    server.json("retract", "apply", asked)
    notice = told(server, newest(server, request)[0])
    assert (notice["from"], notice["class"]) == (server.domain, "notice") and "sender" not in notice
    assert "login" not in notice and told(server, victim)["state"] == "removed"


# ---- who may see it, and when nobody can any more -------------------------------------------------------------


def test_s0_2_auditors_alone_and_on_record(audited, request):
    server, cast = audited(auditors=["unix:4294967294"])
    romeo, juliet = cast.online("romeo", "juliet")
    romeo.sends(f"<message to='{juliet}' type='chat' id='m'><body>hi</body></message>")
    [message] = stored(server, request, 1)
    with pytest.raises(CommandFailed) as failed:
        server.ctl("audit", "message", message)
    assert failed.value.status == 5 and "auditors" in failed.value.error and romeo.full not in failed.value.error
    server.reload(modules={"audit": {"auditors": [ME]}})
    assert told(server, message)["sender"] == romeo.full
    assert server.ctl("audit", "message", message + (1 << 20), check=False)[0] == 3
    assert server.ctl("audit", "message", "nonsense", check=False)[0] == 2
    rows = server.json("audit", "search", "--message", message)["rows"]
    assert [(r["kind"], r["reason"], r["actor"]) for r in rows] == [("privileged_read", "origin", ME),
                                                                    ("refuse", "no-auditor", ME)]


def test_n2_an_erased_person_is_named_no_more_but_where_a_hold_keeps_it(audited, request):
    server, cast = audited(hold=True)
    romeo, juliet = cast.online("romeo", "juliet")
    gone = romeo.jid
    for i, (sender, to) in enumerate([(romeo, juliet), (juliet, romeo), (romeo, romeo), (juliet, juliet)]):
        sender.sends(f"<message to='{to}' type='chat' id='m{i}'><body>free {i}</body></message>")
        stored(server, request, i + 1)
    second = cast.another(romeo)
    hold = server.json("hold", "add", "--name", "x", "--reason", "y", "--keyword", "keepsake")["fields"]["hold"]
    process.wait_until(lambda: server.json("hold", "show", hold)["fields"]["state"] == "complete", "the hold", 30)
    second.sends(f"<message to='{juliet}' type='chat' id='h'><body>a keepsake</body></message>")
    *free, held = stored(server, request, 5)
    second_full, juliet_full = second.full, juliet.full
    server.json("user", "erase", gone, "--reason", "asked for it", "--yes")
    process.wait_until(lambda: number(server, request, "select count(*) from message") == 4, "his archive", 30)
    records = [told(server, m) for m in free]
    assert [r["content"] for r in records] == ["kept", "kept", "gone", "kept"]  # her copies stay hers
    assert gone not in str(records[2])
    assert [("sender" in r, r["salt"]) for r in records] == [(False, False), (True, True), (False, False), (True, True)]
    assert records[1]["sender"] == records[3]["sender"] == juliet_full
    [named] = query(server, request, "select count(author), count(addressee), count(login) from evidence")
    assert tuple(map(int, named)) == (3, 3, 3)  # written by her and held; to her and held; from her sessions and held
    assert number(server, request, "select count(*) from login") == 2
    said = told(server, held)
    assert (said["from"], said["sender"], said["to"], said["salt"]) == (gone, second_full, juliet.jid, True)


def test_n2_what_others_wrote_to_an_erased_person_is_forgotten_when_its_hold_ends(audited, request):
    """The hold keeps his name where somebody wrote to him; nothing of his own is held."""
    server, cast = audited(hold={"keep_released": "1 min"})
    romeo, juliet = cast.online("romeo", "juliet")
    hold = server.json("hold", "add", "--name", "x", "--reason", "y", "--keyword", "keepsake")["fields"]["hold"]
    process.wait_until(lambda: server.json("hold", "show", hold)["fields"]["state"] == "complete", "the hold", 30)
    juliet.sends(f"<message to='{romeo}' type='chat' id='h'><body>a keepsake</body></message>")
    [held] = stored(server, request, 1)
    gone = romeo.jid
    assert server.json("user", "erase", gone, "--reason", "asked for it", "--yes")["fields"]["held"] == 1
    assert told(server, held)["to"] == gone
    server.ctl("hold", "release", hold, "--reason", "over")

    def forgotten():
        server.advance("2 min")
        return number(server, request, "select count(addressee) from evidence") == 0
    process.wait_until(forgotten, "the end of the erasure", 60)
    assert told(server, held)["sender"] == juliet.full


# ---- what is proved when the row has gone ----------------------------------------------------------------------


def proves(server, message, sender, to, text):
    status, out, _ = server.ctl("audit", "prove", message, "--from", sender, "--to", to, "--text", text, check=False)
    return status, "confirmed" if "confirmed" in out else "refuted" if "refuted" in out else out


@pytest.mark.parametrize("how", ["retention", "archive", "delivered"])
def test_s0_3_what_has_expired_is_confirmed_or_refuted(audited, request, how):
    """By the rule of the whole server, by the archives' own, or because nothing kept it once it was delivered."""
    options = {"retention": {"retention": {"keep_for": {"user": "1 day"}}}, "archive": {"mam": {"keep_for": "1 day"}},
               "delivered": {"mam": False}}[how]
    server, cast = audited(retract=False, **options)
    romeo, juliet = managed(cast, "romeo").logs_in().comes_online(), cast.account("juliet")
    romeo.sends(f"<message to='{juliet}' type='chat' id='m'><body>what was said</body></message>")
    [message] = stored(server, request, 1)
    assert told(server, message)["content"] == "kept"
    reader = cast.client("juliet", jid=juliet).comes_online()
    reader.ends()

    def is_gone():
        server.advance("11 min")
        return number(server, request, "select count(*) from message") == 0
    server.advance("2 days")
    process.wait_until(is_gone, "its end", 60)
    assert proves(server, message, romeo, juliet, "what was said") == (0, "confirmed")
    assert proves(server, message, romeo, juliet, "what was sad") == (5, "refuted")
    assert proves(server, message, juliet, romeo, "what was said") == (5, "refuted")
    said = told(server, message)
    assert (said["from"], said["sender"], said["to"], said["class"]) == (romeo.jid, romeo.full, juliet, "user")
    assert said["content"] == "gone" and "state" not in said and said["login"] == opened(server, romeo)[0]
    document = server.directory / "proof"
    document.write_text(server.ctl("audit", "prove", message, "--document"))
    key = server.json("audit", "key")["fields"]["key"]
    claim = ("proof", document, "--key", key, "--from", romeo, "--to", juliet, "--text")
    assert offline(*claim, "what was said")[0] == 0 and offline(*claim, "what was sad")[0] == 1

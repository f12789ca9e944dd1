# SPDX-License-Identifier: MIT
"""A device that has a message and was away while it was taken back learns of it before, or together with,
anything newer (S0-19, N8, S1-2): in every login mode, whether its archive keeps the conversation or only
its queue does, alone or beside another device that was there."""
from datetime import timedelta

import pytest

from lib import dom, fast, sasl2
from lib.archive import ask, preferences_text
from lib.canary import MODERATE, new_word, overheard, retracts, says
from lib.removal import RETRACT
from lib.room import Room, hush
from lib.sm import SM, Managed, managed

pytestmark = pytest.mark.xylem
ENABLE = f"<enable {SM} resume='true'/>"


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, test_clock=True, limits={"idle": None}, modules={
        "mam": True, "muc": True, "muc_mam": True, "audit": True, "retract": {"count": None},
        "retract_muc": {"authors": True, "moderators": True, "count": None}}).start()
    yield server
    server.stop()


# ---- logins: first() has read the message when it leaves(); again() comes back --------------------------


class Legacy:
    reads_archive = False

    def __init__(self, cast, jid):
        self.cast, self.jid, self.agent = cast, jid, sasl2.user_agent(sasl2.new_id())

    def connects(self):
        return sasl2.secures(self.cast.client("device", jid=self.jid))

    def first(self):
        return self.logs_in()

    def logs_in(self):
        return self.cast.client("device", jid=self.jid).logs_in()

    def leaves(self, client):
        client.ends()

    def again(self, former):
        return self.logs_in()


class Sasl2(Legacy):
    def logs_in(self):
        client = self.connects()
        sasl2.logs_in(client, agent=self.agent)
        return client.binds()


class Bind2(Legacy):
    reads_archive = True

    def logs_in(self):
        client = self.connects()
        sasl2.logs_in(client, agent=self.agent, inline=sasl2.bind("Phone"))
        return client


class Fast(Legacy):
    reads_archive = True

    def first(self):
        person = fast.Person(self.cast, agent=self.agent, jid=self.jid)
        self.token = person.gets_token()
        return self.logs_in()

    def logs_in(self):
        client = self.connects()
        success = fast.logs_in(client, self.token, self.agent, inline=sasl2.bind("Phone"))
        self.token = fast.token_of(success, fast.NONE) or self.token
        return client


class Resumed(Legacy):
    def first(self):
        return managed(self.cast, "device", jid=self.jid).logs_in().enables()

    def leaves(self, client):
        client.acknowledges().round_trip()
        client.resets()

    def again(self, former):
        return former.reconnects().resumes()


class ResumedInline(Resumed):
    def first(self):
        client = sasl2.secures(self.cast.client("device", jid=self.jid, kind=Managed))
        return client.took_success(sasl2.logs_in(client, agent=self.agent, inline=sasl2.bind("Phone", ENABLE)))

    def again(self, former):
        made = sasl2.secures(former.connects_again())
        return made.took_success(sasl2.logs_in(made, agent=self.agent, inline=made.resume_text()))


LOGINS = [Legacy, Sasl2, Bind2, Fast, Resumed, ResumedInline]


def in_order(text, *parts):
    at = [text.find(part) for part in parts]
    assert -1 not in at and at == sorted(at), (parts, at, text)


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside"])
@pytest.mark.parametrize("archive", ["always", "never"])
@pytest.mark.parametrize("login", LOGINS)
def test_s0_19_a_device_that_was_away(cast, login, archive, beside):
    romeo, jid, word = cast.online("romeo"), cast.account("juliet"), new_word()
    if beside:
        other = Bind2(cast, jid).logs_in()
        other.sends("<presence/>")
        other.settles()
    device = login(cast, jid)
    client = device.first()
    answer = client.asks("set", preferences_text(archive))
    assert answer.get("type") == "result", dom.show(answer)
    client.sends("<presence/>")
    hush(client)
    says(romeo, jid, "m1", word)
    client.hears(f"<message id='m1' type='*'>...<body>{word}</body>...</message>")
    client.round_trip()
    known = ask(client).last
    device.leaves(client)
    retracts(romeo, jid, "r1", "m1")
    says(romeo, jid, "m2", "newer")
    romeo.settles()
    client = device.again(client)
    client.sends("<presence/>")
    client.round_trip()
    client.round_trip()
    if device.reads_archive and archive == "always":
        ask(client, **({"after": known} if known else {}))
    heard = overheard(client)
    in_order(heard, "<retract ", "newer")
    assert word not in heard and heard.count("<retract ") == 1, client.dialogue()


@pytest.mark.parametrize("how", ["author", "moderator"])
@pytest.mark.parametrize("back", ["enters", "enters since", "resumes", "reads"])
def test_s0_19_in_rooms(cast, server, how, back):
    """Who was in a room, has read it and was away: by the room's history, by resumption, by its archive."""
    romeo, juliet = cast.online("romeo", "juliet")
    nurse = managed(cast, "nurse").logs_in().enables().comes_online()
    room, word = Room(server), new_word()
    room.opens(juliet, "Juliet", persistentroom=True)
    for client, nick in ((romeo, "Romeo"), (nurse, "Nurse")):
        room.enters(client, nick)
    hush(romeo, juliet, nurse)
    says(romeo, room, "m1", word, "groupchat")
    target = dom.find(nurse.hears("<message type='groupchat' id='m1'>...</message>"), "sid:stanza-id").get("id")
    since = (ask(nurse, to=room.jid).results[-1].stamp + timedelta(milliseconds=500)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    nurse.acknowledges().round_trip()
    if back == "resumes":
        nurse.resets()
    else:
        nurse.ends()
    hush(romeo, juliet)
    server.advance("1 s")
    if how == "author":
        retracts(romeo, room, "r1", target, "groupchat")
    else:
        answer = juliet.asks("set", f"<moderate xmlns='{MODERATE}' id='{target}'><retract xmlns='{RETRACT}'/></moderate>", to=room)
        assert answer.get("type") == "result", dom.show(answer)
    hush(romeo, juliet)
    says(romeo, room, "m2", "newer", "groupchat")
    hush(romeo, juliet)
    if back == "resumes":
        again = nurse.reconnects().resumes()
        again.round_trip()
    else:
        again = cast.client("nurse", jid=nurse.jid).comes_online()
        if back.startswith("enters"):
            room.enters(again, "Nurse", x=f"<history since='{since}'/>" if back == "enters since" else "")
        else:
            ask(again, to=room.jid, after=target)
    heard = overheard(again)
    in_order(heard, "<retract ", "newer")
    assert word not in heard

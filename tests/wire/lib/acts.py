# SPDX-License-Identifier: MIT
"""What people do to take messages back, as acts that a server may be killed in (lib/deadly.py): each among people of its
own, with the word of a canary in what goes, and messages before and behind it that nobody means to touch."""
from . import dom
from .archive import ask, everything
from .canary import MODERATE, new_word, overheard, retracts, says
from .deadly import listed
from .removal import RETRACT
from .room import Room
from .sm import managed

REPLACE, REACTIONS = "urn:xmpp:message-correct:0", "urn:xmpp:reactions:0"
RETRACTED, MODERATED = 1, 2


def settled(client):
    """Everything it sent is acknowledged."""
    while client.unacknowledged:
        client.requests()
    return True


def in_order(text, *parts):
    at = [text.find(part) for part in parts]
    assert -1 not in at and at == sorted(at), (parts, at, text)


class Act:
    state, kind = RETRACTED, "retract"

    def __init__(self, stage):
        self.stage, self.cast, self.word = stage, stage.cast, new_word()
        self.base = stage.number("select coalesce(max(id), 0) from message")
        self.prepares()

    def since(self):
        """Numbers of the messages of this act."""
        return [r[0] for r in self.stage.query(f"select id from message where id > {self.base} order by id")]

    def facts(self):
        return self.stage.facts(self.ids, self.kind)

    def found(self, told):
        """All of it or nothing: states, what is known of them, their records, queues. True: all of it."""
        facts = self.facts()
        assert len(facts) == len(self.ids)
        happened = facts[0][0] == self.state
        assert all(f == (self.state, 1, 1, 0) if happened else f[:3] == (0, 0, 0) for f in facts), facts
        return happened

    def completes(self, happened):
        """Whoever asked for it asks again if it has not happened; then everybody looks."""
        self.comes_back(happened)
        assert self.found(True)
        self.looks()

    def reads(self, client, expected, notices, to=None):
        """Its archive has that, with nothing of the word: bodies of what lives, tombstones counted, one notice for each."""
        since = len(client.log)
        texts, dead, told = [], 0, []
        for result in everything(client, to=to, max=50):
            body, target = dom.find(result.message, "client:body"), dom.find(result.message, "retract:retract")
            if dom.find(result.message, "retract:retracted") is not None:
                assert body is None
                dead += 1
            elif target is not None:
                told.append(target.get("id"))
            elif body is not None:
                texts.append(body.text)
        assert (texts, dead, sorted(told)) == (expected, len(self.ids), sorted(notices)), (texts, dead, told)
        assert self.word not in overheard(client, since)


# ---- to one person -----------------------------------------------------------------------------------


class Conversation(Act):
    """An author and a peer with three devices: a desk that is there, a phone whose connection broke before it said what
    it got, a tablet that has read the archive and left. A correction and a reaction go with the message."""

    def prepares(self):
        self.author = managed(self.cast, "author", domain=self.domain()).logs_in().enables().comes_online()
        self.peer = self.cast.account("peer", domain=self.domain())
        phone = managed(self.cast, "peer", jid=self.peer).logs_in().enables().comes_online()
        phone.answers = False
        phone.acknowledges().round_trip()
        got = phone.received
        desk, tablet = self.logs_in("desk"), self.logs_in("tablet")
        says(self.author, self.peer, "m0", "before")
        says(self.author, self.peer, "m1", self.word)
        self.author.sends(f"<message to='{self.peer}' type='chat' id='m2'><body>{self.word} better</body>"
                          f"<replace xmlns='{REPLACE}' id='m1'/></message>")
        settled(self.author)
        desk.sends(f"<message to='{self.author}' type='chat' id='m3'><reactions xmlns='{REACTIONS}' id='m1'>"
                   "<reaction>!</reaction></reactions><store xmlns='urn:xmpp:hints'/></message>")
        desk.round_trip()
        says(self.author, self.peer, "m4", "after")
        settled(self.author)
        ids = self.since()
        assert len(ids) == 5, ids
        self.ids = ids[1:4]
        self.read = ask(tablet).last
        assert self.word in overheard(tablet)
        phone.round_trip()
        assert self.word in overheard(phone)
        phone.received = got
        tablet.ends()
        phone.resets()
        self.phone = phone

    def domain(self):
        return self.stage.server.domain

    def logs_in(self, resource):
        return self.cast.client("peer", jid=self.peer, resource=resource).comes_online()

    def does(self):
        retracts(self.author, self.peer, "r1", "m1")
        settled(self.author)
        self.stage.rests()
        return True

    def comes_back(self, happened):
        if not self.author.eof:  # nobody was killed
            return
        self.author = self.author.comes_back()
        settled(self.author)
        if not self.found(False):  # it had not been acknowledged, or the session was not known any more
            assert not happened
            retracts(self.author, self.peer, "r1", "m1")
            settled(self.author)
        self.author.round_trip()

    def looks(self):
        says(self.author, self.peer, "m5", "newer")
        settled(self.author)
        phone = self.phone.comes_back() if self.phone.eof else self.phone
        phone.round_trip()
        tablet, desk = self.logs_in("tablet"), self.logs_in("desk")
        ask(tablet, after=self.read)
        for client in (phone, tablet):
            heard = overheard(client)
            in_order(heard, "<retract ", "newer")
            assert self.word not in heard, client.dialogue()
        for client in (self.author, desk):
            self.reads(client, ["before", "after", "newer"], ["m1"])


class Purged(Conversation):
    """The same where what is taken back is destroyed at once; that goes on by itself."""

    def domain(self):
        return self.stage.server.config["hosts"][1]

    def is_purged(self):
        rows = self.stage.query(f"select purged from removal where message > {self.base}")
        return len(rows) == len(self.ids) and all(r[0] == 1 for r in rows)

    def does(self):
        retracts(self.author, self.peer, "r1", "m1")
        settled(self.author)
        self.stage.until(self.is_purged, "the purge")
        self.stage.rests()
        return True

    def completes(self, happened):
        if happened:  # whatever the killed server left to do
            self.stage.until(self.is_purged, "the purge by the server that started again")
        super().completes(happened)
        self.stage.until(self.is_purged, "the purge")
        assert sorted(self.stage.records("message", f"kind = 'purge' and message in ({listed(self.ids)})")) == self.ids
        if not self.stage.psql:
            folder = self.stage.server.directory / "data"
            self.stage.until(lambda: not any(self.word.encode() in p.read_bytes() for p in folder.glob("xylem.db*")),
                             "the end of its bytes")


# ---- in a room ---------------------------------------------------------------------------------------


class Discussion(Act):
    """A room with its author, its owner, and a member who has read it and left."""

    def prepares(self):
        self.owner = self.cast.client("owner").comes_online()
        self.author = managed(self.cast, "author").logs_in().enables().comes_online()
        self.member = self.cast.client("member").comes_online()
        self.people = {"Owner": self.owner, "Author": self.author, "Member": self.member}
        self.room = Room(self.stage.server)
        self.room.opens(self.owner, "Owner", persistentroom=True)
        for nick in ("Author", "Member"):
            self.room.enters(self.people[nick], nick)
        for number, text in enumerate(("before", self.word)):
            says(self.author, self.room, f"m{number}", text, "groupchat")
        self.author.sends(f"<message to='{self.room}' type='groupchat' id='m2'><body>{self.word} better</body>"
                          f"<replace xmlns='{REPLACE}' id='m1'/></message>")
        says(self.author, self.room, "m3", "after", "groupchat")
        settled(self.author)
        ids = self.since()
        self.ids = ids[-3:-1]
        self.read = ask(self.member, to=self.room)
        assert self.word in overheard(self.member)
        self.target = self.read.ids[-3]
        self.member.ends()

    def asks(self):
        retracts(self.author, self.room, "r1", self.target, "groupchat")
        settled(self.author)
        self.author.round_trip()

    def does(self):
        self.asks()
        self.stage.rests()
        return True

    def logs_in(self, nick):
        former = self.people[nick]
        kind = managed if nick == "Author" else self.cast.client
        client = kind(self.cast, former.label, jid=former.jid) if nick == "Author" else kind(former.label, jid=former.jid)
        client.logs_in()
        if nick == "Author":
            client.enables()
        self.people[nick] = client.comes_online()
        return client

    def comes_back(self, happened):
        if self.owner.eof:
            for nick in ("Owner", "Author"):
                self.room.enters(self.logs_in(nick), nick)
            self.owner, self.author = self.people["Owner"], self.people["Author"]
            for client in (self.owner, self.author):
                assert not happened or self.word not in overheard(client), client.dialogue()
        if not self.found(False):
            assert not happened
            since = {nick: len(client.log) for nick, client in self.people.items()}
            self.asks()
            self.owner.round_trip()
            for nick in ("Owner", "Author"):
                heard = overheard(self.people[nick], since[nick])
                assert heard.count("<retract ") == 1 and self.word not in heard, self.people[nick].dialogue()

    def looks(self):
        says(self.author, self.room, "m4", "newer", "groupchat")
        settled(self.author)
        member = self.logs_in("Member")
        self.room.enters(member, "Member")
        page = ask(member, to=self.room, after=self.read.last)
        assert [dom.find(r.message, "retract:retract") is not None for r in page.results] == [True, False]
        assert self.word not in overheard(member), member.dialogue()
        for client in (self.author, self.owner, member):
            self.reads(client, ["before", "after", "newer"], [self.target], to=self.room)


class Moderation(Discussion):
    state, kind = MODERATED, "moderate"

    def asks(self):
        answer = self.owner.asks("set", f"<moderate xmlns='{MODERATE}' id='{self.target}'><retract xmlns='{RETRACT}'/>"
                                        "<reason>enough</reason></moderate>", to=self.room)
        assert answer.get("type") == "result", dom.show(answer)
        self.author.round_trip()

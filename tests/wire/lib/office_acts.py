# SPDX-License-Identifier: MIT
"""What administrators and time do to messages, as acts that a server may be killed in (lib/deadly.py, lib/acts.py)."""
import json

from . import dom
from .acts import Act, in_order, settled
from .archive import ask, everything
from .canary import overheard, says
from .deadly import LOG, listed
from .room import Room
from .sm import managed

REMOVED = 3


# ---- by an administrator -------------------------------------------------------------------------------


class Removal(Act):
    """Everything somebody wrote that bears the word: to a peer, who is away, and in a room. Each message is a step of
    its own; what has begun goes on by itself."""
    state, kind, many = REMOVED, "remove", 3

    def prepares(self):
        self.author = managed(self.cast, "author").logs_in().enables().comes_online()
        self.other = self.cast.client("other").comes_online()
        self.peer = self.cast.account("peer")
        self.room = Room(self.stage.server)
        self.room.opens(self.other, "Other", persistentroom=True)
        self.room.enters(self.author, "Author")
        says(self.other, self.peer, "m0", "before")
        says(self.other, self.room, "m1", "before", "groupchat")
        self.other.round_trip()
        first = len(self.since())
        for number in range(self.many):
            says(self.author, self.peer, f"c{number}", self.word)
        for number in range(2):
            says(self.author, self.room, f"g{number}", self.word, "groupchat")
        settled(self.author)
        self.ids = self.since()[first:]
        assert len(self.ids) == self.many + 2
        says(self.other, self.peer, "m2", "after")
        says(self.other, self.room, "m3", "after", "groupchat")
        self.other.round_trip()
        self.request = None

    def ctl(self, *words):
        return self.stage.server.json("retract", *words)["fields"]

    def asks(self):
        plan = self.ctl("plan", "--from", self.author.jid)["plan"]
        self.request = self.ctl("request", plan, "--reason-code", "legal", "--reason", "court order 12")["request"]
        return self.ctl("apply", self.request)

    def is_done(self):
        return self.ctl("status", self.request)["state"] == "done"

    def does(self):
        self.asks()
        self.stage.until(self.is_done, "the job's end")
        self.stage.rests()
        return True

    def found(self, told):
        """Each step, all of it or nothing. True: it has begun, so it will be done."""
        facts = self.facts()
        assert all(f in ((self.state, 1, 1, 0), (0, 0, 0, f[3])) for f in facts), facts
        any_removed = any(f[0] for f in facts)
        if self.request is None:
            rows = self.stage.server.json("retract", "status")["rows"]
            assert not any_removed and not [r for r in rows if r["state"] == "applying"]
            return False
        begun = self.ctl("status", self.request)["state"] in ("applying", "done")
        assert begun or not any_removed
        return begun

    def comes_back(self, happened):
        if not happened:
            self.asks()
        self.stage.until(self.is_done, "the job's end, by itself")
        assert [f[0] for f in self.facts()] == [self.state] * len(self.ids)
        if self.author.eof:
            self.author, self.other = (self.cast.client(c.label, jid=c.jid).comes_online() for c in (self.author, self.other))

    def looks(self):
        says(self.other, self.peer, "m4", "newer")
        self.other.round_trip()
        phone = self.cast.client("peer", jid=self.peer).comes_online()
        phone.round_trip()
        heard = overheard(phone)
        in_order(heard, "before", "<retract ", "newer")
        assert self.word not in heard and heard.count("<retract ") == self.many, phone.dialogue()
        targets = [f"c{number}" for number in range(self.many)]
        self.counts(phone, ["before", "after", "newer"], targets)
        self.counts(self.author, [], targets)
        room = ask(self.other, to=self.room)
        assert self.word not in overheard(self.other) or not self.other.eof
        bodies = [dom.find(r.message, "client:body") for r in room.results]
        assert [b.text for b in bodies if b is not None] == ["before", "after"]
        assert sum(dom.find(r.message, "retract:retract") is not None for r in room.results) == 2
        assert self.word not in "".join(dom.show(r.wrapper) for r in room.results)

    def counts(self, client, expected, targets):
        page = everything(client, max=100)
        bodies = [dom.find(r.message, "client:body") for r in page]
        assert [b.text for b in bodies if b is not None] == expected
        told = [dom.find(r.message, "retract:retract") for r in page]
        assert sorted(t.get("id") for t in told if t is not None) == sorted(targets)
        assert sum(dom.find(r.message, "retract:retracted") is not None for r in page) == self.many
        assert self.word not in "".join(dom.show(r.wrapper) for r in page)


class Job(Removal):
    """More than one lot of it: what a killed server had not come to is done by the next."""
    many = 45


# ---- by time -------------------------------------------------------------------------------------------


class Expiry(Act):
    """What two people wrote, by a rule of theirs; somebody else's stays."""

    def prepares(self):
        self.author = managed(self.cast, "author").logs_in().enables().comes_online()
        self.peer, self.other = self.cast.account("peer"), self.cast.account("other")
        says(self.author, self.other, "m0", "before")
        settled(self.author)
        for number in range(3):
            says(self.author, self.peer, f"m{number}", self.word)
        settled(self.author)
        self.ids = self.since()[1:]
        assert len(self.ids) == 3
        self.stage.server.ctl("retention", "set", self.author.jid, self.peer, "--keep-for", "1 min", "--reason", "brief")
        self.recorded = len(self.stage.records("kind", "kind = 'expire'"))

    def asks(self):
        """The clock may have begun it."""
        self.stage.until(lambda: self.stage.server.ctl("retention", "run", check=False)[0] == 0, "a run")

    def does(self):
        self.stage.advances(62)
        self.asks()
        self.stage.rests()
        return True

    def found(self, told):
        [left] = self.stage.query("select " + ", ".join(
            f"(select count(*) from {t} where {c} in ({listed(self.ids)}))"
            for t, c in (("message", "id"), ("archive", "message"), ("pending", "message"))) +
            f", (select count(*) from ({LOG}) l where kind = 'expire')")
        assert left in ((0, 0, 0, self.recorded + 1), (3, 6, 3, self.recorded)), left
        return left[0] == 0

    def completes(self, happened):
        if not happened:
            self.stage.advances(62)
            self.asks()
            assert self.found(True)
        if self.author.eof:
            self.author = self.cast.client("author", jid=self.author.jid).comes_online()
        peer = self.cast.client("peer", jid=self.peer).comes_online()
        for client, expected in ((self.author, ["before"]), (peer, [])):
            assert ask(client).texts == expected
            assert self.word not in overheard(client)


# ---- holds ---------------------------------------------------------------------------------------------


class Hold(Act):
    """Messages come under a hold."""

    def prepares(self):
        self.author = managed(self.cast, "author").logs_in().enables().comes_online()
        self.peer = self.cast.account("peer")
        for number in range(3):
            says(self.author, self.peer, f"m{number}", self.word)
        settled(self.author)
        self.ids = self.since()
        self.name = f"case {self.word}"

    def case(self):
        """(number, phase)"""
        return self.stage.query(f"select id, phase from hold_case where name = '{self.name}'")

    def is_in(self, *phases):
        return lambda: self.case() and self.case()[0][1] in phases

    def adds(self):
        self.stage.server.ctl("hold", "add", "--name", self.name, "--reason", "court order 7", "--person", self.author.jid)
        self.stage.until(self.is_in(1), "all its messages")

    def does(self):
        self.adds()
        self.stage.rests()
        return True

    def recorded(self, kind):
        return len(self.stage.records("kind", f"kind = '{kind}' and details like '%{self.word}%'"))

    def found(self, told):
        assert len(self.case()) == self.recorded("hold")
        return bool(self.case())

    def held(self):
        return self.stage.number(f"select count(*) from held where message in ({listed(self.ids)})")

    def completes(self, happened):
        if not happened:
            self.adds()
        self.stage.until(self.is_in(1), "all its messages, by itself")
        assert (self.held(), self.recorded("hold")) == (3, 1), (self.held(), self.recorded("hold"), self.case(), self.ids)
        lines = self.stage.server.json("hold", "export", self.case()[0][0], "--reason", "a test")["fields"]["export"]
        assert sum(self.word in json.loads(line).get("stanza", "") for line in lines.splitlines()) == 3


class Release(Hold):
    """What an archive has ages again; nothing is destroyed."""

    def prepares(self):
        super().prepares()
        self.adds()

    def releases(self):
        """It may be at work on what the killed server left."""
        words = "hold", "release", self.case()[0][0], "--reason", "settled"
        self.stage.until(lambda: self.stage.server.ctl(*words, check=False)[0] == 0, "a release")
        self.stage.until(self.is_in(3, 4), "the release")

    def does(self):
        self.releases()
        self.stage.rests()
        return True

    def found(self, told):
        [(number, phase)] = self.case()
        released = phase >= 2
        assert self.recorded("release") == int(released)
        assert released or self.held() == 3
        return released

    def completes(self, happened):
        if not happened:
            self.releases()
        self.stage.until(self.is_in(3, 4), "the release, by itself")
        assert self.held() == 0 and self.found(True)
        peer = self.cast.client("peer", jid=self.peer).comes_online()
        assert ask(peer).texts == [self.word] * 3


# ---- a person ------------------------------------------------------------------------------------------


class Erasure(Act):
    """The account goes with all that modules keep for it, and what could prove what he wrote; the peer keeps his copy."""
    TABLES = {"vcard": "owner", "private_element": "owner", "roster_item": "owner", "roster_account": "owner"}

    def prepares(self):
        self.author = managed(self.cast, "author").logs_in().enables().comes_online()
        self.peer = self.cast.account("peer")
        self.jid = self.author.jid
        self.owner = self.stage.number(f"select owner from account where jid = '{self.jid}'")
        for payload in (f"<vCard xmlns='vcard-temp'><FN>{self.word}</FN></vCard>",
                        f"<query xmlns='jabber:iq:private'><x xmlns='urn:x'>{self.word}</x></query>",
                        f"<query xmlns='jabber:iq:roster'><item jid='{self.peer}'/></query>"):
            assert self.author.asks("set", payload).get("type") == "result"
        for number in range(3):
            says(self.author, self.peer, f"m{number}", f"{number}")
        settled(self.author)
        self.ids = self.since()
        assert len(self.ids) == 3 and self.kept() == 4

    def kept(self):
        """Tables of modules that have rows of it."""
        return sum(self.stage.number(f"select count(*) from {t} where {c} = {self.owner}") > 0 for t, c in self.TABLES.items())

    def asks(self):
        """Retention may be at work on what the killed server left."""
        words = "user", "erase", self.jid, "--reason", "asked for it", "--yes"
        self.stage.until(lambda: self.stage.server.ctl(*words, check=False)[0] == 0, "an erasure")

    def is_done(self):
        return self.reasons().count("done") == 1

    def reasons(self):
        return self.stage.records("reason", f"kind = 'erase' and account = '{self.jid}'")

    def salts(self):
        return self.stage.number(f"select count(*) from evidence where message in ({listed(self.ids)}) and salt is not null")

    def does(self):
        self.asks()
        self.stage.rests()
        return True

    def found(self, told):
        reasons = self.reasons()
        asked = reasons.count("requested")
        assert asked <= 1 and reasons.count("done") <= asked
        accounts = self.stage.number(f"select count(*) from account where jid = '{self.jid}'")
        assert asked or (accounts, self.salts(), self.kept()) == (1, 3, 4), "something went before the wish was recorded"
        return asked == 1

    def completes(self, happened):
        if not happened:
            self.asks()
        self.stage.until(self.is_done, "the end of the erasure, by itself")
        assert self.salts() == 0, "what he wrote can be proved still"
        assert self.stage.number(f"select count(*) from account where jid = '{self.jid}'") == 0
        assert self.stage.number(f"select count(*) from archive where owner = {self.owner}") == 0
        assert self.kept() == 0, "modules keep something of somebody who is erased"
        assert sorted(self.reasons()) == ["done", "requested"]
        peer = self.cast.client("peer", jid=self.peer).comes_online()
        assert ask(peer).texts == ["0", "1", "2"]

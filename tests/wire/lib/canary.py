# SPDX-License-Identifier: MIT
"""A word that nobody can guess is said and taken back, and looked for in everything that anybody can ask
for (requirements S1-3, S1-5). A look is a function of the scene whose value is the text somebody gets."""
import secrets
from pathlib import Path

from . import dom
from .archive import ask
from .database import number
from .removal import RETRACT
from .room import Room, hush

MODERATE = "urn:xmpp:message-moderate:1"
REGISTRY = Path(__file__).resolve().parent.parent.parent.parent / "core" / "store" / "read_paths.h"
DISCO = "http://jabber.org/protocol/disco"


def new_word():
    return "canary" + secrets.token_hex(12)


def overheard(client, since=0):
    """All octets it got, as text."""
    return "".join(text for way, text in client.log[since:] if way == "←")


def does(client, act):
    """What the client got while it did that."""
    since = len(client.log)
    act(client)
    client.round_trip()
    return overheard(client, since)


def says(sender, to, id, text, kind="chat"):
    sender.sends(f"<message to='{to}' type='{kind}' id='{id}'><body>{text}</body></message>")


def retracts(sender, to, id, target, kind="chat"):
    sender.sends(f"<message to='{to}' type='{kind}' id='{id}'><retract xmlns='{RETRACT}' id='{target}'/>"
                 "<store xmlns='urn:xmpp:hints'/></message>")


class Scene:
    """Romeo writes to Juliet and in her room, where the nurse is, too; Tybalt has no part in it."""

    def __init__(self, server, cast, request):
        self.server, self.cast, self.request, self.word = server, cast, request, new_word()
        self.romeo, self.juliet, self.nurse, self.tybalt = cast.online("romeo", "juliet", "nurse", "tybalt")
        self.room = Room(server)
        self.room.opens(self.juliet, "Juliet", persistentroom=True)
        for client, nick in ((self.romeo, "Romeo"), (self.nurse, "Nurse")):
            self.room.enters(client, nick)
        self.everybody = self.romeo, self.juliet, self.nurse, self.tybalt
        hush(*self.everybody)

    def says(self):
        """Both have been heard when this returns."""
        says(self.romeo, self.juliet, "m1", self.word)
        says(self.romeo, self.room, "m2", self.word, "groupchat")
        for client in (self.romeo, self.nurse):
            self.target = dom.find(client.hears("<message type='groupchat' id='m2'>...</message>"), "sid:stanza-id").get("id")
        hush(*self.everybody)
        return self

    def takes_back(self, how="author"):
        """What they have heard since, all of them, in one text."""
        since = [len(c.log) for c in self.everybody]
        retracts(self.romeo, self.juliet, "r1", "m1")
        if how == "author":
            retracts(self.romeo, self.room, "r2", self.target, "groupchat")
        else:
            answer = self.juliet.asks("set", f"<moderate xmlns='{MODERATE}' id='{self.target}'><retract xmlns='{RETRACT}'/>"
                                             "</moderate>", to=self.room)
            assert answer.get("type") == "result", dom.show(answer)
        hush(*self.everybody)
        heard = "".join(overheard(c, n) for c, n in zip(self.everybody, since))
        assert "type='error'" not in heard and "m1" in heard and self.target in heard, heard
        return heard

    def messages(self):
        """Their numbers, of both."""
        last = number(self.server, self.request, "select max(message) from removal")
        return last, number(self.server, self.request, f"select max(message) from removal where message < {last}")


# ---- looks: where it is to be found until it is taken back -----------------------------------------


def page_look(who, to=None, fields=None, **query):
    """An archive, one way to ask for it."""
    def look(scene):
        filled = {k: v(scene) if callable(v) else v for k, v in (fields or {}).items()}
        return does(getattr(scene, who), lambda c: ask(c, filled, to=getattr(scene, to) if to else None, **query))
    return look


def by_id(who, to=None):
    def look(scene):
        client, address = getattr(scene, who), getattr(scene, to) if to else None
        return does(client, lambda c: ask(c, {"ids": ask(c, to=address).ids}, to=address))
    return look


def entering(scene):
    """The history somebody gets who was never there."""
    client = scene.cast.client("mercutio").comes_online()
    scene.room.enters(client, "Mercutio")
    client.ends()
    return overheard(client)


def entering_again(scene):
    """An occupant's other client."""
    client = scene.cast.another(scene.nurse)
    scene.room.enters(client, "Nurse")
    client.ends()
    hush(*scene.everybody)
    return overheard(client)


def history_command(scene):
    return scene.server.ctl("room", "history", scene.room, "--reason", "a test")


OPEN = {"history on join": entering, "history on join, again": entering_again, "xylemctl room history": history_command}
for _who, _to in (("romeo", None), ("juliet", None), ("romeo", "room"), ("juliet", "room"), ("nurse", "room")):
    _name = f"archive of {_to or _who} for {_who}"
    OPEN |= {
        f"{_name}, forwards": page_look(_who, _to, max=50),
        f"{_name}, backwards": page_look(_who, _to, max=50, before=""),
        f"{_name}, flipped": page_look(_who, _to, max=50, flip=True),
        f"{_name}, without a limit": page_look(_who, _to),
        f"{_name}, from a day on": page_look(_who, _to, {"start": "2000-01-01T00:00:00Z"}),
        f"{_name}, by id": by_id(_who, _to),
    }
OPEN |= {
    "archive of romeo, with juliet": page_look("romeo", None, {"with": lambda s: s.juliet.jid}),
    "archive of juliet, with romeo": page_look("juliet", None, {"with": lambda s: s.romeo.jid}),
    "archive of juliet, with his client": page_look("juliet", None, {"with": lambda s: s.romeo.full}),
}


# ---- looks: where it is never to be found ------------------------------------------------------------


def asking(who, payload, to=None, kind="get"):
    def look(scene):
        client = getattr(scene, who)
        address = {"domain": client.domain, "service": str(scene.room).split("@")[1]}.get(to) or (to and getattr(scene, to))
        return does(client, lambda c: c.asks(kind, payload, to=address))
    return look


def command(*words):
    """An administrator's; it may be refused, and says nothing of it then either."""
    def look(scene):
        status, text, error = scene.server.ctl(*(w(scene) if callable(w) else w for w in words), check=False)
        assert status == 0, (words, error)
        return text + error
    return look


def files(scene):
    """All that lies in the server's folder but the database."""
    return "".join(p.read_text(errors="replace") for p in scene.server.directory.rglob("*")
                   if p.is_file() and not p.name.startswith("xylem.db"))


CLOSED = {
    "archive of juliet for tybalt": page_look("tybalt", "juliet"),
    "archive of romeo for juliet": page_look("juliet", "romeo"),
    "archive of the domain": asking("tybalt", "<query xmlns='urn:xmpp:mam:2'/>", "domain", "set"),
    "files and logs": files,
    "metrics": command("metrics"), "status": command("status"), "books": command("server", "invariant"),
    "audit search": command("audit", "search"), "audit export": command("audit", "export"),
    "session list": command("session", "list"), "rooms": command("room", "list"),
    "room show": command("room", "show", lambda s: s.room), "room stats": command("room", "stats"),
    "user show": command("user", "show", lambda s: s.juliet.jid),
    "offline count": command("offline", "count", lambda s: s.juliet.jid),
    "mam count": command("mam", "count", lambda s: s.juliet.jid),
    "push list": command("push", "list", lambda s: s.juliet.jid),
    "message trace": command("message", "trace", "m1", "--account", lambda s: s.romeo.jid),
}
for _who in ("romeo", "juliet", "nurse", "tybalt"):
    for _to in ("domain", "service", "room", "juliet"):
        for _part in ("info", "items"):
            CLOSED[f"disco {_part} of {_to} for {_who}"] = asking(_who, f"<query xmlns='{DISCO}#{_part}'/>", _to)
    CLOSED |= {
        f"archive's metadata for {_who}": asking(_who, "<metadata xmlns='urn:xmpp:mam:2'/>"),
        f"room's metadata for {_who}": asking(_who, "<metadata xmlns='urn:xmpp:mam:2'/>", "room"),
        f"archive's form for {_who}": asking(_who, "<query xmlns='urn:xmpp:mam:2'/>"),
        f"archive's preferences for {_who}": asking(_who, "<prefs xmlns='urn:xmpp:mam:2'/>"),
        f"vcard of juliet for {_who}": asking(_who, "<vCard xmlns='vcard-temp'/>", "juliet"),
        f"last activity of juliet for {_who}": asking(_who, "<query xmlns='jabber:iq:last'/>", "juliet"),
        f"clients for {_who}": asking(_who, "<list xmlns='urn:xmpp:cam:0'/>"),
        f"roster for {_who}": asking(_who, "<query xmlns='jabber:iq:roster'/>"),
        f"room's configuration for {_who}": asking(_who, "<query xmlns='http://jabber.org/protocol/muc#owner'/>", "room"),
    }


def found(scene, looks):
    """Names of the looks that find it."""
    return [name for name, look in looks.items() if scene.word in look(scene)]

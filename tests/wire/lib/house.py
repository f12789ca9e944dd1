# SPDX-License-Identifier: MIT
"""A server with rooms, for tests of how rooms are found and run. `from .house import *` gives

house      one server for a whole file: each test makes rooms of its own
own_house  a server of the test's own, for what counts all rooms

house.room("public=off", owner=romeo): a room; house.ctl("room", "show", room): the answer's document,
asked over one connection, so that a test may make hundreds; house.cast("romeo", "juliet")."""
import json
import socket

import pytest

from . import dom
from .room import Room, service

__all__ = ["house", "own_house", "house_server", "is_error"]


class Refused(AssertionError):
    def __init__(self, words, answer):
        super().__init__(f"xylemctl {' '.join(words)}: {answer}")
        self.answer = answer


class House:
    def __init__(self, server, cast):
        self.server, self.cast, self.service = server, cast, service(server)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(str(server.directory / "xylem.sock"))
        self.answers = self.socket.makefile("rb")

    def asks(self, *words):
        """The answer of an admin command, whatever it says."""
        self.socket.sendall((json.dumps({"words": [str(w) for w in words]}) + "\n").encode())
        return json.loads(self.answers.readline())

    def ctl(self, *words):
        answer = self.asks(*words)
        if answer["status"] != "ok":
            raise Refused([str(w) for w in words], answer)
        return answer

    def room(self, *settings, name=None, owner=None):
        room = Room(self.server, name)
        self.ctl("room", "create", room, *settings, *(["--owner", owner] if owner else []))
        return room

    def close(self):
        self.answers.close()
        self.socket.close()


@pytest.fixture(scope="module")
def house_server(engine, new_server):
    server = new_server(engine, modules={"muc": True, "muc_mam": True}).start()
    yield server
    server.stop()


@pytest.fixture
def house(house_server, actors, request):
    request.node.servers = [house_server]
    made = House(house_server, actors(house_server))
    yield made
    made.close()
    assert house_server.process.poll() is None, house_server.output()


@pytest.fixture
def own_house(make_server, actors):
    """own_house(muc={…}, …): options of muc, further changes of the configuration."""
    made = []

    def make(muc=True, **changes):
        modules = {"muc": muc, "muc_mam": True, **changes.pop("modules", {})}
        server = make_server(modules=modules, **changes)
        made.append(House(server, actors(server)))
        return made[-1]

    yield make
    for house in made:
        house.close()


def is_error(answer, condition, kind="*"):
    """An iq's answer is that error."""
    reason = dom.match(dom.parse(f"<iq type='error'>...<error type='{kind}' by='*'>...<{condition} "
                                 f"xmlns='{dom.NS['stanzas']}'/>...</error></iq>"), answer)
    again = dom.match(dom.parse(f"<iq type='error'>...<error type='{kind}'>...<{condition} "
                                f"xmlns='{dom.NS['stanzas']}'/>...</error></iq>"), answer)
    assert reason is None or again is None, f"{again}: {dom.show(answer)}"

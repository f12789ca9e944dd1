# SPDX-License-Identifier: MIT
"""A device that has a message and was away while an administrator removed it learns of it before, or together
with, anything newer (S0-19), in every login mode, whatever other clients of its account do."""
import pytest

from lib import dom
from lib.archive import ask, preferences_text
from lib.canary import new_word, overheard, says
from lib.room import hush
from lib.sm import managed
from test_retract_admin import _number, remove, with_admin
from test_retract_away import LOGINS, Bind2, in_order

pytestmark = pytest.mark.xylem


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, test_clock=True, limits={"idle": None}, modules=with_admin()).start()
    yield server
    server.stop()


def is_there(cast, jid):
    """Another device, all the time."""
    client = Bind2(cast, jid).logs_in()
    client.sends("<presence/>")
    client.settles()


def is_detached(cast, jid):
    """A client that does not say which it is, without a connection, and may come back."""
    client = managed(cast, "another", jid=jid).logs_in().enables()
    client.sends("<presence/>")
    client.settles()
    client.acknowledges().round_trip()
    client.resets()


@pytest.mark.parametrize("beside", [None, is_there, is_detached], ids=["alone", "beside", "beside detached"])
@pytest.mark.parametrize("archive", ["always", "never"])
@pytest.mark.parametrize("login", LOGINS)
def test_s0_19_a_device_that_was_away(cast, server, request, login, archive, beside):
    romeo, jid, word = cast.online("romeo"), cast.account("juliet"), new_word()
    if beside:
        beside(cast, jid)
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
    assert remove(server, _number(server, request, romeo))["state"] == "done"
    says(romeo, jid, "m2", "newer")
    romeo.round_trip()
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

# SPDX-License-Identifier: MIT
"""Taking back what was said: servers that allow it, requests and refusals as tests write them."""
import pytest

from . import dom

RETRACT = "urn:xmpp:message-retract:1"
REMOVAL = "urn:xylem:removal:0"
dom.NS.update({"retract": RETRACT, "removal": REMOVAL})


def modules(**changes):
    return {"mam": True, "audit": True, "retract": True, **changes}


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, test_clock=True, modules=modules(retract={"count": None})).start()
    yield server
    server.stop()


def says(client, to, number, text="secret", kind="chat"):
    client.sends(f"<message to='{to}' type='{kind}' id='{number}'><body>{text}</body></message>")


def retract(number):
    return f"<retract xmlns='{RETRACT}' id='{number}'/>"


def retracts(client, to, number, id="r1", extra="<store xmlns='urn:xmpp:hints'/>", kind="chat"):
    client.sends(f"<message to='{to}' type='{kind}' id='{id}'>{retract(number)}{extra}</message>")


def is_refused(client, why, condition="*", id="r1"):
    """The error that says why; nothing else of it is heard."""
    error = client.hears(f"<message type='error' id='{id}'>...<error type='*'>...<{why} xmlns='{REMOVAL}'/></error></message>")
    stated = dom.name(dom.find(error, "client:error")[0])[1]
    assert condition in ("*", stated), dom.show(error)


def tombstones(page):
    return [r.message for r in page.results if dom.find(r.message, "retract:retracted") is not None]

# SPDX-License-Identifier: MIT
"""S4-15, S4-16: with sasl and bind alone the server serves clients: they log in and exchange
messages; what would need an absent module is refused in the words of the RFC."""
import pytest

from lib.dom import NS
from lib.server import MINIMAL, MODULES

pytestmark = pytest.mark.xylem


@pytest.fixture
def cast(make_server, actors):
    return actors(make_server(modules={**{m: False for m in MODULES}, **MINIMAL}))


def test_chat(cast):
    romeo, juliet = cast("romeo", "juliet")
    romeo.sends(f"<message to='{juliet.full}' type='chat'><body>full</body></message>")
    juliet.hears(f"<message from='{romeo.full}' type='chat'><body>full</body></message>")
    romeo.sends(f"<message to='{juliet}' type='chat'><body>bare</body></message>")
    juliet.hears(f"<message from='{romeo.full}' type='chat'><body>bare</body></message>")
    romeo.sends(f"<iq to='{juliet.full}' type='get' id='x'><query xmlns='urn:x'/></iq>")
    juliet.hears(f"<iq from='{romeo.full}' type='get' id='x'><query xmlns='urn:x'/></iq>")
    romeo.sends(f"<presence to='{juliet.full}'/>")
    juliet.hears(f"<presence from='{romeo.full}'/>")


def test_nobody_stores_anything(cast):
    romeo = cast("romeo")
    juliet = cast.account("juliet")
    romeo.sends(f"<message to='{juliet}' id='x'><body>later</body></message>")
    romeo.hears_error("service-unavailable", from_=juliet, id="x")
    cast.client("juliet", jid=juliet).comes_online().hears_nothing()


def test_requests_to_absent_modules(cast):
    romeo = cast("romeo")
    for payload in ("<query xmlns='jabber:iq:roster'/>", "<vCard xmlns='vcard-temp'/>", f"<ping xmlns='{NS['ping']}'/>"):
        romeo.sends(f"<iq type='get' id='x'>{payload}</iq>")
        romeo.hears_error("service-unavailable", of="iq", id="x")


def test_subscriptions_are_refused_and_presence_stays_private(cast):
    romeo, juliet = cast("romeo", "juliet")
    romeo.sends(f"<presence to='{juliet}' type='subscribe' id='x'/>")
    romeo.hears_error("service-unavailable", of="presence", id="x")
    romeo.sends("<presence><show>dnd</show></presence>")
    juliet.hears_nothing()

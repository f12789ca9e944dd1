# SPDX-License-Identifier: MIT
"""What a stream's features tell of its limits (XEP-0478) is what it enforces."""
import pytest

from lib import dom, sasl2

pytestmark = pytest.mark.xylem

LIMITS = "{urn:xmpp:stream-limits:0}"


def told(features):
    found = features.find(f"{LIMITS}limits")
    return None if found is None else {c.tag.removeprefix(LIMITS): int(c.text) for c in found}


@pytest.fixture
def small(make_server, actors):
    server = make_server(limits={"stanza_bytes_before_login": "4 KiB", "stanza_bytes": "20 KiB", "idle": "3 min",
                                 "auth_timeout": "45 s"})
    return server, actors(server)


@pytest.mark.once
@pytest.mark.parametrize("tls", ["starttls", "direct", "none"])
def test_before_and_behind_login(small, tls):
    _, cast = small
    romeo = cast.client("romeo", tls=tls).secures()
    assert told(romeo.features) == {"max-bytes": 4096, "idle-seconds": 45}
    romeo.authenticates()
    assert told(romeo.features) == {"max-bytes": 20480, "idle-seconds": 180}


def test_behind_a_login_without_a_restart(small):
    """SASL2: the features that follow <success/>, and what they say holds at once."""
    _, cast = small
    romeo, juliet = sasl2.secures(cast.client("romeo")), cast.online("juliet")
    assert told(romeo.features)["max-bytes"] == 4096
    sasl2.logs_in(romeo)
    assert told(romeo.features) == {"max-bytes": 20480, "idle-seconds": 180}
    romeo.binds()
    romeo.sends(message_of(20480, juliet))
    juliet.hears("<message><body>*</body></message>")


@pytest.mark.once
def test_nothing_but_starttls_before_tls(small, connects):
    server, _ = small
    romeo = connects(server)
    romeo.opens(server.domain)
    assert [dom.name(c)[1] for c in romeo.features] == ["starttls"]


def message_of(size, to):
    """Exactly so many octets of a message."""
    frame = f"<message to='{to}'><body></body></message>"
    return frame.replace("<body>", "<body>" + "x" * (size - len(frame)))


@pytest.mark.parametrize("beyond", [0, 1])
def test_the_limit_told_is_the_limit(small, beyond):
    _, cast = small
    romeo, juliet = cast.connected("romeo"), cast.online("juliet")
    most = told(romeo.features)["max-bytes"]
    romeo.sends(message_of(most + beyond, juliet))
    if beyond:
        romeo.hears_stream_error("policy-violation")
    else:
        juliet.hears("<message><body>*</body></message>")


def test_the_limit_told_before_login_is_the_limit(small, connects):
    server, cast = small
    romeo = cast.client("romeo").secures()
    most = told(romeo.features)["max-bytes"]
    text = "<iq type='get' id='1'><query xmlns='jabber:iq:register'></query></iq>"
    for beyond in (0, 1):
        romeo.sends(text.replace("></query>", ">" + " " * (most + beyond - len(text)) + "</query>"))
        if beyond:
            romeo.hears_stream_error("policy-violation")
        else:
            romeo.hears_error("not-allowed", of="iq", id="1")


@pytest.mark.once
def test_what_is_not_limited_is_not_told(make_server, actors):
    cast = actors(make_server(limits={"stanza_bytes": None, "idle": None}))
    romeo = cast.connected("romeo")
    assert told(romeo.features) == {}


@pytest.mark.once
def test_follows_a_reload(small):
    server, cast = small
    server.reload(limits={"stanza_bytes": "30 KiB"})
    assert told(cast.connected("romeo").features)["max-bytes"] == 30720


@pytest.mark.once
def test_switched_off_and_on(small):
    server, cast = small
    server.reload(modules={"stream_limits": False})
    assert told(cast.connected("romeo").features) is None
    server.reload(modules={"stream_limits": True})
    assert told(cast.connected("mercutio").features)

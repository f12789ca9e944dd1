# SPDX-License-Identifier: MIT
"""Limits and faults of a connection: bytes before and after login, depth, attributes, time to log
in, connections per address, stanza rate, floods, slow readers, half-open connections, shutdown."""
import socket

import pytest

from lib import dom
from lib.dom import NS
from lib.stream import Ended

pytestmark = pytest.mark.xylem


@pytest.mark.once
def test_oversize_before_login(make_server, connects):
    """4.9.3.14: nobody may fill our memory before saying who they are."""
    server = make_server()
    stream = connects(server)
    stream.opens(server.domain)
    try:
        stream.sends("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + "A" * (1 << 20))
    except ConnectionError:
        pass  # it may cut us off while we still write
    hears_policy_violation(stream)


@pytest.mark.once
def test_endless_header(make_server, connects):
    server = make_server()
    stream = connects(server)
    try:
        stream.sends(f"<stream:stream xmlns='jabber:client' xmlns:stream='{NS['stream']}' to='" + "a" * (1 << 20))
    except ConnectionError:
        pass
    hears_policy_violation(stream)


@pytest.mark.once
def test_stanza_size_after_login(make_server, actors):
    """13.12: a stanza at the limit passes, a larger one ends the stream; never less than 10000 bytes."""
    romeo, juliet = actors(make_server(limits={"stanza_bytes": 20000}))("romeo", "juliet")
    head, tail = f"<message to='{juliet.full}'><body>", "</body></message>"
    fits = "x" * (20000 - len(head) - len(tail))
    romeo.sends(head + fits + tail)
    assert len(dom.find(juliet.next_element(), "client:body").text) == len(fits)
    romeo.sends(head + fits + "x" + tail)
    romeo.hears_stream_error("policy-violation")
    juliet.hears_nothing()


@pytest.mark.once
def test_white_space_does_not_add_up_to_a_stanza(make_server, actors):
    romeo = actors(make_server(limits={"stanza_bytes": 10000}))("romeo")
    for _ in range(30):
        romeo.sends(" " * 1000)
    romeo.hears_nothing()


@pytest.mark.once
@pytest.mark.parametrize("what", ["depth", "attributes"])
def test_shape_limits(make_server, actors, what):
    romeo = actors(make_server())("romeo")
    if what == "depth":
        romeo.sends("<message>" + "<a>" * 2000 + "</a>" * 2000 + "</message>")
    else:
        romeo.sends("<message><a " + " ".join(f"a{i}=''" for i in range(2000)) + "/></message>")
    romeo.hears_stream_error("policy-violation")


@pytest.mark.once
def test_time_to_log_in(make_server, connects, actors):
    """4.9.3.4: whoever does not log in in time is sent away; who has, stays."""
    server = make_server(test_clock=True)
    romeo = actors(server)("romeo")
    silent, begun = connects(server), connects(server)
    begun.opens(server.domain)
    silent.sends(" ")
    server.advance("10 min")
    begun.hears_stream_error("connection-timeout")
    silent.hears_stream_error("connection-timeout")
    romeo.round_trip()


@pytest.mark.once
def test_time_to_log_in_counts_for_a_tls_handshake(make_server, connects):
    server = make_server(test_clock=True)
    stream = connects(server, "direct")
    stream.sends_bytes(b"\x16\x03\x01")
    connects(server).opens(server.domain)  # a barrier: the first connection is accepted by now
    server.advance("10 min")
    stream.hears_eof()


@pytest.mark.once
def test_connections_per_address(make_server, connects):
    server = make_server(limits={"connections_per_address": 3})
    kept = [connects(server) for _ in range(3)]
    for stream in kept:
        stream.opens(server.domain)
    refused = connects(server)
    try:
        refused.sends_header(server.domain)
    except ConnectionError:
        pass
    kind, item = refused.next_event()
    if kind == "open":
        kind, item = refused.next_event()
    assert kind == "eof" or dom.name(item[0])[1] in ("policy-violation", "resource-constraint"), dom.show(item)
    kept[0].ends()
    retry_until_served(connects, server)


def retry_until_served(connects, server):
    """The place of a closed connection is free again as soon as the server saw it close."""
    for _ in range(1000):
        stream = connects(server)
        try:
            stream.opens(server.domain)
            return
        except (AssertionError, Ended, OSError):
            stream.breaks()
    raise AssertionError("the place never became free")


@pytest.mark.once
def test_stanza_rate_delays_and_loses_nothing(make_server, actors):
    """A flood is slowed down, not punished: everything arrives, in order."""
    server = make_server(limits={"stanza_rate": "500/s burst 50"})
    romeo, juliet = actors(server)("romeo", "juliet")
    romeo.sends("".join(f"<message to='{juliet.full}' id='f{i}'/>" for i in range(300)))
    for i in range(300):
        juliet.hears(f"<message from='{romeo.full}' id='f{i}'/>")


@pytest.mark.once
def test_slow_reader_is_cut_off_and_nobody_else_suffers(make_server, actors):
    """The queue of a client that does not read is bounded: then policy-violation and the end."""
    server = make_server()
    cast = actors(server)
    romeo, benvolio = cast("romeo", "benvolio")
    juliet = cast.online("juliet", receive_buffer=4096)
    big = "x" * 8000
    for i in range(4000):  # up to 32 MB, far more than sockets hold
        romeo.sends(f"<message to='{juliet.full}' type='headline'><body>{big}</body></message>")
        if i % 50 == 0:
            romeo.round_trip()
            if not is_online(server, juliet):
                break
    else:
        raise AssertionError("a reader that never reads was never cut off")
    benvolio.sends(f"<message to='{romeo.full}'><body>alive?</body></message>")
    romeo.hears(f"<message from='{benvolio.full}'><body>alive?</body></message>")


def is_online(server, client):
    return client.full in server.ctl("session", "list")


def test_connections_that_come_and_vanish(server, connects, cast):
    """Half a header, half a handshake, a reset at any moment: the others notice nothing."""
    romeo, juliet = cast("romeo", "juliet")
    text = "<?xml version='1.0'?>" + connects(server).header_text(server.domain)[21:]
    for cut in range(0, len(text), 7):
        stream = connects(server)
        stream.sends(text[:cut])
        stream.resets() if cut % 2 else stream.breaks()
    romeo.sends(f"<message to='{juliet.full}' id='after'/>")
    juliet.hears(f"<message from='{romeo.full}' id='after'/>")


def test_session_reset_in_the_middle_of_a_stanza(cast):
    """Half a stanza is none; what came before counts."""
    romeo, juliet = cast("romeo", "juliet")
    romeo.sends(f"<message to='{juliet.full}' id='whole'/>")
    romeo.round_trip()
    romeo.sends(f"<message to='{juliet.full}' id='half'><body>O, I am for")
    romeo.resets()
    juliet.hears(f"<message from='{romeo.full}' id='whole'/>")
    juliet.hears_nothing()


def test_half_closed_connection(cast):
    """A peer that shuts down its sending side has ended the stream."""
    romeo = cast.connected("romeo", tls="none")
    romeo.sock.shutdown(socket.SHUT_WR)
    while romeo.next_event()[0] != "eof":
        pass


def test_system_shutdown(make_server, actors, connects):
    """4.9.3.20: at stop every stream hears system-shutdown, logged in or not."""
    server = make_server()
    cast = actors(server)
    online = [cast.online("romeo"), cast.online("juliet", tls="direct"), cast.connected("nurse", tls="none")]
    begun = connects(server)
    begun.opens(server.domain)
    server.stop()
    for stream in [*online, begun]:
        stream.hears_stream_error("system-shutdown")


@pytest.mark.once
def test_stop_waits_for_nobody(make_server, connects, actors):
    """Peers that do not read, do not finish their handshake or do not close hold up nothing."""
    server = make_server()
    cast = actors(server)
    cast.online("romeo")
    connects(server, "direct").sends_bytes(b"\x16\x03\x01\x02\x00")
    connects(server).sends("<stream:str")
    server.stop(patience=20)


def hears_policy_violation(stream):
    """The error itself may be lost when the kernel resets a connection with unread input."""
    try:
        kind, item = stream.next_event()
        if kind == "open":
            kind, item = stream.next_event()
        if kind == "element" and dom.name(item)[1] == "features":
            kind, item = stream.next_event()
    except Ended:
        return
    assert kind == "eof" or dom.name(item[0])[1] == "policy-violation", dom.show(item)
    while kind != "eof":
        kind, item = stream.next_event()

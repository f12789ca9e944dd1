# SPDX-License-Identifier: MIT
"""Notices of the administrator and messages of the day, by xylemctl."""
import os
import subprocess

import pytest

from lib.server import CommandFailed
from lib.stream import PATIENCE

pytestmark = pytest.mark.xylem
MOTD = "<subject>Message of the day</subject>"


@pytest.fixture
def own(make_server, actors):
    """A server of the test's own: notices go to everybody on it."""
    server = make_server()
    return server, actors(server)


def notice(text, domain="xylem.test", subject="", kind="headline"):
    return f"<message type='{kind}' from='{domain}'>{subject}<body>{text}</body></message>"


@pytest.mark.once
def test_everybody_online_hears_a_notice(own):
    server, cast = own
    romeo, juliet = cast("romeo", "juliet")
    other = cast.another(juliet)
    silent = cast.connected("nurse")
    romeo.settles()
    for client in (romeo, juliet, other):
        client.events.clear()
    assert server.json("announce", "send", "Lights out at ten & <soon>")["fields"]["sent"] == 3
    for client in (romeo, juliet, other):
        client.hears(notice("Lights out at ten &amp; &lt;soon>"))
    silent.hears_nothing()


@pytest.mark.once
def test_text_may_be_piped_in(own):
    server, cast = own
    romeo = cast("romeo")
    server.ctl("announce", "send", "--input", input="From a file,\nin two lines\n")
    romeo.hears(notice("From a file,\nin two lines"))


@pytest.mark.once
def test_nothing_is_read_when_the_text_is_given(own):
    """An operator at a terminal is not waited for."""
    server, cast = own
    romeo = cast("romeo")
    silent, never_closed = os.pipe()
    try:
        subprocess.run([server.build / "xylemctl", "-c", server.config_file, "announce", "send", "Given"],
                       stdin=silent, check=True, timeout=PATIENCE, capture_output=True)
    finally:
        os.close(silent)
        os.close(never_closed)
    romeo.hears(notice("Given"))


@pytest.mark.once
def test_one_host_only(own):
    server, cast = own
    romeo, abram = cast("romeo"), cast("abram", domain="verona.test")
    server.ctl("announce", "send", "Do you bite your thumb?", "--host", "verona.test")
    abram.hears(notice("Do you bite your thumb?", "verona.test"))
    romeo.hears_nothing()
    with pytest.raises(CommandFailed) as failure:
        server.ctl("announce", "send", "x", "--host", "mantua.test")
    assert failure.value.status == 3


@pytest.mark.once
def test_no_text_is_refused(own):
    server, _ = own
    for words in (("send",), ("motd", "set")):
        with pytest.raises(CommandFailed) as failure:
            server.ctl("announce", *words)
        assert failure.value.status == 2


def said_to(client, presence="<presence/>"):
    """What the server says when this session becomes available."""
    client.sends(presence)
    client.settles()
    stanzas = [e for kind, e in client.events if kind == "element"]
    client.events.clear()
    return [e.find("{jabber:client}body").text for e in stanzas if e.tag == "{jabber:client}message"]


def test_a_message_of_the_day_is_shown_once_for_each_change(own):
    server, cast = own
    romeo = cast("romeo")
    server.ctl("announce", "motd", "set", "Masks on!")
    romeo.hears_nothing()  # he was there before
    juliet = cast.connected("juliet")
    assert said_to(juliet, "<presence><priority>-1</priority></presence>") == []
    juliet.sends("<presence/>")
    juliet.hears("<presence/>", notice("Masks on!", subject=MOTD))
    assert said_to(juliet, "<presence><show>away</show></presence>") == []
    assert said_to(cast.another(juliet, online=False)) == []
    server.ctl("announce", "motd", "set", "Masks off!")
    assert said_to(cast.another(juliet, online=False)) == ["Masks off!"]
    assert said_to(cast.another(romeo, online=False)) == ["Masks off!"]


def test_what_was_seen_is_known_after_a_restart(own, actors):
    server, cast = own
    server.ctl("announce", "motd", "set", "Once")
    romeo = cast.connected("romeo")
    assert said_to(romeo) == ["Once"]
    server.restart()
    cast = actors(server)
    assert said_to(cast.client("romeo", jid=romeo.jid).logs_in()) == []
    assert said_to(cast.connected("juliet")) == ["Once"]


def test_showing_and_clearing(own):
    server, cast = own
    assert server.ctl("announce", "motd", "show").strip() == ""
    server.ctl("announce", "motd", "set", "Both alike in dignity")
    server.ctl("announce", "motd", "set", "In fair Verona", "--host", "verona.test")
    text = server.ctl("announce", "motd", "show")
    assert "Both alike in dignity" in text and "In fair Verona" in text
    server.ctl("announce", "motd", "clear")
    assert said_to(cast.connected("romeo")) == []
    assert "dignity" not in server.ctl("announce", "motd", "show")


@pytest.mark.once
def test_they_may_be_normal_messages(make_server, actors):
    server = make_server(modules={"announce": {"type": "normal"}})
    romeo = actors(server)("romeo")
    server.ctl("announce", "send", "Keep this")
    romeo.hears(notice("Keep this", kind="normal"))

# SPDX-License-Identifier: MIT
"""XEP-0202: the server's time, in the form of XEP-0082."""
import re
from datetime import datetime, timezone

import pytest

from lib import dom

pytestmark = pytest.mark.xylem


def ask(client):
    answer = client.asks("get", "<time xmlns='urn:xmpp:time'/>", to="xylem.test")
    when = answer.find("{urn:xmpp:time}time")
    assert when is not None, dom.show(answer)
    return when.find("{urn:xmpp:time}tzo").text, when.find("{urn:xmpp:time}utc").text


def test_now(cast):
    tzo, utc = ask(cast.connected("romeo"))
    assert re.fullmatch(r"[+-]\d\d:\d\d", tzo)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", utc)
    told = datetime.fromisoformat(utc.replace("Z", "+00:00"))
    assert abs((datetime.now(timezone.utc) - told).total_seconds()) < 60


@pytest.mark.once
def test_it_is_the_servers_clock(make_server, actors):
    server = make_server(test_clock=True)
    romeo = actors(server).connected("romeo")
    first = datetime.fromisoformat(ask(romeo)[1].replace("Z", "+00:00"))
    server.advance("90 s")
    second = datetime.fromisoformat(ask(romeo)[1].replace("Z", "+00:00"))
    assert (second - first).total_seconds() == 90


@pytest.mark.once
@pytest.mark.parametrize("zone,offset", [("Asia/Kolkata", "+05:30"), ("UTC", "+00:00"), ("America/St_Johns", "-0[23]:30")])
def test_offset_of_the_servers_zone(make_server, actors, monkeypatch, zone, offset):
    monkeypatch.setenv("TZ", zone)
    assert re.fullmatch(offset.replace("+", r"\+"), ask(actors(make_server()).connected("romeo"))[0])

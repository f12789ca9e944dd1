# SPDX-License-Identifier: MIT
"""XEP-0012 section 5: for how long the server has been running."""
import pytest

from lib import dom

pytestmark = [pytest.mark.xylem, pytest.mark.once]


def uptime(client):
    answer = client.asks("get", "<query xmlns='jabber:iq:last'/>", to="xylem.test")
    assert answer.get("type") == "result", dom.show(answer)
    return int(answer.find("{jabber:iq:last}query").get("seconds"))


def test_it_counts_seconds(make_server, actors):
    server = make_server(test_clock=True)
    romeo = actors(server).connected("romeo")
    first = uptime(romeo)
    server.advance("75 s")
    assert uptime(romeo) == first + 75


def test_a_reload_does_not_make_the_server_younger(make_server, actors):
    server = make_server(test_clock=True)
    romeo = actors(server).connected("romeo")
    server.advance("100 s")
    server.reload(log={"level": "info"})
    assert uptime(romeo) >= 100

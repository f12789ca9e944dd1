# SPDX-License-Identifier: MIT
"""XEP-0092: name and version of the server."""
import platform

import pytest

ASK = "<query xmlns='jabber:iq:version'/>"
pytestmark = pytest.mark.xylem


def test_name_and_version(cast):
    romeo = cast.connected("romeo")
    romeo.sends(f"<iq type='get' id='v' to='xylem.test'>{ASK}</iq>")
    romeo.hears("<iq type='result' id='v' from='xylem.test'><query xmlns='jabber:iq:version'>"
                "<name>xylem</name><version>*</version></query></iq>")


@pytest.mark.once
def test_what_is_told_is_the_operators_choice(make_server, actors):
    cast = actors(make_server(modules={"version": {"os": True, "number": False}}))
    romeo = cast.connected("romeo")
    romeo.sends(f"<iq type='get' id='v' to='xylem.test'>{ASK}</iq>")
    romeo.hears("<iq type='result' id='v'><query xmlns='jabber:iq:version'><name>xylem</name>"
                f"<version>hidden</version><os>{platform.system()}</os></query></iq>")


def test_accounts_have_none(cast):
    romeo = cast.connected("romeo")
    romeo.sends(f"<iq type='get' id='v' to='{romeo}'>{ASK}</iq>")
    romeo.hears_error("service-unavailable", of="iq", id="v")

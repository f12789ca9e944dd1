# SPDX-License-Identifier: MIT
"""XEP-0199 towards the server."""
import pytest

from lib.dom import NS

PING = f"<ping xmlns='{NS['ping']}'/>"
pytestmark = pytest.mark.xylem


def test_the_server_and_ones_own_account_answer(cast):
    romeo = cast.connected("romeo")
    for to in ("xylem.test", str(romeo), None):
        address = f" to='{to}'" if to else ""
        romeo.sends(f"<iq type='get' id='p1'{address}>{PING}</iq>")
        romeo.hears("<iq type='result' id='p1'/>")


def test_anothers_account_answers_as_one_that_does_not_exist(cast):
    romeo = cast.connected("romeo")
    juliet = cast.account("juliet")
    for to in (juliet, "nobody@xylem.test"):
        romeo.sends(f"<iq type='get' id='p1' to='{to}'>{PING}</iq>")
        romeo.hears(f"<iq type='error' id='p1' from='{to}'>...<error type='cancel'>"
                    f"<service-unavailable xmlns='{NS['stanzas']}'/></error></iq>")


def test_it_cannot_be_set(cast):
    romeo = cast.connected("romeo")
    romeo.sends(f"<iq type='set' id='p1' to='xylem.test'>{PING}</iq>")
    romeo.hears_error("not-allowed", of="iq", id="p1")

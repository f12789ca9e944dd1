# SPDX-License-Identifier: MIT
"""Erasing a person at its edges (N2): crashes, others of the same name, what is left anywhere."""
import pytest

from lib import process
from lib.database import change, number, query
from lib.removal import says
from test_erase import SALTED, erase, erasing  # noqa: F401

pytestmark = pytest.mark.xylem
LEFT = ("insert into retention_erasure (jid, owner, operation, actor, words, minimal, after, before, forgotten, held, done)"
        " values ('{jid}', {owner}, '{jid}', 'unix:0', 'asked', 0, 0, 0, 0, 0, 0)")


def owner_of(server, request, jid):
    return number(server, request, f"select owner from account where jid = '{jid}'")


def test_n2_who_registered_before_a_crash_was_mended_is_somebody_else(erasing, request):
    """Killed when the account was gone and the job did not know it yet; then somebody registered the address."""
    server, cast = erasing()
    romeo, juliet = cast.online("romeo", "juliet")
    bare, password = romeo.jid, romeo.password
    says(romeo, juliet, "m1", "by the first")
    romeo.settles()
    first = owner_of(server, request, bare)
    server.ctl("user", "delete", bare)
    server.advance("1 min")
    server.ctl("user", "create", bare, "--password-stdin", input=password + "\n")
    again = cast.client("romeo", jid=bare).comes_online()
    says(again, juliet, "m2", "by the second")
    again.settles()
    assert owner_of(server, request, bare) != first
    server.kill()
    change(server, request, LEFT.format(jid=bare, owner=first))
    server.start()
    process.wait_until(lambda: number(server, request, "select done from retention_erasure") == 1, "the erasure", 30)
    assert number(server, request, SALTED) == 1
    assert number(server, request, f"select count(*) from account where jid = '{bare}'") == 1


def test_n2_the_answer_is_about_whom_was_asked_for(erasing, request):
    """An erasure that was left half way, of a name that sorts first."""
    server, cast = erasing()
    romeo, juliet = cast.online("romeo", "juliet")
    says(romeo, juliet, "m1", "by romeo")
    romeo.settles()
    change(server, request, LEFT.format(jid="aaron@xylem.test", owner=0))
    done = erase(server, romeo.jid)
    assert (done["erased"], done["salts"]) == (romeo.jid, 1)

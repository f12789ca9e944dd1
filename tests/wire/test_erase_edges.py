# SPDX-License-Identifier: MIT
"""Erasing a person at its edges (N2): crashes, others of the same name, what is left anywhere."""
import pytest

from lib import process
from lib.database import change, number, query
from lib.friends import befriend
from lib.removal import says
from lib.room import Room, hush
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
    process.wait_until(lambda: number(server, request, SALTED) == 2, "both messages", 30)
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
    process.wait_until(lambda: number(server, request, SALTED) == 1, "the message", 30)
    change(server, request, LEFT.format(jid="aaron@xylem.test", owner=0))
    done = erase(server, romeo.jid)
    assert (done["erased"], done["salts"]) == (romeo.jid, 1)


TABLES = {"sqlite": "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'",
          "pgsql": "select c.relname from pg_class c where c.relkind in ('r', 'p') and not c.relispartition"
                   " and c.relnamespace = 'public'::regnamespace"}


def tables_with(server, request, *words):
    """Which tables have one of the words, in a text or in bytes."""
    found = set()
    for [table] in query(server, request, TABLES["pgsql" if server.database else "sqlite"]):
        if server.database:
            test = " or ".join(f"t::text ilike '%{w}%' or t::text like '%{w.encode().hex()}%'" for w in words)
            hits = number(server, request, f"select count(*) from {table} t where {test}")
        else:
            rows = query(server, request, f"select * from {table}")
            octets = [c if isinstance(c, bytes) else str(c).encode() for row in rows for c in row]
            hits = sum(w.encode() in o.lower() for w in words for o in octets)
        if hits:
            found.add(table)
    return found


def test_n2_what_is_left_of_a_person(make_server, actors, request):
    """Everything he can leave anywhere, left; then only what the documents say: his address with those who know it
    and in the audit log, and what he said to others."""
    names = {"vcard": True, "private": True, "roster": True, "push": True, "blocking": True, "last": True, "sm": True,
             "clients": True, "muc": True, "muc_mam": True, "mam": True, "offline": True, "audit": True, "retention": True,
             "hold": True, "retract": True}
    server = make_server(test_clock=True, limits={"idle": None}, modules=names)
    cast = actors(server)
    romeo, juliet = cast.online("romeo", "juliet")
    local = romeo.local
    befriend(romeo, juliet)
    for payload in ("<vCard xmlns='vcard-temp'><FN>Kanarienvogel</FN></vCard>",
                    "<query xmlns='jabber:iq:private'><x xmlns='urn:x'>Kanarienvogel</x></query>",
                    "<block xmlns='urn:xmpp:blocking'><item jid='kanarienvogel@xylem.test'/></block>",
                    "<query xmlns='jabber:iq:roster'><item jid='kanarienvogel@xylem.test' name='Kanarienvogel'/></query>",
                    "<prefs xmlns='urn:xmpp:mam:2' default='always'><always><jid>kanarienvogel@xylem.test</jid></always>"
                    "<never/></prefs>"):
        assert romeo.asks("set", payload).get("type") == "result", payload
    romeo.asks("set", "<enable xmlns='urn:xmpp:push:0' jid='kanarienvogel.example' node='n'/>")
    hush(romeo, juliet)
    room, theirs = Room(server), Room(server)
    room.opens(romeo, "Kanarienvogel", persistentroom=True)
    theirs.opens(juliet, "Juliet", persistentroom=True)
    theirs.allows(juliet, jid=romeo.jid, affiliation="member")
    theirs.enters(romeo, "Kanarienvogel")
    hush(romeo, juliet)
    says(romeo, juliet, "m1", "to juliet")
    says(juliet, romeo, "m2", "to romeo")
    says(romeo, romeo, "m3", "kanarienvogel to himself")
    for client in (romeo, juliet):
        client.settles()
    process.wait_until(lambda: number(server, request, SALTED) >= 3, "the messages", 30)
    before = tables_with(server, request, local, "kanarienvogel")
    assert {"vcard", "private_element", "roster_item", "blocking", "muc_affiliation", "jid"} <= before, before
    erase(server, romeo.jid)
    process.wait_until(lambda: number(server, request, "select count(*) from message") <= 2, "his archive", 60)
    assert tables_with(server, request, "kanarienvogel") == set()
    server.ctl("audit", "seal")
    theirs = {"jid", "message", "roster_item", "roster_notice"}  # juliet's, who knows him
    assert tables_with(server, request, local) == theirs | {"audit_record", "retention_erasure"}

# SPDX-License-Identifier: MIT
"""A subject is a message and a setting of the room: removed as the one, it is gone as the other (S1-2, S1-3)."""
import pytest

from lib import dom, edition, process
from lib.archive import ask
from lib.database import change, number
from lib.room import Room, hush, is_subject
from test_retract_admin import remove, with_admin

pytestmark = pytest.mark.xylem
WORD = "a subject that nobody should read"
EMPTY = "<message from='{0}' type='groupchat' id='*'><subject/></message>"


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, modules=with_admin()).start()
    yield server
    server.stop()


@pytest.fixture
def own_server(make_server):
    return make_server(start=False, modules=with_admin())


def with_subject(cast, server, word=WORD, extra="", **config):
    """romeo and juliet, the room, and the stanza-id of its subject."""
    romeo, juliet = cast.online("romeo", "juliet")
    room = Room(server)
    room.opens(romeo, "Romeo", persistentroom=True, **config)
    room.enters(juliet, "Juliet")
    hush(romeo, juliet)
    romeo.sends(f"<message to='{room}' type='groupchat' id='s1'><subject>{word}</subject>{extra}</message>")
    told = juliet.hears(f"<message type='groupchat' id='s1'><subject>{word}</subject>...</message>")
    hush(romeo, juliet)
    stamp = dom.find(told, "sid:stanza-id")
    return romeo, juliet, room, None if stamp is None else stamp.get("id")


def shown(cast, room, name="nurse"):
    """What a newcomer is told."""
    client = cast.client(name).comes_online()
    seen = room.enters(client, name).subject
    room.leaves(client, name)
    return seen


def rows(server, request):
    return number(server, request, "select count(*) from muc_subject")


def hears_that_it_is_gone(client, room):
    """Told of the removal, then that there is none."""
    client.hears("<message type='groupchat'>...<retract xmlns='urn:xmpp:message-retract:1' id='*'>...</retract>...</message>")
    client.hears(EMPTY.format(room))


def test_s1_2_a_removed_subject_is_told_to_nobody(cast, server, request):
    romeo, juliet, room, target = with_subject(cast, server)
    before = rows(server, request)
    assert shown(cast, room).findtext("{jabber:client}subject") == WORD
    hush(romeo, juliet)
    assert remove(server, target)["state"] == "done"
    for client in (romeo, juliet):
        hears_that_it_is_gone(client, room)
        client.hears_nothing()
    assert rows(server, request) == before - 1
    seen = shown(cast, room)
    assert not dom.find(seen, "client:subject").text and seen.get("from") == str(room)
    assert dom.find(seen, "delay:delay") is None
    info = juliet.asks("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=str(room))
    assert WORD not in dom.show(info)
    assert WORD not in "".join(dom.show(r.wrapper) for r in ask(juliet, to=str(room)).results)


def test_another_subject_stays_when_a_former_one_is_removed(cast, server):
    romeo, juliet, room, target = with_subject(cast, server)
    romeo.sends(f"<message to='{room}' type='groupchat'><subject>another</subject></message>")
    hush(romeo, juliet)
    assert remove(server, target)["state"] == "done"
    juliet.hears("<message type='groupchat'>...<retract xmlns='urn:xmpp:message-retract:1' id='*'>...</retract>...</message>")
    juliet.hears_nothing()
    assert shown(cast, room).findtext("{jabber:client}subject") == "another"


def test_there_is_a_subject_again(cast, server):
    romeo, juliet, room, target = with_subject(cast, server)
    remove(server, target)
    hush(romeo, juliet)
    romeo.sends(f"<message to='{room}' type='groupchat' id='s2'><subject>fit to print</subject></message>")
    juliet.hears("<message type='groupchat' id='s2'><subject>fit to print</subject>...</message>")
    assert shown(cast, room).findtext("{jabber:client}subject") == "fit to print"


@pytest.mark.parametrize("ends", ["kill", "stop"])
def test_s1_2_it_is_gone_after_a_restart(own_server, actors, request, ends):
    """Its row goes with the removal, in one transaction: no moment to be killed in."""
    cast = actors(own_server.start())
    _, _, room, target = with_subject(cast, own_server)
    _, _, other, _ = with_subject(cast, own_server, word="another room's")
    assert remove(own_server, target)["state"] == "done"
    getattr(own_server, ends)()
    assert rows(own_server, request) == 1
    cast = actors(own_server.start())
    assert not dom.find(shown(cast, room), "client:subject").text
    seen = shown(cast, other)
    assert seen.findtext("{jabber:client}subject") == "another room's"
    assert seen.get("from") == other.of("Romeo") and dom.find(seen, "delay:delay") is not None


def test_s1_2_of_a_room_nobody_is_in(cast, server):
    romeo, juliet, room, target = with_subject(cast, server)
    room.leaves(romeo, "Romeo")
    hush(juliet)
    room.leaves(juliet, "Juliet")
    assert remove(server, target)["state"] == "done"
    assert not dom.find(shown(cast, room), "client:subject").text


def test_s1_2_and_the_next_edition_of_the_module_knows_nothing_of_it(own_server, actors):
    renew = edition.of(own_server, "muc")
    cast = actors(own_server.start())
    romeo, juliet, room, target = with_subject(cast, own_server)
    renew()
    assert "replaced" in own_server.reload()
    assert shown(cast, room).findtext("{jabber:client}subject") == WORD
    hush(romeo, juliet)
    assert remove(own_server, target)["state"] == "done"
    hears_that_it_is_gone(juliet, room)
    renew()
    assert "replaced" in own_server.reload()
    assert not dom.find(shown(cast, room), "client:subject").text


def test_of_a_room_without_an_archive_it_is_a_setting(own_server, actors, request):
    """No message to be removed; saved before anybody is told, as ever."""
    cast = actors(own_server.start())
    _, _, room, none = with_subject(cast, own_server, enablearchiving=False)
    assert none is None
    _, _, other, none = with_subject(cast, own_server, extra="<no-store xmlns='urn:xmpp:hints'/>")
    assert none is None and rows(own_server, request) == 2
    own_server.kill()
    cast = actors(own_server.start())
    for one in (room, other):
        assert shown(cast, one).findtext("{jabber:client}subject") == WORD


def test_one_that_a_former_release_kept_among_the_settings(own_server, actors, request):
    """It moves to a row of its own; once changed, it does not come back."""
    cast = actors(own_server.start())
    romeo, _, room, _ = with_subject(cast, own_server)
    own_server.stop()
    former = "subject old\\nwords\nsubject_by %s\nsubject_at 2026-01-01T00:00:00Z\nsubject_id abc\n" % room.of("Romeo")
    for statement in (f"update muc_room set config = config || '{former}'", "delete from muc_subject"):
        change(own_server, request, statement)
    cast = actors(own_server.start())
    seen = shown(cast, room)
    assert seen.findtext("{jabber:client}subject") == "old\nwords" and seen.get("from") == room.of("Romeo")
    assert "2026-01-01T00:00:00" in dom.find(seen, "delay:delay").get("stamp")
    assert rows(own_server, request) == 1
    assert number(own_server, request, "select count(*) from muc_room where config like '%subject_by%'") == 0
    romeo = cast.client("romeo", jid=romeo.jid).comes_online()
    room.enters(romeo, "Romeo")
    romeo.sends(f"<message to='{room}' type='groupchat' id='s2'><subject/></message>")
    romeo.hears("<message type='groupchat' id='s2'>...<subject/>...</message>")
    own_server.kill()
    assert not dom.find(shown(actors(own_server.start()), room), "client:subject").text


def test_a_destroyed_room_leaves_none(own_server, actors, request):
    cast = actors(own_server.start())
    _, _, room, _ = with_subject(cast, own_server)
    own_server.ctl("room", "destroy", room, "--reason", "a test")
    process.wait_until(lambda: rows(own_server, request) == 0, "the row to go")

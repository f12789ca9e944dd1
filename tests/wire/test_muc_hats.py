# SPDX-License-Identifier: MIT
"""Hats (XEP-0317) by the commands of a room (XEP-0050): what there is, who wears which, who may say."""
import pytest

from lib import dom
from lib.house import *  # noqa: F403
from lib.room import codes, hats, hush

pytestmark = pytest.mark.xylem
COMMANDS, NODE, DATA = "http://jabber.org/protocol/commands", "urn:xmpp:hats:commands", "jabber:x:data"
INFO = "http://jabber.org/protocol/disco#info"
HOST, POET = "http://hats.test/host", "http://hats.test/poet"


def submit(**fields):
    body = f"<field var='FORM_TYPE'><value>{NODE}</value></field>"
    body += "".join(f"<field var='hats#{k}'><value>{v}</value></field>" for k, v in fields.items())
    return f"<x xmlns='{DATA}' type='submit'>{body}</x>"


def asks(client, room, node, inside="", action="execute", session=None):
    mark = f" sessionid='{session}'" if session else ""
    act = f" action='{action}'" if action else ""
    return client.asks("set", f"<command xmlns='{COMMANDS}' node='{NODE}:{node}'{act}{mark}>{inside}</command>",
                       to=room)


def command(answer, status):
    assert answer.get("type") == "result", dom.show(answer)
    found = answer.find(f"{{{COMMANDS}}}command")
    assert found.get("status") == status and found.get("sessionid"), dom.show(answer)
    return found


def does(client, room, node, **fields):
    command(asks(client, room, node, submit(**fields)), "completed")


def table(client, room, node):
    """The items of a result form, each {field: value}."""
    form = command(asks(client, room, node), "completed").find(f"{{{DATA}}}x")
    assert form.get("type") == "result"
    reported = {f.get("var") for f in form.find(f"{{{DATA}}}reported")}
    rows = [{f.get("var")[5:]: f[0].text for f in item} for item in form.findall(f"{{{DATA}}}item")]
    assert all({"hats#" + key for key in row} <= reported for row in rows)
    return rows


def hears_change(client, room):
    got = client.next_element()
    assert got.get("from") == str(room) and got.get("type") == "groupchat" and codes(got) == {104}, dom.show(got)


@pytest.fixture
def play(house):
    """A room of romeo's, romeo and juliet in it, and two hats."""
    romeo, juliet = house.cast("romeo", "juliet")
    room = house.room(owner=romeo)
    room.enters(romeo, "Romeo")
    room.enters(juliet, "Juliet")
    house.ctl("room", "hat", "create", room, HOST, "Host")
    house.ctl("room", "hat", "create", room, POET, "Poet", "--hue", "327.255249")
    hush(romeo, juliet)
    return room, romeo, juliet


# ---- what there is ----------------------------------------------------------------------------------


def test_a_hat_is_created_in_two_steps(house):
    romeo, juliet = house.cast("romeo", "juliet")
    room = house.room(owner=romeo)
    room.enters(juliet, "Juliet")
    hush(juliet)
    first = command(asks(romeo, room, "create"), "executing")
    form = first.find(f"{{{DATA}}}x")
    fields = {f.get("var"): f for f in form.findall(f"{{{DATA}}}field")}
    assert form.get("type") == "form" and set(fields) == {"FORM_TYPE", "hats#title", "hats#uri", "hats#hue"}
    assert [v for v, f in fields.items() if f.find(f"{{{DATA}}}required") is not None] == ["hats#title", "hats#uri"]
    last = command(asks(romeo, room, "create", submit(title="Host", uri=HOST, hue="12.5"), action=None,
                        session=first.get("sessionid")), "completed")
    assert last.get("sessionid") == first.get("sessionid") and last.get("node") == NODE + ":create"
    hears_change(juliet, room)
    juliet.hears_nothing()
    assert table(juliet, room, "list") == [{"uri": HOST, "title": "Host", "hue": "12.5"}]


def test_creating_again_changes_it(play):
    room, romeo, juliet = play
    does(romeo, room, "create", title="Bard", uri=POET)
    assert table(romeo, room, "list") == [{"uri": HOST, "title": "Host"}, {"uri": POET, "title": "Bard"}]


@pytest.mark.parametrize("fields", [
    {"title": "x"}, {"uri": HOST}, {}, {"title": "x" * 257, "uri": HOST}, {"title": "x", "uri": "u" * 1025},
    {"title": "x", "uri": HOST, "hue": "red"}, {"title": "x", "uri": HOST, "hue": "361"},
    {"title": "x", "uri": HOST, "hue": "-1"}, {"title": "x", "uri": HOST, "hue": "360.1"}])
def test_a_hat_that_makes_no_sense(play, fields):
    room, romeo, juliet = play
    before = table(romeo, room, "list")
    is_error(asks(romeo, room, "create", submit(**fields)), "bad-request")
    assert table(romeo, room, "list") == before
    juliet.hears_nothing()


def test_a_room_has_so_many_hats_and_no_more(house):
    romeo = house.cast.connected("romeo")
    room = house.room(owner=romeo)
    for n in range(100):
        house.ctl("room", "hat", "create", room, f"urn:hat:{n}", f"Hat {n}")
    assert asks(romeo, room, "create", submit(title="x", uri="urn:hat:100")).get("type") == "error"
    does(romeo, room, "create", title="changed", uri="urn:hat:99")
    does(romeo, room, "destroy", uri="urn:hat:0")
    does(romeo, room, "create", title="x", uri="urn:hat:100")
    assert len(table(romeo, room, "list")) == 100


# ---- who wears which ------------------------------------------------------------------------------------


def test_everybody_sees_a_hat_put_on(play):
    room, romeo, juliet = play
    does(romeo, room, "assign", jid=juliet, uri=POET)
    for who in (romeo, juliet):
        got = room.shows(who, "Juliet", affiliation="none", role="participant")
        assert hats(got) == {POET: "Poet"}
        assert got.find("{urn:xmpp:hats:0}hats/{urn:xmpp:hats:0}hat").get("hue") == "327.255249"
        who.hears_nothing()
    does(romeo, room, "assign", jid=juliet, uri=HOST)
    assert hats(room.shows(romeo, "Juliet")) == {POET: "Poet", HOST: "Host"}
    assert table(romeo, room, "list-assigned") == [
        {"jid": juliet.jid, "uri": HOST, "title": "Host"},
        {"jid": juliet.jid, "uri": POET, "title": "Poet", "hue": "327.255249"}]


def test_it_stays_on_with_every_presence_and_for_newcomers(play, house):
    room, romeo, juliet = play
    does(romeo, room, "assign", jid=juliet, uri=POET)
    hush(romeo, juliet)
    juliet.sends(f"<presence to='{room.of('Juliet')}'><show>away</show></presence>")
    assert hats(room.shows(romeo, "Juliet", show="away")) == {POET: "Poet"}
    nurse = house.cast("nurse")
    seen = room.enters(nurse, "Nurse")
    assert hats(seen.others["Juliet"]) == {POET: "Poet"} and not hats(seen.others["Romeo"])
    house.ctl("room", "affiliation", room, juliet, "member")
    hush(romeo, juliet)
    room.leaves(juliet, "Juliet")
    room.loses(romeo, "Juliet")
    assert hats(room.enters(juliet, "Giulietta").own) == {POET: "Poet"}
    assert hats(room.shows(romeo, "Giulietta")) == {POET: "Poet"}


def test_it_is_the_persons_also_outside(play, house):
    """Assigned to somebody who is not there, and to all clients of one who is."""
    room, romeo, juliet = play
    nurse = house.cast("nurse")
    does(romeo, room, "assign", jid=nurse.full, uri=HOST)
    juliet.hears_nothing()
    assert table(romeo, room, "list-assigned") == [{"jid": nurse.jid, "uri": HOST, "title": "Host"}]
    assert hats(room.enters(nurse, "Nurse").own) == {HOST: "Host"}
    assert hats(room.shows(juliet, "Nurse")) == {HOST: "Host"}


def test_a_hat_taken_off(play):
    room, romeo, juliet = play
    does(romeo, room, "assign", jid=juliet, uri=POET)
    hush(romeo, juliet)
    does(romeo, room, "unassign", jid=juliet, uri=POET)
    for who in (romeo, juliet):
        assert hats(room.shows(who, "Juliet")) == {}
    is_error(asks(romeo, room, "unassign", submit(jid=juliet, uri=POET)), "item-not-found")
    assert table(romeo, room, "list-assigned") == []


def test_a_changed_hat_is_shown_on_whoever_wears_it(play):
    room, romeo, juliet = play
    does(romeo, room, "assign", jid=juliet, uri=POET)
    hush(romeo, juliet)
    does(romeo, room, "create", title="Bard", uri=POET)
    for who in (romeo, juliet):
        hears_change(who, room)
        assert hats(room.shows(who, "Juliet")) == {POET: "Bard"}
        who.hears_nothing()


def test_a_destroyed_hat_is_on_nobody(play):
    room, romeo, juliet = play
    does(romeo, room, "assign", jid=juliet, uri=POET)
    does(romeo, room, "assign", jid=juliet, uri=HOST)
    hush(romeo, juliet)
    does(romeo, room, "destroy", uri=POET)
    for who in (romeo, juliet):
        hears_change(who, room)
        assert hats(room.shows(who, "Juliet")) == {HOST: "Host"}
    assert table(romeo, room, "list") == [{"uri": HOST, "title": "Host"}]
    is_error(asks(romeo, room, "destroy", submit(uri=POET)), "item-not-found")
    does(romeo, room, "create", title="Poet", uri=POET)
    assert [row["uri"] for row in table(romeo, room, "list-assigned")] == [HOST]


def test_the_forms_offer_what_there_is(play):
    room, romeo, _ = play
    for node in ("destroy", "assign", "unassign"):
        form = command(asks(romeo, room, node), "executing").find(f"{{{DATA}}}x")
        fields = {f.get("var"): f for f in form.findall(f"{{{DATA}}}field")}
        assert ("hats#jid" in fields) == (node != "destroy")
        options = {o.get("label"): o[0].text for o in fields["hats#uri"].findall(f"{{{DATA}}}option")}
        assert options == {"Host": HOST, "Poet": POET}


def test_unknown_hats_and_people(play):
    room, romeo, juliet = play
    is_error(asks(romeo, room, "assign", submit(jid=juliet, uri="urn:hat:none")), "item-not-found")
    is_error(asks(romeo, room, "assign", submit(jid="@", uri=HOST)), "bad-request")
    is_error(asks(romeo, room, "assign", submit(uri=HOST)), "bad-request")
    does(romeo, room, "assign", jid=juliet, uri=HOST)
    hush(romeo, juliet)
    does(romeo, room, "assign", jid=juliet, uri=HOST)  # already: done, and nothing to see
    assert len(table(romeo, room, "list-assigned")) == 1


def test_what_a_client_says_of_its_own_hats_is_left_out(play):
    room, romeo, juliet = play
    false = f"<hats xmlns='urn:xmpp:hats:0'><hat uri='{HOST}' title='Host'/></hats>"
    juliet.sends(f"<presence to='{room.of('Juliet')}'><show>dnd</show>{false}</presence>")
    assert hats(room.shows(romeo, "Juliet", show="dnd")) == {}


# ---- who may ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("affiliation", ["none", "member", "admin"])
@pytest.mark.parametrize("node", ["create", "destroy", "assign", "unassign", "list-assigned"])
def test_only_owners(house, node, affiliation):
    romeo, juliet = house.cast.connected("romeo", "juliet")
    room = house.room(owner=romeo)
    house.ctl("room", "affiliation", room, juliet, affiliation)
    house.ctl("room", "hat", "create", room, HOST, "Host")
    for inside in ("", submit(uri=HOST, title="x", jid=juliet)):
        is_error(asks(juliet, room, node, inside), "forbidden", "auth")
    assert table(romeo, room, "list") == [{"uri": HOST, "title": "Host"}]


def test_the_list_is_for_whoever_may_come_in(house):
    romeo, juliet = house.cast.connected("romeo", "juliet")
    room = house.room("members_only=on", owner=romeo)
    is_error(asks(juliet, room, "list"), "forbidden")
    house.ctl("room", "affiliation", room, juliet, "member")
    assert table(juliet, room, "list") == []


def test_no_such_command_or_room(house):
    romeo = house.cast.connected("romeo")
    room = house.room(owner=romeo)
    is_error(asks(romeo, room, "knit"), "item-not-found")
    is_error(asks(romeo, f"nowhere@{house.service}", "list"), "item-not-found")


def test_actions(house):
    romeo = house.cast.connected("romeo")
    room = house.room(owner=romeo)
    session = command(asks(romeo, room, "create"), "executing").get("sessionid")
    command(asks(romeo, room, "create", action="cancel", session=session), "canceled")
    for action, condition in (("prev", "bad-action"), ("dance", "malformed-action")):
        answer = asks(romeo, room, "create", action=action, session=session)
        is_error(answer, "bad-request")
        assert answer.find(f"*/{{{COMMANDS}}}{condition}") is not None, dom.show(answer)


# ---- for how long -------------------------------------------------------------------------------------------------


def test_the_hash_follows_the_list(house):
    romeo = house.cast.connected("romeo")
    room = house.room(owner=romeo)

    def told():
        answer = romeo.asks("get", f"<query xmlns='{INFO}'/>", to=room)
        return [f[0].text for f in answer.iter(f"{{{DATA}}}field") if f.get("var") == "hats#hash"]

    assert told() == []
    does(romeo, room, "create", title="Host", uri=HOST)
    one = told()
    does(romeo, room, "assign", jid=romeo, uri=HOST)
    assert told() == one and len(one) == 1
    does(romeo, room, "create", title="Hostess", uri=HOST)
    assert told() != one
    does(romeo, room, "create", title="Host", uri=HOST)
    assert told() == one
    does(romeo, room, "destroy", uri=HOST)
    assert told() == []


def test_hats_outlive_a_restart_and_go_with_the_room(own_house, actors):
    house = own_house()
    romeo = house.cast.connected("romeo")
    room = house.room(owner=romeo)
    does(romeo, room, "create", title="Host", uri=HOST)
    does(romeo, room, "assign", jid=romeo, uri=HOST)
    house.server.restart()
    romeo = actors(house.server).client("romeo", jid=romeo.jid).logs_in()
    assert hats(room.enters(romeo, "Romeo").own) == {HOST: "Host"}
    house.server.ctl("room", "destroy", str(room))
    house.server.ctl("room", "create", str(room), "--owner", romeo.jid)
    hush(romeo)
    assert table(romeo, room, "list") == [] and hats(room.enters(romeo, "Romeo").own) == {}

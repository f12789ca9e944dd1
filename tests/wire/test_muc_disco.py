# SPDX-License-Identifier: MIT
"""Discovery of rooms (XEP-0045 section 6, XEP-0030, XEP-0059): the service, its public rooms in
pages, what a room tells about itself and to whom."""
import pytest

from lib import dom
from lib.house import *  # noqa: F403
from lib.room import MUC, Room

pytestmark = pytest.mark.xylem
INFO, ITEMS = "http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items"
DATA, RSM = "jabber:x:data", "http://jabber.org/protocol/rsm"
NICK, TRAFFIC, COMMANDS = "x-roomuser-item", MUC + "#traffic", "http://jabber.org/protocol/commands"


def asks(client, ns, to, node=None, inside=""):
    attribute = f" node='{node}'" if node else ""
    return client.asks("get", f"<query xmlns='{ns}'{attribute}>{inside}</query>", to=to)


def info(client, to, node=None):
    answer = asks(client, INFO, to, node)
    assert answer.get("type") == "result" and answer.get("from") == str(to), dom.show(answer)
    query = answer.find(f"{{{INFO}}}query")
    assert query.get("node") == node
    return query


def features(query):
    found = [f.get("var") for f in query.findall(f"{{{INFO}}}feature")]
    assert len(found) == len(set(found)), f"a feature twice: {found}"
    return set(found)


def identities(query):
    return [(i.get("category"), i.get("type"), i.get("name")) for i in query.findall(f"{{{INFO}}}identity")]


def form(query):
    """{var: [value …]} of muc#roominfo."""
    forms = query.findall(f"{{{DATA}}}x")
    assert len(forms) == 1 and forms[0].get("type") == "result"
    fields = {f.get("var"): [v.text or "" for v in f.findall(f"{{{DATA}}}value")] for f in forms[0]}
    assert fields.pop("FORM_TYPE") == [MUC + "#roominfo"]
    return fields


class Page:
    def __init__(self, answer):
        assert answer.get("type") == "result", dom.show(answer)
        query = answer.find(f"{{{ITEMS}}}query")
        self.items = [(i.get("jid"), i.get("name")) for i in query.findall(f"{{{ITEMS}}}item")]
        self.jids = [jid for jid, _ in self.items]
        self.set = query.find(f"{{{RSM}}}set")
        self.first = self.last = self.index = self.count = None
        if self.set is not None:
            first = self.set.find(f"{{{RSM}}}first")
            self.count = int(self.set.findtext(f"{{{RSM}}}count"))
            if first is not None:
                self.first, self.index = first.text, int(first.get("index"))
                self.last = self.set.findtext(f"{{{RSM}}}last")


def items(client, to, page=None, node=None):
    inside = f"<set xmlns='{RSM}'>{page}</set>" if page is not None else ""
    return Page(asks(client, ITEMS, to, node, inside))


# ---- the service --------------------------------------------------------------------------------


def test_the_host_lists_the_service(house):
    romeo = house.cast.connected("romeo")
    answer = asks(romeo, ITEMS, house.server.domain)
    found = {i.get("jid"): i.get("name") for i in answer.find(f"{{{ITEMS}}}query")}
    assert found.get(house.service), dom.show(answer)
    assert house.service not in {i.get("jid") for i in asks(romeo, ITEMS, romeo.jid).find(f"{{{ITEMS}}}query")}


def test_what_the_service_is(house):
    query = info(house.cast.connected("romeo"), house.service)
    (category, kind, name), = identities(query)
    assert (category, kind) == ("conference", "text") and name
    assert {MUC, INFO, ITEMS, "vcard-temp", RSM, "urn:xmpp:channel-search:0:search",
            dom.NS["ping"], "jabber:iq:version", "urn:xmpp:time", "jabber:iq:last"} <= features(query)
    assert not {"muc_open", "jabber:iq:roster"} & features(query)


@pytest.mark.parametrize("payload", [
    "<ping xmlns='urn:xmpp:ping'/>", "<query xmlns='jabber:iq:version'/>", "<time xmlns='urn:xmpp:time'/>",
    "<query xmlns='jabber:iq:last'/>"])
def test_what_servers_answer_the_service_answers(house, payload):
    answer = house.cast.connected("romeo").asks("get", payload, to=house.service)
    assert answer.get("type") == "result" and answer.get("from") == house.service, dom.show(answer)


@pytest.mark.parametrize("ns", [INFO, ITEMS])
def test_unknown_nodes(house, ns):
    romeo, room = house.cast.connected("romeo"), house.room()
    is_error(asks(romeo, ns, house.service, "urn:test:none"), "item-not-found", "cancel")
    is_error(asks(romeo, ns, room, "urn:test:none"), "item-not-found", "cancel")


def test_all_traffic_is_allowed(house):
    """18.1.1: a service that discards no namespace answers service-unavailable."""
    romeo, room = house.cast.connected("romeo"), house.room()
    is_error(asks(romeo, INFO, house.service, TRAFFIC), "service-unavailable")
    is_error(asks(romeo, INFO, room, TRAFFIC), "service-unavailable")


# ---- the list of rooms ----------------------------------------------------------------------------


def test_public_rooms_in_order_with_names(own_house):
    house = own_house()
    romeo = house.cast.connected("romeo")
    b = house.room("name=Balcony", name="b")
    house.room("public=off", "name=Crypt", name="a")
    c = house.room(name="c")
    page = items(romeo, house.service)
    assert page.items == [(str(b), "Balcony"), (str(c), "c")]
    assert page.set is None  # complete, and nobody asked for pages


def test_a_room_that_becomes_hidden_leaves_the_list(own_house):
    house = own_house()
    romeo, room = house.cast.connected("romeo"), house.room()
    assert items(romeo, house.service).jids == [str(room)]
    house.ctl("room", "config", room, "public=off")
    assert items(romeo, house.service).jids == []
    house.ctl("room", "config", room, "public=on")
    assert items(romeo, house.service).jids == [str(room)]
    house.ctl("room", "destroy", room)
    assert items(romeo, house.service).jids == []


def test_pages(own_house):
    """XEP-0059: forwards, backwards, by index, only the count, and beyond the ends."""
    house = own_house()
    romeo = house.cast.connected("romeo")
    all_rooms = [str(house.room(name=f"page{n:02}")) for n in range(7)]
    ask = lambda page: items(romeo, house.service, page)
    one = ask("<max>3</max>")
    assert (one.jids, one.first, one.last, one.index, one.count) == (all_rooms[:3], all_rooms[0], all_rooms[2], 0, 7)
    two = ask(f"<max>3</max><after>{one.last}</after>")
    assert (two.jids, two.index) == (all_rooms[3:6], 3)
    three = ask(f"<max>3</max><after>{two.last}</after>")
    assert (three.jids, three.index, three.count) == (all_rooms[6:], 6, 7)
    four = ask(f"<max>3</max><after>{three.last}</after>")
    assert (four.jids, four.first, four.count) == ([], None, 7)
    last = ask("<max>3</max><before/>")
    assert (last.jids, last.index) == (all_rooms[4:], 4)
    former = ask(f"<max>3</max><before>{last.first}</before>")
    assert (former.jids, former.index) == (all_rooms[1:4], 1)
    assert ask("<max>2</max><index>3</index>").jids == all_rooms[3:5]
    count = ask("<max>0</max>")
    assert (count.jids, count.first, count.count) == ([], None, 7)
    assert ask("<max>100000</max>").jids == all_rooms


def test_a_page_goes_on_where_a_room_is_gone(own_house):
    house = own_house()
    romeo = house.cast.connected("romeo")
    rooms = [house.room(name=f"gone{n}") for n in range(4)]
    one = items(romeo, house.service, "<max>2</max>")
    house.ctl("room", "destroy", rooms[1])
    assert items(romeo, house.service, f"<after>{one.last}</after>").jids == [str(r) for r in rooms[2:]]


@pytest.mark.parametrize("page,condition", [
    ("<max>many</max>", "bad-request"), ("<max>-1</max>", "bad-request"), ("<max/>", "bad-request"),
    ("<after>a@elsewhere.test</after>", "item-not-found"), ("<after>@</after>", "item-not-found"),
    ("<before>a@elsewhere.test</before>", "item-not-found"), ("<index>1</index><after>a</after>", "bad-request")])
def test_pages_that_make_no_sense(house, page, condition):
    answer = asks(house.cast.connected("romeo"), ITEMS, house.service, inside=f"<set xmlns='{RSM}'>{page}</set>")
    is_error(answer, condition)


def test_a_list_too_long_is_cut_and_says_so(own_house):
    house = own_house()
    romeo = house.cast.connected("romeo")
    rooms = [str(house.room(name=f"many{n:03}")) for n in range(501)]
    page = items(romeo, house.service)
    assert len(page.jids) == 500 and page.count == 501 and page.index == 0
    rest = items(romeo, house.service, f"<after>{page.last}</after>")
    assert page.jids + rest.jids == rooms


# ---- a room -----------------------------------------------------------------------------------------


def test_no_such_room(house):
    romeo = house.cast.connected("romeo")
    for ns in (INFO, ITEMS):
        is_error(asks(romeo, ns, f"nowhere@{house.service}"), "item-not-found", "cancel")


def test_what_every_room_has(house):
    query = info(house.cast.connected("romeo"), house.room("name=The Balcony"))
    assert identities(query) == [("conference", "text", "The Balcony")]
    assert {MUC, MUC + "#stable_id", MUC + "#self-ping-optimization", "urn:xmpp:occupant-id:0", "urn:xmpp:sid:0",
            "vcard-temp", "urn:xmpp:hats:0", COMMANDS, INFO, ITEMS} <= features(query)


def test_a_room_without_a_name_has_its_address(house):
    assert identities(info(house.cast.connected("romeo"), house.room(name="cell")))[0][2] == "cell"


@pytest.mark.parametrize("setting,yes,no", [
    ("public=off", "muc_hidden", "muc_public"), ("public=on", "muc_public", "muc_hidden"),
    ("members_only=on", "muc_membersonly", "muc_open"), ("members_only=off", "muc_open", "muc_membersonly"),
    ("moderated=on", "muc_moderated", "muc_unmoderated"), ("moderated=off", "muc_unmoderated", "muc_moderated"),
    ("whois=anyone", "muc_nonanonymous", "muc_semianonymous"),
    ("whois=moderators", "muc_semianonymous", "muc_nonanonymous"),
    ("password=x", "muc_passwordprotected", "muc_unsecured"), ("password=", "muc_unsecured", "muc_passwordprotected"),
    ("persistent=on", "muc_persistent", "muc_temporary"), ("persistent=off", "muc_temporary", "muc_persistent"),
    ("registration=on", "jabber:iq:register", "muc#none"), ("registration=off", MUC, "jabber:iq:register"),
    ("voice_requests=on", MUC + "#request", "muc#none"), ("voice_requests=off", MUC, MUC + "#request")])
def test_features_follow_the_configuration(house, setting, yes, no):
    found = features(info(house.cast.connected("romeo"), house.room(setting)))
    assert yes in found and no not in found, found


def test_the_archive_is_told_where_there_is_one(house):
    romeo = house.cast.connected("romeo")
    for setting, there in (("archived=on", True), ("archived=off", False)):
        assert ("urn:xmpp:mam:2" in features(info(romeo, house.room(setting)))) == there


def test_room_info(house):
    romeo = house.cast.connected("romeo")
    room = house.room("name=Verona", "description=Two houses", "language=it", "history=7", "slow_mode=30",
                      "logs=http://logs.test/verona", "pubsub=xmpp:pubsub.test?;node=verona",
                      f"contacts={romeo},nurse@xylem.test", "allow_pm=moderators", "change_subject=on")
    found = form(info(romeo, room))
    assert found == {
        "muc#roomconfig_roomname": ["Verona"], "muc#roominfo_description": ["Two houses"], "muc#roominfo_lang": ["it"],
        "muc#roominfo_logs": ["http://logs.test/verona"],
        "muc#roominfo_pubsub": ["xmpp:pubsub.test?;node=verona"],
        "muc#roominfo_contactjid": [str(romeo), "nurse@xylem.test"], "muc#roominfo_occupants": ["0"],
        "muc#roominfo_subjectmod": ["1"], "muc#roomconfig_changesubject": ["1"],
        "muc#roomconfig_allowinvites": ["0"], "muc#roomconfig_allowpm": ["moderators"],
        "muc#maxhistoryfetch": ["7"], "muc#roominfo_slow_mode_duration": ["30"]}


def test_a_bare_room_says_what_is_needed(house):
    found = form(info(house.cast.connected("romeo"), house.room()))
    assert found["muc#roominfo_occupants"] == ["0"] and found["muc#roominfo_slow_mode_duration"] == ["0"]
    assert not {"muc#roominfo_subject", "muc#roominfo_contactjid", "muc#roominfo_avatarhash", "hats#hash"} & set(found)


def test_occupants_are_counted_once(house):
    """Two clients under one nick are one occupant."""
    romeo, juliet = house.cast("romeo", "juliet")
    room = house.room()
    room.enters(romeo, "Romeo")
    again = house.cast.another(romeo)
    room.enters(again, "Romeo")
    assert form(info(juliet, room))["muc#roominfo_occupants"] == ["1"]
    room.enters(juliet, "Juliet")
    assert form(info(juliet, room))["muc#roominfo_occupants"] == ["2"]


def test_the_subject_is_for_those_who_may_come_in(house):
    romeo, juliet = house.cast("romeo", "juliet")
    open_room, closed = house.room("change_subject=on", owner=romeo), house.room("members_only=on", owner=romeo)
    for room in (open_room, closed):
        room.enters(romeo, "Romeo")
        romeo.sends(f"<message to='{room}' type='groupchat'><subject>Poison</subject></message>")
        romeo.next_element()
        assert form(info(romeo, room))["muc#roominfo_subject"] == ["Poison"]
    assert form(info(juliet, open_room))["muc#roominfo_subject"] == ["Poison"]
    assert "muc#roominfo_subject" not in form(info(juliet, closed))
    house.ctl("room", "affiliation", closed, juliet, "member")
    assert form(info(juliet, closed))["muc#roominfo_subject"] == ["Poison"]
    house.ctl("room", "affiliation", open_room, juliet, "outcast")
    assert "muc#roominfo_subject" not in form(info(juliet, open_room))


def test_hidden_rooms_answer_who_knows_the_name(house):
    assert features(info(house.cast.connected("romeo"), house.room("public=off")))


# ---- who is in it -------------------------------------------------------------------------------------


def test_occupants_where_the_room_shows_them(house):
    romeo, juliet = house.cast("romeo", "juliet")
    room = house.room("public_list=on")
    room.enters(romeo, "Romeo")
    room.enters(house.cast.another(romeo), "Romeo")
    assert items(juliet, room).items == [(room.of("Romeo"), "Romeo")]


@pytest.mark.parametrize("setting", ["public_list=off", "members_only=on", "password=x"])
def test_occupants_are_private_elsewhere(house, setting):
    romeo, juliet = house.cast("romeo", "juliet")
    room = house.room(setting, owner=romeo)
    room.enters(romeo, "Romeo", password="x")
    assert items(juliet, room).items == []
    assert items(romeo, room).items == ([] if setting == "public_list=off" else [(room.of("Romeo"), "Romeo")])


def test_those_who_are_not_shown_are_not_listed(house):
    romeo, juliet = house.cast("romeo", "juliet")
    room = house.room("presence_broadcast=moderator", "public_list=on")
    room.enters(romeo, "Romeo")
    assert items(juliet, room).items == []


def test_the_commands_of_a_room(house):
    romeo, room = house.cast.connected("romeo"), house.room()
    answer = asks(romeo, ITEMS, room, COMMANDS)
    nodes = {i.get("node"): i.get("jid") for i in answer.find(f"{{{ITEMS}}}query")}
    assert {"urn:xmpp:hats:commands:" + n for n in (
        "create", "destroy", "list", "assign", "unassign", "list-assigned")} == set(nodes)
    assert set(nodes.values()) == {str(room)}
    for node in nodes:
        query = info(romeo, room, node)
        assert identities(query)[0][:2] == ("automation", "command-node")
        assert {COMMANDS, DATA} == features(query)


# ---- the reserved nick (7.12) ---------------------------------------------------------------------------


def test_no_reserved_nick(house):
    query = info(house.cast.connected("romeo"), house.room(), NICK)
    assert len(query) == 0


def test_a_registered_nick_is_told_to_its_owner(house):
    romeo, juliet = house.cast.connected("romeo", "juliet")
    room = house.room("registration=on")
    fields = {"FORM_TYPE": MUC + "#register", "muc#register_roomnick": "Montague"}
    body = "".join(f"<field var='{k}'><value>{v}</value></field>" for k, v in fields.items())
    answer = romeo.asks("set", f"<query xmlns='jabber:iq:register'><x xmlns='{DATA}' type='submit'>{body}</x></query>",
                        to=room)
    assert answer.get("type") == "result", dom.show(answer)
    assert identities(info(romeo, room, NICK)) == [("conference", "text", "Montague")]
    assert len(info(juliet, room, NICK)) == 0


def test_a_room_nobody_has_configured_is_its_owners(house):
    """10.1: it is locked; to all others it is not there."""
    romeo, juliet = house.cast("romeo", "juliet")
    room = Room(house.server)
    assert 201 in room.enters(romeo, "Romeo").codes
    for ns in (INFO, ITEMS):
        is_error(asks(juliet, ns, room), "item-not-found")
        assert asks(romeo, ns, room).get("type") == "result"
    is_error(juliet.asks("get", "<vCard xmlns='vcard-temp'/>", to=room), "item-not-found")
    room.is_configured(romeo)
    assert features(info(juliet, room))

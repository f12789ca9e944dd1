# SPDX-License-Identifier: MIT
"""Search among public rooms (XEP-0433): the form, what is found, in which order and in pages."""
import select

import pytest

from lib import dom
from lib.house import *  # noqa: F403
from lib.postgres import Locked
from lib.room import hush
from lib.stream import PATIENCE

pytestmark = pytest.mark.xylem
BASE = "urn:xmpp:channel-search:0"
SEARCH, PARAMS, ERROR = BASE + ":search", BASE + ":search-params", BASE + ":error"
USERS, ADDRESS = "{" + BASE + ":order}nusers", "{" + BASE + ":order}address"
DATA, RSM = "jabber:x:data", "http://jabber.org/protocol/rsm"


def asks(client, service, page=None, form_type=PARAMS, **fields):
    body = f"<field var='FORM_TYPE'><value>{form_type}</value></field>"
    for var, values in fields.items():
        values = values if isinstance(values, list) else [values]
        body += f"<field var='{var}'>" + "".join(f"<value>{v}</value>" for v in values) + "</field>"
    inside = f"<set xmlns='{RSM}'>{page}</set>" if page is not None else ""
    return client.asks("get", f"<search xmlns='{SEARCH}'>{inside}<x xmlns='{DATA}' type='submit'>{body}</x></search>",
                       to=service)


class Found:
    def __init__(self, answer):
        assert answer.get("type") == "result", dom.show(answer)
        result = answer.find(f"{{{SEARCH}}}result")
        self.items = {i.get("address"): {dom.name(c)[1]: c.text for c in i} for i in result.findall(f"{{{SEARCH}}}item")}
        self.rooms = list(self.items)
        self.first = result.findtext(f"{{{RSM}}}set/{{{RSM}}}first")
        self.last = result.findtext(f"{{{RSM}}}set/{{{RSM}}}last")


def finds(client, service, page=None, **fields):
    return Found(asks(client, service, page, **fields))


def locals_of(found):
    return [room.split("@")[0] for room in found.rooms]


def refused(answer, condition, kind, own=None):
    is_error(answer, condition, kind)
    assert own is None or answer.find(f"*/{{{ERROR}}}{own}") is not None, dom.show(answer)


@pytest.fixture
def town(own_house):
    """Four public rooms, romeo and juliet in the second, juliet in the third, one hidden."""
    house = own_house()
    romeo, juliet = house.cast("romeo", "juliet")
    rooms = {
        "arden": house.room("name=The Forest", "description=Of poets and shepherds", "language=en", name="arden"),
        "elsinore": house.room("name=A Castle", "whois=anyone", name="elsinore"),
        "inverness": house.room("description=Another castle", "members_only=on", name="inverness", owner=juliet),
        "verona": house.room("name=Комната для всех", name="verona"),
        "crypt": house.room("public=off", "name=A hidden castle", name="crypt"),
    }
    rooms["elsinore"].enters(romeo, "Romeo")
    rooms["elsinore"].enters(juliet, "Juliet")
    rooms["inverness"].enters(juliet, "Juliet")
    rooms["crypt"].enters(juliet, "Juliet")
    hush(romeo, juliet)
    house.romeo, house.juliet = romeo, juliet
    return house


def test_the_form(house):
    romeo = house.cast.connected("romeo")
    answer = romeo.asks("get", f"<search xmlns='{SEARCH}'/>", to=house.service)
    form = answer.find(f"{{{SEARCH}}}search/{{{DATA}}}x")
    assert form is not None and form.get("type") == "form", dom.show(answer)
    fields = {f.get("var"): [v.text for v in f.findall(f"{{{DATA}}}value")] for f in form}
    assert fields.pop("FORM_TYPE") == [PARAMS]
    assert fields == {"q": [], "all": [], "sinname": ["true"], "sindescription": ["true"], "sinaddress": ["true"],
                      "min_users": ["0"], "types": ["xep-0045"], "key": [USERS]}
    options = [o[0].text for f in form if f.get("var") == "key" for o in f.findall(f"{{{DATA}}}option")]
    assert options == [USERS, ADDRESS]


def test_everything_by_address(town):
    found = finds(town.romeo, town.service, all="true", key=ADDRESS)
    assert locals_of(found) == ["arden", "elsinore", "inverness", "verona"]
    assert found.items[f"arden@{town.service}"] == {
        "name": "The Forest", "description": "Of poets and shepherds", "language": "en", "nusers": "0",
        "service-type": "xep-0045", "is-open": "true", "anonymity-mode": "muc_semianonymous"}
    assert found.items[f"inverness@{town.service}"] == {
        "name": "inverness", "description": "Another castle", "nusers": "1", "service-type": "xep-0045",
        "is-open": "false", "anonymity-mode": "muc_semianonymous"}
    assert found.items[f"elsinore@{town.service}"]["anonymity-mode"] == "{" + BASE + ":anonymity}none"


def test_the_most_people_first(town):
    for key in ({}, {"key": USERS}):  # the default
        found = finds(town.romeo, town.service, all="1", **key)
        assert locals_of(found) == ["elsinore", "inverness", "arden", "verona"]
        assert [i["nusers"] for i in found.items.values()] == ["2", "1", "0", "0"]
    assert locals_of(finds(town.romeo, town.service, all="1", min_users="1")) == ["elsinore", "inverness"]
    assert locals_of(finds(town.romeo, town.service, all="1", min_users="2", key=ADDRESS)) == ["elsinore"]


@pytest.mark.parametrize("q,found", [
    ("castle", ["elsinore", "inverness"]), ("CASTLE", ["elsinore", "inverness"]), ("another castle", ["inverness"]),
    ("castle another", ["inverness"]), ("verona", ["verona"]), ("комната", ["verona"]), ("ДЛЯ  всех", ["verona"]),
    ("shepherds forest", ["arden"]), ("crypt", []), ("hidden", []), ("nothing such", []), ("%", []), ("_", [])])
def test_words(town, q, found):
    assert locals_of(finds(town.romeo, town.service, q=q, key=ADDRESS)) == found
    assert sorted(locals_of(finds(town.romeo, town.service, q=q, key=USERS))) == found


@pytest.mark.parametrize("where,found", [
    ({"sinname": "false"}, ["inverness"]), ({"sindescription": "0"}, ["elsinore"]),
    ({"sinname": "0", "sindescription": "0"}, [])])
def test_where_words_are_looked_for(town, where, found):
    assert locals_of(finds(town.romeo, town.service, q="castle", key=ADDRESS, **where)) == found


def test_addresses_are_looked_at_unless_told_otherwise(town):
    assert locals_of(finds(town.romeo, town.service, q="arden")) == ["arden"]
    assert locals_of(finds(town.romeo, town.service, q="arden", sinaddress="false")) == []


def test_other_kinds_of_rooms(town):
    assert finds(town.romeo, town.service, all="1", types="xep-0369").rooms == []
    assert len(finds(town.romeo, town.service, all="1", types=["xep-0369", "xep-0045"]).rooms) == 4


def test_pages_by_address(town):
    ask = lambda page: finds(town.romeo, town.service, page, all="1", key=ADDRESS)
    one = ask("<max>2</max>")
    assert locals_of(one) == ["arden", "elsinore"]
    two = ask(f"<max>2</max><after>{one.last}</after>")
    assert locals_of(two) == ["inverness", "verona"]
    end = ask(f"<max>2</max><after>{two.last}</after>")
    assert (end.rooms, end.first, end.last) == ([], None, None)
    back = ask("<max>3</max><before/>")
    assert locals_of(back) == ["elsinore", "inverness", "verona"]
    assert locals_of(ask(f"<max>3</max><before>{back.first}</before>")) == ["arden"]
    assert locals_of(ask("<max>0</max>")) == []


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_by_users(town, size):
    seen, after = [], ""
    for _ in range(6):
        page = finds(town.romeo, town.service, f"<max>{size}</max>{after}", all="1", key=USERS)
        if not page.rooms:
            break
        seen += locals_of(page)
        after = f"<after>{page.last}</after>"
    assert seen == ["elsinore", "inverness", "arden", "verona"]


def test_pages_of_what_is_rare(own_house):
    """Rooms that do not match are passed over, also by the hundred."""
    house = own_house()
    romeo = house.cast.connected("romeo")
    for n in range(600):
        house.room(*(["name=Rare"] if n % 300 == 299 else []), name=f"r{n:03}")
    one = finds(romeo, house.service, "<max>1</max>", q="rare", key=ADDRESS, sinaddress="0")
    assert locals_of(one) == ["r299"]
    two = finds(romeo, house.service, f"<max>1</max><after>{one.last}</after>", q="rare", key=ADDRESS, sinaddress="0")
    assert locals_of(two) == ["r599"]
    assert len(finds(romeo, house.service, all="1", key=ADDRESS).rooms) == 50
    assert len(finds(romeo, house.service, "<max>1000</max>", all="1", key=ADDRESS).rooms) == 100


def test_requests_that_are_refused(town):
    ask = lambda page=None, **fields: asks(town.romeo, town.service, page, **fields)
    refused(ask(), "bad-request", "modify", "no-search-conditions")
    refused(ask(q=" "), "bad-request", "modify", "no-search-conditions")
    refused(ask(q="x", all="1"), "bad-request", "modify", "conflicting-fields")
    refused(ask(q="x " * 9), "bad-request", "modify", "invalid-search-terms")
    refused(ask(q="x" * 257), "bad-request", "modify", "invalid-search-terms")
    refused(ask(all="1", key="fame"), "feature-not-implemented", "modify", "invalid-sort-key")
    refused(ask(all="1", min_users="some"), "bad-request", "modify")
    refused(ask(all="1", form_type="urn:test"), "bad-request", "modify")
    refused(ask("<before/>", all="1", key=USERS), "feature-not-implemented", "cancel")
    refused(ask("<index>3</index>", all="1"), "feature-not-implemented", "cancel")
    refused(ask("<after>x</after>", all="1", key=USERS), "item-not-found", "cancel")
    refused(ask("<after>a@elsewhere.test</after>", all="1", key=ADDRESS), "item-not-found", "cancel")
    refused(ask("<max>x</max>", all="1"), "bad-request", "modify")


def test_unknown_fields_are_ignored(town):
    assert len(finds(town.romeo, town.service, all="1", colour="red").rooms) == 4


def test_too_many_at_once_are_put_off(own_house, engine, request):
    """Four wait for the database; the fifth is told when to ask again, and the four are answered in the end."""
    if not engine.startswith("pgsql"):
        pytest.skip("a table can be locked in PostgreSQL")
    house = own_house()
    clients = house.cast.connected("romeo", "juliet", "mercutio", "nurse", "tybalt")
    room = house.room(name="found")
    body = "".join(f"<field var='{k}'><value>{v}</value></field>" for k, v in {
        "FORM_TYPE": PARAMS, "all": "1", "key": ADDRESS}.items())
    with Locked(request.getfixturevalue("postgres"), house.server.database, "muc_room"):
        for client in clients:
            client.sends(f"<iq type='get' id='s' to='{house.service}'><search xmlns='{SEARCH}'>"
                         f"<x xmlns='{DATA}' type='submit'>{body}</x></search></iq>")
        first, _, _ = select.select([client.sock for client in clients], [], [], PATIENCE)
        late, = [client for client in clients if client.sock in first]
        answer = late.next_element()
        refused(answer, "resource-constraint", "wait", "rate-limit")
        assert answer.find(f"*/{{{ERROR}}}rate-limit").get("retry-after").isdigit()
    for client in clients:
        if client is not late:
            assert Found(client.next_element()).rooms == [str(room)]
    assert finds(late, house.service, all="1", key=ADDRESS).rooms == [str(room)]

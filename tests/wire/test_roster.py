# SPDX-License-Identifier: MIT
"""jabber:iq:roster (RFC 6121 section 2): get, set, remove, pushes, versioning, errors."""
import pytest

from lib import dom

NS = "jabber:iq:roster"


def get(client, ver=None):
    attribute = f" ver='{ver}'" if ver is not None else ""
    return client.asks("get", f"<query xmlns='{NS}'{attribute}/>")


def put(client, items):
    return client.asks("set", f"<query xmlns='{NS}'>{items}</query>")


def condition(answer):
    assert answer.get("type") == "error", dom.show(answer)
    return dom.name(dom.find(answer, "client:error")[0])[1]


@pytest.fixture
def romeo(cast):
    client = cast.connected("romeo")
    get(client)
    return client


def test_an_item_has_name_and_groups(romeo):
    answer = put(romeo, "<item jid='nurse@example.net' name='Nurse'><group>Servants</group><group>Friends</group></item>")
    assert answer.get("type") == "result"
    romeo.hears(f"<iq type='set' id='*' to='{romeo.full}'><query xmlns='{NS}' ver='*'>"
                "<item jid='nurse@example.net' name='Nurse' subscription='none'>"
                "<group>Servants</group><group>Friends</group></item></query></iq>")
    item = get(romeo)[0][0]
    assert (item.get("jid"), item.get("name")) == ("nurse@example.net", "Nurse")
    assert sorted(g.text for g in item) == ["Friends", "Servants"]


def test_s3_15_the_push_goes_to_every_interested_resource_and_before_the_result(romeo, cast):
    other, deaf = cast.another(romeo, online=False), cast.another(romeo, online=False)
    get(other)
    romeo.sends(f"<iq type='set' id='x1'><query xmlns='{NS}'><item jid='a@example.net'/></query></iq>")
    pushed = f"<query xmlns='{NS}' ver='*'><item jid='a@example.net' subscription='none'/></query>"
    romeo.hears(f"<iq type='set' id='*' to='{romeo.full}'>{pushed}</iq>", f"<iq type='result' id='x1' to='{romeo.full}'/>")
    other.hears(f"<iq type='set' id='*' to='{other.full}'>{pushed}</iq>")
    deaf.hears_nothing()


def test_s3_15_no_push_when_nothing_changed(romeo):
    put(romeo, "<item jid='a@example.net' name='A'/>")
    romeo.events.clear()
    assert put(romeo, "<item jid='a@example.net' name='A'/>").get("type") == "result"
    romeo.hears_nothing()


def test_case_variants_are_one_contact(romeo):
    put(romeo, "<item jid='Nurse@Example.NET' name='1'/>")
    put(romeo, "<item jid='nurse@example.net' name='2'/>")
    assert [(i.get("jid"), i.get("name")) for i in get(romeo)[0]] == [("nurse@example.net", "2")]


def test_removing(romeo):
    put(romeo, "<item jid='a@example.net'/>")
    romeo.events.clear()
    assert put(romeo, "<item jid='a@example.net' subscription='remove'/>").get("type") == "result"
    romeo.hears(f"<iq type='set' id='*' to='{romeo.full}'><query xmlns='{NS}' ver='*'>"
                "<item jid='a@example.net' subscription='remove'/></query></iq>")
    assert len(get(romeo)[0]) == 0
    assert condition(put(romeo, "<item jid='a@example.net' subscription='remove'/>")) == "item-not-found"


@pytest.mark.parametrize("items, expected", [
    ("", "bad-request"),
    ("<item jid='a@example.net'/><item jid='b@example.net'/>", "bad-request"),
    ("<item/>", "bad-request"),
    ("<item jid='@'/>", "jid-malformed"),
    ("<item jid='a@example.net'><group>G</group><group>G</group></item>", "bad-request"),
    ("<item jid='a@example.net'><group/></item>", "not-acceptable"),
    (f"<item jid='a@example.net'><group>{'g' * 2000}</group></item>", "not-acceptable"),
    (f"<item jid='a@example.net' name='{'n' * 2000}'/>", "not-acceptable"),
])
def test_bad_sets(romeo, items, expected):
    assert condition(put(romeo, items)) == expected
    assert len(get(romeo)[0]) == 0


def test_oneself_is_no_contact(romeo):
    assert condition(put(romeo, f"<item jid='{romeo}'/>")) == "not-allowed"


def test_subscription_and_ask_of_a_set_are_ignored(romeo):
    put(romeo, "<item jid='a@example.net' subscription='both' ask='subscribe' approved='true'/>")
    item = get(romeo)[0][0]
    assert (item.get("subscription"), item.get("ask"), item.get("approved")) == ("none", None, None)


def test_a_roster_is_its_owners(romeo, cast):
    juliet = cast.connected("juliet")
    for kind, payload in (("get", f"<query xmlns='{NS}'/>"),
                          ("set", f"<query xmlns='{NS}'><item jid='a@example.net'/></query>")):
        answer = juliet.asks(kind, payload, to=str(romeo))
        assert condition(answer) in ("service-unavailable", "forbidden")
    assert len(get(romeo)[0]) == 0


def test_versions_give_real_deltas(romeo, cast):
    assert dom.find(romeo.features, "{urn:xmpp:features:rosterver}ver") is not None
    for name in "abc":
        put(romeo, f"<item jid='{name}@example.net'/>")
    version = get(romeo)[0].get("ver")
    again = cast.another(romeo, online=False)
    assert len(get(again, version)) == 0, "nothing changed: an empty result"
    again.hears_nothing()
    put(romeo, "<item jid='b@example.net' name='B'/>")
    put(romeo, "<item jid='c@example.net' subscription='remove'/>")
    put(romeo, "<item jid='d@example.net'/>")
    third = cast.another(romeo, online=False)
    assert len(get(third, version)) == 0
    third.hears(*(f"<iq type='set' id='*' to='{third.full}'><query xmlns='{NS}' ver='*'>{item}</query></iq>" for item in (
        "<item jid='b@example.net' name='B' subscription='none'/>",
        "<item jid='c@example.net' subscription='remove'/>",
        "<item jid='d@example.net' subscription='none'/>")))
    third.hears_nothing()
    for strange in ("", "nonsense", "999999"):
        assert len(get(cast.another(romeo, online=False), strange)[0]) == 3, "an unknown version: the whole"


def test_limit_of_items(make_server, actors):
    server = make_server(modules={"roster": {"items": 3}})
    romeo = actors(server).connected("romeo")
    for name in "abc":
        assert put(romeo, f"<item jid='{name}@example.net'/>").get("type") == "result"
    assert condition(put(romeo, "<item jid='d@example.net'/>")) == "resource-constraint"
    assert put(romeo, "<item jid='c@example.net' name='C'/>").get("type") == "result"


@pytest.mark.xylem
def test_admin_shows_adds_and_removes(romeo, server):
    server.ctl("roster", "add", str(romeo), "nurse@example.net", "--subscription", "to", "--name", "Nurse", "--group", "G")
    romeo.hears(f"<iq type='set' id='*' to='{romeo.full}'><query xmlns='{NS}' ver='*'>"
                "<item jid='nurse@example.net' name='Nurse' subscription='to'><group>G</group></item></query></iq>")
    row, = server.json("roster", "show", str(romeo))["rows"]
    assert (row["contact"], row["subscription"], row["name"], row["groups"]) == ("nurse@example.net", "to", "Nurse", "G")
    server.ctl("roster", "remove", str(romeo), "nurse@example.net")
    assert server.json("roster", "show", str(romeo))["rows"] == []
    assert server.ctl("roster", "remove", str(romeo), "nurse@example.net", check=False)[0] == 3
    assert server.ctl("roster", "show", "nobody@xylem.test", check=False)[0] == 3

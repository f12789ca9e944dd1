# SPDX-License-Identifier: MIT
"""The walk-through of requirement S3-25: how A adds B, stanza by stanza, both rosters checked after
each step; refused, accepted, withdrawn, while away. RFC 6121 section 3."""
import pytest

from lib import dom

ROSTER = "jabber:iq:roster"


def roster_of(client):
    """{contact: (subscription, ask)} as the client gets it."""
    answer = client.asks("get", f"<query xmlns='{ROSTER}'/>")
    return {i.get("jid"): (i.get("subscription"), i.get("ask")) for i in answer[0]}


def adds(client, contact, name=""):
    answer = client.asks("set", f"<query xmlns='{ROSTER}'><item jid='{contact}' name='{name}'/></query>")
    assert answer.get("type") == "result", dom.show(answer)


def push(client, contact, subscription, ask=None, rest=""):
    asked = f" ask='{ask}'" if ask else ""
    return (f"<iq type='set' id='*' to='{client.full}'><query xmlns='{ROSTER}' ver='*'>"
            f"<item jid='{contact}' subscription='{subscription}'{asked}{rest}/></query></iq>")


@pytest.fixture
def pair(cast):
    """A and B: online, both know their rosters, nobody knows the other."""
    a, b = cast.connected("a", "b")
    for person in (a, b):
        roster_of(person)
        person.comes_online()
    return a, b


def befriend(a, b):
    a.sends(f"<presence to='{b}' type='subscribe'/>")
    b.settles()
    b.sends(f"<presence to='{a}' type='subscribed'/>", f"<presence to='{a}' type='subscribe'/>")
    a.settles()
    a.sends(f"<presence to='{b}' type='subscribed'/>")
    for person in (a, b):
        person.settles()
        person.events.clear()
    assert roster_of(a) == {str(b): ("both", None)} and roster_of(b) == {str(a): ("both", None)}


def test_s3_25_a_adds_b_and_b_accepts(pair):
    a, b = pair
    # 1. A's client sends the request; A's server notes it and tells A's client.
    a.sends(f"<presence to='{b}' type='subscribe' id='s1'><status>May I?</status></presence>")
    a.hears(push(a, b, "none", "subscribe"))
    assert roster_of(a) == {str(b): ("none", "subscribe")}
    # 2. B's server hands it to B, and B's roster shows nothing of it yet.
    b.hears(f"<presence from='{a}' to='{b}' type='subscribe' id='s1'><status>May I?</status></presence>")
    assert roster_of(b) == {}
    # 3. B accepts. B's server notes that A may see B and tells B's client …
    b.sends(f"<presence to='{a}' type='subscribed'/>")
    b.hears(push(b, a, "from"))
    assert roster_of(b) == {str(a): ("from", None)}
    # 4. … and A's server notes that A sees B, tells A's client, and B's presence comes.
    a.hears(push(a, b, "to"), f"<presence from='{b}' to='{a}' type='subscribed'/>",
            f"<presence from='{b.full}' to='{a}'/>")
    assert roster_of(a) == {str(b): ("to", None)}
    # 5. B asks in turn, A accepts: both.
    b.sends(f"<presence to='{a}' type='subscribe'/>")
    b.hears(push(b, a, "from", "subscribe"))
    a.hears(f"<presence from='{b}' to='{a}' type='subscribe'/>")
    a.sends(f"<presence to='{b}' type='subscribed'/>")
    a.hears(push(a, b, "both"))
    b.hears(push(b, a, "both"), f"<presence from='{a}' to='{b}' type='subscribed'/>",
            f"<presence from='{a.full}' to='{b}'/>")
    assert roster_of(a) == {str(b): ("both", None)} and roster_of(b) == {str(a): ("both", None)}
    a.hears_nothing()
    b.hears_nothing()


def test_s3_25_a_adds_b_and_b_refuses(pair):
    a, b = pair
    a.sends(f"<presence to='{b}' type='subscribe'/>")
    a.hears(push(a, b, "none", "subscribe"))
    b.hears(f"<presence from='{a}' to='{b}' type='subscribe'/>")
    b.sends(f"<presence to='{a}' type='unsubscribed'/>")
    # S3-10: the item that only the request had made goes with it; S3-9: nothing remains on B's side
    a.hears(push(a, b, "remove"), f"<presence from='{b}' to='{a}' type='unsubscribed'/>")
    assert roster_of(a) == {} and roster_of(b) == {}
    b.hears_nothing()
    a.hears_nothing()


def test_s3_13_declining_keeps_what_the_user_made(pair):
    a, b = pair
    adds(a, b, "B")
    a.hears(push(a, b, "none", rest=" name='B'"))
    a.sends(f"<presence to='{b}' type='subscribe'/>")
    a.hears(push(a, b, "none", "subscribe", " name='B'"))
    b.hears(f"<presence from='{a}' to='{b}' type='subscribe'/>")
    b.sends(f"<presence to='{a}' type='unsubscribed'/>")
    a.hears(push(a, b, "none", rest=" name='B'"), f"<presence from='{b}' to='{a}' type='unsubscribed'/>")
    assert roster_of(a) == {str(b): ("none", None)}


def test_s3_2_a_roster_item_alone_subscribes_nobody(pair):
    a, b = pair
    adds(a, b)
    a.hears(push(a, b, "none"))
    b.hears_nothing()
    assert roster_of(b) == {}
    a.sends("<presence><status>here</status></presence>")
    b.hears_nothing()


def test_s3_3_roster_set_after_the_request(pair):
    a, b = pair
    a.sends(f"<presence to='{b}' type='subscribe'/>")
    a.hears(push(a, b, "none", "subscribe"))
    adds(a, b, "B")
    a.hears(push(a, b, "none", "subscribe", " name='B'"))
    b.hears(f"<presence from='{a}' to='{b}' type='subscribe'/>")


def test_s3_16_a_request_comes_again_at_every_login_until_answered(cast):
    a = cast.connected("a")
    roster_of(a)
    a.comes_online()
    jid = cast.account("b")
    a.sends(f"<presence to='{jid}' type='subscribe'><nick xmlns='http://jabber.org/protocol/nick'>Al</nick></presence>")
    a.settles()
    request = (f"<presence from='{a}' to='{jid}' type='subscribe'>"
               "<nick xmlns='http://jabber.org/protocol/nick'>Al</nick></presence>")
    for _ in range(2):
        b = cast.client("b", jid=jid).logs_in()
        roster_of(b)
        b.sends("<presence/>")
        b.hears_in_any_order(f"<presence from='{b.full}' to='{b}'/>", request)
        b.breaks()
    b = cast.client("b", jid=jid).logs_in()
    roster_of(b)
    b.comes_online()
    b.sends(f"<presence to='{a}' type='subscribed'/>")
    b.settles()
    b.breaks()
    b = cast.client("b", jid=jid).logs_in()
    roster_of(b)
    b.sends("<presence/>")
    b.hears(f"<presence from='{b.full}' to='{b}'/>")
    b.hears_nothing()


def test_s3_16_a_decision_made_while_away_is_told_at_login(cast):
    b = cast.connected("b")
    roster_of(b)
    b.comes_online()
    a = cast.connected("a")
    roster_of(a)
    a.comes_online()
    a.sends(f"<presence to='{b}' type='subscribe'/>")
    a.settles()
    a.breaks()
    b.settles()
    b.sends(f"<presence to='{a}' type='subscribed'/>")
    b.settles()
    a = cast.client("a", jid=a.jid).logs_in()
    assert roster_of(a) == {str(b): ("to", None)}
    a.sends("<presence/>")
    a.hears_in_any_order(f"<presence from='{a.full}' to='{a}'/>", f"<presence from='{b.full}' to='{a.full}'/>",
                         f"<presence from='{b}' to='{a}' type='subscribed'/>")


def test_s3_17_withdrawing_a_request_is_told(pair):
    a, b = pair
    a.sends(f"<presence to='{b}' type='subscribe'/>")
    b.hears(f"<presence from='{a}' to='{b}' type='subscribe'/>")
    a.sends(f"<presence to='{b}' type='unsubscribe'/>")
    b.hears(f"<presence from='{a}' to='{b}' type='unsubscribe'/>")
    assert roster_of(a) == {} and roster_of(b) == {}


def test_s3_1_a_stranger_learns_nothing(pair):
    a, b = pair
    b.sends("<presence><show>away</show></presence>")
    a.sends(f"<presence to='{b}' type='probe'/>")
    b.settles()
    got = [e for kind, e in a.events if kind == "element"]
    assert [e.get("type") for e in got] in ([], ["unsubscribed"])
    a.events.clear()
    a.sends(f"<presence to='{b}' type='subscribe'/>")
    a.hears(push(a, b, "none", "subscribe"))
    b.sends("<presence><show>dnd</show></presence>")
    a.hears_nothing()


def test_cancelling_takes_presence_away(pair):
    a, b = pair
    befriend(a, b)
    b.sends(f"<presence to='{a}' type='unsubscribed'/>")
    a.hears_in_any_order(f"<presence from='{b.full}' to='{a}' type='unavailable'/>",
                         f"<presence from='{b}' to='{a}' type='unsubscribed'/>", push(a, b, "from"))
    b.hears(push(b, a, "to"))
    b.sends("<presence><show>xa</show></presence>")
    a.hears_nothing()


def test_s3_12_pre_approval_answers_by_itself(pair):
    a, b = pair
    assert dom.find(b.features, "{urn:xmpp:features:pre-approval}sub") is not None
    b.sends(f"<presence to='{a}' type='subscribed'/>")
    b.hears(f"<iq type='set' id='*' to='{b.full}'><query xmlns='{ROSTER}' ver='*'>"
            f"<item jid='{a}' subscription='none' approved='true'/></query></iq>")
    a.hears_nothing()
    a.sends(f"<presence to='{b}' type='subscribe'/>")
    a.hears(push(a, b, "none", "subscribe"))
    a.hears_in_any_order(push(a, b, "to"), f"<presence from='{b}' to='{a}' type='subscribed'/>",
                         f"<presence from='{b.full}' to='{a}'/>")
    b.hears(push(b, a, "from"))
    b.hears_nothing()


def test_s3_21_deleting_an_account_cleans_both_sides(pair, server):
    a, b = pair
    befriend(a, b)
    server.ctl("user", "delete", str(b))
    a.settles()
    kinds = [e.get("type") for kind, e in a.events if kind == "element" and e.tag.endswith("}presence")]
    assert "unsubscribe" in kinds and "unsubscribed" in kinds and "unavailable" in kinds
    assert roster_of(a) in ({}, {str(b): ("none", None)})
    assert not [r for r in server.json("roster", "doctor")["rows"] if str(b) in (r["account"], r["contact"])]


def test_s3_22_a_contact_that_does_not_exist(cast, server):
    a = cast.connected("a")
    roster_of(a)
    a.comes_online()
    a.sends(f"<presence to='nobody@{server.domain}' type='subscribe'/>")
    a.hears(push(a, f"nobody@{server.domain}", "none", "subscribe"))
    a.hears_nothing()  # silence: an absent account must not differ from a silent one
    a.sends("<presence to='somebody@no.such.host' type='subscribe'/>")
    a.hears(push(a, "somebody@no.such.host", "none", "subscribe"))
    a.hears_error("remote-server-not-found", of="presence", from_="somebody@no.such.host")


def test_s3_19_s3_23_provision_and_doctor(pair, server):
    a, b = pair
    server.ctl("roster", "provision", input=f"{a}\t{b}\n")
    a.hears_in_any_order(push(a, b, "both"), f"<presence from='{b.full}' to='{a}'/>")
    b.hears_in_any_order(push(b, a, "both"), f"<presence from='{a.full}' to='{b}'/>")
    assert not [r for r in server.json("roster", "doctor")["rows"] if r["account"] in (str(a), str(b))]
    server.ctl("roster", "provision", input=f"{a}\tghost@elsewhere.test\tto\n")
    status, _, error = server.ctl("roster", "provision", input=f"{a}\tnobody@{server.domain}\n", check=False)
    assert status == 3 and "nobody" in error

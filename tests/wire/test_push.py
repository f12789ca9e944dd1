# SPDX-License-Identifier: MIT
"""Push notifications (XEP-0357): who is woken and who is not, how often, and what ends it. The push
service is a client of our own that answers iqs, or does not."""
import itertools
import signal

import pytest

from lib import dom, edition, process, sasl2
from lib.dom import NS
from lib.sm import managed
from test_roster import condition

pytestmark = pytest.mark.xylem
PUSH, PUBSUB = "urn:xmpp:push:0", "http://jabber.org/protocol/pubsub"
CSI = "urn:xmpp:csi:0"
STATE = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
PROPOSE = "<propose xmlns='urn:xmpp:jingle-message:0' id='call'/>"
SECRET = "eruio234vzxc2kla-91"
FORM = ("<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>"
        "http://jabber.org/protocol/pubsub#publish-options</value></field>"
        f"<field var='secret'><value>{SECRET}</value></field></x>")
_numbers = itertools.count(1)


def chat(to, payload="<body>b</body>", kind="chat"):
    return f"<message to='{to}' type='{kind}' id='m{next(_numbers)}'>{payload}</message>"


def enable_text(service, node="yxs32", form=""):
    at = "" if node is None else f" node='{node}'"
    return f"<enable xmlns='{PUSH}' jid='{service}'{at}>{form}</enable>"


def enable(client, service, node="yxs32", form=""):
    answer = client.asks("set", enable_text(service, node, form))
    assert answer.get("type") == "result" and len(answer) == 0, dom.show(answer)
    return client


def disable(client, service, node=None):
    at = "" if node is None else f" node='{node}'"
    answer = client.asks("set", f"<disable xmlns='{PUSH}' jid='{service}'{at}/>")
    assert answer.get("type") == "result", dom.show(answer)


def registrations(server, jid):
    return [(r["service"], r["node"]) for r in server.json("push", "list", jid).get("rows", [])]


class Service:
    """A push service. hears() is one notification, answered; nothing() shows that no other is due:
    a control message to an account that wants to be told of it comes through, and nothing before."""

    def __init__(self, cast):
        self.cast, self.client = cast, cast.online("push")
        self.full = self.client.full
        self.watchman = cast.account("nurse")
        enable(cast.client("nurse", jid=self.watchman).logs_in(), self.full, "control").ends()
        self.writer = cast.online("tybalt")

    def takes(self):
        iq = self.client.hears("<iq type='set' id='*'>...</iq>")
        assert iq.get("from") == self.client.domain and iq.get("to") == self.full
        return iq

    def answers(self, iq, error=None, kind="cancel"):
        answer = f"<iq type='{'error' if error else 'result'}' id='{iq.get('id')}' to='{iq.get('from')}'>"
        if error:
            answer += f"<error type='{kind}'><{error} xmlns='{NS['stanzas']}'/></error>"
        self.client.sends(answer + "</iq>")
        self.client.round_trip()

    def hears(self, node="yxs32", error=None, kind="cancel"):
        """Returns the notification."""
        iq = self.takes()
        publish = iq.find(f"{{{PUBSUB}}}pubsub/{{{PUBSUB}}}publish")
        assert publish.get("node") == node, dom.show(iq)
        self.answers(iq, error, kind)
        return publish.find(f"{{{PUBSUB}}}item/{{{PUSH}}}notification")

    def nothing(self):
        if self.cast.server.test_clock:
            self.cast.server.advance("11 s")
        self.writer.sends(chat(self.watchman))
        self.hears("control")
        if self.cast.server.test_clock:
            self.cast.server.advance("11 s")
        self.client.hears_nothing()


def is_failing(server, jid):
    """Recorded: its next attempt is set."""
    return any("failing_since" in r for r in server.json("push", "list", jid)["rows"])


def asleep(cast, service, name="juliet", **options):
    """An account whose only client has registered and gone."""
    client = enable(cast.client(name).logs_in(), service.full, **options)
    client.ends()
    return client.jid


@pytest.fixture
def stage(make_server, actors):
    """(server, cast, service), the clock in our hands."""
    server = make_server(test_clock=True, limits={"idle": None})
    cast = actors(server)
    return server, cast, Service(cast)


# ---- registering ---------------------------------------------------------------------------------------


def test_it_is_announced_on_the_account(cast, server):
    a = cast.online("a")
    features = lambda to: [f.get("var") for f in a.asks("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=to)[0]]
    assert PUSH in features(a.jid)
    assert PUSH not in features(server.domain)


@pytest.mark.parametrize("text, error", [
    ("<enable xmlns='urn:xmpp:push:0' node='n'/>", "bad-request"),
    ("<enable xmlns='urn:xmpp:push:0' jid='@' node='n'/>", "jid-malformed"),
    ("<enable xmlns='urn:xmpp:push:0' jid='push.example' node='n'><x xmlns='jabber:x:data' type='submit'/></enable>", "bad-request"),
    ("<enable xmlns='urn:xmpp:push:0' jid='push.example' node='n'>" + FORM.replace("#publish-options", "#other") + "</enable>", "bad-request"),
    ("<enable xmlns='urn:xmpp:push:0' jid='push.example' node='n'>" + FORM.replace("submit", "form") + "</enable>", "bad-request"),
    ("<enable xmlns='urn:xmpp:push:0' jid='push.example' node='n'><y xmlns='urn:y'/></enable>", "bad-request"),
    (f"<enable xmlns='urn:xmpp:push:0' jid='push.example' node='{'n' * 1024}'/>", "not-acceptable"),
    ("<enable xmlns='urn:xmpp:push:0' jid='push.example' node='n'>" + FORM.replace(SECRET, "s" * 5000) + "</enable>", "not-acceptable"),
    ("<disable xmlns='urn:xmpp:push:0' node='n'/>", "bad-request"),
    ("<disable xmlns='urn:xmpp:push:0' jid='@'/>", "jid-malformed"),
])
def test_what_cannot_be_registered(cast, server, text, error):
    a = cast.online("a")
    assert condition(a.asks("set", text)) == error
    assert registrations(server, a.jid) == []


def test_nobody_registers_for_another(cast, server):
    a, b = cast("a", "b")
    assert a.asks("set", enable_text("push.example"), to=b.jid).get("type") == "error"
    assert registrations(server, b.jid) == []


def test_registrations_by_service_and_node(cast, server):
    a = cast.online("a")
    for node in ("1", "2", None):
        enable(a, "push.example", node)
    enable(a, "PUSH.example", "2", FORM)
    enable(a, "other.example", "1")
    assert sorted(registrations(server, a.jid)) == [
        ("other.example", "1"), ("push.example", ""), ("push.example", "1"), ("push.example", "2")]
    disable(a, "push.example", "1")
    disable(a, "push.example", "3")
    assert ("push.example", "1") not in registrations(server, a.jid) and len(registrations(server, a.jid)) == 3
    disable(a, "push.example")
    assert registrations(server, a.jid) == [("other.example", "1")]
    assert SECRET not in server.ctl("push", "list", a.jid)


def test_the_oldest_goes_when_there_are_too_many(make_server, actors):
    server = make_server(test_clock=True, modules={"push": {"registrations": 2}})
    a = actors(server).online("a")
    for node in ("1", "2", "1", "3"):
        enable(a, "push.example", node)
        server.advance("1 s")
    assert registrations(server, a.jid) == [("push.example", "3"), ("push.example", "1")]
    assert server.output(10**6).count("push.deregistered") == 1


def test_an_administrator_sees_and_ends_them(cast, server):
    a = cast.online("a")
    for node in ("1", "2", "3"):
        enable(a, "push.example", node)
    assert server.json("push", "remove", a.jid, "push.example", "2")["fields"]["removed"] == 1
    assert server.json("push", "remove", a.jid, "push.example")["fields"]["removed"] == 2
    assert server.ctl("push", "remove", a.jid, "push.example", check=False)[0] == 3
    assert server.ctl("push", "list", f"nobody-here@{server.domain}", check=False)[0] == 3
    assert registrations(server, a.jid) == []
    assert server.output(10**7).count("removed by an administrator") >= 3


def test_registrations_survive_a_restart_and_end_with_the_account(make_server, actors):
    server = make_server()
    cast = actors(server)
    service = Service(cast)
    jid = asleep(cast, service)
    server.restart()
    assert registrations(server, jid) == [(service.full, "yxs32")]
    server.ctl("user", "delete", jid)
    server.create(jid.split("@")[0])
    assert registrations(server, jid) == []


# ---- who is woken for what -----------------------------------------------------------------------------


def test_a_message_for_an_absent_user_wakes_him(stage):
    """The whole stanza, as section 7 has it; nothing of the message is in it."""
    server, cast, service = stage
    romeo, jid = cast.online("romeo"), asleep(cast, service, form=FORM)
    romeo.sends(chat(jid, "<body>Wherefore art thou</body>"))
    iq = service.client.hears(
        f"<iq type='set' id='*'><pubsub xmlns='{PUBSUB}'><publish node='yxs32'><item>"
        f"<notification xmlns='{PUSH}'/></item></publish><publish-options>{FORM}</publish-options></pubsub></iq>")
    assert iq.get("from") == server.domain and iq.get("to") == service.full
    service.answers(iq)
    service.nothing()


@pytest.mark.parametrize("content, fields", [
    ("count", {"message-count": "1"}),
    ("sender", {"message-count": "1", "last-message-sender": True}),
    ("body", {"message-count": "1", "last-message-sender": True, "last-message-body": "Wherefore art thou"}),
])
def test_what_it_says_is_the_operators_choice(make_server, actors, content, fields):
    server = make_server(modules={"push": {"content": content}})
    cast = actors(server)
    service = Service(cast)
    romeo, jid = cast.online("romeo"), asleep(cast, service)
    romeo.sends(chat(jid, "<body>Wherefore art thou</body>"))
    form = service.hears()[0]
    said = {f.get("var"): f[0].text for f in form}
    assert said.pop("FORM_TYPE") == "urn:xmpp:push:summary" and form.tag == "{jabber:x:data}x"
    assert said == {k: romeo.full if v is True else v for k, v in fields.items()}


def test_long_and_encrypted_texts(make_server, actors):
    server = make_server(test_clock=True, modules={"push": {"content": "body"}})
    cast = actors(server)
    service = Service(cast)
    romeo, jid = cast.online("romeo"), asleep(cast, service)
    romeo.sends(chat(jid, f"<body>{'x' + 'ü' * 1000}</body>"))
    said = {f.get("var"): f[0].text for f in service.hears()[0]}
    assert said["last-message-body"] == "x" + "ü" * 127
    server.advance("11 s")
    romeo.sends(chat(jid, "<body>I sent you an OMEMO encrypted message</body>"
                          "<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl'/>"))
    assert "last-message-body" not in {f.get("var"): f[0].text for f in service.hears()[0]}


@pytest.mark.parametrize("payload, kind, wakes", [
    ("<body>b</body>", "chat", True),
    ("<body>b</body>", "normal", True),
    ("<body>b</body>" + STATE, "chat", True),
    ("<encryption xmlns='urn:xmpp:eme:0' namespace='x'/>", "chat", True),
    ("<x xmlns='jabber:x:conference' jid='a@b'/>", "normal", True),
    ("<x xmlns='http://jabber.org/protocol/muc#user'><invite from='a@b'/></x>", "normal", True),
    (PROPOSE + "<store xmlns='urn:xmpp:hints'/>", "chat", True),
    (STATE, "chat", False),
    ("<received xmlns='urn:xmpp:receipts' id='m'/>", "chat", False),
    ("<displayed xmlns='urn:xmpp:chat-markers:0' id='m'/>", "chat", False),
    ("<x xmlns='urn:unknown'/><store xmlns='urn:xmpp:hints'/>", "chat", False),
    ("<body>b</body>", "headline", False),
    ("<body>b</body>", "groupchat", False),
    ("<body>b</body><no-store xmlns='urn:xmpp:hints'/>", "chat", False),
])
def test_what_is_worth_it(stage, payload, kind, wakes):
    server, cast, service = stage
    romeo, jid = cast.online("romeo"), asleep(cast, service)
    romeo.sends(chat(jid, payload, kind))
    romeo.round_trip()
    if wakes:
        service.hears()
    service.nothing()


def test_ones_own_messages_wake_nobody(stage):
    server, cast, service = stage
    jid = asleep(cast, service)
    desk, romeo = cast.client("juliet", jid=jid).comes_online(), cast.online("romeo")
    desk.sends(chat(romeo.jid), chat(desk.jid), chat(desk.full))
    desk.round_trip()
    service.nothing()


def test_a_client_that_is_there_is_not_woken(stage):
    server, cast, service = stage
    romeo, juliet = cast("romeo", "juliet")
    enable(juliet, service.full)
    romeo.sends(chat(juliet.jid), chat(juliet.full))
    romeo.round_trip()
    service.nothing()


def test_another_client_of_the_user_does_not_stand_for_the_one_that_registered(stage):
    """The phone is away, the desk takes the message: the phone is woken, if the message is kept
    for somebody."""
    server, cast, service = stage
    romeo = cast.online("romeo")
    phone = sasl2.secures(cast.client("juliet"))
    agent = sasl2.user_agent(sasl2.new_id(), "Conversations")
    sasl2.logs_in(phone, agent=agent, inline=sasl2.bind("Phone"))
    enable(phone, service.full)
    phone.ends()
    desk = sasl2.secures(cast.client("juliet", jid=phone.jid))
    sasl2.logs_in(desk, agent=sasl2.user_agent(sasl2.new_id(), "Gajim"), inline=sasl2.bind("Desk"))
    desk.sends("<presence/>")
    desk.round_trip()
    romeo.sends(chat(phone.jid))
    service.hears()
    again = sasl2.secures(cast.client("juliet", jid=phone.jid))
    sasl2.logs_in(again, agent=agent, inline=sasl2.bind("Phone"))
    server.advance("11 s")
    romeo.sends(chat(phone.jid))
    romeo.round_trip()
    service.nothing()  # known by what it says it is, not by its resource


def test_each_registration_for_itself(stage):
    server, cast, service = stage
    romeo, juliet = cast.online("romeo"), cast.client("juliet").logs_in()
    for node in ("1", "2"):
        enable(juliet, service.full, node)
    juliet.ends()
    romeo.sends(chat(juliet.jid))
    nodes = set()
    for _ in range(2):
        iq = service.takes()
        nodes.add(iq.find(f"{{{PUBSUB}}}pubsub/{{{PUBSUB}}}publish").get("node"))
        service.answers(iq)
    assert nodes == {"1", "2"}
    service.nothing()


def test_a_message_that_was_told_of_is_durable(make_server, actors):
    """The notification follows the commit: a crash right behind it loses nothing."""
    server = make_server()
    cast = actors(server)
    service = Service(cast)
    romeo, jid = cast.online("romeo"), asleep(cast, service)
    romeo.sends(chat(jid))
    service.takes()
    server.kill()
    server.start()
    assert server.json("offline", "count", jid)["fields"]["waiting"] == 1


# ---- stream management and client state ----------------------------------------------------------------


def sleeper(cast, service, name="juliet"):
    """A client with stream management that has registered."""
    client = managed(cast, name).logs_in().enables()
    client.sends("<presence/>")
    enable(client, service.full)
    client.settles()
    client.events.clear()
    return client


def test_a_session_without_a_connection(stage):
    """What comes while it is gone wakes it; what it had acknowledged does not."""
    server, cast, service = stage
    romeo, juliet = cast.online("romeo"), sleeper(cast, service)
    romeo.sends(chat(juliet.jid))
    juliet.hears("<message type='chat' id='*'>...</message>")
    juliet.acknowledges()
    juliet.round_trip()
    juliet.resets()
    service.nothing()
    romeo.sends(chat(juliet.jid))
    service.hears()
    back = juliet.reconnects().resumes()
    back.hears("<message type='chat' id='*'>...</message>")
    server.advance("11 s")
    romeo.sends(chat(juliet.jid))
    back.hears("<message type='chat' id='*'>...</message>")
    service.nothing()


def test_a_connection_that_breaks_with_something_unacknowledged(stage):
    server, cast, service = stage
    romeo, juliet = cast.online("romeo"), sleeper(cast, service)
    juliet.answers = False
    romeo.sends(chat(juliet.jid))
    juliet.hears("<message type='chat' id='*'>...</message>")
    juliet.resets()
    service.hears()
    service.nothing()


def test_without_stream_management_a_connection_that_breaks_too_soon(stage):
    """Its kernel may have taken the message, nobody knows whether the client did."""
    server, cast, service = stage
    romeo, juliet = cast("romeo", "juliet")
    enable(juliet, service.full)
    romeo.sends(chat(juliet.jid))
    juliet.hears("<message type='chat' id='*'>...</message>")
    juliet.resets()
    service.hears()
    service.nothing()


def test_a_client_that_takes_its_leave_has_what_it_was_sent(stage):
    server, cast, service = stage
    romeo, juliet = cast("romeo", "juliet")
    enable(juliet, service.full)
    romeo.sends(chat(juliet.jid))
    juliet.hears("<message type='chat' id='*'>...</message>")
    juliet.ends()
    service.nothing()


def test_a_session_that_is_given_up_wakes_nobody_once_more(stage):
    server, cast, service = stage
    romeo, juliet = cast.online("romeo"), sleeper(cast, service)
    juliet.answers = False
    romeo.sends(chat(juliet.jid))
    juliet.hears("<message type='chat' id='*'>...</message>")
    juliet.resets()
    service.hears()
    server.advance("6 min")
    process.wait_until(lambda: not server.json("session", "list", juliet.jid)["rows"], "the session's end")
    service.nothing()


def test_what_is_unacknowledged_and_unimportant_wakes_nobody(stage):
    server, cast, service = stage
    romeo, juliet = cast.online("romeo"), sleeper(cast, service)
    juliet.answers = False
    romeo.sends(chat(juliet.jid, STATE), chat(juliet.jid, "<received xmlns='urn:xmpp:receipts' id='m'/>"))
    for _ in range(2):
        juliet.hears("<message type='chat' id='*'>...</message>")
    juliet.resets()
    service.nothing()


def test_an_inactive_client_that_does_not_acknowledge(stage):
    """XEP-0352: the connection stands, nobody looks, the operating system may have stopped it."""
    server, cast, service = stage
    romeo, juliet = cast.online("romeo"), sleeper(cast, service)
    juliet.sends(f"<inactive xmlns='{CSI}'/>")
    juliet.round_trip()
    romeo.sends(chat(juliet.jid))
    juliet.hears("<message type='chat' id='*'>...</message>")
    juliet.requests()  # it acknowledges
    juliet.acknowledges()
    juliet.round_trip()
    server.advance("16 s")
    service.nothing()
    juliet.answers = False
    romeo.sends(chat(juliet.jid))
    juliet.hears("<message type='chat' id='*'>...</message>")
    romeo.round_trip()
    server.advance("10 s")
    service.writer.sends(chat(service.watchman))
    service.hears("control")
    service.client.hears_nothing()  # it may still do so
    server.advance("6 s")
    service.hears()
    service.nothing()


def test_an_active_client_is_given_its_time(stage):
    server, cast, service = stage
    romeo, juliet = cast.online("romeo"), sleeper(cast, service)
    juliet.answers = False
    romeo.sends(chat(juliet.jid))
    juliet.hears("<message type='chat' id='*'>...</message>")
    server.advance("16 s")
    service.nothing()


# ---- how often -----------------------------------------------------------------------------------------


def test_once_in_a_while_and_once_behind_it(stage):
    server, cast, service = stage
    romeo, jid = cast.online("romeo"), asleep(cast, service)
    romeo.sends(chat(jid))
    service.hears()
    for _ in range(20):
        romeo.sends(chat(jid))
    romeo.round_trip()
    server.advance("5 s")
    service.client.hears_nothing()
    server.advance("6 s")
    service.hears()
    server.advance("30 s")
    service.nothing()
    romeo.sends(chat(jid))
    service.hears()


def test_whoever_has_come_back_is_not_woken_for_the_rest(stage):
    server, cast, service = stage
    romeo, jid = cast.online("romeo"), asleep(cast, service)
    romeo.sends(chat(jid))
    service.hears()
    romeo.sends(chat(jid))
    romeo.round_trip()
    back = cast.client("juliet", jid=jid).comes_online()
    enable(back, service.full)
    server.advance("11 s")
    service.nothing()


def test_a_call_does_not_wait(stage):
    server, cast, service = stage
    romeo, jid = cast.online("romeo"), asleep(cast, service)
    call = PROPOSE + "<store xmlns='urn:xmpp:hints'/>"
    romeo.sends(chat(jid))
    service.hears()
    romeo.sends(chat(jid, call))
    service.hears()
    romeo.sends(chat(jid, call))
    romeo.round_trip()
    service.client.hears_nothing()  # but even calls do not come faster than that
    server.advance("11 s")
    service.hears()
    service.nothing()


# ---- what ends a registration, and what does not -------------------------------------------------------


@pytest.mark.parametrize("error, kind", [
    ("item-not-found", "cancel"), ("forbidden", "auth"), ("not-authorized", "auth"), ("not-allowed", "cancel"),
    ("conflict", "cancel"), ("gone", "cancel"), ("feature-not-implemented", "cancel"), ("bad-request", "modify")])
def test_errors_that_end_it(stage, error, kind):
    server, cast, service = stage
    romeo, jid = cast.online("romeo"), asleep(cast, service)
    romeo.sends(chat(jid))
    service.hears(error=error, kind=kind)
    process.wait_until(lambda: registrations(server, jid) == [], "its end")
    line = next(l for l in server.output(10**6).splitlines() if "push.deregistered" in l)
    assert jid in line and service.full in line and error in line
    romeo.sends(chat(jid))
    romeo.round_trip()
    service.nothing()


@pytest.mark.parametrize("error, kind", [
    ("remote-server-timeout", "wait"), ("remote-server-not-found", "cancel"), ("resource-constraint", "wait"),
    ("internal-server-error", "cancel"), ("service-unavailable", "cancel"), ("item-not-found", "wait"),
    ("policy-violation", "modify"), ("undefined-condition", "cancel")])
def test_errors_that_pass(stage, error, kind):
    """It is told again, later and later, until it takes it; one line says so, one that it is over."""
    server, cast, service = stage
    romeo, jid = cast.online("romeo"), asleep(cast, service)
    romeo.sends(chat(jid))
    service.hears(error=error, kind=kind)
    process.wait_until(lambda: is_failing(server, jid), "the record of the failure")
    for minutes in (1, 2, 4):
        server.advance(f"{60 * minutes - 5} s")
        service.client.hears_nothing()
        server.advance("7 s")
        service.hears(error=error, kind=kind)
    assert registrations(server, jid) == [(service.full, "yxs32")]
    assert server.output(10**6).count("push.failing") == 1
    assert is_failing(server, jid)
    server.advance("9 min")
    service.hears()
    process.wait_until(lambda: not is_failing(server, jid), "its recovery")
    assert server.output(10**6).count("push.recovered") == 1
    server.advance("2 h")
    service.nothing()


def test_a_service_that_never_answers(stage):
    server, cast, service = stage
    romeo, jid = cast.online("romeo"), asleep(cast, service)
    romeo.sends(chat(jid))
    service.takes()
    server.advance("31 s")
    process.wait_until(lambda: is_failing(server, jid), "the end of its time")
    service.client.hears_nothing()
    server.advance("62 s")
    service.hears()
    assert registrations(server, jid) == [(service.full, "yxs32")]


def test_a_service_nobody_can_reach(stage):
    """No federation: remote-server-not-found. Kept, said once, tried again; ended after give_up."""
    server, cast, service = stage
    romeo, juliet = cast.online("romeo"), cast.client("juliet").logs_in()
    enable(juliet, "push.elsewhere.test")
    juliet.ends()
    romeo.sends(chat(juliet.jid))
    process.wait_until(lambda: is_failing(server, juliet.jid), "the record of the failure")
    for _ in range(5):
        server.advance("2 h")
        romeo.round_trip()
    assert registrations(server, juliet.jid) == [("push.elsewhere.test", "yxs32")]
    assert server.output(10**6).count("push.failing") == 1
    server.advance("31 days")
    romeo = cast.online("romeo")
    romeo.sends(chat(juliet.jid))
    romeo.round_trip()
    process.wait_until(lambda: not registrations(server, juliet.jid), "its end")
    assert "has not answered for too long" in server.output(10**6)


def test_registering_again_begins_anew(stage):
    server, cast, service = stage
    romeo, jid = cast.online("romeo"), asleep(cast, service)
    romeo.sends(chat(jid))
    service.hears(error="remote-server-timeout", kind="wait")
    process.wait_until(lambda: is_failing(server, jid), "the record of the failure")
    server.advance("1 s")
    phone = enable(cast.client("juliet", jid=jid).logs_in(), service.full, form=FORM)
    assert not is_failing(server, jid)
    phone.ends()
    server.advance("11 s")
    romeo.sends(chat(jid))
    iq = service.takes()
    assert SECRET in dom.show(iq), "the later request replaces the options"
    service.answers(iq)


def test_disabled_in_the_meantime(stage):
    """When a service is not enabled it must not be told (section 6), not even of what was due."""
    server, cast, service = stage
    romeo, jid = cast.online("romeo"), asleep(cast, service)
    romeo.sends(chat(jid))
    service.hears()
    romeo.sends(chat(jid))
    romeo.round_trip()
    server.json("push", "remove", jid, service.full)
    server.advance("11 s")
    service.nothing()


@pytest.mark.parametrize("affiliation", ["none", "outcast"])
def test_a_service_takes_back_the_right_to_publish(stage, affiliation):
    server, cast, service = stage
    romeo, jid = cast.online("romeo"), asleep(cast, service)
    notice = (f"<message to='{jid}'><pubsub xmlns='{PUBSUB}' node='{{node}}'>"
              f"<affiliation jid='{{whose}}' affiliation='{{now}}'/></pubsub></message>")
    for who, node, whose, now in ((romeo, "yxs32", jid, affiliation), (service.client, "other", jid, affiliation),
                                  (service.client, "yxs32", romeo.jid, affiliation),
                                  (service.client, "yxs32", jid, "publish-only")):
        who.sends(notice.format(node=node, whose=whose, now=now))
        who.round_trip()
    assert registrations(server, jid) == [(service.full, "yxs32")]
    service.client.events.clear()
    service.client.sends(notice.format(node="yxs32", whose=jid, now=affiliation))
    service.client.round_trip()
    assert registrations(server, jid) == []
    assert "took the right to publish" in server.output(10**6)


# ---- reloads -------------------------------------------------------------------------------------------


def test_switched_off_and_on_again(make_server, actors):
    server = make_server()
    cast = actors(server)
    service = Service(cast)
    romeo, jid = cast.online("romeo"), asleep(cast, service)
    server.reload(modules={"push": False})
    romeo.sends(chat(jid))
    romeo.round_trip()
    service.client.hears_nothing()
    server.reload(modules={"push": True})
    romeo.sends(chat(jid))
    service.hears()


def test_what_is_due_outlives_a_replacement(make_server, actors):
    server = make_server(start=False, test_clock=True)
    renew = edition.of(server, "push")
    server.start()
    cast = actors(server)
    service = Service(cast)
    romeo, jid = cast.online("romeo"), asleep(cast, service)
    romeo.sends(chat(jid))
    service.hears()
    romeo.sends(chat(jid))
    romeo.round_trip()
    renew()
    rows = server.json("reload")["rows"]
    assert [r["change"] for r in rows if r["name"].startswith("push@xylem.test")] == ["replaced"]
    server.advance("11 s")
    service.hears()
    service.nothing()


def test_replaced_under_load(make_server, actors):
    """Whoever got a message is told of it, whichever edition of the module does it."""
    server = make_server(start=False, modules={"push": {"interval": "1 s"}})
    renew = edition.of(server, "push")
    server.start()
    cast = actors(server)
    service = Service(cast)
    romeo = cast.online("romeo")
    sleepers = {asleep(cast, service, node=f"n{i}"): f"n{i}" for i in range(40)}
    for i, jid in enumerate(sleepers):
        romeo.sends(chat(jid))
        if i % 10 == 5:
            renew()
            server.process.send_signal(signal.SIGHUP)
    told = set()
    while told != set(sleepers.values()):
        iq = service.takes()
        told.add(iq.find(f"{{{PUBSUB}}}pubsub/{{{PUBSUB}}}publish").get("node"))
        service.answers(iq)

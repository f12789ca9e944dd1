# SPDX-License-Identifier: MIT
"""The list of an account's clients and the end of their access (XEP-0494 0.1.0)."""
import datetime

import pytest

from lib import dom, fast, process, sasl2
from lib.dom import NS
from lib.fast import LAPTOP, NONE, PHONE, Person
from lib.server import DROP

pytestmark = pytest.mark.xylem

CAM = "urn:xmpp:cam:0"
PHONE_ID = "d4565fa7-4d72-4749-b3d3-740edbf87770"


@pytest.fixture
def romeo(cast):
    return Person(cast)


@pytest.fixture
def own(make_server, actors):
    server = make_server(test_clock=True, limits={"idle": None})
    return server, Person(actors(server))


def at(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Shown:
    """One <client/>."""

    def __init__(self, element):
        def text(path):
            found = element.find("/".join(f"{{{CAM}}}{step}" for step in path.split("/")))
            return None if found is None else found.text
        self.element = element
        self.id, self.type, self.connected = element.get("id"), element.get("type"), element.get("connected") == "true"
        self.first_seen, self.last_seen = at(text("first-seen")), at(text("last-seen"))
        self.software, self.device = text("user-agent/software"), text("user-agent/device")
        self.auth = [dom.name(a)[1] for a in element.find(f"{{{CAM}}}auth")]
        self.permission = element.find(f"{{{CAM}}}permission").get("status")


def clients(client):
    """{device: Shown}, as this session's account sees it."""
    answer = client.asks("get", f"<list xmlns='{CAM}'/>")
    assert answer.get("type") == "result", dom.show(answer)
    return {s.device: s for s in map(Shown, answer.find(f"{{{CAM}}}clients"))}


def revoke(client, id):
    return client.asks("set", f"<revoke xmlns='{CAM}' id='{id}'/>")


def condition(answer):
    """Names in <error/>, or "result"."""
    if answer.get("type") == "result":
        assert len(answer) == 0
        return "result"
    return [dom.name(e) for e in dom.find(answer, "client:error") if dom.name(e)[1] != "text"]


NEEDS_PASSWORD = [(NS["stanzas"], "service-unavailable"), (CAM, "password-reset-required")]


def there(romeo, token=None, agent=None, **options):
    """A bound session of a client; by password unless there is a token."""
    client = romeo.connects()
    if token:
        fast.logs_in(client, token, agent or romeo.agent, **options)
    else:
        sasl2.logs_in(client, agent=romeo.agent if agent is None else agent, **options)
    return client if client.full else client.binds()


def old_fashioned(romeo):
    return romeo.cast.client("romeo", jid=romeo.jid).logs_in()


def only_by_token(server, romeo, agent=LAPTOP):
    """A client that has a token and does not know the password any more. Answers the token."""
    server.ctl("user", "password", romeo.jid, "--password-stdin", input="temporary\n")
    client = romeo.connects()
    client.password = "temporary"
    token = fast.token_of(sasl2.logs_in(client, agent=agent, inline=fast.request(NONE)), NONE)
    client.breaks()
    return token


# ---- the list ------------------------------------------------------------------------------------


def test_the_list(romeo):
    """2.1"""
    phone, laptop = there(romeo), there(romeo, agent=LAPTOP, inline=fast.request(NONE))
    listed = clients(phone)
    assert set(listed) == {"Phone", "Laptop"}
    assert listed == {d: s for d, s in listed.items() if s.connected and s.type == "session"}
    assert (listed["Phone"].software, listed["Laptop"].software) == ("AwesomeXMPP", "GaudyXMPP")
    assert listed["Phone"].auth == ["password"] and listed["Laptop"].auth == ["password", "fast"]
    assert {s.permission for s in listed.values()} == {"unrestricted"}
    laptop.ends()
    assert not clients(phone)["Laptop"].connected
    assert clients(phone)["Laptop"].id == listed["Laptop"].id


def test_an_id_tells_nothing(cast, romeo):
    """Not the client's user-agent id, nor the same for the same client of another account."""
    juliet = Person(cast, "juliet")
    shown = [clients(there(who))["Phone"] for who in (romeo, juliet)]
    assert shown[0].id != shown[1].id
    for s in shown:
        assert len(s.id) >= 12 and s.id not in PHONE_ID
        assert PHONE_ID not in dom.show(s.element) and PHONE_ID.replace("-", "") not in dom.show(s.element)


def test_times(own):
    server, romeo = own
    phone = there(romeo)
    first = clients(phone)["Phone"]
    assert first.first_seen == first.last_seen
    server.advance("3 h")
    laptop = there(romeo, agent=LAPTOP)
    assert clients(laptop)["Phone"].last_seen - first.first_seen == datetime.timedelta(hours=3)  # it is there
    server.advance("1 h")
    phone.ends()
    server.advance("2 h")
    gone = clients(laptop)["Phone"]
    assert not gone.connected and gone.first_seen == first.first_seen
    assert gone.last_seen - first.first_seen == datetime.timedelta(hours=4)
    there(romeo)
    back = clients(laptop)["Phone"]
    assert back.connected and back.first_seen == first.first_seen
    assert back.last_seen - first.first_seen == datetime.timedelta(hours=6)


def test_a_login_without_a_session(romeo):
    """2.1: type 'access': it never had a session."""
    laptop = romeo.connects()
    sasl2.logs_in(laptop, agent=LAPTOP, features=True)
    phone = there(romeo)
    shown = clients(phone)["Laptop"]
    assert (shown.type, shown.connected, shown.auth) == ("access", False, ["password"])
    laptop.binds()
    shown = clients(phone)["Laptop"]
    assert (shown.type, shown.connected) == ("session", True)


def test_all_that_do_not_say_who_they_are_are_one(romeo):
    """Old SASL, and SASL2 without an id: the list leaves nobody out who has access."""
    old = [old_fashioned(romeo) for _ in range(2)]
    anonymous = there(romeo, agent=sasl2.user_agent(None, "Secret", "Nobody's business"))
    listed = clients(there(romeo))
    assert set(listed) == {None, "Phone"}
    shown = listed[None]
    assert (shown.type, shown.connected, shown.auth, shown.software) == ("session", True, ["password"], None)
    assert shown.element.find(f"{{{CAM}}}user-agent") is None
    for client in (*old, anonymous):
        client.ends()
    assert not clients(there(romeo))[None].connected


def test_how_it_got_in(server, romeo):
    token = romeo.gets_token()
    phone = there(romeo, token)
    assert clients(phone)["Phone"].auth == ["password", "fast"]
    romeo.logs_in(token, invalidate="true")
    assert clients(phone)["Phone"].auth == ["password"]


def test_a_password_counts_until_it_is_changed(server, romeo):
    """Nobody gets in by the old one: what has neither it nor a token is not listed any more."""
    old_fashioned(romeo).ends()
    phone = there(romeo, romeo.gets_token())
    token = only_by_token(server, romeo)
    server.ctl("user", "password", romeo.jid, "--password-stdin", input="temporary\n")
    listed = clients(phone)
    assert set(listed) == {"Phone"} and listed["Phone"].auth == [] and listed["Phone"].connected
    assert token  # void as well
    server.ctl("user", "disable", romeo.jid)
    phone.hears_stream_error("not-authorized")
    server.ctl("user", "enable", romeo.jid)
    client = romeo.connects()
    client.password = "temporary"
    sasl2.logs_in(client, agent=LAPTOP)
    assert set(clients(client.binds())) == {"Laptop"}


def test_disabled_and_enabled_it_still_knows_the_password(server, romeo):
    romeo.gets_token()
    server.ctl("user", "disable", romeo.jid)
    server.ctl("user", "enable", romeo.jid)
    assert clients(there(romeo, agent=LAPTOP))["Phone"].auth == ["password"]


def test_names_follow_the_client(romeo):
    there(romeo).ends()
    laptop = there(romeo, agent=LAPTOP)
    assert clients(laptop)["Phone"].software == "AwesomeXMPP"
    there(romeo, agent=sasl2.user_agent(PHONE_ID, "Awesome &amp; <b>", "Phone")).ends()
    assert clients(laptop)["Phone"].software == "Awesome &amp; <b>"


def test_nothing_is_inherited(server, romeo):
    there(romeo).ends()
    server.ctl("user", "delete", romeo.jid)
    server.create(romeo.jid.split("@")[0])
    assert set(clients(there(romeo, agent=LAPTOP))) == {"Laptop"}


def test_survives_a_crash(own):
    server, romeo = own
    phone = there(romeo)
    id = clients(phone)["Phone"].id
    server.kill()
    server.start()
    shown = clients(there(romeo, agent=LAPTOP))["Phone"]
    assert shown.id == id and not shown.connected


# ---- who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [f"<list xmlns='{CAM}'/>", f"<revoke xmlns='{CAM}' id='x'/>"])
def test_only_ones_own(cast, romeo, payload):
    juliet = there(Person(cast, "juliet"))
    there(romeo)
    kind = "get" if "list" in payload else "set"
    for to in (romeo.jid, romeo.domain, f"nobody@{romeo.domain}"):
        answer = juliet.asks(kind, payload, to=to)
        assert condition(answer) == [(NS["stanzas"], "service-unavailable")]
    assert juliet.asks("get", f"<list xmlns='{CAM}'/>", to=juliet.jid).get("type") == "result"


def test_another_accounts_client_is_unknown(cast, romeo):
    juliet = there(Person(cast, "juliet"))
    phone = there(romeo)
    assert condition(revoke(juliet, clients(phone)["Phone"].id)) == [(NS["stanzas"], "item-not-found")]
    phone.round_trip()


def test_requests_that_make_no_sense(romeo):
    phone = there(romeo)
    assert condition(revoke(phone, "")) == [(NS["stanzas"], "bad-request")]
    assert condition(phone.asks("set", f"<revoke xmlns='{CAM}'/>")) == [(NS["stanzas"], "bad-request")]
    assert condition(revoke(phone, "unknown")) == [(NS["stanzas"], "item-not-found")]
    assert condition(phone.asks("set", f"<list xmlns='{CAM}'/>")) == [(NS["stanzas"], "not-allowed")]
    assert condition(phone.asks("get", f"<revoke xmlns='{CAM}' id='x'/>")) == [(NS["stanzas"], "not-allowed")]


# ---- revoking --------------------------------------------------------------------------------------


def test_revoked(own):
    """2.2: a client that has a token and has not shown the password of today."""
    server, romeo = own
    laptop = romeo.with_agent(LAPTOP)
    token = only_by_token(server, romeo)
    there_now = there(laptop, token)
    # The password is changed to what it is, and the token is given anew by the token: only <fast/> is left.
    server.ctl("user", "password", romeo.jid, "--password-stdin", input="secret\n")
    phone = there(romeo)
    listed = clients(phone)
    assert listed["Laptop"].auth == [] and listed["Laptop"].connected
    assert condition(revoke(phone, listed["Laptop"].id)) == "result"
    there_now.hears_stream_error("not-authorized")
    assert set(clients(phone)) == {"Phone"}
    assert laptop.fails(token) == "credentials-expired"
    assert condition(revoke(phone, listed["Laptop"].id)) == [(NS["stanzas"], "item-not-found")]


def test_revoked_of_who_knows_the_password(romeo):
    """2.2: what can be taken is taken, and the answer says that it is not all."""
    laptop = romeo.with_agent(LAPTOP)
    token = laptop.gets_token()
    there_now, phone = there(laptop, token), there(romeo)
    listed = clients(phone)
    assert condition(revoke(phone, listed["Laptop"].id)) == NEEDS_PASSWORD
    there_now.hears_stream_error("not-authorized")
    assert laptop.fails(token) == "credentials-expired"
    listed = clients(phone)
    assert listed["Laptop"].auth == ["password"] and not listed["Laptop"].connected
    there(laptop).round_trip()


def test_the_others_stay(romeo):
    laptop = romeo.with_agent(LAPTOP)
    mine, other = romeo.gets_token(), laptop.gets_token()
    phone, there_now, old = there(romeo, mine), there(laptop, other), old_fashioned(romeo)
    revoke(phone, clients(phone)["Laptop"].id)
    there_now.hears_stream_error("not-authorized")
    old.round_trip()
    phone.round_trip()
    romeo.logs_in(mine)


def test_revoking_oneself(romeo):
    """The answer comes before the end."""
    phone = there(romeo)
    assert condition(revoke(phone, clients(phone)["Phone"].id)) == NEEDS_PASSWORD
    phone.hears_stream_error("not-authorized")


def test_revoking_those_that_do_not_say_who_they_are(romeo):
    old = [old_fashioned(romeo) for _ in range(2)]
    phone = there(romeo)
    assert condition(revoke(phone, clients(phone)[None].id)) == NEEDS_PASSWORD
    for client in old:
        client.hears_stream_error("not-authorized")
    phone.round_trip()


def test_without_fast(make_server, actors):
    """Tokens are nobody's then, which must not be in the way."""
    server = make_server(modules={"fast": False})
    romeo = Person(actors(server))
    phone, laptop = there(romeo), there(romeo, agent=LAPTOP)
    listed = clients(phone)
    assert listed["Laptop"].auth == ["password"]
    assert condition(revoke(phone, listed["Laptop"].id)) == NEEDS_PASSWORD
    laptop.hears_stream_error("not-authorized")


# ---- commands --------------------------------------------------------------------------------------


def test_commands(server, romeo):
    """The same for administrators, with a line in the log."""
    laptop = romeo.with_agent(LAPTOP)
    token = laptop.gets_token()
    there_now, old = there(laptop, token), old_fashioned(romeo)
    rows = {r["device"]: r for r in server.json("client", "list", romeo.jid)["rows"]}
    shown = clients(there(romeo))["Laptop"]
    assert rows["Laptop"]["id"] == shown.id and rows["Laptop"]["software"] == "GaudyXMPP"
    assert rows["Laptop"]["connected"] and rows["Laptop"]["password"] and rows["Laptop"]["fast"]
    assert rows[""]["connected"] and not rows[""]["fast"]
    text = server.ctl("client", "revoke", romeo.jid, shown.id)
    assert f"user password {romeo.jid}" in text
    there_now.hears_stream_error("not-authorized")
    old.round_trip()
    assert laptop.fails(token) == "credentials-expired"
    line = next(l for l in server.output(10**6).splitlines() if "clients.revoked" in l and shown.id in l)
    assert romeo.jid in line and "administrator" in line and PHONE_ID not in line


def test_commands_that_go_wrong(server, romeo):
    assert server.ctl("client", "list", f"nobody@{romeo.domain}", check=False)[0] == 3
    assert server.ctl("client", "list", "@", check=False)[0] == 2
    assert server.ctl("client", "revoke", romeo.jid, "unknown", check=False)[0] == 3


# ---- what is kept ------------------------------------------------------------------------------------


@pytest.mark.once
def test_names_need_not_be_kept(make_server, actors):
    """5: "choose whether to keep certain information"."""
    server = make_server()
    romeo = Person(actors(server))
    there(romeo).ends()
    server.reload(modules={"clients": {"user_agents": False}})
    assert set(clients(there(romeo, agent=LAPTOP))) == {None, "Phone"}
    assert set(clients(there(romeo))) == {None}
    listing = server.ctl("client", "list", romeo.jid)
    assert "Phone" not in listing and "AwesomeXMPP" not in listing


def test_forgotten_after_a_while(make_server, actors):
    """5: "and how long for". Its token goes with it: what has access is listed."""
    server = make_server(test_clock=True, limits={"idle": None}, modules={"clients": {"keep_for": "5 days"}})
    romeo = Person(actors(server))
    laptop = romeo.with_agent(LAPTOP)
    token = laptop.gets_token()
    phone = there(romeo)
    server.advance("4 days")
    assert set(clients(phone)) == {"Phone", "Laptop"}
    server.advance("28 h")
    process.wait_until(lambda: set(clients(phone)) == {"Phone"}, "the end of the laptop's time")
    assert clients(phone)["Phone"].connected  # however long ago it logged in
    assert laptop.fails(token) == "credentials-expired"


def test_no_more_than_so_many(make_server, actors):
    server = make_server(test_clock=True, limits={"idle": None}, modules={"clients": {"per_account": 3}})
    romeo = Person(actors(server))
    phone = there(romeo)
    token = romeo.with_agent(LAPTOP).gets_token()
    for n in range(4):
        server.advance("1 h")
        there(romeo, agent=sasl2.user_agent(sasl2.new_id(), "Many", f"Device {n}")).ends()
    assert set(clients(phone)) == {"Phone", "Device 3", "Device 2", "Device 1"}  # Phone is there
    assert romeo.with_agent(LAPTOP).fails(token) == "credentials-expired"


# ---- switching ---------------------------------------------------------------------------------------


def test_switched_off_and_on(make_server, actors):
    """Who logged in meanwhile is listed too."""
    server = make_server()
    romeo = Person(actors(server))
    phone = there(romeo)
    id = clients(phone)["Phone"].id
    server.reload(modules={"clients": False})
    assert condition(phone.asks("get", f"<list xmlns='{CAM}'/>")) == [(NS["stanzas"], "service-unavailable")]
    laptop = there(romeo, agent=LAPTOP)
    server.reload(modules={"clients": True})
    listed = clients(phone)
    assert set(listed) == {"Phone", "Laptop"} and listed["Phone"].id == id
    assert condition(revoke(phone, listed["Laptop"].id)) == NEEDS_PASSWORD
    laptop.hears_stream_error("not-authorized")


def test_without_sasl2(make_server, actors):
    server = make_server(modules={"sasl2": DROP, "bind2": DROP, "fast": DROP})
    romeo = actors(server).connected("romeo")
    assert {s.type for s in clients(romeo).values()} == {"session"}


def test_announced(romeo):
    phone = there(romeo)
    for to in (romeo.domain, romeo.jid):
        info = phone.asks("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=to)
        assert CAM in [f.get("var") for f in info[0]]


# ---- sessions that outlive their connection (XEP-0198) ------------------------------------------------

ENABLE = f"<enable xmlns='{NS['sm']}' resume='true'/>"


def detached(server, romeo):
    """A client whose connection broke, and what it resumes by."""
    client = romeo.connects()
    token = romeo.gets_token()
    success = fast.logs_in(client, token, romeo.agent, inline=sasl2.bind("Phone", ENABLE))
    enabled = success.bound.find(f"{{{NS['sm']}}}enabled")
    client.breaks()
    process.wait_until(lambda: server.json("session", "list", client.full)["rows"][0]["address"] == "detached",
                       "the break")
    return client.full, token, f"<resume xmlns='{NS['sm']}' previd='{enabled.get('id')}' h='0'/>"


def test_what_may_be_resumed_is_connected(server, romeo):
    """2.1: "sessions that may be disconnected but may yet be reconnected"; and is when it was."""
    full, token, resume = detached(server, romeo)
    laptop = there(romeo, agent=LAPTOP)
    shown = clients(laptop)["Phone"]
    assert shown.connected and shown.type == "session"
    client = romeo.connects()
    success = fast.logs_in(client, token, PHONE, inline=resume)
    assert success.resumed is not None and client.full == full
    assert clients(client)["Phone"].id == shown.id
    assert set(clients(laptop)) == {"Phone", "Laptop"}


def test_revoked_while_it_could_be_resumed(server, romeo):
    full, token, resume = detached(server, romeo)
    laptop = there(romeo, agent=LAPTOP)
    assert condition(revoke(laptop, clients(laptop)["Phone"].id)) == NEEDS_PASSWORD
    assert not clients(laptop)["Phone"].connected
    client = romeo.connects()
    assert romeo.fails(token, client, inline=resume) == "credentials-expired"
    success = sasl2.logs_in(client, agent=PHONE, inline=resume)
    assert success.resumed is None


def test_kicked_while_it_could_be_resumed(server, romeo):
    full, token, resume = detached(server, romeo)
    server.ctl("session", "kick", full)
    assert romeo.fails(token, inline=resume) == "credentials-expired"


def test_a_resumed_session_is_still_its_client(server, romeo):
    """What is known of it goes on to its next stream: a kick voids its tokens."""
    full, token, resume = detached(server, romeo)
    client = romeo.connects()
    assert fast.logs_in(client, token, PHONE, inline=resume).resumed is not None
    server.ctl("session", "kick", full)
    client.hears_stream_error("policy-violation")
    assert romeo.fails(token) == "credentials-expired"

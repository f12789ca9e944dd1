# SPDX-License-Identifier: MIT
"""What ends a token before its time (XEP-0484 3.2): a new password, a disabled account, a kick, the
account's end. Its client is told `credentials-expired` and needs the password."""
import pytest

from lib import dom, fast, sasl2
from lib.fast import LAPTOP, NONE, PHONE, Person

pytestmark = pytest.mark.xylem


@pytest.fixture
def romeo(cast):
    return Person(cast)


@pytest.fixture
def own(make_server, actors):
    server = make_server()
    return server, Person(actors(server))


def set_password(server, jid, password="other"):
    server.ctl("user", "password", jid, "--password-stdin", input=password + "\n")


def gets_back_in(romeo, password):
    """What an expired token does not prevent."""
    client = romeo.connects()
    client.password = password
    fresh = fast.token_of(sasl2.logs_in(client, agent=romeo.agent, inline=fast.request(NONE)), NONE)
    client.breaks()
    romeo.logs_in(fresh)


def with_two(romeo):
    """One that is used and one that is not."""
    used = romeo.gets_token()
    romeo.logs_in(used)
    return used, romeo.gets_token()


# ---- a new password --------------------------------------------------------------------------------


def test_void_with_the_password(server, romeo):
    tokens = [*with_two(romeo), romeo.with_agent(LAPTOP).gets_token()]
    set_password(server, romeo.jid)
    assert [romeo.fails(t) for t in tokens[:2]] == ["credentials-expired"] * 2
    assert romeo.with_agent(LAPTOP).fails(tokens[2]) == "credentials-expired"
    gets_back_in(romeo, "other")


def test_void_with_the_same_password_again(server, romeo):
    """Who sets it wants everybody out."""
    token = romeo.gets_token()
    set_password(server, romeo.jid, "secret")
    assert romeo.fails(token) == "credentials-expired"


def test_void_when_the_user_changes_the_password(romeo):
    """XEP-0077 3.3"""
    token = romeo.gets_token()
    client = romeo.connects()
    fast.logs_in(client, token, PHONE)
    client.binds()
    changed = client.asks("set", f"<query xmlns='jabber:iq:register'><username>{client.local}</username>"
                          "<password>ophelia's</password></query>")
    assert changed.get("type") == "result", dom.show(changed)
    assert romeo.fails(token) == "credentials-expired"
    gets_back_in(romeo, "ophelia's")


def test_other_accounts_keep_theirs(cast, server, romeo):
    juliet = Person(cast, "juliet")
    token = juliet.gets_token()
    set_password(server, romeo.jid)
    server.ctl("user", "disable", romeo.jid)
    server.ctl("user", "delete", romeo.jid)
    juliet.logs_in(token)


def test_a_login_that_knew_the_old_password_gains_nothing(server, romeo):
    """It began before the change and ends behind it: its token is void when it is born."""
    client = romeo.connects()
    scram = fast.sasl.Scram("SCRAM-SHA-256", client.local, "secret")
    sasl2.sends_authenticate(client, "SCRAM-SHA-256", scram.first(), PHONE, fast.request(NONE))
    final = scram.final(sasl2.hears(client, "challenge"))
    set_password(server, romeo.jid)
    sasl2.sends_response(client, final)
    try:
        token = fast.token_of(sasl2.hears(client, "success"), NONE)
    except sasl2.Refused:
        return
    assert token is None or romeo.fails(token) == "credentials-expired"


@pytest.mark.parametrize("off", [["fast"], ["fast", "sasl2", "bind2"]])
def test_void_although_nobody_was_there_to_hear(own, off):
    server, romeo = own
    on = {name: server.config["modules"][name] for name in off if name in server.config["modules"]}
    token, other = romeo.gets_token(), romeo.with_agent(LAPTOP).gets_token()
    server.reload(modules={name: False for name in on})
    set_password(server, romeo.jid)
    server.reload(modules=on)
    assert romeo.fails(token) == "credentials-expired"
    assert romeo.with_agent(LAPTOP).fails(other) == "credentials-expired"


def test_void_by_a_command_while_no_server_runs(own):
    server, romeo = own
    token = romeo.gets_token()
    server.stop()
    set_password(server, romeo.jid)
    server.start()
    assert romeo.fails(token) == "credentials-expired"


def test_still_void_behind_a_restart(own):
    server, romeo = own
    token = romeo.gets_token()
    set_password(server, romeo.jid)
    server.restart()
    assert romeo.fails(token) == "credentials-expired"


# ---- disabled ----------------------------------------------------------------------------------------


def test_void_when_disabled_also_when_enabled_again(server, romeo):
    tokens = with_two(romeo)
    server.ctl("user", "disable", romeo.jid)
    assert [romeo.fails(t) for t in tokens] == ["credentials-expired"] * 2
    server.ctl("user", "enable", romeo.jid)
    assert [romeo.fails(t) for t in tokens] == ["credentials-expired"] * 2
    gets_back_in(romeo, "secret")


def test_enabling_what_was_enabled_voids_nothing(server, romeo):
    token = romeo.gets_token()
    server.ctl("user", "enable", romeo.jid)
    romeo.logs_in(token)


def test_no_token_for_a_disabled_account(server, romeo):
    server.ctl("user", "disable", romeo.jid)
    client = romeo.connects()
    with pytest.raises(sasl2.Refused) as refused:
        sasl2.logs_in(client, agent=PHONE, inline=fast.request(NONE))
    assert refused.value.condition == "account-disabled"


def test_its_sessions_end(server, romeo):
    client = romeo.connects()
    fast.logs_in(client, romeo.gets_token(), PHONE)
    client.binds()
    server.ctl("user", "disable", romeo.jid)
    client.hears_stream_error("not-authorized")


# ---- kicked --------------------------------------------------------------------------------------------


def bound_with(romeo, token, inline=""):
    client = romeo.connects()
    fast.logs_in(client, token, romeo.agent, inline=inline)
    if client.full is None:
        client.binds()
    return client


def test_void_when_kicked(server, romeo):
    """Of that client; the others keep theirs."""
    laptop = romeo.with_agent(LAPTOP)
    tokens, other = with_two(romeo), laptop.gets_token()
    client, there = bound_with(romeo, tokens[1]), bound_with(laptop, other)
    server.ctl("session", "kick", client.full)
    client.hears_stream_error("policy-violation")
    assert romeo.fails(tokens[1]) == "credentials-expired"
    there.round_trip()
    laptop.logs_in(other)
    gets_back_in(romeo, "secret")


def test_void_when_all_sessions_are_kicked(server, romeo):
    laptop = romeo.with_agent(LAPTOP)
    token, other = romeo.gets_token(), laptop.gets_token()
    bound_with(romeo, token)
    bound_with(laptop, other)
    server.ctl("session", "kick", romeo.jid)
    assert romeo.fails(token) == "credentials-expired"
    assert laptop.fails(other) == "credentials-expired"


def test_void_when_kicked_although_it_came_in_by_password(server, romeo):
    """It got its token in this login."""
    client = romeo.connects()
    token = fast.token_of(sasl2.logs_in(client, agent=PHONE, inline=fast.request(NONE)), NONE)
    client.binds()
    server.ctl("session", "kick", client.full)
    assert romeo.fails(token) == "credentials-expired"


def test_a_kick_of_another_client_voids_nothing(cast, server, romeo):
    token = romeo.gets_token()
    old = cast.client("romeo", jid=romeo.jid).logs_in()
    server.ctl("session", "kick", old.full)
    old.hears_stream_error("policy-violation")
    romeo.logs_in(token)


def test_still_void_when_the_code_was_replaced_meanwhile(own):
    """The session remembers which client it is."""
    server, romeo = own
    token = romeo.gets_token()
    client = bound_with(romeo, token)
    server.reload(modules={"fast": {"renew_after": "2 days"}})
    server.ctl("session", "kick", client.full)
    assert romeo.fails(token) == "credentials-expired"


def test_void_when_kicked_behind_a_bind_2(server, romeo):
    token = romeo.gets_token()
    client = romeo.connects()
    if ("urn:xmpp:bind:0", "bind") not in sasl2.inline(client):
        pytest.skip("bind2 is off")
    client.breaks()
    client = bound_with(romeo, token, sasl2.bind("Phone"))
    server.ctl("session", "kick", client.full)
    assert romeo.fails(token) == "credentials-expired"


# ---- gone ------------------------------------------------------------------------------------------------


def test_nothing_is_inherited(server, romeo):
    """Who registers the name anew is another owner."""
    tokens = with_two(romeo)
    server.ctl("user", "delete", romeo.jid)
    assert [romeo.fails(t) for t in tokens] == ["not-authorized"] * 2
    server.create(romeo.jid.split("@")[0])
    assert [romeo.fails(t) for t in tokens] == ["not-authorized"] * 2
    romeo.logs_in(romeo.gets_token())
    assert [romeo.fails(t) for t in tokens] == ["not-authorized"] * 2


def test_nothing_is_inherited_although_nobody_was_there_to_hear(own):
    server, romeo = own
    token = romeo.gets_token()
    server.reload(modules={"fast": False})
    server.ctl("user", "delete", romeo.jid)
    server.create(romeo.jid.split("@")[0])
    server.reload(modules={"fast": True})
    assert romeo.fails(token) == "not-authorized"


def test_a_login_of_the_former_account_gains_nothing(server, romeo):
    """Its token would be the former owner's."""
    client = romeo.connects()
    scram = fast.sasl.Scram("SCRAM-SHA-256", client.local, "secret")
    sasl2.sends_authenticate(client, "SCRAM-SHA-256", scram.first(), PHONE, fast.request(NONE))
    final = scram.final(sasl2.hears(client, "challenge"))
    server.ctl("user", "delete", romeo.jid)
    server.create(romeo.jid.split("@")[0], "another")
    sasl2.sends_response(client, final)
    try:
        token = fast.token_of(sasl2.hears(client, "success"), NONE)
    except sasl2.Refused:
        return
    assert token is None or romeo.fails(token) == "not-authorized"

# SPDX-License-Identifier: MIT
"""Tokens (XEP-0484 0.2.0): who gets one, what it is worth, how it is renewed. What ends one is in
test_fast_void.py."""
import datetime
import ssl

import pytest

from lib import dom, fast, process, sasl2
from lib.dom import NS
from lib.fast import ENDP, EXPR, LAPTOP, NONE, PHONE, Person
from lib.people import XmppJs
from lib.server import DROP
from lib.stream import tls_context

pytestmark = pytest.mark.xylem

@pytest.fixture
def romeo(cast):
    return Person(cast)


@pytest.fixture
def timed(make_server, actors):
    """A server of its own whose time stands still, and romeo on it."""
    server = make_server(test_clock=True, limits={"idle": None})
    return server, Person(actors(server))


# ---- the offer -----------------------------------------------------------------------------------


def test_offered_with_the_bindings_the_stream_has(romeo):
    """2.1; the strongest first. Without tls-exporter on the client's side the server still has it."""
    client = romeo.connects()
    assert fast.offered(client) == [EXPR, ENDP, NONE]
    assert sasl2.inline(client)[(NS["fast"], "fast")].get("tls-0rtt") is None


def test_no_exporter_without_the_extended_master_secret(cast, romeo):
    """RFC 9266 2: on TLS 1.2 the exporter binds only with it."""
    no_ems, tls12 = 1, ssl.TLSVersion.TLSv1_2
    client = fast.by_exporter(cast.client("romeo", jid=romeo.jid), tls12, no_ems)
    assert fast.offered(sasl2.secures(client)) == [ENDP, NONE]
    sasl2.sends_authenticate(client, EXPR, client.local.encode() + b"\0" + b"x" * 32, PHONE, fast.element())
    with pytest.raises(sasl2.Refused) as refused:
        sasl2.hears(client)
    assert refused.value.condition == "invalid-mechanism"


@pytest.mark.parametrize("from_", [None, "{domain}", "nobody@{domain}"])
def test_offered_alike_to_everybody(romeo, from_):
    """2.1: "MUST advertise"; of use only to who says in the header who he is, and shows nothing of accounts."""
    from_ = from_ and from_.format(domain=romeo.domain)
    assert fast.offered(romeo.connects(from_=from_)) == [EXPR, ENDP, NONE]


def test_nothing_of_it_in_the_mechanisms(romeo):
    assert not [m for m in sasl2.mechanisms(romeo.connects()) if m.startswith("HT-")]


# ---- getting a token -------------------------------------------------------------------------------


@pytest.mark.parametrize("mechanism", [NONE, ENDP])
@pytest.mark.parametrize("tls", ["starttls", "direct"])
def test_a_token_and_a_login_with_it(romeo, mechanism, tls):
    token = romeo.gets_token(mechanism, tls=tls)
    client = romeo.connects(tls=tls)
    fast.logs_in(client, token, PHONE)
    client.binds("balcony").round_trip()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_bound_to_the_exporter(cast, romeo, version):
    def connects():
        return sasl2.secures(fast.by_exporter(cast.client("romeo", jid=romeo.jid), version))
    token = romeo.gets_token(EXPR, client=connects())
    client = connects()
    assert client.sock.tls.get_protocol_version_name() == {771: "TLSv1.2", 772: "TLSv1.3"}[version]
    fast.logs_in(client, token, PHONE)
    client.binds().round_trip()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_bound_to_the_certificate(romeo, version):
    context = tls_context(version, version)
    token = romeo.gets_token(ENDP, context=context)
    assert romeo.logs_in(token, romeo.connects(context=context)) is None


def test_what_a_token_looks_like(timed):
    """Attributes of 2.3; text of RFC 8959, so that scanners know it for a secret; unguessable."""
    server, romeo = timed
    tokens = [romeo.gets_token() for _ in range(3)]
    assert len({t.text for t in tokens}) == 3
    for token in tokens:
        assert token.text.startswith("secret-token:") and len(token.text) > 64
    expiry = datetime.datetime.fromisoformat(tokens[0].expiry.replace("Z", "+00:00"))
    server.advance("20 days")
    later = datetime.datetime.fromisoformat(romeo.gets_token().expiry.replace("Z", "+00:00"))
    assert later - expiry == datetime.timedelta(days=20)


def test_only_its_digest_is_stored(make_server, actors):
    server = make_server()
    romeo = Person(actors(server))
    token = romeo.gets_token()
    server.stop()
    if server.database is None:
        stored = b"".join(p.read_bytes() for p in (server.directory / "data").rglob("*") if p.is_file())
        assert b"fast_token" in stored
        assert token.text.encode() not in stored and token.text.removeprefix("secret-token:").encode() not in stored


@pytest.mark.parametrize("agent", ["", sasl2.user_agent(None, "Anonymous", "Phone"), sasl2.user_agent("not a uuid")])
def test_no_token_without_the_id_of_a_client(romeo, agent):
    """3.1"""
    assert romeo.gets_token(agent=agent) is None


def test_no_token_without_from(romeo):
    assert romeo.gets_token(client=romeo.connects(from_=None)) is None


def test_no_token_unasked(romeo):
    assert sasl2.logs_in(romeo.connects(), agent=PHONE).find("fast:token") is None


@pytest.mark.parametrize("mechanism", ["HT-SHA-256-UNIQ", "HT-SHA-512-NONE", "SCRAM-SHA-256", "", "ht-sha-256-none"])
def test_no_token_for_what_is_not_offered(romeo, mechanism):
    """2.2: "one of the FAST mechanisms advertised"."""
    assert romeo.gets_token(mechanism) is None


def test_no_token_with_a_failure(romeo):
    client = romeo.connects()
    with pytest.raises(sasl2.Refused) as refused:
        sasl2.logs_in(client, agent=PHONE, inline=fast.request(NONE), password="wrong")
    assert refused.value.element.find(f"{{{NS['fast']}}}token") is None
    assert romeo.gets_token(client=client)  # the same stream, the right password


# ---- what a token opens ----------------------------------------------------------------------------


@pytest.mark.parametrize("mine,used", [(ENDP, NONE), (NONE, ENDP), (EXPR, NONE), (EXPR, ENDP), (NONE, EXPR)])
def test_only_with_its_own_mechanism(romeo, mine, used):
    """2.4; the token stays good for its own."""
    token = romeo.gets_token(mine)
    client = romeo.connects(exporter=EXPR in (mine, used))
    assert romeo.fails(token, client, mechanism=used) == "not-authorized"
    romeo.logs_in(token)


def test_only_with_the_binding_of_this_stream(romeo):
    """A proof made for one stream is worth nothing on another."""
    token = romeo.gets_token(EXPR)
    victim, relay = romeo.connects(exporter=True), romeo.connects(exporter=True)
    stolen = victim.local.encode() + b"\0" + token.proof(b"Initiator", fast.binding(victim, EXPR))
    assert romeo.fails(token, relay, initial=stolen) == "not-authorized"
    romeo.logs_in(token, victim)


def test_only_for_its_client(romeo):
    token = romeo.gets_token()
    assert romeo.fails(token, agent=LAPTOP) == "not-authorized"
    assert romeo.fails(token, agent="") == "malformed-request"
    romeo.logs_in(token)


def test_only_for_its_account(cast, romeo):
    """Somebody else's token, although both have the same client id."""
    juliet = Person(cast, "juliet")
    token = romeo.gets_token()
    own = juliet.gets_token()
    assert juliet.fails(token) == "not-authorized"
    juliet.logs_in(own)


def test_only_as_who_the_stream_is_from(cast, romeo):
    """XEP-0388 2.3: one is not logged in as another whom he names in the message."""
    juliet = Person(cast, "juliet")
    token = romeo.gets_token()
    local = romeo.jid.split("@")[0]
    assert juliet.fails(token, user=local) == "not-authorized"
    assert romeo.fails(token, user=juliet.jid.split("@")[0]) == "not-authorized"
    assert romeo.fails(token, romeo.connects(from_=None), user=local) == "malformed-request"
    romeo.logs_in(token)


def test_not_without_tls(cast, romeo):
    token = romeo.gets_token()
    client = romeo.connects(tls="none")
    sasl2.sends_authenticate(client, NONE, client.local.encode() + b"\0" + token.proof(b"Initiator"), PHONE,
                             fast.element())
    with pytest.raises(sasl2.Refused) as refused:
        sasl2.hears(client)
    assert refused.value.condition == "encryption-required"


def test_not_by_the_old_sasl(romeo):
    client = romeo.connects()
    token = romeo.gets_token()
    client.sends_auth(NONE, client.local.encode() + b"\0" + token.proof(b"Initiator"))
    answer = client.next_element()
    assert [dom.name(c)[1] for c in answer] == ["invalid-mechanism"]


@pytest.mark.parametrize("options,condition", [
    ({"fast": ""}, "invalid-mechanism"),
    ({"fast": "<fast xmlns='urn:xmpp:fast:1'/>"}, "invalid-mechanism"),
    ({"initial": b""}, "malformed-request"),
    ({"initial": b"romeo"}, "malformed-request"),
    ({"initial": b"romeo\0"}, "malformed-request"),
    ({"initial": b"\0" + 32 * b"x"}, "malformed-request"),
    ({"initial": b"romeo\0" + 31 * b"x"}, "malformed-request"),
    ({"initial": b"romeo\0" + 33 * b"x"}, "malformed-request"),
    ({"count": "-1"}, "malformed-request"),
    ({"count": "many"}, "malformed-request"),
    ({"count": ""}, "malformed-request"),
    ({"count": "2147483648"}, "malformed-request"),
])
def test_what_makes_no_sense(romeo, options, condition):
    token = romeo.gets_token()
    assert romeo.fails(token, **options) == condition
    romeo.logs_in(token)


def test_no_message_at_all(romeo):
    client = romeo.connects()
    sasl2.sends_authenticate(client, NONE, None, PHONE, fast.element())
    with pytest.raises(sasl2.Refused) as refused:
        sasl2.hears(client)
    assert refused.value.condition == "malformed-request"


def test_the_password_still_opens_behind_a_failure(romeo):
    """3.1: "automatically fall back": on the same stream."""
    token = romeo.gets_token()
    token.text += "x"
    client = romeo.connects()
    assert romeo.fails(token, client) == "not-authorized"
    fresh = fast.token_of(sasl2.logs_in(client, agent=PHONE, inline=fast.request(NONE)), NONE)
    romeo.logs_in(fresh)


def test_with_a_resource_bound_inline(romeo):
    """One round trip to a session: what this is for."""
    token = romeo.gets_token()
    client = romeo.connects()
    if (NS["bind2"], "bind") not in sasl2.inline(client):
        pytest.skip("bind2 is off")
    success = fast.logs_in(client, token, PHONE, inline=sasl2.bind("Phone"))
    assert success.bound is not None and client.full
    client.round_trip()


# ---- guesses ---------------------------------------------------------------------------------------


def test_nothing_shows_whether_an_account_exists(cast, romeo):
    """An unknown account, one without tokens, one with: the same answer to a wrong token."""
    token = romeo.gets_token()
    token.text = "secret-token:" + "A" * 64
    people = [romeo, Person(cast, "juliet"), Person(cast, jid=f"nobody@{romeo.domain}")]
    answers = set()
    for person in people:
        client = person.connects()
        fast.sends(client, token, PHONE)
        answers.add(dom.show(client.next_element()))
    assert len(answers) == 1


@pytest.mark.once
def test_guesses_are_put_off(make_server, actors):
    server = make_server(test_clock=True, limits={"auth_failures": 3})
    cast = actors(server)
    romeo = Person(cast)
    token = romeo.gets_token()
    wrong = romeo.gets_token(agent=LAPTOP)
    assert [romeo.fails(wrong) for _ in range(5)] == ["not-authorized"] * 3 + ["temporary-auth-failure"] * 2
    assert romeo.fails(token) == "temporary-auth-failure"
    romeo.logs_in(token, romeo.connects(source="127.0.0.2"))  # nobody else is shut out
    server.advance("5 min")
    romeo.logs_in(token)


@pytest.mark.once
def test_unknown_accounts_are_put_off_alike(make_server, actors):
    cast = actors(make_server(test_clock=True, limits={"auth_failures": 2}))
    romeo = Person(cast)
    wrong = romeo.gets_token(agent=LAPTOP)
    people = [romeo, Person(cast, jid=f"nobody@{romeo.domain}")]
    known, unknown = ([p.fails(wrong) for _ in range(4)] for p in people)
    assert known == unknown == ["not-authorized"] * 2 + ["temporary-auth-failure"] * 2


@pytest.mark.once
def test_right_tokens_are_never_put_off(make_server, actors):
    romeo = Person(actors(make_server(test_clock=True, limits={"auth_failures": 2})))
    token = romeo.gets_token()
    for _ in range(6):
        romeo.logs_in(token)


def test_too_many_on_one_stream_end_it(romeo):
    token = romeo.gets_token()
    token.text += "x"
    client = romeo.connects()
    for _ in range(6):
        fast.sends(client, token, PHONE)
        with pytest.raises(sasl2.Refused):
            sasl2.hears(client)
    client.hears_stream_error("policy-violation")


# ---- the counter -----------------------------------------------------------------------------------


def test_a_count_is_never_taken_twice(romeo):
    """2.4; nor one below the highest."""
    token = romeo.gets_token()
    assert romeo.fails(token, count=0) == "not-authorized"
    romeo.logs_in(token, count=1)
    assert romeo.fails(token, count=1) == "not-authorized"
    romeo.logs_in(token, count=7)
    assert [romeo.fails(token, count=n) for n in (7, 6, 1)] == ["not-authorized"] * 3
    romeo.logs_in(token, count=8)


def test_without_a_count_it_may_be_used_again(romeo):
    """The counter is for TLS 0-RTT, which is not offered."""
    token = romeo.gets_token()
    for _ in range(3):
        romeo.logs_in(token)
    romeo.logs_in(token, count=1)
    romeo.logs_in(token)
    assert romeo.fails(token, count=1) == "not-authorized"


def test_a_refused_count_is_not_used_up(romeo):
    token = romeo.gets_token()
    wrong = fast.Token({"token": token.text + "x"}, NONE)
    assert romeo.fails(wrong, count=9) == "not-authorized"
    romeo.logs_in(token, count=1)


def test_a_count_counts_for_its_token(romeo):
    first = romeo.gets_token()
    romeo.logs_in(first, count=100)
    second = romeo.gets_token()
    romeo.logs_in(second, count=1)
    assert romeo.fails(second, count=1) == "not-authorized"


def test_of_many_replays_at_once_one_gets_in(romeo):
    token = romeo.gets_token()
    romeo.logs_in(token)
    clients = [romeo.connects() for _ in range(8)]
    for client in clients:
        fast.sends(client, token, PHONE, count=5)
    answers = [dom.name(c.next_element())[1] for c in clients]
    assert sorted(answers) == ["failure"] * 7 + ["success"]


@pytest.mark.once
def test_counts_survive_a_restart(make_server, actors):
    server = make_server()
    romeo = Person(actors(server))
    token = romeo.gets_token()
    romeo.logs_in(token, count=3)
    server.restart()
    assert romeo.fails(token, count=3) == "not-authorized"
    romeo.logs_in(token, count=4)


# ---- two tokens at a time ----------------------------------------------------------------------------


def test_the_old_one_stays_until_the_new_one_is_used(romeo):
    """2.5"""
    old = romeo.gets_token()
    romeo.logs_in(old)
    new = romeo.gets_token()
    romeo.logs_in(old)
    romeo.logs_in(old)
    romeo.logs_in(new)
    assert romeo.fails(old) == "not-authorized"
    romeo.logs_in(new)


def test_one_that_was_never_used_goes_with_the_next(romeo):
    """2.5: "invalidate any tokens previously generated that have not been used"."""
    used = romeo.gets_token()
    romeo.logs_in(used)
    lost, new = romeo.gets_token(), romeo.gets_token()
    assert romeo.fails(lost) == "not-authorized"
    romeo.logs_in(used)
    romeo.logs_in(new)
    assert romeo.fails(used) == "not-authorized"


def test_clients_do_not_touch_each_others(romeo):
    laptop = romeo.with_agent(LAPTOP)
    mine, other = romeo.gets_token(), laptop.gets_token(ENDP)
    romeo.logs_in(mine)
    romeo.logs_in(romeo.gets_token())
    laptop.logs_in(other)


def test_many_may_use_a_new_one_at_once(romeo):
    """A client that opens two connections: the second finds the token moved."""
    romeo.logs_in(romeo.gets_token())
    token = romeo.gets_token()
    clients = [romeo.connects() for _ in range(8)]
    for client in clients:
        fast.sends(client, token, PHONE)
    assert [dom.name(c.next_element())[1] for c in clients] == ["success"] * 8


def test_another_mechanism_for_the_next(romeo):
    old = romeo.gets_token(NONE)
    romeo.logs_in(old)
    new = romeo.gets_token(ENDP)
    romeo.logs_in(old)
    romeo.logs_in(new)
    assert romeo.fails(old) == "not-authorized"


# ---- renewal ---------------------------------------------------------------------------------------


def test_renewed_after_a_day(timed):
    server, romeo = timed
    first = romeo.gets_token(ENDP)
    assert romeo.logs_in(first) is None
    server.advance("23 h")
    assert romeo.logs_in(first) is None
    server.advance("61 min")
    second = romeo.logs_in(first)
    assert second.text != first.text and second.expiry > first.expiry
    third = romeo.logs_in(first)  # the answer was lost: again
    assert romeo.fails(second) == "not-authorized"
    assert romeo.logs_in(third) is None
    assert romeo.fails(first) == "not-authorized"
    server.advance("20 days")
    assert romeo.logs_in(third)


def test_both_survive_a_crash(make_server, actors):
    """Nothing was told before it was stored."""
    server = make_server()
    romeo = Person(actors(server))
    first = romeo.gets_token()
    romeo.logs_in(first)
    second = romeo.gets_token()
    server.kill()
    server.start()
    romeo.logs_in(first)
    romeo.logs_in(second)
    server.kill()
    server.start()
    assert romeo.fails(first) == "not-authorized"
    romeo.logs_in(second)


def test_a_token_asked_for_comes_in_the_mechanism_asked_for(timed):
    server, romeo = timed
    first = romeo.gets_token(NONE)
    client = romeo.connects()
    asked = fast.token_of(fast.logs_in(client, first, PHONE, inline=fast.request(ENDP)), ENDP)
    romeo.logs_in(asked)
    assert romeo.fails(first) == "not-authorized"


def test_expires(timed):
    """3.2: told so, and the password opens."""
    server, romeo = timed
    used, unused = romeo.gets_token(), romeo.with_agent(LAPTOP).gets_token()
    romeo.logs_in(used)
    server.advance("20 days")
    romeo.logs_in(used)  # and loses the new one
    server.advance("1 day")
    assert romeo.fails(used) == "credentials-expired"
    assert romeo.with_agent(LAPTOP).fails(unused) == "credentials-expired"
    client = romeo.connects()
    assert romeo.fails(used, client) == "credentials-expired"
    assert fast.token_of(sasl2.logs_in(client, agent=PHONE, inline=fast.request(NONE)), NONE)


def test_expired_ones_are_forgotten_in_the_end(timed):
    server, romeo = timed
    token = romeo.gets_token()
    server.advance("21 days")
    assert romeo.fails(token) == "credentials-expired"
    server.advance("22 days")
    process.wait_until(lambda: romeo.fails(token) == "not-authorized", "the token's end")


@pytest.mark.once
def test_how_long_is_configured(make_server, actors):
    server = make_server(test_clock=True, modules={"fast": {"token_for": "1 h"}})
    romeo = Person(actors(server))
    token = romeo.gets_token()
    server.advance("29 min")
    assert romeo.logs_in(token) is None
    server.advance("2 min")
    assert romeo.logs_in(token)  # behind half of its life
    server.advance("30 min")
    assert romeo.fails(token) == "credentials-expired"
    server.reload(modules={"fast": {"token_for": "2 h"}})
    token = romeo.gets_token()
    server.advance("59 min")
    assert romeo.logs_in(token) is None


# ---- giving it back ----------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["true", "1"])
def test_given_back(romeo, word):
    """2.6"""
    token = romeo.gets_token()
    client = romeo.connects()
    fast.logs_in(client, token, PHONE, invalidate=word)
    client.binds().round_trip()  # "it MAY proceed with the session as normal"
    assert romeo.fails(token) == "credentials-expired"


def test_nothing_comes_for_what_is_given_back(timed):
    """2.6: "even if the token was due for rotation", "unless the client also included" a request."""
    server, romeo = timed
    token = romeo.gets_token()
    romeo.logs_in(token)
    server.advance("2 days")
    lost = romeo.logs_in(token)
    assert lost
    assert romeo.logs_in(token, invalidate="true") is None
    assert romeo.fails(token) == "credentials-expired"
    assert romeo.fails(lost) == "credentials-expired"


def test_given_back_for_a_new_one(romeo):
    token = romeo.gets_token()
    new = romeo.logs_in(token, invalidate="true", inline=fast.request(NONE))
    assert new
    assert romeo.fails(token) == "credentials-expired"
    romeo.logs_in(new)


@pytest.mark.parametrize("word", ["false", "0", "", "yes"])
def test_not_given_back(romeo, word):
    token = romeo.gets_token()
    romeo.logs_in(token, invalidate=word)
    romeo.logs_in(token)


def test_nobody_else_gives_it_back(romeo):
    token = romeo.gets_token()
    wrong = fast.Token({"token": token.text + "x"}, NONE)
    assert romeo.fails(wrong, invalidate="true") == "not-authorized"
    romeo.logs_in(token)


def test_other_clients_keep_theirs(romeo):
    laptop = romeo.with_agent(LAPTOP)
    mine, other = romeo.gets_token(), laptop.gets_token()
    romeo.logs_in(mine, invalidate="true")
    laptop.logs_in(other)


# ---- switching ----------------------------------------------------------------------------------------


@pytest.mark.once
@pytest.mark.parametrize("off", [["fast"], ["fast", "sasl2", "bind2"]])
def test_switched_off_and_on(make_server, actors, off):
    server = make_server()
    cast = actors(server)
    romeo = Person(cast)
    token = romeo.gets_token()
    there = romeo.connects()
    fast.logs_in(there, token, PHONE)
    there.binds()
    on = {name: server.config["modules"][name] for name in off if name in server.config["modules"]}
    server.reload(modules={name: False for name in on})
    there.round_trip()  # nobody is dropped
    client = romeo.connects()
    assert fast.offered(client) is None
    if off == ["fast"]:
        assert romeo.fails(token, client) == "invalid-mechanism"
    server.reload(modules=on)
    there.round_trip()
    romeo.logs_in(token)


@pytest.mark.once
def test_needs_sasl2(make_server):
    server = make_server(start=False, modules={"sasl2": DROP, "bind2": DROP})
    server.start(ready=False)
    server.process.wait(60)
    assert "fast" in server.output() and "sasl2" in server.output()
    server.kill()


# ---- a client people use -------------------------------------------------------------------------------


def test_xmpp_js(cast, server, place, build):
    """It gets a token at its first login and needs no password for the second; one that is void makes it fall back."""
    if XmppJs.missing():
        pytest.skip(XmppJs.missing())
    person = XmppJs(server.fresh("romeo"), "secret", server, place, build)
    try:
        person.comes_online()
        person.hears("token")
        person.goes_away()
        person.comes_online()
        assert f"uses {NONE} sasl2" in person.seen
        person.goes_away()
        server.ctl("user", "password", person.jid, "--password-stdin", input="secret\n")
        person.comes_online()
        person.hears(f"uses {NONE} sasl2")
        person.hears("uses (SCRAM-.*|PLAIN) sasl2?")
        person.goes_away()
    finally:
        person.cleans_up()

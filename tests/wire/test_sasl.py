# SPDX-License-Identifier: MIT
"""Rules of the sasl module beyond a login as such (test_login.py): what is counted, what an attacker
can and cannot do to others, what the options change. RFC 6120 section 6, RFC 5802, RFC 4616."""
import pytest

from lib import dom, sasl
from lib.dom import NS

pytestmark = pytest.mark.xylem


def outcome(client):
    """The condition of a failure, or "success", or the condition of the stream error."""
    element = client.next_element()
    ns, name = dom.name(element)
    return "success" if (ns, name) == (NS["sasl"], "success") else dom.name(element[0])[1]


def guess(client, password="wrong", user=None):
    client.sends_auth("PLAIN", sasl.plain(user or client.local, password))
    return outcome(client)


def scram_login(client, mechanism="SCRAM-SHA-256", password="secret", change=None):
    """One exchange whose messages a test may bend; what comes of it."""
    scram = sasl.Scram(mechanism, client.local, password, client.sock)
    if change:
        change(scram)
    client.sends_auth(mechanism, scram.first())
    element = client.next_element()
    if dom.name(element)[1] != "challenge":
        return dom.name(element[0])[1]
    client.sends_response(scram.final(sasl.unb64(element.text)))
    return outcome(client)


# ---- retries -----------------------------------------------------------------------------------


def test_five_retries_and_then_the_stream_ends(cast):
    """6.4.5"""
    romeo = cast.client("romeo").secures()
    assert [guess(romeo) for _ in range(6)] == ["not-authorized"] * 6
    romeo.hears_stream_error("policy-violation")


def test_a_client_may_look_for_its_mechanism(cast):
    """Debian's slixmpp 1.8 insists on tls-unique in every -PLUS, says "y" in every SCRAM, and ends at PLAIN."""
    romeo = cast.client("romeo").secures()
    for mechanism in romeo.mechanisms()[:-1]:
        flag = "p=tls-unique,," if mechanism.endswith("-PLUS") else "y,,"
        romeo.sends_auth(mechanism, f"{flag}n={romeo.local},r=abc".encode())
        assert outcome(romeo) == "not-authorized"
    assert romeo.mechanisms()[-1] == "PLAIN"
    assert guess(romeo, "secret") == "success"


def test_but_not_for_ever(cast):
    romeo = cast.client("romeo").secures()
    for _ in range(16):
        romeo.sends_auth("SCRAM-SHA-256-PLUS", f"p=tls-unique,,n={romeo.local},r=abc".encode())
        assert outcome(romeo) == "not-authorized"
    romeo.hears_stream_error("policy-violation")


# ---- limits on guessing --------------------------------------------------------------------------


@pytest.fixture
def strict(make_server, actors):
    server = make_server(test_clock=True, limits={"auth_failures": 3}, modules={"sasl": {"failure_period": "5 min"}})
    return server, actors(server)


@pytest.mark.once
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_guesses_are_put_off_and_come_back(strict, mechanism):
    server, cast = strict
    romeo = cast.account("romeo")

    def tries(password):
        client = cast.client("guesser", jid=romeo).secures()
        return guess(client, password) if mechanism == "PLAIN" else scram_login(client, password=password)

    assert [tries("wrong") for _ in range(5)] == ["not-authorized"] * 3 + ["temporary-auth-failure"] * 2
    assert tries("secret") == "temporary-auth-failure"
    server.advance("101 s")  # a third of the period: one comes back
    assert tries("wrong") == "not-authorized"
    assert tries("secret") == "temporary-auth-failure"
    server.advance("101 s")
    assert tries("secret") == "success"


@pytest.mark.once
def test_nobody_can_lock_another_out(strict):
    """Only the guesser's address is put off; the owner of the account logs in from elsewhere."""
    _, cast = strict
    romeo = cast.account("romeo")
    for _ in range(10):
        guess(cast.client("guesser", jid=romeo, source="127.0.0.2").secures())
    assert guess(cast.client("guesser", jid=romeo, source="127.0.0.2").secures()) == "temporary-auth-failure"
    cast.client("romeo", jid=romeo).logs_in()


@pytest.mark.once
def test_right_passwords_are_never_put_off(strict):
    _, cast = strict
    romeo = cast.account("romeo")
    for mechanism in ["PLAIN", "SCRAM-SHA-1"] * 10:
        cast.client("romeo", jid=romeo, mechanism=mechanism).secures().authenticates().breaks()


@pytest.mark.once
def test_unknown_accounts_are_put_off_alike(strict):
    _, cast = strict
    answers = {}
    for jid in (cast.account("romeo"), "ghost@xylem.test"):
        answers[jid] = [guess(cast.client("guesser", jid=jid).secures()) for _ in range(5)]
    known, unknown = answers.values()
    assert known == unknown


@pytest.mark.once
def test_new_code_does_not_forget(make_server, actors, tmp_path):
    """Guesses stay counted when the module is replaced under way, and so does an exchange."""
    server = make_server(start=False, test_clock=True, limits={"auth_failures": 3})
    module = tmp_path / "sasl.so"
    module.write_bytes((server.build / "modules" / "sasl.so").read_bytes())
    inherited = server.environment
    server.environment = lambda: {**inherited(), "XYLEM_MODULES": str(tmp_path)}
    server.start()
    cast = actors(server)
    romeo = cast.account("romeo")
    for _ in range(3):
        assert guess(cast.client("guesser", jid=romeo).secures()) == "not-authorized"
    juliet = cast.client("juliet").secures()
    scram = sasl.Scram("SCRAM-SHA-256", juliet.local, "secret")
    juliet.sends_auth("SCRAM-SHA-256", scram.first())
    final = scram.final(juliet.hears_challenge())
    newer = tmp_path / "newer.so"
    newer.write_bytes(module.read_bytes() + b"\0")
    newer.rename(module)
    rows = server.json("reload")["rows"]
    assert {r["change"] for r in rows if r["what"] == "module" and r["name"].startswith("sasl@")} == {"replaced"}
    assert guess(cast.client("guesser", jid=romeo).secures()) == "temporary-auth-failure"
    juliet.sends_response(final)
    assert outcome(juliet) == "success"


@pytest.mark.once
def test_many_at_once_do_not_get_more(strict):
    """All connections ask before the first is answered."""
    _, cast = strict
    romeo = cast.account("romeo")
    clients = [cast.client("guesser", jid=romeo).secures() for _ in range(12)]
    for client in clients:
        client.sends_auth("PLAIN", sasl.plain(client.local, "wrong"))
    outcomes = [outcome(client) for client in clients]
    assert sorted(outcomes) == ["not-authorized"] * 3 + ["temporary-auth-failure"] * 9


@pytest.mark.once
def test_many_at_once_may_be_right(strict):
    """A gateway logs in a crowd: nothing is taken for passwords that are being looked at."""
    _, cast = strict
    romeo = cast.account("romeo")
    clients = [cast.client("romeo", jid=romeo).secures() for _ in range(12)]
    for client in clients:
        client.sends_auth("PLAIN", sasl.plain(client.local, "secret"))
    assert {outcome(client) for client in clients} == {"success"}


# ---- accounts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_a_disabled_account_is_told_so_only_after_the_right_password(cast, server, mechanism):
    """6.5.1; to everybody else it looks as before."""
    jid = cast.account("romeo")
    server.ctl("user", "disable", jid)

    def tries(password):
        client = cast.client("romeo", jid=jid).secures()
        return guess(client, password) if mechanism == "PLAIN" else scram_login(client, password=password)

    assert tries("wrong") == "not-authorized"
    assert tries("secret") == "account-disabled"


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_disabled_between_login_and_bind(cast, server, mechanism):
    """Whoever had logged in already gets no resource."""
    romeo = cast.client("romeo", mechanism=mechanism).secures().authenticates()
    server.ctl("user", "disable", romeo.jid)
    romeo.sends(f"<iq type='set' id='b'><bind xmlns='{NS['bind']}'/></iq>")
    romeo.hears_error("forbidden", of="iq", id="b")
    server.ctl("user", "enable", romeo.jid)
    romeo.binds().round_trip()


@pytest.mark.parametrize("authzid,condition", [("a={jid}", "success"), ("a=juliet@xylem.test", "invalid-authzid"),
                                               ("a=", "malformed-request"), ("x={jid}", "malformed-request")])
def test_scram_authorization_identity(cast, authzid, condition):
    romeo = cast.client("romeo").secures()

    def change(scram):
        scram.gs2 = "n," + authzid.format(jid=romeo.jid) + ","

    assert scram_login(romeo, change=change) == condition


def test_names_with_commas_and_equals_signs(cast, server):
    jid = server.create(cast.account("romeo").split("@")[0] + ",a=b")
    romeo = cast.client("romeo", jid=jid)
    romeo.secures().authenticates().binds()
    assert romeo.full.startswith(jid + "/")


# ---- options -------------------------------------------------------------------------------------


@pytest.mark.once
def test_plain_can_be_switched_off(make_server, actors):
    cast = actors(make_server(modules={"sasl": {"plain": False}}))
    romeo = cast.client("romeo").secures()
    assert "PLAIN" not in romeo.mechanisms()
    assert guess(romeo, "secret") == "mechanism-too-weak"
    romeo.authenticates()


def test_plain_needs_tls(cast):
    romeo = cast.client("romeo", tls="none").secures()
    assert guess(romeo, "secret") == "encryption-required"
    romeo.authenticates()


def test_order_of_the_offer(cast):
    """The strongest first: clients that take the first they know take the best."""
    hashes = ["SHA-512", "SHA-256", "SHA-1"]
    assert cast.client("romeo").secures().mechanisms() == (
        [f"SCRAM-{h}-PLUS" for h in hashes] + [f"SCRAM-{h}" for h in hashes] + ["PLAIN"])


# ---- the exchange --------------------------------------------------------------------------------


def test_bindings_do_not_travel(cast):
    """A proof for one stream is worth nothing on another, whoever relays it (RFC 5929)."""
    victim, relay = cast.client("romeo").secures(), cast.client("relay", jid="x@xylem.test", tls="none").secures()
    scram = sasl.Scram("SCRAM-SHA-256-PLUS", victim.local, "secret", victim.sock)
    relay.sends_auth("SCRAM-SHA-256-PLUS", scram.first())
    assert outcome(relay) == "invalid-mechanism"
    relay.sends_auth("SCRAM-SHA-256", scram.first())
    assert outcome(relay) == "malformed-request"


def test_a_proof_cannot_be_replayed(cast):
    romeo = cast.client("romeo").secures()
    scram = sasl.Scram("SCRAM-SHA-256", romeo.local, "secret")
    romeo.sends_auth("SCRAM-SHA-256", scram.first())
    final = scram.final(romeo.hears_challenge())
    romeo.sends_response(final)
    romeo.hears_success()
    again = cast.client("romeo", jid=romeo.jid).secures()
    again.sends_auth("SCRAM-SHA-256", scram.first())
    assert again.hears_challenge().startswith(f"r={scram.nonce}".encode())
    again.sends_response(final)
    assert outcome(again) == "not-authorized"


def test_a_new_attempt_forgets_the_one_before(cast):
    romeo, juliet = cast.client("romeo").secures(), cast.account("juliet")
    romeo.sends_auth("SCRAM-SHA-256", sasl.Scram("SCRAM-SHA-256", juliet.split("@")[0], "x").first())
    romeo.hears_challenge()
    assert scram_login(romeo) == "success"


def test_the_server_signs_too(cast):
    """RFC 5802: the client learns that the server knows the password."""
    romeo = cast.client("romeo").secures()
    scram = sasl.Scram("SCRAM-SHA-512", romeo.local, "secret")
    romeo.sends_auth("SCRAM-SHA-512", scram.first())
    romeo.sends_response(scram.final(romeo.hears_challenge()))
    scram.verify(romeo.hears_success())


def test_a_bind_request_that_makes_no_sense(cast):
    """7.7.2.1; the stream stays and may be bound."""
    romeo = cast.client("romeo").secures().authenticates()
    romeo.sends(f"<iq type='get' id='b'><bind xmlns='{NS['bind']}'/></iq>")
    romeo.hears_error("bad-request", of="iq", id="b")
    romeo.binds("balcony").round_trip()

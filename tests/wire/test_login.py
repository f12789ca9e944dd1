# SPDX-License-Identifier: MIT
"""Logging in (RFC 6120 sections 6 and 7, RFC 5802, 7677, 5929, 9266, XEP-0440) with the client's
own SASL: every mechanism and binding, and every way to be wrong."""
import pytest

from lib import dom, sasl
from lib.client import SaslFailure
from lib.dom import NS
from lib.exporter import by_exporter

SCRAMS = ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@pytest.mark.parametrize("tls", ["starttls", "direct"])
@pytest.mark.parametrize("mechanism", SCRAMS + ["PLAIN"])
@pytest.mark.xylem
def test_every_mechanism(cast, mechanism, tls):
    cast.connected("romeo", mechanism=mechanism, tls=tls).round_trip()


@pytest.mark.parametrize("mechanism", SCRAMS)
@pytest.mark.xylem
def test_scram_on_a_listener_without_tls(cast, mechanism):
    """Allowed on loopback; PLAIN is not announced there and does not work."""
    romeo = cast.client("romeo", mechanism=mechanism, tls="none").secures()
    assert mechanism in romeo.mechanisms()
    assert not [m for m in romeo.mechanisms() if m == "PLAIN" or m.endswith("-PLUS")]
    romeo.authenticates().binds().round_trip()
    other = cast.client("juliet", mechanism="PLAIN", tls="none").secures()
    with pytest.raises(SaslFailure) as failure:
        other.authenticates()
    assert failure.value.condition in ("invalid-mechanism", "encryption-required")


@pytest.mark.xylem
def test_announcement(cast):
    """XEP-0440: -PLUS and the bindings that carry them, beside each other; PLAIN by default."""
    romeo = cast.client("romeo").secures()
    mechanisms = romeo.mechanisms()
    assert set(mechanisms) == {m + plus for m in SCRAMS for plus in ("", "-PLUS")} | {"PLAIN"}
    types = [b.get("type") for b in dom.findall(romeo.features, "sasl-cb:sasl-channel-binding/sasl-cb:channel-binding")]
    assert set(types) == {"tls-exporter", "tls-server-end-point"}


@pytest.mark.xylem
@pytest.mark.parametrize("mechanism", [m + "-PLUS" for m in SCRAMS])
@pytest.mark.parametrize("binding", ["tls-server-end-point", "tls-exporter"])
@pytest.mark.parametrize("tls", ["starttls", "direct"])
def test_channel_binding(cast, mechanism, binding, tls):
    romeo = cast.client("romeo", mechanism=mechanism, binding=binding, tls=tls)
    if binding == "tls-exporter":
        by_exporter(romeo)
    romeo.logs_in().round_trip()


@pytest.mark.xylem
@pytest.mark.parametrize("what", ["other-data", "unknown-type", "downgrade", "plus-without-binding", "binding-without-plus"])
def test_wrong_channel_binding(cast, what, monkeypatch):
    """RFC 5802 section 6: somebody in the middle, or a client that was talked out of -PLUS."""
    mechanism = "SCRAM-SHA-256" if what in ("downgrade", "binding-without-plus") else "SCRAM-SHA-256-PLUS"
    romeo = cast.client("romeo", mechanism=mechanism).secures()
    scram = sasl.Scram(mechanism, romeo.local, "secret", romeo.sock)
    if what == "other-data":
        scram.binding_data = b"x" * 32
    elif what == "unknown-type":
        scram.gs2 = "p=tls-unheard-of,,"
    elif what == "plus-without-binding":
        scram.gs2, scram.binding_data = "n,,", b""
    elif what == "binding-without-plus":
        scram.gs2 = "p=tls-server-end-point,,"
        scram.binding_data = sasl.channel_binding(romeo.sock, "tls-server-end-point")
    else:
        scram.gs2 = "y,,"  # "I could, but you cannot": we could
    with pytest.raises(SaslFailure):
        romeo.sends_auth(mechanism, scram.first())
        romeo.sends_response(scram.final(romeo.hears_challenge()))
        romeo.hears_success()


@pytest.mark.xylem
def test_y_is_fine_where_plus_was_not_offered(cast):
    romeo = cast.client("romeo", tls="none").secures()
    scram = sasl.Scram("SCRAM-SHA-256", romeo.local, "secret")
    scram.gs2 = "y,,"
    romeo.sends_auth("SCRAM-SHA-256", scram.first())
    romeo.sends_response(scram.final(romeo.hears_challenge()))
    scram.verify(romeo.hears_success())


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "PLAIN"])
@pytest.mark.parametrize("who", ["wrong-password", "empty-password", "nobody", "other-user"])
def test_not_authorized(cast, mechanism, who):
    """6.5.10: one answer for a wrong password and for an account that does not exist."""
    romeo = cast.client("romeo", mechanism=mechanism).secures()
    user, password = romeo.local, "secret"
    if who == "wrong-password":
        password = "Secret"
    elif who == "empty-password":
        password = ""
    else:
        user = "nobody-at-all" if who == "nobody" else cast.account("juliet").split("@")[0]
        password = "secret" if who == "nobody" else "wrong"
    with pytest.raises(SaslFailure) as failure:
        romeo.authenticates(user, password)
    assert failure.value.condition == "not-authorized" or not password and failure.value.condition == "malformed-request"


@pytest.mark.xylem
@pytest.mark.parametrize("mechanism", SCRAMS)
def test_an_unknown_account_has_a_salt_of_its_own(cast, mechanism):
    """The exchange looks the same: same salt at every try, usual length and iterations, other names other salts."""
    def challenge(user):
        client = cast.client("romeo", jid=f"{user}@xylem.test", mechanism=mechanism).secures()
        scram = sasl.Scram(mechanism, user, "guess")
        client.sends_auth(mechanism, scram.first())
        text = client.hears_challenge()
        with pytest.raises(SaslFailure):
            client.sends_response(scram.final(text))
            client.hears_success()
        return dict(f.split("=", 1) for f in text.decode().split(","))

    real, ghost, again, other = (challenge(u) for u in (
        cast.account("romeo").split("@")[0], "ghost", "ghost", "spectre"))
    assert ghost["s"] == again["s"] != other["s"]
    assert ghost["i"] == real["i"] and len(ghost["s"]) == len(real["s"])


def test_retry_after_a_failure(cast):
    """6.3.4: another attempt on the same stream."""
    romeo = cast.client("romeo").secures()
    with pytest.raises(SaslFailure):
        romeo.authenticates(password="wrong")
    romeo.authenticates().binds().round_trip()


@pytest.mark.xylem
def test_too_many_attempts_end_the_stream(cast):
    """6.4.5: a number of retries, then the end; the right password is no exception afterwards."""
    romeo = cast.client("romeo", mechanism="PLAIN").secures()
    for _ in range(20):
        romeo.sends_auth("PLAIN", sasl.plain(romeo.local, "wrong"))
        kind, item = romeo.next_event()
        if kind != "element" or dom.name(item)[1] == "error":
            return
        assert dom.name(item)[1] == "failure"
    raise AssertionError("guesses without end on one stream")


@pytest.mark.xylem
@pytest.mark.once
@pytest.mark.parametrize("guessing", ["one-account", "many-accounts"])
def test_failed_attempts_are_throttled(make_server, actors, guessing):
    """Per address and per account; time heals it. Who guesses right meanwhile is refused too."""
    server = make_server(test_clock=True, limits={"auth_failures": 5})
    cast = actors(server)
    romeo = cast.account("romeo")
    conditions = []
    for i in range(12 if guessing == "one-account" else 60):  # all accounts: ten times as many
        jid = romeo if guessing == "one-account" else f"ghost{i}@xylem.test"
        conditions.append(refusal(cast, jid, "wrong"))
    assert conditions[0] == "not-authorized" and conditions[-1] in ("policy-violation", "temporary-auth-failure"), conditions
    assert refusal(cast, romeo, "secret") in ("policy-violation", "temporary-auth-failure")
    server.advance("1 day")
    cast.client("romeo", jid=romeo).logs_in().round_trip()


def refusal(cast, jid, password):
    """How a login ends: a SASL or a stream condition; None when it is let in."""
    client = cast.client("guesser", jid=jid, mechanism="PLAIN").secures()
    client.sends_auth("PLAIN", sasl.plain(client.local, password))
    element = client.next_element()
    return None if dom.name(element)[1] == "success" else dom.name(element[0])[1]


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-99", "", "EXTERNAL", "DIGEST-MD5", "ANONYMOUS"])
def test_invalid_mechanism(cast, mechanism):
    romeo = cast.client("romeo").secures()
    romeo.sends_auth(mechanism, b"x")
    with pytest.raises(SaslFailure) as failure:
        romeo.hears_success()
    assert failure.value.condition in ("invalid-mechanism", "malformed-request")


@pytest.mark.parametrize("text,condition", [("not base64!", "incorrect-encoding"), ("=AAA", "incorrect-encoding"),
                                            ("AAAA====", "incorrect-encoding")])
@pytest.mark.xylem
def test_incorrect_encoding(cast, text, condition):
    """6.5.6"""
    romeo = cast.client("romeo").secures()
    romeo.sends(f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'>{text}</auth>")
    with pytest.raises(SaslFailure) as failure:
        romeo.hears_success()
    assert failure.value.condition == condition


MALFORMED = {"empty": b"", "no-separator": b"romeo", "one-separator": b"romeo\0secret", "no-user": b"\0\0secret",
             "more": b"\0romeo\0secret\0x", "not-utf8": b"\0\xff\xfe\0secret"}


@pytest.mark.xylem
@pytest.mark.parametrize("what", list(MALFORMED))
def test_malformed_plain(cast, what):
    romeo = cast.client("romeo").secures()
    romeo.sends_auth("PLAIN", MALFORMED[what])
    with pytest.raises(SaslFailure) as failure:
        romeo.hears_success()
    assert failure.value.condition in ("malformed-request", "not-authorized")
    romeo.authenticates()


MALFORMED_SCRAM = {"empty": b"", "no-gs2": b"n=romeo,r=abc", "no-nonce": b"n,,n=romeo", "empty-nonce": b"n,,n=romeo,r=",
                   "reserved": b"n,,m=x,n=romeo,r=abc", "bad-escape": b"n,,n=ro=me,r=abc", "long": b"n,,n=" + b"a" * 5000 + b",r=abc",
                   "flag": b"x,,n=romeo,r=abc", "nul": b"n,,n=ro\0meo,r=abc", "nonce-comma": b"n,,n=romeo,r=a\x01b"}


@pytest.mark.xylem
@pytest.mark.parametrize("what", list(MALFORMED_SCRAM))
def test_malformed_scram(cast, what):
    romeo = cast.client("romeo").secures()
    romeo.sends_auth("SCRAM-SHA-256", MALFORMED_SCRAM[what])
    with pytest.raises(SaslFailure) as failure:
        romeo.hears_challenge() if what != "empty" else romeo.sends_response(b"") or romeo.hears_success()
        romeo.sends_response(b"c=biws,r=abc,p=AAAA")
        romeo.hears_success()
    assert failure.value.condition in ("malformed-request", "not-authorized")


@pytest.mark.xylem
@pytest.mark.parametrize("final", ["other-nonce", "no-proof", "short-proof", "other-header", "garbage", "empty", "truncated"])
def test_wrong_scram_final(cast, final):
    romeo = cast.client("romeo").secures()
    scram = sasl.Scram("SCRAM-SHA-256", romeo.local, "secret")
    romeo.sends_auth("SCRAM-SHA-256", scram.first())
    right = scram.final(romeo.hears_challenge()).decode()
    wrong = {"other-nonce": right.replace(",r=", ",r=x"), "no-proof": right.split(",p=")[0],
             "short-proof": right.split(",p=")[0] + ",p=" + sasl.b64(b"short"),
             "other-header": right.replace("c=biws", "c=" + sasl.b64(b"y,,")), "garbage": "\0\1\2", "empty": "",
             "truncated": right[:-4]}[final]
    romeo.sends_response(wrong.encode())
    with pytest.raises(SaslFailure) as failure:
        romeo.hears_success()
    assert failure.value.condition in ("malformed-request", "not-authorized", "incorrect-encoding")
    romeo.authenticates().binds()


def test_abort(cast):
    """6.5.1"""
    romeo = cast.client("romeo").secures()
    romeo.sends_auth("SCRAM-SHA-1", sasl.Scram("SCRAM-SHA-1", romeo.local, "secret").first())
    romeo.hears_challenge()
    romeo.sends(f"<abort xmlns='{NS['sasl']}'/>")
    with pytest.raises(SaslFailure) as failure:
        romeo.hears_success()
    assert failure.value.condition == "aborted"
    romeo.authenticates()


@pytest.mark.xylem
def test_response_without_a_question(cast):
    romeo = cast.client("romeo").secures()
    romeo.sends_response(b"x")
    kind, item = romeo.next_event()
    assert kind == "element" and dom.name(item)[1] in ("failure", "error"), dom.show(item)


@pytest.mark.xylem
def test_plain_without_initial_response(cast):
    """6.4.2: the data may follow an empty challenge."""
    romeo = cast.client("romeo").secures()
    romeo.sends_auth("PLAIN")
    assert romeo.hears_challenge() == b""
    romeo.sends_response(sasl.plain(romeo.local, "secret"))
    romeo.hears_success()


@pytest.mark.xylem
@pytest.mark.parametrize("authzid,fine", [("{jid}", True), ("", True), ("juliet@xylem.test", False), ("garbage@@", False)])
def test_authorization_identity(cast, authzid, fine):
    """6.3.8: one's own bare JID or nothing."""
    romeo = cast.client("romeo").secures()
    romeo.sends_auth("PLAIN", sasl.plain(romeo.local, "secret", authzid.format(jid=romeo.jid)))
    if fine:
        romeo.hears_success()
        return
    with pytest.raises(SaslFailure) as failure:
        romeo.hears_success()
    assert failure.value.condition in ("invalid-authzid", "not-authorized", "malformed-request")


@pytest.mark.xylem
def test_no_second_login(cast):
    """6.3.5: whoever is authenticated stays that."""
    romeo = cast.client("romeo").secures().authenticates()
    assert dom.find(romeo.features, "sasl:mechanisms") is None
    romeo.sends_auth("PLAIN", sasl.plain(romeo.local, "secret"))
    kind, item = romeo.next_event()
    assert dom.name(item)[1] in ("error", "failure"), dom.show(item)


# ---- accounts as the administrator has them -----------------------------------------------------


@pytest.mark.xylem
def test_disabled_account(cast, server):
    """A disabled account looks like a wrong password, and its sessions end; enabled again it is whole."""
    romeo = cast("romeo")
    server.ctl("user", "disable", romeo.jid)
    while romeo.next_event()[0] != "eof":
        pass
    with pytest.raises(SaslFailure):
        cast.client("romeo", jid=romeo.jid).logs_in()


@pytest.mark.xylem
@pytest.mark.parametrize("mechanism", SCRAMS + ["PLAIN"])
def test_changed_password(cast, server, mechanism):
    jid = cast.account("romeo")
    server.ctl("user", "password", jid, "--password-stdin", input="rose=,é\n")
    with pytest.raises(SaslFailure):
        cast.client("romeo", jid=jid, mechanism=mechanism).logs_in()
    cast.client("romeo", jid=jid, password="rose=,é", mechanism=mechanism).logs_in().round_trip()


@pytest.mark.xylem
@pytest.mark.parametrize("mechanism", SCRAMS + ["PLAIN"])
def test_saslprep(cast, server, mechanism):
    """RFC 4013: a no-break space is a space, a soft hyphen nothing, a ligature its letters."""
    jid = server.create(cast.account("romeo").split("@")[0] + f"-prep-{mechanism.lower()}", "I\u00adX a\u00a0ﬁ")
    cast.client("romeo", jid=jid, password="IX a fi", mechanism=mechanism).logs_in().round_trip()


# ---- binding a resource (section 7) ----------------------------------------------------------------


def test_resource_of_the_server(cast):
    """7.6: none asked for, one is made up, and no two alike."""
    romeo = cast.connected("romeo")
    other = cast.another(romeo, online=False)
    assert romeo.resource and other.resource and romeo.resource != other.resource


def test_resource_of_the_client(cast):
    assert cast.connected("romeo", resource="balcony").full.endswith("/balcony")


@pytest.mark.xylem
@pytest.mark.parametrize("resource", ["a" * 1100, "\u0000".replace("\0", "&#x9;"), "a\u200eb\u202e\ue000"],
                         ids=["long", "control", "private-use"])
def test_bad_resource(cast, resource):
    """7.7.2.1: bad-request, and the client may try again."""
    romeo = cast.client("romeo").secures().authenticates()
    answer = romeo.asks("set", f"<bind xmlns='{NS['bind']}'><resource>{resource}</resource></bind>")
    assert answer.get("type") == "error"
    assert dom.find(answer, "client:error/stanzas:bad-request") is not None, dom.show(answer)
    romeo.binds("balcony").round_trip()


@pytest.mark.xylem
def test_bind_twice(cast):
    """7.7: one resource to a stream."""
    romeo = cast.connected("romeo")
    answer = romeo.asks("set", f"<bind xmlns='{NS['bind']}'><resource>second</resource></bind>")
    assert answer.get("type") == "error", dom.show(answer)


def test_session_of_old_clients(cast):
    """RFC 3921 section 3: old clients ask for it; it does nothing."""
    romeo = cast.client("romeo").secures().authenticates()
    session = dom.find(romeo.features, "session:session")
    romeo.binds()
    if session is not None:
        assert romeo.asks("set", f"<session xmlns='{NS['session']}'/>").get("type") == "result"
    romeo.round_trip()


def test_old_clients_may_ask_the_host_for_a_session(cast):
    romeo = cast.connected("romeo")
    answer = romeo.asks("set", f"<session xmlns='{NS['session']}'/>", to=romeo.domain)
    assert answer.get("type") == "result", dom.show(answer)


def test_two_hosts_are_two_worlds(cast, server):
    """One name on two hosts is two accounts."""
    jid = cast.account("romeo")
    other = jid.replace("xylem.test", "verona.test")
    with pytest.raises(SaslFailure):
        cast.client("romeo", jid=other).logs_in()
    cast.client("romeo", jid=jid).logs_in()

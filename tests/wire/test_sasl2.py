# SPDX-License-Identifier: MIT
"""SASL2 (XEP-0388 1.0.4): what is offered, who gets in, what may be said when; channel bindings announced
(XEP-0440) and downgrades that show (XEP-0474, XEP-0515). Key upgrades are in test_sasl2_upgrade.py."""
import pytest

from lib import dom, sasl, sasl2
from lib.dom import NS
from lib.exporter import by_exporter
from lib.stream import tls_context

pytestmark = pytest.mark.xylem

SCRAMS = [f"SCRAM-{h}{plus}" for plus in ("-PLUS", "") for h in ("SHA-512", "SHA-256", "SHA-1")]


@pytest.fixture
def romeo(cast):
    return sasl2.secures(cast.client("romeo"))


def refusal(client):
    """The condition of the <failure/> that comes next."""
    return sasl2.hears(client, "failure").condition


def begins(client, mechanism="SCRAM-SHA-256", **options):
    """As far as the challenge; answers what the client would say next."""
    scram = sasl.Scram(mechanism, client.local, client.password, client.sock, client.binding)
    sasl2.sends_authenticate(client, mechanism, scram.first(), **options)
    return scram, scram.final(sasl2.hears(client, "challenge"))


# ---- the offer -----------------------------------------------------------------------------------


def test_the_offer(romeo):
    """2.1; the strongest first, as in the other profile."""
    assert sasl2.mechanisms(romeo) == SCRAMS + ["PLAIN"] == romeo.mechanisms()
    assert set(sasl2.bindings(romeo)) == {"tls-exporter", "tls-server-end-point"}
    assert len(dom.findall(romeo.features, "sasl-cb:sasl-channel-binding")) == 1


def test_no_offer_without_tls(cast):
    """5: MUST only be offered after TLS."""
    romeo = cast.client("romeo", tls="starttls")
    romeo.opens(romeo.domain)
    assert sasl2.offer(romeo) is None
    juliet = cast.client("juliet", tls="none").secures()
    assert sasl2.offer(juliet) is None
    sasl2.sends_authenticate(juliet, "PLAIN", sasl.plain(juliet.local, "secret"))
    assert refusal(juliet) == "encryption-required"
    juliet.authenticates()


def test_the_offer_is_the_same_for_everybody(cast):
    """5: it must not show who exists."""
    def offer(from_):
        client = sasl2.secures(cast.client("x", jid="x@xylem.test"), from_)
        return dom.show(client.features)

    known = cast.account("romeo")
    assert offer(known) == offer("nobody-of-that-name@xylem.test") == offer(f"{known}/orchard")
    assert sasl2.mechanisms(sasl2.secures(cast.client("x", jid="x@xylem.test"), None)) == SCRAMS + ["PLAIN"]


@pytest.mark.parametrize("from_", ["romeo@verona.test", "romeo@elsewhere.example", "verona.test"])
def test_a_header_from_another_domain(cast, from_):
    """2.1, RFC 6120 4.9.3.9"""
    romeo = cast.client("romeo")
    romeo.opens(romeo.domain)
    romeo.starts_tls(romeo.domain)
    romeo.sends_header(romeo.domain, from_=from_)
    romeo.hears_header()
    romeo.hears_stream_error("invalid-from")


@pytest.mark.once
def test_switched_off_and_on_at_run_time(make_server, actors):
    """Requirement S2-19: nobody is dropped; new streams log in as before SASL2, and by SASL2 when it returns."""
    server = make_server()
    cast = actors(server)
    romeo = cast.client("romeo")
    dependent = [name for name in ("sasl2", "bind2", "fast") if server.config["modules"].get(name)]
    sasl2.logs_in(sasl2.secures(romeo))
    romeo.binds().comes_online()

    def juliet():
        return sasl2.secures(cast.client("juliet", jid=romeo.jid))

    server.reload(modules={name: False for name in dependent})
    romeo.round_trip()
    assert sasl2.offer(juliet()) is None
    sasl2.sends_authenticate(legacy := juliet(), "PLAIN", sasl.plain(romeo.local, "secret"))
    legacy.hears_stream_error("not-authorized")
    juliet().authenticates().binds().round_trip()
    server.reload(modules={name: True for name in dependent})
    romeo.round_trip()
    again = juliet()
    assert sasl2.logs_in(again).jid == romeo.jid
    again.binds().round_trip()


# ---- getting in ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mechanism", SCRAMS + ["PLAIN"])
def test_every_mechanism(cast, mechanism):
    """2.6.1: <success/> with the bare JID, the server's own proof, features, no restart."""
    romeo = sasl2.secures(cast.client("romeo", mechanism=mechanism))
    success = sasl2.logs_in(romeo)
    assert success.jid == romeo.jid
    assert (success.additional is None) == (mechanism == "PLAIN")
    assert [dom.name(e)[1] for e in success.element] == ["additional-data"] * (mechanism != "PLAIN") + [
        "authorization-identifier"]
    assert dom.find(romeo.features, "bind:bind") is not None
    assert sasl2.offer(romeo) is None and not romeo.mechanisms()
    romeo.binds("orchard").round_trip()
    assert romeo.full == f"{romeo.jid}/orchard"


@pytest.mark.parametrize("mechanism", SCRAMS[:3])
@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_bound_to_the_certificate(cast, mechanism, version):
    """XEP-0440: tls-server-end-point on both versions of TLS."""
    tls = getattr(__import__("ssl").TLSVersion, version)
    romeo = cast.client("romeo", mechanism=mechanism, binding="tls-server-end-point", context=tls_context(tls, tls))
    sasl2.logs_in(sasl2.secures(romeo))
    romeo.binds().round_trip()


@pytest.mark.parametrize("mechanism", SCRAMS[:3])
def test_bound_to_the_connection(cast, mechanism):
    """RFC 9266"""
    romeo = by_exporter(cast.client("romeo", mechanism=mechanism, binding="tls-exporter"))
    sasl2.logs_in(sasl2.secures(romeo))
    romeo.binds().round_trip()


@pytest.mark.parametrize("mechanism,gs2,condition", [
    ("SCRAM-SHA-256-PLUS", "p=tls-unique,,", "not-authorized"), ("SCRAM-SHA-256", "y,,", "not-authorized"),
    ("SCRAM-SHA-256-PLUS", "n,,", "malformed-request"), ("SCRAM-SHA-256", "p=tls-exporter,,", "malformed-request")])
def test_wrong_channel_bindings(romeo, mechanism, gs2, condition):
    scram = sasl.Scram(mechanism, romeo.local, "secret", romeo.sock)
    scram.gs2 = gs2
    sasl2.sends_authenticate(romeo, mechanism, scram.first())
    assert refusal(romeo) == condition
    sasl2.logs_in(romeo, "SCRAM-SHA-256-PLUS")


def test_bound_elsewhere(romeo):
    scram = sasl.Scram("SCRAM-SHA-1-PLUS", romeo.local, "secret", romeo.sock)
    scram.binding_data = b"x" * 32
    sasl2.sends_authenticate(romeo, "SCRAM-SHA-1-PLUS", scram.first())
    sasl2.sends_response(romeo, scram.final(sasl2.hears(romeo, "challenge")))
    assert refusal(romeo) == "not-authorized"


def test_direct_tls(cast):
    romeo = sasl2.secures(cast.client("romeo", tls="direct"))
    assert sasl2.logs_in(romeo).jid == romeo.jid
    romeo.binds().round_trip()


def test_without_an_initial_response(romeo):
    """2.3: then an empty challenge asks for it."""
    for mechanism, message in (("PLAIN", sasl.plain(romeo.local, "wrong")), ("SCRAM-SHA-256", b"n,,n=x")):
        sasl2.sends_authenticate(romeo, mechanism)
        assert sasl2.hears(romeo, "challenge") == b""
        sasl2.sends_response(romeo, message)
        assert refusal(romeo) in ("not-authorized", "malformed-request")
    scram = sasl.Scram("SCRAM-SHA-512", romeo.local, "secret")
    sasl2.sends_authenticate(romeo, "SCRAM-SHA-512")
    assert sasl2.hears(romeo, "challenge") == b""
    sasl2.sends_response(romeo, scram.first())
    sasl2.sends_response(romeo, scram.final(sasl2.hears(romeo, "challenge")))
    scram.verify(sasl2.hears(romeo, "success").additional)
    romeo.hears_features()
    romeo.binds().round_trip()


def test_an_empty_initial_response_is_a_message(romeo):
    """2.2: an element without text is an empty string, which no mechanism takes."""
    for mechanism in ("PLAIN", "SCRAM-SHA-1"):
        sasl2.sends_authenticate(romeo, mechanism, b"")
        assert refusal(romeo) == "malformed-request"


def test_white_space_around_base64(romeo):
    """2.2 says there should be none; pretty printers add it."""
    text = sasl.b64(sasl.plain(romeo.local, "secret"))
    romeo.sends(f"<authenticate xmlns='{NS['sasl2']}' mechanism='PLAIN'>\n  <initial-response>\n    {text}\n"
                f"  </initial-response>\n</authenticate>\n")
    assert sasl2.hears(romeo, "success").jid == romeo.jid


def test_everything_at_once(romeo):
    """A client that knows what comes may say it all in one write."""
    romeo.sends(f"<authenticate xmlns='{NS['sasl2']}' mechanism='PLAIN'><initial-response>"
                f"{sasl.b64(sasl.plain(romeo.local, 'secret'))}</initial-response></authenticate>"
                f"<iq type='set' id='b'><bind xmlns='{NS['bind']}'/></iq><iq type='get' id='r'><query xmlns='{NS['roster']}'/></iq>")
    sasl2.hears(romeo, "success")
    romeo.hears_features()
    assert [romeo.next_element().get("id") for _ in range(2)] == ["b", "r"]


def test_large_stanzas_after_login(romeo):
    """The limits of those who are logged in count from <success/> on."""
    sasl2.logs_in(romeo)
    romeo.binds().comes_online()
    body = "x" * 100_000
    romeo.sends(f"<message to='{romeo.full}' type='chat'><body>{body}</body></message>")
    assert dom.find(romeo.next_element(), "client:body").text == body


# ---- who may be whom -----------------------------------------------------------------------------


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256-PLUS"])
def test_the_header_names_another(cast, mechanism):
    """2.3: nobody is let in as somebody else than the header says, whatever the password."""
    romeo, juliet = cast.client("romeo", mechanism=mechanism), cast.account("juliet")
    sasl2.secures(romeo, juliet)
    with pytest.raises(sasl2.Refused) as refused:
        sasl2.logs_in(romeo)
    assert refused.value.condition == "invalid-authzid"
    assert sasl2.logs_in(romeo, user=juliet.split("@")[0]).jid == juliet, "the stream is as it was"


def test_the_header_names_the_domain_alone(cast):
    romeo = sasl2.secures(cast.client("romeo", mechanism="PLAIN"), "xylem.test")
    with pytest.raises(sasl2.Refused) as refused:
        sasl2.logs_in(romeo)
    assert refused.value.condition == "invalid-authzid"


@pytest.mark.parametrize("from_", [None, "", "@@", "{}/orchard", "{}"])
def test_headers_that_do_not_contradict(cast, from_):
    romeo = cast.client("romeo")
    sasl2.secures(romeo, from_ and from_.format(romeo.jid.upper().replace("XYLEM.TEST", "xylem.test")))
    assert sasl2.logs_in(romeo).jid == romeo.jid


@pytest.mark.parametrize("authzid,condition", [("{jid}", None), ("juliet@xylem.test", "invalid-authzid")])
def test_authorization_identity(cast, authzid, condition):
    romeo = sasl2.secures(cast.client("romeo"))
    sasl2.sends_authenticate(romeo, "PLAIN", sasl.plain(romeo.local, "secret", authzid.format(jid=romeo.jid)))
    if condition:
        assert refusal(romeo) == condition
    else:
        assert sasl2.hears(romeo, "success").jid == romeo.jid


# ---- refusals ------------------------------------------------------------------------------------


def test_wrong_passwords(romeo):
    """2.6.2: the condition of RFC 6120 in its own namespace; the stream stays as it was."""
    for mechanism in ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS"):
        with pytest.raises(sasl2.Refused) as refused:
            sasl2.logs_in(romeo, mechanism, password="wrong")
        assert dom.match(dom.parse(f"<failure xmlns='{NS['sasl2']}'><not-authorized xmlns='{NS['sasl']}'/></failure>"),
                         refused.value.element) is None
    assert sasl2.logs_in(romeo).jid == romeo.jid


@pytest.mark.parametrize("mechanism", ["", "scram-sha-256", "DIGEST-MD5", "SCRAM-SHA-256 ", "UPGR-SCRAM-SHA-256"])
def test_mechanisms_not_announced(romeo, mechanism):
    """2.3: MUST fail"""
    sasl2.sends_authenticate(romeo, mechanism, sasl.plain(romeo.local, "secret"))
    assert refusal(romeo) == "invalid-mechanism"
    sasl2.logs_in(romeo)


def test_a_mechanism_that_was_switched_on_since(make_server, actors):
    """What counts is what this stream was told."""
    server = make_server(modules={"sasl": {"plain": False}})
    romeo = sasl2.secures(actors(server).client("romeo", mechanism="PLAIN"))
    assert "PLAIN" not in sasl2.mechanisms(romeo)
    server.reload(modules={"sasl": {"plain": True}})
    with pytest.raises(sasl2.Refused) as refused:
        sasl2.logs_in(romeo)
    assert refused.value.condition == "invalid-mechanism"
    sasl2.logs_in(sasl2.secures(actors(server).client("romeo", mechanism="PLAIN")))


@pytest.mark.parametrize("text", ["!", "AGE", "A===", "AGEA YQ==", "AGE=AGE="])
def test_bad_base64(romeo, text):
    romeo.sends(f"<authenticate xmlns='{NS['sasl2']}' mechanism='PLAIN'><initial-response>{text}</initial-response></authenticate>")
    assert refusal(romeo) == "incorrect-encoding"
    begins(romeo)
    romeo.sends(f"<response xmlns='{NS['sasl2']}'>{text}</response>")
    assert refusal(romeo) == "incorrect-encoding"
    sasl2.sends_response(romeo, b"too late")
    assert refusal(romeo) == "malformed-request"
    sasl2.logs_in(romeo)


def test_abort(romeo):
    """3, "Aborting": at any time before the end."""
    _, final = begins(romeo)
    romeo.sends(f"<abort xmlns='{NS['sasl2']}'><text>I changed my mind</text></abort>")
    assert refusal(romeo) == "aborted"
    sasl2.sends_response(romeo, final)
    assert refusal(romeo) == "malformed-request"
    sasl2.logs_in(romeo)


def test_attempts_end_the_stream(romeo):
    """As in the other profile (RFC 6120 6.4.5)."""
    for _ in range(6):
        sasl2.sends_authenticate(romeo, "PLAIN", sasl.plain(romeo.local, "wrong"))
        assert refusal(romeo) == "not-authorized"
    romeo.hears_stream_error("policy-violation")


@pytest.mark.once
def test_allowances_are_shared_with_the_other_profile(make_server, actors):
    server = make_server(test_clock=True, limits={"auth_failures": 3})
    cast = actors(server)
    romeo = cast.account("romeo")
    local = romeo.split("@")[0]
    for n in range(3):
        client = sasl2.secures(cast.client("guesser", jid=romeo))
        if n % 2:
            client.sends_auth("PLAIN", sasl.plain(local, "wrong"))
            client.next_element()
        else:
            sasl2.sends_authenticate(client, "PLAIN", sasl.plain(local, "wrong"))
            assert refusal(client) == "not-authorized"
    for mechanism in ("PLAIN", "SCRAM-SHA-256"):
        client = sasl2.secures(cast.client("guesser", jid=romeo, mechanism=mechanism))
        with pytest.raises(sasl2.Refused) as refused:
            sasl2.logs_in(client)
        assert refused.value.condition == "temporary-auth-failure"
    server.advance("5 min")
    sasl2.logs_in(sasl2.secures(cast.client("romeo", jid=romeo)))


def test_a_disabled_account(cast, server):
    jid = cast.account("romeo")
    server.ctl("user", "disable", jid)
    for mechanism in ("PLAIN", "SCRAM-SHA-256"):
        for password, condition in (("wrong", "not-authorized"), ("secret", "account-disabled")):
            romeo = sasl2.secures(cast.client("romeo", jid=jid, mechanism=mechanism))
            with pytest.raises(sasl2.Refused) as refused:
                sasl2.logs_in(romeo, password=password)
            assert refused.value.condition == condition


# ---- what may be said when -----------------------------------------------------------------------

OTHER_TRAFFIC = [
    "<presence/>", "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>", "<message/>",
    f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'>AGEAYQ==</auth>", f"<response xmlns='{NS['sasl']}'/>",
    f"<abort xmlns='{NS['sasl']}'/>", f"<authenticate xmlns='{NS['sasl2']}' mechanism='PLAIN'/>",
    f"<next xmlns='{NS['sasl2']}' task='UPGR-SCRAM-SHA-256'/>", f"<task-data xmlns='{NS['sasl2']}'/>",
    f"<challenge xmlns='{NS['sasl2']}'/>", f"<resume xmlns='{NS['sm']}' h='1' previd='x'/>",
]


@pytest.mark.parametrize("traffic", OTHER_TRAFFIC)
def test_other_traffic_during_a_login(romeo, traffic):
    """2.4: disconnects, also what would be fine before and after."""
    begins(romeo)
    romeo.sends(traffic)
    romeo.hears_stream_error("not-authorized")


def test_white_space_during_a_login(romeo):
    """A deliberate deviation: go-xmpp ends each of its elements with a line feed."""
    scram, final = begins(romeo)
    romeo.sends("\n ")
    sasl2.sends_response(romeo, final)
    romeo.sends("\n")
    scram.verify(sasl2.hears(romeo, "success").additional)


def test_elements_of_a_login_without_one(romeo):
    for text in (f"<response xmlns='{NS['sasl2']}'>AAAA</response>",):
        romeo.sends(text)
        assert refusal(romeo) == "malformed-request"
    romeo.sends(f"<abort xmlns='{NS['sasl2']}'/>")
    assert refusal(romeo) == "aborted"
    romeo.sends(f"<next xmlns='{NS['sasl2']}' task='UPGR-SCRAM-SHA-256'/>")
    romeo.hears_stream_error("not-authorized")


@pytest.mark.parametrize("bound", [False, True])
def test_a_second_login(romeo, bound):
    """3, "Multiple Authentication": MUST result in a stream error."""
    sasl2.logs_in(romeo)
    if bound:
        romeo.binds()
    sasl2.sends_authenticate(romeo, "PLAIN", sasl.plain(romeo.local, "secret"))
    romeo.hears_stream_error("policy-violation")


def test_the_other_profile_after_login(romeo):
    sasl2.logs_in(romeo)
    romeo.sends_auth("PLAIN", sasl.plain(romeo.local, "secret"))
    romeo.hears_stream_error("unsupported-stanza-type")


def test_sasl2_after_the_other_profile(romeo):
    romeo.authenticates()
    assert sasl2.offer(romeo) is None
    sasl2.sends_authenticate(romeo, "PLAIN", sasl.plain(romeo.local, "secret"))
    romeo.hears_stream_error("policy-violation")


def test_exchanges_of_two_profiles_do_not_mix(romeo):
    """A challenge of one is not answered in the other."""
    scram = sasl.Scram("SCRAM-SHA-256", romeo.local, "secret")
    romeo.sends_auth("SCRAM-SHA-256", scram.first())
    final = scram.final(romeo.hears_challenge())
    sasl2.sends_response(romeo, final)
    assert refusal(romeo) == "malformed-request"
    romeo.sends_response(final)
    with pytest.raises(AssertionError, match="malformed-request"):
        romeo.hears_success()
    sasl2.logs_in(romeo)


def test_inline_requests_are_ignored_on_failure(romeo):
    """2.6.2"""
    sasl2.sends_authenticate(romeo, "PLAIN", sasl.plain(romeo.local, "wrong"), inline=sasl2.bind("x"))
    assert refusal(romeo) == "not-authorized"
    assert sasl2.logs_in(romeo).jid == romeo.jid, "bare: nothing was bound"


def test_unknown_inline_requests_are_ignored(romeo):
    success = sasl2.logs_in(romeo, inline="<megabind xmlns='urn:example:megabind'><resource>x</resource></megabind>")
    assert success.jid == romeo.jid
    assert [dom.name(e)[1] for e in success.element] == ["additional-data", "authorization-identifier"]


@pytest.mark.parametrize("agent", [
    sasl2.user_agent("not-a-uuid"), sasl2.user_agent(""), sasl2.user_agent(None, "S", "D"),
    sasl2.user_agent("d4565fa7-4d72-1749-b3d3-740edbf87770"), sasl2.user_agent(software="x" * 3000, device="é" * 2000),
    "<user-agent/>", sasl2.user_agent(sasl2.AGENT.upper(), "", ""),
])
def test_user_agents_of_all_kinds(romeo, agent):
    """An id that is no UUID of version 4 counts as absent; nothing of it is refused."""
    assert sasl2.logs_in(romeo, agent=agent).jid == romeo.jid
    romeo.binds().round_trip()


# ---- downgrades that show (XEP-0474 0.5.0, XEP-0515 0.1.0) -----------------------------------------


def offered(client, legacy):
    return client.mechanisms() if legacy else sasl2.mechanisms(client)


def first_answer(client, mechanism, legacy):
    """The attributes of the server's first message."""
    scram = sasl.Scram(mechanism, client.local, "secret", client.sock)
    if legacy:
        client.sends_auth(mechanism, scram.first())
        scram.final(client.hears_challenge())
    else:
        sasl2.sends_authenticate(client, mechanism, scram.first())
        scram.final(sasl2.hears(client, "challenge"))
    return scram.fields


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("mechanism", SCRAMS)
def test_what_was_offered_is_signed(cast, mechanism, legacy):
    romeo = sasl2.secures(cast.client("romeo"))
    fields = first_answer(romeo, mechanism, legacy)
    hash_name = sasl.HASHES[mechanism.removesuffix("-PLUS")]
    assert fields["h"] == sasl2.downgrade_hash(hash_name, offered(romeo, legacy), sasl2.bindings(romeo))
    assert fields["t"] == "0304"
    assert list(fields) == ["r", "s", "i", "h", "t"]


def test_the_example_of_the_xep():
    """XEP-0474 5.3: the octets that are hashed."""
    assert sasl2.downgrade_hash("sha1", ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"], ["tls-server-end-point", "tls-exporter"]
                                ) == "G6k/rBLDqgOhRRaCuuatSDFkJ08="


def test_tls_1_2_is_signed(cast):
    import ssl

    romeo = sasl2.secures(cast.client("romeo", context=tls_context(highest=ssl.TLSVersion.TLSv1_2)))
    assert first_answer(romeo, "SCRAM-SHA-256", False)["t"] == "0303"


def test_without_tls_there_are_no_types_to_sign(cast):
    romeo = cast.client("romeo", tls="none").secures()
    fields = first_answer(romeo, "SCRAM-SHA-256", True)
    assert fields["h"] == sasl2.downgrade_hash("sha256", romeo.mechanisms(), [])
    assert "t" not in fields


def test_a_client_notices_a_shortened_offer(romeo):
    """The reason of it: who takes PLUS out of the list cannot sign the shorter one."""
    fields = first_answer(romeo, "SCRAM-SHA-256", False)
    shorter = [m for m in sasl2.mechanisms(romeo) if not m.endswith("-PLUS")]
    assert fields["h"] != sasl2.downgrade_hash("sha256", shorter, sasl2.bindings(romeo))
    assert fields["h"] != sasl2.downgrade_hash("sha256", shorter, [])


@pytest.mark.once
@pytest.mark.parametrize("options,attributes", [
    ({"tls_downgrade_protection": False}, ["r", "s", "i", "h"]),
    ({"tls_downgrade_protection": False, "downgrade_protection": False}, ["r", "s", "i"])])
def test_the_signing_can_be_switched_off(make_server, actors, options, attributes):
    """Clients that know an older form abort when they see another."""
    romeo = sasl2.secures(actors(make_server(modules={"sasl": options})).client("romeo"))
    assert list(first_answer(romeo, "SCRAM-SHA-256", False)) == attributes


@pytest.mark.once
def test_one_needs_the_other(make_server):
    server = make_server(modules={"sasl": {"downgrade_protection": True}})
    server.write_config(modules={"sasl": {"downgrade_protection": False}})
    status, output, error = server.ctl("reload", check=False)
    assert status == 2 and "tls_downgrade_protection: needs downgrade_protection" in output + error, output + error


# ---- the other profile switched off --------------------------------------------------------------


@pytest.mark.once
def test_sasl2_alone(make_server, actors):
    cast = actors(make_server(modules={"sasl": {"legacy": False}}))
    romeo = sasl2.secures(cast.client("romeo"))
    assert not romeo.mechanisms() and sasl2.mechanisms(romeo)
    assert set(sasl2.bindings(romeo)) == {"tls-exporter", "tls-server-end-point"}, "announced all the same"
    sasl2.logs_in(romeo, "SCRAM-SHA-256-PLUS")
    romeo.binds().round_trip()
    juliet = sasl2.secures(cast.client("juliet"))
    juliet.sends_auth("PLAIN", sasl.plain(juliet.local, "secret"))
    juliet.hears_stream_error("not-authorized")

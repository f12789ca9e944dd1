# SPDX-License-Identifier: MIT
"""Addresses (RFC 6122 stringprep): case and width variants are one account, the resource keeps its case."""
import pytest

from lib.client import SaslFailure


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-1"])
def test_login_in_other_case(cast, mechanism):
    jid = cast.account("romeo")
    romeo = cast.client("romeo", jid=jid.upper().replace("XYLEM.TEST", "Xylem.Test"), mechanism=mechanism).logs_in()
    assert romeo.full.split("/")[0] == jid


@pytest.mark.parametrize("variant", [str.upper, str.title, lambda s: "".join(chr(ord(c) + 0xFEE0) if c.isalpha() and c < "z" else c for c in s)],
                         ids=["upper", "title", "fullwidth"])
def test_variants_reach_one_account(cast, variant):
    romeo, juliet = cast("romeo", "juliet")
    local, domain = juliet.jid.split("@")
    romeo.sends(f"<message to='{variant(local)}@{domain.upper()}/{juliet.resource}' type='chat'><body>hi</body></message>")
    juliet.hears(f"<message from='{romeo.full}' to='{juliet.full}' type='chat'><body>hi</body></message>")


def test_resource_keeps_its_case(cast):
    """resourceprep does not fold case: two resources."""
    lower = cast.online("romeo", resource="balcony")
    upper = cast.another(lower, "Balcony")
    assert upper.full == f"{lower.jid}/Balcony"
    lower.round_trip()


@pytest.mark.xylem
def test_resource_is_normalised(cast):
    """NFKC: a full-width letter is the letter."""
    assert cast.connected("romeo", resource="ｂalcony").resource == "balcony"


@pytest.mark.xylem
def test_umlauts_and_their_decomposition_are_one(cast, server):
    composed, decomposed = "j\u00fcrgen", "ju\u0308rgen"
    stem = cast.account("romeo").split("@")[0]
    server.create(stem + composed)
    client = cast.client("j", jid=f"{stem}{decomposed}@xylem.test").logs_in()
    assert client.full.split("/")[0] == f"{stem}{composed}@xylem.test"


@pytest.mark.xylem
def test_an_account_exists_once_in_all_cases(cast, server):
    jid = cast.account("romeo")
    status, _, error = server.ctl("user", "create", jid.upper(), "--password-stdin", input="x\n", check=False)
    assert status == 4, error


@pytest.mark.xylem
@pytest.mark.parametrize("jid", ["", "@xylem.test", "xylem.test", "a b@xylem.test", "a@mantua.example", "a/b@xylem.test",
                                 "a@xylem.test/r", "a" * 1024 + "@xylem.test", "a\u2028b@xylem.test"])
def test_no_account_of_a_malformed_name(server, jid):
    status, _, error = server.ctl("user", "create", jid, "--password-stdin", input="x\n", check=False)
    assert status == 2 and error, (status, error)


def test_no_login_under_a_malformed_name(cast):
    romeo = cast.client("romeo", mechanism="PLAIN").secures()
    for user in ("ro meo", "romeo@xylem.test@x", "a" * 2000):
        with pytest.raises(SaslFailure):
            romeo.authenticates(user=user)
        romeo = cast.client("romeo", mechanism="PLAIN").secures()

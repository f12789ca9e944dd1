# SPDX-License-Identifier: MIT
"""Accounts that came from elsewhere with the keys of some SCRAM mechanisms only: what they are offered, how they
get the rest (XEP-0480 0.2.0, or PLAIN), and that none of it shows who exists (XEP-0388 section 5)."""
import json

import pytest

from lib import dom, sasl, sasl2
from lib.client import SaslFailure
from lib.dom import NS

pytestmark = pytest.mark.xylem

TASKS = ["UPGR-SCRAM-SHA-256", "UPGR-SCRAM-SHA-512"]
ALL = {"SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"}
WANTED = "".join(f"<upgrade xmlns='{NS['upgrade']}'>{t}</upgrade>" for t in TASKS)


@pytest.fixture
def server(make_server):
    """Of the test's own: who lacks keys changes what others are offered."""
    return make_server()


@pytest.fixture
def moved(server, actors):
    """moved("romeo", "SCRAM-SHA-1"): a client of an account that was imported with those keys."""
    cast = actors(server)

    def make(name="romeo", *mechanisms, iterations=4096, **options):
        jid = f"{name}@xylem.test"
        known = " ".join(sasl.keys(m, "secret", iterations) for m in mechanisms or ["SCRAM-SHA-1"])
        listing = server.directory / "keys.tsv"
        listing.write_text(f"{jid}\t\t{known}\n")
        server.ctl("user", "import", listing)
        return cast.client(name, jid=jid, **{"mechanism": (mechanisms or ["SCRAM-SHA-1"])[0], **options})

    return make


@pytest.fixture
def stranger(server, actors):
    """stranger("anybody"): another stream that says it is from that account, as far as the features."""
    cast = actors(server)

    def make(jid, from_=True, **options):
        return sasl2.secures(cast.client("x", jid=jid, **options), from_)

    return make


def hashes(client, profile="sasl2"):
    offered = sasl2.mechanisms(client) if profile == "sasl2" else client.mechanisms()
    assert {m for m in offered if m.endswith("-PLUS")} == {m + "-PLUS" for m in offered if m in ALL}
    return {m for m in offered if m in ALL}


def starts(client, wanted=WANTED):
    """A login that asks for upgrades, as far as <continue/>."""
    waits = sasl2.logs_in(sasl2.secures(client), inline=wanted)
    assert isinstance(waits, sasl2.Continue), dom.show(waits.element)
    return waits


# ---- importing -----------------------------------------------------------------------------------


def test_imported_keys_let_in(moved, stranger):
    romeo = moved("romeo", "SCRAM-SHA-1", iterations=10000)
    romeo.secures().authenticates().binds().round_trip()
    with pytest.raises(SaslFailure):
        stranger(romeo.jid, mechanism="SCRAM-SHA-1", password="wrong").authenticates()


@pytest.mark.once
@pytest.mark.parametrize("keys", [
    "", "x", "SCRAM-SHA-1", "SCRAM-SHA-1$4096:c2FsdA==", "SCRAM-MD5$4096:c2FsdA==$AAAA:AAAA",
    sasl.keys("SCRAM-SHA-1", "x", salt=b"s").replace("$4096", "$0"), sasl.keys("SCRAM-SHA-1", "x").replace("4096", "99999999"),
    sasl.keys("SCRAM-SHA-1", "x").replace("SHA-1", "SHA-256"), sasl.keys("SCRAM-SHA-1", "x")[:-4],
    sasl.keys("SCRAM-SHA-1", "x") + " " + sasl.keys("SCRAM-SHA-1", "y"), sasl.keys("SCRAM-SHA-1", "x", salt=b"s" * 129)])
def test_keys_that_are_none(server, keys):
    listing = server.directory / "keys.tsv"
    listing.write_text(f"romeo@xylem.test\t\t{keys}\n")
    status, output, _ = server.ctl("user", "import", listing, "--json", check=False)
    assert status == 2 and json.loads(output)["fields"]["invalid"] == 1
    assert server.ctl("user", "show", "romeo@xylem.test", check=False)[0] == 3


# ---- the offer -----------------------------------------------------------------------------------


def test_an_account_is_offered_what_it_has(moved, stranger):
    """XEP-0388 2.1: MUST only offer what the server can offer for that JID; upgrades for the rest."""
    romeo = moved("romeo", "SCRAM-SHA-1", "SCRAM-SHA-512")
    for profile in ("sasl2", "sasl"):
        assert hashes(stranger(romeo.jid), profile) == {"SCRAM-SHA-1", "SCRAM-SHA-512"}
    assert sasl2.upgrades(stranger(romeo.jid)) == TASKS[:1]


def test_who_does_not_say_is_offered_what_all_have(server, moved, stranger):
    server.create("juliet")
    assert hashes(stranger("juliet@xylem.test", None)) == ALL
    moved("romeo", "SCRAM-SHA-1")
    assert hashes(stranger("juliet@xylem.test", None)) == {"SCRAM-SHA-1"}
    assert hashes(stranger("juliet@xylem.test")) == ALL
    assert not sasl2.upgrades(stranger("juliet@xylem.test", None)) + sasl2.upgrades(stranger("juliet@xylem.test"))
    moved("tybalt", "SCRAM-SHA-256")
    assert hashes(stranger("juliet@xylem.test", None)) == set()
    assert sasl2.mechanisms(stranger("juliet@xylem.test", None)) == ["PLAIN"]


def test_unknown_names_look_like_accounts(server, moved, stranger):
    """The same shares of the same answers, each name always the same."""
    for n in range(4):
        moved(f"romeo{n}", "SCRAM-SHA-1")
        server.create(f"juliet{n}")
    names = [f"nobody{n}@xylem.test" for n in range(40)]

    def look():
        clients = [stranger(name) for name in names]
        for client in clients:
            client.breaks()
        return [(frozenset(hashes(c)), tuple(sasl2.upgrades(c))) for c in clients]

    first = look()
    old, full = (frozenset({"SCRAM-SHA-1"}), tuple(TASKS)), (frozenset(ALL), ())
    assert set(first) == {old, full}
    assert 4 <= first.count(old) <= 36, "a half, give or take five sigma"
    server.stop()
    server.start()
    assert look() == first, "counted anew, drawn alike"


def test_nobody_lacks_keys_any_more(server, moved, stranger):
    romeo, tybalt = moved("romeo"), moved("tybalt")
    server.ctl("user", "password", romeo.jid, "--password-stdin", input="secret\n")
    assert hashes(stranger(romeo.jid)) == ALL
    assert hashes(stranger("x@xylem.test", None)) == {"SCRAM-SHA-1"}
    server.ctl("user", "delete", tybalt.jid)
    assert hashes(stranger("x@xylem.test", None)) == hashes(stranger(tybalt.jid)) == ALL


def test_the_hash_of_a_shorter_offer(moved, stranger):
    """XEP-0474: what this stream was offered, not what others are."""
    romeo = stranger(moved("romeo").jid)
    scram = sasl.Scram("SCRAM-SHA-1", romeo.local, "secret", romeo.sock)
    sasl2.sends_authenticate(romeo, "SCRAM-SHA-1", scram.first())
    scram.final(sasl2.hears(romeo, "challenge"))
    assert scram.fields["h"] == sasl2.downgrade_hash("sha1", sasl2.mechanisms(romeo), sasl2.bindings(romeo))


# ---- tasks ---------------------------------------------------------------------------------------


def test_both_upgrades(moved, stranger):
    """XEP-0480 2.3: one task after another, then the login goes on."""
    romeo = moved("romeo")
    waits = starts(romeo)
    assert waits.tasks == TASKS[:1] and waits.additional is not None
    waits = sasl2.upgrades_keys(romeo, TASKS[0])
    assert waits.tasks == TASKS[1:] and waits.additional is None
    success = sasl2.upgrades_keys(romeo, TASKS[1])
    assert [dom.name(e)[1] for e in success.element] == ["authorization-identifier"] and success.jid == romeo.jid
    sasl2.settles_in(romeo, success)
    romeo.binds().round_trip()
    assert hashes(stranger(romeo.jid)) == ALL and not sasl2.upgrades(stranger(romeo.jid))
    for mechanism in sorted(ALL):
        again = stranger(romeo.jid, mechanism=mechanism)
        assert sasl2.logs_in(again, inline=WANTED).jid == romeo.jid, "nothing left to do"
        with pytest.raises(sasl2.Refused):
            sasl2.logs_in(stranger(romeo.jid, mechanism=mechanism), password="wrong")


@pytest.mark.parametrize("task", TASKS)
def test_one_upgrade(moved, stranger, task):
    romeo = moved("romeo")
    starts(romeo, f"<upgrade xmlns='{NS['upgrade']}'>{task}</upgrade>")
    assert sasl2.upgrades_keys(romeo, task).jid == romeo.jid
    assert hashes(stranger(romeo.jid)) == {"SCRAM-SHA-1", task.removeprefix("UPGR-")}
    assert sasl2.upgrades(stranger(romeo.jid)) == [t for t in TASKS if t != task]


def test_inline_features_wait_for_the_tasks(moved):
    """XEP-0388 2.6.3: what else the client asked for is done at the end."""
    romeo = moved("romeo")
    starts(romeo, WANTED + "<megabind xmlns='urn:example:megabind'/>" + sasl2.user_agent())
    sasl2.upgrades_keys(romeo, TASKS[0])
    assert sasl2.upgrades_keys(romeo, TASKS[1]).jid.startswith(romeo.jid)


@pytest.mark.parametrize("wanted", ["", f"<upgrade xmlns='{NS['upgrade']}'>UPGR-SCRAM-SHA-1</upgrade>",
                                    f"<upgrade xmlns='{NS['upgrade']}'>UPGR-BLOOP</upgrade>", f"<upgrade xmlns='urn:x'>{TASKS[0]}</upgrade>"])
def test_who_asks_for_none_gets_none(moved, stranger, wanted):
    romeo = moved("romeo")
    assert sasl2.logs_in(sasl2.secures(romeo), inline=wanted).jid == romeo.jid
    assert hashes(stranger(romeo.jid)) == {"SCRAM-SHA-1"}


def test_plain_upgrades_by_itself(moved, stranger):
    romeo = moved("romeo", mechanism="PLAIN")
    with pytest.raises(sasl2.Refused):
        sasl2.logs_in(sasl2.secures(romeo), password="wrong")
    assert hashes(stranger(romeo.jid)) == {"SCRAM-SHA-1"}
    assert sasl2.logs_in(romeo, inline=WANTED).jid == romeo.jid
    for mechanism in sorted(ALL):
        assert sasl2.logs_in(stranger(romeo.jid, mechanism=mechanism)).jid == romeo.jid


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256"])
def test_plain_with_other_keys(moved, stranger, mechanism):
    romeo = moved("romeo", mechanism)
    romeo.mechanism = "PLAIN"
    assert sasl2.logs_in(sasl2.secures(romeo)).jid == romeo.jid
    assert hashes(stranger(romeo.jid)) == ALL


@pytest.mark.once
def test_switched_off(make_server, actors, monkeypatch):
    server = make_server(modules={"sasl2": {"upgrade": False}})
    listing = server.directory / "keys.tsv"
    listing.write_text(f"romeo@xylem.test\t\t{sasl.keys('SCRAM-SHA-1', 'secret')}\n")
    server.ctl("user", "import", listing)
    romeo = sasl2.secures(actors(server).client("romeo", jid="romeo@xylem.test", mechanism="SCRAM-SHA-1"))
    assert not sasl2.upgrades(romeo)
    assert sasl2.logs_in(romeo, inline=WANTED).jid == romeo.jid


# ---- wrong things --------------------------------------------------------------------------------


def sends_next(client, task):
    client.sends(f"<next xmlns='{NS['sasl2']}' task='{task}'/>")


def sends_hash(client, text):
    client.sends(f"<task-data xmlns='{NS['sasl2']}'><hash xmlns='{NS['scramup']}'>{text}</hash></task-data>")


@pytest.mark.parametrize("task", ["", TASKS[1], "UPGR-SCRAM-SHA-1", "SCRAM-SHA-256"])
def test_another_task(moved, task):
    romeo = moved("romeo")
    starts(romeo)
    sends_next(romeo, task)
    assert sasl2.hears(romeo, "failure").condition == "malformed-request"


@pytest.mark.parametrize("data,condition", [
    ("", "malformed-request"), ("!", "incorrect-encoding"), (sasl.b64(b"x" * 31), "malformed-request"),
    (sasl.b64(b"x" * 64), "malformed-request"), (None, "malformed-request")])
def test_hashes_that_are_none(moved, stranger, data, condition):
    """The task fails, and the login with it; the account is as it was."""
    romeo = moved("romeo")
    starts(romeo)
    sends_next(romeo, TASKS[0])
    sasl2.hears(romeo, "task-data")
    if data is None:
        romeo.sends(f"<task-data xmlns='{NS['sasl2']}'><hash xmlns='urn:x'>{sasl.b64(b'x' * 32)}</hash></task-data>")
    else:
        sends_hash(romeo, data)
    assert sasl2.hears(romeo, "failure").condition == condition
    assert hashes(stranger(romeo.jid)) == {"SCRAM-SHA-1"}


@pytest.mark.parametrize("where", ["continue", "task-data", "aborted"])
def test_no_second_authenticate_after_continue(moved, where):
    """XEP-0388 3: MUST result in a stream error, also when the task has failed."""
    romeo = moved("romeo")
    starts(romeo)
    if where == "task-data":
        sends_next(romeo, TASKS[0])
        sasl2.hears(romeo, "task-data")
    if where == "aborted":
        romeo.sends(f"<abort xmlns='{NS['sasl2']}'/>")
        assert sasl2.hears(romeo, "failure").condition == "aborted"
    sasl2.sends_authenticate(romeo, "PLAIN", sasl.plain(romeo.local, "secret"))
    romeo.hears_stream_error("policy-violation")


@pytest.mark.parametrize("traffic", ["<presence/>", f"<response xmlns='{NS['sasl2']}'>AAAA</response>",
                                     f"<task-data xmlns='{NS['sasl2']}'/>", f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'/>"])
def test_other_traffic_during_a_task(moved, traffic):
    romeo = moved("romeo")
    starts(romeo)
    romeo.sends(traffic)
    romeo.hears_stream_error("not-authorized")


def test_a_password_changed_meanwhile_stays(server, moved, stranger):
    """The keys of the old password must not come back by a task begun with it."""
    romeo = moved("romeo")
    starts(romeo)
    sends_next(romeo, TASKS[0])
    salt = dom.find(sasl2.hears(romeo, "task-data"), "scramup:salt")
    server.ctl("user", "password", romeo.jid, "--password-stdin", input="changed\n")
    import hashlib

    salted = hashlib.pbkdf2_hmac("sha256", b"secret", sasl.unb64(salt.text), int(salt.get("iterations")))
    sends_hash(romeo, sasl.b64(salted))
    sasl2.hears(romeo, "continue", "success")
    again = stranger(romeo.jid, mechanism="SCRAM-SHA-256")
    with pytest.raises(sasl2.Refused):
        sasl2.logs_in(again)
    assert sasl2.logs_in(again, password="changed").jid == romeo.jid


def test_an_account_disabled_meanwhile(server, moved):
    """The proof was right, but nothing is bound any more."""
    romeo = moved("romeo")
    starts(romeo, WANTED + sasl2.bind("Phone"))
    server.ctl("user", "disable", romeo.jid)
    sasl2.upgrades_keys(romeo, TASKS[0])
    success = sasl2.settles_in(romeo, sasl2.upgrades_keys(romeo, TASKS[1]))
    assert success.jid == romeo.jid and success.bound is None


def test_binding_behind_the_tasks(moved):
    romeo = moved("romeo")
    starts(romeo, WANTED + sasl2.bind("Phone") + sasl2.user_agent())
    sasl2.upgrades_keys(romeo, TASKS[0])
    success = sasl2.settles_in(romeo, sasl2.upgrades_keys(romeo, TASKS[1]))
    assert success.bound is not None and "/Phone/" in success.jid
    romeo.round_trip()


def test_an_account_that_goes_meanwhile(server, moved):
    romeo = moved("romeo")
    starts(romeo)
    server.ctl("user", "delete", romeo.jid)
    sasl2.upgrades_keys(romeo, TASKS[0])
    sasl2.settles_in(romeo, sasl2.upgrades_keys(romeo, TASKS[1]))
    result = romeo.asks("set", f"<bind xmlns='{NS['bind']}'/>")
    assert result.get("type") == "error"

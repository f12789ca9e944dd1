# SPDX-License-Identifier: MIT
"""The audit log: a chain of records under signed heads (N1), evidence of messages whose content has gone
(S0-3, N2), and proofs that stand without the server. Tampering is done in the database, behind its back."""
import concurrent.futures
import itertools
import json
import re
import subprocess
import time

import pytest

from lib import process
from lib.auditing import (VERIFY, audited, bad_record, database, detail, fields, found, key_of,  # noqa: F401
                          load_verifier, offline, saved, verified)
from lib.postgres import Postgres, binaries
from lib.server import DROP

pytestmark = pytest.mark.xylem
numbers = itertools.count(1)


# ---- the life of a log --------------------------------------------------------------------------------


def test_it_begins_goes_on_and_ends(make_server):
    server = make_server(modules={"audit": True})
    assert [r["kind"] for r in found(server)] == ["begin", "start", "policy"]
    assert detail(found(server)[0], "key") == key_of(server)
    first = found(server)
    server.restart()
    assert [r["kind"] for r in found(server)] == ["begin", "start", "policy", "stop", "start"]
    assert found(server)[:3] == first
    assert verified(server) == (0, None)
    status, text = offline("log", saved(server, "log", "export"), "--key", key_of(server))
    assert (status, text[:20]) == (0, "verified: 5 records,")


def test_an_act_and_its_records_commit_or_fail_together(audited, database):
    """S1-4: many records with one act; a transaction that is refused leaves no record and no gap."""
    server = audited()
    acts = [server.json("actor", "act", n)["fields"]["operation"] for n in (3, 700)]
    status, text, _ = server.ctl("actor", "act", "5", "--fail", "--json", check=False)
    assert status == 4
    assert not found(server, "--operation", json.loads(text)["fields"]["operation"])
    assert [r["message"] for r in found(server, "--operation", acts[0])] == [1, 2, 3]
    many = found(server, "--operation", acts[1], "--limit", "1000")
    assert [r["message"] for r in many] == list(range(1, 701))
    assert [r["record"] for r in many] == list(range(many[0]["record"], many[0]["record"] + 700))
    assert verified(server) == (0, None)
    assert database(server).asks("select count(*) from audit_waiting") == "0"


def test_many_at_once_make_one_chain(audited, database):
    server = audited()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda n: server.ctl("actor", "act", n % 7 + 1) and server.ctl("audit", "seal"), range(40)))
    assert len(done) == 40 and verified(server) == (0, None)
    assert int(database(server).asks("select sum(records) from actor_act")) == len(
        found(server, "--kind", "remove", "--limit", "1000"))


@pytest.mark.once
def test_without_it_what_needs_it_does_not_start(make_server):
    server = make_server(start=False, modules={"actor": True})
    status, text, _ = server.ctl("config", "check", check=False)
    assert status == 2 and "audit" in text


def test_records_are_found(audited):
    server = audited()
    assert {r["account"] for r in found(server, "--account", "romeo@xylem.test")} == {"romeo@xylem.test"}
    assert [r["words"] for r in found(server, "--kind", "remove", "--message", "6")] == ["words 9"]
    assert not found(server, "--actor", "nobody")
    actor = found(server, "--kind", "remove")[0]["actor"]
    assert re.fullmatch(r"unix:\d+", actor)
    assert len(found(server, "--actor", actor, "--kind", "remove")) == 17
    assert not found(server, "--until", "2020-01-01T00:00:00Z")
    assert len(found(server, "--since", "2020-01-01T00:00:00Z")) == fields(server, "seal")["records"]
    page = server.json("audit", "search", "--limit", "4")
    assert page["notes"] == [f"older ones: --before {page['rows'][-1]['record']}"]
    older = server.json("audit", "search", "--limit", "4", "--before", page["rows"][-1]["record"])["rows"]
    assert older[0]["record"] == page["rows"][-1]["record"] - 1
    for wrong in (["--message", "x"], ["--since", "yesterday"], ["--limit", "0"]):
        assert server.ctl("audit", "search", *wrong, check=False)[0] == 2


def test_nobody_changes_a_record_by_mistake(audited, database):
    server = audited()
    for statement in ("update audit_record set words = 'x'", "delete from audit_record",
                      "update audit_head set at = 0", "delete from audit_head"):
        with pytest.raises(Exception, match="what the audit log says stays"):
            database(server).does(statement)
    assert verified(server) == (0, None)


# ---- what is recorded by itself ------------------------------------------------------------------------


def test_s0_30_each_change_of_a_switch_is_recorded(make_server):
    """Who, the old value, the new one; also what was changed while the server stood still."""
    server = make_server(modules={"audit": True, "offline": {"quota": 7}})
    known = fields(server, "seal")["records"]
    server.reload(modules={"offline": {"quota": 9}, "version": False})
    policy, switch = sorted((r for r in found(server) if r["record"] > known), key=lambda r: r["kind"])
    assert (policy["kind"], detail(policy, "name"), detail(policy, "from"), detail(policy, "to")) == (
        "policy", "modules.offline.quota", "7", "9")
    assert (switch["kind"], detail(switch, "name"), detail(switch, "from"), detail(switch, "to")) == (
        "switch", "modules.version", "on", "off")
    assert re.fullmatch(r"unix:\d+", policy["actor"]) and policy["reason"] == "reload"
    assert policy["operation"] == switch["operation"]
    server.reload()
    assert fields(server, "seal")["records"] == known + 2
    server.stop()
    server.write_config(modules={"version": True}, limits={"depth": 61})
    server.start()
    changes = {detail(r, "name"): detail(r, "to") for r in found(server) if r["reason"] == "start" and "name=" in
               r["details"]}
    assert changes == {"modules.version": "on", "limits.depth": "61"}


def test_switching_the_log_off_is_its_last_record(make_server, database):
    server = make_server(modules={"audit": True})
    server.reload(modules={"audit": False})
    process.wait_until(lambda: database(server).asks("select max(size) from audit_head") == "4", "the end of the log")
    assert server.ctl("audit", "verify", check=False)[0] == 2
    server.reload(modules={"audit": True, "time": False})
    records = found(server)
    assert [r["kind"] for r in records[:4]] == ["begin", "start", "policy", "switch"]
    assert (detail(records[3], "name"), detail(records[3], "to")) == ("modules.audit", "off")
    assert [(detail(r, "name"), detail(r, "to")) for r in records[4:]] == [("modules.audit", "on"), ("modules.time", "off")]
    assert verified(server) == (0, None)


def test_who_looks_at_a_message_is_recorded(make_server, actors, database):
    server = make_server(modules={"audit": True})
    cast = actors(server)
    romeo, juliet = cast.online("romeo"), cast.account("juliet")
    romeo.sends(f"<message to='{juliet}' type='chat' id='m1'><body>soft</body></message>")
    [message] = database(server).messages(1)
    server.ctl("message", "trace", message)
    [read] = found(server, "--kind", "privileged_read")
    assert (read["message"], read["reason"]) == (message, "trace") and read["actor"].startswith("unix:")
    assert "soft" not in server.ctl("audit", "export")


# ---- N1: one byte of an old record -----------------------------------------------------------------------

CHANGES = {
    "words": "update audit_record set words = 'Words 5' where seq = {n}",
    "actor": "update audit_record set actor = 'nobody' where seq = {n}",
    "time": "update audit_record set at = at + 1 where seq = {n}",
    "message": "update audit_record set message = message + 1 where seq = {n}",
    "detail": "update audit_record set details = 'a=b' where seq = {n}",
    "moved text": "update audit_record set account = 'romeo@xylem.tes', room = 't' where seq = {n}",
    "hash": "update audit_record set hash = previous where seq = {n}",
    "deleted": "delete from audit_record where seq = {n}",
}


@pytest.mark.parametrize("change", CHANGES)
def test_n1_an_altered_record_is_named(audited, database, change):
    server = audited()
    before = saved(server, "before", "export")
    assert verified(server) == (0, None) and offline("log", before)[0] == 0
    inside = database(server)
    inside.unlock()
    inside.does(CHANGES[change].format(n=7))
    assert verified(server)[0] == 7
    status, text = offline("log", saved(server, "after", "export"))
    assert status == 1 and bad_record(text) == 7


def test_n1_who_rehashes_what_he_altered_is_found_by_the_heads(audited, database):
    """All records behind it hashed anew, as somebody would who knows the form but has no key."""
    server = audited()
    lines = [json.loads(line) for line in server.ctl("audit", "export").splitlines()]
    verifier = load_verifier()
    records = [line["record"] for line in lines if "record" in line]
    inside = database(server)
    inside.unlock()
    records[6]["words"] = "Words 5"
    for i in range(6, len(records)):
        records[i]["previous"] = records[i - 1]["hash"]
        records[i]["hash"] = verifier.record_hash(records[i]).hex()
        inside.does(f"update audit_record set words = '{records[i]['words']}',"
                    f" previous = {inside.bytes(records[i]['previous'])}, hash = {inside.bytes(records[i]['hash'])}"
                    f" where seq = {records[i]['seq']}")
    bad, problem = verified(server)
    heads = [line["head"]["size"] for line in lines if "head" in line]
    last_good = max(size for size in heads if size < 7)
    assert bad == last_good + 1 and "not what was signed" in problem
    status, text = offline("log", saved(server, "after", "export"))
    assert status == 1 and bad_record(text) == last_good + 1


def test_n1_a_truncated_log_is_found(audited, database):
    """Records without their heads; then the heads as well: the server remembers, and so does any older head."""
    server = audited()
    head = saved(server, "head", "seal", "--head")
    size = fields(server, "seal")["records"]
    inside = database(server)
    inside.unlock()
    inside.does(f"delete from audit_record where seq > {size - 3}")
    assert verified(server)[0] == size - 2
    exported = saved(server, "short", "export")
    assert bad_record(offline("log", exported)[1]) == size - 8  # the last lot had no other head
    last = max(int(h) for h in [inside.asks(f"select max(size) from audit_head where size < {size}")])
    inside.does(f"delete from audit_record where seq > {last}", f"delete from audit_head where size > {last}")
    assert verified(server) == (last + 1, f"it is missing: there were {size} records")
    server.ctl("actor", "act", "1")
    assert server.ctl("audit", "seal", check=False)[0] == 1  # it does not go on with a shorter log
    shorter = server.directory / "shorter"
    kept = [line for line in exported.read_text().splitlines() if '"record"' not in line or
            json.loads(line)["record"]["seq"] <= last]
    shorter.write_text("\n".join(kept))
    assert offline("log", shorter)[0] == 0
    status, text = offline("log", shorter, "--head", head)
    assert status == 1 and bad_record(text) == last + 1


def test_n1_forged_signatures_and_reordered_exports(audited, database):
    server = audited()
    exported = saved(server, "log", "export").read_text().splitlines()
    changed = server.directory / "changed"

    def says(lines):
        changed.write_text("\n".join(lines))
        status, text = offline("log", changed, "--key", key_of(server))
        assert status == 1, text
        return bad_record(text)

    first_head = next(i for i, line in enumerate(exported) if '"head"' in line)
    third = next(i for i, line in enumerate(exported) if '"seq": 3,' in line)
    forged = json.loads(exported[first_head])
    covered = forged["head"]["size"]
    signature = forged["head"]["signature"]
    forged["head"]["signature"] = signature[:-2] + ("00" if signature[-2:] != "00" else "01")
    assert says(exported[:first_head] + [json.dumps(forged)] + exported[first_head + 1:]) == covered
    last = json.loads(exported[-1])
    last["head"]["at"] += 1
    assert says(exported[:-1] + [json.dumps(last)]) == last["head"]["size"]
    assert says(exported[:third] + exported[third + 1:]) == 3
    swapped = list(exported)
    swapped[third], swapped[third - 1] = swapped[third - 1], swapped[third]
    assert says(swapped) in (2, 3)
    assert offline("log", server.directory / "log", "--key", "00" * 32)[0] == 1
    database(server).unlock()
    database(server).does(f"update audit_head set signature = root where size = {covered}")
    bad, problem = verified(server)
    assert bad == covered and "signature" in problem


# ---- keys -----------------------------------------------------------------------------------------------------


def test_another_key_takes_over_by_a_record_of_the_former(audited):
    server = audited()
    old = key_of(server)
    changed = server.json("audit", "key", "--change")["fields"]
    assert changed["key"] == key_of(server) != old and changed["document"].startswith("-----BEGIN PUBLIC KEY-----")
    server.ctl("actor", "act", "3")
    [change], [taken] = found(server, "--kind", "key_change"), found(server, "--kind", "key_taken")
    assert detail(change, "key") == changed["key"] == detail(taken, "key")
    assert taken["record"] == change["record"] + 1
    assert verified(server) == (0, None)
    exported = saved(server, "log", "export")
    assert offline("log", exported, "--key", old)[0] == 0
    assert offline("log", exported, "--key", changed["key"])[0] == 1  # a log is known by its first key
    server.restart()
    assert key_of(server) == changed["key"] and verified(server) == (0, None)


def test_the_key_is_one_that_openssl_knows(audited):
    server = audited()
    done = subprocess.run(["openssl", "pkey", "-in", str(server.directory / "data" / "audit.key"), "-pubout"],
                          capture_output=True, text=True, check=True)
    assert done.stdout == fields(server, "key")["document"]


def test_a_replaced_key_is_refused(audited, database):
    """Without the key that the log names nobody goes on with it; who lost it says so, and so does the log."""
    server = audited()
    old = key_of(server)
    server.stop()
    path = server.directory / "data" / "audit.key"
    kept = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    path.unlink()
    for key, why in ((None, "is missing"), ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no Ed25519"),
                     (other_key(), "another key")):
        if key:
            path.write_text(key)
            path.chmod(0o600)
        server.start(ready=False)
        assert server.process.wait(60) == 1 and why in server.output()
    path.write_bytes(kept)
    path.chmod(0o640)
    server.start(ready=False)
    assert server.process.wait(60) == 1 and "others than its owner may read" in server.output()
    path.unlink()
    server.write_config(modules={"audit": {"lost_key": old}})
    server.start()
    server.ctl("actor", "act", "1")
    [lost] = found(server, "--kind", "key_lost")
    assert detail(lost, "key") == key_of(server) != old
    assert verified(server) == (0, None)
    exported = saved(server, "log", "export")
    status, text = offline("log", exported)
    assert status == 1 and bad_record(text) == lost["record"]
    assert offline("log", exported, "--accept-lost", lost["record"])[0] == 0


def other_key():
    import base64
    der = bytes.fromhex("302e020100300506032b657004220420") + bytes(range(32))
    return f"-----BEGIN PRIVATE KEY-----\n{base64.b64encode(der).decode()}\n-----END PRIVATE KEY-----\n"


def test_a_change_of_key_that_was_cut_short_is_finished(audited):
    """Killed when the log names the new key already and the file has not got its name yet."""
    server = audited()
    data = server.directory / "data"
    old = (data / "audit.key").read_bytes()
    new = fields(server, "key", "--change")["key"]
    server.kill()
    (data / "audit.key").rename(data / "audit.key.next")
    (data / "audit.key").write_bytes(old)
    (data / "audit.key").chmod(0o600)
    server.start()
    fields(server, "seal")  # a head by the new one is there
    assert key_of(server) == new and not (data / "audit.key.next").exists()
    assert verified(server) == (0, None)
    server.kill()
    (data / "audit.key.next").write_text(other_key())  # killed before the log named it
    (data / "audit.key.next").chmod(0o600)
    server.start()
    assert key_of(server) == new
    assert fields(server, "key", "--change")["key"] != new
    assert verified(server) == (0, None)


# ---- S0-3, N2: what a message was, when it is no more -----------------------------------------------------------


@pytest.fixture
def told(make_server, actors, database):
    """Nine messages from romeo to juliet of which nothing but evidence is left."""
    server = make_server(modules={"audit": {"evidence_every": "1 h", "evidence_count": 4}, "mam": True})
    cast = actors(server)
    romeo, juliet = cast.online("romeo"), cast.account("juliet")
    for i in range(9):
        romeo.sends(f"<message to='{juliet}' type='chat' id='m{i}'><body>line {i} &amp; more</body></message>")
    messages = database(server).messages(9)
    database(server).does("delete from entry", "delete from pending", "delete from message",
                          *([] if server.database else ["delete from entry_new"]))
    return server, str(romeo), str(juliet), messages


def test_s0_3_purged_content_is_confirmed_or_refuted(told):
    server, romeo, juliet, messages = told
    assert fields(server, "seal")["evidence_roots"] == 3  # of four, four and one
    for i, message in enumerate(messages):
        said = fields(server, "prove", message, "--from", romeo, "--to", juliet, "--text", f"line {i} & more")
        assert (said["text"], said["message"], said["kind"]) == ("confirmed", message, "evidence_root")
    for claim in ((romeo, juliet, "line 0 & mare"), (juliet, romeo, "line 0 & more"), (romeo, romeo, "line 0 & more"),
                  (romeo, juliet, "")):
        status, text, _ = server.ctl("audit", "prove", messages[0], "--from", claim[0], "--to", claim[1], "--text",
                                     claim[2], "--json", check=False)
        assert status == 5 and json.loads(text)["fields"]["text"] == "refuted"
    assert server.ctl("audit", "prove", messages[-1] + (1 << 20), check=False)[0] == 3
    assert server.ctl("audit", "prove", messages[0], "--text", "x", check=False)[0] == 2
    reads = found(server, "--kind", "privileged_read", "--message", str(messages[0]))
    assert [detail(r, "text") for r in reads] == ["confirmed"] + 4 * ["refuted"]
    assert "& m" not in server.ctl("audit", "export")


def test_s0_3_by_the_id_a_client_has(told, actors, database):
    server, romeo, _, messages = told
    romeo_again = actors(server).client("romeo", jid=romeo).comes_online()
    juliet = actors(server).account("juliet")
    romeo_again.sends(f"<message to='{juliet}' type='chat' id='x'><body>by id</body></message>")
    database(server).messages(10)
    romeo_again.sends("<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>")
    result = romeo_again.next_element().find("{urn:xmpp:mam:2}result")
    said = fields(server, "prove", result.get("id"), "--account", romeo, "--from", romeo, "--to", juliet, "--text", "by id")
    assert said["text"] == "confirmed" and said["message"] == database(server).messages(10)[-1]
    assert server.ctl("audit", "prove", result.get("id"), "--account", juliet, check=False)[0] == 3


def test_n2_a_proof_stands_alone(told):
    """The document, the key and the text are enough; whoever alters one of them finds nothing proved."""
    server, romeo, juliet, messages = told
    key = key_of(server)
    for i, message in enumerate(messages):
        proof = saved(server, "proof", "prove", message, "--document")
        good = ("proof", proof, "--key", key, "--from", romeo, "--to", juliet, "--text")
        assert offline(*good, f"line {i} & more")[0] == 0
        assert offline(*good, f"line {i} & mare")[0] == 1
        assert offline("proof", proof, "--key", "11" * 32)[0] == 1
        document = json.loads(proof.read_text())
        for change in (lambda d: d["message"].update(id=d["message"]["id"] + 1),
                       lambda d: d["message"].update(commitment="00" * 64),
                       lambda d: d["record"].update(at=d["record"]["at"] + 1),
                       lambda d: d["head"].update(size=d["head"]["size"] + 1),
                       lambda d: d["path"].append("00" * 32),
                       lambda d: d["message"].update(salt="00" * 16)):
            altered = json.loads(json.dumps(document))
            change(altered)
            (server.directory / "altered").write_text(json.dumps(altered))
            assert offline("proof", server.directory / "altered", *good[2:], f"line {i} & more")[0] == 1
        other = json.loads(json.dumps(document))
        other["message"]["index"] = (other["message"]["index"] + 1) % other["message"]["count"]
        (server.directory / "altered").write_text(json.dumps(other))
        assert offline("proof", server.directory / "altered")[0] == (1 if other["message"]["count"] > 1 else 0)


def test_n2_without_its_salt_nothing_is_proved(told, database):
    server, romeo, juliet, messages = told
    fields(server, "seal")
    database(server).does(f"update evidence set salt = null where message = {messages[2]}")
    said = fields(server, "prove", messages[2], "--from", romeo, "--to", juliet, "--text", "line 2 & more")
    assert "destroyed" in said["text"]
    proof = saved(server, "proof", "prove", messages[2], "--document")
    assert offline("proof", proof)[0] == 0  # that there was a message is still proved
    status, text = offline("proof", proof, "--from", romeo, "--to", juliet, "--text", "line 2 & more")
    assert status == 1 and "nobody can" in text
    assert fields(server, "prove", messages[3], "--from", romeo, "--to", juliet, "--text", "line 3 & more")[
        "text"] == "confirmed"


def test_n2_evidence_cannot_be_made_up_later(told, database):
    server, _, _, messages = told
    fields(server, "seal")
    database(server).does(f"update evidence set commitment = salt where message = {messages[1]}")
    status, _, error = server.ctl("audit", "prove", messages[0], check=False)
    assert status == 1 and "not what the log has a root of" in error
    assert fields(server, "prove", messages[8])["message"] == messages[8]  # of another batch


def test_n1_an_old_proof_verifies_against_todays_head(told):
    server, romeo, juliet, messages = told
    proof = saved(server, "proof", "prove", messages[5], "--document")
    old = json.loads(proof.read_text())["head"]
    server.restart()
    for _ in range(3):
        server.reload(limits={"depth": 40 + next(numbers)})
    today = saved(server, "today", "seal", "--head")
    growth = saved(server, "growth", "growth", old["size"])
    claim = ("--from", romeo, "--to", juliet, "--text", "line 5 & more")
    status, text = offline("proof", proof, "--growth", growth, "--head", today, "--key", key_of(server), *claim)
    assert status == 0, text
    assert offline("growth", growth, "--head", today)[0] == 0
    document = json.loads(growth.read_text())
    document["path"][0] = "00" * 32
    growth.write_text(json.dumps(document))
    assert offline("growth", growth)[0] == 1
    assert offline("proof", proof, "--growth", growth)[0] == 1
    assert server.ctl("audit", "growth", old["size"] + 10 ** 6, check=False)[0] == 3


def test_n2_roots_come_by_themselves(make_server, actors, database):
    server = make_server(test_clock=True, modules={"audit": {"evidence_every": "10 min"}}, limits={"idle": None})
    cast = actors(server)
    romeo, juliet = cast.online("romeo"), cast.account("juliet")
    romeo.sends(f"<message to='{juliet}' type='chat'><body>soft</body></message>")
    database(server).messages(1)
    assert not found(server, "--kind", "evidence_root")
    server.advance("11 min")
    process.wait_until(lambda: found(server, "--kind", "evidence_root"), "the root")
    [root] = found(server, "--kind", "evidence_root")
    assert detail(root, "count") == "1"


# ---- the verifier itself ------------------------------------------------------------------------------------------

RFC_8032 = [  # section 7.1: public key, message, signature
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
]


@pytest.mark.once
def test_the_verifiers_own_signatures():
    """Vectors of the RFC; one bit of anything changed; encodings that must be refused."""
    check = load_verifier().is_signed
    for words in RFC_8032:
        key, message, signature = map(bytes.fromhex, words)
        assert check(key, message, signature)
        assert not check(key, message + b"x", signature)
        for i in range(0, 512, 37):
            wrong = bytearray(signature)
            wrong[i // 8] ^= 1 << i % 8
            assert not check(key, message, bytes(wrong)), i
        order = 2 ** 252 + 27742317777372353535851937790883648493
        larger = int.from_bytes(signature[32:], "little") + order  # the same number, modulo the order
        assert not check(key, message, signature[:32] + larger.to_bytes(32, "little"))
        assert not check(key[:31], message, signature) and not check(key, message, signature[:63])
        assert not check(b"\xff" * 32, message, signature)


@pytest.mark.once
def test_the_verifiers_usage():
    assert b"Verifies" in subprocess.run([str(VERIFY), "log", "--help"], capture_output=True, check=True).stdout
    for words in ((), ("nonsense",), ("log",), ("log", "/nonexistent"), ("proof", "a", "b"), ("log", "x", "--what", "y"),
                  ("proof", "x", "--text", "t")):
        assert subprocess.run([str(VERIFY), *words], capture_output=True).returncode == 2


def test_fast_it_looks_at_the_signatures_that_matter(audited):
    server = audited()
    server.ctl("audit", "key", "--change")
    server.ctl("actor", "act", "3")
    fields(server, "seal")
    exported = saved(server, "log", "export").read_text().splitlines()
    assert offline("log", server.directory / "log", "--fast")[0] == 0
    heads = [i for i, line in enumerate(exported) if '"head"' in line]
    keys = [json.loads(exported[i])["head"]["key"] for i in heads]
    of_old = max(i for i, key in zip(heads, keys) if key == keys[0])
    for at in (heads[-1], of_old):
        line = json.loads(exported[at])
        line["head"]["at"] += 1
        (server.directory / "forged").write_text("\n".join(exported[:at] + [json.dumps(line)] + exported[at + 1:]))
        status, text = offline("log", server.directory / "forged", "--fast")
        assert status == 1 and bad_record(text) == line["head"]["size"]


# ---- crashes ------------------------------------------------------------------------------------------------------


def test_killed_while_appending_the_chain_is_whole(audited, database):
    """SIGKILL under load, again and again: each act that is in the database has all its records, once."""
    server = audited()
    for round in range(6):
        callers = [subprocess.Popen([str(server.build / "xylemctl"), "-c", str(server.config_file), "actor", "act",
                                     str(n), "--loop"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                    stdin=subprocess.DEVNULL, env=server.environment()) for n in (1, 3, 40)]
        time.sleep(0.15 + 0.1 * round)
        server.kill()
        for caller in callers:
            caller.wait(30)
        server.start()
        assert verified(server) == (0, None)
    inside = database(server)
    assert int(inside.asks("select count(*) from actor_act")) > 20
    assert inside.asks("select count(*) from audit_waiting") == "0"
    assert inside.asks("select sum(records) from actor_act") == inside.asks(
        "select count(*) from audit_record where kind = 'remove'")
    assert inside.asks("select count(*) from actor_act a where records <> (select count(*) from audit_record r"
                       " where r.operation = a.operation)") == "0"
    paths = exports(server)
    assert offline("log", *paths)[0] == 0
    assert len(paths) == 1 or subprocess.run([str(VERIFY), "log", *map(str, paths[:-1])],
                                             capture_output=True).returncode == 2


def exports(server):
    """All of it, in pages of 3000."""
    paths, after = [], 0
    while True:
        path = saved(server, f"log{after}", "export", "--after", after, "--limit", 3000)
        last = json.loads(path.read_text().splitlines()[-1])
        paths.append(path)
        if "more" not in last:
            return paths
        after += 3000


def test_replaced_under_load_it_goes_on(audited):
    """New code takes over the chain while acts go on; none is lost, none waits."""
    server = audited()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        acts = [pool.submit(server.ctl, "-s", server.directory / "xylem.sock", "actor", "act", "3") for _ in range(30)]
        for i in range(4):
            server.reload(modules={"audit": {"evidence_every": f"{i + 2} h"}})
        for act in acts:
            act.result()
    assert verified(server) == (0, None)
    assert len(found(server, "--kind", "remove", "--limit", "1000")) == 17 + 90


@pytest.mark.once
def test_a_database_that_goes_away_leaves_no_gap(place, make_server, request):
    """PostgreSQL is stopped under load, some commits never answer: what came of them is looked up, not guessed."""
    if binaries() is None:
        pytest.skip("no PostgreSQL")
    postgres = Postgres(place / f"pg-audit{next(numbers)}")
    try:
        name = postgres.new_database()
        server = make_server(storage={"driver": "pgsql", "url": postgres.url(name), "path": DROP, "timeout": "2 s"},
                             modules={"audit": True, "actor": True})
        for mode in ("immediate", "fast", "immediate"):
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                acts = [pool.submit(server.ctl, "actor", "act", "2", check=False) for _ in range(24)]
                acts[6].result()
                postgres.stop(mode)
                postgres.start()
        server.ctl("actor", "act", "2")
        assert verified(server) == (0, None)
        assert postgres.psql(name, "select count(*) from actor_act a where records <> (select count(*) from"
                                   " audit_record r where r.operation = a.operation)") == "0"
        assert postgres.psql(name, "select sum(records) - (select count(*) from audit_record where kind = 'remove')"
                                   " from actor_act") == "0"
        server.stop()
    finally:
        postgres.end()

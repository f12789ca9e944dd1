# SPDX-License-Identifier: MIT
"""The audit log against somebody who owns the database but not the key (N1, N2): what he makes up is found by
`audit verify`, by the offline verifier, or is never signed."""
import hmac
import json
import subprocess

import pytest

from lib.auditing import (VERIFY, audited, bad_record, database, detail, fields, found, key_of, offline,  # noqa: F401
                          saved, verified)
from lib.forge import Key, Log, verifier

pytestmark = pytest.mark.xylem


def written(server, log):
    path = server.directory / "forged"
    path.write_text(log.text())
    return path


def lines_of(server):
    return [json.loads(line) for line in server.ctl("audit", "export").splitlines()][1:]


def test_n1_no_key_takes_over_without_a_head_of_the_former(audited, database):
    """The whole log made up behind its first record, by a key that a record of the forger's names, and given back
    to the first one in the end."""
    server = audited()
    mine, theirs = Key(b"\1" * 32), key_of(server)
    forged = Log(lines_of(server)[:1])
    forged.add(kind="key_change", details=f"key={mine.hex}\n")
    while forged.tree.size < fields(server, "seal")["records"]:
        forged.add(words="nothing was removed")
    forged.head(mine)
    forged.add(kind="key_change", details=f"key={theirs}\n")
    forged.head(mine)
    status, text = offline("log", written(server, forged), "--key", theirs)
    assert (status, bad_record(text)) == (1, 2), text
    assert offline("log", written(server, forged), "--key", theirs, "--fast")[0] == 1
    inside = database(server)
    inside.unlock()
    server.stop()
    forged.put(inside)
    server.start()
    assert verified(server)[0] == 2


def test_n1_a_key_that_nobody_lost_is_replaced_by_nobody(audited, database):
    """The same by saying that the key was lost: only whom the operator believes, option lost_key, may say so."""
    server = audited()
    mine, theirs = Key(b"\1" * 32), key_of(server)
    inside = database(server)
    inside.unlock()
    forged = Log(lines_of(server)[:1])
    forged.add(kind="key_lost", details=f"key={mine.hex}\n")
    while forged.tree.size < fields(server, "seal")["records"]:
        forged.add(words="nothing was removed")
    forged.add(kind="key_change", details=f"key={theirs}\n")
    forged.head(mine)
    server.stop()
    forged.put(inside)
    server.start()
    bad, problem = verified(server)
    assert bad == 2 and "lost_key" in problem
    server.reload(modules={"audit": {"lost_key": f"{mine.hex} {theirs}"}})
    assert verified(server) == (0, None)


WAITING = "(at, operation, actor, kind, message, account, room, reason, words, details)"


@pytest.mark.parametrize("kind, details", [("key_change", "key={key}"), ("begin", "key={key}"), ("Strange kind", ""),
                                           ("", "")])
def test_n1_what_no_module_wrote_puts_no_key_in_force(audited, database, kind, details):
    """Among the records that wait he may put what he likes: what only the log says of itself, and what no module
    can say, is on record as forged, and means nothing."""
    server = audited()
    mine = Key()
    database(server).does(f"insert into audit_waiting {WAITING} values (1, 'x', 'nobody', '{kind}', 7, '', '', '',"
                          f" 'words', '{details.format(key=mine.hex)}')")
    server.ctl("actor", "act", "1")
    fields(server, "seal")
    [forged] = found(server, "--kind", "forged")
    assert (forged["actor"], forged["reason"], len(detail(forged, "sha256"))) == ("server", "waiting", 64)
    assert not found(server, "--kind", "key_change")
    assert verified(server) == (0, None)
    assert "audit.forged" in server.output()
    exported = saved(server, "log", "export")
    assert offline("log", exported, "--key", key_of(server))[0] == 0


def test_n2_the_servers_own_proof_is_under_the_log(make_server, actors, database):
    """Evidence made up together with the batch that it is of: the record of the log says another root."""
    server = make_server(modules={"audit": {"evidence_every": "1 h"}, "mam": True})
    cast = actors(server)
    romeo, juliet = cast.online("romeo"), cast.account("juliet")
    romeo.sends(f"<message to='{juliet}' type='chat' id='m1'><body>what was said</body></message>")
    inside = database(server)
    [message] = inside.messages(1)
    fields(server, "seal")
    salt = bytes(16)
    form = b"\xff" + verifier.number(message) + verifier.sized(romeo.jid) + verifier.sized(str(juliet)) + b"made up"
    commitment = bytes(32) + hmac.digest(salt, form, "sha256")
    root = verifier.leaf_hash(verifier.number(message) + commitment)
    inside.does(f"update evidence set commitment = {inside.bytes(commitment.hex())}, salt = {inside.bytes(salt.hex())}",
                f"update audit_batch set root = {inside.bytes(root.hex())}")
    status, _, error = server.ctl("audit", "prove", message, "--from", romeo.jid, "--to", str(juliet), "--text",
                                  "made up", check=False)
    assert status == 1 and "the log has another root" in error, error


def test_n2_a_proof_of_an_altered_record_is_none(audited, database):
    server = audited()
    inside = database(server)
    inside.unlock()
    inside.does("update audit_record set words = 'Words 5' where seq = 7")
    for words in (("--record", 7), ("--record", 7, "--document"), ("--record", 9)):
        status, text, _ = server.ctl("audit", "prove", *words, check=False)
        assert status == (0 if words == ("--record", 9) else 1), text


def test_n1_growth_by_another_key_is_none(audited):
    """Who gives the newer head must be trusted as well."""
    server = audited()
    mine, theirs = Key(), key_of(server)
    size = fields(server, "seal")["records"]
    forged = Log(lines_of(server))
    forged.add(words="never happened")
    forged.head(mine)
    older, newer = (line["head"] for line in (lines_of(server)[-1], forged.lines[-1]))
    leaf = verifier.leaf_hash(bytes.fromhex(forged.lines[-2]["record"]["hash"]))
    peaks = forged.peaks(size)
    path = [peaks[-1], leaf, *reversed(peaks[:-1])] if size & (size - 1) else [leaf]
    document = {"xylem-audit-growth": 1, "older": older, "newer": newer, "path": [p.hex() for p in path]}
    growth = server.directory / "growth"
    growth.write_text(json.dumps(document))
    assert offline("growth", growth, "--key", theirs, "--key", mine.hex)[0] == 0
    status, text = offline("growth", growth, "--key", theirs)
    assert status == 1 and mine.hex in text
    proof = saved(server, "proof", "prove", "--record", 3, "--document")
    assert offline("proof", proof, "--growth", growth, "--key", theirs)[0] == 1


def test_n1_an_export_says_each_thing_once(audited):
    """A reader of another make may take the first of two members of one name."""
    server = audited()
    lines = server.ctl("audit", "export").splitlines()
    lines[7] = lines[7].replace('"words": ', '"words": "what you would like to read", "words": ')
    (server.directory / "twice").write_text("\n".join(lines))
    done = subprocess.run([str(VERIFY), "log", str(server.directory / "twice")], capture_output=True, text=True)
    assert done.returncode == 2 and "words" in done.stderr


def test_n1_the_server_goes_on_with_no_head_but_its_own(audited, database):
    """Records behind the last one, under a head that names the server's key for what follows and is by another."""
    server = audited()
    mine, theirs = Key(), key_of(server)
    forged = Log(lines_of(server))
    genuine = forged.tree.size
    forged.add(words="never happened")
    forged.head(mine)
    inside = database(server)
    record, head = (forged.lines[-2]["record"], forged.lines[-1]["head"])
    peaks = b"".join(forged.peaks(genuine + 1)).hex()
    forged.insert(inside, "audit_record", record, ("previous", "hash"))
    forged.insert(inside, "audit_head", head | {"next": theirs, "peaks": peaks},
                  ("root", "chain", "key", "signature", "next", "peaks"))
    server.ctl("actor", "act", "1")
    assert server.ctl("audit", "seal", check=False)[0] == 1
    assert verified(server) == (genuine + 1, "the head over it is by a key that the log does not name")
    assert inside.asks("select count(*) from audit_waiting") != "0"
    assert inside.asks("select max(seq) from audit_record") == str(genuine + 1)


def test_n1_the_verifier_refuses_what_it_would_not_look_at(audited):
    """Who gives a text believes that it was verified."""
    server = audited()
    export, head = saved(server, "log", "export"), fields(server, "seal")["records"]
    record = saved(server, "record", "prove", "--record", 3, "--document")
    fields(server, "key", "--change")
    growth = saved(server, "growth", "growth", head)
    text = ("--from", "a@b", "--to", "c@d", "--text", "anything")
    for words in (("proof", record, *text), ("log", export, *text), ("growth", growth, *text), ("proof", record, "--fast"),
                  ("log", export, "--growth", growth), ("growth", growth, "--accept-lost", 1)):
        done = subprocess.run([str(VERIFY), *map(str, words)], capture_output=True, text=True)
        assert done.returncode == 2 and "verified" not in done.stdout, words
    (server.directory / "deep").write_text("[" * 100000)
    assert subprocess.run([str(VERIFY), "log", str(server.directory / "deep")], capture_output=True).returncode == 2
    assert offline("log", export, "--key", lines_of(server)[3]["head"]["key"].upper())[0] == 0
    one = export.read_text().replace('"seq": 1,', '"seq": true,')
    (server.directory / "true").write_text(one)
    assert subprocess.run([str(VERIFY), "log", str(server.directory / "true")], capture_output=True).returncode == 2

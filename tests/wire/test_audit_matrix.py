# SPDX-License-Identifier: MIT
"""Every column of every table of the audit log altered a little (N1, N2): what `audit verify` names, what the offline
verifier does, and what has no consequence."""
import json

import pytest

from lib.auditing import audited, bad_record, database, fields, found, offline, saved, verified  # noqa: F401

pytestmark = pytest.mark.xylem
TEXTS = ("operation", "actor", "kind", "account", "room", "reason", "words", "details")
LATER = 100  # no record of the log here


RECORD = {**{name: f"{name} = {name} || 'x'" for name in TEXTS}, "seq": f"seq = seq + {LATER}", "at": "at = at + 1",
          "message": "message = message + 1", "previous": None, "hash": None}


@pytest.mark.parametrize("column", RECORD)
@pytest.mark.parametrize("which", [1, 7, "last"])
def test_n1_every_column_of_a_record(audited, database, column, which):
    server = audited()
    inside = database(server)
    inside.unlock()
    seq = fields(server, "seal")["records"] if which == "last" else which
    change = RECORD[column] or f"{column} = {flipped(inside, 'audit_record', column, f'seq = {seq}')}"
    inside.does(f"update audit_record set {change} where seq = {seq}")
    assert verified(server)[0] == seq
    status, text = offline("log", saved(server, "log", "export"))
    assert status == 1 and bad_record(text) == seq, text


def flipped(inside, table, column, where):
    encoding = f"encode({column}, 'hex')" if inside.postgres else f"hex({column})"
    octets = bytearray.fromhex(inside.asks(f"select {encoding} from {table} where {where}"))
    octets[0] ^= 1
    return inside.bytes(octets.hex())


@pytest.mark.parametrize("column", ["size", "at", "root", "chain", "key", "next", "signature", "peaks"])
@pytest.mark.parametrize("newest", [False, True])
def test_n1_every_column_of_a_head(audited, database, column, newest):
    """An old head's peaks are what a log would go on with: nobody does from there."""
    server = audited()
    inside = database(server)
    inside.unlock()
    sizes = [line["head"]["size"] for line in map(json.loads, server.ctl("audit", "export").splitlines())
             if "head" in line]
    size = sizes[-1 if newest else 1]
    value = {"size": f"{size} + 1", "at": "at + 1"}.get(column) or flipped(inside, "audit_head", column, f"size = {size}")
    inside.does(f"update audit_head set {column} = {value} where size = {size}")
    status, text, _ = server.ctl("audit", "verify", check=False)
    assert status == (1 if newest or column != "peaks" else 0), text
    if column not in ("peaks", "next"):  # these are in no export
        assert offline("log", saved(server, "log", "export"))[0] == 1
    if newest:  # what is broken is shown as well, and how far it goes
        assert "and records wait" in server.json("audit", "search")["notes"][0]


@pytest.fixture
def sealed(make_server, actors, database):
    """Nine messages under three roots."""
    server = make_server(modules={"audit": {"evidence_every": "1 h", "evidence_count": 4}, "mam": True})
    cast = actors(server)
    romeo, juliet = cast.online("romeo"), cast.account("juliet")
    for i in range(9):
        romeo.sends(f"<message to='{juliet}' type='chat' id='m{i}'><body>line {i}</body></message>")
    messages = database(server).messages(9)
    assert fields(server, "seal")["evidence_roots"] == 3
    assert server.ctl("audit", "verify", "--evidence")
    return server, database(server), messages


@pytest.mark.parametrize("change", [
    "update audit_batch set after = after + 1 where after = 0", "update audit_batch set last = last + 1 where after = 0",
    "update audit_batch set count = 5 where after = 0", "update audit_batch set operation = 'x' where after = 0",
    "update audit_batch set root = {root} where after = 0", "delete from audit_batch where after = 0",
    "update audit_batch set last = 9000000000000000000 where after = (select max(after) from audit_batch)",
    "insert into audit_batch values (8000000000000000000, 9000000000000000000, 1, {root}, 'x')"])
def test_n2_every_column_of_a_batch(sealed, change):
    """Also that no row says that messages to come have a root already."""
    server, inside, _ = sealed
    inside.does(change.format(root=inside.bytes("00" * 32)))
    bad, problem = verified(server)
    assert bad and ("batches" in problem or "had a root" in problem), problem


@pytest.mark.parametrize("index, change", [
    (5, "update evidence set commitment = {commitment} where message = {message}"),
    (8, "update evidence set message = message + 1 where message = {message}"),
    (5, "delete from evidence where message = {message}"),
    (0, "insert into evidence (message, commitment) values ({message} - 1, {commitment})")])
def test_n2_altered_evidence_is_found_by_looking_at_it(sealed, index, change):
    server, inside, messages = sealed
    inside.does(change.format(commitment=inside.bytes("00" * 64), message=messages[index]))
    assert verified(server) == (0, None)  # it is not in the log
    status, text, _ = server.ctl("audit", "verify", "--evidence", "--json", check=False)
    said = json.loads(text)["fields"]
    assert status == 1 and "evidence" in said["problem"]
    assert said["bad_record"] == found(server, "--kind", "evidence_root")[index // 4]["record"]


@pytest.mark.once
def test_n1_an_export_ends_before_it_is_too_long(audited):
    """Records of the largest size: so many at once, and how to go on."""
    server = audited()
    words = "w" * 4000
    server.ctl("actor", "act", "4000", "--words", words)
    paths, after = [], 0
    while after is not None:
        path = saved(server, f"log{after}", "export", "--after", after, "--limit", 100000)
        assert path.stat().st_size < 3 << 20
        more = json.loads(path.read_text().splitlines()[-1]).get("more")
        after = int(more.split()[1]) if more else None
        paths.append(path)
    assert len(paths) > 5
    assert offline("log", "--fast", *paths)[0] == 0

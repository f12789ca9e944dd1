# SPDX-License-Identifier: MIT
"""The audit log against somebody who owns the database but not the key (N1, N2): what he makes up is found by
`audit verify`, by the offline verifier, or is never signed."""
import json

import pytest

from lib.auditing import (audited, bad_record, database, detail, fields, found, key_of, offline,  # noqa: F401
                          saved, verified)
from lib.forge import Key, Log

pytestmark = pytest.mark.xylem


def written(server, log):
    path = server.directory / "forged"
    path.write_text(log.text())
    return path


def lines_of(server):
    return [json.loads(line) for line in server.ctl("audit", "export").splitlines()][1:]


def test_N1_no_key_takes_over_without_a_head_of_the_former(audited, database):
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


def test_N1_a_key_that_nobody_lost_is_replaced_by_nobody(audited, database):
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
    server.reload(modules={"audit": {"lost_key": "00 " + theirs}})
    assert verified(server) == (0, None)

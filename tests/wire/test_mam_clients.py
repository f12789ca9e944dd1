# SPDX-License-Identifier: MIT
"""slixmpp reads an archive through its own plugins: pages both ways, a filter, form, metadata, preferences."""
import json
import subprocess
import sys
from pathlib import Path

import pytest

from lib.archive import MAM, ask, shared_server, write

pytestmark = pytest.mark.xylem
HERE = Path(__file__).resolve().parent
assert shared_server


def test_slixmpp_reads_the_archive(cast, server):
    pytest.importorskip("slixmpp")
    romeo, nurse, jid = *cast.online("romeo", "nurse"), cast.account("juliet")
    for i in range(11):
        write(nurse if i % 3 else romeo, jid, i)
    done = subprocess.run([sys.executable, HERE / "clients" / "slixmpp_archive.py", jid, "secret", "127.0.0.1",
                           str(server.port("starttls")), str(romeo)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    everything = [str(i) for i in range(11)]
    assert found["forwards"] == everything
    assert sorted(found["backwards"], key=int) == everything
    assert found["with"] == [str(i) for i in range(0, 11, 3)]
    assert {MAM, MAM + "#extended"} <= set(found["features"])
    assert {"with", "start", "end", "before-id", "after-id", "ids"} <= set(found["fields"])
    assert found["preferences"] == ["roster", [str(romeo)], ["a@b.example"]]
    results = ask(cast.client("juliet", jid=jid).logs_in()).results
    assert found["ends"] == [results[0].id, results[-1].id]

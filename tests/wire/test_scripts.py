# SPDX-License-Identifier: MIT
"""scripts/run as a new operator meets it: one command, then the lines it prints."""
import re
import shlex
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from lib import process
from lib.client import Client

from conftest import TOP

pytestmark = [pytest.mark.xylem, pytest.mark.once]


class Running:
    """What Client needs of a server."""

    def __init__(self, ports):
        self.ports = ports

    def port(self, tls):
        return self.ports[tls]


@pytest.fixture
def run(build, place, engine):
    if build.name != "build":
        pytest.skip("scripts/run builds the release")
    folder, started = Path(tempfile.mkdtemp(dir=place, prefix="run")) / "run", []
    ports = dict(zip(("starttls", "direct"), process.free_ports(2)))

    def start(*flags):
        started.append(subprocess.Popen(
            [str(TOP / "scripts" / "run"), "--dir", str(folder), "--port", str(ports["starttls"]), "--tls-port",
             str(ports["direct"]), *flags], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            cwd=TOP, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)))  # a shell's background job ignores it
        lines = []
        for line in started[-1].stdout:
            lines.append(line)
            if "Ctrl-C" in line:
                return started[-1], "".join(lines)
        raise AssertionError("".join(lines))

    start.folder, start.ports = folder, ports
    yield start
    for each in started:
        if each.poll() is None:
            each.send_signal(signal.SIGTERM)
            each.wait(20)
        each.stdout.close()


def test_first_start_account_login_stop_and_again(run):
    program, text = run("--host", "verona.test")
    assert (run.folder / "tls" / "key.pem").stat().st_mode & 0o077 == 0
    names = subprocess.run(["openssl", "x509", "-in", str(run.folder / "tls" / "cert.pem"), "-noout", "-ext", "subjectAltName"],
                           capture_output=True, text=True).stdout
    assert "DNS:verona.test" in names and "DNS:localhost" in names and "127.0.0.1" in names
    create = shlex.split(re.search(r"build/xylemctl .* user create \S+", text).group())
    done = subprocess.run([*create, "--password-stdin"], input="secret\n", text=True, capture_output=True, cwd=TOP)
    assert done.returncode == 0, done.stderr
    for _ in range(2):
        for tls in ("starttls", "direct"):
            Client(Running(run.ports), "romeo@verona.test", "secret", tls=tls).comes_online().ends()
        program.send_signal(signal.SIGINT)  # to the script alone; Ctrl-C would reach the server as well
        assert program.wait(30) == 0
        program, text = run()  # the account is still there
    assert str(run.ports["direct"]) in text

# SPDX-License-Identifier: MIT
"""The configuration files that are shipped, and what the server says of wrong ones."""
import re
import subprocess

import pytest

from lib import process
from lib.server import DROP

from conftest import TOP

pytestmark = [pytest.mark.xylem, pytest.mark.once]
FILES = sorted((TOP / "config").glob("*.yaml")) + sorted((TOP / "config" / "examples").glob("*.yaml"))


def check(build, file):
    done = subprocess.run([str(build / "xylemd"), "-c", str(file), "--check"], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("file", FILES, ids=[f.stem for f in FILES])
def test_shipped_configuration(build, place, file):
    """Each reads without an error beside certificates of the names it mentions."""
    folder = place / f"config-{file.stem}"
    (folder / "tls").mkdir(parents=True)
    (folder / "data").mkdir()
    text = file.read_text()
    (folder / file.name).write_text(text)
    for certificate, key in re.findall(r"certificate: (tls/\S+), key: (tls/[^\s}]+)", text):
        made = process.make_certificate(folder, "example.org")
        made[0].replace(folder / certificate)
        made[1].replace(folder / key)
    status, output = check(build, folder / file.name)
    assert status == 0, output


WRONG = {
    "unknown key": ({"hostz": ["a"]}, r":\d+:\d+: .*hostz.*hosts"),
    "unknown module": ({"modules": {"rooster": True}}, r":\d+:\d+: .*rooster.*roster"),
    "unknown option": ({"modules": {"offline": {"qota": 1}}}, r":\d+:\d+: .*qota.*quota"),
    "wrong type": ({"modules": {"offline": {"quota": "many"}}}, r":\d+:\d+: .*quota"),
    "bad choice": ({"storage": {"durability": "fulll"}}, r":\d+:\d+: .*full"),
    "unknown driver": ({"storage": {"driver": "sqlit"}}, r":\d+:\d+: .*sqlit"),
    "no hosts": ({"hosts": DROP}, r"hosts"),
    "bad host": ({"hosts": ["xylem test"]}, r":\d+:\d+: "),
    "host config of a stranger": ({"host_config": {"mantua.test": {"modules": {"offline": False}}}}, r":\d+:\d+: .*mantua"),
    "plain listener to the world": ({"listen": [{"for": "c2s", "address": "0.0.0.0", "port": 5222, "tls": "none"}]}, r":\d+:\d+: .*(loopback|tls)"),
    "listener nobody serves": ({"listen": [{"for": "s2s", "port": 5269, "tls": "starttls"}]}, r":\d+:\d+: .*s2s"),
    "bad port": ({"listen": [{"for": "c2s", "port": 99999, "tls": "starttls"}]}, r":\d+:\d+: .*port"),
    "missing certificate": ({"tls": {"certificate": "/nowhere/cert.pem"}}, r"/nowhere/cert.pem"),
    "bad duration": ({"limits": {"stanza_rate": "quick"}}, r":\d+:\d+: .*stanza_rate"),
    "bad level": ({"log": {"level": "loud"}}, r":\d+:\d+: .*level"),
}


@pytest.mark.parametrize("what", list(WRONG))
def test_wrong_configuration(make_server, build, what):
    """--check names file, line and column, and what was meant; the server does not start with it."""
    changes, pattern = WRONG[what]
    server = make_server(start=False, **changes)
    status, output = check(build, server.config_file)
    assert status != 0 and re.search(pattern, output, re.S), output
    server.start(ready=False)
    assert server.process.wait(30) != 0
    server.process = None
    assert re.search(pattern, server.output(), re.S), server.output()


def test_every_error_at_once(make_server, build):
    server = make_server(start=False, hostz=["a"], modules={"rooster": True, "offline": {"quota": "many"}})
    status, output = check(build, server.config_file)
    assert status != 0 and all(word in output for word in ("hostz", "rooster", "quota")), output


def test_broken_yaml(make_server, build):
    server = make_server(start=False)
    server.config_file.write_text("hosts: [xylem.test\nlisten: {")
    status, output = check(build, server.config_file)
    assert status != 0 and re.search(r"xylem\.yaml:\d+:\d+: ", output), output


def test_configuration_missing(build, tmp_path):
    status, output = check(build, tmp_path / "none.yaml")
    assert status != 0 and "none.yaml" in output, output


def test_key_readable_by_nobody_else_is_not_needed_but_key_of_another_certificate_is_refused(make_server, build, place):
    folder = place / "otherkey"
    folder.mkdir()
    _, key = process.make_certificate(folder, "xylem.test")
    server = make_server(start=False, tls={"key": str(key)})
    status, output = check(build, server.config_file)
    assert status != 0 and str(key) in output, output


def test_defaults_are_a_configuration(build, place, certificate):
    """What --defaults prints can be read back."""
    done = subprocess.run([str(build / "xylemd"), "--defaults"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "hosts" in done.stdout, done.stderr


def test_port_in_use(make_server):
    """The second server says which port, and ends."""
    first = make_server()
    second = make_server(start=False, listen=[{"for": "c2s", "address": "127.0.0.1", "port": first.ports["starttls"], "tls": "starttls"}])
    second.start(ready=False)
    assert second.process.wait(30) != 0
    second.process = None
    assert str(first.ports["starttls"]) in second.output()

# SPDX-License-Identifier: MIT
"""What the server says of wrong configuration files, word for word: operators read nothing else."""
import os
import subprocess

import pytest

from lib import process

pytestmark = [pytest.mark.xylem, pytest.mark.once]

BASE = """\
hosts: [xylem.test]
data_dir: data
control: xylem.sock
"""
QUIET = BASE + "listen: []\n"


def check(build, folder, text):
    """Exit status and what --check prints, the folder's name taken out."""
    file = folder / "x.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    done = subprocess.run([str(build / "xylemd"), "-c", "x.yaml", "--check"], cwd=folder, capture_output=True,
                          text=True, timeout=60)
    return done.returncode, (done.stdout + done.stderr).replace(str(folder), "FOLDER")


NOTHING_KEPT = ("x.yaml:1:1: caution: xylem.test: offline and mam keep nothing: a message to somebody absent is "
                "returned to its sender")


def cautions(build, folder, text):
    status, said = check(build, folder, text)
    assert status == 0, said
    return said.splitlines()


# name: (text, exact output)
WRONG = {
    "empty": ("", "x.yaml: has no configuration in it\n"
                  "x.yaml: hosts: name at least one domain, such as hosts: [example.org]\n"
                  "x.yaml: tls: this listener needs a certificate: set tls: { certificate: FILE, key: FILE }\n"),
    "no hosts": ("listen: []\n", "x.yaml: hosts: name at least one domain, such as hosts: [example.org]\n"),
    "hosts without a value": ("hosts:\nlisten: []\n",
                              "x.yaml:1:1: hosts: name at least one domain, such as hosts: [example.org]\n"),
    "not a domain": (QUIET.replace("xylem.test", "a@xylem.test"),
                     "x.yaml:1:9: `a@xylem.test` is not a domain such as example.org\n"),
    "host twice, spelled differently": (QUIET.replace("xylem.test", "xylem.test, XYLEM.test"),
                                        "x.yaml:1:21: host xylem.test is named twice\n"),
    "unknown key": (QUIET + "lisen: []\n", "x.yaml:5:1: unknown option `lisen`; did you mean `listen`?\n"),
    "unknown key in a section": (QUIET + "limits: { stanza_byte: 20000 }\n",
                                 "x.yaml:5:11: unknown option `stanza_byte`; did you mean `stanza_bytes`?\n"),
    "section as a list": (QUIET + "log: [debug]\n",
                          "x.yaml:5:6: must be a map of options, such as { key: value }\n"),
    "duration without unit": (QUIET + "limits: { idle: 60 }\n",
                              "x.yaml:5:17: idle: `60` needs a unit: 60 s, 60 min, 60 h or 60 days, or `none`\n"),
    "too small": (QUIET + "limits: { stanza_bytes: 1 KiB }\n",
                  "x.yaml:5:25: stanza_bytes: must be at least 10 kB, not 1 KiB\n"),
    "io_threads": (QUIET + "io_threads: 9\n",
                   "x.yaml:5:13: io_threads: must be one of auto, 0, 1, 2, 3, 4, 5, 6, 7, 8, not `9`\n"),
    "a service on a host": (QUIET + "modules: { muc: { host: xylem.test } }\n",
                            "x.yaml:5:25: module muc: xylem.test is one of `hosts`; it needs a domain of its own\n"),
    "a service with a local part": (QUIET + "modules: { muc: { host: a@rooms.test } }\n",
                                    "x.yaml:5:25: module muc: must be a domain of its own\n"),
    "a service for two hosts": (QUIET.replace("[xylem.test]", "[xylem.test, b.test]") +
                                "modules: { muc: { host: rooms.test } }\n",
                                "x.yaml:5:25: module muc: rooms.test is served already, by muc@xylem.test\n"),
    "pgsql without url": (QUIET + "storage: { driver: pgsql }\n",
                          "x.yaml:5:1: url: is needed, such as postgresql:///xylem\n"),
    "url for sqlite": (QUIET + "storage: { url: 'postgresql:///x' }\n",
                       "x.yaml:5:17: url: is for driver: pgsql; sqlite takes a path\n"),
    "key without certificate": (QUIET + "tls: { key: k.pem }\n",
                                "x.yaml:5:13: key: needs a certificate beside it\n"),
    "missing certificate": (QUIET + "tls: { certificate: c.pem, key: k.pem }\n",
                            "x.yaml:5:21: certificate FOLDER/c.pem: No such file or directory\n"),
    "host config misspelt": (QUIET + "host_config: { xylem.tets: {} }\n",
                             "x.yaml:5:16: `xylem.tets` is not one of the hosts; did you mean `xylem.test`?\n"),
    "host config with other keys": (QUIET + "host_config: { xylem.test: { limits: {} } }\n",
                                    "x.yaml:5:30: unknown option `limits`\n"),
    "listeners as a map": (BASE + "listen: { port: 5222 }\n",
                           "x.yaml:4:9: listen: must be a list, such as [{ for: c2s, port: 5222 }]\n"),
    "listener without port": (BASE + "listen: [{ address: 127.0.0.1, tls: none }]\n",
                              "x.yaml:4:10: port: is required\n"),
    "plain listener to the world": (BASE + "listen: [{ port: 5222, tls: none }]\n",
                                    "x.yaml:4:29: tls: none is for loopback addresses only, such as address: "
                                    "127.0.0.1\n"),
    "plain listener on an address of the network": (
        BASE + "listen: [{ address: 192.0.2.1, port: 5222, tls: none }]\n",
        "x.yaml:4:49: tls: none is for loopback addresses only, such as address: 127.0.0.1\n"),
    "name for an address": (BASE + "listen: [{ address: localhost, port: 5222, tls: none }]\n",
                            "x.yaml:4:21: address: `localhost` is not a numeric address such as 127.0.0.1 or ::1\n"),
    "listener without certificate": (BASE + "listen:\n- { port: 5222 }\n",
                                     "x.yaml:5:3: tls: this listener needs a certificate: set tls: { certificate: "
                                     "FILE, key: FILE }\n"),
    "listener twice": (BASE + "listen:\n- { address: '::1', port: 5222, tls: none }\n"
                              "- { address: 127.0.0.1, port: 5222, tls: none }\n"
                              "- { address: '::1', port: 5222, tls: none }\n",
                       "x.yaml:7:3: port 5222 of ::1 is taken already, by the listener at x.yaml:5:3\n"),
    "service nobody serves": (BASE + "listen: [{ for: http, address: 127.0.0.1, port: 5280, tls: none }]\n",
                              "x.yaml:4:17: for: no module serves http listeners\n"),
    "unknown module": (QUIET + "modules: { rooster: on }\n",
                       "x.yaml:5:12: unknown module `rooster`; did you mean `roster`?\n"),
    "module neither on nor off": (QUIET + "modules: { ping: maybe }\n",
                                  "x.yaml:5:18: module ping: must be on, off or a map of its options, not `maybe`\n"),
    "all of it at once": (QUIET.replace("data_dir", "datadir") + "log: { level: loud, format: xml }\n"
                                                                   "limits: { depth: deep }\n",
                          "x.yaml:2:1: unknown option `datadir`; did you mean `data_dir`?\n"
                          "x.yaml:5:15: level: must be one of debug, info, notice, warn, error, not `loud`\n"
                          "x.yaml:5:29: format: must be one of text, json, not `xml`\n"
                          "x.yaml:6:18: depth: `deep` is not a whole number, or `none`\n"),
    "key twice": (QUIET + "hosts: [b.test]\n", "x.yaml:5:1: `hosts` is set twice; the first is at x.yaml:1:1\n"),
    "no text": (QUIET.encode() + b"log: \xff\n", "x.yaml:5:6: not valid UTF-8 (0xff)\n"),
}


@pytest.mark.parametrize("what", list(WRONG))
def test_words(build, tmp_path, what):
    text, expected = WRONG[what]
    assert check(build, tmp_path, text) == (1, expected)


def test_right(build, tmp_path):
    assert cautions(build, tmp_path, QUIET) == ["x.yaml: no errors", NOTHING_KEPT]
    assert os.listdir(tmp_path) == ["x.yaml"], "--check must leave nothing behind"


def test_folder_of_additions(build, tmp_path):
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "10-more.yaml").write_text("modules: { ping: on }\nhosts: [more.test]\n")
    assert check(build, tmp_path, QUIET)[0] == 0
    (tmp_path / "conf.d" / "20-wrong.yaml").write_text("control: other.sock\nmodules: { ping: off }\n")
    assert check(build, tmp_path, QUIET) == (
        1, "conf.d/20-wrong.yaml:1:1: `control` is set already, at x.yaml:3:1; a second file can only add to "
           "lists and maps\n"
           "conf.d/20-wrong.yaml:2:12: `ping` is set already, at conf.d/10-more.yaml:1:12; a second file can only "
           "add to lists and maps\n")


def test_not_a_file(build, tmp_path):
    def say(file):
        done = subprocess.run([str(build / "xylemd"), "-c", file, "--check"], cwd=tmp_path, capture_output=True,
                              text=True, timeout=60)
        return done.returncode, done.stderr

    (tmp_path / "folder").mkdir()
    assert say("none.yaml") == (1, "none.yaml: cannot be read: No such file or directory\n")
    assert say("folder") == (1, "folder: is a directory, not a configuration file\n")


def test_too_many_connections(build, tmp_path):
    (tmp_path / "x.yaml").write_text(QUIET + "limits: { connections: 900000 }\n")
    done = subprocess.run(["sh", "-c", f"ulimit -n 1000; exec {build / 'xylemd'} -c x.yaml"], cwd=tmp_path,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == ("x.yaml:5:24: connections: 900000 connections need 900128 open files and this process may "
                           "have 1000: raise `ulimit -n` (systemd: LimitNOFILE) or lower this\n")


def test_defaults_read_back(build, tmp_path, certificate):
    """Every key with its default is a configuration once it has a certificate; what weakens evidence says so."""
    done = subprocess.run([str(build / "xylemd"), "--defaults"], capture_output=True, text=True, timeout=60)
    text = done.stdout.replace('certificate: ""', f"certificate: {certificate[0]}").replace(
        'key: ""', f"key: {certificate[1]}")
    said = cautions(build, tmp_path, text)
    assert done.returncode == 0 and said.count("x.yaml: no errors") == 1
    assert all("caution: retraction" in line or "caution: approvers: nobody" in line for line in said
               if line != "x.yaml: no errors")


# What can lose a message, by the options that make it so (S2-15).
SAFE = "offline: on, sm: on, mam: on, sasl: on, sasl2: on, bind: on, bind2: on"
RISKS = {
    "nothing kept": ("sasl: on, bind: on", "", "offline and mam keep nothing"),
    "never": ("mam: { default: never }, sasl: on, bind: on", "", "offline and mam keep nothing"),
    "archive only": ("mam: on, sasl: on, bind: on", "", "mam without offline"),
    "discard": (SAFE.replace("offline: on", "offline: { clear: discard }"), "", "clear: discard with bind2"),
    "window": (SAFE.replace("sm: on", "sm: { resume_for: 2 h }").replace("offline: on", "offline: { keep_for: 1 h }"),
               "", "resume_for is longer than offline.keep_for"),
    "nowhere": ("sm: on, mam: on, sasl: on, bind: on", "", "sm without offline"),
    "devices": ("offline: { device_for: 1 h }, sm: on, sasl: on, bind: on", "", "device_for is shorter"),
    "no sm": ("offline: on, mam: on, sasl: on, bind: on", "", "offline without sm"),
    "no grace": (SAFE, "limits: { grace: 0 s }", "limits.grace is 0"),
    "relaxed": (SAFE, "storage: { durability: relaxed }", "durability: relaxed"),
}


@pytest.mark.parametrize("name", RISKS)
def test_what_can_lose_a_message_is_named(build, tmp_path, name):
    modules, more, said = RISKS[name]
    text = QUIET.replace("modules: {}", "") + f"modules: {{ {modules} }}\n{more}\n"
    assert any(said in line for line in cautions(build, tmp_path, text)), cautions(build, tmp_path, text)


TAKEN_BACK = "audit: on, muc: on, " + SAFE
PURGES = {"by_preset": "purge_by_preset: off, purge_after: 1 day", "never": "purge_by_preset: off, purge_after: none",
          "unused": "purge_after: 1 day"}
BY_ITSELF, NO_PRESET, UNUSED = ("purge_after without retention", "governance: hygienic or minimal without retention",
                                "purge_after without purge_by_preset: off has no effect")
KEPT = {
    "hygienic": ("retract: on", "governance: hygienic", NO_PRESET),
    "minimal": ("retract: on", "governance: minimal", NO_PRESET),
    "without the modules": ("time: on", "governance: minimal", NO_PRESET),
    "of a class": ("retract: on", "governance_by_class: { service: hygienic }", NO_PRESET),
    "evidential": ("retract: on", "governance: evidential", None),
    "done": ("retention: on, retract: on", "governance: minimal", None),
    "done of a class": ("retention: on", "governance_by_class: { service: hygienic }", None),
}
for _module, _more in (("retract", ""), ("retract_muc", "authors: on, "), ("retract_admin", "")):
    KEPT |= {
        f"{_module} alone": (f"{_module}: {{ {_more}{PURGES['by_preset']} }}", "", BY_ITSELF),
        f"{_module} and retention": (f"retention: on, {_module}: {{ {_more}{PURGES['by_preset']} }}", "", None),
        f"{_module} never": (f"{_module}: {{ {_more}{PURGES['never']} }}", "", None),
        f"{_module} unused": (f"retention: on, {_module}: {{ {_more}{PURGES['unused']} }}", "", UNUSED),
    }


@pytest.mark.parametrize("name", KEPT)
def test_what_is_not_destroyed_as_it_seems_is_named(build, tmp_path, name):
    """Nothing is purged without the module retention, and nobody would notice."""
    modules, more, expected = KEPT[name]
    text = QUIET.replace("modules: {}", "") + f"modules: {{ {TAKEN_BACK}, {modules} }}\n{more}\n"
    said = cautions(build, tmp_path, text)
    found = [told for told in (BY_ITSELF, NO_PRESET, UNUSED) if any(told in line for line in said)]
    assert found == ([expected] if expected else []), said


def test_it_is_said_at_the_start_and_at_a_reload(make_server):
    server = make_server(modules={"audit": True, "retract": True, "retention": False}, governance="minimal")
    process.wait_until(lambda: [line for line in server.output().splitlines()
                                if " config.caution " in line and NO_PRESET in line], "the caution in the log")
    assert NO_PRESET not in server.reload(modules={"retention": True})
    assert NO_PRESET in server.reload(modules={"retention": False})
    assert [line for line in server.output(10**6).splitlines() if "reload.complaint" in line and NO_PRESET in line]


def test_a_safe_configuration_is_not_cautioned(build, tmp_path):
    assert cautions(build, tmp_path, QUIET + f"modules: {{ {SAFE} }}\n") == ["x.yaml: no errors"]


@pytest.mark.parametrize("arguments, status, said", [
    (["--help"], 0, "usage: xylemd [-c FILE]"),
    (["--version"], 0, "xylemd "),
    (["--check", "extra"], 2, "see --help"),
    (["--chekc"], 2, "see --help"),
    (["--test-clock=soon"], 2, "see --help"),
    (["--man"], 0, ".TH XYLEM.YAML 5"),
    (["--schema"], 0, '"$schema"'),
])
def test_command_line(build, arguments, status, said):
    done = subprocess.run([str(build / "xylemd"), *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == status and said in done.stdout + done.stderr

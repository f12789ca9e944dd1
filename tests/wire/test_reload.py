# SPDX-License-Identifier: MIT
"""Reload: everything the file says is followed without dropping a connection, or nothing is."""
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading

import pytest

from lib import dom, process
from lib.server import DROP

from conftest import TOP

pytestmark = [pytest.mark.xylem, pytest.mark.once]


def changes(server, *words):
    """What a reload says: {(what, name): change}; modules without their host."""
    rows = server.json("reload", *words)["rows"]
    return {(r["what"], r["name"].split("@")[0]): r["change"] for r in rows}


def refused(server):
    """The errors of a reload that must fail, the server's folder taken out."""
    status, text, _ = server.ctl("-s", server.directory / "xylem.sock", "reload", "--json", check=False)
    answer = json.loads(text)
    assert status == 2 and answer["error"] == "the configuration has errors; nothing has changed"
    return [f"{r['where']}: {r['text']}".replace(str(server.directory) + "/", "") for r in answer["rows"]]


def entry(port, tls="none", address="127.0.0.1"):
    return {"for": "c2s", "address": address, "port": port, "tls": tls}


def test_nothing_changed(make_server, actors):
    server = make_server()
    romeo, juliet = actors(server)("romeo", "juliet")
    assert changes(server) == {}
    romeo.sends(f"<message to='{juliet.full}'><body>still here</body></message>")
    assert dom.find(juliet.next_element(), "client:body").text == "still here"


def test_options_modules_and_limits_follow(make_server, actors):
    server = make_server()
    romeo = actors(server)("romeo")
    server.write_config(modules={"offline": {"quota": 5}, "time": False, "version": DROP}, limits={"depth": 60},
                        log={"level": "info"})
    assert changes(server, "--dry-run") == changes(server) == {
        ("module", "offline"): "retuned", ("module", "time"): "removed", ("module", "version"): "removed",
        ("option", "limits.depth"): "changed", ("option", "log.level"): "changed"}
    rows = server.json("module", "info", "offline")["rows"]
    assert next(r["value"] for r in rows if r["name"] == "quota") == "5"
    assert server.ctl("module", "info", "time", check=False)[0] == 3
    server.write_config(modules={"time": True, "version": True})
    assert changes(server) == {("module", "time"): "added", ("module", "version"): "added"}
    romeo.sends("<iq type='get' id='t'><query xmlns='jabber:iq:roster'/></iq>")
    assert romeo.next_element().get("id") == "t", "the session outlived it all"
    assert server.json("status")["fields"]["reloads"] == 2


def test_dry_run_changes_nothing(make_server):
    server = make_server()
    port = process.free_ports(1)[0]
    server.write_config(listen=[*server.config["listen"], entry(port)], modules={"time": False})
    answer = server.json("reload", "--dry-run")
    assert answer["notes"][-1] == "dry run: nothing has changed"
    assert ("listener", f"c2s 127.0.0.1 port {port} none", "opened") in [
        (r["what"], r["name"], r["change"]) for r in answer["rows"]]
    assert not process.accepts(port)
    assert server.json("module", "info", "time")["exit"] == 0
    assert server.json("status")["fields"]["reloads"] == 0


def test_every_error_is_reported_and_nothing_changes(make_server, actors):
    server = make_server(io_threads=0)
    romeo = actors(server)("romeo")
    port = process.free_ports(1)[0]
    taken = socket.create_server(("127.0.0.1", 0))
    server.config_file.write_text(f"""\
hosts: [xylem.test, verona.test]
data_dir: elsewhere
control: xylem.sock
storage: {{ driver: sqlite, path: data/other.db }}
io_threads: 3
listen:
- {{ for: c2s, address: 127.0.0.1, port: {port}, tls: none }}
- {{ for: c2s, address: 127.0.0.1, port: {taken.getsockname()[1]}, tls: none }}
tls: {{ certificate: none.pem, key: none.key }}
modules: {{ rooster: on, offline: {{ quota: many }} }}
limits: {{ deepth: 3 }}
""")
    expected = [
        "xylem.yaml:2:11: data_dir: changing it takes a restart",
        "xylem.yaml:4:",
        "xylem.yaml:5:13: io_threads: changing it takes a restart; the server runs with 0",
        f"xylem.yaml:8:3: cannot listen on 127.0.0.1 port {taken.getsockname()[1]}: Address already in use",
        "xylem.yaml:9:21: certificate none.pem: No such file or directory",
        "xylem.yaml:10:12: unknown module `rooster`; did you mean `roster`?",
        "xylem.yaml:10:43: quota: `many` is not a whole number, or `none`",
        "xylem.yaml:11:11: unknown option `deepth`; did you mean `depth`?",
    ]
    errors = refused(server)
    for line in expected:
        assert any(e.startswith(line) for e in errors), "\n".join([line, "not in", *errors])
    assert not process.accepts(port) and all(process.accepts(p) for p in server.ports.values())
    assert server.json("status")["fields"]["reloads"] == 0
    romeo.sends("<iq type='get' id='t'><query xmlns='jabber:iq:roster'/></iq>")
    assert romeo.next_element().get("id") == "t"
    taken.close()


def test_broken_file(make_server):
    server = make_server()
    server.config_file.write_text("hosts: [\n")
    assert refused(server)[0].startswith("xylem.yaml:2:1: not YAML: ")
    server.config_file.unlink()
    assert server.ctl("status", check=False)[0] == 2, "without the file nobody knows the socket"
    server.process.send_signal(signal.SIGHUP)
    process.wait_until(lambda: "reload.refused" in server.output(), "the refusal in the log")
    server.write_config()
    assert changes(server) == {}


def test_listeners_come_go_and_change(make_server, actors):
    server = make_server()
    kept = actors(server)("kept")
    old, new = server.ports["none"], process.free_ports(1)[0]
    server.write_config(listen=[entry(server.ports["starttls"], "starttls"), entry(server.ports["direct"], "starttls"),
                                entry(new)])
    assert changes(server) == {
        ("listener", f"c2s 127.0.0.1 port {new} none"): "opened",
        ("listener", f"c2s 127.0.0.1 port {server.ports['direct']} starttls"): "opened",
        ("listener", f"c2s 127.0.0.1 port {old} none"): "closed"}
    assert process.accepts(new) and not process.accepts(old)
    plain = socket.create_connection(("127.0.0.1", server.ports["direct"]), 30)
    plain.sendall(b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
                  b"to='xylem.test' version='1.0'>")
    assert b"stream:stream" in plain.recv(4096), "direct TLS became STARTTLS on the same port"
    plain.close()
    kept.sends("<iq type='get' id='t'><query xmlns='jabber:iq:roster'/></iq>")
    assert kept.next_element().get("id") == "t", "a connection made through a closed listener stays"


def served_certificate(port):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 30) as plain:
        with context.wrap_socket(plain, server_hostname="xylem.test") as secure:
            return secure.getpeercert(True)


def test_certificates_are_read_again(make_server, actors, place):
    folder = place / "renewed"
    folder.mkdir()
    first = process.make_certificate(folder, "xylem.test")
    server = make_server(tls={"certificate": str(first[0]), "key": str(first[1])})
    romeo = actors(server)("romeo")
    before = served_certificate(server.ports["direct"])
    process.make_certificate(folder, "xylem.test")
    assert served_certificate(server.ports["direct"]) == before
    assert changes(server) == {("certificate", str(first[0])): "changed"}
    assert served_certificate(server.ports["direct"]) != before
    assert changes(server) == {}
    romeo.sends("<iq type='get' id='t'><query xmlns='jabber:iq:roster'/></iq>")
    assert romeo.next_element().get("id") == "t"


def test_key_of_another_certificate(make_server, place):
    folder = place / "mismatch"
    folder.mkdir()
    certificate, key = process.make_certificate(folder, "xylem.test")
    server = make_server(tls={"certificate": str(certificate), "key": str(key)})
    before = served_certificate(server.ports["direct"])
    process.make_certificate(folder, "xylem.test", stem="other")
    shutil.copy(folder / "other.key", key)
    assert "does not belong to certificate" in refused(server)[0]
    assert served_certificate(server.ports["direct"]) == before


def test_hosts_come_and_go(make_server, actors):
    server = make_server()
    cast = actors(server)
    romeo = cast.online("romeo", domain="verona.test")
    server.write_config(hosts=["xylem.test", "mantua.test"])
    server.json("reload")
    romeo.hears_stream_error("host-gone")
    assert server.create("late", domain="mantua.test") == "late@mantua.test"
    assert server.ctl("user", "create", "x@verona.test", "--password-stdin", input="x\n", check=False)[0] == 2


def test_signal_reloads(make_server):
    server = make_server()
    server.write_config(limits={"depth": 70})
    server.process.send_signal(signal.SIGHUP)
    process.wait_until(lambda: server.json("status")["fields"]["reloads"] == 1, "the reload")
    assert server.ctl("config", "diff") == "the server runs with what the file says\n"


def test_many_signals_are_one_or_two_reloads(make_server):
    server = make_server()
    for _ in range(50):
        server.process.send_signal(signal.SIGHUP)
    process.wait_until(lambda: server.json("status")["fields"]["reloads"] >= 1, "the reload")
    assert server.json("status")["exit"] == 0


def test_log_file_is_opened_anew(make_server):
    """Rotation: rename the file, reload, and lines go to a new one. An impossible one is an error."""
    server = make_server(log={"file": "xylem.log"})
    file = server.directory / "xylem.log"
    process.wait_until(lambda: "server.ready" in file.read_text(), "the line that says so")
    file.rename(server.directory / "xylem.log.1")
    server.ctl("reload")
    assert "reload.done" in file.read_text()
    assert "reload.done" not in (server.directory / "xylem.log.1").read_text()
    server.write_config(log={"file": "nowhere/xylem.log"})
    assert refused(server)[0].endswith("nowhere/xylem.log cannot be opened")
    assert "reload.refused" in file.read_text(), "the log goes on where it was"


def test_reload_under_load(make_server, actors):
    """Messages flow while the configuration changes again and again: none is lost, doubled, reordered."""
    server = make_server()
    romeo, juliet = actors(server)("romeo", "juliet")
    for i in range(200):
        romeo.sends(f"<message to='{juliet.full}' id='m{i}'><body>{i}</body></message>")
        if i % 20 == 0:
            server.write_config(modules={"offline": {"quota": 100 + i}, "time": i % 40 == 0})
            server.process.send_signal(signal.SIGHUP)
    assert [juliet.next_element().get("id") for _ in range(200)] == [f"m{i}" for i in range(200)]
    juliet.hears_nothing()


def test_stop_during_reloads(make_server):
    server = make_server()
    for _ in range(5):
        server.process.send_signal(signal.SIGHUP)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(60) == 0
    server.process = None


def test_working_directory_does_not_matter(make_server):
    """Paths are relative to the configuration file."""
    server = make_server(start=False)
    os.chdir("/")
    server.start()
    assert (server.directory / "xylem.sock").exists() and (server.directory / "data").exists()


# ---- the code of a module ------------------------------------------------------------------------------

NOVEL = """\
#define XY_STATE novel
#include <xylem/xylem.h>
struct novel { int64_t told; };
static xy_status say(XY_SELF, struct xy_command *command)
{
    xy_put_str(command, "edition", XY_STR(EDITION));
    xy_put_int(command, "told", ++self->told);
    return XY_OK;
}
static xy_status wait_long(XY_SELF, struct xy_command *command)
{
    xy_put_str(command, "slept", xy_str_from(xy_status_name(xy_sleep(20000))));
    return say(self, command);
}
static void hand_over(XY_SELF, struct xy_handover *to)
{
    xy_handover_put(to, "told", 1, XY_KEY(self->told));
}
static void adopt(XY_SELF, struct xy_handover *from)
{
    struct xy_str bytes;
    if (xy_handover_get(from, "told", 1, &bytes) == XY_OK)
        memcpy(&self->told, bytes.at, sizeof(self->told));
}
static xy_status start(XY_SELF) { return START; }
static const struct xy_command_row commands[] = {
    XY_COMMAND("novel say", say, .about = "Says which edition it is."),
    XY_COMMAND("novel wait", wait_long, .about = "The same, later."),
};
XY_MODULE(novel, .about = "A test.", .scope = XY_SERVER, XY_STATE_SIZE, XY_START(start), XY_HAND_OVER(hand_over),
          XY_ADOPT(adopt), XY_TABLE(commands, commands));
"""


@pytest.fixture
def editions(make_server, tmp_path):
    """A server with the module `novel`, and a function that publishes an edition of it."""

    def publish(edition, start="XY_OK"):
        source = tmp_path / "novel.c"
        source.write_text(NOVEL)
        subprocess.run(["cc", "-std=gnu17", "-shared", "-fPIC", "-fvisibility=hidden", "-nostartfiles",
                        f"-Wl,--version-script={TOP / 'modules/module.map'}", f"-I{TOP / 'include'}",
                        f'-DEDITION="{edition}"', f"-DSTART={start}", "-o", tmp_path / "new.so", source,
                        f"-L{server.build}", "-lxylem"], check=True)
        (tmp_path / "new.so").rename(tmp_path / "novel.so")

    server = make_server(start=False, test_clock=True, modules={"novel": True})
    publish("first")
    inherited = server.environment
    server.environment = lambda: {**inherited(), "XYLEM_MODULES": str(tmp_path)}
    return server.start(), publish


def test_changed_code_replaces_the_old_and_takes_over_its_state(editions, actors):
    server, publish = editions
    romeo = actors(server)("romeo")
    assert server.json("novel", "say")["fields"] == {"edition": "first", "told": 1}
    publish("second")
    assert server.json("novel", "say")["fields"] == {"edition": "first", "told": 2}
    assert changes(server) == {("module", "novel"): "replaced"}
    assert server.json("novel", "say")["fields"] == {"edition": "second", "told": 3}
    assert changes(server) == {}
    romeo.sends("<iq type='get' id='t'><query xmlns='jabber:iq:roster'/></iq>")
    assert romeo.next_element().get("id") == "t"


def test_who_waits_in_the_old_code_finishes_there(editions):
    server, publish = editions
    answers = []
    waiter = threading.Thread(target=lambda: answers.append(server.json("novel", "wait")["fields"]))
    waiter.start()
    process.wait_until(lambda: server.json("module", "info", "novel")["fields"]["running"] > 0, "the waiter")
    publish("second")
    server.ctl("reload")
    assert server.json("novel", "say")["fields"]["edition"] == "second"
    assert server.json("status")["fields"]["modules_draining"] == 1
    server.advance("20 s")
    waiter.join(60)
    assert answers == [{"slept": "ok", "edition": "first", "told": 1}]
    process.wait_until(lambda: server.json("status")["fields"]["modules_draining"] == 0, "the end of the old one")
    assert server.json("status")["fields"]["modules_abandoned"] == 0


def test_code_that_does_not_start_changes_nothing(editions):
    server, publish = editions
    publish("broken", "XY_BROKEN")
    assert refused(server)[0].endswith("module novel does not start: broken")
    assert server.json("novel", "say")["fields"]["edition"] == "first"


def test_file_that_is_no_module(editions, tmp_path):
    server, _ = editions
    (tmp_path / "new.so").write_bytes(b"\x7fELF" + b"\0" * 100)
    (tmp_path / "new.so").rename(tmp_path / "novel.so")
    assert "novel.so" in refused(server)[0]
    assert server.json("novel", "say")["fields"]["edition"] == "first"

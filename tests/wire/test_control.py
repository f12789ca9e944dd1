# SPDX-License-Identifier: MIT
"""The control socket and xylemctl: requests, exit codes, both with a server and without one."""
import json
import os
import pty
import signal
import socket
import stat
import subprocess
import threading

import pytest

from lib import process

pytestmark = [pytest.mark.xylem, pytest.mark.once]


class Control:
    """The socket itself, as a program would use it."""

    def __init__(self, server):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(server.directory / "xylem.sock"))
        self.file = self.socket.makefile("rb")

    def sends(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode())

    def hears(self):
        return json.loads(self.file.readline())

    def asks(self, *words, **more):
        self.sends(json.dumps({"words": words, **more}) + "\n")
        return self.hears()

    def close(self):
        self.file.close()
        self.socket.close()


@pytest.fixture
def control(server):
    made = Control(server)
    yield made
    made.close()


# ---- the protocol ----------------------------------------------------------------------------------


def test_answer_has_one_form(control):
    answer = control.asks("status")
    assert set(answer) == {"status", "exit", "fields", "rows", "notes"}
    assert answer["status"] == "ok" and answer["exit"] == 0 and answer["fields"]["uptime_s"] >= 0
    answer = control.asks("user", "show", "nobody@xylem.test")
    assert answer["status"] == "absent" and answer["exit"] == 3
    assert answer["error"] == "there is no account nobody@xylem.test"


def test_requests_that_make_no_sense(control):
    for text, error in [
        ("[1, 2]", "a request is an object with an array of `words`"),
        ('{"words": "status"}', "a request is an object with an array of `words`"),
        ('{"words": [1]}', "`words` must be texts"),
        ('{"words": ["status"], "options": []}', "`options` must be an object"),
        ('{"words": ["status"], "input": 1}', "`input` must be a text"),
        ('{"words": []}', "no command; `help` lists them"),
        ('{"words": ["user"]}', "`user` takes one of: create, password, disable, enable, kind, delete, list, show, import"),
        ('{"words": ["usre", "list"]}', "unknown command `usre list`; did you mean `user list`?"),
        ('{"words": ["conquer"]}', "unknown command `conquer`; `help` lists them"),
        ('{"words": ["user", "list"], "options": {"limit": true}}',
         "must be a text: --limit; usage: xylemctl user list [--host HOST] [--limit N] [--after JID]"),
        ('{"words": ["user", "list"], "options": {"limti": 3}}',
         "unknown option --limti (did you mean --limit?); usage: xylemctl user list [--host HOST] [--limit N] "
         "[--after JID]"),
    ]:
        control.sends(text + "\n")
        answer = control.hears()
        assert (answer["exit"], answer["error"]) == (2, error)
    control.sends("{words\n")
    assert control.hears()["error"].startswith("not JSON: ")
    assert control.asks("status")["exit"] == 0, "the connection must survive all of that"


def test_options_as_words_or_object(control, server):
    server.create("options")
    one = control.asks("user", "list", "--limit", "1", "--host=" + server.domain)
    other = control.asks("user", "list", options={"limit": 1, "host": server.domain})
    assert one == other and len(one["rows"]) == 1


def test_many_requests_at_once_on_one_connection(control):
    control.sends(b'{"words":["status"]}\n{"words":["module","list"]}\n' * 20)
    answers = [control.hears() for _ in range(40)]
    assert ["uptime_s" in a["fields"] for a in answers] == [True, False] * 20


def test_slow_client_keeps_nobody(control, server):
    """Half a request, then silence; and one that asks for much and reads nothing."""
    slow, lazy = Control(server), Control(server)
    slow.sends('{"words": ["st')
    lazy.sends('{"words": ["config", "defaults"]}\n' * 200)
    assert control.asks("status")["exit"] == 0
    slow.sends('atus"]}\n')
    assert slow.hears()["exit"] == 0
    for _ in range(200):
        assert "offline:" in lazy.hears()["fields"]["defaults"]
    slow.close()
    lazy.close()


def test_client_that_leaves_before_the_answer(control, server):
    for _ in range(20):
        gone = Control(server)
        gone.sends(json.dumps({"words": ["user", "create", f"gone@{server.domain}"], "input": "secret"}) + "\n")
        gone.close()
    assert control.asks("status")["exit"] == 0
    process.wait_until(lambda: control.asks("user", "show", f"gone@{server.domain}")["exit"] == 0, "the account")


def test_too_long_a_request(make_server):
    server = make_server()
    control = Control(server)
    try:
        control.sends(b" " * ((64 << 20) + 2))
        assert control.hears()["error"] == "the request is too long"
    except ConnectionError:
        pass
    control.close()
    assert server.json("status")["exit"] == 0


def test_socket_is_private(server):
    mode = os.stat(server.directory / "xylem.sock").st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600


# ---- xylemctl ----------------------------------------------------------------------------------------


def test_accounts(server):
    jid = f"account@{server.domain}"
    assert server.json("user", "create", f"Account@{server.domain.upper()}", "--password-stdin",
                       input="secret\n")["fields"] == {"created": jid}
    assert server.ctl("user", "create", jid, "--password-stdin", input="secret\n", check=False) == (
        4, "", f"xylemctl: the account {jid} exists already\n")
    assert server.json("user", "show", jid)["fields"]["state"] == "active"
    server.ctl("user", "disable", jid)
    assert server.json("user", "show", jid)["fields"]["state"] == "disabled"
    server.ctl("user", "enable", jid)
    assert server.json("user", "show", jid)["fields"]["state"] == "active"
    server.ctl("user", "delete", jid)
    assert server.ctl("user", "show", jid, check=False) == (3, "", f"xylemctl: there is no account {jid}\n")


@pytest.mark.parametrize("jid, error", [
    ("@xylem.test", "`@xylem.test` is not a JID"),
    ("xylem.test", "`xylem.test` has no name before the @"),
    ("romeo@xylem.test/balcony", "`romeo@xylem.test/balcony` has a resource; accounts have none"),
    ("romeo@example.com", "`romeo@example.com` is of a domain that is not served here"),
])
def test_not_an_account(server, jid, error):
    assert server.ctl("user", "create", jid, "--password-stdin", input="x\n", check=False) == (
        2, "", f"xylemctl: {error}\n")


def test_usage_errors(server):
    usage = "usage: xylemctl session kick JID [--reason TEXT]\n"
    for words, error in [
        (["session", "kick"], "missing: JID; "),
        (["session", "kick", "a@xylem.test", "b"], "too many arguments: b; "),
        (["session", "kick", "a@xylem.test", "--reason"], "a value is missing behind --reason; "),
        (["session", "kick", "a@xylem.test", "--raeson", "x"], "unknown option --raeson (did you mean --reason?); "),
    ]:
        assert server.ctl(*words, check=False) == (2, "", f"xylemctl: {error}{usage}")
    assert server.ctl("session", "kick", "--", "--reason", check=False)[2] == "xylemctl: `--reason` is not a JID\n" or \
        server.ctl("session", "kick", "--", "--reason", check=False)[0] == 3


def test_list_goes_on_where_it_ended(server):
    jids = [f"page{i}@{server.domain}" for i in range(5)]
    server.import_accounts(jids)
    first = server.json("user", "list", "--after", f"pag@{server.domain}", "--limit", "3")
    assert [r["jid"] for r in first["rows"]] == jids[:3] and first["notes"]
    then = server.json("user", "list", "--after", jids[2], "--limit", "2")
    assert [r["jid"] for r in then["rows"]] == jids[3:]


def test_import_counts_and_names_lines(server):
    listing = server.directory / "people.tsv"
    domain = server.domain
    listing.write_text(f"one@{domain}\tsecret\r\n\nno tab here\nbad@@{domain}\tx\nfar@example.com\tx\n"
                       f"one@{domain}/x\tx\nempty@{domain}\t\nONE@{domain}\tother\ntwo@{domain}\ttab\tinside\n")
    status, text, _ = server.ctl("user", "import", listing, "--json", check=False)
    answer = json.loads(text)
    assert status == 2 and answer["error"] == "6 lines are not accounts"
    assert answer["fields"] == {"created": 1, "existing": 1, "invalid": 6, "failed": 0}
    assert sorted((r["line"], r["problem"]) for r in answer["rows"]) == [
        (3, "no tab between JID and password"), (4, "not a JID"), (5, "not a domain served here"),
        (6, "not the JID of an account"), (7, "the password is empty or not allowed"), (8, "is on line 1 already"), (9, "the password is empty or not allowed")]
    again = server.ctl("user", "import", "-", "--json", input=f"one@{domain}\tsecret\n")
    assert json.loads(again)["fields"]["existing"] == 1
    assert server.ctl("user", "import", "none.tsv", check=False) == (
        3, "", "xylemctl: none.tsv: No such file or directory\n")


def test_sessions_are_listed_and_ended(cast, server):
    romeo = cast("romeo")
    rows = server.json("session", "list", romeo.jid)["rows"]
    assert [r["jid"] for r in rows] == [romeo.full] and rows[0]["tls"].startswith("TLS1.3")
    assert rows[0]["available"] is True and rows[0]["address"] == "127.0.0.1"
    assert server.json("user", "show", romeo.jid)["rows"] == rows
    assert server.json("session", "kick", romeo.full, "--reason", "wherefore")["fields"] == {"ended": 1}
    romeo.hears_stream_error("policy-violation")
    process.wait_until(lambda: not server.json("session", "list", romeo.jid)["rows"], "the session's end")
    assert server.ctl("session", "kick", romeo.jid, check=False)[0] == 3


def test_modules_and_hooks(server):
    names = {r["module"] for r in server.json("module", "list")["rows"]}
    assert {"sasl", "bind", "roster", "offline"} <= names
    rows = server.json("module", "info", "offline")["rows"]
    quota = next(r for r in rows if r["kind"] == "option" and r["name"] == "quota")
    assert quota == {"kind": "option", "name": "quota", "value": "1000", "detail": "default"}
    assert any(r["kind"] == "hook" and r["name"] == "message_keeping" for r in rows)
    assert server.ctl("module", "info", "ofline", check=False)[2].endswith("did you mean `offline`?\n")
    hooks = server.json("hooks", "message_keeping")["rows"]
    assert [r["module"] for r in hooks] == ["offline"]
    assert server.ctl("hooks", "no_such_hook", check=False)[0] == 3


def test_metrics_of_core_and_modules(server, cast):
    cast("romeo")
    rows = {r["metric"]: r for r in server.json("metrics")["rows"]}
    assert rows["route.logins"]["value"] >= 1 and rows["store.commit_us"]["p99"] >= rows["store.commit_us"]["p50"]
    assert any(name.startswith("offline.waited") for name in rows)
    assert {r["metric"] for r in server.json("metrics", "fibers")["rows"]} >= {"fibers.live", "fibers.jobs"}


def test_configuration_shown_with_origin(make_server):
    server = make_server(modules={"offline": {"quota": 7}})
    rows = {r["key"]: r for r in server.json("config", "show")["rows"]}
    assert rows["modules.offline.quota"]["value"] == "7"
    assert rows["modules.offline.quota"]["origin"].startswith(str(server.config_file) + ":")
    assert rows["limits.depth"] == {"key": "limits.depth", "value": "50", "origin": "default", "change": "new connections"}
    if "storage.url" in rows:
        assert rows["storage.url"]["value"] in ('""', "(set)")
    assert [r["key"] for r in server.json("config", "show", "reload")["rows"]] == ["reload.grace"]
    assert server.ctl("config", "diff") == "the server runs with what the file says\n"
    server.write_config(limits={"depth": 60})
    assert server.json("config", "diff")["rows"] == [
        {"key": "limits.depth", "running": "50", "file": "60", "change": "new connections"}]


def test_help_everywhere(server):
    everything = server.ctl("help")
    assert "user create " in everything and "offline count" in everything and "--password-stdin" not in everything
    assert all(len(line) < 120 for line in everything.splitlines()), "a terminal shows it"
    assert "user create JID [--password-stdin]" in server.ctl("help", "user")
    status, text, _ = server.ctl("user", "create", "--help", check=False)
    assert status == 0 and "user create JID" in text and "session list" not in text
    status, text, _ = server.ctl("--help", check=False)
    assert status == 0 and text.startswith("usage: xylemctl") and "session list" in text
    status, _, error = server.ctl(check=False)
    assert status == 2 and error.startswith("usage: xylemctl")


def test_clock_command_exists_only_with_a_test_clock(server, make_server):
    assert server.ctl("clock", "advance", "1 s", check=False)[0] == 2
    frozen = make_server(test_clock=True)
    before = frozen.json("status")["fields"]["uptime_s"]
    frozen.ctl("clock", "advance", "90 min")
    assert frozen.json("status")["fields"]["uptime_s"] == before + 5400
    assert frozen.ctl("clock", "advance", "90", check=False)[2].startswith("xylemctl: `90` needs a unit")


def test_log_level(make_server):
    server = make_server(log={"level": "warn"})
    assert "server.ready" not in server.output()
    assert server.json("log", "level", "debug")["fields"] == {"former": "warn", "level": "debug"}
    assert server.ctl("log", "level", "loud", check=False)[0] == 2


# ---- passwords ------------------------------------------------------------------------------------------


def typed(server, words, *lines):
    """xylemctl on a terminal, the lines typed one by one; (exit status, what the terminal showed)."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(server.directory)
        os.execv(server.build / "xylemctl", ["xylemctl", "-c", str(server.config_file), *words])
    shown = b""
    for line in lines:
        while not shown.endswith(b": "):
            shown += os.read(terminal, 1000)
        os.write(terminal, line.encode() + b"\n")
        shown += b"|"
    try:
        while more := os.read(terminal, 1000):
            shown += more
    except OSError:
        pass
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def test_password_is_asked_for_twice_and_not_shown(server):
    jid = f"typed@{server.domain}"
    status, shown = typed(server, ["user", "create", jid], "wherefore", "therefore")
    assert status == 2 and "the two passwords differ" in shown
    status, shown = typed(server, ["user", "create", jid], "wherefore", "wherefore")
    assert status == 0 and "wherefore" not in shown and "Password: " in shown and "Again: " in shown
    status, _, error = server.ctl("user", "password", jid, check=False)
    assert status == 2 and error == "xylemctl: no terminal to ask for the password: use --password-stdin\n"


def test_empty_password(server):
    status, _, error = server.ctl("user", "create", f"blank@{server.domain}", "--password-stdin", input="\n", check=False)
    assert status == 2 and error == "xylemctl: the password is empty or has characters it may not have\n"


def test_a_command_of_a_module_that_is_off(server):
    status, _, error = server.ctl("hold", "show", check=False)
    assert status == 2 and error == "xylemctl: `hold show` is of the module hold, which is off\n"


def test_a_group_that_is_not_there(make_server):
    server = make_server(start=False, control_group="nobody-is-in-it")
    with pytest.raises(Exception, match="no group `nobody-is-in-it`"):
        server.start()
    assert not (server.directory / "xylem.sock").exists()


# ---- without a server -----------------------------------------------------------------------------------


def test_accounts_while_the_server_is_stopped(make_server, actors):
    server = make_server(start=False)
    jid = server.create("early")
    assert [r["jid"] for r in server.json("user", "list")["rows"]] == [jid]
    assert server.json("user", "show", jid)["fields"]["messages_waiting"] == 0
    server.import_accounts([f"more{i}@{server.domain}" for i in range(30)])
    status, _, error = server.ctl("status", check=False)
    assert status == 1 and "no server runs" in error and "xylemd -c" in error
    assert server.ctl("usr", "list", check=False)[2] == "xylemctl: unknown command `usr list`; did you mean `user list`?\n"
    assert "offline count" in server.ctl("help")
    assert server.json("config", "show", "hosts")["rows"][0]["value"] == "[xylem.test, verona.test]"
    server.start()
    romeo = actors(server).client("early", jid=jid)
    romeo.logs_in()


def test_stopped_with_a_wrong_configuration(make_server):
    server = make_server(start=False)
    server.config_file.write_text("hosts: [a.test]\nlisten: [{ for: s2s, port: 5269 }]\ncontrol: xylem.sock\n")
    status, _, error = server.ctl("user", "list", check=False)
    assert status == 2 and ":2:17: for: no module serves s2s listeners" in error
    status, text, _ = server.ctl("config", "check", check=False)
    assert status == 2 and ":2:17: for: no module serves s2s listeners\n" in text


def test_second_server_on_the_same_data(make_server):
    first = make_server()
    second = make_server(start=False, data_dir=str(first.directory / "data"), storage=first.config["storage"])
    second.start(ready=False)
    assert second.process.wait(30) == 1
    second.process = None
    assert f"another xylem works on data_dir {first.directory}/data (process {first.process.pid})" in second.output()
    status, _, error = second.ctl("user", "list", check=False)
    assert status == 4 and "another xylem works on data_dir" in error


def test_socket_of_a_killed_server_is_replaced_and_of_a_live_one_not(make_server):
    server = make_server()
    server.kill()
    assert (server.directory / "xylem.sock").exists()
    server.start()
    assert server.json("status")["exit"] == 0
    other = make_server(start=False, control=str(server.directory / "xylem.sock"))
    other.start(ready=False)
    assert other.process.wait(30) == 1
    other.process = None
    assert "another server listens there" in other.output()
    assert server.json("status")["exit"] == 0, "the first one's socket must still be there"


def test_what_is_no_socket_is_not_removed(make_server):
    server = make_server(start=False)
    (server.directory / "xylem.sock").write_text("mine")
    server.start(ready=False)
    assert server.process.wait(30) == 1
    server.process = None
    assert (server.directory / "xylem.sock").read_text() == "mine"


def test_socket_path_too_long(make_server):
    server = make_server(start=False, control="x" * 120)
    server.start(ready=False)
    assert server.process.wait(30) == 1
    server.process = None
    assert "a socket's may have 107" in server.output()


def test_socket_given(make_server):
    """-s needs no configuration; without a server it says so instead of doing something alone."""
    server = make_server()
    path = server.directory / "xylem.sock"
    server.config_file.rename(server.directory / "away.yaml")
    assert server.ctl("status", check=False)[0] == 2
    assert json.loads(server.ctl("-s", path, "status", "--json"))["exit"] == 0
    server.stop()
    assert server.ctl("-s", path, "user", "list", check=False) == (
        1, "", f"xylemctl: nobody listens on {path}\n")


# ---- start and stop --------------------------------------------------------------------------------------


def test_stop_ends_streams_and_waits_for_the_end(make_server, actors):
    server = make_server()
    romeo = actors(server)("romeo")
    server.ctl("stop")
    assert server.process.wait(5) == 0, "xylemctl stop returns when the process has ended"
    server.process = None
    romeo.hears_stream_error("system-shutdown")
    assert not (server.directory / "xylem.sock").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop(make_server, number):
    server = make_server()
    server.process.send_signal(number)
    assert server.process.wait(30) == 0
    server.process = None


def test_stop_while_requests_are_at_work(make_server):
    """An import under way is finished or refused, never half answered, and the server ends."""
    server = make_server()
    control = Control(server)
    lines = "".join(f"stop{i}@{server.domain}\tsecret\n" for i in range(300))
    control.sends(json.dumps({"words": ["user", "import", "-"], "input": lines}) + "\n")
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(60) == 0
    server.process = None
    control.close()
    server.start()
    assert len(server.json("user", "list")["rows"]) <= 300


def test_service_manager_is_told(make_server, tmp_path, monkeypatch):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.settimeout(30)
    listener.bind(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    server = make_server()
    ready = listener.recv(4096).decode()
    assert ready.startswith("READY=1\n") and f"MAINPID={server.process.pid}\n" in ready
    server.process.send_signal(signal.SIGHUP)
    assert listener.recv(4096).decode().startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert listener.recv(4096) == b"READY=1\n"
    server.stop()
    assert listener.recv(4096) == b"STOPPING=1\n"
    listener.close()


def test_pid_file(make_server, tmp_path):
    server = make_server(start=False)
    file = tmp_path / "pid"
    started = subprocess.Popen([str(server.build / "xylemd"), "-c", str(server.config_file), "--pid-file", str(file)],
                               stderr=subprocess.DEVNULL, cwd=server.directory, env=server.environment())
    try:
        process.wait_until(lambda: file.exists() and file.read_text(), "the pid file", 30, started)
        assert file.read_text() == f"{started.pid}\n"
    finally:
        started.terminate()
        assert started.wait(60) == 0
    assert not file.exists()


def test_many_administrators(server):
    """Requests of several clients are at work at the same time; each gets its own answer."""
    answers = {}

    def ask(number):
        control = Control(server)
        for i in range(5):
            jid = f"crowd{number}-{i}@{server.domain}"
            answers[jid] = control.asks("user", "create", jid, input="secret")["fields"].get("created")
        control.close()

    crowd = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for t in crowd:
        t.start()
    for t in crowd:
        t.join()
    assert len(answers) == 40 and all(jid == created for jid, created in answers.items())

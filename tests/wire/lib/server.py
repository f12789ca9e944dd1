# SPDX-License-Identifier: MIT
"""A xylemd of a test's own: configuration, start, admin commands, stop, and what it left behind."""
import copy
import functools
import json
import os
import re
import shutil
import signal
import socket
import subprocess

from . import process, sasl

HOSTS = ["xylem.test", "verona.test"]
MODULES = ["sasl", "sasl2", "bind", "bind2", "presence", "roster", "offline", "disco", "ping", "version", "time", "last",
           "uptime", "vcard", "private", "blocking", "register", "announce", "stream_limits", "fast", "clients",
           "carbons", "csi", "push", "sm"]
MINIMAL = {"sasl": True, "bind": True}
@functools.lru_cache(maxsize=None)
def made_keys(number):
    """One of several sets of all hashes, under salts of their own."""
    return " ".join(sasl.keys(mechanism, "secret", salt=bytes([number + 1] * 16)) for mechanism in sasl.HASHES)


NAMES = ["romeo", "juliet", "mercutio", "nurse", "benvolio", "tybalt"]
FINDINGS = re.compile(r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:|xy_assert|"
                      r"assertion failed|AddressSanitizer:DEADLYSIGNAL")


def default_config(storage, ports, certificate):
    """What tests start from; a test changes the dict it gets."""
    return {
        "hosts": list(HOSTS),
        "data_dir": "data",
        "storage": storage,
        "listen": [
            {"for": "c2s", "address": "127.0.0.1", "port": ports["starttls"], "tls": "starttls"},
            {"for": "c2s", "address": "127.0.0.1", "port": ports["direct"], "tls": "direct"},
            {"for": "c2s", "address": "127.0.0.1", "port": ports["none"], "tls": "none"},
        ],
        "tls": {"certificate": str(certificate[0]), "key": str(certificate[1])},
        "control": "xylem.sock",
        "log": {"level": "debug"},
        # All clients of a test come from one address: the limits per address would only be in the way.
        "limits": {"connections_per_address": None, "stanza_rate": None, "byte_rate": None, "auth_failures": None},
        "modules": {name: True for name in MODULES},
    }


def merged(base, changes):
    """`changes` over `base`, maps merged, everything else replaced; DROP removes a key."""
    result = copy.deepcopy(base)
    for key, value in changes.items():
        if value is DROP:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


class _Drop:
    def __deepcopy__(self, memo):
        return self


DROP = _Drop()


def yaml(value, indent=0):
    """The dict as YAML: True is `on`, False `off`, None `none`."""
    pad = "  " * indent
    if isinstance(value, dict):
        lines = []
        for key, item in value.items():
            nested = isinstance(item, (dict, list)) and item
            lines.append(f"{pad}{key}:" + ("\n" + yaml(item, indent + 1) if nested else f" {_scalar(item)}"))
        return "\n".join(lines)
    return "\n".join(f"{pad}- {_flow(item)}" for item in value)


def _flow(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k}: {_flow(v)}" for k, v in value.items()) + " }"
    return _scalar(value)


def _scalar(value):
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (dict, list)):
        return "{}" if isinstance(value, dict) else "[" + ", ".join(map(_flow, value)) + "]"
    text = str(value)
    return text if re.fullmatch(r"[\w./-]+( [\w./-]+)*", text) else json.dumps(text)


class CommandFailed(AssertionError):
    def __init__(self, arguments, done):
        super().__init__(f"xylemctl {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        self.status, self.output, self.error = done.returncode, done.stdout, done.stderr


class ServerFault(Exception):
    """The server died, or a sanitizer has found something: no second try makes that good."""


class Server:
    """start() … stop(); stop() proves exit status 0 and clean sanitizers. Also a context manager."""

    client_defaults = {}
    faults = None  # of tests/crash/faults.py: its disk, from the next start on

    def __init__(self, build, directory, storage, certificate, changes=None, test_clock=False):
        self.build, self.directory, self.test_clock = build, directory, test_clock
        self.storage, self.process = storage, None
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "data").mkdir(exist_ok=True)
        self.ports = dict(zip(("starttls", "direct", "none"), process.free_ports(3)))
        self.config = merged(default_config(storage, self.ports, certificate), changes or {})
        self.config_file = directory / "xylem.yaml"
        self.domain = (self.config.get("hosts") or HOSTS)[0]
        self.spare, self.batch = {}, 0
        self.starts = 0
        self.write_config()

    # ---- life ----------------------------------------------------------------------------------

    def write_config(self, **changes):
        """Changes the configuration (and its file), for start() or reload()."""
        self.config = merged(self.config, changes)
        self.config_file.write_text(yaml(self.config) + "\n")

    def environment(self):
        """Sanitizer reports go to files that stop() looks for."""
        reports = self.directory / "sanitizer"
        return {
            **os.environ,
            "XYLEM_MODULES": str(self.build / "wire" / "modules"),
            "ASAN_OPTIONS": f"log_path={reports}:detect_stack_use_after_return=0:abort_on_error=0",
            "UBSAN_OPTIONS": f"log_path={reports}:print_stacktrace=1",
            "TSAN_OPTIONS": f"log_path={reports}:second_deadlock_stack=1:{os.environ.get('TSAN_OPTIONS', '')}",
        }

    def start(self, ready=True):
        command = [str(self.build / "xylemd"), "-c", str(self.config_file)]
        if self.test_clock:  # True: it stands still at now; a number: at these milliseconds since 1970
            command.append("--test-clock" if self.test_clock is True else f"--test-clock={self.test_clock}")
        self.starts += 1
        faults = self.faults.environment() if self.faults else {}
        with open(self.directory / "stderr.log", "ab") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                            env={**self.environment(), **faults}, cwd=self.directory)
        if ready:
            try:
                process.wait_until(self.is_ready, "xylemd's start", 60, self.process)
            except Exception as error:
                self.kill()
                raise AssertionError(f"{error}\n{self.output()}") from None
        return self

    def is_ready(self):
        """The control socket opens behind the listeners. No probe of their ports: it would count
        as a connection for a while."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.directory / "xylem.sock")) == 0

    def stop(self, patience=60):
        """SIGTERM, exit status 0, nothing found by a sanitizer."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait()
            raise ServerFault(f"xylemd did not stop within {patience} s\n{self.output()}") from None
        finally:
            self.process = None
        findings = self.findings()
        if findings or status:
            raise ServerFault(f"xylemd ended with {status}\n{findings or self.output()}")

    def kill(self):
        """SIGKILL, as a power cut would (but for the page cache)."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
        else:
            self.kill()

    # ---- what it left behind --------------------------------------------------------------------

    def output(self, last=8000):
        path = self.directory / "stderr.log"
        return path.read_text(errors="replace")[-last:] if path.exists() else ""

    def findings(self):
        reports = sorted(self.directory.glob("sanitizer*"))
        text = "\n".join(p.read_text(errors="replace")[:8000] for p in reports)
        if not text and FINDINGS.search(self.output(10**7)):
            text = self.output()
        return text

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    # ---- admin ------------------------------------------------------------------------------------

    def ctl(self, *arguments, input=None, check=True):
        """xylemctl; its text. check=False: (status, stdout, stderr)."""
        command = [str(self.build / "xylemctl"), "-c", str(self.config_file), *map(str, arguments)]
        done = subprocess.run(command, input=input or "", capture_output=True, text=True, timeout=120,
                              env=self.environment(), cwd=self.directory)
        if not check:
            return done.returncode, done.stdout, done.stderr
        if done.returncode != 0:
            raise CommandFailed(list(map(str, arguments)), done)
        return done.stdout

    def json(self, *arguments, **options):
        return json.loads(self.ctl(*arguments, "--json", **options))

    def advance(self, duration):
        """Moves the injected clock: "61 s"."""
        assert self.test_clock, "the server runs on real time"
        self.ctl("clock", "advance", duration)

    def reload(self, **changes):
        if changes:
            self.write_config(**changes)
        return self.ctl("reload")

    def port(self, tls):
        return self.ports[tls]

    # ---- accounts ----------------------------------------------------------------------------------

    def create(self, local, password="secret", domain=None):
        jid = f"{local}@{domain or self.domain}"
        self.ctl("user", "create", jid, "--password-stdin", input=password + "\n")
        return jid

    def import_accounts(self, jids, password="secret"):
        listing = self.directory / "import.tsv"
        listing.write_text("".join(f"{jid}\t{password}\n" for jid in jids))
        self.ctl("user", "import", listing)

    def import_keys(self, jids):
        """Their password is "secret"."""
        listing = self.directory / "import.tsv"
        listing.write_text("".join(f"{jid}\t\t{made_keys(i % 16)}\n" for i, jid in enumerate(jids)))
        self.ctl("user", "import", listing)

    def fresh(self, name, domain=None):
        """The JID of an account nobody used yet, its name beginning with `name`. Made in batches,
        since a test's own xylemctl call for each would take most of the suite's time, and with keys
        made before, since the server's hashing of passwords would take a third of what is left."""
        domain = domain or self.domain
        pool = self.spare.setdefault((name, domain), [])
        if not pool:
            self.batch += 1
            size = min(4 << self.batch, 64)
            names = NAMES if name in NAMES else [name]
            jids = {n: [f"{n}{self.batch}-{i}@{domain}" for i in range(size)] for n in names}
            self.import_keys(sum(jids.values(), []))
            for n, made in jids.items():
                self.spare.setdefault((n, domain), []).extend(made)
        return pool.pop(0)

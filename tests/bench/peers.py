# SPDX-License-Identifier: MIT
"""The servers of a benchmark, each in a folder of its own, on loopback, with comparable settings: TLS 1.3,
one P-256 certificate, accounts user0 … of localhost with the same password, no limits, no
archive unless archive() was called."""
import base64
import glob
import hashlib
import hmac
import os
import re
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

from lib import process
from lib.server import default_config, yaml

DOMAIN, PASSWORD, ITERATIONS = "localhost", "password", 4096
SERVICE = "conference.localhost"
READY_WITHIN_S = 60


class Peer:
    """prepare(users) once; then start() and stop() as often as wanted. `ready_s` and `ready_kb` tell of the
    last start."""

    mechanism = "SCRAM-SHA-1"
    user = None  # who runs it when we are root

    def __init__(self, name, directory, certificate):
        directory.mkdir(parents=True)
        directory.chmod(0o755)
        self.name, self.directory, self.certificate = name, directory, certificate
        self.ports = dict(zip(("starttls", "none"), process.free_ports(2)))
        self.process, self.more_pids = None, []

    def command(self):
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    def owned(self, command):
        command = [str(word) for word in command]
        if not self.user or os.getuid() != 0:
            return command
        subprocess.run(["chown", "-R", self.user, str(self.directory)], check=True)
        return process.unprivileged(self.user, self.directory, command)

    def prepare(self, users):
        pass

    def start(self):
        with open(self.directory / "output.log", "ab") as out:
            command = self.owned(self.command())
            began = time.monotonic()
            self.process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                            cwd=self.directory, env=self.environment())
        while not process.accepts(self.ports["starttls"]):
            if self.process.poll() is not None or time.monotonic() - began > READY_WITHIN_S:
                raise RuntimeError(f"{self.name} does not start: see {self.directory}")
            time.sleep(0.001)
        self.ready_s, self.ready_kb = time.monotonic() - began, resident_kb(self.process.pid)
        return self

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def pids(self):
        return [self.process.pid, *self.more_pids]

    def stored(self):
        """Offline messages in its storage; the server has stopped."""
        raise NotImplementedError


    def archive(self):
        """Every message from now on, for both sides."""
        raise NotImplementedError

    def archived(self):
        """Messages in its archives, where it is easily told; the server has stopped."""
        return None

    def rooms(self, archived, persistent):
        """A service of rooms without limits from the next start on; `persistent`: rooms outlive their occupants."""
        raise NotImplementedError


def resident_kb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


class Relay(Peer):
    """The floor."""

    mechanism = "PLAIN"

    def __init__(self, build, *arguments):
        super().__init__("floor", *arguments)
        self.build = build

    def command(self):
        return [self.build / "bench/relay", self.ports["starttls"], DOMAIN, "user", *self.certificate]


class Xylem(Peer):
    def __init__(self, build, *arguments, storage=None, name="xylem", io_threads="auto"):
        super().__init__(name, *arguments)
        self.build, self.storage = build, storage or {"driver": "sqlite", "path": "data/xylem.db"}
        ports = {**self.ports, "direct": process.free_ports(1)[0]}
        self.config = default_config({**self.storage, "durability": "full"}, ports, self.certificate)
        self.config["hosts"] = [DOMAIN]
        self.config["log"] = {"level": "warn"}
        self.config["io_threads"] = io_threads
        self.config["modules"]["offline"] = {"quota": None}
        self.config_file = self.directory / "xylem.yaml"
        (self.directory / "data").mkdir()
        self.write_config()

    def write_config(self):
        self.config_file.write_text(yaml(self.config) + "\n")

    def command(self):
        return [self.build / "xylemd", "-c", self.config_file]

    def ctl(self, *words):
        command = [self.build / "xylemctl", "-c", self.config_file, *words]
        return subprocess.run([str(w) for w in command], check=True, capture_output=True, text=True).stdout

    def prepare(self, users):
        listing = self.directory / "accounts.tsv"
        listing.write_text("".join(f"user{n}@{DOMAIN}\t{PASSWORD}\n" for n in range(users)))
        self.ctl("user", "import", listing)

    def count(self, query):
        if "url" in self.storage:
            return int(subprocess.run(["psql", "-XAtc", query, self.storage["url"]], check=True, capture_output=True,
                                      text=True).stdout)
        with sqlite3.connect(self.directory / "data/xylem.db") as database:
            return database.execute(query).fetchone()[0]

    def stored(self):
        return self.count("SELECT count(*) FROM pending")

    def archive(self):
        self.config["modules"]["mam"] = {"default": "always"}
        self.write_config()

    def archived(self):
        return self.count("SELECT count(*) FROM message WHERE archived = 3")


    def rooms(self, archived, persistent):
        self.config["modules"]["muc"] = {
            "host": SERVICE, "max_users": 20000, "max_rooms": 1000000, "rooms_per_user": 20000,
            "rooms_per_session": 20000, "messages": None,
            "presences": None, "default_config": {"persistent": persistent}}
        self.config["modules"]["muc_mam"] = archived
        self.write_config()


class XylemOnPostgres(Xylem):
    """With a PostgreSQL of its own that waits for the disk; its processes count as the server's."""

    def __init__(self, build, top, directory, certificate):
        self.script, self.cluster = top / "tests/lib/postgres", directory.parent / "postgres"
        done = subprocess.run([self.script, "start", self.cluster], capture_output=True, text=True,
                              env={**os.environ, "DURABLE": "1"})
        if done.returncode != 0:
            raise FileNotFoundError("no PostgreSQL on this machine")
        storage = {"driver": "pgsql", "url": done.stdout.strip()}
        super().__init__(build, directory, certificate, storage=storage, name="xylem on PostgreSQL")
        self.postmaster = int((self.cluster / "db/postmaster.pid").read_text().split()[0])

    def start(self):
        super().start()
        children = Path(f"/proc/{self.postmaster}/task/{self.postmaster}/children").read_text().split()
        self.more_pids = [self.postmaster, *map(int, children)]
        return self

    def remove(self):
        subprocess.run([self.script, "remove", self.cluster], check=True)


class Prosody(Peer):
    user = "prosody"
    config = """
daemonize = false
data_path = "{dir}/data"
pidfile = "{dir}/prosody.pid"
log = {{ warn = "{dir}/prosody.log" }}
network_backend = "epoll"
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {starttls}, {none} }}
c2s_direct_tls_ports = {{ }}
s2s_ports = {{ }}
http_ports = {{ }}
https_ports = {{ }}
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "ping", "version", "time", "lastactivity",
    "uptime", "vcard", "private", "blocklist", "presence", "message", "iq", "offline" }}
modules_disabled = {{ "s2s", "posix" }}
authentication = "internal_hashed"
storage = "internal"
c2s_require_encryption = false
ssl = {{ certificate = "{cert}", key = "{key}", protocol = "tlsv1_3" }}
VirtualHost "localhost"
"""

    def __init__(self, *arguments):
        super().__init__("prosody", *arguments)
        cert, key = self.certificate
        self.config_file = self.directory / "prosody.cfg.lua"
        self.config_file.write_text(self.config.format(dir=self.directory, cert=cert, key=key, **self.ports))

    def archive(self):
        text = self.config_file.read_text().replace('"offline" }', '"offline", "mam" }')
        self.config_file.write_text(text.replace('VirtualHost', 'default_archive_policy = true\nVirtualHost'))

    def rooms(self, archived, persistent):
        """Its memory of idle rooms is as it comes, 100 of them; with occupants all stay there, or it would swap."""
        text = self.config_file.read_text().split("Component")[0]
        self.config_file.write_text(text + f"""Component "{SERVICE}" "muc"
    modules_enabled = {{ {'"muc_mam"' if archived else ""} }}
    muc_room_default_persistent = {str(persistent).lower()}
    {"" if persistent else "muc_room_cache_size = 20000"}
""")

    def command(self):
        return ["prosody", "--config", self.config_file]

    def prepare(self, users):
        accounts = self.directory / "data" / DOMAIN / "accounts"
        accounts.mkdir(parents=True)
        salt = "c2FsdHNhbHRzYWx0"
        salted = hashlib.pbkdf2_hmac("sha1", PASSWORD.encode(), salt.encode(), ITERATIONS)
        stored = hashlib.sha1(hmac.digest(salted, b"Client Key", "sha1")).hexdigest()
        server = hmac.digest(salted, b"Server Key", "sha1").hex()
        text = (f'return {{ ["salt"] = "{salt}"; ["iteration_count"] = {ITERATIONS}; '
                f'["stored_key"] = "{stored}"; ["server_key"] = "{server}"; }};\n')
        for n in range(users):
            (accounts / f"user{n}.dat").write_text(text)

    def stored(self):
        lists = (self.directory / "data" / DOMAIN / "offline").glob("*.list")
        return sum(path.read_text(errors="replace").count("\nitem(") +
                   path.read_text(errors="replace").startswith("item(") for path in lists)


class Ejabberd(Peer):
    """Without Erlang's distribution, so without its port mapper; accounts are made by an expression."""

    user = "ejabberd"
    config = """
hosts: [localhost]
loglevel: error
certfiles: ["{dir}/both.pem"]
auth_password_format: scram
listen:
  - {{ port: {starttls}, ip: "127.0.0.1", module: ejabberd_c2s, starttls: true, max_stanza_size: 262144, shaper: none, access: all, backlog: 1024 }}
  - {{ port: {none}, ip: "127.0.0.1", module: ejabberd_c2s, max_stanza_size: 262144, shaper: none, access: all, backlog: 1024 }}
shaper_rules: {{ max_user_sessions: infinity, max_user_offline_messages: infinity }}
modules:
  mod_blocking: {{}}
  mod_disco: {{}}
  mod_last: {{}}
  mod_offline: {{ access_max_user_messages: max_user_offline_messages }}
  mod_ping: {{}}
  mod_privacy: {{}}
  mod_private: {{}}
  mod_roster: {{ versioning: true }}
  mod_time: {{}}
  mod_vcard: {{}}
  mod_version: {{}}
"""

    def __init__(self, *arguments):
        super().__init__("ejabberd", *arguments)
        (self.directory / "spool").mkdir()
        both = "".join(Path(part).read_text() for part in self.certificate)
        (self.directory / "both.pem").write_text(both)
        (self.directory / "ejabberd.yml").write_text(self.config.format(dir=self.directory, **self.ports))

    def archive(self):
        file = self.directory / "ejabberd.yml"
        file.write_text(file.read_text() + "  mod_mam: { default: always }\n")

    def rooms(self, archived, persistent):
        file = self.directory / "ejabberd.yml"
        text = file.read_text().split("  mod_muc:")[0]
        file.write_text(text + f"""  mod_muc:
    host: {SERVICE}
    access: all
    access_create: all
    access_persistent: all
    access_mam: all
    max_users: 20000
    max_users_presence: 20000
    max_user_conferences: 20000
    max_rooms_discoitems: 100
    room_shaper: none
    user_message_shaper: none
    user_presence_shaper: none
    default_room_options: {{ max_users: 20000, persistent: {str(persistent).lower()}, mam: {str(archived).lower()} }}
{"  mod_mam: {}" if archived else ""}
""")

    def environment(self):
        libraries = glob.glob("/usr/lib/*/ejabberd-*")
        return {"PATH": os.environ["PATH"], "HOME": str(self.directory), "LANG": "C.UTF-8",
                "ERL_LIBS": str(Path(libraries[0]).parent) if libraries else "",
                "EJABBERD_CONFIG_PATH": str(self.directory / "ejabberd.yml"),
                "EJABBERD_LOG_PATH": str(self.directory / "ejabberd.log"),
                "ERL_CRASH_DUMP_BYTES": "0", "ERL_MAX_PORTS": "32000"}

    def command(self, *more):
        return ["erl", "+K", "true", "+P", "250000", "-noinput", "-mnesia", "dir",
                f'"{self.directory}/spool"', "-s", "ejabberd", *more]

    def run(self, expression):
        """Starts it, evaluates, stops it; what it printed."""
        command = self.owned(self.command("-eval", expression + ", init:stop()."))
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=900,
                              cwd=self.directory, env=self.environment()).stdout

    def prepare(self, users):
        self.run(f'[ok = ejabberd_auth:try_register(<<"user", (integer_to_binary(N))/binary>>, '
                 f'<<"{DOMAIN}">>, <<"{PASSWORD}">>) || N <- lists:seq(0, {users - 1})]')

    def stored(self):
        said = self.run('io:format("stored ~p~n", [mnesia:table_info(offline_msg, size)])')
        return int(re.search(r"stored (\d+)", said)[1])

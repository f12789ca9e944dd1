# SPDX-License-Identifier: MIT
"""Debian's Prosody behind the interface of Server: what the tests' own client is checked against
(`pytest tests/wire --against prosody`). A test that fails there too may itself be wrong."""
import os
import signal
import subprocess

from . import process
from .server import HOSTS

CONFIG = """
daemonize = false
pidfile = "{dir}/prosody.pid"
data_path = "{dir}/data"
log = {{ debug = "{dir}/prosody.log" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {starttls} }}
c2s_direct_tls_ports = {{ {direct} }}
s2s_ports = {{ }}
http_ports = {{ }}
https_ports = {{ }}
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "ping", "version", "time", "lastactivity", "uptime",
    "vcard", "private", "blocklist", "presence", "message", "iq", "offline", "user_account_management" }}
modules_disabled = {{ "s2s", "posix" }}
authentication = "internal_hashed"
storage = "internal"
c2s_require_encryption = true
allow_unencrypted_plain_auth = true
ssl = {{ certificate = "{cert}", key = "{key}" }}
"""


class Prosody:
    client_defaults = {"mechanism": "SCRAM-SHA-1"}  # it keeps keys for that one only

    def __init__(self, directory, certificate, hosts=None):
        directory.mkdir(parents=True)
        (directory / "data").mkdir()
        self.directory, self.process = directory, None
        self.ports = dict(zip(("starttls", "direct"), process.free_ports(2)))
        self.hosts = hosts or HOSTS
        self.domain = self.hosts[0]
        self.config_file = directory / "prosody.cfg.lua"
        text = CONFIG.format(dir=directory, cert=certificate[0], key=certificate[1], **self.ports)
        rooms = f'Component "conference.{self.domain}" "muc"\nmodules_enabled = {{ "muc_mam" }}\nmuc_tombstones = false\n'
        self.config_file.write_text(text + "".join(f'VirtualHost "{h}"\n' for h in self.hosts) + rooms)
        self.made = 0

    def _command(self, *command):
        if os.getuid() == 0:
            # Files it is just writing may go meanwhile, with a complaint.
            subprocess.run(["chown", "-R", "prosody", str(self.directory)], stderr=subprocess.DEVNULL)
        return process.unprivileged("prosody", self.directory, list(map(str, command)))

    def start(self):
        with open(self.directory / "stderr.log", "ab") as out:
            self.process = subprocess.Popen(self._command("prosody", "--config", self.config_file),
                                            stdout=out, stderr=out, cwd=self.directory)
        process.wait_until(lambda: process.accepts(self.ports["starttls"]), "prosody's start", 30, self.process)
        return self

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def findings(self):
        return ""

    def output(self, last=8000):
        return (self.directory / "stderr.log").read_text(errors="replace")[-last:]

    def port(self, tls):
        return self.ports["starttls" if tls == "none" else tls]

    def create(self, local, password="secret", domain=None):
        domain = domain or self.domain
        done = subprocess.run(
            self._command("prosodyctl", "--config", self.config_file, "register", local, domain, password),
            capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return f"{local}@{domain}"

    def fresh(self, name, domain=None):
        self.made += 1
        return self.create(f"{name}{self.made}", domain=domain)

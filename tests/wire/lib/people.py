# SPDX-License-Identifier: MIT
"""The clients people use, behind one set of verbs, so that one scenario runs with each of them:

    comes_online  asks_for JID  hears_request_of JID  approves JID  is_contact_of JID
    sees JID available|unavailable  writes JID TEXT  reads JID TEXT  goes_away
"""
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from .stream import PATIENCE

HERE = Path(__file__).resolve().parent.parent


class Person:
    can_subscribe = True

    def __init__(self, jid, password, server, directory, build, tls="starttls"):
        self.jid, self.password, self.server, self.tls = jid, password, server, tls
        self.directory, self.build = directory, build
        self.home = Path(tempfile.mkdtemp(dir=directory, prefix=f"{type(self).__name__.lower()}-"))

    def __str__(self):
        return self.jid

    @property
    def port(self):
        return str(self.server.port(self.tls))

    def environment(self):
        return {**os.environ, "HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home / "config"),
                "XDG_DATA_HOME": str(self.home / "data"), "LANG": "C.UTF-8", "TERM": "xterm"}


class LineClient(Person):
    """A program that speaks the language of strophe_client.c."""

    def comes_online(self):
        self.lines, self.seen, self.said = queue.Queue(), [], []
        self.process = subprocess.Popen(
            [*self.program(), *self.arguments()], text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.environment())
        threading.Thread(target=self._read, args=(self.process.stdout, self.lines), daemon=True).start()
        self.hears(rf"online {self.jid}/\S+ secured")

    def arguments(self):
        return [self.jid, self.password, "127.0.0.1", self.port, self.tls]

    @staticmethod
    def _read(pipe, lines):
        for line in pipe:
            lines.put(line.rstrip("\n"))
        lines.put(None)

    def hears(self, pattern):
        """Waits for a line like that; lines that came before stay to be heard."""
        pattern = re.compile(pattern)
        for line in self.seen:
            if pattern.fullmatch(line):
                self.seen.remove(line)
                return
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                line = self.lines.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise TimeoutError(f"{self} waits for {pattern.pattern}; heard {self.seen}") from None
            assert line is not None, f"{self} ended, waiting for {pattern.pattern}; said {self.seen}"
            self.said.append(line)
            if pattern.fullmatch(line):
                return
            self.seen.append(line)

    def has_said(self, *patterns):
        """By now, in this order."""
        rest = iter(self.said)
        for pattern in patterns:
            assert any(re.fullmatch(pattern, line) for line in rest), f"{self} never said {pattern}: {self.said}"

    def does(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def asks_for(self, other):
        self.does(f"subscribe {other}")

    def hears_request_of(self, other):
        self.hears(f"request {other}")

    def approves(self, other):
        self.does(f"approve {other}")

    def is_contact_of(self, other):
        self.hears(rf"approved {other}")

    def sees(self, other, state):
        self.hears(rf"presence {other}(/\S+)? {state}")

    def writes(self, other, text):
        self.does(f"message {other} {text}")

    def reads(self, other, text):
        self.hears(rf"message {other}(/\S+)? {re.escape(text)}")

    def goes_away(self):
        self.does("quit")
        self.hears("offline.*")
        assert self.process.wait(PATIENCE) == 0

    def cleans_up(self):
        if getattr(self, "process", None) and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Slixmpp(LineClient):
    def program(self):
        return ["/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable,
                str(HERE / "clients" / "slixmpp_client.py")]

    @staticmethod
    def missing():
        return None if Path("/usr/lib/python3/dist-packages/slixmpp").exists() else "slixmpp is not installed"


class Strophe(LineClient):
    def program(self):
        return [str(self.build / "wire" / "strophe_client")]

    @staticmethod
    def missing():
        return None


class Profanity(Person):
    """In a terminal of tmux: keys in, screen out."""

    @staticmethod
    def missing():
        return next((f"{p} is not installed" for p in ("profanity", "tmux") if not shutil.which(p)), None)

    def _tmux(self, *arguments, check=True):
        done = subprocess.run(["tmux", "-S", str(self.home / "tmux"), "-f", "/dev/null", *arguments],
                              capture_output=True, text=True, env=self.environment())
        assert not check or done.returncode == 0, f"tmux {arguments}: {done.stderr}"
        return done.stdout

    def comes_online(self):
        config = self.home / "config" / "profanity"
        config.mkdir(parents=True, exist_ok=True)
        # No splash to wait for, no OMEMO set-up, and every change of presence on the screen.
        (config / "profrc").write_text(
            "[ui]\nsplash=false\nwrap=true\nenc.warn=false\nstatuses.console=all\nstatuses.chat=all\n"
            "[connection]\nautoping=0\n[notifications]\nmessage=false\n")
        self._tmux("new-session", "-d", "-x", "180", "-y", "200", "-s", "p", "profanity")
        tls = "legacy" if self.tls == "direct" else "trust"
        self.screen_shows(r"Profanity|Type '/help'|/connect")
        self.types(f"/connect {self.jid} server 127.0.0.1 port {self.port} tls {tls}")
        self.screen_shows(r"(?i)password:")
        self.types(self.password)
        if self.tls == "direct":
            self.screen_shows(r"/tls allow|logged in successfully")  # it may know the certificate by now
            if "logged in successfully" not in self.screen():
                self.types("/tls always")
        self.screen_shows(rf"{self.jid}(/\S+)? logged in successfully|logged in successfully")

    def types(self, line):
        self._tmux("send-keys", "-t", "p", "-l", line)
        self._tmux("send-keys", "-t", "p", "Enter")

    def screen(self):
        screen = self._tmux("capture-pane", "-p", "-J", "-t", "p", check=False)
        return "\n".join(line.rstrip() for line in screen.splitlines() if line.strip())

    def screen_shows(self, pattern):
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.screen()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"profanity of {self} does not show {pattern}:\n{self.screen()}")
            time.sleep(0.05)

    def _console_shows(self, pattern):
        self.types("/win 1")
        self.screen_shows(pattern)

    def asks_for(self, other):
        self.types(f"/sub request {other}")

    def hears_request_of(self, other):
        self._console_shows(rf"Received authorization request from {other}")

    def approves(self, other):
        self.types(f"/sub allow {other}")

    def is_contact_of(self, other):
        self._console_shows(rf"Subscription received from {other}|{other} has accepted")

    def sees(self, other, state):
        word = "online" if state == "available" else "offline"
        self._console_shows(rf"{other.jid}(/\S+)?.* is {word}|{other.jid.split('@')[0]}\S* is {word}")

    def writes(self, other, text):
        self.types(f"/msg {other} {text}")

    def reads(self, other, text):
        self.types(f"/msg {other}")
        self.screen_shows(rf"{re.escape(text)}")

    def goes_away(self):
        self.types("/quit")
        deadline = time.monotonic() + PATIENCE
        while self._tmux("list-sessions", check=False).strip():
            assert time.monotonic() < deadline, f"profanity of {self} does not quit:\n{self.screen()}"
            time.sleep(0.05)

    def cleans_up(self):
        self._tmux("kill-server", check=False)


class GoSendxmpp(Person):
    """Sends one message per start, or listens; it knows no roster and sends no presence requests."""

    can_subscribe = False

    @staticmethod
    def missing():
        return None if shutil.which("go-sendxmpp") else "go-sendxmpp is not installed"

    def _command(self, *arguments):
        direct = ["-t"] if self.tls == "direct" else []
        return ["go-sendxmpp", "-n", *direct, "-u", self.jid, "-p", self.password, "-j", f"127.0.0.1:{self.port}",
                *arguments]

    def writes(self, other, text):
        done = subprocess.run(self._command(str(other)), input=text + "\n", text=True, capture_output=True,
                              timeout=PATIENCE * 2, env=self.environment())
        assert done.returncode == 0, done.stdout + done.stderr

    def comes_online(self):
        self.heard = []
        self.process = subprocess.Popen(self._command("-l"), text=True, bufsize=1, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.environment())
        self.lines = queue.Queue()
        threading.Thread(target=LineClient._read, args=(self.process.stdout, self.lines), daemon=True).start()

    def reads(self, other, text):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                line = self.lines.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise TimeoutError(f"go-sendxmpp of {self} waits for {text}; heard {self.heard}") from None
            assert line is not None, f"go-sendxmpp of {self} ended: {self.heard}"
            self.heard.append(line)
            if text in line and str(other) in line:
                return

    def goes_away(self):
        self.process.terminate()
        self.process.wait(PATIENCE)

    cleans_up = LineClient.cleans_up




class XmppJs(LineClient):
    """xmpp.js as tests/wire/clients/xmppjs/install put it into build/npm."""

    modules = HERE.parent.parent / "build" / "npm"

    def program(self):
        return ["node", str(HERE / "clients" / "xmppjs" / "client.js")]

    def arguments(self):
        return [*super().arguments(), str(self.home / "state.json")]

    def environment(self):
        return {**super().environment(), "XYLEM_NODE_MODULES": str(self.modules)}

    @classmethod
    def missing(cls):
        if not shutil.which("node"):
            return "node is not installed"
        if not (cls.modules / "node_modules" / "@xmpp" / "client").exists():
            return "xmpp.js is not installed: no network when scripts/test ran"
        return None


PEOPLE = {"slixmpp": Slixmpp, "strophe": Strophe, "profanity": Profanity, "xmppjs": XmppJs}

# SPDX-License-Identifier: MIT
"""One server with its database and everybody who uses it, on an engine of its own."""
import asyncio
import itertools
import os
import random
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

from connection import Lost
from faults import Faults
from ledger import Ledger, Pair
from lib import process
from lib.dom import NS
from lib.postgres import Postgres
from lib.server import DROP, Server
from people import Device, Sender, is_tombstone
from replay import Disk

HOST = "crash.test"
PASSWORD = "secret"
READY = 60


def quiet_ports(dice, count):
    """Below the ports the kernel gives to connections: while the server is down nobody gets its ports, nor can a
    client that knocks there connect to itself."""
    ports = []
    while len(ports) < count:
        port = dice.randrange(15000, 30000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                ports.append(port)
            except OSError:
                continue
    return ports


class CrashPostgres(Postgres):
    """Under faults.so as well; it can be killed with all its processes."""

    def __init__(self, directory, faults):
        self.faults = faults
        super().__init__(directory)

    def start(self):
        given = self.faults.environment()
        os.environ.update(given)
        try:
            super().start()
        finally:
            for name in given:
                del os.environ[name]

    def revive(self):
        """A broken disk may have ended it."""
        if not self.processes():
            self.start()

    def processes(self):
        """The postmaster and its children; none if it has ended."""
        try:
            postmaster = int((self.directory / "db" / "postmaster.pid").read_text().split()[0])
            os.kill(postmaster, 0)
        except (FileNotFoundError, ProcessLookupError, IndexError):
            return []
        children = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = stat.read_text()
            except OSError:
                continue
            if int(text.rpartition(")")[2].split()[1]) == postmaster:
                children.append(int(stat.parent.name))
        return [postmaster, *children]

    def kill(self, backend=False, dice=random):
        """SIGKILL for all of it, or for one of its processes, upon which it recovers by itself."""
        victims = self.processes()
        if backend:
            victims = victims[1:] and [dice.choice(victims[1:])]
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if not backend:
            process.wait_until(lambda: not any(Path(f"/proc/{p}").exists() for p in victims), "PostgreSQL's end")


class World:
    password, domain = PASSWORD, HOST

    def __init__(self, build, engine, seed, place, options):
        self.build, self.engine, self.seed = build, engine, seed
        self.storage, _, threads = engine.partition(":")
        self.dice = random.Random(f"{seed} {engine}")
        self.options = options
        self.place = place
        self.numbers = itertools.count(1)
        self.ledger = Ledger(lambda: next(self.numbers))
        self.modules = {p.stem for p in (build / "modules").glob("*.so")}
        self.disk = Disk(ignored=(place / "s" / "data" / "modules").resolve())
        self.senders, self.devices, self.tasks = [], [], []
        self.has_archive = "mam" in self.modules
        self.may_retract = options.retractions and {"retract", "audit", "mam"} <= self.modules
        place.mkdir(parents=True)
        self._makes_server(int(threads or 0))

    # ---- the server ----------------------------------------------------------------------------------

    def _makes_server(self, threads):
        certificate = process.make_certificate(self.place, HOST)
        library = self.build / "crash" / "faults.so"
        self.database = None
        if self.storage == "pgsql":
            self.database_faults = Faults(library, self.place / "pgf", self.place / "pg" / "db", logs=False)
            self.database = CrashPostgres(self.place / "pg", self.database_faults)
            store = {"driver": "pgsql", "url": self.database.url(self.database.new_database()), "timeout": "5 s"}
        else:
            store = {"driver": "sqlite", "path": "data/xylem.db", "timeout": "5 s"}
        store["durability"] = "relaxed" if self.options.relaxed else "full"
        wanted = ["sasl", "bind", "presence", "roster", "offline", "disco", "ping", "private", "time", "mam", "sm",
                  "carbons", "csi", "sasl2", "bind2", "push"]
        modules = {name: True for name in wanted if name in self.modules}
        modules["offline"] = {"quota": None}
        if self.may_retract:
            modules |= {"audit": True, "retract": {"count": None, "window": None}}
        changes = {"hosts": [HOST], "io_threads": threads, "log": {"level": "notice"}, "modules": modules}
        self.server = Server(self.build, self.place / "s", store, certificate, changes)
        self.server.ports = dict(zip(("starttls", "direct", "none"), quiet_ports(self.dice, 3)))
        for listener, port in zip(self.server.config["listen"], self.server.ports.values()):
            listener["port"] = port
        for name in list(self.server.config["modules"]):
            if name not in modules:
                self.server.config["modules"][name] = DROP
        self.server.config["modules"] = modules
        self.server.write_config()
        self.server.faults = self.faults = Faults(library, self.place / "f", self.place / "s" / "data",
                                                  logs=self.storage == "sqlite")

    def port(self, tls):
        return self.server.port(tls)

    async def starts(self, patience=READY):
        """Until it is ready. A server that ends by itself while the database is away is started again, as an init
        system would."""
        deadline = time.monotonic() + patience
        while True:
            self.server.start(ready=False)
            while self.server.process.poll() is None:
                if self.server.is_ready():
                    return
                if time.monotonic() > deadline:
                    raise AssertionError(f"xylemd does not start\n{self.server.output()}")
                await asyncio.sleep(0.01)
            self.took_log()
            if time.monotonic() > deadline:
                raise AssertionError(f"xylemd ended with {self.server.process.returncode}\n{self.server.output()}")
            await asyncio.sleep(0.1)

    def took_log(self):
        """The log of a run that is over."""
        if self.faults.logs and self.faults.log.exists():
            self.disk.read(self.faults.log)
            self.faults.log.unlink()

    def kills(self):
        """SIGKILL; what it left in sockets is still read."""
        status = self.server.process.poll()
        if status is not None:
            self.ledger.violation(f"the server had ended by itself with {status}\n{self.server.output(3000)}")
        self.server.kill()
        self.took_log()

    # ---- people ----------------------------------------------------------------------------------------

    def soon(self, what, *arguments):
        asyncio.get_running_loop().call_later(self.dice.expovariate(1 / 3), what, *arguments)

    def timeout(self, client, error):
        self.ledger.violation(f"{client}: {error}")

    def kinds_of_senders(self):
        kinds = [("legacy", {})]
        if "sm" in self.modules:
            kinds = [("sm", {"sm": True}), ("sm", {"sm": True}), *kinds]
        if {"sm", "sasl2", "bind2"} <= self.modules:
            kinds.append(("sasl2", {"sm": True, "sasl2": True}))
        return kinds

    def kinds_of_recipients(self):
        """(name, archived, options of each device)"""
        kinds = [("absent", [{"present": False, "steady": True}])]
        if self.has_archive:
            kinds.append(("plain", [{}]))
        if "sm" in self.modules:
            kinds += [("sm", [{"sm": True}]), ("sm-steady", [{"sm": True, "steady": True}])]
        if {"sm", "sasl2", "bind2"} <= self.modules:
            modern = {"sm": True, "sasl2": True, "archive": True}
            kinds += [("bind2", [modern]), ("bind2-absent", [{**modern, "present": False, "steady": True}]),
                      ("two", [modern, {"sm": True}])]
        return kinds

    def populates(self, count):
        """Pairs: each kind of sender with each kind of recipient, archived and not, as far as `count` goes."""
        senders, recipients = self.kinds_of_senders(), self.kinds_of_recipients()
        archiving = (True, False) if self.has_archive else (False,)
        combinations = list(itertools.product(senders, recipients, archiving))
        self.dice.shuffle(combinations)
        for number in range(count):
            (kind, options), (wants, devices), archived = combinations[number % len(combinations)]
            self._pair(number, kind, options, wants, devices, archived)

    def _pair(self, number, kind, options, wants, devices, archived):
        sender = Sender(self, f"s{number}@{HOST}", kind, **options)
        pair = Pair(number, sender, f"r{number}@{HOST}")
        pair.is_archived = archived
        sender.pair = pair
        for index, given in enumerate(devices):
            given = {**given, "archive": given.get("archive", False) and archived}
            device = Device(self, pair.recipient, f"{wants}{index}", **given)
            # What nobody stores is passed on when its session has ended, which may be noticed after the client is back.
            device.keeps_order = len(devices) == 1 and (archived or device.wants_sm or not device.present)
            pair.is_stored = pair.is_stored and (archived or device.wants_sm)
            device.pairs[number] = pair
            device.arrivals[pair]  # there from now on
            pair.devices.append(device)
            self.devices.append(device)
        self.senders.append(sender)
        self.ledger.pairs.append(pair)

    async def opens(self):
        """Accounts, preferences, and everybody logged in once."""
        await self.starts()
        await asyncio.to_thread(self.server.import_accounts,
                                [c.jid for c in self.senders] + [p.recipient for p in self.ledger.pairs], PASSWORD)
        for client in self.senders + self.devices:
            client.may_connect.set()
            self.tasks.append(asyncio.ensure_future(client.life()))
        await self.until(lambda: all(c.logins for c in self.senders + self.devices), "everybody's first login")
        if self.has_archive:
            for pair in self.ledger.pairs:
                await self._prefers(pair)
        for device in self.devices:
            if not device.present:
                self._dismisses(device)

    async def _prefers(self, pair):
        kind = "always" if pair.is_archived else "never"
        for client, whose in ((pair.devices[0], kind), (pair.sender, "never")):
            await self._sets(client, f"<prefs xmlns='{NS['mam']}' default='{whose}'><always/><never/></prefs>")

    async def _sets(self, client, payload):
        """However often its connection breaks."""
        for _ in range(200):
            try:
                if client.is_bound and (await client.connection.asks("set", payload)).get("type") == "result":
                    return
            except Lost:
                pass
            await asyncio.sleep(0.1)
        raise AssertionError(f"{client} cannot set {payload}")

    def _dismisses(self, device):
        device.may_connect.clear()
        if device.connection and device.connection.is_open:
            device.connection.sends("</stream:stream>")
            device.sm_id = None

    async def until(self, condition, what, patience=READY):
        deadline = time.monotonic() + patience
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(what)
            await asyncio.sleep(0.02)

    def produces(self, on):
        for sender in self.senders:
            sender.producing = on
            if on:
                sender.pump()

    # ---- settling ----------------------------------------------------------------------------------------

    async def settles(self):
        """Nobody writes any more; the absent come; all that was accepted arrives, and is in the archives."""
        self.produces(False)
        for device in self.devices:
            device.may_connect.set()
        await self._settled(lambda: not any(p.unsettled() for p in self.ledger.pairs), self._stuck)
        await self._settled(lambda: not self.ledger.missing(), self._missing)
        for pair in self.ledger.pairs:
            if self.has_archive and pair.is_archived:
                await self._checks_archive(pair)
        self.ledger.counts["settlements"] += 1
        for device in self.devices:
            if not device.present:
                self._dismisses(device)
        self.ledger.forget()

    async def _settled(self, condition, report):
        try:
            await self.until(condition, "", 30)
        except TimeoutError:
            report()

    def _stuck(self):
        for pair in self.ledger.pairs:
            for message in pair.unsettled()[:1]:
                self.ledger.violation(f"pair {pair.number}: {message.number} is neither accepted nor refused",
                                      pair, message)

    def _missing(self):
        missing = self.ledger.missing()
        for pair, device, message in missing[:5]:
            self.ledger.violation(f"pair {pair.number}: {device} never got {message.number}, which was accepted "
                                  f"({len(missing)} are missing)", pair, message)

    async def _checks_archive(self, pair):
        """Of the recipient, from where it was read last."""
        device = pair.devices[0]
        after = pair.archive_end
        found = None
        for _ in range(20):
            try:
                found = await device.reads_archive(after)
                break
            except Exception as error:  # its connection breaks now and then
                trouble = error
                await asyncio.sleep(0.2)
        if found is None:
            self.ledger.violation(f"pair {pair.number}: the archive cannot be read: {trouble!r}")
            return
        if found:
            pair.archive_end = found[-1][0]
        self.ledger.check_archive(pair, [(int(m.get("id").split(".")[1]), sid, is_tombstone(m)) for sid, m in found])

    # ---- the end -------------------------------------------------------------------------------------------

    async def closes(self, keep):
        for client in self.senders + self.devices:
            client.alive = False
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.server.kill()
        if self.database:
            self.database.end()
        if not keep:
            shutil.rmtree(self.place, ignore_errors=True)

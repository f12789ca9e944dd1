# SPDX-License-Identifier: MIT
"""Fixtures of the wire tests.

server       the shared server of one engine (storage and io_threads), started once per session
rooms, room  the same with the module muc, and an address there that nobody used yet
make_server  make_server(limits={…}, test_clock=True): one of the test's own, on the same storage
cast         romeo, juliet = cast("romeo", "juliet"): fresh accounts, online; .account() only makes one
"""
import itertools
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from lib import process
from lib.client import Client
from lib.postgres import Postgres, binaries
from lib.prosody import Prosody
from lib.room import Room
from lib.server import HOSTS, Server, ServerFault
from lib.stream import Stream

TOP = Path(__file__).resolve().parent.parent.parent


def pytest_addoption(parser):
    parser.addoption("--build", default="build", help="folder of the build to test")
    parser.addoption("--servers", default="sqlite:0,pgsql:2", help="storage:io_threads of the shared servers")
    parser.addoption("--engine-only", action="store_true", help="leave out what does not depend on the engine")
    parser.addoption("--without-rules", action="store_true", help="leave out the files of rules.txt")
    parser.addoption("--against", default="xylem", choices=("xylem", "prosody"))


def pytest_configure(config):
    config.addinivalue_line("markers", "xylem: not for --against prosody (admin commands, stricter rules)")
    config.addinivalue_line("markers", "once: does not depend on storage or threads; runs on the first engine only")
    config.addinivalue_line("filterwarnings", "ignore:ssl.TLSVersion:DeprecationWarning")
    config.counts = {"passed": 0, "failed": 0, "skipped": 0}


def engines(config):
    if config.getoption("--against") == "prosody":
        return ["prosody"]
    return config.getoption("--servers").split(",")


def pytest_generate_tests(metafunc):
    if "engine" in metafunc.fixturenames:
        chosen = engines(metafunc.config)
        if metafunc.definition.get_closest_marker("once"):
            chosen = chosen[:1]
        metafunc.parametrize("engine", chosen, scope="session")


def files_of_rules():
    lines = (TOP / "tests" / "wire" / "rules.txt").read_text().splitlines()
    return {line for line in lines if not line.startswith("#")}


def pytest_collection_modifyitems(config, items):
    left_out = []
    if config.getoption("--engine-only"):
        left_out += [i for i in items if i.get_closest_marker("once") or "engine" not in i.fixturenames]
    if config.getoption("--without-rules"):
        rules = files_of_rules()
        left_out += [i for i in items if i.path.name in rules]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [i for i in items if i not in left_out]
    if config.getoption("--against") == "prosody":
        for item in items:
            if item.get_closest_marker("xylem") or "make_server" in item.fixturenames:
                item.add_marker(pytest.mark.skip(reason="for xylem only"))


def pytest_runtest_logreport(report):
    counts = _config.counts
    if report.failed:
        counts["failed"] += 1
    elif report.skipped:
        counts["skipped"] += 1
    elif report.when == "call":
        counts["passed"] += 1


_config = None


def pytest_sessionstart(session):
    global _config
    _config = session.config


def pytest_collectreport(report):
    if report.failed:
        _config.counts["failed"] += 1


def pytest_unconfigure(config):
    counts = config.counts
    if _config is not None:
        print(f"\n{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Tells the fixtures of a test whether it failed, and shows the servers' last words."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and report.when == "call":
        item.failed = True
        for server in getattr(item, "servers", []):
            if server.findings() and hasattr(report.longrepr, "reprcrash"):
                report.longrepr.reprcrash.message = f"ServerFault: {report.longrepr.reprcrash.message}"
            report.sections.append((f"xylemd in {server.directory}", server.output(4000)))


# ---- places ------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def build(pytestconfig):
    return TOP / pytestconfig.getoption("--build")


@pytest.fixture(scope="session")
def place():
    """A folder of the session; kept when XYLEM_KEEP is set. Short: unix sockets live in it."""
    path = Path(tempfile.mkdtemp(prefix="xylem-"))
    path.chmod(0o755)
    yield path
    if not os.environ.get("XYLEM_KEEP"):
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def certificate(place):
    folder = place / "tls"
    folder.mkdir()
    return process.make_certificate(folder, *HOSTS)


@pytest.fixture(scope="session")
def postgres(place):
    if binaries() is None:
        pytest.skip("no PostgreSQL")
    server = Postgres(place / "pg")
    yield server
    server.end()


_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def new_server(build, place, certificate, request):
    """new_server(engine, **changes): configured, not started."""

    def make(engine, test_clock=False, **changes):
        storage, _, threads = engine.partition(":")
        directory = place / f"s{next(_numbers)}"
        if storage == "pgsql":
            postgres = request.getfixturevalue("postgres")
            database = postgres.new_database()
            store = {"driver": "pgsql", "url": postgres.url(database)}
        else:
            database, store = None, {"driver": "sqlite", "path": "data/xylem.db"}
        changes.setdefault("io_threads", int(threads or 0))
        server = Server(build, directory, store, certificate, changes, test_clock)
        server.database = database
        return server

    return make


@pytest.fixture(scope="session")
def shared_server(engine, new_server, place, certificate):
    if engine == "prosody":
        server = Prosody(place / "prosody", certificate).start()
        yield server
        server.stop()
        return
    server = new_server(engine).start()
    yield server
    server.stop()


def watched(server, request):
    """A shared server, found dead or with a sanitizer's findings only once: by the test that did it."""
    request.node.servers = [server]
    if server.process.poll() is not None:
        server.start()
    yield server
    status = server.process.poll()
    findings = server.findings()
    if status is not None:
        raise ServerFault(f"the server ended with {status}\n{findings or server.output()}")
    if findings:
        raise ServerFault(findings)


@pytest.fixture
def server(shared_server, request):
    yield from watched(shared_server, request)


@pytest.fixture(scope="session")
def shared_rooms(engine, new_server):
    server = new_server(engine, modules={"muc": {"presences": None, "messages": None}}).start()
    yield server
    server.stop()


@pytest.fixture
def rooms(shared_rooms, request):
    """A shared server with rooms where nobody says too much."""
    yield from watched(shared_rooms, request)


@pytest.fixture
def room(rooms):
    """The address of a room of that server, used by nobody yet (lib/room.py)."""
    return Room(rooms)


@pytest.fixture
def make_server(engine, new_server, request):
    made = []
    request.node.servers = made

    def make(start=True, **changes):
        server = new_server(engine, **changes)
        made.append(server)
        return server.start() if start else server

    yield make
    failed = getattr(request.node, "failed", False)
    for server in made:
        server.kill() if failed else server.stop()


class Cast:
    """Makes the people of a test and closes their connections after it."""

    def __init__(self, server):
        self.server, self.clients, self.defaults = server, [], server.client_defaults

    def account(self, name, server=None, domain=None):
        return (server or self.server).fresh(name, domain)

    def client(self, name, jid=None, server=None, domain=None, password="secret", kind=Client, **options):
        """Connected, not logged in. `kind`: a class derived from Client."""
        server = server or self.server
        jid = jid or server.fresh(name, domain)
        return kind(server, jid, password, cast=self.clients, label=name, **{**self.defaults, **options})

    def connected(self, *names, **options):
        """Logged in, no presence sent."""
        return self._each(names, lambda n: self.client(n, **options).logs_in())

    def online(self, *names, presence="<presence/>", **options):
        return self._each(names, lambda n: self.client(n, **options).comes_online(presence))

    __call__ = online

    def another(self, client, resource=None, online=True, **options):
        """A further resource of the same account."""
        made = self.client(client.label, jid=client.jid, server=client.server, resource=resource, **options)
        return made.comes_online() if online else made.logs_in()

    def _each(self, names, make):
        made = [make(n) for n in names]
        return made[0] if len(made) == 1 else made

    def close(self):
        for client in self.clients:
            client.breaks()


@pytest.fixture
def actors():
    """actors(server): a cast on a server of the test's own."""
    casts = []

    def make(server):
        casts.append(Cast(server))
        return casts[-1]

    yield make
    for made in casts:
        made.close()


@pytest.fixture
def connects():
    """connects(server, "starttls"): a bare stream of no account, nothing sent yet."""
    made = []

    def make(server, tls="starttls", label="C", **options):
        made.append(Stream(server.port(tls), label=label, **options))
        return made[-1]

    yield make
    for stream in made:
        stream.breaks()


@pytest.fixture
def cast(server, actors):
    return actors(server)

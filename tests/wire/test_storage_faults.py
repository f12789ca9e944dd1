# SPDX-License-Identifier: MIT
"""A database that is away, locked or full: requests wait, then fail with a stanza error; connections
stay, what needs no database goes on, and it heals by itself. Nothing that was confirmed is lost."""
import itertools
import resource
import sqlite3

import pytest

from lib import dom
from lib.client import SaslFailure
from lib.postgres import Postgres, binaries
from lib.server import DROP

pytestmark = [pytest.mark.xylem, pytest.mark.once]
REFUSALS = {"internal-server-error", "resource-constraint"}
numbers = itertools.count(1)


def vcard(text):
    return f"<vCard xmlns='vcard-temp'><FN>{text}</FN></vCard>"


def saves(client, text):
    """None when the server confirms, else the condition."""
    return condition_of(client.asks("set", vcard(text)))


def condition_of(answer):
    if answer.get("type") == "result":
        return None
    return dom.name(dom.find(answer, "client:error")[0])[1]


def saved(client):
    found = dom.parse(vcard("")).tag
    card = client.asks("get", "<vCard xmlns='vcard-temp'/>").find(found)
    name = card.find("{vcard-temp}FN") if card is not None else None
    return None if name is None else name.text


def chats(romeo, juliet):
    number = next(numbers)
    romeo.sends(f"<message to='{juliet.full}' id='c{number}'><body>hi</body></message>")
    juliet.hears(f"<message from='{romeo.full}' id='c{number}'><body>hi</body></message>")


def heals(client):
    """The first write that is confirmed again; refusals before it are right."""
    for attempt in range(100):
        text = f"healed {attempt}"
        condition = saves(client, text)
        if condition is None:
            assert saved(client) == text
            return
        assert condition in REFUSALS, condition
    raise AssertionError("writes never work again")


# ---- PostgreSQL ------------------------------------------------------------------------------------


@pytest.fixture
def database(place):
    if binaries() is None:
        pytest.skip("no PostgreSQL")
    made = Postgres(place / f"pg-fault{next(numbers)}")
    yield made
    made.end()


@pytest.fixture
def on_postgres(database, make_server):
    name = database.new_database()
    return make_server(storage={"driver": "pgsql", "url": database.url(name), "path": DROP, "timeout": "2 s"})


def test_postgres_goes_away_and_comes_back(database, on_postgres, actors):
    cast = actors(on_postgres)
    romeo, juliet = cast("romeo", "juliet")
    assert saves(romeo, "before") is None
    database.stop("immediate")
    assert saves(romeo, "while away") in REFUSALS
    chats(romeo, juliet)
    login_is_refused(cast)
    database.start()
    heals(romeo)
    cast("nurse")
    chats(romeo, juliet)


def test_what_waits_comes_first_when_the_database_is_back(database, on_postgres, actors):
    """A session that came up while the queue could not be read gets live messages behind it."""
    cast = actors(on_postgres)
    romeo, jid = cast.online("romeo"), cast.account("juliet")
    romeo.sends(f"<message to='{jid}' type='chat' id='w'><body>waited</body></message>")
    assert saves(romeo, "before") is None
    juliet = cast.client("juliet", jid=jid).logs_in()
    database.stop("immediate")
    juliet.sends("<presence/>")
    juliet.round_trip()
    romeo.sends(f"<message to='{juliet.full}' type='chat' id='l'><body>live</body></message>")
    romeo.round_trip()
    database.start()
    bodies = []
    while len(bodies) < 2:
        element = juliet.next_element()
        if dom.name(element)[1] == "message":
            bodies.append(dom.find(element, "client:body").text)
    assert bodies == ["waited", "live"]


def login_is_refused(cast):
    nurse = cast.client("nurse", jid="nurse@xylem.test", mechanism="PLAIN").secures()
    with pytest.raises(SaslFailure) as failure:
        nurse.authenticates()
    assert failure.value.condition == "temporary-auth-failure"


def test_postgres_restarts_under_load(database, on_postgres, actors):
    """Confirmed writes are there afterwards, refused ones may be, and every request is answered."""
    people = [actors(on_postgres).connected("romeo", ) for _ in range(6)]
    last = {}
    for turn in range(30):
        for person in people:
            person.sends(f"<iq type='set' id='s{turn}'>{vcard(f't{turn}')}</iq>")
        if turn == 10:
            database.stop("fast")
            database.start()
        for person in people:
            answer = person.next_element()
            assert answer.get("id") == f"s{turn}"
            condition = condition_of(answer)
            assert condition is None or condition in REFUSALS
            if condition is None:
                last[person] = turn
    for person in people:
        heard = saved(person)
        assert int(heard[1:]) >= last[person] >= 20, (heard, last[person])


def test_postgres_kills_our_connections(database, on_postgres, actors):
    romeo = actors(on_postgres)("romeo")
    for _ in range(3):
        database.psql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                  "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")
        heals(romeo)


def test_postgres_missing_at_start(make_server, place):
    """The server says what it cannot reach and ends."""
    server = make_server(start=False, storage={"driver": "pgsql", "path": DROP, "url": f"postgresql:///x?host={place}/nowhere"})
    server.start(ready=False)
    assert server.process.wait(60) != 0
    server.process = None
    assert "nowhere" in server.output()


# ---- SQLite ----------------------------------------------------------------------------------------


@pytest.fixture
def on_sqlite(make_server):
    return make_server(storage={"driver": "sqlite", "path": "data/xylem.db", "url": DROP, "timeout": "2 s"}, log={"level": "error"})


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_sqlite_locked(on_sqlite, actors, lock):
    romeo, juliet = actors(on_sqlite)("romeo", "juliet")
    other = sqlite3.connect(on_sqlite.directory / "data" / "xylem.db", isolation_level=None)
    other.execute(f"BEGIN {lock}")
    assert saves(romeo, "while locked") in REFUSALS
    chats(romeo, juliet)
    other.execute("ROLLBACK")
    other.close()
    heals(romeo)


def test_sqlite_locked_for_a_moment(on_sqlite, actors):
    """A short lock (somebody's backup) is waited for, not reported."""
    romeo = actors(on_sqlite)("romeo")
    other = sqlite3.connect(on_sqlite.directory / "data" / "xylem.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    romeo.sends(f"<iq type='set' id='s'>{vcard('patient')}</iq>")
    assert not romeo.has_input()
    other.execute("ROLLBACK")
    romeo.hears("<iq type='result' id='s'/>")
    other.close()


def test_disk_full(on_sqlite, actors):
    """No room for another page: writes are refused, reads and chats go on; with room again all is well."""
    romeo, juliet = actors(on_sqlite)("romeo", "juliet")
    assert saves(romeo, "before") is None
    pid = on_sqlite.process.pid
    former = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, former[1]))
    conditions = {saves(romeo, "x" * 5000) for _ in range(5)}
    assert conditions <= REFUSALS, conditions
    assert saved(romeo) == "before"
    chats(romeo, juliet)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, former)
    heals(romeo)


def test_sqlite_path_unusable(make_server):
    server = make_server(start=False, storage={"driver": "sqlite", "path": "data", "url": DROP})
    server.start(ready=False)
    assert server.process.wait(60) != 0
    server.process = None
    assert "data" in server.output()

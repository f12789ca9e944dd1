# SPDX-License-Identifier: MIT
"""A PostgreSQL of the test session: temp dir, unix socket only, one database per server."""
import itertools
import os
import subprocess
from pathlib import Path

from . import process


def binaries():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    return found[-1] if found else None


class Postgres:
    def __init__(self, directory):
        self.directory, self.bin = directory, binaries()
        self.numbers = itertools.count(1)
        directory.mkdir(parents=True)
        self._run("initdb", "-U", "xylem", "-A", "trust", "-N", "-E", "UTF8", "--locale=C", "-D", directory / "db")
        self.start()

    def _run(self, program, *arguments):
        command = process.unprivileged("postgres", self.directory, [str(self.bin / program), *map(str, arguments)])
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.directory)
        assert done.returncode == 0, f"{program}: {done.stderr}{done.stdout}"
        return done.stdout

    def start(self):
        # Nothing here survives a power cut, and nothing has to.
        settings = ["listen_addresses=", f"unix_socket_directories={self.directory}", "fsync=off",
                    "full_page_writes=off", "max_connections=200", "shared_buffers=32MB"]
        options = " ".join(f"-c {s}" for s in settings)
        self._run("pg_ctl", "-D", self.directory / "db", "-l", self.directory / "log", "-w", "-o", options, "start")

    def stop(self, mode="fast"):
        self._run("pg_ctl", "-D", self.directory / "db", "-m", mode, "-w", "stop")

    def end(self):
        """Also when a test has stopped it."""
        if (self.directory / "db" / "postmaster.pid").exists():
            self.stop("immediate")

    def psql(self, database, statement):
        done = subprocess.run([str(self.bin / "psql"), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1",
                               "-h", str(self.directory), "-U", "xylem", database, "-c", statement],
                              capture_output=True, text=True, env={**os.environ, "PGOPTIONS": ""})
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def new_database(self):
        name = f"xylem{next(self.numbers)}"
        self.psql("postgres", f"CREATE DATABASE {name}")
        return name

    def url(self, database):
        return f"postgresql:///{database}?host={self.directory}&user=xylem"


class Locked:
    """Nobody else gets at a table meanwhile: `with Locked(postgres, database, "message"):`"""

    def __init__(self, postgres, database, table):
        self.postgres, self.database, self.table = postgres, database, table

    def __enter__(self):
        command = [str(self.postgres.bin / "psql"), "-X", "-A", "-t", "-q", "-h", str(self.postgres.directory),
                   "-U", "xylem", self.database]
        self.process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdin.write(f"BEGIN; LOCK TABLE {self.table} IN ACCESS EXCLUSIVE MODE; SELECT 'locked';\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().strip() == "locked"
        return self

    def awaited(self, count=1):
        wanted = f"SELECT count(*) FROM pg_locks l WHERE NOT granted AND relation = '{self.table}'::regclass"
        process.wait_until(lambda: int(self.postgres.psql(self.database, wanted)) >= count,
                           "somebody who waits for the lock")

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

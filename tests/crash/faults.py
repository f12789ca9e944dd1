# SPDX-License-Identifier: MIT
"""The switches of faults.so: full, broken, slow, deadly disks for one program and one folder."""
import ctypes
import mmap
from pathlib import Path


KINDS = 3072
BEFORE, INSIDE, AFTER = range(3)


class Control(ctypes.Structure):  # faults.c: struct control
    _fields_ = [("full", ctypes.c_uint32), ("broken", ctypes.c_uint32), ("unflushed", ctypes.c_uint32),
                ("slow_us", ctypes.c_uint32), ("refused", ctypes.c_uint64), ("slowed", ctypes.c_uint64),
                ("kill_at", ctypes.c_uint64), ("writes", ctypes.c_uint64), ("moment", ctypes.c_uint32),
                ("counting", ctypes.c_uint32), ("kinds", ctypes.c_char * KINDS)]


class Faults:
    """environment() starts the program under it; `control` switches. `log`: each run gets a file of its own. `socket`:
    the folder where a database listens, what is sent there counts as written."""

    def __init__(self, library, folder, watched, logs=True, socket=None):
        self.socket = socket and str(Path(socket).resolve())
        self.library, self.watched, self.logs = library, Path(watched).resolve(), logs
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.page_file = self.folder / "control"
        self.page_file.write_bytes(bytes(4096))
        self.page_file.chmod(0o666)
        with open(self.page_file, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), 4096)
        self.control = Control.from_buffer(self.page)
        self.runs = 0

    @property
    def log(self):
        return self.folder / f"log-{self.runs}"

    def environment(self):
        self.runs += 1
        given = {"LD_PRELOAD": str(self.library), "XYLEM_FAULTS_DIR": str(self.watched),
                 "XYLEM_FAULTS_CONTROL": str(self.page_file)}
        if self.socket:
            given["XYLEM_FAULTS_SOCKET"] = self.socket
        return {**given, "XYLEM_FAULTS_LOG": str(self.log)} if self.logs else given

    def arms(self, kill_at=0, moment=BEFORE):
        """From now on writes are counted, and number `kill_at` (from 1; 0: none) is the last."""
        c = self.control
        c.counting, c.writes = 0, 0
        c.kill_at, c.moment = kill_at, moment
        c.counting = 1

    def disarms(self):
        """How many there were, and what kinds of writes the first were: "wwfs…"."""
        self.control.counting = 0
        return self.control.writes, self.control.kinds[:self.control.writes].decode()

    def calm(self):
        c = self.control
        c.full = c.broken = c.unflushed = c.slow_us = 0

# SPDX-License-Identifier: MIT
"""What a power cut leaves of the files that faults.so watched.

The Disk is fed with logs, one per run of the server, and knows for each file what is certain (it was
written before a flush that ended) and what is only in the page cache. cut() makes the files what they
may be after the power failed: what was certain, and of the rest any subset, in any order, torn at sectors.
A file that was created is certain once it or its directory has been flushed; one that was unlinked or renamed
may be back until the directory has been."""
import struct
from pathlib import Path

RECORD = struct.Struct("=cBHIQ")  # faults.c: struct record
SECTOR = 512


class File:
    """`certain` None: it need not exist after a cut."""

    def __init__(self, certain=None):
        self.certain = certain
        self.doubtful = []  # ("w", offset, bytes) and ("t", length), as they were done
        self.flushing = None

    def settles(self, count):
        self.certain = self.certain or bytearray()
        for operation in self.doubtful[:count]:
            apply(self.certain, operation)
        del self.doubtful[:count]


def apply(content, operation):
    if operation[0] == "t":
        length = operation[1]
        del content[length:]
        content.extend(bytes(length - len(content)))
        return
    _, offset, octets = operation
    content.extend(bytes(max(0, offset - len(content))))
    content[offset:offset + len(octets)] = octets


def torn(operation, dice):
    """Part of a write: some of its sectors."""
    if operation[0] == "t" or dice.random() < 0.7:
        return [operation]
    _, offset, octets = operation
    pieces = [("w", offset + at, octets[at:at + SECTOR]) for at in range(0, len(octets), SECTOR)]
    return dice.sample(pieces, dice.randrange(len(pieces) + 1))


class Disk:
    """`ignored`: a folder whose files may vanish."""

    def __init__(self, ignored=None):
        self.ignored = f"{ignored}/"
        self.files = {}   # path: File
        self.flushes = 0
        self.writes = 0
        self.former = {}  # path: what was there until its name went, the directory not yet flushed

    # ---- reading logs ----------------------------------------------------------------------------

    def read(self, log):
        """All of one run's log. It may end within a record: that call was not done."""
        octets = Path(log).read_bytes()
        place, names = 0, {}
        while place + RECORD.size <= len(octets):
            kind, created, number, length, offset = RECORD.unpack_from(octets, place)
            place += RECORD.size
            if place + length > len(octets):
                break
            self._record(kind.decode(), created, number, offset, octets[place:place + length], names)
            place += length

    def _record(self, kind, created, number, offset, payload, names):
        if kind == "o":
            self._opened(payload.decode(), created)
            names[number] = payload.decode()
        elif kind in "wtfF" and names[number].startswith(self.ignored):
            pass
        elif kind == "w":
            self.writes += 1
            self.files[names[number]].doubtful.append(("w", offset, payload))
        elif kind == "t":
            self.files[names[number]].doubtful.append(("t", offset))
        elif kind == "f":
            file = self.files[names[number]]
            file.flushing = len(file.doubtful)
        elif kind == "F":
            self._flushed(self.files[names[number]])
        else:
            self._named(kind, payload)

    def _opened(self, name, created):
        if (name not in self.files or created) and not name.startswith(self.ignored):
            self.files[name] = File(None if created else bytearray(Path(name).read_bytes()))

    def _flushed(self, file):
        """Flushes of one file that overlap (there are none in SQLite's) count the fewer writes."""
        self.flushes += 1
        file.settles(file.flushing or 0)
        file.flushing = 0

    def _named(self, kind, payload):
        if kind == "d":
            self.former.clear()
            for file in self.files.values():
                if file.certain is None:
                    file.certain = bytearray()
            return
        names = [n.decode() for n in payload.split(b"\0")]
        if names[0].startswith(self.ignored):
            return
        if kind == "r":
            self._gone(names[1])
            self.files[names[1]] = self.files.pop(names[0], File(bytearray(Path(names[1]).read_bytes())))
        else:
            self._gone(names[0])

    def _gone(self, name):
        file = self.files.pop(name, None)
        if file is not None and file.certain is not None:
            self.former[name] = file

    # ---- the cut -----------------------------------------------------------------------------------

    def cut(self, dice):
        """The power fails: writes the files as they may be now. Returns how many writes were doubtful and how
        many of them came through."""
        doubtful = kept = 0
        for name, file in self.former.items():
            if name not in self.files and dice.random() < 0.5:
                self.files[name] = file
        self.former.clear()
        mood = dice.random()  # all lost, all kept, or anything between
        chance = 0 if mood < 0.25 else 1 if mood > 0.9 else dice.random()
        for name, file in list(self.files.items()):
            survivors = [o for o in file.doubtful if dice.random() < chance]
            doubtful, kept = doubtful + len(file.doubtful), kept + len(survivors)
            if dice.random() < 0.5:
                dice.shuffle(survivors)
            self._write(Path(name), file, survivors, dice)
        return doubtful, kept

    def _write(self, path, file, survivors, dice):
        if file.certain is None and not survivors:
            path.unlink(missing_ok=True)
            del self.files[str(path)]
            return
        content = file.certain if file.certain is not None else bytearray()
        for operation in survivors:
            for piece in torn(operation, dice):
                apply(content, piece)
        # In place, not truncated first: it keeps its owner and mode.
        with open(path, "r+b" if path.exists() else "wb") as out:
            out.write(content)
            out.truncate()
        file.certain, file.doubtful, file.flushing = content, [], None

    # ---- does the log tell the truth? ---------------------------------------------------------------

    def check(self):
        """After a kill that spared the page cache: the files are what the log says, write by write."""
        for name, file in self.files.items():
            content = bytearray(file.certain or b"")
            for operation in file.doubtful:
                apply(content, operation)
            if not Path(name).exists():
                continue  # killed behind the unlink, before its record
            real = Path(name).read_bytes()
            # The last write may have been logged and not done.
            if real != content and not self._last_undone(file, real):
                raise AssertionError(f"{name}: the log tells of {len(content)} bytes, there are {len(real)}")

    @staticmethod
    def _last_undone(file, real):
        content = bytearray(file.certain or b"")
        for operation in file.doubtful[:-1]:
            apply(content, operation)
        return bool(file.doubtful) and real == content

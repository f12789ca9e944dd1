# SPDX-License-Identifier: MIT
"""Who would forge the audit log: he knows every form, writes to the database as he likes, and has keys of his own,
but not that of the log."""
import hashlib
import json

from lib.auditing import load_verifier

verifier = load_verifier()


class Key:
    """Ed25519 (RFC 8032 section 5.1)."""

    def __init__(self, seed=bytes(32)):
        digest = hashlib.sha512(seed).digest()
        self.scalar = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | 1 << 254
        self.prefix, self.public = digest[32:], self.point(self.scalar)

    @staticmethod
    def point(scalar):
        x, y, z, _ = verifier.point_times(scalar, verifier.BASE)
        inverse = pow(z, verifier.P - 2, verifier.P)
        x, y = x * inverse % verifier.P, y * inverse % verifier.P
        return (y | (x & 1) << 255).to_bytes(32, "little")

    def sign(self, message):
        r = int.from_bytes(hashlib.sha512(self.prefix + message).digest(), "little") % verifier.Q
        first = self.point(r)
        h = int.from_bytes(hashlib.sha512(first + self.public + message).digest(), "little") % verifier.Q
        return first + ((r + h * self.scalar) % verifier.Q).to_bytes(32, "little")

    @property
    def hex(self):
        return self.public.hex()


class Log:
    """A log of his own making, as lines of an export."""

    def __init__(self, lines=()):
        self.tree, self.last, self.lines = verifier.Tree(), bytes(32), []
        for line in lines:
            self.take(line)

    def take(self, line):
        self.lines.append(line)
        if "record" in line:
            self.last = bytes.fromhex(line["record"]["hash"])
            self.tree.add(verifier.leaf_hash(self.last))

    def add(self, **said):
        record = {"seq": self.tree.size + 1, "at": 1, "message": 0, "operation": "x", "actor": "unix:0", "kind": "remove",
                  "account": "", "room": "", "reason": "", "words": "", "details": ""} | said
        record["previous"] = self.last.hex()
        record["hash"] = verifier.record_hash(record).hex()
        self.take({"record": record})

    def head(self, key):
        root, chain = self.tree.root(), self.last
        form = b"xylem-audit-head-1\0" + verifier.number(self.tree.size) + verifier.number(1) + root + chain
        self.lines.append({"head": {"size": self.tree.size, "at": 1, "root": root.hex(), "chain": chain.hex(),
                                    "key": key.hex, "signature": key.sign(form).hex()}})

    def text(self):
        return "\n".join(json.dumps(line) for line in [{"xylem-audit-export": 1, "after": 0}, *self.lines])

    def put(self, inside):
        """In the place of the one that is in the database; `next` of each head as the records say."""
        following = None
        inside.does("delete from audit_head", "delete from audit_record")
        for line in self.lines:
            if "record" in line:
                record = line["record"]
                if record["kind"] in ("begin", "key_change", "key_lost"):
                    following = verifier.details(record)["key"]
                self.insert(inside, "audit_record", record, ("previous", "hash"))
            else:
                head = dict(line["head"])
                peaks = b"".join(self.peaks(head["size"])).hex()
                self.insert(inside, "audit_head", head | {"next": following, "peaks": peaks},
                            ("root", "chain", "key", "signature", "next", "peaks"))

    def peaks(self, size):
        tree = verifier.Tree()
        records = [line["record"] for line in self.lines if "record" in line]
        for record in records[:size]:
            tree.add(verifier.leaf_hash(bytes.fromhex(record["hash"])))
        return tree.peaks

    @staticmethod
    def insert(inside, table, row, binary):
        values = [inside.bytes(v) if k in binary else str(v) if isinstance(v, int) else "'" + v.replace("'", "''") + "'"
                  for k, v in row.items()]
        inside.does(f"insert into {table} ({', '.join(row)}) values ({', '.join(values)})")

# SPDX-License-Identifier: MIT
"""What goes wrong: kills at random moments of whatever the server or its database is doing, power cuts, and disks that
are full, broken or slow for a while."""
import asyncio
import signal
from collections import Counter

LONGEST = 1.2  # seconds of load before a kill


class Chaos:
    def __init__(self, world):
        self.world, self.dice = world, world.dice
        self.kills, self.counts = 0, Counter()

    async def strikes(self):
        """One round: load, now and then a bad disk, a kill, a start."""
        world = self.world
        world.produces(True)
        await asyncio.sleep(self.dice.uniform(0, LONGEST))
        if self.dice.random() < 0.35:
            await self._bad_disk()
        ways = [(6, self._under_load), (2, self._while_starting), (2, self._while_reloading), (2, self._while_stopping)]
        if world.database:
            ways += [(3, self._database), (2, self._backend), (2, self._both)]
        way = self.dice.choices([w for _, w in ways], [n for n, _ in ways])[0]
        self.counts[way.__name__.strip("_").replace("_", " ")] += 1
        await way()
        await self._revived()

    async def _revived(self):
        self._calm()
        if self.world.database:
            await asyncio.to_thread(self.world.database.revive)

    def _calm(self):
        self.world.faults.calm()
        if self.world.database:
            self.world.database_faults.calm()

    async def _bad_disk(self):
        """The kill may come while it lasts."""
        faults = self.world.database_faults if self.world.database else self.world.faults
        kind = self.dice.choice(["full", "broken", "unflushed", "slow_us", "slow_us"])
        self.counts[f"disk {kind.removesuffix('_us')}"] += 1
        self.world.ledger.storm(f"disk {kind}")
        setattr(faults.control, kind, self.dice.randrange(20000, 300000) if kind == "slow_us" else 1)
        await asyncio.sleep(self.dice.uniform(0.02, 0.5))
        if self.dice.random() < 0.5:
            self._calm()
            self.world.ledger.storm("disk well")

    # ---- the server ----------------------------------------------------------------------------------------

    async def _down(self, what):
        """Killed; with SQLite half of the time as by a power cut."""
        world = self.world
        self.kills += 1
        world.kills()
        world.ledger.storm("crash")
        self._calm()
        if world.storage == "sqlite":
            if self.dice.random() < 0.5:
                self._power_cut()
            elif self.dice.random() < 0.2:
                world.disk.check()
        await asyncio.sleep(0)

    def _power_cut(self):
        world = self.world
        doubtful, kept = world.disk.cut(self.dice)
        for shared in (world.place / "s" / "data").glob("*-shm"):
            shared.unlink()
        self.counts["power cuts"] += 1
        self.counts["writes in doubt"] += doubtful
        self.counts["of them lost"] += doubtful - kept
        world.ledger.storm(f"power cut, {doubtful - kept} of {doubtful} writes lost")

    async def _up(self):
        await self._revived()
        await self.world.starts()

    async def _under_load(self):
        await self._down("load")
        await self._up()

    async def _while_starting(self):
        await self._down("load")
        self.world.server.start(ready=False)
        await asyncio.sleep(self.dice.uniform(0, 0.2))
        await self._down("start")
        await self._up()

    async def _while_reloading(self):
        """A module comes or goes."""
        server = self.world.server
        if "time" in server.config["modules"]:
            server.config["modules"]["time"] = not server.config["modules"]["time"]
        server.write_config()
        server.process.send_signal(signal.SIGHUP)
        await asyncio.sleep(self.dice.uniform(0, 0.1))
        await self._down("reload")
        await self._up()

    async def _while_stopping(self):
        server = self.world.server
        server.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(self.dice.uniform(0, 0.1))
        if server.process.poll() is not None:
            self._stopped(server)
        else:
            await self._down("stop")
        await self._up()

    def _stopped(self, server):
        """It was quicker."""
        self.kills += 1
        self.counts["stopped before the kill"] += 1
        if server.process.returncode != 0:
            self.world.ledger.violation(f"SIGTERM: it ended with {server.process.returncode}\n{server.output(3000)}")
        self.world.took_log()
        self.world.ledger.storm("crash")

    # ---- the database ----------------------------------------------------------------------------------------

    async def _database(self):
        """All of PostgreSQL; the server stays."""
        self.kills += 1
        await asyncio.to_thread(self.world.database.kill)
        self.world.ledger.storm("database killed")
        self._calm()
        await asyncio.sleep(self.dice.uniform(0, 0.7))
        await asyncio.to_thread(self.world.database.revive)

    async def _backend(self):
        self.kills += 1
        await asyncio.to_thread(self.world.database.kill, True, self.dice)
        self.world.ledger.storm("backend killed")

    async def _both(self):
        """As when the machine goes down."""
        self.kills += 1
        await asyncio.to_thread(self.world.database.kill)
        await self._down("both")
        await self._up()

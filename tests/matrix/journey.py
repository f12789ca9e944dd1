# SPDX-License-Identifier: MIT
"""The story of one cell, in steps; all cells take each step together, and the clock jumps between steps.

 arrive    everybody logs in for the first time; archiving is set, for `after` by way of the other setting
 settle    (behind the first jump) each device takes up its state
 send      the sender's messages are accepted, or come back
 switch    for `before`: archiving is set the other way
 collect   the devices log in again by their login paths
 collect_late   those whose sessions had to expire first (behind the second jump)
 look_again     (behind the third) and once more: nothing new may come
 account   both archives are read
"""
import asyncio
from xml.sax.saxutils import escape

import oracle
from cells import MODELS, RUSH, Cell
from connection import Broken
from device import MAM, Device

HINTS = "urn:xmpp:hints"
MESSAGES, MOST = 2, 200


class Journey:
    def __init__(self, world, number, cell: Cell):
        self.world, self.cell = world, cell
        self.trace = []
        self.error = None
        self.ids = [f"m{number}-{i}" for i in range(MESSAGES)]
        self.sender_jid, self.jid = world.names(number)
        self.sender = Device(world, self.sender_jid, MODELS["legacy-stream"], "S", self.trace)
        self.devices = [Device(world, self.jid, part.model, "RQ"[i], self.trace) for i, part in enumerate(cell.parts)]
        self.expected = oracle.expectation(cell)
        self.archives = {}

    def each(self):
        return zip(self.devices, self.cell.parts)

    async def step(self, name):
        """Runs one step; after a failure the others are left out."""
        if self.error:
            return
        self.trace.append(f"-------- {name}")
        try:
            await getattr(self, name)()
        except (Broken, AssertionError, OSError, ValueError, TypeError, AttributeError) as error:
            self.error = f"{name}: {type(error).__name__}: {error}"
            self.trace.append(f"-------- {self.error}")

    # ---- the steps --------------------------------------------------------------------------------

    async def arrive(self):
        await self.sender.comes_online()
        for device, part in self.each():
            await device.comes_online(first=True, priority=-1 if part.state == "negative" else 0)
        if self.cell.when == "after":
            await self.prefers(not self.is_archived())
        await self.prefers(self.is_archived(), exactly=True)
        for device, part in self.each():
            if part.state != "offline":
                continue
            if part.model.resume == "expired":
                device.parts_with("reset")
            elif part.model.resume != "works":
                await device.leaves()

    def is_archived(self):
        """Whether the recipient's preferences say yes when the message is accepted."""
        return self.cell.archive == "always"

    async def prefers(self, archived, exactly=False):
        """Sets archiving for this sender; `exactly` as the cell says, else in the plainest way."""
        default, never = "always" if archived else "never", ""
        if exactly:
            default = {"off": "never", "always": "always", "roster": "roster", "never": "always"}[self.cell.archive]
            if self.cell.archive == "never":
                never = f"<jid>{escape(self.sender_jid)}</jid>"
        prefs = f"<prefs xmlns='{MAM}' default='{default}'><always/><never>{never}</never></prefs>"
        alive = [d for d, _ in self.each() if d.is_connected() and not d.is_dead]
        if not alive and all(d.model.sasl2 for d in self.devices):
            return await self.world.prefers(self.jid, default)
        answer = await alive[0].connection.ask("set", prefs) if alive else await self.asks_elsewhere(prefs)
        assert answer.get("type") == "result", f"preferences refused: {answer}"

    async def asks_elsewhere(self, payload):
        """By a client that is there for this only, and never available. To the server it is the same
        device as all that do not say who they are."""
        other = Device(self.world, self.jid, MODELS["legacy-plain"], "P", self.trace)
        await other.connects()
        answer = await other.connection.ask("set", payload)
        await other.leaves()
        return answer

    async def settle(self):
        for device, part in self.each():
            if part.state == "offline" and part.model.resume == "works":
                device.parts_with("reset")
            elif part.state == "dead":
                device.parts_with("dies")
            elif part.state == "csi":
                device.connection.write("<inactive xmlns='urn:xmpp:csi:0'/>")
        await self.sender.settles()

    async def send(self):
        if self.cell.parts[0].state == RUSH:
            await self.rush()
        else:
            for number in self.ids:
                self.says(number)
        await self.sender.connection.accepted()
        await self.sender.settles()
        for device, part in self.each():
            if part.state not in ("offline", "dead"):
                await device.settles()

    def says(self, number):
        to = self.jid if self.cell.address == "bare" else self.devices[0].full
        hint = "" if self.cell.hint == "none" else f"<{self.cell.hint} xmlns='{HINTS}'/>"
        self.sender.connection.send(f"<message type='chat' id='{number}' to='{escape(to)}'>"
                                    f"<body>But soft, what light</body>{hint}</message>")

    async def rush(self):
        """One message after the other, while the recipient logs off and on again, and again."""
        device, part = next(self.each())
        moving = asyncio.ensure_future(self.moves(device, part))
        stem = self.ids[0].rpartition("-")[0]
        self.ids = []
        while not moving.done() and len(self.ids) < MOST:
            self.ids.append(f"{stem}-{len(self.ids):03}")
            self.says(self.ids[-1])
            await asyncio.sleep(0.004)
        await moving

    async def moves(self, device, part):
        for _ in range(2):
            await device.connection.round_trip(device.domain)
            await self.comes_back(device, part)

    async def switch(self):
        if self.cell.when == "before":
            await self.prefers(not self.is_archived())

    async def collect(self):
        if self.cell.late:
            for device, part in self.each():
                if part.state not in ("offline", "dead"):
                    await device.settles()
                    device.parts_with("reset")  # and its session expires
            return
        for device, part in self.each():
            if part.state != RUSH:
                await self.comes_back(device, part)

    async def collect_late(self):
        if not self.cell.late:
            return
        for device, part in self.each():
            await self.comes_back(device, part)

    async def comes_back(self, device, part):
        """From its state to its next login."""
        resume = bool(part.model.resume)
        if part.state not in ("offline", "dead") and not self.cell.late:
            if resume:
                await device.has_enough()
                device.parts_with("reset")
            else:
                await device.leaves()
        if part.state == "dead" and not part.model.sasl2 and not part.model.sync:
            device.connection.reset()  # the others' old sockets look alive to the server
        device.before = device.before or device.connection
        done = await device.comes_online(resume, priority=None if part.state != "negative" else 0)
        if resume:
            assert done.resumed == (part.model.resume == "works"), f"{device.label}: resumption {part.model.resume}: {done}"

    async def look_again(self):
        for device in self.devices:
            await device.settles()
            await device.leaves()
            await device.comes_online()
        await self.sender.settles()

    async def account(self):
        self.archives["recipient"] = await self.devices[0].archive_ids()
        self.archives["sender"] = await self.sender.archive_ids()
        for device in (*self.devices, self.sender):
            await device.leaves()

    def dead_sessions(self):
        """Full JIDs whose connections are dead, and nobody has come back to them."""
        return {jid for device in self.devices for jid in device.dead}

    async def is_alive(self):
        """Round trips of everybody who is connected and not playing dead, while the clock jumps."""
        if self.error:
            return
        try:
            for device in (*self.devices, self.sender):
                if device.is_connected() and not device.is_dead:
                    await device.connection.round_trip(device.domain)
        except Broken as error:
            self.error = f"clock: {error}"

    def ends(self):
        for device in (*self.devices, self.sender):
            for connection in (device.connection, device.before):
                if connection is not None:
                    connection.transport.abort()

# SPDX-License-Identifier: MIT
"""Compares what happened in a cell with what the oracle demands, and tells it."""

import re

# Round trips of the test itself, and who asks whom for acknowledgements.
NOISE = re.compile(r" id='ping\d+'|<r xmlns='urn:xmpp:sm:3'/>|<stream:features|<\?xml version|<challenge|<response")


def complaints(journey, accepted, final):
    """`accepted`, `final`: what the database had after acceptance and at the end."""
    if journey.error:
        return [journey.error]
    found = []
    for number in journey.ids:
        found += of_devices(journey, number) + of_sender(journey, number)
        found += of_storage(journey, number, accepted[number], final[number])
    return found + of_order(journey)


def received(device, journey, number):
    return [r for r in device.receipts if r.id == number and r.way != "error" and r.sender == journey.sender_jid]


def of_devices(journey, number):
    found = []
    for device, promise in zip(journey.devices, journey.expected.devices):
        got = received(device, journey, number)
        counted = [r for r in got if not r.excused]
        least, most = promise.times
        told = ", ".join(map(str, got)) or "nothing"
        if len(got) < least:
            found.append(f"{device.label} lost {number}: expected {ways(promise)}, got {told}")
        elif len(counted) > most or len(got) - len(counted) > promise.excused:
            found.append(f"{device.label} got {number} too often: {told}; expected {most} at most")
        elif got and not any(r.way in promise.ways for r in got):
            found.append(f"{device.label} got {number} by another way: {told}; expected {ways(promise)}")
        found += of_stanza_ids(device, got, number, journey.expected.recipient_archive)
    return found


def of_stanza_ids(device, got, number, archived):
    """Exactly what the archive has carries the archive's id, however it comes."""
    found = []
    if len({r.stanza_id for r in got if r.stanza_id}) > 1:
        found.append(f"{device.label} got {number} with different stanza-ids")
    if any(bool(r.stanza_id) != archived for r in got):
        found.append(f"{device.label} got {number} {'without a' if archived else 'with a false'} stanza-id")
    return found


def ways(promise):
    return " or ".join(promise.ways)


def of_sender(journey, number):
    expected = journey.expected
    bounces = sum(r.id == number and r.way == "error" for r in journey.sender.receipts)
    arrivals = [r for d in journey.devices for r in received(d, journey, number)]
    certain = sum(not r.excused for r in arrivals)
    least, most = expected.bounces
    if not least <= bounces <= most:
        return [f"{number} came back to the sender {bounces} times, expected {least} to {most}"]
    if expected.either and (certain if bounces else not arrivals):
        return [f"{number} arrived {len(arrivals)} times and came back {bounces} times: one of them it must"]
    if expected.together and not arrivals and not bounces:
        return [f"{number} reached neither device"]
    return []


def of_storage(journey, number, accepted, final):
    expected, found = journey.expected, []
    for jid, name, wanted in ((journey.sender_jid, "sender", expected.sender_archive),
                              (journey.jid, "recipient", expected.recipient_archive)):
        times = journey.archives[name].count(number)
        if times != wanted:
            found.append(f"the {name}'s archive shows {number} {times} times, expected {int(wanted)}")
        for when, row in (("after acceptance", accepted), ("at the end", final)):
            if (jid in row["entries"]) != wanted:
                found.append(f"table entry {when}: {number} {'missing' if wanted else 'present'} for the {name}")
    waiting = {owner for owner, _ in accepted["waiting"]}
    if expected.queued is not None and (journey.jid in waiting) != expected.queued:
        found.append(f"table pending after acceptance: {number} {'missing' if expected.queued else 'present'}")
    if journey.cell.hint == "no-store" and not ("absent" in accepted and "absent" in final):
        found.append(f"table message has {number}, which nobody may store")
    left = {device for _, device in final["waiting"]}
    if left:
        found.append(f"table pending at the end: {number} still waits for {sorted(left)}")
    if not final["entries"] and not final["waiting"] and "absent" not in final:
        found.append(f"table message at the end: {number} is still there, although nothing refers to it")
    return found


def of_order(journey):
    """What one person wrote to another arrives in that order, each way."""
    for device in journey.devices:
        ways = {}
        for r in device.receipts:
            if r.id in journey.ids and r.way != "error":
                ways.setdefault((r.life, r.way), []).append(r.id)
        for (life, way), order in ways.items():
            if order != sorted(order):
                return [f"{device.label} got in login {life} by {way} in this order: {order}"]
    return []


def report(journey, found):
    lines = [f"FAILED {journey.cell}", f"    alone: tests/matrix/run --servers {journey.world.engine} --cell {journey.cell}"]
    lines += [f"    * {complaint}" for complaint in found]
    lines.append(f"    the oracle: {journey.expected}")
    lines += ["    " + line[:1200] for line in journey.trace if not NOISE.search(line)]
    return "\n".join(lines)

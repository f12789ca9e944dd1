# SPDX-License-Identifier: MIT
"""Samples of a benchmark as a Markdown table: medians, and xylem's ratios to the floor and to the peers."""
import statistics

ORDER = ["floor", "xylem", "xylem on PostgreSQL", "prosody", "ejabberd"]


def rows(samples):
    """(label, measure and conditions, field, how to print it, what xylem has to reach)."""
    crowds = sorted({s["users"] for s in samples if s["measure"] == "idle"})
    for window, least in ((1, "75,000"), (8, "250,000")):
        chat = {"measure": "chat", "window": window}
        yield f"messages per server-CPU-second, {window} in flight", chat, "per_cpu_second", "{:,.0f}", least
        yield f"messages per second, {window} in flight", chat, "per_second", "{:,.0f}", ""
        yield f"latency p50, {window} in flight, ms", chat, "p50_ms", "{:.1f}", ""
        yield f"latency p99, {window} in flight, ms", chat, "p99_ms", "{:.1f}", ""
    login = {"measure": "login"}
    yield "logins per server-CPU-second", login, "per_cpu_second", "{:,.0f}", "1,500"
    yield "logins per second", login, "per_second", "{:,.0f}", ""
    for tls, what, most in (("starttls", "TLS", "14"), ("none", "plain", "3")):
        for crowd in crowds:
            idle = {"measure": "idle", "tls": tls, "users": crowd}
            yield f"KB per idle {what} session, {crowd:,} sessions", idle, "kb_per_session", "{:.1f}", f"at most {most}"
    offline = {"measure": "offline"}
    yield "offline messages stored per server-CPU-second", offline, "per_cpu_second", "{:,.0f}", "15,000"
    yield "the same, the database's own processes left out", offline, "per_first_cpu_second", "{:,.0f}", ""
    yield "offline messages stored per second", offline, "per_second", "{:,.0f}", ""
    for window in (1, 8, 32):
        kept = {"measure": "archive", "window": window}
        yield f"archived messages per second, {window} in flight", kept, "per_second", "{:,.0f}", "8,000 / 6,000"
        yield f"archived messages per server-CPU-second, {window} in flight", kept, "per_cpu_second", "{:,.0f}", ""
        yield ("the same, the database's own processes left out", kept, "per_first_cpu_second", "{:,.0f}", "15,000")
        yield f"latency p99, archiving, {window} in flight, ms", kept, "p99_ms", "{:.1f}", "below 50"
    yield from rows_of_rooms(samples)
    start = {"measure": "start"}
    yield "ready after start, s", start, "ready_s", "{:.3f}", "at most 0.1"
    yield "resident memory then, MB", start, "mb", "{:.1f}", "at most 12"
    for count in (0, 10, 50):
        yield f"ns for a stanza through {count} hooks", {"measure": "hooks"}, f"ns_{count}", "{:.0f}", ""


def rows_of_rooms(samples):
    taken = [s for s in samples if s["measure"] == "rooms"]
    for archived, crowd in dict.fromkeys((s["archived"], s["crowd"]) for s in taken):
        of = {"measure": "rooms", "archived": archived, "crowd": crowd}
        name = crowd + (", archived" if archived else "")
        for flight in sorted({s["in_flight"] for s in taken
                              if s["step"] == "talk" and (s["archived"], s["crowd"]) == (archived, crowd)}):
            talk = {**of, "in_flight": flight}
            least = "200,000" if crowd == "one room of 100" and flight > 1 and not archived else ""
            where = f"{name}, {flight} in flight"
            yield f"{where}: deliveries per server-CPU-second", talk, "per_cpu_second", "{:,.0f}", least
            yield f"{where}: deliveries per second", talk, "per_second", "{:,.0f}", ""
            yield f"{where}: delivery p50, ms", talk, "p50_ms", "{:.1f}", ""
            yield f"{where}: delivery p99, ms", talk, "p99_ms", "{:.1f}", ""
        all_in = {**of, "step": "enter"}
        large = crowd == "one room of 1,000"
        if "rooms of" in crowd or "room of" in crowd:
            yield f"{name}: all have entered after, s", all_in, "seconds", "{:.2f}", "below 10" if large else ""
            yield f"{name}: entering, server-CPU-seconds", all_in, "server_cpu", "{:.2f}", "below 5" if large else ""
        yield f"{name}: KB per occupant, silent", of, "kb_per_occupant", "{:.2f}", ""
        yield f"{name}: KB per room with one occupant", of, "kb_per_lonely", "{:.2f}", ""
        yield f"{name}: KB per persistent room, empty", of, "kb_per_empty", "{:.2f}", "below 2"


def value(samples, server, conditions, field):
    found = [s for s in samples if s["server"] == server and all(s.get(k) == v for k, v in conditions.items())]
    found = [s["kb"] / 1024 if field == "mb" else s[field] for s in found if field in s or field == "mb"]
    return statistics.median(found) if found else None


def ratio(values, other):
    if values.get("xylem") is None or not values.get(other):
        return ""
    times = values["xylem"] / values[other]
    return f"{times:,.0f}" if times >= 100 else f"{times:.2g}"


def line(cells):
    return "| " + " | ".join(cells) + " |"


def markdown(about, samples):
    servers = [name for name in ORDER if any(s["server"] == name for s in samples)]
    others = [name for name in servers if name in ("floor", "prosody", "ejabberd")]
    machine = about["machine"]
    lines = [f"`{about['command']}` on {machine['cpus']} × {machine['cpu']}, {machine['memory_gb']} GB, Linux "
             f"{machine['kernel']}, load average {machine['load_average']:.1f} at the start.", "",
             line(["", *servers, "wanted", *(f"xylem : {name}" for name in others)]),
             line(["---"] + ["---:"] * (len(servers) + 1 + len(others)))]
    for label, conditions, field, form, wanted in rows(samples):
        values = {name: value(samples, name, conditions, field) for name in servers}
        if any(v is not None for v in values.values()):
            cells = ["" if values[name] is None else form.format(values[name]) for name in servers]
            lines.append(line([label, *cells, wanted, *(ratio(values, name) for name in others)]))
    return "\n".join(lines) + "\n"

# SPDX-License-Identifier: MIT
"""The switches of retraction between people and in rooms (S0-27 to S0-31): each its own, off at first, turned
while the server runs, with the same warning in every place, and clients find out what is on."""
import re
import subprocess

import pytest

from conftest import TOP
from lib import dom, process
from lib.archive import ask, texts
from lib.canary import MODERATE
from lib.hall import features, gathers
from lib.removal import RETRACT, is_refused, retracts, says, tombstones
from lib.room import hush

pytestmark = pytest.mark.xylem
OFF = {"mam": True, "audit": True, "muc": True, "muc_mam": True, "retract": False, "retract_muc": False}
AUTHORS, MODERATORS = {"authors": True}, {"moderators": True}


def checked(make_server, **modules):
    """What `xylemd --check` says of a configuration."""
    server = make_server(start=False, modules={**OFF, **modules})
    done = subprocess.run([str(server.build / "xylemd"), "-c", str(server.config_file), "--check"],
                          capture_output=True, text=True, env=server.environment())
    assert done.returncode == 0, done.stderr
    return (done.stdout + done.stderr).splitlines()


# ---- S0-27: the window -------------------------------------------------------------------------------


@pytest.mark.parametrize("module, option, other", [("retract", "window", {}), ("retract_muc", "window", AUTHORS),
                                                   ("retract_muc", "moderators_window", MODERATORS)])
@pytest.mark.parametrize("window, flagged", [("1 s", False), ("59 s", False), ("60 s", False), ("60001 ms", True),
                                             ("1 h", True), ("none", True)])
def test_s0_27_a_longer_window_is_flagged(make_server, module, option, other, window, flagged):
    """Legal, and said at the place where it stands."""
    said = [line for line in checked(make_server, **{module: {**other, option: window}}) if f"{option}:" in line]
    assert len(said) == flagged
    if flagged:
        assert re.match(r".*xylem\.yaml:\d+:\d+: caution: .*later than 60 s", said[0]), said


@pytest.mark.parametrize("module, option", [("retract", "window"), ("retract_muc", "window")])
def test_s0_27_nothing_is_longer_unless_it_is_said(make_server, module, option):
    server = make_server(start=False)
    defaults = subprocess.run([str(server.build / "xylemd"), "--defaults"], capture_output=True, text=True, check=True,
                              env=server.environment()).stdout
    [block] = re.findall(rf"^  {module}:\n((?:    .*\n)*)", defaults, re.M)
    assert re.search(rf"^    {option}: 60 s$", block, re.M), block


def test_s0_27_a_shorter_window_holds(make_server, actors):
    server = make_server(test_clock=True, modules={**OFF, "retract": {"window": "5 s"}})
    romeo, juliet = actors(server).online("romeo", "juliet")
    says(romeo, juliet, "m1")
    juliet.hears("<message id='m1' type='*'>...</message>")
    server.advance("5100 ms")
    retracts(romeo, juliet, "m1")
    is_refused(romeo, "too-late", "not-acceptable")


# ---- S0-28, S0-29: the warning -----------------------------------------------------------------------

SOURCE = re.search(r'#define REMOVALS_WARNING[^"]*((?:"[^"]*"[\s\\]*)+)', (TOP / "modules/removals/removals.h").read_text())
WARNING = re.sub(r'"[\s\\]*"|"', "", SOURCE[1]).strip()


def plain(text):
    return " ".join(text.split())


def test_s0_28_it_says_both():
    """No effect across servers, and clients that may ignore it."""
    assert "other servers" in WARNING and "generic clients may ignore it" in WARNING


@pytest.mark.parametrize("page", ["retraction.md", "retraction.zh.md"])
def test_s0_28_s0_29_the_page_for_people_says_the_same(page):
    assert WARNING in plain((TOP / "docs" / page).read_text())


def warns(make_server, modules, event, policy, others):
    """At the switch (its answer and the log), at every check and in the policy; at nothing else."""
    server = make_server(modules=OFF)
    assert WARNING not in server.output() and WARNING not in server.ctl("reload")
    assert plain(server.reload(modules=modules)).count(WARNING) == 1
    for name, count in ((event, 2), (others, 0)):  # once for each of two hosts
        assert len([line for line in server.output(10**6).splitlines() if f" {name} " in line and WARNING in line]) == count
    assert WARNING in plain(server.ctl(*policy, "--host", server.domain))
    [line] = [line for line in checked(make_server, **modules) if WARNING in line]
    assert "caution" in line
    server.restart()
    assert f" {event} " in server.output(10**6)


def test_s0_28_turning_it_on_warns(make_server):
    warns(make_server, {"retract": True}, "retract.on", ("retract", "policy"), "retract_muc.on")


@pytest.mark.parametrize("options", [AUTHORS, MODERATORS])
def test_s0_29_turning_it_on_warns(make_server, options):
    warns(make_server, {"retract_muc": options}, "retract_muc.on", ("retract", "room-policy"), "retract.on")


def test_s0_28_off_says_nothing(make_server):
    assert not [line for line in checked(make_server) if WARNING in line]
    assert not [line for line in checked(make_server, retract_muc=True) if WARNING in line]


# ---- S0-30, S0-31: at run time, and found out by clients ----------------------------------------------


def max_age(client, to):
    """The values of the field in the form of XEP-0424, there or not."""
    answer = client.asks("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=to)
    values = []
    for form in dom.findall(answer, "disco:query/data:x"):
        fields = {f.get("var"): f for f in dom.findall(form, "data:field")}
        if dom.find(fields["FORM_TYPE"], "data:value").text == RETRACT:
            assert fields["FORM_TYPE"].get("type") == "hidden"
            values.append(dom.find(fields["max-age"], "data:value").text)
    return values


def switched(server):
    """(name, from, to, actor) of each record of a switch or a value."""
    rows = server.json("audit", "search", "--kind", "switch")["rows"] + server.json("audit", "search", "--kind", "policy")["rows"]
    read = lambda r, key: re.search(rf"(?:^|; |\n){key}=([^;\n]*)", r["details"])
    return [(read(r, "name")[1], read(r, "from")[1], read(r, "to")[1], r["actor"]) for r in rows if read(r, "name")]


def test_s0_30_both_switches_at_run_time(make_server, actors):
    """The same sessions before, between and behind; who turned which from what to what is on record."""
    server = make_server(modules=OFF)
    place, romeo, juliet = gathers(actors(server), "romeo", "juliet")
    number = iter(range(100))

    def works(one_to_one, in_rooms):
        for to, kind, on in ((juliet, "chat", one_to_one), (place, "groupchat", in_rooms)):
            n = next(number)
            says(romeo, to, f"m{n}", f"words {n}", kind)
            heard = (romeo if kind == "groupchat" else juliet).hears(f"<message id='m{n}' type='{kind}'>...</message>")
            target = f"m{n}" if kind == "chat" else dom.find(heard, "sid:stanza-id").get("id")
            retracts(romeo, to, target, f"r{n}", kind=kind)
            if on:
                juliet.hears(f"<message id='r{n}' type='{kind}'>...<retract xmlns='{RETRACT}' id='{target}'/>...</message>") \
                    if kind == "chat" else romeo.hears(f"<message id='r{n}' type='{kind}'>...</message>")
            else:
                is_refused(romeo, "off", "not-allowed", f"r{n}")
            hush(romeo, juliet)

    works(False, False)
    server.reload(modules={"retract": True})
    works(True, False)
    server.reload(modules={"retract_muc": AUTHORS})
    works(True, True)
    server.reload(modules={"retract": False})
    works(False, True)
    server.reload(modules={"retract_muc": {"authors": False}})
    works(False, False)
    found = switched(server)
    assert all(re.fullmatch(r"unix:\d+", actor) for *_, actor in found[-3:])
    changes = [(name, before, after) for name, before, after, _ in found]
    for expected in (("modules.retract", "off", "on"), ("modules.retract", "on", "off"), ("modules.retract_muc", "off", "on"),
                     ("modules.retract_muc.authors", "on", "off")):
        assert expected in changes, changes


def test_s0_31_between_people(make_server, actors):
    """Feature and field while it is on, and only then; the field is the window in force."""
    server = make_server(modules=OFF)
    romeo = actors(server).online("romeo")
    here = lambda: [(RETRACT in features(romeo, to), max_age(romeo, to)) for to in (romeo.jid, server.domain)]
    assert here() == [(False, [])] * 2
    server.reload(modules={"retract": True})
    assert here() == [(True, ["60"])] * 2
    server.reload(modules={"retract": {"window": "30 s"}})
    assert here() == [(True, ["30"])] * 2
    server.reload(modules={"retract": {"window": "none"}})
    assert here() == [(True, [])] * 2
    server.reload(modules={"retract": False, "retract_muc": {**AUTHORS, **MODERATORS}})
    assert here() == [(False, [])] * 2


def test_s0_31_in_rooms(make_server, actors):
    server = make_server(modules=OFF)
    place, romeo = gathers(actors(server), "romeo")

    def here():
        offered = features(romeo, place)
        return RETRACT in offered, MODERATE in offered, max_age(romeo, place)

    assert here() == (False, False, [])
    server.reload(modules={"retract": True})
    assert here() == (False, False, [])
    server.reload(modules={"retract_muc": AUTHORS})
    assert here() == (True, False, ["60"])
    server.reload(modules={"retract_muc": {"window": "20 s", **MODERATORS, **AUTHORS}})
    assert here() == (True, True, ["20"])
    server.reload(modules={"retract_muc": {**MODERATORS, "authors": False}})
    assert here() == (True, True, [])
    server.reload(modules={"retract_muc": False})
    assert here() == (False, False, [])

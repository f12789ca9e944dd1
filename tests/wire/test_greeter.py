# SPDX-License-Identifier: MIT
"""Modules of others: those of examples/, built out of tree against an installed xylem and run by the installed server,
and what scripts/new-module begins."""
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lib.server import CommandFailed, Server

pytestmark = [pytest.mark.xylem, pytest.mark.once]
TOP = Path(__file__).resolve().parent.parent.parent
BOOK = "urn:xylem:example:guestbook"
_numbers = itertools.count(1)


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


class Installed:
    """A `make install` below a folder, and what builds modules with it as a stranger would."""

    def __init__(self, build, folder):
        self.build, self.folder, self.root = build, folder, folder / "usr/local"
        self.install()
        self.sources = folder / "src"
        shutil.copytree(TOP / "examples", self.sources)
        self.pkg_config = folder / "pkg-config"
        self.pkg_config.write_text(f"#!/bin/sh\nPKG_CONFIG_PATH={self.root}/lib/pkgconfig "
                                   "exec pkg-config --define-prefix \"$@\"\n")
        self.pkg_config.chmod(0o755)
        self.programs = folder / "programs"  # both in one place, as the tests' Server wants them
        self.programs.mkdir()
        (self.programs / "xylemd").symlink_to(self.root / "sbin/xylemd")
        (self.programs / "xylemctl").symlink_to(self.root / "bin/xylemctl")

    def install(self):
        """-o all: what is there is installed, whatever it was built with."""
        run("make", "-s", "-o", "all", "install", f"BUILD={self.build}", f"DESTDIR={self.folder}", cwd=TOP)

    def make(self, module, *goals):
        return run("make", "-C", self.sources / module, f"PKG_CONFIG={self.pkg_config}", "WARN=-Wall -Wextra -Werror",
                   *goals)

    def environment(self):
        return {**os.environ, "ASAN_OPTIONS": "detect_stack_use_after_return=0"}

    def edit(self, module, old, new):
        path = self.sources / module / f"{module}.c"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def installed(build, place):
    folder = place / "installed"
    made = Installed(build, folder)
    made.make("greeter", "all", "check", "install")  # first: the other needs its header
    made.make("guestbook", "all", "check", "install")
    return made


@pytest.fixture
def make_own(installed, place, certificate, request, actors):
    """make_own(greeter=…, guestbook=…): the installed server with these modules, and a cast."""
    made = []
    request.node.servers = made

    def make(**modules):
        server = Server(installed.programs, place / f"g{next(_numbers)}", {"driver": "sqlite", "path": "data/xylem.db"},
                        certificate, {"modules": modules})
        made.append(server)
        server.start()
        return server, actors(server)

    yield make
    failed = getattr(request.node, "failed", False)
    for server in made:
        server.kill() if failed else server.stop()


def welcome(text="Welcome! Ask here when you need help."):
    return f"<message from='xylem.test'><body>{text}</body></message>"


def arrives(cast, name, jid=None):
    """Comes online, and whatever meets it then is still to be heard."""
    client = cast.client(name, jid=jid).logs_in()
    client.sends("<presence/>")
    client.hears(f"<presence from='{client.full}'/>")
    return client


def guests(client):
    book = client.asks("get", f"<book xmlns='{BOOK}'/>", to="xylem.test")[0]
    return [guest.text for guest in book]


def reload(server, **changes):
    """What became of each module: "greeter@xylem.test" -> ("replaced", "its code changed")."""
    server.write_config(**changes)
    rows = server.json("reload")["rows"]
    return {row["name"]: (row["change"], row.get("detail")) for row in rows if row["what"] == "module"}


def name_of(client):
    return client.jid.split("@")[0]


def test_everything_is_where_it_belongs(installed):
    root = installed.root
    for name in ("lib/xylem/modules/ping.so", "lib/xylem/modules/greeter.so", "lib/xylem/drivers/sqlite.so",
                 "lib/libxylem.so.1", "include/xylem/xylem.h", "include/xylem/greeter.h", "share/xylem/module.mk",
                 "share/man/man5/xylem.yaml.5", "lib/systemd/system/xylemd.service"):
        assert (root / name).is_file(), name
    assert "@" not in (root / "lib/systemd/system/xylemd.service").read_text()
    assert run(root / "sbin/xylemd", "--version").strip()
    # An administrator's configuration stays.
    config = installed.folder / "etc/xylem/xylem.yaml"
    assert "data_dir: /var/lib/xylem\n" in config.read_text()
    config.write_text("# mine\n")
    installed.install()
    assert config.read_text() == "# mine\n"


def test_new_accounts_are_welcomed_once(make_own):
    server, cast = make_own(greeter=True)
    romeo = arrives(cast, "romeo")
    romeo.hears(welcome())
    other = cast.client("romeo", jid=romeo.jid).logs_in()
    other.sends("<presence/>")
    other.hears_in_any_order(f"<presence from='{romeo.full}'/>", f"<presence from='{other.full}'/>")
    other.hears_nothing()
    listed = server.json("greeter", "list")["rows"]
    assert [row["account"] for row in listed] == [romeo.jid]
    # An account of that name again is another account.
    server.ctl("user", "delete", romeo.jid)
    server.create(name_of(romeo))
    arrives(cast, "romeo", jid=romeo.jid).hears(welcome())


def test_who_was_here_before_is_left_in_peace(make_own):
    server, cast = make_own(greeter=False)
    old = cast.account("romeo")
    server.reload(modules={"greeter": {"text": "Hail."}})
    arrives(cast, "romeo", jid=old).hears_nothing()
    arrives(cast, "newcomer").hears(welcome("Hail."))


def test_another_module_listens_to_its_hook(make_own):
    server, cast = make_own(greeter=True, guestbook={"pages": 2})
    people = []
    for name in ("romeo", "juliet", "nurse"):
        people.append(arrives(cast, name))
        people[-1].hears(welcome())
        people[-1].round_trip()  # its visit is written down before the next one comes
    assert guests(people[0]) == [name_of(people[2]), name_of(people[1])]
    assert ("greeter_greeted", "guestbook") in [(r["hook"], r["module"]) for r in server.json("hooks")["rows"]]


def test_a_listener_does_not_need_the_one_it_listens_to(make_own):
    server, cast = make_own(guestbook=True)
    assert guests(arrives(cast, "romeo")) == []
    assert "nobody fires it" in server.ctl("hooks", "greeter_greeted")


def test_its_options_are_checked_and_followed(make_own):
    server, cast = make_own(greeter=True)
    romeo = arrives(cast, "romeo")
    romeo.hears(welcome())
    with pytest.raises(CommandFailed) as failure:
        server.reload(modules={"greeter": {"text": "  "}})
    assert "text: says nothing" in str(failure.value)
    assert reload(server, modules={"greeter": {"text": "Well met."}})["greeter@xylem.test"] == ("retuned", "text")
    arrives(cast, "juliet").hears(welcome("Well met."))
    romeo.hears_nothing()


def test_new_code_takes_over_and_nobody_notices(make_own, installed):
    server, cast = make_own(greeter=True, guestbook=True)
    romeo = arrives(cast, "romeo")
    romeo.hears(welcome())
    try:
        installed.edit("greeter", '"Welcome! Ask', '"Welcome back! Ask')
        installed.edit("guestbook", "Names that are kept.", "Names that are kept, at most.")
        for module in ("greeter", "guestbook"):
            installed.make(module, "all", "check", "install")
        changed = reload(server)
        for module in ("greeter", "guestbook"):
            assert changed[f"{module}@xylem.test"] == ("replaced", "its code changed")
        juliet = arrives(cast, "juliet")
        juliet.hears(welcome("Welcome back! Ask here when you need help."))
        assert guests(romeo) == [name_of(juliet), name_of(romeo)]
    finally:
        installed.edit("greeter", '"Welcome back! Ask', '"Welcome! Ask')
        installed.make("greeter", "all", "install")


def test_a_module_begun_outside_builds_and_passes(installed):
    run(installed.root / "share/xylem/new-module", "hello", cwd=installed.folder)
    done = run("make", "-C", installed.folder / "hello", f"PKG_CONFIG={installed.pkg_config}", "check",
               env=installed.environment())
    assert "ok: Followed." in done and "module hygiene: 1 checked" in done
    again = subprocess.run([installed.root / "share/xylem/new-module", "hello"], cwd=installed.folder,
                           capture_output=True, text=True)
    assert again.returncode == 1 and "exists" in again.stderr


def test_a_module_begun_in_the_tree_builds_and_passes(build, place):
    tree = place / "tree"
    for name in ("config", "include", "modules", "scripts", "tests/wire"):
        shutil.copytree(TOP / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "tests/unit"):
        (tree / name).symlink_to(TOP / name)
    (tree / "build/wire").mkdir(parents=True)
    (tree / "build/wire/modules").symlink_to(tree / "build/modules")  # where the tests' servers look first
    for name in ("libxylem.so", "libxylem.so.1", "xylemd", "xylemctl"):
        (tree / "build" / name).symlink_to(build / name)
    run("scripts/new-module", "hello", cwd=tree)
    run("make", "-s", "-o", "build/libxylem.so.1", "WERROR=-Werror", "build/modules/hello.so", cwd=tree)
    run(tree / "scripts/check-module", "build/modules/hello.so", cwd=tree)
    done = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--build=build", "--servers=sqlite:0",
               "tests/wire/test_hello.py", cwd=tree)
    assert "2 passed, 0 failed, 0 skipped" in done

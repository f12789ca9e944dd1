# SPDX-License-Identifier: MIT
"""The canary (S1-3, S1-5, N11): a word is said, taken back, and then found by nobody in any answer of any
interface; only what policy seals it in still has it. Each way to the content of a message that the core
registers (core/store/read_paths.h) has its driver here, which shows the word before it is taken back."""
import json
import os
import re
import shutil
import subprocess

import pytest

from conftest import TOP
from lib import dom, fast, process, sasl2
from lib.archive import ask
from lib.canary import CLOSED, OPEN, REGISTRY, Scene, does, found, new_word, overheard, retracts, says
from lib.database import number
from lib.removal import tombstones
from lib.room import hush
from lib.server import CommandFailed
from lib.sm import managed
from test_push import Service, asleep

pytestmark = pytest.mark.xylem
CARBONS, CSI = "urn:xmpp:carbons:2", "urn:xmpp:csi:0"
MODULES = {"mam": True, "muc": True, "muc_mam": True, "audit": True, "retract": {"count": None}, "sealed": True,
           "retract_muc": {"authors": True, "moderators": True, "count": None}, "push": {"content": "body"},
           "retract_admin": {"grant": [f"unix:{os.getuid()}"]}}
REGISTERED = re.findall(r"^READ_PATH\((\w+),", REGISTRY.read_text(), re.M)


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, test_clock=True, limits={"idle": None}, modules=MODULES).start()
    yield server
    server.stop()


@pytest.fixture
def scene(server, cast, request):
    return Scene(server, cast, request)


@pytest.mark.parametrize("how", ["author", "moderator"])
def test_s1_5_nobody_finds_it(scene, how):
    scene.says()
    missing = set(OPEN) - set(found(scene, OPEN))
    assert not missing, "a look that never finds it proves nothing"
    assert not found(scene, CLOSED)
    assert scene.word not in scene.takes_back(how)
    assert not found(scene, OPEN | CLOSED)


def test_its_corrections_and_quotes_in_reactions(scene):
    """What corrects it says it again, and goes with it."""
    scene.says()
    for to, kind, target in ((scene.juliet, "chat", "m1"), (scene.room, "groupchat", "m2")):
        scene.romeo.sends(f"<message to='{to}' type='{kind}' id='c{target}'><body>{scene.word} indeed</body>"
                          f"<replace xmlns='urn:xmpp:message-correct:0' id='{target}'/></message>")
    hush(*scene.everybody)
    assert scene.word not in scene.takes_back()
    assert not found(scene, OPEN | CLOSED)


def test_s1_5_a_rooms_subject(scene):
    """A message, and what newcomers and those who ask what the room is are told: an administrator removes all of it."""
    scene.says()
    scene.word = new_word()
    scene.juliet.sends(f"<message to='{scene.room}' type='groupchat' id='s1'><subject>{scene.word}</subject></message>")
    told = scene.nurse.hears("<message type='groupchat' id='s1'>...</message>")
    hush(*scene.everybody)
    described = {name for name in CLOSED if name.startswith("disco info of room for")}
    before = set(found(scene, OPEN | CLOSED))
    assert {"history on join", "archive of room for nurse, forwards"} | described <= before
    plan = scene.server.json("retract", "plan", dom.find(told, "sid:stanza-id").get("id"))["fields"]["plan"]
    case = scene.server.json("retract", "request", plan, "--reason-code", "legal", "--reason", "a test")["fields"]["request"]
    assert scene.server.json("retract", "apply", case)["fields"]["state"] == "done"
    hush(*scene.everybody)
    assert not found(scene, OPEN | CLOSED)
    assert number(scene.server, scene.request, f"select count(*) from muc_subject where words like '%{scene.word}%'") == 0
    assert number(scene.server, scene.request, f"select count(*) from muc_room where config like '%{scene.word}%'") == 0


# ---- each registered path has its driver -------------------------------------------------------------


def drive_archive(scene):
    """Pages and single entries, of accounts and rooms."""
    looks = {name: look for name, look in OPEN.items() if name.startswith("archive")}
    scene.says()
    assert set(found(scene, looks)) == set(looks)
    scene.takes_back()
    assert not found(scene, looks)
    for page in (ask(scene.juliet), ask(scene.nurse, to=scene.room)):
        assert len(tombstones(page)) == 1


def drive_queue(scene):
    """Two accounts nobody is at; what is said to one of them is taken back."""
    away = {name: scene.cast.account(name) for name in ("mercutio", "benvolio")}
    for jid in away.values():
        says(scene.romeo, jid, "m1", scene.word)
        says(scene.romeo, jid, "m2", "newer")
    retracts(scene.romeo, away["benvolio"], "r1", "m1")
    hush(*scene.everybody)
    heard = {}
    for name, jid in away.items():
        client = scene.cast.client(name, jid=jid).logs_in()
        heard[name] = does(client, lambda c: c.sends("<presence/>"))
        assert "newer" in heard[name]
    assert scene.word in heard["mercutio"]
    assert scene.word not in heard["benvolio"] and "message-retract" in heard["benvolio"]


def sent_again(scene, meanwhile):
    """What two accounts get again that had not acknowledged: of the second it was taken back."""
    clients = [managed(scene.cast, name).logs_in().enables().comes_online() for name in ("mercutio", "benvolio")]
    for client in clients:
        client.answers = False
        client.acknowledges().round_trip()
        got = client.received
        says(scene.romeo, client, "m1", scene.word)
        says(scene.romeo, client, "m2", "newer")
        client.hears("<message id='m1' type='*'>...</message>", "<message id='m2' type='*'>...</message>")
        client.received = got
        client.resets()
    retracts(scene.romeo, clients[1].jid, "r1", "m1")
    hush(*scene.everybody)
    meanwhile()
    heard = []
    for client in clients:
        again = client.reconnects().resumes()
        heard.append(does(again, lambda c: None))
        heard[-1] += overheard(again)
        assert "newer" in heard[-1], again.dialogue()
    return heard


def drive_resend(scene):
    """Of sessions that the server has kept in memory, and of those it reads back when it was killed."""
    saved = "select count(*) from sm_session where state = 1"

    def killed():
        process.wait_until(lambda: number(scene.server, scene.request, saved) == 2, "the rows of the sessions")
        scene.server.kill()
        scene.server.start()

    for meanwhile in (killed, lambda: None):
        if meanwhile is not killed:
            scene = Scene(scene.server, scene.cast, scene.request)
        kept, taken_back = sent_again(scene, meanwhile)
        assert scene.word in kept and scene.word not in taken_back and "message-retract" in taken_back


def content(scene):
    """How many rows of the database have it."""
    text = "convert_from(stanza, 'UTF8')" if scene.server.database else "cast(stanza as text)"
    return number(scene.server, scene.request, f"select count(*) from message where {text} like '%{scene.word}%'")


def drive_purge(scene):
    """Sealed for ever (`evidential`) or destroyed at once (`minimal`): header and tombstone stay."""
    scene.says()
    scene.takes_back()
    assert content(scene) == 2 and scene.server.json("sealed", "purge")["fields"]["purged"] == 0
    scene.server.reload(governance="minimal")
    try:
        scene.word = new_word()
        scene.says()
        scene.takes_back()
        assert content(scene) == 2 and scene.server.json("sealed", "purge")["fields"]["purged"] == 2
    finally:
        scene.server.reload(governance="evidential")
    assert content(scene) == 0
    for message in scene.messages():
        with pytest.raises(CommandFailed):
            scene.server.ctl("sealed", "read", message, "--purpose", "a test")
    assert not found(scene, OPEN | CLOSED)
    assert len(tombstones(ask(scene.juliet))) == 2


def drive_privileged(scene):
    """Sealed, and read by who says why; what decides about it has its header only."""
    scene.says()
    scene.takes_back()
    for message in scene.messages():
        with pytest.raises(CommandFailed):
            scene.server.ctl("sealed", "read", message)
        assert scene.word in scene.server.ctl("sealed", "read", message, "--purpose", "a test")
        assert scene.word not in scene.server.ctl("message", "trace", message)


def drive_scan(scene):
    """A hold looks for a part of the word, before and behind: it counts, and tells nothing."""
    scene.server.reload(modules={**MODULES, "hold": True})

    def holds():
        begun = scene.server.json("hold", "add", "--name", "x", "--reason", "y", "--keyword", scene.word[:-3].upper())
        case = begun["fields"]["hold"]

        def shown():
            text = scene.server.ctl("hold", "show", case, "--json")
            assert scene.word not in text
            return json.loads(text)["fields"]

        process.wait_until(lambda: shown()["state"] == "complete", "the messages of the hold")
        return shown()["messages"], shown()["destroyed_for_users"]

    scene.says()
    assert holds() == (2, 0)
    scene.takes_back()
    assert holds() == (2, 2)
    assert not found(scene, OPEN | CLOSED)


DRIVERS = {"archive": drive_archive, "queue": drive_queue, "resend": drive_resend, "purge": drive_purge,
           "privileged": drive_privileged, "scan": drive_scan}


@pytest.mark.parametrize("path", REGISTERED)
def test_n11_each_registered_path(make_server, actors, request, path):
    assert path in DRIVERS, f"nothing drives the read path {path}: write its driver"
    server = make_server(test_clock=True, limits={"idle": None}, modules=MODULES)
    DRIVERS[path](Scene(server, actors(server), request))


# ---- what is on its way --------------------------------------------------------------------------------


def legacy(cast, jid, _):
    return cast.client("device", jid=jid).logs_in()


def by_sasl2(cast, jid, agent):
    client = sasl2.secures(cast.client("device", jid=jid))
    sasl2.logs_in(client, agent=agent)
    return client.binds()


def by_bind2(cast, jid, agent):
    client = sasl2.secures(cast.client("device", jid=jid))
    sasl2.logs_in(client, agent=agent, inline=sasl2.bind("Phone", f"<enable xmlns='{CARBONS}'/>"))
    return client


def by_token(cast, jid, agent):
    person = fast.Person(cast, agent=agent, jid=jid)
    token = person.gets_token()
    client = person.connects()
    fast.logs_in(client, token, agent, inline=sasl2.bind("Phone"))
    return client


@pytest.mark.parametrize("login", [legacy, by_sasl2, by_bind2, by_token])
@pytest.mark.parametrize("who", ["romeo", "juliet"])
def test_a_new_device_of_either(scene, who, login):
    """A login, presence, the archive: of a device that was never there."""
    scene.says()
    scene.takes_back()
    client = login(scene.cast, getattr(scene, who).jid, sasl2.user_agent(sasl2.new_id()))
    client.sends("<presence/>")
    client.round_trip()
    assert len(tombstones(ask(client))) == 1
    assert scene.word not in overheard(client)


def test_carbons_and_the_inactive(scene):
    """Their other devices have had a copy; nothing brings another one."""
    copies = []
    for person in (scene.romeo, scene.juliet):
        client = scene.cast.another(person)
        client.asks("set", f"<enable xmlns='{CARBONS}'/>")
        copies.append(client)
    scene.juliet.sends(f"<inactive xmlns='{CSI}'/>")
    copies[0].sends(f"<inactive xmlns='{CSI}'/>")
    hush(*scene.everybody, *copies)
    scene.says()
    hush(*copies)
    assert all(scene.word in overheard(c) for c in (*copies, scene.juliet))
    since = [len(c.log) for c in copies]
    scene.takes_back()
    for client in (scene.juliet, copies[0]):
        client.sends(f"<active xmlns='{CSI}'/>")
    hush(scene.juliet, *copies)
    heard = [overheard(c, n) for c, n in zip(copies, since)]
    assert all(scene.word not in h and "message-retract" in h for h in heard)


def test_what_is_pushed(scene):
    """A notification that waits for its time does not say what was taken back meanwhile."""
    service = Service(scene.cast)
    jid = asleep(scene.cast, service, "benvolio")
    said = lambda: {f.get("var"): f[0].text for f in service.hears()[0]}
    says(scene.romeo, jid, "m0", "the first")
    assert said()["last-message-body"] == "the first"
    says(scene.romeo, jid, "m1", scene.word)
    scene.romeo.round_trip()
    retracts(scene.romeo, jid, "r1", "m1")
    process.wait_until(lambda: tombstones(ask(scene.romeo)), "the retraction")
    scene.romeo.settles()
    scene.server.advance("31 s")
    assert "last-message-body" not in said()
    service.nothing()
    assert scene.word not in overheard(service.client)
    says(scene.romeo, jid, "m3", "the last")
    scene.server.advance("31 s")
    assert said()["last-message-body"] == "the last"


# ---- the registry itself ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of what the script reads, under version control as it expects."""
    top = tmp_path_factory.mktemp("tree")
    for part in ("core", "modules", "include"):
        shutil.copytree(TOP / part, top / part, ignore=shutil.ignore_patterns("*.o", "*.d"))
    (top / "scripts").mkdir()
    shutil.copy(TOP / "scripts" / "check-read-paths", top / "scripts")
    subprocess.run(["git", "init", "-q"], cwd=top, check=True)
    return top


def complaints(tree):
    subprocess.run(["git", "add", "-A"], cwd=tree, check=True)
    done = subprocess.run([tree / "scripts" / "check-read-paths"], capture_output=True, text=True)
    assert (done.returncode != 0) == bool(done.stdout), done
    return done.stdout


PLANTED = {
    "core/store/peek.c": 'static const char *sql = "select m.stanza from message m where m.id = ?";',
    "core/route/peek.c": 'static const char *sql = "select id,"\n    " stanza"\n    " from message";',
    "modules/peek.c": 'static const char *sql = "select stanza from message where id = ?";',
    "modules/muc/peek.h": '#define SQL "select count(*) from removal"',
    "modules/peek_held.c": 'static const char *sql = "delete"\n    " from pending";',
}


@pytest.mark.once
def test_n11_the_tree_is_clean(tree):
    assert complaints(tree) == ""


@pytest.mark.once
@pytest.mark.parametrize("path", list(PLANTED))
def test_n11_an_unregistered_path_fails_the_build(tree, path):
    planted = tree / path
    planted.write_text(PLANTED[path] + "\n")
    try:
        assert path in complaints(tree)
    finally:
        planted.unlink()


@pytest.mark.once
def test_n11_a_registered_file_that_is_gone(tree):
    moved = tree / "core" / "store" / "pending.c"
    kept = moved.read_text()
    moved.unlink()
    try:
        assert "core/store/pending.c" in complaints(tree)
    finally:
        moved.write_text(kept)


def test_n11_a_module_with_a_raw_read_is_not_loaded(make_server):
    """Neither at a reload nor at a start; by what its file says, so a statement that it does not list is found, too."""
    server = make_server()
    server.write_config(modules={"prying": True})
    for words in (("config", "check"), ("reload",)):
        status, text, error = server.ctl(*words, check=False)
        assert status == 2 and "reaches into the table `message`" in text + error, text + error
    assert "prying" not in server.ctl("module", "list")
    server.stop()
    done = subprocess.run([server.build / "xylemd", "-c", server.config_file, "--check"], capture_output=True,
                          text=True, env=server.environment())
    assert done.returncode != 0 and "prying.so reaches into" in done.stdout + done.stderr

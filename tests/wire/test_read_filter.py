# SPDX-License-Identifier: MIT
"""No parameter of a client's request turns off the filter that keeps what was taken back from being read
(S1-9). Every field that the server offers for queries of archives is tried; one it begins to offer fails
here until it is."""
import itertools

import pytest

from lib import dom
from lib.archive import ask, form, query_text, rsm
from lib.canary import DISCO, Scene, does, says
from lib.room import HATS, MUC, OWNER, hush

pytestmark = pytest.mark.xylem
MODULES = {"mam": True, "muc": True, "muc_mam": True, "audit": True, "retract": {"count": None},
           "retract_muc": {"authors": True, "moderators": True, "count": None}}
MAM, RETRACT, PUBSUB = "urn:xmpp:mam:2", "urn:xmpp:message-retract:1", "http://jabber.org/protocol/pubsub"
LONG_AGO, FAR_AWAY = "1970-01-01T00:00:01Z", "2999-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def shared_server(engine, new_server):
    server = new_server(engine, test_clock=True, limits={"idle": None}, modules=MODULES).start()
    yield server
    server.stop()


class Archive:
    """An archive, who may ask for it, and the ids that were in it while the word was."""

    def __init__(self, scene, who, to):
        self.scene, self.client, self.to = scene, getattr(scene, who), to and getattr(scene, to)
        self.ids = ask(self.client, to=self.to, max=50).ids
        self.others = [scene.romeo.jid, scene.romeo.full, scene.juliet.jid, scene.juliet.full, scene.room, scene.room.of("Romeo"),
                       scene.tybalt.jid, scene.server.domain]

    def gets(self, payload, kind="set", to=...):
        """What the client hears when it asks for that, answer, error and all."""
        address = self.to if to is ... else to
        return does(self.client, lambda c: c.asks(kind, payload, to=address))


ARCHIVES = [("romeo", None), ("juliet", None), ("romeo", "room"), ("juliet", "room"), ("nurse", "room")]


@pytest.fixture
def scene(server, cast, request):
    """The word is said, and something before and behind it."""
    scene = Scene(server, cast, request)
    chatter(scene, "before")
    scene.says()
    chatter(scene, "after")
    return scene


def chatter(scene, id):
    says(scene.romeo, scene.juliet, id, id)
    says(scene.romeo, scene.room, f"{id} in the room", id, "groupchat")
    for client in (scene.romeo, scene.nurse):
        client.hears(f"<message type='groupchat' id='{id} in the room'>...</message>")
    hush(*scene.everybody)


@pytest.fixture(params=ARCHIVES, ids=lambda p: f"{p[0]}-{p[1] or 'own'}")
def archive(request, scene):
    return Archive(scene, *request.param)


# What may stand in each field of the form (XEP-0313 4.1, 4.4), alone.
FIELDS = {
    "with": lambda archive: archive.others,
    "start": lambda archive: [LONG_AGO, FAR_AWAY],
    "end": lambda archive: [LONG_AGO, FAR_AWAY],
    "before-id": lambda archive: archive.ids,
    "after-id": lambda archive: archive.ids,
    "ids": lambda archive: [*archive.ids, archive.ids],
    "include-groupchat": lambda archive: ["true", "false", "1", "0"],
}
# What nobody offers, and somebody may try.
GUESSES = ["include-removed", "include-retracted", "include-tombstones", "retracted", "state", "raw", "sealed", "purpose", "admin",
           "filter", "unfiltered", "withtext", "{urn:xmpp:fulltext:0}fulltext", f"{{{RETRACT}}}include", "{urn:xylem:removal:0}sealed",
           "{urn:xmpp:mam:2}with"]
FORGED = [f"<include-removed xmlns='{ns}'/><purpose xmlns='{ns}'>court</purpose>" for ns in
          (MAM, "urn:xylem:removal:0", "urn:xylem:privileged:0", "http://jabber.org/protocol/admin")]
FORGED += [f"<retracted xmlns='{RETRACT}'/>", "<full xmlns='urn:xmpp:mam:2#extended'/>", "<flip-page/>", "<raw/>",
           f"<unretract xmlns='{RETRACT}'/>", "<metadata xmlns='urn:xmpp:mam:2'/>", "<store xmlns='urn:xmpp:hints'/>"]
PAGES = [dict(zip(("max", *end), (most, *value))) for most in (0, 1, 50, 1000)
         for end, value in [((), ()), (("before",), ("",)), (("after",), ("",)), (("index",), (0,)), (("index",), (1,))]]


def offered(client, to):
    """The fields of the form that the archive shows."""
    answer = client.asks("get", f"<query xmlns='{MAM}'/>", to=to)
    fields = {f.get("var") for f in answer.iter(f"{{{dom.NS['data']}}}field")}
    assert "FORM_TYPE" in fields, dom.show(answer)
    return fields - {"FORM_TYPE"}


def queries_by_form(archive):
    for name, values in FIELDS.items():
        for value in values(archive):
            yield name, f"<query xmlns='{MAM}'>{form({name: value})}</query>"


def test_s1_9_no_field_of_the_form_that_is_offered(archive):
    """Each finds the word before, so that the test would fail; none does afterwards."""
    fields = set(FIELDS) - ({"include-groupchat"} if archive.to else set())
    assert offered(archive.client, archive.to) == fields, "a field without its part in this test"
    word, finds = archive.scene.word, set()
    for name, query in queries_by_form(archive):
        if word in archive.gets(query):
            finds.add(name)
    assert finds >= fields
    assert word not in archive.scene.takes_back()
    for name, query in queries_by_form(archive):
        assert word not in archive.gets(query), query


def test_s1_9_no_two_fields_together(archive):
    archive.scene.takes_back()
    values = {name: values(archive)[:2] for name, values in FIELDS.items()}
    for one, other in itertools.combinations(FIELDS, 2):
        for a, b in itertools.product(values[one], values[other]):
            assert archive.scene.word not in archive.gets(f"<query xmlns='{MAM}'>{form({one: a, other: b})}</query>"), (one, a, other, b)


def test_s1_9_no_field_that_nobody_offers(archive):
    archive.scene.takes_back("moderator")
    for name, value, kind in itertools.product(GUESSES, ("true", "all", archive.scene.word[:6]), ("submit", "form")):
        answer = archive.gets(f"<query xmlns='{MAM}'>{form({name: value}, kind=kind)}</query>")
        assert archive.scene.word not in answer, name
        if kind == "submit":
            assert "type='error'" in answer, name
    for form_type in (None, "urn:xmpp:mam:1", "http://jabber.org/protocol/admin", "urn:xylem:removal:0"):
        assert archive.scene.word not in archive.gets(f"<query xmlns='{MAM}'>{form({'with': archive.others[0]}, form_type)}</query>")


def test_s1_9_no_page(archive):
    word = archive.scene.word
    assert any(word in archive.gets(query_text(**page)) for page in PAGES)
    archive.scene.takes_back()
    for page in PAGES + [{"max": 5, end: id} for id in archive.ids for end in ("before", "after")]:
        for flip in (False, True):
            assert word not in archive.gets(query_text(flip=flip, **page)), page


def test_s1_9_no_attribute_or_forged_element(archive):
    scene = archive.scene
    scene.takes_back()
    for forged in FORGED:
        for query in (f"<query xmlns='{MAM}'>{forged}</query>", f"<query xmlns='{MAM}'>{form({'start': LONG_AGO})}{forged}{rsm(max=50)}</query>",
                      f"<query xmlns='{MAM}'>{form({'ids': archive.ids})}{forged}</query>", f"<query xmlns='{MAM}'/>{forged}"):
            assert scene.word not in archive.gets(query), query
    for attributes in ("node='sealed'", "node='urn:xmpp:mam:2#extended'", "queryid='x' purpose='court'", "raw='true'", "state='any'",
                       "xml:lang='x'", "include='removed'"):
        assert scene.word not in archive.gets(f"<query xmlns='{MAM}' {attributes}/>"), attributes
    for namespace in ("urn:xmpp:mam:0", "urn:xmpp:mam:1", "urn:xmpp:mam:tmp", "urn:xmpp:mam:2#extended", "urn:xmpp:mam:3"):
        for kind, element in itertools.product(("get", "set"), ("query", "metadata", "prefs", "retrieve")):
            assert scene.word not in archive.gets(f"<{element} xmlns='{namespace}'/>", kind), (namespace, element)


def test_s1_9_no_other_address_to_ask(archive):
    """Archives of others, of the host, of the service, of rooms and people that are none."""
    scene = archive.scene
    scene.takes_back()
    for to in [scene.romeo.jid, scene.juliet.jid, scene.tybalt.jid, scene.room, scene.server.domain,
               f"conference.{scene.server.domain}", f"nowhere@conference.{scene.server.domain}",
               f"nobody@{scene.server.domain}"]:
        for query in (f"<query xmlns='{MAM}'/>", f"<query xmlns='{MAM}'>{form({'ids': archive.ids})}</query>"):
            assert scene.word not in archive.gets(query, to=to), (to, query)


def test_s1_9_no_node_of_discovery_or_publishing(archive):
    scene = archive.scene
    scene.takes_back()
    nodes = [None, "", MAM, f"{MAM}#extended", "messages", "archive", "sealed", RETRACT, OWNER, HATS, "x-roomuser-item",
             "http://jabber.org/protocol/commands", "urn:xmpp:avatar:data", "storage:bookmarks", "offline",
             "http://jabber.org/protocol/offline", *archive.ids]
    for node in nodes:
        attribute = "" if node is None else f" node='{node}'"
        for to in (archive.to, scene.juliet.jid, scene.server.domain, f"conference.{scene.server.domain}"):
            for payload in (f"<query xmlns='{DISCO}#info'{attribute}/>", f"<query xmlns='{DISCO}#items'{attribute}/>",
                            f"<pubsub xmlns='{PUBSUB}'><items{attribute}/></pubsub>",
                            f"<pubsub xmlns='{PUBSUB}#owner'><configure{attribute}/></pubsub>"):
                assert scene.word not in archive.gets(payload, "get", to), (node, to, payload)
    for id in archive.ids:
        for namespace in ("http://jabber.org/protocol/offline", "urn:xmpp:message-attaching:1"):
            payload = f"<offline xmlns='{namespace}'><item action='view' node='{id}'/><fetch/></offline>"
            assert scene.word not in archive.gets(payload, "get", None)


HISTORY = ["", "<history/>", "<history maxstanzas='1000'/>", "<history maxchars='1000000'/>", "<history seconds='999999999'/>",
           f"<history since='{LONG_AGO}'/>", f"<history since='{FAR_AWAY}'/>", "<history maxstanzas='-1'/>", "<history maxstanzas='x'/>",
           "<history retracted='true' removed='true' raw='1' purpose='court'/>", "<history maxstanzas='1000'/><history seconds='999999999'/>",
           f"<history maxstanzas='5' since='{LONG_AGO}' seconds='9999' maxchars='99999'/><include-removed xmlns='{MAM}'/>"]


def test_s1_9_no_attribute_of_a_rooms_history(scene):
    def entering(x, nick):
        client = scene.cast.client("mercutio").comes_online()
        client.sends(f"<presence to='{scene.room.of(nick)}'><x xmlns='{MUC}'>{x}</x></presence>")
        hush(client)
        heard = "".join(text for way, text in client.log if way == "←")
        client.ends()
        return heard

    assert scene.word in entering("", "Before")
    scene.takes_back()
    for number, x in enumerate(HISTORY):
        assert scene.word not in entering(x, f"Nick{number}"), x

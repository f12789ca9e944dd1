# SPDX-License-Identifier: MIT
"""Between two occupants: private messages (XEP-0045 7.5) and iqs (13.4, XEP-0410). Neither learns the
real JID of the other."""
import pytest

from lib import archive, dom, process
from lib.dom import NS
from lib.room import OCCUPANT_ID, USER, hush, made_with_rooms
from lib.sm import managed
from test_muc_talk import hears_refusal, stage  # noqa: F401

pytestmark = pytest.mark.xylem
USER_X = f"<x xmlns='{USER}'/>"
PING = f"<ping xmlns='{NS['ping']}'/>"
VCARD = "<vCard xmlns='vcard-temp'/>"


def private(room, nick, text="wind", id="hgn27af1", kind="chat", extra=""):
    given = f" type='{kind}'" if kind else ""
    return f"<message to='{room.of(nick)}' id='{id}'{given}><body>{text}</body>{extra}</message>"


def heard(room, nick, text="wind", id="hgn27af1", kind="chat"):
    given = f" type='{kind}'" if kind else ""
    return (f"<message from='{room.of(nick)}' id='{id}'{given}><body>{text}</body>{USER_X}"
            f"<occupant-id xmlns='{OCCUPANT_ID}' id='*'/></message>")


def names_nobody(element, *clients):
    text = dom.show(element)
    for client in clients:
        assert str(client) not in text, text


# ---- 7.5 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["chat", None])
@pytest.mark.parametrize("extra", ["", USER_X, f"<x xmlns='{USER}'><item affiliation='owner'/></x>",
                                   f"<occupant-id xmlns='{OCCUPANT_ID}' id='forged'/>"])
def test_7_5_it_goes_to_one_and_is_marked(stage, kind, extra):
    _, room, romeo, juliet, nurse = stage("Romeo", "Juliet", "Nurse")
    juliet.sends(private(room, "Romeo", kind=kind, extra=extra))
    got = romeo.hears(heard(room, "Juliet", kind=kind).replace("...", ""))
    assert got.get("to") == romeo.full
    names_nobody(got, juliet)
    for client in (romeo, juliet, nurse):
        client.hears_nothing()


def test_7_5_every_session_of_the_nick_hears_it(stage):
    cast, room, romeo, juliet = stage("Romeo", "Juliet")
    second = cast.another(romeo)
    room.enters(second, "Romeo")
    hush(romeo, juliet, second)
    juliet.sends(private(room, "Romeo"))
    for client in (romeo, second):
        assert client.hears(heard(room, "Juliet")).get("to") == client.full
        client.hears_nothing()


def test_7_5_one_message_is_archived_once(stage, make_server):
    """However many clients of the nick there are; each gets it as its own, also after its connection broke."""
    server = made_with_rooms(make_server, modules={"mam": True, "muc_mam": True})
    cast, room, romeo, juliet = stage("Romeo", "Juliet", server=server)
    second = cast.another(romeo, "second")
    third = managed(cast, "romeo", jid=romeo.jid).logs_in().enables().comes_online()
    hush(romeo, second, third)
    for client in (second, third):
        room.enters(client, "Romeo")
        hush(romeo, second, third)
    hush(romeo, juliet, second, third)
    juliet.sends(private(room, "Romeo"))
    for client in (romeo, second, third):
        got = client.hears(f"<message from='{room.of('Juliet')}' id='hgn27af1' type='chat'><body>wind</body>...</message>")
        assert got.get("to") == client.full
        client.hears_nothing()
    for reader in (romeo, juliet):
        assert archive.texts(reader) == ["wind"]
    third.acknowledges().answers = False
    third.round_trip()
    received = third.received
    juliet.sends(private(room, "Romeo", "and rain", "p2"))
    third.hears("<message id='p2' type='chat'>...</message>")
    third.received = received
    third.breaks()
    hush(romeo, second, juliet)
    again = third.reconnects().resumes()
    got = again.hears("<message id='p2' type='chat'>...<body>and rain</body>...</message>")
    assert got.get("to") == third.full
    assert archive.texts(romeo) == ["wind", "and rain"]
    romeo.hears_nothing()


def test_7_5_of_several_clients_one_may_be_lost(stage, make_server):
    """What the others have is not bounced, nor given to whoever is not in the room."""
    server = made_with_rooms(make_server, modules={"sm": {"resume_for": "1 s"}}, test_clock=True, limits={"idle": None})
    cast, room, romeo, juliet = stage("Romeo", "Juliet", server=server)
    other = managed(cast, "romeo", jid=romeo.jid).logs_in().enables().comes_online()
    outside = cast.another(romeo, "outside")
    hush(romeo, other, outside)
    room.enters(other, "Romeo")
    hush(romeo, juliet, other, outside)
    other.acknowledges().answers = False
    juliet.sends(private(room, "Romeo"))
    for client in (romeo, other):
        client.hears("<message id='hgn27af1' type='chat'>...</message>")
    other.breaks()
    process.wait_until(lambda: [r["address"] for r in server.json("session", "list", other.full)["rows"]] == ["detached"],
                       "the session without a connection")
    server.advance("5 s")
    process.wait_until(lambda: not server.json("session", "list", other.full)["rows"], "its end")
    for client in (romeo, juliet, outside):
        client.settles()
        assert not [e for kind, e in client.events if kind == "element" and e.tag.endswith("message")], client.dialogue()


def test_7_5_of_type_groupchat_it_is_refused(stage):
    _, room, romeo, juliet = stage("Romeo", "Juliet")
    juliet.sends(private(room, "Romeo", kind="groupchat"))
    hears_refusal(juliet, room, "bad-request", "modify", "hgn27af1", at="Romeo")
    romeo.hears_nothing()


def test_7_5_to_a_nick_that_is_not_there(stage):
    _, room, _, juliet = stage("Romeo", "Juliet")
    juliet.sends(private(room, "Tybalt"))
    hears_refusal(juliet, room, "item-not-found", "cancel", "hgn27af1", at="Tybalt")


def test_7_5_from_somebody_who_is_not_there(stage):
    cast, room, romeo = stage("Romeo")
    tybalt = cast.online("tybalt")
    tybalt.sends(private(room, "Romeo"))
    hears_refusal(tybalt, room, "not-acceptable", id="hgn27af1", at="Romeo")
    romeo.hears_nothing()


@pytest.mark.parametrize("setting, allowed", [
    ("anyone", {"visitor", "participant", "moderator"}), ("participants", {"participant", "moderator"}),
    ("moderators", {"moderator"}), ("none", set()),
])
@pytest.mark.parametrize("role", ["visitor", "participant", "moderator"])
def test_7_5_who_may_is_configured(stage, setting, allowed, role):
    _, room, romeo, juliet = stage("Romeo", "Juliet", moderatedroom=True, allowpm=setting)
    room.allows(romeo, nick="Juliet", role=role)
    hush(romeo, juliet)
    juliet.sends(private(room, "Romeo"))
    if role in allowed:
        romeo.hears(heard(room, "Juliet"))
    else:
        hears_refusal(juliet, room, "forbidden", "auth", "hgn27af1", at="Romeo")
        romeo.hears_nothing()


def test_7_5_an_answer_finds_its_way(stage):
    _, room, romeo, juliet = stage("Romeo", "Juliet")
    juliet.sends(private(room, "Romeo"))
    back = romeo.hears(heard(room, "Juliet")).get("from")
    romeo.sends(f"<message to='{back}' type='chat' id='r'><body>and rain</body></message>")
    juliet.hears(heard(room, "Romeo", "and rain", "r"))


def test_7_5_errors_come_back_from_the_nick(stage):
    _, room, romeo, juliet = stage("Romeo", "Juliet")
    juliet.sends(private(room, "Romeo"))
    got = romeo.hears(heard(room, "Juliet"))
    romeo.sends(f"<message to='{got.get('from')}' type='error' id='{got.get('id')}'><error type='cancel' by='{romeo}'>"
                f"<service-unavailable xmlns='{NS['stanzas']}'/></error></message>")
    error = juliet.hears(f"<message from='{room.of('Romeo')}' type='error' id='hgn27af1'>...<error type='cancel'>"
                         f"<service-unavailable xmlns='{NS['stanzas']}'/></error></message>")
    names_nobody(error, romeo)


def error(room, nick, id="hgn27af1", inside="", beside="", condition="service-unavailable", kind="cancel"):
    return (f"<message to='{room.of(nick)}' type='error' id='{id}'>{beside}<error type='{kind}'>"
            f"<{condition} xmlns='{NS['stanzas']}'/>{inside}</error></message>")


def bare(room, nick, id="hgn27af1", condition="service-unavailable", kind="cancel"):
    return (f"<message from='{room.of(nick)}' type='error' id='{id}'>{USER_X}<occupant-id xmlns='{OCCUPANT_ID}' id='*'/>"
            f"<error type='{kind}'><{condition} xmlns='{NS['stanzas']}'/></error></message>")


def test_an_error_is_no_private_message(stage):
    """Where nobody may send any: what answers nothing goes nowhere, whatever it says."""
    _, room, romeo, juliet = stage("Romeo", "Juliet", allowpm="none")
    romeo.sends(error(room, "Juliet", beside="<body>psst</body>"), error(room, "Juliet", id="x"))
    room.says(juliet, "aloud", id="g1")
    hush(romeo)
    juliet.hears("<message type='groupchat'>...</message>")
    romeo.sends(error(room, "Juliet", id="g1"))
    romeo.settles()
    juliet.hears_nothing()


def test_an_error_says_its_condition_once_and_nothing_else(stage):
    _, room, romeo, juliet = stage("Romeo", "Juliet")
    juliet.sends(private(room, "Romeo"), private(room, "Romeo", id="p2"))
    romeo.hears(heard(room, "Juliet"), heard(room, "Juliet", id="p2"))
    text = f"<text xmlns='{NS['stanzas']}'>psst</text><own xmlns='urn:example:payload'>psst</own>"
    for _ in range(2):
        romeo.sends(error(room, "Juliet", inside=text, beside="<body>psst</body>"))
    juliet.hears(bare(room, "Romeo"))
    juliet.hears_nothing()
    romeo.sends(error(room, "Juliet", id="p2", condition="secret", kind="secret"))
    juliet.hears(bare(room, "Romeo", id="p2", condition="undefined-condition"))
    juliet.hears_nothing()


def test_an_error_answers_who_wrote(stage):
    """Another's id is no way to him."""
    _, room, romeo, juliet, nurse = stage("Romeo", "Juliet", "Nurse")
    juliet.sends(private(room, "Romeo"))
    romeo.hears(heard(room, "Juliet"))
    romeo.sends(error(room, "Nurse"))
    nurse.sends(error(room, "Juliet"))
    hush(romeo, nurse)
    nurse.hears_nothing()
    juliet.hears_nothing()
    romeo.sends(error(room, "Juliet"))
    juliet.hears(bare(room, "Romeo"))


def test_an_error_from_outside_is_nobodys(stage):
    cast, room, romeo, juliet = stage("Romeo", "Juliet")
    tybalt = cast.online("tybalt")
    tybalt.sends(f"<message to='{room.of('Juliet')}' type='error' id='x'><error type='cancel'>"
                 f"<service-unavailable xmlns='{NS['stanzas']}'/></error></message>")
    tybalt.hears_nothing()
    juliet.hears_nothing()


def test_it_is_not_in_the_history_of_the_room(stage):
    cast, room, romeo, juliet = stage("Romeo", "Juliet", enablearchiving=False)
    juliet.sends(private(room, "Romeo", "secret"))
    room.says(juliet, "open")
    hush(romeo, juliet)
    seen = room.enters(cast.online("nurse"), "Nurse")
    assert [m.findtext("{jabber:client}body") for m in seen.history] == ["open"]


# ---- 13.4 -----------------------------------------------------------------------------------------


def ask(client, to, payload, id="c0ffee", kind="get"):
    client.sends(f"<iq to='{to}' id='{id}' type='{kind}'>{payload}</iq>")


def test_13_4_a_question_goes_to_the_real_jid_and_the_answer_back(stage):
    _, room, romeo, juliet, nurse = stage("Romeo", "Juliet", "Nurse")
    ask(juliet, room.of("Romeo"), "<query xmlns='jabber:iq:version'/>", "v&apos;&lt;1")
    got = romeo.hears(f"<iq from='{room.of('Juliet')}' to='{romeo.full}' id='*' type='get'><query xmlns='jabber:iq:version'/></iq>")
    names_nobody(got, juliet)
    id = got.get("id").replace("&", "&amp;").replace("<", "&lt;").replace("'", "&apos;")
    romeo.sends(f"<iq to='{got.get('from')}' id='{id}' type='result'><query xmlns='jabber:iq:version'><name>n</name></query></iq>")
    answer = juliet.hears(f"<iq from='{room.of('Romeo')}' to='{juliet.full}' type='result'>"
                          "<query xmlns='jabber:iq:version'><name>n</name></query></iq>")
    assert answer.get("id") == "v'<1"
    names_nobody(answer, romeo)
    nurse.hears_nothing()


def test_13_4_an_error_comes_back_too(stage):
    _, room, romeo, juliet = stage("Romeo", "Juliet")
    ask(juliet, room.of("Romeo"), "<query xmlns='urn:example'/>", kind="set")
    got = romeo.hears("<iq type='set' id='*'><query xmlns='urn:example'/></iq>")
    romeo.sends(f"<iq to='{got.get('from')}' id='{got.get('id')}' type='error'><error type='cancel' by='{romeo.full}'>"
                f"<feature-not-implemented xmlns='{NS['stanzas']}'/></error></iq>")
    error = juliet.hears(f"<iq from='{room.of('Romeo')}' id='c0ffee' type='error'><error type='cancel'>"
                         f"<feature-not-implemented xmlns='{NS['stanzas']}'/></error></iq>")
    names_nobody(error, romeo)


def test_13_4_the_answer_finds_the_one_session_that_asked(stage):
    cast, room, romeo, juliet = stage("Romeo", "Juliet")
    second = cast.another(juliet)
    room.enters(second, "Juliet")
    hush(romeo, juliet, second)
    for client in (second, juliet):
        ask(client, room.of("Romeo"), "<query xmlns='urn:example'/>", "same")
        got = romeo.hears("<iq type='get' id='*'><query xmlns='urn:example'/></iq>")
        romeo.sends(f"<iq to='{got.get('from')}' id='{got.get('id')}' type='result'/>")
        client.hears(f"<iq from='{room.of('Romeo')}' id='same' type='result'/>")
        juliet.hears_nothing()
        second.hears_nothing()


def test_13_4_of_several_sessions_of_a_nick_one_is_asked(stage):
    cast, room, romeo, juliet = stage("Romeo", "Juliet")
    second = cast.another(romeo)
    room.enters(second, "Romeo")
    hush(romeo, juliet, second)
    ask(juliet, room.of("Romeo"), "<query xmlns='urn:example'/>")
    juliet.settles()
    heard_by = [c for c in (romeo, second) if c.has_input()]
    assert len(heard_by) == 1


def test_13_4_nobody_else_can_answer(stage):
    _, room, romeo, juliet, nurse = stage("Romeo", "Juliet", "Nurse")
    ask(juliet, room.of("Romeo"), "<query xmlns='urn:example'/>")
    id = romeo.hears("<iq type='get' id='*'>...</iq>").get("id")
    for forged in (id, id[:-1] + "x", "0" * 32 + id[32:], id[:40], "c0ffee", ""):
        nurse.sends(f"<iq to='{room.of('Juliet')}' id='{forged}' type='result'/>")
    romeo.sends(f"<iq to='{room.of('Juliet')}' id='{id}x' type='result'/>")
    juliet.hears_nothing()
    romeo.sends(f"<iq to='{room.of('Juliet')}' id='{id}' type='result'/>")
    juliet.hears("<iq id='c0ffee' type='result'/>")


def test_13_4_a_vcard_is_the_accounts(stage):
    """The answer comes from the account, also when the client could not have given it."""
    _, room, romeo, juliet = stage("Romeo", "Juliet")
    assert romeo.asks("set", "<vCard xmlns='vcard-temp'><FN>Romeo</FN></vCard>").get("type") == "result"
    hush(romeo, juliet)
    ask(juliet, room.of("Romeo"), VCARD)
    answer = juliet.hears(f"<iq from='{room.of('Romeo')}' id='c0ffee' type='result'>"
                          "<vCard xmlns='vcard-temp'><FN>Romeo</FN></vCard></iq>")
    names_nobody(answer, romeo)
    romeo.hears_nothing()


def test_13_4_a_vcard_cannot_be_changed_through_a_room(stage):
    _, room, romeo, juliet = stage("Romeo", "Juliet")
    ask(juliet, room.of("Romeo"), "<vCard xmlns='vcard-temp'><FN>Goat</FN></vCard>", kind="set")
    romeo.hears(f"<iq from='{room.of('Juliet')}' type='set' id='*'>...</iq>")  # a client refuses it


def test_13_4_nobody_of_that_nick(stage):
    _, room, _, juliet = stage("Romeo", "Juliet")
    ask(juliet, room.of("Tybalt"), VCARD)
    hears_refusal(juliet, room, "item-not-found", "cancel", "c0ffee", "iq", "Tybalt")


def test_13_4_who_is_not_in_the_room_asks_nobody(stage):
    cast, room, romeo = stage("Romeo")
    tybalt = cast.online("tybalt")
    ask(tybalt, room.of("Romeo"), VCARD)
    hears_refusal(tybalt, room, "not-acceptable", id="c0ffee", of="iq", at="Romeo")
    romeo.hears_nothing()


def test_13_4_a_room_may_forbid_it(stage):
    _, room, romeo, juliet = stage("Romeo", "Juliet", allowqueryusers=False)
    ask(juliet, room.of("Romeo"), VCARD)
    hears_refusal(juliet, room, "not-allowed", "cancel", "c0ffee", "iq", "Romeo")
    romeo.hears_nothing()
    ask(juliet, room.of("Juliet"), PING, "s2c1")  # to oneself it is no question
    juliet.hears(f"<iq from='{room.of('Juliet')}' id='s2c1' type='result'/>")


def test_13_4_a_session_that_has_gone(stage):
    _, room, romeo, juliet = stage("Romeo", "Juliet")
    ask(juliet, room.of("Romeo"), "<query xmlns='urn:example'/>")
    romeo.hears("<iq type='get' id='*'>...</iq>")
    romeo.ends()
    room.loses(juliet, "Romeo")
    ask(juliet, room.of("Romeo"), "<query xmlns='urn:example'/>", "later")
    hears_refusal(juliet, room, "item-not-found", "cancel", "later", "iq", "Romeo")


# ---- XEP-0410 ---------------------------------------------------------------------------------------


def test_0410_a_ping_to_oneself_is_answered_by_the_room(stage):
    cast, room, romeo = stage("Romeo")
    second = cast.another(romeo)
    room.enters(second, "Romeo")
    hush(romeo, second)
    for client in (romeo, second):
        ask(client, room.of("Romeo"), PING, "s2c1")
        client.hears(f"<iq from='{room.of('Romeo')}' to='{client.full}' id='s2c1' type='result'/>")
    romeo.hears_nothing()
    second.hears_nothing()


def test_0410_who_is_not_in_is_told_so(stage):
    cast, room, romeo, juliet = stage("Romeo", "Juliet")
    other = cast.another(romeo)
    ask(other, room.of("Romeo"), PING, "s2c1")
    hears_refusal(other, room, "not-acceptable", id="s2c1", of="iq", at="Romeo")
    room.leaves(juliet, "Juliet")
    ask(juliet, room.of("Juliet"), PING, "s2c2")
    hears_refusal(juliet, room, "not-acceptable", id="s2c2", of="iq", at="Juliet")


def test_0410_a_room_that_is_not_there_says_the_same(stage):
    """item-not-found would mean that one is still in (XEP-0410 3.2)."""
    cast, room, romeo = stage("Romeo")
    ask(romeo, f"no{room}/Romeo", PING, "s2c1")
    romeo.hears(
        f"<iq from='no{room}/Romeo' id='s2c1' type='error'>...<error type='*' by='no{room}'>"
        f"<not-acceptable xmlns='{NS['stanzas']}'/>...</error></iq>")


def test_0410_after_a_restart(stage, actors):
    cast, room, romeo = stage("Romeo", persistentroom=True)
    server = romeo.server
    server.restart()
    again = actors(server).client("romeo", jid=romeo.jid).comes_online()
    ask(again, room.of("Romeo"), PING, "s2c1")
    hears_refusal(again, room, "not-acceptable", id="s2c1", of="iq", at="Romeo")


def test_0410_a_ping_to_another_is_passed_on(stage):
    _, room, romeo, juliet = stage("Romeo", "Juliet")
    ask(juliet, room.of("Romeo"), PING, "p")
    got = romeo.hears(f"<iq from='{room.of('Juliet')}' type='get' id='*'>{PING}</iq>")
    romeo.sends(f"<iq to='{got.get('from')}' id='{got.get('id')}' type='result'/>")
    juliet.hears(f"<iq from='{room.of('Romeo')}' id='p' type='result'/>")


def test_0410_is_advertised(stage):
    _, room, romeo = stage("Romeo")
    for place in (str(room), str(room).partition("@")[2]):
        info = romeo.asks("get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", to=place)
        features = {f.get("var") for f in info.iter("{http://jabber.org/protocol/disco#info}feature")}
        assert "http://jabber.org/protocol/muc#stable_id" in features
        if "@" in place:
            assert "http://jabber.org/protocol/muc#self-ping-optimization" in features

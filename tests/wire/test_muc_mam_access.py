# SPDX-License-Identifier: MIT
"""XEP-0313 6.1.2: who may read a room's archive, and see who is who in it, at the time of the query."""
import pytest

from lib import dom
from lib.archive import MAM, ask, result_of
from lib.hall import MODULES, gathers, ids, nick, real_jid, refusal, says, shared_server
from lib.room import Room, hush

pytestmark = pytest.mark.xylem
FORBIDDEN = ("forbidden", "auth")
ELSEWHERE = "urn:xylem:test:elsewhere"
assert shared_server

AFFILIATIONS = ("owner", "admin", "member", "none", "outcast")
ROOMS = {
    "open": ({}, {"owner", "admin", "member", "none"}),
    "members-only": ({"membersonly": True}, {"owner", "admin", "member"}),
    "password": ({"passwordprotectedroom": True, "roomsecret": "sesame"}, {"owner", "admin", "member"}),
    "hidden": ({"publicroom": False}, {"owner", "admin", "member", "none"}),
    "moderated": ({"moderatedroom": True}, {"owner", "admin", "member", "none"}),
}


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("affiliation", AFFILIATIONS)
def test_by_affiliation_of_who_is_not_there(cast, room, affiliation):
    """Query, form and metadata alike."""
    config, readers = ROOMS[room]
    hall, romeo = gathers(cast, "romeo", **config)
    says(hall, romeo, "secret")
    juliet = cast.connected("juliet")
    hall.allows(romeo, jid=juliet, affiliation=affiliation)
    if affiliation in readers:
        assert ask(juliet, to=hall).texts == ["secret"]
    else:
        assert refusal(juliet, hall) == FORBIDDEN
        for payload in (f"<query xmlns='{MAM}'/>", f"<metadata xmlns='{MAM}'/>"):
            answer = juliet.asks("get", payload, to=hall)
            assert dom.find(answer, "client:error/stanzas:forbidden") is not None, dom.show(answer)
    juliet.hears_nothing()


def test_a_password_once_shown_opens_the_archive_to_all_resources(cast):
    hall, romeo = gathers(cast, "romeo", passwordprotectedroom=True, roomsecret="sesame")
    says(hall, romeo, "secret")
    juliet = cast.online("juliet")
    assert refusal(juliet, hall) == FORBIDDEN
    hall.is_refused(juliet, "Juliet", "not-authorized", password="wrong")
    assert refusal(juliet, hall) == FORBIDDEN
    hall.enters(juliet, "Juliet", password="sesame")
    phone = cast.another(juliet)
    hush(juliet, phone)
    assert ask(juliet, to=hall).texts == ask(phone, to=hall).texts == ["secret"]
    hall.leaves(juliet, "Juliet")
    assert refusal(juliet, hall) == FORBIDDEN


def test_access_ends_with_the_right_to_enter(cast):
    hall, romeo, juliet = gathers(cast, "romeo", "juliet")
    said = says(hall, romeo, *range(5))
    hush(juliet)
    page = ask(juliet, to=hall, max=2)
    assert page.texts == ["0", "1"]
    hall.allows(romeo, jid=juliet, affiliation="outcast")
    hush(romeo, juliet)
    assert refusal(juliet, hall, max=2, after=page.last) == FORBIDDEN
    hall.allows(romeo, jid=juliet, affiliation="none")
    assert ask(juliet, to=hall, max=2, after=page.last).texts == ["2", "3"]
    assert len(said) == 5


def test_a_room_that_becomes_members_only(cast):
    hall, romeo, juliet = gathers(cast, "romeo", "juliet")
    says(hall, romeo, "secret")
    hush(juliet)
    assert ask(juliet, to=hall).texts == ["secret"]
    hall.is_configured(romeo, membersonly=True)
    hush(romeo, juliet)
    assert refusal(juliet, hall) == FORBIDDEN
    hall.allows(romeo, jid=juliet, affiliation="member")
    hush(romeo, juliet)
    assert ask(juliet, to=hall).texts == ["secret"]


def test_a_kick_is_no_ban(cast):
    hall, romeo, juliet = gathers(cast, "romeo", "juliet")
    says(hall, romeo, "hi")
    hall.allows(romeo, nick="Juliet", role="none")
    hush(romeo, juliet)
    assert ask(juliet, to=hall).texts == ["hi"]


def test_a_locked_room_has_nobodys_archive_yet(cast):
    romeo, juliet = cast.online("romeo", "juliet")
    hall = Room(cast.server)
    hall.enters(romeo, nick(romeo))
    assert refusal(juliet, hall)[0] in ("forbidden", "item-not-found")


def test_a_room_that_is_gone_is_not_found_and_its_ids_are_nobodys(cast):
    hall, romeo, juliet = gathers(cast, "romeo", "juliet", persistentroom=True)
    says(hall, romeo, *range(3))
    hush(romeo, juliet)
    old = ask(juliet, to=hall).ids
    romeo.asks("set", "<query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query>", to=hall)
    hush(romeo, juliet)
    assert refusal(juliet, hall) == ("item-not-found", "cancel")
    hall.opens(juliet, "Juliet")
    hush(juliet)
    assert ask(juliet, to=hall).results == []
    assert refusal(juliet, hall, after=old[0]) == ("item-not-found", "cancel")
    assert says(hall, juliet, "new") and len(ask(juliet, to=hall).results) == 1


# ---- who is who ----------------------------------------------------------------------------------


@pytest.mark.parametrize("whois", ["moderators", "anyone"])
def test_by_real_address_only_for_those_who_see_them(cast, whois):
    hall, romeo, juliet, nurse = gathers(cast, "romeo", "juliet", "nurse", whois=whois)
    says(hall, juliet, 1)
    hush(romeo)
    says(hall, romeo, 2)
    hush(juliet)
    says(hall, juliet, 3)
    hush(romeo, juliet, nurse)
    assert ask(romeo, {"with": str(juliet)}, to=hall).texts == ["1", "3"]
    assert ask(romeo, {"with": str(juliet), "ids": ask(romeo, to=hall).ids}, to=hall).texts == ["1", "3"]
    assert ask(romeo, {"with": "nobody@xylem.test"}, to=hall).texts == []
    if whois == "anyone":
        assert ask(nurse, {"with": str(romeo)}, to=hall).texts == ["2"]
    else:  # written or not: the answer says nothing of it
        for jid in (juliet, romeo, nurse, "nobody@xylem.test", "nobody@elsewhere.example"):
            assert refusal(nurse, hall, fields={"with": str(jid)}) == FORBIDDEN
            assert refusal(nurse, hall, fields={"with": f"{jid}/x"}) == FORBIDDEN
    assert refusal(romeo, hall, fields={"with": juliet.full})[0] == "not-acceptable"


def test_by_nick_for_everybody(cast):
    hall, romeo, juliet, nurse = gathers(cast, "romeo", "juliet", "nurse")
    says(hall, juliet, 1)
    hush(romeo)
    says(hall, romeo, 2)
    hush(romeo, juliet, nurse)
    for who in (romeo, nurse):
        assert ask(who, {"with": hall.of("Juliet")}, to=hall).texts == ["1"]
        assert ask(who, {"with": hall.of("Nobody")}, to=hall).texts == []
        assert ask(who, {"with": str(hall)}, to=hall).texts == ["1", "2"]


def test_a_nick_that_changed_hands_shows_who_it_was(cast):
    """The address shown is that of the author, not of who bears the nick now."""
    hall, romeo, juliet, nurse = gathers(cast, "romeo", "juliet", "nurse")
    says(hall, juliet, 1)
    hush(nurse)
    hall.leaves(juliet, "Juliet")
    hush(nurse)
    hall.leaves(nurse, "Nurse")
    hall.enters(nurse, "Juliet")
    hush(romeo, nurse)
    nurse.sends(f"<message to='{hall}' type='groupchat'><body>2</body></message>")
    hush(romeo, nurse)
    results = ask(romeo, {"with": hall.of("Juliet")}, to=hall).results
    assert [real_jid(r.message) for r in results] == [str(juliet), str(nurse)]
    assert len({dom.find(r.message, "occupant:occupant-id").get("id") for r in results}) == 2


# ---- people of other servers ---------------------------------------------------------------------


def test_who_comes_from_elsewhere_reads_as_anybody(make_server, actors):
    """Results before the answer, past everything that stores or copies messages."""
    server = make_server(modules={**MODULES, "elsewhere": {"observer": "observer@xylem.test"}})
    server.create("observer")
    cast = actors(server)
    hall, romeo = gathers(cast, "romeo")
    said = ids(hall, *says(hall, romeo, 1, 2))
    observer = cast.client("observer", jid="observer@xylem.test").comes_online()
    reader = "nurse@far.example/ward"

    def injects(payload):
        iq = f"<iq xmlns='jabber:client' type='set' id='f' from='{reader}' to='{hall}'>{payload}</iq>"
        romeo.asks("set", f"<inject xmlns='{ELSEWHERE}'>{iq}</inject>", to=server.domain)
        observer.settles()
        routed = [dom.find(e, f"{{{ELSEWHERE}}}routed")[0] for _, e in observer.events]
        observer.events.clear()
        return routed

    heard = injects(f"<query xmlns='{MAM}'/>")
    assert [e.get("to") for e in heard] == [reader] * 3 and [e.get("from") for e in heard] == [str(hall)] * 3
    assert [result_of(e).id for e in heard[:2]] == said
    assert heard[2].get("type") == "result" and dom.find(heard[2], "mam:fin").get("complete") == "true"
    hall.allows(romeo, jid="nurse@far.example", affiliation="outcast")
    refused = injects(f"<query xmlns='{MAM}'/>")
    assert len(refused) == 1 and dom.find(refused[0], "client:error/stanzas:forbidden") is not None

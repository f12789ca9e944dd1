# SPDX-License-Identifier: MIT
"""Presence in a room: changes of it (XEP-0045 7.7), of the nick (7.6), going (7.14), several clients of
one person (7.2.8), whose presence is shown to whom (7.2.2, 10.2.1), being put out (8.2, 9.1), ghosts
(12.1, 15.1), hats (XEP-0317)."""
import pytest

from lib import dom
from lib.room import HATS, USER, Room, codes, hats, hush, item, made_with_rooms, occupant_id
from lib.sm import managed

pytestmark = pytest.mark.xylem


@pytest.fixture
def cast(rooms, actors):
    return actors(rooms)


def together(cast, room, *names, **config):
    """romeo opens the room, the others enter it; nobody has anything left to hear."""
    people = cast("romeo", *names)
    people = people if isinstance(people, list) else [people]
    room.opens(people[0], "Romeo", **config)
    for client in people[1:]:
        room.enters(client, client.label.capitalize())
    hush(*people)
    return people


def presences(client):
    return [e for kind, e in client.events if kind == "element" and dom.name(e)[1] == "presence"]


def says(client, room, nick, inside="", id=None, kind=None):
    mark = (f" id='{id}'" if id else "") + (f" type='{kind}'" if kind else "")
    client.sends(f"<presence to='{room.of(nick)}'{mark}>{inside}</presence>")


# ---- 7.7 -------------------------------------------------------------------------------------------


def test_change(cast, room):
    """7.7: to all, to oneself with 110 and the id; JIDs as ever; a newcomer is shown the latest."""
    romeo, juliet, nurse = together(cast, room, "juliet", "nurse")
    says(juliet, room, "Juliet", "<show>xa</show><status>gone</status>", id="kr7")
    room.shows(juliet, "Juliet", show="xa", status="gone", codes={110}, id="kr7", jid=juliet.full)
    room.shows(romeo, "Juliet", show="xa", status="gone", codes=set(), id=None, jid=juliet.full,
               affiliation="none", role="participant")
    room.shows(nurse, "Juliet", show="xa", status="gone", codes=set(), id=None, jid=None)
    tybalt = cast("tybalt")
    seen = room.enters(tybalt, "Tybalt")
    assert seen.others["Juliet"].findtext("{jabber:client}show") == "xa"
    assert seen.others["Juliet"].get("id") is None and codes(seen.others["Juliet"]) == set()


def test_change_says_nothing_of_rooms(cast, room):
    """18.3: as in a join."""
    romeo, juliet = together(cast, room, "juliet")
    says(juliet, room, "Juliet", f"<x xmlns='{USER}'><item role='moderator' affiliation='owner'/></x>"
                                 f"<hats xmlns='{HATS}'><hat uri='urn:k' title='King'/></hats><show>away</show>")
    got = room.shows(romeo, "Juliet", role="participant", affiliation="none", show="away")
    assert hats(got) == {}


# ---- 7.6 -------------------------------------------------------------------------------------------


def test_nick(cast, room):
    """7.6: 303 and the new nick under the old one, then the new one; oneself with 110."""
    romeo, juliet, nurse = together(cast, room, "juliet", "nurse")
    says(juliet, room, "Capulet", "<show>away</show>", id="n1")
    room.loses(juliet, "Juliet", new_nick="Capulet", codes={303, 110}, role="participant", jid=juliet.full)
    room.shows(juliet, "Capulet", codes={110}, id="n1")
    for client, jid in ((romeo, juliet.full), (nurse, None)):
        gone = room.loses(client, "Juliet", new_nick="Capulet", jid=jid, role="participant")
        come = room.shows(client, "Capulet", show="away", jid=jid, id=None)
        assert occupant_id(gone) == occupant_id(come)
        client.hears_nothing()
    tybalt = cast("tybalt")
    assert set(room.enters(tybalt, "Juliet").others) == {"Romeo", "Capulet", "Nurse"}


def test_nick_keeps_the_role(cast, room):
    """7.6."""
    romeo, juliet = together(cast, room, "juliet")
    room.allows(romeo, nick="Juliet", role="moderator")
    hush(romeo, juliet)
    says(juliet, room, "Capulet")
    room.loses(romeo, "Juliet", new_nick="Capulet", role="moderator")
    room.shows(romeo, "Capulet", role="moderator")


def test_nick_in_use(cast, room):
    """7.6: conflict, and nothing has changed; also for one that is registered."""
    romeo, juliet = together(cast, room, "juliet")
    room.allows(romeo, jid=cast.account("nurse"), affiliation="member", nick="Nurse")
    hush(romeo, juliet)
    for nick in ("Romeo", "Nurse"):
        says(juliet, room, nick)
        room.hears_refusal(juliet, nick, "conflict", "cancel")
    romeo.hears_nothing()
    says(juliet, room, "Juliet", "<show>away</show>")
    room.shows(romeo, "Juliet", show="away")


def test_nicks_locked_down(cast, room):
    """7.6: not-acceptable; back to one's own registered nick one may go."""
    romeo, juliet = together(cast, room, "juliet")
    room.allows(romeo, jid=juliet, affiliation="member", nick="Capulet")
    room.is_configured(romeo, changenick=False)
    hush(romeo, juliet)
    says(juliet, room, "Rosaline")
    room.hears_refusal(juliet, "Rosaline", "not-acceptable", "cancel")
    romeo.hears_nothing()
    says(juliet, room, "Capulet")
    room.loses(romeo, "Juliet", new_nick="Capulet")
    room.shows(romeo, "Capulet")


def test_nicks_of_visitors(cast, room):
    """7.6: not-acceptable where visitors may not; participants may."""
    romeo, juliet = together(cast, room, "juliet", allowvisitornickchange=False)
    room.allows(romeo, nick="Juliet", role="visitor")
    hush(romeo, juliet)
    says(juliet, room, "Capulet")
    room.hears_refusal(juliet, "Capulet", "not-acceptable", "cancel")
    room.allows(romeo, nick="Juliet", role="participant")
    hush(romeo, juliet)
    says(juliet, room, "Capulet")
    room.loses(romeo, "Juliet", new_nick="Capulet")


# ---- 7.14 ------------------------------------------------------------------------------------------


def test_exit(cast, room):
    """7.14: role none, one's own with 110 first, the status text for all."""
    romeo, juliet, nurse = together(cast, room, "juliet", "nurse")
    room.leaves(juliet, "Juliet", status="gone where the goblins go")
    room.loses(romeo, "Juliet", status="gone where the goblins go", jid=juliet.full, codes=set(), affiliation="none")
    room.loses(nurse, "Juliet", status="gone where the goblins go", jid=None)
    says(juliet, room, "Juliet", kind="unavailable")
    for client in (romeo, juliet, nurse):
        client.hears_nothing()


def test_exit_from_a_former_nick(cast, room):
    """7.14, 7.6: a client that is out goes, whichever of its nicks it says it from."""
    romeo, juliet = together(cast, room, "juliet")
    says(juliet, room, "Capulet")
    hush(romeo, juliet)
    says(juliet, room, "Juliet", kind="unavailable")
    room.loses(juliet, "Capulet", codes={110})
    room.loses(romeo, "Capulet")


def test_unavailable_from_outside(cast, room):
    """18.3: is ignored."""
    romeo, = together(cast, room)
    juliet = cast("juliet")
    says(juliet, room, "Romeo", kind="unavailable")
    juliet.hears_nothing()
    romeo.hears_nothing()


def test_general_unavailable(cast, room):
    """7.14: who says good-bye to all has left the room, once."""
    romeo, juliet = together(cast, room, "juliet")
    juliet.sends("<presence type='unavailable'><status>bye</status></presence>")
    room.loses(romeo, "Juliet", status="bye")
    romeo.hears_nothing()


@pytest.mark.parametrize("how", ["ends", "breaks", "resets"])
def test_end_of_the_session(cast, room, how):
    """7.14: whoever goes offline goes, and is not seen to go twice."""
    romeo, juliet = together(cast, room, "juliet")
    getattr(juliet, how)()
    room.loses(romeo, "Juliet", codes=set())
    romeo.hears_nothing()


def test_session_that_never_was_available(cast, room):
    """7.14: a client that only showed itself to the room."""
    romeo, = together(cast, room)
    juliet = cast.connected("juliet")
    room.enters(juliet, "Juliet")
    room.shows(romeo, "Juliet")
    juliet.breaks()
    room.loses(romeo, "Juliet")


def test_detached_client_stays(cast, room):
    """XEP-0198: a client whose connection broke is in the room until its session ends, and hears on
    resumption what went on."""
    romeo, = together(cast, room)
    juliet = managed(cast, "juliet").logs_in().enables()
    room.enters(juliet, "Juliet")
    room.shows(romeo, "Juliet")
    juliet.breaks()
    says(romeo, room, "Romeo", "<show>away</show>")
    room.shows(romeo, "Romeo", show="away", codes={110})
    romeo.hears_nothing()
    assert set(room.enters(cast("nurse"), "Nurse").others) == {"Romeo", "Juliet"}
    again = juliet.reconnects().resumes()
    room.shows(again, "Romeo", show="away")
    room.shows(again, "Nurse")
    room.leaves(again, "Juliet")


def test_detached_client_is_given_up(make_server, actors):
    """XEP-0198, 15.1.2: when it is not resumed in time, it goes."""
    server = made_with_rooms(make_server, test_clock=True, modules={"sm": {"resume_for": "1 min"}})
    cast, room = actors(server), Room(server)
    romeo, = together(cast, room)
    juliet = managed(cast, "juliet").logs_in().enables()
    room.enters(juliet, "Juliet")
    room.shows(romeo, "Juliet")
    juliet.breaks()
    romeo.hears_nothing()
    server.advance("61 s")
    room.loses(romeo, "Juliet", codes=set())
    romeo.hears_nothing()


def test_ending_client_is_sent_nothing(make_server, actors):
    """7.14, XEP-0198: while modules hear of the end of a session that could have been resumed, the room goes
    on; what it says to that session is nobody's (the sanitizer would find it)."""
    server = made_with_rooms(make_server, modules={"slow": True})
    cast, room = actors(server), Room(server)
    romeo, = together(cast, room)
    juliet = managed(cast, "juliet", resource="slow").logs_in().enables()
    room.enters(juliet, "Juliet")
    room.shows(romeo, "Juliet")
    juliet.sends("</stream:stream>")
    for _ in range(5):
        says(romeo, room, "Romeo", "<show>away</show>")
    shown, gone = 0, False
    while shown < 5 or not gone:
        got = romeo.next_element()
        shown, gone = shown + (got.get("type") is None), gone or got.get("type") == "unavailable"


def test_same_resource_again(cast, room):
    """A client that comes back under its own full JID is not in the room, and may join at once."""
    romeo, juliet = together(cast, room, "juliet")
    again = cast.another(juliet, resource=juliet.resource)
    room.loses(romeo, "Juliet")
    assert set(room.enters(again, "Juliet").others) == {"Romeo"}
    room.shows(romeo, "Juliet", jid=again.full)
    romeo.hears_nothing()


# ---- several clients of one person -----------------------------------------------------------------


def test_second_client(cast, room):
    """7.2.8: one nick, two clients; others see the newest presence, and no second join of another nick;
    a newcomer sees one person."""
    romeo, juliet, nurse = together(cast, room, "juliet", "nurse")
    phone = cast.another(juliet, online=False)
    seen = room.enters(phone, "Juliet", presence="<show>chat</show>")
    assert set(seen.others) == {"Romeo", "Nurse"} and seen.codes == {110}
    room.shows(juliet, "Juliet", show="chat", codes={110})
    room.shows(romeo, "Juliet", show="chat", jid=phone.full, codes=set())
    room.shows(nurse, "Juliet", show="chat", jid=None)
    tybalt = cast("tybalt")
    seen = room.enters(tybalt, "Tybalt")
    assert set(seen.others) == {"Romeo", "Juliet", "Nurse"}
    for client in (juliet, phone):
        room.shows(client, "Tybalt")
        client.hears_nothing()


def test_newest_presence_is_shown(cast, room):
    """7.2.8: whichever client said something last."""
    romeo, juliet = together(cast, room, "juliet")
    phone = cast.another(juliet, online=False)
    room.enters(phone, "Juliet", presence="<show>chat</show>")
    hush(romeo, juliet)
    says(juliet, room, "Juliet", "<show>dnd</show>", id="d")
    room.shows(juliet, "Juliet", show="dnd", codes={110}, id="d")
    room.shows(phone, "Juliet", show="dnd", codes={110}, id=None)
    room.shows(romeo, "Juliet", show="dnd", jid=juliet.full)
    tybalt = cast("tybalt")
    assert room.enters(tybalt, "Tybalt").others["Juliet"].findtext("{jabber:client}show") == "dnd"


def test_one_of_two_goes(cast, room):
    """7.14: the others see the one that stays; unavailable is seen only of the last."""
    romeo, juliet = together(cast, room, "juliet")
    says(juliet, room, "Juliet", "<show>away</show>")
    phone = cast.another(juliet, online=False)
    room.enters(phone, "Juliet", presence="<show>chat</show>")
    hush(romeo, juliet)
    room.leaves(phone, "Juliet")
    room.shows(romeo, "Juliet", show="away", jid=juliet.full)
    room.shows(juliet, "Juliet", show="away", codes={110})
    romeo.hears_nothing()
    room.leaves(juliet, "Juliet")
    room.loses(romeo, "Juliet")
    romeo.hears_nothing()


def test_the_one_not_shown_goes(cast, room):
    """7.14: nobody else notices."""
    romeo, juliet = together(cast, room, "juliet")
    phone = cast.another(juliet, online=False)
    room.enters(phone, "Juliet")
    hush(romeo, juliet)
    room.leaves(juliet, "Juliet")
    romeo.hears_nothing()
    phone.hears_nothing()
    room.leaves(phone, "Juliet")
    room.loses(romeo, "Juliet")


def test_clients_share_the_role(cast, room):
    """7.2.8, 8.4: a second client has the role of the first; a change concerns both, a kick too."""
    romeo, juliet = together(cast, room, "juliet")
    room.allows(romeo, nick="Juliet", role="visitor")
    phone = cast.another(juliet, online=False)
    assert item(room.enters(phone, "Juliet").own).get("role") == "visitor"
    hush(romeo, juliet)
    room.allows(romeo, nick="Juliet", role="participant")
    room.shows(romeo, "Juliet", role="participant")
    for client in (juliet, phone):
        room.shows(client, "Juliet", role="participant", codes={110})
        client.hears_nothing()
    romeo.hears_nothing()
    room.allows(romeo, nick="Juliet", role="none")
    room.loses(romeo, "Juliet", codes={307})
    for client in (juliet, phone):
        room.loses(client, "Juliet", codes={110, 307})
        client.hears_nothing()
    romeo.hears_nothing()


def test_one_of_two_changes_the_nick(cast, room):
    """7.6: only that one moves; the old nick stays as long as somebody has it."""
    romeo, juliet = together(cast, room, "juliet")
    phone = cast.another(juliet, online=False)
    room.enters(phone, "Juliet", presence="<show>chat</show>")
    hush(romeo, juliet)
    says(phone, room, "Capulet")
    room.loses(phone, "Juliet", new_nick="Capulet", codes={303, 110})
    room.shows(phone, "Juliet", codes=set())  # the client that kept the nick
    room.shows(phone, "Capulet", codes={110})
    room.shows(romeo, "Juliet", jid=juliet.full)
    room.shows(romeo, "Capulet", jid=phone.full)
    romeo.hears_nothing()


def test_the_one_not_shown_changes_the_nick(cast, room):
    """7.6: the others see one more; the one who moves is shown who keeps the old nick."""
    romeo, juliet = together(cast, room, "juliet")
    phone = cast.another(juliet, online=False)
    room.enters(phone, "Juliet", presence="<show>chat</show>")
    hush(romeo, juliet)
    says(juliet, room, "Capulet")
    room.loses(juliet, "Juliet", new_nick="Capulet", codes={303, 110})
    room.shows(juliet, "Juliet", show="chat", codes=set())
    room.shows(juliet, "Capulet", codes={110})
    room.shows(romeo, "Capulet", jid=juliet.full)
    room.shows(phone, "Capulet", codes=set())
    romeo.hears_nothing()
    phone.hears_nothing()


def test_nicks_of_one_person_meet(cast, room):
    """7.6: to a nick one has already with another client one may go."""
    romeo, juliet = together(cast, room, "juliet")
    phone = cast.another(juliet, online=False)
    room.enters(phone, "Capulet")
    hush(romeo, juliet)
    says(phone, room, "Juliet", "<show>chat</show>")
    room.loses(phone, "Capulet", new_nick="Juliet", codes={303, 110})
    room.shows(phone, "Juliet", codes={110}, show="chat")
    room.loses(romeo, "Capulet", new_nick="Juliet")
    room.shows(romeo, "Juliet", show="chat", jid=phone.full)
    room.loses(juliet, "Capulet", new_nick="Juliet")
    room.shows(juliet, "Juliet", codes={110}, show="chat")
    room.leaves(juliet, "Juliet")
    romeo.hears_nothing()


# ---- who is shown to whom --------------------------------------------------------------------------


def test_presence_of_visitors_not_shown(cast, room):
    """7.2.2, muc#roomconfig_presencebroadcast: neither join nor change nor exit of a role whose presence
    is not shown; the one concerned sees all, oneself included."""
    romeo, nurse = together(cast, room, "nurse", moderatedroom=True, presencebroadcast=["moderator", "participant"],
                            members_by_default=False)
    hush(romeo, nurse)
    juliet = cast("juliet")
    seen = room.enters(juliet, "Juliet")
    assert item(seen.own).get("role") == "visitor" and set(seen.others) == {"Romeo"}
    says(juliet, room, "Juliet", "<show>away</show>")
    room.shows(juliet, "Juliet", show="away", codes={110})
    says(juliet, room, "Capulet")
    room.loses(juliet, "Juliet", new_nick="Capulet", codes={303, 110})
    room.shows(juliet, "Capulet", codes={110})
    room.leaves(juliet, "Capulet")
    romeo.hears_nothing()
    nurse.hears_nothing()


def test_becoming_visible(cast, room):
    """8.3, 8.4: with voice one is shown, without it one is gone to the others."""
    romeo, = together(cast, room, moderatedroom=True, presencebroadcast=["moderator", "participant"],
                      members_by_default=False)
    juliet = cast("juliet")
    room.enters(juliet, "Juliet")
    room.allows(romeo, nick="Juliet", role="participant")
    room.shows(romeo, "Juliet", role="participant")
    room.shows(juliet, "Juliet", role="participant", codes={110})
    room.allows(romeo, nick="Juliet", role="visitor")
    room.loses(romeo, "Juliet")
    room.shows(juliet, "Juliet", role="visitor", codes={110})
    romeo.hears_nothing()


def test_shown_roles_are_changed(cast, room):
    """10.2, muc#roomconfig_presencebroadcast: those who are not shown any more are gone to the others, and
    there again when they are."""
    romeo, juliet = together(cast, room, "juliet")
    room.allows(romeo, nick="Juliet", role="visitor")
    hush(romeo, juliet)
    room.is_configured(romeo, presencebroadcast=["moderator", "participant"])
    romeo.settles()
    assert [e.get("type") for e in presences(romeo)] == ["unavailable"]
    assert presences(juliet) == []
    assert set(room.enters(cast("nurse"), "Nurse").others) == {"Romeo"}
    hush(romeo, juliet)
    room.is_configured(romeo, presencebroadcast=["moderator", "participant", "visitor"])
    romeo.settles()
    assert [(e.get("from"), e.get("type")) for e in presences(romeo)] == [(room.of("Juliet"), None)]


def test_becoming_moderator_shows_jids(cast, room):
    """9.6, 7.2.4: a new moderator of a semi-anonymous room is shown everybody's JID."""
    romeo, juliet, nurse = together(cast, room, "juliet", "nurse")
    room.allows(romeo, nick="Juliet", role="moderator")
    room.shows(juliet, "Juliet", role="moderator", codes={110})
    room.shows(juliet, "Romeo", jid=romeo.full)
    room.shows(juliet, "Nurse", jid=nurse.full)
    room.shows(nurse, "Juliet", role="moderator", jid=None)
    nurse.hears_nothing()
    room.allows(romeo, nick="Juliet", role="participant")
    hush(juliet)
    says(nurse, room, "Nurse", "<show>away</show>")
    room.shows(juliet, "Nurse", jid=None)


def test_room_becomes_non_anonymous(cast, room):
    """10.2.1: everybody is shown everybody's JID."""
    romeo, juliet, nurse = together(cast, room, "juliet", "nurse")
    room.is_configured(romeo, whois="anyone")
    juliet.settles()
    shown = {e.get("from"): item(e).get("jid") for e in presences(juliet) if 110 not in codes(e)}
    assert shown == {room.of("Romeo"): romeo.full, room.of("Nurse"): nurse.full}


def test_status_text_of_visitors(cast, room):
    """muc#roomconfig_allowvisitorstatus off: it is not shown, nor that of their exit."""
    romeo, = together(cast, room, moderatedroom=True, allowvisitorstatus=False,
                      members_by_default=False)
    juliet = cast("juliet")
    text = "<show>away</show><status>buy!</status><status xml:lang='it'>compra!</status>"
    room.enters(juliet, "Juliet", presence=text)
    room.shows(romeo, "Juliet", show="away", status=None)
    says(juliet, room, "Juliet", text)
    room.shows(romeo, "Juliet", show="away", status=None)
    says(juliet, room, "Juliet", text, kind="unavailable")
    room.loses(romeo, "Juliet", status=None)


def commands_hat(client, room, what, **fields):
    """XEP-0317, by XEP-0050: one command in one step."""
    node = f"urn:xmpp:hats:commands:{what}"
    ask = f"<command xmlns='http://jabber.org/protocol/commands' node='{node}'"
    first = client.asks("set", f"{ask} action='execute'/>", to=room.jid)
    session = first[0].get("sessionid") if len(first) else None
    form = "".join(f"<field var='hats#{k}'><value>{v}</value></field>" for k, v in fields.items())
    answer = client.asks("set", f"{ask} sessionid='{session}'><x xmlns='jabber:x:data' type='submit'>"
                                f"<field var='FORM_TYPE'><value>urn:xmpp:hats:commands</value></field>{form}</x></command>",
                         to=room.jid)
    assert answer.get("type") == "result", dom.show(answer)


def test_hats(cast, room):
    """XEP-0317: shown in every presence of whoever wears them, at once, to whoever comes and after whatever
    change; those of another room are not."""
    romeo, juliet = together(cast, room, "juliet")
    commands_hat(romeo, room, "create", title="Scribe", uri="urn:example:scribe")
    hush(romeo, juliet)
    commands_hat(romeo, room, "assign", jid=juliet.jid, uri="urn:example:scribe")
    worn = {"urn:example:scribe": "Scribe"}
    assert hats(room.shows(romeo, "Juliet")) == worn
    assert hats(room.shows(juliet, "Juliet", codes={110})) == worn
    seen = room.enters(cast("nurse"), "Nurse")
    assert hats(seen.others["Juliet"]) == worn and hats(seen.others["Romeo"]) == {}
    room.shows(romeo, "Nurse")
    says(juliet, room, "Juliet", "<show>away</show>")
    assert hats(room.shows(romeo, "Juliet", show="away")) == worn
    says(juliet, room, "Capulet")
    room.loses(romeo, "Juliet", new_nick="Capulet")
    assert hats(room.shows(romeo, "Capulet")) == worn
    hush(juliet)
    room.leaves(juliet, "Capulet")
    hush(romeo)
    assert hats(room.enters(juliet, "Juliet").own) == worn
    assert hats(room.shows(romeo, "Juliet")) == worn
    commands_hat(romeo, room, "unassign", jid=juliet.jid, uri="urn:example:scribe")
    assert hats(room.shows(romeo, "Juliet")) == {}


# ---- put out ---------------------------------------------------------------------------------------


def test_kick(cast, room):
    """8.2: 307, actor and reason, role none; the affiliation stays."""
    romeo, juliet, nurse = together(cast, room, "juliet", "nurse")
    room.allows(romeo, nick="Juliet", role="none", reason="Avaunt!")
    room.loses(juliet, "Juliet", codes={110, 307}, reason="Avaunt!", actor="Romeo", affiliation="none")
    room.loses(nurse, "Juliet", codes={307}, reason="Avaunt!", actor="Romeo", jid=None)
    room.loses(romeo, "Juliet", codes={307}, jid=juliet.full)
    assert set(room.enters(juliet, "Juliet").others) == {"Romeo", "Nurse"}


def test_ban(cast, room):
    """9.1: 301, affiliation outcast; all clients and nicks of that person."""
    romeo, juliet, nurse = together(cast, room, "juliet", "nurse")
    phone = cast.another(juliet, online=False)
    room.enters(phone, "Capulet")
    hush(romeo, juliet, nurse)
    room.allows(romeo, jid=juliet, affiliation="outcast", reason="Treason")
    nurse.settles()
    gone = {(e.get("from"), frozenset(codes(e))) for e in presences(nurse)}
    assert gone == {(room.of("Juliet"), frozenset({301})), (room.of("Capulet"), frozenset({301}))}
    own = {(e.get("from"), item(e).get("affiliation")) for e in presences(phone) if 110 in codes(e)}
    assert own == {(room.of("Capulet"), "outcast")}
    hush(phone)
    room.is_refused(phone, "Capulet", "forbidden")


def test_role_change_says_who_and_why(cast, room):
    """8.4, 9.3: in the notice, and not in what a newcomer is shown."""
    romeo, juliet = together(cast, room, "juliet")
    room.allows(romeo, nick="Juliet", role="visitor", reason="Hush")
    room.shows(romeo, "Juliet", role="visitor", reason="Hush", actor="Romeo")
    room.shows(juliet, "Juliet", role="visitor", reason="Hush", actor="Romeo", codes={110})
    seen = room.enters(cast("nurse"), "Nurse")
    assert list(item(seen.others["Juliet"])) == []


# ---- ghosts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("condition", ["gone", "item-not-found", "recipient-unavailable", "redirect",
                                       "remote-server-not-found", "remote-server-timeout", "jid-malformed"])
@pytest.mark.parametrize("of", ["message", "presence"])
def test_error_that_means_gone(cast, room, of, condition):
    """12.1, 15.1.2: out, with 333, and told so."""
    romeo, juliet = together(cast, room, "juliet")
    juliet.sends(f"<{of} type='error' to='{room}'><error type='cancel'>"
                 f"<{condition} xmlns='{dom.NS['stanzas']}'/></error></{of}>")
    room.loses(juliet, "Juliet", codes={110, 333})
    room.loses(romeo, "Juliet", codes={333})
    romeo.hears_nothing()


@pytest.mark.parametrize("condition", ["policy-violation", "resource-constraint", "service-unavailable", "not-allowed",
                                       "undefined-condition", "internal-server-error"])
@pytest.mark.parametrize("of", ["message", "presence"])
def test_error_that_does_not(cast, room, of, condition):
    """15.1.2: whoever cannot take one stanza is not gone for that; service-unavailable means it only from
    another server."""
    romeo, juliet = together(cast, room, "juliet")
    juliet.sends(f"<{of} type='error' to='{room.of('Romeo')}'><error type='cancel'>"
                 f"<{condition} xmlns='{dom.NS['stanzas']}'/></error></{of}>")
    juliet.hears_nothing()
    assert set(room.enters(cast("nurse"), "Nurse").others) == {"Romeo", "Juliet"}


def test_error_puts_out_one_client(cast, room):
    """12.1, 7.2.8: the other client of that nick stays."""
    romeo, juliet = together(cast, room, "juliet")
    phone = cast.another(juliet, online=False)
    room.enters(phone, "Juliet")
    hush(romeo, juliet)
    phone.sends(f"<message type='error' to='{room}'><error type='cancel'><gone xmlns='{dom.NS['stanzas']}'/></error></message>")
    room.loses(phone, "Juliet", codes={110, 333})
    room.shows(romeo, "Juliet", jid=juliet.full)
    romeo.hears_nothing()


def test_error_from_outside(cast, room):
    """12.1: nobody can put out others."""
    romeo, = together(cast, room)
    juliet = cast("juliet")
    juliet.sends(f"<message type='error' to='{room.of('Romeo')}'><error type='cancel'>"
                 f"<gone xmlns='{dom.NS['stanzas']}'/></error></message>")
    romeo.hears_nothing()


# ---- limits ----------------------------------------------------------------------------------------


def test_many_changes(make_server, actors):
    """Option presences: what is too much is refused, nobody is put out, the others hear nothing of it."""
    server = made_with_rooms(make_server, muc={"presences": "1/min burst 3"}, test_clock=True)
    cast = actors(server)
    room = Room(server)
    romeo, juliet = together(cast, room, "juliet")
    for _ in range(12):
        says(juliet, room, "Juliet", "<show>away</show>")
    hush(juliet)
    shown = sum(1 for _, e in romeo.events) if romeo.events else 0
    assert shown < 12
    hush(romeo)
    assert set(room.enters(cast("nurse"), "Nurse").others) == {"Romeo", "Juliet"}


def large(size):
    return f"<status>{'x' * size}</status>"


def test_a_presence_has_a_size(make_server, actors):
    """Option max_presence: what is kept with an occupant and sent to whoever comes. Leaving is always possible."""
    server = made_with_rooms(make_server, muc={"max_presence": "2 KiB"})
    cast = actors(server)
    room = Room(server)
    romeo, juliet, nurse = *together(cast, room, "juliet"), cast("nurse")
    room.is_refused(nurse, "Nurse", "policy-violation", presence=large(2048))
    room.enters(nurse, "Nurse", presence=large(1000))
    hush(romeo, juliet, nurse)
    says(juliet, room, "Juliet", large(2048))
    juliet.hears(f"<presence from='{room.of('Juliet')}' type='error'>...<error type='*' by='{room}'>"
                 f"<policy-violation xmlns='{dom.NS['stanzas']}'/></error>...</presence>")
    says(juliet, room, "Capulet", large(2048))
    hush(juliet)
    romeo.hears_nothing()
    assert set(room.enters(cast("tybalt"), "Tybalt").others) == {"Romeo", "Juliet", "Nurse"}
    hush(romeo, juliet)
    juliet.sends(f"<presence to='{room.of('Juliet')}' type='unavailable'>{large(4096)}</presence>")
    gone = romeo.next_element()
    assert gone.get("type") == "unavailable" and "xxx" not in dom.show(gone)

# SPDX-License-Identifier: MIT
"""Presence (RFC 6121 section 4): who sees what, probes, directed presence, priorities, the end."""
import pytest

from test_subscription import befriend, roster_of


@pytest.fixture
def friends(cast):
    a, b = cast.connected("a", "b")
    for person in (a, b):
        roster_of(person)
        person.comes_online()
    befriend(a, b)
    return a, b


def test_initial_presence_reaches_contacts_and_is_answered_by_theirs(friends, cast):
    a, b = friends
    second = cast.another(a, online=False)
    second.sends("<presence><show>away</show><priority>3</priority></presence>")
    b.hears(f"<presence from='{second.full}' to='{b}'><show>away</show><priority>3</priority></presence>")
    a.hears(f"<presence from='{second.full}' to='{a}'><show>away</show><priority>3</priority></presence>")
    second.hears_in_any_order(
        f"<presence from='{second.full}' to='{a}'><show>away</show><priority>3</priority></presence>",
        f"<presence from='{a.full}'/>", f"<presence from='{b.full}' to='{second.full}'/>")
    second.hears_nothing()
    a.hears_nothing()


def test_a_change_is_broadcast_without_probing_again(friends):
    a, b = friends
    a.sends("<presence><status>out</status></presence>")
    b.hears(f"<presence from='{a.full}' to='{b}'><status>out</status></presence>")
    a.hears(f"<presence from='{a.full}'><status>out</status></presence>")
    a.hears_nothing()


@pytest.mark.parametrize("how", ["unavailable", "closes", "breaks"])
def test_the_end_is_told(friends, how):
    a, b = friends
    if how == "unavailable":
        a.sends("<presence type='unavailable'><status>bye</status></presence>")
        b.hears(f"<presence from='{a.full}' to='{b}' type='unavailable'><status>bye</status></presence>")
    else:
        a.sends("</stream:stream>") if how == "closes" else a.breaks()
        b.hears(f"<presence from='{a.full}' to='{b}' type='unavailable'/>")
    b.hears_nothing()


def test_directed_presence_to_a_stranger_ends_with_the_session(cast):
    a, b = cast.online("a", "b")
    a.sends(f"<presence to='{b}'><status>psst</status></presence>")
    b.hears(f"<presence from='{a.full}' to='{b}'><status>psst</status></presence>")
    a.sends("<presence><status>for my contacts</status></presence>")
    b.hears_nothing()
    a.breaks()
    b.hears(f"<presence from='{a.full}' to='{b}' type='unavailable'/>")


def test_directed_presence_before_any_broadcast_ends_too(cast):
    a, b = cast.connected("a"), cast.online("b")
    a.sends(f"<presence to='{b.full}'/>")
    b.hears(f"<presence from='{a.full}' to='{b.full}'/>")
    a.breaks()
    b.hears(f"<presence from='{a.full}' to='{b.full}' type='unavailable'/>")


def test_directed_presence_of_one_never_available_ends_when_it_says_so(cast):
    """RFC 6121 4.6.3"""
    romeo = cast.connected("romeo")
    juliet = cast.online("juliet")
    romeo.sends(f"<presence to='{juliet.full}'/>")
    juliet.hears(f"<presence from='{romeo.full}'/>")
    romeo.sends("<presence type='unavailable'/>")
    juliet.hears(f"<presence from='{romeo.full}' type='unavailable'/>")
    romeo.breaks()
    juliet.hears_nothing()


def test_directed_unavailable_is_enough(cast):
    a, b = cast.online("a", "b")
    a.sends(f"<presence to='{b}'/>", f"<presence to='{b}' type='unavailable'/>")
    b.hears(f"<presence from='{a.full}'/>", f"<presence from='{a.full}' type='unavailable'/>")
    a.breaks()
    b.hears_nothing()


def test_a_probe_by_a_contact_is_answered_by_each_resource(friends, cast):
    a, b = friends
    second = cast.another(a)
    b.settles()
    b.events.clear()
    b.sends(f"<presence to='{a}' type='probe'/>")
    b.hears_in_any_order(f"<presence from='{a.full}' to='{b.full}'/>", f"<presence from='{second.full}' to='{b.full}'/>")


@pytest.mark.parametrize("priority", ["128", "-129", "high", ""])
def test_a_priority_is_a_number_from_minus_128_to_127(cast, priority):
    a = cast.connected("a")
    a.sends(f"<presence><priority>{priority}</priority></presence>")
    a.hears_error("bad-request", "modify", of="presence")


def test_presence_of_an_unknown_type(cast):
    a = cast.online("a")
    a.sends("<presence type='confused'/>")
    a.hears_error("bad-request", "modify", of="presence")


def test_s4_15_without_the_modules_messages_still_flow(make_server, actors):
    server = make_server(modules={"presence": False, "roster": False})
    a, b = actors(server).online("a", "b")
    a.sends(f"<message to='{b}' type='chat'><body>hi</body></message>")
    b.hears(f"<message from='{a.full}' to='{b}' type='chat'><body>hi</body></message>")
    a.sends(f"<presence to='{b}' type='subscribe'/>")
    b.hears_nothing()

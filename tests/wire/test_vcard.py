# SPDX-License-Identifier: MIT
"""XEP-0054 vCards, XEP-0153 hashes in presence."""
import base64
import hashlib

import pytest

from lib import dom
from lib.friends import befriend

pytestmark = pytest.mark.xylem
ASK = "<vCard xmlns='vcard-temp'/>"
IMAGE = bytes(range(256)) * 3


def card(image=None, name="Romeo Montague"):
    text = base64.b64encode(image).decode() if image else ""
    lines = "\n".join(text[i:i + 72] for i in range(0, len(text), 72))  # as clients write it
    photo = f"<PHOTO><TYPE>image/png</TYPE><BINVAL>\n{lines}\n</BINVAL></PHOTO>" if image else ""
    return f"<vCard xmlns='vcard-temp'><FN>{name}</FN>{photo}</vCard>"


def sets(client, vcard):
    answer = client.asks("set", vcard)
    assert answer.get("type") == "result", dom.show(answer)


def update(photo):
    return f"<x xmlns='vcard-temp:x:update'>{photo}</x>"


def hash_of(image):
    return update(f"<photo>{hashlib.sha1(image).hexdigest()}</photo>")


def test_own_and_others(cast):
    romeo, juliet = cast.connected("romeo", "juliet")
    sets(romeo, card())
    for who, to in ((romeo, None), (romeo, romeo), (juliet, romeo)):
        address = f" to='{to}'" if to else ""
        who.sends(f"<iq type='get' id='v'{address}>{ASK}</iq>")
        who.hears(f"<iq type='result' id='v'>{card()}</iq>")


def test_none_yet(cast):
    """Own: an empty one. To others an account without vCard looks like no account."""
    romeo = cast.connected("romeo")
    romeo.sends(f"<iq type='get' id='v'>{ASK}</iq>")
    romeo.hears(f"<iq type='result' id='v'>{ASK}</iq>")
    for to in (cast.account("juliet"), "nobody@xylem.test"):
        romeo.sends(f"<iq type='get' id='v' to='{to}'>{ASK}</iq>")
        romeo.hears_error("service-unavailable", of="iq", id="v", from_=to)


def test_nobody_sets_anothers(cast):
    romeo, juliet = cast.connected("romeo", "juliet")
    romeo.sends(f"<iq type='set' id='v' to='{juliet}'>{card()}</iq>")
    answer = romeo.next_element()
    assert answer.get("type") == "error" and answer.get("id") == "v", dom.show(answer)
    juliet.sends(f"<iq type='get' id='v'>{ASK}</iq>")
    juliet.hears(f"<iq type='result' id='v'>{ASK}</iq>")


@pytest.mark.once
def test_size_is_limited(make_server, actors):
    romeo = actors(make_server(modules={"vcard": {"size": "2 KiB"}})).connected("romeo")
    romeo.sends(f"<iq type='set' id='v'>{card(name='x' * 3000)}</iq>")
    romeo.hears_error("policy-violation", of="iq", id="v")
    sets(romeo, card(name="x" * 1000))


def test_the_hash_is_in_every_presence(cast):
    romeo, juliet = cast("romeo", "juliet")
    befriend(romeo, juliet)
    sets(romeo, card(IMAGE))
    juliet.hears(f"<presence from='{romeo.full}'>{hash_of(IMAGE)}</presence>")  # shown at once
    romeo.sends("<presence><show>away</show></presence>")
    juliet.hears(f"<presence from='{romeo.full}'><show>away</show>{hash_of(IMAGE)}</presence>")
    again = cast.another(romeo)
    juliet.hears(f"<presence from='{again.full}'>{hash_of(IMAGE)}</presence>")


def test_directed_presence_has_it_too(cast):
    """protocol 1.3: rooms are joined by directed presence."""
    romeo, juliet = cast("romeo", "juliet")
    sets(romeo, card(IMAGE))
    romeo.sends(f"<presence to='{juliet.full}'><x xmlns='urn:test'/></presence>")
    juliet.hears(f"<presence from='{romeo.full}'><x xmlns='urn:test'/>{hash_of(IMAGE)}</presence>")


@pytest.mark.parametrize("own", ["<photo/>", "<photo>0123456789012345678901234567890123456789</photo>"])
def test_a_client_that_speaks_for_itself_is_left_alone(cast, own):
    romeo, juliet = cast("romeo", "juliet")
    befriend(romeo, juliet)
    romeo.sends(f"<presence>{update(own)}</presence>")
    juliet.hears(f"<presence from='{romeo.full}'>{update(own)}</presence>")
    sets(romeo, card(IMAGE))
    juliet.hears_nothing()
    romeo.sends(f"<presence>{update(own)}<status>s</status></presence>")
    juliet.hears(f"<presence from='{romeo.full}'>{update(own)}<status>s</status></presence>")


def test_a_client_not_ready_gets_the_hash(cast):
    """<x/> without <photo/>: it knows the protocol and not yet its avatar."""
    romeo, juliet = cast("romeo", "juliet")
    befriend(romeo, juliet)
    sets(romeo, card(IMAGE))
    juliet.next_element()
    romeo.sends(f"<presence>{update('')}</presence>")
    juliet.hears(f"<presence from='{romeo.full}'>{hash_of(IMAGE)}</presence>")


def test_a_removed_photo_is_told(cast):
    romeo, juliet = cast("romeo", "juliet")
    befriend(romeo, juliet)
    sets(romeo, card(IMAGE))
    juliet.hears(f"<presence from='{romeo.full}'>{hash_of(IMAGE)}</presence>")
    sets(romeo, card())
    juliet.hears(f"<presence from='{romeo.full}'>{update('<photo/>')}</presence>")
    sets(romeo, card(name="The same photo: none"))
    juliet.hears_nothing()


def test_without_a_vcard_presence_is_as_it_was(cast):
    romeo, juliet = cast("romeo", "juliet")
    befriend(romeo, juliet)
    romeo.sends("<presence><status>s</status></presence>")
    juliet.hears(f"<presence from='{romeo.full}'><status>s</status></presence>")
    romeo.sends("<presence type='unavailable'/>")
    juliet.hears(f"<presence from='{romeo.full}' type='unavailable'/>")


def test_the_hash_is_known_after_a_restart(make_server, actors):
    server = make_server()
    cast = actors(server)
    romeo = cast.connected("romeo")
    sets(romeo, card(IMAGE))
    server.restart()
    cast = actors(server)
    romeo = cast.client("romeo", jid=romeo.jid).logs_in()
    romeo.sends("<presence/>")
    romeo.hears(f"<presence from='{romeo.full}'>{hash_of(IMAGE)}</presence>")


def test_a_photo_that_is_no_base64_has_no_hash(cast):
    romeo, juliet = cast("romeo", "juliet")
    befriend(romeo, juliet)
    sets(romeo, "<vCard xmlns='vcard-temp'><PHOTO><BINVAL>%%%</BINVAL></PHOTO></vCard>")
    juliet.hears(f"<presence from='{romeo.full}'>{update('<photo/>')}</presence>")


def test_nothing_remains_of_a_deleted_account(cast, server):
    romeo = cast.connected("romeo")
    sets(romeo, card(IMAGE))
    server.ctl("user", "delete", romeo.jid)
    server.create(romeo.local)
    romeo = cast.client("romeo", jid=romeo.jid).logs_in()
    romeo.sends(f"<iq type='get' id='v'>{ASK}</iq>")
    romeo.hears(f"<iq type='result' id='v'>{ASK}</iq>")

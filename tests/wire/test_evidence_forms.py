# SPDX-License-Identifier: MIT
"""Commitments to messages of every kind (S0-3, N2): what is stored is what was committed to, byte by byte, and the
text is confirmed by who wrote it to whom."""
import hmac

import pytest

from lib import dom, hall, process
from lib.auditing import database, fields  # noqa: F401
from lib.database import query
from lib.removal import says
from lib.room import hush

pytestmark = pytest.mark.xylem
MODULES = {**{k: v for k, v in hall.MODULES.items() if k != "lenient"}, "audit": True, "announce": True, "retract": True,
           "offline": True, "carbons": True}


def rows(server, request):
    """Of every message: number, numbers of sender and recipient, the stanza, the commitment, the salt."""
    columns = ("m.stanza", "e.commitment", "e.salt")
    hexed = ", ".join(f"encode({c}, 'hex')" if server.database else f"hex({c})" for c in columns)
    found = query(server, request, f"select m.id, m.sender, m.rcpt, {hexed} from message m join evidence e on e.message = m.id"
                  " order by m.id")
    return [(*map(int, row[:3]), *map(bytes.fromhex, row[3:])) for row in found]


def test_s0_3_every_kind_of_message(make_server, actors, request):
    server = make_server(modules=MODULES)
    cast = actors(server)
    place, romeo, juliet = hall.gathers(cast, "romeo", "juliet")
    room = str(place)
    tybalt = cast.account("tybalt")
    hall.says(place, romeo, "in the room")
    hush(romeo, juliet)
    romeo.sends(f"<message to='{place.of('Juliet')}' type='chat' id='pm'><body>whispered</body></message>")
    says(romeo, juliet, "m1", "1 &lt; 2 &amp; more")
    says(romeo, romeo, "m2", "to myself")
    romeo.sends("<message type='chat' id='m3'><body>to nobody said</body></message>")
    says(romeo, tybalt, "m4", "while away")
    romeo.sends(f"<message to='{juliet.jid}/nowhere' type='chat' id='m5'><body>to one of hers</body></message>")
    romeo.sends(f"<message to='{juliet.jid}' type='chat' id='m6'><body xml:lang='de'>erst</body><body>then</body>"
                f"<stanza-id xmlns='urn:xmpp:sid:0' by='{juliet.jid}' id='forged'/><delay xmlns='urn:xmpp:delay' "
                "stamp='2001-01-01T00:00:00Z'/></message>")
    romeo.sends(f"<message to='{juliet.jid}' type='chat' id='m7'><encrypted xmlns='urn:x'>AAAA</encrypted></message>")
    romeo.settles()
    juliet.settles()
    process.wait_until(lambda: len(rows(server, request)) >= 9, "the messages")
    for number, sender, recipient, stanza, commitment, salt in rows(server, request):
        form = b"".join(n.to_bytes(8, "big") for n in (number, sender, recipient)) + stanza
        assert hmac.digest(salt, form, "sha256") == commitment[:32], stanza
    texts = {"in the room": room, "whispered": room, "1 < 2 & more": juliet.jid, "to myself": romeo.jid,
             "to nobody said": romeo.jid, "while away": str(tybalt), "to one of hers": juliet.jid, "erst": juliet.jid}
    confirmed = set()
    for number, _, _, stanza, commitment, _ in rows(server, request):
        assert (len(commitment) == 64) == (b"<body" in stanza), stanza
        for text, to in texts.items():
            status, _, _ = server.ctl("audit", "prove", number, "--from", romeo.jid, "--to", to, "--text", text, check=False)
            if status == 0 and len(commitment) == 64:
                confirmed.add(text)
    assert confirmed == set(texts)

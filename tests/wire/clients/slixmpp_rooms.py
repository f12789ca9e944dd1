#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""slixmpp in rooms, through its own plugins (0045, 0249, 0313, 0421), driven by lines; nbxmpp_rooms.py and
xmppjs/rooms.js have the same language:

in:   join ROOM NICK · part ROOM · say ROOM TEXT · topic ROOM TEXT · role ROOM NICK ROLE · archive ROOM ·
      affiliate ROOM JID AFFILIATION · configure ROOM FIELD=VALUE … · affiliations ROOM WHICH ·
      invite ROOM JID · encrypt ROOM PAYLOAD · quit
out:  joined ROOM NICK · occupant ROOM/NICK AFFILIATION ROLE JID|- · gone ROOM/NICK CODES ·
      said ROOM/NICK TEXT · topic ROOM TEXT · encrypted ROOM/NICK PAYLOAD · archived ROOM/NICK TEXT ·
      archive complete · invited ROOM BY · affiliated JID · done VERB · failed VERB CONDITION

slixmpp_rooms.py JID PASSWORD HOST PORT starttls|direct"""
import asyncio
import os
import ssl
import sys

import slixmpp
from slixmpp.exceptions import IqError, PresenceError
from slixmpp.xmlstream import ET

USER = "http://jabber.org/protocol/muc#user"
OMEMO = "urn:xmpp:omemo:2"


def say(*words):
    print(*words, flush=True)


class Client(slixmpp.ClientXMPP):
    def __init__(self, jid, password):
        super().__init__(jid, password)
        for plugin in ("xep_0045", "xep_0198", "xep_0249", "xep_0313", "xep_0421"):
            self.register_plugin(plugin)
        for event, handler in (("session_start", self.started), ("groupchat_message", self.heard),
                               ("groupchat_subject", self.heard_subject), ("groupchat_presence", self.heard_presence),
                               ("groupchat_direct_invite", self.heard_invitation), ("disconnected", self.ended)):
            self.add_event_handler(event, handler)
        self.nicks, self.rest = {}, b""
        self.finished = asyncio.get_event_loop().create_future()

    async def started(self, _):
        secured = isinstance(self.transport.get_extra_info("ssl_object"), (ssl.SSLObject, ssl.SSLSocket))
        await self.get_roster()
        self.send_presence()
        say("online", self.boundjid.full, "secured" if secured else "plain")

    # ---- hearing ------------------------------------------------------------------------------

    def heard(self, message):
        header = message.xml.find(f"{{{OMEMO}}}encrypted")
        if header is not None:
            say("encrypted", message["from"], header.findtext(f"{{{OMEMO}}}payload"))
        elif message["body"]:
            assert message["occupant-id"]["id"], "no occupant id"
            say("said", message["from"], message["body"])

    def heard_subject(self, message):
        say("topic", message["from"].bare, message["subject"])

    def heard_presence(self, presence):
        item = presence["muc"]
        if presence["type"] == "unavailable":
            codes = sorted(s.get("code") for s in presence.xml.iter(f"{{{USER}}}status"))
            return say("gone", presence["from"], ",".join(codes) or "-")
        if presence["type"] != "error":
            say("occupant", presence["from"], item["affiliation"], item["role"], str(item["jid"]) or "-")

    def heard_invitation(self, message):
        say("invited", message["groupchat_invite"]["jid"], message["from"])

    def ended(self, reason):
        say("offline", reason or "-")
        if not self.finished.done():
            self.finished.set_result(None)

    # ---- doing --------------------------------------------------------------------------------

    async def do_join(self, room, nick):
        await self["xep_0045"].join_muc_wait(slixmpp.JID(room), nick, maxstanzas=0, timeout=20)
        self.nicks[room] = nick
        say("joined", room, nick)

    async def do_part(self, room):
        self["xep_0045"].leave_muc(slixmpp.JID(room), self.nicks.pop(room))

    async def do_say(self, room, text):
        self.send_message(mto=room, mbody=text, mtype="groupchat")

    async def do_topic(self, room, text):
        self["xep_0045"].set_subject(slixmpp.JID(room), text)

    async def do_role(self, room, rest):
        await self["xep_0045"].set_role(slixmpp.JID(room), *rest.split(" "))

    async def do_affiliate(self, room, rest):
        jid, affiliation = rest.split(" ")
        await self["xep_0045"].set_affiliation(slixmpp.JID(room), affiliation, jid=slixmpp.JID(jid))

    async def do_configure(self, room, rest):
        form = await self["xep_0045"].get_room_config(slixmpp.JID(room))
        form.reply()
        for change in rest.split(" "):
            field, value = change.split("=")
            form.field[f"muc#roomconfig_{field}"].set_value(value)
        await self["xep_0045"].set_room_config(slixmpp.JID(room), form)

    async def do_affiliations(self, room, which):
        for jid in sorted(await self["xep_0045"].get_affiliation_list(slixmpp.JID(room), which)):
            say("affiliated", jid)

    async def do_archive(self, room):
        async for result in self["xep_0313"].iterate(jid=slixmpp.JID(room), rsm={"max": 2}):
            message = result["mam_result"]["forwarded"]["stanza"]
            payload = message.xml.findtext(f"{{{OMEMO}}}encrypted/{{{OMEMO}}}payload")
            say("archived", message["from"], payload or message["body"])
        say("archive complete")

    async def do_invite(self, room, jid):
        self["xep_0249"].send_invitation(slixmpp.JID(jid), slixmpp.JID(room))

    async def do_encrypt(self, room, payload):
        message = self.make_message(mto=room, mtype="groupchat", mbody="I sent you an OMEMO message")
        encrypted = ET.SubElement(message.xml, f"{{{OMEMO}}}encrypted")
        ET.SubElement(encrypted, f"{{{OMEMO}}}header", {"sid": "27183"})
        ET.SubElement(encrypted, f"{{{OMEMO}}}payload").text = payload
        message.send()

    async def obey(self, line):
        verb, _, rest = line.strip().partition(" ")
        if verb == "quit":
            return self.disconnect(wait=2)
        room, _, rest = rest.partition(" ")
        try:
            await getattr(self, "do_" + verb)(*([room, rest] if rest else [room]))
            say("done", verb)
        except (IqError, PresenceError) as error:
            stanza = error.iq if isinstance(error, IqError) else error.presence
            say("failed", verb, stanza["error"]["condition"])
        return None

    def read_commands(self):
        octets = os.read(0, 65536)
        *lines, self.rest = (self.rest + octets).split(b"\n")
        for line in lines if octets else [b"quit"]:
            asyncio.ensure_future(self.obey(line.decode()))


def main(jid, password, host, port, tls):
    client = Client(jid, password)
    client.ssl_context.check_hostname = False
    client.ssl_context.verify_mode = ssl.CERT_NONE
    client.connect((host, int(port)), use_ssl=tls == "direct", force_starttls=tls != "direct")
    loop = asyncio.get_event_loop()
    loop.add_reader(0, client.read_commands)
    loop.run_until_complete(client.finished)


main(*sys.argv[1:])

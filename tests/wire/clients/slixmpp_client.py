#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A small chat client on slixmpp for the wire tests, driven by lines; strophe_client.c and
xmppjs/client.js have the language. Stream management is on where the server offers it.
slixmpp_client.py JID PASSWORD HOST PORT starttls|direct"""
import asyncio
import os
import ssl
import sys
from xml.etree import ElementTree as ET

import slixmpp
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath


RETRACT = "urn:xmpp:message-retract:1"  # slixmpp's plugin speaks the version before


def say(*words):
    print(*words, flush=True)


class Client(slixmpp.ClientXMPP):
    def __init__(self, jid, password):
        super().__init__(jid, password)
        self.auto_authorize = None  # a request is answered by a command
        self.auto_subscribe = False
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("message", self.heard_message)
        self.add_event_handler("presence_subscribe", lambda p: say("request", p["from"]))
        self.add_event_handler("presence_subscribed", lambda p: say("approved", p["from"]))
        self.add_event_handler("presence_available", lambda p: say("presence", p["from"], "available"))
        self.add_event_handler("presence_unavailable", lambda p: say("presence", p["from"], "unavailable"))
        self.add_event_handler("roster_update", self.heard_roster)
        self.add_event_handler("disconnected", self.ended)
        self.add_event_handler("failed_all_auth", lambda _: say("refused"))
        self.add_event_handler("session_resumed", lambda _: say("resumed"))
        retractions = MatchXPath(f"{{jabber:client}}message/{{{RETRACT}}}retract")
        self.register_handler(Callback("retractions", retractions, self.heard_retraction))
        for kind in ("received", "sent"):
            self.add_event_handler(f"carbon_{kind}", lambda m, kind=kind: self.heard_copy(m[f"carbon_{kind}"]))
        for plugin in ("xep_0198", "xep_0280", "xep_0313"):
            self.register_plugin(plugin)
        self.breaking = False
        self.rest = b""
        self.finished = asyncio.get_event_loop().create_future()

    async def started(self, _):
        secured = isinstance(self.transport.get_extra_info("ssl_object"), (ssl.SSLObject, ssl.SSLSocket))
        say("online", self.boundjid.full, "secured" if secured else "plain")
        await self.get_roster()
        self.send_presence()

    def heard_message(self, message):
        if message["type"] in ("chat", "normal") and message["body"]:
            say("message", message["from"], message["body"])

    def heard_retraction(self, message):
        if message["type"] != "error":
            say("retracts", message["from"], message.xml.find(f"{{{RETRACT}}}retract").get("id"))

    def heard_roster(self, iq):
        for jid, item in iq["roster"]["items"].items():
            say("roster", jid, item["subscription"])

    def heard_copy(self, message):
        say("copied", message["from"], message["body"])

    async def reads_archive(self):
        async for result in self["xep_0313"].iterate(rsm={"max": 2}):
            message = result["mam_result"]["forwarded"]["stanza"]
            gone = message.xml.find(f"{{{RETRACT}}}retracted") is not None
            say("tombstone" if gone else "archived", message["from"], message["id"] if gone else message["body"])
        say("archive complete")

    def writes(self, jid, text, id):
        message = self.make_message(mto=jid, mbody=text, mtype="chat")
        message["id"] = id
        message.send()

    def retracts(self, jid, id):
        message = self.make_message(mto=jid, mtype="chat")
        message["id"] = f"r-{id}"
        ET.SubElement(message.xml, f"{{{RETRACT}}}retract", id=id)
        ET.SubElement(message.xml, "{urn:xmpp:hints}store")
        message.send()

    def ended(self, reason):
        if self.breaking:
            self.breaking = False
            return self.connect(*self.where[0], **self.where[1])
        say("offline", reason or "-")
        if not self.finished.done():
            self.finished.set_result(None)

    def read_commands(self):
        octets = os.read(0, 65536)
        *lines, self.rest = (self.rest + octets).split(b"\n")
        for line in lines if octets else [b"quit"]:
            self.obey(line.decode())

    def obey(self, line):
        verb, _, rest = line.strip().partition(" ")
        jid, _, text = rest.partition(" ")
        if verb == "subscribe":
            self.send_presence_subscription(pto=jid, ptype="subscribe")
        elif verb == "approve":
            self.send_presence_subscription(pto=jid, ptype="subscribed")
        elif verb == "message":
            self.send_message(mto=jid, mbody=text, mtype="chat")
        elif verb == "message-with-id":
            self.writes(jid, *reversed(text.split(" ", 1)))
        elif verb == "retract":
            self.retracts(jid, text)
        elif verb == "carbons":
            self["xep_0280"].enable()
        elif verb == "archive":
            asyncio.ensure_future(self.reads_archive())
        elif verb == "break":
            self.breaking = True
            self.transport.abort()
        elif verb == "quit":
            self.disconnect(wait=2)
        else:
            say("unknown", verb)


def main(jid, password, host, port, tls):
    client = Client(jid, password)
    client.ssl_context.check_hostname = False
    client.ssl_context.verify_mode = ssl.CERT_NONE
    client.where = [((host, int(port)),), {"use_ssl": tls == "direct", "force_starttls": tls != "direct"}]
    client.connect(*client.where[0], **client.where[1])
    loop = asyncio.get_event_loop()
    loop.add_reader(0, client.read_commands)
    loop.run_until_complete(client.finished)


main(*sys.argv[1:])

#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A small chat client on slixmpp for the wire tests, driven by lines; strophe_client.c has the
language. slixmpp_client.py JID PASSWORD HOST PORT starttls|direct"""
import asyncio
import os
import ssl
import sys

import slixmpp


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

    def heard_roster(self, iq):
        for jid, item in iq["roster"]["items"].items():
            say("roster", jid, item["subscription"])

    def ended(self, reason):
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
        elif verb in ("quit",):
            self.disconnect(wait=2)
        else:
            say("unknown", verb)


def main(jid, password, host, port, tls):
    client = Client(jid, password)
    client.ssl_context.check_hostname = False
    client.ssl_context.verify_mode = ssl.CERT_NONE
    client.connect((host, int(port)), use_ssl=tls == "direct", force_starttls=tls != "direct")
    loop = asyncio.get_event_loop()
    loop.add_reader(0, client.read_commands)
    loop.run_until_complete(client.finished)


main(*sys.argv[1:])

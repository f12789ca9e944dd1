#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""gajim's library in rooms, through its own modules (MUC, MAM), driven by lines; slixmpp_rooms.py has the
language. nbxmpp_rooms.py JID PASSWORD HOST PORT starttls|direct"""
import os
import sys

from gi.repository import GLib
from nbxmpp.client import Client
from nbxmpp.const import ConnectionProtocol, ConnectionType, InviteType, MessageType, PresenceType
from nbxmpp.errors import StanzaError
from nbxmpp.namespaces import Namespace
from nbxmpp.protocol import JID, Message, Presence
from nbxmpp.structs import StanzaHandler

OMEMO = "urn:xmpp:omemo:2"


def say(*words):
    print(*words, flush=True)


def text_of(message, properties):
    """The payload of what looks encrypted, else the body."""
    encrypted = message.getTag("encrypted", namespace=OMEMO)
    return encrypted.getTagData("payload") if encrypted is not None else properties.body


class Rooms:
    def __init__(self, address, password, host, port, tls):
        jid = JID.from_string(address)
        self.client, self.rest, self.nicks, self.loop = Client(), b"", {}, GLib.MainLoop()
        self.joining, self.callbacks = {}, []
        client = self.client
        client.set_domain(jid.domain)
        client.set_username(jid.localpart)
        client.set_password(password)
        client.set_ignore_tls_errors(True)
        kind = ConnectionType.DIRECT_TLS if tls == "direct" else ConnectionType.START_TLS
        client.set_custom_host(f"{host}:{port}", ConnectionProtocol.TCP, kind)
        client.subscribe("connected", self.started)
        client.subscribe("disconnected", self.ended)
        client.subscribe("connection-failed", self.ended)
        client.register_handler(StanzaHandler(name="presence", callback=self.heard_presence, priority=50))
        client.register_handler(StanzaHandler(name="message", callback=self.heard, priority=50))
        GLib.io_add_watch(0, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, self.read_commands)
        client.connect()

    def module(self, name):
        return self.client.get_module(name)

    # ---- hearing ------------------------------------------------------------------------------

    def started(self, client, _signal):
        client.send_stanza(Presence())
        say("online", client.get_bound_jid(), "secured" if client.is_stream_secure else "plain")

    def ended(self, _client, signal):
        say("offline", signal)
        self.loop.quit()

    def heard_presence(self, _client, stanza, properties):
        if not properties.from_muc:
            return
        if properties.type == PresenceType.ERROR:
            return say("failed", "join", properties.error.condition)
        room, nick = str(properties.muc_jid), properties.muc_nickname
        user = properties.muc_user
        if properties.type == PresenceType.UNAVAILABLE:
            codes = sorted(c.value for c in properties.muc_status_codes or [])
            return say("gone", f"{room}/{nick}", ",".join(codes) or "-")
        jid = stanza.getTag("x", namespace=Namespace.MUC_USER).getTag("item").getAttr("jid")  # it keeps the bare one
        say("occupant", f"{room}/{nick}", user.affiliation.value, user.role.value, jid or "-")
        if properties.is_muc_self_presence and self.joining.get(room) == nick:
            del self.joining[room]
            self.nicks[room] = nick
            say("joined", room, nick)
            say("done", "join")

    def heard(self, _client, stanza, properties):
        if properties.is_mam_message:
            return say("archived", properties.from_ or properties.jid, text_of(stanza, properties))
        if properties.muc_invite is not None:
            return say("invited", properties.muc_invite.muc, properties.muc_invite.from_)
        if properties.type != MessageType.GROUPCHAT:
            return
        if stanza.getTag("encrypted", namespace=OMEMO) is not None:
            say("encrypted", properties.jid, text_of(stanza, properties))
        elif properties.muc_subject is not None:
            say("topic", properties.muc_jid, properties.muc_subject.text or "")
        elif properties.body:
            assert properties.occupant_id, "no occupant id"
            say("said", properties.jid, properties.body)

    # ---- doing --------------------------------------------------------------------------------

    def finishes(self, verb, then=None):
        def finished(task):
            try:
                result = task.finish()
            except StanzaError as error:
                return say("failed", verb, error.condition)
            if then:
                then(result)
            say("done", verb)
        self.callbacks.append(finished)  # the library keeps weak references only
        return finished

    def do_join(self, room, nick):
        self.joining[room] = nick
        presence = Presence(to=f"{room}/{nick}")
        presence.setTag("x", namespace=Namespace.MUC).setTag("history", {"maxstanzas": "0"})
        self.client.send_stanza(presence)

    def do_part(self, room):
        self.client.send_stanza(Presence(to=f"{room}/{self.nicks.pop(room)}", typ="unavailable"))

    def do_say(self, room, text):
        self.client.send_stanza(Message(to=room, body=text, typ="groupchat"))

    def do_topic(self, room, text):
        self.module("MUC").set_subject(room, text)

    def do_role(self, room, rest):
        self.module("MUC").set_role(room, *rest.split(" "), callback=self.finishes("role"))

    def do_affiliate(self, room, rest):
        jid, affiliation = rest.split(" ")
        self.module("MUC").set_affiliation(room, {jid: {"affiliation": affiliation}}, callback=self.finishes("affiliate"))

    def do_configure(self, room, rest):
        def submit(result):
            form = result.form
            for change in rest.split(" "):
                field, value = change.split("=")
                field = form.vars[f"muc#roomconfig_{field}"]
                field.value = {"1": True, "0": False}[value] if field.type_ == "boolean" else value
            form.type_ = "submit"
            self.module("MUC").set_config(room, form, callback=self.finishes("configure"))
        self.module("MUC").request_config(room, callback=self.finishes("form", submit))

    def do_affiliations(self, room, which):
        def tell(result):
            for jid in sorted(map(str, result.users)):
                say("affiliated", jid)
        self.module("MUC").get_affiliation(room, which, callback=self.finishes("affiliations", tell))

    def do_archive(self, room, after=None):
        def paged(result):
            if result.complete:
                return say("archive complete")
            return self.do_archive(room, result.rsm.last)
        self.module("MAM").make_query(room, "rooms", max_=2, after=after, callback=self.finishes("archive", paged))

    def do_invite(self, room, jid):
        self.module("MUC").invite(room, jid, None, type_=InviteType.DIRECT)

    def do_encrypt(self, room, payload):
        message = Message(to=room, body="I sent you an OMEMO message", typ="groupchat")
        encrypted = message.setTag("encrypted", namespace=OMEMO)
        encrypted.setTag("header", {"sid": "27183"})
        encrypted.setTagData("payload", payload)
        self.client.send_stanza(message)

    def obey(self, line):
        verb, _, rest = line.strip().partition(" ")
        if verb == "quit":
            return self.client.disconnect()
        room, _, rest = rest.partition(" ")
        getattr(self, "do_" + verb)(*([room, rest] if rest else [room]))
        if verb in ("say", "topic", "part", "invite", "encrypt"):
            say("done", verb)
        return None

    def read_commands(self, _source, _condition):
        octets = os.read(0, 65536)
        *lines, self.rest = (self.rest + octets).split(b"\n")
        for line in lines if octets else [b"quit"]:
            self.obey(line.decode())
        return bool(octets)


Rooms(*sys.argv[1:]).loop.run()

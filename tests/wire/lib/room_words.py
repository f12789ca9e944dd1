# SPDX-License-Identifier: MIT
"""The stanza each step of the reference model (room_model) is made of."""
import itertools
from xml.sax.saxutils import escape, quoteattr

from .dom import NS
from .room_facts import ADMIN, DATA, MUC, OWNER
from .room_rules import FIELDS

_numbers = itertools.count(1)


def number():
    return next(_numbers)


class Words:
    """text_of_VERB(session, its occupant or None, arguments…); `jid` is the room's."""

    @staticmethod
    def text_of_lose(label, occupant):
        return None

    text_of_quit = text_of_lose

    @staticmethod
    def text_of_offline(label, occupant):
        return "<presence type='unavailable'/>"

    def iq(self, kind, query, to=None):
        return f"<iq type='{kind}' id='i{number()}' to={quoteattr(to or self.jid)}>{query}</iq>"

    def presence(self, nick, inner="", attributes=""):
        return f"<presence to={quoteattr(f'{self.jid}/{nick}')}{attributes}>{inner}</presence>"

    @staticmethod
    def child(name, value):
        return "" if value is None else f"<{name}>{escape(value)}</{name}>"

    def text_of_join(self, label, occupant, nick, password=None, history=None, show=None, status=None):
        inner = self.child("password", password)
        if history is not None:
            inner += "<history maxchars='0'/>" if history == 0 else f"<history maxstanzas='{history}'/>"
        return self.presence(nick, self.child("show", show) + self.child("status", status)
                             + f"<x xmlns='{MUC}'>{inner}</x>")

    def text_of_leave(self, label, occupant, status=None):
        return self.presence(occupant.nick if occupant else "nobody", self.child("status", status), " type='unavailable'")

    def text_of_nick(self, label, occupant, nick):
        return self.presence(nick)

    def text_of_presence(self, label, occupant, show=None, status=None):
        return self.presence(occupant.nick if occupant else "anybody",
                             self.child("show", show) + self.child("status", status))

    def admin(self, kind, inner="", **attributes):
        named = "".join(f" {k}={quoteattr(v)}" for k, v in attributes.items() if v is not None)
        return self.iq(kind, f"<query xmlns='{ADMIN}'><item{named}>{inner}</item></query>")

    def text_of_role(self, label, occupant, nick, role, reason=None):
        return self.admin("set", self.child("reason", reason), nick=nick, role=role)

    def text_of_affiliation(self, label, occupant, bare, affiliation, reason=None):
        return self.admin("set", self.child("reason", reason), jid=bare, affiliation=affiliation)

    def text_of_list(self, label, occupant, affiliation=None, role=None):
        return self.admin("get", affiliation=affiliation, role=role)

    def text_of_config(self, label, occupant, **changes):
        fields = "<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>"
        for option, value in changes.items():
            values = sorted(value) if isinstance(value, frozenset) else \
                [{True: "1", False: "0"}[value] if isinstance(value, bool) else str(value)]
            inner = "".join(f"<value>{escape(v)}</value>" for v in values)
            fields += f"<field var='{FIELDS[option]}'>{inner}</field>"
            if option == "password":
                fields += f"<field var='muc#roomconfig_passwordprotectedroom'><value>{int(bool(value))}</value></field>"
        return self.iq("set", f"<query xmlns='{OWNER}'><x xmlns='{DATA}' type='submit'>{fields}</x></query>")

    def text_of_unlock(self, label, occupant):
        return self.iq("set", f"<query xmlns='{OWNER}'><x xmlns='{DATA}' type='submit'/></query>")

    def text_of_cancel(self, label, occupant):
        return self.iq("set", f"<query xmlns='{OWNER}'><x xmlns='{DATA}' type='cancel'/></query>")

    def text_of_destroy(self, label, occupant, reason=None, alternate=None):
        jid = f" jid='{alternate}'" if alternate else ""
        return self.iq("set", f"<query xmlns='{OWNER}'><destroy{jid}>{self.child('reason', reason)}</destroy></query>")

    def text_of_say(self, label, occupant, body, id):
        return f"<message to='{self.jid}' type='groupchat' id='{id}'>{self.child('body', body)}</message>"

    def text_of_subject(self, label, occupant, subject):
        return f"<message to='{self.jid}' type='groupchat'>{self.child('subject', subject)}</message>"

    def text_of_private(self, label, occupant, nick, body, id, type="chat"):
        return f"<message to={quoteattr(f'{self.jid}/{nick}')} type='{type}' id='{id}'>{self.child('body', body)}</message>"

    def text_of_ping(self, label, occupant, nick):
        return self.iq("get", f"<ping xmlns='{NS['ping']}'/>", f"{self.jid}/{nick}")

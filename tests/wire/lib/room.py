# SPDX-License-Identifier: MIT
"""Rooms (XEP-0045), so that a test reads like the dialogues of its section 7:

    room = Room(server)                        # an address nobody used yet
    room.opens(romeo, "Romeo")                 # creates it, accepts the default configuration
    seen = room.enters(juliet, "Juliet")       # the whole join sequence, its order checked
    assert set(seen.others) == {"Romeo"} and seen.codes == {110}
    room.shows(romeo, "Juliet", role="participant", affiliation="none")
    room.leaves(juliet, "Juliet")
    room.loses(romeo, "Juliet")

Nothing is skipped: `shows` and `loses` take the very next stanza of the one who hears. hush(romeo,
juliet) forgets what is there to hear. A server with rooms is made_with_rooms(make_server)."""
import itertools

from . import dom

MUC = "http://jabber.org/protocol/muc"
USER = MUC + "#user"
ADMIN = MUC + "#admin"
OWNER = MUC + "#owner"
CONFIG = MUC + "#roomconfig"
OCCUPANT_ID = "urn:xmpp:occupant-id:0"
HATS = "urn:xmpp:hats:0"
JOIN = f"<x xmlns='{MUC}'/>"

_numbers = itertools.count(1)


def made_with_rooms(make_server, start=True, muc=True, **changes):
    """A server of the test's own with the module muc; `muc`: its options."""
    modules = {"muc": muc, **changes.pop("modules", {})}
    return make_server(start=start, modules=modules, **changes)


def service(server, domain=None):
    return f"conference.{domain or server.domain}"


def hush(*clients):
    """What is there to hear, or on its way, is gone."""
    for client in clients:
        client.settles()
        client.events.clear()


# ---- reading a presence --------------------------------------------------------------------------


def _user(element):
    found = element.findall(f"{{{USER}}}x")
    assert len(found) == 1, f"one <x/> of muc#user expected: {dom.show(element)}"
    return found[0]


def codes(element):
    """The status codes of a presence or message, as numbers."""
    found = element.find(f"{{{USER}}}x")
    if found is None:
        return set()
    numbers = [int(s.get("code")) for s in found.findall(f"{{{USER}}}status")]
    assert len(numbers) == len(set(numbers)), f"a status code twice: {dom.show(element)}"
    return set(numbers)


def item(element):
    """The one <item/> of a presence."""
    found = _user(element).findall(f"{{{USER}}}item")
    assert len(found) == 1, f"one <item/> expected: {dom.show(element)}"
    return found[0]


def reason(element):
    found = item(element).find(f"{{{USER}}}reason")
    return None if found is None else found.text


def actor(element):
    """The nick of who did it, or None."""
    found = item(element).find(f"{{{USER}}}actor")
    return None if found is None else found.get("nick")


def occupant_id(element):
    found = element.findall(f"{{{OCCUPANT_ID}}}occupant-id")
    assert len(found) == 1 and 1 <= len(found[0].get("id", "")) <= 128, f"one occupant-id: {dom.show(element)}"
    return found[0].get("id")


def hats(element):
    """{uri: title}; a presence has at most one <hats/>."""
    found = element.findall(f"{{{HATS}}}hats")
    assert len(found) <= 1, f"one <hats/> at most: {dom.show(element)}"
    return {hat.get("uri"): hat.get("title") for worn in found for hat in worn}


def is_presence(element):
    return element.tag == f"{{{dom.NS['client']}}}presence"


def is_message(element):
    return element.tag == f"{{{dom.NS['client']}}}message"


def is_subject(element):
    """7.2.15: a subject and no body."""
    return (is_message(element) and dom.find(element, "client:subject") is not None
            and dom.find(element, "client:body") is None)


class Entered:
    """What a newcomer heard, in parts: others {nick: presence}, own (its presence), codes of that,
    history [message …], subject (a message)."""

    def __init__(self):
        self.others, self.own, self.codes, self.history, self.subject = {}, None, None, [], None


class Room:
    """str() is the bare JID, of(nick) an occupant's."""

    def __init__(self, server, name=None, domain=None):
        self.server = server
        self.jid = f"{name or f'room{next(_numbers)}'}@{service(server, domain)}"

    def __str__(self):
        return self.jid

    def of(self, nick):
        return f"{self.jid}/{nick}"

    # ---- coming ------------------------------------------------------------------------------------

    def asks_in(self, client, nick, x="", presence="", id=None):
        """Sends the presence of 7.2.1 and hears nothing. `x`: inside <x/>; `presence`: beside it."""
        mark = f" id='{id}'" if id else ""
        client.sends(f"<presence to='{self.of(nick) if nick else self.jid}'{mark}><x xmlns='{MUC}'>{x}</x>{presence}</presence>")

    def enters(self, client, nick, x="", presence="", password=None, id=None, as_nick=None):
        """Joins and hears the whole sequence: presence of all others, its own with 110, history, the
        subject (7.1). `as_nick`: the nick it is expected to get instead (210). Returns Entered."""
        if password is not None:
            x = f"<password>{password}</password>" + x
        self.asks_in(client, nick, x, presence, id)
        return self.hears_entry(client, as_nick or nick)

    def hears_entry(self, client, nick):
        seen = Entered()
        while seen.own is None:
            got = client.next_element()
            assert is_presence(got) and got.get("type") is None, self._story(client, "presence expected", got)
            assert got.get("to") == client.full, self._story(client, "not addressed to it", got)
            whose = self._nick_of(client, got)
            if 110 in codes(got):
                assert whose == nick, self._story(client, f"self-presence as {nick} expected", got)
                seen.own, seen.codes = got, codes(got)
            else:
                assert whose not in seen.others and whose != nick, self._story(client, f"{whose} twice", got)
                seen.others[whose] = got
        while seen.subject is None:
            got = client.next_element()
            assert is_message(got) and got.get("type") == "groupchat", self._story(client, "subject expected", got)
            if is_subject(got):
                seen.subject = got
            else:
                assert dom.find(got, "delay:delay") is not None, self._story(client, "history has a delay", got)
                seen.history.append(got)
        return seen

    def _nick_of(self, client, element):
        bare, _, nick = element.get("from", "").partition("/")
        assert bare == self.jid and nick, self._story(client, f"from an occupant of {self} expected", element)
        return nick

    def is_refused(self, client, nick, condition, kind="*", x="", presence="", password=None):
        """Joins and hears the error (7.2.16)."""
        if password is not None:
            x = f"<password>{password}</password>" + x
        self.asks_in(client, nick, x, presence)
        return self.hears_refusal(client, nick, condition, kind)

    def hears_refusal(self, client, nick, condition, kind="*"):
        """An error presence for that nick (None: the room), by the room, with <x/> as the XEP shows it."""
        address = self.of(nick) if nick else self.jid
        return client.hears(f"<presence type='error' from='{address}' to='{client.full}'><x xmlns='{MUC}'/><error type='{kind}' "
                            f"by='{self.jid}'><{condition} xmlns='{dom.NS['stanzas']}'/></error></presence>")

    def opens(self, client, nick, **fields):
        """Creates the room (10.1): 201, then the default configuration, or reserved with `fields` of
        muc#roomconfig, roomname="Verona", membersonly=True. Returns Entered."""
        seen = self.enters(client, nick)
        assert {110, 201} <= seen.codes, f"201 expected: {seen.codes}"
        self.is_configured(client, **fields)
        client.round_trip()
        client.events = [(kind, e) for kind, e in client.events if not self._is_config_change(e)]
        return seen

    def _is_config_change(self, element):
        """10.2.1: of what the owner just asked for."""
        return (element is not None and is_message(element) and element.get("from") == self.jid
                and codes(element) and codes(element) <= {104, 170, 171, 172, 173})

    def is_configured(self, client, **fields):
        """Submits a configuration (10.1.2, 10.2); without fields the default one. What comes of a
        change of a room in use (104 …) stays to be heard."""
        body = self._field("FORM_TYPE", CONFIG) if fields else ""
        for name, value in fields.items():
            body += self._field(name if "#" in name else f"muc#roomconfig_{name}", value)
        answer = client.asks("set", f"<query xmlns='{OWNER}'><x xmlns='jabber:x:data' type='submit'>{body}</x></query>",
                             to=self.jid)
        assert answer.get("type") == "result", dom.show(answer)
        return answer

    @staticmethod
    def _field(var, value):
        values = value if isinstance(value, (list, tuple)) else [value]
        texts = ["1" if v is True else "0" if v is False else str(v) for v in values]
        return f"<field var='{var}'>" + "".join(f"<value>{t}</value>" for t in texts) + "</field>"

    # ---- seeing ------------------------------------------------------------------------------------

    def shows(self, client, nick, **expected):
        """The next stanza at `client` is the available presence of that occupant. Expected as given:
        affiliation, role, jid (None: not there), codes (a set; else none but 110 may be), show, status,
        reason, actor, id. Returns it."""
        got = client.next_element()
        assert is_presence(got) and got.get("type") is None, self._story(client, "available presence expected", got)
        return self._checked(client, nick, got, expected)

    def loses(self, client, nick, **expected):
        """The next stanza is an unavailable presence of that occupant; as above, and new_nick (303)."""
        got = client.next_element()
        assert is_presence(got) and got.get("type") == "unavailable", (
            self._story(client, "unavailable presence expected", got))
        if "new_nick" in expected:
            assert item(got).get("nick") == expected.pop("new_nick"), self._story(client, "another new nick", got)
            expected.setdefault("codes", {303})
        else:
            expected.setdefault("role", "none")
        return self._checked(client, nick, got, expected)

    def _checked(self, client, nick, got, expected):
        assert got.get("from") == self.of(nick), self._story(client, f"from {nick} expected", got)
        assert got.get("to") == client.full, self._story(client, "not addressed to it", got)
        wanted = expected.pop("codes", None)
        has = codes(got)
        assert has == wanted if wanted is not None else has <= {110}, self._story(client, f"codes are {has}", got)
        found = {"affiliation": item(got).get("affiliation"), "role": item(got).get("role"), "jid": item(got).get("jid"),
                 "reason": reason(got), "actor": actor(got), "id": got.get("id"),
                 "show": got.findtext("{jabber:client}show"), "status": got.findtext("{jabber:client}status")}
        for key, value in expected.items():
            value = str(value) if key == "jid" and value is not None else value
            assert found[key] == value, self._story(client, f"{key} is {found[key]!r}, expected {value!r}", got)
        return got

    # ---- going -------------------------------------------------------------------------------------

    def leaves(self, client, nick, status=None):
        """7.14, as far as its own unavailable presence with 110."""
        words = f"<status>{status}</status>" if status else ""
        client.sends(f"<presence to='{self.of(nick)}' type='unavailable'>{words}</presence>")
        return self.loses(client, nick, codes={110})

    # ---- doing -------------------------------------------------------------------------------------

    def administers(self, client, **item):
        """An iq of muc#admin with one item (8, 9): nick=, jid=, role=, affiliation=, reason=. Its answer."""
        why = f"<reason>{item.pop('reason')}</reason>" if "reason" in item else ""
        told = "".join(f" {k}='{v}'" for k, v in item.items())
        return client.asks("set", f"<query xmlns='{ADMIN}'><item{told}>{why}</item></query>", to=self.jid)

    def allows(self, client, **item):
        """The same, and it is done."""
        answer = self.administers(client, **item)
        assert answer.get("type") == "result", dom.show(answer)

    def says(self, client, text, id=None):
        mark = f" id='{id}'" if id else ""
        client.sends(f"<message to='{self.jid}' type='groupchat'{mark}><body>{text}</body></message>")

    def tells(self, client, nick, text):
        """The next stanza is what that occupant said to all."""
        got = client.next_element()
        assert is_message(got) and got.get("type") == "groupchat", self._story(client, "message expected", got)
        assert got.get("from") == self.of(nick), self._story(client, f"from {nick} expected", got)
        assert got.findtext("{jabber:client}body") == text, self._story(client, f"{text!r} expected", got)
        return got

    @staticmethod
    def _story(client, what, got):
        return f"{client.label}: {what}\n    heard: {dom.show(got)}\n{client.dialogue()}"

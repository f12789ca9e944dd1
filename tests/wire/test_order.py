# SPDX-License-Identifier: MIT
"""In-order processing (RFC 6120 10.1): between any two parties stanzas arrive in the order in which
they were sent, whatever else goes on, none lost, none twice."""
import random

from lib import dom


def numbers_of(client, count, sender=None):
    """The numbers of the next `count` messages, per sender."""
    heard = {}
    while sum(map(len, heard.values())) < count:
        element = client.next_element()
        if dom.name(element)[1] == "message":
            heard.setdefault(element.get("from"), []).append(int(element.get("id")))
    return heard


def test_each_pair_keeps_its_order_under_load(cast):
    """Eight people write to each other at once, in bursts of random size."""
    dice = random.Random(1597)
    people = [cast.connected(n) for n in ["romeo", "juliet", "mercutio", "nurse"] * 2]
    each = 150
    sent = {(a, b): 0 for a in people for b in people if a is not b}
    pending = [pair for pair in sent for _ in range(each)]
    dice.shuffle(pending)
    bursts = {}
    for a, b in pending:
        bursts.setdefault(a, []).append(f"<message to='{b.full}' id='{sent[a, b]}'><body>{'x' * dice.randrange(300)}</body></message>")
        sent[a, b] += 1
        if dice.random() < 0.05:
            for sender, burst in bursts.items():
                sender.sends("".join(burst))
            bursts.clear()
    for sender, burst in bursts.items():
        sender.sends("".join(burst))
    for person in people:
        heard = numbers_of(person, each * (len(people) - 1))
        assert len(heard) == len(people) - 1
        assert all(numbers == list(range(each)) for numbers in heard.values())
        person.hears_nothing()


def test_kinds_do_not_overtake_each_other(cast):
    """A message, a presence and an iq between the same two arrive as sent."""
    romeo, juliet = cast("romeo", "juliet")
    text, expected = "", []
    for i in range(100):
        for part in (f"<message to='{juliet.full}' id='m{i}'><body>hi</body></message>", f"<presence to='{juliet.full}' id='p{i}'/>",
                     f"<iq to='{juliet.full}' type='get' id='i{i}'><query xmlns='urn:x'/></iq>"):
            text += part
            expected.append(part)
    romeo.sends(text)
    juliet.hears(*expected)


def test_answers_come_in_the_order_of_the_questions(cast):
    """8.2.3, 10.1: requests of one stream are handled one after the other, also those that wait for the database."""
    romeo = cast("romeo")
    questions = ["<query xmlns='jabber:iq:roster'/>", "<vCard xmlns='vcard-temp'/>", "<ping xmlns='urn:xmpp:ping'/>",
                 "<query xmlns='jabber:iq:private'><x xmlns='urn:x'/></query>", "<query xmlns='urn:unheard-of'/>"]
    romeo.sends("".join(f"<iq type='get' id='{i}'>{questions[i % 5]}</iq>" for i in range(100)))
    for i in range(100):
        assert romeo.next_element().get("id") == str(i)


def test_order_holds_across_storing(cast):
    """Some are stored, some are not, while the recipient comes online: what she hears is in order."""
    romeo = cast("romeo")
    jid = cast.account("juliet")
    count = 300
    romeo.sends("".join(f"<message to='{jid}' type='chat' id='{i}'><body>{i}</body></message>" for i in range(count // 3)))
    juliet = cast.client("juliet", jid=jid).logs_in()
    romeo.sends("".join(f"<message to='{jid}' type='chat' id='{i}'><body>{i}</body></message>" for i in range(count // 3, count // 3 * 2)))
    juliet.sends("<presence/>")
    romeo.sends("".join(f"<message to='{jid}' type='chat' id='{i}'><body>{i}</body></message>" for i in range(count // 3 * 2, count)))
    assert numbers_of(juliet, count) == {romeo.full: list(range(count))}
    juliet.hears_nothing()

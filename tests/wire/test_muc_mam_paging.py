# SPDX-License-Identifier: MIT
"""XEP-0313 section 4 in a room: filters, pages (XEP-0059), flipped pages, ids. The room of these tests
has COUNT messages of three people in turn."""
from datetime import timedelta

import pytest

from lib import dom
from lib.archive import MAM, ask, backwards, everything, forwards, shows_each_once
from lib.hall import MODULES, gathers, hears_back, ids, refusal, says, sends, shared_server
from lib.room import hush

pytestmark = pytest.mark.xylem
COUNT = 23
MISSING = ("item-not-found", "cancel")
assert shared_server


@pytest.fixture
def hall(cast):
    """With .all, its whole archive; .reader; .people, who wrote it in turn, the reader first."""
    hall, *people = gathers(cast, "romeo", "juliet", "nurse")
    for i in range(COUNT):
        says(hall, people[i % 3], i)
        hush(*people)
    hall.reader, hall.people = people[0], people
    hall.all = ask(hall.reader, to=hall).results
    assert [int(r.text) for r in hall.all] == list(range(COUNT))
    return hall


def of(results):
    return [r.id for r in results]


def asks(hall, *arguments, **query):
    return ask(hall.reader, *arguments, to=hall, **query)


@pytest.mark.parametrize("flip", [False, True])
def test_page_by_page_shows_each_once_forwards_and_backwards(hall, flip):
    shows_each_once(hall.reader, of(hall.all), flip, to=hall)


def test_ends(hall):
    assert asks(hall, max=COUNT).complete and asks(hall, max=COUNT, before="").complete
    assert not asks(hall, max=COUNT - 1).complete
    behind = asks(hall, after=hall.all[-1].id)
    assert behind.complete and behind.set == {} and not behind.results
    assert asks(hall, before=hall.all[0].id).complete
    for query in ({}, {"before": ""}):
        page = asks(hall, max=0, **query)
        assert not page.results and page.set == {} and not page.complete


def test_both_ends_at_once_is_the_range_between(hall):
    between = hall.all[5:15]
    fields = {"after-id": hall.all[4].id, "before-id": hall.all[15].id}
    assert asks(hall, fields).ids == of(between) and asks(hall, fields).complete
    assert asks(hall, fields, max=4).ids == of(between[:4])
    assert asks(hall, fields, max=4, before="").ids == of(between[-4:])
    assert asks(hall, max=4, after=hall.all[4].id, before=hall.all[15].id).ids == of(between[-4:])
    turned = {"after-id": hall.all[15].id, "before-id": hall.all[4].id}
    assert asks(hall, turned).complete and not asks(hall, turned).results


def test_by_nick_and_by_real_address(hall):
    """The reader owns the room."""
    for n, person in enumerate(hall.people):
        mine = [r for i, r in enumerate(hall.all) if i % 3 == n]
        for jid in (hall.of(person.label.capitalize()), str(person), person.jid.upper()):
            fields = {"with": jid}
            assert asks(hall, fields).ids == of(mine)
            assert sum((p.ids for p in forwards(hall.reader, 2, fields=fields, to=hall)), []) == of(mine)
            assert sum((p.ids for p in backwards(hall.reader, 3, fields=fields, to=hall)[::-1]), []) == of(mine)
            assert asks(hall, {**fields, "ids": of(hall.all[:6])}).ids == of([r for r in mine if r in hall.all[:6]])


def test_ids_are_found_whatever_their_order(hall):
    wanted = [hall.all[i].id for i in (7, 3, 19, 3)]
    assert asks(hall, {"ids": wanted}).texts == ["3", "7", "19"]
    assert asks(hall, {"ids": wanted}, flip=True).texts == ["19", "7", "3"]
    assert asks(hall, {"ids": wanted}, max=2).texts == ["3", "7"]
    assert asks(hall, {"ids": wanted}, max=2, before="").texts == ["7", "19"]


def test_an_id_the_archive_has_not_is_said_wherever_it_stands(hall, cast):
    other, romeo = gathers(cast, "romeo")
    known, foreign = hall.all[3].id, ids(other, *says(other, romeo, "x"))[0]
    for unknown in (foreign, "0" * 32, known[:-1] + ("0" if known[-1] != "0" else "1")):
        for query in (dict(fields={"ids": [known, unknown]}), dict(fields={"after-id": unknown}),
                      dict(fields={"before-id": unknown}), dict(after=unknown), dict(before=unknown)):
            assert refusal(hall.reader, hall, **query) == MISSING, query


def test_start_and_end_are_both_included(make_server, actors):
    server = make_server(test_clock=True, modules=MODULES, limits={"idle": None})
    room, romeo = gathers(actors(server), "romeo")
    for i in range(5):
        says(room, romeo, i)
        server.advance("1 h")
    times = [r.stamp for r in ask(romeo, to=room).results]
    assert [b - a for a, b in zip(times, times[1:])] == [timedelta(hours=1)] * 4
    ms = timedelta(milliseconds=1)

    def between(start=None, end=None):
        fields = {k: v.strftime("%Y-%m-%dT%H:%M:%S.") + f"{v.microsecond // 1000:03}Z"
                  for k, v in (("start", start), ("end", end)) if v}
        return [int(t) for t in ask(romeo, fields, to=room).texts]

    assert between(times[1], times[3]) == [1, 2, 3]
    assert between(times[1] + ms, times[3] - ms) == [2]
    assert between(start=times[2]) == [2, 3, 4] and between(end=times[2]) == [0, 1, 2]


@pytest.mark.once
def test_a_page_is_bounded_in_messages_and_in_bytes(make_server, actors):
    """Else a client would be cut off as a slow reader for asking what it may."""
    server = make_server(modules=MODULES, limits={"output_bytes": "1 MiB"})
    room, romeo = gathers(actors(server), "romeo")
    for i in range(260):
        sends(room, romeo, f"<body>{i}</body>")
        hears_back(room, romeo)
    assert len(ask(romeo, to=room).results) == 50
    assert len(ask(romeo, to=room, max=10**6).results) == 250
    assert [int(r.text) for r in everything(romeo, to=room)] == list(range(260))
    for i in range(20):
        sends(room, romeo, f"<body>{i} {'x' * 60000}</body>")
        hears_back(room, romeo)
    page = ask(romeo, to=room, max=20, before="")
    assert len(page.results) == 4 and not page.complete


def test_paging_while_messages_come_misses_none(hall):
    juliet, seen, after, total = hall.people[1], [], {}, COUNT
    while True:
        for _ in range(2 if total < COUNT + 20 else 0):
            sends(hall, juliet, f"<body>{total}</body>")
            total += 1
        page = asks(hall, max=5, **after)
        seen += page.texts
        if page.complete and total >= COUNT + 20:
            juliet.settles()
            if len(seen) == total:
                break
        after = {"after": page.last or after["after"]}
    assert [int(t) for t in seen] == list(range(total))


def test_queries_may_overlap(hall):
    """Several at once, of a room and of the account: answers in the order of the questions, each behind
    its own results."""
    for i in range(5):
        address = f" to='{hall}'" if i % 2 == 0 else ""
        hall.reader.sends(f"<iq type='set' id='o{i}'{address}><query xmlns='{MAM}' queryid='o{i}'>"
                          f"<set xmlns='http://jabber.org/protocol/rsm'><max>3</max></set></query></iq>")
    for i in range(5):
        for _ in range(3 if i % 2 == 0 else 0):
            assert dom.find(hall.reader.next_element(), "mam:result").get("queryid") == f"o{i}"
        assert hall.reader.next_element().get("id") == f"o{i}"

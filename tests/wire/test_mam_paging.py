# SPDX-License-Identifier: MIT
"""XEP-0313 section 4: filters, pages (XEP-0059), flipped pages, ids. The archive of these tests has
COUNT messages: juliet's, with three people, one of them with two resources."""
from datetime import timedelta

import pytest

from lib import dom
from lib.archive import (MAM, ask, backwards, body, everything, forwards, shared_server, shows_each_once,
                         write)

pytestmark = pytest.mark.xylem
COUNT = 23
MISSING = ("item-not-found", "cancel")
assert shared_server


@pytest.fixture
def juliet(cast):
    """With .all, her whole archive, and .romeo, .phone, .nurse, who wrote it in turn."""
    juliet, romeo, nurse = cast.online("juliet", "romeo", "nurse")
    phone = cast.another(romeo, resource="phone")
    turns = [romeo, phone, nurse, juliet]
    for i in range(COUNT):
        sender = turns[i % 4]
        write(sender, nurse if sender is juliet else juliet, i)
    juliet.settles()
    juliet.events.clear()
    juliet.romeo, juliet.phone, juliet.nurse = romeo, phone, nurse
    juliet.all = ask(juliet).results
    assert [int(r.text) for r in juliet.all] == list(range(COUNT))
    return juliet


def ids(results):
    return [r.id for r in results]


# ---- pages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("flip", [False, True])
def test_page_by_page_shows_each_once_forwards_and_backwards(juliet, flip):
    shows_each_once(juliet, ids(juliet.all), flip)


def test_a_page_that_ends_where_the_archive_does_is_complete(juliet):
    assert ask(juliet, max=COUNT).complete and ask(juliet, max=COUNT, before="").complete
    assert not ask(juliet, max=COUNT - 1).complete
    behind = ask(juliet, after=juliet.all[-1].id)
    assert behind.complete and behind.set == {} and not behind.results
    ahead = ask(juliet, before=juliet.all[0].id)
    assert ahead.complete and not ahead.results


def test_max_zero_is_an_empty_page(juliet, cast):
    for query in ({}, {"before": ""}, {"fields": {"ids": [juliet.all[0].id]}}):
        page = ask(juliet, max=0, **query)
        assert not page.results and page.set == {} and not page.complete
    assert ask(cast.connected("mercutio"), max=0).complete
    assert ask(juliet, max=0, after=juliet.all[-1].id).complete


def test_both_ends_at_once_is_the_range_between(juliet):
    between = juliet.all[5:15]
    page = ask(juliet, max=4, after=juliet.all[4].id, before=juliet.all[15].id)
    assert page.ids == ids(between[-4:]) and not page.complete
    fields = {"after-id": juliet.all[4].id, "before-id": juliet.all[15].id}
    assert ask(juliet, fields).ids == ids(between) and ask(juliet, fields).complete
    assert ask(juliet, fields, max=4).ids == ids(between[:4])
    assert ask(juliet, fields, max=4, after=between[3].id).ids == ids(between[4:8])
    assert ask(juliet, fields, max=4, before="").ids == ids(between[-4:])
    assert ask(juliet, fields, after=juliet.all[1].id, max=2).ids == ids(between[:2])  # the narrower counts
    turned = {"after-id": juliet.all[15].id, "before-id": juliet.all[4].id}
    assert ask(juliet, turned).complete and not ask(juliet, turned).results


@pytest.mark.once
def test_a_page_is_bounded(make_server, actors):
    server = make_server(modules={"mam": True})
    romeo = actors(server).online("romeo")
    for i in range(260):
        romeo.sends(body(i, romeo))
    romeo.round_trip()
    romeo.events.clear()
    assert len(ask(romeo).results) == 50
    for most in (251, 10**6):
        page = ask(romeo, max=most)
        assert len(page.results) == 250 and not page.complete
    assert [int(r.text) for r in everything(romeo)] == list(range(260))


@pytest.mark.once
@pytest.mark.parametrize("page_of", [forwards, backwards])
def test_a_page_of_large_messages_is_shorter(make_server, actors, page_of):
    """Else a client would be cut off as a slow reader for asking what it may."""
    server = make_server(modules={"mam": True}, limits={"output_bytes": "1 MiB"})
    romeo = actors(server).online("romeo")
    for i in range(40):
        romeo.sends(body(f"{i} " + "x" * 60000, romeo))
        romeo.round_trip()
    romeo.events.clear()
    pages = page_of(romeo, 250)
    assert len(pages) == 10
    numbers = [[int(t.split()[0]) for t in p.texts] for p in pages]
    assert sum(numbers if page_of is forwards else numbers[::-1], []) == list(range(40))


# ---- filters -------------------------------------------------------------------------------------


def test_with_a_bare_jid_is_any_resource_and_with_a_full_one_that(juliet):
    of = {who: [r for r in juliet.all if who(r)] for who in (
        lambda r: int(r.text) % 4 in (0, 1), lambda r: int(r.text) % 4 == 0, lambda r: int(r.text) % 4 == 1,
        lambda r: int(r.text) % 4 in (2, 3))}
    asked = [str(juliet.romeo), juliet.romeo.full, juliet.phone.full, str(juliet.nurse)]
    for jid, expected in zip(asked, of.values()):
        assert ask(juliet, {"with": jid}).ids == ids(expected)
        assert sum((p.ids for p in forwards(juliet, 2, fields={"with": jid})), []) == ids(expected)
        assert sum((p.ids for p in backwards(juliet, 3, fields={"with": jid})[::-1]), []) == ids(expected)
    assert ask(juliet, {"with": juliet.romeo.jid.upper()}).ids == ids(of[next(iter(of))])  # prepared as any JID
    for nobody in (f"{juliet.romeo}/tablet", "nobody@xylem.test", "xylem.test", "elsewhere.example"):
        page = ask(juliet, {"with": nobody})
        assert page.complete and not page.results


def test_with_ones_own_jid_is_what_one_wrote_to_oneself(juliet):
    assert not ask(juliet, {"with": str(juliet)}).results
    write(juliet, juliet, "a note")
    juliet.events.clear()
    assert ask(juliet, {"with": str(juliet)}).texts == ["a note"]
    assert len(ask(juliet).results) == COUNT + 1


def stamp(time):
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03}Z"


def test_start_and_end_are_both_included(make_server, actors):
    server = make_server(test_clock=True, modules={"mam": True}, limits={"idle": None})
    romeo = actors(server).online("romeo")
    for i in range(5):
        write(romeo, romeo, i)
        server.advance("1 h")
    romeo.events.clear()
    times = [r.stamp for r in ask(romeo).results]
    assert [b - a for a, b in zip(times, times[1:])] == [timedelta(hours=1)] * 4
    ms = timedelta(milliseconds=1)

    def between(start=None, end=None):
        fields = {k: stamp(v) for k, v in (("start", start), ("end", end)) if v}
        page = ask(romeo, fields)
        assert page.complete
        return [int(t) for t in page.texts]

    assert between(times[1], times[3]) == [1, 2, 3]
    assert between(times[1] + ms, times[3] - ms) == [2]
    assert between(times[1] - ms, times[3] + ms) == [1, 2, 3]
    assert between(start=times[2]) == [2, 3, 4] and between(end=times[2]) == [0, 1, 2]
    assert between(times[2], times[2]) == [2]
    assert between(times[3], times[1]) == []
    for early, late in (("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"), ("1970-01-01T00:00:00Z", "2500-01-01T00:00:00Z")):
        assert len(ask(romeo, {"start": early, "end": late}).results) == 5
        assert not ask(romeo, {"end": early}).results and not ask(romeo, {"start": late}).results
        assert ask(romeo, {"end": early}).complete
    east = (times[1] + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S.") + f"{times[1].microsecond // 1000:03}+02:00"
    assert len(ask(romeo, {"start": east}).results) == 4
    page = ask(romeo, {"start": stamp(times[1]), "end": stamp(times[3])}, max=2)
    assert page.texts == ["1", "2"] and not page.complete
    assert ask(romeo, {"start": stamp(times[1]), "end": stamp(times[3])}, max=2, before="").texts == ["2", "3"]


def test_ids_are_found_whatever_their_order(juliet):
    wanted = [juliet.all[i].id for i in (7, 3, 19, 3)]
    page = ask(juliet, {"ids": wanted})
    assert page.texts == ["3", "7", "19"] and page.complete
    assert ask(juliet, {"ids": wanted}, flip=True).texts == ["19", "7", "3"]
    first = ask(juliet, {"ids": wanted}, max=2)
    assert first.texts == ["3", "7"] and not first.complete
    assert ask(juliet, {"ids": wanted}, max=2, after=first.last).texts == ["19"]
    assert ask(juliet, {"ids": wanted}, max=2, before="").texts == ["7", "19"]
    assert ask(juliet, {"ids": wanted, "with": juliet.phone.full}).texts == []
    assert ask(juliet, {"ids": wanted, "with": str(juliet.nurse)}).texts == ["3", "7", "19"]
    assert ask(juliet, {"ids": wanted, "after-id": juliet.all[3].id}).texts == ["7", "19"]
    assert ask(juliet, {"ids": ids(juliet.all)}).ids == ids(juliet.all)


def test_an_id_the_archive_has_not_is_said_wherever_it_stands(juliet):
    known, nurses = juliet.all[3].id, ask(juliet.nurse).ids[0]
    for unknown in (nurses, "", "0" * 32, known[:-1] + ("0" if known[-1] != "0" else "1")):
        queries = [dict(fields={"ids": [known, unknown]})] if unknown else []
        if unknown:
            queries += [dict(fields={"after-id": unknown}), dict(fields={"before-id": unknown}),
                        dict(fields={"after-id": unknown, "with": "a@b"}), dict(after=unknown), dict(before=unknown)]
        for query in queries:
            page = ask(juliet, **query)
            assert page.error == MISSING and not page.results, query


def test_an_id_outside_the_filter_is_a_bound_like_any(juliet):
    nurses = [r for r in juliet.all if int(r.text) % 4 in (2, 3)]
    assert ask(juliet, {"with": str(juliet.nurse)}, after=juliet.all[5].id).ids == [
        r.id for r in nurses if int(r.text) > 5]


# ---- while more comes ----------------------------------------------------------------------------


def test_paging_while_messages_come_misses_none(juliet):
    seen, after, number = [], {}, COUNT
    while True:
        for _ in range(2 if number < COUNT + 20 else 0):
            juliet.romeo.sends(body(number, juliet))
            number += 1
        juliet.romeo.round_trip()
        page = ask(juliet, max=5, **after)
        seen += page.texts
        if page.complete and number >= COUNT + 20:
            break
        after = {"after": page.last or after["after"]}
    assert [int(t) for t in seen] == list(range(number))


def test_queries_may_overlap(juliet):
    """Several at once: answers in the order of the questions, each behind its own results."""
    for i in range(5):
        juliet.sends(f"<iq type='set' id='o{i}'><query xmlns='{MAM}' queryid='o{i}'>"
                     f"<set xmlns='http://jabber.org/protocol/rsm'><max>3</max></set></query></iq>")
    for i in range(5):
        for _ in range(3):
            assert dom.find(juliet.next_element(), "mam:result").get("queryid") == f"o{i}"
        assert juliet.next_element().get("id") == f"o{i}"

"""What all RecentRows keep to.

Tests of what implements them inherit these, and have the fixtures `rows`, new and empty, which keeps 50 rows of a
worker; and `again`, which makes another one of the same place, as other workers have.
"""

import math
import threading
from hashlib import blake2b

from service.presence.recent_rows import PredictedRow
from tests.model_store.replicas.presence_contract import until

RECORDS = 50


def key(request):
    return blake2b(request.encode(), digest_size=16).digest()


def row(request, index=0, value=1.5, **changes):
    return PredictedRow(key(request), index, **{"version": 1, "value": value, "classified": False, **changes})


def plain(found):
    """What was found, without the places, which are each one's own."""
    return {key: {index: row._replace(place=None) for index, row in rows.items()} for key, rows in found.items()}


class RecentRowsContract:
    def test_what_one_worker_remembers_another_finds(self, rows, again):
        kept = [row("a", 0), row("a", 1, 281474976710655.0, classified=True), row("b", 0, -math.inf, version=2**40)]
        assert rows.find([key("a")]) == {}
        rows.remember(kept)
        found = {key("a"): {0: kept[0], 1: kept[1]}, key("b"): {0: kept[2]}}
        until(lambda: plain(again().find([key("a"), key("b"), key("c")])) == found)

    def test_what_is_not_a_number_stays_so(self, rows, again):
        rows.remember([row("a", 0, math.nan)])
        until(lambda: again().find([key("a")]))
        assert math.isnan(again().find([key("a")])[key("a")][0].value)

    def test_of_two_requests_of_one_key_the_newer_is_found(self, rows, again):
        rows.remember([row("a", 0, 1.0)])
        rows.remember([row("a", 0, 2.0)])
        until(lambda: again().find([key("a")]))
        self.mark(rows, "a")
        assert again().find([key("a")])[key("a")][0].value == 2.0
        rows.remember([row("a", 0, 3.0)])
        until(lambda: plain(again().find([key("a")])) == {key("a"): {0: row("a", 0, 3.0)}})

    def test_the_oldest_rows_of_a_worker_are_forgotten(self, rows, again):
        requests = [str(i) for i in range(3 * RECORDS)]
        for request in requests:
            rows.remember([row(request)])
        until(lambda: set(again().find([key(r) for r in requests])) == {key(r) for r in requests[-RECORDS:]})
        rows.remember([row("new")])
        until(lambda: again().find([key("new")]))
        assert len(again().find([key(r) for r in [*requests, "new"]])) == RECORDS

    def test_a_row_is_marked_once(self, rows, again):
        rows.remember([row("a", 0), row("a", 1), row("b", 0)])
        until(lambda: again().find([key("b")]))
        found = again().find([key("a"), key("b")])
        both = [found[key("a")][1], found[key("b")][0]]
        assert again().mark(both) == {(key("a"), 1), (key("b"), 0)}
        assert rows.mark(both) == set()
        assert {row.judged for row in (again().find([key("b")])[key("b")]).values()} == {True}
        assert self.mark(again(), "a") == {(key("a"), 0)}

    def test_of_many_that_mark_a_row_one_counts_it(self, rows, again):
        rows.remember([row("a", index) for index in range(10)])
        until(lambda: len(again().find([key("a")]).get(key("a"), ())) == 10)
        marked = []
        threads = [threading.Thread(target=lambda: marked.extend(self.mark(again(), "a"))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(marked) == [(key("a"), index) for index in range(10)]

    def test_a_row_that_was_forgotten_is_marked_by_nobody(self, rows, again):
        rows.remember([row("a")])
        until(lambda: again().find([key("a")]))
        found = list(again().find([key("a")])[key("a")].values())
        rows.remember([row(str(i)) for i in range(RECORDS)])
        until(lambda: not again().find([key("a")]))
        assert rows.mark(found) == set()

    def test_what_a_worker_that_ends_remembered_is_there(self, rows, again):
        rows.remember([row("a")])
        rows.close()
        assert list(again().find([key("a")])) == [key("a")]

    def test_closing_what_remembers_nothing_does_nothing(self, rows, again):
        rows.close()
        assert again().find([key("a")]) == {}

    def test_many_keys_are_looked_for_and_marked_at_once(self, rows, again):
        rows.remember([row(str(i)) for i in range(RECORDS)])
        until(lambda: len(again().find([key(str(i)) for i in range(2000)])) == RECORDS)
        found = again().find([key(str(i)) for i in range(2000)])
        assert len(again().mark([one for each in found.values() for one in each.values()])) == RECORDS

    @staticmethod
    def mark(rows, request):
        return rows.mark(list(rows.find([key(request)])[key(request)].values()))

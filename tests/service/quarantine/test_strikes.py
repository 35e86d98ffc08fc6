"""Three different requests of two callers within a minute, and nothing less."""

import random

import pytest

from service.quarantine.strikes import Strikes, Verdict

VERSION = ("iris", 2)


def verdicts(*events):
    strikes = Strikes()
    return [strikes.record(VERSION, request, caller, now) for now, request, caller in events]


def test_three_requests_of_two_callers_within_a_minute_are_enough():
    assert verdicts((0.0, "a", "x"), (30.0, "b", "y"), (60.0, "c", "x"))[-1] == Verdict(3, 2)
    assert [v.guilty for v in verdicts((0.0, "a", "x"), (30.0, "b", "y"), (60.0, "c", "x"))] == [False, False, True]


@pytest.mark.parametrize(
    "events",
    [
        [(0.0, "a", "x"), (1.0, "b", "x"), (2.0, "c", "x")],
        [(0.0, "a", "x"), (1.0, "b", "y"), (2.0, "a", "z")],
        [(0.0, "a", "x"), (1.0, "b", "y"), (60.1, "c", "x")],
        [(0.0, "a", "x"), (61.0, "b", "x"), (62.0, "c", "x"), (63.0, "d", "x")],
    ],
    ids=["one caller", "two requests", "too slowly", "the other caller was a minute ago"],
)
def test_less_is_not(events):
    assert not any(verdict.guilty for verdict in verdicts(*events))


def test_one_caller_never_suffices_however_many_requests():
    strikes = Strikes()
    assert not any(strikes.record(VERSION, str(n), "x", n / 1000).guilty for n in range(5000))
    assert strikes.record(VERSION, "other", "y", 5.0).guilty


def test_a_flood_of_one_caller_pushes_out_no_other():
    strikes = Strikes()
    strikes.record(VERSION, "first", "y", 0.0)
    last = [strikes.record(VERSION, str(n), "x", 1.0) for n in range(1000)][-1]
    assert last == Verdict(4, 2)


def test_versions_are_judged_apart_and_forgotten():
    strikes = Strikes()
    strikes.record(("iris", 1), "a", "x", 0.0)
    strikes.record(("iris", 1), "b", "y", 0.0)
    assert strikes.record(("iris", 2), "c", "x", 0.0) == Verdict(1, 1)
    strikes.forget(("iris", 1))
    assert strikes.record(("iris", 1), "c", "x", 0.0) == Verdict(1, 1)


def test_the_verdict_is_that_of_the_plain_rule():
    draw = random.Random(7)
    seen = {True: 0, False: 0}
    for _ in range(300):
        drawn = ((draw.uniform(0, 150), draw.choice("abc"), draw.choice("xyz")) for _ in range(draw.randint(1, 9)))
        events = sorted(drawn)
        for last, verdict in enumerate(verdicts(*events)):
            recent = [(r, c) for then, r, c in events[: last + 1] if events[last][0] - then <= 60.0]
            guilty = len({r for r, _ in recent}) >= 3 and len({c for _, c in recent}) >= 2
            assert verdict.guilty == guilty
            seen[guilty] += 1
    assert min(seen.values()) > 100

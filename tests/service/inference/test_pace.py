import pytest

from service.inference.pace import Pace


def learnt(fixed, each, sizes):
    pace = Pace()
    for rows in sizes:
        pace.note(rows, fixed + each * rows)
    return pace


def test_nothing_known_allows_two_rows():
    assert Pace().most_rows(0.02) == 2


def test_a_batch_grows_to_at_most_twice_what_was_seen():
    assert learnt(0.001, 0, [1, 1, 1]).most_rows(0.02) == 2
    assert learnt(0.001, 0, [1, 2, 8]).most_rows(0.02) == 16


def test_rows_that_cost_are_bounded_by_the_expected_seconds():
    assert learnt(0.002, 0.001, [1, 2, 4, 8, 16, 32]).most_rows(0.02) == pytest.approx(18, abs=1)


def test_one_row_that_takes_longer_than_allowed_may_still_share_twice_its_time():
    slow = learnt(0.030, 0.002, [1, 2, 4, 8, 16])
    assert slow.most_rows(0.02) == pytest.approx(17, abs=1)


def test_what_was_learnt_long_ago_is_forgotten():
    pace = learnt(0.0, 0.010, [1, 2, 3] * 10)
    assert pace.most_rows(0.02) == 2
    for rows in [1, 2, 4, 8, 16, 32] * 40:
        pace.note(rows, 0.0001 * rows)
    assert pace.most_rows(0.02) == 64

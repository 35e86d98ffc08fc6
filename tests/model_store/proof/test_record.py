"""What a manifest says of engines, as people read it."""

from model_store.proof import record

TIMES = {"1": 1.14e-5, "10": 1.2e-5, "100": 1.7e-5, "1000": 0.00123}
COMPILED = {"equal": True, "rows": 22138, "seconds": TIMES}
FACTS = {
    "chosen": "compiled",
    "each": {
        "compiled": COMPILED,
        "arrays": {"equal": False, "rows": 0, "why_not": "it takes no table of plain numbers"},
        "estimator": {"equal": True, "rows": 64, "seconds": {"1": 0.0018}},
    },
    "parts": {},
}


def test_a_compiled_version_says_what_that_saves():
    expected = "compiled: 11 µs instead of 1.8 ms for one row, equal on 22,138 rows"
    assert record.summary({"engines": FACTS}) == expected


def test_a_version_that_is_not_compiled_says_why():
    each = {**FACTS["each"], "compiled": {"equal": False, "rows": 0, "why_not": "Own is not known"}}
    assert (
        record.summary({"engines": {**FACTS, "chosen": "estimator", "each": each}}) == "not compiled: Own is not known"
    )


def test_the_table_has_a_line_for_each_engine():
    assert record.lines({"engines": FACTS}) == [
        "engine     equal  rows    1 row   10 rows  100 rows  1000 rows",
        "compiled   yes    22,138  11 µs   12 µs    17 µs     1.2 ms     used",
        "arrays     no     0       -       -        -         -          it takes no table of plain numbers",
        "estimator  yes    64      1.8 ms  -        -         -",
    ]


def test_versions_of_earlier_releases_say_nothing():
    for options in ({}, {"engines": {"compiled": True}}, {"engines": "?"}):
        assert record.lines(options) == []
        assert record.summary(options) == ""
        assert record.chosen(options) == ""

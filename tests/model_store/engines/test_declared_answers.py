"""An answer is served in the declared shape and dtype, with the values it has, or not at all."""

import re

import numpy as np
import pandas as pd
import pytest

from model_store.engines.declared import as_declared
from model_store.errors import UndeclaredAnswer
from model_store.schema import Output

NAN = np.nan


def objects(*values):
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


HELD = {
    "whole floats as integers": (np.array([1.0, -2.0]), "int64", np.array([1, -2])),
    "integers of another width": (np.array([1, 255], np.int16), "uint8", np.array([1, 255], np.uint8)),
    "the largest unsigned integer": (np.array([2**64 - 1], np.uint64), "uint64", np.array([2**64 - 1], np.uint64)),
    "bools as numbers": (np.array([True, False]), "float64", np.array([1.0, 0.0])),
    "zeros and ones as bools": (np.array([1.0, 0.0]), "bool", np.array([True, False])),
    "integers that a float64 holds": (np.array([2**53, -(2**60)]), "float64", np.array([2.0**53, -(2.0**60)])),
    "a float64 rounded to the declared float32": (np.array([0.1, NAN]), "float32", np.array([0.1, NAN], np.float32)),
    "an infinity stays one": (np.array([np.inf, -np.inf]), "float32", np.array([np.inf, -np.inf], np.float32)),
    "a float16": (np.array([0.5], np.float16), "float32", np.array([0.5], np.float32)),
    "big-endian numbers": (np.array([1.5], ">f8"), "float64", np.array([1.5])),
    "numbers and gaps in objects": (objects(1, 2.5, None, pd.NA), "float64", np.array([1, 2.5, NAN, NAN])),
    "nothing but gaps in objects": (objects(None, None), "float64", np.array([NAN, NAN])),
    "whole numbers in objects": (objects(1, 2.0), "int64", np.array([1, 2])),
    "longer strings": (np.array(["a", "much longer"]), "string", objects("a", "much longer")),
    "gaps among strings": (objects("a", None, NAN, pd.NaT), "string", objects("a", None, None, None)),
    "nothing but NaN where strings are declared": (np.array([NAN, NAN]), "string", objects(None, None)),
    "bools among strings": (np.array([True, False]), "string", objects("True", "False")),
    "a date of a coarser unit": (
        np.array(["2026-01-02", "NaT"], "datetime64[s]"),
        "datetime64[us]",
        np.array(["2026-01-02", "NaT"], "datetime64[us]"),
    ),
    "no entries": (np.array([]), "int64", np.array([], np.int64)),
    "no texts": (np.array([], dtype="U1"), "float64", np.array([])),
}


@pytest.mark.parametrize("case", HELD)
def test_a_value_that_the_declared_type_holds_stays_what_it_is(case):
    answer, dtype, right = HELD[case]
    held = as_declared(answer, Output("predict", dtype), len(answer))
    assert held.dtype == right.dtype
    assert np.array_equal(held, right, equal_nan=held.dtype.kind in "fM")


REFUSED = {
    "NaN among integers": (np.array([1.0, NAN]), "int64", "nan, in row 1"),
    "a fraction among integers": (np.array([2.5]), "int64", "2.5, in row 0"),
    "a float just beyond int64": (np.array([2.0**63]), "int64", "9.22"),
    "infinity among integers": (np.array([0.0, 1.0, -np.inf]), "int8", "-inf, in row 2"),
    "an integer beyond the width": (np.array([0, 256]), "uint8", "256, in row 1"),
    "a negative unsigned integer": (np.array([-1]), "uint64", "-1, in row 0"),
    "uint64 beyond int64": (np.array([2**63], np.uint64), "int64", "9223372036854775808"),
    "a whole number that no float64 holds": (np.array([2**53, 2**53 + 1]), "float64", "9007199254740993, in row 1"),
    "a whole number that no float32 holds": (np.array([2**24 + 1]), "float32", "16777217"),
    "a float64 beyond float32": (np.array([1.0, 3.5e38]), "float32", "3.5e+38, in row 1"),
    "two among bools": (np.array([1, 2]), "bool", "2, in row 1"),
    "NaN among bools": (np.array([NAN]), "bool", "nan, in row 0"),
    "a text among numbers": (objects(1, "Oslo"), "float64", "'Oslo', in row 1"),
    "a text that reads as a number": (np.array(["3.5"]), "float64", "'3.5', in row 0"),
    "an inexact whole number among gaps": (objects(2**53 + 1, None), "float64", "9007199254740993, in row 0"),
    "an integer beyond 64 bits": (objects(2**70), "int64", str(2**70)),
    "a list": (objects([1, 2]), "int64", "[1, 2], in row 0"),
    "a number where strings are declared": (np.array([NAN, 3.0]), "string", "3.0, in row 1"),
    "a complex number": (np.array([1 + 2j]), "float64", "(1+2j), in row 0"),
    "a date beyond nanoseconds": (np.array(["3000-01-01"], "datetime64[s]"), "datetime64[ns]", "3000"),
    "a date that is cut": (
        np.array(["2026-01-01T00:00:00.5"], "datetime64[ms]"),
        "datetime64[s]",
        "2026-01-01T00:00:00.500",
    ),
    "a number where dates are declared": (np.array([1]), "datetime64[ns]", "1, in row 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_value_that_the_declared_type_cannot_hold_is_refused_and_named(case):
    answer, dtype, named = REFUSED[case]
    with pytest.raises(UndeclaredAnswer, match=f"the declared {re.escape(dtype)} cannot hold: .*{re.escape(named)}"):
        as_declared(answer, Output("predict", dtype), len(answer))


def test_the_row_of_a_wrong_value_in_a_table_is_named():
    table = np.array([[1.0, 2.0], [3.0, 4.5]])
    with pytest.raises(UndeclaredAnswer, match=r"transform with what the declared int64 cannot hold: 4\.5, in row 1"):
        as_declared(table, Output("transform", "int64", (2,)), 2)


def test_an_answer_of_the_declared_dtype_and_shape_is_the_same_array():
    answer = np.array([[1.5, NAN]])
    assert as_declared(answer, Output("transform", "float64", (2,)), 1) is answer


def test_a_column_of_labels_is_served_flat_where_flat_labels_are_declared():
    assert as_declared(np.array([["r"], ["p"]]), Output("predict", "string"), 2).tolist() == ["r", "p"]


@pytest.mark.parametrize(
    ("answer", "shape"),
    [
        (np.zeros(3), ()),
        (np.zeros((2, 3)), (4,)),
        (np.zeros((2, 2)), ()),
        (np.zeros(2), (1,)),
        (np.float64(0), ()),
    ],
)
def test_an_answer_of_another_shape_is_refused(answer, shape):
    with pytest.raises(UndeclaredAnswer, match=r"another shape than it is declared with: expected \[2"):
        as_declared(np.asarray(answer), Output("predict", "float64", shape), 2)

"""Numbers of the extension and of its fallback against those of the libraries whose bits are wanted."""

import ctypes

import numpy as np
import pytest
import scipy.special

from model_store.extension import numbers

pytestmark = pytest.mark.usefixtures("by")

EDGES = [0.0, -0.0, np.inf, -np.inf, np.nan, 709.0, 710.0, -745.0, -746.0, 1e-320, 88.8, -104.0, 1e300, -1e300]


def values(dtype, count):
    rng = np.random.default_rng(1)
    drawn = [rng.normal(size=count), rng.normal(scale=100, size=count), rng.uniform(-750, 750, size=count), EDGES]
    with np.errstate(over="ignore"):
        return np.concatenate(drawn).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_expit_has_the_bits_of_scipy(dtype):
    given = values(dtype, 500_000)
    assert numbers.expit(given).tobytes() == scipy.special.expit(given).tobytes()


@pytest.mark.parametrize(("dtype", "name"), [("float32", "expf"), ("float64", "exp")])
def test_exp_has_the_bits_of_the_c_library(dtype, name):
    given = values(dtype, 20_000)
    function, number = getattr(ctypes.CDLL(None), name), ctypes.c_float if dtype == "float32" else ctypes.c_double
    function.argtypes, function.restype = [number], number
    expected = np.array([function(x) for x in given.tolist()], dtype)
    assert numbers.exp(given).tobytes() == expected.tobytes()


SPECIAL = {
    np.nan: (False, True),
    np.inf: (False, False),
    -np.inf: (False, False),
    3e38: (True, True),
    0.0: (True, True),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("special", SPECIAL, ids=str)
def test_one_special_value_is_found_wherever_it_is(dtype, special):
    for count in (1, 3, 1023, 1024, 1025, 5000):
        for place in {0, count // 2, count - 1}:
            array = np.ones(count, dtype)
            array[place] = special
            assert (numbers.all_finite(array), numbers.none_infinite(array)) == SPECIAL[special]


def test_arrays_of_any_layout_are_looked_through():
    table = np.ones((30, 40))
    table[7, 8] = np.nan
    for array in (table, table.T, table[::3], table[:, ::2], np.asfortranarray(table)):
        assert numbers.all_finite(array) == bool(np.isfinite(array).all())
    assert numbers.all_finite(np.ones((0, 3)))


@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "uint64", "float16", ">f8"])
def test_numbers_of_any_type_are_looked_through(dtype):
    given = np.ones(9, dtype)
    assert (numbers.all_finite(given), numbers.none_infinite(given)) == (True, True)
    given = np.full(9, np.inf, ">f8")
    assert (numbers.all_finite(given), numbers.none_infinite(given)) == (False, False)


def test_numbers_at_odd_addresses_are_looked_through():
    for number, expected in ((1.0, True), (np.inf, False)):
        odd = np.frombuffer(b"." + np.full(9, number).tobytes(), offset=1)
        assert not odd.flags.aligned
        assert (numbers.all_finite(odd), numbers.none_infinite(odd)) == (expected, expected)


def test_results_keep_the_shape_of_what_is_given():
    table = np.arange(12.0).reshape(3, 4)[:, ::2]
    assert np.array_equal(numbers.expit(table), scipy.special.expit(table))
    assert numbers.exp(table.T).shape == (2, 3)

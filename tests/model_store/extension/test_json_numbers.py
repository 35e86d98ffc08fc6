"""JSON numbers that the extension reads: to the last bit what orjson makes of them, and never beyond a text's end."""

import ast
import json
import sys

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store.extension import loader, source
from tests.model_store.extension import damaging, damaging_json
from tests.model_store.extension.damaging_json import tried
from tests.model_store.extension.sanitizing import sanitized


def test_undamaged_numbers_of_every_form_are_taken(kernels):
    rng, taken = np.random.default_rng(3), 0
    for _ in range(5000):
        text, width = damaging_json.made(rng)
        try:
            orjson.loads(text[:-1])
        except orjson.JSONDecodeError:
            assert not tried(kernels, text, width)  # a number too large for a double
        else:
            assert tried(kernels, text, width), text
            taken += 1
    assert taken > 4000


def test_numbers_between_two_doubles_go_where_orjson_puts_them(kernels):
    rng = np.random.default_rng(4)
    for _ in range(20_000):
        assert tried(kernels, f"[{damaging_json.halfway(rng)}]".encode(), 0)


def test_many_random_doubles_come_back_to_the_last_bit(kernels):
    drawn = np.random.default_rng(5).normal(size=200_000)
    numbers = np.concatenate([drawn, drawn * 1e-7, drawn * 1e9, drawn.round(3), drawn.astype("float32")])
    taken, end = kernels.json_numbers(orjson.dumps(numbers.tolist()), 0, 0, len(numbers), False)
    assert taken == numbers.tobytes()
    assert end == len(orjson.dumps(numbers.tolist()))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70), min_size=1))
def test_all_floats_and_whole_numbers_are_taken(numbers):
    kernels = loader.kernels() or pytest.skip("the extension is not built here: deploy/local/build-extension")
    for text in (json.dumps(numbers), json.dumps(numbers, indent=1)):
        assert tried(kernels, text.encode(), 0, most=sys.maxsize)


@given(st.from_regex(r"\[-?[0-9]{0,25}(\.[0-9]{0,25})?([eE][+-]?[0-9]{0,4})?\]", fullmatch=True))
def test_what_looks_like_a_number_is_taken_if_and_only_if_orjson_reads_it(text):
    kernels = loader.kernels() or pytest.skip("the extension is not built here: deploy/local/build-extension")
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        expected = False
    else:
        expected = text != "[]"
    assert tried(kernels, text.encode(), 0) == expected


@pytest.mark.parametrize(
    "text",
    ["[", "[]", "[[]]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[01]", "[-]", "[+1]", "[.5]", "[1.]", "[1.e5]", "[1e]",
     "[1e+]", "[-01]", "[--1]", "[0x1]", "[1_0]", "[NaN]", "[Infinity]", "[-Infinity]", "[nan]", "[inf]", "[null]",
     "[true]", '["1"]', "[[1]]", "[{}]", "[1e400]", "[-1e400]", "[1\v]", "[1\f]", "[1\u00a0]", "[1,[2]]", "1", "", " ",
     "{", "[1;2]", "[\u0661]", "[1\x00]"],
)  # fmt: skip
def test_what_is_no_flat_list_of_numbers_is_left_alone(kernels, text):
    assert kernels.json_numbers(text.encode(), 0, 0, 100, False) is None


@pytest.mark.parametrize("text", ["[1,2]", "[[1,2],[3]]", "[[1],[2]]", "[[1,2],3]", "[[1,2],[]]", "[[1,2],[3,4,5]]",
                                  "[[1,2],]", "[[1,2]", "[[[1,2]]]", "[[1,2],null]", "[[1,null]]"])  # fmt: skip
def test_what_are_no_rows_of_two_numbers_is_left_alone(kernels, text):
    assert kernels.json_numbers(text.encode(), 0, 2, 100, False) is None


def test_more_numbers_than_wanted_are_left_alone(kernels):
    assert kernels.json_numbers(b"[[1,2],[3,4]]", 0, 2, 4, False) is not None
    assert kernels.json_numbers(b"[[1,2],[3,4]]", 0, 2, 3, False) is None
    assert kernels.json_numbers(b"[1,2]", 0, 0, 1, False) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [(b"[-0]", 0), (b"[9007199254740992]", 2**53), (b"[-9007199254740992]", -(2**53)), (b"[9007199254740993]", None),
     (b"[1.0]", None), (b"[1e3]", None), (b"[-0.0]", None), (b"[18446744073709551617]", None)],
)  # fmt: skip
def test_whole_numbers_are_exact_or_left_alone(kernels, text, value):
    taken = kernels.json_numbers(text, 0, 0, 1, True)
    assert (None if taken is None else np.frombuffer(taken[0]).tolist()) == (None if value is None else [value])


@pytest.mark.parametrize("zeros", [300, 390, 395, 396, 500, 9998, 10_000, 70_000])
def test_a_number_of_more_than_400_bytes_is_left_alone(kernels, zeros):
    for tail in ("1", f"1e{zeros}", f"1e{zeros + 1}"):
        number = f"0.{'0' * zeros}{tail}"
        assert tried(kernels, f"[{number}]".encode(), 0) == (len(number) <= 400)


def test_reading_begins_and_ends_where_it_should(kernels):
    text = b'{"data": [1, 2.5] , "x": [3]}'
    numbers, end = kernels.json_numbers(text, 9, 0, 9, False)
    assert np.frombuffer(numbers).tolist() == [1.0, 2.5]
    assert text[end:] == b', "x": [3]}'
    assert kernels.json_numbers(text, len(text), 0, 9, False) is None


@pytest.mark.parametrize("wrong", [(-1, 0, 1), (4, 0, 1), (0, -1, 1), (0, 0, -1)])
def test_impossible_places_and_sizes_are_refused(kernels, wrong):
    with pytest.raises(ValueError, match="start has to be"):
        kernels.json_numbers(b"[1]", *wrong, False)


@pytest.mark.parametrize("wrong", ["[1]", None, 1, [1]])
def test_only_bytes_are_read(kernels, wrong):
    with pytest.raises(TypeError):
        kernels.json_numbers(wrong, 0, 0, 1, False)


def test_damaged_texts_are_read_as_orjson_reads_them_or_left_alone(kernels):
    counts = damaging.counted(kernels, damaging_json, 2000)
    assert counts[True] + counts[False] == 20_000
    assert min(counts[True], counts[False]) > 2000, counts


def test_a_text_may_end_anywhere(kernels):
    whole = b"[[1,-2.5e+3],[12345678.123456789,0]]"
    for end in range(len(whole)):
        assert not tried(kernels, whole[:end], 2)
    assert tried(kernels, whole, 2)


def test_a_sanitizer_sees_nothing_while_damaged_texts_are_read(tmp_path, sanitizer):
    told = sanitized(tmp_path, sanitizer, "json")
    assert told.returncode == 0, told.stderr
    assert sum(ast.literal_eval(told.stdout).values()) == 3000


@pytest.mark.parametrize("check", ["end - at >= 8 && ", "reader->at >= reader->end || ", "at < end && "])
def test_the_sanitizer_sees_a_kernel_that_does_not_look_for_the_end(tmp_path, sanitizer, check):
    assert check in (source.FOLDER / "json_numbers.h").read_text()
    told = sanitized(tmp_path, sanitizer, "json", lambda text: text.replace(check, ""))
    assert told.returncode != 0
    assert "AddressSanitizer" in told.stderr

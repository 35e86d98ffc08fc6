import contextlib
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_store.codecs.json import dumps, loads
from model_store.codecs.json_mending import LONGEST_DEEP
from model_store.request_errors import MalformedRequest, PayloadTooLarge

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
)
JSON_TOKENS = st.sampled_from(
    ["[", "]", "{", "}", ",", ":", " ", '"a"', '"', "\\", "1", "-", "1e999", "0.5", "NaN", "-Infinity", "true", "null"]
) | st.sampled_from(['"\\ud800"', "\ufeff", "\x00", "9" * 5000, "[" * 600, "]" * 600])


@given(JSON_VALUES)
def test_what_json_writes_is_read_as_json_reads_it(value):
    expected = json.loads(json.dumps(value))
    for body in (json.dumps(value).encode(), json.dumps(value, indent=1, ensure_ascii=False).encode()):
        assert loads(body) == expected
        assert loads(body + b" trailing", tolerant=True) == expected


@given(st.binary() | st.lists(JSON_TOKENS, max_size=12).map(lambda tokens: "".join(tokens).encode()), st.booleans())
def test_any_bytes_are_read_or_malformed_and_nothing_else(body, tolerant):
    with contextlib.suppress(MalformedRequest):
        loads(body, tolerant=tolerant)


@pytest.mark.parametrize("tolerant", [False, True])
@pytest.mark.parametrize("text", ['{"a": [1.5]}', '{"a": [NaN]}', ' \n[""]'])
def test_a_byte_order_mark_is_skipped(text, tolerant):
    assert repr(loads(text.encode("utf-8-sig"), tolerant=tolerant)) == repr(loads(text.encode(), tolerant=tolerant))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\xef\xbb\xbf", "The document is empty"),
        (b"\xef\xbb\xbf\xef\xbb\xbf1", "at offset: 3"),
        (b"[\xef\xbb\xbf1]", "at offset: 1"),
        (b"\xef\xbb\xbf[1,]", "at offset: 6"),
        (b"\xef\xbb[1]", "at offset: 0 (not UTF-8)"),
    ],
)
def test_another_byte_order_mark_is_malformed(body, words):
    with pytest.raises(MalformedRequest) as caught:
        loads(body)
    assert words in str(caught.value)


@pytest.mark.parametrize("tolerant", [False, True])
def test_nan_and_infinities_are_read_as_bare_tokens(tolerant):
    value = loads(b'{"a": [NaN, Infinity, -Infinity, 1, "NaN"]}', tolerant=tolerant)["a"]
    assert math.isnan(value[0])
    assert value[1:] == [math.inf, -math.inf, 1, "NaN"]


@pytest.mark.parametrize("tolerant", [False, True])
@pytest.mark.parametrize(
    "body",
    [
        b"{NaN: 1}",
        b"[1NaN]",
        b"[NaN1]",
        b"[NaNNaN]",
        b"[-NaN]",
        b"[--Infinity]",
        b"[+Infinity]",
        b"[1e-Infinity]",
        b"[Nan]",
        b'["NaN, NaN]',
        b"[NaN NaN]",
        b"[nan]",
        b"[.NaN]",
    ],
)
def test_what_only_looks_like_a_token_is_refused(body, tolerant):
    with pytest.raises(MalformedRequest):
        loads(body, tolerant=tolerant)


def test_strings_that_hold_tokens_are_left_alone():
    body = rb'[-1, NaN, "\\", "\"NaN", "-Infinity, NaN", -Infinity, "N", {"NaN": Infinity}, "Nein"]'
    value = loads(body)
    assert math.isnan(value[1])
    assert value[2:] == ["\\", '"NaN', "-Infinity, NaN", -math.inf, "N", {"NaN": math.inf}, "Nein"]
    assert math.isnan(loads(b"NaN"))


@pytest.mark.parametrize("tolerant", [False, True])
def test_a_string_without_an_end_is_looked_through_once(tolerant):
    """Where it is looked through again from each of its quotes, these bodies take hours."""
    with pytest.raises(MalformedRequest):
        loads(b'[NaN, "' + b'\\"' * 500_000, tolerant=tolerant)
    with pytest.raises((MalformedRequest, PayloadTooLarge)):
        loads(b'["' + b'\\"[' * 500_000, tolerant=tolerant, max_rows=1)


@pytest.mark.parametrize(
    ("body", "offset"),
    [
        (b'{"a":1', 6),
        (b"[1,]", 3),
        (b'{"a": nul}', 6),
        ('["é", nan]'.encode(), 7),
        (b'["\xff"]', 2),
        (b'["\\ud83d"]', 2),
        (b"[NaN, 1e999]", 6),
        (b'["1e999", NaN, 1e999]', 15),
        (b"[" + b"9" * 5000 + b"]", 1),
        (b'["a\nb"]', 3),
        (b"[1] 2", 4),
        (b"[" * 513 + b"NaN", 512),
    ],
)
def test_a_malformed_body_is_refused_with_the_offset_in_bytes(body, offset):
    with pytest.raises(MalformedRequest) as refused:
        loads(body)
    assert f"offset: {offset} (" in refused.value.detail
    assert refused.value.faults[0].location == f"byte {offset}"


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_an_empty_body_says_so(body):
    with pytest.raises(MalformedRequest, match="JSON Parse error: The document is empty"):
        loads(body)


def test_both_halves_of_a_surrogate_pair_are_one_character():
    assert loads(b'[NaN, "\\\\ud83d", "\\ud83d\\ude00"]')[1:] == ["\\ud83d", "\U0001f600"]


def test_the_last_of_two_equal_keys_wins():
    assert loads(b'{"a": 1, "a": 2}') == {"a": 2}
    assert loads(b'{"a": NaN, "a": 2}') == {"a": 2}


def test_whole_numbers_beyond_64_bits_are_floats_also_beside_tokens():
    for number in (2**63 - 1, -(2**63), 2**64 - 1, 2**64, -(2**63) - 1, 10**19, 10**30):
        plain, again = loads(b"[%d]" % number)[0], loads(b"[%d, NaN]" % number)[0]
        assert plain == again
        assert type(plain) is type(again) is (int if -(2**63) <= number < 2**64 else float)


def test_the_tolerant_reading_ignores_what_follows_the_root():
    assert loads(b'{"a": 1} trailing', tolerant=True) == {"a": 1}
    assert loads(b'{"a": 1} \\ud800', tolerant=True) == {"a": 1}


def test_the_tolerant_reading_nests_to_any_depth():
    value = loads(b'{"deep": ' + b"[" * 500_000 + b"]" * 500_000 + b', "a": {"b": [1, {}, []]}}', tolerant=True)
    assert value["a"] == {"b": [1, {}, []]}


def test_what_nests_too_deep_may_hold_tokens_and_stands_beside_them():
    deep = b'[NaN, {"a": "]["}, ' * 600 + b"1" + b"]" * 600
    value = loads(b'{"deep": [' + deep + b", " + deep + b'], "a": [NaN, -Infinity]} [[[', tolerant=True)
    assert math.isnan(value["a"][0])
    assert value["a"][1] == -math.inf
    assert value["deep"][1][1] == {"a": "]["}


def test_broken_json_is_refused_with_its_offset_where_it_nests_too_deep():
    body = b'{"a": NaN, "deep": ' + b"[" * 600 + b"NaN, x" + b"]" * 600 + b"}"
    with pytest.raises(MalformedRequest, match=f"offset: {body.index(b'x')} "):
        loads(body, tolerant=True)


@pytest.mark.parametrize("broken", ["{", "[}", '{"a"}', '{"a":1 "b":2}', "{1:2}", "[1 2]", "[1,]", '{"a":1,}', "x"])
def test_the_tolerant_reading_refuses_broken_json_at_any_depth(broken):
    with pytest.raises(MalformedRequest):
        loads(b"[" * 600 + broken.encode() + b"]" * 600, tolerant=True)


def test_a_deep_body_that_would_take_long_is_refused():
    with pytest.raises(MalformedRequest, match="levels"):
        loads(b"[" * (LONGEST_DEEP + 1), tolerant=True)


def test_a_body_that_runs_into_the_interpreter_s_own_recursion_limit_is_malformed():
    def lower(frames):
        return lower(frames - 1) if frames else loads(b"[NaN," + b"[" * 500 + b"]" * 501)

    try:
        value = lower(600)
    except MalformedRequest:
        value = None
    assert value is None or math.isnan(value[0])


def test_float32_is_written_in_its_shortest_form():
    assert dumps(np.float32([0.2, 3, 1 / 3])) == b"[0.2,3.0,0.33333334]"


def test_arrays_of_every_kind_are_written():
    assert dumps(np.array([2**63 - 1])) == b"[9223372036854775807]"
    assert dumps(np.array([[1.0, 2.0], [3.0, 4.0]]).T) == b"[[1.0,3.0],[2.0,4.0]]"
    assert dumps(np.array(["a", None], dtype=object)) == b'["a",null]'
    assert dumps(np.array(["a"])) == b'["a"]'
    assert dumps(np.array(5.0)) == b"5.0"
    assert dumps({"a": np.bool_(True), "b": np.str_("x")}) == b'{"a":true,"b":"x"}'
    assert dumps(np.zeros((0, 3))) == b"[]"


def test_what_is_not_finite_is_written_as_asked():
    values = {"a": np.float32([0.2, np.nan, -np.inf]), "b": [math.inf, 1.5], "c": np.array([[math.nan], [1.0]]).T}
    assert dumps(values) == b'{"a":[0.2,null,-Infinity],"b":[Infinity,1.5],"c":[[null,1.0]]}'
    assert dumps(values, nan="token") == b'{"a":[0.2,NaN,-Infinity],"b":[Infinity,1.5],"c":[[NaN,1.0]]}'
    assert dumps(np.array([math.nan, "x"], dtype=object), nan="token") == b'[NaN,"x"]'

"""Texts of JSON numbers, damaged at random: each is read as orjson reads it or left alone, and nothing behind it."""

import struct

import numpy as np
import orjson

MOST = 60
PIECES = (
    *b'01234567890123456789-+.eE[], \t\n\r"nul{}:NI\x00\xff',
    b"00",
    b"e5",
    b"-0",
    b"1e400",
    b"null",
    b"[1]",
    b"9" * 400,
)


def written(rng):
    """Return a number's text, of one of the many forms that numbers have."""
    whole = int(rng.integers(-(2**63), 2**63 - 1)) >> int(rng.integers(64))
    forms = (
        lambda: anything(rng),
        lambda: repr(float(rng.normal())),
        lambda: str(round(float(rng.normal(scale=100)), int(rng.integers(6)))),
        lambda: f"{whole}e{rng.integers(-400, 300)}",
        lambda: f"{whole}.{rng.integers(10 ** rng.integers(1, 18))}{rng.choice(['', 'e-7', 'E+3', 'e0'])}",
        lambda: halfway(rng),
        lambda: str(rng.choice(["0", "-0", "-0.0", "0e9", "-0e-9", "0.000", "9007199254740992", "9007199254740993"])),
        lambda: str(whole),
        lambda: str(whole % 1000),
    )
    return forms[rng.integers(len(forms))]()


def anything(rng):
    """Return the shortest text of a double of random bits."""
    (number,) = struct.unpack("d", rng.bytes(8))
    return repr(number) if np.isfinite(number) else "-0.0"


def halfway(rng):
    """Return the text of a number that lies between two doubles next to each other, or a hair above or below that."""
    mantissa, power = 2 * int(rng.integers(2**52, 2**53)) + 1, int(rng.integers(1, 60))
    digits = str(mantissa * 5**power)
    text = f"{digits[:-power] or 0}.{digits[-power:].zfill(power)}"
    return rng.choice([text, text + "0001", text[:17], text[:18], text[:19], text[:20]]).rstrip(".")


def blank(rng):
    return str(rng.choice(["", "", "", "", " ", "\n\t \r"]))


def listed(rng, texts):
    return "[" + ",".join(f"{blank(rng)}{text}{blank(rng)}" for text in texts) + "]"


def made(rng):
    """Return a text that begins with numbers, and how many stand in a row, 0 for a flat list."""
    width, rows = int(rng.integers(0, 5)), int(rng.integers(1, 9))
    if not width:
        return (listed(rng, [written(rng) for _ in range(rows)]) + "}").encode(), 0
    return (listed(rng, [listed(rng, [written(rng) for _ in range(width)]) for _ in range(rows)]) + "}").encode(), width


def damaged(rng, text):
    """Return a text with one or two pieces put in, taken out or cut off."""
    for _ in range(rng.integers(1, 3)):
        at, how = int(rng.integers(len(text) + 1)), rng.integers(4)
        piece = PIECES[rng.integers(len(PIECES))]
        piece = bytes([piece]) if isinstance(piece, int) else piece
        rest = (text[at:], text[at + 1 :], text[at + len(piece) :], b"")[how]
        text = text[:at] + (b"" if how == 3 else piece) + rest
    return text


def tried(kernels, text, width, *, whole=False, most=MOST):
    """Return whether a text is taken. What is taken has to be what orjson makes of it."""
    memory = np.array(list(text), np.uint8)  # memory that ends where the text does
    taken = kernels.json_numbers(memory, 0, width, most, whole)
    if taken is None:
        return False
    numbers, end = taken
    rows = orjson.loads(text[:end])
    assert not width or {len(row) for row in rows} == {width}
    flat = [value for row in rows for value in row] if width else rows
    assert {int} >= set(map(type, flat)) if whole else {int, float} >= set(map(type, flat))
    assert 0 < len(flat) <= most
    assert numbers == struct.pack(f"{len(flat)}d", *flat), text
    assert not whole or list(map(int, np.frombuffer(numbers))) == flat
    return True


def turned_down(kernels, rng, text, width):
    return not tried(kernels, damaged(rng, text), width, whole=bool(rng.integers(4) == 0))

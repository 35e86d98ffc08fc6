"""The kinds of values that settings have: how text becomes a value, within bounds, and how a value is written."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Kind(Generic[T_co]):
    """What a setting's text may be. ``read`` raises ValueError for text that is not ``expected``."""

    expected: str
    read: Callable[[str], T_co]


def whole(low: int, high: int) -> Kind[int]:
    """Accept whole numbers from ``low`` to ``high``; 1e6 is one, and what a number has after its point is dropped."""
    return Kind(f"a whole number from {low} to {high}", lambda text: int(_within(low, high, float(text))))


def digits(kind: Kind[int]) -> Kind[int]:
    """Accept of what a kind accepts only what is written in digits."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()):
            raise ValueError
        return kind.read(text)

    return Kind(kind.expected, read)


def number(low: float, high: float) -> Kind[float]:
    """Accept numbers from ``low`` to ``high``."""
    return Kind(f"a number from {low:g} to {high:g}", lambda text: _within(low, high, float(text)))


def one_of(*choices: str) -> Kind[str]:
    """Accept one of some words, in capitals or not."""

    def read(text: str) -> str:
        return choices[choices.index(text.strip().upper())]

    return Kind(f"one of {', '.join(choices)}", read)


def _within(low: float, high: float, given: float) -> float:
    if not low <= given <= high:
        raise ValueError
    return given


@dataclass(frozen=True, slots=True)
class Reserve:
    """Room that is kept on a disk: a share of its size, and bytes; one of the two is 0."""

    share: float = 0.0
    bytes: int = 0

    def of(self, size: int) -> int:
        """Return the bytes that are kept on a disk of ``size`` bytes."""
        return self.bytes or int(size * self.share)

    def __str__(self) -> str:
        """Return it as its kind reads it."""
        return str(self.bytes) if self.bytes else f"{self.share * 100:g}%"


def _reserve(written: str) -> Reserve:
    if written.strip().endswith("%"):
        return Reserve(share=_within(0, 50, float(written.strip()[:-1])) / 100)
    return Reserve(bytes=int(_within(0, 2**50, float(written))))


reserve = Kind("a share of the disk up to `50%`, or bytes", _reserve)
"""Room on a disk: a share of it with the sign %, or bytes."""

text = Kind("any text", str)
"""Any text, as it is."""

path = Kind("a path", lambda written: Path(written).absolute())
"""A path, made absolute."""


def path_or(word: str) -> Kind[Path | str]:
    """Accept a path, made absolute, or one word."""
    return Kind(f"a path, or `{word}`", lambda written: word if written.strip() == word else path.read(written))


switch = Kind("ON or OFF", lambda written: one_of("ON", "OFF").read(written) == "ON")
"""ON or OFF, in capitals or not."""

names = Kind("names, separated by commas", lambda written: tuple(filter(None, map(str.strip, written.split(",")))))
"""Names or patterns, separated by commas."""

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?|https?://\[[0-9A-Fa-f:]+\](?::[0-9]{1,5})?")


def _origins(given: str) -> tuple[str, ...]:
    found = names.read(given)
    if not all(origin == "*" or _ORIGIN.fullmatch(origin) for origin in found):
        raise ValueError
    return found


origins = Kind("origins such as `https://app.example`, separated by commas, or `*`", _origins)
"""Where browsers' pages come from: scheme, host and port, without a path; ``*`` for everywhere."""

_SEGMENT = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+"
_PREFIX = re.compile(f"(?:/{_SEGMENT}){{0,16}}")
_LONGEST_PREFIX = 256


def _prefix(given: str) -> str:
    path = given.strip().rstrip("/")
    if len(path) > _LONGEST_PREFIX or not _PREFIX.fullmatch(path):
        raise ValueError
    return path


prefix = Kind("a path such as `/ml`, of letters, digits and `._~-`", _prefix)
"""A path in front of others, without a slash at its end; empty for ``/``."""


def _networks(given: str) -> tuple[str, ...]:
    return tuple(str(ip_network(network, strict=False)) for network in names.read(given))


networks = Kind("addresses and networks such as `10.0.0.0/8`, separated by commas", _networks)
"""IP addresses and networks, as networks."""

address = Kind("an address", lambda written: written.rstrip("/"))
"""An address of the web, without a slash at its end."""


def written(value: object) -> str:
    """Write a value as its kind reads it; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "ON" if value else "OFF"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return ",".join(value) if isinstance(value, tuple) else str(value)

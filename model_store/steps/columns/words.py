"""Texts cut into what is counted in them: words, and pieces of so many words or characters that follow each other."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import Any

Cut = Callable[[str], Iterable[str]]
"""Takes a text and returns what is counted in it, repeated as often as it is there."""

_SPACES = re.compile(r"\s\s+")


def cutter(settings: Mapping[str, Any], stop_words: AbstractSet[str]) -> Cut:
    """Return what cuts texts as the ``settings`` of a scikit-learn vectorizer say.

    ``analyzer`` is ``word``, ``char`` or ``char_wb``; ``lowercase``, ``strip_accents`` (``ascii``, ``unicode``, none),
    ``ngrams`` (fewest, most) and ``token_pattern`` are as scikit-learn has them. Raises KeyError for another analyzer.
    """
    fewest, most = (int(size) for size in settings["ngrams"])
    sizes = range(fewest, most + 1)
    prepare = _preparation(lower=bool(settings["lowercase"]), accents=str(settings["strip_accents"] or ""))
    pieces = {"word": _words, "char": _characters, "char_wb": _characters_in_words}[str(settings["analyzer"])]
    cut = pieces(sizes, re.compile(str(settings["token_pattern"])), stop_words)
    return cut if prepare is None else lambda text: cut(prepare(text))


def _preparation(*, lower: bool, accents: str) -> Callable[[str], str] | None:
    strip = {"": None, "ascii": _only_ascii, "unicode": _without_marks}[accents]
    if strip is None:
        return str.lower if lower else None
    return (lambda text: strip(text.lower())) if lower else strip


def _only_ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")


def _without_marks(text: str) -> str:
    if text.isascii():
        return text
    return "".join(filter(lambda one: not unicodedata.combining(one), unicodedata.normalize("NFKD", text)))


def _words(sizes: range, pattern: re.Pattern[str], stop_words: AbstractSet[str]) -> Cut:
    find = pattern.findall
    several = sizes != range(1, 2)

    def cut(text: str) -> Sequence[str]:
        words: list[str] = find(text)
        if stop_words:
            words = [word for word in words if word not in stop_words]
        return _in_a_row(words, sizes) if several else words

    return cut


def _in_a_row(words: list[str], sizes: range) -> list[str]:
    found = list(words) if sizes.start == 1 else []
    for size in range(max(2, sizes.start), sizes.stop):
        found.extend(map(" ".join, zip(*(words[start:] for start in range(size)), strict=False)))
    return found


def _characters(sizes: range, _pattern: re.Pattern[str], _stop_words: AbstractSet[str]) -> Cut:
    def cut(text: str) -> Iterable[str]:
        spaced = _SPACES.sub(" ", text)
        return chain.from_iterable(_pieces(spaced, size) for size in sizes)

    return cut


def _characters_in_words(sizes: range, _pattern: re.Pattern[str], _stop_words: AbstractSet[str]) -> Cut:
    """Cut words with a space at both ends; one that is shorter than a piece is a piece itself, once."""

    def cut(text: str) -> Iterable[str]:
        return chain.from_iterable(_of_a_word(f" {word} ", sizes) for word in text.split())

    return cut


def _of_a_word(word: str, sizes: range) -> list[str]:
    found: list[str] = []
    for size in sizes:
        if size >= len(word):
            found.append(word)
            break
        found += _pieces(word, size)
    return found


def _pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(len(text) - size + 1)]

"""The reference of what is compiled names each class that there is a compiler for, and none that there is none for."""

import re
from pathlib import Path

from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - the searches that halve are listed only then
from sklearn.utils import all_estimators

from model_store.compilers.registry import COMPILERS

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/engines.md"
COMPILED = {path.rpartition(".")[2] for path in COMPILERS}


def documented():
    """The names in the second column of all tables; one that ends in … stands for those that begin like it."""
    rows = [line.split("|") for line in PAGE.read_text().splitlines() if line.startswith("|")]
    return {name for cells in rows for name in re.findall(r"`(\w+…?)`", cells[2])}


def test_each_class_that_is_compiled_is_documented():
    names = documented()
    prefixes = tuple(name[:-1] for name in names if name.endswith("…"))
    assert [name for name in sorted(COMPILED - names) if not name.startswith(prefixes)] == []


def test_each_class_that_is_documented_is_compiled():
    known = {name for name, _ in all_estimators()}
    assert sorted(documented() & known - COMPILED) == []

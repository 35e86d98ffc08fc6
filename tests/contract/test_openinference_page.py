"""docs/reference/protocols/openinference.md says of every item how it stands; what it names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "protocols" / "openinference.md").read_text()
ITEMS = [
    *(f"G-{n}" for n in range(1, 9)),
    *(f"OIP-{n}" for n in range(1, 17)),
    *(f"BIN-{n}" for n in range(1, 9)),
    *(f"REP-{n}" for n in range(1, 6)),
]
TESTS = "".join(
    (ROOT / "tests" / path).read_text()
    for path in (
        "contract/test_openinference_dialect.py",
        "contract/test_openinference_routes.py",
        "service/test_codecs_tensors.py",
    )
)


@pytest.mark.parametrize("item", ITEMS)
def test_the_page_says_how_each_item_is_proven(item):
    (row,) = re.findall(rf"^\| {item} \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    named = re.findall(r"`(test_\w+)`", row[0])
    assert named
    assert row[1]
    assert all(f"def {name}(" in TESTS for name in named)


def test_every_test_that_the_page_names_is_there():
    assert {name for name in re.findall(r"`(test_\w+)`", PAGE) if f"def {name}(" not in TESTS} == set()

"""The reference pages of /v1 name tests that exist, and every item of the protocol."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "reference" / "protocols"
TESTS = "\n".join(
    path.read_text()
    for pattern in ("test_tfserving_*.py", "test_kserve_v1_*.py")
    for path in Path(__file__).parent.glob(pattern)
)
ITEMS = (1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 25, 26, 27, 28, 30, 31, 32, 40)


@pytest.mark.parametrize("page", ["tfserving.md", "kserve_v1.md"])
def test_a_page_names_tests_that_exist(page):
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", (PAGES / page).read_text()))
    assert named
    assert named - set(re.findall(r"def (test_[a-z0-9_]+)\(", TESTS)) == set()


def test_every_item_has_a_line():
    page = (PAGES / "tfserving.md").read_text()
    assert [number for number in ITEMS if f"\n| TFS-{number} |" not in page] == []
    assert [number for number in (1, 3, 4, 5, 7, 8) if f"\n| G-{number} |" not in page] == []

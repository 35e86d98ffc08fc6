"""README.md of this folder says of every behaviour of a protocol how it is proven; what it names is there."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
PAGES = sorted((ROOT / "docs" / "reference" / "protocols").glob("*.md"))
README = (FOLDER / "README.md").read_text()

NONE = "\N{EN DASH}"
BEHAVIOURS = {
    "All dialects": 8,
    "TensorFlow Serving": 32,
    "KServe V1": 8,
    "Open Inference Protocol": 20,
    "Binary tensor data": 8,
    "Model repository": 5,
    "MLflow": 15,
    "Arrow": 6,
}
"""How many behaviours of each protocol are listed: a line that is lost is noticed."""


def section(title):
    """What stands under a heading."""
    (found,) = re.findall(rf"^##+ {title}\n(.*?)(?=^##|\Z)", README, re.MULTILINE | re.DOTALL)
    return found


def lines(title):
    """The rows of a section's table: what the protocol says, the tests, how far it is done."""
    return re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", section(title), re.MULTILINE)[1:]


def present(title):
    """The names of the tests in the files that a section is about: those that it names, or all of this folder's."""
    named = set(re.findall(r"`(test_\w+\.py)`", section(title).partition("|")[0]))
    named = named or {path.name for path in FOLDER.glob("test_*.py")}
    files = [path for path in FOLDER.parent.rglob("test_*.py") if path.name in named]
    return {name for path in files for name in re.findall(r"^ *def (test_\w+)\(", path.read_text(), re.MULTILINE)}


@pytest.mark.parametrize("title", BEHAVIOURS)
def test_every_behaviour_is_listed_once(title):
    behaviours = [behaviour for behaviour, _, _ in lines(title)]
    assert len(behaviours) == len(set(behaviours)) == BEHAVIOURS[title]


@pytest.mark.parametrize("title", BEHAVIOURS)
def test_a_behaviour_names_its_tests_or_says_why_it_is_left_out(title):
    for _, proofs, here in lines(title):
        assert re.search(r"`test_\w+`", proofs) or (proofs == NONE and here.startswith("left out"))


@pytest.mark.parametrize("title", BEHAVIOURS)
def test_every_test_that_is_named_is_there(title):
    assert set(re.findall(r"`(test_\w+)`", section(title))) - present(title) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_for_users_name_no_tests(page):
    assert re.findall(r"test_\w+", page.read_text()) == []

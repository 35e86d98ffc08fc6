"""The table of what security a standard asks for: complete, and held by tests and pages that exist."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "security-asvs.md"
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([12]) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
LINK = re.compile(r"\[[^]]+\]\(([^)#]*)(#[^)]+)?\)")
KINDS = ("`tests/", "documented: ", "not met: ", "does not apply: ")
OF_THE_STANDARD = {
    "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4, "6.1": 3, "6.2": 12, "6.3": 4,
    "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.3": 4,
    "10.4": 11, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5, "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3,
}  # fmt: skip
"""How many requirements of levels 1 and 2 each section of ASVS 5.0.0 has."""


def rows():
    return ROW.findall(PAGE.read_text())


def kind(held):
    """The word that a row's last column begins with; an empty one if it is none of the four."""
    return next((word for word in KINDS if held.startswith(word)), "")


def test_every_requirement_of_the_chapters_has_one_row():
    names = [name for name, *_ in rows()]
    assert len(names) == len(set(names)) == sum(OF_THE_STANDARD.values())
    assert Counter(name.rpartition(".")[0] for name in names) == OF_THE_STANDARD


def test_the_page_counts_its_rows():
    kinds = Counter(kind(held) for *_, held in rows())
    met = kinds["`tests/"] + kinds["documented: "]
    said = f"Of {len(rows())} requirements {met} are met, {kinds[KINDS[2]]} are not, {kinds[KINDS[3]]} do not apply"
    assert said in " ".join(PAGE.read_text().split())


@pytest.mark.parametrize(("name", "held"), [(name, held) for name, _, _, held in rows()], ids=lambda text: text[:8])
def test_a_requirement_is_held_by_what_exists_or_it_is_said_why_not(name, held):
    assert kind(held), name
    for path, test in TEST.findall(held):
        assert re.search(rf"^ *def {test}\(", (ROOT / path).read_text(), re.MULTILINE), (path, test)
    if held.startswith("`tests/"):
        assert [TEST.fullmatch(part) is not None for part in held.split("; ")] == [True] * len(held.split("; "))
    if held.startswith("documented: "):
        file, anchor = LINK.search(held).groups()
        text = (PAGE.parent / file).read_text() if file else PAGE.read_text()
        titles = re.findall("^#+ (.+)$", text, re.MULTILINE)
        anchors = [re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles]
        assert anchor is None or anchor[1:] in anchors


def test_nginx_overwrites_what_callers_say_of_themselves():
    lines = (ROOT / "nginx/snippets/forwarding.conf").read_text().splitlines()
    told = dict(line.rstrip(";").split()[1:3] for line in lines if line.startswith("proxy_set_header"))
    assert told["X-Forwarded-For"] == told["X-Real-IP"] == "$remote_addr"
    assert (told["X-Forwarded-Proto"], told["X-Forwarded-Prefix"]) == ("$scheme", "$forwarded_prefix")
    assert (told["Forwarded"], told["Proxy"]) == ('""', '""')


def test_the_image_has_no_folder_of_version_control():
    assert ".git" in (ROOT / ".dockerignore").read_text().splitlines()

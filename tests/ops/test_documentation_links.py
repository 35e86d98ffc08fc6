"""Every page is found from the index, and no link leads nowhere."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
CODE = re.compile(r"^(?:```|~~~).*?^(?:```|~~~)|^ {4,}\S.*?$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)


def links(page):
    """The places within this repository that a page points to, as (path, anchor)."""
    for match in LINK.finditer(CODE.sub(_words_only, page.read_text(encoding="utf-8"))):
        target = match[1] or match[2]
        if not re.match(r"[a-z][a-z+.-]*:", target):
            path, _, anchor = target.partition("#")
            yield (page.parent / unquote(path)).resolve() if path else page.resolve(), unquote(anchor)


def anchors(page):
    """What GitHub calls a page's headings."""
    seen, found = {}, set()
    text = re.sub(r"^(?:```|~~~).*?^(?:```|~~~)", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for heading in re.findall(r"^#{1,6}\s+(.+?)\s*#*$", text, re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.add(name if name not in seen else f"{name}-{seen[name]}")
        seen[name] = seen.get(name, 0) + 1
    return found


def _words_only(code):
    """Code without what could be taken for a link; as long as it is the text of a link, it stays one."""
    return re.sub(r"[\[\]()]", " ", code[0])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_leads_nowhere(page):
    for path, anchor in links(page):
        assert path.exists(), f"{page.relative_to(ROOT)} points to {path}, which is not there"
        assert path.is_relative_to(ROOT), f"{page.relative_to(ROOT)} points out of the repository"
        if anchor:
            assert anchor in anchors(path), f"{page.relative_to(ROOT)} points to #{anchor}, which {path} has not"


def test_every_page_is_linked_from_the_index_or_from_the_index_of_runbooks():
    indices = (DOCS / "README.md", DOCS / "runbooks" / "README.md")
    linked = {path for index in indices for path, _ in links(index)}
    assert {page for page in DOCS.rglob("*.md") if page not in linked} == {DOCS / "README.md"}


def test_the_links_that_are_checked_are_those_that_a_reader_sees(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A `word`, and\n[one](a.md#b) `[no](c.md)` [`two`](d.md 'title') <https://e.example>\n"
        "\n    [no](f.md)\n\n```\n[no](g.md)\n# no\n```\n[three](https://h.example) [four](#a-word-and)\n[5]: i.md\n"
    )
    assert [(path.name, anchor) for path, anchor in links(page)] == [
        ("a.md", "b"),
        ("d.md", ""),
        ("page.md", "a-word-and"),
        ("i.md", ""),
    ]
    assert anchors(page) == {"a-word-and"}

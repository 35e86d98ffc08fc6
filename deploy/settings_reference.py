"""`.env.example` and the reference page, written from the declarations: `python -m deploy.settings_reference`."""

import textwrap
from itertools import chain
from typing import Any

from deploy.compose.settings import ComposeSettings
from deploy.local.settings import PLACES, ROOT, LocalSettings
from service.settings import Setting, Settings
from service.settings.declaration import Derived, Group

EXAMPLE = ROOT / ".env.example"
PAGE = ROOT / "docs" / "reference" / "settings.md"
_WIDTH = 118

_EXAMPLE_HEAD = """\
# Every setting, with its default. Copy this file to .env and remove the # before what you change: `make run`, the other
# targets and Compose read it. What is set in the environment itself goes before it.
# The same list as a table: docs/reference/settings.md. `make settings` writes both.
"""

_PAGE_HEAD = """\
# Settings

Environment variables; `make run`, the other targets and Compose read them also from a file `.env` in the root, for
which `.env.example` is the pattern. What is set in the environment itself goes before the file, and an empty value is
none. A value that cannot be is named at the start, and nothing starts. Each replica logs the settings in force when it
starts, secrets masked.

Written by `make settings` from the declarations in `service/settings/replica.py`, `deploy/settings.py`,
`deploy/local/settings.py` and `deploy/compose/settings.py`.
"""


def declared() -> dict[str, Setting[Any]]:
    """Give every declared setting by its variable, in the order of the reference."""
    everywhere = chain(LocalSettings.declarations(), ComposeSettings.declarations(), Settings.declarations())
    once = {one.name: one for one in everywhere}
    return dict(sorted(once.items(), key=lambda item: list(Group).index(item[1].group)))


def example() -> str:
    """Give the text of `.env.example`."""
    sections = [_EXAMPLE_HEAD]
    for group in Group:
        rule = "-" * (_WIDTH - 14 - len(group))
        sections.append(f"# --- {group} {rule}\n")
        sections += [_lines(name, default, words) for name, default, _, _, words in _rows(group)]
    return "\n".join(sections)


def page() -> str:
    """Give the text of the reference page."""
    return "\n".join([_PAGE_HEAD, *map(_table, Group)])


def main() -> None:
    """Write both files."""
    for path, text in ((EXAMPLE, example()), (PAGE, page())):
        path.write_text(text, "utf-8")
        print(path)


def _lines(name: str, default: str, words: str) -> str:
    wrapped = textwrap.wrap(words.replace("`", ""), _WIDTH - 2, break_on_hyphens=False)
    literal = default.strip("`") if default.startswith("`") and "$" not in default else ""
    return "\n".join([*(f"# {line}" for line in wrapped), f"#{name}={literal}", ""])


def _table(group: Group) -> str:
    head = [f"## {group}", "", "| Variable | Default | Accepts | Read by | Meaning |", "|---|---|---|---|---|"]
    rows = [
        f"| `{name}` | {default} | {accepts} | {readers} | {words} |"
        for name, default, accepts, readers, words in _rows(group)
    ]
    return "\n".join([*head, *rows, ""])


def _rows(group: Group) -> list[tuple[str, str, str, str, str]]:
    """Give variable, default, kind, readers and words of each setting of a group."""
    rows = []
    for name, one in declared().items():
        if one.group is group:
            rows.append((name, _default(one), one.kind.expected, _readers(one), one.words))
            if one.in_file:
                rows.append((f"{name}_FILE", "none", "a path", _readers(one), one.in_file))
    return rows


def _default(one: Setting[Any]) -> str:
    if isinstance(one.default, Derived):
        return one.default.words
    return f"`{one.default_text}`" if one.default_text else "none"


def _readers(one: Setting[Any]) -> str:
    names = {
        "replicas": Settings.declarations(),
        "`make run`": (*LocalSettings.declarations(), *PLACES),
        "Compose": ComposeSettings.declarations(),
    }
    return ", ".join(reader for reader, read in names.items() if one.name in {each.name for each in read})


if __name__ == "__main__":
    main()

"""Names of models and versions: parsed or refused, so that no name can leave the store's root."""

import re
from typing import Self

from model_store.errors import BadName

_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}", re.ASCII)
LARGEST_VERSION = 2**63 - 1


class ModelName(str):
    """A model's name: 1 to 128 ASCII letters, digits, ``.``, ``_``, ``-``, starting with a letter or digit."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Return the name itself. Raises BadName."""
        if not isinstance(text, str) or not _MODEL_NAME.fullmatch(text):
            raise BadName(
                f"{str(text)[:128]!r} is not a model name: expected 1 to 128 ASCII letters, digits, '.', '_' or '-', "
                "starting with a letter or a digit"
            )
        return super().__new__(cls, text)


def parse_version(text: str | int) -> int:
    """Return a version number from 1 to 2**63 - 1. Raises BadName for anything else."""
    number = text if isinstance(text, int) else int(text) if re.fullmatch(r"[0-9]{1,19}", text, re.ASCII) else 0
    if not 1 <= number <= LARGEST_VERSION:
        raise BadName(f"{str(text)[:40]!r} is not a version: expected a whole number of 1 or more")
    return number


def parse_label(text: str) -> str:
    """Return a label or channel name. Raises BadName if it is none."""
    if not _LABEL.fullmatch(text):
        raise BadName(f"{text[:64]!r} is not a label: expected a letter, then at most 63 letters, digits, '_' or '-'")
    return text

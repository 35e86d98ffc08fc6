"""How a setting is declared: name, default, kind and words in one place, from which everything else follows.

A class of settings holds declarations. An object of it holds their values, complete and frozen:

    class Limits(Declared):
        max_rows = setting("MAX_ROWS", 100_000, whole(1, 10_000_000), "The most rows.", group=Group.LIMITS)

    Limits({"MAX_ROWS": "5"}).max_rows   # 5, an int to mypy too
    Limits.max_rows.name                 # "MAX_ROWS"
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, Never, NoReturn, TypeVar, overload

from service.settings.kinds import Kind, written

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_URL = re.compile(r"(\w[\w+.-]*://)(?:([^:@/?#]*)(:[^@/?#]*)?@)?([^:@/?#]*(?::\d+)?(?:/[^@?#]*)?)(\?[^@]*)?")
_MASK = "***"


class BadSetting(ValueError):
    """Settings are missing or cannot be what they say; each line of the message names a variable."""


class Group(StrEnum):
    """The sections of the reference, in its order."""

    LISTENING = "Where it listens"
    LIMITS = "How much it takes"
    MODELS = "Models"
    ACCESS = "Access"
    TELLING = "What it tells"
    REPLICA = "Set by the stack for each replica"
    LOCAL = "The local stack alone"
    COMPOSE = "Compose alone"


@dataclass(frozen=True, slots=True)
class Derived(Generic[T_co]):
    """A default that follows from other settings' values, by their variables, or from the machine; and its words."""

    words: str
    value: Callable[[Mapping[str, Any]], T_co]


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """One declaration. As an attribute it is itself on the class, and its value on an object.

    ``in_file`` has words where ``<name>_FILE`` may name a file with the value; ``secret`` values are masked in the log.
    """

    name: str
    default: T | Derived[T]
    kind: Kind[T]
    words: str
    group: Group
    secret: bool = False
    in_file: str = ""

    @overload
    def __get__(self, instance: None, owner: type) -> "Setting[T]": ...
    @overload
    def __get__(self, instance: "Declared", owner: type) -> T: ...
    def __get__(self, instance: "Declared | None", owner: type) -> "Setting[T] | T":
        if instance is None:
            return self
        value: T = instance.values[self.name]
        return value

    def __set__(self, instance: "Declared", value: Never) -> NoReturn:
        raise AttributeError(f"{self.name} is read once, and stays")

    @property
    def default_text(self) -> str:
        """The default as one would write it; empty if there is none, or it is derived."""
        return "" if isinstance(self.default, Derived) else written(self.default)

    def fault(self, given: str) -> str:
        """Say what is wrong with the text; empty if nothing is."""
        try:
            self.kind.read(given)
        except ValueError:
            return f"{self.name} is {_MASK if self.secret else repr(given)}: expected {self.kind.expected}"
        return ""

    def value(self, given: str, others: Mapping[str, Any]) -> T | None:
        """Give the value of a text without fault, or the default if it is blank."""
        if given.strip():
            return self.kind.read(given)
        if isinstance(self.default, Derived):
            return self.default.value(others)
        return None if self.default is None else self.kind.read(written(self.default))

    def shown(self, value: object) -> str:
        """Write a value for the log: a secret one without what is secret in it."""
        return masked(written(value)) if self.secret else written(value)


setting = Setting
"""Declare a setting: the word for a class's body."""


class Declared:
    """Values of the settings that a class declares. Raises BadSetting with all that is wrong."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        given = {declared.name: _given(declared, texts) for declared in self.declarations()}
        faults = [declared.fault(given[declared.name]) for declared in self.declarations() if given[declared.name]]
        if found := "\n".join(filter(None, faults)):
            raise BadSetting(found)
        values: dict[str, Any] = {}
        for declared in self.declarations():
            values[declared.name] = declared.value(given[declared.name], values)
        self.values: Mapping[str, Any] = MappingProxyType(values)
        """Each variable's value."""

    @classmethod
    def declarations(cls) -> Iterator[Setting[Any]]:
        """Yield the class's settings, in order, after those of the classes that it extends."""
        for owner in reversed(cls.__mro__):
            yield from (declared for declared in vars(owner).values() if isinstance(declared, Setting))

    def shown(self) -> dict[str, str]:
        """Give every variable and its value in force as text, secrets masked."""
        return {declared.name: declared.shown(self.values[declared.name]) for declared in self.declarations()}


def masked(secret: str) -> str:
    """Give a URL without its password and parameters; of anything else, give nothing away."""
    if not (parts := _URL.fullmatch(secret)):
        return _MASK if secret else ""
    scheme, user, password, rest, parameters = parts.groups()
    who = f"{user}{f':{_MASK}' if password else ''}@" if user is not None else ""
    return f"{scheme}{who}{rest}{f'?{_MASK}' if parameters else ''}"


def _given(declared: Setting[Any], texts: Mapping[str, str]) -> str:
    """Give the text of a setting, from the file that ``<name>_FILE`` names if there is one; blank if none is."""
    file = texts.get(f"{declared.name}_FILE", "") if declared.in_file else ""
    given = (_content(declared, Path(file)) if file else "") or texts.get(declared.name, "")
    return given if given.strip() else ""


def _content(declared: Setting[Any], file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        reason = f"it cannot be read ({error.strerror})"
        raise BadSetting(f"{declared.name}_FILE is {str(file.absolute())!r}: {reason}") from error

"""Objects that hold several rows: KServe's instances that are small tables, and ``inputs`` with values by column.

They are read as pandas makes a DataFrame of them. A list has a value for each row; a lone value next to lists is the
same in every row. Or all columns are objects of values by index, which is how ``DataFrame.to_dict()`` writes them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from model_store.request_errors import Fault, InvalidInput, few
from model_store.validation.bounds import check_rows
from model_store.validation.words import show
from service.dialects.tfserving.texts import is_b64


class Table(NamedTuple):
    """An object's ``columns``, each with a value for every row, and what it takes to name their places in the request.

    ``lone`` has the columns for which one value was sent; ``keys`` the rows' names if columns are objects.
    """

    place: str
    columns: Mapping[str, Sequence[Any]]
    rows: int
    lone: AbstractSet[str]
    keys: Sequence[str]

    def locate(self, row: int, name: str) -> str:
        """Return the place of a column's value in a row."""
        if name in self.lone:
            return f"{self.place}.{name}"
        return f"{self.place}.{name}.{self.keys[row][:64]}" if self.keys else f"{self.place}.{name}[{row}]"


def is_object(value: Any) -> bool:
    """Return whether a JSON value is an object that stands for no text."""
    return isinstance(value, dict) and not is_b64(value)


def is_table(found: Mapping[str, Any]) -> bool:
    """Return whether an object has values for several rows: a list, or nothing but objects."""
    return list in set(map(type, found.values())) or _by_index(found)


def table(found: Mapping[str, Any], place: str, most: int) -> Table:
    """Return the table that an object is, which stands at ``place``.

    Raises InvalidInput if its columns do not fit together or are empty, and PayloadTooLarge if it has more than
    ``most`` rows.
    """
    made = _indexed(found, place, most) if _by_index(found) else _listed(found, place, most)
    if not made.rows:
        raise InvalidInput.of(Fault(place, "at least one row", "none"))
    return made


def to_dict_form(found: Mapping[str, Any], names: Collection[str]) -> str:
    """Return a hint if an object without the columns' names is a DataFrame in a form that is not read, else nothing."""
    orient = ""
    if {"columns", "data"} <= found.keys():
        orient = "split"
    elif found and all(isinstance(value, dict) and value and value.keys() <= set(names) for value in found.values()):
        orient = "index"
    if not orient:
        return ""
    return (
        f"; this looks like DataFrame.to_dict(orient='{orient}'): send that of orient='records' as 'instances', "
        "or that of orient='list' as 'inputs'"
    )


def _by_index(found: Mapping[str, Any]) -> bool:
    return bool(found) and all(map(is_object, found.values()))


def _indexed(found: Mapping[str, Any], place: str, most: int) -> Table:
    name, first = next(iter(found.items()))
    check_rows(len(first), most)
    wanted = f"the {len(first)} keys that {name[:64]} has"
    _refuse(place, (Fault(f"{place}.{n}", wanted, "others") for n, v in found.items() if v.keys() != first.keys()))
    columns = {column: [value[key] for key in first] for column, value in found.items()}
    return Table(place, columns, len(first), frozenset(), tuple(first))


def _listed(found: Mapping[str, Any], place: str, most: int) -> Table:
    lists = {name: value for name, value in found.items() if isinstance(value, list)}
    rows = max(map(len, lists.values()), default=1 if found else 0)
    check_rows(rows, most)
    wanted = f"a list of {rows} values"
    _refuse(place, (Fault(f"{place}.{n}", wanted, show(v)) for n, v in lists.items() if len(v) != rows))
    columns = {name: lists[name] if name in lists else [value] * rows for name, value in found.items()}
    return Table(place, columns, rows, found.keys() - lists.keys(), ())


def _refuse(place: str, faults: Iterable[Fault]) -> None:
    found = few(faults)
    if found:
        raise InvalidInput(f"{place}: all columns must have values for the same rows", found)

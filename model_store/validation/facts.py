"""What validation wants to know of a schema at every request."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from model_store.batch import Array
from model_store.remembered import remembered
from model_store.schema import Schema
from model_store.validation.ranges import limits, outside


@dataclass(frozen=True, slots=True)
class Facts:
    """What is worth knowing about a schema at every request.

    ``nullable``, ``lowest`` and ``highest`` have one entry for each column; the latter matter if the schema is
    ``bounded``. ``optional`` are the names of the columns that may be left out. ``values_of`` takes a record apart, and
    raises KeyError if it lacks any other.
    """

    schema: Schema
    width: int
    names: tuple[str, ...]
    values_of: Callable[[Any], tuple[Any, ...]]
    pack: Callable[..., bytes]
    homogeneous: bool
    dtype: np.dtype[Any]
    closed: bool
    nullable: npt.NDArray[np.bool_]
    optional: frozenset[str]
    bounded: bool
    lowest: Array
    highest: Array

    def allows(self, matrix: Array) -> bool:
        """Return whether every number is finite and in its column's range, or NaN where its column may have gaps."""
        if self.bounded and outside(matrix, self.lowest, self.highest).any():
            return False
        if matrix.dtype.kind != "f" or np.isfinite(matrix).all():
            return True
        return bool((np.isfinite(matrix) | (np.isnan(matrix) & self.nullable)).all())


@remembered
def facts_of(schema: Schema) -> Facts:
    """Return the facts of a schema."""
    names, columns = schema.names, schema.columns
    ranges = np.array([limits(column) for column in columns]).reshape(-1, 2)
    dtype = np.dtype(columns[0].dtype if schema.homogeneous else object)
    optional = frozenset(column.name for column in columns if column.optional)
    return Facts(
        schema=schema,
        width=len(columns),
        names=names,
        values_of=_values_of(names, optional),
        pack=struct.Struct(f"{len(columns)}d").pack,
        homogeneous=schema.homogeneous,
        dtype=dtype,
        closed=any(column.closed for column in columns),
        nullable=np.array([column.nullable for column in columns], dtype=bool),
        optional=optional,
        bounded=any(column.bounded for column in columns),
        lowest=ranges[:, 0],
        highest=ranges[:, 1],
    )


def _values_of(names: tuple[str, ...], optional: frozenset[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what takes a record apart: without optional columns, in one step of C."""
    if optional:
        return lambda record: tuple(record.get(name) if name in optional else record[name] for name in names)
    return itemgetter(*names) if len(names) > 1 else lambda record: tuple(record[name] for name in names)

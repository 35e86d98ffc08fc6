"""What validation wants to know of a schema at every request."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from model_store.batch import Array
from model_store.schema import Schema
from model_store.validation.per_schema import per_schema


@dataclass(frozen=True, slots=True)
class Facts:
    """What is worth knowing about a schema at every request. ``nullable`` has one entry for each column."""

    schema: Schema
    width: int
    names: tuple[str, ...]
    values_of: Callable[[Any], tuple[Any, ...]]
    pack: Callable[..., bytes]
    homogeneous: bool
    dtype: np.dtype[Any]
    closed: bool
    nullable: npt.NDArray[np.bool_]

    def allows(self, matrix: Array) -> bool:
        """Return whether every number is finite, or NaN where its column may have missing values."""
        if matrix.dtype.kind != "f" or np.isfinite(matrix).all():
            return True
        return bool((np.isfinite(matrix) | (np.isnan(matrix) & self.nullable)).all())


@per_schema
def facts_of(schema: Schema) -> Facts:
    """Return the facts of a schema."""
    names, columns = schema.names, schema.columns
    return Facts(
        schema=schema,
        width=len(columns),
        names=names,
        values_of=itemgetter(*names) if len(names) > 1 else lambda record: tuple(record[name] for name in names),
        pack=struct.Struct(f"{len(columns)}d").pack,
        homogeneous=schema.homogeneous,
        dtype=np.dtype(columns[0].dtype if schema.homogeneous else object),
        closed=any(column.closed for column in columns),
        nullable=np.array([column.nullable for column in columns], dtype=bool),
    )

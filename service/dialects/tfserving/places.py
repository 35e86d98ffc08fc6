"""The places of a request's values: what they are called, what they are in the schema, and the words for the wrong."""

from collections.abc import Sequence
from itertools import starmap
from typing import Any, NamedTuple

from model_store.request_errors import Fault, InvalidInput, with_hint
from model_store.schema import Column
from model_store.validation.words import Locate
from service.dialects.tfserving import words
from service.dialects.tfserving.signatures import Input, Signatures


class Tensor(NamedTuple):
    """What a request has for an input, a value for each row, and the key under which it has it.

    ``rows`` is the member that has the list of rows; empty where the request has columns.
    """

    input: Input
    values: Sequence[Any]
    key: str = ""
    rows: str = ""

    def row(self, row: int) -> str:
        """Return the place of a row's value."""
        dotted = f".{self.key}" if self.key else ""
        return f"{self.rows}[{row}]{dotted}" if self.rows else f"inputs{dotted}[{row}]"

    def value(self, row: int, column: int) -> str:
        """Return the place of one column's value in a row."""
        return f"{self.row(row)}[{column}]" if self.input.row_shape else self.row(row)

    def words(self, row: int, column: Column, place: int) -> str | None:
        """Return TensorFlow Serving's sentence about a row, which has the column's value at ``place``."""
        if not self.rows:
            return words.of_column(self.values, row, column, place)
        said = words.of_row(self.values, row, column, place)
        return said and words.of_element(self.rows, row, f" key: {self.key}" if self.key else "", said)


class Places:
    """Names places in the tensors of a request, and remembers which row and column of the schema each name is."""

    def __init__(self, known: Signatures, tensors: Sequence[Tensor], locate: Locate | None) -> None:
        self._known, self._tensors, self._locate = known, tensors, locate
        self._named: dict[str, tuple[int, int]] = {}

    def row(self, row: int) -> str:
        """Name a row of the only tensor."""
        return self._remember(self._tensors[0].row(row), row, 0)

    def value(self, row: int, column: int) -> str:
        """Name a value."""
        tensor, place = self._tensor(column)
        return self._remember(self._locate(row, column) if self._locate else tensor.value(row, place), row, column)

    def error(self, faults: Sequence[Fault]) -> InvalidInput:
        """Return the error with these faults, in TensorFlow Serving's words about the first that it has any for."""
        found = sorted(self._named[fault.location] for fault in faults if fault.location in self._named)
        said = next(filter(None, starmap(self._words, found)), None)
        return InvalidInput(with_hint(said, faults), faults) if said else InvalidInput.of(*faults)

    def _words(self, row: int, column: int) -> str | None:
        tensor, place = self._tensor(column)
        return tensor.words(row, self._known.schema.columns[column], place)

    def _tensor(self, column: int) -> tuple[Tensor, int]:
        """Return the tensor that has a column, and where a row of it has the column's value."""
        return (self._tensors[0], column) if self._known.only else (self._tensors[column], 0)

    def _remember(self, name: str, row: int, column: int) -> str:
        self._named[name] = (row, column)
        return name

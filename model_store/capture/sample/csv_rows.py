"""Rows of a CSV file as text, by the rules of CSV bodies. What they are, the model shows."""

from dataclasses import dataclass

from model_store.codecs import csv
from model_store.errors import BadSample
from model_store.request_errors import RequestError


@dataclass(frozen=True, slots=True)
class CsvRows:
    """The fields of a CSV file: ``lines`` are all its lines, of which the first is the header if it has one."""

    lines: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.lines) - (not self.headless)

    @property
    def headless(self) -> bool:
        """Return whether the first line is one of numbers that are not the column numbers 0, 1, 2, …."""
        first = self.lines[0]
        return all(map(csv.is_number, first)) and list(first) != [str(i) for i in range(len(first))]

    def named(self, fitted: tuple[str, ...] | None) -> dict[str, tuple[str, ...]]:
        """Return the columns by name. A header of numbers is one if the estimator was ``fitted`` on such names.

        Raises BadSample if two have one name.
        """
        first, rest = self.lines[0], self.lines[1:]
        if self.headless and not (fitted is not None and set(fitted) <= set(first)):
            first, rest = tuple(f"x{i}" for i in range(len(first))), self.lines
        if len(set(first)) < len(first):
            raise BadSample("two columns of the sample have the same name")
        return dict(zip(first, zip(*rest, strict=True), strict=True)) if rest else {}


def read(body: bytes) -> CsvRows:
    """Return the rows of a CSV file. Raises BadSample."""
    try:
        header, rows = csv.read_lines(body)
    except RequestError as error:
        raise BadSample(str(error)) from error
    return CsvRows((tuple(header), *map(tuple, rows)))

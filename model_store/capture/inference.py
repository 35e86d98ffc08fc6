"""From a fitted estimator and sample rows to a schema, and the sample as a batch of that schema."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from model_store.batch import Array, Batch, batch_of, take
from model_store.capture import outputs
from model_store.capture.categories import as_category_columns, encoded_categories, with_categories
from model_store.capture.columns.table import read_columns
from model_store.capture.gaps import TRIAL_ROWS, marked, with_gaps, with_learned_markers
from model_store.capture.layouts import as_called, fitted_names, layouts, order, selected, takes_texts
from model_store.capture.learned.places import Gaps
from model_store.capture.learned.routes import learned_categories, learned_gaps
from model_store.capture.options import UnknownCategories
from model_store.capture.sample.csv_rows import CsvRows
from model_store.capture.sample.csv_types import typed
from model_store.capture.sample.samples import Rows
from model_store.capture.tasks import task
from model_store.declaration.declaring import declare, declared_types, resolved, served
from model_store.declaration.document import Declaration, read
from model_store.errors import BadSample
from model_store.schema import Output, Schema


@dataclass(frozen=True, slots=True)
class Inferred:
    """A schema, the whole sample as its batch, and the sample as the caller's own call of the estimator takes it."""

    schema: Schema
    batch: Batch
    rows: Any


def infer(
    estimator: Any,
    sample: Rows | CsvRows,
    unknown_categories: UnknownCategories = "accept",
    declared: Mapping[str, Any] | None = None,
) -> Inferred:
    """Return the schema of an estimator, read from sample rows; what is ``declared`` beats what they show.

    Raises BadSample if sample and estimator do not fit each other, BadSchema if what is declared does not fit them.
    """
    if isinstance(sample, CsvRows):
        return _infer_csv(estimator, sample, unknown_categories, declared)
    rows, declaration = selected(estimator, sample), read(declared or {})
    closed = unknown_categories == "refuse"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about feature names and the like: what matters is compared later
        width = rows.shape[1] if rows.ndim > 1 else 1
        learned, native = learned_gaps(estimator, width), learned_categories(estimator, width)
        rows = as_category_columns(rows, native)
        schema, values = _first_that_answers(estimator, rows, learned)
        schema, values = with_gaps(estimator, schema, values, learned)
        schema = with_categories(estimator, schema, values, native, closed=closed)
        _check_types_are_known(schema, values, declaration)
        schema, values = declare(estimator, schema, values, declaration, closed=closed)
        batch = batch_of(schema, values)
        schema = replace(schema, outputs=served(outputs.discover(estimator, schema, batch), declaration))
    called = as_called(schema.layout, with_learned_markers(schema, rows))
    return Inferred(replace(schema, order=order(called)), batch, called)


def _check_types_are_known(schema: Schema, values: Sequence[Array], declaration: Declaration) -> None:
    """Raise BadSample for a column of objects without any value, unless an encoder or a declaration tells its type."""
    for column, declared, array in zip(schema.columns, resolved(schema, declaration), values, strict=True):
        untold = column.held == "object" and not column.categories and declared.type is None
        if untold and all(value is None for value in array.tolist()):
            raise BadSample(
                f"column {column.name!r} has no value in the sample, so that its type is not known: give a sample with "
                "some, or declare its type"
            )


def _infer_csv(
    estimator: Any, sample: CsvRows, unknown_categories: UnknownCategories, declared: Mapping[str, Any] | None
) -> Inferred:
    fitted = fitted_names(estimator)
    names = fitted or tuple(sample.named(None))
    types = declared_types(names, read(declared or {}))
    known = {name: found.categories or () for name, found in encoded_categories(estimator, names).items()}
    if takes_texts(estimator):
        types = dict.fromkeys(names, "string") | types
    rows = typed(sample, fitted, known, types)
    selected(estimator, rows)  # columns that are not there are no matter of types
    try:
        return infer(estimator, rows, unknown_categories, declared)
    except BadSample as error:
        raise BadSample(
            f"{error}. CSV says no types, and this sample was read as what its fields look like: if a column was "
            "fitted as dates, categories or another type, declare the type or give the sample as Parquet"
        ) from error


def _first_that_answers(estimator: Any, rows: Rows, learned: Gaps) -> tuple[Schema, list[Array]]:
    first_error: BadSample | None = None
    for layout in layouts(estimator, rows):
        columns, values = read_columns(layout, rows)
        draft = Schema(layout, marked(columns, learned), (Output("predict", "float64"),), task(estimator))
        try:
            few = take(batch_of(draft, values), np.arange(min(len(rows), TRIAL_ROWS)))
            return replace(draft, outputs=outputs.discover(estimator, draft, few)), values
        except BadSample as error:
            first_error = first_error or error
    raise first_error or BadSample("no layout fits the sample")

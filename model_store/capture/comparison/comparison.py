"""Is what is served what the publisher's estimator answers? All outputs, through every format of a request."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from model_store.batch import Array, Batch, take
from model_store.capture.comparison.difference import changed, lost_in_format, lost_in_schema
from model_store.capture.comparison.formats import FORMATS, Format, carried, some
from model_store.capture.inference import Inferred
from model_store.engines.equality import identical, unlike
from model_store.engines.estimator import EstimatorEngine
from model_store.reference.golden import Golden
from model_store.request_errors import RequestError
from model_store.schema import Schema

_CELLS = 20_000
"""Values that each format is tried with: 64 rows of up to 312 columns."""
_UNWRITABLE = (pa.ArrowException, TypeError, ValueError, NotImplementedError)
Warn = Callable[[str], None]


def check_answers(
    estimator: Any, inferred: Inferred, kept: Golden, warn: Warn, forms: Sequence[Format] = FORMATS
) -> None:
    """Check that rows which came through the schema, and through each format, get the publisher's own answers.

    ``kept`` are the publisher's. What a format cannot say is told to ``warn``. Raises BadSample with the output, the
    column, both values and what to do.
    """
    schema, outputs = inferred.schema, tuple(kept.answers)
    engine = EstimatorEngine(estimator, schema)
    engine.compare_floats(kept.batch, kept.answers)
    predict = partial(engine.predict, outputs=outputs)
    wrong = unlike(predict(kept.batch), kept)
    if wrong:
        raise lost_in_schema(estimator, inferred, wrong)
    batch = some(schema, kept.batch, _CELLS)
    for form in forms:
        rows = carried(form, schema, batch)
        if len(rows):
            _check_format(form, schema, take(batch, rows), predict, warn)


def _check_format(
    form: Format, schema: Schema, batch: Batch, predict: Callable[[Batch], Mapping[str, Array]], warn: Warn
) -> None:
    try:
        read = form.through(schema, batch)
    except RequestError as error:
        return warn(f"{form.name} cannot carry these rows: {error}")
    except _UNWRITABLE as error:
        return warn(f"{form.name} cannot be written from these rows: {' '.join(str(error).split())[:200]}")
    if not changed(schema, batch, read):
        return None
    right, found = predict(batch), predict(read)
    wrong = next((name for name in right if not identical(found[name], right[name])), "")
    if wrong:
        raise lost_in_format(form.name, schema, (batch, read), lambda rows: predict(rows)[wrong], wrong)
    return None

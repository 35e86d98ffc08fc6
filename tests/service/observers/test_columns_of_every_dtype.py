"""A published sample of each dtype that pandas has falls into the bins as its own profile says."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from model_store.capture.inference import infer
from model_store.capture.recording import profile_of
from model_store.capture.sample import samples
from service.observers.bins import MISSING, plan, references

ROWS = 120
NUMBERS = np.random.default_rng(0).integers(0, 50, ROWS)
GAPS = np.arange(ROWS) % 7 == 0
DAYS = pd.date_range("2020-01-01", periods=ROWS)


def gapped(values, dtype):
    return pd.array([None if gap else value for gap, value in zip(GAPS, values, strict=True)], dtype=dtype)


COLUMNS = {
    "float64": (NUMBERS / 3, "00"),
    "float32 with gaps": (np.where(GAPS, np.nan, NUMBERS).astype("float32"), "00"),
    "Int64 with gaps": (gapped(NUMBERS.tolist(), "Int64"), "00"),
    "Int64 ids with gaps": (gapped([2**60 + i for i in range(ROWS)], "Int64"), "digits 15-24"),
    "int64[pyarrow]": (pd.array(NUMBERS, dtype="int64[pyarrow]"), "00"),
    "boolean with gaps": (gapped((NUMBERS < 10).tolist(), "boolean"), "00 False"),
    "datetimes with a zone": (DAYS.as_unit("us").tz_localize("Europe/Oslo"), "00"),
    "datetimes in seconds": (DAYS.as_unit("s"), "00"),
    "timedeltas": (pd.to_timedelta(NUMBERS, unit="s"), "00"),
    "strings with gaps": (gapped([f"p{i}@example.org" for i in range(ROWS)], "str"), "marks 11-20"),
    "categories": (pd.Categorical(["Oslo", "Rome", "Rome"] * 40), "00 Rome"),
    "whole numbers as categories": (pd.Categorical([1, 2, 2] * 40), "00 2"),
    "days as categories": (pd.Categorical(DAYS[[0, 1, 1] * 40]), "00"),
    "addresses as categories": (pd.Categorical(["a@example.org", "b@example.org"] * 60), "marks 10-17"),
}


@pytest.mark.parametrize(("values", "first"), COLUMNS.values(), ids=COLUMNS)
def test_the_sample_falls_into_the_bins_as_its_profile_says(values, first):
    frame = pd.DataFrame({"x": values})
    model = DummyClassifier().fit(frame, np.arange(ROWS) % 2)
    inferred = infer(model, samples.laid_out(frame))
    (column,) = inferred.schema.columns
    binned, *_ = plan(profile_of(model, inferred), {"x": column.categories}, ("x",))
    found = binned.count(inferred.batch.column(inferred.schema, 0))
    there = ROWS - found.get(MISSING, 0)
    shares = {name: found.get(name, 0) / (ROWS if name == MISSING else there) for name, _ in references(binned)}
    assert binned.bins[0] == first
    assert shares == pytest.approx(dict(references(binned)))
    assert sum(found.values()) == ROWS

"""Errors that are planted in the edges of bins, in categories and in labels are seen by the publish check."""

from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, StandardScaler

from tests.model_store.proof.cases import case, judged, numbers, spoiled, with_array

ROWS, _, TARGET = numbers()
KINDS = np.random.default_rng(0).choice(["ant", "bee", "cat"], len(ROWS))
TABLE = pd.DataFrame(ROWS[:, :2], columns=["a", "b"]).assign(kind=KINDS)


def told(given, compiler):
    facts = judged(given, compiler)
    assert facts["chosen"] != "compiled"
    return facts["each"]["compiled"]["why_not"]


def moved(step):
    """Move the last edge of each column to the next number."""
    edges = step.arrays["edges"].copy()
    edges[:, -1] = np.nextafter(edges[:, -1], np.inf)
    return with_array(step, "edges", edges)


def one_further(step):
    """Give each category the place of the next one."""
    places = {name: np.roll(values, 1) for name, values in step.arrays.items() if name.startswith("places_")}
    assert places
    return replace(step, arrays={**step.arrays, **places})


def unknown_is_the_first(step):
    return with_array(step, "others", np.zeros_like(step.arrays["others"]))


def test_an_edge_that_is_one_number_off_is_seen_where_rows_stand_on_it():
    bins = case(KBinsDiscretizer(4, encode="ordinal").fit(ROWS), ROWS)
    assert judged(bins)["chosen"] == "compiled"
    assert "hard values: row " in told(bins, spoiled("bins", moved))


def test_an_edge_behind_a_scaler_is_seen_in_the_space_of_the_bins():
    behind = make_pipeline(StandardScaler(), KBinsDiscretizer(4, encode="ordinal")).fit(ROWS)
    assert told(case(behind, ROWS), spoiled("bins", moved)).startswith("KBinsDiscretizer alone: ")


def test_a_wrong_table_of_categories_is_seen():
    columns = ColumnTransformer([("numbers", StandardScaler(), ["a", "b"]), ("kind", OneHotEncoder(), ["kind"])])
    model = case(make_pipeline(columns, LogisticRegression()).fit(TABLE, TARGET), TABLE)
    assert judged(model)["chosen"] == "compiled"
    assert told(model, spoiled("one_hot", one_further)).startswith("golden rows: row ")


def test_an_unknown_category_that_is_taken_for_a_known_one_is_seen():
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(TABLE[["kind"]])
    model = case(encoder, TABLE[["kind"]])
    assert judged(model)["each"]["compiled"]["equal"]
    assert told(model, spoiled("look_up", unknown_is_the_first)).startswith("single hard values: row ")

"""Invented tables and small pipelines over them, as recipes that read well when one fails."""

import operator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder
from sklearn.tree import DecisionTreeRegressor

from tests.values.case import Case
from tests.values.kinds import CATEGORIES, FLAGS, HOW_LONG, KINDS, NUMBERS, OBJECTS, WHEN, WORDS, gapped

TRAINED, FRESH = 24, 50
NAMES = (
    "a",
    "my age",
    "",
    " ",
    "predict",
    "row",
    "inputs",
    "instances",
    "columns",
    "0",
    "1",
    "Straße 東京",
    "a,b",
    'say "x"',
    "two\nlines",
    "a.b[0]",
    "None",
    "nan",
    "😀",
    "__index_level_0__",
    "long " * 60,
)


NUMBERED = (0, 1, 2, 3, 7, -1, 2**40)
"""Labels that are numbers: scikit-learn takes them among themselves, not next to texts."""


@dataclass(frozen=True)
class Column:
    """One column to be made: its label, its kind in ``KINDS``, and whether it has gaps."""

    label: str | int
    kind: str
    gaps: bool


@dataclass(frozen=True)
class Recipe:
    """A table to be made of a seed, and the pipeline that is fitted to its first rows."""

    columns: tuple[Column, ...]
    pipeline: str
    seed: int

    def frame(self) -> pd.DataFrame:
        """Return the table, rows to train on and fresh ones."""
        rng = np.random.default_rng(self.seed)
        made = [self._column(column, rng) for column in self.columns]
        return pd.concat(made, axis=1, keys=[column.label for column in self.columns])

    @staticmethod
    def _column(column, rng):
        series = KINDS[column.kind](rng, TRAINED + FRESH)
        return gapped(series, rng) if column.gaps else series

    def case(self) -> Case:
        """Return the fitted pipeline with its rows. Raises what scikit-learn raises for rows that it does not take."""
        rows = self.frame()
        target = np.random.default_rng(self.seed).normal(size=TRAINED)
        estimator = PIPELINES[self.pipeline](self).fit(rows[:TRAINED], target)
        return Case(estimator, rows[:TRAINED], rows[TRAINED:])

    def labels(self, *kinds):
        """Return the labels of the columns of some kinds."""
        return [column.label for column in self.columns if any(column.kind in known for known in kinds)]


def texts(_recipe):
    """Show how every value reads."""
    return FunctionTransformer(pd.DataFrame.map, kw_args={"func": repr})


def texts_in_a_tree(_recipe):
    """Learn from how every value reads."""
    return make_pipeline(texts(_recipe), _ordinal(), DecisionTreeRegressor(random_state=0))


def encoded(_recipe):
    """Learn from the values themselves, as encoders compare them."""
    return make_pipeline(OneHotEncoder(handle_unknown="ignore"), DecisionTreeRegressor(random_state=0))


def ordered(_recipe):
    """Learn from the order of the values."""
    return make_pipeline(_ordinal(), DecisionTreeRegressor(random_state=0))


def mixed(recipe):
    """Treat each kind of column as people do."""
    columns = make_column_transformer(
        (SimpleImputer(add_indicator=True), recipe.labels(NUMBERS)),
        (_each(operator.attrgetter("dt.hour")), recipe.labels(WHEN)),
        (_each(operator.methodcaller("astype", "object")), recipe.labels(HOW_LONG)),
        (_each(operator.attrgetter("cat.codes")), recipe.labels(CATEGORIES)),
        (_ordinal(), recipe.labels(FLAGS, WORDS, OBJECTS)),
    )
    return make_pipeline(columns, DecisionTreeRegressor(random_state=0))


def boosted(_recipe):
    """Leave gaps and categories to the estimator."""
    return HistGradientBoostingRegressor(
        categorical_features="from_dtype", max_iter=3, min_samples_leaf=2, random_state=0
    )


PIPELINES = {made.__name__: made for made in (texts, texts_in_a_tree, encoded, ordered, mixed, boosted)}


def _each(look):
    return FunctionTransformer(pd.DataFrame.apply, kw_args={"func": look})


def _ordinal():
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)


kinds = st.sampled_from(sorted(KINDS))


def columns_of(labels):
    """Return one to four columns with different labels of these."""
    column = st.builds(Column, st.sampled_from(labels), kinds, st.booleans())
    return st.lists(column, min_size=1, max_size=4, unique_by=lambda made: made.label).map(tuple)


recipes = st.builds(
    Recipe,
    st.one_of(columns_of(NAMES), columns_of(NAMES), columns_of(NUMBERED)),
    st.sampled_from(sorted(PIPELINES)),
    st.integers(0, 2**32 - 1),
)

"""The reviewed list of what treats each row alone: the bits of its answer are the same in any company.

Reviewed means that its code was read: each number is computed from numbers of the same row alone, by operations that
round each number by itself (IEEE 754) or are called for one number at a time, and sums are added in an order that does
not depend on the number of rows. That leaves out all that calls BLAS, ``numpy.einsum``, and sums over the columns of an
array (``sum(axis=1)``), which NumPy adds in pairs or not depending on how the rows lie in memory.
"""

from collections.abc import Iterable
from typing import Any

from model_store.estimators import SEQUENCES, at, parts
from model_store.plans.plan import CALL, Plan, Step

STEPS = frozenset(
    {
        # sources, checks, arranging, labels
        *("matrix", "column", "finite", "as_float", "cast"),
        *("stack", "by_column", "by_row", "span", "pick", "side_by_side", "most", "above"),
        # trees and ensembles of them
        *("trees", "answers_of_trees", "opposites", "second_less_first", "softmax_in_order", "prepared_for_lightgbm"),
        *("anomaly", "weighted_median", "boosted_votes", "indicators", "over", "minus"),
        # support vectors: a scalar product for each row and vector, sums in the order of the vectors
        *("in_common", "machine", "machines", "voted", "against_rest", "coupled"),
        # numbers
        *("scale", "clip", "binarise", "two", "fill", "missing", "bins", "ones", "sparse_ones"),
        *("products", "yeo_johnson", "box_cox", "quantiles", "isotonic", "difference", "splines", "always"),
        # tables, categories, texts
        *("block", "select", "one_column", "beside", "times", "texts"),
        *("one_hot", "one_hot_sparse", "look_up", "codes", "row_sums", "counts", "hashed", "tfidf"),
        *("dense", "sparse_finite", "sparse_pick", "sparse_beside", "sparse_dot", "sparse_times"),
        # estimators made of others
        *("votes", "counted", "labels_at", "first_most", "more_than", "pairs", "two_shares", "sum", "float_sum"),
        # nearest neighbours: each row walks the tree by itself
        *("nearest", "votes_of_nearest"),
        *("platt", "interpolated", "capped", "calibrated_two", "from_yeo_johnson", "from_quantiles"),
        *("turned", "reshaped", "in_columns", "chained", "gathered"),
    }
)
"""Kinds of steps, whatever their settings are; ``each`` is looked at more closely."""

MULTIPLYING = frozenset(
    {"dot", "project", "similarity", "distances", "nearest_centre", "bernoulli", "quadratic", "normal", "normalise"},
)
"""Kinds of steps whose last bits depend on the number of rows: BLAS multiplies matrices in them, or ``einsum`` does."""

ONE_BY_ONE = frozenset({"dot", "project"})
"""Those of them that ``CompiledEngine.one_by_one`` does for each row by itself, so that none depends on the others."""

FUNCTIONS = frozenset(
    {
        *("absolute", "fabs", "negative", "positive", "sign", "sqrt", "square", "reciprocal", "conjugate"),
        *("ceil", "floor", "rint", "trunc", "isfinite", "isinf", "isnan", "signbit", "logical_not"),
        *("relu", "expit", "expit_capped", "exp_exact", "signed_square"),
    }
)
"""Functions of ``each`` that round exactly, or that call the C library for each number.

NumPy's ``exp``, ``log1p`` and their like have vector code that may be left for numbers that do not lie next to each
other.
"""

PARTS = frozenset(
    {
        *("Pipeline", "ColumnTransformer", "FeatureUnion"),
        *("DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"),
        *("RandomForestClassifier", "RandomForestRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor"),
        *("RandomTreesEmbedding", "IsolationForest"),
        *("SVC", "NuSVC", "SVR", "NuSVR", "OneClassSVM"),
        *("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "Binarizer"),
        *("SimpleImputer", "MissingIndicator", "OneHotEncoder", "OrdinalEncoder", "KBinsDiscretizer"),
        *("PolynomialFeatures", "VarianceThreshold", "SelectKBest"),
    }
)
"""Classes of scikit-learn; a subclass is another class."""

_KERNELS = frozenset({"linear", "poly", "rbf", "sigmoid"})


def in_plan(plan: Plan, estimator: Any, outputs: Iterable[str]) -> set[str]:
    """Return those of the outputs all of whose steps are on the list.

    ``estimator`` has the parts that steps of the plan call; it may be None if they call none.
    """
    return {name for name in outputs if all(_is_listed(plan.steps[p - 1], estimator) for p in plan.needed((name,)))}


def multiplying(plan: Plan, outputs: Iterable[str], kinds: frozenset[str] = MULTIPLYING) -> set[str]:
    """Return those of the outputs that need a step which multiplies matrices, of one of these kinds."""
    return {name for name in outputs if any(plan.steps[p - 1].kind in kinds for p in plan.needed((name,)))}


def is_listed(estimator: Any) -> bool:
    """Return whether an estimator and all estimators inside it are on the list."""
    return all(map(_is_listed_part, parts(estimator, SEQUENCES)))


def _is_listed(step: Step, estimator: Any) -> bool:
    if step.kind == CALL:
        return estimator is not None and is_listed(at(estimator, step.settings["path"]))
    if step.kind == "each":
        return step.settings["name"] in FUNCTIONS
    return step.kind in STEPS


def _is_listed_part(part: Any) -> bool:
    kind = type(part)
    own = kind.__module__.partition(".")[0] == "sklearn" and kind.__name__ in PARTS
    return own and getattr(part, "kernel", "rbf") in _KERNELS

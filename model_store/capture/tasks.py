"""What kind of estimator it is."""

from typing import Any

from model_store.schema import Task


def task(estimator: Any) -> Task:
    """Return what kind of estimator it is, by scikit-learn's own tests."""
    from sklearn import base

    tests: tuple[tuple[Any, Task], ...] = (
        (base.is_classifier, "classifier"),
        (base.is_regressor, "regressor"),
        (base.is_outlier_detector, "outlier_detector"),
        (base.is_clusterer, "clusterer"),
    )
    for test, kind in tests:
        try:
            if test(estimator):
                return kind
        except Exception:  # noqa: BLE001, S112 - estimators without scikit-learn's tags are of no kind
            continue
    return "transformer" if hasattr(estimator, "transform") and not hasattr(estimator, "predict") else "estimator"

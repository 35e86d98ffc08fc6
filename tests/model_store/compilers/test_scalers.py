"""Scalers and other transformers of numbers answer from a plan as scikit-learn does, to the last bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import Binarizer, MaxAbsScaler, MinMaxScaler, Normalizer, RobustScaler, StandardScaler

from model_store.compilers.compilation import NotCompiled
from model_store.compilers.registry import compile_plan
from tests.model_store.compilers.numbers import ROWS, check, schema_of

pytestmark = pytest.mark.filterwarnings("ignore")

CASES: tuple[Any, ...] = (
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False),
    StandardScaler(with_mean=False, with_std=False),
    MinMaxScaler(),
    MinMaxScaler((-3, 2), clip=True),
    MaxAbsScaler(),
    MaxAbsScaler(clip=True),
    RobustScaler(),
    RobustScaler(with_centering=False),
    Normalizer("l1"),
    Normalizer("l2"),
    Normalizer("max"),
    Binarizer(),
    Binarizer(threshold=0.5),
)


@pytest.mark.parametrize("estimator", CASES, ids=str)
def test_a_scaler_answers_the_same_bits(estimator: Any, tmp_path: Path) -> None:
    check(estimator, None, tmp_path)


def test_a_threshold_of_another_type_is_left_to_the_estimator() -> None:
    fitted = Binarizer(threshold=np.float32(0.5)).fit(ROWS)
    with pytest.raises(NotCompiled, match="a threshold of type float32"):
        compile_plan(fitted, schema_of(fitted, ROWS, "C"))

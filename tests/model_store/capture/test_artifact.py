"""Which format an artifact has, what else lies in the folder, and when the estimator is let go of."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from model_store.artifacts.loading import load_own
from model_store.capture.artifact import Owned, write_artifact
from model_store.capture.inference import infer
from model_store.capture.recording import golden_of
from model_store.errors import ArtifactUnreadable

ROWS = np.random.default_rng(0).random((40, 2))


class Doubled(LinearRegression):
    """An estimator of a class that no reviewed list has."""


def written(estimator, folder, wanted):
    inferred = infer(estimator.fit(ROWS, ROWS[:, 0]), ROWS)
    owned = Owned(estimator)
    return owned, write_artifact(owned, inferred.schema, golden_of(estimator, inferred), folder, wanted)


@pytest.mark.parametrize("wanted", ["auto", "skops"])
def test_what_fits_skops_is_skops_alone_and_the_estimator_is_let_go_of(wanted, tmp_path):
    owned, found = written(LinearRegression(), tmp_path, wanted)
    assert (found.format, [path.name for path in tmp_path.iterdir()]) == ("skops", ["artifact.skops"])
    assert owned.estimator is None


def test_what_does_not_fit_skops_is_joblib_alone_and_it_is_said_why(tmp_path):
    _, found = written(Doubled(), tmp_path, "auto")
    assert (found.format, [path.name for path in tmp_path.iterdir()]) == ("joblib", ["artifact.joblib"])
    assert "Doubled" in found.options["why_not_skops"]
    loaded, _ = load_own(tmp_path / "artifact.joblib")
    np.testing.assert_allclose(loaded.predict(ROWS), ROWS[:, 0])


def test_what_is_wanted_as_joblib_is_joblib(tmp_path):
    _, found = written(LinearRegression(), tmp_path, "joblib")
    assert (found.format, dict(found.options)) == ("joblib", {})


def test_what_no_format_holds_is_refused(tmp_path):
    unheld = make_pipeline(FunctionTransformer(lambda rows: rows), LinearRegression())
    with pytest.raises(ArtifactUnreadable, match="joblib cannot hold it"):
        written(unheld, tmp_path, "auto")
    with pytest.raises(ArtifactUnreadable, match="Doubled"):
        written(Doubled(), tmp_path, "skops")
    assert not (tmp_path / "artifact.skops").exists()

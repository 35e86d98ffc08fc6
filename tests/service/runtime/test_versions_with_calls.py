"""A version whose compiled form calls parts of its estimator is served with both."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from model_store.batch import Batch
from model_store.errors import LibraryMismatch
from service.runtime.loader import Loader

DRAWN = np.random.default_rng(5)
TABLE = pd.DataFrame(DRAWN.normal(size=(80, 3)), columns=list("abc")).assign(kind=DRAWN.choice(["x", "y"], 80))
TARGETS = (TABLE["a"] > 0).map({True: "yes", False: "no"})


@pytest.fixture
def published(workshop):
    columns = [("numbers", StandardScaler(), list("abc")), ("kind", OneHotEncoder(sparse_output=False), ["kind"])]
    fitted = make_pipeline(ColumnTransformer(columns), GaussianProcessClassifier()).fit(TABLE, TARGETS)
    workshop.add("mixed", fitted, TABLE)
    return fitted


def test_it_is_loaded_with_its_estimator_and_answers_the_same(workshop, published):
    loader = Loader(workshop.store, workshop.trusted)
    opened = loader.open("mixed", 1, lambda _: None)
    assert opened.plan is not None
    assert opened.estimator is not None
    model = loader.warm(opened, lambda _: None)
    assert model.engine.name == "compiled"
    batch = Batch(80, columns={name: TABLE[name].to_numpy(dtype=object if name == "kind" else None) for name in TABLE})
    answers = model.engine.predict(batch, ["predict", "predict_proba"])
    assert answers["predict_proba"].tobytes() == published.predict_proba(TABLE).tobytes()
    assert answers["predict"].tolist() == published.predict(TABLE).tolist()


@pytest.mark.usefixtures("published")
def test_it_needs_the_libraries_that_made_it(workshop):
    workshop.seal_again("mixed", 1, libraries={"scikit-learn": "0.1.0"})
    with pytest.raises(LibraryMismatch):
        Loader(workshop.store, workshop.trusted).open("mixed", 1, lambda _: None)

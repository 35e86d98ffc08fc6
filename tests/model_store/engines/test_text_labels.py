"""A plan answers labels of text as objects, before it is written and when it is read back."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from model_store.batch import Batch
from model_store.capture.inference import infer
from model_store.compilers.registry import compile_plan
from model_store.engines.compiled import CompiledEngine
from model_store.plans import files


def test_labels_of_text_are_objects_whatever_the_classes_were_held_as(tmp_path):
    rows = np.arange(20.0).reshape(10, 2)
    for held in ("<U3", object):
        estimator = LogisticRegression().fit(rows, np.array(["no", "yes"] * 5, dtype=held))
        schema = infer(estimator, rows).schema
        plan = compile_plan(estimator, schema)
        files.write(tmp_path, plan)
        read = files.read((tmp_path / files.PLAN).read_bytes(), np.load(tmp_path / files.ARRAYS))
        for each in (plan, read):
            answer = CompiledEngine(each, schema).predict(Batch(10, matrix=rows), ["predict"])["predict"]
            assert answer.dtype == object
            assert answer.tolist() == estimator.predict(rows).tolist()

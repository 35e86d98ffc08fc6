"""A plan is written and read back as it was, and nothing else is taken for one."""

import json
from pathlib import Path

import numpy as np
import pytest

from model_store.batch import Batch
from model_store.engines.compiled import CompiledEngine
from model_store.errors import SealBroken
from model_store.plans import files
from model_store.plans.plan import Plan, Step, pruned
from model_store.schema import Column, Output, Schema

TEXTS = np.array([["a", None], ["", "ü"]], dtype=object)


def some_plan() -> Plan:
    first = Step("matrix", settings={"order": "F"})
    arrays = {
        "floats": np.array([np.nan, np.inf, -0.0]),
        "table": np.arange(6, dtype=np.int32).reshape(2, 3),
        "turned": np.arange(6.0).reshape(2, 3).T,
        "none": np.empty((0, 4), np.float32),
        "texts": TEXTS,
    }
    return Plan((first, Step("other", (0, 1), arrays=arrays)), {"predict": 2, "transform": 1})


def written(folder: Path) -> tuple[bytes, np.ndarray]:
    files.write(folder, some_plan())
    return (folder / files.PLAN).read_bytes(), np.load(folder / files.ARRAYS, allow_pickle=False)


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = files.read(*written(tmp_path))
    assert [(step.kind, step.inputs, step.settings) for step in found.steps] == [
        ("matrix", (0,), {"order": "F"}),
        ("other", (0, 1), {}),
    ]
    for name, values in some_plan().steps[1].arrays.items():
        read = found.steps[1].arrays[name]
        assert read.dtype == values.dtype
        assert read.shape == values.shape
        assert read.tolist() == values.tolist() or read.tobytes() == values.tobytes()
    assert found.outputs == {"predict": 2, "transform": 1}


def test_every_array_begins_at_a_multiple_of_64_bytes(tmp_path: Path) -> None:
    document, arrays = written(tmp_path)
    starts = [entry["start"] for entry in json.loads(document)["arrays"]]
    assert len(starts) == 7
    assert all(start % 64 == 0 for start in starts)
    mapped = np.load(tmp_path / files.ARRAYS, mmap_mode="r")
    assert mapped.offset % 64 == 0
    assert arrays.dtype == np.uint8


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("outputs", {"predict": 3}),
        ("outputs", {"predict": 0}),
        ("arrays", []),
        ("arrays", [{"dtype": "|O", "shape": [1], "start": 0}] * 7),
        ("arrays", [{"dtype": "<f8", "shape": [1 << 40], "start": 0}] * 7),
        ("arrays", [{"dtype": "<f8", "shape": [1], "start": -8}] * 7),
        ("steps", [{"kind": "matrix", "inputs": [1], "settings": {}, "arrays": {}}]),
        ("steps", 7),
    ],
)
def test_a_document_that_fits_no_plan_is_refused(tmp_path: Path, key: str, value: object) -> None:
    document, arrays = written(tmp_path)
    changed = json.dumps({**json.loads(document), key: value}).encode()
    with pytest.raises(SealBroken, match=r"plan\.json is unreadable"):
        files.read(changed, arrays)


def test_a_plan_of_another_format_is_told_from_a_broken_one(tmp_path: Path) -> None:
    document, arrays = written(tmp_path)
    changed = json.dumps({**json.loads(document), "format": 2}).encode()
    with pytest.raises(files.UnknownFormat, match="is of format 2: this release reads format 1"):
        files.read(changed, arrays)


def test_arrays_that_end_early_are_refused(tmp_path: Path) -> None:
    document, arrays = written(tmp_path)
    with pytest.raises(SealBroken, match="ends before"):
        files.read(document, arrays[:100])


def test_steps_that_no_output_needs_are_left_out() -> None:
    plan = Plan((Step("a"), Step("b"), Step("c", (2,)), Step("d", (1, 3))), {"predict": 3})
    assert [(step.kind, step.inputs) for step in pruned(plan).steps] == [("b", (0,)), ("c", (1,))]
    assert pruned(plan).outputs == {"predict": 2}


@pytest.mark.parametrize("labels", [np.array(["a", "b"]), np.array(["a", "b"], dtype=object)])
def test_labels_are_answered_as_objects_before_and_after_a_plan_is_stored(tmp_path: Path, labels: np.ndarray) -> None:
    steps = (Step("matrix"), Step("most", (1,), arrays={"labels": labels}))
    made = Plan(steps, {"predict": 2})
    files.write(tmp_path, made)
    stored = files.read((tmp_path / files.PLAN).read_bytes(), np.load(tmp_path / files.ARRAYS))
    schema = Schema("matrix", (Column("x0", "float64"), Column("x1", "float64")), (Output("predict", "string"),))
    for plan in (made, stored):
        answer = CompiledEngine(plan, schema).predict(Batch(1, matrix=np.array([[0.0, 1.0]])), ["predict"])["predict"]
        assert (answer.dtype, answer.tolist()) == (object, ["b"])

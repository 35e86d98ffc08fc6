"""What reading and writing JSON costs in each dialect: CPU microseconds of a request's decoding and encoding.

Run it as `python -m bench.dialects`. All that validation checks is in it; no model, no HTTP.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from model_store.schema import Column, Layout, Output, Schema
from service.dialects.mlflow.invocations import INVOCATIONS
from service.dialects.openinference.infer import INFER
from service.dialects.tfserving.kserve_v1 import PREDICT
from service.wire import JSON, PredictionResult, Verb, WireRequest

SIZES = ((1, 4), (1, 20), (32, 20), (1000, 20))
SECONDS = 0.1
Rows = list[list[float]]

_HEADERS = {"content-type": JSON, "x-request-id": "0" * 32}


def main() -> None:
    """Print a table: for each size, the microseconds of decoding and encoding."""
    print(f"{'':<32}" + "".join(f"{f'{rows} x {columns}':>18}" for rows, columns in SIZES))
    columns = [_column(rows, width) for rows, width in SIZES]
    for form in columns[0]:
        cells = (f"{column[form][0]:>10.1f} {column[form][1]:>7.1f}" for column in columns)
        print(f"{form:<32}" + "".join(cells))


def _column(count: int, width: int) -> dict[str, tuple[float, float]]:
    rows: Rows = np.random.default_rng(0).normal(size=(count, width)).round(6).tolist()
    return {
        form: _cost(verb, _schema(layout, width), body, count) for form, (verb, layout, body) in _forms(rows).items()
    }


def _schema(layout: Layout, width: int) -> Schema:
    columns = tuple(Column(f"feature_{i}", "float64") for i in range(width))
    return Schema(layout, columns, (Output("predict", "int64", labels=(0, 1, 2)),), "classifier")


def _forms(rows: Rows) -> Mapping[str, tuple[Verb, Layout, Any]]:
    names = _schema("table", len(rows[0])).names
    records = [dict(zip(names, row, strict=True)) for row in rows]
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    tensor = {"name": "input", "shape": [len(rows), len(names)], "datatype": "FP64"}
    flat = [value for row in rows for value in row]
    each = [{"name": n, "shape": [len(v)], "datatype": "FP64", "data": v} for n, v in columns.items()]
    return {
        "/v1 instances": (PREDICT, "matrix", {"instances": rows}),
        "/v1 instances by name": (PREDICT, "table", {"instances": records}),
        "/v1 inputs": (PREDICT, "matrix", {"inputs": rows}),
        "/v1 inputs by name": (PREDICT, "table", {"inputs": columns}),
        "/v2 one tensor": (INFER, "matrix", {"inputs": [{**tensor, "data": flat}]}),
        "/v2 one tensor in rows": (INFER, "matrix", {"inputs": [{**tensor, "data": rows}]}),
        "/v2 a tensor for each column": (INFER, "table", {"inputs": each}),
        "/invocations dataframe_split": (INVOCATIONS, "table", {"dataframe_split": {"columns": names, "data": rows}}),
        "/invocations dataframe_records": (INVOCATIONS, "table", {"dataframe_records": records}),
        "/invocations inputs": (INVOCATIONS, "matrix", {"inputs": rows}),
    }


def _cost(verb: Verb, schema: Schema, body: Any, rows: int) -> tuple[float, float]:
    request = WireRequest(json.dumps(body).encode(), _HEADERS)
    call = verb.decode(request, schema)
    answered = PredictionResult("bench", 1, schema, {"predict": np.arange(rows) % 3})
    return _microseconds(lambda: verb.decode(request, schema)), _microseconds(lambda: verb.encode(answered, call))


def _microseconds(step: Callable[[], object]) -> float:
    """Measure the fastest of several rounds: what else the machine does makes others slower."""
    step()
    rounds, fastest, end = 10, float("inf"), time.thread_time() + SECONDS
    while time.thread_time() < end:
        begun = time.thread_time()
        for _ in range(rounds):
            step()
        fastest = min(fastest, (time.thread_time() - begun) / rounds)
    return fastest * 1e6


if __name__ == "__main__":
    main()

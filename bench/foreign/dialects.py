"""How each server is asked for a prediction: the route, the body, and where the predictions are in the answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.cells import predictions

Rows = list[list[float]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """``path`` and ``body`` are made of the model's name (and the rows); ``read`` takes the decoded answer."""

    path: str
    body: Callable[[str, Rows], Any]
    read: Callable[[Any], Any]


def _tensor(_model: str, rows: Rows) -> Any:
    shape = [len(rows), len(rows[0])]
    return {"inputs": [{"name": "input", "shape": shape, "datatype": "FP64", "data": rows}]}


def _named(model: str, rows: Rows) -> Any:
    return {"model": model, "instances": rows}


def _itself(answer: Any) -> Any:
    return answer


TENSORFLOW = Dialect("/v1/models/{model}:predict", lambda _model, rows: {"instances": rows}, predictions)
"""TensorFlow Serving's and KServe V1: <https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol>."""

OPEN_INFERENCE = Dialect("/v2/models/{model}/infer", _tensor, lambda answer: answer["outputs"][0]["data"])
"""Open Inference Protocol: <https://github.com/kserve/open-inference-protocol>."""

MLFLOW = Dialect("/invocations", lambda _model, rows: {"inputs": rows}, predictions)
"""MLflow's scoring server, with a tensor."""

NAMED = Dialect("/v1/models/any:predict", _named, predictions)
"""One route for all models, for servers that have no protocol; the product's Nginx passes its address on."""

NAMED_ARRAY = Dialect("/v1/models/any:predict", _named, _itself)
"""The same, where the answer is the array and nothing around it."""

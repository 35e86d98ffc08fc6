"""The types that datamodel-code-generator generates, used: address and token are the arguments."""

import json
import sys
import urllib.error
import urllib.request

from generated import Error, ModelMetadata, PredictAnswer, PredictInstances
from pydantic import ValidationError

address, token = sys.argv[1:]


def ask(path, body=None):
    """The status and the text of an answer."""
    data = None if body is None else body.model_dump_json(exclude_unset=True).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(address + path, data, headers), timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


rows = PredictInstances.model_validate({"instances": [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]})
status, text = ask("/v1/models/iris:predict", rows)
answer = PredictAnswer.model_validate_json(text)
assert (status, answer.model_dump()["predictions"]) == (200, [0, 2]), text

status, text = ask("/v2/models/iris")
metadata = ModelMetadata.model_validate_json(text)
assert (status, metadata.name, metadata.inputs[0].datatype) == (200, "iris", "FP64"), text

status, text = ask("/v1/models/iris/versions/77:predict", rows)
error = Error.model_validate_json(text)
assert (status, error.code, error.status) == (404, "version_not_found", 404), text

try:
    PredictInstances.model_validate({"instances": [[5.1, 3.5]]})
except ValidationError as error:
    assert json.loads(error.json())[0]["type"] == "too_short", error
else:
    raise AssertionError("a row of two numbers fits a model of four columns")

print("fine")

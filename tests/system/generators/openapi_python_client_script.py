"""The package that openapi-python-client generates, used: address and token are the arguments."""

import sys

from millrace_iris_client import AuthenticatedClient
from millrace_iris_client.api.open_inference_protocol import get_v_2_models_model
from millrace_iris_client.api.tensor_flow_serving import (
    post_v_1_models_model_predict,
    post_v_1_models_model_versions_version_predict,
)
from millrace_iris_client.models import Error, ModelMetadata, PredictAnswerToInstances, PredictInstances

address, token = sys.argv[1:]
client = AuthenticatedClient(base_url=address, token=token)

rows = PredictInstances(instances=[[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]])
answer = post_v_1_models_model_predict.sync(client=client, body=rows)
assert isinstance(answer, PredictAnswerToInstances), answer
assert answer.predictions == [0, 2], answer

metadata = get_v_2_models_model.sync(client=client)
assert isinstance(metadata, ModelMetadata), metadata
assert (metadata.name, metadata.inputs[0].datatype) == ("iris", "FP64"), metadata

refused = post_v_1_models_model_versions_version_predict.sync_detailed(77, client=client, body=rows)
assert refused.status_code == 404, refused
assert isinstance(refused.parsed, Error), refused
assert (refused.parsed.code, refused.parsed.status) == ("version_not_found", 404), refused

print("fine")

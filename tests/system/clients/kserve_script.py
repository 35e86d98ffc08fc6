"""KServe's own REST client, protocols v1 and v2. Run in an environment of its own: ADDRESS TOKEN."""

import asyncio
import sys

import httpx
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

ADDRESS, TOKEN = sys.argv[1:]
URL = f"http://{ADDRESS}"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]


async def first():
    client = InferenceRESTClient(RESTConfig(protocol="v1", retries=0))
    assert await client.is_server_live(URL, headers=HEADERS)
    assert await client.is_model_ready(URL, "iris", headers=HEADERS)
    answer = await client.infer(URL, {"instances": ROWS}, model_name="iris", headers=dict(HEADERS))
    assert answer == {"predictions": [0, 2]}, answer
    try:
        await client.infer(URL, {"instances": ROWS}, model_name="nothing", headers=dict(HEADERS))
    except httpx.HTTPStatusError as error:
        assert error.response.status_code == 404
    else:
        raise AssertionError("a model that is not there answered")


async def second():
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
    assert await client.is_server_live(URL, headers=HEADERS)
    assert await client.is_server_ready(URL, headers=HEADERS)
    assert await client.is_model_ready(URL, "iris", headers=HEADERS)
    import numpy as np

    for binary in (False, True):
        rows = InferInput("input-0", [2, 4], "FP64")
        rows.set_data_from_numpy(np.array(ROWS), binary_data=binary)
        answer = await client.infer(
            URL, InferRequest(model_name="iris", infer_inputs=[rows]), model_name="iris", headers=dict(HEADERS)
        )
        by_name = {output.name: output for output in answer.outputs}
        assert by_name["predict"].as_numpy().ravel().tolist() == [0, 2]
        assert by_name["predict_proba"].as_numpy().shape == (2, 3)


asyncio.run(first())
asyncio.run(second())
print("fine")

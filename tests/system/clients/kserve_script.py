"""KServe's own REST client, protocols v1 and v2. Run in an environment of its own: ADDRESS TOKEN."""

import asyncio
import json
import sys

import httpx
import pandas as pd
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

ADDRESS, TOKEN = sys.argv[1:]
URL = f"http://{ADDRESS}"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]
FRAME = pd.DataFrame(
    {
        "sex": ["male", "female"],
        "age_group": ["40 to 59", "under 40"],
        "bmi": [29.5, 21.0],
        "blood_pressure": [80.0, 80.0],
        "glucose": [98.0, 81.0],
    }
)
"""As a model takes it that was fitted on a DataFrame."""


async def first():
    client = InferenceRESTClient(RESTConfig(protocol="v1", retries=0))
    assert await client.is_server_live(URL, headers=HEADERS)
    assert await client.is_model_ready(URL, "iris", headers=HEADERS)
    answer = await client.infer(URL, {"instances": ROWS}, model_name="iris", headers=dict(HEADERS))
    assert answer == {"predictions": [0, 2]}, answer
    await tables(client)
    try:
        await client.infer(URL, {"instances": ROWS}, model_name="nothing", headers=dict(HEADERS))
    except httpx.HTTPStatusError as error:
        assert error.response.status_code == 404
    else:
        raise AssertionError("a model that is not there answered")


async def tables(client):
    """All that KServe's own server makes a DataFrame of, under either key."""
    lone = {**FRAME.to_dict(orient="list"), "blood_pressure": 80.0}
    forms = [
        FRAME.to_dict(orient="records"),
        FRAME.to_numpy().tolist(),
        [FRAME.to_dict(orient="list")],
        [json.loads(FRAME.to_json())],  # to_dict(), whose numbers for rows the client does not write
        [lone],
    ]
    answers = [
        await client.infer(URL, {key: form}, model_name="progression", headers=dict(HEADERS))
        for form in forms
        for key in ("instances", "inputs")
    ]
    assert len(answers[0]["predictions"]) == len(FRAME), answers[0]
    assert all(answer == answers[0] for answer in answers), answers
    columns = [{f"x{i}": [value] for i, value in enumerate(row)} for row in ROWS]
    answer = await client.infer(URL, {"instances": columns}, model_name="iris", headers=dict(HEADERS))
    assert answer == {"predictions": [0, 2]}, answer
    try:
        await client.infer(URL, {"inputs": [FRAME.to_dict(orient="split")]}, model_name="progression", headers=HEADERS)
    except httpx.HTTPStatusError as error:
        assert "orient='records'" in error.response.json()["error"], error.response.text
    else:
        raise AssertionError("a DataFrame in parts answered")


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

"""Triton's own HTTP client, sync and aio, in JSON and in binary. Run in an environment of its own: ADDRESS TOKEN."""

import asyncio
import sys

import numpy as np
import tritonclient.http as http
import tritonclient.http.aio as aio
from tritonclient.utils import InferenceServerException

ADDRESS, TOKEN = sys.argv[1:]
ROWS = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]])


def headers():
    return {"Authorization": f"Bearer {TOKEN}"}  # a fresh one for each call: the client writes into it


def tensor(module, *, binary):
    made = module.InferInput("input", [2, 4], "FP64")
    made.set_data_from_numpy(ROWS, binary_data=binary)
    return made


def wanted(module, *, binary):
    names = ("predict", "predict_proba")
    return [module.InferRequestedOutput(name, binary_data=binary) for name in names]


def check(result):
    assert result.as_numpy("predict").tolist() == [0, 2], result.as_numpy("predict")
    shares = result.as_numpy("predict_proba")
    assert shares.shape == (2, 3)
    assert shares.dtype == np.float64
    assert np.allclose(shares.sum(axis=1), 1)
    assert result.get_response()["model_version"] == "1"


def synchronous():
    client = http.InferenceServerClient(ADDRESS)
    assert client.is_server_live(headers=headers())
    assert client.is_server_ready(headers=headers())
    assert client.is_model_ready("iris", headers=headers())
    assert not client.is_model_ready("nothing", headers=headers())
    assert client.get_server_metadata(headers=headers())["name"] == "millrace"
    metadata = client.get_model_metadata("iris", headers=headers())
    assert metadata["inputs"][0]["datatype"] == "FP64"
    assert metadata["inputs"][0]["shape"] == [-1, 4]
    for sent, received in ((False, False), (False, True), (True, False), (True, True)):
        inputs, outputs = [tensor(http, binary=sent)], wanted(http, binary=received)
        check(client.infer("iris", inputs, outputs=outputs, headers=headers(), request_id="me"))
    check(client.infer("iris", [tensor(http, binary=True)], headers=headers()))
    check(client.infer("iris", [tensor(http, binary=True)], model_version="1", headers=headers()))
    for algorithm in ("gzip", "deflate"):
        check(
            client.infer(
                "iris",
                [tensor(http, binary=True)],
                headers=headers(),
                request_compression_algorithm=algorithm,
                response_compression_algorithm=algorithm,
            )
        )
    pending = [client.async_infer("iris", [tensor(http, binary=True)], headers=headers()) for _ in range(4)]
    for one in pending:
        check(one.get_result())
    refused(client)
    used_again(client)
    told_of(client)
    repository(client)
    table(client)
    client.close()


def refused(client):
    for model, version, code in (("nothing", "", "404"), ("iris", "99", "404")):
        try:
            client.infer(model, [tensor(http, binary=True)], model_version=version, headers=headers())
        except InferenceServerException as error:
            assert error.status() == code, error
            assert error.message(), error
        else:
            raise AssertionError(f"{model} {version} answered")
    wrong = http.InferInput("input", [1, 3], "FP64")
    wrong.set_data_from_numpy(np.zeros((1, 3)))
    try:
        client.infer("iris", [wrong], headers=headers())
    except InferenceServerException as error:
        assert error.status() == "400", error
    else:
        raise AssertionError("three columns were taken for four")


def used_again(client):
    """One dict of headers for two calls: the client leaves the length of the first one's JSON in it."""
    kept = headers()
    check(client.infer("iris", [tensor(http, binary=True)], headers=kept))
    try:
        client.infer("iris", [tensor(http, binary=False)], headers=kept)
    except InferenceServerException as error:
        assert error.status() == "400", error
        assert "Inference-Header-Content-Length" in error.message(), error
    else:
        raise AssertionError("the client no longer writes into the headers: the error needs no such words")


def statistics_of(answer, model="iris"):
    (found,) = [one for one in answer["model_stats"] if one["name"] == model]
    return found


def told_of(client):
    """Statistics and configuration: what one more request of two rows adds to the former."""
    before = statistics_of(client.get_inference_statistics("iris", headers=headers()))
    assert before["version"] == "1"
    check(client.infer("iris", [tensor(http, binary=True)], headers=headers()))
    after = statistics_of(client.get_inference_statistics("iris", "1", headers=headers()))
    for key, more in (("inference_count", 2), ("execution_count", 1)):
        assert after[key] == before[key] + more, (before, after)
    steps = after["inference_stats"]
    assert steps["success"]["count"] == after["execution_count"]
    assert steps["compute_infer"]["ns"] > before["inference_stats"]["compute_infer"]["ns"]
    assert after["last_inference"] >= before["last_inference"] > 0
    assert statistics_of(client.get_inference_statistics(headers=headers()))["inference_count"] >= 2
    configured = client.get_model_config("iris", headers=headers())
    assert (configured["name"], configured["max_batch_size"]) == ("iris", 100_000), configured
    assert [(one["data_type"], one["dims"]) for one in configured["input"]] == [("TYPE_FP64", [4])]
    assert client.get_model_config("iris", "1", headers=headers()) == configured
    try:
        client.get_log_settings(headers=headers())
    except InferenceServerException as error:
        assert error.status() == "501", error
    else:
        raise AssertionError("log settings were answered")


def repository(client):
    index = {entry["name"]: entry for entry in client.get_model_repository_index(headers=headers())}
    assert index["iris"]["state"] == "READY"
    client.unload_model("diabetes", headers=headers())
    assert not client.is_model_ready("diabetes", headers=headers())
    client.load_model("diabetes", headers=headers())
    assert client.is_model_ready("diabetes", headers=headers())


def table(client):
    """A DataFrame pipeline: one input a column, strings and a missing number among them."""
    columns = {
        "sex": np.array([["male"]], dtype=object),
        "age_group": np.array([["40 to 59"]], dtype=object),
        "bmi": np.array([[29.5]]),
        "blood_pressure": np.array([[np.nan]]),
        "glucose": np.array([[98.0]]),
    }
    for binary in (False, True):
        inputs = []
        for name, values in columns.items():
            made = http.InferInput(name, [1, 1], "BYTES" if values.dtype == object else "FP64")
            made.set_data_from_numpy(values, binary_data=binary)
            inputs.append(made)
        result = client.infer("progression", inputs, headers=headers())
        assert result.as_numpy("predict").ravel()[0] in (b"fast", b"slow", "fast", "slow")


async def asynchronous():
    client = aio.InferenceServerClient(ADDRESS)
    assert await client.is_server_live(headers=headers())
    assert await client.is_model_ready("iris", headers=headers())
    assert (await client.get_model_metadata("iris", headers=headers()))["name"] == "iris"
    assert await client.get_model_repository_index(headers=headers())
    for sent, received in ((False, False), (True, True)):
        inputs, outputs = [tensor(aio, binary=sent)], wanted(aio, binary=received)
        check(await client.infer("iris", inputs, outputs=outputs, headers=headers()))
    assert statistics_of(await client.get_inference_statistics("iris", headers=headers()))["execution_count"] > 0
    assert await client.get_inference_statistics(headers=headers())
    assert (await client.get_model_config("iris", headers=headers()))["platform"] == "scikit-learn"
    await client.close()


synchronous()
asyncio.run(asynchronous())
print("fine")

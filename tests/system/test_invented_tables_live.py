"""Invented tables through a running stack: published, asked over HTTP in every format in turn, compared with Python."""

import json
import pickle
from itertools import cycle

import numpy as np
import pytest
import requests

from model_store.schema import Schema
from service.dialects.mlflow.invocations import INVOCATIONS
from service.dialects.openinference.infer import INFER
from service.dialects.tfserving.kserve_v1 import PREDICT
from tests.system.fuzzing import fuzz
from tests.system.running import Stack, eventually
from tests.values.bodies import FORMATS, CannotBeWritten
from tests.values.comparing import difference, own_answers, rounded
from tests.values.invented import recipes
from tests.values.kinds import SHOWN, UNSAID
from tests.values.test_invented_tables import served_recipe

COUNT = 30


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    stack = Stack(tmp_path_factory.mktemp("invented"), REPLICAS="1", WORKERS="1")
    try:
        yield stack.start()
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def invented():
    """Recipes by name that can be published."""
    drawn = []
    fuzz(recipes, 3 * COUNT, drawn.append)
    said = [recipe for recipe in drawn if not any(c.kind in SHOWN or c.kind in UNSAID for c in recipe.columns)]
    assert len(said) >= COUNT
    return {f"invented-{number}": served_recipe(recipe) for number, recipe in enumerate(said[:COUNT])}


@pytest.fixture(scope="module")
def schemas(stack, invented, tmp_path_factory):
    """Publish them all, and wait until they answer; gives their schemas by name."""
    file = tmp_path_factory.mktemp("recipes") / "recipes.pickle"
    file.write_bytes(pickle.dumps(invented))
    published = stack.run("tests.values.publish_invented", str(file))
    assert published.returncode == 0, published.stderr
    bearer = {"Authorization": f"Bearer {stack.token()}"}
    for name in invented:
        url = f"{stack.url}/v2/models/{name}/ready"
        eventually(lambda url=url: requests.get(url, headers=bearer, timeout=5).ok, 60, name)
    return {name: Schema.from_json(document) for name, document in json.loads(published.stdout).items()}


ADDRESSES = {INVOCATIONS: "/models/{}/invocations", INFER: "/v2/models/{}/infer", PREDICT: "/v1/models/{}:predict"}


def answered(client, url, verb, request, output):
    """The values of one output, as the protocol's own clients read them."""
    headers = {"content-type": "application/json", **request.headers}
    named = {"predict_method": output} if verb is INVOCATIONS else {}
    answer = client.post(url, request.body, params=named, headers=headers, timeout=20)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    if verb is INFER:
        tensor = next(one for one in document["outputs"] if one["name"] == output)
        return np.array(tensor["data"], dtype=object).reshape(tensor["shape"])
    return np.array(document["predictions" if verb is INVOCATIONS else "outputs"], dtype=object)


def test_a_running_stack_answers_what_python_answers(stack, invented, schemas):
    client = requests.Session()
    client.headers["Authorization"] = f"Bearer {stack.token()}"
    formats, asked = cycle(FORMATS), dict.fromkeys(FORMATS, 0)
    for name, recipe in invented.items():
        case, form = recipe.case(), next(formats)
        own = own_answers(case.estimator, case.fresh)
        try:
            verb, request = FORMATS[form](case.fresh, schemas[name])
        except CannotBeWritten:
            form = "JSON records"
            verb, request = FORMATS[form](case.fresh, schemas[name])
        for output, values in own.items():
            served = answered(client, stack.url + ADDRESSES[verb].format(name), verb, request, output)
            served = served if values.dtype == object else served.astype(values.dtype)
            assert not difference(values, served) or rounded(values, served), (recipe, form, output)
        asked[form] += 1
    assert sum(asked.values()) == COUNT
    assert all(asked[form] >= 3 for form in FORMATS), asked

"""Publishes invented tables' pipelines to the store of a running stack: a file of recipes in, their schemas out.

The gate in a process of its own has its own tests; here it would take most of the time.
"""

import json
import os
import pickle
import sys
from pathlib import Path

from model_store import publish
from model_store.stores.folder import FolderStore
from tests.model_store.gate.fakes import OpenGate

ROOT = Path(os.environ["MODEL_STORE_ROOT"])
recipes = pickle.loads(Path(sys.argv[1]).read_bytes())  # noqa: S301 - the test has just written it
schemas = {}
for name, recipe in recipes.items():
    case = recipe.case()
    publish(ROOT, name, case.estimator, case.sample, gate=OpenGate(), promote=True)
    schemas[name] = FolderStore(ROOT).manifest(name, 1).schema.to_json()
sys.stdout.write(json.dumps(schemas))

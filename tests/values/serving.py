"""Publishes a case as its owner would, loads it as a worker does, and asks it in every body format."""

import warnings
from dataclasses import dataclass, field

from model_store import publish, seal
from model_store.engines.choice import NoEngine
from model_store.errors import StoreError
from model_store.request_errors import RequestError
from model_store.stores.folder import FolderStore
from service.runtime.loader import Loader, cap_threads
from service.wire import PredictionResult
from tests.model_store.gate.fakes import OpenGate
from tests.values.bodies import FORMATS, CannotBeWritten
from tests.values.comparing import difference, own_answers, rounded


@dataclass
class Outcome:
    """What came of a case: by body format the sentence of a refusal, and where answers are wrong.

    ``unpublished`` is the sentence of a refused publication. ``equal`` are the formats that answered to the last bit,
    ``rounded`` those whose sums were taken in another order, and ``unwritten`` those that cannot say the rows.
    """

    unpublished: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    equal: list[str] = field(default_factory=list)
    rounded: dict[str, str] = field(default_factory=dict)
    unwritten: dict[str, str] = field(default_factory=dict)


class Workbench:
    """A store in a folder of its own, and what a worker needs to load from it."""

    def __init__(self, folder):
        self._key = seal.create_keys(folder / "keys")
        self._store = FolderStore(folder / "models")
        self._loader = Loader(self._store, folder / "keys" / "trusted")
        self._count = 0
        cap_threads()

    def serve(self, case):
        """Publish a case and load it. Raises StoreError or NoEngine if it is refused."""
        self._count += 1
        name = f"case-{self._count}"
        publish(
            self._store,
            name,
            case.estimator,
            case.sample,
            sealing_key=self._key,
            by="tests",
            gate=OpenGate(),
            **case.options,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._loader.warm(self._loader.open(name, 1, lambda _: None), lambda _: None)

    def sweep(self, case) -> Outcome:
        """Return what comes of a case in every format."""
        own = own_answers(case.estimator, case.fresh)
        outcome = Outcome()
        try:
            model = self.serve(case)
        except (StoreError, NoEngine) as error:  # what the gate says of random answers, a worker says too
            outcome.unpublished = str(error)
            return outcome
        outcome.wrong |= {f"schema, {name}": "no such output is served" for name in own.keys() - set(outputs(model))}
        for form in FORMATS:
            _ask(outcome, form, model, case.fresh, own)
        return outcome


def outputs(model):
    """Return the names of a model's outputs."""
    return tuple(output.name for output in model.schema.outputs)


def _ask(outcome, form, model, rows, own):
    try:
        verb, request = FORMATS[form](rows, model.schema)
    except CannotBeWritten as error:
        outcome.unwritten[form] = str(error)
        return
    try:
        answers = _answers(model, verb, request)
    except RequestError as error:
        outcome.refused[form] = error.detail
        return
    found = {name: difference(own[name], answers[name]) if name in own else "extra" for name in answers}
    found = {name: words for name, words in found.items() if words}
    for name, words in found.items():
        place = outcome.rounded if name in own and rounded(own[name], answers[name]) else outcome.wrong
        place[f"{form}, {name}"] = words
    if not found:
        outcome.equal.append(form)


def _answers(model, verb, request):
    call = verb.decode(request, model.schema)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answers = model.predict(call.batch, outputs(model))
    verb.encode(PredictionResult(model.name, model.version, model.schema, answers), call)
    return answers

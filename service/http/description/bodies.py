"""The bodies in the API description: those of each model in each dialect, and the types that views take and answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from model_store.schema import Schema
from service.dialects.dialect import Dialect, VerbBodies
from service.dialects.json_schema import Json
from service.http.description.route import DescribedRoute
from service.http.problems import Problem
from service.wire import JSON, ErrorForm

_REFERENCE = "#/components/schemas/{name}"


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What the API description says of one model: the bodies of the verbs that it has, its labels and channels."""

    verbs: Mapping[str, VerbBodies]
    labels: tuple[str, ...]


def describe(schema: Schema, labels: Iterable[str], dialects: Sequence[Dialect]) -> ModelDescription:
    """Return the description of a model with this schema."""
    verbs = {verb: bodies for dialect in dialects for verb, bodies in dialect.bodies(schema).items()}
    return ModelDescription(verbs, tuple(sorted(labels)))


def verbs_of(dialects: Iterable[Dialect]) -> dict[str, VerbBodies]:
    """Return the verbs of all dialects. Raises LookupError if two of them have a verb of one name."""
    owners: dict[str, Dialect] = {}
    for dialect in dialects:
        for verb in dialect.verbs:
            other = owners.setdefault(verb, dialect)
            if other is not dialect:
                raise LookupError(f"the dialects {other.name!r} and {dialect.name!r} both have a verb {verb!r}")
    return {verb: dialect.verbs[verb] for verb, dialect in owners.items()}


class Types:
    """The schemas of the types that routes name, as msgspec generates them."""

    def __init__(self, routes: Iterable[DescribedRoute]) -> None:
        named = [kind for r in routes for kind in (r.description.request, r.description.response) if kind is not None]
        schemas, self.components = msgspec.json.schema_components(named, ref_template=_REFERENCE)
        self._schemas = list(zip(named, schemas, strict=True))

    def schema(self, kind: Any) -> Json:
        """Return the schema of a type: a reference to a component if it has a name."""
        return next(schema for named, schema in self._schemas if named is kind)


def error(forms: Iterable[ErrorForm]) -> dict[str, Any]:
    """Return the schemas of an error, with the members that each form adds, and of what it holds."""
    _, components = msgspec.json.schema_components([Problem], ref_template=_REFERENCE)
    own = {name: schema for form in forms for name, schema in form.schemas.items()}
    whole = components.pop(Problem.__name__)
    return {"Error": {**whole, "title": "Error", "properties": {**whole["properties"], **own}}, **components}


def components_of(models: Mapping[str, ModelDescription]) -> dict[str, Json]:
    """Return the JSON bodies of each model and verb, as components."""
    return {
        component(model, verb, part): contents[JSON]
        for model, description in models.items()
        for verb, bodies in description.verbs.items()
        for part, contents in (("request", bodies.request), ("answer", bodies.response))
        if JSON in contents
    }


def component(model: str, verb: str, part: str) -> str:
    """Return the name of a model's component; ``part`` is ``request`` or ``answer``."""
    return f"{model}.{verb}.{part}"


def any_of(models: Sequence[str], verb: str, part: str) -> Json:
    """Return a body of any of the models."""
    references = [{"$ref": _REFERENCE.format(name=component(model, verb, part))} for model in models]
    if len(references) == 1:
        return references[0]
    return {"anyOf": references} if references else {"type": "object"}

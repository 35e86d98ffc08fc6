"""The bodies in the API description: those of a model in each dialect, and the types that views take and answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from model_store.schema import Schema
from service.dialects.dialect import Dialect, VerbBodies
from service.dialects.json_schema import Json
from service.http.description.components import REFERENCE
from service.http.description.route import DescribedRoute
from service.http.problems import Problem
from service.wire import ErrorForm


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What the API description says of one version of a model: the bodies of its verbs, and the model's labels."""

    name: str
    version: int
    labels: tuple[str, ...]
    verbs: Mapping[str, VerbBodies]


def describe(
    name: str, version: int, schema: Schema, labels: Iterable[str], dialects: Iterable[Dialect]
) -> ModelDescription:
    """Return the description of a model's version with this schema; its ``labels`` are channels, too."""
    verbs = {verb: bodies for dialect in dialects for verb, bodies in dialect.bodies(schema).items()}
    return ModelDescription(name, version, tuple(sorted(labels)), verbs)


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
        schemas, components = msgspec.json.schema_components(named, ref_template=REFERENCE)
        self.components: dict[str, Json] = _with_items(components)
        self._schemas = list(zip(named, map(_with_items, schemas), strict=True))

    def schema(self, kind: Any) -> Json:
        """Return the schema of a type: a reference to a component if it has a name."""
        return next(schema for named, schema in self._schemas if named is kind)


def _with_items(part: Any) -> Any:
    """Return a part of a schema with ``items`` in all arrays: msgspec leaves them out of arrays of anything."""
    if isinstance(part, list):
        return [_with_items(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    bare = part.get("type") == "array" and not {"items", "prefixItems"} & part.keys()
    return {**{name: _with_items(inner) for name, inner in part.items()}, **({"items": {}} if bare else {})}


def error(forms: Sequence[ErrorForm]) -> dict[str, Any]:
    """Return the schemas of an error, with the members that each form adds, and of what it holds."""
    _, components = msgspec.json.schema_components([Problem], ref_template=REFERENCE)
    own = {name: schema for form in forms for name, schema in form.schemas.items()}
    whole = components.pop(Problem.__name__)
    return {"Error": {**whole, "title": "Error", "properties": {**whole["properties"], **own}}, **components}

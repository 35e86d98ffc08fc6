"""Schemas by reference: a part with a title stands in a document once, and is referred to where it is used."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from service.dialects.json_schema import Json

REFERENCE = "#/components/schemas/{name}"

_ONE = frozenset({"items", "not", "contains", "additionalProperties"})
_SEVERAL = frozenset({"prefixItems", "anyOf", "oneOf", "allOf"})
_BY_NAME = frozenset({"properties"})


class Components:
    """The named schemas of one document."""

    def __init__(self, schemas: Mapping[str, Json]) -> None:
        self.schemas: dict[str, Json] = dict(schemas)

    def refer(self, schema: Json) -> Json:
        """Return the schema with references in place of all its parts that have a title, itself included.

        A title is a name of letters and digits. Different schemas of one title are told apart by a number at its end.
        """
        made = {keyword: self._inside(keyword, part) for keyword, part in schema.items()}
        return {"$ref": REFERENCE.format(name=self._named(made))} if "title" in made else made

    def _inside(self, keyword: str, part: Any) -> Any:
        """Return the value of a keyword, with references in it if it holds schemas."""
        if keyword in _ONE:
            return self._schema(part)
        if keyword in _SEVERAL:
            return [self._schema(inner) for inner in part]
        return {name: self._schema(inner) for name, inner in part.items()} if keyword in _BY_NAME else part

    def _schema(self, schema: Json | bool) -> Json | bool:  # noqa: FBT001 - a schema may be true or false
        return schema if isinstance(schema, bool) else self.refer(schema)

    def _named(self, schema: Json) -> str:
        """Return the name of a schema that has a title, under which it is kept."""
        title = schema["title"]
        names = (title if number == 1 else f"{title}{number}" for number in count(1))
        return next(name for name in names if self.schemas.setdefault(name, schema) == schema)

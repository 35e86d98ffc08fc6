"""Writes the API description as OpenAPI 3.1 documents: one of every route for any model, and one for each model.

The routes are what the views say of themselves. The document of a model has the routes that lead to it, with its own
bodies and an example to try, so that the size of none grows with the number of models.
"""

from collections.abc import Sequence
from typing import Any

from service import __version__
from service.dialects.dialect import Dialect
from service.http.description.bodies import ModelDescription, Types, error, verbs_of
from service.http.description.components import Components
from service.http.description.operations import SCOPES, Operations
from service.http.description.route import DescribedRoute, section_of


def document(routes: Sequence[DescribedRoute], dialects: Sequence[Dialect], root: str = "") -> dict[str, Any]:
    """Return the document of the routes, for any model; ``root`` is the path that callers write in front of them."""
    return _Document(dialects, root).written(
        routes,
        "Millrace",
        "Predictions of scikit-learn models over REST. "
        f"Protocols: {', '.join(dialect.title for dialect in dialects)}. "
        "`/v1/models` lists the models, and `/models/{model}/openapi.json` describes each with its own bodies.",
    )


def model_document(
    routes: Sequence[DescribedRoute], dialects: Sequence[Dialect], model: ModelDescription, root: str = ""
) -> dict[str, Any]:
    """Return the document of one model: the routes that lead to it, with the bodies that it takes and answers."""
    return _Document(dialects, root, model).written(
        [route for route in routes if _leads_to(route, model)],
        f"Millrace: {model.name}",
        f"The model `{model.name}`, with the bodies of its version {model.version}.",
    )


def _leads_to(route: DescribedRoute, model: ModelDescription) -> bool:
    """Tell whether a route names the model, or is for it at present, and has a verb of it if it predicts."""
    description = route.description
    if description.verb and description.verb not in model.verbs:
        return False
    return "model" in route.variables or (description.model is not None and description.model() == model.name)


class _Document:
    """A document about one model, or about any."""

    def __init__(self, dialects: Sequence[Dialect], root: str, model: ModelDescription | None = None) -> None:
        self._dialects = dialects
        self._root = root
        self._model = model

    def written(self, routes: Sequence[DescribedRoute], title: str, words: str) -> dict[str, Any]:
        types, forms = Types(routes), [dialect.errors for dialect in self._dialects]
        forms += [route.description.errors for route in routes if route.description.errors]
        components = Components({**error(forms), **types.components})
        model = self._model or ModelDescription("", 0, (), verbs_of(self._dialects))
        operations = Operations(self._dialects, types, components, model)
        paths = operations.paths(routes)
        return {
            "openapi": "3.1.0",
            "info": {"title": title, "version": __version__, "description": words},
            "servers": [{"url": self._root or "/"}],
            "tags": self._tags(routes),
            "paths": paths,
            "components": {
                "schemas": components.schemas,
                "responses": operations.responses,
                "securitySchemes": _security(self._root),
            },
        }

    def _tags(self, routes: Sequence[DescribedRoute]) -> list[dict[str, str]]:
        """Return the sections that have routes, those of the dialects first."""
        used = {route.description.section: None for route in routes}
        sections = [section for section in map(section_of, self._dialects) if section in used]
        return [{"name": section.name, "description": section.summary} for section in dict.fromkeys([*sections, *used])]


def _security(root: str) -> dict[str, Any]:
    flow = {"tokenUrl": f"{root}/oauth/token", "scopes": dict(SCOPES)}
    return {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "oauth2": {"type": "oauth2", "flows": {"clientCredentials": flow}},
    }

"""The names of the models that a caller may see, as two dialects list them."""

from typing import TypedDict

import flask

from service.auth.permissions import MODEL_READ
from service.auth.principals import Principal
from service.runtime.catalog import Catalog


class ModelNames(TypedDict):
    """The names of the models that the caller may see."""

    models: list[str]


def model_names(catalog: Catalog) -> ModelNames:
    """Return the names for the caller of the request under way, sorted."""
    principal: Principal = flask.g.principal
    return ModelNames(models=[name for name in sorted(catalog.snapshot().models) if principal.may(MODEL_READ, name)])

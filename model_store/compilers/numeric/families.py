"""All families of estimators that take numbers."""

from model_store.compilers.numeric import linear_models, scalers

FAMILIES = (scalers, linear_models)

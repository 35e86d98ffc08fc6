"""All families of estimators that take numbers."""

from model_store.compilers.numeric import (
    bayes,
    choices,
    decompositions,
    expansions,
    imputers,
    linear_models,
    networks,
    scalers,
)

FAMILIES = (scalers, linear_models, decompositions, expansions, imputers, choices, bayes, networks)

"""All families of steps with numbers."""

from model_store.steps.numeric import (
    bins,
    constants,
    curves,
    densities,
    functions,
    gaps,
    linear,
    powers,
    scaling,
    similarities,
    splines,
)

FAMILIES = (scaling, linear, functions, gaps, bins, powers, curves, densities, similarities, splines, constants)

"""All families of steps with numbers."""

from model_store.steps.numeric import functions, linear, scaling

FAMILIES = (scaling, linear, functions)

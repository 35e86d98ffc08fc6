"""The modules of steps that estimators made of others have."""

from model_store.steps.compositions import calibrating, deciding, inverses, joining, means

FAMILIES = (joining, means, deciding, calibrating, inverses)

"""The modules that compile estimators made of others."""

from model_store.compilers.compositions import calibration, passing, several, targets, voting

FAMILIES = (passing, voting, calibration, several, targets)

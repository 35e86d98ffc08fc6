"""The modules that compile estimators made of others."""

from model_store.compilers.compositions import bagging, calibration, passing, several, targets, voting

FAMILIES = (passing, bagging, voting, calibration, several, targets)

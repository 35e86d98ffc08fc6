"""All families of ensembles of trees."""

from model_store.compilers.ensembles import (
    boosting,
    forests,
    hist_boosting,
    isolation,
    lightgbm_models,
    voting_trees,
    xgboost_models,
)

FAMILIES = (forests, boosting, hist_boosting, isolation, voting_trees, xgboost_models, lightgbm_models)

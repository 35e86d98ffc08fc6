"""All families of ensembles of trees."""

from model_store.compilers.ensembles import boosting, forests, hist_boosting, isolation, voting_trees

FAMILIES = (forests, boosting, hist_boosting, isolation, voting_trees)

"""From a fitted estimator to a plan: one module a family, at publish only."""

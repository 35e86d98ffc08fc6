"""Smaller models on request: which smaller forms of an estimator answer well enough, measured on held-out rows."""

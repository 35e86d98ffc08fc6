"""Estimators of scikit-learn that take one table of numbers."""

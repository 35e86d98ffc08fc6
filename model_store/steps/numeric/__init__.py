"""Arithmetic on tables of floats, to the last bit of what scikit-learn computes."""

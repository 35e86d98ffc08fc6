"""Estimator to bytes and back, one file a format. Nothing else unpickles, and only bytes that a manifest names."""

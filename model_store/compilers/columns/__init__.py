"""Compilers of what treats columns of a table each in its way: by kind, by category, by word."""

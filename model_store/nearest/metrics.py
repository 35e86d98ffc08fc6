"""Distances that points are searched by. `nearest.h` has them in this order."""

EUCLIDEAN, MANHATTAN, CHEBYSHEV, MINKOWSKI = "euclidean", "manhattan", "chebyshev", "minkowski"
METRICS = (EUCLIDEAN, MANHATTAN, CHEBYSHEV, MINKOWSKI)

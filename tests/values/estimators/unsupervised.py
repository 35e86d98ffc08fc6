"""Clusters, outliers, mixtures and densities."""

import numpy as np
from sklearn import cluster, covariance, ensemble, linear_model, mixture, neighbors, svm
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.values.case import fitted, named
from tests.values.rows import COUNTS, HOLED, NUMBERS, X

SEED = {"random_state": 0}
ALL = [
    cluster.AffinityPropagation(**SEED),
    cluster.Birch(n_clusters=3),
    cluster.BisectingKMeans(3, **SEED),
    cluster.KMeans(3, n_init=2, **SEED),
    cluster.MeanShift(),
    cluster.MiniBatchKMeans(3, n_init=2, **SEED),
    cluster.FeatureAgglomeration(3),
    covariance.EllipticEnvelope(**SEED),
    ensemble.IsolationForest(n_estimators=10, **SEED),
    linear_model.SGDOneClassSVM(**SEED),
    mixture.BayesianGaussianMixture(n_components=2, **SEED),
    mixture.GaussianMixture(n_components=2, **SEED),
    neighbors.KernelDensity(),
    neighbors.LocalOutlierFactor(novelty=True),
    svm.OneClassSVM(),
]

CASES = {
    **named(ALL, X),
    "KMeans, float32": lambda: fitted(cluster.KMeans(3, n_init=2, **SEED), X.astype("f4")),
    "KMeans, of integers": lambda: fitted(cluster.KMeans(3, n_init=2, **SEED), COUNTS),
    "KMeans, after scaling a frame": lambda: fitted(
        make_pipeline(StandardScaler(), cluster.KMeans(3, n_init=2, **SEED)), NUMBERS
    ),
    "IsolationForest, of a frame": lambda: fitted(
        ensemble.IsolationForest(n_estimators=10, contamination=0.1, **SEED), NUMBERS
    ),
    "IsolationForest, gaps": lambda: fitted(ensemble.IsolationForest(n_estimators=10, **SEED), HOLED),
    "GaussianMixture, of integers": lambda: fitted(
        mixture.GaussianMixture(n_components=2, reg_covar=0.1, **SEED), COUNTS
    ),
    "LocalOutlierFactor, manhattan": lambda: fitted(
        neighbors.LocalOutlierFactor(novelty=True, metric="manhattan"), np.abs(X)
    ),
}

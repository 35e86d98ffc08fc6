"""Everything that turns rows of numbers into others."""

import numpy as np
import scipy.sparse as sp
from sklearn import (
    decomposition,
    feature_selection,
    impute,
    kernel_approximation,
    linear_model,
    manifold,
    neighbors,
    neural_network,
    preprocessing,
    random_projection,
    tree,
)
from sklearn.ensemble import RandomTreesEmbedding
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.pipeline import FeatureUnion, make_pipeline

from tests.values.case import TRAINED, Case, fitted, named
from tests.values.rows import BITS, COUNTS, HOLED, HOLED_NUMBERS, NUMBERS, POSITIVE, PRICE, X, Y

SEED = {"random_state": 0}
RIDGE = linear_model.Ridge()
OF_NUMBERS = [
    decomposition.DictionaryLearning(3, max_iter=20, **SEED),
    decomposition.FactorAnalysis(2),
    decomposition.FastICA(2, whiten="unit-variance", **SEED),
    decomposition.IncrementalPCA(2),
    decomposition.KernelPCA(2, kernel="rbf"),
    decomposition.MiniBatchDictionaryLearning(3, max_iter=20, **SEED),
    decomposition.MiniBatchSparsePCA(2, **SEED),
    decomposition.PCA(2),
    decomposition.SparsePCA(2, max_iter=50, **SEED),
    decomposition.TruncatedSVD(2, **SEED),
    feature_selection.VarianceThreshold(),
    kernel_approximation.Nystroem(n_components=10, **SEED),
    kernel_approximation.PolynomialCountSketch(n_components=10, **SEED),
    kernel_approximation.RBFSampler(n_components=10, **SEED),
    manifold.Isomap(),
    manifold.LocallyLinearEmbedding(**SEED),
    neighbors.KNeighborsTransformer(),
    neighbors.RadiusNeighborsTransformer(radius=3),
    preprocessing.Binarizer(),
    preprocessing.FunctionTransformer(np.abs),
    preprocessing.KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"),
    preprocessing.MaxAbsScaler(),
    preprocessing.MinMaxScaler(),
    preprocessing.Normalizer(),
    preprocessing.PolynomialFeatures(2),
    preprocessing.PowerTransformer(),
    preprocessing.QuantileTransformer(n_quantiles=20, **SEED),
    preprocessing.RobustScaler(),
    preprocessing.SplineTransformer(),
    preprocessing.StandardScaler(),
    random_projection.GaussianRandomProjection(3, **SEED),
    random_projection.SparseRandomProjection(3, **SEED),
    RandomTreesEmbedding(5, **SEED),
]
OF_POSITIVES = [
    decomposition.LatentDirichletAllocation(2, max_iter=3, **SEED),
    decomposition.MiniBatchNMF(2, max_iter=20, **SEED),
    decomposition.NMF(2, max_iter=500, tol=0.01, **SEED),
    kernel_approximation.AdditiveChi2Sampler(),
    kernel_approximation.SkewedChi2Sampler(n_components=10, **SEED),
]
WITH_TARGET = [
    feature_selection.GenericUnivariateSelect(mode="k_best", param=2),
    feature_selection.RFE(tree.DecisionTreeClassifier(**SEED), n_features_to_select=2),
    feature_selection.RFECV(tree.DecisionTreeClassifier(**SEED), cv=3),
    feature_selection.SelectFdr(),
    feature_selection.SelectFpr(),
    feature_selection.SelectFromModel(tree.DecisionTreeClassifier(**SEED)),
    feature_selection.SelectFwe(),
    feature_selection.SelectKBest(k=2),
    feature_selection.SelectPercentile(percentile=50),
    feature_selection.SequentialFeatureSelector(tree.DecisionTreeClassifier(max_depth=2, **SEED), cv=3),
    neighbors.NeighborhoodComponentsAnalysis(2, max_iter=10, **SEED),
]
IMPUTERS = [
    impute.IterativeImputer(max_iter=3, **SEED),
    impute.KNNImputer(),
    impute.MissingIndicator(),
    impute.SimpleImputer(),
]
SPARSE = sp.csr_matrix(np.where(COUNTS > 5, COUNTS, 0).astype(float))


def coded():
    coder = decomposition.SparseCoder(np.eye(6)[:4], transform_algorithm="omp")
    return Case(coder, X[:TRAINED], X[TRAINED:])


def kernel():
    return fitted(preprocessing.KernelCenterer(), (X @ X.T)[:, :TRAINED])


CASES = {
    **named(OF_NUMBERS, X),
    **named(OF_POSITIVES, POSITIVE),
    **named(WITH_TARGET, X, Y),
    **named(IMPUTERS, HOLED),
    "BernoulliRBM": lambda: fitted(neural_network.BernoulliRBM(3, n_iter=3, **SEED), BITS.astype(float)),
    "SparseCoder": coded,
    "KernelCenterer": kernel,
    "FeatureUnion": lambda: fitted(
        FeatureUnion([("pca", decomposition.PCA(2)), ("scale", preprocessing.StandardScaler())]), X
    ),
    "SimpleImputer, of a frame": lambda: fitted(impute.SimpleImputer(add_indicator=True), HOLED_NUMBERS),
    "StandardScaler, answers with gaps": lambda: fitted(
        make_pipeline(preprocessing.StandardScaler(), preprocessing.MinMaxScaler()), HOLED_NUMBERS
    ),
    "SimpleImputer, median then ridge": lambda: fitted(
        make_pipeline(impute.SimpleImputer(strategy="median"), RIDGE), HOLED_NUMBERS, PRICE
    ),
    "SimpleImputer, in place": lambda: fitted(
        make_pipeline(impute.SimpleImputer(copy=False), preprocessing.StandardScaler(copy=False), RIDGE), HOLED, PRICE
    ),
    "StandardScaler, in place": lambda: fitted(preprocessing.StandardScaler(copy=False), X),
    "StandardScaler, frames out": lambda: fitted(
        preprocessing.StandardScaler().set_output(transform="pandas"), NUMBERS
    ),
    "StandardScaler, float32": lambda: fitted(preprocessing.StandardScaler(), X.astype("f4")),
    "StandardScaler, float16": lambda: fitted(preprocessing.StandardScaler(), X.astype("f2")),
    "FunctionTransformer, of float16": lambda: fitted(preprocessing.FunctionTransformer(np.abs), X.astype("f2")),
    "StandardScaler, of int8": lambda: fitted(preprocessing.StandardScaler(), COUNTS.astype("i1")),
    "FunctionTransformer, of uint64": lambda: fitted(
        preprocessing.FunctionTransformer(np.square), COUNTS.astype("u8") + np.uint64(2**62)
    ),
    "FunctionTransformer, of bools": lambda: fitted(preprocessing.FunctionTransformer(np.logical_not), BITS),
    "FunctionTransformer, to one column": lambda: fitted(
        preprocessing.FunctionTransformer(np.sum, kw_args={"axis": 1}), X
    ),
    "FunctionTransformer, halves of integers later": lambda: fitted(
        preprocessing.FunctionTransformer(np.cumsum, kw_args={"axis": 1}), COUNTS
    ),
    "MaxAbsScaler, sparse": lambda: fitted(preprocessing.MaxAbsScaler(), SPARSE),
    "TruncatedSVD, sparse": lambda: fitted(decomposition.TruncatedSVD(2, **SEED), SPARSE),
    "KBinsDiscretizer, ordinal": lambda: fitted(
        preprocessing.KBinsDiscretizer(3, encode="ordinal", quantile_method="averaged_inverted_cdf"), NUMBERS
    ),
}

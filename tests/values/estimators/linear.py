"""Linear models, discriminants, kernels, and what predicts by likeness or probability."""

import numpy as np
from sklearn import (
    cross_decomposition,
    discriminant_analysis,
    dummy,
    gaussian_process,
    isotonic,
    kernel_ridge,
    linear_model,
    naive_bayes,
    neighbors,
    neural_network,
    semi_supervised,
    svm,
)

from tests.values.case import fitted, named
from tests.values.rows import (
    AMOUNT,
    BINARY,
    BITS,
    COUNTS,
    NAMED,
    NUMBERS,
    POSITIVE,
    PRICE,
    TARGETS,
    X,
    Y,
)

FLOAT32 = X.astype("f4")

REGRESSORS = [
    linear_model.ARDRegression(),
    linear_model.BayesianRidge(),
    linear_model.ElasticNet(),
    linear_model.ElasticNetCV(),
    linear_model.HuberRegressor(max_iter=1000),
    linear_model.Lars(),
    linear_model.LarsCV(),
    linear_model.Lasso(),
    linear_model.LassoCV(),
    linear_model.LassoLars(),
    linear_model.LassoLarsCV(),
    linear_model.LassoLarsIC(),
    linear_model.LinearRegression(),
    linear_model.OrthogonalMatchingPursuit(),
    linear_model.OrthogonalMatchingPursuitCV(),
    linear_model.PassiveAggressiveRegressor(random_state=0),
    linear_model.QuantileRegressor(),
    linear_model.RANSACRegressor(random_state=0),
    linear_model.Ridge(),
    linear_model.RidgeCV(),
    linear_model.SGDRegressor(random_state=0),
    linear_model.TheilSenRegressor(random_state=0, max_subpopulation=200),
    dummy.DummyRegressor(),
    gaussian_process.GaussianProcessRegressor(),
    kernel_ridge.KernelRidge(kernel="rbf"),
    neighbors.KNeighborsRegressor(),
    neighbors.RadiusNeighborsRegressor(radius=4),
    neural_network.MLPRegressor(hidden_layer_sizes=(5,), max_iter=300, tol=0.1, random_state=0),
    svm.LinearSVR(),
    svm.NuSVR(),
    svm.SVR(),
]
AMOUNTS = [linear_model.GammaRegressor(), linear_model.PoissonRegressor(), linear_model.TweedieRegressor(power=1.5)]
TWO_TARGETS = [
    linear_model.MultiTaskElasticNet(),
    linear_model.MultiTaskElasticNetCV(),
    linear_model.MultiTaskLasso(),
    linear_model.MultiTaskLassoCV(),
    cross_decomposition.CCA(),
    cross_decomposition.PLSCanonical(),
    cross_decomposition.PLSRegression(),
    cross_decomposition.PLSSVD(),
]
CLASSIFIERS = [
    linear_model.LogisticRegression(max_iter=500),
    linear_model.LogisticRegressionCV(max_iter=500, Cs=3, use_legacy_attributes=False, l1_ratios=(0,)),
    linear_model.PassiveAggressiveClassifier(random_state=0),
    linear_model.Perceptron(),
    linear_model.RidgeClassifier(),
    linear_model.RidgeClassifierCV(),
    linear_model.SGDClassifier(random_state=0, loss="log_loss"),
    discriminant_analysis.LinearDiscriminantAnalysis(),
    discriminant_analysis.QuadraticDiscriminantAnalysis(reg_param=0.1),
    dummy.DummyClassifier(strategy="prior"),
    gaussian_process.GaussianProcessClassifier(),
    naive_bayes.GaussianNB(),
    neighbors.KNeighborsClassifier(),
    neighbors.NearestCentroid(),
    neighbors.RadiusNeighborsClassifier(radius=4, outlier_label="most_frequent"),
    neural_network.MLPClassifier((5,), max_iter=300, tol=0.1, random_state=0),
    semi_supervised.LabelPropagation(),
    semi_supervised.LabelSpreading(),
    svm.LinearSVC(),
    svm.NuSVC(nu=0.2),
    svm.SVC(),
]


CASES = {
    **named(REGRESSORS, X, PRICE),
    **named(AMOUNTS, X, AMOUNT),
    **named(TWO_TARGETS, X, TARGETS),
    **named(CLASSIFIERS, X, Y),
    "BernoulliNB": lambda: fitted(naive_bayes.BernoulliNB(), BITS, Y),
    "CategoricalNB": lambda: fitted(naive_bayes.CategoricalNB(min_categories=9), COUNTS, Y),
    "ComplementNB": lambda: fitted(naive_bayes.ComplementNB(), COUNTS, Y),
    "MultinomialNB": lambda: fitted(naive_bayes.MultinomialNB(), POSITIVE, Y),
    "IsotonicRegression": lambda: fitted(isotonic.IsotonicRegression(out_of_bounds="clip"), X[:, :1], PRICE),
    "Ridge, two targets": lambda: fitted(linear_model.Ridge(), X, TARGETS),
    "Ridge, float32": lambda: fitted(linear_model.Ridge(), FLOAT32, PRICE.astype("f4")),
    "Ridge, of a frame": lambda: fitted(linear_model.Ridge(), NUMBERS, PRICE),
    "Ridge, of integers": lambda: fitted(linear_model.Ridge(), COUNTS, PRICE),
    "Ridge, in Fortran's order": lambda: fitted(linear_model.Ridge(), np.asfortranarray(X), PRICE),
    "LogisticRegression, of names": lambda: fitted(linear_model.LogisticRegression(max_iter=500), X, NAMED),
    "LogisticRegression, of bools": lambda: fitted(linear_model.LogisticRegression(max_iter=500), NUMBERS, BINARY),
    "SVC, binary": lambda: fitted(svm.SVC(), X, BINARY),
    "SVC, names by objects": lambda: fitted(svm.SVC(), X, NAMED.astype(object)),
    "KNeighborsClassifier, by distance": lambda: fitted(neighbors.KNeighborsClassifier(weights="distance"), X, Y),
    "KNeighborsRegressor, by distance in integers": lambda: fitted(
        neighbors.KNeighborsRegressor(weights="distance", algorithm="brute"), COUNTS, PRICE
    ),
    "GaussianProcessRegressor, with noise": lambda: fitted(
        gaussian_process.GaussianProcessRegressor(
            gaussian_process.kernels.RBF() + gaussian_process.kernels.WhiteKernel(), normalize_y=True
        ),
        X,
        PRICE,
    ),
    "DummyClassifier, of bools": lambda: fitted(dummy.DummyClassifier(strategy="most_frequent"), BITS, BINARY),
}

"""Every estimator and pipeline of the sweep by name, and what of scikit-learn is left out, each with its reason.

A name begins with the estimator's class; after a comma it says what is special about the case.
"""

from tests.values.estimators import boosters, columns, dtypes, learned, linear, texts, transformers, trees, unsupervised

FAMILIES = (linear, trees, unsupervised, transformers, texts, columns, dtypes, learned, boosters)
CASES = {name: make for family in FAMILIES for name, make in family.CASES.items()}

ANSWERS_ONLY_ITS_OWN_ROWS = (
    "AgglomerativeClustering",
    "ClassicalMDS",
    "DBSCAN",
    "HDBSCAN",
    "MDS",
    "OPTICS",
    "SpectralBiclustering",
    "SpectralClustering",
    "SpectralCoclustering",
    "SpectralEmbedding",
    "TSNE",
)
MEASURES_WITHOUT_PREDICTING = (
    "EmpiricalCovariance",
    "GraphicalLasso",
    "GraphicalLassoCV",
    "LedoitWolf",
    "MinCovDet",
    "NearestNeighbors",
    "OAS",
    "ShrunkCovariance",
)
TAKES_IMAGES = ("PatchExtractor",)
LEFT_OUT = frozenset((*ANSWERS_ONLY_ITS_OWN_ROWS, *MEASURES_WITHOUT_PREDICTING, *TAKES_IMAGES))

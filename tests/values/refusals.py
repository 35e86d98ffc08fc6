"""What is refused, in which words: rows that no request can say, and types that would be lost on the way.

A sentence says what to change. The lists may only get shorter; an entry that is not refused any more fails its test.
"""

_UNSAID = "which no request can carry: turn it into numbers, text or times"
_GUESSED = "null is taken only if the model's publisher declares the column nullable"

PUBLISHING = {
    "DictVectorizer": "fit a OneHotEncoder on a DataFrame instead",
    "FeatureHasher": "fit a OneHotEncoder on a DataFrame instead",
    "MultiLabelBinarizer": "lists of labels cannot be served as rows",
    "OneHotEncoder, None and NaN": "make them one before the estimator is fitted",
    "FunctionTransformer, sees object of text and integers": "Make them of one type before the estimator is fitted",
    "FunctionTransformer, sees decimal[pyarrow]": _UNSAID,
    "FunctionTransformer, sees dictionary[pyarrow]": _UNSAID,
    "FunctionTransformer, sees period": _UNSAID,
    "FunctionTransformer, sees interval": "Make them of one type before the estimator is fitted",
    "FunctionTransformer, sees category of intervals": _UNSAID,
    "FunctionTransformer, sees complex": _UNSAID,
}
"""Words of the refusal to publish, by the name of the case."""

ANSWERING = {
    "HistGradientBoostingRegressor, gaps that the sample lacks": _GUESSED,
    "HistGradientBoostingRegressor, gaps that nobody has seen": _GUESSED,
    "RandomForestRegressor, gaps that nobody has seen": _GUESSED,
    "XGBRegressor, gaps that nobody has seen": _GUESSED,
    "LGBMRegressor, gaps that nobody has seen": _GUESSED,
    "XGBRegressor, a narrow sample beyond ASCII": "expected one of",
}
"""Words of the refusal to answer, in every body format, by the name of the case."""

"""Live inputs and answers against the profile of publication, and against ground truth."""

from monitoring.grafana.frame import dashboard
from monitoring.grafana.panels import Section, bars, lines
from monitoring.grafana.queries import Json, Query, rate
from monitoring.grafana.variables import MODEL, OF_VERSION, VERSION, choice

_FEATURE = "{{model}} v{{version}} {{feature}}"
_WHERE = f'{OF_VERSION}, feature=~"$feature"'

_CHOSEN_FEATURE = choice(
    "feature", "Feature", 'label_values(millrace_feature_reference_ratio{model=~"$model"}, feature)'
)

_TOO_FEW = "Not enough data yet: scores need 200 values in the last hour and 100 in the sample"
_TOO_FEW_JUDGED = "Not enough data yet: quality needs 30 judged rows in the last day"

_SCORES = Section(
    "Scores",
    (
        lines(
            "PSI of inputs",
            "Population stability index; above 0.25 it is another population. Of texts: of lengths and characters.",
            "none",
            Query(f'model_feature:psi:score{{{_WHERE}, kind="input"}}', _FEATURE),
            warn=0.25,
            runbook="MillraceInputDrift",
            no_value=_TOO_FEW,
        ),
        lines(
            "PSI of answers",
            "Population stability index of what the model answers.",
            "none",
            Query(f'model_feature:psi:score{{{OF_VERSION}, kind="output"}}', _FEATURE),
            warn=0.25,
            runbook="MillracePredictionDrift",
            no_value=_TOO_FEW,
        ),
        lines(
            "Kolmogorov-Smirnov",
            "Largest distance of the cumulated shares of numbers, on the profile's bins.",
            "percentunit",
            Query(f"model_feature:ks:statistic{{{_WHERE}}}", _FEATURE),
            warn=0.2,
            runbook="MillraceInputDrift",
            no_value=_TOO_FEW,
        ),
        lines(
            "Missing values",
            "Share of missing values, live and (dashed by name) at publication.",
            "percentunit",
            Query(f"model_feature:missing:ratio{{{_WHERE}}}", _FEATURE),
            Query(f"model_feature:missing_reference:ratio{{{_WHERE}}}", f"{_FEATURE} at publication"),
            runbook="MillraceMissingValues",
        ),
        lines(
            "Unseen categories",
            "Share of values that were unknown at publication, of columns that are categories.",
            "percentunit",
            Query(f"model_feature:unseen:ratio{{{_WHERE}}}", _FEATURE),
            warn=0.05,
            runbook="MillraceUnseenCategories",
            no_value=_TOO_FEW,
        ),
        lines(
            "Confidence",
            "Mean of the largest class probability, where probabilities were asked for.",
            "percentunit",
            Query(f"model:confidence:mean1h{{{OF_VERSION}}}", "{{model}} v{{version}}"),
            no_value="Not enough data yet: the mean needs 30 rows with probabilities in the last hour",
        ),
    ),
)

_DISTRIBUTIONS = Section(
    "Distributions",
    (
        bars(
            "Live, last hour",
            "Share of each bin in the last hour.",
            "percentunit",
            Query(f"model_feature_bin:live:ratio{{{_WHERE}}}", f"{_FEATURE} {{{{bin}}}}"),
            width=12,
            no_value=_TOO_FEW,
        ),
        bars(
            "At publication",
            "Share of each bin at publication.",
            "percentunit",
            Query(f"model_feature_bin:reference:ratio{{{_WHERE}}}", f"{_FEATURE} {{{{bin}}}}"),
            width=12,
        ),
        lines(
            "Rows compared",
            "Rows a second that were sampled and compared with the profile.",
            "ops",
            Query(rate("millrace_profile_rows_total", "model, version", OF_VERSION), "{{model}} v{{version}}"),
        ),
        lines(
            "Values by bin",
            "Values a second in each bin.",
            "ops",
            Query(
                rate("millrace_feature_bin_total", "model, version, feature, bin", _WHERE),
                f"{_FEATURE} {{{{bin}}}}",
            ),
            stack=True,
        ),
        bars(
            "Values compared",
            "Values of each feature in the last hour and in the sample; from 200 and 100 on there are scores.",
            "none",
            Query(f"model_feature:values:increase1h{{{_WHERE}}}", f"{_FEATURE}, last hour"),
            Query(f"model_feature:reference_values:count{{{_WHERE}}}", f"{_FEATURE}, sample"),
        ),
        bars(
            "Features compared",
            "Input columns and outputs of a version that are compared.",
            "none",
            Query(f"max by (model, version) (millrace_profile_features{{{OF_VERSION}}})", "{{model}} v{{version}}"),
        ),
    ),
)

_GROUND_TRUTH = Section(
    "Ground truth, last day",
    (
        lines(
            "Accuracy by version",
            "Share of judged rows whose class was right.",
            "percentunit",
            Query(f"model:accuracy:ratio1d{{{OF_VERSION}}}", "{{model}} v{{version}}"),
            runbook="MillracePredictionDrift",
            no_value=_TOO_FEW_JUDGED,
        ),
        lines(
            "Error by version",
            "Mean absolute error and root mean squared error, in the target's unit.",
            "none",
            Query(f"model:absolute_error:mean1d{{{OF_VERSION}}}", "{{model}} v{{version}} mean absolute"),
            Query(f"model:squared_error:root_mean1d{{{OF_VERSION}}}", "{{model}} v{{version}} root mean squared"),
            no_value=_TOO_FEW_JUDGED,
        ),
        lines(
            "Feedback",
            "Rows of ground truth a second, by what came of them.",
            "ops",
            Query("sum by (result) (rate(millrace_feedback_total[$__rate_interval]))", "{{result}}"),
            stack=True,
        ),
    ),
)


def data() -> Json:
    """Give the dashboard as Grafana's JSON."""
    return dashboard(
        "data",
        "Data and drift",
        "Are inputs and answers distributed as at publication, and are the answers right?",
        [_SCORES, _DISTRIBUTIONS, _GROUND_TRUTH],
        [MODEL, VERSION, _CHOSEN_FEATURE],
    )

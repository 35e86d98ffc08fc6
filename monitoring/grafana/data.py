"""Live inputs and answers against the profile of publication, and against ground truth."""

from monitoring.grafana.colours import GREEN, GREY, ORANGE, RED, YELLOW, Look
from monitoring.grafana.frame import dashboard
from monitoring.grafana.panels import Section, lines
from monitoring.grafana.queries import Json, Query, rate
from monitoring.grafana.tables import Column, Labels, compared, table
from monitoring.grafana.variables import OF_VERSION, ONE_MODEL, ONE_VERSION, one

_FEATURE = "{{feature}}"
_ONE = f'{OF_VERSION}, feature=~"$feature"'
_KEY = "model, version, kind, feature"

_CHOSEN_FEATURE = one(
    "feature",
    "Feature",
    'label_values(millrace_feature_reference_ratio{model=~"$model", version=~"$version"}, feature)',
)

_TOO_FEW = "Not enough data yet: scores need 200 values in the last hour and 100 in the sample"
_NO_ACCURACY = "Of classifiers, from 30 judged rows in the last day on"
_NO_ERROR = "Of regressors, from 30 judged rows in the last day on"

_SCORES = Section(
    "Scores",
    (
        lines(
            "PSI of inputs",
            "Population stability index; above 0.25 it is another population. Of texts: of lengths and characters.",
            "none",
            Query(f'model_feature:psi:score{{{OF_VERSION}, kind="input"}}', _FEATURE),
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
            Query(f"model_feature:ks:statistic{{{OF_VERSION}}}", _FEATURE),
            warn=0.2,
            runbook="MillraceInputDrift",
            no_value=_TOO_FEW,
        ),
        lines(
            "Missing values",
            "Share of missing values, live and (dashed) at publication.",
            "percentunit",
            Query(f"model_feature:missing:ratio{{{OF_VERSION}}}", _FEATURE),
            Query(
                f"model_feature:missing_reference:ratio{{{OF_VERSION}}} "
                f"and on ({_KEY}) model_feature:missing:ratio{{{OF_VERSION}}}",
                f"{_FEATURE} at publication",
            ),
            runbook="MillraceMissingValues",
            no_value=_TOO_FEW,
            looks=(Look("at publication$", GREY, dashed=True),),
        ),
        lines(
            "Unseen categories",
            "Share of values that were unknown at publication, of columns that are categories.",
            "percentunit",
            Query(f"model_feature:unseen:ratio{{{OF_VERSION}}}", _FEATURE),
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
            soft=1,
        ),
    ),
)

_DISTRIBUTIONS = Section(
    "Distributions",
    (
        compared(
            "Distribution of $feature",
            "Share of each bin, in the last hour and at publication; nothing before there is enough to compare.",
            "percentunit",
            "bin",
            Column("last hour", f"max by (bin) (model_feature_bin:live:ratio{{{_ONE}}})"),
            Column(
                "at publication",
                f"max by (bin) (model_feature_bin:reference:ratio{{{_ONE}}} "
                f"and on ({_KEY}, bin) model_feature_bin:live:ratio{{{_ONE}}})",
            ),
            no_value=_TOO_FEW,
        ),
        table(
            "Features",
            "Values of each feature in the last hour and in the sample; from 200 and 100 on there are scores.",
            Labels((("feature", "Feature"), ("kind", "Kind"))),
            Column("Last hour", f"max by (feature, kind) (model_feature:values:increase1h{{{OF_VERSION}}})", "short"),
            Column("Sample", f"max by (feature, kind) (model_feature:reference_values:count{{{OF_VERSION}}})", "short"),
            Column("PSI", f"max by (feature, kind) (model_feature:psi:score{{{OF_VERSION}}})", warn=0.1, bad=0.25),
            Column(
                "Kolmogorov-Smirnov",
                f"max by (feature, kind) (model_feature:ks:statistic{{{OF_VERSION}}})",
                "percentunit",
                warn=0.1,
                bad=0.2,
            ),
            width=16,
        ),
        lines(
            "Rows compared",
            "Rows a second that were sampled and compared with the profile.",
            "ops",
            Query(rate("millrace_profile_rows_total", "model, version", OF_VERSION), "{{model}} v{{version}}"),
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
            soft=1,
            runbook="MillracePredictionDrift",
            no_value=_NO_ACCURACY,
        ),
        lines(
            "Error by version",
            "Mean absolute error and root mean squared error, in the target's unit.",
            "none",
            Query(f"model:absolute_error:mean1d{{{OF_VERSION}}}", "{{model}} v{{version}} mean absolute"),
            Query(f"model:squared_error:root_mean1d{{{OF_VERSION}}}", "{{model}} v{{version}} root mean squared"),
            no_value=_NO_ERROR,
        ),
        lines(
            "Feedback",
            "Rows of ground truth a second, by what came of them.",
            "ops",
            Query("sum by (result) (rate(millrace_feedback_total[$__rate_interval]))", "{{result}}"),
            stack=True,
            no_value="No ground truth was sent",
            looks=(
                Look("^joined$", GREEN),
                Look("^repeated$", YELLOW),
                Look("^unknown$", ORANGE),
                Look("^invalid$", RED),
            ),
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
        [ONE_MODEL, ONE_VERSION, _CHOSEN_FEATURE],
    )

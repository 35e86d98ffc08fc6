"""Each model and version side by side, and the states that versions are in."""

from monitoring.grafana.frame import dashboard
from monitoring.grafana.panels import Section, bars, lines, states
from monitoring.grafana.queries import Json, Query, mean, quantile, rate
from monitoring.grafana.variables import MODEL, OF_VERSION, VERSION

_BY = "model, version"
_NAME = "{{model}} v{{version}}"

_VERSIONS = Section(
    "Versions",
    (
        bars(
            "Version by channel",
            "The version that each channel names.",
            "none",
            Query(
                'max by (model, channel) (millrace_model_channel_version{model=~"$model"})',
                "{{model}} {{channel}}",
            ),
        ),
        states(
            "Converged",
            "Whether all workers of all replicas have loaded what the store says.",
            Query('min by (model) (millrace_versions_converged{model=~"$model"})', "{{model}}"),
            {0: ("on the way", "blue"), 1: ("converged", "green")},
            width=8,
        ),
        lines(
            "States of versions",
            "Workers by the state in which they have a version.",
            "none",
            Query(f"sum by (model, version, state) (millrace_model_state{{{OF_VERSION}}})", f"{_NAME} {{{{state}}}}"),
            runbook="MillraceModelFailedToLoad",
        ),
        lines(
            "In quarantine",
            "Versions that did harm and wait for somebody to release or retire them.",
            "none",
            Query(f"max by ({_BY}) (millrace_model_quarantined{{{OF_VERSION}}})", _NAME),
            runbook="MillraceModelQuarantined",
        ),
        bars(
            "Age",
            "Time since a version was published.",
            "s",
            Query(f"time() - max by ({_BY}) (millrace_model_created_timestamp_seconds{{{OF_VERSION}}})", _NAME),
        ),
        bars(
            "Last used",
            "Time since a version last answered a prediction.",
            "s",
            Query(f"time() - max by ({_BY}) (millrace_last_prediction_timestamp_seconds{{{OF_VERSION}}})", _NAME),
        ),
        bars(
            "Size in the store",
            "All files of a version.",
            "bytes",
            Query(f"max by ({_BY}) (millrace_model_size_bytes{{{OF_VERSION}}})", _NAME),
        ),
        bars(
            "Memory",
            "Growth of a worker's memory by loading the version.",
            "bytes",
            Query(f"max by ({_BY}) (millrace_model_memory_bytes{{{OF_VERSION}}})", _NAME),
        ),
    ),
)

_SIDE_BY_SIDE = Section(
    "Side by side",
    (
        lines(
            "Requests by version",
            "Requests a second that reached the version.",
            "reqps",
            Query(rate("millrace_predictions_total", _BY, OF_VERSION), _NAME),
            stack=True,
        ),
        lines(
            "Prediction time by version",
            "95th percentile of decode, predict and encode together.",
            "s",
            Query(quantile(0.95, "millrace_prediction_seconds", _BY, OF_VERSION), _NAME),
        ),
        lines(
            "Failures by version",
            "Share of a version's requests on which the estimator failed.",
            "percentunit",
            Query(f"model:failures:ratio_rate5m{{{OF_VERSION}}}", _NAME),
            warn=0.05,
            runbook="MillraceModelFails",
        ),
        lines(
            "Refused input",
            "Requests a second whose input was refused, by code.",
            "reqps",
            Query(
                rate("millrace_predictions_total", f"{_BY}, code", f'{OF_VERSION}, code!="ok"'),
                f"{_NAME} {{{{code}}}}",
            ),
        ),
        lines(
            "Predict alone",
            "Mean time in the estimator.",
            "s",
            Query(
                mean("millrace_stage_seconds", _BY, f'{OF_VERSION}, stage="predict"'),
                _NAME,
            ),
        ),
        lines(
            "Rows by version",
            "Rows predicted a second.",
            "ops",
            Query(rate("millrace_prediction_rows_total", _BY, OF_VERSION), _NAME),
            stack=True,
        ),
    ),
)

_PROCESSES = Section(
    "Model processes",
    (
        lines(
            "Ended processes",
            "Model processes that ended in the last minutes, by reason.",
            "none",
            Query(
                f"sum by ({_BY}, reason) "
                f"(increase(millrace_model_process_ends_total{{{OF_VERSION}}}[$__rate_interval]))",
                f"{_NAME} {{{{reason}}}}",
            ),
        ),
        lines(
            "Time added by a process",
            "Mean time from a question to a model process until its answer, without the prediction itself.",
            "s",
            Query(mean("millrace_model_process_added_seconds", _BY, OF_VERSION), _NAME),
        ),
    ),
)

_LOADS = Section(
    "Loads",
    (
        lines(
            "Loads",
            "Loads of the last minutes, by outcome.",
            "none",
            Query(
                f"sum by ({_BY}, outcome) (increase(millrace_model_loads_total{{{OF_VERSION}}}[$__rate_interval]))",
                f"{_NAME} {{{{outcome}}}}",
            ),
            runbook="MillraceModelFailedToLoad",
        ),
        bars(
            "Load time",
            "The slowest worker's last load.",
            "s",
            Query(f"max by ({_BY}) (millrace_model_load_seconds{{{OF_VERSION}}})", _NAME),
        ),
        lines(
            "Golden replays",
            "Replays of the stored sample, by whether the answers matched.",
            "none",
            Query(
                f"sum by (result) (increase(millrace_golden_replays_total{{{OF_VERSION}}}[$__rate_interval]))",
                "{{result}}",
            ),
        ),
    ),
)


def models() -> Json:
    """Give the dashboard as Grafana's JSON."""
    return dashboard(
        "models",
        "Models",
        "Each model's versions side by side: traffic, time, failures, loads, states.",
        [_VERSIONS, _SIDE_BY_SIDE, _PROCESSES, _LOADS],
        [MODEL, VERSION],
    )

"""Each model and version side by side, and the states that versions are in."""

from monitoring.grafana.colours import BLUE, GREEN, ORANGE, RED, YELLOW, Look
from monitoring.grafana.frame import dashboard
from monitoring.grafana.panels import Section, lines, states
from monitoring.grafana.queries import Json, Query, mean, quantile, rate
from monitoring.grafana.tables import Column, Labels, table
from monitoring.grafana.variables import MODEL, OF_VERSION, VERSION

_BY = "model, version"
_NAME = "{{model}} v{{version}}"
_BY_STATE = (Look(".", BLUE), Look("READY$", GREEN), Look("(DRAINING|RETIRED)$", YELLOW), Look("FAILED$", RED))

_VERSIONS = Section(
    "Versions",
    (
        table(
            "Channels",
            "The version that each channel names.",
            Labels((("model", "Model"), ("channel", "Channel"))),
            Column("Version", 'max by (model, channel) (millrace_model_channel_version{model=~"$model"})'),
            width=8,
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
            looks=_BY_STATE,
        ),
        table(
            "Versions",
            "Since when a version is published and was last used, what it takes on disk, in a worker, and to load.",
            Labels((("model", "Model"), ("version", "Version"))),
            Column(
                "Published ago",
                f"time() - max by ({_BY}) (millrace_model_created_timestamp_seconds{{{OF_VERSION}}})",
                "s",
            ),
            Column(
                "Used ago", f"time() - max by ({_BY}) (millrace_last_prediction_timestamp_seconds{{{OF_VERSION}}})", "s"
            ),
            Column("In the store", f"max by ({_BY}) (millrace_model_size_bytes{{{OF_VERSION}}})", "bytes"),
            Column("Memory of a worker", f"max by ({_BY}) (millrace_model_memory_bytes{{{OF_VERSION}}})", "bytes"),
            Column("Loaded in", f"max by ({_BY}) (millrace_model_load_seconds{{{OF_VERSION}}})", "s"),
            Column("Features compared", f"max by ({_BY}) (millrace_profile_features{{{OF_VERSION}}})"),
            width=18,
        ),
        table(
            "In quarantine",
            "Versions that did harm and wait for somebody to release or retire them.",
            Labels((("model", "Model"), ("version", "Version"))),
            Column("Held", f"max by ({_BY}) (millrace_model_quarantined{{{OF_VERSION}}})"),
            width=6,
            values=False,
            no_value="None",
            runbook="MillraceModelQuarantined",
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
            no_value="None",
            looks=(Look(".", ORANGE), Look("(internal_error|model_failed|unavailable|timeout|overloaded)$", RED)),
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
            width=12,
            no_value="None: no model here has code of its own",
            looks=(Look(".", ORANGE), Look("(crashed|memory|killed)", RED)),
        ),
        lines(
            "Time added by a process",
            "Mean time from a question to a model process until its answer, without the prediction itself.",
            "s",
            Query(mean("millrace_model_process_added_seconds", _BY, OF_VERSION), _NAME),
            width=12,
            no_value="None: no model here has code of its own",
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
            width=12,
            looks=(Look(".", RED), Look("ok$", GREEN)),
        ),
        lines(
            "Golden replays",
            "Replays of the stored sample, by whether the answers matched.",
            "none",
            Query(
                f"sum by (result) (increase(millrace_golden_replays_total{{{OF_VERSION}}}[$__rate_interval]))",
                "{{result}}",
            ),
            width=12,
            looks=(Look("^matched$", GREEN), Look("^differed$", RED)),
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

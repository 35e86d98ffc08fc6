"""Traffic, errors, latency, saturation, and what is left of the objectives."""

from monitoring.grafana.frame import dashboard
from monitoring.grafana.panels import Section, lines, number, states
from monitoring.grafana.queries import Json, Query, mean, quantile, rate
from monitoring.grafana.variables import OF_REPLICA, REPLICA

_BUDGET = "1 - (millrace:errors:ratio_rate3d / (1 - millrace:availability_objective:ratio))"
_LATENCY_BUDGET = "1 - (millrace:slow:ratio_rate3d / (1 - millrace:latency_objective:ratio))"

_NOW = Section(
    "Now",
    (
        number(
            "Requests",
            "Requests a second, 5 minutes' mean.",
            "reqps",
            Query("millrace:requests:rate5m"),
            runbook="MillraceTrafficVanished",
        ),
        number(
            "Failing",
            "Share of requests answered with 5xx other than 501, 5 minutes' mean.",
            "percentunit",
            Query("millrace:errors:ratio_rate5m"),
            warn=0.001,
            bad=0.01,
            runbook="MillraceErrorBudgetBurnsFast",
        ),
        number(
            "Slow",
            "Share of requests slower than SLO_LATENCY_SECONDS, 5 minutes' mean.",
            "percentunit",
            Query("millrace:slow:ratio_rate5m"),
            warn=0.01,
            bad=0.1,
            runbook="MillraceLatencyBudgetBurnsFast",
        ),
        number(
            "Error budget left",
            "Of what may fail in a month at the rate of the last three days.",
            "percentunit",
            Query(_BUDGET),
            warn=0.5,
            bad=0.1,
            low_is_bad=True,
            runbook="MillraceErrorBudgetBurnsSlowly",
        ),
        number(
            "Latency budget left",
            "Of what may be slow in a month at the rate of the last three days.",
            "percentunit",
            Query(_LATENCY_BUDGET),
            warn=0.5,
            bad=0.1,
            low_is_bad=True,
            runbook="MillraceLatencyBudgetBurnsSlowly",
        ),
        number(
            "Replicas up",
            "Replicas whose management port answers.",
            "none",
            Query("millrace:replicas_up:count"),
            warn=2,
            bad=1,
            low_is_bad=True,
            runbook="MillraceReplicaDown",
        ),
    ),
)

_OUTSIDE = states(
    "From outside",
    "Whether a prediction that is asked for the way callers do is answered.",
    Query('max by (job) (probe_success{component="probe"})', "{{job}}"),
    {0: ("not answered", "red"), 1: ("answered", "green")},
    width=12,
    runbook="MillraceUnreachable",
)

_REQUESTS = Section(
    "Requests",
    (
        _OUTSIDE,
        lines(
            "Requests by route",
            "Requests a second by route, as the replicas answered them.",
            "reqps",
            Query(rate("flask_http_request_duration_seconds_count", "url_rule", OF_REPLICA), "{{url_rule}}"),
            stack=True,
            width=12,
        ),
        lines(
            "Errors by status",
            "Requests a second that were not answered with 2xx, by status.",
            "reqps",
            Query(rate("flask_http_request_total", "status", f'{OF_REPLICA}, status!~"2.."'), "{{status}}"),
            stack=True,
            width=12,
            runbook="MillraceErrorBudgetBurnsFast",
        ),
        lines(
            "Failing and slow",
            "Shares of requests that failed or were slow, over 5 minutes and 1 hour.",
            "percentunit",
            Query("millrace:errors:ratio_rate5m", "failing, 5 m"),
            Query("millrace:errors:ratio_rate1h", "failing, 1 h"),
            Query("millrace:slow:ratio_rate5m", "slow, 5 m"),
            Query("millrace:slow:ratio_rate1h", "slow, 1 h"),
            runbook="MillraceLatencyBudgetBurnsFast",
        ),
        lines(
            "Duration by route",
            "95th percentile of a request's duration in a replica.",
            "s",
            Query(quantile(0.95, "flask_http_request_duration_seconds", "url_rule", OF_REPLICA), "{{url_rule}}"),
        ),
        lines(
            "Unhandled exceptions",
            "Requests a second that ended in an exception nothing answered.",
            "reqps",
            Query(
                rate("flask_http_request_exceptions_total", "instance", OF_REPLICA) + " or vector(0)",
                "{{instance}}",
            ),
        ),
    ),
)

_PREDICTIONS = Section(
    "Predictions",
    (
        lines(
            "Predictions by outcome",
            "Requests a second that reached a model, by outcome code.",
            "reqps",
            Query(rate("millrace_predictions_total", "code", OF_REPLICA), "{{code}}"),
            stack=True,
        ),
        lines(
            "Predictions by dialect",
            "Requests a second by wire protocol.",
            "reqps",
            Query(rate("millrace_predictions_total", "dialect", OF_REPLICA), "{{dialect}}"),
            stack=True,
        ),
        lines(
            "Rows",
            "Rows predicted a second, by model.",
            "ops",
            Query(rate("millrace_prediction_rows_total", "model", OF_REPLICA), "{{model}}"),
            stack=True,
        ),
        lines(
            "Prediction time",
            "Percentiles of decode, predict and encode together.",
            "s",
            *(
                Query(quantile(q, "millrace_prediction_seconds", "", OF_REPLICA), f"p{q * 100:g}")
                for q in (0.5, 0.95, 0.99)
            ),
            runbook="MillraceLatencyBudgetBurnsFast",
        ),
        lines(
            "Time by stage",
            "Mean time of each stage of a prediction, and of waiting for a worker.",
            "s",
            Query(
                mean("millrace_stage_seconds", "stage", OF_REPLICA),
                "{{stage}}",
            ),
            Query(
                mean("millrace_queue_seconds", "", OF_REPLICA),
                "queue",
            ),
            stack=True,
        ),
        lines(
            "Rows a request",
            "Percentiles of the rows in one request.",
            "none",
            Query(quantile(0.5, "millrace_batch_rows", "", OF_REPLICA), "p50"),
            Query(quantile(0.99, "millrace_batch_rows", "", OF_REPLICA), "p99"),
        ),
        lines(
            "Requests a prediction",
            "Mean number of requests that one prediction answered: 1 if none wait or none may be joined.",
            "none",
            Query(mean("millrace_batch_requests", "", OF_REPLICA), "mean"),
        ),
    ),
)

_SATURATION = Section(
    "Saturation",
    (
        lines(
            "In flight",
            "Requests being answered now, by replica.",
            "none",
            Query(f"sum by (instance) (millrace_in_flight{{{OF_REPLICA}}})", "{{instance}}"),
        ),
        lines(
            "Waiting for a worker",
            "Percentiles of the time from Nginx to a worker.",
            "s",
            Query(quantile(0.5, "millrace_queue_seconds", "", OF_REPLICA), "p50"),
            Query(quantile(0.99, "millrace_queue_seconds", "", OF_REPLICA), "p99"),
            runbook="MillraceSheddingLoad",
        ),
        lines(
            "Turned away",
            "Requests a second that were shed, by who shed them.",
            "reqps",
            Query(rate("millrace_shed_total", "reason", OF_REPLICA), "replica: {{reason}}"),
            Query(
                rate("millrace_nginx_requests_total", "status", 'status=~"429|503"'),
                "Nginx: {{status}}",
            ),
            runbook="MillraceSheddingLoad",
        ),
    ),
)


def overview() -> Json:
    """Give the dashboard as Grafana's JSON."""
    return dashboard(
        "overview",
        "Overview",
        "Is the service well? Traffic, errors, latency, saturation and the objectives' budgets.",
        [_NOW, _REQUESTS, _PREDICTIONS, _SATURATION],
        [REPLICA],
    )

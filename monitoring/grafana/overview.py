"""Traffic, errors, latency, saturation, and what is left of the objectives."""

from monitoring.grafana.colours import ALL_ERRORS, BY_CODE, BY_QUANTILE, BY_STATUS, GREEN, ORANGE, RED, Look
from monitoring.grafana.frame import dashboard
from monitoring.grafana.panels import Section, lines, number
from monitoring.grafana.queries import Json, Query, mean, quantile, rate
from monitoring.grafana.tables import Column, Labels, table
from monitoring.grafana.variables import OF_REPLICA, REPLICA

_BUDGET = "1 - (millrace:errors:ratio_rate3d / (1 - millrace:availability_objective:ratio))"
_LATENCY_BUDGET = "1 - (millrace:slow:ratio_rate3d / (1 - millrace:latency_objective:ratio))"

_FIRING = 'ALERTS{alertname=~"Millrace.+", alertname!="MillraceWatchdog", alertstate="firing"}'

_ALERTS = Section(
    "Alerts",
    (
        number(
            "Firing",
            "How many alerts fire.",
            "none",
            Query(f"count({_FIRING}) or vector(0)"),
            width=3,
            bad=1,
        ),
        table(
            "Firing alerts",
            "What fires, what it is about, and since when; the name leads to the runbook.",
            Labels(
                (
                    ("alertname", "Alert"),
                    ("severity", "Severity"),
                    ("model", "Model"),
                    ("version", "Version"),
                    ("feature", "Feature"),
                    ("instance", "Instance"),
                ),
                "${runbooks}/${__value.raw}.md",
            ),
            Column(
                "Since",
                "time() - max by (alertname, severity, model, version, feature, instance) "
                '(ALERTS_FOR_STATE{alertname=~"Millrace.+", alertname!="MillraceWatchdog"}) '
                "and on (alertname, model, version, feature, instance) "
                f"(max by (alertname, model, version, feature, instance) ({_FIRING}))",
                "s",
            ),
            width=21,
            height=4,
            no_value="Nothing fires",
        ),
    ),
)

_NOW = Section(
    "Now",
    (
        number(
            "Requests",
            "Requests a second, 5 minutes' mean.",
            "reqps",
            Query("millrace:requests:rate5m"),
            runbook="MillraceTrafficVanished",
            width=3,
        ),
        number(
            "Failing",
            "Share of requests answered with 5xx other than 501, 5 minutes' mean.",
            "percentunit",
            Query("millrace:errors:ratio_rate5m"),
            warn=0.001,
            bad=0.01,
            runbook="MillraceErrorBudgetBurnsFast",
            width=3,
        ),
        number(
            "Slow",
            "Share of requests slower than SLO_LATENCY_SECONDS, 5 minutes' mean.",
            "percentunit",
            Query("millrace:slow:ratio_rate5m"),
            warn=0.01,
            bad=0.1,
            runbook="MillraceLatencyBudgetBurnsFast",
            width=3,
        ),
        number(
            "p99",
            "99 of 100 requests are answered within this time, as the replicas saw them.",
            "s",
            Query(quantile(0.99, "flask_http_request_duration_seconds", "", OF_REPLICA)),
            width=3,
            runbook="MillraceLatencyBudgetBurnsFast",
        ),
        number(
            "Error budget",
            "What is left of what may fail in a month, at the rate of the last three days.",
            "percentunit",
            Query(_BUDGET),
            warn=0.5,
            bad=0.1,
            low_is_bad=True,
            runbook="MillraceErrorBudgetBurnsSlowly",
            width=3,
        ),
        number(
            "Time budget",
            "What is left of what may be slow in a month, at the rate of the last three days.",
            "percentunit",
            Query(_LATENCY_BUDGET),
            warn=0.5,
            bad=0.1,
            low_is_bad=True,
            runbook="MillraceLatencyBudgetBurnsSlowly",
            width=3,
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
            width=3,
        ),
        number(
            "From outside",
            "Whether a prediction that is asked for the way callers do is answered.",
            "none",
            Query('max(probe_success{component="probe"})'),
            width=3,
            bad=0,
            warn=1,
            low_is_bad=True,
            runbook="MillraceUnreachable",
            names={0: ("not answered", RED), 1: ("answered", GREEN)},
            no_value="not asked",
        ),
    ),
)

_REQUESTS = Section(
    "Requests",
    (
        lines(
            "Requests by route",
            "Requests a second by route, as the replicas answered them.",
            "reqps",
            Query(rate("flask_http_request_duration_seconds_count", "url_rule", OF_REPLICA), "{{url_rule}}"),
            stack=True,
            width=12,
        ),
        lines(
            "Requests by caller",
            "Requests a second by client; people are shown as their identity provider.",
            "reqps",
            Query(rate("millrace_caller_requests_total", "caller", OF_REPLICA), "{{caller}}"),
            stack=True,
            width=12,
            runbook="MillraceTrafficVanished",
        ),
        lines(
            "Errors by status",
            "Requests a second that were not answered with 2xx, by status.",
            "reqps",
            Query(rate("flask_http_request_total", "status", f'{OF_REPLICA}, status!~"2.."'), "{{status}}"),
            stack=True,
            width=12,
            runbook="MillraceErrorBudgetBurnsFast",
            looks=BY_STATUS,
            no_value="None",
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
            width=12,
            soft=0.01,
            looks=(Look("^failing", RED), Look("^slow", ORANGE), Look("1 h$", dashed=True)),
        ),
        lines(
            "Duration by route",
            "95th percentile of a request's duration in a replica.",
            "s",
            Query(quantile(0.95, "flask_http_request_duration_seconds", "url_rule", OF_REPLICA), "{{url_rule}}"),
            width=12,
        ),
        lines(
            "Unhandled exceptions",
            "Requests a second that ended in an exception nothing answered.",
            "reqps",
            Query(
                rate("flask_http_request_exceptions_total", "", OF_REPLICA) + " or vector(0)",
                "exceptions",
            ),
            width=12,
            looks=ALL_ERRORS,
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
            looks=BY_CODE,
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
            width=6,
            looks=BY_QUANTILE,
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
            width=6,
            looks=(Look("^queue$", ORANGE),),
        ),
        lines(
            "Rows a request",
            "Percentiles of the rows in one request.",
            "none",
            Query(quantile(0.5, "millrace_batch_rows", "", OF_REPLICA), "p50"),
            Query(quantile(0.99, "millrace_batch_rows", "", OF_REPLICA), "p99"),
            width=6,
            looks=BY_QUANTILE,
        ),
        lines(
            "Requests a prediction",
            "Mean number of requests that one prediction answered: 1 if none wait or none may be joined.",
            "none",
            Query(mean("millrace_batch_requests", "", OF_REPLICA), "mean"),
            width=6,
        ),
    ),
)

_SATURATION = Section(
    "Saturation",
    (
        lines(
            "In flight",
            "Requests being answered now, by replica, and how many predictions Nginx lets one have at most.",
            "none",
            Query(f"sum by (instance) (millrace_in_flight{{{OF_REPLICA}}})", "{{instance}}"),
            Query(f"min(millrace_capacity_requests{{{OF_REPLICA}}})", "capacity of one"),
            runbook="MillraceSheddingLoad",
            looks=(Look("^capacity of one$", RED, dashed=True),),
        ),
        lines(
            "Waiting for a worker",
            "Percentiles of the time from Nginx to a worker.",
            "s",
            Query(quantile(0.5, "millrace_queue_seconds", "", OF_REPLICA), "p50"),
            Query(quantile(0.99, "millrace_queue_seconds", "", OF_REPLICA), "p99"),
            runbook="MillraceSheddingLoad",
            looks=BY_QUANTILE,
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
            looks=(Look("^replica", RED), Look("429$", ORANGE), Look("503$", RED)),
        ),
    ),
)


def overview() -> Json:
    """Give the dashboard as Grafana's JSON."""
    return dashboard(
        "overview",
        "Overview",
        "Is the service well? Traffic, errors, latency, saturation and the objectives' budgets.",
        [_ALERTS, _NOW, _REQUESTS, _PREDICTIONS, _SATURATION],
        [REPLICA],
    )

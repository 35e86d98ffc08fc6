"""Millrace's five dashboards, written as JSON beside this file: `python -m monitoring.grafana.render`."""

import json
from pathlib import Path

from monitoring.grafana.panels import Json, Query, Section, bars, choice, dashboard, lines, number, states

FOLDER = Path(__file__).parent / "dashboards"

MODEL = choice("model", "Model", "label_values(millrace_model_channel_version, model)")
VERSION = choice("version", "Version", 'label_values(millrace_model_state{model=~"$model"}, version)')
REPLICA = choice("replica", "Replica", 'label_values(up{job="millrace"}, instance)')

_M = 'model=~"$model", version=~"$version"'
_R = 'instance=~"$replica"'
_OK, _BAD, _BUSY, _GREY = "green", "red", "blue", "#808080"


def _quantile(share: float, metric: str, by: str, where: str) -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket{{{where}}}[$__rate_interval])))"


def _rate(metric: str, by: str, where: str) -> str:
    grouped = f"sum by ({by})" if by else "sum"
    return f"{grouped} (rate({metric}{{{where}}}[$__rate_interval]))"


def _mean(histogram: str, by: str, where: str) -> str:
    return f"{_rate(f'{histogram}_sum', by, where)} / {_rate(f'{histogram}_count', by, where)}"


def overview() -> Json:
    """Traffic, errors, latency, saturation, and what is left of the objectives."""
    budget = "1 - (millrace:errors:ratio_rate3d / (1 - millrace:availability_objective:ratio))"
    latency_budget = "1 - (millrace:slow:ratio_rate3d / (1 - millrace:latency_objective:ratio))"
    return dashboard(
        "overview",
        "Overview",
        "Is the service well? Traffic, errors, latency, saturation and the objectives' budgets.",
        [
            Section(
                "Now",
                (
                    number(
                        "Requests", "Requests a second, 5 minutes' mean.", "reqps", Query("millrace:requests:rate5m")
                    ),
                    number(
                        "Failing",
                        "Share of requests answered with 5xx, 5 minutes' mean.",
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
                        Query(budget),
                        warn=0.5,
                        bad=0.1,
                        low_is_bad=True,
                        runbook="MillraceErrorBudgetBurnsSlowly",
                    ),
                    number(
                        "Latency budget left",
                        "Of what may be slow in a month at the rate of the last three days.",
                        "percentunit",
                        Query(latency_budget),
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
            ),
            Section(
                "Requests",
                (
                    lines(
                        "Requests by route",
                        "Requests a second by route, as the replicas answered them.",
                        "reqps",
                        Query(_rate("flask_http_request_duration_seconds_count", "url_rule", _R), "{{url_rule}}"),
                        stack=True,
                        width=12,
                    ),
                    lines(
                        "Errors by status",
                        "Requests a second that were not answered with 2xx, by status.",
                        "reqps",
                        Query(_rate("flask_http_request_total", "status", f'{_R}, status!~"2.."'), "{{status}}"),
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
                        Query(_quantile(0.95, "flask_http_request_duration_seconds", "url_rule", _R), "{{url_rule}}"),
                    ),
                    lines(
                        "Unhandled exceptions",
                        "Requests a second that ended in an exception nothing answered.",
                        "reqps",
                        Query(
                            _rate("flask_http_request_exceptions_total", "instance", _R) + " or vector(0)",
                            "{{instance}}",
                        ),
                    ),
                ),
            ),
            Section(
                "Predictions",
                (
                    lines(
                        "Predictions by outcome",
                        "Requests a second that reached a model, by outcome code.",
                        "reqps",
                        Query(_rate("millrace_predictions_total", "code", _R), "{{code}}"),
                        stack=True,
                    ),
                    lines(
                        "Predictions by dialect",
                        "Requests a second by wire protocol.",
                        "reqps",
                        Query(_rate("millrace_predictions_total", "dialect", _R), "{{dialect}}"),
                        stack=True,
                    ),
                    lines(
                        "Rows",
                        "Rows predicted a second, by model.",
                        "ops",
                        Query(_rate("millrace_prediction_rows_total", "model", _R), "{{model}}"),
                        stack=True,
                    ),
                    lines(
                        "Prediction time",
                        "Percentiles of decode, predict and encode together.",
                        "s",
                        *(
                            Query(_quantile(q, "millrace_prediction_seconds", "", _R), f"p{q * 100:g}")
                            for q in (0.5, 0.95, 0.99)
                        ),
                        runbook="MillraceLatencyBudgetBurnsFast",
                    ),
                    lines(
                        "Time by stage",
                        "Mean time of each stage of a prediction, and of waiting for a worker.",
                        "s",
                        Query(
                            _mean("millrace_stage_seconds", "stage", _R),
                            "{{stage}}",
                        ),
                        Query(
                            _mean("millrace_queue_seconds", "", _R),
                            "queue",
                        ),
                        stack=True,
                    ),
                    lines(
                        "Rows a request",
                        "Percentiles of the rows in one request.",
                        "none",
                        Query(_quantile(0.5, "millrace_batch_rows", "", _R), "p50"),
                        Query(_quantile(0.99, "millrace_batch_rows", "", _R), "p99"),
                    ),
                ),
            ),
            Section(
                "Saturation",
                (
                    lines(
                        "In flight",
                        "Requests being answered now, by replica.",
                        "none",
                        Query(f"sum by (instance) (millrace_in_flight{{{_R}}})", "{{instance}}"),
                    ),
                    lines(
                        "Waiting for a worker",
                        "Percentiles of the time from Nginx to a worker.",
                        "s",
                        Query(_quantile(0.5, "millrace_queue_seconds", "", _R), "p50"),
                        Query(_quantile(0.99, "millrace_queue_seconds", "", _R), "p99"),
                        runbook="MillraceSheddingLoad",
                    ),
                    lines(
                        "Turned away",
                        "Requests a second that were shed, by who shed them.",
                        "reqps",
                        Query(_rate("millrace_shed_total", "reason", _R), "replica: {{reason}}"),
                        Query(
                            _rate("millrace_nginx_requests_total", "status", 'status=~"429|503"'),
                            "Nginx: {{status}}",
                        ),
                        runbook="MillraceSheddingLoad",
                    ),
                ),
            ),
        ],
        [REPLICA],
    )


def models() -> Json:
    """Each model and version side by side, and the states that versions are in."""
    by = "model, version"
    name = "{{model}} v{{version}}"
    return dashboard(
        "models",
        "Models",
        "Each model's versions side by side: traffic, time, failures, loads, states.",
        [
            Section(
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
                        {0: ("on the way", _BUSY), 1: ("converged", _OK)},
                        width=8,
                    ),
                    lines(
                        "States of versions",
                        "Workers by the state in which they have a version.",
                        "none",
                        Query(
                            f"sum by (model, version, state) (millrace_model_state{{{_M}}})", f"{name} {{{{state}}}}"
                        ),
                        runbook="MillraceModelFailedToLoad",
                    ),
                    bars(
                        "Age",
                        "Time since a version was published.",
                        "s",
                        Query(f"time() - max by ({by}) (millrace_model_created_timestamp_seconds{{{_M}}})", name),
                    ),
                    bars(
                        "Size in the store",
                        "All files of a version.",
                        "bytes",
                        Query(f"max by ({by}) (millrace_model_size_bytes{{{_M}}})", name),
                    ),
                    bars(
                        "Memory",
                        "Growth of a worker's memory by loading the version.",
                        "bytes",
                        Query(f"max by ({by}) (millrace_model_memory_bytes{{{_M}}})", name),
                    ),
                ),
            ),
            Section(
                "Side by side",
                (
                    lines(
                        "Requests by version",
                        "Requests a second that reached the version.",
                        "reqps",
                        Query(_rate("millrace_predictions_total", by, _M), name),
                        stack=True,
                    ),
                    lines(
                        "Prediction time by version",
                        "95th percentile of decode, predict and encode together.",
                        "s",
                        Query(_quantile(0.95, "millrace_prediction_seconds", by, _M), name),
                    ),
                    lines(
                        "Failures by version",
                        "Share of a version's requests on which the estimator failed.",
                        "percentunit",
                        Query(f"model:failures:ratio_rate5m{{{_M}}}", name),
                        warn=0.05,
                        runbook="MillraceModelFails",
                    ),
                    lines(
                        "Refused input",
                        "Requests a second whose input was refused, by code.",
                        "reqps",
                        Query(
                            _rate("millrace_predictions_total", f"{by}, code", f'{_M}, code!="ok"'),
                            f"{name} {{{{code}}}}",
                        ),
                    ),
                    lines(
                        "Predict alone",
                        "Mean time in the estimator.",
                        "s",
                        Query(
                            _mean("millrace_stage_seconds", by, f'{_M}, stage="predict"'),
                            name,
                        ),
                    ),
                    lines(
                        "Rows by version",
                        "Rows predicted a second.",
                        "ops",
                        Query(_rate("millrace_prediction_rows_total", by, _M), name),
                        stack=True,
                    ),
                ),
            ),
            Section(
                "Loads",
                (
                    lines(
                        "Loads",
                        "Loads of the last minutes, by outcome.",
                        "none",
                        Query(
                            f"sum by ({by}, outcome) (increase(millrace_model_loads_total{{{_M}}}[$__rate_interval]))",
                            f"{name} {{{{outcome}}}}",
                        ),
                        runbook="MillraceModelFailedToLoad",
                    ),
                    bars(
                        "Load time",
                        "The slowest worker's last load.",
                        "s",
                        Query(f"max by ({by}) (millrace_model_load_seconds{{{_M}}})", name),
                    ),
                    lines(
                        "Golden replays",
                        "Replays of the stored sample, by whether the answers matched.",
                        "none",
                        Query(
                            f"sum by (result) (increase(millrace_golden_replays_total{{{_M}}}[$__rate_interval]))",
                            "{{result}}",
                        ),
                    ),
                ),
            ),
        ],
        [MODEL, VERSION],
    )


def data() -> Json:
    """Live inputs and answers against the profile of publication, and against ground truth."""
    feature = "{{model}} v{{version}} {{feature}}"
    where = f'{_M}, feature=~"$feature"'
    return dashboard(
        "data",
        "Data and drift",
        "Are inputs and answers distributed as at publication, and are the answers right?",
        [
            Section(
                "Scores",
                (
                    lines(
                        "PSI of inputs",
                        "Population stability index; above 0.25 it is another population.",
                        "none",
                        Query(f'model_feature:psi:score{{{where}, kind="input"}}', feature),
                        warn=0.25,
                        runbook="MillraceInputDrift",
                    ),
                    lines(
                        "PSI of answers",
                        "Population stability index of what the model answers.",
                        "none",
                        Query(f'model_feature:psi:score{{{_M}, kind="output"}}', feature),
                        warn=0.25,
                        runbook="MillracePredictionDrift",
                    ),
                    lines(
                        "Kolmogorov-Smirnov",
                        "Largest distance of the cumulated shares, on the profile's bins.",
                        "percentunit",
                        Query(f"model_feature:ks:statistic{{{where}}}", feature),
                        warn=0.2,
                        runbook="MillraceInputDrift",
                    ),
                    lines(
                        "Missing values",
                        "Share of missing values, live and (dashed by name) at publication.",
                        "percentunit",
                        Query(f"model_feature:missing:ratio{{{where}}}", feature),
                        Query(f"model_feature:missing_reference:ratio{{{where}}}", f"{feature} at publication"),
                        runbook="MillraceMissingValues",
                    ),
                    lines(
                        "Unseen categories",
                        "Share of values that were unknown at publication.",
                        "percentunit",
                        Query(f"model_feature:unseen:ratio{{{where}}}", feature),
                        warn=0.05,
                        runbook="MillraceUnseenCategories",
                    ),
                    lines(
                        "Confidence",
                        "Mean of the largest class probability, where probabilities were asked for.",
                        "percentunit",
                        Query(f"model:confidence:mean1h{{{_M}}}", "{{model}} v{{version}}"),
                    ),
                ),
            ),
            Section(
                "Distributions",
                (
                    bars(
                        "Live, last hour",
                        "Share of each bin in the last hour.",
                        "percentunit",
                        Query(f"model_feature_bin:live:ratio{{{where}}}", f"{feature} {{{{bin}}}}"),
                        width=12,
                    ),
                    bars(
                        "At publication",
                        "Share of each bin at publication.",
                        "percentunit",
                        Query(f"model_feature_bin:reference:ratio{{{where}}}", f"{feature} {{{{bin}}}}"),
                        width=12,
                    ),
                    lines(
                        "Rows compared",
                        "Rows a second that were sampled and compared with the profile.",
                        "ops",
                        Query(_rate("millrace_profile_rows_total", "model, version", _M), "{{model}} v{{version}}"),
                    ),
                    lines(
                        "Values by bin",
                        "Values a second in each bin.",
                        "ops",
                        Query(
                            _rate("millrace_feature_bin_total", "model, version, feature, bin", where),
                            f"{feature} {{{{bin}}}}",
                        ),
                        stack=True,
                    ),
                    bars(
                        "Features compared",
                        "Input columns and outputs of a version that are compared.",
                        "none",
                        Query(f"max by (model, version) (millrace_profile_features{{{_M}}})", "{{model}} v{{version}}"),
                    ),
                ),
            ),
            Section(
                "Ground truth, last day",
                (
                    lines(
                        "Accuracy by version",
                        "Share of judged rows whose class was right.",
                        "percentunit",
                        Query(f"model:accuracy:ratio1d{{{_M}}}", "{{model}} v{{version}}"),
                        runbook="MillracePredictionDrift",
                    ),
                    lines(
                        "Error by version",
                        "Mean absolute error and root mean squared error, in the target's unit.",
                        "none",
                        Query(f"model:absolute_error:mean1d{{{_M}}}", "{{model}} v{{version}} mean absolute"),
                        Query(f"model:squared_error:root_mean1d{{{_M}}}", "{{model}} v{{version}} root mean squared"),
                    ),
                    lines(
                        "Feedback",
                        "Rows of ground truth a second, by what came of them.",
                        "ops",
                        Query("sum by (result) (rate(millrace_feedback_total[$__rate_interval]))", "{{result}}"),
                        stack=True,
                    ),
                ),
            ),
        ],
        [
            MODEL,
            VERSION,
            choice("feature", "Feature", 'label_values(millrace_feature_reference_ratio{model=~"$model"}, feature)'),
        ],
    )


def replicas() -> Json:
    """The replicas' processes, their share of the work, and Nginx before them."""
    worker = "{{instance}} {{worker}}"
    return dashboard(
        "replicas",
        "Replicas and Nginx",
        "Balance, processor, memory, disk, restarts of each replica; tries and retries of Nginx.",
        [
            Section(
                "Replicas",
                (
                    states(
                        "Replicas up",
                        "Whether each replica's management port answers.",
                        Query(f'up{{job="millrace", {_R}}}', "{{instance}}"),
                        {0: ("down", _BAD), 1: ("up", _OK)},
                    ),
                    bars(
                        "Release",
                        "What each replica runs.",
                        "none",
                        Query(
                            f"max by (instance, release, python, scikit_learn) (millrace_build_info{{{_R}}})",
                            "{{instance}}: Millrace {{release}}, Python {{python}}, scikit-learn {{scikit_learn}}",
                        ),
                        width=12,
                    ),
                    lines(
                        "Requests by replica",
                        "Requests a second; lines should lie on one another.",
                        "reqps",
                        Query(_rate("flask_http_request_total", "instance", _R), "{{instance}}"),
                        runbook="MillraceReplicaDown",
                    ),
                    lines(
                        "Workers",
                        "Live workers of each replica.",
                        "none",
                        Query(f"sum by (instance) (millrace_workers{{{_R}}})", "{{instance}}"),
                    ),
                    lines(
                        "Workers that ended",
                        "Workers that ended, for whatever reason.",
                        "none",
                        Query(
                            f"sum by (instance) (increase(millrace_worker_exits_total{{{_R}}}[$__rate_interval]))",
                            "{{instance}}",
                        ),
                        runbook="MillraceWorkersKeepDying",
                    ),
                ),
            ),
            Section(
                "Processes",
                (
                    lines(
                        "Processor",
                        "CPU seconds a second of each process: 1 is a whole core.",
                        "none",
                        Query(_rate("millrace_worker_cpu_seconds_total", "instance, worker", _R), worker),
                    ),
                    lines(
                        "Memory",
                        "Resident memory of each process; pages shared by workers are counted in each.",
                        "bytes",
                        Query(f"millrace_worker_resident_memory_bytes{{{_R}}}", worker),
                    ),
                    lines(
                        "Open files",
                        "Share of the allowed file descriptors that are open.",
                        "percentunit",
                        Query(f"millrace_worker_open_files{{{_R}}} / millrace_worker_max_files{{{_R}}}", worker),
                        warn=0.8,
                        runbook="MillraceFileDescriptorsRunOut",
                    ),
                    lines(
                        "Disk",
                        "Bytes a second to and from storage.",
                        "Bps",
                        Query(_rate("millrace_worker_disk_read_bytes_total", "instance", _R), "{{instance}} read"),
                        Query(
                            _rate("millrace_worker_disk_written_bytes_total", "instance", _R), "{{instance}} written"
                        ),
                    ),
                    lines(
                        "Threads", "Threads of each process.", "none", Query(f"millrace_worker_threads{{{_R}}}", worker)
                    ),
                    lines(
                        "Running since",
                        "Age of each process; a fall is a restart.",
                        "s",
                        Query(f"time() - millrace_worker_start_time_seconds{{{_R}}}", worker),
                    ),
                    lines(
                        "Free disk",
                        "Share of the file system that is free.",
                        "percentunit",
                        Query(
                            f"millrace_disk_free_bytes{{{_R}}} / millrace_disk_size_bytes{{{_R}}}",
                            "{{instance}} {{volume}}",
                        ),
                        runbook="MillraceDiskFull",
                    ),
                    lines(
                        "Metric files",
                        "Files that a scrape of a replica reads; it should not grow.",
                        "none",
                        Query(f"millrace_metric_files{{{_R}}}", "{{instance}}"),
                    ),
                ),
            ),
            Section(
                "Nginx",
                (
                    lines(
                        "Answers by status",
                        "Requests a second that Nginx answered, its own refusals included.",
                        "reqps",
                        Query(
                            "sum by (status) (rate(millrace_nginx_requests_total[$__rate_interval])) > 0", "{{status}}"
                        ),
                        stack=True,
                    ),
                    lines(
                        "Duration",
                        "Percentiles of a request's duration as Nginx saw it.",
                        "s",
                        *(
                            Query(
                                f"histogram_quantile({q}, sum by (le) "
                                "(rate(millrace_nginx_request_seconds_bucket[$__rate_interval])))",
                                f"p{q * 100:g}",
                            )
                            for q in (0.5, 0.95, 0.99)
                        ),
                    ),
                    lines(
                        "Tries by replica",
                        "Tries a second by replica and outcome.",
                        "reqps",
                        Query(
                            "sum by (upstream, status) (rate(millrace_nginx_upstream_tries_total[$__rate_interval]))",
                            "{{upstream}} {{status}}",
                        ),
                        stack=True,
                    ),
                    lines(
                        "Retries",
                        "Further replicas tried after a first one failed.",
                        "reqps",
                        Query("sum(rate(millrace_nginx_retries_total[$__rate_interval]))", "retries"),
                    ),
                ),
            ),
        ],
        [REPLICA],
    )


def access() -> Json:
    """Who was refused, which quotas are used up, what was audited; database, audit trail, certificate."""
    return dashboard(
        "access",
        "Access",
        "Refusals, quotas, audit; the database, the audit trail's chain and the certificate.",
        [
            Section(
                "Well-being",
                (
                    number(
                        "Database",
                        "1 where the database answers every replica.",
                        "none",
                        Query("min(millrace_database_up)"),
                        warn=1,
                        low_is_bad=True,
                        runbook="MillraceDatabaseDown",
                    ),
                    number(
                        "Audit trail",
                        "1 where the last check found the chain of hashes whole.",
                        "none",
                        Query("min(millrace_audit_chain_ok)"),
                        warn=1,
                        low_is_bad=True,
                        runbook="MillraceAuditChainBroken",
                    ),
                    number(
                        "Certificate",
                        "Time until the TLS certificate expires; empty without TLS.",
                        "s",
                        Query("min(millrace_certificate_expiry_timestamp_seconds) - time()"),
                        warn=14 * 86400,
                        bad=2 * 86400,
                        low_is_bad=True,
                        runbook="MillraceCertificateExpires",
                    ),
                ),
            ),
            Section(
                "Refusals",
                (
                    lines(
                        "Refusals by reason",
                        "Requests a second refused by authentication or authorization.",
                        "reqps",
                        Query(_rate("millrace_auth_refusals_total", "reason", _R), "{{reason}}"),
                        stack=True,
                    ),
                    lines(
                        "Refusals by quota",
                        "Requests a second refused because a quota was used up.",
                        "reqps",
                        Query(_rate("millrace_quota_refusals_total", "quota", _R), "{{quota}}"),
                        stack=True,
                    ),
                    lines(
                        "Token cache",
                        "Share of tokens that were found verified in the cache.",
                        "percentunit",
                        Query(
                            _rate("millrace_token_cache_total", "", f'{_R}, result="hit"')
                            + " / "
                            + _rate("millrace_token_cache_total", "", _R),
                            "hits",
                        ),
                    ),
                ),
            ),
            Section(
                "Audit",
                (
                    lines(
                        "Audit events",
                        "Events a minute, by action and outcome.",
                        "opm",
                        Query(
                            f"60 * {_rate('millrace_audit_events_total', 'action, outcome', _R)}",
                            "{{action}} {{outcome}}",
                        ),
                        stack=True,
                        width=24,
                    ),
                ),
            ),
        ],
        [REPLICA],
    )


def rendered() -> dict[str, str]:
    """Each dashboard's file name and text."""
    made = {"overview": overview(), "models": models(), "data": data(), "replicas": replicas(), "access": access()}
    return {f"{name}.json": json.dumps(board, indent=1) + "\n" for name, board in made.items()}


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in rendered().items():
        (FOLDER / name).write_text(text, "utf-8")
        print(FOLDER / name)


if __name__ == "__main__":
    main()

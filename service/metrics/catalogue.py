"""Every metric that Millrace exposes, declared once. What is not declared here cannot be recorded.

No label takes a value that a caller can invent: callers are the clients that an administrator made, model, version and
channel come from the version that was chosen, dialect, code, stage and reason from fixed sets in the code, feature and
bin from the published profile.
"""

from collections.abc import Mapping

from service.metrics.declaration import Declaration

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Buckets of request and prediction durations; an objective of the latency SLO must be one of them."""
STAGE_SECONDS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1.0, 5.0)
QUEUE_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
ROWS = (1, 2, 5, 10, 50, 100, 500, 1000, 10_000, 100_000)
REQUESTS_TOGETHER = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128, 256)
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)

LABELS: Mapping[str, str] = {
    "model": "name of the model that was chosen; empty where none was",
    "version": "the version that was chosen; empty where none was",
    "dialect": "wire protocol of the route, a fixed set",
    "code": "`ok`, or the stable code of the error, a fixed set",
    "stage": "`decode`, `predict` or `encode`",
    "reason": "why, from a fixed set in the code",
    "outcome": "what came of it, from a fixed set in the code",
    "result": "what came of it, from a fixed set in the code",
    "part": "a part of the confinement, a fixed set",
    "action": "what was audited, from a fixed set in the code",
    "caller": "`client:` and a client's id, an identity provider's name and `:*` for its people, `anonymous`, or "
    "`unknown` where no credentials were accepted; the first 64, then `other`",
    "issuer": "name of a configured OpenID Connect issuer",
    "quota": "which quota, from a fixed set in the code",
    "channel": "`stable`, `canary` or `shadow`; of predictions also `pinned`, if the request named a version or label, "
    "and empty where no version was chosen",
    "state": "state of a version's life (NEW to RETIRED, or FAILED)",
    "kind": "`input` or `output`",
    "feature": "input column or output, of the published profile; at most `PROFILE_FEATURES` columns a version",
    "bin": "bin of the published profile, `missing` or `unseen`: the number of a range, a class, a "
    "category that at least five rows of the sample had, or of texts and ids the kind and how many characters",
    "worker": "`master`, or the worker's place: 0 for the oldest",
    "volume": "`store` or `run`",
    "what": "`metric` (a series), `recent_prediction` (a row), `payload`, `span`, or `record` (part of what "
    "is noted of a request, which an error prevented)",
    "release": "Millrace's own version",
    "python": "Python's version",
    "scikit_learn": "scikit-learn's version",
    "method": "HTTP method, `other` for one that HTTP does not define",
    "url_rule": "the route's pattern, never the path itself",
    "status": "HTTP status",
    "seconds": "`SLO_LATENCY_SECONDS`, as the label `le` of a bucket says it",
    "replica": "name of the replica, as in its logs",
    "upstream": "name of the replica, as in its logs; the address of a worker of one that has not answered yet",
}
"""Where each label's values come from."""


_MODEL = ("model", "version")

CATALOGUE: tuple[Declaration, ...] = (
    # Predictions
    Declaration(
        "millrace_predictions_total",
        "counter",
        "Prediction requests that reached the choice of a model, by what came of them.",
        (*_MODEL, "channel", "dialect", "code"),
    ),
    Declaration("millrace_prediction_rows_total", "counter", "Rows predicted.", (*_MODEL, "channel", "dialect")),
    Declaration(
        "millrace_last_prediction_timestamp_seconds",
        "gauge",
        "When the version last answered a prediction, in seconds since 1970.",
        _MODEL,
    ),
    Declaration(
        "millrace_prediction_seconds",
        "histogram",
        "Time to decode, predict and encode one answered request, in seconds.",
        (*_MODEL, "channel", "dialect"),
        SECONDS,
    ),
    Declaration(
        "millrace_stage_seconds",
        "histogram",
        "Time in one stage of an answered prediction, in seconds.",
        (*_MODEL, "stage"),
        STAGE_SECONDS,
    ),
    Declaration("millrace_batch_rows", "histogram", "Rows in one answered request.", _MODEL, ROWS),
    Declaration(
        "millrace_batch_requests", "histogram", "Requests answered by one prediction.", _MODEL, REQUESTS_TOGETHER
    ),
    Declaration(
        "millrace_model_process_ends_total",
        "counter",
        "Model processes that have ended, by `reason`: `crashed`, `late` (no answer in time), `bad_frame` (what "
        "it sent is no answer), `not_ready` (it could not load its version). Each is started again.",
        (*_MODEL, "reason"),
    ),
    Declaration(
        "millrace_model_process_added_seconds",
        "histogram",
        "Time from a question to a model process until its answer, without the prediction itself, in seconds.",
        _MODEL,
        STAGE_SECONDS,
    ),
    Declaration(
        "millrace_queue_seconds",
        "histogram",
        "Time from Nginx's acceptance of a request to its start in a worker, in seconds, clamped to 0 to 60.",
        buckets=QUEUE_SECONDS,
    ),
    Declaration("millrace_in_flight", "gauge", "Requests being answered now.", mode="livesum"),
    Declaration(
        "millrace_caller_requests_total",
        "counter",
        "Requests answered, by who asked.",
        ("caller",),
    ),
    Declaration(
        "millrace_shed_total",
        "counter",
        "Requests turned away to protect the others.",
        ("reason",),
        from_zero=("overloaded",),
    ),
    # Models
    Declaration(
        "millrace_model_loads_total",
        "counter",
        "Attempts to load a version into a worker: `ok`, or the code of the error that failed it.",
        (*_MODEL, "outcome"),
    ),
    Declaration(
        "millrace_model_load_seconds",
        "gauge",
        "Duration of the slowest worker's last load, in seconds.",
        _MODEL,
        mode="livemax",
    ),
    Declaration(
        "millrace_model_memory_bytes",
        "gauge",
        "Growth of a worker's memory by loading the version, in bytes; the largest of the workers.",
        _MODEL,
        mode="livemax",
    ),
    Declaration(
        "millrace_golden_replays_total",
        "counter",
        "Replays of a version's stored sample: answers `matched` or `differed`.",
        (*_MODEL, "result"),
    ),
    Declaration(
        "millrace_model_state",
        "gauge",
        "Workers of this replica in which the version is in the state.",
        (*_MODEL, "state"),
        origin="replica",
    ),
    Declaration(
        "millrace_model_channel_version",
        "gauge",
        "The version that the channel names.",
        ("model", "channel"),
        origin="replica",
    ),
    Declaration(
        "millrace_model_created_timestamp_seconds",
        "gauge",
        "When the version was published, in seconds since 1970.",
        _MODEL,
        origin="replica",
    ),
    Declaration(
        "millrace_model_size_bytes",
        "gauge",
        "Size of the version's files in the store, in bytes.",
        _MODEL,
        origin="replica",
    ),
    Declaration(
        "millrace_versions_converged",
        "gauge",
        "1 where every live worker of this replica has loaded exactly the versions that it should, else 0.",
        ("model",),
        origin="replica",
    ),
    Declaration(
        "millrace_store_away",
        "gauge",
        "1 where a worker finds the store missing, emptied or another one, and serves on what it has loaded, else 0.",
        mode="livemax",
    ),
    # Model health
    Declaration(
        "millrace_profile_rows_total",
        "counter",
        "Rows that were sampled and compared with the published profile.",
        _MODEL,
    ),
    Declaration(
        "millrace_profile_sample_rows",
        "gauge",
        "Rows of the sample that the published profile describes.",
        _MODEL,
        origin="replica",
    ),
    Declaration(
        "millrace_profile_features",
        "gauge",
        "Features of the version that are compared with its published profile.",
        _MODEL,
        mode="livemax",
    ),
    Declaration(
        "millrace_feature_bin_total",
        "counter",
        "Sampled values of an input column or output, by bin of the published profile.",
        (*_MODEL, "kind", "feature", "bin"),
    ),
    Declaration(
        "millrace_feature_reference_ratio",
        "gauge",
        "Share of the bin at publication, from 0 to 1.",
        (*_MODEL, "kind", "feature", "bin"),
        origin="replica",
    ),
    Declaration(
        "millrace_prediction_confidence",
        "histogram",
        "Largest class probability of a sampled row, where probabilities were asked for.",
        _MODEL,
        SHARES,
    ),
    Declaration(
        "millrace_feedback_total",
        "counter",
        "Rows of ground truth sent in: `joined`, `unknown` (no such recent prediction), `repeated`, `invalid`.",
        ("model", "result"),
    ),
    Declaration("millrace_feedback_labelled_total", "counter", "Predicted rows whose ground truth is known.", _MODEL),
    Declaration("millrace_feedback_correct_total", "counter", "Predicted classes that equal the ground truth.", _MODEL),
    Declaration(
        "millrace_feedback_absolute_error_total",
        "counter",
        "Sum of |prediction - truth|, in the target's unit.",
        _MODEL,
    ),
    Declaration(
        "millrace_feedback_squared_error_total",
        "counter",
        "Sum of (prediction - truth) squared, in the target's unit squared.",
        _MODEL,
    ),
    # Access
    Declaration(
        "millrace_auth_refusals_total",
        "counter",
        "Requests refused by authentication or authorization.",
        ("reason",),
        from_zero=("unauthenticated", "forbidden"),
    ),
    Declaration(
        "millrace_token_cache_total",
        "counter",
        "Look-ups of verified tokens in the cache.",
        ("result",),
        from_zero=("hit", "miss"),
    ),
    Declaration(
        "millrace_issuer_keys_skipped_total",
        "counter",
        "Keys that an OpenID Connect issuer publishes and that cannot be used, each counted once by each worker.",
        ("issuer",),
    ),
    Declaration(
        "millrace_quota_refusals_total",
        "counter",
        "Requests refused because a quota was used up.",
        ("quota",),
        from_zero=("requests", "rows"),
    ),
    Declaration("millrace_audit_events_total", "counter", "Events written to the audit trail.", ("action", "outcome")),
    Declaration(
        "millrace_database_up", "gauge", "1 where the database answered the last question, else 0.", mode="mostrecent"
    ),
    Declaration(
        "millrace_audit_chain_ok",
        "gauge",
        "1 where the last check of the audit trail found its chain of hashes whole, else 0.",
        mode="mostrecent",
    ),
    # Replica
    Declaration("millrace_worker_exits_total", "counter", "Workers of this replica that ended, for whatever reason."),
    Declaration("millrace_workers", "gauge", "Live workers of this replica.", origin="replica"),
    Declaration(
        "millrace_worker_resident_memory_bytes", "gauge", "Resident memory, in bytes.", ("worker",), origin="replica"
    ),
    Declaration(
        "millrace_worker_cpu_seconds_total",
        "counter",
        "CPU time used, user and system, in seconds.",
        ("worker",),
        origin="replica",
    ),
    Declaration(
        "millrace_worker_disk_read_bytes_total", "counter", "Bytes fetched from storage.", ("worker",), origin="replica"
    ),
    Declaration(
        "millrace_worker_disk_written_bytes_total", "counter", "Bytes sent to storage.", ("worker",), origin="replica"
    ),
    Declaration("millrace_worker_open_files", "gauge", "Open file descriptors.", ("worker",), origin="replica"),
    Declaration(
        "millrace_worker_max_files", "gauge", "Most file descriptors that may be open.", ("worker",), origin="replica"
    ),
    Declaration("millrace_worker_threads", "gauge", "Threads.", ("worker",), origin="replica"),
    Declaration(
        "millrace_worker_start_time_seconds",
        "gauge",
        "When the process started, in seconds since 1970.",
        ("worker",),
        origin="replica",
    ),
    Declaration(
        "millrace_build_info",
        "gauge",
        "Always 1; the replica's name, as in its logs, and what it runs.",
        ("replica", "release", "python", "scikit_learn"),
        origin="replica",
    ),
    Declaration(
        "millrace_certificate_expiry_timestamp_seconds",
        "gauge",
        "When the TLS certificate (`TLS_CERT`) expires, in seconds since 1970; absent without one.",
        origin="replica",
    ),
    Declaration(
        "millrace_disk_free_bytes", "gauge", "Free space for Millrace, in bytes.", ("volume",), origin="replica"
    ),
    Declaration(
        "millrace_disk_size_bytes", "gauge", "Size of the file system, in bytes.", ("volume",), origin="replica"
    ),
    Declaration(
        "millrace_model_quarantined",
        "gauge",
        "1 for a version that is in quarantine; absent for others.",
        ("model", "version"),
        origin="replica",
    ),
    Declaration(
        "millrace_capacity_requests",
        "gauge",
        "Predictions that Nginx lets the replica's loop workers have under way or waiting (`REPLICA_CONNECTIONS`).",
        origin="replica",
    ),
    Declaration(
        "millrace_model_confinement",
        "gauge",
        "1 where processes that run a model's own code have this part of the confinement, else 0; absent if it is off.",
        ("part",),
        origin="replica",
    ),
    Declaration(
        "millrace_container_memory_used_bytes",
        "gauge",
        "Memory used that cannot be given back at once, of the replica's container, in bytes; of the machine where no "
        "limit is set.",
        origin="replica",
    ),
    Declaration(
        "millrace_container_memory_limit_bytes",
        "gauge",
        "Memory that the container may use, in bytes; the machine's where no limit is set.",
        origin="replica",
    ),
    Declaration(
        "millrace_container_cpu_limit_cores",
        "gauge",
        "Cores that the container may use; the machine's where no limit is set.",
        origin="replica",
    ),
    Declaration(
        "millrace_container_disk_stalled_seconds_total",
        "counter",
        "Time in which a process of the container waited for a disk, in seconds; absent where the kernel is silent.",
        origin="replica",
    ),
    Declaration(
        "millrace_disk_reserve_bytes",
        "gauge",
        "Free space that is kept for predictions (`DISK_RESERVE`), in bytes.",
        ("volume",),
        origin="replica",
    ),
    Declaration(
        "millrace_unwritten_total",
        "counter",
        "What was dropped because it could not be written, most often to a full disk, or because of `DISK_RESERVE`.",
        ("what",),
        from_zero=("metric", "recent_prediction", "payload", "span", "record"),
    ),
    Declaration("millrace_metric_files", "gauge", "Files that hold the workers' metrics.", origin="replica"),
    Declaration(
        "millrace_slo_availability_objective_ratio",
        "gauge",
        "Share of requests that shall not fail, from 0 to 1 (`SLO_AVAILABILITY`).",
        origin="replica",
    ),
    Declaration(
        "millrace_slo_latency_objective_ratio",
        "gauge",
        "Share of requests (`SLO_LATENCY`) that shall be answered within `SLO_LATENCY_SECONDS`.",
        ("seconds",),
        origin="replica",
    ),
    # Nginx, counted from its access log by monitoring/nginx_metrics.py
    Declaration(
        "millrace_nginx_requests_total",
        "counter",
        "Requests that Nginx answered, by status.",
        ("status",),
        origin="nginx",
    ),
    Declaration(
        "millrace_nginx_upstream_tries_total",
        "counter",
        "Replicas that Nginx tried, by outcome.",
        ("upstream", "status"),
        origin="nginx",
    ),
    Declaration(
        "millrace_nginx_retries_total", "counter", "Further replicas tried after a first one failed.", origin="nginx"
    ),
    Declaration(
        "millrace_nginx_request_seconds",
        "histogram",
        "Duration of a request as Nginx saw it, in seconds.",
        buckets=SECONDS,
        origin="nginx",
    ),
    # Requests by route, recorded by prometheus-flask-exporter
    Declaration(
        "flask_http_request_duration_seconds",
        "histogram",
        "Duration of a request, in seconds, by route.",
        ("method", "url_rule", "status"),
        SECONDS,
        origin="flask",
    ),
    Declaration("flask_http_request_total", "counter", "Requests answered.", ("method", "status"), origin="flask"),
    Declaration(
        "flask_http_request_exceptions_total",
        "counter",
        "Requests that ended in an exception that nothing answered.",
        ("method", "status"),
        origin="flask",
    ),
)

BY_NAME: Mapping[str, Declaration] = {declaration.name: declaration for declaration in CATALOGUE}

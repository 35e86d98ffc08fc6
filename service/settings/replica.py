"""What one replica runs with. A new setting is declared here, and passed by `docker-compose.yml`."""

import logging
import os
import socket
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from model_store.replicas.locations import presence_beside
from service.settings.declaration import BadSetting, Declared, Derived, Group, setting
from service.settings.kinds import (
    Reserve,
    address,
    names,
    networks,
    number,
    one_of,
    path,
    path_or,
    prefix,
    reserve,
    switch,
    text,
    whole,
)

log = logging.getLogger(__name__)

_TRACING = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
"""What TRACING=ON needs."""


def _in_var(place: str) -> Derived[Path]:
    return Derived(f"{place} in `VAR_DIR`", lambda values: (Path(values["VAR_DIR"]) / place).absolute())


class Settings(Declared):
    """Every setting that a replica reads, typed, complete and frozen."""

    var_dir = setting(
        "VAR_DIR",
        "var",
        text,
        "The folder of all local state: models, keys, secrets, database, logs, run files; of Compose, its secrets. The "
        "command lines find a stack's things there too.",
        group=Group.LOCAL,
    )

    # --- where it listens

    port = setting(
        "PORT",
        8080,
        whole(1, 65_535),
        "The port that Nginx listens on for callers. With a certificate it refuses them in words, and HTTPS is on "
        "`TLS_PORT`.",
        group=Group.LISTENING,
    )
    tls_certificate = setting(
        "TLS_CERT",
        None,
        path,
        "The certificate chain that Nginx serves, PEM; with `TLS_KEY` it turns HTTPS on. `make tls` makes a pair for "
        "trying. A replica tells its expiry as a metric.",
        group=Group.LISTENING,
    )
    root_path = setting(
        "ROOT_PATH",
        "",
        prefix,
        "The path that callers write in front of all routes, such as `/ml`, if a proxy in front of Nginx takes it "
        "away. The pages, the API description, `Location` and the OAuth 2 metadata name it.",
        group=Group.LISTENING,
    )
    trusted_proxies = setting(
        "TRUSTED_PROXIES",
        (),
        networks,
        "The proxies in front of Nginx that are believed if they name another such path in `X-Forwarded-Prefix`. From "
        "all others it is dropped.",
        group=Group.LISTENING,
    )
    issuer = setting(
        "ISSUER",
        Derived(
            "`http://localhost:$PORT$ROOT_PATH`",
            lambda values: f"http://localhost:{values['PORT']}{values['ROOT_PATH']}",
        ),
        address,
        "The address of the service as its callers write it. It names this service in tokens and in the OAuth 2 "
        "metadata, so all replicas must agree.",
        group=Group.LISTENING,
    )

    # --- how much it takes

    workers = setting(
        "WORKERS",
        1,
        whole(1, 256),
        "Loop workers of each replica: processes that each answer all requests that have arrived in one go. Replicas "
        "times workers should be about the number of cores, and more where predictions wait for something else. One "
        "more process of each replica, the bulk worker, takes large bodies. All hold all models.",
        group=Group.LIMITS,
    )
    replica_connections = setting(
        "REPLICA_CONNECTIONS",
        64,
        whole(1, 100_000),
        "How many predictions Nginx lets the loop workers of one replica have under way or waiting; the bulk worker "
        "has a quarter of it for large bodies, and helps out with as many as one loop worker has. When all replicas "
        "have as many, the next is answered 503 with `Retry-After` at once: the bound of the queue.",
        group=Group.LIMITS,
    )
    request_timeout = setting(
        "REQUEST_TIMEOUT",
        30,
        whole(1, 3600),
        "Seconds that any request may take. A worker that is silent for longer is ended, with its stacks in the log, "
        "and replaced.",
        group=Group.LIMITS,
    )
    graceful_timeout = setting(
        "GRACEFUL_TIMEOUT",
        30,
        whole(1, 3600),
        "Seconds that a replica which is told to stop may take to finish what it has begun.",
        group=Group.LIMITS,
    )
    max_header_bytes = setting(
        "MAX_HEADER_BYTES",
        8192,
        whole(8192, 65_536),
        "The longest header field, and so the longest token, that Nginx and the replicas take; longer is 431. Identity "
        "providers that list all groups of a person make tokens of 10 kB and more.",
        group=Group.LIMITS,
    )
    max_body_bytes = setting(
        "MAX_BODY_BYTES",
        16 * 2**20,
        whole(1024, 2**30),
        "The largest body of a request, before and after decompression; larger is 413.",
        group=Group.LIMITS,
    )
    max_upload_bytes = setting(
        "MAX_UPLOAD_BYTES",
        2**30,
        whole(1024, 2**40),
        "The largest model that may be uploaded for publishing over REST.",
        group=Group.LIMITS,
    )
    max_rows = setting(
        "MAX_ROWS",
        100_000,
        whole(1, 10_000_000),
        "The most rows in one request. A JSON body may hold at most ten times as many arrays and objects, and 10,000 "
        "more.",
        group=Group.LIMITS,
    )

    batch_seconds = setting(
        "BATCH_SECONDS",
        0.02,
        number(0, 10),
        "Seconds that one prediction for several waiting requests is expected to take at most. With 0 every request is "
        "predicted alone.",
        group=Group.LIMITS,
    )

    disk_reserve = setting(
        "DISK_RESERVE",
        Reserve(share=0.02),
        reserve,
        "Free space that is kept for predictions on the disks of the store, of run files and of a SQLite database: a "
        "share such as `2%`, or bytes. With less, uploads are refused (507), and payload logs and traces are dropped.",
        group=Group.LIMITS,
    )
    predict_timeout = setting(
        "PREDICT_TIMEOUT",
        10,
        whole(1, 3600),
        "Seconds that a prediction in a model process may take, waiting included; then its callers get 504, or 503 if "
        "it had not begun, and the process is ended and started again. Nginx waits a second longer before it asks "
        "another worker.",
        group=Group.LIMITS,
    )
    model_queue = setting(
        "MODEL_QUEUE",
        32,
        whole(1, 10_000),
        "The most requests that wait for one model process in a worker; more are answered 503 with `Retry-After` at "
        "once.",
        group=Group.LIMITS,
    )

    # --- models

    model_processes = setting(
        "MODEL_PROCESSES",
        "AUTO",
        one_of("AUTO", "NEVER"),
        "`AUTO`: a version that is not served from arrays runs in a separate process, one for each worker, unless its "
        "artifact is skops and publishing measured it short (`LOOP_SECONDS`). `NEVER`: all models run in the worker, "
        "where one that hangs or crashes takes all others with it.",
        group=Group.MODELS,
    )
    loop_seconds = setting(
        "LOOP_SECONDS",
        0.05,
        number(0, 60),
        "Seconds that publishing may have measured for one row of a version in skops that is not served from arrays, "
        "for the worker itself to predict it.",
        group=Group.MODELS,
    )
    model_store_root = setting(
        "MODEL_STORE_ROOT",
        _in_var("models"),
        path,
        "The folder of the store. All replicas read it; publishing writes it.",
        group=Group.MODELS,
    )
    trusted_keys = setting(
        "TRUSTED_KEYS",
        _in_var("keys/trusted"),
        path,
        "The folder of Ed25519 public keys (`*.pem`). Only versions that one of them sealed are loaded. `make run` has "
        "it next to the store.",
        group=Group.MODELS,
    )
    sealing_key = setting(
        "SEALING_KEY_FILE",
        Derived(
            "keys/sealing.pem next to the store",
            lambda values: Path(values["MODEL_STORE_ROOT"]).parent / "keys" / "sealing.pem",
        ),
        path,
        "The Ed25519 private key that seals what is published, over REST and at the command line. `make run` makes it. "
        "Without such a file nothing can be published.",
        group=Group.MODELS,
    )
    presence = setting(
        "PRESENCE",
        Derived("presence next to the store", lambda values: presence_beside(Path(values["MODEL_STORE_ROOT"]))),
        path_or("database"),
        "Where workers tell what they have loaded, and keep their recent predictions: a folder that all replicas "
        "write, or `database`. A replica that cannot write there serves all the same; the others do not see it.",
        group=Group.MODELS,
    )
    default_model = setting(
        "DEFAULT_MODEL",
        None,
        text,
        "The model that answers on `/invocations`. Without it, the only one that there is.",
        group=Group.MODELS,
    )
    watch_seconds = setting(
        "WATCH_SECONDS",
        0.5,
        number(0.05, 2),
        "How often each worker looks at the store for new versions and moved channels, in seconds, at most 2.",
        group=Group.MODELS,
    )
    extension = setting(
        "MILLRACE_EXTENSION",
        True,
        switch,
        "Whether the C extension walks the trees of forests and boosted trees. `OFF`: scikit-learn's own kernels do, "
        "to the same answers, several times slower, as they do if the extension could not be built. Every process that "
        "predicts reads it, publishing too.",
        group=Group.MODELS,
    )
    engine = setting(
        "ENGINE",
        "AUTO",
        one_of("AUTO", "COMPILED", "ARRAYS", "ESTIMATOR"),
        "What executes models: `AUTO` is the fastest that publishing proved equal. `COMPILED`, `ARRAYS` (scikit-learn "
        "on arrays) and `ESTIMATOR` (scikit-learn as it is) force one wherever a version has it; the log says where "
        "not. Each is checked with the version's golden answers.",
        group=Group.MODELS,
    )
    confinement = setting(
        "MODEL_CONFINEMENT",
        "BEST",
        one_of("REQUIRED", "BEST", "OFF"),
        "What processes that run a model's own code give up: `BEST` all that the machine lets them, `REQUIRED` all, or "
        "the replica does not start, `OFF` nothing. `/readyz` and a metric say which parts hold; see "
        "[what a model's own code cannot do](../explanation/confinement.md).",
        group=Group.MODELS,
    )
    model_memory = setting(
        "MODEL_MEMORY_BYTES",
        8 * 2**30,
        whole(2**30, 2**44),
        "Bytes of address space that a process which runs a model's own code may take; what needs more fails. That is "
        "more than the memory that it uses: libraries reserve some, and tens of MB for each thread.",
        group=Group.MODELS,
    )
    batching = setting(
        "BATCHING",
        "AUTO",
        one_of("AUTO", "NEVER"),
        "Whether requests that wait for the same version are answered by one prediction: `AUTO` as each version was "
        "published, which by default is where no bit of an answer depends on it, `NEVER` none.",
        group=Group.MODELS,
    )

    # --- access

    public_models = setting(
        "PUBLIC_MODELS",
        (),
        names,
        "Patterns of models, separated by commas, that anyone may read and predict with. None by default.",
        group=Group.ACCESS,
    )
    database_url = setting(
        "DATABASE_URL",
        Derived("state/millrace.db in `VAR_DIR`", lambda values: f"sqlite:///{values['VAR_DIR']}/state/millrace.db"),
        text,
        "Where clients, keys, grants, quotas and the audit are kept: `sqlite:///path` or "
        "`postgresql+psycopg://user@host/name`.",
        group=Group.ACCESS,
        secret=True,
        in_file="A file with the `DATABASE_URL`, where it holds a password.",
    )
    database_password = setting(
        "DATABASE_PASSWORD_FILE",
        None,
        path,
        "A file with the password that `DATABASE_URL` leaves out.",
        group=Group.ACCESS,
    )
    jwt_keys = setting(
        "JWT_KEYS",
        _in_var("secrets/jwt"),
        path,
        "The folder of RSA private keys (`*.pem`) that access tokens are signed with. The greatest name signs, all "
        "others are still accepted.",
        group=Group.ACCESS,
    )
    audit_key = setting(
        "AUDIT_KEY_FILE",
        _in_var("secrets/audit.key"),
        path,
        "A file with the secret that binds the audit records to each other.",
        group=Group.ACCESS,
    )
    audience = setting("AUDIENCE", "millrace", text, "What an access token has to be meant for.", group=Group.ACCESS)
    access_token_seconds = setting(
        "ACCESS_TOKEN_SECONDS", 900, whole(30, 86_400), "How long an access token is good.", group=Group.ACCESS
    )
    refresh_token_seconds = setting(
        "REFRESH_TOKEN_SECONDS",
        86_400,
        whole(60, 31_536_000),
        "How long a refresh token is good, once.",
        group=Group.ACCESS,
    )
    access_stale_seconds = setting(
        "ACCESS_STALE_SECONDS",
        86_400,
        whole(60, 2_592_000),
        "How long known callers are still served after the database was last heard of.",
        group=Group.ACCESS,
    )
    oidc_issuers = setting(
        "OIDC_ISSUERS",
        None,
        path,
        "A JSON file of trusted OpenID Connect issuers, and the roles that their claims give.",
        group=Group.ACCESS,
    )

    # --- what it tells

    log_level = setting(
        "LOG_LEVEL",
        "INFO",
        one_of("DEBUG", "INFO", "WARNING", "ERROR"),
        "The least severe lines that are logged: `DEBUG`, `INFO`, `WARNING` or `ERROR`.",
        group=Group.TELLING,
    )
    access_log_sampling = setting(
        "ACCESS_LOG_SAMPLING",
        0.0,
        number(0, 1),
        "The share, from 0 to 1, of successful requests that get a line in a replica's log too. Failed ones and the "
        "slowest hundredth always do. All get one in Nginx's; behind another proxy, set it to 1.",
        group=Group.TELLING,
    )
    slo_availability = setting(
        "SLO_AVAILABILITY",
        0.999,
        number(0.5, 0.99999),
        "The share of requests that must not fail. Alerts watch how fast the rest is used up.",
        group=Group.TELLING,
    )
    slo_latency = setting(
        "SLO_LATENCY",
        0.99,
        number(0.5, 0.99999),
        "The share of requests that must be answered within `SLO_LATENCY_SECONDS`.",
        group=Group.TELLING,
    )
    slo_latency_seconds = setting(
        "SLO_LATENCY_SECONDS",
        0.25,
        number(0.001, 10),
        "Seconds within which a request counts as quick; one of the bounds of the duration histogram.",
        group=Group.TELLING,
    )
    profile_features = setting(
        "PROFILE_FEATURES",
        10,
        whole(0, 100),
        "The most input columns of a version that are compared with its published profile; 0 for none.",
        group=Group.TELLING,
    )
    profile_sampling = setting(
        "PROFILE_SAMPLING",
        0.1,
        number(0, 1),
        "The share of requests whose rows are compared with the published profile.",
        group=Group.TELLING,
    )
    feedback_records = setting(
        "FEEDBACK_RECORDS",
        10_000,
        whole(0, 1_000_000),
        "How many recent predictions each worker remembers for ground truth to come; 0 remembers none.",
        group=Group.TELLING,
    )
    tracing = setting(
        "TRACING",
        False,
        switch,
        "`ON` exports spans as the variables `OTEL_EXPORTER_OTLP_…` say. The packages are in `requirements.txt`; of "
        "Millrace as a package they are the extra `tracing`.",
        group=Group.TELLING,
    )

    # --- set by the stack for each replica

    replica = setting(
        "REPLICA",
        Derived("the name of its host", lambda _: socket.gethostname()),
        text,
        "The replica's name in metrics, logs and the list of models. `make run` calls them replica-1, replica-2, …",
        group=Group.REPLICA,
    )
    run_dir = setting(
        "RUN_DIR",
        _in_var("run/replica-1"),
        path,
        "The replica's own folder for run files and for the arrays that its workers map, gone with it.",
        group=Group.REPLICA,
    )
    bind = setting(
        "BIND",
        "127.0.0.1:8000",
        text,
        "Where the replica listens for Nginx: `unix:/path` or `address:port`. Each worker has an address that follows "
        "from it: `BIND` itself, then `/path-1` and so on, or the next ports. Nothing else may reach them.",
        group=Group.REPLICA,
    )
    management_bind = setting(
        "MANAGEMENT_BIND",
        "127.0.0.1:9100",
        text,
        "`address:port` of the replica's `/livez`, `/readyz` and `/metrics`. Other replicas ask there for the "
        "statistics of `/v2`: on several machines, name an address that they reach, or `0.0.0.0`.",
        group=Group.REPLICA,
    )


def read(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment. Raises BadSetting, which names all that are wrong."""
    settings = Settings(os.environ if environment is None else environment)
    missing = [name for name in _TRACING if settings.tracing and not _installed(name)]
    if missing:
        raise BadSetting(
            f"TRACING is ON, and {' and '.join(missing)} cannot be imported: install opentelemetry-sdk and "
            "opentelemetry-exporter-otlp-proto-http, or set TRACING=OFF"
        )
    return settings


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a package above it
        return False


def log_in_force(settings: Settings) -> None:
    """Log every setting's value in force, secrets masked, in one line."""
    log.info("runs with these settings", extra=settings.shown())

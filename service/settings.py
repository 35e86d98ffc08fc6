"""Every setting, read from the environment once, typed, complete and frozen. Nothing else reads the environment."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class BadSetting(ValueError):
    """A setting is missing or cannot be what it says; the message names the variable."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What one replica runs with. `docs/reference/settings.md` and `.env.example` explain each variable."""

    model_store_root: Path
    """MODEL_STORE_ROOT: the store's folder."""
    trusted_keys: Path
    """TRUSTED_KEYS: folder of Ed25519 public keys (`*.pem`); only what they sealed is loaded."""
    run_dir: Path
    """RUN_DIR: this replica's own folder for run files, gone with the replica."""
    replica: str
    """REPLICA: this replica's name in metrics, logs and the list of models."""
    default_model: str | None
    """DEFAULT_MODEL: which model answers on /invocations; without it, the only one there is."""
    watch_seconds: float
    """WATCH_SECONDS: how often the store is looked at for new versions and moved channels."""
    max_body_bytes: int
    """MAX_BODY_BYTES: largest body, also after decompression."""
    max_upload_bytes: int
    """MAX_UPLOAD_BYTES: largest model that may be uploaded for publishing over REST."""
    max_rows: int
    """MAX_ROWS: most rows in one request."""
    log_level: str
    """LOG_LEVEL: DEBUG, INFO, WARNING or ERROR."""
    access_log_sampling: float
    """ACCESS_LOG_SAMPLING: share of successful requests that get a line in the log; others always do."""
    slo_availability: float
    """SLO_AVAILABILITY: share of requests that shall not fail; alerts burn against it."""
    slo_latency: float
    """SLO_LATENCY: share of requests that shall be answered within SLO_LATENCY_SECONDS."""
    slo_latency_seconds: float
    """SLO_LATENCY_SECONDS: how quick is quick enough; one of the bounds of the duration histogram."""
    profile_features: int
    """PROFILE_FEATURES: most input columns of a version that are compared with its published profile; 0 for none."""
    profile_sampling: float
    """PROFILE_SAMPLING: share of requests whose rows are compared with the published profile."""
    feedback_records: int
    """FEEDBACK_RECORDS: recent predictions that each worker remembers for ground truth to come; 0 remembers none."""
    tls_certificate: Path | None
    """TLS_CERT: the certificate that Nginx serves, for the metric of its expiry."""
    tracing: bool
    """TRACING: whether spans are exported as OTEL_EXPORTER_OTLP_ENDPOINT and its kin say; needs the extra `tracing`."""
    bind: str
    """BIND: where this replica listens for Nginx: `unix:/path` or `address:port`."""
    management_bind: str
    """MANAGEMENT_BIND: `address:port` of this replica's /livez, /readyz and /metrics."""
    workers: int
    """WORKERS: worker processes of this replica; each answers one request at a time."""
    request_timeout: int
    """REQUEST_TIMEOUT: seconds that a request may take before its worker is ended."""
    graceful_timeout: int
    """GRACEFUL_TIMEOUT: seconds that a replica which is told to stop may take to finish what it has begun."""
    database_url: str = field(repr=False)
    """DATABASE_URL: where access control keeps its state: `sqlite:///path` or `postgresql+psycopg://user@host/name`."""
    database_password: Path | None
    """DATABASE_PASSWORD_FILE: a file with the password that DATABASE_URL leaves out."""
    jwt_keys: Path
    """JWT_KEYS: folder of RSA private keys (`*.pem`) that access tokens are signed with; the greatest name signs."""
    audit_key: Path
    """AUDIT_KEY_FILE: a file with the secret that binds the audit records to each other."""
    sealing_key: Path
    """SEALING_KEY_FILE: the Ed25519 private key that seals what is published over REST; `keys/sealing.pem` beside the
    store's folder by default. Where there is no such file, nothing can be published over REST."""
    issuer: str
    """ISSUER: the address of this service as its callers write it; names it in tokens and in the OAuth 2 metadata."""
    audience: str
    """AUDIENCE: what access tokens have to be meant for."""
    access_token_seconds: int
    """ACCESS_TOKEN_SECONDS: how long an access token is good."""
    refresh_token_seconds: int
    """REFRESH_TOKEN_SECONDS: how long a refresh token is good, once."""
    public_models: tuple[str, ...]
    """PUBLIC_MODELS: patterns of models that anyone may read and predict with, separated by commas; none by default."""
    oidc_issuers: Path | None
    """OIDC_ISSUERS: a JSON file of trusted OpenID Connect issuers and the roles that their claims give."""
    access_stale_seconds: int
    """ACCESS_STALE_SECONDS: how long known callers are still served after the database was last heard of."""


def read(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in the environment; raises BadSetting with the variable's name."""
    env = os.environ if environment is None else environment
    return Settings(
        model_store_root=Path(env.get("MODEL_STORE_ROOT", "var/models")).absolute(),
        trusted_keys=Path(env.get("TRUSTED_KEYS", "var/keys/trusted")).absolute(),
        run_dir=Path(env.get("RUN_DIR", "var/run/replica-1")).absolute(),
        replica=env.get("REPLICA", "") or socket.gethostname(),
        default_model=env.get("DEFAULT_MODEL") or None,
        watch_seconds=_number(env, "WATCH_SECONDS", 0.5, low=0.05, high=2),
        max_body_bytes=int(_number(env, "MAX_BODY_BYTES", 16 * 2**20, low=1024, high=2**30)),
        max_upload_bytes=int(_number(env, "MAX_UPLOAD_BYTES", 2**30, low=1024, high=2**40)),
        max_rows=int(_number(env, "MAX_ROWS", 100_000, low=1, high=10_000_000)),
        log_level=_choice(env, "LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
        access_log_sampling=_number(env, "ACCESS_LOG_SAMPLING", 1.0, low=0, high=1),
        slo_availability=_number(env, "SLO_AVAILABILITY", 0.999, low=0.5, high=0.99999),
        slo_latency=_number(env, "SLO_LATENCY", 0.99, low=0.5, high=0.99999),
        slo_latency_seconds=_number(env, "SLO_LATENCY_SECONDS", 0.25, low=0.001, high=10),
        profile_features=int(_number(env, "PROFILE_FEATURES", 10, low=0, high=100)),
        profile_sampling=_number(env, "PROFILE_SAMPLING", 0.1, low=0, high=1),
        feedback_records=int(_number(env, "FEEDBACK_RECORDS", 10_000, low=0, high=1_000_000)),
        tls_certificate=Path(env["TLS_CERT"]).absolute() if env.get("TLS_CERT") else None,
        tracing=_choice(env, "TRACING", "OFF", ("ON", "OFF")) == "ON",
        bind=env.get("BIND") or "127.0.0.1:8000",
        management_bind=env.get("MANAGEMENT_BIND") or "127.0.0.1:9100",
        workers=int(_number(env, "WORKERS", 1, low=1, high=256)),
        request_timeout=int(_number(env, "REQUEST_TIMEOUT", 30, low=1, high=3600)),
        graceful_timeout=int(_number(env, "GRACEFUL_TIMEOUT", 30, low=1, high=3600)),
        database_url=_file(env, "DATABASE_URL") or env.get("DATABASE_URL") or "sqlite:///var/state/millrace.db",
        database_password=_path(env, "DATABASE_PASSWORD_FILE"),
        jwt_keys=Path(env.get("JWT_KEYS") or "var/secrets/jwt").absolute(),
        audit_key=Path(env.get("AUDIT_KEY_FILE") or "var/secrets/audit.key").absolute(),
        sealing_key=_path(env, "SEALING_KEY_FILE")
        or Path(env.get("MODEL_STORE_ROOT", "var/models")).absolute().parent / "keys" / "sealing.pem",
        issuer=(env.get("ISSUER") or f"http://localhost:{env.get('PORT') or 8080}").rstrip("/"),
        audience=env.get("AUDIENCE") or "millrace",
        access_token_seconds=int(_number(env, "ACCESS_TOKEN_SECONDS", 900, low=30, high=86_400)),
        refresh_token_seconds=int(_number(env, "REFRESH_TOKEN_SECONDS", 86_400, low=60, high=31_536_000)),
        public_models=tuple(name.strip() for name in env.get("PUBLIC_MODELS", "").split(",") if name.strip()),
        oidc_issuers=_path(env, "OIDC_ISSUERS"),
        access_stale_seconds=int(_number(env, "ACCESS_STALE_SECONDS", 86_400, low=60, high=2_592_000)),
    )


def _path(env: Mapping[str, str], name: str) -> Path | None:
    return Path(env[name]).absolute() if env.get(name) else None


def _file(env: Mapping[str, str], name: str) -> str | None:
    """The value in the file that ``<name>_FILE`` names, for values that hold a secret."""
    path = _path(env, f"{name}_FILE")
    try:
        return path.read_text(encoding="utf-8").strip() if path else None
    except OSError as error:
        raise BadSetting(f"{name}_FILE is {str(path)!r}: it cannot be read ({error.strerror})") from error


def _number(env: Mapping[str, str], name: str, default: float, *, low: float, high: float) -> float:
    text = env.get(name, "").strip()
    try:
        number = float(text) if text else default
    except ValueError:
        number = float("nan")
    if not low <= number <= high:
        raise BadSetting(f"{name} is {text!r}: expected a number from {low:g} to {high:g}")
    return number


def _choice(env: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    text = env.get(name, "").strip().upper() or default
    if text not in choices:
        raise BadSetting(f"{name} is {text!r}: expected one of {', '.join(choices)}")
    return text

"""The settings of what stands around the replicas, in both stacks: how many there are, and what Nginx lets through."""

from collections.abc import Mapping
from typing import Any

from service.settings import Settings
from service.settings.declaration import Declared, Derived, Group, setting
from service.settings.kinds import digits, origins, path, text, whole

_PORT, _MOST = 8080, 65_535


def after_port(offset: int) -> Derived[int]:
    """Give the default of a port that moves with PORT, so that one variable moves a whole stack."""

    def value(values: Mapping[str, Any]) -> int:
        port = int(values["PORT"])
        return port + offset if port + offset <= _MOST else port - offset

    return Derived(f"{offset} after `PORT`: {_PORT + offset}", value)


class StackSettings(Declared):
    """What the local stack and Compose both read; some of it replicas read too."""

    port = Settings.port
    listen_address = setting(
        "LISTEN_ADDRESS",
        "127.0.0.1",
        text,
        "The address of this machine that Nginx listens on. Tokens travel with every call: listen on others "
        "(`0.0.0.0`) only with a certificate, or behind something that ends TLS.",
        group=Group.LISTENING,
    )
    tls_certificate = Settings.tls_certificate
    tls_key = setting("TLS_KEY", None, path, "The private key of `TLS_CERT`, PEM.", group=Group.LISTENING)
    tls_port = setting(
        "TLS_PORT",
        after_port(363),
        digits(whole(1, 65_535)),
        "The HTTPS port, where a certificate is given. In Compose it is 8443 by default.",
        group=Group.LISTENING,
    )
    replicas = setting(
        "REPLICAS",
        2,
        whole(1, 64),
        "How many replicas run: gunicorn masters, each with its workers. `docker compose up --scale service=N` "
        "does the same in Compose.",
        group=Group.LIMITS,
    )
    workers = Settings.workers
    replica_connections = Settings.replica_connections
    predict_timeout = Settings.predict_timeout
    request_timeout = Settings.request_timeout
    graceful_timeout = Settings.graceful_timeout
    max_header_bytes = Settings.max_header_bytes
    max_body_bytes = Settings.max_body_bytes
    max_upload_bytes = Settings.max_upload_bytes
    cors_origins = setting(
        "CORS_ORIGINS",
        (),
        origins,
        "The origins whose pages may call this service from a browser (CORS), such as `https://app.example`, separated "
        "by commas; `*` for all. Nothing by default: browsers refuse it then. Tokens are needed as ever.",
        group=Group.LISTENING,
    )
    root_path = Settings.root_path
    trusted_proxies = Settings.trusted_proxies
    connections_per_address = setting(
        "CONNECTIONS_PER_ADDRESS",
        512,
        whole(1, 1_000_000),
        "The most connections that Nginx lets one address have; more is 429. A request over HTTP/2 counts as one.",
        group=Group.LIMITS,
    )
    token_requests_per_second = setting(
        "TOKEN_REQUESTS_PER_SECOND",
        5,
        whole(1, 100_000),
        "How often one address may ask for a token, with a burst of ten on top; more is 429.",
        group=Group.LIMITS,
    )
    all_token_requests_per_second = setting(
        "ALL_TOKEN_REQUESTS_PER_SECOND",
        20,
        whole(1, 100_000),
        "How often all addresses together may ask for a token: forty more wait their turn, the rest is 429. Bounds "
        "what guessing from many addresses costs the replicas: each guess takes some 30 ms of one of them.",
        group=Group.LIMITS,
    )
    runbooks_url = setting(
        "RUNBOOKS_URL",
        None,
        text,
        "The address at which `docs/runbooks` is published; alerts and dashboards link there. By default `make run` "
        "names the files, and Compose what Nginx shows at Grafana's port.",
        group=Group.TELLING,
    )
    var_dir = Settings.var_dir

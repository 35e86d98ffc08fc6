"""What the local stack runs with: the environment over the file .env, over the defaults."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

DEFAULTS = {
    "PORT": "8080",
    "LISTEN_ADDRESS": "127.0.0.1",
    "REPLICAS": "2",
    "WORKERS": "1",
    "MANAGEMENT_PORT": "9101",
    "NGINX_METRICS_PORT": "9199",
    "PROMETHEUS_PORT": "9090",
    "VAR_DIR": "var",
    "TLS_CERT": "",
    "TLS_KEY": "",
    "TLS_PORT": "8443",
    "MAX_BODY_BYTES": str(16 * 2**20),
    "MAX_UPLOAD_BYTES": str(2**30),
    "REPLICA_CONNECTIONS": "64",
    "PREDICT_TIMEOUT": "10",
    "REQUEST_TIMEOUT": "30",
    "GRACEFUL_TIMEOUT": "30",
    "CONNECTIONS_PER_ADDRESS": "512",
    "TOKEN_REQUESTS_PER_SECOND": "5",
    "ALL_TOKEN_REQUESTS_PER_SECOND": "20",
}
"""Every variable that the stack itself reads. By default MODEL_STORE_ROOT is the folder models of VAR_DIR, and
TRUSTED_KEYS the folder keys/trusted beside the store."""

PLACES = (
    "MODEL_STORE_ROOT",
    "TRUSTED_KEYS",
    "SEALING_KEY_FILE",
    "JWT_KEYS",
    "AUDIT_KEY_FILE",
    "DATABASE_URL",
    "ISSUER",
    "AUDIENCE",
)
"""Variables that the commands beside a running stack must see as it does."""

WHOLE_NUMBERS = {
    "PORT": (1, 65535),
    "TLS_PORT": (1, 65535),
    "MANAGEMENT_PORT": (1, 65535),
    "NGINX_METRICS_PORT": (0, 65535),
    "PROMETHEUS_PORT": (0, 65535),
    "REPLICAS": (1, 64),
    "WORKERS": (1, 256),
    "MAX_BODY_BYTES": (1024, 2**30),
    "MAX_UPLOAD_BYTES": (1024, 2**40),
    "REPLICA_CONNECTIONS": (1, 100_000),
    "PREDICT_TIMEOUT": (1, 3600),
    "REQUEST_TIMEOUT": (1, 3600),
    "GRACEFUL_TIMEOUT": (1, 3600),
    "CONNECTIONS_PER_ADDRESS": (1, 1_000_000),
    "TOKEN_REQUESTS_PER_SECOND": (1, 100_000),
    "ALL_TOKEN_REQUESTS_PER_SECOND": (1, 100_000),
}
"""Smallest and largest value of each variable that is a whole number."""


_RUNNING = Path("run") / "settings.env"


class CannotRun(Exception):
    """The stack cannot start or go on; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """The variables as they hold, and the folders that follow from them."""

    values: dict[str, str]
    var: Path
    store: Path

    @property
    def own_keys(self) -> Path:
        """Where the sealing key is made and looked for: beside the store."""
        return self.store.parent / "keys"

    @property
    def trusted_keys(self) -> Path:
        """The folder of public keys whose seals are trusted."""
        given = self.values.get("TRUSTED_KEYS")
        return ROOT / given if given else self.own_keys / "trusted"

    def number(self, name: str) -> int:
        """The value of a variable that is a whole number."""
        return int(self.values[name])

    @property
    def database(self) -> str:
        """Where access control keeps its state."""
        return self.values.get("DATABASE_URL") or f"sqlite:///{self.var / 'state' / 'millrace.db'}"

    @property
    def client(self) -> Path:
        """The file with the demo client's id and secret."""
        return self.var / "secrets" / "demo-client.json"

    def environment(self) -> dict[str, str]:
        """What every program of the stack is told: the variables, and where this stack keeps its things."""
        places = {
            "MODEL_STORE_ROOT": self.store,
            "TRUSTED_KEYS": self.trusted_keys,
            "SEALING_KEY_FILE": self.own_keys / "sealing.pem",
            "JWT_KEYS": self.var / "secrets" / "jwt",
            "AUDIT_KEY_FILE": self.var / "secrets" / "audit.key",
            "DATABASE_URL": self.database,
            "ISSUER": self.url.replace("127.0.0.1", "localhost"),
        }
        own = {name: str(place) for name, place in places.items() if name not in self.values}
        moved = {"MODEL_STORE_ROOT": str(self.store), "TRUSTED_KEYS": str(self.trusted_keys), "PYTHONPATH": str(ROOT)}
        return {**os.environ, **self.values, **own, **moved}

    @property
    def tls(self) -> bool:
        """Whether a certificate was given."""
        return bool(self.values["TLS_CERT"])

    @property
    def url(self) -> str:
        """Where the stack is reached from this machine."""
        host = self.values["LISTEN_ADDRESS"]
        host = "127.0.0.1" if host in {"0.0.0.0", "*"} else host  # noqa: S104 - compared, not bound
        return f"https://{host}:{self.values['TLS_PORT']}" if self.tls else f"http://{host}:{self.values['PORT']}"


def read(*, of_running: bool = False) -> LocalSettings:
    """The settings in force; raises CannotRun with the variable's name.

    With ``of_running`` those of the stack that runs go before the file .env: its PORT is the one to ask.
    """
    given = {name: text for name, text in os.environ.items() if text}
    from_file = dotenv(ROOT / ".env")
    values = {**DEFAULTS, **from_file, **given}
    if of_running:
        values = {**DEFAULTS, **from_file, **dotenv(ROOT / values["VAR_DIR"] / _RUNNING), **given}
    for name, (low, high) in WHOLE_NUMBERS.items():
        if not (values[name].isascii() and values[name].isdigit() and low <= int(values[name]) <= high):
            raise CannotRun(f"{name} is {values[name]!r}: expected a whole number from {low} to {high}.")
    if bool(values["TLS_CERT"]) != bool(values["TLS_KEY"]):
        raise CannotRun("TLS_CERT and TLS_KEY belong together: give both or neither.")
    var = ROOT / values["VAR_DIR"]
    return LocalSettings(
        values=values,
        var=var,
        store=ROOT / values.get("MODEL_STORE_ROOT", str(var / "models")),
    )


def remember(settings: LocalSettings) -> None:
    """Write down the settings of the stack that starts, for the commands beside it, until it ends."""
    names = [*DEFAULTS, *PLACES]
    lines = [f"{name}={settings.values[name]}\n" for name in names if settings.values.get(name)]
    path = settings.var / _RUNNING
    path.touch(mode=0o600)
    path.write_text("".join(lines), encoding="utf-8")


def dotenv(path: Path) -> dict[str, str]:
    """The ``NAME=value`` lines of a file; quotes around a value go, comment lines are skipped."""
    if not path.is_file():
        return {}
    lines = (line.strip().removeprefix("export ") for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs if value.strip()}

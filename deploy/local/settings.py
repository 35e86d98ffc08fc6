"""What the local stack runs with: the environment over the file .env, over the defaults."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from deploy.settings import StackSettings, after_port
from service.settings import BadSetting, Setting, Settings
from service.settings.declaration import Group, setting
from service.settings.kinds import digits, whole, written

ROOT = Path(__file__).resolve().parents[2]

PLACES = (
    Settings.model_store_root,
    Settings.trusted_keys,
    Settings.sealing_key,
    Settings.presence,
    Settings.jwt_keys,
    Settings.audit_key,
    Settings.database_url,
    Settings.issuer,
    Settings.audience,
)
"""What the commands next to a running stack must see as it does."""

_RUNNING = Path("run") / "settings.env"


class CannotRun(Exception):
    """The stack cannot start or go on; the message says why and what to do."""


class LocalSettings(StackSettings):
    """The variables as they hold, and the folders that follow from them.

    By default MODEL_STORE_ROOT is the folder models of VAR_DIR, and TRUSTED_KEYS the folder keys/trusted next to the
    store.
    """

    management_port = setting(
        "MANAGEMENT_PORT",
        after_port(1021),
        digits(whole(1, 65_535)),
        "The management port of the first replica; the next ones follow it.",
        group=Group.LOCAL,
    )
    nginx_metrics_port = setting(
        "NGINX_METRICS_PORT",
        after_port(1119),
        digits(whole(0, 65_535)),
        "Where Prometheus reads what Nginx's log tells; 0 for nowhere.",
        group=Group.LOCAL,
    )
    prometheus_port = setting(
        "PROMETHEUS_PORT",
        after_port(1010),
        digits(whole(0, 65_535)),
        "The page of Prometheus, which runs too where `prometheus` is on PATH; 0 for none.",
        group=Group.LOCAL,
    )

    probe_port = setting(
        "PROBE_PORT",
        9115,
        whole(0, 65_535),
        "Where Prometheus has a prediction asked for from outside, if `prometheus-blackbox-exporter` or "
        "`blackbox_exporter` is on PATH; 0 for nowhere.",
        group=Group.LOCAL,
    )
    host_metrics_port = setting(
        "HOST_METRICS_PORT",
        9100,
        whole(0, 65_535),
        "Where Prometheus reads the machine's numbers, if `prometheus-node-exporter` or `node_exporter` is on PATH; 0 "
        "for nowhere.",
        group=Group.LOCAL,
    )

    log_bytes = setting(
        "LOG_BYTES",
        64 * 2**20,
        whole(2**16, 2**40),
        "How long a log file of `VAR_DIR/log` may become before it is put aside as `….old.log`; one old one is kept.",
        group=Group.LOCAL,
    )

    def __init__(self, texts: Mapping[str, str]) -> None:
        defaults = {declared.name: declared.default_text for declared in self.declarations()}
        self.texts: Mapping[str, str] = {**defaults, **texts}
        """Every variable as text, for the stack's programs and for Nginx's templates."""
        super().__init__(self.texts)
        self.texts = {name: text or written(self.values.get(name)) for name, text in self.texts.items()}
        if bool(self.texts["TLS_CERT"]) != bool(self.texts["TLS_KEY"]):
            raise BadSetting("TLS_CERT and TLS_KEY belong together: give both or neither.")

    @classmethod
    def declarations(cls) -> Iterator[Setting[Any]]:
        """Yield the settings; whole numbers are digits alone, because Nginx takes them as they are written."""
        for declared in super().declarations():
            yield replace(declared, kind=digits(declared.kind)) if isinstance(declared.default, int) else declared

    def changed(self, **texts: str) -> "LocalSettings":
        """Give the same settings but for some."""
        return LocalSettings({**self.texts, **texts})

    @property
    def var(self) -> Path:
        """The folder of all local state."""
        return ROOT / self.var_dir

    @property
    def store(self) -> Path:
        """The folder of the store."""
        return ROOT / self.texts.get("MODEL_STORE_ROOT", str(self.var / "models"))

    @property
    def own_keys(self) -> Path:
        """Where the sealing key is made and looked for: next to the store."""
        return self.store.parent / "keys"

    @property
    def trusted_keys(self) -> Path:
        """The folder of public keys whose seals are trusted."""
        given = self.texts.get("TRUSTED_KEYS")
        return ROOT / given if given else self.own_keys / "trusted"

    @property
    def database(self) -> str:
        """Where access control keeps its state."""
        return self.texts.get("DATABASE_URL") or f"sqlite:///{self.var / 'state' / 'millrace.db'}"

    @property
    def client(self) -> Path:
        """The file with the demo client's id and secret."""
        return self.var / "secrets" / "demo-client.json"

    def environment(self) -> dict[str, str]:
        """Give every program of the stack the variables, and where this stack keeps its things."""
        places = {
            "MODEL_STORE_ROOT": self.store,
            "TRUSTED_KEYS": self.trusted_keys,
            "SEALING_KEY_FILE": self.own_keys / "sealing.pem",
            "JWT_KEYS": self.var / "secrets" / "jwt",
            "AUDIT_KEY_FILE": self.var / "secrets" / "audit.key",
            "DATABASE_URL": self.database,
            "ISSUER": self.url.replace("127.0.0.1", "localhost") + self.root_path,
        }
        own = {name: str(place) for name, place in places.items() if name not in self.texts}
        moved = {"MODEL_STORE_ROOT": str(self.store), "TRUSTED_KEYS": str(self.trusted_keys), "PYTHONPATH": str(ROOT)}
        return {**os.environ, **self.texts, **own, **moved}

    @property
    def tls(self) -> bool:
        """Whether a certificate was given."""
        return bool(self.texts["TLS_CERT"])

    @property
    def host(self) -> str:
        """The address at which this machine reaches Nginx."""
        return "127.0.0.1" if self.listen_address in {"0.0.0.0", "*"} else self.listen_address  # noqa: S104 - compared

    @property
    def url(self) -> str:
        """Where the stack is reached from this machine."""
        return f"https://{self.host}:{self.tls_port}" if self.tls else f"http://{self.host}:{self.port}"


def read(
    environment: Mapping[str, str] | None = None, file: Path = ROOT / ".env", *, of_running: bool = False
) -> LocalSettings:
    """Read the settings in force. Raises CannotRun, which names all that are wrong.

    With ``of_running`` those of the stack that runs go before the file .env: its PORT is the one to ask.
    """
    given = {name: text for name, text in (os.environ if environment is None else environment).items() if text}
    from_file = dotenv(file)
    if of_running:
        folder = {"VAR_DIR": LocalSettings.var_dir.default_text, **from_file, **given}["VAR_DIR"]
        from_file |= dotenv(ROOT / folder / _RUNNING)
    try:
        return LocalSettings({**from_file, **given})
    except BadSetting as error:
        raise CannotRun(str(error)) from None


def remember(settings: LocalSettings) -> None:
    """Write down the settings of the stack that starts, for the commands next to it, until it ends."""
    names = [declared.name for declared in (*LocalSettings.declarations(), *PLACES)]
    lines = [f"{name}={settings.texts[name]}\n" for name in names if settings.texts.get(name)]
    path = settings.var / _RUNNING
    path.touch(mode=0o600)
    path.write_text("".join(lines), encoding="utf-8")


def dotenv(path: Path) -> dict[str, str]:
    """Read the ``NAME=value`` lines of a file; quotes around a value go, comment lines are skipped."""
    if not path.is_file():
        return {}
    lines = (line.strip().removeprefix("export ") for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs if value.strip()}

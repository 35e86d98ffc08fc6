"""Every setting, read from the environment once, typed, complete and frozen. Nothing else reads the environment."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
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
    max_rows: int
    """MAX_ROWS: most rows in one request."""
    log_level: str
    """LOG_LEVEL: DEBUG, INFO, WARNING or ERROR."""


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
        max_rows=int(_number(env, "MAX_ROWS", 100_000, low=1, high=10_000_000)),
        log_level=_choice(env, "LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
    )


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

"""What access control costs: CPU microseconds per request of a caller that is known, and of one that is not.

Run it as `python -m bench.access_cost`. It counts as gunicorn's workers do; the budget is 25 µs for a known caller.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROUNDS = 20_000
COLD_ROUNDS = 500
HUGE = 10**9


def main() -> None:
    """Print a table."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(dir="/dev/shm")
    from service.auth.principals import authorize

    with tempfile.TemporaryDirectory() as folder:
        access, shown = _access(Path(folder))
        access.start()
        principal = access.authenticator.authenticate(shown)
        steps: dict[str, Callable[[], object]] = {
            "authenticate": lambda: access.authenticator.authenticate(shown),
            "authorize": lambda: authorize(principal, "model:predict", "iris"),
            "charge two quotas": lambda: access.quotas.charge(principal, 1),
        }
        total = 0.0
        for name, step in steps.items():
            cost = _microseconds(step, ROUNDS)
            total += cost
            print(f"{name:<40}{cost:8.2f} µs")
        print(f"{'in all, known caller':<40}{total:8.2f} µs")
        print(
            f"{'authenticate a token never seen':<40}{_microseconds(lambda: _cold(access, shown), COLD_ROUNDS):8.2f} µs"
        )
        access.stop()


def _access(folder: Path) -> tuple[Any, dict[str, str]]:
    from service.auth.access_control import AccessControl
    from service.auth.configuration import Configuration
    from service.auth.local import SETUP, setup_local

    local = setup_local(folder)
    access = AccessControl(
        Configuration(local.database_url, None, local.jwt_keys, local.audit_key, "http://localhost:8080")
    )
    client = access.registry.create_client("bench", SETUP)
    access.registry.grant(
        f"client:{client.id}", "predictor", ["iris*"], SETUP, requests_per_minute=HUGE, rows_per_minute=HUGE
    )
    issued = access.authorization.issue(client.id, None, SETUP)
    return access, {"authorization": f"Bearer {access.tokens.issue(client.id, issued.permissions, issued.family)}"}


def _cold(access: Any, shown: dict[str, str]) -> None:
    access.view.clear_verified()  # as every change of access does
    access.authenticator.authenticate(shown)


def _microseconds(step: Callable[[], object], rounds: int) -> float:
    step()
    begun = time.thread_time()
    for _ in range(rounds):
        step()
    return (time.thread_time() - begun) / rounds * 1e6


if __name__ == "__main__":
    main()

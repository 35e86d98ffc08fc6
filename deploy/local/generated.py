"""What is generated once and kept: the sealing key, and access control's keys, state and demo client.

`make run` runs it as a separate process with its own environment: python -m deploy.local.generated.
"""

import sys

from deploy.local import exporters
from deploy.local.settings import CannotRun, LocalSettings, read
from deploy.probe import keep_probe_key
from model_store.seal import create_keys
from service.auth.local import setup_local


def make(settings: LocalSettings) -> None:
    """Make what is not there yet."""
    if not (settings.own_keys / "sealing.pem").is_file():
        create_keys(settings.own_keys)
    local = setup_local(settings.var, settings.database)
    if "PROBE_PORT" in exporters.ports(settings):
        keep_probe_key(local, exporters.key_file(settings))


def main() -> int:
    """Make it; return 1, with the reason, if the settings are wrong."""
    try:
        make(read())
    except CannotRun as error:
        print(f"millrace: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What is generated once and kept: the sealing key, and access control's keys, state and demo client.

What only the replicas read is checked too, while nothing runs yet. `make run` runs this as a separate process with its
own environment: python -m deploy.local.generated.
"""

import sys

from deploy.local import exporters
from deploy.local.settings import CannotRun, LocalSettings, read
from deploy.probe import keep_probe_key
from model_store.seal import create_keys
from service.auth.local import NOT_SET_UP, setup_local
from service.auth.tokens.issuers import BadIssuers, read_issuers
from service.settings import read as replica_settings


def make(settings: LocalSettings) -> None:
    """Make what is not there yet. Raises one of ``NOT_SET_UP``."""
    if not (settings.own_keys / "sealing.pem").is_file():
        create_keys(settings.own_keys)
    local = setup_local(settings.var, settings.database)
    if "PROBE_PORT" in exporters.ports(settings):
        keep_probe_key(local, exporters.key_file(settings))


def check(settings: LocalSettings) -> None:
    """Check what only the replicas read, before anything is trained. Raises BadSetting, BadIssuers."""
    read_issuers(replica_settings(settings.environment()).oidc_issuers)


def main() -> int:
    """Check the settings and make it; return 1, with the reason, if that fails."""
    try:
        settings = read()
        check(settings)
        make(settings)
    except (CannotRun, BadIssuers, *NOT_SET_UP) as error:
        print(f"millrace: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

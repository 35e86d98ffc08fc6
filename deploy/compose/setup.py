"""What the Compose stack needs once: keys, the database's schema, a demo client, and models if there are none.

Each step leaves alone what is there already, so that it may run at every start.
"""

import logging
from pathlib import Path

from deploy.probe import keep_probe_key
from model_store.seal import create_keys
from model_store.stores.locations import store_at
from service import logs, settings
from service.auth.configuration import Configuration, database_url
from service.auth.local import setup_local

KEYS = Path("/var/lib/millrace/keys")
PROBE_KEY = Path("/var/lib/millrace/probe/key")

log = logging.getLogger(__name__)


def main() -> None:
    """Set up everything that is missing."""
    logs.configure("INFO", replica="setup")
    values = settings.read()
    if not (KEYS / "sealing.pem").is_file():
        create_keys(KEYS)
        log.info("made the key that seals models")
    url = database_url(Configuration.of(values))
    local = setup_local(KEYS, url.render_as_string(hide_password=False))
    keep_probe_key(local, PROBE_KEY)
    log.info("the database, the demo client and the monitor's key are there")
    if store_at(values.model_store_root).models():
        return
    from examples import demo_models  # here: training is needed once, and takes a second to import

    demo_models.main(str(values.model_store_root))


if __name__ == "__main__":
    main()

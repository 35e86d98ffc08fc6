"""What of the confinement of models' own code holds on this machine, found out once, when a replica starts."""

import logging
from collections.abc import Callable, Mapping

from model_store.confinement.probe import probed
from service.settings import BadSetting

log = logging.getLogger(__name__)

OFF = "OFF"
REQUIRED = "REQUIRED"


def found(mode: str, probe: Callable[[], Mapping[str, bool]] = probed) -> Mapping[str, bool]:
    """Return for each part of the confinement whether it holds here, and log it; nothing if the mode is OFF.

    Raises BadSetting if the mode is REQUIRED and a part does not hold.
    """
    if mode == OFF:
        log.warning("MODEL_CONFINEMENT is OFF: a model's own code may do what this replica may do")
        return {}
    held = probe()
    missing = ", ".join(part for part, holds in held.items() if not holds)
    if missing and mode == REQUIRED:
        raise BadSetting(
            f"MODEL_CONFINEMENT is 'REQUIRED', but this machine does not offer all of it: {missing}. Expected all of "
            f"{', '.join(held)}. Run replicas where these hold (docs/explanation/confinement.md), or set it to BEST"
        )
    if missing:
        log.warning("models' own code is confined, but this machine does not offer: %s", missing)
    else:
        log.info("models' own code is confined: %s", ", ".join(held))
    return held

"""Puts a version into quarantine once its crashes and hangs are its own fault, while the worker goes on."""

import logging
import threading
from collections.abc import Callable
from time import monotonic

from service.quarantine.strikes import Strikes, Verdict

log = logging.getLogger(__name__)

Quarantine = Callable[[str, int, str], object]
"""Puts a version of a model into quarantine for a reason. It may take long, and raise."""


class Judge:
    """Hears of each crash and hang in one worker. ``quarantine`` is called in another thread."""

    def __init__(self, quarantine: Quarantine) -> None:
        self._quarantine = quarantine
        self._strikes = Strikes()

    def note(self, model: str, version: int, request: str, caller: str) -> None:
        """Take note that a request, told by its digest, crashed or hung a version, and act if that is enough."""
        verdict = self._strikes.record((model, version), request, caller, monotonic())
        if verdict.guilty:
            self._strikes.forget((model, version))
            threading.Thread(target=self._act, args=(model, version, verdict), name="quarantine", daemon=True).start()

    def _act(self, model: str, version: int, verdict: Verdict) -> None:
        reason = f"{verdict.requests} requests of {verdict.callers} callers crashed or hung it within a minute"
        log.error("version %d of %s goes into quarantine: %s", version, model, reason)
        try:
            self._quarantine(model, version, reason)
        except Exception:
            log.exception("version %d of %s could not be put into quarantine", version, model)

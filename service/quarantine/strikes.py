"""Whether crashes and hangs are the version's fault, or one caller's doing."""

from collections import OrderedDict, defaultdict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

WITHIN = 60.0
REQUESTS = 3
CALLERS = 2
_CALLERS_KEPT = 16


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many different ``requests`` of how many ``callers`` ended in a crash or a hang within a minute."""

    requests: int
    callers: int

    @property
    def guilty(self) -> bool:
        """Whether that is enough to put the version into quarantine: one caller alone can never bring it about."""
        return self.requests >= REQUESTS and self.callers >= CALLERS


class Strikes:
    """Counts what crashed or hung each version. Used by one thread at a time; holds at most 48 strikes for each.

    Of each caller the last three different requests count, so that none can push out those of others.
    """

    def __init__(self) -> None:
        self._of: defaultdict[Hashable, OrderedDict[str, OrderedDict[str, float]]] = defaultdict(OrderedDict)

    def record(self, version: Hashable, request: str, caller: str, now: float) -> Verdict:
        """Take note that a request, told by its digest, crashed or hung a version, and return what follows.

        ``now`` is in seconds of a clock that only grows.
        """
        callers = self._of[version]
        own = callers.setdefault(caller, OrderedDict())
        callers.move_to_end(caller)
        own[request] = now
        own.move_to_end(request)
        _keep(own, REQUESTS)
        _keep(callers, _CALLERS_KEPT)
        return self._verdict(version, now)

    def forget(self, version: Hashable) -> None:
        """Forget the strikes of a version: it is in quarantine, or gone."""
        self._of.pop(version, None)

    def _verdict(self, version: Hashable, now: float) -> Verdict:
        recent = {
            caller: {request for request, then in requests.items() if now - then <= WITHIN}
            for caller, requests in self._of[version].items()
        }
        return Verdict(len(set().union(*recent.values())), sum(map(bool, recent.values())))


def _keep(entries: OrderedDict[str, T], most: int) -> None:
    while len(entries) > most:
        entries.popitem(last=False)

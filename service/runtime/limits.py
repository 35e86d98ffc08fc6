"""How long it takes to follow the store, and how long what follows from it may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """All in seconds.

    ``watch`` is the pause between two looks at the store. A version that takes longer than ``load`` to load has failed;
    one that takes longer than ``long_load`` no longer keeps others from starting. A starting master waits up to
    ``preload`` before it forks, and a starting worker up to ``boot``, which is less than gunicorn's ``timeout``; what
    is not loaded by then goes on in the background. A version that failed is tried again after ``first_retry``, doubled
    each time up to ``last_retry``.
    """

    watch: float = 0.5
    load: float = 300.0
    long_load: float = 5.0
    preload: float = 60.0
    boot: float = 20.0
    first_retry: float = 5.0
    last_retry: float = 300.0


LIMITS = Limits()

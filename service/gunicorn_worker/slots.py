"""Which slot a new worker gets: its address follows from it, and Nginx lists the addresses of all slots."""

from typing import Any

from service.gunicorn_worker.addresses import address_of
from service.gunicorn_worker.succession import Succession

_SUCCESSION = Succession()  # gunicorn runs its configuration again on SIGHUP, and workers of both times have to agree


def place(server: Any, worker: Any, bind: str) -> None:
    """Give a worker that is about to be forked a slot and the address to listen at; gunicorn's hook ``pre_fork``."""
    held = [(other.age, other.slot) for other in server.WORKERS.values()]
    worker.slot = free_slot(held, server.num_workers)
    worker.listens_at = address_of(bind, worker.slot)
    worker.succession = _SUCCESSION
    _SUCCESSION.make(worker.slot, worker.age)


def leave(worker: Any) -> None:
    """Note that a worker has ended, so that nobody waits for it; gunicorn's hook ``child_exit``."""
    _SUCCESSION.bury(worker.slot, worker.age)


def free_slot(workers: list[tuple[int, int]], wanted: int) -> int:
    """Give the lowest slot, below ``wanted``, that no worker holds that will stay.

    ``workers`` are the age and the slot of every worker that has not ended; gunicorn numbers ages upwards. Of those,
    the ``wanted - 1`` youngest stay: a reload makes ``wanted`` new ones before it ends the old ones, each of which
    hands its slot to the one that takes its place.
    """
    youngest = sorted(workers, reverse=True)[: wanted - 1]
    held = {slot for _, slot in youngest}
    return next(slot for slot in range(wanted) if slot not in held)


def keep_number(server: Any, number: int, _before: int | None) -> None:
    """Keep the number of workers as it is configured; gunicorn's hook ``nworkers_changed``.

    The signals TTIN and TTOU would make a worker that Nginx does not know, or take away one that it does.
    """
    if number != server.cfg.workers:
        server.log.warning("The number of workers stays %d: Nginx lists one address for each", server.cfg.workers)
        server.num_workers = server.cfg.workers

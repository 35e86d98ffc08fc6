"""gunicorn's settings and hooks, each with its why. https://gunicorn.org/reference/settings/."""

import faulthandler
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

from gunicorn import glogging

from service import logs, settings

_SETTINGS = settings.read()
_METRICS = _SETTINGS.run_dir / "metrics"
_LONGEST_START = 600.0
"""Seconds that a worker may load models before silence counts as a hang."""

# One native thread in each worker: more of them fight over the cores, and OpenMP's do not survive a fork.
# Said before NumPy or scikit-learn is imported, which is when they read it.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

# The folder that a worker's metrics live in. Wiped here, because with preload_app the application, and with it the
# first metric, comes before on_starting. A reload runs this file again, and must leave live workers' files alone.
if "service.metrics.instruments" not in sys.modules:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_METRICS)
    from service.metrics import files

    files.wipe(_METRICS)

bind = [_SETTINGS.bind]
# Connections that wait to be accepted. Nginx's max_conns keeps far below it; this only has to be larger.
backlog = 1024

# Whom to signal. RUN_DIR is this replica's own, so the file is too.
pidfile = str(_SETTINGS.run_dir / "gunicorn.pid")

# One request at a time in each worker: threads cost more and wait for one another. Nginx absorbs slow clients.
worker_class = "sync"
workers = _SETTINGS.workers

# The application is imported once, before the port opens: a replica that cannot serve refuses connections, which Nginx
# understands, and a worker that died is back in milliseconds. Nothing is predicted before the fork.
preload_app = True

# A worker that is silent for this long is ended with its stacks in the log. With sync workers it bounds a request.
timeout = _SETTINGS.request_timeout
graceful_timeout = _SETTINGS.graceful_timeout

# Restarting workers after so many requests hides leaks and costs a reload of all models. Default, said aloud.
max_requests = 0

# The heartbeat is a file; on a disk that stalls, healthy workers would be ended.
if Path("/dev/shm").is_dir():  # noqa: S108 - a tmpfs by definition, and gunicorn makes an unnamed file in it
    worker_tmp_dir = "/dev/shm"  # noqa: S108

# A second way to command the master, in a file of the home folder: nobody needs it.
control_socket_disable = True

# A little wider than Nginx's limits, so that Nginx answers first, in the one shape of errors.
limit_request_line = 8190
limit_request_fields = 1000
limit_request_field_size = 16380

# A header with an underscore could pass itself off as another one: refuse the request. Nginx drops such headers.
header_map = "refuse"
# Only Nginx can reach a replica, by a private socket or network, and it overwrites what these headers say.
forwarded_allow_ips = "*"

logconfig_dict = logs.gunicorn_config(_SETTINGS.log_level, _SETTINGS.replica)


class _Logger(glogging.Logger):  # type: ignore[misc]
    """gunicorn's log without access lines, which it would put together for each request even if nobody reads them."""

    access_log_enabled = False


logger_class = _Logger

_management: list[ThreadingHTTPServer] = []


def on_starting(server: Any) -> None:
    """Load the models once for all workers, without predicting. Called in the master, before it listens."""
    settings.log_in_force(_SETTINGS)
    try:
        server.app.wsgi().preload()
    except Exception:
        server.log.exception("Nothing could be loaded before the fork; the workers load for themselves")


def when_ready(server: Any) -> None:
    """Open the management port. Called once, in the master, after it listens and before the first worker."""
    from service.http import ops
    from service.metrics.scrape import Scrape
    from service.runtime import announcements, readiness

    facts = _facts()
    scrape = Scrape(_METRICS, facts, facts.current)
    assessor = readiness.Assessor(_SETTINGS.replica)

    def ready() -> readiness.Readiness:
        announced = announcements.read(_SETTINGS.model_store_root, _SETTINGS.run_dir)
        return assessor.assess(tuple(server.WORKERS), announced)

    shown = ops.pages(alive=lambda: len(server.WORKERS), ready=ready, metrics=scrape.exposition)
    _management.append(ops.serve(_SETTINGS.management_bind, shown))


def _facts() -> Any:
    """Make what the master tells of this replica at each scrape."""
    from model_store.stores.locations import store_at
    from service.management.replica_facts import Objectives, ReplicaFacts

    objectives = Objectives(_SETTINGS.slo_availability, _SETTINGS.slo_latency, _SETTINGS.slo_latency_seconds)
    store = store_at(_SETTINGS.model_store_root)
    return ReplicaFacts(
        store, _SETTINGS.replica, _SETTINGS.run_dir, objectives, _SETTINGS.tls_certificate, _SETTINGS.profile_features
    )


def post_fork(_server: Any, _worker: Any) -> None:
    """Close the worker's copy of the management port: it is the master's, and goes with it."""
    for management in _management:
        management.socket.close()


def post_worker_init(worker: Any) -> None:
    """Load and warm the models, after the fork and before the first request. No model can stop the worker."""
    # All threads' stacks on SIGABRT, which the master sends on timeout, and on a crash. The hook worker_abort would
    # speak only between two lines of Python, so not when native code hangs.
    faulthandler.enable()
    with _heartbeat(worker):
        try:
            worker.wsgi.start_worker()
        except Exception:
            worker.log.exception("The worker could not start whole; it serves what it can")


def worker_exit(_server: Any, worker: Any) -> None:
    """Let the worker take back its announcement and end its threads. Called in the worker."""
    stop = getattr(getattr(worker, "wsgi", None), "stop_worker", None)
    if stop is not None:
        stop()


def child_exit(_server: Any, worker: Any) -> None:
    """Clean up after a worker, however it died: its metrics go on counting, its announcement goes."""
    from service.metrics import scrape
    from service.runtime.announcements import Announcer

    scrape.archive_dead_process(_METRICS, worker.pid)
    Announcer(_SETTINGS.model_store_root, _SETTINGS.replica, _SETTINGS.run_dir).withdraw(worker.pid)


def on_exit(_server: Any) -> None:
    """Close the management port and remove this replica's run files."""
    for management in _management:
        management.server_close()
    shutil.rmtree(_METRICS, ignore_errors=True)


@contextmanager
def _heartbeat(worker: Any) -> Iterator[None]:
    """Tell the master that the worker lives, for as long as loading may take: models can need more than a timeout."""
    done = Event()

    def beat() -> None:
        for _ in range(int(_LONGEST_START)):
            worker.notify()
            if done.wait(1.0):
                return

    thread = Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()

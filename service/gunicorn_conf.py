"""gunicorn's settings and hooks, each with its why. https://gunicorn.org/reference/settings/."""

import os
import sys
from pathlib import Path
from typing import Any

from gunicorn import glogging

from service import logs, settings

_SETTINGS = settings.read()
_METRICS = _SETTINGS.run_dir / "metrics"

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

# After the variables above, which NumPy and prometheus_client read when imported.
from model_store.confinement import privileges  # noqa: E402
from service import app  # noqa: E402
from service.gunicorn_worker import slots  # noqa: E402

# A model's own code runs in processes of the same user: nobody of that user may look into the memory of the master and
# its workers, which have the keys.
privileges.hide_memory()

# Each worker listens at a separate address, by its slot, when it can serve; the master at none.
bind: list[str] = []
# Connections that wait to be accepted. Nginx's max_conns keeps far below it; this only has to be larger.
backlog = 1024

# Whom to signal. RUN_DIR is this replica's own, so the file is too.
pidfile = str(_SETTINGS.run_dir / "gunicorn.pid")

# One thread in each worker: threads cost more and wait for one another. Nginx absorbs slow clients.
worker_class = "service.gunicorn_worker.worker.LoopWorker"
workers = _SETTINGS.workers + 1  # the last slot is the bulk worker's

# The application is imported once, before the port opens: a replica that cannot serve refuses connections, which Nginx
# understands, and a worker that died is back in milliseconds. Nothing is predicted before the fork.
preload_app = True

# A worker that is silent for this long is ended with its stacks in the log. So it bounds a request.
timeout = _SETTINGS.request_timeout
graceful_timeout = _SETTINGS.graceful_timeout

# Restarting workers after so many requests hides leaks and costs a reload of all models. Default, said aloud.
max_requests = 0

# Seconds that a worker keeps a connection without requests: longer than Nginx does, so that it is always Nginx
# that closes one, never the worker while a request is on its way.
keepalive = 75

# The heartbeat is a file; on a disk that stalls, healthy workers would be ended.
if Path("/dev/shm").is_dir():  # noqa: S108 - a tmpfs by definition, and gunicorn makes an unnamed file in it
    worker_tmp_dir = "/dev/shm"  # noqa: S108

# A second way to command the master, in a file of the home folder: nobody needs it.
control_socket_disable = True

# A little wider than Nginx's limits, so that Nginx answers first, in the one shape of errors. Request lines have to be
# unlimited (0) where Nginx takes longer ones than the 8190 characters that gunicorn can count to.
limit_request_line = 8190 if _SETTINGS.max_header_bytes == settings.Settings.max_header_bytes.default else 0
limit_request_fields = 1000
limit_request_field_size = 2 * _SETTINGS.max_header_bytes - 4

# A header with an underscore could pass itself off as another one: refuse the request. Nginx drops such headers.
header_map = "refuse"
# Only Nginx can reach a replica, by a private socket or network, and it overwrites what these headers say.
forwarded_allow_ips = "*"

logconfig_dict = logs.gunicorn_config(_SETTINGS.log_level, _SETTINGS.replica)


class _Logger(glogging.Logger):  # type: ignore[misc]
    """gunicorn's log without access lines, which it would put together for each request even if nobody reads them."""

    access_log_enabled = False


logger_class = _Logger

_MANAGEMENT = app.create_management(_SETTINGS)


def on_starting(server: Any) -> None:
    """Load the models once for all workers, without predicting. Called in the master, before it listens."""
    server.app.wsgi().preload()


def when_ready(server: Any) -> None:
    """Open the management port. Called once, in the master, after it listens and before the first worker."""
    _MANAGEMENT.open(server.WORKERS)


def pre_fork(server: Any, worker: Any) -> None:
    """Give the worker the lowest free slot, which says where it listens. Called in the master."""
    slots.place(server, worker, _SETTINGS.bind)
    worker.max_body_bytes = max(_SETTINGS.max_body_bytes, _SETTINGS.max_upload_bytes)


def nworkers_changed(server: Any, number: int, before: int | None) -> None:
    """Keep as many workers as Nginx lists addresses. Called in the master."""
    slots.keep_number(server, number, before)


def post_fork(_server: Any, _worker: Any) -> None:
    """Close the copy of the management port. Called in the worker."""
    _MANAGEMENT.close_inherited()


def post_worker_init(worker: Any) -> None:
    """Load and warm the models. Called in the worker, before its first request."""
    worker.wsgi.boot_worker(worker.notify)


def worker_exit(server: Any, _worker: Any) -> None:
    """Take back the announcement and end the threads. Called in the worker."""
    server.app.wsgi().stop_worker()


def child_exit(_server: Any, worker: Any) -> None:
    """Clean up after a worker, however it died. Called in the master."""
    _MANAGEMENT.worker_ended(worker.pid)
    slots.leave(worker)


def on_exit(_server: Any) -> None:
    """Close the management port and remove this replica's run files. Called in the master."""
    _MANAGEMENT.close()

"""The composition root: the only file that builds things and knows how they hang together."""

import faulthandler
import logging
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse

import flask

from model_store.lifecycle.quarantine import quarantine
from model_store.replicas import announcements
from model_store.replicas.presence import Unreachable
from model_store.stores.locations import store_at
from model_store.stores.store import Store
from service import logs
from service.auth.access_control import AccessControl
from service.auth.configuration import Configuration, database_url
from service.disk.keeping import Keeping
from service.disk.room import Room
from service.http import fastpath, guards, hooks, numbers, options, root_path
from service.http.access import Access
from service.http.admin import access as access_admin
from service.http.admin import audit as audit_admin
from service.http.admin import feedback, oauth
from service.http.admin import models as models_admin
from service.http.admin import operations as operations_admin
from service.http.admin.publishing import Publisher, PublishingOptions
from service.http.description import openapi, page
from service.http.description.route import described_routes
from service.http.fastpath import Answer, FastPath
from service.http.predictions import Gone, Predictions, Waiting, caller_of
from service.http.protocols import mlflow, openinference, tfserving
from service.http.protocols.openinference_repository import Repository
from service.http.record import Recorder
from service.http.red_metrics import instrument
from service.http.routes import PredictRoute
from service.inference.batching import Batching
from service.inference.line import Inference
from service.inference.queues import Bounds, Queues
from service.management import confinement
from service.management.counts import reachable, told
from service.management.management import Management
from service.management.readiness import Assessor, Readiness
from service.management.replica_facts import Objectives, ReplicaFacts
from service.metrics import scrape
from service.metrics.instruments import new_registry
from service.metrics.requests import RequestMetrics
from service.model_process.placement import Placement
from service.model_process.process import Seconds
from service.model_process.processes import Processes
from service.observers.counts import Counts
from service.observers.drift import Drift
from service.observers.loads import LoadCounts
from service.observers.observer import Observer
from service.observers.payloads import Payloads
from service.observers.recent_predictions import RecentPredictions
from service.observers.spans import Spans
from service.operations.operations import Operations
from service.presence.locations import Places, own_presence, presence_at, recent_rows_at, withdraw_dead
from service.presence.recent_rows import RecentRows
from service.presence.replica import ReplicaPresence
from service.quarantine.first_try import FirstTry
from service.quarantine.judge import Judge
from service.runtime.announcer import Announcer
from service.runtime.catalog import Catalog
from service.runtime.convergence import Convergence
from service.runtime.elsewhere import Elsewhere
from service.runtime.heartbeat import heartbeat
from service.runtime.limits import Limits
from service.runtime.loader import Loader, cap_threads
from service.runtime.outside import Outside
from service.runtime.private_copies import PrivateCopies
from service.runtime.router import Router
from service.runtime.statistics import Statistics
from service.runtime.wanted import WantedEngine
from service.runtime.watcher import Watcher
from service.settings import Settings, log_in_force

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Application:
    """The WSGI application, and what a worker process starts and stops around it."""

    flask: flask.Flask
    requests: FastPath
    catalog: Catalog
    convergence: Convergence
    watcher: Watcher
    access: Access
    recent: RecentRows
    keeping: Keeping
    processes: Processes

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        answer: Iterable[bytes] = self.flask.wsgi_app(environ, start_response)
        return answer

    def answer(self, environs: Sequence[dict[str, Any]], gone: Gone) -> Iterator[tuple[int, Answer | Waiting]]:
        """Yield the place and the answer of each request that has arrived; see FastPath."""
        return self.requests.answer(environs, gone)

    def finished(self) -> Iterator[tuple[Waiting, Answer]]:
        """Yield the answers that had to wait for a model process; see FastPath."""
        return self.requests.finished()

    def drop(self, later: Waiting) -> None:
        """Forget a request whose caller has hung up; see FastPath."""
        self.requests.drop(later)

    def fileno(self) -> int:
        """Return a descriptor that is readable when ``finished`` may have something."""
        return self.requests.fileno()

    def due(self) -> float:
        """Return when to look at ``finished`` even if nothing is readable, by the monotonic clock."""
        return self.requests.due()

    def preload(self) -> None:
        """Load the models without predicting; in gunicorn's master, before it forks. No model can stop the start."""
        try:
            self.watcher.preload()
        except Exception:
            log.exception("nothing could be loaded before the fork; the workers load for themselves")

    def boot_worker(self, notify: Callable[[], None]) -> None:
        """Start as gunicorn's worker: no model can stop it.

        ``notify`` is called once a second meanwhile, to tell the master that the worker lives.
        """
        # All threads' stacks on SIGABRT, which the master sends on timeout, and on a crash: its hook worker_abort
        # would speak only between two lines of Python, so not when native code hangs.
        faulthandler.enable()
        with heartbeat(notify):
            try:
                self.start_worker()
            except Exception:
                log.exception("the worker could not start whole; it serves what it can")

    def start_worker(self) -> None:
        """Warm the models and follow the store; in each worker, after the fork."""
        cap_threads()
        self.keeping.start()
        self.access.start()
        self.watcher.start()

    def stop_worker(self) -> None:
        """Stop following the store, take back this worker's announcement, and leave others its recent predictions."""
        self.watcher.stop()
        self.processes.close()
        self.access.stop()
        self.keeping.stop()
        self.recent.close()


def create_app(settings: Settings, access: Access | None = None) -> Application:
    """Build everything from the settings.

    ``access`` replaces access control. Raises BadSecret, BadIssuers or SchemaMismatch if the service must not start.
    """
    logs.configure(settings.log_level, replica=settings.replica, access_sampling=settings.access_log_sampling)
    log_in_force(settings)
    store, catalog = store_at(settings.model_store_root), Catalog()
    places, url = _places(settings), partial(database_url, Configuration.of(settings))
    presence = presence_at(places, url)
    rows = recent_rows_at(places, url, replica=settings.replica, records=settings.feedback_records)
    recent = RecentPredictions(rows)
    convergence = Convergence(store, presence)
    router = Router(catalog)
    control = access or AccessControl(Configuration.of(settings))
    inference = Inference(router, _observers(settings, store, recent), settings.max_rows)
    protocols = (
        tfserving.routes(catalog, router),
        openinference.routes(
            catalog,
            router,
            control.audit,
            Repository(store, convergence),
            Statistics(presence),
            max_rows=settings.max_rows,
        ),
        mlflow.routes(catalog, settings.default_model),
    )
    app = _flask(settings)
    spans = Spans(settings.replica, room=_room(settings)) if settings.tracing else None
    record = Recorder(RequestMetrics(), instrument(app, new_registry()), spans)
    dialects = [protocol.dialect for protocol in protocols]
    hooks.install(app, replica=settings.replica, record=record, dialects=dialects)
    options.install(app)
    numbers.install(app)
    for blueprint in (
        *(protocol.blueprint for protocol in protocols if protocol.blueprint is not None),
        openapi.blueprint(app, catalog, dialects),
        page.blueprint(),
        feedback.blueprint(recent),
        *(_administration(control, settings, store, convergence) if isinstance(control, AccessControl) else ()),
    ):
        app.register_blueprint(blueprint)
    processes, batching = Processes(), Batching(settings.batch_seconds)
    requests = _add_predictions(
        app,
        Predictions(
            inference,
            control.authenticator,
            control.quotas,
            replica=settings.replica,
            max_body_bytes=settings.max_body_bytes,
            record=record,
            batching=batching,
            queues=_queues(settings, store, processes, batching),
        ),
        [route for protocol in protocols for route in protocol.predict_routes],
    )
    guards.enforce(app, control.authenticator)
    described_routes(app)
    watcher = _watcher(settings, store, catalog, presence, processes)
    return Application(app, requests, catalog, convergence, watcher, control, rows, Keeping(), processes)


def _watcher(
    settings: Settings, store: Store, catalog: Catalog, presence: ReplicaPresence, processes: Processes
) -> Watcher:
    return Watcher(
        store,
        Loader(
            store,
            settings.trusted_keys,
            [LoadCounts()],
            _copies(settings),
            _wanted(settings),
            outside=_outside(settings, processes),
            first_try=FirstTry(store, presence, settings.replica),
        ),
        catalog,
        Announcer(presence, settings.replica, management=reachable(settings.management_bind)),
        Limits(watch=settings.watch_seconds),
        elsewhere=Elsewhere(presence, settings.replica),
        note=settings.run_dir / "store",
    )


def _wanted(settings: Settings) -> WantedEngine:
    return WantedEngine(settings.engine.lower(), joins=settings.batching == "AUTO")


def _queues(settings: Settings, store: Store, processes: Processes, batching: Batching) -> Queues[Waiting]:
    def put(model: str, version: int, reason: str) -> None:
        quarantine(store, model, version, by=settings.replica, reason=reason)

    judge = Judge(put)

    def harmed(one: Waiting, digest: str) -> None:
        model = one.decoded.chosen.model
        judge.note(model.name, model.version, digest, caller_of(one))

    return Queues(processes, batching, Bounds(settings.model_queue, settings.predict_timeout), harmed)


def _outside(settings: Settings, processes: Processes) -> Outside:
    placement = Placement(settings.loop_seconds, settings.model_processes == "AUTO")
    folder = settings.run_dir / "arrays" / "processes"
    seconds = Seconds(predict=settings.predict_timeout)
    return Outside(
        folder, processes, placement, seconds, confinement=settings.confinement, memory=settings.model_memory
    )


def _copies(settings: Settings) -> PrivateCopies:
    copies = PrivateCopies(settings.run_dir / "arrays")
    copies.tidy()
    return copies


def _observers(settings: Settings, store: Store, recent: RecentPredictions) -> tuple[Observer, ...]:
    drift = Drift(store, features=settings.profile_features, sampling=settings.profile_sampling)
    return (Counts(), drift, *([recent] if settings.feedback_records else []), Payloads(room=_room(settings)))


def _places(settings: Settings) -> Places:
    return Places(settings.presence, settings.run_dir, settings.model_store_root)


@cache
def _room(settings: Settings) -> Room:
    url = database_url(Configuration.of(settings))
    database = [Path(url.database).parent] if url.get_backend_name() == "sqlite" and url.database else []
    return Room((settings.model_store_root, settings.run_dir, *database), settings.disk_reserve)


def _flask(settings: Settings) -> flask.Flask:
    app = flask.Flask("millrace", static_folder=None)
    app.url_map.merge_slashes = False  # // is another address, not a redirect in HTML
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.wsgi_app = root_path.in_front(settings.root_path, settings.trusted_proxies)(app.wsgi_app)  # type: ignore[method-assign,assignment]
    return app


def _administration(
    access: AccessControl, settings: Settings, store: Store, convergence: Convergence
) -> tuple[flask.Blueprint, ...]:
    """Return the routes that issue tokens and administer."""
    operations = Operations(access.database, access.audit, access.leases, settings.replica)
    options = PublishingOptions(
        settings.trusted_keys,
        settings.sealing_key,
        settings.run_dir,
        settings.max_upload_bytes,
        _room(settings),
    )
    return (
        oauth.blueprint(access.authorization, access.tokens, access.view),
        access_admin.blueprint(access.registry, access.view),
        audit_admin.blueprint(access.audit),
        models_admin.blueprint(store, convergence, operations, access.audit, Publisher(store, convergence, options)),
        operations_admin.blueprint(operations),
    )


def _add_predictions(app: flask.Flask, predictions: Predictions, routes: Sequence[PredictRoute]) -> FastPath:
    """Add the predict routes, after the blueprints, which bring the converters of their rules.

    Predictions, whose cost counts, go no further than the fast path, whose patterns take every spelling. Flask has one
    spelling of a rule, so that paths are spelled as it has them just before.
    """
    fastpath.add_routes(app, predictions, routes)
    requests = FastPath(tfserving.respelling(app.wsgi_app), predictions, routes)
    app.wsgi_app = requests  # type: ignore[method-assign]
    return requests


@cache  # gunicorn reads its configuration again on SIGHUP: the port that is open is the one to close in the end
def create_management(settings: Settings) -> Management:
    """Build what gunicorn's master serves and cleans up."""
    folder = settings.run_dir / "metrics"
    own = own_presence(settings.run_dir)
    confined = confinement.found(settings.confinement)
    assessor = Assessor(settings.replica, settings.workers + 1, confined)  # loop workers and the bulk worker

    def assess(workers: Collection[int]) -> Readiness:
        return assessor.assess(workers, announcements.read(own))

    def clean_up_after(worker: int) -> None:
        scrape.archive_dead_process(folder, worker)
        withdraw_dead(_places(settings), settings.replica, worker)

    def said() -> Mapping[int, Mapping[str, int]]:
        try:
            return {one.pid: one.process for one in announcements.read(own) if one.replica == settings.replica}
        except Unreachable:
            return {}

    facts = ReplicaFacts(
        store_at(settings.model_store_root),
        own,
        settings.replica,
        settings.run_dir,
        Objectives(settings.slo_availability, settings.slo_latency, settings.slo_latency_seconds),
        settings.tls_certificate,
        settings.profile_features,
        settings.replica_connections,
        confined,
        reserve=settings.disk_reserve,
    )
    return Management(
        settings.management_bind,
        assess=assess,
        metrics=scrape.Scrape(folder, facts, facts.current, said).exposition,
        counts=partial(told, settings.replica, folder),
        clean_up_after=clean_up_after,
        clean_up=partial(shutil.rmtree, folder, ignore_errors=True),
    )

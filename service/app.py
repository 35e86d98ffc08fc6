"""The composition root: the only file that builds things and knows how they hang together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import flask

from model_store.directory import Store
from service import logs
from service.errors import Unauthenticated
from service.http import docs as api_docs
from service.http import fastpath, guards, hooks, mlflow, openinference, tfserving
from service.http.fastpath import StartResponse
from service.http.parts import Access, Parts
from service.http.predictions import Predictions
from service.http.record import Recorder
from service.http.red_metrics import instrument
from service.inference import Inference
from service.metrics import Metrics
from service.runtime.announcements import Announcer
from service.runtime.catalog import Catalog
from service.runtime.loader import Loader, cap_threads
from service.runtime.router import Router
from service.runtime.watcher import Watcher
from service.settings import Settings

PREDICTING: Sequence[ModuleType] = (tfserving, openinference, mlflow)
"""The modules of ``http`` that have predict routes, in the order in which the fast path tries them."""


@dataclass(frozen=True, slots=True)
class Application:
    """The WSGI application, and what a worker process starts and stops around it."""

    flask: flask.Flask
    parts: Parts
    watcher: Watcher

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        answer: Iterable[bytes] = self.flask.wsgi_app(environ, start_response)
        return answer

    def preload(self) -> None:
        """Load the models without predicting; in gunicorn's master, before it forks."""
        self.watcher.preload()

    def start_worker(self) -> None:
        """Warm the models and follow the store; in each worker, after the fork."""
        cap_threads()
        self.watcher.start()

    def stop_worker(self) -> None:
        """Stop following the store and take back this worker's announcement."""
        self.watcher.stop()


def create_app(settings: Settings, access: Access | None = None) -> Application:
    """Build everything from the settings; ``access`` replaces who may do what."""
    logs.configure(settings.log_level, replica=settings.replica)
    store = Store(settings.model_store_root)
    catalog = Catalog()
    watcher = Watcher(
        store,
        Loader(store, settings.trusted_keys),
        catalog,
        Announcer(settings.model_store_root, settings.replica, settings.run_dir),
        settings.watch_seconds,
    )
    metrics = Metrics()
    router = Router(catalog)
    parts = Parts(
        inference=Inference(router, metrics, settings.max_rows),
        catalog=catalog,
        router=router,
        store=store,
        access=access or _Everyone(),
        replica=settings.replica,
        default_model=settings.default_model,
        max_body_bytes=settings.max_body_bytes,
    )
    return Application(_flask(parts, metrics), parts, watcher)


def _flask(parts: Parts, metrics: Metrics) -> flask.Flask:
    app = flask.Flask("millrace", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = parts.max_body_bytes
    record = Recorder(metrics, instrument(app))
    hooks.install(app, replica=parts.replica, record=record)
    for module in (*PREDICTING, api_docs):
        app.register_blueprint(module.blueprint(parts))
    predictions = Predictions(
        parts.inference,
        parts.access,
        replica=parts.replica,
        max_body_bytes=parts.max_body_bytes,
        record=record,
    )
    fastpath.register(app, predictions, [route for module in PREDICTING for route in module.PREDICT_ROUTES])
    guards.enforce(app, parts.access)
    return app


class _Everyone:
    """Access until it is controlled: everyone may see models and predict."""

    def authenticate(self, headers: Mapping[str, str], address: str) -> None:  # noqa: ARG002 - nobody is asked
        return None

    def authorize(self, principal: Any, permission: str, model: str | None) -> None:
        if not self.may(principal, permission, model):
            raise Unauthenticated(f"{permission} needs credentials")

    def may(self, principal: Any, permission: str, model: str | None) -> bool:  # noqa: ARG002 - the same for all
        return permission in {"model:read", "model:predict", "model:promote"}

    def charge(self, principal: Any, rows: int) -> Mapping[str, str]:  # noqa: ARG002 - nothing is counted
        return {}

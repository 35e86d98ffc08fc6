"""What a model process does: loads one version, says that it is ready, and answers one batch after the other."""

import socket
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from threadpoolctl import threadpool_limits

from model_store.engines.choice import CANDIDATES, NoEngine, choose, compiled
from model_store.engines.engine import Engine
from model_store.errors import ArtifactUnreadable, StoreError, UndeclaredAnswer
from model_store.gate.libraries import check_libraries
from model_store.joining.rows import known_rows
from model_store.joining.verdict import Subject, joins
from model_store.manifest import Manifest
from model_store.plans import files
from model_store.proof.record import calls
from model_store.reference import golden, profile
from model_store.reference.golden import Golden
from model_store.request_errors import RequestError
from model_store.seal import MANIFEST
from service.model_process import frames
from service.model_process.arrays import Buffer
from service.model_process.messages import NO_ENGINE, Ask, Failed, Load, Ready, Refusal

INPUT_ERRORS = (ValueError, TypeError, KeyError)
"""What estimators raise when they do not like the rows; anything else is the model's own failure."""
_LONGEST_TEXT = 1000
_LONGEST_TRACE = 8000


class Model(NamedTuple):
    """A loaded version: what executes it, and the outputs for which requests are joined with the most rows."""

    engine: Engine
    joined: Mapping[str, int]


def serve(connection: socket.socket, folder: Path, held: Mapping[str, bool]) -> None:
    """Answer what comes in until the other end hangs up. Raises BadFrame for what is no frame of its."""
    first = _received(connection)
    if first is None or not isinstance(first.message, Load):
        return
    try:
        model = load(folder, first.message)
    except BaseException as error:  # noqa: BLE001 - an artifact's classes may raise anything, SystemExit included
        _send(connection, frames.written(_failed(error)))
        return
    _send(connection, frames.written(Ready(model.engine.name, dict(model.joined), dict(held))))
    while (frame := _received(connection)) is not None:
        if isinstance(frame.message, Ask):
            _send(connection, _answer(model.engine, frame.message, frame.body))


def load(folder: Path, wanted: Load) -> Model:
    """Load the version in a folder and let it answer its golden rows.

    Raises NoEngine if its answers are not the stored ones, StoreError, and what its classes raise.
    """
    threadpool_limits(limits=1)
    manifest = Manifest.from_bytes((folder / MANIFEST).read_bytes())
    kept = golden.read(folder)
    estimator = _estimator(folder, manifest) if not wanted.plan or calls(manifest.options) else None
    planned = compiled(files.mapped(folder), manifest.schema, kept, estimator) if wanted.plan else None
    if planned is None and estimator is None:
        estimator = _estimator(folder, manifest)
    engine = planned or choose(estimator, manifest.schema, kept, CANDIDATES if wanted.candidates else ())
    subject = Subject(engine, manifest.schema, estimator)
    return Model(engine, _joined(folder, manifest, kept, subject) if wanted.joins else {})


def _estimator(folder: Path, manifest: Manifest) -> object:
    from model_store.artifacts.loading import load as load_artifact  # here: scikit-learn

    check_libraries(manifest)
    return load_artifact(folder, manifest)


def _joined(folder: Path, manifest: Manifest, kept: Golden, subject: Subject) -> Mapping[str, int]:
    def sample() -> object:
        known = profile.read(folder) if (folder / profile.FILE).exists() else {}
        return known_rows(manifest.schema, kept.batch, known)

    return joins(manifest.options, subject, sample)  # type: ignore[arg-type]


def _failed(error: BaseException) -> Failed:
    code = NO_ENGINE if isinstance(error, NoEngine) else getattr(error, "code", None)
    known = isinstance(error, (StoreError, NoEngine))
    text = str(error) if known else f"{type(error).__name__}: {error}"
    return Failed(code if known and isinstance(code, str) else ArtifactUnreadable.code, *_words(text))


def _words(text: str) -> tuple[str, str]:
    """Return what is said of the error that is being handled, and its traceback, both cut short."""
    return text[:_LONGEST_TEXT], traceback.format_exc()[-_LONGEST_TRACE:]


def _answer(engine: Engine, ask: Ask, body: memoryview) -> Sequence[Buffer]:
    started = perf_counter()
    try:
        outputs = engine.predict(frames.batch_of(ask, body), ask.outputs)
        return frames.answer(outputs, perf_counter() - started)
    except RequestError as error:
        return _refusal("invalid", error)
    except UndeclaredAnswer as error:
        return _refusal("contract", error)
    except INPUT_ERRORS as error:
        return _refusal("input", error)
    except BaseException as error:  # noqa: BLE001 - SystemExit included: the process is not the model's to end
        return _refusal("failed", error)


def _refusal(kind: str, error: BaseException) -> Sequence[Buffer]:
    said = error.args[0] if isinstance(error, KeyError) and error.args else error
    return frames.written(Refusal(kind, *_words(str(said).strip() or type(error).__name__)))  # type: ignore[arg-type]


def _received(connection: socket.socket) -> frames.Frame | None:
    """Return the next frame; None if the other end hangs up before it is whole."""
    incoming = frames.Incoming()
    while data := connection.recv(incoming.missing):
        if (frame := incoming.take(data)) is not None:
            return frame
    return None


def _send(connection: socket.socket, buffers: Sequence[Buffer]) -> None:
    connection.sendall(b"".join(buffers))

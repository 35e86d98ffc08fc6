"""What runs in the throw-away process: ``python -m model_store.gate.trial check|capture FOLDER``.

Reads ``request.json`` in the folder, writes ``result.json``: the answer, or the code and detail of a StoreError.
"""

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from model_store import atomic_file
from model_store.confinement.confine import Bounds, within
from model_store.confinement.parts import Part
from model_store.errors import ArtifactUnreadable, GateRefused, StoreError, UndeclaredAnswer
from model_store.gate import confinement

_LATENCY_RUNS = 30
_LATENCY_SECONDS = 1.0


def check(request: Mapping[str, Any]) -> dict[str, Any]:
    """Load a version, replay its golden rows, time one row. Raises GateRefused, ArtifactUnreadable, LibraryMismatch."""
    from model_store.artifacts.loading import load
    from model_store.engines.estimator import EstimatorEngine
    from model_store.manifest import Manifest
    from model_store.reference import golden  # here: after the limits are set

    folder, manifest = Path(request["folder"]), Manifest.from_json(request["manifest"])
    start = time.perf_counter()
    estimator = load(folder, manifest)
    load_seconds = time.perf_counter() - start
    kept = golden.read(folder)
    _replay(estimator, manifest, kept)
    engine = _compiled(folder, manifest, kept, estimator) or EstimatorEngine(estimator, manifest.schema)
    return {
        "load_seconds": load_seconds,
        "predict_seconds": _one_row_seconds(engine, manifest, kept),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def capture(request: Mapping[str, Any]) -> dict[str, Any]:
    """Load an estimator file and sample rows of the publisher's own and write a version's files; the draft manifest."""
    from model_store.artifacts.loading import load_own  # here: after the limits are set
    from model_store.capture import draft
    from model_store.capture.artifact import Owned
    from model_store.capture.goal import Goal
    from model_store.capture.options import CaptureOptions, silent

    goal = request["options"].pop("goal", None)
    options = CaptureOptions(**request["options"], goal=Goal(**goal) if goal else None)
    sample = _sample(request)
    estimator, other_sklearn = load_own(Path(request["file"]), any_version=options.force)
    owned = Owned(estimator)
    del estimator  # so that it leaves the memory once it is written
    manifest = draft.capture_owned(owned, sample, Path(request["folder"]), options, silent)
    return {"manifest": _of_other_sklearn(manifest, other_sklearn).to_json()}


def _of_other_sklearn(manifest: Any, version: str | None) -> Any:
    """Return the manifest of an estimator that this version of scikit-learn fitted; None is the one that is here."""
    from model_store.manifest import CAPTURED_WITH

    if version is None:
        return manifest
    here = {"scikit-learn": manifest.libraries["scikit-learn"]}
    libraries = {**manifest.libraries, "scikit-learn": version}
    return replace(manifest, libraries=libraries, options={**manifest.options, CAPTURED_WITH: here})


def _sample(request: Mapping[str, Any]) -> Any:
    """Return the sample of a file, or as the publisher's process had it and has just written it."""
    if "sample" in request:
        from model_store.capture.sample import samples  # here: after the limits are set

        return samples.read(Path(request["sample"]))
    from model_store.artifacts import handover

    return handover.read(Path(request["handed_over"]))


def _replay(estimator: Any, manifest: Any, kept: Any) -> None:
    from model_store.artifacts.wording import missing_code
    from model_store.engines.equality import same
    from model_store.engines.estimator import answers

    wanted = [output.name for output in manifest.schema.outputs]
    if sorted(kept.answers) != sorted(wanted):
        raise GateRefused("the golden answers are not those of the schema's outputs")
    try:
        replayed = answers(estimator, manifest.schema, kept.batch, wanted)
    except MemoryError:
        raise
    except UndeclaredAnswer as error:
        raise GateRefused(f"it answered otherwise than when it was published: {error}") from error
    except Exception as error:
        reason = missing_code(error) or f"it failed on the golden rows: {type(error).__name__}: {_words(error)}"
        raise GateRefused(reason) from error
    for name in wanted:
        if not same(replayed[name], kept.answers[name], kept.tolerance(name)):
            raise GateRefused(f"{name} answered otherwise than when it was published: {_where(replayed, kept, name)}")


def _where(replayed: Mapping[str, Any], kept: Any, name: str) -> str:
    from model_store.engines.equality import same

    now, then = replayed[name], kept.answers[name]
    if now.shape != then.shape:
        return f"shape {list(now.shape)}, expected {list(then.shape)}"
    most = kept.tolerance(name)
    wrong = [row for row in range(len(then)) if not same(now[row : row + 1], then[row : row + 1], most)]
    row = wrong[0] if wrong else 0
    got, expected = str(now[row])[:80], str(then[row])[:80]
    return f"{len(wrong)} of {len(then)} golden rows differ; row {row}: {got}, expected {expected}"


def _compiled(folder: Path, manifest: Any, kept: Any, estimator: Any) -> Any:
    """Return the engine of the version's plan, None if it has none. Raises GateRefused if that answers otherwise."""
    from model_store.engines.choice import compiled
    from model_store.plans import files

    if files.PLAN not in manifest.files:
        return None
    engine = compiled(files.mapped(folder), manifest.schema, kept, estimator)
    if engine is None:
        raise GateRefused("its compiled form does not answer as the estimator")
    return engine


def _one_row_seconds(engine: Any, manifest: Any, kept: Any) -> float:
    import numpy as np

    from model_store.batch import take

    row, default = take(kept.batch, np.arange(1)), [manifest.schema.outputs[0].name]
    times: list[float] = []
    while len(times) < _LATENCY_RUNS and sum(times) < _LATENCY_SECONDS:
        start = time.perf_counter()
        engine.predict(row, default)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _answer(verb: Callable[[Mapping[str, Any]], dict[str, Any]], request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return verb(request)
    except StoreError as error:
        return {"code": error.code, "detail": str(error)}
    except MemoryError:
        limit = request["limits"]["memory"] / 2**30
        return {"code": GateRefused.code, "detail": f"it needs more memory than the limit of {limit:.2g} GiB"}
    except Exception as error:  # noqa: BLE001 - the last resort of a process whose end is a report
        return {"code": ArtifactUnreadable.code, "detail": f"{type(error).__name__}: {_words(error)}"}


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _confine(verb: str, folder: Path, request: Mapping[str, Any]) -> bool:
    """Confine this process to what the request names, and return whether it has no network."""
    memory, named = request["limits"]["memory"], Path(request["folder"])
    read, write = ([named], []) if verb == "check" else ([*_given(request)], [named])
    confinement.limit_time(request["limits"]["seconds"])
    network_cut = confinement.cut_network()
    confinement.die_with(request["parent"])
    held = within(Bounds(folder, read, write, memory=memory, largest_file=memory))
    return network_cut or held[Part.CALLS]


def _given(request: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the files of the publisher's that are read."""
    yield from (Path(request[key]) for key in ("file", "sample", "handed_over") if key in request)
    if goal := request["options"].get("goal"):
        yield Path(goal["holdout"])


def main() -> int:
    """Run one verb."""
    verb, folder = sys.argv[1], Path(sys.argv[2])
    request = json.loads((folder / "request.json").read_bytes())
    network_cut = _confine(verb, folder, request)
    result = _answer({"check": check, "capture": capture}[verb], request)
    atomic_file.write(folder / "result.json", json.dumps({**result, "network_cut": network_cut}).encode())
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # a version's own exit handlers have no say

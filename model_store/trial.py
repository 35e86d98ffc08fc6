"""What runs in the throw-away process: ``python -m model_store.trial check|capture FOLDER``.

Reads ``request.json`` in the folder, writes ``result.json``: the answer, or the code and detail of a StoreError.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from model_store import atomic_file
from model_store.errors import ArtifactUnreadable, GateRefused, StoreError

_NEW_USER = 0x10000000
_NEW_NETWORK = 0x40000000
_PARENT_DEATH_SIGNAL = 1
_LATENCY_RUNS = 30
_LATENCY_SECONDS = 1.0


def check(request: Mapping[str, Any]) -> dict[str, Any]:
    """Load a version, replay its golden rows, time one row. Raises GateRefused, ArtifactUnreadable, LibraryMismatch."""
    from model_store import golden  # here: after the limits are set
    from model_store.artifacts.loading import load
    from model_store.manifest import Manifest

    folder, manifest = Path(request["folder"]), Manifest.from_json(request["manifest"])
    start = time.perf_counter()
    estimator = load(folder, manifest)
    load_seconds = time.perf_counter() - start
    kept = golden.read(folder)
    _replay(estimator, manifest, kept)
    return {
        "load_seconds": load_seconds,
        "predict_seconds": _one_row_seconds(estimator, manifest, kept),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def capture(request: Mapping[str, Any]) -> dict[str, Any]:
    """Load an estimator file and sample file of the publisher's own and write a version's files; the draft manifest."""
    from model_store.artifacts.loading import load_own  # here: after the limits are set
    from model_store.capture import draft, samples

    options = draft.CaptureOptions(**request["options"])
    sample = samples.read(Path(request["sample"]))
    estimator = load_own(Path(request["file"]), any_version=options.force)
    manifest = draft.capture(estimator, sample, Path(request["folder"]), options, lambda _: None)
    return {"manifest": manifest.to_json()}


def _replay(estimator: Any, manifest: Any, kept: Any) -> None:
    from model_store.engines.equality import same
    from model_store.engines.estimator import answers

    wanted = [output.name for output in manifest.schema.outputs]
    if sorted(kept.answers) != sorted(wanted):
        raise GateRefused("the golden answers are not those of the schema's outputs")
    try:
        replayed = answers(estimator, manifest.schema, kept.batch, wanted)
    except MemoryError:
        raise
    except Exception as error:
        raise GateRefused(f"it failed on the golden rows: {type(error).__name__}: {_words(error)}") from error
    for name in wanted:
        if not same(replayed[name], kept.answers[name]):
            raise GateRefused(f"{name} answered otherwise than when it was published: {_where(replayed, kept, name)}")


def _where(replayed: Mapping[str, Any], kept: Any, name: str) -> str:
    from model_store.engines.equality import same

    now, then = replayed[name], kept.answers[name]
    if now.shape != then.shape:
        return f"shape {list(now.shape)}, expected {list(then.shape)}"
    wrong = [row for row in range(len(then)) if not same(now[row : row + 1], then[row : row + 1])]
    row = wrong[0] if wrong else 0
    got, expected = str(now[row])[:80], str(then[row])[:80]
    return f"{len(wrong)} of {len(then)} golden rows differ; row {row}: {got}, expected {expected}"


def _one_row_seconds(estimator: Any, manifest: Any, kept: Any) -> float:
    import numpy as np

    from model_store.batch import take
    from model_store.engines.estimator import answers

    row, default = take(kept.batch, np.arange(1)), [manifest.schema.outputs[0].name]
    times: list[float] = []
    while len(times) < _LATENCY_RUNS and sum(times) < _LATENCY_SECONDS:
        start = time.perf_counter()
        answers(estimator, manifest.schema, row, default)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _limit(seconds: float, memory: int) -> None:
    _lower(resource.RLIMIT_CPU, int(seconds) + 1, slack=1)  # SIGXCPU first, then SIGKILL
    _lower(resource.RLIMIT_AS, memory)
    _lower(resource.RLIMIT_FSIZE, memory)
    _lower(resource.RLIMIT_CORE, 0)


def _lower(kind: int, limit: int, slack: int = 0) -> None:
    """Set a limit, unless a stricter one holds already; macOS knows no limit on address space and refuses it."""
    _, hard = resource.getrlimit(kind)
    stricter = limit + slack if hard == resource.RLIM_INFINITY else min(limit + slack, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (min(limit, stricter), stricter))


def _die_with(parent: int) -> None:
    """Have the system kill this process when the publisher is gone, so that no trial outlives it.

    To be called after the network was cut: a change of user namespace would make the system forget it.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the publisher is gone already")


def _cut_network() -> bool:
    """Leave this process without network, if the system allows it."""
    libc = ctypes.CDLL(None, use_errno=True)
    unshare = getattr(libc, "unshare", None)
    return unshare is not None and (unshare(_NEW_NETWORK) == 0 or unshare(_NEW_USER | _NEW_NETWORK) == 0)


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


def main() -> int:
    """Run one verb."""
    verb, folder = sys.argv[1], Path(sys.argv[2])
    request = json.loads((folder / "request.json").read_bytes())
    _limit(request["limits"]["seconds"], request["limits"]["memory"])
    network_cut = _cut_network()
    _die_with(request["parent"])
    result = _answer({"check": check, "capture": capture}[verb], request)
    atomic_file.write(folder / "result.json", json.dumps({**result, "network_cut": network_cut}).encode())
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # a version's own exit handlers have no say

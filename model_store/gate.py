"""May this version be published or promoted? Tried in a throw-away process before any replica sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_store import isolation
from model_store.errors import ArtifactUnreadable, GateRefused, LibraryMismatch
from model_store.manifest import ANY_LIBRARY_VERSION, Manifest
from model_store.seal import MANIFEST

SECONDS = 60.0
MEMORY = 8 * 2**30
ROW_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class GateReport:
    """What the trial measured: seconds to load and for one row (median), peak memory, whether it had no network."""

    load_seconds: float
    predict_seconds: float
    peak_bytes: int
    network_cut: bool


def try_candidate(
    folder: Path,
    *,
    manifest: Manifest | None = None,
    seconds: float = SECONDS,
    memory: int = MEMORY,
    row_seconds: float = ROW_SECONDS,
) -> GateReport:
    """Load a version in its own process, replay its golden rows and time it.

    ``manifest`` is the verified manifest, or a draft of one; without it the folder's own is read. ``seconds`` bounds
    the whole trial, ``memory`` its address space in bytes, ``row_seconds`` the median time of the default output for
    one row. Raises GateRefused with the reason, LibraryMismatch.
    """
    manifest = manifest or Manifest.from_bytes((folder / MANIFEST).read_bytes())
    check_libraries(manifest)
    request = {"folder": str(folder.absolute()), "manifest": manifest.to_json()}
    try:
        report = _report(isolation.run("check", request, seconds=seconds, memory=memory))
    except (KeyError, TypeError, ValueError) as error:
        raise GateRefused("its process gave a report that is none") from error
    except ArtifactUnreadable as error:
        raise GateRefused(f"its artifact does not load: {error}") from error
    if report.predict_seconds > row_seconds:
        raise GateRefused(f"it is slow: one row took {report.predict_seconds:.2g} s, the limit is {row_seconds:g} s")
    return report


def check_libraries(manifest: Manifest) -> None:
    """Raise LibraryMismatch unless scikit-learn's major.minor is the version's own, or its publisher forced it."""
    from importlib import metadata  # here: a few milliseconds that only the gate and the loader need

    made, here = manifest.libraries.get("scikit-learn", ""), metadata.version("scikit-learn")
    if manifest.options.get(ANY_LIBRARY_VERSION) or _major_minor(made) == _major_minor(here):
        return
    raise LibraryMismatch(
        f"model {manifest.model} {manifest.version} was made with scikit-learn {made or '?'}, and this is {here}"
    )


def _report(found: Mapping[str, Any]) -> GateReport:
    return GateReport(
        load_seconds=float(found["load_seconds"]),
        predict_seconds=float(found["predict_seconds"]),
        peak_bytes=int(found["peak_bytes"]),
        network_cut=bool(found["network_cut"]),
    )


def _major_minor(version: str) -> tuple[str, ...]:
    return tuple(version.split(".")[:2])

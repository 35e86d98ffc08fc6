"""Whether the libraries here are those that a version was made with."""

from model_store.errors import LibraryMismatch
from model_store.manifest import ANY_LIBRARY_VERSION, Manifest


def check_libraries(manifest: Manifest) -> None:
    """Raise LibraryMismatch unless scikit-learn's major.minor is the version's own, or its publisher forced it."""
    from importlib import metadata  # here: a few milliseconds that only the gate and the loader need

    made, here = manifest.libraries.get("scikit-learn", ""), metadata.version("scikit-learn")
    if manifest.options.get(ANY_LIBRARY_VERSION) or _major_minor(made) == _major_minor(here):
        return
    raise LibraryMismatch(
        f"model {manifest.model} {manifest.version} was made with scikit-learn {made or '?'}, and this is {here}"
    )


def _major_minor(version: str) -> tuple[str, ...]:
    return tuple(version.split(".")[:2])

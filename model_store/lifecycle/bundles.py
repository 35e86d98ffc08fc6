"""A version in one file: a tar archive of its folder, for moving it from one store to another.

A version that a trusted key has sealed may be of any format. The seal names the number that the version had in the
store that it came from; here it gets the next one, and is sealed again with this store's own key.
"""

import shutil
import tarfile
import tempfile
from dataclasses import replace
from pathlib import Path

from model_store import seal
from model_store.errors import BadManifest, BadName, StoreError
from model_store.lifecycle.registrar import Registrar
from model_store.manifest import LARGEST_BYTES, Manifest
from model_store.names import ModelName
from model_store.seal import TrustedKeys
from model_store.stores.store import Store

MOST_FILES = 64


class BadBundle(StoreError):
    """A file that is no archive of one version."""

    code = "bad_bundle"


def export_bundle(store: Store, name: str, version: int, bundle: Path) -> None:
    """Write a stored version into a tar archive. Raises UnknownModel, UnknownVersion."""
    with store.local(name, version) as folder, tarfile.open(bundle, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name, recursive=False)


def import_bundle(  # noqa: PLR0913 - by whom, what and how much of it, where to, and whom to trust
    registrar: Registrar, name: str, bundle: Path, *, trusted: TrustedKeys, by: str, largest: int
) -> int:
    """Add the version in a bundle, of at most ``largest`` bytes unpacked, to model ``name``, and return its number.

    Nothing of it is loaded before its seal has been verified. Raises BadBundle, SealBroken, BadManifest, GateRefused.
    """
    model = ModelName(name)
    with tempfile.TemporaryDirectory(prefix="millrace-bundle-") as scratch:
        registrar.progress("checking the seal")
        folder = _unpack(bundle, Path(scratch), largest)
        manifest = _verified(folder, trusted, model)
        with registrar.store.staging(model) as staging:
            for file in manifest.files:
                shutil.copyfile(folder / file, staging / file)
            report = registrar.try_version(staging, manifest)
            return registrar.add(staging, _with_origin(report.noted(manifest), by))


def _verified(folder: Path, trusted: TrustedKeys, model: ModelName) -> Manifest:
    manifest = seal.verify(folder, trusted)
    if manifest.model != model:
        raise BadBundle(f"the bundle is of model {manifest.model!r}, not of {str(model)!r}")
    return manifest


def _with_origin(manifest: Manifest, by: str) -> Manifest:
    origin = {"taken_in_by": by, "original_version": manifest.version}
    return replace(manifest, options={**manifest.options, **origin})


def _unpack(bundle: Path, scratch: Path, largest: int) -> Path:
    """Unpack into ``<scratch>/<model>/<version>``, which is the place that the seal is for."""
    flat = scratch / "files"
    flat.mkdir()
    try:
        with tarfile.open(bundle, "r:*") as archive:
            _extract(archive, flat, largest)
        manifest = Manifest.from_bytes((flat / seal.MANIFEST).read_bytes()[: LARGEST_BYTES + 1])
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise BadBundle(f"the file is no archive of a version: {error}") from error
    except (BadManifest, BadName) as error:
        raise BadBundle(f"the archive holds no version: {error}") from error
    place = scratch / manifest.model / str(manifest.version)
    place.parent.mkdir()
    return flat.rename(place)


def _extract(archive: tarfile.TarFile, folder: Path, largest: int) -> None:
    left = largest
    for count, member in enumerate(archive):
        plain = member.isreg() and "/" not in member.name and not member.name.startswith(".")
        if not plain or count >= MOST_FILES:
            raise BadBundle(f"the archive holds {member.name[:128]!r}: expected at most {MOST_FILES} plain files")
        left -= member.size
        if left < 0:
            raise BadBundle(f"the archive unpacks to more than {largest} bytes")
        archive.extract(member, folder, filter="data")

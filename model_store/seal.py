"""SHA-256 of every file and Ed25519 over the manifest: checked before anything of a version is trusted."""

import base64
import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from model_store import atomic_file
from model_store.errors import NoKey, SealBroken
from model_store.manifest import LARGEST_BYTES, FileSeal, Manifest

MANIFEST = "manifest.json"
SEAL = "manifest.sig"
_PURPOSE = b"millrace manifest 1\n"  # so that a signature of this key on anything else never passes for a seal
_CHUNK = 2**18
"""Bytes that stay in the processor's cache from read to write: a copy in blocks of 1 MiB takes twice the CPU time."""
_LARGEST_SEAL = 4096

Needed = Callable[[Manifest], Collection[str]]
"""Which files of a version have to be whole."""


def key_id(public: Ed25519PublicKey) -> str:
    """Return a key's name: the first 16 hex digits of the SHA-256 of its raw public bytes."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]


class _Folder(NamedTuple):
    """A version's folder that is open, and how a message calls it: the model and the version."""

    descriptor: int
    place: str

    def broken(self, name: str, what: str) -> SealBroken:
        """Return what says that something is wrong with a file, and what to do."""
        return SealBroken(f"{self.place}/{name} {what}: restore it from a backup, or publish the model again")


class SealingKey:
    """The private key that new versions are sealed with."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.id = key_id(private.public_key())

    @classmethod
    def load(cls, path: Path) -> "SealingKey":
        """Return the key in a PEM file (PKCS #8, not encrypted). Raises NoKey."""
        try:
            private = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except FileNotFoundError as error:
            made = f"python -m model_store keygen --key {path}"
            raise NoKey(f"no sealing key at {path}: make one with `{made}`") from error
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise NoKey(f"{path} holds no readable private key: {error}") from error
        if not isinstance(private, Ed25519PrivateKey):
            raise NoKey(f"{path} is not an Ed25519 key")
        return cls(private)

    @classmethod
    def create(cls, path: Path) -> "SealingKey":
        """Return a new key, kept in a new file of mode 0600, for its owner alone. Raises NoKey if one is there."""
        private = Ed25519PrivateKey.generate()
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        try:
            atomic_file.write(path, pem, durable=True, mode=0o600, replace=False)
        except FileExistsError as error:
            raise NoKey(f"{path} exists already: a sealing key is never overwritten") from error
        return cls(private)

    def sign(self, manifest: bytes) -> bytes:
        """Return the signature over a manifest's bytes (64 bytes)."""
        return self._private.sign(_PURPOSE + manifest)

    def trust_in(self, folder: Path) -> Path:
        """Put the public half into a folder of trusted keys; returns its file."""
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        path = folder / f"{self.id}.pem"
        path.write_bytes(
            self._private.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        return path


class TrustedKeys:
    """The public keys whose seals are trusted, by key id."""

    def __init__(self, keys: Mapping[str, Ed25519PublicKey]) -> None:
        self._keys = dict(keys)

    def __len__(self) -> int:
        return len(self._keys)

    @classmethod
    def load(cls, folder: Path) -> "TrustedKeys":
        """Return all ``*.pem`` files of a folder. Raises NoKey if the folder is missing or a file is no Ed25519 key."""
        if not folder.is_dir():
            raise NoKey(f"no folder of trusted keys at {folder}: make keys with `python -m model_store keygen`")
        return cls({key_id(key): key for key in map(_public_key, sorted(folder.glob("*.pem")))})

    def check(self, key: str, signature: bytes, manifest: bytes) -> None:
        """Raise SealBroken unless the key is trusted and made this signature over these bytes."""
        public = self._keys.get(key)
        if public is None:
            raise SealBroken(f"sealed with key {key}, which is not trusted here: trust it, or publish the model again")
        try:
            public.verify(signature, _PURPOSE + manifest)
        except InvalidSignature as error:
            raise SealBroken("the seal does not fit the manifest: restore both, or publish the model again") from error


def create_keys(folder: Path) -> SealingKey:
    """Write ``sealing.pem`` and its ``trusted/<key id>.pem`` into a folder; a key that is there already is kept."""
    path = folder / "sealing.pem"
    with contextlib.suppress(NoKey):
        SealingKey.create(path)
    key = SealingKey.load(path)
    key.trust_in(folder / "trusted")
    return key


def seal(folder: Path, manifest: Manifest, key: SealingKey) -> None:
    """Write the manifest and its seal into a version's folder."""
    data = manifest.to_bytes()
    signed = {"format": 1, "key": key.id, "signature": base64.b64encode(key.sign(data)).decode()}
    (folder / MANIFEST).write_bytes(data)
    (folder / SEAL).write_text(json.dumps(signed) + "\n")


def file_seals(folder: Path) -> dict[str, FileSeal]:
    """Return the seals of all files that a version's folder has now, except the manifest and its signature."""
    with _opened(folder) as directory:
        return {name: _hash(directory, name) for name in _names(directory) if name not in (MANIFEST, SEAL)}


def every_file(manifest: Manifest) -> Collection[str]:
    """Return the names of all files that the manifest seals."""
    return manifest.files


def verify(folder: Path, trusted: TrustedKeys, needed: Needed = every_file) -> Manifest:
    """Check the seal and the place of a version, and those of its files that are ``needed``; nothing is unpickled.

    The other files are not read, so that those of gigabytes that nobody wants cost nothing: whoever reads one after all
    does it with ``read_sealed``, which checks it then. Raises SealBroken, BadManifest.
    """
    with _opened(folder) as directory:
        data = _read(directory, MANIFEST, LARGEST_BYTES)
        key, signature = _signature(directory, _read(directory, SEAL, _LARGEST_SEAL))
        _check_seal(directory, trusted, key, signature, data)
        manifest = Manifest.from_bytes(data)
        _check_place(folder, manifest)
        _check_names(directory, manifest)
        _check_files(directory, manifest, needed(manifest))
    return manifest


def read_sealed(folder: Path, name: str, manifest: Manifest) -> bytes:
    """Return one file's bytes, if they are the ones that the manifest names. Raises SealBroken."""
    return b"".join(read_sealed_blocks(folder, name, manifest))


def read_sealed_blocks(folder: Path, name: str, manifest: Manifest) -> list[bytes]:
    """Return one file's bytes in blocks, if they are the ones that the manifest names. Raises SealBroken."""
    expected, digest = _sealed(name, manifest), hashlib.sha256()
    with _opened(folder) as directory:
        blocks = _blocks(directory, name, expected.bytes)
        for block in blocks:
            digest.update(block)
        _compare(directory, name, FileSeal(digest.hexdigest(), sum(map(len, blocks))), expected)
    return blocks


def copy_sealed(folder: Path, name: str, manifest: Manifest, target: BinaryIO) -> None:
    """Write one file's bytes to another, block by block, while they are hashed.

    Raises OSError if they cannot be written, and SealBroken if they were not those that the manifest names: what was
    written is of no use then.
    """
    expected, digest, length = _sealed(name, manifest), hashlib.sha256(), 0
    with _opened(folder) as directory, open(_open_file(directory, name), "rb") as file:
        while length <= expected.bytes and (block := file.read(_CHUNK)):
            digest.update(block)
            target.write(block)
            length += len(block)
        _compare(directory, name, FileSeal(digest.hexdigest(), length), expected)


def _sealed(name: str, manifest: Manifest) -> FileSeal:
    expected = manifest.files.get(name)
    if expected is None:
        raise SealBroken(f"{name} is not in the manifest")
    return expected


def _public_key(path: Path) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise NoKey(f"{path} holds no readable public key: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise NoKey(f"{path} is not an Ed25519 key")
    return key


def _signature(directory: _Folder, data: bytes) -> tuple[str, bytes]:
    try:
        document = json.loads(data)
        return str(document["key"])[:64], base64.b64decode(document["signature"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise directory.broken(SEAL, f"is not a seal ({error})") from error


def _check_seal(directory: _Folder, trusted: TrustedKeys, key: str, signature: bytes, manifest: bytes) -> None:
    try:
        trusted.check(key, signature, manifest)
    except SealBroken as error:
        raise SealBroken(f"{directory.place}: {error}") from error


def _check_place(folder: Path, manifest: Manifest) -> None:
    place = (folder.parent.name, folder.name)
    if place != (manifest.model, str(manifest.version)):
        raise SealBroken(f"the seal is for {manifest.model} {manifest.version}, not for {place[0]} {place[1]}")


def _check_names(directory: _Folder, manifest: Manifest) -> None:
    if manifest.artifact not in manifest.files:
        raise SealBroken(f"the manifest names no {manifest.artifact}")
    foreign = sorted(set(_names(directory)) - set(manifest.files) - {MANIFEST, SEAL})
    if foreign:
        raise SealBroken(f"{foreign[0][:128]!r} in {directory.place} does not belong to the version: take it away")


def _check_files(directory: _Folder, manifest: Manifest, names: Collection[str]) -> None:
    for name in names:
        _compare(directory, name, _hash(directory, name), _sealed(name, manifest))


def _compare(directory: _Folder, name: str, found: FileSeal, expected: FileSeal) -> None:
    if found == expected:
        return
    length = f" ({found.bytes} bytes instead of {expected.bytes})" if found.bytes < expected.bytes else ""
    raise directory.broken(name, f"is not what was sealed{length}")


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[_Folder]:
    """Give the folder's descriptor, so that no link can lead its files elsewhere while they are read.

    Raises SealBroken.
    """
    place = f"{folder.parent.name}/{folder.name}"
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise SealBroken(f"{place} is not a readable folder: {error.strerror}") from error
    try:
        yield _Folder(descriptor, place)
    finally:
        os.close(descriptor)


def _names(directory: _Folder) -> list[str]:
    with os.scandir(directory.descriptor) as entries:
        return sorted(entry.name for entry in entries)


def _open_file(directory: _Folder, name: str) -> int:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory.descriptor)
    except OSError as error:
        raise directory.broken(name, f"is missing, a link, or unreadable ({error.strerror})") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise directory.broken(name, "is not a plain file")
    return descriptor


def _read(directory: _Folder, name: str, most: int) -> bytes:
    with open(_open_file(directory, name), "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise directory.broken(name, f"is longer than {most} bytes")
    return data


def _blocks(directory: _Folder, name: str, most: int) -> list[bytes]:
    """Return a file's bytes in blocks, and not many more than ``most`` of them."""
    blocks: list[bytes] = []
    with open(_open_file(directory, name), "rb") as file:
        while most >= 0 and (block := file.read(_CHUNK)):
            blocks.append(block)
            most -= len(block)
    return blocks


def _hash(directory: _Folder, name: str) -> FileSeal:
    digest, length = hashlib.sha256(), 0
    with open(_open_file(directory, name), "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            length += len(chunk)
    return FileSeal(digest.hexdigest(), length)

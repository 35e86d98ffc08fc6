"""Stored sample rows and the answers that the estimator gave to them, without any pickle.

One ``golden.npz`` of plain arrays: numbers, bools and datetimes as they are; strings as UTF-8 bytes, the offset where
each ends, and a mask of those that are there; bools with gaps as int8 with -1 for missing; whole numbers with
gaps as numbers and such a mask. Floats stay exact.
``tolerances``, where there are any, are in the order of the answers.
"""

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from model_store import npy
from model_store.batch import Array, Batch
from model_store.errors import SealBroken

FILE = "golden.npz"


@dataclass(frozen=True, slots=True)
class Golden:
    """Rows and, by output name, what the estimator answered to them.

    ``tolerances`` has the outputs whose answers depend on rounding more than most: by how much they may differ,
    relative to their magnitude.
    """

    batch: Batch
    answers: Mapping[str, Array]
    tolerances: Mapping[str, float] = field(default_factory=dict)

    def tolerance(self, output: str) -> float:
        """Return by how much an output's answers may differ beyond what is usual; 0 if they showed nothing unusual."""
        return self.tolerances.get(output, 0.0)


def write(folder: Path, golden: Golden) -> None:
    """Write ``golden.npz`` into a version's folder."""
    (folder / FILE).write_bytes(to_bytes(golden))


def read(folder: Path) -> Golden:
    """Return the golden rows and answers of a version. Raises SealBroken if the file is none of ours."""
    try:
        return from_bytes((folder / FILE).read_bytes())
    except OSError as error:
        raise SealBroken(f"{FILE} cannot be read: {error.strerror}") from error


def to_bytes(golden: Golden) -> bytes:
    """Return the content of ``golden.npz``."""
    arrays: dict[str, Array] = {"rows": np.array(golden.batch.rows)}
    if golden.batch.matrix is not None:
        arrays["matrix"] = golden.batch.matrix
    else:
        arrays |= _named("column", golden.batch.columns or {})
    arrays |= _named("answer", golden.answers)
    if golden.tolerances:
        arrays["tolerances"] = np.array([golden.tolerance(name) for name in golden.answers])
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def from_bytes(data: bytes) -> Golden:
    """Return the golden rows and answers in the bytes of ``golden.npz``. Raises SealBroken."""
    try:
        arrays = _arrays(data)
        rows = int(arrays["rows"])
        matrix = arrays.get("matrix")
        columns = None if matrix is not None else _unnamed("column", arrays)
        answers = _unnamed("answer", arrays)
        given = arrays.get("tolerances", np.zeros(0)).tolist()
        tolerances = {name: most for name, most in zip(answers, given, strict=False) if most}
        return Golden(Batch(rows, matrix=matrix, columns=columns), answers, tolerances)
    except (ValueError, KeyError, OSError, EOFError, IndexError, zipfile.BadZipFile, zlib.error) as error:
        raise SealBroken(f"{FILE} is unreadable: {error}") from error


def _arrays(data: bytes) -> dict[str, Array]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name.removesuffix(".npy"): _array(archive, name) for name in archive.namelist()}


def _array(archive: zipfile.ZipFile, name: str) -> Array:
    with archive.open(name) as file:
        return npy.read(file)


def _named(kind: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    packed: dict[str, Array] = dict(_packed_strings(f"{kind}s", np.array(list(arrays), dtype=object)))
    for i, values in enumerate(arrays.values()):
        packed |= _packed(f"{kind}{i}", values)
    return packed


def _unnamed(kind: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    names = _unpacked(f"{kind}s", arrays).tolist()
    return {name: _unpacked(f"{kind}{i}", arrays) for i, name in enumerate(names)}


def _packed(key: str, values: Array) -> dict[str, Array]:
    if values.dtype.kind not in "OUS":
        return {key: values}
    if values.dtype.kind == "O" and any(isinstance(value, (bool, np.bool_)) for value in values.ravel()):
        flags = [-1 if value is None else int(value) for value in values.ravel()]
        return {f"{key}.gapped": np.array(flags, dtype=np.int8).reshape(values.shape)}
    if values.dtype.kind == "O" and any(isinstance(value, int) for value in values.ravel()):
        return _packed_whole(key, values)
    return _packed_strings(key, values)


def _packed_whole(key: str, values: Array) -> dict[str, Array]:
    there = np.array([value is not None for value in values], dtype=bool)
    whole = [value or 0 for value in values]
    return {
        f"{key}.whole": np.array(whole, dtype=np.uint64 if max(whole) > np.iinfo(np.int64).max else np.int64),
        f"{key}.there": there,
    }


def _packed_strings(key: str, values: Array) -> dict[str, Array]:
    texts = [None if value is None else str(value).encode("utf-8", "surrogatepass") for value in values.ravel()]
    return {
        f"{key}.utf8": np.frombuffer(b"".join(text or b"" for text in texts), dtype=np.uint8),
        f"{key}.ends": np.cumsum([len(text or b"") for text in texts], dtype=np.int64),
        f"{key}.there": np.array([text is not None for text in texts], dtype=bool).reshape(values.shape),
    }


def _unpacked(key: str, arrays: Mapping[str, Array]) -> Array:
    if key in arrays:
        return arrays[key]
    if f"{key}.gapped" in arrays:
        flags = arrays[f"{key}.gapped"]
        return np.where(flags < 0, None, flags > 0)  # type: ignore[call-overload, no-any-return]  # None makes it objects
    if f"{key}.whole" in arrays:
        whole = arrays[f"{key}.whole"].astype(object)
        whole[~arrays[f"{key}.there"]] = None
        return whole
    there, ends = arrays[f"{key}.there"], arrays[f"{key}.ends"].tolist()
    data = arrays[f"{key}.utf8"].tobytes()
    texts = [
        data[start:end].decode("utf-8", "surrogatepass") if is_there else None
        for start, end, is_there in zip([0, *ends][:-1], ends, there.ravel().tolist(), strict=True)
    ]
    values = np.empty(len(texts), dtype=object)
    values[:] = texts
    return values.reshape(there.shape)

"""Sealed versions without any estimator, made in a millisecond."""

import dataclasses
from pathlib import Path

from model_store import seal
from model_store.manifest import Manifest
from model_store.schema import Column, Output, Schema
from model_store.seal import SealingKey
from model_store.stores.store import Store

SCHEMA = Schema("matrix", (Column("x", "float64"),), (Output("predict", "float64"),), "regressor")


def draft(name: str, files: dict[str, bytes], folder: Path) -> Manifest:
    """Write the files into the folder, and describe them."""
    for file, data in files.items():
        (folder / file).write_bytes(data)
    return Manifest(
        model=name,
        version=1,
        created="2026-01-02T03:04:05+00:00",
        created_by="tests",
        artifact_format="skops",
        files=seal.file_seals(folder),
        libraries={},
        schema=SCHEMA,
        estimator="tests.Nothing",
    )


def add(store: Store, key: SealingKey, name: str = "m", content: bytes = b"artifact") -> int:
    """Add a version whose artifact has this content."""
    with store.staging(name) as folder:
        manifest = draft(name, {"artifact.skops": content}, folder)
        return store.add(
            name, folder, lambda number: seal.seal(folder, dataclasses.replace(manifest, version=number), key)
        )

"""What commands report about a model or a version, ready for JSON."""

from dataclasses import asdict
from typing import Any

from model_store import channels
from model_store.stores.store import Store


def model_report(store: Store, name: str) -> dict[str, Any]:
    """Return where a model's pointers are. Raises StoreError."""
    now = channels.read(store, name)
    return {
        "model": name,
        "versions": store.versions(name),
        "stable": now.stable,
        "labels": dict(now.labels),
        "unloaded": now.unloaded,
        "quarantined": {str(v): asdict(kept) for v, kept in now.quarantined().items()},
    }


def version_report(store: Store, name: str, version: int) -> dict[str, Any]:
    """Return a version's manifest in short, and what names it. Raises StoreError."""
    manifest, now = store.manifest(name, version), channels.read(store, name)
    named_by = [channel for channel in channels.CHANNELS if now.pointer(channel) == version]
    named_by += [label for label, labelled in now.labels.items() if labelled == version]
    keys = ("model", "version", "created", "created_by", "estimator", "artifact_format", "bytes", "load_seconds")
    report = {key: getattr(manifest, key) for key in (*keys, "predict_seconds", "metrics", "libraries", "options")}
    return {**report, "named_by": named_by}


def history(store: Store, name: str) -> list[dict[str, Any]]:
    """Return the moves of a model's pointers, the oldest first. Raises StoreError."""
    return [
        {field: getattr(move, field) for field in ("at", "by", "action", "channel", "from_version", "to_version")}
        for move in channels.read(store, name).history
    ]

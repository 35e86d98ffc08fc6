"""The life of a model: published, sealed, stored, promoted, rolled back, retired. No web in here."""

from model_store.capture.goal import Goal
from model_store.payload_log import PayloadLog
from model_store.publish import dry_run, publish

__all__ = ["Goal", "PayloadLog", "dry_run", "publish"]

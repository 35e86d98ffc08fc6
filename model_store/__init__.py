"""The life of a model: published, sealed, stored, promoted, rolled back, retired. No web in here."""

from model_store.publish import publish

__all__ = ["publish"]

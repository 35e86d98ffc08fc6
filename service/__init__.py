"""The life of a request: from bytes to a chosen model's answer and back."""

__version__ = "0.1.0"
"""The release of Millrace, said once: pyproject.toml takes it from here, `/version` and `/v2` answer with it."""

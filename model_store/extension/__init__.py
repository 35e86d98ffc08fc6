"""The C extension: its source, how it is found, and what it computes. `deploy/local/build-extension` builds it."""

"""The routes under ``/admin``: access, audit, models, operations, feedback."""

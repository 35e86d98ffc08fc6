"""The routes of access and administration: ``/oauth`` and ``/admin``."""

"""The collection of tables that packages add theirs to: ``Table("name", metadata, …)`` in a package's ``tables.py``."""

from sqlalchemy import MetaData

metadata = MetaData()

"""The table of workers that are there."""

from sqlalchemy import Column, Double, Integer, LargeBinary, String, Table

from service.database.metadata import metadata

presence = Table(
    "presence",
    metadata,
    Column("replica", String(255), primary_key=True),
    Column("pid", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("seen_at", Double, nullable=False),  # seconds since 1970 by the database's clock
)

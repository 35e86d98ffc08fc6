"""The tables of workers that are there, and of what they predicted lately."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, String, Table

from service.database.metadata import metadata

presence = Table(
    "presence",
    metadata,
    Column("replica", String(255), primary_key=True),
    Column("pid", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    Column("seen_at", Double, nullable=False),  # seconds since 1970 by the database's clock
)

recent_predictions = Table(
    "recent_predictions",
    metadata,
    Column("key", LargeBinary(16), primary_key=True),  # stands for the model and the request's id
    Column("row_index", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("value", Double),  # a number, or a class's hash; NULL is not a number
    Column("classified", Boolean, nullable=False),
    Column("judged", Boolean, nullable=False),
    Column("worker", BigInteger, nullable=False),  # drawn by each worker as it starts
    Column("number", BigInteger, nullable=False),  # counts the rows of a worker
    Column("at", Double, nullable=False),  # seconds since 1970 by the database's clock
    Index("ix_recent_predictions_worker_number", "worker", "number"),
)

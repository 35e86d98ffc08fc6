"""The table of operations. Times are whole seconds since 1970, UTC."""

from sqlalchemy import BigInteger, Column, String, Table, Text

from service.database.metadata import metadata

operations = Table(
    "operations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("model", String(128), nullable=False),
    Column("subject", String(512), nullable=False),
    Column("state", String(16), nullable=False),
    Column("detail", Text, nullable=False),
    Column("result", Text),
    Column("replica", String(128), nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
    Column("seen_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
)

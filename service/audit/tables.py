"""The tables of the audit log: its entries, and the number and digest of the last one."""

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from service.database.metadata import metadata

audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False, index=True),
    Column("actor", String(512), nullable=False, index=True),
    Column("action", String(64), nullable=False, index=True),
    Column("target", String(512), nullable=False),
    Column("outcome", String(64), nullable=False),
    Column("address", String(64), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
)

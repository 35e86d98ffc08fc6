"""The tables of access control. Times are whole seconds since 1970, UTC.

Every change that a worker has to see raises the counter in ``changes`` in the same transaction; workers poll it.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, Text

from service.database.metadata import metadata

changes = Table(
    "changes", metadata, Column("id", Integer, primary_key=True), Column("counter", BigInteger, nullable=False)
)

clients = Table(
    "clients",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(128), nullable=False, unique=True),
    Column("secret_number", Integer, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("previous_hash", Text),
    Column("previous_until", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("client_id", String(64), ForeignKey("clients.id"), nullable=False, index=True),
    Column("name", String(128), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("permissions", Text),
    Column("models", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("last_used_at", BigInteger),
    Column("replaced_by", String(32)),
    Column("revoked_at", BigInteger),
)

grants = Table(
    "grants",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("subject", String(512), nullable=False, index=True),
    Column("role", String(32), nullable=False),
    Column("models", Text, nullable=False),
    Column("requests_per_minute", BigInteger),
    Column("rows_per_minute", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String(512), nullable=False),
    Column("revoked_at", BigInteger),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("family", String(64), nullable=False, index=True),
    Column("client_id", String(64), ForeignKey("clients.id"), nullable=False),
    Column("scope", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("used_at", BigInteger),
)

revocations = Table(
    "revocations",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

quota_windows = Table(
    "quota_windows",
    metadata,
    Column("subject", String(512), primary_key=True),
    Column("resource", String(16), primary_key=True),
    Column("minute", BigInteger, primary_key=True),
    Column("booked", BigInteger, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("caller", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("refused_until", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False, index=True),
)

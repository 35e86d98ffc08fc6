"""What `make run` needs before it starts: secrets, the database's schema, and a demo client. Done once, kept after."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from service.audit.entry import Actor
from service.audit.log import AuditLog
from service.auth import tables
from service.auth.registry import CLIENT, Registry, client_named
from service.auth.secrets.files import BadSecret, is_placeholder, read_secret, write_secret
from service.auth.snapshot import announce_change
from service.auth.tokens.key_ring import create_key
from service.database.connection import Database
from service.database.migrate import SchemaMismatch, migrate
from service.errors import Unavailable
from service.settings import BadSetting

DEMO_CLIENT = "demo"
SETUP = Actor("local-setup")
NOT_SET_UP = (Unavailable, BadSecret, BadSetting, SchemaMismatch)
"""What ``setup_local`` raises where a setting, the database or a secret cannot be used."""


@dataclass(frozen=True, slots=True)
class Local:
    """Where `setup_local` put things: ``client`` is a JSON file with ``client_id`` and ``client_secret``."""

    jwt_keys: Path
    audit_key: Path
    client: Path
    database_url: str


def create_secrets(jwt_keys: Path, audit_key: Path) -> None:
    """Make the secrets that are missing, each in a file that only its owner reads."""
    jwt_keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not any(jwt_keys.glob("*.pem")):
        create_key(jwt_keys)
    if not audit_key.exists():
        write_secret(audit_key, _new_secret() + b"\n")


def _new_secret() -> bytes:
    """Return a secret at random, but for one in 20,000 that spells a word by which a placeholder is known."""
    while is_placeholder(secret := secrets.token_urlsafe(48).encode()):
        pass
    return secret


def setup_local(var: Path, database_url: str | None = None) -> Local:
    """Make secrets, database and a demo client with the role admin under ``var``; quick if all is there already.

    Raises one of ``NOT_SET_UP``: Unavailable if the database does not answer, BadSetting for an address that is none,
    SchemaMismatch for a database of a later release, BadSecret for an audit key that is a placeholder.
    """
    folder = var / "secrets"
    local = Local(
        folder / "jwt",
        folder / "audit.key",
        folder / "demo-client.json",
        database_url or f"sqlite:///{var / 'state' / 'millrace.db'}",
    )
    create_secrets(local.jwt_keys, local.audit_key)
    database = Database(local.database_url)
    try:
        migrate(database)
        _keep_demo_client(database, local)
    finally:
        database.close()
    return local


def _keep_demo_client(database: Database, local: Local) -> None:
    """Make the demo client, or another one if its file and the database do not go together."""
    with database.reading() as connection:
        row = client_named(connection, DEMO_CLIENT)
    if row is not None and row.revoked_at is None and _stored_id(local.client) == row.id:
        return
    registry = Registry(database, AuditLog(database, read_secret(local.audit_key, "AUDIT_KEY_FILE")))
    if row is not None:
        _revoke_demo_client(database, row.id)
    shown = registry.create_client(DEMO_CLIENT, SETUP)
    registry.grant(CLIENT + shown.id, "admin", ["*"], SETUP)
    local.client.unlink(missing_ok=True)
    write_secret(local.client, json.dumps({"client_id": shown.id, "client_secret": shown.secret}).encode() + b"\n")


def _revoke_demo_client(database: Database, client_id: str) -> None:
    """Revoke the old demo client and free its name."""
    clients = tables.clients
    revoked_at = sa.func.coalesce(clients.c.revoked_at, database.now())
    change = clients.update().where(clients.c.id == client_id)
    with database.writing() as connection:
        connection.execute(change.values(name=f"{DEMO_CLIENT}-{client_id}", revoked_at=revoked_at))
        announce_change(connection)


def _stored_id(path: Path) -> str | None:
    try:
        stored: str | None = json.loads(path.read_text(encoding="utf-8")).get("client_id")
    except (OSError, ValueError, AttributeError):
        return None
    return stored

"""The API key with which a monitor asks for predictions from outside, as any caller does."""

from pathlib import Path

from service.audit.entry import Actor
from service.audit.log import AuditLog
from service.auth.local import Local
from service.auth.registry import CLIENT, Registry, client_named
from service.auth.secrets.files import read_secret, write_secret
from service.database.connection import Database

PROBE_CLIENT = "probe"
_SETUP = Actor("probe-setup")


def keep_probe_key(local: Local, path: Path) -> None:
    """Make an API key of the client `probe`, which may predict and no more, in the file ``path`` if there is none.

    Raises Unavailable if the database does not answer, BadSecret for an audit key that is a placeholder.
    """
    if path.exists():
        return
    database = Database(local.database_url)
    try:
        registry = Registry(database, AuditLog(database, read_secret(local.audit_key, "AUDIT_KEY_FILE")))
        key = registry.create_key(_client(database, registry), PROBE_CLIENT, _SETUP, permissions=["model:predict"])
    finally:
        database.close()
    write_secret(path, key.secret.encode() + b"\n")


def _client(database: Database, registry: Registry) -> str:
    with database.reading() as connection:
        row = client_named(connection, PROBE_CLIENT)
    if row is not None:
        return str(row.id)
    client = registry.create_client(PROBE_CLIENT, _SETUP).id
    registry.grant(CLIENT + client, "predictor", ["*"], _SETUP)
    return client

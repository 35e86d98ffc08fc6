"""The command line of access control: ``python -m service.auth …``."""

import argparse
import getpass
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from model_store.request_errors import RequestError
from service.audit.entry import Actor
from service.audit.log import AuditLog
from service.auth import tables
from service.auth.access_control import AccessControl
from service.auth.configuration import Configuration, database_url
from service.auth.local import create_secrets
from service.auth.permissions import PERMISSIONS, ROLES
from service.auth.registry import CLIENT, Registry
from service.auth.secrets.files import BadSecret, read_secret
from service.auth.tokens.issuers import BadIssuers
from service.auth.tokens.key_ring import create_key
from service.database.connection import Database
from service.database.migrate import REVISIONS, SCHEMA_VERSION, SchemaMismatch, migrate, schema_version
from service.errors import NotFound
from service.settings import BadSetting, Settings, read

Show = Callable[[Any], None]

HOUR, DAY = 3600, 86_400
"""Seconds."""
LONGEST = 1_000_000
"""Hours or days that may be asked for."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a subcommand works with."""

    arguments: argparse.Namespace
    settings: Settings
    show: Show

    @property
    def database(self) -> Database:
        """The database that the settings name."""
        return Database(database_url(Configuration.of(self.settings)))

    @property
    def audit(self) -> AuditLog:
        """The audit chain."""
        return AuditLog(self.database, read_secret(self.settings.audit_key, "AUDIT_KEY_FILE"))

    @property
    def registry(self) -> Registry:
        """Clients, keys and grants."""
        return Registry(self.database, self.audit)

    @property
    def actor(self) -> Actor:
        """Who is at the command line."""
        return Actor(f"command-line:{getpass.getuser()}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit status."""
    parsed = _parser().parse_args(arguments)
    try:
        settings = read()
        if not parsed.json and parsed.run is not _token:
            sys.stderr.write(f"the database is {Settings.database_url.shown(settings.database_url)}\n")
        status: int | None = parsed.run(Command(parsed, settings, _json if parsed.json else _plain))
    except (RequestError, BadSecret, BadSetting, BadIssuers, SchemaMismatch) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except sa.exc.SQLAlchemyError as error:
        sys.stderr.write(
            f"the database refused it ({type(error).__name__}): migrated? `python -m service.auth migrate`\n"
        )
        return 1
    return status or 0


def _create_secrets(command: Command) -> None:
    create_secrets(command.settings.jwt_keys, command.settings.audit_key)
    command.show({"jwt_keys": str(command.settings.jwt_keys), "audit_key": str(command.settings.audit_key)})


def _migrate(command: Command) -> None:
    migrated = migrate(command.database, command.arguments.to)
    command.show({"migrated": migrated, "schema": schema_version(command.database)})


def _create_client(command: Command) -> None:
    given = command.arguments
    shown = command.registry.create_client(given.name, command.actor)
    if given.role:
        _grant_role(command, CLIENT + shown.id)
    command.show({"client_id": shown.id, "client_secret": shown.secret})


def _grant(command: Command) -> None:
    given = command.arguments.subject
    subject = given if ":" in given else CLIENT + _client_id(command, given)
    command.show({"grant_id": _grant_role(command, subject), "subject": subject})


def _grant_role(command: Command, subject: str) -> str:
    given = command.arguments
    return command.registry.grant(
        subject,
        given.role,
        given.models or ["*"],
        command.actor,
        requests_per_minute=given.requests_per_minute,
        rows_per_minute=given.rows_per_minute,
    )


def _create_key(command: Command) -> None:
    given = command.arguments
    shown = command.registry.create_key(
        _client_id(command, given.client),
        given.name,
        command.actor,
        permissions=given.permissions,
        models=given.models,
        seconds=None if given.days is None else round(given.days * DAY),
    )
    command.show({"key_id": shown.id, "api_key": shown.secret})


def _rotate(command: Command) -> None:
    given, registry = command.arguments, command.registry
    overlap = round(given.overlap * HOUR)
    if given.what == "key":
        shown = registry.rotate_key(given.id, overlap, command.actor)
        command.show({"key_id": shown.id, "api_key": shown.secret})
    else:
        shown = registry.rotate_secret(_client_id(command, given.id), overlap, command.actor)
        command.show({"client_id": shown.id, "client_secret": shown.secret})


def _revoke(command: Command) -> None:
    given, registry = command.arguments, command.registry
    if given.what == "client":
        registry.revoke_client(_client_id(command, given.id), command.actor)
    elif given.what == "key":
        registry.revoke_key(given.id, command.actor)
    else:
        registry.revoke_grant(given.id, command.actor)
    command.show({"revoked": given.id})


def _list(command: Command) -> None:
    registry = command.registry
    listed = {"clients": registry.clients, "keys": registry.keys, "grants": registry.grants}[command.arguments.what]()
    command.show(listed)


def _rotate_signing_key(command: Command) -> None:
    path = create_key(command.settings.jwt_keys)
    command.audit.record(command.actor.entry("signing-key.create", path.name))
    command.show({"created": str(path)})


def _verify_audit(command: Command) -> int:
    intact, broken = command.audit.verify()
    if broken is None:
        command.show({"intact": True, "entries": intact})
        return 0
    command.show({"intact": False, "entries": intact, "first_broken": broken.number, "reason": broken.reason})
    return 2


def _token(command: Command) -> None:
    """Print a token for the client in a file, made here with the signing key: no running service is needed."""
    file = command.arguments.client_file or Path(command.settings.var_dir) / "secrets" / "demo-client.json"
    client_id, secret = _stored_client(Path(file))
    access = AccessControl(Configuration.of(command.settings))
    access.view.refresh()
    server = access.authorization
    server.check_client(client_id, secret, command.actor)
    issued = server.issue(client_id, None, command.actor)
    sys.stdout.write(access.tokens.issue(client_id, issued.permissions, issued.family) + "\n")


def _stored_client(path: Path) -> tuple[str, str]:
    """Return a client's id and secret from a file. Raises BadSecret."""
    expected = "expected JSON with `client_id` and `client_secret`, as `create-client --json` prints them"
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return str(stored["client_id"]), str(stored["client_secret"])
    except OSError as error:
        raise BadSecret(f"--client-file: {path} cannot be read ({error.strerror}): {expected}") from error
    except (ValueError, TypeError, KeyError):
        raise BadSecret(f"--client-file: {path} holds something else: {expected}") from None


def _client_id(command: Command, given: str) -> str:
    """Return a client's id from its id or name. Raises NotFound."""
    with command.database.reading() as connection:
        clients = tables.clients.c
        query = sa.select(clients.id).where(sa.or_(clients.id == given, clients.name == given))
        found: str | None = connection.execute(query).scalar()
    if found is None:
        raise NotFound(f"there is no client {given!r}")
    return found


def _plain(answer: Any) -> None:
    rows = answer if isinstance(answer, list) else [answer]
    for row in rows:
        sys.stdout.write("  ".join(f"{name}={value}" for name, value in row.items() if value is not None) + "\n")


def _json(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m service.auth", description="Clients, keys, grants and the audit.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[Command], int | None], summary: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary, description=summary)
        command.add_argument("--json", action="store_true", help="answer with one JSON value")
        command.set_defaults(run=run)
        return command

    add("create-secrets", _create_secrets, "make the signing key and the audit key where they are missing")
    migration = add("migrate", _migrate, "bring the database to the schema that this version needs, or to another one")
    migration.add_argument("--to", choices=REVISIONS, default=SCHEMA_VERSION, help="0001: what the first release needs")
    client = add("create-client", _create_client, "make a client; its secret is shown this once")
    client.add_argument("name")
    _add_grant_options(client, role_required=False)
    grant = add("grant", _grant, "give a role to a client (its name or id) or to <issuer>:<sub>")
    grant.add_argument("subject")
    _add_grant_options(grant, role_required=True)
    key = add("create-key", _create_key, "make an API key of a client; it is shown this once")
    key.add_argument("client", help="the client's name or id")
    key.add_argument("--name", default="key", help="what the key is for")
    key.add_argument("--permissions", nargs="+", choices=sorted(PERMISSIONS), help="keep only these of the client's")
    key.add_argument("--models", nargs="+", metavar="PATTERN", help="keep only these models of the client's")
    key.add_argument("--days", type=_span, help="how long the key is good")
    _add_rest(add)
    return parser


def _span(text: str) -> float:
    """Read how many hours or days. Raises ArgumentTypeError for what no calendar has."""
    with suppress(ValueError):
        if 0 <= (number := float(text)) <= LONGEST:
            return number
    raise argparse.ArgumentTypeError(f"{text!r}: expected a number from 0 to {LONGEST:,}")


def _add_rest(add: Callable[..., argparse.ArgumentParser]) -> None:
    rotate = add("rotate", _rotate, "replace a key or a client's secret; the old one stays good for a while")
    rotate.add_argument("what", choices=("key", "client"))
    rotate.add_argument("id")
    rotate.add_argument("--overlap", type=_span, default=24, metavar="HOURS", help="how long the old one stays good")
    revoke = add("revoke", _revoke, "refuse a client, key or grant from now on")
    revoke.add_argument("what", choices=("client", "key", "grant"))
    revoke.add_argument("id")
    listing = add("list", _list, "list clients, keys or grants")
    listing.add_argument("what", choices=("clients", "keys", "grants"), nargs="?", default="clients")
    add("rotate-signing-key", _rotate_signing_key, "add a signing key; it signs after two minutes")
    add("verify-audit", _verify_audit, "check the audit chain; names the first broken link and exits with 2")
    token = add("token", _token, "print an access token for the client in a file")
    token.add_argument("--client-file", help="JSON: client_id, client_secret (secrets/demo-client.json in VAR_DIR)")


def _add_grant_options(command: argparse.ArgumentParser, *, role_required: bool) -> None:
    command.add_argument("--role", choices=tuple(ROLES), required=role_required)
    command.add_argument("--models", nargs="+", metavar="PATTERN", help="the models that it is for; all without it")
    command.add_argument("--requests-per-minute", type=int, metavar="N")
    command.add_argument("--rows-per-minute", type=int, metavar="N")


if __name__ == "__main__":
    sys.exit(main())

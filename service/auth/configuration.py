"""What access control is built with."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL

from service.auth.secrets.files import BadSecret, is_placeholder, read_secret
from service.database.connection import parsed
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Configuration:
    """The part of the settings that concerns access; `service.settings` says what each value is."""

    database_url: str
    database_password: Path | None
    jwt_keys: Path
    audit_key: Path
    issuer: str
    audience: str = "millrace"
    access_seconds: int = 900
    refresh_seconds: int = 86_400
    public_models: tuple[str, ...] = ()
    oidc_issuers: Path | None = None
    longest_token: int = 8192
    stale_seconds: int = 86_400
    run_dir: Path | None = None
    replica: str = "local"

    @classmethod
    def of(cls, settings: Settings) -> "Configuration":
        """Return what the settings say of access control."""
        return cls(
            database_url=settings.database_url,
            database_password=settings.database_password,
            jwt_keys=settings.jwt_keys,
            audit_key=settings.audit_key,
            issuer=settings.issuer,
            audience=settings.audience,
            access_seconds=settings.access_token_seconds,
            refresh_seconds=settings.refresh_token_seconds,
            public_models=settings.public_models,
            oidc_issuers=settings.oidc_issuers,
            longest_token=settings.max_header_bytes,
            stale_seconds=settings.access_stale_seconds,
            run_dir=settings.run_dir,
            replica=settings.replica,
        )


def database_url(configuration: Configuration) -> URL:
    """Return the database's address with its password. Raises BadSetting, BadSecret for one that is a placeholder."""
    url = parsed(configuration.database_url)
    if configuration.database_password is not None:
        url = url.set(password=read_secret(configuration.database_password, "DATABASE_PASSWORD_FILE").decode())
    elif url.password and is_placeholder(str(url.password).encode()):
        raise BadSecret("DATABASE_URL: its password is a placeholder")
    return url

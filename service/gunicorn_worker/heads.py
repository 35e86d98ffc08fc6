"""Request heads: bytes to a WSGI environment, or a refusal. Stricter than RFC 9112, since Nginx alone writes them.

What two readers could understand differently is refused: RFC 9112, sections 2.2, 3, 5 and 6.3. The environment is that
of gunicorn's own workers (PEP 3333); a test compares them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from model_store.request_errors import MalformedRequest, PayloadTooLarge
from service.errors import HeadersTooLarge, UriTooLong
from service.gunicorn_worker.limits import Limits

_ALLOWED = bytes((ord("\t"), *range(0x20, 0x7F), *range(0x80, 0x100)))
_METHOD = re.compile(r"[!$%&'*+.^_`|~0-9A-Z-]{3,20}")
_TARGET = re.compile(r"/[\x21-\x7e]*")
_NAME = re.compile(r"[!#$%&'*+.^`|~0-9A-Za-z-]+")
_HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=%-]*(?::[0-9]*)?|\[[0-9A-Fa-f:.]+\](?::[0-9]*)?")
_MOST_DIGITS = 18
_VERSIONS = {"HTTP/1.1", "HTTP/1.0"}
_PORTS = {"http": "80", "https": "443"}
_NOT_PREFIXED = {"CONTENT_TYPE", "CONTENT_LENGTH"}

_ONCE = frozenset({"HTTP_HOST", "CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_EXPECT", "HTTP_CONNECTION"})
"""Fields that are refused if they are there twice; others are joined with a comma (RFC 9110, section 5.3)."""


class Head(NamedTuple):
    """What a head says: the environment without ``wsgi.input``, and how its message and connection go on."""

    environ: dict[str, Any]
    length: int
    keep_alive: bool
    continues: bool


@dataclass(frozen=True, slots=True)
class Heads:
    """Reads heads. ``base`` is what every environment has, ``schemes`` what a proxy's fields have where it is https."""

    limits: Limits
    base: Mapping[str, Any]
    schemes: tuple[tuple[str, str], ...] = ()

    def of_connection(self, addresses: Mapping[str, str]) -> dict[str, Any]:
        """Return what every environment of a connection has.

        Its ``addresses`` are REMOTE_ADDR, SERVER_NAME and, if the server has an address that callers write, which a
        path is not, SERVER_PORT.
        """
        return {**self.base, **addresses}

    def read(self, head: bytes, base: Mapping[str, Any]) -> Head:
        """Read a head without the empty line that ends it, and add it to ``base``, what its connection has.

        Raises MalformedRequest, UriTooLong, HeadersTooLarge or PayloadTooLarge.
        """
        lines = _lines(head)
        if len(head) > self.limits.shortest or len(lines) > self.limits.fields:
            self._check_lengths(lines[0], lines[1:])
        environ = dict(base)
        environ.update(_request_line(lines[0]))
        self._add_fields(environ, lines[1:])
        _add_server(environ, self._scheme(environ))
        return Head(environ, self._length(environ), _keeps_alive(environ), _continues(environ))

    def _check_lengths(self, line: str, fields: list[str]) -> None:
        if 0 < self.limits.line < len(line):
            raise UriTooLong(f"The request line has {len(line)} characters: at most {self.limits.line} are taken")
        if len(fields) > self.limits.fields:
            raise HeadersTooLarge(
                f"The request has {len(fields)} header fields: {self.limits.fields} at most are taken"
            )
        longest = max(map(len, fields), default=0) + 2
        if longest > self.limits.field:
            raise HeadersTooLarge(f"A header field has {longest} bytes: at most {self.limits.field} are taken")

    def _add_fields(self, environ: dict[str, Any], fields: list[str]) -> None:
        for field in fields:
            name, colon, value = field.partition(":")
            if not colon:
                raise MalformedRequest(f"The header field {field[:40]!r} has no colon")
            key = _key(name)
            if key in environ:
                self._join(environ, key, value.strip(" \t"))
            else:
                environ[key] = value.strip(" \t")

    def _join(self, environ: dict[str, Any], key: str, value: str) -> None:
        if key in _ONCE or any(key == name for name, _ in self.schemes):
            raise MalformedRequest(f"The header field {key.removeprefix('HTTP_').replace('_', '-')} is there twice")
        environ[key] = f"{environ[key]},{value}"

    def _scheme(self, environ: Mapping[str, Any]) -> str:
        found = ""
        for name, secure in self.schemes:
            if (said := environ.get(name)) is not None:
                scheme = "https" if said == secure else "http"
                if found not in {"", scheme}:
                    raise MalformedRequest("The header fields of the proxy disagree about the scheme")
                found = scheme
        return found or "http"

    def _length(self, environ: Mapping[str, Any]) -> int:
        if "HTTP_TRANSFER_ENCODING" in environ:
            raise MalformedRequest("Transfer-Encoding: expected a body of a known Content-Length")
        written: str = environ.get("CONTENT_LENGTH", "0")
        if not (written.isascii() and written.isdecimal()):
            raise MalformedRequest(f"Content-Length is {written[:20]!r}: expected a whole number")
        if len(written) > _MOST_DIGITS or int(written) > self.limits.body:
            raise PayloadTooLarge(f"The body is larger than the {self.limits.body} bytes that are allowed")
        return int(written)


def _lines(head: bytes) -> list[str]:
    """Split a head. A control character, or half of a line's end, is refused wherever it is."""
    lines = head.decode("latin-1").split("\r\n")
    if head.translate(None, _ALLOWED) != b"\r\n" * (len(lines) - 1):
        raise MalformedRequest("The head of the request has a control character: expected printable text")
    return lines


@lru_cache(maxsize=256)
def _request_line(line: str) -> Mapping[str, str]:
    """Give what the request line says to the environment. Most requests have a line that another one had."""
    parts = line.split(" ")
    if len(parts) != 3:  # noqa: PLR2004 - method, target, version
        raise MalformedRequest(f"The request line is {line[:60]!r}: expected a method, an address and a version")
    method, target, version = parts
    if not _METHOD.fullmatch(method):
        raise MalformedRequest(f"The method is {method[:20]!r}: expected 3 to 20 capital letters")
    if version not in _VERSIONS:
        raise MalformedRequest(f"The version is {version[:20]!r}: expected HTTP/1.1 or HTTP/1.0")
    if not _TARGET.fullmatch(target) and (target, method) != ("*", "OPTIONS"):
        raise MalformedRequest(f"The address is {target[:60]!r}: expected / and printable ASCII")
    path, _, query = target.partition("#")[0].partition("?")
    return {
        "REQUEST_METHOD": method,
        "RAW_URI": target,
        "SERVER_PROTOCOL": version,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1") if "%" in path else path,
        "QUERY_STRING": query,
    }


@lru_cache(maxsize=1024)
def _key(name: str) -> str:
    """Give a field's name in the environment; a name with an underscore could pass itself off as another one."""
    if not _NAME.fullmatch(name):
        raise MalformedRequest(
            f"The header field {name[:40]!r} has no proper name: expected letters, digits and hyphens"
        )
    key = name.upper().replace("-", "_")
    return key if key in _NOT_PREFIXED else f"HTTP_{key}"


def _add_server(environ: dict[str, Any], scheme: str) -> None:
    environ["wsgi.url_scheme"] = scheme
    host: str | None = environ.get("HTTP_HOST")
    if host is None and environ["SERVER_PROTOCOL"] == "HTTP/1.1":
        raise MalformedRequest("The header field Host is missing")
    name, port = _host(host or "")
    if name and "SERVER_PORT" not in environ:
        environ["SERVER_NAME"], environ["SERVER_PORT"] = name, _PORTS[scheme] if port is None else port
    else:
        environ.setdefault("SERVER_PORT", "")


@lru_cache(maxsize=1024)
def _host(host: str) -> tuple[str, str | None]:
    """Split a host into name and port, as gunicorn does."""
    if not _HOST.fullmatch(host):
        raise MalformedRequest(f"Host is {host[:60]!r}: expected a name or an address, and a port")
    name, *port = host.split(":")
    return name, port[0] if port else None


def _keeps_alive(environ: Mapping[str, Any]) -> bool:
    """Return whether the connection stays open. One of HTTP/1.0 never does."""
    if environ["SERVER_PROTOCOL"] == "HTTP/1.0":
        return False
    return "HTTP_CONNECTION" not in environ or "close" not in environ["HTTP_CONNECTION"].lower()


def _continues(environ: Mapping[str, Any]) -> bool:
    """Return whether the caller waits for 100 (Continue) before it sends the body; HTTP/1.0 knows no such thing."""
    expected: str | None = environ.get("HTTP_EXPECT")
    if expected is None:
        return False
    if expected.lower() != "100-continue":
        raise MalformedRequest(f"Expect is {expected[:20]!r}: expected 100-continue")
    return bool(environ["SERVER_PROTOCOL"] == "HTTP/1.1")

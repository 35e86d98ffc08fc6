"""Between WSGI and the dialects: bodies read and decompressed within bounds, answers compressed where asked."""

import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from model_store.request_errors import MalformedRequest, PayloadTooLarge
from service.errors import UnsupportedMediaType
from service.wire import WireRequest, WireResponse

_COMPRESS_FROM_BYTES = 16 * 1024
_GZIP, _ZLIB = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS
_CHUNK = 64 * 1024
_MOST_MEMBERS = 10_000
"""Most streams in a gzip body: an empty one has 20 bytes and costs microseconds."""
_FORMATS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}


class EnvironHeaders(Mapping[str, str]):
    """A WSGI environment's request headers by lower-case name, without copying them."""

    __slots__ = ("_environ",)

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._environ = environ

    def __getitem__(self, name: str) -> str:
        value: str = self._environ[_key(name)]
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """Return the header's value, or the default."""
        return self._environ.get(_key(name), default)

    def __iter__(self) -> Iterator[str]:
        for key in self._environ:
            if key.startswith("HTTP_"):
                yield key[5:].replace("_", "-").lower()
            elif key in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
                yield key.replace("_", "-").lower()

    def __len__(self) -> int:
        return sum(1 for _ in self)


@lru_cache(maxsize=256)
def _key(name: str) -> str:
    key = name.upper().replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"


def read_body(environ: Mapping[str, Any], most: int) -> bytes:
    """Return the body as it was sent, of at most ``most`` bytes. Raises PayloadTooLarge or MalformedRequest."""
    length = environ.get("CONTENT_LENGTH") or ""
    if not length:
        body: bytes = environ["wsgi.input"].read(most + 1) if environ.get("wsgi.input_terminated") else b""
    elif not length.isdecimal():
        raise MalformedRequest(f"Content-Length is {length[:20]!r}: expected a whole number")
    elif int(length) > most:
        raise _too_large(most)
    else:
        body = environ["wsgi.input"].read(int(length))
        if len(body) < int(length):
            raise MalformedRequest(f"The body ends after {len(body)} of {length} bytes")
    if len(body) > most:
        raise _too_large(most)
    return body


def wire_request(environ: Mapping[str, Any], body: bytes, most: int, max_rows: int) -> WireRequest:
    """Return the request, its body decompressed. Raises UnsupportedMediaType, PayloadTooLarge or MalformedRequest."""
    encoding = environ.get("HTTP_CONTENT_ENCODING")
    if encoding and encoding.strip().lower() != "identity":
        body = _decompressed(body, encoding.strip().lower(), most)
    return WireRequest(body, EnvironHeaders(environ), environ.get("QUERY_STRING", ""), max_rows)


def _decompressed(body: bytes, encoding: str, most: int) -> bytes:
    if encoding not in _FORMATS:
        raise UnsupportedMediaType(f"Content-Encoding {encoding[:40]!r}: expected gzip, deflate or identity")
    pieces: list[bytes] = []
    size = 0
    try:
        for piece in _inflated(memoryview(body), encoding, most + 1):
            pieces.append(piece)
            size += len(piece)
            if size > most:
                raise _too_large(most)
    except zlib.error as error:
        raise MalformedRequest(f"The body is not {encoding} data: {error}") from error
    return b"".join(pieces)


def _inflated(left: memoryview, encoding: str, longest: int) -> Iterator[bytes]:
    """Yield a body's bytes in pieces: of gzip those of all its members, which RFC 1952 (2.2) lets follow each other.

    Raises MalformedRequest and zlib's error.
    """
    for _ in range(_MOST_MEMBERS if _FORMATS[encoding] == _GZIP else 1):
        inflater = zlib.decompressobj(wbits=_FORMATS[encoding])
        while not inflater.eof:
            chunk = left[:_CHUNK]
            if not chunk:
                raise MalformedRequest(f"The body is not one whole {encoding} stream")
            yield inflater.decompress(chunk, longest)
            left = left[len(chunk) - len(inflater.unused_data) - len(inflater.unconsumed_tail) :]
        if not left:
            return
    more = f"more than {_MOST_MEMBERS} members" if _FORMATS[encoding] == _GZIP else "more bytes after its end"
    raise MalformedRequest(f"The body is not one whole {encoding} stream: it has {more}")


def _too_large(most: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The body is larger than the {most} bytes that are allowed, also after decompression")


def encoded(answer: WireResponse, accept_encoding: str | None) -> tuple[bytes, dict[str, str]]:
    """Return a response's body and headers, compressed if the caller asks for it and it is large enough to pay."""
    headers = {"Content-Type": answer.media_type, **answer.headers}
    if accept_encoding is None or len(answer.body) < _COMPRESS_FROM_BYTES:
        return answer.body, headers
    headers["Vary"] = "Accept-Encoding"
    chosen = _chosen_encoding(accept_encoding)
    if chosen is None:
        return answer.body, headers
    deflater = zlib.compressobj(level=1, wbits=_FORMATS[chosen])
    headers["Content-Encoding"] = chosen
    return deflater.compress(answer.body) + deflater.flush(), headers


@lru_cache(maxsize=64)
def _chosen_encoding(accept: str) -> str | None:
    weights = {}
    for item in accept.lower().split(","):
        name, _, parameters = item.partition(";")
        weights[name.strip()] = _quality(parameters)
    anything = weights.get("*", 0.0)
    best = max(("gzip", "deflate"), key=lambda name: weights.get(name, anything))
    return best if weights.get(best, anything) > 0 else None


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0

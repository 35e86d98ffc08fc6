"""The socket that one worker listens on, at the address of its slot."""

import contextlib
import errno
import os
import socket
import stat
from pathlib import Path
from typing import Any

from gunicorn import util

_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Exhausted(Exception):
    """No connection can be accepted now: the process or the machine is out of descriptors or memory."""


class Listener:
    """Listens from the moment it is made. Raises OSError if the address is in use, or cannot be.

    ``address`` is ``unix:/path`` or ``host:port``. A unix socket comes into being under another name and is then moved
    to its own, so that there is no moment at which it is there and refuses, or a predecessor's is gone.
    """

    def __init__(self, address: str, *, backlog: int, umask: int) -> None:
        where: Any = util.parse_address(address)
        self._path = Path(where) if isinstance(where, str) else None
        self._socket = _bound(self._path, backlog, umask) if self._path else _bound_tcp(where, backlog)
        self._made = _identity(self._path)
        self.fd = self._socket.fileno()
        self._server = _server(where)

    def accept(self) -> tuple[socket.socket, dict[str, str]] | None:
        """Give a connection that waits, with REMOTE_ADDR, SERVER_NAME and ports of it, or None. Raises Exhausted."""
        try:
            accepted, peer = self._socket.accept()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                raise Exhausted(error.strerror) from error
            return None
        if isinstance(peer, tuple):
            return accepted, {**self._server, "REMOTE_ADDR": peer[0], "REMOTE_PORT": str(peer[1])}
        return accepted, {**self._server, "REMOTE_ADDR": peer if isinstance(peer, str) else peer.decode()}

    def refuse(self) -> None:
        """Take no new connections. Those that wait can still be accepted; on TCP, new ones until ``close``."""
        if self._path is not None:
            self._remove()
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        """Stop listening, and remove the socket's file unless a successor has taken its place."""
        self._remove()
        self._socket.close()

    def _remove(self) -> None:
        if self._path is not None and self._made is not None and _identity(self._path) == self._made:
            self._path.unlink(missing_ok=True)
        self._made = None


def _bound(path: Path, backlog: int, umask: int) -> socket.socket:
    new = path.with_name(f"{path.name}~")
    new.unlink(missing_ok=True)
    if path.exists() and not stat.S_ISSOCK(path.stat().st_mode):
        raise OSError(errno.EEXIST, f"{path} is not a socket")
    made = socket.socket(socket.AF_UNIX)
    before = os.umask(umask)
    try:
        made.bind(str(new))
    finally:
        os.umask(before)
    made.setblocking(False)
    made.listen(backlog)
    new.rename(path)
    return made


def _bound_tcp(where: tuple[str, int], backlog: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if util.is_ipv6(where[0]) else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.setblocking(False)
    try:
        made.bind(where)
    except OSError:
        made.close()
        raise
    made.listen(backlog)
    return made


def _identity(path: Path | None) -> tuple[int, int] | None:
    try:
        found = path.stat() if path else None
    except FileNotFoundError:
        return None
    return (found.st_dev, found.st_ino) if found else None


def _server(where: Any) -> dict[str, str]:
    if isinstance(where, str):
        return {"SERVER_NAME": where}
    return {"SERVER_NAME": where[0], "SERVER_PORT": str(where[1])}

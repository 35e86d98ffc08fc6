"""Where each worker of a replica listens: by the worker's slot, from the one address that BIND names."""

from pathlib import PurePosixPath

_UNIX = "unix:"


def address_of(bind: str, slot: int) -> str:
    """Give the address of the worker in a slot, written as BIND is.

    The slots of W loop workers are 0 to W - 1, that of the bulk worker is W. Slot 0 is at ``bind`` itself, where Nginx
    and replicas of 0.1.0 expect the only socket. ``unix:/x/service.sock`` becomes ``unix:/x/service-2.sock`` for slot
    2, and ``0.0.0.0:8000`` becomes ``0.0.0.0:8002``. Raises ValueError if ``bind`` is neither ``unix:`` with a path nor
    ``address:port``.
    """
    if bind.startswith(_UNIX):
        path = PurePosixPath(bind.removeprefix(_UNIX))
        if path.name:
            return f"{_UNIX}{path.with_stem(f'{path.stem}-{slot}')}" if slot else bind
    host, _, port = bind.rpartition(":")
    if not (host and port.isascii() and port.isdecimal()):
        raise ValueError(f"BIND is {bind!r}: expected unix:/path or address:port")
    return f"{host}:{int(port) + slot}"

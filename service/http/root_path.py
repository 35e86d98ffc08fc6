"""The path that callers write in front of all routes, where a proxy between them and Nginx takes it away.

It is a setting, or what a trusted proxy says in X-Forwarded-Prefix. Flask has it as ``request.script_root``; what this
service says of its own addresses begins with it.
"""

from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from service.http.caller import caller_address
from service.settings.kinds import prefix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def in_front(root: str, trusted: Iterable[str]) -> Callable[["WSGIApplication"], "WSGIApplication"]:
    """Return what tells an application the path in front of it, as SCRIPT_NAME (PEP 3333).

    ``root`` is that path for all callers; ``trusted`` are the addresses and networks of the proxies that may name
    another one.
    """
    networks = [ip_network(network, strict=False) for network in trusted]

    def wrap(behind: "WSGIApplication") -> "WSGIApplication":
        def call(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            environ["SCRIPT_NAME"] = _forwarded(environ, networks) or root
            return behind(environ, start_response)

        return call

    return wrap


def _forwarded(environ: "WSGIEnvironment", networks: Sequence[IPv4Network | IPv6Network]) -> str:
    """Return the path that a trusted proxy names, empty if there is none or it cannot be one."""
    given = environ.get("HTTP_X_FORWARDED_PREFIX", "")
    if not given or not _within(caller_address(environ), networks):
        return ""
    try:
        return prefix.read(given)
    except ValueError:
        return ""


def _within(text: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Tell whether an address is in one of the networks; an IPv4 address may be written as an IPv6 one."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return any((mapped or address) in network for network in networks)

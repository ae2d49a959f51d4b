"""Connections to hosts that users named (server-side request forgery, CWE-918).

A name is resolved once, every answer is judged, and the connection goes to the judged address, so no second
answer can be another one. Names of public hosts with one private address are refused as a whole. Addresses
inside IPv6 (mapped, NAT64, 6to4, Teredo) are judged by what they lead to. What the
operator of the installation may allow are private networks and this machine; link-local ones, where clouds
keep the credentials of their machines, nobody may.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sent.platform.errors import Invalid, Unavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Sequence[str]]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_METADATA = {
    ipaddress.ip_address(text)
    for text in ("fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
}
_SPECIAL = [
    ipaddress.ip_network(text)
    for text in (
        "fec0::/10",  # site-local
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # relays of 6to4
        "64:ff9b:1::/48",  # a site's own translation: where the IPv4 address stands is its secret
        "2001:20::/28",  # ORCHIDv2: never routed
        "3fff::/20",  # documentation
    )
]
"""Some versions of the library call them global."""


@dataclass(frozen=True, slots=True)
class Target:
    """A host that was judged: `address` is where to connect, `host` whom to ask for."""

    host: str
    port: int
    address: str


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host as texts (blocking)."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def target(host: str, port: int, *, allow_private: bool, resolver: Resolver = resolve) -> Target:
    """Return where to connect (blocking).

    Raises Invalid for an address that is refused, Unavailable for a name that has none now.
    """
    try:
        answers = list(dict.fromkeys(resolver(host, port)))[:32]
    except (OSError, UnicodeError) as error:
        raise Unavailable("notify.dns", f"the name {host} was not found") from error
    if not answers:
        raise Unavailable("notify.dns", f"the name {host} has no address")
    for answer in answers:
        if not may_reach(ipaddress.ip_address(answer.partition("%")[0]), allow_private=allow_private):
            raise Invalid(
                "notify.address",
                f"{host} is an address of a private network, which is not allowed for this channel",
            )
    return Target(host, port, answers[0])


def may_reach(address: Address, *, allow_private: bool) -> bool:
    """Say whether a user may have this address connected to."""
    inner = [address, *_within(address)]
    if any(one.is_link_local or one.is_multicast or one.is_unspecified or one in _METADATA for one in inner):
        return False
    if any(one in network for one in inner for network in _SPECIAL if one.version == network.version):
        return False
    last = inner[-1]
    private = last.is_private or last.is_loopback
    return (last.is_global and not last.is_reserved) or (allow_private and private)


def _within(address: Address) -> list[Address]:
    """Return the IPv4 address that an IPv6 one leads to."""
    if not isinstance(address, ipaddress.IPv6Address):
        return []
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return [address.teredo[1]]
    if address in _NAT64 or (int(address) < 2**32 and int(address) > 1):
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return []


def connect(found: Target, timeout: float) -> socket.socket:
    """Connect to the judged address (blocking)."""
    return socket.create_connection((found.address, found.port), timeout)


def close(connection: socket.socket | None) -> None:
    """End a connection from another thread, so that whoever waits on it wakes."""
    if connection is not None:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            # It ended by itself meanwhile.
            return

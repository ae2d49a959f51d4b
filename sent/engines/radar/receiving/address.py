"""Addresses of sources: `host:port` for syslog and HTTP, an absolute path for files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sent.engines.radar.receiving.tls import checked
from sent.platform.errors import Invalid


def checked_address(kind: str, address: str) -> str:
    """Return the address in its normal form; raises Invalid naming the cure."""
    if kind.startswith("syslog") or kind == "http":
        host, port = host_and_port(address)
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    path = Path(address)
    if not path.is_absolute() or "\x00" in address:
        raise Invalid("radar.source.path", f"{address!r}: give the absolute path of a file", path=address)
    return str(path)


def host_and_port(address: str) -> tuple[str, int]:
    """Return host and port of `host:port`, `[v6]:port` or `:port` (loopback)."""
    host, colon, port = address.strip().rpartition(":")
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else -1
    if not colon or not 0 <= number <= 65535:
        raise Invalid(
            "radar.source.address",
            f"{address!r}: give host:port with a port up to 65535, such as 0.0.0.0:5514",
            address=address,
        )
    return host.strip("[]") or "127.0.0.1", number


def checked_tls(kind: str, tls: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a source's TLS as it is stored; raises Invalid where it is missing or out of place."""
    if tls is None:
        if kind == "syslog_tls":
            raise Invalid("radar.tls.identity", "a syslog_tls source needs an identity (--tls-identity)")
        return None
    if kind not in ("syslog_tls", "http"):
        raise Invalid("radar.tls.kind", f"a {kind} source has no TLS; take syslog_tls or http")
    return checked(tls).stored()


def checked_zone(zone: str) -> str:
    """Return the name of a time zone; raises Invalid."""
    try:
        return ZoneInfo(zone).key
    except (ValueError, OSError, KeyError) as error:
        raise Invalid(
            "radar.source.zone", f"{zone!r}: no such time zone; give one such as UTC or Europe/Berlin"
        ) from error

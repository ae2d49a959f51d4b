"""What a service manager is told (systemd's sd_notify(3) over AF_UNIX)."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> None:
    """Send `state` (such as `READY=1`) to the service manager; does nothing when there is none."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.setblocking(False)
        try:
            channel.sendto(state.encode(), address)
        except OSError:
            # A manager that went away must not take the service with it.
            return


def watchdog_interval() -> float | None:
    """Return seconds between keep-alives (half of what the manager waits), or None when it does not watch."""
    usec = os.environ.get("WATCHDOG_USEC", "")
    return int(usec) / 2_000_000 if usec.isdigit() and int(usec) > 0 else None

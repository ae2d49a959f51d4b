"""Where the console's server and its login service come from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from sent.platform.errors import SentError
from sent.platform.telemetry.log import Secret, get_logger
from sent.ui.session import Connect, connect

if TYPE_CHECKING:
    from sent.platform.auth.client import BrokerClient

_log = get_logger("console")


class Backend(Protocol):
    """What the console asks for; tests bring their own."""

    connect: Connect

    async def ensure_running(self, progress: Callable[[str], None]) -> object:
        """Find the server, or start it."""
        ...

    def client(self) -> Any:
        """Return a BrokerClient."""
        ...

    async def recovery_key(self) -> Secret | None:
        """Make the recovery key of a new installation; None where there is one or it is made elsewhere."""
        ...


class LocalBackend:
    """The embedded server of this machine and its broker."""

    connect: Connect = staticmethod(connect)

    async def ensure_running(self, progress: Callable[[str], None]) -> object:
        """Find the server, or start its owner detached."""
        from sent.platform.db.embedded.endpoint import ensure_running

        return await ensure_running(progress)

    def client(self) -> BrokerClient:
        """Return the client of the broker's socket."""
        from sent.platform.auth.client import BrokerClient
        from sent.platform.db.embedded.endpoint import broker_socket

        return BrokerClient(broker_socket())

    async def recovery_key(self) -> Secret | None:
        """Make the key where the root lies on this machine; `sent keys recovery` makes up for a failure."""
        try:
            return await asyncio.to_thread(_recovery_key)
        except (SentError, OSError) as error:
            _log.warning("console.no_recovery_key", reason=str(error), cure="sent keys recovery")
            return None


def _recovery_key() -> Secret | None:
    from sent.platform.crypto import recovery
    from sent.platform.crypto.root import Roots
    from sent.platform.crypto.vault import Vault
    from sent.platform.db.embedded import endpoint

    vault = Vault()
    if endpoint.external() or recovery.made(vault) is not None:
        return None
    return recovery.make(Roots(), vault)

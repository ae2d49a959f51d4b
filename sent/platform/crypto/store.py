"""Keys of one organisation in `core.data_key`, and the root key in its file."""

from __future__ import annotations

from collections.abc import Iterable

from sent.platform.config import secrets
from sent.platform.context import Ctx
from sent.platform.crypto.keys import KeyRing, WrappedKey
from sent.platform.db.uow import fetch, uow


def root_key() -> bytes:
    """Return the installation's root key; made at first use, kept in a 0600 file outside the database."""
    return secrets.key("root_key")


def ring(ctx: Ctx) -> KeyRing:
    """Return the keys of the context's organisation; for trusted services only."""
    return KeyRing(TenantKeys(ctx), root_key())


class TenantKeys:
    """`KeyStore` on the tenant table."""

    def __init__(self, ctx: Ctx) -> None:
        self._ctx = ctx

    async def keys(self) -> Iterable[WrappedKey]:
        """Return all keys of the organisation."""
        async with uow(self._ctx) as tx:
            return await fetch(
                tx, WrappedKey, "select number, purpose, state, wrapped from core.data_key order by number"
            )

    async def add(self, key: WrappedKey) -> None:
        """Store a key unless its number is taken."""
        async with uow(self._ctx) as tx:
            await tx.execute(
                "insert into core.data_key (number, purpose, state, wrapped) values (%s, %s, %s, %s)"
                " on conflict (organization_id, number) do nothing",
                [key.number, key.purpose, key.state, key.wrapped],
            )

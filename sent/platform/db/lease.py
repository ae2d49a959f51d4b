"""Leases: of several workers, one does it, and after its death another within `ttl` seconds.

    leases = Leases(host.system, host.instance_id)
    fence = await leases.take("radar.source/…")     # None: somebody else has it
    ...                                              # take again (that renews) at least every ttl / 3
    await leases.release("radar.source/…")

Time is the server's. A holder must stop its work when it could not renew before `ttl` was over; what it
still writes can be told by its fence, which grows with every change of holder.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

from sent.platform.db.engine import Database
from sent.platform.db.uow import scalar, transaction
from sent.platform.errors import SentError
from sent.platform.tasks import cancel, spawn
from sent.platform.telemetry.log import get_logger

TTL_S = 15.0

_log = get_logger("db.lease")

_TAKE = """
insert into core.lease as l (name, holder, expires_at)
values (%(name)s, %(holder)s, clock_timestamp() + make_interval(secs => %(ttl)s))
on conflict (organization_id, name) do update set
  holder = excluded.holder,
  fence = l.fence + (l.holder <> excluded.holder)::int,
  expires_at = excluded.expires_at
where l.holder = excluded.holder or l.expires_at < clock_timestamp()
returning fence
"""


class Leases:
    """The leases of one holder, as `sent_system`."""

    def __init__(self, db: Database, holder: UUID, *, ttl: float = TTL_S) -> None:
        self._db = db
        self._holder = holder
        self._ttl = ttl

    async def take(self, name: str) -> int | None:
        """Take or renew `name`; return its fence, or None while somebody else holds it."""
        async with transaction(self._db) as tx:
            fence: int | None = await scalar(
                tx, _TAKE, {"name": name, "holder": self._holder, "ttl": self._ttl}
            )
        return fence

    async def take_all(self, names: Iterable[str], *, most: int | None = None) -> dict[str, int]:
        """Take or renew many in one transaction, `most` at most; return the fences of those that are ours."""
        held: dict[str, int] = {}
        async with transaction(self._db) as tx:
            # In one order everywhere, so that two holders never wait for each other.
            for name in sorted(names):
                if most is not None and len(held) >= most:
                    break
                fence = await scalar(tx, _TAKE, {"name": name, "holder": self._holder, "ttl": self._ttl})
                if fence is not None:
                    held[name] = int(fence)
        return held

    async def alive(self, prefix: str) -> int:
        """Return how many leases whose names begin with `prefix` somebody holds."""
        async with transaction(self._db) as tx:
            return int(
                await scalar(
                    tx,
                    "select count(*) from core.lease l where starts_with(l.name, %s)"
                    " and l.expires_at >= clock_timestamp()",
                    [prefix],
                )
            )

    @asynccontextmanager
    async def kept(self, names: Iterable[str]) -> AsyncIterator[None]:
        """Renew leases that are held while something takes long; which are still held says the next take."""
        renewing = spawn(self._renew(sorted(names)), name="db.lease")
        try:
            yield
        finally:
            await cancel(renewing)

    async def _renew(self, names: list[str]) -> None:
        while True:
            await asyncio.sleep(self._ttl / 3)
            try:
                await self.take_all(names)
            except SentError as error:
                _log.warning("lease.not_renewed", reason=error.message)

    async def release(self, *names: str) -> None:
        """Give leases back at once; those of others stay."""
        async with transaction(self._db) as tx:
            await tx.execute(
                "update core.lease set expires_at = '-infinity' where holder = %s and name = any(%s)",
                [self._holder, list(names)],
            )

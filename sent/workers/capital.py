"""`--service=capital`: keeps the ledgers of all organisations: counts, seals, frees what is over its time.

Any number may run: each step is one short transaction that skips what another holds.
"""

from __future__ import annotations

import asyncio
import time

from sent.engines.capital import api, store
from sent.platform.db.uow import transaction
from sent.platform.errors import SentError
from sent.platform.ids import OrgId
from sent.platform.telemetry.log import get_logger
from sent.workers.base import Worker
from sent.workers.host import Host

EVERY_S = 1.0
LATE_S = 60.0
"""After so long without a round that worked the service says that it is not ready."""

_log = get_logger("capital")


class Capital(Worker):
    """The ledger's clerk."""

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._counted = self._sealed = self._freed = 0
        self._worked = time.monotonic()
        self._trouble = ""

    async def start(self) -> None:
        """Nothing is open yet: each round asks what there is to do."""

    async def run(self) -> None:
        """Go round and round."""
        while True:
            try:
                await self.once()
                self._worked, self._trouble = time.monotonic(), ""
            except SentError as error:
                if error.message != self._trouble:
                    _log.warning("capital.upkeep", reason=error.message)
                self._trouble = error.message
            await asyncio.sleep(EVERY_S)

    async def once(self) -> None:
        """Keep every ledger that has something to do."""
        async with transaction(self.host.system) as tx:
            orgs = await store.unsettled(tx)
        for org in orgs:
            ctx = self.host.ctx(OrgId(org))
            self._freed += await api.expire(ctx)
            counted, sealed = await api.upkeep(ctx)
            self._counted += counted
            self._sealed += sealed

    def metrics(self) -> dict[str, float]:
        """Return how many lines were counted, entries sealed and reservations freed."""
        return {
            "ledger_lines_counted_total": float(self._counted),
            "ledger_entries_sealed_total": float(self._sealed),
            "ledger_reservations_expired_total": float(self._freed),
        }

    def ready(self) -> list[str]:
        """Return what keeps the ledgers from being kept."""
        late = time.monotonic() - self._worked > LATE_S
        return [f"the ledgers are not kept: {self._trouble}"] if late and self._trouble else []

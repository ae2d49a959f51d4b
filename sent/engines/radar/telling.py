"""What a worker says of the sources it has: at once when something changed, else every ten seconds.

It is what the console shows as a source's state; a row that was not said again for `states.STALE_S` seconds
is shown as such, because a worker that died says nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

from sent.engines.radar.store import states
from sent.engines.radar.store.states import Told
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import SentError
from sent.platform.ids import OrgId
from sent.platform.telemetry.log import get_logger

EVERY_S = 10.0

_log = get_logger("radar")


class Telling:
    """Writes down how sources fare; what cannot be written is written the next time."""

    def __init__(
        self, context: Callable[[OrgId], Ctx], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._context = context
        self._clock = clock
        self._told: dict[UUID, tuple[float, tuple[Told, ...]]] = {}

    async def tell(self, sources: Iterable[Told]) -> None:
        """Tell of the sources this worker has, each organisation's in a transaction of its own."""
        now: dict[UUID, list[Told]] = {}
        for source in sources:
            now.setdefault(source.organization_id, []).append(source)
        for gone in self._told.keys() - now.keys():
            del self._told[gone]
        for organisation, theirs in now.items():
            since, before = self._told.get(organisation, (0.0, ()))
            said = tuple(theirs)
            if _news(said) == _news(before) and self._clock() - since < EVERY_S:
                continue
            try:
                async with uow(self._context(OrgId(organisation))) as tx:
                    await states.tell(tx, said)
            except SentError as error:
                _log.warning("radar.states_unwritten", reason=error.message)
                continue
            self._told[organisation] = (self._clock(), said)


def _news(sources: Sequence[Told]) -> list[tuple[UUID, int, str, int]]:
    """Return what is told at once; counts wait for their turn."""
    return sorted((told.source_id, told.version, told.problem, told.port or 0) for told in sources)

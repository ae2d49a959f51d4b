"""Group commit: what many callers book at the same time goes to the database together.

While two transactions are under way (one computes while the other waits for the disk) whoever comes waits,
and then all that wait go in one. So a caller alone waits for nobody, and a crowd pays for one commit. Each is
told of its own entry only after the commit.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from uuid import UUID

from sent.engines.capital.model import Draft, Outcome, taken
from sent.engines.capital.service import post_batch
from sent.platform.context import Ctx
from sent.platform.errors import Invalid, SentError, Unavailable
from sent.platform.tasks import spawn

TOGETHER = 500
FLIGHTS = 2
WAITING = 20_000


@dataclass(slots=True)
class _Asked:
    draft: Draft
    told: asyncio.Future[Outcome]


class Poster:
    """Books for one organisation and actor; any number of tasks of one loop may call `post`.

    At most WAITING entries wait: whoever comes then gets Unavailable at once and tries again later.
    """

    def __init__(self, ctx: Ctx) -> None:
        self._ctx = ctx
        self._waiting: deque[_Asked] = deque()
        self._flights: set[asyncio.Task[None]] = set()

    async def post(self, draft: Draft) -> UUID:
        """Book one entry and return its id; raises as `service.post` does.

        A caller that is cancelled does not know whether it was booked: it asks again with the same key.
        """
        if len(self._waiting) >= WAITING:
            raise Unavailable("capital.busy", "too many entries wait to be booked: try again in a moment")
        asked = _Asked(draft, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if len(self._flights) < FLIGHTS:
            flight = spawn(self._book(), name="poster")
            self._flights.add(flight)
            flight.add_done_callback(self._flights.discard)
        return taken(await asked.told)

    async def _book(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
            try:
                await self._together(group)
            except asyncio.CancelledError:
                for asked in (*group, *self._waiting):
                    asked.told.cancel()
                self._waiting.clear()
                raise

    async def _together(self, group: list[_Asked]) -> None:
        try:
            outcomes = await post_batch(self._ctx, [asked.draft for asked in group])
        except SentError as error:
            if isinstance(error, Invalid) and len(group) > 1:
                # One that the database cannot even read spoils the statement for all: each for itself.
                for asked in group:
                    await self._together([asked])
                return
            for asked in group:
                if not asked.told.done():
                    asked.told.set_exception(error)
            return
        for asked, outcome in zip(group, outcomes, strict=True):
            if not asked.told.done():
                asked.told.set_result(outcome)

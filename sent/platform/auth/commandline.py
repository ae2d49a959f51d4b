"""What engines' commands do for an organisation; light, so that `--help` loads no database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sent.platform.context import Ctx


def administer(org: str | None, work: Callable[[Ctx], Awaitable[None]]) -> None:
    """Do `work` as the administrator of the organisation called `org` (None: the only one there is).

    Raises Unavailable when the database does not answer, NotFound, Invalid where it has to be named.
    """
    from sent.platform.auth.administration import installation

    async def inside() -> None:
        async with installation() as place:
            await work(await place.ctx(org))

    asyncio.run(inside())

"""One holder at a time; after its death another; a sleeper is told from its successor by the fence."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from sent.platform.db.engine import Database
from sent.platform.db.lease import Leases
from sent.platform.db.uow import transaction


async def expire(db: Database) -> None:
    """Let all leases run out."""
    async with transaction(db) as tx:
        await tx.execute("update core.lease set expires_at = clock_timestamp() - interval '1 s'")


async def test_only_one_holds_a_lease_and_renews_it(system_db: Database) -> None:
    first, second = Leases(system_db, uuid4()), Leases(system_db, uuid4())
    fence = await first.take("thing")
    assert fence is not None
    assert await second.take("thing") is None
    assert await first.take("thing") == fence


async def test_a_dead_holders_lease_passes_on_with_a_higher_fence(system_db: Database) -> None:
    first, second = Leases(system_db, uuid4()), Leases(system_db, uuid4())
    before = await first.take("thing")
    await expire(system_db)
    after = await second.take("thing")
    assert before is not None
    assert after is not None
    assert after > before
    assert await first.take("thing") is None


async def test_a_released_lease_is_free_at_once_and_others_are_not(system_db: Database) -> None:
    first, second = Leases(system_db, uuid4()), Leases(system_db, uuid4())
    await first.take_all(["a", "b"])
    await second.release("a", "b")
    assert await second.take_all(["a", "b"]) == {}
    await first.release("a")
    assert set(await second.take_all(["a", "b"])) == {"a"}


async def test_of_many_at_once_exactly_one_gets_it(system_db: Database) -> None:
    fences = await asyncio.gather(*(Leases(system_db, uuid4()).take("thing") for _ in range(8)))
    assert sum(fence is not None for fence in fences) == 1

"""The watchdog of queries: what members let run or keep too long is ended, what services do never is."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from tenants import MemberDb, OrgFixture, add_member, mint

from sent.engines.database import api
from sent.platform.auth.directory import create_client
from sent.platform.bus import letters
from sent.platform.bus.consumer import Consumer
from sent.platform.bus.outbox import Dispatcher
from sent.platform.bus.source import OutboxSource, ShardEvent
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, scalar, transaction, uow
from sent.platform.ids import uuid7
from sent.platform.tasks import cancel, spawn
from sent.workers.watch import look, relieve, watch

if TYPE_CHECKING:
    from sent.platform.db.engine import Database, Server


def staff(server: Server, org: OrgFixture) -> psycopg.Connection[Any]:
    """Log a member in who lifts his own limits."""
    role, password = mint(server, org.membership)
    connection = psycopg.connect(
        **server.parameters(), user=role, password=password.reveal(), autocommit=True
    )
    connection.execute("set statement_timeout = 0")
    connection.execute("set idle_in_transaction_session_timeout = 0")
    return connection


async def test_a_query_of_staff_is_cancelled_after_the_limit_and_noted_without_values(
    server: Server, org_a: OrgFixture, system_db: Database
) -> None:
    with staff(server, org_a) as connection:
        pending = asyncio.get_running_loop().run_in_executor(
            None, connection.execute, "select pg_sleep(20), 'geheim'"
        )
        give_up = time.monotonic() + 30
        ended = 0
        while not ended:
            assert time.monotonic() < give_up
            await asyncio.sleep(0.1)
            ended = await look(system_db, [0.2, 0.5, 60, 60])
        with pytest.raises(psycopg.errors.QueryCanceled):
            await pending
        assert connection.execute("select 1").fetchone() == (1,), "the session itself goes on"
    (noted,) = [q for q in await api.slow_queries(org_a.ctx) if "pg_sleep" in q.query]
    assert noted.query == "select pg_sleep(?), ?"
    assert (noted.seen, noted.cancelled) == (1, 1)


async def test_a_session_that_holds_others_up_and_does_nothing_is_closed(
    server: Server, org_a: OrgFixture, system_db: Database, member_db: MemberDb
) -> None:
    await create_client(org_a.ctx, "Harbour", "harbour")
    with staff(server, org_a) as idle, staff(server, org_a) as waiting:
        idle.execute("begin")
        idle.execute("update core.client set note = 'held'")
        waiting.execute("set lock_timeout = 0")
        pending = asyncio.get_running_loop().run_in_executor(
            None, waiting.execute, "update core.client set note = 'done'"
        )
        give_up = time.monotonic() + 30
        chain: list[api.Session] = []
        while not chain:
            assert time.monotonic() < give_up
            await asyncio.sleep(0.1)
            chain = [s for s in await api.sessions(org_a.ctx) if s.blocked_by]
        assert chain[0].blocked_by == [idle.info.backend_pid]
        assert chain[0].who == "Alpha Owner"
        while not await look(system_db, [60, 60, 60, 0.3]):
            assert time.monotonic() < give_up
            await asyncio.sleep(0.1)
        await pending
        with pytest.raises(psycopg.OperationalError):
            idle.execute("commit")


async def until_waiting(org: OrgFixture, count: int = 1) -> None:
    """Wait until so many sessions wait for a lock."""
    async with asyncio.timeout(30):
        while len([s for s in await api.sessions(org.ctx) if s.blocked_by]) < count:
            await asyncio.sleep(0.05)


def note(connection: psycopg.Connection[Any], text: str) -> None:
    """Change the one client."""
    connection.execute("update core.client set note = %s", [text])


async def test_a_lock_that_a_member_keeps_is_taken_from_him_before_services_give_up(
    server: Server, org_a: OrgFixture, system_db: Database
) -> None:
    """Services wait five seconds for a row; the member keeps it with every limit of his own lifted."""
    await create_client(org_a.ctx, "Harbour", "harbour")
    watching = spawn(watch(system_db), name="watch")
    try:
        with staff(server, org_a) as keeper:
            keeper.execute("begin")
            note(keeper, "kept")
            async with asyncio.timeout(5):
                async with uow(org_a.ctx) as tx:
                    await tx.execute("update core.client set note = 'service'")
            with pytest.raises(psycopg.OperationalError):
                keeper.execute("commit")
    finally:
        await cancel(watching)
    async with uow(org_a.ctx) as tx:
        assert await scalar(tx, "select note from core.client") == "service"


async def test_a_kept_lock_costs_its_shard_seconds_and_no_event(
    server: Server, org_a: OrgFixture, system_db: Database, app_db: Database
) -> None:
    """The handler's first attempt waits until the keeper is ended: no letter dies, the order stays."""
    await create_client(org_a.ctx, "Harbour", "harbour")
    handled: list[str] = []

    async def handle(tx: Tx, _ctx: Ctx, event: ShardEvent) -> None:
        await tx.execute("update core.client set note = %s", [event.payload["number"]])
        handled.append(event.payload["number"])

    consumer = Consumer(
        "test.kept", ["test.*"], handle, system=system_db, holder=uuid7(), start="oldest", lease=5.0,
        ctx=lambda org: Ctx(app_db, org, uuid7()), source=OutboxSource(system_db, poll=0.2),
    )  # fmt: skip
    work = (watch(system_db), Dispatcher(system_db).run(), consumer.run())
    running = [spawn(one, name=f"part {number}") for number, one in enumerate(work)]
    try:
        with staff(server, org_a) as keeper:
            keeper.execute("begin")
            note(keeper, "kept")
            for number in ("1", "2"):
                async with uow(org_a.ctx) as tx:
                    payload = Jsonb({"number": number})
                    await scalar(tx, "select core.publish(%s, 'test.a', %s, 'key')", [uuid7(), payload])
            async with asyncio.timeout(12):
                while handled != ["1", "2"]:
                    await asyncio.sleep(0.05)
            with pytest.raises(psycopg.OperationalError):
                keeper.execute("commit")
        assert await letters.dead_letters(org_a.ctx) == []
    finally:
        await cancel(*running)


async def test_who_keeps_a_lock_and_is_busy_with_short_queries_is_ended_too(
    server: Server, org_a: OrgFixture, system_db: Database
) -> None:
    await create_client(org_a.ctx, "Harbour", "harbour")
    over = threading.Event()
    with staff(server, org_a) as keeper, staff(server, org_a) as waiter:
        keeper.execute("begin")
        note(keeper, "kept")

        def busy() -> None:
            # A rolled back savepoint keeps what was locked before it: to cancel a query is not enough.
            while not over.is_set():
                keeper.execute("savepoint s")
                with suppress(psycopg.errors.QueryCanceled):
                    keeper.execute("select pg_sleep(0.2)")
                keeper.execute("rollback to s")

        loop = asyncio.get_running_loop()
        working = loop.run_in_executor(None, busy)
        waiter.execute("set lock_timeout = 0")
        waiting = loop.run_in_executor(None, note, waiter, "done")
        try:
            await until_waiting(org_a)
            async with asyncio.timeout(10):
                while not working.done():
                    await asyncio.sleep(0.1)
                    await relieve(system_db, [0.3, 0.6])
        finally:
            over.set()
        with pytest.raises(psycopg.OperationalError):
            await working
        with suppress(psycopg.OperationalError):
            await waiting


async def test_sessions_that_wait_in_line_for_the_keeper_go_with_him_and_those_of_others_stay(
    server: Server, org_a: OrgFixture, system_db: Database, member_db: MemberDb
) -> None:
    """Each session of his login would be the next keeper: a service behind them would never have its turn."""
    await create_client(org_a.ctx, "Harbour", "harbour")
    loop = asyncio.get_running_loop()
    _, colleague = await add_member(org_a.ctx, "c@alpha.test", "C", "owner")
    with ExitStack() as stack:
        mine = [stack.enter_context(staff(server, org_a)) for _ in range(4)]
        other = stack.enter_context(staff(server, replace(org_a, membership=colleague)))
        for connection in (*mine, other):
            connection.execute("set lock_timeout = 0")
            connection.execute("begin")
        note(mine[0], "kept")
        pending = []
        for number, connection in enumerate((*mine[1:], other), 1):
            pending.append(loop.run_in_executor(None, note, connection, "next"))
            await until_waiting(org_a, number)
        service = spawn(_note_as_service(org_a), name="service")
        await until_waiting(org_a, len(pending) + 1)
        async with asyncio.timeout(4):
            while not await relieve(system_db, [0.3, 60]):
                await asyncio.sleep(0.05)
            for connection, one in zip(mine[1:], pending[:-1], strict=True):
                # Who has his turn between the keeper's end and his own does not get to commit.
                with pytest.raises(psycopg.OperationalError):
                    await one
                    connection.execute("commit")
            with pytest.raises(psycopg.OperationalError):
                mine[0].execute("commit")
            await pending[-1]
            other.execute("commit")
            await service
    async with uow(org_a.ctx) as tx:
        assert await scalar(tx, "select note from core.client") == "service"


async def _note_as_service(org: OrgFixture) -> None:
    async with uow(org.ctx) as tx:
        await tx.execute("update core.client set note = 'service'")


async def test_work_of_members_that_others_wait_for_shortly_goes_on(
    server: Server, org_a: OrgFixture, system_db: Database
) -> None:
    await create_client(org_a.ctx, "Harbour", "harbour")
    with staff(server, org_a) as working, staff(server, org_a) as waiter:
        working.execute("begin")
        note(working, "first")
        waiting = asyncio.get_running_loop().run_in_executor(None, note, waiter, "second")
        await until_waiting(org_a)
        assert await relieve(system_db, [60, 60]) == 0
        working.execute("commit")
        await waiting
        assert waiter.execute("select note from core.client").fetchone() == ("second",)


async def test_services_are_never_ended_by_the_watchdog(system_db: Database, app_db: Database) -> None:
    async with transaction(app_db) as tx:
        await tx.execute("select 1")
        assert await look(system_db, [0, 0, 0, 0]) == 0


async def test_a_service_that_others_wait_for_is_left_alone(
    server: Server, org_a: OrgFixture, system_db: Database
) -> None:
    await create_client(org_a.ctx, "Harbour", "harbour")
    with staff(server, org_a) as waiter:
        async with uow(org_a.ctx) as tx:
            await tx.execute("update core.client set note = 'service'")
            waiting = asyncio.get_running_loop().run_in_executor(None, note, waiter, "member")
            await until_waiting(org_a)
            assert await relieve(system_db, [0, 0]) == 0
        await waiting

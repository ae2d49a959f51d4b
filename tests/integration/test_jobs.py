"""Jobs: they commit with their cause, run in their organisation, are tried again and rescued."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import pytest
from tenants import MemberDb, OrgFixture

from sent.platform.config.secrets import role_password
from sent.platform.context import Ctx
from sent.platform.db.engine import Database, Server, fixed
from sent.platform.db.uow import scalar, transaction, uow
from sent.platform.errors import Denied, NotFound
from sent.platform.jobs.queue import defer
from sent.platform.jobs.runner import JobRunner, Task
from sent.platform.tasks import cancel, spawn

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster


@contextlib.asynccontextmanager
async def running(app_db: Database, *, slots: int = 4, **tasks: Task) -> AsyncIterator[JobRunner]:
    """Run a worker with the given tasks; names are written with `_` for `.`."""
    named = {name.replace("_", "."): task for name, task in tasks.items()}
    password = fixed(role_password("sent_system"))
    async with Database(app_db.server, "sent_system", password, trusted=True) as system:
        runner = JobRunner(system, app_db, named, concurrency=slots, heartbeat=0.2, stalled=1.0)
        work = spawn(runner.run(), name="jobs")
        yield runner
        await cancel(work)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


async def states(ctx: Ctx) -> list[tuple[Any, ...]]:
    """Return (task, status) of the organisation's jobs, oldest first."""
    async with uow(ctx) as tx:
        return await (await tx.execute("select task, status from core.jobs() order by id")).fetchall()


async def test_a_job_runs_as_sent_app_in_its_organisation(
    server: Server, app_db: Database, org_a: OrgFixture, org_b: OrgFixture
) -> None:
    seen: list[tuple[Any, ...]] = []

    async def look(ctx: Ctx, *, word: str) -> None:
        async with uow(ctx) as tx:
            row = await (
                await tx.execute(
                    "select session_user, sec.org(), (select array_agg(slug) from core.organization)"
                )
            ).fetchone()
        assert row is not None
        seen.append((word, *row, ctx.org, ctx.actor, ctx.trace))

    for org in (org_a, org_b):
        async with uow(org.ctx) as tx:
            assert await defer(tx, "test.look", {"word": org.slug}) is not None
    async with running(app_db, test_look=look):
        await until(lambda: len(seen) == 2)
    assert sorted(seen) == sorted(
        (o.slug, "sent_app", o.org, [o.slug], o.org, o.ctx.actor, o.ctx.trace) for o in (org_a, org_b)
    )
    assert await states(org_a.ctx) == [("test.look", "succeeded")]


async def test_a_job_vanishes_with_its_transaction(org_a: OrgFixture) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with uow(org_a.ctx) as tx:
            await defer(tx, "test.look")
            raise ZeroDivisionError
    assert await states(org_a.ctx) == []


async def test_the_stamp_is_the_transactions_not_the_arguments(org_a: OrgFixture, org_b: OrgFixture) -> None:
    async with uow(org_a.ctx) as tx:
        await defer(tx, "test.look", {"sent": {"organization_id": str(org_b.org)}})
    assert await states(org_a.ctx) == [("test.look", "todo")]
    assert await states(org_b.ctx) == []


async def test_there_is_no_job_without_an_organisation(system_db: Database) -> None:
    with pytest.raises(Denied) as refused:
        async with transaction(system_db) as tx:
            await defer(tx, "test.look")
    assert refused.value.code == "job.organization"


async def test_members_defer_nothing_themselves(org_a: OrgFixture, member_db: MemberDb) -> None:
    with pytest.raises(Denied):
        async with uow(Ctx(await member_db(org_a), org_a.org, org_a.owner)) as tx:
            await defer(tx, "test.look")


async def test_a_queueing_lock_keeps_one_waiting_per_organisation(
    org_a: OrgFixture, org_b: OrgFixture
) -> None:
    for org in (org_a, org_b):
        async with uow(org.ctx) as tx:
            assert await defer(tx, "test.look", queueing_lock="nightly") is not None
            assert await defer(tx, "test.look", queueing_lock="nightly") is None
            assert await defer(tx, "test.look", queueing_lock="weekly") is not None


async def test_a_failing_job_is_tried_again(server: Server, app_db: Database, org_a: OrgFixture) -> None:
    tries: list[int] = []

    async def flaky(ctx: Ctx) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("the first time fails")

    async with uow(org_a.ctx) as tx:
        await defer(tx, "test.flaky")
    async with running(app_db, test_flaky=flaky) as runner:
        await until(lambda: len(tries) == 2)
        await until(lambda: runner.finished == 1)
    assert runner.failed == 1


async def test_a_dead_job_is_visible_and_can_be_replayed(
    server: Server, app_db: Database, org_a: OrgFixture, org_b: OrgFixture, cluster: Cluster
) -> None:
    async with uow(org_a.ctx) as tx:
        job = await defer(tx, "test.look")
    with cluster.connect(server.dbname) as admin:
        admin.execute("update jobs.procrastinate_jobs set status = 'doing'")
        admin.execute("update jobs.procrastinate_jobs set status = 'failed'")
    assert await states(org_a.ctx) == [("test.look", "failed")]
    with pytest.raises(NotFound):
        async with uow(org_b.ctx) as tx:
            await scalar(tx, "select core.replay_job(%s)", [job])
    async with uow(org_a.ctx) as tx:
        await scalar(tx, "select core.replay_job(%s)", [job])
    ran: list[int] = []

    async def look(ctx: Ctx) -> None:
        ran.append(1)

    async with running(app_db, test_look=look):
        await until(lambda: ran == [1])


async def test_the_job_of_a_killed_worker_is_rescued(
    server: Server, app_db: Database, org_a: OrgFixture, cluster: Cluster
) -> None:
    """What kill -9 leaves behind: a job being done by a worker whose heartbeat stopped."""
    async with uow(org_a.ctx) as tx:
        await defer(tx, "test.look")
    with cluster.connect(server.dbname) as admin:
        admin.execute(
            "with w as (insert into jobs.procrastinate_workers (last_heartbeat)"
            " values (now() - interval '1 hour') returning id)"
            " update jobs.procrastinate_jobs set status = 'doing', worker_id = (select id from w)"
        )
    ran: list[int] = []

    async def look(ctx: Ctx) -> None:
        ran.append(1)

    async with running(app_db, test_look=look):
        await until(lambda: ran == [1])


async def test_the_queues_schema_is_recorded(org_a: OrgFixture) -> None:
    from importlib.metadata import version

    async with uow(org_a.ctx) as tx:
        found = await scalar(
            tx, "select version from core.component_version where component = 'procrastinate'"
        )
    assert found == version("procrastinate")

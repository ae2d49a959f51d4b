"""K6: jobs survive their workers, their effects happen once, and no organisation waits for another's heap."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tenants import MemberDb, OrgFixture, add_member

from sent.engines.jobs import api
from sent.platform import manifest
from sent.platform.context import Ctx
from sent.platform.db.engine import Database, Server
from sent.platform.db.uow import scalar, transaction, uow
from sent.platform.errors import Conflict, Denied, Invalid, NotFound, SentError
from sent.platform.jobs.queue import defer
from sent.platform.jobs.runner import ATTEMPTS, JobRunner
from sent.platform.jobs.schedule import Schedules, after, latest
from sent.platform.tasks import cancel, spawn

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

MANY = 10_000

WORKER = """
import asyncio, sys
from sent.platform.config.secrets import role_password
from sent.platform.db.engine import Database, Server, fixed
from sent.platform.db.uow import uow
from sent.platform.jobs.runner import JobRunner, once

async def transfer(ctx, *, linger):
    async with uow(ctx) as tx:
        if await once(tx):
            code = str(ctx.trace)[:20]
            await tx.execute("insert into core.client (name, code) values ('paid', %s)", [code])
    print("effect", flush=True)
    if linger:
        await asyncio.sleep(3600)

async def poison(ctx):
    import os
    os._exit(9)

async def main():
    server = Server(host=sys.argv[1], port=int(sys.argv[2]), dbname=sys.argv[3])
    async with (
        Database(server, "sent_system", fixed(role_password("sent_system")), trusted=True) as system,
        Database(server, "sent_app", fixed(role_password("sent_app")), trusted=True) as app,
    ):
        tasks = {"test.transfer": transfer, "test.poison": poison}
        await JobRunner(system, app, tasks, heartbeat=0.2, stalled=1.0, poll=0.2).run()

asyncio.run(main())
"""


def worker(server: Server) -> subprocess.Popen[str]:
    """Start a worker process on the test's database."""
    place = [server.host, str(server.port), server.dbname]
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, *place], env=dict(os.environ), stdout=subprocess.PIPE, text=True
    )


def kill(process: subprocess.Popen[str]) -> None:
    """End a worker as a power cut would."""
    process.send_signal(signal.SIGKILL)
    process.communicate()


async def ended_job(ctx: Ctx, number: int) -> api.Job:
    """Wait for a job to end."""
    async with asyncio.timeout(60):
        while True:
            job = await api.job(ctx, number)
            assert job is not None
            if job.status not in ("todo", "doing"):
                return job
            await asyncio.sleep(0.05)


async def ordered(org: OrgFixture, task: str, **arguments: object) -> int:
    """Defer a job and return its number."""
    async with uow(org.ctx) as tx:
        number = await defer(tx, task, arguments)
    assert number is not None
    return number


async def test_k6_a_killed_workers_job_runs_again_and_its_effect_happens_once(
    server: Server, org_a: OrgFixture
) -> None:
    number = await ordered(org_a, "test.transfer", linger=True)
    first = worker(server)
    assert first.stdout is not None
    assert await asyncio.to_thread(first.stdout.readline) == "effect\n"
    kill(first)
    async with uow(org_a.ctx) as tx:
        await tx.execute("select set_config('sent.trace', gen_random_uuid()::text, true)")
        paid = await scalar(tx, "select count(*) from core.client where name = 'paid'")
    assert paid == 1
    assert (await api.job(org_a.ctx, number)).status == "doing"  # type: ignore[union-attr]
    second = worker(server)
    try:
        assert second.stdout is not None
        assert await asyncio.to_thread(second.stdout.readline) == "effect\n", "it ran again"
    finally:
        kill(second)
    async with uow(org_a.ctx) as tx:
        assert await scalar(tx, "select count(*) from core.client where name = 'paid'") == 1


async def test_k6_a_job_that_kills_its_workers_is_given_up(
    server: Server, org_a: OrgFixture, cluster: Cluster
) -> None:
    number = await ordered(org_a, "test.poison")
    with cluster.connect(server.dbname) as admin:
        admin.execute("update jobs.procrastinate_jobs set attempts = %s", [ATTEMPTS - 3])
    async with asyncio.timeout(90):
        while (job := await api.job(org_a.ctx, number)) is not None and job.status in ("todo", "doing"):
            process = worker(server)
            if job.attempts == ATTEMPTS - 1:  # the last rescue is of a job that nobody else takes
                await ended_job(org_a.ctx, number)
                kill(process)
            else:
                await asyncio.to_thread(process.wait)
                process.communicate()
    assert job is not None and job.status == "failed"
    assert job.reason is not None and "worker died" in job.reason
    steps = await api.history(org_a.ctx, number)
    assert [step.what for step in steps].count("error") == 3


async def test_k6_ten_jobs_do_not_wait_for_ten_thousand_of_another_organisation(
    system_db: Database, app_db: Database, org_a: OrgFixture, org_b: OrgFixture
) -> None:
    done: list[object] = []

    async def nothing(ctx: Ctx) -> None:
        done.append(ctx.org)

    async with uow(org_a.ctx) as tx:
        await tx.execute(
            "select core.defer('test.nothing', priority => 100) from generate_series(1, %s)", [MANY]
        )
    async with uow(org_b.ctx) as tx:
        await tx.execute("select core.defer('test.nothing') from generate_series(1, 10)")
    runner = JobRunner(system_db, app_db, {"test.nothing": nothing})
    work = spawn(runner.run(), name="jobs")
    async with asyncio.timeout(60):
        while done.count(org_b.org) < 10:
            await asyncio.sleep(0.01)
    of_a = done.count(org_a.org)
    await cancel(work)
    assert of_a < 0.05 * MANY, f"{of_a} of {MANY} jobs of A ran before the ten of B were done"
    assert of_a >= 5, "A was not kept waiting either"


async def test_k6_a_runner_stops_at_whatever_moment_of_its_start_it_is_told(
    system_db: Database, app_db: Database
) -> None:
    """A cancellation can get lost while it connects; being told again must not hurt."""
    for number in range(20):
        runner = JobRunner(system_db, app_db, {}, poll=0.2)
        work = spawn(runner.run(), name="jobs")
        await asyncio.sleep(number * 0.002)
        work.cancel()
        async with asyncio.timeout(10):
            while not work.done():
                await asyncio.wait([work], timeout=0.1)
                runner.stop()


async def test_k6_no_organisation_holds_every_slot(
    system_db: Database, app_db: Database, org_a: OrgFixture, org_b: OrgFixture
) -> None:
    held = asyncio.Event()
    running: list[object] = []

    async def long(ctx: Ctx) -> None:
        running.append(ctx.org)
        await held.wait()

    for _ in range(6):
        await ordered(org_a, "test.long")
    runner = JobRunner(system_db, app_db, {"test.long": long}, concurrency=4, per_organization=3)
    work = spawn(runner.run(), name="jobs")
    async with asyncio.timeout(60):
        while running.count(org_a.org) < 3:
            await asyncio.sleep(0.01)
        await ordered(org_b, "test.long")
        while org_b.org not in running:
            await asyncio.sleep(0.01)
    assert running.count(org_a.org) == 3
    held.set()
    await cancel(work)


async def test_k6_higher_priority_goes_first_within_an_organisation(
    system_db: Database, app_db: Database, org_a: OrgFixture
) -> None:
    order: list[int] = []

    async def note(ctx: Ctx, *, rank: int) -> None:
        order.append(rank)

    async with uow(org_a.ctx) as tx:
        for rank in (1, 3, 2):
            await defer(tx, "test.note", {"rank": rank}, priority=rank)
    work = spawn(JobRunner(system_db, app_db, {"test.note": note}, concurrency=1).run(), name="jobs")
    async with asyncio.timeout(60):
        while len(order) < 3:
            await asyncio.sleep(0.01)
    await cancel(work)
    assert order == [3, 2, 1]


async def test_k6_jobs_with_one_lock_never_run_together(
    system_db: Database, app_db: Database, org_a: OrgFixture
) -> None:
    inside = 0
    most = 0
    ran = 0

    async def alone(ctx: Ctx) -> None:
        nonlocal inside, most, ran
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.02)
        inside -= 1
        ran += 1

    async with uow(org_a.ctx) as tx:
        for _ in range(8):
            await defer(tx, "test.alone", lock="books")
    work = spawn(JobRunner(system_db, app_db, {"test.alone": alone}).run(), name="jobs")
    async with asyncio.timeout(60):
        while ran < 8:
            await asyncio.sleep(0.01)
    await cancel(work)
    assert most == 1


class FixedClock:
    """A clock that is set by hand."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """Return the instant that was set."""
        return self.at

    def monotonic(self) -> float:
        """Return the same as seconds."""
        return self.at.timestamp()


def nightly(scope: str = "organization") -> manifest.Task:
    """Return a task that runs at three."""
    return manifest.Task("test.nightly", "Nightly", "x:y", cron="0 3 * * *", scope=scope)  # type: ignore[arg-type]


async def test_k6_the_clock_starts_a_task_once_for_each_organisation(
    system_db: Database, org_a: OrgFixture, org_b: OrgFixture
) -> None:
    clock = FixedClock(datetime.now(UTC) + timedelta(days=1))
    clocks = [Schedules(system_db, [nightly()], clock=clock) for _ in range(3)]
    for one in clocks:
        await one.register()
    assert [await one.tick() for one in clocks] == [0, 0, 0], "nothing is due yet"
    clock.at += timedelta(days=1)
    made = await asyncio.gather(*(one.tick() for one in clocks))
    organizations = 2
    assert sum(made) == organizations
    clock.at += timedelta(days=5)
    assert sum([await one.tick() for one in clocks]) == 0, "the former run still waits"
    for org in (org_a, org_b):
        assert [job.task for job in await api.jobs(org.ctx)] == ["test.nightly"]
        assert [plan.last_status for plan in await api.schedules(org.ctx)] == ["todo"]


async def test_k6_a_missed_run_is_made_up_for_once(system_db: Database, org_a: OrgFixture) -> None:
    clock = FixedClock(datetime.now(UTC) + timedelta(days=1))
    schedules = Schedules(system_db, [nightly()], clock=clock)
    await schedules.register()
    clock.at += timedelta(days=9)
    assert await Schedules(system_db, [nightly()], clock=clock).tick() == 1
    assert await schedules.tick() == 0


async def test_k6_a_task_of_the_installation_runs_once_as_the_system(
    system_db: Database, app_db: Database, org_a: OrgFixture
) -> None:
    clock = FixedClock(datetime.now(UTC) + timedelta(days=1))
    schedules = Schedules(system_db, [nightly("installation")], clock=clock)
    await schedules.register()
    clock.at += timedelta(days=1)
    assert await schedules.tick() == 1
    roles: list[str] = []

    async def look(ctx: Ctx) -> None:
        async with transaction(ctx.db) as tx:
            roles.append(str(await scalar(tx, "select session_user")))

    work = spawn(JobRunner(system_db, app_db, {"test.nightly": look}).run(), name="jobs")
    async with asyncio.timeout(60):
        while not roles:
            await asyncio.sleep(0.01)
    await cancel(work)
    assert roles == ["sent_system"]
    assert await api.jobs(org_a.ctx) == []


def test_k6_cron_expressions_are_read_in_utc() -> None:
    at = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert latest("0 3 * * *", at) == datetime(2026, 3, 28, 3, tzinfo=UTC)
    assert latest("30 1 * * *", at) == at
    assert after("30 1 * * *", at) == at + timedelta(days=1)
    with pytest.raises(Invalid, match="no cron expression"):
        after("every now and then", at)


async def test_k6_what_a_member_may_do_with_jobs(
    org_a: OrgFixture, org_b: OrgFixture, member_db: MemberDb
) -> None:
    number = await ordered(org_a, "test.transfer", linger=False)
    owner = Ctx(await member_db(org_a), org_a.org, org_a.owner)
    stranger = Ctx(await member_db(org_b), org_b.org, org_b.owner)
    assert [job.id for job in await api.jobs(owner)] == [number]
    assert await api.jobs(stranger) == [] and await api.history(stranger, number) == []
    for refused in (api.stop, api.run_again):
        with pytest.raises(NotFound):
            await refused(stranger, [number])
    await api.stop(owner, [number])
    assert (await api.job(owner, number)).status == "cancelled"  # type: ignore[union-attr]
    assert (await api.counts(owner))["cancelled"] == 1
    await api.run_again(owner, [number])
    with pytest.raises(NotFound):
        await api.run_again(owner, [number])


async def test_k6_reading_and_managing_are_different_rights(org_a: OrgFixture, member_db: MemberDb) -> None:
    number = await ordered(org_a, "test.transfer", linger=False)
    viewer, membership = await add_member(org_a.ctx, "viewer@alpha.test", "Viewer", "viewer")
    ctx = Ctx(await member_db(replace(org_a, membership=membership)), org_a.org, viewer)
    assert [job.id for job in await api.jobs(ctx)] == [number]
    with pytest.raises(Denied):
        await api.stop(ctx, [number])
    with pytest.raises(Denied):
        await api.start(ctx, "test.nightly")


async def test_k6_a_schedule_is_started_by_hand_once(
    system_db: Database, org_a: OrgFixture, member_db: MemberDb
) -> None:
    await Schedules(system_db, [nightly()]).register()
    owner = Ctx(await member_db(org_a), org_a.org, org_a.owner)
    assert await api.start(owner, "test.nightly") > 0
    with pytest.raises(Conflict):
        await api.start(owner, "test.nightly")
    with pytest.raises(NotFound):
        await api.start(owner, "jobs.prune")


async def test_k6_a_told_worker_finishes_what_runs(
    system_db: Database, app_db: Database, org_a: OrgFixture
) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def slow(ctx: Ctx) -> None:
        began.set()
        await asyncio.sleep(1.5)
        ended.set()

    number = await ordered(org_a, "test.slow")
    work = spawn(JobRunner(system_db, app_db, {"test.slow": slow}).run(), name="jobs")
    async with asyncio.timeout(60):
        await began.wait()
    await cancel(work, patience=30)
    assert ended.is_set()
    assert (await ended_job(org_a.ctx, number)).status == "succeeded"


async def test_k6_no_members_word_stops_a_job(
    system_db: Database, app_db: Database, org_a: OrgFixture, org_b: OrgFixture, member_db: MemberDb
) -> None:
    """NOTIFY cannot be forbidden: a worker that listened would cancel what a stranger names."""
    began, ended = asyncio.Event(), asyncio.Event()

    async def slow(ctx: Ctx) -> None:
        began.set()
        await asyncio.sleep(1.5)
        ended.set()

    number = await ordered(org_a, "test.slow")
    work = spawn(JobRunner(system_db, app_db, {"test.slow": slow}).run(), name="jobs")
    async with asyncio.timeout(60):
        await began.wait()
    connection = await (await member_db(org_b)).connect()
    for channel in ("procrastinate_any_queue_v1", '"procrastinate_queue_v1#default"'):
        for payload in (f'{{"type": "abort_job_requested", "job_id": {number}}}', "x", ""):
            await connection.execute(f"notify {channel}, '{payload}'")
    await connection.close()
    job = await ended_job(org_a.ctx, number)
    await cancel(work, patience=30)
    assert ended.is_set()
    assert (job.status, job.attempts) == ("succeeded", 1)


async def test_k6_a_loop_that_is_stopped_in_the_middle_of_a_query_ends(system_db: Database) -> None:
    """The server calls it a cancelled query; taken for a failure, the loop would go on."""
    asked = asyncio.Event()

    async def loop() -> None:
        while True:
            try:
                async with transaction(system_db) as tx:
                    asked.set()
                    await tx.execute("select pg_sleep(30)")
            except SentError:
                await asyncio.sleep(60)

    task = spawn(loop(), name="loop")
    async with asyncio.timeout(60):
        await asked.wait()
    await asyncio.sleep(0.3)
    began = asyncio.get_running_loop().time()
    await cancel(task, patience=30)
    assert task.cancelled()
    assert asyncio.get_running_loop().time() - began < 20

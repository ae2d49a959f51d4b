"""Time series on the plain core: rollups equal raw at every moment, partitions come and go."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import sqlalchemy as sa
from gauges import COLUMNS, SERIES, Admin, create
from tenants import MemberDb, OrgFixture

from sent.platform.db.engine import Database, Server
from sent.platform.db.ingest import insert_rows
from sent.platform.db.uow import scalar, transaction, uow
from sent.platform.db.upkeep import alarms, care, thin
from sent.platform.errors import Conflict, Denied, SentError
from sent.platform.ids import uuid7
from sent.platform.tasks import cancel, spawn

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster


@pytest.fixture
def admin(cluster: Cluster, server: Server) -> Iterator[Admin]:
    """Make the series; return the superuser."""
    from sent.platform.db.embedded.cluster import SUPERUSER

    parameters = server.parameters() | {"user": SUPERUSER, "password": cluster.password.reveal()}
    create(parameters)
    with cluster.connect(server.dbname) as connection:
        yield connection


async def put(org: OrgFixture, *rows: tuple[datetime, str | None, int]) -> None:
    """Insert (at, device, value)."""
    async with uow(org.ctx) as tx:
        await insert_rows(tx, "core.gauge", COLUMNS, [(at, uuid7(), device, v) for at, device, v in rows])


async def rolled(org: OrgFixture, name: str, by: str) -> list[tuple[Any, ...]]:
    """Return the rollup's view."""
    async with uow(org.ctx) as tx:
        found = await tx.execute(
            f"select bucket, {by} events, total, low, high from core.{name} order by 1, 2, 3"
        )
        return await found.fetchall()


async def computed(org: OrgFixture, unit: str, by: str) -> list[tuple[Any, ...]]:
    """Return the same from the raw rows."""
    group = ", 2" if by else ""
    async with uow(org.ctx) as tx:
        found = await tx.execute(
            f"select date_trunc('{unit}', at), {by} count(*), sum(value), min(value), max(value)"
            f" from core.gauge group by 1{group} order by 1, 2, 3"
        )
        return await found.fetchall()


async def refresh(system_db: Database, most: int = 2000) -> int:
    """Recompute."""
    async with transaction(system_db) as tx:
        return int(await scalar(tx, "select ts.refresh(%s)", [most]))


async def test_rollups_equal_raw_whatever_was_recomputed(
    admin: Admin, org_a: OrgFixture, org_b: OrgFixture, system_db: Database
) -> None:
    """Late, duplicate and out-of-order rows between partial recomputations, in two organisations."""
    chance = random.Random(7)
    now = datetime.now(UTC).replace(microsecond=0)
    for _ in range(12):
        for org in (org_a, org_b):
            rows = [
                (
                    now - timedelta(seconds=chance.randrange(6 * 3600)),
                    chance.choice(["a", "b", None]),
                    chance.randrange(-50, 50),
                )
                for _ in range(40)
            ]
            await put(org, *rows, *rows[:3])
        await refresh(system_db, chance.choice([1, 7, 50]))
        for org in (org_a, org_b):
            assert await rolled(org, "gauge_minute", "device,") == await computed(org, "minute", "device,")
            assert await rolled(org, "gauge_hour", "") == await computed(org, "hour", "")
    while await refresh(system_db):
        pass
    assert admin.execute("select count(*) from ts.dirty where rollup like 'core.gauge%'").fetchone() == (0,)
    stored = admin.execute("select sum(events) from ts.core_gauge_minute").fetchone()
    assert stored == (12 * 2 * 43,) == admin.execute("select sum(events) from ts.core_gauge_hour").fetchone()
    for org in (org_a, org_b):
        assert await rolled(org, "gauge_hour", "") == await computed(org, "hour", "")


async def test_a_recomputation_that_is_rolled_back_loses_nothing(
    admin: Admin, org_a: OrgFixture, system_db: Database
) -> None:
    now = datetime.now(UTC)
    await put(org_a, (now, "a", 1))
    connection = await system_db.connect(autocommit=False)
    await connection.execute("select ts.refresh()")
    backend = connection.info.backend_pid
    await connection.close()  # as kill -9 in the middle
    async with asyncio.timeout(30):
        while admin.execute("select from pg_stat_activity where pid = %s", [backend]).fetchone() is not None:
            await asyncio.sleep(0.02)
    assert await rolled(org_a, "gauge_minute", "device,") == await computed(org_a, "minute", "device,")
    assert await refresh(system_db) == len(SERIES.rollups)


async def test_two_who_recompute_do_not_meet(admin: Admin, org_a: OrgFixture, system_db: Database) -> None:
    await put(org_a, (datetime.now(UTC), "a", 1))
    first = await system_db.connect(autocommit=False)
    await first.execute("select ts.refresh()")
    assert await refresh(system_db) == 0
    await first.commit()
    await first.close()


async def test_partitions_are_made_ahead_and_for_what_came_late(
    admin: Admin, org_a: OrgFixture, system_db: Database
) -> None:
    def partitions() -> set[str]:
        rows = admin.execute(
            "select right(c.relname, 8) from pg_inherits i join pg_class c on c.oid = i.inhrelid"
            " where i.inhparent = 'ts.core_gauge'::regclass and c.relname ~ '_p[0-9]{8}$'"
        ).fetchall()
        return {str(row[0]) for row in rows}

    today = datetime.now(UTC)
    ahead = {(today + timedelta(days=n)).strftime("%Y%m%d") for n in range(3)}
    assert partitions() == ahead
    late = today - timedelta(days=9)
    await put(org_a, (late, "a", 1), (today, "a", 2))
    assert admin.execute("select count(*) from ts.core_gauge_default").fetchone() == (1,)
    async with transaction(system_db) as tx:
        found = await scalar(tx, "select ts.upkeep()")
    assert found["waiting"] == 0 and found["made"] >= 1
    assert partitions() == ahead | {late.strftime("%Y%m%d")}
    assert admin.execute("select count(*) from ts.core_gauge").fetchone() == (2,)
    assert await rolled(org_a, "gauge_minute", "device,") == await computed(org_a, "minute", "device,")


async def test_what_is_older_than_the_retention_goes(
    admin: Admin, org_a: OrgFixture, system_db: Database
) -> None:
    now = datetime.now(UTC)
    await put(org_a, (now - timedelta(days=29), "kept", 1), (now - timedelta(days=33), "gone", 1))
    admin.execute("select ts.make_partition('core.gauge', now() - interval '33 days')")
    await put(org_a, (now - timedelta(days=40), "gone", 1))
    async with transaction(system_db) as tx:
        found = await scalar(tx, "select ts.upkeep()")
    assert found["dropped"] == 1
    assert admin.execute("select array_agg(device) from ts.core_gauge").fetchone() == (["kept"],)
    async with transaction(system_db) as tx:
        again = await scalar(tx, "select ts.upkeep()")
    assert (again["made"], again["dropped"]) == (0, 0)


async def test_rows_of_a_broken_clock_make_no_partitions_but_an_alarm(
    admin: Admin, org_a: OrgFixture, system_db: Database
) -> None:
    """Somebody who sends a thousand different years must not get a thousand partitions."""
    count = "select count(*) from ts.partitions('core.gauge')"
    before = admin.execute(count).fetchone()
    far = datetime.now(UTC) + timedelta(days=300)
    await put(org_a, *[(far + timedelta(days=n), "mad", n) for n in range(50)])
    done = await care(system_db)
    assert done.waiting == 50
    assert admin.execute(count).fetchone() == before
    (message,) = (await alarms(system_db)).values()
    assert message.startswith("50 rows of core.gauge have no partition, the oldest of 20")
    assert await rolled(org_a, "gauge_minute", "device,") == await computed(org_a, "minute", "device,")
    admin.execute("delete from ts.core_gauge_default")
    assert await alarms(system_db) == {}


async def test_a_partition_that_was_detached_and_not_dropped_is_dropped_later(
    admin: Admin, org_a: OrgFixture, system_db: Database
) -> None:
    """As after kill -9 between the two steps."""
    old = datetime.now(UTC) - timedelta(days=33)
    admin.execute("select ts.make_partition('core.gauge', %s)", [old])
    name = f"ts.core_gauge_p{old:%Y%m%d}"
    async with transaction(system_db) as tx:
        assert await scalar(tx, "select ts.detach_expired('core.gauge')") == 1
    assert admin.execute("select to_regclass(%s) is not null", [name]).fetchone() == (True,)
    assert (await care(system_db)).dropped == 1
    assert admin.execute("select to_regclass(%s)", [name]).fetchone() == (None,)


async def test_upkeep_does_not_wait_for_whoever_holds_a_table(
    admin: Admin, cluster: Cluster, server: Server, org_a: OrgFixture, system_db: Database
) -> None:
    """The step that needs the lock is left to the next round; all others are done."""
    await put(org_a, (datetime.now(UTC) - timedelta(days=9), "late", 1), (datetime.now(UTC), "a", 2))
    with cluster.connect(server.dbname) as holder:
        with holder.transaction():
            holder.execute("lock table ts.core_gauge_default in row exclusive mode")
            done = await care(system_db)
        assert done.failed == ["make_partitions core.gauge"]
        assert (done.waiting, done.recomputed) == (1, 2 * len(SERIES.rollups))
        done = await care(system_db)
    assert (done.failed, done.made, done.waiting) == ([], 1, 0)


async def test_rows_that_come_while_their_partition_is_made_are_kept(
    admin: Admin, cluster: Cluster, server: Server, org_a: OrgFixture
) -> None:
    """A writer waits and finds the new partition."""
    late = datetime.now(UTC) - timedelta(days=9)
    await put(org_a, (late, "before", 1))
    with cluster.connect(server.dbname) as maker, maker.transaction():
        maker.execute("select ts.make_partition('core.gauge', %s)", [late])
        writing = spawn(put(org_a, (late, "meanwhile", 2)), name="late writer")
        await locks_waiting(admin)
    await writing
    found = admin.execute(f"select array_agg(device order by device) from ts.core_gauge_p{late:%Y%m%d}")
    assert found.fetchone() == (["before", "meanwhile"],)


async def locks_waiting(admin: Admin) -> None:
    """Wait until somebody waits for a lock."""
    query = (
        "select from pg_locks l join pg_database d on d.oid = l.database and d.datname = current_database()"
    )
    async with asyncio.timeout(30):
        while admin.execute(f"{query} where not l.granted").fetchone() is None:
            await asyncio.sleep(0.02)


async def test_a_rollup_outlives_its_rows_and_what_comes_too_late_does_not_hurt_it(
    admin: Admin, org_a: OrgFixture, system_db: Database
) -> None:
    old = datetime.now(UTC).replace(minute=0, second=10, microsecond=0) - timedelta(days=29)
    await put(org_a, (old, "a", 5), (old, "a", 6))
    await care(system_db)
    admin.execute("select ts.set_retention('core.gauge', interval '20 days')")
    assert (await care(system_db)).dropped == 1
    kept = [(old.replace(second=0), "a", 2, 11, 5, 6)]
    assert await rolled(org_a, "gauge_minute", "device,") == kept
    await put(org_a, (old, "a", 100))
    assert await rolled(org_a, "gauge_minute", "device,") == kept
    await care(system_db)
    assert await rolled(org_a, "gauge_minute", "device,") == kept
    assert admin.execute("select count(*) from ts.core_gauge").fetchone() == (0,)


async def test_buckets_go_when_they_are_older_than_they_are_kept(
    admin: Admin, org_a: OrgFixture, system_db: Database
) -> None:
    admin.execute(
        "insert into ts.core_gauge_hour (organization_id, bucket, events, total, low, high)"
        " select %s, now() - n * interval '1 year', 1, 1, 1, 1 from generate_series(1, 9) n",
        [org_a.org],
    )
    assert await thin(system_db) == 5  # of five years ago and before
    assert await thin(system_db) == 0


async def test_alarms_are_for_whoever_operates_the_installation(
    admin: Admin, org_a: OrgFixture, org_b: OrgFixture, member_db: MemberDb
) -> None:
    await put(org_a, (datetime.now(UTC) + timedelta(days=99), "mad", 1))
    operator, other = await member_db(org_a), await member_db(org_b)
    async with transaction(operator) as tx:
        found = await tx.execute("select series, kind, amount from core.series_alarms()")
        assert await found.fetchall() == [("core.gauge", "waiting", 1)]
    with pytest.raises(Denied):
        async with transaction(other) as tx:
            await tx.execute("select * from core.series_alarms()")
    for forbidden in ("ts.alarms()", "ts.upkeep()", "ts.thin_rollup('core.gauge_hour')"):
        with pytest.raises(Denied):
            async with transaction(operator) as tx:
                await tx.execute(f"select {forbidden}")


async def test_the_revision_can_be_taken_back_and_made_again(
    admin: Admin, cluster: Cluster, server: Server, org_a: OrgFixture, system_db: Database
) -> None:
    """And rollups of series that were there before it are true afterwards."""
    from alembic import command
    from alembic.config import Config

    from sent.platform.db import schema
    from sent.platform.db.embedded.cluster import SUPERUSER

    await put(org_a, (datetime.now(UTC), "a", 1))
    config = Config()
    config.set_main_option("script_location", str(schema.migrations_path()))
    parameters = server.parameters() | {"user": SUPERUSER, "password": cluster.password.reveal()}
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(**parameters))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0008")
        connection.commit()
        await put(org_a, (datetime.now(UTC), "a", 2))
        command.upgrade(config, "0009")
        connection.commit()
    engine.dispose()
    await put(org_a, (datetime.now(UTC) - timedelta(days=2), "a", 3))
    assert await rolled(org_a, "gauge_minute", "device,") == await computed(org_a, "minute", "device,")
    async with transaction(system_db) as tx:
        await tx.execute("select ts.upkeep()")
    assert await rolled(org_a, "gauge_hour", "") == await computed(org_a, "hour", "")


async def test_a_writer_cannot_write_for_another_organisation(
    admin: Admin, org_a: OrgFixture, org_b: OrgFixture
) -> None:
    columns = [("organization_id", "uuid"), *COLUMNS]
    with pytest.raises((Denied, SentError)) as refused:
        async with uow(org_a.ctx) as tx:
            await insert_rows(tx, "core.gauge", columns, [(org_b.org, datetime.now(UTC), uuid7(), "a", 1)])
    assert isinstance(refused.value.__cause__, psycopg.errors.WithCheckOptionViolation)


async def test_rows_that_are_there_are_skipped(admin: Admin, org_a: OrgFixture) -> None:
    """The same batch again, as after a lost acknowledgement: nothing is doubled."""
    rows = [(datetime.now(UTC), uuid7(), "a", n) for n in range(100)]
    for expected in (100, 0):
        async with uow(org_a.ctx) as tx:
            fresh = await insert_rows(tx, "core.gauge", COLUMNS, rows, returning="id")
        assert len(fresh) == expected
    assert admin.execute("select count(*) from ts.core_gauge").fetchone() == (100,)
    with pytest.raises(Conflict):
        async with uow(org_a.ctx) as tx:
            await insert_rows(tx, "core.gauge", COLUMNS, rows[:1], skip_existing=False)


async def test_binary_arrays_carry_every_value(org_a: OrgFixture) -> None:
    """What goes in comes out: extremes, nulls, quotes, other scripts."""
    from sent.platform.db.ingest import Column

    values: dict[str, list[Any]] = {
        "uuid": [uuid7(), None, uuid7()],
        "timestamptz": [
            datetime(1, 1, 1, tzinfo=UTC),
            None,
            datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
            datetime(2026, 11, 21, 3, 4, 5, 678901, tzinfo=UTC),
        ],
        "text": ["", None, "a", "a", 'quote " \\ {},', "Ä€😀\n", *(f"n{n}" for n in range(400))],
        "smallint": [-32768, None, 32767],
        "integer": [-(2**31), None, 2**31 - 1],
        "bigint": [-(2**63), None, 2**63 - 1],
        "double precision": [0.1, None, -1e300],
        "boolean": [True, None, False],
    }
    async with uow(org_a.ctx) as tx:
        for kind, given in values.items():
            assert await scalar(tx, f"select %b::{kind}[]", [Column(kind, given)]) == given, kind
        found = await scalar(tx, "select %b::jsonb[]", [Column("jsonb", ['{"a": [1]}', None])])
    assert found == [{"a": [1]}, None]


async def test_an_alarm_that_stays_makes_the_service_unready(
    admin: Admin, org_a: OrgFixture, org_b: OrgFixture, system_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that came a moment ago are no alarm; those that upkeep leaves twice are, with a notice."""
    from sent.workers import core

    monkeypatch.setattr(core, "UPKEEP_S", 0.05)
    await put(org_a, (datetime.now(UTC) + timedelta(days=99), "mad", 1))
    chores = core.Chores(system_db)
    looking = spawn(chores._upkeep(), name="upkeep")
    try:
        async with asyncio.timeout(30):
            while not chores.alarms:
                await asyncio.sleep(0.02)
        assert chores.waiting == 1
        async with asyncio.timeout(30):
            while not (
                notices := admin.execute("select organization_id, topic from notify.notice").fetchall()
            ):
                await asyncio.sleep(0.02)
        assert notices == [(org_a.org, "database.series.alarm")], "one for the operator, however often seen"
        assert chores.alarms[0].startswith("1 rows of core.gauge have no partition")
        admin.execute("delete from ts.core_gauge_default")
        async with asyncio.timeout(30):
            while chores.alarms:
                await asyncio.sleep(0.02)
    finally:
        await cancel(looking)

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
from alembic.migration import MigrationContext
from alembic.operations import Operations
from tenants import OrgFixture

import sent.platform.db.operations  # noqa: F401  (registers the operations)
from sent.platform.db.engine import Database, Server
from sent.platform.db.ingest import insert_rows
from sent.platform.db.timeseries import Measure, Rollup, TimeSeries
from sent.platform.db.uow import scalar, transaction, uow
from sent.platform.errors import Conflict, Denied, SentError
from sent.platform.ids import uuid7

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

Admin = psycopg.Connection[Any]

MEASURES = (
    Measure("events", "count"),
    Measure("total", "sum", "value"),
    Measure("low", "min", "value"),
    Measure("high", "max", "value"),
)
SERIES = TimeSeries(
    "core.gauge",
    columns=(("device", "text"), ("value", "bigint not null")),
    retention="30 days",
    ahead=2,
    indexes=(("device", "at"),),
    rollups=(
        Rollup("core.gauge_minute", "1 minute", ("device",), MEASURES),
        Rollup("core.gauge_hour", "1 hour", (), MEASURES, of="core.gauge_minute"),
    ),
)
COLUMNS = [("at", "timestamptz"), ("id", "uuid"), ("device", "text"), ("value", "bigint")]


@pytest.fixture
def admin(cluster: Cluster, server: Server) -> Iterator[Admin]:
    """Make the series; return the superuser."""
    from sent.platform.db.embedded.cluster import SUPERUSER

    parameters = server.parameters() | {"user": SUPERUSER, "password": cluster.password.reveal()}
    engine = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(**parameters))
    with engine.begin() as raw:
        operations = Operations(MigrationContext.configure(raw))
        operations.sql("set role sent_owner")
        operations.create_timeseries(SERIES)
        operations.sql("reset role")
    engine.dispose()
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
    assert await refresh(system_db) == 2


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

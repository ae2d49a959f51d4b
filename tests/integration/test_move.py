"""Moving an installation to another server: everything is there, in whichever core the target has."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID, uuid4

import gauges
import psycopg
import pytest
import timescale
from gauges import Admin, Row
from sealed_trail import FixedClock, Trail
from tenants import OrgFixture

from sent.platform.config.secrets import role_password
from sent.platform.db import move as moving
from sent.platform.db.engine import Database, Server, fixed
from sent.platform.errors import Conflict, Invalid, SentError
from sent.platform.ids import uuid7

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

ORG = UUID(int=0xA1)


@dataclass
class Target:
    """An empty database to move to."""

    server: Server
    url: str

    def connect(self) -> Admin:
        """Connect as the superuser."""
        return psycopg.connect(self.url, autocommit=True)


def url_of(server: Server, user: str, password: str) -> str:
    """Return a database's URL."""
    return (
        f"postgresql://{user}:{quote(password, safe='')}@/{server.dbname}"
        f"?host={quote(server.host, safe='')}&port={server.port}"
    )


@contextmanager
def plain_target(cluster: Cluster, server: Server) -> Iterator[Target]:
    from sent.platform.db.embedded.cluster import SUPERUSER

    name = f"test_{uuid4().hex[:12]}"
    with cluster.connect("postgres") as admin:
        admin.execute(f"create database {name} template template0")
        there = replace(server, dbname=name)
        yield Target(there, url_of(there, SUPERUSER, cluster.password.reveal()))
        admin.execute(f"drop database {name} with (force)")


@contextmanager
def timescale_target() -> Iterator[Target]:
    _, user, password = timescale.login()
    with timescale.database(migrated=False) as there, timescale.alone():
        yield Target(there, url_of(there, user, password.reveal()))


@pytest.fixture(params=["plain", pytest.param("timescale", marks=timescale.needs_timescale)])
def target(request: pytest.FixtureRequest, cluster: Cluster, server: Server) -> Iterator[Target]:
    """Return an empty database of either kind."""
    found = plain_target(cluster, server) if request.param == "plain" else timescale_target()
    with found as there:
        yield there


@pytest.fixture
def source(cluster: Cluster, server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Admin]:
    """Make the test's database this installation's; return its superuser."""
    from sent.platform.db.embedded.cluster import SUPERUSER

    password = cluster.password.reveal()
    gauges.create(server.parameters() | {"user": SUPERUSER, "password": password})
    monkeypatch.setenv("SENT_DATABASE_URL", url_of(server, SUPERUSER, password))
    with cluster.connect(server.dbname) as connection:
        yield connection
    with cluster.connect("postgres") as admin:
        admin.execute(f"alter database {server.dbname} reset all")


@pytest.fixture
async def trail(
    cluster: Cluster, server: Server, org_a: OrgFixture, system_db: Database, tmp_path: Path
) -> Trail:
    """Return a sealed trail with a few entries behind its last seal."""
    found = Trail(cluster, server, org_a, system_db, tmp_path, FixedClock())
    await found.record("one", "two", "three")
    await found.seal()
    await found.record("four")
    return found


def quiet(_share: float | None, _step: str) -> None:
    """Hear of no progress."""


def readings(now: datetime) -> list[Row]:
    chance = random.Random(5)
    return [
        Row(
            now - timedelta(days=chance.choice([0, 0, 3, 21, 28]), seconds=chance.randrange(7200)),
            uuid7(),
            chance.choice(["a", "b", None]),
            chance.randrange(1000),
        )
        for _ in range(600)
    ]


def old_bucket(source: Admin, at: datetime) -> None:
    """A bucket whose rows are long gone."""
    source.execute(
        "insert into ts.core_gauge_minute (organization_id, bucket, device, events, total, low, high)"
        " values (%s, %s, 'old', 7, 70, 1, 20)",
        [ORG, at],
    )
    for name in ("hour", "day"):
        source.execute(
            f"insert into ts.core_gauge_{name} (organization_id, bucket, events, total, low, high)"
            f" values (%s, date_trunc('{name}', %s, 'UTC'), 7, 70, 1, 20)",
            [ORG, at],
        )


def counts(connection: Admin) -> dict[str, int]:
    names = ("core.organization", "core.client", "audit.seal", "ts.audit_entry", "ts.core_gauge",
             "ts.core_gauge_minute", "ts.core_gauge_hour", "ts.core_gauge_day")  # fmt: skip
    return {
        name: int((connection.execute(f"select count(*) from {name}").fetchone() or [0])[0]) for name in names
    }


async def test_everything_arrives_and_answers_as_before(
    source: Admin, cluster: Cluster, server: Server, trail: Trail, target: Target
) -> None:
    """Rows, rollups older than their rows, sequences, and a trail that verifies."""
    now = datetime.now(UTC)
    rows = readings(now)
    gauges.put(source, ORG, rows)
    source.execute("select ts.refresh(5)")
    ancient = now.replace(second=0, microsecond=0) - timedelta(days=400)
    old_bucket(source, ancient)
    with_series(target)

    done = moving.move(target.url, quiet)

    assert set(done["cores"]) == {"audit.entry", "core.gauge", "radar.event"}
    with target.connect() as there, cluster.connect(server.dbname) as here:
        assert counts(there) == counts(here)
        for query in gauges.queries(now):
            assert gauges.ask(there, ORG, query.sql) == query.answer(rows), query.name
        for name in ("minute", "hour", "day"):
            assert gauges.ask(there, ORG, f"select total from core.gauge_{name} where bucket < now()"
                              " - interval '1 year'") == [(70,)]  # fmt: skip
        last = "select last_value from audit.entry_seq"
        assert there.execute(last).fetchone() == here.execute(last).fetchone()
        late = Row(now - timedelta(days=3), uuid7(), "late", 5)
        gauges.put(there, ORG, [late])
        for query in gauges.queries(now):
            assert gauges.ask(there, ORG, query.sql) == query.answer([*rows, late]), f"{query.name}, later"
    async with Database(
        target.server, "sent_system", fixed(role_password("sent_system")), trusted=True
    ) as system:
        trail.server, trail.system_db = target.server, system
        report = await trail.check()
        assert report.finding is None and report.entries > 3
        await trail.seal()
        assert (await trail.check()).unsealed == 0


def with_series(target: Target) -> None:
    """Bring the target to head with the series of this test, as a release that has it would."""
    from sent.platform.db.admin import Login
    from sent.platform.db.migrate import upgrade
    from sent.platform.telemetry.log import Secret

    parameters: dict[str, Any] = psycopg.conninfo.conninfo_to_dict(target.url)
    login = Login(target.server, parameters["user"], Secret(parameters["password"]))
    upgrade(login.server, login.role, login.password)
    gauges.create(parameters)


async def test_the_source_writes_no_more_until_the_move_is_abandoned(
    source: Admin, server: Server, cluster: Cluster, org_a: OrgFixture
) -> None:
    """And a target that has organisations takes no other installation."""
    with plain_target(cluster, server) as target:
        with_series(target)
        moving.move(target.url, quiet)
        with cluster.connect(server.dbname) as later, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            gauges.put(later, ORG, readings(datetime.now(UTC)))
        with pytest.raises(Conflict, match="organisations already"):
            moving.move(target.url, quiet)
    moving.abandon()
    with cluster.connect(server.dbname) as later:
        assert gauges.put(later, ORG, readings(datetime.now(UTC))) == 600


async def test_a_target_that_is_in_use_is_refused(source: Admin, org_a: OrgFixture, server: Server) -> None:
    with pytest.raises(Invalid, match="has already"):
        moving.move(url_of(server, "postgres", "x"), quiet)


async def test_a_move_that_fails_leaves_the_target_empty_and_the_source_writing(
    source: Admin, cluster: Cluster, server: Server, org_a: OrgFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise SentError("test", "in the middle")

    with plain_target(cluster, server) as target:
        with_series(target)
        monkeypatch.setattr(moving, "_sequences", fail)
        with pytest.raises(SentError, match="in the middle"):
            moving.move(target.url, quiet)
        with target.connect() as there:
            assert there.execute("select count(*) from core.organization").fetchone() == (0,)
        with cluster.connect(server.dbname) as later:
            assert gauges.put(later, ORG, readings(datetime.now(UTC))) == 600
        monkeypatch.undo()

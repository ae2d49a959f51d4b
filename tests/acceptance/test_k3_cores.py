"""K3 t: one series, fifty queries, the same answers on plain PostgreSQL and on TimescaleDB, at every moment.

Rows come late, twice and out of order, in two organisations, between partial recomputations. On plain every
answer is compared with a recomputation in Python, always; with SENT_TEST_TIMESCALE_URL the same is done
there too, so the cores equal each other because both equal the truth.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import gauges
import psycopg
import pytest
import timescale
from gauges import Admin, Row

from sent.platform.db.engine import Server
from sent.platform.ids import uuid7

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

ALPHA, BETA = UUID(int=0xA1), UUID(int=0xB2)
ROUNDS = 4


@pytest.fixture
def plain(cluster: Cluster, server: Server) -> Iterator[Admin]:
    """Return the superuser of a plain database with the series."""
    from sent.platform.db.embedded.cluster import SUPERUSER

    gauges.create(server.parameters() | {"user": SUPERUSER, "password": cluster.password.reveal()})
    with cluster.connect(server.dbname) as connection:
        yield connection


@pytest.fixture
def hyper() -> Iterator[Admin]:
    """Return the superuser of a database with TimescaleDB and the series."""
    _, user, password = timescale.login()
    with timescale.database() as server:
        gauges.create(server.parameters() | {"user": user, "password": password.reveal()})
        with timescale.connect(server.dbname) as connection:
            yield connection


def deliveries(now: datetime) -> Iterator[dict[UUID, list[Row]]]:
    """Yield what comes at once: fresh rows, late ones and some that came before, in no order."""
    chance = random.Random(3)
    came: dict[UUID, list[Row]] = {ALPHA: [], BETA: []}
    for _ in range(ROUNDS):
        delivery = {}
        for org, before in came.items():
            ages = [
                *(timedelta(seconds=chance.randrange(2 * 3600)) for _ in range(60)),
                *(timedelta(minutes=chance.randrange(30 * 60)) for _ in range(30)),
                *(
                    timedelta(days=chance.choice([5, 20, 21]), seconds=chance.randrange(7200))
                    for _ in range(20)
                ),
            ]
            fresh = [
                Row(now - age, uuid7(), chance.choice(["a", "b", "Ä", None]), chance.randrange(-500, 500))
                for age in ages
            ]
            delivery[org] = fresh + chance.sample(before, min(15, len(before)))
            chance.shuffle(delivery[org])
            before += fresh
        yield delivery


def recompute_some(admin: Admin, most: int) -> None:
    with gauges.speaking_as(admin, "sent_system"):
        admin.execute("select ts.refresh(%s)", [most])


def refresh_aggregates(admin: Admin, chance: random.Random) -> None:
    """What TimescaleDB's policies do at some moment: a window of one aggregate, or all of it."""
    since = datetime.now(UTC) - timedelta(days=chance.choice([1, 6, 29]))
    for name in ("gauge_minute", "gauge_hour", "gauge_day"):
        if chance.random() < 0.7:
            try:
                admin.execute(f"call public.refresh_continuous_aggregate('ts.core_{name}', '{since}', null)")
            except psycopg.errors.LockNotAvailable:
                continue  # the policy itself is at it


def all_answers_are_true(admin: Admin, rows: dict[UUID, list[Row]], now: datetime, when: str) -> None:
    for query in gauges.queries(now):
        for org, own in rows.items():
            assert gauges.ask(admin, org, query.sql) == query.answer(own), f"{query.name} {when}"


def play(admin: Admin, between: Callable[[random.Random], None]) -> None:
    """Deliver round by round; every answer is true at once, and after whatever happens in between."""
    chance = random.Random(11)
    now = datetime.now(UTC).replace(microsecond=123456)
    came: dict[UUID, dict[UUID, Row]] = {ALPHA: {}, BETA: {}}
    for number, delivery in enumerate(deliveries(now)):
        for org, rows in delivery.items():
            new = {row.id: row for row in rows} | came[org]
            assert gauges.put(admin, org, rows) == len(new) - len(came[org])
            came[org] = new
        true = {org: list(rows.values()) for org, rows in came.items()}
        all_answers_are_true(admin, true, now, f"at once, delivery {number}")
        between(chance)
        all_answers_are_true(admin, true, now, f"after upkeep, delivery {number}")


def test_k3_there_are_fifty_queries() -> None:
    names = [query.name for query in gauges.queries(datetime.now(UTC))]
    assert len(names) == len(set(names)) == 50


def test_k3_plain_answers_as_a_recomputation_in_python(plain: Admin) -> None:
    def between(chance: random.Random) -> None:
        recompute_some(plain, chance.choice([1, 20, 1000]))
        with gauges.speaking_as(plain, "sent_system"):
            plain.execute("select ts.make_partitions('core.gauge')")

    play(plain, between)


@timescale.needs_timescale
def test_k3_timescale_answers_as_a_recomputation_in_python(hyper: Admin) -> None:
    """Its own aggregates show late rows after their next refresh only; ours show them at once."""

    def between(chance: random.Random) -> None:
        refresh_aggregates(hyper, chance)
        recompute_some(hyper, chance.choice([1, 20, 1000]))

    play(hyper, between)
    for name in ("gauge_minute", "gauge_hour", "gauge_day"):
        hyper.execute(f"call public.refresh_continuous_aggregate('ts.core_{name}', null, null)")
    recompute_some(hyper, 100_000)
    recompute_some(hyper, 100_000)
    recompute_some(hyper, 100_000)
    assert hyper.execute("select count(*) from ts.dirty").fetchone() == (0,), "all notes are settled"


VIEWS = """
select c.table_schema || '.' || c.table_name, c.column_name, c.data_type, c.ordinal_position
from information_schema.columns c
where c.table_schema || '.' || c.table_name = any (array['audit.entry', 'radar.event', 'radar.event_minute',
  'core.gauge', 'core.gauge_minute', 'core.gauge_hour', 'core.gauge_day'])
order by 1, 4
"""
RIGHTS = """
select n.nspname || '.' || c.relname, c.reloptions::text, g.grantee::regrole::text, g.privilege_type
from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) g
where c.relkind = 'v' and n.nspname in ('audit', 'radar', 'core') order by 1, 2, 3, 4
"""


@timescale.needs_timescale
def test_k3_the_views_are_the_same_on_both_cores(plain: Admin, hyper: Admin) -> None:
    for query in (VIEWS, RIGHTS):
        found = plain.execute(query).fetchall()
        assert len(found) > 20
        assert hyper.execute(query).fetchall() == found
    cores = "select name, core from ts.series order by 1"
    assert {core for _, core in plain.execute(cores).fetchall()} == {"plain"}
    assert {core for _, core in hyper.execute(cores).fetchall()} == {"hypertable"}


@pytest.mark.skipif(timescale.VARIABLE in os.environ, reason="the other core is there")
def test_k3_without_timescale_the_core_is_plain(plain: Admin) -> None:
    assert plain.execute("select distinct core from ts.series").fetchall() == [("plain",)]

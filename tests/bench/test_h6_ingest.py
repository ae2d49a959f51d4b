"""H6 b: rows a second through the tenant's view, against COPY into the storage in the same run.

Over two connections at once, and over one, where much depends on whether the scheduler lets COPY's client
and server overlap: it does on an idle machine and not on a busy one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import tenants
from bench.measure import ROUNDS, interleaved_async, report

from sent.platform.context import Ctx
from sent.platform.db.engine import Database, Server
from sent.platform.db.ingest import insert_rows
from sent.platform.db.uow import uow
from sent.platform.ids import uuid7

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

pytestmark = pytest.mark.bench

BATCH = 5000
BATCHES = 3
WRITERS = 2

COLUMNS = [
    ("organization_id", "uuid"),
    ("at", "timestamptz"),
    ("id", "uuid"),
    ("severity", "smallint"),
    ("host", "text"),
    ("program", "text"),
    ("message", "text"),
    ("fields", "jsonb"),
]

Rows = list[tuple[Any, ...]]


def batch(organization: object) -> Rows:
    """Return 5,000 syslog-like events."""
    now = datetime.now(UTC)
    fields = json.dumps({"user": "mallory", "ip": "203.0.113.7", "port": 52144, "method": "publickey"})
    return [
        (
            organization,
            now - timedelta(milliseconds=number),
            uuid7(),
            number % 8,
            f"host-{number % 50}",
            "sshd",
            f"Failed password for invalid user mallory from 203.0.113.7 port {number}",
            fields,
        )
        for number in range(BATCH)
    ]


@pytest.mark.parametrize(
    ("name", "writers", "skip_existing"),
    [
        ("h6_ingest_tenant_path", WRITERS, False),
        ("h6_ingest_tenant_path_one_connection", 1, False),
        ("h6_ingest_again_skipping_duplicates", WRITERS, True),
    ],
)
async def test_h6_ingest_through_the_tenant_path(
    cluster: Cluster,
    server: Server,
    org_a: tenants.OrgFixture,
    ingest_db: Database,
    name: str,
    writers: int,
    skip_existing: bool,
) -> None:
    """Same rows, same indexes, same commit after each batch; dirty buckets are noted in both.

    The first two are what the radar does with a fresh batch. Only a batch whose commit may have gone unheard
    skips rows that are there, which COPY cannot do at all: the third line tells what that costs.
    """
    ctx = Ctx(ingest_db, org_a.org, org_a.owner)
    names = ", ".join(name for name, _ in COLUMNS)
    types = [kind.replace("smallint", "int2") for _, kind in COLUMNS]

    async def copy(rows: Rows) -> None:
        statement = f"copy ts.radar_event ({names}) from stdin (format binary)"
        async with uow(ctx) as tx, tx.cursor() as cursor, cursor.copy(statement) as stream:
            stream.set_types(types)
            for row in rows:
                await stream.write_row(row)

    async def tenant(rows: Rows) -> None:
        async with uow(ctx) as tx:
            await insert_rows(tx, "radar.event", COLUMNS, rows, skip_existing=skip_existing)

    def all_writers(write: Callable[[Rows], Awaitable[None]]) -> Callable[[], Awaitable[object]]:
        async def one() -> None:
            for _ in range(BATCHES):
                await write(prepared.pop())

        return lambda: asyncio.gather(*(one() for _ in range(writers)))

    prepared = [batch(org_a.org) for _ in range(2 * BATCHES * writers * (ROUNDS + 1))]
    by_copy, by_tenant = all_writers(copy), all_writers(tenant)
    await by_copy()
    await by_tenant()
    copy_s, tenant_s = await interleaved_async(by_copy, by_tenant)
    rows = BATCH * BATCHES * writers
    with cluster.connect(server.dbname) as admin:
        assert admin.execute("select count(*) from ts.radar_event").fetchone() == (2 * rows * (ROUNDS + 1),)
    held = report(name, rows / tenant_s, "rows/s", rows / copy_s, target_ratio=0.6, higher_is_better=True)
    assert held or skip_existing

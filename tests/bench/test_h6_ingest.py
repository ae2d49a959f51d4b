"""H6 b: rows a second through the tenant's view, against COPY into the storage in the same run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import tenants
from bench.measure import ROUNDS, interleaved, report

from sent.platform.config.secrets import role_password
from sent.platform.db.ingest import Column, statement
from sent.platform.ids import uuid7

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster
    from sent.platform.db.engine import Server

pytestmark = pytest.mark.bench

BATCH = 5000
BATCHES = 3

COLUMNS = ("organization_id", "at", "id", "severity", "host", "program", "message", "fields")
TYPES = ("uuid", "timestamptz", "uuid", "smallint", "text", "text", "text", "jsonb")


def batch(organization: object) -> list[tuple[Any, ...]]:
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


@pytest.fixture
def ingest(server: Server) -> Iterator[psycopg.Connection[Any]]:
    """Return a connection as `sent_ingest`."""
    with psycopg.connect(
        **server.parameters(), user="sent_ingest", password=role_password("sent_ingest").reveal()
    ) as connection:
        yield connection


def test_h6_ingest_through_the_tenant_path(
    cluster: Cluster, server: Server, org_a: tenants.OrgFixture, ingest: psycopg.Connection[Any]
) -> None:
    """Same rows, same indexes, same commit after each batch; dirty buckets are noted in both."""
    names = ", ".join(COLUMNS)
    insert = statement("radar.event", list(zip(COLUMNS, TYPES, strict=True)))

    def by_copy() -> None:
        for _ in range(BATCHES):
            rows = prepared.pop()
            with ingest.cursor().copy(f"copy ts.radar_event ({names}) from stdin (format binary)") as copy:
                copy.set_types([kind.replace("smallint", "int2") for kind in TYPES])
                for row in rows:
                    copy.write_row(row)
            ingest.commit()

    def by_tenant_path() -> None:
        for _ in range(BATCHES):
            rows = prepared.pop()
            ingest.execute("select set_config('sent.organization_id', %s, true)", [str(org_a.org)])
            columns = zip(TYPES, zip(*rows, strict=True), strict=True)
            ingest.execute(insert, [Column(kind, values) for kind, values in columns])
            ingest.commit()

    prepared = [batch(org_a.org) for _ in range(2 * BATCHES * (ROUNDS + 1))]
    by_copy()
    by_tenant_path()
    copy_s, tenant_s = interleaved(by_copy, by_tenant_path)
    rows = BATCH * BATCHES
    with cluster.connect(server.dbname) as admin:
        assert admin.execute("select count(*) from ts.radar_event").fetchone() == (2 * rows * (ROUNDS + 1),)
    assert report(
        "h6_ingest_tenant_path",
        rows / tenant_s,
        "rows/s",
        rows / copy_s,
        target_ratio=0.6,
        higher_is_better=True,
    )

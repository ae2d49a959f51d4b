"""K3 b: figures of 500 series over 30 days, from rollups against raw in the same run, on the plain core.

The present hour is still dirty, as it always is where rows come in, so part of the answer comes from raw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import gauges
import pytest
from bench.measure import interleaved, report

from sent.platform.db.engine import Server
from sent.platform.db.timeseries import Measure, Rollup, TimeSeries

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

pytestmark = pytest.mark.bench

ORG = UUID(int=0xA1)
DAYS, SERIES, EVERY = 30, 500, "10 minutes"
MEASURES = (
    Measure("readings", "count"),
    Measure("total", "sum", "value", "double precision"),
    Measure("high", "max", "value", "double precision"),
)
SPEC = TimeSeries(
    "core.reading",
    columns=(("device", "integer not null"), ("value", "double precision not null")),
    retention="60 days",
    rollups=(
        Rollup("core.reading_hour", "1 hour", ("device",), MEASURES),
        Rollup("core.reading_day", "1 day", ("device",), MEASURES, of="core.reading_hour"),
    ),
)
FILL = f"""
insert into ts.core_reading (organization_id, at, id, device, value)
select %s, at, core.uuid7(), device, random() * 100
from generate_series(date_trunc('day', now()) - interval '{DAYS} days', now(), interval '{EVERY}') at,
  generate_series(1, {SERIES}) device
"""
SINCE = f"now() - interval '{DAYS} days'"
RAW = (
    "select device, date_bin('1 {0}', at, '2000-01-03 00:00+00'), count(*), sum(value), max(value)"
    f" from core.reading where at >= {SINCE} group by 1, 2"
)


def test_k3_rollups_against_raw(cluster: Cluster, server: Server) -> None:
    """By day, which a chart of a month shows; and by hour, where a bucket holds six rows only."""
    from sent.platform.db.embedded.cluster import SUPERUSER

    gauges.create(server.parameters() | {"user": SUPERUSER, "password": cluster.password.reveal()}, SPEC)
    with cluster.connect(server.dbname) as admin:
        for day in range(DAYS + 1):
            admin.execute("select ts.make_partition('core.reading', now() - %s * interval '1 day')", [day])
        admin.execute(FILL, [ORG])
        while (admin.execute("select ts.refresh()").fetchone() or [0])[0]:
            pass
        admin.execute("analyze ts.core_reading, ts.core_reading_hour, ts.core_reading_day, ts.dirty")
        admin.execute(
            "insert into ts.core_reading (organization_id, at, device, value)"
            f" select %s, now(), d, 1 from generate_series(1, {SERIES}) d",
            [ORG],
        )
        answers = {}
        held = []
        for width in ("day", "hour"):
            rolled = f"select device, bucket, readings, total, high from core.reading_{width}"
            rolled += f" where bucket >= {SINCE}"

            def ask(name: str, query: str) -> None:
                answers[name] = len(gauges.ask(admin, ORG, query))

            raw_s, rolled_s = interleaved(
                lambda: ask("raw", RAW.format(width)),  # noqa: B023
                lambda: ask("rolled", rolled),  # noqa: B023
            )
            assert answers["raw"] - answers["rolled"] in (0, SERIES), "the first bucket may be cut"
            limit = 0.25 if width == "day" else 0.5
            held.append(report(f"k3_rollup_by_{width}", rolled_s, "s", raw_s, target_ratio=limit))
        assert all(held)

"""SQL of the overview."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sent.engines.overview.model import DatabaseHealth, Instance
from sent.platform.db.uow import Tx, fetch, scalar
from sent.platform.telemetry.instances import LOST_AFTER_S


async def now(tx: Tx) -> datetime:
    """Return the server's clock."""
    found: datetime = await scalar(tx, "select clock_timestamp()")
    return found


async def fleet(tx: Tx) -> list[Instance]:
    """Return every known process, by service, newest first."""
    return await fetch(
        tx,
        Instance,
        "select id, service, host, pid, version,"
        " case when heartbeat_at < clock_timestamp() - make_interval(secs => %s) then 'lost' else state end"
        " as state, started_at, heartbeat_at, metrics, reasons"
        " from core.fleet() order by service, started_at desc limit 500",
        [LOST_AFTER_S],
    )


@dataclass(frozen=True, slots=True)
class Colleague:
    """A person of the organisation."""

    id: UUID
    name: str
    email: str


async def colleagues(tx: Tx, text: str, limit: int) -> list[Colleague]:
    """Return the active people of the organisation whose name or address holds `text`."""
    return await fetch(
        tx,
        Colleague,
        "select p.id, p.name, p.email from core.membership m join core.person p on p.id = m.person_id"
        " where m.organization_id = sec.org() and m.state = 'active'"
        " and (strpos(lower(p.name), lower(%s)) > 0 or strpos(lower(p.email), lower(%s)) > 0)"
        " order by p.name, p.id limit %s",
        [text, text, limit],
    )


async def database(tx: Tx) -> DatabaseHealth:
    """Return the server's version, size and load; `latency_ms` is measured by a `select 1` on `tx`."""
    began = time.perf_counter()
    await tx.execute("select 1")
    latency = (time.perf_counter() - began) * 1000
    async with tx.cursor() as cursor:
        await cursor.execute(
            "select current_setting('server_version'), pg_database_size(current_database()),"
            " (select count(*) from pg_stat_activity where backend_type = 'client backend'),"
            " current_setting('max_connections')::int, pg_postmaster_start_time()"
        )
        row = await cursor.fetchone()
    if row is None:
        raise RuntimeError("a select without a table returns one row")
    version, size, connections, limit, started = row
    return DatabaseHealth(
        version=version,
        size_bytes=size,
        connections=connections,
        max_connections=limit,
        started_at=started,
        latency_ms=latency,
    )

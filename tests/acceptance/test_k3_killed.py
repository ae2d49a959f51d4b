"""K3 s: kill -9 in the middle of recomputing rollups; afterwards they equal a recomputation, exactly."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import gauges
import pytest
from gauges import Admin, Row

from sent.platform.db.engine import Server
from sent.platform.ids import uuid7

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

ORG = UUID(int=0xA1)
SAMPLE, SOAK = 5, 25
WAIT_S = 60.0

WORKER = """
import asyncio, json, sys
from sent.platform.config.secrets import role_password
from sent.platform.db.engine import Database, Server, fixed
from sent.platform.db.upkeep import care

async def main():
    server = Server(**json.loads(sys.argv[1]))
    password = fixed(role_password("sent_system"))
    async with Database(server, "sent_system", password, trusted=True, name="upkeep under test") as db:
        while True:
            await care(db)

asyncio.run(main())
"""


@pytest.fixture
def admin(cluster: Cluster, server: Server) -> Iterator[Admin]:
    """Return the superuser of a database with the series."""
    from sent.platform.db.embedded.cluster import SUPERUSER

    gauges.create(server.parameters() | {"user": SUPERUSER, "password": cluster.password.reveal()})
    with cluster.connect(server.dbname) as connection:
        yield connection


def upkeep(server: Server) -> subprocess.Popen[bytes]:
    """Start a process that looks after the series without a pause."""
    place = json.dumps({"host": server.host, "port": server.port, "dbname": server.dbname})
    return subprocess.Popen([sys.executable, "-c", WORKER, place], env=dict(os.environ))


def kill_in_the_middle(admin: Admin, process: subprocess.Popen[bytes], chance: random.Random) -> bool:
    """Kill the process while its server works on rollups; say whether that transaction was cut off."""
    give_up = time.monotonic() + WAIT_S
    at_it = (
        "select pid, xact_start from pg_stat_activity where datname = current_database()"
        " and usename = 'sent_system' and state = 'active' and query like '%ts.refresh%'"
    )
    while (found := admin.execute(at_it).fetchone()) is None:
        assert process.poll() is None and time.monotonic() < give_up, "the upkeep does not work on rollups"
    before = admin.execute("select count(*) from ts.dirty").fetchone()
    time.sleep(chance.random() * 0.03)
    process.kill()
    process.wait(WAIT_S)
    # The server notices a dead client at its next word to it; its transaction is over then, one way or the
    # other. A backend that dies itself takes the whole server through recovery: that is H3's matter.
    gone = "select from pg_stat_activity where pid = %s"
    while admin.execute(gone, [found[0]]).fetchone() is not None:
        admin.execute("select pg_terminate_backend(%s)", [found[0]])
        assert time.monotonic() < give_up, "the backend stays"
    return admin.execute("select count(*) from ts.dirty").fetchone() == before


def rows_of_a_round(now: datetime, chance: random.Random) -> list[Row]:
    return [
        Row(
            now - timedelta(seconds=chance.randrange(4 * 86_400)),
            uuid7(),
            chance.choice(["a", "b", "c", None]),
            chance.randrange(-(10**9), 10**9),
        )
        for _ in range(1500)
    ]


def rounds(admin: Admin, server: Server, amount: int) -> int:
    """Kill so often; what is shown is true after each kill, and what is stored at the end. Return cuts."""
    chance = random.Random(9)
    now = datetime.now(UTC)
    rows: list[Row] = []
    cut = 0
    for _ in range(amount):
        fresh = rows_of_a_round(now, chance)
        gauges.put(admin, ORG, fresh)
        rows += fresh
        process = upkeep(server)
        try:
            cut += kill_in_the_middle(admin, process, chance)
        finally:
            process.kill()
            process.wait(WAIT_S)
        for query in gauges.queries(now):
            if query.name.startswith(("minutes_by_device", "days_of", "rollups_agree")):
                assert gauges.ask(admin, ORG, query.sql) == query.answer(rows), query.name
    while (admin.execute("select ts.refresh()").fetchone() or [0])[0]:
        pass
    assert admin.execute("select count(*) from ts.dirty").fetchone() == (0,)
    for query in gauges.queries(now):
        assert gauges.ask(admin, ORG, query.sql) == query.answer(rows), query.name
    assert stored(admin) == computed(admin)
    return cut


def stored(admin: Admin) -> list[list[tuple[Any, ...]]]:
    return [
        admin.execute(f"select r::text from ts.core_gauge_{name} r order by 1").fetchall()
        for name in ("minute", "hour", "day")
    ]


def computed(admin: Admin) -> list[list[tuple[Any, ...]]]:
    figures = "count(*), sum(value)::bigint, min(value), max(value)"
    found = []
    for name, by in (("minute", ", device"), ("hour", ""), ("day", "")):
        query = (
            f"select r::text from (select organization_id, date_trunc('{name}', at, 'UTC'){by}, {figures}"
            f" from ts.core_gauge group by 1, 2{by}) r order by 1"
        )
        found.append(admin.execute(query).fetchall())
    return found


def test_k3_rollups_survive_kills_sample(admin: Admin, server: Server) -> None:
    assert rounds(admin, server, SAMPLE) >= 1, "no transaction was cut off"


@pytest.mark.soak
def test_k3_rollups_survive_kills(admin: Admin, server: Server) -> None:
    assert rounds(admin, server, SOAK) >= SOAK // 2, "kills came between the transactions"

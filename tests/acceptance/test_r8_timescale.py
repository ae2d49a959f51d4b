"""R8 on a hypertable: the same queries find what Python finds, in chunks with and without statistics."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from uuid import UUID

import pytest
import timescale
from gauges import Admin
from integration.engines.radar.test_explore import END, START, asked, event
from psycopg.types.json import Jsonb

from sent.engines.radar.searching.query import parse
from sent.engines.radar.store.sink import Line
from sent.platform.ids import uuid7

pytestmark = timescale.needs_timescale

ORG, OTHER = uuid7(), uuid7()
SOURCES = {"Office": uuid7(), "the plant": uuid7()}


def insert(admin: Admin, org: UUID, lines: list[Line]) -> None:
    with admin.transaction(), admin.cursor() as cursor:
        admin.execute("set local session authorization sent_app")
        admin.execute("select set_config('sent.organization_id', %s, true)", [str(org)])
        cursor.executemany(
            "insert into radar.event (id, at, received_at, source_id, client_id, severity, host, program,"
            " channel, event_code, message, fields) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [line[:12] for line in lines],
        )


@pytest.fixture(scope="module")
def filled() -> Iterator[tuple[Admin, list[Line]]]:
    """Return the superuser of a database with events of two organisations, never analysed."""
    random = Random(11)
    lines = [event(random, n, list(SOURCES.values())) for n in range(1500)]
    with timescale.database() as server, timescale.connect(server.dbname) as admin:
        core = admin.execute("select core from ts.series where name = 'radar.event'").fetchone()
        assert core == ("hypertable",)
        for org, slug in ((ORG, "alpha"), (OTHER, "beta")):
            admin.execute(
                "insert into core.organization (id, organization_id, name, slug) values (%s, %s, %s, %s)",
                [org, org, slug, slug],
            )
        for name, source in SOURCES.items():
            admin.execute(
                "insert into radar.source (id, organization_id, name, kind, address)"
                " values (%s, %s, %s, 'syslog_udp', '127.0.0.1:0')",
                [source, ORG, name],
            )
        insert(admin, ORG, lines)
        insert(admin, OTHER, [event(random, n, list(SOURCES.values())) for n in range(200)])
        yield admin, lines


def found(admin: Admin, query: str) -> list[UUID]:
    with admin.transaction(force_rollback=True):
        admin.execute("set local session authorization sent_app")
        admin.execute("select set_config('sent.organization_id', %s, true)", [str(ORG)])
        rows = admin.execute(
            "select id from radar.search_events(%s, %s, %s, null, null, 2000) order by at desc, id desc",
            [Jsonb(parse(query)), START, END],
        ).fetchall()
    return [row[0] for row in rows]


@pytest.mark.parametrize("seed", range(3))
def test_r8_random_queries_find_what_python_finds_in_chunks(
    filled: tuple[Admin, list[Line]], seed: int
) -> None:
    admin, lines = filled
    random = Random(seed)
    if seed == 2:
        admin.execute("analyze ts.radar_event")
    ordered = sorted(lines, key=lambda line: (line.at, line.id), reverse=True)
    hits = 0
    for _ in range(40):
        query = asked(random, SOURCES)
        wanted = [line.id for line in ordered if query.says(line)]
        assert found(admin, query.text) == wanted, query.text
        hits += bool(wanted)
    assert hits > 10


def test_r8_figures_of_chunks_are_those_of_python(filled: tuple[Admin, list[Line]]) -> None:
    admin, lines = filled
    with admin.transaction(force_rollback=True):
        admin.execute("set local session authorization sent_app")
        admin.execute("select set_config('sent.organization_id', %s, true)", [str(ORG)])
        tree = Jsonb(parse("program:sshd"))
        total = admin.execute(
            "select sum(amount) from radar.search_histogram(%s, %s, %s, interval '1 hour')",
            [tree, START, END],
        ).fetchone()
        hosts = admin.execute(
            "select value, amount from radar.search_values(%s, %s, %s, 'host', 20)", [tree, START, END]
        ).fetchall()
    sshd = [line for line in lines if line.program == "sshd"]
    assert total == (len(sshd),)
    assert dict(hosts) == {
        host: sum(line.host == host for line in sshd) for host in {line.host for line in sshd}
    }

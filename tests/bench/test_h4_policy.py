"""H4 b: what row-level security costs on a list, and that a search under it uses its index."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import tenants
from bench.measure import ROUNDS, interleaved, report
from psycopg import sql

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster
    from sent.platform.db.engine import Server

pytestmark = pytest.mark.bench

ORGANIZATIONS = 20
ROWS = 10_000
BLOCK = 100
SEARCHES = 50
BLOCKS = 10

LIST = "select id, name, code, note, state, version from core.client {} order by code limit 50"


@pytest.fixture
def full(cluster: Cluster, server: Server, org_a: tenants.OrgFixture) -> Iterator[tuple[Any, Any]]:
    """Return the superuser's and a member's connection to a database of 200,000 clients."""
    with cluster.connect(server.dbname) as admin:
        admin.execute("set session_replication_role = replica")  # filling needs no trail
        admin.execute(
            "insert into core.client (organization_id, name, code, note)"
            " select case when o = 1 then %s else core.uuid7() end, 'client ' || n, 'c' || n,"
            "  'word' || (n %% 500) || ' north' || (o * n %% 977)"
            " from (select generate_series(1, %s) o) x, lateral (select o as same) s,"
            "  generate_series(1, %s) n",
            [org_a.org, ORGANIZATIONS, ROWS],
        )
        admin.execute("set session_replication_role = origin")
        admin.execute("vacuum analyze core.client")
        role, password = tenants.mint(server, org_a.membership)
        with psycopg.connect(
            **server.parameters(), user=role, password=password.reveal(), autocommit=True
        ) as member:
            yield admin, member


def test_h4_policy_overhead_on_a_list(full: tuple[Any, Any], org_a: tenants.OrgFixture) -> None:
    admin, member = full
    bare_query = LIST.format("where organization_id = %s")
    own_query = LIST.format("")

    # One backend for both: two would measure how the scheduler moves them between cores, which is more
    # than the difference looked for. `session_user` is the membership's in its blocks, as after its login.
    def bare() -> None:
        for _ in range(BLOCK):
            admin.execute(bare_query, [org_a.org], prepare=True).fetchall()

    def under_policy() -> None:
        for _ in range(BLOCK):
            admin.execute(own_query, prepare=True).fetchall()

    def as_member(work: Callable[[], None]) -> float:
        admin.execute(sql.SQL("set session authorization {}").format(sql.Identifier(member.info.user)))
        assert admin.execute("select sec.org()").fetchone() == (org_a.org,)
        began = time.perf_counter()
        work()
        passed = time.perf_counter() - began
        admin.execute("reset session authorization")
        return passed

    assert len(member.execute(own_query).fetchall()) == 50
    bare()
    as_member(under_policy)
    medians: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        pairs = [(interleaved(bare, rounds=1)[0], as_member(under_policy)) for _ in range(BLOCKS)]
        medians.append((statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)))
    baseline, value = (statistics.median(each) for each in zip(*medians, strict=True))
    assert report("h4_policy_list_50", value / BLOCK * 1e6, "us", baseline / BLOCK * 1e6, target_ratio=1.3)


def test_h4_search_under_policy_uses_its_index(full: tuple[Any, Any], org_a: tenants.OrgFixture) -> None:
    admin, member = full
    scans = "select idx_scan from pg_stat_user_indexes where indexrelname = 'ix_client_search'"
    direct_query = (
        "select * from core.client c where organization_id = %s and to_tsvector('simple', c.name || ' ' ||"
        " c.code || ' ' || c.note) @@ to_tsquery('simple', 'word7:* & north530:*') order by name, id limit 50"
    )

    def direct() -> None:
        for _ in range(SEARCHES):
            admin.execute(direct_query, [org_a.org], prepare=False).fetchall()

    def under_policy() -> None:
        for _ in range(SEARCHES):
            member.execute("select * from core.search_clients('word7 north530')").fetchall()

    found = member.execute("select id from core.search_clients('word7 north530')").fetchall()
    assert found == [(row[0],) for row in admin.execute(direct_query, [org_a.org], prepare=False).fetchall()]
    assert found
    admin.execute("select pg_stat_force_next_flush()")
    member.execute("select 1")
    before = admin.execute(scans).fetchone()[0]
    baseline, value = interleaved(direct, under_policy)
    for connection in (member, admin):
        connection.execute("select pg_stat_force_next_flush()")
        connection.execute("select 1")
    after = admin.execute(scans).fetchone()[0]
    assert after - before >= 2 * SEARCHES * ROUNDS, "the search did not use its index"
    assert report("h4_policy_search", value / SEARCHES * 1e3, "ms", baseline / SEARCHES * 1e3, target_ratio=3)

"""Two organisations and an attacker: the world in which the tests of H4 happen.

One database with two organisations; the attacker is an *owner* of "beta", so that nothing but the
organisation stands between him and "alpha". Every row of alpha holds the word in `MARK`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg
import pytest
import tenants
from clusters import clone

from sent.platform.config.secrets import role_password
from sent.platform.context import Ctx
from sent.platform.db.engine import Database, Server, fixed
from sent.platform.db.uow import uow

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster

MARK = "alphasecretvalue"


@dataclass(frozen=True)
class World:
    """Two organisations with contents, and the attacker's login."""

    server: Server
    cluster: Cluster
    alpha: UUID
    beta: UUID
    alpha_client: UUID
    alpha_member: UUID
    alpha_role: UUID
    beta_client: UUID
    beta_role: UUID
    role: str
    password: str

    def attacker(self, **options: Any) -> psycopg.Connection[tuple[Any, ...]]:
        """Connect as the owner of beta."""
        given = {"autocommit": True} | options
        return psycopg.connect(**self.server.parameters(), user=self.role, password=self.password, **given)

    def clients_of_alpha(self) -> int:
        """Count alpha's clients as the superuser."""
        rows = self.truth(f"select count(*) from core.client where organization_id = '{self.alpha}'")
        return int(rows[0][0])

    def truth(self, query: str) -> list[tuple[Any, ...]]:
        """Ask as the superuser."""
        with self.cluster.connect(self.server.dbname) as connection:
            return connection.execute(query).fetchall()


async def build(cluster: Cluster, server: Server) -> World:
    """Fill both organisations."""
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as stack:
        app, system, ingest = [
            await stack.enter_async_context(
                Database(server, role, fixed(role_password(role)), trusted=True, name="test")
            )
            for role in ("sent_app", "sent_system", "sent_ingest")
        ]
        found = {}
        for slug, word in (("alpha", MARK), ("beta", "beta")):
            org = await tenants.make_org(system, app, slug)
            client = await _fill(org.ctx, ingest, word)
            async with uow(org.ctx) as tx:
                row = await (await tx.execute("select id from core.role where key = 'owner'")).fetchone()
            assert row is not None
            found[slug] = (org, client, row[0])
    alpha, beta = found["alpha"], found["beta"]
    role, password = tenants.mint(server, beta[0].membership)
    with cluster.connect(server.dbname) as connection:
        connection.execute("analyze")
    return World(
        server, cluster, alpha[0].org, beta[0].org, alpha[1], alpha[0].membership, alpha[2], beta[1], beta[2],
        role, password.reveal(),
    )  # fmt: skip


async def _fill(ctx: Ctx, ingest: Database, word: str) -> UUID:
    from sent.platform.auth.directory import create_client
    from sent.platform.bus.events import publish
    from sent.platform.config import settings_store  # noqa: F401  (the store's table is filled below)
    from sent.platform.jobs.queue import defer

    client = await create_client(ctx, f"{word} client", word, note=word)
    async with uow(ctx) as tx:
        await tx.execute(
            "insert into core.client (organization_id, name, code)"
            " select sec.org(), %s || n, %s || n from generate_series(1, 200) n",
            [word, word],
        )
        await tx.execute(
            "insert into core.setting (organization_id, key, value) values (sec.org(), %s, %s)",
            [f"{word}.key", json.dumps(word)],
        )
        await publish(tx, ctx, f"{word}.happened", {"word": word})
        await defer(tx, f"{word}.task", {"word": word})
        await tx.execute(
            "insert into core.data_key (number, purpose, wrapped) values (1, %s, %s)", [word, word.encode()]
        )
    async with uow(replace(ctx, db=ingest)) as tx:
        await tx.execute(
            "insert into radar.event (at, host, message, fields)"
            " select now() - n * interval '1 second', %s, %s, '{}' from generate_series(1, 100) n",
            [word, word],
        )
    return client.__class__(str(client)) if not isinstance(client, UUID) else client


@pytest.fixture(scope="module")
def world(cluster: Cluster) -> Iterator[World]:
    """Build the two organisations once for all attacks."""
    with clone(cluster, f"h4_{uuid4().hex[:8]}") as server:
        yield asyncio.run(build(cluster, server))


@pytest.fixture
def attacker(world: World) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Return a connection of the attacker."""
    with world.attacker() as connection:
        yield connection


@contextmanager
def unchanged(world: World) -> Iterator[None]:
    """Check that no row of alpha changes meanwhile."""
    digest = f"""
      select md5(string_agg(x, '' order by x)) from (
        select c::text x from core.client c where organization_id = '{world.alpha}'
        union all select m::text from core.membership m where organization_id = '{world.alpha}'
        union all select s::text from core.setting s where organization_id = '{world.alpha}'
        union all select e::text from ts.radar_event e where organization_id = '{world.alpha}') t"""
    before = world.truth(digest)
    yield
    assert world.truth(digest) == before


def readable(connection: psycopg.Connection[Any]) -> list[str]:
    """Return all tables and views the connection may select from, system catalogues included."""
    rows = connection.execute(
        "select format('%I.%I', n.nspname, c.relname) from pg_class c"
        " join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'v', 'm', 'p', 'f') and has_table_privilege(c.oid, 'select')"
        " and has_schema_privilege(n.oid, 'usage') order by 1"
    ).fetchall()
    return [row[0] for row in rows]

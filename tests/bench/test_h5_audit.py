"""H5 b: what the audit triggers cost on one update and on a bulk insert."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import sqlalchemy as sa
import tenants
from alembic.migration import MigrationContext
from alembic.operations import Operations
from bench.measure import ROUNDS, interleaved, report

import sent.platform.db.operations  # noqa: F401  (registers the operations)
from sent.platform.config.secrets import role_password

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster
    from sent.platform.db.engine import Server

pytestmark = pytest.mark.bench

UPDATES = 40
BLOCKS = 5
BULK = 1000


@pytest.fixture
def connection(
    cluster: Cluster, server: Server, org_a: tenants.OrgFixture
) -> Iterator[psycopg.Connection[Any]]:
    """Return `sent_app` on a database with the same tenant table twice: audited, and not."""
    engine = sa.create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(**_superuser(cluster, server))
    )
    with engine.begin() as raw:
        operations = Operations(MigrationContext.configure(raw))
        operations.sql("set role sent_owner")
        for name in ("audited", "bare"):
            operations.create_tenant_table(
                f"core.{name}",
                sa.Column("name", sa.Text(), nullable=False),
                sa.Column("code", sa.Text(), nullable=False),
                sa.Column("note", sa.Text(), nullable=False, server_default=""),
                sa.Column("state", sa.Text(), nullable=False, server_default="active"),
                sa.UniqueConstraint("organization_id", "code", name=f"uq_{name}_code"),
                audit=name == "audited",
            )
        operations.sql("reset role")
    engine.dispose()
    with psycopg.connect(
        **server.parameters(),
        user="sent_app",
        password=role_password("sent_app").reveal(),
        autocommit=True,
    ) as found:
        found.execute("select set_config('sent.organization_id', %s, false)", [str(org_a.org)])
        found.execute("select set_config('sent.actor_id', %s, false)", [str(org_a.owner)])
        for name in ("audited", "bare"):
            bulk(found, name, "seed")
        yield found


def _superuser(cluster: Cluster, server: Server) -> dict[str, Any]:
    from sent.platform.db.embedded.cluster import SUPERUSER

    return server.parameters() | {"user": SUPERUSER, "password": cluster.password.reveal()}


def bulk(connection: psycopg.Connection[Any], table: str, prefix: str) -> None:
    """Insert 1,000 rows in one statement."""
    connection.execute(
        f"insert into core.{table} (organization_id, name, code, note)"
        " select sec.org(), 'client ' || n, %s || n, 'a note of usual length about client ' || n"
        " from generate_series(1, %s) n",
        [prefix, BULK],
    )


def test_h5_single_update(connection: psycopg.Connection[Any]) -> None:
    """One committed transaction each, durable as in service."""
    assert connection.execute("show fsync").fetchone() == ("on",)

    def updates(table: str) -> None:
        for number in range(UPDATES):
            connection.execute(
                f"update core.{table} set name = 'other' where organization_id = sec.org() and code = %s",
                [f"seed{number + 1}"],
                prepare=True,
            )

    updates("bare")
    updates("audited")
    baseline, value = interleaved(lambda: updates("bare"), lambda: updates("audited"), rounds=ROUNDS * BLOCKS)
    entries = connection.execute("select count(*) from audit.entry where action = 'update'").fetchone()
    assert entries == ((ROUNDS * BLOCKS + 1) * UPDATES,)
    assert report(
        "h5_audit_single_update", value / UPDATES * 1e6, "us", baseline / UPDATES * 1e6, target_ratio=1.5
    )


def test_h5_bulk_insert(connection: psycopg.Connection[Any]) -> None:
    turn = iter(range(1000))
    bulk(connection, "bare", "warm")
    bulk(connection, "audited", "warm")
    baseline, value = interleaved(
        lambda: bulk(connection, "bare", f"b{next(turn)}-"),
        lambda: bulk(connection, "audited", f"a{next(turn)}-"),
        rounds=3 * ROUNDS,
    )
    assert report("h5_audit_bulk_insert", value * 1e3, "ms", baseline * 1e3, target_ratio=3)

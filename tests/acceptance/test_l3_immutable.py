"""L3: what is booked cannot be changed by any role of the product, and what a superuser changes is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import pytest
from books import Books, open_books
from tenants import OrgFixture

from sent.engines.capital import api

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster
    from sent.platform.db.engine import Server

ROLES = (
    "sent_owner", "sent_app", "sent_system", "sent_ingest", "sent_broker", "sent_minter", "sent_staff",
    "sent_definer", "sent_audit", "sent_auth", "sent_keeper",
)  # fmt: skip
CHANGES = (
    "update capital.line set amount = amount * 2",
    "delete from capital.line",
    "truncate capital.line",
    "update capital.entry set memo = 'nothing happened'",
    "delete from capital.entry",
    "truncate capital.entry cascade",
)


@pytest.fixture
async def books(org_a: OrgFixture) -> Books:
    """Return books with five entries, sealed."""
    found = await open_books(org_a.ctx)
    for n in range(1, 6):
        await api.post(found.ctx, found.draft(found.bank, found.sales, f"{n}.00", memo=f"sale {n}"))
    for _ in range(3):
        await api.upkeep(found.ctx)
    return found


@pytest.mark.parametrize("role", ROLES)
async def test_l3_no_role_changes_what_is_booked(
    books: Books, cluster: Cluster, server: Server, role: str
) -> None:
    with cluster.connect(server.dbname) as connection:
        connection.execute("select set_config('sent.organization_id', %s, false)", [str(books.ctx.org)])
        before = connection.execute("select * from capital.line order by seq, n").fetchall()
        connection.execute(f"set role {role}")
        for statement in CHANGES:
            with pytest.raises(psycopg.Error) as refused:
                connection.execute(statement)
            assert refused.value.sqlstate in ("42501", "SN403"), statement
        connection.execute("reset role")
        assert connection.execute("select * from capital.line order by seq, n").fetchall() == before


def tampered(connection: Any, statement: str, *values: object) -> None:
    """Change something as a superuser who has switched the triggers off."""
    connection.execute("set session_replication_role = replica")
    assert connection.execute(statement, values).rowcount >= 1
    connection.execute("reset session_replication_role")


async def test_l3_verify_finds_nothing_in_books_that_nobody_touched(books: Books) -> None:
    found = await api.verify(books.ctx)
    assert (found.entries, found.blocks, found.unsealed, found.findings) == (5, 1, 0, ())
    await api.post(books.ctx, books.draft(books.bank, books.sales, "9.00"))
    assert (await api.verify(books.ctx)).unsealed == 1


@pytest.mark.parametrize(
    "statement",
    [
        "update capital.line set amount = amount + 0.00000001 where seq = %s and n = 1",
        "update capital.line set commodity = 'USD' where seq = %s and n = 2",
        "update capital.line set day = day + 1 where seq = %s",
        "update capital.entry set memo = memo || ' ' where seq = %s",
        "update capital.entry set booked_at = booked_at + interval '1 microsecond' where seq = %s",
        "delete from capital.line where seq = %s and n = 2",
    ],
)
async def test_l3_verify_names_the_entry_of_which_one_byte_was_changed(
    books: Books, cluster: Cluster, server: Server, statement: str
) -> None:
    with cluster.connect(server.dbname) as connection:
        seq, entry = connection.execute(
            "select seq, id from capital.entry where memo = 'sale 3'"
        ).fetchone() or (0, UUID(int=0))
        tampered(connection, statement, seq)
    (finding,) = (await api.verify(books.ctx)).findings
    assert (finding.seq, finding.entry, finding.what) == (seq, entry, "changed")


async def test_l3_verify_names_what_is_gone_and_what_was_slipped_in(
    books: Books, cluster: Cluster, server: Server
) -> None:
    with cluster.connect(server.dbname) as connection:
        tampered(connection, "delete from capital.entry where memo = 'sale 2'")
        assert [one.what for one in (await api.verify(books.ctx)).findings] == ["missing"]
        row = "organization_id, journal_id, kind, day"
        tampered(
            connection,
            f"insert into capital.entry (id, seq, {row}) select gen_random_uuid(), seq - 1, {row}"
            " from capital.entry where memo = 'sale 3'",
        )
    assert [one.what for one in (await api.verify(books.ctx)).findings] == ["changed"]


async def test_l3_verify_names_a_seal_that_was_changed(
    books: Books, cluster: Cluster, server: Server
) -> None:
    with cluster.connect(server.dbname) as connection:
        tampered(
            connection, "update capital.block set digests = set_byte(digests, 40, get_byte(digests, 40) # 1)"
        )
    found = (await api.verify(books.ctx)).findings
    assert [one.what for one in found] == ["chain", "changed"]

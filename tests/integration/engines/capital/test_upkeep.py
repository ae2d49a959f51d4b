"""The ledger's service: every organisation's entries are counted and sealed, late reservations freed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

from books import open_books
from tenants import OrgFixture

from sent.engines.capital import api, store
from sent.engines.capital.manifest import BOOKED
from sent.platform.context import Ctx
from sent.platform.db.uow import transaction
from sent.platform.ids import uuid7
from sent.workers.capital import Capital

if TYPE_CHECKING:
    from sent.platform.db.engine import Database


async def test_a_round_keeps_the_ledgers_of_all_organisations(
    org_a: OrgFixture, org_b: OrgFixture, system_db: Database, app_db: Database
) -> None:
    for org in (org_a, org_b):
        books = await open_books(org.ctx)
        await api.post(org.ctx, books.draft(books.bank, books.wallet, "5.00"))
        soon = datetime.now(UTC) + timedelta(microseconds=1)
        late = books.draft(books.wallet, books.sales, "2.00", kind="pending", expires_at=soon)
        await api.post(org.ctx, late)
    host = SimpleNamespace(
        system=system_db, ctx=lambda org: Ctx(app_db, org, uuid7()), service=SimpleNamespace(id="capital")
    )
    service = Capital(host)  # type: ignore[arg-type]
    for _ in range(3):
        await service.once()
    assert service.metrics() == {
        "ledger_lines_counted_total": 4.0,
        "ledger_entries_sealed_total": 6.0,
        "ledger_reservations_expired_total": 2.0,
    }
    for org in (org_a, org_b):
        found = await api.verify(org.ctx)
        assert (found.entries, found.unsealed, found.findings) == (3, 0, ())
    async with transaction(system_db) as tx:
        assert await store.unsettled(tx) == []
        told = await tx.execute("select organization_id from core.outbox where topic = %s", [BOOKED])
        assert {row[0] for row in await told.fetchall()} == {org_a.org, org_b.org}

"""Many documents and payments at once come to the same as one by one, and all of them or none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from tenants import OrgFixture

from sent.engines.capital import api as ledger
from sent.engines.capital.billing import api
from sent.platform.context import Ctx
from sent.platform.errors import Conflict, Invalid
from sent.platform.ids import uuid7

DAY = date(2026, 5, 4)


@pytest.fixture
async def ctx(org_a: OrgFixture) -> Ctx:
    await ledger.set_up(org_a.ctx, "uk", year_starts=(4, 1))
    await api.set_up_taxes(org_a.ctx, "uk")
    return org_a.ctx


async def customer(ctx: Ctx) -> api.Party:
    sales = next(one.id for one in await ledger.accounts(ctx) if one.code == "4000")
    return await api.save_party(ctx, api.Party("customer", "C1", "Quay", account=sales))


def draft(party: UUID, price: str = "33.33", **more: object) -> api.DocumentDraft:
    lines = [
        api.DocumentLine("Guard", Decimal(7), Decimal(price), "S20"),
        api.DocumentLine("Fuel", Decimal(1), Decimal("0.07"), "S5", discount=Decimal(10)),
    ]
    return api.DocumentDraft("invoice", party, DAY, lines, **more)  # type: ignore[arg-type]


async def held(ctx: Ctx) -> dict[UUID, Decimal]:
    return {one.account: one.amount for one in await ledger.balances(ctx)}


async def test_documents_at_once_are_those_one_by_one(ctx: Ctx) -> None:
    party = await customer(ctx)
    alone = await api.issue(ctx, (await api.save_document(ctx, draft(party.id))).id)
    before = await held(ctx)
    wanted = [draft(party.id), draft(party.id)]
    assert await api.issue_batch(ctx, wanted) == ["INV-2026-00002", "INV-2026-00003"]
    assert await held(ctx) == {account: 3 * amount for account, amount in before.items()}
    for one in wanted:
        made = (await api.document(ctx, one.id)).document
        own = {"id": alone.id, "number": alone.number, "entry": alone.entry, "issued_at": alone.issued_at}
        assert replace(made, **own) == alone
    (box,) = [x for x in (await api.tax_report(ctx, DAY, DAY)).boxes if (x.number, x.what) == ("1", "tax")]
    assert box.amount == 3 * (alone.tax or 0)


async def test_one_that_is_refused_takes_back_all_and_leaves_no_gap(ctx: Ctx) -> None:
    party = await customer(ctx)
    with pytest.raises(Invalid, match="below nothing"):
        await api.issue_batch(ctx, [draft(party.id), draft(party.id, "-33.33")])
    with pytest.raises(Invalid, match="no rate of EUR"):
        await api.issue_batch(ctx, [draft(party.id), draft(party.id, commodity="EUR")])
    assert await api.documents(ctx) == []
    assert await api.issue_batch(ctx, [draft(party.id)]) == ["INV-2026-00001"]


async def test_payments_at_once_settle_and_never_more_than_is_open(ctx: Ctx) -> None:
    party = await customer(ctx)
    wanted = [draft(party.id), draft(party.id)]
    await api.issue_batch(ctx, wanted)
    gross = (await api.document(ctx, wanted[0].id)).document.gross or Decimal(0)
    bank = next(one.id for one in await ledger.accounts(ctx) if one.code == "1200")

    def paid(document: UUID, amount: Decimal, key: str) -> api.Payment:
        part = api.Money(document, amount)
        return api.Payment(party.id, "in", DAY, amount, "GBP", bank, [part], key=key, id=uuid7())

    first = paid(wanted[0].id, gross, "a")
    with pytest.raises(Conflict, match="more is allocated"):
        await api.pay_batch(ctx, [first, paid(wanted[1].id, gross + 1, "b")])
    assert [one.status for one in await api.documents(ctx)] == ["open", "open"]
    made = await api.pay_batch(ctx, [first, paid(wanted[1].id, Decimal(1), "b")])
    assert {one.status for one in await api.documents(ctx)} == {"paid", "part paid"}
    again = [replace(first, id=uuid7()), paid(wanted[1].id, Decimal(1), "b")]
    assert await api.pay_batch(ctx, again) == made
    assert (await held(ctx))[bank] == gross + 1

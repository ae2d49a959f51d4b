"""A small company that sells and buys, for tests: books of a country, taxes, a customer and a supplier."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sent.engines.capital import api as ledger
from sent.engines.capital.billing import api
from sent.platform.context import Ctx

DAY = date(2026, 3, 14)


@dataclass(frozen=True)
class Trade:
    """`accounts` by role, the first of each (tax: owed, input: to get back)."""

    ctx: Ctx
    accounts: dict[str, UUID]
    customer: api.Party
    supplier: api.Party

    def line(self, price: str, tax: str = "S20", quantity: str = "1", **more: object) -> api.DocumentLine:
        """Return a line."""
        text = str(more.pop("text", "Night patrol"))
        return api.DocumentLine(text, Decimal(quantity), Decimal(price), tax, **more)  # type: ignore[arg-type]

    async def draft(self, *lines: api.DocumentLine, **more: object) -> api.Document:
        """Save an invoice (or another `kind`) as a draft."""
        kind = str(more.pop("kind", "invoice"))
        party = self.customer if kind in ("invoice", "sales_credit") else self.supplier
        day = more.pop("day", DAY)
        draft = api.DocumentDraft(kind, party.id, day, lines, **more)  # type: ignore[arg-type]
        return await api.save_document(self.ctx, draft)

    async def issued(self, *lines: api.DocumentLine, **more: object) -> api.Document:
        """Save and issue a document."""
        return await api.issue(self.ctx, (await self.draft(*lines, **more)).id)

    async def received(self, amount: str, *parts: api.Money, **more: object) -> api.Paid:
        """Book money from the customer."""
        payment = api.Payment(
            self.customer.id, "in", more.pop("day", DAY), Decimal(amount), str(more.pop("commodity", "GBP")),
            self.accounts["cash"], parts, **more,
        )  # type: ignore[arg-type]  # fmt: skip
        return await api.pay(self.ctx, payment)

    async def amounts(self, commodity: str = "GBP") -> dict[str, Decimal]:
        """Return the balances of the named accounts."""
        found = {
            one.account: one.amount for one in await ledger.balances(self.ctx) if one.commodity == commodity
        }
        return {name: found[id] for name, id in self.accounts.items() if found.get(id)}


async def open_trade(ctx: Ctx, template: str = "uk") -> Trade:
    """Set up books and taxes of a country, a customer and a supplier."""
    await ledger.set_up(ctx, template)
    await api.set_up_taxes(ctx, template, state="TX", rate=Decimal("8.25"))
    accounts: dict[str, UUID] = {}
    for one in await ledger.accounts(ctx):
        name = "input" if one.role == "tax" and one.kind == "asset" else one.role
        accounts.setdefault(name or one.code, one.id)
    customer = api.Party(
        "customer", "C100", "Harbour Logistics Ltd", "Unit 4, Quay Road\nBristol BS1 4XY", "GB",
        "GB123456789",         account=accounts["sales"],
    )  # fmt: skip
    supplier = api.Party(
        "supplier", "S100", "Lamp & Lock Ltd", country="GB", account=accounts["cost_of_sales"]
    )
    return Trade(ctx, accounts, await api.save_party(ctx, customer), await api.save_party(ctx, supplier))

"""Billing's api over documents in memory, for tests of the Invoices page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from ui.capital_books import FakeBooks
from ui.capital_years import tax_report

from sent.engines.capital.api import Draft, Line
from sent.engines.capital.billing import api
from sent.engines.capital.billing.owed import aged
from sent.platform.errors import Conflict, Invalid, SentError
from sent.platform.ids import uuid7
from sent.ui.pages.capital.fields import today


class FakeBilling:
    """A British company that sells to two and buys from one; documents as billing keeps them."""

    Document, DocumentDraft, DocumentLine, Money = (
        api.Document,
        api.DocumentDraft,
        api.DocumentLine,
        api.Money,
    )
    Party, Payment, DunningLevel = api.Party, api.Payment, api.DunningLevel
    totals, cash_discount = staticmethod(api.totals), staticmethod(api.cash_discount)

    def __init__(self, books: FakeBooks, *, documents: int = 0) -> None:
        self.books = books
        sales = books.account("4000").id if books.chart else None
        buys = books.account("5000").id if books.chart else None
        self.known = [] if not books.chart else [
            api.Party("customer", "C100", "Harbour Logistics Ltd", terms_days=14, account=sales),
            api.Party("customer", "C101", "Old Mill Studios", account=sales, discount_percent=Decimal(2),
                      discount_days=10),
            api.Party("supplier", "S100", "Lamp & Lock Ltd", account=buys),
        ]  # fmt: skip
        self.codes = [
            api.TaxCode("S20", "VAT 20 %", "sale", "standard", Decimal(20)),
            api.TaxCode("S0", "Zero rated", "sale", "zero", Decimal(0), reason="zero"),
            api.TaxCode("P20", "VAT 20 % on purchases", "purchase", "standard", Decimal(20)),
        ]
        self.kept: dict[UUID, api.Document] = {}
        self.lines_of: dict[UUID, list[api.DocumentLine]] = {}
        self.paid: list[tuple[api.Payment, list[api.Allocated]]] = []
        self.sent: list[api.DunningLetter] = []
        self.steps: list[api.DunningLevel] = []
        self.kept_settings = api.Settings()
        self.taxes_asked: list[tuple[str, str | None, Decimal | None]] = []
        self.refuse = ""
        self.broken: SentError | None = None
        for n in range(documents):
            self.add(n)

    def add(self, n: int, **changes: Any) -> api.Document:
        """Issue one more document: most are invoices, some are late, some are paid or drafts."""
        kind = "bill" if n % 5 == 4 else "invoice"
        party = self.known[2] if kind == "bill" else self.known[n % 2]
        day = today() - timedelta(days=11 * n + 1)
        tax = "P20" if kind == "bill" else "S20"
        lines = [
            api.DocumentLine("Night patrol, gate 4 to quay", Decimal(8 + n), Decimal("45.00"), tax),
            api.DocumentLine("Alarm response", Decimal(2), Decimal("120.50"), tax, discount=Decimal(5)),
        ]
        draft = api.DocumentDraft(
            kind, party.id, day, lines, commodity="GBP", reference=f"PO {4000 + n}", **changes
        )
        made = self._save(draft)
        return made if n % 7 == 6 else self._issue(made)

    def document_named(self, number: str) -> api.Document:
        return next(one for one in self.kept.values() if one.number == number)

    def _party(self, id: UUID) -> api.Party:
        return next(one for one in self.known if one.id == id)

    def _save(self, draft: api.DocumentDraft) -> api.Document:
        party = self._party(draft.party)
        before = self.kept.get(draft.id)
        if before is not None and before.version != draft.version:
            raise Conflict("capital.document.changed", "somebody else changed the document meanwhile")
        made = api.Document(
            draft.id, draft.kind, "draft", draft.party, None, draft.day,
            draft.due or draft.day + timedelta(days=party.terms_days), draft.delivered,
            draft.commodity or "GBP", draft.rate, draft.reference, draft.intro, draft.note,
            party.discount_percent if draft.discount_percent is None else draft.discount_percent,
            party.discount_days if draft.discount_days is None else draft.discount_days,
            None, draft.credits, None, None, None, Decimal(0), None, None, None, None, None, False,
            draft.version + 1,
        )  # fmt: skip
        self.kept[draft.id] = made
        self.lines_of[draft.id] = list(draft.lines)
        return made

    def _totals(self, document: api.Document) -> Any:
        codes = [
            next((one for one in self.codes if one.code == line.tax), None)
            for line in self.lines_of[document.id]
        ]
        return codes, api.totals(self.lines_of[document.id], codes, 2)

    def _issue(self, draft: api.Document) -> api.Document:
        _, sums = self._totals(draft)
        prefix = {"invoice": "INV", "bill": "BILL"}.get(draft.kind, "CN")
        count = 1 + sum(one.kind == draft.kind and one.number is not None for one in self.kept.values())
        entry = uuid7()
        other = self._party(draft.party).account or uuid7()
        control = self.books.account("1100" if draft.kind == "invoice" else "2100").id
        both = [Line(control, sums.gross, "GBP"), Line(other, -sums.gross, "GBP")]
        self.books.drafts.append(Draft(self.books.kept[0].id, draft.day, both, id=entry))
        made = replace(
            draft, state="issued", number=f"{prefix}-{draft.day.year}-{count:05}", net=sums.net, tax=sums.tax,
            gross=sums.gross, entry=entry, control=control, issued_at=datetime.now(UTC),
            version=draft.version + 1,
        )  # fmt: skip
        self.kept[draft.id] = made
        return made

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken
        if self.refuse:
            raise Invalid("capital.period", self.refuse)

    async def parties(self, _ctx: Any, kind: str | None = None) -> list[api.Party]:
        return [one for one in self.known if kind in (None, one.kind)]

    async def tax_codes(self, _ctx: Any) -> list[api.TaxCode]:
        return self.codes

    async def settings(self, _ctx: Any) -> api.Settings:
        return self.kept_settings

    async def save_settings(self, _ctx: Any, one: api.Settings) -> None:
        self.kept_settings = one

    async def set_up_taxes(
        self, _ctx: Any, name: str, *, state: str | None = None, rate: Decimal | None = None
    ) -> list[api.TaxCode]:
        self.taxes_asked.append((name, state, rate))
        return self.codes

    async def save_party(self, _ctx: Any, one: api.Party) -> api.Party:
        self._check()
        self.known.append(one)
        return one

    async def documents(
        self, _ctx: Any, kind: str | None = None, party: UUID | None = None, most: int = 2000
    ) -> list[api.Document]:
        if self.broken is not None:
            raise self.broken
        return [one for one in self.kept.values() if kind in (None, one.kind)][:most]

    async def document(self, _ctx: Any, id: UUID) -> api.Computed:
        codes, sums = self._totals(self.kept[id])
        return api.Computed(self.kept[id], tuple(self.lines_of[id]), tuple(codes), sums, 2)

    async def save_document(self, _ctx: Any, draft: api.DocumentDraft) -> api.Document:
        return self._save(draft)

    async def delete_document(self, _ctx: Any, id: UUID) -> None:
        self._check()
        del self.kept[id]

    async def issue(self, _ctx: Any, id: UUID, _day: date | None = None) -> api.Document:
        self._check()
        return self._issue(self.kept[id])

    async def credit(self, _ctx: Any, id: UUID, day: date, *_rest: Any) -> api.Document:
        self._check()
        about = self.kept[id]
        kind = "sales_credit" if about.kind == "invoice" else "purchase_credit"
        return self._save(
            api.DocumentDraft(kind, about.party, day, self.lines_of[id], due=day, credits=id, reference="x")
        )

    async def void(self, ctx: Any, id: UUID, day: date, why: str) -> api.Document:
        about = self.kept[id]
        self.kept[id] = replace(about, settled=about.gross or Decimal(0), note=why)
        return self._issue(await self.credit(ctx, id, day))

    async def allocations(self, _ctx: Any, id: UUID) -> list[api.Allocated]:
        return [part for _, parts in self.paid for part in parts if part.document == id]

    async def pay(self, _ctx: Any, payment: api.Payment) -> api.Paid:
        self._check()
        parts = []
        for one in payment.parts:
            about = self.kept[one.document]
            taken = one.amount + one.discount + one.write_off
            if taken > about.open:
                raise Conflict("capital.over", "more than is open")
            self.kept[about.id] = replace(about, settled=about.settled + taken)
            parts.append(
                api.Allocated(
                    uuid7(), uuid7(), "payment", about.id, payment.id, None, payment.day, taken, None
                )
            )
        self.paid.append((payment, parts))
        return api.Paid(payment.id, uuid7(), tuple(part.group for part in parts))

    def _off(self, gone: Sequence[api.Allocated]) -> None:
        for part in gone:
            about = self.kept[part.document]
            self.kept[about.id] = replace(about, settled=about.settled - part.amount)
        self.paid = [(one, [part for part in parts if part not in gone]) for one, parts in self.paid]

    async def undo_payment(self, _ctx: Any, payment: UUID, _day: date, _why: str = "") -> None:
        self._off([part for one, parts in self.paid if one.id == payment for part in parts])
        self.paid = [each for each in self.paid if each[0].id != payment]

    async def unallocate(self, _ctx: Any, group: UUID, _day: date, _why: str = "") -> None:
        self._off([part for _, parts in self.paid for part in parts if part.group == group])

    async def tax_report(self, _ctx: Any, starts: date, ends: date) -> api.TaxReport:
        return tax_report(starts, ends)

    async def open_items(self, _ctx: Any, day: date, kind: str | None = None) -> list[api.OpenItem]:
        found = []
        for one in self.kept.values():
            side = "receivable" if one.kind in ("invoice", "sales_credit") else "payable"
            if one.open and kind in (None, side) and one.day <= day:
                party = self._party(one.party)
                sign = -1 if one.kind in ("sales_credit", "purchase_credit") else 1
                found.append(
                    api.OpenItem(
                        one.id, one.kind, side, one.number or "", party.id, party.name, one.commodity,
                        sign * (one.gross or Decimal(0)), sign * one.open, one.day, one.due, one.reference,
                    )
                )  # fmt: skip
        return found

    async def aging(self, ctx: Any, day: date, kind: str) -> list[api.Aged]:
        return aged(await self.open_items(ctx, day, kind), day)

    async def pdf(self, _ctx: Any, id: UUID) -> bytes:
        return b"%PDF-1.4 " + str(id).encode()

    async def letter_pdf(self, _ctx: Any, id: UUID) -> bytes:
        return b"%PDF-1.4 letter " + str(id).encode()

    async def levels(self, _ctx: Any) -> list[api.DunningLevel]:
        return self.steps

    async def save_levels(self, _ctx: Any, wanted: Sequence[api.DunningLevel]) -> None:
        self.steps = list(wanted)

    async def letters(self, _ctx: Any, party: UUID | None = None) -> list[api.DunningLetter]:
        return [one for one in self.sent if party in (None, one.party)]

    async def dunning_proposal(self, ctx: Any, day: date) -> list[api.DunningLetter]:
        found: dict[UUID, list[api.DunningItem]] = {}
        told = {item.document for one in self.sent for item in one.items}
        items = await self.open_items(ctx, day, "receivable")
        for one in items:
            late = (day - one.due).days
            if self.steps and late >= self.steps[0].days and one.id not in told:
                item = api.DunningItem(one.id, one.number, one.day, one.due, late, one.open, Decimal(0), 1)
                found.setdefault(one.party, []).append(item)
        level = self.steps[0] if self.steps else None
        return [
            api.DunningLetter(
                party, self._party(party).name, "GBP", day, 1, level.title, level.body, tuple(each),
                Decimal(0),
            )
            for party, each in found.items()
            if level is not None
        ]  # fmt: skip

    async def dunning_run(
        self, ctx: Any, day: date, parties: Sequence[UUID] | None = None
    ) -> list[api.DunningLetter]:
        found = [
            one for one in await self.dunning_proposal(ctx, day) if parties is None or one.party in parties
        ]
        self.sent += found
        return found

"""The bank's api over a statement in memory, for tests of the Bank page; what is pure is the real thing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from ui.capital_billing import FakeBilling
from ui.capital_books import TODAY, FakeBooks, FakeReports
from ui.capital_years import FakeSchedules

from sent.engines.capital.bank import api
from sent.engines.capital.bank.proposals import proposals, taken_alone
from sent.platform.errors import Conflict, Invalid, SentError
from sent.platform.ids import uuid7
from sent.ui.pages.capital.fields import today


class FakeBank:
    """One bank account of a British company, with open invoices of `FakeBilling`."""

    Taken, Proposal, Rule, CsvMapping = api.Taken, api.Proposal, api.Rule, api.CsvMapping
    DELIMITERS, DAY_FORMATS = api.DELIMITERS, api.DAY_FORMATS
    fits, heading, detected = staticmethod(api.fits), staticmethod(api.heading), staticmethod(api.detected)
    propose_mapping = staticmethod(api.propose_mapping)
    read_statements = staticmethod(api.read_statements)

    def __init__(self, books: FakeBooks, billing: FakeBilling, *, accounts: int = 1) -> None:
        self.books, self.billing = books, billing
        self.accounts = [self._bank(n) for n in range(accounts)] if books.chart else []
        self.movements: dict[UUID, api.Movement] = {}
        self.matches: dict[UUID, api.Proposal] = {}
        self.kept_rules: list[api.Rule] = []
        self.mapping: api.CsvMapping | None = None
        self.imports: list[tuple[bytes, str | None]] = []
        self.broken: SentError | None = None
        self.refuse = ""
        self.asked = 0

    def _bank(self, n: int) -> api.BankAccount:
        account = self.books.account(("1200", "1210")[n])
        journal = self.books.kept[-1].id
        name = ("House bank", "Reserve")[n]
        return api.BankAccount(uuid7(), account.id, journal, name, "GBP", "", None)

    def tell(self, amount: str, party: str = "", text: str = "", *, ago: int = 1) -> api.Movement:
        """Add a line of the statement."""
        day = today() - timedelta(days=ago)
        made = api.Movement(uuid7(), day, Decimal(amount), "GBP", party, "", text)
        self.movements[made.id] = made
        return made

    def tell_month(self) -> None:
        """Add a month: what is certain, what is likely, what nobody knows."""
        late = [one for one in self.billing.kept.values() if one.kind == "invoice" and one.open]
        for n, one in enumerate(late[:5]):
            party = self.billing._party(one.party).name.upper()
            text = f"PAYMENT {one.number}" if n != 2 else "THANKS"
            self.tell(str(one.open), party, text, ago=n + 1)
        self.tell("-64.20", "SHELL 0423", "CARD 8812 FUEL M5 SERVICES", ago=2)
        self.tell("-850.00", "Quayside Lettings", "RENT UNIT 4 MARCH", ago=3)
        self.tell("-7.90", "", "ACCOUNT FEE", ago=4)
        self.tell("300.00", "OLD MILL STUDIOS", "PART PAYMENT", ago=5)

    def left(self) -> list[api.Movement]:
        taken = {id for one in self.matches.values() for id in one.movements}
        return sorted((m for m in self.movements.values() if m.id not in taken), key=lambda m: m.day)

    def opens(self) -> list[api.Open]:
        gone = {part.open.id for one in self.matches.values() for part in one.taken}
        found = []
        for one in self.billing.kept.values():
            if one.open and one.kind in ("invoice", "bill") and str(one.id) not in gone:
                sign = 1 if one.kind == "invoice" else -1
                party = self.billing._party(one.party).name
                found.append(
                    api.Open(
                        str(one.id), sign * one.open, "GBP", one.day, one.number or "", party,
                        "invoice" if sign > 0 else "bill", one.control,
                    )
                )  # fmt: skip
        return found

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken

    async def bank_accounts(self, _ctx: Any) -> list[api.BankAccount]:
        self._check()
        return self.accounts

    async def open_bank_account(
        self, _ctx: Any, account: UUID, journal: UUID, name: str, *, commodity: str, iban: str = ""
    ) -> UUID:
        made = api.BankAccount(uuid7(), account, journal, name, commodity, iban, None)
        self.accounts.append(made)
        return made.id

    async def unmatched(self, _ctx: Any, _bank: UUID, _until: date | None = None) -> list[api.Movement]:
        self._check()
        return self.left()

    async def candidates(self, _ctx: Any, _bank: UUID, _day: date) -> list[api.Open]:
        return self.opens()

    async def propose(self, _ctx: Any, _bank: UUID) -> list[api.Proposal]:
        self.asked += 1
        return proposals(self.left(), self.opens(), self.kept_rules, api.Learned())

    async def reconciled(self, _ctx: Any, _bank: UUID, until: date) -> api.Reconciled:
        total = sum((one.amount for one in self.movements.values()), Decimal(0))
        left = sum((one.amount for one in self.left()), Decimal(0))
        return api.Reconciled(
            until, 1000 + total, 1000 + total - left, Decimal(0), Decimal(0), left, Decimal(0), Decimal(0),
            (), tuple(self.left()),
        )  # fmt: skip

    async def accept(self, _ctx: Any, _bank: UUID, proposal: api.Proposal) -> UUID:
        self._check()
        if self.refuse:
            raise Invalid("capital.bank.refused", self.refuse)
        waiting = {one.id for one in self.left()}
        if set(proposal.movements) - waiting:
            raise Conflict("capital.bank.matched", "a movement is matched already: look again")
        made = uuid7()
        self.matches[made] = proposal
        return made

    async def undo(self, _ctx: Any, match: UUID) -> None:
        if self.matches.pop(match, None) is None:
            raise Conflict("capital.bank.undone", "it is undone already")

    async def held(self, _ctx: Any, _bank: UUID, most: int = 1000) -> list[api.Held]:
        found = [
            api.Held(id, "auto", one.confidence, "", one.movements, ()) for id, one in self.matches.items()
        ]
        return found[::-1][:most]

    async def auto_match(self, ctx: Any, bank: UUID) -> api.AutoMatched:
        sure = [one for one in await self.propose(ctx, bank) if taken_alone(one, api.AUTO)]
        for one in sure:
            await self.accept(ctx, bank, one)
        by_rule = sum(one.kind == "book" for one in sure)
        return api.AutoMatched(sum(len(one.movements) for one in sure), by_rule, len(self.left()), ())

    async def save_rule(self, _ctx: Any, rule: api.Rule) -> UUID:
        self.kept_rules.append(rule)
        return rule.id

    async def saved_mapping(self, _ctx: Any, _bank: UUID) -> api.CsvMapping | None:
        return self.mapping

    async def save_mapping(self, _ctx: Any, _bank: UUID, mapping: api.CsvMapping) -> None:
        self.mapping = mapping

    async def import_statement(
        self, _ctx: Any, _bank: UUID, data: bytes, *, format: api.Format | None = None
    ) -> api.Imported:
        self.imports.append((data, format))
        kind, found = api.read_statements(data, format=format, mapping=self.mapping, commodity="GBP")
        lines: Sequence[api.StatementLine] = [line for one in found for line in one.lines]
        known = {(one.day, one.amount, one.text) for one in self.movements.values()}
        fresh = [one for one in lines if (one.day, one.amount, one.text) not in known]
        for one in fresh:
            made = api.Movement(
                uuid7(), one.day, one.amount, one.commodity, one.counterparty, one.iban, one.text
            )
            self.movements[made.id] = made
        return api.Imported(len(fresh), len(lines) - len(fresh), (uuid7(),), kind)


def books_apis() -> dict[str, Any]:
    """Return the apis of Capital's pages over one company's books, for walks through all places."""
    books = FakeBooks(lines=40)
    books.open_months(TODAY)
    billing = FakeBilling(books, documents=24)
    billing.steps = [api_level(1, 7)]
    bank = FakeBank(books, billing)
    bank.tell_month()
    reports = FakeReports(books)
    return {
        "capital": books, "capital.reports": reports, "capital.billing": billing, "capital.bank": bank,
        "capital.schedules": FakeSchedules(),
    }  # fmt: skip


def api_level(n: int, days: int) -> Any:
    """Return a level of reminders."""
    return FakeBilling.DunningLevel(n, days, "Payment reminder", "Please pay.")

"""The demo's bank account: what moved, what of it is booked, and the statements that tell of it.

The last days of the newest month are on the statement only, with some lines that belong to nothing known: the
work that is left to do. All before is booked and matched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from sent.engines.capital.bank import api as bank
from sent.engines.capital.billing import api as billing
from sent.engines.demo import months, trade
from sent.engines.demo.desk import Desk, post
from sent.engines.demo.months import CENT, Written
from sent.engines.demo.statement import Moved, camt053

WAITING = 11
"""So many payments are on the statement and not in the books; beside them stands what nobody knows."""
SURE_ENOUGH = 0.5
"""The statements tell what was booked from the same plan: what fits best is right."""


@dataclass(frozen=True, slots=True)
class Movement:
    """A line of the bank with what it is in the books: a document's payment or an entry."""

    moved: Moved
    document: UUID | None = None
    entry: Written | None = None


def movements(desk: Desk) -> list[Movement]:
    """Return what moved on the account, by day."""
    found = []
    for paid in desk.plan.payments:
        document = desk.documents[paid.document]
        amount = _pounds(desk, document, paid.day)
        text = f"{document.number}" if document.kind == "invoice" else document.reference
        if document.kind == "bill":
            amount = -amount
        party = desk.parties[document.party].name
        moved = Moved(f"P{document.id.hex[:14]}", paid.day, amount, party, text)
        found.append(Movement(moved, document=document.id))
    for one in desk.plan.entries:
        if one.party:
            amount = sum((value for code, value in one.sides if code == "1200"), Decimal(0))
            moved = Moved(f"E{one.key.replace(':', '')}", one.day, amount, one.party, one.text)
            found.append(Movement(moved, entry=one))
    return sorted(found, key=lambda one: (one.moved.day, one.moved.id))


def _pounds(desk: Desk, document: billing.Document, day: date) -> Decimal:
    gross = document.gross or Decimal(0)
    return gross if document.commodity == "GBP" else (gross * desk.rate(day)).quantize(CENT)


async def book(desk: Desk, mine: Sequence[Movement]) -> None:
    """Book what moved."""
    await post(desk, [one.entry for one in mine if one.entry is not None])
    payments = [_payment(desk, one) for one in mine if one.document is not None]
    home = [one for one in payments if desk.documents[one.parts[0].document].commodity == "GBP"]
    for start in range(0, len(home), 1000):
        await billing.pay_batch(desk.ctx, home[start : start + 1000])
    for payment in payments:
        if desk.documents[payment.parts[0].document].commodity != "GBP":
            await billing.pay(desk.ctx, payment)


def _payment(desk: Desk, one: Movement) -> billing.Payment:
    document = desk.documents[one.document or UUID(int=0)]
    return billing.Payment(
        document.party, "in" if one.moved.amount > 0 else "out", one.moved.day, abs(one.moved.amount), "GBP",
        desk.accounts["1200"], [billing.Money(document.id, document.gross or Decimal(0))], one.moved.text,
        one.moved.party, f"demo:pay:{document.id}",
    )  # fmt: skip


async def reconcile(desk: Desk, mine: Sequence[Movement], waiting: Sequence[Movement]) -> None:
    """Import the statements of all months and match what is booked; the last lines are left as they are."""
    ctx, plan = desk.ctx, desk.plan
    account = await _account(desk)
    opening = months.OPENING_CASH
    for n in range(months.MONTHS):
        starts, ends = plan.month(n), min(months.last(plan.month(n)), mine[-1].moved.day)
        lines = [one.moved for one in mine if starts <= one.moved.day <= ends]
        if lines:
            told = camt053(f"{starts:%Y-%m}", trade.IBAN, (starts, ends), opening, lines)
            await bank.import_statement(ctx, account, told)
            opening += sum((one.amount for one in lines), Decimal(0))
    await bank.auto_match(ctx, account, SURE_ENOUGH, opens=[])
    span = (waiting[0].moved.day, plan.cutoff)
    rest = sorted([*(one.moved for one in waiting), *_loose(span)], key=lambda one: one.day)
    await bank.import_statement(ctx, account, camt053(f"{span[1]:%Y-%m}b", trade.IBAN, span, opening, rest))


async def _account(desk: Desk) -> UUID:
    for one in await bank.bank_accounts(desk.ctx):
        return one.id
    return await bank.open_bank_account(
        desk.ctx, desk.accounts["1200"], desk.journals["bank"], "Current account", commodity="GBP",
        iban=trade.IBAN,
    )  # fmt: skip


def _loose(span: tuple[date, date]) -> list[Moved]:
    """Return lines that nobody knows, spread over some days."""
    starts, ends = span
    found = []
    for n, (value, party, text) in enumerate(trade.LOOSE):
        day = starts + timedelta(days=(n + 1) * (ends - starts).days // len(trade.LOOSE))
        found.append(Moved(f"L{day:%y%m%d}{n:02}", day, value, party, text))
    return found

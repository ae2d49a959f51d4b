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

LEFT = 15
"""So many lines wait for somebody, `LOOSE_AT_LEAST` of them without anything in the books."""
LOOSE_AT_LEAST = 4


@dataclass(frozen=True, slots=True)
class Movement:
    """A line of the bank with what it is in the books: a document's payment or an entry."""

    moved: Moved
    document: UUID | None = None
    entry: Written | None = None


async def movements(desk: Desk) -> list[Movement]:
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


async def book(desk: Desk, found: Sequence[Movement]) -> date:
    """Book what moved but for the last days; returns the last day that is booked."""
    most = LEFT - LOOSE_AT_LEAST
    days = sorted({one.moved.day for one in found})
    ends = days[-1]
    for day in reversed(days):
        after = sum(one.moved.day >= day for one in found)
        if after > most or day < months.newest(desk.plan.cutoff):
            break
        ends = day - timedelta(days=1)
    mine = [one for one in found if one.moved.day <= ends]
    await post(desk, [one.entry for one in mine if one.entry is not None])
    payments = [_payment(desk, one) for one in mine if one.document is not None]
    home = [one for one in payments if desk.documents[one.parts[0].document].commodity == "GBP"]
    for start in range(0, len(home), 1000):
        await billing.pay_batch(desk.ctx, home[start : start + 1000])
    for payment in payments:
        if desk.documents[payment.parts[0].document].commodity != "GBP":
            await billing.pay(desk.ctx, payment)
    return ends


def _payment(desk: Desk, one: Movement) -> billing.Payment:
    document = desk.documents[one.document or UUID(int=0)]
    return billing.Payment(
        document.party, "in" if one.moved.amount > 0 else "out", one.moved.day, abs(one.moved.amount), "GBP",
        desk.accounts["1200"], [billing.Money(document.id, document.gross or Decimal(0))], one.moved.text,
        one.moved.party, f"demo:pay:{document.id}",
    )  # fmt: skip


async def reconcile(desk: Desk, found: Sequence[Movement], ends: date) -> None:
    """Import the statements of all months and match what is booked; the last days are left as they are."""
    ctx, plan = desk.ctx, desk.plan
    known = await bank.bank_accounts(ctx)
    account = (
        known[0].id
        if known
        else await bank.open_bank_account(
            ctx, desk.accounts["1200"], desk.journals["bank"], "Current account", commodity="GBP",
            iban=trade.IBAN,
        )
    )  # fmt: skip
    opening = months.OPENING_CASH
    for n in range(months.MONTHS):
        starts, last = plan.month(n), min(months.last(plan.month(n)), ends)
        lines = [one.moved for one in found if starts <= one.moved.day <= last]
        if lines:
            number = f"{starts:%Y-%m}"
            await bank.import_statement(
                ctx, account, camt053(number, trade.IBAN, (starts, last), opening, lines)
            )
            opening += sum((one.amount for one in lines), Decimal(0))
        await bank.auto_match(ctx, account, 0.5, opens=[])
    rest = [one.moved for one in found if one.moved.day > ends]
    rest += _loose(ends + timedelta(days=1), plan.cutoff, LEFT - len(rest))
    span = (ends + timedelta(days=1), plan.cutoff)
    rest.sort(key=lambda one: one.day)
    await bank.import_statement(
        ctx, account, camt053(f"{plan.cutoff:%Y-%m}b", trade.IBAN, span, opening, rest)
    )


def _loose(starts: date, ends: date, amount: int) -> list[Moved]:
    """Return lines that nobody knows, spread over some days."""
    span = (ends - starts).days + 1
    found = []
    for n in range(amount):
        value, party, text = trade.LOOSE[n % len(trade.LOOSE)]
        day = starts + timedelta(days=n * span // max(amount, 1))
        found.append(Moved(f"L{day:%y%m%d}{n:02}", day, value, party, text))
    return found

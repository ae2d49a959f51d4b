"""Two years of trade, made up: documents, wages, what goes over the bank. Pure: one seed, one trade.

Months are counted from the first of the books (0) to the newest (23). Nothing lies after `cutoff`, the last
day. What customers still owed when the books began comes as documents of the month before.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from sent.engines.capital.billing.api import DocumentDraft, DocumentLine
from sent.engines.demo import trade

MONTHS = 24
GROWTH = Decimal("1.006")
CENT = Decimal("0.01")
GUARDS = Decimal("0.49")
"""Part of the contracts' value that goes to the guards, before the employer's contributions."""
OFFICE = Decimal(33_000)
PAYE, EMPLOYER, PENSION_OWN, PENSION = (Decimal(part) for part in ("0.17", "0.105", "0.04", "0.03"))
LOAN, LOAN_PART, LOAN_RATE = Decimal(120_000), Decimal(2_500), Decimal("0.0625")
OPENING_CASH = Decimal(186_400)

Side = tuple[str, Decimal]


@dataclass(frozen=True, slots=True)
class Paid:
    """When a document is paid."""

    document: UUID
    day: date


@dataclass(frozen=True, slots=True)
class Written:
    """An entry beside documents: sides are code and amount; `party` and `text` are what the bank tells."""

    key: str
    day: date
    memo: str
    sides: tuple[Side, ...]
    party: str = ""
    text: str = ""


@dataclass(slots=True)
class Plan:
    """All that happened; documents in the order of their days."""

    first: date
    cutoff: date
    documents: list[DocumentDraft] = field(default_factory=list)
    payments: list[Paid] = field(default_factory=list)
    entries: list[Written] = field(default_factory=list)
    owed: Decimal = Decimal(0)
    """What customers owed when the books began, less what was owed to suppliers."""

    def month(self, n: int) -> date:
        """Return the first day of a month of the books."""
        years, rest = divmod(self.first.year * 12 + self.first.month - 1 + n, 12)
        return date(years, rest + 1, 1)


def newest(today: date) -> date:
    """Return the first day of the newest month: this one, or the last one while this one is young."""
    return (today - timedelta(days=9)).replace(day=1)


def first_of(today: date) -> date:
    """Return the first day of the books."""
    now = newest(today)
    years, rest = divmod(now.year * 12 + now.month - MONTHS, 12)
    return date(years, rest + 1, 1)


def last(month: date) -> date:
    """Return the last day of a month."""
    return month.replace(day=monthrange(month.year, month.month)[1])


def working(day: date) -> date:
    """Return the day, or the Monday after a weekend."""
    return day + timedelta(days=7 - day.weekday()) if day.weekday() > 4 else day


def plan(random: Random, today: date, parties: dict[str, UUID], accounts: dict[str, UUID]) -> Plan:
    """Return two years of trade up to a day; `parties` and `accounts` by code."""
    first = first_of(today)
    found = Plan(first, min(today, last(newest(today))))
    for n in range(-1, MONTHS):
        month = found.month(n)
        worth = Decimal(0)
        for draft, paid, amount in _sold(random, n, month, parties, accounts):
            worth += amount
            _keep(found, draft, paid, n)
        for draft, paid in _bought(random, n, month, parties, accounts):
            _keep(found, draft, paid, n)
        if n >= 0:
            found.entries += _wages(n, month, worth)
            found.entries += _loan(n, month)
    found.documents.sort(key=lambda one: (one.day, one.reference))
    found.payments.sort(key=lambda one: one.day)
    found.entries = [one for one in found.entries if one.day <= found.cutoff]
    return found


def _keep(found: Plan, draft: DocumentDraft, paid: date, n: int) -> None:
    """Add a document and its payment as far as they lie in the books."""
    if draft.day > found.cutoff or (n < 0 and paid < found.first):
        return
    found.documents.append(draft)
    if paid <= found.cutoff:
        found.payments.append(Paid(draft.id, paid))
    if n < 0 and draft.commodity is None:
        amount = sum((line.quantity * line.unit_price for line in draft.lines), Decimal(0)).quantize(CENT)
        found.owed += amount if draft.kind == "invoice" else -amount


def _sold(
    random: Random, n: int, month: date, parties: dict[str, UUID], accounts: dict[str, UUID]
) -> Iterator[tuple[DocumentDraft, date, Decimal]]:
    grown = GROWTH ** max(n, 0)
    everyone = trade.customers()
    for one in everyone:
        if not one.day or (n < 0 and one.code == "NORDS"):
            continue
        quantity, price = one.quantity, one.price
        if quantity > 1:
            quantity = (quantity * grown * Decimal(random.uniform(0.96, 1.04))).quantize(Decimal(1))
        elif one.code != "NORDS":
            price = (price * grown).quantize(Decimal(5))
        day = working(month.replace(day=one.day))
        text = f"{one.what}, {month:%B %Y}"
        line = _line(n, text, quantity, price, one.account, accounts, abroad=one.code == "NORDS")
        yield _invoice(random, one, parties, day, line), _pays(random, one, day), quantity * price
    if n < 0:
        return
    for _ in range(4):
        one = random.choice([x for x in everyone if x.code != "NORDS"])
        what, account, low, high = random.choice(trade.EXTRA)
        price = Decimal(random.randrange(low, high, 20))
        day = working(month.replace(day=random.randrange(2, 27)))
        line = _line(n, what, Decimal(1), price, account, accounts)
        yield _invoice(random, one, parties, day, line), _pays(random, one, day), price


def _invoice(
    random: Random, one: trade.Contract, parties: dict[str, UUID], day: date, line: DocumentLine
) -> DocumentDraft:
    return DocumentDraft(
        "invoice", parties[one.code], day, [line], day + timedelta(days=one.terms),
        "EUR" if one.code == "NORDS" else None, id=_id(random),
    )  # fmt: skip


def _pays(random: Random, one: trade.Contract, day: date) -> date:
    late = one.late + random.randrange(-2, 5) if one.late else random.randrange(-3, 3)
    return working(day + timedelta(days=max(one.terms + late, 1)))


def _line(
    n: int,
    what: str,
    quantity: Decimal,
    price: Decimal,
    account: str,
    accounts: dict[str, UUID],
    *,
    tax: str = "S20",
    abroad: bool = False,
) -> DocumentLine:
    """Return a line; before the books begin it is what was open then: gross, against the opening balances."""
    unit = "h" if quantity > 50 else ""
    if n < 0:
        whole = (price * (Decimal("1.2") if tax in ("S20", "P20") else 1)).quantize(CENT)
        return DocumentLine(what, quantity, whole, account=accounts["3100"], unit=unit)
    return DocumentLine(what, quantity, price, "S0" if abroad else tax, unit, account=accounts[account])


def _bought(
    random: Random, n: int, month: date, parties: dict[str, UUID], accounts: dict[str, UUID]
) -> Iterator[tuple[DocumentDraft, date]]:
    grown = GROWTH ** max(n, 0)
    for one in trade.suppliers():
        if not one.every or (n - (1 if one.every == 12 else 0)) % one.every or (n < 0 and one.every > 1):
            continue
        swing = Decimal(random.uniform(-one.swing, one.swing)) / 100
        growing = grown if one.account in ("5000", "5001", "5002", "7300") else Decimal(1)
        price = (one.amount * growing * (1 + swing)).quantize(CENT)
        yield _bill(random, one, n, month, price, one.what, parties, accounts)
    dealer = next(one for one in trade.suppliers() if one.code == "DEALE")
    for name, bought, cost, _ in trade.vans():
        if bought == n and n >= 0:
            yield _bill(random, dealer, n, month, cost, f"Van {name}", parties, accounts)


def _bill(
    random: Random,
    one: trade.Vendor,
    n: int,
    month: date,
    price: Decimal,
    what: str,
    parties: dict[str, UUID],
    accounts: dict[str, UUID],
) -> tuple[DocumentDraft, date]:
    day = working(month.replace(day=one.day))
    line = _line(n, f"{what}, {month:%B %Y}", Decimal(1), price, one.account, accounts, tax=one.tax)
    number = f"{one.code[:2]}-{random.randrange(10_000, 99_999)}"
    due = day + timedelta(days=one.terms)
    draft = DocumentDraft("bill", parties[one.code], day, [line], due, reference=number, id=_id(random))
    return draft, working(due - timedelta(days=random.randrange(0, 3)))


def _wages(n: int, month: date, worth: Decimal) -> Iterator[Written]:
    """Yield the guards' wages of each fortnight, the office's salaries and what goes to the state."""
    paye = pension = Decimal(0)
    runs = [
        (14, "6000", "Guards' wages", GUARDS * worth / 2),
        (26, "6000", "Guards' wages", GUARDS * worth / 2),
        (27, "7000", "Office salaries", OFFICE * (1 + Decimal("0.03") * (n // 12))),
    ]
    for at, account, what, amount in runs:
        gross = amount.quantize(CENT)
        day = working(month.replace(day=at))
        taxed, own = (gross * PAYE).quantize(CENT), (gross * PENSION_OWN).quantize(CENT)
        national, added = (gross * EMPLOYER).quantize(CENT), (gross * PENSION).quantize(CENT)
        net = gross - taxed - own
        paye, pension = paye + taxed + national, pension + own + added
        yield Written(
            f"wages:{n}:{at}", day, f"{what}, {day:%d %B %Y}",
            ((account, gross), ("7006", national), ("7007", added), ("2210", -taxed - national),
             ("2230", -own - added), ("2220", -net)),
        )  # fmt: skip
        yield Written(
            f"paid:{n}:{at}", day, f"{what} paid", (("2220", net), ("1200", -net)), "NORTHWIND PAYROLL",
            f"{what.upper()} {day:%d%m%y}",
        )  # fmt: skip
    after = last(month) + timedelta(days=1)
    tax_day, pension_day = working(after.replace(day=22)), working(after.replace(day=15))
    yield Written(
        f"paye:{n}", tax_day, f"PAYE and NI for {month:%B %Y}", (("2210", paye), ("1200", -paye)),
        "HMRC PAYE", f"475PB00{month:%y%m} PAYE {month:%b %y}",
    )  # fmt: skip
    yield Written(
        f"pension:{n}", pension_day, f"Pensions for {month:%B %Y}", (("2230", pension), ("1200", -pension)),
        "NEST PENSIONS", f"PENSION {month:%m%y}",
    )  # fmt: skip


def _loan(n: int, month: date) -> Iterator[Written]:
    left = LOAN - LOAN_PART * n
    interest = (left * LOAN_RATE / 12).quantize(CENT)
    day = working(month.replace(day=20))
    whole = LOAN_PART + interest
    yield Written(
        f"loan:{n}", day, "Loan, repayment and interest",
        (("2300", LOAN_PART), ("7900", interest), ("1200", -whole)), trade.BANK.upper(),
        f"LOAN 7714 REPAYMENT {n + 14}",
    )  # fmt: skip
    fee_day = working(month.replace(day=5))
    fee = Decimal("38.00") + n % 4
    yield Written(
        f"fee:{n}", fee_day, "Bank charges", (("7901", fee), ("1200", -fee)), trade.BANK.upper(),
        f"CHARGES {month:%b %Y}".upper(),
    )  # fmt: skip


def _id(random: Random) -> UUID:
    return UUID(int=random.getrandbits(128), version=4)

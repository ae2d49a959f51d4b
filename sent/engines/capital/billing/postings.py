"""What documents, payments and discounts come to in the ledger: pure. Debits are positive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from sent.engines.capital.billing.model import ZERO, Direction, DocumentKind, TaxCode, sign
from sent.engines.capital.billing.totals import Share, Totals, rounded, spread
from sent.engines.capital.model import Line
from sent.platform.errors import Invalid


def of_document(
    kind: DocumentKind,
    commodity: str,
    totals: Totals,
    accounts: Sequence[UUID],
    control: UUID,
    exponent: int,
    codes: Sequence[TaxCode | None],
) -> list[Line]:
    """Return the entry of a document: its party's account against the lines' accounts and taxes.

    `accounts` and `codes` by line. Raises Invalid when a tax code that needs an account has none.
    """
    way = sign(kind)
    sums: dict[UUID, Decimal] = defaultdict(lambda: ZERO)
    for account, net in zip(accounts, totals.nets, strict=True):
        sums[account] -= way * net
    for one in totals.codes:
        if one.tax and not one.code.recoverable:
            places = [n for n, code in enumerate(codes) if code is not None and code.id == one.code.id]
            parts = spread(one.tax, [totals.nets[n] for n in places], exponent)
            for n, part in zip(places, parts, strict=True):
                sums[accounts[n]] -= way * part
        elif one.tax:
            sums[_account(one.code)] -= way * one.tax
        if one.owed:
            sums[_account(one.code)] -= way * one.owed
            sums[_counter(one.code)] += way * one.owed
    sums[control] += way * totals.gross
    return _lines(sums, commodity, first=control)


def of_discount(
    kind: DocumentKind, commodity: str, shares: Iterable[Share], control: UUID, discounts: UUID
) -> list[Line]:
    """Return the entry of a cash discount: less is owed, less was earned or spent, and less tax."""
    way = sign(kind)
    sums: dict[UUID, Decimal] = defaultdict(lambda: ZERO)
    for share in shares:
        sums[control] -= way * (share.net + share.tax)
        sums[discounts] += way * share.net
        if share.code is not None and share.tax:
            sums[_account(share.code) if share.code.recoverable else discounts] += way * share.tax
        if share.code is not None and share.owed:
            sums[_account(share.code)] += way * share.owed
            sums[_counter(share.code)] -= way * share.owed
    return _lines(sums, commodity, first=control)


def of_write_off(
    kind: DocumentKind, commodity: str, amount: Decimal, control: UUID, account: UUID
) -> list[Line]:
    """Return the entry that lets a small difference go."""
    way = sign(kind)
    return [Line(control, -way * amount, commodity), Line(account, way * amount, commodity)]


def of_payment(
    direction: Direction, amount: Decimal, commodity: str, account: UUID, control: UUID
) -> list[Line]:
    """Return the entry of money in the party's own commodity."""
    way = 1 if direction == "in" else -1
    return [Line(account, way * amount, commodity), Line(control, -way * amount, commodity)]


def of_exchange(
    direction: Direction,
    money: tuple[Decimal, str, UUID],
    settled: Decimal,
    commodity: str,
    worth: Decimal,
    control: UUID,
    clearing: UUID,
    exchange: UUID,
) -> list[Line]:
    """Return the entry of money in home currency for documents in another.

    `worth` is what the documents were in home currency when they were issued; the difference is exchange. The
    clearing account keeps both sides, which are worth the same at the documents' rate.
    """
    way = 1 if direction == "in" else -1
    amount, home, account = money
    lines = [
        Line(account, way * amount, home),
        Line(clearing, -way * worth, home),
        Line(exchange, -way * (amount - worth), home),
        Line(clearing, way * settled, commodity),
        Line(control, -way * settled, commodity),
    ]
    return [line for line in lines if line.amount]


def in_home(amount: Decimal, rate: Decimal | None, exponent: int) -> Decimal:
    """Return an amount in home currency at a document's rate (None: it is in home currency)."""
    return rounded(amount * (rate or Decimal(1)), exponent)


def _lines(sums: dict[UUID, Decimal], commodity: str, first: UUID) -> list[Line]:
    ordered = sorted(sums.items(), key=lambda pair: pair[0] != first)
    return [Line(account, amount, commodity) for account, amount in ordered if amount]


def _account(code: TaxCode) -> UUID:
    if code.account is None:
        raise Invalid("capital.tax.account", f"tax code {code.code} has no account: set one in its settings")
    return code.account


def _counter(code: TaxCode) -> UUID:
    if code.counter is None:
        raise Invalid(
            "capital.tax.counter",
            f"tax code {code.code} has no account for the tax owed under reverse charge: set one",
        )
    return code.counter

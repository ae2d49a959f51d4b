"""The statements of a company, from what its accounts hold: pure functions.

Each takes the chart and, for every column, account -> amount (debits positive). Income, liabilities and
equity are shown with the sign their readers expect. What a row is made of follows from the accounts' roles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from sent.engines.capital.model import Account
from sent.engines.capital.reports.model import Row

Amounts = Mapping[UUID, Decimal]
Belongs = Callable[[Account], bool]

ZERO = Decimal(0)


class Statement:
    """Rows that grow from top to bottom; a group is shown when any of its accounts has an amount."""

    def __init__(self, chart: Sequence[Account], columns: Sequence[Amounts]) -> None:
        self.chart = chart
        self.columns = columns
        self.rows: list[Row] = []

    def group(self, title: str, total: str, belongs: Belongs, sign: int) -> tuple[Decimal, ...]:
        """Add a heading, the accounts that belong under it and their total; returns the totals."""
        accounts = [one for one in self.chart if belongs(one) and self._holds(one)]
        sums = tuple(
            sum((sign * column.get(one.id, ZERO) for one in accounts), ZERO) for column in self.columns
        )
        if accounts:
            self.rows.append(Row(title, "heading", ()))
            for one in accounts:
                amounts = tuple(sign * column.get(one.id, ZERO) for column in self.columns)
                self.rows.append(Row(one.name, "account", amounts, 1, one.code, one.id))
            self.rows.append(Row(total, "total", sums, 1))
        return sums

    def line(self, label: str, amounts: Sequence[Decimal], *, result: bool = False, depth: int = 0) -> None:
        """Add a row that is no account."""
        self.rows.append(Row(label, "result" if result else "total", tuple(amounts), depth))

    def _holds(self, account: Account) -> bool:
        return any(column.get(account.id) for column in self.columns)


def added(*parts: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Return the sums of columns."""
    return tuple(sum(column, ZERO) for column in zip(*parts, strict=True))


def negated(part: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Return the opposite of columns."""
    return tuple(-amount for amount in part)


def trial_balance(chart: Sequence[Account], columns: Sequence[Amounts]) -> list[Row]:
    """Return debit and credit of every account that holds something; their totals are equal."""
    rows = []
    totals = [ZERO] * (2 * len(columns))
    for one in chart:
        held = [column.get(one.id, ZERO) for column in columns]
        if any(held):
            sides = [side for amount in held for side in (max(amount, ZERO), max(-amount, ZERO))]
            totals = [before + side for before, side in zip(totals, sides, strict=True)]
            shown = tuple(side or None for side in sides)
            rows.append(Row(one.name, "account", shown, 0, one.code, one.id))
    return [*rows, Row("Total", "result", tuple(totals))]


def _income(role: str | None) -> Belongs:
    return lambda one: one.kind == "income" and one.role == role


def _expense(*roles: str | None) -> Belongs:
    return lambda one: one.kind == "expense" and one.role in roles


FINANCIAL = ("interest", "exchange")


def profit_and_loss(chart: Sequence[Account], columns: Sequence[Amounts]) -> list[Row]:
    """Return income, expenses and results by step; income positive, results positive for a profit."""
    page = Statement(chart, columns)
    sales = page.group("Revenue", "Total revenue", _income("sales"), -1)
    cost = page.group("Cost of sales", "Total cost of sales", _expense("cost_of_sales"), 1)
    gross = added(sales, negated(cost))
    page.line("Gross profit", gross, result=True)
    other = page.group(
        "Other income",
        "Total other income",
        lambda one: one.kind == "income" and one.role not in ("sales", *FINANCIAL),
        -1,
    )
    running = page.group(
        "Operating expenses",
        "Total operating expenses",
        lambda one: (
            one.kind == "expense"
            and one.role not in ("cost_of_sales", "depreciation", "income_tax", *FINANCIAL)
        ),
        1,
    )
    worn = page.group("Depreciation", "Total depreciation", _expense("depreciation"), 1)
    operating = added(gross, other, negated(running), negated(worn))
    page.line("Operating result", operating, result=True)
    money = page.group(
        "Interest and exchange",
        "Net interest and exchange",
        lambda one: one.kind in ("income", "expense") and one.role in FINANCIAL,
        -1,
    )
    before = added(operating, money)
    page.line("Result before tax", before, result=True)
    tax = page.group("Tax on profit", "Total tax on profit", _expense("income_tax"), 1)
    page.line("Net result", added(before, negated(tax)), result=True)
    return page.rows


def net_result(chart: Iterable[Account], amounts: Amounts) -> Decimal:
    """Return income less expenses."""
    return -sum((amounts.get(one.id, ZERO) for one in chart if one.kind in ("income", "expense")), ZERO)


FIXED = ("fixed_asset", "accumulated_depreciation")


def balance_sheet(chart: Sequence[Account], columns: Sequence[Amounts]) -> list[Row]:
    """Return what the company owns and owes; results of years that are not closed stand under equity."""
    page = Statement(chart, columns)
    fixed = page.group(
        "Fixed assets", "Total fixed assets", lambda one: one.kind == "asset" and one.role in FIXED, 1
    )
    current = page.group(
        "Current assets",
        "Total current assets",
        lambda one: one.kind == "asset" and one.role not in FIXED,
        1,
    )
    page.line("Total assets", added(fixed, current), result=True)
    short = page.group(
        "Current liabilities",
        "Total current liabilities",
        lambda one: one.kind == "liability" and one.role != "loan",
        -1,
    )
    loans = page.group("Loans", "Total loans", lambda one: one.kind == "liability" and one.role == "loan", -1)
    equity = page.group("Equity", "Total equity booked", lambda one: one.kind == "equity", -1)
    open_years = tuple(net_result(chart, column) for column in columns)
    page.line("Result of years not closed", open_years, depth=1)
    page.line("Total liabilities and equity", added(short, loans, equity, open_years), result=True)
    return page.rows


WORKING = (
    ("Receivables", ("receivable",)),
    ("Stock", ("inventory",)),
    ("Prepayments", ("prepayment",)),
    ("Payables", ("payable",)),
    ("Taxes", ("tax",)),
    ("Payroll", ("payroll",)),
)
FINANCING = ("loan", "capital", "retained_earnings", "opening")


def cash_flow(chart: Sequence[Account], columns: Sequence[Amounts]) -> list[Row]:
    """Return the indirect cash flow of movements between days: from the result to the change of cash.

    Money that came in is positive. Since debits equal credits, the parts always add up to the change of cash.
    """
    page = Statement(chart, columns)

    def moved(belongs: Belongs) -> tuple[Decimal, ...]:
        return tuple(
            -sum((column.get(one.id, ZERO) for one in chart if belongs(one)), ZERO) for column in columns
        )

    page.rows.append(Row("Operating activities", "heading", ()))
    result = tuple(net_result(chart, column) for column in columns)
    page.line("Net result", result, depth=1)
    worn = moved(lambda one: one.role == "accumulated_depreciation")
    page.line("Depreciation", worn, depth=1)
    parts = [result, worn]
    known = {role for _, roles in WORKING for role in roles}
    for title, roles in WORKING:
        part = moved(lambda one, roles=roles: _held(one) and one.role in roles)  # type: ignore[misc]
        parts.append(part)
        if any(part):
            page.line(title, part, depth=1)
    rest = moved(lambda one: _held(one) and one.role not in {*known, *FIXED, *FINANCING, "cash"})
    parts.append(rest)
    if any(rest):
        page.line("Other", rest, depth=1)
    operating = added(*parts)
    page.line("Cash from operations", operating, result=True)
    bought = moved(lambda one: one.role == "fixed_asset")
    page.line("Cash from investments (fixed assets)", bought, result=True)
    funded = moved(lambda one: _held(one) and one.role in FINANCING)
    page.line("Cash from financing (loans, capital, distributions)", funded, result=True)
    page.line("Change of cash", added(operating, bought, funded), result=True)
    return page.rows


def _held(account: Account) -> bool:
    return account.kind in ("asset", "liability", "equity")


def direct_cash_flow(chart: Sequence[Account], columns: Sequence[Amounts]) -> list[Row]:
    """Return what cash was paid for and received from: `columns` are the other sides of cash entries."""
    page = Statement(chart, columns)
    whole = {one.id: sum((column.get(one.id, ZERO) for column in columns), ZERO) for one in chart}
    received = page.group("Received from", "Total received", lambda one: whole[one.id] < 0, -1)
    paid = page.group("Paid for", "Total paid", lambda one: whole[one.id] >= 0, -1)
    page.line("Change of cash", added(received, paid), result=True)
    return page.rows

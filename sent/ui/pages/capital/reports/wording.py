"""How reports are called and written: names of kinds and rows in the user's language, amounts, changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from sent.platform.i18n import formats, tr
from sent.ui.pages.capital import routes
from sent.ui.pages.capital.money import day_shown, shown
from sent.ui.pages.capital.reports.spans import Span

if TYPE_CHECKING:
    from sent.engines.capital.reports.api import Report

MOMENTS = ("trial_balance", "balance_sheet")
"""Balances at the end of a day."""
LISTS = ("general_ledger", "aged_receivable", "aged_payable", "tax", "budget")
"""Reports whose columns are their own: nothing is compared."""
AT_A_DAY = (*MOMENTS, "aged_receivable", "aged_payable", "budget")
FLOWS = ("profit_and_loss", "cash_flow", "direct_cash_flow")
CHANGES = ("profit_and_loss", "balance_sheet", "cash_flow", "direct_cash_flow")


def kinds() -> list[tuple[str, str]]:
    """Return the reports in the order in which they are offered."""
    found = [
        ("profit_and_loss", tr("Profit and loss")),
        ("balance_sheet", tr("Balance sheet")),
        ("cash_flow", tr("Cash flow")),
        ("direct_cash_flow", tr("Cash flow, direct")),
        ("trial_balance", tr("Trial balance")),
        ("general_ledger", tr("General ledger")),
        ("aged_receivable", tr("Aged receivables")),
        ("aged_payable", tr("Aged payables")),
        ("tax", tr("Tax return")),
    ]
    return [*found, ("budget", tr("Budget and actual"))] if routes.has("schedules") else found


def presets() -> list[tuple[str, str]]:
    """Return the spans that are offered."""
    return [
        ("month", tr("This month")),
        ("last_month", tr("Last month")),
        ("quarter", tr("This quarter")),
        ("year", tr("Year to date")),
        ("last_year", tr("Last year")),
        ("custom", tr("Other days")),
    ]


def comparisons() -> list[tuple[str, str]]:
    """Return what a report is compared with."""
    return [
        ("none", tr("Compare with nothing")),
        ("previous", tr("Previous period")),
        ("last_year", tr("Same days last year")),
        ("months", tr("By month")),
        ("quarters", tr("By quarter")),
    ]


def row_names() -> dict[str, str]:
    """Return the names of rows that are no accounts."""
    return {
        "Total": tr("Total"),
        "Revenue": tr("Revenue"),
        "Total revenue": tr("Total revenue"),
        "Cost of sales": tr("Cost of sales"),
        "Total cost of sales": tr("Total cost of sales"),
        "Gross profit": tr("Gross profit"),
        "Other income": tr("Other income"),
        "Total other income": tr("Total other income"),
        "Operating expenses": tr("Operating expenses"),
        "Total operating expenses": tr("Total operating expenses"),
        "Depreciation": tr("Depreciation"),
        "Total depreciation": tr("Total depreciation"),
        "Operating result": tr("Operating result"),
        "Interest and exchange": tr("Interest and exchange"),
        "Net interest and exchange": tr("Net interest and exchange"),
        "Result before tax": tr("Result before tax"),
        "Tax on profit": tr("Tax on profit"),
        "Total tax on profit": tr("Total tax on profit"),
        "Net result": tr("Net result"),
        "Fixed assets": tr("Fixed assets"),
        "Total fixed assets": tr("Total fixed assets"),
        "Current assets": tr("Current assets"),
        "Total current assets": tr("Total current assets"),
        "Total assets": tr("Total assets"),
        "Current liabilities": tr("Current liabilities"),
        "Total current liabilities": tr("Total current liabilities"),
        "Loans": tr("Loans"),
        "Total loans": tr("Total loans"),
        "Equity": tr("Equity"),
        "Total equity booked": tr("Total equity booked"),
        "Result of years not closed": tr("Result of years not closed"),
        "Total liabilities and equity": tr("Total liabilities and equity"),
        "Operating activities": tr("Operating activities"),
        "Receivables": tr("Receivables"),
        "Stock": tr("Stock"),
        "Prepayments": tr("Prepayments"),
        "Payables": tr("Payables"),
        "Taxes": tr("Taxes"),
        "Payroll": tr("Payroll"),
        "Other": tr("Other"),
        "Cash from operations": tr("Cash from operations"),
        "Cash from investments (fixed assets)": tr("Cash from investments (fixed assets)"),
        "Cash from financing (loans, capital, distributions)": tr(
            "Cash from financing (loans, capital, distributions)"
        ),
        "Change of cash": tr("Change of cash"),
        "Received from": tr("Received from"),
        "Total received": tr("Total received"),
        "Paid for": tr("Paid for"),
        "Total paid": tr("Total paid"),
        "Boxes of the return": tr("Boxes of the return"),
        "Sales by tax code": tr("Sales by tax code"),
        "Purchases by tax code": tr("Purchases by tax code"),
        "Opening": tr("Opening balance"),
        "Debit": tr("Debit"),
        "Credit": tr("Credit"),
        "Closing": tr("Closing balance"),
        "Current": tr("Not due yet"),
        "1 to 30 days": tr("1 to 30 days"),
        "31 to 60": tr("31 to 60 days"),
        "61 to 90": tr("61 to 90 days"),
        "Older": tr("Older"),
        "Actual": tr("Actual"),
        "Budget": tr("Budget"),
        "Difference": tr("Difference"),
        "Net": tr("Net"),
        "Tax": tr("Tax"),
    }


def translated(report: Report) -> Report:
    """Return a report whose title, headings and rows speak the user's language; accounts keep their names."""
    names, titles = row_names(), dict(kinds())
    rows = tuple(
        row if row.account is not None or row.code else replace(row, label=names.get(row.label, row.label))
        for row in report.rows
    )
    columns = tuple(replace(one, title=names.get(one.title, one.title)) for one in report.columns)
    return replace(report, title=titles.get(report.id, report.title), columns=columns, rows=rows)


def with_change(report: Report) -> Report:
    """Return a report of two columns with what became more or less from the second to the first."""
    if report.id not in CHANGES or len(report.columns) != 2:
        return report
    column = replace(report.columns[0], title=tr("Change"))
    rows = tuple(
        replace(row, amounts=(*row.amounts, (row.amounts[0] or Decimal(0)) - (row.amounts[1] or Decimal(0))))
        if len(row.amounts) == 2
        else row
        for row in report.rows
    )
    return replace(report, columns=(*report.columns, column), rows=rows)


def first_heading(kind: str) -> str:
    """Return what stands above the names of a report's rows."""
    found = {"aged_receivable": tr("Customer"), "aged_payable": tr("Supplier"), "tax": tr("Box")}
    return found.get(kind, tr("Account"))


def headings(report: Report) -> list[str]:
    """Return a heading for each amount: a trial balance has debit and credit of each column."""
    titles = [one.title for one in report.columns]
    if report.id != "trial_balance":
        return titles
    sides = (tr("Debit"), tr("Credit"))
    return [f"{title} {side}" if len(titles) > 1 else side for title in titles for side in sides]


def figure(amount: Decimal | None, commodity: str) -> str:
    """Return an amount as reports write it: zero as a dash, below nothing in brackets where that is usual."""
    if amount is not None and amount < 0 and formats().point == ".":
        return f"({shown(-amount, commodity)})"
    return shown(amount, commodity, dash=True)


def subtitle(kind: str, spans: Sequence[Span], commodity: str) -> str:
    """Return the days and the currency of a report."""
    first = spans[0]
    if kind in AT_A_DAY:
        return tr("At the end of {day}, in {commodity}", day=day_shown(first.ends), commodity=commodity)
    if len(spans) == 2:
        spans = spans[:1]
    starts, ends = day_shown(min(s.starts for s in spans)), day_shown(max(s.ends for s in spans))
    return tr("{starts} to {ends}, in {commodity}", starts=starts, ends=ends, commodity=commodity)

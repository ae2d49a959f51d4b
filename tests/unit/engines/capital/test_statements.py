"""Statements from made-up charts: their parts belong together whatever was booked."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID, uuid4

import hypothesis.strategies as st
from hypothesis import given

from sent.engines.capital.charts import TEMPLATES
from sent.engines.capital.model import Account, Balance
from sent.engines.capital.reports import statements
from sent.engines.capital.reports.model import Row
from sent.engines.capital.reports.valuation import Valuation

CHART = [
    Account(uuid4(), one.code, one.name, one.kind, one.role, None, None, None, None, 1)
    for one in TEMPLATES["uk"].accounts
]
AMOUNT = st.integers(-100_000, 100_000).map(lambda n: Decimal(n) / 100)


@st.composite
def books(draw: st.DrawFn) -> dict[UUID, Decimal]:
    """Return amounts of accounts that add up to nothing."""
    chosen = draw(st.lists(st.sampled_from(CHART), min_size=2, max_size=12, unique_by=lambda one: one.id))
    amounts = {one.id: draw(AMOUNT) for one in chosen[1:]}
    return amounts | {chosen[0].id: -sum(amounts.values(), Decimal(0))}


def row(rows: list[Row], label: str) -> Decimal:
    (amount,) = next(one.amounts for one in rows if one.label == label)
    assert amount is not None
    return amount


@given(books())
def test_a_balance_sheet_balances(amounts: dict[UUID, Decimal]) -> None:
    rows = statements.balance_sheet(CHART, [amounts])
    assert row(rows, "Total assets") == row(rows, "Total liabilities and equity")


@given(books())
def test_a_cash_flow_explains_the_change_of_cash(amounts: dict[UUID, Decimal]) -> None:
    cash = sum((amounts.get(one.id, Decimal(0)) for one in CHART if one.role == "cash"), Decimal(0))
    assert row(statements.cash_flow(CHART, [amounts]), "Change of cash") == cash


@given(books())
def test_debits_of_a_trial_balance_equal_credits(amounts: dict[UUID, Decimal]) -> None:
    debit, credit = statements.trial_balance(CHART, [amounts])[-1].amounts
    assert debit == credit


@given(books())
def test_a_profit_and_loss_account_ends_with_income_less_expenses(amounts: dict[UUID, Decimal]) -> None:
    kinds = {one.id: one.kind for one in CHART}
    result = -sum(
        (amount for id, amount in amounts.items() if kinds[id] in ("income", "expense")), Decimal(0)
    )
    assert row(statements.profit_and_loss(CHART, [amounts]), "Net result") == result


def test_steps_of_a_profit_and_loss_account() -> None:
    roles = {one.role or one.code: one.id for one in CHART}
    amounts = {
        roles["sales"]: Decimal(-1000), roles["cost_of_sales"]: Decimal(400), roles["7100"]: Decimal(150),
        roles["depreciation"]: Decimal(50), roles["exchange"]: Decimal(10), roles["income_tax"]: Decimal(90),
    }  # fmt: skip
    rows = statements.profit_and_loss(CHART, [amounts])
    assert row(rows, "Gross profit") == 600
    assert row(rows, "Operating result") == 400
    assert row(rows, "Result before tax") == 390
    assert row(rows, "Net result") == 300
    assert "Other income" not in [one.label for one in rows]


def test_what_has_no_rate_is_left_out_and_named() -> None:
    account = uuid4()
    held = [
        Balance(account, "GBP", Decimal(10), Decimal(0)),
        Balance(account, "USD", Decimal("3.33"), Decimal(0)),
        Balance(account, "CHF", Decimal(5), Decimal(0)),
    ]
    valuation = Valuation("GBP", {"USD": Decimal("0.75")})
    assert valuation.amounts(held) == {account: Decimal("12.50")}
    assert valuation.missing == {"CHF"}

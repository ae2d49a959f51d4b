"""The rules behind figures, checks before a close and reports that are lists: no database."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest

from sent.engines.capital.model import Account, AccountKind, Balance, Rate, Role
from sent.engines.capital.reports import closing
from sent.engines.capital.reports.figures import Part, largest, mean_outflow, months_back, same_day_last_year
from sent.engines.capital.reports.lists import ledger_rows
from sent.engines.capital.reports.valuation import Valuation

D = Decimal


def account(n: int, kind: AccountKind, role: Role | None) -> Account:
    return Account(UUID(int=n), str(n), f"Account {n}", kind, role, None, None, None, None, 1)


def held(n: int, amount: str, commodity: str = "GBP") -> Balance:
    value = D(amount)
    return Balance(UUID(int=n), commodity, max(value, D(0)), min(value, D(0)))


def test_debits_that_differ_from_credits_are_wrong_in_each_commodity() -> None:
    fine = closing.trial_balance([held(1, "5"), held(2, "-5")], "GBP")
    assert (fine.state, fine.figure, fine.commodity) == ("ok", 0, "GBP")
    found = closing.trial_balance([held(1, "5"), held(2, "-5"), held(1, "3", "EUR")], "GBP")
    assert (found.state, found.figure, found.commodity) == ("bad", 3, "EUR")


def test_the_largest_amount_in_suspense_is_named_home_currency_first() -> None:
    chart = [account(1, "liability", "suspense"), account(2, "asset", "cash")]
    found = closing.suspense(chart, [held(1, "900", "EUR"), held(1, "-2"), held(2, "50")], "GBP")
    assert (found.state, found.figure, found.commodity, found.record) == ("todo", -2, "GBP", str(UUID(int=1)))


def test_the_bank_account_that_differs_most_is_told() -> None:
    one, two = UUID(int=1), UUID(int=2)
    assert closing.bank([("A", "GBP", one, D(0))], "GBP").state == "ok"
    found = closing.bank([("A", "GBP", one, D(1)), ("B", "GBP", two, D(-7))], "GBP")
    assert (found.figure, found.record) == (-7, str(two))


def test_assets_that_are_worth_something_lose_some_of_it() -> None:
    chart = [
        account(1, "asset", "fixed_asset"), account(2, "asset", "accumulated_depreciation"),
        account(3, "expense", "depreciation"),
    ]  # fmt: skip
    owned, worn = [held(1, "600"), held(2, "-600")], [held(3, "10")]
    assert closing.depreciation(chart, owned[:1], [], "GBP").state == "todo"
    assert closing.depreciation(chart, owned[:1], worn, "GBP").state == "ok"
    assert closing.depreciation(chart, owned, [], "GBP").state == "ok"


def test_exchange_gains_are_what_the_clearing_account_is_worth() -> None:
    chart = [account(1, "equity", "currency_clearing")]
    balances = [held(1, "50"), held(1, "-60", "EUR")]
    rates, missing, done = closing.revaluation(chart, balances, [], "GBP", 2), "rates", "revaluation"
    assert [one.id for one in rates] == [missing, done]
    (found,) = closing.revaluation(chart, balances, [Rate("EUR", D("0.9"), date(2026, 1, 1))], "GBP", 2)
    assert (found.state, found.figure) == ("todo", 4)


def test_the_closing_entry_balances_in_each_commodity() -> None:
    chart = [account(1, "income", "sales"), account(2, "expense", None), account(3, "asset", "cash")]
    target = account(9, "equity", "retained_earnings")
    balances = [held(1, "-100"), held(2, "30"), held(2, "5", "EUR"), held(3, "65")]
    lines = closing.closing_lines(chart, balances, target)
    assert [(one.account.int, one.amount, one.commodity) for one in lines] == [
        (1, 100, "GBP"), (2, -30, "GBP"), (2, -5, "EUR"), (9, 5, "EUR"), (9, -70, "GBP"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cash", "outflow"),
    [
        ((), 0),
        ((100, 90), 0),
        ((100, 90, 80), 10),
        ((900, 700, 600, 500, 400, 300, 200, 100, 50), 100),
        ((100, 200, 300), 0),
    ],
)
def test_the_outflow_is_the_mean_of_the_last_six_whole_months(cash: tuple[int, ...], outflow: int) -> None:
    assert mean_outflow([D(one) for one in cash]) == outflow


def test_months_and_years_before() -> None:
    months = months_back(date(2026, 3, 14), 3)
    assert months == [
        (date(2026, 1, 1), date(2026, 1, 31)), (date(2026, 2, 1), date(2026, 2, 28)),
        (date(2026, 3, 1), date(2026, 3, 14)),
    ]  # fmt: skip
    assert same_day_last_year(date(2024, 2, 29)) == date(2023, 2, 28)


def test_small_parts_are_told_together() -> None:
    parts = [Part(f"P{n}", D(n), UUID(int=n)) for n in range(10)]
    found = largest(parts, "Others")
    assert [one.amount for one in found] == [9, 8, 7, 6, 5, 4, 6] and found[-1].id is None
    assert largest(parts[:3], "Others") == (parts[2], parts[1])


def test_what_was_held_before_and_moved_since_is_what_is_held() -> None:
    chart = [account(1, "asset", "cash"), account(2, "income", "sales")]
    before = [Balance(UUID(int=1), "GBP", D(10), D(-4))]
    after = [Balance(UUID(int=1), "GBP", D(30), D(-9)), Balance(UUID(int=2), "USD", D(0), D(-8))]
    valuation = Valuation("GBP", {})
    rows = ledger_rows(chart, before, after, valuation)
    assert [row.amounts for row in rows] == [(6, 20, 5, 21), (6, 20, 5, 21)]
    assert valuation.missing == {"USD"}

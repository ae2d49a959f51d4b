"""L5: statements are added once, in whatever format; a year is matched by itself and nothing wrongly."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import groupby
from uuid import uuid4

import pytest
from bank_books import BankBooks, open_bank_books
from bank_files import Payment, camt, mt940, ofx
from bank_year import RULES, Year, make_year
from tenants import OrgFixture

from sent.engines.capital import api as ledger
from sent.engines.capital.bank import api
from sent.engines.capital.bank.readers.statement import StatementLine

SEED = 20250331
LINES = 5000


@pytest.fixture
async def books(org_a: OrgFixture) -> BankBooks:
    return await open_bank_books(org_a.ctx)


def month() -> list[Payment]:
    """Return some days with all that makes lines hard to tell apart."""
    days = [date(2025, 3, n) for n in (3, 3, 3, 4, 5, 5, 28)]
    texts = ["Kaffee", "Kaffee", "RE-2025-00017 Größe <XL> & mehr", "Miete", "Lohn", "Lohn", "Zinsen"]
    amounts = ["-3.20", "-3.20", "1190.50", "-850.00", "-2100.00", "-2100.00", "0.01"]
    names = ["Bäckerei", "Bäckerei", "Müller Bau GmbH", "Vermieter", "Anna Koch", "Jana Wolf", "Bank"]
    return [
        Payment(day, amount, name, "", text, "", f"K{n:05}")
        for n, (day, amount, name, text) in enumerate(zip(days, amounts, names, texts, strict=True))
    ]


FILES = {
    "camt.053.001.02": camt(month(), "5000.00", version="02"),
    "camt.053.001.08": camt(month(), "5000.00", version="08"),
    "OFX 1": ofx(month(), "1134.11", version=1),
    "OFX 2": ofx(month(), "1134.11", version=2),
    "MT940": mt940(month(), "5000.00"),
    "MT940 plain": mt940(month(), "5000.00", structured=False),
}


@pytest.mark.parametrize("name", FILES)
async def test_l5_a_statement_that_is_imported_twice_adds_nothing(books: BankBooks, name: str) -> None:
    first = await api.import_statement(books.ctx, books.bank, FILES[name])
    assert (first.added, first.known) == (7, 0)
    stored = await api.unmatched(books.ctx, books.bank)
    assert sum(one.amount for one in stored) == Decimal("-3865.89")
    second = await api.import_statement(books.ctx, books.bank, FILES[name])
    assert (second.added, second.known, second.statements) == (0, 7, first.statements)
    assert await api.unmatched(books.ctx, books.bank) == stored


@pytest.mark.parametrize("first", FILES)
async def test_l5_the_same_days_in_another_format_add_nothing(books: BankBooks, first: str) -> None:
    assert (await api.import_statement(books.ctx, books.bank, FILES[first])).added == 7
    for name, data in FILES.items():
        assert (await api.import_statement(books.ctx, books.bank, data)).added == 0, name


def told(lines: list[StatementLine]) -> list[Payment]:
    """Return a year's lines as a bank has them."""
    return [
        Payment(
            one.day, f"{one.amount:.2f}", one.counterparty, one.iban, one.text, one.end_to_end, one.bank_id,
            max(one.value_day, one.day),
        )
        for one in lines
    ]  # fmt: skip


async def set_up(books: BankBooks, year: Year) -> list[api.Open]:
    """Book what the books have already, make the rules and return the year's documents."""
    drafts = [
        ledger.Draft(
            books.journal,
            one.day,
            [
                ledger.Line(books.cash, one.amount, "EUR"),
                ledger.Line(books.rent, -one.amount, "EUR"),
            ],
            one.text,
            one.reference,
        )
        for one in year.opens
        if one.kind == "line"
    ]
    assert all(one.booked for one in await ledger.post_batch(books.ctx, drafts))
    for position, (name, (_, text, way, _)) in enumerate(RULES.items()):
        direction = "in" if way == "in" else "out"
        words = text.split()[0]
        rule = api.Rule(name, books.rent, text_pattern=rf"\b{words}", direction=direction, auto=True)
        await api.save_rule(books.ctx, replace(rule, position=position))
    documents = [one for one in year.opens if one.kind != "line"]
    return [
        api.Open(
            one.id, one.amount, one.commodity, one.day, one.reference, one.party, one.kind, books.receivable
        )
        for one in documents
    ]


@pytest.mark.timeout(600)
async def test_l5_a_year_is_matched_and_nothing_wrongly(books: BankBooks) -> None:
    year = make_year(SEED, LINES)
    documents = await set_up(books, year)
    balance = Decimal("100000.00")
    for _, lines in groupby(year.lines, key=lambda line: line.day.month):
        part = told(list(lines))
        assert (await api.import_statement(books.ctx, books.bank, camt(part, f"{balance:.2f}"))).added == len(
            part
        )
        balance += sum((one.value for one in part), Decimal(0))
    done = await api.auto_match(books.ctx, books.bank, opens=documents)
    assert not done.refused
    right, wrong = await judged(books, year)
    assert wrong == []
    assert right == done.matched == LINES - done.left
    assert right / LINES >= 0.9, f"{right} of {LINES}"
    found = await api.reconciled(books.ctx, books.bank, date(2025, 12, 31))
    assert found.gap == found.timing == 0
    assert found.statement == balance
    assert found.difference == found.brought_forward + found.outstanding - found.unbooked
    assert (await ledger.verify(books.ctx)).findings == ()


@pytest.mark.parametrize("seed", [1, 2])
def test_l5_what_is_meant_may_be_missing_and_nothing_else_takes_its_place(seed: int) -> None:
    year = make_year(seed, 1500, missing=0.05)
    ids = {uuid4(): line for line in year.lines if not isinstance(year.truth[line.bank_id], str)}
    movements = [
        api.Movement(
            id, one.day, one.amount, one.commodity, one.counterparty, one.iban, one.text, one.reference,
            one.end_to_end,
        )
        for id, one in ids.items()
    ]  # fmt: skip
    sure = [one for one in api.match(movements, year.opens) if one.confidence >= api.AUTO]
    for one in sure:
        items = frozenset(taken.open.id for taken in one.taken)
        for movement in one.movements:
            assert year.truth[ids[movement].bank_id] == items, ids[movement]
    assert sum(len(one.movements) for one in sure) >= 0.8 * len(movements)


async def judged(books: BankBooks, year: Year) -> tuple[int, list[tuple[str, object]]]:
    """Return how many movements are matched as they should be, and what is not."""
    from sent.platform.db.uow import uow

    async with uow(books.ctx) as tx:
        cursor = await tx.execute(
            "select m.id, l.bank_id, p.open_id, r.name, e.reference from capital.bank_match m"
            " join capital.bank_match_part p on p.match_id = m.id"
            " left join capital.bank_line l on l.id = p.line_id"
            " left join capital.bank_rule r on r.id = m.rule_id"
            " left join capital.entry e on e.seq = p.seq and not p.booked"
        )
        rows = await cursor.fetchall()
    by_reference = {one.reference: one.id for one in year.opens if one.kind == "line"}
    lines: dict[object, set[str]] = defaultdict(set)
    items: dict[object, set[str]] = defaultdict(set)
    rules: dict[object, str] = {}
    for match, bank_id, open_id, rule, reference in rows:
        if bank_id:
            lines[match].add(bank_id)
        if open_id or reference:
            items[match].add(open_id or by_reference[reference])
        if rule:
            rules[match] = rule
    right, wrong = 0, []
    for match, several in lines.items():
        for bank_id in several:
            truth = year.truth[bank_id]
            if truth is not None and truth == rules.get(match, frozenset(items[match])):
                right += 1
            else:
                wrong.append((bank_id, truth))
    return right, wrong

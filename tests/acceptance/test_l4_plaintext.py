"""L4: the shared books reproduce their trial balances, and exports load elsewhere with equal ones."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sent.engines.capital import api
from sent.engines.capital.plaintext import api as books

if TYPE_CHECKING:
    from tenants import OrgFixture

    from sent.platform.db.engine import Server

Rows = dict[tuple[str, str], Decimal]
Run = Callable[..., subprocess.CompletedProcess[str]]

BOOKS = [
    ("basic.beancount", "beancount"),
    ("example.beancount", "beancount"),
    ("sample.journal", "hledger"),
    ("vat.journal", "hledger"),
    ("drewr3.dat", "ledger"),
    ("sample.dat", "ledger"),
]


@pytest.fixture
def capital(server: Server, org_a: OrgFixture) -> Run:
    """Return a function that runs `sent capital ...` on this test's database."""
    url = f"postgresql://sent@/{server.dbname}?host={server.host}&port={server.port}"

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "sent", "capital", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "SENT_DATABASE_URL": url},
        )

    return run


def printed(done: subprocess.CompletedProcess[str]) -> Rows:
    """Return the rows of a trial balance without the importer's own, which must come last."""
    assert done.returncode == 0, done.stderr
    rows = list(csv.reader(io.StringIO(done.stdout)))
    assert rows[0] == ["account", "commodity", "amount"]
    own = [row[0].startswith("Equity:Clearing:") for row in rows[1:]]
    assert own == sorted(own)
    found = {(a, c): Decimal(n) for a, c, n in rows[1:] if not a.startswith("Equity:Clearing:")}
    assert all(found.values())
    return found


def expected(data: Path, name: str) -> Rows:
    """Return the rows that beancount, hledger or ledger computed."""
    stem = data / "business" / "ledger" / name.split(".")[0]
    if name.endswith(".dat"):
        return own_balances(stem.with_suffix(".trial_balance.txt").read_text(encoding="utf-8"))
    with stem.with_suffix(".trial_balance.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if name.endswith(".journal"):
        return {
            (row["account"], symbol): number for row in rows for symbol, number in [split(row["balance"])]
        }
    return {(row["account"], row["commodity"]): Decimal(row["units"]) for row in rows}


def split(amount: str) -> tuple[str, Decimal]:
    """Return symbol and number of `$-1,000.00`, `50 AAPL` or `500.00€`."""
    number = "".join(char for char in amount if char in "-0123456789.")
    return "".join(char for char in amount if char not in "-0123456789., "), Decimal(number)


def own_balances(text: str) -> Rows:
    """Return what ledger's flat report says of each account: its rows count the accounts below."""
    found: Rows = {}
    waiting: list[str] = []
    for line in text.splitlines():
        amount, account = line[:20], line[22:]
        if not account and "  " in line.strip():
            amount, _, account = line.strip().partition("  ")
        waiting.append(amount)
        if account:
            found |= {(account, symbol): number for symbol, number in map(split, waiting)}
            waiting = []
    below: Rows = {}
    for (account, symbol), number in found.items():
        inner = [key for key in found if key[0].startswith(account + ":") and key[1] == symbol]
        below[account, symbol] = number - sum(found[key] for key in inner)
    return below


@pytest.mark.parametrize(("name", "format"), BOOKS)
def test_l4_shared_books_reproduce_their_trial_balances(
    capital: Run, test_data: Path, name: str, format: str
) -> None:
    file = test_data / "business" / "ledger" / name
    done = capital("import", file, "--format", format, "--dry-run", "--trial-balance")
    assert printed(done) == expected(test_data, name)
    left = capital("trial-balance")
    assert left.stdout == "account,commodity,amount\n", "a dry run leaves nothing"


@pytest.mark.parametrize(("name", "format"), BOOKS)
async def test_l4_exports_load_in_beancount_with_equal_balances(
    org_a: OrgFixture, test_data: Path, tmp_path: Path, name: str, format: books.Format
) -> None:
    book = books.read(test_data / "business" / "ledger" / name, format)
    await books.import_book(org_a.ctx, book)
    file = tmp_path / "books.beancount"
    file.write_text(
        "".join([piece async for piece in books.export(org_a.ctx, "beancount")]), encoding="utf-8"
    )
    errors, rows = loaded(file)
    assert errors == []
    ours = await books.trial_balance(org_a.ctx)
    assert sorted(rows.values()) == sorted(row.amount for row in ours)
    if format == "beancount":
        assert rows == {(row.account, row.commodity): row.amount for row in ours}


def loaded(file: Path) -> tuple[list[str], Rows]:
    """Return what beancount says against a file, and its balances."""
    from beancount import loader
    from beancount.core import realization

    entries, errors, _ = loader.load_file(str(file))
    rows: Rows = {}
    for account in realization.iter_children(realization.realize(entries)):
        for position in account.balance:
            rows[account.account, position.units.currency] = position.units.number
    return [error.message for error in errors], rows


@pytest.mark.parametrize("peer", ["hledger", "ledger"])
async def test_l4_exports_load_in_hledger_and_ledger(
    org_a: OrgFixture, test_data: Path, tmp_path: Path, peer: books.Format
) -> None:
    if shutil.which(peer) is None:
        pytest.skip(f"{peer} is not installed")
    folder = test_data / "business" / "ledger"
    for name, format in BOOKS:
        await books.import_book(org_a.ctx, books.read(folder / name, format))  # type: ignore[arg-type]
    file = tmp_path / "books.journal"
    file.write_text("".join([piece async for piece in books.export(org_a.ctx, peer)]), encoding="utf-8")
    ours = {(row.account, row.commodity): row.amount for row in await books.trial_balance(org_a.ctx)}
    assert await asyncio.to_thread(peer_balances, peer, file) == ours
    again = books.read(file, peer)
    own: Rows = {}
    for transaction in again.transactions:
        for one in transaction.postings:
            key = (one.account, one.amount.commodity)
            own[key] = own.get(key, Decimal(0)) + one.amount.number
    assert {key: number for key, number in own.items() if number} == ours


def peer_balances(peer: str, file: Path) -> Rows:
    """Return the balances the program itself computes."""
    if peer == "hledger":
        options = ["bal", "--flat", "-N", "-O", "csv", "--layout=bare"]
    else:
        form = '"%(account)","%(commodity(scrub(amount)))","%(quantity(scrub(amount)))"\n'
        options = ["reg", "-F", form]
    done = subprocess.run(
        [peer, "-f", str(file), *options], capture_output=True, text=True, check=True, timeout=60
    )
    rows: Rows = {}
    for row in csv.reader(io.StringIO(done.stdout), escapechar="\\"):
        if row != ["account", "commodity", "balance"]:
            key = (row[0], row[1].strip('"'))
            rows[key] = rows.get(key, Decimal(0)) + Decimal(row[2].replace(",", ""))
    return {key: number for key, number in rows.items() if number}


async def test_l4_a_book_imported_twice_adds_nothing_and_one_that_grew_adds_what_is_new(
    org_a: OrgFixture, test_data: Path, tmp_path: Path
) -> None:
    first = test_data / "business" / "ledger" / "sample.journal"
    done = await books.import_book(org_a.ctx, books.read(first, "hledger"))
    assert (done.booked, done.known) == (5, 0)
    before = await books.trial_balance(org_a.ctx)
    again = await books.import_book(org_a.ctx, books.read(first, "hledger"))
    assert (again.booked, again.known, again.accounts, again.commodities) == (0, 5, 0, 0)
    assert await books.trial_balance(org_a.ctx) == before
    grown = tmp_path / "grown.journal"
    entry = "2009-01-01 tea\n    expenses:food  $2\n    assets:cash\n\n"
    grown.write_text("; new\n\n" + entry + entry + first.read_text(encoding="utf-8"), encoding="utf-8")
    more = await books.import_book(org_a.ctx, books.read(grown, "hledger"))
    assert (more.booked, more.known) == (2, 5), "also the same twice, and in front of the rest"
    assert (await api.verify(org_a.ctx)).findings == ()


@pytest.mark.parametrize(
    ("format", "text", "said"),
    [
        ("beancount", "2020-01-01 open Assets:A\n2020-01-02 *\n  Assets:A  1 EUR\n", "bad:2: the trans"),
        ("hledger", "2020-01-01 x\n    a  $1\n    b  $1\n", "bad:1: the transaction does not balance"),
        ("ledger", "\n\nC 1 Kb = 1024 b\n", "bad:3: 'C' is not supported"),
        ("hledger", "include ../other\n", "bad:1: include '../other' leaves the book's folder"),
        ("beancount", "2300-01-01 open Assets:A\n2300-01-01 open Assets:B\n2300-01-01 *\n  Assets:A  1 EUR\n"
         "  Assets:B\n", "bad:3: the ledger keeps days from 1900"),
    ],
)  # fmt: skip
async def test_l4_wrong_books_name_the_line_and_book_nothing(
    capital: Run, tmp_path: Path, format: str, text: str, said: str
) -> None:
    file = tmp_path / "bad"
    file.write_text(text)
    for option in ("--dry-run", "--trial-balance"):
        done = await asyncio.to_thread(capital, "import", file, "--format", format, option)
        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
    left = await asyncio.to_thread(capital, "trial-balance")
    assert left.stdout == "account,commodity,amount\n"

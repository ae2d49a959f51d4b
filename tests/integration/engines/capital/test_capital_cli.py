"""`sent capital` as the installation's administrator uses it, and imports as members may do them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from books import open_books
from tenants import OrgFixture, add_member, member_database

from sent.engines.capital import api
from sent.engines.capital.plaintext import api as books
from sent.platform.errors import Denied, Invalid

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster
    from sent.platform.db.engine import Server

Run = Callable[..., subprocess.CompletedProcess[str]]
BOOK = (
    "2020-01-02 * (R1) Shop | tea\n    expenses:food  £2.50  ; green\n    assets:cash\n\n"
    "2020-02-03 Pay\n    assets:cash  £100.00\n    revenues:work\n"
)


@pytest.fixture
def capital(server: Server, org_a: OrgFixture) -> Run:
    """Return a function that runs `sent capital ...` on this test's database."""
    url = f"postgresql://sent@/{server.dbname}?host={server.host}&port={server.port}"

    def run(*arguments: object, input: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "sent", "capital", *map(str, arguments)],
            input=input,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "SENT_DATABASE_URL": url},
        )

    return run


def lines(done: subprocess.CompletedProcess[str]) -> list[Any]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_book_is_imported_once_shown_and_written_again(capital: Run, tmp_path: Path) -> None:
    imported = capital("import", "-", "--format", "hledger", "--org", "alpha", input=BOOK)
    assert lines(imported) == [{"booked": 2, "known": 0, "accounts": 6, "commodities": 1}]
    assert "2 of 2 transactions" in imported.stderr
    again = capital("import", "-", "--format", "hledger", input=BOOK)
    assert lines(again) == [{"booked": 0, "known": 2, "accounts": 0, "commodities": 0}]
    shown = capital("trial-balance", "--until", "2020-01-31")
    assert shown.stdout == "account,commodity,amount\nassets:cash,£,-2.5\nexpenses:food,£,2.5\n"
    assert lines(capital("trial-balance", "--format", "json"))[0] == {
        "account": "assets:cash", "commodity": "£", "amount": "97.5",
    }  # fmt: skip
    assert capital("trial-balance", "--known", "2020-06-01").stdout == "account,commodity,amount\n"
    out = tmp_path / "out.journal"
    assert lines(capital("export", "--format", "hledger", "-o", out)) == []
    text = out.read_text(encoding="utf-8")
    assert "2020-01-02 * (R1) Shop | tea\n    expenses:food  2.5 £  ; green\n" in text
    assert [path.name for path in tmp_path.iterdir()] == ["out.journal"]
    early = capital("export", "--format", "beancount", "--until", "2020-01-31").stdout
    assert '2020-01-02 * "Shop" "tea"\n  reference: "R1"\n' in early
    assert "2020-02-03 *" not in early


def test_symbols_may_get_the_code_of_a_currency(capital: Run) -> None:
    options = ("--format", "hledger", "--commodity", "£=GBP")
    dry = capital("import", "-", *options, "--dry-run", "--trial-balance", input=BOOK)
    assert "assets:cash,£,97.5\n" in dry.stdout
    assert lines(capital("import", "-", *options, input=BOOK))[0]["commodities"] == 0
    assert "assets:cash,GBP,97.5\n" in capital("trial-balance").stdout
    bad = capital("import", "-", "--format", "hledger", "--commodity", "£", input=BOOK)
    assert (bad.returncode, "write symbol=CODE" in bad.stderr) == (1, True)


def test_accounts_with_unknown_roots_are_what_one_says(capital: Run) -> None:
    text = "2020-01-02 x\n    Geldbeutel:bar  1 EUR\n    Equity:Anfang\n"
    done = capital("import", "-", "--format", "ledger", "--fallback", "asset", input=text)
    assert done.returncode == 0
    assert "taken for asset accounts: Geldbeutel" in done.stderr
    exported = capital("export", "--format", "beancount").stdout
    assert "open Assets:Geldbeutel:Bar\n" in exported


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("trial-balance", "--known", "yesterday"), "'yesterday' is no moment"),
        (("import", "/nowhere", "--format", "ledger"), "/nowhere: cannot be read: No such file"),
        (("export", "--format", "ledger", "-o", "/nowhere/x"), "/nowhere/x cannot be written"),
    ],
)
def test_mistakes_name_the_cure(capital: Run, arguments: tuple[str, ...], said: str) -> None:
    done = capital(*arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


async def test_verify_ends_with_one_and_names_the_entry_that_was_changed(
    capital: Run, org_a: OrgFixture, cluster: Cluster, server: Server
) -> None:
    found = await open_books(org_a.ctx)
    entry = await api.post(found.ctx, found.draft(found.bank, found.sales, "3.00"))
    for _ in range(3):
        await api.upkeep(found.ctx)
    clean = await asyncio.to_thread(capital, "verify")
    assert lines(clean) == [{"entries": 1, "blocks": 1, "unsealed": 0, "findings": 0}]
    with cluster.connect(server.dbname) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("update capital.entry set memo = 'other'")
        connection.execute("reset session_replication_role")
    dirty = await asyncio.to_thread(capital, "verify")
    assert dirty.returncode == 1
    finding = json.loads(dirty.stdout.splitlines()[0])
    assert (finding["journal"], finding["entry"], finding["what"]) == ("GJ", str(entry), "changed")


def read(tmp_path: Path, text: str, format: books.Format = "hledger") -> books.Book:
    file = tmp_path / "books"
    file.write_text(text, encoding="utf-8")
    return books.read(file, format)


async def test_a_book_that_grows_finer_is_taken_and_a_currency_only_if_one_says_so(
    org_a: OrgFixture, tmp_path: Path
) -> None:
    first = "2020-01-02 x\n    a  1 AAA\n    b\n\n"
    await books.import_book(org_a.ctx, read(tmp_path, first))
    done = await books.import_book(
        org_a.ctx, read(tmp_path, first + "2020-01-03 x\n    a  1.125 AAA\n    b\n")
    )
    assert (done.booked, done.known) == (1, 1)
    euros = read(tmp_path, "2020-01-02 x\n    a  1.125 EUR\n    b\n")
    with pytest.raises(Invalid, match=r"books:2: EUR is counted to 2 digits, and here to 3: .* --finer"):
        await books.import_book(org_a.ctx, euros)
    assert (await books.import_book(org_a.ctx, euros, books.Choices(finer=True))).booked == 1


async def test_one_entry_that_is_refused_keeps_the_whole_book_out(org_a: OrgFixture, tmp_path: Path) -> None:
    await api.set_period(org_a.ctx, date(2020, 1, 1), date(2020, 1, 31), "open")
    await api.set_period(org_a.ctx, date(2020, 2, 1), date(2020, 2, 29), "hard")
    with pytest.raises(Invalid, match="books:5: the period is closed") as refused:
        await books.import_book(org_a.ctx, read(tmp_path, BOOK))
    assert refused.value.code == "capital.period"
    assert await books.trial_balance(org_a.ctx) == []
    assert await api.accounts(org_a.ctx) == []


async def test_members_import_what_their_role_allows(
    org_a: OrgFixture, org_b: OrgFixture, server: Server, tmp_path: Path
) -> None:
    book = read(tmp_path, BOOK)
    async with member_database(server, org_a.membership) as db:
        ctx = replace(org_a.ctx, db=db)
        assert (await books.import_book(ctx, book)).booked == 2
        pieces = [piece async for piece in books.export(ctx, "ledger")]
        assert "".join(pieces).count("2020-") == 2
        more = read(tmp_path, BOOK + "\n2020-03-01 x\n    a  2.12345 AAA\n    b\n")
        assert (await books.import_book(ctx, more)).booked == 1
        finer = read(tmp_path, BOOK + "\n2020-03-01 x\n    a  2.1234567 AAA\n    b\n")
        assert (await books.import_book(ctx, finer)).booked == 1
        assert (await books.trial_balance(ctx))[0].amount == Decimal("4.2469067")
    person, membership = await add_member(org_a.ctx, "viewer@alpha.test", "V", "auditor")
    async with member_database(server, membership) as db:
        with pytest.raises(Denied):
            await books.import_book(replace(org_a.ctx, db=db, actor=person), book)
    assert await books.trial_balance(org_b.ctx) == []

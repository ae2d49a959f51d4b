"""L7: a bookkeeper's day in the real console under Xvfb, with the keyboard alone."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from bank_files import Payment, mt940
from installation import Installation, installation
from screen import NAME, Screen, console, display, needs_screen, organisation, sign_in

ENTRIES = 20

OPENED = """
import asyncio, sys
from datetime import date
from pathlib import Path
from sent.engines.capital import api
from sent.engines.capital.bank import api as banks
from sent.engines.capital.billing import api as billing
from sent.platform.auth import directory
from sent.platform.config.secrets import role_password
from sent.platform.context import Ctx
from sent.platform.db.embedded.endpoint import find
from sent.platform.db.engine import Database, fixed
from sent.platform.ids import uuid7

async def main():
    made = {}
    for role in ("sent_app", "sent_system"):
        made[role] = Database(find(), role, fixed(role_password(role)), trusted=True, name="test")
    async with made["sent_app"] as app, made["sent_system"] as system:
        org = await directory.find_organization(system, "northwind")
        ctx = Ctx(app, org.id, uuid7())
        DO

asyncio.run(main())
"""

BOOKS = """
        await api.set_up(ctx, "de")
        await billing.set_up_taxes(ctx, "de")
        accounts = {one.code: one.id for one in await api.accounts(ctx)}
        sales = accounts["8400"]
        party = billing.Party("customer", "C100", "Harbour Logistics Ltd", "Quay 4", "DE", account=sales)
        await billing.save_party(ctx, party)
        journal = next(one.id for one in await api.journals(ctx) if one.kind == "bank")
        await banks.open_bank_account(
            ctx, accounts["1200"], journal, "House bank", commodity="EUR", iban="DE02120300000000202051"
        )
        await api.open_year(ctx, date.today())
        print(len(accounts))
"""

NUMBER = """
        (issued,) = await billing.documents(ctx)
        print(issued.number, issued.gross, issued.state)
"""

STATEMENT = """
        (bank,) = await banks.bank_accounts(ctx)
        done = await banks.import_statement(ctx, bank.id, Path("FILE").read_bytes())
        print(done.added)
"""

ASK = """
import json
from sent.platform.db.admin import admin_connection

ASKED = {
    "entries": "select e.memo, p.name, count(*)::int, sum(greatest(l.amount, 0))::text from capital.entry e"
        " join capital.line l on l.organization_id = e.organization_id and l.seq = e.seq"
        " left join core.person p on p.id = e.actor_id group by e.seq, 1, 2 order by e.seq",
    "rest": "select coalesce(sum(amount), 0)::text from capital.line",
    "documents": "select d.number, d.state, p.name from capital.document d"
        " left join core.person p on p.id = d.issued_by",
    "open": "select d.number from capital.document d where d.gross > coalesce((select sum(a.amount)"
        " from capital.allocation a where a.document_id = d.id and a.released_at is null), 0)",
    "periods": "select state, count(*)::int from capital.period group by 1 order by 1",
}
with admin_connection() as connection:
    print(json.dumps({name: connection.execute(query).fetchall() for name, query in ASKED.items()}))
"""

pytestmark = [needs_screen, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def place() -> Iterator[Installation]:
    """Return an installation with an organisation, its owner and the books of a company."""
    with tempfile.TemporaryDirectory(prefix="sent-l7-") as folder:
        Path(folder).chmod(0o755)
        with installation(Path(folder)) as found:
            found.start("db")
            asyncio.run(organisation(found))
            assert int(done(found, BOOKS)) > 60
            yield found


@pytest.fixture
def screen(place: Installation, tmp_path: Path) -> Iterator[Screen]:
    """Return a screen with the console on it; the mouse lies in a corner and is never touched."""
    with display() as name, console(place, name, tmp_path / "state.json") as (found, _):
        yield found


def done(place: Installation, steps: str) -> str:
    """Let a service do something in the organisation; returns what it printed."""
    return place.python(OPENED.replace("        DO", steps)).strip()


def asked(place: Installation) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(place.python(ASK))
    return found


def test_l7_a_bookkeepers_day_by_keyboard(place: Installation, screen: Screen, tmp_path: Path) -> None:
    sign_in(screen)
    screen.until(lambda s: s["page"] == "overview", "the first page")
    twenty_entries(screen)
    found = asked(place)
    booked = [row for row in found["entries"] if row[0].startswith("Diesel")]
    assert len(booked) == ENTRIES
    assert all(name == NAME and lines == 2 for _, name, lines, _ in booked)
    assert [float(amount) for *_, amount in booked] == [12.5 * (n + 1) for n in range(ENTRIES)]

    an_invoice(screen)
    number, gross, state = done(place, NUMBER).split()
    assert state == "issued" and float(gross) == 428.4

    statement = tmp_path / "statement.sta"
    day = date.today()  # noqa: DTZ011
    paid = Payment(day, "428.40", "Harbour Logistics Ltd", "DE755121080012", f"RE {number} DANKE", "", "BR1")
    statement.write_bytes(mt940([paid, Payment(day, "-7.90", "Bank", "", "ENTGELT", "", "BR2")], "100.00"))
    assert done(place, STATEMENT.replace("FILE", str(statement))) == "2"
    a_reconciliation(screen)
    a_close(screen)

    found = asked(place)
    assert found["documents"] == [[number, "issued", NAME]] and found["open"] == []
    fees = [row for row in found["entries"] if float(row[3]) == 7.9]
    assert fees == [["Fees of the bank", NAME, 2, fees[0][3]]]
    assert ["soft", 1] in found["periods"]
    assert [[float(text) for text in row] for row in found["rest"]] == [[0.0]]


def twenty_entries(screen: Screen) -> None:
    """Book twenty entries into the bank account's register, amounts as sums, the account by a word."""
    screen.keys("g", "a")
    screen.until(lambda s: s["page"] == "accounts" and s["focus"] == "Accounts", "the chart")
    screen.keys("slash")
    screen.until(lambda s: s["focus"] == "Find accounts", "the search")
    screen.type("1200")
    screen.keys("Return")
    screen.until(lambda s: "1200  Bank" in s["said"], "the bank's register")
    screen.keys("n")
    screen.until(lambda s: s["focus"] == "Other account", "the entry line")
    began = time.monotonic()
    for n in range(ENTRIES):
        screen.type("fahrzeugkosten")
        screen.keys("Return", "Return")
        screen.type(f"Diesel {n}")
        screen.keys("Return", "Return")
        screen.type(f"{n + 1}*12.5")
        screen.keys("Return")
        amount = f"Booked {12.5 * (n + 1):,.2f} EUR"
        screen.until(lambda s, a=amount: a in s["said"] and s["focus"] == "Other account", amount)
    print(json.dumps({"entries": ENTRIES, "seconds": round(time.monotonic() - began, 1)}))
    screen.keys("Escape")


def an_invoice(screen: Screen) -> None:
    """Write an invoice of eight hours and issue it."""
    screen.keys("g", "y")
    screen.until(lambda s: s["page"] == "invoices", "the documents")
    screen.until(lambda s: "No documents here" in s["said"], "an empty list")
    screen.keys("n")
    screen.until(lambda s: s["focus"] == "Party", "the editor")
    screen.type("harbour")
    screen.keys("Return", "Return", "Return", "Return", "Return")
    for text in ("Night patrol", "8", "45", "", "U19", ""):
        if text:
            screen.type(text)
        screen.keys("Return")
    screen.keys("ctrl+Return")
    screen.until(lambda s: any("INV-" in text for text in s["said"]), "the number")


def a_reconciliation(screen: Screen) -> None:
    """Take the payment that fits the invoice, and book what the bank took."""
    screen.keys("g", "b")
    screen.until(lambda s: s["page"] == "bank" and s["focus"] == "Statement lines", "the lines")
    screen.until(lambda s: any("Harbour Logistics" in text for text in s["said"]), "what fits")
    screen.keys("shift+a")
    screen.until(
        lambda s: any("1 line matched" in text for text in s["toasts"]), "what is certain is matched"
    )
    screen.until(lambda s: any("ENTGELT" in text for text in s["said"]), "the fee in front")
    screen.keys("c")
    screen.until(lambda s: s["focus"] == "Account", "the account of the fee")
    screen.type("4970")
    screen.keys("Return", "Return")
    screen.type("Fees of the bank")
    screen.keys("Return")
    screen.until(lambda s: "Everything is matched" in s["said"], "nothing is left")


def a_close(screen: Screen) -> None:
    """Close the month in front softly."""
    screen.keys("ctrl+k")
    screen.until(lambda s: s["palette"], "the palette")
    screen.type("Closing")
    screen.keys("Return")
    screen.until(lambda s: s["page"] == "close", "the months")
    screen.keys("s")
    screen.until(lambda s: any("soft" in text for text in s["toasts"]), "the month is closed")

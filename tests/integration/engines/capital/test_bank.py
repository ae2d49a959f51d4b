"""Bank accounts on a real database: import, matching, undoing, reconciling, and who may."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg
import pytest
from bank_books import BankBooks, open_bank_books
from bank_files import Payment, camt, mt940, ofx
from tenants import MemberDb, OrgFixture, add_member, member_database
from typer.testing import CliRunner

from sent.engines.capital import api as ledger
from sent.engines.capital.bank import api, commands
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, scalar
from sent.platform.errors import Conflict, Denied, Invalid, NotFound

if TYPE_CHECKING:
    from sent.platform.db.embedded.cluster import Cluster
    from sent.platform.db.engine import Server

MARCH, APRIL = date(2025, 3, 10), date(2025, 4, 2)
PAID = Payment(MARCH, "1190.50", "Müller Bau GmbH", "DE7551", "RE-2025-00017", "", "BR1")
RENT = Payment(date(2025, 3, 31), "-850.00", "Vermieter KG", "DE8937", "MIETE APRIL", "RENT-04", "BR2")
FEE = Payment(date(2025, 3, 31), "-7.90", "Bank", "", "ENTGELT", "", "BR3")
ALL = [PAID, RENT, FEE]


@pytest.fixture
async def books(org_a: OrgFixture) -> BankBooks:
    return await open_bank_books(org_a.ctx)


def bill(books: BankBooks, amount: str = "1190.50", number: int = 17) -> api.Open:
    return api.Open(
        f"inv-{number}", Decimal(amount), "EUR", date(2025, 3, 1), f"RE-2025-{number:05}", "Müller Bau GmbH",
        "invoice", books.receivable,
    )  # fmt: skip


async def left(books: BankBooks) -> set[str]:
    return {one.text for one in await api.unmatched(books.ctx, books.bank)}


async def test_what_is_in_the_ledger_is_matched_and_nothing_booked(books: BankBooks) -> None:
    await books.book(MARCH, "1190.50", books.sales, reference="RE-2025-00017", memo="Müller Bau GmbH")
    before = await ledger.balances(books.ctx)
    await api.import_statement(books.ctx, books.bank, camt(ALL, "100.00"))
    done = await api.auto_match(books.ctx, books.bank)
    assert (done.matched, done.by_rule, done.left) == (1, 0, 2)
    assert await ledger.balances(books.ctx) == before
    (held,) = await api.held(books.ctx, books.bank)
    assert (held.how, held.confidence >= 0.95) == ("auto", True)
    assert await api.auto_match(books.ctx, books.bank) == replace(done, matched=0)


async def test_an_invoice_is_paid_and_the_payment_booked_once(books: BankBooks) -> None:
    await api.import_statement(books.ctx, books.bank, camt(ALL, "100.00"))
    seen: list[UUID] = []

    async def settle(tx: Tx, proposal: api.Proposal, entries: object) -> None:
        assert isinstance(entries, list)
        seen.extend(entries)
        assert await scalar(tx, "select count(*) from capital.entry where id = any(%s)", [entries]) == 1
        assert [one.open.id for one in proposal.taken] == ["inv-17"]

    done = await api.auto_match(books.ctx, books.bank, opens=[bill(books)], settle=settle)
    assert done.matched == len(seen) == 1
    assert await books.amount(books.cash) == -await books.amount(books.receivable) == Decimal("1190.50")
    (held,) = await api.held(books.ctx, books.bank)
    assert "inv-17" in held.opens


async def test_a_settlement_that_fails_leaves_nothing(books: BankBooks) -> None:
    await api.import_statement(books.ctx, books.bank, camt(ALL, "100.00"))

    async def refuse(_tx: Tx, _proposal: api.Proposal, _entries: object) -> None:
        raise Conflict("billing.paid", "the invoice is paid already")

    with pytest.raises(Conflict, match="paid already"):
        await api.auto_match(books.ctx, books.bank, opens=[bill(books)], settle=refuse)
    assert await ledger.balances(books.ctx) == []
    assert len(await left(books)) == 3


async def test_a_rule_books_by_itself_and_undoing_reverses_it(books: BankBooks) -> None:
    await api.import_statement(books.ctx, books.bank, camt(ALL, "100.00"))
    rule = api.Rule("rent", books.rent, text_pattern="miete", direction="out", auto=True, memo="Rent")
    await api.save_rule(books.ctx, rule)
    assert await api.bank_rules(books.ctx, books.bank) == [rule]
    done = await api.auto_match(books.ctx, books.bank)
    assert (done.matched, done.by_rule) == (1, 1)
    assert await books.amount(books.rent) == Decimal("850.00")
    (held,) = await api.held(books.ctx, books.bank)
    assert held.how == "rule"
    await api.undo(books.ctx, held.id)
    assert await books.amount(books.rent) == await books.amount(books.cash) == 0
    assert "MIETE APRIL" in await left(books)
    with pytest.raises(Conflict, match="undone already"):
        await api.undo(books.ctx, held.id)
    proposals = await api.propose(books.ctx, books.bank)
    assert [one.kind for one in proposals] == ["book"], "entry and reversal are no candidates"
    await api.auto_match(books.ctx, books.bank)
    assert await books.amount(books.rent) == Decimal("850.00"), "and again, under a key of its own"


async def test_a_movement_is_booked_by_hand_once(books: BankBooks) -> None:
    await api.import_statement(books.ctx, books.bank, camt(ALL, "100.00"))
    fee = next(one for one in await api.unmatched(books.ctx, books.bank) if one.text == "ENTGELT")

    async def book() -> bool:
        try:
            await api.create_from_line(books.ctx, books.bank, fee.id, books.fees, "Charges")
        except Conflict:
            return False
        return True

    assert sorted(await asyncio.gather(*(book() for _ in range(5)))) == [False] * 4 + [True]
    assert await books.amount(books.fees) == Decimal("7.90")


async def test_a_short_payment_with_its_charge_is_booked_when_a_person_says_so(books: BankBooks) -> None:
    await api.import_statement(books.ctx, books.bank, camt(ALL, "100.00"))
    line = next(one for one in await api.unmatched(books.ctx, books.bank) if one.amount > 0)
    item = api.Taken(bill(books, "1200.00"), Decimal("1200.00"))
    wrong = api.Proposal("match", (line.id,), 1.0, (), (item,))
    with pytest.raises(Invalid, match="same amount"):
        await api.accept(books.ctx, books.bank, wrong)
    await api.accept(books.ctx, books.bank, replace(wrong, charge=Decimal("-9.50")))
    assert await books.amount(books.fees) == Decimal("9.50")
    assert await books.amount(books.receivable) == Decimal("-1200.00")
    with pytest.raises(Conflict, match="matched already"):
        await api.accept(books.ctx, books.bank, replace(wrong, charge=Decimal("-9.50")))


async def test_what_a_closed_period_refuses_is_told_and_left(books: BankBooks) -> None:
    await api.import_statement(books.ctx, books.bank, camt(ALL, "100.00"))
    await api.save_rule(books.ctx, api.Rule("rent", books.rent, text_pattern="miete", auto=True))
    await ledger.set_period(books.ctx, date(2025, 3, 1), date(2025, 3, 31), "hard")
    done = await api.auto_match(books.ctx, books.bank)
    assert (done.matched, done.left) == (0, 3)
    assert "period is closed" in done.refused[0][1]


async def test_the_difference_is_explained_by_what_is_open(books: BankBooks) -> None:
    await books.book(date(2025, 1, 1), "90.00", books.sales, kind="opening")
    await books.book(MARCH, "1190.50", books.sales, reference="RE-2025-00017", memo="Müller Bau GmbH")
    await books.book(APRIL, "-850.00", books.rent, reference="RENT-04", memo="Vermieter KG Miete")
    await books.book(date(2025, 3, 30), "-33.00", books.rent, memo="cheque 4")
    await api.import_statement(books.ctx, books.bank, camt(ALL, "100.00"))
    assert (await api.auto_match(books.ctx, books.bank)).matched == 2
    found = await api.reconciled(books.ctx, books.bank, date(2025, 3, 31))
    assert (found.statement, found.ledger) == (Decimal("432.60"), Decimal("1247.50"))
    assert (found.brought_forward, found.gap) == (Decimal("-10.00"), 0)
    assert (found.outstanding, found.unbooked, found.timing) == (
        Decimal("-33.00"), Decimal("-7.90"), Decimal("850.00"),
    )  # fmt: skip
    parts = found.brought_forward + found.outstanding - found.unbooked + found.timing
    assert found.difference == parts == Decimal("814.90")
    later = await api.reconciled(books.ctx, books.bank, APRIL)
    assert later.timing == 0
    assert [one.text for one in later.ledger_items] == ["cheque 4"]
    assert [one.text for one in later.statement_items] == ["ENTGELT"]


async def test_a_missing_statement_is_a_gap(books: BankBooks) -> None:
    await api.import_statement(books.ctx, books.bank, camt([PAID], "100.00"))
    await api.import_statement(books.ctx, books.bank, camt([RENT], "1500.00", number="9"))
    found = await api.reconciled(books.ctx, books.bank, APRIL)
    assert (found.statement, found.gap, found.explained) == (Decimal("650.00"), Decimal("209.50"), False)


async def test_overlapping_statements_add_what_is_new(books: BankBooks) -> None:
    first = await api.import_statement(books.ctx, books.bank, camt(ALL[:2], "100.00"))
    late = replace(FEE, day=APRIL, bank_id="BR9")
    second = await api.import_statement(books.ctx, books.bank, camt([RENT, FEE, late], "1290.50", number="8"))
    assert (first.added, second.added, second.known) == (2, 2, 1)


async def test_other_accounts_and_currencies_are_refused(books: BankBooks) -> None:
    with pytest.raises(Invalid, match="choose its bank account"):
        await api.import_statement(books.ctx, books.bank, camt(ALL, "1.00", iban="DE89370400440532013000"))
    with pytest.raises(Invalid, match="in USD"):
        await api.import_statement(books.ctx, books.bank, camt(ALL, "1.00").replace(b"EUR", b"USD"))
    with pytest.raises(NotFound):
        await api.import_statement(books.ctx, uuid4(), camt(ALL, "1.00"))
    assert await left(books) == set()


async def test_a_saved_mapping_reads_the_banks_csv(books: BankBooks) -> None:
    mapping = api.CsvMapping({"day": ("Tag",), "amount": ("Wert",), "text": ("Was",)}, commodity="EUR")
    await api.save_mapping(books.ctx, books.bank, mapping)
    data = b"Tag;Wert;Was\n31.03.2025;-7,90;ENTGELT\n"
    assert (await api.import_statement(books.ctx, books.bank, data)).added == 1
    assert (await api.import_statement(books.ctx, books.bank, data)).added == 0
    assert (await api.import_statement(books.ctx, books.bank, ofx([FEE], "92.10"))).added == 0


async def test_two_imports_at_once_add_each_line_once(books: BankBooks) -> None:
    data = mt940(ALL, "100.00")
    found = await asyncio.gather(*(api.import_statement(books.ctx, books.bank, data) for _ in range(4)))
    assert sum(one.added for one in found) == 3


async def test_readers_see_and_only_bookkeepers_do(
    books: BankBooks, org_b: OrgFixture, server: Server, member_db: MemberDb
) -> None:
    await api.import_statement(books.ctx, books.bank, camt(ALL, "100.00"))
    stranger = Ctx(await member_db(org_b), books.ctx.org, uuid4())
    assert await api.bank_accounts(stranger) == [], "of another organisation nothing is seen"
    _, membership = await add_member(books.ctx, "auditor@alpha.test", "Auditor", "auditor")
    async with member_database(server, membership) as database:
        ctx = Ctx(database, books.ctx.org, uuid4())
        for action in (
            api.import_statement(ctx, books.bank, mt940([replace(PAID, bank_id="X")], "1.00")),
            api.save_rule(ctx, api.Rule("rent", books.rent, text_pattern="miete")),
            api.create_from_line(ctx, books.bank, uuid4(), books.fees),
            api.open_bank_account(ctx, books.fees, books.journal, "x", commodity="EUR"),
        ):
            with pytest.raises((Denied, NotFound)):
                await action


async def test_staff_work_with_their_own_login(
    books: BankBooks, org_a: OrgFixture, member_db: MemberDb
) -> None:
    ctx = Ctx(await member_db(org_a), org_a.org, org_a.owner)
    assert (await api.import_statement(ctx, books.bank, camt(ALL, "100.00"))).added == 3
    await api.save_rule(ctx, api.Rule("rent", books.rent, text_pattern="miete", auto=True))
    assert (await api.auto_match(ctx, books.bank)).matched == 1
    (held,) = await api.held(ctx, books.bank)
    await api.undo(ctx, held.id)
    assert len(await api.unmatched(ctx, books.bank)) == 3


@pytest.mark.parametrize("role", ["sent_owner", "sent_app", "sent_system", "sent_staff"])
async def test_what_the_bank_told_is_never_changed(
    books: BankBooks, cluster: Cluster, server: Server, role: str
) -> None:
    await api.import_statement(books.ctx, books.bank, camt(ALL, "100.00"))
    with cluster.connect(server.dbname) as connection:
        connection.execute("select set_config('sent.organization_id', %s, false)", [str(books.ctx.org)])
        connection.execute(f"set role {role}")
        for statement in (
            "update capital.bank_line set amount = 1", "delete from capital.bank_line",
            "update capital.bank_statement set closing = 1",
        ):  # fmt: skip
            with pytest.raises(psycopg.Error) as refused:
                connection.execute(statement)
            assert refused.value.sqlstate in ("42501", "SN403")


async def test_a_match_that_does_not_add_up_is_refused_by_the_database(books: BankBooks) -> None:
    await books.book(MARCH, "1190.49", books.sales)
    await api.import_statement(books.ctx, books.bank, camt(ALL, "100.00"))
    (line,) = [one for one in await api.unmatched(books.ctx, books.bank) if one.amount > 0]
    (open_,) = (await api.reconciled(books.ctx, books.bank, APRIL)).ledger_items
    claimed = replace(open_, amount=line.amount)
    wrong = api.Proposal("match", (line.id,), 1.0, (), (api.Taken(claimed, line.amount),))
    with pytest.raises(Invalid, match="statement and ledger differ"):
        await api.accept(books.ctx, books.bank, wrong)


async def test_undoing_tells_who_keeps_the_documents(books: BankBooks) -> None:
    await api.import_statement(books.ctx, books.bank, camt(ALL, "100.00"))
    await api.auto_match(books.ctx, books.bank, opens=[bill(books)])
    (held,) = await api.held(books.ctx, books.bank)
    told: list[UUID] = []

    async def unsettle(_tx: Tx, entries: Sequence[UUID]) -> None:
        told.extend(entries)

    await api.undo(books.ctx, held.id, APRIL, unsettle=unsettle)
    assert len(told) == 1
    assert await books.amount(books.receivable) == 0
    assert (await api.reconciled(books.ctx, books.bank, APRIL)).timing == 0


async def test_the_commands_import_match_and_tell(
    books: BankBooks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()

    def administer(_org: str | None, work: Callable[[Ctx], Coroutine[Any, Any, None]]) -> None:
        asyncio.run_coroutine_threadsafe(work(books.ctx), loop).result(60)

    monkeypatch.setattr(commands, "administer", administer)

    async def run(*words: str) -> list[dict[str, Any]]:
        done = await asyncio.to_thread(CliRunner().invoke, commands.app, list(words), catch_exceptions=False)
        return [json.loads(line) for line in done.stdout.splitlines()]

    plain, packed = tmp_path / "a.sta", tmp_path / "b.xml.gz"
    plain.write_bytes(mt940(ALL, "100.00"))
    packed.write_bytes(gzip.compress(camt(ALL, "100.00")))
    first, second = await run("import", str(plain), str(packed))
    assert (first["format"], first["added"], second["format"], second["added"]) == ("mt940", 3, "camt053", 0)
    await api.save_rule(books.ctx, api.Rule("rent", books.rent, text_pattern="miete", auto=True))
    (proposed,) = await run("match", "--dry-run")
    assert (proposed["kind"], proposed["confidence"]) == ("book", 1.0)
    assert await run("match") == [{"matched": 1, "by_rule": 1, "left": 2, "refused": 0}]
    (found,) = await run("status", "--until", "2025-03-31", "--account", "house bank")
    assert (Decimal(found["statement"]), Decimal(found["ledger"])) == (Decimal("432.60"), Decimal("-850"))
    with pytest.raises(Invalid, match="choose another file"):
        await run("import", str(tmp_path / "missing"))
    with pytest.raises(Invalid, match="a format is one of"):
        await run("import", str(plain), "--format", "pdf")
    with pytest.raises(NotFound, match="no bank account is called"):
        await run("status", "--account", "other")


async def test_what_can_be_matched_by_hand_and_the_kept_mapping_are_told(books: BankBooks) -> None:
    assert await api.saved_mapping(books.ctx, books.bank) is None
    mapping = api.CsvMapping({"day": ("Date",), "amount": ("Amount",)}, ",", ".", "%d/%m/%Y")
    await api.save_mapping(books.ctx, books.bank, mapping)
    assert await api.saved_mapping(books.ctx, books.bank) == mapping
    await books.book(MARCH, "12.50", books.sales, memo="Till")
    (line,) = await api.candidates(books.ctx, books.bank, APRIL)
    assert (line.kind, line.amount) == ("line", Decimal("12.50"))

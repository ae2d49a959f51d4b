"""Bank accounts, statements and matches in SQL; changes go through functions of the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from sent.engines.capital.bank.identity import Fresh, Known
from sent.engines.capital.bank.model import BankAccount, Held, Learned, Movement, Open, Rule
from sent.engines.capital.bank.readers.statement import Statement, StatementLine
from sent.engines.capital.bank.readers.table import CsvMapping
from sent.engines.capital.bank.words import fold
from sent.platform.db.uow import Tx, fetch, fetch_one, scalar
from sent.platform.errors import NotFound
from sent.platform.ids import uuid7

AT_ONCE = 2_000
MAX_MOVEMENTS = 20_000
_ACCOUNT = (
    "select b.id, b.account_id as account, b.journal_id as journal, b.name, b.commodity, b.iban, b.since"
    " from capital.bank_account b"
)
_MOVEMENT = (
    "select l.id, l.day, l.amount, l.commodity, l.counterparty, l.iban, l.text, l.reference, l.end_to_end"
    " from capital.bank_line l"
)
_UNMATCHED = (
    " not exists (select from capital.bank_match_part p where p.organization_id = l.organization_id"
    " and p.line_id = l.id and p.live)"
)


async def open_account(tx: Tx, made: BankAccount) -> None:
    """Open a bank account."""
    await tx.execute(
        "select capital.open_bank_account(%s, %s, %s, %s, %s, %s)",
        [made.id, made.account, made.journal, made.name, made.commodity, made.iban],
    )


async def accounts(tx: Tx) -> list[BankAccount]:
    """Return the bank accounts by name."""
    return await fetch(tx, BankAccount, f"{_ACCOUNT} order by b.name, b.id limit 1000")


async def account(tx: Tx, id: UUID, *, lock: bool = False) -> BankAccount:
    """Return a bank account; with `lock` nobody else works on it until this transaction ends."""
    if lock:
        await tx.execute("select capital.lock_bank_account(%s)", [id])
    found = await fetch_one(tx, BankAccount, f"{_ACCOUNT} where b.id = %s", [id])
    if found is None:
        raise NotFound("capital.bank.missing", "there is no such bank account")
    return found


async def add_statement(tx: Tx, account: UUID, format: str, told: Statement, new: Sequence[Fresh]) -> UUID:
    """Add a statement with its new lines; returns its id."""
    made = uuid7()
    await tx.execute(
        "select capital.add_bank_statement(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            made, account, format, told.number, told.commodity, told.starts, told.ends, told.opening,
            told.closing,
        ],
    )  # fmt: skip
    for start in range(0, len(new), AT_ONCE):
        rows = [
            asdict(one.line) | {"id": uuid7(), "n": n, "fingerprint": one.fingerprint.hex()}
            for n, one in enumerate(new[start : start + AT_ONCE], start + 1)
        ]
        text = orjson.dumps(rows, default=str).decode()
        await tx.execute("select capital.add_bank_lines(%s, %s::jsonb)", [made, text])
    return made


async def known_lines(tx: Tx, account: UUID, starts: date, ends: date) -> list[tuple[UUID, Known]]:
    """Return what statements tell of some days already, with the statement of each line."""
    cursor = await tx.execute(
        "select l.statement_id, s.format, l.day, l.value_day, l.amount, l.commodity, l.counterparty, l.iban,"
        " l.text, l.reference, l.end_to_end, l.bank_id, l.code, l.reversal"
        " from capital.bank_line l join capital.bank_statement s"
        " on s.organization_id = l.organization_id and s.id = l.statement_id"
        " where l.bank_account_id = %s and l.day between %s and %s order by l.day, l.id",
        [account, starts, ends],
    )
    return [(row[0], Known(StatementLine(*row[2:]), row[1])) for row in await cursor.fetchall()]


async def same_balances(tx: Tx, account: UUID, told: Statement) -> UUID | None:
    """Return a statement with the same balances at both ends that has some of the days."""
    if told.opening is None or told.closing is None:
        return None
    found = await scalar(
        tx,
        "select s.id from capital.bank_statement s where s.bank_account_id = %s and s.opening = %s"
        " and s.closing = %s and s.starts <= %s and s.ends >= %s order by s.created_at limit 1",
        [account, told.opening, told.closing, told.ends, told.starts],
    )
    return UUID(str(found)) if found is not None else None


async def unmatched(tx: Tx, account: UUID, until: date | None) -> list[Movement]:
    """Return the movements that nothing is matched with, by day."""
    return await fetch(
        tx,
        Movement,
        f"{_MOVEMENT} where l.bank_account_id = %s and (%s::date is null or l.day <= %s) and {_UNMATCHED}"
        " order by l.day, l.id limit %s",
        [account, until, until, MAX_MOVEMENTS],
    )


async def movements(tx: Tx, account: UUID, ids: Sequence[UUID]) -> list[Movement]:
    """Return movements by their ids."""
    return await fetch(
        tx,
        Movement,
        f"{_MOVEMENT} where l.bank_account_id = %s and l.id = any(%s) order by l.day, l.id",
        [account, list(ids)],
    )


async def free(tx: Tx, ids: Sequence[UUID]) -> set[UUID]:
    """Return which movements nothing is matched with."""
    cursor = await tx.execute(
        f"select l.id from capital.bank_line l where l.id = any(%s) and {_UNMATCHED}", [list(ids)]
    )
    return {row[0] for row in await cursor.fetchall()}


async def tries(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return how often movements were matched and undone: their bookings need new keys."""
    cursor = await tx.execute(
        "select p.line_id, count(*) from capital.bank_match_part p where p.line_id = any(%s) and not p.live"
        " group by p.line_id",
        [list(ids)],
    )
    return {row[0]: int(row[1]) for row in await cursor.fetchall()}


async def open_lines(tx: Tx, account: UUID, until: date | None = None) -> list[Open]:
    """Return the ledger's lines on a bank account that no statement explains."""
    cursor = await tx.execute(
        "select o.seq, o.n, o.day, o.amount, o.commodity, o.reference, o.memo, o.note"
        " from capital.open_bank_lines(%s, %s) o limit 50000",
        [account, until],
    )
    return [
        Open(f"line:{seq}:{n}", amount, commodity, day, reference, text=f"{memo} {note or ''}".strip())
        for seq, n, day, amount, commodity, reference, memo, note in await cursor.fetchall()
    ]


async def bank_lines_of(tx: Tx, entries: Sequence[UUID], account: UUID) -> dict[UUID, list[tuple[int, int]]]:
    """Return number and place of the lines that entries have on a ledger account."""
    cursor = await tx.execute(
        "select e.id, l.seq, l.n from capital.entry e join capital.line l"
        " on l.organization_id = e.organization_id and l.seq = e.seq"
        " where e.id = any(%s) and l.account_id = %s order by l.seq, l.n",
        [list(entries), account],
    )
    found: dict[UUID, list[tuple[int, int]]] = defaultdict(list)
    for entry, seq, n in await cursor.fetchall():
        found[entry].append((seq, n))
    return found


async def add_matches(tx: Tx, account: UUID, made: Sequence[dict[str, Any]]) -> None:
    """Keep matches (see `capital.add_bank_matches`)."""
    text = orjson.dumps(list(made), default=str).decode()
    await tx.execute("select capital.add_bank_matches(%s, %s::jsonb)", [account, text])


async def undo(tx: Tx, match: UUID) -> list[UUID]:
    """Take a match back; returns the entries that it booked."""
    cursor = await tx.execute("select * from capital.undo_bank_match(%s)", [match])
    return [row[0] for row in await cursor.fetchall()]


async def days_of(tx: Tx, entries: Sequence[UUID]) -> dict[UUID, date]:
    """Return the days of entries."""
    cursor = await tx.execute("select e.id, e.day from capital.entry e where e.id = any(%s)", [list(entries)])
    return {row[0]: row[1] for row in await cursor.fetchall()}


async def held(tx: Tx, account: UUID, most: int) -> list[Held]:
    """Return the matches that stand, the newest first."""
    cursor = await tx.execute(
        "select m.id, m.how, m.confidence, m.why, array_remove(array_agg(p.line_id), null),"
        " array_remove(array_agg(coalesce(p.open_id, 'line:' || p.seq || ':' || p.n)), null)"
        " from capital.bank_match m join capital.bank_match_part p"
        " on p.organization_id = m.organization_id and p.match_id = m.id"
        " where m.bank_account_id = %s and m.undone_at is null group by m.organization_id, m.id"
        " order by m.id desc limit %s",
        [account, most],
    )
    return [
        Held(row[0], row[1], float(row[2]), row[3], tuple(row[4]), tuple(row[5]))
        for row in await cursor.fetchall()
    ]


async def rules(tx: Tx, account: UUID | None = None) -> list[Rule]:
    """Return the rules by position; of a bank account those for all too."""
    return await fetch(
        tx,
        Rule,
        "select r.id, r.bank_account_id as bank_account, r.name, r.position, r.text_pattern, r.party_pattern,"
        " r.iban, r.minimum, r.maximum, r.direction, r.account_id as account, r.tax_code, r.memo, r.auto,"
        " r.active from capital.bank_rule r where %s::uuid is null or r.bank_account_id is null"
        " or r.bank_account_id = %s order by r.position, r.name limit 5000",
        [account, account],
    )


async def save_rule(tx: Tx, rule: Rule) -> None:
    """Add a rule or change it."""
    await tx.execute(
        "insert into capital.bank_rule (id, bank_account_id, name, position, text_pattern, party_pattern,"
        " iban, minimum, maximum, direction, account_id, tax_code, memo, auto, active)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " on conflict (organization_id, id) do update set bank_account_id = excluded.bank_account_id,"
        " name = excluded.name, position = excluded.position, text_pattern = excluded.text_pattern,"
        " party_pattern = excluded.party_pattern, iban = excluded.iban, minimum = excluded.minimum,"
        " maximum = excluded.maximum, direction = excluded.direction, account_id = excluded.account_id,"
        " tax_code = excluded.tax_code, memo = excluded.memo, auto = excluded.auto, active = excluded.active",
        [
            rule.id, rule.bank_account, rule.name, rule.position, rule.text_pattern, rule.party_pattern,
            rule.iban, rule.minimum, rule.maximum, rule.direction, rule.account, rule.tax_code, rule.memo,
            rule.auto, rule.active,
        ],
    )  # fmt: skip


async def mapping(tx: Tx, account: UUID) -> CsvMapping | None:
    """Return how the bank writes its CSV, if that was saved."""
    spec = await scalar(
        tx, "select m.spec from capital.bank_mapping m where m.bank_account_id = %s", [account]
    )
    if spec is None:
        return None
    columns = {name: tuple(found) for name, found in spec.pop("columns").items()}
    return CsvMapping(columns=columns, **spec)


async def save_mapping(tx: Tx, account: UUID, made: CsvMapping) -> None:
    """Keep how the bank writes its CSV."""
    await tx.execute(
        "insert into capital.bank_mapping (id, bank_account_id, spec) values (%s, %s, %s::jsonb)"
        " on conflict (organization_id, bank_account_id) do update set spec = excluded.spec",
        [uuid7(), account, orjson.dumps(asdict(made)).decode()],
    )


async def learned(tx: Tx, account: UUID) -> Learned:
    """Return what matches that stand teach: names behind IBANs, accounts of counterparties."""
    cursor = await tx.execute(
        "select l.iban, mode() within group (order by l.counterparty) from capital.bank_line l"
        " where l.bank_account_id = %s and l.iban <> '' and l.counterparty <> ''"
        f" and not {_UNMATCHED} group by l.iban limit 50000",
        [account],
    )
    parties = {row[0]: row[1] for row in await cursor.fetchall()}
    cursor = await tx.execute(
        "select b.iban, b.counterparty, l.account_id, count(*)"
        " from capital.bank_match m"
        " join capital.bank_match_part p on p.organization_id = m.organization_id and p.match_id = m.id"
        " and p.line_id is not null"
        " join capital.bank_line b on b.organization_id = p.organization_id and b.id = p.line_id"
        " join capital.bank_match_part q on q.organization_id = m.organization_id and q.match_id = m.id"
        " and q.booked"
        " join capital.line l on l.organization_id = q.organization_id and l.seq = q.seq and l.n <> q.n"
        " where m.bank_account_id = %s and m.undone_at is null and m.how = 'person'"
        " and not exists (select from capital.bank_match_part o where o.organization_id = m.organization_id"
        " and o.match_id = m.id and o.open_id is not null)"
        " group by 1, 2, 3 limit 50000",
        [account],
    )
    found: dict[str, dict[UUID, int]] = defaultdict(lambda: defaultdict(int))
    for iban, counterparty, against, often in await cursor.fetchall():
        for key in {iban, fold(counterparty)} - {""}:
            found[key][against] += often
    return Learned(parties, found)


@dataclass(frozen=True, slots=True)
class Sums:
    """What statements and ledger come to at the end of a day; see `totals`."""

    ledger: Decimal
    before: Decimal
    lines: Decimal
    closing: Decimal | None
    after_closing: Decimal
    opening: Decimal | None


async def totals(tx: Tx, bank: BankAccount, until: date) -> Sums:
    """Return the ledger's balance, what it had before statements begin, the sum of statement lines; the
    bank's last closing balance and the lines after it; its first opening balance."""
    found = await fetch_one(
        tx,
        Sums,
        "with closing as (select s.closing, s.ends from capital.bank_statement s"
        " where s.bank_account_id = %(bank)s and s.closing is not null and s.ends <= %(until)s"
        " order by s.ends desc, s.created_at desc limit 1)"
        " select (select coalesce(sum(l.amount), 0) from capital.line l where l.account_id = %(account)s"
        "  and l.commodity = %(commodity)s and not l.pending and l.day <= %(until)s) as ledger,"
        " (select coalesce(sum(l.amount), 0) from capital.line l join capital.entry e"
        "  on e.organization_id = l.organization_id and e.seq = l.seq where l.account_id = %(account)s"
        "  and l.commodity = %(commodity)s and not l.pending and l.day <= %(until)s"
        "  and (l.day < %(since)s or e.kind = 'opening') and not exists ("
        "   select from capital.bank_match_part p where p.organization_id = l.organization_id"
        "   and p.seq = l.seq and p.n = l.n and p.live)) as before,"
        " (select coalesce(sum(l.amount), 0) from capital.bank_line l where l.bank_account_id = %(bank)s"
        "  and l.day <= %(until)s) as lines,"
        " (select c.closing from closing c) as closing,"
        " (select coalesce(sum(l.amount), 0) from capital.bank_line l where l.bank_account_id = %(bank)s"
        "  and l.day <= %(until)s and l.day > (select c.ends from closing c)) as after_closing,"
        " (select s.opening from capital.bank_statement s where s.bank_account_id = %(bank)s"
        "  and s.opening is not null and s.starts <= %(until)s order by s.starts, s.created_at limit 1)"
        "  as opening",
        {
            "bank": bank.id, "account": bank.account, "commodity": bank.commodity, "until": until,
            "since": bank.since or date(1900, 1, 1),
        },
    )  # fmt: skip
    if found is None:
        raise NotFound("capital.bank.missing", "there is no such bank account")
    return found

"""The ledger in SQL; every change goes through a function of the database."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from sent.engines.capital.model import (
    Account,
    Balance,
    Draft,
    Fault,
    Holding,
    Journal,
    Line,
    Outcome,
    Period,
    Rate,
    Reopening,
    Setup,
)
from sent.platform.db.uow import Tx, fetch, fetch_one, scalar
from sent.platform.errors import Invalid

_POST = (
    "select n, fault, entry from capital.post(%s::uuid[], %s::uuid[], %s::text[], %s::date[], %s::text[],"
    " %s::text[], %s::text[], %s::bytea[], %s::uuid[], %s::timestamptz[], %s::integer[], %s::uuid[],"
    " %s::text[], %s::numeric[], %s::text[])"
)


def request_digest(*parts: Any) -> bytes:
    """Return the SHA-256 of what a request asks for: equal requests have equal digests."""
    return hashlib.sha256(orjson.dumps(parts, default=str)).digest()


def _asked(draft: Draft) -> bytes | None:
    if draft.key is None:
        return None
    lines = [
        (line.account, f"{line.amount.normalize():f}", line.commodity, line.note) for line in draft.lines
    ]
    return request_digest(
        draft.kind, draft.journal, draft.day, draft.memo, draft.reference, draft.expires_at, lines
    )


async def post(tx: Tx, drafts: Sequence[Draft]) -> list[Outcome]:
    """Book drafts in their order; returns what became of each."""
    owners = [n for n, draft in enumerate(drafts, 1) for _ in draft.lines]
    lines = [line for draft in drafts for line in draft.lines]
    cursor = await tx.execute(
        _POST,
        [
            [draft.id for draft in drafts],
            [draft.journal for draft in drafts],
            [draft.kind for draft in drafts],
            [draft.day for draft in drafts],
            [draft.memo for draft in drafts],
            [draft.reference for draft in drafts],
            [draft.key for draft in drafts],
            [_asked(draft) for draft in drafts],
            [draft.group for draft in drafts],
            [draft.expires_at for draft in drafts],
            owners,
            [line.account for line in lines],
            [line.commodity for line in lines],
            [line.amount for line in lines],
            [line.note for line in lines],
        ],
    )
    found = sorted(await cursor.fetchall())
    return [Outcome(Fault(fault), entry) for _, fault, entry in found]


async def post_one(tx: Tx, draft: Draft) -> Outcome:
    """Book one draft the short way; raises Conflict when an account would go below its floor."""
    cursor = await tx.execute(
        "select fault, entry from capital.post_one(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::uuid[],"
        " %s::text[], %s::numeric[], %s::text[])",
        [
            draft.id, draft.journal, draft.kind, draft.day, draft.memo, draft.reference, draft.key,
            _asked(draft), draft.expires_at, [line.account for line in draft.lines],
            [line.commodity for line in draft.lines], [line.amount for line in draft.lines],
            [line.note for line in draft.lines],
        ],
    )  # fmt: skip
    ((fault, entry),) = await cursor.fetchall()
    return Outcome(Fault(fault), entry)


async def post_pending(
    tx: Tx, reserved: UUID, id: UUID, day: date, memo: str, key: str | None, lines: Sequence[Line] | None
) -> Outcome:
    """Book what was reserved, whole (`lines` None) or less."""
    asked = None
    if key is not None:
        parts = (
            None if lines is None else [(x.account, f"{x.amount.normalize():f}", x.commodity) for x in lines]
        )
        asked = request_digest("post", reserved, day, memo, parts)
    cursor = await tx.execute(
        "select n, fault, entry from capital.post_pending(%s, %s, %s, %s, %s, %s, %s::uuid[], %s::text[],"
        " %s::numeric[])",
        [
            reserved, id, day, memo, key, asked,
            None if lines is None else [line.account for line in lines],
            None if lines is None else [line.commodity for line in lines],
            None if lines is None else [line.amount for line in lines],
        ],
    )  # fmt: skip
    return _one(await cursor.fetchall())


async def reverse(tx: Tx, reversed_: UUID, id: UUID, day: date, memo: str) -> Outcome:
    """Book the opposite of an entry."""
    cursor = await tx.execute(
        "select n, fault, entry from capital.reverse(%s, %s, %s, %s)", [reversed_, id, day, memo]
    )
    return _one(await cursor.fetchall())


def _one(rows: Sequence[tuple[Any, ...]]) -> Outcome:
    ((_, fault, entry),) = rows
    return Outcome(Fault(fault), entry)


async def void(tx: Tx, reserved: UUID, id: UUID, why: str) -> bool:
    """Free what was reserved; False when it was free already."""
    return bool(await scalar(tx, "select capital.void_pending(%s, %s, %s)", [reserved, id, why]))


async def expire(tx: Tx, most: int) -> int:
    """Free what is over its time; returns how many."""
    return int(await scalar(tx, "select capital.expire(%s)", [most]))


async def balances(tx: Tx, until: date | None, known: datetime | None) -> list[Balance]:
    """Return what is booked up to the end of a day, as it is known now or was at a moment."""
    columns = "select account_id as account, commodity, debit, credit from"
    if known is None:
        return await fetch(tx, Balance, f"{columns} capital.balances(%s)", [until])
    return await fetch(tx, Balance, f"{columns} capital.balances_known(%s, %s)", [until, known])


async def movements(tx: Tx, starts: date, ends: date) -> list[Balance]:
    """Return debits and credits between two days, without the entries that close a year."""
    return await fetch(
        tx,
        Balance,
        "select account_id as account, commodity, debit, credit from capital.movements(%s, %s)",
        [starts, ends],
    )


async def holding(tx: Tx, account: UUID, commodity: str) -> Holding | None:
    """Return what an account with a floor holds; None when nothing was ever booked."""
    return await fetch_one(
        tx,
        Holding,
        "select h.posted, h.pending_in as coming, h.pending_out as leaving from capital.holding h"
        " where h.account_id = %s and h.commodity = %s",
        [account, commodity],
    )


async def accounts(tx: Tx) -> list[Account]:
    """Return the chart of accounts by code."""
    return await fetch(
        tx,
        Account,
        "select a.id, a.code, a.name, a.kind, a.role, a.parent_id as parent, a.commodity, a.floor,"
        " a.closed_on, a.version from capital.account a order by a.code limit 20000",
    )


async def open_account(tx: Tx, account: Account) -> None:
    """Open an account."""
    await tx.execute(
        "select capital.open_account(%s, %s, %s, %s, %s, %s, %s)",
        [
            account.id, account.code, account.name, account.kind, account.parent, account.commodity,
            account.role,
        ],
    )  # fmt: skip


async def change_account(tx: Tx, account: Account) -> None:
    """Rename, move, close or reopen an account; raises Conflict when somebody changed it meanwhile."""
    await tx.execute(
        "select capital.change_account(%s, %s, %s, %s, %s, %s)",
        [account.id, account.version, account.name, account.parent, account.closed_on, account.role],
    )


async def set_floor(tx: Tx, account: UUID, floor: Decimal | None) -> None:
    """Set or lift a floor."""
    await tx.execute("select capital.set_floor(%s, %s)", [account, floor])


async def open_journal(tx: Tx, journal: Journal) -> None:
    """Open a journal."""
    await tx.execute(
        "select capital.open_journal(%s, %s, %s, %s)", [journal.id, journal.code, journal.name, journal.kind]
    )


async def set_period(tx: Tx, id: UUID, starts: date, ends: date, state: str) -> None:
    """Open or close a period."""
    await tx.execute("select capital.set_period(%s, %s, %s, %s)", [id, starts, ends, state])


async def roll(tx: Tx) -> int:
    """Count settled lines into totals; returns how many."""
    return int(await scalar(tx, "select capital.roll()"))


async def journals(tx: Tx) -> list[Journal]:
    """Return the journals by code."""
    return await fetch(
        tx, Journal, "select j.id, j.code, j.name, j.kind from capital.journal j order by j.code limit 1000"
    )


async def seal(tx: Tx, most: int) -> int:
    """Seal the next settled entries of all journals, at most `most`; returns how many."""
    return int(await scalar(tx, "select capital.seal(%s)", [most]))


async def sealed(tx: Tx) -> int:
    """Return the number of the last sealed entry."""
    return int(await scalar(tx, "select p.sealed from capital.progress p") or 0)


async def blocks(tx: Tx, journal: UUID) -> list[tuple[int, int, int, int, bytes, bytes, bytes]]:
    """Return number, first, last, amount, prev, digests and head of a journal's blocks."""
    cursor = await tx.execute(
        "select b.number, b.from_seq, b.to_seq, b.amount, b.prev, b.digests, b.head from capital.block b"
        " where b.journal_id = %s order by b.number",
        [journal],
    )
    return [tuple(row) for row in await cursor.fetchall()]


async def digests(tx: Tx, journal: UUID, after: int, until: int) -> list[tuple[int, UUID, bytes]]:
    """Return number, entry and digest of what stands in a journal now, with numbers in (after, until]."""
    cursor = await tx.execute("select * from capital.digests(%s, %s, %s)", [journal, after, until])
    return [(row[0], row[1], bytes(row[2])) for row in await cursor.fetchall()]


async def setup(tx: Tx) -> Setup | None:
    """Return how the books are kept; None before they are set up."""
    return await fetch_one(
        tx, Setup, "select s.home, s.country, s.year_month, s.year_day from capital.setup s"
    )


async def set_up(tx: Tx, kept: Setup) -> None:
    """Set home currency, country and business year."""
    await tx.execute(
        "select capital.set_up(%s, %s, %s, %s)", [kept.home, kept.country, kept.year_month, kept.year_day]
    )


async def exponent(tx: Tx, code: str) -> int:
    """Return to how many digits a commodity is counted; raises Invalid for one that is not known."""
    found = await scalar(tx, "select capital.exponent(%s)", [code])
    if found is None:
        raise Invalid("capital.commodity.unknown", f"{code} is no commodity: add it first")
    return int(found)


async def periods(tx: Tx) -> list[Period]:
    """Return the periods, the newest first."""
    return await fetch(
        tx,
        Period,
        "select p.id, p.starts, p.ends, p.state from capital.period p order by p.starts desc limit 2000",
    )


async def rates(tx: Tx, until: date) -> list[Rate]:
    """Return the newest rate of each commodity in the home currency up to a day."""
    return await fetch(tx, Rate, "select r.commodity, r.rate, r.day from capital.rates(%s) r", [until])


async def set_rate(tx: Tx, commodity: str, quote: str, day: date, rate: Decimal, source: str) -> None:
    """Keep a day's rate; a second one of the day replaces the first."""
    await tx.execute(
        "insert into capital.price as p (commodity, quote, day, rate, source) values (%s, %s, %s, %s, %s)"
        " on conflict on constraint uq_price_day do update set rate = excluded.rate,"
        " source = excluded.source",
        [commodity, quote, day, rate, source],
    )


async def close_year(tx: Tx, id: UUID, journal: UUID, day: date, target: UUID, memo: str) -> Fault:
    """Take what income and expenses hold into `target`; EMPTY when they hold nothing."""
    return Fault(
        await scalar(tx, "select capital.close_year(%s, %s, %s, %s, %s)", [id, journal, day, target, memo])
    )


async def revalue(
    tx: Tx, id: UUID, journal: UUID, day: date, clearing: UUID, result: UUID, memo: str
) -> Fault:
    """Book what exchange rates have won or lost; EMPTY when nothing."""
    return Fault(
        await scalar(
            tx,
            "select capital.revalue(%s, %s, %s, %s, %s, %s)",
            [id, journal, day, clearing, result, memo],
        )
    )


async def reopenings(tx: Tx) -> list[Reopening]:
    """Return what was asked for, the newest first."""
    return await fetch(
        tx,
        Reopening,
        "select r.id, r.period_id as period, r.asked_by, r.granted_by, r.why from capital.reopening r"
        " order by r.created_at desc limit 200",
    )


async def ask_reopening(tx: Tx, id: UUID, period: UUID, why: str) -> None:
    """Ask that a hard closed period is opened."""
    await tx.execute("select capital.ask_reopening(%s, %s, %s)", [id, period, why])


async def grant_reopening(tx: Tx, id: UUID) -> None:
    """Open what another person asked for."""
    await tx.execute("select capital.grant_reopening(%s)", [id])


async def unsettled(tx: Tx) -> list[UUID]:
    """Return the organisations with something to count, to seal or to free (trusted services)."""
    cursor = await tx.execute("select * from capital.unsettled()")
    return [row[0] for row in await cursor.fetchall()]

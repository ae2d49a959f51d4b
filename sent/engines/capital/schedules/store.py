"""Assets, budgets and what comes again, in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID

import orjson
from psycopg.types.json import Jsonb

from sent.engines.capital.billing.model import DocumentLine
from sent.engines.capital.schedules.model import (
    Asset,
    Booked,
    Budget,
    EntryLine,
    Planned,
    Recurring,
    Rhythm,
    Template,
    TemplateKind,
)
from sent.platform.db.uow import Tx, fetch, fetch_one

_ASSET = (
    "select a.id, a.name, a.account_id as account, a.accumulated_id as accumulated, a.expense_id as expense,"
    " a.bought_on, a.cost, a.residual, a.months, a.method, a.convention, a.rate, a.since,"
    " a.disposed_on, a.version from capital.asset a"
)


async def assets(tx: Tx) -> list[Asset]:
    """Return the register by the day of purchase."""
    return await fetch(tx, Asset, f"{_ASSET} order by a.bought_on, a.name, a.id limit 20000")


async def asset(tx: Tx, id: UUID) -> Asset | None:
    """Return an asset, locked until the transaction ends."""
    return await fetch_one(tx, Asset, f"{_ASSET} where a.id = %s for update", [id])


async def lock_assets(tx: Tx) -> None:
    """Let one at a time depreciate."""
    await tx.execute("select a.id from capital.asset a order by a.id for update")


async def save_asset(tx: Tx, one: Asset) -> bool:
    """Insert an asset of version 0, else change it; False when its version is another one by now."""
    row = asdict(one)
    if one.version == 0:
        await tx.execute(
            "insert into capital.asset (id, name, account_id, accumulated_id, expense_id, bought_on, cost,"
            " residual, months, method, convention, rate, since) values (%(id)s, %(name)s, %(account)s,"
            " %(accumulated)s, %(expense)s, %(bought_on)s, %(cost)s, %(residual)s, %(months)s, %(method)s,"
            " %(convention)s, %(rate)s, %(since)s)",
            row,
        )
        return True
    cursor = await tx.execute(
        "update capital.asset set name = %(name)s, account_id = %(account)s, accumulated_id ="
        " %(accumulated)s, expense_id = %(expense)s, bought_on = %(bought_on)s, cost = %(cost)s,"
        " residual = %(residual)s, months = %(months)s, method = %(method)s, convention = %(convention)s,"
        " rate = %(rate)s, since = %(since)s, disposed_on = %(disposed_on)s"
        " where id = %(id)s and version = %(version)s",
        row,
    )
    return cursor.rowcount == 1


async def charges(tx: Tx, asset: UUID | None = None) -> list[Booked]:
    """Return what is booked on assets, the oldest first."""
    return await fetch(
        tx,
        Booked,
        "select c.asset_id as asset, c.kind, c.month, c.amount, c.entry_id as entry from"
        " capital.asset_charge c where %(asset)s::uuid is null or c.asset_id = %(asset)s"
        " order by c.month, c.id",
        {"asset": asset},
    )


async def add_charges(tx: Tx, found: Sequence[Booked]) -> None:
    """Write down what was booked."""
    async with tx.cursor() as cursor:
        await cursor.executemany(
            "insert into capital.asset_charge (asset_id, kind, month, amount, entry_id)"
            " values (%s, %s, %s, %s, %s)",
            [(one.asset, one.kind, one.month, one.amount, one.entry) for one in found],
        )


async def budgets(tx: Tx) -> list[Budget]:
    """Return the budgets, the newest year first."""
    return await fetch(
        tx,
        Budget,
        "select b.id, b.name, b.starts, b.version from capital.budget b"
        " order by b.starts desc, b.name limit 1000",
    )


async def add_budget(tx: Tx, one: Budget) -> None:
    """Add a budget; raises Conflict when the year has one of the name."""
    await tx.execute(
        "insert into capital.budget (id, name, starts) values (%s, %s, %s)", [one.id, one.name, one.starts]
    )


async def planned(tx: Tx, budget: UUID) -> list[Planned]:
    """Return the figures of a budget."""
    return await fetch(
        tx,
        Planned,
        "select l.account_id as account, l.month, l.amount from capital.budget_line l"
        " where l.budget_id = %s order by l.account_id, l.month",
        [budget],
    )


async def plan(tx: Tx, budget: UUID, figures: Iterable[Planned]) -> None:
    """Set figures; others of the budget stay."""
    async with tx.cursor() as cursor:
        await cursor.executemany(
            "insert into capital.budget_line as l (budget_id, account_id, month, amount)"
            " values (%s, %s, %s, %s) on conflict on constraint uq_budget_line do update set"
            " amount = excluded.amount",
            [(budget, one.account, one.month, one.amount) for one in figures],
        )


async def recurring(tx: Tx, id: UUID | None = None, *, lock: bool = False) -> list[Recurring]:
    """Return what comes again by name, or one of it."""
    cursor = await tx.execute(
        "select r.id, r.name, r.template, r.starts, r.every, r.unit, r.day, r.ends, r.count, r.weekdays,"
        " r.active, r.version from capital.recurring r where %(id)s::uuid is null or r.id = %(id)s"
        f" order by r.name, r.id limit 5000{' for update' if lock else ''}",
        {"id": id},
    )
    return [
        Recurring(row[1], _template(row[2]), Rhythm(*row[3:10]), row[10], row[0], row[11])
        for row in await cursor.fetchall()
    ]


async def save_recurring(tx: Tx, one: Recurring) -> bool:
    """Insert what comes again (version 0), else change it; False when its version is another one by now."""
    row = {
        **asdict(one.rhythm), "id": one.id, "name": one.name, "active": one.active, "version": one.version,
        "template": Jsonb(orjson.loads(orjson.dumps(asdict(one.template), default=str))),
    }  # fmt: skip
    if one.version == 0:
        await tx.execute(
            "insert into capital.recurring (id, name, template, starts, every, unit, day, ends, count,"
            " weekdays, active) values (%(id)s, %(name)s, %(template)s, %(starts)s, %(every)s, %(unit)s,"
            " %(day)s, %(ends)s, %(count)s, %(weekdays)s, %(active)s)",
            row,
        )
        return True
    cursor = await tx.execute(
        "update capital.recurring set name = %(name)s, template = %(template)s, starts = %(starts)s,"
        " every = %(every)s, unit = %(unit)s, day = %(day)s, ends = %(ends)s, count = %(count)s,"
        " weekdays = %(weekdays)s, active = %(active)s where id = %(id)s and version = %(version)s",
        row,
    )
    return cursor.rowcount == 1


async def ran(tx: Tx) -> set[tuple[UUID, int]]:
    """Return which occurrences are carried out."""
    cursor = await tx.execute("select r.recurring_id, r.n from capital.recurring_run r")
    return {(row[0], row[1]) for row in await cursor.fetchall()}


async def add_runs(
    tx: Tx, recurring: UUID, runs: Sequence[tuple[int, date, UUID | None, UUID | None]]
) -> None:
    """Write down what was carried out: number, day, entry, document."""
    async with tx.cursor() as cursor:
        await cursor.executemany(
            "insert into capital.recurring_run (recurring_id, n, day, entry_id, document_id)"
            " values (%s, %s, %s, %s, %s)",
            [(recurring, *run) for run in runs],
        )


LARGEST = Decimal(10) ** 20
"""What an amount of the ledger is below."""
_UNREADABLE = Template("entry", "its template cannot be read: save it again")
"""Has no lines, so it is refused when it is carried out, for itself."""


def _template(told: Any) -> Template:
    """Read a template back: money and ids are kept as text. Members may have written it without SENT."""
    try:
        entry = [
            EntryLine(UUID(one["account"]), _number(one["amount"]), str(one["commodity"]), str(one["note"]))
            for one in told["entry"]
        ]
        lines = [
            DocumentLine(
                str(one["description"]), _number(one["quantity"]), _number(one["unit_price"]),
                str(one["tax"]), str(one["unit"]), _number(one["discount"]), _id(one["account"]),
            )
            for one in told["lines"]
        ]  # fmt: skip
        kind, commodity = told["kind"], told["commodity"]
        if kind not in get_args(TemplateKind) or not isinstance(commodity, str | None):
            return _UNREADABLE
        return Template(
            kind, str(told["memo"]), _id(told["journal"]), entry, bool(told["release"]),
            _id(told["party"]), lines, commodity, bool(told["issue"]),
        )  # fmt: skip
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        return _UNREADABLE


def _number(text: str) -> Decimal:
    found = Decimal(text)
    if not found.is_finite() or abs(found) >= LARGEST:
        raise ValueError("no amount")
    return found


def _id(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)

"""The use cases around a business year: setting up, periods, rates, closing, revaluation, reopening."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from sent.engines.capital import store
from sent.engines.capital.charts import TEMPLATES
from sent.engines.capital.model import (
    Account,
    Fault,
    Journal,
    Outcome,
    Period,
    Rate,
    Reopening,
    Role,
    Setup,
    taken,
)
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Conflict, Invalid
from sent.platform.ids import uuid7


async def set_up(
    ctx: Ctx, template: str, *, home: str | None = None, year_starts: tuple[int, int] | None = None
) -> Setup:
    """Open the accounts and journals of a template; those whose code exists stay as they are.

    `template` is a key of `charts.TEMPLATES`, `year_starts` month and day. Raises Invalid, Denied, Conflict
    (another home currency although entries are booked).
    """
    plan = TEMPLATES.get(template)
    if plan is None:
        raise Invalid(
            "capital.template", f"there is no chart {template!r}: take one of {', '.join(TEMPLATES)}"
        )
    month, day = year_starts or plan.year
    kept = Setup(home or plan.home, plan.country, month, day)
    async with uow(ctx) as tx:
        await store.set_up(tx, kept)
        codes = {one.code for one in await store.accounts(tx)}
        for new in plan.accounts:
            if new.code not in codes:
                await store.open_account(
                    tx, Account(uuid7(), new.code, new.name, new.kind, new.role, None, None, None, None, 1)
                )
        codes = {one.code for one in await store.journals(tx)}
        for code, name, kind in plan.journals:
            if code not in codes:
                await store.open_journal(tx, Journal(uuid7(), code, name, kind))
    return kept


async def setup(ctx: Ctx) -> Setup | None:
    """Return how the books are kept; None before they are set up."""
    async with uow(ctx) as tx:
        return await store.setup(tx)


async def periods(ctx: Ctx) -> list[Period]:
    """Return the periods, the newest first."""
    async with uow(ctx) as tx:
        return await store.periods(tx)


async def open_year(ctx: Ctx, day: date) -> list[Period]:
    """Make the twelve months of the business year that `day` is in; returns those that are new."""
    made = []
    async with uow(ctx) as tx:
        starts, ends = (await _kept(tx)).year(day)
        taken_days = {one.starts for one in await store.periods(tx)}
        while starts <= ends:
            following = (starts.replace(day=1) + timedelta(days=32)).replace(day=starts.day)
            month = Period(uuid7(), starts, following - timedelta(days=1), "open")
            if starts not in taken_days:
                await store.set_period(tx, month.id, month.starts, month.ends, month.state)
                made.append(month)
            starts = following
    return made


async def rates(ctx: Ctx, until: date) -> list[Rate]:
    """Return the newest rate of each commodity in the home currency up to a day."""
    async with uow(ctx) as tx:
        return await store.rates(tx, until)


async def set_rate(ctx: Ctx, commodity: str, day: date, rate: Decimal, source: str = "") -> None:
    """Keep what one of a commodity is worth in the home currency on a day."""
    if not rate.is_finite() or rate <= 0:
        raise Invalid("capital.rate", "a rate is a number above nothing")
    async with uow(ctx) as tx:
        await store.set_rate(tx, commodity, (await _kept(tx)).home, day, rate, source)


async def close_year(ctx: Ctx, day: date, memo: str = "") -> UUID | None:
    """Book the entry that takes income and expenses into retained earnings at the end of a year.

    Once more after late entries takes only what came since. None when there is nothing to take.
    """
    async with uow(ctx) as tx:
        ends = (await _kept(tx)).year(day)[1]
        if ends != day:
            raise Invalid("capital.year.end", f"a business year ends on {ends.isoformat()}")
        target, journal = await _only(tx, "retained_earnings"), await _closing_journal(tx)
        made = uuid7()
        return _booked(
            await store.close_year(tx, made, journal, day, target, memo or f"Year {day.year}"), made
        )


async def revalue(ctx: Ctx, day: date, memo: str = "") -> UUID | None:
    """Book what exchange rates have won or lost on open currency up to a day; None when nothing.

    Entries in two currencies go over the account with role `currency_clearing`: what it is worth at the rates
    of the day is the result, and afterwards it is worth nothing. Raises Invalid when a rate is missing.
    """
    async with uow(ctx) as tx:
        clearing, result = await _only(tx, "currency_clearing"), await _only(tx, "exchange")
        journal, made = await _closing_journal(tx), uuid7()
        fault = await store.revalue(tx, made, journal, day, clearing, result, memo or "Revaluation")
        return _booked(fault, made)


async def reopenings(ctx: Ctx) -> list[Reopening]:
    """Return who asked for what, the newest first."""
    async with uow(ctx) as tx:
        return await store.reopenings(tx)


async def ask_reopening(ctx: Ctx, period: UUID, why: str) -> UUID:
    """Ask that a hard closed period is opened again; another person has to grant it."""
    made = uuid7()
    async with uow(ctx) as tx:
        await store.ask_reopening(tx, made, period, why)
    return made


async def grant_reopening(ctx: Ctx, asked: UUID) -> None:
    """Grant what another person asked for: the period is softly closed then. Raises Denied for the asker."""
    async with uow(ctx) as tx:
        await store.grant_reopening(tx, asked)


def _booked(fault: Fault, entry: UUID) -> UUID | None:
    return None if fault is Fault.EMPTY else taken(Outcome(fault, entry))


async def _kept(tx: Tx) -> Setup:
    found = await store.setup(tx)
    if found is None:
        raise Invalid("capital.setup.missing", "set up the books first: home currency and business year")
    return found


async def _only(tx: Tx, role: Role) -> UUID:
    found = [one for one in await store.accounts(tx) if one.role == role and one.closed_on is None]
    if len(found) != 1:
        raise Conflict(
            "capital.role", f"exactly one open account has the role {role}, here {len(found)} have"
        )
    return found[0].id


async def _closing_journal(tx: Tx) -> UUID:
    for one in await store.journals(tx):
        if one.kind == "closing":
            return one.id
    raise Conflict("capital.journal.closing", "open a journal of the kind closing first")

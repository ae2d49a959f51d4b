"""Dunning: who is reminded, at which level, of what; and that it happens once. The proposal is pure.

A document rises one level at a time: to the first when it is over due for the days of that level, to the next
when it is, and as many days after the last letter as lie between the two levels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

from sent.engines.capital.billing import reads, store
from sent.engines.capital.billing.figures import DunningItem, DunningLetter, DunningLevel, OpenItem
from sent.engines.capital.billing.model import ZERO
from sent.engines.capital.billing.totals import HUNDRED, rounded
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Conflict, Invalid, NotFound

YEAR_DAYS = 365


def interest(amount: Decimal, percent: Decimal, days: int, exponent: int) -> Decimal:
    """Return simple interest for days over due (actual/365), rounded."""
    return rounded(amount * percent * days / (HUNDRED * YEAR_DAYS), exponent)


def due_level(
    item: OpenItem, last: reads.Dunned | None, levels: Sequence[DunningLevel], day: date
) -> DunningLevel | None:
    """Return the level that an item rises to on a day; None when it rises to none."""
    former = next((one for one in levels if last is not None and one.n == last.level), None)
    reached = last.level if last is not None else 0
    nearest = min((one for one in levels if one.n > reached), key=lambda one: one.n, default=None)
    if nearest is None or (day - item.due).days < nearest.days:
        return None
    if last is not None:
        wait = max(nearest.days - former.days, 1) if former is not None else 1
        if day < last.day + timedelta(days=wait):
            return None
    return nearest


def proposed(
    items: Iterable[OpenItem],
    last: Mapping[UUID, reads.Dunned],
    levels: Sequence[DunningLevel],
    day: date,
    digits: Mapping[str, int],
) -> list[DunningLetter]:
    """Return the letters of a day: one for each party and commodity, at the highest level of its items.

    Stopped items and credits are left out; a party whose credits cover what is over due gets none.
    """
    rising: dict[tuple[UUID, str], list[DunningItem]] = {}
    names: dict[UUID, str] = {}
    credit: dict[tuple[UUID, str], Decimal] = {}
    for item in items:
        place = (item.party, item.commodity)
        names[item.party] = item.party_name
        if item.open < 0:
            credit[place] = credit.get(place, ZERO) + item.open
        level = (
            None
            if item.kind != "invoice" or item.stopped
            else due_level(item, last.get(item.id), levels, day)
        )
        if level is None:
            continue
        late = (day - item.due).days
        charged = interest(item.open, level.interest, late, digits[item.commodity])
        rising.setdefault(place, []).append(
            DunningItem(item.id, item.number, item.day, item.due, late, item.open, charged, level.n)
        )
    letters = []
    for (party, commodity), overdue in sorted(
        rising.items(), key=lambda pair: (names[pair[0][0]], pair[0][1])
    ):
        if sum((one.open for one in overdue), ZERO) + credit.get((party, commodity), ZERO) <= 0:
            continue
        top = max(one.level for one in overdue)
        level = next(one for one in levels if one.n == top)
        letters.append(
            DunningLetter(
                party, names[party], commodity, day, top, level.title, level.body, tuple(overdue),
                rounded(level.fee, digits[commodity]),
            )
        )  # fmt: skip
    return letters


async def levels(ctx: Ctx) -> list[DunningLevel]:
    """Return the levels in their order."""
    async with uow(ctx) as tx:
        return await reads.levels(tx)


async def save_levels(ctx: Ctx, wanted: Sequence[DunningLevel]) -> None:
    """Keep levels by their numbers; raises Invalid unless a higher one comes later."""
    for lower, higher in pairwise(wanted):
        if (lower.n, lower.days) >= (higher.n, higher.days) or lower.days >= higher.days:
            raise Invalid(
                "capital.dunning.levels", f"level {higher.n} comes after level {lower.n}: give it more days"
            )
    async with uow(ctx) as tx:
        for one in wanted:
            await reads.save_level(tx, one)


async def proposal(ctx: Ctx, day: date) -> list[DunningLetter]:
    """Return the letters that would be sent on a day; nothing is kept."""
    async with uow(ctx) as tx:
        return await _proposal(tx, day)


async def run(ctx: Ctx, day: date, parties: Sequence[UUID] | None = None) -> list[DunningLetter]:
    """Keep the letters of a day (of some parties) and return them; run again, there are none.

    Two runs at once: the later one is refused as a whole (Conflict).
    """
    try:
        async with uow(ctx) as tx:
            letters = [one for one in await _proposal(tx, day) if parties is None or one.party in parties]
            for one in letters:
                await reads.keep_letter(tx, one)
    except Conflict as error:
        raise Conflict(
            "capital.dunning.twice", "somebody else sent reminders meanwhile: look at the proposal again"
        ) from error
    return letters


async def letters(ctx: Ctx, party: UUID | None = None) -> list[DunningLetter]:
    """Return letters that were sent, the newest first."""
    async with uow(ctx) as tx:
        return await reads.letters(tx, party, None)


async def letter(ctx: Ctx, id: UUID) -> DunningLetter:
    """Return a letter; raises NotFound."""
    async with uow(ctx) as tx:
        found = await reads.letters(tx, None, id)
    if not found:
        raise NotFound("capital.dunning.missing", "there is no such letter")
    return found[0]


async def _proposal(tx: Tx, day: date) -> list[DunningLetter]:
    items = await reads.open_items(tx, day, "receivable", None)
    last = {one.document: one for one in await reads.dunned(tx)}
    digits = {code: await store.exponent(tx, code) or 0 for code in {item.commodity for item in items}}
    return proposed(items, last, await reads.levels(tx), day, digits)

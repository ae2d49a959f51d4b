"""Use cases of fixed assets: register, depreciation of what is due, write-down, disposal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import UUID

from sent.engines.capital import store as ledger
from sent.engines.capital.model import SENTENCES, Account, Draft, Line, Setup, taken
from sent.engines.capital.schedules import store, wear
from sent.engines.capital.schedules.books import journal_of, kept, only, shut
from sent.engines.capital.schedules.model import ZERO, Asset, AssetRow, Booked, Charge, Depreciated
from sent.platform.context import Ctx
from sent.platform.db.uow import Tx, uow
from sent.platform.errors import Conflict, Invalid, NotFound


async def assets(ctx: Ctx) -> list[AssetRow]:
    """Return the register with what is worn by now."""
    async with uow(ctx) as tx:
        worn = _worn(await store.charges(tx))
        setup = await ledger.setup(tx)
        first = setup.year_month if setup else 1
        return [AssetRow(one, worn[one.id] + wear.worn_before(one, first)) for one in await store.assets(tx)]


async def charges(ctx: Ctx, asset: UUID) -> list[Booked]:
    """Return what is booked on an asset, the oldest first."""
    async with uow(ctx) as tx:
        return await store.charges(tx, asset)


async def save_asset(ctx: Ctx, one: Asset) -> UUID:
    """Add an asset (version 0) or change it; raises Invalid, Conflict (changed, charges are booked).

    The purchase itself is booked by its bill or entry on `account`.
    """
    wear.checked(one)
    async with uow(ctx) as tx:
        chart = {account.id: account for account in await ledger.accounts(tx)}
        for id, kind in ((one.account, "asset"), (one.accumulated, "asset"), (one.expense, "expense")):
            if id not in chart or chart[id].kind != kind:
                raise Invalid("capital.asset.account", f"choose an {kind} account for {one.name}")
        wear.schedule(one, exponent=await ledger.exponent(tx, (await kept(tx)).home))
        if one.version and await store.charges(tx, one.id):
            raise Conflict(
                "capital.asset.charged", "charges of the asset are booked: write it down or dispose of it"
            )
        await _save(tx, one)
    return one.id


async def schedule(ctx: Ctx, asset: UUID) -> list[Charge]:
    """Return an asset's charge of each month, with what was written down so far."""
    async with uow(ctx) as tx:
        one = await _asset(tx, asset)
        setup = await kept(tx)
        return _schedule(one, setup, await store.charges(tx, asset), await ledger.exponent(tx, setup.home))


async def depreciate(ctx: Ctx, until: date) -> Depreciated:
    """Book what assets lose up to the end of a month; what was missed before is booked too.

    Each charge on the last day of its month under the key `asset:<id>:<month>`; where that is closed, on the
    last day of the first open month after it, up to `until`. The same run again books nothing.
    """
    async with uow(ctx) as tx:
        setup = await kept(tx)
        await store.lock_assets(tx)
        wanted, refused = await _missed(tx, setup, wear.month_of(until))
        made = []
        outcomes = await ledger.post(tx, [draft for draft, _, _ in wanted]) if wanted else []
        for outcome, (_, one, charge) in zip(outcomes, wanted, strict=True):
            if outcome.booked:
                made.append(Booked(one.id, "depreciation", charge.month, charge.amount, outcome.entry))
            else:
                refused.append((one.id, f"{one.name}: {SENTENCES[outcome.fault]}"))
        await store.add_charges(tx, made)
    return Depreciated(len(made), sum((one.amount for one in made), ZERO), tuple(refused))


async def _missed(
    tx: Tx, setup: Setup, month: date
) -> tuple[list[tuple[Draft, Asset, Charge]], list[tuple[UUID, str]]]:
    """Return the entries of all charges up to a month that are not booked, and what finds no open month."""
    digits = await ledger.exponent(tx, setup.home)
    journal, closed = await journal_of(tx), await shut(tx)
    booked: dict[UUID, list[Booked]] = defaultdict(list)
    for done in await store.charges(tx):
        booked[done.asset].append(done)
    wanted: list[tuple[Draft, Asset, Charge]] = []
    refused: list[tuple[UUID, str]] = []
    for one in await store.assets(tx):
        known = {done.month for done in booked[one.id] if done.kind == "depreciation"}
        end = month if one.disposed_on is None else wear.months_on(wear.month_of(one.disposed_on), -1)
        for charge in _schedule(one, setup, booked[one.id], digits):
            if charge.month > min(month, end) or charge.month in known:
                continue
            day = _open_day(charge.month, month, closed)
            if day is None:
                refused.append((one.id, f"{one.name}: {charge.month:%Y-%m} is closed, open a month"))
            else:
                wanted.append((_draft(one, charge, journal, day, setup.home), one, charge))
    return wanted, refused


async def write_down(ctx: Ctx, asset: UUID, day: date, amount: Decimal, memo: str = "") -> UUID:
    """Book a loss of value beside the schedule; later months take less. Returns the entry.

    Depreciation up to that month is booked before. Raises Invalid, NotFound, Conflict (twice in a month).
    """
    async with uow(ctx) as tx:
        one = await _asset(tx, asset)
        setup, journal = await kept(tx), await journal_of(tx)
        done = await store.charges(tx, asset)
        month = wear.month_of(day)
        _refuse_later(one, done, month)
        await _catch_up(tx, one, setup, done, month)
        done = await store.charges(tx, asset)
        left = one.cost - one.residual - _worn(done)[asset] - await _before(tx, one, setup)
        if not amount.is_finite() or not 0 < amount <= left:
            raise Invalid("capital.asset.write_down", f"{one.name} can be written down by {left} at most")
        lines = [Line(one.expense, amount, setup.home), Line(one.accumulated, -amount, setup.home)]
        draft = Draft(journal, day, lines, memo=memo or f"Write-down, {one.name}")
        entry = taken(await ledger.post_one(tx, draft))
        await store.add_charges(tx, [Booked(asset, "write_down", month, amount, entry)])
    return entry


async def dispose(ctx: Ctx, asset: UUID, day: date, proceeds: Decimal, account: UUID, result: UUID) -> UUID:
    """Take an asset out of the books: sold for `proceeds` on `account`, gain or loss on `result`.

    The month of disposal takes no charge; earlier ones are booked before. Returns the entry. Raises Invalid,
    NotFound, Conflict (gone already).
    """
    if not proceeds.is_finite() or proceeds < 0:
        raise Invalid("capital.asset.proceeds", "proceeds are nothing or more")
    async with uow(ctx) as tx:
        one = await _asset(tx, asset)
        setup, journal = await kept(tx), await journal_of(tx)
        done = await store.charges(tx, asset)
        month = wear.month_of(day)
        if day < one.bought_on:
            raise Invalid(
                "capital.asset.day", f"{one.name} was bought on {one.bought_on}: choose a later day"
            )
        _refuse_later(one, done, month)
        await _catch_up(tx, one, setup, done, wear.months_on(month, -1))
        worn = _worn(await store.charges(tx, asset))[asset] + await _before(tx, one, setup)
        sides = [(one.account, -one.cost), (one.accumulated, worn), (account, proceeds)]
        sides.append((result, one.cost - worn - proceeds))
        lines = [Line(id, amount, setup.home) for id, amount in sides if amount]
        draft = Draft(journal, day, lines, memo=f"Disposal, {one.name}", key=f"asset:{asset}:disposal")
        entry = taken(await ledger.post_one(tx, draft))
        await store.add_charges(tx, [Booked(asset, "disposal", month, one.cost - worn, entry)])
        await tx.execute("update capital.asset set disposed_on = %s where id = %s", [day, asset])
    return entry


async def _catch_up(tx: Tx, one: Asset, setup: Setup, done: Sequence[Booked], month: date) -> None:
    """Book what an asset lost up to a month; raises Invalid where a month is closed."""
    digits = await ledger.exponent(tx, setup.home)
    known = {charge.month for charge in done if charge.kind == "depreciation"}
    journal, closed = await journal_of(tx), await shut(tx)
    made = []
    for charge in _schedule(one, setup, done, digits):
        if charge.month <= month and charge.month not in known:
            day = _open_day(charge.month, month, closed) or wear.last_day(month)
            entry = taken(await ledger.post_one(tx, _draft(one, charge, journal, day, setup.home)))
            made.append(Booked(one.id, "depreciation", charge.month, charge.amount, entry))
    await store.add_charges(tx, made)


def _draft(one: Asset, charge: Charge, journal: UUID, day: date, home: str) -> Draft:
    lines = [Line(one.expense, charge.amount, home), Line(one.accumulated, -charge.amount, home)]
    memo = f"Depreciation {charge.month:%Y-%m}, {one.name}"[:1000]
    return Draft(journal, day, lines, memo=memo, key=f"asset:{one.id}:{charge.month:%Y-%m}")


def _schedule(one: Asset, setup: Setup, done: Sequence[Booked], digits: int) -> list[Charge]:
    down = {charge.month: charge.amount for charge in done if charge.kind == "write_down"}
    first = wear.month_of(one.since or one.bought_on)
    return [x for x in wear.schedule(one, setup.year_month, down, digits) if x.month >= first]


def _open_day(month: date, until: date, closed: Sequence[tuple[date, date]]) -> date | None:
    while month <= until:
        day = wear.last_day(month)
        if not any(starts <= day <= ends for starts, ends in closed):
            return day
        month = wear.months_on(month, 1)
    return None


def _worn(done: Sequence[Booked]) -> dict[UUID, Decimal]:
    worn: dict[UUID, Decimal] = defaultdict(lambda: ZERO)
    for one in done:
        if one.kind != "disposal":
            worn[one.asset] += one.amount
    return worn


async def _before(tx: Tx, one: Asset, setup: Setup) -> Decimal:
    """Return what an asset had lost when it was taken over."""
    return wear.worn_before(one, setup.year_month, await ledger.exponent(tx, setup.home))


def _refuse_later(one: Asset, done: Sequence[Booked], month: date) -> None:
    if one.disposed_on is not None:
        raise Conflict("capital.asset.gone", f"{one.name} went on {one.disposed_on}")
    if any(charge.month > month for charge in done):
        raise Conflict("capital.asset.later", f"later months of {one.name} are booked: choose a later day")


async def _asset(tx: Tx, id: UUID) -> Asset:
    found = await store.asset(tx, id)
    if found is None:
        raise NotFound("capital.asset.missing", "there is no such asset")
    return found


async def _save(tx: Tx, one: Asset) -> None:
    if not await store.save_asset(tx, one):
        raise Conflict("capital.asset.changed", "somebody else changed the asset meanwhile: read it again")


def by_role(chart: Sequence[Account], group: str) -> tuple[UUID, UUID, UUID]:
    """Return cost, accumulated and expense account of a group such as `Motor vehicles`, by roles and names.

    Raises Invalid when the chart has no such group.
    """
    cost = [one for one in chart if one.role == "fixed_asset" and group.lower() in one.name.lower()]
    if not cost:
        raise Invalid("capital.asset.group", f"no account for fixed assets is called {group}")
    worn = [one for one in chart if one.role == "accumulated_depreciation"]
    near = min(worn, key=lambda one: (one.code <= cost[0].code, one.code), default=None)
    expense = only(chart, "depreciation")
    if near is None:
        raise Invalid("capital.asset.group", f"no account takes the depreciation of {group}")
    return cost[0].id, near.id, expense

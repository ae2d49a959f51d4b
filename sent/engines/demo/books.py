"""The demo organisation's books: two years of a British guarding company, made in few transactions.

Everything goes through what the engines offer to anybody, so the books are as good as a company's own:
nothing is written past the ledger. Ids and keys follow from the seed and the day of the first call, which the
opening entry remembers: what a broken-off call left out is added, and whole books are left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random
from uuid import UUID

from sent.engines.capital import api as ledger
from sent.engines.capital.billing import api as billing
from sent.engines.capital.reports import api as reports
from sent.engines.capital.schedules import api as schedules
from sent.engines.demo import banking, closing, company, months, trade
from sent.engines.demo.desk import Desk, booked, post
from sent.platform.context import Ctx
from sent.platform.ids import ClientId

SEED = 20241101
SHARES, LIFE = Decimal(50_000), 60
EQUIPMENT = (("Radios and body cameras", 2, Decimal(9_600)), ("Control room desks", 9, Decimal(14_400)))


@dataclass(frozen=True, slots=True)
class _Owned:
    asset: schedules.Asset
    month: int


async def fill(ctx: Ctx, today: date, clients: Mapping[str, ClientId]) -> None:
    """Add what the books lack; returns at once when they are whole. `clients` by code get their customers."""
    if any(one.name == closing.LAST for one in await schedules.recurring(ctx)):
        return
    today = await _begun(ctx) or today
    desk = await _open(ctx, today, clients)
    await _begin(desk, today)
    await _trade(desk)
    await closing.returns(desk)
    await _assets(desk)
    year = months.last(desk.plan.month(11))
    await post(desk, [one for one in desk.plan.entries if not one.party or one.day <= year])
    await closing.profit_tax(desk)
    moved = banking.movements(desk)
    mine, waiting = moved[: -banking.WAITING], moved[-banking.WAITING :]
    await banking.book(desk, mine)
    await banking.reconcile(desk, mine, waiting)
    await closing.close(desk)


async def _begun(ctx: Ctx) -> date | None:
    """Return the day of the first call, as the opening entry remembers it."""
    found = await reports.entries(ctx, kind="opening", limit=1)
    return date.fromisoformat(found[0].reference) if found else None


async def _open(ctx: Ctx, today: date, clients: Mapping[str, ClientId]) -> Desk:
    """Set up books, taxes, parties and rates, and make the plan."""
    first = months.first_of(today)
    await ledger.set_up(ctx, "uk", year_starts=(first.month, 1))
    await billing.set_up_taxes(ctx, "uk")
    accounts = {one.code: one.id for one in await ledger.accounts(ctx)}
    journals: dict[str, UUID] = {one.kind: one.id for one in await ledger.journals(ctx)}
    parties = await _parties(ctx, accounts, clients)
    plan = months.plan(Random(SEED), today, {code: one.id for code, one in parties.items()}, accounts)  # noqa: S311
    desk = Desk(ctx, plan, accounts, journals, {one.id: one for one in parties.values()})
    known = {one.day for one in await ledger.rates(ctx, plan.cutoff)}
    if plan.month(months.MONTHS - 1) not in known:
        for n in range(months.MONTHS):
            await ledger.set_rate(ctx, "EUR", plan.month(n), desk.rate(plan.month(n)), "demo")
    for n in (0, 12):
        await ledger.open_year(ctx, plan.month(n))
    return desk


async def _parties(
    ctx: Ctx, accounts: Mapping[str, UUID], clients: Mapping[str, ClientId]
) -> dict[str, billing.Party]:
    found = {one.code: one for one in await billing.parties(ctx)}
    if not found:
        profile = billing.Profile(
            company.NAME, "Harbour House\nIpswich IP4 1AB", "GB", "GB 482 7751 06",
            "accounts@northwind.example", bank=trade.BANK, iban=trade.IBAN,
        )  # fmt: skip
        await billing.save_settings(ctx, billing.Settings(profile))
    wanted = [
        billing.Party(
            "customer", one.code, one.name, one.place.replace(", ", "\n"),
            "DE" if one.code == "NORDS" else "GB", terms_days=one.terms, account=accounts[one.account],
            commodity="EUR" if one.code == "NORDS" else None, client=clients.get(one.code),
        )
        for one in trade.customers()
    ]  # fmt: skip
    wanted += [
        billing.Party(
            "supplier", one.code, one.name, one.place.replace(", ", "\n"), "GB", terms_days=one.terms,
            account=accounts[one.account],
        )
        for one in trade.suppliers()
    ]  # fmt: skip
    for one in wanted:
        if one.code not in found:
            found[one.code] = await billing.save_party(ctx, one)
    return found


async def _begin(desk: Desk, today: date) -> None:
    """Book what the company had: money, fleet, loan; what was won before makes the rest."""
    fleet = [one.asset for one in _owned(desk) if one.month < 0]
    first = desk.plan.first
    sides = {
        "1200": months.OPENING_CASH,
        "0050": sum((one.cost for one in fleet), Decimal(0)),
        "0051": -sum((schedules.worn_before(one, first.month) for one in fleet), Decimal(0)),
        "2300": -months.LOAN,
        "3000": -SHARES,
        "3100": desk.plan.owed,
    }
    sides["3200"] = -sum(sides.values(), Decimal(0))
    lines = [ledger.Line(desk.accounts[code], amount, "GBP") for code, amount in sides.items()]
    draft = ledger.Draft(
        desk.journals["general"], first, lines, "Opening balances", today.isoformat(), "opening",
        "demo:opening",
    )  # fmt: skip
    await ledger.post(desk.ctx, draft)


async def _trade(desk: Desk) -> None:
    """Issue all invoices and bills that are not there, and read them back."""
    known = {one.id for one in await billing.documents(desk.ctx)}
    fresh = [one for one in desk.plan.documents if one.id not in known]
    # Each kind has numbers of its own, so neither waits for the other.
    await asyncio.gather(
        *(
            billing.issue_batch(desk.ctx, [one for one in fresh if one.kind == kind])
            for kind in ("invoice", "bill")
        )
    )
    desk.documents = {one.id: one for one in await billing.documents(desk.ctx)}


def _owned(desk: Desk) -> Sequence[_Owned]:
    """Return the fleet and the equipment; what was bought before the books is worn in part."""
    first = desk.plan.first
    found = []
    for name, n, cost, rest in trade.vans():
        places = (desk.accounts["0050"], desk.accounts["0051"], desk.accounts["8000"])
        day = months.working(desk.plan.month(n).replace(day=14))
        asset = schedules.Asset(f"Van {name}", *places, day, cost, LIFE, rest, since=first if n < 0 else None)
        found.append(_Owned(asset, n))
    for name, n, cost in EQUIPMENT:
        places = (desk.accounts["0030"], desk.accounts["0031"], desk.accounts["8000"])
        day = months.working(desk.plan.month(n).replace(day=7))
        asset = schedules.Asset(name, *places, day, cost, 48, method="declining", rate=Decimal(40))
        found.append(_Owned(asset, n))
    return found


async def _assets(desk: Desk) -> None:
    """Keep the register, wear it down month by month, release what is paid in advance."""
    ctx, plan = desk.ctx, desk.plan
    known = {row.asset.name for row in await schedules.assets(ctx)}
    for one in _owned(desk):
        if one.asset.name not in known:
            await schedules.save_asset(ctx, one.asset)
    for name, n, cost in EQUIPMENT:
        day = months.working(plan.month(n).replace(day=7))
        plan.entries.append(
            months.Written(
                f"equipment:{n}", day, name, (("0030", cost), ("1200", -cost)), "MERIDIAN EQUIPMENT",
                f"ORDER {4100 + n}",
            )
        )  # fmt: skip
    known = {one.name for one in await schedules.recurring(ctx)}
    for n in (1, 13):
        name = f"Insurance from {plan.month(n):%B %Y}"
        cost = next(one.amount for one in trade.suppliers() if one.account == "1103")
        if name not in known:
            await schedules.release(
                ctx, name, desk.accounts["1103"], desk.accounts["8200"], cost, plan.month(n), 12
            )
    worn = await schedules.depreciate(ctx, months.last(plan.month(months.MONTHS - 2)))
    ran = await schedules.run(ctx, plan.cutoff)
    booked([*worn.refused, *ran.refused])

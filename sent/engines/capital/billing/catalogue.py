"""Use cases of what documents are made with: parties, tax codes, number series, the sender's profile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from sent.engines.capital import store as ledger
from sent.engines.capital.billing import checks, store
from sent.engines.capital.billing.model import DocumentKind, Party, PartyKind, Settings, TaxCode, TaxKind
from sent.engines.capital.billing.templates import template
from sent.engines.capital.model import Account, Role
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import Conflict, Invalid, NotFound


async def parties(ctx: Ctx, kind: PartyKind | None = None) -> list[Party]:
    """Return customers, suppliers or both by name, archived ones too."""
    async with uow(ctx) as tx:
        return await store.parties(tx, kind)


async def party(ctx: Ctx, id: UUID) -> Party:
    """Return a party; raises NotFound."""
    async with uow(ctx) as tx:
        found = await store.party(tx, id)
    if found is None:
        raise NotFound("capital.party.missing", "there is no such party: choose one from the list")
    return found


async def save_party(ctx: Ctx, one: Party) -> Party:
    """Add a party (version 0) or change it; raises Conflict (code taken, changed meanwhile), Invalid."""
    checks.party(one)
    async with uow(ctx) as tx:
        if one.commodity is not None and await store.exponent(tx, one.commodity) is None:
            raise Invalid("capital.commodity.unknown", f"{one.commodity} is no commodity: add it first")
        if not await store.save_party(tx, one):
            raise Conflict(
                "capital.party.changed", "somebody else changed the party meanwhile: read it again"
            )
        found = await store.party(tx, one.id)
    if found is None:
        raise NotFound("capital.party.missing", "the party is not yours to see")
    return found


async def settings(ctx: Ctx) -> Settings:
    """Return the organisation's billing."""
    async with uow(ctx) as tx:
        return await store.settings(tx)


async def save_settings(ctx: Ctx, one: Settings) -> None:
    """Keep the organisation's billing; raises Invalid (logo, paper), Denied without `capital:manage`."""
    checks.settings(one)
    async with uow(ctx) as tx:
        await store.save_settings(tx, one)


async def tax_codes(ctx: Ctx) -> list[TaxCode]:
    """Return all tax codes, the newest row of each first."""
    async with uow(ctx) as tx:
        return await store.tax_codes(tx)


async def save_tax_code(ctx: Ctx, one: TaxCode) -> None:
    """Add a tax code (version 0) or change it; one that documents use keeps its rate: add a later row."""
    checks.tax_code(one)
    async with uow(ctx) as tx:
        if not await store.save_tax_code(tx, one):
            raise Conflict(
                "capital.tax.changed", "somebody else changed the tax code meanwhile: read it again"
            )


async def set_up_taxes(
    ctx: Ctx, name: str, *, state: str | None = None, rate: Decimal | None = None
) -> list[TaxCode]:
    """Add the tax codes of a template (`uk`, `us` with state and rate, `de`); those that exist stay.

    They are booked on accounts with the role `tax`: liabilities for what is owed, assets for what comes back.
    """
    async with uow(ctx) as tx:
        chart = [one for one in await ledger.accounts(tx) if one.role == "tax"]
        if not chart:
            raise Invalid(
                "capital.tax.accounts", "no account has the role tax: open one, or set up the books"
            )
        known = {(code.kind, code.code, code.starts) for code in await store.tax_codes(tx)}
        added = []
        for code in template(name, chart[0].id, chart[0].id, state=state, rate=rate):
            if (code.kind, code.code, code.starts) in known:
                continue
            counter = _booked_on(chart, code, "liability") if code.counter else None
            account = _booked_on(chart, code, "liability" if code.kind == "sale" else "asset")
            await store.save_tax_code(tx, replace(code, account=account, counter=counter))
            added.append(code)
    return added


def _booked_on(chart: Sequence[Account], code: TaxCode, kind: str) -> UUID:
    """Return the account of a kind whose name speaks of the rate (and of § 13b), else the first."""
    fitting = [one for one in chart if one.kind == kind] or list(chart)
    wanted = f"{code.rate.normalize():f} %"
    reverse = code.nature == "reverse"

    def rank(one: Account) -> tuple[bool, bool]:
        return ("13b" in one.name) != reverse, wanted not in one.name

    return min(fitting, key=rank).id


async def set_series(
    ctx: Ctx, kind: DocumentKind, year: int, prefix: str, *, width: int = 5, first: int = 1
) -> None:
    """Say how numbers of a kind and year look and begin; raises Conflict once one was given out."""
    async with uow(ctx) as tx:
        await store.set_series(tx, kind, year, prefix, width, first)


def valid(codes: Sequence[TaxCode], kind: TaxKind, code: str, day: date) -> TaxCode:
    """Return the row of a tax code on a day; raises Invalid that names what there is."""
    found = [
        one
        for one in codes
        if one.kind == kind
        and one.code == code
        and one.starts <= day
        and (one.ends is None or day <= one.ends)
    ]
    if not found:
        names = ", ".join(sorted({one.code for one in codes if one.kind == kind})) or "none yet"
        raise Invalid(
            "capital.tax.unknown", f"no {kind} tax code {code} is valid on {day}: take one of {names}"
        )
    return max(found, key=lambda one: one.starts)


def by_role(chart: Sequence[Account], role: Role, what: str) -> Account:
    """Return the first account with a role; raises Invalid that says what to open."""
    for one in chart:
        if one.role == role and one.closed_on is None:
            return one
    raise Invalid("capital.role.missing", f"no account has the role {role} ({what}): give one that role")

"""What an amount of a report is made of: lines of an account, open items of a party, documents of a box."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sent.platform.i18n import tr
from sent.ui.kit.table import Column, Source
from sent.ui.pages.capital.accounts.register import Places, kind_name
from sent.ui.pages.capital.money import day_shown, shown

if TYPE_CHECKING:
    from sent.engines.capital.reports.api import Day, Posting

Ask = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Below:
    """A line below an amount; `page` and `record` are where Enter leads."""

    key: Any
    day: date
    text: str
    detail: str
    amount: Decimal
    balance: Decimal | None
    page: str
    record: str


def columns(commodity: Callable[[], str]) -> list[Column]:
    """Return the columns of what is below an amount."""
    return [
        Column("day", tr("Day"), lambda b: day_shown(b.day), 100, "time"),
        Column("text", tr("Text"), lambda b: b.text, 300, "strong", stretch=True, tip=lambda b: b.text),
        Column("detail", tr("Reference"), lambda b: b.detail, 200, "quiet", drop=1),
        Column("amount", tr("Amount"), lambda b: shown(b.amount, commodity()), 130, "number"),
        Column("balance", tr("Running total"), lambda b: shown(b.balance, commodity()), 140, "number"),
    ]


def of_posting(one: Posting, sign: int) -> Below:
    """Return a line of an account; `sign` -1 where credits are what grows."""
    text = one.memo or one.note or kind_name(one.kind)
    return Below(
        (one.seq, one.n), one.day, text, one.reference, sign * one.amount, sign * one.balance, "journal",
        str(one.entry),
    )  # fmt: skip


def postings(days: Sequence[Day], starts: date | None, ends: date, sign: int, ask: Ask) -> Source:
    """Return an account's lines up to `ends`: all of them, or with sums from nothing from `starts` on.

    `ask(starts, ends, skip, limit, before)` returns postings.
    """
    places = Places(days)
    first = sum(one.lines for one in days if starts is not None and one.day < starts)
    last = sum(one.lines for one in days if one.day <= ends)
    opening = sum((one.amount for one in days if starts is not None and one.day < starts), Decimal(0))

    async def load_at(offset: int, limit: int) -> Sequence[Below]:
        wanted = min(limit, last - first - offset)
        if wanted <= 0:
            return []
        since, until, skip, before = places.span(first + offset, wanted)
        found = await ask(since, until, skip, wanted, before - opening)
        return [of_posting(one, sign) for one in found]

    return Source(load_at=load_at, total=last - first, key=lambda one: one.key)


def of_items(items: Sequence[Any]) -> list[Below]:
    """Return open items of a party with a running total."""
    found, total = [], Decimal(0)
    for one in items:
        total += one.open
        due = tr("due {day}", day=day_shown(one.due))
        text = " ".join(part for part in (one.number or tr("Payment"), one.reference) if part)
        leads = "" if one.kind == "payment" else "invoices"
        found.append(Below(one.id, one.day, text, due, one.open, total, leads, str(one.id)))
    return found


def of_box(boxes: Sequence[Any], number: str, what: str) -> list[Below]:
    """Return the documents that filled a box of the tax return."""
    found, total = [], Decimal(0)
    for box in boxes:
        if box.number == number and box.what == what:
            for n, one in enumerate(box.sources):
                total += one.amount
                text = f"{one.number} {one.party_name}"
                found.append(
                    Below((one.document, n), one.day, text, one.code, one.amount, total, "invoices",
                          str(one.document))
                )  # fmt: skip
    return found

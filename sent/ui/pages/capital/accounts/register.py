"""The register of one account: every line with the balance after it, and the line for new entries below.

Any place of it is one query away: `days` says how many lines each day has and what they come to, so the
lines of a page and the balance before them follow from its first day.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from sent.platform.i18n import tr
from sent.ui.kit.table import Column, Source
from sent.ui.pages.capital.money import day_shown, shown

if TYPE_CHECKING:
    from sent.engines.capital.api import Account
    from sent.engines.capital.reports.api import Day, Posting


class Places:
    """Where the lines of an account stand: from the days on which it was booked."""

    def __init__(self, days: Sequence[Day]) -> None:
        self._days = days
        self._ends = list(accumulate(one.lines for one in days))
        self._before = [Decimal(0), *accumulate(one.amount for one in days)]

    @property
    def total(self) -> int:
        """How many lines there are."""
        return self._ends[-1] if self._ends else 0

    @property
    def balance(self) -> Decimal:
        """What they come to."""
        return self._before[-1]

    def span(self, offset: int, limit: int) -> tuple[date, date, int, Decimal]:
        """Return first and last day, lines to skip, and the balance before, for lines from `offset` on."""
        first = bisect_right(self._ends, offset)
        last = bisect_right(self._ends, min(offset + limit, self.total) - 1)
        skip = offset - (self._ends[first - 1] if first else 0)
        return self._days[first].day, self._days[last].day, skip, self._before[first]

    def after(self, day: date) -> int:
        """Return the number of the last line up to a day."""
        count = sum(one.lines for one in self._days if one.day <= day)
        return max(0, count - 1)


def source(places: Places, ask: Callable[..., Any]) -> Source:
    """Return the rows: `ask(starts, ends, skip, limit, before)` returns postings."""

    async def load_at(offset: int, limit: int) -> Sequence[Posting]:
        if offset >= places.total:
            return []
        starts, ends, skip, before = places.span(offset, limit)
        found: Sequence[Posting] = await ask(starts, ends, skip, limit, before)
        return found

    return Source(load_at=load_at, total=places.total, key=lambda one: (one.seq, one.n))


def kind_name(kind: str) -> str:
    """Return what kind of entry a line without a text is of."""
    names = {
        "opening": tr("Opening"),
        "post": tr("Reserved, booked"),
        "reversal": tr("Reversal"),
        "closing": tr("Year end"),
        "revaluation": tr("Revaluation"),
    }
    return names.get(kind, "")


def columns(names: Callable[[Any], str], commodity: Callable[[], str]) -> list[Column]:
    """Return the register's columns; `names` writes the account on the other side."""

    def side(posting: Posting, sign: int) -> str:
        amount = sign * posting.amount
        return shown(amount, commodity()) if amount > 0 else ""

    return [
        Column("day", tr("Day"), lambda p: day_shown(p.day), 100, "time"),
        Column(
            "memo", tr("Text"), lambda p: p.memo or p.note or kind_name(p.kind), 260, stretch=True,
            tip=lambda p: "\n".join(text for text in (p.memo, p.note, p.reference) if text),
        ),
        Column("other", tr("Other account"), lambda p: names(p.other), 210, "quiet", drop=1),
        Column("reference", tr("Reference"), lambda p: p.reference, 120, "mono", drop=2),
        Column("debit", tr("Debit"), lambda p: side(p, 1), 112, "number"),
        Column("credit", tr("Credit"), lambda p: side(p, -1), 112, "number"),
        Column("balance", tr("Balance"), lambda p: shown(p.balance, commodity()), 124, "number"),
    ]  # fmt: skip


def account_columns(balance: Callable[[Account], str]) -> list[Column]:
    """Return the chart's columns."""
    return [
        Column("code", tr("Number"), lambda a: a.code, 70, "mono"),
        Column("name", tr("Account"), lambda a: a.name, 170, "strong", stretch=True),
        Column("balance", tr("Balance"), balance, 110, "number", sort=balance),
    ]

"""The tax return of a period: figures by box, and the documents behind each. What fills a box is pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from sent.engines.capital import store as ledger
from sent.engines.capital.billing import reads
from sent.engines.capital.billing.figures import Box, TaxReport, TaxSource, TaxTotal
from sent.engines.capital.billing.model import ZERO
from sent.engines.capital.billing.templates import TOTALS
from sent.platform.context import Ctx
from sent.platform.db.uow import uow
from sent.platform.errors import Invalid


@dataclass(frozen=True, slots=True)
class _Place:
    number: str
    what: Literal["net", "tax"]


def boxes(items: Iterable[reads.TaxedItem], country: str) -> list[Box]:
    """Return the figures of the return with their sources; then those that a country's return computes."""
    found: dict[_Place, list[TaxSource]] = defaultdict(list)
    for item in items:
        for number in item.base_boxes:
            found[_Place(number, "net")].append(_source(item, item.base))
        if item.kind == "purchase" and not item.recoverable:
            continue
        for number in (*item.tax_boxes, *item.counter_boxes):
            if item.tax:
                found[_Place(number, "tax")].append(_source(item, item.tax))
    made = [
        Box(place.number, place.what, sum((one.amount for one in sources), ZERO), tuple(sources))
        for place, sources in found.items()
    ]
    return sorted(made + _totals(made, country), key=_order)


def codes(items: Sequence[reads.TaxedItem]) -> list[TaxTotal]:
    """Return what was sold and bought under each code."""
    sums: dict[tuple[str, str, Decimal], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    kinds = {item.kind: item.kind for item in items}
    for item in items:
        row = sums[item.kind, item.code, item.rate]
        row[0] += item.base
        row[1] += item.tax
    return [
        TaxTotal(code, kinds[kind], rate, *row)  # type: ignore[index]
        for (kind, code, rate), row in sorted(sums.items(), reverse=True)
    ]


async def tax_report(ctx: Ctx, starts: date, ends: date) -> TaxReport:
    """Return the figures of a period in home currency by the documents' days; raises Invalid."""
    if starts > ends:
        raise Invalid("capital.tax.days", f"the period ends on {ends}, before it starts: swap the days")
    async with uow(ctx) as tx:
        setup = await ledger.setup(tx)
        items = await reads.taxes(tx, starts, ends)
    country = setup.country.lower() if setup else ""
    return TaxReport(starts, ends, tuple(boxes(items, country)), tuple(codes(items)))


def _source(item: reads.TaxedItem, amount: Decimal) -> TaxSource:
    return TaxSource(item.document, item.number, item.party_name, item.day, item.code, amount)


def _totals(made: Sequence[Box], country: str) -> list[Box]:
    taxes = {box.number: box.amount for box in made if box.what == "tax"}
    return [
        Box(
            number, "total",
            sum((taxes.get(one, ZERO) for one in plus), ZERO)
            - sum((taxes.get(one, ZERO) for one in minus), ZERO),
        )
        for number, plus, minus in TOTALS.get({"gb": "uk"}.get(country, country), ())
    ]  # fmt: skip


def _order(box: Box) -> tuple[int, str, str]:
    return (int(box.number) if box.number.isdecimal() else 10_000, box.number, box.what)

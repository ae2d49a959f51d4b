"""What accounts hold, lot by lot, and which lots a reduction takes (beancount's booking methods)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sent.engines.capital.plaintext.beancount import Lot
from sent.engines.capital.plaintext.model import Place, wrong


@dataclass(frozen=True, slots=True)
class Cost:
    """What a unit of a lot has cost, and when."""

    number: Decimal
    commodity: str
    day: date
    label: str | None


Held = tuple[str, Cost | None]


class Holdings:
    """The lots of one account; an empty lot is gone."""

    def __init__(self) -> None:
        self.lots: dict[Held, Decimal] = {}
        self._sides: dict[tuple[str, bool], int] = {}
        """How many lots of a commodity there are above, and below, nothing."""

    def add(self, commodity: str, cost: Cost | None, number: Decimal) -> None:
        """Add to a lot, or take from it."""
        key = (commodity, cost)
        before = self.lots.get(key, Decimal(0))
        now = before + number
        if now:
            self.lots[key] = now
        else:
            self.lots.pop(key, None)
        for value, step in ((before, -1), (now, 1)):
            if value:
                side = (commodity, value > 0)
                self._sides[side] = self._sides.get(side, 0) + step

    def commodities(self) -> set[str]:
        """Return what is held."""
        return {commodity for commodity, _ in self.lots}

    def cost_commodities(self) -> set[str]:
        """Return what the lots have cost."""
        return {cost.commodity for _, cost in self.lots if cost is not None}

    def copy(self) -> Holdings:
        """Return the same lots, to be changed apart."""
        other = Holdings()
        other.lots = dict(self.lots)
        other._sides = dict(self._sides)
        return other

    def reduces(self, commodity: str, number: Decimal) -> bool:
        """Return whether there is something of the other sign."""
        return bool(number) and self._sides.get((commodity, number < 0), 0) > 0

    def matching(self, commodity: str, lot: Lot, number: Decimal) -> list[tuple[Cost, Decimal]]:
        """Return the lots that fit what was written."""
        wanted = unit_cost(lot, number)
        return [
            (cost, here)
            for (held, cost), here in self.lots.items()
            if held == commodity
            and cost is not None
            and (wanted is None or cost.number == wanted)
            and (lot.commodity is None or cost.commodity == lot.commodity)
            and (lot.day is None or cost.day == lot.day)
            and (lot.label is None or cost.label == lot.label)
        ]


def unit_cost(lot: Lot, number: Decimal) -> Decimal | None:
    """Return what a unit has cost; None while a number is open."""
    if lot.open:
        return None
    if lot.total is None:
        return lot.per
    return (lot.total + (lot.per or Decimal(0)) * abs(number)) / abs(number) if number else None


def reduce(
    method: str, number: Decimal, fits: list[tuple[Cost, Decimal]], place: Place
) -> Iterator[tuple[Cost, Decimal]]:
    """Yield cost and number of what is taken; raises Invalid where that is not certain, or not enough."""
    if method in ("STRICT", "STRICT_WITH_SIZE"):
        yield from _strict(method, number, fits, place)
        return
    order = {
        "FIFO": lambda lot: lot[0].day,
        "LIFO": lambda lot: lot[0].day,
        "HIFO": lambda lot: lot[0].number,
    }
    left = abs(number)
    for cost, here in sorted(fits, key=order[method], reverse=method != "FIFO"):
        if left and (here >= 0) != (number >= 0):
            taken = min(abs(here), left)
            left -= taken
            yield cost, taken.copy_sign(number)
    if left:
        raise wrong(place, f"the lots have {left} less than is taken: check earlier transactions")


def _strict(
    method: str, number: Decimal, fits: list[tuple[Cost, Decimal]], place: Place
) -> Iterator[tuple[Cost, Decimal]]:
    if len(fits) > 1:
        if sum(here for _, here in fits) == -number:
            yield from ((cost, -here) for cost, here in fits)
            return
        sized = [lot for lot in fits if lot[1] == -number] if method == "STRICT_WITH_SIZE" else []
        if not sized:
            raise wrong(place, "several lots fit: name one by its cost, date or label, or use FIFO")
        yield min(sized, key=lambda lot: lot[0].day)[0], number
        return
    ((cost, here),) = fits
    if abs(here) < abs(number):
        raise wrong(place, f"the lot has {abs(here)}, less than is taken: check earlier transactions")
    yield cost, number

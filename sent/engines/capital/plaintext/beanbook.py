"""beancount's directives made a book: lots chosen, missing numbers computed, pads filled, all checked.

The steps and tolerances are those of beancount 3: directives by day (opens, then balances, then the rest,
then closes; the line decides last), each transaction in groups of the commodity it balances in, reductions
before missing numbers, one missing number for each group. What beancount reports as an error is raised at
its place, and nothing is booked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Context, Decimal
from pathlib import Path

from sent.engines.capital.model import AccountKind
from sent.engines.capital.plaintext.beanchecks import check_accounts, check_commodities, padded
from sent.engines.capital.plaintext.beancount import (
    Check,
    Close,
    Directive,
    Leg,
    Open,
    Options,
    Price,
    Reader,
    Txn,
)
from sent.engines.capital.plaintext.lots import Cost, Holdings, reduce, unit_cost
from sent.engines.capital.plaintext.model import Amount, Book, Place, Posting, wrong
from sent.engines.capital.plaintext.source import Source

LARGEST_FROM_COST = Decimal("0.5")
LONGEST_QUANTUM = 5
"""Digits from which on a tolerance was computed, not written: nothing is rounded to it."""

ZERO = Decimal(0)
_WIDE = Context(prec=60)
_ORDER = {Open: -2, Check: -1, Close: 2}
_KINDS: dict[str, AccountKind] = {
    "name_assets": "asset",
    "name_liabilities": "liability",
    "name_equity": "equity",
    "name_income": "income",
    "name_expenses": "expense",
}


@dataclass(frozen=True, slots=True)
class Done:
    """A posting with all its numbers, and its lot decided."""

    account: str
    place: Place
    amount: Amount
    cost: Cost | None
    price: Amount | None
    computed: bool

    @property
    def weight(self) -> Amount:
        """What it counts in the balance of its transaction."""
        number = self.amount.number
        if self.cost is not None:
            return Amount(self.cost.number * number, self.cost.commodity)
        if self.price is not None:
            return Amount(self.price.number * number, self.price.commodity)
        return self.amount


@dataclass(frozen=True, slots=True)
class Measured:
    """What the digits of a posting say about tolerances; `through` are commodities and costs of a unit."""

    number: Decimal | None
    commodity: str | None
    through: tuple[tuple[str, tuple[Decimal, ...]], ...]


def read_beancount(first: Path) -> Book:
    """Read a beancount file; raises Invalid naming file and line."""
    reader = Reader(Source(first))
    reader.read(first)
    ordered = sorted(reader.directives, key=lambda one: (one.day, _ORDER.get(type(one), 0), one.place.line))
    return _Booking(reader.options).book(ordered)


class _Booking:
    def __init__(self, options: Options) -> None:
        self.options = options
        self.opened: dict[str, Open] = {}
        self.closed: set[str] = set()
        self.held: dict[str, Holdings] = defaultdict(Holdings)

    def book(self, directives: list[Directive]) -> Book:
        """Return the book of all directives, which stand in their order."""
        for one in directives:
            if isinstance(one, Open):
                if one.account in self.opened:
                    raise wrong(one.place, f"{one.account} is opened twice: remove this line")
                self.opened[one.account] = one
        found: list[tuple[Directive, list[Posting]]] = []
        for one in directives:
            try:
                found.append((one, self._legs(one) if isinstance(one, Txn) else []))
            except ArithmeticError as error:
                raise wrong(one.place, "a number is too large or too fine to compute: write it") from error
        check_accounts(directives, self.opened, self.options)
        check_commodities(found, self.opened)
        booked = padded(found, self.options)
        accounts = dict.fromkeys([*self.opened, *(x.account for one in booked for x in one.postings)])
        roots = {self.options.roots[name]: kind for name, kind in _KINDS.items()}
        kinds = {name: roots[root] for name in accounts if (root := name.partition(":")[0]) in roots}
        if strange := next((name for name in accounts if name not in kinds), None):
            at = next((x.place for one in booked for x in one.postings if x.account == strange), None)
            raise wrong(
                at or self.opened[strange].place, f"{strange}: accounts begin with {', '.join(roots)}"
            )
        return Book("beancount", tuple(booked), tuple(accounts), kinds)

    # One transaction

    def _legs(self, txn: Txn) -> list[Posting]:
        written = [_measured(leg) for leg in txn.legs]
        quanta = self._tolerances(written, min if self.options.finest else max)
        booked: list[Done] = []
        for commodity, legs in self._groups(txn):
            booked += self._interpolated(txn, commodity, self._reduced(txn, legs), quanta)
        for one in booked:
            self.held[one.account].add(one.amount.commodity, one.cost, one.amount.number)
        self._balanced(txn, booked)
        return [Posting(one.account, one.amount, one.weight, one.place) for one in booked]

    def _groups(self, txn: Txn) -> list[tuple[str, list[Leg]]]:
        """Return the postings by the commodity they balance in; one without an amount is in every group."""
        groups: dict[str, list[tuple[int, Leg]]] = {}
        bare: list[tuple[int, Leg]] = []
        unknown: list[tuple[int, Leg]] = []
        for n, written in enumerate(txn.legs):
            leg = _cross_priced(written)
            balances_in = _bucket(leg)
            if leg.bare:
                bare.append((n, leg))
            elif balances_in is None:
                unknown.append((n, leg))
            else:
                groups.setdefault(balances_in, []).append((n, leg))
        if len(unknown) == 1 and len(groups) == 1:
            n, leg = unknown.pop()
            (only,) = groups
            groups[only].append((n, _filled(leg, only, only)))
        for n, written in unknown:
            held = self.held[written.account]
            leg = _filled(written, _single(held.commodities()), _single(held.cost_commodities()))
            balances_in = _bucket(leg)
            if balances_in is None:
                raise wrong(leg.place, "it is not certain which commodity this is: write it")
            groups.setdefault(balances_in, []).append((n, leg))
        if len(bare) > 1:
            raise wrong(bare[-1][1].place, "only one posting of a transaction may be without an amount")
        for n, leg in bare:
            for balances_in, legs in groups.items():
                legs.append((n, replace(leg, commodity=balances_in)))
        return [(name, [self._named(leg) for _, leg in sorted(legs, key=lambda x: x[0])])
                for name, legs in groups.items()]  # fmt: skip

    def _named(self, leg: Leg) -> Leg:
        """Return a leg with its commodity known, by what its account holds where it is not written."""
        if leg.commodity is None:
            leg = replace(leg, commodity=_single(self.held[leg.account].commodities()))
        unsure = leg.lot is not None and leg.lot.commodity is None
        if leg.commodity is None or unsure or (leg.price is not None and leg.price.commodity is None):
            raise wrong(leg.place, "it is not certain which commodity this is: write it")
        return leg

    def _reduced(self, txn: Txn, legs: list[Leg]) -> list[tuple[Leg, Cost | None]]:
        """Return the legs, reductions with the lots they take; the rest waits for its cost."""
        here: dict[str, Holdings] = {}
        found: list[tuple[Leg, Cost | None]] = []
        for leg in legs:
            held = here.get(leg.account, self.held[leg.account])
            if leg.lot is None or leg.number is None or leg.commodity is None:
                found.append((leg, None))
                continue
            opened = self.opened.get(leg.account)
            method = (opened.method if opened else None) or self.options.method
            if method == "NONE" or not held.reduces(leg.commodity, leg.number):
                found.append((leg, None))
                continue
            fits = held.matching(leg.commodity, leg.lot, leg.number)
            if not fits:
                raise wrong(
                    leg.place, f"no lot of {leg.commodity} on {leg.account} fits: check cost and date"
                )
            held = here.setdefault(leg.account, held.copy())
            for cost, taken in reduce(method, leg.number, fits, leg.place):
                held.add(leg.commodity, cost, taken)
                found.append((replace(leg, number=taken, lot=None), cost))
        return found

    def _interpolated(
        self,
        txn: Txn,
        commodity: str,
        legs: list[tuple[Leg, Cost | None]],
        quanta: Mapping[str, Decimal],
    ) -> list[Done]:
        done: dict[int, Done] = {}
        missing: list[tuple[int, Leg]] = []
        for n, (leg, cost) in enumerate(legs):
            if leg.number is None or (leg.lot and leg.lot.open) or (leg.price and leg.price.number is None):
                missing.append((n, leg))
            else:
                done[n] = _done(leg, cost, txn.day)
        if len(missing) > 1:
            raise wrong(missing[-1][1].place, f"two numbers in {commodity} are missing: write one of them")
        for n, leg in missing:
            if leg.price and leg.price.number is None and (leg.lot or legs[n][1]):
                raise wrong(leg.place, "the price of a lot cannot be computed: write it, or remove the @")
            rest = -sum((one.weight.number for one in done.values()), ZERO)
            filled = _solved(leg, rest, quanta)
            if filled is not None:
                done[n] = _done(filled, None, txn.day)
        for one in done.values():
            if one.cost is not None and (not one.amount.number or one.cost.number < 0):
                raise wrong(one.place, "a lot has an amount, and a cost that is not negative")
        return [done[n] for n in sorted(done)]

    def _balanced(self, txn: Txn, booked: list[Done]) -> None:
        rest: dict[str, Decimal] = defaultdict(Decimal)
        for one in booked:
            rest[one.weight.commodity] += one.weight.number
        if not any(rest.values()):
            return
        allowed = self._tolerances([_measured_done(one) for one in booked], max)
        for commodity, number in rest.items():
            if abs(number) > allowed.get(commodity, allowed.get("*", ZERO)):
                raise wrong(txn.place, f"the transaction does not balance: {number} {commodity} too much")

    def _tolerances(
        self, measured: Sequence[Measured], pick: Callable[[Decimal, Decimal], Decimal]
    ) -> dict[str, Decimal]:
        """Return by how much each commodity may miss: half of the last digit that is written."""
        seen = {"*", *(one.commodity for one in measured), *(x for one in measured for x, _ in one.through)}
        found = {name: number for name, number in self.options.tolerances.items() if name in seen}
        through: dict[str, Decimal] = defaultdict(Decimal)
        for one in measured:
            exponent = one.number.as_tuple().exponent if one.number is not None else 0
            if one.commodity is None or not isinstance(exponent, int) or exponent >= 0:
                continue
            half = Decimal(1).scaleb(exponent) * self.options.multiplier
            found[one.commodity] = pick(half, found.get(one.commodity, half))
            for commodity, costs in one.through if self.options.from_cost else ():
                through[commodity] += min([half * cost for cost in costs] + [LARGEST_FROM_COST])
        for commodity, number in through.items():
            found[commodity] = pick(number, found.get(commodity, number))
        return found


def _bucket(leg: Leg) -> str | None:
    """Return the commodity a leg balances in, None while that is not known."""
    if leg.lot is not None:
        return leg.lot.commodity or (leg.price.commodity if leg.price else None)
    if leg.price is not None:
        return leg.price.commodity
    return leg.commodity


def _cross_priced(leg: Leg) -> Leg:
    lot, price = leg.lot, leg.price
    if lot and lot.commodity is None and price and price.commodity:
        return replace(leg, lot=replace(lot, commodity=price.commodity))
    if price and price.commodity is None and lot and lot.commodity:
        return replace(leg, price=replace(price, commodity=lot.commodity))
    return leg


def _filled(leg: Leg, units: str | None, cost: str | None) -> Leg:
    """Return a leg with what is not written filled in."""
    if leg.lot is None and leg.price is None:
        return leg if leg.commodity is not None else replace(leg, commodity=units)
    if leg.lot is not None and leg.lot.commodity is None:
        leg = replace(leg, lot=replace(leg.lot, commodity=cost))
    if leg.price is not None and leg.price.commodity is None:
        leg = replace(leg, price=replace(leg.price, commodity=cost))
    return leg


def _single(names: set[str]) -> str | None:
    return next(iter(names)) if len(names) == 1 else None


def _done(leg: Leg, cost: Cost | None, day: date) -> Done:
    """Return a posting of which everything is known; a lot that begins gets the day of its transaction."""
    lot, price = leg.lot, leg.price
    if leg.number is None or leg.commodity is None:
        raise wrong(leg.place, "the amount cannot be computed: write it")
    if lot is not None:
        number = unit_cost(lot, leg.number)
        if number is None or lot.commodity is None:
            raise wrong(leg.place, "a lot has an amount and a cost")
        cost = Cost(number, lot.commodity, lot.day or day, lot.label)
    known = (
        Amount(price.number, price.commodity)
        if price and price.number is not None and price.commodity
        else None
    )
    return Done(leg.account, leg.place, Amount(leg.number, leg.commodity), cost, known, leg.computed)


def _measured(leg: Leg) -> Measured:
    through: list[tuple[str, tuple[Decimal, ...]]] = []
    if leg.lot is not None and leg.lot.commodity:
        through.append((leg.lot.commodity, tuple(x for x in (leg.lot.total, leg.lot.per) if x is not None)))
    if leg.price is not None and leg.price.number is not None and leg.price.commodity:
        through.append((leg.price.commodity, (leg.price.number,)))
    return Measured(leg.number, leg.commodity, tuple(through))


def _measured_done(one: Done) -> Measured:
    through: list[tuple[str, tuple[Decimal, ...]]] = []
    if one.cost is not None:
        through.append((one.cost.commodity, (one.cost.number,)))
    if one.price is not None:
        through.append((one.price.commodity, (one.price.number,)))
    return Measured(None if one.computed else one.amount.number, one.amount.commodity, tuple(through))


def _solved(leg: Leg, rest: Decimal, quanta: Mapping[str, Decimal]) -> Leg | None:
    """Return a leg with its missing number, which leaves nothing of the group; None when nothing is left."""
    lot, price = leg.lot, leg.price
    unsure = (leg.number is None) + bool(lot and lot.open) + bool(price and price.number is None)
    if unsure > 1:
        raise wrong(leg.place, "two numbers are missing: write one of them")
    leg = replace(leg, computed=True)
    if leg.number is None:
        number = rest
        if lot is not None or price is not None:
            unit = lot.per if lot is not None else price.number if price is not None else None
            if not unit:
                raise wrong(leg.place, "the amount cannot be computed from a total: write it")
            number = (rest - ((lot.total if lot else None) or ZERO)) / unit
        quantum = (quanta.get(leg.commodity or "", quanta.get("*", ZERO)) * 2).normalize()
        if quantum and len(quantum.as_tuple().digits) < LONGEST_QUANTUM:
            number = number.quantize(quantum, context=_WIDE)
        return replace(leg, number=number) if rest else None
    if not leg.number:
        return None
    if lot is not None and lot.open == "per":
        per = (rest - (lot.total or ZERO)) / leg.number
        return replace(leg, lot=replace(lot, per=per, open=""))
    if lot is not None and lot.open == "total":
        return replace(leg, lot=replace(lot, total=rest - (lot.per or ZERO) * leg.number, open=""))
    return replace(leg, price=Price(abs(rest / leg.number), price.commodity if price else None))

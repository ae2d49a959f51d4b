"""beancount's directives made a book: lots chosen, missing numbers computed, pads filled, all checked.

The steps and tolerances are those of beancount 3: directives by day (opens, then balances, then the rest,
then closes; the line decides last), each transaction in groups of the commodity it balances in, reductions
before missing numbers, one missing number for each group. What beancount reports as an error is raised at
its place, and nothing is booked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from sent.engines.capital.model import AccountKind
from sent.engines.capital.plaintext.beancount import (
    Check,
    Close,
    Directive,
    Leg,
    Lot,
    Open,
    Options,
    Pad,
    Price,
    Reader,
    Txn,
)
from sent.engines.capital.plaintext.lots import Cost, Holdings, reduce, unit_cost
from sent.engines.capital.plaintext.model import Amount, Book, Place, Posting, Transaction, wrong
from sent.engines.capital.plaintext.source import Source

LARGEST_FROM_COST = Decimal("0.5")
LONGEST_QUANTUM = 5
"""Digits from which on a tolerance was computed, not written: nothing is rounded to it."""

ZERO = Decimal(0)
Booked = tuple[Leg, Cost | None]
"""A posting with its lot decided."""
_ORDER = {Open: -2, Check: -1, Close: 2}
_KINDS: dict[str, AccountKind] = {
    "name_assets": "asset",
    "name_liabilities": "liability",
    "name_equity": "equity",
    "name_income": "income",
    "name_expenses": "expense",
}


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
            found.append((one, self._legs(one) if isinstance(one, Txn) else []))
        padded = self._padded(found)
        self._check_accounts(directives)
        accounts = dict.fromkeys([*self.opened, *(x.account for one in padded for x in one.postings)])
        roots = {self.options.roots[name]: kind for name, kind in _KINDS.items()}
        kinds = {name: roots[root] for name in accounts if (root := name.partition(":")[0]) in roots}
        if strange := next((name for name in accounts if name not in kinds), None):
            at = next((x.place for one in padded for x in one.postings if x.account == strange), None)
            raise wrong(
                at or self.opened[strange].place, f"{strange}: accounts begin with {', '.join(roots)}"
            )
        return Book("beancount", tuple(padded), tuple(accounts), kinds)

    # One transaction

    def _legs(self, txn: Txn) -> list[Posting]:
        widest = self._tolerances(txn.legs, max)
        quanta = self._tolerances(txn.legs, min) if self.options.finest else widest
        booked: list[Booked] = []
        for commodity, legs in self._groups(txn):
            booked += self._interpolated(txn, commodity, self._reduced(txn, legs), quanta)
        for leg, cost in booked:
            assert leg.number is not None and leg.commodity is not None
            self.held[leg.account].add(leg.commodity, cost, leg.number)
        self._balanced(txn, booked)
        return [_posting(leg, cost) for leg, cost in booked]

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
        for n, leg in unknown:
            held = self.held[leg.account]
            leg = _filled(leg, _single(held.commodities()), _single(held.cost_commodities()))
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

    def _reduced(self, txn: Txn, legs: list[Leg]) -> list[Booked | Leg]:
        """Return the legs, reductions with the lots they take; a Leg still waits for its cost."""
        here: dict[str, Holdings] = {}
        found: list[Booked | Leg] = []
        for leg in legs:
            held = here.setdefault(leg.account, self.held[leg.account].copy())
            if leg.lot is None:
                found.append((leg, None))
                continue
            if leg.number is None:
                found.append(leg)
                continue
            assert leg.commodity is not None
            opened = self.opened.get(leg.account)
            method = (opened.method if opened else None) or self.options.method
            if method == "NONE" or not held.reduces(leg.commodity, leg.number):
                found.append(replace(leg, lot=replace(leg.lot, day=leg.lot.day or txn.day)))
                continue
            fits = held.matching(leg.commodity, leg.lot, leg.number)
            if not fits:
                raise wrong(
                    leg.place, f"no lot of {leg.commodity} on {leg.account} fits: check cost and date"
                )
            for cost, taken in reduce(method, leg.number, fits, leg.place):
                held.add(leg.commodity, cost, taken)
                found.append((replace(leg, number=taken, lot=None), cost))
        return found

    def _interpolated(
        self, txn: Txn, commodity: str, legs: list[Booked | Leg], quanta: dict[str, Decimal]
    ) -> list[Booked]:
        done: list[Booked | None] = []
        missing: list[tuple[int, Leg]] = []
        for n, one in enumerate(legs):
            leg, cost = one if isinstance(one, tuple) else (one, None)
            if leg.number is None or (leg.lot and leg.lot.open) or (leg.price and leg.price.number is None):
                missing.append((n, leg))
                done.append(None)
            else:
                done.append((leg, cost or _cost(leg, txn)))
        if len(missing) > 1:
            raise wrong(missing[-1][1].place, f"two numbers in {commodity} are missing: write one of them")
        for n, leg in missing:
            rest = -sum((_weight(*one).number for one in done if one is not None), ZERO)
            filled = _solved(leg, rest, quanta)
            done[n] = (filled, _cost(filled, txn)) if filled is not None else None
        found = [one for one in done if one is not None]
        for leg, cost in found:
            if cost is not None and (not leg.number or cost.number < 0):
                raise wrong(leg.place, "a lot has an amount, and a cost that is not negative")
        return found

    def _balanced(self, txn: Txn, booked: list[Booked]) -> None:
        rest: dict[str, Decimal] = defaultdict(Decimal)
        for leg, cost in booked:
            weight = _weight(leg, cost)
            rest[weight.commodity] += weight.number
        if not any(rest.values()):
            return
        allowed = self._tolerances([leg for leg, _ in booked], max, [cost for _, cost in booked])
        for commodity, number in rest.items():
            if abs(number) > allowed.get(commodity, allowed.get("*", ZERO)):
                raise wrong(txn.place, f"the transaction does not balance: {number} {commodity} too much")

    def _tolerances(
        self, legs: Iterable[Leg], pick: object, costs: list[Cost | None] | None = None
    ) -> dict[str, Decimal]:
        """Return by how much each commodity may miss: half of the last digit that is written."""
        assert callable(pick)
        given = self.options.tolerances
        seen: set[str] = {"*"}
        found: dict[str, Decimal] = {}
        through_cost: dict[str, Decimal] = defaultdict(Decimal)
        legs = list(legs)
        for n, leg in enumerate(legs):
            lot = leg.lot.commodity if leg.lot else costs[n].commodity if costs and costs[n] else None  # type: ignore[union-attr]
            seen |= {x for x in (leg.commodity, lot, leg.price and leg.price.commodity) if x}
        found = {commodity: number for commodity, number in given.items() if commodity in seen}
        for n, leg in enumerate(legs):
            if leg.computed or leg.number is None or leg.commodity is None:
                continue
            exponent = leg.number.as_tuple().exponent
            if not isinstance(exponent, int) or exponent >= 0:
                continue
            half = Decimal(1).scaleb(exponent) * self.options.multiplier
            found[leg.commodity] = pick(half, found.get(leg.commodity, half))
            if self.options.from_cost:
                cost = costs[n] if costs else None
                for commodity, number in _through_cost(leg, cost, half):
                    through_cost[commodity] += number
        for commodity, number in through_cost.items():
            found[commodity] = pick(number, found.get(commodity, number))
        return found

    # Pads and checks

    def _padded(self, found: list[tuple[Directive, list[Posting]]]) -> list[Transaction]:
        """Return the transactions with the pads' own, each check made sure."""
        pads: dict[int, list[Transaction]] = {}
        for account in sorted({one.account for one, _ in found if isinstance(one, Pad)}):
            self._pad(account, found, pads)
        booked: list[Transaction] = []
        running: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for one, postings in found:
            if isinstance(one, Txn):
                fresh = [Transaction(one.day, one.place, tuple(postings), one.flag, one.payee,
                                     one.narration, "", one.tags, one.links)]  # fmt: skip
            elif isinstance(one, Pad):
                fresh = pads.get(id(one), [])
                if not fresh:
                    raise wrong(one.place, "the pad is not used: no balance of the account follows it")
            else:
                fresh = []
            for transaction in fresh:
                for posting in transaction.postings:
                    amount = posting.amount
                    for name in _above(posting.account):
                        running[name][amount.commodity] += amount.number
            booked += fresh
            if isinstance(one, Check):
                there = running[one.account][one.amount.commodity] if one.account in running else ZERO
                if abs(there - one.amount.number) > self._within(one):
                    raise wrong(
                        one.place,
                        f"{one.account} has {there} {one.amount.commodity}, not {one.amount.number}",
                    )
        return [one for one in booked if one.postings]

    def _pad(
        self, account: str, found: list[tuple[Directive, list[Posting]]], pads: dict[int, list[Transaction]]
    ) -> None:
        active: Pad | None = None
        done: set[str] = set()
        balance: dict[str, Decimal] = defaultdict(Decimal)
        below = account + ":"
        for one, postings in found:
            for posting in postings:
                if posting.account == account or posting.account.startswith(below):
                    balance[posting.amount.commodity] += posting.amount.number
            if isinstance(one, Pad) and one.account == account:
                active, done = one, set()
            elif isinstance(one, Check) and (one.account == account or one.account.startswith(below)):
                commodity = one.amount.commodity
                gap = one.amount.number - balance[commodity]
                if abs(gap) > self._within(one) and active is not None and commodity not in done:
                    pads.setdefault(id(active), []).append(_pad_entry(active, Amount(gap, commodity)))
                    balance[commodity] += gap
                done.add(commodity)

    def _within(self, check: Check) -> Decimal:
        if check.within is not None:
            return check.within
        exponent = check.amount.number.as_tuple().exponent
        if not isinstance(exponent, int) or exponent >= 0:
            return ZERO
        return Decimal(1).scaleb(exponent) * self.options.multiplier * 2

    def _check_accounts(self, directives: list[Directive]) -> None:
        active: set[str] = set()
        for one in directives:
            if isinstance(one, Open):
                active.add(one.account)
            elif isinstance(one, Close):
                if one.account not in self.opened:
                    raise wrong(one.place, f"{one.account} is closed but never opened")
                active.discard(one.account)
            elif not self.options.opens_accounts:
                self._check_use(one, active)

    def _check_use(self, one: Txn | Check | Pad, active: set[str]) -> None:
        legs = one.legs if isinstance(one, Txn) else ()
        names = [(leg.account, leg.place) for leg in legs]
        if isinstance(one, Pad):
            names = [(one.account, one.place), (one.source, one.place)]
        elif isinstance(one, Check) and one.account not in self.opened:
            names = [(one.account, one.place)]
        for account, place in names:
            if account not in active:
                raise wrong(place, f"{account} is not open on that day: add `open {account}` before")
        for leg in legs:
            allowed = self.opened[leg.account].commodities
            if allowed and leg.commodity is not None and leg.commodity not in allowed:
                raise wrong(leg.place, f"{leg.account} keeps {', '.join(sorted(allowed))} only")


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


def _cost(leg: Leg, txn: Txn) -> Cost | None:
    lot = leg.lot
    if lot is None or leg.number is None:
        return None
    number = unit_cost(lot, leg.number)
    if number is None or lot.commodity is None:
        raise wrong(leg.place, "a lot has an amount and a cost")
    return Cost(number, lot.commodity, lot.day or txn.day, lot.label)


def _weight(leg: Leg, cost: Cost | None) -> Amount:
    assert leg.number is not None and leg.commodity is not None
    if cost is not None:
        return Amount(cost.number * leg.number, cost.commodity)
    if leg.price is not None:
        assert leg.price.number is not None and leg.price.commodity is not None
        return Amount(leg.price.number * leg.number, leg.price.commodity)
    return Amount(leg.number, leg.commodity)


def _posting(leg: Leg, cost: Cost | None) -> Posting:
    assert leg.number is not None and leg.commodity is not None
    return Posting(leg.account, Amount(leg.number, leg.commodity), _weight(leg, cost), leg.place)


def _solved(leg: Leg, rest: Decimal, quanta: dict[str, Decimal]) -> Leg | None:
    """Return a leg with its missing number, so that the group comes to nothing; None when it is not needed."""
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
        quantum = (quanta.get(leg.commodity or "", ZERO) * 2).normalize()
        if quantum and len(quantum.as_tuple().digits) < LONGEST_QUANTUM:
            number = number.quantize(quantum)
        return replace(leg, number=number) if rest else None
    if not leg.number:
        return None
    if lot is not None and lot.open == "per":
        per = (rest - (lot.total or ZERO)) / leg.number
        return replace(leg, lot=replace(lot, per=per, open=""))
    if lot is not None and lot.open == "total":
        return replace(leg, lot=replace(lot, total=rest - (lot.per or ZERO) * leg.number, open=""))
    assert price is not None
    return replace(leg, price=Price(abs(rest / leg.number), price.commodity))


def _through_cost(leg: Leg, cost: Cost | None, half: Decimal) -> Iterable[tuple[str, Decimal]]:
    if cost is not None:
        yield cost.commodity, min(half * cost.number, LARGEST_FROM_COST)
    elif leg.lot is not None and leg.lot.commodity:
        numbers = [x for x in (leg.lot.total, leg.lot.per) if x is not None]
        yield leg.lot.commodity, min([half * x for x in numbers] + [LARGEST_FROM_COST])
    if leg.price is not None and leg.price.number is not None and leg.price.commodity:
        yield leg.price.commodity, min(half * leg.price.number, LARGEST_FROM_COST)


def _above(account: str) -> Iterable[str]:
    """Yield an account and all it stands below."""
    while account:
        yield account
        account = account.rpartition(":")[0]


def _pad_entry(pad: Pad, amount: Amount) -> Transaction:
    other = Amount(-amount.number, amount.commodity)
    postings = (
        Posting(pad.account, amount, amount, pad.place),
        Posting(pad.source, other, other, pad.place),
    )
    return Transaction(pad.day, pad.place, postings, "P", narration=f"Padding of {pad.account}")


__all__ = ["Lot", "Place", "read_beancount"]

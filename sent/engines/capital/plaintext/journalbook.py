"""A journal's entries made a book: rules applied, missing amounts computed, balances checked.

hledger goes by day, and takes a transaction for balanced when what is left rounds to nothing at the digits
the commodity is shown with (a directive's, else the most that any posting has). ledger goes by the order of
the file, with the most digits seen so far. Real and bracketed postings balance apart in hledger and
together in ledger. Two commodities without a cost, of different signs, are an exchange in both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from sent.engines.capital.model import AccountKind
from sent.engines.capital.plaintext.entries import Balance, Entry, Leg
from sent.engines.capital.plaintext.journal import Journal, JournalReader
from sent.engines.capital.plaintext.model import Amount, Book, Place, Posting, Transaction, wrong
from sent.engines.capital.plaintext.quantities import Dialect
from sent.engines.capital.plaintext.source import Source

ZERO = Decimal(0)
MOST_POSTINGS = 2_000_000
"""With all that automated transactions add."""


def read_journal(first: Path, dialect: Dialect) -> Book:
    """Read a journal of hledger or ledger; raises Invalid naming file and line."""
    reader = JournalReader(Source(first), dialect)
    reader.read(first)
    return _Booking(reader.journal).book()


class _Booking:
    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.ledger = journal.dialect == "ledger"
        self.precision: dict[str, int] = {} if self.ledger else _most_digits(journal)
        self.held: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        """By account, and for ledger only what is not virtual under the name with a leading colon."""
        self.postings = 0

    def book(self) -> Book:
        """Return the book of all entries."""
        entries = self.journal.entries
        if not self.ledger:
            entries = sorted(entries, key=lambda entry: entry.day)
        else:
            self.precision.update(self.journal.precision)
        done = [self._transaction(entry) for entry in entries]
        used = (posting.account for one in done for posting in one.postings)
        accounts = tuple(dict.fromkeys([*self.journal.declared, *used]))
        return Book(
            self.journal.dialect, tuple(one for one in done if one.postings), accounts, self._kinds(accounts)
        )

    def _kinds(self, accounts: Sequence[str]) -> dict[str, AccountKind]:
        """Return the kinds that are declared, also for the accounts below."""
        declared = self.journal.kinds
        kinds: dict[str, AccountKind] = {}
        for account in accounts if declared else ():
            name = account
            while name and name not in declared:
                name = name.rpartition(":")[0]
            if name:
                kinds[account] = declared[name]
        return kinds

    def _transaction(self, entry: Entry) -> Transaction:
        legs = list(entry.legs)
        if self.ledger:
            self._learn(legs)
        legs = self._assigned(legs)
        if entry.bucket and len(legs) == 1 and legs[0].amount is not None and not legs[0].brackets:
            legs.append(Leg(entry.bucket, entry.place))
        payee = entry.payee or entry.narration
        groups = self._groups(legs, entry.place)
        done = [leg for group in groups for leg in group]
        for leg, _ in list(done):
            if len(entry.rules) * len(done) > MOST_POSTINGS:
                raise wrong(entry.place, "automated transactions add too many postings")
            for rule in entry.rules if not leg.computed else ():
                more = rule.follow(leg, payee)
                done += [posting for group in self._groups(more, entry.place) for posting in group]
        self.postings += len(done)
        if self.postings > MOST_POSTINGS:
            raise wrong(entry.place, f"a book has at most {MOST_POSTINGS} postings: split it by year")
        self._check(done)
        postings = tuple(
            Posting(leg.account, leg.amount, weight, leg.place, leg.note, leg.brackets == "()")
            for leg, weight in done
            if leg.amount is not None
        )
        return Transaction(
            entry.day, entry.place, postings, entry.flag, entry.payee, entry.narration, entry.code, entry.tags
        )

    def _learn(self, legs: Sequence[Leg]) -> None:
        for leg in legs:
            if leg.amount is not None:
                old = self.precision.get(leg.amount.commodity, 0)
                self.precision[leg.amount.commodity] = max(old, _digits(leg.amount))

    # Missing amounts

    def _assigned(self, legs: Sequence[Leg]) -> list[Leg]:
        """Return the legs, those with only a balance having the amount that leads to it."""
        if not any(leg.balance and leg.amount is None for leg in legs):
            return list(legs)
        here: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        done: list[Leg] = []
        for written in legs:
            leg = written
            if leg.amount is None and leg.balance is not None:
                target = self._target(leg, leg.balance)
                there = self._holds(leg, leg.balance, target.commodity)
                there += sum(
                    (
                        number
                        for (account, commodity), number in here.items()
                        if commodity == target.commodity
                        and (account == leg.account or (leg.balance.below and _below(account, leg.account)))
                    ),
                    ZERO,
                )
                leg = replace(leg, amount=Amount(target.number - there, target.commodity))
            if leg.amount is not None:
                here[leg.account, leg.amount.commodity] += leg.amount.number
            done.append(leg)
        return done

    def _target(self, leg: Leg, balance: Balance) -> Amount:
        amount = balance.amount
        if self.ledger and not amount.number and not amount.commodity:
            held = [commodity for commodity, number in self._of(leg).items() if number]
            if len(held) == 1:
                return Amount(ZERO, held[0])
        return amount

    def _of(self, leg: Leg) -> dict[str, Decimal]:
        real_only = self.ledger and not leg.brackets
        return self.held[":" + leg.account if real_only else leg.account]

    def _holds(self, leg: Leg, balance: Balance, commodity: str) -> Decimal:
        if not balance.below:
            return self._of(leg)[commodity]
        names = [name for name in self.held if name == leg.account or _below(name, leg.account)]
        return sum((self.held[name][commodity] for name in names), ZERO)

    # Balance

    def _groups(self, legs: Sequence[Leg], place: Place) -> list[list[tuple[Leg, Amount]]]:
        apart = [leg for leg in legs if leg.brackets == "()"]
        for leg in apart:
            if leg.amount is None and self.ledger:
                raise wrong(leg.place, "a posting in ( ) needs an amount: nothing balances it")
        done = [[(leg, leg.amount) for leg in apart if leg.amount is not None]]
        rest = [leg for leg in legs if leg.brackets != "()"]
        if self.ledger:
            return [self._balanced(rest, place), *done]
        real = [leg for leg in rest if not leg.brackets]
        return [self._balanced(real, place), self._balanced([x for x in rest if x.brackets], place), *done]

    def _balanced(self, legs: Sequence[Leg], place: Place) -> list[tuple[Leg, Amount]]:
        """Return legs and weights, with the amount that is missing; raises Invalid when something is left."""
        rest: dict[str, Decimal] = defaultdict(Decimal)
        done: list[tuple[Leg, Amount]] = []
        missing = [leg for leg in legs if leg.amount is None]
        if len(missing) > 1:
            raise wrong(
                missing[1].place, "only one posting may be without an amount (two spaces before amounts)"
            )
        for leg in legs:
            if leg.amount is not None:
                weight = self._weight(leg, leg.amount)
                rest[weight.commodity] += weight.number
                done.append((leg, weight))
        left = {commodity: number for commodity, number in rest.items() if number}
        if missing and not done and self.ledger:
            raise wrong(missing[0].place, "the amount is missing, and no other posting says what it could be")
        if missing:
            for n, (commodity, number) in enumerate(sorted(left.items())):
                amount = Amount(-number, commodity)
                done.append((replace(missing[0], amount=amount, computed=n > 0), amount))
            return done
        left = {commodity: number for commodity, number in left.items() if not self._small(commodity, number)}
        if len(left) == 2 and not any(leg.price for leg in legs):
            (one, first), (other, second) = left.items()
            if (first > 0) != (second > 0):
                rate = -second / first
                return [(leg, Amount(w.number * rate, other) if w.commodity == one else w) for leg, w in done]
        if left:
            told = ", ".join(f"{number} {commodity}".strip() for commodity, number in left.items())
            raise wrong(place, f"the transaction does not balance: {told} too much")
        return done

    def _small(self, commodity: str, number: Decimal) -> bool:
        digits = self.precision.get(commodity, 0 if self.ledger else None)
        return digits is not None and abs(number) * 2 <= Decimal(1).scaleb(-digits)

    def _weight(self, leg: Leg, amount: Amount) -> Amount:
        price = leg.price
        if price is None:
            return amount
        if self.ledger and leg.lot is not None and leg.lot.amount.commodity == price.amount.commodity:
            price = leg.lot
        if price.amount.commodity == amount.commodity:
            raise wrong(leg.place, "a cost is in another commodity than its amount")
        if price.whole:
            return Amount(price.amount.number.copy_sign(amount.number), price.amount.commodity)
        return Amount(price.amount.number * amount.number, price.amount.commodity)

    def _check(self, done: Sequence[tuple[Leg, Amount]]) -> None:
        for leg, _ in done:
            if leg.amount is None:
                continue
            self.held[leg.account][leg.amount.commodity] += leg.amount.number
            if self.ledger and not leg.brackets:
                self.held[":" + leg.account][leg.amount.commodity] += leg.amount.number
        # The order within the transaction counts, so what comes later is taken off again.
        later: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for leg, _ in reversed(done) if any(leg.balance for leg, _ in done) else ():
            if leg.balance is not None:
                self._meets(leg, leg.balance, later)
            if leg.amount is not None:
                later[leg.account, leg.amount.commodity] += leg.amount.number

    def _meets(self, leg: Leg, balance: Balance, later: dict[tuple[str, str], Decimal]) -> None:
        target = self._target(leg, balance)
        there = self._holds(leg, balance, target.commodity)
        for (account, commodity), number in later.items():
            if commodity == target.commodity and (
                account == leg.account or (balance.below and _below(account, leg.account))
            ):
                there -= number
        gap = there - target.number
        shown = self.ledger and target.commodity in self.precision
        if gap and not (shown and self._small(target.commodity, gap)):
            raise wrong(
                leg.place,
                f"{leg.account} has {there} {target.commodity}, not {target.number}: correct one of them",
            )
        if balance.alone or (self.ledger and not target.number and not target.commodity):
            others = [
                name
                for name, n in self._of(leg).items()
                if name != target.commodity and n != later.get((leg.account, name), ZERO)
            ]
            if others:
                raise wrong(leg.place, f"{leg.account} has {', '.join(others)} too")


def _below(name: str, account: str) -> bool:
    return name.startswith(account + ":")


def _digits(amount: Amount) -> int:
    exponent = amount.number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _most_digits(journal: Journal) -> dict[str, int]:
    """Return the digits hledger shows each commodity with."""
    found: dict[str, int] = {}
    for entry in journal.entries:
        for leg in entry.legs:
            if leg.amount is not None:
                found[leg.amount.commodity] = max(found.get(leg.amount.commodity, 0), _digits(leg.amount))
    return found | journal.precision

"""What beancount makes sure of around transactions: open accounts, pads, balances at a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from sent.engines.capital.plaintext.beancount import Check, Close, Directive, Open, Options, Pad, Txn
from sent.engines.capital.plaintext.model import Amount, Posting, Transaction, wrong

ZERO = Decimal(0)
Found = Sequence[tuple[Directive, list[Posting]]]
"""Directives in their order, transactions with their postings."""


def padded(found: Found, options: Options) -> list[Transaction]:
    """Return the transactions with those of pads; raises Invalid where a balance is not as it is written."""
    pads: dict[int, list[Transaction]] = {}
    for account in sorted({one.account for one, _ in found if isinstance(one, Pad)}):
        _pad(account, found, options, pads)
    booked: list[Transaction] = []
    running: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for one, postings in found:
        fresh = _transactions(one, postings, pads)
        for transaction in fresh:
            for posting in transaction.postings:
                for name in _above(posting.account):
                    running[name][posting.amount.commodity] += posting.amount.number
        booked += fresh
        if isinstance(one, Check):
            there = running[one.account][one.amount.commodity] if one.account in running else ZERO
            if abs(there - one.amount.number) > _within(one, options):
                told = f"{there} {one.amount.commodity}, not {one.amount.number}"
                raise wrong(one.place, f"{one.account} has {told}: correct one of them")
    return [one for one in booked if one.postings]


def check_accounts(directives: Sequence[Directive], opened: Mapping[str, Open], options: Options) -> None:
    """Make sure that accounts are open when they are used, and keep what they may."""
    active: set[str] = set()
    for one in directives:
        if isinstance(one, Open):
            active.add(one.account)
        elif isinstance(one, Close):
            if one.account not in opened:
                raise wrong(one.place, f"{one.account} is closed but never opened")
            active.discard(one.account)
        elif not options.opens_accounts:
            _check_use(one, active, opened)


def _check_use(one: Txn | Check | Pad, active: set[str], opened: Mapping[str, Open]) -> None:
    legs = one.legs if isinstance(one, Txn) else ()
    names = [(leg.account, leg.place) for leg in legs]
    if isinstance(one, Pad):
        names = [(one.account, one.place), (one.source, one.place)]
    elif isinstance(one, Check) and one.account not in opened:
        names = [(one.account, one.place)]
    for account, place in names:
        if account not in active:
            raise wrong(place, f"{account} is not open on that day: add `open {account}` before")


def check_commodities(found: Found, opened: Mapping[str, Open]) -> None:
    """Make sure that accounts keep only what they were opened for."""
    for _, postings in found:
        for posting in postings:
            account = opened.get(posting.account)
            if account and account.commodities and posting.amount.commodity not in account.commodities:
                kept = ", ".join(sorted(account.commodities))
                raise wrong(posting.place, f"{posting.account} was opened for {kept} only")


def _transactions(
    one: Directive, postings: list[Posting], pads: Mapping[int, list[Transaction]]
) -> list[Transaction]:
    if isinstance(one, Pad):
        if id(one) not in pads:
            raise wrong(one.place, "the pad is not used: no balance of the account needs it")
        return pads[id(one)]
    if not isinstance(one, Txn):
        return []
    flag, texts = one.flag, (one.payee, one.narration)
    return [Transaction(one.day, one.place, tuple(postings), flag, *texts, tags=one.tags, links=one.links)]


def _pad(account: str, found: Found, options: Options, pads: dict[int, list[Transaction]]) -> None:
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
            if abs(gap) > _within(one, options) and active is not None and commodity not in done:
                pads.setdefault(id(active), []).append(_pad_entry(active, Amount(gap, commodity)))
                balance[commodity] += gap
            done.add(commodity)


def _within(check: Check, options: Options) -> Decimal:
    """Return by how much a balance may miss: twice what a transaction may, unless it is written."""
    if check.within is not None:
        return check.within
    exponent = check.amount.number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent >= 0:
        return ZERO
    return Decimal(1).scaleb(exponent) * options.multiplier * 2


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

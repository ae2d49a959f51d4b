"""beancount files read: directives as they are written; `beanbook` makes them a book.

Read are options, open, close, commodity, transactions, balance, pad, price; pushtag and poptag; include
(below the book's folder). Notes, documents, events, queries and custom directives do not change balances
and are passed over. Plugins that only check or add nothing but prices are passed over too, `auto_accounts`
is obeyed, and any other is refused: it could change what is booked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from sent.engines.capital.plaintext.beantokens import Cursor, Line, lines
from sent.engines.capital.plaintext.model import Amount, Place, wrong
from sent.engines.capital.plaintext.source import Source

METHODS = ("STRICT", "STRICT_WITH_SIZE", "FIFO", "LIFO", "HIFO", "NONE")
HARMLESS = frozenset(
    [
        "check_average_cost",
        "check_closing",
        "check_commodity",
        "check_drained",
        "coherent_cost",
        "commodity_attr",
        "implicit_prices",
        "leafonly",
        "noduplicates",
        "nounused",
        "onecommodity",
        "pedantic",
        "sellgains",
        "unique_prices",
    ]
)
ROOTS = {
    "name_assets": "Assets",
    "name_liabilities": "Liabilities",
    "name_equity": "Equity",
    "name_income": "Income",
    "name_expenses": "Expenses",
}


@dataclass(frozen=True, slots=True)
class Lot:
    """What stands in curly brackets. None: not written; `open` names the number to be computed."""

    per: Decimal | None
    total: Decimal | None
    commodity: str | None
    day: date | None = None
    label: str | None = None
    open: str = ""


@dataclass(frozen=True, slots=True)
class Price:
    """What stands after `@`; None: to be computed."""

    number: Decimal | None
    commodity: str | None


@dataclass(frozen=True, slots=True)
class Leg:
    """A posting as it is written; `bare` without any amount."""

    account: str
    place: Place
    number: Decimal | None
    commodity: str | None
    lot: Lot | None = None
    price: Price | None = None
    computed: bool = False

    @property
    def bare(self) -> bool:
        """Whether only an account was written."""
        return self.number is None and self.commodity is None and self.price is None


@dataclass(frozen=True, slots=True)
class Open:
    """An account begins; `commodities` empty allows any."""

    day: date
    place: Place
    account: str
    commodities: frozenset[str]
    method: str | None


@dataclass(frozen=True, slots=True)
class Close:
    """An account ends."""

    day: date
    place: Place
    account: str


@dataclass(frozen=True, slots=True)
class Check:
    """A balance at the beginning of a day; `within` None follows from the digits."""

    day: date
    place: Place
    account: str
    amount: Amount
    within: Decimal | None


@dataclass(frozen=True, slots=True)
class Pad:
    """The next check of `account` is made true out of `source`."""

    day: date
    place: Place
    account: str
    source: str


@dataclass(frozen=True, slots=True)
class Txn:
    """A transaction as it is written."""

    day: date
    place: Place
    flag: str
    payee: str
    narration: str
    tags: tuple[str, ...]
    links: tuple[str, ...]
    legs: tuple[Leg, ...]


Directive = Open | Close | Check | Pad | Txn


@dataclass(slots=True)
class Options:
    """What a file's options say, as far as it matters for balances."""

    method: str = "STRICT"
    multiplier: Decimal = Decimal("0.5")
    from_cost: bool = False
    finest: bool = False
    tolerances: dict[str, Decimal] = field(default_factory=dict)
    roots: dict[str, str] = field(default_factory=lambda: dict(ROOTS))
    opens_accounts: bool = False


class Reader:
    """Reads a book's files into `directives` and `options`."""

    def __init__(self, source: Source) -> None:
        self.options = Options()
        self.directives: list[Directive] = []
        self._source = source
        self._tags: list[str] = []

    def read(self, path: Path, by: Place | None = None) -> None:
        """Read a file and what it includes."""
        text = self._source.read(path, by)
        found = lines(self._source.name(path), text)
        outer, self._tags = self._tags, []
        at = 0
        while at < len(found):
            end = at + 1
            while end < len(found) and found[end].indented:
                end += 1
            self._directive(found[at], found[at + 1 : end])
            at = end
        self._tags = outer
        self._source.done()

    def _directive(self, first: Line, below: list[Line]) -> None:
        if first.indented:
            raise wrong(first.place, "an indented line belongs to a transaction: none stands above it")
        cursor = Cursor(first)
        if cursor.kind == "date":
            self._dated(cursor, below)
            return
        word = cursor.expect("a date or a directive", "word")
        if word == "option":
            self._option(cursor, cursor.text(), cursor.text())
        elif word == "include":
            for path in self._source.included(cursor.text(), first.place):
                self.read(path, first.place)
        elif word == "plugin":
            self._plugin(cursor.text(), first.place)
        elif word == "pushtag":
            self._tags.append(cursor.expect("a tag", "tag")[1:])
        elif word == "poptag":
            tag = cursor.expect("a tag", "tag")[1:]
            if tag not in self._tags:
                raise wrong(first.place, f"poptag #{tag} without a pushtag")
            self._tags.remove(tag)
        elif word not in ("pushmeta", "popmeta"):
            raise wrong(first.place, f"{word!r} is no directive of beancount's")

    def _plugin(self, name: str, place: Place) -> None:
        last = name.rpartition(".")[2]
        if last in ("auto_accounts", "auto"):
            self.options.opens_accounts = True
        elif last not in HARMLESS:
            raise wrong(place, f"plugin {name!r} may change what is booked: write out its result, remove it")

    def _option(self, cursor: Cursor, name: str, value: str) -> None:
        options = self.options
        truth = value.lower() in ("1", "true", "yes", "on")
        try:
            if name == "booking_method":
                options.method = _method(value, cursor.place)
            elif name in ("tolerance_multiplier", "inferred_tolerance_multiplier"):
                options.multiplier = Decimal(value)
            elif name == "infer_tolerance_from_cost":
                options.from_cost = truth
            elif name == "use_precise_interpolation":
                options.finest = truth
            elif name == "inferred_tolerance_default":
                commodity, _, number = value.partition(":")
                options.tolerances[commodity.strip()] = Decimal(number.strip())
            elif name in ROOTS:
                options.roots[name] = value
        except ArithmeticError as error:
            raise wrong(cursor.place, f"option {name!r} needs a number, not {value!r}") from error

    def _dated(self, cursor: Cursor, below: list[Line]) -> None:
        day = cursor.day()
        if cursor.kind == "word" and cursor.word != "txn":
            word = cursor.expect("a directive", "word")
            if word in ("commodity", "price", "note", "document", "event", "query", "custom"):
                return
            if word not in _READ:
                raise wrong(cursor.place, f"{word!r} is no directive of beancount's")
            self.directives.append(_READ[word](day, cursor))
            cursor.end()
            _metadata_only(below)
            return
        flag = cursor.expect("a directive or a flag", "word", "flag", "*", "#", "capital")
        self.directives.append(self._transaction(day, "*" if flag == "txn" else flag, cursor, below))

    def _transaction(self, day: date, flag: str, cursor: Cursor, below: list[Line]) -> Txn:
        texts: list[str] = []
        while cursor.kind in ("text", "|"):
            if not cursor.take("|"):
                texts.append(cursor.text())
        if len(texts) > 2:
            raise wrong(cursor.place, "a transaction has at most a payee and a narration")
        tags, links = _marks(cursor)
        cursor.end()
        legs: list[Leg] = []
        for line in below:
            inner = Cursor(line)
            if inner.kind == "key":
                continue
            if inner.kind in ("tag", "link"):
                more = _marks(inner)
                inner.end()
                tags, links = tags + more[0], links + more[1]
            else:
                legs.append(_leg(inner))
        payee, narration = texts if len(texts) == 2 else ("", texts[0] if texts else "")
        return Txn(
            day, cursor.place, flag, payee, narration, tuple(dict.fromkeys([*tags, *self._tags])),
            tuple(dict.fromkeys(links)), tuple(legs),
        )  # fmt: skip


def _metadata_only(below: list[Line]) -> None:
    for line in below:
        if line.tokens[0][0] not in ("key", "tag", "link"):
            raise wrong(line.place, "only metadata (`key: value`) may stand below this directive")


def _marks(cursor: Cursor) -> tuple[list[str], list[str]]:
    tags: list[str] = []
    links: list[str] = []
    while mark := cursor.take("tag", "link"):
        (tags if mark[0] == "#" else links).append(mark[1:])
    return tags, links


def _method(word: str, place: Place) -> str:
    if word not in METHODS:
        raise wrong(place, f"booking method {word!r} is not one of {', '.join(METHODS)}")
    return word


def _open(day: date, cursor: Cursor) -> Open:
    account = cursor.expect("an account", "account")
    commodities: list[str] = []
    while found := cursor.commodity():
        commodities.append(found)
        if not cursor.take(","):
            break
    method = _method(cursor.text(), cursor.place) if cursor.kind == "text" else None
    return Open(day, cursor.place, account, frozenset(commodities), method)


def _close(day: date, cursor: Cursor) -> Close:
    return Close(day, cursor.place, cursor.expect("an account", "account"))


def _pad(day: date, cursor: Cursor) -> Pad:
    account = cursor.expect("an account", "account")
    return Pad(day, cursor.place, account, cursor.expect("an account to pad from", "account"))


def _check(day: date, cursor: Cursor) -> Check:
    account = cursor.expect("an account", "account")
    number = cursor.number()
    within = cursor.number() if cursor.take("~") else None
    commodity = cursor.commodity()
    if number is None or commodity is None:
        raise wrong(cursor.place, "a balance is an amount: a number and a commodity")
    return Check(day, cursor.place, account, Amount(number, commodity), within)


_READ: dict[str, Callable[[date, Cursor], Directive]] = {
    "open": _open,
    "close": _close,
    "balance": _check,
    "pad": _pad,
}


def _leg(cursor: Cursor) -> Leg:
    cursor.take("*", "#", "flag", "capital")
    account = cursor.expect("an account", "account")
    leg = Leg(account, cursor.place, cursor.number(), cursor.commodity())
    if opening := cursor.take("{", "{{"):
        leg = replace(leg, lot=_lot(cursor, whole=opening == "{{"))
    if sign := cursor.take("@", "@@"):
        leg = replace(leg, price=_price(cursor, leg.number, whole=sign == "@@"))
    cursor.end()
    lot, price = leg.lot, leg.price
    if lot and price and lot.commodity and price.commodity and lot.commodity != price.commodity:
        raise wrong(cursor.place, f"cost in {lot.commodity} and price in {price.commodity}: use one of them")
    return leg


def _price(cursor: Cursor, units: Decimal | None, *, whole: bool) -> Price:
    number, commodity = cursor.number(), cursor.commodity()
    if number is not None and number < 0:
        raise wrong(cursor.place, "a price is never negative: turn the sign of the amount")
    if whole and units is None:
        raise wrong(cursor.place, "a total price needs the amount it is for")
    if whole and number is not None and units is not None:
        number = number / abs(units) if units else Decimal(0)
    return Price(number, commodity)


def _lot(cursor: Cursor, *, whole: bool) -> Lot:
    end = "}}" if whole else "}"
    lot = Lot(None, None, None, open="per")
    priced = False
    while not cursor.take(end):
        if cursor.kind == "date":
            lot = replace(lot, day=cursor.day())
        elif cursor.kind == "text":
            lot = replace(lot, label=cursor.text())
        elif cursor.kind == "*":
            raise wrong(cursor.place, "merging costs with * is not supported: name the lots")
        elif priced:
            raise wrong(cursor.place, "a lot has one cost")
        else:
            lot, priced = _cost(cursor, lot, whole=whole), True
        if not cursor.take(","):
            cursor.expect(f"a comma or {end}", end)
            break
    return lot


def _cost(cursor: Cursor, lot: Lot, *, whole: bool) -> Lot:
    number = cursor.number()
    if cursor.take("#"):
        if whole:
            raise wrong(cursor.place, "{{...}} is a total: write {per unit # total} with single brackets")
        total = cursor.number()
        lot = replace(lot, per=number, total=total)
        lot = replace(lot, open="per" if number is None else "total" if total is None else "")
    elif whole:
        lot = replace(lot, per=Decimal(0), total=number, open="" if number is not None else "total")
    else:
        lot = replace(lot, per=number, open="" if number is not None else "per")
    lot = replace(lot, commodity=cursor.commodity())
    if number is None and lot.total is None and lot.commodity is None:
        raise wrong(cursor.place, f"{cursor.word!r} is no part of a lot: cost, date or label")
    return lot

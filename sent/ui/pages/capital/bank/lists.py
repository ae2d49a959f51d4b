"""What the two sides of a reconciliation show and in which order; what a selection comes to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from sent.platform.i18n import tr
from sent.ui.kit.filterbar import Field
from sent.ui.kit.query import Term
from sent.ui.kit.table import Column
from sent.ui.pages.capital.money import day_shown, shown

if TYPE_CHECKING:
    from sent.engines.capital.bank.api import Movement, Open, Proposal

Sure = Literal["certain", "likely", "possible", "none"]
SURE: tuple[Sure, ...] = ("certain", "likely", "possible", "none")
CERTAIN, LIKELY = 0.95, 0.7


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a statement that is not matched yet, and what may be done with it."""

    movement: Movement
    proposal: Proposal | None

    @property
    def id(self) -> UUID:
        """The movement's id."""
        return self.movement.id

    @property
    def day(self) -> date:
        """Its day."""
        return self.movement.day

    @property
    def amount(self) -> Decimal:
        """What came (or went, negative)."""
        return self.movement.amount

    @property
    def sure(self) -> Sure:
        """How sure the proposal is."""
        return sure_of(self.proposal)

    @property
    def text(self) -> str:
        """Who it was and what for, on one line."""
        one = self.movement
        return "  ".join(part for part in (one.counterparty, one.text or one.reference) if part)


def sure_of(proposal: Proposal | None) -> Sure:
    """Return how sure a proposal is, in words' steps."""
    if proposal is None:
        return "none"
    if proposal.auto or (proposal.kind == "match" and proposal.confidence >= CERTAIN):
        return "certain"
    return "likely" if proposal.confidence >= LIKELY else "possible"


def sure_name(sure: str) -> str:
    """Return how sure it is in the user's language."""
    names = {
        "certain": tr("Certain"), "likely": tr("Likely"), "possible": tr("Possible"),
        "none": tr("No proposal"),
    }  # fmt: skip
    return names.get(sure, sure)


def reason(why: str) -> str:
    """Return why something is proposed in the user's language."""
    known = {
        "amount": tr("the amount is the same"), "amounts": tr("the amounts add up"),
        "part": tr("it is a part of the amount"), "charge": tr("the amount less a charge"),
        "reference": tr("the text names its number"), "reference~": tr("the text nearly names its number"),
        "name": tr("the name fits"), "other name": tr("the name is another one"),
        "settlement": tr("a card company settles it"), "gross": tr("the text tells the whole amount"),
        "habit": tr("it was booked like this before"), "person": tr("somebody chose it"),
    }  # fmt: skip
    if why.startswith("rule "):
        return tr("the rule {name}", name=why.removeprefix("rule "))
    return known.get(why, why)


def kind_name(kind: str) -> str:
    """Return what an open item is in the user's language."""
    names = {
        "line": tr("Booked"), "invoice": tr("Invoice"), "bill": tr("Bill"), "credit_note": tr("Credit note"),
        "other": tr("Open item"),
    }  # fmt: skip
    return names.get(kind, kind)


def fields() -> list[Field]:
    """Return what the filter of statement lines knows."""
    return [
        Field("party", tr("Counterparty")), Field("text", tr("Text")),
        Field("direction", tr("Direction"), ("in", "out")), Field("sure", tr("How sure"), SURE),
        Field("amount", tr("Amount")),
    ]  # fmt: skip


def passes(line: Line, terms: Iterable[Term]) -> bool:
    """Say whether a statement line passes a filter."""
    kept: dict[str, bool] = {}
    for term in terms:
        fits = _fits(line, term)
        if (term.out and fits) or (not term.out and not term.field and not fits):
            return False
        if not term.out and term.field:
            kept[term.field] = kept.get(term.field, False) or fits
    return all(kept.values())


def _fits(line: Line, term: Term) -> bool:
    value, one = term.value.casefold(), line.movement
    texts = {
        "party": one.counterparty, "text": f"{one.text} {one.reference}", "sure": line.sure,
        "direction": "in" if one.amount > 0 else "out",
    }  # fmt: skip
    if term.field == "amount":
        return value.replace(",", "") in str(abs(one.amount))
    if term.field == "text":
        return value.strip("*") in texts["text"].casefold()
    if term.field in texts:
        return fnmatchcase(texts[term.field].casefold(), value)
    return value in f"{line.text} {one.reference} {one.iban} {one.amount}".casefold()


def columns() -> list[Column]:
    """Return the columns of statement lines."""
    return [
        Column("day", tr("Day"), lambda r: day_shown(r.day), 94, "time"),
        Column("text", tr("Statement line"), lambda r: r.text, 200, "strong", stretch=True,
               tip=lambda r: r.text),
        Column("amount", tr("Amount"), lambda r: shown(r.amount, r.movement.commodity), 104, "number"),
        Column("sure", tr("Proposal"), lambda r: sure_name(r.sure), 100, "state", drop=1, field="sure",
               widest="\n".join(sure_name(one) for one in SURE)),
    ]  # fmt: skip


def open_columns() -> list[Column]:
    """Return the columns of what a statement line may be matched with."""
    return [
        Column("day", tr("Day"), lambda o: day_shown(o.day), 94, "time", drop=2),
        Column("kind", tr("Kind"), lambda o: kind_name(o.kind), 80, "quiet", drop=3),
        Column("reference", tr("Reference"), lambda o: o.reference or o.text, 130, "mono"),
        Column("party", tr("Party"), lambda o: o.party or o.text, 130, "strong", stretch=True),
        Column("amount", tr("Amount"), lambda o: shown(o.amount, o.commodity), 104, "number"),
    ]  # fmt: skip


def nearest(movements: Sequence[Movement], opens: Iterable[Open]) -> list[Open]:
    """Return open items, those that fit the movements best first: amount, words in common, days between."""
    total = sum((one.amount for one in movements), Decimal(0))
    words = {word for one in movements for word in _words(f"{one.counterparty} {one.text} {one.reference}")}
    day = movements[0].day if movements else None

    def rank(one: Open) -> tuple[bool, bool, int, Decimal, int]:
        common = len(words & _words(f"{one.party} {one.reference} {one.text}"))
        apart = abs((one.day - day).days) if day is not None else 0
        return (one.amount > 0) != (total > 0), one.amount != total, -common, abs(one.amount - total), apart

    return sorted(opens, key=rank)


@lru_cache(maxsize=8192)
def _words(text: str) -> frozenset[str]:
    plain = "".join(sign if sign.isalnum() else " " for sign in text.casefold())
    return frozenset(word for word in plain.split() if len(word) > 2)


@dataclass(frozen=True, slots=True)
class Sum:
    """What is chosen: movements against items; `difference` is what the movements have more."""

    movements: Decimal
    items: Decimal

    @property
    def difference(self) -> Decimal:
        """Movements less items."""
        return self.movements - self.items


def sum_of(movements: Sequence[Movement], opens: Sequence[Open]) -> Sum:
    """Return what a selection comes to."""
    return Sum(
        sum((one.amount for one in movements), Decimal(0)), sum((one.amount for one in opens), Decimal(0))
    )


@dataclass(frozen=True, slots=True)
class Split:
    """How much of each item is settled, and what is a charge of the bank."""

    amounts: tuple[Decimal, ...]
    charge: Decimal = Decimal(0)
    left: Decimal = Decimal(0)
    """What of the last item stays open."""


def split_of(movements: Sequence[Movement], opens: Sequence[Open], *, charge: bool) -> Split | None:
    """Return how a selection may be matched, or None when it does not come to the same amount.

    A payment that is short settles the last document in part; with `charge` the difference is the bank's.
    """
    if not movements or not opens:
        return None
    found = sum_of(movements, opens)
    whole = tuple(one.amount for one in opens)
    if found.difference == 0:
        return Split(whole)
    if charge:
        return Split(whole, charge=found.difference)
    last = opens[-1]
    part = last.amount + found.difference
    short = (found.difference > 0) != (last.amount > 0) and part != 0 and (part > 0) == (last.amount > 0)
    if len(movements) == 1 and short and all(one.kind != "line" for one in opens):
        return Split((*whole[:-1], part), left=-found.difference)
    return None


def remembered_words(movement: Movement) -> str:
    """Return the words that a rule may look for: the counterparty's, else the first of the text."""
    source = movement.counterparty or movement.text
    plain = "".join(sign if sign.isalnum() else " " for sign in source)
    words = [word for word in plain.split() if len(word) > 2 and not any(sign.isdigit() for sign in word)]
    return ".*".join(words[:2])

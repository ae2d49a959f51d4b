"""What a list of documents shows, which segments and filters there are, and what each keeps. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from sent.platform.i18n import tr
from sent.ui.kit.filterbar import Field
from sent.ui.kit.query import Term
from sent.ui.kit.table import Column
from sent.ui.pages.capital.money import day_shown, shown

if TYPE_CHECKING:
    from sent.engines.capital.billing.api import Aged, Document

Segment = Literal["sales", "purchases", "drafts", "overdue"]
State = Literal["draft", "unpaid", "part-paid", "overdue", "paid", "void"]

SALES = ("invoice", "sales_credit")
CREDITS = ("sales_credit", "purchase_credit")
STATES: tuple[State, ...] = ("draft", "unpaid", "part-paid", "overdue", "paid", "void")
AGES = ("current", "30", "60", "90", "older")
_LAST_DAY = (0, 30, 60, 90)


@dataclass(frozen=True, slots=True)
class Row:
    """A document as a list shows it; credit notes count against what is owed."""

    document: Document
    party: str
    state: State
    age: str

    @property
    def id(self) -> UUID:
        """The document's id."""
        return self.document.id

    @property
    def number(self) -> str:
        """What it is called."""
        return self.document.number or tr("Draft")

    @property
    def day(self) -> date:
        """Its day."""
        return self.document.day

    @property
    def due(self) -> date:
        """When it is due."""
        return self.document.due

    @property
    def sign(self) -> int:
        """-1 for credit notes."""
        return -1 if self.document.kind in CREDITS else 1

    @property
    def gross(self) -> Decimal:
        """Its total; nothing for drafts, which have none yet."""
        return self.sign * (self.document.gross or Decimal(0))

    @property
    def open(self) -> Decimal:
        """What is not settled."""
        return self.sign * self.document.open


def age_of(due: date, today: date) -> str:
    """Return how long something is over due: one of AGES."""
    late = (today - due).days
    return next((name for name, last in zip(AGES, _LAST_DAY, strict=False) if late <= last), "older")


def row_of(document: Document, party: str, today: date) -> Row:
    """Return how a list shows a document."""
    state: State = "unpaid"
    if document.state != "issued":
        state = "draft" if document.state == "draft" else "void"
    elif document.open == 0:
        state = "paid"
    elif document.due < today and document.kind not in CREDITS:
        state = "overdue"
    elif document.settled:
        state = "part-paid"
    return Row(document, party, state, age_of(document.due, today) if document.open else "")


def in_segment(row: Row, segment: Segment) -> bool:
    """Say whether a row belongs to a segment."""
    if segment == "drafts":
        return row.state == "draft"
    if segment == "overdue":
        return row.state == "overdue"
    return row.state != "draft" and (row.document.kind in SALES) == (segment == "sales")


def passes(row: Row, terms: Iterable[Term]) -> bool:
    """Say whether a row passes a filter: the same field twice is either, different fields are both."""
    kept: dict[str, bool] = {}
    for term in terms:
        fits = _fits(row, term)
        if term.out:
            if fits:
                return False
        else:
            kept[term.field] = kept.get(term.field, False) or fits if term.field else fits
            if not term.field and not fits:
                return False
    return all(kept.values())


def _fits(row: Row, term: Term) -> bool:
    value = term.value.casefold()
    texts = {
        "state": row.state, "party": row.party, "number": row.number, "age": row.age,
        "reference": row.document.reference, "kind": row.document.kind, "currency": row.document.commodity,
    }  # fmt: skip
    if term.field in texts:
        return fnmatchcase(texts[term.field].casefold(), value)
    whole = f"{row.number} {row.party} {row.document.reference} {row.gross} {row.document.note}"
    return value in whole.casefold()


def segments() -> list[tuple[str, str]]:
    """Return the segments with their titles."""
    return [
        ("sales", tr("Sales")), ("purchases", tr("Purchases")), ("drafts", tr("Drafts")),
        ("overdue", tr("Overdue")),
    ]  # fmt: skip


def state_name(state: str) -> str:
    """Return a state in the user's language."""
    names = {
        "draft": tr("Draft"), "unpaid": tr("Not paid"), "part-paid": tr("Part paid"),
        "overdue": tr("Overdue"), "paid": tr("Paid"), "void": tr("Void"),
    }  # fmt: skip
    return names.get(state, state)


def kind_name(kind: str) -> str:
    """Return what a document is in the user's language."""
    names = {
        "invoice": tr("Invoice"), "bill": tr("Bill"), "sales_credit": tr("Credit note"),
        "purchase_credit": tr("Supplier's credit note"),
    }  # fmt: skip
    return names.get(kind, kind)


def fields() -> list[Field]:
    """Return what the filter knows."""
    return [
        Field("state", tr("State"), STATES), Field("party", tr("Party")), Field("number", tr("Number")),
        Field("age", tr("Days over due"), AGES), Field("reference", tr("Reference")),
        Field("kind", tr("Kind"), ("invoice", "sales_credit", "bill", "purchase_credit")),
        Field("currency", tr("Currency")),
    ]  # fmt: skip


def columns(home: str = "") -> list[Column]:
    """Return the list's columns; amounts of other currencies than `home` name theirs."""

    def amount(row: Row, value: Decimal) -> str:
        text = shown(value, row.document.commodity, dash=row.state != "draft")
        return text if row.document.commodity == home or not home else f"{text} {row.document.commodity}"

    return [
        Column("number", tr("Number"), lambda r: r.number, 140, "mono"),
        Column("party", tr("Party"), lambda r: r.party, 200, "strong", stretch=True, field="party"),
        Column("reference", tr("Reference"), lambda r: r.document.reference, 120, "quiet", drop=3),
        Column("day", tr("Day"), lambda r: day_shown(r.day), 96, "time", drop=2),
        Column("due", tr("Due"), lambda r: day_shown(r.due), 96, "time"),
        Column(
            "gross", tr("Total"), lambda r: "" if r.document.gross is None else amount(r, r.gross), 112,
            "number", drop=1, sort=lambda r: r.gross,
        ),
        Column("open", tr("Unpaid"), lambda r: amount(r, r.open), 112, "number", sort=lambda r: r.open),
        Column(
            "state", tr("State"), lambda r: state_name(r.state), 110, "state", field="state",
            widest="\n".join(state_name(state) for state in STATES),
        ),
    ]  # fmt: skip


def ages() -> list[str]:
    """Return the titles of the five ages."""
    return [
        tr("Not due"), tr("1 to 30 days late"), tr("31 to 60 days late"), tr("61 to 90 days late"),
        tr("Over 90 days late"),
    ]  # fmt: skip


def aged_sums(found: Sequence[Aged], home: str) -> tuple[list[Decimal], list[str]]:
    """Return the sums by age in the home currency, and which other currencies there are."""
    ours = [one for one in found if one.commodity == home]
    names = ("current", "days_30", "days_60", "days_90", "older")
    sums = [sum((getattr(one, name) for one in ours), Decimal(0)) for name in names]
    return sums, sorted({one.commodity for one in found} - {home})

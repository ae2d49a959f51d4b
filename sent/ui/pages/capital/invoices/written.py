"""What is written in the editor of documents, and how figures stand in it and beside the list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from PySide6.QtWidgets import QHBoxLayout

from sent.platform.i18n import formats
from sent.ui.kit.widgets import Elided, Tone, label, row
from sent.ui.pages.capital.invoices.grid import TypedLine

if TYPE_CHECKING:
    from sent.engines.capital.api import Account
    from sent.engines.capital.billing.api import Document, Party, TaxCode


@dataclass(frozen=True, slots=True)
class Books:
    """What a document is written with."""

    parties: Sequence[Party]
    taxes: Sequence[TaxCode]
    accounts: Sequence[Account]
    home: str


@dataclass(frozen=True, slots=True)
class Written:
    """What was written and understood; `base` is the draft that it changes."""

    id: UUID
    kind: str
    party: UUID
    day: date
    due: date | None
    commodity: str | None
    rate: Decimal | None
    reference: str
    note: str
    lines: Sequence[TypedLine]
    base: Document | None


def sum_line(name: str, text: str, *, strong: bool = False) -> QHBoxLayout:
    """Return a line of totals: what it is at the left, the figure at the right."""
    tone: Tone = "1" if strong else "2"
    weight = "bold" if strong else ""
    figure = label(text, tone=tone, weight=weight)
    figure.setProperty("figures", True)
    made = row(Elided(name, tone=tone, weight=weight), figure, gap=12)
    made.setStretch(0, 1)
    return made


def plain(amount: Decimal | None, *, dash: bool = False) -> str:
    """Return a figure as one types it again; nothing for nothing when asked."""
    if amount is None or (dash and not amount):
        return ""
    text = f"{amount.normalize():f}"
    return text.replace(".", formats().point)

"""One document beside the list: lines and tax, what settles it, where it stands in the books, its story."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from PySide6.QtCore import Qt

from sent.platform.i18n import tr
from sent.ui.kit.detail import DetailPanel
from sent.ui.kit.flow import Flow
from sent.ui.kit.text import absolute, tip
from sent.ui.kit.widgets import Dot, Elided, button, clear, column, label, line, row
from sent.ui.pages.capital.invoices.lists import Row, kind_name, state_name
from sent.ui.pages.capital.invoices.written import plain, sum_line
from sent.ui.pages.capital.money import day_shown, shown

if TYPE_CHECKING:
    from sent.engines.capital.billing.api import Allocated, Computed, DunningLetter
    from sent.engines.capital.reports.api import EntryLine

TONES = {"unpaid": "info", "overdue": "bad", "part-paid": "warn", "paid": "ok"}
LINES = 60


@dataclass(frozen=True, slots=True)
class Whole:
    """A document with all that belongs to it."""

    made: Computed
    settled: Sequence[Allocated]
    entry: Sequence[EntryLine]
    letters: Sequence[DunningLetter]


class DocumentPanel(DetailPanel):
    """`deeds` are what the buttons do, by name."""

    def __init__(self, deeds: dict[str, Callable[[], object]]) -> None:
        self.edit = button(tr("Edit"), deeds["edit"], kind="primary", icon_name="square-pen")
        self.issue = button(tr("Issue"), deeds["issue"], icon_name="check")
        self.pay = button(tr("Payment"), deeds["pay"], kind="primary", name=tr("Record a payment"))
        self.print = button(tr("PDF"), deeds["print"], name=tr("Save as PDF"))
        self.credit = button(tr("Credit note"), deeds["credit"])
        self.void = button(tr("Void"), deeds["void"], kind="quiet", name=tr("Void the document"))
        self.drop = button(tr("Delete"), deeds["delete"], kind="quiet", name=tr("Delete draft"))
        for made, keys in (
            (self.edit, "E"), (self.issue, "I"), (self.pay, "P"), (self.print, "Ctrl+P"), (self.credit, "C"),
            (self.void, "V"), (self.drop, "Del"),
        ):  # fmt: skip
            made.setToolTip(tip(f"{made.accessibleName()} ({keys})"))
        tools = Flow(
            self.edit, self.issue, self.pay, self.print, self.credit, self.void, self.drop, gap=6
        )  # fmt: skip
        super().__init__(tr("Document"), below_head=tools)
        self.row: Row | None = None
        self.whole: Whole | None = None
        self._take_off: Callable[[UUID], object] = lambda _group: None
        self._open_entry: Callable[[UUID], object] = lambda _entry: None

    def on_links(self, take_off: Callable[[UUID], object], open_entry: Callable[[UUID], object]) -> None:
        """Say what taking an allocation off and opening an entry do."""
        self._take_off, self._open_entry = take_off, open_entry

    def show_row(self, shown_row: Row, *, may_post: bool) -> None:
        """Show what the list knows at once."""
        changed = self.row is None or self.row.id != shown_row.id
        self.row = shown_row
        about = shown_row.document
        clear(self.head)
        self.head.addLayout(
            row(
                Dot(TONES.get(shown_row.state, "text3")), label(state_name(shown_row.state), tone="2"), None,
                *self.tools(shown_row.number, tr("Copy number")), gap=6,
            )
        )  # fmt: skip
        title = label(f"{kind_name(about.kind)} {about.number or ''}".strip(), type="l", wrap=True)
        title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.head.addWidget(title)
        self.head.addWidget(label(shown_row.party, tone="2", wrap=True))
        if about.state != "draft":
            open_text = f"{shown(shown_row.open, about.commodity)} {about.commodity}"
            due = sum_line(tr("Open, due {day}", day=day_shown(about.due)), open_text, strong=True)
            due.setContentsMargins(0, 0, 8, 0)
            self.head.addLayout(due)
        self._offer(shown_row, may_post)
        if changed:
            self.whole = None
            clear(self.body)
            self.body.addWidget(label(tr("Loading"), tone="3"))
            self.scroll_up()

    def _offer(self, shown_row: Row, may_post: bool) -> None:
        about = shown_row.document
        draft, issued = about.state == "draft", about.state == "issued"
        for made, shows in (
            (self.edit, draft and may_post), (self.issue, draft and may_post),
            (self.drop, draft and may_post),
            (self.pay, issued and bool(about.open) and may_post),
            (self.print, about.kind in ("invoice", "sales_credit")),
            (self.credit, issued and about.kind in ("invoice", "bill") and may_post),
            (self.void, issued and may_post),
        ):  # fmt: skip
            made.setVisible(shows)

    def show_whole(self, whole: Whole) -> None:
        """Show everything."""
        if self.row is None or whole.made.document.id != self.row.id:
            return
        self.whole = whole
        clear(self.body)
        self._lines(whole.made)
        self._settled(whole)
        self._entry(whole)
        self._story(whole)

    def _lines(self, made: Computed) -> None:
        commodity = made.document.commodity
        self.section(tr("Lines"))
        for one, net in list(zip(made.lines, made.totals.nets, strict=True))[:LINES]:
            figure = label(shown(net, commodity))
            figure.setProperty("figures", True)
            text = label(one.description, wrap=True)
            top = row(text, figure, gap=12)
            top.setStretch(0, 1)
            top.setAlignment(figure, Qt.AlignmentFlag.AlignTop)
            parts = [f"{plain(one.quantity)} {one.unit}".strip() + f" × {shown_price(one.unit_price)}"]
            if one.discount:
                parts.append(f"−{plain(one.discount)} %")
            parts += [one.tax] if one.tax else []
            self.body.addLayout(column(top, Elided("  ·  ".join(parts), tone="3", type="s"), gap=1))
        if len(made.lines) > LINES:
            self.body.addWidget(label(tr("and {n} more lines", n=len(made.lines) - LINES), tone="3"))
        self.body.addWidget(line())
        sums = [(tr("Net"), made.totals.net)]
        sums += [(one.code.name, one.tax + one.owed) for one in made.totals.codes]
        for name, amount in sums:
            self.body.addLayout(sum_line(name, f"{shown(amount, commodity)} {commodity}"))
        whole = f"{shown(made.totals.gross, commodity)} {commodity}"
        self.body.addLayout(sum_line(tr("Total"), whole, strong=True))
        if made.document.note:
            self.body.addWidget(label(made.document.note, tone="2", wrap=True))

    def _settled(self, whole: Whole) -> None:
        about = whole.made.document
        if about.state == "draft":
            return
        self.section(tr("Payments"))
        if not whole.settled:
            self.body.addWidget(label(tr("Nothing has been paid yet"), tone="3"))
        for one in whole.settled:
            text = f"{day_shown(one.day)}  {allocation_name(one.kind)}"
            off = button(tr("Take off"), lambda g=one.group: self._take_off(g), kind="link")  # type: ignore[misc]
            off.setAccessibleName(tr("Take off {what}", what=text))
            figure = label(shown(one.amount, about.commodity))
            figure.setProperty("figures", True)
            made = row(Elided(text, tone="2"), figure, off, gap=10)
            made.setStretch(0, 1)
            self.body.addLayout(made)

    def _entry(self, whole: Whole) -> None:
        about = whole.made.document
        if about.entry is None:
            return
        self.section(tr("In the books"))
        for one in whole.entry[:LINES]:
            side = tr("Debit") if one.amount > 0 else tr("Credit")
            figure = f"{shown(abs(one.amount), one.commodity)} {side}"
            self.body.addLayout(sum_line(f"{one.code} {one.name}", figure))
        entry = about.entry
        self.body.addLayout(
            row(button(tr("Open the entry"), lambda: self._open_entry(entry), kind="link"), None)
        )

    def _story(self, whole: Whole) -> None:
        about = whole.made.document
        found: list[tuple[date, str]] = []
        if about.issued_at is not None:
            day = about.issued_at.astimezone().date()
            found.append((day, tr("Issued {time}", time=absolute(about.issued_at))))
        for letter in whole.letters:
            if any(item.document == about.id for item in letter.items):
                found.append((letter.day, tr("Reminder {n}: {title}", n=letter.level, title=letter.title)))
        found += [
            (one.day, f"{allocation_name(one.kind)}: {shown(one.amount, about.commodity)} {about.commodity}")
            for one in whole.settled
        ]
        if about.voided_on is not None:
            found.append((about.voided_on, tr("Taken back")))
        if not found:
            return
        self.section(tr("History"))
        for when, text in sorted(found, key=lambda one: one[0], reverse=True):
            self.body.addWidget(label(f"{day_shown(when)}  {text}", tone="2", wrap=True))


def allocation_name(kind: str) -> str:
    """Return what settles a document in the user's language."""
    names = {
        "payment": tr("Payment"), "credit": tr("Credit note"), "discount": tr("Cash discount"),
        "write_off": tr("Small difference"),
    }  # fmt: skip
    return names.get(kind, kind)


def shown_price(price: Decimal) -> str:
    """Return a price with the digits it has, two at least."""
    return shown(price) if price == round(price, 2) else plain(price)

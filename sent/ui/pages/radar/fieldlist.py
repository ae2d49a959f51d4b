"""The fields of what was found: in how many events each is, and on a click its most frequent values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from sent.platform.i18n import formats, tr, trn
from sent.ui.kit.highlight import More
from sent.ui.kit.text import count, tip
from sent.ui.kit.widgets import button, clear, column, label, row, scrolled, tool
from sent.ui.theme import theme

if TYPE_CHECKING:
    from sent.engines.radar.api import FieldUse, FieldValues

WIDTH = 250
SHOWN = 60
LETTERS = 26
OPEN = (10, 2, 2, 6)
"""Margins of the values; a closed field takes a line and no more."""


class FieldList(QWidget):
    """Fields by frequency; one at a time is open."""

    opened = Signal(str)
    """A field whose values are wanted."""
    pivoted = Signal(str, str, bool)
    """Field, value, exclude?"""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Fields"))
        self.more: Callable[[str, str], Sequence[More]] = lambda _field, _value: ()
        """What the menu of a value offers."""
        self.open_field = ""
        self._rows: dict[str, _FieldRow] = {}
        self._body: QVBoxLayout = column(gap=1)
        inner = QWidget()
        inner.setObjectName("surface")
        inner.setLayout(column(self._body, None, margins=(6, 2, 6, 8)))
        self.note = label("", tone="3", type="s", wrap=True)
        self.note.setContentsMargins(12, 0, 8, 0)
        head = label(tr("Fields"), weight="medium")
        head.setContentsMargins(12, 10, 8, 0)
        self.setLayout(column(head, self.note, scrolled(inner, tr("Fields")), gap=2))
        self.setFixedWidth(WIDTH)

    def show_fields(self, uses: Sequence[FieldUse]) -> None:
        """Show fields, the most frequent first; the open one stays open."""
        clear(self._body)
        self._rows = {}
        looked = uses[0].looked if uses else 0
        share = uses[0].share if uses else 1
        sampled = share > 1 or looked >= 4000
        self.note.setText(
            tr("From a sample of {n} events", n=count(looked))
            if sampled
            else trn("In {n} event", "In {n} events", n=looked)
        )
        self.note.setVisible(bool(uses))
        if not uses:
            none = label(tr("No fields"), tone="3")
            none.setContentsMargins(6, 0, 0, 0)
            self._body.addWidget(none)
        for use in uses[:SHOWN]:
            made = _FieldRow(use, self._toggle, self.pivoted.emit, self.more)
            self._rows[use.field] = made
            self._body.addWidget(made)
        if self.open_field in self._rows:
            self._rows[self.open_field].wait()
            self.opened.emit(self.open_field)

    def show_values(self, found: FieldValues) -> None:
        """Show the values of the open field."""
        made = self._rows.get(found.field)
        if made is not None and found.field == self.open_field:
            made.show_values(found)

    def names(self) -> list[str]:
        """Return the fields that are shown."""
        return list(self._rows)

    def value_buttons(self) -> list[QPushButton]:
        """Return the buttons of the open field's values."""
        made = self._rows.get(self.open_field)
        return made.buttons if made is not None else []

    def toggle(self, field: str) -> None:
        """Open a field, or close it."""
        self._toggle(field)

    def _toggle(self, field: str) -> None:
        before = self._rows.get(self.open_field)
        if before is not None:
            before.fold()
        self.open_field = "" if field == self.open_field else field
        if self.open_field in self._rows:
            self._rows[self.open_field].wait()
            self.opened.emit(self.open_field)


class _FieldRow(QWidget):
    """A field's line, and below it its values while it is open."""

    def __init__(
        self,
        use: FieldUse,
        toggle: Callable[[str], None],
        pivot: Callable[[str, str, bool], object],
        more: Callable[[str, str], Sequence[More]],
    ) -> None:
        super().__init__()
        self._use, self._pivot, self._more = use, pivot, more
        self.buttons: list[QPushButton] = []
        share = formats().figure(100 * use.amount / max(1, use.looked))
        name = use.field if len(use.field) <= LETTERS else use.field[: LETTERS - 1] + "…"
        self._head = button(
            name, lambda: toggle(use.field), kind="quiet", name=tr("Values of {field}", field=use.field)
        )
        self._head.setToolTip(
            tip(
                tr(
                    "{field}: in {share} % of the events, {n} values",
                    field=use.field,
                    share=share,
                    n=count(use.distinct_values),
                )
            )
        )
        part = label(f"{share} %", tone="3", type="s")
        line = row(self._head, None, part, gap=4)
        self._values: QVBoxLayout = column(gap=2)
        self.setLayout(column(line, self._values, gap=0))

    def wait(self) -> None:
        """Say that the values are on their way."""
        clear(self._values)
        self._values.setContentsMargins(*OPEN)
        self._values.addWidget(label(tr("Loading"), tone="3", type="s"))

    def fold(self) -> None:
        """Take the values away."""
        self.buttons = []
        clear(self._values)
        self._values.setContentsMargins(0, 0, 0, 0)

    def show_values(self, found: FieldValues) -> None:
        """Show values with their share of the events."""
        self.fold()
        self._values.setContentsMargins(*OPEN)
        known = [value for value in found.values if value.value is not None]
        total = max(1, found.looked * found.share)
        for value in known:
            text = str(value.value)
            shown = text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"
            add = button(
                shown or tr("(empty)"), partial(self._pivot, self._use.field, text, False), kind="link"
            )
            add.setAccessibleName(tr("Search for {field} {value}", field=self._use.field, value=text))
            add.setToolTip(tip(text))
            add.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
            for title, run in self._more(self._use.field, text):
                add.addAction(title.replace("&", "&&")).triggered.connect(lambda _=False, r=run: r())
            exclude = partial(self._pivot, self._use.field, text, True)
            out = tool("search-x", tr("Exclude {value}", value=text), exclude, size=14)
            about = "≈ " if found.share > 1 else ""
            line = row(add, None, label(f"{about}{count(value.amount)}", tone="3", type="s"), out, gap=4)
            self._values.addLayout(line)
            self._values.addWidget(_Share(value.amount / total))
            self.buttons.append(add)
        if not known:
            self._values.addWidget(label(tr("No values"), tone="3", type="s"))


class _Share(QWidget):
    """A thin bar: how much of the whole."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self._share = min(1.0, max(0.0, share))
        self.setFixedHeight(3)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        t = theme.tokens()
        box = QRectF(self.rect())
        painter.setBrush(QColor(t.hover))
        painter.drawRoundedRect(box, 1.5, 1.5)
        box.setWidth(max(2.0, box.width() * self._share))
        painter.setBrush(QColor(t.accent))
        painter.drawRoundedRect(box, 1.5, 1.5)

"""The panel beside a list that shows one record: a head that stays, a body that scrolls, pairs of values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLayout, QScrollArea, QVBoxLayout, QWidget

from sent.platform.i18n import tr
from sent.ui.kit.highlight import More, Value
from sent.ui.kit.widgets import column, label, line, row, tool


class DetailPanel(QFrame):
    """`head` and `body` are filled by what the panel is for."""

    closed = Signal()
    filter_wanted = Signal(str, str, bool)
    """Field, value, filter out? Of a value that was clicked."""

    def __init__(self, name: str, *, below_head: QLayout | None = None) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.setAccessibleName(name)
        self.more: Callable[[str, str], Sequence[More]] = lambda _field, _text: ()
        """What the menu of a value (field, text) offers besides filtering."""
        self.head: QVBoxLayout = column(gap=6)
        self.body: QVBoxLayout = column(gap=4)
        inner = QWidget()
        inner.setObjectName("surface")
        inner.setLayout(column(self.body, None, margins=(18, 6, 18, 18)))
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setWidget(inner)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        top = QWidget()
        parts = [self.head] if below_head is None else [self.head, below_head]
        top.setLayout(column(*parts, gap=12, margins=(18, 12, 10, 12)))
        self.setLayout(column(top, line(), self._area, gap=0, margins=(1, 1, 1, 1)))

    def tools(self, copied: str, name: str) -> list[QWidget]:
        """Return the buttons at the head's right: copy `copied` (what it is: `name`), close."""
        copy = tool("copy", name, lambda: QGuiApplication.clipboard().setText(copied), size=14)
        return [copy, tool("x", tr("Close detail (Esc)"), self.closed.emit)]

    def scroll_up(self) -> None:
        """Show the body's beginning: another record stands there."""
        self._area.verticalScrollBar().setValue(0)

    def section(self, title: str) -> None:
        """Begin a part of the body."""
        heading = label(title, weight="bold")
        heading.setContentsMargins(0, 14, 0, 2)
        self.body.addWidget(heading)

    def pair(
        self, name: str, text: str, marks: Sequence[tuple[int, int]] = (), *, field: str | None = None
    ) -> None:
        """Add a value below its name; a click filters for it, in `field` when that differs from `name`."""
        caption = label(name, tone="3", type="s")
        caption.setContentsMargins(0, 4, 0, 0)
        self.body.addWidget(caption)
        self.body.addWidget(self.value(text, marks, name=name, field=name if field is None else field))

    def value(self, text: str, marks: Sequence[tuple[int, int]] = (), *, name: str, field: str) -> Value:
        """Return a value that filters the list when it is clicked."""
        made = Value(text, marks, name=name, more=self.more(field, text))
        made.clicked.connect(lambda out: self.filter_wanted.emit(field, text, out))
        return made

    def marked(self, sign: str, tone: str, text: str, *, name: str) -> QHBoxLayout:
        """Return a value with a sign before it: what went, what came."""
        mark = label(sign, tone="bad" if tone == "bad" else "ok", weight="bold")
        mark.setFixedWidth(12)
        mark.setAccessibleName(name)
        made = row(mark, self.value(text, name=name, field=""), gap=6)
        made.setStretch(1, 1)
        made.setAlignment(mark, Qt.AlignmentFlag.AlignTop)
        return made

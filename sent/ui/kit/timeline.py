"""What happened to a record, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from sent.platform.i18n import tr
from sent.ui.kit.text import absolute, relative
from sent.ui.kit.widgets import clear, column, label, row
from sent.ui.theme import theme


class Timeline(QWidget):
    """Entries (at, who, what) on a vertical line."""

    def __init__(self) -> None:
        super().__init__()
        self._box = column(gap=0)
        self.setLayout(self._box)

    def show_entries(self, entries: Sequence[tuple[datetime, str, str]]) -> None:
        """Show the entries; an empty list says so."""
        clear(self._box)
        if not entries:
            self._box.addWidget(label(tr("Nothing happened to it yet"), tone="3"))
        for number, (at, who, what) in enumerate(entries):
            body = column(label(what, wrap=True), gap=1, margins=(0, 0, 0, 12))
            stamp = label(f"{who} · {relative(at)}" if who else relative(at), tone="3", type="s")
            stamp.setToolTip(absolute(at))
            body.addWidget(stamp)
            self._box.addLayout(row(_Knot(last=number == len(entries) - 1), body, gap=10))


class _Knot(QWidget):
    def __init__(self, *, last: bool) -> None:
        super().__init__()
        self._last = last
        self.setFixedWidth(11)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(theme.hairline("line_strong"))
        if not self._last:
            painter.drawLine(QPointF(5.5, 14), QPointF(5.5, self.height()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("accent"))
        painter.drawEllipse(QRectF(2, 5, 7, 7))

"""Open alerts by level as one proportional bar with its figures; each level leads to its alerts."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from sent.platform.i18n import formats, tr
from sent.ui.kit.cells import level_name
from sent.ui.kit.widgets import column, mirrored, row, small
from sent.ui.theme import fonts, theme
from sent.ui.theme.tokens import LEVELS

LABEL_GAP = 6


class LevelBar(QWidget):
    """The bar above, a button per level below."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._bar = _Bar()
        self._buttons = {level: LevelButton(level) for level in LEVELS}
        for level, made in self._buttons.items():
            made.clicked.connect(lambda _=False, name=level: self.chosen.emit(name))
        self.setLayout(column(self._bar, row(*self._buttons.values(), gap=LABEL_GAP), gap=8))

    def show_counts(self, counts: Mapping[str, int]) -> None:
        """Show how many alerts of each level are open."""
        self._bar.counts = dict(counts)
        self._bar.update()
        for level, made in self._buttons.items():
            made.set_count(counts.get(level, 0))


class _Bar(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}
        self.setFixedHeight(8)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        total = sum(self.counts.values())
        if not total:
            painter.setBrush(theme.colour("raised"))
            painter.drawRoundedRect(QRectF(self.rect()), 4, 4)
            return
        left, shown = 0.0, [level for level in LEVELS if self.counts.get(level)]
        room = self.width() - 3 * (len(shown) - 1)
        for level in shown:
            width = max(6.0, room * self.counts[level] / total)
            painter.setBrush(theme.colour(level))
            painter.drawRoundedRect(self._turned(left, width), 3, 3)
            left += width + 3

    def _turned(self, left: float, width: float) -> QRectF:
        return mirrored(QRectF(left, 0, min(width, self.width() - left), 8), self.width())


class LevelButton(QAbstractButton):
    """One level: its figure and its name; a click shows its alerts."""

    def __init__(self, level: str) -> None:
        super().__init__()
        self._level = level
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(level_name(level))
        self._count: int | None = None

    def set_count(self, count: int) -> None:
        self._count = count
        self.setAccessibleName(tr("{level}: {n} open", level=level_name(self._level), n=count))
        self.update()

    def sizeHint(self) -> QSize:
        metrics, scale = QFontMetrics(small(self)), theme.state().scale
        return QSize(metrics.horizontalAdvance(level_name(self._level)) + 6, round(42 * scale))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse() or self.hasFocus():
            painter.setPen(theme.ring() if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("hover"))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        figure = fonts.tabular(self.font())
        figure.setPixelSize(round(16 * theme.state().scale))
        figure.setWeight(figure.Weight.DemiBold)
        painter.setFont(figure)
        painter.setPen(theme.colour("text" if self._count else "text3"))
        text = "–" if self._count is None else formats().figure(self._count)
        painter.drawText(
            mirrored(QRectF(3, 2, self.width() - 3, round(22 * theme.state().scale)), self.width()),
            int(Qt.AlignmentFlag.AlignVCenter),
            text,
        )
        painter.setFont(small(self))
        painter.setPen(theme.colour(self._level))
        line = round(16 * theme.state().scale)
        painter.drawText(
            mirrored(QRectF(3, self.height() - 3 - line, self.width() - 3, line), self.width()),
            int(Qt.AlignmentFlag.AlignVCenter),
            level_name(self._level),
        )

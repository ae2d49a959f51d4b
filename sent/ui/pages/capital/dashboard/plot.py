"""What the charts of the dashboard share: marks to move over with mouse or arrows; Enter leads on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, floor

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from sent.platform.i18n import formats, tr
from sent.ui.kit.decimate import ticks
from sent.ui.kit.widgets import small
from sent.ui.theme import fonts, theme

LEFT, RIGHT, TOP, BOTTOM = 52, 10, 10, 24
CENTRE = int(Qt.AlignmentFlag.AlignCenter)
MIDDLE = int(Qt.AlignmentFlag.AlignVCenter)
RIGHTWARD = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing in a chart: what it is called, what its figures are, each with the tint it is drawn in."""

    title: str
    lines: Sequence[tuple[str, str]]


def fill(tint: str) -> QColor:
    """Return a tint for an area: softer on light grounds, where tints are as dark as texts have to be."""
    made = QColor(theme.colour(tint))
    if not theme.tokens().is_dark and not theme.tokens().high_contrast:
        made.setAlphaF(0.72)
    return made


def short(value: float) -> str:
    """Return 12000 as 12k and -2500000 as -2.5M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.4g}".replace(".", formats().point) + unit
    return f"{value:.4g}".replace(".", formats().point)


def scale(values: Sequence[Decimal], wanted: int) -> list[float]:
    """Return round values that reach from the lowest (or nothing) to the highest (or nothing)."""
    high = max(0.0, *(float(one) for one in values)) if values else 0.0
    low = min(0.0, *(float(one) for one in values)) if values else 0.0
    steps = ticks(high - low, max(2, wanted))
    step = steps[1] - steps[0]
    return [step * n for n in range(floor(low / step + 1e-9), max(1, ceil(high / step - 1e-9)) + 1)]


class Plot(QWidget):
    """Base of the charts; `opened` carries the number of the mark that was chosen."""

    opened = Signal(int)

    def __init__(self, name: str, *, high: int = 150) -> None:
        super().__init__()
        self.marks: Sequence[Mark] = ()
        self.current = -1
        self.loading, self.stale = True, False
        self._hovered = -1
        self._high = high
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.state().changed.connect(self.update)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, round(self._high * max(1.0, theme.state().scale)))

    def sizeHint(self) -> QSize:
        return QSize(320, self.minimumSizeHint().height())

    def show_marks(self, marks: Sequence[Mark]) -> None:
        """Show; a mark that was current stays so while it is there."""
        self.marks, self.loading = marks, False
        if self.current >= len(marks):
            self.current = -1
        self._describe()
        self.update()

    def set_stale(self, stale: bool) -> None:
        """Draw pale: what is shown is old."""
        self.stale = stale
        self.update()

    def pointed(self) -> int:
        """Return the mark under the mouse, or the current one while the keyboard is here; else -1."""
        return self._hovered if self._hovered >= 0 else self.current if self.hasFocus() else -1

    def place(self, number: int) -> QRectF:
        """Return where a mark is: what a click on it hits."""
        raise NotImplementedError

    def paint_marks(self, painter: QPainter) -> None:
        """Paint the chart."""
        raise NotImplementedError

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(fonts.tabular(small(self)))
        if self.stale:
            painter.setOpacity(0.5)
        if self.loading:
            self._paint_skeleton(painter)
        elif not self.marks:
            painter.setPen(theme.colour("text3"))
            painter.drawText(self.rect(), CENTRE, tr("Nothing to show yet"))
        else:
            self.paint_marks(painter)
        painter.setOpacity(1)
        if self.hasFocus():
            painter.setPen(theme.ring())
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 5, 5)

    def _paint_skeleton(self, painter: QPainter) -> None:
        painter.setPen(theme.hairline("line"))
        for n in range(4):
            y = round(TOP + (self.height() - TOP - BOTTOM) * n / 3) + 0.5
            painter.drawLine(QPointF(LEFT, y), QPointF(self.width() - RIGHT, y))

    def _describe(self) -> None:
        number = self.pointed()
        if 0 <= number < len(self.marks):
            mark = self.marks[number]
            text = f"{mark.title}: {'; '.join(line for line, _ in mark.lines)}"
        else:
            text = ""
        self.setAccessibleDescription(text)

    def move_to(self, number: int) -> None:
        """Make a mark the current one."""
        if self.marks:
            self.current = max(0, min(number, len(self.marks) - 1))
            self._describe()
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, last = Qt.Key(event.key()), len(self.marks) - 1
        steps = {
            Qt.Key.Key_Right: self.current + 1, Qt.Key.Key_Down: self.current + 1,
            Qt.Key.Key_Left: self.current - 1, Qt.Key.Key_Up: self.current - 1,
            Qt.Key.Key_Home: 0, Qt.Key.Key_End: last,
        }  # fmt: skip
        if key in steps:
            self.move_to(steps[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self.marks:
            self.opened.emit(max(self.current, 0))
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self.current < 0 and event.reason() != Qt.FocusReason.MouseFocusReason:
            self.move_to(len(self.marks) - 1)

    def _under(self, event: QMouseEvent) -> int:
        at = event.position()
        return next((n for n in range(len(self.marks)) if self.place(n).contains(at)), -1)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        found = self._under(event)
        if found != self._hovered:
            self._hovered = found
            self._describe()
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = -1
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        found = self._under(event)
        if event.button() == Qt.MouseButton.LeftButton and found >= 0:
            self.current = found
            self.opened.emit(found)

    def paint_readout(self, painter: QPainter, number: int, around: QRectF) -> None:
        """Paint what the figures of a mark are, beside it."""
        mark = self.marks[number]
        metrics = QFontMetrics(painter.font())
        high = metrics.height() + 2
        lines = [(mark.title, ""), *mark.lines]
        wide = max(metrics.horizontalAdvance(text) for text, _ in lines) + 34
        left = around.right() + 8
        if left + wide > self.width() - 2:
            left = max(2.0, around.left() - wide - 8)
        box = QRectF(left, TOP, wide, high * len(lines) + 12)
        painter.setPen(QPen(theme.colour("line_strong"), 1))
        painter.setBrush(theme.colour("raised"))
        painter.drawRoundedRect(box, 6, 6)
        for n, (text, tint) in enumerate(lines):
            line = QRectF(box.left() + 10, box.top() + 6 + high * n, wide - 16, high)
            if tint:
                painter.fillRect(QRectF(line.left(), line.center().y() - 3, 6, 6), theme.colour(tint))
            painter.setPen(theme.colour("text3" if not n else "text"))
            painter.drawText(line.adjusted(12 if tint else 0, 0, 0, 0), MIDDLE, text)


class MonthPlot(Plot):
    """Marks are months from left to right over a scale of amounts."""

    steps: Sequence[float] = (0.0, 1.0)
    names: Sequence[str] = ()

    def frame(self) -> QRectF:
        """Return where amounts are drawn."""
        bottom = BOTTOM + 4 * (theme.state().scale > 1)
        return QRectF(LEFT, TOP, max(1, self.width() - LEFT - RIGHT), max(1, self.height() - TOP - bottom))

    def place(self, number: int) -> QRectF:
        frame = self.frame()
        wide = frame.width() / max(1, len(self.marks))
        return QRectF(frame.left() + wide * number, frame.top(), wide, frame.height() + BOTTOM)

    def height_of(self, value: float) -> float:
        """Return where an amount is."""
        frame, low, high = self.frame(), self.steps[0], self.steps[-1]
        return frame.bottom() - (value - low) / (high - low) * frame.height()

    def paint_axes(self, painter: QPainter) -> None:
        """Paint the scale, the months' names and the month that stands out."""
        frame = self.frame()
        if (pointed := self.pointed()) >= 0:
            painter.fillRect(self.place(pointed).adjusted(0, 0, 0, -BOTTOM), theme.colour("hover"))
        for value in self.steps:
            y = round(self.height_of(value)) + 0.5
            painter.setPen(theme.hairline("line_strong" if value == 0 else "line"))
            painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))
            painter.setPen(theme.colour("text3"))
            painter.drawText(QRectF(0, y - 10, LEFT - 8, 20), RIGHTWARD, short(value))
        metrics = QFontMetrics(painter.font())
        room = self.place(0).width()
        every = max(1, ceil((max(map(metrics.horizontalAdvance, self.names), default=0) + 6) / room))
        for number, name in enumerate(self.names):
            if (len(self.names) - 1 - number) % every == 0:
                band = self.place(number)
                box = QRectF(band.center().x() - 40, self.height() - BOTTOM + 2, 80, BOTTOM - 2)
                painter.setPen(theme.colour("text" if number == pointed else "text3"))
                painter.drawText(box, CENTRE, name)

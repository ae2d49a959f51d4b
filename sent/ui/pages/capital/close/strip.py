"""The months of a business year beside each other, each with its state; arrows choose, Enter goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from sent.platform.i18n import formats, tr
from sent.ui.kit.text import tip
from sent.ui.kit.widgets import mirrored, small
from sent.ui.theme import theme
from sent.ui.theme.icons import pixmap

if TYPE_CHECKING:
    from sent.engines.capital.api import Period

GAP = 6
CENTRE = int(Qt.AlignmentFlag.AlignCenter)
SIGNS = {"open": ("pause", "text3"), "soft": ("lock", "warn"), "hard": ("lock", "ok")}


def state_name(state: str) -> str:
    """Return how far a month is closed."""
    return {"open": tr("Not closed"), "soft": tr("Softly closed"), "hard": tr("Closed")}.get(state, state)


class MonthStrip(QWidget):
    """See the module; `chosen` carries the number of the month."""

    chosen = Signal(int)
    entered = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.periods: Sequence[Period] = ()
        self.current = -1
        self._hovered = -1
        self.stale = False
        self.setAccessibleName(tr("Months of the year"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.state().changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        return QSize(640, round(62 * max(1.0, theme.state().scale)))

    def minimumSizeHint(self) -> QSize:
        return QSize(320, self.sizeHint().height())

    def show_periods(self, periods: Sequence[Period], current: int) -> None:
        """Show months in the order of time."""
        self.periods, self.current = periods, current
        self._describe()
        self.update()

    def set_stale(self, stale: bool) -> None:
        """Draw pale: what is shown is old."""
        self.stale = stale
        self.update()

    def _describe(self) -> None:
        if 0 <= self.current < len(self.periods):
            one = self.periods[self.current]
            name = f"{formats().months[one.starts.month - 1]} {one.starts.year}"
            self.setAccessibleDescription(f"{name}: {state_name(one.state)}")

    def place(self, number: int) -> QRectF:
        """Return where a month is."""
        count = max(1, len(self.periods))
        wide = (self.width() - GAP * (count - 1)) / count
        return mirrored(QRectF((wide + GAP) * number, 1, wide, self.height() - 2), self.width())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(0.5 if self.stale else 1)
        for number, one in enumerate(self.periods):
            box, current = self.place(number).adjusted(1, 1, -1, -1), number == self.current
            ground = "selected" if current else "hover" if number == self._hovered else "card"
            painter.setBrush(theme.colour(ground))
            painter.setPen(QPen(theme.colour("accent" if current else "line"), 1))
            painter.drawRoundedRect(box, 7, 7)
            if current and self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(theme.ring())
                painter.drawRoundedRect(box.adjusted(2, 2, -2, -2), 5, 5)
            painter.setFont(self.font())
            high = QFontMetrics(self.font()).height()
            painter.setPen(theme.colour("text" if current else "text2"))
            top = box.center().y() - high - 1
            painter.drawText(
                QRectF(box.left(), top, box.width(), high), CENTRE, formats().months[one.starts.month - 1]
            )
            self._paint_state(painter, QRectF(box.left(), top + high + 3, box.width(), high), one.state)

    def _paint_state(self, painter: QPainter, box: QRectF, state: str) -> None:
        icon, tint = SIGNS[state]
        font = small(self)
        painter.setFont(font)
        metrics = QFontMetrics(font)
        name, mark = tr("Soft") if state == "soft" else state_name(state), 12 if state != "open" else 0
        room = box.width() - mark - 8
        text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(max(0, room)))
        wide = metrics.horizontalAdvance(text) + (mark + 4 if mark else 0)
        left = box.center().x() - wide / 2
        if mark:
            shade = str(getattr(theme.tokens(), tint))
            sign = pixmap(icon, shade, 11, self.devicePixelRatioF())
            painter.drawPixmap(int(left), int(box.center().y() - 6), sign)
            left += mark + 4
        painter.setPen(theme.colour("text3" if state == "open" else tint))
        painter.drawText(
            QRectF(left, box.top(), metrics.horizontalAdvance(text) + 4, box.height()), CENTRE, text
        )

    def choose(self, number: int) -> None:
        """Choose a month."""
        if self.periods:
            number = max(0, min(number, len(self.periods) - 1))
            if number != self.current:
                self.current = number
                self._describe()
                self.update()
                self.chosen.emit(number)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}.get(Qt.Key(event.key()))
        if step is not None:
            self.choose(self.current + (-step if self.isRightToLeft() else step))
        elif event.key() == Qt.Key.Key_Home:
            self.choose(0)
        elif event.key() == Qt.Key.Key_End:
            self.choose(len(self.periods) - 1)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Down):
            self.entered.emit()
        else:
            super().keyPressEvent(event)

    def _under(self, event: QMouseEvent) -> int:
        at = event.position()
        return next((n for n in range(len(self.periods)) if self.place(n).contains(at)), -1)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if (found := self._under(event)) != self._hovered:
            self._hovered = found
            one = self.periods[found] if found >= 0 else None
            self.setToolTip(tip(state_name(one.state)) if one is not None else "")
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = -1
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if (found := self._under(event)) >= 0:
            self.choose(found)
        super().mousePressEvent(event)

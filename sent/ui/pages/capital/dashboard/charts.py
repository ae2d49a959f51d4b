"""The charts of the dashboard: a line of cash, bars by month, one bar of ages, bars of the largest."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QLinearGradient, QPainter, QPainterPath, QPen

from sent.platform.i18n import tr
from sent.ui.kit.widgets import mirrored, small
from sent.ui.pages.capital.dashboard.plot import MIDDLE, RIGHTWARD, Mark, MonthPlot, Plot, fill, scale
from sent.ui.theme import theme

AGE_TINTS = ("ok", "low", "medium", "high", "critical")
INCOME, EXPENSES, RESULT, CASH = "ok", "high", "text", "info"


class CashChart(MonthPlot):
    """Cash at the end of each month."""

    _values: Sequence[Decimal] = ()

    def show_months(self, names: Sequence[str], marks: Sequence[Mark], values: Sequence[Decimal]) -> None:
        """Show the cash at the months' ends."""
        self.names, self._values = names, values
        self.show_marks(marks)

    def paint_marks(self, painter: QPainter) -> None:
        self.steps = scale(self._values, int(self.frame().height() // 40))
        self.paint_axes(painter)
        points = [
            QPointF(self.place(n).center().x(), self.height_of(float(one)))
            for n, one in enumerate(self._values)
        ]
        line = QPainterPath(points[0])
        for point in points[1:]:
            line.lineTo(point)
        area = QPainterPath(line)
        area.lineTo(points[-1].x(), self.height_of(0))
        area.lineTo(points[0].x(), self.height_of(0))
        area.closeSubpath()
        tint, clear = QColor(theme.colour(CASH)), QColor(theme.colour(CASH))
        tint.setAlphaF(0.26)
        clear.setAlphaF(0.02)
        shade = QLinearGradient(self.frame().topLeft(), self.frame().bottomLeft())
        shade.setColorAt(0, tint)
        shade.setColorAt(1, clear)
        painter.fillPath(area, shade)
        painter.setPen(QPen(theme.colour(CASH), 1.8))
        painter.drawPath(line)
        last = len(points) - 1
        for number in {last, self.pointed() if self.pointed() >= 0 else last}:
            painter.setPen(QPen(theme.colour("card"), 2))
            painter.setBrush(theme.colour(CASH))
            painter.drawEllipse(points[number], 4, 4)
        if (pointed := self.pointed()) >= 0:
            self.paint_readout(painter, pointed, self.place(pointed))


class ProfitChart(MonthPlot):
    """Income and expenses of each month as bars, the result as a line over them."""

    _income: Sequence[Decimal] = ()
    _expenses: Sequence[Decimal] = ()

    def show_months(
        self,
        names: Sequence[str],
        marks: Sequence[Mark],
        income: Sequence[Decimal],
        expenses: Sequence[Decimal],
    ) -> None:
        """Show income and expenses by month."""
        self.names, self._income, self._expenses = names, income, expenses
        self.show_marks(marks)

    def paint_marks(self, painter: QPainter) -> None:
        results = [income - cost for income, cost in zip(self._income, self._expenses, strict=True)]
        values = [*self._income, *self._expenses, *results]
        self.steps = scale(values, int(self.frame().height() // 40))
        self.paint_axes(painter)
        ground = self.height_of(0)
        painter.setPen(Qt.PenStyle.NoPen)
        for number in range(len(self.marks)):
            band = self.place(number)
            wide = min(18.0, band.width() * 0.34)
            for side, amounts, tint in ((-1, self._income, INCOME), (1, self._expenses, EXPENSES)):
                top = self.height_of(float(amounts[number]))
                left = band.center().x() + (-wide - 1 if side < 0 else 1)
                box = QRectF(left, min(top, ground), wide, abs(ground - top))
                if box.height() >= 0.5:
                    painter.setBrush(fill(tint))
                    painter.drawRoundedRect(box, min(2.0, wide / 2), min(2.0, box.height() / 2))
        self._paint_results(painter, results)
        if (pointed := self.pointed()) >= 0:
            self.paint_readout(painter, pointed, self.place(pointed))

    def _paint_results(self, painter: QPainter, results: Sequence[Decimal]) -> None:
        points = [
            QPointF(self.place(n).center().x(), self.height_of(float(one))) for n, one in enumerate(results)
        ]
        line = QPainterPath(points[0])
        for point in points[1:]:
            line.lineTo(point)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.colour("card"), 4))
        painter.drawPath(line)
        painter.setPen(QPen(theme.colour(RESULT), 1.6))
        painter.drawPath(line)
        painter.setBrush(theme.colour(RESULT))
        painter.setPen(QPen(theme.colour("card"), 1.5))
        for point in points:
            painter.drawEllipse(point, 3, 3)


class AgeBar(Plot):
    """Open items by days over due: one bar cut into five, and a line of words for each below."""

    def __init__(self, name: str) -> None:
        super().__init__(name, high=150)
        self._values: Sequence[Decimal] = ()

    def show_ages(self, marks: Sequence[Mark], values: Sequence[Decimal]) -> None:
        """Show amounts by age; each mark has one line, its amount."""
        self._values = values
        self.show_marks(marks)

    def place(self, number: int) -> QRectF:
        top = 34
        high = min(36.0, (self.height() - top - 4) / max(1, len(self.marks)))
        return QRectF(4, top + high * number, self.width() - 8, high)

    def paint_marks(self, painter: QPainter) -> None:
        whole = float(sum((one for one in self._values if one > 0), Decimal(0)))
        room = self.width() - 20
        bar = QRectF(10, 10, room, 14)
        clip = QPainterPath()
        clip.addRoundedRect(bar, 4, 4)
        painter.save()
        painter.setClipPath(clip)
        painter.fillRect(bar, theme.colour("raised"))
        left = bar.left()
        for number, value in enumerate(self._values):
            if value > 0 and whole:
                wide = float(value) / whole * room
                part = QRectF(left, bar.top(), max(1.0, wide - 1), bar.height())
                painter.fillRect(mirrored(part, self.width()), fill(AGE_TINTS[number]))
                left += wide
        painter.restore()
        for number, mark in enumerate(self.marks):
            box = self.place(number)
            if number == self.pointed():
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme.colour("hover"))
                painter.drawRoundedRect(box, 4, 4)
            sign = QRectF(box.left() + 7, box.center().y() - 4, 8, 8)
            painter.fillRect(mirrored(sign, self.width()), fill(AGE_TINTS[number]))
            _paint_words(self, painter, box.adjusted(22, 0, -8, 0), mark.title, mark.lines[0][0])


class ShareBars(Plot):
    """The largest customers or costs: what it is, its amount, and a bar below."""

    def __init__(self, name: str, tint: str) -> None:
        super().__init__(name, high=176)
        self._tint = tint
        self._values: Sequence[Decimal] = ()

    def show_parts(self, marks: Sequence[Mark], values: Sequence[Decimal]) -> None:
        """Show amounts, the largest first; each mark has one line, its amount."""
        self._values = values
        self.show_marks(marks)

    def place(self, number: int) -> QRectF:
        high = min(40.0, (self.height() - 4) / max(1, len(self.marks)))
        return QRectF(4, 2 + high * number, self.width() - 8, high)

    def minimumSizeHint(self) -> QSize:
        each = QFontMetrics(small(self)).height() + 10
        return QSize(160, max(super().minimumSizeHint().height(), each * max(7, len(self.marks))))

    def paint_marks(self, painter: QPainter) -> None:
        most = float(max((*self._values, Decimal(1))))
        for number, (mark, value) in enumerate(zip(self.marks, self._values, strict=True)):
            box = self.place(number)
            if number == self.pointed():
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme.colour("hover"))
                painter.drawRoundedRect(box, 4, 4)
            inner = box.adjusted(8, 0, -8, 0)
            _paint_words(self, painter, inner.adjusted(0, 0, 0, -7), mark.title, mark.lines[0][0])
            track = QRectF(inner.left(), box.bottom() - 7, inner.width(), 4)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("raised"))
            painter.drawRoundedRect(track, 2, 2)
            part = QRectF(track.left(), track.top(), max(4.0, track.width() * float(value) / most), 4)
            painter.setBrush(fill(self._tint))
            painter.drawRoundedRect(mirrored(part, self.width()), 2, 2)


def _paint_words(plot: Plot, painter: QPainter, box: QRectF, title: str, figure: str) -> None:
    """Paint a name at the beginning and a figure at the end of a line."""
    metrics = QFontMetrics(painter.font())
    wide = metrics.horizontalAdvance(figure) + 4
    turned = plot.isRightToLeft()
    painter.setPen(theme.colour("text"))
    end = QRectF(box.right() - wide, box.top(), wide, box.height())
    painter.drawText(mirrored(end, plot.width()), MIDDLE if turned else RIGHTWARD, figure)
    painter.setPen(theme.colour("text2"))
    begin = box.adjusted(0, 0, -wide - 8, 0)
    text = metrics.elidedText(title, Qt.TextElideMode.ElideRight, int(begin.width()))
    painter.drawText(mirrored(begin, plot.width()), RIGHTWARD if turned else MIDDLE, text)


def age_names() -> tuple[str, ...]:
    """Return how the ages of open items are called."""
    return (tr("Not due yet"), tr("1 to 30 days"), tr("31 to 60 days"), tr("61 to 90 days"), tr("Older"))

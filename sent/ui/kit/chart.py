"""A live chart: an area for the main series, bars for the second, axis labels, a readout under the mouse.

Painted by hand with min/max decimation: 100,000 points cost about as much as the width in pixels. Dragging
selects a span (`span_chosen`), a double click goes back (`span_reset`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from sent.platform.i18n import formats, tr
from sent.ui.kit.decimate import decimate, ticks, time_steps
from sent.ui.kit.widgets import mirrored, small
from sent.ui.theme import fonts, theme

LEFT, RIGHT, TOP, BOTTOM = 46, 14, 12, 24


class LiveChart(QWidget):
    """Events over time with alerts as bars; times are epoch seconds."""

    span_chosen = Signal(float, float)
    span_reset = Signal()
    hovered = Signal(object)
    """The time under the mouse (epoch seconds), None when it leaves: for the other charts of the page."""

    def __init__(self, name: str, *, unit: str, bars_name: str = "") -> None:
        super().__init__()
        self._unit, self._bars_name = unit, bars_name
        self._times: Sequence[float] = ()
        self._values: Sequence[float] = ()
        self._bars: Sequence[float] = ()
        self._start, self._stop = 0.0, 1.0
        self._hover: float | None = None
        self._drag: float | None = None
        self._cross: float | None = None
        self._stale = False
        self.loading = True
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        self.setMinimumHeight(120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.state().changed.connect(self.update)

    def show_points(
        self,
        times: Sequence[float],
        values: Sequence[float],
        bars: Sequence[float],
        start: float,
        stop: float,
    ) -> None:
        """Show `values` (area) and `bars` at `times`, ascending, between `start` and `stop`."""
        self._times, self._values, self._bars = times, values, bars
        self._start, self._stop = start, max(stop, start + 1)
        self.loading = False
        total = int(sum(bars)) if bars else 0
        self.setAccessibleDescription(
            f"{formats().figure(max(values, default=0), 1)} {self._unit}; "
            f"{formats().figure(total)} {self._bars_name}"
        )
        self.update()

    def show_crosshair(self, at: float | None) -> None:
        """Mark the time that the mouse shows in another chart."""
        if at != self._cross:
            self._cross = at
            self.update()

    @property
    def crosshair(self) -> float | None:
        """The time marked, of this chart's mouse or another's."""
        return self._hover if self._hover is not None else self._cross

    def set_stale(self, stale: bool) -> None:
        """Draw pale: what is shown is old."""
        self._stale = stale
        self.update()

    def _plot(self) -> QRectF:
        return QRectF(LEFT, TOP, max(1, self.width() - LEFT - RIGHT), max(1, self.height() - TOP - BOTTOM))

    def _x(self, at: float) -> float:
        plot = self._plot()
        return plot.left() + (at - self._start) / (self._stop - self._start) * plot.width()

    def _at(self, x: float) -> float:
        plot = self._plot()
        share = min(1.0, max(0.0, (x - plot.left()) / plot.width()))
        return self._start + share * (self._stop - self._start)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        painter.setFont(fonts.tabular(small(self)))
        if self.loading:
            self._paint_skeleton(painter)
            return
        if self._stale:
            painter.setOpacity(0.5)
        scale = ticks(max(self._values, default=0), max(2, int(self._plot().height() // 46)))
        self._paint_axes(painter, scale)
        self._paint_area(painter, scale[-1])
        self._paint_bars(painter)
        painter.setOpacity(1)
        if self._drag is not None and self._hover is not None:
            self._paint_span(painter, self._drag, self._hover)
        elif self.crosshair is not None and self._times and self._start <= self.crosshair <= self._stop:
            self._paint_readout(painter, scale[-1], self.crosshair)

    def _paint_skeleton(self, painter: QPainter) -> None:
        plot = self._plot()
        painter.setPen(theme.hairline("line"))
        for n in range(5):
            y = round(plot.top() + plot.height() * n / 4) + 0.5
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))

    def _paint_axes(self, painter: QPainter, scale: list[float]) -> None:
        plot, metrics = self._plot(), QFontMetrics(painter.font())
        for value in scale:
            y = round(plot.bottom() - value / scale[-1] * plot.height()) + 0.5
            painter.setPen(theme.hairline("line"))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(theme.colour("text3"))
            box = QRectF(0, y - 10, LEFT - 8, 20)
            painter.drawText(
                box, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), _short(value)
            )
        span = self._stop - self._start
        painter.setPen(theme.colour("text3"))
        for at in time_steps(self._start, self._stop, max(2, int(plot.width() // 110))):
            text = _clock(at, span)
            width = metrics.horizontalAdvance(text)
            x = self._x(at) - width / 2
            if plot.left() - 4 <= x and x + width <= self.width() - 2:
                painter.drawText(QPointF(x, self.height() - 8), text)

    def _paint_area(self, painter: QPainter, top: float) -> None:
        plot = self._plot()
        points = decimate(self._times, self._values, self._start, self._stop, int(plot.width()))
        if not points:
            return
        painter.save()
        painter.setClipRect(plot.adjusted(0, -2, 0, 1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = QPainterPath()
        for n, (at, low, high) in enumerate(points):
            x = self._x(at)
            y = plot.bottom() - high / top * plot.height()
            if n:
                line.lineTo(x, y)
            else:
                line.moveTo(x, y)
            if low != high:
                line.lineTo(x, plot.bottom() - low / top * plot.height())
        area = QPainterPath(line)
        area.lineTo(self._x(points[-1][0]), plot.bottom())
        area.lineTo(self._x(points[0][0]), plot.bottom())
        area.closeSubpath()
        shade, clear = QColor(theme.colour("info")), QColor(theme.colour("info"))
        shade.setAlphaF(0.26)
        clear.setAlphaF(0.02)
        gradient = QLinearGradient(plot.topLeft(), plot.bottomLeft())
        gradient.setColorAt(0, shade)
        gradient.setColorAt(1, clear)
        painter.fillPath(area, gradient)
        painter.setPen(QPen(theme.colour("info"), 1.6))
        painter.drawPath(line)
        painter.restore()

    def _paint_bars(self, painter: QPainter) -> None:
        """Paint alerts along the ground line, at most a third of the height."""
        top = max(self._bars, default=0)
        if top <= 0:
            return
        plot = self._plot()
        step = (self._times[1] - self._times[0]) if len(self._times) > 1 else 60.0
        width = min(10.0, max(2.0, plot.width() * step / (self._stop - self._start) * 0.5))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("high"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for at, count in zip(self._times, self._bars, strict=False):
            if count and self._start <= at <= self._stop:
                height = max(3.0, count / top * plot.height() / 3)
                box = QRectF(self._x(at) - width / 2, plot.bottom() - height, width, height)
                painter.drawRoundedRect(box, min(2.0, width / 2), min(2.0, width / 2))

    def _paint_span(self, painter: QPainter, drag: float, hover: float) -> None:
        plot = self._plot()
        left, right = sorted((self._x(drag), self._x(hover)))
        shade = QColor(theme.colour("accent"))
        shade.setAlphaF(0.18)
        painter.fillRect(QRectF(left, plot.top(), right - left, plot.height()), shade)

    def _paint_readout(self, painter: QPainter, top: float, hover: float) -> None:
        plot = self._plot()
        number = min(range(len(self._times)), key=lambda n: abs(self._times[n] - hover))
        at, value = self._times[number], self._values[number]
        x, y = self._x(at), plot.bottom() - value / top * plot.height()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("text3"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        painter.setPen(QPen(theme.colour("card"), 2))
        painter.setBrush(theme.colour("info"))
        painter.drawEllipse(QPointF(x, y), 4, 4)
        local = datetime.fromtimestamp(at).astimezone()
        lines = [(f"{formats().weekday(local)} {local.strftime('%H:%M:%S')}", "text3", "")]
        lines.append((f"{formats().figure(value, 1)} {self._unit}", "text", "info"))
        if self._bars and number < len(self._bars):
            lines.append((f"{formats().figure(self._bars[number])} {self._bars_name}", "text", "high"))
        metrics = QFontMetrics(painter.font())
        width = max(metrics.horizontalAdvance(text) for text, _, _ in lines) + 34
        left = x + 12 if x + width + 16 < self.width() else x - width - 12
        box = QRectF(left, plot.top() + 4, width, 16 * len(lines) + 12)
        painter.setPen(QPen(theme.colour("line_strong"), 1))
        painter.setBrush(theme.colour("raised"))
        painter.drawRoundedRect(box, 6, 6)
        for n, (text, ink, swatch) in enumerate(lines):
            line = QRectF(box.left() + 10, box.top() + 6 + 16 * n, width - 16, 16)
            if swatch:
                painter.fillRect(QRectF(line.left(), line.center().y() - 3, 6, 6), theme.colour(swatch))
            painter.setPen(theme.colour(ink))
            painter.drawText(
                line.adjusted(12 if swatch else 0, 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), text
            )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and not self.loading:
            self._drag = self._at(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover = self._at(event.position().x())
        self.hovered.emit(self._hover)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        start, self._drag = self._drag, None
        stop = self._at(event.position().x())
        if start is not None and abs(self._x(stop) - self._x(start)) > 8:
            self.span_chosen.emit(min(start, stop), max(start, stop))
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.span_reset.emit()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = None
        self.hovered.emit(None)
        self.update()

    def readout(self, at: float) -> tuple[float, float] | None:
        """Return (value, bar) at the point nearest to `at`."""
        if not self._times:
            return None
        number = min(range(len(self._times)), key=lambda n: abs(self._times[n] - at))
        bar: Any = self._bars[number] if number < len(self._bars) else 0.0
        return self._values[number], bar


def _short(value: float) -> str:
    """Return 12000 as 12k, 2.5 as 2.5."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:g}".replace(".", formats().point) + unit
    return f"{value:g}".replace(".", formats().point)


def _clock(at: float, span: float) -> str:
    local = datetime.fromtimestamp(at).astimezone()
    if span > 2 * 86400:
        return f"{formats().weekday(local)} {local.strftime('%d')}"
    return local.strftime("%H:%M:%S" if span < 300 else "%H:%M")


def share_crosshair(*charts: LiveChart) -> None:
    """Let the charts of a page show the time under the mouse together."""
    for chart in charts:
        for other in charts:
            if other is not chart:
                chart.hovered.connect(other.show_crosshair)


class Legend(QWidget):
    """The chart's legend: a line for events, a bar for alerts."""

    def __init__(self, first: str, second: str = "") -> None:
        super().__init__()
        self._parts = [(first, "info")] + ([(second, "high")] if second else [])
        self.setAccessibleName(tr("Legend"))
        theme.state().changed.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        metrics = QFontMetrics(small(self))
        self.setMinimumWidth(sum(metrics.horizontalAdvance(text) + 26 for text, _ in self._parts))
        self.setFixedHeight(max(18, metrics.height() + 2))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(small(self))
        metrics = QFontMetrics(painter.font())
        left = 0
        for text, tint in self._parts:
            high = 8 if tint == "high" else 2
            sign = QRectF(left, (self.height() - high) / 2, 8, high)
            painter.fillRect(mirrored(sign, self.width()), theme.colour(tint))
            painter.setPen(theme.colour("text2"))
            words = QRectF(left + 13, 0, metrics.horizontalAdvance(text) + 2, self.height())
            painter.drawText(mirrored(words, self.width()), int(Qt.AlignmentFlag.AlignVCenter), text)
            left += metrics.horizontalAdvance(text) + 26

"""The matrix, painted: a column for each tactic, a cell for each technique, shaded by its rules and alerts.

Arrows move, Enter opens, Space unfolds sub-techniques; a click on the arrow does the same. The figure in a
cell is the number of its rules, the mark beside it the alerts: neither is told by colour alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QFontMetrics,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip, QWidget

from sent.platform.i18n import formats, tr, trn
from sent.ui.kit.shade import blended, standing_out
from sent.ui.kit.widgets import small
from sent.ui.pages.coverage.places import Place, target
from sent.ui.pages.coverage.wording import cell_text, cell_title, tactic_name, tooltip
from sent.ui.theme import theme

if TYPE_CHECKING:
    from sent.engines.radar.api import Cell, Matrix

GAP = 3
NARROWEST = {True: 118, False: 108}
"""Pixels that a column needs at the usual text size, with names and without."""

HIGHEST = 16_000
"""Pixels of a picture's sides."""


class MatrixView(QAbstractScrollArea):
    """Shows one matrix; the current cell stays where it is when another one comes."""

    opened = Signal(object)
    """Enter or a click; the cell."""
    moved = Signal(object)
    """The current cell changed."""
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.matrix: Matrix | None = None
        self.places: list[Place] = []
        self.unfolded: set[str] = set()
        self.words = ""
        self.dimmed = False
        self._current: tuple[str, str] | None = None
        self._header = 44.0
        self._wide = float(NARROWEST[False])
        self._high = 0.0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Matrix of ATT&CK"))
        self.viewport().setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.setCornerWidget(QWidget())
        theme.state().changed.connect(self.arrange)

    def show_matrix(self, matrix: Matrix) -> None:
        """Show a matrix."""
        self.matrix = matrix
        self.arrange()
        place = self.current() or (self.places[0] if self.places else None)
        if place is not None:
            self._go(place)

    def search(self, words: str) -> list[Place]:
        """Pale everything that has none of these words; return what has, folded ones unfolded."""
        self.words = words.strip().lower()
        if self.words and self.matrix is not None:
            for column in self.matrix.columns:
                for cell in column.cells:
                    if any(self._fits(sub) for sub in cell.subs):
                        self.unfolded.add(cell.id)
        self.arrange()
        found = [place for place in self.places if self.words and self._fits(place.cell)]
        if found:
            self._go(found[0])
        return found

    def _fits(self, cell: Cell) -> bool:
        return self.words in cell_title(cell).lower()

    def fold_all(self, unfold: bool) -> None:
        """Show or hide all sub-techniques."""
        cells = [cell for column in (self.matrix.columns if self.matrix else ()) for cell in column.cells]
        self.unfolded = {cell.id for cell in cells if cell.subs} if unfold else set()
        self.arrange()

    def current(self) -> Place | None:
        """Return the current cell's place."""
        return next((p for p in self.places if (self._column_id(p), p.cell.id) == self._current), None)

    def _column_id(self, place: Place) -> str:
        return self.matrix.columns[place.column].id if self.matrix is not None else ""

    def arrange(self) -> None:
        """Place the cells for the width there is."""
        self.places = []
        columns = self.matrix.columns if self.matrix is not None else ()
        scale = theme.state().scale
        named = self.matrix is not None and bool(self.matrix.edition)
        line = QFontMetrics(small(self)).height()
        self._header = 2.0 * line + 16
        room = self.viewport().width() / max(1, len(columns))
        self._wide = float(max(round(NARROWEST[named] * max(1.0, scale)), int(room)))
        tall = 2.0 * line + 12 if named else line + 12.0
        self._high = self._header
        for number, column in enumerate(columns):
            top = self._header
            for cell in column.cells:
                subs = cell.subs if cell.id in self.unfolded else ()
                for part in (cell, *subs):
                    inset = 10.0 if part is not cell else 0.0
                    left = number * self._wide + inset
                    box = QRectF(left, top, self._wide - GAP - inset, tall - GAP)
                    self.places.append(Place(number, box, part, part is not cell))
                    top += tall
            self._high = max(self._high, top)
        view, wide = self.viewport().size(), round(self._wide * len(columns))
        self.horizontalScrollBar().setRange(0, max(0, wide - view.width()))
        self.horizontalScrollBar().setPageStep(view.width())
        self.verticalScrollBar().setRange(0, max(0, round(self._high) - view.height()))
        self.verticalScrollBar().setPageStep(view.height())
        self.verticalScrollBar().setSingleStep(round(tall))
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.arrange()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        dx, dy = self.horizontalScrollBar().value(), self.verticalScrollBar().value()
        shown = QRectF(dx, dy, self.viewport().width(), self.viewport().height())
        painter.setOpacity(0.55 if self.dimmed else 1)
        painter.translate(-dx, -dy)
        self._paint_cells(painter, shown)
        painter.translate(0, dy)
        self._paint_heads(painter, shown)
        if self.hasFocus():
            painter.setOpacity(1)
            painter.setPen(theme.ring())
            painter.drawLine(int(shown.left()), 0, int(shown.right()), 0)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    def _paint_cells(self, painter: QPainter, shown: QRectF) -> None:
        painter.setFont(small(self))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        current = self.current()
        opacity = painter.opacity()
        for place in self.places:
            if place.box.intersects(shown):
                pale = bool(self.words) and not self._fits(place.cell)
                painter.setOpacity(opacity * (0.3 if pale else 1))
                self._paint_cell(painter, place, place == current)
        painter.setOpacity(opacity)

    def _paint_cell(self, painter: QPainter, place: Place, current: bool) -> None:
        rules, alerts = self._counts(place)
        ground = self.shade(rules)
        ink = standing_out(ground)
        painter.setPen(QPen(theme.colour("line"), 1) if not rules else Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(place.box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        if current:
            painter.setPen(QPen(theme.colour("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(place.box.adjusted(1, 1, -1, -1), 4, 4)
        metrics = QFontMetrics(painter.font())
        inner = place.box.adjusted(7, 3, -6, -3)
        if place.cell.subs:
            inner.setLeft(inner.left() + 9)
            self._paint_corner(painter, place, ink)
        figures = self._paint_figures(painter, inner, ink, (rules, alerts), named=bool(place.cell.name))
        painter.setPen(ink)
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        first = QRectF(inner.left(), inner.top(), inner.width(), metrics.height())
        if place.cell.name:
            name = metrics.elidedText(place.cell.name, Qt.TextElideMode.ElideRight, int(inner.width()))
            painter.drawText(first, left, name)
            first = QRectF(inner.left(), inner.bottom() - metrics.height(), inner.width(), metrics.height())
        else:
            first = inner
        first.setRight(figures)
        id = metrics.elidedText(place.cell.id, Qt.TextElideMode.ElideRight, int(first.width()))
        painter.drawText(first, left, id)

    def _paint_figures(
        self, painter: QPainter, inner: QRectF, ink: QColor, counts: tuple[int, int], *, named: bool
    ) -> float:
        """Paint the figures at the right, in the lower line below a name; return where they begin."""
        rules, alerts = counts
        metrics = QFontMetrics(painter.font())
        high = float(metrics.height())
        right, bottom = inner.right(), inner.bottom()
        if alerts:
            text = formats().figure(alerts)
            wide = metrics.horizontalAdvance(text) + 8.0
            chip = QRectF(right - wide, bottom - high, wide, high)
            if not named:
                chip.moveCenter(QPointF(chip.center().x(), inner.center().y()))
            t = theme.tokens()
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(blended(t.high, t.high_soft, 0.45 * self._share(alerts, self._most_alerts())))
            painter.drawRoundedRect(chip, 4, 4)
            painter.setPen(standing_out(painter.brush().color()))
            painter.drawText(chip, int(Qt.AlignmentFlag.AlignCenter), text)
            right -= wide + 4
        if rules:
            text = formats().figure(rules)
            wide = float(metrics.horizontalAdvance(text))
            painter.setPen(ink)
            box = QRectF(right - wide - 1, bottom - high, wide + 1, high)
            if not named:
                box = QRectF(box.left(), inner.top(), box.width(), inner.height())
            painter.drawText(box, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), text)
            right -= wide + 4
        return right

    def _paint_corner(self, painter: QPainter, place: Place, ink: QColor) -> None:
        """Paint the arrow that says whether sub-techniques are shown."""
        x, y = place.box.left() + 8, place.box.center().y()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink)
        open_ = place.cell.id in self.unfolded
        down, right = [(-3, -2), (3, -2), (0, 3)], [(-2, -3), (-2, 3), (3, 0)]
        points = [(x + dx, y + dy) for dx, dy in (down if open_ else right)]
        painter.drawPolygon([QPointF(*point) for point in points])

    def _paint_heads(self, painter: QPainter, shown: QRectF) -> None:
        if self.matrix is None:
            return
        painter.fillRect(QRectF(shown.left(), 0, shown.width(), self._header - 3), theme.colour("card"))
        strong = QFont(small(self))
        strong.setWeight(QFont.Weight.DemiBold)
        metrics = QFontMetrics(strong)
        for number, column in enumerate(self.matrix.columns):
            left, wide = number * self._wide, self._wide - GAP - 4
            painter.setFont(strong)
            painter.setPen(theme.colour("text"))
            name = metrics.elidedText(tactic_name(column), Qt.TextElideMode.ElideRight, int(wide))
            painter.drawText(QRectF(left + 2, 4, wide, metrics.height()), 0, name)
            painter.setFont(small(self))
            painter.setPen(theme.colour("text3"))
            text = tr("{n} of {all}", n=column.covered, all=len(column.cells))
            if not self.matrix.edition:
                text = trn("{n} technique", "{n} techniques", n=column.covered)
            painter.drawText(QRectF(left + 2, metrics.height() + 5, wide, metrics.height()), 0, text)
        painter.setPen(theme.hairline("line"))
        painter.drawLine(int(shown.left()), int(self._header) - 4, int(shown.right()), int(self._header) - 4)

    def _counts(self, place: Place) -> tuple[int, int]:
        """Return rules and alerts; folded cells count their sub-techniques."""
        cell = place.cell
        if self.folded(place):
            return cell.with_subs, cell.alerts_with_subs
        return len(cell.rules), cell.alerts

    def folded(self, place: Place) -> bool:
        """Say whether a cell stands for its sub-techniques, too."""
        return not place.sub and place.cell.id not in self.unfolded

    def _most_alerts(self) -> int:
        return self.matrix.most_alerts if self.matrix is not None else 0

    def shade(self, rules: int) -> QColor:
        """Return the ground of a cell with so many rules: the more, the stronger, by orders of magnitude."""
        t = theme.tokens()
        if not rules:
            return QColor(t.card)
        most = self.matrix.most_rules if self.matrix is not None else rules
        return blended(t.primary, t.card, 0.18 + 0.82 * self._share(rules, most))

    @staticmethod
    def _share(amount: int, most: int) -> float:
        return min(1.0, math.log1p(amount) / math.log1p(max(most, amount, 1)))

    def place_at(self, point: QPoint) -> Place | None:
        """Return the cell under a point of the viewport."""
        if point.y() < self._header - 3:
            return None
        x = point.x() + self.horizontalScrollBar().value()
        y = point.y() + self.verticalScrollBar().value()
        return next((place for place in self.places if place.box.contains(x, y)), None)

    def _go(self, place: Place) -> None:
        self._current = (self._column_id(place), place.cell.id)
        across, down = self.horizontalScrollBar(), self.verticalScrollBar()
        box, view = place.box, self.viewport().size()
        if box.left() < across.value():
            across.setValue(int(box.left()))
        elif box.right() > across.value() + view.width():
            across.setValue(math.ceil(box.right()) - view.width())
        if box.top() - self._header < down.value():
            down.setValue(int(box.top() - self._header))
        elif box.bottom() > down.value() + view.height():
            down.setValue(math.ceil(box.bottom()) - view.height())
        self.setAccessibleDescription(cell_text(place.cell, folded=self.folded(place)))
        self.viewport().update()
        self.moved.emit(place)

    def _toggle(self, place: Place) -> None:
        if place.cell.subs:
            self.unfolded ^= {place.cell.id}
            self.arrange()
            self._go(place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        place, key = self.current(), Qt.Key(event.key())
        if place is None or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit(place.cell)
        elif key == Qt.Key.Key_Space:
            self._toggle(place)
        elif key == Qt.Key.Key_Escape:
            self.left.emit()
        elif (target := self._target(place, key)) is not None:
            self._go(target)
        else:
            event.ignore()

    def _target(self, place: Place, key: Qt.Key) -> Place | None:
        page = int((self.viewport().height() - self._header) // (place.box.height() + GAP)) - 1
        return target(self.places, place, key, max(1, page))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self.place_at(event.position().toPoint())
        if place is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self.setFocus()
        across = event.position().x() + self.horizontalScrollBar().value() - place.box.left()
        self._go(place)
        if place.cell.subs and across < 18:
            self._toggle(place)
        else:
            self.opened.emit(place.cell)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self.place_at(event.pos())
            text = "" if place is None else cell_text(place.cell, folded=self.folded(place))
            QToolTip.showText(event.globalPos(), tooltip(text) if text else "", self.viewport())
            return True
        return super().viewportEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(900, 520)

    def picture(self, scale: float = 2.0) -> QImage:
        """Return the whole matrix as a picture."""
        columns = len(self.matrix.columns) if self.matrix is not None else 0
        wide, high = round(self._wide * columns) + 24, round(self._high) + 24
        scale = min(scale, HIGHEST / max(wide, high, 1))
        image = QImage(round(wide * scale), round(high * scale), QImage.Format.Format_RGB32)
        image.fill(theme.colour("card"))
        painter = QPainter(image)
        painter.scale(scale, scale)
        painter.translate(12, 12)
        whole = QRectF(0, 0, wide, high)
        self._paint_cells(painter, whole)
        self._paint_heads(painter, whole)
        painter.end()
        return image

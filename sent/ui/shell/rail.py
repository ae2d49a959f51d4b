"""The rail: pages grouped by area, from the manifests of all engines."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QLabel, QSizePolicy

from sent.platform.i18n import tr
from sent.platform.manifest import AREAS, Page
from sent.ui.kit.widgets import IconLabel, clear, column, label, mirrored, row
from sent.ui.theme import theme
from sent.ui.theme.icons import pixmap

WIDTH, WIDEST, NARROW = 196, 320, 56


def area_title(area: str) -> str:
    """Return the heading of an area."""
    titles = {
        "command": tr("Command"),
        "communication": tr("Communication"),
        "business": tr("Business"),
        "security": tr("Security"),
        "admin": tr("Administration"),
    }
    return titles.get(area, area.capitalize())


class RailItem(QAbstractButton):
    """One page: icon, title, a badge when something waits there.

    A middle click, or drawing it out of the window, opens the page in a window of its own.
    """

    apart = Signal()

    def __init__(self, page: Page, title: str) -> None:
        super().__init__()
        self.page_id = page.id
        self._icon = page.icon
        self._badge = ""
        self.narrow = False
        self.setText(title)
        self.setAccessibleName(title)
        self.setToolTip(f"{title}  (G, {page.jump.upper()})" if page.jump else title)
        self.setCheckable(True)
        self.setAutoExclusive(False)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        place = event.position().toPoint()
        out = not self.window().rect().contains(self.mapTo(self.window(), place))
        if event.button() == Qt.MouseButton.MiddleButton or (
            event.button() == Qt.MouseButton.LeftButton and out
        ):
            self.setDown(False)
            self.apart.emit()
        else:
            super().mouseReleaseEvent(event)

    def badge(self) -> str:
        """Return what the badge shows."""
        return self._badge

    def set_badge(self, text: str) -> None:
        """Show how much waits; empty hides it."""
        if text != self._badge:
            self._badge = text
            self.setAccessibleDescription(tr("{n} waiting", n=text) if text else "")
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(WIDTH - 20, round(32 * max(1.0, theme.state().scale)))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        on = self.isChecked()
        if on or self.underMouse() or self.isDown():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("selected" if on else "hover"))
            painter.drawRoundedRect(box, 6, 6)
        if self.hasFocus():
            painter.setPen(theme.ring())
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box, 6, 6)
        ink = "text" if on or self.underMouse() else "text2"
        shade = str(getattr(theme.tokens(), "accent" if on else "text2"))
        left = (self.width() - 17) // 2 if self.narrow else 10
        place = mirrored(QRectF(left, (self.height() - 17) // 2, 17, 17), self.width()).topLeft()
        painter.drawPixmap(place, pixmap(self._icon, shade, 17, self.devicePixelRatioF()))
        if self.narrow:
            if self._badge:
                painter.setPen(theme.colour("panel"))
                painter.setBrush(theme.colour("critical"))
                dot = QRectF(left + 11, self.height() / 2 - 12, 9, 9)
                painter.drawEllipse(mirrored(dot, self.width()))
            return
        font = QFont(self.font())
        font.setWeight(QFont.Weight.Medium if on else QFont.Weight.Normal)
        painter.setFont(font)
        painter.setPen(theme.colour(ink))
        room = QRectF(self.rect()).adjusted(37, 0, -34 if self._badge else -8, 0)
        room = mirrored(room, self.width())
        text = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), text)
        if self._badge:
            self._paint_badge(painter)

    def _paint_badge(self, painter: QPainter) -> None:
        font = QFont(self.font())
        font.setPixelSize(round(11 * theme.state().scale))
        painter.setFont(font)
        width = max(18, painter.fontMetrics().horizontalAdvance(self._badge) + 10)
        box = QRectF(self.width() - width - 8, self.height() / 2 - 8.5, width, 17)
        box = mirrored(box, self.width())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("critical_soft"))
        painter.drawRoundedRect(box, 8.5, 8.5)
        painter.setPen(theme.colour("critical"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._badge)


class Rail(QFrame):
    """The items of all pages the session may see."""

    chosen = Signal(str)
    apart = Signal(str, str)
    """Page and an empty record, for a window of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("rail")
        self.setFixedWidth(WIDTH)
        self.setAccessibleName(tr("Pages"))
        self.items: dict[str, RailItem] = {}
        self._mark = IconLabel("sent", "accent", 22)
        self._name = label("SENT", weight="bold", type="l")
        self._list = column(gap=2)
        self._foot = column(gap=2)
        head = row(self._mark, self._name, None, gap=9, margins=(10, 0, 4, 0))
        self.setLayout(column(head, 14, self._list, None, self._foot, gap=0, margins=(10, 15, 10, 10)))
        self._groups: list[QLabel] = []
        self._narrow = False
        theme.state().changed.connect(self._fit)

    def show_pages(self, pages: Iterable[tuple[str, Page]], foot: Iterable[Page]) -> None:
        """Show (area, page) grouped in the order of areas, and the shell's own pages at the bottom."""
        clear(self._list)
        clear(self._foot)
        self.items.clear()
        self._groups = []
        by_area: dict[str, list[Page]] = {}
        for area, page in pages:
            by_area.setdefault(area, []).append(page)
        for area in AREAS:
            if area in by_area:
                heading = label(area_title(area), tone="3", type="s", weight="medium")
                heading.setContentsMargins(10, 8 if self._groups else 0, 0, 4)
                self._groups.append(heading)
                self._list.addWidget(heading)
                for page in by_area[area]:
                    self._list.addWidget(self._item(page))
        for page in foot:
            self._foot.addWidget(self._item(page))

    def set_current(self, page: str) -> None:
        """Mark the page in front."""
        for id, item in self.items.items():
            item.setChecked(id == page)

    def set_narrow(self, narrow: bool) -> None:
        """Show icons only (narrow windows)."""
        self._narrow = narrow
        self._fit()
        self._name.setVisible(not narrow)
        for heading in self._groups:
            heading.setVisible(not narrow)
        for item in self.items.values():
            item.narrow = narrow
            item.update()

    def _fit(self) -> None:
        """Be as wide as the longest title needs beside icon and badge, in this language and text size."""
        needed = [item.fontMetrics().horizontalAdvance(item.text()) + 92 for item in self.items.values()]
        self.setFixedWidth(NARROW if self._narrow else min(WIDEST, max(WIDTH, *needed, 0)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        items = list(self.items.values())
        focused = next((n for n, item in enumerate(items) if item.hasFocus()), None)
        if step is None or focused is None:
            super().keyPressEvent(event)
        else:
            items[(focused + step) % len(items)].setFocus(Qt.FocusReason.TabFocusReason)

    def _item(self, page: Page) -> RailItem:
        item = RailItem(page, tr(page.title))
        item.clicked.connect(lambda _=False, id=page.id: self._clicked(id))
        item.apart.connect(lambda id=page.id: self.apart.emit(id, ""))
        self.items[page.id] = item
        return item

    def _clicked(self, id: str) -> None:
        self.chosen.emit(id)

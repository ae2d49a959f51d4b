"""Widgets side by side that go on in the next line where there is no room."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget

from sent.ui.kit.widgets import LINK_EDGE, mirrored


class Flow(QLayout):
    """Lines of widgets, each as wide as it wants to be; hidden ones take no room.

    `outdent` pixels stand out at the beginning, so that the words of links begin where those above do.
    """

    def __init__(self, *widgets: QWidget, gap: int = 8, line_gap: int = 6, outdent: int = 0) -> None:
        super().__init__()
        self._outdent = outdent
        self._items: list[QLayoutItem] = []
        self._line_gap = line_gap
        self.setSpacing(gap)
        self.setContentsMargins(0, 0, 0, 0)
        for widget in widgets:
            self.addWidget(widget)

    def addItem(self, item: QLayoutItem, /) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int, /) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int, /) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int, /) -> int:
        return self._arrange(QRect(0, 0, width + 2 * self._outdent, 0), move=False)

    def sizeHint(self) -> QSize:
        shown = [item.sizeHint() for item in self._items if not item.isEmpty()]
        wide = sum(size.width() for size in shown) + self.spacing() * max(0, len(shown) - 1)
        return QSize(wide, max((size.height() for size in shown), default=0))

    def minimumSize(self) -> QSize:
        shown = [item.minimumSize() for item in self._items if not item.isEmpty()]
        return QSize(
            max((size.width() for size in shown), default=0),
            max((size.height() for size in shown), default=0),
        )

    def setGeometry(self, rect: QRect, /) -> None:
        super().setGeometry(rect)
        self._arrange(rect.adjusted(-self._outdent, 0, self._outdent, 0), move=True)

    def _arrange(self, rect: QRect, *, move: bool) -> int:
        """Place the items line by line; return the height they take."""
        left = top = tall = 0
        for item in self._items:
            if item.isEmpty():
                continue
            size = item.sizeHint()
            if left and left + size.width() > rect.width():
                left, top, tall = 0, top + tall + self._line_gap, 0
            if move:
                wide = min(size.width(), max(rect.width(), item.minimumSize().width()))
                place = QRectF(rect.x() + left, rect.y() + top, wide, size.height())
                item.setGeometry(mirrored(place, rect.width(), rect.x()).toRect())
            left += size.width() + self.spacing()
            tall = max(tall, size.height())
        return top + tall


def links(*widgets: QWidget) -> Flow:
    """Return links that begin where the texts above and below them do."""
    return Flow(*widgets, gap=12, line_gap=2, outdent=LINK_EDGE)
